"""Checkpoints: everything that the rest of a training depends on, in one file without code.

torch.save writes tensors and plain data, and torch.load(weights_only=True) refuses anything else, so that a
file from a stranger runs nothing; safetensors would be one more dependency, and holds tensors only.
"""

import hashlib
import io
import pickle
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from support.atomic_files import replacing

FORMAT = "manual-backprop perceptron 1"


def save(path: Path, content: Mapping[str, Any]) -> None:
    """Write a checkpoint, whole or not at all; a power cut leaves the one before or this one."""
    document = {"format": FORMAT, **content}
    try:
        with replacing(path) as part, part.open("wb") as file:
            torch.save({**document, "digest": _digest(document)}, file)
    except OSError as error:
        raise ValueError(f"--checkpoint {path}: {error.strerror or error}") from None


def load(path: Path, expected: Mapping[str, Any], device: torch.device) -> dict[str, Any]:
    """A checkpoint's content, if what it was made for is what is expected; else a ValueError in one line."""
    try:
        file = io.BytesIO(path.read_bytes())
    except OSError as error:
        raise ValueError(f"--checkpoint {path}: {error.strerror or error}") from None
    try:
        content = torch.load(file, weights_only=True, map_location=device)
    except (RuntimeError, pickle.UnpicklingError, OSError, EOFError, ValueError, KeyError):
        raise ValueError(f"--checkpoint {path}: truncated, or not a checkpoint") from None
    if not isinstance(content, dict) or content.get("format") != FORMAT:
        raise ValueError(f"--checkpoint {path}: not a checkpoint of this program ({FORMAT})")
    if content.pop("digest", None) != _digest(content):
        raise ValueError(f"--checkpoint {path}: damaged, its content is not what was written")
    made_for = content["made_for"]
    for what, value in expected.items():
        if made_for.get(what) != value:
            raise ValueError(f"--checkpoint {path}: {_differs(what, made_for.get(what), value)}")
    return content


def _differs(what: str, found: Any, expected: Any) -> str:
    if what == "data":
        return "of other data, or another split of them"
    if what == "classes" and found and (new := [name for name in expected if name not in found]):
        return f"the class {new[0]!r} was never seen by its run, which knows {', '.join(found)}"
    return f"of another run: its {what} is {found}, expected {expected}"


def _digest(value: Any) -> str:
    """A checksum of tensors and plain data, by content: torch.load does not notice a flipped bit."""
    checksum = hashlib.sha256()

    def feed(item: Any) -> None:
        if isinstance(item, torch.Tensor):
            checksum.update(repr((item.dtype, tuple(item.shape))).encode())
            checksum.update(item.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy().tobytes())
        elif isinstance(item, Mapping):
            for key, entry in item.items():
                checksum.update(repr(key).encode())
                feed(entry)
        elif isinstance(item, (list, tuple)):
            checksum.update(str(len(item)).encode())
            for entry in item:
                feed(entry)
        else:
            checksum.update(repr(item).encode())

    feed(value)
    return checksum.hexdigest()
