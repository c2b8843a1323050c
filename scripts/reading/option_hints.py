"""What somebody may have meant who gives an option that a program does not have."""

import re
from collections.abc import Collection
from difflib import get_close_matches

FOREIGN = {
    "--optimizer": ("--optimiser",),
    "--optim": ("--optimiser",),
    "--solver": ("--optimiser",),
    "--lr": ("--learning-rate",),
    "--rate": ("--learning-rate",),
    "--alpha": ("--learning-rate",),
    "--eta": ("--learning-rate",),
    "--steps": ("--epochs",),
    "--max-steps": ("--steps", "--epochs"),
    "--max-iter": ("--steps", "--epochs"),
    "--iterations": ("--steps", "--epochs"),
    "--iters": ("--steps", "--epochs"),
    "--n-steps": ("--steps", "--epochs"),
    "--epochs": ("--steps",),
    "--batch": ("--batch-size",),
    "--standardize": ("--standardise",),
    "--normalize": ("--standardise",),
    "--normalise": ("--standardise",),
    "--scale": ("--standardise",),
    "--layers": ("--hidden",),
    "--hidden-layers": ("--hidden",),
    "--hidden-sizes": ("--hidden",),
    "--width": ("--hidden",),
    "--activation-function": ("--activation",),
    "--criterion": ("--loss",),
    "--tolerance": ("--min-step-size",),
    "--tol": ("--min-step-size",),
    "--x": ("--inputs",),
    "--features": ("--inputs",),
    "--y": ("--outputs",),
    "--target": ("--outputs",),
    "--targets": ("--outputs",),
    "--label": ("--class", "--outputs"),
    "--labels": ("--class", "--outputs"),
    "--parameters": ("--wrt",),
    "--params": ("--wrt",),
    "--file": ("--data",),
    "--csv": ("--data",),
    "--out": ("--plot",),
    "--save": ("--plot", "--checkpoint"),
    "--figures": ("--plot",),
    "--precision": ("--dtype",),
    "--function": ("--derivation",),
    "--gpu": ("--device",),
    "--cuda": ("--device",),
    "--time-limit": ("--timeout",),
    "--marks": ("--points",),
    "--workers": ("--jobs",),
    "--n-jobs": ("--jobs",),
    "--verbose": ("--explain",),
}
"""Other programs' names, and words spelt otherwise -> ours, the likeliest first."""


def hint(message: str, known: Collection[str], elsewhere: Collection[str], where: str) -> str:
    """A question for argparse's message about unknown options; empty where nothing is near.

    known are the program's options; elsewhere those that it has beside something else, as `where` says
    """
    unknown = re.findall(r"(?<!\S)--[^\s=]+", message.partition("unrecognized arguments: ")[2])
    return next((said for name in unknown if (said := _of_one(name, known, elsewhere, where))), "")


def _of_one(name: str, known: Collection[str], elsewhere: Collection[str], where: str) -> str:
    name = name.replace("_", "-").lower()
    meant = (name, *FOREIGN.get(name, ()))
    for ours in meant:
        if ours in known:
            return f"did you mean {ours}?"
    for ours in meant:
        if ours in elsewhere:
            return f"{ours} {where}"
    near = get_close_matches(name, sorted({*known, *elsewhere}), 1, cutoff=0.7)
    if not near:
        return ""
    return f"did you mean {near[0]}?" if near[0] in known else f"did you mean {near[0]}? It {where}"
