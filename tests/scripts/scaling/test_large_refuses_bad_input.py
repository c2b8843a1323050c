"""scripts/large.py answers every bad file, array, table and option with one line."""

import re
from pathlib import Path

import numpy as np
import pyarrow
import pyarrow.parquet
import pytest

import large
from scaling.data_sources import parts


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


@pytest.mark.parametrize(
    ("numbers", "message"),
    [
        ("1,1e200", r"far\.csv: ssr at the start overflows float64 on these data"),
        ("1,-1e308", r"far\.csv: ssr at the start overflows float64 on these data"),
        ("1e154,2", r"no learning rate fits a curvature of inf|the derivative by w3 at the start overflows"),
        (
            "1e308,1e308\n-1e308,1",
            r"no learning rate fits a curvature of inf|(ssr|the derivative by w3) at the start overflows",
        ),
    ],
)
@pytest.mark.parametrize("arguments", [["--json"], ["--check"], ["--wrt", "all", "--check"]], ids=" ".join)
def test_data_that_overflow_are_one_clear_line(
    numbers: str, message: str, arguments: list[str], tmp_path: Path
) -> None:
    """No infinity is printed as a result, and none is compared."""
    path = bad_file(tmp_path, "far.csv", f"a,b\n{numbers}\n2,3\n".encode())
    with pytest.raises(ValueError, match=message):
        large.main([path, *arguments])


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
