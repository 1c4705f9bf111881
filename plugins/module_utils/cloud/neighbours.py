# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The services around Nova, Neutron and Cinder, where a site has them: what they hold that may lead to an application."""

from __future__ import annotations

import typing as t

from .session import Cloud

Resource = dict[str, t.Any]


class Neighbours:
    """Load balancers (Octavia), DNS (Designate) and shares (Manila) of one project.

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
        """All shares with each of the rules that give access to them."""
        if not self.cloud.has("shared-file-system"):
            return []
        api = self.cloud.service("shared_file_system")
        with self.cloud.calling("list shares"):
            shares = self.cloud.json(api.get("/shares/detail", microversion="2.45"))["shares"]
            return [(share, rule) for share in shares for rule in self._rules(api, share["id"])]

    def _rules(self, api: t.Any, share_id: str) -> list[Resource]:
        answer = self.cloud.json(api.get("/share-access-rules", params={"share_id": share_id}, microversion="2.45"))
        return answer["access_list"]
