"""A checkout whose Python is pretended: scripts/run sets up .venv in it without a download."""

import os
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]

# Stands for python3 and for .venv/bin/python: writes down what it is asked to make; FAKE says how it fails.
FAKE_PYTHON = """\
#!/bin/sh
case "$*" in
    *version_info*)       [ "$FAKE" != old ] ;;
    --version)            echo Python 3.9.2 ;;
    *"import ensurepip"*) [ "$FAKE" != no-venv ] ;;
    "-m venv --clear "*)  echo venv >>"$LOG"; rm -rf "$4"; mkdir -p "$4/bin"; cp "$0" "$4/bin/python"
                          if [ "$FAKE" = killed-in-venv ]; then rm "$4/bin/python"; kill -9 0; fi ;;
    "-m pip show pip")    ;;
    "-I -S -c "*)         ;; # it starts
    "-m pip install "*)   echo "install $(grep ^torch== .venv/constraints.txt)" >>"$LOG"
                          echo "Collecting noise"; echo "  Downloading torch.whl (190.4 MB)"
                          case "$FAKE" in
                              killed) kill -9 0 ;;
                              failing) echo "because of this"; echo "ERROR: no such version" >&2; exit 1 ;;
                              slow) sleep 0.2 ;;
                          esac ;;
    *)                    echo "unexpected: $*" >&2; exit 99 ;;
esac
"""


@dataclass
class Checkout:
    """A checkout of its own, with scripts/run and the pretended Python on PATH."""

    root: Path
    tools: Path

    def start(
        self, *command: str, fake: str = "", by: Sequence[str] = (), **environment: str
    ) -> subprocess.Popen[str]:
        """Start scripts/run; a process group of its own lets the pretended Python kill the whole set-up."""
        path = f"{self.tools}:{os.environ['PATH']}"
        return subprocess.Popen(
            [*by, self.root / "scripts/run", *command],
            env={"PATH": path, "LOG": str(self.tools / "log"), "FAKE": fake} | environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def run(
        self, *command: str, fake: str = "", by: Sequence[str] = (), **environment: str
    ) -> tuple[int, str, str]:
        """Run scripts/run; exit status, standard output, standard error."""
        process = self.start(*command, fake=fake, by=by, **environment)
        output, errors = process.communicate(timeout=10)
        return process.returncode, output, errors

    def made(self) -> list[str]:
        """What the pretended Python made since the last question."""
        log = self.tools / "log"
        lines = log.read_text().splitlines() if log.exists() else []
        log.unlink(missing_ok=True)
        return lines

    def put_package(self, name: str, *, complete: bool = True) -> Path:
        """A package's metadata in .venv, complete or as an interrupted pip leaves it."""
        package = self.root / f".venv/lib/python3.11/site-packages/{name}.dist-info"
        package.mkdir(parents=True)
        (package / "METADATA").touch()
        if complete:
            (package / "INSTALLER").touch()
        return package

    def make_own_venv(self) -> None:
        """A .venv that the user made."""
        (self.root / ".venv/bin").mkdir(parents=True)
        shutil.copy(self.tools / "python3", self.root / ".venv/bin/python")


FRESH = ["venv", "install torch==2.13.0"]
AGAIN = ["install torch==2.13.0"]


def make_checkout(tmp_path: Path) -> Checkout:
    """A fresh checkout, in a folder with a space in its name."""
    root, tools = tmp_path / "my checkout", tmp_path / "tools"
    (root / "scripts").mkdir(parents=True)
    tools.mkdir()
    shutil.copy(ROOT / "scripts/run", root / "scripts")
    (root / "pyproject.toml").write_text("[project]\n")
    (root / "scripts/constraints.txt").write_text("pytest==9.2.0\ntorch==2.13.0\n")
    (tools / "python3").write_text(FAKE_PYTHON)
    (tools / "python3").chmod(0o755)
    return Checkout(root, tools)
