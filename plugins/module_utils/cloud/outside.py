# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""External networks with their pools, and who may use them, for administrators."""

from __future__ import annotations

import collections
import ipaddress
import typing as t

from ..core.infrastructure import OutsideNetwork, OutsidePool, OutsideSubnet
from .network import Networking
from .repeating import once
from .session import Cloud
from .shape import shaped

#: What an access policy names for every project.
ALL_PROJECTS = "*"
_POLICIES = "rbac-policies"
_ACTION = "access_as_external"
_PROVIDER = "provider:"


class ExternalNetworks:
    """The external networks of one cloud.

    :param cloud: of an administrator.
    """

    def __init__(self, cloud: Cloud) -> None:
        self.cloud = cloud

    @property
    def _api(self) -> t.Any:
        return self.cloud.service("network")

    def all(self) -> dict[str, OutsideNetwork]:
        """Every external network per id, without who may use it."""
        with self.cloud.calling("list external networks"):
            networks = self.cloud.all_of(self._api, "/networks", "networks", None, **{"router:external": True})
            subnets = collections.defaultdict(list)
            for one in self.cloud.all_of(self._api, "/subnets", "subnets") if networks else ():
                subnets[one["network_id"]].append(_subnet(one))
            return {str(one["id"]): _network(one, subnets[one["id"]]) for one in networks}

    def access(self) -> t.Mapping[str, set[str]]:
        """Per id of a network the ids of the projects that may use it, or :data:`ALL_PROJECTS`, who may where Neutron has no access policies."""
        found: dict[str, set[str]] = collections.defaultdict(set)
        if _POLICIES not in Networking(self.cloud).extensions():
            return collections.defaultdict(lambda: {ALL_PROJECTS})
        with self.cloud.calling("list who may use external networks"):
            for one in self.cloud.all_of(self._api, "/rbac-policies", "rbac_policies", object_type="network", action=_ACTION):
                found[str(one["object_id"])].add(str(one.get("target_tenant") or one["target_project"]))
        return found

    def allow(self, network_id: str, project_id: str) -> None:
        """Let a project use an external network that is not for all."""
        wanted = {"object_type": "network", "object_id": network_id, "action": _ACTION, "target_tenant": project_id}

        def allow() -> bool:
            with self.cloud.calling(f"let project {project_id} use external network {network_id}"):
                self.cloud.check(self._api.post("/rbac-policies", json={"rbac_policy": wanted}))
                return True

        once(allow, lambda: True if project_id in self.access()[network_id] else None)


@shaped
def _network(found: t.Mapping[str, t.Any], subnets: t.Sequence[OutsideSubnet]) -> OutsideNetwork:
    provider = {key.removeprefix(_PROVIDER): str(value) for key, value in found.items() if key.startswith(_PROVIDER) and value is not None}
    return OutsideNetwork(found.get("name") or "", found.get("mtu") or 0, provider, tuple(sorted(subnets, key=lambda one: one.cidr)))


@shaped
def _subnet(found: t.Mapping[str, t.Any]) -> OutsideSubnet:
    pools = tuple(OutsidePool(_address(one["start"]), _address(one["end"])) for one in found.get("allocation_pools") or ())
    return OutsideSubnet(found.get("name") or "", found["cidr"], found["ip_version"], found.get("gateway_ip"), pools)


def _address(text: t.Any) -> str:
    """An address; refuses what is none."""
    return str(ipaddress.ip_address(str(text)))
