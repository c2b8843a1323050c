"""What a node does with the gradient that comes from above, in words."""

WORDS = {
    "Mul": "times the other factor",
    "Div": "by the rule of quotients",
    "Sub": "with the sign that it has in the difference",
    "Rsub": "with the opposite sign",
    "Neg": "with the opposite sign",
    "Pow": "times the derivative of the power",
    "Sum": "spread over all that was summed",
    "Mean": "spread over all that was averaged, divided by their number",
    "Mm": "times the other matrix, transposed",
    "Mv": "times the other factor, transposed",
    "Bmm": "times the other matrix, transposed",
    "Addmm": "times the other matrix, transposed",
    "Dot": "times the other vector",
    "T": "transposed back",
    **dict.fromkeys(("View", "UnsafeView", "Squeeze", "Unsqueeze"), "in the former shape"),
    "Expand": "summed over what was broadcast",
    "Var": "twice the distance from the mean, divided by the number of values less the correction",
    "Std": "the distance from the mean, divided by the deviation and by the number less the correction",
    **dict.fromkeys(("Amax", "Max"), "for the largest element alone"),
    "Cumsum": "summed from here to the end: an element is in its own sum and in all later ones",
    "Softmax": "times p, less p times the sum of both: one probability's gain is the others' loss",
    "Logsumexp": "times the softmax, which is what the logarithm of the sum hands back",
    "LogSoftmax": "less the probability times the sum of what comes back",
    "MseLoss": "twice the residual",
    "BinaryCrossEntropyWithLogits": "the sigmoid less the target",
    "BinaryCrossEntropy": "the probability less the target, by the variance of a coin",
    "NllLoss": "for the label's column alone",
    "NativeLayerNorm": "less what goes through the mean and through the variance, divided by the deviation",
}
WORDS |= {
    "Transpose": "transposed back",
    "Permute": "transposed back",
    "LinalgInvEx": "between the inverse, transposed, twice, with the opposite sign",
    "LinalgVectorNorm": "times the direction",
    "Prod": "times the product of all others",
    "MaskedFill": "where nothing was filled in",
    "Maximum": "where it is the larger one",
    "Minimum": "where it is the smaller one",
    **dict.fromkeys(("Cat", "Stack"), "the part that stands where it was put"),
    **dict.fromkeys(
        ("Index", "IndexSelect", "Gather", "Embedding", "Select", "Slice"),
        "each number added to where it was taken from",
    ),
    **dict.fromkeys(("Tril", "Triu"), "the same triangle of it"),
    "Flip": "flipped back",
}
WORDS["NativeBatchNorm"] = WORDS["NativeLayerNorm"]
OF_ARGUMENTS = {
    ("Addmm", 0): "",
    ("Where", 0): "where the condition holds",
    ("Where", 1): "where the condition does not hold",
    **{(norm, 1): "times the normalised value, summed" for norm in ("NativeLayerNorm", "NativeBatchNorm")},
    **{(norm, 2): "summed" for norm in ("NativeLayerNorm", "NativeBatchNorm")},
}
"""Of operations that hand back something else to each of their arguments."""
SILENT = {"Add", "Clone", "Alias", "ToCopy"}
"""What hands on what it gets."""


def in_words(operation: str, argument: int = 0) -> str:
    """One phrase for what an argument gets; of any elementwise function that it is times its derivative.

    >>> in_words("Tanh")
    'times the derivative of tanh'
    """
    if operation in SILENT:
        return ""
    if (operation, argument) in OF_ARGUMENTS:
        return OF_ARGUMENTS[operation, argument]
    return WORDS.get(operation, f"times the derivative of {operation.lower()}")
