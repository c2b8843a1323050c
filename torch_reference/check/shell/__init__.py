"""What a shell's programs share that check a user's code: python -m torch_reference, and the scripts.

names are package.module:attribute or a file's; named_model is what they make; options and told_report are the
same options and the same ends for all.
"""

from torch_reference.check.shell.naming import NamedModel, loaded, made, named_model
from torch_reference.check.shell.options import add_model_options, add_report_options
from torch_reference.check.shell.told_report import (
    AGREEMENT,
    BAD_INPUT,
    MISMATCH,
    USERS_CODE,
    status_of,
    tell,
)

__all__ = [
    "AGREEMENT",
    "BAD_INPUT",
    "MISMATCH",
    "USERS_CODE",
    "NamedModel",
    "add_model_options",
    "add_report_options",
    "loaded",
    "made",
    "named_model",
    "status_of",
    "tell",
]
