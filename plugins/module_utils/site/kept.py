# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The site plan as it is kept in a catalogue at the remote site: as it was written, in front of it the moment since which it is the plan."""

from __future__ import annotations

import dataclasses
import typing as t

from ..core.errors import KeptPlanInvalid
from ..manifest.conforming import Form
from .keeping import DocumentKeeper, KeptDocument

_VERSION = 1
#: No checkpoint can have this name, so it is never taken for a manifest.
NAME = "_site-plan.json"
#: Bytes; a plan of ten thousand applications has about three million.
LARGEST_PLAN = 4 * 2**20


@dataclasses.dataclass(frozen=True)
class KeptPlan(KeptDocument):
    """A plan, as it was written.

    :param since: ISO 8601 with an offset, since when it is the plan.
    """

    name = NAME
    largest = LARGEST_PLAN
    invalid = KeptPlanInvalid
    time = "since"
    form = Form(
        {
            "type": "object",
            "properties": {"schema_version": {"const": _VERSION}, "since": {"type": "string", "maxLength": 40}, "plan": {"type": "object"}},
            "required": ["schema_version", "since", "plan"],
            "additionalProperties": False,
        }
    )

    plan: t.Mapping[str, t.Any]
    since: str

    def as_document(self) -> dict[str, t.Any]:
        return {"schema_version": _VERSION, "since": self.since, "plan": self.plan}

    @classmethod
    def of_document(cls, document: t.Mapping[str, t.Any]) -> KeptPlan:
        return cls(document["plan"], document["since"])


class PlanKeeper(DocumentKeeper[KeptPlan]):
    """The plan in the store of a catalogue."""

    kind = KeptPlan
