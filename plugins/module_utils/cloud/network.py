# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Neutron, as far as disaster recovery needs it."""

from __future__ import annotations

import typing as t

from ..core.records import FixedIp, Port, Quota
from .session import Cloud


class Network:
    """The networks of one cloud, as its project sees them. Resources other than ports are
    returned as the dictionaries that the API documents.

    :param cloud: whose.
    """

    def __init__(self, cloud: Cloud) -> None:
        self.cloud = cloud

    @property
    def _api(self) -> t.Any:
        return self.cloud.service("network")

    def list(self, collection: str, **query: t.Any) -> list[dict[str, t.Any]]:
        """All resources of a kind that the project sees.

        :param collection: ``networks``, ``subnets``, ``routers``, ``security-groups``, ``floatingips``.
        """
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

        :param collection: as for :meth:`list`, or ``ports``.
        """
        with self.cloud.calling(f"list {collection}"):
            return self.cloud.all_of(self._api, f"/{collection}", collection.replace("-", "_"))

    def ports(self, **query: t.Any) -> list[Port]:
        with self.cloud.calling("list ports"):
            return [_port(found) for found in self._api.ports(**query)]

    def create_port(self, wanted: t.Mapping[str, t.Any], tags: t.Sequence[str]) -> Port:
        """Make a port and mark it.

        :param wanted: the body of Neutron's port creation.
        """
        with self.cloud.calling(f"create port {wanted.get('name')}"):
            created = self._api.create_port(**wanted)
            # Neutron takes no tags while it creates.
            self._api.set_tags(created, list(tags))
            return _port(created)

    def delete_port(self, port_id: str) -> None:
        with self.cloud.calling(f"delete port {port_id}"):
            self._api.delete_port(port_id, ignore_missing=True)

    def create(self, collection: str, wanted: t.Mapping[str, t.Any], tags: t.Sequence[str]) -> dict[str, t.Any]:
        """Make a resource and mark it.

        :param collection: as for :meth:`list`.
        :param wanted: the body of its creation, as the API documents it.
        """
        singular = collection.replace("-", "_").removesuffix("s")
        with self.cloud.calling(f"create one of the {collection}, {wanted.get('name')}"):
            created = self.cloud.json(self._api.post(f"/{collection}", json={singular: wanted}))[singular]
        # Neutron takes no tags while it creates.
        self.set_tags(collection, created["id"], tags)
        return created

    def delete(self, collection: str, resource_id: str) -> None:
        """Remove a resource; one that is gone is as good."""
        with self.cloud.calling(f"delete one of the {collection}, {resource_id}"):
            response = self._api.delete(f"/{collection}/{resource_id}")
            if response.status_code != 404:
                self.cloud.check(response)

    def add_router_interface(self, router_id: str, subnet_id: str) -> None:
        with self.cloud.calling(f"join subnet {subnet_id} to router {router_id}"):
            self.cloud.check(self._api.put(f"/routers/{router_id}/add_router_interface", json={"subnet_id": subnet_id}))

    def remove_router_interface(self, router_id: str, port_id: str) -> None:
        with self.cloud.calling(f"remove port {port_id} from router {router_id}"):
            response = self._api.put(f"/routers/{router_id}/remove_router_interface", json={"port_id": port_id})
            if response.status_code != 404:
                self.cloud.check(response)

    def create_rules(self, wanted: t.Sequence[t.Mapping[str, t.Any]]) -> None:
        """Make rules of security groups, all of them or none."""
        with self.cloud.calling(f"create {len(wanted)} rules of security groups"):
            self.cloud.check(self._api.post("/security-group-rules", json={"security_group_rules": list(wanted)}))

    def describe_port(self, port_id: str, description: str) -> None:
        with self.cloud.calling(f"describe port {port_id}"):
            self._api.update_port(port_id, description=description)

    def set_tags(self, collection: str, resource_id: str, tags: t.Sequence[str]) -> None:
        """Replace the tags of a resource."""
        path = f"/{collection}/{resource_id}/tags"
        with self.cloud.calling(f"mark one of the {collection}, {resource_id}"):
            self.cloud.check(self._api.put(path, json={"tags": list(tags)}))

    def create_floating_ip(self, wanted: t.Mapping[str, t.Any], tags: t.Sequence[str]) -> str:
        """Allocate a floating address for a port and mark it.

        :param wanted: floating_network_id, port_id, fixed_ip_address, description.
        :returns: the address.
        """
        with self.cloud.calling(f"allocate a floating address for port {wanted['port_id']}"):
            created = self._api.create_ip(**wanted)
            self._api.set_tags(created, list(tags))
            return created.floating_ip_address

    def delete_floating_ip(self, floating_ip_id: str) -> None:
        with self.cloud.calling(f"release floating address {floating_ip_id}"):
            self._api.delete_ip(floating_ip_id, ignore_missing=True)

    def quotas(self) -> dict[str, Quota]:
        """Limits and use of the project: port, floatingip, network, subnet, router, security_group, ..."""
        with self.cloud.calling("show the network quotas"):
            path = f"/quotas/{self.cloud.project_id}/details"
            quota = self.cloud.json(self._api.get(path))["quota"]
        return self.cloud.quotas(quota, used="used")


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
    )
