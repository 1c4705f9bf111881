# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The manifest: the document that describes a checkpoint completely.

Whoever holds it, and the copies it names, can rebuild the application on a site that
has never seen it. It holds no credentials. Whatever is read from it is untrusted, so
it is validated against :mod:`manifest_schema` before anything looks at it.
"""

from __future__ import annotations

import collections
import dataclasses
import datetime
import json
import typing as t

from ..application.definition import Application
from ..core.errors import InvalidInput, ManifestInvalid
from ..core.marking import drill_name
from ..core.records import Flavor
from . import signed
from .schema import SCHEMA, SCHEMA_VERSION

#: The defaults of what came with version 2 are what is known of a copy of version 1.
_READABLE_VERSIONS = (1, SCHEMA_VERSION)
#: Characters of a version that nobody knows.
_SHOWN = 40


@dataclasses.dataclass(frozen=True)
class VolumeSpec:
    """A volume as the application has it. ``device`` is the name at the source, e.g. /dev/vdb.

    :param availability_zone: None for whatever the site chooses.
    """

    source_id: str
    name: str
    size: int
    volume_type: str
    bootable: bool
    device: str
    delete_on_termination: bool
    metadata: t.Mapping[str, str]
    availability_zone: str | None = None


@dataclasses.dataclass(frozen=True)
class AddressSpec:
    """An address; empty, only in memory, where Neutron shall choose one of the subnet's."""

    subnet: str
    ip_address: str


@dataclasses.dataclass(frozen=True)
class PortSpec:
    """A network interface; networks, subnets and security groups by name.

    The MAC address is empty, only in memory, where Neutron shall choose it.
    """

    name: str
    network: str
    mac_address: str
    fixed_ips: tuple[AddressSpec, ...]
    security_groups: tuple[str, ...]
    port_security: bool
    allowed_address_pairs: tuple[t.Mapping[str, str], ...]
    #: Name of the external network of its floating address; None without one.
    floating_network: str | None


@dataclasses.dataclass(frozen=True)
class ServerSpec:
    """A server as the application has it: ports in interface order, volumes in device order.

    :param user_data: in one of the forms of :mod:`user_data`; None when there is none, or it was left out.
    :param server_group: name of the group that it is a member of; None for none.
    :param availability_zone: None for whatever the site chooses.
    """

    source_id: str
    name: str
    tier: str
    flavor: Flavor
    key_name: str | None
    config_drive: bool
    description: str
    metadata: t.Mapping[str, str]
    tags: tuple[str, ...]
    ports: tuple[PortSpec, ...]
    volumes: tuple[VolumeSpec, ...]
    user_data: str | None = None
    server_group: str | None = None
    availability_zone: str | None = None


@dataclasses.dataclass(frozen=True)
class SubnetSpec:
    name: str
    network: str
    cidr: str
    ip_version: int
    gateway_ip: str | None
    enable_dhcp: bool
    dns_nameservers: tuple[str, ...]
    allocation_pools: tuple[t.Mapping[str, str], ...]
    host_routes: tuple[t.Mapping[str, str], ...]
    ipv6_ra_mode: str | None
    ipv6_address_mode: str | None


@dataclasses.dataclass(frozen=True)
class NetworkSpec:
    name: str
    mtu: int
    port_security_enabled: bool


@dataclasses.dataclass(frozen=True)
class RouterSpec:
    """A router with the names of the subnets it joins, and of its external network."""

    name: str
    external_network: str | None
    enable_snat: bool
    subnets: tuple[str, ...]


@dataclasses.dataclass(frozen=True)
class SecurityGroupRuleSpec:
    direction: str
    ether_type: str
    protocol: str | None
    port_range_min: int | None
    port_range_max: int | None
    remote_ip_prefix: str | None
    #: Name of the group whose members may connect.
    remote_group: str | None


@dataclasses.dataclass(frozen=True)
class SecurityGroupSpec:
    name: str
    description: str
    rules: tuple[SecurityGroupRuleSpec, ...]


@dataclasses.dataclass(frozen=True)
class KeyPairSpec:
    name: str
    public_key: str


@dataclasses.dataclass(frozen=True)
class ServerGroupSpec:
    """Servers that are to run together or apart.

    :param policy: as Nova calls it, e.g. anti-affinity.
    :param max_per_host: None where the policy says nothing else than its own.
    """

    name: str
    policy: str
    max_per_host: int | None = None


@dataclasses.dataclass(frozen=True)
class Topology:
    """What the servers need around them on a site."""

    networks: tuple[NetworkSpec, ...]
    subnets: tuple[SubnetSpec, ...]
    routers: tuple[RouterSpec, ...]
    security_groups: tuple[SecurityGroupSpec, ...]
    key_pairs: tuple[KeyPairSpec, ...]
    server_groups: tuple[ServerGroupSpec, ...] = ()


@dataclasses.dataclass(frozen=True)
class ApplicationDescription:
    """An application as captured: its definition, and everything to rebuild it but the data."""

    application: Application
    servers: tuple[ServerSpec, ...]
    topology: Topology

    @property
    def volumes(self) -> list[VolumeSpec]:
        return [volume for server in self.servers for volume in server.volumes]

    @classmethod
    def parse(cls, data: t.Mapping[str, t.Any]) -> ApplicationDescription:
        """Read what :meth:`as_dict` made, or the same part of a manifest."""
        return cls(
            application=Application.parse(data["application"]),
            servers=tuple(_build(ServerSpec, server) for server in data["servers"]),
            topology=_build(Topology, data["topology"]),
        )

    def as_dict(self) -> dict[str, t.Any]:
        return {
            "application": self.application.as_dict(),
            "servers": [_plain(server) for server in self.servers],
            "topology": _plain(self.topology),
        }


@dataclasses.dataclass(frozen=True)
class Copy:
    """How the data of one volume can be had at the remote site.

    :param method: ``cinder_backup``: restored from backup ``copy_id``, which needs all of ``chain``
        (ids, oldest first, itself last) at the remote site.
    :param container: where the objects of the backup are; empty when unknown.
    :param stored_bytes: what they take there.
    :param inventory: ``sha256:...`` over names, sizes and checksums of these objects; empty when unknown.
    :param verified: how far the copy was proved at the remote site: its ``records``, its ``objects``, or by a ``restore``.
    """

    volume_id: str
    method: str
    copy_id: str
    chain: tuple[str, ...]
    size: int
    incremental: bool
    object_count: int
    container: str = ""
    stored_bytes: int = 0
    inventory: str = ""
    verified: str = "records"


@dataclasses.dataclass(frozen=True)
class Checkpoint:
    """The recovery point itself.

    :param created_at: ISO 8601 in UTC, the moment for which the data stands.
    :param site: name of the site where it was taken.
    :param consistency: of the whole; ``server_consistency`` has it per server name.
    :param evidence: what the consistency was computed from, for the report.
    """

    id: str
    created_at: str
    site: str
    consistency: str
    server_consistency: t.Mapping[str, str]
    evidence: t.Mapping[str, t.Any]

    @property
    def moment(self) -> datetime.datetime:
        """``created_at`` for comparisons."""
        return datetime.datetime.fromisoformat(self.created_at)


@dataclasses.dataclass(frozen=True)
class Manifest:
    """All of a checkpoint.

    :param drill: id of the drill for which it was changed, only in memory; None for a real restore.
    :param is_bound: whether what was read named the place to which it belongs, as all that is written does.
    """

    checkpoint: Checkpoint
    description: ApplicationDescription
    copies: tuple[Copy, ...]
    drill: str | None = None
    is_bound: bool = dataclasses.field(default=True, compare=False)

    @property
    def application(self) -> Application:
        return self.description.application

    def called(self, name: str) -> str:
        """How a restore calls at its site what has a name at the source."""
        return name if self.drill is None else drill_name(self.drill, name)

    def copy_of(self, volume: VolumeSpec) -> Copy:
        """The copy of a volume; every volume of a valid manifest has one."""
        return next(copy for copy in self.copies if copy.volume_id == volume.source_id)

    @classmethod
    def parse(cls, document: t.Any) -> Manifest:
        """Read an untrusted document.

        :raises ManifestInvalid: naming what is wrong with it.
        """
        _refuse_unknown_version(document)
        signed.refuse_deep(document, ManifestInvalid)
        document = _upgraded(document)
        signed.validate(document, SCHEMA, ManifestInvalid)
        manifest = cls(
            checkpoint=_build(Checkpoint, document["checkpoint"]),
            description=_description(document),
            copies=tuple(_build(Copy, copy) for copy in document["copies"]),
        )
        _refuse_contradictions(manifest)
        return manifest

    @classmethod
    def load(cls, content: bytes, seal: signed.Seal = signed.UNSEALED) -> Manifest:
        """Read a stored manifest and check its digest, and its signature and place where there is a key.

        :raises ManifestInvalid: when it is damaged, not signed with the key, of another place, or no manifest at all.
        """
        stored = signed.load(content, seal, ManifestInvalid)
        return dataclasses.replace(cls.parse(stored.document), is_bound=stored.is_bound)

    def as_dict(self) -> dict[str, t.Any]:
        return {
            "schema_version": SCHEMA_VERSION,
            "checkpoint": _plain(self.checkpoint),
            **self.description.as_dict(),
            "copies": [_plain(copy) for copy in self.copies],
        }

    def dump(self, seal: signed.Seal = signed.UNSEALED) -> bytes:
        """Canonical JSON with its SHA-256 digest, and signed where there is a key."""
        return signed.dump(self.as_dict(), seal)


def _description(document: t.Mapping[str, t.Any]) -> ApplicationDescription:
    try:
        return ApplicationDescription.parse(document)
    except InvalidInput as error:
        raise ManifestInvalid(f"The manifest contradicts itself: {signed.shown(error.message)}") from error


def _refuse_unknown_version(document: t.Any) -> None:
    version = document.get("schema_version") if isinstance(document, dict) else None
    # True and 1.0 are equal to 1, and are no versions.
    if not isinstance(version, int) or isinstance(version, bool) or version not in _READABLE_VERSIONS:
        raise ManifestInvalid(
            f"The manifest has schema version {signed.shown(version)[:_SHOWN]}; this release reads versions 1 to {SCHEMA_VERSION}.",
            "Use a release of osdr.openstack that knows it.",
        )


def _upgraded(document: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
    """A document of an older version as this version has it; what is no such document is for the schema to refuse."""
    if document["schema_version"] == SCHEMA_VERSION:
        return dict(document)
    parts = (("copies", tuple[Copy, ...]), ("servers", tuple[ServerSpec, ...]), ("topology", Topology))
    upgraded = {key: _with_defaults(hint, document[key]) for key, hint in parts if key in document}
    return {**document, **upgraded, "schema_version": SCHEMA_VERSION}


def _with_defaults(hint: t.Any, value: t.Any) -> t.Any:
    """A part of an older version with what has come since then, in records inside of records too."""
    if t.get_origin(hint) is tuple and isinstance(value, list):
        return [_with_defaults(t.get_args(hint)[0], one) for one in value]
    if not dataclasses.is_dataclass(hint) or not isinstance(value, dict):
        return value
    hints = t.get_type_hints(hint)
    new = {field.name: _plain_default(field.default) for field in dataclasses.fields(hint) if field.default is not dataclasses.MISSING}
    return {**new, **{key: _with_defaults(hints.get(key), one) for key, one in value.items()}}


def _plain_default(default: t.Any) -> t.Any:
    return list(default) if isinstance(default, tuple) else default


def _refuse_contradictions(manifest: Manifest) -> None:
    """What a schema cannot say: the parts of the document must refer to each other."""
    description = manifest.description
    copied = {copy.volume_id for copy in manifest.copies}
    listed = {server.name for server in description.servers}
    tiers = {tier.name for tier in manifest.application.tiers}
    problems = [f"volume {v.source_id} has no copy" for v in description.volumes if v.source_id not in copied]
    problems += [f"server {name} is not described" for name in manifest.application.servers if name not in listed]
    problems += [f"server {s.name} is in unknown tier {s.tier}" for s in description.servers if s.tier not in tiers]
    groups = {group.name for group in description.topology.server_groups}
    problems += [f"server {s.name} is in unknown server group {s.server_group}" for s in description.servers if {s.server_group} - {None, *groups}]
    problems += [f"server {name} is described twice" for name in _twice(s.name for s in description.servers)]
    problems += [f"volume {one} is described twice" for one in _twice(v.source_id for v in description.volumes)]
    problems += [f"volume {one} has several copies" for one in _twice(copy.volume_id for copy in manifest.copies)]
    problems += [f"the chain of copy {copy.copy_id} does not end with it" for copy in manifest.copies if copy.chain[-1] != copy.copy_id]
    problems += _time_problems(manifest.checkpoint)
    if problems:
        raise ManifestInvalid(f"The manifest contradicts itself: {signed.listed([signed.shown(one) for one in problems])}.")


def _time_problems(checkpoint: Checkpoint) -> list[str]:
    try:
        _moment = checkpoint.moment
    except ValueError:
        return [f"there is no time {checkpoint.created_at}"]
    return []


def _twice(names: t.Iterable[str]) -> list[str]:
    return [name for name, count in collections.Counter(names).items() if count > 1]


def _plain(record: t.Any) -> dict[str, t.Any]:
    """A record as JSON has it: tuples become lists."""
    return json.loads(json.dumps(dataclasses.asdict(record)))


def _build(cls: type, data: t.Mapping[str, t.Any]) -> t.Any:
    """Make a record, and the records inside it, from validated data."""
    hints = t.get_type_hints(cls)
    return cls(**{field.name: _value(hints[field.name], data[field.name]) for field in dataclasses.fields(cls)})


def _value(hint: t.Any, value: t.Any) -> t.Any:
    if dataclasses.is_dataclass(hint):
        return _build(t.cast(type, hint), value)
    if t.get_origin(hint) is tuple:
        return tuple(_value(t.get_args(hint)[0], one) for one in value)
    return value
