# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""How long a window will be is told before anybody is frozen."""

from __future__ import annotations

import datetime

import pytest
from ansible_collections.osdr.openstack.plugins.module_utils.application.definition import Application, Tier
from ansible_collections.osdr.openstack.plugins.module_utils.core.records import GroupType, RootDisk
from ansible_collections.osdr.openstack.plugins.module_utils.quiesce.driver import Support
from ansible_collections.osdr.openstack.plugins.module_utils.quiesce.quiescer import Choice, QuiesceOptions
from ansible_collections.osdr.openstack.plugins.module_utils.snapshots.forecast import AnswerTimes, Bounds, Forecast, Load, Measured, WindowOutlook, outlook_of
from ansible_collections.osdr.openstack.plugins.module_utils.snapshots.grouping import CONSISTENT_GROUP, IMAGE, INDIVIDUAL, Unit
from ansible_collections.osdr.openstack.plugins.module_utils.snapshots.wanted import ServerVolumes, Wanted
from ansible_collections.osdr.openstack.tests.unit.support.fakes import FakeDriver, server, volume, volume_group

NOON = datetime.datetime(2026, 11, 22, 12, tzinfo=datetime.UTC)


def at(seconds):
    return (NOON + datetime.timedelta(seconds=seconds)).isoformat()


def evidence(servers=2, freeze=10, asking=1, snapshots=5, thaw=2):
    """Of a window: all servers but the first are frozen a second before the last moment."""
    frozen = [freeze] + [freeze - 1] * (servers - 1)
    return {
        "window": {"started": at(0), "ended": at(freeze + snapshots + thaw), "seconds": freeze + snapshots + thaw},
        "servers": [{"name": f"s{number}", "requested_at": at(0), "frozen_at": at(one)} for number, one in enumerate(frozen)],
        "snapshots": [
            {"requested_at": at(freeze), "complete_at": at(freeze + snapshots)},
            {"requested_at": at(freeze + asking), "complete_at": at(freeze + snapshots)},
        ],
    }


def measured(**how):
    return Measured.of("noon", evidence(**how))


def bounds(budget=60, guard=120, longest=None, least="quiesced"):
    return Bounds(budget, guard, longest, least)


def forecast(freeze=1.0, snapshots=1.0, thaw=1.0, checkpoint=None):
    phases = {"freeze": freeze, "snapshots": snapshots, "thaw": thaw}
    return Forecast(phases, {phase: f"the {phase} itself" for phase in phases}, checkpoint)


# By how quickly the site answers


def test_the_least_that_a_window_takes_follows_from_answers_and_numbers():
    load = Load(steps=(5, 17), volumes=33, concurrency=16)
    found = AnswerTimes(agent=0.5, cinder=2.0).least(load)
    assert found.phases == {"freeze": 3 * 0.5, "snapshots": 3 * 2.0, "thaw": 0.5}
    assert (found.window, found.checkpoint) == (8.0, None)
    assert found.decides.startswith("Cinder's API, which needs 2.00 s for a request: it takes 33 for the snapshots, 16 at once. More")


def test_what_was_not_asked_takes_no_time():
    assert AnswerTimes().least(Load((3,), 3, 1)).window == 0
    assert AnswerTimes(agent=1).least(Load((), 3, 1)).window == 0


def test_slow_agents_decide_where_there_are_many_turns():
    found = AnswerTimes(agent=2.0, cinder=0.1).least(Load((30, 10), 5, 10))
    assert found.decides == "the freezes: 40 servers, of which each guest agent needs 2.00 s to answer, in 4 turns"


def test_guards_are_armed_before_the_first_freeze():
    assert AnswerTimes(agent=2.0).arming(Load((30, 11), 5, 10)) == 10


# By what was measured


def test_phases_of_an_earlier_window_are_read_from_its_evidence():
    found = measured()
    assert found == Measured("noon", servers=2, volumes=2, freeze=10, snapshots=5, thaw=2, asking=1, slowest=("s0", 10))


@pytest.mark.parametrize(("until", "seconds"), [([at(120), at(150)], 30), ([at(120)], 0), ([None, None], 0), ([], 0)])
def test_how_long_the_guards_were_armed_shows_in_when_they_would_have_fired(until, seconds):
    told = evidence()
    told["servers"] = [{**one, **({"guard_until": until[number]} if number < len(until) else {})} for number, one in enumerate(told["servers"])]
    found = Measured.of("noon", told)
    assert found.arming == seconds
    # Forty servers are armed in three turns of sixteen, where two were in one.
    assert found.expected(Load((40,), 40, 16)).arming == 3 * seconds


def test_images_that_were_made_when_all_ran_again_are_no_part_of_the_window():
    late = evidence()
    late["snapshots"].append({"requested_at": at(100), "complete_at": at(200)})
    found = Measured.of("noon", late)
    assert (found.snapshots, found.thaw) == (7, 0)
    assert found.asking == 7


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"window": None}, id="nobody was frozen"),
        pytest.param({"window": {"started": "once", "ended": "later"}}, id="no times"),
        pytest.param({"window": {"started": at(12), "ended": at(17)}}, id="frozen before it began"),
        pytest.param({"window": {"started": "2026-11-22T12:00:00", "ended": at(17)}}, id="a time without its zone"),
        pytest.param({"servers": []}, id="no servers"),
        pytest.param({"servers": 5}, id="not even a list"),
        pytest.param({"servers": [{"name": "s0", "frozen_at": None}]}, id="nobody was frozen by it"),
        pytest.param({"snapshots": []}, id="no snapshots"),
        pytest.param({"snapshots": [{"requested_at": 5, "complete_at": at(3)}]}, id="a number for a time"),
    ],
)
def test_evidence_that_tells_of_no_window_tells_nothing(changes):
    assert Measured.of("noon", {**evidence(), **changes}) is None
    assert Measured.of("noon", {}) is None


def test_the_same_application_takes_as_long_as_before():
    found = measured().expected(Load((1, 1), 2, 16))
    assert found.phases == {"freeze": 10, "snapshots": 5, "thaw": 2}
    assert found.described() == {"freeze": 10, "snapshots": 5, "thaw": 2, "window": 17, "by": "noon", "decides": found.decides}
    assert found.decides.startswith("the freezes: that of s0 took longest, 10.0 s; 2 servers are to be frozen. Look at its hooks")


def test_more_turns_take_longer():
    found = measured(servers=2).expected(Load((8,), 6, 2))
    assert found.phases == {"freeze": 40, "snapshots": 15, "thaw": 8}


def test_cinders_api_decides_where_asking_takes_longest():
    found = measured(freeze=1, asking=8, snapshots=10).expected(Load((2,), 2, 1))
    assert found.decides == (
        "Cinder's API: it took 0.2 requests for snapshots per second, and there are 2 volumes. More processes of cinder-api or a higher concurrency "
        "make it shorter"
    )


def test_the_storage_decides_where_it_takes_longer_than_to_ask_it():
    found = measured(freeze=1, asking=5, snapshots=10).expected(Load((2,), 2, 1))
    assert found.decides.startswith("the storage: the snapshots of 2 volumes took 10.0 s, of which it took 5.0 s to request them. On Ceph, its monitors decide")


def test_a_slow_thaw_decides_too():
    assert measured(freeze=1, snapshots=1, thaw=9).expected(Load((2,), 2, 1)).decides.startswith("the thaw of 2 servers")


# What follows


def judge(bounds_, least, *earlier, arming=0.0):
    return bounds_.judge(WindowOutlook("shop", least, earlier, arming))


def test_a_window_that_fits_is_no_news():
    assert judge(bounds(), forecast()) == ([], [])
    assert judge(bounds(budget=3), forecast()) == ([], [])
    assert judge(bounds(), forecast(), forecast(20, 20, 20, "noon")) == ([], [])


def test_what_cannot_fit_is_refused_and_says_what_decides_and_what_to_change():
    (problem,), warnings = judge(bounds(), forecast(snapshots=70.0))
    assert problem == (
        "The servers of 'shop' would stand still for 72.0 s (at least, by how quickly the site answers now: freeze 1.0 s, snapshots 70.0 s, thaw 1.0 s), "
        "and the budget is 60 s. What decides is the snapshots itself. Raise budget to more than 72 s."
    )
    assert warnings == []


def test_the_guard_is_raised_with_the_budget_where_it_must_be():
    (problem,), _warnings = judge(bounds(), forecast(snapshots=150.0))
    assert problem.endswith("Raise budget to more than 152 s, and guard_timeout (120 s) above it.")


@pytest.mark.parametrize(("longest", "is_in_the_way"), [(152, True), (153, False), (None, False)])
def test_the_sites_own_limit_is_named_where_it_is_in_the_way(longest, is_in_the_way):
    (problem,), _warnings = judge(bounds(longest=longest), forecast(snapshots=150.0))
    assert (f"The site lets no server be frozen for more than {longest} s ([quiesce] max_timeout" in problem) is is_in_the_way
    assert ("Raise budget to" in problem) is not is_in_the_way


def test_what_did_not_fit_before_is_warned_of_and_may_have_been_mended():
    problems, (warning,) = judge(bounds(), forecast(), forecast(50, 50, 5, "before"))
    assert problems == []
    assert warning.startswith(
        "The servers of 'shop' will probably stand still for 105.0 s (by checkpoint 'before' and what there is now: freeze 50.0 s, snapshots 50.0 s, "
        "thaw 5.0 s)"
    )


def test_what_mostly_was_so_is_likely_and_one_slow_night_is_not():
    assert judge(bounds(), forecast(), forecast(50, 50, 5, "slow night"), forecast(9, 9, 9, "one"), forecast(8, 8, 8, "another")) == ([], [])
    assert WindowOutlook("shop", forecast(), (forecast(50), forecast(9, checkpoint="middle"), forecast(8))).likely.checkpoint == "middle"
    _problems, (warning,) = judge(bounds(), forecast(), forecast(50, 50, 5, "slow"), forecast(9, 9, 9, "quick"))
    assert "by checkpoint 'slow'" in warning


def test_what_is_the_least_now_counts_more_than_what_was_quicker_once():
    (problem,), _warnings = judge(bounds(), forecast(snapshots=80.0), forecast(9, 9, 9, "quicker"))
    assert "would stand still for 82.0 s (at least" in problem


def test_whoever_is_content_with_crash_consistency_is_only_told():
    problems, (warning,) = judge(bounds(least="crash"), forecast(snapshots=70.0))
    assert (problems, "will probably stand still for 72.0 s" in warning) == ([], True)


@pytest.mark.parametrize(("arming", "is_told"), [(70.0, False), (70.1, True)])
def test_guards_that_may_fire_within_the_window_are_warned_of(arming, is_told):
    problems, warnings = judge(bounds(), forecast(20.0, 20.0, 10.0), arming=arming)
    assert problems == []
    expected = [
        "The guards of the servers of 'shop' may fire before the thaw: they are armed first, which takes 70.1 s or more, then the servers will probably stand "
        "still for 50.0 s, and guard_timeout is 120 s. Raise it."
    ]
    assert warnings == (expected if is_told else [])


def test_arming_that_took_longer_before_than_it_has_to_counts():
    earlier = Forecast(forecast(20.0, 20.0, 10.0).phases, {}, "noon", arming=71.0)
    _problems, (warning,) = judge(bounds(), forecast(), earlier, arming=5.0)
    assert "they are armed first, which takes 71.0 s or more" in warning


# What a check knows


def wanted(*tiers):
    application = Application("shop", tuple(Tier(f"t{number}", tuple(names)) for number, names in enumerate(tiers)))
    members = tuple(
        ServerVolumes(server(name.removeprefix("id-")), f"t{number}", (volume(name), volume(f"{name}-data")))
        for number, names in enumerate(tiers)
        for name in names
    )
    return Wanted(application, "noon", "quiesced", members)


def individually(job):
    return [Unit(INDIVIDUAL, "b", (one,), "asked for") for one in job.volumes.values()]


def choices(longest=None, **answers):
    return {f"id-{name}": Choice(FakeDriver(), Support(answer=answer, longest=longest), {}) for name, answer in answers.items()}


def test_what_is_known_beforehand_is_of_those_who_will_be_frozen():
    job = wanted(["a", "b", "c", "d"], ["off"])
    found = outlook_of(job, choices(a=4.0, b=2.0, c=3.0, d=9.0), individually(job), 2, 0.5)
    # A quarter of the agents was quicker than that; they are asked in two turns, and their eight volumes in four.
    assert found.least.phases == {"freeze": 2 * 3.0, "snapshots": 4 * 0.5, "thaw": 3.0}
    assert (found.application, found.earlier, found.arming) == ("shop", (), 2 * 3.0)


def test_tiers_are_frozen_one_after_the_other_whether_they_name_servers_or_their_ids():
    found = outlook_of(wanted(["a"], ["id-b", "c"]), choices(a=1.0, b=1.0, c=1.0), [], 2, None)
    assert found.least.phases["freeze"] == 2
    assert "3 servers, of which each guest agent needs 1.00 s to answer, in 2 turns" in found.least.decides


def test_drivers_that_ask_no_agent_tell_nothing_of_how_quick_they_are():
    assert outlook_of(wanted(["a"]), choices(a=None), [], 2, None).least.window == 0


@pytest.mark.parametrize("group", [{"group": volume_group("g")}, {"group_type": GroupType("t", "t", True)}], ids=["is there", "is made before"])
def test_the_snapshots_of_a_group_are_one_request(group):
    job = wanted(["a", "b"], ["off"])
    of_a, of_b, of_off = job.members
    disk = RootDisk.of(of_a.server)
    units = [
        Unit(CONSISTENT_GROUP, "b", (*of_a.volumes, of_b.volumes[0], of_off.volumes[0]), "it can", **group),
        Unit(CONSISTENT_GROUP, "c", (of_off.volumes[1],), "it can", **group),
        Unit(INDIVIDUAL, "d", (of_b.volumes[1],), "asked for"),
        Unit(IMAGE, None, (disk,), "it is the root disk"),
    ]
    found = outlook_of(job, choices(a=None, b=None), units, 1, 3.0)
    assert found.least.phases["snapshots"] == 2 * 3.0


def test_the_lowest_limit_of_the_site_counts():
    options = QuiesceOptions("auto", None, None, freeze_timeout=5, budget=10, guard_timeout=20, reach={})
    mixed = {**choices(a=1, longest=300), **choices(b=1, longest=100), **choices(c=1)}
    assert Bounds.of(options, mixed, "paused") == Bounds(10, 20, 100, "paused")
    assert Bounds.of(options, choices(c=1), "paused").longest is None
