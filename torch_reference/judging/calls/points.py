"""What a point holds, by what names, and how a call on it is made repeatable."""

import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import _disable_current_modes
from torch.utils._pytree import tree_unflatten

from torch_reference.judging.calls.holders import flattened, tensors_mapped
from torch_reference.judging.calls.quiet import unwarned
from torch_reference.judging.calls.really import is_tensor
from torch_reference.layers.drawn_numbers import DrawnNumbers
from torch_reference.layers.generator_state import generator_unmoved
from torch_reference.layers.random_state import RandomState, same_random_numbers

Tensors = Mapping[str, Tensor]
UPSTREAM = "d_loss_d_"
"""Prefix of the upstream gradients in a point."""
VALUE = "value_of_"
"""Prefix of the values that stand behind the cuts."""


LARGE = 2**15
"""Of more numbers the upstream gradient is handed on as it is; of fewer, a copy."""
MOST_COMPILED = 128
"""So often is one function compiled anew in a check: there are some forty ways, and more points."""


def unseen() -> AbstractContextManager[Any]:
    """Keep off the modes that count and move roundings: what is done in here is ours, and no derivation's."""
    return _disable_current_modes() if torch._C._len_torch_dispatch_stack() else nullcontext()


def weighted(upstream: Tensor, output: Tensor) -> Tensor:
    """⟨upstream, output⟩, unseen by the modes that count and move roundings.

    The sum is ours: no derivation takes it, and no rounding of it reaches a gradient. Who counts the calls of
    a function sees the product alone, in which an upstream gradient can be mistaken.
    """
    with unseen():
        product = upstream * output
        with torch._C.DisableTorchFunction():
            return product.sum()


def added_up(terms: list[Tensor]) -> Tensor:
    """The sum of such numbers, which is ours as well."""
    with torch._C.DisableTorchFunction():
        return torch.stack(terms).sum()


def with_derivatives(pairs: Sequence[tuple[Tensor, Tensor]]) -> Tensor:
    """A number of which each of these is the derivative with respect to what it stands beside.

    It is 0: the sum of the products has the same derivatives, and nobody asks for it. So it is for torch's
    own grad_outputs, whose first use imports sympy, for 0.7 s. A backward may write into what it is given:
    where that costs little it is a copy.
    """
    if not pairs:
        return torch.zeros((), device="cpu")
    with unseen():
        above = [value if value.numel() > LARGE else value.clone() for value, _ in pairs]
    found: Tensor = _Given.apply(above, *(output for _, output in pairs))  # type: ignore[no-untyped-call]
    return found


class _Given(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, above: Sequence[Tensor], *outputs: Tensor) -> Tensor:
        ctx.above = above
        return outputs[0].new_zeros((), dtype=torch.float64)

    @staticmethod
    def backward(ctx: Any, *d_loss: Tensor) -> tuple[Tensor | None, ...]:
        return None, *ctx.above


def as_tuple(values: Any) -> tuple[Any, ...]:
    """One value or several, as several."""
    return tuple(values) if isinstance(values, tuple | list) else (values,)


def network_inputs(point: Tensors) -> tuple[Tensor, ...]:
    """The module's arguments, in order."""
    return tuple(value for name, value in point.items() if name == "inputs" or name.startswith("inputs["))


def usable(value: Any) -> Any:
    """A tensor of which a graph can be made; one made under inference_mode is copied. Others stay."""
    if not is_tensor(value):
        return value
    return value.detach().clone() if value.is_inference() else value.detach()


@dataclass(frozen=True)
class Seeded:
    """A function whose random numbers begin at one state in every call, and are the same in every dtype.

    numbers are what it draws; its inputs are numbered there as they come.
    """

    function: Callable[..., Any]
    rng_state: RandomState
    numbers: DrawnNumbers

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Call it there."""
        leaves, nest = flattened((args, kwargs))
        inputs = {str(place): leaf for place, leaf in enumerate(leaves) if is_tensor(leaf)}

        def run(inputs: Tensors) -> Any:
            own, named = tree_unflatten([inputs.get(str(p), leaf) for p, leaf in enumerate(leaves)], nest)
            with same_random_numbers(self.rng_state):
                return self.function(*own, **named)

        with same_random_numbers(self.rng_state), self.numbers.handed_out(inputs, run):
            return self.function(*args, **kwargs)


def seeded(
    function: Callable[..., Any], leaves: Sequence[Any], rng_state: RandomState | None
) -> Callable[..., Any]:
    """The function of arguments with these leaves, whose random numbers begin at a state, if there is one."""
    if rng_state is None:
        return function
    given = {str(place): leaf for place, leaf in enumerate(leaves) if is_tensor(leaf)}
    return Seeded(function, rng_state, DrawnNumbers(given))


def unseeded(function: Callable[..., Any]) -> Callable[..., Any]:
    """The function as it was given, whether or not its random numbers begin at one state."""
    return function.function if isinstance(function, Seeded) else function


@contextmanager
def quiet_call() -> Iterator[None]:
    """Run the user's code under no_grad, of which it may warn: that call is ours and no training's."""
    with unwarned(), torch.no_grad():
        yield


def with_a_graph(function: Callable[..., Any]) -> Callable[..., Any]:
    """The same of inputs that require gradients, and without a graph outside of it, where none is wanted."""

    def of_leaves(*args: Any, **kwargs: Any) -> Any:
        if torch.is_grad_enabled():
            return function(*args, **kwargs)
        with torch.enable_grad():
            own, named = tensors_mapped(_leaf, (args, kwargs))
            return tensors_mapped(torch.detach, function(*own, **named))

    return of_leaves


def _leaf(value: Tensor) -> Tensor:
    return usable(value).requires_grad_(value.is_floating_point() or value.is_complex())


@contextmanager
def leaving_all_alone() -> Iterator[None]:
    """Judge as outside of whatever the caller has set: inference_mode, no_grad, autocast; and draw no number.

    The default dtype and device are the user's code's own, and stay. What is compiled may be compiled anew
    for each way of calling: beyond 8 torch runs it as it was written, and that would be judged.
    """
    with ExitStack() as stack:
        if "torch._dynamo" in sys.modules:
            limit = max(torch._dynamo.config.recompile_limit, MOST_COMPILED)
            stack.enter_context(torch._dynamo.config.patch(recompile_limit=limit))
        stack.enter_context(torch.inference_mode(False))
        stack.enter_context(torch.enable_grad())
        for device in ("cpu", "cuda"):
            if torch.is_autocast_enabled(device):
                stack.enter_context(torch.autocast(device, enabled=False))
        stack.enter_context(generator_unmoved())
        yield
