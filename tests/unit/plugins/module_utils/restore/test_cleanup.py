# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import dataclasses
import threading
from types import SimpleNamespace

import pytest
from ansible_collections.osdr.openstack.plugins.module_utils.core.errors import CloudError, NotFound, ResourceFailed, WaitTimeout
from ansible_collections.osdr.openstack.plugins.module_utils.core.intent import Intent
from ansible_collections.osdr.openstack.plugins.module_utils.core.marking import Mark
from ansible_collections.osdr.openstack.plugins.module_utils.core.records import FloatingIp, Trunk
from ansible_collections.osdr.openstack.plugins.module_utils.restore import cleanup as restore_cleanup
from ansible_collections.osdr.openstack.plugins.module_utils.restore.cleanup import Cleanup, ServerRemover, VolumeRemover
from ansible_collections.osdr.openstack.plugins.module_utils.restore.marks import MadeServers
from ansible_collections.osdr.openstack.plugins.module_utils.work.clock import Clock
from ansible_collections.osdr.openstack.plugins.module_utils.work.waiting import Waiter
from ansible_collections.osdr.openstack.plugins.modules import os_restore_cleanup
from ansible_collections.osdr.openstack.tests.unit.support import drilled, shop
from ansible_collections.osdr.openstack.tests.unit.support.fakes import FakeTime, server, volume


class Site:
    """All services of a site; what is deleted is gone at once."""

    cloud = SimpleNamespace(site="remote", has=lambda _service: False)

    def __init__(self, refusing=()):
        self.calls, self._gone, self._refusing = [], set(), refusing
        self._lock = threading.Lock()

    def _delete(self, kind, one):
        with self._lock:
            self.calls.append((kind, one))
            self._gone.add(one)

    def backups(self):
        return []

    def server(self, server_id):
        raise NotFound(f"There is no {server_id}.")

    def volume(self, volume_id):
        if volume_id in self._gone:
            raise NotFound(f"There is no {volume_id}.")
        return drilled.VOLUME

    def delete_server(self, one):
        self._delete("server", one)

    def delete_volume(self, one):
        self._delete("volume", one)

    def delete_port(self, one):
        self._delete("port", one)

    def delete_key_pair(self, one):
        self._delete("key pair", one)

    def delete_server_group(self, one):
        self._delete("server group", one)

    def remove_router_interface(self, router_id, port_id):
        self._delete(f"interface of {router_id}", port_id)

    def delete(self, collection, one):
        if one in self._refusing:
            raise CloudError("One or more ports have an IP allocation.", http_status=409)
        self._delete(collection, one)


@pytest.fixture
def cleanup(monkeypatch):
    def make(site):
        for service in ("Networking", "Compute", "BlockStorage"):
            monkeypatch.setattr(restore_cleanup, service, lambda _cloud: site)
        monkeypatch.setattr(restore_cleanup.restore_site, "look", lambda _cloud, _limit: drilled.site())
        return Cleanup(SimpleNamespace(site="remote"), drilled.DRILL, Waiter(60, 1, FakeTime().clock), 8)

    return make


def test_everything_goes_before_what_it_depends_on(cleanup):
    site = Site()
    work = cleanup(site)
    assert work.apply(work.plan()) == []
    assert site.calls[0] == ("server", "id-db")
    assert site.calls[1] == ("port", "port-own")
    networks = [call for call in site.calls if call[0] not in ("server", "port", "volume", "key pair", "server group")]
    assert networks == [
        ("interface of dr", "port-interface"), ("routers", "dr"), ("subnets", "dsub"), ("networks", "dnet"), ("security-groups", "dsg")
    ]
    assert {("volume", "volume-disk"), ("key pair", "drill-7-shop"), ("server group", "apart")} <= set(site.calls)
    assert len(site.calls) == 10


def test_what_neutron_finds_in_use_stays_and_is_told(cleanup):
    work = cleanup(Site(refusing=("dnet",)))
    (why,) = work.apply(work.plan())
    assert why.startswith("drill-7-shop-net (dnet) of the networks stays: One or more ports")


def test_what_fails_otherwise_is_a_failure(cleanup):
    site = Site()

    def delete(collection, one):
        raise CloudError(f"No {collection}.", http_status=500)

    site.delete = delete
    work = cleanup(site)
    with pytest.raises(CloudError, match=r"No routers\."):
        work.apply(work.plan())


def test_routes_go_before_the_interfaces_that_they_need(cleanup):
    site = Site()
    site.set_routes = lambda router, routes: site.calls.append(("routes", (router, tuple(routes))))
    work = cleanup(site)
    removal = work.plan()
    with_routes = dataclasses.replace(removal.routers[0], routes=({"destination": "10.99.0.0/16", "nexthop": "10.10.0.77"},))
    work.apply(dataclasses.replace(removal, routers=(with_routes, dataclasses.replace(with_routes, id="plain", routes=()))))
    of_routers = [call for call in site.calls if call[0] in ("routes", "interface of dr", "routers")]
    assert of_routers[:2] == [("routes", ("dr", ())), ("interface of dr", "port-interface")]
    assert sorted(of_routers[2:]) == [("routers", "dr"), ("routers", "plain")]


class Module(SimpleNamespace):
    def warn(self, text):
        self.warnings.append(text)


def test_check_mode_tells_the_same_and_removes_nothing(cleanup):
    site = Site()
    told = os_restore_cleanup.run(Module(check_mode=True, warnings=[]), cleanup(site))
    assert site.calls == []
    done = os_restore_cleanup.run(Module(check_mode=False, warnings=[]), cleanup(site))
    assert told == done
    assert (done["changed"], done["removed"], done["left"]) == (True, drilled.ALL, [])
    assert done["others"] == [{"checkpoint": "noon", "drill": None, "beside": None, "resources": 9}]


def test_what_stays_is_a_warning(cleanup):
    module = Module(check_mode=False, warnings=[])
    done = os_restore_cleanup.run(module, cleanup(Site(refusing=("dsg",))))
    assert module.warnings == done["left"]
    assert len(done["left"]) == 1


@pytest.mark.parametrize(("drill", "beside"), [(None, None), ("7", None), (None, "incident-42")])
def test_whose_things_are_meant(drill, beside):
    params = {"application": "shop", "checkpoint": "noon", "drill": drill, "beside": beside}
    assert os_restore_cleanup.owner_of(params) == dataclasses.replace(drilled.DRILL, drill=drill, apart=beside)


# Servers


class Nova:
    """Servers that pass through states once they are deleted, one each second; after the last they are gone.

    :param states: status, task and fault.
    """

    def __init__(self, *states):
        self.now, self.calls, self._states = 0, [], states

    def delete_server(self, server_id):
        self.calls.append(("server", server_id))

    def delete_floating_ip(self, one):
        self.calls.append(("floating address", one))

    def delete_port(self, one):
        self.calls.append(("port", one))

    def delete(self, collection, one):
        self.calls.append((collection, one))

    def unlock(self, server_id):
        self.calls.append(("unlock", server_id))

    def server(self, server_id):
        if self.now >= len(self._states):
            raise NotFound(f"There is no {server_id}.")
        status, task, fault = self._states[self.now]
        return server("db", status=status, task_state=task, fault=fault)

    def _sleep(self, _seconds):
        self.now += 1

    def remover(self):
        return ServerRemover("remote", self, self, Waiter(60, 1, Clock(now=lambda: self.now, sleep=self._sleep)), 8)

    def deleted(self, status="ACTIVE"):
        self.remover().delete(server("db", status=status))
        return self.now


def test_a_server_is_waited_for_until_it_is_gone():
    assert Nova(("ACTIVE", "deleting", ""), ("ACTIVE", "deleting", "")).deleted() == 2
    assert Nova().deleted() == 0


@pytest.mark.parametrize(("fault", "told"), [("The host is gone.", "The host is gone."), ("", "its status is ERROR")])
def test_one_that_cannot_be_deleted_is_named_with_the_reason(fault, told):
    with pytest.raises(ResourceFailed, match=rf"Server db \(id-db\) on site 'remote' could not be deleted: {told}") as raised:
        Nova(("ERROR", None, fault)).deleted()
    assert raised.value.as_result() == {"code": "resource_failed", "resource_type": "server", "resource_id": "id-db"}


def test_one_that_had_failed_before_or_is_still_worked_on_is_waited_for():
    assert Nova(("ERROR", None, ""), ("ERROR", "deleting", "")).deleted("ERROR") == 2
    assert Nova(("ERROR", "deleting", ""), ("ERROR", "deleting", "")).deleted() == 2


def test_what_leads_to_servers_goes_after_them():
    nova = Nova()
    nova.remover().remove(MadeServers.of(Mark("shop", "noon"), shop.restored_site()))
    assert [kind for kind, _one in nova.calls] == ["server"] * 2 + ["floating address"] * 2 + ["port"] * 2
    assert {one for _kind, one in nova.calls} == {
        "id-orders-db", "id-shop-front", "fip-orders-db", "fip-shop-front", "port-orders-db", "port-shop-front"
    }


def test_a_trunk_lets_go_of_its_ports_before_they_go():
    nova, mark = Nova(), shop.mark(11)
    made = MadeServers((server("db"),), (FloatingIp("fip", "10.88.2.1"),), (shop.port("db"),), (Trunk("trunk", "", "port-db", description=mark.text()),))
    nova.remover().remove(made)
    assert nova.calls == [("server", "id-db"), ("trunks", "trunk"), ("floating address", "fip"), ("port", "port-db")]


@pytest.mark.parametrize(("is_owners", "calls"), [(True, ["unlock", "server"]), (False, ["server"])])
def test_only_the_lock_that_the_restore_itself_has_set_is_opened(is_owners, calls):
    nova = Nova()
    metadata = Intent(lock="ask the DBA").metadata() if is_owners else {}
    nova.remover().delete(server("db", locked=True, locked_reason="ask the DBA", metadata=metadata))
    assert [kind for kind, _one in nova.calls] == calls


# Volumes


class Cinder:
    """One volume that passes through statuses, one each second; after the last it is gone."""

    cloud = SimpleNamespace(site="remote")

    def __init__(self, *statuses):
        self.now, self.deleted_at, self._statuses = 0, None, statuses

    def volume(self, volume_id):
        if self.now >= len(self._statuses):
            raise NotFound(f"There is no {volume_id}.")
        return volume("disk", status=self._statuses[self.now])

    def delete_volume(self, _volume_id):
        self.deleted_at = self.now

    def _sleep(self, _seconds):
        self.now += 1

    def remove(self, timeout=60):
        VolumeRemover(self, Waiter(timeout, 1, Clock(now=lambda: self.now, sleep=self._sleep)), 8).remove([volume("disk")])
        return self.deleted_at


def test_a_volume_is_deleted_when_cinder_has_come_to_rest():
    assert Cinder("creating", "restoring-backup", "available", "deleting").remove() == 2
    assert Cinder("error_restoring").remove() == 0


@pytest.mark.parametrize("status", ["creating", "downloading", "restoring-backup", "detaching"])
def test_a_volume_that_cinder_is_at_work_on_is_not_deleted(status):
    assert Cinder(status, "available").remove() == 1


def test_what_is_being_deleted_or_gone_is_waited_for():
    assert Cinder("deleting", "deleting").remove() is None
    assert Cinder().remove() is None


def test_a_volume_that_cannot_be_deleted_is_named():
    with pytest.raises(ResourceFailed, match="Volume disk .*on site 'remote' could not be deleted") as raised:
        Cinder("available", "error_deleting").remove()
    assert raised.value.as_result() == {"code": "resource_failed", "resource_type": "volume", "resource_id": "volume-disk"}
    with pytest.raises(WaitTimeout, match="to come to rest"):
        Cinder(*["creating"] * 9).remove(timeout=5)
