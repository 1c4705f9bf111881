# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the remote site lacks of what is expected, and in what it differs. Pure."""

from __future__ import annotations

import dataclasses
import typing as t

from ..core.infrastructure import ZoneFacts
from . import captured
from .captured import Infrastructure
from .expected import Attributes, Expected, Key, Needer, Value, attributes_of, endless, role_key
from .look import SiteFacts

SAME, MISSING, DIFFERENT, UNKNOWN = STATES = ("same", "missing", "different", "unknown")
#: Descriptions of what was begun to be made, and is not finished.
UNFINISHED = "osdr.openstack has not finished this"
#: Of these, more at the remote site is as good.
_AT_LEAST = frozenset({"IPv4 addresses"})
#: Kinds that only tell who may use something of another kind.
ACCESS_TO = {
    captured.FLAVOR_ACCESS: captured.FLAVORS,
    captured.TYPE_ACCESS: captured.VOLUME_TYPES,
    captured.EXTERNAL_ACCESS: captured.EXTERNAL_NETWORKS,
}


@dataclasses.dataclass(frozen=True)
class AttributeDifference:
    """An attribute that is another one; None where a site has none."""

    attribute: str
    primary: Value
    remote: Value

    def __str__(self) -> str:
        return f"{self.attribute} is {_told(self.primary)} at the primary site and {_told(self.remote)} here"


@dataclasses.dataclass(frozen=True)
class Compared:
    """Something that is expected, and how the remote site has it."""

    expected: Expected
    state: str
    differences: tuple[AttributeDifference, ...] = ()
    reason: str = ""

    @property
    def needers(self) -> list[Needer]:
        return sorted(self.expected.needers, key=str)

    @property
    def is_trouble(self) -> bool:
        """Whether somebody needs it, and does not have it as at the primary site for sure."""
        return self.state != SAME and bool(self.expected.needers)


def compare(wanted: t.Iterable[Expected], remote: SiteFacts) -> list[Compared]:
    """Everything that is expected, in its order."""
    return list(_SiteComparison(remote).all(wanted))


class _SiteComparison:
    def __init__(self, remote: SiteFacts) -> None:
        self._remote = remote
        self._there = _there(remote.infrastructure)
        self._named = {kind: {one.name: one for one in getattr(remote.infrastructure, kind)} for kind in ACCESS_TO.values()}
        self._quotas = {(one.project, one.service): one.limits for one in remote.infrastructure.quotas}

    def all(self, wanted: t.Iterable[Expected]) -> t.Iterator[Compared]:
        for one in wanted:
            unseen = self._remote.unseen(ACCESS_TO.get(one.kind, one.kind))
            if one.kind == captured.QUOTAS:
                yield self._quota(one)
            elif unseen:
                yield Compared(one, UNKNOWN, reason=str(unseen))
            elif one.kind in ACCESS_TO:
                yield from self._access(one)
            elif one.kind == captured.EXTERNAL_NETWORKS:
                yield self._external(one)
            else:
                yield self._plain(one, self._there[one.kind].get(one.key))

    def _external(self, one: Expected) -> Compared:
        """Of several networks of a name, whoever needs one means the one that it may use."""
        called = [network for network in self._remote.infrastructure.external_networks if network.name == one.key[0]]
        meant = {needer: [network for network in called if network.for_all or needer.project in network.access] for needer in one.needers}
        if any(len(networks) > 1 for networks in meant.values()):
            return Compared(one, UNKNOWN, reason="There are several of this name here, and no restore could tell which one is meant. Rename the others.")
        found = next((networks[0] for networks in meant.values() if networks), next(iter(called), None))
        return self._plain(one, attributes_of(found) if found else None)

    @staticmethod
    def _plain(one: Expected, there: Attributes | None) -> Compared:
        if there is None:
            return Compared(one, MISSING)
        differences = () if one.is_mapped else _differences(one.attributes, there)
        return Compared(one, DIFFERENT if differences else SAME, differences)

    def _access(self, one: Expected) -> t.Iterator[Compared]:
        """Nobody has to be let use what everybody may, or will once it is made."""
        name, project = one.key
        there = self._named[ACCESS_TO[one.kind]].get(name)
        is_public_here = one.facts.for_all if captured.EXTERNAL_ACCESS == one.kind else one.facts.is_public
        if there is None or _is_unfinished(there):
            yield from () if is_public_here else (Compared(one, MISSING),)
            return
        is_open = there.for_all if captured.EXTERNAL_ACCESS == one.kind else there.is_public
        yield Compared(one, SAME if is_open or project in there.access else MISSING)

    def _quota(self, one: Expected) -> Compared:
        """Limits that nobody has set yet are missing; what somebody has set differs."""
        project, service = one.key
        limits = self._quotas.get((project, service))
        if service not in self._remote.default_quotas or (limits is None and project in self._remote.ids[captured.PROJECTS]):
            gaps = (str(gap) for gap in self._remote.infrastructure.unseen if gap.kind == captured.QUOTAS)
            return Compared(one, UNKNOWN, reason=" ".join(gaps))
        defaults = self._remote.default_quotas[service]
        there = defaults if limits is None else limits
        too_low = tuple(
            AttributeDifference(name, limit, there[name])
            for name, limit in sorted(one.attributes.items())
            if name in there and endless(t.cast(int, limit)) > endless(there[name])
        )
        if not too_low:
            return Compared(one, SAME)
        is_set = any(limit != defaults.get(name) for name, limit in there.items())
        return Compared(one, DIFFERENT if is_set else MISSING, too_low)


def _there(remote: Infrastructure) -> dict[str, dict[Key, Attributes]]:
    return {
        captured.PROJECTS: {(one.planned,): {"enabled": one.enabled} for one in remote.projects},
        captured.ROLES: {role_key(one): {} for one in remote.roles},
        **{kind: _by_name(getattr(remote, kind)) for kind in (captured.FLAVORS, captured.VOLUME_TYPES, captured.AGGREGATES)},
        captured.ZONES: {_zone_key(one): {} for one in remote.availability_zones},
    }


def _zone_key(one: ZoneFacts) -> Key:
    return (one.service, one.name)


def _by_name(found: t.Iterable[t.Any]) -> dict[Key, Attributes]:
    return {(one.name,): attributes_of(one) for one in found if not _is_unfinished(one)}


def _is_unfinished(one: t.Any) -> bool:
    return getattr(one, "description", "") == UNFINISHED


def _differences(primary: Attributes, remote: Attributes) -> tuple[AttributeDifference, ...]:
    names = sorted({*primary, *remote})
    found = (AttributeDifference(name, primary.get(name), remote.get(name)) for name in names)
    return tuple(one for one in found if one.primary != one.remote and not _is_enough(one))


def _is_enough(one: AttributeDifference) -> bool:
    return one.attribute in _AT_LEAST and t.cast(int, one.remote) >= t.cast(int, one.primary)


def _told(value: Value) -> str:
    if value is None:
        return "not set"
    return {True: "yes", False: "no"}[value] if isinstance(value, bool) else f"'{value}'" if isinstance(value, str) else str(value)
