"""Nested plain data with tensors in it, as named tensors and one JSON text; and back, bit for bit."""

import json
import math
from collections.abc import Mapping
from typing import Any

from torch import Tensor

Tensors = dict[str, Tensor]


def taken_apart(content: Any) -> tuple[Tensors, str]:
    """The tensors by their paths, and the rest as JSON; TypeError for what is neither plain nor a tensor."""
    tensors: Tensors = {}
    return tensors, json.dumps(_without_tensors(content, "", tensors), allow_nan=False)


def put_together(tensors: Mapping[str, Tensor], text: str) -> Any:
    """What taken_apart was given."""
    return _with_tensors(json.loads(text), tensors)


def _without_tensors(item: Any, path: str, tensors: Tensors) -> Any:
    if isinstance(item, Tensor):
        name = path or "tensor"
        tensors[name] = item.detach().cpu().contiguous().clone()  # no two of a file may share their memory
        return {"$tensor": name}
    if isinstance(item, Mapping):
        entries = [
            (key, _without_tensors(value, f"{path}/{key}".lstrip("/"), tensors))
            for key, value in item.items()
        ]
        is_plain = all(isinstance(key, str) and not key.startswith("$") for key in item)
        return dict(entries) if is_plain else {"$items": [list(entry) for entry in entries]}
    if isinstance(item, (list, tuple)):
        entries = [
            _without_tensors(value, f"{path}/{place}".lstrip("/"), tensors)
            for place, value in enumerate(item)
        ]
        return {"$tuple": entries} if isinstance(item, tuple) else entries
    if isinstance(item, float) and not math.isfinite(item):
        return {"$float": str(item)}
    if item is None or isinstance(item, (bool, int, float, str)):
        return item
    raise TypeError(f"a checkpoint holds tensors and plain data, not {type(item).__name__} ({path})")


def _with_tensors(item: Any, tensors: Mapping[str, Tensor]) -> Any:
    if isinstance(item, list):
        return [_with_tensors(value, tensors) for value in item]
    if not isinstance(item, dict):
        return item
    [key, value] = next(iter(item.items())) if len(item) == 1 else ("", None)
    if key == "$tensor":
        return tensors[value]
    if key == "$float":
        return float(value)
    if key == "$tuple":
        return tuple(_with_tensors(entry, tensors) for entry in value)
    if key == "$items":
        return {name: _with_tensors(entry, tensors) for name, entry in value}
    return {name: _with_tensors(entry, tensors) for name, entry in item.items()}
