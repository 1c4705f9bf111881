# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Freezing and thawing an application by each driver, as an operator does it."""

from __future__ import annotations

import contextlib
import signal
import time

import laboratory
import pytest
from laboratory import APPLICATION, DRIVERS, GUARDED, LIBVIRT_URI, SERVERS, ModuleRun, frozen_of, module, quiesce, thaw_all, wait

WITH_AGENTS = ["nova", pytest.param("libvirt", marks=pytest.mark.campaign)]


def servers_of(result):
    return {one["name"]: one for one in result["quiesce"]["servers"]}


def states(guests, driver):
    """Names of the servers that stand still; a paused one cannot be asked."""
    if driver == "pause":
        return {guest.name for guest in guests if guest.status() == "PAUSED"}
    return frozen_of(guests)


@pytest.mark.parametrize("driver", DRIVERS)
def test_a_group_is_frozen_and_thawed_and_each_is_done_once(guests, driver):
    frozen = quiesce(driver)
    assert frozen["changed"], frozen
    assert states(guests, driver) == set(SERVERS)
    evidence = servers_of(frozen)
    if driver != "pause":
        assert evidence["shop-front"]["frozen_at"] <= evidence["orders-db"]["requested_at"], "front before database"
    guards = {"nova": "nova", "libvirt": "guest", "pause": "controller"}
    assert {one["guard"] for one in evidence.values()} == {guards[driver]}
    assert all(one["guard_until"] > one["frozen_at"] >= one["requested_at"] for one in evidence.values())
    assert not quiesce(driver)["changed"]
    # Whatever the options say: who froze it thaws it.
    thawed = quiesce("nova", state="unquiesced", libvirt_uri=LIBVIRT_URI)
    assert thawed["changed"], thawed
    assert {one["driver"] for one in servers_of(thawed).values()} == {driver}
    assert {one["interrupted"] for one in servers_of(thawed).values()} == {None}
    assert not states(guests, driver)
    assert not quiesce(driver, state="unquiesced")["changed"]
    assert not any("osdr_freeze" in guest.metadata() for guest in guests)


def test_auto_takes_the_best_and_says_why_not_the_others(guests):
    result = module(
        "os_server_quiesce", cloud="primary", application=APPLICATION, consistency="paused", guard_timeout=60, budget=20
    )
    reasons = servers_of(result)["orders-db"]["passed_over"]
    assert {one["driver"] for one in servers_of(result).values()} == {"pause"}
    assert "os-quiesce" in reasons["nova"]
    assert "libvirt_uri" in reasons["libvirt"]
    assert module("os_server_quiesce", cloud="primary", application=APPLICATION, state="unquiesced")["changed"]


def test_auto_pauses_nobody_who_was_to_be_frozen(guests):
    result = module("os_server_quiesce", cloud="primary", application=APPLICATION)
    assert "msg" in result
    assert "this step has changed nothing" in result["msg"]
    assert all(name in result["msg"] for name in SERVERS)


@pytest.mark.parametrize("driver", WITH_AGENTS)
def test_a_dead_agent_is_found_before_anybody_is_frozen(guests, front, driver):
    with front.hung_agent():
        result = quiesce(driver, freeze_timeout=8)
        assert "this step has changed nothing" in result.get("msg", ""), result
        assert "shop-front" in result["msg"]
        assert "orders-db" not in result["msg"]
        assert not frozen_of(guests)


@pytest.mark.parametrize("driver", WITH_AGENTS)
def test_an_agent_that_dies_in_the_freeze_is_named_and_thawed_when_it_wakes(guests, front, driver):
    assert quiesce(driver, guard_timeout=25)["changed"]
    with front.hung_agent():
        result = quiesce(driver, state="unquiesced", freeze_timeout=5)
        assert "shop-front" in result.get("msg", ""), result
        assert "thaw" in result["msg"]
        assert "orders-db (" not in result["msg"]
    wait("everybody to be thawed", lambda: not frozen_of(guests), 90)
    thaw_all()


@pytest.mark.parametrize("driver", DRIVERS)
def test_the_guard_thaws_what_everybody_forgot(guests, driver):
    assert quiesce(driver, **GUARDED)["changed"]
    wait("the guards", lambda: not states(guests, driver), GUARDED["guard_timeout"] + 25)
    if driver == "pause":
        # Its guard has also taken the marks away, since nobody else was there.
        wait("the marks to be gone", lambda: not any("osdr_freeze" in guest.metadata() for guest in guests), 10)
        return
    result = quiesce(driver, state="unquiesced")
    assert all(one["guard_fired"] or one["interrupted"] for one in servers_of(result).values()), result
    assert not any("osdr_freeze" in guest.metadata() for guest in guests)


@pytest.mark.parametrize("driver", DRIVERS)
def test_thaw_needs_nothing_but_the_cloud(guests, driver):
    assert quiesce(driver)["changed"]
    found = thaw_all()
    assert {(one["name"], one["was_frozen"]) for one in found["thaw"]} == {(name, True) for name in SERVERS}
    assert not states(guests, driver)
    again = thaw_all()
    assert (again["changed"], again["thaw"]) == (False, [])


def test_a_server_that_was_reset_in_the_freeze_is_told(guests, front):
    assert quiesce("libvirt")["changed"]
    front.reset()
    ping = '{"execute":"guest-ping"}'
    wait("its agent", lambda: "return" in laboratory.in_site("virsh", "qemu-agent-command", front.id, ping, check=False), 60)
    thawed = servers_of(quiesce("libvirt", state="unquiesced"))
    assert thawed["orders-db"]["filesystems"] == 2


@pytest.mark.parametrize("is_late", [False, pytest.param(True, marks=pytest.mark.campaign)], ids=["agent wakes during the thaw", "agent wakes after the run"])
def test_a_freeze_that_arrives_after_its_connection_was_lost_is_ended_and_nobody_is_called_thawed_too_early(front, is_late):
    """The freeze waits for an agent that hangs; libvirt has it when the connection breaks, and carries it out when the agent wakes."""
    host = laboratory.cloud("primary-admin").compute.get_server(front.id).hypervisor_hostname
    alone = {"name": "shop", "tiers": [{"name": "front", "servers": [front.name]}]}
    limits = {"budget": 30, "freeze_timeout": 20, "guard_timeout": 120}
    with laboratory.Relay(host, b"guest-fsfreeze-freeze", front.stop_agent) as relay:
        options = {**DRIVERS["libvirt"], "libvirt_uri": relay.uri, **limits}
        run = ModuleRun("os_server_quiesce", cloud="primary", application=alone, state="quiesced", **options)
        try:
            wait("the freeze to be asked for", relay.has_passed.is_set, 120)
            # Until libvirt has read it.
            time.sleep(2)
            relay.cut()
            if not is_late:
                time.sleep(3)
                front.wake_agent()
            result = run.result()
        finally:
            front.wake_agent()
    assert "could not be" in result.get("msg", ""), result
    if "could not be confirmed" not in result["msg"]:
        assert "thawed again" in result["msg"], result
        assert "osdr_freeze" not in front.metadata()
        assert not front.is_frozen()
    else:
        # Its guard is what is left to thaw it, and says so.
        assert "osdr_freeze" in front.metadata()
    wait("it to be thawed, at the latest by its guard", lambda: not front.is_frozen(), limits["guard_timeout"] + 25)
    # Not for a moment only: nothing can arrive any more.
    time.sleep(limits["freeze_timeout"])
    assert not front.is_frozen()
    # A thaw that may come before the freeze is refused until that can no longer arrive.
    wait("the mark to be gone", lambda: thaw_all() and "osdr_freeze" not in front.metadata(), 90, 5)


@contextlib.contextmanager
def window(driver, **options):
    """os_cg_snapshot at work, from the moment when its first server is marked."""
    name = laboratory.unique("window")
    limits = {"budget": 20, "guard_timeout": 40, **options}
    run = ModuleRun("os_cg_snapshot", cloud="primary", name=name, application=APPLICATION, quiesce={**DRIVERS[driver], **limits})
    first = laboratory.Guest.named("shop-front")
    try:
        wait("the first mark", lambda: "osdr_freeze" in first.metadata(), 60, 0.1)
        yield run
    finally:
        if run.process.is_running():
            run.result()
        module("os_cg_snapshot", cloud="primary", name=name, application=APPLICATION, state="absent")


@pytest.mark.parametrize(("driver", "number"), [("nova", signal.SIGTERM), ("libvirt", signal.SIGINT), ("pause", signal.SIGHUP)])
def test_who_is_told_to_stop_thaws_first(guests, driver, number):
    with window(driver) as run:
        time.sleep(1)
        run.signal(number)
        # Long before any guard.
        wait("everybody to be thawed", lambda: not states(guests, driver), 20)
        wait("the marks to be gone", lambda: not any("osdr_freeze" in guest.metadata() for guest in guests), 10)


@pytest.mark.parametrize("program", ["nova-api", "nova-compute", pytest.param("rabbitmq", marks=pytest.mark.campaign)])
def test_what_dies_in_the_window_leaves_nobody_frozen(guests, program):
    pattern = {"nova-api": laboratory.NOVA_API, "nova-compute": "bin/nova-compute", "rabbitmq": "beam.smp"}[program]
    with window("nova") as run:
        laboratory.kill(laboratory.processes(pattern))
        time.sleep(2)
        laboratory.supervisor("start", program)
        since = time.time()
        result = run.result()
        # Done in spite of it, or honestly failed.
        assert result.get("cg_snapshot", {}).get("consistency") == "quiesced" or result.get("msg"), result
    wait("everybody to be thawed", lambda: not frozen_of(guests), 120)
    thaw_all()
    wait("the services to report", lambda: laboratory.services_have_reported(laboratory.SITE, since), 150, 2)
