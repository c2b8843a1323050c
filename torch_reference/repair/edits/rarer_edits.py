"""Edits that are needed more rarely: an axis, an index, a size, a slope, two names exchanged, a product."""

import ast
from collections.abc import Iterator, Sequence
from itertools import combinations

from torch_reference.repair.edits.source_text import Source, TextEdit
from torch_reference.repair.edits.whole_line_edits import FEWER, whole_line_edits

UNARY = {"sqrt", "rsqrt", "exp", "log", "tanh", "sigmoid", "sign", "relu", "reciprocal"}
WRITING = ({"index_copy_", "index_add_"}, {"scatter_", "scatter_add_"})
AXES = ("0", "-1, keepdim=True", "1")
SIZES = ("len({})", "{}.shape[-1]", "{}.numel()", "{}.sum()")
ORDERS = ("permute(0, 2, 3, 1)", "transpose(1, 2)", "transpose(0, 1)")


def rarer_edits(source: Source, statement: ast.stmt, names: Sequence[str]) -> Iterator[TextEdit]:
    """Every such edit of a statement; names are those that may be put in."""
    for node in ast.walk(statement):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            yield from _of_a_method(source, node, node.func)
            if _is_name(node.func.value):
                yield from _of_a_receiver(source, node.func.value, names)
        elif isinstance(node, ast.Subscript) and isinstance(node.ctx, ast.Load):
            yield from _of_an_index(source, node, names)
        elif isinstance(node, ast.BinOp):
            yield from _of_an_operation(source, node, names)
        elif isinstance(node, ast.Constant) and type(node.value) is float:
            for number in ("2", "3"):
                yield TextEdit(*source.span(node), f"{number} * {source.text(node)}", 4, "another number")
        elif isinstance(node, ast.Constant) and node.value == 1:
            for name in names:
                yield TextEdit(*source.span(node), f"(1 - {name})", 5, "another number")
        elif isinstance(node, ast.Attribute) and node.attr in ("T", "mT") and _is_name(node.value):
            begin, end = source.span(node.value)
            text = source.text(node.value)
            for name in names:
                yield TextEdit(begin, end, f"({text} * {name})", 5, "factor missing")
    yield from whole_line_edits(source, statement, names)


def _of_a_method(source: Source, node: ast.Call, method: ast.Attribute) -> Iterator[TextEdit]:
    begin, end = source.span(node)
    of_torch = isinstance(method.value, ast.Name) and method.value.id in ("torch", "F")
    given = node.args[1:] if of_torch else node.args
    inner = source.text(node.args[0]) if of_torch and node.args else source.text(method.value)
    start = source.span(method.value)[1]
    if method.attr in UNARY and not given:
        yield TextEdit(begin, end, inner, 3, "another function")
    for pair in WRITING:
        if method.attr in pair:
            [other] = pair - {method.attr}
            name_at = source.bytes.index(method.attr.encode(), start)
            yield TextEdit(name_at, name_at + len(method.attr), other, 1, "overwritten")
    if method.attr in ("sum", "mean") and not given and not node.keywords:
        for axis in AXES:
            yield TextEdit(end - 1, end - 1, f", {axis}" if of_torch else axis, 3, "another axis")
    if method.attr in ("sum", "mean", "amax") and given and isinstance(given[0], ast.Tuple):
        yield from _of_axes(source, given[0])
    if method.attr == "cumsum" and not of_torch and given:
        axis = source.text(given[0])
        flipped = f"{inner}.flip({axis}).cumsum({axis}).flip({axis})"
        yield TextEdit(begin, end, flipped, 4, "another order")
    if not of_torch and (_is_name(method.value) or isinstance(method.value, ast.Attribute)):
        yield TextEdit(start, start, ".T", 4, "transposed")
        for order in ORDERS if method.attr in ("reshape", "view", "flatten") else ():
            yield TextEdit(start, start, f".{order}", 5, "another order")


def _of_a_receiver(source: Source, receiver: ast.expr, names: Sequence[str]) -> Iterator[TextEdit]:
    """x.sum(0) for (x + y).sum(0)."""
    for name in names:
        for sign, what in (("+", "term missing"), ("-", "term missing"), ("*", "factor missing")):
            text = f"({source.text(receiver)} {sign} {name})"
            yield TextEdit(*source.span(receiver), text, 5, what)


def _of_axes(source: Source, axes: ast.Tuple) -> Iterator[TextEdit]:
    """One axis less, one more."""
    begin, end = source.span(axes)
    written = [source.text(axis) for axis in axes.elts]
    for left_out in range(len(written)):
        rest = [axis for place, axis in enumerate(written) if place != left_out]
        text = f"({', '.join(rest)})" if len(rest) > 1 else "".join(rest)
        if text:
            yield TextEdit(begin, end, text, 3, "another axis")
    for more in ("0", "1", "2", "3"):
        if more not in written:
            yield TextEdit(begin, end, f"({', '.join(sorted([*written, more]))})", 3, "another axis")


def _of_an_index(source: Source, node: ast.Subscript, names: Sequence[str]) -> Iterator[TextEdit]:
    begin, end = source.span(node)
    value = source.text(node.value)
    if _is_name(node.slice):
        index = source.text(node.slice)
        for moved in (f"{index} - 1", f"{index} + 1"):
            yield TextEdit(begin, end, f"{value}[{moved}]", 3, "another number")
    if _is_name(node.value) and isinstance(node.slice, ast.Tuple):
        for name in names:
            for sign in "*/":
                yield TextEdit(*source.span(node.value), f"({value} {sign} {name})", 6, "factor missing")
    if isinstance(node.slice, ast.Constant | ast.UnaryOp):
        for text in (value, f"{value}[:, None]", f"{value}[..., None]"):
            yield TextEdit(begin, end, text, 4, "another axis")


def _of_an_operation(source: Source, node: ast.BinOp, names: Sequence[str]) -> Iterator[TextEdit]:
    begin, end = source.span(node)
    right = source.text(node.right)
    is_complement = isinstance(node.left, ast.Constant) and node.left.value == 1
    if isinstance(node.op, ast.Sub) and is_complement:
        yield TextEdit(begin, end, right, 3, "another function")
        for name in names:
            yield TextEdit(begin, end, f"1 + {name} * (1 - {right})", 6, "derivative of another function")
    if isinstance(node.op, ast.Pow) and _is_name(node.right):
        for other in (f"({right} - 1)", f"({right} + 1)"):
            yield TextEdit(*source.span(node.right), other, 3, "another power")
    if isinstance(node.op, ast.Div):
        place = source.span(node.right)
        wraps = source.bytes[place[0] - 1 : place[0]] == b"(" and isinstance(node.right, ast.BinOp)
        divisor = (place[0] - 1, place[1] + 1) if wraps else place
        for name in names:
            for size in SIZES:
                yield TextEdit(*divisor, size.format(name), 5, "another number")
    if isinstance(node.op, ast.Mult):
        for side in (node.left, node.right):
            for name in _names_in(side) if isinstance(side, ast.Name | ast.Call) else ():
                yield from _with_a_product(source, side, names)
                slopes = (f"(1 - {name} ** 2)", f"({name} * (1 - {name}))", f"(1 - {name})")
                for slope in slopes:
                    yield TextEdit(*source.span(side), slope, 5, "derivative of another function")


def _with_a_product(source: Source, factor: ast.expr, names: Sequence[str]) -> Iterator[TextEdit]:
    if len(names) <= FEWER and isinstance(factor, ast.Name):
        for one, other in combinations(names, 2):
            yield TextEdit(*source.span(factor), f"({factor.id} + {one} * {other})", 7, "term missing")


def _names_in(node: ast.expr) -> list[str]:
    found = {inner.id for inner in ast.walk(node) if isinstance(inner, ast.Name)}
    return sorted(found - {"torch", "F"})


def _is_name(node: ast.expr) -> bool:
    return isinstance(node, ast.Name) and node.id not in ("torch", "F")
