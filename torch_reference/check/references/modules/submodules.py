"""Which of two modules' submodules differs first, each given its own inputs and its own upstream gradient."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn

from torch_reference.check.references.modules.other_names import other_name
from torch_reference.comparison import Verdict
from torch_reference.judging.calls.holders import copied, flattened, mapped, tensors_mapped
from torch_reference.judging.calls.nests import named_leaves
from torch_reference.judging.calls.private_model import private_copy
from torch_reference.judging.calls.raised_errors import user_code
from torch_reference.judging.calls.really import is_tensor
from torch_reference.judging.derivation_task import normal
from torch_reference.judging.headings import some
from torch_reference.judging.report import Report
from torch_reference.layers.own_generator import own_generator
from torch_reference.layers.random_state import as_drawn_by

FEW = 4
"""So many names are told, and so many calls of one submodule are judged."""


@dataclass
class Call:
    """One call of a submodule: what it was given, what it returned, and the gradients of that.

    above is empty where not all outputs may have a gradient; None in it is that of one that nothing uses.
    """

    name: str
    args: tuple[Any, ...]
    kwargs: dict[str, Any]
    outputs: dict[str, Tensor] = field(default_factory=dict)
    above: dict[str, Tensor | None] = field(default_factory=dict)


def told_of_submodules(
    mine: nn.Module,
    reference: nn.Module,
    given: tuple[Sequence[Any], Mapping[str, Any]],
    names: Mapping[str, str],
    checked: Callable[..., Report],
) -> tuple[str, tuple[str, ...]]:
    """(a line that names the first, in the order in which the reference's finish, what is told of no first).

    Shapes: given are the inputs, and those by keyword
    """
    own, others = dict(mine.named_modules()), dict(reference.named_modules())
    matched = {other_name(name, names): name for name in own if name}
    try:
        with user_code("reference"):
            calls = _calls(reference, *given)
    except Exception:  # the module is the user's
        return "", ()
    left: dict[str, None] = {}
    losing = ""  # in 16 bits many a submodule does, and what differs may be another
    for call in calls:
        name = call.name
        if name not in matched or not call.above:
            left[name] = None
            continue
        inner = _inside(matched[name], name, (*own, *dict(mine.named_parameters())), names)
        upstream = [
            torch.zeros_like(call.outputs[key]) if gradient is None else gradient.detach()
            for key, gradient in call.above.items()
        ]
        options = {**call.kwargs, "names": inner, "upstream": upstream}
        try:
            report = checked(own[matched[name]], others[name], *call.args, **options)
        except (ValueError, TypeError):  # without a gradient, or with other parameters
            left[name] = None
            continue
        # What a submodule returns besides, as weights of attention, and nothing uses, is no matter.
        wrong = [
            each for each in report.findings if not each.agrees and call.above.get(each.name, 0) is not None
        ]
        if any(each.starts_here for each in wrong):
            loses_digits = all(each.row.verdict is Verdict.LOSES_DIGITS for each in wrong if each.starts_here)
            told = (
                f"first submodule that {'loses digits' if loses_digits else 'differs'}, given its own inputs"
            )
            names_of_wrong = some([each.name for each in wrong], FEW)
            told += f" and upstream gradient: {matched[name]}{_which(call, calls)} ({names_of_wrong})"
            if not loses_digits:
                return told, ()
            losing = losing or told
        left |= dict.fromkeys([name] if wrong else [])
    if losing:
        return losing, ()
    return "", (_none_differs(list(left)),) if len(left) < len({call.name for call in calls}) else ()


def _inside(mine: str, other: str, known: Iterable[str], names: Mapping[str, str]) -> dict[str, str]:
    """What the parts of a submodule are called in the other one."""
    parts = [name for name in known if name.startswith(f"{mine}.")]
    pairs = {name: other_name(name, names) for name in parts}
    return {
        name.removeprefix(f"{mine}."): theirs.removeprefix(f"{other}.")
        for name, theirs in pairs.items()
        if theirs.startswith(f"{other}.")
    }


def _which(call: Call, calls: Sequence[Call]) -> str:
    own = [each for each in calls if each.name == call.name]
    number = next(number for number, each in enumerate(own, start=1) if each is call)
    return "" if number == 1 else f", call {number}"


def _none_differs(left: Sequence[str]) -> str:
    if not left:
        return "no submodule differs by itself: what differs is how they are put together"
    return f"no submodule that could be judged by itself differs; not judged by themselves: {some(left, FEW)}"


def _calls(module: nn.Module, inputs: Sequence[Any], named: Mapping[str, Any]) -> list[Call]:
    """The first calls of each submodule, in the order in which they finish."""
    model, module = module, private_copy(module)
    started: list[Call] = []
    calls: list[Call] = []

    def before(name: str) -> Callable[..., None]:
        def look(_: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
            started.append(Call(name, _copied(args), _copied(kwargs)))

        return look

    def after(name: str) -> Callable[..., Any]:
        def look(_: nn.Module, _args: Any, output: Any) -> Any:
            # What follows may work in place, and the module itself may use what it returns.
            output = tensors_mapped(lambda leaf: leaf.clone(), output)
            while (call := started.pop()).name != name:
                pass  # what was called last finishes first, or raised an error
            if sum(each.name == name for each in calls) < FEW:
                calls.append(call)
                leaves = named_leaves(output, "outputs")
                call.outputs = {key: leaf for key, leaf in leaves.items() if _is_number(leaf)}
            return tensors_mapped(lambda leaf: leaf.clone(), output)

        return look

    for name, part in module.named_modules():
        if name:
            part.register_forward_pre_hook(before(name), with_kwargs=True)
            part.register_forward_hook(after(name))
    generator = own_generator(0)
    args, kwargs = mapped(
        lambda leaf: leaf.requires_grad_() if _is_number(leaf) else leaf, copied((tuple(inputs), dict(named)))
    )
    with torch.enable_grad(), as_drawn_by(model):
        made = flattened(module(*args, **kwargs))[0]
        ends = [leaf for leaf in made if _is_number(leaf) and leaf.requires_grad]
        total = torch.stack([(leaf * normal(leaf.detach(), generator)).sum() for leaf in ends]).sum()
    known = [call for call in calls if all(each.requires_grad for each in call.outputs.values())]
    outputs = [each for call in known for each in call.outputs.values()]
    found = iter(torch.autograd.grad(total, outputs, allow_unused=True))
    for call in known:
        call.above = {key: next(found) for key in call.outputs}
    return calls


def _copied(nest: Any) -> Any:
    return tensors_mapped(lambda leaf: leaf.detach().clone(), nest)


def _is_number(leaf: Any) -> bool:
    return is_tensor(leaf) and leaf.is_floating_point()
