# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import collections
import dataclasses
import datetime
import random
import time

import pytest
from ansible_collections.osdr.openstack.plugins.module_utils.catalogue.retention import KeptCheckpoint, Policy, decide, spare, surplus
from ansible_collections.osdr.openstack.plugins.module_utils.core.errors import InvalidInput
from ansible_collections.osdr.openstack.plugins.module_utils.core.records import marks
from ansible_collections.osdr.openstack.tests.unit.support import shop
from ansible_collections.osdr.openstack.tests.unit.support.fakes import backup, snapshot

TEN, NOON, TWO = "2026-01-01T10:00:00", "2026-01-01T12:00:00", "2026-01-01T14:00:00"
#: What each rule calls a period, by other means than the code's.
PERIODS = {"hourly": "%Y-%m-%dT%H", "daily": "%Y-%m-%d", "weekly": "%G-W%V", "monthly": "%Y-%m"}


def chosen(keep, *times):
    """The rules that keep each of the checkpoints that were taken at these times."""
    return Policy.parse(keep).choose({one: datetime.datetime.fromisoformat(f"{one}Z") for one in times})


@pytest.mark.parametrize(
    ("keep", "times", "kept"),
    [
        pytest.param({"last": 2}, [TEN, NOON, TWO], [TWO, NOON], id="the last ones"),
        pytest.param({"last": 9}, [TEN, NOON], [NOON, TEN], id="more than there are"),
        pytest.param({"hourly": 1}, ["2026-01-01T11:59:59.999", NOON, "2026-01-01T12:59:59"], ["2026-01-01T12:59:59"], id="the newest of an hour"),
        pytest.param({"hourly": 2}, ["2026-01-01T11:59:59.999", NOON], [NOON, "2026-01-01T11:59:59.999"], id="an hour begins with its first second"),
        pytest.param({"hourly": 2}, [NOON, "2026-01-02T12:00:00"], ["2026-01-02T12:00:00", NOON], id="the same hour of another day"),
        pytest.param({"daily": 1}, ["2026-01-01T00:00:00", "2026-01-01T23:59:59"], ["2026-01-01T23:59:59"], id="the newest of a day"),
        pytest.param({"daily": 2}, ["2026-01-01T23:59:59", "2026-01-02T00:00:00"], ["2026-01-02T00:00:00", "2026-01-01T23:59:59"], id="midnight"),
        pytest.param({"daily": 2}, [NOON, "2026-03-01T12:00:00"], ["2026-03-01T12:00:00", NOON], id="days without a checkpoint do not count"),
        pytest.param({"daily": 2}, [NOON, "2026-02-01T12:00:00"], ["2026-02-01T12:00:00", NOON], id="the same day of another month"),
        pytest.param({"weekly": 2}, ["2026-01-04T23:59:59", "2026-01-05T00:00:00"], ["2026-01-05T00:00:00", "2026-01-04T23:59:59"], id="Monday"),
        pytest.param({"weekly": 2}, ["2026-12-31T12:00:00", "2027-01-01T12:00:00"], ["2027-01-01T12:00:00"], id="a week goes on over new year"),
        pytest.param({"weekly": 2}, ["2024-01-03T12:00:00", "2024-12-30T12:00:00"], ["2024-12-30T12:00:00", "2024-01-03T12:00:00"], id="two first weeks"),
        pytest.param({"weekly": 1}, ["2024-12-30T12:00:00", "2025-01-05T12:00:00"], ["2025-01-05T12:00:00"], id="the first week begins in the old year"),
        pytest.param({"monthly": 2}, ["2026-01-31T23:59:59", "2026-02-01T00:00:00"], ["2026-02-01T00:00:00", "2026-01-31T23:59:59"], id="the first of a month"),
        pytest.param({"monthly": 2}, [NOON, "2027-01-01T12:00:00"], ["2027-01-01T12:00:00", NOON], id="the same month of another year"),
        pytest.param({"monthly": 1}, [NOON, "2026-01-31T12:00:00"], ["2026-01-31T12:00:00"], id="the newest of a month"),
        pytest.param({"last": 1}, [], [], id="no checkpoint at all"),
    ],
)
def test_what_a_rule_keeps(keep, times, kept):
    assert list(chosen(keep, *times)) == kept
    assert list(chosen(keep, *reversed(times))) == kept


def test_a_checkpoint_tells_every_rule_that_keeps_it():
    assert chosen({"last": 1, "hourly": 2, "daily": 2}, "2025-12-31T09:00:00", TEN, NOON) == {
        NOON: ["last", "hourly", "daily"],
        TEN: ["hourly"],
        "2025-12-31T09:00:00": ["daily"],
    }


@pytest.fixture(params=["Pacific/Kiritimati", "Pacific/Honolulu"])
def elsewhere(request, monkeypatch):
    """A controller in another time zone."""
    monkeypatch.setenv("TZ", request.param)
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.mark.usefixtures("elsewhere")
def test_periods_are_those_of_utc_wherever_the_controller_is():
    night, morning = "2026-01-31T23:30:00", "2026-02-01T00:30:00"
    assert len(chosen({"daily": 2}, night, morning)) == 2
    assert len(chosen({"monthly": 2}, night, morning)) == 2
    assert len(chosen({"daily": 2}, "2026-01-31T00:00:00", night)) == 1


@pytest.mark.parametrize("keep", [{}, {"last": 0, "daily": 0}, {"monthly": None}])
def test_a_policy_that_keeps_nothing_is_refused(keep):
    with pytest.raises(InvalidInput, match="would remove every checkpoint.*last, hourly, daily, weekly, monthly"):
        Policy.parse(keep)


def test_negative_numbers_are_refused_all_at_once():
    with pytest.raises(InvalidInput, match="negative number for hourly, weekly"):
        Policy.parse({"last": 3, "hourly": -1, "weekly": -2})


def test_what_a_policy_does_not_say_keeps_nothing():
    assert Policy.parse({"daily": 7, "last": None}) == Policy(daily=7)


# What stays


BASE = shop.manifest()


def recorded(checkpoint, time, **chains):
    """The manifest of a checkpoint with these chains of backups, per volume."""
    copies = [dataclasses.replace(BASE.copies[0], volume_id=one, copy_id=chain[-1], chain=chain) for one, chain in chains.items()]
    moment = dataclasses.replace(BASE.checkpoint, id=checkpoint, created_at=f"{time}Z")
    return dataclasses.replace(BASE, checkpoint=moment, copies=tuple(copies))


def taken(checkpoint, time, *parents):
    """A checkpoint of one volume; its chain are the backups of these checkpoints, and its own."""
    return recorded(checkpoint, time, volume=tuple(f"backup-{one}" for one in (*parents, checkpoint)))


def stored(checkpoint, time, **changes):
    values = {"volume_id": "volume", "data_timestamp": time, "metadata": marks("shop", checkpoint)}
    return backup(checkpoint, **{**values, **changes})


CATALOGUE = (taken("two", TWO, "ten", "noon"), taken("noon", NOON, "ten"), taken("ten", TEN))


def backups(**statuses):
    """Those of the catalogue; a status of None is that of one which is gone."""
    times = {"ten": TEN, "noon": NOON, "two": TWO}
    found = {
        one: stored(one, time, status=statuses.get(one, "available"), is_incremental=one != "ten", has_dependents=one != "two")
        for one, time in times.items()
    }
    return [one for one in found.values() if one.status]


def reasons(retention):
    return {one.id: list(one.reasons) for one in retention.keep}


def removed(retention):
    return [one.checkpoint.id for one in retention.remove]


def test_what_stays_and_what_goes_are_told_newest_first():
    decision = decide(Policy(last=1), CATALOGUE, backups())
    assert (decision.keep, removed(decision), decision.newest) == ((KeptCheckpoint("two", ("last",)),), ["noon", "ten"], "two")
    assert [one.id for one in decide(Policy(last=3), CATALOGUE, backups()).keep] == ["two", "noon", "ten"]


def test_the_chains_of_what_stays_are_needed_whole():
    assert decide(Policy(last=1), CATALOGUE, backups()).needed == {"backup-ten", "backup-noon", "backup-two"}
    full = (taken("two", TWO), *CATALOGUE[1:])
    assert decide(Policy(last=1), full, backups()).needed == {"backup-two"}
    assert decide(Policy(last=2), full, backups()).needed == {"backup-two", "backup-noon", "backup-ten"}


@pytest.mark.parametrize("status", [None, "error", "creating", "deleting", "error_deleting"])
def test_what_cannot_be_restored_does_not_count_and_is_left_alone(status):
    decision = decide(Policy(last=1), CATALOGUE, backups(two=status))
    assert reasons(decision) == {"two": ["cannot be restored"], "noon": ["last"]}
    assert (removed(decision), decision.newest) == (["ten"], "noon")
    assert "backup-two" in decision.needed


def test_whoever_builds_on_what_is_gone_cannot_be_restored_either():
    decision = decide(Policy(last=1), CATALOGUE, backups(noon=None))
    assert reasons(decision) == {"two": ["cannot be restored"], "noon": ["cannot be restored"], "ten": ["last"]}


def test_where_nothing_can_be_restored_nothing_goes():
    decision = decide(Policy(last=1), CATALOGUE, backups(ten="error"))
    assert (removed(decision), decision.newest) == ([], None)


def test_what_is_being_restored_is_left_alone_and_counts():
    full = (CATALOGUE[0], taken("noon", NOON), taken("ten", TEN))
    decision = decide(Policy(last=1), (taken("two", TWO), *full[1:]), backups(ten="restoring"))
    assert reasons(decision) == {"two": ["last"], "ten": ["is being restored"]}
    assert removed(decision) == ["noon"]
    assert reasons(decide(Policy(last=1), full[1:], backups(noon="restoring"))) == {"noon": ["last"]}


def test_a_parent_that_is_being_restored_holds_what_builds_on_it():
    decision = decide(Policy(last=1), (taken("two", TWO), *CATALOGUE[1:]), backups(ten="restoring"))
    assert reasons(decision) == {"two": ["last"], "noon": ["is being restored"], "ten": ["is being restored"]}


def test_an_empty_catalogue_needs_nothing():
    decision = decide(Policy(last=1), (), backups())
    assert (decision.keep, decision.remove, decision.needed, decision.newest) == ((), (), frozenset(), None)


# What may go


def gone(decision, found, snapshots=(), application="shop"):
    return [one.id for one in surplus(application, decision, found, snapshots).parts]


def test_the_parents_of_what_stays_stay_though_their_checkpoints_go():
    decision = decide(Policy(last=1), (CATALOGUE[1], CATALOGUE[2]), backups())
    assert removed(decision) == ["ten"]
    assert gone(decision, backups()[:2]) == []


def test_increments_go_before_what_they_build_on():
    decision = decide(Policy(last=1), (taken("evening", "2026-01-01T20:00:00"), *CATALOGUE), [*backups(), stored("evening", "2026-01-01T20:00:00")])
    for found in (backups(), backups()[::-1]):
        assert gone(decision, found) == ["backup-two", "backup-noon", "backup-ten"]


NEWEST = decide(Policy(last=1), (taken("noon", NOON), taken("ten", TEN)), [stored("noon", NOON), stored("ten", TEN)])


@pytest.mark.parametrize(
    ("found", "goes"),
    [
        pytest.param(stored("ten", TEN), True, id="of a checkpoint that goes"),
        pytest.param(stored("again", TWO, metadata=marks("shop", "ten")), False, id="called like one that goes, but newer, perhaps in the making"),
        pytest.param(stored("noon", NOON), False, id="of one that stays"),
        pytest.param(stored("lost", TEN), True, id="left over, and older than the newest"),
        pytest.param(stored("lost", TEN, status="error"), True, id="failed, and older"),
        pytest.param(stored("lost", NOON), False, id="of the very same moment"),
        pytest.param(stored("made", TWO), False, id="newer, perhaps in the making"),
        pytest.param(stored("made", TEN, status="creating"), False, id="being made right now"),
        pytest.param(stored("lost", ""), True, id="without a time: it holds no data"),
        pytest.param(stored("ten", TEN, metadata=marks("bank", "ten")), False, id="of another application"),
        pytest.param(stored("ten", TEN, metadata={}), False, id="of somebody else"),
        pytest.param(stored("ten", TEN, metadata={"osdr_checkpoint": "ten"}), False, id="of no application"),
        pytest.param(stored("lost", TEN, metadata={"osdr_application": "shop"}), True, id="of no checkpoint, and older"),
        pytest.param(stored("lost", TWO, metadata={"osdr_application": "shop"}), False, id="of no checkpoint, and newer"),
    ],
)
def test_what_no_checkpoint_that_stays_needs(found, goes):
    assert (found.id in gone(NEWEST, [stored("noon", NOON), found])) is goes


def test_the_newest_checkpoint_begins_with_its_first_backup():
    found = [stored("noon", TWO, id="later", volume_id="other"), stored("noon", NOON), stored("lost", "2026-01-01T13:00:00"), stored("old", TEN)]
    decision = decide(Policy(last=1), (recorded("noon", NOON, volume=("backup-noon",), other=("later",)),), found)
    assert gone(decision, found) == ["backup-old"]


def test_an_abandoned_attempt_with_the_id_of_the_newest_checkpoint_makes_no_difference_between_two_sites():
    """The site that keeps its backups would keep what the other one removes, with the objects that both share."""
    left = stored("noon", "2026-01-01T08:00:00", id="abandoned")
    found = [stored("noon", NOON), stored("lost", TEN)]
    assert gone(NEWEST, found) == ["backup-lost"]
    assert gone(NEWEST, [*found, left])[:1] == ["backup-lost"]


def test_where_nothing_can_be_restored_nothing_counts_as_left_over():
    """Their catalogue may be lost and written anew."""
    lost = [stored("ten", TEN), stored("noon", NOON), stored("unmarked", TWO, metadata={"osdr_application": "shop"})]
    assert gone(decide(Policy(last=1), (), lost), lost) == []


def test_a_site_without_the_newest_checkpoint_has_nothing_left_over():
    assert gone(NEWEST, [stored("ten", TEN), stored("lost", TEN)]) == ["backup-ten"]


AWAY = taken("away", "2026-01-01T09:00:00", "away-before")
#: Of the other direction: the parent's own checkpoint is in no catalogue any more.
COPIED_AWAY = [stored("away", "2026-01-01T09:00:00", is_incremental=True), stored("away-before", "2026-01-01T08:00:00")]


@pytest.mark.parametrize(
    ("opposite", "goes"),
    [
        pytest.param([AWAY], [], id="known to need them"),
        pytest.param(None, [], id="not known"),
        pytest.param([], ["backup-away", "backup-away-before"], id="known to be empty"),
    ],
)
def test_what_may_be_of_the_other_catalogue_stays(opposite, goes):
    decision = decide(Policy(last=1), (taken("noon", NOON),), backups()[1:2], opposite)
    assert gone(decision, [stored("noon", NOON), *COPIED_AWAY]) == goes


@pytest.mark.parametrize("opposite", [[taken("ten", "2026-01-01T09:00:00", "away-before")], None])
def test_a_checkpoint_that_goes_does_not_take_with_it_the_one_of_the_same_id_of_the_other_catalogue(opposite):
    ours = recorded("ten", TEN, volume=("backup-first", "backup-last"))
    found = [stored("noon", NOON), stored("ten", TEN, id="backup-last"), stored("first", "2026-01-01T09:30:00"), stored("ten", "2026-01-01T09:00:00")]
    decision = decide(Policy(last=1), (taken("noon", NOON), ours), found, opposite)
    assert removed(decision) == ["ten"]
    assert gone(decision, found) == ["backup-last", "backup-first"]


@pytest.mark.parametrize(
    ("found", "goes"),
    [
        pytest.param(snapshot("a", metadata=marks("shop", "ten"), created_at=TEN), True, id="of a checkpoint that goes"),
        pytest.param(snapshot("a", metadata=marks("shop", "ten"), created_at=TWO), False, id="called like one that goes, but newer, perhaps in the making"),
        pytest.param(snapshot("a", metadata=marks("shop", "noon"), created_at=TEN), False, id="of one that stays"),
        pytest.param(snapshot("a", metadata=marks("shop", "lost"), created_at=TEN), True, id="left over, and older than the newest"),
        pytest.param(snapshot("a", metadata=marks("shop", "made"), created_at=TWO), False, id="newer, perhaps in the making"),
        pytest.param(snapshot("a", metadata=marks("bank", "ten"), created_at=TEN), False, id="of another application"),
        pytest.param(snapshot("a", metadata={}, created_at=TEN), False, id="of somebody else"),
    ],
)
def test_snapshots_go_with_their_checkpoints(found, goes):
    assert (surplus("shop", NEWEST, [stored("noon", NOON)], [found]).snapshots == (found,)) is goes


# What others build on


def increment(name, time, **changes):
    return stored(name, time, is_incremental=True, metadata={}, **changes)


FULL = (taken("two", TWO), taken("noon", NOON, "ten"), taken("ten", TEN))
LAST = decide(Policy(last=1), FULL, backups())
BUILT_ON = [stored("ten", TEN, has_dependents=True), stored("noon", NOON, is_incremental=True, has_dependents=True), stored("two", TWO)]


@pytest.mark.parametrize(
    ("found", "goes"),
    [
        pytest.param([], ["backup-noon", "backup-ten"], id="nobody's"),
        pytest.param([increment("a", "2026-01-01T13:00:00")], [], id="somebody's on the last link holds the whole chain"),
        pytest.param([increment("a", "2026-01-01T11:00:00")], ["backup-noon"], id="somebody's on the first link holds that one"),
        pytest.param([stored("a", "2026-01-01T13:00:00", metadata={})], ["backup-noon", "backup-ten"], id="a full one builds on nothing"),
        pytest.param([increment("a", "2026-01-01T13:00:00", volume_id="other")], ["backup-noon", "backup-ten"], id="one of another volume"),
        pytest.param([increment("a", "2026-01-01T09:00:00")], ["backup-noon", "backup-ten"], id="one that is older"),
        pytest.param([increment("a", "2026-01-01T13:00:00", status="creating")], [], id="one that is being made"),
        pytest.param(
            [increment("a", "2026-01-01T13:00:00", has_dependents=True), increment("b", "2026-01-01T13:30:00")], [], id="through another one of theirs"
        ),
        pytest.param(
            [stored("a", "2026-01-01T13:00:00", metadata={}, has_dependents=True), increment("b", "2026-01-01T13:30:00")],
            ["backup-noon", "backup-ten"],
            id="on a full one of theirs",
        ),
        pytest.param(
            [stored("a", "2026-01-01T13:00:00", metadata={}), increment("b", "2026-01-01T13:30:00")], [], id="past a full one that nothing builds on"
        ),
        pytest.param(
            [stored("made", "2026-01-01T15:00:00", is_incremental=True)], ["backup-noon", "backup-ten"], id="in the making, on the newest"
        ),
    ],
)
def test_what_somebody_elses_increments_build_on_stays(found, goes):
    newest = dataclasses.replace(BUILT_ON[2], has_dependents=any(one.data_timestamp > TWO for one in found))
    decision = spare("shop", LAST, [*BUILT_ON[:2], newest, *found])
    assert gone(decision, BUILT_ON) == goes


def test_what_is_being_restored_at_the_primary_site_stays_with_all_it_builds_on():
    first, second = stored("ten", TEN, has_dependents=True), stored("noon", NOON, is_incremental=True, status="restoring")
    decision = spare("shop", LAST, [first, second, stored("two", TWO)])
    assert gone(decision, BUILT_ON) == []


# Whatever there is


class Generated:
    """A catalogue as chance made it, with leftovers, foreign backups, and what is being restored, broken or gone.

    :param parents: what each backup builds on, per id.
    """

    def __init__(self, seed):
        self.chance = random.Random(seed)
        self.manifests, self.backups, self.parents = [], {}, {}
        self.policy = Policy(last=self.chance.randint(1, 3), **{rule: self.chance.choice((0, 0, 1, 2, 5)) for rule in PERIODS})
        chains = {f"volume{number}": () for number in range(self.chance.randint(1, 4))}
        moment = datetime.datetime(2025, 12, 20)
        for number in range(self.chance.randint(0, 30)):
            moment += datetime.timedelta(minutes=self.chance.choice((5, 50, 700, 1500, 9000)))
            self._take(f"c{number}", moment, chains)
        self.manifests.reverse()

    def _take(self, name, moment, chains):
        for volume, former in chains.items():
            if self.chance.random() < 0.2:
                self._make(f"foreign-{name}", volume, moment - datetime.timedelta(minutes=1), {}, former)
            chain = former if len(former) < 4 and self.chance.random() < 0.7 else ()
            chains[volume] = (*chain, self._make(name, volume, moment, marks("shop", name), chain))
        if self.chance.random() < 0.85:
            self.manifests.append(recorded(name, moment.isoformat(), **chains))

    def _make(self, name, volume, moment, metadata, chain):
        status = self.chance.choices(("available", "restoring", "error", "creating"), (94, 2, 2, 2))[0]
        values = {"volume_id": volume, "data_timestamp": moment.isoformat(), "metadata": metadata, "status": status}
        made = backup(f"{name}-{volume}", is_incremental=bool(chain), **values)
        self.backups[made.id] = made
        self.parents[made.id] = chain[-1] if chain else None
        return made.id

    @property
    def found(self):
        parents = {self.parents[one] for one in self.backups}
        return [dataclasses.replace(one, has_dependents=key in parents) for key, one in self.backups.items()]

    def decide(self):
        decision = spare("shop", decide(self.policy, self.manifests, self.found), self.found)
        return decision, surplus("shop", decision, self.found).parts

    def remove(self, manifests, backups):
        self.manifests = [one for one in self.manifests if one not in manifests]
        for one in backups:
            del self.backups[one.id]


@pytest.fixture(params=range(0, 100, 25))
def generated(request):
    return [Generated(seed) for seed in range(request.param, request.param + 25)]


def test_every_link_of_every_chain_that_stays_stays(generated):
    for one in generated:
        decision = decide(one.policy, one.manifests, one.found)
        kept = {each.id for each in decision.keep}
        assert kept.isdisjoint(removed(decision))
        assert len(kept) + len(decision.remove) == len(one.manifests)
        links = {link for each in one.manifests if each.checkpoint.id in kept for copy in each.copies for link in copy.chain}
        assert links.isdisjoint(gone(decision, one.found))


def test_nor_is_anybody_elses_chain_cut(generated):
    for one in generated:
        left = one.backups.keys() - {each.id for each in one.decide()[1]}
        assert {one.parents[each] for each in left} <= {None, *left}


def test_only_what_is_the_applications_own_and_finished_goes(generated):
    going = [each for one in generated for each in one.decide()[1]]
    assert {each.metadata.get("osdr_application") for each in going} == {"shop"}
    assert "creating" not in {each.status for each in going}


def test_what_goes_is_nobodys_parent_when_its_turn_comes(generated):
    for one in generated:
        left = set(one.backups)
        for each in one.decide()[1]:
            left.remove(each.id)
            assert each.id not in {one.parents[other] for other in left}


def test_each_rule_keeps_as_many_periods_as_it_says(generated):
    for one in generated:
        usable = {each.id for each in one.found if each.status in ("available", "restoring")}
        restorable = [each for each in one.manifests if usable.issuperset(link for copy in each.copies for link in copy.chain)]
        counts = collections.Counter(rule for each in one.decide()[0].keep for rule in each.reasons)
        assert counts["last"] == min(one.policy.last, len(restorable))
        for rule, period in PERIODS.items():
            assert counts[rule] == min(getattr(one.policy, rule), len({each.checkpoint.moment.strftime(period) for each in restorable}))


def test_a_second_time_nothing_is_left_to_remove(generated):
    removals = 0
    for one in generated:
        decision, going = one.decide()
        removals += len(going)
        one.remove(decision.remove, going)
        again, still = one.decide()
        assert (again.remove, still) == ((), ())
    assert removals
