"""A plain differentiable torch function as one number: its outputs, weighted by upstream gradients."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import torch
from torch import Tensor

from torch_reference.judging.calls.arguments import Arguments, refuse_8_bits
from torch_reference.judging.calls.cuts import Indexing, Survived
from torch_reference.judging.calls.holders import tensors_mapped
from torch_reference.judging.calls.nests import forms_of, named_leaves, named_tensors, refuse_freed
from torch_reference.judging.calls.points import (
    UPSTREAM,
    Tensors,
    added_up,
    quiet_call,
    unseen,
    usable,
    weighted,
    with_a_graph,
    with_derivatives,
)
from torch_reference.judging.calls.raised_errors import UserCodeError, user_code
from torch_reference.judging.calls.really import is_tensor
from torch_reference.judging.calls.shifts import all_shifted
from torch_reference.judging.calls.wanted import comes_from
from torch_reference.judging.hygiene import are_others, copies, is_the_same, refuse_others
from torch_reference.layers.drawn_numbers import DrawnNumbers
from torch_reference.layers.generator_state import generator_state
from torch_reference.layers.random_state import RandomState, same_random_numbers
from torch_reference.tolerance.rounding.closures import InOneDtype
from torch_reference.tolerance.rows.by_rows import INDICES


@dataclass(frozen=True)
class FunctionObjective:
    """A plain differentiable torch function's outputs, weighted by upstream gradients that the point holds.

    A point holds "inputs[0]", … and "d_loss_d_outputs[0]", …; without arguments the inputs are passed on in
    their order. rng_state is where its random numbers begin, where it draws any; indexing what was seen
    of its reading numbers at places that integers tell; changes are the inputs that it changes in place, of
    which the function then has copies, and changing is the function that does; forms are the outputs without
    their numbers, where all are tensors and nothing is changed; numbers are what it draws.
    """

    function: Callable[..., Any]
    arguments: Arguments | None = None
    rng_state: RandomState | None = None
    indexing: Indexing | None = None
    changes: tuple[str, ...] = ()
    changing: Callable[..., Any] | None = None
    forms: Tensors | None = None
    numbers: DrawnNumbers | None = None

    @property
    def takes_leaves(self) -> bool:
        """Whether it is known to write into nothing that it is given: it takes the point's own tensors."""
        return self.forms is not None

    def __call__(self, point: Tensors, shifts: Tensors, cuts: Sequence[str] = ()) -> Tensor:
        """Evaluate Σ ⟨upstream, output⟩ over the outputs that have an upstream gradient."""
        outputs = self._outputs_at(point, shifts)
        names = [name for name in outputs if UPSTREAM + name in point]
        return added_up([weighted(point[UPSTREAM + name], outputs[name]) for name in names])

    def with_outputs(self, point: Tensors, shifts: Tensors) -> tuple[dict[str, Tensor], Tensor]:
        """(the outputs by name, a number that has the same derivatives as the objective)."""
        outputs = self._outputs_at(point, shifts)
        pairs = [
            (point[UPSTREAM + name], output)
            for name, output in outputs.items()
            if output.requires_grad and UPSTREAM + name in point
        ]
        return outputs, with_derivatives(pairs)

    def _outputs_at(self, point: Tensors, shifts: Tensors) -> dict[str, Tensor]:
        inputs = {name: value for name, value in point.items() if name.startswith("inputs[")}
        return named_tensors(self.outputs(all_shifted(inputs, shifts)), "outputs")

    def imaginary(self, point: Tensors, shifts: Tensors, cuts: Sequence[str] = ()) -> float:
        """The imaginary part of the same where a shift is imaginary.

        Errors: ValueError where the function has complex numbers of its own
        """
        inputs = {name: value + shifts.get(name, 0) for name, value in point.items() if name in shifts}
        inputs = {
            name: inputs.get(name, value) for name, value in point.items() if name.startswith("inputs[")
        }
        outputs = named_leaves(self.outputs(inputs), "outputs")
        total = 0.0
        for name, output in outputs.items():
            upstream = point.get(UPSTREAM + name)
            if upstream is None or not is_tensor(output) or not output.is_complex():
                continue
            if upstream.shape != output.shape:
                raise ValueError("an output that is complex by itself")
            with unseen():
                total += float((upstream * output.imag).sum())
        return total

    def outputs(self, inputs: Tensors) -> Any:
        """What the function returns for these inputs, which its closure's numbers go with."""
        with user_code("reference"):
            try:
                found = self._drawn(inputs)
            except (RuntimeError, ValueError):
                with InOneDtype():  # as it was given it ran without (settled)
                    found = self._drawn(inputs)
            refuse_freed(*inputs.values(), part="reference")
        return found

    def in_place(self, inputs: Tensors) -> Any:
        """The same, which changes the inputs themselves where the function was given so."""
        return replace(self, function=self.changing or self.function).outputs(inputs)

    def looked_at(
        self, inputs: Tensors, wanted: Sequence[str], as_given: bool = False, resized: bool = False
    ) -> tuple[dict[str, Tensor], bool]:
        """The outputs by name, and whether one of them depends on an input whose gradient is wanted.

        An index that is out of range is an error on a processor, and on a GPU the end of its use by the
        process: at a point that is not as the user gave it, a processor is asked first, and at one of
        another size also where the indices are the function's own.
        """
        if not as_given and any(
            not value.is_cpu
            and (value.dtype in INDICES or (resized and self.indexing and self.indexing.is_seen))
            for value in inputs.values()
        ):
            self.outputs({name: value.detach().cpu() for name, value in inputs.items()})
        leaves = {
            # Copies that are no leaves: it may work in place.
            name: usable(value).requires_grad_(name in wanted).clone()
            for name, value in inputs.items()
        }
        begin = {leaves[name].grad_fn for name in wanted}  # before it works in place
        with torch.enable_grad(), Survived():
            outputs = named_tensors(self.outputs(leaves), "outputs")
        for name, output in outputs.items() if as_given else ():
            refuse_8_bits(name, output)
        depends = any(output.requires_grad for output in outputs.values())
        depends = depends and comes_from(outputs.values(), begin)
        return {name: output.detach() for name, output in outputs.items()}, depends

    def settled(self, inputs: Tensors, made: Tensors) -> tuple["FunctionObjective", bool]:
        """(the same, of copies where it changes its inputs in place; whether it draws random numbers).

        Errors: UserCodeError where it makes others than these outputs while its operations are watched: its
                roundings cannot be known then
        """
        try:
            return self._settled(inputs, made)
        except UserCodeError:
            # What differentiates inside, as the residual of a differential equation does, has a graph always.
            return replace(self, function=with_a_graph(self.function))._settled(inputs, made)

    def _settled(self, inputs: Tensors, made: Tensors) -> tuple["FunctionObjective", bool]:
        given = copies(inputs)
        with quiet_call(), same_random_numbers(self.rng_state), user_code("reference"):
            state, versions = generator_state(), [value._version for value in given.values()]
            with Indexing() as seen:
                watched = self._on(given)
            draws = seen.draws or not torch.equal(state, generator_state())  # which may be put back
            draws = draws or bool(self.rng_state and self.rng_state.others)
            moved = [
                name
                for (name, value), version in zip(given.items(), versions, strict=True)
                if value._version != version or not is_the_same(value, inputs[name])
            ]
            if are_others(watched, made):
                refuse_others(lambda: self._drawn(copies(inputs)), made)
        function = _of_copies(self.function) if moved else self.function
        changes = tuple(name for name in moved if not torch.equal(given[name], inputs[name]))
        settled = replace(self, function=function, indexing=seen, changes=changes, changing=self.function)
        settled = replace(settled, numbers=DrawnNumbers(inputs) if draws else None)
        return replace(settled, forms=None if moved else forms_of(watched)), draws

    def _drawn(self, inputs: Tensors, anew: bool = False) -> Any:
        with same_random_numbers(self.rng_state):
            if self.numbers is None or anew:
                return self._on(inputs)
            with self.numbers.handed_out(inputs, partial(self._drawn, anew=True)):
                return self._on(inputs)

    def _on(self, inputs: Tensors) -> Any:
        if self.arguments is None:
            return self.function(*inputs.values())
        return self.arguments.call(self.function, inputs)


def _of_copies(function: Callable[..., Any]) -> Callable[..., Any]:
    def of_copies(*args: Any, **kwargs: Any) -> Any:
        own, named = tensors_mapped(torch.clone, (args, kwargs))
        return function(*own, **named)

    return of_copies
