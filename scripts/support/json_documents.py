"""Plain data that JSON can hold."""

import math


def finite(value: object) -> object:
    """JSON has no NaN and no infinity: their names instead."""
    if isinstance(value, dict):
        return {key: finite(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [finite(item) for item in value]
    return str(value) if isinstance(value, float) and not math.isfinite(value) else value
