"""Each link is judged by itself: what is below a wrong one is not blamed."""

from collections.abc import Callable

import pytest
import torch

import homework as homework


@pytest.mark.slow
@pytest.mark.parametrize(
    ("change", "why"),
    [
        (lambda g: g * torch.nan, "has no right form"),
        (lambda g: g.float(), "has no right form"),
        (torch.zeros_like, "is zero"),
    ],
)
def test_what_is_below_an_unfit_upstream_gradient_is_not_blamed(change: Callable, why: str) -> None:
    """NaN, another dtype and zeros spread to whatever they feed: the report says that it cannot be judged."""
    report = homework.check(
        homework.spoiled(lambda g, p, x: homework.below_the_activation(change(g["hidden"]), change(x)))
    )
    assert [finding.name for finding in report.findings if finding.starts_here] == ["hidden"]
    reason = f"cannot be judged, because its upstream gradient hidden {why}"
    assert " ".join(str(report).split()).count(reason) == 2


@pytest.mark.slow
def test_two_unfit_upstream_gradients_excuse_what_each_of_them_feeds_and_nothing_else() -> None:
    """NaN in two links: what is below either cannot be judged; a wrong bias elsewhere is still wrong."""

    def change(g, p, x):
        nan = {name: g[name] * torch.nan for name in ("output", "output.weight", "output.bias")}
        return nan | homework.below_the_activation(g["hidden"] * torch.nan, x)

    found = {
        f.name: (f.kind, f.agrees, f.inherited) for f in homework.check(homework.spoiled(change)).findings
    }
    assert found == {
        "output": ("link", False, False),
        "output.bias": ("parameter", False, True),
        "output.weight": ("parameter", False, True),
        "activation": ("link", True, False),
        "hidden": ("link", False, False),
        "hidden.bias": ("parameter", False, True),
        "hidden.weight": ("parameter", False, True),
    }

    def and_a_bias(g, p, x):
        return homework.below_the_activation(g["hidden"] * torch.nan, x) | {"output.bias": -g["output.bias"]}

    found = {
        f.name: f.inherited for f in homework.check(homework.spoiled(and_a_bias)).findings if not f.agrees
    }
    assert found == {"output.bias": False, "hidden": False, "hidden.bias": True, "hidden.weight": True}


@pytest.mark.slow
def test_what_is_inherited_keeps_its_kind() -> None:
    """A mistake in the first link, which all the others inherit, and a right derivation."""
    wrong = homework.spoiled(lambda g, p, x: {n: v * 2 for n, v in g.items()})
    right, inherited = (homework.check(d).findings for d in (homework.derivation, wrong))
    kinds = [
        "link" if name in ("output", "activation", "hidden") else "parameter"
        for name in (f.name for f in right)
    ]
    assert [f.kind for f in right] == [f.kind for f in inherited] == kinds
    assert [f.inherited for f in inherited] == [False] + [True] * 6
