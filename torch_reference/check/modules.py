"""The check of two modules that should be the same: a port, a fused or compiled one, a refactoring."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from functools import partial
from inspect import Parameter, signature
from typing import Any

import torch
from torch import Tensor, nn

from torch_reference.check.around.odd_options import refuse_odd_keywords
from torch_reference.check.around.reported_errors import reported
from torch_reference.check.function import check_function
from torch_reference.check.references.modules.left_out import refuse_lazy
from torch_reference.check.references.modules.other_names import names_around, other_name
from torch_reference.check.references.modules.parameters import called_with, reads_in_backward
from torch_reference.check.references.modules.submodules import told_of_submodules
from torch_reference.check.references.signatures import with_signature_of
from torch_reference.judging.calls.arguments import Arguments
from torch_reference.judging.calls.holders import copied
from torch_reference.judging.calls.nests import named_tensors
from torch_reference.judging.calls.points import leaving_all_alone, quiet_call
from torch_reference.judging.calls.private_model import private_copy
from torch_reference.judging.calls.raised_errors import UserCodeError, user_code
from torch_reference.judging.calls.similar_names import did_you_mean
from torch_reference.judging.hygiene import is_the_same
from torch_reference.judging.report import Report
from torch_reference.layers.random_state import as_drawn_by, random_state, same_random_numbers

OPTIONS = signature(check_function).parameters
NEW_EACH_TIME = "each call is that of a new copy: the reference returns others in a second call of one"


@reported
def check_modules(
    mine: nn.Module,
    reference: nn.Module,
    *inputs: Any,
    names: Mapping[str, str] | None = None,
    **options: Any,
) -> Report:
    """Compare a module's outputs, and the gradients of its inputs and parameters, with another module's.

    Parameters are matched by their names; names tells those of mine that go by another name in the reference,
    or the submodules that they are in; a wrapper around all of one needs none. In the report they are
    inputs[0]['weight'], the inputs inputs[1], inputs[2], …; a tuple alone is taken for the inputs if the
    reference does not take it as it is. The options are those of check_function; other keywords are handed on
    to both modules. Where the two differ, the first submodule that differs is named, each given its own
    inputs and its own upstream gradient. Both modules and their buffers are left as they were.

    Errors: ValueError for parameters that have no match, other values or none yet; TypeError for no module

    >>> import torch, torch_reference
    >>> fused, plain = nn.Linear(3, 2), nn.Sequential(nn.Linear(3, 2))
    >>> _ = plain[0].load_state_dict(fused.state_dict())
    >>> match = {"weight": "0.weight", "bias": "0.bias"}
    >>> torch_reference.check_modules(fused, plain, torch.randn(4, 3), names=match, ways=[])
    <AGREEMENT: 1 output and 3 gradients, 28 elements, all within rounding (float32)>
    """
    _refuse_others(mine, reference, names)
    named = {name: value for name, value in options.items() if name not in OPTIONS}
    refuse_odd_keywords(mine, named, {**OPTIONS, "names": None})
    inputs = _one_by_one(reference, inputs, named)
    # From the loss backwards, as far as modules are registered in the order in which they are called.
    parameters = {name: value.detach() for name, value in reversed([*mine.named_parameters()])}
    others = dict(reference.named_parameters())
    names = names_around(parameters, others) if names is None else names
    match = {name: other_name(name, names) for name in parameters}
    _refuse(parameters, others, match)
    same = {name: name for name in parameters}
    given = Arguments.of((parameters, *inputs), named)
    wanted = (*given.differentiable, *(name for name in given.asked_for if name not in given.point))
    reads = reads_in_backward(mine, inputs, named)
    repeats = _repeats(reference, dict(reference.named_parameters()), inputs, named)
    function = _of_parameters(mine, same, lasting=repeats and not reads, reads=reads)
    other = _of_parameters(reference, match, reads=reads_in_backward(reference, inputs, named))
    report = check_function(function, other, parameters, *inputs, **{"wrt": wanted, **options})
    report = report if repeats else replace(report, remarks=(*report.remarks, NEW_EACH_TIME))
    if report.agrees or "upstream" in options:
        return report
    checked = partial(check_modules, ways=[], order=1, draws=0)
    first, told = told_of_submodules(mine, reference, (inputs, named), names, checked)
    return replace(report, first_part=first, remarks=(*report.remarks, *told))


def _refuse_others(mine: Any, reference: Any, names: Any) -> None:
    for each in (mine, reference):
        if not isinstance(each, nn.Module):
            found = f"the class {each.__name__}" if isinstance(each, type) else type(each).__name__
            raise TypeError(f"expected two modules, found {found}")
        refuse_lazy(each)
    if not isinstance(names, Mapping | None):
        raise TypeError(f"names: expected a mapping of names, found {type(names).__name__}")
    for sides in ((mine, names or {}), (reference, (names or {}).values())):
        _refuse_names(*sides)


def _refuse_names(module: nn.Module, names: Iterable[Any]) -> None:
    known = {"": None, **dict(module.named_modules()), **dict(module.named_parameters())}
    for name in names:
        if name not in known:
            near = did_you_mean(str(name), known)
            told = f"found {name!r}{'; ' if near else ''}{near}"
            raise ValueError(f"names: expected a parameter or submodule of {type(module).__name__}, {told}")


def _of_parameters(module: nn.Module, match: Mapping[str, str], **how: bool) -> Callable[..., Any]:
    """The module as a function of its parameters, in front, and inputs."""
    called = called_with(module, match, **how)

    def call(parameters: Mapping[str, Tensor], *inputs: Any, **named: Any) -> Any:
        return called(*inputs, parameters=parameters, **named)

    call.of_modules = "inputs[0]"  # type: ignore[attr-defined] # the parameters' names begin so
    return with_signature_of(module.forward, call, Parameter("parameters", Parameter.POSITIONAL_ONLY))


def _repeats(
    module: nn.Module, parameters: Mapping[str, Tensor], inputs: tuple[Any, ...], named: Mapping[str, Any]
) -> bool:
    """Whether a second call of one copy returns the same: a hidden state is kept for the next batch."""
    call, state = called_with(module, lasting=True), random_state(module)
    made = []
    try:
        for _ in range(2):
            with leaving_all_alone(), quiet_call(), same_random_numbers(state), user_code("reference"):
                own, own_named = copied((inputs, dict(named)))
                made.append(named_tensors(call(*own, parameters=dict(parameters), **own_named), "outputs"))
    except UserCodeError:  # which is told when it is compared
        return True
    one, other = made
    return one.keys() == other.keys() and all(is_the_same(value, other[name]) for name, value in one.items())


def _one_by_one(module: nn.Module, inputs: tuple[Any, ...], named: Mapping[str, Any]) -> tuple[Any, ...]:
    """The inputs, which may have been given as one tuple, as torch.jit.trace takes them."""
    if len(inputs) != 1 or type(inputs[0]) not in (tuple, list) or _takes(module, inputs, named):
        return inputs
    return tuple(inputs[0]) if _takes(module, tuple(inputs[0]), named) else inputs


def _takes(module: nn.Module, inputs: tuple[Any, ...], named: Mapping[str, Any]) -> bool:
    try:
        with leaving_all_alone(), quiet_call(), as_drawn_by(module), user_code("module"):
            private_copy(module)(*copied(inputs), **copied(named))
    except UserCodeError:
        return False
    return True


def _refuse(mine: Mapping[str, Tensor], reference: Mapping[str, Tensor], match: Mapping[str, str]) -> None:
    odd = sorted(set(match.values()) ^ set(reference))
    if odd:
        raise ValueError(f"parameters without a match, for which names= may give one: {', '.join(odd)}")
    for name, value in mine.items():
        if not torch.equal(value, reference[match[name]]):
            raise ValueError(
                f"{name}: the two modules have other values; load the one's state into the other"
            )
