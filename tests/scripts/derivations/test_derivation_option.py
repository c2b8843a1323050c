"""compare_gradients.py --derivation, as a user runs it, and the counterexample that it writes."""

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest

import compare_gradients
from counterexamples import run_afresh
from support import ending

RIGHT = ["--derivation", "homework:derivation", "--model", "homework:network"]
WRONG = ["--derivation", "homework:wrong_derivation", "--model", "homework:network"]


@pytest.fixture
def script(capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, str, str]]:
    """Run the script in this process, through its own entry point."""

    def run(*arguments: str) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as stop:
            ending.run(lambda _: compare_gradients.main(arguments))
        return stop.value.code, *capsys.readouterr()

    return run


@pytest.mark.slow
def test_a_right_derivation_is_agreement_and_status_0(script: Callable) -> None:
    """The report of the library, on standard output."""
    status, told, errors = script(*RIGHT)
    assert (status, errors) == (0, "")
    assert told.startswith("AGREEMENT: 7 gradients, 76 elements, all within rounding (float64)\nleast sharp")
    assert script(*RIGHT, "--dtype", "float32")[0] == 0
    assert json.loads(script(*RIGHT, "--json")[1])["agree"] is True


@pytest.mark.slow
def test_a_wrong_derivation_is_a_report_and_status_1(script: Callable) -> None:
    """With the first wrong link and the diagnosis."""
    status, out, err = script(*WRONG)
    assert (status, err) == (1, "")
    assert "first wrong link, from the loss backwards: hidden" in out
    assert "derivative missing" in out
    assert json.loads(script(*WRONG, "--json")[1])["first_wrong"] == "hidden"


@pytest.mark.slow
def test_a_loop_over_three_observations_is_told(script: Callable, tmp_path: Path) -> None:
    """It agrees with the lesson's three, and with three only."""
    status, out, _ = script("--derivation", "unruly:three_only")
    assert (status, out.splitlines()[2:]) == (
        0,
        ["with 4 observations instead of 3 it is wrong: is the number written in it, as in range(3)?"],
    )
    document = json.loads(script("--derivation", "unruly:three_only", "--json")[1])
    assert document["remarks"] == out.splitlines()[2:]
    assert script("--derivation", "unruly:right")[1].count("\n") == 2


@pytest.mark.slow
def test_a_homework_in_the_textbooks_form_is_not_blamed_for_its_overflow(script: Callable) -> None:
    """Of six random networks three are beyond it: they are left out, and judged where they are asked for."""
    homework = ["--derivation", "unruly:right", "--random", "6"]
    status, out, _ = script(*homework)
    assert status == 0
    assert "at all 3 random networks of seed 0\nleft out: 3 at which the textbook's log(1 + exp(x))" in out
    status, out, _ = script(*homework, "--case", "0")
    assert status == 1
    assert "At this network the textbook's log(1 + exp(x)) overflows" in out
    assert script("--derivation", "unruly:wrong_sign", "--random", "6")[0] == 1


def test_loss_and_inputs_may_come_by_themselves(script: Callable) -> None:
    """The model from one name, the loss from torch, the data from a third name."""
    arguments = ["--model", "homework:Classifier", "--loss", "homework:loss", "--examples", "homework:data"]
    assert script("--derivation", "homework:derivation", *arguments)[0] == 0


ERRORS = {
    "no derivation": (RIGHT[2:], "--derivation: expected it beside --model, found none"),
    "a loss without a model": (
        ["--derivation", "homework:derivation", "--loss", "homework:loss"],
        "--model: expected it beside --loss, found none",
    ),
    "the lesson's data beside a model": (
        [*RIGHT, "--data", "mine.csv"],
        "--data: it is the lesson's network's, not one of --model",
    ),
    "truth": ([*RIGHT, "--truth"], "--truth: the report on --derivation says who is wrong by itself"),
    "no time": (
        [*RIGHT, "--timeout", "0"],
        "--timeout: expected a number above 0 and at most 1e+06, found '0'",
    ),
    "no colon": (
        ["--derivation", "homework", *RIGHT[2:]],
        "--derivation: expected homework.py:by_hand or package.module:attribute, found 'homework'",
    ),
    "no module": (
        ["--derivation", "nowhere:f", *RIGHT[2:]],
        "--derivation: cannot import nowhere: ModuleNotFoundError: No module named 'nowhere'",
    ),
    "no attribute": (
        ["--derivation", "homework:f", *RIGHT[2:]],
        "--derivation: module homework has no attribute 'f'",
    ),
    "no function": (
        ["--derivation", "homework:__doc__", *RIGHT[2:]],
        "expected homework:__doc__ to be a function, found str",
    ),
    "wrong signature": (
        ["--derivation", "homework:wrong_signature", *RIGHT[2:]],
        "expected homework:wrong_signature to take (parameters, inputs, targets): too many positional",
    ),
    "no module made": (
        [*RIGHT[:2], "--model", "homework:data"],
        "expected homework:data to make a torch.nn.Module, found Tensor",
    ),
    "no loss": ([*RIGHT[:2], "--model", "homework:Classifier"], "--loss: expected a name"),
    "no inputs": (
        [*RIGHT[:2], "--model", "homework:Classifier", "--loss", "homework:loss"],
        "--examples: expected (inputs, targets)",
    ),
}


@pytest.mark.sample(3)
@pytest.mark.parametrize(("arguments", "message"), ERRORS.values(), ids=ERRORS)
def test_a_mistake_in_the_options_is_one_clear_line(
    script: Callable, arguments: list[str], message: str
) -> None:
    """Exit status 2, and nothing on standard output."""
    status, out, err = script(*arguments)
    assert (status, out) == (2, "")
    assert message in err
    assert err.count("\n") == 1


def test_a_model_that_fails_is_the_users_code(script: Callable) -> None:
    """Exit status 3, as from python -m torch_reference; no bug of this program's."""
    status, out, err = script(*RIGHT[:2], "--model", "homework:broken_network")
    assert (status, err) == (3, "")
    assert "model and loss: raises an error\n    NameError: name 'not_there' is not defined" in out


@pytest.mark.slow
def test_the_edit_alone_is_printed_and_the_chain_drawn(script: Callable, tmp_path: Path) -> None:
    """As python -m torch_reference does: the same code tells them."""
    pytest.importorskip("matplotlib")
    picture = tmp_path / "chain.png"
    wrong = ["--derivation", "unruly:wrong_sign"]
    status, out, _ = script(*wrong, "--fix", "--plot", str(picture))
    assert status == 1
    assert "-    return {name: -value for" in out
    assert "+    return {name: value for" in out
    assert out.startswith("--- a/")
    assert picture.exists()
    assert "--derivation: expected it beside --fix, found none" in script("--fix")[2]


def test_what_is_no_mapping_is_the_users_code(script: Callable) -> None:
    """Exit status 3; what it has printed is shown as well, for its author looks for the mistake there."""
    begin = "a derivation must return a mapping name -> tensor, found"
    for name, found in (("homework:returns_a_list", "list"), ("unruly:nothing", "nothing: does it return?")):
        status, out, err = script("--derivation", name, *(RIGHT[2:] if found == "list" else []))
        assert (status, out) == (3, "")
        assert err.endswith(f"error: {name}: {begin} {found}\n")
    assert err.startswith("unruly:nothing printed:\nhere I am\n")


def test_a_factory_that_fails_is_the_users_code(script: Callable) -> None:
    """Exit status 3, with the file and the line in which it failed."""
    status, out, err = script(*RIGHT[:2], "--model", "homework:broken_factory")
    assert (status, out) == (3, "")
    assert re.search(r"--model: homework:broken_factory\(\) failed: homework.py, line \d+: RuntimeError", err)


@pytest.mark.slow
def test_the_counterexample_is_written_whole_and_reproduces_the_failure_in_a_fresh_process(
    script: Callable, tmp_path: Path
) -> None:
    """Status 1 and the same first wrong link, from a process that knows the script alone."""
    path = tmp_path / "counterexample.py"
    status, _, err = script(*WRONG, "--counterexample", str(path))
    assert (status, err) == (1, f"a small counterexample is in {path}\n")
    assert [file.name for file in tmp_path.iterdir()] == ["counterexample.py"]
    assert "0x1." in path.read_text()
    done = run_afresh(path)
    assert done.returncode == 1, done.stderr
    assert "first wrong link, from the loss backwards: hidden" in done.stdout


def test_no_file_is_written_where_all_agrees(script: Callable, tmp_path: Path) -> None:
    """There is nothing to reproduce."""
    assert script(*RIGHT, "--counterexample", str(tmp_path / "none.py"))[0] == 0
    assert not list(tmp_path.iterdir())
