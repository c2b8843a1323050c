"""Every public function has an example in its docstring, and every example of the packages runs."""

import doctest
import importlib
import inspect
from collections.abc import Iterator

import pytest

from import_arrows import ROOT, modules

PACKAGES = ("manual_backprop", "torch_reference")
WITH_EXAMPLES = [
    name
    for package in PACKAGES
    for name, path in modules(ROOT / package, package).items()
    if ">>> " in path.read_text(encoding="utf-8")
]


def public_functions() -> Iterator[tuple[str, str]]:
    """The page of contents and the name of every function that one lists; the text alone would not tell."""
    for package in PACKAGES:
        for name, path in modules(ROOT / package, package).items():
            if path.name == "__init__.py":
                page = importlib.import_module(name)
                found = {public: getattr(page, public) for public in getattr(page, "__all__", ())}
                yield from ((name, public) for public, value in found.items() if inspect.isfunction(value))


def test_every_public_function_has_an_example() -> None:
    """Public is what the page of contents of a folder lists."""
    lacking = {
        f"{page}.{name}"
        for page, name in public_functions()
        if ">>> " not in (getattr(importlib.import_module(page), name).__doc__ or "")
    }
    assert lacking == set()


@pytest.mark.sample(5)
@pytest.mark.parametrize("module", WITH_EXAMPLES)
def test_the_examples_of_a_module_print_what_they_show(module: str) -> None:
    """Each in a process that has imported nothing else by these names."""
    runner = doctest.DocTestRunner()
    report: list[str] = []
    for example in doctest.DocTestFinder(exclude_empty=True).find(importlib.import_module(module), module):
        runner.run(example, out=report.append)
    assert runner.summarize(verbose=False).attempted
    assert report == []
