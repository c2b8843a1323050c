"""How the answers of learning_rate.py read in a terminal of 80 columns."""

import argparse
import math
import re
import textwrap
from collections.abc import Mapping, Sequence
from typing import Any

import torch

from support.descent_table import number
from support.lesson_options import told_start
from support.options import DTYPES
from support.tables import open_console, plain_table

Document = Mapping[str, Any]


def print_rates(document: Document, n: int, options: argparse.Namespace) -> None:
    """Print the directions of the bowl, each learning rate along each of them, and what it means in words."""
    console = open_console()
    console.print(_heading(n, options))
    console.print(
        f"\nThe SSR is quadratic in {', '.join(options.wrt)}: its Hessian 2·JᵀJ is the same at every point. "
        "Along each of its eigenvectors a step multiplies the distance to the minimum by "
        "1 − learning rate · eigenvalue.\n"
    )
    console.print(_directions(document, options.wrt))
    eigenvalues = [direction["eigenvalue"] for direction in document["directions"]]
    moving = [eigenvalue for eigenvalue in eigenvalues if eigenvalue]
    for place, eigenvalue in enumerate(eigenvalues, start=1):
        if not eigenvalue:
            console.print(
                f"\nDirection {place} never moves: its eigenvalue is 0, the SSR is the same all along it, "
                "because these data do not tell its parameters apart."
            )
    if not moving:
        console.print("\nNothing moves, so that every learning rate is stable.")
        return
    limit, best = (f"{document[key]:.4g}" for key in ("largest_stable_rate", "best_rate"))
    steepest, slowest = (f"{eigenvalue:.6g}" for eigenvalue in (moving[0], moving[-1]))
    console.print(f"\nLargest stable learning rate  {limit} = 2 / {steepest}, not included")
    console.print(f"Best fixed learning rate      {best} = 2 / ({slowest} + {steepest})\n")
    console.print(_rates(document, options))
    for rate in document["rates"]:
        console.print(f"\n{_filled(_in_words(rate, document, options), console.width)}")


def print_here(document: Document, n: int, options: argparse.Namespace) -> None:
    """Print the eigenvalues at this point."""
    console = open_console()
    console.print(f"{_heading(n, options)}\n")
    console.print(_directions(document, options.wrt))
    largest = document["directions"][0]["eigenvalue"]
    limit = f"2 / {largest:.6g} = {2 / largest:.4g}" if largest > 0 else "none: nothing curves upwards"
    console.print(
        f"\nLargest stable learning rate at this point: {limit}. In these parameters the SSR is not "
        "quadratic: another point has another limit."
    )


def _heading(n: int, options: argparse.Namespace) -> str:
    data = options.data or "the lesson's data"
    what = f"SSR of {data}, {n} observation{'s' * (n > 1)}, {options.dtype} on {options.device}"
    return f"{what}\nStart: {told_start(options)}"


def _directions(document: Document, wrt: Sequence[str]) -> Any:
    quadratic = "rates" in document
    table = plain_table("direction", "eigenvalue", *wrt, *(["SSR now"] if quadratic else []))
    for place, direction in enumerate(document["directions"], start=1):
        vector = [f"{direction['vector'][name]:.4f}" for name in wrt]
        ssr = [number(direction["ssr"], 4)] if quadratic else []
        table.add_row(str(place), number(direction["eigenvalue"], 4), *vector, *ssr)
    if quadratic:
        table.add_row("at the minimum", "", *["" for _ in wrt], _left(document["least_ssr"], document))
    return table


def _rates(document: Document, options: argparse.Namespace) -> Any:
    table = plain_table(
        "learning rate",
        "direction",
        "factor",
        "half-life",
        f"SSR after {options.steps}",
        f"steps to SSR {options.ssr:g}",
    )
    for rate in document["rates"]:
        best = " (best)" if rate["learning_rate"] == document["best_rate"] else ""
        name = f"{rate['learning_rate']:.4g}{best}"
        for place, direction in enumerate(rate["directions"], start=1):
            table.add_row(
                name,
                str(place),
                f"{direction['factor']:.4f}",
                _half_life(direction["half_life"]),
                _left(direction["ssr_after"], document),
                _count(direction["steps_to_ssr"]),
            )
            name = ""
        table.add_row("", "all", "", "", _left(rate["ssr_after"], document), _count(rate["steps_to_ssr"]))
    return table


def _half_life(steps: float) -> str:
    return f"{steps:.1f}" if steps < 10**6 or steps == math.inf else f"{steps:.1e}"


def _left(ssr: float, document: Document) -> str:
    """What is left of an SSR; below the square of the residual's own rounding, nothing is."""
    rounding = torch.finfo(DTYPES[document["dtype"]]).eps
    return number(ssr if ssr > rounding**2 * document["start_ssr"] else 0.0, 4)


def _count(steps: int | None) -> str:
    return "never" if steps is None else str(steps) if steps < 10**9 else f"{steps:.1e}"


def _in_words(rate: Mapping[str, Any], document: Document, options: argparse.Namespace) -> str:
    eta = f"{rate['learning_rate']:.4g}"
    directions = [
        (place, of["eigenvalue"], of["ssr"], here)
        for place, (of, here) in enumerate(zip(document["directions"], rate["directions"], strict=True), 1)
        if of["eigenvalue"]
    ]
    # The direction that is left in the end: the slowest, unless there was nothing along it to take away.
    # What is too large for any direction is too large for the steepest.
    place, eigenvalue, ssr, last = max(
        directions[: None if rate["stable"] else 1],
        key=lambda row: (row[3]["ssr_after"], abs(row[3]["factor"])),
    )
    factor = f"1 − {eta} · {eigenvalue:.4g} = {_minus(rate['learning_rate'] * eigenvalue)}"
    if not rate["stable"]:
        return f"{eta} is too large: a step multiplies the distance along direction {place} by {factor}."
    if rate["steps_to_ssr"] is None:
        return (
            f"{eta} never reaches SSR {options.ssr:g}: the SSR at the minimum is "
            f"{number(document['least_ssr'], 4)}."
        )
    share = abs(last["factor"]) ** options.steps
    verdict = "not done" if rate["steps_to_ssr"] > options.steps else "done"
    return (
        f"{eta} is {verdict} after {options.steps} steps. Along direction {place}, which decides, a step "
        f"leaves {factor} of the distance, and {options.steps} steps leave {share:.3g} of it. Of the SSR "
        f"they leave the square, {number(ssr, 4)} · {share**2:.3g} = {_left(last['ssr_after'], document)}. "
        f"SSR {options.ssr:g} takes {_count(rate['steps_to_ssr'])} steps."
    )


def _filled(text: str, width: int) -> str:
    """Lines of at most so many characters, none of which breaks a formula."""
    kept = re.sub(r" ([−·=]) ", "\N{NO-BREAK SPACE}\\1\N{NO-BREAK SPACE}", text)
    return textwrap.fill(kept, width).replace("\N{NO-BREAK SPACE}", " ")


def _minus(product: float) -> str:
    """1 − product, as it shows best: 1 − 0.0011, but −0.4851."""
    return f"1 − {product:.4f}" if product < 0.1 else f"{1 - product:.4f}".replace("-", "−")
