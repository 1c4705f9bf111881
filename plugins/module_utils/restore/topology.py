# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Find what a site lacks of an application's topology, and what there differs from it. Pure.

What is there under the same name is used as it is, with three exceptions. What an earlier run of the same restore made,
and did not complete, is completed. A router that lacks one of the application's subnets gets it. A security group gets
the rules that it had at the source, because what the application exposes must not depend on chance; the project's group
``default`` only gets more rules, because it serves others too. What another project shares is used, and never changed.
"""

from __future__ import annotations

import dataclasses
import typing as t

from ..core.marking import Mark
from ..core.records import AddressGroup, Network, Router, SecurityGroup, SecurityGroupRule, Subnet
from ..manifest.addresses import derives_addresses, holds
from ..manifest.rules import rule_spec
from ..manifest.specs import AddressGroupSpec, NetworkSpec, RouterSpec, SecurityGroupRuleSpec, SecurityGroupSpec, SubnetSpec, Topology
from .marks import bears_mark_of
from .site import RestoreSite
from .wishes import MTU, ROUTES, lacks_tags

#: The specs of what is to be made or completed, per kind: ``networks``, ``subnets``, ``routers``, ``security_groups``, ``address_groups``, ``key_pairs``,
#: ``server_groups``.
Lacking = t.Mapping[str, t.Sequence[t.Any]]

#: Aliases of what Neutron needs for rules that name address groups.
_ADDRESS_GROUPS = ("address-group", "security-groups-remote-address-group")
#: Every project has it.
_DEFAULT_GROUP = "default"


def lacking(topology: Topology, site: RestoreSite, owner: Mark) -> Lacking:
    """Parts of the topology to make or complete.

    :param owner: the restore; what it made is completed.
    """
    return {
        "networks": [spec for spec in topology.networks if _lacks_network(site, spec, owner)],
        "subnets": [spec for spec in topology.subnets if spec.network not in topology.networks_of_others and _lacks_subnet(site, spec, owner)],
        "routers": _routers(topology, site, owner),
        "security_groups": _security_groups(topology, site, owner),
        "address_groups": [spec for spec in topology.address_groups if missing_addresses(site, spec, owner) is not None],
        "key_pairs": [spec for spec in topology.key_pairs if spec.name not in site.key_pairs],
        "server_groups": [spec for spec in topology.server_groups if site.server_group(spec.name) is None],
    }


def as_dicts(found: Lacking) -> dict[str, list[dict[str, t.Any]]]:
    return {kind: [dataclasses.asdict(spec) for spec in specs] for kind, specs in found.items()}


def is_made(site: RestoreSite, owner: Mark, resource: Network | Subnet | Router | SecurityGroup | AddressGroup) -> bool:
    """Whether the restore itself made something; others may have restored the same checkpoint in their project."""
    return site.is_own(resource) and bears_mark_of(owner, resource.description)


def _is_untagged(site: RestoreSite, owner: Mark, spec: t.Any, there: Network | Subnet | Router | SecurityGroup) -> bool:
    return is_made(site, owner, there) and lacks_tags(site, owner, spec.tags, there.tags)


def _lacks_network(site: RestoreSite, spec: NetworkSpec, owner: Mark) -> bool:
    if spec.is_of_others:
        return False
    there = site.network(spec.name)
    return there is None or _is_untagged(site, owner, spec, there) or (is_made(site, owner, there) and lacks_mtu(site, spec, there))


def lacks_mtu(site: RestoreSite, spec: NetworkSpec, there: Network) -> bool:
    """Whether a network that the restore made is to get the smaller MTU of the source, where Neutron lets one say."""
    return MTU in site.extensions and 0 < spec.mtu < there.mtu


def _lacks_subnet(site: RestoreSite, spec: SubnetSpec, owner: Mark) -> bool:
    there = site.subnets_called(spec.name, site.network(spec.network))
    return not there or _is_untagged(site, owner, spec, there[0])


# Routers


def missing_routes(topology: Topology, site: RestoreSite, spec: RouterSpec, router: Router | None) -> list[t.Mapping[str, str]]:
    """Routes that a router is to get: Neutron takes none to an address on no subnet that it joins."""
    ranges = [one.cidr for one in topology.subnets if one.name in spec.subnets and not is_of_others(topology, site, one.name)]
    there = router.routes if router else ()
    return [one for one in spec.routes if one not in there and any(holds(cidr, one["nexthop"]) for cidr in ranges)]


def _is_incomplete(topology: Topology, site: RestoreSite, spec: RouterSpec, owner: Mark) -> bool:
    router = site.router(spec.name)
    if router is None or not is_made(site, owner, router):
        return False
    return _is_untagged(site, owner, spec, router) or (ROUTES in site.extensions and bool(missing_routes(topology, site, spec, router)))


def _routers(topology: Topology, site: RestoreSite, owner: Mark) -> list[RouterSpec]:
    """Missing routers, and incomplete ones with the ids of the subnets that they have and must keep."""
    found = []
    for spec in topology.routers:
        router, wanted = site.router(spec.name), [name for name in spec.subnets if not is_of_others(topology, site, name)]
        if router is not None:
            joined = joined_subnets(site, router)
            wanted = [name for name in wanted if not any(one.id in joined for one in _there(topology, site, name))]
            lacks = wanted or _is_incomplete(topology, site, spec, owner)
            found += [dataclasses.replace(spec, subnets=(*joined, *wanted))] if lacks else []
        elif wanted or not spec.subnets:
            found.append(dataclasses.replace(spec, subnets=tuple(wanted)))
    return found


def is_of_others(topology: Topology, site: RestoreSite, subnet: str) -> bool:
    """Whether a subnet is, or would be, on a network that another project shares: its owner says who joins it."""
    network = _network_of(topology, site, subnet)
    return topology.is_of_others(subnet) if network is None else not site.is_own(network)


def _network_of(topology: Topology, site: RestoreSite, subnet: str) -> Network | None:
    names = (spec.network for spec in topology.subnets if spec.name == subnet)
    return next((network for name in names if (network := site.network(name))), None)


def _there(topology: Topology, site: RestoreSite, subnet: str) -> list[Subnet]:
    return site.subnets_called(subnet, _network_of(topology, site, subnet))


def interface_address(router: RouterSpec, subnet: SubnetSpec, there: Subnet | None, is_ours: bool) -> str | None:
    """The address that a router is to get on a subnet: one of its own, or that of the gateway.

    :param there: the subnet, where it is there already.
    :param is_ours: whether the router is made by the restore; one of somebody else gets the gateway's address of the source.
    """
    own = next((one.ip_address for one in router.interface_addresses if one.subnet == subnet.name), None)
    return own or (there.gateway_ip if there and is_ours else subnet.gateway_ip)


def has_automatic_addresses(topology: Topology, site: RestoreSite, network: str) -> bool:
    """Whether a network has a subnet on which addresses follow from MAC addresses, or will have one: every port gets one of these, too."""
    there = site.network(network)
    modes = [(one.ipv6_ra_mode, one.ipv6_address_mode) for one in topology.subnets if one.network == network]
    modes += [(one.ipv6_ra_mode, one.ipv6_address_mode) for one in site.subnets if there and one.network_id == there.id]
    return any(derives_addresses(ra, address) for ra, address in modes)


def joined_subnets(site: RestoreSite, router: Router) -> dict[str, str]:
    """Name per id of the subnets that a router has an interface in."""
    names = {subnet.id: subnet.name for subnet in site.subnets}
    ports = [port for port in site.all_ports if port.device_id == router.id and port.network_id != router.external_network_id]
    return {ip.subnet_id: names.get(ip.subnet_id, "") for port in ports for ip in port.fixed_ips}


# Security groups


def _security_groups(topology: Topology, site: RestoreSite, owner: Mark) -> list[SecurityGroupSpec]:
    names = site.group_names(topology)
    found = []
    for spec in topology.security_groups:
        group, wanted = site.own_security_group(spec.name), set(spec.rules)
        there = {rule_spec(rule, names) for rule in group.rules} if group else None
        if spec.name == _DEFAULT_GROUP and there:
            wanted |= there
        incomplete = group and (_is_untagged(site, owner, spec, group) or redescribed(site, owner, spec, group, names))
        if there != wanted or incomplete:
            found.append(dataclasses.replace(spec, rules=tuple(sorted(wanted, key=repr))))
    return found


def redescribed(
    site: RestoreSite, owner: Mark, spec: SecurityGroupSpec, group: SecurityGroup, names: t.Mapping[str, str]
) -> dict[SecurityGroupRule, SecurityGroupRuleSpec]:
    """Rules of a group that the restore made, to be made anew with the source's descriptions: Neutron makes some by itself, and changes none.

    :param names: per id of groups, as rules name them.
    :returns: what the source has, per rule that is there.
    """
    return _described_otherwise(spec, group, names) if is_made(site, owner, group) else {}


def _described_otherwise(spec: SecurityGroupSpec, group: SecurityGroup, names: t.Mapping[str, str]) -> dict[SecurityGroupRule, SecurityGroupRuleSpec]:
    wanted = {rule: rule for rule in spec.rules}
    there = ((rule, wanted.get(rule_spec(rule, names))) for rule in group.rules)
    return {rule: described for rule, described in there if described and described.description != rule.description}


def kept_descriptions(topology: Topology, site: RestoreSite, owner: Mark) -> t.Iterator[str]:
    """Rules that are described in another way than at the source, in groups that the restore did not make: they stay."""
    names = site.group_names(topology)
    for spec in topology.security_groups:
        group = site.own_security_group(spec.name)
        for rule, described in _described_otherwise(spec, group, names).items() if group and not is_made(site, owner, group) else ():
            yield (
                f"A rule of security group '{spec.name}' at site '{site.name}' ({_in_words(described)}) keeps its description there, '{rule.description}' "
                f"instead of '{described.description}': Neutron changes none. To have the other one, remove the rule there before the restore."
            )


def changed_rules(topology: Topology, site: RestoreSite, owner: Mark) -> t.Iterator[str]:
    """Rules of groups that the restore did not make, and that get the rules of the source; of ``default``, others tell."""
    names = site.group_names(topology)
    for spec in topology.security_groups:
        group = site.own_security_group(spec.name) if spec.name != _DEFAULT_GROUP else None
        there = {rule_spec(rule, names) for rule in group.rules} if group else set()
        if group and there != {*spec.rules} and not is_made(site, owner, group):
            lists = (there - {*spec.rules}, {*spec.rules} - there)
            goes, comes = ("; ".join(sorted(map(_in_words, rules))) or "none" for rules in lists)
            yield (
                f"At site '{site.name}', security group '{spec.name}' is there already and gets the rules of the source (security_group_rules): what goes is "
                f"{goes}; what comes is {comes}. If something else needs the group as it is, name another one in a mapping."
            )


def missing_addresses(site: RestoreSite, spec: AddressGroupSpec, owner: Mark) -> list[str] | None:
    """The addresses that an address group is to get; None for one that is complete, or that somebody else has made."""
    there = site.own_address_group(spec.name)
    if there is None:
        return list(spec.addresses)
    missing = [one for one in spec.addresses if one not in there.addresses]
    return missing if missing and is_made(site, owner, there) else None


def address_group_problems(topology: Topology, site: RestoreSite, owner: Mark) -> t.Iterator[str]:
    """Address groups that others have filled in another way, and sites that have none."""
    for spec in topology.address_groups:
        there = site.own_address_group(spec.name)
        if there and not is_made(site, owner, there) and {*there.addresses} != {*spec.addresses}:
            yield (
                f"Address group '{spec.name}' exists at site '{site.name}' with other addresses ({', '.join(there.addresses) or 'none'} instead of "
                f"{', '.join(spec.addresses) or 'none'}); make them the same, rename what is there, or name another one in a mapping."
            )
    named = sorted({rule.remote_address_group for spec in topology.security_groups for rule in spec.rules if rule.remote_address_group})
    if named and not {*_ADDRESS_GROUPS} <= site.extensions:
        yield (
            f"Rules of the application's security groups name the address groups {', '.join(named)}, but the Neutron of site '{site.name}' has no "
            f"extensions {' and '.join(_ADDRESS_GROUPS)}; write the addresses into rules at the source, and take another checkpoint."
        )


def kept_rules(topology: Topology, site: RestoreSite) -> t.Iterator[str]:
    """Rules of the project's group ``default`` that the source did not have: it serves others too, so they stay."""
    names = site.group_names(topology)
    for spec in topology.security_groups:
        group = site.own_security_group(spec.name) if spec.name == _DEFAULT_GROUP else None
        there = [rule_spec(rule, names) for rule in group.rules] if group else []
        more = [rule for rule in there if rule not in spec.rules]
        if more:
            yield (
                f"Security group '{spec.name}' at site '{site.name}' has {len(more)} rules that it does not have at the source, and keeps them because it "
                f"serves others too: {'; '.join(sorted(map(_in_words, more)))}. Remove them there if nothing needs them."
            )


def _in_words(rule: SecurityGroupRuleSpec) -> str:
    ports = "" if rule.port_range_min is None else f" {rule.port_range_min}-{rule.port_range_max}"
    far = rule.remote_ip_prefix or (f"group {rule.remote_group}" if rule.remote_group else rule.remote_address_group or "anywhere")
    return f"{rule.direction} {rule.ether_type} {rule.protocol or 'any protocol'}{ports}, {far}"


# What cannot stand for what is described


def same_key(one: str, other: str) -> bool:
    """Whether type and key are the same; comments are ignored."""
    return one.split()[:2] == other.split()[:2]


def subnet_differences(site: RestoreSite, spec: SubnetSpec) -> t.Iterator[str]:
    """Why an existing subnet of this name cannot replace the described one."""
    network = site.network(spec.network)
    way_out = f"rename or remove what is at site '{site.name}', or say in a mapping what to use instead."
    if network and not site.is_own(network):
        way_out = f"name its range in a mapping (cidr), with policy: remap or new. At site '{site.name}' it belongs to another project."
    for subnet in site.subnets_called(spec.name, network):
        if subnet.cidr != spec.cidr:
            yield f"Subnet '{spec.name}' exists with {subnet.cidr} instead of {spec.cidr}; {way_out}"
        if network is None or subnet.network_id != network.id:
            yield f"Subnet '{spec.name}' exists on another network than '{spec.network}'; {way_out}"


def sharing_problems(site: RestoreSite, found: Lacking) -> t.Iterator[str]:
    """Subnets that would have to be created on a network of another project."""
    for spec in found["subnets"]:
        network = site.network(spec.network)
        if network is not None and not site.is_own(network):
            yield (
                f"Subnet '{spec.name}' does not exist, and its network '{spec.network}' at site '{site.name}' belongs to another project; have that "
                "project create it, or say in a mapping what to use instead."
            )


def smaller_mtu(spec: NetworkSpec, there: Network, site: str) -> str:
    return (
        f"Network '{spec.name}' has an MTU of {there.mtu} at site '{site}' and {spec.mtu} at the source. Guests that send larger packets lose them: "
        "raise the MTU there, or lower it in the guests."
    )


def mtu_doubts(topology: Topology, site: RestoreSite) -> t.Iterator[str]:
    """Existing networks with a smaller MTU than those of the source."""
    for spec in topology.networks:
        there = site.network(spec.name)
        if there and 0 < there.mtu < spec.mtu:
            yield smaller_mtu(spec, there, site.name)


def sharing_doubts(topology: Topology, site: RestoreSite) -> t.Iterator[str]:
    """Connections of routers that are left out because they would change another project's network."""
    for spec in topology.routers:
        router = site.router(spec.name)
        joined = joined_subnets(site, router) if router else {}
        for name in spec.subnets:
            if is_of_others(topology, site, name) and not any(one.id in joined for one in _there(topology, site, name)):
                yield (
                    f"Router '{spec.name}' is not connected to subnet '{name}' at site '{site.name}', whose network belongs to another project: "
                    "routes out of it, and floating addresses, depend on that project."
                )
