"""Text as people have it: packed by gzip or not, in UTF-8, UTF-16 or the Latin-1 of Windows."""

import codecs
import gzip
import io
import sys
import zlib
from pathlib import Path
from typing import BinaryIO, NamedTuple, TextIO

SAMPLE = 2**20
"""Bytes of a file by which its encoding, its separator and its decimal sign are told."""

MARKS = {
    codecs.BOM_UTF8: "utf-8-sig",
    codecs.BOM_UTF32_LE: "utf-32",  # before UTF-16, whose mark it begins with
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}
OTHERS = {
    b"PK\x03\x04": "a zip archive or an Excel workbook (save it as CSV)",
    b"\xd0\xcf\x11\xe0": "an old Excel workbook (save it as CSV)",
    b"PAR1": "a Parquet file",
    b"\x93NUMPY": "a .npy file",
    b"%PDF": "a PDF",
    b"BZh": "a file packed by bzip2 (unpack it, or pack it by gzip)",
    b"\xfd7zXZ": "a file packed by xz (unpack it, or pack it by gzip)",
    b"\x28\xb5\x2f\xfd": "a file packed by zstd (unpack it, or pack it by gzip)",
    b"7z\xbc\xaf": "a 7-Zip archive",
    b"Rar!": "a RAR archive",
    b"SQLite format 3": "a database of SQLite",
    b"\x89HDF": "an HDF5 file",
    b"\x89PNG": "a picture",
    b"\xff\xd8\xff": "a picture",
}
PAGES = {b"<!doctype": "a web page", b"<html": "a web page", b"<?xml": "XML", b"[{": "JSON", b'{"': "JSON"}
"""Text, but no table: what a download gives where one has to log in, for instance."""
LATIN = "cp1252"
"""What Windows calls Latin-1."""

NAMES = {"utf-8": "UTF-8", "utf-8-sig": "UTF-8", "utf-16": "UTF-16", "utf-32": "UTF-32", LATIN: "Latin-1"}


class TextFile(NamedTuple):
    """Where a text lies and how it is read; the beginning of it."""

    path: Path
    is_packed: bool
    encoding: str
    beginning: str  # whole lines, or all of it
    is_whole: bool

    def open(self) -> TextIO:
        """The text from its start, for its numbers; every line end is a newline. It may raise UNREADABLE."""
        raw = gzip.open(self.path) if self.is_packed else self.path.open("rb")  # noqa: SIM115
        # In a column that nobody asked for one byte may be odd; in a number it stays one that is no digit.
        return io.TextIOWrapper(raw, encoding=self.encoding, errors="replace", newline=None)  # type: ignore[arg-type]


UNREADABLE = (EOFError, zlib.error, gzip.BadGzipFile)
"""What a damaged gzip file leads to, while it is read."""


def look(path: Path) -> TextFile:
    """Find out how a file is read; ValueError in one line for one that is missing, or is no text."""
    try:
        is_packed, sample, is_whole = _beginning(path)
    except UNREADABLE as error:
        raise ValueError(f"{path}: damaged, gzip says: {error}") from None
    except OSError as error:
        raise ValueError(f"{path}: {error.strerror or error}") from None
    encoding, text = _decoded(path, sample, is_whole)
    text = _lines(text)
    if not is_whole:
        end = text.rfind("\n") + 1
        if not end:
            raise ValueError(f"{path}: expected lines, found none that ends within {SAMPLE} bytes")
        text = text[:end]
    return TextFile(path, is_packed, encoding, text, is_whole)


def whole_text(file: TextFile) -> tuple[str, str]:
    """All of a text, and its encoding: that of the beginning, unless a later line shows another."""
    if file.is_whole:
        return file.encoding, file.beginning
    try:
        with gzip.open(file.path) if file.is_packed else file.path.open("rb") as opened:
            encoding, text = _decoded(file.path, opened.read(), is_whole=True)
    except UNREADABLE as error:
        raise ValueError(f"{file.path}: damaged, gzip says: {error}") from None
    except OSError as error:
        raise ValueError(f"{file.path}: {error.strerror or error}") from None
    return encoding, _lines(text)


def check_text(path: Path, text: str) -> None:
    """Raise ValueError for a text with a NUL, which no text has."""
    if "\0" in text:
        raise ValueError(f"{path}: expected a text file, found a NUL byte{_without_a_mark(text)}")


def _without_a_mark(text: str) -> str:
    """What the places of its zeros say of a text: in UTF-16 every second byte of plain text is one."""
    zeros, rest = {place % 4 for place, sign in enumerate(text[:400]) if sign == "\0"}, len(text[:400])
    share = text[:400].count("\0") / rest
    if share > 0.6:
        return ", as in UTF-32 without its mark: save it as UTF-8"
    if share > 0.3 and (zeros <= {0, 2} or zeros <= {1, 3}):
        return ", as in UTF-16 without its mark (BOM): save it as UTF-8, or as UTF-16 with one"
    return ""


def _beginning(path: Path) -> tuple[bool, bytes, bool]:
    """Whether a file is packed, what it begins with, and whether that is all; a pipe is read to its end."""
    with path.open("rb") as file:
        first = _read(file, SAMPLE + 1 if path.is_file() else sys.maxsize)
    is_packed = first.startswith(b"\x1f\x8b")
    if not path.is_file():
        return is_packed, gzip.decompress(first) if is_packed else first, True
    if is_packed:
        with gzip.open(path) as unpacked:
            first = _read(unpacked, SAMPLE + 1)
    return is_packed, first, len(first) <= SAMPLE


def _read(file: BinaryIO, size: int) -> bytes:
    """So many bytes, or all: a packed file gives fewer at a time."""
    found = b""
    while len(found) < size and (more := file.read(min(size - len(found), SAMPLE + 1))):
        found += more
    return found


def _lines(text: str) -> str:
    """The text with the line ends of Unix."""
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _decoded(path: Path, sample: bytes, is_whole: bool) -> tuple[str, str]:
    """The encoding, and the text as far as the sample goes."""
    for magic, what in OTHERS.items():
        if sample.startswith(magic):
            raise ValueError(f"{path}: expected a text file, found {what}")
    for start, what in PAGES.items():
        if sample[:100].removeprefix(codecs.BOM_UTF8).lstrip().lower().startswith(start):
            raise ValueError(f"{path}: expected columns of numbers, found {what}")
    encoding = next((name for mark, name in MARKS.items() if sample.startswith(mark)), "utf-8")
    try:
        text = codecs.getincrementaldecoder(encoding)().decode(sample, final=is_whole)
    except UnicodeDecodeError:
        if encoding != "utf-8":
            name = NAMES[encoding]
            raise ValueError(f"{path}: expected {name}, as its mark says, found other bytes") from None
        encoding = LATIN
        text = _latin(path, sample)
    check_text(path, text)
    return encoding, text


def _latin(path: Path, sample: bytes) -> str:
    try:
        text = sample.decode(LATIN)
    except UnicodeDecodeError:
        text = "\x01"
    if any(sign < " " and sign not in "\t\n\r\f\0" for sign in set(text)):
        raise ValueError(f"{path}: expected a text file in UTF-8, UTF-16 or Latin-1, found other bytes")
    return text
