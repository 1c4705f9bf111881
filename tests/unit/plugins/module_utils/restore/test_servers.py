# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import dataclasses
import threading

import pytest
from ansible_collections.osdr.openstack.plugins.module_utils.application.checks import Check
from ansible_collections.osdr.openstack.plugins.module_utils.core.errors import CheckFailed, CloudError, NotFound, ResourceFailed, WaitTimeout
from ansible_collections.osdr.openstack.plugins.module_utils.core.records import FixedIp, FloatingIp
from ansible_collections.osdr.openstack.plugins.module_utils.manifest.manifest import Manifest
from ansible_collections.osdr.openstack.plugins.module_utils.manifest.selection import servers_of_tiers
from ansible_collections.osdr.openstack.plugins.module_utils.manifest.specs import AddressSpec
from ansible_collections.osdr.openstack.plugins.module_utils.mapping import apply as mapped_manifest
from ansible_collections.osdr.openstack.plugins.module_utils.mapping.mapping import SiteMapping
from ansible_collections.osdr.openstack.plugins.module_utils.readiness.gates import DrillGates, Gates
from ansible_collections.osdr.openstack.plugins.module_utils.restore.cleanup import ServerRemover
from ansible_collections.osdr.openstack.plugins.module_utils.restore.marks import MadeServers
from ansible_collections.osdr.openstack.plugins.module_utils.restore.plan import RestorePlan
from ansible_collections.osdr.openstack.plugins.module_utils.restore.servers import ServerRestore, Services
from ansible_collections.osdr.openstack.plugins.module_utils.restore.volume_plan import plan_volumes
from ansible_collections.osdr.openstack.plugins.module_utils.work.clock import Clock, Moment
from ansible_collections.osdr.openstack.plugins.module_utils.work.pool import Outcome
from ansible_collections.osdr.openstack.plugins.module_utils.work.waiting import Waiter
from ansible_collections.osdr.openstack.tests.unit.support import shop, trunked
from ansible_collections.osdr.openstack.tests.unit.support.fakes import server


class RemoteSite:
    """Nova and Neutron of a site where building a server takes five seconds, and its ports open four later.

    :param failing: names of servers that fail to build.
    """

    name = "remote"

    def __init__(self, site=None, failing=()):
        self.site = site or shop.prepared_site()
        self.now = 0.0
        self.interval = 1.0
        self.calls = []
        self.failing = set(failing)
        self._active, self._off = {}, {}
        self._lock = threading.Lock()

    def _note(self, *call):
        with self._lock:
            self.calls.append(call)

    def _replace(self, **changes):
        with self._lock:
            self.site = dataclasses.replace(self.site, **changes)

    @property
    def waiter(self):
        return Waiter(timeout=60, interval=self.interval, clock=Clock(now=lambda: self.now, sleep=self._sleep))

    def _sleep(self, seconds):
        self.now += seconds

    # Nova

    def servers(self):
        def now(one):
            if one.status == "BUILD" and self.now >= self._active[one.id]:
                failed = one.name in self.failing
                status, fault = ("ERROR", "No valid host was found.") if failed else ("ACTIVE", "")
                return dataclasses.replace(one, status=status, fault=fault)
            if self.now >= self._off.get(one.id, self.now + 1):
                return dataclasses.replace(one, status="SHUTOFF", task_state=None)
            return one

        self._replace(servers=tuple(now(one) for one in self.site.servers))
        return list(self.site.servers)

    def server(self, server_id):
        for one in self.servers():
            if one.id == server_id:
                return one
        raise NotFound(f"There is no {server_id}.")

    def create_server(self, wanted):
        self._note("create server", wanted["name"])
        disks = tuple((disk["uuid"], disk["delete_on_termination"]) for disk in wanted["block_device_mapping"])
        one = server(wanted["name"], status="BUILD", metadata=wanted["metadata"], volumes=disks)
        self._active[one.id] = self.now + 5
        ports = tuple(
            dataclasses.replace(port, device_id=one.id) if {"port": port.id} in wanted["networks"] else port
            for port in self.site.ports
        )
        self._replace(servers=(*self.site.servers, one), ports=ports)

    def _change(self, server_id, **changes):
        self._replace(servers=tuple(dataclasses.replace(one, **changes) if one.id == server_id else one for one in self.site.servers))

    def _refuse_locked(self, server_id):
        if self.server(server_id).locked:
            raise CloudError(f"Instance {server_id} is locked.", http_status=409)

    def stop(self, server_id):
        self._refuse_locked(server_id)
        if self.server(server_id).status != "ACTIVE":
            raise CloudError(f"Cannot 'stop' instance {server_id}.", http_status=409)
        self._note("stop", server_id)
        self._change(server_id, task_state="powering-off")
        self._off[server_id] = self.now + 2

    def set_metadata(self, server_id, metadata):
        self._refuse_locked(server_id)
        self._note("metadata", server_id, tuple(metadata))
        self._change(server_id, metadata={**self.server(server_id).metadata, **metadata})

    def lock(self, server_id, reason):
        self._note("lock", server_id, reason)
        self._change(server_id, locked=True, locked_reason=reason)

    def unlock(self, server_id):
        self._note("unlock", server_id)
        self._change(server_id, locked=False, locked_reason="")

    def delete_server(self, server_id):
        self._refuse_locked(server_id)
        self._note("delete server", server_id)
        self._replace(servers=tuple(one for one in self.site.servers if one.id != server_id))

    def set_delete_on_termination(self, server_id, volume_id, delete):
        self._note("flag", volume_id, delete)

    def console_tail(self, server_id):
        if server_id in {one.id for one in self.site.servers if one.status == "ERROR"}:
            raise CloudError("There is no console.")
        return "orders-db login:\n"

    # Neutron

    def ports(self):
        return list(self.site.ports)

    def floating_ips(self):
        return list(self.site.floating_ips)

    def trunks(self):
        return list(self.site.trunks)

    def create_port(self, wanted):
        self._note("create port", wanted["name"])
        chosen = f"10.10.0.{100 + len(self.site.ports)}"
        fixed = [FixedIp(ip["subnet_id"], ip.get("ip_address", chosen)) for ip in wanted["fixed_ips"]]
        port = shop.port(
            wanted["name"],
            mac_address=wanted.get("mac_address", f"fa:16:3e:cc:00:{len(self.site.ports):02}"),
            description=wanted["description"],
            fixed_ips=tuple(sorted(fixed, key=lambda ip: ip.ip_address, reverse=True)),
            tags=(),
        )
        self._replace(ports=(*self.site.ports, port))
        return port

    def create_trunk(self, wanted):
        self._note("create trunk", wanted["name"], [one["port_id"] for one in wanted["sub_ports"]])
        made = dataclasses.replace(trunked.trunk(), description=wanted["description"], tags=())
        self._replace(trunks=(*self.site.trunks, made))
        return made

    def add_subports(self, trunk_id, wanted):
        self._note("add to trunk", trunk_id, [one["port_id"] for one in wanted])

    def create_floating_ip(self, wanted):
        self._note("create floating ip", wanted["port_id"])
        (port,) = [one for one in self.site.ports if one.id == wanted["port_id"]]
        if len(port.fixed_ips) > 1 and "fixed_ip_address" not in wanted:
            raise CloudError("Must provide a specific IPv4 address when assigning a floating IP.", http_status=400)
        address = f"10.88.2.{len(self.site.floating_ips) + 1}"
        behind, description = wanted.get("fixed_ip_address"), wanted["description"]
        made = FloatingIp(f"fip-{address}", address, port.id, "ext", behind, description=description)
        self._replace(floating_ips=(*self.site.floating_ips, made))
        return made

    def set_pools(self, subnet_id, pools):
        self._note("pools", subnet_id, tuple((pool["start"], pool["end"]) for pool in pools))

    def set_tags(self, collection, resource_id, tags):
        self._note("tag", collection, resource_id, tuple(tags))
        kind = collection.replace("floatingips", "floating_ips")
        found = (dataclasses.replace(one, tags=tuple(tags)) if one.id == resource_id else one for one in getattr(self.site, kind))
        self._replace(**{kind: tuple(found)})

    def delete_floating_ip(self, floating_ip_id):
        self._note("delete floating ip", floating_ip_id)

    def delete_port(self, port_id):
        self._note("delete port", port_id)

    # Guests

    def ask(self, check, subject, _seconds):
        """A server passes when it has been active for four seconds."""
        self._note("try", subject.name, subject.address, check.port)
        return None if self.now >= self._active.get(subject.server_id, -4) + 4 else "Connection refused"

    def done(self, what):
        return [call[1] for call in self.calls if call[0] == what]


def restore(remote, manifest=None, volumes=None, tiers=None):
    plan = RestorePlan.of(manifest or shop.manifest(), remote.site)
    plan = plan.narrowed(servers_of_tiers(plan.manifest, tiers)) if tiers else plan
    return ServerRestore(Services(remote, remote), plan, remote.waiter, 8, Gates(remote.ask), volumes)


def applied(remote, manifest=None, tiers=None):
    return restore(remote, manifest, tiers=tiers).apply()


def test_tiers_follow_each_other_when_the_checks_have_passed():
    remote = RemoteSite()
    result = applied(remote)
    assert [(one["name"], one["seconds"]) for one in result] == [
        ("orders-db", {"created": 0, "active": 5, "ready": 9}),
        ("shop-front", {"created": 9, "active": 14, "ready": 14}),
    ]


TRUNK_TAG = ("tag", "trunks", "trunk", trunked.TAGS)


@pytest.mark.parametrize(
    ("there", "calls"),
    [
        ((), [("create trunk", "uplink", ["port-81", "port-82"]), TRUNK_TAG]),
        ((trunked.trunk(trunked.SUBPORTS[0]),), [("add to trunk", "trunk", ["port-82"])]),
        ((trunked.trunk(*trunked.SUBPORTS, tags=()),), [TRUNK_TAG]),
        ((trunked.trunk(*trunked.SUBPORTS),), []),
    ],
    ids=["missing", "without a port", "without its tags", "complete"],
)
def test_a_trunk_gets_what_it_lacks(there, calls):
    remote = RemoteSite(trunked.site_with(*there))
    applied(remote, trunked.MANIFEST)
    assert [call for call in remote.calls if call[0] != "try"] == calls


def timed(remote, manifest=None):
    work = restore(remote, manifest)
    work.apply()
    return work.timing()


def test_the_critical_path_is_that_of_the_slowest_servers():
    assert timed(RemoteSite()) == {
        "wall_seconds": 14,
        "critical_path_seconds": 14,
        "tiers": [
            {"name": "database", "started": 0, "ready": 9, "slowest": "orders-db", "slowest_seconds": 9},
            {"name": "front", "started": 9, "ready": 14, "slowest": "shop-front", "slowest_seconds": 5},
        ],
    }


def test_the_start_of_the_run_is_noted():
    before, work = Moment.now(), restore(RemoteSite())
    assert before.monotonic <= work.started.monotonic <= Moment.now().monotonic


def test_times_are_told_to_a_tenth_of_a_second_from_the_start_of_the_run():
    remote = RemoteSite()
    remote.now, remote.interval = 1000.0, 1.26
    work = restore(remote)
    assert [one["seconds"] for one in work.apply()] == [
        {"created": 0.0, "active": 5.0, "ready": 10.1},
        {"created": 10.1, "active": 15.1, "ready": 15.1},
    ]
    assert work.timing() == {
        "wall_seconds": 15.1,
        "critical_path_seconds": 15.1,
        "tiers": [
            {"name": "database", "started": 0.0, "ready": 10.1, "slowest": "orders-db", "slowest_seconds": 10.1},
            {"name": "front", "started": 10.1, "ready": 15.1, "slowest": "shop-front", "slowest_seconds": 5.0},
        ],
    }


def test_before_a_run_no_time_has_passed():
    assert restore(RemoteSite()).timing() == {"wall_seconds": 0, "critical_path_seconds": 0, "tiers": []}


def in_one_tier():
    document = shop.document()
    document["application"]["tiers"] = [{"name": "all", "servers": ["orders-db", "shop-front"], "checks": []}]
    for one in document["servers"]:
        one["tier"] = "all"
    return Manifest.parse(document)


def test_servers_that_share_a_volume_are_built_one_after_the_other_and_both_count():
    document = in_one_tier().as_dict()
    front, database = sorted(document["servers"], key=lambda one: one["name"], reverse=True)
    front["volumes"].append({**database["volumes"][1], "device": "/dev/vdz"})
    remote = RemoteSite(shop.prepared_site(volumes=tuple(dataclasses.replace(one, multiattach=True) for one in shop.restored_volumes())))
    work = restore(remote, Manifest.parse(document))
    assert {one["name"]: (one["seconds"]["created"], one["seconds"]["active"]) for one in work.apply()} == {"shop-front": (0, 5), "orders-db": (5, 10)}
    assert work.timing()["critical_path_seconds"] == 10


class Volumes:
    """Volumes of which each is there at its second; stands for :class:`VolumesUnderWay`.

    :param seconds: per name, when it is there, at once if it is not named; None where it fails.
    """

    def __init__(self, remote, seconds):
        self.remote = remote
        self.rounds = 0
        self.got_on = threading.Event()
        self.known = {
            step.spec.source_id: (seconds.get(volume.name, 0), volume)
            for step, volume in zip(plan_volumes(shop.manifest(), ()), shop.restored_volumes(), strict=True)
        }

    @property
    def ended(self):
        return all(self.outcome(source) for source in self.known)

    def advance(self):
        self.rounds += 1

    def advance_until(self, done):
        while not (done.is_set() or self.ended):
            self.advance()
            self.got_on.set()
            done.wait(0.001)

    def outcome(self, source):
        second, volume = self.known[source]
        if second is None:
            return Outcome(error=ResourceFailed(f"Volume {volume.name} could not be restored."))
        return Outcome(value=volume) if self.remote.now >= second else None


def beside_volumes(**seconds):
    remote = RemoteSite(shop.prepared_site(volumes=()))
    work = restore(remote, volumes=Volumes(remote, {name.replace("_", "-"): second for name, second in seconds.items()}))
    work.refuse_problems()
    return remote, work


def test_a_server_waits_for_its_own_volumes_only():
    remote, work = beside_volumes(orders_db_vdb=3, shop_front_boot=8)
    result = work.apply()
    assert [(one["name"], one["seconds"]["created"]) for one in result] == [("orders-db", 3), ("shop-front", 12)]
    disks = {one.name: [volume_id for volume_id, _flag in one.volumes] for one in remote.site.servers}
    assert disks["orders-db"] == [volume.id for volume in shop.restored_volumes() if volume.name.startswith("orders-db")]
    assert work.timing() == {
        "wall_seconds": 17,
        "critical_path_seconds": 17,
        "tiers": [
            {"name": "database", "started": 0, "ready": 12, "slowest": "orders-db", "slowest_seconds": 12},
            {"name": "front", "started": 12, "ready": 17, "slowest": "shop-front", "slowest_seconds": 5},
        ],
    }


@pytest.mark.parametrize(("name", "seconds"), [("orders-db", {"orders-db-vdb": 3}), ("shop-front", {"shop-front-boot": 3})])
def test_the_slowest_server_of_a_tier_is_named_whichever_it_is(name, seconds):
    remote = RemoteSite(shop.prepared_site(volumes=()))
    work = restore(remote, in_one_tier(), Volumes(remote, seconds))
    work.apply()
    (tier,) = work.timing()["tiers"]
    assert (tier["slowest"], tier["slowest_seconds"]) == (name, 8)


class Driven(Volumes):
    """Volumes that get ready only by the rounds that somebody makes."""

    def outcome(self, source):
        return super().outcome(source) if self.rounds > 2 else None


def test_volumes_get_on_while_their_servers_wait_for_them(monkeypatch):
    remote = RemoteSite(shop.prepared_site(volumes=()))
    sleep = remote._sleep

    def impatient(seconds):
        sleep(seconds)
        assert remote.now < 100, "nobody looks after the volumes"

    monkeypatch.setattr(remote, "_sleep", impatient)
    restore(remote, volumes=Driven(remote, {})).apply()
    assert remote.done("create server") == ["orders-db", "shop-front"]


def test_volumes_go_with_their_servers_where_they_did_at_the_source():
    document = shop.document()
    document["servers"][1]["volumes"][1]["delete_on_termination"] = True
    remote = RemoteSite()
    applied(remote, Manifest.parse(document))
    assert [call for call in remote.calls if call[0] == "flag"] == [("flag", "volume-orders-db-vdb", True)]


def test_a_site_that_refuses_what_goes_with_a_server_is_told(monkeypatch):
    document = shop.document()
    document["servers"][1]["volumes"][1]["delete_on_termination"] = True
    remote = RemoteSite()

    def refuse(*_arguments):
        raise CloudError("It is disallowed by policy.", http_status=403)

    monkeypatch.setattr(remote, "set_delete_on_termination", refuse)
    work = restore(remote, Manifest.parse(document))
    work.apply()
    (told,) = work.warnings
    assert told.startswith("Server 'orders-db' at site 'remote' is without the deletion of volume volume-orders-db-vdb with it (delete_on_termination: true)")


def test_volumes_of_later_tiers_go_on_while_a_tier_becomes_ready():
    _remote, work = beside_volumes(shop_front_boot=1000)

    def ask(*_attempt):
        assert work.volumes.got_on.wait(60), "nobody looks after the volumes"
        raise ResourceFailed("Enough.")

    work.gates = Gates(ask)
    with pytest.raises(ResourceFailed, match="Enough"):
        work.apply()


def test_what_goes_wrong_with_the_volumes_meanwhile_is_told():
    _remote, work = beside_volumes(shop_front_boot=1000)

    def advance_until(_done):
        raise CloudError("Cinder does not answer.")

    work.volumes.advance_until = advance_until
    with pytest.raises(CloudError, match="Cinder does not answer"):
        work.apply()


def test_a_server_without_its_volume_is_not_built():
    remote, work = beside_volumes(orders_db_vdb=None)
    with pytest.raises(ResourceFailed, match="orders-db-vdb could not be restored"):
        work.apply()
    assert remote.done("create server") == []


def test_all_ports_are_made_while_the_volumes_are_restored():
    remote, work = beside_volumes(orders_db_vdb=3)
    work.apply()
    made = [call[:2] for call in remote.calls if call[0].startswith("create") and call[0] != "create floating ip"]
    assert sorted(made[:2]) == [("create port", "orders-db-0"), ("create port", "shop-front-0")]
    assert made[2:] == [("create server", "orders-db"), ("create server", "shop-front")]
    assert len(remote.done("create floating ip")) == 2


def test_the_port_of_a_server_that_is_there_is_completed_in_the_turn_of_its_tier():
    front = server("shop-front", metadata=shop.mark(21).metadata())
    port = shop.restored_port("shop-front", shop.mark(21), tags=("theirs",))
    remote = RemoteSite(shop.prepared_site(volumes=(), servers=(front,), ports=(shop.ROUTER_PORT, port)))
    restore(remote, volumes=Volumes(remote, {"orders-db-vdb": 3})).apply()
    changes = [call[:3] for call in remote.calls if call[0] == "create server" or call[:3] == ("tag", "ports", port.id)]
    assert [call[0] for call in changes] == ["create server", "tag"]


def test_each_server_is_built_on_its_own_ports_and_volumes():
    remote = RemoteSite()
    applied(remote)
    assert {one.id: one.device_id for one in remote.site.ports if one.device_id != "r"} == {
        "port-orders-db-0": "id-orders-db",
        "port-shop-front-0": "id-shop-front",
    }
    assert {one.name: [volume for volume, _flag in one.volumes] for one in remote.site.servers} == {
        "orders-db": ["volume-orders-db-boot", "volume-orders-db-vdb"],
        "shop-front": ["volume-shop-front-boot"],
    }
    assert {one.port_id for one in remote.site.floating_ips} == {"port-orders-db-0", "port-shop-front-0"}


def test_a_floating_address_is_led_to_the_first_address_of_several():
    manifest = shop.manifest()
    servers = [several_addresses(one) for one in manifest.description.servers]
    manifest = dataclasses.replace(manifest, description=dataclasses.replace(manifest.description, servers=tuple(servers)))
    remote = RemoteSite()
    applied(remote, manifest)
    assert {one.port_id: one.fixed_ip_address for one in remote.site.floating_ips} == {
        "port-orders-db-0": shop.ADDRESS["orders-db"],
        "port-shop-front-0": shop.ADDRESS["shop-front"],
    }


def several_addresses(spec):
    ports = [dataclasses.replace(one, fixed_ips=(*one.fixed_ips, AddressSpec("shop-subnet", "10.10.0.9"))) for one in spec.ports]
    return dataclasses.replace(spec, ports=tuple(ports))


def test_what_was_built_needs_no_volumes():
    remote, work = beside_volumes()
    work.apply()
    remote.calls.clear()
    again = restore(remote, volumes=Volumes(remote, {"orders-db-vdb": 1000, "orders-db-boot": 1000}))
    again.apply()
    assert remote.done("create server") == []


def test_waiting_for_a_place_is_not_on_the_critical_path():
    work = restore(RemoteSite(), in_one_tier())
    work.concurrency = 1
    work.apply()
    assert (work.timing()["wall_seconds"], work.timing()["critical_path_seconds"]) == (10, 5)


def test_what_is_there_takes_no_time():
    remote = RemoteSite()
    timed(remote)
    assert timed(remote)["critical_path_seconds"] == 0


def test_one_tier_can_be_restored_after_the_other():
    remote = RemoteSite()
    first = applied(remote, tiers=["database"])
    assert [one["name"] for one in first] == remote.done("create server") == ["orders-db"]
    second = applied(remote, tiers=["front"])
    assert [one["name"] for one in second] == ["shop-front"]
    assert remote.done("create server") == ["orders-db", "shop-front"]


def test_a_restored_server_has_the_addresses_of_the_source():
    assert applied(RemoteSite())[0] == {
        "source_id": shop.uuid(11),
        "name": "orders-db",
        "tier": "database",
        "server_id": "id-orders-db",
        "status": "ACTIVE",
        "is_off": False,
        "address": "10.88.2.1",
        "ports": [
            {
                "network": "shop-net",
                "mac_address": "fa:16:3e:00:00:11",
                "fixed_ips": ["10.10.0.11"],
                "floating_ip": "10.88.2.1",
                "floating_ips": ["10.88.2.1"],
                "port_id": "port-orders-db-0",
            }
        ],
        "checks": [{"check": "port 5432", "made_by": ["connection"]}],
        "seconds": {"created": 0, "active": 5, "ready": 9},
    }


def test_what_is_told_in_the_end_is_what_is_there_then():
    front = applied(RemoteSite())[1]
    assert (front["server_id"], front["status"], front["address"]) == ("id-shop-front", "ACTIVE", "10.88.2.2")


def test_what_is_not_there_yet_is_told_as_absent():
    first = restore(RemoteSite()).predicted()[0]
    assert (first["server_id"], first["status"], first["address"]) == (None, "absent", None)


def test_a_second_run_only_makes_the_checks():
    remote = RemoteSite()
    applied(remote)
    remote.calls.clear()
    result = applied(remote)
    assert {call[0] for call in remote.calls} == {"try"}
    assert {one["seconds"]["ready"] for one in result} == {None}


NEW = mapped_manifest.apply(shop.manifest(), SiteMapping.parse({"schema_version": 1, "addresses": {"policy": "new", "floating": False}})).manifest


def test_before_neutron_has_chosen_nobody_knows_the_addresses():
    work = restore(RemoteSite(), NEW)
    (port,) = work.predicted()[0]["ports"]
    none = {"floating_ip": None, "floating_ips": [], "port_id": None}
    assert port == {"network": "shop-net", "mac_address": None, "fixed_ips": [], **none}


def test_a_second_run_knows_what_neutron_has_chosen(monkeypatch):
    remote = RemoteSite()
    monkeypatch.setattr(remote, "ask", lambda *_attempt: None)
    first = applied(remote, NEW)
    assert first[0]["ports"][0]["fixed_ips"] == ["10.10.0.101"]
    assert first[0]["ports"][0]["mac_address"] == "fa:16:3e:cc:00:01"
    assert first[0]["ports"][0]["floating_ip"] is None
    remote.calls.clear()
    assert [one["ports"] for one in applied(remote, NEW)] == [one["ports"] for one in first]
    assert remote.calls == []


def test_ports_that_a_killed_run_made_are_used(monkeypatch):
    remote = RemoteSite(failing={"orders-db"})
    monkeypatch.setattr(remote, "ask", lambda *_attempt: None)
    with pytest.raises(ResourceFailed):
        applied(remote, NEW)
    remote.failing.clear()
    applied(remote, NEW)
    assert remote.done("create port") == ["orders-db-0", "shop-front-0"]


def test_a_failed_server_is_named_and_the_next_tier_is_not_begun():
    remote = RemoteSite(failing={"orders-db"})
    with pytest.raises(ResourceFailed) as raised:
        applied(remote)
    assert str(raised.value) == (
        "Server 'orders-db' (id-orders-db) on site 'remote' did not become active: its status is ERROR. No valid host was "
        "found. Remove the cause and re-run the restore, which replaces this server and keeps all others."
    )
    assert raised.value.as_result() == {"code": "resource_failed", "resource_type": "server", "resource_id": "id-orders-db"}
    assert remote.done("create server") == ["orders-db"]


def test_the_next_run_replaces_it_and_keeps_ports_and_addresses():
    remote = RemoteSite(failing={"orders-db"})
    with pytest.raises(ResourceFailed):
        applied(remote)
    remote.failing.clear()
    applied(remote)
    assert remote.done("delete server") == ["id-orders-db"]
    assert remote.done("create port") == ["orders-db-0", "shop-front-0"]
    assert len(remote.done("create floating ip")) == 2


def test_a_failed_server_does_not_take_its_volumes_with_it():
    failed = server("orders-db", status="ERROR", metadata=shop.mark(11).metadata(), volumes=(("volume-1", True),))
    remote = RemoteSite(shop.prepared_site(servers=(failed,)))
    applied(remote)
    assert remote.calls.index(("flag", "volume-1", False)) < remote.calls.index(("delete server", "id-orders-db"))


def test_what_a_killed_run_left_is_tagged():
    port = shop.restored_port("orders-db", shop.mark(11), tags=("theirs",))
    remote = RemoteSite(shop.prepared_site(ports=(shop.ROUTER_PORT, port)))
    applied(remote)
    assert ("tag", "ports", "port-orders-db", ("theirs", *shop.mark(11).tags())) in remote.calls
    assert remote.done("create port") == ["shop-front-0"]


def test_a_port_that_an_earlier_restore_made_and_left_gets_other_tags():
    """Neutron takes no tag twice."""
    earlier = dataclasses.replace(shop.mark(11), checkpoint="before").tags()
    port = shop.restored_port("orders-db", shop.mark(11), tags=("theirs", *earlier))
    remote = RemoteSite(shop.prepared_site(ports=(shop.ROUTER_PORT, port)))
    applied(remote)
    assert ("tag", "ports", "port-orders-db", ("theirs", *shop.mark(11).tags())) in remote.calls


@pytest.mark.parametrize(
    ("description", "tags", "gets"),
    [
        (shop.mark(11).text(), (), [("tag", "floatingips", "f", tuple(shop.mark(11).tags()))]),
        (shop.mark(11).text(), ("theirs",), [("tag", "floatingips", "f", ("theirs", *shop.mark(11).tags()))]),
        (shop.mark(11).text(), tuple(shop.mark(11).tags()), []),
        ("of somebody else", (), []),
    ],
)
def test_a_floating_address_that_a_killed_run_left_is_tagged_and_no_other(description, tags, gets):
    port = shop.restored_port("orders-db", shop.mark(11))
    address = FloatingIp("f", "10.88.2.9", port.id, "ext", description=description, tags=tags)
    remote = RemoteSite(shop.prepared_site(ports=(shop.ROUTER_PORT, port), floating_ips=(address,)))
    applied(remote)
    assert [call for call in remote.calls if call[:3] == ("tag", "floatingips", "f")] == gets
    assert remote.done("create floating ip") == ["port-shop-front-0"]


def test_a_server_that_does_not_answer_is_named_with_its_console(monkeypatch):
    remote = RemoteSite()
    monkeypatch.setattr(remote, "ask", lambda *_attempt: "Connection refused")
    work = restore(remote)
    with pytest.raises(WaitTimeout) as raised:
        work.apply()
    told = "Server 'orders-db' at 10.88.2.1 is active but not ready after 60 s: port 5432: Connection refused."
    assert str(raised.value).startswith(told)
    assert "Its console ends with: orders-db login:" in str(raised.value)
    assert remote.done("create server") == ["orders-db"]


def test_the_next_tier_waits_for_no_server_without_an_address():
    remote = RemoteSite()
    work = restore(remote)
    step = dataclasses.replace(work.steps[0], ports=())
    # By then it has been built, so it is no check that has found something.
    with pytest.raises(ResourceFailed, match="The health checks of server 'orders-db' cannot be made: it has no address"):
        work._subject(step)


def test_missing_preparation_is_refused_before_the_first_change():
    remote = RemoteSite(shop.empty_site())
    work = restore(remote)
    with pytest.raises(CheckFailed, match="The servers cannot be restored at site 'remote': this step has changed nothing"):
        work.refuse_problems()
    assert not remote.calls
    with pytest.raises(CheckFailed, match="cannot be restored at site 'remote': others are gone"):
        work.refuse_problems("others are gone")


# Standbys, and what is locked


def with_standby(lock="ask the DBA"):
    """A manifest whose database is a standby, and locked."""
    document = shop.document()
    document["servers"][1].update(is_off=True, lock=lock)
    return Manifest.parse(document)


def now(remote, name="orders-db"):
    return remote.server(f"id-{name}")


def test_a_standby_is_built_stopped_and_locked_without_checks():
    remote = RemoteSite()
    result = applied(remote, with_standby())
    assert [(one["name"], one["status"], one["is_off"], one["seconds"]) for one in result] == [
        ("orders-db", "SHUTOFF", True, {"created": 0, "active": 7, "ready": 7}),
        ("shop-front", "ACTIVE", False, {"created": 7, "active": 12, "ready": 12}),
    ]
    assert result[0]["checks"] == [{"check": "port 5432", "made_by": []}]
    assert remote.done("try") == []
    assert (now(remote).locked_reason, now(remote, "shop-front").locked) == ("ask the DBA", False)
    assert remote.done("stop") == ["id-orders-db"]


def test_a_second_run_changes_nothing_of_a_standby():
    remote = RemoteSite()
    applied(remote, with_standby())
    remote.calls.clear()
    work = restore(remote, with_standby())
    assert not any(step.changes for step in work.steps)
    work.refuse_problems()
    work.apply()
    assert remote.calls == []


def test_a_standby_that_somebody_has_started_since_is_left_running():
    remote = RemoteSite()
    applied(remote, with_standby(lock=None))
    remote._off.clear()
    remote._change("id-orders-db", status="ACTIVE")
    remote.calls.clear()
    work = restore(remote, with_standby(lock=None))
    assert not any(step.changes for step in work.steps)
    work.apply()
    assert (remote.done("stop"), now(remote).status) == ([], "ACTIVE")


@pytest.mark.parametrize("step", ["stop", "set_metadata", "lock", "set_delete_on_termination"])
def test_a_run_that_is_killed_on_the_way_to_a_standby_is_finished_by_the_next_one(step, monkeypatch):
    document = with_standby().as_dict()
    document["servers"][1]["volumes"][1]["delete_on_termination"] = True
    manifest, remote = Manifest.parse(document), RemoteSite()

    def die(*_arguments):
        raise KeyboardInterrupt

    with monkeypatch.context() as killed:
        killed.setattr(remote, step, die)
        with pytest.raises(KeyboardInterrupt):
            applied(remote, manifest)
    work = restore(remote, manifest)
    assert work.steps[0].changes
    work.refuse_problems()
    work.apply()
    assert (now(remote).status, now(remote).locked, now(remote).metadata["osdr_off"]) == ("SHUTOFF", True, "yes")
    assert len(remote.done("create server")) == 2
    flags = [call[1:] for call in remote.calls if call[0] == "flag"]
    assert flags[0] == ("volume-orders-db-vdb", True)


def test_a_standby_that_cannot_be_stopped_is_named(monkeypatch):
    remote = RemoteSite()

    def refuse(_server_id):
        raise CloudError("Site 'remote' could not stop server id-orders-db: it is being migrated.")

    monkeypatch.setattr(remote, "stop", refuse)
    with pytest.raises(CloudError, match="could not stop server id-orders-db"):
        applied(remote, with_standby())


def test_a_standby_that_does_not_stop_is_waited_for_by_name(monkeypatch):
    remote = RemoteSite()
    monkeypatch.setattr(remote, "stop", lambda server_id: remote._change(server_id, task_state="powering-off"))
    with pytest.raises(WaitTimeout, match="server 'orders-db' on site 'remote' to be built and stopped"):
        applied(remote, with_standby())


@pytest.mark.parametrize("reason", ["ask the DBA", ""])
def test_a_lock_of_the_application_does_not_keep_what_was_restored_from_being_removed(reason):
    remote = RemoteSite()
    applied(remote, with_standby(reason))
    remover = ServerRemover("remote", remote, remote, remote.waiter, 8)
    remover.remove(MadeServers(tuple(remote.servers()), (), ()))
    assert remote.done("unlock") == ["id-orders-db"]
    assert remote.servers() == []


def test_a_lock_of_others_keeps_a_server_from_being_removed():
    remote = RemoteSite()
    applied(remote, with_standby())
    remote._change("id-orders-db", locked_reason="Fenced by its project")
    with pytest.raises(CloudError, match="is locked"):
        ServerRemover("remote", remote, remote, remote.waiter, 8).delete(now(remote))


# Drills


DRILL = dataclasses.replace(NEW, drill="7")


def drill_site():
    """A site with the volumes of a drill, and networks of the names that this manifest has."""
    volumes = tuple(map(shop.of_drill, shop.restored_volumes()))
    return RemoteSite(shop.prepared_site(volumes=volumes))


def drill(remote, *probes, ask=None):
    work = restore(remote, DRILL)
    work.gates = DrillGates(ask or remote.ask, probes=probes)
    return work.apply()


def test_the_servers_of_a_drill_are_looked_at_from_outside():
    remote = drill_site()
    asked = []

    def ask(check, subject, _seconds):
        asked.append((check.kind, subject.server_id))
        return None if remote.now >= 7 else "It does not answer."

    result = drill(remote, Check(agent=True), ask=ask)
    assert [(one["name"], one["checks"]) for one in result] == [
        ("orders-db", [{"check": "port 5432", "made_by": ["guest agent"]}]),
        ("shop-front", []),
    ]
    assert set(asked) == {("agent", "id-drill-7-orders-db")}
    assert remote.done("try") == []
    assert (remote.done("create server"), result[0]["seconds"]["ready"]) == (["drill-7-orders-db", "drill-7-shop-front"], 7)


def test_what_cannot_be_looked_at_is_not_claimed():
    result = drill(drill_site())
    assert result[0]["checks"] == [{"check": "port 5432", "made_by": []}]


def test_before_a_run_no_check_is_made():
    work = restore(RemoteSite())
    assert work.predicted()[0]["checks"] == [{"check": "port 5432", "made_by": []}]


def test_a_server_of_a_drill_that_is_not_well_is_named_with_its_console():
    remote = drill_site()
    with pytest.raises(WaitTimeout, match=r"not ready after 60 s: its guest agent: No agent\..* Its console ends with: orders-db login:"):
        drill(remote, Check(agent=True), ask=lambda *_attempt: "No agent")
    assert remote.done("create server") == ["drill-7-orders-db"]


def reserved():
    """The site whose subnet was made by this restore, with the addresses of the application kept free."""
    pools = tuple({"start": f"10.10.0.{start}", "end": f"10.10.0.{end}"} for start, end in ((2, 10), (12, 20), (22, 254)))
    return shop.prepared_site(subnets=(dataclasses.replace(shop.SUBNET, description="osdr_application=shop osdr_checkpoint=noon", allocation_pools=pools),))


def test_a_subnet_gets_its_pools_when_all_ports_have_their_addresses():
    remote = RemoteSite(reserved())
    applied(remote)
    given = ("pools", "sub", (("10.10.0.2", "10.10.0.254"),))
    assert remote.calls.count(given) == 1
    assert remote.calls.index(given) > max(place for place, call in enumerate(remote.calls) if call[0] == "create port")


def test_a_run_that_was_killed_before_it_gave_the_pools_is_finished_by_the_next():
    site = shop.restored_site(subnets=reserved().subnets)
    remote = RemoteSite(site)
    assert restore(remote).changes
    applied(remote)
    assert [call[0] for call in remote.calls if call[0] != "try"] == ["pools"]
    assert not restore(RemoteSite(shop.restored_site())).changes
