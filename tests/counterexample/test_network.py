"""A network's counterexample: small, and a script that fails as the derivation did, bit for bit."""

import ast
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, nn

import homework as homework
import small_network as small_network
from counterexamples import run_here
from torch_reference.check.examine import examine, examine_here
from torch_reference.counterexample.literals import READER, laid_out, literal, word
from torch_reference.counterexample.network import script, shrunk, write
from torch_reference.judging.derivation_task import Task
from torch_reference.judging.network_task import network_task


def task(derivation: Callable, dtype: torch.dtype = torch.float64) -> Task:
    """The network of two inputs, the first one transposed in memory, on six observations."""
    torch.manual_seed(0)
    data = torch.randn(4, 6, dtype=dtype)
    model = small_network.Blend().to(dtype)
    inputs = data[:2].T, data[2:3].T.contiguous()
    return network_task(model, small_network.ssr, inputs, data[3:].T.contiguous(), derivation)


CASES = {  # derivation, dtype, where it fails, the most numbers other than zero that may be left, the model
    "float64": (small_network.wrong, torch.float64, "layer", 2, "network"),
    "float32, the loss by its name": (small_network.wrong, torch.float32, "layer", 2, "Blend"),
    "right at the start only": (small_network.forgets_the_bias, torch.float64, "layer", 2, "network"),
    "wrong for other strides": (small_network.contiguous_only, torch.float64, "layer.weight", 3, "network"),
}


@pytest.mark.sample(1)
@pytest.mark.parametrize(("derivation", "dtype", "name", "nonzero", "factory"), CASES.values(), ids=CASES)
def test_a_counterexample_is_small_and_fails_as_the_derivation_did(
    derivation: Callable,
    dtype: torch.dtype,
    name: str,
    nonzero: int,
    factory: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The same first wrong link and verdict; the loss comes with the model, or by a name of its own."""
    failing = task(derivation, dtype)
    before = examine(failing, draws=0).first_wrong
    small = shrunk(failing)
    assert examine_here(small, draws=0).first_wrong.name == before.name == name
    assert sum(int(value.count_nonzero()) for value in small.point.values()) <= nonzero
    loss = {"network": "", "Blend": "small_network:ssr"}[factory]
    text = script(small, f"small_network:{factory}", f"small_network:{derivation.__name__}", loss)
    status, scope = run_here(text, monkeypatch)
    assert status == 1
    first = scope["report"].first_wrong
    assert (first.name, first.row.verdict) == (before.name, before.row.verdict)
    assert all(torch.equal(scope["POINT"][key], value) for key, value in small.point.items())
    assert all(value.dtype == dtype for value in scope["POINT"].values())


def test_where_the_mistake_is_mended_the_script_says_agreement(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """It checks the derivation that it imports, not a memory of it."""
    text = script(task(small_network.wrong), "small_network:network", "small_network:wrong")
    monkeypatch.setattr(small_network, "wrong", small_network.right)
    assert run_here(text, monkeypatch)[0] == 0
    assert capsys.readouterr().out.startswith("AGREEMENT: ")


@pytest.mark.slow
def test_a_counterexample_of_the_homework_has_one_observation_and_few_numbers() -> None:
    """A missing derivative of tanh; one of five observations, four of 58 numbers."""
    point = shrunk(network_task(*homework.network(), homework.wrong_derivation)).point
    assert len(point["inputs"]) == len(point["targets"]) == 1
    assert sum(int(value.count_nonzero()) for value in point.values()) <= 4


def test_of_a_right_derivation_there_is_no_counterexample() -> None:
    """Said in one line."""
    with pytest.raises(ValueError, match="there is no counterexample"):
        shrunk(task(small_network.right))


@pytest.mark.medium
def test_a_derivation_that_does_not_take_a_smaller_point_shrinks_no_further() -> None:
    """It is the user's and may raise whatever it likes; here it wants four observations or more."""

    def picky(p: dict[str, Tensor], inputs: Tensor, targets: Tensor) -> dict[str, Tensor]:
        if len(inputs) < 4:
            raise KeyError("too few")
        return {"weight": -2 * (inputs @ p["weight"].T - targets).T @ inputs}

    model = nn.Linear(1, 1, bias=False).double()
    data = torch.arange(1.0, 13.0).double().reshape(2, 6, 1)
    small = shrunk(network_task(model, small_network.ssr, *data, picky))
    assert len(small.point["inputs"]) in (4, 5)


TENSORS = {
    "float64": torch.tensor([0.1, -0.0, 5e-324, 1.7e308, torch.inf, -torch.inf]).double(),
    "float32": torch.tensor([[0.1], [1e-45]]),
    "bfloat16": torch.tensor([0.1, 3.0], dtype=torch.bfloat16),
    "indices": torch.tensor([2**53 + 1, -3]),
    "a mask": torch.tensor([True, False]),
    "zero-dimensional": torch.tensor(-0.3),
    "empty": torch.zeros(0, 3),
    "transposed": torch.arange(6.0).reshape(2, 3).T,
    "expanded": torch.tensor([0.1, 0.2]).expand(3, 2),
    "with gaps": torch.arange(12.0).reshape(3, 4)[:, ::2],
}


@pytest.mark.parametrize("value", TENSORS.values(), ids=TENSORS)
def test_a_literal_keeps_every_bit_and_every_stride(value: Tensor) -> None:
    """Hexadecimal floats lose nothing; so do other numbers, in memory of the same layout."""
    scope: dict = {"torch": torch}
    exec(READER, scope)
    read = eval(literal(value), scope)
    assert (read.dtype, read.shape) == (value.dtype, value.shape)
    assert torch.equal(read, value)
    assert torch.equal(read.signbit(), value.signbit())
    assert value.is_contiguous() or read.stride() == value.stride()
    other = laid_out(value + value, value)
    assert torch.equal(other, value + value)
    assert value.is_contiguous() or other.stride() == value.stride()


def test_a_literal_tells_its_device() -> None:
    """A kernel for another device fails there, not here; this machine need not have it."""

    class Elsewhere(Tensor):
        device = torch.device("cuda", 1)

    value = torch.ones(1).as_subclass(Elsewhere)
    assert literal(value) == 'tensor((1,), torch.float32, "0x1.0000000000000p+0", device="cuda:1")'


@pytest.mark.medium
@given(name=st.text() | st.text("\"\\'\n\r#{}\u2028\ud800\U0001f600\0"))
def test_a_name_is_a_literal_that_it_cannot_end(name: str) -> None:
    """Whatever a parameter is called, the script has that name, and no code of it."""
    text = word(name)
    assert ast.literal_eval(text) == name
    assert text.isascii()
    assert text.isprintable()


def test_a_counterexample_is_written_whole(tmp_path: Path) -> None:
    """Over an older one, and nothing is left beside it."""
    path = tmp_path / "counterexample.py"
    write(path, "an older one")
    write(path, "Σ")
    assert path.read_text(encoding="utf-8") == "Σ"
    assert list(tmp_path.iterdir()) == [path]
