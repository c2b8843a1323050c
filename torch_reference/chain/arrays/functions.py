"""What numpy's functions are in torch: of tensors, with numpy's names for their arguments."""

from collections.abc import Callable, Sequence
from math import prod
from typing import Any

import torch
from torch import Tensor

Axis = int | tuple[int, ...] | None


def _axes(x: Tensor, axis: Axis) -> tuple[int, ...]:
    if axis is None:
        return tuple(range(x.ndim))
    return tuple(axis) if isinstance(axis, tuple | list) else (int(axis),)


def _sum(x: Tensor, axis: Axis = None, keepdims: bool = False) -> Tensor:
    return x.sum(_axes(x, axis), keepdim=keepdims)


def _mean(x: Tensor, axis: Axis = None, keepdims: bool = False) -> Tensor:
    return x.mean(_axes(x, axis), keepdim=keepdims)


def _var(x: Tensor, axis: Axis = None, ddof: int = 0, keepdims: bool = False) -> Tensor:
    return x.var(_axes(x, axis), correction=ddof, keepdim=keepdims)


def _std(x: Tensor, axis: Axis = None, ddof: int = 0, keepdims: bool = False) -> Tensor:
    return _var(x, axis, ddof, keepdims).sqrt()


def _max(x: Tensor, axis: Axis = None, keepdims: bool = False) -> Tensor:
    return x.amax(_axes(x, axis), keepdim=keepdims)


def _min(x: Tensor, axis: Axis = None, keepdims: bool = False) -> Tensor:
    return x.amin(_axes(x, axis), keepdim=keepdims)


def _cumsum(x: Tensor, axis: int | None = None) -> Tensor:
    return x.flatten().cumsum(0) if axis is None else x.cumsum(axis)


def _prod(x: Tensor, axis: int | None = None, keepdims: bool = False) -> Tensor:
    return x.prod() if axis is None else x.prod(axis, keepdim=keepdims)


def _dot(x: Tensor, y: Tensor) -> Tensor:
    if not x.ndim or not y.ndim:
        return x * y
    return x @ y if y.ndim <= 2 else torch.tensordot(x, y, ([-1], [-2]))


def _transpose(x: Tensor, *axes: Any) -> Tensor:
    given = axes[0] if len(axes) == 1 and not isinstance(axes[0], int) else axes
    return x.permute(tuple(given) if given else tuple(range(x.ndim))[::-1])


def _reshape(x: Tensor, *shape: Any, order: str = "C") -> Tensor:
    given = tuple(shape[0]) if len(shape) == 1 and isinstance(shape[0], tuple | list) else shape
    if order == "C":
        return x.reshape(tuple(map(int, given)))
    if -1 in given:
        known = prod(int(size) for size in given if size != -1)
        given = tuple(x.numel() // known if size == -1 else size for size in given)
    return _transpose(_transpose(x).reshape(tuple(map(int, given))[::-1]))


def _squeeze(x: Tensor, axis: Axis = None) -> Tensor:
    return x.squeeze() if axis is None else x.squeeze(_axes(x, axis))


def _expand_dims(x: Tensor, axis: Axis) -> Tensor:
    axes = (axis,) if isinstance(axis, int) else tuple(axis or ())
    for place in sorted(one % (x.ndim + len(axes)) for one in axes):
        x = x.unsqueeze(place)
    return x


def _clip(x: Tensor, a_min: Any = None, a_max: Any = None) -> Tensor:
    return x.clamp(a_min, a_max)


def _hstack(parts: Sequence[Tensor]) -> Tensor:
    return torch.cat(tuple(parts), 0 if parts[0].ndim == 1 else 1)


def _pad(x: Tensor, pad_width: Any, mode: str = "constant") -> Tensor:
    if mode != "constant":
        raise NotImplementedError(mode)
    widths = [pad_width] * x.ndim if isinstance(pad_width, int) else pad_width
    if len(widths) == 2 and isinstance(widths[0], int):
        widths = [widths] * x.ndim
    return torch.nn.functional.pad(x, [int(size) for pair in list(widths)[::-1] for size in pair])


def _tensordot(x: Tensor, y: Tensor, axes: Any = 2) -> Tensor:
    if not isinstance(axes, int):
        axes = [[one] if isinstance(one, int) else list(one) for one in axes]
    return torch.tensordot(x, y, axes)


def _repeat(x: Tensor, repeats: int, axis: int | None = None) -> Tensor:
    return x.flatten().repeat_interleave(repeats) if axis is None else x.repeat_interleave(repeats, axis)


def _split(x: Tensor, sections: Any, axis: int = 0) -> list[Tensor]:
    if isinstance(sections, int):
        return list(x.chunk(sections, axis))
    return list(x.tensor_split([int(one) for one in sections], axis))


def _flip(x: Tensor, axis: Axis = None) -> Tensor:
    return x.flip(_axes(x, axis))


def _roll(x: Tensor, shift: Any, axis: Any = None) -> Tensor:
    return x.roll(shift, axis)


def _diagonal(x: Tensor, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Tensor:
    return x.diagonal(offset, axis1, axis2)


def _linear_norm(x: Tensor, ord: Any = None, axis: Any = None, keepdims: bool = False) -> Tensor:
    return torch.linalg.norm(x, ord, axis, keepdim=keepdims)


FUNCTIONS: dict[str, Callable[..., Any]] = {
    **{"sum": _sum, "mean": _mean, "average": _mean, "var": _var, "std": _std, "prod": _prod},
    **{"max": _max, "amax": _max, "min": _min, "amin": _min, "cumsum": _cumsum, "clip": _clip},
    **{"dot": _dot, "tensordot": _tensordot, "inner": torch.inner},
    "outer": lambda x, y: x.ravel().outer(y.ravel()),
    **{"transpose": _transpose, "reshape": _reshape, "squeeze": _squeeze, "expand_dims": _expand_dims},
    **{"ravel": torch.ravel, "swapaxes": torch.swapaxes, "moveaxis": torch.moveaxis, "copy": torch.clone},
    **{"flip": _flip, "roll": _roll, "repeat": _repeat, "tile": torch.tile, "pad": _pad, "split": _split},
    **{"array_split": _split, "broadcast_to": torch.broadcast_to, "where": torch.where},
    **{"zeros_like": torch.zeros_like, "ones_like": torch.ones_like, "empty_like": torch.zeros_like},
    **{"full_like": torch.full_like, "trace": torch.trace, "diagonal": _diagonal},
    "tril": lambda m, k=0: m.tril(k),
    "triu": lambda m, k=0: m.triu(k),
    "diag": lambda v, k=0: v.diag(k),
    "diagflat": lambda v, k=0: v.diagflat(k),
    **{"flipud": torch.flipud, "fliplr": torch.fliplr, "cholesky": torch.linalg.cholesky},
    **{"concatenate": lambda parts, axis=0: torch.cat(tuple(parts), axis)},
    **{"stack": lambda parts, axis=0: torch.stack(tuple(parts), axis)},
    **{"hstack": _hstack, "vstack": torch.vstack, "column_stack": torch.column_stack},
    **{"atleast_1d": torch.atleast_1d, "atleast_2d": torch.atleast_2d, "einsum": torch.einsum},
    **{"norm": _linear_norm, "inv": torch.linalg.inv, "solve": torch.linalg.solve, "det": torch.linalg.det},
}
"""By the name of numpy's function, or of the array's method."""
