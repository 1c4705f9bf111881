# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The attributes of an application that a restore cannot bring back."""

from __future__ import annotations

import dataclasses
import typing as t


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
