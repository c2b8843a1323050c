"""A function's counterexample: small, and a script that fails as the call did, bit for bit."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import Tensor

import kernels as kernels
from counterexamples import run_afresh, run_here
from torch_reference import Report, check_function
from torch_reference.counterexample.function import function_counterexample, importable


def drawn(*shape: int, dtype: torch.dtype = torch.float64) -> Tensor:
    """Random numbers of that shape."""
    return torch.randn(shape, dtype=dtype, generator=torch.Generator().manual_seed(2))


def where(report: Report) -> tuple[str, str, str]:
    """The name, the verdict and the circumstances of a failure."""
    return report.first_wrong.name, report.first_wrong.row.verdict, report.note


SIGN = (kernels.forward, kernels.wrong), kernels.product
ROWS = (kernels.Rows.forward, kernels.Rows.backward), kernels.softmax
CASES = {  # function and reference, inputs, and the most numbers, zero and not, that may be left
    "float64": (*SIGN, (drawn(6, 5), drawn(6, 5)), 3, 2),
    "float32": (*SIGN, (drawn(6, 5, dtype=torch.float32), drawn(6, 5, dtype=torch.float32)), 3, 2),
    "transposed": (*SIGN, (drawn(5, 4).T, drawn(4, 5)), 3, 2),
    "expanded": (*SIGN, (drawn(1).abs().expand(3, 4), drawn(3, 4)), 3, 2),
    "zero-dimensional": (*SIGN, (drawn().abs() + 1, drawn()), 3, 2),
    "two outputs, an index, a scalar": (
        *(kernels.Gather, kernels.gather),
        (drawn(3, 2), torch.tensor([0, 1, 1, 1]), torch.tensor(1.7, dtype=torch.float64)),
        *(7, 2),
    ),
    "wrong for other strides only": (kernels.ContiguousOnly, kernels.twice, (drawn(6, 5),), 4, 1),
    "strides of an input": (*ROWS, (drawn(5, 4).T,), 4, 2),
    "empty": ((kernels.total, kernels.backward_of_nothing), torch.sum, (drawn(0, 3),), 1, 1),
}


@pytest.mark.sample(2)
@pytest.mark.parametrize(("function", "reference", "inputs", "most", "nonzero"), CASES.values(), ids=CASES)
def test_a_counterexample_is_small_and_fails_as_the_call_did(
    function: object,
    reference: Callable,
    inputs: tuple[Tensor, ...],
    most: int,
    nonzero: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The same name, verdict and way of calling; the inputs themselves are left alone."""
    before = [value.clone() for value in inputs]
    text = function_counterexample(function, reference, *inputs)
    status, scope = run_here(text, monkeypatch)
    assert status == 1
    assert where(scope["report"]) == where(check_function(function, reference, *inputs, draws=0))
    numbers = [*scope["INPUTS"], *scope["UPSTREAM"]]
    assert sum(value.numel() for value in numbers) <= most
    assert sum(int(value.count_nonzero()) for value in numbers) <= nonzero
    assert [value.dtype for value in scope["INPUTS"]] == [value.dtype for value in inputs]
    assert all(torch.equal(value, old) for value, old in zip(inputs, before, strict=True))


@pytest.mark.medium
def test_only_the_asked_gradients_count_in_the_script_too(monkeypatch: pytest.MonkeyPatch) -> None:
    """wrt=[0]: the missing gradient of w is none of its business."""
    function = kernels.forward, kernels.leaves_out_w
    text = function_counterexample(function, kernels.product, drawn(3), drawn(3), wrt=[0])
    status, scope = run_here(text, monkeypatch)
    assert status == 1
    assert where(scope["report"])[0] == "inputs[0]"
    assert "wrt=[0]" in text


@pytest.mark.medium
def test_upstream_gradients_fit_whatever_the_outputs_become(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fewer weights make more windows, and one window loses its dimension."""
    function = kernels.forward_windows, kernels.backward_windows
    text = function_counterexample(function, kernels.windows, drawn(70), drawn(2), wrt=[1])
    status, scope = run_here(text, monkeypatch)
    assert status == 1
    assert [value.shape for value in scope["UPSTREAM"]] == [()]
    assert all(value.numel() == 1 for value in scope["INPUTS"])


def test_where_the_mistake_is_mended_the_script_says_agreement(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """It checks the function that it imports, not a memory of it."""
    text = function_counterexample(*SIGN, drawn(2), drawn(2))
    monkeypatch.setattr(kernels, "wrong", kernels.right)
    assert run_here(text, monkeypatch)[0] == 0
    assert capsys.readouterr().out.startswith("AGREEMENT: ")


def test_there_is_no_counterexample_of_what_agrees() -> None:
    """Said in one line."""
    with pytest.raises(ValueError, match="there is no counterexample"):
        function_counterexample((kernels.forward, kernels.right), kernels.product, drawn(2), drawn(2))


def test_what_no_script_can_import_is_refused_in_one_line() -> None:
    """A lambda, a local function, a partial one, and what the running program defines."""
    main = type("Mine", (), {"__module__": "__main__"})
    for thing in (lambda x: x, drawn(1).sum, main):
        with pytest.raises(ValueError, match="expected what a script can import from a module, found"):
            importable(thing)
    assert importable(torch.softmax) == "torch:softmax"
    assert importable(torch.nn.functional.softmax) == "torch.nn.functional:softmax"
    assert importable(kernels.Rows.forward) == "kernels:Rows.forward"


def test_upstream_gradients_of_another_shape_are_refused() -> None:
    """check_function takes those that a counterexample names, one for every output."""
    with pytest.raises(ValueError, match=re.escape("[(2,)], found [(3,)]")):
        check_function(*SIGN, drawn(2), drawn(2), upstream=[drawn(3)])


@pytest.mark.slow
def test_a_functions_counterexample_reproduces_the_failure_in_a_fresh_process(tmp_path: Path) -> None:
    """Status 1 and the same first wrong name, printed by a process that knows the script alone."""
    path = tmp_path / "counterexample.py"
    path.write_text(function_counterexample(*SIGN, drawn(6, 5), drawn(6, 5)), encoding="utf-8")
    done = run_afresh(path)
    assert (done.returncode, done.stderr) == (1, "")
    assert "inputs[1]: differs" in done.stdout
