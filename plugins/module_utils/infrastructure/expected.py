# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the remote site must have for the applications of the primary one: under which name, with which attributes, and who needs it. Pure.

The names are those of the site plan (projects, users) and of the mappings of restores (flavors, volume types, zones, external networks), which may
be others for each application. What is mapped to another name only has to exist: whoever mapped it has chosen it as it is.
"""

from __future__ import annotations

import collections
import dataclasses
import ipaddress
import math
import typing as t

from ..core.infrastructure import COMPUTE, USER, VOLUME, FlavorFacts, HostAggregate, OutsideNetwork, RoleGrant, Specs, VolumeTypeFacts
from ..mapping.mapping import SiteMapping
from . import captured
from .captured import Infrastructure, InUse

Key = tuple[str, ...]
Value: t.TypeAlias = "str | int | float | bool | None"
Attributes: t.TypeAlias = "t.Mapping[str, Value]"

#: A value that is not shown because it looks like a secret.
WITHHELD = "(not captured)"
_SPEC, _PROPERTY, _QOS = "extra spec ", "property ", "QoS "
#: What Cinder calls a backend is a matter of each site.
_OF_SITE = frozenset({"volume_backend_name"})
_ZONES_OF_TYPE = "RESKEY:availability_zones"
_AGGREGATE_SPEC = "aggregate_instance_extra_specs:"
#: How the names of limits for one volume type begin.
_TYPE_LIMITS = ("volumes_", "gigabytes_", "snapshots_")


@dataclasses.dataclass(frozen=True, order=True)
class Needer:
    """Who needs something: an application in a project, or the project itself."""

    project: str
    application: str | None = None

    def __str__(self) -> str:
        return f"application '{self.application}' in project '{self.project}'" if self.application else f"project '{self.project}'"


@dataclasses.dataclass(frozen=True)
class Expected:
    """Something that the remote site must have.

    :param key: what it is called there.
    :param source: what it is called at the primary site.
    :param facts: of the primary site, in the names of the remote one; None for what consists of its name.
    :param is_mapped: whether it only has to exist.
    """

    kind: str
    key: Key
    source: Key
    attributes: Attributes
    needers: frozenset[Needer]
    facts: t.Any = None
    is_mapped: bool = False


@dataclasses.dataclass(frozen=True)
class SiteNames:
    """What things of the primary site are called at the remote one.

    :param users: by the site plan.
    :param usual: the mapping of all restores.
    :param of_applications: other mappings, per name of an application in the inventory.
    """

    users: t.Mapping[str, str] = dataclasses.field(default_factory=dict)
    usual: SiteMapping = dataclasses.field(default_factory=SiteMapping)
    of_applications: t.Mapping[str, SiteMapping] = dataclasses.field(default_factory=dict)

    def of(self, kind: str, name: str, needer: Needer | None = None) -> str:
        """The name of something at the remote site.

        :param kind: as mappings call it.
        :param needer: for whom; None for everybody else.
        """
        mapping = self.of_applications.get(needer.application or "", self.usual) if needer else self.usual
        target = mapping.target(kind, name)
        return target.name if target and target.name else name


def expected(primary: Infrastructure, names: SiteNames) -> list[Expected]:
    """All that the remote site must have, kind by kind."""
    return list(_Expectations(primary, names).all())


class _Expectations:
    def __init__(self, primary: Infrastructure, names: SiteNames) -> None:
        self._primary = primary
        self._names = names

    def all(self) -> t.Iterator[Expected]:
        yield from self._projects()
        yield from self._roles()
        yield from self._named(captured.FLAVORS, self._primary.flavors, lambda one: one.flavors)
        yield from self._access(captured.FLAVORS, captured.FLAVOR_ACCESS, self._primary.flavors, lambda one: one.flavors)
        yield from self._named(captured.VOLUME_TYPES, self._primary.volume_types, lambda one: one.volume_types)
        yield from self._access(captured.VOLUME_TYPES, captured.TYPE_ACCESS, self._primary.volume_types, lambda one: one.volume_types)
        yield from self._quotas()
        yield from self._named(captured.EXTERNAL_NETWORKS, self._primary.external_networks, lambda one: one.external_networks)
        yield from self._access(captured.EXTERNAL_NETWORKS, captured.EXTERNAL_ACCESS, self._primary.external_networks, lambda one: one.external_networks)
        yield from self._zones()
        yield from self._aggregates()

    def _projects(self) -> t.Iterator[Expected]:
        for one in self._primary.projects:
            yield Expected(captured.PROJECTS, (one.planned,), (one.planned,), {"enabled": one.enabled}, frozenset({Needer(one.planned)}), one)

    def _roles(self) -> t.Iterator[Expected]:
        for one in self._primary.roles:
            there = dataclasses.replace(one, name=self._names.users.get(one.name, one.name)) if one.actor == USER else one
            yield Expected(captured.ROLES, role_key(there), role_key(one), {}, frozenset({Needer(one.project)}), there)

    def _quotas(self) -> t.Iterator[Expected]:
        for one in self._primary.quotas:
            limits: dict[str, int] = {}
            for name, limit in one.limits.items():
                there = self._limit(name)
                # Two volume types may be one at the remote site.
                limits[there] = max(limit, limits.get(there, limit), key=endless)
            key = (one.project, one.service)
            yield Expected(captured.QUOTAS, key, key, limits, frozenset({Needer(one.project)}), dataclasses.replace(one, limits=limits))

    def _limit(self, name: str) -> str:
        prefix = next((prefix for prefix in _TYPE_LIMITS if name.startswith(prefix)), None)
        return prefix + self._names.of(captured.VOLUME_TYPES, name.removeprefix(prefix)) if prefix else name

    def _named(self, kind: str, found: t.Iterable[t.Any], used: t.Callable[[InUse], t.Iterable[str]]) -> t.Iterator[Expected]:
        """Things by their names, each under all the names that it has for those who need it."""
        for one in found:
            for target, needers in self._targets(kind, one.name, used, getattr(one, "access", ())).items():
                there = self._translated(dataclasses.replace(one, name=target))
                is_mapped = target != one.name
                attributes = {} if is_mapped else attributes_of(there)
                yield Expected(kind, (target,), (one.name,), attributes, frozenset(needers), there, is_mapped)

    def _targets(self, kind: str, name: str, used: t.Callable[[InUse], t.Iterable[str]], entitled: t.Iterable[str]) -> dict[str, set[Needer]]:
        found: dict[str, set[Needer]] = collections.defaultdict(set)
        users = [Needer(one.project, one.application) for one in self._primary.in_use if name in used(one)]
        for needer in users:
            found[self._names.of(kind, name, needer)].add(needer)
        for project in set(entitled) - {one.project for one in users}:
            found[self._names.of(kind, name)].add(Needer(project))
        return dict(found) or {self._names.of(kind, name): set()}

    def _translated(self, one: t.Any) -> t.Any:
        """A thing in the names of the remote site. No server is made of a disabled flavor, so there it must not be."""
        if isinstance(one, FlavorFacts):
            return dataclasses.replace(one, is_disabled=False)
        zones = one.extra_specs.get(_ZONES_OF_TYPE) if isinstance(one, VolumeTypeFacts) else None
        if not zones:
            return one
        there = ",".join(self._names.of(captured.ZONES, zone.strip()) for zone in zones.split(","))
        return dataclasses.replace(one, extra_specs={**one.extra_specs, _ZONES_OF_TYPE: there})

    def _access(self, kind: str, access: str, found: t.Iterable[t.Any], used: t.Callable[[InUse], t.Iterable[str]]) -> t.Iterator[Expected]:
        """Who must be let use what: whoever uses it, and whoever is let at the primary site."""
        for one in found:
            for target, needers in self._targets(kind, one.name, used, one.access).items():
                by_project = collections.defaultdict(set)
                for needer in needers:
                    by_project[needer.project].add(needer)
                for project, those in sorted(by_project.items()):
                    yield Expected(access, (target, project), (one.name, project), {}, frozenset(those), one)

    def _zones(self) -> t.Iterator[Expected]:
        used: dict[str, t.Callable[[InUse], t.Iterable[str]]] = {COMPUTE: lambda one: one.compute_zones, VOLUME: lambda one: one.volume_zones}
        for one in self._primary.availability_zones:
            for target, needers in self._targets(captured.ZONES, one.name, used[one.service], ()).items():
                yield Expected(captured.ZONES, (one.service, target), (one.service, one.name), {}, frozenset(needers), is_mapped=target != one.name)

    def _aggregates(self) -> t.Iterator[Expected]:
        for one in self._primary.host_aggregates:
            there = dataclasses.replace(one, zone=one.zone and self._names.of(captured.ZONES, one.zone))
            yield Expected(captured.AGGREGATES, (one.name,), (one.name,), attributes_of(there), frozenset(self._needers_of(one)), there)

    def _needers_of(self, aggregate: HostAggregate) -> set[Needer]:
        """Those whose servers are in its zone, or have flavors that want its properties."""
        flavors = {one.name for one in self._primary.flavors if _wants(one, aggregate)}
        return {Needer(one.project, one.application) for one in self._primary.in_use if aggregate.zone in one.compute_zones or flavors & {*one.flavors}}


def _wants(flavor: FlavorFacts, aggregate: HostAggregate) -> bool:
    return any(key.startswith(_AGGREGATE_SPEC) and key.removeprefix(_AGGREGATE_SPEC) in aggregate.properties for key in flavor.extra_specs)


def role_key(one: RoleGrant) -> Key:
    return (one.project, one.actor, one.name, one.domain, one.role, one.role_domain or "")


def endless(limit: int) -> float:
    """A limit as a number that others can be compared with."""
    return math.inf if limit < 0 else limit


# Attributes


def attributes_of(one: t.Any) -> dict[str, Value]:
    """What must be the same at both sites: not names, descriptions, and what is a matter of each site."""
    if isinstance(one, FlavorFacts):
        sizes: dict[str, Value] = {name: getattr(one, name) for name in ("vcpus", "ram", "disk", "ephemeral", "swap", "rxtx_factor")}
        return {**sizes, "public": one.is_public, "disabled": one.is_disabled, **_specs(_SPEC, one.extra_specs)}
    if isinstance(one, VolumeTypeFacts):
        return {"public": one.is_public, **_specs(_SPEC, one.extra_specs), **_encryption(one), **_qos(one)}
    if isinstance(one, OutsideNetwork):
        has_ipv6 = any(subnet.ip_version == 6 for subnet in one.subnets)
        return {"mtu": one.mtu, "for all projects": one.for_all, "IPv4 addresses": _addresses(one), "IPv6": has_ipv6}
    return {"zone": one.zone, **_specs(_PROPERTY, one.properties)}


def _specs(prefix: str, specs: Specs) -> dict[str, Value]:
    return {prefix + key: WITHHELD if value is None else value for key, value in specs.items() if key not in _OF_SITE}


def _encryption(one: VolumeTypeFacts) -> dict[str, Value]:
    return {f"encryption {name}": value for name, value in dataclasses.asdict(one.encryption).items()} if one.encryption else {}


def _qos(one: VolumeTypeFacts) -> dict[str, Value]:
    return {f"{_QOS}consumer": one.qos.consumer, **_specs(_QOS, one.qos.specs)} if one.qos else {}


def _addresses(one: OutsideNetwork) -> int:
    """How many IPv4 addresses its pools have."""
    pools = [pool for subnet in one.subnets if subnet.ip_version == 4 for pool in subnet.pools]
    return sum(int(ipaddress.ip_address(pool.end)) - int(ipaddress.ip_address(pool.start)) + 1 for pool in pools)
