# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The small mistakes that could be made in a file: each is a mutation, and a mutation is a text with one place changed.

Left out is what no test should hold to the letter: messages, annotations, documentation, decorators, what is logged.
"""

from __future__ import annotations

import ast
import collections.abc as c
import dataclasses

COMPARED = {
    ast.Lt: ("<", "<="),
    ast.LtE: ("<=", "<"),
    ast.Gt: (">", ">="),
    ast.GtE: (">=", ">"),
    ast.Eq: ("==", "!="),
    ast.NotEq: ("!=", "=="),
    ast.Is: ("is", "is not"),
    ast.IsNot: ("is not", "is"),
    ast.In: ("in", "not in"),
    ast.NotIn: ("not in", "in"),
}
CALCULATED = {
    ast.Add: ("+", "-"),
    ast.Sub: ("-", "+"),
    ast.Mult: ("*", "/"),
    ast.Div: ("/", "*"),
    ast.FloorDiv: ("//", "*"),
    ast.Mod: ("%", "*"),
    ast.BitOr: ("|", "&"),
    ast.BitAnd: ("&", "|"),
}
JOINED = {ast.And: ("and", "or"), ast.Or: ("or", "and")}
#: Calls that only tell somebody something, or tell type checkers something, by the first and the last word of their names.
TELLING = {"LOG", "logging", "TypeVar", "cast"}
ENTIRE_MODULE = "<module>"

Edit = tuple[int, int, bytes]


@dataclasses.dataclass(frozen=True)
class Mutation:
    """One place of a file, changed.

    :param function: the function it is in, with the classes around it.
    :param first, last: the lines of that function, between which tests that reach it pass.
    :param was, becomes: the lines that change, as one line each: what names the mutation wherever the file grows.
    :param edit: where the file's bytes change, and what comes there.
    """

    module: str
    function: str
    first: int
    last: int
    line: int
    was: str
    becomes: str
    edit: Edit

    @property
    def key(self) -> tuple[str, str, str, str]:
        return self.module, self.function, self.was, self.becomes

    def applied(self, source: bytes) -> bytes:
        start, end, text = self.edit
        return source[:start] + text + source[end:]

    @property
    def change(self) -> str:
        """What is changed in the file, whichever line it is in."""
        return f"{self.function}: {self.was}  ->  {self.becomes}"

    def __str__(self) -> str:
        return f"{self.module}:{self.line} {self.change}"


def mutations_of(module: str, source: bytes) -> list[Mutation]:
    """All mutations of a file that are still Python, in the order of its lines."""
    text = Text(source)
    found = {}
    for function, node, edit in Walk(text).edits():
        start, end, new = edit
        if not _is_python(source[:start] + new + source[end:]):
            continue
        first, last = (function.node.lineno, function.node.end_lineno or 0) if function.node else (0, 0)
        was, becomes = text.changed(edit)
        mutation = Mutation(module, function.name, first, last, node.lineno, was, becomes, edit)
        # Twice the same line in one function: one stands for both.
        found.setdefault(mutation.key, mutation)
    return sorted(found.values(), key=lambda one: (one.line, one.edit))


def _is_python(source: bytes) -> bool:
    try:
        ast.parse(source)
    except SyntaxError:
        return False
    return True


class Text:
    """A file's bytes, by line and column as :mod:`ast` counts them."""

    def __init__(self, source: bytes) -> None:
        self.source = source
        self._starts = [0]
        for line in source.splitlines(keepends=True):
            self._starts.append(self._starts[-1] + len(line))

    def start(self, node: ast.expr | ast.stmt | ast.keyword) -> int:
        return self._starts[node.lineno - 1] + node.col_offset

    def end(self, node: ast.expr | ast.stmt | ast.keyword) -> int:
        assert node.end_lineno is not None and node.end_col_offset is not None
        return self._starts[node.end_lineno - 1] + node.end_col_offset

    def changed(self, edit: Edit) -> tuple[str, str]:
        """The lines around an edit, before and after it."""
        start, end, new = edit
        first = self.source.rfind(b"\n", 0, start) + 1
        last = self.source.find(b"\n", end)
        last = len(self.source) if last < 0 else last
        before, after = self.source[first:last], self.source[first:start] + new + self.source[end:last]
        return _one_line(before), _one_line(after)


def _one_line(text: bytes) -> str:
    return " ".join(text.decode().split())


@dataclasses.dataclass(frozen=True)
class Function:
    name: str = ENTIRE_MODULE
    node: ast.FunctionDef | ast.AsyncFunctionDef | None = None


class Walk:
    """Goes through a file, and knows in which function it is."""

    def __init__(self, text: Text) -> None:
        self._text = text

    def edits(self) -> c.Iterator[tuple[Function, ast.expr | ast.stmt, Edit]]:
        yield from self._below(ast.parse(self._text.source), Function(), ())

    def _below(self, node: ast.AST, function: Function, names: tuple[str, ...]) -> c.Iterator:
        for child in _interesting(node):
            if isinstance(child, ast.ClassDef):
                yield from self._below(child, function, (*names, child.name))
            elif isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef):
                # What is inside a function belongs to it: tests reach both together.
                inner = function if function.node else Function(".".join((*names, child.name)), child)
                yield from self._below(child, inner, (*names, child.name))
            else:
                for edit in self._edits_of(child):
                    yield function, child, edit
                yield from self._below(child, function, names)

    def _edits_of(self, node: ast.AST) -> c.Iterator[Edit]:
        for kind, edits in _KINDS.items():
            if isinstance(node, kind):
                yield from edits(self._text, node)


def _interesting(node: ast.AST) -> c.Iterator[ast.AST]:
    """The children of a node but for what is left out."""
    for name, value in ast.iter_fields(node):
        if name in ("annotation", "returns", "decorator_list", "type_comment", "type_params"):
            continue
        for child in value if isinstance(value, list) else [value]:
            if isinstance(child, ast.AST) and not _is_left_out(child):
                yield child


def _is_left_out(node: ast.AST) -> bool:
    if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
        return True
    if isinstance(node, ast.If):
        return "TYPE_CHECKING" in ast.unparse(node.test)
    if isinstance(node, ast.Call):
        words = ast.unparse(node.func).split(".")
        return not TELLING.isdisjoint((words[0], words[-1]))
    return isinstance(node, ast.JoinedStr)


def _between(text: Text, left: ast.expr, right: ast.expr, old: str, new: str) -> c.Iterator[Edit]:
    """Exchange an operator that stands between two operands, whatever parentheses are there."""
    start, end = text.end(left), text.start(right)
    gap = text.source[start:end]
    # "not in" may be written with any space in it.
    at = gap.find(old.split()[0].encode())
    stop = gap.find(old.split()[-1].encode(), at) + len(old.split()[-1])
    if at >= 0:
        yield start + at, start + stop, new.encode()


def _compare(text: Text, node: ast.Compare) -> c.Iterator[Edit]:
    operands = [node.left, *node.comparators]
    for number, operator in enumerate(node.ops):
        yield from _between(text, operands[number], operands[number + 1], *COMPARED[type(operator)])


def _join(text: Text, node: ast.BoolOp) -> c.Iterator[Edit]:
    for left, right in zip(node.values, node.values[1:], strict=False):
        yield from _between(text, left, right, *JOINED[type(node.op)])


def _calculate(text: Text, node: ast.BinOp) -> c.Iterator[Edit]:
    texts = (ast.JoinedStr, ast.Constant)
    is_text = any(isinstance(side, texts) and not isinstance(getattr(side, "value", ""), int | float) for side in (node.left, node.right))
    if type(node.op) in CALCULATED and not is_text:
        yield from _between(text, node.left, node.right, *CALCULATED[type(node.op)])


def _negate(text: Text, node: ast.UnaryOp) -> c.Iterator[Edit]:
    if isinstance(node.op, ast.Not):
        yield text.start(node), text.start(node) + len("not "), b""


def _constant(text: Text, node: ast.Constant) -> c.Iterator[Edit]:
    start, end = text.start(node), text.end(node)
    if isinstance(node.value, bool):
        yield start, end, str(not node.value).encode()
    elif isinstance(node.value, int | float):
        yield start, end, str(node.value + 1).encode()
    elif isinstance(node.value, str) and any(map(str.isalnum, node.value)) and not any(map(str.isspace, node.value)):
        yield start, end, repr(node.value + "XX").encode()


def _condition(text: Text, node: ast.If | ast.IfExp) -> c.Iterator[Edit]:
    test = node.test
    # Where a comparison or "not" is all of it, its own mutation says the same.
    if not isinstance(test, ast.Compare | ast.UnaryOp):
        yield text.start(test), text.end(test), b"not (" + text.source[text.start(test) : text.end(test)] + b")"


def _filtered(text: Text, node: ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp) -> c.Iterator[Edit]:
    for test in (test for generator in node.generators for test in generator.ifs):
        yield text.start(test), text.end(test), b"True"


def _called(text: Text, node: ast.Call) -> c.Iterator[Edit]:
    """Leave out a named argument."""
    for number, keyword in enumerate(node.keywords):
        before: list[ast.expr | ast.keyword] = [*node.args, *node.keywords[:number]]
        if not before:
            stop = text.source.find(b",", text.end(keyword), text.end(node))
            yield text.start(keyword), stop + 1 if stop > 0 else text.end(keyword), b""
            continue
        start = max(map(text.end, before))
        if text.source[start : text.start(keyword)].strip() == b",":
            yield start, text.end(keyword), b""


def _left_out(text: Text, node: ast.stmt) -> c.Iterator[Edit]:
    yield text.start(node), text.end(node), b"pass"


def _expression(text: Text, node: ast.Expr) -> c.Iterator[Edit]:
    if isinstance(node.value, ast.Call) and not _is_left_out(node.value):
        yield from _left_out(text, node)


def _assigned(text: Text, node: ast.Assign) -> c.Iterator[Edit]:
    if all(isinstance(target, ast.Attribute | ast.Subscript) for target in node.targets):
        yield from _left_out(text, node)


def _returned(text: Text, node: ast.Return) -> c.Iterator[Edit]:
    if node.value is not None and not (isinstance(node.value, ast.Constant) and node.value.value is None):
        yield text.start(node.value), text.end(node.value), b"None"


def _exchanged(new: bytes) -> c.Callable[[Text, ast.stmt], c.Iterator[Edit]]:
    def edits(text: Text, node: ast.stmt) -> c.Iterator[Edit]:
        yield text.start(node), text.end(node), new

    return edits


_KINDS: dict = {
    ast.Compare: _compare,
    ast.BoolOp: _join,
    ast.BinOp: _calculate,
    ast.UnaryOp: _negate,
    ast.Constant: _constant,
    (ast.If, ast.IfExp): _condition,
    (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp): _filtered,
    ast.Call: _called,
    ast.Expr: _expression,
    ast.Assign: _assigned,
    (ast.AugAssign, ast.Raise, ast.Delete): _left_out,
    ast.Return: _returned,
    ast.Break: _exchanged(b"continue"),
    ast.Continue: _exchanged(b"break"),
}
