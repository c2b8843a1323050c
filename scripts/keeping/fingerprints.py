"""What tells one data file from another without reading all of it."""

import hashlib
from pathlib import Path

PIECES, SIZE = 1024, 2**12


def fingerprint(path: Path) -> str:
    """A checksum of the size and of 1024 pieces of 4 KiB, evenly spread: of all of it up to 4 MiB."""
    checksum = hashlib.sha256()
    with path.open("rb") as file:
        size = file.seek(0, 2)
        checksum.update(str(size).encode())
        for piece in range(PIECES):
            place = piece * max(size - SIZE, 0) // (PIECES - 1) if size > PIECES * SIZE else piece * SIZE
            file.seek(place)
            checksum.update(file.read(SIZE))
    return checksum.hexdigest()
