# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What copying an image from site to site costs, against ``openstack image save`` piped into ``openstack image create``.

Both are measured in turn in one run; the ratio counts, not the seconds.
"""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
import json
import os
import pathlib
import resource
import shlex
import statistics
import subprocess
import sys
import time
import typing as t

from ansible_collections.osdr.openstack.plugins.module_utils.cloud.images import Images
from ansible_collections.osdr.openstack.plugins.module_utils.cloud.session import connect
from ansible_collections.osdr.openstack.plugins.module_utils.copies.delivery import Delivery
from ansible_collections.osdr.openstack.plugins.module_utils.copies.image_copying import ImageCopying
from ansible_collections.osdr.openstack.plugins.module_utils.copies.options import ReplicationOptions
from ansible_collections.osdr.openstack.plugins.module_utils.copies.plan import WantedBackups
from ansible_collections.osdr.openstack.plugins.module_utils.copies.sites import Accounts, Sites
from ansible_collections.osdr.openstack.plugins.module_utils.copies.transport import SHARED, Effort
from ansible_collections.osdr.openstack.plugins.module_utils.copies.verification import OBJECTS
from ansible_collections.osdr.openstack.plugins.module_utils.core.image_marks import CopyMark, root_properties
from ansible_collections.osdr.openstack.plugins.module_utils.core.records import APPLICATION_KEY, marks
from ansible_collections.osdr.openstack.plugins.module_utils.work.progress import Progress
from ansible_collections.osdr.openstack.plugins.module_utils.work.waiting import Waiter
from copies import CLOUDS
from laboratory import LAB_DIR, unique

MIB, GIB = 1024**2, 1024**3
#: Seconds without a byte.
STALL = 600
OPENSTACK = LAB_DIR / "venvs/openstack/bin/openstack"


@dataclasses.dataclass(frozen=True)
class Taken:
    """What copying the image once by the collection took."""

    seconds: float
    memory_mib: float


def images(cloud: str) -> Images:
    return Images(connect({"cloud": cloud}))


def noise(gib: int) -> t.Iterator[bytes]:
    """What no store makes smaller."""
    return (os.urandom(MIB) for _number in range(gib * 1024))


@contextlib.contextmanager
def source(gib: int) -> t.Iterator[tuple[str, str]]:
    """An image at the primary site as Nova makes it for a checkpoint; yields its application and its id. No copy of it stays."""
    here, there, name = images("primary"), images("remote"), unique("bench")
    root = {**root_properties(name, gib), "instance_uuid": name}
    made = here.create({**marks(name, name), **root, "name": name, "disk_format": "raw", "container_format": "bare", "visibility": "private"})
    try:
        here.upload(made.id, noise(gib), gib * GIB, STALL)
        yield name, made.id
    finally:
        remove_copies(there, name)
        here.delete(made.id)


def remove_copies(there: Images, name: str) -> None:
    """Those by either way."""
    for image in there.images():
        mark = CopyMark.on(image)
        if image.name == name or (mark and mark.metadata.get(APPLICATION_KEY) == name):
            there.delete(image.id)


def copy_once(name: str) -> Taken:
    """By the collection, in this process."""
    sites = Sites.connect(connect({"cloud": "primary"}), Accounts.parse(CLOUDS))
    options = ReplicationOptions(WantedBackups(name, name, full_every=1), Delivery(SHARED, OBJECTS), Effort(1, STALL))
    start = time.monotonic()
    done = ImageCopying(sites, options, Waiter(1800, 1.0), Progress()).carry_out()
    seconds = time.monotonic() - start
    assert done.changed and len(done.copies) == 1, done
    return Taken(seconds, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)


def by_collection(name: str) -> Taken:
    """In a process of its own, whose memory is its own."""
    done = subprocess.run([sys.executable, __file__, f"--copy-once={name}"], check=True, capture_output=True, text=True)
    return Taken(**json.loads(done.stdout))


def by_command_line(name: str, image_id: str) -> float:
    """Seconds by the tools that every operator has."""
    save = f"{OPENSTACK} --os-cloud primary image save {image_id}"
    create = f"{OPENSTACK} --os-cloud remote image create --disk-format raw {shlex.quote(name)}"
    # Its libraries are not to be mistaken for modules beside this one.
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    start = time.monotonic()
    subprocess.run(["bash", "-o", "pipefail", "-c", f"{save} | {create}"], check=True, stdout=subprocess.DEVNULL, env=environment)
    return time.monotonic() - start


def measured(gib: int, rounds: int) -> dict[str, float]:
    """Medians, in MiB/s; the largest memory of a copy by the collection."""
    ours, theirs = [], []
    with source(gib) as (name, image_id):
        for _round in range(rounds):
            theirs.append(by_command_line(name, image_id))
            remove_copies(images("remote"), name)
            ours.append(by_collection(name))
            remove_copies(images("remote"), name)
    mine, other = (gib * 1024 / statistics.median(seconds) for seconds in ([one.seconds for one in ours], theirs))
    return {"gib": gib, "ours": mine, "theirs": other, "ratio": mine / other, "memory_mib": max(one.memory_mib for one in ours)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--gib", type=int, default=1, help="size of the image")
    parser.add_argument("--json", type=pathlib.Path, help="where the figures go too")
    parser.add_argument("--copy-once", metavar="NAME", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.copy_once:
        json.dump(dataclasses.asdict(copy_once(options.copy_once)), sys.stdout)
        return
    found = measured(options.gib, options.rounds)
    print("| image GiB | openstack image save, create MiB/s | the collection MiB/s | ratio | largest memory MiB |\n| --- | --- | --- | --- | --- |")
    print(f"| {found['gib']} | {found['theirs']:.0f} | {found['ours']:.0f} | {found['ratio']:.2f} | {found['memory_mib']:.0f} |")
    if options.json:
        options.json.write_text(json.dumps(found) + "\n")


if __name__ == "__main__":
    main()
