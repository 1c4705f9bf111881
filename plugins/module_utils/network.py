# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Neutron, as far as disaster recovery needs it."""

from __future__ import annotations

import typing as t

from .cloud import Cloud
from .records import FixedIp, Port, Quota


class Network:
    """The networks of one cloud, as its project sees them. Resources other than ports are
    returned as the dictionaries that the API documents.

    :param cloud: whose.
    """

    def __init__(self, cloud: Cloud) -> None:
        self.cloud = cloud

    @property
    def _api(self) -> t.Any:
        return self.cloud.connection.network

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
    )
