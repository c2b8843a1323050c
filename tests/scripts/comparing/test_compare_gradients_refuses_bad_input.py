"""scripts/compare_gradients.py answers every bad file and option with one line."""

import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from comparing_runs import Result, csv_file
from manual_backprop import PARAMETERS

BAD_FILES = {
    "empty": ("", "mine.csv: expected a header and columns of numbers, found an empty file"),
    "blank lines": ("\n\n", "mine.csv: expected a header and columns of numbers, found an empty file"),
    "one column": ("dose\n1\n", "mine.csv: expected two columns (input, observed), found 1"),
    "three columns": (
        "a,b,c\n1,2,3\n",
        "mine.csv: expected two columns (input, observed), found 3: "
        "--inputs and --outputs choose from a, b, c",
    ),
    "a short row": ("a,b\n1,2\n3\n", "mine.csv, line 3: expected 2 columns as in the header, found 1"),
    "text": ("a,b\n1,2\n\n3,four\n", "mine.csv, line 4, column 'b': expected a number, found 'four'"),
    "missing cell": ("a,b\n1,\n", "mine.csv, line 2, column 'b': expected a number, found ''"),
    "nan": ("a,b\n1,nan\n", "mine.csv, line 2, column 'b': expected a finite number, found 'nan'"),
    "infinity": (
        "a,b\n1,2\n-inf,2\n",
        "mine.csv, line 3, column 'a': expected a finite number, found '-inf'",
    ),
    "beyond float64": (
        "a,b\n1,1e999\n",
        "mine.csv, line 2, column 'b': expected a finite number, found '1e999'",
    ),
    "header only": ("a,b\n", "mine.csv: expected at least one row below the header, found none"),
    "no header": (
        "1,2\n3,4\n",
        "mine.csv, line 1: expected a header such as dosage,effectiveness, found numbers",
    ),
    "not text": (
        b"\x01\xff",
        "mine.csv: expected a text file in UTF-8, UTF-16 or Latin-1, found other bytes",
    ),
    "a NUL byte": (b"a,b\n1,\x002\n", "mine.csv: expected a text file, found a NUL byte"),
    "an endless cell": (
        "a,b\n1," + "2" * 200_000,
        "mine.csv, line 2: field larger than field limit (131072)",
    ),
}


@pytest.mark.parametrize(("text", "message"), BAD_FILES.values(), ids=BAD_FILES)
def test_a_bad_file_is_one_clear_line(
    script: Callable[..., Result], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, message: str
) -> None:
    """Exit status 2, nothing on standard output, and a line that says what was wrong, expected and found."""
    csv_file(tmp_path, text)
    monkeypatch.chdir(tmp_path)
    result = script("--data", "mine.csv")
    assert (result.status, result.out) == (2, "")
    assert result.err.count("\n") == 1
    assert result.err.endswith(f"error: {message}\n")


BAD_OPTIONS = {
    "--data absent.csv": "absent.csv: No such file or directory",
    "--data .": ".: Is a directory",
    "--data=": "argument --data: expected a value, found ''",
    "--set w3": "argument --set: expected a finite number as in w3=0.36, found 'w3'",
    "--set w3=": "argument --set: expected a finite number as in w3=0.36, found 'w3='",
    "--set w3=one": "argument --set: expected a finite number as in w3=0.36, found 'w3=one'",
    "--set w3=inf": "argument --set: expected a finite number as in w3=0.36, found 'w3=inf'",
    "--set w9=1": f"unknown parameter 'w9': the known ones are {', '.join(PARAMETERS)}",
    "--wrt w3,w9": f"unknown parameter 'w9': the known ones are {', '.join(PARAMETERS)}, or all",
    "--wrt w3,w3": "parameter 'w3' is named twice (--help",
    "--random 0": "--random: expected at least 1 network, found 0",
    "--random -3": "--random: expected at least 1 network, found -3",
    "--random many": "argument --random: invalid int value: 'many'",
    "--random 3 --seed -1": "--seed: expected 0 or more, found -1",
    "--random 3 --case 3": "--case: expected --random N with a network from 0 to N − 1, found 3",
    "--case 0": "--case: expected --random N with a network from 0 to N − 1, found 0",
    "--dtype float16": "argument --dtype: invalid choice: 'float16'",
    "--device nowhere": "--device: this machine has no device 'nowhere' that torch can use",
    "--device meta": "--device: this machine has no device 'meta' that torch can use",
    "--softplus-threshold nan": "--softplus-threshold: expected a number, found nan",
    "--set b1=1e39 --dtype float32": "--set b1: 1e+39 overflows float32",
    "--set w3=1e300 --set b3=1e300 --wrt all": "overflows float64 on these data and parameters",
    "--colour": "unrecognized arguments: --colour",
}


@pytest.mark.parametrize(("arguments", "message"), BAD_OPTIONS.items(), ids=BAD_OPTIONS)
def test_a_bad_option_is_one_clear_line(script: Callable[..., Result], arguments: str, message: str) -> None:
    """Exit status 2, nothing on standard output, and no usage or traceback around the line."""
    result = script(*arguments.split())
    assert (result.status, result.out) == (2, "")
    assert result.err.count("\n") == 1
    assert message in result.err


@pytest.mark.skipif(torch.cuda.is_available(), reason="this machine has cuda")
def test_cuda_where_there_is_none_is_one_clear_line(script: Callable[..., Result]) -> None:
    """Not torch's assertion, nor a traceback."""
    result = script("--device", "cuda")
    assert (result.status, result.out) == (2, "")
    assert result.err.endswith("error: --device: this machine has no device 'cuda' that torch can use\n")


def test_without_rich_a_line_says_which_extra_to_install(
    script: Callable[..., Result], monkeypatch: pytest.MonkeyPatch
) -> None:
    """And --json, which needs no table, still works."""
    for module in [name for name in sys.modules if name.split(".")[0] == "rich"]:
        monkeypatch.delitem(sys.modules, module)
    monkeypatch.setitem(sys.modules, "rich", None)
    result = script()
    assert (result.status, result.out) == (2, "")
    assert result.err.endswith("pip install -e '.[scripts]'\n")
    assert script("--json").status == 0
