"""What a user installs: the wheel, its metadata, and the line that names a missing extra."""

from support.ending import run

import subprocess
import sys
import zipfile
from email.message import Message
from email.parser import Parser
from importlib import metadata
from pathlib import Path

import pytest

from support.installed_packages import require

ROOT = Path(__file__).parents[2]
PACKAGES = ("manual_backprop", "torch_reference")


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> zipfile.ZipFile:
    """The wheel that `pip install .` builds, with the hatchling that is installed."""
    folder = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(folder), str(ROOT)]
    result = subprocess.run(build, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stdout + result.stderr
    [path] = folder.glob("*.whl")
    return zipfile.ZipFile(path)


@pytest.fixture(scope="module")
def wheel_metadata(wheel: zipfile.ZipFile) -> Message:
    """The METADATA file of the wheel."""
    [name] = [name for name in wheel.namelist() if name.endswith(".dist-info/METADATA")]
    return Parser().parsestr(wheel.read(name).decode())


@pytest.mark.slow
def test_wheel_holds_every_file_of_the_two_packages_and_nothing_else(wheel: zipfile.ZipFile) -> None:
    """No package, module or py.typed is dropped, and neither tests nor scripts slip in."""
    code = {name for name in wheel.namelist() if ".dist-info/" not in name}
    expected = {
        path.relative_to(ROOT).as_posix()
        for package in PACKAGES
        for path in (ROOT / package).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert code == expected
    assert {f"{package}/py.typed" for package in PACKAGES} <= code


@pytest.mark.medium
def test_wheel_carries_the_licence(wheel: zipfile.ZipFile, wheel_metadata: Message) -> None:
    """The text of the MIT licence travels with the wheel, and the metadata names it."""
    [name] = [name for name in wheel.namelist() if name.endswith("/licenses/LICENSE")]
    assert wheel.read(name) == (ROOT / "LICENSE").read_bytes()
    assert wheel_metadata["License-Expression"] == "MIT"


def test_wheel_has_the_version_that_is_installed(wheel_metadata: Message) -> None:
    """The environment of the tests is not the leftover of an earlier version."""
    assert wheel_metadata["Version"] == metadata.version("manual-backprop")


def test_wheel_asks_for_python_3_11(wheel_metadata: Message) -> None:
    """An older Python is refused before torch is downloaded."""
    assert wheel_metadata["Requires-Python"] == ">=3.11"


def test_constraints_pin_every_package_once() -> None:
    """Each line is name==version, and no name comes twice in any spelling."""
    lines = (ROOT / "scripts/constraints.txt").read_text().splitlines()
    pins = [line.split("==") for line in lines if not line.startswith("#")]
    assert all(len(pin) == 2 for pin in pins)
    names = [name.lower().replace("_", "-") for name, _ in pins]
    assert names == sorted(set(names))


def test_require_returns_the_module_itself() -> None:
    """A module inside a library comes back, not the library that holds it."""
    assert require("email.parser", extra="plot").Parser is Parser


def test_a_missing_extra_ends_a_script_with_one_line_and_status_2(capsys: pytest.CaptureFixture[str]) -> None:
    """A script without its extra says how to install it, as it answers any bad input."""
    with pytest.raises(SystemExit) as exit_:
        run(lambda _: require("no_such_library.pyplot", extra="plot"))
    assert exit_.value.code == 2
    printed = capsys.readouterr()
    assert printed.err.endswith("error: this needs no_such_library: pip install -e '.[plot]'\n")
    assert (printed.out, printed.err.count("\n")) == ("", 1)


def test_a_broken_library_is_not_called_a_missing_extra(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A library that is there and lacks something of its own says what it lacks."""
    (tmp_path / "broken_library.py").write_text("import what_it_lacks\n")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(ModuleNotFoundError, match="what_it_lacks"):
        require("broken_library", extra="plot")
