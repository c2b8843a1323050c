"""What a run came to, as plain data: both witnesses' scores, the judged steps and the drift."""

import argparse
from typing import Any

from training.data import Data
from training.run import Outcome
from training.setup import Setup, scores


def document(setup: Setup, data: Data, options: argparse.Namespace, outcome: Outcome) -> dict[str, Any]:
    """Everything that print_outcome prints, for --json too.

    Where there are validation rows, the parameters are those of the least validation loss.
    """
    lockstep, recipe, best = outcome.lockstep, setup.recipe, outcome.best
    part, name = (data.test, "test") if len(data.test.inputs) else (data.training, "training")
    return {
        "dtype": options.dtype,
        "device": options.device,
        "data": options.data,
        "rows": {
            "training": len(data.training.inputs),
            "validation": len(data.validation.inputs),
            "test": len(data.test.inputs),
        },
        "inputs": list(data.inputs),
        "classes" if data.is_classes else "outputs": list(data.outputs),
        "widths": list(setup.widths),
        "activations": list(setup.activations),
        **recipe._asdict(),
        "epochs": outcome.point.epoch,
        "steps": outcome.point.step,
        "stopped": outcome.stopped,
        "seconds": outcome.seconds,
        "scored_on": name,
        "manual": scores(setup, outcome.point.parameters, part),
        "reference": scores(setup, outcome.reference, part),
        "least_validation_loss": None if best.parameters is None else best.loss,
        "best_epoch": best.epoch or None,
        "best": None if best.parameters is None else scores(setup, best.parameters, part),
        "steps_seen": lockstep.seen,
        "steps_judged": lockstep.checked,
        "numbers_compared": lockstep.compared,
        "largest_share_of_bound": lockstep.largest_ratio,
        "largest_share_at": {"step": lockstep.largest_at[0], "link": lockstep.largest_at[1]},
        "largest_drift": lockstep.drift,
        "divergence": None if lockstep.divergence is None else str(lockstep.divergence),
        "agree": lockstep.divergence is None,
    }
