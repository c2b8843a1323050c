"""A failing call of a function made small, and a script that reproduces the failure in a fresh process."""

import sys
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from operator import attrgetter
from typing import Any

import torch
from torch import Tensor

from torch_reference.check.calling import Function
from torch_reference.check.function import check_function
from torch_reference.counterexample.literals import READER, decimals, literal, source, word
from torch_reference.counterexample.shrinking import Dimension, Step, shorter, simpler, smallest
from torch_reference.judging.calls.arguments import Arguments
from torch_reference.judging.calls.nests import named_tensors
from torch_reference.judging.function_objective import FunctionObjective
from torch_reference.judging.report import Report
from torch_reference.judging.scalar_objective import UPSTREAM, Tensors
from torch_reference.judging.upstream_gradients import drawn_upstream


def function_counterexample(
    function: Function,
    reference: Callable[..., Any],
    *args: Any,
    wrt: Sequence[int | str] | None = None,
    seed: int = 0,
    **kwargs: Any,
) -> str:
    """A Python script with a small call for which check_function fails as it does for this one.

    The script imports function and reference, so that these must stand in a module by a name of their own,
    and exits with 1 where they disagree. Its numbers are hexadecimal, so that not a bit is lost.

    Shapes: those of check_function; every size may shrink, down to 1, and equal sizes shrink together first
    Errors: those of check_function; ValueError where all agrees, and for a lambda or a local function

    >>> import sys, types, torch
    >>> mine = sys.modules["my_kernels"] = types.ModuleType("my_kernels")  # stands for a file, my_kernels.py
    >>> exec('''
    ... def forward(x):
    ...     return x * x, x
    ... def backward(x, d_loss_d_y):
    ...     return x * d_loss_d_y
    ... ''', vars(mine))
    >>> script = function_counterexample((mine.forward, mine.backward), torch.square, torch.randn(3))
    >>> print(script[script.index("INPUTS =") : script.index("UPSTREAM =")])
    INPUTS = [
        tensor((1,), torch.float32, "0x1.0000000000000p+0"),  # 1
    ]
    <BLANKLINE>
    """
    named = function if isinstance(function, tuple) else (function,)
    names = [f"load({word(importable(part))})" for part in named]
    arguments = Arguments.of(args, kwargs)
    point = {**arguments.point, **_drawn(reference, arguments, arguments.point, seed)}

    def check(point: Tensors) -> Report:
        args, kwargs = arguments.placed(arguments.tensors(point))
        return check_function(
            function, reference, *args, wrt=wrt, draws=0, upstream=_upstream(point), **kwargs
        )

    def steps(point: Tensors) -> Iterator[Step]:
        for step in _shorter(point):
            yield partial(_and_upstream, reference, arguments, step)
        yield from simpler(point)

    small = smallest(point, check, steps)
    args, kwargs = arguments.placed(arguments.tensors(small))
    text = SCRIPT.format(
        function=importable(named[0]),
        loaded=names[0] if len(names) == 1 else f"({', '.join(names)})",
        reference=word(importable(reference)),
        reader=READER,
        inputs="".join(f"    {source(value)},{decimals(value)}\n" for value in args),
        named=f", **{source(kwargs)}" if kwargs else "",
        upstream="".join(f"    {literal(value)},{decimals(value)}\n" for value in _upstream(small)),
        wrt=None if wrt is None else list(wrt),
    )
    compile(text, "counterexample.py", "exec")
    return text


def _drawn(
    reference: Callable[..., Any], arguments: Arguments, point: Tensors, seed: int
) -> dict[str, Tensor]:
    with torch.no_grad():
        outputs = FunctionObjective(reference, arguments).outputs(point)
    return drawn_upstream(named_tensors(outputs, "outputs"), seed)


def _upstream(point: Tensors) -> list[Tensor]:
    return [value for name, value in point.items() if name.startswith(UPSTREAM)]


def _shorter(point: Tensors) -> Iterator[Step]:
    """Shorten all dimensions of one size together, then each of an input by itself."""
    sizes: dict[int, list[Dimension]] = {}
    for name, value in point.items():
        for dimension, size in enumerate(value.shape):
            if size > 1:
                sizes.setdefault(size, []).append((name, dimension))
    for dimensions in sizes.values():
        yield from shorter(dimensions)
    for dimensions in sizes.values():
        for alone in dimensions if len(dimensions) > 1 else ():
            if not alone[0].startswith(UPSTREAM):
                yield from shorter([alone])


def _and_upstream(reference: Callable[..., Any], arguments: Arguments, step: Step, point: Tensors) -> Tensors:
    """The step, and upstream gradients of the shapes that the outputs have after it."""
    found = dict(step(point))
    for name, like in _drawn(reference, arguments, found, seed=0).items():
        fitting = [old for old in (found[name], point[name]) if _contains(old.shape, like.shape)]
        whole = fitting[0] if fitting else torch.ones_like(like)  # the fewest digits that are not zero
        found[name] = whole[tuple(slice(size) for size in like.shape)]
    return found


def _contains(shape: Sequence[int], part: Sequence[int]) -> bool:
    return len(shape) == len(part) and all(size >= of for size, of in zip(shape, part, strict=True))


def importable(thing: Any) -> str:
    """The name "package.module:attribute" by which another process can import a function or a class.

    Errors: ValueError where there is none: for a lambda, a local function, or what __main__ defines
    """
    # What is built into torch tells no module.
    module = getattr(thing, "__module__", None) or "torch"
    name = thing.__name__ if module == "torch" else getattr(thing, "__qualname__", "")
    try:
        found = attrgetter(name)(sys.modules[module])
    except (AttributeError, KeyError):
        found = None
    if found is not thing or module == "__main__":
        raise ValueError(f"expected what a script can import from a module, found {thing!r} of {module}")
    return f"{module}:{name}"


SCRIPT = '''"""A counterexample: a small call for which {function} fails.

Run it in the folder from which it can be imported.
"""

import sys
from importlib import import_module
from operator import attrgetter

import torch

from torch_reference import check_function

sys.path.insert(0, "")


{reader}

INPUTS = [
{inputs}]
UPSTREAM = [
{upstream}]

report = check_function({loaded}, load({reference}), *INPUTS, wrt={wrt}, upstream=UPSTREAM{named})
print(report)
sys.exit(0 if report.agrees else 1)
'''
