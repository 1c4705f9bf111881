# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the restore of encrypted volumes needs: the key that opens theirs, and a site that can take them."""

from __future__ import annotations

import collections
import dataclasses
import typing as t

from ..cloud.block_storage import BlockStorage
from ..cloud.object_store import ObjectStore
from ..cloud.session import Cloud, connect_other
from ..cloud.volume_encryption import VolumeEncryption
from ..copies.own_backups import OwnBackups
from ..copies.twin_check import copy_problems, room_problems, site_problems
from ..copies.twins import Twins, TwinSite
from ..core.errors import CloudError, InvalidInput
from ..manifest.manifest import Copy, Manifest
from ..manifest.volume_keys import Opener, SealedKey, opener_of
from ..work.waiting import Waiter
from .volume_plan import VolumeStep

_FORBIDDEN = 403


@dataclasses.dataclass(frozen=True)
class Means:
    """The options for encrypted volumes.

    :param opener: None without the private key.
    :param admin: the site as an administrator; None for the module's own credentials, and so for ``store``, the account of the backups' objects.
    """

    opener: Opener | None = None
    admin: t.Any = None
    store: t.Any = None

    @classmethod
    def parse(cls, options: t.Mapping[str, t.Any]) -> Means:
        """Read the options of the fragment ``encrypted``.

        :raises InvalidInput: when the private key is none.
        """
        return cls(opener_of(options["volume_private_key"]), options["import_cloud"], options["store_cloud"])

    def site(self, cloud: Cloud) -> TwinSite:
        importing = connect_other(self.admin) if self.admin else cloud
        store = connect_other(self.store) if self.store else cloud
        return TwinSite(BlockStorage(cloud), BlockStorage(importing.in_project(cloud.project_id)), ObjectStore(store))

    def unlocking(self, cloud: Cloud, manifest: Manifest, waiter: Waiter, concurrency: int) -> Unlocking | None:
        """How encrypted volumes are restored; None where there are none."""
        if not any(copy.key for copy in manifest.copies):
            return None
        site = self.site(cloud)
        return Unlocking(OwnBackups(site), Twins(site, self.opener, waiter, concurrency) if self.opener else None)


class Unlocking:
    """From what the encrypted volumes of a checkpoint are restored at a site: from its own backups as they are, from others by their twins.

    :param twins: None without the private key.
    """

    def __init__(self, own: OwnBackups, twins: Twins | None) -> None:
        self._own = own
        self._twins = twins

    def problems(self, steps: t.Iterable[VolumeStep]) -> list[str]:
        """Why volumes cannot be restored without the private key, where it was not given."""
        return [] if self._twins else sealed_problems(foreign(steps, self._own))

    def source(self, step: VolumeStep) -> Copy:
        """The copy from which Cinder restores an encrypted volume.

        :raises DrError: when its key cannot be opened or stored, or its backups get no twins.
        """
        if self._twins is None or not self._own.lack(step.copy, step.spec.volume_type):
            return step.copy
        return self._twins.ensure(step.copy, step.mark, step.spec.volume_type)


def sealed(steps: t.Iterable[VolumeStep]) -> list[VolumeStep]:
    """The encrypted volumes that are yet to be restored."""
    return [step for step in steps if step.copy.key and step.action.reads]


def foreign(steps: t.Iterable[VolumeStep], own: OwnBackups) -> list[tuple[VolumeStep, str]]:
    """Those that the site cannot restore by itself, each with the reason."""
    return [(step, lack) for step in sealed(steps) if (lack := own.lack(step.copy, step.spec.volume_type))]


def sealed_problems(lacking: t.Iterable[tuple[VolumeStep, str]]) -> list[str]:
    """Why a run without the private key cannot restore volumes.

    :param lacking: as :func:`foreign` returns them.
    """
    return [
        f"Volume {step.label} is encrypted, and its key is sealed in the manifest; {lack}. Give volume_private_key, which belongs to the "
        "volume_public_key with which the checkpoint was taken."
        for step, lack in lacking
    ]


def check(steps: t.Iterable[VolumeStep], means: Means, cloud: Cloud) -> tuple[list[str], list[str]]:
    """Find out, changing nothing, whether the encrypted volumes can be restored at a site.

    :returns: problems and doubts.
    """
    if not sealed(steps := list(steps)):
        return [], []
    site = means.site(cloud)
    lacking = foreign(steps, OwnBackups(site))
    if not lacking or means.opener is None:
        return sealed_problems(lacking), []
    wanted = [step for step, _lack in lacking]
    problems = _key_problems(wanted, means.opener) + site_problems(site)
    type_problems, doubts = _type_problems(wanted, site)
    if not problems:
        problems += [problem for step in wanted for problem in copy_problems(site, step.copy, step.label)]
    return [*problems, *type_problems, *room_problems(site, (step.copy for step in wanted))], doubts


def _key_problems(steps: t.Iterable[VolumeStep], opener: Opener) -> list[str]:
    problems = []
    for step in steps:
        try:
            opener.open(step.copy.volume_id, t.cast(SealedKey, step.copy.key))
        except InvalidInput as error:
            problems.append(f"Volume {step.label}: {error}")
    return problems


def _type_problems(steps: t.Iterable[VolumeStep], site: TwinSite) -> tuple[list[str], list[str]]:
    """Volume types that encrypt in another way, or not at all. Types that do not exist are reported elsewhere."""
    cloud, ids = site.importing.cloud, site.storage.volume_types()
    problems, doubts = [], []
    for name, of_type in _by_type(steps).items():
        if name not in ids:
            continue
        try:
            there = VolumeEncryption(cloud).of_type(ids[name])
        except CloudError as error:
            if error.http_status != _FORBIDDEN:
                raise
            doubts.append(f"Only administrators see how volume type '{name}' encrypts at site '{cloud.site}'. Give import_cloud to check it.")
            continue
        problems += [
            f"Volume {step.label} is encrypted ({step.spec.encryption}), and the volumes of type '{name}' at site '{cloud.site}' are "
            f"{'not encrypted' if there is None else f'encrypted differently ({there})'}. Create a type that encrypts in the same way, "
            "or name one in a mapping."
            for step in of_type
            if step.spec.encryption != there
        ]
    return problems, doubts


def _by_type(steps: t.Iterable[VolumeStep]) -> dict[str, list[VolumeStep]]:
    found: dict[str, list[VolumeStep]] = collections.defaultdict(list)
    for step in steps:
        found[step.spec.volume_type].append(step)
    return found
