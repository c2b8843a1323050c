"""The check of a gradient that somebody derived for a network of their own."""

from collections.abc import Callable, Collection, Sequence
from functools import partial

from torch import Tensor, nn

from torch_reference.check.around.nothing_compared import nothing_in_derivation
from torch_reference.check.around.reported_errors import reported
from torch_reference.check.examine import examine, raised
from torch_reference.check.located.locating import located_in_derivation
from torch_reference.judging.calls.points import leaving_all_alone
from torch_reference.judging.calls.private_model import one_at_a_time, private_copy
from torch_reference.judging.calls.raised_errors import UserCodeError
from torch_reference.judging.derivation_task import Task
from torch_reference.judging.network_task import NetworkDerivation, network_task, with_derivation
from torch_reference.judging.report import Report
from torch_reference.judging.scalar_objective import Loss
from torch_reference.tolerance.meant import meant


@reported
def check_derivation(
    model: nn.Module,
    loss: Loss,
    inputs: Tensor | Sequence[Tensor],
    targets: Tensor | None,
    derivation: NetworkDerivation,
    *,
    rtol: float = 0.0,
    accept: Collection[str] = (),
    draws: int = 4,
) -> Report:
    """Compare a derivation with autograd, element by element, and explain every mismatch.

    derivation(parameters, inputs, targets) returns a mapping from the names of model.named_parameters() to
    the gradient of the loss. It may also return, under the name of a submodule ("hidden", "layers.0"; of one
    that is called again "cell[0]", "cell[1]"; of a tuple or dict that it returns "pair.0", "pair.mean"), the
    gradient with respect to that submodule's output: then each link of the chain is judged by itself, and the
    first wrong one is named. Where it differs, the derivation's own local variables are judged as links, too:
    the wrong line is shown, and one edit that would make it right if there is one. The model, its buffers and
    the random number generator are left as they were. rtol and accept are those of check_function.

    Shapes: each gradient has the shape, dtype and device of its parameter or of its submodule's output;
            several inputs are a tuple, passed to the model in that order
    Errors: ValueError for a model without parameters, parameters of two dtypes, or a loss that is not one
            number; TypeError for a loss that is no tensor and a model that is no module; whatever the model,
            its loss and the derivation raise is a finding

    >>> import torch, torch_reference
    >>> model, loss = torch.nn.Linear(2, 1, bias=False), torch.nn.MSELoss(reduction="sum")
    >>> def by_hand(parameters, inputs, observed):
    ...     d_loss_d_predicted = 2 * (inputs @ parameters["weight"].T - observed)
    ...     return {"weight": d_loss_d_predicted.T @ inputs}
    >>> torch_reference.check_derivation(model, loss, torch.randn(5, 2), torch.randn(5, 1), by_hand)
    <AGREEMENT: 1 gradient, 2 elements, all within rounding (float32)>
    """
    given = model, loss, inputs, targets
    with meant(rtol, accept):
        report, task = examined(partial(network_task, *given, derivation), model, draws)
    if not draws or task is None or report.agrees:
        return report
    return with_places(report, task, *given, derivation)


def examined(make_task: Callable[[], Task], model: nn.Module, draws: int = 4) -> tuple[Report, Task | None]:
    """(the report on a derivation for this model, its task): no task where the model or its loss fails."""
    with leaving_all_alone():
        try:
            task = make_task()
        except UserCodeError as error:
            dtype = str(next(model.parameters()).dtype).removeprefix("torch.")
            return Report((raised(error),), dtype), None
        nothing = nothing_in_derivation(task)
        if nothing is not None:
            return Report((nothing,), str(task.dtype).removeprefix("torch.")), task
        return examine(task, draws), task


def with_places(
    report: Report,
    task: Task,
    model: nn.Module,
    loss: Loss,
    inputs: Tensor | Sequence[Tensor],
    targets: Tensor | None,
    derivation: NetworkDerivation,
) -> Report:
    """The report on the derivation's task with its wrong lines, and the edit that would make them right."""
    own = private_copy(model)  # hooks are hung on it, and its parameters are exchanged
    with leaving_all_alone(), one_at_a_time(own):
        another = partial(with_derivation, task, model, inputs)
        return located_in_derivation(report, own, loss, inputs, targets, derivation, another)
