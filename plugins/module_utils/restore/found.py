# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""How what is used because it is there already differs from what the checkpoint describes: named, and never changed. Pure.

Somebody may have prepared a network of the application's name, or another checkpoint's restore may have left one. It is described as a capture would
describe it, and compared attribute by attribute, as the registry has them. What a mapping or the site says otherwise on purpose is made the same before:
names, ids, and addresses of other ranges.
"""

from __future__ import annotations

import dataclasses
import functools
import json
import os
import typing as t

from ..core.marking import Mark
from ..core.records import Flavor, FloatingIp, NamedFlavor, Network, Router, SecurityGroup, Subnet
from ..manifest import attributes
from ..manifest.addresses import contains, derives_addresses
from ..manifest.attributes import Kind
from ..manifest.describing import (
    SNAT_OF_DISTRIBUTED,
    Called,
    address_group_spec,
    floating_spec,
    network_spec,
    port_spec,
    router_spec,
    security_group_spec,
    subnet_spec,
    trunk_spec,
)
from ..manifest.missing import EMPTY, Resource, missing_of, short
from ..manifest.specs import AddressSpec, FloatingSpec, RouterSpec, SubnetSpec, SubportSpec
from .marks import owner_of
from .plan import RestorePlan
from .server_plan import ServerStep
from .service_types import owner_of_port
from .topology import is_made, is_of_others, joined_subnets
from .wishes import OF_ADMINISTRATORS

#: So much of two long values is shown before they begin to differ.
_BEFORE = 10
#: Their order means something.
_IN_ORDER = ("dns_nameservers",)
#: What a difference may mean for servers, where that is more than it says.
_MEANINGS = {
    "gateway_ip": "servers take their default route from it",
    "enable_dhcp": "servers that ask for their addresses depend on it",
    "port_security_enabled": "without it, nothing filters what reaches ports that do not have their own",
}


def differences_of_networks(plan: RestorePlan) -> list[str]:
    """What is there already of an application's networks and of all around them."""
    used = _Used(plan)
    return _sentences(plan, used.networks(), used.subnets(), used.routers(), used.groups(), used.address_groups())


def differences_of_servers(plan: RestorePlan) -> list[str]:
    """What is there already of ports, and of what leads to them; and the flavors that servers get."""
    used = _Used(plan)
    return [*_flavors(plan), *_sentences(plan, used.ports(), used.floating_ips(), used.trunks()), *_further_addresses(plan)]


def used_subnets(plan: RestorePlan) -> t.Iterator[tuple[SubnetSpec, Subnet]]:
    """Subnets that somebody else has made, and that are used for the application's own."""
    site, topology = plan.site, plan.manifest.description.topology
    for spec in topology.subnets:
        subnet = next(iter(site.subnets_called(spec.name, site.network(spec.network))), None)
        if subnet and spec.network not in topology.networks_of_others and not _is_made(plan, subnet):
            yield spec, subnet


def _is_made(plan: RestorePlan, resource: t.Any) -> bool:
    return is_made(plan.site, owner_of(plan.manifest), resource)


@dataclasses.dataclass(frozen=True)
class _Thing:
    """Something that is used as it is.

    :param label: as messages call it.
    :param described: what the checkpoint says of it.
    :param there: the same of what is there.
    :param record: what the site says of it.
    :param more: differences that no field has.
    """

    kind: Kind
    label: str
    described: t.Any
    there: t.Any
    record: t.Any
    more: tuple[str, ...] = ()

    def sentences(self, plan: RestorePlan) -> t.Iterator[str]:
        told = [*differences(self.kind, self.described, self.there), *self._beyond(plan), *self.more]
        if told:
            whose = Mark.of_text(self.record.description)
            origin = f"is there already, from {_restore(whose)}," if whose else "is there already"
            yield f"At site '{plan.site.name}', {self.label} {origin} and stays as it is: {'; '.join(told)}."

    def _beyond(self, plan: RestorePlan) -> t.Iterator[str]:
        """What is there of attributes that no restore sets."""
        named = {(one.resource, one.attribute, one.value) for one in plan.manifest.description.missing}
        compared = {self.kind.described_by(field.name) for field in dataclasses.fields(self.described)}
        for one in missing_of(self.kind, f"'{getattr(self.described, 'name', '')}'", _without_those_of_others(plan, self.record)):
            if one.attribute not in compared and (one.resource, one.attribute, one.value) not in named:
                yield f"{one.attribute} is {one.value}, which no restore would set"


def _without_those_of_others(plan: RestorePlan, record: t.Any) -> Resource:
    """What a site says of something; that a network of others is shared goes without saying."""
    return {key: value for key, value in record.answer.items() if key != "shared" or record.project_id == plan.site.project_id}


def _restore(mark: Mark) -> str:
    return f"drill '{mark.drill}'" if mark.drill else f"a restore of checkpoint '{mark.checkpoint}'"


def differences(kind: Kind, described: t.Any, there: t.Any) -> list[str]:
    """Every attribute of the registry in which two descriptions differ, with both values."""
    found = []
    for field in dataclasses.fields(described):
        attribute = kind.described_by(field.name)
        was, now = getattr(described, field.name), getattr(there, field.name)
        if attribute and not _is_same(field.name, was, now):
            is_hidden = attribute in OF_ADMINISTRATORS and now in EMPTY
            values = _apart("not shown" if is_hidden else _told(now), _told(was))
            meaning = f" ({_MEANINGS[attribute]})" if attribute in _MEANINGS else ""
            found.append(f"{kind.told(field.name)} is {values[0]} instead of {values[1]}{meaning}")
    return found


def _is_same(field: str, one: t.Any, other: t.Any) -> bool:
    if isinstance(one, tuple) and field not in _IN_ORDER:
        return sorted(one, key=_sorted) == sorted(other, key=_sorted)
    return bool(one == other) or (one in EMPTY and other in EMPTY)


def _sorted(value: t.Any) -> str:
    return repr(sorted(value.items())) if isinstance(value, t.Mapping) else repr(value)


def _told(value: t.Any) -> str:
    return "none" if value in EMPTY else json.dumps(_plain(value), ensure_ascii=False, sort_keys=True)


def _plain(value: t.Any) -> t.Any:
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return dataclasses.asdict(value)
    return [_plain(one) for one in value] if isinstance(value, tuple) else value


def _apart(one: str, other: str) -> tuple[str, str]:
    """Two texts in short, from shortly before where they begin to differ if that would be cut off."""
    if short(one) != short(other):
        return short(one), short(other)
    begin = len(os.path.commonprefix([one, other])) - _BEFORE
    return short(f"…{one[begin:]}"), short(f"…{other[begin:]}")


def _sentences(plan: RestorePlan, *kinds: t.Iterable[_Thing]) -> list[str]:
    return [sentence for found in kinds for one in found for sentence in one.sentences(plan)]


class _Used:
    """All that is there already and used, of each kind, without what others refuse: server groups, key pairs, and what addresses address groups have."""

    def __init__(self, plan: RestorePlan) -> None:
        self._plan = plan
        self._site = plan.site
        self._topology = plan.manifest.description.topology

    # Networks, and all around them

    def networks(self) -> t.Iterator[_Thing]:
        for spec in self._topology.networks:
            network = self._site.network(spec.name)
            if network and not spec.is_of_others and not _is_made(self._plan, network):
                # Of a smaller MTU, others tell, and not every site says it.
                said = network_spec(network, self._called)
                there = dataclasses.replace(said, name=spec.name, mtu=max(network.mtu, spec.mtu))
                yield _Thing(attributes.NETWORK, f"network '{spec.name}'", spec, there, network, self._further_subnets(network))

    def _further_subnets(self, network: Network) -> tuple[str, ...]:
        """Subnets of a network that the application does not have: its ports may get addresses of them, too."""
        described, site = self._plan.whole.description.topology.subnets, self._site
        known = {one.id for spec in described for one in site.subnets_called(spec.name, site.network(spec.network))}
        further = sorted(f"'{one.name or one.id}' ({one.cidr})" for one in site.subnets if one.network_id == network.id and one.id not in known)
        return (f"it has further subnets: {', '.join(further)}",) if further else ()

    def subnets(self) -> t.Iterator[_Thing]:
        for spec, subnet in used_subnets(self._plan):
            there = dataclasses.replace(subnet_spec(subnet, self._called), name=spec.name, network=spec.network, cidr=spec.cidr)
            yield _Thing(attributes.SUBNET, f"subnet '{spec.name}'", spec, there, subnet)

    def routers(self) -> t.Iterator[_Thing]:
        for spec in self._topology.routers:
            router = self._site.router(spec.name)
            if router and not _is_made(self._plan, router):
                wanted, found = self._interfaces(spec, router)
                described = dataclasses.replace(spec, subnets=(), interface_addresses=tuple(wanted))
                there = dataclasses.replace(router_spec(router, self._called), name=spec.name, interface_addresses=tuple(found))
                yield _Thing(attributes.ROUTER, f"router '{spec.name}'", described, self._as_far_as_said(described, there, router), router)

    def _interfaces(self, spec: RouterSpec, router: Router) -> tuple[list[AddressSpec], list[AddressSpec]]:
        """Addresses on those of the application's subnets that a router joins: what it should have, and what it has. It will join the others."""
        site, joined, wanted, found = self._site, joined_subnets(self._site, router), [], []
        ports = [port for port in site.all_ports if port.device_id == router.id and port.device_owner != SNAT_OF_DISTRIBUTED]
        for subnet in self._topology.subnets:
            ids = {one.id for one in site.subnets_called(subnet.name, site.network(subnet.network))} & joined.keys()
            if subnet.name in spec.subnets and ids and not is_of_others(self._topology, site, subnet.name):
                own = [one for one in spec.interface_addresses if one.subnet == subnet.name]
                wanted += own or [AddressSpec(subnet.name, subnet.gateway_ip or "")]
                found += [AddressSpec(subnet.name, ip.ip_address) for port in ports for ip in port.fixed_ips if ip.subnet_id in ids]
        return wanted, found

    def _as_far_as_said(self, described: RouterSpec, there: RouterSpec, router: Router) -> RouterSpec:
        """A router as it is, as far as the source and the site say what could differ: addresses of a gateway are those of its site."""
        ranges = [one.cidr for one in self._site.subnets if one.network_id == router.external_network_id]
        had = {one for one in described.gateway_addresses if any(contains(cidr, one) for cidr in ranges)}
        lacks = described.external_network == there.external_network and not had <= {*there.gateway_addresses}
        same: dict[str, t.Any] = {} if lacks else {"gateway_addresses": described.gateway_addresses}
        # What is off at the source is no loss where nobody is shown whether it is on.
        modes = {name: getattr(described, name) for name in ("is_ha", "is_distributed")}
        same |= {name: was for name, was in modes.items() if was is None or (not was and getattr(there, name) is None)}
        return dataclasses.replace(there, **same)

    def groups(self) -> t.Iterator[_Thing]:
        """Security groups. What becomes of their rules, others tell."""
        for spec in self._topology.security_groups:
            group = self._site.own_security_group(spec.name)
            if group and not _is_made(self._plan, group):
                there = dataclasses.replace(security_group_spec(group, self._called), rules=spec.rules)
                yield _Thing(attributes.SECURITY_GROUP, f"security group '{spec.name}'", spec, there, group, _beyond_rules(group))

    def address_groups(self) -> t.Iterator[_Thing]:
        for spec in self._topology.address_groups:
            group = self._site.own_address_group(spec.name)
            if group and not _is_made(self._plan, group):
                there = dataclasses.replace(address_group_spec(group), addresses=spec.addresses)
                yield _Thing(attributes.ADDRESS_GROUP, f"address group '{spec.name}'", spec, there, group)

    # Ports, and what leads to them

    def ports(self) -> t.Iterator[_Thing]:
        for step in self._plan.all_ports:
            if step.current and not step.made:
                described = dataclasses.replace(step.spec, name=step.name)
                # By the first two it was found.
                same = {name: getattr(described, name) for name in ("mac_address", "fixed_ips", "network")}
                there = dataclasses.replace(port_spec(step.current, self._called), **same)
                yield _Thing(attributes.PORT, step.title, described, there, step.current)

    def floating_ips(self) -> t.Iterator[_Thing]:
        for port in self._plan.all_ports:
            for step in port.floating:
                if step.current and not step.made:
                    yield self._floating(step.spec, step.current, f"of {port.title}")
        for forwarder in self._plan.forwarders:
            if forwarder.current and not forwarder.made:
                yield self._floating(forwarder.spec.floating, forwarder.current, "that forwards ports")

    def _floating(self, spec: FloatingSpec, current: FloatingIp, which: str) -> _Thing:
        there = floating_spec(current, self._called, spec.place)
        return _Thing(attributes.FLOATING_IP, f"the floating address {current.ip_address} {which}", spec, there, current)

    def trunks(self) -> t.Iterator[_Thing]:
        for port in self._plan.all_ports:
            step = port.trunk
            if step and step.current and Mark.of_text(step.current.description) != step.mark:
                subports = tuple(SubportSpec(one["port_id"], one["segmentation_type"], one["segmentation_id"]) for one in step.subports)
                described = dataclasses.replace(step.spec, name=step.name, subports=subports)
                there = dataclasses.replace(trunk_spec(step.current), port=described.port)
                yield _Thing(attributes.TRUNK, f"the trunk of {port.title}", described, there, step.current)

    # What things are called

    @functools.cached_property
    def _called(self) -> Called:
        """Names as the manifest has them, in which a mapping may have written ids; what nobody here sees is called by its id."""
        site = self._site
        outside = {one.external_network for one in self._topology.routers}
        outside |= {floating.network for port in self._plan.all_ports for floating in port.spec.floating_ips}
        outside |= {one.spec.floating.network for one in self._plan.forwarders}
        limited: tuple[t.Any, ...] = (*site.networks, *site.ports, *site.floating_ips)
        policies = {one.qos_policy_id for one in limited} | {one.gateway_qos_policy_id for one in site.routers}
        pools = {one.subnet_pool_id for one in site.subnets}
        return Called(
            networks={one.id: one.id if one.id in outside else one.name for one in site.networks},
            subnets=_names(site.subnets),
            groups=self._groups,
            policies={**_ids(policies), **_names(site.qos_policies)},
            pools={**_ids(pools), **_names(site.subnet_pools)},
        )

    @property
    def _groups(self) -> dict[str, str]:
        """Groups by the names that the application has for them; of others that are called so, by their ids."""
        meant = self._site.group_names(self._topology)
        there: tuple[t.Any, ...] = (*self._site.security_groups, *self._site.address_groups)
        return {**{one.id: one.id if one.name in meant.values() else one.name for one in there}, **meant}


def _names(things: t.Iterable[t.Any]) -> dict[str, str]:
    return {one.id: one.name for one in things}


def _ids(known: t.Iterable[str | None]) -> dict[str, str]:
    return {one: one for one in known if one}


def _beyond_rules(group: SecurityGroup) -> tuple[str, ...]:
    """What the rules of a group have that no restore sets."""
    lost = [one for rule in group.answer.get("security_group_rules") or () for one in missing_of(attributes.RULE, "", rule)]
    return tuple(f"{one.attribute} of a rule is {one.value}, which no restore would set" for one in lost)


# What the application's own get


def _further_addresses(plan: RestorePlan) -> t.Iterator[str]:
    """Ports that get more addresses than they had: Neutron gives those of each automatic subnet to all ports of a network."""
    site = plan.site
    automatic = [one for one in site.subnets if derives_addresses(one.ipv6_ra_mode, one.ipv6_address_mode)]
    for step in plan.all_ports:
        network = site.network(step.spec.network)
        had, owner = {site.subnet_id(network.id, ip.subnet) for ip in step.spec.fixed_ips} if network else set(), owner_of_port(site, step.spec)
        giving = [one for one in automatic if network and one.network_id == network.id and (not one.service_types or owner in one.service_types)]
        for subnet in (one for one in giving if one.id not in had):
            yield (
                f"At site '{site.name}', {step.title} has one more address than at the source (fixed_ips): subnet '{subnet.name or subnet.id}' ({subnet.cidr}) "
                "gives one to all ports on its network."
            )


def _flavors(plan: RestorePlan) -> t.Iterator[str]:
    for step in plan.servers:
        told = differences(attributes.FLAVOR, step.spec.flavor, _as_it_counts(step, step.flavor)) if step.flavor else []
        if told:
            yield f"At site '{plan.site.name}', flavor '{t.cast(Flavor, step.flavor).name}' of server '{step.spec.name}' is another one: {'; '.join(told)}."


def _as_it_counts(step: ServerStep, flavor: Flavor) -> Flavor:
    """A flavor as far as it counts for a server: a mapping names another one on purpose, and one that boots from a volume has no disk of its own."""
    was = step.spec.flavor
    same: dict[str, t.Any] = {"name": was.name} if isinstance(was, NamedFlavor) else {}
    same |= {} if step.spec.root_image else {"disk": was.disk}
    same |= {"extra_specs": was.extra_specs} if None in (was.extra_specs, flavor.extra_specs) else {}
    return dataclasses.replace(flavor, **same)
