"""The version of the project: from the checkout's pyproject.toml, or as it was installed."""

import re
from importlib import metadata
from pathlib import Path

NAME = "manual-backprop"
"""The two packages are installed together, as one project. Both have this file: neither imports the other."""

# Read by a pattern: tomllib takes 5 ms to import, a sixth of the whole package. A test holds what is found.
PROJECT = re.compile(rf'^\[project\]\nname = "{NAME}"\nversion = "(.+)"$', re.MULTILINE)


def version() -> str:
    """The version in pyproject.toml beside the package; where there is none, that of the installation.

    In this order, since a checkout that is used by its path may be another one than the installed.
    """
    try:
        own = PROJECT.search((Path(__file__).parents[1] / "pyproject.toml").read_text(encoding="utf-8"))
    except (OSError, ValueError):  # nothing there, or no text
        own = None
    if own:
        return own[1]
    try:
        return metadata.version(NAME)
    except metadata.PackageNotFoundError:
        return "unknown"  # copied by hand: neither a checkout nor an installation
