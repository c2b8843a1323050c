"""scripts/run sets up .venv on the first call, and otherwise just runs the command; Python is pretended."""

import shutil
from pathlib import Path

import pytest

from pretended_checkout import FRESH, Checkout


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


def test_a_program_needs_no_word_before_it(checkout: Checkout) -> None:
    """./scripts/run scripts/train.py runs the file, which is not executable, by the environment's python."""
    program = checkout.root / "scripts/train.py"
    program.touch()
    status, _, errors = checkout.run(str(program), "--wrt", "all")
    assert (status, errors.splitlines()[-1]) == (99, f"unexpected: {program} --wrt all")  # as python is asked


@pytest.mark.parametrize("shell", [["sh"], ["bash"], ["bash", "--posix"], ["zsh"]], ids=" ".join)
def test_any_shell_may_be_asked_to_run_it(checkout: Checkout, shell: list[str]) -> None:
    """`sh scripts/run` goes on in bash, and where sh is bash, out of its POSIX mode."""
    if not shutil.which(shell[0]):
        pytest.skip(f"no {shell[0]}")
    status, output, errors = checkout.run("echo", "two words", by=shell)
    assert (status, output) == (0, "two words\n")
    assert "scripts/run: making .venv" in errors
    assert checkout.made() == FRESH


def test_an_environment_whose_python_does_not_start_is_one_line(checkout: Checkout) -> None:
    """Python itself would end with 1, which is a mismatch: the Python that .venv was made of is gone."""
    checkout.run("true")
    (checkout.root / ".venv/bin/python").write_text("#!/bin/sh\necho Fatal Python error; exit 1\n")
    program = checkout.root / "x.py"
    program.touch()
    for command in (["python", "x.py"], [str(checkout.root / ".venv/bin/python3"), "x.py"], [str(program)]):
        status, output, errors = checkout.run(*command)
        assert (status, output, errors.count("\n")) == (125, "", 1)
        assert errors.startswith("scripts/run: .venv's python does not start: remove .venv")
