# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which small mistakes can be made in a text."""

from __future__ import annotations

import pytest
from mutations import mutations_of


def becomes(source):
    return {one.becomes for one in mutations_of("x.py", source.encode())}


@pytest.mark.parametrize(
    "source, expected",
    [
        ("a <= b", {"a < b"}),
        ("(a + 1) == (b)", {"(a + 1) != (b)", "(a - 1) == (b)", "(a + 2) == (b)"}),
        ("a not in b", {"a in b"}),
        ("a is None", {"a is not None"}),
        ("a < b < c", {"a <= b < c", "a < b <= c"}),
        ("a and b and c", {"a or b and c", "a and b or c"}),
        ("not a", {"a"}),
        ("x = True", {"x = False"}),
        ("x = 1.5", {"x = 2.5"}),
        ("x = 'word'", {"x = 'wordXX'"}),
        ("x = 'word' + y", {"x = 'wordXX' + y"}),
        ("x.y = z", {"pass"}),
        ("x += y", {"pass"}),
        ("raise E", {"pass"}),
        ("x = f(a, b=c)", {"x = f(a)"}),
        ("x = f(b=c, d=e)", {"x = f( d=e)", "x = f(b=c)"}),
        ("x = f(b=c)", {"x = f()"}),
        ("x = f(**a)", {"x = f()"}),
        ("f(a)", {"pass"}),
        ("x = a if b else c", {"x = a if not (b) else c"}),
        ("if a:\n    b", {"if not (a):"}),
        ("x = [a for a in b if c]", {"x = [a for a in b if True]"}),
        ("for a in b:\n    break", {"continue"}),
        ("def f():\n    return a", {"return None"}),
    ],
)
def test_every_kind_of_mistake(source, expected):
    assert becomes(source) == expected


@pytest.mark.parametrize(
    "source",
    [
        '"""Says what it is."""',
        "x = 'a message'",
        "x = f'{a} b'",
        "x = '. '",
        "def f(a: int | None) -> t.Literal['b']: ...",
        "@dataclass(frozen=True)\nclass X: ...",
        "LOG.warning('word')",
        "T = t.TypeVar('T')",
        "if t.TYPE_CHECKING:\n    x = 1",
        "def f():\n    return None",
    ],
)
def test_what_no_test_should_hold_to_the_letter_is_left_out(source):
    assert becomes(source) == set()


def test_a_mutation_is_named_by_its_lines_and_changes_one_place():
    source = b"class A:\n    def f(self):\n        '\xc3\xbc'; return self.x < 1\n\n    y = 2\n"
    found = {one.becomes: one for one in mutations_of("x.py", source)}
    less = found["'ü'; return self.x <= 1"]
    assert (less.function, less.first, less.last, less.line) == ("A.f", 2, 3, 3)
    assert less.applied(source) == source.replace(b"<", b"<=")
    assert str(less) == "x.py:3 A.f: 'ü'; return self.x < 1  ->  'ü'; return self.x <= 1"
    assert (found["y = 3"].function, found["y = 3"].first) == ("<module>", 0)


def test_what_is_inside_a_function_belongs_to_it():
    (one,) = mutations_of("x.py", b"def outer():\n    def inner():\n        raise E\n")
    assert (one.function, one.first, one.last) == ("outer", 1, 3)
