"""scripts/run repairs what was interrupted, moved or changed, and keeps what the user made."""

import shutil
import subprocess
from pathlib import Path

import pytest

from pretended_checkout import AGAIN, FRESH, Checkout


def test_a_failed_install_says_why_and_is_tried_again(checkout: Checkout) -> None:
    """The message of pip is shown with its explanation, and a failure is not taken for a set-up."""
    status, _, errors = checkout.run("true", fake="failing")
    assert status == 125
    assert "ERROR: no such version\n" in errors
    assert "because of this\n" in errors
    assert "Collecting" not in errors
    assert checkout.made() == FRESH
    assert checkout.run("true")[0] == 0
    assert checkout.made() == AGAIN


@pytest.mark.parametrize(("moment", "repair"), [("killed-in-venv", FRESH), ("killed", AGAIN)])
def test_a_killed_set_up_is_repaired_by_the_next_call(
    checkout: Checkout, moment: str, repair: list[str]
) -> None:
    """Killed while venv or pip works, the set-up goes on where it can."""
    assert checkout.run("true", fake=moment)[0] == -9
    checkout.made()
    assert checkout.run("true")[0] == 0
    assert checkout.made() == repair


def test_a_half_installed_package_is_installed_again(checkout: Checkout) -> None:
    """Metadata without INSTALLER is removed, which pip would take for a complete package."""
    checkout.run("true", fake="killed")
    half = checkout.put_package("pytest-9.2.0", complete=False)
    whole = checkout.put_package("rich-15.0.0")
    checkout.run("true")
    assert (half.exists(), whole.exists()) == (False, True)


@pytest.mark.parametrize("name", ["pyproject.toml", "scripts/constraints.txt"])
def test_a_changed_file_installs_again_into_the_same_environment(checkout: Checkout, name: str) -> None:
    """New pins or extras reach an existing .venv, which is not made anew."""
    checkout.run("true")
    checkout.made()
    with (checkout.root / name).open("a") as file:
        file.write("# changed\n")
    checkout.run("true")
    assert checkout.made() == AGAIN


def test_a_moved_checkout_is_set_up_again(checkout: Checkout) -> None:
    """The commands in .venv/bin name the folder where they were installed."""
    checkout.run("true")
    checkout.put_package("torch-2.13.0+cpu")
    checkout.made()
    checkout.root = checkout.root.rename(checkout.root.with_name("moved"))
    assert checkout.run("true")[0] == 0
    assert checkout.made() == FRESH


def test_the_torch_of_the_user_is_kept(checkout: Checkout) -> None:
    """A torch that stood in .venv before the set-up stays, also when the pins change."""
    checkout.make_own_venv()
    checkout.put_package("torch-2.14.0+cu130")
    checkout.run("true")
    assert checkout.made() == ["install torch==2.14.0+cu130"]
    (checkout.root / "scripts/constraints.txt").write_text("torch==2.15.0\n")
    checkout.run("true")
    assert checkout.made() == ["install torch==2.14.0+cu130"]


def test_the_torch_of_the_set_up_follows_the_pin(checkout: Checkout) -> None:
    """An existing checkout does not stay behind with the torch of its first day."""
    checkout.run("true")
    checkout.put_package("torch-2.13.0+cpu")
    checkout.made()
    (checkout.root / "scripts/constraints.txt").write_text("torch==2.15.0\n")
    checkout.run("true")
    assert checkout.made() == ["install torch==2.15.0"]


def test_a_moved_environment_with_the_torch_of_the_user_is_not_removed(checkout: Checkout) -> None:
    """To make .venv again would lose a build that only the user knows how to get."""
    checkout.make_own_venv()
    checkout.put_package("torch-2.14.0+cu130")
    checkout.run("true")
    checkout.root = checkout.root.rename(checkout.root.with_name("moved"))
    status, _, errors = checkout.run("true")
    assert status == 125
    assert "its torch 2.14.0+cu130 is yours: remove .venv" in errors
    assert list(checkout.root.glob(".venv/lib/*/site-packages/torch-*"))


@pytest.mark.skipif(shutil.which("flock") is None, reason="the lock needs flock")
def test_two_first_calls_at_once_set_up_once(checkout: Checkout) -> None:
    """The second call waits for the first, and finds the work done."""
    calls = [checkout.start("echo", "data", fake="slow") for _ in range(2)]
    outputs = [call.communicate(timeout=10)[0] for call in calls]
    assert outputs == ["data\n", "data\n"]
    assert checkout.made() == FRESH


@pytest.mark.parametrize("target", ["an environment", "an empty folder", "nothing"])
def test_a_link_to_another_environment_is_refused_in_one_line(
    checkout: Checkout, tmp_path: Path, target: str
) -> None:
    """What the link points to, which may serve another checkout, is left as it is; so is the link."""
    other = tmp_path / "other/.venv"
    if target != "nothing":
        other.mkdir(parents=True)
    if target == "an environment":
        (other / "bin").mkdir()
        shutil.copy(checkout.tools / "python3", other / "bin/python")
        (other / "set-up").write_text("elsewhere\n2.13.0\n1 2\n")
    (checkout.root / ".venv").symlink_to(other)
    before = sorted(other.rglob("*"))
    status, output, errors = checkout.run("echo", "data")
    assert (status, output, errors.count("\n")) == (125, "", 1)
    assert errors.startswith("scripts/run: .venv is a symbolic link; remove it")
    assert checkout.made() == []
    assert sorted(other.rglob("*")) == before
    assert (checkout.root / ".venv").readlink() == other


def test_a_link_is_refused_even_where_it_works(checkout: Checkout, tmp_path: Path) -> None:
    """Set up once and then moved behind a link: the next change of pins would empty what is behind it."""
    checkout.run("true")
    (checkout.root / ".venv").rename(tmp_path / "moved")
    (checkout.root / ".venv").symlink_to(tmp_path / "moved")
    assert checkout.run("true")[0] == 125
    assert (tmp_path / "moved/bin/python").exists()


def test_a_file_in_the_place_of_the_environment_is_refused(checkout: Checkout) -> None:
    """It is not ours to remove."""
    (checkout.root / ".venv").write_text("mine")
    status, _, errors = checkout.run("true")
    assert (status, errors.count("\n")) == (125, 1)
    assert (checkout.root / ".venv").read_text() == "mine"


def test_a_link_to_the_script_runs_in_its_checkout(checkout: Checkout, tmp_path: Path) -> None:
    """A relative link to an absolute one, from another folder."""
    (tmp_path / "far").mkdir()
    (tmp_path / "near").symlink_to(checkout.root / "scripts/run")
    (tmp_path / "far/run").symlink_to("../near")
    checkout.run("true")
    command = [tmp_path / "far/run", "echo", "data"]
    assert subprocess.run(command, capture_output=True, text=True, check=False).stdout == "data\n"
