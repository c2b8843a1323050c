"""Each way of calling finds the mistakes that only it shows, and refuses none of their right twins."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.nn.functional import smooth_l1_loss

from autograd_functions import function, saving
from catalogue.ways import ALL, twin
from catalogue.ways.functions import saves_a_scale, times_five, w, x
from catalogue.ways.mistakes import MASK, by_5, images, z
from catalogue.ways.newer import BothRightly
from proof.ways_board import gradchecks
from torch_reference import check_function
from torch_reference.check.ways import WAYS


@pytest.mark.sample(12)
@pytest.mark.parametrize(("way", "wrong", "reference", "inputs"), ALL.values(), ids=ALL)
def test_a_mistake_that_one_way_shows_is_found_by_it_alone(
    way: str, wrong: Any, reference: Callable[..., Any], inputs: tuple[Any, ...]
) -> None:
    """As it was given nothing is wrong; the report names the way."""
    assert check_function(wrong, reference, *inputs, ways=[], order=1, draws=0)
    report = check_function(wrong, reference, *inputs, ways=[way], order=1, draws=0)
    assert dict(report.ways) == {way: "fails"}, str(report)
    assert report.note
    assert f"fails in 1 of 1 ways: {way}" in str(report)


@pytest.mark.sample(4)
@pytest.mark.parametrize(("way", "wrong", "reference", "inputs"), ALL.values(), ids=ALL)
def test_its_right_twin_is_not_refused(
    way: str, wrong: Any, reference: Callable[..., Any], inputs: tuple[Any, ...]
) -> None:
    """Another backward of the same function, in the same way."""
    report = check_function(twin(reference), reference, *inputs, ways=[way], order=1, draws=0)
    assert report, str(report)


RIGHT: dict[str, tuple[Any, Callable[..., Any], tuple[Any, ...]]] = {
    "a multiple": (times_five(lambda g: g * 5), by_5, (x,)),
    "in the newer style": (BothRightly, by_5, (x,)),
    "of images": (times_five(lambda g: g * 5), by_5, (images,)),
    "of complex numbers": (times_five(lambda g: g * 5), by_5, (z,)),
    "a product": (
        function(saves_a_scale, lambda ctx, g: (g * ctx.saved_tensors[1], g * ctx.saved_tensors[0])),
        torch.mul,
        (x, w),
    ),
    "two outputs": (
        function(lambda ctx, x: (x * 2, x * 3), lambda ctx, a, b: a * 2 + b * 3),
        lambda x: (x * 2, x * 3),
        (x,),
    ),
    "a gather": (lambda t, i: t.index_select(0, i), lambda t, i: t[i], (x, torch.tensor([0, 2, 1]))),
    "a mask": (lambda x, m: x.masked_fill(~m, 0), lambda x, m: x * m, (x, MASK)),
    "a norm": (lambda x: x.norm(dim=-1), lambda x: torch.linalg.vector_norm(x, dim=-1), (x,)),
    "a softmax": (lambda x: x.softmax(-1), lambda x: x.exp() / x.exp().sum(-1, keepdim=True), (x,)),
}


@pytest.mark.sample(2)
@pytest.mark.parametrize(("right", "reference", "inputs"), RIGHT.values(), ids=RIGHT)
def test_what_is_right_agrees_in_every_way(
    right: Any, reference: Callable[..., Any], inputs: tuple[Any, ...]
) -> None:
    """No way refuses it, and all are listed."""
    report = check_function(right, reference, *inputs)
    assert report, str(report)
    assert [name for name, _ in report.ways] == list(WAYS)
    assert not [status for _, status in report.ways if status.startswith("not judged")]
    assert not report.warnings


def test_what_is_kept_on_ctx_and_overwritten_is_warned_of() -> None:
    """Right as long as nobody writes to it, which save_for_backward would notice."""

    def kept(ctx: Any, x: Tensor) -> Tensor:
        ctx.x = x
        return x.square()

    report = check_function(
        function(kept, lambda ctx, g: 2 * g * ctx.x), torch.square, x, ways=["changed afterwards"]
    )
    assert report
    (warning,) = report.warnings
    assert warning.startswith("where its inputs are changed in place before the backward it returns others")
    saved = function(saving(torch.square), lambda ctx, g: 2 * g * ctx.saved_tensors[0])
    assert not check_function(saved, torch.square, x, ways=["changed afterwards"]).warnings


def test_a_list_that_is_kept_and_changed_is_warned_of() -> None:
    """As where one list says in each turn of a loop where a slice begins; what copies it is right."""

    def sliced(x: Tensor, start: list[int]) -> Tensor:
        return x[start[0] :] * 1

    def keeping(how: Callable[[list[int]], list[int]]) -> Any:
        def forward(ctx: Any, x: Tensor, start: list[int]) -> Tensor:
            ctx.start, ctx.shape = how(start), x.shape
            return sliced(x, start)

        def backward(ctx: Any, g: Tensor) -> tuple[Tensor, None]:
            d = g.new_zeros(ctx.shape)
            d[-len(g) :] = g if ctx.start == [len(d) - len(g)] else 0
            return d, None

        return function(forward, backward)

    for how, count in ((list, 0), (lambda start: start, 1)):
        report = check_function(keeping(how), sliced, x, [1], ways=["changed afterwards"], order=1)
        assert report.agrees, report
        assert len(report.warnings) == count, report


def test_another_call_stays_in_the_domain() -> None:
    """A matrix whose rows are shifted has no Cholesky factor, which is no mistake of the function's."""
    positive = x.T @ x

    def strict(a: Tensor) -> Tensor:
        torch.linalg.cholesky((a + a.mT) / 2)
        return torch.logdet((a + a.mT) / 2)

    report = check_function(strict, lambda a: torch.logdet((a + a.mT) / 2), positive, order=1)
    assert report, str(report)


def test_zeros_without_memory_are_not_moved() -> None:
    """Autograd makes such where a term has no second derivative, and writing to them ends the process."""
    smooth = lambda a, b: torch.where((a - b).abs() < 1, 0.5 * (a - b) ** 2, (a - b).abs() - 0.5).mean()  # noqa: E731
    assert check_function(smooth_l1_loss, smooth, x, w, ways=["rows"], order=1)


def test_an_unknown_way_is_one_clear_line() -> None:
    """With the names of all."""
    with pytest.raises(ValueError, match=r"^ways: expected some of spread, .*, offset, found 'sideways'$"):
        check_function(torch.sin, torch.sin, x, ways=["sideways"])


@pytest.mark.parametrize("mode", [torch.inference_mode, torch.no_grad, lambda: torch.autocast("cpu")])
def test_the_callers_modes_change_no_verdict(mode: Callable[[], Any]) -> None:
    """Inputs made under inference_mode included."""
    wrong = times_five(lambda g: g * 6)
    with mode():
        made = x * 1
        assert check_function(by_5, lambda x: x * 5, made, ways=[])
        assert not check_function(wrong, by_5, made, ways=[], draws=0)


@pytest.mark.parametrize(
    ("name", "refused"), [("a jvp", True), ("divides by the upstream", True), ("a tail of rows", False)]
)
def test_gradcheck_is_given_all_that_it_has(name: str, refused: bool) -> None:
    """A tangent and a zero upstream gradient are seen, another number of rows is not; no twin is refused."""
    _, wrong, reference, inputs = ALL[name]
    assert gradchecks(wrong, reference, inputs) is refused
    assert not gradchecks(twin(reference), reference, inputs)


def test_the_family_is_large_enough_to_say_something() -> None:
    """At least forty, and one for every way but the two of which a report only warns."""
    assert len(ALL) >= 40
    assert {way for way, *_ in ALL.values()} == WAYS.keys() - {"changed afterwards", "dimensions"}
