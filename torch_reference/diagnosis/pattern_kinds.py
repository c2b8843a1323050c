"""What a wrong gradient looks like element by element, in one plain sentence, and how to mend it."""

PATTERNS = {
    "another shape": (
        "Its numbers are right, but its shape is {found}, not {expected}.",
        "Give it the shape of what it is the gradient of.",
    ),
    "not finite": (
        "{count} elements are infinite or NaN, where the right ones are finite numbers.",
        "Look for a division by zero, a logarithm of zero, or an overflow.",
    ),
    "new value": (
        "It is the new value after a step of {rate} against the gradient, not the gradient.",
        "Return the gradient itself; the step comes afterwards.",
    ),
    "last rows missing": (
        "It is right, but zero from index {first} of dimension {dimension} on.",
        "Let the loop run over the rest as well, or mask the last block.",
    ),
    "single precision": (
        "It is right to single precision: every number of it is one of float32.",
        "Keep float64 throughout: torch.tensor(3.0) is float32, and so is .float().",
    ),
    "half precision": (
        "It is right to 16 bits: every number of it is one of {dtype}.",
        "Keep the precision of the inputs throughout: autocast, .half() or .bfloat16() rounds.",
    ),
    "16-bit accumulation": (
        "Its {count} terms are added up one by one in {dtype}: that gives these very numbers.",
        "Accumulate in float32, and convert once, at the end.",
    ),
    "rounded digits": (
        "It is right, but rounded to {digits} decimals.",
        "Return the numbers as they are computed, not as they are printed.",
    ),
    "few digits": (
        "It is right to about {digits} digits only: as after a difference quotient or in single precision.",
        "Compute it by the formula, and in the precision of the inputs.",
    ),
    "coarse precision": (
        "It is right but for the precision of its products, whose factors are rounded to {precision}.",
        "Compute in the precision of the inputs; of TF32 allow_tf32=False (torch.backends) and tl.dot's "
        "input_precision='ieee' rid you.",
    ),
    "mask": (
        "Every element is either right or zero: it is right only where a mask is on.",
        "Look at what switches elements off: a mask, a clamp, a comparison at a kink.",
    ),
    "constant factor": (
        "It is the right gradient times {factor}, at every element.",
        "Look for a constant that was forgotten or counted twice.",
    ),
    "constant factor per element": (
        "{count} elements are off by a factor of their own that never changes.",
        "Look for a wrong constant or index at these elements.",
    ),
}
