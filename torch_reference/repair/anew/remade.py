"""Functions anew: one of them with another code, and whatever reaches it by name or closure with it."""

from collections.abc import Callable
from types import CellType, CodeType, FunctionType, ModuleType
from typing import Any, TypeGuard

from torch_reference.chain.arrays.users_code import is_the_users
from torch_reference.judging.calls.really import is_a
from torch_reference.repair.anew.remade_classes import class_anew, is_a_class, methods_of


class Remade:
    """Functions anew with another code for one of them; whatever they reach by name or closure with them."""

    def __init__(self, old: CodeType, new: CodeType, of_a_class: bool = False) -> None:
        """Nothing is made yet; if the code is of a method, the user's classes are made anew as well."""
        self.old, self.new, self.of_a_class = old, new, of_a_class
        self.classes: dict[int, type] = {}
        self.made: dict[int, FunctionType] = {}
        self.spaces: dict[int, dict[str, Any]] = {}
        self.modules: dict[int, ModuleType] = {}

    def function(self, function: FunctionType) -> FunctionType:
        """The function that stands for this one; it is made once, however it is reached.

        Errors: LookupError for a code that needs a variable out of its reach
        """
        if id(function) in self.made:
            return self.made[id(function)]
        code = self.new if function.__code__ is self.old else function.__code__
        cells = dict(zip(function.__code__.co_freevars, function.__closure__ or (), strict=True))
        if not set(code.co_freevars) <= set(cells):
            raise LookupError("it would need a variable that is out of its reach")
        # First the cells, empty: a function may be in its own closure.
        fresh = {name: CellType() for name in code.co_freevars}
        space = self._space(function)
        closure = tuple(fresh.values())
        made = FunctionType(code, space, function.__name__, function.__defaults__, closure)
        made.__kwdefaults__ = function.__kwdefaults__
        self.made[id(function)] = made
        for name, cell in fresh.items():
            _fill(cell, cells[name], self._value)
        return made

    def with_code(self, top: FunctionType, code: CodeType) -> FunctionType:
        """The function anew with still another code; it is the same one, if that needs the same variables.

        Errors: LookupError for a code that needs a variable out of its reach
        """
        edited = [made for made in self.made.values() if made.__code__ is self.new]
        if any(made.__code__.co_freevars != code.co_freevars for made in edited):
            return Remade(self.old, code, self.of_a_class).function(top)
        for made in edited:
            made.__code__ = code
        self.new = code
        return self.made[id(top)]

    def _value(self, value: Any) -> Any:
        if _is_module(value):
            return self._module(value)
        if self.of_a_class and is_a_class(value):
            return class_anew(value, self.classes, self._value)
        return self.function(value) if _is_made_anew(value) else value

    def _module(self, module: ModuleType) -> ModuleType:
        """A module of the user's, with functions anew that are its own; the module itself if it has none."""
        if id(module) not in self.modules:
            anew = ModuleType(module.__name__, module.__doc__)
            self.modules[id(module)] = anew
            vars(anew).update(self._space_of(vars(module)))
        return self.modules[id(module)]

    def _space(self, function: FunctionType) -> dict[str, Any]:
        """The globals of a module, with functions anew that are its own."""
        return self._space_of(function.__globals__)

    def _space_of(self, given: dict[str, Any]) -> dict[str, Any]:
        if id(given) not in self.spaces:
            self.spaces[id(given)] = space = dict(given)
            for name, value in given.items():
                if _is_made_anew(value) or _is_module(value) or (self.of_a_class and is_a_class(value)):
                    space[name] = self._value(value)
        return self.spaces[id(given)]


def beside(forward: Any, backward: Any, edited: FunctionType) -> Any:
    """The forward pass that makes objects of the classes that an edited backward pass has anew.

    Itself where there are none, or where it is of another module.
    """
    known, first = plain(backward), plain(forward)
    if known is None or first is None or forward is not first or first.__globals__ is not known.__globals__:
        return forward
    names = edited.__globals__
    if not any(
        is_a_class(value) and names.get(name) is not value for name, value in known.__globals__.items()
    ):
        return forward
    made = FunctionType(first.__code__, names, first.__name__, first.__defaults__, first.__closure__)
    made.__kwdefaults__ = first.__kwdefaults__
    return made


def reached(top: FunctionType, classes: bool = False) -> list[FunctionType]:
    """A function, and all that it may call by a name of its module, its imports or its closure.

    With classes also the methods of what are classes there.
    """
    waiting: list[Any] = [top]
    found, seen = [], {id(top)}
    for one in waiting:  # it grows on the way
        if isinstance(one, ModuleType):
            others = list(vars(one).values())
        elif isinstance(one, type):
            others = methods_of(one)
        else:
            found.append(one)
            cells = [cell.cell_contents for cell in one.__closure__ or () if _is_full(cell)]
            others = [*one.__globals__.values(), *cells]
        for other in others:  # most functions have the same globals
            if id(other) in seen:
                continue
            seen.add(id(other))
            if _is_made_anew(other) or _is_module(other) or (classes and is_a_class(other)):
                waiting.append(other)
    return found


def plain(function: Any) -> FunctionType | None:
    """The Python function behind a callable, without what torch wraps around it; None if there is none."""
    function = getattr(function, "__func__", function)
    function = getattr(function, "__wrapped__", function)
    return function if isinstance(function, FunctionType) else None


def _is_made_anew(value: Any) -> TypeGuard[FunctionType]:
    return is_a(value, FunctionType) and is_the_users(value.__code__)


def _is_module(value: Any) -> TypeGuard[ModuleType]:
    """Whether it is a module of the user's: one with a function of his in it."""
    return type(value) is ModuleType and any(
        _is_made_anew(one) and one.__module__ == value.__name__ for one in vars(value).values()
    )


def _is_full(cell: CellType) -> bool:
    try:
        _ = cell.cell_contents
    except ValueError:
        return False
    return True


def _fill(cell: CellType, given: CellType, value: Callable[[Any], Any]) -> None:
    if _is_full(given):
        cell.cell_contents = value(given.cell_contents)
