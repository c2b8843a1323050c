"""Students' mistakes in a loop over the observations, in Python numbers: called what they are, or unknown."""

from math import exp, log, log2, tanh

import pytest
import torch

from torch_reference import check_derivation
from torch_reference.lesson.named_network import NamedLessonNetwork, sum_of_squared_residuals

START = {"w1": 2.74, "b1": 0.2, "w2": -1.13, "b2": 0.57, "w3": 0.36, "w4": 0.63, "b3": -0.4}
# fmt: off
RIGHT = """
def by_hand(p, inputs, observed):
    w1, b1, w2, b2, w3, w4, b3 = (float(p[name]) for name in ("w1", "b1", "w2", "b2", "w3", "w4", "b3"))
    n, total = len(inputs), dict.fromkeys(p, 0.0)
    for i in range(n):
        x, o = float(inputs[i]), float(observed[i])
        x1, x2 = w1 * x + b1, w2 * x + b2
        y1, y2 = log(1 + exp(x1)), log(1 + exp(x2))
        q = w3 * y1 + w4 * y2 + b3
        r = o - q
        d = -2 * r
        s1, s2 = 1 / (1 + exp(-x1)), 1 / (1 + exp(-x2))
        v3, v4 = w3, w4
        total["w3"] += d * y1
        total["w4"] += d * y2
        total["b3"] += d
        total["w1"] += d * v3 * s1 * x
        total["b1"] += d * v3 * s1
        total["w2"] += d * v4 * s2 * x
        total["b2"] += d * v4 * s2
    return total
"""
# fmt: on
SLOPE, FUNCTION, ELSEWHERE = (
    "derivative of another function",
    "another function",
    "derivative at another place",
)
SLOPES = "s1, s2 = 1 / (1 + exp(-x1)), 1 / (1 + exp(-x2))"
LOGS = "y1, y2 = log(1 + exp(x1)), log(1 + exp(x2))"

MISTAKES = {
    "the residual's size": ("d = -2 * r", "d = abs(r)", {SLOPE}),
    "its sign": ("d = -2 * r", "d = -(r > 0) + (r < 0)", {SLOPE}),
    "twice its size": ("d = -2 * r", "d = abs(2 * r)", {SLOPE}),
    "the square left as it is": ("d = -2 * r", "d = r ** 2", {SLOPE}),
    "2 r²": ("d = -2 * r", "d = -2 * r ** 2", {SLOPE}),
    "half, and no sign": ("d = -2 * r", "d = r", {"constant factor"}),
    "the observed alone": ("d = -2 * r", "d = -2 * o", {ELSEWHERE}),
    "the prediction alone": ("d = -2 * r", "d = 2 * q", {ELSEWHERE}),
    "half a mean": ("d = -2 * r", "d = -r / n", {"mean for sum", "factor with n"}),
    "the mean of halves": ("d = -2 * r", "d = -r / (2 * n)", {"factor with n", "unknown"}),
    "logarithm to base 2": (LOGS, "y1, y2 = log2(1 + exp(x1)), log2(1 + exp(x2))", {FUNCTION}),
    "no logarithm": (LOGS, "y1, y2 = 1 + exp(x1), 1 + exp(x2)", {FUNCTION}),
    "of -x": (LOGS, "y1, y2 = log(1 + exp(-x1)), log(1 + exp(-x2))", {FUNCTION}),
    "1/(1 + exp)": (SLOPES, "s1, s2 = 1 / (1 + exp(x1)), 1 / (1 + exp(x2))", {SLOPE}),
    "tanh's": (SLOPES, "s1, s2 = 1 - tanh(x1) ** 2, 1 - tanh(x2) ** 2", {SLOPE}),
    "1 + exp": (SLOPES, "s1, s2 = 1 + exp(x1), 1 + exp(x2)", {SLOPE}),
    "the output": (SLOPES, "s1, s2 = y1, y2", {SLOPE}),
    "the other node's": (SLOPES, "s2, s1 = 1 / (1 + exp(-x1)), 1 / (1 + exp(-x2))", {ELSEWHERE}),
    "at the input": (SLOPES, "s1 = s2 = 1 / (1 + exp(-x))", {ELSEWHERE}),
    "the first row skipped": ("range(n)", "range(1, n)", {"first observation left out"}),
    "a weight for the input": ("d * v3 * s1 * x", "d * v3 * s1 * w1", {"another factor"}),
    "minus w4 times y2": ('["w4"] += d * y2', '["w4"] += d * -w4 * y2', {"factor too many"}),
    "the output twice": ('["w3"] += d * y1', '["w3"] += d * y1 * y1', {"factor too many"}),
    "b3 too many": ('["b3"] += d', '["b3"] += d * b3', {"factor too many"}),
    "weights crossed": ("v3, v4 = w3, w4", "v3, v4 = w4, w3", {"another factor"}),
    "a minus in the prediction": ("w3 * y1 + w4", "w3 * y1 - w4", {"another forward pass"}),
    "a plus in the residual": ("r = o - q", "r = o + q", {"another forward pass"}),
    "crossed in the prediction": ("w3 * y1 + w4 * y2", "w4 * y1 + w3 * y2", {"another forward pass"}),
    "no biases inside": ("w1 * x + b1, w2 * x + b2", "w1 * x, w2 * x", {"another forward pass"}),
    "no bias outside": ("w4 * y2 + b3", "w4 * y2", {"taken as zero", "another forward pass"}),
    "the wrong input weight": ("w1 * x + b1", "w2 * x + b1", {"another forward pass"}),
    "returned inside the loop": ("    return total", "        return total", {"first observation only"}),
    "the other weight's output": ('["w4"] += d * y2', '["w4"] += d * y1', {"swapped", "another factor"}),
    "the weight squared": ("v3, v4 = w3, w4", "v3, v4 = w3 * w3, w4 * w4", {"factor too many"}),
    "the bias for the weight": ("v3, v4 = w3, w4", "v3, v4 = b3, b3", {"another factor"}),
    "one slope for both": ("1 / (1 + exp(-x2))", "1 / (1 + exp(-x1))", {ELSEWHERE}),
    # What has no name here stays without one.
    "no brackets around the residual": ("d = -2 * r", "d = -2 * o - q", {"unknown"}),
    "no brackets below the line": (SLOPES, "s1, s2 = 1 / 1 + exp(-x1), 1 / 1 + exp(-x2)", {"unknown"}),
    "clipped at 1": (
        "return total",
        "return {k: min(1.0, v) for k, v in total.items()}",
        {"unknown"},
    ),
    "hyperbolic": ("d = -2 * r", "d = -2 * tanh(r)", {"unknown"}),
    "in brackets": ("w1 * x + b1, w2 * x + b2", "w1 * (x + b1), w2 * (x + b2)", {"unknown"}),
    "whole residuals": ("d = -2 * r", "d = -2 * (r // 1)", {"unknown"}),
    "added up too early": ("d = -2 * r", "d = -2 * r if i == 0 else d - 2 * r", {"unknown"}),
}


def report_of(source: str):
    """The report on a derivation, at four observations."""
    space = {"exp": exp, "log": log, "log2": log2, "tanh": tanh}
    exec(source, space)
    parameters = {name: torch.tensor(value, dtype=torch.float64) for name, value in START.items()}
    inputs, observed = torch.tensor([[0.1, 0.5, 0.9, 0.3], [0.2, 1.1, -0.4, 0.7]], dtype=torch.float64)
    network = NamedLessonNetwork(parameters, list(START))
    return check_derivation(network, sum_of_squared_residuals, inputs, observed, space["by_hand"])


def test_the_right_loop_agrees() -> None:
    """Else nothing below would mean anything."""
    assert report_of(RIGHT).agrees


@pytest.mark.sample(1)
@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_in_a_loop_is_called_what_it_is(mistake: str) -> None:
    """At every parameter that it reaches; one that a coincidence hides may be unknown, never another."""
    old, new, kinds = MISTAKES[mistake]
    assert RIGHT.count(old) == 1
    report = report_of(RIGHT.replace(old, new))
    found = {one.diagnosis.kind for one in report.findings if not one.agrees and one.diagnosis}
    assert found & kinds, found
    assert found <= kinds | {"unknown"}, found
