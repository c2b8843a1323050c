"""Test the tests: mistakes that people make, planted one by one in a real derivation, are all seen."""

from collections.abc import Callable
from typing import NamedTuple

import pytest
import torch
from torch import Tensor

import manual_backprop
import torch_reference
from manual_backprop import PARAMETERS, Trace
from manual_backprop.lesson import bottom_node, output_layer, top_node
from manual_backprop.lesson.gradient import CHAINS, DERIVATIVES
from manual_backprop.lesson.network import LAYERS
from ordinary_network import ordinary_network
from torch_reference import Row, Verdict, compare

Derivative = Callable[[Trace], Tensor]


class Mistake(NamedTuple):
    """A wrong version of one function of the chain, and the first row of the comparison that must see it."""

    what: str
    function: str
    wrong: Callable[[Trace, Derivative], Tensor]
    seen_in: str
    verdict: Verdict = Verdict.DIFFERS


def without_last(trace: Trace, right: Derivative) -> Tensor:
    """Off by one: the last observation is left out of the sum."""
    cut = {name: value[..., :-1] for name, value in trace.intermediates.items()}
    return right(Trace(trace.parameters, trace.inputs[..., :-1], trace.observed[..., :-1], cut))


MISTAKES = (
    Mistake("wrong sign", "d_ssr_d_predicted", lambda t, right: -right(t), "d_ssr_d_predicted"),
    Mistake("factor 2 forgotten", "d_ssr_d_predicted", lambda t, right: right(t) / 2, "d_ssr_d_predicted"),
    Mistake("factor 2 twice", "d_ssr_d_predicted", lambda t, right: right(t) * 2, "d_ssr_d_predicted"),
    Mistake("mean of all", "d_ssr_d_predicted", lambda t, right: right(t) / 5, "d_ssr_d_predicted"),
    Mistake(
        "stale residual, from before b3 moved",
        "d_ssr_d_predicted",
        lambda t, right: -2 * (t.residual + t.column("b3")),
        "d_ssr_d_predicted",
    ),
    Mistake(
        "absolute residual", "d_ssr_d_predicted", lambda t, right: -2 * t.residual.abs(), "d_ssr_d_predicted"
    ),
    Mistake(
        "predicted for residual", "d_ssr_d_predicted", lambda t, right: -2 * t.predicted, "d_ssr_d_predicted"
    ),
    Mistake("y2 for y1", "d_predicted_d_w3", lambda t, right: t.y2, "d_predicted_d_w3"),
    Mistake("input for output of the node", "d_predicted_d_w4", lambda t, right: t.x2, "d_predicted_d_w4"),
    Mistake("bias taken for a weight", "d_predicted_d_b3", lambda t, right: t.y1, "d_predicted_d_b3"),
    Mistake("mean for sum", "d_ssr_d_w3", lambda t, right: right(t) / 5, "w3"),
    Mistake("mean for sum", "d_ssr_d_b3", lambda t, right: right(t) / 5, "b3"),
    Mistake("last observation left out", "d_ssr_d_w4", without_last, "w4"),
    Mistake("last observation left out", "d_ssr_d_w1", without_last, "w1"),
    Mistake("sum not taken", "d_ssr_d_b3", lambda t, right: t.residual * -2, "b3", Verdict.WRONG_SHAPE),
    Mistake("dimension kept", "d_ssr_d_w3", lambda t, right: right(t)[None], "w3", Verdict.WRONG_SHAPE),
    Mistake("too small by 1e-9", "d_ssr_d_w3", lambda t, right: right(t) * (1 - 1e-9), "w3"),
    Mistake("computed in float32", "d_ssr_d_w4", lambda t, right: right(t).float().double(), "w4"),
    Mistake("left in float32", "d_ssr_d_w4", lambda t, right: right(t).float(), "w4", Verdict.WRONG_DTYPE),
    Mistake("w4 for w3", "d_predicted_d_y1", lambda t, right: t.column("w4") + 0 * t.y1, "d_predicted_d_y1"),
    Mistake("w3 forgotten", "d_ssr_d_y1", lambda t, right: output_layer.d_ssr_d_predicted(t), "d_ssr_d_y1"),
    Mistake("sigmoid forgotten", "d_y1_d_x1", lambda t, right: torch.ones_like(t.x1), "d_y1_d_x1"),
    Mistake("sigmoid of the output", "d_y1_d_x1", lambda t, right: torch.sigmoid(t.y1), "d_y1_d_x1"),
    Mistake("sigmoid twice", "d_y2_d_x2", lambda t, right: right(t) ** 2, "d_y2_d_x2"),
    Mistake("ReLU for SoftPlus", "d_y2_d_x2", lambda t, right: (t.x2 > 0).double(), "d_y2_d_x2"),
    Mistake("the other node's sigmoid", "d_y2_d_x2", lambda t, right: top_node.d_y1_d_x1(t), "d_y2_d_x2"),
    Mistake("link left out", "d_ssr_d_x2", lambda t, right: bottom_node.d_ssr_d_y2(t), "d_ssr_d_x2"),
    Mistake("input forgotten", "d_x1_d_w1", lambda t, right: torch.ones_like(t.x1), "d_x1_d_w1"),
    Mistake("input for a bias", "d_ssr_d_b1", lambda t, right: top_node.d_ssr_d_w1(t), "b1"),
    Mistake("detached", "d_ssr_d_w2", lambda t, right: 0 * right(t), "w2"),
    Mistake("not a number", "d_ssr_d_b2", lambda t, right: right(t) * torch.nan, "b2", Verdict.NAN),
    Mistake("overflow", "d_ssr_d_b2", lambda t, right: right(t) / 0, "b2", Verdict.INFINITE),
)  # fmt: skip


def comparison() -> list[Row]:
    """All links, from the SSR backwards, and then all parameters."""
    network = ordinary_network()
    links = manual_backprop.links(*network, wrt=PARAMETERS)
    manual = links | manual_backprop.gradients(*network, wrt=PARAMETERS)
    autograd = torch_reference.links(*network)
    reference = {name: autograd[name] for name in links}
    reference |= torch_reference.gradients(*network, wrt=PARAMETERS)
    return compare(manual, reference, torch_reference.bounds(*network))


def plant(mistake: Mistake, monkeypatch: pytest.MonkeyPatch) -> None:
    """Replace a function of the chain wherever it is read: in every layer and in both tables."""
    modules = [module for module in LAYERS if hasattr(module, mistake.function)]
    right = getattr(modules[0], mistake.function)

    def wrong(trace: Trace) -> Tensor:
        return mistake.wrong(trace, right)

    wrong.__name__ = mistake.function
    for module in modules:
        monkeypatch.setattr(module, mistake.function, wrong)
    for name, derivative in DERIVATIVES.items():
        if derivative is right:
            monkeypatch.setitem(DERIVATIVES, name, wrong)
    for name, chain in CHAINS.items():
        monkeypatch.setitem(CHAINS, name, tuple(wrong if link is right else link for link in chain))


def test_the_right_derivation_agrees() -> None:
    """The network in which the mistakes are planted raises no alarm without them."""
    assert all(row.agrees for row in comparison())


@pytest.mark.parametrize("mistake", MISTAKES, ids=lambda m: f"{m.function}: {m.what}")
def test_every_planted_mistake_is_seen_where_it_was_planted(
    mistake: Mistake, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first row that disagrees, from the SSR backwards, is the link or the parameter of the mistake."""
    plant(mistake, monkeypatch)
    wrong = [row for row in comparison() if not row.agrees]
    assert wrong, "the mistake was not seen"
    assert (wrong[0].name, wrong[0].verdict) == (mistake.seen_in, mistake.verdict)


def test_the_textbook_sigmoid_is_seen_where_it_overflows(monkeypatch: pytest.MonkeyPatch) -> None:
    """exp(x) / (1 + exp(x)) is right at ordinary inputs and NaN at x = 710; the comparison sees it there."""
    parameters, inputs, observed = ordinary_network()
    far = {**parameters, "b1": parameters["b1"] + 720}
    textbook = Mistake(
        "textbook", "d_y1_d_x1", lambda t, right: t.x1.exp() / (1 + t.x1.exp()), "d_y1_d_x1", Verdict.NAN
    )
    plant(textbook, monkeypatch)
    rows = compare(
        manual_backprop.gradients(far, inputs, observed, wrt=["w1"]),
        torch_reference.gradients(far, inputs, observed, wrt=["w1"]),
        torch_reference.bounds(far, inputs, observed),
    )
    assert [(row.name, row.verdict) for row in rows] == [("w1", Verdict.NAN)]


@pytest.mark.parametrize("name", PARAMETERS)
def test_a_relative_error_of_1e9th_is_caught_on_ordinary_networks(name: str) -> None:
    """In 2000 standard normal networks with 20 observations each, an error of 1e-9 is never missed."""
    generator = torch.Generator().manual_seed(0)
    cases = 2000
    parameters = {key: torch.randn(cases, generator=generator, dtype=torch.float64) for key in PARAMETERS}
    data = [torch.randn(cases, 20, generator=generator, dtype=torch.float64) for _ in range(2)]
    bounds = torch_reference.bounds(parameters, *data)
    right = manual_backprop.gradients(parameters, *data, wrt=[name])[name]
    reference = torch_reference.gradients(parameters, *data, wrt=[name])
    [row] = compare({name: right * (1 + 1e-9)}, reference, bounds)
    assert row.wrong_elements == cases
