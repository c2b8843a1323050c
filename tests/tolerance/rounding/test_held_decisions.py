"""Each run holds the decisions of the exact one, in the same order, whatever the code does to them."""

from collections.abc import Callable, Mapping

import pytest
import torch
from torch import Tensor
from torch.nn.functional import batch_norm, conv2d, interpolate, logsigmoid

from torch_reference import check_function
from torch_reference.tolerance.movement import Movement
from torch_reference.tolerance.rounding.moved_run import MovedRun

draws = torch.Generator().manual_seed(0)
x = torch.randn(1, 2, 5, generator=draws, dtype=torch.float64)
y = torch.randn(1, 2, 5, generator=draws, dtype=torch.float64)
truth = torch.tensor([0.0, 1.0, 1.0, 0.0, 1.0], dtype=torch.float64)


def where_not(x: Tensor) -> Tensor:
    """A mask that is inverted in place."""
    mask = x > 0
    return x * mask.logical_not_() + torch.sin(x) * ~mask


FUNCTIONS: dict[str, Callable[[Tensor], Tensor]] = {
    "a mask inverted in place": where_not,
    "one that torch's backward inverts in place": lambda x: torch.fmin(x, y),
    "an operation that decides inside, twice": lambda x: truth * logsigmoid(x) + (1 - truth) * logsigmoid(-x),
    "an index made of rounded numbers": lambda x: interpolate(x, size=7, mode="nearest"),
    "the largest, of which a side may have none": lambda x: x.norm(p=float("inf")),
    "the largest at places": lambda x: torch.zeros(2, dtype=x.dtype).scatter_reduce(
        0, torch.tensor([0, 1, 0, 1, 0]), x[0, 0], "amax", include_self=False
    ),
}


@pytest.mark.medium(3)
@pytest.mark.parametrize("function", FUNCTIONS.values(), ids=FUNCTIONS)
def test_a_gradient_times_1_01_differs(function: Callable[[Tensor], Tensor]) -> None:
    """What is right agrees; what is wrong is wrong in numbers, and no error of the reference."""
    assert check_function(function, function, x, ways=[], order=1)

    def off(x: Tensor) -> Tensor:
        return function(x + 0.01 * (x - x.detach()))

    found = check_function(off, function, x, ways=[], order=1, draws=0)
    wrong = {finding.name: finding.row.verdict.value for finding in found.findings if not finding.agrees}
    assert wrong == {"inputs[0]": "differs"}, found


@pytest.mark.medium
def test_vectors_of_any_sign_have_those_of_the_exact_run() -> None:
    """LAPACK in float32 may choose another than in float64; the slope of a size is decided by it."""
    matrix = torch.randn(6, 6, generator=torch.Generator().manual_seed(2))

    def sizes(a: Tensor) -> Tensor:
        return torch.linalg.eigh(a + a.mT)[1].abs()

    def off(a: Tensor) -> Tensor:
        return sizes(a + 0.01 * (a - a.detach()))

    assert check_function(sizes, sizes, matrix, ways=[], order=1)
    assert not check_function(off, sizes, matrix, ways=[], order=1, draws=0)


@pytest.mark.parametrize(("factor", "agrees"), [(1.0, True), (1.01, False)])
def test_a_quantile_times_1_01_differs(factor: float, agrees: bool) -> None:
    """It rounds its ranks up in place: moved by a rounding after that, a rank is the one before."""

    def quantile(x: Tensor) -> Tensor:
        return torch.quantile(x, 0.3)

    found = check_function(lambda x: factor * quantile(x), quantile, x, ways=[], order=1, draws=0)
    assert [each.agrees for each in found.findings if each.kind == "output"] == [agrees], found


def test_what_has_no_bias_decides_as_often_in_every_run() -> None:
    """A convolution's backward hands out None for it: no decision; as one it put off all after it."""
    torch.manual_seed(0)
    images, weight, gain = torch.randn(2, 3, 6, 6), torch.randn(4, 3, 3, 3), torch.zeros(4)

    def reference(values: Mapping[str, Tensor]) -> dict[str, Tensor]:
        leaves = {name: values[name].detach().requires_grad_() for name in ("weight", "gain")}
        hidden = torch.relu(conv2d(values["images"], leaves["weight"], padding=1))
        hidden = hidden + batch_norm(hidden.roll(1, 1), None, None, leaves["gain"], None, True)
        hidden = conv2d(torch.relu(hidden), leaves["weight"][:, :1].expand(-1, 4, -1, -1))
        found = torch.autograd.grad(torch.relu(hidden).square().sum(), [*leaves.values()])
        return dict(zip(leaves, found, strict=True))

    movement = Movement(reference, {"images": images, "weight": weight, "gain": gain})
    movement.at_least(2)
    run = MovedRun(0, movement.decisions)
    with run:
        reference(movement.inputs)
    assert len(run.decisions.made) == len(movement.decisions)
    assert (movement.moved["gain"] < 1e-4 * movement.expected["gain"].abs().amax()).all()
