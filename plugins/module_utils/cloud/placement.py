# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the hosts of a site have left, as Placement tells administrators."""

from __future__ import annotations

import collections
import dataclasses

from .session import Cloud

VCPU, PCPU, MEMORY = "VCPU", "PCPU", "MEMORY_MB"
#: Since when all that a host has is told, and to which host a part of one belongs.
_VERSION = "1.29"
#: Nova puts this on hosts that an operator has disabled.
_DISABLED = "COMPUTE_STATUS_DISABLED"


@dataclasses.dataclass(frozen=True)
class HostRoom:
    """What a host has left, with all overcommitment that the operator allows.

    :param pinned: processors for servers that want them for themselves.
    :param memory: MiB.
    """

    vcpus: int
    pinned: int
    memory: int


class Placement:
    """The hosts of one cloud.

    :param cloud: of an administrator.
    """

    def __init__(self, cloud: Cloud) -> None:
        self.cloud = cloud

    @property
    def exists(self) -> bool:
        return self.cloud.has("placement")

    def rooms(self) -> list[HostRoom]:
        """All hosts that have any memory left, but for those that are disabled."""
        query = {"resources": f"{MEMORY}:1", "required": f"!{_DISABLED}"}
        with self.cloud.calling("tell what its hosts have left"):
            api = self.cloud.service("placement")
            found = self.cloud.json(api.get("/allocation_candidates", params=query, microversion=_VERSION))["provider_summaries"]
            hosts: dict[str, collections.Counter[str]] = collections.defaultdict(collections.Counter)
            for provider in found.values():
                for name, room in provider["resources"].items():
                    hosts[provider["root_provider_uuid"]][name] += room["capacity"] - room["used"]
            return [HostRoom(*(int(left[name]) for name in (VCPU, PCPU, MEMORY))) for left in hosts.values()]
