# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import pytest
from ansible_collections.osdr.openstack.plugins.module_utils.copies.check import import_problems, quota_problems, store_problems
from ansible_collections.osdr.openstack.plugins.module_utils.core.errors import CloudError
from ansible_collections.osdr.openstack.tests.unit.support.fake_stores import FakeSite, FakeSwift
from ansible_collections.osdr.openstack.tests.unit.support.fakes import FakeTime


@pytest.fixture
def site():
    return FakeSite("remote", FakeSwift(), FakeTime())


@pytest.mark.parametrize(
    ("limits", "problems"),
    [
        pytest.param({}, [], id="unlimited"),
        pytest.param({"backups": 3, "backup_gigabytes": 11}, [], id="just enough"),
        pytest.param({"backups": 2}, ["'backups' of the project on site 'remote' is 1 too small: 2 more are needed, 1 of 2"], id="number"),
        pytest.param({"backup_gigabytes": 4}, ["'backup_gigabytes' of the project on site 'remote' is 7 too small: 10 more"], id="size"),
        pytest.param({"backups": 0, "backup_gigabytes": 0}, ["'backups'", "'backup_gigabytes'"], id="both"),
    ],
)
def test_what_the_quotas_do_not_allow(site, limits, problems):
    site.hold("one")
    site.limits |= limits
    found = quota_problems(site, 2, 10)
    assert len(found) == len(problems)
    assert all(expected in problem for expected, problem in zip(problems, found, strict=True))


def test_who_may_import_has_no_problem(site):
    assert import_problems(site) == []


def test_who_may_not_import_is_told_what_to_give(site):
    site.allowed_to_import = False
    (problem,) = import_problems(site)
    assert "may not import records of backups on site 'remote'. Give remote_admin_cloud" in problem


def test_a_site_that_cannot_answer_needs_its_backup_service(site):
    def unavailable():
        raise CloudError("Site 'remote' could not ask.", "Not this.", http_status=503)

    site.may_import = unavailable
    assert import_problems(site) == ["Site 'remote' could not ask. A running backup service is needed there."]


def test_a_store_that_can_be_looked_at_has_no_problem():
    assert store_problems("store_cloud", FakeSwift()) == []


def test_a_store_that_cannot_be_looked_at_names_the_option_to_give():
    store = FakeSwift("primary")
    store.down = 1
    (problem,) = store_problems("store_cloud", store)
    assert problem.startswith("Site 'primary' does not answer. Give store_cloud: ")
