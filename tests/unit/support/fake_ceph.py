# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Two pools in memory that mirror their images to each other, behind the program rbd: what it answers, and what it refuses.

Nothing arrives by itself: :meth:`FakeCeph.transfer` is what rbd-mirror does in the background.
"""

from __future__ import annotations

import dataclasses
import errno
import itertools
import json
import threading

from ansible_collections.osdr.openstack.plugins.module_utils.work.processes import Answer

_FEATURES = ("layering", "exclusive-lock", "object-map", "fast-diff", "deep-flatten")


class Refused(Exception):
    def __init__(self, number, said):
        super().__init__(said)
        self.status = number


@dataclasses.dataclass
class FakeSnapshot:
    id: int
    name: str
    content: bytes
    is_protected: bool = False
    #: As rbd shows it.
    namespace: dict = dataclasses.field(default_factory=lambda: {"type": "user"})


@dataclasses.dataclass
class FakeImage:
    content: bytes
    snapshots: list = dataclasses.field(default_factory=list)
    features: tuple = _FEATURES
    #: (image, snapshot)
    parent: tuple | None = None
    mirroring: dict | None = None


class FakePool:
    """The pool of one site."""

    def __init__(self, name, numbers):
        self.name, self.numbers = name, numbers
        self.images = {}
        self.info = {"mode": "image", "peers": [{"direction": "rx-tx"}]}
        self.states = {}
        #: The commands that it was given.
        self.commands = []
        #: Answers by the beginning of a command, instead of its own.
        self.says = {}
        self.lock = threading.RLock()

    def run(self, command, _seconds):
        with self.lock:
            words = [*command]
            assert words.pop(0) == "rbd"
            options = {}
            while words[0] in ("--conf", "--keyring", "--id"):
                options[words.pop(0)] = words.pop(0)
            if words[-2:] == ["--format", "json"]:
                words = words[:-2]
            self.commands.append(" ".join(words))
            for beginning, answer in self.says.items():
                if self.commands[-1].startswith(beginning):
                    return answer
            try:
                return Answer(0, self._serve(words).encode(), b"")
            except Refused as error:
                return Answer(error.status, b"", f"rbd: {error}\n".encode())

    def _serve(self, words):
        verbs = {
            "mirror pool info": self._pool_info,
            "mirror image enable": self._enable,
            "mirror image snapshot": self._mirror_snapshot,
            "mirror image status": self._status,
            "snap ls --all": self._list,
            "snap unprotect": self._unprotect,
            "info": self._info,
            "flatten --no-progress": self._flatten,
            "clone --rbd-default-clone-format 2": self._clone,
            "rm --no-progress": self._remove,
        }
        text = " ".join(words)
        verb = next(one for one in verbs if text.startswith(f"{one} "))
        return verbs[verb](*text.removeprefix(verb).split())

    def _named(self, spec):
        pool, _slash, name = spec.partition("/")
        assert pool == "volumes"
        image, _at, snapshot = name.partition("@")
        if image not in self.images:
            raise Refused(errno.ENOENT, f"error opening image {image}: (2) No such file or directory")
        found = self.images[image]
        if not snapshot:
            return found, None
        mine = [one for one in found.snapshots if one.name == snapshot]
        if not mine:
            raise Refused(errno.ENOENT, f"error opening snapshot {snapshot}: (2) No such file or directory")
        return found, mine[0]

    def _pool_info(self, pool):
        assert pool == "volumes"
        return json.dumps(self.info)

    def _info(self, spec):
        image, _none = self._named(spec)
        shown = {"features": list(image.features)}
        if image.parent:
            shown["parent"] = {"image": image.parent[0], "snapshot": image.parent[1]}
        if image.mirroring:
            shown["mirroring"] = image.mirroring
        return json.dumps(shown)

    def _list(self, spec):
        image, _none = self._named(spec)
        shown = [
            {"id": one.id, "name": one.name, "protected": str(one.is_protected).lower(), "namespace": one.namespace} for one in image.snapshots
        ]
        return json.dumps(shown)

    def _status(self, spec):
        self._named(spec)
        return json.dumps(self.states.get(spec.split("/")[1], {"state": "down+unknown", "description": "status not found"}))

    def _flatten(self, spec):
        image, _none = self._named(spec)
        image.parent = None
        return ""

    def _enable(self, spec, mode):
        image, _none = self._named(spec)
        assert mode == "snapshot"
        if image.parent:
            raise Refused(errno.EINVAL, "mirroring is not enabled for the parent")
        if image.mirroring is None:
            image.mirroring = {"mode": "snapshot", "state": "enabled", "primary": True}
            self._mirror_snapshot(spec)
        return "Mirroring enabled\n"

    def _mirror_snapshot(self, spec):
        image, _none = self._named(spec)
        if image.mirroring is None:
            raise Refused(errno.EINVAL, "cannot create snapshot of an image that is not mirrored")
        if not image.mirroring["primary"]:
            raise Refused(errno.EROFS, "the image is not primary")
        number = next(self.numbers)
        peers = ["peer"] if self.info["peers"] else []
        image.snapshots.append(
            FakeSnapshot(number, f".mirror.{number}", image.content, namespace={"type": "mirror", "state": "primary", "mirror_peer_uuids": peers})
        )
        return f"Snapshot ID: {number}\n"

    def _unprotect(self, spec):
        _image, snapshot = self._named(spec)
        if not snapshot.is_protected:
            raise Refused(errno.EINVAL, "snap is already unprotected")
        snapshot.is_protected = False
        return ""

    def _clone(self, source, target):
        _image, snapshot = self._named(source)
        name = target.split("/")[1]
        if name in self.images:
            raise Refused(errno.EEXIST, "clone error: (17) File exists")
        self.images[name] = FakeImage(snapshot.content, parent=(source.split("/")[1].split("@")[0], snapshot.name))
        return ""

    def _remove(self, spec):
        self._named(spec)
        del self.images[spec.split("/")[1]]
        return ""

    # What Cinder does

    def snapshot(self, image, name):
        """Snapshot an image as Cinder does: protected."""
        found = self.images[image]
        found.snapshots.append(FakeSnapshot(next(self.numbers), name, found.content, is_protected=True))

    def delete_snapshot(self, image, name):
        found = self.images[image]
        found.snapshots = [one for one in found.snapshots if one.name != name]


class FakeCeph:
    """Both sites' pools."""

    def __init__(self):
        numbers = itertools.count(100)
        self.primary, self.remote = FakePool("primary", numbers), FakePool("remote", numbers)

    def transfer(self, *images, completely=True):
        """Bring the newest mirror snapshots to the remote pool.

        :param images: those of which something arrives; all when none is named.
        :param completely: whether all of their data arrive.
        """
        for name, image in self.primary.images.items():
            if image.mirroring and name in (images or (name,)):
                self._bring(name, image, completely)

    def _bring(self, name, image, completely):
        sent = [one for one in image.snapshots if one.namespace.get("mirror_peer_uuids")]
        if not sent:
            return
        there = self.remote.images.setdefault(name, FakeImage(b"", mirroring={"mode": "snapshot", "state": "enabled", "primary": False}))
        users = [one for one in image.snapshots if one.namespace["type"] == "user" and one.id < sent[-1].id]
        # Snapshots are there before their data.
        copied = [FakeSnapshot(one.id + 1000, one.name, one.content if completely else b"part", one.is_protected) for one in users]
        namespace = {"type": "mirror", "state": "non-primary", "complete": completely, "primary_snap_id": sent[-1].id, "mirror_peer_uuids": []}
        earlier = [one for one in there.snapshots if one.namespace["type"] == "mirror"][-1:]
        there.snapshots = [*copied, *earlier, FakeSnapshot(sent[-1].id + 1000, f".mirror.non_primary.{sent[-1].id}", image.content, namespace=namespace)]
        there.content = image.content if completely else there.content
        self.remote.states[name] = {"state": "up+replaying", "description": "replaying"}
