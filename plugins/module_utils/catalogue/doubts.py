# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the backups of a site say against its catalogue: pure.

A signature proves who wrote a manifest, not that nobody removed a newer one or put back an older one. The backups are kept by another
service, and each names the checkpoint that it belongs to and keeps a part of its manifest.
"""

from __future__ import annotations

import collections
import typing as t

from ..copies.method import Part
from ..core.records import APPLICATION_KEY, CHECKPOINT_KEY
from ..manifest.manifest import Manifest
from ..manifest.pieces import LABEL_KEY
from ..manifest.signed import Seal
from .catalogue import Listing
from .rebuild import Kept, Lost, kept_manifests

_REBUILD = "os_catalogue_rebuild writes it anew."


def unlisted(application: str, listing: Listing, parts: t.Iterable[Part], place: str) -> list[str]:
    """Checkpoints that the catalogue does not have although backups keep their manifests, and that are newer than all it has.

    :param parts: all of the site's project.
    """
    known = {one.checkpoint.id for one in listing.manifests} | {one.checkpoint for one in listing.damaged}
    times: dict[str, str] = collections.defaultdict(str)
    for part in parts:
        if part.metadata.get(APPLICATION_KEY) == application and LABEL_KEY in part.metadata:
            checkpoint = part.metadata.get(CHECKPOINT_KEY, "")
            times[checkpoint] = max(times[checkpoint], part.data_timestamp)
    newest = max((time for checkpoint, time in times.items() if checkpoint in known), default="")
    return [
        f"Backups belong to checkpoint '{checkpoint}' of application '{application}' (of {time}), which is newer than all in {place} and is not there: it is "
        f"being published or removed right now, or somebody deleted its manifest. {_REBUILD}"
        for checkpoint, time in sorted(times.items())
        if checkpoint not in known and time > newest
    ]


def replaced(manifest: Manifest, parts: t.Iterable[Part], seal: Seal) -> list[str]:
    """Whether the backups of a checkpoint keep another manifest than the catalogue has.

    :param parts: all of the site's project.
    """
    application, checkpoint = manifest.application.name, manifest.checkpoint.id
    marks = {APPLICATION_KEY: application, CHECKPOINT_KEY: checkpoint}
    kept = kept_manifests([one for one in parts if marks.items() <= one.metadata.items()], seal)
    return [problem for one in kept if (problem := _difference(one, manifest))]


def _difference(kept: Kept | Lost, manifest: Manifest) -> str:
    what = f"Checkpoint '{manifest.checkpoint.id}' of application '{manifest.application.name}'"
    if isinstance(kept, Lost):
        return f"{what} cannot be compared with what its backups keep of its manifest: {kept.problem}"
    if kept.manifest == manifest:
        return ""
    return (
        f"{what}: the catalogue has another manifest (of {manifest.checkpoint.created_at}) than the backups keep (of {kept.manifest.checkpoint.created_at}). "
        "Publishing was interrupted, or somebody put an older one back. Remove the object if it is the wrong one; " + _REBUILD
    )
