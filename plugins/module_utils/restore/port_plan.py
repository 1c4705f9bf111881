# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Plan what a restore does about ports: of servers, and those on none. Pure."""

from __future__ import annotations

import dataclasses
import ipaddress
import typing as t

from ..core.marking import PLACE_KEY, Mark
from ..core.records import FloatingIp, Network, Port
from ..manifest.manifest import Manifest
from ..manifest.specs import FloatingSpec, PortSpec, ServerSpec
from .marks import by_mark, made_with, mark_of
from .service_types import OF_SERVERS, owner_of_port
from .site import RestoreSite
from .trunk_plan import TrunkStep, plan_trunk
from .wishes import TRUNK, Wishes, floating_wishes, has_groups, lacks_tags, port_wishes


@dataclasses.dataclass(frozen=True)
class FloatingStep:
    """What is to be done about one floating address of a port.

    :param behind: the fixed address to which it leads; None while it is not known, or where the port has none.
    :param current: the floating address, where it is there.
    """

    spec: FloatingSpec
    mark: Mark
    behind: str | None
    current: FloatingIp | None
    lacks_tags: bool

    @property
    def changes(self) -> bool:
        return self.current is None or self.lacks_tags

    def body(self, site: RestoreSite, port: Port) -> dict[str, t.Any]:
        """Parameters for allocating it in Neutron; the external network must exist."""
        network = t.cast(Network, site.external_network(self.spec.network))
        body = {"floating_network_id": network.id, "port_id": port.id, "description": self.mark.beside(self.spec.description)}
        return {**body, "fixed_ip_address": self.behind} if self.behind else body

    @property
    def made(self) -> FloatingIp | None:
        """The floating address, where the restore made it."""
        return made_with(self.mark, self.current)

    def wishes(self, site: RestoreSite) -> Wishes:
        return floating_wishes(site, self.spec, self.mark, self.made)


@dataclasses.dataclass(frozen=True)
class PortStep:
    """What is to be done about one port.

    :param label: what has it, for messages; ``title`` says which port of that it is.
    :param place: among the ports of its server, in the form that its description has; None for one on no server.
    :param current: the port, where it is there.
    :param trunk: of which it is the parent; None where it is of none.
    """

    spec: PortSpec
    name: str
    label: str
    title: str
    mark: Mark
    place: str | None
    current: Port | None
    floating: tuple[FloatingStep, ...]
    lacks_tags: bool
    trunk: TrunkStep | None = None

    @property
    def description(self) -> str:
        """By which the port is known again, at once and for as long as it is there."""
        return self.mark.beside(self.spec.description, *filter(None, (self.place,)))

    @property
    def floating_ip(self) -> FloatingIp | None:
        """The first of its floating addresses that is there."""
        return next((step.current for step in self.floating if step.current), None)

    @property
    def lacks_floating_ip(self) -> bool:
        return any(step.current is None for step in self.floating)

    @property
    def changes(self) -> bool:
        trunk_changes = self.trunk is not None and self.trunk.changes
        return self.current is None or self.is_to_release or self.lacks_tags or trunk_changes or any(step.changes for step in self.floating)

    @property
    def is_to_release(self) -> bool:
        """Whether a port on no server still says that one has it, which it needed for its addresses."""
        return self.place is None and self.made is not None and self.made.device_owner.startswith(OF_SERVERS) and not self.made.device_id

    def body(self, site: RestoreSite) -> dict[str, t.Any]:
        """Parameters for creating the port in Neutron; all names must exist."""
        network, owner = t.cast(Network, site.network(self.spec.network)), owner_of_port(site, self.spec)
        return {
            "name": self.name,
            "description": self.description,
            "network_id": network.id,
            **({"device_owner": owner} if owner else {}),
            # In these, where nobody may say more.
            "fixed_ips": [{"subnet_id": site.subnet_id(network.id, ip.subnet)} for ip in self.spec.fixed_ips],
            "security_group_ids": [site.security_group_id(name) for name in self.spec.security_groups if has_groups(self.spec, network)],
        }

    @property
    def made(self) -> Port | None:
        """The port, where the restore made it."""
        return made_with(self.mark, self.current)

    def wishes(self, site: RestoreSite) -> Wishes:
        return port_wishes(site, self.spec, self.mark, self.made, self.place)

    def at(self, site: RestoreSite, port: Port) -> PortStep:
        """The step once the port is there: the site may have chosen addresses."""
        return dataclasses.replace(self, current=port, floating=_floating_steps(site, self.spec, self.mark, port))


def plan_port(manifest: Manifest, site: RestoreSite, server: ServerSpec, position: int, made: t.Iterable[Port]) -> PortStep:
    """Plan one port of a server.

    :param made: ports with the mark of the server.
    """
    spec, mark = server.ports[position], mark_of(manifest, server.source_id)
    network = site.network(spec.network)
    # Neutron tells MAC addresses apart on one network only.
    there = [port for port in made if network and port.network_id == network.id]
    current = _port_at(there, spec, position)
    name = manifest.called(spec.name) if spec.name else ""
    owner, which = f"server '{server.name}'", f"port {spec.mac_address}" if spec.mac_address else "port"
    title = f"{which} of {owner} on network '{spec.network}'"
    step = _step(site, spec, _Named(name, owner, title, mark, _place(position)), current)
    trunk = next((one for one in manifest.description.topology.trunks if one.port == spec.source_id), None)
    if trunk is None or TRUNK not in site.extensions:
        return step
    subports = {one.spec.source_id: one.current.id for one in plan_ports(manifest, site) if one.current}
    return dataclasses.replace(step, trunk=plan_trunk(manifest, site, trunk, step.current, subports))


def plan_ports(manifest: Manifest, site: RestoreSite) -> list[PortStep]:
    """Plan the ports that are on no server."""
    specs = manifest.description.topology.ports
    made = by_mark(site.ports if specs else (), lambda port: Mark.of_text(port.description))
    return [_plan_lone_port(manifest, site, spec, made) for spec in specs]


def _plan_lone_port(manifest: Manifest, site: RestoreSite, spec: PortSpec, made: t.Mapping[Mark | None, list[Port]]) -> PortStep:
    mark = mark_of(manifest, spec.source_id)
    current = next(iter(made[mark]), None) or _same_port(site, spec)
    label, name = f"port '{spec.name or spec.source_id}'", manifest.called(spec.name) if spec.name else ""
    named = _Named(name, label, f"{label} ({spec.mac_address or 'on no server'})", mark)
    return _step(site, spec, named, current, is_ours=bool(made[mark]))


def _same_port(site: RestoreSite, spec: PortSpec) -> Port | None:
    """A port with the same addresses that nothing has, such as that of the application itself, where it once ran: it is used as it is."""
    network, wanted = site.network(spec.network), {ip.ip_address for ip in spec.fixed_ips}
    for port in site.ports:
        is_free = not port.device_owner.startswith(("compute:", "network:")) and (not port.device_id or port.device_owner == "trunk:subport")
        same_mac = port.mac_address.lower() == spec.mac_address.lower()
        if network and port.network_id == network.id and is_free and same_mac and {ip.ip_address for ip in port.fixed_ips} == wanted:
            return port
    return None


# Any port


@dataclasses.dataclass(frozen=True)
class _Named:
    """What identifies a port: at the site, in messages, and in a later run."""

    name: str
    label: str
    title: str
    mark: Mark
    place: str | None = None


def _step(site: RestoreSite, spec: PortSpec, named: _Named, current: Port | None, is_ours: bool = True) -> PortStep:
    """Plan what is done about one port.

    :param is_ours: whether the restore made the port, where it is there.
    """
    mark = named.mark
    lacking = (is_ours or current is None) and lacks_tags(site, mark, spec.tags, current.tags if current else ())
    floating = _floating_steps(site, spec, mark, current)
    return PortStep(spec, named.name, named.label, named.title, mark, named.place, current, floating, lacking)


def _floating_steps(site: RestoreSite, spec: PortSpec, mark: Mark, port: Port | None) -> tuple[FloatingStep, ...]:
    there = site.floating_ips_of(port)
    steps = []
    for one in spec.floating_ips:
        behind = address_at(site, spec, one.place, port)
        current = _floating_at(site, one, behind, there)
        if current:
            there.remove(current)
        is_ours = current is None or made_with(mark, current) is not None
        steps.append(FloatingStep(one, mark, behind, current, is_ours and lacks_tags(site, mark, one.tags, current.tags if current else ())))
    return tuple(steps)


def _floating_at(site: RestoreSite, spec: FloatingSpec, behind: str | None, there: t.Sequence[FloatingIp]) -> FloatingIp | None:
    """One that leads to the same address: of the same external network, or else whichever somebody gave it."""
    network = site.external_network(spec.network)
    leading = [one for one in there if behind is None or one.fixed_ip_address in (None, behind)]
    return min(leading, key=lambda one: network is None or one.network_id != network.id, default=None)


def address_at(site: RestoreSite, spec: PortSpec, place: int | None, port: Port | None) -> str | None:
    """One of a port's fixed addresses, of which Neutron lists several in an order of its own, and may have chosen some, also instead of others.

    :param place: of the address in the specification; None for the first one of IPv4.
    :returns: None where the port is not there.
    """
    if port is None:
        return None
    taken: list[str] = []
    named = {one.ip_address for one in spec.fixed_ips}
    for number, wanted in enumerate(spec.fixed_ips):
        subnet_id = site.subnet_id(port.network_id, wanted.subnet)
        left = [ip.ip_address for ip in port.fixed_ips if ip.subnet_id == subnet_id and ip.ip_address not in taken]
        chosen = (one for one in left if one not in named)
        found = wanted.ip_address if wanted.ip_address in left else next(chosen, None)
        taken += [found] if found else []
        if found and (number == place or (place is None and _is_ipv4(found))):
            return found
    return None


def _is_ipv4(address: str) -> bool:
    return ipaddress.ip_address(address).version == 4


def _place(position: int) -> str:
    """What distinguishes the ports of a server: the MAC address may be the site's choice."""
    return f"{PLACE_KEY}={position}"


def _port_at(made: t.Sequence[Port], spec: PortSpec, position: int) -> Port | None:
    """The port of a server that stands for one of its ports at the source: with its MAC address, or else with its place."""
    same = (port for port in made if port.mac_address.lower() == spec.mac_address.lower())
    placed = (port for port in made if _place(position) in port.description.split())
    return next(same, None) or next(placed, None)
