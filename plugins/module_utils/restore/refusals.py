# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What Nova and Neutron would refuse although all that it names is there: found out by their own rules. Pure."""

from __future__ import annotations

import collections
import dataclasses
import ipaddress
import itertools
import typing as t

from ..core.marking import Mark
from ..core.records import Router
from ..manifest.addresses import derives_addresses, plain_address
from ..manifest.specs import AddressSpec, FloatingSpec, PortSpec, RouterSpec, SubnetSpec
from .found import used_subnets
from .losses import wished
from .marks import owner_of
from .plan import RestorePlan
from .port_plan import PortStep
from .service_types import can_join, owner_for, owner_of_port
from .sharing import shared_volume_doubts, shared_volume_refusals
from .site import ADMINISTRATOR, RestoreSite
from .stock import Stock
from .topology import has_automatic_addresses, interface_address, is_made, is_of_others, joined_subnets, missing_routes
from .wishes import POOL, subnet_wishes

#: Of each subnet by default: what an attribute may have, and the option in which Neutron's operator says so.
_MOST_OF_A_SUBNET = {("dns_nameservers", "max_dns_nameservers"): 5, ("host_routes", "max_subnet_host_routes"): 20}
_METADATA_ITEMS, _ROUTES_OF_A_ROUTER = "metadata_items", "router_route"
#: Of Nova, for everything in a server's metadata.
_LONGEST_METADATA = 255
#: How many tags Nova takes.
_MOST_TAGS = 50
#: What has the ports of routers, in any of their forms.
_ROUTERS = ("network:router_interface", "network:ha_router")
#: Roles that OpenStack has for those who only look.
_READING = {"reader"}
#: IPv6 has no smaller packets.
_SIX, _LEAST_MTU_OF_SIX = 6, 1280
_ADMINISTRATOR = "admin"
#: What Neutron's own policies let only administrators set, or services; address translation has words of its own.
_OF_ADMINISTRATORS = {"binding:profile", "service_types", "ha", "distributed", "external_fixed_ips"}
#: Kinds of SSH keys that every Nova takes.
_USUAL_KEYS = ("ssh-rsa", "ssh-ed25519", "ecdsa-sha2-nistp256", "ecdsa-sha2-nistp384", "ecdsa-sha2-nistp521")
#: Since when names of key pairs may hold '.' and '@'.
_KEY_NAMES_VERSION = (2, 92)
_CERTIFICATE = "-----BEGIN"
#: What the services call whose quotas are meant.
_QUOTAS_OF = {"volume": "Cinder", "compute": "Nova", "network": "Neutron"}


def refusals(plan: RestorePlan, stock: Stock) -> list[str]:
    """Why requests of the restore would be refused, each with what to do."""
    found = [
        *_role_refusals(stock),
        *_type_refusals(plan, stock),
        *shared_volume_refusals(plan, stock),
        *_metadata_refusals(plan, stock),
        *_certificate_refusals(plan),
        *_key_name_refusals(plan),
        *_external_refusals(plan, stock),
        *_interface_refusals(plan),
        *_overlap_refusals(plan),
        *_mtu_refusals(plan),
        *_pool_refusals(plan),
        *_used_subnet_refusals(plan),
        *_service_refusals(plan),
        *_floating_refusals(plan),
    ]
    # Several protocol ports of one address are refused for the same reason.
    return list(dict.fromkeys(found))


def _role_refusals(stock: Stock) -> list[str]:
    """Credentials that can see everything, and change nothing."""
    if stock.roles and stock.roles <= _READING:
        return [
            f"The credentials may only read at site '{stock.site.name}': their only role in the project is {' and '.join(sorted(stock.roles))}. "
            "A restore needs the role member there."
        ]
    return []


# Cinder


def _type_refusals(plan: RestorePlan, stock: Stock) -> t.Iterator[str]:
    """Volumes in a zone where volumes of their type cannot be."""
    wanted = {(step.spec.volume_type, step.spec.availability_zone) for step in plan.volumes if step.action.makes}
    for name, zone in sorted((name, zone) for name, zone in wanted if zone):
        zones = stock.type_zones.get(name)
        if zones and zone in stock.zones["volume"] and zone not in zones:
            yield (
                f"Volumes of type '{name}' cannot be in availability zone '{zone}' at site '{stock.site.name}', only in {', '.join(sorted(zones))}; "
                "say in a mapping which type or zone to use."
            )


# Nova


def _metadata_refusals(plan: RestorePlan, stock: Stock) -> t.Iterator[str]:
    """Servers with more metadata or tags than Nova takes, once the marks of the restore are added."""
    limit = stock.quotas["compute"].get(_METADATA_ITEMS)
    for step in plan.servers:
        if not step.builds:
            continue
        metadata, marks = {**step.spec.metadata, **step.marks}, len(step.marks)
        if limit and 0 <= limit.limit < len(metadata):
            yield (
                f"Server '{step.spec.name}' would have {len(metadata)} metadata items at site '{plan.site.name}', with the {marks} by which a "
                f"restore marks it, but {limit.limit} are allowed; raise the quota '{_METADATA_ITEMS}' there, or remove some from the server."
            )
        for key, value in metadata.items():
            if not key or max(len(key), len(value)) > _LONGEST_METADATA:
                yield (
                    f"Metadata '{key[:20]}' of server '{step.spec.name}' is longer than the {_LONGEST_METADATA} characters that Nova takes; "
                    "shorten it at the source, and take another checkpoint."
                )
        if len(step.spec.tags) > _MOST_TAGS:
            yield (
                f"Server '{step.spec.name}' has {len(step.spec.tags)} tags, but Nova takes {_MOST_TAGS}; remove some at the source, and take "
                "another checkpoint."
            )


def _certificate_refusals(plan: RestorePlan) -> t.Iterator[str]:
    for spec in plan.lacking["key_pairs"]:
        if spec.public_key.lstrip().startswith(_CERTIFICATE):
            yield (
                f"Key pair '{spec.name}' is a certificate (x509), which is not created at site '{plan.site.name}'; create it there yourself, "
                "or name another one in a mapping."
            )


def _key_name_refusals(plan: RestorePlan) -> t.Iterator[str]:
    site = plan.site
    for spec in plan.lacking["key_pairs"]:
        if {".", "@"} & {*spec.name} and site.nova < _KEY_NAMES_VERSION:
            yield (
                f"Key pair '{spec.name}' cannot have this name at site '{site.name}': its Nova offers its API in version {site.nova[0]}.{site.nova[1]} "
                f"at most, and names with '.' or '@' take {_KEY_NAMES_VERSION[0]}.{_KEY_NAMES_VERSION[1]}; name another one in a mapping."
            )


def _external_refusals(plan: RestorePlan, stock: Stock) -> t.Iterator[str]:
    """Servers that would be connected directly to an external network, which Nova lets only administrators do."""
    for step in plan.servers if ADMINISTRATOR not in stock.roles else ():
        for name in sorted({port.spec.network for port in step.ports if step.builds}):
            network = plan.site.network(name)
            if network and network.is_external and not network.is_shared:
                yield (
                    f"Server '{step.spec.name}' would be connected to network '{name}', which is external at site '{plan.site.name}': only "
                    "administrators may do that. Have its owner share it with the project, or name another network in the mapping, and use floating addresses."
                )


# Routers: who gets which address


@dataclasses.dataclass(frozen=True)
class _Interface:
    """An interface that a router is to get.

    :param address: its own, or that of the subnet's gateway; there is none for a subnet without.
    :param was: the same at the source.
    :param by_port: whether it gets a port that can have any address.
    :param types: the services for which the subnet is, where it is there and not for all.
    """

    router: RouterSpec
    subnet: str
    network: str
    cidr: str
    address: str | None
    was: str | None
    by_port: bool
    types: tuple[str, ...]

    @property
    def label(self) -> str:
        return f"router '{self.router.name}'"


def _interfaces(plan: RestorePlan) -> list[_Interface]:
    """What routers are to be connected to; subnets are as they are at the site, where they are there."""
    subnets = {spec.name: spec for spec in plan.manifest.description.topology.subnets}
    return [
        _interface(plan, router, subnets[name])
        for router in plan.lacking["routers"]
        for name in router.subnets
        # Of what an existing router has, there are ids, by which a mapping may call subnets, too.
        if name in subnets and name not in _joined(plan.site, router) and not is_of_others(plan.manifest.description.topology, plan.site, name)
    ]


def _joined(site: RestoreSite, spec: RouterSpec) -> t.Collection[str]:
    router = site.router(spec.name)
    return joined_subnets(site, router) if router else ()


def _interface(plan: RestorePlan, router: RouterSpec, spec: SubnetSpec) -> _Interface:
    site = plan.site
    there = next(iter(site.subnets_called(spec.name, site.network(spec.network))), None)
    current = site.router(router.name)
    has_address = any(one.subnet == spec.name for one in router.interface_addresses)
    is_of_site = current is not None and not is_made(site, owner_of(plan.manifest), current)
    by_port = has_address or is_of_site or (there is not None and not can_join(there))
    address, was = interface_address(router, spec, there, not is_of_site), interface_address(router, spec, None, True)
    return _Interface(router, spec.name, spec.network, spec.cidr, address, was, by_port, there.service_types if there else ())


def _interface_refusals(plan: RestorePlan) -> t.Iterator[str]:
    wanted: dict[tuple[str, str], list[str]] = collections.defaultdict(list)
    for one in _interfaces(plan):
        if one.by_port:
            if owner_for([one.types]) is None:
                yield (
                    f"Neutron lets nobody but itself connect router '{one.router.name}' to subnet '{one.subnet}' at site '{plan.site.name}', which is only "
                    f"for ports of {', '.join(one.types)} (service_types); have that changed there, or connect the router before."
                )
            if has_automatic_addresses(plan.manifest.description.topology, plan.site, one.network):
                yield (
                    f"Router '{one.router.name}' is connected to subnet '{one.subnet}' by an address of its own, and network '{one.network}' has a subnet with "
                    "automatic addresses: Neutron would give the interface one of these, too. Make the network with its subnets and the router at site "
                    f"'{plan.site.name}' yourself, under the same names."
                )
        if one.address is None:
            yield (
                f"Router '{one.router.name}' is connected to subnet '{one.subnet}', which has no gateway, by a port of its own; Neutron connects "
                f"routers to subnets with a gateway only. Set the subnet's gateway_ip at the source, or make the subnet and the router at site "
                f"'{plan.site.name}' yourself."
            )
        else:
            wanted[one.network, plain_address(one.address)].append(one.label)
            yield from _holder_refusals(plan, one)
    for network, address, label in _fixed_addresses(plan):
        if (network, address) in wanted:
            wanted[network, address].append(label)
    for (network, address), holders in wanted.items():
        if len(holders) > 1:
            yield (
                f"{address} on network '{network}' is needed by {' and by '.join(sorted(holders))}: a router gets its own address, or that of "
                "the subnet's gateway, which only one port can have. Make the subnet with its ports and routers at the site yourself, under the same names."
            )


def _holder_refusals(plan: RestorePlan, wanted: _Interface) -> t.Iterator[str]:
    site, address = plan.site, plain_address(wanted.address or "")
    network = site.network(wanted.network)
    for port in site.all_ports:
        # What an interrupted run has left, the router gets.
        is_left = not port.device_id and Mark.of_text(port.description) == owner_of(plan.manifest)
        if network and port.network_id == network.id and address in map(plain_address, port.addresses) and not is_left:
            yield (
                f"{address} on subnet '{wanted.subnet}' is in use by port {port.id} at site '{site.name}', but router '{wanted.router.name}' needs it "
                "there, as its own address or as the subnet's gateway; remove that port, or connect the router yourself."
            )


def _fixed_addresses(plan: RestorePlan) -> t.Iterator[tuple[str, str, str]]:
    """Network and address of every port that is to be made, and what has it."""
    for port in plan.all_ports:
        for ip in port.spec.fixed_ips if port.current is None else ():
            if ip.ip_address:
                yield port.spec.network, plain_address(ip.ip_address), port.label


# Ranges


@dataclasses.dataclass(frozen=True)
class _Range:
    """The range of a subnet: what it is, and on what."""

    subnet: str
    cidr: str
    is_new: bool


def _overlap_refusals(plan: RestorePlan) -> t.Iterator[str]:
    """Subnets of one network, or of one router, whose ranges overlap."""
    for network, ranges in _ranges_of_networks(plan).items():
        yield from _overlaps(ranges, f"on network '{network}'", plan.site.name)
    for router, ranges in _ranges_of_routers(plan).items():
        yield from _overlaps(ranges, f"of router '{router}'", plan.site.name)


def _ranges_of_networks(plan: RestorePlan) -> dict[str, list[_Range]]:
    found: dict[str, list[_Range]] = collections.defaultdict(list)
    for spec in plan.lacking["subnets"]:
        network = plan.site.network(spec.network)
        if plan.site.subnets_called(spec.name, network):
            # It is there, and lacks something else.
            continue
        if network and not found[spec.network]:
            found[spec.network] += [_Range(one.name or one.id, one.cidr, False) for one in plan.site.subnets if one.network_id == network.id]
        found[spec.network].append(_Range(spec.name, spec.cidr, True))
    return found


def _ranges_of_routers(plan: RestorePlan) -> dict[str, list[_Range]]:
    found: dict[str, list[_Range]] = collections.defaultdict(list)
    for one in _interfaces(plan):
        router = plan.site.router(one.router.name)
        if router and not found[one.router.name]:
            joined = joined_subnets(plan.site, router)
            found[one.router.name] += [_Range(one.name or one.id, one.cidr, False) for one in plan.site.subnets if one.id in joined]
        found[one.router.name].append(_Range(one.subnet, one.cidr, True))
    return found


def _overlaps(ranges: t.Iterable[_Range], where: str, site: str) -> t.Iterator[str]:
    for one, other in itertools.combinations(ranges, 2):
        if (one.is_new or other.is_new) and _overlap(one.cidr, other.cidr):
            yield (
                f"Subnets '{one.subnet}' ({one.cidr}) and '{other.subnet}' ({other.cidr}) {where} at site '{site}' would overlap, which Neutron "
                "refuses; remove what is there, or give the application another range or router in a mapping."
            )


def _overlap(one: str, other: str) -> bool:
    try:
        a, b = ipaddress.ip_network(one, strict=False), ipaddress.ip_network(other, strict=False)
    except ValueError:
        # What is no range is another problem's.
        return False
    return a.version == b.version and a.overlaps(b)


def _mtu_refusals(plan: RestorePlan) -> t.Iterator[str]:
    """Subnets of IPv6 on networks at the site whose packets are too small for that."""
    for spec in plan.lacking["subnets"]:
        network = plan.site.network(spec.network)
        is_new = network is not None and not plan.site.subnets_called(spec.name, network)
        if network and is_new and spec.ip_version == _SIX and 0 < network.mtu < _LEAST_MTU_OF_SIX:
            yield (
                f"Subnet '{spec.name}' is one of IPv6, and network '{spec.network}' at site '{plan.site.name}' has an MTU of {network.mtu}: Neutron "
                f"takes such subnets from {_LEAST_MTU_OF_SIX} on. Raise the network's MTU there, or name another network in a mapping."
            )


def _pool_refusals(plan: RestorePlan) -> t.Iterator[str]:
    """Subnets of no pool where others of their network are of one: Neutron takes those of one version from the same pool."""
    site, owner = plan.site, owner_of(plan.manifest)
    new = [spec for spec in plan.lacking["subnets"] if not site.subnets_called(spec.name, site.network(spec.network))]
    without = [spec for spec in new if POOL not in subnet_wishes(site, spec, owner).body]
    pooled = {(spec.network, spec.ip_version): spec.name for spec in new if spec not in without}
    for spec in without:
        network = site.network(spec.network)
        there = [one for one in site.subnets if network and one.network_id == network.id and one.ip_version == spec.ip_version]
        other = next((one.name or one.id for one in there if one.subnet_pool_id), pooled.get((spec.network, spec.ip_version)))
        if other:
            yield (
                f"Subnet '{spec.name}' would be of no subnet pool at site '{site.name}' ({POOL}), unlike '{other}' on network '{spec.network}': Neutron "
                "takes all subnets that a network has of one IP version from the same pool. Have the subnet made there, under the same name, or say in a "
                "mapping which network or subnet pool to use."
            )


def _used_subnet_refusals(plan: RestorePlan) -> t.Iterator[str]:
    """Addresses that ports cannot have on subnets that somebody has made otherwise than at the source."""
    for spec, there in used_subnets(plan):
        owners = sorted({port.label for port in plan.all_ports if port.current is None and any(_is_on(ip, port, spec) for ip in port.spec.fixed_ips)})
        derives = derives_addresses(there.ipv6_ra_mode, there.ipv6_address_mode) and not derives_addresses(spec.ipv6_ra_mode, spec.ipv6_address_mode)
        way_out = f"change that there, remove the subnet, or name another one in a mapping; {', '.join(owners)} would have addresses on it."
        if owners and derives:
            yield (
                f"Subnet '{spec.name}' at site '{plan.site.name}' gives ports automatic addresses (ipv6_address_mode: {there.ipv6_address_mode}), unlike "
                f"that of the source, so that they cannot have their own; {way_out}"
            )


def _service_refusals(plan: RestorePlan) -> t.Iterator[str]:
    """Addresses that no port of a project can have, on subnets that are for other services."""
    wanted: dict[tuple[str, ...], set[str]] = collections.defaultdict(set)
    for port in plan.all_ports:
        if port.current is None and owner_of_port(plan.site, port.spec) is None:
            wanted[tuple(_limited(plan.site, port.spec))].add(port.label)
    for subnets, labels in wanted.items():
        yield (
            f"Neutron gives {', '.join(sorted(labels))} no addresses at site '{plan.site.name}' of {' and of '.join(subnets)}; have that changed there, "
            "or name another subnet in a mapping."
        )


def _limited(site: RestoreSite, port: PortSpec) -> list[str]:
    """Subnets that a port needs, or might need, and that are not for everybody."""
    network, names = site.network(port.network), {ip.subnet for ip in port.fixed_ips}
    there = [one for one in site.subnets if network and one.network_id == network.id and one.service_types]
    meant = [one for one in there if not names or names & {one.id, one.name}]
    return [f"subnet '{one.name or one.id}', which is only for ports of {', '.join(one.service_types)} (service_types)" for one in meant]


def _is_on(ip: AddressSpec, port: PortStep, subnet: SubnetSpec) -> bool:
    return bool(ip.ip_address) and (port.spec.network, ip.subnet) == (subnet.network, subnet.name)


# Floating addresses


def _floating_refusals(plan: RestorePlan) -> t.Iterator[str]:
    """Floating addresses whose external network no router leads to, from the subnet of the address behind them."""
    topology = plan.manifest.description.topology
    for port, place, external in _ways_wanted(plan):
        subnet = _behind(port.spec, place)
        is_theirs = subnet is not None and is_of_others(topology, plan.site, subnet)
        # Of others' networks it is doubtful where nobody knows what the credentials see, and said so.
        if subnet is None or (is_theirs and plan.site.may_choose is None) or _has_router_of_others(plan.site, port.spec.network, subnet):
            continue
        if external not in _ways_out(plan, port.spec.network, subnet):
            way_out = "give the router that is there a gateway to it, or remove that router"
            yield (
                f"The floating address of {port.label} cannot lead to subnet '{subnet}' at site '{plan.site.name}', because no "
                f"router connects that to the external network '{external}'; {_way_out_of_others(plan) if is_theirs else way_out}."
            )


def _way_out_of_others(plan: RestorePlan) -> str:
    unseen = "" if plan.site.may_choose else ", give credentials of an administrator (admin_cloud), who sees routers of other projects"
    return f"have the owner of that network connect it{unseen}, or leave the floating address out (floating: false in a mapping)"


def _ways_wanted(plan: RestorePlan) -> t.Iterator[tuple[PortStep, int | None, str]]:
    """Ports with the place of the address to which a new floating address leads, or forwards, and its external network."""
    for port, floating in _lacking_floating(plan):
        yield port, floating.place, floating.network
    ports = {port.spec.source_id: port for port in plan.all_ports}
    for step in plan.forwarders:
        for one in step.spec.forwardings if step.current is None else ():
            if one.port in ports:
                yield ports[one.port], one.place, step.spec.floating.network


def _lacking_floating(plan: RestorePlan) -> t.Iterator[tuple[PortStep, FloatingSpec]]:
    """Floating addresses that are to be made, each with its port."""
    for port in plan.all_ports:
        yield from ((port, one.spec) for one in port.floating if one.current is None)


def _behind(spec: PortSpec, place: int | None) -> str | None:
    """The subnet of the address to which a port's floating address leads."""
    if place is not None:
        return spec.fixed_ips[place].subnet if place < len(spec.fixed_ips) else None
    return next((ip.subnet for ip in spec.fixed_ips if ":" not in ip.ip_address), None)


def _ways_out(plan: RestorePlan, network_name: str, subnet: str) -> set[str]:
    """External networks that routers will connect a subnet to."""
    site, topology = plan.site, plan.manifest.description.topology
    network = site.network(network_name)
    there = {one.id for one in site.subnets_called(subnet, network)}
    own = {router.id for router in site.routers if there & joined_subnets(site, router).keys()}
    wanted = set() if is_of_others(topology, site, subnet) else {spec.name for spec in topology.routers if subnet in spec.subnets}
    found = {name for router in site.routers if router.id in own or router.name in wanted for name in _leads_to(site, router)}
    new = (spec for spec in topology.routers if spec.name in wanted and site.router(spec.name) is None)
    return found | {spec.external_network for spec in new if spec.external_network}


def _has_router_of_others(site: RestoreSite, network: str, subnet: str) -> bool:
    """Whether something that is none of the project's routers may lead out of a subnet: where to is not shown."""
    there = {one.id for one in site.subnets_called(subnet, site.network(network))}
    own = {router.id for router in site.routers}
    interfaces = (port for port in site.all_ports if port.device_owner.startswith(_ROUTERS) and port.device_id not in own)
    return any(ip.subnet_id in there for port in interfaces for ip in port.fixed_ips)


def _leads_to(site: RestoreSite, router: Router) -> list[str]:
    """What the network that a router leads to may be called: by its name, or in a mapping by its id."""
    return [called for one in site.networks if one.id == router.external_network_id for called in (one.name, one.id)]


# What may be refused


def doubts_of_refusals(plan: RestorePlan, stock: Stock, needs: t.Mapping[str, t.Mapping[str, int]]) -> list[str]:
    """What only the site's own policies decide, or keep from these credentials.

    :param needs: amounts per service and name of the quota.
    """
    found = (
        _quota_doubts(stock, needs),
        shared_volume_doubts(plan, stock),
        _external_doubts(plan, stock),
        _gateway_doubts(plan),
        _translation_doubts(plan),
        _route_doubts(plan, stock),
        _interface_doubts(plan),
        _subnet_doubts(plan),
        _policy_doubts(plan, stock),
        _key_doubts(plan),
    )
    return [one for doubts in found for one in doubts]


def _quota_doubts(stock: Stock, needs: t.Mapping[str, t.Mapping[str, int]]) -> t.Iterator[str]:
    for service in stock.unreadable:
        wanted = ", ".join(f"{name} {amount}" for name, amount in sorted(needs[service].items()) if amount)
        if wanted:
            yield (
                f"The quotas of {_QUOTAS_OF[service]} at site '{stock.site.name}' cannot be read with these credentials, so it is not known whether "
                f"they are large enough. Needed are: {wanted}. Ask the site's operator."
            )


def _external_doubts(plan: RestorePlan, stock: Stock) -> t.Iterator[str]:
    """External networks with fewer addresses than are needed: Neutron counts also those outside of the pools as used."""
    wanted: collections.Counter[str] = collections.Counter()
    for router in plan.lacking["routers"]:
        if router.external_network and plan.site.router(router.name) is None:
            wanted[router.external_network] += 1
    wanted.update(floating.network for _port, floating in _lacking_floating(plan))
    wanted.update(one.spec.floating.network for one in plan.forwarders if one.current is None)
    for name, needed in sorted(wanted.items()):
        network = plan.site.external_network(name)
        left = stock.free_addresses.get(network.id) if network else None
        if left is not None and left < needed:
            yield (
                f"The external network '{name}' at site '{plan.site.name}' has {left} addresses left, but routers and floating addresses need {needed}. "
                "Have its operator add some, or release what is not needed there."
            )


def _gateway_doubts(plan: RestorePlan) -> t.Iterator[str]:
    """Addresses of routers on external networks that something else has, as far as these credentials see it."""
    site = plan.site
    for spec in plan.lacking["routers"]:
        network = site.external_network(spec.external_network) if spec.external_network and site.router(spec.name) is None else None
        for port in site.all_ports if network else ():
            taken = sorted({*spec.gateway_addresses} & {*port.addresses})
            if network and port.network_id == network.id and taken:
                yield (
                    f"At site '{site.name}', router '{spec.name}' will get another address on network '{spec.external_network}' (external_fixed_ips): "
                    f"{' and '.join(taken)} is in use by port {port.id} there."
                )


def _translation_doubts(plan: RestorePlan) -> t.Iterator[str]:
    for spec in plan.lacking["routers"]:
        if spec.external_network and not spec.enable_snat and plan.site.router(spec.name) is None:
            yield (
                f"Router '{spec.name}' does not translate addresses (SNAT) at the source. Sites usually let only administrators switch that off: "
                f"if site '{plan.site.name}' does so, the restored router translates addresses. To avoid that, have one make it before, under this name."
            )


def _route_doubts(plan: RestorePlan, stock: Stock) -> t.Iterator[str]:
    """More routes than a router may have: Neutron takes all of them or none."""
    limit, topology = stock.quotas["network"].get(_ROUTES_OF_A_ROUTER), plan.manifest.description.topology
    for spec in plan.lacking["routers"] if limit and limit.limit >= 0 else ():
        (described,) = (one for one in topology.routers if one.name == spec.name)
        missing = missing_routes(topology, plan.site, described, None) if plan.site.router(spec.name) is None else []
        if limit and len(missing) > limit.limit:
            yield (
                f"At site '{plan.site.name}', router '{spec.name}' will lack its routes: it has {len(missing)}, but {limit.limit} are allowed; raise the "
                f"quota '{_ROUTES_OF_A_ROUTER}' there."
            )


def _interface_doubts(plan: RestorePlan) -> t.Iterator[str]:
    """Interfaces that routers get on subnets that somebody has made with another gateway."""
    for one in _interfaces(plan):
        if one.address and one.was and plain_address(one.address) != plain_address(one.was):
            yield (
                f"At site '{plan.site.name}', router '{one.router.name}' will have {one.address} on subnet '{one.subnet}' (interfaces) instead of {one.was}: "
                "that is the subnet's gateway there."
            )


def _subnet_doubts(plan: RestorePlan) -> t.Iterator[str]:
    """More of something than a subnet may have where a site's operator has set no other bounds, which nobody is shown."""
    for spec in plan.lacking["subnets"]:
        for (attribute, option), most in _MOST_OF_A_SUBNET.items():
            count = len(getattr(spec, attribute))
            if count > most:
                yield (
                    f"Subnet '{spec.name}' has {count} {attribute.replace('_', ' ')} ({attribute}), but Neutron takes {most} where the operator of site "
                    f"'{plan.site.name}' has not raised the bound ({option}): it will lack all of them if the site refuses them. Ask the operator."
                )


def _policy_doubts(plan: RestorePlan, stock: Stock) -> t.Iterator[str]:
    """What only administrators may set, where a site has Neutron's own policies."""
    for what, wishes in wished(plan) if _ADMINISTRATOR not in stock.roles else ():
        names = [name for name in wishes.names.values() if _OF_ADMINISTRATORS & {*name.split(", ")}]
        if names:
            yield (
                f"At site '{plan.site.name}', {what} will lack its {', '.join(names)} where only administrators may set that, as in Neutron's own policies. "
                "To avoid that, restore with credentials that may."
            )


def _key_doubts(plan: RestorePlan) -> t.Iterator[str]:
    for spec in plan.lacking["key_pairs"]:
        kind = next(iter(spec.public_key.split()), "")
        if kind not in _USUAL_KEYS and not kind.startswith(_CERTIFICATE):
            yield (
                f"Key pair '{spec.name}' is of the kind '{kind[:40]}', which not every Nova takes. If site '{plan.site.name}' refuses it, name "
                "another key pair in a mapping."
            )
