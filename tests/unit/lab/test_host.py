# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What stands in the way of the lab on a machine is told before anything is changed, each with what to do about it."""

from __future__ import annotations

import os
from pathlib import Path

import lab_host
import pytest
from lab_host import GIB, Host, Needs, gather, problems

NEEDS = Needs(
    lab_dir="/var/lib/osdr-lab",
    bridge="osdr-wan",
    networks=["10.88.0.1/24", "10.88.1.0/24"],
    names={"primary": "10.88.0.11", "remote": "10.88.0.12"},
    memory_gib=8,
    disk_gib=12,
    is_running=False,
)
DEBIAN = {"ID": "debian", "VERSION_ID": "12", "PRETTY_NAME": "Debian GNU/Linux 12 (bookworm)"}
OUR_NAMES = "127.0.0.1 localhost\n# BEGIN osdr lab\n10.88.0.11 primary\n10.88.0.12 remote\n# END osdr lab\n"
#: What is wrong, and the words that say it.
WRONG = {
    "no root": ({"user": 1000}, ["only root may do that", "sudo"]),
    "another system": ({"release": {"ID": "ubuntu", "VERSION_ID": "24.04", "PRETTY_NAME": "Ubuntu 24.04"}}, ["runs Ubuntu 24.04", "Debian 12"]),
    "a later Debian": ({"release": {**DEBIAN, "VERSION_ID": "13", "PRETTY_NAME": "Debian 13"}}, ["runs Debian 13"]),
    "another processor": ({"machine": "aarch64"}, ["is aarch64", "x86_64"]),
    "few open files": ({"open_files": 4096}, ["may open 4096 files", "ulimit -Hn 16384"]),
    "little memory": ({"free_memory": 3 * GIB}, ["3.0 GiB of memory are free", "need 8", "Stop something"]),
    "little room": ({"free_disk": 5 * GIB}, ["5.0 GiB are free on the file system of /var/lib/osdr-lab", "needs 12", "LAB_DIR="]),
    "a full disk": ({"disk_share": 0.02}, ["2% are free", "Ceph"]),
    "nothing is executed": ({"disk_flags": os.ST_NOEXEC | os.ST_NODEV}, ["(noexec, nodev)", "LAB_DIR="]),
    "an address in use": ({"routes": [{"dst": "10.88.0.0/16", "dev": "tun0"}]}, ["10.88.0.0/16 is in use", "dev tun0", "needs 10.88.0.0/24"]),
    "an interface of that name": ({"bridge_kind": "veth"}, ["There is an interface osdr-wan", "lab_wan_bridge"]),
    "a name in use": ({"names": f"192.0.2.7 store primary # ours\n{OUR_NAMES}"}, ["primary is 192.0.2.7", "it is 10.88.0.11", "Remove that line"]),
    "a confined program": ({"profiles": "/usr/sbin/mysqld (enforce)"}, ["AppArmor confines /usr/sbin/mysqld", "aa-complain /usr/sbin/mysqld"]),
    "no bridges": ({"unable": {"bridges": "Operation not supported."}}, ["cannot make bridges: Operation not supported.", "module"]),
}


def told(needs=NEEDS, **so):
    return problems(Host(**{"release": DEBIAN, **so}), needs)


@pytest.mark.parametrize("so, words", WRONG.values(), ids=WRONG)
def test_what_is_wrong_is_told(so, words):
    (said, *others) = told(**so)
    assert [word for word in words if word not in said] == []
    assert [one for one in others if "is in use" not in one] == []


def test_an_ordinary_machine_will_do():
    assert told(
        routes=[{"dst": "default", "dev": "eth0"}, {"dst": "192.0.2.0/24", "dev": "eth0"}, {"dst": "10.88.1.0/24", "dev": "osdr-wan"}],
        bridge_kind="bridge",
        names=OUR_NAMES,
        profiles="libvirtd (enforce)\nlibvirt-0f5c (enforce)\n/usr/bin/man (enforce)\n/usr/sbin/mysqld (complain)\n",
    ) == []


def test_a_lab_that_runs_has_taken_what_it_needs():
    needs = Needs(**{**vars(NEEDS), "is_running": True})
    assert told(needs, free_memory=GIB, free_disk=GIB, disk_share=0.01) == []


def test_all_of_it_is_told_at_once():
    assert len(told(free_memory=0, free_disk=0, machine="riscv64", unable={"bridges": "no"})) == 4


def test_who_is_not_root_is_told_that_first():
    """What only root can see is no news."""
    assert len(told(user=1000, free_memory=0, unable={"bridges": "Operation not permitted"})) == 1


def test_a_machine_is_looked_at_as_it_is(tmp_path, monkeypatch):
    needs = Needs(**{**vars(NEEDS), "lab_dir": str(tmp_path / "not" / "there" / "yet")})
    monkeypatch.setattr(lab_host, "KERNEL", {"nothing at all": ["false"], "something": ["true"]})
    host = gather(needs)
    assert 0 < host.free_disk < os.statvfs(tmp_path).f_blocks * os.statvfs(tmp_path).f_frsize
    assert host.free_memory > 0
    assert host.names == Path("/etc/hosts").read_text()
    assert [route["dev"] for route in host.routes if route["dst"] == "default"] == [
        line.split()[0] for line in Path("/proc/net/route").read_text().splitlines()[1:] if line.split()[1] == "00000000"
    ]
    assert list(host.unable) == (["nothing at all"] if os.geteuid() == 0 else [])
    assert not (tmp_path / "not").exists()
