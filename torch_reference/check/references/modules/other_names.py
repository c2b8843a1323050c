"""What the parameters and submodules of one module are called in another, which should be the same."""

from collections.abc import Iterable, Mapping
from itertools import takewhile


def other_name(name: str, names: Mapping[str, str]) -> str:
    """What a parameter or submodule is called in the other module: names tells it, or a part that it is in.

    >>> other_name("head.norm.weight", {"head.norm": "ln", "head": "out"})
    'ln.weight'
    >>> other_name("weight", {"": "module"})
    'module.weight'
    """
    part = name
    while part and part not in names:
        part = part.rpartition(".")[0]
    if part not in names:
        return name
    return f"{names[part]}.{name[len(part) :].removeprefix('.')}".strip(".")


def names_around(mine: Iterable[str], others: Iterable[str]) -> dict[str, str]:
    """What matches names that differ in what is around all of them alone, as DataParallel and compile do.

    >>> names_around(["_orig_mod.0.weight", "_orig_mod.1.weight"], ["0.weight", "1.weight"])
    {'_orig_mod': ''}
    """
    sides = [set(mine), set(others)]
    around = [_shared_part(side) for side in sides]
    inside = [
        {name.removeprefix(part).removeprefix(".") for name in side}
        for side, part in zip(sides, around, strict=True)
    ]
    return {around[0]: around[1]} if inside[0] == inside[1] else {}


def _shared_part(names: Iterable[str]) -> str:
    parts = zip(*(name.split(".")[:-1] for name in names), strict=False)
    return ".".join(each[0] for each in takewhile(lambda each: len(set(each)) == 1, parts))
