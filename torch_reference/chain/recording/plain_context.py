"""What the forward and the backward of an autograd.Function call ctx, where no graph is behind it."""

from collections.abc import Sequence

from torch import Tensor


class Context:
    """What a torch.autograd.Function calls ctx, without a graph behind it."""

    def __init__(self, needs_input_grad: Sequence[bool]) -> None:
        """As it is before the forward pass."""
        self.needs_input_grad = tuple(needs_input_grad)
        self.saved_tensors: tuple[Tensor | None, ...] = ()

    def save_for_backward(self, *tensors: Tensor | None) -> None:
        """Keep them without their graph, as autograd does."""
        self.saved_tensors = tuple(
            value.detach() if isinstance(value, Tensor) else value for value in tensors
        )

    def save_for_forward(self, *tensors: Tensor | None) -> None:
        """Nothing to do: there is no forward mode here."""

    mark_dirty = mark_non_differentiable = save_for_forward

    def set_materialize_grads(self, value: bool) -> None:
        """Nothing to do: every output has its upstream gradient."""
