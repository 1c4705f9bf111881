# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Compare two descriptions of an application. Pure."""

from __future__ import annotations

import dataclasses
import typing as t

from .manifest import ApplicationDescription
from .specs import PortSpec, ServerSpec, Topology

Attributes = dict[str, t.Any]
#: Per kind and name of a part.
Parts = dict[tuple[str, str], Attributes]

#: Attributes of which None says that they are not known: the checkpoint is older than they are, or the site does not show them.
_MAY_BE_UNKNOWN = ("hostname", "extra_specs", "image_metadata")
#: Of a server, where its public key is not known.
_KEY_NAME = "key_name"
APPEARED, WENT, CHANGED = "appeared", "went", "changed"


@dataclasses.dataclass(frozen=True)
class Change:
    """One difference.

    :param kind: of the part, e.g. ``server`` or ``rule``.
    :param name: of the part, with what it belongs to.
    :param change: ``appeared``, ``went`` or ``changed``.
    :param attribute: which one changed; None when the part itself appeared or went.
    """

    kind: str
    name: str
    change: str
    attribute: str | None = None
    before: t.Any = None
    after: t.Any = None

    def __str__(self) -> str:
        part = f"{self.kind} {self.name}"
        return f"{part} {self.change}" if self.attribute is None else f"{part}: {self.attribute} was {self.before!r}, is {self.after!r}"


def changes(before: ApplicationDescription, after: ApplicationDescription) -> list[Change]:
    """Everything that appeared, went or changed, in the order of kinds and names.

    What no restore brings back is named with its ids, so it is compared only if both describe servers of one site.
    """
    old, new = parts(before), parts(after)
    for unknown in _unknown_keys(before) | _unknown_keys(after):
        old.pop(("key pair", unknown), None)
        new.pop(("key pair", unknown), None)
    if _ids(before) & _ids(after):
        old, new = old | _unprotected(before), new | _unprotected(after)
    found = [Change(*part, APPEARED) for part in new.keys() - old.keys()]
    found += [Change(*part, WENT) for part in old.keys() - new.keys()]
    found += [
        Change(*part, CHANGED, attribute, old[part][attribute], value)
        for part in old.keys() & new.keys()
        for attribute, value in new[part].items()
        if value != old[part][attribute] and not _is_unknown(attribute, value, old[part][attribute])
    ]
    return sorted(found, key=lambda one: (one.kind, one.name, one.attribute or ""))


def difference(found: t.Iterable[Change]) -> tuple[Parts, Parts]:
    """What changed, as it was and as it is, for a diff."""
    before: Parts = {}
    after: Parts = {}
    for one in found:
        part = (one.kind, one.name)
        if one.change != APPEARED:
            before.setdefault(part, {}).update({one.attribute: one.before} if one.attribute else {})
        if one.change != WENT:
            after.setdefault(part, {}).update({one.attribute: one.after} if one.attribute else {})
    return before, after


def _ids(description: ApplicationDescription) -> set[str]:
    return {server.source_id for server in description.servers}


def _unprotected(description: ApplicationDescription) -> Parts:
    """What no restore brings back. Another value is another part: a resource may lack an attribute several times."""
    return {("unprotected", f"{one.resource}: {one.attribute} ({one.value})"): {} for one in description.missing if one.attribute != _KEY_NAME}


def _unknown_keys(description: ApplicationDescription) -> set[str]:
    """Key pairs of other users, of which some credentials know only the names."""
    return {one.value for one in description.missing if one.attribute == _KEY_NAME}


def _is_unknown(attribute: str, *values: t.Any) -> bool:
    return attribute in _MAY_BE_UNKNOWN and None in values


def parts(description: ApplicationDescription) -> Parts:
    """The parts of an application, as a person would name them, with their attributes.

    Ids of the site are left out, so that descriptions of different sites can be compared.
    """
    found: Parts = {}
    for tier in description.application.tiers:
        checks = [check.as_dict() for check in tier.checks]
        found["tier", tier.name] = {"servers": sorted(tier.servers), "checks": checks}
    for server in description.servers:
        found |= _parts_of_server(server)
    return found | _parts_of_topology(description.topology) | _parts_beside_servers(description)


def _parts_of_server(server: ServerSpec) -> Parts:
    attributes = _attributes(server, "source_id", "name", "flavor", "ports", "volumes", "user_data")
    attributes["flavor"] = _attributes(server.flavor, "id", "extra_specs")
    attributes["extra_specs"] = server.flavor.extra_specs
    attributes["user_data"] = "present" if server.user_data else "absent"
    found: Parts = {("server", server.name): attributes}
    for volume in server.volumes:
        found["volume", f"{volume.device} of server {server.name}"] = _attributes(volume, "source_id", "device")
    place: dict[str, int] = {}
    for port in server.ports:
        place[port.network] = place.get(port.network, 0) + 1
        name = f"{place[port.network]} on network {port.network} of server {server.name}"
        found |= _parts_of_port(name, port)
    return found


def _parts_of_port(name: str, port: PortSpec) -> Parts:
    found: Parts = {("port", name): _attributes(port, "source_id", "network", "floating_ips")}
    for number, floating in enumerate(port.floating_ips, 1):
        found["floating address", f"{number} of port {name}"] = _attributes(floating)
    return found


def _parts_beside_servers(description: ApplicationDescription) -> Parts:
    """Ports on no server, trunks, and floating addresses that forward ports; each is called by its name, or else its addresses."""
    found: Parts = {}
    addresses = {port.source_id: ", ".join(ip.ip_address for ip in port.fixed_ips) for port in description.ports}
    for port in description.topology.ports:
        found |= _parts_of_port(f"{port.name or addresses[port.source_id]} on network {port.network}, on no server", port)
    for trunk in description.topology.trunks:
        subports = sorted(f"{one.segmentation_type} {one.segmentation_id}: {addresses.get(one.port)}" for one in trunk.subports)
        name = trunk.name or f"of the port with {addresses.get(trunk.port)}"
        found["trunk", name] = {**_attributes(trunk, "source_id", "name", "port", "subports"), "ports": subports}
    for forwarder in description.topology.forwarders:
        for one in forwarder.forwardings:
            name = f"{one.protocol} {one.external_port} to {addresses.get(one.port)} {one.internal_port}"
            found["port forwarding", name] = {"description": one.description, "floating address": _attributes(forwarder.floating)}
    return found


def _parts_of_topology(topology: Topology) -> Parts:
    kinds = {
        "network": topology.networks,
        "subnet": topology.subnets,
        "router": topology.routers,
        "security group": topology.security_groups,
        "address group": topology.address_groups,
        "key pair": topology.key_pairs,
        "server group": topology.server_groups,
    }
    found: Parts = {}
    for kind, specs in kinds.items():
        found |= {(kind, spec.name): _attributes(spec, "name", "rules", "owner") for spec in t.cast("tuple[t.Any, ...]", specs)}
    for group in topology.security_groups:
        for rule in group.rules:
            words = ", ".join(f"{key} {value}" for key, value in _attributes(rule, "description").items() if value is not None)
            found["rule", f"of security group {group.name}: {words}"] = {"description": rule.description}
    return found


def _attributes(spec: t.Any, *left_out: str) -> Attributes:
    """What a specification says, with sequences in a form that can be compared and shown."""
    return {key: list(value) if isinstance(value, tuple) else value for key, value in dataclasses.asdict(spec).items() if key not in left_out}
