"""What submodules return, call by call and part by part, each under a name of its own.

The output of a submodule that is called once goes by the submodule's name; of one that is called again and
again, as a cell is, by the number of the call, "cell[0]"; and a tuple's or a dict's parts by their places,
"encoder.0", "cell[1].hidden".
"""

from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, NamedTuple

from torch import Tensor, nn

Change = Callable[[str, int, str, Tensor], Tensor]


class Output(NamedTuple):
    """One tensor of what one call of a submodule returned."""

    module: str
    call: int
    part: str
    value: Tensor


@contextmanager
def each_output(modules: Mapping[str, nn.Module], change: Change) -> Iterator[None]:
    """Let change(module, call, part, tensor) say what stands in the place of each tensor returned."""
    calls = dict.fromkeys(modules, -1)

    def hook(name: str) -> Callable[..., Any]:
        def changed(_module: nn.Module, _inputs: object, output: Any) -> Any:
            calls[name] += 1
            return _with_parts(output, lambda part, value: change(name, calls[name], part, value))

        return changed

    handles = [module.register_forward_hook(hook(name)) for name, module in modules.items()]
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()


def _with_parts(output: Any, change: Callable[[str, Tensor], Tensor]) -> Any:
    """The output, with its tensors changed; what holds them is made anew only where one is another."""
    if isinstance(output, Tensor):
        return change("", output)
    if not isinstance(output, tuple | list | dict):
        return output
    items = output.items() if isinstance(output, dict) else enumerate(output)
    parts = {
        key: change(f".{key}", value) if isinstance(value, Tensor) and value.is_floating_point() else value
        for key, value in items
    }
    given = output if isinstance(output, dict) else dict(enumerate(output))
    if all(parts[key] is given[key] for key in parts):
        return output
    if isinstance(output, dict):
        return type(output)(parts)
    return type(output)(*parts.values()) if hasattr(output, "_fields") else type(output)(parts.values())


def one_name(
    names: Collection[str], modules: Collection[str], module: str, call: int, part: str
) -> str | None:
    """The one of the names that means this output; None if none does."""
    numbered, plain = f"{module}[{call}]{part}", f"{module}{part}"
    if numbered in names:
        return numbered
    # layers.0 is a submodule of that name, if there is one.
    return plain if plain in names and not (part and plain in modules) else None


def named_outputs(outputs: list[Output], taken: Collection[str]) -> dict[str, tuple[int, Tensor]]:
    """(1, tensor) for every output, in their order, by a name that is not taken.

    Before the first of several of a submodule its own name stands, with the number of its calls, or with 0
    where it is called once and returns several.
    """
    calls = {one.module: one.call + 1 for one in outputs}
    found: dict[str, tuple[int, Tensor]] = {}
    for module, call, part, value in outputs:
        count = calls[module]
        if count > 1 or part:
            found.setdefault(module, (count if count > 1 else 0, value))
        name = f"{module}[{call}]{part}" if count > 1 else f"{module}{part}"
        if not (part and name in taken):
            found[name] = (1, value)
    return found
