"""Whose memory a tensor lies in."""

from torch import Tensor


def storages(tensors: list[Tensor]) -> list[int]:
    """The addresses of the tensors' memory, without those of empty tensors, which have none."""
    return [tensor.untyped_storage().data_ptr() for tensor in tensors if tensor.numel()]
