# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import datetime
import time
from types import SimpleNamespace

import pytest
from ansible_collections.osdr.openstack.plugins.module_utils.catalogue.catalogue import Catalogue
from ansible_collections.osdr.openstack.plugins.module_utils.core.errors import InvalidInput
from ansible_collections.osdr.openstack.plugins.modules import os_recovery_point_info
from ansible_collections.osdr.openstack.tests.unit.support import shop
from ansible_collections.osdr.openstack.tests.unit.support.fakes import FakeBackups, FakeStore, backup

OTHER = shop.taken("ten", application="blog")
DRILLED = shop.drilled()
OBJECTS = {DRILLED.object_name: DRILLED.dump(), "shop/noon.json": shop.manifest().dump(), "blog/ten.json": OTHER.dump(), "wiki/one.json": b"{"}


def run(storage=None, warn=None, **changes):
    params = {"applications": None, "max_age": None, "max_drill_age": None, "max_proof_age": None, **changes}
    catalogue = Catalogue(FakeStore(**OBJECTS))
    module = SimpleNamespace(params=params, warn=warn)
    return os_recovery_point_info.run(module, catalogue, storage or FakeBackups(*shop.backups()))


def within(result):
    return {one["application"]: one["within"] for one in result["recovery_points"]}


def test_all_applications_are_looked_at():
    found = run()
    assert within(found) == {"blog": True, "shop": True, "wiki": False}
    assert found["recovery_points"][1]["age"] > 0
    assert 'osdr_recovery_points{application="wiki"} 0' in found["metrics"]


def test_an_application_that_was_named_is_missed():
    assert within(run(applications=["shop", "orders", "shop"])) == {"orders": False, "shop": True}
    assert within(run(applications=[])) == {}


def test_a_site_that_does_not_show_its_time_is_judged_by_the_clock_of_the_controller():
    assert within(run(applications=["shop"], max_age=1)) == {"shop": False}
    assert within(run(applications=["shop"], max_age=10**10)) == {"shop": True}


@pytest.mark.parametrize("changes", [{"max_age": -1}, {"max_drill_age": -1}, {"max_proof_age": -1}, {"applications": ["../shop"]}])
def test_nonsense_is_refused(changes):
    with pytest.raises(InvalidInput):
        run(**changes)


def test_the_last_drill_is_looked_up():
    found = {one["application"]: one["drill"] for one in run()["recovery_points"]}
    assert found["blog"] is None
    assert found["shop"]["drill"] == "7"
    limited = {one["application"]: one["drill_within"] for one in run(max_drill_age=1)["recovery_points"]}
    assert limited == {"blog": False, "shop": False, "wiki": False}


def test_the_limit_of_proofs_is_its_own():
    limited = {one["application"]: one["proof_within"] for one in run(max_proof_age=1)["recovery_points"]}
    assert limited == {"blog": False, "shop": False, "wiki": False}
    assert all(one["proof_within"] for one in run()["recovery_points"])


def test_a_newer_checkpoint_that_the_catalogue_lost_is_told():
    metadata = {"osdr_application": "shop", "osdr_checkpoint": "one", "osdr_manifest": "1:" + "0" * 64}
    newer = backup("newer", data_timestamp="2026-01-01T13:00:00", metadata=metadata)
    warnings = []
    found = run(FakeBackups(*shop.backups(), newer), warnings.append)
    assert within(found)["shop"]
    assert ["'one' of application 'shop'" in one for one in warnings] == [True]


def test_the_age_is_by_the_clock_of_the_site():
    behind, told = FakeBackups(*shop.backups()), []
    made = datetime.datetime.fromisoformat(shop.manifest().checkpoint.created_at)
    answered = time.monotonic()
    behind.cloud.clock.note_record((made + datetime.timedelta(seconds=60)).isoformat(), answered, answered)
    [found] = run(behind, told.append, applications=["shop"], max_age=120)["recovery_points"]
    assert 59 < found["age"] < 120
    assert found["within"]
    assert "The clock of site 'remote' is" in told[0]
