"""What the ways of calling share: the function, its reference, the point, and what it did as it was given."""

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext, suppress
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, NamedTuple

from torch import Tensor

from torch_reference.check.calling import Called, GraphFunction, PairOfFunctions
from torch_reference.check.graphs import as_upstream, gradients_of
from torch_reference.check.ways.elsewhere.ordinary import finite_sizes, largest_input, to_be_compared
from torch_reference.judging.calls.arguments import Arguments, Tensors
from torch_reference.judging.calls.cuts import Indexing
from torch_reference.judging.calls.nests import named_leaves, tensors_of
from torch_reference.judging.calls.points import unseeded
from torch_reference.judging.calls.raised_errors import UserCodeError, user_code
from torch_reference.judging.calls.really import is_tensor
from torch_reference.judging.function_objective import FunctionObjective
from torch_reference.judging.hygiene import copies
from torch_reference.judging.scalar_objective import UPSTREAM
from torch_reference.tolerance.own_code.foreign import Foreign


class Made(NamedTuple):
    """What one call made: outputs by name, where they are to be compared, and gradients."""

    outputs: Mapping[str, Any]
    gradients: Mapping[str, Tensor]


class Attempt(NamedTuple):
    """One call in one way: where it is judged, and the call.

    objective is what it is judged by where that is another than its own, session the one of other options
    that it is judged in; own_values that nothing is known of a function with other values, of which it warns
    if it may not refuse; may_refuse that an error is no mistake: a function may forbid such a call; roughly
    that it is judged to half of the digits; warns that what is wrong there is no mistake of the function as
    it was given; resized that it has other sizes; on_error what an error of the backward is there where the
    forward takes it; only_finite that any gradient is right that is finite; by_chance that the same call may
    make others, so that no other call of it says what its roundings explain; may_guard that a forward may say
    itself that it takes no such inputs; counts, which is asked where something is wrong, whether it is a
    mistake there, and is_smooth whether the point is at no kink and no border, where several gradients are
    right; only_smooth that it is not judged elsewhere; also_in the way that makes it without another option.
    """

    what: str
    point: Tensors
    call: Callable[[], Made]
    objective: FunctionObjective | None = None
    may_refuse: bool = False
    roughly: bool = False
    warns: bool = False
    resized: bool = False
    on_error: str = "refused"
    only_finite: bool = False
    by_chance: bool = False
    may_guard: bool = False
    counts: Callable[[], bool] = lambda: True
    is_smooth: Callable[[], bool] = lambda: True
    own_values: bool = False
    session: "Session | None" = None
    only_smooth: bool = False
    also_in: str = ""


@dataclass(frozen=True)
class Session:
    """A function at its point, what it made as it was given, whether that is random, and what foreign code.

    reference is what was given as such, None where the function is compared with itself.
    """

    function: Called
    objective: FunctionObjective
    arguments: Arguments
    point: Tensors
    wanted: tuple[str, ...]
    plain: Made
    draws_numbers: bool = False
    reference: Callable[..., Any] | None = None
    foreign: Foreign = field(default_factory=Foreign)

    @property
    def graph(self) -> GraphFunction | None:
        """The function where autograd differentiates it, None for a pair."""
        return None if isinstance(self.function, PairOfFunctions) else self.function

    @property
    def inputs(self) -> dict[str, Tensor]:
        """The tensors among the arguments."""
        return {name: value for name, value in self.point.items() if not name.startswith(UPSTREAM)}

    @property
    def sized(self) -> dict[str, Tensor]:
        """The inputs in the shapes that were given: complex ones as such, and not as pairs."""
        return self.arguments.tensors(self.inputs)

    @property
    def data(self) -> dict[str, Tensor]:
        """The same but for a module's parameters, which have the sizes that they have."""
        own = self.of_parameters
        return {name: value for name, value in self.sized.items() if not (own and name.startswith(own))}

    @property
    def upstream(self) -> dict[str, Tensor]:
        """The upstream gradients."""
        return {name: value for name, value in self.point.items() if name.startswith(UPSTREAM)}

    @property
    def of_parameters(self) -> str | None:
        """How the names of a module's parameters begin, where a module is judged."""
        return getattr(unseeded(self.graph.function), "of_modules", None) if self.graph else None

    @cached_property
    def watched(self) -> tuple[Indexing, ...] | None:
        """What its forward does with indices, and the reference's; None where it cannot be watched.

        What does not look may stand in its backward alone, as where it makes a sparse gradient.
        """
        try:
            with Indexing() as seen:
                self.function.outputs(copies(self.inputs), ())
        except UserCodeError:
            return None
        with suppress(UserCodeError), Indexing() as backward:
            self.differentiated(self.point)
        seen.is_unlooked |= backward.is_unlooked
        return (seen, *filter(None, [self.objective.indexing]))

    @property
    def may_shrink(self) -> bool:
        """Whether it may be called with fewer numbers, of which an index of its own may not be there."""
        return self.watched is not None and all(seen.may_shrink(self.inputs) for seen in self.watched)

    def tensors(self, point: Tensors) -> dict[str, Tensor]:
        """The inputs and the upstream gradients as they are passed on, complex ones as complex numbers."""
        above = {name: value for name, value in point.items() if name.startswith(UPSTREAM)}
        given = as_upstream(self.plain.outputs, above)
        # Above are those of outputs besides that a point of another size has, as unbind has one for each row.
        named = {**above, **{UPSTREAM + name: value for name, value in given.items()}}
        return {**self.arguments.tensors(point), **named}

    def differentiated(
        self,
        point: Tensors,
        wanted: tuple[str, ...] | None = None,
        layout: Callable[[str, Any], Any] = lambda name, value: value,
        within: Callable[[], AbstractContextManager[Any]] = nullcontext,
    ) -> Made:
        """The gradients at a point, every tensor passed on in the layout that is asked for, within a mode.

        None around compiled code: it would be compiled with it, and after torch.func it is NaN (torch 2.13).
        """
        known = self.plain.outputs if all(point[n] is value for n, value in self.inputs.items()) else None
        point = copies(point)
        tensors = {name: layout(name, value) for name, value in self.tensors(point).items()}
        above = {name: value for name, value in tensors.items() if name.startswith(UPSTREAM)}
        with nullcontext() if self.foreign.is_compiled else within():
            outputs, found = self.function.differentiated(tensors, above, wanted or self.wanted)
        if self.graph is None:
            outputs = to_be_compared(outputs, known, point, self.point, self.largest)
        return Made(outputs, gradients_of(found, point))

    @cached_property
    def largest(self) -> float:
        """The largest size among the given inputs."""
        return largest_input(self.point)

    @cached_property
    def sizes(self) -> dict[str, float]:
        """The largest size of each output and gradient as it was given, where that is a number."""
        return finite_sizes({**tensors_of(self.plain.outputs), **self.plain.gradients})

    @cached_property
    def works_with_grad(self) -> bool:
        """Whether autograd.grad differentiates it: what re-enters autograd wants .backward()."""
        if self.graph is None:
            return False
        try:
            tensors, point = self.arguments.tensors(copies(self.inputs)), copies(self.point)
            found = self.graph.by_grad(tensors, point, self.wanted)
        except UserCodeError:
            return False
        return not any(each is None and self.plain.gradients[n].any() for n, each in found[1].items())

    def first(self) -> Made:
        """What it makes as it was given, in copies: a CUDA graph's next run overwrites what it made."""
        tensors, point = self.arguments.tensors(copies(self.inputs)), copies(self.point)
        outputs, found = self.function.differentiated(tensors, point, self.wanted)
        kept = {name: value.clone() if is_tensor(value) else value for name, value in outputs.items()}
        return Made(kept, {name: value.clone() for name, value in gradients_of(found, point).items()})

    def called(self, point: Tensors) -> Mapping[str, Any]:
        """The outputs alone, under whatever mode the caller has set."""
        assert self.graph is not None
        with user_code("forward"):
            args, kwargs = self.arguments.placed(self.arguments.tensors(copies(point)))
            return named_leaves(self.graph.function(*args, **kwargs), "outputs")
