"""Kernels for 16 bits, right and wrong, through this project's verdict and through rules of today."""

from support.ending import AGREEMENT, MISMATCH, Parser, run

import argparse
from collections import Counter
from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from catalogue.low_precision import KERNELS, Kernel
from catalogue.low_precision_mistakes import planted, right
from proof.low_precision_rules import RULES
from torch_reference.tolerance import Tolerance

SIZES = ((64, 512), (512, 2048))
DTYPES = {"bfloat16": torch.bfloat16, "float16": torch.float16}
SCALES = (0.01, 0.1, 1.0, 10.0, 100.0)
OURS = "this project"
Tensors = Mapping[str, Tensor]


def main(argv: Sequence[str] | None = None) -> int:
    """Print what each rule refuses; 0 if this project refuses every mistake and nothing that is right."""
    options = _parse(argv)
    torch.set_num_threads(1)
    caught, alarms, count = Counter[str](), Counter[str](), Counter[str]()
    for dtype in options.dtypes:
        for size in SIZES[: 1 if options.small else 2]:
            for name in options.kernels or KERNELS:
                _mistakes(name, size, DTYPES[dtype], caught, count)
                _draws(name, size, DTYPES[dtype], options.draws, alarms, count)
    print(f"{count['wrong']} planted mistakes and {count['right']} right gradients in 16 bits\n")
    print(f"{'rule':28s} {'refused':>8s} {'alarms':>8s}")
    for rule in (OURS, *RULES):
        print(f"{rule:28s} {caught[rule]:8d} {alarms[rule]:8d}")
    return AGREEMENT if caught[OURS] == count["wrong"] and not alarms[OURS] else MISMATCH


def _parse(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = Parser(prog="low_precision.py", description=__doc__)
    parser.add_argument("--draws", type=int, default=1, help="draws of data at each scale (default: 1)")
    parser.add_argument("--small", action="store_true", help="the smaller of the two sizes only")
    parser.add_argument("--dtypes", nargs="+", choices=DTYPES, default=list(DTYPES), help="which of them")
    parser.add_argument("--kernels", nargs="+", choices=KERNELS, help="some of them only")
    return parser.parse_args(argv)


class Judged:
    """One function at one point: its exact gradients, its plain ones, and this project's tolerance."""

    def __init__(self, kernel: Kernel, size: tuple[int, int], dtype: torch.dtype, scale: float) -> None:
        """Draw the inputs from torch's own generator."""
        drawn = kernel.inputs(*size, scale)
        self.inputs = tuple(value.to(dtype) if value.is_floating_point() else value for value in drawn)
        self.kernel = kernel
        self.upstream = torch.randn_like(kernel.reference(*self.inputs))
        point = {f"{index}": value for index, value in enumerate(self.inputs)} | {"upstream": self.upstream}
        self.tolerance = Tolerance(self._reference, point)
        self.plain = self._reference(point)

    def _reference(self, values: Tensors) -> dict[str, Tensor]:
        leaves = {
            name: value.detach().clone().requires_grad_(value.is_floating_point())
            for name, value in values.items()
            if name != "upstream"
        }
        wanted = {name: leaf for name, leaf in leaves.items() if leaf.requires_grad}
        out = self.kernel.reference(*leaves.values())
        found = torch.autograd.grad(out, list(wanted.values()), values["upstream"])
        return dict(zip(wanted, found, strict=True))

    def refusing(self, gradients: Mapping[int, Tensor], where: int | None = None) -> set[str]:
        """The rules that refuse: this project's must name the place."""
        rows = self.tolerance.rows({str(index): value for index, value in gradients.items()})
        refused = [int(name) for name, row in rows.items() if not row.agrees]
        found = {OURS} if refused and where in (None, *refused) else set()
        exact = self.tolerance.movement.expected
        for rule, passes in RULES.items():
            if not all(passes(value, exact[f"{i}"], self.plain[f"{i}"]) for i, value in gradients.items()):
                found.add(rule)
        return found


def _mistakes(
    name: str, size: tuple[int, int], dtype: torch.dtype, caught: Counter[str], count: Counter[str]
) -> None:
    torch.manual_seed(0)
    judged = Judged(KERNELS[name], size, dtype, 1.0)
    for one in planted(name, judged.inputs, judged.upstream):
        count["wrong"] += 1
        refusing = judged.refusing(one.gradients, one.where)
        caught.update(refusing)
        if OURS not in refusing:
            print(f"missed: {name}, {one.what} at input {one.where}, {size} in {dtype}")


def _draws(
    name: str,
    size: tuple[int, int],
    dtype: torch.dtype,
    draws: int,
    alarms: Counter[str],
    count: Counter[str],
) -> None:
    for seed in range(draws):
        for scale in SCALES:
            torch.manual_seed(1 + seed)
            judged = Judged(KERNELS[name], size, dtype, scale)
            count["right"] += 1
            refusing = judged.refusing(right(judged.kernel, judged.inputs, judged.upstream))
            alarms.update(refusing)
            if OURS in refusing:
                print(f"refused: {name}, scale {scale}, seed {seed}, {size} in {dtype}")


if __name__ == "__main__":
    run(main)
