"""--log: what is watched, as JSON lines, one object a line, written as it happens."""

import hashlib
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from manual_backprop.training.monitoring import Figures
from manual_backprop.training.symptoms import Symptom
from support.atomic_files import naming, replacing
from support.json_documents import finite


class Log:
    """A file that can be followed while the run goes on."""

    def __init__(self, path: str, end: Mapping[str, Any] | None, is_resumed: bool) -> None:
        """Begin the file anew; a resumed run goes on where the log ended when its checkpoint was made.

        What was logged after that is cut off: it is run, and logged, again.
        """
        self.path, self.name = Path(path), f"--log {path}"
        self.checksum, self.size = hashlib.sha256(), 0
        try:
            if is_resumed and self.path.exists():
                self._cut_back(end)
            self.file = self.path.open("ab" if is_resumed else "wb")
        except OSError as error:
            raise ValueError(f"{self.name}: {error.strerror}") from None

    def _cut_back(self, end: Mapping[str, Any] | None) -> None:
        """Leave what was logged when the checkpoint was made; ValueError where that is not there."""
        content = self.path.read_bytes()
        if end is None:
            raise ValueError(f"{self.name}: exists already, and the run of the checkpoint had no log")
        kept = content[: end["bytes"]]
        self._count(kept)
        if self.end() != end:
            expected = f"the {end['bytes']} bytes that the checkpoint's run had logged"
            found = f"{len(content)} bytes" if len(content) < end["bytes"] else "others"
            raise ValueError(f"{self.name}: expected to begin with {expected}, found {found}")
        if len(kept) < len(content):
            with replacing(self.path) as part:
                part.write_bytes(kept)

    def __enter__(self) -> "Log":
        """The open file."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close it."""
        with naming(self.name):
            self.file.close()

    def end(self) -> dict[str, Any]:
        """How far the log goes, and what is in it, for a checkpoint."""
        return {"bytes": self.size, "sha256": self.checksum.hexdigest()}

    def step(self, here: Figures) -> None:
        """All figures of the step."""
        self._write(here._asdict())

    def warning(self, symptom: Symptom, here: Figures) -> None:
        """The warning as it is shown, with its kind and place."""
        self._write({"warning": symptom.sentence, "kind": symptom.kind, "where": symptom.where})

    def epoch(self, number: int, losses: Mapping[str, float]) -> None:
        """The losses after so many epochs; the disk has them before a checkpoint counts on it."""
        self._write({"after_epoch": number, **losses})
        if self.path.is_file():  # and no pipe
            with naming(self.name):
                os.fsync(self.file.fileno())

    def _write(self, line: Mapping[str, object]) -> None:
        text = (json.dumps(finite(dict(line)), allow_nan=False) + "\n").encode()
        with naming(self.name):
            self.file.write(text)
            self.file.flush()
        self._count(text)

    def _count(self, text: bytes) -> None:
        self.checksum.update(text)
        self.size += len(text)
