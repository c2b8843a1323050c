"""What edits make of a gradient: by the recorded graph, by one number, and by another run."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor
from torch.nn import functional

from torch_reference import check_function
from torch_reference.diagnosis import candidates
from torch_reference.diagnosis.edits import Call, edited_reference
from torch_reference.diagnosis.edits.further_edits import MOST_FACTORS
from torch_reference.diagnosis.edits.random_direction import RandomDirection
from torch_reference.diagnosis.edits.wrong_forward import KIND as FORWARD
from torch_reference.diagnosis.random_draws import Draw
from torch_reference.judging.derivation_task import Task


def norm(x: Tensor, w: Tensor) -> Tensor:
    """A layer norm, which is taken apart."""
    return functional.layer_norm(x, (4,), w[0], w[1])


def attention(x: Tensor, w: Tensor) -> Tensor:
    """Of one head, in which a tensor is used three times."""
    queries, keys = x @ w, x @ w.T
    return torch.softmax(queries @ keys.T / 2, -1) @ x


def network(x: Tensor, w: Tensor) -> Tensor:
    """Two activations, a skip connection, and a mean."""
    hidden = functional.softplus(x @ w)
    return (hidden * torch.tanh(x) + hidden).square().mean(0)


def written(x: Tensor, w: Tensor) -> Tensor:
    """Which writes into what it has made."""
    h = x @ w
    h *= x
    return h.sin().add_(x)


def first_draw(
    reference: Callable, monkeypatch: pytest.MonkeyPatch, size: int = 4, dtype: torch.dtype = torch.float64
) -> tuple[Task, Draw]:
    """The task and the draw of which the edits of a wrong gradient are made."""
    found = list[tuple[Task, Draw]]()

    def watched(task: Task, _: str, draw: Draw, __: Callable) -> None:
        found.append((task, draw))
        raise KeyboardInterrupt  # that is all

    def backward(saved: tuple[Tensor, ...], above: Tensor) -> tuple[Tensor, ...]:
        x, w = (value.detach().requires_grad_() for value in saved)
        with torch.enable_grad():
            return tuple(1.37 * each for each in torch.autograd.grad(reference(x, w), (x, w), above))

    monkeypatch.setattr(candidates, "edited_candidates", watched)
    generator = torch.Generator().manual_seed(2)
    x, w = torch.randn(2, size, size, generator=generator, dtype=torch.float64).to(dtype)
    pair = lambda x, w: (reference(x, w), (x, w)), backward
    with pytest.raises(KeyboardInterrupt):
        check_function(pair, reference, x, w, ways=[], order=1)
    return found[0]


def like(a: Tensor, b: Tensor) -> bool:
    """Whether they are the same but for roundings."""
    return torch.allclose(a, b, rtol=1e-9, atol=1e-11 * float(b.abs().amax() + 1))


@pytest.mark.medium
@pytest.mark.parametrize("reference", [norm, attention, network, written])
def test_an_edited_gradient_is_that_of_an_edited_reference(
    reference: Callable, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And by one number no edit is told off that makes what was returned, but nearly all others are."""
    task, draw = first_draw(reference, monkeypatch)
    graph, right = edited_reference._recorded(task, draw).graph, draw.reference
    if graph.is_as_made:
        others = {name: RandomDirection(graph, name, 1.37 * right[name], right[name]) for name in right}
    made, told = [], []
    for edit in edited_reference._every_edit(task, draw)[::12]:
        if edited_reference._is_of_values(edit):
            continue
        try:
            again, found = edited_reference.another_run(task, edit, draw), graph.edited(edit, right)
        except RuntimeError:
            continue
        made.append(found is not None)
        for name in right if found else []:
            if again[name].isfinite().all():
                assert like(found[name], again[name]), edit
                assert not RandomDirection(graph, name, again[name], right[name]).tells_off(edit), edit
                told.append(others[name].tells_off(edit) or like(again[name], 1.37 * right[name]))
    assert len(made) > 12
    assert all(made) is (reference is not written)  # that is run again, each time
    assert reference is written or sum(told) > 0.95 * len(told)


@pytest.mark.medium
@pytest.mark.parametrize("reference", [norm, attention, network])
def test_another_value_of_what_is_only_added_up_changes_no_gradient(
    reference: Callable, monkeypatch: pytest.MonkeyPatch
) -> None:
    task, draw = first_draw(reference, monkeypatch)
    bends, straight = edited_reference._recorded(task, draw).graph.bends, 0
    for made in [made for made in edited_reference._every_edit(task, draw) if made[0].kind == FORWARD]:
        again = edited_reference.another_run(task, made, draw)
        is_same = all(like(again[name], right) for name, right in draw.reference.items())
        is_straight = not any(bends[edit.call] for edit in made)
        assert is_same or not is_straight, made
        straight += is_straight
    assert straight > 1


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_a_hundredth_at_every_element_is_told_from_all_edits_and_so_is_a_tail_of_zeros(
    dtype: torch.dtype, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Though each element may be off by half of its digits; and few edits need a run of their call."""
    task, draw = first_draw(network, monkeypatch, 64, dtype)
    graph, [name, *_] = edited_reference._recorded(task, draw).graph, draw.reference
    every = [each for each in edited_reference._every_edit(task, draw) if len(each) == 1]
    every = [each for each in every if not edited_reference._is_of_values(each)][::5]
    runs, with_edits = list[None](), Call.with_edits
    monkeypatch.setattr(Call, "with_edits", lambda *given: runs.append(None) or with_edits(*given))
    right, tail = draw.reference[name], torch.arange(64) < 60
    assert len(every) > 20
    for wrong in (1.01 * right, right * tail):
        direction = RandomDirection(graph, name, wrong, right)
        assert sum(map(direction.tells_off, every)) > 0.95 * len(every)
    assert len(runs) < len(every) / 2


def test_of_two_edits_the_one_is_of_what_the_other_leaves(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of two paths that are dropped, the one behind the other, nothing flows back twice."""
    task, draw = first_draw(network, monkeypatch)
    graph, right = edited_reference._recorded(task, draw).graph, draw.reference
    paths = {
        (graph.calls[edit.call].name, edit.argument): edit
        for [edit] in edited_reference._every_edit(task, draw)
        if edit.kind == "path dropped"
    }
    made = paths["mul", 0], paths["tanh", 0]

    x, w = (draw.point[f"inputs[{place}]"].clone().requires_grad_() for place in (0, 1))
    hidden = functional.softplus(x @ w)
    told = (hidden.detach() * torch.tanh(x).detach() + hidden).square().mean(0)
    expected = torch.autograd.grad(told, (x, w), draw.point["d_loss_d_outputs[0]"])
    found = graph.edited(made, right)
    for name, value in zip(right, expected, strict=True):
        assert like(found[name], value)
        assert not RandomDirection(graph, name, value, right[name]).tells_off(made)

    behind = paths["mul", 0], paths["softplus", 0]
    told = (hidden.detach() * torch.tanh(x) + functional.softplus((x @ w).detach())).square().mean(0)
    [d_x] = torch.autograd.grad(told, x, draw.point["d_loss_d_outputs[0]"])
    name = next(iter(right))
    assert like(graph.edited(behind, right)[name], d_x)
    assert not RandomDirection(graph, name, d_x, right[name]).tells_off(behind)


def by_name(x: Tensor, w: Tensor) -> Tensor:
    """Which takes a tensor by its name."""
    return functional.linear(x, weight=w).sin()


def test_a_call_that_is_not_the_same_by_itself_is_not_judged_there(monkeypatch: pytest.MonkeyPatch) -> None:
    """One that makes another value each time, takes a tensor by name, or has written into one."""
    for reference, name, changes in ((by_name, "linear", False), (network, "tanh", True)):
        task, draw = first_draw(reference, monkeypatch)
        graph, key = edited_reference._recorded(task, draw).graph, next(iter(draw.reference))
        [number] = [place for place, call in enumerate(graph.calls) if call.name == name]
        edit = next(made for made in edited_reference._every_edit(task, draw) if made[0].call == number)
        if changes:
            call = graph.calls[number]
            graph.calls[number] = call._replace(again=lambda replaced, of=call: 2 * of.again(replaced))
        with pytest.raises(RuntimeError, match="not the same by itself"):
            RandomDirection(graph, key, draw.manual[key], draw.reference[key]).tells_off(edit)
        monkeypatch.undo()

    task, draw = first_draw(lambda x, w: torch.sort(x)[0].mul_(w).sin(), monkeypatch)
    assert not edited_reference._recorded(task, draw).graph.is_as_made


def test_of_a_long_network_so_many_factors_are_tried(monkeypatch: pytest.MonkeyPatch) -> None:
    """And each of them has a name, which takes longer than the trial."""

    def long(x: Tensor, w: Tensor) -> Tensor:
        for _ in range(30):
            x = torch.tanh(x * w)
        return x

    task, draw = first_draw(long, monkeypatch)
    kinds = {"another factor", "product of sums", "input for the activation", "activation for the input"}
    factors = sum(made[0].kind in kinds for made in edited_reference._every_edit(task, draw))
    assert MOST_FACTORS // 2 < factors <= MOST_FACTORS
