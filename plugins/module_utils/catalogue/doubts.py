# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is doubtful in a site's catalogue, by itself and compared with the site's backups. Pure.

A signature proves who wrote a manifest, but not that nobody removed a newer one or put back an older one. The backups are kept by
another service; each names its checkpoint and keeps a part of the manifest.
"""

from __future__ import annotations

import typing as t

from ..copies.method import Part
from ..manifest.manifest import Manifest
from ..manifest.signed import Seal
from .catalogue import Listing
from .known import KnownParts
from .rebuild import KeptManifest, Lost, kept_manifests

_REBUILD = "os_catalogue_rebuild restores it."


def unbound(listing: Listing, seal: Seal) -> list[str]:
    """Warnings about signatures that do not say to which catalogue they belong; none where no signature counts."""
    if seal.key is None or not listing.unbound:
        return []
    return [
        f"The signatures of these checkpoints do not say to which catalogue they belong, as those of earlier versions: {', '.join(listing.unbound)}. "
        "Somebody may have copied them from another one."
    ]


def unlisted(application: str, listed: t.Collection[str], parts: KnownParts, place: str) -> list[str]:
    """Warnings about checkpoints newer than the catalogue's newest, whose manifests only the backups have.

    :param listed: ids of all that are in the catalogue, the damaged ones too.
    :param parts: all of the site's project.
    """
    known, times = set(listed), parts.published.get(application, {})
    newest = max((time for checkpoint, time in times.items() if checkpoint in known), default="")
    return [
        f"Backups belong to checkpoint '{checkpoint}' of application '{application}' (of {time}), which is missing from {place} and newer than all "
        f"checkpoints there. It is being published or removed right now, or somebody deleted its manifest. {_REBUILD}"
        for checkpoint, time in sorted(times.items())
        if checkpoint not in known and time > newest
    ]


def replaced(manifest: Manifest, parts: t.Iterable[Part], seal: Seal) -> list[str]:
    """Warnings when the backups of a checkpoint keep another manifest than the catalogue.

    :param parts: all of the site's project that have its marks.
    """
    kept = kept_manifests(parts, seal)
    return [problem for one in kept if (problem := _difference(one, manifest))]


def _difference(kept: KeptManifest | Lost, manifest: Manifest) -> str:
    what = f"Checkpoint '{manifest.checkpoint.id}' of application '{manifest.application.name}'"
    if isinstance(kept, Lost):
        return f"{what} cannot be compared with the manifest in its backups: {kept.problem}"
    if kept.manifest == manifest:
        return ""
    return (
        f"{what}: the manifest in the catalogue (of {manifest.checkpoint.created_at}) differs from the one in the backups "
        f"(of {kept.manifest.checkpoint.created_at}). Publishing was interrupted, or somebody put an older one back. If the one in the catalogue is wrong, "
        "remove its object; " + _REBUILD
    )


def what_there_is(listing: Listing) -> str:
    """For somebody who does not find a checkpoint: those that there are, or why there is none."""
    if listing.kept:
        there = (f"{one.id} ({one.consistency}, of {one.created_at})" for one in (entry.checkpoint for entry in listing.kept))
        return f"There are: {', '.join(there)}.{_of_damaged(listing)}"
    if listing.damaged:
        return f"No checkpoint can be read.{_of_damaged(listing)}"
    return "It has no checkpoints at all: check the name, the project of the credentials and the container, or take a checkpoint first."


def _of_damaged(listing: Listing) -> str:
    if not listing.damaged:
        return ""
    problems = " ".join(one.problem for one in listing.damaged)
    return f" {len(listing.damaged)} damaged and unusable; os_catalogue_rebuild may restore them. {problems}"
