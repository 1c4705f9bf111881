# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Keystone in memory: the names of projects, for administrators."""

from __future__ import annotations

import typing as t

from ansible_collections.osdr.openstack.tests.unit.support.memory.asking import Request, expect


class Keystone:
    def __init__(self) -> None:
        #: Per id.
        self.projects: dict[str, str] = {}

    def serve(self, request: Request) -> t.Any:
        expect(request.method == "GET" and request.path == ("projects",), "Only projects can be listed.", 405)
        expect(request.caller.sees_all, "You are not authorized to perform the requested action.", 403)
        return {"projects": [{"id": key, "name": name} for key, name in self.projects.items()]}
