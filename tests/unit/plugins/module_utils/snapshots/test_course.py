# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import collections
import datetime
import json
from types import SimpleNamespace

import pytest
from ansible_collections.osdr.openstack.plugins.module_utils.core.errors import CheckFailed, CloudError, ConsistencyTooLow, InvalidInput
from ansible_collections.osdr.openstack.plugins.module_utils.core.states import refusal
from ansible_collections.osdr.openstack.plugins.module_utils.quiesce.driver import THAWED, Support
from ansible_collections.osdr.openstack.plugins.module_utils.quiesce.quiescer import Choice
from ansible_collections.osdr.openstack.plugins.module_utils.quiesce.window import FreezeWindow, Limits, Member
from ansible_collections.osdr.openstack.plugins.module_utils.snapshots import course
from ansible_collections.osdr.openstack.plugins.module_utils.work.interruption import Interruption
from ansible_collections.osdr.openstack.tests.unit.support.fake_cinder import FakeCinder
from ansible_collections.osdr.openstack.tests.unit.support.fakes import FakeDriver, FakeMarks, group_snapshot, server, volume

NAMES = ("orders", "payments")
NOON = "2026-11-22T12:00:00.000Z"
SHOP = {"name": "shop", "tiers": [{"name": "database", "servers": list(NAMES)}]}


PARAMS = {
    "application": SHOP,
    "name": "noon",
    "state": "present",
    "consistency": None,
    "quiesce": None,
    "grouping": "auto",
    "group_type": None,
    "admin_cloud": None,
    "projects": [],
    "other_clouds": [],
    "thaw": None,
    "freezes": [],
    "concurrency": 4,
    "timeout": 60,
}


class Cloud:
    """A site with two servers of a volume each, as the module sees it.

    :param trouble: what goes wrong with the storage.
    """

    def __init__(self, monkeypatch, **trouble):
        self.servers = {name: server(name) for name in NAMES}
        self.cinder = FakeCinder(*(volume(name) for name in NAMES), **trouble)
        self.cinder.may_snapshot = lambda which: True
        self.cinder.cloud.warm_up = lambda seconds: None
        self.warnings = []
        nova = SimpleNamespace(
            resolve=lambda names, project_ids: {name: self.servers[name] for name in names},
            server=lambda server_id: self.servers[server_id.removeprefix("id-")],
        )
        monkeypatch.setattr(course, "connect", lambda reach: SimpleNamespace(in_project=lambda project_id: project_id))
        monkeypatch.setattr(course, "connect_other", lambda cloud: cloud)
        monkeypatch.setattr(course, "BlockStorage", lambda cloud: self.cinder)
        monkeypatch.setattr(course, "Compute", lambda cloud: nova)
        monkeypatch.setattr(course, "Waiter", lambda timeout, interval: self.cinder.waiter)

    def freeze(self, token="t", driver="libvirt"):
        mark = {"driver": driver, "until": "2026-11-22T13:00:00Z", "token": token, "requested": NOON, "frozen": NOON, "filesystems": 2}
        self.servers = {name: server(name, metadata={"osdr_freeze": json.dumps(mark)}) for name in NAMES}

    def thaw(self, token="t", intact=True):
        self.servers = {name: server(name) for name in NAMES}
        facts = {"freeze": token, "intact": intact, "interrupted": None, "thawed_at": "2026-11-22T12:00:09.000Z"}
        return {"servers": [{"id": f"id-{name}", **facts} for name in NAMES]}

    def run(self, check_mode=False, **changes):
        params = {**PARAMS, **changes}
        settings = course.Settings.parse(params, {"cloud": "primary"})
        return course.Course(settings, Interruption(), self.warnings.append).run(check_mode)


@pytest.fixture
def cloud(monkeypatch):
    return Cloud(monkeypatch)


def test_a_set_is_taken_once_and_removed_once(cloud):
    taken = cloud.run()
    assert taken["changed"]
    assert [one["strategy"] for one in taken["grouping"]] == ["consistent_group"]
    again = cloud.run()
    assert not again["changed"]
    assert again["cg_snapshot"] == taken["cg_snapshot"]
    assert cloud.run(state="absent")["changed"]
    assert not cloud.run(state="absent")["changed"]
    assert cloud.cinder.snapshots() == cloud.cinder.groups() == []


def test_what_changes_is_shown_as_a_diff(cloud):
    nothing, all_ = ({"snapshots_of_volumes": found} for found in ([], ["volume-orders", "volume-payments"]))
    taken = cloud.run()
    assert taken["diff"] == {"before": nothing, "after": {**all_, "grouping": taken["grouping"]}}
    assert cloud.run()["diff"] == {"before": all_, "after": all_}
    # What is not good enough is replaced.
    assert cloud.run(check_mode=True, consistency="quiesced")["diff"]["before"] == all_
    assert cloud.run(state="absent") == {"changed": True, "cg_snapshot": None, "diff": {"before": all_, "after": nothing}}
    assert cloud.run(state="absent") == {"changed": False, "cg_snapshot": None, "diff": {"before": nothing, "after": nothing}}


def test_check_mode_removes_nothing_either(cloud):
    cloud.run()
    before = cloud.cinder.snapshots()
    assert cloud.run(check_mode=True, state="absent")["changed"]
    assert cloud.cinder.snapshots() == before


@pytest.mark.parametrize(
    ("changes", "storages", "nova"),
    [
        pytest.param({}, ["primary"], "primary", id="as the module itself"),
        pytest.param({"admin_cloud": "admin"}, ["primary", "admin"], "primary", id="an administrator for what only that one sees"),
        pytest.param({"admin_cloud": "admin", "projects": ["p1", "p2"]}, ["p1", "p2", "admin"], "admin", id="in several projects"),
    ],
)
def test_who_asks_for_what(cloud, monkeypatch, changes, storages, nova):
    asked, novas, waiters = [], [], []

    class Compute:
        def __init__(self, by):
            novas.append(by)

        def resolve(self, names, project_ids):
            assert (names, list(project_ids)) == (["orders", "payments"], changes.get("projects", []))
            return {name: cloud.servers[name] for name in names}

        def server(self, server_id):
            return cloud.servers[server_id.removeprefix("id-")]

    class Primary(str):
        def in_project(self, project_id):
            return project_id

    monkeypatch.setattr(course, "connect", lambda reach: Primary(reach["cloud"]))
    monkeypatch.setattr(course, "BlockStorage", lambda by: asked.append(by) or cloud.cinder)
    monkeypatch.setattr(course, "Compute", Compute)
    monkeypatch.setattr(course, "Waiter", lambda timeout, interval: waiters.append((timeout, interval)) or cloud.cinder.waiter)
    assert cloud.run(**changes, timeout=77)["changed"]
    assert (asked, set(novas), waiters) == (storages, {nova}, [(77, 1)])


def back_up(cloud):
    """Cinder backs up one of the snapshots."""
    first = cloud.cinder.snapshots()[0]
    cloud.cinder._change(cloud.cinder._snapshots, first.id, status="backing-up")
    return first


def test_a_set_that_is_being_backed_up_is_adopted(cloud):
    taken = cloud.run()
    back_up(cloud)
    again = cloud.run()
    assert (again["changed"], again["cg_snapshot"]) == (False, taken["cg_snapshot"])


@pytest.mark.parametrize("check_mode", [True, False])
def test_a_set_that_is_not_good_enough_is_not_touched_while_it_is_being_backed_up(cloud, check_mode):
    cloud.run()
    busy = back_up(cloud)
    before = cloud.cinder.snapshots()
    with pytest.raises(CheckFailed, match=f"Snapshot {busy.id} of volume {busy.volume_id} on site 'primary' belongs to an incomplete set"):
        cloud.run(check_mode, consistency="quiesced")
    assert cloud.cinder.snapshots() == before
    assert cloud.cinder.called("delete_group_snapshot") == []


def test_what_the_operator_should_know_is_warned_of(monkeypatch):
    made = Cloud(monkeypatch)
    made.servers["orders"] = server("orders", boots_from_image=True)
    made.run(check_mode=True)
    (warning,) = made.warnings
    assert "Server orders (id-orders) boots from an image" in warning


def test_check_mode_changes_nothing_and_tells_the_groups(cloud):
    found = cloud.run(check_mode=True)
    assert (found["changed"], found["cg_snapshot"]) == (True, None)
    assert found["diff"]["after"]["grouping"] == found["grouping"]
    assert cloud.cinder.calls == []


def test_several_projects_are_for_administrators(cloud):
    for option in ("projects", "other_clouds"):
        with pytest.raises(InvalidInput, match="Give admin_cloud"):
            cloud.run(**{option: ["p1", "p2"]})


@pytest.fixture
def apart(monkeypatch):
    """Two servers of one application, each in a project of its own with credentials of its own."""
    made = Cloud(monkeypatch)
    made.servers = {"orders": server("orders", project_id="p1"), "payments": server("payments", project_id="p2")}
    made.by_cloud = {f"in-{name}": FakeCinder(volume(of), project_id=name, time=made.cinder.time) for name, of in (("p1", "orders"), ("p2", "payments"))}
    for cinder in made.by_cloud.values():
        cinder.may_snapshot = lambda which: True
    asked = made.asked = []
    nova = SimpleNamespace(
        resolve=lambda names, project_ids: asked.append(tuple(project_ids)) or {name: made.servers[name] for name in names},
        server=lambda server_id: made.servers[server_id.removeprefix("id-")],
    )
    monkeypatch.setattr(course, "connect", lambda reach: "in-p1")
    monkeypatch.setattr(course, "BlockStorage", lambda cloud: made.by_cloud.get(cloud, made.cinder))
    monkeypatch.setattr(course, "Compute", lambda cloud: asked.append(cloud) or nova)
    return made


OVER_PROJECTS = {"admin_cloud": "admin", "other_clouds": ["in-p2"], "grouping": "individual"}


def test_over_projects_each_ones_volumes_are_snapshotted_with_its_own_credentials(apart):
    taken = apart.run(**OVER_PROJECTS)
    assert [cinder.called("create_snapshot") for cinder in apart.by_cloud.values()] == [[["volume-orders"]], [["volume-payments"]]]
    assert apart.asked == ["admin", ("p1", "p2"), "admin"]
    assert [one["name"] for one in taken["cg_snapshot"]["servers"]] == ["orders", "payments"]


def test_each_project_is_told_what_it_has_of_a_set_over_several(apart):
    taken = apart.run(**OVER_PROJECTS)
    first, second = taken["parts"]
    assert (first["project_id"], second["project_id"]) == ("p1", "p2")
    whole, parts = taken["cg_snapshot"], [first["cg_snapshot"], second["cg_snapshot"]]
    for kind in ("servers", "snapshots"):
        assert [one for part in parts for one in part[kind]] == whole[kind]
        assert [len(part[kind]) for part in parts] == [1, 1]
    for fact in ("name", "application", "consistency", "taken_at", "skew", "window"):
        assert [part[fact] for part in parts] == [whole[fact]] * 2
    again = apart.run(**OVER_PROJECTS)
    assert (again["changed"], again["parts"]) == (False, taken["parts"])


def test_a_set_over_projects_is_removed_in_each_and_that_takes_no_administrator(apart):
    apart.run(**OVER_PROJECTS)
    assert apart.run(state="absent", other_clouds=["in-p2"])["changed"]
    assert [cinder.snapshots() for cinder in apart.by_cloud.values()] == [[], []]


def test_a_set_in_one_project_has_no_parts(cloud):
    assert "parts" not in cloud.run()


def test_in_which_projects_the_servers_are_is_said_once(cloud):
    with pytest.raises(InvalidInput, match="Give one of them"):
        cloud.run(admin_cloud="admin", projects=["p1"], other_clouds=["in-p2"])


def test_grouping_is_told_as_it_was_done(monkeypatch):
    taken = Cloud(monkeypatch, refusing=["create_group"]).run()
    assert {one["strategy"] for one in taken["cg_snapshot"]["snapshots"]} == {"individual"}
    assert {one["strategy"] for one in taken["grouping"]} == {"individual"}


def test_a_run_that_fails_before_the_freeze_leaves_no_group(cloud, monkeypatch):
    def fail(*arguments):
        raise CloudError("The login is not renewed.")

    monkeypatch.setattr(course, "Seeing", fail)
    with pytest.raises(CloudError, match="not renewed"):
        cloud.run()
    assert len(cloud.cinder.called("create_group")) == 1
    assert cloud.cinder.groups() == []


def test_a_set_within_somebody_elses_freeze_is_completed_by_its_thaw(cloud):
    cloud.freeze()
    pending = cloud.run(consistency="quiesced")["cg_snapshot"]
    assert (pending["consistency"], {one["pending"] for one in pending["servers"]}) == ("crash", {"quiesced"})
    thaw = cloud.thaw()
    complete = cloud.run(consistency="quiesced", thaw=thaw)
    assert (complete["changed"], complete["cg_snapshot"]["consistency"]) == (True, "quiesced")
    assert not cloud.run(consistency="quiesced", thaw=thaw)["changed"]


def test_a_thaw_without_a_set_confirms_nothing(cloud):
    with pytest.raises(CheckFailed, match="has no complete set of this name"):
        cloud.run(consistency="quiesced", thaw=cloud.thaw())


def test_a_thaw_that_does_not_confirm_enough_leaves_nothing(cloud):
    cloud.freeze()
    cloud.run(consistency="quiesced")
    with pytest.raises(ConsistencyTooLow):
        cloud.run(consistency="quiesced", thaw=cloud.thaw(intact=False))
    assert cloud.cinder.snapshots() == cloud.cinder.groups() == []


def test_a_set_that_awaits_the_thaw_of_a_former_freeze_is_taken_again_within_the_next(cloud):
    cloud.freeze("first")
    cloud.run(consistency="quiesced")
    # Whoever was to confirm it died.
    cloud.thaw("first")
    cloud.freeze("second")
    assert cloud.run(consistency="quiesced")["changed"]
    assert cloud.run(consistency="quiesced", thaw=cloud.thaw("second"))["cg_snapshot"]["consistency"] == "quiesced"


def test_the_remains_of_a_set_are_a_change_too(cloud):
    remains = group_snapshot("g", description=json.dumps({"osdr_application": "shop", "osdr_checkpoint": "noon"}), project_id="project")
    cloud.cinder._group_snapshots[remains.id] = remains
    assert cloud.run(state="absent")["changed"]
    assert cloud.cinder.group_snapshots() == []


QUIESCE = {
    "driver": "pause",
    "admin_cloud": None,
    "libvirt_uri": None,
    "freeze_timeout": 5,
    "budget": 10,
    "guard_timeout": 20,
}


def quiescing(monkeypatch, cloud, driver, **changes):
    """Has servers frozen by a driver of the tests; returns what the quiescer is asked for."""
    asked = []

    class Quiescer:
        done = "one was thawed"
        compute = SimpleNamespace(cloud=SimpleNamespace(warm_up=lambda seconds: asked.append(("warm up", seconds))))

        def __init__(self, *arguments):
            asked.append(("made", arguments))

        def resolve(self, application, project_ids):
            return cloud.servers

        def thaw_leftovers(self, servers):
            asked.append(("thaw leftovers",))
            return servers

        def choose(self, servers):
            return {}

        def members(self, application, servers, choices):
            return [[Member(one, "database", driver) for one in servers.values()]]

        def window(self, steps, interruption):
            return FreezeWindow(steps, Limits(5, 10, 20, 4), FakeMarks(), interruption, cloud.cinder.time.clock)

    for name, value in changes.items():
        setattr(Quiescer, name, value)
    monkeypatch.setattr(course, "Quiescer", Quiescer)
    return asked


@pytest.mark.parametrize("check_mode", [False, True])
def test_a_server_that_an_earlier_run_left_paused_is_thawed_and_then_fit_for_it(cloud, monkeypatch, check_mode):
    mark = json.dumps({"driver": "pause", "until": "2020-01-01T00:00:00Z", "token": "t"})
    left = {**cloud.servers, "orders": server("orders", status="PAUSED", metadata={"osdr_freeze": mark})}

    def thaw_leftovers(self, servers):
        assert not check_mode
        return cloud.servers

    quiescing(monkeypatch, cloud, FakeDriver(), resolve=lambda self, application, project_ids: left, thaw_leftovers=thaw_leftovers)
    assert cloud.run(check_mode, quiesce=QUIESCE, consistency="crash")["changed"]


@pytest.mark.parametrize("status", ["PAUSED", "SUSPENDED", "SHUTOFF"])
def test_what_stands_still_by_itself_is_neither_frozen_nor_thawed(cloud, monkeypatch, status):
    cloud.servers["orders"] = server("orders", status=status)
    driver = FakeDriver()
    frozen = {
        "choose": lambda self, servers: {one.id: Choice(driver, Support(state=THAWED), {}) for one in servers},
        "members": lambda self, application, servers, choices: [[Member(one, "database", driver) for one in servers.values() if one.id in choices]],
    }
    quiescing(monkeypatch, cloud, driver, **frozen)
    level = "offline" if status == "SHUTOFF" else "paused"
    taken = cloud.run(quiesce=QUIESCE, consistency="paused")["cg_snapshot"]
    assert {one["name"]: one["consistency"] for one in taken["servers"]} == {"orders": level, "payments": "quiesced"}
    assert taken["consistency"] == ("quiesced" if status == "SHUTOFF" else "paused")
    assert {name for _action, name in driver.calls} == {"payments"}


@pytest.mark.parametrize("check_mode", [False, True])
@pytest.mark.parametrize(("level", "is_told"), [("quiesced", True), ("paused", False)])
def test_that_windows_holds_a_freeze_for_less_than_the_budget_is_told_before(monkeypatch, check_mode, level, is_told):
    cloud = Cloud(monkeypatch)
    cloud.cinder = FakeCinder(*(volume(name, image_metadata={"os_type": "windows"}) for name in NAMES))
    cloud.cinder.may_snapshot, cloud.cinder.cloud.warm_up = (lambda which: True), (lambda seconds: None)
    driver = FakeDriver()
    driver.consistency = level
    chosen = {"choose": lambda self, servers: {one.id: Choice(driver, Support(state=THAWED), {}) for one in servers if one.name == "orders"}}
    quiescing(monkeypatch, cloud, driver, **chosen)
    cloud.run(check_mode, quiesce={**QUIESCE, "budget": 60, "guard_timeout": 90}, consistency="crash")
    told = [one for one in cloud.warnings if "Windows holds a freeze for 10 s only, and so do these servers: orders (id-orders)." in one]
    assert len(told) == is_told


def test_each_server_in_no_state_for_it_is_told_once(cloud, monkeypatch):
    cloud.servers["orders"] = server("orders", status="RESCUE")
    quiescing(monkeypatch, cloud, FakeDriver(), choose=lambda self, servers: {one.id: Choice(None, Support(refusal(one)), {}) for one in servers})
    with pytest.raises(CheckFailed) as failed:
        cloud.run(quiesce=QUIESCE, consistency="crash")
    assert failed.value.as_result()["problems"] == [refusal(cloud.servers["orders"])]
    # What was left frozen may have been thawed before.
    assert "cannot be taken: one was thawed. (1)" in str(failed.value)


def test_a_set_is_frozen_with_a_login_that_outlasts_the_guard(cloud, monkeypatch):
    asked = quiescing(monkeypatch, cloud, FakeDriver())
    taken = cloud.run(quiesce=QUIESCE, admin_cloud="primary-admin", consistency="crash")
    assert taken["cg_snapshot"]["consistency"] == "quiesced"
    (_made, arguments), *others = asked
    assert (arguments[1].reach, arguments[1].admin_cloud, arguments[2:]) == ({"cloud": "primary-admin"}, "primary-admin", ("crash", 4))
    assert others == [("thaw leftovers",), ("warm up", 20)]
    assert cloud.warnings == []


def test_a_standstill_that_was_longer_than_its_budget_is_warned_of(cloud, monkeypatch):
    driver = FakeDriver()
    thaw = driver.thaw
    driver.thaw = lambda which: (cloud.cinder.time.sleep(6), thaw(which))[1]
    quiescing(monkeypatch, cloud, driver)
    cloud.run(quiesce=QUIESCE, consistency="crash")
    (warning,) = cloud.warnings
    assert "The servers of 'shop' stood still for 13.0 s, longer than the budget of 10 s" in warning


@pytest.mark.parametrize("check_mode", [False, True])
def test_nobody_is_frozen_who_would_stand_still_for_too_long(cloud, monkeypatch, check_mode):
    driver = FakeDriver()
    slow = {"choose": lambda self, servers: {one.id: Choice(driver, Support(state=THAWED, answer=6.0), {}) for one in servers}}
    quiescing(monkeypatch, cloud, driver, **slow)
    with pytest.raises(CheckFailed, match=r"The servers of 'shop' would stand still for 12\.0 s \(at least, by how quickly the site answers now"):
        cloud.run(check_mode, quiesce=QUIESCE, consistency="quiesced")
    assert driver.calls == []
    cloud.run(check_mode, quiesce=QUIESCE, consistency="crash")
    assert ["will probably stand still for 12.0 s" in one for one in cloud.warnings] == [True]


def test_how_quickly_cinder_answers_counts_too(cloud, monkeypatch):
    driver = FakeDriver()
    chosen = {"choose": lambda self, servers: {one.id: Choice(driver, Support(state=THAWED), {}) for one in servers}}
    quiescing(monkeypatch, cloud, driver, **chosen)
    cloud.cinder.may_snapshot = lambda which: (cloud.cinder.time.sleep(11), True)[1]
    with pytest.raises(CheckFailed, match=r"What decides is Cinder's API, which needs 11\.00 s for a request: it takes 1 for the snapshots, 4 at once"):
        cloud.run(quiesce=QUIESCE, consistency="quiesced")


def test_what_a_check_found_out_is_handed_on(cloud):
    found = {"id": "id-orders", "driver": "nova", "guard": "nova", "passed_over": {}, "probed_at": NOON, "answer": 0.1, "longest": 300}
    options = course.Settings.parse({**PARAMS, "quiesce": QUIESCE, "freezes": [found]}, {}).quiesce
    assert {key: one.driver for key, one in options.probes.items()} == {"id-orders": "nova"}
    with pytest.raises(InvalidInput, match="The option freezes is not what os_checkpoint_check returned"):
        course.Settings.parse({**PARAMS, "quiesce": QUIESCE, "freezes": [{}]}, {})


@pytest.mark.parametrize(
    ("quiesce", "consistency", "least"),
    [
        pytest.param(None, None, "crash", id="nothing is frozen"),
        pytest.param(QUIESCE, None, "paused", id="paused"),
        pytest.param({**QUIESCE, "driver": "auto"}, None, "quiesced", id="frozen"),
        pytest.param({**QUIESCE, "driver": "auto"}, "crash", "crash", id="as it is said"),
    ],
)
def test_the_least_acceptable_consistency_follows_from_how_servers_are_frozen(quiesce, consistency, least):
    assert course.Settings.parse({**PARAMS, "quiesce": quiesce, "consistency": consistency}, {}).least == least


def test_the_administrator_of_the_freeze_is_that_of_the_storage_unless_another_one_is_named():
    own = {**QUIESCE, "admin_cloud": "of the freeze"}
    assert course.Settings.parse({**PARAMS, "quiesce": own}, {}).admin == "of the freeze"
    named = course.Settings.parse({**PARAMS, "quiesce": own, "admin_cloud": "named"}, {})
    assert (named.admin, named.quiesce.admin_cloud) == ("named", "of the freeze")
    assert course.Settings.parse({**PARAMS, "quiesce": QUIESCE, "admin_cloud": "named"}, {}).quiesce.admin_cloud == "named"
    assert QUIESCE["admin_cloud"] is None


def test_no_thaw_is_something_else_than_a_thaw_of_nobody():
    assert course.Settings.parse(PARAMS, {}).thaw is None
    assert course.Settings.parse({**PARAMS, "thaw": {}}, {}).thaw == []


def test_no_set_is_taken_under_the_word_for_the_newest_checkpoint(cloud):
    with pytest.raises(InvalidInput, match="cannot have the id 'latest'"):
        cloud.run(name="latest")
    assert cloud.run(name="latest", state="absent")["changed"] is False


def test_nothing_is_frozen_where_the_clocks_are_far_apart(cloud):
    cloud.cinder.cloud.clock.note_record("2026-11-22T12:01:30", 0.0, 0.0)
    with pytest.raises(CheckFailed, match="The clock of site 'primary' is 90.2 s ahead of the controller's"):
        cloud.run()
    assert cloud.cinder.calls == []


def test_a_clock_that_differs_is_told(cloud):
    cloud.cinder.ahead = datetime.timedelta(seconds=10)
    cloud.run()
    assert "The clock of site 'primary' is" in " ".join(cloud.warnings)


@pytest.mark.parametrize(
    ("how", "each", "once"),
    [
        ("individual", ["create_snapshot", "set_snapshot_metadata"], []),
        ("auto", ["rename_snapshot", "set_snapshot_metadata"], ["create_group", "update_group", "create_group_snapshot"]),
    ],
)
def test_cinder_is_asked_twice_for_each_volume(cloud, how, each, once):
    """Beside lists, whose number does not grow with the volumes. Documented in docs/planning.md."""
    cloud.run(grouping=how)
    asked = collections.Counter(name for name, *_arguments in cloud.cinder.calls)
    assert asked == {**dict.fromkeys(each, len(NAMES)), **dict.fromkeys(once, 1)}
