"""No address is taken of what is more than numbers in memory, or less."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from manual_backprop.fast.kernels.plain_tensors import plain_addresses

pytestmark = pytest.mark.usefixtures("as_a_user_runs_it")


class Tagged(Tensor):
    """A subclass that does nothing of its own."""


def freed() -> Tensor:
    """Its memory has been given back."""
    tensor = torch.zeros(3, dtype=torch.float64)
    tensor.untyped_storage().resize_(0)
    return tensor


def misaligned() -> Tensor:
    """Its numbers begin in the middle of where numbers begin."""
    return torch.frombuffer(bytearray(28), dtype=torch.float64, offset=4, count=3)


STRANGE: dict[str, Callable[[], Tensor]] = {
    "watched": lambda: torch.zeros(3, requires_grad=True),
    "a parameter": lambda: torch.nn.Parameter(torch.zeros(3), requires_grad=False),
    "a subclass": lambda: torch.zeros(3).as_subclass(Tagged),
    "strided": lambda: torch.zeros(6)[::2],
    "expanded": lambda: torch.zeros(1).expand(3),
    "a negation": lambda: torch._neg_view(torch.zeros(3)),
    "imagined zeros": lambda: torch._efficientzerotensor(3),
    "functional": lambda: torch._to_functional_tensor(torch.zeros(3)),
    "freed": freed,
    "misaligned": misaligned,
    "empty": lambda: torch.zeros(0),
    "meta": lambda: torch.zeros(3, device="meta"),
    "sparse": lambda: torch.zeros(3).to_sparse(),
    "a number": lambda: 3.0,
}


@pytest.mark.parametrize("make", STRANGE.values(), ids=STRANGE)
def test_no_address_is_taken_of_what_is_no_plain_memory(make: Callable[[], Tensor]) -> None:
    """As an array or, of one element, as a scalar."""
    tensor, plain = make(), torch.zeros(3)
    for dtype in (torch.float32, torch.float64):
        assert plain_addresses((), (tensor,), dtype) is None
        assert plain_addresses((plain[0],), (plain, tensor), dtype) is None
        assert plain_addresses((tensor, plain[0]), (plain,), dtype) is None
    assert plain_addresses((plain[0],), (plain,), torch.float32) == [plain.data_ptr()] * 2


def test_scalars_have_the_dtype_that_is_asked_for() -> None:
    """A kernel reads them all alike; an array may be one of classes."""
    plain, classes = torch.zeros(3), torch.arange(3)
    assert plain_addresses((), (plain, classes), torch.float32) == [plain.data_ptr(), classes.data_ptr()]
    assert plain_addresses((plain.double()[0],), (plain,), torch.float32) is None
