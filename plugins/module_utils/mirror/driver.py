# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The contract of a driver for storage that mirrors volumes to the storage of the remote site.

A checkpoint's moment is that of its Cinder snapshots, which are taken within the freeze window whatever becomes of them afterwards. All
that a driver does comes after the thaw: it brings these snapshots to the other site, as the storage does that, says when one of them is
whole there, and makes something of its own of it there, which Cinder can adopt as a volume.

So no volume is ever promoted, and nothing depends on how far a later transfer came: what is kept is made of one snapshot, which
never changes, and only once all of its data are there. A set is complete when each of its snapshots is kept.

docs/mirroring.md says in words what storage has to offer for a driver. Each driver has to pass tests/unit/support/mirror_contract.py.
"""

from __future__ import annotations

import abc
import dataclasses
import typing as t


@dataclasses.dataclass(frozen=True)
class Cut:
    """The snapshot of a volume at the primary site, by the ids that Cinder has for both."""

    volume_id: str
    snapshot_id: str


class MirrorDriver(abc.ABC):
    """The storage of both sites, as far as mirroring needs it.

    Everything may be called again after an interruption, and at the same time for several volumes, but not for the same one.
    """

    @abc.abstractmethod
    def problems(self, volume_ids: t.Iterable[str]) -> list[str]:
        """Why volumes cannot be mirrored now, in words; changes nothing.

        :param volume_ids: whether they are mirrored already or not.
        """

    @abc.abstractmethod
    def mirror(self, volume_id: str, seconds: float) -> bool:
        """Have a volume mirrored from now on.

        :param seconds: that it may take where the volume's data have to be copied at the primary site first.
        :returns: whether it was not before.
        :raises CloudError: when the storage refuses.
        """

    @abc.abstractmethod
    def send(self, cut: Cut) -> str:
        """Have the snapshot of a mirrored volume brought to the other site.

        :returns: a token for :meth:`arrived`.
        :raises CloudError: when the snapshot is gone, or the storage has nowhere to send it to.
        """

    @abc.abstractmethod
    def arrived(self, cut: Cut, token: str) -> str | None:
        """How the storage says that all data of a snapshot are at the remote site, with its own ids; None until then.

        :param token: of :meth:`send`.
        :raises CloudError: when it can never arrive.
        """

    @abc.abstractmethod
    def keep(self, cut: Cut, name: str) -> None:
        """Make something of its own of a snapshot that has arrived, for Cinder of the remote site to adopt.

        Nothing that is done to the volume or its snapshots at the primary site changes or removes it, and it ends no mirroring.
        What is there by this name of the same snapshot stays.

        :param name: by which Cinder finds it.
        :raises CloudError: when something else has the name.
        """

    @abc.abstractmethod
    def discard(self, name: str) -> None:
        """Remove what :meth:`keep` made, if it is there and Cinder has not adopted it."""

    @abc.abstractmethod
    def state(self, volume_id: str) -> str:
        """What the remote storage says of the mirroring of a volume, in words for messages."""
