"""The fast ways to the lesson's gradient give what the plain derivation gives, and refuse what it refuses."""

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import pytest
import torch
from hypothesis import example, given

import manual_backprop
import torch_reference
from bad_lesson_input import TYPE_ERRORS, VALUE_ERRORS
from fast_ways import COMPILED, WAYS, memory_of_nan
from lessons_seven import seven_only
from manual_backprop import LESSON_WRT, PARAMETERS, lesson
from manual_backprop.checks import DTYPES
from manual_backprop.fast import lesson_gradient as fast
from manual_backprop.fast import parallel_blocks
from storages import storages
from strategies import Case, cases, wrt

EPS = torch.finfo(torch.float64).eps


@contextmanager
def small_blocks(compiled: bool) -> Iterator[pytest.MonkeyPatch]:
    """One of the two ways, with blocks so small that a few observations are many blocks on two threads."""
    with pytest.MonkeyPatch.context() as patch:
        if not compiled:
            patch.setattr(fast, "library", lambda dtype: None)
        for module in (fast, parallel_blocks):
            patch.setattr(module, "BLOCK", 5)
        patch.setattr(parallel_blocks, "PARALLEL", 11)
        patch.setattr(torch, "get_num_threads", lambda: 2)
        yield patch


def disagreements(case: Case, names: Sequence[str]) -> list[Any]:
    """Where the fast gradient differs from autograd's by more than rounding."""
    found = fast.gradients(*case, wrt=names)
    assert list(found) == list(names)
    reference = torch_reference.gradients(*case, wrt=names)
    rows = torch_reference.compare(found, reference, torch_reference.bounds(*case))
    return [row for row in rows if not row.agrees]


@pytest.mark.medium
@pytest.mark.parametrize("compiled", WAYS)
@given(case=cases(max_n=24), names=wrt)
@example(case=Case(lesson.start(), *lesson.data()), names=PARAMETERS)
@example(case=Case(lesson.start(), *(values.repeat(8) for values in lesson.data())), names=LESSON_WRT)
def test_the_fast_gradient_agrees_with_autograd(compiled: bool, case: Case, names: Sequence[str]) -> None:
    """Any network or batch, any dtype, any parameters, within the bound of every correct derivation."""
    with small_blocks(compiled):
        if names:
            assert not disagreements(case, names)
        else:
            assert fast.gradients(*case, wrt=names) == {}


@pytest.mark.parametrize("compiled", WAYS)
def test_any_number_of_threads_gives_the_same_bits(compiled: bool) -> None:
    """The blocks are cut where they are cut and added in their order, whoever takes them."""
    inputs, observed = torch.rand(2, 103, dtype=torch.float64, generator=torch.Generator().manual_seed(3))
    with small_blocks(compiled) as patch:
        several = fast.gradients(lesson.start(), inputs, observed, PARAMETERS)
        patch.setattr(torch, "get_num_threads", lambda: 1)
        alone = fast.gradients(lesson.start(), inputs, observed, PARAMETERS)
    assert all(torch.equal(several[name], alone[name]) for name in PARAMETERS)


@pytest.mark.skipif(not COMPILED, reason="no C compiler here")
@pytest.mark.parametrize("dtype", DTYPES)
def test_the_kernels_softplus_and_sigmoid_are_within_their_bound(dtype: torch.dtype) -> None:
    """At every size of x, from subnormal results to overflow.

    With w3 = 1 and an observation of 0, the derivative with respect to w3 is 2 SoftPlus(b1)², and that with
    respect to b1 is 2 SoftPlus(b1) σ(b1).
    """
    sizes = torch.cat([torch.logspace(-6, 3, 200), torch.linspace(85, 106, 22), torch.linspace(705, 750, 46)])
    b1 = torch.cat([sizes, -sizes]).to(dtype)
    zeros, ones = torch.zeros_like(b1), torch.ones_like(b1)
    batch = Case({**dict.fromkeys(PARAMETERS, zeros), "b1": b1, "w3": ones}, zeros[:, None], zeros[:, None])
    one_by_one = [
        fast.gradients({name: value[i] for name, value in batch.parameters.items()}, *data, wrt=("w3", "b1"))
        for i, data in enumerate(zip(batch.inputs, batch.observed, strict=True))
    ]
    found = {name: torch.stack([one[name] for one in one_by_one]) for name in ("w3", "b1")}
    reference = torch_reference.gradients(*batch, wrt=("w3", "b1"))
    rows = torch_reference.compare(found, reference, torch_reference.bounds(*batch))
    assert not [row for row in rows if not row.agrees]


@pytest.mark.parametrize("compiled", WAYS)
@pytest.mark.parametrize("name", ["b1", "w4", "inputs", "observed"])
@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_what_is_not_finite_stays_so(compiled: bool, name: str, value: float) -> None:
    """No branch of the kernel turns a NaN into a number, and an infinity not either."""
    inputs, observed = lesson.data()
    parameters = lesson.start()
    {**parameters, "inputs": inputs[1], "observed": observed[1]}[name].fill_(value)
    with small_blocks(compiled):
        found = fast.gradients(parameters, inputs, observed, PARAMETERS)
    plain = manual_backprop.gradients(parameters, inputs, observed, PARAMETERS)
    assert [key for key in PARAMETERS if not found[key].isfinite()] == [
        key for key in PARAMETERS if not plain[key].isfinite()
    ]


@pytest.mark.usefixtures("as_a_user_runs_it")
@pytest.mark.parametrize(("arguments", "message"), [*VALUE_ERRORS.values(), *TYPE_ERRORS.values()])
def test_what_the_plain_derivation_refuses_is_refused_with_the_same_line(
    arguments: tuple[Any, ...], message: str
) -> None:
    """The fast way looks at less, and sends all that it does not know to the plain one."""
    with pytest.raises((ValueError, TypeError), match=re.escape(message)):
        fast.gradients(*arguments)


@pytest.mark.usefixtures("as_a_user_runs_it")
@pytest.mark.parametrize("names", ["w3", ("w3", "w9"), ("w3", "w3")])
def test_names_are_checked(names: Any) -> None:
    """A string, an unknown name and a name that comes twice, in the plain derivation's words."""
    case = Case(lesson.start(), *lesson.data())
    with pytest.raises((ValueError, TypeError), match=r"expected a sequence|unknown|twice") as plain:
        manual_backprop.gradients(*case, wrt=names)
    with pytest.raises(plain.type, match=f"^{re.escape(str(plain.value))}$"):
        fast.gradients(*case, wrt=names)


@seven_only
@pytest.mark.skipif(not COMPILED, reason="no C compiler here")
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("names", [LESSON_WRT, ("b1", "w3")])
def test_the_kernel_is_taken_wherever_it_can_be(
    dtype: torch.dtype, names: Sequence[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """For few observations and for many, in either precision; every number was written before it is read."""
    monkeypatch.setattr(fast, "plain", lambda *_: pytest.fail("the plain derivation"))
    for n in (1, 2 * parallel_blocks.BLOCK + 1):
        inputs = torch.linspace(-1, 1, n, dtype=dtype)
        with memory_of_nan():
            found = fast.gradients(lesson.start(dtype), inputs, inputs.sin(), names)
        assert list(found) == list(names)
        assert all(value.isfinite() for value in found.values())


def test_what_is_no_plain_memory_goes_to_the_plain_derivation() -> None:
    """Strided data, a pending negation, tensors that autograd watches, and those of torch.func."""
    inputs, observed = lesson.data()
    parameters = lesson.start()
    expected = manual_backprop.gradients(parameters, inputs, observed)["w3"]
    strided = torch.stack([inputs, observed], -1).unbind(-1)
    assert torch.equal(fast.gradients(parameters, *strided)["w3"], expected)
    negative = torch.tensor(complex(0, -0.36), dtype=torch.complex128).conj().imag
    assert negative.is_neg()
    assert torch.equal(fast.gradients({**parameters, "w3": negative}, inputs, observed)["w3"], expected)
    watched = {**parameters, "w3": parameters["w3"].clone().requires_grad_()}
    assert fast.gradients(watched, inputs, observed)["w3"].requires_grad
    twice = torch.func.grad(lambda w3: fast.gradients({**parameters, "w3": w3}, inputs, observed)["w3"])
    trace = manual_backprop.forward(parameters, inputs, observed)
    # Both sides round three squares and two additions of positive numbers, at most 3 times eps / 2 each; to
    # double is exact. The fourth eps / 2 covers the second order.
    torch.testing.assert_close(twice(parameters["w3"]), 2 * (trace.y1**2).sum(), rtol=3.5 * EPS, atol=0)


@given(case=cases(batches=False))
def test_no_input_is_changed_and_no_result_is_an_input(case: Case) -> None:
    """Results of one call are rows of one new tensor, which no later call writes to."""
    given_tensors = [*case.parameters.values(), case.inputs, case.observed]
    before = [tensor.clone() for tensor in given_tensors]
    first = fast.gradients(*case, wrt=PARAMETERS)
    kept = {name: value.clone() for name, value in first.items()}
    second = fast.gradients(*case, wrt=PARAMETERS)
    assert all(torch.equal(old, new) for old, new in zip(before, given_tensors, strict=True))
    assert all(torch.equal(first[name], kept[name]) for name in PARAMETERS)
    assert not set(storages(list(first.values()))) & set(storages([*second.values(), *given_tensors]))


@seven_only
def test_a_childs_threads_are_its_own() -> None:
    """After a fork the pool is forgotten, for its threads did not come along."""
    with small_blocks(compiled=False):
        inputs, observed = torch.rand(2, 40, dtype=torch.float64)
        fast.gradients(lesson.start(), inputs, observed)
        assert parallel_blocks._pool.cache_info().currsize
    parallel_blocks.forget_threads()
    assert not parallel_blocks._pool.cache_info().currsize
