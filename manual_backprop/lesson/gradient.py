"""The tables of all derivatives, and the gradient that is read off them.

To add a parameter or a link, write its function and add its name here: the tests run over these tables.
"""

from collections.abc import Callable, Mapping, Sequence

from jaxtyping import Float
from torch import Tensor

from manual_backprop.checks import check_names
from manual_backprop.lesson import hidden_layer, output_layer
from manual_backprop.lesson.network import PARAMETERS, Trace, forward

LESSON_WRT = ("w3", "w4", "b3")
"""The three parameters that the lesson optimises."""

DERIVATIVES: Mapping[str, Callable[[Trace], Tensor]] = {
    "w1": hidden_layer.d_ssr_d_w1,
    "b1": hidden_layer.d_ssr_d_b1,
    "w2": hidden_layer.d_ssr_d_w2,
    "b2": hidden_layer.d_ssr_d_b2,
    "w3": output_layer.d_ssr_d_w3,
    "w4": output_layer.d_ssr_d_w4,
    "b3": output_layer.d_ssr_d_b3,
}
"""Parameter -> derivative of the SSR with respect to it, shape (*batch)."""

_TOP = (
    output_layer.d_ssr_d_predicted,
    hidden_layer.d_predicted_d_y1,
    hidden_layer.d_ssr_d_y1,
    hidden_layer.d_y1_d_x1,
    hidden_layer.d_ssr_d_x1,
)
_BOTTOM = (
    output_layer.d_ssr_d_predicted,
    hidden_layer.d_predicted_d_y2,
    hidden_layer.d_ssr_d_y2,
    hidden_layer.d_y2_d_x2,
    hidden_layer.d_ssr_d_x2,
)

CHAINS: Mapping[str, tuple[Callable[[Trace], Tensor], ...]] = {
    "w1": (*_TOP, hidden_layer.d_x1_d_w1),
    "b1": (*_TOP, hidden_layer.d_x1_d_b1),
    "w2": (*_BOTTOM, hidden_layer.d_x2_d_w2),
    "b2": (*_BOTTOM, hidden_layer.d_x2_d_b2),
    "w3": (output_layer.d_ssr_d_predicted, output_layer.d_predicted_d_w3),
    "w4": (output_layer.d_ssr_d_predicted, output_layer.d_predicted_d_w4),
    "b3": (output_layer.d_ssr_d_predicted, output_layer.d_predicted_d_b3),
}
"""Parameter -> the links of its chain from the SSR backwards, each of shape (*batch, n)."""


def gradients(
    parameters: Mapping[str, Float[Tensor, "*parameter_batch"]],
    inputs: Float[Tensor, "*data_batch n"],
    observed: Float[Tensor, "*data_batch n"],
    wrt: Sequence[str] = LESSON_WRT,
) -> dict[str, Float[Tensor, "*batch"]]:
    """Gradient of the SSR with respect to the named parameters, by the hand-derived chain rule.

    Only the links that the named parameters need are computed, each of them once.

    Formula: {name: ∂SSR/∂name for name in wrt}
    Shapes:  parameters (*batch), inputs and observed (*batch, n), each result (*batch); see forward
    Errors:  those of forward, and ValueError for an unknown name in wrt, with the known ones
    Source:  the lesson, section 3.2
    """
    check_names(wrt, PARAMETERS)
    trace = forward(parameters, inputs, observed)
    return {name: DERIVATIVES[name](trace) for name in wrt}


def links(
    parameters: Mapping[str, Float[Tensor, "*parameter_batch"]],
    inputs: Float[Tensor, "*data_batch n"],
    observed: Float[Tensor, "*data_batch n"],
    wrt: Sequence[str] = LESSON_WRT,
) -> dict[str, Float[Tensor, "*batch n"]]:
    """Every link of the named parameters' chains, by its name, from the SSR backwards.

    Shapes:  each link (*batch, n): its value at every observation, before the sum
    Errors:  those of gradients
    """
    check_names(wrt, PARAMETERS)
    trace = forward(parameters, inputs, observed)
    chain = dict.fromkeys(link for name in wrt for link in CHAINS[name])
    # Some links are a parameter, an input or an intermediate themselves: a clone never shares its memory.
    return {link.__name__: link(trace).clone() for link in chain}
