"""What the pages show works as it is shown; their Python examples are tests of their own (testpaths)."""

import importlib
import re
import shlex
from pathlib import Path

import pytest

from import_arrows import ROOT
from lessons_seven import seven_only

PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]
GUIDES = {"add_a_parameter.md", "add_a_hidden_node.md", "extending.md"}
"""They run in a changed copy of the project, and have tests of their own."""
RUN = "./scripts/run python scripts/"
PROGRAMS = ("compare_gradients", "train", "learning_rate")
LONG = {r"--random \d+": "--random 50", r"--epochs \d+": "--epochs 1"}


def commands() -> list[str]:
    """Every command of the pages that calls one of the programs, once, without its comment."""
    found = []
    for page in PAGES:
        if page.name not in GUIDES:
            for block in re.findall(r"```sh\n(.*?)```", page.read_text(), re.DOTALL):
                lines = block.replace("\\\n", " ").splitlines()
                ours = [line for line in lines if line.startswith(tuple(RUN + name for name in PROGRAMS))]
                found += [shlex.join(shlex.split(line, comments=True)) for line in ours]
    return sorted(set(found))


def test_the_first_page_can_be_read_at_once() -> None:
    """At most 200 lines: what is longer goes to docs/, and is linked."""
    assert len((ROOT / "README.md").read_text().splitlines()) <= 200


def test_the_index_lists_every_page() -> None:
    """docs/README.md is the page of contents."""
    index = (ROOT / "docs/README.md").read_text()
    assert [page.name for page in (ROOT / "docs").glob("[!R]*.md") if f"]({page.name})" not in index] == []


def heading_anchors(page: Path) -> set[str]:
    """The anchors that GitHub gives the headings of a page."""
    headings = re.findall(r"^#+ (.*)$", page.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_leads_somewhere(page: Path) -> None:
    """A file of the repository and a heading of it; addresses of the web are not asked for."""
    text = re.sub(r"```.*?```", "", page.read_text(), flags=re.DOTALL)
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        if target.startswith("https://"):
            continue
        name, _, anchor = target.partition("#")
        path = page.parent / name if name else page
        assert path.exists(), f"{target} of {page.name}"
        assert not anchor or anchor in heading_anchors(path), f"{target} of {page.name}"


# The trainings take seconds each; tests/scripts/training/test_train.py runs shorter ones in every profile.
@pytest.mark.parametrize(
    "command",
    [
        pytest.param(
            command,
            # A derivation of the lesson's network knows seven parameters.
            marks=[pytest.mark.slow] * ("compare_gradients" not in command)
            + [seven_only] * ("--derivation" in command),
        )
        for command in commands()
    ],
)
def test_every_command_of_the_pages_runs(command: str, tmp_path: Path, monkeypatch, capsys) -> None:
    """As written, except that the ten million networks are fifty and the epochs are one."""
    for long, short in LONG.items():
        command = re.sub(long, short, command)
    program, *arguments = shlex.split(command.removeprefix(RUN))
    (tmp_path / "mine.csv").write_text("dose,effect\n0.1,0.2\n0.4,0.9\n")
    (tmp_path / "homework.py").write_bytes((ROOT / "tests/class_of_twelve/ada.py").read_bytes())
    monkeypatch.chdir(tmp_path)
    agrees = "--softplus-threshold" not in arguments
    assert importlib.import_module(Path(program).stem).main(arguments) == (0 if agrees else 1)
    assert capsys.readouterr().out


def shown_in(page: str, printed: str) -> bool:
    """Whether a page has these lines one after the other, to the letter but for trailing blanks."""
    lines = [line.rstrip() for line in printed.splitlines()]
    shown = [line.rstrip() for line in (ROOT / page).read_text().splitlines()]
    return any(shown[start : start + len(lines)] == lines for start in range(len(shown)))


@seven_only
def test_the_table_of_the_first_page_is_what_the_command_prints(capsys) -> None:
    """The whole output of the first command."""
    importlib.import_module("compare_gradients").main([])
    assert shown_in("README.md", capsys.readouterr().out)


@pytest.mark.slow
@seven_only
def test_the_homework_is_answered_as_the_page_shows(capsys) -> None:
    """The report on the student whose sign is lost, and the edit below it: the file has its own path."""
    homework = ROOT / "tests/class_of_twelve/cleo.py"
    importlib.import_module("compare_gradients").main(["--derivation", f"{homework}:by_hand"])
    verdict, _, where = capsys.readouterr().out.partition("\n\nin your code")
    assert shown_in("docs/teaching.md", verdict)
    assert shown_in("docs/teaching.md", "\n".join(line for line in where.splitlines() if "shared = " in line))


@pytest.mark.slow
@seven_only
def test_the_end_of_the_training_is_what_the_command_prints(capsys) -> None:
    """The last five lines at learning rate 0.1."""
    importlib.import_module("train").main(["--learning-rate", "0.1"])
    assert shown_in("docs/train.md", "\n".join(capsys.readouterr().out.splitlines()[-5:]))


@pytest.mark.slow
def test_the_perceptron_training_is_what_the_command_prints(capsys) -> None:
    """But for the digits, and for the place of the largest difference, which are the machine's own sums."""
    [command] = [line for line in commands() if "--data digits" in line]
    importlib.import_module("train").main(shlex.split(command.removeprefix(RUN))[1:])
    own = r"(?<=Largest difference: ).*|\d"
    printed = re.sub(own, "0", capsys.readouterr().out).splitlines()
    shown = re.sub(own, "0", (ROOT / "docs/train.md").read_text()).splitlines()
    start = shown.index(printed[0])
    assert [line.rstrip() for line in shown[start : start + len(printed)]] == [p.rstrip() for p in printed]
