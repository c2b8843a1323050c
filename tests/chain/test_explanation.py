"""The right derivative of a link, in words, for a terminal and for a paper."""

import pytest
import sympy
import torch
from torch.nn import functional

from torch_reference import check_links
from torch_reference.chain import ChainReport
from torch_reference.chain.explanation import Explainer
from torch_reference.chain.graph import Graph, edge_of
from torch_reference.chain.quantity import Quantity


def script() -> ChainReport:
    """Two layers, a softmax and its logarithm; the derivative of tanh lacks a square."""
    torch.manual_seed(0)
    x, t, w, b, v = (
        torch.randn(*shape, dtype=torch.float64) for shape in ((5, 3), (5, 2), (3, 4), (4,), (4, 2))
    )
    for parameter in (w, b, v):
        parameter.requires_grad_()
    a = x @ w + b
    h = torch.tanh(a)
    z = h @ v
    q = torch.softmax(z, -1)
    u = torch.log(q)
    loss = -(u * t).sum() / 5
    with torch.no_grad():
        d_u = -t / 5
        d_q = d_u / q
        d_z = q * (d_q - (d_q * q).sum(-1, keepdim=True))
        d_h = d_z @ v.T
        d_a = d_h * (1 - h)
        d_w, d_b, d_v = x.T @ d_a, d_a.sum(0), h.T @ d_z
    return check_links(loss, dict(locals()))


def test_the_wrong_link_is_explained() -> None:
    """A name for the result is used where there is one."""
    text, words, latex = script().explain().splitlines()
    assert text == "d_a = d_h·(1 - h²)"
    assert words == "  It is the gradient of h, times the derivative of tanh."
    assert latex == r"  \frac{\partial L}{\partial a} = \frac{\partial L}{\partial h} \left(1 - h^{2}\right)"


def test_any_link_is_explained_by_name() -> None:
    """Matrix products, broadcast terms, softmax, quotients."""
    report = script()
    found = {name: report.explain(name).splitlines()[0] for name in "hwbvzqu"}
    assert found == {
        "u": "d_u = -t/5",
        "q": "d_q = d_u/q",
        "z": "d_z = q·(d_q - Σ(d_q·q))",
        "h": "d_h = d_z @ vᵀ",
        "w": "d_w = xᵀ @ d_a",
        "b": "d_b = Σ(d_a)",
        "v": "d_v = hᵀ @ d_z",
    }
    assert "summed over what was broadcast" in report.explain("b")


def test_an_offset_is_multiplied_by_no_matrix() -> None:
    """A layer is one operation of torch's, and hands something else to each of its arguments."""
    b = torch.zeros(3, dtype=torch.float64, requires_grad=True)
    x, w = torch.ones(2, 4, dtype=torch.float64), torch.ones(3, 4, dtype=torch.float64)
    y = functional.linear(x, w, b)
    d_y = 2 * y.detach()
    text, words, _ = (
        check_links((y * y).sum(), {"y": (y, d_y), "b": (b, d_y.sum(0))}).explain("b").splitlines()
    )
    assert text == "d_b = Σ(d_y)"
    assert words == "  It is the gradient of y, summed over what was broadcast."


def test_what_has_no_rule_is_not_known() -> None:
    """A convolution is explained by no formula here, and nothing is made up."""
    x = torch.randn(1, 1, 6, dtype=torch.float64, requires_grad=True)
    y = functional.conv1d(x, torch.ones(1, 1, 2, dtype=torch.float64))
    loss = y.sum()
    d_y, d_x = torch.ones_like(y), torch.ones_like(x)
    assert check_links(loss, {"x": (x, d_x), "y": (y, d_y)}).explain("x") == "x: not known here"


T = torch.tensor(0.25, dtype=torch.float64)
ELEMENTWISE = {
    "silu": functional.silu,
    "gelu": functional.gelu,
    "leaky relu": lambda x: functional.leaky_relu(x, 0.2),
    "softplus": functional.softplus,
    "erf": torch.erf,
    "tan and sinh": lambda x: torch.tan(x) + torch.sinh(x),
    "cosh and atan": lambda x: torch.cosh(x) * torch.atan(x),
    "softplus of 2 x": lambda x: functional.softplus(x, beta=2),
    "gelu by tanh": lambda x: functional.gelu(x, approximate="tanh"),
    "elu": lambda x: functional.elu(x, 0.7),
    "selu": functional.selu,
    "celu": lambda x: functional.celu(x, 1.7),
    "mish": functional.mish,
    "logsigmoid": functional.logsigmoid,
    "clamp": lambda x: x.clamp(-1, 0.5) + functional.hardtanh(x, -2, 2) + x.clamp(max=1),
    "hardswish": lambda x: functional.hardswish(x) + functional.hardsigmoid(x),
    "expm1": torch.expm1,
    "exp2": torch.exp2,
    "mean squared error": lambda x: functional.mse_loss(x, T),
    "cross-entropy by logits": lambda x: functional.binary_cross_entropy_with_logits(x, T),
    "log2 and log10": lambda x: torch.log2(x.exp()) + torch.log10(x * x),
    "asin and acos": lambda x: torch.asin(x / 2) * torch.acos(x.sin()),
    "cross-entropy by probabilities": lambda x: functional.binary_cross_entropy(x.sigmoid(), T),
    "a number that is added": lambda x: (x + 3) * x.exp() + torch.log((2 - x) * (x - 7) * -1.5),
    "a power": lambda x: (x * x + 1) ** -1.5,
    "a quotient": lambda x: x / x.exp(),
}


IN_SINGLE = ("celu", "hardswish")
"""Of these torch has the constants in single precision."""


@pytest.mark.sample(2)
@pytest.mark.parametrize("name", ELEMENTWISE)
def test_the_formula_of_an_elementwise_function_has_autograds_value(name: str) -> None:
    """At one number of either sign, with another gradient above."""
    function = ELEMENTWISE[name]
    for start in (0.7, -1.3):
        x = torch.tensor(start, dtype=torch.float64, requires_grad=True)
        y = function(x)
        edges = edge_of(x), edge_of(y)
        pairs = zip(("x", "y"), edges, (x, y), strict=True)
        links = [Quantity(name, f"d_{name}", edge, value.detach(), value) for name, edge, value in pairs]
        made = Explainer(Graph([edge_of(1.7 * y)]), links, {})._arriving(edges[0])
        numbers = {"x": start, "y": y.item(), "d_y": 1.7}
        found = made.replace(sympy.Function("where"), lambda inside: sympy.Heaviside(inside))
        found = found.replace(sympy.Function("softplus"), lambda inside: sympy.log(1 + sympy.exp(inside)))
        found = found.replace(sympy.Function("sigmoid"), lambda inside: 1 / (1 + sympy.exp(-inside)))
        [right] = torch.autograd.grad(1.7 * y, x)
        assert abs(float(found.subs(numbers)) - right.item()) < (1e-7 if name in IN_SINGLE else 1e-12)


@pytest.mark.medium
def test_norms_are_explained_with_and_without_a_gain() -> None:
    """Both averages of what comes back, over what was averaged forwards."""
    x = torch.randn(4, 5, dtype=torch.float64, requires_grad=True)
    for norm, count in (
        (lambda x: functional.layer_norm(x, (5,)), 5),
        (lambda x: functional.batch_norm(x, None, None, training=True), 4),
    ):
        y = norm(x)
        pairs = {"x": (x, torch.ones_like(x)), "y": (y, torch.ones_like(y))}
        text = check_links((y * y).sum(), pairs).explain("x").splitlines()[0]
        assert text == f"d_x = rstd·(d_y - Σ(d_y)/{count} - normalised·Σ(d_y·normalised)/{count})"


def test_the_rms_norm_is_explained_written_out_and_as_torch_has_it() -> None:
    """By the name that its root has, or by rstd as the other norms."""
    x, g = (torch.randn(*size).double().requires_grad_() for size in ((4, 3), (3,)))
    r = torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + 1e-6)
    for y, name in ((x * r * g, "r"), (functional.rms_norm(x, (3,), g, 1e-6), "rstd")):
        space = {"x": x, "g": g, name: r, "y": y, "d_y": torch.ones_like(y), "d_x": torch.ones_like(x)}
        text = check_links((y * y).sum(), space).explain("x").splitlines()[0]
        assert text == f"d_x = d_y·g·{name} - x·{name}³·Σ(d_y·g·x)/3"


@pytest.mark.medium
def test_variances_maxima_and_running_sums_are_explained() -> None:
    """Over what they run over; a tie is not known, for torch shares it out or does not."""
    x = torch.tensor([[1.0, 3.0, 2.0], [5.0, 4.0, 7.0]], dtype=torch.float64, requires_grad=True)
    for function, expected in (
        (lambda x: x.var(0), "d_x = 2·d_y·(x - mean(x))"),
        (lambda x: x.std(1, correction=0), "d_x = d_y·(x - mean(x))/(3·y)"),
        (lambda x: x.amax(1), "d_x = d_y·[x = max]"),
        (lambda x: x.cumsum(1), "d_x = sum_from_here_on(d_y)"),
        (lambda x: x.clamp(max=2).amax(1), "x: not known here"),
    ):
        y = function(x)
        pairs = {"x": (x, torch.ones_like(x)), "y": (y, torch.ones_like(y))}
        assert check_links((y * y).sum(), pairs).explain("x").splitlines()[0] == expected


@pytest.mark.medium
def test_cross_entropy_is_the_softmax_less_the_label() -> None:
    """Divided by the number of rows, with nothing made up for labels that are ignored."""
    x = torch.randn(3, 4, dtype=torch.float64, requires_grad=True)
    labels = torch.tensor([2, 0, 3])
    loss = functional.cross_entropy(x, labels)
    text = check_links(loss, {"x": (x, torch.ones_like(x))}).explain("x").splitlines()[0]
    assert text == "d_x = -onehot/3 + softmax(x)/3"
    onehot, softmax = functional.one_hot(labels, 4), torch.softmax(x, -1)
    torch.testing.assert_close(torch.autograd.grad(loss, x)[0], (-onehot / 3 + softmax / 3).detach())
    ignored = functional.cross_entropy(x, torch.tensor([2, -100, 3]))
    assert check_links(ignored, {"x": (x, torch.ones_like(x))}).explain("x") == "x: not known here"


def test_a_value_that_is_made_otherwise_is_not_called_by_its_plain_name() -> None:
    """A factor of a + 2 b is not known, where that of a + b is."""
    x, a, b = (torch.randn(3, dtype=torch.float64, requires_grad=True) for _ in range(3))
    for alpha, expected in ((1, "d_x = a + b"), (2, "x: not known here")):
        loss = (x * torch.add(a, b, alpha=alpha)).sum()
        links = {name: (value, torch.ones_like(value)) for name, value in zip("xab", (x, a, b), strict=True)}
        assert check_links(loss, links).explain("x").splitlines()[0] == expected
