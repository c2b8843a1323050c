"""A gradient that is written where something is still read, or written twice, is right or refused."""

import ctypes
import re

import pytest
import torch
from torch import Tensor

from fast_ways import COMPILED
from manual_backprop.fast import small_perceptron
from manual_backprop.fast.perceptron_gradient import Gradients
from manual_backprop.fast.shared_memory import share_memory
from perceptrons_compared import network_of, small_case
from strategies_layers import make_perceptron_case

NUMBERS = torch.arange(12.0)
TABLE = NUMBERS.view(3, 4)
SHARING = {
    "one twice": ([NUMBERS, NUMBERS], []),
    "a part and the whole": ([NUMBERS[3:5], NUMBERS], []),
    "neighbours that overlap": ([NUMBERS[:5], NUMBERS[4:]], []),
    "a long one around two": ([NUMBERS, NUMBERS[1:2], NUMBERS[3:4]], []),
    "written and read": ([NUMBERS[:5]], [NUMBERS[4:]]),
    "read first": ([NUMBERS[4:]], [NUMBERS[:5]]),
    "one element of a column": ([TABLE[:, 1]], [TABLE[1]]),
    "a column twice": ([TABLE[:, 1], TABLE[:, 1]], []),
    "across itself": ([torch.zeros(1).expand(3)], []),
    "windows of one another": ([NUMBERS.as_strided((3, 3), (2, 1))], []),
    "steps that meet": ([NUMBERS.as_strided((2, 3), (4, 2))], []),
    "another precision": ([NUMBERS], [NUMBERS.view(torch.int64)[5:]]),
}
APART = {
    "others": ([torch.zeros(3)], [torch.zeros(3)]),
    "neighbours": ([NUMBERS[:4], NUMBERS[4:]], []),
    "read twice": ([NUMBERS[:4]], [NUMBERS[4:], NUMBERS[5:]]),
    "columns": ([TABLE[:, 1], TABLE[:, 2]], [TABLE[:, 3]]),
    "steps that do not meet": ([NUMBERS.as_strided((3, 2), (2, 3))], []),
    "transposed": ([TABLE.t()], []),
    "one element": ([NUMBERS[:1].expand(1)], []),
    "without memory": ([torch.zeros(3, device="meta")] * 2, [torch.zeros(0)] * 2),
    "none": ([], []),
}


@pytest.mark.parametrize(("written", "read"), SHARING.values(), ids=SHARING)
def test_what_shares_memory_is_found(written: list[Tensor], read: list[Tensor]) -> None:
    """In any order."""
    assert share_memory(written, read)
    assert share_memory(written[::-1], read[::-1])


@pytest.mark.parametrize(("written", "read"), APART.values(), ids=APART)
def test_what_lies_apart_is_not(written: list[Tensor], read: list[Tensor]) -> None:
    """However near, and between each other."""
    assert not share_memory(written, read)


needs_compiler = pytest.mark.skipif(not COMPILED, reason="no C compiler here")
WAYS = pytest.mark.parametrize("compiled", [pytest.param(True, marks=needs_compiler), False])


@pytest.fixture
def prepared(compiled: bool, monkeypatch: pytest.MonkeyPatch) -> Gradients:
    """The gradient of a small network, by the kernel or by torch's calls."""
    if not compiled:
        monkeypatch.setattr(small_perceptron, "library", lambda _: None)
    case = small_case("ssr")
    return Gradients(network_of(case), case.loss)


@WAYS
@pytest.mark.parametrize("where", ["inputs", "targets", "another parameter"])
def test_an_out_that_is_read_is_written_last(where: str, prepared: Gradients) -> None:
    """The gradient is that of what stood there before."""
    case = small_case("ssr")
    expected = prepared(case.parameters, case.inputs, case.targets)
    out = {name: torch.zeros_like(value) for name, value in case.parameters.items()}
    room = torch.zeros(40, dtype=torch.float64)
    parameters, inputs, targets = dict(case.parameters), case.inputs, case.targets
    if where == "inputs":
        inputs = room[:12].view(3, 4).copy_(inputs)
    elif where == "targets":
        targets = room[:9].view(3, 3).copy_(targets)
    else:
        parameters["2.weight"] = room[:15].view(3, 5).copy_(parameters["2.weight"])
    out["0.weight"] = room[2:22].view(5, 4)
    found = prepared(parameters, inputs, targets, out=out)
    for name, value in expected.items():
        assert found[name] is out[name]
        torch.testing.assert_close(found[name], value, rtol=1e-13, atol=1e-15)


@WAYS
def test_two_outs_that_share_memory_are_refused(prepared: Gradients) -> None:
    """One derivative would overwrite the other, whoever computes them; columns of one matrix are two."""
    case = small_case("ssr")
    room = torch.zeros(8, 2, dtype=torch.float64)
    out = {name: torch.zeros_like(value) for name, value in case.parameters.items()}
    out["0.bias"], out["2.bias"] = room[:5, 0], room[:3, 1]
    found = prepared(case.parameters, case.inputs, case.targets, out=out)
    assert found["0.bias"] is out["0.bias"]
    out["2.bias"] = room[2:5, 0]
    message = "out's tensors share memory: one derivative would overwrite another"
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        prepared(case.parameters, case.inputs, case.targets, out=out)


@WAYS
def test_a_graph_that_keeps_an_out_knows_that_it_has_changed(prepared: Gradients) -> None:
    """As after every operation of torch: it refuses to go backward with other numbers, in silence."""
    case = small_case("ssr")
    out = prepared(case.parameters, case.inputs, case.targets)
    scale = torch.ones((), dtype=torch.float64, requires_grad=True)
    loss = (scale * out["0.bias"]).sum()
    prepared(case.parameters, case.inputs, case.targets, out=out)
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        torch.autograd.grad(loss, scale)


@WAYS
def test_an_out_that_is_a_parameter_of_another_model_obeys_torchs_rules(prepared: Gradients) -> None:
    """Torch writes to a leaf without a graph only, and to a tensor of inference mode only within it."""
    case = small_case("ssr")
    arguments = (case.parameters, case.inputs, case.targets)
    expected = prepared(*arguments)
    with torch.inference_mode():
        inferred = prepared(*arguments)
        again = prepared(*arguments, out=inferred)
        assert all(torch.equal(again[name], expected[name]) for name in expected)
    with pytest.raises(RuntimeError, match=r"[Ii]nference"):
        prepared(*arguments, out=inferred)
    watched = {name: value.clone().requires_grad_() for name, value in expected.items()}
    with pytest.raises(RuntimeError, match="requires grad"):
        prepared(*arguments, out=watched)
    with torch.no_grad():
        assert prepared(*arguments, out=watched)["0.bias"] is watched["0.bias"]


@pytest.mark.slow
@needs_compiler
def test_a_million_layers_of_one_node_need_no_stack() -> None:
    """Small in all but their number: 1.1 million multiplications."""
    layers = 1_100_000
    case = make_perceptron_case((1, 1), (None,), "ssr", 1, torch.float64, seed=1)
    small = small_perceptron.Small(network_of(case), "ssr")
    ones = {"0.weight": torch.ones(1, 1, dtype=torch.float64), "0.bias": torch.zeros(1, dtype=torch.float64)}
    small._layers, small._widths = layers, (ctypes.c_long * (layers + 1))(*[1] * (layers + 1))
    small._multiplications = layers
    small._names = ("0.weight", "0.bias") * layers
    found = small.gradients(ones, case.inputs.abs(), case.inputs.abs() * 2, {})
    assert found is not None
