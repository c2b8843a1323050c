"""How a program ends that fails while it imports: by the same table as one that runs, and never with 1."""

import ast
import importlib.util
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPTS = Path(__file__).parents[2] / "scripts"
PROGRAMS = sorted(SCRIPTS.glob("*.py"))


@pytest.mark.parametrize("program", PROGRAMS, ids=[program.name for program in PROGRAMS])
def test_a_program_imports_its_end_before_all_else(program: Path) -> None:
    """What is imported above it would end in Python's own traceback, with the status of a mismatch."""
    imports = [
        node for node in ast.parse(program.read_text()).body if isinstance(node, ast.Import | ast.ImportFrom)
    ]
    assert isinstance(imports[0], ast.ImportFrom)
    assert imports[0].module == "support.ending"


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A checkout of what a program imports first, and libraries that are damaged."""
    for room in ("support", "reading"):
        shutil.copytree(SCRIPTS / room, tmp_path / "scripts" / room)
    library = tmp_path / "lib" / "site-packages"
    library.mkdir(parents=True)
    (library / "unlinked.py").write_text("raise OSError('libx.so: cannot open shared object file')")
    (library / "cut.py").write_text("def half(:")
    (library / "zeroed.py").write_bytes(bytes(40))
    (library / "short.pyc").write_bytes(importlib.util.MAGIC_NUMBER + bytes(12) + b"\xe3")
    return tmp_path


def ended(checkout: Path, line: str) -> subprocess.CompletedProcess[str]:
    """Run a program with this line below its first import."""
    program = checkout / "scripts" / "it.py"
    program.write_text(
        f"from support.ending import run\n{line}\nrun(lambda argv: __import__('no_such_library'))\n"
    )
    environment = os.environ | {
        "PYTHONPATH": str(checkout / "lib" / "site-packages"),
        "TMPDIR": str(checkout),
    }
    command = [sys.executable, program]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)


@pytest.mark.medium
def test_a_library_that_is_missing_or_damaged_is_one_line_and_status_2(checkout: Path) -> None:
    """Before the main function and in it; the line says what to do."""
    for line, told in [
        ("import no_such_library", "no_such_library is not installed for"),
        ("import json.no_such", "json.no_such is not installed for"),
        ("", "no_such_library is not installed for"),
        ("import unlinked", "is damaged (OSError: libx.so: cannot open"),
        ("import cut", "is damaged (SyntaxError: "),
        ("import zeroed", "Error: source code string cannot contain null bytes)"),
        ("import short", "is damaged (EOFError: "),
    ]:
        done = ended(checkout, line)
        assert (done.returncode, done.stdout) == (2, ""), line
        assert done.stderr.startswith("it.py: error: "), line
        assert told in done.stderr, line
        assert done.stderr.count("\n") == 1, line


@pytest.mark.medium
def test_a_bug_while_it_imports_is_no_mismatch(checkout: Path) -> None:
    """70 for what is ours, 71 for the machine's memory, and the signal for Ctrl-C."""
    bug = "it.py: error: a bug of this program"
    for line, status, told in [
        ("import reading.gone", 70, f"{bug}, not of your input: ModuleNotFoundError"),
        ("from reading import gone", 70, f"{bug}, not of your input: ImportError"),
        ("{}['key']", 70, f"{bug}, not of your input: KeyError"),
        ("float('x')", 70, f"{bug}, not of your input: ValueError"),
        ("raise MemoryError", 71, "it.py: error: not enough memory"),
        ("raise KeyboardInterrupt", -signal.SIGINT, ""),
    ]:
        done = ended(checkout, line)
        assert (done.returncode, done.stdout) == (status, ""), line
        assert done.stderr.startswith(told), line
        assert done.stderr.count("\n") == bool(told), line
