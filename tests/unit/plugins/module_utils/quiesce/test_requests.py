# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the freeze window of servers asks Nova for, and what it leaves in its database: documented in docs/planning.md."""

from __future__ import annotations

import collections
import datetime
import json
import re
import threading

import openstack
import pytest
from ansible_collections.osdr.openstack.plugins.module_utils.cloud import repeating
from ansible_collections.osdr.openstack.plugins.module_utils.cloud.compute import Compute
from ansible_collections.osdr.openstack.plugins.module_utils.cloud.session import Cloud
from ansible_collections.osdr.openstack.plugins.module_utils.quiesce.mark import FreezeMarks
from ansible_collections.osdr.openstack.plugins.module_utils.quiesce.nova import NovaDriver
from ansible_collections.osdr.openstack.plugins.module_utils.quiesce.window import FreezeWindow, Limits, Member
from ansible_collections.osdr.openstack.plugins.module_utils.work.interruption import Interruption
from ansible_collections.osdr.openstack.tests.unit.support.fakes import FakeDriver, server

NOVA = "http://nova.example/v2.1"
#: For the mark of each server in a window: it is put, and read before and after; read after the thaw, and before it is removed.
OF_MARK = {"GET server": 4, "POST metadata": 1, "DELETE metadata": 1}
#: Nova's clock is read before it is told when to thaw.
OF_NOVA = {**OF_MARK, "GET os-quiesce": 1, "POST action quiesce": 1, "POST action unquiesce": 1}


class Nova:
    """Servers with metadata, and the quiesce API, which counts what it is asked for."""

    def __init__(self, requests_mock):
        self.asked = collections.Counter()
        self.metadata = collections.defaultdict(dict)
        self.frozen = {}
        self._lock = threading.Lock()
        version = {"id": "v2.1", "status": "CURRENT", "version": "2.100", "min_version": "2.1", "links": [{"rel": "self", "href": NOVA}]}
        for url in (NOVA, f"{NOVA}/"):
            requests_mock.get(url, json={"version": version})
        for method, rest, answer in (
            ("GET", "", self._show),
            ("POST", "/metadata", self._mark),
            ("DELETE", "/metadata/[^/]+", self._unmark),
            ("GET", "/os-quiesce", self._state),
            ("POST", "/action", self._act),
        ):
            requests_mock.register_uri(method, re.compile(rf"{NOVA}/servers/[^/]+{rest}$"), json=answer)

    def _note(self, request, what):
        with self._lock:
            self.asked[f"{request.method} {what}"] += 1
        return request.path.split("/")[3]

    def _show(self, request, _context):
        one = self._note(request, "server")
        shown = {"id": one, "name": one, "status": "ACTIVE", "metadata": self.metadata[one], "flavor": {"original_name": "small"}, "image": None}
        return {"server": {**shown, "tenant_id": "project"}}

    def _mark(self, request, _context):
        self.metadata[self._note(request, "metadata")].update(request.json()["metadata"])
        return {"metadata": {}}

    def _unmark(self, request, context):
        self.metadata[self._note(request, "metadata")].pop(request.path.split("/")[-1])
        context.status_code = 204

    def _state(self, request, _context):
        self._note(request, "os-quiesce")
        return self._told("none")

    def _act(self, request, context):
        (action, given), = request.json().items()
        one = self._note(request, f"action {action}")
        context.status_code = 202
        if action == "quiesce":
            self.frozen[one] = given
            return self._told("quiesced", until=given["until"], token=given["token"])
        token = self.frozen.pop(one)["token"]
        return self._told("none", last={"token": token, "outcome": "unquiesced", "intact": True, "at": self._now()})

    def _told(self, state, **more):
        return {"quiesce": {"state": state, "now": self._now(), "max_timeout": 300, "default_timeout": 60, **more}}

    @staticmethod
    def _now():
        return datetime.datetime.now(datetime.UTC).isoformat()


@pytest.fixture
def nova(requests_mock):
    return Nova(requests_mock)


@pytest.fixture
def compute(nova):
    connection = openstack.connect(auth_type="none", endpoint=NOVA, compute_endpoint_override=NOVA)
    repeating.install(connection)
    return Compute(Cloud(connection, "primary"))


def hold(compute, driver, count):
    members = [Member(server(f"db{number}"), "database", driver) for number in range(count)]
    return FreezeWindow([members], Limits(30, 60, 120, 4), FreezeMarks(compute), Interruption())


@pytest.mark.parametrize("count", [1, 5])
def test_what_a_window_asks_nova_for_grows_with_the_servers_alone(nova, compute, count):
    with hold(compute, NovaDriver(compute, guard_timeout=120, thaw_timeout=5), count):
        assert len(nova.frozen) == count
        assert [json.loads(one["osdr_freeze"])["driver"] for one in nova.metadata.values()] == ["nova"] * count
    assert nova.asked == {what: count * number for what, number in OF_NOVA.items()}
    assert (nova.frozen, {one: left for one, left in nova.metadata.items() if left}) == ({}, {})


def test_another_driver_asks_nova_for_no_more_than_the_mark(nova, compute):
    with hold(compute, FakeDriver(), 2):
        pass
    assert nova.asked == {what: 2 * number for what, number in OF_MARK.items()}
