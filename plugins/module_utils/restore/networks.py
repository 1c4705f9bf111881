# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Make the parts of an application's topology that a site lacks, each marked in the request that creates it."""

from __future__ import annotations

import typing as t

from ..cloud.compute import Compute
from ..cloud.network import Networking
from ..core.errors import CheckFailed, NotFound
from ..core.marking import Mark
from ..core.records import SecurityGroup
from ..manifest.rules import rule_spec
from ..manifest.specs import KeyPairSpec, NetworkSpec, RouterSpec, SecurityGroupRuleSpec, SecurityGroupSpec, ServerGroupSpec, SubnetSpec
from ..work.pool import each, run_all
from .marks import owner_of
from .plan import RestorePlan
from .topology import Lacking, joined_subnets, sharing_problems, smaller_mtu


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
        self._ids: dict[str, dict[str, str]] = {"networks": {}, "subnets": {}, "security groups": {}}
        #: What an operator should know of what was made.
        self.warnings: list[str] = []

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
                "security groups": lambda: self._make_security_groups(lacking["security_groups"]),
                "server groups": lambda: self._each(lacking["server_groups"], self._make_server_group),
                "key pairs": lambda: self._each(lacking["key_pairs"], self._make_key_pair),
            },
            self._concurrency,
        )

    def _each(self, specs: t.Iterable[t.Any], make: t.Callable[[t.Any], t.Any]) -> list[t.Any]:
        return each(specs, make, self._concurrency)

    def _marked(self, body: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
        return {"description": self._owner.text(), **body}

    # Networks

    def _make_networks(self, lacking: Lacking) -> None:
        self._each(lacking["networks"], self._make_network)
        self._each(lacking["subnets"], self._make_subnet)
        self._each(lacking["routers"], self._make_router)

    def _make_network(self, spec: NetworkSpec) -> None:
        # Not every site has the extension; what is off at the source must be off here.
        security = {} if spec.port_security_enabled else {"port_security_enabled": False}
        made = self._network.create_network(self._marked({"name": spec.name, **security}), self._owner.tags())
        self._ids["networks"][spec.name] = made.id
        if 0 < spec.mtu < made.mtu:
            self._network.set_mtu(made.id, spec.mtu)
        elif 0 < made.mtu < spec.mtu:
            self.warnings.append(smaller_mtu(spec, made, self._site.name))

    def _make_subnet(self, spec: SubnetSpec) -> None:
        body = {
            "name": spec.name,
            "network_id": self._network_id(spec.network),
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
        self._ids["subnets"][spec.name] = self._network.create_subnet(self._marked(body), self._owner.tags()).id

    def _make_router(self, spec: RouterSpec) -> None:
        router = self._site.router(spec.name)
        has = joined_subnets(self._site, router) if router else {}
        if router is None:
            router = self._network.create_router(self._marked({"name": spec.name, **self._gateway(spec)}), self._owner.tags())
        for subnet in spec.subnets:
            if subnet not in has:
                self._network.add_router_interface(router.id, self._subnet_id(subnet))

    def _gateway(self, spec: RouterSpec) -> dict[str, t.Any]:
        if not spec.external_network:
            return {}
        network = self._site.external_network(spec.external_network)
        # To say enable_snat at all takes an administrator, and true is the default.
        snat = {} if spec.enable_snat else {"enable_snat": False}
        return {"external_gateway_info": {"network_id": self._known("external network", spec.external_network, network.id if network else None), **snat}}

    # Security groups

    def _make_security_groups(self, specs: t.Sequence[SecurityGroupSpec]) -> None:
        """Make all groups before the first rule, because rules name groups."""
        groups = self._each(specs, lambda spec: self._site.own_security_group(spec.name) or self._make_security_group(spec))
        self._each(zip(specs, groups, strict=True), lambda pair: self._set_rules(*pair))

    def _make_security_group(self, spec: SecurityGroupSpec) -> SecurityGroup:
        # Not every site has the extension; what is off at the source must be off here.
        state = {} if spec.is_stateful else {"stateful": False}
        body = {"name": spec.name, "description": self._owner.beside(spec.description), **state}
        made = self._network.create_security_group(body, self._owner.tags())
        self._ids["security groups"][spec.name] = made.id
        return made

    def _set_rules(self, spec: SecurityGroupSpec, group: SecurityGroup) -> None:
        """Give a security group its rules.

        :param group: of the project.
        """
        described = [one.name for one in self._plan.manifest.description.topology.security_groups]
        names = self._site.security_group_names(described) | {one: name for name, one in self._ids["security groups"].items()}
        there = {rule_spec(rule, names): rule.id for rule in group.rules}
        wanted = [self._rule_body(rule, group.id) for rule in spec.rules if rule not in there]
        if wanted:
            self._network.create_rules(wanted)
        self._each([rule_id for rule, rule_id in there.items() if rule not in spec.rules], self._delete_rule)

    def _delete_rule(self, rule_id: str) -> None:
        self._network.delete("security-group-rules", rule_id)

    def _rule_body(self, rule: SecurityGroupRuleSpec, group_id: str) -> dict[str, t.Any]:
        return {
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

    def _known(self, what: str, name: str, found: str | None) -> str:
        if found is None:
            raise NotFound(f"Site '{self._site.name}' has no {what} '{name}'.", "Create it, or say in a mapping which one to use.")
        return found


def shown(lacking: Lacking) -> dict[str, list[str]]:
    """The names of what is made or completed, per kind."""
    return {kind: [spec.name for spec in specs] for kind, specs in lacking.items()}
