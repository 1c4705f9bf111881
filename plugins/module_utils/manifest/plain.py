# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Records and the plain data that JSON has, turned into each other by the types of the records' fields."""

from __future__ import annotations

import dataclasses
import functools
import json
import typing as t

#: What annotations mean takes long to find out, and there are thousands of records in a manifest.
_hints = functools.cache(t.get_type_hints)


def build(cls: type, data: t.Mapping[str, t.Any]) -> t.Any:
    """Make a record, and the records inside it, from validated data; what that may lack has its default."""
    return _builder(cls)(data)


@functools.cache
def _builder(cls: type) -> t.Callable[[t.Mapping[str, t.Any]], t.Any]:
    hints = _hints(cls)
    names = frozenset(field.name for field in dataclasses.fields(cls))
    records = {name: convert for name in names if (convert := _converter(hints[name]))}

    def make(data: t.Mapping[str, t.Any]) -> t.Any:
        return cls(**{name: records[name](value) if name in records else value for name, value in data.items() if name in names})

    return make


def _converter(hint: t.Any) -> t.Callable[[t.Any], t.Any] | None:
    """What makes the value of a field from data; None where it is the same there."""
    if dataclasses.is_dataclass(hint):
        return _builder(t.cast(type, hint))
    if t.get_origin(hint) is tuple:
        inner = _converter(t.get_args(hint)[0])
        return tuple if inner is None else lambda values: tuple(map(inner, values))
    optional = [one for one in t.get_args(hint) if dataclasses.is_dataclass(one)]
    if not optional:
        return None
    make = _builder(t.cast(type, optional[0]))
    return lambda value: None if value is None else make(value)


def plain(record: t.Any) -> dict[str, t.Any]:
    """A record as JSON has it: tuples become lists."""
    return json.loads(json.dumps(dataclasses.asdict(record)))


def with_defaults(hint: t.Any, value: t.Any) -> t.Any:
    """A part of an older version with what has come since then, in records inside of records too."""
    if t.get_origin(hint) is tuple and isinstance(value, list):
        return [with_defaults(t.get_args(hint)[0], one) for one in value]
    if not dataclasses.is_dataclass(hint) or not isinstance(value, dict):
        return value
    hints = _hints(t.cast(type, hint))
    new = {field.name: _plain_default(field.default) for field in dataclasses.fields(hint) if field.default is not dataclasses.MISSING}
    return {**new, **{key: with_defaults(hints.get(key), one) for key, one in value.items()}}


def _plain_default(default: t.Any) -> t.Any:
    if dataclasses.is_dataclass(default) and not isinstance(default, type):
        return plain(default)
    return list(default) if isinstance(default, tuple) else default
