"""scripts/large.py on small data: every kind of file gives what the whole gives; bad input is one line."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

import large
import torch_reference
from lessons_seven import seven_only
from manual_backprop import LESSON_WRT, PARAMETERS, gradients, lesson
from manual_backprop.lesson import descent
from scaling import data_sources_csv as sources_csv
from scaling.data_sources import parts
from strategies import Case
from straying import is_stable, plain_strayed, triangle_rounding, triangle_strayed
from torch_reference.lesson.side_by_side import judge


@pytest.fixture
def seen(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """What the script descended on, and the history that it got."""
    found: dict[str, Any] = {}

    def spied(right: Callable[..., Any]) -> Callable[..., Any]:
        def spy(first: Any, *arguments: Any, **rules: Any) -> Any:
            found["on"], found["history"] = first, right(first, *arguments, **rules)
            return found["history"]

        return spy

    for name in ("descend", "follow"):
        monkeypatch.setattr(large, name, spied(getattr(large, name)))
    return found


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> dict:
    """The JSON object of a run; the status says whether autograd agrees."""
    status = large.main([*arguments, "--json"])
    found = json.loads(capsys.readouterr().out)
    assert status == (1 if found["agree"] is False else 0)
    return found


FILES = (
    ["whole.npy"],
    ["whole.csv"],
    ["whole.parquet"],
    ["groups.parquet"],
    ["fortran.npy"],
    ["input.npy", "observed.npy"],
)


@seven_only
@pytest.mark.parametrize("files", FILES, ids=lambda files: files[0])
def test_every_kind_of_file_gives_the_whole(
    files: list[str], data: Path, capsys, seen: dict[str, Any]
) -> None:
    """The gradient and the end of the descent on all 500 at once, whatever the file and its parts."""
    paths = [str(data / file) for file in files]
    pieces = parts(paths)
    assert len(pieces) > 1 or files == ["whole.parquet"]
    inputs, observed = torch.from_numpy(np.load(data / "whole.npy").T.copy())
    read = [torch.cat(columns) for columns in zip(*(block for part in pieces for block in part), strict=True)]
    assert torch.equal(read[0], inputs)
    assert torch.equal(read[1], observed)
    check = ["--check"] if files == ["whole.csv"] else []
    found = run(capsys, *paths, *check, "--learning-rate", "0.0003", "--steps", "5")
    assert found["agree"] is (True if check else None)
    assert found["observations"] == 500
    case = Case(lesson.start(), inputs, observed)
    expected, bounds = gradients(*case), torch_reference.bounds(*case)
    own = triangle_rounding(seen["history"], seen["on"])
    for name in LESSON_WRT:
        bound = bounds[name] + own[name][0]
        assert abs(found["manual"][name] - expected[name].item()) <= bound < 1e-9 * abs(expected[name])
    plain = descent.descend(*case, learning_rate=0.0003, max_steps=5)
    assert (found["steps"], found["stopped"]) == (plain.steps, plain.stopped.value)
    assert is_stable(case, 0.0003)
    apart = triangle_strayed(seen["history"], seen["on"], case, 0.0003) + plain_strayed(plain, case, 0.0003)
    for name in PARAMETERS:
        bound = apart[-1].item() if name in LESSON_WRT else 0
        assert abs(found["parameters"][name] - plain.parameters[name][-1].item()) <= bound < 1e-9


@pytest.mark.slow
@given(rows=st.integers(1, 500), size=st.integers(20, 3000))
def test_csv_parts_hold_each_line_once_wherever_they_are_cut(data: Path, rows: int, size: int) -> None:
    """Also where a part is shorter than a line, and where the file ends without a line end."""
    text = (data / "whole.csv").read_text().splitlines()[: rows + 1]
    short = data / "short.csv"
    short.write_text("\n".join(text))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sources_csv, "BYTES", size)
        inputs = torch.cat([inputs for part in parts([str(short)]) for inputs, _ in part])
    assert inputs.tolist() == [float(line.split(",")[0]) for line in text[1:]]


def test_all_seven_parameters_take_a_pass_for_every_step(data: Path, capsys, seen: dict[str, Any]) -> None:
    """The same as the plain descent on the whole, and as autograd."""
    whole = str(data / "whole.npy")
    rules = ["--wrt", "all", "--learning-rate", "0.0001", "--steps", "5", "--set", "w3=0.5"]
    found = run(capsys, whole, "--check", *rules)
    inputs, observed = torch.from_numpy(np.load(whole).T.copy())
    start = {**lesson.start(), "w3": torch.tensor(0.5).double()}
    limits: dict[str, Any] = {"learning_rate": 0.0001, "max_steps": 5, "min_step_size": 0.001}
    plain = descent.descend(start, inputs, observed, PARAMETERS, **limits)
    assert found["agree"] is True
    assert (found["observations"], found["steps"]) == (500, 5)
    # The bound of the comparison holds for sums in any order, in blocks too.
    assert judge(seen["history"], plain, inputs, observed, **limits).agrees
    for name in PARAMETERS:
        assert found["parameters"][name] == seen["history"].parameters[name][-1].item()


@seven_only
def test_a_wrong_derivative_is_a_mismatch(data: Path, capsys, monkeypatch: pytest.MonkeyPatch) -> None:
    """A planted error of 1e-9 in the triangle: status 1."""
    right = large.triangle.from_data

    def wrong(*arguments):
        one = right(*arguments)
        return type(one)(one.hidden, one.rows * (1 + 1e-9), one.roundings, one.observations)

    monkeypatch.setattr(large.triangle, "from_data", wrong)
    assert run(capsys, str(data / "whole.npy"), "--check")["agree"] is False


@pytest.mark.parametrize("arguments", [["--steps", "30"], ["--wrt", "all", "--steps", "2", "--check"]])
def test_the_table_fits_80_columns(arguments: list[str], data: Path, capsys) -> None:
    """The default learning rate is half the largest stable one: no step raises the SSR."""
    rate = ["--learning-rate", "1e-5"] if "all" in arguments else []
    assert large.main([str(data / "whole.npy"), *arguments, *rate]) == 0
    printed = capsys.readouterr().out
    assert max(len(line) for line in printed.splitlines()) <= 80
    assert "500 observations" in printed
    assert ("AGREEMENT" in printed) == ("--check" in arguments)
    assert "diverged" not in printed
