"""--log: what is watched, as JSON lines, one object a line, written as it happens."""

import json
from collections.abc import Mapping
from pathlib import Path

from manual_backprop.training.monitoring import Figures
from manual_backprop.training.symptoms import Symptom
from support.atomic_files import replacing
from support.json_documents import finite


class Log:
    """A file that can be followed while the run goes on."""

    def __init__(self, path: str, epoch: int) -> None:
        """Begin the file anew, or go on behind the epoch after which the run is resumed."""
        self.path = Path(path)
        try:
            if epoch and self.path.exists():
                self._keep(epoch)
            self.file = self.path.open("a" if epoch else "w", encoding="utf-8")
        except OSError as error:
            raise ValueError(f"--log {self.path}: {error.strerror}") from None

    def _keep(self, epoch: int) -> None:
        """Drop what an interrupted run logged after that epoch: it is run, and logged, again."""
        lines = self.path.read_text(encoding="utf-8").splitlines(keepends=True)
        end = f'{{"after_epoch": {epoch},'
        kept = next((number for number, line in enumerate(lines, start=1) if line.startswith(end)), None)
        with replacing(self.path) as part:
            part.write_text("".join(lines[:kept]), encoding="utf-8")

    def __enter__(self) -> "Log":
        """The open file."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close it."""
        self.file.close()

    def step(self, here: Figures) -> None:
        """All figures of the step."""
        self._write(here._asdict())

    def warning(self, symptom: Symptom, here: Figures) -> None:
        """The warning as it is shown, with its kind and place."""
        self._write({"warning": symptom.sentence, "kind": symptom.kind, "where": symptom.where})

    def epoch(self, number: int, losses: Mapping[str, float]) -> None:
        """The losses after so many epochs."""
        self._write({"after_epoch": number, **losses})

    def _write(self, line: Mapping[str, object]) -> None:
        self.file.write(json.dumps(finite(dict(line)), allow_nan=False) + "\n")
        self.file.flush()
