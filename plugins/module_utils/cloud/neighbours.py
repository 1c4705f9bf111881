# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The services around Nova, Neutron and Cinder, where a site has them: what they hold that may lead to an application."""

from __future__ import annotations

import typing as t

from .session import Cloud

Resource = dict[str, t.Any]

#: How many are asked for at once: Barbican lists 10 otherwise. A site may list fewer.
_SECRETS_PER_PAGE = 100
#: Since when rules of access are a resource of their own.
_MANILA_VERSION = "2.45"


def reference_id(reference: str) -> str:
    """The id at the end of a secret's or container's URL."""
    return reference.rstrip("/").rsplit("/", 1)[-1]


class Neighbours:
    """Load balancers (Octavia), DNS (Designate), shares (Manila) and secrets (Barbican) of one project.

    :param cloud: whose. A service that it does not have, has nothing.
    """

    def __init__(self, cloud: Cloud) -> None:
        self.cloud = cloud

    def pool_members(self) -> list[tuple[Resource, Resource]]:
        """All pools of load balancers with each of their members."""
        if not self.cloud.has("load-balancer"):
            return []
        api = self.cloud.service("load_balancer")
        with self.cloud.calling("list the pools of load balancers"):
            pools = self.cloud.all_of(api, "/lbaas/pools", "pools")
            return [(pool, member) for pool in pools for member in self.cloud.all_of(api, f"/lbaas/pools/{pool['id']}/members", "members")]

    def listeners(self) -> list[Resource]:
        """All listeners of load balancers."""
        if not self.cloud.has("load-balancer"):
            return []
        with self.cloud.calling("list the listeners of load balancers"):
            return self.cloud.all_of(self.cloud.service("load_balancer"), "/lbaas/listeners", "listeners")

    def secret_names(self) -> dict[str, str]:
        """The names of all secrets and containers of secrets, by their id. Contents are not read."""
        if not self.cloud.has("key-manager"):
            return {}
        api = self.cloud.service("key_manager")
        with self.cloud.calling("list secrets"):
            return {
                reference_id(one[f"{kind}_ref"]): one.get("name") or ""
                for kind in ("secret", "container")
                for one in self.cloud.all_by_offset(api, f"/{kind}s", f"{kind}s", limit=_SECRETS_PER_PAGE)
            }

    def record_sets(self) -> list[Resource]:
        """All record sets of all zones."""
        if not self.cloud.has("dns"):
            return []
        api = self.cloud.service("dns")
        found: list[Resource] = []
        path = "/recordsets"
        with self.cloud.calling("list DNS records"):
            while True:
                answer = self.cloud.json(api.get(path))
                found += answer["recordsets"]
                if not (answer.get("links") or {}).get("next") or not answer["recordsets"]:
                    return found
                path = f"/recordsets?marker={found[-1]['id']}"

    def share_rules(self) -> list[tuple[Resource, Resource]]:
        """All shares with each of the rules that give access to them.

        Shares on a share network also have the id of its network as ``neutron_net_id``.
        """
        if not self.cloud.has("shared-file-system"):
            return []
        api = self.cloud.service("shared_file_system")
        with self.cloud.calling("list shares"):
            # Manila links to no next page of these.
            shares = self.cloud.all_by_offset(api, "/shares/detail", "shares", _MANILA_VERSION)
            networks = self.cloud.all_by_offset(api, "/share-networks/detail", "share_networks", _MANILA_VERSION)
            placed = {one["id"]: one.get("neutron_net_id") for one in networks}
            shares = [{**share, "neutron_net_id": placed.get(share.get("share_network_id"))} for share in shares]
            return [(share, rule) for share in shares for rule in self._rules(api, share["id"])]

    def _rules(self, api: t.Any, share_id: str) -> list[Resource]:
        answer = self.cloud.json(api.get("/share-access-rules", params={"share_id": share_id}, microversion=_MANILA_VERSION))
        return answer["access_list"]
