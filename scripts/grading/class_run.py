"""All submissions of a class, several at once, each judged in a process of its own."""

import gc
import multiprocessing
import os
import warnings
from collections.abc import Callable, Iterator, Sequence
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess

from grading.judging import Graded, Rules, graded, warm_up
from grading.submissions import Submission
from isolation.nursery import Nursery


def grade_all(
    all_of_them: Sequence[Submission], rules: Rules, nursery: Nursery, jobs: int
) -> Iterator[Graded]:
    """Each submission's grade, as soon as it is known."""
    warm_up()
    gc.freeze()  # what is there already is not copied only because a fork looks at it
    context = multiprocessing.get_context("fork")
    waiting, running = list(reversed(all_of_them)), dict[Connection, tuple[BaseProcess, Submission]]()
    try:
        while waiting or running:
            while waiting and len(running) < jobs:
                submission = waiting.pop()
                near, far = context.Pipe(duplex=False)
                process = context.Process(target=_judge, args=(far, submission, rules, nursery))
                _start(process.start)
                far.close()
                running[near] = (process, submission)
            for near in wait(list(running)):
                assert isinstance(near, Connection)
                process, submission = running.pop(near)
                yield _received(near, process, submission)
    finally:
        for process, _ in running.values():
            process.kill()


def _start(start: Callable[[], None]) -> None:
    """Fork, without the warning that other threads are not forked: none of theirs is used."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        start()


def _judge(far: Connection, submission: Submission, rules: Rules, nursery: Nursery) -> None:
    far.send(graded(submission, rules, nursery))
    far.close()


def _received(near: Connection, process: BaseProcess, submission: Submission) -> Graded:
    try:
        found = near.recv()
    except EOFError:
        process.join()
        return Graded(
            submission.student, error=f"grade.py failed to judge it (exit status {process.exitcode})"
        )
    finally:
        near.close()
    process.join()
    assert isinstance(found, Graded)
    return found


def several() -> int:
    """How many at once: more than there are cores, for one that loops leaves its judge with nothing to do."""
    return (os.cpu_count() or 1) + 2
