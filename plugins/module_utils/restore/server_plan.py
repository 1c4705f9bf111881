# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a restore has to do: pure functions of the manifest and of what the site has.

The same plan is shown in check mode and diff, and carried out. What an earlier run of the same restore
made is known by its marks (:mod:`marking`), so a plan made again contains only what is still to be done.
"""

from __future__ import annotations

import collections
import dataclasses
import enum
import ipaddress
import re
import typing as t

from ..core.marking import Mark
from ..core.records import Flavor, NamedFlavor, Port, Server, ServerGroup, Volume
from ..manifest import user_data
from ..manifest.manifest import AddressSpec, Copy, Manifest, PortSpec, ServerSpec, VolumeSpec

Resource = t.Mapping[str, t.Any]

#: In the description of a port: which of its server's it is, counted from 0.
_POSITION_KEY = "osdr_port"
_LONGEST_HOSTNAME = 63


class Action(enum.Enum):
    """What a restore does about one volume or server."""

    #: It is there.
    KEEP = "keep"
    #: It is being made.
    WAIT = "wait"
    CREATE = "create"
    #: It is there, but broken: delete it first.
    REPLACE = "replace"


@dataclasses.dataclass(frozen=True)
class Site:
    """What a site has that servers are restored from and into.

    :param key_pairs: public key per name.
    """

    name: str
    servers: tuple[Server, ...]
    volumes: tuple[Volume, ...]
    ports: tuple[Port, ...]
    floating_ips: tuple[Resource, ...]
    networks: tuple[Resource, ...]
    subnets: tuple[Resource, ...]
    security_groups: tuple[Resource, ...]
    flavors: tuple[Flavor, ...]
    key_pairs: t.Mapping[str, str]
    server_groups: tuple[ServerGroup, ...] = ()

    def server_group(self, name: str | None) -> ServerGroup | None:
        return next((group for group in self.server_groups if group.name == name), None)

    def network(self, name: str) -> Resource | None:
        return next((network for network in self.networks if network["name"] == name), None)

    def subnet_id(self, network_id: str, name: str) -> str | None:
        matches = (one["id"] for one in self.subnets if one["name"] == name and one["network_id"] == network_id)
        return next(matches, None)

    def security_group_id(self, name: str) -> str | None:
        return next((group["id"] for group in self.security_groups if group["name"] == name), None)

    def floating_ip_of(self, port: Port | None) -> Resource | None:
        return next((one for one in self.floating_ips if port and one["port_id"] == port.id), None)


def owner_of(manifest: Manifest) -> Mark:
    """The restore, or the drill, that makes things of a manifest."""
    return Mark(manifest.application.name, manifest.checkpoint.id, drill=manifest.drill)


def mark_of(manifest: Manifest, source: str) -> Mark:
    return dataclasses.replace(owner_of(manifest), source=source)


def _belongs(mark: Mark | None, owner: Mark) -> bool:
    return mark is not None and mark.is_of(owner)


def bears_mark_of(owner: Mark, text: str | None) -> bool:
    """Whether a description or a public key is that of something that a restore or drill made."""
    return _belongs(Mark.of_text(text), owner)


def is_made_by(owner: Mark, resource: Resource) -> bool:
    """The same of a resource of Neutron."""
    return bears_mark_of(owner, resource.get("description"))


# Volumes

_READY = ("available", "reserved", "attaching", "in-use", "detaching")
#: How a restore or the removal of a volume fails. Volumes fail in other ways too, once they have other data.
_FAILED = ("error", "error_restoring", "error_deleting")
#: Where several volumes have the same mark: the most useful first.
_PREFERENCE = (Action.KEEP, Action.WAIT, Action.REPLACE)


@dataclasses.dataclass(frozen=True)
class VolumeStep:
    """What is to be done about one volume of the application.

    :param name: never empty: Cinder would take name and description from the backup, and the mark would be lost.
    """

    server: str
    spec: VolumeSpec
    name: str
    copy: Copy
    mark: Mark
    action: Action
    current: Volume | None

    @property
    def label(self) -> str:
        return f"'{self.name}' of server '{self.server}'"

    def body(self) -> dict[str, t.Any]:
        """As Cinder's volume creation wants it, but for the backup's id."""
        body = {
            "name": self.name,
            "description": self.mark.text(),
            "size": self.spec.size,
            "metadata": {**self.spec.metadata, **self.mark.metadata()},
        }
        optional = {"volume_type": self.spec.volume_type, "availability_zone": self.spec.availability_zone}
        return {**body, **{key: value for key, value in optional.items() if value}}

    def lacks_marks(self, volume: Volume) -> bool:
        """Restoring a backup replaces the metadata by what the source had."""
        return not self.mark.metadata().items() <= volume.metadata.items()

    def lacks_bootable(self, volume: Volume) -> bool:
        return self.spec.bootable and not volume.bootable

    @property
    def changes(self) -> bool:
        if self.action is Action.KEEP and self.current:
            return self.lacks_marks(self.current) or self.lacks_bootable(self.current)
        return True


def is_restored_elsewhere(mark: Mark, volumes: t.Iterable[Volume]) -> bool:
    """Whether a drill, or another one, or the restore itself has a volume of the same copy."""
    others = (Mark.of_text(volume.description) for volume in volumes)
    return any(other is not None and other != mark and dataclasses.replace(other, drill=mark.drill) == mark for other in others)


def made_volumes(owner: Mark, volumes: t.Iterable[Volume]) -> list[Volume]:
    """All volumes that a restore or drill made."""
    return [volume for volume in volumes if bears_mark_of(owner, volume.description)]


def plan_volumes(manifest: Manifest, volumes: t.Iterable[Volume]) -> list[VolumeStep]:
    """One step per volume of the application.

    :param volumes: all of the project at the site.
    """
    made = _by_mark((volume for volume in volumes if volume.status != "deleting"), lambda volume: Mark.of_text(volume.description))
    steps = []
    for server in manifest.description.servers:
        for spec in server.volumes:
            mark = mark_of(manifest, spec.source_id)
            current = _best(made[mark])
            action = _volume_action(current) if current else Action.CREATE
            name = manifest.called(spec.name or f"{server.name}-{spec.device.rsplit('/', 1)[-1]}")
            steps.append(VolumeStep(server.name, spec, name, manifest.copy_of(spec), mark, action, current))
    return steps


Marked = t.TypeVar("Marked")


def _by_mark(found: t.Iterable[Marked], read: t.Callable[[Marked], Mark | None]) -> t.Mapping[Mark | None, list[Marked]]:
    """Read each mark once: there may be as many things as there are marks to look for."""
    marked: dict[Mark | None, list[Marked]] = collections.defaultdict(list)
    for one in found:
        marked[read(one)].append(one)
    return marked


def _best(volumes: t.Sequence[Volume]) -> Volume | None:
    return min(volumes, key=lambda volume: _PREFERENCE.index(_volume_action(volume)), default=None)


def _volume_action(volume: Volume) -> Action:
    if volume.status in _READY:
        return Action.KEEP
    return Action.REPLACE if volume.status in _FAILED else Action.WAIT


# Servers


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
    floating_ip: Resource | None

    @property
    def lacks_tags(self) -> bool:
        return self.current is None or not set(self.mark.tags()) <= set(self.current.tags)

    @property
    def lacks_floating_ip(self) -> bool:
        return self.spec.floating_network is not None and self.floating_ip is None

    @property
    def lacks_floating_tags(self) -> bool:
        """Only of an address that a restore made; another one that somebody gave the port is left alone."""
        mine = self.floating_ip is not None and Mark.of_text(self.floating_ip["description"]) == self.mark
        return mine and not set(self.mark.tags()) <= set(self.floating_ip["tags"])

    @property
    def changes(self) -> bool:
        return self.lacks_tags or self.lacks_floating_ip or self.lacks_floating_tags

    def body(self, site: Site) -> dict[str, t.Any]:
        """As Neutron's port creation wants it; all names are known to be there."""
        network_id = t.cast(Resource, site.network(self.spec.network))["id"]
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
        if self.spec.allowed_address_pairs:
            body["allowed_address_pairs"] = [dict(pair) for pair in self.spec.allowed_address_pairs]
        return body

    def floating_ip_body(self, site: Site, port: Port) -> dict[str, t.Any]:
        """As Neutron's allocation of a floating address wants it; the external network is known to be there.

        :param port: as it is by now: the site may have chosen addresses.
        """
        network = t.cast(Resource, site.network(t.cast(str, self.spec.floating_network)))
        body = {"floating_network_id": network["id"], "port_id": port.id, "description": self.mark.text()}
        behind = next(self._addresses_in_order(site, port), None)
        return {**body, "fixed_ip_address": behind} if behind else body

    def _addresses_in_order(self, site: Site, port: Port) -> t.Iterator[str]:
        """The IPv4 addresses of a port, in the order in which the application has them; Neutron lists them in another one."""
        for wanted in self.spec.fixed_ips:
            subnet_id = site.subnet_id(port.network_id, wanted.subnet)
            for ip in port.fixed_ips:
                if ip.subnet_id == subnet_id and wanted.ip_address in ("", ip.ip_address) and _is_ipv4(ip.ip_address):
                    yield ip.ip_address


def _is_ipv4(address: str) -> bool:
    return ipaddress.ip_address(address).version == 4


def _fixed_ip(site: Site, network_id: str, address: AddressSpec) -> dict[str, t.Any]:
    subnet = {"subnet_id": site.subnet_id(network_id, address.subnet)}
    return {**subnet, "ip_address": address.ip_address} if address.ip_address else subnet


@dataclasses.dataclass(frozen=True)
class ServerStep:
    """What is to be done about one server.

    :param name: at the site.
    :param volumes: the restored volumes in the order of the devices; None for one that is not there.
    :param flavor: the site's flavor; None when none fits.
    :param key_name: None when the source has none, or the site has no key pair of that name.
    :param group: the site's server group; None when the source has none, or it is not there.
    """

    spec: ServerSpec
    name: str
    mark: Mark
    action: Action
    current: Server | None
    ports: tuple[PortStep, ...]
    volumes: tuple[Volume | None, ...]
    flavor: Flavor | None
    key_name: str | None
    group: ServerGroup | None = None

    @property
    def builds(self) -> bool:
        return self.action in (Action.CREATE, Action.REPLACE)

    @property
    def address(self) -> str | None:
        """Where it can be reached: at its floating address, or else at its first fixed one."""
        floating = [port.floating_ip["floating_ip_address"] for port in self.ports if port.floating_ip]
        fixed = [ip.ip_address for port in self.ports if port.current for ip in port.current.fixed_ips]
        return next(iter((*floating, *fixed)), None)

    @property
    def changes(self) -> bool:
        flags = self.current is not None and bool(self.wrong_flags(self.current))
        return self.action is not Action.KEEP or flags or any(port.changes for port in self.ports)

    def wrong_flags(self, server: Server) -> dict[str, bool]:
        """Per volume id, whether it shall be deleted with the server, where that is not so yet.

        A server is created with all its volumes kept: one that fails to build must not take restored data with it.
        """
        attached = dict(server.volumes)
        wanted = {
            volume.id: spec.delete_on_termination
            for spec, volume in zip(self.spec.volumes, self.volumes, strict=True)
            if volume
        }
        return {one: flag for one, flag in wanted.items() if one in attached and attached[one] != flag}

    def body(self, port_ids: t.Sequence[str]) -> dict[str, t.Any]:
        """As Nova's server creation wants it; flavor and volumes are known to be there."""
        body = {
            "name": self.name,
            "flavor_id": t.cast(Flavor, self.flavor).id,
            "networks": [{"port": port_id} for port_id in port_ids] or "none",
            "block_device_mapping": [
                {
                    "boot_index": 0 if position == 0 else -1,
                    "uuid": t.cast(Volume, volume).id,
                    "source_type": "volume",
                    "destination_type": "volume",
                    "delete_on_termination": False,
                }
                for position, volume in enumerate(self.volumes)
            ],
            "config_drive": self.spec.config_drive,
            "metadata": {**self.spec.metadata, **self.mark.metadata()},
        }
        optional = {
            "key_name": self.key_name,
            "description": self.spec.description,
            "tags": list(self.spec.tags),
            "user_data": user_data.content(self.spec.user_data or ""),
            "availability_zone": self.spec.availability_zone,
            "scheduler_hints": self.group and {"group": self.group.id},
            # Nova makes it of the name; the guest's own must be that of the source whatever the server is called.
            "hostname": _hostname(self.spec.name) if self.name != self.spec.name else None,
        }
        return {**body, **{key: value for key, value in optional.items() if value}}


def _hostname(name: str) -> str:
    """As Nova makes one of a server's name."""
    plain = re.sub(r"[^a-z0-9-]", "", re.sub(r"[ _.]", "-", name.lower()))
    return plain.strip("-")[:_LONGEST_HOSTNAME]


def plan_servers(manifest: Manifest, site: Site) -> list[ServerStep]:
    """One step per server of the application, in boot order."""
    restored = {step.spec.source_id: step.current for step in plan_volumes(manifest, site.volumes)}
    order = {tier.name: position for position, tier in enumerate(manifest.application.tiers)}
    servers = sorted(manifest.description.servers, key=lambda server: order[server.tier])
    made = _by_mark(site.servers, lambda server: Mark.of_metadata(server.metadata))
    ports = _by_mark(site.ports, lambda port: Mark.of_text(port.description))
    steps = []
    for spec in servers:
        mark = mark_of(manifest, spec.source_id)
        steps.append(_server_step(manifest, site, spec, made[mark], ports[mark], restored))
    return steps


def _server_step(
    manifest: Manifest, site: Site, spec: ServerSpec, made: t.Sequence[Server], made_ports: t.Sequence[Port], restored: t.Mapping[str, Volume | None]
) -> ServerStep:
    current = next(iter(made), None)
    action = _server_action(current)
    ports = [_port_step(manifest, site, spec, position, made_ports) for position in range(len(spec.ports))]
    if action in (Action.KEEP, Action.WAIT):
        # A port that somebody took away from a running server is not made again behind his back.
        ports = [port for port in ports if port.current]
    return ServerStep(
        spec=spec,
        name=manifest.called(spec.name),
        mark=mark_of(manifest, spec.source_id),
        action=action,
        current=current,
        ports=tuple(ports),
        volumes=tuple(restored[volume.source_id] for volume in spec.volumes),
        flavor=choose_flavor(spec.flavor, site.flavors),
        key_name=spec.key_name if spec.key_name in site.key_pairs else None,
        group=site.server_group(spec.server_group),
    )


def _server_action(server: Server | None) -> Action:
    if server is None:
        return Action.CREATE
    return {"ERROR": Action.REPLACE, "BUILD": Action.WAIT}.get(server.status, Action.KEEP)


def _port_step(manifest: Manifest, site: Site, server: ServerSpec, position: int, made: t.Iterable[Port]) -> PortStep:
    spec, mark = server.ports[position], mark_of(manifest, server.source_id)
    description = _port_description(spec, position, mark)
    current = next((port for port in made if _is_port(port, spec, description)), None)
    name = manifest.called(spec.name or f"{server.name}-{position}")
    return PortStep(spec, name, mark, description, current, site.floating_ip_of(current))


def _port_description(spec: PortSpec, position: int, mark: Mark) -> str:
    """Where the MAC address is not known before, the position tells the ports of a server apart."""
    return mark.text() if spec.mac_address else f"{mark.text()} {_POSITION_KEY}={position}"


def _is_port(port: Port, spec: PortSpec, description: str) -> bool:
    if spec.mac_address:
        return port.mac_address.lower() == spec.mac_address.lower()
    return port.description == description


def choose_flavor(wanted: Flavor, flavors: t.Iterable[Flavor]) -> Flavor | None:
    """The flavor of the same name where it is large enough, or else the smallest that is; just the one that a mapping names."""
    if isinstance(wanted, NamedFlavor):
        return next((flavor for flavor in flavors if flavor.name == wanted.name), None)

    def size(flavor: Flavor) -> tuple[int, ...]:
        # Not the disk: all servers boot from volumes.
        return flavor.vcpus, flavor.ram, flavor.ephemeral, flavor.swap

    fitting = [one for one in flavors if all(a >= b for a, b in zip(size(one), size(wanted), strict=True))]
    return min(fitting, key=lambda one: (one.name != wanted.name, size(one), one.disk), default=None)


@dataclasses.dataclass(frozen=True)
class Made:
    """Servers and what leads to them that a restore or drill made."""

    servers: tuple[Server, ...]
    floating_ips: tuple[Resource, ...]
    ports: tuple[Port, ...]

    @classmethod
    def of(cls, owner: Mark, site: Site) -> Made:
        return cls(
            servers=tuple(one for one in site.servers if _belongs(Mark.of_metadata(one.metadata), owner)),
            floating_ips=tuple(one for one in site.floating_ips if is_made_by(owner, one)),
            ports=tuple(one for one in site.ports if bears_mark_of(owner, one.description)),
        )

    @property
    def anything(self) -> bool:
        return bool(self.servers or self.floating_ips or self.ports)


def server_problems(site: Site, steps: t.Sequence[ServerStep], volumes_awaited: bool = False) -> t.Iterator[str]:
    """Why the steps cannot be carried out: what should have been there before.

    :param volumes_awaited: whether volumes may be still to come.
    """
    yield from stopped_problems(site, steps)
    for step in steps:
        if step.builds:
            yield from _build_problems(site, step, f"Server '{step.spec.name}'")
            yield from _volume_problems(step, volumes_awaited)


def stopped_problems(site: Site, steps: t.Iterable[ServerStep]) -> t.Iterator[str]:
    """Servers that an earlier run restored, and somebody has stopped, paused or the like since then."""
    for step in steps:
        server = step.current
        if step.action is Action.KEEP and server and server.status != "ACTIVE":
            yield (
                f"Server '{server.name}' was restored at site '{site.name}' before ({server.id}) but is {server.status} "
                "now; start it, or remove what was restored (state: absent) and restore again."
            )


_NEEDS = "create it first, with this name (the role dr_restore does)."


def _build_problems(site: Site, step: ServerStep, label: str) -> t.Iterator[str]:
    if step.flavor is None:
        yield flavor_problem(site, step.spec)
    if step.spec.server_group and step.group is None:
        yield f"{label} needs server group '{step.spec.server_group}', which is not there; {_NEEDS}"
    for port in step.ports:
        yield from _port_problems(site, port, label)


def _volume_problems(step: ServerStep, awaited: bool) -> t.Iterator[str]:
    for spec, volume in zip(step.spec.volumes, step.volumes, strict=True):
        attached = volume is not None and any(
            step.current is None or one.server_id != step.current.id for one in volume.attachments
        )
        missing = volume is None or volume.status not in _READY
        if attached or (missing and not awaited):
            state = f"is {volume.status}" if volume else "is not there"
            yield (
                f"Volume '{spec.name or spec.device}' of server '{step.spec.name}' {state}; "
                "restore the volumes first (os_restore_volumes)."
            )


def _port_problems(site: Site, port: PortStep, label: str) -> t.Iterator[str]:
    network = site.network(port.spec.network)
    if network is None:
        yield f"{label} needs network '{port.spec.network}', which is not there; {_NEEDS}"
        return
    for ip in port.spec.fixed_ips:
        if site.subnet_id(network["id"], ip.subnet) is None:
            yield f"{label} needs subnet '{ip.subnet}' on network '{port.spec.network}', which is not there; {_NEEDS}"
    for group in port.spec.security_groups:
        if site.security_group_id(group) is None:
            yield f"{label} needs security group '{group}', which is not there; {_NEEDS}"
    if port.lacks_floating_ip and site.network(t.cast(str, port.spec.floating_network)) is None:
        yield f"{label} needs the external network '{port.spec.floating_network}', which is not there."


def flavor_problem(site: Site, server: ServerSpec) -> str:
    flavor = server.flavor
    if isinstance(flavor, NamedFlavor):
        return (
            f"The mapping names flavor '{flavor.name}' for server '{server.name}', but site '{site.name}' has none of that name; "
            "correct the mapping, or give the project access to it."
        )
    return (
        f"Server '{server.name}' needs flavor '{flavor.name}' ({flavor.vcpus} VCPUs, {flavor.ram} MiB of memory), but site "
        f"'{site.name}' has no flavor of that name or at least that size; create one, or give the project access to one."
    )
