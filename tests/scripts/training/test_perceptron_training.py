"""scripts/train.py for perceptrons as a user runs it: data, verdict, log, mistakes."""

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

import train
from manual_backprop.losses import table as losses
from manual_backprop.losses.softmax_cross_entropy import CROSS_ENTROPY
from manual_backprop.optimisers import table as optimisers
from manual_backprop.optimisers.adam import adam
from perceptron_runs import SMALL, document, in_a_folder  # noqa: F401 (the folder of every test here)


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


@pytest.mark.slow
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
                CROSS_ENTROPY._replace(forward=losses.LOSSES["cross_entropy_mean"].forward),
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


@pytest.mark.slow
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
