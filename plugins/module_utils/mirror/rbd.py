# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ceph's RBD, mirrored by rbd-mirror in snapshot mode.

A mirror snapshot of an image takes all snapshots along that the image has by then, Cinder's among them, with their data. So the
Cinder snapshots of a checkpoint are sent by one mirror snapshot for each image, which may come at any time after them. When rbd-mirror calls a
mirror snapshot complete at the remote site, all that came with it is whole.

What is kept of such a snapshot is a clone (of format 2). If the snapshot is deleted at the primary site, the remote one moves to the trash for as long as
it has clones, and mirroring continues.
"""

from __future__ import annotations

import re
import typing as t

from ..core.errors import CloudError
from ..core.text import listed, told
from .commands import NOT_THERE, THERE, Rbd, RbdError
from .driver import Cut, MirrorDriver

_SNAPSHOT_MODE = "snapshot"
#: rbd-mirror calls it that when the site both sends and receives.
_SENDS, _RECEIVES = "tx", "rx"
#: The feature by which flattening an image frees its snapshots, too.
_DEEP_FLATTEN = "deep-flatten"
_SNAPSHOT_ID = re.compile(r"Snapshot ID: (\d+)")
_CLONE_FORMAT = ("--rbd-default-clone-format", "2")


def image_of(volume_id: str) -> str:
    """How Cinder calls the image of a volume."""
    return f"volume-{volume_id}"


def snapshot_of(snapshot_id: str) -> str:
    """How Cinder calls the snapshot of an image."""
    return f"snapshot-{snapshot_id}"


class RbdMirror(MirrorDriver):
    """The pools of both sites."""

    def __init__(self, primary: Rbd, remote: Rbd) -> None:
        self._primary = primary
        self._remote = remote

    # Checking

    def problems(self, volume_ids: t.Iterable[str]) -> list[str]:
        try:
            problems = [*_pool_problems(self._primary, _SENDS), *_pool_problems(self._remote, _RECEIVES)]
            return problems or [problem for one in volume_ids for problem in self._volume_problems(one)]
        except RbdError as error:
            return [str(error)]

    def _volume_problems(self, volume_id: str) -> list[str]:
        what = f"Volume {volume_id} cannot be mirrored: its image in {self._primary.place}"
        try:
            image = self._image(volume_id)
        except RbdError as error:
            if error.status != NOT_THERE:
                raise
            return [f"{what} is not there. Only volumes of this pool are; use another transport."]
        mirroring = image.get("mirroring") or {}
        if mirroring and mirroring.get("mode") != _SNAPSHOT_MODE:
            return [f"{what} is mirrored in {told(mirroring.get('mode'))} mode. Disable that."]
        if mirroring and not mirroring.get("primary"):
            return [f"{what} is the mirror of another site's."]
        if image.get("parent") and _DEEP_FLATTEN not in image.get("features", ()):
            return [f"{what} is a clone without the feature {_DEEP_FLATTEN}. Have Cinder make such images (rbd_default_features), or flatten it."]
        return self._daemon_problems(volume_id) if mirroring else []

    def _daemon_problems(self, volume_id: str) -> list[str]:
        """What keeps an image from arriving, as far as it is known before anything is sent."""
        state = self.state(volume_id)
        # Unknown is also what nobody has looked at yet.
        is_down = state.startswith("down+") and not state.startswith("down+unknown")
        return [f"Volume {volume_id} is not mirrored to {self._remote.place}: rbd-mirror does not run there ({state})."] if is_down else []

    def _image(self, volume_id: str) -> dict[str, t.Any]:
        return _mapping(self._primary, self._primary.ask("info", self._primary.spec(image_of(volume_id))))

    # Sending

    def mirror(self, volume_id: str, seconds: float) -> bool:
        image, spec = self._image(volume_id), self._primary.spec(image_of(volume_id))
        if image.get("mirroring"):
            return False
        if image.get("parent"):
            # A clone is mirrored only together with its parent, which at the remote site nobody would know.
            self._primary.do("flatten", "--no-progress", spec, seconds=seconds)
        self._primary.do("mirror", "image", "enable", spec, _SNAPSHOT_MODE)
        return True

    def send(self, cut: Cut) -> str:
        image, snapshot = image_of(cut.volume_id), snapshot_of(cut.snapshot_id)
        mine = next((one for one in self._snapshots(self._primary, image) if one["name"] == snapshot), None)
        if mine is None:
            raise CloudError(f"Image {image} in {self._primary.place} has no snapshot {snapshot}.", "Retake the snapshots with os_cg_snapshot.")
        if _is_true(mine["protected"]):
            # One that was protected when it was mirrored stops rbd-mirror for half a minute when it is deleted.
            self._primary.do("snap", "unprotect", self._primary.spec(image, snapshot))
        said = self._primary.do("mirror", "image", "snapshot", self._primary.spec(image))
        found = _SNAPSHOT_ID.search(said)
        if not found:
            raise RbdError(f"rbd at site '{self._primary.site}' made a mirror snapshot of image {image} and does not say which: {told(said)}.")
        self._require_peer(image, int(found[1]))
        return found[1]

    def _require_peer(self, image: str, number: int) -> None:
        """What was made before a peer was known is never sent to it."""
        made = [one for one in self._snapshots(self._primary, image) if one["id"] == number]
        if not all(one["namespace"].get("mirror_peer_uuids") for one in made):
            raise CloudError(f"Mirror snapshot {number} of image {image} in {self._primary.place} has no peer to be sent to.", "Check the pool's peers.")

    def arrived(self, cut: Cut, token: str) -> str | None:
        image, snapshot = image_of(cut.volume_id), snapshot_of(cut.snapshot_id)
        try:
            there = self._snapshots(self._remote, image)
        except RbdError as error:
            if error.status == NOT_THERE:
                return None
            raise
        whole = [one for one in there if _is_whole(one["namespace"], int(token))]
        if not whole:
            return None
        mine = next((one for one in there if one["name"] == snapshot and one["namespace"].get("type") == "user"), None)
        if mine is None:
            raise CloudError(f"Mirror snapshot {token} of image {image} came to {self._remote.place} without {snapshot}: it was deleted before it was sent.")
        return f"snapshot {mine['id']}, whole since mirror snapshot {whole[0]['id']} of {whole[0]['namespace']['primary_snap_id']}"

    def _snapshots(self, rbd: Rbd, image: str) -> list[dict[str, t.Any]]:
        found = rbd.ask("snap", "ls", "--all", rbd.spec(image))
        try:
            return [{"id": int(one["id"]), "name": one["name"], "protected": one["protected"], "namespace": dict(one["namespace"])} for one in found]
        except (KeyError, TypeError, ValueError) as error:
            raise RbdError(f"rbd at site '{rbd.site}' does not list the snapshots of image {image}: {told(found)}.") from error

    def state(self, volume_id: str) -> str:
        try:
            found = _mapping(self._remote, self._remote.ask("mirror", "image", "status", self._remote.spec(image_of(volume_id))))
        except RbdError as error:
            if error.status != NOT_THERE:
                raise
            return f"nothing of it has come to {self._remote.place} yet"
        return told(f"{found.get('state')}, {found.get('description')}")

    # Keeping

    def keep(self, cut: Cut, name: str) -> None:
        source = self._remote.spec(image_of(cut.volume_id), snapshot_of(cut.snapshot_id))
        try:
            self._remote.do("clone", *_CLONE_FORMAT, source, self._remote.spec(name))
        except RbdError as error:
            if error.status != THERE or not self._is_kept(cut, name):
                raise

    def _is_kept(self, cut: Cut, name: str) -> bool:
        """Whether an image is the clone that an interrupted run made of a snapshot."""
        parent = _mapping(self._remote, self._remote.ask("info", self._remote.spec(name))).get("parent") or {}
        return (parent.get("image"), parent.get("snapshot")) == (image_of(cut.volume_id), snapshot_of(cut.snapshot_id))

    def discard(self, name: str) -> None:
        try:
            self._remote.do("rm", "--no-progress", self._remote.spec(name))
        except RbdError as error:
            if error.status != NOT_THERE:
                raise


def _pool_problems(rbd: Rbd, direction: str) -> list[str]:
    """Why a pool sends nothing to its peer, or receives nothing from it. Which cluster that is, only administrators of Ceph see."""
    answer = _mapping(rbd, rbd.ask("mirror", "pool", "info", rbd.pool))
    if answer.get("mode") != "image":
        return [f"In {rbd.place} single images cannot be mirrored (mirroring mode: {told(answer.get('mode'))}). Set it up with the role rbd_mirror."]
    directions = [str(one.get("direction")) for one in answer.get("peers") or ()]
    if any(direction in one for one in directions):
        return []
    verb = "sent" if direction == _SENDS else "received"
    found = f"directions of its peers: {told(listed(directions))}" if directions else "it has no peer"
    return [f"In {rbd.place} nothing is {verb} ({found}). Set it up with the role rbd_mirror."]


def _mapping(rbd: Rbd, answer: t.Any) -> dict[str, t.Any]:
    if not isinstance(answer, dict):
        raise RbdError(f"rbd at site '{rbd.site}' answers something else than it was asked for: {told(answer)}.")
    return answer


def _is_true(answer: t.Any) -> bool:
    """Whether a flag is set, which some releases of rbd give as text."""
    return str(answer).lower() == "true"


def _is_whole(namespace: t.Mapping[str, t.Any], number: int) -> bool:
    """Whether a snapshot of the remote site is a complete mirror of one at the primary site that is no older than another."""
    is_mirror = (namespace.get("type"), namespace.get("state")) == ("mirror", "non-primary")
    return is_mirror and namespace.get("complete") is True and int(namespace.get("primary_snap_id") or -1) >= number
