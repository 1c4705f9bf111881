# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import datetime
import json
from types import SimpleNamespace

import pytest
from ansible_collections.osdr.openstack.plugins.module_utils.application.definition import Application
from ansible_collections.osdr.openstack.plugins.module_utils.catalogue.catalogue import Listing
from ansible_collections.osdr.openstack.plugins.module_utils.cloud.site_clock import SiteClock
from ansible_collections.osdr.openstack.plugins.module_utils.copies.delivery import Delivery
from ansible_collections.osdr.openstack.plugins.module_utils.core.errors import CheckFailed, InvalidInput
from ansible_collections.osdr.openstack.plugins.module_utils.core.records import Quota, marks
from ansible_collections.osdr.openstack.plugins.module_utils.manifest.manifest import Content
from ansible_collections.osdr.openstack.plugins.module_utils.quiesce.driver import Support
from ansible_collections.osdr.openstack.plugins.module_utils.quiesce.quiescer import Choice
from ansible_collections.osdr.openstack.plugins.module_utils.snapshots.job import GroupingOptions, SnapshotJob
from ansible_collections.osdr.openstack.plugins.module_utils.snapshots.seeing import Seeing
from ansible_collections.osdr.openstack.plugins.module_utils.snapshots.wanted import Storages, Wanted, survey
from ansible_collections.osdr.openstack.plugins.module_utils.work.interruption import Interruption
from ansible_collections.osdr.openstack.plugins.modules import os_checkpoint_check
from ansible_collections.osdr.openstack.tests.unit.support.fake_cinder import FakeCinder
from ansible_collections.osdr.openstack.tests.unit.support.fakes import FakeBackups, FakeDriver, FakeTime, backup, server, volume

NAMES = ("orders", "payments")
SHOP = Application.parse({"name": "shop", "tiers": [{"name": "database", "servers": list(NAMES)}]})
NOON = marks("shop", "noon")


class Primary(FakeCinder):
    """A site with volumes, their snapshots and backups."""

    def __init__(self):
        super().__init__(*(volume(name) for name in NAMES))
        self.made = []

    def backups(self):
        return self.made

    def may_snapshot(self, which):
        return True


class Clouds:
    """Two sites, each with room for as many backups as are said."""

    def __init__(self, monkeypatch):
        self.primary, self.remote = Primary(), FakeBackups()
        self.servers = {name: server(name) for name in NAMES}
        self.remote.may_import = lambda: True
        self.room(primary=2, remote=2)
        self.contents = {}
        monkeypatch.setattr(Delivery, "problems", lambda delivery, sites: [])

    def room(self, **room):
        for site, storage, made in (("primary", self.primary, self.primary.made), ("remote", self.remote, self.remote.by_id)):
            limits = {"backups": Quota("backups", room[site], len(made)), "backup_gigabytes": Quota("backup_gigabytes", -1, 0)}
            limits |= {name: Quota(name, room.get(name, -1), 0) for name in ("volumes", "gigabytes")}
            storage.quotas = lambda limits=limits: limits

    @property
    def wanted(self):
        return Wanted(SHOP, "noon", "crash", survey(SHOP, self.servers, Storages([self.primary])))

    def take(self):
        job = SnapshotJob(Storages([self.primary]), None, self.wanted, GroupingOptions("individual"), self.primary.waiter, 1)
        nova = SimpleNamespace(server=lambda server_id: server(server_id.removeprefix("id-")))
        job.snapshots.take(job.units(), None, Seeing(nova, self.wanted, 1), Interruption())

    def back_up(self, **changes):
        """Both sites know a backup of each snapshot."""
        for one in self.primary.snapshots():
            made = backup(one.volume_id, volume_id=one.volume_id, snapshot_id=one.id, **{"metadata": NOON, **changes})
            self.primary.made.append(made)
            self.remote.by_id[made.id] = made

    def problems(self, quiesce=None, **changes):
        params = {
            "quiesce": quiesce,
            "admin_cloud": None,
            "grouping": "individual",
            "concurrency": 1,
            "backup_concurrency": 1,
            "transport": "shared",
            "verification": "records",
            "verification_runs": 2,
            **changes,
        }
        sites = SimpleNamespace(primary=self.primary, remote=self.remote, importing=self.remote)
        return os_checkpoint_check._problems(self.wanted, sites, params, self.contents)


@pytest.fixture
def clouds(monkeypatch):
    return Clouds(monkeypatch)


def test_a_new_checkpoint_needs_room_at_both_sites(clouds):
    assert clouds.problems() == []
    clouds.room(primary=1, remote=0)
    first, second = clouds.problems()
    assert "'backups' of the project on site 'primary' is 1 too small" in first
    assert "'backups' of the project on site 'remote' is 2 too small" in second


def test_a_root_disk_that_is_no_volume_needs_no_room_for_backups_but_both_glances(clouds):
    clouds.servers = {name: server(name, boots_from_image=True, volumes=()) for name in NAMES}
    clouds.room(primary=0, remote=0)
    assert clouds.problems() == []
    glance = clouds.remote.cloud.connection.image
    glance.get = lambda *_args, **_options: glance._answered(lambda: glance._found("nothing"))
    (problem,) = clouds.problems()
    assert "Site 'remote' could not list images" in problem


def test_a_proof_of_content_needs_room_for_the_volumes_that_this_run_proves(clouds):
    clouds.room(primary=2, remote=4, volumes=1)
    assert clouds.problems(verification="restore", backup_concurrency=8) == []
    (problem,) = clouds.problems(verification="restore", backup_concurrency=8, verification_runs=1)
    assert "'volumes' of the project on site 'remote' is 1 too small" in problem
    assert clouds.problems(verification="restore", verification_runs=1) == []
    # A volume that was passed over twice has its turn, besides a new one.
    clouds.contents = {"volume-orders": Content("2026-01-01T12:00:00.000Z", "earlier", passed_over=2)}
    assert len(clouds.problems(verification="restore", backup_concurrency=8)) == 1


def test_what_was_backed_up_of_these_snapshots_needs_no_more_room(clouds):
    clouds.take()
    clouds.back_up()
    clouds.room(primary=2, remote=2)
    assert clouds.problems() == []


def test_what_is_replaced_gives_its_room(clouds):
    clouds.take()
    clouds.back_up()
    clouds.primary._snapshots.clear()
    clouds.room(primary=2, remote=2)
    assert clouds.problems() == []
    clouds.remote.by_id.clear()
    clouds.room(primary=2, remote=1)
    assert len(clouds.problems()) == 1


def test_backups_that_cannot_give_place_to_those_of_new_snapshots_are_told_before_they_are_taken(clouds):
    clouds.take()
    clouds.back_up(has_dependents=True)
    assert clouds.problems() == []
    clouds.primary._snapshots.clear()
    first, second = clouds.problems()
    assert "other backups build on it" in first
    assert "other backups build on it" in second


@pytest.mark.parametrize("quiesce", [None, {}], ids=["nobody is frozen", "frozen"])
def test_it_tells_how_each_server_would_be_frozen_and_which_guard_thaws_it(clouds, monkeypatch, quiesce):
    choice = Choice(FakeDriver(), Support(guard="nova, guest"), {"libvirt": "There is no libvirt_uri."})
    quiescer = SimpleNamespace(resolve=lambda *_given, **_more: clouds.servers, choose=lambda servers: {"id-orders": choice})
    sites = SimpleNamespace(primary=clouds.primary, remote=SimpleNamespace(cloud=SimpleNamespace(clock=SiteClock("remote"))))
    catalogue = SimpleNamespace(find=lambda *names: None, checkpoints=lambda name: Listing((), ()))
    for name, value in {
        "connect": lambda params: None,
        "Accounts": SimpleNamespace(parse=lambda params: None),
        "Sites": SimpleNamespace(connect=lambda *given: sites),
        "Catalogue": SimpleNamespace(of=lambda *given: catalogue),
        "Compute": lambda cloud: quiescer,
        "_quiescer": lambda params, cloud: None if quiesce is None else quiescer,
        "_site_problems": lambda *given: [],
        "_problems": lambda *given: [],
    }.items():
        monkeypatch.setattr(os_checkpoint_check, name, value)
    definition = {"name": "shop", "tiers": [{"name": "database", "servers": list(NAMES)}]}
    found = os_checkpoint_check.run({"application": definition, "name": "noon", "consistency": "crash", "others": []}, None)
    orders = {"id": "id-orders", "name": "orders", "driver": "fake", "guard": "nova, guest", "passed_over": {"libvirt": "There is no libvirt_uri."}}
    assert found["freezes"] == ([] if quiesce is None else [orders])


@pytest.mark.parametrize(("quiesce", "count"), [({"driver": "pause"}, 0), (None, 1)], ids=["the run thaws it", "the run freezes nobody"])
def test_what_a_dead_run_left_paused_does_not_end_the_next(clouds, quiesce, count):
    assert clouds.problems(quiesce) == []
    mark = json.dumps({"driver": "pause", "until": "2020-01-01T00:00:00Z", "token": "t"})
    clouds.servers["orders"] = server("orders", status="PAUSED", metadata={"osdr_freeze": mark})
    assert len(clouds.problems(quiesce)) == count


# Several projects


DEFINITION = {
    "name": "shop",
    "tiers": [{"name": "database", "servers": ["orders", "payments"], "checks": [{"port": 5432}]}, {"name": "front", "servers": ["web"]}],
}
DIVIDED = {
    "application": DEFINITION,
    "name": "noon",
    "consistency": "crash",
    "concurrency": 1,
    "site": "primary",
    "quiesce": None,
    "cloud": "ours",
    "remote_cloud": "remote-ours",
    "admin_cloud": "admin",
    "others": [{"cloud": "theirs", "remote_cloud": "remote-theirs", "admin_cloud": "their-admin"}],
}


@pytest.fixture
def divided(monkeypatch):
    """Check an application with the server payments in another project; told are the options and the servers of each part that is judged."""

    def run(homes=None, remotes=None, ahead=0, **changes):
        servers = {name: server(name, project_id="p-ours") for name in ("orders", "web")} | {"payments": server("payments", project_id="p-theirs")}
        servers |= {name: server(name, project_id=project) for name, project in (homes or {}).items()}
        judged, resolved = [], []
        clock, shown = SiteClock("remote", lambda: 0.0, lambda: FakeTime.START), FakeTime.START + datetime.timedelta(seconds=ahead)
        clock.note_record(shown.isoformat(), 0.0, 0.0)

        def sites(cloud, _accounts):
            mine = [volume(name) for name, one in servers.items() if one.project_id == f"p-{cloud}"]
            remote = SimpleNamespace(cloud=SimpleNamespace(project_id=(remotes or {}).get(cloud, f"r-{cloud}"), clock=clock))
            return SimpleNamespace(primary=FakeCinder(*mine, project_id=f"p-{cloud}"), remote=remote)

        def problems(wanted, _sites, params, _contents):
            judged.append((params["cloud"], params["remote_cloud"], params["admin_cloud"], [one.server.name for one in wanted.members]))
            return [f"Something of {params['cloud']}."] if changes.get("troubled") else []

        def compute(cloud):
            return SimpleNamespace(resolve=lambda names, projects: resolved.append((cloud, projects)) or {one: servers[one] for one in names})

        catalogue = SimpleNamespace(find=lambda *names: None, checkpoints=lambda name: Listing((), ()))
        for name, value in {
            "connect": lambda params: params["cloud"],
            "connect_other": lambda cloud: cloud,
            "Accounts": SimpleNamespace(parse=lambda params: None),
            "Sites": SimpleNamespace(connect=sites),
            "Catalogue": SimpleNamespace(of=lambda *given: catalogue),
            "Compute": compute,
            "_site_problems": lambda *given: [],
            "_problems": problems,
        }.items():
            monkeypatch.setattr(os_checkpoint_check, name, value)
        return os_checkpoint_check.run({**DIVIDED, **changes}, run.warned.append), judged, resolved

    run.warned = []
    return run


@pytest.mark.parametrize(("ahead", "warnings"), [(1, 0), (10, 1), (-10, 1)])
def test_a_clock_that_differs_is_told(divided, ahead, warnings):
    divided(ahead=ahead)
    assert len([one for one in divided.warned if one.startswith("The clock of site 'remote' is")]) == warnings


def test_no_checkpoint_is_taken_where_the_clocks_are_far_apart(divided):
    with pytest.raises(CheckFailed, match="The clock of site 'remote' is 89.8 s behind the controller's"):
        divided(ahead=-90)


def test_each_project_is_judged_with_its_own_credentials_and_its_own_servers(divided):
    found, judged, resolved = divided()
    assert judged == [
        ("ours", "remote-ours", "admin", ["orders", "web"]),
        ("theirs", "remote-theirs", "their-admin", ["payments"]),
    ]
    assert resolved == [("admin", ["p-ours", "p-theirs"])]
    assert (found["servers"], found["volumes"]) == (["orders", "payments", "web"], 3)


def test_each_project_gets_its_part_of_the_definition_which_knows_of_the_others(divided):
    ours, theirs = divided()[0]["parts"]
    check = {"port": 5432, "timeout": 300}
    assert (ours["project_id"], theirs["project_id"]) == ("p-ours", "p-theirs")
    assert [(tier["name"], tier["servers"]) for tier in ours["application"]["tiers"]] == [("database", ["orders"]), ("front", ["web"])]
    assert theirs["application"] == {"name": "shop", "tiers": [{"name": "database", "servers": ["payments"], "checks": [check]}]}
    assert theirs["together"] == {"project": "p-theirs", "projects": ["p-ours", "p-theirs"], "tiers": ["database", "front"]}


def test_in_one_project_there_are_no_parts(divided):
    found, judged, resolved = divided(homes={"payments": "p-ours"}, others=[], admin_cloud=None)
    assert (found["parts"], len(judged), judged[0][3], resolved[0][1]) == ([], 1, ["orders", "payments", "web"], [])


def test_problems_of_all_projects_are_told_at_once(divided):
    with pytest.raises(CheckFailed) as raised:
        divided(troubled=True)
    assert raised.value.facts["problems"] == ["Something of ours.", "Something of theirs."]


def test_a_project_without_a_server_is_none_of_the_applications(divided):
    with pytest.raises(CheckFailed) as raised:
        divided(homes={"payments": "p-ours"})
    assert raised.value.facts["problems"] == ["Project p-theirs on site 'primary' has none of the application's servers; take it out of the list."]


def test_two_parts_cannot_share_a_project_where_one_would_replace_the_other(divided):
    with pytest.raises(CheckFailed) as raised:
        divided(remotes={"theirs": "r-ours"})
    (problem,) = raised.value.facts["problems"]
    assert problem == "Several of the application's projects have the remote project r-ours; each needs credentials for one of its own."


def test_over_projects_only_an_administrator_sees_and_freezes_all_servers(divided):
    with pytest.raises(InvalidInput, match="Give admin_cloud"):
        divided(admin_cloud=None)


QUIESCE = {"driver": "nova", "admin_cloud": None, "libvirt_uri": None, "freeze_timeout": 30, "budget": 60, "guard_timeout": 120}


@pytest.mark.parametrize(("own", "others", "used"), [(None, DIVIDED["others"], "admin"), ("freezer", DIVIDED["others"], "freezer"), (None, [], None)])
def test_over_projects_servers_are_frozen_as_the_administrator_unless_another_one_is_named(monkeypatch, own, others, used):
    monkeypatch.setattr(os_checkpoint_check, "Quiescer", lambda _cloud, options, *_more: options.admin_cloud)
    given = {**DIVIDED, "others": others, "quiesce": {**QUIESCE, "admin_cloud": own}}
    assert os_checkpoint_check._quiescer(given, None) == used
