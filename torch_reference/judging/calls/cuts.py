"""Which tensors of a point may have rows in common, and so may be cut together; and whether they may.

An index that is out of range is an error in most of torch's operations on a processor. On a GPU it is the end
of its use by the process, and a kernel that looks at no index, as CTC's on a processor, reads and writes what
is not its own.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import scaled_dot_product_attention
from torch.overrides import TorchFunctionMode
from torch.utils._pytree import tree_iter

from torch_reference.judging.calls.points import UPSTREAM, Tensors
from torch_reference.tolerance.rounding.roundings import HALF
from torch_reference.tolerance.rounding.uncompiled import Uncompiled, with_conjugates
from torch_reference.tolerance.rows.by_rows import INDICES
from torch_reference.tolerance.rows.whole import Rows

MANY = 2**15
"""Points of so many elements are judged whole, in every way of calling."""
PLACES = ("index", "indices", "target", "targets", "offsets", "lengths", "input_lengths", "target_lengths")
"""What torch's operations call such an argument."""
UNCHECKED = ("aten::_ctc_loss", "aten::_cudnn_ctc_loss", "aten::_use_cudnn_ctc_loss")
"""torch's operations that do not look at theirs on a processor."""
UNLOOKED = (
    *(name.removeprefix("aten::") for name in UNCHECKED),
    *("_embedding_bag", "_embedding_bag_forward_only", "segment_reduce", "lu_unpack"),
    *("native_batch_norm", "_native_batch_norm_legit", "_batch_norm_with_update"),
    *("native_group_norm", "mkldnn_rnn_layer"),
    *("sparse_compressed_tensor", "_sparse_coo_tensor_with_dims_and_tensors"),
    *("_fft_c2c", "_fft_c2r", "_fft_r2c"),
)
"""Those that do not look at whether one input goes with the others, or, as MKL's transforms over three
dimensions, write beyond their end: OpInfo's samples, at other sizes, end the process (torch 2.13)."""
UNLOOKED_IN_16_BITS = ("convolution",)
CUTTING = ("slice", "split", "split_with_sizes")
"""What is left of chunk, narrow and x[a:b]."""


def elements(point: Tensors) -> int:
    """How many numbers a point holds."""
    return sum(value.numel() for value in point.values())


def choices_of_rows(point: Tensors, results: Tensors) -> Iterator[Rows]:
    """What may have rows at a point, results that are judged among it; none where it is not large."""
    inputs = {name: value for name, value in point.items() if not name.startswith(UPSTREAM)}
    if elements(point) <= MANY:
        return
    yield from _numbers_as_rows(point, inputs, results)
    for names, dims in cuts(inputs, 0):
        if any(dim != [0] for dim in dims.values()):
            continue
        count = len(inputs[names[0]])
        above = [
            name for name, value in point.items() if name.startswith(UPSTREAM) and value.shape[:1] == (count,)
        ]
        of_rows = [
            name
            for name, value in results.items()
            if name in names or (name not in inputs and value.shape[:1] == (count,))
        ]
        yield Rows((*names, *above), of_rows, count)


def cuts(inputs: Tensors, dim: int) -> Iterator[tuple[list[str], dict[str, list[int]]]]:
    """The tensors that may have to be cut together, and in which dimensions: the largest alone first."""
    most = max(value.ndim for value in inputs.values())
    sizes = {value.shape[dim] for value in inputs.values() if value.ndim > dim and value.shape[dim] > 2}
    for size in sorted(sizes, key=lambda size: -_numbers(inputs, dim, size)):
        every = [name for name, value in inputs.items() if value.ndim > dim and value.shape[dim] == size]
        largest = [name for name in every if inputs[name].ndim == most]
        for names in (largest, every):
            if names:
                yield names, {name: [dim] for name in names}
        square = {
            name: [other for other, length in enumerate(inputs[name].shape) if length == size]
            for name in every
        }
        yield every, square


def _numbers_as_rows(point: Tensors, inputs: Tensors, results: Tensors) -> Iterator[Rows]:
    """Each number, where inputs have one shape, or are one number: what takes each by itself returns that."""
    shape = max(inputs.values(), key=torch.numel).shape
    if len(shape) > 1 and all(value.numel() == 1 or value.shape == shape for value in inputs.values()):
        cut, of = (
            [name for name, value in each.items() if value.shape == shape] for each in (point, results)
        )
        if of:
            yield Rows(cut, of, shape.numel(), tuple(shape))


def _numbers(inputs: Tensors, dim: int, size: int) -> int:
    return sum(value.numel() for value in inputs.values() if value.ndim > dim and value.shape[dim] == size)


class Indexing(Uncompiled):  # type: ignore[no-untyped-call] # torch leaves it untyped
    """Watch for operations that draw numbers, read some where integers say, or cut, while it is entered."""

    def __init__(self) -> None:
        """Nothing is seen yet."""
        super().__init__()
        self.is_seen = self.is_unchecked = self.is_unlooked = self.draws = False
        self.pieces: set[tuple[int, int, int]] = set()  # of which length, where it begins, its own length

    def parts(self, length: int) -> set[int]:
        """Into how many equal parts a dimension of that length is cut, all of them read."""
        sizes = {size for whole, _, size in self.pieces if whole == length and 0 < size < length}
        even = [size for size in sizes if length % size == 0]
        return {
            length // size
            for size in even
            if all((length, start, size) in self.pieces for start in range(0, length, size))
        }

    def may_shrink(self, inputs: Mapping[str, Tensor]) -> bool:
        """Whether an index that is not there, among fewer numbers than these, is an error and no harm."""
        return not self.is_unchecked and (not self.is_seen or all(each.is_cpu for each in inputs.values()))

    @with_conjugates
    def __torch_dispatch__(
        self, func: Any, types: Any, args: Sequence[Any] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        """Look at the arguments of one operation."""
        is_torch = func.namespace in ("aten", "prims")
        name = func.overloadpacket.__name__
        self.is_unlooked |= not is_torch or name in UNLOOKED
        self.is_unlooked |= name in UNLOOKED_IN_16_BITS and args[0].dtype in HALF
        self.draws |= torch.Tag.nondeterministic_seeded in func.tags
        named = zip((argument.name for argument in func._schema.arguments), args, strict=False)
        places = [value for name, value in named if not is_torch or name in PLACES]
        if any(isinstance(value, Tensor) and value.dtype in INDICES for value in tree_iter(places)):
            self.is_seen = True
            self.is_unchecked |= not is_torch or func._schema.name in UNCHECKED
        made = func(*args, **(kwargs or {}))
        if name in CUTTING:
            self.pieces.update(_pieces(args[0], made))
        return made


class Calls(TorchFunctionMode):
    """Count the calls of torch's functions, and the integers that they are given, while it is entered."""

    def __init__(self) -> None:
        """None yet."""
        super().__init__()
        self.count = 0
        self.integers: Counter[int] = Counter()

    def __torch_function__(
        self, func: Any, types: Any, args: Sequence[Any] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        """Count one."""
        self.count += 1
        self.integers.update(leaf for leaf in tree_iter((args, kwargs)) if type(leaf) is int)
        return func(*args, **(kwargs or {}))


class Survived(TorchFunctionMode):
    """An error where torch on a processor does not look, and would end the process.

    Attention has as many values as keys, and what has no row has no derivative of its distances.
    """

    def __torch_function__(
        self, func: Any, types: Any, args: Sequence[Any] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        """Look at the arguments of one function."""
        if func is scaled_dot_product_attention:
            _, key, value = _tensors(("query", "key", "value"), args, kwargs)
            if key is not None and value is not None and key.shape[-2:-1] != value.shape[-2:-1]:
                raise RuntimeError(f"attention of {key.shape[-2]} keys to {value.shape[-2]} values")
        if func is torch.pdist:
            [points] = _tensors(("input",), args, kwargs)
            if points is not None and not points.numel():
                raise RuntimeError("distances of no rows")
        return func(*args, **(kwargs or {}))


def _pieces(whole: Tensor, made: Any) -> Iterator[tuple[int, int, int]]:
    """Of the dimension that is cut: its length, and where each piece begins, as its memory says, and ends."""
    for piece in made if isinstance(made, (tuple, list)) else (made,):
        for dim, (length, size) in enumerate(zip(whole.shape, piece.shape, strict=True)):
            if length != size and whole.stride(dim) == piece.stride(dim) > 0:
                yield length, (piece.storage_offset() - whole.storage_offset()) // whole.stride(dim), size


def _tensors(
    names: Sequence[str], args: Sequence[Any], kwargs: Mapping[str, Any] | None
) -> list[Tensor | None]:
    """The first arguments of a call by name; None for what is no tensor, of which torch says so."""
    named = dict(zip(names, args, strict=False)) | dict(kwargs or {})
    return [value if isinstance(value := named.get(name), Tensor) else None for name in names]
