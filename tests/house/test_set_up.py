"""scripts/run sets up .venv when it must, and otherwise just runs the command; Python is pretended."""

import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

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

    def start(self, *command: str, fake: str = "", **environment: str) -> subprocess.Popen[str]:
        """Start scripts/run; a process group of its own lets the pretended Python kill the whole set-up."""
        path = f"{self.tools}:{os.environ['PATH']}"
        return subprocess.Popen(
            [self.root / "scripts/run", *command],
            env={"PATH": path, "LOG": str(self.tools / "log"), "FAKE": fake} | environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def run(self, *command: str, fake: str = "", **environment: str) -> tuple[int, str, str]:
        """Run scripts/run; exit status, standard output, standard error."""
        process = self.start(*command, fake=fake, **environment)
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


@pytest.fixture
def checkout(tmp_path: Path) -> Checkout:
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


FRESH = ["venv", "install torch==2.13.0"]
AGAIN = ["install torch==2.13.0"]


def test_the_first_call_sets_up_and_the_second_does_not(checkout: Checkout) -> None:
    """One set-up serves every later call, which prints nothing of its own."""
    assert checkout.run("true")[0] == 0
    assert checkout.made() == FRESH
    assert checkout.run("true") == (0, "", "")
    assert checkout.made() == []


def test_standard_output_belongs_to_the_command(checkout: Checkout) -> None:
    """The set-up tells its progress on standard error, without pip's chatter."""
    status, output, errors = checkout.run("echo", "data")
    assert (status, output) == (0, "data\n")
    assert "scripts/run: making .venv" in errors
    assert "  Downloading torch.whl (190.4 MB)\n" in errors
    assert "Collecting" not in errors


def test_the_command_runs_inside_the_environment_where_the_user_is(checkout: Checkout) -> None:
    """PATH begins with .venv/bin, VIRTUAL_ENV is set, and the working folder stays."""
    _, output, _ = checkout.run("sh", "-c", 'command -v python; echo "$VIRTUAL_ENV"; pwd')
    venv = checkout.root / ".venv"
    assert output.splitlines() == [f"{venv}/bin/python", str(venv), str(Path.cwd())]


@pytest.mark.parametrize("status", [0, 1, 2, 42])
def test_the_exit_status_of_the_command_is_passed_on(checkout: Checkout, status: int) -> None:
    """A mismatch (1) or bad input (2) reaches the caller."""
    assert checkout.run("sh", "-c", f"exit {status}")[0] == status


def test_arguments_survive_as_they_are(checkout: Checkout) -> None:
    """Spaces, stars, quotes and empty arguments are not expanded or split."""
    arguments = ["two words", "*", "", 'a "quote"', "$HOME"]
    _, output, _ = checkout.run("printf", "%s\\n", *arguments)
    assert output.splitlines() == arguments


@pytest.mark.parametrize("arguments", [[], ["--help"]])
def test_without_a_command_the_usage_is_one_line(checkout: Checkout, arguments: list[str]) -> None:
    """Nothing is set up for a call that has nothing to run."""
    status, output, errors = checkout.run(*arguments)
    assert (status, output, errors.count("\n")) == (2, "", 1)
    assert errors.startswith("usage: ./scripts/run COMMAND")
    assert checkout.made() == []


@pytest.mark.parametrize(
    ("fake", "python", "line"),
    [
        ("old", "python3", "Python 3.11 or newer is needed, python3 is Python 3.9.2"),
        ("no-venv", "python3", "python3 comes without venv and pip"),
        ("", "no-such-python", "no-such-python not found; Python 3.11 or newer is needed"),
    ],
)
def test_an_unfit_python_is_told_in_one_line(checkout: Checkout, fake: str, python: str, line: str) -> None:
    """Nothing is made, and the command does not run."""
    status, output, errors = checkout.run("echo", "data", fake=fake, PYTHON=python)
    assert (status, output, errors.count("\n")) == (125, "", 1)
    assert errors.startswith(f"scripts/run: {line}")
    assert checkout.made() == []


def test_a_failed_install_says_why_and_is_tried_again(checkout: Checkout) -> None:
    """The message of pip is shown with its explanation, and a failure is not taken for a set-up."""
    status, _, errors = checkout.run("true", fake="failing")
    assert status == 125
    assert "ERROR: no such version\n" in errors
    assert "because of this\n" in errors
    assert "Collecting" not in errors
    assert checkout.made() == FRESH
    assert checkout.run("true")[0] == 0
    assert checkout.made() == AGAIN


@pytest.mark.parametrize(("moment", "repair"), [("killed-in-venv", FRESH), ("killed", AGAIN)])
def test_a_killed_set_up_is_repaired_by_the_next_call(
    checkout: Checkout, moment: str, repair: list[str]
) -> None:
    """Killed while venv or pip works, the set-up goes on where it can."""
    assert checkout.run("true", fake=moment)[0] == -9
    checkout.made()
    assert checkout.run("true")[0] == 0
    assert checkout.made() == repair


def test_a_half_installed_package_is_installed_again(checkout: Checkout) -> None:
    """Metadata without INSTALLER is removed, which pip would take for a complete package."""
    checkout.run("true", fake="killed")
    half = checkout.put_package("pytest-9.2.0", complete=False)
    whole = checkout.put_package("rich-15.0.0")
    checkout.run("true")
    assert (half.exists(), whole.exists()) == (False, True)


@pytest.mark.parametrize("name", ["pyproject.toml", "scripts/constraints.txt"])
def test_a_changed_file_installs_again_into_the_same_environment(checkout: Checkout, name: str) -> None:
    """New pins or extras reach an existing .venv, which is not made anew."""
    checkout.run("true")
    checkout.made()
    with (checkout.root / name).open("a") as file:
        file.write("# changed\n")
    checkout.run("true")
    assert checkout.made() == AGAIN


def test_a_moved_checkout_is_set_up_again(checkout: Checkout) -> None:
    """The commands in .venv/bin name the folder where they were installed."""
    checkout.run("true")
    checkout.put_package("torch-2.13.0+cpu")
    checkout.made()
    checkout.root = checkout.root.rename(checkout.root.with_name("moved"))
    assert checkout.run("true")[0] == 0
    assert checkout.made() == FRESH


def test_the_torch_of_the_user_is_kept(checkout: Checkout) -> None:
    """A torch that stood in .venv before the set-up stays, also when the pins change."""
    checkout.make_own_venv()
    checkout.put_package("torch-2.14.0+cu130")
    checkout.run("true")
    assert checkout.made() == ["install torch==2.14.0+cu130"]
    (checkout.root / "scripts/constraints.txt").write_text("torch==2.15.0\n")
    checkout.run("true")
    assert checkout.made() == ["install torch==2.14.0+cu130"]


def test_the_torch_of_the_set_up_follows_the_pin(checkout: Checkout) -> None:
    """An existing checkout does not stay behind with the torch of its first day."""
    checkout.run("true")
    checkout.put_package("torch-2.13.0+cpu")
    checkout.made()
    (checkout.root / "scripts/constraints.txt").write_text("torch==2.15.0\n")
    checkout.run("true")
    assert checkout.made() == ["install torch==2.15.0"]


def test_a_moved_environment_with_the_torch_of_the_user_is_not_removed(checkout: Checkout) -> None:
    """To make .venv again would lose a build that only the user knows how to get."""
    checkout.make_own_venv()
    checkout.put_package("torch-2.14.0+cu130")
    checkout.run("true")
    checkout.root = checkout.root.rename(checkout.root.with_name("moved"))
    status, _, errors = checkout.run("true")
    assert status == 125
    assert "its torch 2.14.0+cu130 is yours: remove .venv" in errors
    assert list(checkout.root.glob(".venv/lib/*/site-packages/torch-*"))


@pytest.mark.skipif(shutil.which("flock") is None, reason="the lock needs flock")
def test_two_first_calls_at_once_set_up_once(checkout: Checkout) -> None:
    """The second call waits for the first, and finds the work done."""
    calls = [checkout.start("echo", "data", fake="slow") for _ in range(2)]
    outputs = [call.communicate(timeout=10)[0] for call in calls]
    assert outputs == ["data\n", "data\n"]
    assert checkout.made() == FRESH
