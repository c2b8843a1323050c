"""An option that a program does not have: what may have been meant."""

import pytest

from reading.option_hints import hint

KNOWN = ("--learning-rate", "--steps", "--wrt", "--plot")
ELSEWHERE = ("--optimiser", "--hidden", "--loss")


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("--lr 0.1", "did you mean --learning-rate?"),
        ("--learning_rate 1", "did you mean --learning-rate?"),
        ("x.gif --epochs 3", "did you mean --steps?"),
        ("--optimizer=adam", "--optimiser is a perceptron's"),
        ("--los", "did you mean --loss? It is a perceptron's"),
        ("--top", ""),
        ("x.gif", ""),
    ],
)
def test_another_programs_name_for_an_option_is_told_ours(given: str, said: str) -> None:
    """Of this program, or of the one that it is beside another option; nothing far-fetched otherwise."""
    assert hint(f"unrecognized arguments: {given}", KNOWN, ELSEWHERE, "is a perceptron's") == said
