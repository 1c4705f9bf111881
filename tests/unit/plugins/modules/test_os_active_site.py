# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import time
from types import SimpleNamespace

import pytest
from ansible_collections.osdr.openstack.plugins.module_utils.catalogue.active_record import ActiveRecord
from ansible_collections.osdr.openstack.plugins.module_utils.catalogue.catalogue import Catalogue
from ansible_collections.osdr.openstack.plugins.module_utils.cloud.site_clock import SiteClock
from ansible_collections.osdr.openstack.plugins.module_utils.core.errors import CheckFailed, InvalidInput
from ansible_collections.osdr.openstack.plugins.modules import os_active_site
from ansible_collections.osdr.openstack.tests.unit.support.fakes import FakeStore

NOON, ONE = "2026-01-01T12:00:00.000Z", "2026-01-01T13:00:00.000Z"


def record(site="remote", since=NOON, checkpoint="noon"):
    return ActiveRecord("shop", site, since, checkpoint)


class Site:
    def __init__(self, found=None, **objects):
        self.clock = SiteClock("remote")
        self.catalogue = Catalogue(FakeStore(**objects))
        if found:
            self.catalogue.set_active(found)

    def run(self, check_mode=False, **changes):
        params = {"application": "shop", "site": "remote", "checkpoint": "noon", "since": None, **changes}
        return os_active_site.run(SimpleNamespace(params=params, check_mode=check_mode), self.catalogue, self.clock)


def test_it_is_recorded_once_since_the_first_time():
    site = Site()
    first, second = site.run(), site.run()
    assert (first["changed"], second["changed"]) == (True, False)
    assert first["active_site"] == second["active_site"] == site.catalogue.active("shop").as_dict()
    assert first["diff"]["before"] == {}


def test_check_mode_writes_nothing():
    site = Site()
    assert site.run(check_mode=True)["changed"]
    assert site.catalogue.active("shop") is None


@pytest.mark.parametrize("changes", [{"site": "primary"}, {"checkpoint": "one"}, {"checkpoint": ""}])
def test_another_site_or_checkpoint_is_a_new_record(changes):
    result = Site(record()).run(**changes)
    assert result["changed"]
    assert result["active_site"]["since"] > NOON
    assert result["diff"]["before"] == record().as_dict()


@pytest.mark.parametrize("since", [NOON, "2026-01-01T13:00:00+01:00"])
def test_a_record_of_the_other_site_is_copied_with_its_moment(since):
    assert not Site(record()).run(since=since)["changed"]
    site = Site(record("primary", "2026-01-01T11:00:00Z"))
    assert site.run(since=since)["changed"]
    assert site.catalogue.active("shop") == record(), "letter by letter"


def test_an_older_record_does_not_replace_a_newer_one():
    site = Site(record("primary", ONE))
    with pytest.raises(CheckFailed, match="is newer: it says 'primary' since 2026-01-01T13:00:00.000Z"):
        site.run(since=NOON)
    assert site.run()["changed"]


def test_a_damaged_record_is_replaced():
    result = Site(**{"shop/_active.json": b"{"}).run()
    assert "not a JSON document" in result["diff"]["before"]["damaged"]
    assert result["changed"]


@pytest.mark.parametrize("changes", [{"application": "../shop"}, {"checkpoint": "latest"}, {"since": "noon"}])
def test_nonsense_is_refused(changes):
    with pytest.raises(InvalidInput):
        Site().run(**changes)


def test_a_record_is_dated_by_the_clock_of_the_site():
    site = Site()
    answered = time.monotonic()
    site.clock.note_record("2036-01-01T12:00:00", answered, answered)
    assert site.run()["active_site"]["since"].startswith("2036-01-01T12:0")
