"""Checkpoints of every program: everything that the rest of a run depends on, in one file without code.

The file is a safetensors file, which any reader of that format opens: the tensors by name and, among its
metadata, the rest as JSON. Its checksum is of every byte, the header's as well; safetensors itself has none.
The content says which program wrote it and for which run: its identity.
"""

import hashlib
import json
import os
import re
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

import manual_backprop
from keeping.plain_data import put_together, taken_apart
from support.atomic_files import naming, replacing
from support.installed_packages import require
from support.left_behind import unfinished

FORMAT = "manual-backprop checkpoint 1"
EMPTY_SUM = b"0" * 64
SUM = re.compile(rb'"sha256":"([0-9a-f]{64})"')
ABOUT = ("program", "version", "torch")
"""What a file says of itself besides its content."""

HEADER = 2**26
"""Bytes in which the checksum is looked for."""


def save(path: Path, program: str, identity: Mapping[str, Any], content: Mapping[str, Any]) -> None:
    """Write a checkpoint whole or not at all, and keep the one before it beside it."""
    tensors, text = taken_apart({"identity": dict(identity), "content": dict(content)})
    about = {"format": FORMAT, "program": program, "version": manual_backprop.__version__}
    metadata = {**about, "torch": torch.__version__, "document": text, "sha256": EMPTY_SUM.decode()}
    data = require("safetensors.torch", "scripts").save(tensors, metadata)
    place = data.index(b'"sha256":"' + EMPTY_SUM) + len(b'"sha256":"')
    digest = hashlib.sha256(data).hexdigest().encode()
    with naming(f"--checkpoint {path}"), replacing(path) as part:
        part.write_bytes(data[:place] + digest + data[place + len(digest) :])
        _keep(path)


def load(path: Path, program: str, identity: Mapping[str, Any], device: torch.device) -> dict[str, Any]:
    """A checkpoint's content, if it is whole and of this run; else a ValueError in one line."""
    try:
        about, identity_found, content = whole(path, device)
    except ValueError as error:
        raise ValueError(f"--checkpoint {path}: {error}{_offer(path, device)}") from None
    wrong = _differs("program", about["program"], program) or _differs(
        "version", about["version"], manual_backprop.__version__
    )
    for what, value in identity.items():
        wrong = wrong or _differs(what, identity_found.get(what), value)
    if wrong:
        raise ValueError(f"--checkpoint {path}: {wrong}")
    if about["torch"] != torch.__version__:
        then, now = about["torch"], torch.__version__
        print(f"{path}: written by torch {then}, goes on with {now}: other bits may follow", file=sys.stderr)
    return content


def previous(path: Path) -> Path:
    """Where the checkpoint before this one is kept."""
    return path.with_name(f"{path.stem}.previous{path.suffix}")


def _keep(path: Path) -> None:
    """Give the checkpoint that is there a second name; a kill in between leaves it under both."""
    if not path.exists():
        return
    descriptor, spare = unfinished(path)
    try:
        spare.unlink()
        try:
            spare.hardlink_to(path)
        except OSError:  # a file system without links
            spare.write_bytes(path.read_bytes())
        spare.replace(previous(path))
    finally:
        spare.unlink(
            missing_ok=True
        )  # where both names are of one file, as after a kill, replacing does nothing
        os.close(descriptor)


def whole(path: Path, device: torch.device) -> tuple[dict[str, str], dict[str, Any], dict[str, Any]]:
    """What a file says of itself, its identity and its content, if not a bit of it has changed."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise ValueError(error.strerror or str(error)) from None
    found = SUM.search(data, 0, HEADER)
    if not found:
        raise ValueError(f"truncated, or not a checkpoint of this project ({FORMAT})")
    without_sum = data[: found.start(1)] + EMPTY_SUM + data[found.end(1) :]
    if hashlib.sha256(without_sum).hexdigest().encode() != found[1]:
        raise ValueError("damaged, its content is not what was written")
    try:
        tensors = require("safetensors.torch", "scripts").load(data)
        about = _metadata(data)
        document = put_together(
            {name: value.to(device) for name, value in tensors.items()}, about["document"]
        )
        return {name: about[name] for name in ABOUT}, document["identity"], document["content"]
    except Exception:  # someone made it by hand, checksum and all
        raise ValueError(f"not a checkpoint of this project ({FORMAT})") from None


def _metadata(data: bytes) -> dict[str, str]:
    size = int.from_bytes(data[:8], "little")
    return json.loads(data[8 : 8 + size])["__metadata__"]


def _offer(path: Path, device: torch.device) -> str:
    """The checkpoint before a damaged one, if that one is whole."""
    try:
        whole(previous(path), device)
    except ValueError:
        return ""
    return f"; the one before it is whole: mv {previous(path)} {path}"


def _differs(what: str, found: Any, expected: Any) -> str:
    if found == expected:
        return ""
    if what == "data":
        return "of other data, or another split of them"
    if what == "classes" and found and (new := [name for name in expected if name not in found]):
        return f"the class {new[0]!r} was never seen by its run, which knows {', '.join(found)}"
    return f"of another run: its {what} is {found}, expected {expected}"
