# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The site plan as it is kept in a catalogue at the remote site, for the day on which nothing else of it is left.

It is kept as it was written, in front of it the moment since which it is the plan. Like everything read from a catalogue, it is untrusted.
"""

from __future__ import annotations

import dataclasses
import typing as t

from ..catalogue.catalogue import Catalogue, parse_time
from ..cloud.object_store import ObjectStore
from ..core.errors import InvalidInput, KeptPlanInvalid, NotFound
from ..manifest import signed

_VERSION = 1
_SCHEMA = {
    "type": "object",
    "properties": {"schema_version": {"const": _VERSION}, "since": {"type": "string", "maxLength": 40}, "plan": {"type": "object"}},
    "required": ["schema_version", "since", "plan"],
    "additionalProperties": False,
}
#: No checkpoint can have this name, so it is never taken for a manifest.
NAME = "_site-plan.json"
#: Bytes; a plan of ten thousand applications has about three million.
LARGEST_PLAN = 4 * 2**20


@dataclasses.dataclass(frozen=True)
class KeptPlan:
    """A plan, as it was written.

    :param since: ISO 8601 with an offset, since when it is the plan.
    """

    plan: t.Mapping[str, t.Any]
    since: str

    def dump(self, seal: signed.Seal = signed.UNSEALED) -> bytes:
        return signed.dump({"schema_version": _VERSION, "since": self.since, "plan": self.plan}, seal)

    @classmethod
    def load(cls, content: bytes, seal: signed.Seal = signed.UNSEALED) -> KeptPlan:
        """Read a kept plan.

        :raises KeptPlanInvalid: when it is damaged, not signed with the key, or of another place.
        """
        if len(content) > LARGEST_PLAN:
            raise KeptPlanInvalid(f"The {KeptPlanInvalid.what} has more than {LARGEST_PLAN >> 20} MiB, so it is none.")
        document = signed.load(content, seal, KeptPlanInvalid).document
        signed.validate(document, _SCHEMA, KeptPlanInvalid)
        try:
            parse_time(document["since"])
        except InvalidInput as error:
            raise KeptPlanInvalid(f"The {KeptPlanInvalid.what} has an invalid time: {document['since']}.") from error
        return cls(document["plan"], document["since"])


class PlanKeeper:
    """The plan in the container of a catalogue.

    :param catalogue: in the same container, whose key and place seal the plan.
    """

    def __init__(self, store: ObjectStore, container: str, catalogue: Catalogue) -> None:
        self._store = store
        self._container = container
        self._catalogue = catalogue

    def read(self) -> KeptPlan | None:
        """The plan that is kept; None when there is none.

        :raises KeptPlanInvalid: when it is damaged.
        """
        try:
            return KeptPlan.load(self._store.read(self._container, NAME, LARGEST_PLAN + 1), self._catalogue.seal)
        except NotFound:
            return None
        except KeptPlanInvalid as error:
            raise KeptPlanInvalid(f"Object '{NAME}' in {self._catalogue.place}: {error.message}", error.hint) from error

    def write(self, kept: KeptPlan) -> None:
        self._store.write(self._container, NAME, kept.dump(self._catalogue.seal), "application/json")
