"""python -m torch_reference: the same report, one JSON object, and an exit status for each end."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from torch_reference.__main__ import main

MINE = """
import torch
from torch import nn

def inputs():
    print("made")
    return (torch.linspace(-2, 2, 6).reshape(2, 3),)

def by_keyword():
    return {"x": inputs()[0], "ways": []}

def alone():
    return ({"x": inputs()[0]},)

def forward(x):
    return x.tanh(), x.tanh()

def right_backward(y, g):
    return g * (1 - y * y)

right = forward, right_backward
def wrong_backward(y, g):
    return g * (1 - y)

wrong = forward, wrong_backward
fails = forward, lambda y, g: missing_name
ends = forward, lambda y, g: __import__("os")._exit(0)
plain = torch.tanh
by_name = lambda x: x.tanh()

def of_a_dict(inputs):
    return inputs["x"].tanh()

def model():
    torch.manual_seed(0)
    return nn.Linear(3, 1), lambda out, t: out.sum(), torch.ones(2, 3), None

def by_hand(parameters, x, _):
    return {"weight": x.sum(0, keepdim=True), "bias": torch.full((1,), 2.0)}
"""


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder with a module of the user's."""
    (tmp_path / "mine_of_the_shell.py").write_text(MINE, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "mine_of_the_shell", raising=False)


def names(*arguments: str) -> list[str]:
    """The arguments, with the module's name."""
    return [each.replace("mine", "mine_of_the_shell") for each in arguments]


REST = ("--reference", "mine:plain", "--inputs", "mine:inputs")
ENDS = [
    (("mine:right", *REST), 0, "AGREEMENT: 1 output and 1 gradient, 12 elements"),
    (("mine:wrong", *REST), 1, "MISMATCH: 1 of 1 gradients differ"),
    (("mine:fails", *REST), 3, "NameError: name 'missing_name' is not defined"),
    (("mine:ends", *REST), 3, "os._exit(0) would end the check without a report"),
    (("--model", "mine:model", "--derivation", "mine:by_hand"), 0, "AGREEMENT: 2 gradients"),
]


@pytest.mark.sample(2)
@pytest.mark.parametrize(("arguments", "status", "told"), ENDS)
def test_each_end_has_its_status(
    arguments: tuple[str, ...], status: int, told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """And standard output is the report alone, or one JSON object."""
    assert main(names(*arguments)) == status
    out = capsys.readouterr().out
    assert told in out
    assert "made" not in out
    assert main([*names(*arguments), "--json"]) == status
    assert json.loads(capsys.readouterr().out)["agree"] is (status == 0)


def test_a_dict_of_inputs_is_keywords(capsys: pytest.CaptureFixture[str]) -> None:
    """Of the function and of the check; one in a tuple is an input itself."""
    given = names("mine:of_a_dict", "--reference", "mine:of_a_dict", "--inputs")
    assert main([*given, *names("mine:by_keyword")]) == 3
    assert "unexpected keyword argument 'x'" in capsys.readouterr().out
    assert main([*given, *names("mine:alone")]) == 0
    assert "ways of calling" in capsys.readouterr().out
    assert main(names("mine:right", "--reference", "mine:by_name", "--inputs", "mine:by_keyword")) == 0
    assert "ways of calling" not in capsys.readouterr().out


EXPECTED = "function: expected homework.py:by_hand or package.module:attribute"


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (("mine:right",), "--inputs: expected it beside a function, found none"),
        (
            ("no:f", *REST),
            "function: cannot import no: ModuleNotFoundError: No module named 'no'",
        ),
        (("mine:nothing", *REST), "function: module mine_of_the_shell has no attribute 'nothing'"),
        (
            ("mine", *REST),
            "function: expected homework.py:by_hand or package.module:attribute, found 'mine_of_the_shell'",
        ),
    ],
)
def test_a_mistake_in_the_options_is_one_line_and_2(
    arguments: tuple[str, ...], line: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """On standard error; nothing is printed as a report."""
    assert main(names(*arguments)) == 2
    out, err = capsys.readouterr()
    assert (out, err) == ("", f"error: {line}\n")


def test_it_runs_as_a_module() -> None:
    """In a process of its own."""
    done = subprocess.run(
        [sys.executable, "-m", "torch_reference", *names("mine:wrong", *REST)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert done.stdout.startswith("MISMATCH")


def test_the_edit_alone_is_what_git_apply_takes(capsys, tmp_path: Path) -> None:
    """Standard output is a diff and nothing else; of what no edit mends, it is empty."""
    assert main(names("mine:wrong", *REST, "--fix")) == 1
    diff = capsys.readouterr().out
    subprocess.run(["git", "apply", "-"], cwd=tmp_path, input=diff, text=True, check=True)
    assert "g * (1 - y ** 2)" in (tmp_path / "mine_of_the_shell.py").read_text(encoding="utf-8")
    assert main(names("mine:fails", *REST, "--fix")) == 3
    nothing = capsys.readouterr()
    assert nothing.out == ""
    assert "no single edit is known" in nothing.err


@pytest.mark.slow
def test_the_chain_is_drawn_where_there_is_one(capsys, tmp_path: Path) -> None:
    """A picture of a mismatch; one line where there is nothing to draw, and the same exit status."""
    pytest.importorskip("matplotlib")
    assert main(names("mine:wrong", *REST, "--plot", "chain.png")) == 1
    assert (tmp_path / "chain.png").stat().st_size > 1000
    assert main(names("mine:right", *REST, "--plot", "none.png")) == 0
    assert "there is no chain to draw" in capsys.readouterr().err
    assert not (tmp_path / "none.png").exists()
