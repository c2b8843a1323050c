"""--inputs and --outputs choose columns by name, by one rule in every program."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

import compare_gradients
import large
import learning_rate
import train

PROGRAMS: list[tuple[Any, list[str]]] = [
    (compare_gradients, ["--data"]),
    (train, ["--steps", "3", "--data"]),
    (learning_rate, ["--data"]),
    (large, ["--steps", "3", "--learning-rate", "0.01"]),
]
VARYING = ("seconds", "peak_memory")


@pytest.mark.parametrize(("program", "arguments"), PROGRAMS, ids=lambda one: getattr(one, "__name__", None))
def test_columns_are_chosen_by_name(
    program: Any, arguments: Sequence[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Two of three, in another order, with a decimal comma: the numbers of the plain file."""
    (tmp_path / "plain.csv").write_text("dose,effect\n0,1.5\n2,3\n")
    (tmp_path / "three.csv").write_text("who;effect;dose\nA;1,5;0\nB;3;2\n")
    found = []
    for name, chosen in (("plain.csv", []), ("three.csv", ["--inputs", "dose", "--outputs", "effect"])):
        assert program.main([*arguments, str(tmp_path / name), *chosen, "--json"]) == 0
        document = json.loads(capsys.readouterr().out)
        found.append({key: value for key, value in document.items() if key not in VARYING})
    assert found[0] == found[1]


@pytest.mark.slow
@pytest.mark.parametrize("program", [compare_gradients, train, learning_rate], ids=lambda one: one.__name__)
def test_columns_without_a_file_are_refused(program: Any) -> None:
    """The lesson's data have no columns to choose from."""
    with pytest.raises(ValueError, match=r"expected --data FILE\.csv beside them, found none"):
        program.main(["--inputs", "dose"])
