# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads the databases in a set of snapshots: volumes are made of them, and the guests' own PostgreSQL is run on these.

It recovers from what it finds, as in a guest that boots from the volume, but without booting one.
"""

from __future__ import annotations

import concurrent.futures
import contextlib
import json
import os
import pathlib
import signal
import subprocess
import sys
import tempfile

from laboratory import LAB_DIR, ROOT, cloud, in_site

#: Where the root file system begins in an image of the lab.
ROOT_OFFSET = 67584 * 512
_SETTINGS = {
    "unix_socket_directories": "/run/postgresql",
    # The machine's /dev/shm is not the guest's.
    "dynamic_shared_memory_type": "mmap",
    "listen_addresses": "127.0.0.1",
}
_RUN = """
set -e
mount -o loop,ro,offset={offset} {root} {place}
mount -o loop {data} {place}/data
mount -t tmpfs tmpfs {place}/run
mount --bind /dev {place}/dev
mkdir {place}/run/postgresql
chroot {place} /bin/chown postgres:postgres /run/postgresql
exec chroot {place} /usr/bin/setpriv --reuid=postgres --regid=postgres --clear-groups \\
    /usr/lib/postgresql/15/bin/postgres -D /data/pgsql {settings}
"""
_PORTS = {"orders-db": 15432, "payments-db": 15433}


def _root_image() -> pathlib.Path:
    """The image of the guests, unpacked once for each version of it."""
    packed = LAB_DIR / "images/lab-postgresql.qcow2"
    raw = LAB_DIR / "images/lab-postgresql.raw"
    if not raw.exists() or raw.stat().st_mtime < packed.stat().st_mtime:
        subprocess.run(["qemu-img", "convert", "-O", "raw", packed, f"{raw}.new"], check=True)
        os.replace(f"{raw}.new", raw)
    return raw


@contextlib.contextmanager
def volumes_of(snapshots: dict[pathlib.Path, str]):
    """The contents of volumes made of snapshots, as files.

    :param snapshots: the id of a snapshot for each file.
    """
    storage, volumes = cloud().block_storage, []
    with concurrent.futures.ThreadPoolExecutor() as pool:
        try:
            volumes += (storage.create_volume(name="read", snapshot_id=one, size=1) for one in snapshots.values())
            exports = [pool.submit(_export, volume, file) for volume, file in zip(volumes, snapshots, strict=True)]
            # A volume that is still being read cannot be deleted.
            concurrent.futures.wait(exports)
            for one in exports:
                one.result()
            yield
        finally:
            list(pool.map(lambda volume: cloud().delete_volume(volume.id, wait=True, timeout=180), volumes))


def _export(volume, file: pathlib.Path) -> None:
    cloud().block_storage.wait_for_status(volume, status="available", failures=["error"], interval=0.5, wait=180)
    in_site("rbd", "export", "--no-progress", f"volumes/volume-{volume.id}", str(file))


@contextlib.contextmanager
def _database(name: str, data: pathlib.Path, directory: pathlib.Path):
    """PostgreSQL on a data disk, in namespaces of its own, which take everything with them."""
    place = directory / name
    place.mkdir()
    settings = " ".join(f"-c {key}={value}" for key, value in {**_SETTINGS, "port": _PORTS[name]}.items())
    script = _RUN.format(offset=ROOT_OFFSET, root=_root_image(), data=data, place=place, settings=settings)
    with (directory / f"{name}.log").open("w") as log:
        process = subprocess.Popen(
            ["unshare", "--mount", "--pid", "--fork", "sh", "-c", script], stdout=log, stderr=log, start_new_session=True
        )
        try:
            yield
        finally:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def verdict(snapshots: list[dict], not_after: str | None = None) -> dict:
    """What the checker says of the databases in snapshots.

    :param snapshots: as os_cg_snapshot returns them; those of the two data volumes are read.
    :param not_after: start of a freeze: what was acknowledged before must be there.
    """
    by_name = {one["name"]: one["id"] for one in snapshots}
    with tempfile.TemporaryDirectory(dir=LAB_DIR) as made, contextlib.ExitStack() as stack:
        directory = pathlib.Path(made)
        disks = {name: directory / f"{name}.raw" for name in _PORTS}
        stack.enter_context(
            volumes_of({disk: next(one for found, one in by_name.items() if found.endswith(f"{name}-data")) for name, disk in disks.items()})
        )
        for name, disk in disks.items():
            stack.enter_context(_database(name, disk, directory))
        checked = _ask_checker(not_after)
        logs = "".join((directory / f"{name}.log").read_text() for name in _PORTS)
    assert checked.returncode in (0, 1) and checked.stdout, checked.stderr + logs
    return json.loads(checked.stdout)


def _ask_checker(not_after: str | None) -> subprocess.CompletedProcess:
    command = [sys.executable, str(ROOT / "tests/lab/workload"), "check"]
    command += [f"--orders=127.0.0.1:{_PORTS['orders-db']}", f"--payments=127.0.0.1:{_PORTS['payments-db']}"]
    if not_after:
        command += [f"--journal={LAB_DIR / 'shop/journal.jsonl'}", f"--not-after={not_after}"]
    return subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
