# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Making what a site lacks of an application's topology, each thing marked in the request that creates it."""

from __future__ import annotations

import typing as t

from ..cloud.compute import Compute
from ..cloud.network import Network
from ..cloud.session import Cloud
from ..core.errors import NotFound
from ..core.marking import Mark
from ..manifest.manifest import KeyPairSpec, Manifest, NetworkSpec, RouterSpec, SecurityGroupRuleSpec, SecurityGroupSpec, ServerGroupSpec, SubnetSpec
from ..manifest.rules import rule_spec
from ..work.pool import run_all
from . import site as restore_site
from .server_plan import Resource, Site, owner_of
from .topology import joined_subnets, lacking

#: The specs of what is to be made or completed, per kind.
Plan = t.Mapping[str, t.Sequence[t.Any]]


class NetworkRestore:
    """Networks, subnets, routers, security groups, server groups and key pairs of one application at one site.

    :param limit: how many are made at once.
    """

    def __init__(self, cloud: Cloud, manifest: Manifest, limit: int) -> None:
        self.manifest = manifest
        self.limit = limit
        self.network = Network(cloud)
        self.compute = Compute(cloud)
        self.owner: Mark = owner_of(manifest)
        self.routers: list[Resource] = self.network.list("routers")
        self.site: Site = restore_site.look(cloud, limit)
        #: Id per name, by kind; grows with what is made.
        self._ids = {
            "networks": {one["name"]: one["id"] for one in self.site.networks},
            "subnets": {one["name"]: one["id"] for one in self.site.subnets},
            "security groups": {one["name"]: one["id"] for one in self.site.security_groups},
        }

    def plan(self) -> Plan:
        return lacking(self.manifest.description.topology, self.site, self.routers)

    def apply(self, plan: Plan) -> None:
        """Make it.

        :raises DrError: naming each that failed; what has been made is kept for the next run.
        """
        run_all(
            {
                "networks": lambda: self._make_networks(plan),
                "security groups": lambda: self._make_security_groups(plan["security_groups"]),
                "server groups": lambda: self._all(plan["server_groups"], self._make_server_group),
                "key pairs": lambda: self._all(plan["key_pairs"], self._make_key_pair),
            },
            self.limit,
        )

    def _all(self, specs: t.Iterable[t.Any], make: t.Callable[[t.Any], None]) -> None:
        run_all({spec.name: lambda spec=spec: make(spec) for spec in specs}, self.limit)

    def _create(self, collection: str, body: Resource) -> Resource:
        return self.network.create(collection, {"description": self.owner.text(), **body}, self.owner.tags())

    # Networks

    def _make_networks(self, plan: Plan) -> None:
        self._all(plan["networks"], self._make_network)
        self._all(plan["subnets"], self._make_subnet)
        self._all(plan["routers"], self._make_router)

    def _make_network(self, spec: NetworkSpec) -> None:
        # Not every site has the extension; what is off at the source must be off here.
        security = {} if spec.port_security_enabled else {"port_security_enabled": False}
        self._ids["networks"][spec.name] = self._create("networks", {"name": spec.name, **security})["id"]

    def _make_subnet(self, spec: SubnetSpec) -> None:
        body = {
            "name": spec.name,
            "network_id": self._id("networks", spec.network),
            "cidr": spec.cidr,
            "ip_version": spec.ip_version,
            "gateway_ip": spec.gateway_ip,
            "enable_dhcp": spec.enable_dhcp,
            "dns_nameservers": list(spec.dns_nameservers),
            "allocation_pools": [dict(pool) for pool in spec.allocation_pools],
            "host_routes": [dict(route) for route in spec.host_routes],
        }
        modes = {"ipv6_ra_mode": spec.ipv6_ra_mode, "ipv6_address_mode": spec.ipv6_address_mode}
        body |= {key: mode for key, mode in modes.items() if mode}
        self._ids["subnets"][spec.name] = self._create("subnets", body)["id"]

    def _make_router(self, spec: RouterSpec) -> None:
        router = next((one for one in self.routers if one["name"] == spec.name), None)
        has = joined_subnets(self.site, router) if router else {}
        if router is None:
            router = self._create("routers", {"name": spec.name, **self._gateway(spec)})
        for subnet in spec.subnets:
            if subnet not in has:
                self.network.add_router_interface(router["id"], self._id("subnets", subnet))

    def _gateway(self, spec: RouterSpec) -> dict[str, t.Any]:
        if not spec.external_network:
            return {}
        # To say enable_snat at all takes an administrator, and true is the default.
        snat = {} if spec.enable_snat else {"enable_snat": False}
        return {"external_gateway_info": {"network_id": self._id("networks", spec.external_network), **snat}}

    # Security groups

    def _make_security_groups(self, specs: t.Sequence[SecurityGroupSpec]) -> None:
        """All groups before the first rule, because rules name groups."""
        there = {group["name"]: group for group in self.site.security_groups}
        groups = run_all(
            {spec.name: lambda spec=spec: there.get(spec.name) or self._make_security_group(spec) for spec in specs}, self.limit
        )
        self._all(specs, lambda spec: self._set_rules(spec, groups[spec.name]))

    def _make_security_group(self, spec: SecurityGroupSpec) -> Resource:
        made = self._create("security-groups", {"name": spec.name, "description": self.owner.beside(spec.description)})
        self._ids["security groups"][spec.name] = made["id"]
        return made

    def _set_rules(self, spec: SecurityGroupSpec, group: Resource) -> None:
        names = {one: name for name, one in self._ids["security groups"].items()}
        there = {rule_spec(rule, names): rule["id"] for rule in group["security_group_rules"]}
        wanted = [self._rule_body(rule, group["id"]) for rule in spec.rules if rule not in there]
        if wanted:
            self.network.create_rules(wanted)
        for rule, rule_id in there.items():
            if rule not in spec.rules:
                self.network.delete("security-group-rules", rule_id)

    def _rule_body(self, rule: SecurityGroupRuleSpec, group_id: str) -> dict[str, t.Any]:
        return {
            "security_group_id": group_id,
            "direction": rule.direction,
            "ethertype": rule.ether_type,
            "protocol": rule.protocol,
            "port_range_min": rule.port_range_min,
            "port_range_max": rule.port_range_max,
            "remote_ip_prefix": rule.remote_ip_prefix,
            "remote_group_id": self._id("security groups", rule.remote_group) if rule.remote_group else None,
        }

    def _make_server_group(self, spec: ServerGroupSpec) -> None:
        """Nova keeps no marks on it; its name has the application in it, and the drill."""
        self.compute.create_server_group(spec.name, spec.policy, spec.max_per_host)

    def _make_key_pair(self, spec: KeyPairSpec) -> None:
        self.compute.create_key_pair(spec.name, self.owner.after(spec.public_key))

    def _id(self, kind: str, name: str) -> str:
        found = self._ids[kind].get(name)
        if found is None:
            what = kind.removesuffix("s")
            raise NotFound(f"Site '{self.site.name}' has no {what} '{name}'.", "Create it, or say in a mapping which one to use.")
        return found


def shown(plan: Plan) -> dict[str, list[str]]:
    """The names of what a plan makes or completes, per kind."""
    return {kind: [spec.name for spec in specs] for kind, specs in plan.items()}
