# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Two real pools that mirror their images to each other, for the contract of drivers. Everything in them that a test makes, it removes."""

from __future__ import annotations

import contextlib
import tempfile
import time
import typing as t
import uuid

from ansible_collections.osdr.openstack.plugins.module_utils.mirror.commands import Rbd, RbdError
from ansible_collections.osdr.openstack.plugins.module_utils.mirror.driver import Cut
from ansible_collections.osdr.openstack.plugins.module_utils.mirror.rbd import RbdMirror, image_of, snapshot_of
from ansible_collections.osdr.openstack.tests.unit.support.mirror_contract import MirrorBench

#: rbd-mirror looks for new images every half a minute.
_PATIENCE_SECONDS = 180


class CephBench(MirrorBench):
    """The pools of two sites.

    :param control: stops rbd-mirror of the remote site when it is called with ``stop``, and starts it with ``start``.
    """

    def __init__(self, primary: Rbd, remote: Rbd, control: t.Callable[[str], None]) -> None:
        self._primary, self._remote, self._control = primary, remote, control
        self.driver = RbdMirror(primary, remote)
        self._images: list[str] = []
        self._cuts: list[Cut] = []

    def volume(self, content: bytes, is_clone: bool = False) -> str:
        volume_id = str(uuid.uuid4())
        if is_clone:
            source = self._image("osdr-image", content)
            self._primary.do("snap", "create", "--no-progress", self._primary.spec(source, "snap"))
            clone_format = ("--rbd-default-clone-format", "2")
            self._primary.do("clone", *clone_format, self._primary.spec(source, "snap"), self._primary.spec(image_of(volume_id)))
            self._images.append(image_of(volume_id))
        else:
            self._image(image_of(volume_id), content)
        return volume_id

    def _image(self, prefix: str, content: bytes) -> str:
        name = prefix if prefix.startswith("volume-") else f"{prefix}-{uuid.uuid4()}"
        with tempfile.NamedTemporaryFile() as file:
            file.write(content.ljust(8 * 1024**2, b"\0"))
            file.flush()
            self._primary.do("import", "--no-progress", file.name, self._primary.spec(name))
        self._images.append(name)
        return name

    def write(self, volume_id: str, content: bytes) -> None:
        """Write as a guest does: through the image, whose snapshots stay as they are."""
        name = self._image("osdr-diff", content)
        with tempfile.TemporaryDirectory() as directory:
            self._primary.do("export-diff", "--no-progress", "--whole-object", self._primary.spec(name), f"{directory}/diff")
            self._primary.do("import-diff", "--no-progress", f"{directory}/diff", self._primary.spec(image_of(volume_id)))

    def snapshot(self, volume_id: str) -> Cut:
        cut = Cut(volume_id, str(uuid.uuid4()))
        spec = self._primary.spec(image_of(volume_id), snapshot_of(cut.snapshot_id))
        self._primary.do("snap", "create", "--no-progress", spec)
        self._primary.do("snap", "protect", spec)
        self._cuts.append(cut)
        return cut

    def delete_snapshot(self, cut: Cut) -> None:
        spec = self._primary.spec(image_of(cut.volume_id), snapshot_of(cut.snapshot_id))
        with contextlib.suppress(RbdError):
            # Cinder, too, goes on where it is not protected.
            self._primary.do("snap", "unprotect", spec)
        self._primary.do("snap", "rm", "--no-progress", spec)
        self._cuts.remove(cut)

    def read(self, name: str, size: int) -> bytes | None:
        with tempfile.TemporaryDirectory() as directory:
            try:
                self._remote.do("export", "--no-progress", self._remote.spec(name), f"{directory}/content")
            except RbdError:
                return None
            with open(f"{directory}/content", "rb") as file:
                return file.read(size)

    def receipt(self, cut: Cut, token: str) -> str:
        end = time.monotonic() + _PATIENCE_SECONDS
        while (receipt := self.driver.arrived(cut, token)) is None:
            assert time.monotonic() < end, self.driver.state(cut.volume_id)
            time.sleep(0.5)
        return receipt

    def stop(self) -> None:
        self._control("stop")

    def resume(self) -> None:
        self._control("start")

    def clean(self) -> None:
        """Remove everything; what is at the remote site goes with it, once nothing is kept of it."""
        for name in ("osdr-first", "osdr-second", "osdr-third", "osdr-before", "osdr-clone"):
            self.driver.discard(name)
        for cut in [*self._cuts]:
            self.delete_snapshot(cut)
        for image in reversed(self._images):
            with contextlib.suppress(RbdError):
                self._primary.do("snap", "rm", "--no-progress", self._primary.spec(image, "snap"))
            self._primary.do("rm", "--no-progress", self._primary.spec(image))
