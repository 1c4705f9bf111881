# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The infrastructure of a site as a document, which is kept at the remote site. Like everything read from there, it is untrusted."""

from __future__ import annotations

import dataclasses
import ipaddress
import types
import typing as t

from ..core.errors import KeptInfrastructureInvalid
from ..core.infrastructure import (
    ACTORS,
    LIMITED_SERVICES,
    FlavorFacts,
    HostAggregate,
    OutsideNetwork,
    ProjectFacts,
    ProjectQuotas,
    RoleGrant,
    VolumeTypeFacts,
    ZoneFacts,
)
from ..core.text import told
from ..manifest.conforming import Form
from ..manifest.plain import build, plain
from ..site.keeping import DocumentKeeper, KeptDocument

PROJECTS, ROLES, QUOTAS = "projects", "roles", "quotas"
FLAVORS, FLAVOR_ACCESS = "flavors", "flavor_access"
VOLUME_TYPES, TYPE_ACCESS = "volume_types", "volume_type_access"
EXTERNAL_NETWORKS, EXTERNAL_ACCESS = "external_networks", "external_network_access"
ZONES, AGGREGATES = "availability_zones", "host_aggregates"
#: What is used, and by whom.
IN_USE = "in_use"
#: In the order in which one needs the other.
KINDS = (
    *(PROJECTS, ROLES, FLAVORS, FLAVOR_ACCESS, VOLUME_TYPES, TYPE_ACCESS, QUOTAS),
    *(EXTERNAL_NETWORKS, EXTERNAL_ACCESS, ZONES, AGGREGATES),
)

_VERSION = 1
#: Descriptions of projects and flavors may be as long.
_LONGEST = 2**16
_MOST = 100_000


@dataclasses.dataclass(frozen=True)
class Unseen:
    """What could not be seen, and why.

    :param project: in which; None where it is so in all of them.
    :param is_absent: whether the site has no such thing, and not only hides it.
    """

    kind: str
    reason: str
    project: str | None = None
    is_absent: bool = False

    def __str__(self) -> str:
        where = f" of project '{self.project}'" if self.project else ""
        what = f"What project '{self.project}' uses" if self.kind == IN_USE else f"The {self.kind.replace('_', ' ')}{where}"
        return f"{what} cannot be seen. {self.reason}"


@dataclasses.dataclass(frozen=True)
class InUse:
    """What an application uses, or a project beside its applications.

    :param application: its name in the inventory; None for what belongs to the project.
    """

    project: str
    application: str | None
    flavors: tuple[str, ...] = ()
    volume_types: tuple[str, ...] = ()
    compute_zones: tuple[str, ...] = ()
    volume_zones: tuple[str, ...] = ()
    external_networks: tuple[str, ...] = ()


@dataclasses.dataclass(frozen=True)
class Infrastructure:
    """What an administrator sees of one site, as far as the projects of the site plan need it."""

    site: str
    projects: tuple[ProjectFacts, ...] = ()
    roles: tuple[RoleGrant, ...] = ()
    quotas: tuple[ProjectQuotas, ...] = ()
    flavors: tuple[FlavorFacts, ...] = ()
    volume_types: tuple[VolumeTypeFacts, ...] = ()
    external_networks: tuple[OutsideNetwork, ...] = ()
    availability_zones: tuple[ZoneFacts, ...] = ()
    host_aggregates: tuple[HostAggregate, ...] = ()
    in_use: tuple[InUse, ...] = ()
    unseen: tuple[Unseen, ...] = ()

    def as_dict(self) -> dict[str, t.Any]:
        return plain(self)

    def of_projects(self, names: t.Collection[str]) -> Infrastructure:
        """What concerns these projects, by their names in the site plan."""

        def own(found: t.Iterable[t.Any]) -> tuple[t.Any, ...]:
            return tuple(one for one in found if one.project in names)

        def shared(found: t.Iterable[t.Any]) -> tuple[t.Any, ...]:
            return tuple(dataclasses.replace(one, access=tuple(name for name in one.access if name in names)) for one in found)

        kept: dict[str, t.Any] = {kind: own(getattr(self, kind)) for kind in (ROLES, QUOTAS, IN_USE)}
        kept |= {kind: shared(getattr(self, kind)) for kind in (FLAVORS, VOLUME_TYPES, EXTERNAL_NETWORKS)}
        return dataclasses.replace(
            self,
            **kept,
            projects=tuple(one for one in self.projects if one.planned in names),
            unseen=tuple(one for one in self.unseen if one.project is None or one.project in names),
        )

    @property
    def counts(self) -> dict[str, int]:
        """How many of each kind there are."""
        return {kind: len(getattr(self, kind)) for kind in KINDS if hasattr(self, kind)}


def _schema(hint: t.Any) -> dict[str, t.Any]:
    """The JSON schema of what :func:`plain` makes of a record's field."""
    if dataclasses.is_dataclass(hint):
        hints = t.get_type_hints(hint)
        properties = {field.name: _schema(hints[field.name]) for field in dataclasses.fields(hint)}
        return {"type": "object", "properties": properties, "required": sorted(properties), "additionalProperties": False}
    origin, inner = t.get_origin(hint), t.get_args(hint)
    if origin is types.UnionType:
        (kind,) = (one for one in inner if one is not types.NoneType)
        schema = _schema(kind)
        return {**schema, "type": [schema["type"], "null"]}
    if origin is tuple:
        return {"type": "array", "items": _schema(inner[0]), "maxItems": _MOST}
    if origin is not None:
        return {"type": "object", "additionalProperties": _schema(inner[1])}
    return dict(_PLAIN[hint])


_PLAIN: dict[t.Any, dict[str, t.Any]] = {
    str: {"type": "string", "maxLength": _LONGEST},
    bool: {"type": "boolean"},
    int: {"type": "integer", "minimum": -1, "maximum": 2**63 - 1},
    float: {"type": "number"},
}


@dataclasses.dataclass(frozen=True)
class KeptInfrastructure(KeptDocument):
    """An infrastructure, and when it was captured.

    :param captured_at: ISO 8601 with an offset.
    """

    #: No checkpoint can have this name, so it is never taken for a manifest.
    name = "_site-infrastructure.json"
    largest = 16 * 2**20
    invalid = KeptInfrastructureInvalid
    time = "captured_at"
    form = Form(
        {
            "type": "object",
            "properties": {
                "schema_version": {"const": _VERSION},
                "captured_at": {"type": "string", "maxLength": 40},
                "infrastructure": _schema(Infrastructure),
            },
            "required": ["schema_version", "captured_at", "infrastructure"],
            "additionalProperties": False,
        }
    )

    infrastructure: Infrastructure
    captured_at: str

    def as_document(self) -> dict[str, t.Any]:
        return {"schema_version": _VERSION, "captured_at": self.captured_at, "infrastructure": self.infrastructure.as_dict()}

    @classmethod
    def of_document(cls, document: t.Mapping[str, t.Any]) -> KeptInfrastructure:
        found: Infrastructure = build(Infrastructure, document["infrastructure"])
        nonsense = next(_nonsense(found), None)
        if nonsense is not None:
            raise cls.invalid(f"The {cls.invalid.what} has something that no site has: '{told(nonsense)}'.")
        return cls(found, document["captured_at"])


def _nonsense(found: Infrastructure) -> t.Iterator[str]:
    """Values that a schema lets pass."""
    yield from (one.actor for one in found.roles if one.actor not in ACTORS)
    services = [*(one.service for one in found.quotas), *(one.service for one in found.availability_zones)]
    yield from (one for one in services if one not in LIMITED_SERVICES)
    for address in (end for network in found.external_networks for subnet in network.subnets for pool in subnet.pools for end in (pool.start, pool.end)):
        try:
            ipaddress.ip_address(address)
        except ValueError:
            yield address


class InfrastructureKeeper(DocumentKeeper[KeptInfrastructure]):
    """The infrastructure in the store of a catalogue."""

    kind = KeptInfrastructure
