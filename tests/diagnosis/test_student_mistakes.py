"""Two dozen mistakes of students on the lesson's seven parameters: each is called what it is, or unknown."""

import pytest
import torch
from torch import nn

from torch_reference import check_derivation

START = {"w1": 2.74, "b1": 0.1, "w2": -1.13, "b2": 0.57, "w3": 0.36, "w4": 0.63, "b3": -0.4}
ONE, TWO = "12"


class Lesson(nn.Module):
    """The lesson's network as a student writes it: one parameter for each name."""

    def __init__(self) -> None:
        """The seven parameters."""
        super().__init__()
        for name, value in START.items():
            setattr(self, name, nn.Parameter(torch.tensor(value, dtype=torch.float64)))

    def forward(self, dose):
        """w3 SoftPlus(w1 x + b1) + w4 SoftPlus(w2 x + b2) + b3."""
        y1 = nn.functional.softplus(self.w1 * dose + self.b1)
        y2 = nn.functional.softplus(self.w2 * dose + self.b2)
        return self.w3 * y1 + self.w4 * y2 + self.b3


def ssr(predicted, observed):
    """Sum of squared residuals."""
    return ((observed - predicted) ** 2).sum()


RIGHT = {
    "y": lambda x: (1 + x.exp()).log(),
    "slope": lambda x, y: torch.sigmoid(x),
    "d": lambda observed, predicted: -2 * (observed - predicted),
    "total": lambda d, factor: (d * factor).sum(),
    "final": lambda gradients, p: gradients,
    "w3_factor": lambda x1, y1, dose: y1,
    "through": lambda p: (p["w3"], p["w4"]),
    "w1_factor": lambda dose, x1, y1: dose,
    "b3": lambda d: d.sum(),
}


def derivation(**changed):
    """The right derivation, with some of its pieces replaced."""
    use = {**RIGHT, **changed}

    def by_hand(p, dose, observed):
        x1, x2 = p["w1"] * dose + p["b1"], p["w2"] * dose + p["b2"]
        y1, y2 = use["y"](x1), use["y"](x2)
        d = use["d"](observed, p["w3"] * y1 + p["w4"] * y2 + p["b3"])
        total, (v3, v4) = use["total"], use["through"](p)
        d_x1, d_x2 = d * v3 * use["slope"](x1, y1), d * v4 * use["slope"](x2, y2)
        found = {
            "w1": total(d_x1, use["w1_factor"](dose, x1, y1)),
            "b1": total(d_x1, torch.ones_like(dose)),
            "w2": total(d_x2, use["w1_factor"](dose, x2, y2)),
            "b2": total(d_x2, torch.ones_like(dose)),
            "w3": total(d, use["w3_factor"](x1, y1, dose)),
            "w4": total(d, use["w3_factor"](x2, y2, dose)),
            "b3": use["b3"](d),
        }
        return use["final"](found, p)

    return by_hand


MISTAKES = {
    "the derivative at y": ({"slope": lambda x, y: torch.sigmoid(y)}, {"derivative at the output"}),
    "ReLU for SoftPlus": ({"y": torch.relu}, {"another function"}),
    "log10 for SoftPlus": ({"y": lambda x: (1 + x.exp()).log10()}, {"another function"}),
    "ReLU for SoftPlus, and its derivative": (
        {"y": torch.relu, "slope": lambda x, y: (x > 0).double()},
        {"another function"},
    ),
    "|r|": ({"d": lambda o, p: -(o - p).sign()}, {"derivative of another function"}),
    "2|r|": ({"d": lambda o, p: -2 * (o - p).abs()}, {"derivative of another function"}),
    "s(1 - s)": (
        {"slope": lambda x, y: torch.sigmoid(x) * torch.sigmoid(-x)},
        {"derivative of another function"},
    ),
    "exp(x)": ({"slope": lambda x, y: x.exp()}, {"derivative of another function"}),
    "sigmoid(-x)": ({"slope": lambda x, y: torch.sigmoid(-x)}, {"derivative of another function"}),
    "no derivative": ({"slope": lambda x, y: torch.ones_like(x)}, {"derivative missing"}),
    "w3 and w4 swapped": ({"through": lambda p: (p["w4"], p["w3"])}, {"another factor"}),
    "x for y1": ({"w3_factor": lambda x1, y1, dose: dose}, {"another factor"}),
    "x1 for y1": ({"w3_factor": lambda x1, y1, dose: x1}, {"input for the activation"}),
    "y1 for x": ({"w1_factor": lambda dose, x1, y1: y1}, {"another factor"}),
    "product of sums": (
        {"total": lambda d, factor: d.sum() * factor.sum()},
        {"product of sums", "sum for mean"},
    ),
    "1 for the derivative of b3": ({"b3": lambda d: d.new_ones(())}, {"upstream forgotten"}),
    "the new value": (
        {"final": lambda g, p: {k: p[k] - 0.1 * v for k, v in g.items()}},
        {"new value"},
    ),
    "rounded": (
        {"final": lambda g, p: {k: v.round(decimals=2) for k, v in g.items()}},
        {"rounded digits"},
    ),
    "float32": ({"final": lambda g, p: {k: v.float().double() for k, v in g.items()}}, {"single precision"}),
    "wrong sign": ({"d": lambda o, p: 2 * (o - p)}, {"wrong sign"}),
    "no factor 2": ({"d": lambda o, p: -(o - p)}, {"factor 1/2"}),
    "mean": ({"total": lambda d, factor: (d * factor).mean(), "b3": lambda d: d.mean()}, {"mean for sum"}),
    "the last observation": (
        {"total": lambda d, factor: (d * factor)[-1], "b3": lambda d: d[-1]},
        {"last observation only"},
    ),
    "w3 and w4 exchanged": (
        {"final": lambda g, p: {**g, "w3": g["w4"], "w4": g["w3"]}},
        {"swapped"},
    ),
    "infinite": ({"d": lambda o, p: -2 * (o - p) / 0}, {"not finite"}),
    "in brackets": (
        {"final": lambda g, p: {k: v.reshape(1) for k, v in g.items()}},
        {"another shape"},
    ),
}


def check(by_hand):
    """The report at the lesson's own doses, of which two are 0 and 1."""
    dose = torch.tensor([0.0, 0.5, 1.0], dtype=torch.float64)
    observed = torch.tensor([0.0, 1.0, 0.0], dtype=torch.float64)
    return check_derivation(Lesson(), ssr, dose, observed, by_hand)


def test_the_right_derivation_agrees() -> None:
    """Else nothing below would mean anything."""
    assert check(derivation()).agrees


@pytest.mark.sample(1)
@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_students_mistake_is_called_what_it_is(mistake: str) -> None:
    """At every parameter that it reaches; one that a coincidence hides may be unknown, never another."""
    changed, kinds = MISTAKES[mistake]
    report = check(derivation(**changed))
    found = {f.name: f.diagnosis.kind for f in report.findings if not f.agrees and f.diagnosis}
    assert found, str(report)
    assert set(found.values()) & kinds, found
    assert set(found.values()) <= kinds | {"unknown"}, found


@pytest.mark.slow
def test_a_number_of_rows_that_is_written_into_the_code_hides_no_diagnosis() -> None:
    """A loop over three observations is right at three only: the wrong sign is one all the same."""

    def total(d, factor):
        return sum(d[i] * factor[i] for i in range(3))

    changed = {"total": total, "b3": lambda d: d[0] + d[1] + d[2], "d": lambda o, p: 2 * (o - p)}
    found = {f.diagnosis.kind for f in check(derivation(**changed)).findings if not f.agrees}
    assert found == {"wrong sign"}
