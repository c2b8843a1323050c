"""Both packages know the version of the project: one number, in pyproject.toml."""

import shutil
import subprocess
import sys
import tomllib
from importlib import metadata
from pathlib import Path

import pytest

import manual_backprop
import torch_reference
from import_arrows import ROOT

PACKAGES = ("manual_backprop", "torch_reference")


def version_found(folder: Path) -> str:
    """What _version.py of a package finds where it lies."""
    code = "import runpy; print(runpy.run_path('manual_backprop/_version.py')['version']())"
    return subprocess.run(
        [sys.executable, "-c", code], cwd=folder, capture_output=True, text=True, check=True
    ).stdout.strip()


def test_both_packages_have_the_version_of_the_project() -> None:
    """And a test of the wheel holds that of the installation to it."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert manual_backprop.__version__ == torch_reference.__version__ == project["version"]


def test_both_packages_find_it_in_the_same_way() -> None:
    """The file is there twice, since neither package imports the other; the two are one text."""
    first, second = ((ROOT / package / "_version.py").read_text() for package in PACKAGES)
    assert first == second


@pytest.mark.sample(3)
@pytest.mark.parametrize(
    ("pyproject", "expected"),
    [
        ('[project]\nname = "manual-backprop"\nversion = "9.8.7"\n', "9.8.7"),
        ('[project]\nname = "another"\nversion = "9.8.7"\n', metadata.version("manual-backprop")),
        ("[build-system]\n", metadata.version("manual-backprop")),
        ("not TOML", metadata.version("manual-backprop")),
        (None, metadata.version("manual-backprop")),
    ],
    ids=["the checkout's", "another project's", "no project", "no TOML", "none"],
)
def test_a_checkout_has_its_own_version_and_an_installation_its_own(
    tmp_path: Path, pyproject: str | None, expected: str
) -> None:
    """A pyproject.toml beside the package counts where it is this project's; else what was installed."""
    (tmp_path / "manual_backprop").mkdir()
    shutil.copy(ROOT / "manual_backprop/_version.py", tmp_path / "manual_backprop")
    if pyproject is not None:
        (tmp_path / "pyproject.toml").write_text(pyproject)
    assert version_found(tmp_path) == expected
