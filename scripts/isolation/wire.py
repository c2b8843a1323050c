"""Frames of JSON and bytes over a socket: nothing is unpickled, so that what is read can run nothing."""

import socket
import struct
import time
from collections.abc import Sequence
from json import dumps, loads  # bound here: what is put into that module later does not reach us
from typing import Any, NamedTuple

LENGTH = struct.Struct(">Q")
LARGEST = 1 << 31
"""A frame that claims to be longer is none: bytes that somebody else wrote into the socket."""


class Frame(NamedTuple):
    """A document that JSON can hold, and the memory of its tensors."""

    document: dict[str, Any]
    buffers: list[bytes]


class BrokenFrameError(Exception):
    """What was read is not a frame."""


def send(link: socket.socket, document: dict[str, Any], buffers: Sequence[bytes] = ()) -> None:
    """Write one frame."""
    head = dumps({"document": document, "sizes": [len(buffer) for buffer in buffers]}).encode()
    link.sendall(b"".join([LENGTH.pack(len(head)), head, *buffers]))


def receive(link: socket.socket, seconds: float | None = None) -> Frame:
    """Read one frame; TimeoutError after so many seconds, EOFError where the other side has gone."""
    deadline = None if seconds is None else time.monotonic() + seconds
    (length,) = LENGTH.unpack(_exactly(link, LENGTH.size, deadline))
    if length > LARGEST:
        raise BrokenFrameError
    try:
        head = loads(_exactly(link, length, deadline))
        document, sizes = head["document"], [int(size) for size in head["sizes"]]
    except (ValueError, KeyError, TypeError, OverflowError, RecursionError, MemoryError) as error:
        raise BrokenFrameError from error
    if not isinstance(document, dict) or any(size < 0 for size in sizes) or sum(sizes) > LARGEST:
        raise BrokenFrameError
    return Frame(document, [_exactly(link, size, deadline) for size in sizes])


def _exactly(link: socket.socket, size: int, deadline: float | None) -> bytes:
    parts = bytearray()
    while len(parts) < size:
        if deadline is not None:
            left = deadline - time.monotonic()
            if left <= 0:
                raise TimeoutError
            link.settimeout(left)
        part = link.recv(min(size - len(parts), 1 << 20))
        if not part:
            raise EOFError
        parts += part
    return bytes(parts)
