"""The tables of all derivatives, and the gradient that is read off them.

Each layer lists its own at its end; here they stand together, and the tests run over them.
"""

from collections.abc import Callable, Mapping, Sequence

from jaxtyping import Float
from torch import Tensor

from manual_backprop.checks import check_names
from manual_backprop.lesson.network import LAYERS, PARAMETERS, forward
from manual_backprop.lesson.trace import Trace

LESSON_WRT = ("w3", "w4", "b3")
"""The three parameters that the lesson optimises."""

DERIVATIVES: Mapping[str, Callable[[Trace], Tensor]] = {
    name: derivative for layer in LAYERS for name, derivative in layer.DERIVATIVES.items()
}
"""Parameter -> derivative of the SSR with respect to it, shape (*batch)."""

CHAINS: Mapping[str, tuple[Callable[[Trace], Tensor], ...]] = {
    name: chain for layer in LAYERS for name, chain in layer.CHAINS.items()
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
    Source:  docs/lesson.md, section 3.2

    >>> from manual_backprop import lesson
    >>> inputs, observed = lesson.data()
    >>> for name, derivative in lesson.gradients(lesson.start(), inputs, observed).items():
    ...     print(f"d_ssr_d_{name} = {derivative:.4f}")
    d_ssr_d_w3 = 2.5761
    d_ssr_d_w4 = 1.2568
    d_ssr_d_b3 = 1.8996
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

    >>> from manual_backprop import lesson
    >>> inputs, observed = lesson.data()
    >>> for name, values in lesson.links(lesson.start(), inputs, observed, wrt=["w3"]).items():
    ...     print(name, [round(value, 4) for value in values.tolist()])
    d_ssr_d_predicted [1.4374, -1.0762, 1.5383]
    d_predicted_d_w3 [0.2146, 0.8203, 2.0481]
    """
    check_names(wrt, PARAMETERS)
    trace = forward(parameters, inputs, observed)
    chain = dict.fromkeys(link for name in wrt for link in CHAINS[name])
    # Some links are a parameter, an input or an intermediate themselves: a clone never shares its memory.
    return {link.__name__: link(trace).clone() for link in chain}
