# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Further backup services of both sites of the lab, each with another driver than the lab's own and one store for both sites.

A service is asked for by its availability zone, which has the driver's name.
"""

from __future__ import annotations

import contextlib
import os
import pathlib
import signal
import subprocess
import sys

import copies
import laboratory
import owned
from laboratory import cloud, in_site, wait

SITES = ("primary", "remote")
S3 = "http://remote:8080"


class Posix:
    """A directory that both sites mount. Nothing is compressed, so that damage is restored as such."""

    driver = "cinder.backup.drivers.posix.PosixBackupDriver"
    numbers = (1, 2)

    def __init__(self, directory):
        self.store = directory / "posix"
        self.store.mkdir()

    def options(self):
        return {"backup_posix_path": self.store, "backup_compression_algorithm": "none"}

    def damage(self):
        """Something of every backup is overwritten; returns how many objects are."""
        data = [one for one in self.store.rglob("*-00001") if one.is_file()]
        for one in data:
            content = bytearray(one.read_bytes())
            content[-4096:] = os.urandom(4096)
            one.write_bytes(content)
        return len(data)

    def remove(self):
        """The directory goes with the test's own."""


class S3Store:
    """A bucket of the remote site's Swift, which it also serves by the API of S3."""

    driver = "cinder.backup.drivers.s3.S3BackupDriver"
    numbers = (1, 2)

    def __init__(self, _directory):
        self._site, self.bucket = cloud("remote-backup"), laboratory.unique("s3")
        self._keys = f"/users/{self._site.current_user_id}/credentials/OS-EC2"
        made = self._site.identity.post(self._keys, json={"tenant_id": self._site.current_project_id})
        made.raise_for_status()
        self._credential = made.json()["credential"]

    def options(self):
        return {
            "backup_s3_endpoint_url": S3,
            "backup_s3_store_bucket": self.bucket,
            "backup_s3_store_access_key": self._credential["access"],
            "backup_s3_store_secret_key": self._credential["secret"],
            "backup_s3_object_size": 32 * 1024**2,
            "backup_s3_block_size": 32 * 1024,
        }

    def remove(self):
        store = self._site.object_store
        if any(one.name == self.bucket for one in store.containers()):
            for one in list(store.objects(self.bucket)):
                store.delete_object(one.name, container=self.bucket)
            store.delete_container(self.bucket)
        self._site.identity.delete(f"{self._keys}/{self._credential['access']}").raise_for_status()


class Ceph:
    """A pool of the remote site's Ceph, with a user who may use nothing else."""

    driver = "cinder.backup.drivers.ceph.CephBackupDriver"
    numbers = (1,)
    pool, user = "backups", "backup"

    def __init__(self, directory):
        self._configuration = directory / "ceph.conf"
        keyring = directory / f"ceph.client.{self.user}.keyring"
        self._ceph("osd", "pool", "create", self.pool, "8")
        self._ceph("osd", "pool", "application", "enable", self.pool, "rbd")
        keyring.write_text(self._ceph("auth", "get-or-create", f"client.{self.user}", "mon", "profile rbd", "osd", f"profile rbd pool={self.pool}"))
        hosts = self._ceph("mon", "dump", "--format", "plain")
        address = next(line.split()[1] for line in hosts.splitlines() if " mon." in line)
        self._configuration.write_text(f"[global]\nmon_host = {address}\nkeyring = {keyring}\n")

    @staticmethod
    def _ceph(*command):
        return in_site("ceph", *command, site="remote")

    def options(self):
        return {"backup_ceph_conf": self._configuration, "backup_ceph_user": self.user, "backup_ceph_pool": self.pool}

    def remove(self):
        self._ceph("config", "set", "mon", "mon_allow_pool_delete", "true")
        self._ceph("osd", "pool", "delete", self.pool, self.pool, "--yes-i-really-really-mean-it")
        self._ceph("auth", "del", f"client.{self.user}")


DRIVERS = {"posix": Posix, "s3": S3Store, "ceph": Ceph}


@contextlib.contextmanager
def running(name, directory):
    """The services of a driver at both sites; yields its store."""
    store = DRIVERS[name](directory)
    with contextlib.ExitStack() as services:
        services.callback(store.remove)
        for site in SITES:
            services.enter_context(_service(site, name, store, directory))
        wait("the scheduler to know the backup service", lambda: _is_scheduled(name), 300, 5)
        yield store


@contextlib.contextmanager
def _service(site, name, store, directory):
    """A service of one site, known to Cinder as long as this lasts."""
    host = f"{site}-{name}"
    configuration = directory / f"{host}.conf"
    # The scheduler learns of a service when it reports what it can do; Cinder allows no shorter interval.
    reports = {"backup_driver_stats_polling_interval": 10}
    options = {"host": host, "storage_availability_zone": name, "backup_driver": store.driver, **reports, **store.options()}
    configuration.write_text("[DEFAULT]\n" + "".join(f"{key} = {value}\n" for key, value in options.items()))
    program = ["cinder-backup", "--config-file", "/etc/cinder/cinder.conf", "--config-file", str(configuration)]
    enter = [sys.executable, str(laboratory.ROOT / "tests/lab/site_exec.py"), site]
    with pathlib.Path(directory, f"{host}.log").open("w") as log:
        process = subprocess.Popen([*enter, *program], stdout=log, stderr=subprocess.STDOUT, start_new_session=True)
    try:
        wait(f"the backup service {host}", lambda: process.poll() is not None or _is_up(site, host), 180, 1)
        assert process.poll() is None, pathlib.Path(log.name).read_text()
        yield
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        process.wait(laboratory.BLOCKED)
        in_site("cinder-manage", "service", "remove", "cinder-backup", host, site=site)


def _is_scheduled(zone):
    """Whether a backup in the zone finds a service: tried with a volume that nobody needs."""
    storage = cloud("primary").block_storage
    with contextlib.ExitStack() as undo:
        volume_id = owned.volume(undo, f"{zone}-tried", volume_type="ceph")
        asked = storage.create_backup(volume_id=volume_id, name=f"{zone}-tried", availability_zone=zone)
        undo.callback(copies.remove_backup, "primary", asked.id)
        wait("the backup", lambda: storage.get_backup(asked.id).status in ("available", "error"), 300, 1)
        return storage.get_backup(asked.id).status == "available"


def _is_up(site, host):
    services = cloud(f"{site}-admin").block_storage.services(binary="cinder-backup")
    return any((one.host, one.state) == (host, "up") for one in services)
