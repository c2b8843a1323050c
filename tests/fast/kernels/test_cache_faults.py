"""Whatever happens to a cache, a compiler or its options: no process dies of it, and no number is wrong.

The libraries are damaged by the hundred, in one process that would be the one to die; what concerns compilers
and processes is tried as a user meets it, in a process each.
"""

import os
import random
import re
import shutil
import time
from pathlib import Path

import pytest

from fast_ways import COMPILED
from kernel_caches import RIGHT, in_a_process_of_its_own, libraries, started, use
from processes import PATIENCE

pytestmark = [pytest.mark.skipif(not COMPILED, reason="no C compiler here"), pytest.mark.slow]


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A cache with both libraries, to be copied."""
    cache = tmp_path_factory.mktemp("filled")
    assert use(cache) == RIGHT
    return cache


SEED = int(os.environ.get("MUTANTS_SEED", "20261125"))
FUZZ = """
import pathlib, random, sys
import torch
from manual_backprop import gradients, lesson
from manual_backprop.fast import gradients as fast
from manual_backprop.fast.kernels import compiled_library, compiler, private_cache

recipe = compiler.recipe(torch.float64)
[file] = private_cache.cache_path().glob(f"kernel-{recipe}-*")
whole, name = file.read_bytes(), file.name
compiler.compiled = lambda *_: built.append(1) or whole  # what a compiler would make of it, in no time
expected = gradients(lesson.start(), *lesson.data())
chosen = random.Random(int(sys.argv[1]))

def damaged(number):
    if number < 42:  # cut
        return whole[: chosen.randrange(len(whole))]
    if number < 63:  # zeroed from a place on, or a sector of it
        first = chosen.randrange(len(whole))
        last = chosen.choice([len(whole), min(first + 4096, len(whole))])
        return whole[:first] + bytes(last - first) + whole[last:]
    place, bit = chosen.randrange(len(whole)), 1 << chosen.randrange(8)
    return whole[:place] + bytes([whole[place] ^ bit]) + whole[place + 1 :]

for number in range(363):
    contents, built = damaged(number), []
    file.write_bytes(contents)
    compiled_library.forget()
    found = fast(lesson.start(), *lesson.data())
    right = all(torch.allclose(found[key], expected[key], rtol=1e-14, atol=0) for key in expected)
    kept = private_cache.cache_path().joinpath(name).read_bytes() == whole
    print(number, right, kept, bool(built) == (contents != whole), flush=True)
"""


def test_363_damaged_libraries_are_built_anew(filled: Path, tmp_path: Path) -> None:
    """42 cut, 21 zeroed, 300 with a flipped bit: 0 processes die, 0 numbers are wrong, 0 are kept."""
    shutil.copytree(filled, tmp_path, dirs_exist_ok=True)
    ended = in_a_process_of_its_own(tmp_path, FUZZ, str(SEED))
    assert ended.stdout.splitlines() == [f"{number} True True True" for number in range(363)], (
        f"seed {SEED}: {ended.stderr}"
    )
    assert ended.returncode == 0


FLAGS = {
    # From GCC 13 on a shared library no longer makes the process flush, and its sums are seen instead.
    "-ffast-math": "flush subnormal numbers|not that of the plain derivation",
    "-funsafe-math-optimizations": "flush subnormal numbers|not that of the plain derivation",
    "-fassociative-math -fno-signed-zeros": "not that of the plain derivation",
    "-ffinite-math-only": "not that of the plain derivation",
    "-fsingle-precision-constant": "not that of the plain derivation",
    "-march=sapphirerapids -DINTEGER=int": None,
    "-fsanitize=address": None,
    "-m32": None,
    "-c": None,
}


def test_a_bad_flag_is_one_warning_and_the_numbers_are_right(tmp_path: Path) -> None:
    """Wrong numbers, a process's state, an instruction that is not there: the plain way is taken.

    Where a machine or a compiler knows better, the kernel is right; no process dies in either case. They
    share a cache, and with the right flags all is as it should be.
    """
    for flags, reason in FLAGS.items():
        used = use(tmp_path, CC=f"gcc {flags}", precisions=1)
        assert used.right, flags
        assert not used.flushes, flags
        assert len(used.said) <= 1, flags
        if reason:
            assert re.search(reason, used.said[0]), flags
            assert not used.compiled[0], flags
    assert use(tmp_path) == RIGHT


def test_another_compilers_library_without_the_functions_is_refused(tmp_path: Path) -> None:
    """It is a library, and loads."""
    cc = "sh -c 'for last; do :; done; echo int x\\; | cc -shared -x c - -o \"$last\"'"
    used = use(tmp_path, CC=cc)
    assert used.right
    [said] = used.said
    assert "failed its trial: undefined symbol: gradients" in said


def test_no_umask_makes_the_cache_anybodys(tmp_path: Path) -> None:
    """Files and folder."""
    assert use(tmp_path, umask=0) == RIGHT
    cache = tmp_path / "manual-backprop"
    assert cache.stat().st_mode & 0o777 == 0o700
    assert {path.stat().st_mode & 0o777 for path in cache.iterdir()} == {0o600}


def test_a_library_that_was_planted_in_an_open_cache_is_not_loaded(filled: Path, tmp_path: Path) -> None:
    """Even under the right name: whoever could write it could write anything."""
    shutil.copytree(filled, tmp_path, dirs_exist_ok=True)
    cache = tmp_path / "manual-backprop"
    cache.chmod(0o777)
    used = use(tmp_path)
    assert used.right
    assert used.compiled == [False, False]
    assert len(used.said) == 1
    cache.chmod(0o700)
    assert use(tmp_path) == RIGHT


def test_a_process_that_is_killed_at_any_time_leaves_a_cache_that_works(tmp_path: Path) -> None:
    """At ten moments of its first compilation; the next one finds all or nothing, and cleans up."""
    cache, chosen = tmp_path / "manual-backprop", random.Random(SEED)
    for _ in range(10):
        process = started(tmp_path)
        deadline = time.monotonic() + 60
        while not cache.is_dir() and process.is_alive() and time.monotonic() < deadline:
            time.sleep(0.001)
        time.sleep(chosen.random())
        process.kill()
        process.join()
        if chosen.random() < 0.5:
            for path in cache.iterdir():
                if path.is_file():
                    path.unlink()
    assert use(tmp_path) == RIGHT
    assert [name.partition("-")[0] for name in libraries(cache)] == ["kernel", "kernel"]


def test_four_processes_at_once_build_one_cache(tmp_path: Path) -> None:
    """Each its own, and all the same; or they find another's."""
    processes = [started(tmp_path) for _ in range(4)]
    for process in processes:
        process.join(PATIENCE)
    assert [process.exitcode for process in processes] == [0] * 4
    assert len(libraries(tmp_path / "manual-backprop")) == 2
    assert use(tmp_path) == RIGHT
