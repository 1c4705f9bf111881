# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The list of the methods of copying; a new method is a file of its own and a line here.

Also answers questions about whole checkpoints, whose copies may be of several methods.
"""

from __future__ import annotations

import typing as t

from ..cloud.block_storage import BlockStorage
from ..core.errors import ManifestInvalid
from ..manifest.manifest import Copy, Manifest, Outline
from ..work.waiting import Waiter
from .cinder_backup import CinderBackup
from .glance_image import GlanceImage
from .method import CopyMethod, Lack, Part, Parts, States
from .mirrored_volume import MirroredVolume

#: Per name, as manifests have it; the first is the default.
METHODS: t.Mapping[str, CopyMethod] = {method.name: method for method in (CinderBackup(), GlanceImage(), MirroredVolume())}


def method_of(copy: Copy) -> CopyMethod:
    """The method of a copy.

    :raises ManifestInvalid: for a method that this release does not know.
    """
    if copy.method not in METHODS:
        raise ManifestInvalid(_unknown(copy))
    return METHODS[copy.method]


def method_of_part(part: Part) -> CopyMethod:
    return next(method for method in METHODS.values() if isinstance(part, method.part_type))


def unknown_problems(manifest: Manifest | Outline) -> list[str]:
    """Problems of copies whose method this release does not know."""
    return [_unknown(copy) for copy in manifest.copies if copy.method not in METHODS]


def refuse_unknown(manifest: Manifest) -> None:
    """Refuse a checkpoint with copies that this release does not know.

    :raises ManifestInvalid: when a copy was made by a method that this release does not know.
    """
    if problems := unknown_problems(manifest):
        raise ManifestInvalid(" ".join(problems))


def _unknown(copy: Copy) -> str:
    return (
        f"The copy of volume {copy.volume_id} was made by the method '{copy.method}', which this release does not know (it knows "
        f"{', '.join(METHODS)}). Use a release of osdr.openstack that knows it."
    )


def pending(volume_id: str, size: int, is_image: bool = False) -> Copy:
    """A placeholder for a copy that is yet to be made; it needs nothing.

    :param size: of the volume, in GiB.
    :param is_image: whether it is of a root disk that is no volume.
    """
    method = METHODS[GlanceImage.name] if is_image else next(iter(METHODS.values()))
    return method.pending(volume_id, size)


def look(storage: BlockStorage, copies: t.Iterable[Copy] = (), concurrency: int = 1) -> list[Part]:
    """All parts of copies that the project has at a site.

    :param copies: copies whose parts are wanted even if they belong to another project, as far as the credentials may see them.
    :param concurrency: how many calls in parallel.
    """
    wanted = list(copies)
    return [
        part
        for name, method in METHODS.items()
        for part in method.look(storage, [copy for copy in wanted if copy.method == name], concurrency)
    ]


def each(storage: BlockStorage) -> t.Iterator[Part]:
    """All parts of copies that the project has at a site, one after the other as they are read."""
    for method in METHODS.values():
        yield from method.each(storage)


def by_id(parts: t.Iterable[Part]) -> dict[str, Part]:
    return {part.id: part for part in parts}


def lacks(copy: Copy, parts: States) -> list[Lack]:
    """What a site lacks of a copy; nothing is listed for an unknown method, see :func:`unknown_problems`."""
    method = METHODS.get(copy.method)
    return method.lacks(copy, parts) if method else []


def misfits(copy: Copy, parts: Parts, volume_type: str, zone: str) -> list[str]:
    """Why no such volume can be made from what there is of a copy, at the beginning of sentences.

    :param volume_type: of the new volume, by its name at the site; empty for the default. The same holds for its zone.
    """
    method = METHODS.get(copy.method)
    found = [parts[one] for one in method.needs(copy) if one in parts] if method else []
    return [misfit for part in found if method and (misfit := method.misfit(part, volume_type, zone))]


def is_being_restored(manifest: Manifest | Outline, parts: Parts) -> bool:
    return any(method_of(copy).is_being_restored(copy, parts) for copy in manifest.copies)


def needed(manifests: t.Iterable[Manifest | Outline]) -> set[str]:
    """Ids of all parts that checkpoints need."""
    return {one for manifest in manifests for copy in manifest.copies for one in method_of(copy).needs(copy)}


def carriers(manifest: Manifest | Outline, parts: t.Iterable[Part]) -> list[Part]:
    """The parts that keep a checkpoint's manifest."""
    own = {one for copy in manifest.copies for one in method_of(copy).carriers(copy)}
    return [part for part in parts if part.id in own]


def mark(storage: BlockStorage, part: Part, metadata: t.Mapping[str, str]) -> None:
    """Replace the metadata of a part that keeps a manifest."""
    method_of_part(part).mark(storage, part, metadata)


def bases(needing: t.Iterable[Part], parts: t.Sequence[Part]) -> set[str]:
    """Ids of the parts that some need, even if they are in no manifest.

    :param parts: all that the site knows.
    """
    wanted = list(needing)
    return {one for method in METHODS.values() for one in method.bases(method.own(wanted), method.own(parts))}


def delete(storage: BlockStorage, part: Part) -> None:
    """Start removing a part.

    :raises CloudError: with status 400 when it cannot be removed.
    """
    method_of_part(part).delete(storage, part)


def await_removal(storage: BlockStorage, part: Part, waiter: Waiter) -> None:
    """Wait until a part has been removed.

    :raises DrError: when its removal failed.
    """
    method = method_of_part(part)
    what = method.part_label(part.id)
    waiter.until(f"{what[0].lower()}{what[1:]} on site '{storage.cloud.site}' to be deleted", lambda: method.is_gone(storage, part))


def removal_order(parts: t.Iterable[Part]) -> list[list[Part]]:
    """Lists of parts to remove one after the other; the lists can be worked on in parallel."""
    listed = list(parts)
    return [
        ordered
        for method in METHODS.values()
        for ordered in method.removal_order(method.own(listed))
    ]


def extent(document: t.Mapping[str, t.Any]) -> str:
    """What a copy consists of, in words for reports; nothing for an unknown method.

    :param document: the copy in an unvalidated manifest.
    """
    method = METHODS.get(str(document.get("method")))
    return method.extent(document) if method else ""
