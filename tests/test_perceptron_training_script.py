"""scripts/train.py for perceptrons as a user runs it: data, verdict, log, pictures, checkpoints, mistakes."""

import json
import os
import re
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
import train
from atomic import replacing
from perceptron_training import checkpoint

from manual_backprop import losses, optimisers
from manual_backprop.adam import adam

ROOT = Path(__file__).parent.parent
SMALL = ["--data", "iris", "--hidden", "5", "--standardise", "--batch-size", "16"]
CSV = "a,b,y,z,kind\n" + "".join(
    f"{k},{k * k % 7},{2 * k + 1},{(k % 5) / 5},{'odd' if k % 2 else 'even'}\n" for k in range(30)
)


@pytest.fixture(autouse=True)
def in_a_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every file that a test names lies in a folder of its own."""
    (tmp_path / "mine.csv").write_text(CSV)
    monkeypatch.chdir(tmp_path)


def document(capsys: pytest.CaptureFixture[str], *arguments: str) -> dict[str, Any]:
    """The JSON object of a run in this process, whose witnesses agree."""
    assert train.main([*arguments, "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def contents(path: str) -> dict[str, Any]:
    """What a checkpoint holds, without the checksum."""
    return torch.load(path, weights_only=True)


def same(one: Any, other: Any) -> bool:
    """Whether two documents hold the same bits."""
    if isinstance(one, torch.Tensor):
        return torch.equal(one, other)
    if isinstance(one, dict):
        return list(one) == list(other) and all(same(one[key], other[key]) for key in one)
    return one == other


def test_the_outcome_fits_80_columns_and_ends_with_the_verdict(capsys: pytest.CaptureFixture[str]) -> None:
    """What is trained, both witnesses' scores, what was judged, the drift, the agreement."""
    assert train.main([*SMALL, "--epochs", "4"]) == 0
    printed = capsys.readouterr()
    lines = [line.rstrip() for line in printed.out.splitlines()]
    assert printed.err == ""
    assert max(map(len, lines)) <= 80
    assert lines[0] == "Perceptron 4-5-3, relu, 43 parameters, float64 on cpu"
    assert lines[1] == "iris: 105 rows to train on, 15 for validation, 30 to test"
    assert "4 epochs, 28 steps: all epochs done" in lines
    by_hand, by_torch = (line.split()[-2:] for line in lines if line.startswith(("by hand  ", "torch.nn")))
    assert by_hand == by_torch
    assert lines[-1] == "AGREEMENT to within rounding: every link of every step."


def test_digits_are_learnt_in_lockstep(capsys: pytest.CaptureFixture[str]) -> None:
    """A 64-64-10 perceptron: both witnesses find the same test rows, far more than by chance."""
    arguments = ["--data=digits", "--hidden", "64", "--standardise", "--epochs", "3", "--check-every", "20"]
    found = document(capsys, *arguments, "--learning-rate", "0.005")
    assert found["widths"] == [64, 64, 10]
    assert found["classes"] == [str(digit) for digit in range(10)]
    assert found["manual"]["accuracy"] == found["reference"]["accuracy"] > 0.9
    assert (found["steps"], found["steps_judged"]) == (120, 6)
    # Less than a rate that is off by 1e-9 would make in Adam's first step, which is the rate in each number.
    assert found["largest_drift"] < 0.005 * 1e-9


@pytest.mark.parametrize(
    ("arguments", "widths", "loss"),
    [
        (["--outputs", "y,z", "--inputs", "a,b"], [2, 3, 2], "mean_squared_error"),
        (["--class", "kind", "--inputs", "b,a,y"], [3, 3, 2], "cross_entropy_mean"),
        (["--class", "kind", "--loss", "cross_entropy_sum"], [4, 3, 2], "cross_entropy_sum"),
        (["--outputs", "z", "--inputs", "a", "--loss", "binary_cross_entropy_mean"], [1, 3, 1], None),
        (["--outputs", "y", "--inputs", "a", "--dtype", "float32", "--loss", "ssr"], [1, 3, 1], "ssr"),
        (["--inputs", "a,b,y", "--outputs", "z", "--hidden", ""], [3, 1], "mean_squared_error"),
    ],
)
def test_any_numeric_csv_is_taken(
    arguments: list[str], widths: list[int], loss: str | None, capsys: pytest.CaptureFixture[str]
) -> None:
    """Several inputs, several outputs or a class column, chosen by name; the loss by the kind of target."""
    found = document(capsys, "--data", "mine.csv", "--hidden", "3", "--epochs", "1", *arguments)
    assert found["widths"] == widths
    assert found["loss"] == (loss or "binary_cross_entropy_mean")
    assert found["rows"] == {"training": 21, "validation": 3, "test": 6}


def test_standardising_uses_the_training_rows_and_survives_a_constant_column(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Without it, inputs of a million would saturate the sigmoid."""
    Path("far.csv").write_text("x,c,y\n" + "".join(f"{1e6 + k},7,{k}\n" for k in range(20)))
    arguments = ["--data", "far.csv", "--outputs", "y", "--hidden", "4", "--activation", "sigmoid"]
    found = document(capsys, *arguments, "--epochs", "30", "--learning-rate", "0.1", "--standardise")
    assert found["manual"]["loss"] < 0.2
    assert found["inputs"] == ["x", "c"]


@pytest.mark.parametrize(
    ("plant", "words"),
    [
        (
            lambda patch: patch.setitem(
                optimisers.OPTIMISERS, "adam", lambda *a, **k: adam(*a, **{**k, "epsilon": 1.1e-8})
            ),
            r"step 0, after the update, \d\.weight: differs by",
        ),
        (
            lambda patch: patch.setitem(
                losses.LOSSES,
                "cross_entropy_mean",
                losses.CROSS_ENTROPY._replace(forward=losses.LOSSES["cross_entropy_mean"].forward),
            ),
            r"step 0, d_loss_d_2\.output: differs by",
        ),
    ],
)
def test_a_planted_mistake_ends_with_status_1_and_its_link(
    plant: Callable[[pytest.MonkeyPatch], None],
    words: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Another ε in Adam; a mean whose derivative is the sum's."""
    plant(monkeypatch)
    assert train.main([*SMALL, "--epochs", "1"]) == 1
    printed = " ".join(capsys.readouterr().out.split())
    assert re.search(rf"MISMATCH, first at {words}", printed), printed


def killed_after_its_first_checkpoint(arguments: list[str], path: Path) -> None:
    """Run the script in a fork, for a new process would import torch for seconds, and kill it by SIGKILL."""
    child = os.fork()
    if not child:
        try:
            os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
            train.main(arguments)
        finally:
            os._exit(0)
    while not path.exists() and os.waitpid(child, os.WNOHANG) == (0, 0):
        time.sleep(0.001)
    os.kill(child, signal.SIGKILL)
    assert os.WTERMSIG(os.waitpid(child, 0)[1]) == signal.SIGKILL


# From Python 3.12 on a fork warns of the test runner's own threads.
@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")
@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs a system with fork")
def test_a_run_that_is_killed_and_resumed_ends_with_the_same_bits() -> None:
    """Parameters, memories, torch's own run, counts, the best and the log are those of an unbroken run."""
    arguments = [*SMALL, "--patience", "900", "--epochs"]
    killed, whole = (["--checkpoint", f"{n}.pt", "--log", f"{n}.jsonl"] for n in ("killed", "whole"))
    killed_after_its_first_checkpoint([*arguments, "1000", *killed], Path("killed.pt"))
    reached = contents("killed.pt")["point"]["epoch"]
    assert 0 < reached < 998
    arguments.append(str(reached + 2))
    assert train.main([*arguments, *killed, "--resume"]) == 0
    assert train.main([*arguments, *whole]) == 0
    assert same(contents("killed.pt"), contents("whole.pt"))
    assert Path("killed.jsonl").read_text() == Path("whole.jsonl").read_text()


@pytest.mark.parametrize("optimiser", [["--optimiser", "gradient_descent", "--momentum", "0.9"], []])
def test_early_stopping_goes_on_where_it_was(
    optimiser: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    """The patience counts over the interruption, and the best epoch is found again."""
    arguments = [*SMALL, *optimiser, "--learning-rate", "0.3", "--patience", "3", "--epochs"]
    whole = document(capsys, *arguments, "40")
    assert whole["stopped"] == "no lower validation loss for 3 epochs"
    assert whole["epochs"] == whole["best_epoch"] + 3 < 40
    document(capsys, *arguments, str(whole["epochs"] - 1), "--checkpoint", "part.pt")
    resumed = document(capsys, *arguments, "40", "--checkpoint", "part.pt", "--resume")
    for found in (whole, resumed):
        found.pop("seconds")
    assert resumed == whole


def write_half(path: Path) -> None:
    """Begin to replace a file, and fail."""
    with replacing(path) as part:
        part.write_bytes(b"half")
        raise OSError("the disk is full")


def test_a_checkpoint_is_replaced_whole_or_not_at_all() -> None:
    """A failure while the new one is written leaves the old one, and nothing beside it."""
    path = Path("run.pt")
    checkpoint.save(path, {"made_for": {}, "epoch": 1})
    before = path.read_bytes()
    with pytest.raises(AttributeError):
        checkpoint.save(path, {"made_for": {}, "epoch": lambda: 2})
    with pytest.raises(OSError, match="full"):
        write_half(path)
    assert path.read_bytes() == before
    assert sorted(p.name for p in Path().iterdir()) == ["mine.csv", "run.pt"]


def test_a_file_is_on_the_disk_before_it_takes_the_name(monkeypatch: pytest.MonkeyPatch) -> None:
    """Else a power cut could leave the new name with half of the content."""
    order = []
    real = os.fsync
    monkeypatch.setattr(os, "fsync", lambda d: (order.append(Path("it").exists()), real(d)))
    with replacing(Path("it")) as part:
        part.write_text("all of it")
    assert order == [False, True]  # the content before the rename, the folder after it


class Planted:
    """What runs when a pickle that holds it is loaded."""

    def __reduce__(self) -> tuple[object, tuple[str]]:
        """Make a folder."""
        return os.mkdir, ("it-ran",)


def damaged(kind: str) -> bytes:
    """A checkpoint with something wrong."""
    whole = Path("good.pt").read_bytes()
    if kind in ("truncated", "empty", "text"):
        return {"truncated": whole[: len(whole) // 2], "empty": b"", "text": b"no checkpoint"}[kind]
    content = contents("good.pt")
    content["point"]["parameters"]["0.weight"].view(-1)[0] += 1e-9
    torch.save({"flipped": content, "other": {"a": 1}, "code": {"format": Planted()}}[kind], "other.pt")
    return Path("other.pt").read_bytes()


@pytest.mark.parametrize(
    ("kind", "message"),
    [
        ("truncated", "truncated, or not a checkpoint"),
        ("text", "truncated, or not a checkpoint"),
        ("empty", "truncated, or not a checkpoint"),
        ("code", "truncated, or not a checkpoint"),
        ("other", "not a checkpoint of this program"),
        ("flipped", "damaged, its content is not what was written"),
    ],
)
def test_a_damaged_checkpoint_is_one_line_and_stays_as_it_is(kind: str, message: str) -> None:
    """Nothing in it runs, and neither it nor the log is touched."""
    train.main([*SMALL, "--epochs", "1", "--checkpoint", "good.pt"])
    Path("bad.pt").write_bytes(damaged(kind))
    before = Path("bad.pt").read_bytes()
    Path("log.jsonl").write_text("what was logged\n")
    with pytest.raises(ValueError, match=message) as caught:
        train.main([*SMALL, "--checkpoint", "bad.pt", "--resume", "--log", "log.jsonl"])
    assert "\n" not in str(caught.value)
    assert Path("bad.pt").read_bytes() == before
    assert Path("log.jsonl").read_text() == "what was logged\n"
    assert not Path("it-ran").exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--hidden", "6"], r"another run: its widths is \[3, 5, 2\], expected \[3, 6, 2\]"),
        (["--activation", "tanh"], "its activations is"),
        (["--optimiser", "adamw"], "its optimiser is adam, expected adamw"),
        (["--learning-rate", "0.5"], "its settings is"),
        (["--seed", "1"], "of other data, or another split of them"),
        (["--standardise"], "of other data, or another split of them"),
        (["--data", "more.csv"], "the class 'both' was never seen by its run, which knows even, odd"),
        (["--data", "less.csv"], "of other data, or another split of them"),
    ],
)
def test_a_checkpoint_of_another_run_is_refused(arguments: list[str], message: str) -> None:
    """Another network, recipe, data set, split or a class that it has never seen."""
    Path("more.csv").write_text(CSV + "1,2,3,4,both\n" * 20)
    Path("less.csv").write_text("\n".join(CSV.splitlines()[:-1]))
    usual = ["--data", "mine.csv", "--class", "kind", "--inputs", "a,b,y", "--hidden", "5", "--epochs", "1"]
    train.main([*usual, "--checkpoint", "run.pt"])
    before = Path("run.pt").read_bytes()
    with pytest.raises(ValueError, match=message):
        train.main([*usual, *arguments, "--checkpoint", "run.pt", "--resume"])
    with pytest.raises(ValueError, match="exists already; --resume goes on from it"):
        train.main([*usual, "--checkpoint", "run.pt"])
    assert Path("run.pt").read_bytes() == before


@pytest.mark.parametrize(
    ("csv", "arguments", "message"),
    [
        ("a,y\n1,2\nx,3\n", [], "line 3: expected a finite number in column 'a', found 'x'"),
        ("a,y\n1,2\n1,nan\n", [], "line 3: expected a finite number in column 'y', found 'nan'"),
        ("a,y\n1,2\n1\n", [], "line 3: expected 2 columns, found 1"),
        ("a,a\n1,2\n", [], "the column 'a' is named twice"),
        ("1,2\n3,4\n", [], "expected a header of names, found numbers"),
        ("a,y\n", [], "expected a header and at least one row"),
        (CSV, ["--inputs", "q"], "mine.csv has no column 'q': the columns are a, b, y, z, kind"),
        (CSV, ["--inputs", "a,a", "--outputs", "y"], "--inputs: the column 'a' is named twice"),
        (CSV, ["--inputs", "a,y", "--outputs", "y"], "expected columns besides y, found ['y']"),
        (CSV, ["--outputs", "q"], "--outputs: mine.csv has no column 'q'"),
        (CSV, ["--class", "q"], "--class: mine.csv has no column 'q'"),
        (CSV, [], "in column 'kind', found 'even' (--class kind takes a column of classes)"),
        (CSV, ["--class", "kind", "--loss", "ssr"], "ssr does not fit classes; expected one of cross"),
        (CSV, ["--outputs", "y", "--inputs", "a", "--loss", "cross_entropy_sum"], "does not fit numbers"),
        (CSV, ["--outputs", "y", "--inputs", "a", "--loss", "binary_cross_entropy_sum"], "from 0 to 1"),
        (CSV, ["--class", "kind", "--validation", "0.6", "--test", "0.5"], "leave -3 of 30 rows"),
        (CSV + "1,1,1,1,rare\n", ["--class", "kind", "--seed", "5"], "the class 'rare' was never seen in"),
        ("a,k\n1,x\n2,x\n", ["--class", "k", "--test", "0"], "at least two classes to train on, found 1"),
        ("a,y\n1e300,2\n", ["--dtype", "float32", "--test", "0"], "in a overflows float32"),
        (CSV, ["--class", "kind", "--data", "none.csv"], "none.csv: No such file"),
        (CSV, ["--class", "kind", "--checkpoint", "no.pt", "--resume"], "no.pt: No such file"),
        (CSV, ["--class", "kind", "--checkpoint", "no/no.pt"], "no/no.pt: No such file"),
        (CSV, ["--class", "kind", "--log", "no/no.jsonl"], "--log no/no.jsonl: No such file"),
        (CSV, ["--class", "kind", "--plot", "mine.csv/x"], "--plot mine.csv/x: Not a directory"),
        (CSV, ["--class", "kind", "--device", "nonsense"], "no device 'nonsense'"),
    ],
)
def test_bad_data_is_one_clear_line(csv: str, arguments: list[str], message: str) -> None:
    """What was wrong, what was expected and what was found."""
    Path("mine.csv").write_text(csv)
    with pytest.raises(ValueError, match=re.escape(message)) as caught:
        train.main(["--data", "mine.csv", "--hidden", "3", "--epochs", "1", *arguments])
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--activation", "swish"], "unknown activation 'swish': the known ones are softplus"),
        (["--loss", "mse"], "unknown loss 'mse'"),
        (["--optimiser", "sgd"], "unknown optimiser 'sgd'"),
        (["--hidden", "8,x"], "expected a whole number of at least 1, found 'x'"),
        (["--epochs", "0"], "expected a whole number of at least 1, found '0'"),
        (["--seed", "-1"], "expected a whole number of at least 0, found '-1'"),
        (["--learning-rate", "0"], "expected a number above 0, found '0'"),
        (["--learning-rate", "fast"], "expected a number, found 'fast'"),
        (["--test", "1"], "expected a share from 0 to below 1, found '1'"),
        (["--resume"], "expected --checkpoint FILE as well"),
        (["--patience", "3", "--validation", "0"], "expected a --validation share above 0"),
        (["--momentum", "0.9"], "expected --optimiser gradient_descent, found adam"),
    ],
)
def test_a_bad_option_is_refused_by_the_parser(
    arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """One line on standard error, nothing on standard output, status 2."""
    with pytest.raises(SystemExit) as caught:
        train.main([*SMALL, *arguments])
    printed = capsys.readouterr()
    assert (caught.value.code, printed.out, printed.err.count("\n")) == (2, "", 1)
    assert message in printed.err


def test_the_log_holds_every_step_epoch_and_warning(capsys: pytest.CaptureFixture[str]) -> None:
    """JSON lines, as --plot draws them; a run that diverges says so in words and agrees all the same."""
    arguments = ["--optimiser", "gradient_descent", "--learning-rate", "1e200", "--hidden", "4"]
    assert train.main([*SMALL, *arguments, "--log", "run.jsonl", "--plot", "new/pictures"]) == 0
    lines = [json.loads(line) for line in Path("run.jsonl").read_text().splitlines()]
    steps = [line for line in lines if "gradient_norm" in line]
    assert [step["step"] for step in steps] == list(range(len(steps)))
    assert set(steps[0]["update_ratio"]) == {"0.weight", "0.bias", "2.weight", "2.bias"}
    assert {"learning rate", "not finite"} == {line["kind"] for line in lines if "kind" in line}
    printed = capsys.readouterr()
    assert "NaN or infinity, first in" in " ".join(printed.err.split())
    assert "diverged" in printed.out
    assert Path("new/pictures/training.png").read_bytes().endswith(b"IEND\xaeB`\x82")


def test_tensorboard_gets_the_same_figures() -> None:
    """Scalars by parameter and module, read back from the event file."""
    pytest.importorskip("tensorboard")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    assert train.main([*SMALL, "--epochs", "2", "--tensorboard", "board", "--log", "run.jsonl"]) == 0
    events = EventAccumulator("board")
    events.Reload()
    tags = set(events.Tags()["scalars"])
    assert tags >= {"loss", "gradient_norm/0.weight", "update_ratio/2.bias", "flat/1.output", "dead/1.output"}
    lines = [json.loads(line) for line in Path("run.jsonl").read_text().splitlines()]
    logged = [line["loss"] for line in lines if "gradient_norm" in line]
    # An event holds a float32.
    assert [event.value for event in events.Scalars("loss")] == torch.tensor(logged).tolist()
    assert "epoch/validation_accuracy" in tags


@pytest.mark.parametrize(
    ("module", "arguments", "extra"),
    [
        ("sklearn", [], "data"),
        ("tensorboard", ["--data", "mine.csv", "--class", "kind", "--tensorboard", "b"], "tensorboard"),
        ("matplotlib", ["--data", "mine.csv", "--class", "kind", "--plot", "p"], "plot"),
    ],
)
def test_a_missing_extra_is_named(
    module: str, arguments: list[str], extra: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Before any work is done."""
    for name in [name for name in sys.modules if name.partition(".")[0] == module]:
        monkeypatch.setitem(sys.modules, name, None)
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(ValueError, match=rf"\[{extra}\]"):
        train.main([*SMALL, *arguments])
