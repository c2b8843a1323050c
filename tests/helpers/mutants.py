"""Test mutmut's mutants in forks of one process that has collected the tests: several times faster.

    export HYPOTHESIS_PROFILE=mutation
    ./scripts/run python tests/helpers/mutants.py "manual_backprop.lesson.descent.*"
    ./scripts/run python tests/helpers/mutants.py "*.truth.*" -- tests/lesson/test_truth.py

The verdicts go where mutmut keeps its own: `mutmut results` and `mutmut show NAME` work on them. What a
function did while the tests were imported, such as making the table of the activations, a fork cannot undo
(nor can `mutmut run`); MUTANT_UNDER_TEST=NAME pytest, in the folder mutants, tests such a mutant.
"""

import fnmatch
import json
import os
import resource
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pytest
import torch._dynamo  # noqa: F401 (torch.func imports it when it is first called: 2 s, in every fork anew)
from mutmut.__main__ import copy_also_copy_files, copy_src_dir, create_mutants, setup_source_paths
from mutmut.configuration import config
from mutmut.mutation.trampoline import set_mutant_under_test
from mutmut.state import state

KILLED, SURVIVED, NO_TESTS, TIMEOUT = 1, 0, 33, 36  # as mutmut writes them
KEPT = 6
"""How many of the tests that killed a module's last mutants are tried first."""


class Forks:
    """A pytest plugin: instead of running the tests once, run those that reach a mutant, for each mutant."""

    def __init__(self, mutants: Iterable[str]) -> None:
        """Take the names of the mutants."""
        self.mutants = list(mutants)
        self.verdicts: dict[str, int] = {}

    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        """Find out which tests reach which function, then judge every mutant."""
        items = {item.nodeid: item for item in session.items}
        found = in_a_fork(lambda: reach(session), 3600)
        if isinstance(found, str):
            raise pytest.UsageError(found)  # a test that fails, or no tests, without a mutant
        reaching, seconds = found
        killers: dict[str, list[str]] = defaultdict(list)
        for name in self.mutants:
            tests = reaching.get(name.rpartition("__mutmut_")[0], [])
            first = killers[name.rpartition(".")[0]]
            order = dict.fromkeys(
                [*(test for test in first if test in tests), *sorted(tests, key=seconds.get)]
            )
            limit = 5 + 2 * sum(seconds[test] for test in tests)
            killer = in_a_fork(lambda o=order, n=name: kill(session, n, [items[test] for test in o]), limit)
            if killer in items:
                first[:] = [killer, *(test for test in first if test != killer)][:KEPT]
            verdict = TIMEOUT if killer is None else KILLED if killer else SURVIVED if tests else NO_TESTS
            self.verdicts[name] = verdict
            if verdict != KILLED:
                say({SURVIVED: "survived", NO_TESTS: "no tests", TIMEOUT: "timeout"}[verdict] + " " + name)
        return True


def in_a_fork(work: Callable[[], Any], limit: float) -> Any:
    """What the work returns in a fork of this process, or None where it takes longer (in CPU seconds)."""
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        resource.setrlimit(resource.RLIMIT_CPU, (int(limit), int(limit) + 1))
        try:
            answer = work()
        except BaseException as error:  # a mutant may raise anything, anywhere
            answer = repr(error)
        with os.fdopen(write, "w") as pipe:
            json.dump(answer, pipe)
        os._exit(0)
    os.close(write)
    with os.fdopen(read) as pipe:
        text = pipe.read()
    os.waitpid(child, 0)
    return json.loads(text) if text else None


def reach(session: pytest.Session) -> tuple[dict[str, list[str]], dict[str, float]]:
    """The tests that reach each function, and the CPU seconds that each test takes."""
    set_mutant_under_test("stats")
    reaching, seconds = defaultdict(list), {}
    for item, following in zip(session.items, [*session.items[1:], None], strict=True):
        state()._stats.clear()
        start = time.process_time()
        item.config.hook.pytest_runtest_protocol(item=item, nextitem=following)
        seconds[item.nodeid] = time.process_time() - start
        if session.testsfailed:
            raise RuntimeError(f"{item.nodeid} fails without a mutant")
        for function in state()._stats:
            reaching[function].append(item.nodeid)
    return reaching, seconds


def kill(session: pytest.Session, mutant: str, items: list[pytest.Item]) -> str:
    """The first test that fails, or an empty string."""
    set_mutant_under_test(mutant)
    for item, following in zip(items, [*items[1:], None], strict=True):
        item.config.hook.pytest_runtest_protocol(item=item, nextitem=following)
        if session.testsfailed:
            return item.nodeid
    return ""


def say(line: str) -> None:
    """Print beside pytest's own output, which is captured."""
    print(line, file=sys.__stderr__, flush=True)


def files_of(patterns: list[str]) -> Iterable[str]:
    """The files with a function whose mutants the patterns may name."""
    for source in config().source_paths:
        for path in sorted(source.rglob("*.py")):
            mutant = ".".join(path.with_suffix("").parts) + ".x_function__mutmut_1"
            if any(fnmatch.fnmatch(mutant, f"{pattern.rpartition('.')[0]}.*") for pattern in patterns):
                yield str(path)


def main(patterns: list[str], tests: list[str]) -> None:
    """Make the mutants, judge those that the patterns name, and write the verdicts down."""
    set_mutant_under_test("mutant_generation")
    config().only_mutate = list(files_of(patterns))  # all of them take minutes
    Path("mutants").mkdir(exist_ok=True)
    copy_src_dir()
    copy_also_copy_files()
    setup_source_paths()
    create_mutants(1)
    metas = {path: json.loads(path.read_text()) for path in sorted(Path("mutants").rglob("*.meta"))}
    names = [name for meta in metas.values() for name in meta["exit_code_by_key"]]
    forks = Forks(name for pattern in patterns for name in fnmatch.filter(names, pattern))
    os.chdir("mutants")
    set_mutant_under_test("")
    pytest.main(["--rootdir=.", "-qq", "--tb=no", "-r", "", *config().pytest_add_cli_args, *tests], [forks])
    os.chdir("..")
    for path, meta in metas.items():
        own = {name: forks.verdicts[name] for name in meta["exit_code_by_key"] if name in forks.verdicts}
        meta["exit_code_by_key"] |= own
        path.write_text(json.dumps(meta, indent=4))
        if own:
            counts = [list(own.values()).count(v) for v in (KILLED, SURVIVED, TIMEOUT, NO_TESTS)]
            say(
                f"{path.stem[:-3]:14} {len(own):4}: {counts[0]} killed, {counts[1]} survived, "
                f"{counts[2]} timed out, {counts[3]} without tests"
            )


if __name__ == "__main__":
    arguments = [*sys.argv[1:], "--"]
    cut = arguments.index("--")
    main(arguments[:cut], arguments[cut + 1 : -1] or config().pytest_add_cli_args_test_selection)
