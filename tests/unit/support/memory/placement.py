# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Placement in memory: what hosts have left."""

from __future__ import annotations

import typing as t

from ansible_collections.osdr.openstack.tests.unit.support.memory.asking import Request, Resource, expect


class Placement:
    """:ivar hosts: capacity and use of each class of resource, per name of a host."""

    def __init__(self) -> None:
        self.hosts: dict[str, dict[str, tuple[int, int]]] = {}

    def serve(self, request: Request) -> t.Any:
        expect(request.caller.sees_all, "Policy does not allow it.", 403)
        expect((request.method, request.path) == ("GET", ("allocation_candidates",)), "The resource could not be found.", 404)
        expect(request.version >= (1, 29), "The microversion is too old for what is asked.", 400)
        ((wanted, amount),) = (one.split(":") for one in request.query["resources"])
        fitting = {name: host for name, host in self.hosts.items() if wanted in host and host[wanted][0] - host[wanted][1] >= int(amount)}
        return {"allocation_requests": [], "provider_summaries": {name: _summary(name, host) for name, host in fitting.items()}}


def _summary(name: str, host: t.Mapping[str, tuple[int, int]]) -> Resource:
    resources = {kind: {"capacity": capacity, "used": used} for kind, (capacity, used) in host.items()}
    return {"resources": resources, "root_provider_uuid": name, "parent_provider_uuid": None, "traits": []}
