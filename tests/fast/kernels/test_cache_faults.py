"""Whatever happens to a cache, a compiler or its options: no process dies of it, and no number is wrong.

The libraries are damaged by the hundred, in one process that would be the one to die; what concerns compilers
and processes is tried as a user meets it, in a process each.
"""

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from fast_ways import COMPILED
from kernel_caches import ONE_USE, ROOT, Use, libraries, use

pytestmark = [pytest.mark.skipif(not COMPILED, reason="no C compiler here"), pytest.mark.slow]
RIGHT = Use(compiled=[True, True], right=True, said=[], flushes=False)

SEED = 20261125
FUZZ = """
import pathlib, random, sys
import torch
from manual_backprop import gradients, lesson
from manual_backprop.fast import gradients as fast
from manual_backprop.fast.kernels import compiled_library, compiler, private_cache

[file] = private_cache.cache_path().iterdir()
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


def test_363_damaged_libraries_are_built_anew(tmp_path: Path) -> None:
    """42 cut, 21 zeroed, 300 with a flipped bit: 0 processes die, 0 numbers are wrong, 0 are kept."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "XDG_CACHE_HOME": str(tmp_path)}
    once = "import torch; from manual_backprop.fast import kernels; kernels.library(torch.float64)"
    subprocess.run([sys.executable, "-c", once], env=environment, check=True)
    line = [sys.executable, "-W", "error", "-c", FUZZ, str(SEED)]
    ended = subprocess.run(line, env=environment, capture_output=True, text=True)
    assert ended.stdout.splitlines() == [f"{number} True True True" for number in range(363)], (
        f"seed {SEED}: {ended.stderr}"
    )
    assert ended.returncode == 0


FLAGS = {
    "-ffast-math": "flush subnormal numbers",
    "-funsafe-math-optimizations": "flush subnormal numbers",
    "-fassociative-math -fno-signed-zeros": "not that of the plain derivation",
    "-ffinite-math-only": "not that of the plain derivation",
    "-fsingle-precision-constant": "not that of the plain derivation",
    "-march=sapphirerapids -DINTEGER=int": None,
    "-fsanitize=address": None,
    "-m32": None,
    "-c": None,
}


@pytest.mark.parametrize("flags", FLAGS)
def test_a_bad_flag_is_one_warning_and_the_numbers_are_right(flags: str, tmp_path: Path) -> None:
    """Wrong numbers, a process's state, an instruction that is not there: the plain way is taken.

    Where a machine or a compiler knows better, the kernel is right; no process dies in either case.
    """
    used = use(tmp_path, CC=f"gcc {flags}")
    assert used.right
    assert not used.flushes
    assert len(used.said) <= 1
    if FLAGS[flags]:
        assert FLAGS[flags] in used.said[0]
        assert not used.compiled[0]
    # And with the right flags, all is as it should be.
    assert use(tmp_path) == RIGHT


def test_another_compilers_library_without_the_functions_is_refused(tmp_path: Path) -> None:
    """It is a library, and loads."""
    cc = "sh -c 'for last; do :; done; echo int x\\; | cc -shared -x c - -o \"$last\"'"
    used = use(tmp_path, CC=cc)
    assert used.right
    [said] = used.said
    assert "failed its trial: undefined symbol: gradients" in said


@pytest.mark.parametrize("umask", [0, 0o077])
def test_any_umask_makes_a_private_cache(umask: int, tmp_path: Path) -> None:
    """Files and folder."""
    assert use(tmp_path, umask=umask) == RIGHT
    cache = tmp_path / "manual-backprop"
    assert cache.stat().st_mode & 0o777 == 0o700
    assert {path.stat().st_mode & 0o777 for path in cache.iterdir()} == {0o600}


def test_a_library_that_was_planted_in_an_open_cache_is_not_loaded(tmp_path: Path) -> None:
    """Even under the right name: whoever could write it could write anything."""
    assert use(tmp_path) == RIGHT
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
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "XDG_CACHE_HOME": str(tmp_path)}
    cache, chosen = tmp_path / "manual-backprop", random.Random(SEED)
    for _ in range(10):
        process = subprocess.Popen(
            [sys.executable, "-c", ONE_USE],
            env=environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        deadline = time.monotonic() + 60
        while not cache.is_dir() and process.poll() is None and time.monotonic() < deadline:
            time.sleep(0.001)
        time.sleep(chosen.random())
        process.send_signal(signal.SIGKILL)
        process.wait()
        if chosen.random() < 0.5:
            for path in cache.iterdir():
                if path.is_file():
                    path.unlink()
    assert use(tmp_path) == RIGHT
    assert [name.partition("-")[0] for name in libraries(cache)] == ["kernel", "kernel"]


def test_four_processes_at_once_build_one_cache(tmp_path: Path) -> None:
    """Each its own, and all the same; or they find another's."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "XDG_CACHE_HOME": str(tmp_path)}
    line = [sys.executable, "-W", "error", "-c", ONE_USE]
    processes = [
        subprocess.Popen(line, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        for _ in range(4)
    ]
    ended = [process.communicate() for process in processes]
    assert [process.returncode for process in processes] == [0] * 4, ended
    assert len(libraries(tmp_path / "manual-backprop")) == 2
