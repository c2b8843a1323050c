"""A constant factor so near 1 that no element shows it, and all of them together do."""

from torch import Tensor

from torch_reference.comparison import Row
from torch_reference.diagnosis.likeness import as_written
from torch_reference.diagnosis.pattern_kinds import PATTERNS
from torch_reference.judging.derivation_task import Cut
from torch_reference.judging.finding import Diagnosis
from torch_reference.judging.scalar_objective import Objective, reference_gradients
from torch_reference.tolerance.gradient_sums import ALONG

KIND = "constant factor"
LEFT = 0.5
"""So much of the error is left at most without the factor, in the root of the mean square: roundings are."""


def small_factor(objective: Objective, row: Row, cut: Cut, manual: Tensor) -> Diagnosis | None:
    """The diagnosis, if it is the product with the reference that differs, and a factor explains the error.

    It is that product by what it should be, ⟨found, right⟩ / ⟨right, right⟩.

    Errors: whatever the reference raises
    """
    found, expected = row.manual, row.reference
    if row.part != ALONG or not isinstance(found, float) or not isinstance(expected, float) or not row.bound:
        return None
    names = {row.name: cut.names[row.name]}
    right = reference_gradients(objective, cut.point, names, cut.links)[row.name].double()
    factor = found / expected
    left, error = (float((manual.double() - part * right).norm()) for part in (factor, 1.0))
    if not left <= LEFT * error:
        return None
    sentence, mend = PATTERNS[KIND]
    told = sentence.format(factor=as_written(factor, row.bound / abs(expected)))
    return Diagnosis(KIND, told, mend)
