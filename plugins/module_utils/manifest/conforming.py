# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Proves quickly that a document follows a schema, which nearly all do.

The judge is jsonschema: it says what is wrong with a document, for people, and takes many times as long. What is found to conform here is valid to it
too; what is not may still be, for example ``1.0`` for a whole number, which the judge then decides. Only the keywords are known that the schemas here
have: with any other, nothing is proved.
"""

from __future__ import annotations

import functools
import re
import typing as t

Schema = t.Mapping[str, t.Any]
Conforms = t.Callable[[t.Any], bool]

_TYPES: dict[str, type] = {"object": dict, "array": list, "string": str, "integer": int, "boolean": bool, "null": type(None)}
#: What says nothing about a value.
_REMARKS = frozenset({"$schema"})


class Form:
    """A schema, and what proves quickly that a document follows it."""

    def __init__(self, schema: Schema) -> None:
        self.schema = schema

    @functools.cached_property
    def conforms(self) -> Conforms:
        return conforming(self.schema)


def conforming(schema: Schema) -> Conforms:
    """What tells whether a value certainly follows a schema."""
    about = {keyword: value for keyword, value in schema.items() if keyword not in _REMARKS}
    if "const" in about or "enum" in about:
        values = [about.pop("const")] if "const" in about else about.pop("enum")
        return _nothing if about else _one_of(values)
    named = about.pop("type", None)
    kinds = [named] if isinstance(named, str) else named or []
    if not kinds or not set(kinds) <= _TYPES.keys():
        return _nothing
    parts = {kind: _PARTS.get(kind, _plain)(about) for kind in kinds}
    # Each keyword is about one type of value, and holds for all others.
    known = {keyword for kind in kinds for keyword in _KEYWORDS.get(kind, ())}
    return _any_kind({_TYPES[kind]: part for kind, part in parts.items()}) if about.keys() <= known else _nothing


def _nothing(_value: t.Any) -> bool:
    return False


def _one_of(values: t.Sequence[t.Any]) -> Conforms:
    # To Python, True is equal to 1.
    found = {(type(one), one) for one in values if type(one) in _PLAIN}
    return lambda value: type(value) in _PLAIN and (type(value), value) in found


def _any_kind(parts: t.Mapping[type, Conforms]) -> Conforms:
    def conforms(value: t.Any) -> bool:
        part = parts.get(type(value))
        return part is not None and part(value)

    return conforms


def _plain(_about: Schema) -> Conforms:
    return lambda value: True


def _string(about: Schema) -> Conforms:
    longest = about.get("maxLength")
    search = re.compile(about["pattern"]).search if "pattern" in about else None
    if search is None:
        return _plain(about) if longest is None else lambda value: len(value) <= longest
    return lambda value: (longest is None or len(value) <= longest) and search(value) is not None


def _integer(about: Schema) -> Conforms:
    least, most = about.get("minimum", -(2**200)), about.get("maximum", 2**200)
    return lambda value: least <= value <= most


def _array(about: Schema) -> Conforms:
    least, most = about.get("minItems", 0), about.get("maxItems", 2**63)
    item = conforming(about["items"]) if "items" in about else _plain(about)
    return lambda value: least <= len(value) <= most and all(map(item, value))


def _object(about: Schema) -> Conforms:
    members = {name: conforming(schema) for name, schema in about.get("properties", {}).items()}
    required = frozenset(about.get("required", ()))
    least, most = about.get("minProperties", 0), about.get("maxProperties", 2**63)
    others = about.get("additionalProperties", True)
    other: Conforms | None = (_plain(about) if others else None) if isinstance(others, bool) else conforming(others)

    def conforms(value: dict[str, t.Any]) -> bool:
        if not (least <= len(value) <= most and required <= value.keys()):
            return False
        for name, one in value.items():
            member = members.get(name, other)
            if member is None or not member(one):
                return False
        return True

    return conforms


_PARTS: dict[str, t.Callable[[Schema], Conforms]] = {"string": _string, "integer": _integer, "array": _array, "object": _object}
_KEYWORDS = {
    "string": ("maxLength", "pattern"),
    "integer": ("minimum", "maximum"),
    "array": ("items", "minItems", "maxItems"),
    "object": ("properties", "required", "additionalProperties", "minProperties", "maxProperties"),
}
#: The types of values that may be the only ones allowed.
_PLAIN = (str, int, bool, type(None))
