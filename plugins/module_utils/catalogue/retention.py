# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which checkpoints a retention policy keeps, and what may go with the others.

Pure: from what there is to what is to be removed. A backup goes only when no checkpoint that stays needs it, so chains
are never cut; what is not of the application is not looked at.
"""

from __future__ import annotations

import dataclasses
import datetime
import typing as t

from ..copies.plan import UNDER_WAY
from ..core.errors import InvalidInput
from ..core.records import APPLICATION_KEY, CHECKPOINT_KEY, Backup, Snapshot
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

    :param needed: ids of the backups that those which stay need.
    :param newest: id of the newest checkpoint that can be restored.
    :param opposite: ids of the checkpoints in the catalogue of the primary site; None when they are not known.
    """

    keep: tuple[Kept, ...]
    remove: tuple[Manifest, ...]
    needed: frozenset[str]
    newest: str | None
    opposite: frozenset[str] | None


def decide(
    policy: Policy, manifests: t.Sequence[Manifest], remote: t.Sequence[Backup], opposite: t.Sequence[Manifest] | None = ()
) -> Retention:
    """Apply a policy to the catalogue.

    Checkpoints that cannot be restored do not count, lest they push out those that can; neither they nor those that
    are being restored are touched.

    :param remote: all backups that the remote site knows.
    :param opposite: the catalogue of the primary site, all of which stays: what was copied the other way before the application
        was moved has the same marks. None when it is not known.
    """
    status = {backup.id: backup.status for backup in remote}
    alone: dict[str, list[str]] = {}
    for one in manifests:
        chain = {link for copy in one.copies for link in copy.chain}
        if any(status.get(link) not in ("available", "restoring") for link in chain):
            alone[one.checkpoint.id] = ["cannot be restored"]
        elif any(status[link] == "restoring" for link in chain):
            alone[one.checkpoint.id] = ["is being restored"]
    times = {one.checkpoint.id: one.checkpoint.moment for one in manifests}
    counted = {one: time for one, time in times.items() if alone.get(one) != ["cannot be restored"]}
    reasons = {**alone, **policy.choose(counted)}
    kept = [one for one in manifests if one.checkpoint.id in reasons]
    stays = [*kept, *(opposite or ())]
    return Retention(
        keep=tuple(Kept(one.checkpoint.id, tuple(reasons[one.checkpoint.id])) for one in kept),
        remove=tuple(one for one in manifests if one.checkpoint.id not in reasons),
        needed=frozenset(_links(stays)),
        newest=max(counted, key=lambda one: counted[one], default=None),
        opposite=None if opposite is None else frozenset(one.checkpoint.id for one in opposite),
    )


def _links(manifests: t.Iterable[Manifest]) -> t.Iterator[str]:
    """Ids of all backups that checkpoints consist of or build on."""
    return (link for one in manifests for copy in one.copies for link in copy.chain)


@dataclasses.dataclass(frozen=True)
class Surplus:
    """What may go at one site.

    :param backups: in the order in which they must go: what builds on another one before it.
    """

    backups: tuple[Backup, ...]
    snapshots: tuple[Snapshot, ...] = ()


def surplus(application: str, retention: Retention, backups: t.Sequence[Backup], snapshots: t.Sequence[Snapshot] = ()) -> Surplus:
    """What no checkpoint that stays needs.

    What belongs to no checkpoint of either catalogue is left over from an attempt that failed, or belongs to one that is
    being made right now: only what is older than the newest checkpoint goes. So it is with what has the marks of a checkpoint that is removed, but for
    what that names: one with the same id may be under way in the other direction. Where the other catalogue is not known,
    nothing counts as left over, and of the backups only those go that the removed checkpoints name: others with their marks
    may be of checkpoints of that catalogue with the same id.
    """
    removed = {one.checkpoint.id for one in retention.remove}
    named = set(_links(retention.remove))
    stays = {one.id for one in retention.keep} | (retention.opposite or frozenset())
    ours = [b for b in backups if b.metadata.get(APPLICATION_KEY) == application]
    newest = [b for b in ours if retention.newest and b.metadata.get(CHECKPOINT_KEY) == retention.newest]
    before = min((b.data_timestamp for b in newest), default="")
    is_known = retention.opposite is not None

    def is_left_over(checkpoint: str | None, time: str) -> bool:
        return is_known and checkpoint not in stays and time < before

    def goes(backup: Backup) -> bool:
        return backup.id in named or is_left_over(backup.metadata.get(CHECKPOINT_KEY), backup.data_timestamp)

    def is_old(snapshot: Snapshot) -> bool:
        checkpoint = snapshot.metadata.get(CHECKPOINT_KEY)
        return (checkpoint in removed and snapshot.created_at < before) or is_left_over(checkpoint, snapshot.created_at)

    gone = [b for b in ours if b.id not in retention.needed and b.status not in UNDER_WAY and goes(b)]
    old = [s for s in snapshots if s.metadata.get(APPLICATION_KEY) == application and is_old(s)]
    return Surplus(tuple(sorted(gone, key=lambda b: b.data_timestamp, reverse=True)), tuple(old))


def spare(application: str, retention: Retention, backups: t.Sequence[Backup]) -> Retention:
    """Let also stay what increments need that are in no checkpoint's chain, as somebody else's are.

    Only the site that knows such an increment refuses to remove what it builds on, but the objects may be those of both sites.

    :param backups: all of the primary site's project.
    """
    going = {one.id for one in surplus(application, retention, backups).backups}
    others = [one for one in backups if one.id not in going and one.id not in retention.needed]
    return dataclasses.replace(retention, needed=retention.needed | {link for one in others for link in _built_on(one, backups)})


def _built_on(backup: Backup, backups: t.Sequence[Backup]) -> t.Iterator[str]:
    """Cinder does not list it: it took the newest backup of the volume with older data."""
    one: Backup | None = backup
    while one and one.is_incremental:
        older = [b for b in backups if b.volume_id == one.volume_id and b.has_dependents and b.data_timestamp < one.data_timestamp]
        one = max(older, key=lambda b: b.data_timestamp, default=None)
        if one:
            yield one.id
