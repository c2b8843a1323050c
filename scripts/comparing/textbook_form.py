"""Where the textbook's form of SoftPlus, log(1 + exp(x)), is no longer good enough, whoever derives it."""

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn

from comparing.lesson_task import lesson_task
from torch_reference.judging.derivation_task import Task
from torch_reference.judging.judgement import judge
from torch_reference.lesson.formulas import softplus_of
from torch_reference.lesson.named_network import NamedLessonNetwork, sum_of_squared_residuals
from torch_reference.lesson.network import FORMULAS, PARAMETERS


class _Textbook(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        """It overflows above 709, and loses its digits far below 0."""
        return torch.log(1 + torch.exp(x))


def is_beyond(task: Task, wrt: Sequence[str], softplus_threshold: float) -> bool:
    """Whether a right derivation in this form would be refused at the point, too: autograd's own is."""

    def derivation(parameters: Mapping[str, Tensor], inputs: Tensor, observed: Tensor) -> dict[str, Tensor]:
        network = NamedLessonNetwork(parameters, wrt)
        for name, formula in FORMULAS.items():
            if softplus_of(formula):
                network.add_module(name, _Textbook())
        with torch.enable_grad():
            ssr = sum_of_squared_residuals(network(inputs), observed)
            found = torch.autograd.grad(ssr, [getattr(network, name) for name in wrt])
        return dict(zip(wrt, found, strict=True))

    parameters = {name: task.point[name] for name in PARAMETERS}
    data = (task.point["inputs"], task.point["targets"])
    found = lesson_task(derivation, parameters, *data, wrt, softplus_threshold)
    # Not by its own roundings, which nobody sees of a derivation in a process of its own.
    shapes = {name: shape for name, shape in found.shapes(found.point).items() if name in wrt}
    rows = judge(found.derivation(found.point), found.objective, found.point, shapes)
    return not all(row.agrees for row in rows.values())
