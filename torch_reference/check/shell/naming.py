"""What the names of a command line stand for: a function, what a factory makes, a model with its data."""

import argparse
from collections.abc import Callable
from typing import Any, NamedTuple

from torch import nn

from torch_reference.check.shell.names import NotThereError, load, parse
from torch_reference.judging.calls.raised_errors import user_code


class NamedModel(NamedTuple):
    """What --model, --loss and --examples name."""

    model: nn.Module
    loss: Callable[..., Any]
    inputs: Any
    targets: Any


def loaded(option: str, name: str) -> Any:
    """What a name stands for.

    Errors: ValueError where it stands for nothing, UserCodeError for what its module raises

    >>> loaded("--reference", "math:pi")
    3.141592653589793
    """
    named = parse(option, name)
    with user_code(option):
        try:
            return load(named)
        except NotThereError as error:
            told = str(error)
    raise ValueError(f"{option}: {told}")


def made(option: str, name: str, told: str | None = None) -> Any:
    """What a factory makes; what cannot be called, and a module, stand for themselves.

    Errors: those of loaded, and UserCodeError for what the factory raises
    """
    found = loaded(option, name)
    if isinstance(found, nn.Module) or not callable(found):
        return found
    with user_code(told or f"{option}: {name}() failed"):
        return found()


def named_model(options: argparse.Namespace) -> NamedModel:
    """The model, its loss and its data, each from its own option or from what the model's factory makes.

    Errors: ValueError where one of them is missing or is something else, UserCodeError for what raises
    """
    first = made("--model", options.model)
    model, *rest = first if isinstance(first, tuple) else (first,)
    if not isinstance(model, nn.Module):
        found = type(model).__name__
        told = f"--model: expected {options.model} to make a torch.nn.Module, found {found}"
        raise ValueError(told)  # noqa: TRY004 - what ends a program in one line is a ValueError
    loss = loaded("--loss", options.loss) if options.loss else next(iter(rest), None)
    if loss is None:
        raise ValueError("--loss: expected a name, or a --model that makes (module, loss, inputs, targets)")
    data = made("--examples", options.examples) if options.examples else tuple(rest[1:])
    if not isinstance(data, tuple) or len(data) != 2:
        raise ValueError("--examples: expected (inputs, targets), from --examples or as the model's last two")
    return NamedModel(model, loss, *data)
