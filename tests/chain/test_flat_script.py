"""The check of a flat script: makemore's 26 quantities, each wrong in turn."""

import json
import math

import pytest
import torch

from makemore import CLOSED, DERIVATIVES, script
from torch_reference import check_links
from torch_reference.chain.verdict import Status

WRONG = {
    "sign": "-({})",
    "factor 2": "2 * ({})",
    "element": "({0}).flatten().clone().index_fill(0, torch.tensor([0]), 0.37).view(({0}).shape)",
}
NEARLY_ZERO = ("logit_maxes", "b1")
"""The gradients of the largest logit and of the bias before the norm are zero but for rounding."""


def statuses(report) -> dict[str, str]:
    """What is said of each quantity, by its name."""
    return {link.quantity.name: link.status for link in report.links}


@pytest.mark.slow
@pytest.mark.parametrize("dtype", [torch.float64, torch.float32], ids=str)
@pytest.mark.parametrize("closed", [{}, CLOSED], ids=["in small steps", "in closed form"])
def test_the_lecture_is_right(dtype: torch.dtype, closed: dict) -> None:
    """In both precisions; a closed form recomputes what the graph has saved, and rounds otherwise."""
    report = check_links(script(closed, dtype))
    assert report.agrees, str(report)
    assert len(report.links) == 26


@pytest.mark.sample(2)
@pytest.mark.parametrize(
    ("name", "how"),
    [(name, how) for name in DERIVATIVES for how in WRONG if how == "element" or name not in NEARLY_ZERO],
)
def test_the_one_wrong_quantity_is_named_and_those_it_feeds_are_cleared(name: str, how: str) -> None:
    """Whatever is below it is right or inherited, and never blamed."""
    report = check_links(script({name: WRONG[how].format(DERIVATIVES[name])}))
    assert [link.quantity.name for link in report.wrong] == [name], str(report)
    assert {*statuses(report).values()} <= {Status.WRONG, Status.RIGHT, Status.INHERITED}


@pytest.mark.slow
def test_two_mistakes_are_both_named() -> None:
    """The second one is below the first."""
    report = check_links(script({"probs": "dlogprobs / probs**2", "W1": "-embcat.T @ dhprebn"}))
    named = [link.quantity.name for link in report.wrong]
    assert (named, statuses(report)["C"]) == (["probs", "W1"], Status.INHERITED)


@pytest.mark.slow
def test_a_closed_form_is_not_blamed_for_what_it_does_not_read() -> None:
    """dhprebn comes straight from dhpreact, which is wrong; so is dbndiff, which it does not read."""
    wrong = {"hpreact": "dh", "bndiff": "2 * bnvar_inv * dbnraw"}
    report = check_links(script({**wrong, "hprebn": CLOSED["hprebn"]}))
    assert [link.quantity.name for link in report.wrong] == ["hpreact", "bndiff"], str(report)


def test_what_is_below_a_nan_is_not_judged() -> None:
    """Nothing can be said of it, and nothing is; what does not depend on it is right."""
    report = check_links(script({"h": "dlogits @ W2.T * float('nan')"}))
    found = statuses(report)
    assert (found["h"], found["hpreact"], found["b2"]) == (Status.WRONG, Status.NOT_JUDGED, Status.RIGHT)
    assert [link.quantity.name for link in report.wrong] == ["h"]


@pytest.mark.slow
def test_a_gradient_of_another_shape_is_named_and_judged_through() -> None:
    """A broadcast hides it from the script, and what the script makes of it is judged as what it is."""
    changed = {"b2": "dlogits.sum(0, keepdim=True)", "bnvar": "dbnvar_inv[:, :1] * 0 + 1.0"}
    report = check_links(script(changed))
    assert [link.quantity.name for link in report.wrong] == ["b2", "bnvar"], str(report)


def small(change: float = 1.0):
    """A script in a function: three names, two of them in other conventions."""
    x = torch.tensor([0.3, -0.7], dtype=torch.float64, requires_grad=True)
    Wx = 3 * x  # noqa: N806
    y = Wx.exp()
    loss = y.sum()
    d_loss_d_y = torch.ones_like(y).detach()
    grad_Wx = (d_loss_d_y * y).detach()  # noqa: N806
    x_grad = change * 3 * grad_Wx
    d_other = 0.0
    return locals()


def test_names_are_paired_by_convention_and_the_rest_is_listed() -> None:
    """The report says which gradient it took for which quantity, and what it left."""
    report = check_links(small)
    assert report
    pairs = {link.quantity.manual_name: link.quantity.name for link in report.links}
    assert pairs == {"d_loss_d_y": "y", "grad_Wx": "Wx", "x_grad": "x"}
    assert report.unpaired == ("d_other: named like a gradient, of nothing that has one",)


def test_a_namespace_a_function_and_pairs_are_the_same() -> None:
    """Three ways to say what is meant."""
    space = small(change=0.5)
    pairs = {"y": (space["y"], space["d_loss_d_y"]), "Wx": (space["Wx"], space["grad_Wx"])}
    for report in (
        check_links(space["loss"], {**pairs, "x": (space["x"], space["x_grad"])}),
        check_links(space["loss"], space),
        check_links(space),
        check_links(lambda: small(change=0.5)),
    ):
        assert report.first_wrong.name == "x"
        assert report.to_dict()["first_wrong"] == "x"


def test_numbers_and_arrays_are_gradients_too() -> None:
    """A student's script has floats and numpy."""
    x = torch.tensor(2.0, requires_grad=True)
    v = torch.tensor([1.0, 3.0], requires_grad=True)
    loss = (x * v**2).sum()
    report = check_links(loss, {"x": (x, 10.0), "v": (v, (2 * 2 * v).detach().numpy())})
    assert report, str(report)


def test_the_same_tensor_under_two_names_is_judged_under_both() -> None:
    """An alias is no second link."""
    x = torch.tensor([1.0, 2.0], dtype=torch.float64, requires_grad=True)
    a = b = x * 2
    loss = (a**2).sum()
    report = check_links(loss, {"a": (a, 2 * a.detach()), "b": (b, 3 * b.detach()), "x": (x, 4 * a.detach())})
    assert [link.quantity.name for link in report.wrong] == ["b"]


def test_nothing_of_the_script_is_changed() -> None:
    """No .grad appears or grows, no hook of the user's runs, and the graph can still be used."""
    x = torch.randn(3, requires_grad=True)
    y = x * 2
    y.retain_grad()
    called = []
    y.register_hook(called.append)
    loss = (y**2).sum()
    check_links(loss, {"y": (y, 3 * y.detach()), "x": (x, 4 * y.detach())})
    assert (x.grad, y.grad, called) == (None, None, [])
    loss.backward()
    assert len(called) == 1


def test_a_custom_function_with_an_unused_output_is_run_through() -> None:
    """Its backward is called as autograd calls it: with zeros for what nobody asked for."""

    class Both(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            ctx.save_for_backward(x)
            return x.sin(), x.cos()

        @staticmethod
        def backward(ctx, d_sin, d_cos):
            (x,) = ctx.saved_tensors
            return d_sin * x.cos() - d_cos * x.sin()

    x = torch.tensor([0.5, 1.5], dtype=torch.float64, requires_grad=True)
    s, _ = Both.apply(x)
    loss = (s**2).sum()
    report = check_links(loss, {"s": (s, 2 * s.detach()), "x": (x, (2 * s * x.cos()).detach())})
    assert report, str(report)


def test_bad_input_is_one_clear_line() -> None:
    """What was expected and what was found."""
    x = torch.tensor([1.0, 2.0], requires_grad=True)
    pair = {"x": (x, 2 * x.detach())}
    cases = [
        (ValueError, "one number", lambda: check_links(x * 2, pair)),
        (ValueError, "no graph", lambda: check_links(torch.tensor(1.0), pair)),
        (TypeError, "found int", lambda: check_links(3, pair)),
        (TypeError, "found none", lambda: check_links((x * x).sum())),
        (ValueError, "no such name", lambda: check_links({"x": x})),
        (ValueError, "nothing|no quantity", lambda: check_links((x * x).sum(), {"x": x})),
    ]
    for kind, words, call in cases:
        with pytest.raises(kind, match=words):
            call()
    loss = (x * x).sum()
    loss.backward()
    with pytest.raises(ValueError, match=r"before loss\.backward\(\)"):
        check_links(loss, pair)


def test_the_report_fits_one_screen_and_is_json() -> None:
    """Thirty links on one screen of 80 columns, also with a mistake in the middle."""
    report = check_links(script({"bnvar": "dbnvar_inv"}))
    lines = str(report).splitlines()
    assert len(lines) <= 50
    assert max(map(len, lines)) <= 80
    assert "✗ dbnvar" in str(report)
    facts = json.loads(json.dumps(report.to_dict(), allow_nan=False))
    assert facts["first_wrong"] == "bnvar"
    assert math.isfinite(facts["links"][0]["bound"])
