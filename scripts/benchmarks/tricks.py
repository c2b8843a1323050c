"""What each trick of docs/speed.md gains: the fast way against our own plain way to the same numbers."""

import functools
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

import torch_reference
from benchmarks import perceptrons
from benchmarks.contest import Contest, Contestant
from benchmarks.lesson_gradient import ALL, data
from manual_backprop import LESSON_WRT, gradients, lesson
from manual_backprop.fast import lesson_gradient as fast
from manual_backprop.fast import quick_descent, triangle, triangle_descent
from manual_backprop.fast import triangle_in_blocks as fast_triangle
from manual_backprop.fast.seven_parameters import ARE_ALL

PLAIN = "plain derivation"
GRADIENTS: dict[str, Callable[..., dict[str, Tensor]]] = {
    "kernel": fast.gradients,
    "blocks": fast._in_blocks,  # to which fast.gradients turns where there is no compiler
}
RULES: Mapping[str, Any] = {"max_steps": 1000, "min_step_size": 0.0}


def makers(observations: int) -> dict[str, Callable[[torch.dtype], Contest]]:
    """Every contest by its name."""
    found: dict[str, Callable[[torch.dtype], Contest]] = {}
    for way in GRADIENTS:
        for free in ALL:
            found[f"trick-{way}-{free}"] = functools.partial(_gradient, way, free, observations)
    if ARE_ALL:
        found["trick-triangle"] = functools.partial(_triangle, observations)
        found["trick-steps"] = _steps
    for large in (False, True):
        size = "large" if large else "small"
        found[f"trick-perceptron-{size}"] = functools.partial(_perceptron, f"trick-perceptron-{size}", large)
    return found


def _gradient(way: str, free: int, observations: int, dtype: torch.dtype) -> Contest:
    case = (lesson.start(dtype), *data(observations, dtype, torch.device("cpu")))

    def ours() -> dict[str, Tensor]:
        return GRADIENTS[way](*case, ALL[free])

    def plain() -> dict[str, Tensor]:
        return gradients(*case, ALL[free])

    def check() -> None:
        rows = torch_reference.compare(ours(), plain(), torch_reference.bounds(*case))
        assert all(row.agrees for row in rows), rows

    what = "w3, w4, b3" if free == 3 else "all seven"
    return Contest(
        name=f"trick-{way}-{free}",
        title=f"gradient of {what} by the {way}, {observations:,} observations",
        size=observations,
        ours=Contestant(f"manual_backprop.fast.lesson_gradient, {way}", ours),
        peers=[Contestant(PLAIN, plain)],
        goals={},
        check=check,
    )


def _triangle(observations: int, dtype: torch.dtype) -> Contest:
    case = (lesson.start(dtype), *data(observations, dtype, torch.device("cpu")))

    def check() -> None:
        """The derivatives on both: within the two triangles' roundings, and those of SoftPlus."""
        both = (fast_triangle.from_data(*case), triangle.from_data(*case))
        (_, mine), (_, plain) = (triangle_descent.ssr_and_derivatives(one, case[0]) for one in both)
        (_, my_rounding), (_, its_rounding) = (triangle_descent.rounding(one, case[0]) for one in both)
        exactly = [{name: value.double() for name, value in case[0].items()}, *(x.double() for x in case[1:])]
        allowed = torch_reference.bounds(*exactly)
        for name in LESSON_WRT:
            bound = my_rounding[name] + its_rounding[name] + allowed[name]
            assert abs(mine[name] - plain[name]) <= bound, f"another triangle: {name}"

    return Contest(
        name="trick-triangle",
        title=f"triangle of {observations:,} observations",
        size=observations,
        ours=Contestant("fast_triangle.from_data", lambda: fast_triangle.from_data(*case)),
        peers=[Contestant("triangle.from_data", lambda: triangle.from_data(*case))],
        goals={},
        check=check,
    )


def _steps(dtype: torch.dtype) -> Contest:
    parameters = lesson.start(dtype)
    one = triangle.from_data(parameters, *lesson.data(dtype))

    def ours() -> Any:
        return quick_descent.descend_on(one, parameters, LESSON_WRT, 0.01, **RULES)

    def plain() -> Any:
        return triangle_descent.descend(one, parameters, learning_rate=0.01, **RULES)

    def check() -> None:
        mine, its = ours().parameters, plain().parameters
        assert all(torch.equal(mine[name], its[name]) for name in LESSON_WRT), "other steps"

    return Contest(
        name="trick-steps",
        title="1000 descent steps on a triangle",
        size=one.observations,
        ours=Contestant("quick_descent", ours),
        peers=[Contestant("triangle_descent.descend", plain)],
        goals={},
        check=check,
    )


def _perceptron(name: str, large: bool, dtype: torch.dtype) -> Contest:
    """The contest against autograd, with nobody in it but ourselves."""
    whole = perceptrons.contest(large, dtype, torch.device("cpu"))
    plain = [peer for peer in whole.peers if peer.name == PLAIN]
    return replace(whole, name=name, peers=plain, goals={})
