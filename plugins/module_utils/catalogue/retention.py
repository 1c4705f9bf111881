# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Decide which checkpoints a retention policy keeps, and what may be removed with the others.

Pure. A part of a copy is removed only when no kept checkpoint needs it, so chains are never cut; other applications are ignored.
"""

from __future__ import annotations

import dataclasses
import datetime
import typing as t

from ..copies import methods
from ..copies.method import Part
from ..core.errors import InvalidInput
from ..core.records import APPLICATION_KEY, CHECKPOINT_KEY, Snapshot
from ..manifest.manifest import Outline
from .catalogue import Listing

#: The period that a time belongs to, for each rule of a policy.
_PERIODS: dict[str, t.Callable[[datetime.datetime], t.Any]] = {
    "hourly": lambda time: (time.date(), time.hour),
    "daily": lambda time: time.date(),
    "weekly": lambda time: time.isocalendar()[:2],
    "monthly": lambda time: (time.year, time.month),
}
RULES = ("last", *_PERIODS)


@dataclasses.dataclass(frozen=True)
class Policy:
    """How many checkpoints to keep: the last ones, and the newest of each of the last hours, days, weeks and months that have one."""

    last: int = 0
    hourly: int = 0
    daily: int = 0
    weekly: int = 0
    monthly: int = 0

    @classmethod
    def parse(cls, keep: t.Mapping[str, int]) -> Policy:
        """Read the option ``keep``.

        :raises InvalidInput: for a policy that keeps nothing.
        """
        negative = [rule for rule in RULES if (keep.get(rule) or 0) < 0]
        if negative:
            raise InvalidInput(f"keep has a negative number for {', '.join(negative)}.", "Give 0 or more.")
        if not any(keep.get(rule) for rule in RULES):
            raise InvalidInput("keep would remove every checkpoint.", f"Give at least one of {', '.join(RULES)} a number above 0.")
        return cls(**{rule: keep.get(rule) or 0 for rule in RULES})

    def choose(self, times: t.Mapping[str, datetime.datetime]) -> dict[str, list[str]]:
        """The rules that keep each checkpoint, per id of the kept ones.

        :param times: when each was taken.
        """
        newest_first = sorted(times, key=lambda one: times[one], reverse=True)
        reasons: dict[str, list[str]] = {one: ["last"] for one in newest_first[: self.last]}
        for rule, period in _PERIODS.items():
            newest_of: dict[t.Any, str] = {}
            for one in newest_first:
                newest_of.setdefault(period(times[one]), one)
            for one in list(newest_of.values())[: getattr(self, rule)]:
                reasons.setdefault(one, []).append(rule)
        return reasons


@dataclasses.dataclass(frozen=True)
class Following:
    """The rule for the other projects of an application over several: keep what the leading one has, so that no checkpoint loses a part.

    :param ids: of the checkpoints in the catalogue of the leading project.
    :param newest: when the newest of them was taken. What is newer is kept, since it is published there last; all is where there is none.
    """

    ids: frozenset[str]
    newest: datetime.datetime | None

    @classmethod
    def of(cls, listing: Listing) -> Following:
        newest = max((one.checkpoint.moment for one in listing.kept), default=None)
        return cls(frozenset(listing.ids), newest)

    def choose(self, times: t.Mapping[str, datetime.datetime]) -> dict[str, list[str]]:
        """The rules that keep each checkpoint, per id of the kept ones."""
        return {one: ["leading project"] for one, time in times.items() if one in self.ids or self.newest is None or time > self.newest}


@dataclasses.dataclass(frozen=True)
class KeptCheckpoint:
    """A checkpoint that is kept.

    :param reasons: rules of the policy that keep it, or why it is left alone.
    """

    id: str
    reasons: tuple[str, ...]


@dataclasses.dataclass(frozen=True)
class Retention:
    """Which checkpoints of an application are kept, and which removed.

    :param needed: ids of the parts of copies that the kept checkpoints need.
    :param newest: id of the newest checkpoint that can be restored.
    :param own_of_newest: ids of the parts of its copies, without what they build on. Its marks may be on other parts too: those of an attempt
        that was abandoned, or of a checkpoint of the same id that was copied the other way.
    :param opposite: ids of the checkpoints in the catalogue of the primary site; None when they are unknown.
    """

    keep: tuple[KeptCheckpoint, ...]
    remove: tuple[Outline, ...]
    needed: frozenset[str]
    newest: str | None
    own_of_newest: frozenset[str]
    opposite: frozenset[str] | None


def decide(
    policy: Policy | Following, manifests: t.Sequence[Outline], remote: t.Sequence[Part], opposite: t.Sequence[Outline] | None = ()
) -> Retention:
    """Apply a policy to the catalogue.

    Checkpoints that cannot be restored do not count, so that they do not push out those that can. They are kept, as are those
    being restored.

    :param remote: all parts of copies that the remote site knows.
    :param opposite: the catalogue of the primary site, which is kept: checkpoints copied the other way before the application
        was moved have the same marks. None when it is unknown.
    """
    known = methods.by_id(remote)
    alone: dict[str, list[str]] = {}
    for one in manifests:
        if any(methods.lacks(copy, known) for copy in one.copies):
            alone[one.checkpoint.id] = ["cannot be restored"]
        elif methods.is_being_restored(one, known):
            alone[one.checkpoint.id] = ["is being restored"]
    times = {one.checkpoint.id: one.checkpoint.moment for one in manifests}
    counted = {one: time for one, time in times.items() if alone.get(one) != ["cannot be restored"]}
    reasons = {**alone, **policy.choose(counted)}
    kept = [one for one in manifests if one.checkpoint.id in reasons]
    stays = [*kept, *(opposite or ())]
    newest = max((one for one in manifests if one.checkpoint.id in counted), key=lambda one: one.checkpoint.moment, default=None)
    return Retention(
        keep=tuple(KeptCheckpoint(one.checkpoint.id, tuple(reasons[one.checkpoint.id])) for one in kept),
        remove=tuple(one for one in manifests if one.checkpoint.id not in reasons),
        needed=frozenset(methods.needed(stays)),
        newest=newest.checkpoint.id if newest else None,
        own_of_newest=frozenset(part.id for part in methods.carriers(newest, remote)) if newest else frozenset(),
        opposite=None if opposite is None else frozenset(one.checkpoint.id for one in opposite),
    )


@dataclasses.dataclass(frozen=True)
class Surplus:
    """What may be removed at one site.

    :param parts: of copies, the newest first.
    """

    parts: tuple[Part, ...]
    snapshots: tuple[Snapshot, ...] = ()


def surplus(application: str, retention: Retention, parts: t.Sequence[Part], snapshots: t.Sequence[Snapshot] = ()) -> Surplus:
    """What no kept checkpoint needs.

    Parts and snapshots of no checkpoint in either catalogue are left over from a failed attempt, or belong to a checkpoint that
    is being made right now; so only those older than the newest checkpoint are removed. The same holds for those that have the
    marks of a removed checkpoint but are not named by it: a checkpoint with the same id may be under way in the other direction.
    Where the other catalogue is unknown, nothing counts as left over, and only the parts named by removed checkpoints are
    removed: others with the same marks may belong to checkpoints of that catalogue with the same id.
    """
    removed = {one.checkpoint.id for one in retention.remove}
    named = methods.needed(retention.remove)
    stays = {one.id for one in retention.keep} | (retention.opposite or frozenset())
    ours = [one for one in parts if one.metadata.get(APPLICATION_KEY) == application]
    before = min((one.data_timestamp for one in ours if one.id in retention.own_of_newest), default="")
    is_known = retention.opposite is not None

    def is_left_over(checkpoint: str | None, time: str) -> bool:
        return is_known and checkpoint not in stays and time < before

    def goes(part: Part) -> bool:
        return part.id in named or is_left_over(part.metadata.get(CHECKPOINT_KEY), part.data_timestamp)

    def is_old(snapshot: Snapshot) -> bool:
        checkpoint = snapshot.metadata.get(CHECKPOINT_KEY)
        return (checkpoint in removed and snapshot.created_at < before) or is_left_over(checkpoint, snapshot.created_at)

    gone = [one for one in ours if one.id not in retention.needed and not one.is_under_way and goes(one)]
    old = [s for s in snapshots if s.metadata.get(APPLICATION_KEY) == application and is_old(s)]
    return Surplus(tuple(sorted(gone, key=lambda one: one.data_timestamp, reverse=True)), tuple(old))


def spare(application: str, retention: Retention, parts: t.Sequence[Part]) -> Retention:
    """Also keep what is being restored, and what increments outside any checkpoint's chain need, for example somebody else's.

    Only the site at which it is read, or that knows such an increment, refuses to remove it, but both sites may share the objects.

    :param parts: all of the primary site's project.
    """
    restoring = {one.id for one in parts if one.is_being_restored}
    going = {one.id for one in surplus(application, retention, parts).parts} - restoring
    others = [one for one in parts if one.id not in going and one.id not in retention.needed]
    return dataclasses.replace(retention, needed=retention.needed | restoring | methods.bases(others, parts))
