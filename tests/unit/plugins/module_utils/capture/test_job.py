# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import contextlib
import dataclasses
from types import SimpleNamespace

import pytest
from ansible_collections.osdr.openstack.plugins.module_utils.application.definition import Application
from ansible_collections.osdr.openstack.plugins.module_utils.capture import extras, job
from ansible_collections.osdr.openstack.plugins.module_utils.capture.surroundings import Surroundings
from ansible_collections.osdr.openstack.plugins.module_utils.core.records import FixedIp, FloatingIp
from ansible_collections.osdr.openstack.plugins.module_utils.manifest.missing import Missing
from ansible_collections.osdr.openstack.tests.unit.plugins.module_utils.capture.test_describe import seen
from ansible_collections.osdr.openstack.tests.unit.support import shop

APPLICATION = Application.parse({"name": "shop", "tiers": [{"name": "database", "servers": ["id-orders-db"]}]})
CLOUD = SimpleNamespace(calling=lambda _what: contextlib.nullcontext())
LOST = Missing("server 'orders-db'", "locked", "true", "")


def forwarding(port_id):
    """Floating addresses that forward to one of the application's ports, and to another one."""
    return [FloatingIp(f"to {one}", address, forwarded=frozenset({one})) for one, address in ((port_id, "203.0.113.9"), ("stranger", "203.0.113.10"))]


@pytest.fixture
def site(mocker):
    """A site where something will be missing, and a load balancer knows one of the application's addresses, and a share is on its network."""
    found = seen()
    port = next(one for one in found.ports if one.device_id == "id-orders-db")
    port = dataclasses.replace(port, fixed_ips=(FixedIp("sub", "10.0.0.11"),))
    found = dataclasses.replace(
        found,
        ports=(port, *(one for one in found.ports if one.id != port.id)),
        floating_ips=(FloatingIp("f1", "203.0.113.7", port_id=port.id), FloatingIp("f2", "203.0.113.8", port_id="stranger"), *forwarding(port.id)),
    )
    mocker.patch.object(job, "look", return_value=found)
    mocker.patch.object(job, "describe", return_value=job.ApplicationDescription(APPLICATION, (), None))
    mocker.patch.object(job.inspection, "ask")
    mocker.patch.object(job.inspection, "inspect", return_value=[LOST])
    members = [({"id": "p", "name": "web"}, {"address": address}) for address in ("10.0.0.11", "203.0.113.7", "203.0.113.8", "203.0.113.9", "203.0.113.10")]
    for_all = {"access_type": "ip", "access_to": "0.0.0.0/0"}
    shares = [({"id": name, "neutron_net_id": network}, for_all) for name, network in (("s1", port.network_id), ("s2", "elsewhere"))]
    around = Surroundings(pool_members=members, share_rules=shares, failures=("DNS does not answer.",))
    mocker.patch.object(job.surroundings, "ask", return_value=around)
    tap = extras.ExtraKind("tap service", "taas", "/taas/tap_services", ("port_id",))
    tapped = [(tap, {"id": f"tap of {one}", "port_id": one}) for one in (port.id, "other")]
    mocker.patch.object(job.extras, "ask", return_value=extras.Extras(tapped, ("Logs are not shown.",)))
    return found


def test_what_will_be_missing_is_in_the_description_and_in_a_warning(site):
    captured = job.capture(CLOUD, APPLICATION, 4)
    resources = [(one.resource, one.value) for one in captured.description.missing]
    assert resources == [
        ("server 'orders-db'", "true"),
        ("load balancer pool web (p)", "member 10.0.0.11"),
        ("load balancer pool web (p)", "member 203.0.113.7"),
        ("load balancer pool web (p)", "member 203.0.113.9"),
        ("share s1", "access of 0.0.0.0/0"),
        ("tap service tap of port-front", "of port port-front"),
    ]
    (told,) = [one for one in captured.warnings if one.startswith("Will be missing at the remote site: server 'orders-db': locked (true).")]
    assert "member 203.0.113.7" in told


def test_an_administrator_is_asked_what_servers_boot_from_and_nobody_else_is(site, mocker):
    asked = mocker.patch.object(job, "with_root_devices", return_value=site)
    keys = mocker.patch.object(job, "with_key_pairs", return_value=site)
    job.capture(CLOUD, APPLICATION, 4)
    asked.assert_not_called()
    keys.assert_not_called()
    job.capture(CLOUD, APPLICATION, 4, admin="admin")
    asked.assert_called_once_with("admin", site)


def test_what_an_old_nova_does_not_show_is_in_the_description_too(site, mocker):
    mocker.patch.object(job, "look", return_value=dataclasses.replace(site, nova=(2, 95)))
    captured = job.capture(CLOUD, APPLICATION, 4)
    assert "zones that were asked for (2.96)" in [one.value for one in captured.description.missing]


def test_what_could_not_be_looked_at_is_told(site):
    assert {"DNS does not answer.", "Logs are not shown."} <= {*job.capture(CLOUD, APPLICATION, 4).warnings}


def test_the_applications_own_servers_are_inspected(site):
    job.capture(CLOUD, APPLICATION, 4)
    assert job.inspection.inspect.call_args.args[0] == ["id-orders-db"]


def test_what_was_changed_while_snapshots_were_taken_is_told_and_nothing_otherwise():
    before = shop.manifest().description
    moved, *others = before.servers
    after = dataclasses.replace(before, servers=(dataclasses.replace(moved, key_name="other"), *others))
    (told, last) = job.Captured(after, ("W",)).since(before).warnings
    assert told == (
        "Application 'shop' was changed while it was snapshotted: server shop-front: key_name was 'shop', is 'other'. "
        "The manifest describes it as it was after the snapshots."
    )
    assert (last, job.Captured(before, ("W",)).since(before).warnings) == ("W", ("W",))
