# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Select the volumes whose content is proved in a run, so that within a number of runs all of it is. Pure.

The manifests say when each volume was last proved. A run that fails publishes none, so the next run selects the same volumes; those
whose proof failed are selected in any case.
"""

from __future__ import annotations

import dataclasses
import typing as t

from ..core.records import DIFFERS_KEY, UNPROVED_KEY, Backup
from ..manifest.manifest import Content, Outline

#: Of the content of volumes, per id.
Contents = t.Mapping[str, Content]


def last_proofs(manifests: t.Iterable[Outline], besides: str) -> Contents:
    """What the newest checkpoint with each volume says of its content.

    :param manifests: of an application, the newest first.
    :param besides: id of a checkpoint that does not count: the one that is being copied, perhaps not for the first time.
    """
    found: dict[str, Content] = {}
    for manifest in manifests:
        if manifest.checkpoint.id != besides:
            found = {copy.volume_id: copy.content for copy in manifest.copies} | found
    return found


@dataclasses.dataclass(frozen=True)
class Sampling:
    """Selects volumes, and notes what a checkpoint proves of their content.

    :param checkpoint: its id.
    :param runs: within how many checkpoints the content of each volume is proved.
    :param contents: what earlier checkpoints proved.
    """

    checkpoint: str = ""
    runs: int = 1
    contents: Contents = dataclasses.field(default_factory=dict)

    def chosen(self, volumes: t.Collection[str], backups: t.Iterable[Backup]) -> set[str]:
        """The volumes to prove: an equal share of all, never proved ones first, then those passed over most often.

        Volumes whose turn is now at the latest, and those whose last proof failed, are selected even if that makes more than the share.

        :param volumes: ids of the checkpoint's volumes.
        :param backups: of the primary site; their marks tell which proofs failed.
        """
        share = -(-len(volumes) // self.runs)
        ordered = sorted(volumes, key=self._rank)
        failed = {one.volume_id for one in backups if self._has_failed(one)}
        return {one for one in ordered if self.last(one).passed_over >= self.runs - 1 or one in failed} | set(ordered[:share])

    def after(self, volume_id: str, proved_at: str, how: str) -> Content:
        """What is known of a volume's content after this checkpoint, which proves that of a sample.

        :param proved_at: empty when the volume is not in the sample.
        :param how: it is proved.
        """
        if proved_at:
            return Content(proved_at, self.checkpoint, how)
        last = self.last(volume_id)
        return dataclasses.replace(last, passed_over=last.passed_over + 1)

    def last(self, volume_id: str) -> Content:
        """What earlier checkpoints proved of a volume."""
        return self.contents.get(volume_id, Content())

    def _rank(self, volume_id: str) -> tuple[bool, int, str, str]:
        last = self.last(volume_id)
        return (last.proved_at != "", -last.passed_over, last.proved_at, volume_id)

    def _has_failed(self, backup: Backup) -> bool:
        """Whether a proof of the backup failed, and none of its volume has succeeded since."""
        attempts = [backup.metadata[key] for key in (UNPROVED_KEY, DIFFERS_KEY) if key in backup.metadata]
        return any(one > self.last(backup.volume_id).proved_at for one in attempts)
