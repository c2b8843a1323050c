"""The page about Triton: by the interpreter its kernel agrees, and its wrong one is refused, as it prints."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
PAGE = (ROOT / "docs" / "check_a_triton_kernel.md").read_text(encoding="utf-8")

pytestmark = pytest.mark.slow


def blocks(language: str) -> list[str]:
    """The page's blocks in a language."""
    return re.findall(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)


def printed(folder: Path, kernel: str) -> str:
    """What the page's check prints of a kernel, in a process of its own."""
    (folder / "softmax_kernel.py").write_text(kernel, encoding="utf-8")
    (folder / "check_softmax.py").write_text(blocks("python")[1], encoding="utf-8")
    environment = os.environ | {
        "TRITON_INTERPRET": "1",
        "PYTHONPATH": os.pathsep.join([str(ROOT), *sys.path]),
    }
    done = subprocess.run(
        [sys.executable, "check_softmax.py"],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.split("\nin your code")[0]  # what follows names the file's folder


def test_the_pages_kernel_agrees_and_its_wrong_one_does_not(tmp_path: Path) -> None:
    """The last block that is not masked is a sum over the next row's numbers."""
    pytest.importorskip("triton")
    right = blocks("python")[0]
    wrong = right.replace("d_loss_d_x, columns", "d_loss_d_x, columns, total")
    wrong = wrong.replace("d_loss_d_x, columns, total, triton", "d_loss_d_x, columns, y.numel(), triton")
    for line in blocks("diff")[0].splitlines():
        wrong = wrong.replace(line[1:], "") if line[0] == "-" else wrong
    added = "\n".join(line[1:] for line in blocks("diff")[0].splitlines() if line[0] == "+")
    wrong = wrong.replace("    found = value", f"{added}\n    found = value")
    own = "least sharp bound: [^ ]+"  # which is the machine's
    assert re.sub(own, "", printed(tmp_path, right)) == re.sub(own, "", blocks("text")[0])
    assert printed(tmp_path, wrong) == blocks("text")[1]
