"""Which learning rate is stable, which is best, and how many steps each takes: without taking a step."""

from support.ending import AGREEMENT, run

import argparse
import math
from collections.abc import Sequence

import torch
from torch import Tensor

from learning_rates.rate_options import parse
from manual_backprop import LESSON_WRT, forward
from manual_backprop.lesson.convergence import (
    Bowl,
    bowl,
    factors,
    half_lives,
    ssr_after,
    steps_along,
    steps_to,
)
from manual_backprop.lesson.curvature import hessian
from support.json_documents import print_json
from support.lesson_options import choose

LESSONS_RATES = (0.01, 0.1)


def main(argv: Sequence[str] | None = None) -> int:
    """Print the answers; always 0, for there is nothing to disagree with."""
    options = parse(argv, __doc__)
    if options.plot:
        from support.pictures import check_plot

        check_plot(options.plot)  # before the work rather than after it
    torch.set_num_threads(1)  # a second thread costs more than it brings
    values, inputs, observed = choose(options)
    if options.hidden:
        from learning_rates.perceptron_rate import report  # the general case reads apart from the lesson's

        report(inputs, observed, options)
        return AGREEMENT
    trace = forward(values, inputs, observed)
    if not set(options.wrt) <= set(LESSON_WRT):
        document = here(trace.ssr, hessian(trace, options.wrt), options)
    else:
        document = everywhere(bowl(trace, options.wrt), trace.ssr, options)
    if options.json:
        print_json(document, indent=2)
    else:
        from learning_rates.rate_table import print_here, print_rates

        (print_rates if "rates" in document else print_here)(document, len(inputs), options)
    if options.plot:
        from learning_rates.rate_picture import draw

        draw(values, inputs, observed, document["largest_stable_rate"], options)
    return AGREEMENT


def everywhere(of: Bowl, ssr: Tensor, options: argparse.Namespace) -> dict[str, object]:
    """All about a quadratic SSR: what the Hessian says holds at every point."""
    rates = list(options.learning_rates or LESSONS_RATES)
    if of.best_rate < math.inf:
        rates.append(of.best_rate)
    return {
        "dtype": options.dtype,
        "device": options.device,
        "wrt": list(of.wrt),
        "start_ssr": ssr.item(),
        "least_ssr": of.least,
        "directions": [
            {"eigenvalue": eigenvalue, "vector": dict(zip(of.wrt, vector, strict=True)), "ssr": part}
            for eigenvalue, vector, part in zip(
                of.eigenvalues.tolist(), of.vectors.mT.tolist(), of.ssr.tolist(), strict=True
            )
        ],
        "largest_stable_rate": of.largest_stable_rate,
        "best_rate": of.best_rate,
        "steps": options.steps,
        "ssr": options.ssr,
        "rates": [_rate(of, rate, options) for rate in rates],
    }


def _rate(of: Bowl, rate: float, options: argparse.Namespace) -> dict[str, object]:
    left = ssr_after(of, rate, options.steps)
    parts = zip(
        factors(of, rate).tolist(),
        half_lives(of, rate),
        left.tolist(),
        steps_along(of, rate, options.ssr),
        strict=True,
    )
    keys = ("factor", "half_life", "ssr_after", "steps_to_ssr")
    return {
        "learning_rate": rate,
        "stable": rate < of.largest_stable_rate,
        "directions": [dict(zip(keys, values, strict=True)) for values in parts],
        "ssr_after": of.least + left.sum().item(),
        "steps_to_ssr": steps_to(of, rate, options.ssr),
    }


def here(ssr: Tensor, second: Tensor, options: argparse.Namespace) -> dict[str, object]:
    """The Hessian at this point, where the SSR is not quadratic and it changes from point to point."""
    if not second.isfinite().all():
        raise ValueError(
            f"the SSR's second derivatives overflow {options.dtype} on these data and parameters"
        )
    eigenvalues, vectors = torch.linalg.eigh(second)
    largest = eigenvalues[-1].item()
    return {
        "dtype": options.dtype,
        "device": options.device,
        "wrt": list(options.wrt),
        "start_ssr": ssr.item(),
        "directions": [
            {"eigenvalue": eigenvalue, "vector": dict(zip(options.wrt, vector, strict=True))}
            for eigenvalue, vector in zip(
                eigenvalues.flip(-1).tolist(), vectors.flip(-1).mT.tolist(), strict=True
            )
        ],
        "largest_stable_rate": 2 / largest if largest > 0 else math.inf,
    }


if __name__ == "__main__":
    run(main)
