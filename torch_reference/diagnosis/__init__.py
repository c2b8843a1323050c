"""What kind of mistake a wrong gradient looks like: candidates, each tried on several random points.

diagnosis decides; diagnosis_kinds and pattern_kinds say every kind in words; candidates is what follows from
the right gradient, edits/ what follows from a wrong derivative of one call of the forward pass; random_draws
is how points are drawn and compared; likeness says what one link of a chain looks like beside autograd's;
projection finds in 16 bits what no single element shows.
"""

from torch_reference.diagnosis.diagnosis_kinds import KINDS
from torch_reference.diagnosis.pattern_kinds import PATTERNS

__all__ = ["KINDS", "PATTERNS"]
