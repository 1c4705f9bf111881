# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The mapping from names at an application's source to names at the site where it is restored.

An operator keeps it as a YAML file. In the file, a target that is only a name is written as the name; here and in
:mod:`schema` it is a dictionary. Null as a name means that nobody has decided yet, or, of what can be left out,
that it is.
"""

from __future__ import annotations

import dataclasses
import typing as t

from ..core.errors import MappingInvalid
from ..core.numbers import is_whole
from ..core.written import schema_problems
from ..manifest.addresses import network_problem
from ..manifest.manifest import Manifest
from ..manifest.specs import FloatingSpec, PortSpec, ServerSpec
from .schema import KEEP, SCHEMA, SCHEMA_VERSION


@dataclasses.dataclass(frozen=True)
class NamedKind:
    """A kind of things that have names.

    :param key: in the mapping.
    :param made: whether a restore can make such a thing.
    :param optional: whether a server can do without.
    """

    key: str
    label: str
    made: bool
    optional: bool = False


KINDS = (
    NamedKind("networks", "network", made=True),
    NamedKind("subnets", "subnet", made=True),
    NamedKind("routers", "router", made=True),
    NamedKind("external_networks", "external network", made=False),
    NamedKind("flavors", "flavor", made=False),
    NamedKind("volume_types", "volume type", made=False),
    NamedKind("key_pairs", "key pair", made=True),
    NamedKind("security_groups", "security group", made=True),
    NamedKind("address_groups", "address group", made=True),
    NamedKind("server_groups", "server group", made=True, optional=True),
    NamedKind("availability_zones", "availability zone", made=False, optional=True),
    NamedKind("qos_policies", "QoS policy", made=False, optional=True),
    NamedKind("subnet_pools", "subnet pool", made=False, optional=True),
)


@dataclasses.dataclass(frozen=True)
class Target:
    """What replaces something of the source.

    :param name: None while it is undecided, or where it is left out.
    :param make: whether the restore makes it under this name where it is not there.
    :param cidr: of a subnet, where it is another than at the source.
    """

    name: str | None
    make: bool = False
    cidr: str | None = None

    def as_data(self) -> str | dict[str, t.Any] | None:
        """The target in its short form."""
        extras: dict[str, t.Any] = {"cidr": self.cidr} if self.cidr else {}
        extras |= {"make": True} if self.make else {}
        return {"name": self.name, **extras} if extras else self.name


@dataclasses.dataclass(frozen=True)
class AddressRule:
    """What to do with addresses; None where a wider rule decides.

    :param policy: ``keep``, ``remap`` (the same host part in the subnet's new range) or ``new`` (Neutron chooses address and MAC).
    :param floating: whether a port gets a floating address where it has one at the source.
    """

    policy: str | None = None
    floating: bool | None = None

    def within(self, wider: AddressRule) -> AddressRule:
        return AddressRule(
            wider.policy if self.policy is None else self.policy,
            wider.floating if self.floating is None else self.floating,
        )

    def as_data(self) -> dict[str, t.Any]:
        return {key: value for key, value in dataclasses.asdict(self).items() if value is not None}


@dataclasses.dataclass(frozen=True)
class ServerRule:
    """The address rules of one server.

    :param ports: per network at the source, or per MAC address for a server with several ports on one network.
    """

    rule: AddressRule = AddressRule()
    ports: t.Mapping[str, AddressRule] = dataclasses.field(default_factory=dict)

    def as_data(self) -> dict[str, t.Any]:
        ports = {key: rule.as_data() for key, rule in self.ports.items()}
        return {**self.rule.as_data(), **({"ports": ports} if ports else {})}


_DEFAULT_RULE = AddressRule(KEEP, True)


@dataclasses.dataclass(frozen=True)
class SiteMapping:
    """What things are called at the target site, and which addresses they get there.

    :param names: target per name at the source, per key of a kind; what is not in it has the same name at the site.
    :param root_disks: per server that boots from an image, whether its root disk is to be one again, or becomes a volume.
    """

    names: t.Mapping[str, t.Mapping[str, Target]] = dataclasses.field(default_factory=dict)
    rule: AddressRule = AddressRule()
    servers: t.Mapping[str, ServerRule] = dataclasses.field(default_factory=dict)
    root_disks: t.Mapping[str, str] = dataclasses.field(default_factory=dict)

    @classmethod
    def parse(cls, document: t.Mapping[str, t.Any] | None) -> SiteMapping:
        """Read a mapping as a person wrote it; an empty one changes nothing.

        :raises MappingInvalid: naming everything that is wrong with it.
        """
        if not document:
            return cls()
        _refuse_unknown_version(document)
        written = _long_form(document)
        _validate(written)
        addresses = written.get("addresses", {})
        return cls(
            names={kind.key: _targets(written[kind.key]) for kind in KINDS if written.get(kind.key)},
            rule=_rule(addresses),
            servers={name: _server_rule(one) for name, one in addresses.get("servers", {}).items()},
            root_disks=dict(written.get("root_disks", {})),
        )

    def as_dict(self) -> dict[str, t.Any]:
        """The mapping as a person would write it."""
        names = {
            kind.key: {name: target.as_data() for name, target in self.names[kind.key].items()}
            for kind in KINDS
            if self.names.get(kind.key)
        }
        servers = {name: one.as_data() for name, one in self.servers.items()}
        addresses = {**self.rule.as_data(), **({"servers": servers} if servers else {})}
        others = {"addresses": addresses, "root_disks": dict(self.root_disks)}
        return {"schema_version": SCHEMA_VERSION, **names, **{key: value for key, value in others.items() if value}}

    def targets(self, kind: str) -> t.Mapping[str, Target]:
        return self.names.get(kind, {})

    def target(self, kind: str, name: str) -> Target | None:
        return self.targets(kind).get(name)

    def rule_of(self, server: ServerSpec, port: PortSpec) -> AddressRule:
        """The rule for a port's addresses: the port's own, or else its server's, or else the general one."""
        own = self.servers.get(server.name, ServerRule())
        of_port = own.ports.get(port.network, AddressRule())
        macs = {key.lower(): rule for key, rule in own.ports.items()}
        of_mac = macs.get(port.mac_address.lower(), AddressRule())
        return of_mac.within(of_port).within(own.rule).within(self.general_rule)

    @property
    def general_rule(self) -> AddressRule:
        """The rule for the addresses of what is on no server."""
        return self.rule.within(_DEFAULT_RULE)


def used_names(manifest: Manifest, mapping: SiteMapping | None = None) -> dict[str, list[str]]:
    """What an application has, per key of a kind.

    :param mapping: leaves out the external networks of floating addresses that are not made.
    """
    servers, topology, ports = manifest.description.servers, manifest.description.topology, manifest.description.ports
    floating = list(_floating(manifest, mapping))
    policies = [*(one.qos_policy for one in topology.networks), *(one.gateway_qos_policy for one in topology.routers), *(one.qos_policy for one in ports)]
    found: dict[str, t.Iterable[str | None]] = {
        "networks": [*_names(topology.networks), *(port.network for port in ports)],
        "subnets": [*_names(topology.subnets), *(ip.subnet for port in ports for ip in port.fixed_ips)],
        "routers": _names(topology.routers),
        "external_networks": [*(router.external_network for router in topology.routers), *(one.network for one in floating)],
        "flavors": [server.flavor.name for server in servers],
        "volume_types": [volume.volume_type for volume in manifest.description.volumes],
        "key_pairs": [*_names(topology.key_pairs), *(server.key_name for server in servers)],
        "security_groups": [*_names(topology.security_groups), *(one for port in ports for one in port.security_groups)],
        "address_groups": [*_names(topology.address_groups), *(rule.remote_address_group for one in topology.security_groups for rule in one.rules)],
        "server_groups": [*_names(topology.server_groups), *(server.server_group for server in servers)],
        "availability_zones": [*(one.availability_zone for one in servers), *(one.availability_zone for one in manifest.description.volumes)],
        "qos_policies": [*policies, *(one.qos_policy for one in floating)],
        "subnet_pools": [one.subnet_pool for one in topology.subnets],
    }
    return {kind.key: sorted({name for name in found[kind.key] if name}) for kind in KINDS}


def _floating(manifest: Manifest, mapping: SiteMapping | None) -> t.Iterator[FloatingSpec]:
    """The floating addresses that are made."""
    topology = manifest.description.topology
    for server in manifest.description.servers:
        for port in server.ports:
            yield from port.floating_ips if mapping is None or mapping.rule_of(server, port).floating else ()
    if mapping is None or mapping.general_rule.floating:
        yield from (one for port in topology.ports for one in port.floating_ips)
        yield from (one.floating for one in topology.forwarders)


def _names(specs: t.Iterable[t.Any]) -> list[str]:
    return [spec.name for spec in specs]


# Reading


def _refuse_unknown_version(document: t.Mapping[str, t.Any]) -> None:
    version = document.get("schema_version")
    # True and 1.0 are equal to 1, and are no versions.
    if not is_whole(version) or version != SCHEMA_VERSION:
        said = f"has schema_version {version!r}" if "schema_version" in document else "has no schema_version"
        raise MappingInvalid([f"It {said}; this release reads 'schema_version: {SCHEMA_VERSION}'."])


def _long_form(document: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
    """The document with all short forms written out; the schema refuses what is none."""
    long = {key: {} if value is None else value for key, value in document.items()}
    for kind in KINDS:
        if isinstance(long.get(kind.key), dict):
            long[kind.key] = {name: _spelt(one, "name") for name, one in long[kind.key].items()}
    if isinstance(long.get("addresses"), dict):
        long["addresses"] = _with_long(long["addresses"], "servers", lambda one: _with_long(one, "ports", lambda port: port))
    return long


def _spelt(value: t.Any, member: str) -> t.Any:
    return value if isinstance(value, dict) else {member: value}


def _with_long(rule: t.Any, inner: str, then: t.Callable[[t.Any], t.Any]) -> t.Any:
    """A rule whose inner ones may be written as the policy alone."""
    if not isinstance(rule, dict) or not isinstance(rule.get(inner), dict):
        return rule
    return {**rule, inner: {key: then(_spelt(one, "policy")) for key, one in rule[inner].items()}}


def _validate(document: t.Mapping[str, t.Any]) -> None:
    problems = schema_problems(document, SCHEMA, "the mapping")
    problems += list(_cidr_problems(document.get("subnets")))
    if problems:
        raise MappingInvalid([f"{problem}." for problem in problems])


def _cidr_problems(subnets: t.Any) -> t.Iterator[str]:
    for name, one in subnets.items() if isinstance(subnets, dict) else ():
        cidr = one.get("cidr") if isinstance(one, dict) else None
        problem = network_problem(cidr) if isinstance(cidr, str) else None
        if problem:
            yield f"subnets/{name}/cidr {problem}"


def _targets(section: t.Mapping[str, t.Any]) -> dict[str, Target]:
    return {name: Target(**one) for name, one in section.items()}


def _rule(data: t.Mapping[str, t.Any]) -> AddressRule:
    return AddressRule(data.get("policy"), data.get("floating"))


def _server_rule(data: t.Mapping[str, t.Any]) -> ServerRule:
    return ServerRule(_rule(data), {key: _rule(one) for key, one in data.get("ports", {}).items()})
