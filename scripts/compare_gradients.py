"""Compare the hand-derived gradient with autograd's: on the lesson's data, your own, or random networks."""

from support.ending import AGREEMENT, MISMATCH, Parser, run

import argparse
import math
from collections.abc import Iterator, Sequence

import manual_backprop
import torch_reference
from comparing.chosen_networks import chosen_networks
from comparing.comparison_rows import Finding, at_one_observation, document, truth
from comparing.derivation_option import add_derivation_options, check_options
from comparing.random_networks import Batch
from support.json_documents import print_json
from support.options import add_network_options
from torch_reference.check.shell.options import add_report_options
from torch_reference.comparison import Row, Verdict, compare


def main(argv: Sequence[str] | None = None) -> int:
    """Print the comparison; 0 if all agrees, 1 if anything differs."""
    options = _parse(argv)
    if options.model:
        from comparing.derivation_of_a_model import compare_with_model

        return compare_with_model(options)
    if options.derivation:
        from comparing.derivation_of_the_lesson import compare_with_the_lesson

        return compare_with_the_lesson(options)
    network = torch_reference.LessonNetwork(options.softplus_threshold)
    worst: dict[str, Finding] = {}
    for batch in chosen_networks(options):
        for finding in _compare(batch, options, network):
            before = worst.get(finding.row.name)
            if before is None or _badness(finding.row) > _badness(before.row):
                worst[finding.row.name] = finding
    findings = list(worst.values())
    agree = all(finding.row.agrees for finding in findings)
    if options.json:
        print_json(document(findings, agree, options), indent=2)
    else:
        from comparing.comparison_table import (
            print_comparison,  # rich takes 0.1 s to import, which --json need not wait for
        )

        print_comparison(findings, options, {f.row.name: truth(f, options) for f in findings})
    return AGREEMENT if agree else MISMATCH


def _parse(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = Parser(prog="compare_gradients.py", description=__doc__)
    add_network_options(parser)
    parser.add_argument("--links", action="store_true", help="compare every link of the chains as well")
    parser.add_argument(
        "--explain", action="store_true", help="show the derivation in numbers, observation by observation"
    )
    parser.add_argument("--random", type=int, metavar="N", help="compare N random networks")
    parser.add_argument("--seed", type=int, default=0, help="of --random (default: %(default)s)")
    parser.add_argument("--case", type=int, metavar="K", help="only network K of --random")
    parser.add_argument("--truth", action="store_true", help="ask mpmath, at 50 digits, who is right")
    add_report_options(parser)
    parser.add_argument(
        "--softplus-threshold",
        type=float,
        default=torch_reference.SOFTPLUS_THRESHOLD,
        metavar="X",
        help="where the reference's nn.Softplus turns linear (default: %(default)g; PyTorch's own is 20)",
    )
    add_derivation_options(parser)
    options = parser.parse_args(argv)
    if options.random is not None and options.random < 1:
        parser.error(f"--random: expected at least 1 network, found {options.random}")
    if options.seed < 0:
        parser.error(f"--seed: expected 0 or more, found {options.seed}")
    if options.random is None and options.seed:
        parser.error("--seed: expected --random N beside it, found none")
    if math.isnan(options.softplus_threshold):
        parser.error("--softplus-threshold: expected a number, found nan")
    if options.case is not None and not 0 <= options.case < (options.random or 0):
        parser.error(f"--case: expected --random N with a network from 0 to N − 1, found {options.case}")
    if options.explain and options.random is not None and options.case is None:
        parser.error("--explain: expected one network: --case K beside --random N")
    check_options(parser, options)
    return options


def _compare(
    batch: Batch, options: argparse.Namespace, network: torch_reference.LessonNetwork
) -> Iterator[Finding]:
    """Compare a batch of networks and keep, for each name, the network in which it is worst."""
    arguments = (batch.parameters, batch.inputs, batch.observed)
    manual = manual_backprop.gradients(*arguments, wrt=options.wrt)
    reference = torch_reference.gradients(*arguments, wrt=options.wrt, network=network)
    bounds = torch_reference.bounds(*arguments)
    rows = [("parameter", row) for row in compare(manual, reference, bounds)]
    # Where a derivative is wrong, its chain is looked at whether that was asked for or not.
    if options.links or not all(row.agrees for _, row in rows):
        links = manual_backprop.links(*arguments, wrt=options.wrt)
        every_link = torch_reference.links(*arguments, network=network)
        reference = {name: every_link[name] for name in links}
        found = compare(links, reference, bounds)
        if len(batch) == 1:
            found = at_one_observation(found, links, reference, bounds)
        rows = [("link", row) for row in found] + rows
    for kind, row in rows:
        yield _finding(kind, row, batch, options)


def _finding(kind: str, row: Row, batch: Batch, options: argparse.Namespace) -> Finding:
    if not all(math.isfinite(value) for value in (row.reference or 0.0, row.bound or 0.0)):
        raise ValueError(f"{row.name}: its value overflows {options.dtype} on these data and parameters")
    case = row.index[0]
    return Finding(
        row,
        kind,
        batch.first + case,
        {name: value[case].item() for name, value in batch.parameters.items()},
        batch.inputs[case].tolist(),
        batch.observed[case].tolist(),
    )


def _badness(row: Row) -> tuple[bool, float]:
    return (row.verdict not in (Verdict.AGREES, Verdict.DIFFERS), row.ratio or 0.0)


if __name__ == "__main__":
    run(main)
