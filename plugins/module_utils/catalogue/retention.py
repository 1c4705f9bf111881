# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which checkpoints a retention policy keeps, and what may go with the others.

Pure: from what there is to what is to be removed. A part of a copy goes only when no checkpoint that stays needs it, so chains
are never cut; what is not of the application is not looked at.
"""

from __future__ import annotations

import dataclasses
import datetime
import typing as t

from ..copies import methods
from ..copies.method import Part
from ..core.errors import InvalidInput
from ..core.records import APPLICATION_KEY, CHECKPOINT_KEY, Snapshot
from ..manifest.manifest import Manifest

#: How each rule of a policy tells one period from another.
_PERIODS: dict[str, t.Callable[[datetime.datetime], t.Any]] = {
    "hourly": lambda time: (time.date(), time.hour),
    "daily": lambda time: time.date(),
    "weekly": lambda time: time.isocalendar()[:2],
    "monthly": lambda time: (time.year, time.month),
}
RULES = ("last", *_PERIODS)


@dataclasses.dataclass(frozen=True)
class Policy:
    """How many checkpoints to keep: the newest ones, and the newest one of each of so many hours, days, ... that have one."""

    last: int = 0
    hourly: int = 0
    daily: int = 0
    weekly: int = 0
    monthly: int = 0

    @classmethod
    def parse(cls, keep: t.Mapping[str, int]) -> Policy:
        """:raises InvalidInput: for a policy that keeps nothing."""
        negative = [rule for rule in RULES if (keep.get(rule) or 0) < 0]
        if negative:
            raise InvalidInput(f"keep has a negative number for {', '.join(negative)}.")
        if not any(keep.get(rule) for rule in RULES):
            raise InvalidInput("keep would remove every checkpoint.", f"Give at least one of {', '.join(RULES)} a number above 0.")
        return cls(**{rule: keep.get(rule) or 0 for rule in RULES})

    def choose(self, times: t.Mapping[str, datetime.datetime]) -> dict[str, list[str]]:
        """The rules that keep a checkpoint, per id of those that are kept.

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
class Kept:
    """:param reasons: rules of the policy that keep it, or why it is left alone."""

    id: str
    reasons: tuple[str, ...]


@dataclasses.dataclass(frozen=True)
class Retention:
    """Which checkpoints of an application stay, and which go.

    :param needed: ids of the parts of copies that those which stay need.
    :param newest: id of the newest checkpoint that can be restored.
    :param opposite: ids of the checkpoints in the catalogue of the primary site; None when they are not known.
    """

    keep: tuple[Kept, ...]
    remove: tuple[Manifest, ...]
    needed: frozenset[str]
    newest: str | None
    opposite: frozenset[str] | None


def decide(
    policy: Policy, manifests: t.Sequence[Manifest], remote: t.Sequence[Part], opposite: t.Sequence[Manifest] | None = ()
) -> Retention:
    """Apply a policy to the catalogue.

    Checkpoints that cannot be restored do not count, lest they push out those that can; neither they nor those that
    are being restored are touched.

    :param remote: all parts of copies that the remote site knows.
    :param opposite: the catalogue of the primary site, all of which stays: what was copied the other way before the application
        was moved has the same marks. None when it is not known.
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
    return Retention(
        keep=tuple(Kept(one.checkpoint.id, tuple(reasons[one.checkpoint.id])) for one in kept),
        remove=tuple(one for one in manifests if one.checkpoint.id not in reasons),
        needed=frozenset(methods.needed(stays)),
        newest=max(counted, key=lambda one: counted[one], default=None),
        opposite=None if opposite is None else frozenset(one.checkpoint.id for one in opposite),
    )


@dataclasses.dataclass(frozen=True)
class Surplus:
    """What may go at one site.

    :param parts: of copies, the newest first.
    """

    parts: tuple[Part, ...]
    snapshots: tuple[Snapshot, ...] = ()


def surplus(application: str, retention: Retention, parts: t.Sequence[Part], snapshots: t.Sequence[Snapshot] = ()) -> Surplus:
    """What no checkpoint that stays needs.

    What belongs to no checkpoint of either catalogue is left over from an attempt that failed, or belongs to one that is
    being made right now: only what is older than the newest checkpoint goes. So it is with what has the marks of a checkpoint that is removed, but for
    what that names: one with the same id may be under way in the other direction. Where the other catalogue is not known,
    nothing counts as left over, and of the parts only those go that the removed checkpoints name: others with their marks
    may be of checkpoints of that catalogue with the same id.
    """
    removed = {one.checkpoint.id for one in retention.remove}
    named = methods.needed(retention.remove)
    stays = {one.id for one in retention.keep} | (retention.opposite or frozenset())
    ours = [one for one in parts if one.metadata.get(APPLICATION_KEY) == application]
    newest = [one for one in ours if retention.newest and one.metadata.get(CHECKPOINT_KEY) == retention.newest]
    before = min((one.data_timestamp for one in newest), default="")
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
    """Let also stay what increments need that are in no checkpoint's chain, as somebody else's are.

    Only the site that knows such an increment refuses to remove what it builds on, but the objects may be those of both sites.

    :param parts: all of the primary site's project.
    """
    going = {one.id for one in surplus(application, retention, parts).parts}
    others = [one for one in parts if one.id not in going and one.id not in retention.needed]
    return dataclasses.replace(retention, needed=retention.needed | {base for one in others for base in methods.builds_on(one, parts)})
