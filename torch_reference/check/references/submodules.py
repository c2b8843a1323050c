"""Which of two modules' submodules differs first, each given its own inputs and its own upstream gradient."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn

from torch_reference.judging.calls.holders import copied, flattened, mapped, tensors_mapped
from torch_reference.judging.calls.own_generator import own_generator
from torch_reference.judging.calls.private_model import private_copy
from torch_reference.judging.calls.really import is_tensor
from torch_reference.judging.derivation_task import normal
from torch_reference.judging.report import Report


def other_name(name: str, names: Mapping[str, str]) -> str:
    """What a parameter or submodule is called in the other module: names tells it, or a part that it is in.

    >>> other_name("head.norm.weight", {"head.norm": "ln", "head": "out"})
    'ln.weight'
    """
    part = name
    while part:
        if part in names:
            return f"{names[part]}{name[len(part) :]}".removeprefix(".")
        part = part.rpartition(".")[0]
    return name


@dataclass
class Call:
    """One call of a submodule: what it was given, and what it returned."""

    args: tuple[Any, ...]
    kwargs: dict[str, Any]
    outputs: list[Tensor] = field(default_factory=list)


def told_of_submodules(
    mine: nn.Module,
    reference: nn.Module,
    inputs: Sequence[Any],
    names: Mapping[str, str],
    checked: Callable[..., Report],
) -> str:
    """A sentence that names the first, in the order in which the reference's finish; empty if unknown."""
    own, others = dict(mine.named_modules()), dict(reference.named_modules())
    matched = {other_name(name, names): name for name in own if name}
    try:
        calls, above = _calls(reference, inputs)
    except Exception:  # the module is the user's
        return ""
    if not any(name in matched for name in calls):
        return ""
    for name, call in calls.items():
        if name not in matched or call.kwargs:
            continue
        try:
            inner = {
                n.removeprefix(f"{matched[name]}."): other_name(n, names).removeprefix(f"{name}.")
                for n in own
            }
            report = checked(own[matched[name]], others[name], *call.args, names=inner, upstream=above[name])
        except (ValueError, TypeError):  # without a gradient, or with other parameters
            continue
        if not report.agrees:
            wrong = ", ".join(finding.name for finding in report.findings if not finding.agrees)
            told = (
                f"first submodule that differs, given its own inputs and upstream gradient: {matched[name]}"
            )
            return f"{told} ({wrong})"
    return "no submodule differs by itself: what differs is how they are put together"


def _calls(module: nn.Module, inputs: Sequence[Any]) -> tuple[dict[str, Call], dict[str, list[Tensor]]]:
    """The first call of each submodule, in the order in which they finish, and its outputs' gradients."""
    module = private_copy(module)
    started: dict[str, list[Call]] = {}
    calls: dict[str, Call] = {}

    def before(name: str) -> Callable[..., None]:
        def look(_: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
            started.setdefault(name, []).append(Call(_copied(args), _copied(kwargs)))

        return look

    def after(name: str) -> Callable[..., Any]:
        def look(_: nn.Module, _args: Any, output: Any) -> Any:
            if name not in calls:
                calls[name] = started[name][0]
                calls[name].outputs = [leaf for leaf in flattened(output)[0] if _is_number(leaf)]
            return tensors_mapped(lambda leaf: leaf.clone(), output)  # what follows may work in place

        return look

    for name, part in module.named_modules():
        if name:
            part.register_forward_pre_hook(before(name), with_kwargs=True)
            part.register_forward_hook(after(name))
    generator = own_generator(0)
    given = mapped(lambda leaf: leaf.requires_grad_() if _is_number(leaf) else leaf, copied(tuple(inputs)))
    with torch.enable_grad():
        ends = [leaf for leaf in flattened(module(*given))[0] if _is_number(leaf) and leaf.requires_grad]
        total = torch.stack([(leaf * normal(leaf.detach(), generator)).sum() for leaf in ends]).sum()
    known = {name: call for name, call in calls.items() if all(each.requires_grad for each in call.outputs)}
    outputs = [each for call in known.values() for each in call.outputs]
    found = iter(torch.autograd.grad(total, outputs, allow_unused=True))
    above = {name: [_or_zeros(next(found), each) for each in call.outputs] for name, call in known.items()}
    return known, above


def _or_zeros(gradient: Tensor | None, like: Tensor) -> Tensor:
    return torch.zeros_like(like) if gradient is None else gradient.detach()


def _copied(nest: Any) -> Any:
    return tensors_mapped(lambda leaf: leaf.detach().clone(), nest)


def _is_number(leaf: Any) -> bool:
    return is_tensor(leaf) and leaf.is_floating_point()
