"""The contests that say what agreement costs compare what agrees."""

import pytest
import torch

import benchmark
from benchmarks import cost_of_the_check

CPU = torch.device("cpu")
small = cost_of_the_check.contest


@pytest.mark.sample(1)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("name", cost_of_the_check.PAIRS)
def test_a_right_backward_agrees_here_and_with_gradcheck(name: str, dtype: torch.dtype) -> None:
    """Of few elements; the pass of the reference is one of float64 in either case."""
    contest = cost_of_the_check.contest(name, 8, dtype, CPU)
    contest.check()
    derivatives = contest.peers[0].run()
    assert {value.dtype for value in derivatives} == {torch.float64}
    assert contest.goals == {}


def test_the_goal_is_that_of_a_million_elements() -> None:
    """At most forty passes; the growth is read off the other sizes."""
    assert cost_of_the_check.contest("softmax", 20, torch.float64, CPU).goals == {
        cost_of_the_check.PASS: 1 / 40
    }
    names = [name for name in benchmark.further_makers() if name.startswith("check-")]
    assert len(names) == 4 * len(cost_of_the_check.PAIRS)
    assert not set(names) & set(benchmark.makers(quick=True))


@pytest.mark.slow
def test_its_memory_can_be_measured(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """By the same name, in a process of its own."""
    assert "check-layer-norm-20" in benchmark.WITH_MEMORY
    monkeypatch.setattr(cost_of_the_check, "contest", lambda name, power, *rest: small(name, 8, *rest))
    line = ["--only", "check-layer-norm-20", "--dtype", "float64", "--quick", "--peak-of", "check_function"]
    assert benchmark.main(line) == 0
    assert capsys.readouterr().out.startswith("peak MiB: ")
