"""A function called as it was given: its outputs, its gradients, and what it does besides."""

from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import torch
from torch import Tensor

from torch_reference.chain.recording.placing import Placing
from torch_reference.check.around.overwritten import overwritten, told_of_overwritten
from torch_reference.check.calling import Called, Function, PairOfFunctions
from torch_reference.check.examine import examine_here, raised
from torch_reference.check.graphs import gradients_by_name
from torch_reference.check.located import CalledAt
from torch_reference.check.located.locating import located_in_function
from torch_reference.check.references.in_place import changes_besides, shared_besides
from torch_reference.comparison import Verdict
from torch_reference.judging.calls.arguments import Tensors
from torch_reference.judging.calls.nests import is_numeric_array
from torch_reference.judging.calls.plain_numbers import Converted
from torch_reference.judging.calls.raised_errors import UserCodeError, loses_the_device
from torch_reference.judging.derivation_task import Task
from torch_reference.judging.function_objective import FunctionObjective
from torch_reference.judging.function_outputs import fit_beside_gradients, has_another_form, judge_outputs
from torch_reference.judging.hygiene import Derivation, copies, shared_memory
from torch_reference.judging.report import Finding, Report
from torch_reference.judging.scalar_objective import UPSTREAM


@dataclass(frozen=True)
class AsGiven:
    """The function, what it is compared with, the inputs whose gradients are judged, those that differ."""

    function: Called
    objective: FunctionObjective
    wanted: tuple[str, ...]
    draws: int
    allow: tuple[str, ...]
    refuted: Collection[str] = ()

    @property
    def in_graph(self) -> bool:
        """Whether autograd knows how the outputs were made."""
        return not isinstance(self.function, PairOfFunctions)

    def check(
        self, point: Tensors, once: bool = False, beside: bool = False, coarsely: bool = False
    ) -> Report:
        """The report at a point: the outputs first, and the gradients where the outputs fit.

        Once leaves to a part what two calls show; beside judges both together, and coarsely what is a part.
        """
        at_once = self._at_once(point, once, coarsely) if beside and self.objective.forms else None
        if at_once is not None:
            return at_once
        dtype = str(point[self.wanted[0]].dtype).removeprefix("torch.")
        inputs = copies(self._inputs(point))
        try:
            made = self.function.outputs(inputs, self.wanted)
            changed = changes_besides(inputs, self.objective, self._inputs(point))
            found = self._outputs(made, point)
            shared = self._shared(made, inputs, point)  # before the next call, which may overwrite it
        except UserCodeError as error:
            return Report((raised(error),), dtype)
        if any(has_another_form(finding) for finding in found):
            return Report(tuple(found), dtype)
        late: list[list[Finding]] = []

        def derive(values: Tensors) -> Mapping[str, Any]:
            outputs, gradients = self._differentiated(values)
            if not late:  # the first call is at this point
                late.append(overwritten(partial(self._forward, self._inputs(point)), made, outputs))
            return gradients

        may_change = tuple({*self.objective.changes} - {*changed})
        task = replace(self.task(point, derive), once=once, may_change=may_change)
        report = examine_here(task, self.draws)
        gradients = [
            changed.get(finding.name, finding) if finding.row.verdict is Verdict.MUTATED else finding
            for finding in report.findings
        ]
        report = replace(report, findings=(*found, *shared, *gradients))
        return told_of_overwritten(late[0] if late else [], report)

    def _at_once(self, point: Tensors, once: bool, coarsely: bool) -> Report | None:
        """The report on the outputs and the gradients of one call; None where there is more to say of it."""
        made, shared = dict[str, Tensor](), list[Finding]()

        def derive(values: Tensors) -> Mapping[str, Any]:
            outputs, gradients = self._differentiated(values)
            made.update(made or fit_beside_gradients(outputs, self.objective, point, once))
            shared[:] = self._shared(outputs, self._inputs(values), point)
            if not made:
                raise ValueError("outputs that are judged by themselves")
            return gradients

        def beside(values: Tensors) -> Mapping[str, Any]:
            outputs, gradients = self._differentiated(values)
            return {**{name: outputs[name] for name in made}, **gradients}

        task, both = self.task(point, derive), self.task(point, beside).derivation
        task = replace(task, once=once, coarsely=coarsely, outputs=made, beside=both)
        report = examine_here(task, self.draws if once else 0)
        is_told = report.agrees or (once and bool(made) and not report.user_code_failed)
        is_told |= any(loses_the_device(each.row.explanation) for each in report.findings)
        if not is_told:
            return None
        findings = sorted((*report.findings, *shared), key=lambda each: each.kind != "output")
        forward = partial(self._forward, self._inputs(point))
        is_wrong = any(each.kind == "output" and not each.agrees for each in findings)
        late = overwritten(forward, None, self.returned(point)[0]) if is_wrong else []
        return told_of_overwritten(late, replace(report, findings=tuple(findings)))

    def _outputs(self, made: Mapping[str, Any], point: Tensors) -> list[Finding]:
        again = partial(self._forward, self._inputs(point))
        return judge_outputs(made, self.objective, point, False, again, self.wanted, self._forward)

    def _forward(self, inputs: Tensors) -> Mapping[str, Any]:
        return self.function.outputs(copies(inputs), self.wanted)

    def _inputs(self, point: Tensors) -> Tensors:
        return {name: value for name, value in point.items() if not name.startswith(UPSTREAM)}

    def _shared(self, made: Mapping[str, Any], inputs: Tensors, point: Tensors) -> list[Finding]:
        found = shared_memory(made, inputs, self.in_graph)
        found = shared_besides(found, self.objective, self._inputs(point), self.wanted)
        return [each for each in found if each.row.verdict.value not in self.allow]

    def located(self, report: Report, point: Tensors, function: Function) -> Report:
        """The report with the wrong lines of the backward."""
        arguments = self.function.arguments
        if not self.draws:
            return report
        tensors, pairs = arguments.tensors(point), [*zip(arguments.names, arguments.leaves, strict=True)]
        inputs = [tensors.get(name, leaf) for name, leaf in pairs]

        def placed(values: Sequence[Any]) -> tuple[tuple[Any, ...], dict[str, Any]]:
            return arguments.placed(dict(zip(arguments.names, values, strict=True)))

        def by_name(gradients: Sequence[Any]) -> Mapping[str, Any]:
            if isinstance(function, tuple):
                return gradients_by_name(arguments, gradients)
            return dict(zip(arguments.names, gradients, strict=False))

        def with_another(edited: Any, here: Tensors) -> Task:
            return replace(self, function=self.function.instead(edited)).task(here)

        try:
            where, reference = CalledAt(point, self.wanted), self.objective.function
            arrays = frozenset(name for name, leaf in pairs if is_numeric_array(leaf))
            placing = Placing(arguments.names, placed, by_name, arrays)
            return located_in_function(report, function, reference, inputs, where, with_another, placing)
        except Exception:  # what cannot be located stays unknown
            return report

    def returned(self, point: Tensors) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
        """(the outputs after the backward, what it returns, None too); nothing where it raises an error."""
        with suppress(UserCodeError):
            return self._differentiated(copies(point))
        return {}, {}

    def _differentiated(self, values: Tensors) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
        tensors = self.function.arguments.tensors(self._inputs(values))
        above = {name: value for name, value in values.items() if name.startswith(UPSTREAM)}
        return self.function.differentiated(tensors, above, self.wanted)

    def task(self, point: Tensors, derive: Derivation | None = None) -> Task:
        """The task of differentiating the function there, or of what another one derives."""
        of = derive or (lambda values: self._differentiated(values)[1])

        def whole(values: Tensors) -> Mapping[str, Any]:
            return {
                name: torch.zeros_like(values[name]) if gradient is None else gradient
                for name, gradient in of(values).items()
            }

        return Task(
            derivation=Converted(whole, point[self.wanted[0]]),
            objective=self.objective,
            point=point,
            shapes=lambda values: {name: tuple(values[name].shape) for name in self.wanted},
            required=self.wanted,
            # A backward may hand on its upstream gradient as it is: torch's own addition does.
            may_alias=tuple(name for name in point if name.startswith(UPSTREAM)),
            allowed=self.allow,
            refuted=self.refuted,
        )


def checked_here(as_given: AsGiven, point: Tensors, once: bool = False) -> tuple[AsGiven, Report]:
    """(as it can be called, the report): what works in place is called on the results of others."""
    report = as_given.check(point, once, beside=True)
    told = report.findings[0].row.explanation if report.user_code_failed else ""
    if isinstance(as_given.function, PairOfFunctions) or "leaf Variable that requires grad" not in told:
        return as_given, report
    as_given = replace(as_given, function=replace(as_given.function, on_leaves=False))
    return as_given, as_given.check(point, once, beside=once)
