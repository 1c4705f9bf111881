# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Swift in memory, as far as catalogues need it. Each project has an account of its own."""

from __future__ import annotations

import collections
import typing as t

from ansible_collections.osdr.openstack.tests.unit.support.memory.asking import Request, Resource, expect


class Swift:
    def __init__(self) -> None:
        #: Contents of objects by their names, per project and container.
        self.objects: dict[tuple[str, str], dict[str, bytes]] = collections.defaultdict(dict)

    def serve(self, request: Request) -> t.Any:
        container, name = request.path[0], "/".join(request.path[1:])
        there = (request.caller.project, container)
        if request.method == "PUT":
            self.objects[there] |= {name: request.body["content"]} if name else {}
            return None
        expect(request.method == "GET", "Objects can be listed, read and written.", 405)
        expect(there in self.objects and (not name or name in self.objects[there]), "The resource could not be found.", 404)
        return self.objects[there][name] if name else self._listed(there, request.query)

    def _listed(self, there: tuple[str, str], query: t.Mapping[str, list[str]]) -> list[Resource]:
        prefix, marker = (query.get(key, [""])[0] for key in ("prefix", "marker"))
        return [_described(name, content) for name, content in sorted(self.objects[there].items()) if name.startswith(prefix) and name > marker]


def _described(name: str, content: bytes) -> Resource:
    more = {"hash": "0" * 32, "last_modified": "2026-01-01T00:00:00.000000", "content_type": "application/json"}
    return {"name": name, "bytes": len(content), **more}
