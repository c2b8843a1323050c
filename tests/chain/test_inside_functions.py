"""The local variables of unmodified functions as links: each wrong line is named, and nothing else."""

import linecache
import sys

import numpy as np
import pytest
import torch

import traced_functions as code
from torch_reference.chain.graph import Graph
from torch_reference.chain.inside import links_of_function
from torch_reference.chain.report import ChainReport
from torch_reference.chain.verdict import Chain, Status
from user_files import imported

SHAPES = {
    code.LAYER_NORM: [(6, 5), (5,), (5,)],
    code.RECURRENT: [(3, 2, 4), (4, 3), (3, 3)],
    code.HELPERS: [(6, 4), (4, 5), (5,), (5, 3), (3,)],
    code.IN_PLACE: [(4, 3)],
    code.NUMPY: [(4, 3)],
    code.TWICE: [(5, 3), (3, 4)],
}
FILES = {source: f"<traced {number}>" for number, source in enumerate(SHAPES)}
MISTAKES = [
    (code.LAYER_NORM, "drstd * -0.5 * rstd ** 3", "drstd * -0.5 * rstd ** 2", "dvar"),
    (code.LAYER_NORM, "(dxhat * xc).sum(-1, keepdim=True)", "(dxhat * xc).mean(-1, keepdim=True)", "drstd"),
    (code.LAYER_NORM, "dx = dxc + dmean / n", "dx = dxc + dmean", "dx"),
    (code.LAYER_NORM, "dgamma = (dy * xhat).sum(0)", "dgamma = (dy * xc).sum(0)", "dgamma"),
    (code.RECURRENT, "dh * (1 - hs[t + 1] ** 2)", "dh * (1 - hs[t] ** 2)", "da"),
    (code.RECURRENT, "dh = da @ U.T", "dh = da @ U", "dh"),
    (code.RECURRENT, "dU += hs[t].T @ da", "dU = hs[t].T @ da", "dU"),
    (code.HELPERS, "dx = dout * (cache > 0)", "dx = dout * (cache < 0)", "dx"),
    (code.HELPERS, "dw = x.T @ dout", "dw = 2 * x.T @ dout", "dw"),
    (code.IN_PLACE, "grad_t * (1 - t ** 2)", "grad_t * (1 - t)", "grad_inner"),
    (code.IN_PLACE, "grad_t = 0.5 * x * grad_y", "grad_t = x * grad_y", "grad_t"),
    (code.IN_PLACE, "(1 + 3 * 0.044715 * x ** 2)", "(1 + 2 * 0.044715 * x ** 2)", "grad_x"),
    (code.NUMPY, "ds = -(dp * p).sum(-1, keepdim=True)", "ds = -(dp * p).sum(0, keepdim=True)", "ds"),
]


def made(source: str, right: str = "", wrong: str = "") -> tuple[dict, int]:
    """The module that a source makes, with a line replaced; and that line's number."""
    assert right in source
    changed = source.replace(right, wrong)
    file = FILES[source]
    linecache.cache[file] = (len(changed), None, changed.splitlines(keepends=True), file)
    space = {"torch": torch, "F": torch.nn.functional, "np": np}
    exec(compile(changed, file, "exec"), space)
    return space, source[: source.index(right)].count("\n") + 1


def check(space: dict, source: str, dtype: torch.dtype = torch.float64) -> ChainReport:
    """The links of the module's function, at random inputs and a random upstream gradient."""
    drawn = torch.Generator().manual_seed(1)
    inputs = [torch.randn(shape, generator=drawn, dtype=torch.float64).to(dtype) for shape in SHAPES[source]]
    output = space["reference"](*inputs)
    upstream = torch.randn(output.shape, generator=drawn, dtype=torch.float64).to(dtype)
    return links_of_function(space["function"], space["reference"], inputs, [True] * len(inputs), [upstream])


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32], ids=str)
@pytest.mark.parametrize("source", SHAPES)
def test_a_right_function_has_no_wrong_link(source: str, dtype: torch.dtype) -> None:
    """Whatever its style; what cannot be paired costs nothing."""
    space, _ = made(source)
    report = check(space, source, dtype)
    assert not report.wrong, str(report)
    assert not report.note
    returned = [link for link in report.links if link.quantity.returned]
    assert all(link.status is Status.RIGHT for link in returned), str(report)


@pytest.mark.sample(2)
@pytest.mark.parametrize(("source", "right", "wrong", "name"), MISTAKES)
def test_the_wrong_line_is_named_and_no_other(source: str, right: str, wrong: str, name: str) -> None:
    """With its variable, its number and its text, in every round of a loop in which it is wrong."""
    space, line = made(source, right, wrong)
    report = check(space, source)
    assert {link.quantity.manual_name for link in report.wrong} == {name}, str(report)
    assert {link.quantity.place.line for link in report.wrong} == {line}, str(report)
    assert all(wrong in link.quantity.place.source for link in report.wrong)
    assert FILES[source] in str(report)


def test_tracing_leaves_the_results_and_the_tracer_as_they_were() -> None:
    """The same bits, the same trace function before and after, and no graph on what is returned."""
    space, _ = made(code.LAYER_NORM)
    drawn = [torch.randn(6, 5), torch.rand(5), torch.rand(5)]
    before = [value.clone() for value in drawn]
    called = []

    def tracer(frame, event, arg):
        called.append(event)

    outer = sys.gettrace()
    sys.settrace(tracer)
    try:
        links_of_function(space["function"], space["reference"], drawn, [True] * 3, [torch.randn(6, 5)])
        assert sys.gettrace() is tracer
    finally:
        sys.settrace(outer)
    assert all(torch.equal(a, b) for a, b in zip(drawn, before, strict=True))


def test_what_is_out_of_reach_is_said_and_not_raised() -> None:
    """A backward that fails, one that needs a real ctx, and a local variable that cannot be looked at."""

    class Odd:
        def __getattribute__(self, name):
            raise ZeroDivisionError

    class Fails(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            return x * 2

        @staticmethod
        def backward(ctx, g):
            return ctx.no_such_name

    class Hides(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            odd = Odd()  # noqa: F841
            return x * 2

        @staticmethod
        def backward(ctx, dy):
            return dy * 2

    x = torch.randn(3, dtype=torch.float64)
    report = links_of_function(Fails, lambda x: x * 2, [x], [True], [x])
    assert report.note.startswith("out of reach"), str(report)
    report = links_of_function(Hides, lambda x: x * 2, [x], [True], [x])
    assert not report.wrong


LOOP = """
def forward(x, w):
    h, kept = x[0], []
    for t in range(len(x)):
        kept.append(h)
        h = (h * w).tanh() + x[t]
    return h, (x, w, kept)


def backward(saved, dh):
    x, w, kept = saved
    dw = 0
    dx = x * 0
    for t in reversed(range(len(x))):
        dx[t] = dx[t] + dh
        da = dh * (1 - (kept[t] * w).tanh())
        dw = dw + da * kept[t]
        dh = da * w
    dx[0] = dx[0] + dh
    return dx, dw
"""


@pytest.mark.medium
def test_the_graph_is_run_once_for_all_links_that_the_same_cuts_are_asked_of(tmp_path, monkeypatch) -> None:
    """In a loop of 16 steps a wrong link took four times as many runs as in one of four."""
    module, runs = imported(tmp_path, "loop", LOOP), []
    gradients = Graph.gradients

    def counted(*args, **kwargs):
        runs.append(1)
        return gradients(*args, **kwargs)

    monkeypatch.setattr(Graph, "gradients", counted)
    counts = []
    for steps in (4, 16):
        draw = torch.Generator().manual_seed(0)
        x, w, above = (torch.randn(*shape, 3, generator=draw).double() for shape in ((steps,), (), ()))
        runs.clear()
        pair = module.forward, module.backward
        report = links_of_function(pair, lambda x, w: module.forward(x, w)[0], [x, w], [True, True], [above])
        assert report.wrong
        counts.append(len(runs))
    assert counts[1] < 3 * counts[0]


def test_where_nothing_is_handed_on_to_a_link_it_is_judged_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Given the links' own upstream gradients it is as it was."""
    asked, rows = [], Chain.rows
    monkeypatch.setattr(Chain, "rows", lambda *given: asked.append(given[2]) or rows(*given))
    pair = (lambda x: (x.sin().exp(), x)), lambda x, above: above * x.sin().exp() * x.cos().square()
    x, above = torch.randn(2, 5, 3, dtype=torch.float64)
    report = links_of_function(pair, lambda x: x.sin().exp(), [x], [True], [above])
    assert [link.quantity.manual_name for link in report.wrong] == ["d_inputs[0]"]
    assert asked == [{}]
