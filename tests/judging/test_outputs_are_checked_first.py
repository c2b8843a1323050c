"""A place that cannot be written to is told before the work, not after it, in one clear line."""

from collections.abc import Sequence
from importlib import import_module
from pathlib import Path

import pytest

PERCEPTRON = ["--class", "kind", "--data", "mine.csv", "--hidden", "3", "--epochs", "1"]
OWN = ["--derivation", "homework:derivation", "--model", "homework:task"]
# The script, where its work begins, and its arguments up to the place that is written to.
FOLDERS: list[tuple[str, str, list[str]]] = [
    ("train", "train.descend", ["--plot"]),
    ("train", "training.run.Run.train", [*PERCEPTRON, "--plot"]),
    ("learning_rate", "learning_rate.choose", ["--plot"]),
    ("animate", "animate.choose", ["--plot"]),
    ("benchmark", "benchmark._results", ["--quick", "--plot"]),
]
FILES: list[tuple[str, str, list[str]]] = [
    ("train", "training.run.Run.train", [*PERCEPTRON, "--checkpoint"]),
    ("train", "training.run.Run.train", [*PERCEPTRON, "--log"]),
    ("data_parallel", "data_parallel._start", ["--checkpoint"]),
    ("compare_gradients", "comparing.derivation_of_a_model.named_model", [*OWN, "--counterexample"]),
    ("generate", "generate._blocks", ["10"]),
]
SUFFIX = {"generate": ".npy"}
NOWHERE = Path("/proc/1")  # nobody makes a file there, root included


@pytest.fixture
def idle(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> pytest.MonkeyPatch:
    """A folder to work in, with data, where no work may begin."""
    monkeypatch.chdir(tmp_path)
    Path("mine.csv").write_text("a,kind\n" + "1,x\n2,y\n" * 10)
    for _, work, _ in (*FOLDERS, *FILES):
        module, _, name = work.rpartition(".")
        owner = import_module(module[:-4]).Run if module.endswith(".Run") else import_module(module)
        monkeypatch.setattr(owner, name, lambda *a, **k: pytest.fail("the work began"))
    return monkeypatch


def told(script: str, arguments: Sequence[str]) -> str:
    """The one line of the script, which leaves the folder as it was."""
    before = sorted(Path().rglob("*"))
    with pytest.raises(ValueError, match=r"^[^\n]+$") as caught:
        import_module(script).main(arguments)
    assert sorted(Path().rglob("*")) == before
    return str(caught.value)


@pytest.mark.medium
@pytest.mark.usefixtures("idle")
@pytest.mark.parametrize(("script", "work", "arguments"), FOLDERS)
def test_a_folder_that_cannot_be_written_to(script: str, work: str, arguments: list[str]) -> None:
    """A file in its way, a file above it, and a place where nobody may make one."""
    assert told(script, [*arguments, "mine.csv"]) == "--plot mine.csv: Not a directory"
    assert told(script, [*arguments, "mine.csv/new"]) == "--plot mine.csv/new: Not a directory"
    if NOWHERE.is_dir():
        assert told(script, [*arguments, str(NOWHERE)]).startswith(f"--plot {NOWHERE}: ")
        assert told(script, [*arguments, str(NOWHERE / "new")]).startswith(f"--plot {NOWHERE / 'new'}: ")


@pytest.mark.usefixtures("idle")
@pytest.mark.parametrize(("script", "work", "arguments"), FILES)
def test_a_file_that_cannot_be_written(script: str, work: str, arguments: list[str]) -> None:
    """A folder in its place, a file above it, and a place where nobody may make one."""
    suffix = SUFFIX.get(script, ".txt")
    Path(f"folder{suffix}").mkdir()
    assert f"folder{suffix}: " in told(script, [*arguments, f"folder{suffix}"])
    assert "mine.csv" in told(script, [*arguments, f"mine.csv/new{suffix}"])
    if NOWHERE.is_dir():
        assert str(NOWHERE) in told(script, [*arguments, str(NOWHERE / f"new{suffix}")])


def test_what_fails_while_it_is_written_is_told_too(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A disk that is full in the middle: one line, and nothing of the file is left."""
    generate, data_parallel = import_module("generate"), import_module("data_parallel")

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(generate, "_blocks", full)
    with pytest.raises(OSError, match=r"No space left on device: '.*new\.npy'$"):
        generate.main(["10", str(tmp_path / "new.npy")])
    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(OSError, match=r"No space left on device: '--checkpoint .*new\.pt'$"):
        data_parallel.save(data_parallel.State(0, {}, {}), tmp_path / "new.pt", {})
    assert list(tmp_path.iterdir()) == []
