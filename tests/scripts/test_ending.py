"""How a program ends: each kind of end has its status, and never more than one line about it."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from support.atomic_files import check_file, replacing

SCRIPTS = Path(__file__).parents[2] / "scripts"
START = "import sys; from support.ending import *; sys.argv[0] = 'it.py'\n"


def program(body: str, *arguments: str, **how: object) -> subprocess.CompletedProcess[bytes]:
    """Run a main function of that body in a process of its own, as a script would."""
    code = f"{START}def main(argv):\n    {body}\nrun(main)"
    environment = {**os.environ, "PYTHONPATH": str(SCRIPTS), **how.pop("env", {})}  # type: ignore[dict-item]
    how = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **how}
    return subprocess.run([sys.executable, "-c", code, *arguments], env=environment, check=False, **how)  # type: ignore[call-overload]


ENDS = [
    ("return AGREEMENT", 0, ""),
    ("return MISMATCH", 1, ""),
    ("raise ValueError('x.csv, line 3: no number')", 2, "it.py: error: x.csv, line 3: no number"),
    ("raise ValueError('one\\n  two\\x1b[2J')", 2, "it.py: error: one two\\x1b[2J"),
    ("open('no/such.csv')", 2, "it.py: error: no/such.csv: No such file or directory"),
    ("Parser(prog='it.py').parse_args(['--x'])", 2, "it.py: error: unrecognized arguments: --x (--help"),
    ("raise UsersCodeError('by_hand raised KeyError: w5')", 3, "it.py: error: by_hand raised KeyError: w5"),
    ("sys.exit(0)", 3, "it.py: error: code of yours ended the program by sys.exit(0): there is no result"),
    ("raise type('Odd', (BaseException,), {})()", 3, "it.py: error: code of yours ended the program by Odd"),
    ("raise MemoryError('of 8 TB')", 71, "it.py: error: not enough memory: of 8 TB"),
    ("raise OSError(28, 'No space left', 'a.pt')", 74, "it.py: error: a.pt: No space left"),
]


@pytest.mark.sample(4)
@pytest.mark.parametrize(("body", "status", "line"), ENDS, ids=[body for body, *_ in ENDS])
def test_every_end_has_a_status_and_at_most_one_line(body: str, status: int, line: str) -> None:
    """1 is a mismatch and nothing else; what stands in a message cannot move the cursor."""
    done = program(body)
    assert (done.returncode, done.stdout) == (status, b"")
    assert done.stderr.decode().startswith(line)
    assert done.stderr.count(b"\n") == bool(line)


def test_an_option_that_is_nearly_one_is_told_which() -> None:
    """Of the other side of the ocean, or of another program."""
    body = "p = Parser(prog='it.py'); p.add_argument('--standardise'); p.parse_args(['--standardize=3'])"
    done = program(body)
    assert done.returncode == 2
    assert done.stderr.endswith(b"unrecognized arguments: --standardize=3 (did you mean --standardise?)\n")


def test_an_empty_value_is_no_missing_option() -> None:
    """Of a shell's variable that is not set."""
    done = program("p = Parser(prog='it.py'); p.add_argument('--csv'); p.parse_args(['--csv', ''])")
    assert (done.returncode, done.stdout) == (2, b"")
    assert done.stderr.startswith(b"it.py: error: argument --csv: expected a value, found ''")


def test_a_device_a_pipe_and_a_link_stay_what_they_are(tmp_path: Path) -> None:
    """What is written reaches them; no file takes their place."""
    link, target = tmp_path / "link.csv", tmp_path / "target.csv"
    link.symlink_to(target)
    target.write_text("before")
    with replacing(link) as part:
        part.write_text("after")
    assert (link.is_symlink(), target.read_text()) == (True, "after")
    os.mkfifo(tmp_path / "pipe")
    reader = os.open(tmp_path / "pipe", os.O_RDONLY | os.O_NONBLOCK)
    check_file(tmp_path / "pipe", "--csv")
    with replacing(tmp_path / "pipe") as part:
        part.write_text("through")
    assert os.read(reader, 10) == b"through"
    os.close(reader)
    done = program(
        "from support.atomic_files import replacing\n    from pathlib import Path\n"
        "    with replacing(Path('/dev/stdout')) as part: part.write_text('shown')\n    return 0"
    )
    assert (done.returncode, done.stdout) == (0, b"shown")


def test_a_bug_of_ours_is_one_line_and_its_traceback_a_file(tmp_path: Path) -> None:
    """Status 70; the line names the file, which holds the command, the versions and the traceback."""
    done = program("return {}['key']", "--wrt", "all", env={"TMPDIR": str(tmp_path)})
    assert done.returncode == 70
    [report] = tmp_path.iterdir()
    assert done.stderr.decode() == (
        "it.py: error: a bug of this program, not of your input: KeyError: 'key'; "
        f"please report it with the traceback in {report}\n"
    )
    text = report.read_text()
    assert text.startswith("it.py --wrt all\nPython 3.")
    assert text.endswith("KeyError: 'key'\n")


def test_a_bug_without_room_for_a_file_shows_its_traceback(tmp_path: Path) -> None:
    """Where no file can be made, the traceback is on standard error."""
    body = "import tempfile; tempfile.tempdir = '/no/such'; return {}['key']"
    done = program(body)
    assert done.returncode == 70
    assert b"Traceback" in done.stderr
    assert done.stderr.endswith(b"please report it with the traceback above\n")


@pytest.mark.parametrize("rank", ["0", "1"])
def test_an_error_is_json_where_json_was_asked_for(rank: str) -> None:
    """One object on standard output, of the first rank alone; the line on standard error is there as well."""
    done = program("raise ValueError('no number')", "--json", env={"RANK": rank})
    assert (done.returncode, done.stderr) == (2, b"it.py: error: no number\n")
    assert done.stdout == (b'{"error": "no number", "status": 2}\n' if rank == "0" else b"")


def test_json_has_no_infinity_and_no_nan() -> None:
    """Whatever is in the document."""
    document = "{'a': [1e999, (-1e999, float('nan'))]}"
    done = program(f"from support.json_documents import print_json; print_json({document}); return 0")
    assert json.loads(done.stdout, parse_constant=pytest.fail) == {"a": ["inf", ["-inf", "nan"]]}


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
@pytest.mark.parametrize("size", [1, 100_000])
def test_a_full_disk_is_one_line_and_status_74(size: int) -> None:
    """At the first write or at the last, which would otherwise be a second error at the exit."""
    with Path("/dev/full").open("wb") as full:
        done = program(f"print('x' * {size}); return 0", stdout=full)
    assert done.returncode == 74
    assert done.stderr == b"it.py: error: the output was not written: No space left on device\n"


def test_a_closed_output_is_one_line_and_status_74() -> None:
    """As of `it.py >&-`: what was found is not lost in silence; what prints nothing succeeds."""
    closed = {"stdout": None, "preexec_fn": lambda: os.close(1)}
    done = program("print('agrees'); return 0", **closed)
    assert (done.returncode, done.stderr) == (74, b"it.py: error: standard output: Bad file descriptor\n")
    assert program("return 0", **closed).returncode == 0


def test_a_file_never_takes_the_place_of_a_closed_output(tmp_path: Path) -> None:
    """The first file that is opened would get the number of standard output, and what is printed to it."""
    body = f"open({str(tmp_path / 'a')!r}, 'w'); import os; os.write(1, b'lost'); return 0"
    program(body, stdout=None, preexec_fn=lambda: os.close(1))
    assert (tmp_path / "a").read_bytes() == b""


def test_a_closed_standard_error_costs_nothing() -> None:
    """The status says what the line cannot."""
    done = program("raise ValueError('no number')", stderr=None, preexec_fn=lambda: os.close(2))
    assert done.returncode == 2


def test_a_pipe_that_nobody_reads_ends_in_silence() -> None:
    """As of `it.py | head -1`: the status is what a shell says of SIGPIPE."""
    read, write = os.pipe()
    os.close(read)
    done = program("print('x'); return 0", stdout=write)
    os.close(write)
    assert (done.returncode, done.stderr) == (141, b"")


@pytest.mark.parametrize("encoding", ["ascii", "cp1252", "cp437", "utf-8"])
def test_a_terminal_of_any_encoding_gets_the_report(encoding: str) -> None:
    """Characters that it cannot show are replaced; the status stands."""
    done = program("print('∂SSR/∂w3 −2 agrees'); return 1", env={"PYTHONIOENCODING": encoding})
    assert done.returncode == 1
    assert done.stdout.endswith(b" agrees\n")


@pytest.mark.skipif(os.name != "posix", reason="signals of a Unix system")
def test_ctrl_c_ends_a_program_by_the_signal() -> None:
    """In silence: a shell's loop over several programs ends with it."""
    # Of what a shell runs in the background, this suite perhaps, it lets Ctrl-C be ignored.
    heard = "import signal, time\nsignal.signal(signal.SIGINT, signal.default_int_handler)\n"
    main = "def main(argv):\n    print('ready', flush=True); time.sleep(60)\nrun(main)"
    code = f"{START}{heard}{main}"
    environment = {**os.environ, "PYTHONPATH": str(SCRIPTS)}
    with subprocess.Popen(
        [sys.executable, "-c", code], env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdout
        assert process.stdout.readline() == b"ready\n"
        time.sleep(0.05)
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=30)
    assert (process.returncode, errors) == (-signal.SIGINT, b"")
