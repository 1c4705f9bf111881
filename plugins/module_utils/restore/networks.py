# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Make the parts of an application's topology that a site lacks, each marked in the request that creates it."""

from __future__ import annotations

import dataclasses
import typing as t

from ..cloud.compute import Compute
from ..cloud.network import Networking
from ..core.errors import CheckFailed, NotFound
from ..core.marking import Mark
from ..core.records import Network, Router, SecurityGroup, Subnet
from ..manifest.rules import rule_spec
from ..manifest.specs import AddressGroupSpec, KeyPairSpec, NetworkSpec, RouterSpec, SecurityGroupRuleSpec, SecurityGroupSpec, ServerGroupSpec, SubnetSpec
from ..work.pool import each, run_all
from .losses import losses_of_networks
from .making import Maker
from .marks import owner_of
from .plan import RestorePlan
from .reservation import reserving_pools
from .service_types import can_join, kept_open, owner_for
from .topology import (
    Lacking,
    has_automatic_addresses,
    interface_address,
    is_made,
    joined_subnets,
    lacks_mtu,
    missing_addresses,
    missing_routes,
    redescribed,
    sharing_problems,
    smaller_mtu,
)
from .wishes import (
    ROUTES,
    SERVICE_TYPES,
    Wishes,
    gateway_wishes,
    group_wishes,
    in_words,
    lacks_tags,
    network_wishes,
    router_wishes,
    subnet_wishes,
    tags_of,
)


class NetworkRestore:
    """Networks, subnets, routers, security groups, server groups and key pairs of one application at one site.

    :param concurrency: how many are made at once.
    """

    def __init__(self, network: Networking, compute: Compute, plan: RestorePlan, concurrency: int) -> None:
        self._network = network
        self._compute = compute
        self._plan = plan
        self._concurrency = concurrency
        self._site = plan.site
        self._owner: Mark = owner_of(plan.manifest)
        #: Id per name, by kind; what is made comes to it.
        self._ids: dict[str, dict[str, str]] = {"networks": {}, "subnets": {}, "security groups": {}, "address groups": {}}
        #: Router per port that an interrupted run has left for one.
        self._left_to: dict[str, str] = {}
        self._maker = Maker(network, plan.site)
        #: What an operator should know of what was made.
        self.warnings: list[str] = self._maker.warnings
        self.warnings += losses_of_networks(plan)

    def apply(self) -> None:
        """Make everything that the plan lists as missing.

        :raises CheckFailed: when something would have to be made inside of what belongs to another project; nothing is made then.
        :raises DrError: naming each that failed; what has been made is kept for the next run.
        """
        refused = list(sharing_problems(self._site, self._plan.lacking))
        if refused:
            raise CheckFailed(f"The networks cannot be made at site '{self._site.name}'", refused)
        lacking = self._plan.lacking
        run_all(
            {
                "networks": lambda: self._make_networks(lacking),
                "security groups": lambda: self._make_security_groups(lacking),
                "server groups": lambda: self._each(lacking["server_groups"], self._make_server_group),
                "key pairs": lambda: self._each(lacking["key_pairs"], self._make_key_pair),
            },
            self._concurrency,
        )

    def _each(self, specs: t.Iterable[t.Any], make: t.Callable[[t.Any], t.Any]) -> list[t.Any]:
        return each(specs, make, self._concurrency)

    def _body(self, spec: NetworkSpec | SubnetSpec | RouterSpec | SecurityGroupSpec, **more: t.Any) -> dict[str, t.Any]:
        """The start of a body, with the mark in the description: Neutron keeps nothing else in the request that creates."""
        return {"name": spec.name, "description": self._owner.beside(spec.description), **more}

    def _tag(self, what: str, collection: str, spec: t.Any, there: Network | Subnet | Router | SecurityGroup) -> None:
        """Set the tags of what this restore made; an interrupted run may have left it without."""
        if is_made(self._site, self._owner, there) and lacks_tags(self._site, self._owner, spec.tags, there.tags):
            self._maker.tag(f"{what} '{spec.name}'", collection, there.id, tags_of(self._owner, spec.tags, there.tags))

    # Networks

    def _make_networks(self, lacking: Lacking) -> None:
        self._each(lacking["networks"], self._make_network)
        subnets = self._each(lacking["subnets"], self._make_subnet)
        self._each(lacking["routers"], self._make_router)
        self._each(zip(lacking["subnets"], subnets, strict=True), lambda pair: self._complete_subnet(*pair))

    def _make_network(self, spec: NetworkSpec) -> None:
        made = self._site.network(spec.name) or self._new_network(spec)
        self._ids["networks"][spec.name] = made.id
        if lacks_mtu(self._site, spec, made):
            # Not in the request that creates it: not every site lets one say.
            self._maker.give(f"Network '{spec.name}'", f"an MTU of {spec.mtu} (mtu)", lambda: self._network.set_mtu(made.id, spec.mtu))
        self._tag("Network", "networks", spec, made)

    def _new_network(self, spec: NetworkSpec) -> Network:
        wishes = network_wishes(self._site, spec, self._owner)
        made = self._maker.make(f"Network '{spec.name}'", self._network.create_network, self._body(spec), wishes)
        if 0 < made.mtu < spec.mtu:
            self.warnings.append(smaller_mtu(spec, made, self._site.name))
        return made

    def _make_subnet(self, spec: SubnetSpec) -> Subnet:
        there = self._site.subnets_called(spec.name, self._site.network(spec.network))
        made = there[0] if there else self._new_subnet(spec)
        self._ids["subnets"][spec.name] = made.id
        return made

    def _new_subnet(self, spec: SubnetSpec) -> Subnet:
        body = self._body(
            spec,
            network_id=self._network_id(spec.network),
            cidr=spec.cidr,
            ip_version=spec.ip_version,
            gateway_ip=spec.gateway_ip,
            enable_dhcp=spec.enable_dhcp,
            allocation_pools=reserving_pools(self._plan.whole, spec),
        )
        modes = {"ipv6_ra_mode": spec.ipv6_ra_mode, "ipv6_address_mode": spec.ipv6_address_mode}
        body |= {key: mode for key, mode in modes.items() if mode}
        return self._maker.make(f"Subnet '{spec.name}'", self._network.create_subnet, body, self._wishes_for(spec).without([SERVICE_TYPES]))

    def _wishes_for(self, spec: SubnetSpec) -> Wishes:
        return subnet_wishes(self._site, spec, self._owner, is_kept_open=spec.name in kept_open(self._plan.whole, self._site))

    def _complete_subnet(self, spec: SubnetSpec, subnet: Subnet) -> None:
        """Give a subnet its service types, which would keep Neutron's own ports from it, and routers, and then its tags, by which a later run knows it."""
        types = self._wishes_for(spec).body.get(SERVICE_TYPES)
        if types and not subnet.service_types:
            told = f"{SERVICE_TYPES} ({', '.join(types)})"
            self._maker.give(f"Subnet '{spec.name}'", told, lambda: self._network.set_service_types(subnet.id, types))
        self._tag("Subnet", "subnets", spec, subnet)

    # Routers

    def _make_router(self, spec: RouterSpec) -> None:
        router = self._site.router(spec.name)
        has = joined_subnets(self._site, router) if router else {}
        router = router or self._new_router(spec)
        for subnet in spec.subnets:
            if subnet not in has:
                self._join(spec, router, subnet)
        if is_made(self._site, self._owner, router):
            self._set_routes(spec, router)
            self._tag("Router", "routers", spec, router)

    def _new_router(self, spec: RouterSpec) -> Router:
        body, wishes = self._body(spec), router_wishes(self._site, spec, self._owner)
        if spec.external_network:
            network = self._site.external_network(spec.external_network)
            if network is None:
                raise self._unknown("external network", spec.external_network)
            gateway = {"network_id": network.id}
            more = gateway_wishes(self._site, spec, network)
            body["external_gateway_info"] = gateway
            if more.body:
                key = "external_gateway_info"
                whole, told = {**wishes.body, key: {**gateway, **more.body}}, {**wishes.names, key: ", ".join(more.names.values())}
                wishes = dataclasses.replace(wishes, body=whole, names=told)
        return self._maker.make(f"Router '{spec.name}'", self._network.create_router, body, wishes)

    def _join(self, spec: RouterSpec, router: Router, name: str) -> None:
        """Join a subnet by its gateway's address, or else by a port that has another one or is to be known as this restore's.

        Where router and subnet go together, nobody has to know the interface. On a subnet that stays, it tells that the router is joined by us alone.
        Where every port gets an automatic address as well, an interface made of one would have that, too: there it is told afterwards.
        """
        subnet_id = self._subnet_id(name)
        has_address = any(one.subnet == name for one in spec.interface_addresses)
        topology = self._plan.manifest.description.topology
        described = next(one for one in topology.subnets if one.name == name)
        there = [one for one in self._site.subnets if one.id == subnet_id]
        is_automatic = has_automatic_addresses(topology, self._site, described.network)
        is_open = all(can_join(one) and (is_automatic or is_made(self._site, self._owner, one)) for one in there)
        is_ours = is_made(self._site, self._owner, router)
        if not has_address and is_open and is_ours:
            port_id = self._network.add_router_interface(router.id, subnet_id)
            if not all(is_made(self._site, self._owner, one) for one in there):
                self._network.describe_port(port_id, self._owner.text())
        else:
            address = interface_address(spec, described, next(iter(there), None), is_ours)
            wanted = {"subnet_id": subnet_id, "ip_address": address}
            left = self._left_interface(spec.name, described, wanted)
            self._network.add_router_port(router.id, left or self._interface(spec.name, self._network_id(described.network), wanted))

    def _left_interface(self, router: str, subnet: SubnetSpec, wanted: t.Mapping[str, str | None]) -> str | None:
        """A port to join a subnet with that an interrupted run has left: for one router, and not for one that is to have another address."""
        routers = self._plan.manifest.description.topology.routers
        chosen = {one.ip_address for spec in routers for one in spec.interface_addresses if one.subnet == subnet.name}
        others = {*chosen, subnet.gateway_ip} - {wanted["ip_address"]}
        left = []
        for port in self._site.ports:
            addresses = {ip.ip_address for ip in port.fixed_ips if ip.subnet_id == wanted["subnet_id"]}
            if addresses and not addresses & others and not port.device_id and Mark.of_text(port.description) == self._owner:
                left.append((wanted["ip_address"] not in addresses, port.id))
        return next((port_id for _is_elsewhere, port_id in sorted(left) if self._left_to.setdefault(port_id, router) == router), None)

    def _interface(self, router: str, network_id: str, wanted: t.Mapping[str, str | None]) -> str:
        """A port to join a subnet with, with the wanted address where it is free."""
        anywhere = [{"subnet_id": wanted["subnet_id"]}]
        owner = owner_for(one.service_types for one in self._site.subnets if one.id == wanted["subnet_id"])
        body = {"name": "", "description": self._owner.text(), "network_id": network_id, "fixed_ips": anywhere, "security_group_ids": []}
        body |= {"device_owner": owner} if owner else {}
        wishes: dict[str, t.Any] = {"fixed_ips": [dict(wanted)]} if wanted["ip_address"] else {}
        told = {"fixed_ips": f"the address {wanted['ip_address']} (interfaces)"}
        return self._maker.make(f"An interface of router '{router}'", self._network.create_port, body, Wishes(wishes, told)).id

    def _set_routes(self, spec: RouterSpec, router: Router) -> None:
        """Set the routes that a router of this restore lacks; what somebody has added stays."""
        described = next(one for one in self._plan.manifest.description.topology.routers if one.name == spec.name)
        missing = missing_routes(self._plan.manifest.description.topology, self._site, described, router)
        if missing and ROUTES in self._site.extensions:
            routes = [*router.routes, *missing]
            self._maker.give(f"Router '{spec.name}'", f"routes ({in_words(missing)})", lambda: self._network.set_routes(router.id, routes))

    # Security groups

    def _make_security_groups(self, lacking: Lacking) -> None:
        """Make all groups before the first rule, because rules name groups."""
        self._each(lacking["address_groups"], self._address_group)
        specs = lacking["security_groups"]
        groups = self._each(specs, self._group)
        self._each(zip(specs, groups, strict=True), lambda pair: self._set_rules(*pair))

    def _address_group(self, spec: AddressGroupSpec) -> None:
        there, missing = self._site.own_address_group(spec.name), missing_addresses(self._site, spec, self._owner) or []
        if there is None:
            body = {"name": spec.name, "description": self._owner.beside(spec.description), "addresses": missing}
            there = self._network.create_address_group(body)
        else:
            self._network.add_addresses(there.id, missing)
        self._ids["address groups"][spec.name] = there.id

    def _group(self, spec: SecurityGroupSpec) -> SecurityGroup:
        group = self._site.own_security_group(spec.name) or self._new_security_group(spec)
        self._ids["security groups"][spec.name] = group.id
        self._tag("Security group", "security-groups", spec, group)
        return group

    def _new_security_group(self, spec: SecurityGroupSpec) -> SecurityGroup:
        wishes = group_wishes(self._site, spec, self._owner)
        return self._maker.make(f"Security group '{spec.name}'", self._network.create_security_group, self._body(spec), wishes)

    def _set_rules(self, spec: SecurityGroupSpec, group: SecurityGroup) -> None:
        """Give a security group its rules.

        :param group: of the project.
        """
        made = {**self._ids["security groups"], **self._ids["address groups"]}
        names = self._site.group_names(self._plan.manifest.description.topology) | {one: name for name, one in made.items()}
        anew = redescribed(self._site, self._owner, spec, group, names)
        self._each([rule.id for rule in anew], self._delete_rule)
        there = {rule_spec(rule, names): rule.id for rule in group.rules if rule not in anew}
        wanted = [self._rule_body(rule, group.id) for rule in spec.rules if rule not in there]
        if wanted:
            self._network.create_rules(wanted)
        self._each([rule_id for rule, rule_id in there.items() if rule not in spec.rules], self._delete_rule)

    def _delete_rule(self, rule_id: str) -> None:
        self._network.delete("security-group-rules", rule_id)

    def _rule_body(self, rule: SecurityGroupRuleSpec, group_id: str) -> dict[str, t.Any]:
        # Not every Neutron knows address groups.
        addresses = {"remote_address_group_id": self._address_group_id(rule.remote_address_group)} if rule.remote_address_group else {}
        return {
            **addresses,
            **({"description": rule.description} if rule.description else {}),
            "security_group_id": group_id,
            "direction": rule.direction,
            "ethertype": rule.ether_type,
            "protocol": rule.protocol,
            "port_range_min": rule.port_range_min,
            "port_range_max": rule.port_range_max,
            "remote_ip_prefix": rule.remote_ip_prefix,
            "remote_group_id": self._security_group_id(rule.remote_group) if rule.remote_group else None,
        }

    def _make_server_group(self, spec: ServerGroupSpec) -> None:
        """Make a server group. It cannot be marked; its name contains the application and the drill."""
        self._compute.create_server_group(spec.name, spec.policy, spec.max_per_host)

    def _make_key_pair(self, spec: KeyPairSpec) -> None:
        self._compute.create_key_pair(spec.name, self._owner.after(spec.public_key))

    # What things are called at the site

    def _network_id(self, name: str) -> str:
        network = self._site.network(name)
        return self._known("network", name, network.id if network else self._ids["networks"].get(name))

    def _subnet_id(self, name: str) -> str:
        networks = [spec.network for spec in self._plan.manifest.description.topology.subnets if spec.name == name]
        network = self._site.network(networks[0]) if networks else None
        there = self._site.subnet_id(network.id, name) if network else None
        return self._known("subnet", name, there or self._ids["subnets"].get(name))

    def _security_group_id(self, name: str) -> str:
        return self._known("security group", name, self._ids["security groups"].get(name) or self._site.security_group_id(name))

    def _address_group_id(self, name: str) -> str:
        there = next(iter(self._site.address_groups_called(name)), None)
        return self._known("address group", name, self._ids["address groups"].get(name) or (there.id if there else None))

    def _known(self, what: str, name: str, found: str | None) -> str:
        if found is None:
            raise self._unknown(what, name)
        return found

    def _unknown(self, what: str, name: str) -> NotFound:
        return NotFound(f"Site '{self._site.name}' has no {what} '{name}'.", "Create it, or say in a mapping which one to use.")


def shown(lacking: Lacking) -> dict[str, list[str]]:
    """The names of what is made or completed, per kind."""
    return {kind: [spec.name for spec in specs] for kind, specs in lacking.items()}
