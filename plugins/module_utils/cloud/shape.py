# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""No answer of a cloud is trusted to have a shape: what was read of one is compared with what it should be.

A proxy, an extension or another version may answer anything, and neither JSON nor the SDK minds a number for a name.
"""

from __future__ import annotations

import collections.abc
import dataclasses
import functools
import types
import typing as t

from ..core.text import told

Record = t.TypeVar("Record")


def shaped(read: t.Callable[..., Record]) -> t.Callable[..., Record]:
    """Decorates what makes a record of an answer.

    :raises ValueError: when any field of the record is of another kind than it should be.
    """

    @functools.wraps(read)
    def checked(*answer: t.Any, **others: t.Any) -> Record:
        record = read(*answer, **others)
        kind: type = type(record)
        for name, fits in _fields(kind).items():
            value = getattr(record, name)
            if not fits(value):
                raise ValueError(f"{told(repr(value))} for {name}")
        return record

    return checked


Fits = t.Callable[[t.Any], bool]


@functools.cache
def _fields(kind: type) -> dict[str, Fits]:
    hints = t.get_type_hints(kind)
    return {field.name: _fitting(hints[field.name]) for field in dataclasses.fields(kind)}


def _fitting(hint: t.Any) -> Fits:
    """What tells whether a value is of a kind; a site may answer with thousands of values of each."""
    origin, inner = t.get_origin(hint), t.get_args(hint)
    if origin in (types.UnionType, t.Union):
        return _any_of([_fitting(one) for one in inner])
    if origin is tuple and inner[-1] is not ...:
        parts = [_fitting(one) for one in inner]
        return lambda value: isinstance(value, tuple) and len(value) == len(parts) and all(fits(one) for fits, one in zip(parts, value, strict=True))
    if origin in (tuple, frozenset):
        member = _fitting(inner[0])
        return lambda value: isinstance(value, origin) and all(map(member, value))
    if origin is collections.abc.Mapping:
        key_fits, value_fits = map(_fitting, inner)
        return lambda value: isinstance(value, collections.abc.Mapping) and all(key_fits(key) and value_fits(one) for key, one in value.items())
    if hint is int:
        # To Python, True and False are whole numbers too.
        return lambda value: isinstance(value, int) and not isinstance(value, bool)
    kind = origin or (object if hint is t.Any else hint)
    return lambda value: isinstance(value, kind)


def _any_of(kinds: t.Sequence[Fits]) -> Fits:
    return lambda value: any(fits(value) for fits in kinds)
