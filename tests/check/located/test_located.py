"""What a report says of the user's own lines, for functions, pairs and derivations."""

import json
import subprocess
from pathlib import Path

import pytest
import torch
from torch.nn import functional

import traced_functions as code
from torch_reference import check_derivation, check_function
from user_files import imported


class Swish(torch.autograd.Function):
    """One line of a backward, and it is wrong."""

    @staticmethod
    def forward(ctx, x):
        """x · sigmoid(x)."""
        s = torch.sigmoid(x)
        ctx.save_for_backward(x, s)
        return x * s

    @staticmethod
    def backward(ctx, grad_output):
        """The sign before s is wrong."""
        x, s = ctx.saved_tensors
        return grad_output * s * (1 + x * (1 + s))


@pytest.mark.medium
@pytest.mark.parametrize("function", [Swish, Swish.apply], ids=["the class", "its apply"])
def test_the_line_of_a_returned_gradient_is_shown_with_its_edit(function) -> None:
    """Without a single variable that could be paired."""
    text = str(check_function(function, functional.silu, torch.randn(4, 3, dtype=torch.float64)))
    assert "test_located.py:30\n      return grad_output * s * (1 + x * (1 + s))" in text
    assert "+        return grad_output * s * (1 + x * (1 - s))" in text
    assert text.count("one edit that would make it right") == 1


@pytest.mark.slow
def test_a_function_of_several_lines_shows_its_chain(tmp_path: Path) -> None:
    """From the loss backwards, with the wrong variable marked, and as JSON."""
    source = code.LAYER_NORM.replace("rstd ** 3", "rstd ** 2")
    module = imported(tmp_path, "norm", f"import torch\nimport torch.nn.functional as F\n{source}")
    inputs = [torch.randn(6, 5).double(), torch.randn(5).double(), torch.randn(5).double()]
    report = check_function(module.LayerNorm, module.reference, *inputs)
    text = str(report)
    assert "  ✗ dvar    wrong here  line 24" in text
    assert "  · dxc     inherited" in text
    assert "+        dvar = drstd * -0.5 * rstd ** 3" in text
    facts = json.loads(json.dumps(report.to_dict(), allow_nan=False))
    assert facts["inside"]["first_wrong"] == "var"
    [edit] = facts["edits"]
    assert edit["line"] == 24
    right = source.replace("rstd ** 2", "rstd ** 3")
    subprocess.run(["git", "init", "-q"], cwd=tmp_path, check=True)
    subprocess.run(
        ["git", "apply", "--unsafe-paths", "-p0", "-"],
        cwd="/",
        input=_absolute(edit["diff"]),
        text=True,
        check=True,
    )
    assert right in (tmp_path / "norm.py").read_text()


def _absolute(diff: str) -> str:
    return diff.replace("--- a/", "--- /").replace("+++ b/", "+++ /")


@pytest.mark.slow
def test_a_pair_with_helpers_shows_the_helpers_line(tmp_path: Path) -> None:
    """The line in the function that backward calls; its edit is tried through it."""
    source = code.HELPERS.replace("dw = x.T @ dout", "dw = 2 * x.T @ dout")
    module = imported(tmp_path, "helpers", source)
    shapes = [(6, 4), (4, 5), (5,), (5, 3), (3,)]
    inputs = [torch.randn(shape, dtype=torch.float64) for shape in shapes]
    text = str(check_function(module.function, module.reference, *inputs))
    assert "+    dw = x.T @ dout" in text, text


def test_a_right_function_has_no_such_part() -> None:
    """Nothing is run line by line where nothing is wrong."""
    report = check_function(functional.silu, functional.silu, torch.randn(3, dtype=torch.float64))
    assert "in your code" not in str(report)
    assert not hasattr(report, "inside")


def test_no_draws_means_no_line_and_no_edit() -> None:
    """Who asks for no explanation waits for none."""
    report = check_function(Swish, functional.silu, torch.randn(4, 3, dtype=torch.float64), draws=0)
    assert "in your code" not in str(report)


@pytest.mark.medium
def test_a_derivation_shows_the_line_of_its_own_variable() -> None:
    """The forward pass is the derivation's own."""
    model = torch.nn.Linear(3, 2, bias=False).double()

    def by_hand(p, x, t):
        predicted = x @ p["weight"].T
        d_predicted = 2 * (t - predicted)
        return {"weight": d_predicted.T @ x}

    x, t = torch.randn(5, 3).double(), torch.randn(5, 2).double()
    text = str(check_derivation(model, lambda out, t: ((out - t) ** 2).sum(), x, t, by_hand))
    assert "✗ d_predicted  wrong here" in text
    assert "-        d_predicted = 2 * (t - predicted)" in text
    assert "one edit that would make it right" in text
