# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Root disks that are no volumes, in a set of snapshots."""

from __future__ import annotations

import dataclasses
from types import SimpleNamespace

import pytest
from ansible_collections.osdr.openstack.plugins.module_utils.application.definition import Application, Tier
from ansible_collections.osdr.openstack.plugins.module_utils.cloud.images import Images
from ansible_collections.osdr.openstack.plugins.module_utils.core.errors import CloudError, ConsistencyTooLow, ResourceFailed, WaitTimeout
from ansible_collections.osdr.openstack.plugins.module_utils.core.records import Flavor, Quota, RootDisk, marks
from ansible_collections.osdr.openstack.plugins.module_utils.quiesce.driver import FROZEN, THAWED, Support
from ansible_collections.osdr.openstack.plugins.module_utils.quiesce.quiescer import Choice, freeze_problems
from ansible_collections.osdr.openstack.plugins.module_utils.quiesce.window import FreezeWindow, Limits, Member
from ansible_collections.osdr.openstack.plugins.module_utils.snapshots.evidence import Evidence
from ansible_collections.osdr.openstack.plugins.module_utils.snapshots.grouping import INDIVIDUAL, Unit, describe, image_units
from ansible_collections.osdr.openstack.plugins.module_utils.snapshots.job import GroupingOptions, SnapshotJob
from ansible_collections.osdr.openstack.plugins.module_utils.snapshots.plan import plan_present
from ansible_collections.osdr.openstack.plugins.module_utils.snapshots.result import describe as described
from ansible_collections.osdr.openstack.plugins.module_utils.snapshots.root_images import RootImages
from ansible_collections.osdr.openstack.plugins.module_utils.snapshots.seeing import Seeing
from ansible_collections.osdr.openstack.plugins.module_utils.snapshots.taking import SnapshotSet
from ansible_collections.osdr.openstack.plugins.module_utils.snapshots.wanted import Storages, Wanted, survey, warnings
from ansible_collections.osdr.openstack.plugins.module_utils.work.interruption import Interruption
from ansible_collections.osdr.openstack.tests.unit.support.fake_cinder import FakeCinder
from ansible_collections.osdr.openstack.tests.unit.support.fake_glance import FakeGlance, cloud_with_images
from ansible_collections.osdr.openstack.tests.unit.support.fakes import FakeDriver, FakeMarks, FakeTime, server, volume
from ansible_collections.osdr.openstack.tests.unit.support.nova_internals import IMAGE_TASKS

SHOP = Application("shop", (Tier("front", ("web",)), Tier("database", ("db",))))
WEB = server("web", boots_from_image=True, volumes=(), flavor=Flavor("", "small", 1, 128, 3, 0, 0))
DB = server("db")


class Nova(FakeGlance):
    """Makes images: Glance is given the data after some seconds, and has them all after some more.

    :param inherited: properties of the image that the servers boot from.
    :param fails: whether it gives the image up, and removes it.
    """

    def __init__(self, time, log, cut=5, upload=30, inherited=None, fails=False):
        super().__init__()
        self.time, self.log, self.cut, self.upload = time, log, cut, upload
        self.inherited, self.fails = inherited or {}, fails
        self.refused = self.asked = None
        self._due = []

    def create_image(self, server_id, name, properties, quiesce_token=None):
        self.log.append(("create_image", server_id))
        self.asked = SimpleNamespace(name=name, properties=properties, token=quiesce_token)
        if self.refused:
            raise self.refused
        assert all(isinstance(value, str) and len(value) <= 255 for value in properties.values())
        image_id = f"image-{len(self.by_id)}"
        self.add(image_id, **{"instance_uuid": server_id, **self.inherited, **properties, "name": name})
        start = self.time.seconds
        steps = [lambda: self.by_id.pop(image_id)] if self.fails else [lambda: self.by_id[image_id].update(status="saving")]
        self._due.append((start + self.cut, steps[0]))
        if not self.fails:
            self._due.append((start + self.cut + self.upload, lambda: image_id in self.by_id and self._store(image_id, b"data")))
        return image_id

    def _get(self, path, params):
        for seconds, act in [one for one in self._due if one[0] <= self.time.seconds]:
            self._due.remove((seconds, act))
            act()
        return super()._get(path, params)


class Shop:
    """A server that boots from an image, and one that boots from a volume."""

    def __init__(self, *servers, least="quiesced", budget=60, driver=None, **trouble):
        self.time = FakeTime()
        self.servers = {one.name: one for one in servers or (WEB, DB)}
        self.cinder = FakeCinder(volume("db"), time=self.time)
        self.nova = Nova(self.time, self.cinder.calls, **trouble)
        self.images = RootImages(Images(cloud_with_images("primary", glance=self.nova)), self.nova)
        self.driver = driver or FakeDriver()
        self.driver.calls = self.cinder.calls
        self.interruption = Interruption()
        application = dataclasses.replace(SHOP, tiers=tuple(tier for tier in SHOP.tiers if set(tier.servers) <= set(self.servers)))
        self.storages = Storages([self.cinder], lambda _storage: self.images)
        self.wanted = Wanted(application, "noon", least, survey(application, self.servers, self.storages))
        self.window = self.new_window(budget)
        self.set = SnapshotSet(self.storages, self.wanted, self.cinder.waiter, 4)
        own = [one for one in self.wanted.volumes.values() if not isinstance(one, RootDisk)]
        self.units = [*(Unit(INDIVIDUAL, "b", (one,), "asked for") for one in own), *image_units(self.wanted.root_disks)]

    def new_window(self, budget=60):
        steps = [[Member(one, "tier", self.driver) for one in self.servers.values() if one.status == "ACTIVE"]]
        return FreezeWindow(steps, Limits(30, budget, 300, 4), FakeMarks(), self.interruption, self.time.clock)

    @property
    def job(self):
        return SnapshotJob(self.storages, None, self.wanted, GroupingOptions("auto"), self.cinder.waiter, 4)

    def take(self, window=True, compute=None):
        look = Seeing(compute or SimpleNamespace(server=lambda one: self.servers[one.removeprefix("id-")]), self.wanted, 4)
        return self.set.take(self.units, self.window if window else None, look, self.interruption)

    def order(self):
        return [call[0] for call in self.cinder.calls if call[0] in ("freeze", "create_snapshot", "create_image", "thaw")]


def test_an_image_is_made_inside_the_freeze_after_the_snapshots_and_carries_evidence_as_they_do():
    shop = Shop()
    evidence = shop.take()
    order = shop.order()
    assert [*order[:3], order[-1]] == ["freeze", "freeze", "create_snapshot", "thaw"]
    # Nothing of the other server is left to be taken when the image is asked for.
    assert shop.driver.names("thaw") == ["db", "web"]
    assert {key: one.consistency for key, one in evidence.servers.items()} == {"id-web": "quiesced", "id-db": "quiesced"}
    assert evidence.snapshots["id-web"].strategy == "image"
    current = shop.set.current()
    assert Evidence.read(current) == evidence
    assert not plan_present(shop.wanted, current).changed
    assert {one.volume_id: one.size for one in current} == {"id-web": 3, "volume-db": 1}
    assert {one.name for one in current} == {"shop.noon.root disk of web", "shop.noon.db"}


def test_the_window_is_open_until_the_copy_is_cut_off_and_not_until_it_is_uploaded():
    shop = Shop(cut=5, upload=300)
    evidence = shop.take()
    assert 5 <= evidence.whole.window["seconds"] < 8
    assert shop.time.seconds >= 305


def test_an_image_that_is_not_uploaded_in_its_time_is_told():
    shop = Shop(upload=10**6)
    with pytest.raises(WaitTimeout, match="Timed out after 360 s waiting for the snapshots on site 'primary' to be complete"):
        shop.take()
    assert shop.set.current() == []


def test_nova_is_asked_with_the_token_of_the_freeze_and_the_marks():
    shop = Shop()
    shop.take()
    (member,) = [one for one in shop.window.members if one.server.name == "web"]
    assert shop.nova.asked.token == member.mark.token
    assert marks("shop", "noon").items() <= shop.nova.asked.properties.items()


def test_what_an_image_inherits_is_no_evidence_of_it():
    """A server that boots from an image of an earlier set, in whatever way: a run that dies before it has sealed a set leaves none that looks whole."""
    earlier = Shop(WEB)
    earlier.take()
    (inherited,) = [dict(one) for one in earlier.nova.by_id.values()]
    inherited = {key: value for key, value in inherited.items() if key.startswith("osdr_")}
    shop = Shop(WEB, inherited=inherited, upload=0, cut=0)
    shop.images.create(shop.wanted.root_disks[0], "name", shop.wanted.metadata, None)
    current = shop.set.current()
    assert [one.status for one in current] == ["available"]
    assert plan_present(shop.wanted, current).changed


def test_a_server_with_an_image_alone_is_protected():
    shop = Shop(WEB)
    assert shop.take().whole.consistency == "quiesced"
    result = described(shop.wanted, shop.set.current(), Evidence.read(shop.set.current()))
    assert [(one["volume_id"], one["size"], one["strategy"]) for one in result["snapshots"]] == [("id-web", 3, "image")]


def test_a_thaw_in_between_makes_a_set_crash_consistent():
    shop = Shop(least="crash", driver=FakeDriver(interrupted={"web": "its guest thawed itself"}))
    assert shop.take().servers["id-web"].consistency == "crash"


class WithoutCounts(FakeDriver):
    """Tells of no file systems, as Nova does."""

    def freeze(self, server, seconds):
        super().freeze(server, seconds)


@pytest.mark.parametrize(
    ("properties", "cut", "level"),
    [
        pytest.param({"os_type": "windows"}, 15, "crash", id="Windows, too late"),
        pytest.param({"os_type": "windows"}, 2, "quiesced", id="Windows, in time"),
        pytest.param({"os_type": "linux"}, 15, "quiesced", id="another system"),
    ],
)
def test_a_windows_without_volumes_is_known_by_the_image_that_nova_makes_of_it(properties, cut, level):
    """Nova gives it the system that it noted when it built the server, although that image may be gone."""
    shop = Shop(least="crash", cut=cut, inherited=properties, driver=WithoutCounts(thawed_counts={"web": None, "db": None}))
    found = shop.take().servers["id-web"]
    assert found.consistency == level
    assert ("Windows holds a freeze for 10 s" in found.reason) is (level == "crash")


def test_without_a_freeze_an_image_is_crash_consistent():
    shop = Shop(least="crash")
    assert shop.take(window=False).whole.consistency == "crash"
    assert shop.order() == ["create_snapshot", "create_image"]
    assert shop.nova.asked.token is None


def test_an_image_that_nova_gives_up_ends_the_freeze_and_the_set():
    shop = Shop(fails=True)
    with pytest.raises(ResourceFailed, match="nova-compute"):
        shop.take()
    assert (shop.order()[-1], shop.order().count("thaw")) == ("thaw", 2)
    assert shop.set.current() == []
    assert shop.time.seconds < 20


def test_a_snapshot_that_fails_leaves_no_image_asked_for():
    shop = Shop()
    shop.cinder.failing.add("volume-db")
    with pytest.raises(ResourceFailed):
        shop.take()
    assert "create_image" not in shop.order()


def test_a_refused_image_ends_the_freeze_and_the_set():
    shop = Shop()
    shop.nova.refused = CloudError("It is busy.", http_status=409)
    with pytest.raises(CloudError, match=r"It is busy\."):
        shop.take()
    assert (shop.order()[-1], shop.order().count("thaw")) == ("thaw", 2)
    assert shop.set.current() == []


def test_a_copy_that_takes_longer_than_the_budget_ends_the_freeze_and_the_image():
    shop = Shop(budget=10, cut=100)
    with pytest.raises(WaitTimeout, match="The budget of 10 s was too short"):
        shop.take()
    assert shop.nova.by_id == {}
    assert shop.set.current() == []


def test_a_copy_that_is_late_will_do_for_crash_consistency():
    shop = Shop(budget=10, cut=100, least="crash")
    evidence = shop.take()
    assert {key: one.consistency for key, one in evidence.servers.items()} == {"id-web": "crash", "id-db": "quiesced"}
    assert shop.order().count("create_image") == 1


def test_a_set_is_deleted_by_its_marks_even_while_its_images_are_uploaded():
    shop = Shop(upload=10**6)
    shop.images.create(shop.wanted.root_disks[0], "name", shop.wanted.metadata, None)
    shop.nova.add("others", b"x", **marks("shop", "noon"))
    anonymous = SnapshotSet(shop.storages, Wanted(SHOP, "noon", "crash", ()), shop.cinder.waiter, 4)
    assert anonymous.exists
    anonymous.delete()
    assert list(shop.nova.by_id) == ["others"]
    assert shop.time.seconds < 60


def test_an_image_that_is_still_uploaded_is_taken_again_by_the_next_run():
    shop = Shop(upload=10**6, cut=0)
    shop.images.create(shop.wanted.root_disks[0], "name", shop.wanted.metadata, None)
    plan = plan_present(shop.wanted, shop.set.current())
    assert [one.status for one in plan.delete] == ["creating"]


def test_where_all_servers_boot_from_volumes_nothing_is_asked_of_glance():
    shop = Shop(DB)
    shop.nova.get = None
    assert shop.take().whole.consistency == "quiesced"


# Servers that are off


def off(**changes):
    return dataclasses.replace(WEB, status="SHUTOFF", updated_at="2026-11-22T11:00:00Z", **changes)


class Off:
    """A server that is off, as Nova shows it one time after the other, with what was done with it by then."""

    def __init__(self, *states):
        self._states, self._asked = states, -1

    def server(self, _server_id):
        return self._states[self._asked][0]

    def actions(self, _server_id):
        self._asked = min(self._asked + 1, len(self._states) - 1)
        return self._states[self._asked][1]


STOPPED = [("lock", "r2"), ("stop", "r1")]
IMAGED = [("createImage", "r3"), *STOPPED]
LATER = {"updated_at": "2026-11-22T12:00:05Z", "task_state": "image_uploading"}


@pytest.mark.parametrize(
    ("before", "after", "actions", "level"),
    [
        *(pytest.param({}, {**LATER, "task_state": task}, IMAGED, "offline", id=f"an image was made: {task}") for task in IMAGE_TASKS),
        pytest.param({}, LATER, [("stop", "r5"), ("start", "r4"), *IMAGED], "crash", id="it has run meanwhile"),
        pytest.param({}, {**LATER, "task_state": "powering-on"}, [("start", "r4"), *IMAGED], "crash", id="it is being started"),
        pytest.param({"updated_at": "2026-11-22T11:59:00Z"}, LATER, IMAGED, "crash", id="it had run before already, since it was first seen"),
    ],
)
def test_a_server_that_is_off_counts_as_off_although_an_image_was_made_of_it(before, after, actions, level):
    shop = Shop(off(), least="crash")
    compute = Off((dataclasses.replace(off(), **before), STOPPED), (dataclasses.replace(off(), **after), actions))
    # What is asked first is the history, then the server; after the images it is the other way round.
    looked = SimpleNamespace(actions=compute.actions, server=lambda one: compute.server(one) if "create_image" not in shop.order() else final)
    final = dataclasses.replace(off(), **after)
    assert shop.take(window=False, compute=looked).whole.consistency == level


class Stopped:
    """Nova, which shows of a server that was off the state and what was done with it, before and after its image was asked for."""

    def __init__(self, shop, after):
        self._shop, self._after = shop, after

    def _now(self):
        return self._after if "create_image" in self._shop.order() else (off(), STOPPED)

    def server(self, server_id):
        return self._now()[0] if server_id == "id-web" else self._shop.servers["db"]

    def actions(self, _server_id):
        return self._now()[1]


OFF_LATER = dataclasses.replace(off(), **LATER)
LEFT_OFF = (OFF_LATER, IMAGED)
STARTED = (OFF_LATER, [("stop", "r5"), ("start", "r4"), *IMAGED])


def test_an_image_of_a_server_that_is_off_keeps_nobody_frozen():
    shop = Shop(off(), DB, cut=100)
    evidence = shop.take(compute=Stopped(shop, LEFT_OFF))
    assert shop.order() == ["freeze", "create_snapshot", "thaw", "create_image"]
    assert {key: one.consistency for key, one in evidence.servers.items()} == {"id-web": "offline", "id-db": "quiesced"}
    assert evidence.whole.window["seconds"] < 5
    assert shop.nova.asked.token is None
    assert not plan_present(shop.wanted, shop.set.current()).changed


def test_a_server_that_was_off_and_ran_before_its_image_was_complete_was_not_off():
    """However short the window was: what counts is from before it until the image is cut off."""
    shop = Shop(off(), DB, least="crash")
    assert shop.take(compute=Stopped(shop, STARTED)).servers["id-web"].consistency == "crash"
    shop = Shop(off(), DB)
    with pytest.raises(ConsistencyTooLow, match=r"web: crash \(not frozen\)"):
        shop.take(compute=Stopped(shop, STARTED))
    assert shop.set.current() == []


def test_what_fails_in_the_window_leaves_no_image_of_a_server_that_is_off():
    shop = Shop(off(), DB, budget=10)
    shop.cinder.failing.add("volume-db")
    with pytest.raises(ResourceFailed):
        shop.take(compute=Stopped(shop, LEFT_OFF))
    assert "create_image" not in shop.order()


def test_an_image_of_a_server_that_is_off_is_made_also_where_the_window_was_too_short_for_others():
    shop = Shop(off(), DB, budget=10, least="crash")
    shop.cinder.seconds = {"volume-db": 100}
    evidence = shop.take(compute=Stopped(shop, LEFT_OFF))
    assert {key: one.consistency for key, one in evidence.servers.items()} == {"id-web": "offline", "id-db": "crash"}


def test_a_server_that_boots_from_a_volume_and_changed_meanwhile_was_not_off_whatever_was_done_with_it():
    was = server("db", status="SHUTOFF", updated_at="2026-11-22T11:00:00Z")
    now = dataclasses.replace(was, updated_at="2026-11-22T12:00:05Z")
    shop = Shop(was, least="crash")
    compute = SimpleNamespace(server=lambda _server_id: now, actions=None)
    assert shop.take(window=False, compute=compute).whole.consistency == "crash"


# Before


def test_root_disks_need_no_quota_of_cinder_and_no_groups():
    shop = Shop()
    shop.cinder.limits = {"snapshots": Quota("snapshots", 1, 0), "gigabytes": Quota("gigabytes", 1, 0)}
    shop.cinder.may_snapshot = lambda one: one.id == "volume-db"
    job = shop.job
    plan = job.plan(is_confirmed=False)
    assert {one.id for one in plan.create} == {"id-web", "volume-db"}
    units = job.units()
    assert job.problems(plan, units) == []
    assert [one["strategy"] for one in describe(units)] == ["individual", "image"]
    assert [one.is_image for one in job.prepare(units)] == [False, True]
    shop.take()
    shop.cinder.limits = {"snapshots": Quota("snapshots", 0, 0)}
    again = dataclasses.replace(plan, delete=tuple(shop.set.current()))
    assert job.problems(again, units) == []


def test_a_paused_server_whose_image_is_wanted_is_refused():
    mark = '{"driver": "pause", "until": "2999-11-22T13:00:00Z", "token": "t", "requested": "2026-11-22T12:00:00Z", "frozen": "2026-11-22T12:00:00Z"}'
    shop = Shop(dataclasses.replace(WEB, status="PAUSED", metadata={"osdr_freeze": mark}), least="crash")
    problems = shop.job.problems(shop.job.plan(is_confirmed=False), shop.job.units())
    assert any(one.startswith("Server id-web boots from an image and is paused: Nova would not resume it until it has uploaded the image") for one in problems)


@pytest.mark.parametrize(("state", "server_", "count"), [(THAWED, WEB, 1), (THAWED, DB, 0), (FROZEN, WEB, 1)])
def test_a_freeze_in_which_nova_can_make_no_image_is_refused_for_servers_that_need_one(state, server_, count):
    choice = Choice(FakeDriver(), Support(state=state, image_problem="It is too old."), {})
    problems = freeze_problems([server_], {server_.id: choice})
    assert len(problems) == count
    assert state == FROZEN or problems == ["It is too old."] * count


def test_what_a_root_disk_does_to_the_window_is_told_before():
    (told,) = warnings(Shop().wanted)
    assert told.startswith("Server web (id-web) boots from an image: Nova copies its root disk of 3 GiB while the servers stand still.")
    assert warnings(Shop(DB).wanted) == []
    assert warnings(Shop(off()).wanted) == []
