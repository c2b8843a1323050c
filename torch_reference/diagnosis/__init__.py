"""What kind of mistake a wrong gradient looks like: candidates, each tried on several random points.

diagnosis decides; diagnosis_kinds says every kind in words; candidates is what follows from the right
gradient, edited_reference what follows from a wrong derivative of one call of the forward pass
(reference_edits, wrong_derivatives); random_draws is how points are drawn and compared.
"""

from torch_reference.diagnosis.diagnosis_kinds import KINDS, PATTERNS

__all__ = ["KINDS", "PATTERNS"]
