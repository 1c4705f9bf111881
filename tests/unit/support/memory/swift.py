# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Swift in memory, as far as catalogues are listed. Each project has an account of its own."""

from __future__ import annotations

import collections
import typing as t

from ansible_collections.osdr.openstack.tests.unit.support.memory.asking import Request, Resource, expect


class Swift:
    def __init__(self) -> None:
        #: Names of objects, per project and container.
        self.objects: dict[tuple[str, str], set[str]] = collections.defaultdict(set)

    def serve(self, request: Request) -> t.Any:
        expect(request.method == "GET" and len(request.path) == 1, "Only containers can be listed.", 405)
        there = (request.caller.project, request.path[0])
        expect(there in self.objects, "The container does not exist.", 404)
        prefix, marker = (request.query.get(key, [""])[0] for key in ("prefix", "marker"))
        return [_listed(name) for name in sorted(self.objects[there]) if name.startswith(prefix) and name > marker]


def _listed(name: str) -> Resource:
    return {"name": name, "bytes": 1, "hash": "0" * 32, "last_modified": "2026-01-01T00:00:00.000000", "content_type": "application/json"}
