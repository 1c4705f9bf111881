# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""An application is rolled back where it runs: its data goes back and all else stays; nothing is lost, wherever a run is killed."""

from __future__ import annotations

import base64
import copy
import dataclasses
import itertools
import time

import pytest
from ansible_collections.osdr.openstack.plugins.module_utils.application.definition import Application
from ansible_collections.osdr.openstack.plugins.module_utils.capture import job as capture_job
from ansible_collections.osdr.openstack.plugins.module_utils.catalogue.active_record import ActiveRecord
from ansible_collections.osdr.openstack.plugins.module_utils.catalogue.catalogue import Catalogue
from ansible_collections.osdr.openstack.plugins.module_utils.core.encryption import Encryption
from ansible_collections.osdr.openstack.plugins.module_utils.core.errors import Busy, CheckFailed, InvalidInput, ResourceFailed, WaitTimeout
from ansible_collections.osdr.openstack.plugins.module_utils.core.marking import Mark
from ansible_collections.osdr.openstack.plugins.module_utils.manifest.manifest import Manifest
from ansible_collections.osdr.openstack.plugins.module_utils.rollback import exchange, job
from ansible_collections.osdr.openstack.plugins.modules import os_application_roll_back, os_restore_cleanup
from ansible_collections.osdr.openstack.tests.unit.support import encrypted_site, sealing
from ansible_collections.osdr.openstack.tests.unit.support.encrypted_site import OwnBackups
from ansible_collections.osdr.openstack.tests.unit.support.memory.asking import Caller
from ansible_collections.osdr.openstack.tests.unit.support.memory.running import CHECKPOINT, DEFINITION, Running

NAMES = ("orders-db", "shop-front")
OLD = {"orders-db": ["orders-db-root: old", "orders-db-data: old"], "shop-front": ["shop-front-root: old"]}
NEW = {name: [disk.replace("old", "new") for disk in disks] for name, disks in OLD.items()}
OFF = {"status": "SHUTOFF", "OS-EXT-STS:vm_state": "stopped", "OS-EXT-STS:power_state": 4}
#: What a server that was built anew has of its own.
OWN = {"id", "metadata"}


class Killed(BaseException):
    """The controller is gone."""


class Shop:
    """:ivar had: what the site had before."""

    def __init__(self):
        self.running = Running()
        self.site = self.running.site
        self.running.write("old")
        self.manifest = self.running.checkpoint()
        self.running.write("new")
        self.catalogue = Catalogue(self.running.documents)
        self.had = self.look()
        self.ids = {one["name"]: one["id"] for one in self.running.volumes().values()}
        self.site.writes.clear()

    def run(self, state, check_mode=False, manifest=None, **changes):
        published = Manifest.parse(manifest or self.manifest)
        self.running.documents.there[f"shop/{published.checkpoint.id}.json"] = published.dump()
        given = {"state": state, "site": "primary", "application": DEFINITION, "checkpoint": published.checkpoint.id, "user_data": "omit", "stop_timeout": 60}
        self.module = self.running.module(check_mode, **{**given, **changes})
        with self.running.there(os_application_roll_back):
            cloud = os_application_roll_back.connect({})
            return os_application_roll_back.run(self.module, cloud, self.catalogue)

    def killed(self, state, writes):
        """Run until so many changes were made; whether there were more to make."""
        left = itertools.count(writes, -1)

        def die_at_last():
            if not next(left):
                raise Killed

        self.site.on_write = die_at_last
        try:
            self.run(state)
        except Killed:
            return True
        finally:
            self.site.on_write = lambda: None
        return False

    def records(self):
        """What is in the catalogue besides checkpoints."""
        return {name: content for name, content in self.running.documents.there.items() if name.startswith("shop/_")}

    def data(self):
        return {name: self.running.disks(name) for name in NAMES}

    def look(self):
        """What people and other servers know of the application."""
        servers = {name: self._server(name) for name in NAMES}
        ports = {one["id"]: (one["mac_address"], one["fixed_ips"], one["name"], one["security_groups"]) for one in self.site.of("ours")["ports"].values()}
        floating = {one["id"]: (one["floating_ip_address"], one["port_id"]) for one in self.site.of("ours")["floatingips"].values()}
        return copy.deepcopy((servers, ports, floating))

    def _server(self, name):
        server = self.running.server(name)
        shown = {key: value for key, value in server.items() if key not in OWN and not key.startswith("_")}
        ours = {key: value for key, value in server["metadata"].items() if not key.startswith("osdr_")}
        return shown, ours, [port["id"] for port in self.running.ports(name)]

    def unused(self):
        return {one["name"] + ": " + one["content"] for one in self.running.volumes().values() if not one["attachments"]}


@pytest.fixture
def shop():
    return Shop()


def test_data_goes_back_and_all_else_stays_as_it_is(shop):
    before = [shop.running.server(name)["id"] for name in NAMES]
    result = shop.run("rolled_back")
    assert (result["changed"], result["roll_back"]["state"], len(result["servers"]), len(result["volumes"])) == (True, "rolled_back", 2, 3)
    assert (result["resumed"], result["diff"]) == (False, {"before": {"state": "absent"}, "after": {"state": "rolled_back"}})
    assert (shop.data(), shop.look()) == (OLD, shop.had)
    assert not {*before} & {shop.running.server(name)["id"] for name in NAMES}


@pytest.mark.parametrize("state", ["prepared", "rolled_back"])
def test_a_part_of_an_application_over_several_projects_does_not_go_back_alone(shop, state):
    shop.manifest["checkpoint"]["together"] = {"project": "ours", "projects": ["ours", "theirs"], "tiers": [one["name"] for one in DEFINITION["tiers"]]}
    before = len(shop.site.writes)
    with pytest.raises(CheckFailed, match="A roll-back is not supported for an application over several projects"):
        shop.run(state)
    assert len(shop.site.writes) == before


def test_the_old_volumes_are_kept_as_they_were(shop):
    result = shop.run("rolled_back")
    for name, volume_id in shop.ids.items():
        volume = shop.running.volumes()[volume_id]
        assert (volume["name"], volume["content"], volume["attachments"]) == (name, "new", [])
        assert volume["metadata"]["osdr_kept"] == result["roll_back"]["id"]


def test_its_result_says_what_is_kept_and_when_it_stood(shop):
    prepared = shop.run("prepared")
    assert (prepared["kept"], "stopped_at" in prepared) == ([], False)
    result = shop.run("rolled_back")
    old = {(name, volume_id, 1) for name, volume_id in shop.ids.items()}
    assert {(one["name"], one["volume_id"], one["size"]) for one in result["kept"]} == old
    assert prepared["started_at"] <= result["stopped_at"] <= result["started_at"]
    assert shop.run("rolled_back")["kept"] == result["kept"]
    made = {one["volume_id"] for one in result["volumes"]}
    assert {one["volume_id"] for one in shop.run("undone")["kept"]} == made


def test_a_second_run_changes_nothing(shop):
    shop.run("rolled_back")
    shop.site.writes.clear()
    for state in ("rolled_back", "prepared"):
        again = shop.run(state)
        assert (again["changed"], again["resumed"], again["servers"], again["volumes"]) == (False, True, [], [])
    assert shop.site.writes == []


def test_until_the_servers_are_exchanged_nothing_of_the_application_is_touched(shop):
    result = shop.run("prepared")
    assert (result["changed"], len(result["volumes"]), result["roll_back"]["state"]) == (True, 3, "begun")
    assert (shop.data(), shop.look()) == (NEW, shop.had)
    assert {service for service, *_call in shop.site.writes} == {"cinder"}
    assert {one["resource"] for one in result["needs"]} >= {"volumes", "gigabytes"}
    again = shop.run("prepared")
    assert (again["changed"], again["resumed"], len(again["volumes"])) == (False, True, 3)
    # What is left to do is foreseen too.
    assert [shop.run(state, check_mode=True)["changed"] for state in ("prepared", "rolled_back")] == [False, True]


@pytest.mark.parametrize("state", ["prepared", "rolled_back"])
def test_where_another_run_has_begun_one_meanwhile_nothing_is_made(shop, state):
    shop.running.documents.write_new = lambda name, content: None
    with pytest.raises(Busy, match="Another run has begun a roll-back of application 'shop' meanwhile"):
        shop.run(state)
    assert shop.site.writes == []


@pytest.mark.parametrize("state", ["prepared", "rolled_back"])
def test_in_check_mode_it_is_only_judged(shop, state):
    result = shop.run(state, check_mode=True)
    assert (result["changed"], {one["resource"]: one["needed"] for one in result["needs"]}["volumes"]) == (True, 3)
    assert (len(result["volumes"]), result["resumed"], result["diff"]["after"]) == (3, False, {"state": "begun"})
    assert (shop.site.writes, shop.records()) == ([], {})


def test_what_ran_before_comes_back_on_its_own_volumes(shop):
    shop.run("rolled_back")
    result = shop.run("undone")
    assert (result["changed"], result["roll_back"]["state"]) == (True, "undone")
    assert (shop.data(), shop.look()) == (NEW, shop.had)
    attached = {one["volume_id"] for name in NAMES for one in shop.running.server(name)["_volumes"]}
    assert attached == {*shop.ids.values()}
    assert all("osdr_kept" not in shop.running.volumes()[one]["metadata"] for one in attached)
    shop.site.writes.clear()
    assert (shop.run("undone")["changed"], shop.site.writes) == (False, [])


def test_a_roll_back_that_had_only_made_volumes_is_undone_without_touching_a_server(shop):
    ids = [shop.running.server(name)["id"] for name in NAMES]
    shop.run("prepared")
    # Somebody stopped it meanwhile, who will have a reason.
    shop.running.server("shop-front").update(OFF)
    before = shop.look()
    shop.site.writes.clear()
    shop.run("undone")
    assert (shop.data(), shop.look(), [shop.running.server(name)["id"] for name in NAMES]) == (NEW, before, ids)
    assert shop.site.writes == []


def test_the_way_back_is_foreseen_without_a_change(shop):
    shop.run("rolled_back")
    shop.site.writes.clear()
    foreseen = shop.run("undone", check_mode=True)
    # What will be out of use then is in use as yet.
    assert (foreseen["changed"], foreseen["kept"]) == (True, [])
    assert (shop.site.writes, shop.data()) == ([], OLD)


def test_once_accepted_the_old_volumes_go_and_another_roll_back_may_begin(shop):
    shop.run("rolled_back")
    foreseen = shop.run("accepted", check_mode=True)
    assert len(shop.running.volumes()) == 6
    done = shop.run("accepted")
    assert foreseen == done
    assert (done["changed"], done["roll_back"]["checkpoint"], done["roll_back"]["state"]) == (True, CHECKPOINT, "rolled_back")
    assert (len(done["removed"]), done["left"], shop.unused()) == (3, [], set())
    assert (shop.data(), shop.look(), shop.records()) == (OLD, shop.had, {})
    assert shop.run("accepted") == {"changed": False, "roll_back": None, "removed": [], "left": []}
    # The copies of the same checkpoint serve once more.
    shop.running.write("newer")
    shop.run("rolled_back")
    assert shop.data() == OLD


def test_once_the_way_back_is_accepted_the_volumes_of_the_checkpoint_go(shop):
    shop.run("rolled_back")
    shop.run("undone")
    shop.run("accepted")
    assert (shop.data(), shop.look(), len(shop.running.volumes())) == (NEW, shop.had, 3)


def test_a_volume_that_somebody_uses_again_stays(shop):
    shop.run("rolled_back")
    shop.site.nova.attach(shop.running.server("shop-front"), shop.running.volumes()[shop.ids["orders-db-data"]], False)
    (left,) = shop.run("accepted")["left"]
    assert left.startswith("Volume orders-db-data (") and "it is attached to server" in left
    assert shop.module.told == [left]
    assert shop.ids["orders-db-data"] in shop.running.volumes() and shop.ids["orders-db-root"] not in shop.running.volumes()


def test_what_only_the_record_names_is_not_removed(shop):
    """Whoever may write to the catalogue must not have others' volumes removed."""
    shop.run("rolled_back")
    del shop.running.volumes()[shop.ids["orders-db-data"]]["metadata"]["osdr_kept"]
    assert len(shop.run("accepted")["removed"]) == 2
    assert shop.ids["orders-db-data"] in shop.running.volumes()


def test_no_cleanup_takes_the_application_for_a_volume_beside_it(shop):
    made = shop.run("prepared")["roll_back"]["id"]
    owner = Mark("shop", CHECKPOINT, apart=made)
    shop.run("rolled_back")
    with shop.running.there(os_restore_cleanup):
        cleanup = os_restore_cleanup.Cleanup(os_restore_cleanup.connect({}), owner, os_restore_cleanup.Waiter(timeout=60, interval=1), 1)
        with pytest.raises(CheckFailed, match="It is a roll-back: these are the application's servers or ports"):
            os_restore_cleanup.run(shop.running.module(), cleanup)
    assert shop.look() == shop.had


# Killed


def writes_of(make, state):
    """How many changes a run makes."""
    shop = make()
    seen = itertools.count()
    shop.site.on_write = lambda: next(seen) and None
    shop.run(state)
    shop.site.on_write = lambda: None
    return next(seen)


def rolled_back():
    shop = Shop()
    shop.run("rolled_back")
    return shop


FORWARD, BACK = writes_of(Shop, "rolled_back"), writes_of(rolled_back, "undone")


def test_there_are_many_moments_to_be_killed_at():
    assert FORWARD > 30
    assert BACK > 25


@pytest.mark.parametrize("moment", range(FORWARD))
def test_wherever_it_is_killed_the_next_run_ends_it(moment):
    shop = Shop()
    assert shop.killed("rolled_back", moment)
    shop.run("rolled_back")
    assert (shop.data(), shop.look(), shop.unused()) == (OLD, shop.had, {"orders-db-root: new", "orders-db-data: new", "shop-front-root: new"})


# Before the first one, nothing is recorded.
@pytest.mark.parametrize("moment", range(1, FORWARD))
def test_wherever_it_is_killed_the_way_back_is_open(moment):
    shop = Shop()
    assert shop.killed("rolled_back", moment)
    assert {*shop.ids.values()} <= {*shop.running.volumes()}
    shop.run("undone")
    assert (shop.data(), shop.look()) == (NEW, shop.had)
    shop.run("accepted")
    assert {*shop.running.volumes()} == {*shop.ids.values()}


@pytest.mark.parametrize("moment", range(BACK))
def test_wherever_the_way_back_is_killed_the_next_run_ends_it(moment):
    shop = rolled_back()
    assert shop.killed("undone", moment)
    shop.run("undone")
    assert (shop.data(), shop.look()) == (NEW, shop.had)
    shop.run("accepted")
    assert {*shop.running.volumes()} == {*shop.ids.values()}


@pytest.mark.parametrize("moment", range(0, BACK, 5))
def test_a_way_back_that_was_begun_is_not_turned_round(moment):
    shop = rolled_back()
    shop.killed("undone", moment)
    if shop.catalogue.roll_back("shop").state == "undoing":
        with pytest.raises(CheckFailed, match="undoing it has begun; finish that"):
            shop.run("rolled_back")


def test_a_way_back_that_somebody_began_while_the_volumes_were_made_is_not_crossed(shop):
    def undo():
        record = shop.catalogue.roll_back("shop")
        if record and record.state == "begun":
            shop.site.on_write = lambda: None
            shop.catalogue.set_roll_back(record.at("undoing"))

    shop.site.on_write = undo
    with pytest.raises(CheckFailed, match="undoing it has begun; finish that"):
        shop.run("rolled_back")
    assert (shop.data(), shop.look()) == (NEW, shop.had)


# As it was


def test_ports_that_nova_made_itself_outlive_their_servers():
    shop = Shop()
    network = next(one for one in shop.site.neutron.by_id["networks"].values() if one["name"] == "shop-net")
    (port,) = shop.running.ports("orders-db")
    shop.site.nova._made_ports.add(port["id"])
    shop.run("rolled_back")
    assert (shop.look(), port["network_id"]) == (shop.had, network["id"])
    shop.run("undone")
    assert shop.look() == shop.had


def test_volumes_that_would_go_with_their_server_stay():
    shop = Shop()
    for one in shop.running.server("orders-db")["_volumes"]:
        one["delete_on_termination"] = True
    shop.run("rolled_back")
    assert {*shop.ids.values()} <= {*shop.running.volumes()}


def test_as_long_as_nova_would_delete_one_the_server_is_not_deleted(monkeypatch):
    shop = Shop()
    shop.running.server("orders-db")["_volumes"][1]["delete_on_termination"] = True
    # It says that it did.
    monkeypatch.setattr(exchange.Compute, "set_delete_on_termination", lambda *_given: None)
    with pytest.raises(ResourceFailed, match="would still be deleted with server orders-db"):
        shop.run("rolled_back")
    assert shop.data() == NEW


def test_where_nova_cannot_keep_such_volumes_it_is_refused():
    shop = Shop()
    shop.site.nova.version = (2, 79)
    shop.running.server("orders-db")["_volumes"][1]["delete_on_termination"] = True
    with pytest.raises(CheckFailed, match="is too old to change that"):
        shop.run("rolled_back")
    assert shop.data() == NEW


def test_a_standby_stays_off_and_a_lock_stays(shop):
    front = shop.running.server("shop-front")
    front |= {**OFF, "locked": True, "locked_reason": "mine"}
    for state in ("rolled_back", "undone"):
        shop.run(state)
        now = shop.running.server("shop-front")
        assert (now["status"], now["locked"], now["locked_reason"]) == ("SHUTOFF", True, "mine")
        assert shop.running.server("orders-db")["status"] == "ACTIVE"


def test_server_groups_are_those_that_are_there(shop):
    group = shop.site.ask("nova", "POST", "os-server-groups", {"server_group": {"name": "apart", "policy": "anti-affinity"}})["server_group"]
    shop.site.nova.by_id["server_groups"][group["id"]]["members"].append(shop.running.server("orders-db")["id"])
    for state in ("rolled_back", "undone"):
        shop.run(state)
        (now,) = shop.site.nova.by_id["server_groups"].values()
        assert (now["name"], now["members"]) == ("apart", [shop.running.server("orders-db")["id"]])


def test_what_was_changed_while_the_volumes_were_made_is_kept(shop):
    shop.run("prepared")
    shop.running.server("orders-db")["metadata"]["role"] = "changed"
    shop.run("rolled_back")
    assert shop.running.server("orders-db")["metadata"]["role"] == "changed"


def test_a_volume_that_came_later_is_told_and_kept(shop):
    later = shop.running.volume("later")
    shop.site.nova.attach(shop.running.server("orders-db"), later, False)
    shop.run("rolled_back")
    assert any("Volume /dev/vdc of server 'orders-db' was attached after the checkpoint" in one for one in shop.module.told)
    assert (shop.data(), later["attachments"], later["id"] in shop.running.volumes()) == (OLD, [], True)
    shop.run("undone")
    assert [one["device"] for one in shop.running.server("orders-db")["_volumes"]] == ["/dev/vda", "/dev/vdb", "/dev/vdc"]


def test_who_names_servers_by_their_ids_is_told_that_these_change(shop):
    database, front = (shop.running.server(name)["id"] for name in NAMES)
    tiers = [{"name": "database", "servers": [database]}, {"name": "front", "servers": [front]}]
    shop.run("rolled_back", application={"name": "shop", "tiers": tiers})
    assert shop.data() == OLD
    assert any("names servers by their ids, which are others after the roll-back" in one for one in shop.module.told)
    # The record knows them by their names.
    shop.run("undone")
    assert (shop.data(), shop.look()) == (NEW, shop.had)


def test_volumes_of_a_type_that_is_called_otherwise_here_are_of_that_type(shop):
    shop.site.cinder.types["fast"] = {}
    shop.run("rolled_back", mapping={"schema_version": 1, "volume_types": {"ceph": "fast"}})
    attached = [shop.running.volumes()[one["volume_id"]]["volume_type"] for one in shop.running.server("orders-db")["_volumes"]]
    assert (attached, shop.data()) == (["fast", "fast"], OLD)


def test_user_data_comes_back_and_is_sealed_in_the_record(shop):
    shop.site.caller = Caller("ours", sees_all=True)
    content = base64.b64encode(b"the secret of the guest").decode()
    shop.running.server("orders-db")["OS-EXT-SRV-ATTR:user_data"] = content
    for state in ("rolled_back", "undone"):
        shop.run(state, user_data="encrypt", user_data_key="passphrase")
        assert shop.running.server("orders-db")["OS-EXT-SRV-ATTR:user_data"] == content
        assert content not in str(shop.records())
    # Nobody needs the key to remove what is out of use.
    shop.run("accepted")


CHECKED = {"name": "shop", "tiers": [{**tier, "checks": [{"port": 5432, "timeout": 3}]} for tier in DEFINITION["tiers"]]}


def asking(monkeypatch, answer):
    """Health checks that find this; returns whom they ask."""
    asked = []

    def ask(_self, _check, subject, _seconds):
        asked.append((subject.name, subject.address))
        return answer

    monkeypatch.setattr(os_application_roll_back.Probes, "ask", ask)
    return asked


def test_tiers_start_in_their_order_when_the_one_before_is_ready(shop, monkeypatch):
    asked = asking(monkeypatch, None)
    shop.run("rolled_back", application=CHECKED)
    assert [name for name, _address in asked] == [*NAMES]
    assert asked[0][1] == "10.10.0.11"


def test_where_the_checkpoint_does_not_work_either_there_is_the_way_back(shop, monkeypatch):
    asking(monkeypatch, "refused")
    with pytest.raises(WaitTimeout):
        shop.run("rolled_back", application=CHECKED)
    assert (shop.running.server("shop-front"), shop.catalogue.roll_back("shop").state) == (None, "exchanging")
    asking(monkeypatch, None)
    shop.run("undone", application=CHECKED)
    assert (shop.data(), shop.look()) == (NEW, shop.had)


# Refused


def refused(shop, match, **changes):
    with pytest.raises(CheckFailed, match=match):
        shop.run("rolled_back", **changes)
    assert (shop.site.writes, shop.data(), shop.records().keys() - {"shop/_active.json"}) == ([], NEW, set())


def test_a_server_that_an_administrator_fenced_is_refused_to_its_project(shop):
    shop.running.server("shop-front").update({"locked": True, "locked_reason": "Fenced by an administrator"})
    refused(shop, "shop-front .* was fenced by an administrator; give admin_cloud")


def test_without_room_for_a_second_set_of_volumes_nothing_begins(shop):
    shop.site.cinder.limits.limit["gigabytes"] = 5
    refused(shop, "The quota 'gigabytes' at site 'primary' is too small: 3 more needed, 2 left")


def test_the_servers_need_no_room_twice(shop):
    shop.site.nova.limits.limit |= {"instances": 2, "cores": 2, "ram": 1024}
    shop.run("rolled_back")
    assert shop.data() == OLD


def test_without_a_copy_nothing_begins(shop):
    shop.site.cinder.by_id["backups"].popitem()
    refused(shop, "is missing at site 'primary'")


def test_data_that_is_on_no_volume_is_not_given_up(shop):
    shop.running.server("orders-db")["flavor"]["ephemeral"] = 20
    shop.site.nova.by_id["flavors"][shop.running.server("orders-db")["_flavor_id"]]["ephemeral"] = 20
    refused(shop, r"The ephemeral disk \(20 GiB\) of server orders-db .* would be deleted with it, and could not come back")


def test_a_root_disk_that_is_no_volume_is_not_given_up_either(shop, monkeypatch):
    real = exchange.plan_exchange

    def from_images(*given):
        planned = real(*given)
        leaving = {name: dataclasses.replace(old, server=dataclasses.replace(old.server, boots_from_image=True)) for name, old in planned.leaving.items()}
        return dataclasses.replace(planned, leaving=leaving)

    monkeypatch.setattr(job, "plan_exchange", from_images)
    refused(shop, "The root disk of server orders-db .* would be deleted with it")


def test_a_server_that_the_checkpoint_does_not_have_is_told(shop):
    shop.running._server("late", "10.10.0.31", ("late-root",))
    shop.site.writes.clear()
    tiers = [*DEFINITION["tiers"], {"name": "late", "servers": ["late"]}]
    refused(shop, "Server 'late' is not in checkpoint 'noon'", application={"name": "shop", "tiers": tiers})


def test_it_is_rolled_back_only_where_it_runs(shop):
    shop.catalogue.set_active(ActiveRecord("shop", "remote", "2026-01-01T13:00:00Z", CHECKPOINT))
    refused(shop, "has run at site 'remote' since")
    shop.running.documents.there["shop/_active.json"] = b"{}"
    refused(shop, "it is unknown where the application runs")


def test_one_roll_back_ends_before_the_next(shop):
    shop.run("prepared")
    other = {**shop.manifest, "checkpoint": {**shop.manifest["checkpoint"], "id": "ten"}}
    with pytest.raises(CheckFailed, match="A roll-back to checkpoint 'noon' .* began .*; resume it with this checkpoint, or undo it"):
        shop.run("rolled_back", manifest=other)
    with pytest.raises(CheckFailed, match="cannot be accepted: .*is not complete: begun"):
        shop.run("accepted")
    with pytest.raises(CheckFailed, match="resume it there"):
        shop.run("rolled_back", site="remote")


def test_without_a_roll_back_there_is_no_way_back(shop):
    with pytest.raises(CheckFailed, match="No roll-back of it is recorded"):
        shop.run("undone")


def test_without_its_volumes_there_is_no_way_back_either(shop):
    shop.run("rolled_back")
    del shop.running.volumes()[shop.ids["orders-db-data"]]
    with pytest.raises(CheckFailed, match="Volume 'orders-db-data' of server 'orders-db' .* does not exist any more"):
        shop.run("undone")
    assert shop.data() == OLD


def test_a_port_that_came_later_is_not_lost_on_the_way_back(shop):
    shop.run("rolled_back")
    network = next(one for one in shop.site.neutron.by_id["networks"].values() if one["name"] == "shop-net")
    late = shop.running._make("ports", network_id=network["id"])
    shop.site.nova.plug(shop.running.server("orders-db"), late)
    with pytest.raises(CheckFailed, match=f"Port {late['id']} of server orders-db .* was attached after the roll-back began; detach it"):
        shop.run("undone")
    assert shop.data() == OLD


def test_a_server_that_is_there_twice_is_told(shop):
    made = shop.run("prepared")["roll_back"]["id"]
    shop.site.ask("nova", "DELETE", f"servers/{shop.running.server('orders-db')['id']}")
    marks = Mark("shop", CHECKPOINT, source="x", apart=made).metadata()
    shop.running._server("shop-front", "10.10.0.41", ("copy",), metadata=marks)
    with pytest.raises(CheckFailed, match="Server 'shop-front' is there twice"):
        shop.run("undone")


def test_the_tiers_of_a_roll_back_are_those_that_it_began_with(shop):
    shop.run("rolled_back")
    with pytest.raises(InvalidInput, match="began with the tiers database, front, and the definition has all"):
        shop.run("undone", application={"name": "shop", "tiers": [{"name": "all", "servers": ["orders-db", "shop-front"]}]})


def test_a_server_that_does_not_stop_is_told_and_nothing_is_removed(shop, monkeypatch):
    monkeypatch.setattr(os_application_roll_back.RollBackJob, "_exchanger", stubborn(shop))
    with pytest.raises(WaitTimeout, match="did not stop"):
        shop.run("rolled_back")
    assert shop.data() == NEW
    monkeypatch.undo()
    shop.run("undone")
    assert (shop.data(), shop.look()) == (NEW, shop.had)


def stubborn(shop):
    """Servers that do not do what they are asked to, until the way back."""
    real = os_application_roll_back.RollBackJob._exchanger

    def exchanger(self, record):
        made = real(self, record)
        made._clouds.compute.stop = lambda _server_id: None
        return made

    return exchanger


def test_servers_that_could_not_be_built_do_not_block_the_way_back(shop):
    shop.run("rolled_back")
    for name in NAMES:
        shop.running.server(name)["status"] = "ERROR"
    shop.run("undone")
    assert (shop.data(), shop.look()) == (NEW, shop.had)


def test_a_volume_that_a_server_outside_has_too_is_refused_before_anything_leaves(shop):
    server = shop.running.server("orders-db")
    shared = shop.site.cinder.by_id["volumes"][server["_volumes"][-1]["volume_id"]]
    shared["attachments"].append({**shared["attachments"][0], "server_id": "outside"})
    with pytest.raises(CheckFailed, match="is also attached to server outside"):
        shop.run("rolled_back")
    assert shop.running.server("orders-db")["id"] == server["id"]


# Encrypted volumes


@pytest.fixture
def encrypted(shop, monkeypatch):
    """The shop with an encrypted data volume, then and now."""
    encrypted_site.seal(shop.manifest, "orders-db-data")
    shop.running.volumes()[shop.ids["orders-db-data"]]["encrypted"] = True
    shop.had = shop.look()
    encrypted_site.reach(monkeypatch)
    monkeypatch.setattr(capture_job, "encryption_of", lambda _cloud, _seen, _concurrency: {shop.ids["orders-db-data"]: Encryption("luks", "aes", 256)})
    return shop


def test_encrypted_volumes_of_the_sites_own_backups_need_no_private_key(encrypted):
    encrypted.run("rolled_back")
    assert (encrypted.data(), encrypted.look()) == (OLD, encrypted.had)
    encrypted.run("undone")
    assert (encrypted.data(), encrypted.look()) == (NEW, encrypted.had)


@pytest.mark.parametrize(("private", "told"), encrypted_site.WRONG_KEYS)
def test_those_of_the_other_site_are_refused_without_the_right_private_key(encrypted, monkeypatch, private, told):
    monkeypatch.setattr(OwnBackups, "told", "the key is elsewhere")
    for check_mode in (True, False):
        with pytest.raises(CheckFailed, match=told):
            encrypted.run("rolled_back", check_mode, volume_private_key=private)
    assert (encrypted.site.writes, encrypted.data(), encrypted.records()) == ([], NEW, {})


def test_with_it_they_are_restored_from_their_twins(encrypted, monkeypatch):
    made = encrypted_site.note_twins(monkeypatch)
    result = encrypted.run("rolled_back", volume_private_key=sealing.pair()[0])
    assert made == [(result["roll_back"]["id"], "ceph")]
    assert encrypted.data() == OLD


def test_what_they_were_to_be_restored_by_goes_with_the_end(shop, monkeypatch):
    shop.run("prepared")
    made = shop.run("undone")["roll_back"]["id"]
    left = shop.site.cinder.hold(next(iter(shop.running.volumes().values())), {})
    left |= {"name": "osdr-restore-x", "description": Mark("shop", CHECKPOINT, source="x", apart=made).text()}
    shop.run("accepted", check_mode=True)
    assert left["id"] in shop.site.cinder.by_id["backups"]
    shop.run("accepted")
    assert left["id"] not in shop.site.cinder.by_id["backups"]


def test_a_roll_back_is_dated_by_the_clock_of_the_site():
    shop, answered = Shop(), time.monotonic()
    params = shop.running.module(False, state="prepared", site="primary", application=DEFINITION, user_data="omit", stop_timeout=60).params
    with shop.running.there(os_application_roll_back):
        cloud = os_application_roll_back.connect({})
        cloud.clock.note_record("2036-01-01T12:00:00", answered, answered)
        settings = os_application_roll_back.settings_of(params, cloud, Application.parse(DEFINITION))
    assert (settings.now[:13], settings.fresh[:10]) == ("2036-01-01T12", "2036010112")
