# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The mounts of a site: each is made, whatever the host has mounted at its place, and looked at afterwards.

mount --all is of no use for that: it passes over what looks as if it were mounted already, and a site inherits everything that its
host has mounted: a tmpfs at /run, for example, which the sites would then share. Only the standard library is used here.
"""

from __future__ import annotations

import dataclasses
import os
import re
import subprocess


class MountError(Exception):
    """A site would see something of its host that it must not see."""


@dataclasses.dataclass(frozen=True)
class Mount:
    """One mount: a directory of the host (C(bind)), or a file system with a name of the lab's own as its source."""

    source: str
    target: str
    kind: str = "bind"
    options: str = ""

    @property
    def place(self):
        """Where it is seen in the end: the host may have a link there."""
        return os.path.realpath(self.target)

    @property
    def command(self):
        if self.kind == "bind":
            return ["mount", "--bind", self.source, self.place]
        return ["mount", "--types", self.kind, *(["--options", self.options] if self.options else []), self.source, self.place]

    def is_made(self, mountinfo):
        """Whether whoever looks at the place sees this mount, by the kernel's own table."""
        seen = topmost(mountinfo).get(self.place)
        if self.kind == "bind":
            return seen is not None and os.path.samefile(self.source, self.place)
        return seen == (self.kind, self.source) and os.path.ismount(self.place)


def topmost(mountinfo):
    """What was mounted last at each place: the kind of file system and its source."""
    found = {}
    for line in mountinfo.splitlines():
        ours, _separator, theirs = line.partition(" - ")
        place = re.sub(r"\\(\d{3})", lambda octal: chr(int(octal.group(1), 8)), ours.split()[4])
        kind, source = theirs.split()[:2]
        found[place] = (kind, source)
    return found


def read_mountinfo():
    with open("/proc/self/mountinfo", encoding="utf-8") as stream:
        return stream.read()


def make(mounts):
    """Make the mounts that are missing; raise MountError unless each of them is to be seen afterwards. Returns those made."""
    made = []
    for mount in mounts:
        if mount.is_made(read_mountinfo()):
            continue
        done = subprocess.run(mount.command, capture_output=True, text=True, check=False)
        if done.returncode:
            raise MountError(f"Cannot mount {mount.source} at {mount.target}: {done.stderr.strip()}")
        made.append(mount.target)
    mountinfo = read_mountinfo()
    hidden = [mount.target for mount in mounts if not mount.is_made(mountinfo)]
    if hidden:
        raise MountError(
            f"Inside the site, {', '.join(hidden)} would still be the host's. /proc/self/mountinfo says there:\n{mountinfo}")
    return made
