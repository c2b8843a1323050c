"""The check of a function's backward: a torch.autograd.Function, any callable, or a pair of functions."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from torch import Tensor

from torch_reference.check.around.nothing_compared import nothing_in_function, unless_nothing_compares
from torch_reference.check.around.odd_options import refuse_odd_keywords, refuse_odd_options
from torch_reference.check.around.reported_errors import reported
from torch_reference.check.as_given import AsGiven, checked_here
from torch_reference.check.calling import Function, called
from torch_reference.check.every_way import Asked, in_every_way, on_few_rows
from torch_reference.check.examine import raised
from torch_reference.check.few_rows import told_on_few_rows
from torch_reference.check.references import what_is_right
from torch_reference.check.references.constants import (
    told_of_a_nest,
    told_of_inside,
    told_of_none,
    told_of_values,
)
from torch_reference.check.references.further_points import at_further_points
from torch_reference.check.references.modules.left_out import left_out, refuse_lazy
from torch_reference.check.references.modules.parameters import KEYWORD, with_parameters
from torch_reference.check.references.numpy_pairs import better_in_numpy
from torch_reference.check.references.sparse_inputs import of_values
from torch_reference.check.references.stand_in import autograd_function, may_apply
from torch_reference.check.references.straight_through import told_as_surrogate
from torch_reference.check.ways import Made, Session, chosen_ways
from torch_reference.check.ways.shown.written import written
from torch_reference.comparison import Verdict
from torch_reference.judging.calls.arguments import Arguments
from torch_reference.judging.calls.cuts import MANY, elements
from torch_reference.judging.calls.points import leaving_all_alone
from torch_reference.judging.calls.raised_errors import UserCodeError, loses_the_device
from torch_reference.judging.calls.wanted import wanted_names
from torch_reference.judging.function_objective import FunctionObjective
from torch_reference.judging.report import Report, breach
from torch_reference.judging.upstream_gradients import drawn_upstream, forgetting_upstream, given_upstream
from torch_reference.layers.random_state import random_state, same_random_numbers
from torch_reference.tolerance.meant import meant

NOTHING = breach(
    "reference",
    "call",
    Verdict.NOTHING,
    "nothing was compared: no output of the reference depends on an input whose gradient is asked for;"
    " surrogate= gives the gradient that is meant",
)


@reported
def check_function(
    function: Function,
    reference: Callable[..., Any] | None,
    *args: Any,
    surrogate: Callable[..., Any] | None = None,
    wrt: Sequence[int | str] | None = None,
    upstream: Sequence[Tensor] | None = None,
    points: Sequence[Sequence[Any]] = (),
    ways: Collection[str] | None = None,
    redraw: bool = True,
    order: int | None = None,
    allow: Collection[str] = (),
    rtol: float = 0.0,
    accept: Collection[str] = (),
    draws: int = 4,
    seed: int = 0,
    **kwargs: Any,
) -> Report:
    """Compare a function's backward, and its outputs, with those of a plain differentiable torch function.

    function is a torch.autograd.Function, anything that can be called, or a pair: forward(*args) returns
    (outputs, saved), and backward(saved, *d_loss_d_outputs) returns one gradient per input, None where there
    is none. Arguments and outputs may be of any kind and nested in tuples, lists and dicts; what is no tensor
    is passed on as it is.

    Without a reference (None) the forward of a Function or of a pair is its own, run under autograd where a
    difference quotient confirms that; else the difference quotient is. With a surrogate only the values are
    compared with the reference's, and the gradients with the surrogate's.

    A module's parameters are judged with it, as inputs['parameters'], where the reference is a module with
    the same, reads those of the module, or is none.

    Gradients are compared for the inputs that wrt names, by position or by keyword; without it for those that
    have requires_grad, and if none has, for all that are floating-point or complex.

    The upstream gradients are random, never ones, unless they are given. When all is right as it was given,
    the function is called in every way in which a training calls: ways names some of them
    (torch_reference.check.ways.WAYS), an empty list none; redraw=False goes to no other point than points,
    further tuples of args. Each way that fails is named, and the first is shown. Of the second derivative a
    report warns; order=2 makes it decide, order=1 leaves it out. Of more than 2^15 elements the ways that are
    not named see a few rows; as it was given every element is judged.

    allow names breaches that are meant: "input mutated", "output mutated", "shares memory", "not repeatable".
    rtol, besides rounding, is for approximations; accept names "loses digits" or "inconclusive", to agree.

    Shapes: any, of any strides; upstream: one tensor for every floating-point output, of its shape
    Errors: ValueError for wrong positions, upstream gradients of other shapes or nothing to differentiate,
            TypeError for what cannot be called

    >>> import torch, torch_reference
    >>> def backward(x, d_loss_d_y):
    ...     return d_loss_d_y * (1 - torch.tanh(x) ** 2)
    >>> tanh = (lambda x: (torch.tanh(x), x), backward)
    >>> torch_reference.check_function(tanh, torch.tanh, torch.randn(4, 3))
    <AGREEMENT: 1 output and 1 gradient, 24 elements, all within rounding (float32)>
    """
    options: dict[str, Any] = {"surrogate": surrogate, "upstream": upstream, "points": points}
    options |= {"ways": ways, "redraw": redraw, "order": order, "draws": draws, "seed": seed}
    options |= {"allow": allow, "rtol": rtol, "accept": accept}
    refuse_odd_options({**options, "reference": reference, "wrt": wrt})
    refuse_odd_keywords(function, kwargs, {**options, "wrt": wrt})
    options |= kwargs
    for each in (function, reference):
        refuse_lazy(each)
    module = with_parameters(function, reference, args, kwargs)
    if module is not None:
        options |= {"wrt": module.wanted(args, kwargs) if wrt is None else wrt, KEYWORD: module.given}
        report = check_function(module.function, module.reference, *args, **options)
        return replace(report, remarks=(*report.remarks, *module.told))
    sparse = of_values(args, kwargs, wrt)
    if sparse is not None:
        there = {"surrogate": surrogate, "allow": allow, "rtol": rtol, "accept": accept, **kwargs}
        own = {"wrt": wrt, "surrogate": sparse.taking(surrogate), "points": (), **sparse.kwargs}
        both = sparse.taking(function), sparse.taking(reference)
        report = check_function(*both, *sparse.args, **options | own)
        report = replace(report, remarks=(*report.remarks, sparse.told))
        again = partial(check_function, function, reference, wrt=wrt or sparse.asked_for, **there)
        return at_further_points(report, points, again)
    arguments = Arguments.of(args, kwargs)
    if may_apply(function):
        arguments.refuse_pretenders()
    is_applied = autograd_function(function) is not None
    outermost = wrt is None and is_applied
    wanted = wanted_names(arguments, wrt, outermost)
    inside = told_of_inside(arguments, wanted, outermost)
    chosen = chosen_ways(ways, redraw and upstream is None)
    again = partial(check_function, function, reference, wrt=list(wanted), **options)
    in_numpy = partial(better_in_numpy, function, args, kwargs, again)
    shared: dict[str, Any] = {"allow": allow, "rtol": rtol, "accept": accept}
    state = random_state(function, reference, among=arguments.leaves)
    with leaving_all_alone(), same_random_numbers(state), meant(rtol, accept), forgetting_upstream():
        right = what_is_right(function, reference, surrogate, arguments, wanted)
        objective = FunctionObjective(right.function, arguments, state.of_torch())
        dtype = str(arguments.point[wanted[0]].dtype).removeprefix("torch.")
        try:
            outputs, depends = objective.looked_at(arguments.point, wanted, as_given=True)
            objective = replace(objective, rng_state=state.of_moved())
        except UserCodeError as error:
            report = Report((raised(error),), dtype)
            better = in_numpy(report) if reference is None else None
            return report if better is None else better
        above = drawn_upstream(outputs, seed)
        if upstream is not None:
            above = given_upstream(above, upstream)
        if not depends:
            return Report((NOTHING,), dtype)
        try:
            objective, draws_numbers = objective.settled(arguments.point, outputs)
            del outputs  # as large as an input
        except UserCodeError as error:  # as what differentiates inside does where nothing is differentiated
            return Report((raised(error),), dtype)
        keeps = Verdict.OVERWRITTEN.value in allow
        callee = called(function, arguments, objective.rng_state if draws_numbers else None, keeps)
        point = {**arguments.point, **above}
        nothing = nothing_in_function(objective, point, wanted)
        if nothing is not None:
            return Report((nothing,), dtype)
        as_given = AsGiven(callee, objective, wanted, draws, tuple(allow))
        is_large = elements(point) > MANY
        alone = replace(as_given, draws=0) if is_large else as_given
        alone, report = checked_here(alone, point, once=is_large and ways is None)
        as_given = replace(as_given, function=alone.function)
        report = replace(report, remarks=(*right.told, *inside, *left_out(function, reference, args, kwargs)))
        if any(loses_the_device(finding.row.explanation) for finding in report.findings):
            return report
        if (better := in_numpy(report)) is not None:
            return better
        report = unless_nothing_compares(report, callee, objective, point, wanted)
        if not report.agrees:
            tell = partial(told_on_few_rows, seed=seed) if is_large else AsGiven.located
            told = tell(as_given, report, point, function)
            if wrt is None and not arguments.asked_for:
                told = told_of_none(told, as_given.returned(point)[1])
            told = told_of_values(told, reference is None and surrogate is None and not right.has_a_second)
            told = told_of_a_nest(told, function, arguments)
            return told_as_surrogate(told, objective, point, wanted)
        asked_of = (as_given.function, objective, arguments, point, wanted)
        given = None if surrogate is not None else reference
        session = Session(*asked_of, Made({}, {}), draws_numbers, given)
        order = order if right.has_a_second else 1
        asked = Asked(chosen, order, seed, *written(function, reference, surrogate, wrt, seed, shared))
        way = on_few_rows if is_large and not ways else in_every_way
        report = way(session, as_given, report, asked)
    shared |= {"surrogate": surrogate, "wrt": wrt, **kwargs}
    return at_further_points(report, points, partial(check_function, function, reference, **shared))
