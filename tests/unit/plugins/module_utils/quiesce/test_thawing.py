# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import json

import pytest
from ansible_collections.osdr.openstack.plugins.module_utils.core.errors import FreezeFailed
from ansible_collections.osdr.openstack.plugins.module_utils.quiesce.thawing import Thawing
from ansible_collections.osdr.openstack.tests.unit.support.fakes import FakeDriver, FakeMarks, server


class Thawed:
    """A thaw of one server that is marked as frozen.

    :param text: the mark, when it is not as this collection writes it.
    """

    def __init__(self, driver="libvirt", text=None, status="ACTIVE", **trouble):
        mark = json.dumps({"driver": driver, "until": "2026-01-01T00:00:00Z", "token": "t"}) if text is None else text
        self.server = server("db", status=status, metadata={"osdr_freeze": mark})
        self.drivers = {name: FakeDriver(**trouble) for name in ("nova", "libvirt", "pause")}
        self.marks = FakeMarks()
        self.marks.put(self.server, mark)
        self._thawing = Thawing(None, None, 5)
        assert self._thawing._drivers.keys() == self.drivers.keys()
        self._thawing._drivers, self._thawing._marks = self.drivers, self.marks

    def thaw(self):
        return self._thawing.thaw(self.server)

    @property
    def calls(self):
        return {name: [action for action, _server in driver.calls] for name, driver in self.drivers.items() if driver.calls}


@pytest.mark.parametrize("driver", ["nova", "libvirt", "pause"])
def test_who_froze_a_server_thaws_it(driver):
    made = Thawed(driver)
    assert made.thaw()
    assert (made.calls, made.marks.marked) == ({driver: ["thaw", "disarm"]}, {})


@pytest.mark.parametrize(
    ("trouble", "was_frozen"),
    [
        pytest.param({"thawed_counts": {"db": 2}}, True, id="file systems were thawed"),
        pytest.param({"thawed_counts": {"db": 0}}, False, id="there were none to thaw"),
        pytest.param({"thawed_counts": {"db": None}}, True, id="how many cannot be known"),
        pytest.param({"interrupted": {"db": "Nova had thawed it before"}}, False, id="somebody had thawed it"),
    ],
)
def test_whether_it_was_still_frozen_is_told(trouble, was_frozen):
    made = Thawed(**trouble)
    assert made.thaw() is was_frozen
    assert made.marks.marked == {}


def test_a_server_that_is_off_needs_no_thaw():
    made = Thawed(status="SHUTOFF")
    assert made.thaw() is False
    assert (made.calls, made.marks.marked) == ({}, {})


@pytest.mark.parametrize("status", ["PAUSED", "SUSPENDED", "ERROR", "REBOOT"])
def test_any_other_server_is_thawed_whatever_its_status(status):
    made = Thawed(status=status)
    made.thaw()
    assert made.calls == {"libvirt": ["thaw", "disarm"]}


def test_a_thaw_that_cannot_be_confirmed_leaves_guard_and_mark():
    made = Thawed(failing={("thaw", "db")})
    with pytest.raises(FreezeFailed, match="thaw of db failed"):
        made.thaw()
    assert (made.calls, list(made.marks.marked)) == ({"libvirt": ["thaw"]}, ["id-db"])


def test_a_guard_that_cannot_be_disarmed_does_no_harm():
    made = Thawed(failing={("disarm", "db")})
    assert made.thaw()
    assert made.marks.marked == {}


@pytest.mark.parametrize(
    ("text", "name"),
    [
        pytest.param('{"driver": "vmware", "until": "", "token": ""}', "vmware", id="another driver's"),
        pytest.param("{", "unknown", id="damaged"),
        pytest.param("", "unknown", id="empty"),
        pytest.param('{"driver": ["nova"], "until": "", "token": ""}', "unknown", id="tampered with"),
    ],
)
def test_a_mark_that_names_no_driver_is_told_and_left(text, name):
    made = Thawed(text=text)
    with pytest.raises(FreezeFailed, match=rf"server db \(id-db\) names the unknown driver '{name}'.*by hand.*osdr_freeze"):
        made.thaw()
    assert (made.calls, list(made.marks.marked)) == ({}, ["id-db"])
