"""The family of ways in the catalogue, through gradcheck: what it can see it sees."""

import pytest

from catalogue.ways import ALL, twin
from proof.ways_board import gradchecks
from torch_reference.check.ways import WAYS


@pytest.mark.parametrize(
    ("name", "refused"), [("a jvp", True), ("divides by the upstream", True), ("a tail of rows", False)]
)
def test_gradcheck_is_given_all_that_it_has(name: str, refused: bool) -> None:
    """A tangent and a zero upstream gradient are seen, another number of rows is not; no twin is refused."""
    _, wrong, reference, inputs = ALL[name]
    assert gradchecks(wrong, reference, inputs) is refused
    assert not gradchecks(twin(reference), reference, inputs)


def test_the_family_is_large_enough_to_say_something() -> None:
    """At least forty, and one for every way but the two of which a report only warns."""
    assert len(ALL) >= 40
    assert {way for way, *_ in ALL.values()} == WAYS.keys() - {"changed afterwards", "dimensions"}
