"""train.py says when the learning rate is too large, and when it stopped only because it is small."""

import json

import pytest

import train
from lessons_seven import seven_only


def told(capsys: pytest.CaptureFixture[str], *arguments: str) -> list[str]:
    """The warnings and the advice of a training."""
    assert train.main([*arguments, "--json"]) == 0
    return json.loads(capsys.readouterr().out)["warnings"]


@pytest.mark.slow
def test_a_stable_rate_that_converges_needs_no_word(capsys: pytest.CaptureFixture[str]) -> None:
    """The lesson's own two rates, and one for all seven."""
    assert told(capsys, "--learning-rate", "0.1") == []
    assert told(capsys) == []
    assert told(capsys, "--wrt", "all", "--learning-rate", "0.05", "--steps", "100") == []


@pytest.mark.slow
@seven_only
def test_a_rate_above_the_largest_stable_one_is_told_with_it_at_the_start(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """In the bowl of w3, w4, b3 it must diverge; with all seven it may."""
    warning, advice = told(capsys, "--learning-rate", "0.15")
    assert warning.startswith(
        "Warning: the learning rate 0.15 is above 0.1347, the largest that is stable here"
    )
    assert advice.startswith(
        "The descent diverged, SSR 1.398 to 5.488e+177: take a learning rate below 0.1347"
    )
    [warning] = told(capsys, "--wrt", "all", "--learning-rate", "0.1")
    assert "above 0.06694, the largest that is stable at the start: the SSR may grow" in warning


def test_a_descent_that_overflows_ends_with_advice(capsys: pytest.CaptureFixture[str], tmp_path) -> None:
    """Data on another scale."""
    path = tmp_path / "big.csv"
    path.write_text("dose,effect\n0,0\n500,1\n1000,0\n")
    warning, advice = told(capsys, "--data", str(path))
    assert "above 7.179e-08" in warning
    assert "take a learning rate below 7.179e-08" in advice
    [advice] = told(capsys, "--data", str(path), "--learning-rate", "1e-8")
    assert "not because a minimum is near" in advice


@pytest.mark.slow
def test_small_steps_of_a_small_rate_are_no_minimum(capsys: pytest.CaptureFixture[str]) -> None:
    """The lesson's 0.01 meets the lesson's rule at step 1024, at an SSR of 0.1."""
    [advice] = told(capsys, "--steps", "2000")
    assert advice.startswith(
        "The steps are small because the learning rate is, not because a minimum is near"
    )
    assert "dSSR/db3 is still 0.0998, and rates up to 0.1347 are stable" in advice


@seven_only
def test_the_table_says_where_it_starts_and_warns_before_the_first_step(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """The same words as in the other programs."""
    train.main(["--wrt", "all", "--learning-rate", "0.1", "--steps", "3"])
    lines = capsys.readouterr().out.splitlines()
    assert lines[1] == "Start: where the lesson's follow-up starts all seven"
    assert lines[2].startswith("Warning: the learning rate 0.1 is above 0.06694")
