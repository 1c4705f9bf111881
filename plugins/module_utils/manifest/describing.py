# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Describe what surrounds servers as a manifest does, with names instead of ids: what is captured, and what is there where it is restored. Pure.

Without what only one of both knows, such as which subnets of a router are the application's.
"""

from __future__ import annotations

import dataclasses
import typing as t

from ..core.marking import unmarked_tags, unmarked_text
from ..core.records import AddressGroup, FloatingIp, Network, Port, Router, SecurityGroup, Subnet, Trunk
from .rules import rule_spec
from .specs import (
    AddressGroupSpec,
    AddressSpec,
    FloatingSpec,
    NetworkSpec,
    PortSpec,
    RouterSpec,
    SecurityGroupSpec,
    SubnetSpec,
    SubportSpec,
    TrunkSpec,
)

#: Of ports by which a distributed router translates addresses, besides its interfaces.
SNAT_OF_DISTRIBUTED = "network:router_centralized_snat"
_Names = t.Mapping[str, str]


@dataclasses.dataclass(frozen=True)
class Called:
    """What things of a site are called, per id.

    :param groups: security groups and address groups, which rules name.
    :param policies: of QoS, without those that nobody here sees; so subnet pools.
    """

    networks: _Names
    subnets: _Names
    groups: _Names
    policies: _Names
    pools: _Names

    def network(self, network_id: str) -> str:
        """External networks are visible to all, but for policies that hide them."""
        return self.networks.get(network_id, network_id)

    def subnet(self, subnet_id: str) -> str:
        return self.subnets.get(subnet_id, subnet_id)

    def group(self, group_id: str) -> str:
        return self.groups.get(group_id, group_id)

    def policy(self, policy_id: str | None) -> str | None:
        return self.policies.get(policy_id or "") or None

    def pool(self, pool_id: str | None) -> str | None:
        return self.pools.get(pool_id or "") or None


def network_spec(network: Network, called: Called) -> NetworkSpec:
    return NetworkSpec(
        name=network.name,
        mtu=network.mtu,
        port_security_enabled=network.port_security,
        is_up=network.is_up,
        description=unmarked_text(network.description),
        tags=unmarked_tags(network.tags),
        dns_domain=network.dns_domain,
        qos_policy=called.policy(network.qos_policy_id),
        is_external=network.is_external,
    )


def subnet_spec(subnet: Subnet, called: Called) -> SubnetSpec:
    return SubnetSpec(
        name=subnet.name,
        network=called.network(subnet.network_id),
        cidr=subnet.cidr,
        ip_version=subnet.ip_version,
        gateway_ip=subnet.gateway_ip,
        enable_dhcp=subnet.enable_dhcp,
        dns_nameservers=subnet.dns_nameservers,
        allocation_pools=subnet.allocation_pools,
        host_routes=subnet.host_routes,
        ipv6_ra_mode=subnet.ipv6_ra_mode,
        ipv6_address_mode=subnet.ipv6_address_mode,
        description=unmarked_text(subnet.description),
        tags=unmarked_tags(subnet.tags),
        subnet_pool=called.pool(subnet.subnet_pool_id),
        service_types=subnet.service_types,
    )


def router_spec(router: Router, called: Called) -> RouterSpec:
    return RouterSpec(
        name=router.name,
        external_network=called.network(router.external_network_id) if router.external_network_id else None,
        enable_snat=router.enable_snat,
        subnets=(),
        is_up=router.is_up,
        description=unmarked_text(router.description),
        tags=unmarked_tags(router.tags),
        gateway_addresses=router.gateway_addresses,
        gateway_qos_policy=called.policy(router.gateway_qos_policy_id),
        routes=tuple(sorted(router.routes, key=lambda route: (route["destination"], route["nexthop"]))),
        is_ha=router.is_ha,
        is_distributed=router.is_distributed,
    )


def security_group_spec(group: SecurityGroup, called: Called) -> SecurityGroupSpec:
    return SecurityGroupSpec(
        name=group.name,
        description=unmarked_text(group.description),
        rules=tuple(sorted((rule_spec(rule, called.groups) for rule in group.rules), key=repr)),
        is_stateful=group.is_stateful,
        tags=unmarked_tags(group.tags),
    )


def address_group_spec(group: AddressGroup) -> AddressGroupSpec:
    return AddressGroupSpec(group.name, unmarked_text(group.description), group.addresses)


def port_spec(port: Port, called: Called) -> PortSpec:
    """A port without what leads to it."""
    return PortSpec(
        source_id=port.id,
        name=port.name,
        description=unmarked_text(port.description),
        tags=unmarked_tags(port.tags),
        network=called.network(port.network_id),
        mac_address=port.mac_address,
        fixed_ips=tuple(AddressSpec(called.subnet(ip.subnet_id), ip.ip_address) for ip in port.fixed_ips),
        security_groups=tuple(sorted(called.group(one) for one in port.security_group_ids)),
        port_security=port.port_security,
        allowed_address_pairs=port.allowed_address_pairs,
        is_up=port.is_up,
        vnic_type=port.vnic_type,
        qos_policy=called.policy(port.qos_policy_id),
        dns_name=port.dns_name,
        dns_domain=port.dns_domain,
        profile=port.profile or None,
        dhcp_options=port.dhcp_options,
    )


def floating_spec(floating: FloatingIp, called: Called, place: int | None) -> FloatingSpec:
    """A floating address.

    :param place: of the port's addresses, the one to which it leads.
    """
    return FloatingSpec(
        network=called.network(floating.network_id),
        place=place,
        description=unmarked_text(floating.description),
        tags=unmarked_tags(floating.tags),
        qos_policy=called.policy(floating.qos_policy_id),
        dns_name=floating.dns_name,
        dns_domain=floating.dns_domain,
    )


def trunk_spec(trunk: Trunk) -> TrunkSpec:
    return TrunkSpec(
        source_id=trunk.id,
        name=trunk.name,
        port=trunk.port_id,
        subports=tuple(SubportSpec(one.port_id, one.segmentation_type, one.segmentation_id) for one in trunk.subports),
        is_up=trunk.is_up,
        description=unmarked_text(trunk.description),
        tags=unmarked_tags(trunk.tags),
    )
