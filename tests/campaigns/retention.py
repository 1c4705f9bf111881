# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Random histories of two sites that share an object store, pruned again and again by the real plan.

Applications whose names begin alike take checkpoints, with ids that come again, in both directions; attempts are abandoned, others make
increments of their own on what is ours, or keep backups that are nobody's. Nothing that a checkpoint needs may go, and nothing of others.
"""

from __future__ import annotations

import contextlib
import dataclasses
import datetime
import typing as t
from unittest import mock

import counting
from ansible_collections.osdr.openstack.plugins.module_utils.catalogue import pruning, retention
from ansible_collections.osdr.openstack.plugins.module_utils.catalogue.catalogue import Overview
from ansible_collections.osdr.openstack.plugins.module_utils.catalogue.pruning import Pruning
from ansible_collections.osdr.openstack.plugins.module_utils.catalogue.retention import Policy
from ansible_collections.osdr.openstack.plugins.module_utils.core.errors import CloudError
from ansible_collections.osdr.openstack.plugins.module_utils.core.records import marks
from ansible_collections.osdr.openstack.plugins.module_utils.manifest.manifest import Outline
from ansible_collections.osdr.openstack.plugins.module_utils.manifest.pieces import LABEL_KEY
from ansible_collections.osdr.openstack.tests.unit.support import shop
from ansible_collections.osdr.openstack.tests.unit.support.fake_glance import cloud_with_images
from ansible_collections.osdr.openstack.tests.unit.support.fakes import backup, snapshot

SITES = ("primary", "remote")
APPLICATIONS = ("shop", "shop-2", "shop.old")
IDS = ("nightly", "noon", "night", "a")
BEGIN = datetime.datetime(2026, 1, 1)
BASE = shop.manifest()
STEPS = 30


class Site:
    """What one site knows."""

    def __init__(self, name):
        self.name = name
        self.cloud = cloud_with_images(name)
        self.by_id, self.snapshots_by_id, self.published = {}, {}, {}
        self.is_readable = True

    # As the plan sees it, as a publication, its storage and its catalogue.

    @property
    def storage(self):
        return self

    @property
    def catalogue(self):
        return self

    @property
    def site(self):
        return self.name

    def backups(self):
        return list(self.by_id.values())

    def backup(self, backup_id):
        return self.by_id.get(backup_id)

    def snapshots(self):
        return list(self.snapshots_by_id.values())

    def checkpoints(self, application, keep):
        if not self.is_readable:
            raise CloudError("The object store does not answer.")
        mine = [one for (name, _id), one in self.published.items() if name == application]
        return Overview(tuple(keep(one) for one in sorted(mine, key=lambda one: one.checkpoint.moment, reverse=True)), ())


@dataclasses.dataclass
class Attempt:
    """A checkpoint that was begun: under way until the next one of its application, or a move."""

    application: str
    backups: list[str]


class World:
    def __init__(self, dice):
        self.dice = dice
        self.sites = {name: Site(name) for name in SITES}
        self.active = dict.fromkeys(APPLICATIONS, "primary")
        self.generation = dict.fromkeys(APPLICATIONS, 0)
        self.objects, self.parent, self.theirs = set(), {}, set()
        self.under_way: dict[str, Attempt] = {}
        self.minutes = 0

    def time(self):
        self.minutes += self.dice.choice((1, 20, 61, 1500))
        return (BEGIN + datetime.timedelta(minutes=self.minutes)).isoformat()

    def other(self, site):
        return self.sites[SITES[1 - SITES.index(site.name)]]

    def chain(self, one):
        return (*self.chain(self.parent[one]), one) if one in self.parent else (one,)

    def backed_up(self, site, volume, time, metadata, target=None):
        """One more backup of a volume, on the newest one of it where Cinder and the target allow that."""
        newest = max((b for b in site.by_id.values() if b.volume_id == volume), key=lambda b: b.data_timestamp, default=None)
        one = f"backup-{len(self.objects) + len(self.parent)}-{self.minutes}-{volume}"
        is_incremental = bool(newest and newest.status == "available" and self.dice.random() < 0.7)
        if is_incremental and target and not all(link in target.by_id for link in self.chain(newest.id)):
            is_incremental = False
        if is_incremental:
            self.parent[one] = newest.id
            for where in self.sites.values():
                if newest.id in where.by_id and (where is site or target):
                    where.by_id[newest.id] = dataclasses.replace(where.by_id[newest.id], has_dependents=True)
        made = backup(one, id=one, volume_id=volume, data_timestamp=time, is_incremental=is_incremental, metadata=metadata)
        for where in filter(None, (site, target)):
            where.by_id[one] = made
        self.objects.add(one)
        return one

    def take(self):
        application = self.dice.choice(APPLICATIONS)
        checkpoint = self.dice.choice(IDS)
        source = self.sites[self.active[application]]
        target = self.other(source)
        if (application, checkpoint) in target.published:
            return
        self.under_way.pop(application, None)
        # Another attempt of the same id would adopt what is there; here it was left over and goes by its own course.
        time, metadata = self.time(), marks(application, checkpoint)
        volumes = [f"{application}-{self.generation[application]}-{number}" for number in range(self.dice.randint(1, 2))]
        end = self.dice.choice(("published",) * 4 + ("copied", "backed up"))
        own = [self.backed_up(source, one, time, metadata, None if end == "backed up" else target) for one in volumes]
        for one, volume in zip(own, volumes, strict=True):
            source.snapshots_by_id[f"s-{one}"] = snapshot(one, id=f"s-{one}", volume_id=volume, created_at=time, metadata=metadata)
        if end != "published":
            self.under_way[application] = Attempt(application, own)
            return
        self.label(target, own)
        copies = [dataclasses.replace(BASE.copies[0], volume_id=volume, copy_id=one, chain=self.chain(one)) for volume, one in zip(volumes, own, strict=True)]
        moment = dataclasses.replace(BASE.checkpoint, id=checkpoint, created_at=f"{time}Z", site=source.name)
        named = dataclasses.replace(BASE.description, application=dataclasses.replace(BASE.application, name=application))
        target.published[application, checkpoint] = dataclasses.replace(BASE, checkpoint=moment, description=named, copies=tuple(copies))

    def label(self, site, own):
        for one in own:
            site.by_id[one] = dataclasses.replace(site.by_id[one], metadata={**site.by_id[one].metadata, LABEL_KEY: "1:0"})

    def move(self):
        application = self.dice.choice(APPLICATIONS)
        self.active[application] = self.other(self.sites[self.active[application]]).name
        self.generation[application] += 1
        self.under_way.pop(application, None)

    def foreign(self):
        """Somebody else's backup: of a volume of ours, on what is ours perhaps, or of one of his own."""
        site = self.dice.choice(list(self.sites.values()))
        application = self.dice.choice(APPLICATIONS)
        volume = self.dice.choice((f"{application}-{self.generation[application]}-0", "theirs"))
        if volume != "theirs":
            site = self.sites[self.active[application]]
        metadata = self.dice.choice(({}, {"osdr_checkpoint": "noon"}, {"application": application}, marks("shop-3", "noon")))
        self.theirs.add(self.backed_up(site, volume, self.time(), metadata))

    def trouble(self):
        """A backup breaks, or is restored from right now."""
        site = self.dice.choice(list(self.sites.values()))
        if site.by_id:
            one = self.dice.choice(sorted(site.by_id))
            site.by_id[one] = dataclasses.replace(site.by_id[one], status=self.dice.choice(("available", "available", "restoring", "error")))

    def whole(self):
        """Checkpoints that could be restored now, with all that they need."""
        return {
            (site.name, *key): {link for copy in one.copies for link in copy.chain}
            for site in self.sites.values()
            for key, one in site.published.items()
            if all(link in self.objects and link in site.by_id for copy in one.copies for link in copy.chain)
        }

    def prune(self):
        application = self.dice.choice(APPLICATIONS)
        remote = self.dice.choice(list(self.sites.values()))
        primary = self.other(remote) if self.dice.random() < 0.7 else None
        if primary:
            primary.is_readable = self.dice.random() < 0.8
        policy = Policy.parse({self.dice.choice(("last", "daily", "hourly")): self.dice.randint(1, 3)})
        before, newest = self.whole(), remote.checkpoints(application, Outline.of).kept
        plan = Pruning(remote, primary, None, 1).plan(application, policy)
        if primary:
            primary.is_readable = True
        gone = {(remote.name, application, one.checkpoint.id) for one in plan.retention.remove}
        for _site, name, checkpoint in gone:
            del remote.published[name, checkpoint]
        yield from self.judge_plan(application, plan, newest, primary)
        self.apply(plan)
        yield from self.judge(application, before, gone, primary)

    def judge_plan(self, application, plan, newest, primary):
        going = {one.id: site.name for site, surplus in plan.sites for one in surplus.parts}
        for one, site in going.items():
            if self.sites[site].by_id[one].metadata.get("osdr_application") != application:
                yield f"backup {one} of others would go at {site}"
        attempt = self.under_way.get(application)
        if attempt and set(attempt.backups) & set(going):
            yield f"backups of a checkpoint that is being made would go: {sorted(set(attempt.backups) & set(going))}"
        for site, surplus in plan.sites:
            if site is self.sites[self.active[application]] and attempt:
                snapshots = {f"s-{one}" for one in attempt.backups} & {one.id for one in surplus.snapshots}
                if snapshots:
                    yield f"snapshots of a checkpoint that is being made would go: {sorted(snapshots)}"
        restorable = [one for one in newest if one not in plan.retention.remove]
        if newest and not restorable:
            yield "no checkpoint would be left"

    def apply(self, plan):
        """Cinder refuses what others of the same site build on; then the rest of the volume's is left alone at both sites."""
        refused, left = set(), set()
        for site, surplus in plan.sites:
            for one in surplus.parts:
                if one.id in left:
                    continue
                if one.volume_id in refused or any(self.parent.get(child) == one.id for child in site.by_id):
                    refused.add(one.volume_id)
                    left.add(one.id)
                else:
                    del site.by_id[one.id]
                    self.objects.discard(one.id)
            refused.clear()
            for one in surplus.snapshots:
                site.snapshots_by_id.pop(one.id, None)

    def judge(self, application, before, gone, primary):
        for (site, name, checkpoint), chain in before.items():
            if (site, name, checkpoint) not in gone and (chain - self.objects or chain - set(self.sites[site].by_id)):
                yield f"checkpoint {checkpoint} of {name} in the catalogue of {site} lost {sorted(chain - self.objects)}"
        # Nobody can know of increments at a site that is out of reach.
        if primary:
            for one in self.theirs:
                if any(one in site.by_id for site in self.sites.values()) and set(self.chain(one)) - self.objects:
                    yield f"somebody's backup {one} lost what it builds on"
        self.theirs = {one for one in self.theirs if not set(self.chain(one)) - self.objects}


def attempt(dice) -> t.Iterator[str]:
    world = World(dice)
    steps = (world.take,) * 6 + (world.move, world.foreign, world.trouble)
    for _step in range(STEPS):
        dice.choice(steps)()
        if dice.random() < 0.2:
            yield from world.prune()


@contextlib.contextmanager
def _needs_nothing() -> t.Iterator[None]:
    real = retention.decide
    with mock.patch.object(pruning, "decide", lambda *found: dataclasses.replace(real(*found), needed=frozenset())):
        yield


def _spares_nobody() -> t.ContextManager[t.Any]:
    return mock.patch.object(pruning, "spare", lambda application, found, backups: found)


@contextlib.contextmanager
def _takes_prefixes() -> t.Iterator[None]:
    class Prefix(str):
        def __eq__(self, other):
            return str(other).startswith(str(self))

        __hash__ = str.__hash__

    real = retention.surplus
    with mock.patch.object(pruning, "surplus", lambda application, *rest: real(Prefix(application), *rest)):
        yield


@contextlib.contextmanager
def _forgets_the_other_direction() -> t.Iterator[None]:
    real = retention.decide
    with mock.patch.object(pruning, "decide", lambda policy, manifests, remote, opposite: real(policy, manifests, remote, ())):
        yield


FAULTS = {
    "what checkpoints need goes": _needs_nothing,
    "increments of others are not spared": _spares_nobody,
    "names that begin alike are one application": _takes_prefixes,
    "what was copied the other way is not known": _forgets_the_other_direction,
}

if __name__ == "__main__":
    counting.Campaign("histories of retention", attempt, FAULTS, goal=20_000).main()
