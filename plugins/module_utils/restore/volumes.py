# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Restore the volumes of a checkpoint from their copies, in parallel within a limit."""

from __future__ import annotations

import dataclasses
import functools
import threading
import typing as t

from ..cloud.block_storage import BlockStorage
from ..copies import methods
from ..copies.twins import Scaffolding
from ..core.errors import Busy, CheckFailed, CloudError, DrError, ResourceFailed
from ..core.records import Volume
from ..manifest.manifest import Copy, Manifest
from ..work.clock import Moment
from ..work.pipeline import Pipeline
from ..work.pool import Outcome, attempt_each, each, values_of
from ..work.waiting import Waiter
from .cleanup import VolumeRemover
from .losses import losses_of_volumes
from .making import Giver
from .marks import is_restored_elsewhere
from .sealed import Unlocking
from .volume_plan import Action, VolumeStep, plan_volumes


@dataclasses.dataclass
class _VolumeTimes:
    """Seconds from the start of the run; None for what this run did not do or see."""

    requested: float | None = None
    ready: float | None = None


def _has_failed(step: VolumeStep) -> bool:
    return step.current is not None and step.current.status.startswith("error")


def states(steps: t.Sequence[VolumeStep]) -> tuple[dict[str, str], dict[str, str]]:
    """What a diff shows of the volumes: the state of each before, and after."""
    before = {step.label: step.current.status if step.current else "absent" for step in steps}
    return before, {step.label: "restored" if step.changes else before[step.label] for step in steps}


class VolumeRestore:
    """The volumes of one checkpoint at one site.

    :param concurrency: how many volumes are restored at once.
    :param unlocking: says from what encrypted volumes are restored; None where there are none, or nothing is restored.
    """

    def __init__(self, storage: BlockStorage, manifest: Manifest, waiter: Waiter, concurrency: int, unlocking: Unlocking | None = None) -> None:
        self.storage = storage
        self._unlocking = unlocking
        self.manifest = manifest
        self.waiter = waiter
        self.concurrency = concurrency
        self.started = Moment.now()
        self._began = waiter.clock.now()
        self._remover = VolumeRemover(storage, waiter, concurrency)
        self._giver = Giver(storage.cloud.site)
        #: What an operator should know of what was restored.
        self.warnings: list[str] = self._giver.warnings
        #: Sources of failed volumes that this run has removed.
        self._replaced: set[str] = set()
        #: Sources of volumes that somebody else's restore has spoilt, and that are made once more.
        self._anew: set[str] = set()
        self._times: dict[str, _VolumeTimes] = {volume.source_id: _VolumeTimes() for volume in manifest.description.volumes}

    def plan(self) -> list[VolumeStep]:
        """What is to be done now.

        :raises ManifestInvalid: for copies of a method that this release does not know.
        :raises CheckFailed: for encrypted volumes whose keys cannot be opened.
        """
        methods.refuse_unknown(self.manifest)
        steps = plan_volumes(self.manifest, self.storage.volumes())
        self._refuse_sealed(steps)
        return steps

    def _refuse_sealed(self, steps: t.Sequence[VolumeStep]) -> None:
        if self._unlocking and (problems := self._unlocking.problems(steps)):
            raise CheckFailed(f"Volumes cannot be restored on site '{self.storage.cloud.site}'", problems)

    def tell_losses(self, steps: t.Iterable[VolumeStep]) -> None:
        """Say what an earlier run's volumes are without."""
        self.warnings += losses_of_volumes(self.storage.cloud.site, steps)

    def begin(self, steps: t.Sequence[VolumeStep]) -> list[dict[str, t.Any]]:
        """Start as many restores as may run in parallel, without waiting for them."""
        self.tell_losses(steps)
        under_way = [step for step in steps if step.action is Action.WAIT]
        batch = [step for step in steps if step.action.reads][: max(0, self.concurrency - len(under_way))]
        begun = dict(enumerate(attempt_each(batch, self._start, self.concurrency)))
        values_of({number: outcome for number, outcome in begun.items() if not isinstance(outcome.error, Busy)})
        each([(step, step.current) for step in steps if step.action is Action.KEEP and step.current], self._complete, self.concurrency)
        return self.described()

    def described(self) -> list[dict[str, t.Any]]:
        """Every volume as it is now."""
        return [self._describe(step, step.current) for step in self.plan()]

    def finish(self, steps: t.Sequence[VolumeStep]) -> list[dict[str, t.Any]]:
        """Restore all volumes and wait until they are ready.

        :returns: a description of every volume, in the order of ``steps``.
        :raises DrError: naming each volume that failed; the others are kept for the next run.
        """
        self.tell_losses(steps)
        volumes = values_of(self.work(steps).run(self.concurrency, self.waiter))
        return [self._describe(step, volumes[step.spec.source_id]) for step in steps]

    def work(self, steps: t.Sequence[VolumeStep]) -> Pipeline[str, Volume]:
        """The restores, per source volume.

        :raises ManifestInvalid: for copies of a method that this release does not know.
        :raises CheckFailed: for encrypted volumes whose keys cannot be opened.
        """
        methods.refuse_unknown(self.manifest)
        self._refuse_sealed(steps)
        by_source = {step.spec.source_id: step for step in steps}
        return Pipeline(
            start={source: functools.partial(self._start, step) for source, step in by_source.items()},
            look=self._look,
            what=lambda source: f"volume {by_source[source].label} on site '{self.storage.cloud.site}' to be restored",
            size=lambda source: by_source[source].spec.size,
        )

    def predicted(self, steps: t.Iterable[VolumeStep]) -> list[dict[str, t.Any]]:
        """The expected volumes; new ones have no id yet."""
        return [self._describe(step, None if step.action is Action.REPLACE else step.current) for step in steps]

    def _start(self, step: VolumeStep) -> None:
        source = step.spec.source_id
        if step.action is Action.REPLACE and source not in self._replaced:
            self._remover.remove([t.cast(Volume, step.current)])
            self._replaced.add(source)
        if step.action.makes:
            self._create(step)
        if step.action is Action.FILL:
            self._fill(step)

    def _create(self, step: VolumeStep) -> None:
        """Start a restore.

        :raises Busy: when another restore of the same copy is running, for example a drill's.
        """
        asked, method = self._elapsed(), methods.method_of(step.copy)
        method.create_volume(self.storage, step.copy if method.fills(step.copy) else self._source(step), step.body())
        self._times[step.spec.source_id].requested = asked

    def _fill(self, step: VolumeStep) -> None:
        """Start giving an empty volume its content.

        :raises Busy: when another restore of the same copy is running.
        """
        copy, volume = self._source(step), t.cast(Volume, step.current)
        methods.method_of(copy).fill_volume(self.storage, copy, volume)
        # Not before: a run that is killed in between asks again, for the same content.
        self.storage.describe_volume(volume.id, step.name, step.mark.text())

    def _source(self, step: VolumeStep) -> Copy:
        return t.cast(Unlocking, self._unlocking).source(step) if step.copy.key else step.copy

    def _look(self, sources: t.Collection[str]) -> dict[str, Outcome[Volume]]:
        volumes = self.storage.volumes()
        now = [step for step in plan_volumes(self.manifest, volumes) if step.spec.source_id in sources]
        there = {step.spec.source_id: (step, step.current) for step in now if step.action is Action.KEEP and step.current}
        for source in there:
            self._times[source].ready = self._elapsed()
        completed = dict(zip(there, attempt_each(there.values(), self._complete, self.concurrency), strict=True))
        again = {step.spec.source_id: step for step in now if self._is_to_be_made_anew(step, volumes)}
        empty = {step.spec.source_id: step for step in now if step.action is Action.FILL}
        refused = {**self._refusals(again, self._make_anew), **self._refusals(empty, self._fill)}
        failed = {
            step.spec.source_id: Outcome[Volume](error=self._failure(step))
            for step in now
            if _has_failed(step) and step.spec.source_id not in again
        }
        return {**completed, **refused, **failed}

    def _refusals(self, steps: t.Mapping[str, VolumeStep], act: t.Callable[[VolumeStep], None]) -> dict[str, Outcome[Volume]]:
        """Do something about volumes; whatever is busy is tried again in the next round."""
        done = zip(steps, attempt_each(steps.values(), act, self.concurrency), strict=True)
        return {source: Outcome[Volume](error=one.error) for source, one in done if one.error and not isinstance(one.error, Busy)}

    def _is_to_be_made_anew(self, step: VolumeStep, volumes: t.Iterable[Volume]) -> bool:
        """Retry once: when one restore of a backup ends, Cinder may take that for the cancellation of another that is still running."""
        source = step.spec.source_id
        if step.current is None:
            return source in self._anew
        return _has_failed(step) and source not in self._anew and is_restored_elsewhere(step.mark, volumes)

    def _make_anew(self, step: VolumeStep) -> None:
        self._anew.add(step.spec.source_id)
        if step.current:
            self._remover.remove([step.current])
        self._create(step)

    def _failure(self, step: VolumeStep) -> DrError:
        """The error for a failed restore; only the volume shows it, the copy is unchanged."""
        volume, method = t.cast(Volume, step.current), methods.method_of(step.copy)
        return ResourceFailed(
            f"Volume {step.label} ({volume.id}) could not be restored from {method.label(step.copy)} on site "
            f"'{self.storage.cloud.site}': its status is '{volume.status}'.{self._reason(volume)}",
            f"{method.where_to_look}; "
            "then re-run the restore, which replaces failed volumes and keeps the others.",
            resource_type="volume",
            resource_id=volume.id,
        )

    def _reason(self, volume: Volume) -> str:
        try:
            reason = self.storage.failure_reason(volume.id)
        except CloudError:
            # The failure itself must be told, whether or not Cinder can say more.
            return ""
        return f" Cinder says: {reason}" if reason else ""

    def _complete(self, restored: tuple[VolumeStep, Volume]) -> Volume:
        step, volume = restored
        if not step.is_complete(volume):
            self._finish(step, volume)
        return volume

    def _finish(self, step: VolumeStep, volume: Volume) -> None:
        """Give a restored volume what no backup brings back; name and description, by which it is found until then, come last."""
        if step.copy.key:
            Scaffolding.of(self.storage, step.mark).remove(self.storage, self.waiter)
        self.storage.set_volume_metadata(volume.id, step.metadata_of(volume))
        self._give_attributes(step, volume)
        self.storage.describe_volume(volume.id, step.own_name, step.description)

    def _give_attributes(self, step: VolumeStep, volume: Volume) -> None:
        """What a site may refuse. The volume is complete without it, and a warning says so."""
        what, image_metadata = f"Volume {step.label}", step.image_metadata_for(volume)
        if image_metadata:
            told = f"properties of its image (volume_image_metadata: {', '.join(sorted(image_metadata))})"
            self._giver.give(what, told, lambda: self.storage.set_volume_image_metadata(volume.id, image_metadata))
        if step.spec.bootable != volume.bootable:
            self._set_bootable(step, volume)
        if step.spec.is_read_only and not volume.is_read_only:
            self._giver.give(what, "its read-only flag (readonly)", lambda: self.storage.make_volume_read_only(volume.id))

    def _set_bootable(self, step: VolumeStep, volume: Volume) -> None:
        """Say whether servers can boot from a volume; one with an image's properties comes back bootable."""

        def set_it() -> None:
            self.storage.set_volume_bootable(volume.id, step.spec.bootable)

        if step.boots:
            # Nova would not build its server, so the next run has to try again.
            set_it()
        else:
            self._giver.give(f"Volume {step.label}", f"its bootable flag (bootable: {str(step.spec.bootable).lower()})", set_it)

    def _describe(self, step: VolumeStep, volume: Volume | None) -> dict[str, t.Any]:
        return {
            "source_id": step.spec.source_id,
            "servers": list(step.servers),
            "name": step.name,
            "device": step.spec.device,
            "size": step.spec.size,
            "copy_id": step.copy.copy_id,
            "volume_id": volume.id if volume else None,
            "status": volume.status if volume else "absent",
            "seconds": dataclasses.asdict(self._times[step.spec.source_id]),
        }

    def _elapsed(self) -> float:
        return round(self.waiter.clock.now() - self._began, 1)


class VolumesUnderWay:
    """Volumes that are restored while their servers are built, in rounds between other work.

    Not for several threads at once.
    """

    def __init__(self, restore: VolumeRestore, steps: t.Sequence[VolumeStep]) -> None:
        self._restore = restore
        self.steps = steps
        restore.tell_losses(steps)
        self._work = restore.work(steps)

    @property
    def warnings(self) -> list[str]:
        return self._restore.warnings

    @property
    def ended(self) -> bool:
        return self._work.ended

    def advance(self) -> None:
        """Start what fits within the limit, and note what has ended."""
        if not self.ended:
            self._work.advance(self._restore.concurrency, self._restore.waiter)

    def advance_until(self, done: threading.Event) -> None:
        """Continue until something else is done, or nothing is left to do."""
        while not (done.is_set() or self.ended):
            self.advance()
            done.wait(self._restore.waiter.interval)

    def outcome(self, source: str) -> Outcome[Volume] | None:
        """The restored volume, or why it failed; None while it is being restored."""
        return self._work.outcome(source)

    def described(self) -> list[dict[str, t.Any]]:
        return self._restore.described()
