# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import openstack
import pytest
from ansible_collections.osdr.openstack.plugins.module_utils.catalogue.catalogue import Catalogue
from ansible_collections.osdr.openstack.plugins.module_utils.cloud.session import Cloud
from ansible_collections.osdr.openstack.plugins.module_utils.core.errors import InvalidInput, KeptPlanInvalid
from ansible_collections.osdr.openstack.plugins.module_utils.manifest import signed
from ansible_collections.osdr.openstack.plugins.module_utils.site.kept import LARGEST_PLAN, NAME, KeptPlan, PlanKeeper
from ansible_collections.osdr.openstack.tests.unit.support.fakes import FakeStore
from ansible_collections.osdr.openstack.tests.unit.support.memory.provider import plan

KEPT = KeptPlan(plan({"name": "shop", "project": "shop"}), "2026-01-01T12:00:00.000Z")


def keeper(store, key=None):
    return PlanKeeper(store, Catalogue(store, key).seal)


def test_a_plan_comes_back_as_it_was_written():
    store = FakeStore()
    assert keeper(store).read() is None
    keeper(store, "secret").write(KEPT)
    assert keeper(store, "secret").read() == KEPT


def test_a_plan_is_kept_where_its_site_has_its_catalogues(tmp_path):
    cloud = Cloud(openstack.connect(auth_type="none", endpoint="http://swift.example/v1", osdr_catalogue={"directory": str(tmp_path)}), "remote")
    cloud.__dict__["project_id"] = "operations"
    made = PlanKeeper.of(cloud, {"container": "catalogue", "hmac_key": "secret"})
    made.write(KEPT)
    assert made.read() == KEPT
    written = (tmp_path / "operations" / "catalogue" / NAME).read_bytes()
    assert KeptPlan.load(written, signed.Seal("secret", "operations/catalogue")) == KEPT


def test_a_plan_is_no_application_of_the_catalogue():
    store = FakeStore()
    keeper(store).write(KEPT)
    assert Catalogue(store).applications() == []


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"{}", "is not signed"),
        (KEPT.dump(), "is not signed"),
        (KEPT.dump(signed.Seal("other", "project/catalogue")), "signature does not match"),
        (KEPT.dump(signed.Seal("secret", "elsewhere/catalogue")), "was signed for another place"),
        (b"{" + b" " * LARGEST_PLAN, "has more than 4 MiB, so it is none"),
    ],
)
def test_what_is_not_the_plan_that_was_signed_is_refused(content, told):
    with pytest.raises(KeptPlanInvalid, match=told) as caught:
        keeper(FakeStore(**{NAME: content}), "secret").read()
    assert str(caught.value).startswith(f"Object '{NAME}' in container 'catalogue' of site 'remote': ")


@pytest.mark.parametrize("change", [{"since": "yesterday"}, {"since": 1}, {"plan": []}, {"schema_version": 2}, {"more": 1}])
def test_what_is_no_kept_plan_is_refused(change):
    content = signed.dump({"schema_version": 1, "since": KEPT.since, "plan": KEPT.plan, **change})
    with pytest.raises(KeptPlanInvalid):
        keeper(FakeStore(**{NAME: content})).read()


def test_a_plan_that_nobody_could_read_again_is_not_kept():
    large = KeptPlan({"x": "y" * LARGEST_PLAN}, KEPT.since)
    store = FakeStore()
    for use in (keeper(store).write, keeper(store).content_of):
        with pytest.raises(InvalidInput, match="The site plan would take 4,194,.* bytes in container .*; more than 4 MiB cannot be kept."):
            use(large)
    assert store.content == {}
