# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What has to be protected at the site to which an application was moved or restored, as the catalogue there records it."""

from __future__ import annotations

import dataclasses
import typing as t

from ..application.definition import Application, Tier
from ..catalogue.active_record import ActiveRecord, DamagedRecord
from ..catalogue.catalogue import Catalogue
from ..core.errors import InvalidInput
from ..manifest.manifest import Manifest


@dataclasses.dataclass(frozen=True)
class WayBack:
    """An application where it runs now.

    :param application: with its servers by the names that they were restored with.
    :param record: since when it runs there, and from which checkpoint.
    """

    application: Application
    record: ActiveRecord

    def as_dict(self) -> dict[str, t.Any]:
        return {"application": self.application.as_dict(), **{name: getattr(self.record, name) for name in ("site", "since", "checkpoint")}}


def way_back(catalogues: t.Sequence[Catalogue], application: str, site: str) -> WayBack:
    """Find out what an application consists of at the site where it runs now.

    :param catalogues: those of its projects there, the leading one first.
    :param site: how records call that site.
    :raises InvalidInput: when nothing says that it was restored there.
    :raises NotFound: when the checkpoint that it was restored from is not there any more.
    """
    record = _record(catalogues[0], application, site)
    parts = [catalogue.named(application, record.checkpoint) for catalogue in catalogues]
    return WayBack(Application(application, tuple(_tiers(parts))), record)


def _record(catalogue: Catalogue, application: str, site: str) -> ActiveRecord:
    record = catalogue.active(application)
    if isinstance(record, DamagedRecord):
        raise InvalidInput(f"Where application '{application}' runs is unknown. {record.problem}", "Correct the record with the playbook active_site.")
    if record is None or not record.checkpoint:
        raise InvalidInput(
            f"No record in {catalogue.place} says that application '{application}' was restored at site '{site}'.",
            "Restore it or move it there, or record it with the playbook active_site, with the id of its checkpoint.",
        )
    if record.site != site:
        raise InvalidInput(
            f"According to the catalogue, application '{application}' has run at site '{record.site}' since {record.since}, not at '{site}'.",
            "It is protected from where it runs.",
        )
    return record


def _tiers(parts: t.Sequence[Manifest]) -> t.Iterator[Tier]:
    """The tiers of all parts, in the order of the whole application; a manifest names servers by their names."""
    found: dict[str, Tier] = {}
    for tier in (tier for part in parts for tier in part.application.tiers):
        earlier = found.get(tier.name)
        found[tier.name] = dataclasses.replace(tier, servers=earlier.servers + tier.servers) if earlier else tier
    together = parts[0].checkpoint.together
    for name in together.tiers if together else found:
        yield found[name]
