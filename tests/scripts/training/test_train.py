"""scripts/train.py as a user runs it: its output, its exit status, its pictures, and every bad input."""

import json
import re
from pathlib import Path

import pytest

import train
from manual_backprop import PARAMETERS
from manual_backprop.lesson import descent


def document(capsys: pytest.CaptureFixture[str], *arguments: str) -> dict:
    """The JSON object that the script prints, run in this process; both must agree."""
    assert train.main([*arguments, "--json"]) == 0
    return json.loads(capsys.readouterr().out)


@pytest.mark.medium
def test_the_default_prints_the_lesson(capsys: pytest.CaptureFixture[str]) -> None:
    """A table of at most 80 columns, both stops, the drift and its bound, the verdict; status 0."""
    assert train.main([]) == 0
    printed = capsys.readouterr()
    assert printed.err == ""
    assert max(len(line) for line in printed.out.splitlines()) <= 80
    lines = [" ".join(line.split()) for line in printed.out.splitlines()]
    assert "0 1.3977 0.3600 0.6300 0.0000" in lines
    assert "1 1.2879 0.3342 0.6174 -0.0190" in lines
    assert "1000 0.1077 -0.7305 -1.3802 1.6803" in lines
    frozen = "Frozen: w1 = 3.34, b1 = -1.43, w2 = -3.53, b2 = 0.57"
    assert [line for line in lines if line.startswith(frozen)]
    assert "manual step 1000: reached the step limit before it converged" in lines
    assert "torch.optim.SGD step 1000: reached the step limit before it converged" in lines
    assert lines[-2].startswith("Largest difference: ")
    assert lines[-1] == "AGREEMENT to within rounding, at all 1000 steps."


@pytest.mark.sample(2)
@pytest.mark.parametrize(
    ("learning_rate", "dtype"), [("0.1", "float64"), ("0.2", "float32"), ("1", "float64"), ("1", "float32")]
)
def test_all_parameters_fit_80_columns(
    learning_rate: str, dtype: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Whatever their size: converging, oscillating and diverging."""
    arguments = ["--wrt", "all", "--learning-rate", learning_rate, "--steps", "60", "--dtype", dtype]
    assert train.main(arguments) == 0
    lines = capsys.readouterr().out.splitlines()
    assert max(len(line) for line in lines) <= 80
    headers = [line.split()[2:] for line in lines if line.split()[:2] == ["step", "SSR"]]
    assert [name for names in headers for name in names] == list(PARAMETERS)
    tables = [line.split() for line in lines[3:] if line[:4].strip().isdigit()]
    assert {len(row) for row in tables} == {len(names) + more for names in headers for more in (1, 2)}


def test_wrt_all_starts_from_the_follow_ups_start(capsys: pytest.CaptureFixture[str]) -> None:
    """And a parameter of --set replaces that start's."""
    start = document(capsys, "--wrt", "all", "--set", "w2=-1", "--steps", "1")["manual"]["parameters"]
    expected = dict.fromkeys(PARAMETERS, 0.0)
    expected |= {"w1": 2.74, "b1": 0.0, "w2": -1.0, "b2": 0.0, "w3": 0.36, "w4": 0.63, "b3": 0.0}
    assert {name: values[0] for name, values in start.items()} == expected


@pytest.mark.slow
def test_json_holds_both_descents(capsys: pytest.CaptureFixture[str]) -> None:
    """Every point of both witnesses, the rules, the rows and the verdict."""
    found = document(capsys, "--learning-rate", "0.1")
    assert (found["agree"], found["problems"], found["points_compared"]) == (True, [], 311)
    assert (found["learning_rate"], found["max_steps"], found["min_step_size"]) == (0.1, 1000, 0.001)
    for who in ("manual", "reference"):
        assert (found[who]["stopped"], found[who]["steps"]) == ("converged", 310)
        assert [len(found[who][key]["w3"]) for key in ("parameters", "derivatives", "step_sizes")] == [
            311,
            311,
            310,
        ]
    assert {row["name"] for row in found["rows"]} >= {"ssr", "w3", "d_ssr_d_w3", "step_size_w3"}
    assert all(row["agrees"] and row["difference"] <= row["bound"] for row in found["rows"])


def test_json_has_no_infinity(capsys: pytest.CaptureFixture[str]) -> None:
    """JSON has none: a diverged SSR is the string inf."""
    found = document(capsys, "--learning-rate", "0.2", "--dtype", "float32")
    assert found["manual"]["stopped"] == found["reference"]["stopped"] == "diverged"
    assert found["manual"]["ssr"][-1] == "inf"


def test_a_random_start_is_drawn_from_the_seed(capsys: pytest.CaptureFixture[str]) -> None:
    """The same seed means the same start; another one another."""
    starts = [
        document(capsys, "--init", "random", "--seed", seed, "--steps", "0")["manual"]["parameters"]
        for seed in ("1", "1", "2")
    ]
    assert starts[0] == starts[1]
    assert starts[0]["w3"] != starts[2]["w3"]
    assert starts[0]["b3"] == [0.0]


def test_own_data_is_read_from_a_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A header and two columns, of any length."""
    file = tmp_path / "own.csv"
    file.write_text("x,y\n0,0\n0.25,0.5\n0.5,1\n1,0\n")
    found = document(capsys, "--data", str(file), "--steps", "3")
    assert found["agree"]
    assert len(found["manual"]["ssr"]) == 4


def test_a_planted_mistake_ends_with_status_1(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The one-line verdict says where it starts; the JSON says so too."""
    right = descent.DERIVATIVES["w4"]
    monkeypatch.setitem(descent.DERIVATIVES, "w4", lambda trace: (1 + 1e-9) * right(trace))
    assert train.main(["--steps", "20"]) == 1
    assert capsys.readouterr().out.splitlines()[-1] == "MISMATCH, first in d_ssr_d_w4 after step 0"
    assert train.main(["--steps", "20", "--json"]) == 1
    assert json.loads(capsys.readouterr().out)["agree"] is False


def test_chaos_is_called_chaos(capsys: pytest.CaptureFixture[str]) -> None:
    """All seven at learning rate 1: from some step on the bound tells nothing, and the verdict says so."""
    assert train.main(["--wrt", "all", "--learning-rate", "1", "--steps", "30"]) == 0
    verdict = capsys.readouterr().out.splitlines()[-1]
    assert re.fullmatch(
        r"AGREEMENT to within rounding before step \d+; then rounding may do anything\.", verdict
    )


@pytest.mark.medium
@pytest.mark.parametrize(
    "arguments",
    [
        ["--learning-rate", "0.3", "--wrt", "all", "--dtype", "float32", "--steps", "80"],
        pytest.param(["--learning-rate", "0.2"], marks=pytest.mark.slow),
        pytest.param(["--steps", "0"], marks=pytest.mark.slow),
    ],
)
def test_every_picture_is_written(arguments: list[str], tmp_path: Path) -> None:
    """Into a folder made if missing, whole or not at all; diverging or not, and with a single point."""
    folder = tmp_path / "new" / "pictures"
    assert train.main([*arguments, "--plot", str(folder)]) == 0
    names = ["derivatives.png", "nodes.png", "squiggle.png", "ssr.png"]
    assert sorted(path.name for path in folder.iterdir()) == names
    for path in folder.iterdir():
        assert path.read_bytes().startswith(b"\x89PNG")
        assert path.read_bytes().endswith(b"IEND\xaeB`\x82")
