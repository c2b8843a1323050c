"""The lesson's network with the lesson's own names: w1 to b3 are parameters, x1 to predicted are submodules.

LessonNetwork holds the same numbers in torch's matrices. Here a derivation that was written with the lesson's
names can be checked as it is, and each link of its chain under the name that the lesson gives it.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import partial, reduce
from operator import add, mul

import torch
from jaxtyping import Float
from torch import Tensor, nn

from torch_reference.lesson.formulas import names_in, softplus_of, terms_of
from torch_reference.lesson.gradient import LESSON_WRT
from torch_reference.lesson.network import FORMULAS, PARAMETERS, SOFTPLUS_THRESHOLD


class _SumOfProducts(nn.Module):
    """One formula of FORMULAS, such as w1 * inputs + b1."""

    def __init__(self, formula: str) -> None:
        super().__init__()
        self.names, self.terms = names_in(formula), terms_of(formula)

    def forward(self, *values: Tensor) -> Tensor:
        """Add up the products of the values, which come in the order of the names."""
        given = dict(zip(self.names, values, strict=True))
        products = [reduce(mul, [given[name] for name in term]) for term in self.terms]
        return reduce(add, products)


class NamedLessonNetwork(nn.Module):
    """The lesson's network, whose parameters of shape () and whose intermediates have the lesson's names.

    Formula: Predicted = w3 · SoftPlus(w1 · Input + b1) + w4 · SoftPlus(w2 · Input + b2) + b3
    Shapes:  inputs (n), predictions (n)
    Source:  docs/lesson.md, section 2.1
    """

    def __init__(
        self,
        parameters: Mapping[str, Float[Tensor, ""]],
        wrt: Sequence[str] = LESSON_WRT,
        softplus_threshold: float = SOFTPLUS_THRESHOLD,
    ) -> None:
        """Hold copies of the parameters; only those of wrt require a gradient."""
        super().__init__()
        for name in PARAMETERS:
            value = parameters[name].detach().clone()
            self.register_parameter(name, nn.Parameter(value, requires_grad=name in wrt))
        for name, formula in FORMULAS.items():
            softplus = nn.Softplus(threshold=softplus_threshold)
            self.add_module(name, softplus if softplus_of(formula) else _SumOfProducts(formula))

    def forward(self, inputs: Float[Tensor, " n"]) -> Float[Tensor, " n"]:
        """The prediction for each of the inputs."""
        values: dict[str, Tensor] = {"inputs": inputs, **dict(self.named_parameters())}
        for name, formula in FORMULAS.items():
            values[name] = self.get_submodule(name)(*(values[part] for part in names_in(formula)))
        return values["predicted"]


def sum_of_squared_residuals(
    predicted: Float[Tensor, " n"], observed: Float[Tensor, " n"]
) -> Float[Tensor, ""]:
    """The lesson's loss.

    Formula: SSR = Σᵢ (Observedᵢ − Predictedᵢ)²
    Shapes:  predicted and observed (n), result ()
    Source:  docs/lesson.md, section 2.2
    """
    return nn.functional.mse_loss(predicted, observed, reduction="sum")


def lesson_network(
    wrt: Sequence[str] = PARAMETERS,
) -> tuple[NamedLessonNetwork, Callable[[Tensor, Tensor], Tensor]]:
    """A network of zeros and its loss: what a counterexample fills with its own numbers."""
    zero = torch.zeros((), dtype=torch.float64)
    return NamedLessonNetwork(dict.fromkeys(PARAMETERS, zero), wrt), sum_of_squared_residuals


class _LessonNetworks:
    """lesson_networks.w3_b3 makes a network of which only w3 and b3 are asked for: a name for a script."""

    def __getattr__(self, names: str) -> Callable[[], object]:
        wrt = names.split("_")
        if not set(wrt) <= set(PARAMETERS):
            raise AttributeError(names)
        return partial(lesson_network, wrt)


lesson_networks = _LessonNetworks()
