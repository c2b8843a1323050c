"""The benchmark holds its contests, checks that all do the same work, and tells what it measured."""

import json
from pathlib import Path
from typing import Any

import pytest
import torch

from benchmark import main
from benchmarks import comparing, floor, telling, tricks
from benchmarks.contest import Contest, Contestant, Result, hold
from lessons_seven import seven_only
from manual_backprop.fast import lesson_gradient as fast
from manual_backprop.fast.kernels import compiled_library

CPU = torch.device("cpu")


def contest(agree: bool = True, goal: float = 2.0) -> Contest:
    """Ours does nothing; the peer does half of its work, and sums a thousand numbers for it."""

    def check() -> None:
        assert agree, "the peer computes something else"

    ours, peer = Contestant("ours", lambda: None), Contestant("peer", lambda: sum(range(1000)), share=0.5)
    return Contest("name", "a title", 3, ours, [peer], {"peer": goal}, check, missing=["absent"])


@pytest.mark.slow
def test_a_quick_benchmark_tells_ratio_goal_and_peers(capsys: pytest.CaptureFixture[str]) -> None:
    """In one JSON object, with every block's time."""
    line = ["--quick", "--only", "gradient-3-of-3", "--dtype", "float32", "--json"]
    assert main(line) == 0
    [found] = json.loads(capsys.readouterr().out)["contests"]
    assert (found["name"], found["dtype"], found["size"]) == ("gradient-3-of-3", "float32", 3)
    peers = {peer["name"]: peer for peer in found["peers"]}
    assert {"plain derivation", "autograd eager", "torch.func.grad"} <= set(peers)
    assert peers["autograd eager"]["goal"] == 6
    assert all(len(peer["seconds"]) == 3 and min(peer["seconds"]) > 0 for peer in peers.values())
    assert "JAX jit" in set(peers) | set(found["missing"])


def test_a_contest_is_not_timed_unless_all_agree() -> None:
    """A fast wrong answer is no answer."""
    with pytest.raises(AssertionError, match="the peer computes something else"):
        hold(contest(agree=False), "float64", 1, CPU)


def test_a_share_of_the_work_is_scaled_to_the_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    """What ran half of the work is told with twice its time, where every call takes a second."""
    monkeypatch.setattr("benchmarks.contest._timed", lambda run, number, device: float(number))
    found = hold(contest(), "float64", 2, CPU)
    assert found.seconds == {"ours": [1.0, 1.0], "peer": [2.0, 2.0]}


def result(goal: float) -> Result:
    """Ours takes 1 ms, the peer 4, 3 and 5 ms."""
    return Result(
        contest(goal=goal), "float64", {"ours": [1e-3] * 3, "peer": [4e-3, 3e-3, 5e-3]}, {"ours": 12.4}
    )


def test_the_table_says_what_was_met_and_what_was_missed(capsys: pytest.CaptureFixture[str]) -> None:
    """The median of the ratios, its quartiles, and the goal beside it; nothing is wider than 80 columns."""
    telling.print_result(result(goal=2.0))
    met = capsys.readouterr().out
    telling.print_result(result(goal=5.0))
    missed = capsys.readouterr().out
    assert "ours, float64: 1 ms, 12 MiB" in met
    assert [line.split() for line in met.splitlines() if "peer" in line] == [
        ["peer", "4", "ms", "4", "3.5", "to", "4.5", "2", "met"]
    ]
    assert "not installed" in met
    assert "missed" in missed
    assert max(map(len, (met + missed).splitlines())) <= 80


def test_the_markdown_table_has_a_line_for_every_goal() -> None:
    """As the README shows it."""
    assert telling.markdown([result(goal=5.0)]).splitlines() == [
        "| workload | peer | goal | float64 |",
        "| --- | --- | ---: | ---: |",
        "| a title | peer | 5 | 4 (missed) |",
    ]


def test_the_markdown_table_says_which_peer_is_not_installed() -> None:
    """A goal against JAX stays in the table of a machine without it."""
    found = result(goal=2.0)
    found.contest.goals["absent"] = 1.0
    assert telling.markdown([found]).splitlines()[2:] == [
        "| a title | peer | 2 | 4 |",
        "| a title | absent | 1 | not installed |",
    ]


TRICKS = tricks.makers(observations=20_000)


@pytest.mark.sample(11)
@pytest.mark.parametrize("name", [name for name in TRICKS if name != "trick-perceptron-large"])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_each_trick_is_held_against_the_plain_way_alone(name: str, dtype: torch.dtype) -> None:
    """Both have the same result, within rounding; the large perceptron differs from the small by its size."""
    trick = TRICKS[name](dtype)
    trick.check()
    assert trick.name == name
    assert len(trick.peers) == 1


@pytest.mark.sample(1)
@pytest.mark.parametrize("name", ["trick-kernel-3", "floor"])
def test_a_trick_with_another_result_is_not_timed(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Were it a hundred times as fast."""
    right = fast.gradients

    def wrong(*case: Any) -> dict[str, torch.Tensor]:
        found = right(*case)
        return found | {"w3": found["w3"] * (1 + 1e-9)}

    monkeypatch.setattr(fast, "gradients", wrong)
    monkeypatch.setitem(tricks.GRADIENTS, "kernel", wrong)
    contest = {**TRICKS, "floor": lambda dtype: floor.contest(4096, dtype)}[name](torch.float64)
    with pytest.raises(AssertionError, match="w3"):
        contest.check()


@pytest.mark.slow
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("compiled", [True, False])
def test_the_floor_has_the_kernels_own_softplus_where_there_is_a_compiler(
    compiled: bool, dtype: torch.dtype, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And says that it is missing where there is none."""
    if compiled and compiled_library.library(dtype) is None:
        pytest.skip("no C compiler here")
    if not compiled:
        monkeypatch.setattr(compiled_library, "library", lambda dtype: None)
    contest = floor.contest(20_000, dtype)
    contest.check()
    assert (floor.KERNELS in {peer.name for peer in contest.peers}) == compiled
    assert (floor.KERNELS in contest.missing) != compiled


@pytest.mark.slow
@seven_only
def test_the_tricks_are_run_by_their_option(capsys: pytest.CaptureFixture[str]) -> None:
    """Without those contests that have goals."""
    line = ["--quick", "--tricks", "--dtype", "float64", "--json"]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("benchmark.MILLION", 1024)
        patch.setattr("benchmark.tricks.makers", lambda n: {"trick-steps": TRICKS["trick-steps"]})
        assert main(line) == 0
    found = json.loads(capsys.readouterr().out)["contests"]
    assert [contest["name"] for contest in found] == ["trick-steps", "floor"]
    assert not any(peer["goal"] for contest in found for peer in contest["peers"])


@pytest.mark.slow
def test_a_check_is_timed_over_several_problems() -> None:
    """Each of them agrees, and the time is that of one."""
    contest = comparing.every_element(torch.float64, CPU, rows=4)
    assert contest.ours.run()
    assert (contest.name, contest.ours.share) == ("every-element-4-rows", comparing.PROBLEMS)


@pytest.mark.slow
def test_the_pictures_are_drawn(tmp_path: Path) -> None:
    """One for each dtype."""
    main(["--quick", "--only", "gradient-3-of-3", "--dtype", "float64", "--plot", str(tmp_path)])
    assert [path.name for path in tmp_path.iterdir()] == ["speed-float64.png"]


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (["--only", "nothing"], "invalid choice: 'nothing'"),
        (["--json", "--markdown"], "choose one"),
        (["--device", "nowhere"], "no device"),
        (["--tricks", "--only", "floor"], "not allowed with"),
    ],
)
def test_bad_input_is_one_clear_line(
    line: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Before anything is measured."""
    with pytest.raises((SystemExit, ValueError)) as error:
        main(line)
    assert message in capsys.readouterr().err + str(error.value)
