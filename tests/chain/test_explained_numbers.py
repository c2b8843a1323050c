"""The formula of an explanation, taken at its word: its numbers are those of autograd."""

import re

import pytest
import torch
from torch.nn import functional as F  # noqa: N812 # torch's own name for it

from torch_reference import check_links

torch.manual_seed(0)
X, W, SQUARE = (torch.randn(*shape, dtype=torch.float64) for shape in ((5, 3), (5, 3), (3, 3)))
HOLDS = X > 0
ROWS = torch.tensor([0, 0, 2])
SUPERSCRIPTS = {"²": "**2", "³": "**3"}
NAMES = {"sigmoid": torch.sigmoid, "exp": torch.exp, "condition": HOLDS.double(), "mask": HOLDS.double()}

FORMULAS = {
    "d_y @ w": (F.linear, X, W),
    "d_yᵀ @ x": (F.linear, X, W),
    "d_y @ wᵀ": (torch.matmul, X, SQUARE),
    "d_yᵀ": (lambda x: x.transpose(-2, -1), X),
    "w @ d_yᵀ": (lambda x, w: x.T @ w, X, W),
    "-(yᵀ @ d_y) @ yᵀ": (torch.linalg.inv, SQUARE),
    "d_y·x/y": (lambda x: x.norm(dim=-1, keepdim=True), X),
    "d_y·y/x": (lambda x: x.prod(-1, keepdim=True), X),
    "condition·d_y": (lambda x, w: torch.where(HOLDS, x, w), X, W),
    "d_y·(1 - condition)": (lambda x, w: torch.where(HOLDS, x, w), X, W),
    "d_y·(1 - mask)": (lambda x: x.masked_fill(HOLDS, 0), X),
    "d_y·[x - w > 0]": (torch.maximum, X, W),
    "d_y·[w - x > 0]": (torch.minimum, X, W),
    "d_y·x·sigmoid(x)": (lambda x, w: F.silu(x) * w, X, W),
    "d_y·x³": (lambda x, w: x**3 * w, X, W),
    "tril(d_y)": (torch.tril, SQUARE),
    "flipped(d_y)": (lambda x: x.flip(0), X),
    "scattered(d_y)": (lambda x: F.embedding(ROWS, x), X),
    "part(d_y)": (lambda x, w: torch.cat([x, w]), X, W),
}


def as_code(formula: str) -> str:
    """The formula as Python."""
    formula = re.sub(r"\[([^]]* > 0)\]", r"(\1).double()", formula).replace("·", "*").replace("ᵀ", ".mT")
    for power, code in SUPERSCRIPTS.items():
        formula = formula.replace(power, code)
    return formula


@pytest.mark.parametrize("formula", FORMULAS)
def test_the_numbers_are_right(formula: str) -> None:
    function, *values = FORMULAS[formula]
    given = {name: value.clone().requires_grad_() for name, value in zip("xw", values, strict=False)}
    y = function(*given.values())
    d_y = torch.randn_like(y)
    right = dict(
        zip(given, torch.autograd.grad((y * d_y).sum(), given.values(), retain_graph=True), strict=True)
    )
    gradients = {f"d_{name}": torch.zeros_like(value) for name, value in given.items()}
    report = check_links((y * d_y).sum(), {"y": y, "d_y": d_y, **given, **gradients})
    told = {name: report.explain(name).splitlines()[0].split(" = ", 1)[-1] for name in given}
    assert formula in told.values()
    name = next(name for name, text in told.items() if text == formula)

    def scattered(rows: torch.Tensor) -> torch.Tensor:
        return torch.zeros_like(given[name]).index_add(0, ROWS, rows)

    def part(whole: torch.Tensor) -> torch.Tensor:
        return whole[: len(X)] if name == "x" else whole[len(X) :]

    shown = {
        "tril": torch.tril,
        "flipped": lambda g: g.flip(0),
        "scattered": scattered,
        "part": part,
    }
    found = eval(as_code(formula), {}, {**NAMES, **shown, "y": y, "d_y": d_y, **given})
    assert torch.allclose(found, right[name])


def test_a_gain_and_an_offset_get_words_of_their_own() -> None:
    x, gain, offset = (torch.randn(*shape).double().requires_grad_() for shape in ((5, 3), (3,), (3,)))
    y = F.layer_norm(x, (3,), gain, offset)
    zeros = {"d_gain": torch.zeros(3).double(), "d_offset": torch.zeros(3).double()}
    report = check_links(
        (y * y.detach()).sum(), {"y": y, "d_y": y.detach(), "gain": gain, "offset": offset, **zeros}
    )
    assert "times the normalised value, summed." in report.explain("gain")
    assert "gradient of y, summed." in report.explain("offset")
