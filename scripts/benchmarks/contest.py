"""Who does the same work faster: blocks of calls in turn, so that a busy machine slows everybody alike."""

import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import torch

BLOCK_SECONDS = 0.2
"""A block repeats what is short until it takes so long: a clock and a scheduler disturb it no more."""


@dataclass(frozen=True)
class Contestant:
    """One way to do the work."""

    name: str
    run: Callable[[], object]
    share: float = 1.0  # of the work, which run does: its time is divided by this
    prepared_in: float | None = None  # seconds of compiling, which are told apart


@dataclass(frozen=True)
class Contest:
    """A workload: our way, the peers' ways, and how many times faster than each we want to be."""

    name: str
    title: str
    size: int  # observations, networks or parameters: the axis of the picture
    ours: Contestant
    peers: Sequence[Contestant]
    goals: dict[str, float]
    check: Callable[[], None]  # raises AssertionError unless all did the same work
    missing: Sequence[str] = ()  # peers that are not installed


@dataclass(frozen=True)
class Result:
    """What one contest came to, on one dtype."""

    contest: Contest
    dtype: str
    seconds: dict[str, list[float]]  # contestant -> the time of the work in each block
    memory: dict[str, float] = field(default_factory=dict)  # contestant -> MiB at its peak

    @property
    def ours(self) -> float:
        """Our median, in seconds."""
        return statistics.median(self.seconds[self.contest.ours.name])

    def ratio(self, peer: str) -> tuple[float, float, float]:
        """How many times faster we are: lower quartile, median and upper quartile over pairs of blocks."""
        pairs = zip(self.seconds[peer], self.seconds[self.contest.ours.name], strict=True)
        ratios = [theirs / ours for theirs, ours in pairs]
        if len(ratios) == 1:
            return (ratios[0],) * 3
        low, middle, high = statistics.quantiles(ratios, n=4, method="inclusive")
        return low, middle, high


def hold(contest: Contest, dtype: str, blocks: int, device: torch.device) -> Result:
    """Check that all agree, then time a block of each in turn."""
    everybody = (contest.ours, *contest.peers)
    contest.check()
    numbers = {who.name: _calls_in_a_block(who.run, device) for who in everybody}
    seconds: dict[str, list[float]] = {who.name: [] for who in everybody}
    for _ in range(blocks):
        for who in everybody:
            number = numbers[who.name]
            seconds[who.name].append(_timed(who.run, number, device) / number / who.share)
    return Result(contest, dtype, seconds)


def _timed(run: Callable[[], object], number: int, device: torch.device) -> float:
    start = time.perf_counter()
    for _ in range(number):
        run()
    if device.type == "cuda":
        torch.cuda.synchronize()
    return time.perf_counter() - start


def _calls_in_a_block(run: Callable[[], object], device: torch.device) -> int:
    """The first call warms up, the second says how long one takes."""
    _timed(run, 1, device)
    return max(1, round(BLOCK_SECONDS / max(_timed(run, 1, device), 1e-6)))
