# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Copy the root disks of a checkpoint to the remote site by images.

Each image that Nova made at the primary site is read from Glance there and written to Glance at the remote site, a block at a time. Glance takes
the data of an image in one request only, so an image whose copying was interrupted is copied from its beginning; complete ones are kept.
What arrived is compared with what was read by its digest, which Glance computes of what it stores.
"""

from __future__ import annotations

import dataclasses
import hashlib
import typing as t
import uuid

from ..cloud.images import Images
from ..core.errors import CheckFailed, CloudError, ResourceFailed
from ..core.image_marks import CopyMark, root_of, root_size, travelling
from ..core.records import Image
from ..manifest.manifest import Copy
from ..manifest.pieces import LABEL_KEY
from ..work.pool import each
from ..work.progress import Progress
from ..work.waiting import Waiter
from .delivery import Delivery
from .glance_image import GlanceImage
from .image_room import limit_problems
from .method import Copied, Copying
from .options import ReplicationOptions
from .sites import Sites, time_of_proof
from .transport import RateLimit
from .verification import OBJECTS

#: What Glance computes unless it is told otherwise.
_ALGORITHM = "sha512"
#: In which Glance takes or makes something of the data of an image; one whose writer has died goes back to the first of all.
_EMPTY, _BUSY, _COMPLETE = "queued", ("saving", "uploading", "importing"), "active"


@dataclasses.dataclass(frozen=True)
class _Task:
    """The copying of one root disk.

    :param source: the image that Nova made; None where it is gone, and the copy is all that is left.
    :param copy: what is there of the copy.
    """

    root: str
    source: Image | None
    copy: Image | None

    @property
    def is_done(self) -> bool:
        return self.copy is not None and _is_whole(self.copy)

    @property
    def size(self) -> int:
        return self.source.size if self.source and not self.is_done else 0


def _is_whole(copy: Image) -> bool:
    """Whether a copy has all its data, and they were compared."""
    mark = CopyMark.on(copy)
    return copy.status == _COMPLETE and mark is not None and bool(mark.digest)


class ImageCopying(Copying):
    """Copies the images of one checkpoint; adopts what an earlier run did."""

    def __init__(self, sites: Sites, options: ReplicationOptions, waiter: Waiter, progress: Progress) -> None:
        self._here, self._there = Images(sites.primary.cloud), Images(sites.remote.cloud)
        self._wanted, self._delivery, self._effort = options.wanted, options.delivery, options.effort
        self._waiter = waiter
        self._progress = progress
        self._limit = RateLimit(self._effort.bandwidth, self._effort.clock)
        self._made: list[Image] = [one for one in self._here.images() if root_of(one) and self._is_mine(one.properties)]

    @property
    def has_images(self) -> bool:
        """Whether the checkpoint has any root disks that are no volumes."""
        return bool(self._tasks())

    def check(self) -> None:
        self._checked()

    def _checked(self) -> tuple[list[_Task], list[Image]]:
        """What is to be copied, and what is to be deleted before."""
        tasks = self._tasks()
        self._refuse_unfinished()
        surplus = self._surplus(tasks)
        self._refuse_too_many(tasks, surplus)
        return tasks, surplus

    def carry_out(self) -> Copied:
        tasks, surplus = self._checked()
        each(surplus, lambda image: self._there.delete(image.id), self._effort.concurrency)
        to_do = [task for task in tasks if not task.is_done]
        self._progress.begin("copying images", "images", len(to_do), sum(task.size for task in to_do))
        each(to_do, self._copy, self._effort.concurrency)
        done = self._tasks()
        return self._copied(tasks, bool(to_do or surplus), self._proved(done))

    def foresee(self) -> Copied:
        tasks = self._tasks()
        surplus = self._surplus(tasks)
        self._refuse_too_many(tasks, surplus)
        copies = [self._described(task, OBJECTS, "") for task in tasks if task.is_done]
        return self._copied(tasks, any(not task.is_done for task in tasks) or bool(surplus), copies)

    # Planning

    def _is_mine(self, metadata: t.Mapping[str, str]) -> bool:
        return self._wanted.metadata.items() <= metadata.items()

    def _copies_there(self) -> dict[str, tuple[Image, CopyMark]]:
        found = [(one, mark) for one in self._there.images() if (mark := CopyMark.on(one)) and self._is_mine(mark.metadata)]
        return {image.id: (image, mark) for image, mark in found}

    def _tasks(self) -> list[_Task]:
        """One for each root disk. Where Nova's images are gone, the copies are all that is left of the checkpoint."""
        there = self._copies_there().values()
        tasks = [] if self._made else [_Task(mark.root, None, image) for image, mark in there if _is_whole(image)]
        for source in self._made:
            mine = [image for image, mark in there if mark.of == source.id]
            best = min(mine, key=lambda image: (not _is_whole(image), image.id), default=None)
            tasks.append(_Task(t.cast(str, root_of(source)), source, best))
        return sorted(tasks, key=lambda task: task.root)

    def _surplus(self, tasks: t.Sequence[_Task]) -> list[Image]:
        """What has the marks of this checkpoint and is no copy of its images, but of those of an attempt that was given up.

        :raises CheckFailed: when a checkpoint was published with it.
        """
        kept = {task.copy.id for task in tasks if task.copy}
        found = [(image, mark) for image, mark in self._copies_there().values() if self._made and image.id not in kept]
        published = [image.id for image, mark in found if LABEL_KEY in mark.metadata]
        self._refuse(
            [
                f"A checkpoint with this id was published with image {one} at site '{self._there.cloud.site}', which is of another moment. Give another "
                "id, or first remove that checkpoint with os_checkpoint (state: absent)."
                for one in published
            ]
        )
        return [image for image, _mark in found]

    def _refuse_unfinished(self) -> None:
        problems = [
            f"Image {one.id} of the root disk of server {root_of(one)} on site '{self._here.cloud.site}' is {one.status}; it must be {_COMPLETE}. Retake the "
            "snapshots with os_cg_snapshot."
            for one in self._made
            if one.status != _COMPLETE
        ]
        self._refuse(problems)

    def _refuse_too_many(self, tasks: t.Sequence[_Task], surplus: t.Sequence[Image]) -> None:
        """Refuse what the remote site's limits have no room for."""
        count = sum(task.copy is None for task in tasks) - len(surplus)
        size = sum(task.size for task in tasks) - sum(image.size for image in surplus)
        if not all(task.is_done for task in tasks):
            self._refuse(limit_problems(self._there, max(0, count), max(0, size)))

    def _refuse(self, problems: t.Sequence[str]) -> None:
        if problems:
            raise CheckFailed(f"Checkpoint '{self._wanted.checkpoint}' of '{self._wanted.application}' cannot be copied", problems)

    # Copying

    def _copy(self, task: _Task) -> None:
        source = t.cast(Image, task.source)
        self._effort.insist(lambda: self._copy_once(source))
        self._progress.add(steps=1)

    def _copy_once(self, source: Image) -> None:
        """Copy an image from its beginning."""
        target = self._target(source)
        digest, moved = hashlib.new(_ALGORITHM), 0

        def passing(blocks: t.Iterator[bytes]) -> t.Iterator[bytes]:
            nonlocal moved
            for block in blocks:
                self._limit.take(len(block))
                digest.update(block)
                moved += len(block)
                self._progress.add(size=len(block))
                yield block

        try:
            with self._here.stream(source.id, self._effort.stall_timeout) as blocks:
                self._there.upload(target.id, passing(blocks), source.size, self._effort.stall_timeout)
            stored = self._stored(target.id)
            self._compare(source, stored, digest.hexdigest())
            mark = t.cast(CopyMark, CopyMark.on(stored))
            self._there.set_properties(stored.id, dataclasses.replace(mark, digest=digest.hexdigest()).properties())
        except BaseException:
            self._progress.add(size=-moved)
            raise

    def _target(self, source: Image) -> Image:
        """The image that takes the data: what an interrupted run left, or a new one."""
        left = next((image for image, mark in self._copies_there().values() if mark.of == source.id), None)
        if left and left.status in _BUSY:
            left = self._settled(left)
        if left and left.status == _EMPTY:
            return left
        if left:
            self._there.delete(left.id)
        return self._there.create(self._body(source))

    def _settled(self, image: Image) -> Image | None:
        """What becomes of an image that somebody writes, perhaps a run that has died: Glance notices its end sooner or later."""
        waiter = dataclasses.replace(self._waiter, timeout=self._effort.stall_timeout)

        def settled() -> tuple[Image | None] | None:
            found = self._there.image(image.id)
            return None if found and found.status in _BUSY else (found,)

        what = f"image {image.id} on site '{self._there.cloud.site}', which another run began to write, to be complete or empty again"
        return waiter.until(what, settled)[0]

    def _body(self, source: Image) -> dict[str, t.Any]:
        """What the copy is made with; its own id is part of its mark."""
        image_id = str(uuid.uuid4())
        mark = CopyMark(image_id, source.id, t.cast(str, root_of(source)), root_size(source), self._wanted.metadata, "")
        formats = {"disk_format": source.disk_format, "container_format": source.container_format}
        needs = {"min_disk": source.min_disk, "min_ram": source.min_ram}
        return {**travelling(source), **mark.properties(), **formats, **needs, "id": image_id, "name": source.name, "visibility": "private"}

    def _stored(self, image_id: str) -> Image:
        found = self._there.image(image_id)
        if found is None or found.status != _COMPLETE:
            raise ResourceFailed(
                f"Image {image_id} on site '{self._there.cloud.site}' is {found.status if found else 'gone'} after it was written.",
                "Check the log of the site's Glance, and that its store has room; then re-run.",
                resource_type="image",
                resource_id=image_id,
            )
        return found

    def _compare(self, source: Image, stored: Image, digest: str) -> None:
        """Require that what was read is what Nova made, and what was stored is what was read."""
        read_wrong = source.hash_algo == _ALGORITHM and source.hash_value != digest
        stored_wrong = (stored.hash_value if stored.hash_algo == _ALGORITHM else self._digest_of(stored.id)) != digest
        if not (read_wrong or stored_wrong):
            return
        self._there.delete(stored.id)
        where = self._here.cloud.site if read_wrong else self._there.cloud.site
        raise ResourceFailed(
            f"Image {source.id} on site '{self._here.cloud.site}' was not copied: site '{where}' returned or stored other data than the image has "
            f"({_ALGORITHM} differs).",
            "Check the store of that site's Glance; then re-run, or retake the snapshots.",
        )

    # Proving and describing

    def _digest_of(self, image_id: str) -> str:
        """The digest of what a copy really holds, by reading all of it."""
        digest = hashlib.new(_ALGORITHM)
        with self._there.stream(image_id, self._effort.stall_timeout) as blocks:
            for block in blocks:
                digest.update(block)
        return digest.hexdigest()

    def _proved(self, tasks: t.Sequence[_Task]) -> list[Copy]:
        chosen = self._chosen(tasks)
        self._progress.begin("reading back images", "images", len(chosen))
        return each(tasks, lambda task: self._prove(task, task.root in chosen), self._effort.concurrency)

    def _chosen(self, tasks: t.Sequence[_Task]) -> set[str]:
        """Ids of the servers whose copies are read back."""
        delivery: Delivery = self._delivery
        return delivery.restored([task.root for task in tasks], ())

    def _prove(self, task: _Task, reads_back: bool) -> Copy:
        copy = t.cast(Image, task.copy)
        if not reads_back:
            return self._described(task, OBJECTS, "")
        if self._digest_of(copy.id) != t.cast(CopyMark, CopyMark.on(copy)).digest:
            raise ResourceFailed(
                f"The content of image {copy.id} on site '{self._there.cloud.site}' is not what was stored there ({_ALGORITHM} differs).",
                "Remove the image, and check the store of that site's Glance; then re-run.",
            )
        self._progress.add(steps=1)
        return self._described(task, self._delivery.depth, time_of_proof(self._there.cloud, self._waiter.clock))

    def _described(self, task: _Task, depth: str, proved_at: str) -> Copy:
        copy = t.cast(Image, task.copy)
        mark = t.cast(CopyMark, CopyMark.on(copy))
        return Copy(
            volume_id=task.root,
            method=GlanceImage.name,
            copy_id=copy.id,
            chain=(copy.id,),
            size=mark.size,
            incremental=False,
            object_count=1,
            stored_bytes=copy.size,
            inventory=f"sha256:{hashlib.sha256(f'{mark.digest} {copy.size}'.encode()).hexdigest()}",
            verified=depth,
            content=self._delivery.content(task.root, proved_at),
        )

    @staticmethod
    def _copied(tasks: t.Sequence[_Task], changed: bool, copies: t.Sequence[Copy]) -> Copied:
        before = tuple(sorted(task.root for task in tasks if task.is_done))
        return Copied(changed, before, tuple(sorted(task.root for task in tasks)), tuple(copies))


def image_problems(sites: Sites, count: int, metadata: t.Mapping[str, str]) -> list[str]:
    """Why images could not be made at one site and copied to the other, as far as that can be found out without doing it.

    :param count: how many root disks.
    :param metadata: the marks of their checkpoint; what an earlier run of it made is not needed again.
    """
    problems = []
    for storage in (sites.primary, sites.remote):
        images = Images(storage.cloud)
        try:
            made = sum(metadata.items() <= _marks_of(one).items() for one in images.images())
            problems += limit_problems(images, max(0, count - made))
        except CloudError as error:
            problems.append(f"{error.message} Root disks of servers that boot from images are copied from one Glance to the other.")
    return problems


def _marks_of(image: Image) -> t.Mapping[str, str]:
    mark = CopyMark.on(image)
    return mark.metadata if mark else image.properties
