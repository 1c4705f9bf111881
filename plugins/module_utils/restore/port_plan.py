# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Plan what a restore does about the ports of servers. Pure."""

from __future__ import annotations

import dataclasses
import ipaddress
import typing as t

from ..core.marking import Mark
from ..core.records import FloatingIp, Network, Port
from ..manifest.addresses import derives_addresses
from ..manifest.manifest import Manifest
from ..manifest.specs import AddressSpec, PortSpec, ServerSpec
from .marks import mark_of
from .site import RestoreSite

#: The kind of interface that a port has when nothing is said.
_NORMAL = "normal"
#: In the description of a port: which of its server's it is, counted from 0.
_POSITION_KEY = "osdr_port"


@dataclasses.dataclass(frozen=True)
class PortStep:
    """What is to be done about one port of a server.

    :param description: by which the port is known again, at once and for as long as it is there.
    :param current: the port, where it is there.
    :param floating_ip: its floating address, where it is there.
    """

    spec: PortSpec
    name: str
    mark: Mark
    description: str
    current: Port | None
    floating_ip: FloatingIp | None

    @property
    def lacks_tags(self) -> bool:
        return self.current is None or not set(self.mark.tags()) <= set(self.current.tags)

    @property
    def lacks_floating_ip(self) -> bool:
        return self.spec.floating_network is not None and self.floating_ip is None

    @property
    def lacks_floating_tags(self) -> bool:
        """Whether tags are missing on a floating address that a restore made; other addresses of the port are not touched."""
        if self.floating_ip is None or Mark.of_text(self.floating_ip.description) != self.mark:
            return False
        return not set(self.mark.tags()) <= set(self.floating_ip.tags)

    @property
    def changes(self) -> bool:
        return self.lacks_tags or self.lacks_floating_ip or self.lacks_floating_tags

    def body(self, site: RestoreSite) -> dict[str, t.Any]:
        """Parameters for creating the port in Neutron; all names must exist."""
        network_id = t.cast(Network, site.network(self.spec.network)).id
        body: dict[str, t.Any] = {
            "name": self.name,
            "description": self.description,
            "network_id": network_id,
            "fixed_ips": [_fixed_ip(site, network_id, ip) for ip in self.spec.fixed_ips],
            "security_group_ids": [site.security_group_id(name) for name in self.spec.security_groups],
        }
        if self.spec.mac_address:
            body["mac_address"] = self.spec.mac_address
        if not self.spec.port_security:
            body["is_port_security_enabled"] = False
        if not self.spec.is_up:
            body["is_admin_state_up"] = False
        if self.spec.vnic_type != _NORMAL:
            body["binding_vnic_type"] = self.spec.vnic_type
        if self.spec.allowed_address_pairs:
            body["allowed_address_pairs"] = [dict(pair) for pair in self.spec.allowed_address_pairs]
        return body

    def floating_ip_body(self, site: RestoreSite, port: Port) -> dict[str, t.Any]:
        """Parameters for allocating the floating address in Neutron; the external network must exist.

        :param port: as it is by now: the site may have chosen addresses.
        """
        network = t.cast(Network, site.external_network(t.cast(str, self.spec.floating_network)))
        body = {"floating_network_id": network.id, "port_id": port.id, "description": self.mark.text()}
        behind = next(self._addresses_in_order(site, port), None)
        return {**body, "fixed_ip_address": behind} if behind else body

    def _addresses_in_order(self, site: RestoreSite, port: Port) -> t.Iterator[str]:
        """The IPv4 addresses of a port, in the order in which the application has them; Neutron lists them in another one."""
        for wanted in self.spec.fixed_ips:
            subnet_id = site.subnet_id(port.network_id, wanted.subnet)
            for ip in port.fixed_ips:
                if ip.subnet_id == subnet_id and wanted.ip_address in ("", ip.ip_address) and _is_ipv4(ip.ip_address):
                    yield ip.ip_address


def _is_ipv4(address: str) -> bool:
    return ipaddress.ip_address(address).version == 4


def _fixed_ip(site: RestoreSite, network_id: str, address: AddressSpec) -> dict[str, t.Any]:
    """What to ask Neutron for; it refuses to be told an address that follows from the port's MAC address."""
    subnet_id = site.subnet_id(network_id, address.subnet)
    is_derived = any(one.id == subnet_id and derives_addresses(one.ipv6_ra_mode, one.ipv6_address_mode) for one in site.subnets)
    subnet = {"subnet_id": subnet_id}
    return {**subnet, "ip_address": address.ip_address} if address.ip_address and not is_derived else subnet


def plan_port(manifest: Manifest, site: RestoreSite, server: ServerSpec, position: int, made: t.Iterable[Port]) -> PortStep:
    spec, mark = server.ports[position], mark_of(manifest, server.source_id)
    description = _port_description(spec, position, mark)
    current = next((port for port in made if _is_port(port, spec, description)), None)
    name = manifest.called(spec.name or f"{server.name}-{position}")
    return PortStep(spec, name, mark, description, current, site.floating_ip_of(current))


def _port_description(spec: PortSpec, position: int, mark: Mark) -> str:
    """The port's mark; if the MAC address is not known in advance, the position distinguishes the ports of a server."""
    return mark.text() if spec.mac_address else f"{mark.text()} {_POSITION_KEY}={position}"


def _is_port(port: Port, spec: PortSpec, description: str) -> bool:
    if spec.mac_address:
        return port.mac_address.lower() == spec.mac_address.lower()
    return port.description == description
