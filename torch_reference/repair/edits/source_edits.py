"""All single edits of a line that people are known to need: each is a piece of text in place of another.

What is evaluated is the edited text itself, so that what is shown is what was tried.
"""

import ast
from collections.abc import Iterator, Sequence

from torch_reference.repair.edits.control_edits import control_edits
from torch_reference.repair.edits.rarer_edits import rarer_edits
from torch_reference.repair.edits.source_text import Source, TextEdit
from torch_reference.repair.edits.term_edits import LEAVES, factors, of_a_factor, of_a_term, terms
from torch_reference.repair.suspect_lines import header

OPERATORS = {
    ast.Add: ("+", ("-", "*")),
    ast.Sub: ("-", ("+",)),
    ast.Mult: ("*", ("/", "@", "+")),
    ast.Div: ("/", ("*",)),
    ast.MatMult: ("@", ("*",)),
    ast.Pow: ("**", ("*",)),
}
COMPARISONS = {
    ast.Gt: ("<", ">="),
    ast.Lt: (">", "<="),
    ast.GtE: ("<=", ">"),
    ast.LtE: (">=", "<"),
    ast.Eq: ("!=",),
    ast.NotEq: ("==",),
}
FUNCTIONS = (
    *(("sum", "mean"), ("sin", "cos"), ("sinh", "cosh"), ("sigmoid", "tanh"), ("sqrt", "rsqrt")),
    *(("exp", "log"), ("zeros_like", "ones_like"), ("softmax", "log_softmax"), ("max", "amax")),
)


def edits_of(source: Source, statement: ast.stmt, names: Sequence[str]) -> list[TextEdit]:
    """Every single edit of a statement, the likeliest first; names are those that may stand for another."""
    found = list(_of_the_statement(source, statement))
    if (value := getattr(statement, "value", None) or header(statement)) is not None:
        called = {id(node.func) for node in ast.walk(value) if isinstance(node, ast.Call)}
        places = [node.slice for node in ast.walk(value) if isinstance(node, ast.Subscript)]
        index = {id(node) for place in places for node in ast.walk(place)}
        inner = {id(node.value) for node in ast.walk(value) if isinstance(node, ast.Attribute)}
        for node in ast.walk(value):
            if isinstance(node, ast.expr):
                is_in = (id(node) in some for some in (called, inner, index))
                found += _of_a_node(source, node, names, *is_in)
        for term in () if header(statement) else terms(value):
            found += of_a_term(source, term, names, value)
        for factor in factors(value):
            found += of_a_factor(source, factor, names)
    for target in getattr(statement, "targets", [getattr(statement, "target", None)]):
        for place in _indices(target):
            for node in ast.walk(place):
                if isinstance(node, ast.expr):
                    found += _of_a_node(source, node, names, called=False, inner=True, index=True)
    condition = header(statement)
    found += control_edits(source, condition) if condition else rarer_edits(source, statement, names)
    unique = {
        (edit.start, edit.end, edit.text): edit for edit in reversed(found) if not source.doubles_a_sign(edit)
    }
    return sorted(unique.values(), key=lambda edit: (edit.cost, edit.start))


def _indices(target: ast.expr | None) -> Iterator[ast.expr]:
    """What stands in the brackets of x[i] = …."""
    while isinstance(target, ast.Subscript | ast.Attribute):
        if isinstance(target, ast.Subscript):
            yield target.slice
        target = target.value


def _of_the_statement(source: Source, statement: ast.stmt) -> Iterator[TextEdit]:
    if isinstance(statement, ast.Assign) and len(statement.targets) == 1:
        end = source.span(statement.targets[0])[1]
        begin = source.span(statement.value)[0]
        yield TextEdit(end, begin, " += ", 2, "overwritten")
        if not isinstance(statement.targets[0], ast.Name):
            yield TextEdit(end, begin, " -= ", 2, "overwritten")
    if isinstance(statement, ast.AugAssign):
        between = source.span(statement.target)[1], source.span(statement.value)[0]
        yield TextEdit(*between, " = ", 2, "accumulated")
        adds = isinstance(statement.op, ast.Add)
        yield TextEdit(*between, " -= " if adds else " += ", 1, "wrong sign")


def _of_a_node(
    source: Source, node: ast.expr, names: Sequence[str], called: bool, inner: bool, index: bool
) -> Iterator[TextEdit]:
    begin, end = source.span(node)
    text = source.text(node)
    if isinstance(node, ast.Constant) and isinstance(node.value, int | float):
        numbers = [] if isinstance(node.value, bool) else list(_other_numbers(node.value))
        # A factor of 1 is better left out, and an index seldom counts from the end.
        odd = {written: 4 for written in numbers if (written[0] == "-" if index else written == "1")}
        what = "another number"
        yield from (TextEdit(begin, end, written, odd.get(written, 1), what) for written in numbers)
        if numbers:
            # Nobody writes 1 as a factor.
            yield from (TextEdit(begin, end, name, 3 + (node.value == 1), what) for name in names)
    elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        is_number = isinstance(node.operand, ast.Constant)  # -1 may be an axis
        what, cost = ("another number", 2) if is_number else ("wrong sign", 0)
        yield TextEdit(begin, end, source.text(node.operand), cost, what)
    elif isinstance(node, ast.BinOp):
        yield from _of_an_operation(source, node)
    elif isinstance(node, ast.Compare) and len(node.ops) == 1 and type(node.ops[0]) in COMPARISONS:
        gap = source.span(node.left)[1], source.span(node.comparators[0])[0]
        for other in COMPARISONS[type(node.ops[0])]:
            yield TextEdit(*gap, f" {other} ", 2, "another operator")
    elif isinstance(node, ast.Name) and not called:
        yield from (TextEdit(begin, end, other, 2, "another name") for other in names if other != node.id)
        if node.id not in ("torch", "np", "F", "math") and not index:
            for made in ("tanh", "sigmoid", "exp"):
                yield TextEdit(end, end, f".{made}()", 4, "input for the activation")
    elif isinstance(node, ast.Attribute):
        if text in names:  # self.k for self.q
            yield from (TextEdit(begin, end, other, 2, "another name") for other in names if other != text)
        yield from _of_an_attribute(source, node, called)
    elif isinstance(node, ast.Call):
        yield from _of_a_call(source, node)
    elif isinstance(node, ast.Tuple | ast.List) and len(node.elts) > 1:
        yield from _of_a_tuple(source, node)
    if isinstance(node, LEAVES) and not called and not inner:
        yield TextEdit(end, end, ".T", 3, "transposed")
        yield TextEdit(end, end, ".mT", 4, "transposed")
        yield TextEdit(begin, end, f"{text} ** 2", 3, "another power")
        yield TextEdit(begin, end, f"{text} ** 3", 4, "another power")


def _other_numbers(value: float) -> Iterator[str]:
    """Numbers that were meant by this one: one more or less, twice, half, the opposite, a digit more."""
    slips = [float(f"{value * step:.12g}") for step in (10, 0.1)] if isinstance(value, float) else []
    near = value + 1, value - 1, 2 * value, value / 2, 1, 2, 0.5, 1 - value, value + 2
    for other in dict.fromkeys((*near, *slips)):
        if other != value and other >= 0:
            yield repr(int(other)) if isinstance(value, int) and other == int(other) else repr(other)
    if value:
        yield f"-{value!r}"


def _of_an_operation(source: Source, node: ast.BinOp) -> Iterator[TextEdit]:
    begin, end = source.span(node)
    left, right = source.text(node.left), source.text(node.right)
    gap = source.bytes[source.span(node.left)[1] : source.span(node.right)[0]].decode()
    if type(node.op) in OPERATORS:
        sign, others = OPERATORS[type(node.op)]
        for other in others:
            start = source.span(node.left)[1]
            cost, what = (1, "wrong sign") if {sign, other} == {"+", "-"} else (2, "another operator")
            yield TextEdit(start, start + len(gap.encode()), gap.replace(sign, other, 1), cost, what)
        if not isinstance(node.op, ast.Add | ast.Mult):
            yield TextEdit(begin, end, f"{right} {sign} {left}", 3, "another order")
        if isinstance(node.op, ast.MatMult):
            for turned in (f"{right}.T @ {left}", f"{right} @ {left}.T"):
                yield TextEdit(begin, end, turned, 4, "another order")
    # A number that is left out comes before one that is put in.
    what = {ast.Add: "term too many", ast.Sub: "term too many", ast.Pow: "another power"}.get(
        type(node.op), "factor too many"
    )
    yield TextEdit(begin, end, left, 1 if isinstance(node.right, ast.Constant) else 3, what)
    lone = 1 if isinstance(node.left, ast.Constant) else 3
    if not isinstance(node.op, ast.Pow):
        yield TextEdit(begin, end, f"-{right}" if isinstance(node.op, ast.Sub) else right, lone, what)


def _of_an_attribute(source: Source, node: ast.Attribute, called: bool) -> Iterator[TextEdit]:
    end, start = source.span(node)[1], source.span(node.value)[1]
    if node.attr in ("T", "mT"):
        yield TextEdit(start, end, "", 2, "transposed")
    for pair in FUNCTIONS:
        if called and node.attr in pair:
            what = "sum and mean exchanged" if "mean" in pair else "another function"
            yield TextEdit(end - len(node.attr), end, pair[1 - pair.index(node.attr)], 2, what)


def _of_a_call(source: Source, node: ast.Call) -> Iterator[TextEdit]:
    begin, end = source.span(node)
    if not isinstance(node.func, ast.Attribute):
        return
    if node.func.attr in ("sum", "mean", "t", "transpose", "clone", "square", "neg", "abs"):
        what = "transposed" if node.func.attr in ("t", "transpose") else "another function"
        yield TextEdit(begin, end, source.text(node.func.value), 3, what)
    if node.func.attr in ("sum", "mean"):
        keepdim = next((word for word in node.keywords if word.arg == "keepdim"), None)
        if keepdim is None and node.args:
            yield TextEdit(end - 1, end - 1, ", keepdim=True", 3, "another axis")
        elif keepdim is not None and node.args:
            yield TextEdit(source.span(node.args[-1])[1], end - 1, "", 3, "another axis")


def _of_a_tuple(source: Source, node: ast.Tuple | ast.List) -> Iterator[TextEdit]:
    """Two neighbours in the wrong order."""
    for one, other in zip(node.elts, node.elts[1:], strict=False):
        first, last = source.span(one), source.span(other)
        between = source.bytes[first[1] : last[0]].decode()
        yield TextEdit(
            first[0], last[1], f"{source.text(other)}{between}{source.text(one)}", 3, "another order"
        )
