"""A factor of every element, the same at all points, is called so before anything else is made of it."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor
from torch.nn.functional import layer_norm

from torch_reference import check_function
from torch_reference.diagnosis.edits import edited_reference
from torch_reference.judging import judgement


def norm(x: Tensor) -> Tensor:
    """The layer norm of rows."""
    return layer_norm(x, x.shape[-1:])


def spoiled(by: Callable[[Tensor], Tensor]) -> tuple[Callable, Callable]:
    """The norm as a pair whose gradient went through this."""

    def backward(x: Tensor, above: Tensor) -> Tensor:
        x = x.detach().requires_grad_()
        with torch.enable_grad():
            return by(torch.autograd.grad(norm(x), x, above)[0])

    return lambda x: (norm(x), x), backward


def rows(size: int, dtype: torch.dtype) -> Tensor:
    """Rows of normal numbers."""
    return torch.randn(size, 64, generator=torch.Generator().manual_seed(0), dtype=torch.float64).to(dtype)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_it_is_found_before_another_forward_pass_is_run(
    dtype: torch.dtype, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Elements of float32 that cancel are off by more than half of their own digits."""
    run = list[str]()

    def watched(task: object, made: tuple, draw: object) -> None:
        run.extend(edit.kind for edit in made)
        raise RuntimeError("not now")

    monkeypatch.setattr(edited_reference, "another_run", watched)
    report = check_function(spoiled(lambda d: 1.01 * d), norm, rows(64, dtype), ways=[], order=1)
    assert report.first_wrong.diagnosis.kind == "constant factor", str(report)
    assert "times 1.01," in report.first_wrong.diagnosis.sentence
    assert not {*run} & edited_reference.OF_VALUES


@pytest.mark.medium
@pytest.mark.parametrize(
    "by",
    [
        lambda d: 1.01 * d + 1e-3,
        lambda d: torch.cat([1.01 * d[:, :9], d[:, 9:]], 1),
        lambda d: d * (1.01 + d[0, 0] ** 2),
        lambda d: d / d.abs().amax(),
        lambda d: d * torch.where(d > 0, 1.01, torch.inf),
    ],
    ids=["and a constant", "of some columns", "as one of them", "as the size", "or infinity"],
)
def test_what_is_no_constant_is_not_called_one(by: Callable[[Tensor], Tensor]) -> None:
    """Nor is it where the factor is another one at another point."""
    report = check_function(spoiled(by), norm, rows(64, torch.float64), ways=[], order=1)
    assert report.first_wrong.diagnosis.kind != "constant factor", str(report)


@pytest.mark.medium
def test_what_differs_at_the_whole_is_not_run_again_on_few_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its own roundings were asked there; what loses digits there is asked for them again."""
    asked = list[tuple[str, ...]]()
    by_own_code = judgement.by_own_code

    def watched(rows: dict, manual: dict, *rest: object, **known: object) -> dict:
        asked.append(tuple(manual))
        return by_own_code(rows, manual, *rest, **known)

    monkeypatch.setattr(judgement, "by_own_code", watched)
    report = check_function(spoiled(lambda d: 1.01 * d), norm, rows(4096, torch.float32), ways=[], order=1)
    assert not report
    assert "inputs[0]" not in asked[-1]
    assert report.first_wrong.wrong == "yours"
