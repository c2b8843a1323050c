"""What a start does not wait for: libraries that only some calls need are not imported before."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPTS = Path(__file__).parents[2] / "scripts"
PROGRAM = """
import json, sys
import manual_backprop, manual_backprop.fast.lesson_gradient, manual_backprop.fast.perceptron_gradient
import manual_backprop.fast.quick_descent
packages = set(sys.modules)
import compare_gradients
compare_gradients.main(["--json"])
print(json.dumps([sorted(packages), sorted(sys.modules)]))
"""


@pytest.mark.slow
def test_neither_the_package_nor_a_comparison_imports_what_it_does_not_need() -> None:
    """The slow ones are torch._dynamo (1.8 s), sympy, mpmath, matplotlib and rich."""
    line = [sys.executable, "-c", PROGRAM]
    result = subprocess.run(line, cwd=SCRIPTS, capture_output=True, text=True, check=True)
    packages, all_modules = (set(found) for found in json.loads(result.stdout.splitlines()[-1]))
    slow = {"torch._dynamo", "torch._inductor", "sympy", "mpmath", "matplotlib", "rich", "pandas", "pyarrow"}
    assert not slow & packages
    assert "torch_reference" not in packages
    assert not slow & all_modules
