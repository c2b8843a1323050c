"""The version of the project: from the checkout's pyproject.toml, or as it was installed."""

import tomllib
from importlib import metadata
from pathlib import Path

NAME = "manual-backprop"
"""The two packages are installed together, as one project. Both have this file: neither imports the other."""


def version() -> str:
    """The version in pyproject.toml beside the package; where there is none, that of the installation.

    In this order, since a checkout that is used by its path may be another one than the installed.
    """
    try:
        project = tomllib.loads((Path(__file__).parents[1] / "pyproject.toml").read_text(encoding="utf-8"))
        if project["project"]["name"] == NAME:
            return str(project["project"]["version"])
    except (OSError, ValueError, KeyError):
        pass  # nothing there, or another project's
    try:
        return metadata.version(NAME)
    except metadata.PackageNotFoundError:
        return "unknown"  # copied by hand: neither a checkout nor an installation
