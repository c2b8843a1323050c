"""Functions that are right as they were given, and wrong in one way of calling; and a right twin of each.

| file | what it holds |
| --- | --- |
| functions | what the mistakes are made of |
| newer | those in the newer style, with rules for batches and tangents |
| mistakes | the way, a function that is wrong in it, what is right, and inputs |
| reported | the same of kinds that were reported in public |
| further | more of both |
| elsewhere | memory, groups, and sizes of other kinds |
| numbers | numbers of another sign, whole, or zero |
| twins | what is right, as a Function with a backward of its own |
"""

from catalogue.ways.elsewhere import ELSEWHERE
from catalogue.ways.further import FURTHER
from catalogue.ways.mistakes import MISTAKES
from catalogue.ways.numbers import NUMBERS
from catalogue.ways.reported import REPORTED
from catalogue.ways.twins import twin

ALL = {**MISTAKES, **REPORTED, **FURTHER, **ELSEWHERE, **NUMBERS}

__all__ = ["ALL", "FURTHER", "MISTAKES", "REPORTED", "twin"]
