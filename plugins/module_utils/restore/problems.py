# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether a whole restore can succeed at a site, found out before the first change.

:func:`look` asks the site; :func:`problems` and :func:`needs` are pure. What an earlier run of the same
restore already made is not needed again.
"""

from __future__ import annotations

import collections
import dataclasses
import typing as t

from ..cloud.block_storage import BlockStorage
from ..cloud.compute import Compute
from ..cloud.network import Network
from ..cloud.session import Cloud
from ..copies import methods
from ..copies.method import Parts
from ..core.marking import Mark
from ..core.records import Port, Quota, ServerGroup
from ..manifest.addresses import contains
from ..manifest.manifest import Copy, Manifest, PortSpec, ServerGroupSpec, SubnetSpec
from ..work.pool import run_all
from . import site as restore_site
from . import topology as restore_topology
from .server_plan import Action, Resource, ServerStep, Site, VolumeStep, bears_mark_of, flavor_problem, owner_of, plan_servers, plan_volumes, stopped_problems


@dataclasses.dataclass(frozen=True)
class Stock:
    """What a site has and allows.

    :param parts: of copies, per id.
    :param quotas: of the project, per service (``volume``, ``compute``, ``network``) and name.
    :param zones: names of the availability zones that can be used, per service (``volume``, ``compute``).
    """

    site: Site
    routers: tuple[Resource, ...]
    parts: Parts
    volume_types: tuple[str, ...]
    quotas: t.Mapping[str, t.Mapping[str, Quota]]
    zones: t.Mapping[str, tuple[str, ...]]


def look(cloud: Cloud, concurrency: int, copies: t.Iterable[Copy] = ()) -> Stock:
    """See what the project has at the site and may have.

    :param concurrency: how many calls at once.
    :param copies: that are wanted also where they belong to another project, as administrators may use them.
    """
    compute, storage, network = Compute(cloud), BlockStorage(cloud), Network(cloud)
    found = run_all(
        {
            "routers": lambda: network.list("routers"),
            "parts": lambda: methods.look(storage, copies, concurrency),
            "volume types": storage.volume_types,
            "volume": storage.quotas,
            "compute": compute.quotas,
            "network": network.quotas,
            "volume zones": storage.availability_zones,
            "compute zones": compute.availability_zones,
        },
        concurrency,
    )
    return Stock(
        site=restore_site.look(cloud, concurrency),
        routers=tuple(found["routers"]),
        parts=methods.by_id(found["parts"]),
        volume_types=tuple(found["volume types"]),
        quotas={service: found[service] for service in ("volume", "compute", "network")},
        zones={service: tuple(found[f"{service} zones"]) for service in ("volume", "compute")},
    )


@dataclasses.dataclass(frozen=True)
class Need:
    """How much more of a limited resource the restore takes, and what is left of it; None for no limit."""

    resource: str
    needed: int
    left: int | None

    @property
    def fits(self) -> bool:
        return self.left is None or self.needed <= self.left


def needs(manifest: Manifest, stock: Stock) -> list[Need]:
    """What the restore takes of every quota that the site reports."""
    volumes = [step for step in plan_volumes(manifest, stock.site.volumes) if step.action is Action.CREATE]
    servers = [step for step in plan_servers(manifest, stock.site) if step.action is Action.CREATE]
    wanted = {
        "volume": _volume_needs(volumes),
        "compute": _compute_needs(servers, missing(manifest, stock)["server_groups"]),
        "network": _network_needs(manifest, stock, servers),
    }
    return [
        _need(stock.quotas[service][name], amount)
        for service, amounts in wanted.items()
        for name, amount in amounts.items()
        if amount and name in stock.quotas[service]
    ]


def _need(quota: Quota, amount: int) -> Need:
    return Need(quota.name, amount, None if quota.limit < 0 else max(0, quota.limit - quota.in_use))


def _volume_needs(steps: t.Iterable[VolumeStep]) -> dict[str, int]:
    amounts: collections.Counter[str] = collections.Counter()
    for step in steps:
        kinds = ("", f"_{step.spec.volume_type}") if step.spec.volume_type else ("",)
        for kind in kinds:
            amounts[f"volumes{kind}"] += 1
            amounts[f"gigabytes{kind}"] += step.spec.size
        amounts["per_volume_gigabytes"] = max(amounts["per_volume_gigabytes"], step.spec.size)
    return amounts


def _compute_needs(steps: t.Sequence[ServerStep], new_groups: t.Sequence[t.Any]) -> dict[str, int]:
    members = collections.Counter(step.spec.server_group for step in steps if step.spec.server_group)
    amounts = collections.Counter(server_groups=len(new_groups), server_group_members=max(members.values(), default=0))
    for step in steps:
        flavor = step.flavor or step.spec.flavor
        amounts.update(instances=1, cores=flavor.vcpus, ram=flavor.ram)
    return amounts


def _network_needs(manifest: Manifest, stock: Stock, steps: t.Iterable[ServerStep]) -> dict[str, int]:
    """A new network has one more port, for DHCP or metadata, and a router one on each subnet."""
    lacking = missing(manifest, stock)
    groups = {group["name"] for group in stock.site.security_groups}
    routers = {router["name"] for router in stock.routers}
    new_groups = [group for group in lacking["security_groups"] if group["name"] not in groups]
    new_routers = [router for router in lacking["routers"] if router["name"] not in routers]
    ports = [port for step in steps for port in step.ports]
    made = sum(port.current is None for port in ports) + sum(len(router["subnets"]) for router in new_routers)
    return {
        "network": len(lacking["networks"]),
        "subnet": len(lacking["subnets"]),
        "router": len(new_routers),
        "security_group": len(new_groups),
        "security_group_rule": sum(len(group["rules"]) for group in new_groups),
        "port": made + len(lacking["networks"]),
        "floatingip": sum(port.lacks_floating_ip for port in ports),
    }


def missing(manifest: Manifest, stock: Stock) -> dict[str, list[dict[str, t.Any]]]:
    """What of the topology is to be made or completed, per kind."""
    return restore_topology.missing(manifest.description.topology, stock.site, stock.routers)


def problems(manifest: Manifest, stock: Stock) -> list[str]:
    """Everything that would make the restore fail, each with a way out."""
    site = stock.site
    volumes = plan_volumes(manifest, site.volumes)
    servers = plan_servers(manifest, site)
    return [
        *_quota_problems(manifest, stock),
        *_flavor_problems(site, servers),
        *_volume_type_problems(stock, volumes),
        *_zone_problems(stock, volumes, servers),
        *_server_group_problems(manifest, site),
        *methods.unknown_problems(manifest),
        *_copy_problems(stock, volumes),
        *_name_problems(manifest, stock),
        *_subnet_problems(manifest, site),
        *_key_pair_problems(manifest, site),
        *_borrowed_problems(manifest, stock),
        *_external_network_problems(manifest, site),
        *_outside_problems(manifest, servers),
        *_twin_problems(servers),
        *_address_problems(site, servers),
        *stopped_problems(site, servers),
    ]


def doubts(manifest: Manifest, site: Site, project_id: str) -> list[str]:
    """What may make the restore fail, which only the site's policies know."""
    wanted = {
        (port.spec.network, step.spec.name)
        for step in plan_servers(manifest, site)
        for port in step.ports
        if port.current is None and _identity(port.spec)
    }
    return [
        f"Network '{network}' at site '{site.name}' belongs to another project. Sites usually let only its owner choose addresses there, "
        f"as the ports of server '{server}' need; where this one does too, have Neutron choose (policy: new in a mapping)."
        for network, server in sorted(wanted)
        if (site.network(network) or {}).get("project_id", project_id) != project_id
    ]


def _quota_problems(manifest: Manifest, stock: Stock) -> t.Iterator[str]:
    for need in needs(manifest, stock):
        if not need.fits:
            yield (
                f"The quota '{need.resource}' at site '{stock.site.name}' is too small: {need.needed} more needed, "
                f"{need.left} left; raise it, or remove what is not needed there."
            )


def _flavor_problems(site: Site, steps: t.Iterable[ServerStep]) -> t.Iterator[str]:
    return (flavor_problem(site, step.spec) for step in steps if step.builds and step.flavor is None)


def _volume_type_problems(stock: Stock, steps: t.Iterable[VolumeStep]) -> t.Iterator[str]:
    wanted = {step.spec.volume_type for step in steps if _to_be_made(step)}
    for name in sorted(wanted - {"", *stock.volume_types}):
        yield (
            f"Volume type '{name}' does not exist at site '{stock.site.name}'; create it, give the project access to it, "
            "or say in a mapping which one to use."
        )


def _zone_problems(stock: Stock, volumes: t.Iterable[VolumeStep], servers: t.Iterable[ServerStep]) -> t.Iterator[str]:
    wanted = {
        "volume": {step.spec.availability_zone for step in volumes if _to_be_made(step)},
        "compute": {step.spec.availability_zone for step in servers if step.builds},
    }
    for service, what in (("volume", "volumes"), ("compute", "servers")):
        for name in sorted(one for one in wanted[service] - {*stock.zones[service]} if one):
            there = ", ".join(sorted(stock.zones[service])) or "none"
            yield (
                f"Availability zone '{name}' does not exist for {what} at site '{stock.site.name}' ({there}); say in a mapping which one to "
                "use, or null to have the site choose."
            )


def _server_group_problems(manifest: Manifest, site: Site) -> t.Iterator[str]:
    for spec in manifest.description.topology.server_groups:
        group = site.server_group(spec.name)
        if group and (group.policy, group.max_per_host) != (spec.policy, spec.max_per_host):
            yield (
                f"Server group '{spec.name}' exists at site '{site.name}' with the policy {_policy(group)} instead of {_policy(spec)}; remove it, "
                "or name another one in a mapping."
            )


def _policy(group: ServerGroup | ServerGroupSpec) -> str:
    return group.policy + (f" ({group.max_per_host} on a host)" if group.max_per_host else "")


def _to_be_made(step: VolumeStep) -> bool:
    return step.action in (Action.CREATE, Action.REPLACE)


def _copy_problems(stock: Stock, steps: t.Iterable[VolumeStep]) -> t.Iterator[str]:
    for step in filter(_to_be_made, steps):
        for lack in methods.lacks(step.copy, stock.parts):
            yield (
                f"{lack.what}, needed for volume {step.label}, {lack.state} at site '{stock.site.name}'; {lack.remedy}, or choose another "
                "checkpoint."
            )


def _name_problems(manifest: Manifest, stock: Stock) -> t.Iterator[str]:
    """Existing resources of the same names are used, so there must be no doubt which."""
    topology, site = manifest.description.topology, stock.site
    ports = [port for server in manifest.description.servers for port in server.ports]
    # The site's own groups are not in the topology.
    groups = {group.name for group in topology.security_groups}.union(*(port.security_groups for port in ports))
    server_groups = [{"name": group.name} for group in site.server_groups]
    kinds = (
        ("networks", _names(topology.networks), site.networks),
        ("subnets", _names(topology.subnets), site.subnets),
        ("routers", _names(topology.routers), stock.routers),
        ("security groups", sorted(groups), site.security_groups),
        ("server groups", sorted({one.server_group for one in manifest.description.servers if one.server_group}), server_groups),
    )
    for kind, names, there in kinds:
        counts = collections.Counter(one["name"] for one in there)
        for name in names:
            if counts[name] > 1:
                yield (
                    f"{counts[name]} {kind} at site '{site.name}' are called '{name}', so it is not clear "
                    "which one to use; rename or remove the others."
                )


def _names(specs: t.Iterable[t.Any]) -> list[str]:
    return [spec.name for spec in specs]


def _subnet_problems(manifest: Manifest, site: Site) -> t.Iterator[str]:
    for spec in manifest.description.topology.subnets:
        network = site.network(spec.network)
        for subnet in site.subnets:
            if subnet["name"] == spec.name:
                yield from subnet_differences(site, spec, subnet, network)


def subnet_differences(
    site: Site, spec: SubnetSpec, subnet: Resource, network: Resource | None
) -> t.Iterator[str]:
    """Why a subnet that is there cannot stand for the one that is described."""
    way_out = f"rename or remove what is at site '{site.name}', or say in a mapping what to use instead."
    if subnet["cidr"] != spec.cidr:
        yield f"Subnet '{spec.name}' exists with {subnet['cidr']} instead of {spec.cidr}; {way_out}"
    if network is None or subnet["network_id"] != network["id"]:
        yield f"Subnet '{spec.name}' exists on another network than '{spec.network}'; {way_out}"


def _key_pair_problems(manifest: Manifest, site: Site) -> t.Iterator[str]:
    for spec in manifest.description.topology.key_pairs:
        if not same_key(site.key_pairs.get(spec.name, spec.public_key), spec.public_key):
            yield (
                f"Key pair '{spec.name}' exists at site '{site.name}' with another public key; "
                "remove it there, use credentials of another user, or name another one in a mapping."
            )


def _borrowed_problems(manifest: Manifest, stock: Stock) -> t.Iterator[str]:
    """A drill uses nothing that it did not make, whatever its name."""
    if manifest.drill is None:
        return
    topology, site, owner = manifest.description.topology, stock.site, owner_of(manifest)
    kinds = (
        ("Network", topology.networks, _descriptions(site.networks)),
        ("Subnet", topology.subnets, _descriptions(site.subnets)),
        ("Router", topology.routers, _descriptions(stock.routers)),
        ("Security group", topology.security_groups, _descriptions(site.security_groups)),
        ("Key pair", topology.key_pairs, site.key_pairs.items()),
    )
    for kind, specs, there in kinds:
        foreign = {name for name, text in there if not bears_mark_of(owner, text)}
        for name in sorted(foreign & {*_names(specs)}):
            yield f"{kind} '{name}' at site '{site.name}' was not made by drill '{manifest.drill}'; give the drill another id."


def _descriptions(resources: t.Iterable[Resource]) -> list[tuple[str, str | None]]:
    return [(one["name"], one.get("description")) for one in resources]


def same_key(one: str, other: str) -> bool:
    """Whether type and key are the same; the comments are not looked at."""
    return one.split()[:2] == other.split()[:2]


def _external_network_problems(manifest: Manifest, site: Site) -> t.Iterator[str]:
    wanted = {router.external_network for router in manifest.description.topology.routers}
    wanted |= {port.floating_network for server in manifest.description.servers for port in server.ports}
    for name in sorted(one for one in wanted if one):
        network = site.network(name)
        if network is None or not network["router:external"]:
            yield (
                f"Site '{site.name}' has no external network called '{name}' for routers and floating addresses; "
                "have its operator provide one, or say in a mapping which one to use."
            )


def _outside_problems(manifest: Manifest, steps: t.Iterable[ServerStep]) -> t.Iterator[str]:
    """Addresses that their subnets do not have."""
    ranges = {spec.name: spec.cidr for spec in manifest.description.topology.subnets}
    for step in steps:
        for port in step.ports:
            for ip in port.spec.fixed_ips if port.current is None else ():
                if ip.ip_address and ip.subnet in ranges and not contains(ranges[ip.subnet], ip.ip_address):
                    yield (
                        f"Server '{step.spec.name}' cannot have {ip.ip_address}, which is not among the addresses of subnet "
                        f"'{ip.subnet}' ({ranges[ip.subnet]}); in a mapping, let it move along (policy: remap) or "
                        "have Neutron choose another one (policy: new)."
                    )


def _twin_problems(steps: t.Iterable[ServerStep]) -> t.Iterator[str]:
    """Ports of the application that want the same on one network."""
    wanted: dict[tuple[str, str], list[str]] = collections.defaultdict(list)
    for step in steps:
        for port in step.ports:
            for one in _identity(port.spec):
                wanted[port.spec.network, one].append(step.spec.name)
    for (network, one), servers in wanted.items():
        if len(servers) > 1:
            owners = " and ".join(f"'{name}'" for name in servers)
            yield (
                f"{one} on network '{network}' is wanted by {len(servers)} ports (of {owners}); give them networks or subnets "
                "of their own in a mapping, or have Neutron choose for all but one (policy: new)."
            )


def _identity(spec: PortSpec) -> list[str]:
    """What only one port of a network can have."""
    return [one for one in (spec.mac_address.lower(), *(ip.ip_address for ip in spec.fixed_ips)) if one]


def _address_problems(site: Site, steps: t.Iterable[ServerStep]) -> t.Iterator[str]:
    for step in steps:
        for port in step.ports:
            network = site.network(port.spec.network)
            if network is not None and port.current is None:
                others = [other for other in site.ports if other.network_id == network["id"]]
                yield from _clashes(site, step, port.spec, others)


def _clashes(site: Site, step: ServerStep, spec: PortSpec, others: t.Iterable[Port]) -> t.Iterator[str]:
    addresses = {ip.ip_address for ip in spec.fixed_ips if ip.ip_address}
    for other in others:
        taken = sorted(addresses & {ip.ip_address for ip in other.fixed_ips})
        if other.mac_address.lower() == spec.mac_address.lower():
            taken.append(spec.mac_address)
        if taken:
            yield (
                f"{' and '.join(taken)} of server '{step.spec.name}' on network '{spec.network}' at site '{site.name}' "
                f"{'is' if len(taken) == 1 else 'are'} in use by {_holder(site, other)}; remove that first."
            )


def _holder(site: Site, port: Port) -> str:
    server = next((one for one in site.servers if one.id == port.device_id), None)
    holder = f"port {port.id}" + (f" of server {server.label}" if server else "")
    mark = Mark.of_text(port.description)
    return f"{holder}, from a restore of checkpoint '{mark.checkpoint}'" if mark else holder
