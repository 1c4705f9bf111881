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
        for name, hint in _fields(kind).items():
            value = getattr(record, name)
            if not _fits(value, hint):
                raise ValueError(f"{told(repr(value))} for {name}")
        return record

    return checked


@functools.cache
def _fields(kind: type) -> dict[str, t.Any]:
    hints = t.get_type_hints(kind)
    return {field.name: hints[field.name] for field in dataclasses.fields(kind)}


def _fits(value: t.Any, hint: t.Any) -> bool:
    origin, inner = t.get_origin(hint), t.get_args(hint)
    if origin in (types.UnionType, t.Union):
        return any(_fits(value, one) for one in inner)
    if origin is tuple and inner[-1] is not ...:
        return isinstance(value, tuple) and len(value) == len(inner) and all(map(_fits, value, inner))
    if origin in (tuple, frozenset):
        return isinstance(value, origin) and all(_fits(one, inner[0]) for one in value)
    if origin is collections.abc.Mapping:
        return isinstance(value, collections.abc.Mapping) and all(_fits(key, inner[0]) and _fits(one, inner[1]) for key, one in value.items())
    if origin or hint is t.Any:
        return isinstance(value, origin or object)
    # To Python, True and False are whole numbers too.
    return isinstance(value, hint) and (hint is not int or not isinstance(value, bool))
