# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a checkpoint would comprise in all projects of an application, or everything that would make it fail."""

from __future__ import annotations

import datetime
from types import SimpleNamespace

import pytest
from ansible_collections.osdr.openstack.plugins.module_utils.application.definition import Application
from ansible_collections.osdr.openstack.plugins.module_utils.checkpoint import check
from ansible_collections.osdr.openstack.plugins.module_utils.checkpoint.check import CheckpointCheck
from ansible_collections.osdr.openstack.plugins.module_utils.checkpoint.intended import IntendedCheckpoint
from ansible_collections.osdr.openstack.plugins.module_utils.checkpoint.sides import SideFindings
from ansible_collections.osdr.openstack.plugins.module_utils.cloud.site_clock import SiteClock
from ansible_collections.osdr.openstack.plugins.module_utils.copies.delivery import Delivery
from ansible_collections.osdr.openstack.plugins.module_utils.core.errors import CheckFailed, ManifestInvalid
from ansible_collections.osdr.openstack.plugins.module_utils.quiesce.driver import Support
from ansible_collections.osdr.openstack.plugins.module_utils.quiesce.quiescer import Choice, QuiesceOptions
from ansible_collections.osdr.openstack.plugins.module_utils.snapshots.forecast import Measured
from ansible_collections.osdr.openstack.plugins.module_utils.snapshots.grouping import INDIVIDUAL, Unit
from ansible_collections.osdr.openstack.plugins.module_utils.snapshots.job import GroupingOptions
from ansible_collections.osdr.openstack.tests.unit.support.fake_cinder import FakeCinder
from ansible_collections.osdr.openstack.tests.unit.support.fakes import FakeDriver, FakeTime, server, volume

DEFINITION = {
    "name": "shop",
    "tiers": [{"name": "database", "servers": ["orders", "payments"], "checks": [{"port": 5432}]}, {"name": "front", "servers": ["web"]}],
}
SHOP = Application.parse(DEFINITION)


def clock(site, ahead=0):
    """The clock of a site that has shown its time: the controller's and so many seconds."""
    shown = SiteClock(site, lambda: 0.0, lambda: FakeTime.START)
    shown.note_record((FakeTime.START + datetime.timedelta(seconds=ahead)).isoformat(), 0.0, 0.0)
    return shown


QUIESCE = QuiesceOptions("auto", None, None, freeze_timeout=30, budget=60, guard_timeout=120, reach={})


class FakeSide:
    """One project of the application; notes the servers for which it is asked.

    :ivar trouble: what it lacks.
    :ivar times: how often each volume is asked for.
    """

    def __init__(self, name, servers, remote):
        self.project_id, self.remote_project_id = f"p-{name}", remote
        mine = [volume(one.name) for one in servers.values() if one.project_id == self.project_id]
        self.sites = SimpleNamespace(primary=FakeCinder(*mine, project_id=self.project_id))
        self.admin = SimpleNamespace(cloud=f"{name} as administrator")
        self.catalogue = SimpleNamespace(find=lambda *_names: None)
        self.asked_for, self.trouble, self.times = [], [], 1
        self.answer, self.measured = None, ()
        self.clocks = (clock("here"), clock("there"))

    def judge(self, _intended, wanted):
        self.asked_for += [member.server.name for member in wanted.members]
        units = [Unit(INDIVIDUAL, "b", (one,), "asked for") for one in wanted.volumes.values()] * self.times
        return SideFindings(self.trouble, self.answer, self.measured, tuple(units))


class Clouds:
    """The application over two projects.

    :ivar resolved: by whom servers were listed, and in which projects.
    """

    def __init__(self, monkeypatch, homes=None, remotes=("r-ours", "r-theirs")):
        homes = {"orders": "p-ours", "payments": "p-theirs", "web": "p-ours", **(homes or {})}
        self.servers = {name: server(name, project_id=project) for name, project in homes.items()}
        self.ours, self.theirs = (FakeSide(name, self.servers, remote) for name, remote in zip(("ours", "theirs"), remotes, strict=True))
        self.resolved, self.choices = [], {}
        monkeypatch.setattr(check, "Compute", lambda cloud: SimpleNamespace(resolve=lambda names, projects: self.resolve(cloud, names, projects)))
        monkeypatch.setattr(check, "Quiescer", self.quiescer)

    def resolve(self, by, names, projects):
        self.resolved.append((by, projects))
        return {name: self.servers[name] for name in names}

    def quiescer(self, cloud, options, least, concurrency):
        assert (options, concurrency) == (QUIESCE, 4)
        return SimpleNamespace(
            resolve=lambda application, projects: self.resolve(cloud, application.servers, projects),
            choose=lambda servers: {server.id: self.choices[server.name] for server in servers},
        )

    def run(self, *sides, quiesce=None, least="crash"):
        intended = IntendedCheckpoint(SHOP, "noon", least, None, GroupingOptions("auto"), quiesce, Delivery("shared", "records"), 4, 8)
        found = CheckpointCheck(intended, sides or (self.ours, self.theirs)).run()
        self.warnings = found["warnings"]
        return found["checkpoint_check"]


@pytest.fixture
def clouds(monkeypatch):
    return Clouds(monkeypatch)


def told(clouds, **how):
    with pytest.raises(CheckFailed, match="Checkpoint 'noon' of 'shop' cannot be taken") as raised:
        clouds.run(**how)
    return raised.value.facts["problems"]


def test_each_project_is_judged_for_its_own_servers(clouds):
    found = clouds.run()
    assert (clouds.ours.asked_for, clouds.theirs.asked_for) == (["orders", "web"], ["payments"])
    assert clouds.resolved == [("ours as administrator", ["p-ours", "p-theirs"])]
    assert (found["servers"], found["volumes"], found["gigabytes"], found["freezes"]) == (["orders", "payments", "web"], 3, 3, [])


def test_each_project_gets_its_part_of_the_definition_which_knows_of_the_others(clouds):
    ours, theirs = clouds.run()["parts"]
    one_check = {"port": 5432, "timeout": 300}
    assert (ours["project_id"], theirs["project_id"]) == ("p-ours", "p-theirs")
    assert [(tier["name"], tier["servers"]) for tier in ours["application"]["tiers"]] == [("database", ["orders"]), ("front", ["web"])]
    assert theirs["application"] == {"name": "shop", "tiers": [{"name": "database", "servers": ["payments"], "checks": [one_check]}]}
    assert theirs["together"] == {"project": "p-theirs", "projects": ["p-ours", "p-theirs"], "tiers": ["database", "front"]}


def test_in_one_project_there_are_no_parts_and_its_own_credentials_do(monkeypatch):
    clouds = Clouds(monkeypatch, homes={"payments": "p-ours"})
    found = clouds.run(clouds.ours)
    assert (found["parts"], clouds.ours.asked_for) == ([], ["orders", "payments", "web"])
    assert clouds.resolved == [(clouds.ours.sites.primary.cloud, [])]


def test_it_tells_how_each_server_would_be_frozen_and_which_guard_thaws_it(clouds):
    passed_over = {"libvirt": "There is no libvirt_uri."}
    clouds.choices = dict.fromkeys(clouds.servers, Choice(FakeDriver(), Support(guard="nova, guest"), passed_over))
    first, *_others = freezes = clouds.run(quiesce=QUIESCE)["freezes"]
    probed_at = clouds.choices["orders"].at.isoformat(timespec="milliseconds")
    shown = {"driver": "fake", "guard": "nova, guest", "passed_over": passed_over, "probed_at": probed_at, "answer": None, "longest": None}
    assert first == {"id": "id-orders", "name": "orders", **shown}
    assert [one["name"] for one in freezes] == ["orders", "payments", "web"]
    assert clouds.resolved == [(clouds.ours.sites.primary.cloud, ["p-ours", "p-theirs"])]


def test_problems_of_all_projects_and_of_all_servers_are_told_at_once(clouds):
    clouds.ours.trouble, clouds.theirs.trouble = ["Something of ours."], ["Something of theirs."]
    clouds.choices = dict.fromkeys(clouds.servers, Choice(FakeDriver(), Support(), {})) | {"web": Choice(FakeDriver(), Support("It has no agent."), {})}
    ours, theirs, frozen = told(clouds, quiesce=QUIESCE)
    assert (ours, theirs) == ("Something of ours.", "Something of theirs.")
    assert frozen == "It has no agent."


def test_a_project_without_a_server_is_none_of_the_applications(monkeypatch):
    clouds = Clouds(monkeypatch, homes={"payments": "p-ours"})
    assert told(clouds) == ["Project p-theirs on site 'primary' has none of the application's servers; take it out of the list."]


@pytest.mark.parametrize("kind", ["primary", "remote"])
def test_two_parts_cannot_share_a_project_where_one_would_replace_the_other(clouds, kind):
    if kind == "remote":
        clouds.theirs.remote_project_id = shared = clouds.ours.remote_project_id
        sides = (clouds.ours, clouds.theirs)
    else:
        sides, shared = (clouds.ours, clouds.theirs, clouds.theirs), "p-theirs"
        clouds.theirs.remote_project_id = "r-theirs"
    with pytest.raises(CheckFailed) as raised:
        clouds.run(*sides)
    told_of = [one for one in raised.value.facts["problems"] if f"the {kind} project" in one]
    assert told_of == [f"Several of the application's projects have the {kind} project {shared}; each needs credentials for one of its own."]


@pytest.mark.parametrize("clocks", [("here", 10), ("there", 10), ("there", -10)])
def test_a_clock_that_differs_is_told(clouds, clocks):
    clouds.run()
    assert clouds.warnings == []
    site, ahead = clocks
    clouds.ours.clocks = tuple(clock(one, ahead if one == site else 1) for one in ("here", "there"))
    clouds.run()
    (warning,) = clouds.warnings
    assert warning.startswith(f"The clock of site '{site}' is ")


def test_a_clock_that_differs_is_told_beside_what_makes_the_checkpoint_fail(clouds):
    clouds.ours.clocks, clouds.ours.trouble = (clock("here", 10), clock("there")), ["Something of ours."]
    with pytest.raises(CheckFailed) as raised:
        clouds.run()
    (warning,) = raised.value.warnings
    assert (raised.value.facts["problems"], warning.startswith("The clock of site 'here' is ")) == (["Something of ours."], True)


def test_no_checkpoint_is_taken_where_the_clocks_are_far_apart(clouds):
    clouds.ours.clocks = (clock("here"), clock("there", -90))
    with pytest.raises(CheckFailed) as raised:
        clouds.run()
    (problem,) = raised.value.facts["problems"]
    assert "The clock of site 'there' is 89.8 s behind the controller's" in problem
    assert raised.value.warnings == (), "it is told once"


def test_a_checkpoint_that_is_there_and_damaged_ends_it_at_once(clouds):
    def find(application, checkpoint):
        assert (application, checkpoint) == ("shop", "noon")
        raise ManifestInvalid("Object shop/noon.json is damaged.")

    clouds.theirs.catalogue.find = find
    with pytest.raises(ManifestInvalid, match="is damaged"):
        clouds.run()
    assert clouds.resolved == []


# How long it will take


def chosen(answer=1.0, longest=None):
    return Choice(FakeDriver(), Support(answer=answer, longest=longest), {})


def lasted(seconds, checkpoint="before", servers=2, volumes=2):
    """What the window of an earlier checkpoint took, most of it for snapshots."""
    return Measured(checkpoint, servers, volumes, freeze=1, snapshots=seconds - 2, thaw=1, asking=seconds - 2, slowest=("orders", 1.0))


def test_it_tells_how_long_the_servers_will_stand_still(clouds):
    clouds.choices, clouds.ours.answer = dict.fromkeys(clouds.servers, chosen()), 4.0
    found = clouds.run(quiesce=QUIESCE)["forecast"]
    assert (found["freeze"], found["snapshots"], found["thaw"], found["window"], found["by"]) == (2, 4, 1, 7, None)
    clouds.theirs.times = 3
    assert clouds.run(quiesce=QUIESCE)["forecast"]["snapshots"] == 8
    clouds.ours.measured = (lasted(20), lasted(90, "slow night"), lasted(10, "long ago"))
    found = clouds.run(quiesce=QUIESCE)["forecast"]
    assert (found["window"], found["by"]) == (20, "before")
    assert found["decides"].startswith("Cinder's API")
    assert clouds.warnings == []


def test_where_nobody_is_frozen_nothing_is_foretold(clouds):
    assert clouds.run()["forecast"] is None


def test_servers_that_would_stand_still_for_too_long_are_not_frozen_at_all(clouds):
    clouds.choices = dict.fromkeys(clouds.servers, chosen(answer=40.0))
    (problem,) = told(clouds, quiesce=QUIESCE, least="quiesced")
    assert problem.startswith("The servers of 'shop' would stand still for 120.0 s (at least, by how quickly the site answers now")
    assert "What decides is the freezes: 3 servers" in problem


def test_that_it_was_too_slow_before_is_warned_of(clouds):
    clouds.choices = dict.fromkeys(clouds.servers, chosen(longest=50))
    clouds.ours.measured = (lasted(61),)
    clouds.run(quiesce=QUIESCE, least="quiesced")
    (warning,) = clouds.warnings
    assert "will probably stand still for 61.0 s (by checkpoint 'before'" in warning
    assert "The site lets no server be frozen for more than 50 s" in warning


def test_of_an_application_over_several_projects_the_part_is_compared_with_the_part(clouds):
    clouds.choices = dict.fromkeys(clouds.servers, chosen())
    clouds.ours.measured = (lasted(20, servers=1, volumes=1),)
    # Two of its servers are in this project, which four at once makes one turn.
    assert clouds.run(quiesce=QUIESCE)["forecast"]["window"] == 20
    clouds.ours.measured = (lasted(20, servers=5, volumes=8),)
    assert clouds.run(quiesce=QUIESCE)["forecast"]["window"] == 0.5 + 9 + 0.5
