"""A factor near 1: no element shows it, all of them together do."""

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812 # torch's own name for it

from torch_reference import check_function
from torch_reference.comparison import Row, Verdict
from torch_reference.diagnosis.small_factor import small_factor
from torch_reference.judging.derivation_task import Cut
from torch_reference.judging.function_objective import FunctionObjective
from torch_reference.tolerance.gradient_sums import ALONG

torch.manual_seed(0)
X = torch.randn(128, 256)
FACTOR = torch.tensor(1 + 1.5e-6, dtype=torch.float64)


def normed(x: Tensor) -> Tensor:
    return F.layer_norm(x, x.shape[-1:])


@pytest.mark.medium
def test_a_factor_near_one_is_told_where_no_element_differs() -> None:

    def forward(x):
        deviation = x - x.mean(-1, keepdim=True)
        inverse = (deviation.square().mean(-1, keepdim=True) + 1e-5).rsqrt()
        return deviation * inverse, (deviation * inverse, inverse)

    def backward(saved, above):
        h, inverse = saved
        by_deviation = h * (above * h).mean(-1, keepdim=True)
        return (inverse * (above - above.mean(-1, keepdim=True) - by_deviation) * FACTOR).float()

    report = check_function((forward, backward), normed, X, order=1, ways=[])
    [found] = [each for each in report.findings if not each.agrees]
    assert found.row.part == "product with the reference", str(report)
    assert found.row.wrong_elements == 0
    assert found.diagnosis.kind == "constant factor"
    assert "times 1 + 1.5" in found.diagnosis.sentence


def test_a_product_that_differs_for_another_reason_is_no_factor() -> None:
    """Where half of all is off, a factor explains half of the squares of the error, and no more."""
    objective = FunctionObjective(torch.square)
    point = {"inputs[0]": X.double(), "d_loss_d_outputs[0]": X.double()}
    right = 2 * X.double() ** 2
    for part, kind in ((X > -9, "constant factor"), (torch.arange(256) % 2 == 0, None)):
        manual = right * (1 + 1e-6 * part)
        found, expected = (float((one * right).sum()) for one in (manual, right))
        row = Row("inputs[0]", Verdict.DIFFERS, found, expected, bound=1e-8 * expected, part=ALONG)
        told = small_factor(objective, row, Cut(point, {"inputs[0]": X.shape}, ()), manual)
        assert (told.kind if told else None) == kind
