# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The site plan as it is kept in a catalogue at the remote site, for the day on which nothing else of it is left.

It is kept as it was written, in front of it the moment since which it is the plan. Like everything read from a catalogue, it is untrusted.
"""

from __future__ import annotations

import dataclasses
import typing as t

from ..catalogue.catalogue import Catalogue, parse_time
from ..cloud.session import Cloud
from ..core.errors import InvalidInput, KeptPlanInvalid, NotFound
from ..manifest import signed
from ..manifest.conforming import Form
from ..stores.configured import configured_store
from ..stores.store import CatalogueStore

_VERSION = 1
_FORM = Form(
    {
        "type": "object",
        "properties": {"schema_version": {"const": _VERSION}, "since": {"type": "string", "maxLength": 40}, "plan": {"type": "object"}},
        "required": ["schema_version", "since", "plan"],
        "additionalProperties": False,
    }
)
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
        signed.validate(document, _FORM, KeptPlanInvalid)
        try:
            parse_time(document["since"])
        except InvalidInput as error:
            raise KeptPlanInvalid(f"The {KeptPlanInvalid.what} has an invalid time: {document['since']}.") from error
        return cls(document["plan"], document["since"])


class PlanKeeper:
    """The plan in the store of a catalogue.

    :param seal: that of the catalogue.
    """

    def __init__(self, store: CatalogueStore, seal: signed.Seal) -> None:
        self._store = store
        self._seal = seal

    @classmethod
    def of(cls, cloud: Cloud, params: t.Mapping[str, t.Any]) -> PlanKeeper:
        """The keeper of the plan in the catalogue that the options of the fragment ``catalogue`` name."""
        return cls(configured_store(cloud, params["container"]), Catalogue.of(cloud, params).seal)

    def read(self) -> KeptPlan | None:
        """The plan that is kept; None when there is none.

        :raises KeptPlanInvalid: when it is damaged.
        """
        try:
            return KeptPlan.load(self._store.read(NAME, LARGEST_PLAN + 1), self._seal)
        except NotFound:
            return None
        except KeptPlanInvalid as error:
            raise KeptPlanInvalid(f"Object '{NAME}' in {self._store.place}: {error.message}", error.hint) from error

    def content_of(self, kept: KeptPlan) -> bytes:
        """A plan as it is written.

        :raises InvalidInput: when nobody would read it again.
        """
        content = kept.dump(self._seal)
        if len(content) > LARGEST_PLAN:
            raise InvalidInput(
                f"The site plan would take {len(content):,} bytes in {self._store.place}; more than {LARGEST_PLAN >> 20} MiB cannot be kept.",
                "Divide it into plans for fewer projects.",
            )
        return content

    def write(self, kept: KeptPlan) -> None:
        """Keep a plan.

        :raises InvalidInput: as :meth:`content_of` does.
        """
        self._store.write(NAME, self.content_of(kept))
