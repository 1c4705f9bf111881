# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the processes of one controller have in common: its part of a run, and what it knows of the other parts.

Ansible works on each host in a process of its own, and the keeper is one too. They take turns by a lock on a file; whoever only looks needs none.
"""

from __future__ import annotations

import contextlib
import dataclasses
import fcntl
import json
import os
import pathlib
import shutil
import typing as t

from .part import RunPart

_STATE, _LOCK, _TOLD = "state.json", "lock", "told"


@dataclasses.dataclass(frozen=True)
class Known:
    """What one controller knows.

    :param own: its part.
    :param others: parts of the same run, and those of others that may hold a share of the limits.
    :param closed: names of documents that need not be read again.
    :param is_published: whether the store has the part as it is.
    :param ahead: seconds by which the site's clock is ahead of this machine's.
    :param is_predicted: whether the run is one that only shows what would be done; nothing of it is at the store.
    """

    own: RunPart
    others: tuple[RunPart, ...] = ()
    closed: frozenset[str] = frozenset()
    is_published: bool = True
    ahead: float = 0.0
    is_predicted: bool = False

    @property
    def parts(self) -> tuple[RunPart, ...]:
        return (*self.others, self.own)

    def with_others(self, found: t.Iterable[RunPart]) -> Known:
        """The same with what was found at the store: of documents that nobody changes any more, at least the names are kept."""
        read = {one.object_name: one for one in found if one.object_name != self.own.object_name}
        kept = {one.object_name: one for one in self.others if one.object_name in self.closed}
        closed = self.closed | {name for name, one in read.items() if one.has_ended}
        others = {name: one for name, one in {**kept, **read}.items() if one.run == self.own.run or not one.has_ended}
        return dataclasses.replace(self, others=tuple(others.values()), closed=closed)


class LocalState:
    """A directory of one controller, which only its user can read."""

    def __init__(self, directory: str) -> None:
        self._directory = pathlib.Path(directory)

    @contextlib.contextmanager
    def locked(self) -> t.Iterator[None]:
        """Keep all other processes of the controller from changing it."""
        with (self._directory / _LOCK).open("a") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def remove(self) -> None:
        """Leave nothing behind."""
        shutil.rmtree(self._directory, ignore_errors=True)

    def version(self) -> int:
        """A number that is another one after each change."""
        return (self._directory / _STATE).stat().st_mtime_ns

    def may_tell(self, seconds: float, now: float) -> bool:
        """Whether nobody has told people how far it is for so many seconds; who asks is the one who tells then.

        :param now: seconds of the epoch.
        """
        told = self._directory / _TOLD
        with self.locked():
            if told.exists() and 0 <= now - told.stat().st_mtime < seconds:
                return False
            told.touch()
            os.utime(told, (now, now))
            return True

    def read(self) -> Known:
        data = json.loads((self._directory / _STATE).read_text(encoding="utf-8"))
        return Known(
            own=RunPart.of_document(data["own"]),
            others=tuple(map(RunPart.of_document, data["others"])),
            closed=frozenset(data["closed"]),
            is_published=data["is_published"],
            ahead=data["ahead"],
            is_predicted=data["is_predicted"],
        )

    def write(self, known: Known) -> None:
        """Change it while it is locked; readers see all of it, or what was there before."""
        data = {
            "own": known.own.as_document(),
            "others": [one.as_document() for one in known.others],
            "closed": sorted(known.closed),
            "is_published": known.is_published,
            "ahead": known.ahead,
            "is_predicted": known.is_predicted,
        }
        new = self._directory / f"{_STATE}.new"
        new.write_text(json.dumps(data), encoding="utf-8")
        os.replace(new, self._directory / _STATE)
