"""CSV files as people have them: each is read as it was meant, or refused in one line; all readers agree."""

import gzip
import os
import re
import threading
from pathlib import Path

import pytest
import torch

from reading.columns import read_observations
from scaling.data_sources import parts

MEANT = {
    "plain.csv": (b"dose,effect\n0,1.5\n2,3\n", "UTF-8, separated by ',', decimal point"),
    "bom.csv": (b"\xef\xbb\xbfdose,effect\n0,1.5\n2,3\n", "UTF-8, separated by ','"),
    "excel_german.csv": (
        "dose;effect (µg)\r\n0;1,5\r\n2,0;3\r\n".encode("cp1252"),
        "Latin-1, separated by ';', decimal comma",
    ),
    "excel_unicode.txt": (
        "dose\teffect\r\n0\t1,5\r\n2\t3\r\n".encode("utf-16"),
        "UTF-16, separated by tab, decimal comma",
    ),
    "utf_16_be.csv": (b"\xfe\xff" + "dose,effect\n0,1.5\n2,3\n".encode("utf-16-be"), "UTF-16, "),
    "excel_sep.csv": (b"sep=;\r\ndose;effect\r\n0;1,5\r\n2;3\r\n", "separated by ';', decimal comma"),
    "tabs.tsv": (b"dose\teffect\n0\t1.5\n2\t3\n", "separated by tab, decimal point"),
    "pipes.csv": (b"dose|effect\n0|1.5\n2|3\n", "separated by '|'"),
    "aligned.txt": (b"dose   effect\n   0      1.5\n   2      3\n", "separated by space"),
    "trailing_semicolons.csv": (b"dose;effect;;\n0;1,5;;\n2;3;;\n", "decimal comma"),
    "trailing_commas.csv": (b"dose,effect\n0,1.5,\n2,3,,\n", "decimal point"),
    "commands.csv": (b"do\x1b[31mse,effect\n0,1.5\n2,3\n", "input 'do\\x1b[31mse', observed 'effect'"),
    "old_mac.csv": (b"dose,effect\r0,1.5\r2,3\r", "UTF-8"),
    "comments.csv": (b"# of May\ndose,effect\n0,1.5\n# a pause, and \"more\n2,3\n", "decimal point"),
    "numpy_savetxt.txt": (b"# dose effect\n0.000e+00 1.500e+00\n2.000e+00 3.000e+00\n", "separated by space"),
    "packed.csv.gz": (gzip.compress(b"dose,effect\n0,1.5\n2,3\n"), "UTF-8"),
    "packed_german.csv.gz": (gzip.compress("döse;effect\n0;1,5\n2;3\n".encode("cp1252")), "Latin-1"),
    "quoted_header.csv": (b'"dose, mg","effect"\n0,1.5\n2,3\n', "input 'dose, mg', observed 'effect'"),
    "quoted_all.csv": (b'"dose","effect"\n"0","1,5"\n"2","3"\n', "separated by ',', decimal comma"),
    "comma_in_name.csv": (b"dose;effect, mg\n0;1,5\n2;3\n", "separated by ';', decimal comma"),
    "blank_lines.csv": (b"\n\ndose,effect\n\n0,1.5\n , \n2,3\n,,\n\n", "decimal point"),
    "spaces.csv": (b" dose , effect \n 0 , 1.5 \n 2,3\n", "input 'dose', observed 'effect'"),
    "signs.csv": (b"dose,effect\n-0.0,+15E-1\n.2e1,3.\n", "decimal point"),
    "no_last_newline.csv": (b"dose,effect\n0,1.5\n2,3", "decimal point"),
    "index.csv": (b",dose,effect\n0,0,1.5\n1,2,3\n", "input 'dose', observed 'effect'"),
    "date_beside.csv": (b"day;dose;effect\n31.1.2024;0;1,5\n1.2.2024;2;3\n", "input 'dose', observed"),
    "text_beside.csv": (b'who,effect,dose\n"Smith, J.",1.5,0\nZoe,3,2\n', "input 'dose', observed 'effect'"),
}  # fmt: skip

REFUSED = {
    "underscore.csv": (b"a,b\n1_000,2\n", "line 2, column 'a': expected a number, found '1_000', which"),
    "arabic.csv": ("a,b\n1,٣\n".encode(), "line 2, column 'b': expected a number, found '٣'"),
    "minus.csv": ("a,b\n1,−3\n".encode(), "line 2, column 'b': expected a number, found '−3'"),
    "two_ways.csv": (b"a;b\n1,234;5\n", "line 2: expected a number, found '1,234', which may be 1.2"),
    "thousands.csv": (b'a,b\n"1,234.5",2\n', "column 'a': expected a number, found '1,234.5', which"),
    "german_thousands.csv": (b"a;b\n1,5;2\n1.234,5;3\n", "line 3, column 'a': expected a number, found '1.2"),
    "swiss.csv": (b"a,b\n1'234,2\n", "expected a number, found \"1'234\", which may have separators"),
    "both_signs.csv": (b"a;b\n1,5;2.5\n", "column 'a': expected a number with a decimal point, found '1,5'"),
    "late_comma.csv": (b"a;b\n1;2.5\n1,5;2\n", "line 3, column 'a': expected a number with a decimal point"),
    "date.csv": (b"day,b\n2024-01-31,2\n", "line 2, column 'day': expected a number, found the date '20"),
    "us_date.csv": (b"day,b\n1/31/24 10:00,2\n", "found the date '1/31/24 10:00'"),
    "month.csv": (b"day,b\n1,31 Jan 2024\n", "column 'b': expected a number, found the date '31 Jan 2024'"),
    "time.csv": (b"at,b\n12:30,2\n", "line 2, column 'at': expected a number, found the time '12:30'"),
    "missing.csv": (b"a,b\n1,NA\n", "line 2, column 'b': expected a number, found 'NA', a missing value"),
    "excel_error.csv": (b"a,b\n#N/A,1\n", "line 2, column 'a': expected a number, found '#N/A', a"),
    "empty_cell.csv": (b"a,b\n1,\n", "line 2, column 'b': expected a number, found ''"),
    "nan.csv": (b"a,b\n1,NaN\n", "line 2, column 'b': expected a finite number, found 'NaN'"),
    "overflow.csv": (b"a,b\n1,1e999\n", "line 2, column 'b': expected a finite number, found '1e999'"),
    "money.csv": (b"a,b\n$5,2\n", "line 2, column 'a': expected a number, found '$5'"),
    "units.csv": (b"a,b\nmg,%\n1,2\n", "line 2, column 'a': expected a number, found 'mg'"),
    "joined.csv": (b"a,b\n1,2\na,b\n3,4\n", "line 3, column 'a': expected a number, found 'a'"),
    "hexadecimal.csv": (b"a,b\n0x10,2\n", "expected a number, found '0x10'"),
    "short_row.csv": (b"a,b\n1,2\n3\n", "line 3: expected 2 columns as in the header, found 1"),
    "long_row.csv": (b"a,b\n1,2\n3,4,5\n", "line 3: expected 2 columns as in the header, found 3"),
    "after_a_quote.csv": (b'a,b\n"1"2,3\n', "line 2: ',' expected after '\"'"),
    "endless_quote.csv": (b'a,b\n"1,2\n3,4\n', "line"),
    "over_two_lines.csv": (b'a,b\n"2\n3",4\n', "expected a"),
    "headless.csv": (b"1;2,5\n3;4\n", "line 1: expected a header such as dosage,effectiveness, found"),
    "twice.csv": (b"a,a\n1,2\n", "line 1: the column 'a' is named twice"),
    "book.csv": (b"PK\x03\x04...", "expected a text file, found a zip archive or an Excel workbook (save"),
    "array.csv": (b"\x93NUMPY...", "expected a text file, found a .npy file"),
    "title.csv": (b"Study of May\na,b\n1,2\n", "(the numbers begin below line 2, 'a,b': if it is the head"),
    "long_title.csv": (b"Study, May\nby: A; B\n\na;b\n1,5;2\n", "(the numbers begin below line 4, 'a;b': "),
    "two_cells_title.csv": (b"Study,May\na,b\n1,2\n", "column 'Study': expected a number, found 'a' (the n"),
    "utf_16_markless.csv": ("a,b\n1,2\n".encode("utf-16-le"), "a NUL byte, as in UTF-16 without its mark"),
    "utf_16_be_markless.csv": ("ä,b\n1,2\n".encode("utf-16-be"), "a NUL byte, as in UTF-16 without its"),
    "utf_32_markless.csv": ("a,b\n1,2\n".encode("utf-32-le"), "a NUL byte, as in UTF-32 without its mark"),
    "page.csv": (b"\n<!DOCTYPE html>\n<html>\n", "expected columns of numbers, found a web page"),
    "objects.csv": (b'[{"a": 1, "b": 2}]', "expected columns of numbers, found JSON"),
    "packed_by_bzip2.csv": (b"BZh91AY", "found a file packed by bzip2 (unpack it, or pack it by gzip)"),
    "nul.csv": (b"a,b\n1,\x002\n", "expected a text file, found a NUL byte"),
    "cut.csv.gz": (gzip.compress(b"a,b\n1,2\n" * 50)[:-9], "damaged, gzip says: Compressed file ended"),
    "flipped.csv.gz": (gzip.compress(b"a,b\n1,2\n")[:-8] + b"\0" * 8, "damaged, gzip says: CRC check failed"),
    "three.csv": (b"a,b,c\n1,2,3\n", "two columns (input, observed), found 3: --inputs and --outputs"),
    "one.csv": (b"a\n1\n", "expected two columns (input, observed), found 1"),
    "empty.csv": (b"", "expected a header and columns of numbers, found an empty file"),
}  # fmt: skip
CHOSEN = ("index.csv", "date_beside.csv", "text_beside.csv")


def written(folder: Path, name: str, content: bytes) -> str:
    """A file with that content."""
    (folder / name).write_bytes(content)
    return str(folder / name)


@pytest.mark.parametrize("name", MEANT)
def test_a_file_is_read_as_it_was_meant(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """By both readers; and one line on standard error says what was assumed."""
    content, assumed = MEANT[name]
    path = written(tmp_path, name, content)
    columns = ("dose", "effect") if name in CHOSEN else (None, None)
    found = read_observations(path, *columns)
    told = capsys.readouterr().err
    assert (found.inputs, found.observed) == ([0.0, 2.0], [1.5, 3.0])
    assert told.startswith(f"{path}: ")
    assert assumed in told
    assert told.count("\n") == 1
    [block] = [block for part in parts([path], *columns) for block in part]
    assert torch.equal(torch.stack(block), torch.tensor([[0.0, 2.0], [1.5, 3.0]]).double())


@pytest.mark.parametrize("name", REFUSED)
def test_a_file_that_says_something_else_is_refused_in_one_line(name: str, tmp_path: Path) -> None:
    """By both readers, with the file, the line, the column and what is there."""
    content, message = REFUSED[name]
    path = written(tmp_path, name, content)
    with pytest.raises(ValueError, match=re.escape(message)) as small:
        read_observations(path)
    with pytest.raises(ValueError, match=re.escape(message)) as large:
        [block for part in parts([path]) for block in part]
    for caught in (small, large):
        assert str(caught.value).startswith(path)
        assert "\n" not in str(caught.value)


def test_columns_are_chosen_by_name_in_any_order(tmp_path: Path) -> None:
    """One name is enough where there are two columns."""
    path = written(tmp_path, "mine.csv", b"a,b\n1,2\n")
    for names in (("b", "a"), ("b", None), (None, "a")):
        assert read_observations(path, *names) == ([2.0], [1.0], ("b", "a"))
    with pytest.raises(ValueError, match=r"--outputs: .*mine.csv has no column 'c': the columns are a, b"):
        read_observations(path, "a", "c")
    with pytest.raises(ValueError, match="expected two columns, found 'a' twice"):
        read_observations(path, "a", "a")


def test_comments_that_were_left_out_are_counted(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A row that someone switched off by a # is not lost in silence."""
    read_observations(written(tmp_path, "mine.csv", b"# May\na,b\n1,2\n#3,4\n5,6\n"))
    assert "2 comment lines left out" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["plain.csv", "packed.csv.gz"])
def test_a_pipe_is_read_as_a_file_is(name: str, tmp_path: Path) -> None:
    """As of --data <(command): it can be read once."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    writer = threading.Thread(target=pipe.write_bytes, args=(MEANT[name][0],))
    writer.start()
    found = read_observations(str(pipe))
    writer.join()
    assert (found.inputs, found.observed) == ([0.0, 2.0], [1.5, 3.0])
