# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is told of each step, and that check mode tells the same and does nothing."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from ansible_collections.osdr.openstack.plugins.module_utils.copies.twins import Scaffolding
from ansible_collections.osdr.openstack.plugins.module_utils.core.records import Attachment, Trunk
from ansible_collections.osdr.openstack.plugins.module_utils.restore import job
from ansible_collections.osdr.openstack.plugins.module_utils.restore.marks import MadeServers, owner_of
from ansible_collections.osdr.openstack.plugins.module_utils.restore.plan import RestorePlan
from ansible_collections.osdr.openstack.tests.unit.support import shop

MANIFEST = shop.manifest()
EMPTY, RESTORED = (RestorePlan.of(MANIFEST, site) for site in (shop.empty_site(), shop.restored_site()))


class Noted:
    """Stands for those who do the work."""

    started = "2026-11-22T14:30:14.150Z"
    lone_ports = forwarders = ()
    described_ports = described_forwarders = staticmethod(list)

    scaffolding = Scaffolding((), {})

    def __init__(self, steps=(), volumes=None):
        self.steps, self.volumes, self.calls, self.warnings = steps, volumes, [], ["as is"]

    @property
    def changes(self):
        return any(step.changes for step in self.steps)

    def __getattr__(self, name):
        def call(*_arguments):
            self.calls.append(name)
            return [name]

        return call


@pytest.mark.parametrize(("check_mode", "calls"), [(False, ["apply"]), (True, [])])
@pytest.mark.parametrize(("plan", "changed"), [(EMPTY, True), (RESTORED, False)])
def test_what_is_told_of_networks(check_mode, calls, plan, changed):
    work = Noted()
    result = job.restore_networks(work, plan, check_mode)
    assert (work.calls, result["changed"], bool(result["made"]["networks"])) == (calls, changed, changed)
    assert (result["diff"]["after"], result["warnings"]) == (result["made"], ["as is"])
    assert result["diff"]["before"] == dict.fromkeys(result["made"], [])


@pytest.mark.parametrize(
    ("wait", "check_mode", "call"), [(True, False, "finish"), (False, False, "begin"), (True, True, "predicted"), (False, True, "predicted")]
)
@pytest.mark.parametrize(("plan", "changed", "states"), [(EMPTY, True, ("absent", "restored")), (RESTORED, False, ("in-use", "in-use"))])
def test_what_is_told_of_volumes(wait, check_mode, call, plan, changed, states):
    work = Noted()
    result = job.restore_volumes(work, plan.volumes, wait, check_mode)
    assert (work.calls, result["volumes"], result["changed"], result["started_at"]) == ([call], [call], changed, work.started)
    label = "'orders-db-vdb' of server 'orders-db'"
    assert (result["diff"]["before"]["volumes"][label], result["diff"]["after"]["volumes"][label]) == states


@pytest.mark.parametrize(("check_mode", "calls"), [(False, ["refuse_attached", "remove"]), (True, [])])
def test_what_is_told_of_volumes_that_are_removed(check_mode, calls):
    volumes = shop.restored_volumes(attachments=(Attachment("id", "/dev/vda"),))
    work = Noted(volumes=volumes)
    result = job.remove_volumes(work, check_mode)
    assert (work.calls, result["changed"], result["volumes"]) == (calls, True, [])
    assert result["diff"] == {"before": {"volumes": {one.label: "available" for one in volumes}}, "after": {"volumes": {}}}
    assert job.remove_volumes(Noted(volumes=()), check_mode)["changed"] is False


@pytest.mark.parametrize(("check_mode", "calls"), [(False, ["refuse_problems", "apply", "timing"]), (True, ["predicted"])])
@pytest.mark.parametrize(("plan", "changed", "states"), [(EMPTY, True, ("absent", "restored")), (RESTORED, False, ("ACTIVE", "ACTIVE"))])
def test_what_is_told_of_servers(check_mode, calls, plan, changed, states):
    work = Noted(plan.servers)
    result = job.restore_servers(work, check_mode)
    assert (work.calls, result["changed"]) == (calls, changed)
    assert (result["servers"], result["timing"]) == ((["predicted"], None) if check_mode else (["apply"], ["timing"]))
    assert (result["diff"]["before"]["servers"]["orders-db"], result["diff"]["after"]["servers"]["orders-db"]) == states
    assert ("volumes" in result, "volumes" in result["diff"]["before"], result["started_at"]) == (False, False, work.started)


def test_what_lacks_something_is_incomplete():
    steps = RestorePlan.of(MANIFEST, shop.restored_site(floating_ips=())).servers
    assert job.restore_servers(Noted(steps), True)["diff"]["before"]["servers"]["orders-db"] == "ACTIVE, incomplete"


def test_volumes_alone_are_a_change_and_are_told_as_they_are_in_the_end():
    volumes = SimpleNamespace(steps=EMPTY.volumes, described=lambda: ["now"], warnings=["a volume"])
    result = job.restore_servers(Noted(RESTORED.servers, volumes), True)
    assert (result["changed"], result["volumes"], result["warnings"]) == (True, ["now"], ["as is", "a volume"])
    assert set(result["diff"]["before"]["volumes"].values()) == {"absent"}
    assert set(result["diff"]["after"]["volumes"].values()) == {"restored"}
    unchanged = SimpleNamespace(steps=RESTORED.volumes, described=list, warnings=[])
    assert job.restore_servers(Noted(RESTORED.servers, unchanged), True)["changed"] is False


@pytest.mark.parametrize(("check_mode", "calls"), [(False, ["remove"]), (True, [])])
def test_what_is_told_of_servers_that_are_removed(check_mode, calls):
    work = Noted()
    result = job.remove_servers(work, MadeServers.of(owner_of(MANIFEST), RESTORED.site), check_mode)
    assert (work.calls, result["changed"], result["servers"]) == (calls, True, [])
    assert result["diff"]["before"] == {
        "servers": ["orders-db (id-orders-db)", "shop-front (id-shop-front)"],
        "floating_ips": ["10.88.2.1", "10.88.2.2"],
        "ports": ["port-orders-db", "port-shop-front"],
        "trunks": [],
    }
    assert result["diff"]["after"] == {"servers": [], "floating_ips": [], "ports": [], "trunks": []}
    assert job.remove_servers(work, MadeServers.of(owner_of(MANIFEST), EMPTY.site), check_mode)["changed"] is False


@pytest.mark.parametrize("check_mode", [True, False])
@pytest.mark.parametrize(
    ("current", "changes", "before", "after"),
    [(None, True, "absent", "restored"), ("there", True, "incomplete", "restored"), ("there", False, "there", "there")],
)
def test_what_is_told_of_ports_on_no_server(check_mode, current, changes, before, after):
    work = Noted()
    work.lone_ports = (SimpleNamespace(label="port 'vip'", current=current, changes=changes),)
    work.described_ports, work.described_forwarders = (lambda: ["the port"]), (lambda: ["the address"])
    result = job.restore_servers(work, check_mode)
    assert (result["ports"], result["forwarding_floating_ips"]) == (["the port"], ["the address"])
    assert [result["diff"][when]["ports"] for when in ("before", "after")] == [{"port 'vip'": before}, {"port 'vip'": after}]


def test_trunks_that_are_removed_are_told_by_their_ids():
    made = MadeServers((), (), (), (Trunk("b", "uplink", "port"), Trunk("a", "", "port")))
    result = job.remove_servers(Noted(), made, True)
    assert (result["changed"], result["diff"]["before"]["trunks"]) == (True, ["a", "b"])
