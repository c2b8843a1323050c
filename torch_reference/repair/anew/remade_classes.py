"""A class of the user's anew, with methods anew: layers that are objects."""

from collections.abc import Callable
from types import FunctionType
from typing import Any, TypeGuard

from torch_reference.chain.arrays.users_code import is_the_users

GIVEN = ("__dict__", "__weakref__", "__doc__", "__module__")


def is_a_class(value: Any) -> TypeGuard[type]:
    """Whether it is a plain class with a method of the user's."""
    return type(value) is type and "__slots__" not in vars(value) and bool(methods_of(value))


def methods_of(value: type) -> list[FunctionType]:
    """The functions of a class that are the user's; static and class methods and properties, too."""
    found = [part for one in vars(value).values() for part in _functions(one)]
    return [one for one in found if isinstance(one, FunctionType) and is_the_users(one.__code__)]


def _functions(member: Any) -> tuple[Any, ...]:
    if type(member) is property:
        return member.fget, member.fset, member.fdel
    return (getattr(member, "__func__", member),)


def class_anew(value: type, made: dict[int, type], anew: Callable[[Any], Any]) -> type:
    """The class that stands for this one; made has those that there are, and anew makes what stands in it."""
    if id(value) not in made:
        bases = tuple(anew(base) for base in value.__bases__)
        # First the class, empty: its methods may name it.
        found = made[id(value)] = type(value.__name__, bases, {"__doc__": value.__doc__})
        found.__module__ = value.__module__
        for name, member in vars(value).items():
            if name not in GIVEN:
                setattr(found, name, _member(member, anew))
    return made[id(value)]


def _member(member: Any, anew: Callable[[Any], Any]) -> Any:
    if isinstance(member, staticmethod | classmethod):
        return type(member)(anew(member.__func__))
    if type(member) is property:
        return property(*(anew(part) if part is not None else None for part in _functions(member)))
    return anew(member)
