# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The attributes of an application that a restore cannot bring back. Pure."""

from __future__ import annotations

import dataclasses
import json
import typing as t

from ..core.marking import unmarked_tags, unmarked_text
from .attributes import Fate, Kind

Resource = t.Mapping[str, t.Any]

#: Characters of a value that a message shows.
_SHOWN = 60
#: What is in none of these has a value.
EMPTY: tuple[t.Any, ...] = (None, "", [], {}, ())


@dataclasses.dataclass(frozen=True)
class Missing:
    """An attribute that a restore cannot bring back.

    :param resource: whose, as messages call it, e.g. ``port 3f… of server 'shop-front'``.
    :param value: what it is at the source, in short.
    :param note: what its loss means, or that this release does not know it.
    """

    resource: str
    attribute: str
    value: str
    note: str

    def __str__(self) -> str:
        return f"{self.resource}: {self.attribute} ({self.value})" + (f"; {self.note}" if self.note else "")


def warning(missing: t.Sequence[Missing]) -> str | None:
    """A warning that names everything; None when nothing is missing."""
    if not missing:
        return None
    return "Will be missing at the remote site: " + ". ".join(str(one) for one in missing) + "."


def missing_of(kind: Kind, label: str, resource: Resource) -> list[Missing]:
    """What of a resource will be missing, in the order of the attributes' names.

    :param label: the name or id of the resource, with what it belongs to.
    :param resource: as the service's API returned it.
    """
    found = []
    for name in sorted(resource):
        value = _without_marks(resource[name])
        note = None if value in EMPTY else _loss(kind, name, value)
        if note is not None:
            found.append(Missing(f"{kind.name} {label}", name, short(value), note))
    return found


def _loss(kind: Kind, name: str, value: t.Any) -> str | None:
    """What it means that the attribute is lost; None when it is not."""
    attribute = kind.attribute(name)
    if attribute is None:
        return "this release does not know the attribute"
    is_lost = attribute.fate is Fate.MISSING or (attribute.fate is Fate.RESTORED and attribute.usual)
    return attribute.note if is_lost and value not in attribute.usual else None


def _without_marks(value: t.Any) -> t.Any:
    """Marks of an earlier restore are no loss."""
    if isinstance(value, str):
        return unmarked_text(value)
    if isinstance(value, list) and all(isinstance(one, str) for one in value):
        return list(unmarked_tags(value))
    return value


def short(value: t.Any) -> str:
    """A value in so many characters as a manifest and a message hold."""
    text = value if isinstance(value, str) else json.dumps(value, sort_keys=True)
    return text if len(text) <= _SHOWN else f"{text[: _SHOWN - 1]}…"
