# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Problems that prevent a restore at a site, each with what to do. Pure.

What an earlier run of the same restore already made is not needed again.
"""

from __future__ import annotations

import collections
import typing as t

from ..copies import methods
from ..core.marking import Mark
from ..core.records import AddressGroup, NamedFlavor, Network, Port, Router, SecurityGroup, ServerGroup, Subnet
from ..manifest.addresses import contains
from ..manifest.manifest import Manifest
from ..manifest.missing import warning
from ..manifest.specs import ServerGroupSpec, ServerSpec, Topology
from .losses import losses
from .marks import bears_mark_of, owner_of
from .needs import Need
from .networks_of_others import doubts_of_others, identity, problems_of_others
from .nova_features import Feature
from .plan import RestorePlan
from .port_plan import PortStep
from .root_disks import root_disk_problems
from .server_plan import ServerStep, why_no_flavor
from .site import RestoreSite
from .stock import Stock
from .topology import (
    address_group_problems,
    same_key,
    sharing_doubts,
    sharing_problems,
    subnet_differences,
)
from .volume_plan import READY, Action, VolumeStep

#: Kinds of which others may have some that the project cannot rename.
_MEANT_BY_ID = ("networks", "subnets", "external networks")


def problems(plan: RestorePlan, stock: Stock, needs: t.Iterable[Need]) -> list[str]:
    """Everything that would make the restore fail, each with what to do."""
    site, manifest = plan.site, plan.manifest
    return [
        *_quota_problems(site, needs),
        *_flavor_problems(site, plan.servers),
        *_volume_type_problems(stock, plan.volumes),
        *_zone_problems(stock, plan.volumes, plan.servers),
        *_server_group_problems(manifest, site),
        *methods.unknown_problems(manifest),
        *_copy_problems(stock, plan.volumes),
        *root_disk_problems(stock, plan.servers),
        *_name_problems(manifest, site),
        *_subnet_problems(manifest, site),
        *sharing_problems(site, plan.lacking),
        *problems_of_others(plan),
        *address_group_problems(manifest.description.topology, site, owner_of(manifest)),
        *_key_pair_problems(manifest, site),
        *_borrowed_problems(manifest, site),
        *_external_network_problems(manifest, site),
        *_outside_problems(manifest, plan.all_ports),
        *_twin_problems(plan.all_ports),
        *_address_problems(site, plan.all_ports),
        *stopped_problems(site, plan.servers),
    ]


def doubts(plan: RestorePlan) -> list[str]:
    """What may make the restore fail, or be missing afterwards, depending on the owners of other projects' networks."""
    site = plan.site
    off = sorted(server.name for server in plan.manifest.description.servers if server.is_off)
    stays_off = [f"These servers did not run at the checkpoint and are off after the restore, without their checks: {', '.join(off)}."] if off else []
    topology = plan.manifest.description.topology
    missing = warning(plan.manifest.description.missing)
    return [
        *doubts_of_others(plan),
        *sharing_doubts(topology, site),
        *losses(plan),
        *_age_doubts(plan),
        *_hostname_doubts(plan),
        *stays_off,
        *([missing] if missing else []),
    ]


def _age_doubts(plan: RestorePlan) -> t.Iterator[str]:
    """What the site's Nova is too old for, told once."""
    site = plan.site
    lost: dict[Feature, list[str]] = collections.defaultdict(list)
    for step in plan.servers:
        for feature in step.lost:
            lost[feature].append(step.spec.name)
    if lost:
        told = "; ".join(f"{feature} of {', '.join(sorted(names))}" for feature, names in lost.items())
        yield f"Nova at site '{site.name}' offers its API in version {site.nova[0]}.{site.nova[1]} at most, so restored servers lack these: {told}."


def _hostname_doubts(plan: RestorePlan) -> t.Iterator[str]:
    for step in plan.servers:
        if step.lost_hostname:
            yield f"Nova does not take the host name '{step.lost_hostname}' of server '{step.spec.name}', so the restored server has one from its name."


def _quota_problems(site: RestoreSite, needs: t.Iterable[Need]) -> t.Iterator[str]:
    for need in needs:
        if not need.fits:
            yield (
                f"The quota '{need.resource}' at site '{site.name}' is too small: {need.needed} more needed, "
                f"{need.left} left; raise it, or remove what is not needed there."
            )


def _flavor_problems(site: RestoreSite, steps: t.Iterable[ServerStep]) -> t.Iterator[str]:
    return (flavor_problem(site, step.spec) for step in steps if step.builds and step.flavor is None)


def _volume_type_problems(stock: Stock, steps: t.Iterable[VolumeStep]) -> t.Iterator[str]:
    wanted = {step.spec.volume_type for step in steps if step.action.makes}
    for name in sorted(wanted - {"", *stock.volume_types}):
        yield (
            f"Volume type '{name}' does not exist at site '{stock.site.name}'; create it, give the project access to it, "
            "or say in a mapping which one to use."
        )


def _zone_problems(stock: Stock, volumes: t.Iterable[VolumeStep], servers: t.Iterable[ServerStep]) -> t.Iterator[str]:
    wanted = {
        "volume": {step.spec.availability_zone for step in volumes if step.action.makes},
        "compute": {step.spec.availability_zone for step in servers if step.builds},
    }
    for service, what in (("volume", "volumes"), ("compute", "servers")):
        for name in sorted(one for one in wanted[service] - {*stock.zones[service]} if one):
            there = ", ".join(sorted(stock.zones[service])) or "none"
            yield (
                f"Availability zone '{name}' does not exist for {what} at site '{stock.site.name}' ({there}); say in a mapping which one to "
                "use, or null to have the site choose."
            )


def _server_group_problems(manifest: Manifest, site: RestoreSite) -> t.Iterator[str]:
    for spec in manifest.description.topology.server_groups:
        group = site.server_group(spec.name)
        if group and (group.policy, group.max_per_host) != (spec.policy, spec.max_per_host):
            yield (
                f"Server group '{spec.name}' exists at site '{site.name}' with the policy {_policy(group)} instead of {_policy(spec)}; remove it, "
                "or name another one in a mapping."
            )


def _policy(group: ServerGroup | ServerGroupSpec) -> str:
    return group.policy + (f" ({group.max_per_host} on a host)" if group.max_per_host else "")


def _copy_problems(stock: Stock, steps: t.Iterable[VolumeStep]) -> t.Iterator[str]:
    for step in steps:
        for lack in methods.lacks(step.copy, stock.parts) if step.action.reads else ():
            yield (
                f"{lack.what}, needed for volume {step.label}, {lack.state} at site '{stock.site.name}'; {lack.remedy}, or choose another "
                "checkpoint."
            )
        spec = step.spec
        for misfit in methods.misfits(step.copy, stock.parts, spec.volume_type, spec.availability_zone or "") if step.action.makes else ():
            yield f"{misfit} (dr_restore_mapping), for volume {step.label} at site '{stock.site.name}'."


def _name_problems(manifest: Manifest, site: RestoreSite) -> t.Iterator[str]:
    """Ambiguous names: existing resources of the same name are used, so there must be only one."""
    topology, ports = manifest.description.topology, manifest.description.ports
    described = _names(topology.security_groups)
    # The site's own groups are not in the topology.
    groups = {name: site.security_groups_called(name) for port in ports for name in port.security_groups if name not in described}
    subnets = {spec.name: site.subnets_called(spec.name, site.network(spec.network)) for spec in topology.subnets}
    kinds: tuple[tuple[str, dict[str, int]], ...] = (
        ("networks", {name: len(site.networks_called(name)) for name in _names(topology.networks)}),
        ("subnets", {name: len(found) for name, found in subnets.items()}),
        ("external networks", {name: len(site.external_networks(name)) for name in _wanted_outside(manifest)}),
        ("routers", _counts(_names(topology.routers), site.routers)),
        ("security groups", _counts(described, site.own(site.security_groups)) | {name: len(found) for name, found in groups.items()}),
        ("address groups", {name: len(site.address_groups_called(name)) for name in sorted(_address_groups(topology))}),
        ("server groups", _counts(sorted({one.server_group for one in manifest.description.servers if one.server_group}), site.server_groups)),
    )
    for kind, counts in kinds:
        by_id = ", or give the id of the one that is meant in a mapping" if kind in _MEANT_BY_ID else ""
        for name, count in counts.items():
            if count > 1:
                yield f"{count} {kind} at site '{site.name}' are called '{name}', so it is not clear which one to use; rename or remove the others{by_id}."


def _address_groups(topology: Topology) -> set[str]:
    return {rule.remote_address_group for spec in topology.security_groups for rule in spec.rules if rule.remote_address_group}


def _counts(names: t.Iterable[str], there: t.Iterable[t.Any]) -> dict[str, int]:
    counts = collections.Counter(one.name for one in there)
    return {name: counts[name] for name in names}


def _names(specs: t.Iterable[t.Any]) -> list[str]:
    return [spec.name for spec in specs]


def _subnet_problems(manifest: Manifest, site: RestoreSite) -> t.Iterator[str]:
    for spec in manifest.description.topology.subnets:
        yield from subnet_differences(site, spec)


def _key_pair_problems(manifest: Manifest, site: RestoreSite) -> t.Iterator[str]:
    for spec in manifest.description.topology.key_pairs:
        if not same_key(site.key_pairs.get(spec.name, spec.public_key), spec.public_key):
            yield (
                f"Key pair '{spec.name}' exists at site '{site.name}' with another public key; "
                "remove it there, use credentials of another user, or name another one in a mapping."
            )


def _borrowed_problems(manifest: Manifest, site: RestoreSite) -> t.Iterator[str]:
    """Resources with the names of a drill's that it did not make: it must not use them."""
    if manifest.drill is None:
        return
    topology, owner = manifest.description.topology, owner_of(manifest)
    kinds = (
        ("Network", topology.networks, _descriptions(site.networks)),
        ("Subnet", topology.subnets, _descriptions(site.subnets)),
        ("Router", topology.routers, _descriptions(site.routers)),
        ("Security group", topology.security_groups, _descriptions(site.own(site.security_groups))),
        ("Address group", topology.address_groups, _descriptions(site.own(site.address_groups))),
        ("Key pair", topology.key_pairs, site.key_pairs.items()),
    )
    for kind, specs, there in kinds:
        foreign = {name for name, text in there if not bears_mark_of(owner, text)}
        for name in sorted(foreign & {*_names(specs)}):
            yield f"{kind} '{name}' at site '{site.name}' was not made by drill '{manifest.drill}'; give the drill another id."


def _descriptions(resources: t.Iterable[Network | Subnet | Router | SecurityGroup | AddressGroup]) -> list[tuple[str, str]]:
    return [(one.name, one.description) for one in resources]


def _wanted_outside(manifest: Manifest) -> list[str]:
    """The external networks of routers and floating addresses."""
    wanted = {router.external_network for router in manifest.description.topology.routers}
    wanted |= {floating.network for port in manifest.description.ports for floating in port.floating_ips}
    wanted |= {one.floating.network for one in manifest.description.topology.forwarders}
    return sorted(one for one in wanted if one)


def _external_network_problems(manifest: Manifest, site: RestoreSite) -> t.Iterator[str]:
    for name in _wanted_outside(manifest):
        if site.external_network(name) is None:
            yield (
                f"Site '{site.name}' has no external network called '{name}' for routers and floating addresses; "
                "have its operator provide one, or say in a mapping which one to use."
            )


def _outside_problems(manifest: Manifest, steps: t.Iterable[PortStep]) -> t.Iterator[str]:
    """Addresses outside their subnets."""
    ranges = {spec.name: spec.cidr for spec in manifest.description.topology.subnets}
    for step in steps:
        for ip in step.spec.fixed_ips if step.current is None else ():
            if ip.ip_address and ip.subnet in ranges and not contains(ranges[ip.subnet], ip.ip_address):
                yield (
                    f"Address {ip.ip_address} of {step.label} is outside subnet '{ip.subnet}' ({ranges[ip.subnet]}). "
                    "In a mapping, set policy: remap (keep the host part) or new (Neutron assigns one)."
                )


def _twin_problems(steps: t.Iterable[PortStep]) -> t.Iterator[str]:
    """Ports of the application that need the same address on one network."""
    wanted: dict[tuple[str, str], list[str]] = collections.defaultdict(list)
    for step in steps:
        for one in identity(step.spec):
            wanted[step.spec.network, one].append(step.label)
    for (network, one), labels in wanted.items():
        if len(labels) > 1:
            yield (
                f"{one} on network '{network}' is needed by {len(labels)} ports (of {' and '.join(labels)}). In a mapping, give them separate networks or "
                "subnets, or have Neutron assign addresses to all but one (policy: new)."
            )


def _address_problems(site: RestoreSite, steps: t.Iterable[PortStep]) -> t.Iterator[str]:
    for step in steps:
        network = site.network(step.spec.network)
        if network is not None and step.current is None:
            yield from _clashes(site, step, [other for other in site.all_ports if other.network_id == network.id])


def _clashes(site: RestoreSite, step: PortStep, others: t.Iterable[Port]) -> t.Iterator[str]:
    spec = step.spec
    addresses = {ip.ip_address for ip in spec.fixed_ips if ip.ip_address}
    for other in others:
        taken = sorted(addresses & {ip.ip_address for ip in other.fixed_ips})
        if other.mac_address.lower() == spec.mac_address.lower():
            taken.append(spec.mac_address)
        if taken:
            yield (
                f"{' and '.join(taken)} of {step.label} on network '{spec.network}' at site '{site.name}' "
                f"{'is' if len(taken) == 1 else 'are'} in use by {_holder(site, other)}; remove that first."
            )


def _holder(site: RestoreSite, port: Port) -> str:
    server = next((one for one in site.servers if one.id == port.device_id), None)
    holder = f"port {port.id}" + (f" of server {server.label}" if server else "")
    mark = Mark.of_text(port.description)
    return f"{holder}, from a restore of checkpoint '{mark.checkpoint}'" if mark else holder


# What should have been there before servers are built


def server_problems(
    site: RestoreSite, steps: t.Sequence[ServerStep], volumes_awaited: bool = False, ports: t.Iterable[PortStep] = ()
) -> t.Iterator[str]:
    """Why servers, and ports on none, cannot be made: what should have been there before.

    :param volumes_awaited: whether volumes may be still to come.
    :param ports: those on none.
    """
    yield from stopped_problems(site, steps)
    for port in ports:
        if port.current is None:
            yield from _port_problems(site, port, f"{port.label[0].upper()}{port.label[1:]}")
    for step in steps:
        if step.builds:
            yield from _build_problems(site, step, f"Server '{step.spec.name}'")
            yield from _volume_problems(step, volumes_awaited)


def stopped_problems(site: RestoreSite, steps: t.Iterable[ServerStep]) -> t.Iterator[str]:
    """Servers that an earlier run restored and that no longer run."""
    for step in steps:
        server = step.current
        if step.action is Action.KEEP and server and server.status not in step.good_statuses:
            yield (
                f"Server '{server.name}' was restored at site '{site.name}' before ({server.id}) but is {server.status} "
                "now; start it, or remove what was restored (state: absent) and restore again."
            )


_NEEDS = "create it first, with this name (the role dr_restore does)."


def _build_problems(site: RestoreSite, step: ServerStep, label: str) -> t.Iterator[str]:
    if step.flavor is None:
        yield flavor_problem(site, step.spec)
    if step.spec.server_group and step.group is None:
        yield f"{label} needs server group '{step.spec.server_group}', which is not there; {_NEEDS}"
    for port in step.ports:
        yield from _port_problems(site, port, label)


def _volume_problems(step: ServerStep, awaited: bool) -> t.Iterator[str]:
    for spec, volume in zip(step.spec.attached, step.volumes, strict=True):
        # Of one for several servers, others may be attached before.
        attached = volume is not None and not volume.multiattach and any(
            step.current is None or one.server_id != step.current.id for one in volume.attachments
        )
        missing = volume is None or volume.status not in READY
        if attached or (missing and not awaited):
            state = f"is {volume.status}" if volume else "is not there"
            yield (
                f"Volume '{spec.name or spec.device}' of server '{step.spec.name}' {state}; "
                "restore the volumes first (os_restore_volumes)."
            )


def _port_problems(site: RestoreSite, port: PortStep, label: str) -> t.Iterator[str]:
    network = site.network(port.spec.network)
    if network is None:
        yield f"{label} needs network '{port.spec.network}', which is not there; {_NEEDS}"
        return
    for ip in port.spec.fixed_ips:
        if site.subnet_id(network.id, ip.subnet) is None:
            yield f"{label} needs subnet '{ip.subnet}' on network '{port.spec.network}', which is not there; {_NEEDS}"
    for group in port.spec.security_groups:
        if site.security_group_id(group) is None:
            yield f"{label} needs security group '{group}', which is not there; {_NEEDS}"
    for name in sorted({step.spec.network for step in port.floating if step.current is None}):
        if site.external_network(name) is None:
            yield f"{label} needs the external network '{name}', which is not there."


def flavor_problem(site: RestoreSite, server: ServerSpec) -> str:
    flavor = server.flavor
    if isinstance(flavor, NamedFlavor):
        return (
            f"The mapping names flavor '{flavor.name}' for server '{server.name}', but site '{site.name}' has none of that name; "
            "correct the mapping, or give the project access to it."
        )
    has_root_disk = server.root_image is not None
    why = why_no_flavor(flavor, site.flavors, has_root_disk)
    disk = f", a disk of {flavor.disk} GiB" if has_root_disk else ""
    return (
        f"Server '{server.name}' needs flavor '{flavor.name}' ({flavor.vcpus} VCPUs, {flavor.ram} MiB of memory{disk}), but site "
        f"'{site.name}' has none of at least that size with the same extra specs{f' ({why})' if why else ''}; create one, give the project "
        "access to one, or name one in a mapping."
    )
