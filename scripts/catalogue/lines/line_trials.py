"""What the check says of a published backward with one wrong line: the line, the kind, the edit."""

import ast
import importlib.util
import linecache
import subprocess
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from types import FunctionType, ModuleType
from typing import Any, NamedTuple

import torch

from catalogue.lines.line_mistakes import LineMistake, mistakes_of
from catalogue.lines.mistake_classes import CLASSES
from catalogue.lines.outside import MODULES as OUTSIDE
from catalogue.lines.published import MODULES as PUBLISHED
from catalogue.lines.reported import REPORTED, Reported
from torch_reference import check_derivation, check_function
from torch_reference.judging.report import Report

HERE = Path(__file__).parent
HELD_OUT_SEED = 17


class Said(NamedTuple):
    """What was said of one mistake; mends is None where no edit was shown.

    line is whether its line is the one that is named, line_of_two whether it is one of at most two.
    """

    mistake: LineMistake
    line: bool
    line_of_two: bool
    kind: str
    kind_is_right: bool
    mends: bool | None


def file_of(name: str) -> Path:
    """The file of a module of published backwards."""
    folder = "outside" if name in OUTSIDE else "published"
    return HERE / folder / f"{name}.py"


def made(text: str, name: str) -> ModuleType:
    """A module of that text, whose lines can be looked up under its file's name."""
    file = str(file_of(name))
    linecache.cache[file] = (len(text), None, text.splitlines(keepends=True), file)
    spec = importlib.util.spec_from_loader(name, loader=None)
    assert spec is not None
    module = importlib.util.module_from_spec(spec)
    exec(compile(text, file, "exec"), vars(module))
    return module


def checked(module: ModuleType, subject: str) -> Report:
    """The report on a subject, in float64, at a point of its own."""
    before = torch.get_default_dtype()
    torch.manual_seed(1)
    torch.set_default_dtype(torch.float64)
    try:
        given = module.SUBJECTS[subject]()
        if isinstance(given[0], torch.nn.Module):
            return check_derivation(*given)
        function, reference, inputs, *wrt = given
        return check_function(function, reference, *inputs, wrt=wrt[0] if wrt else None, ways=[], order=1)
    finally:
        torch.set_default_dtype(before)


def backward_of(tree: ast.Module, module: ModuleType, subject: str) -> ast.FunctionDef:
    """The function whose lines are to be spoiled."""
    code = _plain(_backward(module.SUBJECTS[subject]())).__code__
    for node in ast.walk(tree):
        if not isinstance(node, ast.FunctionDef) or node.name != code.co_name:
            continue
        if node.lineno - len(node.decorator_list) == code.co_firstlineno:
            return node
    raise LookupError(subject)


def _backward(given: tuple[Any, ...]) -> Any:
    if isinstance(given[0], torch.nn.Module):
        return given[4]
    return given[0][1] if isinstance(given[0], tuple) else given[0].backward


def _plain(function: FunctionType) -> FunctionType:
    """The function that a lambda only calls with its arguments in another order."""
    if function.__name__ != "<lambda>":
        return function
    inside = [cell.cell_contents for cell in function.__closure__ or ()]
    names = [function.__globals__.get(name) for name in function.__code__.co_names]
    return next(
        found
        for found in (*inside, *names)
        if isinstance(found, FunctionType) and "backward" in found.__name__
    )


def random_mistakes(count: int, seed: int = 0, modules: Sequence[str] = PUBLISHED) -> Iterator[LineMistake]:
    """So many mistakes that show, of each published backward."""
    for name in modules:
        text = file_of(name).read_text(encoding="utf-8")
        module, tree = made(text, name), ast.parse(text)
        for subject in module.SUBJECTS:
            found = 0
            for mistake in mistakes_of(
                text, f"{name}:{subject}", backward_of(tree, module, subject), count, seed
            ):
                if found < count and shows(mistake):
                    found += 1
                    yield mistake


def drawn_mistakes(count: int, seed: int) -> Iterator[LineMistake]:
    """So many of each published backward; with another seed than 0 also of those that are held out."""
    return random_mistakes(count, seed, (*PUBLISHED, *OUTSIDE) if seed else PUBLISHED)


def held_out_mistakes() -> Iterator[LineMistake]:
    """One at random of each backward in outside/, as they were drawn before the check had seen any."""
    return random_mistakes(1, HELD_OUT_SEED, OUTSIDE)


def reported_mistakes(reports: Iterable[Reported] = REPORTED) -> Iterator[LineMistake]:
    """Those that people report, each planted in a published backward."""
    for one in reports:
        name = one.subject.partition(":")[0]
        text = file_of(name).read_text(encoding="utf-8")
        backward = backward_of(ast.parse(text), made(text, name), one.subject.partition(":")[2])
        lines = text.splitlines(keepends=True)
        start = text.index(one.right, len("".join(lines[: backward.lineno])))
        here = text[:start].count("\n") + 1
        assert here <= (backward.end_lineno or 0), one
        inside = (node.lineno for node in ast.walk(backward) if isinstance(node, ast.stmt))
        line = max(first for first in inside if first <= here)
        changed = text[:start] + one.wrong + text[start + len(one.right) :]
        yield LineMistake(one.subject, line, one.kind, one.right, one.wrong, changed)


def shows(mistake: LineMistake) -> bool:
    """Whether it changes a gradient at all, and raises no error."""
    name, _, subject = mistake.subject.partition(":")
    try:
        report = checked(made(mistake.text, name), subject)
    except Exception:
        return False
    return not report.agrees and not any(
        finding.row.verdict == "raises an error" for finding in report.findings
    )


def said_of(mistake: LineMistake) -> Said:
    """The line that is named, the first diagnosis, and whether the edit that is shown mends it."""
    name, _, subject = mistake.subject.partition(":")
    report = checked(made(mistake.text, name), subject)
    lines = [place.line for place in getattr(report, "lines", ())]
    kinds = [f.diagnosis.kind for f in report.findings if f.starts_here and f.diagnosis]
    known = [kind for kind in kinds if kind != "unknown"]
    kind = known[0] if known else "unknown"
    edits = getattr(report, "repairs", None)
    diffs = [repair.diff for repair in edits.found] if edits is not None else []
    mends = all(_mends(mistake, diff) for diff in diffs) if diffs else None
    right = set(known) <= CLASSES[mistake.kind] and bool(known)
    return Said(mistake, lines[:1] == [mistake.line], mistake.line in lines, kind, right, mends)


def _mends(mistake: LineMistake, diff: str) -> bool:
    """Whether `git apply` takes the diff, and what comes out is right."""
    name, _, subject = mistake.subject.partition(":")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / diff.splitlines()[1].removeprefix("+++ b/")
        path.parent.mkdir(parents=True)
        path.write_text(mistake.text, encoding="utf-8")
        done = subprocess.run(["git", "apply", "-"], cwd=folder, input=diff, text=True, capture_output=True)
        return done.returncode == 0 and checked(made(path.read_text(encoding="utf-8"), name), subject).agrees
