"""A sentence of a diagnosis says no more than is known, and which of two: of paths, factors and divisions."""

import pytest
import torch
from torch.nn import functional

from torch_reference import check_function

X = torch.randn(6, 4, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
Y = X.flip(0) + 0.1


def diagnosed(function, reference, *inputs):
    """The kind and the sentence of the first gradient that is wrong."""
    report = check_function(function, reference, *inputs, ways=[], order=1)
    found = next(f.diagnosis for f in report.findings if not f.agrees)
    return found.kind, found.sentence


def one(forward, backward):
    """A pair of one input, which is all that is saved."""
    return lambda x: (forward(x), x), backward


def pooled(x):
    """The root of the sum of each two squares."""
    return x.unfold(-1, 2, 2).square().sum(-1).sqrt()


BESIDE = one(functional.silu, lambda x, g: g * x * torch.sigmoid(x) * torch.sigmoid(-x))
CASES = {
    "the path beside the sigmoid": (
        BESIDE,
        lambda x: x * torch.sigmoid(x),
        ("path dropped", "not the one through operand 1, inputs[0], of mul, call 2 of"),
    ),
    "the same, which stands second": (
        BESIDE,
        lambda x: torch.sigmoid(x) * x,
        ("path dropped", "not the one through operand 2, inputs[0], of mul, call 2 of"),
    ),
    "the path through the sigmoid": (
        one(functional.silu, lambda x, g: g * torch.sigmoid(x)),
        lambda x: x * torch.sigmoid(x),
        ("path dropped", "not the one through sigmoid, call 1 of"),
    ),
    "two paths": (
        one(lambda x: x.exp() + x * x + x.tanh(), lambda x, g: 2 * x * g),
        lambda x: x.exp() + x * x + x.tanh(),
        ("path dropped", "of the forward pass, nor the one through tanh, call 4 of"),
    ),
    "a division that is forgotten is no other factor": (
        one(pooled, lambda x, g: x * g.repeat_interleave(2, -1)),
        pooled,
        ("factor too many", "or a division by it is missing: the result of sqrt (call 4) on the way to"),
    ),
    "a factor too many is no product for its own factor": (
        one(lambda x: 2 * x.sin() * Y, lambda x, g: 4 * x.sin() * Y * x.cos() * Y * g),
        lambda x: 2 * x.sin() * Y,
        ("factor too many", "the result of mul (call 3) on the way to"),
    ),
    "a choice that is handed through": (
        one(lambda x: x.clamp(-1, 1) ** 2, lambda x, g: 2 * x.clamp(-1, 1) * g),
        lambda x: torch.where(x.abs() <= 1, x, x.detach().clamp(-1, 1)) ** 2,
        ("derivative missing", "as if it were 1 (where, call 2 of"),
    ),
    "all that is handed through": (
        one(functional.softsign, lambda x, g: g * 1),
        lambda x: x / (1 + x.abs()),
        ("upstream itself", "the gradient of outputs[0] as it comes from above"),
    ),
    "what comes from above is no factor of a call": (
        one(lambda x: x.sin() * x, lambda x, g: x.cos() * x + x.sin()),
        lambda x: x.sin() * x,
        ("upstream forgotten", "ignored, as if it were 1 (below mul, call 2 of"),
    ),
    "half, which is right at zero": (
        one(functional.silu, lambda x, g: g / 2),
        functional.silu,
        ("taken as zero", "It is what would be right if inputs[0] were zero."),
    ),
}


@pytest.mark.medium
@pytest.mark.parametrize("case", CASES)
def test_a_sentence_says_which_and_no_more(case: str) -> None:
    """The kind, and the part of the sentence that tells it from another."""
    function, reference, (kind, said) = CASES[case]
    found, sentence = diagnosed(function, reference, X)
    assert (found, said in sentence) == (kind, True), sentence


@pytest.mark.medium
def test_a_missing_factor_is_told_from_the_other_one() -> None:
    """Of x · y the gradient of y lacks x, which is the first."""
    wrong = (lambda x, y: (x * y, (x, y))), lambda kept, g: (g * kept[1], g * 1.0)
    assert "(operand 1, inputs[0], of mul, call 1 of" in diagnosed(wrong, torch.mul, X, Y)[1]


@pytest.mark.parametrize("shape", [(3, 3), (2, 3, 3), (2, 3, 4)])
def test_each_matrix_of_a_batch_may_be_transposed(shape: tuple[int, ...]) -> None:
    """As of matrix functions, whose gradients are most often transposed."""
    x = torch.randn(shape, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    wrong = one(lambda x: x.sin().cumsum(-1), lambda x, g: (x.cos() * g.flip(-1).cumsum(-1).flip(-1)).mT)
    assert diagnosed(wrong, lambda x: x.sin().cumsum(-1), x)[0] == "transposed"


@pytest.mark.medium
@pytest.mark.parametrize(
    ("d_x", "told"),
    [
        (lambda x, g, h: g + 2 * h * x.sin(), "as if it were 1 (sin, call 1 of 2 of the forward pass)"),
        (
            lambda x, g, h: g * x.cos(),
            "the check's own product with d_loss_d_outputs[1], behind all calls of",
        ),
    ],
)
def test_the_calls_that_are_counted_are_the_functions_own(d_x, told):
    """The check takes each output times what comes from above, and adds all up: six calls more."""

    def both(x):
        return (y := x.sin()), y * y

    pair = (lambda x: (both(x), x)), (lambda x, g, h: (d_x(x, g, h),))
    assert told in diagnosed(pair, both, X)[1]
