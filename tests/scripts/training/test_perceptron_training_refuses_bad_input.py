"""scripts/train.py for perceptrons on bad input: one clear line each, before any work is done."""

import re
import sys
from pathlib import Path

import pytest
import torch

import train
from manual_backprop import ACTIVATIONS, LOSSES, OPTIMISERS
from perceptron_runs import CSV, SMALL, in_a_folder  # noqa: F401 (the folder of every test here)
from torch_reference.optimisers import table as reference


@pytest.mark.parametrize(
    ("csv", "arguments", "message"),
    [
        (
            "a,y\n1,2\nx,3\n",
            [],
            "line 3, column 'a': expected a number, found 'x' (--class a takes a column of classes)",
        ),
        ("a,y\n1,2\n1,nan\n", [], "line 3, column 'y': expected a finite number, found 'nan'"),
        ("a,y\n1,2\n1\n", [], "line 3: expected 2 columns as in the header, found 1"),
        ("a,a\n1,2\n", [], "the column 'a' is named twice"),
        ("1,2\n3,4\n", [], "expected a header such as dosage,effectiveness, found numbers"),
        ("a,y\n", [], "expected at least one row below the header, found none"),
        (CSV, ["--inputs", "q"], "mine.csv has no column 'q': the columns are a, b, y, z, kind"),
        (CSV, ["--inputs", "a,a", "--outputs", "y"], "--inputs: the column 'a' is named twice"),
        (CSV, ["--inputs", "a,y", "--outputs", "y"], "expected columns besides y, found ['y']"),
        (CSV, ["--outputs", "q"], "--outputs: mine.csv has no column 'q'"),
        (CSV, ["--class", "q"], "--class: mine.csv has no column 'q'"),
        (CSV, [], "column 'kind': expected a number, found 'even' (--class kind takes a column of classes)"),
        (CSV, ["--class", "kind", "--loss", "ssr"], "ssr does not fit classes; expected one of cross"),
        (CSV, ["--outputs", "y", "--inputs", "a", "--loss", "cross_entropy_sum"], "does not fit numbers"),
        (CSV, ["--outputs", "y", "--inputs", "a", "--loss", "binary_cross_entropy_sum"], "from 0 to 1"),
        (CSV, ["--class", "kind", "--validation", "0.6", "--test", "0.5"], "leave -3 of 30 rows"),
        (CSV + "1,1,1,1,rare\n", ["--class", "kind", "--seed", "5"], "the class 'rare' was never seen in"),
        ("a,k\n1,x\n2,x\n", ["--class", "k", "--test", "0"], "at least two classes to train on, found 1"),
        ("a,y\n1,1e308\n2,3\n", ["--test", "0"], "the loss at the start overflows float64 on these data"),
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
        (
            ["--activation", "swish"],
            f"unknown activation 'swish': the known ones are {', '.join(ACTIVATIONS)}",
        ),
        (
            ["--activation", "layer_norm"],
            "layer_norm is a layer with parameters of its own; train.py's networks",
        ),
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


def test_a_setting_that_the_optimiser_does_not_take_is_one_clear_line(monkeypatch) -> None:
    """With those that it takes; without the option it trains."""

    def plain(parameters, gradients, state, *, learning_rate=0.1):
        return {name: value - learning_rate * gradients[name] for name, value in parameters.items()}, {}

    monkeypatch.setitem(OPTIMISERS, "plain", plain)
    monkeypatch.setitem(reference.OPTIMISERS, "plain", torch.optim.SGD)
    Path("mine.csv").write_text(CSV)
    arguments = ["--data", "mine.csv", "--class", "kind", "--epochs", "1", "--optimiser", "plain"]
    with pytest.raises(ValueError, match="--weight-decay: ") as caught:
        train.main([*arguments, "--weight-decay", "0.1"])
    assert str(caught.value) == "--weight-decay: plain takes learning_rate; found weight_decay 0.1"
    assert train.main(arguments) == 0


def test_the_help_names_every_choice_and_the_default(capsys) -> None:
    """Of the options that take a name from a table."""
    with pytest.raises(SystemExit):
        train.main(["--hidden", "3", "--help"])
    told = " ".join(capsys.readouterr().out.split())
    for table, default in ((ACTIVATIONS, "relu"), (LOSSES, "cross_entropy_mean for"), (OPTIMISERS, "adam")):
        assert f"{', '.join(table)} (default: {default}" in told
