# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import time
from types import SimpleNamespace

import pytest
from ansible_collections.osdr.openstack.plugins.module_utils.catalogue import catalogue
from ansible_collections.osdr.openstack.plugins.module_utils.core.errors import CheckFailed, FenceIncomplete, InvalidInput
from ansible_collections.osdr.openstack.plugins.module_utils.failover import fencing
from ansible_collections.osdr.openstack.plugins.module_utils.failover.fence_mark import FenceMark
from ansible_collections.osdr.openstack.plugins.module_utils.manifest.manifest import Manifest
from ansible_collections.osdr.openstack.plugins.modules import os_application_fence
from ansible_collections.osdr.openstack.tests.unit.support import shop
from ansible_collections.osdr.openstack.tests.unit.support.fake_nova import FakeNova
from ansible_collections.osdr.openstack.tests.unit.support.fakes import FakeStore, server

APPLICATION = {"name": "shop", "tiers": [{"name": "all", "servers": ["orders-db", "shop-front"], "checks": []}]}
LOCKED = "Fenced by its project: application shop runs at site remote, from checkpoint noon."


@pytest.fixture
def nova(monkeypatch):
    fake = FakeNova(server("orders-db"), server("shop-front"))
    monkeypatch.setattr(os_application_fence, "Waiter", lambda timeout, interval: fake.waiter)
    monkeypatch.setattr(fencing, "addresses", lambda network, servers: {})
    return fake


@pytest.fixture
def asked():
    """Which sites' catalogues were asked."""
    return []


@pytest.fixture
def store(monkeypatch, asked):
    """The store of the other site's catalogue."""
    there = FakeStore(**{"shop/noon.json": shop.manifest().dump()})
    monkeypatch.setattr(os_application_fence, "connect_other", asked.append)
    monkeypatch.setattr(catalogue, "configured_store", lambda _cloud, _container: there)
    return there


def run(nova, acting=None, check_mode=False, **changes):
    params = {
        "application": APPLICATION,
        "state": "fenced",
        "site": "primary",
        "runs_at": "remote",
        "checkpoint": "noon",
        "reason": "",
        "catalogue_cloud": None,
        "container": "osdr-catalogue",
        "hmac_key": None,
        "start": False,
        "keep_going": False,
        "admin_cloud": None,
        "timeout": 60,
        "concurrency": 4,
        "quiesce": {"driver": "libvirt", "admin_cloud": None, "libvirt_uri": None},
        **changes,
    }
    warnings = []
    module = SimpleNamespace(params=params, check_mode=check_mode, warn=warnings.append)
    return {**os_application_fence.run(module, nova, acting or nova, None), "warnings": warnings}


def test_a_fence_is_put_once_and_taken_away_once(nova):
    first, second = run(nova), run(nova)
    assert (first["changed"], second["changed"]) == (True, False)
    assert first["diff"] == {"before": {"orders-db": "ACTIVE", "shop-front": "ACTIVE"}, "after": {"orders-db": LOCKED, "shop-front": LOCKED}}
    assert second["diff"]["before"] == second["diff"]["after"] == first["diff"]["after"]
    assert [one["fenced"] for one in second["fence"]["servers"]] == [True, True]
    released, again = run(nova, state="released", start=True), run(nova, state="released", start=True)
    assert (released["changed"], again["changed"]) == (True, False)
    assert released["diff"]["after"]["orders-db"] == "released, ACTIVE"
    assert {one["status"] for one in released["fence"]["servers"]} == {"ACTIVE"}


def test_checks_are_those_of_the_operator_and_agents_are_asked_where_there_are_any(nova):
    tier = {"name": "all", "servers": ["orders-db"], "checks": [{"agent": True}]}
    with pytest.raises(InvalidInput, match="needs libvirt_uri"):
        run(nova, application={"name": "shop", "tiers": [tier]})


@pytest.mark.parametrize("changes", [{}, {"state": "released", "start": True}])
def test_check_mode_tells_and_does_nothing(nova, changes):
    if changes:
        run(nova)
    before = dict(nova.by_id)
    assert run(nova, check_mode=True, **changes)["changed"]
    assert nova.by_id == before


def test_where_the_application_runs_it_is_not_fenced(nova):
    with pytest.raises(InvalidInput, match="runs at site 'primary' according to runs_at, so it must not be fenced"):
        run(nova, runs_at="primary")


def test_a_state_that_does_not_fit_stops_all_of_it(nova):
    nova.by_id["id-orders-db"] = server("orders-db", status="ERROR")
    with pytest.raises(CheckFailed, match="at site 'primary' cannot be fenced: this step has changed nothing"):
        run(nova)
    assert nova.calls == []


def test_where_it_keeps_going_such_a_state_is_warned_of_and_the_others_are_fenced(nova):
    nova.by_id["id-orders-db"] = server("orders-db", status="ERROR")
    foreseen = run(nova, check_mode=True, keep_going=True)
    assert (nova.calls, foreseen["changed"], "Server orders-db (id-orders-db) is ERROR" in foreseen["warnings"][0]) == ([], True, True)
    nova.stubborn = {"orders-db"}
    with pytest.raises(FenceIncomplete, match=r"Server orders-db \(id-orders-db\) is ERROR \(powering-off\), not marked"):
        run(nova, keep_going=True)
    assert fencing.is_fenced(nova.by_id["id-shop-front"])
    nova.stubborn.clear()
    again, after = run(nova, keep_going=True), run(nova, keep_going=True)
    assert (again["changed"], after["changed"], [one["fenced"] for one in after["fence"]["servers"]]) == (True, False, [True, True])


def test_a_checkpoint_of_another_site_says_nothing_about_these_servers(nova, store, asked):
    with pytest.raises(CheckFailed, match="'noon' was taken of"):
        run(nova, catalogue_cloud="remote")
    store.content["shop/noon.json"] = Manifest.parse(shop.document(checkpoint={**shop.document()["checkpoint"], "site": "remote"})).dump()
    assert run(nova, catalogue_cloud="remote")["changed"]
    assert asked == ["remote"] * 2


def test_an_administrators_lock_and_what_is_missing_are_told(nova):
    admin = FakeNova(is_admin=True)
    admin.by_id = nova.by_id
    assert "an administrator" in run(nova, admin, check_mode=True, admin_cloud="primary-admin")["diff"]["after"]["orders-db"]
    assert "takes its lock for the project's own" in run(nova, admin_cloud="primary")["warnings"][0]
    del nova.by_id["id-shop-front"]
    assert "Server 'shop-front' of application 'shop' is not there at site 'primary'." in run(nova)["warnings"]


def test_a_fence_is_dated_by_the_clock_of_the_site(nova):
    answered = time.monotonic()
    nova.cloud.clock.note_record("2036-01-01T12:00:00", answered, answered)
    run(nova)
    assert {FenceMark.of(one).since[:13] for one in nova.servers()} == {"2036-01-01T12"}


@pytest.mark.parametrize("changes", [{}, {"catalogue_cloud": "remote", "checkpoint": ""}, {"catalogue_cloud": "remote", "checkpoint": "ten"}])
def test_without_a_checkpoint_the_servers_are_known_by_their_names(nova, store, changes):
    assert run(nova, **changes)["changed"]
