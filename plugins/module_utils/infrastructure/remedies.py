# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What of that which is missing can be made, and what a person has to do about everything else. Pure."""

from __future__ import annotations

import dataclasses
import typing as t

from ..core.infrastructure import OutsideNetwork, ProjectFacts, RoleGrant, Specs, VolumeTypeFacts
from . import captured
from .captured import Unseen
from .comparison import ACCESS_TO, MISSING, STATES, Compared
from .directory import Directory
from .expected import Key
from .look import SiteFacts

#: What can be made at all, in the order in which one needs the other.
MAKEABLE = (
    *(captured.PROJECTS, captured.ROLES, captured.FLAVORS, captured.FLAVOR_ACCESS, captured.VOLUME_TYPES, captured.TYPE_ACCESS),
    *(captured.QUOTAS, captured.EXTERNAL_ACCESS),
)
_BACKEND = "volume_backend_name"


@dataclasses.dataclass(frozen=True)
class Remedy:
    """What is done about something that is missing.

    :param by_hand: what a person has to do; None where it can be made.
    """

    compared: Compared
    by_hand: str | None = None


def remedies(compared: t.Sequence[Compared], asked: t.Collection[str], remote: SiteFacts, known: Directory) -> list[Remedy]:
    """What is to be done about what is missing of the kinds that are asked for, each after what it needs.

    :param asked: kinds; of those that can never be made, what a person has to do is told.
    """
    advice = _Advice(compared, remote, known)
    lacking = [one for one in compared if one.state == MISSING and one.expected.kind in asked]
    return [advice.of(one) for one in sorted(lacking, key=lambda one: captured.KINDS.index(one.expected.kind))]


class _Advice:
    def __init__(self, compared: t.Sequence[Compared], remote: SiteFacts, known: Directory) -> None:
        self._remote = remote
        self._known = known
        self._lacking = [one for one in compared if one.state == MISSING]
        #: What is there, or will be by then.
        self._there = {(one.expected.kind, one.expected.key) for one in compared if one.state != MISSING}

    def of(self, one: Compared) -> Remedy:
        kind = one.expected.kind
        ask = {
            captured.PROJECTS: self._project,
            captured.ROLES: self._role,
            captured.QUOTAS: self._quota,
            captured.FLAVORS: self._flavor,
            captured.VOLUME_TYPES: self._volume_type,
            captured.EXTERNAL_NETWORKS: self._external_network,
            captured.ZONES: self._zone,
            captured.AGGREGATES: self._aggregate,
        }.get(kind, self._access)
        by_hand = ask(one)
        if by_hand is None:
            self._there.add((kind, one.expected.key))
        return Remedy(one, by_hand)

    def _lacks(self, kind: str, key: Key) -> bool:
        return (kind, key) not in self._there

    def _project(self, one: Compared) -> str | None:
        facts: ProjectFacts = one.expected.facts
        wished = self._remote.wished_projects[facts.planned]
        if not wished.name:
            named = f"names it by id {wished.id}, which nobody can choose" if wished.id else "names none"
            return f"Create it, and correct the entry of clouds.yaml that the site plan has for it, which {named}."
        domain = wished.domain or facts.domain
        if wished.domain_id is None and domain not in self._known.domains:
            return f"Create domain '{domain}' first."
        return None

    def _role(self, one: Compared) -> str | None:
        facts: RoleGrant = one.expected.facts
        if self._lacks(captured.PROJECTS, (facts.project,)):
            return self._project_first(facts.project)
        if (facts.actor, facts.domain, facts.name) not in self._known.actors:
            return f"There is no {facts.actor} '{facts.name}' in domain '{facts.domain}'. Create it, with its members or password, or connect the directory."
        if (facts.role_domain or "", facts.role) not in self._known.roles:
            return f"There is no role '{facts.role}'. Create it, with the policies that give it a meaning."
        return None

    def _quota(self, one: Compared) -> str | None:
        project, _service = one.expected.key
        return self._project_first(project) if self._lacks(captured.PROJECTS, (project,)) else None

    @staticmethod
    def _project_first(project: str) -> str:
        return f"Project '{project}' is not there. Make it first."

    def _flavor(self, one: Compared) -> str | None:
        return self._unlike(one) or _withheld(one.expected.facts.extra_specs)

    def _volume_type(self, one: Compared) -> str | None:
        facts: VolumeTypeFacts = one.expected.facts
        backend = facts.extra_specs.get(_BACKEND)
        if backend and self._remote.backends is not None and backend not in self._remote.backends:
            there = ", ".join(sorted(self._remote.backends)) or "none"
            return f"There is no backend '{backend}'; there is {there}. Create the type for one of these, or map it to a type of the site."
        if facts.qos:
            return "Create it with its QoS specs, and associate these with it."
        return self._unlike(one) or _withheld(facts.extra_specs)

    def _unlike(self, one: Compared) -> str | None:
        """What to do where nobody can tell what something should be like, because it stands for several that differ; None where it is known."""
        expected = one.expected
        same = [other.expected for other in self._lacking if (other.expected.kind, other.expected.key) == (expected.kind, expected.key)]
        models = [other for other in same if not other.is_mapped] or same
        if all(_model(other.facts) == _model(models[0].facts) for other in models):
            return None
        names = ", ".join(sorted(f"'{name}'" for other in models for name in other.source))
        return f"By the mapping it stands for {names} of the primary site, which are not alike. Create it as all of them can use it."

    def _external_network(self, one: Compared) -> str | None:
        facts: OutsideNetwork = one.expected.facts
        wiring = ", ".join(f"{name} {value}" for name, value in sorted(facts.provider.items())) or "unknown"
        ranges = ", ".join(subnet.cidr for subnet in facts.subnets) or "none"
        return (
            f"Create it for the wires and addresses of this site, or map it to an external network of the site. "
            f"At the primary site it has {ranges}, and its wiring is: {wiring}."
        )

    def _zone(self, one: Compared) -> str | None:
        service, _name = one.expected.key
        how = "Put hosts into a host aggregate with this zone" if service == "compute" else "Give it to services of Cinder (storage_availability_zone)"
        return f"{how}, or map it to a zone of the site."

    def _aggregate(self, _one: Compared) -> str | None:
        return "Create it, and put hosts into it: only the operator of the site knows which."

    def _access(self, one: Compared) -> str | None:
        kind = ACCESS_TO[one.expected.kind]
        name, project = one.expected.key
        if self._lacks(kind, (name,)):
            return f"There is no {kind.replace('_', ' ').removesuffix('s')} '{name}'. It has to be there first."
        return self._project_first(project) if self._lacks(captured.PROJECTS, (project,)) else None


def _model(facts: t.Any) -> t.Any:
    """What counts of a flavor or volume type for another one that is made like it."""
    return dataclasses.replace(facts, description="", access=())


def _withheld(specs: Specs) -> str | None:
    hidden = sorted(key for key, value in specs.items() if value is None)
    return f"Create it yourself: {', '.join(hidden)} looks like a secret, and was not captured." if hidden else None


def is_complete(compared: t.Iterable[Compared], unseen: t.Iterable[Unseen]) -> bool:
    """Whether everybody has all that is needed, as at the primary site, for sure: what that site hid may be needed, too."""
    return all(one.is_absent for one in unseen) and not any(one.is_trouble for one in compared)


def counts(compared: t.Iterable[Compared]) -> dict[str, dict[str, int]]:
    """How many of each kind are in which state."""
    found = {kind: dict.fromkeys(STATES, 0) for kind in captured.KINDS}
    for one in compared:
        found[one.expected.kind][one.state] += 1
    return found
