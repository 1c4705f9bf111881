# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whatever a service answers, capturing and checking end well, or in an error for people: no answer is trusted to have a shape."""

from __future__ import annotations

import contextlib
import json
from unittest import mock

import pytest
from ansible_collections.osdr.openstack.plugins.module_utils.core.errors import DrError
from ansible_collections.osdr.openstack.tests.unit.support.memory import plain
from ansible_collections.osdr.openstack.tests.unit.support.memory.roundtrip import Modules, manifest_of
from ansible_collections.osdr.openstack.tests.unit.support.memory.site import MemorySite
from ansible_collections.osdr.openstack.tests.unit.support.memory.topologies import APPLICATION, Remote, Source

NONSENSE = (5, None, {"x": [0]})


class Travelled:
    """An application with a bit of everything, at the site where it is and at one that has never seen it."""

    def __init__(self):
        port = plain.port(floating=[plain.floating()], groups=[0])
        routers, groups = [plain.router((0, False))], [plain.group(plain.rule())]
        blueprint = plain.blueprint(routers=routers, groups=groups, servers=[plain.server(port)], vips=[plain.port()], trunk=(0, 100))
        source = Source(blueprint)
        remote = Remote(blueprint, source)
        self._definition = {"name": APPLICATION, "tiers": [{"name": "all", "servers": [one["id"] for one in source.servers]}]}
        self._here, self._there = Modules(source.site), Modules(remote.site)
        self._manifest = json.loads(json.dumps(manifest_of(self.capture(), source.site, remote.site)))

    def capture(self):
        return self._here.captured(self._definition)

    def check(self):
        return self._there.checked(self._manifest)


def answers(act):
    """What services answer meanwhile, by what was asked for."""
    found = {}
    with answering(found.setdefault):
        act()
    return found


def answering(change):
    real = MemorySite.serve

    def serve(self, service, request):
        answer = real(self, service, request)
        is_read = request.method == "GET" and service != "glance" and isinstance(answer, dict)
        return change((service, *request.path), json.loads(json.dumps(answer))) if is_read else answer

    return mock.patch.object(MemorySite, "serve", serve)


def end(act, key, bent):
    """Have something end, well or in an error for people, while one question is answered otherwise."""
    with answering(lambda asked, answer: bent if asked == key else answer), contextlib.suppress(DrError):
        act()


@pytest.mark.parametrize("step", ["capture", "check"])
@pytest.mark.parametrize("nonsense", NONSENSE, ids=str)
def test_what_makes_no_sense_in_a_list_is_told(step, nonsense):
    act = getattr(Travelled(), step)
    for key, answer in answers(act).items():
        for name, listed in answer.items():
            bent = [nonsense, *listed[1:]] if isinstance(listed, list) else nonsense
            end(act, key, {**answer, name: bent})


@pytest.mark.parametrize(("step", "nonsense"), [("capture", {"x": [0]}), ("check", 5)], ids=str)
def test_what_makes_no_sense_of_a_resource_is_told(step, nonsense):
    act = getattr(Travelled(), step)
    for key, answer in answers(act).items():
        for name, listed in answer.items():
            for member in listed[0] if isinstance(listed, list) and listed and isinstance(listed[0], dict) else ():
                end(act, key, {**answer, name: [{**listed[0], member: nonsense}, *listed[1:]]})
