"""Plain data that JSON can hold, printed as one document."""

import json
import math


def print_json(document: object, indent: int | None = None) -> None:
    """Print one JSON document, which is valid JSON whatever numbers are in it."""
    print(json.dumps(finite(document), indent=indent, allow_nan=False))


def finite(value: object) -> object:
    """JSON has no NaN and no infinity: their names instead."""
    if isinstance(value, dict):
        return {key: finite(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [finite(item) for item in value]
    return str(value) if isinstance(value, float) and not math.isfinite(value) else value
