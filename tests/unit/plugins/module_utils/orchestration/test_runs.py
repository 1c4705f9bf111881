# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs over whole sites, in virtual time: dependencies, waves, limits, failures, kills and several controllers."""

from __future__ import annotations

import dataclasses
import itertools
import random

import pytest
from ansible_collections.osdr.openstack.plugins.module_utils.core.errors import Busy, InvalidInput
from ansible_collections.osdr.openstack.plugins.module_utils.orchestration.beginning import KEPT_RUNS, WantedRun, begin, outdated
from ansible_collections.osdr.openstack.plugins.module_utils.orchestration.controller import LEASE
from ansible_collections.osdr.openstack.plugins.module_utils.orchestration.part import DONE, FAILED, RESTORE, SKIPPED, Entrant
from ansible_collections.osdr.openstack.plugins.module_utils.orchestration.schedule import RunState, seconds_left, within
from ansible_collections.osdr.openstack.tests.unit.support.controllers import FakeController, SlowStore, VirtualTime, Witness, Work
from ansible_collections.osdr.openstack.tests.unit.support.fakes import FakeStore

SITE = "south"
DAY = 86400


class Site:
    """A run's surroundings: one store, and controllers that come and go."""

    def __init__(self, tmp_path, work, limits=None, store=None):
        self.time, self.store = VirtualTime(), store or FakeStore()
        self.limits = {SITE: limits or {}}
        self.witness = Witness(self.time, self.limits)
        self.work = dict(work)
        self._numbers = itertools.count(1)
        self._tmp_path = tmp_path

    def controller(self, workers=1000):
        directory = self._tmp_path / f"controller{next(self._numbers)}"
        return FakeController(directory, self.time, self.witness, self.work, self.limits, self.store, workers)

    def play(self, *entrants, workers=1000, **wanted):
        controller = self.controller(workers)
        controller.begin(run_of(*entrants, **wanted))
        return controller


def run_of(*entrants, kind=RESTORE, run="", parts=1):
    return WantedRun(kind, run, entrants, DAY, parts)


def needs(**numbers):
    return {SITE: numbers}


IDENTITY, SHOP, WIKI = Entrant("identity", priority=10), Entrant("shop", priority=20, depends_on=("identity",)), Entrant("wiki", priority=500)
WORK = {"identity": Work(100), "shop": Work(50), "wiki": Work(30)}


def test_what_depends_on_something_begins_when_that_is_done_and_all_else_at_once(tmp_path):
    site = Site(tmp_path, WORK)
    one = site.play(SHOP, IDENTITY, WIKI)
    site.time.run()
    begins = {name: span[0][0] for name, span in site.witness.spans.items()}
    assert begins["identity"] == begins["wiki"] == 0
    assert 100 <= begins["shop"] <= 101
    assert one.results == dict.fromkeys(WORK, DONE) and one.part.has_ended


def test_what_fails_stops_only_what_depends_on_it(tmp_path):
    site = Site(tmp_path, {**WORK, "identity": Work(100, fails=1), "basket": Work(1)})
    one = site.play(SHOP, IDENTITY, WIKI, Entrant("basket", depends_on=("shop",)))
    site.time.run()
    assert one.results == {"identity": FAILED, "shop": SKIPPED, "basket": SKIPPED, "wiki": DONE}
    assert one.part.turns["shop"].message == "It depends on application 'identity', which is failed: It broke."
    assert "'shop', which is skipped: It depends on application 'identity'" in one.part.turns["basket"].message


def test_a_wave_begins_when_the_earlier_one_is_over_even_if_something_of_it_failed(tmp_path):
    site = Site(tmp_path, {"a": Work(10), "b": Work(20, fails=1), "c": Work(5)})
    one = site.play(Entrant("a"), Entrant("b"), Entrant("c", wave=1))
    site.time.run()
    assert site.witness.spans["c"][0][0] >= 20
    assert one.results == {"a": DONE, "b": FAILED, "c": DONE}


def test_checkpoints_wait_for_nobody(tmp_path):
    site = Site(tmp_path, WORK)
    site.play(SHOP, IDENTITY, dataclasses.replace(WIKI, wave=1), kind="checkpoint")
    site.time.run()
    assert {span[0][0] for span in site.witness.spans.values()} == {0}


def test_limits_are_held_and_the_more_urgent_comes_first(tmp_path):
    work = {name: Work(10, needs(restores=2)) for name in "abcd"}
    site = Site(tmp_path, work, {"restores": 4})
    site.play(*(Entrant(name, priority=number) for number, name in enumerate("dcba")))
    site.time.run()
    assert site.witness.order == ["d", "c", "b", "a"]
    assert site.witness.most[SITE, "restores"] == 4


def test_of_equal_priority_the_longest_way_to_the_end_comes_first(tmp_path):
    work = {name: Work(10, needs(restores=1)) for name in ("alone", "base", "user")}
    site = Site(tmp_path, work, {"restores": 1})
    site.play(Entrant("alone"), Entrant("base"), Entrant("user", depends_on=("base",)))
    site.time.run()
    assert site.witness.order == ["base", "alone", "user"]


def test_a_large_one_is_not_overtaken_by_small_ones_that_need_the_same(tmp_path):
    work = {"small1": Work(10, needs(boots=1)), "large": Work(10, needs(boots=4)), "small2": Work(10, needs(boots=1)), "other": Work(1, needs(restores=1))}
    site = Site(tmp_path, work, {"boots": 4, "restores": 1})
    site.play(*(Entrant(name, priority=number) for number, name in enumerate(work)))
    site.time.run()
    begins = {name: span[0][0] for name, span in site.witness.spans.items()}
    assert begins["large"] <= 11 <= begins["small2"]
    assert begins["other"] == 0


def test_what_needs_more_than_there_is_runs_alone_within_the_limit(tmp_path):
    site = Site(tmp_path, {"large": Work(10, needs(boots=40)), "small": Work(10, needs(boots=1))}, {"boots": 4})
    one = site.play(Entrant("large"), Entrant("small"))
    site.time.run()
    assert one.results == {"large": DONE, "small": DONE}
    assert site.witness.most[SITE, "boots"] == 4


def test_a_part_of_what_is_held_can_be_given_back(tmp_path):
    site = Site(tmp_path, {"a": Work(100, needs(freezes=1, backups=1)), "b": Work(1, needs(freezes=1))}, {"freezes": 1, "backups": 9})
    one = site.play(Entrant("a"), Entrant("b", priority=1))
    site.time.after(5, lambda: (one._controller.keep_only("a", needs(backups=1)), site.witness.under_way.update(a=(0, needs(backups=1)))))
    site.time.run()
    assert 5 <= site.witness.spans["b"][0][0] <= 6


def test_with_few_workers_it_takes_longer_but_comes_to_an_end(tmp_path):
    site = Site(tmp_path, WORK)
    one = site.play(SHOP, IDENTITY, WIKI, workers=1)
    site.time.run()
    assert site.witness.order == ["identity", "shop", "wiki"]
    assert set(one.results.values()) == {DONE}


# Again


def test_an_interrupted_run_is_resumed_and_what_is_done_stays_done(tmp_path):
    site = Site(tmp_path, WORK)
    first = site.play(SHOP, IDENTITY, WIKI)
    site.time.run(60)
    first.kill()
    site.time.run(70)
    second = site.controller()
    begun = second.begin(run_of(SHOP, IDENTITY, WIKI))
    assert begun.is_resumed and begun.part.run == first.part.run
    site.time.run()
    assert second.results == dict.fromkeys(WORK, DONE)
    assert [span[2] for span in site.witness.spans["wiki"]] == [DONE]
    assert [span[2] for span in site.witness.spans["identity"]] == ["killed", DONE]


def test_where_the_machine_is_gone_it_is_taken_over_when_its_lease_has_ended(tmp_path):
    site = Site(tmp_path, WORK)
    first = site.play(SHOP, IDENTITY, WIKI)
    site.time.run(60)
    first.kill(keeper_too=True)
    second = site.play(SHOP, IDENTITY, WIKI)
    assert 60 < site.time.seconds <= 60 + LEASE + 10
    site.time.run()
    assert second.results == dict.fromkeys(WORK, DONE)


def test_nothing_is_taken_over_from_a_controller_that_lives(tmp_path):
    site = Site(tmp_path, {**WORK, "identity": Work(10_000)})
    site.play(SHOP, IDENTITY, WIKI)
    site.time.run(60)
    with pytest.raises(Busy, match=r"is under way on controller1 since .* with applications that this run has too: identity, shop\.") as raised:
        site.play(SHOP, IDENTITY)
    assert raised.value.hint == "Let it finish; then re-run this one."


def test_a_run_that_is_over_is_followed_by_another_one(tmp_path):
    site = Site(tmp_path, {**WORK, "wiki": Work(1, fails=1)})
    first = site.play(WIKI)
    site.time.run()
    second = site.play(WIKI)
    site.time.run()
    assert (first.results, second.results) == ({"wiki": FAILED}, {"wiki": DONE})
    assert first.part.run != second.part.run


def test_by_its_id_a_run_that_is_over_does_what_failed_in_it(tmp_path):
    site = Site(tmp_path, {**WORK, "identity": Work(1, fails=1)})
    site.play(SHOP, IDENTITY, WIKI, run="flood")
    site.time.run()
    second = site.play(SHOP, IDENTITY, WIKI, run="flood")
    site.time.run()
    assert second.results == dict.fromkeys(WORK, DONE)
    assert len(site.witness.spans["wiki"]) == 1


def test_an_old_interrupted_run_is_not_resumed(tmp_path):
    site = Site(tmp_path, WORK)
    first = site.play(WIKI)
    first.kill()
    site.time.run()
    site.time.seconds += DAY + 1
    assert site.play(WIKI).part.run != first.part.run


def test_what_nobody_wants_any_more_does_not_keep_a_run_open(tmp_path):
    site = Site(tmp_path, WORK)
    first = site.play(WIKI, IDENTITY)
    site.time.run(60)
    first.kill()
    site.time.run(100)
    assert first.part.turns["wiki"].state == DONE
    assert site.play(WIKI).part.run != first.part.run


def test_what_a_run_has_measured_is_expected_of_the_next_one(tmp_path):
    site = Site(tmp_path, WORK)
    site.play(SHOP, IDENTITY, WIKI)
    site.time.run()
    later = site.play(SHOP, IDENTITY, WIKI)
    state = RunState.of(later.part.run, [later.part], site.time.now(), {})
    assert {name: one.expected for name, one in state.entrants.items()} == {"identity": 100, "shop": 50, "wiki": 30}
    assert seconds_left(state, site.time.now()) == 150


def test_a_run_of_another_kind_cannot_be_resumed(tmp_path):
    site = Site(tmp_path, WORK)
    site.play(WIKI, run="flood")
    site.time.run()
    with pytest.raises(InvalidInput, match="Run 'flood' is a restore of .*, no checkpoint"):
        site.play(WIKI, run="flood", kind="checkpoint")


def test_a_circle_is_refused_before_anything_is_written(tmp_path):
    site = Site(tmp_path, WORK)
    with pytest.raises(InvalidInput, match="in a circle"):
        site.play(SHOP, dataclasses.replace(IDENTITY, depends_on=("shop",)))
    assert site.store.content == {}


def test_only_so_many_runs_are_remembered(tmp_path):
    site = Site(tmp_path, WORK)
    for number in range(KEPT_RUNS + 2):
        site.play(WIKI, run=f"run{number}")
        site.time.run()
    parts = site.controller().shelf.parts().parts
    assert {one.run for one in outdated(parts, site.time.now())} == {"run0", "run1"}


def test_what_others_wrote_into_the_folder_is_told_and_not_believed(tmp_path):
    site = Site(tmp_path, WORK)
    one = site.play(WIKI, run="flood")
    site.time.run()
    (name,) = site.store.content
    site.store.content["_site-runs/flood/forged.json"] = site.store.content[name]
    site.store.content["_site-runs/flood/damaged.json"] = b"{}"
    shelved = one.shelf.parts()
    assert [part.id for part in shelved.parts] == [one.part.id]
    assert len(shelved.unreadable) == 2


# Several controllers


def test_two_controllers_hold_the_limits_and_the_dependencies_together(tmp_path):
    work = {name: Work(10, needs(restores=1)) for name in "abcd"}
    site = Site(tmp_path, work, {"restores": 1})
    first = site.play(Entrant("a", depends_on=("d",)), Entrant("b"), run="flood", parts=2)
    second = site.play(Entrant("c"), Entrant("d"), run="flood", parts=2)
    site.time.run()
    assert {**first.results, **second.results} == dict.fromkeys("abcd", DONE)
    assert site.witness.order.index("d") < site.witness.order.index("a")


def test_what_depends_on_an_application_of_a_controller_that_has_not_joined_waits_for_it(tmp_path):
    site = Site(tmp_path, WORK)
    first = site.play(SHOP, WIKI, run="flood", parts=2)
    site.time.run(1000)
    assert first.results == {"wiki": DONE}
    site.play(IDENTITY, run="flood", parts=2)
    site.time.run()
    assert first.results == {"wiki": DONE, "shop": DONE}
    assert site.witness.order == ["wiki", "identity", "shop"]


def test_what_depends_on_what_a_dead_controller_left_is_skipped(tmp_path):
    site = Site(tmp_path, WORK)
    first = site.play(IDENTITY, run="flood", parts=2)
    second = site.play(SHOP, run="flood", parts=2)
    site.time.run(10)
    first.kill(keeper_too=True)
    site.time.run()
    assert second.results == {"shop": SKIPPED}
    assert "'identity', which is failed: its run on controller1 was interrupted before" in second.part.turns["shop"].message


def test_other_runs_count_for_the_limits(tmp_path):
    site = Site(tmp_path, {"a": Work(100, needs(restores=1)), "b": Work(1, needs(restores=1))}, {"restores": 1})
    site.play(Entrant("a"), kind="drill")
    site.play(Entrant("b"))
    site.time.run()
    assert site.witness.order == ["a", "b"]


@pytest.mark.parametrize("request_number", range(8))
def test_of_two_that_begin_at_the_same_time_only_one_does(tmp_path, request_number):
    """The second one does all it does between two requests of the first one."""
    work = {name: Work(10, needs(restores=1)) for name in "ab"}
    site = Site(tmp_path, work, {"restores": 1}, SlowStore())
    for name in "ab":
        one = site.controller()
        one.begin(run_of(run="flood", parts=2))
        one.local.write(dataclasses.replace(one.local.read(), own=begin(one.shelf, run_of(Entrant(name), run="flood", parts=2), name, site.time.now).part))
        one._controller.renew()
        one._controller.ask(name, work[name].needs)
        setattr(site, name, one)
    counted = itertools.count()

    def meanwhile():
        if next(counted) == request_number:
            taken.append(site.b._controller.take("b"))
        else:
            site.store.meanwhile = meanwhile

    taken = []
    site.store.meanwhile = meanwhile
    first = site.a._controller.take("a")
    assert sum(one.is_go for one in (first, *taken)) <= 1


# Whatever the plan


def random_site(tmp_path, numbers):
    """A plan of some applications, and what they take."""
    names = [f"a{number}" for number in range(numbers.randint(5, 14))]
    limits = {"restores": numbers.randint(2, 8), "boots": numbers.randint(2, 8)}
    entrants, work = [], {}
    for number, name in enumerate(names):
        wave = number * 3 // len(names)
        others = numbers.sample(names[:number], min(number, numbers.choice([0, 0, 1, 2])))
        entrants.append(Entrant(name, wave, numbers.choice([100, 500]), tuple(others)))
        shares = needs(restores=numbers.randint(0, 4), boots=numbers.randint(1, 4))
        work[name] = Work(numbers.randint(10, 90), shares, fails=numbers.choice([0] * 9 + [1]))
    return Site(tmp_path, work, limits), entrants


def assert_dependencies_were_kept(site, entrants):
    done = {name: spans[-1][1] for name, spans in site.witness.spans.items() if spans[-1][2] == DONE}
    for one in entrants:
        for begin_, _end, _result in site.witness.spans[one.name]:
            assert all(done.get(other, float("inf")) <= begin_ for other in one.depends_on), one.name


@pytest.mark.parametrize("seed", range(10))
def test_without_failures_a_run_takes_as_long_as_its_schedule_foretells(tmp_path, seed):
    site, entrants = random_site(tmp_path, random.Random(seed))
    site.work.update({name: dataclasses.replace(one, fails=0) for name, one in site.work.items()})
    known = [dataclasses.replace(one, expected=int(site.work[one.name].seconds)) for one in entrants]
    one = site.controller()
    one.begin(run_of(*entrants))
    own = dataclasses.replace(one.part, entrants={entrant.name: entrant for entrant in known})
    turns = {name: dataclasses.replace(turn, needs=within(site.work[name].needs, site.limits)) for name, turn in own.turns.items()}
    foretold = seconds_left(RunState.of(own.run, [dataclasses.replace(own, turns=turns)], site.time.now(), site.limits), site.time.now())
    site.time.run()
    took = max(span[1] for spans in site.witness.spans.values() for span in spans)
    assert took <= 1.2 * foretold
    assert set(one.results.values()) == {DONE}
    assert_dependencies_were_kept(site, entrants)


@pytest.mark.parametrize("seed", range(8))
def test_whatever_dies_nothing_is_done_twice_at_once_nor_out_of_order(tmp_path, seed):
    """Two controllers, each killed some times at random moments and started again, also with its keeper."""
    numbers = random.Random(seed)
    site, entrants = random_site(tmp_path, numbers)
    workers = numbers.choice([3, 1000])
    slices = [entrants[0::2], entrants[1::2]]
    current = [site.play(*mine, run="flood", parts=2, workers=workers) for mine in slices]
    for _kill in range(numbers.randint(1, 5)):
        site.time.run(site.time.seconds + numbers.randint(1, 200))
        number = numbers.randrange(2)
        if not current[number].is_over:
            current[number].kill(keeper_too=numbers.random() < 0.5)
            site.time.run(site.time.seconds + numbers.randint(1, 200))
            current[number] = site.play(*slices[number], run="flood", parts=2, workers=workers)
    site.time.run()
    assert not site.witness.under_way
    # What failed, was interrupted elsewhere, or depended on that, is done by another run of the same id.
    for _again in range(8):
        for number, mine in enumerate(slices):
            current[number] = site.play(*mine, run="flood", parts=2, workers=workers)
        site.time.run()
    assert {**current[0].results, **current[1].results} == {one.name: DONE for one in entrants}
    for spans in site.witness.spans.values():
        assert [span[2] for span in spans].count(DONE) == 1
    assert_dependencies_were_kept(site, entrants)
