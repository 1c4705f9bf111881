# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The images of a site in memory."""

from __future__ import annotations

import typing as t

from ansible_collections.osdr.openstack.tests.unit.support.fake_glance import FakeGlance
from ansible_collections.osdr.openstack.tests.unit.support.memory.asking import Refused, Request, Resource


class Glance:
    def __init__(self, project: str) -> None:
        self.fake = FakeGlance(project)

    @property
    def by_id(self) -> dict[str, dict[str, Resource]]:
        return {"images": {key: {**one, "project_id": one["owner"]} for key, one in self.fake.by_id.items()}}

    def serve(self, request: Request) -> t.Any:
        path = "/" + "/".join(request.path)
        if request.method != "GET":
            raise Refused(405, "Images are only read here.")
        answer = self.fake.get(path, {key: values[0] for key, values in request.query.items()})
        if answer.status_code >= 400:
            raise Refused(answer.status_code, answer.text)
        return answer.json()
