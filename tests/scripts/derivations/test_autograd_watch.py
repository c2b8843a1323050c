"""Who asks another library for a derivative: what its author asks for, not what torch has imported."""

import subprocess
import sys
from pathlib import Path

import pytest

SCRIPTS = Path(__file__).parents[3] / "scripts"


@pytest.mark.medium
@pytest.mark.parametrize("asks", [False, True])
def test_a_package_that_torch_imported_is_nobodys_question(tmp_path: Path, asks: bool) -> None:
    """Unless the author asks for it: some of what torch needs imports jax wherever it is installed."""
    (tmp_path / "author.py").write_text("def f():\n    import jax\n" if asks else "def f():\n    pass\n")
    done = f"""if True:
        import sys, types
        sys.path[:0] = [{str(SCRIPTS)!r}, {str(tmp_path)!r}]
        sys.modules["jax"] = types.ModuleType("jax")
        from isolation.autograd_watch import AutogradWatch
        watch = AutogradWatch(["jax", "mxnet"])
        import author
        author.f()
        print(watch.found())
    """
    ended = subprocess.run([sys.executable, "-c", done], capture_output=True, text=True, check=True)
    assert ended.stdout == ("['the package jax']\n" if asks else "[]\n")
