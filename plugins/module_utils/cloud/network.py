# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Neutron, as far as disaster recovery needs it.

Neutron shows administrators the resources of all projects, and everybody those that others share by RBAC. What is listed here is the
project's own whatever the credentials can see, with what others share with the project, and external networks, for use.
"""

from __future__ import annotations

import typing as t

from ..core.records import FixedIp, FloatingIp, Network, Port, Quota, Router, SecurityGroup, SecurityGroupRule, Subnet
from .session import Cloud
from .shape import shaped

#: How many ids are asked for in one request, whose length is bounded.
_IDS_AT_ONCE = 50


class Networking:
    """The networks of one cloud, as its project may use them.

    :param cloud: whose.
    """

    def __init__(self, cloud: Cloud) -> None:
        self.cloud = cloud

    @property
    def _api(self) -> t.Any:
        return self.cloud.service("network")

    # What there is

    def networks(self) -> list[Network]:
        """The project's own, those that others share with it, and external ones."""
        found = map(_network, self._list("networks"))
        return [one for one in found if self._is_own(one) or one.is_shared or one.is_external]

    def subnets(self) -> list[Subnet]:
        """Subnets of :meth:`networks`."""
        ids = {one.id for one in self.networks()}
        return [one for one in map(_subnet, self._list("subnets")) if one.network_id in ids]

    def routers(self) -> list[Router]:
        """The project's own."""
        return [_router(one) for one in self._list("routers", project_id=self.cloud.project_id)]

    def security_groups(self) -> list[SecurityGroup]:
        """The project's own, and those that others share with it."""
        found = map(_security_group, self._list("security-groups"))
        return [one for one in found if self._is_own(one) or one.is_shared]

    def floating_ips(self) -> list[FloatingIp]:
        """The project's own."""
        return [_floating_ip(one) for one in self._list("floatingips", project_id=self.cloud.project_id)]

    def ports(self) -> list[Port]:
        """The project's own."""
        with self.cloud.calling("list ports"):
            return [_port(found) for found in self._api.ports(project_id=self.cloud.project_id)]

    def ports_of_others(self) -> list[Port]:
        """Those that other projects, and Neutron itself, have on networks to which the project's servers can be connected, as far as they are seen."""
        ids = [one.id for one in self.networks() if not one.is_external]
        found: list[Port] = []
        for start in range(0, len(ids), _IDS_AT_ONCE):
            with self.cloud.calling("list the ports on the project's networks"):
                found += map(_port, self._api.ports(network_id=ids[start : start + _IDS_AT_ONCE]))
        return [one for one in found if not self._is_own(one)]

    def _is_own(self, resource: Network | SecurityGroup | Port) -> bool:
        return resource.project_id == self.cloud.project_id

    def _list(self, collection: str, **query: t.Any) -> list[dict[str, t.Any]]:
        key = collection.replace("-", "_")
        found: list[dict[str, t.Any]] = []
        with self.cloud.calling(f"list {collection}"):
            while True:
                answer = self.cloud.json(self._api.get(f"/{collection}", params=query))
                found += answer[key]
                # A site may bound how many it lists at once.
                if not any(link["rel"] == "next" for link in answer.get(f"{key}_links", ())):
                    return found
                query = {**query, "marker": found[-1]["id"]}

    def answers(self, collection: str) -> list[dict[str, t.Any]]:
        """All resources of a kind, with everything that Neutron and its extensions say of them.

        :param collection: ``ports``, ``networks``, ``subnets``, ``routers``, ``security-groups``, ``floatingips``.
        """
        with self.cloud.calling(f"list {collection}"):
            return self.cloud.all_of(self._api, f"/{collection}", collection.replace("-", "_"))

    def quotas(self) -> dict[str, Quota]:
        """Limits and use of the project: port, floatingip, network, subnet, router, security_group, ..."""
        with self.cloud.calling("show the network quotas"):
            path = f"/quotas/{self.cloud.project_id}/details"
            quota = self.cloud.json(self._api.get(path))["quota"]
        return self.cloud.quotas(quota, used="used")

    # Making

    def set_mtu(self, network_id: str, mtu: int) -> None:
        with self.cloud.calling(f"set the MTU of network {network_id}"):
            self.cloud.check(self._api.put(f"/networks/{network_id}", json={"network": {"mtu": mtu}}))

    def create_network(self, wanted: t.Mapping[str, t.Any], tags: t.Sequence[str]) -> Network:
        """:param wanted: the body of its creation, as the API documents it; so for all that is made."""
        return _network(self._create("networks", wanted, tags))

    def create_subnet(self, wanted: t.Mapping[str, t.Any], tags: t.Sequence[str]) -> Subnet:
        return _subnet(self._create("subnets", wanted, tags))

    def create_router(self, wanted: t.Mapping[str, t.Any], tags: t.Sequence[str]) -> Router:
        return _router(self._create("routers", wanted, tags))

    def create_security_group(self, wanted: t.Mapping[str, t.Any], tags: t.Sequence[str]) -> SecurityGroup:
        return _security_group(self._create("security-groups", wanted, tags))

    def _create(self, collection: str, wanted: t.Mapping[str, t.Any], tags: t.Sequence[str]) -> dict[str, t.Any]:
        singular = collection.replace("-", "_").removesuffix("s")
        with self.cloud.calling(f"create one of the {collection}, {wanted.get('name')}"):
            created = self.cloud.json(self._api.post(f"/{collection}", json={singular: wanted}))[singular]
        # Neutron takes no tags while it creates.
        self.set_tags(collection, created["id"], tags)
        return created

    def create_rules(self, wanted: t.Sequence[t.Mapping[str, t.Any]]) -> None:
        """Make rules of security groups, all of them or none."""
        with self.cloud.calling(f"create {len(wanted)} rules of security groups"):
            self.cloud.check(self._api.post("/security-group-rules", json={"security_group_rules": list(wanted)}))

    def create_port(self, wanted: t.Mapping[str, t.Any], tags: t.Sequence[str]) -> Port:
        """Make a port and mark it."""
        with self.cloud.calling(f"create port {wanted.get('name')}"):
            created = self._api.create_port(**wanted)
            # Neutron takes no tags while it creates.
            self._api.set_tags(created, list(tags))
            return _port(created)

    def create_floating_ip(self, wanted: t.Mapping[str, t.Any], tags: t.Sequence[str]) -> str:
        """Allocate a floating address for a port and mark it.

        :param wanted: floating_network_id, port_id, fixed_ip_address, description.
        :returns: the address.
        """
        with self.cloud.calling(f"allocate a floating address for port {wanted['port_id']}"):
            created = self._api.create_ip(**wanted)
            self._api.set_tags(created, list(tags))
            return created.floating_ip_address

    # Changing

    def add_router_interface(self, router_id: str, subnet_id: str) -> None:
        with self.cloud.calling(f"join subnet {subnet_id} to router {router_id}"):
            self.cloud.check(self._api.put(f"/routers/{router_id}/add_router_interface", json={"subnet_id": subnet_id}))

    def remove_router_interface(self, router_id: str, port_id: str) -> None:
        with self.cloud.calling(f"remove port {port_id} from router {router_id}"):
            response = self._api.put(f"/routers/{router_id}/remove_router_interface", json={"port_id": port_id})
            if response.status_code != 404:
                self.cloud.check(response)

    def describe_port(self, port_id: str, description: str) -> None:
        with self.cloud.calling(f"describe port {port_id}"):
            self._api.update_port(port_id, description=description)

    def set_tags(self, collection: str, resource_id: str, tags: t.Sequence[str]) -> None:
        """Replace the tags of a resource.

        :param collection: as the API calls it: ``ports``, ``floatingips``, ...
        """
        path = f"/{collection}/{resource_id}/tags"
        with self.cloud.calling(f"mark one of the {collection}, {resource_id}"):
            self.cloud.check(self._api.put(path, json={"tags": list(tags)}))

    # Removing: what is gone is as good

    def delete(self, collection: str, resource_id: str) -> None:
        """:param collection: as the API calls it: ``networks``, ``security-group-rules``, ..."""
        with self.cloud.calling(f"delete one of the {collection}, {resource_id}"):
            response = self._api.delete(f"/{collection}/{resource_id}")
            if response.status_code != 404:
                self.cloud.check(response)

    def delete_port(self, port_id: str) -> None:
        with self.cloud.calling(f"delete port {port_id}"):
            self._api.delete_port(port_id, ignore_missing=True)

    def delete_floating_ip(self, floating_ip_id: str) -> None:
        with self.cloud.calling(f"release floating address {floating_ip_id}"):
            self._api.delete_ip(floating_ip_id, ignore_missing=True)


@shaped
def _network(found: t.Mapping[str, t.Any]) -> Network:
    return Network(
        id=found["id"],
        name=found.get("name") or "",
        project_id=found.get("project_id") or "",
        description=found.get("description") or "",
        mtu=found.get("mtu") or 0,
        # A site without the extension does not say.
        port_security=found.get("port_security_enabled") is not False,
        is_external=bool(found.get("router:external")),
        # To the project that asks, also where an administrator does.
        is_shared=bool(found.get("shared")),
    )


@shaped
def _subnet(found: t.Mapping[str, t.Any]) -> Subnet:
    return Subnet(
        id=found["id"],
        name=found.get("name") or "",
        network_id=found["network_id"],
        cidr=found["cidr"],
        project_id=found.get("project_id") or "",
        description=found.get("description") or "",
        ip_version=found["ip_version"],
        gateway_ip=found.get("gateway_ip"),
        enable_dhcp=found["enable_dhcp"],
        dns_nameservers=tuple(found.get("dns_nameservers") or ()),
        allocation_pools=tuple(found.get("allocation_pools") or ()),
        host_routes=tuple(found.get("host_routes") or ()),
        ipv6_ra_mode=found.get("ipv6_ra_mode"),
        ipv6_address_mode=found.get("ipv6_address_mode"),
    )


@shaped
def _router(found: t.Mapping[str, t.Any]) -> Router:
    gateway = found.get("external_gateway_info") or {}
    return Router(
        id=found["id"],
        name=found.get("name") or "",
        project_id=found.get("project_id") or "",
        description=found.get("description") or "",
        external_network_id=gateway.get("network_id"),
        enable_snat=bool(gateway.get("enable_snat", True)),
    )


@shaped
def _security_group(found: t.Mapping[str, t.Any]) -> SecurityGroup:
    return SecurityGroup(
        id=found["id"],
        name=found.get("name") or "",
        project_id=found.get("project_id") or "",
        description=found.get("description") or "",
        rules=tuple(_rule(one) for one in found.get("security_group_rules") or ()),
        is_shared=bool(found.get("shared")),
        # A site without the extension does not say.
        is_stateful=found.get("stateful") is not False,
    )


@shaped
def _rule(found: t.Mapping[str, t.Any]) -> SecurityGroupRule:
    return SecurityGroupRule(
        id=found["id"],
        direction=found["direction"],
        ether_type=found["ethertype"],
        protocol=found.get("protocol"),
        port_range_min=found.get("port_range_min"),
        port_range_max=found.get("port_range_max"),
        remote_ip_prefix=found.get("remote_ip_prefix"),
        remote_group_id=found.get("remote_group_id"),
        remote_address_group_id=found.get("remote_address_group_id"),
    )


@shaped
def _floating_ip(found: t.Mapping[str, t.Any]) -> FloatingIp:
    return FloatingIp(
        id=found["id"],
        ip_address=found["floating_ip_address"],
        port_id=found.get("port_id"),
        network_id=found["floating_network_id"],
        fixed_ip_address=found.get("fixed_ip_address"),
        project_id=found.get("project_id") or "",
        description=found.get("description") or "",
        tags=tuple(found.get("tags") or ()),
    )


@shaped
def _port(found: t.Any) -> Port:
    return Port(
        id=found.id,
        name=found.name or "",
        network_id=found.network_id,
        mac_address=found.mac_address,
        status=found.status or "",
        device_id=found.device_id or "",
        fixed_ips=tuple(FixedIp(one["subnet_id"], one["ip_address"]) for one in found.fixed_ips or ()),
        security_group_ids=tuple(found.security_group_ids or ()),
        # The SDK takes what a site without the extension does not say for False.
        port_security=found._body.attributes.get("port_security_enabled") is not False,
        allowed_address_pairs=tuple(dict(pair) for pair in found.allowed_address_pairs or ()),
        tags=tuple(found.tags or ()),
        description=found.description or "",
        device_owner=found.device_owner or "",
        project_id=found.project_id or "",
        is_up=found.is_admin_state_up is not False,
        vnic_type=found.binding_vnic_type or "normal",
    )
