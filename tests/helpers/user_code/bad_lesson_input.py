"""Networks and data of the lesson that do not fit each other, each with the line that refuses it."""

import torch

from manual_backprop import lesson

PARAMETERS, INPUTS, OBSERVED = lesson.start(), *lesson.data()
VALUE_ERRORS = {
    "unknown parameter": (
        ({**PARAMETERS, "w9": INPUTS[0]}, INPUTS, OBSERVED),
        f"unknown parameter 'w9': the known ones are {', '.join(PARAMETERS)}",
    ),
    "missing parameters": (
        ({name: PARAMETERS[name] for name in PARAMETERS if name not in ("w4", "b3")}, INPUTS, OBSERVED),
        f"missing parameter w4, b3: all of {', '.join(PARAMETERS)} are needed",
    ),
    "column for row": (
        (PARAMETERS, INPUTS, OBSERVED[:, None]),
        "observed must have the inputs' shape (3,), found (3, 1)",
    ),
    "no observations": (
        (PARAMETERS, INPUTS[:0], OBSERVED[:0]),
        "inputs must have shape (*batch, n) with n of at least 1, found (0,)",
    ),
    "a single number": (
        (PARAMETERS, INPUTS[0], OBSERVED[0]),
        "inputs must have shape (*batch, n) with n of at least 1, found ()",
    ),
    "parameters of two shapes": (
        ({**PARAMETERS, "w3": INPUTS}, INPUTS, OBSERVED),
        "all parameters must have one shape: w1 has (), w3 has (3,)",
    ),
    "batches that differ": (
        (
            {name: value.expand(2) for name, value in PARAMETERS.items()},
            INPUTS.expand(4, 3),
            OBSERVED.expand(4, 3),
        ),
        "the batch of the parameters, (2,), and of the data, (4,), must be equal, or one of them ()",
    ),
    "another device": (
        (PARAMETERS, INPUTS, OBSERVED.to("meta")),
        "observed must be on the inputs' device cpu, found meta",
    ),
}
TYPE_ERRORS = {
    "two dtypes": (
        (PARAMETERS, INPUTS, OBSERVED.float()),
        "observed must have the inputs' dtype torch.float64, found torch.float32",
    ),
    "half precision": (
        ({name: value.half() for name, value in PARAMETERS.items()}, INPUTS.half(), OBSERVED.half()),
        "the data must be torch.float32 or torch.float64, found torch.float16",
    ),
    "integers": (
        (PARAMETERS, torch.tensor([0, 1]), torch.tensor([0, 1])),
        "the data must be torch.float32 or torch.float64, found torch.int64",
    ),
}
