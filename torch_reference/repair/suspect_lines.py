"""The lines where a mistake may be: where a wrong link is made, and those whose variables only it needs."""

import ast
from collections import Counter
from collections.abc import Collection, Sequence

KINDS = ast.Assign | ast.AugAssign | ast.Return | ast.AnnAssign
VIEWS = {"view", "view_as", "reshape", "ravel", "flatten", "unsqueeze", "squeeze", "transpose", "swapaxes"}
VIEWS |= {"permute", "t", "T", "mT", "data", "narrow", "expand", "unflatten"}
"""What is written through one of these is written to what it is a view of."""


def suspects(
    statements: Sequence[ast.stmt],
    lines: Sequence[Sequence[int]],
    linked: Collection[str],
    given: Collection[str] = (),
) -> list[ast.stmt]:
    """The statements of a function that may be wrong; given are its arguments.

    Each of lines is where one wrong link may have been made, the likeliest first. Of several links it is
    what all of them need: one mistake is likelier than several.
    """
    simple = [one for one in statements if isinstance(one, KINDS) or _changes_a_tensor(one)]
    # Of a variable that is made anew on the way only one value is judged: its other lines may be wrong.
    # What is only added to one piece by piece is in that value.
    made = Counter(given) + Counter(
        name for one in simple if not _adds_in_place(one) for name in written(one)
    )
    linked = {name for name in linked if made[name] < 2}
    loops = [one for one in statements if isinstance(one, ast.For | ast.While)]
    controls = [one for one in statements if header(one) is not None]
    needed = [_needed(simple, here, linked, loops, controls) for here in lines]
    if not needed:
        return []
    return [one for one in needed[0] if all(one in others for others in needed[1:])]


def header(statement: ast.stmt) -> ast.expr | None:
    """What decides how often those inside it run: the test of an if or while, what a for runs over."""
    if isinstance(statement, ast.If | ast.While):
        return statement.test
    return statement.iter if isinstance(statement, ast.For) else None


def stands_at(statement: ast.stmt, lines: Collection[int]) -> bool:
    """Whether a statement is on one of these lines; of a loop its first line, not those inside it."""
    end = (header(statement) or statement).end_lineno or statement.lineno
    return any(statement.lineno <= line <= end for line in lines)


def _needed(
    statements: Sequence[ast.stmt],
    lines: Sequence[int],
    linked: Collection[str],
    loops: Sequence[ast.stmt],
    controls: Sequence[ast.stmt],
) -> list[ast.stmt]:
    """The statements of the lines, and those whose variables only they need: judged by nothing else.

    The first line made it, others only handed it on. Those that decide how often such a statement runs are
    among them.
    """
    found = [one for line in lines for one in statements if one.lineno <= line <= (one.end_lineno or line)]
    made = {name for one in found for name in written(one)}
    handed_on = [one for one in found if not stands_at(one, lines[:1])]
    found += [one for one in statements if makes_nothing(one) and made & written(one)]
    found = list(dict.fromkeys(found))
    waiting, seen_through = list(found), _views(statements)
    while waiting:
        here = waiting.pop()
        around = [one for one in controls if one is not here and _is_inside(here, one)]
        waiting += [one for one in around if one not in found]
        found += [one for one in around if one not in found]
        names = read(here) - set(linked)
        if here in handed_on:  # what it hands on beside that, something else has made
            names &= made
        for one in reversed(statements):  # what stands nearer to the wrong link is likelier
            changed = written(one) | (
                {seen_through.get(n, n) for n in written(one)} if _in_place(one) else set()
            )
            if one not in found and _may_come_before(one, here, loops) and names & changed:
                found.append(one)
                waiting.append(one)
    return found


def _views(statements: Sequence[ast.stmt]) -> dict[str, str]:
    """The variables that are views of another one, as written: rows = grad.view(-1, 3)."""
    found: dict[str, str] = {}
    for one in statements:
        if not isinstance(one, ast.Assign) or not isinstance(one.targets[0], ast.Name):
            continue
        value: ast.expr = one.value.func if isinstance(one.value, ast.Call) else one.value
        is_view = isinstance(value, ast.Attribute) and value.attr in VIEWS
        if is_view or (isinstance(value, ast.Subscript) and value is one.value):
            found |= dict.fromkeys(written(one), next(iter(_bases(value)), ""))
    return found


def _in_place(statement: ast.stmt) -> bool:
    """x[i] = y, x[i] += y, x += y, x.add_(y)."""
    target = statement.targets[0] if isinstance(statement, ast.Assign) else None
    return isinstance(target, ast.Subscript) or isinstance(statement, ast.AugAssign | ast.Expr)


def _is_inside(statement: ast.stmt, other: ast.stmt) -> bool:
    return other.lineno < statement.lineno <= (other.end_lineno or other.lineno)


def _may_come_before(one: ast.stmt, other: ast.stmt, loops: Sequence[ast.stmt]) -> bool:
    """Above it, or further down in the same loop: then it comes before it in the next round."""
    if one.lineno < other.lineno:
        return True
    return any(
        loop.lineno < other.lineno and one.lineno <= (loop.end_lineno or loop.lineno) for loop in loops
    )


def _changes_a_tensor(statement: ast.stmt) -> bool:
    """A call such as x.add_(y); any other call may be made for other effects, and is left alone."""
    call = statement.value if isinstance(statement, ast.Expr) else None
    name = call.func.attr if isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute) else ""
    return name.endswith("_") and not name.endswith("__")


def _adds_in_place(statement: ast.stmt) -> bool:
    """x[i] += y, x[i] = y, x += y: what was there is in what comes out."""
    if isinstance(statement, ast.AugAssign) and isinstance(statement.op, ast.Add | ast.Sub):
        return True
    target = statement.targets[0] if isinstance(statement, ast.Assign) else getattr(statement, "target", None)
    return isinstance(target, ast.Subscript)


def makes_nothing(statement: ast.stmt) -> bool:
    """x = x, x[1:] = x[1:]: whoever wrote it meant something else."""
    if not isinstance(statement, ast.Assign) or not isinstance(statement.value, ast.Name | ast.Subscript):
        return False
    return any(ast.unparse(one) == ast.unparse(statement.value) for one in statement.targets)


def only_copies(statement: ast.stmt) -> bool:
    """Whether a line only gives another name to what there is: something may have been left out there."""
    value = getattr(statement, "value", None)
    parts = value.elts if isinstance(value, ast.Tuple) else [value]
    whole = [
        part.func.value
        if isinstance(part, ast.Call) and isinstance(part.func, ast.Attribute) and part.func.attr == "clone"
        else part
        for part in parts
    ]
    if isinstance(statement, ast.Return):
        whole = [part for part in whole if not (isinstance(part, ast.Constant) and part.value is None)]
    is_return = isinstance(statement, ast.Return) and len(whole) > 1
    return bool(whole) and not is_return and all(isinstance(part, ast.Name) for part in whole)


def read(statement: ast.stmt) -> set[str]:
    """The variables that a statement reads; one that it changes in place, too."""
    condition = header(statement)
    if condition is not None:
        return {node.id for node in ast.walk(condition) if isinstance(node, ast.Name)}
    found = {node.id for node in ast.walk(statement) if isinstance(node, ast.Name)}
    every = [
        part for target in getattr(statement, "targets", []) for part in getattr(target, "elts", [target])
    ]
    targets = {target.id for target in every if isinstance(target, ast.Name)}
    value = getattr(statement, "value", None)
    again = (
        {node.id for node in ast.walk(value) if isinstance(node, ast.Name)} if value is not None else set()
    )
    return found - (targets - again)


def written(statement: ast.stmt) -> set[str]:
    """The variables that a statement makes or changes: x of x = …, x[i] = …, x += …, x.add_(…)."""
    if header(statement) is not None:
        return set()
    if isinstance(statement, ast.Expr):
        call = statement.value
        is_method = isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute)
        base = call.func.value if is_method else None  # type: ignore[attr-defined] # it is a method's call
        return _bases(base)
    targets = getattr(statement, "targets", [getattr(statement, "target", None)])
    return {name for target in targets for name in _bases(target)}


def _bases(target: ast.expr | None) -> set[str]:
    if isinstance(target, ast.Tuple | ast.List):
        return {name for part in target.elts for name in _bases(part)}
    while isinstance(target, ast.Subscript | ast.Attribute | ast.Starred):
        target = target.value
    return {target.id} if isinstance(target, ast.Name) else set()
