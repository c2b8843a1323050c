"""`--fix` of a file in another encoding than UTF-8."""

from argparse import Namespace

from torch_reference.check.shell.told_report import tell


def test_the_diff_has_the_encoding_of_its_file(tmp_path, capfdbinary) -> None:
    """Else `git apply` finds no line of it that has an accent."""
    options = Namespace(plot=None, json=False, fix=True)
    for cookie, encoding in (("# -*- coding: latin-1 -*-\n", "latin-1"), ("", "utf-8")):
        file = tmp_path / f"{encoding}.py"
        file.write_bytes(f"{cookie}d = 1  # dérivée\n".encode(encoding))
        repairs = Namespace(found=(Namespace(file=str(file)),))
        tell(Namespace(agrees=False, fix="-d = 1  # dérivée\n", repairs=repairs), options)
        assert capfdbinary.readouterr().out == "-d = 1  # dérivée\n".encode(encoding)
