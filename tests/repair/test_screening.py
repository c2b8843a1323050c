"""Most edits are told off where they stand: by the one statement, run again."""

import ast

import torch

from torch_reference.repair.edits.source_text import Source, TextEdit
from torch_reference.repair.screening import Screen, Wanted

TEXT = "def backward(x):\n    y = 2 * x\n    y[3] *= 1.01\n    return y\n"


def test_an_edit_that_leaves_one_wrong_number_of_many_is_told_off() -> None:
    """It is near what is wanted to half of the digits of all numbers together, as what is wrong is."""
    x = torch.randn(4096, generator=torch.Generator().manual_seed(0))
    manual = 2 * x
    manual[3] *= 1.01
    source, [function] = Source(TEXT), ast.parse(TEXT).body
    assert isinstance(function, ast.FunctionDef)
    statement = function.body[1]
    screen = Screen(
        source, [statement], {}, {"x": x, "y": 2 * x}, Wanted(3, manual, (2 * x).double()), way=("y",)
    )
    start = TEXT.index("1.01")
    passed = [screen.passes(TextEdit(start, start + 4, text, 1)) for text in ("1", "1.01 + 0", "1.5 - 0.49")]
    assert passed == [True, False, False]
