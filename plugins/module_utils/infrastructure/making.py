# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Make at the remote site what is missing there. Nothing that exists is changed.

Flavors and encrypted volume types take several requests. Until the last one, their description says that they are not finished, so that a
later run finishes what an interrupted one has begun.
"""

from __future__ import annotations

import dataclasses
import typing as t

from ..cloud.flavors import Flavors
from ..cloud.identity import Identity
from ..cloud.limits import ProjectLimits
from ..cloud.outside import ExternalNetworks
from ..cloud.session import Cloud
from ..cloud.volume_types import VolumeTypes
from ..core.errors import DrError
from ..core.infrastructure import FlavorFacts, ProjectFacts, ProjectQuotas, RoleGrant, VolumeTypeFacts
from ..work.pool import attempt_each
from . import captured
from .comparison import ACCESS_TO, UNFINISHED, Compared
from .directory import Directory
from .look import SiteFacts
from .remedies import MAKEABLE
from .telling import title


@dataclasses.dataclass(frozen=True)
class MadeThings:
    """What came of it.

    :param failed: what could not be made, and why.
    """

    made: tuple[Compared, ...]
    failed: tuple[tuple[Compared, DrError], ...]


class SiteMaker:
    """Makes things at the remote site.

    :param cloud: the site as its administrator.
    :param remote: what it had before.
    """

    def __init__(self, cloud: Cloud, remote: SiteFacts, known: Directory) -> None:
        self._cloud = cloud
        self._remote = remote
        self._known = known
        self._ids = {kind: dict(ids) for kind, ids in remote.ids.items()}

    def make(self, wanted: t.Sequence[Compared], concurrency: int) -> MadeThings:
        """Make all of these, kind by kind; what fails keeps nothing else from being made."""
        made, failed = [], []
        for kind in MAKEABLE:
            those = [one for one in wanted if one.expected.kind == kind]
            for one, outcome in zip(those, attempt_each(those, self._maker_of(kind), concurrency), strict=True):
                if outcome.error:
                    failed.append((one, outcome.error))
                else:
                    made.append(one)
        return MadeThings(tuple(made), tuple(failed))

    def _maker_of(self, kind: str) -> t.Callable[[Compared], None]:
        return {
            captured.PROJECTS: self._project,
            captured.ROLES: self._role,
            captured.QUOTAS: self._quota,
            captured.FLAVORS: self._flavor,
            captured.VOLUME_TYPES: self._volume_type,
        }.get(kind, self._access)

    def _id(self, kind: str, name: str) -> str:
        if name not in self._ids.get(kind, {}):
            raise DrError(f"{title(kind, (name,))} was not made, see there.")
        return self._ids[kind][name]

    def _project(self, one: Compared) -> None:
        facts: ProjectFacts = one.expected.facts
        wished = self._remote.wished_projects[facts.planned]
        wanted = dataclasses.replace(facts, name=t.cast(str, wished.name))
        domain_id = wished.domain_id or self._known.domains[wished.domain or facts.domain]
        self._ids[captured.PROJECTS][facts.planned] = Identity(self._cloud).create_project(wanted, domain_id)

    def _role(self, one: Compared) -> None:
        facts: RoleGrant = one.expected.facts
        actor = self._known.actors[facts.actor, facts.domain, facts.name]
        role = self._known.roles[facts.role_domain or "", facts.role]
        Identity(self._cloud).grant(self._id(captured.PROJECTS, facts.project), facts.actor, actor, role)

    def _quota(self, one: Compared) -> None:
        """Set the limits that are too low, and see that they are in force: where limits are Keystone's, Nova takes them without a word and forgets them."""
        facts: ProjectQuotas = one.expected.facts
        project, limits = self._id(captured.PROJECTS, facts.project), ProjectLimits(self._cloud)
        wanted = {change.attribute: t.cast(int, change.primary) for change in one.differences}
        limits.set(facts.service, project, wanted)
        there = limits.of(facts.service, project)
        forgotten = sorted(name for name, limit in wanted.items() if there.get(name) != limit)
        if forgotten:
            raise DrError(
                f"Site '{self._cloud.site}' took the {facts.service} quotas, and {', '.join(forgotten)} stayed as they were.",
                "If its limits are unified ones, create them in Keystone.",
            )

    def _flavor(self, one: Compared) -> None:
        facts: FlavorFacts = one.expected.facts
        flavors, ids = Flavors(self._cloud), self._ids[captured.FLAVORS]
        if facts.name not in ids:
            ids[facts.name] = flavors.create(facts, UNFINISHED)
        if facts.extra_specs:
            flavors.set_extra_specs(ids[facts.name], t.cast("dict[str, str]", facts.extra_specs))
        flavors.describe(ids[facts.name], facts.description)

    def _volume_type(self, one: Compared) -> None:
        """It is published last: until then nobody can make a volume of it that is not encrypted."""
        facts: VolumeTypeFacts = one.expected.facts
        types, ids = VolumeTypes(self._cloud), self._ids[captured.VOLUME_TYPES]
        if facts.name not in ids:
            ids[facts.name] = types.create_hidden(facts, UNFINISHED)
        if facts.encryption and types.encryption(ids[facts.name]) is None:
            types.encrypt(ids[facts.name], facts.encryption)
        types.publish(ids[facts.name], facts)

    def _access(self, one: Compared) -> None:
        name, project = one.expected.key
        kind = ACCESS_TO[one.expected.kind]
        allow = {
            captured.FLAVORS: Flavors(self._cloud).allow,
            captured.VOLUME_TYPES: VolumeTypes(self._cloud).allow,
            captured.EXTERNAL_NETWORKS: ExternalNetworks(self._cloud).allow,
        }[kind]
        allow(self._id(kind, name), self._id(captured.PROJECTS, project))
