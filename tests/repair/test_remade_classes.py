"""A method of the user's class is edited in a class of its own; the user's stays as it is."""

from pathlib import Path

from torch_reference.repair.anew.rebuilt import Original
from user_files import imported

SOURCE = """class Base:
    def value(self):
        return 10


class Derived(Base):
    def __init__(self, x):
        self.x = x

    @staticmethod
    def twice(x):
        return 2 * x

    @classmethod
    def made(cls, x):
        return cls(x)

    @property
    def half(self):
        return self.x / 2

    def value(self):
        return super().value() + self.twice(self.x) + self.half


def top(x):
    one = Derived.made(x)
    assert type(one) is Derived
    return one.value()
"""
EDITS = [
    ("value", "+ self.half", "- self.half", 13.0),
    ("twice", "2 * x", "3 * x", 17.0),
    ("half", "self.x / 2", "self.x / 4", 14.5),
    ("made", "cls(x)", "cls(2 * x)", 20.0),
]


def test_methods_of_every_kind_are_edited_and_the_users_class_is_not(tmp_path: Path) -> None:
    """With super, static and class methods and properties; the base's own code, too."""
    module = imported(tmp_path, "classes", SOURCE)
    assert module.top(2) == 15.0
    for name, before, after, expected in EDITS:
        member = vars(module.Derived)[name]
        function = getattr(member, "__func__", None) or getattr(member, "fget", member)
        original = Original(module.top, function.__code__)
        assert original.can_be_edited, name
        assert original.edited(SOURCE.replace(before, after))(2) == expected, name
        assert module.top(2) == 15.0
    base = Original(module.top, module.Base.value.__code__)
    assert base.edited(SOURCE.replace("return 10", "return 20"))(2) == 25.0


def test_the_statements_of_cases_and_of_handlers_are_among_a_functions(tmp_path: Path) -> None:
    """A gradient may be made there, too."""
    source = (
        "def f(x):\n    match x:\n        case 1:\n            a = 1\n        case _:\n            a = 2\n"
    )
    source += "    try:\n        b = 1 / 0\n    except ZeroDivisionError:\n        b = 3\n    return a + b\n"
    module = imported(tmp_path, "cases", source)
    lines = [statement.lineno for statement in Original(module.f, module.f.__code__).statements()]
    assert lines == [2, 4, 6, 7, 8, 10, 11]
