"""scripts/compare_gradients.py as a user runs it: tables, JSON, exit statuses, a line per mistake."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

import manual_backprop
import torch_reference
from comparing_runs import Result, csv_file
from manual_backprop import lesson

ROOT = Path(__file__).parents[3]


def test_a_newcomer_sees_the_lesson_agree() -> None:
    """The README's command in a process of its own: a table within 80 columns, a verdict, exit status 0."""
    done = subprocess.run(
        [sys.executable, "scripts/compare_gradients.py"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    lines = done.stdout.splitlines()
    assert [line.split()[0] for line in lines if line.startswith("d_ssr")] == [
        "d_ssr_d_w3",
        "d_ssr_d_w4",
        "d_ssr_d_b3",
    ]
    assert "2.5761395" in done.stdout
    assert lines[-1].startswith("AGREEMENT: all 3 derivatives, to within rounding")
    assert max(map(len, lines)) <= 80


@pytest.mark.parametrize("arguments", [["--wrt", "all", "--links", "--truth"], ["--random", "30", "--truth"]])
def test_every_table_fits_80_columns(script: Callable[..., Result], arguments: list[str]) -> None:
    """Also with all links and the truth; nothing is cut off with an ellipsis."""
    result = script(*arguments)
    assert result.status == 0
    assert max(map(len, result.out.splitlines())) <= 80
    assert "…" not in result.out


def test_json_is_one_object_with_the_documented_fields(script: Callable[..., Result]) -> None:
    """The default comparison, for machines: the figures of the lesson and a bound for each."""
    document = json.loads(script("--json").out)
    assert {key: document[key] for key in ("dtype", "device", "cases", "agree")} == {
        "dtype": "float64",
        "device": "cpu",
        "cases": 1,
        "agree": True,
    }
    assert [(row["name"], row["kind"]) for row in document["rows"]] == [
        ("w3", "parameter"),
        ("w4", "parameter"),
        ("b3", "parameter"),
    ]
    for row in document["rows"]:
        assert row["agrees"] is True
        assert abs(row["manual"] - row["reference"]) == row["difference"] <= row["bound"]
    bounds = torch_reference.bounds(lesson.start(), *lesson.data())
    assert [row["bound"] for row in document["rows"]] == [bounds[name].item() for name in ("w3", "w4", "b3")]
    # The lesson's figure, from a correct derivation in float64.
    assert document["rows"][0]["manual"] == pytest.approx(2.576139529882881, rel=0, abs=bounds["w3"].item())


def test_links_come_first_from_the_ssr_backwards(script: Callable[..., Result]) -> None:
    """--links adds a row for every link of the chains that --wrt names."""
    rows = json.loads(script("--json", "--links", "--wrt", "b1").out)["rows"]
    assert [(row["name"], row["kind"]) for row in rows] == [
        ("d_ssr_d_predicted", "link"),
        ("d_predicted_d_y1", "link"),
        ("d_ssr_d_y1", "link"),
        ("d_y1_d_x1", "link"),
        ("d_ssr_d_x1", "link"),
        ("d_x1_d_b1", "link"),
        ("b1", "parameter"),
    ]


def test_own_data_and_parameters_are_compared(script: Callable[..., Result], tmp_path: Path) -> None:
    """A CSV file with a byte order mark, spaces and an empty line; two parameters set."""
    path = csv_file(tmp_path, "\ufeffdose, effect\n0.25, 1.5\n\n -2,3e-1\n")
    arguments = ["--data", path, "--set", "w3=-1.5", "--set", "b3=0.25", "--wrt", "w1", "--json"]
    [row] = json.loads(script(*arguments).out)["rows"]
    parameters = lesson.start() | {"w3": torch.tensor(-1.5).double(), "b3": torch.tensor(0.25).double()}
    data = [torch.tensor(column, dtype=torch.float64) for column in ([0.25, -2.0], [1.5, 0.3])]
    assert row["reference"] == torch_reference.gradients(parameters, *data, wrt=["w1"])["w1"].item()


def test_float32_is_compared_in_float32(script: Callable[..., Result]) -> None:
    """The bound is that of float32."""
    document = json.loads(script("--json", "--dtype", "float32").out)
    assert document["dtype"] == "float32"
    assert document["agree"]
    bounds = torch_reference.bounds(lesson.start(torch.float32), *lesson.data(torch.float32))
    assert document["rows"][0]["bound"] == bounds["w3"].item()


def test_a_mismatch_exits_with_1_and_names_the_first_wrong_row(
    script: Callable[..., Result], wrong_w4: None
) -> None:
    """The links are compared although nobody asked for them: all of them agree, w4 does not."""
    result = script()
    assert result.status == 1
    assert "MISMATCH: 1 of 7 differ; every link agrees, but not: d_ssr_d_w4" in result.out
    document = json.loads(script("--json").out)
    assert [row["name"] for row in document["rows"] if not row["agrees"]] == ["w4"]
    assert document["agree"] is False


def test_truth_says_who_is_wrong(script: Callable[..., Result], wrong_w4: None) -> None:
    """Mpmath finds the manual side wrong by its whole value twice, and autograd right."""
    rows = {row["name"]: row for row in json.loads(script("--json", "--truth").out)["rows"]}
    assert rows["w4"]["wrong"] == "manual"
    # The figure is a float64's, within a radius of the exact value.
    assert abs(rows["w4"]["exact"] - 1.2567622996820274) <= rows["w4"]["bound"] / 2
    # Minus a number within a radius of the exact one; a count of this size is itself even: it rounds to 2.
    assert abs(rows["w4"]["manual_roundings"] - 2 / 2**-53) <= rows["w4"]["bound"] / 2 / 1.25 / 2**-53 + 2
    assert rows["w4"]["reference_roundings"] < 10
    assert rows["w3"]["wrong"] == "neither"


def test_pytorchs_softplus_threshold_is_shown_as_the_reference_being_wrong(
    script: Callable[..., Result],
) -> None:
    """At x1 = 21 the default nn.Softplus is off by 8e-10: a mismatch, and mpmath says whose."""
    arguments = ["--softplus-threshold", "20", "--set", "b1=21", "--json", "--truth", "--wrt", "w3"]
    result = script(*arguments)
    assert result.status == 1
    [row] = [row for row in json.loads(result.out)["rows"] if row["kind"] == "parameter"]
    assert row["wrong"] == "reference"
    assert script(*arguments[2:]).status == 0


def test_random_rows_can_be_run_again_from_seed_and_case(script: Callable[..., Result]) -> None:
    """The worst case of each row is the same network when drawn alone, and its inputs are in the JSON."""
    arguments = ["--random", "300", "--seed", "7", "--wrt", "w3,b1", "--json"]
    document = json.loads(script(*arguments).out)
    assert (document["cases"], document["agree"]) == (300, True)
    for row in document["rows"]:
        again = json.loads(script(*arguments, "--case", str(row["case"])).out)
        [same] = [other for other in again["rows"] if other["name"] == row["name"]]
        assert same == row
        tensors = {
            name: torch.tensor(value, dtype=torch.float64) for name, value in row["parameters"].items()
        }
        data = [torch.tensor(row[key], dtype=torch.float64) for key in ("inputs", "observed")]
        alone = manual_backprop.gradients(tensors, *data, wrt=[row["name"]])[row["name"]].item()
        assert abs(alone - row["manual"]) <= row["bound"]


def test_random_networks_do_not_depend_on_how_many_are_drawn(script: Callable[..., Result]) -> None:
    """Case 3 of 5 is case 3 of 400."""
    few = json.loads(script("--random", "5", "--case", "3", "--json").out)["rows"]
    many = json.loads(script("--random", "400", "--case", "3", "--json").out)["rows"]
    assert few == many


def test_random_prints_how_to_run_the_worst_case_again(script: Callable[..., Result]) -> None:
    """The last line names the network; running it as told shows the same derivative."""
    last = script("--random", "260", "--seed", "1").out.splitlines()[-1]
    case = last.rsplit(maxsplit=1)[-1].rstrip(".")
    name = last.split()[1]
    assert last.endswith(f"to run it again, add --case {case}.")
    again = script("--random", "260", "--seed", "1", "--case", case)
    assert f"Network {case} of seed 1" in again.out
    assert name in again.out


def test_random_parameters_on_own_data(script: Callable[..., Result], tmp_path: Path) -> None:
    """--data and --set hold for every random network."""
    path = csv_file(tmp_path, "x,y\n1,2\n3,4\n")
    rows = json.loads(script("--random", "5", "--data", path, "--set", "w3=0.5", "--json").out)["rows"]
    assert all((row["inputs"], row["observed"]) == ([1.0, 3.0], [2.0, 4.0]) for row in rows)
    assert all(row["parameters"]["w3"] == 0.5 for row in rows)
    assert len({row["parameters"]["w4"] for row in rows}) >= 1


def test_a_progress_bar_is_shown_on_a_terminal_only(
    script: Callable[..., Result], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Standard error is silent in a pipe, and on a terminal it counts the networks."""
    assert script("--random", "10").err == ""
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    monkeypatch.setenv("FORCE_COLOR", "1")
    assert "networks" in script("--random", "10").err
