# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Neutron, as far as disaster recovery needs it.

Neutron shows administrators the resources of all projects, and everybody those that others share by RBAC. What is listed here is the
project's own whatever the credentials can see, with what others share with the project, and external networks, for use.
"""

from __future__ import annotations

import typing as t

from ..core.records import (
    AddressGroup,
    FixedIp,
    FloatingIp,
    Forwarding,
    Network,
    Port,
    QosPolicy,
    Quota,
    Router,
    SecurityGroup,
    SecurityGroupRule,
    Subnet,
    SubnetPool,
    Subport,
    Trunk,
)
from .repeating import once
from .session import Cloud
from .shape import shaped

Record = t.TypeVar("Record")

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

    def extensions(self) -> frozenset[str]:
        """What this Neutron knows beside its core, by the aliases of the API."""
        return self.cloud.remembered("network extensions", lambda: frozenset(self._records("extensions", _alias)))

    def networks(self) -> list[Network]:
        """The project's own, those that others share with it, and external ones."""
        found = self._records("networks", _network)
        return [one for one in found if self._is_own(one) or one.is_shared or one.is_external]

    def subnets(self) -> list[Subnet]:
        """Subnets of :meth:`networks`."""
        ids = {one.id for one in self.networks()}
        return [one for one in self._records("subnets", _subnet) if one.network_id in ids]

    def routers(self) -> list[Router]:
        """The project's own."""
        return self._records("routers", _router, project_id=self.cloud.project_id)

    def security_groups(self) -> list[SecurityGroup]:
        """The project's own, and those that others share with it."""
        found = self._records("security-groups", _security_group)
        return [one for one in found if self._is_own(one) or one.is_shared]

    def address_groups(self) -> list[AddressGroup]:
        """The project's own, and those that others share with it; none where the site has no address groups."""
        return self._records("address-groups", _address_group) if "address-group" in self.extensions() else []

    def floating_ips(self) -> list[FloatingIp]:
        """The project's own."""
        return self._records("floatingips", self._floating_ip, project_id=self.cloud.project_id)

    def _floating_ip(self, found: t.Mapping[str, t.Any]) -> FloatingIp:
        """A floating address with all that is known of its forwardings; a list of addresses shows only a part."""
        forwards = found.get("port_forwardings")
        return _floating_ip(found, self._list(f"floatingips/{found['id']}/port_forwardings") if forwards else [])

    def trunks(self) -> list[Trunk]:
        """The project's own; none where the site has no trunks."""
        return self._records("trunks", _trunk, project_id=self.cloud.project_id) if "trunk" in self.extensions() else []

    def qos_policies(self) -> list[QosPolicy]:
        """Those that the project may use."""
        return self._usable("qos/policies", _qos_policy) if "qos" in self.extensions() else []

    def subnet_pools(self) -> list[SubnetPool]:
        """Those that the project may use."""
        return self._usable("subnetpools", _subnet_pool) if "subnet_allocation" in self.extensions() else []

    def _usable(self, collection: str, read: t.Callable[[t.Mapping[str, t.Any]], Record]) -> list[Record]:
        """Those that the project may use."""
        found = self._records(collection, lambda one: read(one) if one.get("project_id") == self.cloud.project_id or one.get("shared") else None)
        return [one for one in found if one is not None]

    def ports(self) -> list[Port]:
        """The project's own."""
        with self.cloud.calling("list ports"):
            return [_port(found) for found in self._api.ports(project_id=self.cloud.project_id)]

    def ports_of_others(self) -> list[Port]:
        """The ports that other projects, and Neutron itself, have on networks to which the project's servers can be connected, as far as they are seen."""
        found = self.ports_on([one.id for one in self.networks() if not one.is_external])
        return [one for one in found if not self._is_own(one)]

    def ports_on(self, network_ids: t.Sequence[str]) -> list[Port]:
        """All ports on networks, as far as they are seen."""
        found: list[Port] = []
        for start in range(0, len(network_ids), _IDS_AT_ONCE):
            with self.cloud.calling("list the ports on the project's networks"):
                found += map(_port, self._api.ports(network_id=network_ids[start : start + _IDS_AT_ONCE]))
        return found

    def _is_own(self, resource: Network | SecurityGroup | Port) -> bool:
        return resource.project_id == self.cloud.project_id

    def _list(self, collection: str, **query: t.Any) -> list[dict[str, t.Any]]:
        key = collection.replace("-", "_").rpartition("/")[2]
        with self.cloud.calling(f"list {collection}"):
            return self.cloud.all_of(self._api, f"/{collection}", key, **query)

    def _records(self, collection: str, read: t.Callable[[t.Mapping[str, t.Any]], Record], **query: t.Any) -> list[Record]:
        """All resources of a kind as records."""
        found = self._list(collection, **query)
        with self.cloud.calling(f"list {collection}"):
            return [read(one) for one in found]

    def answers(self, collection: str) -> list[dict[str, t.Any]]:
        """All resources of a kind, with everything that Neutron and its extensions say of them.

        :param collection: ``ports``, ``networks``, ``subnets``, ``routers``, ``security-groups``, ``floatingips``, ``trunks``, ``rbac-policies``.
        """
        return self._list(collection)

    def listed(self, path: str) -> list[dict[str, t.Any]]:
        """All resources that an extension of Neutron lists.

        :param path: of the list, which ends with what the answer calls it.
        """
        with self.cloud.calling(f"list {path}"):
            return self.cloud.all_of(self._api, path, path.rpartition("/")[2])

    def sharers(self, network_id: str) -> set[str]:
        """Ids of the projects with which one of the project's own networks is shared."""
        shares = self._records("rbac-policies", _sharer, object_type="network", object_id=network_id)
        return {one for one in shares if one}

    def quotas(self) -> dict[str, Quota]:
        """Limits and use of the project: port, floatingip, network, subnet, router, security_group, ..."""
        with self.cloud.calling("show the network quotas"):
            path = f"/quotas/{self.cloud.project_id}/details"
            return self.cloud.quotas(self.cloud.json(self._api.get(path))["quota"], used="used")

    def free_addresses(self) -> dict[str, int]:
        """How many IPv4 addresses networks have left, per id; for administrators."""
        return dict(self._records("network-ip-availabilities", _free_addresses))

    # Making

    # Neutron takes no tags while it creates; :meth:`set_tags` sets them afterwards.

    def create_network(self, wanted: t.Mapping[str, t.Any]) -> Network:
        """Create a network.

        :param wanted: the body of the request, as the API documents it; as in all methods that create things.
        """
        return self._create("networks", wanted, _network)

    def create_subnet(self, wanted: t.Mapping[str, t.Any]) -> Subnet:
        return self._create("subnets", wanted, _subnet)

    def create_router(self, wanted: t.Mapping[str, t.Any]) -> Router:
        return self._create("routers", wanted, _router)

    def create_security_group(self, wanted: t.Mapping[str, t.Any]) -> SecurityGroup:
        return self._create("security-groups", wanted, _security_group)

    def create_address_group(self, wanted: t.Mapping[str, t.Any]) -> AddressGroup:
        return self._create("address-groups", wanted, _address_group)

    def create_trunk(self, wanted: t.Mapping[str, t.Any]) -> Trunk:
        return self._create("trunks", wanted, _trunk)

    def _create(self, collection: str, wanted: t.Mapping[str, t.Any], read: t.Callable[[t.Mapping[str, t.Any]], Record]) -> Record:
        singular, what = collection.replace("-", "_").removesuffix("s"), f"create one of the {collection}, {wanted.get('name')}"

        def create() -> dict[str, t.Any]:
            with self.cloud.calling(what):
                return t.cast("dict[str, t.Any]", self.cloud.json(self._api.post(f"/{collection}", json={singular: wanted}))[singular])

        made = once(create, lambda: self._made(collection, wanted))
        with self.cloud.calling(what):
            return read(made)

    def _made(self, collection: str, wanted: t.Mapping[str, t.Any]) -> dict[str, t.Any] | None:
        """What has everything that was asked for; what is of this collection's making has its mark among that."""
        query = {key: wanted[key] for key in ("name", "network_id") if wanted.get(key)}
        return next((one for one in self._list(collection, **query) if _has(one, wanted)), None)

    def create_rules(self, wanted: t.Sequence[t.Mapping[str, t.Any]]) -> None:
        """Make rules of security groups, all of them or none."""

        def create() -> bool:
            with self.cloud.calling(f"create {len(wanted)} rules of security groups"):
                self.cloud.check(self._api.post("/security-group-rules", json={"security_group_rules": list(wanted)}))
                return True

        def are_there() -> bool | None:
            found = self._list("security-group-rules")
            return True if all(any(_has(one, rule) for one in found) for rule in wanted) else None

        once(create, are_there)

    def share_network(self, network_id: str, project_id: str) -> None:
        """Let another project use a network of the project's own."""
        wanted = {"object_type": "network", "object_id": network_id, "action": "access_as_shared", "target_tenant": project_id}

        def share() -> bool:
            with self.cloud.calling(f"share network {network_id} with project {project_id}"):
                self.cloud.check(self._api.post("/rbac-policies", json={"rbac_policy": wanted}))
                return True

        once(share, lambda: True if project_id in self.sharers(network_id) else None)

    def create_port(self, wanted: t.Mapping[str, t.Any]) -> Port:
        """Create a port.

        :param wanted: with the SDK's names.
        """

        def create() -> Port:
            with self.cloud.calling(f"create port {wanted.get('name')}"):
                return _port(self._api.create_port(**wanted))

        def made() -> Port | None:
            found = self._made("ports", wanted)
            with self.cloud.calling(f"show port {wanted.get('name')}"):
                return _port(self._api.get_port(found["id"])) if found else None

        return once(create, made)

    def create_floating_ip(self, wanted: t.Mapping[str, t.Any]) -> FloatingIp:
        """Allocate a floating address.

        :param wanted: floating_network_id, description, and of the port to which it leads port_id and fixed_ip_address.
        """
        what = f"a floating address for port {wanted['port_id']}" if "port_id" in wanted else "a floating address that forwards ports"

        def create() -> FloatingIp:
            with self.cloud.calling(f"allocate {what}"):
                return _floating_ip(self.cloud.json(self._api.post("/floatingips", json={"floatingip": wanted}))["floatingip"])

        def made() -> FloatingIp | None:
            found = self._made("floatingips", wanted)
            return self._floating_ip(found) if found else None

        return once(create, made)

    def create_forwarding(self, floating_ip_id: str, wanted: t.Mapping[str, t.Any]) -> None:
        path = f"floatingips/{floating_ip_id}/port_forwardings"

        def create() -> bool:
            with self.cloud.calling(f"forward port {wanted['external_port']} of floating address {floating_ip_id}"):
                self.cloud.check(self._api.post(f"/{path}", json={"port_forwarding": wanted}))
                return True

        once(create, lambda: True if any(_has(one, wanted) for one in self._list(path)) else None)

    # Changing

    def set_mtu(self, network_id: str, mtu: int) -> None:
        self._update("networks", network_id, {"mtu": mtu}, "set the MTU of network")

    def set_pools(self, subnet_id: str, pools: t.Sequence[t.Mapping[str, str]]) -> None:
        """Replace the allocation pools of a subnet."""
        self._update("subnets", subnet_id, {"allocation_pools": list(pools)}, "set the allocation pools of subnet")

    def set_service_types(self, subnet_id: str, types: t.Sequence[str]) -> None:
        """Have a subnet give addresses only to ports of some services; what has some keeps them."""
        self._update("subnets", subnet_id, {"service_types": list(types)}, "set the service types of subnet")

    def set_routes(self, router_id: str, routes: t.Sequence[t.Mapping[str, str]]) -> None:
        """Replace the extra routes of a router; each must lead to an address on a network that it is connected to."""
        self._update("routers", router_id, {"routes": [dict(one) for one in routes]}, "set the routes of router")

    def _update(self, collection: str, resource_id: str, changes: t.Mapping[str, t.Any], what: str) -> None:
        with self.cloud.calling(f"{what} {resource_id}"):
            self.cloud.check(self._api.put(f"/{collection}/{resource_id}", json={collection.removesuffix("s"): changes}))

    def add_addresses(self, address_group_id: str, addresses: t.Sequence[str]) -> None:
        self._add("address-groups", address_group_id, "addresses", list(addresses))

    def add_subports(self, trunk_id: str, wanted: t.Sequence[t.Mapping[str, t.Any]]) -> None:
        self._add("trunks", trunk_id, "sub_ports", list(wanted))

    def _add(self, collection: str, resource_id: str, parts: str, wanted: list[t.Any]) -> None:
        """Add to what a resource consists of; Neutron refuses what is there already."""

        def add() -> bool:
            with self.cloud.calling(f"add {len(wanted)} {parts} to one of the {collection}, {resource_id}"):
                self.cloud.check(self._api.put(f"/{collection}/{resource_id}/add_{parts.replace('_', '')}", json={parts: wanted}))
                return True

        once(add, lambda: True if any(_has(one, {parts: wanted}) for one in self._list(collection, id=resource_id)) else None)

    def add_router_interface(self, router_id: str, subnet_id: str) -> str:
        """Join a subnet by the address of its gateway.

        :returns: the id of the router's port.
        """
        return self._join(router_id, {"subnet_id": subnet_id}, f"join subnet {subnet_id} to router {router_id}", {"fixed_ips": [{"subnet_id": subnet_id}]})

    def add_router_port(self, router_id: str, port_id: str) -> None:
        """Join a subnet by a port of a router that has an address on it."""
        self._join(router_id, {"port_id": port_id}, f"make port {port_id} an interface of router {router_id}", {"id": port_id})

    def _join(self, router_id: str, interface: t.Mapping[str, str], what: str, port: t.Mapping[str, t.Any]) -> str:
        """Join a subnet.

        :param port: what the router's port has then.
        :returns: the id of that port.
        """

        def join() -> str:
            with self.cloud.calling(what):
                answer = self.cloud.json(self._api.put(f"/routers/{router_id}/add_router_interface", json=interface))
                return str(answer["port_id"])

        return once(join, lambda: next((str(one["id"]) for one in self._list("ports", device_id=router_id) if _has(one, port)), None))

    def remove_router_interface(self, router_id: str, port_id: str) -> None:
        with self.cloud.calling(f"remove port {port_id} from router {router_id}"):
            response = self._api.put(f"/routers/{router_id}/remove_router_interface", json={"port_id": port_id})
            if response.status_code != 404:
                self.cloud.check(response)

    def describe_port(self, port_id: str, description: str) -> None:
        with self.cloud.calling(f"describe port {port_id}"):
            self._api.update_port(port_id, description=description)

    def release_port(self, port_id: str) -> None:
        """Take a port from what has it.

        When a server is deleted, Nova deletes the ports that it made for it itself, by what Neutron says that the server has.
        """
        self._update("ports", port_id, {"device_id": "", "device_owner": ""}, "release port")

    def set_tags(self, collection: str, resource_id: str, tags: t.Sequence[str]) -> None:
        """Replace the tags of a resource.

        :param collection: as the API calls it: ``ports``, ``floatingips``, ...
        """
        path = f"/{collection}/{resource_id}/tags"
        with self.cloud.calling(f"mark one of the {collection}, {resource_id}"):
            self.cloud.check(self._api.put(path, json={"tags": list(tags)}))

    # Removing: what is gone is as good

    def delete(self, collection: str, resource_id: str) -> None:
        """Delete a resource; one that is gone already counts as deleted.

        :param collection: as the API calls it: ``networks``, ``security-group-rules``, ...
        """
        with self.cloud.calling(f"delete one of the {collection}, {resource_id}"):
            response = self._api.delete(f"/{collection}/{resource_id}")
            if response.status_code != 404:
                self.cloud.check(response)

    def delete_port(self, port_id: str) -> None:
        with self.cloud.calling(f"delete port {port_id}"):
            self._api.delete_port(port_id, ignore_missing=True)

    def delete_floating_ip(self, floating_ip_id: str) -> None:
        """Release a floating address, with what it forwards: Neutron does not release one that forwards ports."""
        path = f"/floatingips/{floating_ip_id}"
        with self.cloud.calling(f"release floating address {floating_ip_id}"):
            for one in self._forwardings_of(path):
                self._api.delete(f"{path}/port_forwardings/{one}")
            response = self._api.delete(path)
            if response.status_code != 404:
                self.cloud.check(response)

    def _forwardings_of(self, path: str) -> list[str]:
        """Ids of what a floating address forwards: nothing where it is gone, or where Neutron cannot forward."""
        response = self._api.get(f"{path}/port_forwardings")
        return [] if response.status_code == 404 else [one["id"] for one in self.cloud.json(response)["port_forwardings"]]


def _has(found: t.Any, wanted: t.Any) -> bool:
    """Whether something is as it was asked for, in all that the answer shows of it; an answer may have more, and lists in another order."""
    if isinstance(wanted, t.Mapping):
        return isinstance(found, t.Mapping) and all(_has(found[key], one) for key, one in wanted.items() if key in found)
    if isinstance(wanted, (list, tuple)):
        return isinstance(found, (list, tuple)) and all(any(_has(there, one) for there in found) for one in wanted)
    return bool(found == wanted)


def _alias(found: t.Mapping[str, t.Any]) -> str:
    """How the API calls an extension."""
    return str(found["alias"])


def _sharer(found: t.Mapping[str, t.Any]) -> str | None:
    """Id of the project that a policy lets use a network; None when it is about something else."""
    return str(found.get("target_project") or found["target_tenant"]) if found["action"] == "access_as_shared" else None


def _free_addresses(found: t.Mapping[str, t.Any]) -> tuple[str, int]:
    """Id of a network, and how many IPv4 addresses it has left."""
    parts = (part for part in found["subnet_ip_availability"] if part["ip_version"] == 4)
    return str(found["network_id"]), sum(max(0, part["total_ips"] - part["used_ips"]) for part in parts)


@shaped
def _qos_policy(found: t.Mapping[str, t.Any]) -> QosPolicy:
    return QosPolicy(found["id"], found.get("name") or "", found.get("project_id") or "")


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
        is_up=found.get("admin_state_up") is not False,
        tags=tuple(found.get("tags") or ()),
        dns_domain=found.get("dns_domain") or "",
        qos_policy_id=found.get("qos_policy_id"),
        answer=found,
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
        tags=tuple(found.get("tags") or ()),
        subnet_pool_id=found.get("subnetpool_id"),
        service_types=tuple(found.get("service_types") or ()),
        answer=found,
    )


@shaped
def _subnet_pool(found: t.Mapping[str, t.Any]) -> SubnetPool:
    return SubnetPool(found["id"], found.get("name") or "", found.get("project_id") or "", tuple(found.get("prefixes") or ()))


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
        is_up=found.get("admin_state_up") is not False,
        tags=tuple(found.get("tags") or ()),
        gateway_addresses=tuple(one["ip_address"] for one in gateway.get("external_fixed_ips") or () if one.get("ip_address")),
        gateway_qos_policy_id=gateway.get("qos_policy_id"),
        routes=tuple({key: one[key] for key in ("destination", "nexthop")} for one in found.get("routes") or ()),
        is_ha=found.get("ha"),
        is_distributed=found.get("distributed"),
        answer=found,
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
        tags=tuple(found.get("tags") or ()),
        answer=found,
    )


@shaped
def _address_group(found: t.Mapping[str, t.Any]) -> AddressGroup:
    return AddressGroup(
        id=found["id"],
        name=found.get("name") or "",
        project_id=found.get("project_id") or "",
        description=found.get("description") or "",
        addresses=tuple(sorted(found.get("addresses") or ())),
        answer=found,
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
        description=found.get("description") or "",
    )


@shaped
def _trunk(found: t.Mapping[str, t.Any]) -> Trunk:
    return Trunk(
        id=found["id"],
        name=found.get("name") or "",
        port_id=found["port_id"],
        project_id=found.get("project_id") or "",
        description=found.get("description") or "",
        is_up=found.get("admin_state_up") is not False,
        tags=tuple(found.get("tags") or ()),
        subports=tuple(Subport(one["port_id"], one["segmentation_type"], one["segmentation_id"]) for one in found.get("sub_ports") or ()),
        answer=found,
    )


@shaped
def _forwarding(found: t.Mapping[str, t.Any]) -> Forwarding:
    return Forwarding(
        port_id=found["internal_port_id"],
        internal_address=found["internal_ip_address"],
        internal_port=found["internal_port"],
        external_port=found["external_port"],
        protocol=found["protocol"],
        description=found.get("description") or "",
    )


@shaped
def _floating_ip(found: t.Mapping[str, t.Any], forwardings: t.Sequence[t.Mapping[str, t.Any]] = ()) -> FloatingIp:
    return FloatingIp(
        id=found["id"],
        ip_address=found["floating_ip_address"],
        port_id=found.get("port_id"),
        network_id=found["floating_network_id"],
        fixed_ip_address=found.get("fixed_ip_address"),
        project_id=found.get("project_id") or "",
        description=found.get("description") or "",
        tags=tuple(found.get("tags") or ()),
        dns_name=found.get("dns_name") or "",
        dns_domain=found.get("dns_domain") or "",
        qos_policy_id=found.get("qos_policy_id"),
        # One of a range of ports has no single ones.
        forwardings=tuple(_forwarding(one) for one in forwardings if one.get("external_port") and one.get("internal_port")),
        forwarded=frozenset(one["internal_port_id"] for one in forwardings),
        answer=found,
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
        qos_policy_id=found.qos_policy_id,
        dns_name=found.dns_name or "",
        dns_domain=found.dns_domain or "",
        profile=dict(found.binding_profile or {}),
        dhcp_options=tuple(dict(one) for one in found.extra_dhcp_opts or ()),
        answer=found._body.attributes,
    )
