"""A derivation in a process of its own: numbers come back, or one line that says what it did."""

from support.ending import UsersCodeError

import re
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import torch

import unruly
from isolation.derivation import IsolatedDerivation
from isolation.named import Named
from isolation.nursery import Nursery
from manual_backprop import lesson

FILE = str(Path(unruly.__file__))
GIB = 1 << 30


@pytest.fixture(scope="module")
def nursery() -> Iterator[Nursery]:
    """One for all tests: it is made to serve many."""
    with Nursery() as made:
        yield made


@pytest.fixture
def call(nursery: Nursery) -> Callable[..., dict]:
    """Call a derivation once, at the lesson's point."""

    def once(attribute: str, module: str = FILE, seconds: float = 20.0) -> dict:
        named = Named(module, attribute)
        with IsolatedDerivation(nursery, named, seconds=seconds, memory=4 * GIB) as derivation:
            found = derivation(lesson.start(), *lesson.data())
            return found | {"autograd": list(derivation.autograd)}

    return once


@pytest.mark.medium
def test_numbers_come_back_bit_for_bit(call: Callable) -> None:
    """From a file, from a module, from a method, a static one and one without self."""
    expected = unruly.right(lesson.start(), *lesson.data())
    for attribute, module in (
        ("right", FILE),
        ("right", "unruly"),
        ("Homework.by_hand", FILE),
        ("Homework.static", FILE),
        ("Homework.without_self", FILE),
    ):
        found = call(attribute, module)
        assert all(torch.equal(found[name], value) for name, value in expected.items())


def line_of(name: str, text: str) -> int:
    """The line of the file in which the function of that name does what the text is."""
    lines = Path(FILE).read_text().splitlines()
    start = next(number for number, line in enumerate(lines) if line.startswith(f"def {name}("))
    return 1 + next(number for number in range(start, len(lines)) if text in lines[number])


FAILURES = {
    "raises": ("1 / 0", "ZeroDivisionError: division by zero"),
    "exits": ("sys.exit", r"it ended the program with sys.exit\(0\)"),
    "exits_at_once": ("os._exit", r"it ended its process \(exit status 0\)"),
    "crashes": ("string_at", "it was ended by SIGSEGV"),
    "eats_memory": ("1 << 45", r"it ran out of memory \(RuntimeError\)"),
}


@pytest.mark.medium(1)
@pytest.mark.parametrize("name", FAILURES)
def test_each_way_to_fail_is_one_line_with_the_authors_file_and_line(call: Callable, name: str) -> None:
    """An exception, two ways to end the process, a crash, and too much memory."""
    text, message = FAILURES[name]
    with pytest.raises(UsersCodeError, match=f"^unruly.py, line {line_of(name, text)}: {message}$"):
        call(name)


@pytest.mark.medium
def test_a_loop_is_stopped_where_it_is(call: Callable) -> None:
    """After the time that was given, with the line in which it turns."""
    with pytest.raises(
        UsersCodeError, match=r"unruly.py, line \d+: it was still running after 1 s \(--timeout\)"
    ):
        call("loops", seconds=1.0)


def test_a_kill_is_told_though_nothing_tells_where(call: Callable) -> None:
    """The system kills without a word."""
    with pytest.raises(UsersCodeError, match=r"^it was ended by SIGKILL, as where memory runs out$"):
        call("is_killed")


@pytest.mark.parametrize("name", ["writes_to_every_file", "forges_its_answer"])
def test_what_is_forged_on_the_link_is_no_answer(call: Callable, name: str) -> None:
    """One line, whatever was written, and no number."""
    with pytest.raises(UsersCodeError, match=r"^(it ended its|what came back from its) process"):
        call(name)


def test_a_process_that_was_left_behind_ends_with_it(call: Callable) -> None:
    """Though it is of another session than its parent."""
    process = int(call("leaves_a_process")["w3"])
    for _ in range(100):
        if not Path(f"/proc/{process}").exists():
            return
        time.sleep(0.02)
    raise AssertionError(f"process {process} is still there")


@pytest.mark.medium
def test_it_goes_on_after_an_end(nursery: Nursery) -> None:
    """At another point the same derivation may do well: its process is begun anew."""
    with IsolatedDerivation(nursery, Named(FILE, "exits_at_once")) as derivation:
        for _ in range(3):
            with pytest.raises(UsersCodeError, match="ended its process"):
                derivation(lesson.start(), *lesson.data())


def test_what_it_did_to_its_arguments_is_seen_here(call: Callable, nursery: Nursery) -> None:
    """A changed input is changed, what shared memory shares it, what requires grad does so."""
    start, (inputs, observed) = lesson.start(), lesson.data()
    with IsolatedDerivation(nursery, Named(FILE, "changes_its_input")) as derivation:
        derivation(start, inputs, observed)
    assert inputs.tolist() == [1.0, 1.5, 2.0]
    with IsolatedDerivation(nursery, Named(FILE, "returns_its_input")) as derivation:
        found = derivation(start, *lesson.data())
    assert found["w3"].data_ptr() == start["w3"].data_ptr()
    assert found["b3"].requires_grad


@pytest.mark.sample(2)
@pytest.mark.parametrize(
    ("name", "note"),
    [
        ("asks_autograd", "torch.autograd.grad"),
        ("calls_backward", "Tensor.backward"),
        ("hides_a_module", "a torch.nn.Module"),
    ],
)
def test_who_asks_autograd_is_noted_with_the_line(call: Callable, name: str, note: str) -> None:
    """Once for each line, whatever it calls inside torch."""
    [found] = call(name)["autograd"]
    assert re.fullmatch(rf"{note} \(unruly.py, line \d+\)", found)
    assert call("right")["autograd"] == []


def test_lies_stay_where_they_are_told(call: Callable) -> None:
    """A subclass, a patched torch and another default dtype do not reach the judge."""
    found = call("lies")
    expected = unruly.right(lesson.start(), *lesson.data())
    assert type(found["w3"]) is torch.Tensor
    assert found["w3"].item() == 2 * expected["w3"].item()
    assert torch.get_default_dtype() == torch.float32
    assert not torch.equal(torch.zeros(1), torch.ones(1))


@pytest.mark.medium
def test_a_name_that_stands_for_nothing_is_bad_input(call: Callable) -> None:
    """It is not the author's code that failed."""
    for attribute, module, message in (
        ("nowhere", FILE, "has no attribute 'nowhere'"),
        ("f", "nowhere.py", "no such file"),
        ("f", "nowhere", "cannot import nowhere"),
        ("__doc__", FILE, "to be a function, found str"),
    ):
        with pytest.raises(ValueError, match=message):
            call(attribute, module)


def test_a_result_without_a_form_is_a_type_error(call: Callable) -> None:
    """As it is for a derivation in this process."""
    for name, found in (
        ("nothing", "nothing: does it return?"),
        ("is_sparse", "'w3': a tensor with the layout torch.sparse"),
    ):
        with pytest.raises(
            TypeError, match=f"must return a mapping name -> tensor, found {re.escape(found)}"
        ):
            call(name)


@pytest.mark.slow
def test_a_clean_nursery_knows_nothing_of_this_process() -> None:
    """An interpreter of its own, whose pupils answer as the others do."""
    with Nursery(clean=True) as clean, IsolatedDerivation(clean, Named(FILE, "numbers")) as derivation:
        found = derivation(lesson.start(), *lesson.data())
    assert found == unruly.numbers(lesson.start(), *lesson.data())
