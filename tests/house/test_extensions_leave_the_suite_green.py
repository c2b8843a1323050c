"""The pages that extend the project, to the letter: everything works in the copy.

Each page's diff goes into a copy of the project by `git apply`, and the four examples of docs/extending.md
with it, first in their tables beside one page and last beside the other. Nothing else is edited.
"""

import json
import os
import re
from pathlib import Path

import pytest

from extended_copy import BLOCKS, ROOT, apply_page, copy_project, diff_of, put, run_in

PAGES = {"add_a_parameter.md": "first", "add_a_hidden_node.md": "last"}
"""Page -> the end of their tables at which the other examples stand beside it."""

NEW = {"add_a_parameter.md": ["w5"], "add_a_hidden_node.md": ["w5", "b4", "w6"]}
SCRIPTS = [
    "compare_gradients.py --wrt all --links --truth",
    "compare_gradients.py --wrt all --links --random 50",
    "train.py --wrt all --learning-rate 0.05 --steps 20 --plot pictures",
    "train.py --wrt all --init random --steps 5",
    "learning_rate.py --wrt all",
    "learning_rate.py --plot pictures",
    "generate.py 1000 data.npy",
    "large.py data.npy --check",
    "large.py data.npy --check --wrt all --learning-rate 1e-5 --steps 2",
    "animate.py --wrt all --steps 3 --plot pictures",
    "train.py --data iris --hidden 4 --epochs 1 --optimiser rmsprop --activation softsign",
    "train.py --data diabetes --hidden 4 --epochs 1 --loss huber_mean",
]
REFUSED = {
    "train.py --data iris --optimiser rmsprop --weight-decay 0.1": "--weight-decay: rmsprop takes learning",
    "train.py --data iris --activation rms_norm": "rms_norm is a layer with parameters of its own",
}
LEFT_OUT = ("test_set_up", "test_packaging", "test_version", "test_extending", "test_extensions")
"""Of the house: what sets up an environment, or builds a wheel, or would extend the copy once more."""

PROFILE = os.environ.get("HYPOTHESIS_PROFILE", "dev")

pages = pytest.mark.parametrize("page", PAGES)


@pages
def test_a_page_says_how_many_files_and_lines_it_touches(page: str) -> None:
    """At most one new file, and a witness's own files: what the page counts is what its diff has."""
    diff = diff_of(page)
    files = re.findall(r"^\+\+\+ b/(\S+)", diff, re.MULTILINE)
    new = diff.split("new file mode")[1].split("diff --git")[0] if "new file mode" in diff else ""
    added = [len(re.findall(r"^\+(?!\+\+ )", text, re.MULTILINE)) for text in (diff, new)]
    text = (ROOT / "docs" / page).read_text()
    said = f"{len(files)} files"
    assert said in text
    assert f"{added[0] - added[1]} lines" in text
    assert not new or f"({added[1]} lines)" in text


@pytest.mark.medium(1)
@pages
def test_a_page_applies_to_the_project_as_it_is(page: str, tmp_path: Path) -> None:
    """Every profile sees at once that a file has moved on; what comes out is lint-free."""
    folder = copy_project(tmp_path)
    apply_page(folder, page)
    for command in (("check", "-q"), ("format", "--check", "-q")):
        done = run_in(folder, "-m", "ruff", *command)
        assert done.returncode == 0, done.stdout


@pytest.fixture(scope="module", params=PAGES)
def extended(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[str, Path]:
    """A page, and a copy of the project with it and all other examples."""
    folder = copy_project(tmp_path_factory.mktemp("extended"))
    apply_page(folder, request.param)
    for file, place, code in BLOCKS:
        put(folder, file, place, code, PAGES[request.param])
    return request.param, folder


@pytest.mark.slow
@pytest.mark.skipif(PROFILE != "thorough", reason="half an hour: set HYPOTHESIS_PROFILE=thorough")
def test_the_whole_suite_is_green(extended: tuple[str, Path]) -> None:
    """In the quick profile, as it is."""
    _, folder = extended
    left_out = [f"--ignore-glob=tests/house/{name}*" for name in LEFT_OUT]
    done = run_in(folder, "-m", "pytest", "-n0", "-q", "--tb=short", "-p", "no:cacheprovider", *left_out)
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]
    assert re.search(r"\d{4} passed", done.stdout)


@pytest.mark.slow
def test_types_are_strict_in_the_copy(extended: tuple[str, Path]) -> None:
    """The diff of a page and the blocks of the guide, as mypy reads them."""
    done = run_in(extended[1], "-m", "mypy")
    assert done.returncode == 0, done.stdout


@pytest.mark.slow
def test_every_script_works(extended: tuple[str, Path]) -> None:
    """One after another, in the copy."""
    _, folder = extended
    for command in SCRIPTS:
        script, *arguments = command.split()
        done = run_in(folder, f"scripts/{script}", *arguments)
        assert done.returncode == 0, f"{command}\n{done.stdout[-3000:]}{done.stderr[-3000:]}"
    for command, line in REFUSED.items():
        script, *arguments = command.split()
        done = run_in(folder, f"scripts/{script}", *arguments)
        assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1), command
        assert line in done.stderr


@pytest.mark.slow
def test_three_witnesses_testify_of_the_new_parameters(extended: tuple[str, Path]) -> None:
    """Ours, autograd's and the truth's value of each, and their links."""
    page, folder = extended
    done = run_in(folder, *["scripts/compare_gradients.py", "--wrt", "all", "--links", "--truth", "--json"])
    rows = {row["name"]: row for row in json.loads(done.stdout)["rows"]}
    for name in NEW[page]:
        assert rows[name]["agrees"]
        assert rows[name]["wrong"] == "neither"
    assert {"add_a_parameter.md": "d_predicted_d_w5", "add_a_hidden_node.md": "d_x3_d_b4"}[page] in rows
