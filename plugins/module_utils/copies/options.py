# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The options for copying a checkpoint."""

from __future__ import annotations

import dataclasses
import typing as t

from ..core.errors import InvalidInput
from ..manifest.manifest import Outline
from ..manifest.volume_keys import SealedKey, Sealer, sealer_of
from ..mirror.options import MirrorOptions
from .delivery import Delivery
from .plan import WantedBackups
from .sampling import Contents, Sampling
from .transport import MIRROR, Effort
from .verification import RECORDS

_MIB = 1024**2
#: The smallest allowed values.
_LEAST = {"full_every": 1, "concurrency": 1, "stall_timeout": 1, "bandwidth": 0, "verification_runs": 1}


def require_least(options: t.Mapping[str, t.Any], smallest: t.Mapping[str, int]) -> None:
    """Require numbers that are large enough.

    :param smallest: the smallest allowed value per option.
    :raises InvalidInput: naming the first that is too small.
    """
    for option, least in smallest.items():
        if options[option] < least:
            raise InvalidInput(f"{option} is {options[option]}; it must be at least {least}.")


@dataclasses.dataclass(frozen=True)
class ReplicationOptions:
    """How a checkpoint is copied.

    :param sealer: for the keys of encrypted volumes; None to refuse such volumes.
    :param sealed: the keys that the checkpoint's manifest has already, per id of the copy.
    :param mirror: how the storage that mirrors the volumes is reached; None where backups are made.
    """

    wanted: WantedBackups
    delivery: Delivery
    effort: Effort
    sealer: Sealer | None = None
    sealed: t.Mapping[str, SealedKey] = dataclasses.field(default_factory=dict)
    mirror: MirrorOptions | None = None

    @classmethod
    def parse(cls, application: str, checkpoint: str, options: t.Mapping[str, t.Any]) -> ReplicationOptions:
        """Read the options.

        :param options: those of os_backup_replicate.
        :raises InvalidInput: for numbers that are too small.
        """
        require_least(options, _LEAST)
        return cls(
            WantedBackups(application, checkpoint, options["full_every"], options["availability_zone"], options["backup_container"]),
            Delivery(options["transport"], options["verification"], Sampling(checkpoint, options["verification_runs"])),
            Effort(options["concurrency"], options["stall_timeout"], options["bandwidth"] * _MIB or None),
            sealer_of(options["volume_public_key"]),
            mirror=mirror_options(options),
        )

    def knowing(self, contents: Contents) -> ReplicationOptions:
        """The same, with what earlier checkpoints proved of the volumes' content."""
        return dataclasses.replace(self, delivery=self.delivery.knowing(contents))

    def keeping(self, manifests: t.Iterable[Outline]) -> ReplicationOptions:
        """The same, with the keys that an earlier run has sealed.

        Sealed again, a key is another text. What is published stays as it is: a backup's key never changes.
        """
        mine = (manifest for manifest in manifests if manifest.checkpoint.id == self.wanted.checkpoint)
        return dataclasses.replace(self, sealed={copy.copy_id: copy.key for manifest in mine for copy in manifest.copies if copy.key})

    @property
    def foreseen(self) -> ReplicationOptions:
        """These options in check mode: without what would change anything."""
        return dataclasses.replace(self, delivery=self.delivery.foreseen)


def mirror_options(options: t.Mapping[str, t.Any]) -> MirrorOptions | None:
    """How mirrored storage is reached; None where volumes are copied by backups.

    :param options: those of the fragment ``replication``.
    :raises InvalidInput: when they do not fit together.
    """
    if options["transport"] != MIRROR:
        return None
    missing = [name for name in ("storage", "remote_storage") if options[name] is None]
    if missing:
        raise InvalidInput(f"transport is {MIRROR}, and nothing says how the storage is reached.", f"Give {' and '.join(missing)}.")
    if options["verification"] != RECORDS:
        raise InvalidInput(
            f"verification is {options['verification']}, which is about backups; mirrored volumes are proved by what the storage of the remote site says.",
            f"Choose verification: {RECORDS}, and now and then carry out a drill.",
        )
    return MirrorOptions.parse(options)
