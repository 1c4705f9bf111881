# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Apply a mapping to a manifest. Pure.

What comes out is a manifest too, with the names and the addresses that things have at the site, so that checking,
planning and restoring know of no mapping. The ids of the source stay, and with them all marks.
"""

from __future__ import annotations

import dataclasses
import typing as t

from ..core.records import Flavor, NamedFlavor
from ..manifest.addresses import NoPlace, Renumbering, SubnetMove
from ..manifest.manifest import Manifest
from ..manifest.specs import (
    AddressGroupSpec,
    AddressSpec,
    FloatingSpec,
    ForwarderSpec,
    KeyPairSpec,
    MappedNetworkSpec,
    NetworkSpec,
    PortSpec,
    RouterSpec,
    SecurityGroupRuleSpec,
    SecurityGroupSpec,
    ServerGroupSpec,
    ServerSpec,
    SubnetSpec,
    Topology,
    VolumeSpec,
)
from .mapping import KINDS, AddressRule, SiteMapping, used_names
from .schema import KEEP, NEW, REMAP, VOLUME

_WAY_OUT = "give the subnet another cidr in the mapping"


@dataclasses.dataclass(frozen=True)
class Mapped:
    """A manifest with other names and addresses.

    :param problems: what cannot be done as the mapping says; the manifest is as near to it as can be.
    """

    manifest: Manifest
    problems: tuple[str, ...] = ()


def apply(manifest: Manifest, mapping: SiteMapping) -> Mapped:
    """Give everything the names and addresses that it has at the site."""
    work = _Applying(manifest, mapping)
    mapped = work.manifest()
    return Mapped(mapped, tuple(dict.fromkeys(work.problems)))


class _Applying:
    """One mapping being applied to one manifest.

    :ivar problems: what was found not to be possible so far.
    """

    def __init__(self, manifest: Manifest, mapping: SiteMapping) -> None:
        self.source = manifest
        self.mapping = mapping
        self.problems: list[str] = list(_undecided(manifest, mapping))
        self.renumbering = Renumbering(tuple(self._moves()))

    def manifest(self) -> Manifest:
        description = self.source.description
        topology = self._topology(description.topology)
        servers = tuple(self._server(server) for server in description.servers)
        return dataclasses.replace(
            self.source, description=dataclasses.replace(description, servers=servers, topology=topology)
        )

    def _moves(self) -> t.Iterator[SubnetMove]:
        for spec in self.source.description.topology.subnets:
            target = self.mapping.target("subnets", spec.name)
            try:
                move = SubnetMove.of(spec, target.cidr if target else None)
            except NoPlace as problem:
                self._problem(problem, "correct the cidr in the mapping")
                continue
            if move:
                yield move

    def _problem(self, problem: object, way_out: str) -> None:
        text = str(problem)
        self.problems.append(f"{text[0].upper()}{text[1:]}; {way_out}.")

    def _name(self, kind: str, name: str) -> str:
        """The name at the site; undecided ones keep the name of the source."""
        target = self.mapping.target(kind, name)
        return (target.name if target else None) or name

    def _name_or_none(self, kind: str, name: str | None) -> str | None:
        """The name at the site; None for what is undecided or left out, so that it is not looked up there."""
        target = self.mapping.target(kind, name) if name else None
        return target.name if target else name

    # Servers

    def _server(self, spec: ServerSpec) -> ServerSpec:
        return dataclasses.replace(
            spec,
            flavor=self._flavor(spec.flavor),
            key_name=spec.key_name and self._name("key_pairs", spec.key_name),
            server_group=self._name_or_none("server_groups", spec.server_group),
            availability_zone=self._name_or_none("availability_zones", spec.availability_zone),
            ports=tuple(self._port(port, self.mapping.rule_of(spec, port), f"server '{spec.name}'") for port in spec.ports),
            volumes=tuple(self._volume(volume, self.mapping.root_disks.get(spec.name)) for volume in spec.volumes),
        )

    def _flavor(self, flavor: Flavor) -> Flavor:
        name = self._name_or_none("flavors", flavor.name)
        if not name or self.mapping.target("flavors", flavor.name) is None:
            return flavor
        return NamedFlavor(**{**dataclasses.asdict(flavor), "name": name})

    def _volume(self, spec: VolumeSpec, root_disk: str | None) -> VolumeSpec:
        """A volume with the names of the site.

        :param root_disk: what a root disk becomes that is no volume.
        """
        return dataclasses.replace(
            spec,
            is_image=spec.is_image and root_disk != VOLUME,
            volume_type=self._name_or_none("volume_types", spec.volume_type) or "",
            availability_zone=self._name_or_none("availability_zones", spec.availability_zone),
        )

    def _port(self, spec: PortSpec, rule: AddressRule, owner: str) -> PortSpec:
        """A port with the names and addresses that it has at the site.

        :param owner: what has it, for messages.
        """
        policy = t.cast(str, rule.policy)
        groups = (self._name("security_groups", one) for one in spec.security_groups)
        return dataclasses.replace(
            spec,
            network=self._name("networks", spec.network),
            mac_address="" if policy == NEW else spec.mac_address,
            fixed_ips=tuple(self._address(owner, ip, policy) for ip in spec.fixed_ips),
            security_groups=tuple(dict.fromkeys(groups)),
            allowed_address_pairs=tuple(self._pair(owner, spec, pair, policy) for pair in spec.allowed_address_pairs),
            floating_ips=tuple(self._floating_ips(spec.floating_ips)) if rule.floating else (),
            qos_policy=self._name_or_none("qos_policies", spec.qos_policy),
        )

    def _lone_port(self, spec: PortSpec) -> PortSpec:
        """A port on no server. Others know it by its address, so that keeps its host part even where Neutron chooses those of servers."""
        rule, owner = self.mapping.general_rule, f"port '{spec.name or spec.source_id}'"
        port = self._port(spec, dataclasses.replace(rule, policy=REMAP) if rule.policy == NEW else rule, owner)
        return dataclasses.replace(port, mac_address="") if rule.policy == NEW else port

    def _floating_ips(self, specs: t.Iterable[FloatingSpec]) -> t.Iterator[FloatingSpec]:
        """Floating addresses, without those whose external network is undecided."""
        for spec in specs:
            network = self._name_or_none("external_networks", spec.network)
            if network:
                yield dataclasses.replace(spec, network=network, qos_policy=self._name_or_none("qos_policies", spec.qos_policy))

    def _forwarders(self, specs: t.Iterable[ForwarderSpec]) -> t.Iterator[ForwarderSpec]:
        for spec in specs if self.mapping.general_rule.floating else ():
            for floating in self._floating_ips((spec.floating,)):
                yield dataclasses.replace(spec, floating=floating)

    def _address(self, owner: str, spec: AddressSpec, policy: str) -> AddressSpec:
        name = self._name("subnets", spec.subnet)
        move = self.renumbering.of_subnet(spec.subnet)
        if policy == NEW:
            return AddressSpec(name, "")
        if policy == KEEP or move is None or not move.holds(spec.ip_address):
            return AddressSpec(name, spec.ip_address)
        try:
            return AddressSpec(name, move.address(spec.ip_address))
        except NoPlace as problem:
            self._problem(
                f"address {problem}, where the mapping moves subnet '{spec.subnet}' of {owner}",
                f"{_WAY_OUT}, or let Neutron choose the address (policy: new)",
            )
            return AddressSpec(name, "")

    def _pair(self, owner: str, port: PortSpec, pair: t.Mapping[str, str], policy: str) -> t.Mapping[str, str]:
        """An address that the port may use besides its own. Neutron adds the port's MAC address where a pair has none."""
        if policy == KEEP:
            return pair
        mine = pair.get("mac_address", "").lower() == port.mac_address.lower()
        kept = {key: value for key, value in pair.items() if not (policy == NEW and mine and key == "mac_address")}
        near = [ip.subnet for ip in port.fixed_ips]
        what = f"allowed address pair of {owner}"
        return {**kept, "ip_address": self._moved(pair["ip_address"], near, what)} if "ip_address" in pair else kept

    def _moved(self, text: str, near: t.Collection[str], what: str) -> str:
        try:
            return self.renumbering.moved(text, near)
        except NoPlace as problem:
            self._problem(f"{what}: {problem}", _WAY_OUT)
            return text

    # Topology

    def _topology(self, topology: Topology) -> Topology:
        return Topology(
            networks=self._all("networks", topology.networks, self._network),
            subnets=self._all("subnets", topology.subnets, self._subnet),
            routers=self._all("routers", topology.routers, self._router),
            security_groups=self._all("security_groups", self._own("security_groups", topology.security_groups), self._security_group),
            key_pairs=self._all("key_pairs", self._own("key_pairs", topology.key_pairs), self._key_pair),
            server_groups=self._all("server_groups", self._server_groups(topology), self._server_group),
            ports=tuple(self._lone_port(port) for port in topology.ports),
            trunks=topology.trunks,
            forwarders=tuple(self._forwarders(topology.forwarders)),
            address_groups=self._all("address_groups", self._own("address_groups", topology.address_groups), self._address_group),
        )

    def _server_groups(self, topology: Topology) -> list[ServerGroupSpec]:
        """Server groups, without those that are left out."""
        return [spec for spec in self._own("server_groups", topology.server_groups) if self._name_or_none("server_groups", spec.name)]

    def _own(self, kind: str, specs: t.Iterable[t.Any]) -> list[t.Any]:
        """The application's own, without those replaced by the site's."""
        return [spec for spec in specs if not self._stands_for_another(kind, spec.name)]

    def _stands_for_another(self, kind: str, name: str) -> bool:
        target = self.mapping.target(kind, name)
        return target is not None and target.name not in (None, name) and not target.make

    def _all(self, kind: str, specs: t.Sequence[t.Any], change: t.Callable[[t.Any], t.Any]) -> tuple[t.Any, ...]:
        """Change all specs of a kind; those that are identical afterwards become one."""
        changed = [change(spec) for spec in specs]
        if not self.mapping.targets(kind):
            return tuple(changed)
        found: dict[str, t.Any] = {}
        for spec, new in zip(specs, changed, strict=True):
            if _alike(found.setdefault(new.name, new)) != _alike(new):
                label = next(one.label for one in KINDS if one.key == kind)
                self._problem(
                    f"{label} '{spec.name}' and another one that differs from it both become '{new.name}'",
                    "give each a name of its own in the mapping",
                )
        return tuple(found.values())

    def _network(self, spec: NetworkSpec) -> NetworkSpec:
        """A network; in place of one of others, the project gets one of its own where the mapping says so."""
        policy, target = self._name_or_none("qos_policies", spec.qos_policy), self.mapping.target("networks", spec.name)
        is_of_others = spec.is_of_others and not (target and target.make)
        named = dataclasses.replace(spec, name=self._name("networks", spec.name), qos_policy=policy, is_of_others=is_of_others)
        return MappedNetworkSpec(**vars(named)) if self._stands_for_another("networks", spec.name) else named

    def _router(self, spec: RouterSpec) -> RouterSpec:
        return dataclasses.replace(
            spec,
            name=self._name("routers", spec.name),
            external_network=self._name_or_none("external_networks", spec.external_network),
            subnets=tuple(dict.fromkeys(self._name("subnets", one) for one in spec.subnets)),
            gateway_qos_policy=self._name_or_none("qos_policies", spec.gateway_qos_policy),
            interface_addresses=tuple(self._address(f"router '{spec.name}'", one, REMAP) for one in spec.interface_addresses),
            routes=tuple(self._route(spec, route) for route in spec.routes),
        )

    def _route(self, spec: RouterSpec, route: t.Mapping[str, str]) -> t.Mapping[str, str]:
        return {key: self._moved(value, spec.subnets, f"route of router '{spec.name}'") for key, value in route.items()}

    def _server_group(self, spec: ServerGroupSpec) -> ServerGroupSpec:
        return dataclasses.replace(spec, name=self._name("server_groups", spec.name))

    def _key_pair(self, spec: KeyPairSpec) -> KeyPairSpec:
        return dataclasses.replace(spec, name=self._name("key_pairs", spec.name))

    def _security_group(self, spec: SecurityGroupSpec) -> SecurityGroupSpec:
        return dataclasses.replace(
            spec,
            name=self._name("security_groups", spec.name),
            rules=tuple(self._security_rule(spec, rule) for rule in spec.rules),
        )

    def _security_rule(self, group: SecurityGroupSpec, rule: SecurityGroupRuleSpec) -> SecurityGroupRuleSpec:
        """A rule with its range moved along with the subnet."""
        prefix, what = rule.remote_ip_prefix, f"rule of security group '{group.name}'"
        return dataclasses.replace(
            rule,
            remote_ip_prefix=prefix and self._moved(prefix, (), what),
            remote_group=rule.remote_group and self._name("security_groups", rule.remote_group),
            remote_address_group=rule.remote_address_group and self._name("address_groups", rule.remote_address_group),
        )

    def _address_group(self, spec: AddressGroupSpec) -> AddressGroupSpec:
        """An address group, with what is in the application's subnets moved along with these."""
        moved = (self._moved(one, (), f"address group '{spec.name}'") for one in spec.addresses)
        return dataclasses.replace(spec, name=self._name("address_groups", spec.name), addresses=tuple(dict.fromkeys(moved)))

    def _subnet(self, spec: SubnetSpec) -> SubnetSpec:
        named = dataclasses.replace(
            spec,
            name=self._name("subnets", spec.name),
            network=self._name("networks", spec.network),
            subnet_pool=self._name_or_none("subnet_pools", spec.subnet_pool),
        )
        if not self.renumbering.moves:
            return named
        move, near, what = self.renumbering.of_subnet(spec.name), [spec.name], f"subnet '{spec.name}'"
        return dataclasses.replace(
            named,
            cidr=str(move.new) if move else spec.cidr,
            gateway_ip=spec.gateway_ip and self._moved(spec.gateway_ip, near, f"gateway of {what}"),
            dns_nameservers=tuple(self._moved(one, near, f"name server of {what}") for one in spec.dns_nameservers),
            allocation_pools=_pools(move, spec),
            host_routes=tuple(
                {key: self._moved(value, near, f"host route of {what}") for key, value in route.items()} for route in spec.host_routes
            ),
        )


def _alike(spec: t.Any) -> t.Any:
    """A specification as far as two of one name must agree: one network may stand for those of several others."""
    return NetworkSpec(**{**vars(spec), "owner": ""}) if isinstance(spec, NetworkSpec) else spec


def _pools(move: SubnetMove | None, spec: SubnetSpec) -> tuple[t.Mapping[str, str], ...]:
    """Allocation pools, cut to the new range."""
    if move is None:
        return spec.allocation_pools
    pools = [move.pool(one["start"], one["end"]) if _inside(move, one) else (one["start"], one["end"]) for one in spec.allocation_pools]
    return tuple({"start": pool[0], "end": pool[1]} for pool in pools if pool)


def _inside(move: SubnetMove, pool: t.Mapping[str, str]) -> bool:
    return move.holds(pool["start"]) and move.holds(pool["end"])


def _undecided(manifest: Manifest, mapping: SiteMapping) -> t.Iterator[str]:
    used = used_names(manifest, mapping)
    for kind in KINDS:
        for name in used[kind.key]:
            target = mapping.target(kind.key, name)
            if target and target.name is None and not kind.optional:
                yield (
                    f"The mapping does not say what replaces {kind.label} '{name}'; write a name instead of null "
                    "(os_restore_mapping_info lists what exists)."
                )
