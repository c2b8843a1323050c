"""scripts/large.py on small data: every kind of file gives what the whole gives; bad input is one line."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow
import pyarrow.parquet
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

import generate
import large
import torch_reference
from lessons_seven import seven_only
from manual_backprop import LESSON_WRT, PARAMETERS, gradients, lesson
from manual_backprop.lesson import descent
from scaling import data_part
from scaling import data_sources_csv as sources_csv
from scaling import passes_over_data as passes
from scaling.data_sources import parts
from strategies import Case
from straying import is_stable, plain_strayed, triangle_rounding, triangle_strayed
from torch_reference.lesson.side_by_side import judge


@pytest.fixture(autouse=True)
def _small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    """A few hundred observations are many blocks and many parts."""
    monkeypatch.setattr(data_part, "ROWS", 64)
    monkeypatch.setattr(sources_csv, "BYTES", 1000)
    monkeypatch.setattr(passes, "AT_ONCE", 50)


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """500 observations in every kind of file, in two row groups of Parquet."""
    folder = tmp_path_factory.mktemp("data")
    for suffix in generate.WRITERS:
        assert generate.main(["500", str(folder / f"whole{suffix}"), "--seed", "3"]) == 0
    whole = np.load(folder / "whole.npy")
    np.save(folder / "input.npy", whole[:, 0])
    np.save(folder / "observed.npy", whole[:, 1])
    np.save(folder / "fortran.npy", np.asfortranarray(whole.astype(">f8")))
    table = pyarrow.parquet.read_table(folder / "whole.parquet")
    pyarrow.parquet.write_table(table, folder / "groups.parquet", row_group_size=130)
    return folder


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
        return large.Triangle(one.hidden, one.rows * (1 + 1e-9), one.roundings, one.observations)

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


def bad_file(folder: Path, name: str, content: bytes) -> str:
    """A file of these bytes."""
    (folder / name).write_bytes(content)
    return str(folder / name)


HEAD = b"a,b\n" + b"0.1,0.2\n" * 300
BAD = [
    ("text.csv", HEAD + b"0.1,x\n" + b"0.1,0.2\n" * 300, "line 302, column 'b': expected a number"),
    ("nan.csv", HEAD + b"nan,0.2\n", "line 302, column 'a': expected a finite number, found 'nan'"),
    ("blank.csv", b"\na,b\n\n1,2\n3,\n", "line 5, column 'b': expected a number, found ''"),
    ("three.csv", b"a,b\n1,2\n1,2,3\n", "line 3: expected 2 columns as in the header, found 3"),
    ("names.csv", b"a,b,c\n1,2,3\n", "found 3: --inputs and --outputs choose from a, b, c"),
    ("headless.csv", b"1,2\n3,4\n", "line 1: expected a header such as dosage,effectiveness, found numbers"),
    ("underscore.csv", b"a,b\n1_0,2\n", "line 2, column 'a': expected a number, found '1_0'"),
    ("latin.csv", b"a,b\n\xff,2\n", "line 2, column 'a': expected a number, found 'ÿ'"),
    ("nothing.csv", b"a,b\n", "expected at least one observation below the header, found none"),
    ("lines.csv", b"a,b\n\n\n", "expected at least one observation, found none"),
    ("empty.csv", b"", "expected a header and columns of numbers, found an empty file"),
    ("other.npy", b"not an array at all", "expected a .npy file, found another header"),
    ("other.parquet", b"PAR1 not at all", "expected a Parquet file, whole: "),
    ("data.xlsx", b"PK", "expected files of one kind, .npy, .csv or .parquet, found data.xlsx"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "content", "message"), BAD, ids=[name for name, *_ in BAD])
def test_a_bad_file_is_one_clear_line(name: str, content: bytes, message: str, tmp_path: Path) -> None:
    """What was wrong and where; also in a part far from the file's start."""
    with pytest.raises(ValueError, match=re.escape(message)) as caught:
        large.main([bad_file(tmp_path, name, content)])
    assert "\n" not in str(caught.value)


ARRAYS = [
    (np.zeros((3, 4)), "expected shape (n, 2), or (n,) in two files, found (3, 4)"),
    (np.zeros((0, 2)), "expected at least one observation, found none"),
    (np.array([["a", "b"]]), "expected an array of numbers, found <U1"),
    (np.array([[1, object()]], dtype=object), "expected an array of numbers, found object"),
    (np.zeros(3), "expected .npy files of shape (n, 2), or two of shape (n,), found (3,)"),
    (np.array([[1.0, 2.0]] * 70 + [[1.0, np.inf]]), "row 70: expected two finite numbers"),
]


@pytest.mark.parametrize(("array", "message"), ARRAYS, ids=[message for _, message in ARRAYS])
def test_a_bad_array_is_one_clear_line(array: np.ndarray, message: str, tmp_path: Path) -> None:
    """A wrong shape, no numbers, nothing, infinity with its row; nothing is ever unpickled."""
    np.save(tmp_path / "bad.npy", array)
    with pytest.raises(ValueError, match=re.escape(message)):
        large.main([str(tmp_path / "bad.npy")])


def test_an_array_that_was_cut_short_is_one_clear_line(data: Path, tmp_path: Path) -> None:
    """As after a download that was interrupted: seen before any reading."""
    whole = (data / "whole.npy").read_bytes()
    path = bad_file(tmp_path, "cut.npy", whole[:-1])
    message = f"expected {len(whole)} bytes, found {len(whole) - 1}: the file was cut short"
    with pytest.raises(ValueError, match=re.escape(message)):
        large.main([path])
    pieces = parts([bad_file(tmp_path, "cut.npy", whole)])
    bad_file(tmp_path, "cut.npy", whole[:-1])
    with pytest.raises(ValueError, match="became shorter while it was read"):
        list(pieces[-1])


NONE = pyarrow.array([], "float64")


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"a": [1.0], "b": ["x"]}, "expected numbers in column b, found string"),
        ({"a": [1.0]}, "expected two columns (input, observed), found 1"),
        ({"a": [1.0, None], "b": [1.0, 2.0]}, "row 1: expected two finite numbers, found NaN"),
        ({"a": NONE, "b": NONE}, "expected at least one observation, found none"),
    ],
)  # fmt: skip
def test_a_bad_table_is_one_clear_line(columns: dict, message: str, tmp_path: Path) -> None:
    """Parquet of other columns, with a hole, or without rows."""
    pyarrow.parquet.write_table(pyarrow.table(columns), tmp_path / "bad.parquet")
    with pytest.raises(ValueError, match=re.escape(message)):
        large.main([str(tmp_path / "bad.parquet")])


def test_damaged_pages_of_parquet_are_one_clear_line(data: Path, tmp_path: Path) -> None:
    """Bytes in the middle that are not what was written."""
    damaged = bytearray((data / "whole.parquet").read_bytes())
    damaged[10:2000] = b"\xff" * 1990
    with pytest.raises(ValueError, match=r"bad\.parquet") as caught:
        large.main([bad_file(tmp_path, "bad.parquet", bytes(damaged))])
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["missing.npy"], "missing.npy: no such file"),
        (["{data}/whole.npy", "--inputs", "a"], "--inputs and --outputs: expected .csv or .parquet"),
        (["{data}/whole.csv", "--inputs", "dose"], "--inputs: {data}/whole.csv has no column 'dose'"),
        (["{data}/whole.npy", "{data}/whole.csv"], "expected files of one kind"),
        (["{data}/input.npy", "{data}/whole.npy"], "expected .npy files of shape (n, 2), or two"),
        (["{data}/whole.npy", "--learning-rate", "0"], "learning_rate must be above 0 and finite, found 0.0"),
        (["{data}/whole.npy", "--device", "nonsense"], "no device 'nonsense'"),
    ],
)  # fmt: skip
def test_a_bad_option_is_one_clear_line(arguments: list[str], message: str, data: Path) -> None:
    """Before any reading."""
    with pytest.raises(ValueError, match=re.escape(message.format(data=data))):
        large.main([argument.format(data=data) for argument in arguments])


def test_steps_of_the_hidden_layer_need_a_learning_rate(data: Path, capsys) -> None:
    """Only the bowl of w3, w4 and b3 is known before the first step."""
    with pytest.raises(SystemExit):
        large.main([str(data / "whole.npy"), "--wrt", "all", "--steps", "1"])
    assert "--learning-rate is needed" in capsys.readouterr().err
