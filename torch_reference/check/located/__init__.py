"""Which line of the user's own code is wrong, and one edit that would make it right.

locating adds it to a report; located_report is what such a report says; in_float64 is where 16 bits hide it.
"""

from torch_reference.check.located.located_report import LocatedReport
from torch_reference.check.located.locating import CalledAt

__all__ = ["CalledAt", "LocatedReport"]
