# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Joining the pools of two Ceph clusters that are files; two real ones are in tests/functional."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

HERE = Path(__file__).parent
SOUND = {"name": "volume-1", "state": "up+replaying", "description": 'replaying, {"local_snapshot_timestamp":100,"remote_snapshot_timestamp":100}'}
SENDING = {"name": "volume-2", "state": "up+stopped", "description": "local image is primary"}


class Clusters:
    """Two hosts, each with a cluster of its own."""

    def __init__(self, directory):
        self.directory = directory
        for name, peer in (("a", "b"), ("b", "a")):
            (directory / name).mkdir()
            (directory / name / "ceph.conf").touch()
            (directory / name / "peer").write_text(str(directory / peer))
            self.set(name, name=name, mode="disabled", peers=[], users={}, images=[])
        programs = directory / "bin"
        programs.mkdir()
        for name in ("rbd", "ceph"):
            (programs / name).write_text(f'#!/bin/sh\nexec {sys.executable} {HERE / "ceph_pools.py"} "$@"\n')
            (programs / name).chmod(0o755)

    def state(self, name):
        return json.loads((self.directory / name / "state.json").read_text())

    def set(self, cluster, **changes):
        path = self.directory / cluster / "state.json"
        path.write_text(json.dumps({**(json.loads(path.read_text()) if path.exists() else {}), **changes}))

    def play(self, *options, entry="main", **variables):
        """Play the role on both."""
        local = {"ansible_connection": "local", "ansible_python_interpreter": sys.executable}
        hosts = {name: {"rbd_mirror_conf": str(self.directory / name / "ceph.conf")} for name in ("a", "b")}
        (self.directory / "inventory.yml").write_text(yaml.safe_dump({"all": {"hosts": hosts, "vars": local}}))
        given = {
            "rbd_mirror_peer": "{{ groups['all'] | difference([inventory_hostname]) | first }}",
            "rbd_mirror_package": "",
            "rbd_mirror_service": "",
            **{f"rbd_mirror_{user}_owner": "{{ lookup('ansible.builtin.env', 'USER') or 'root' }}" for user in ("daemon", "user")},
            **variables,
        }
        role = {"ansible.builtin.include_role": {"name": "osdr.openstack.rbd_mirror", "tasks_from": entry}}
        (self.directory / "play.yml").write_text(yaml.safe_dump([{"hosts": "all", "gather_facts": False, "vars": given, "tasks": [role]}]))
        environment = {**os.environ, "PATH": f"{self.directory / 'bin'}:{os.environ['PATH']}", "ANSIBLE_NOCOLOR": "1", "ANSIBLE_PIPELINING": "1"}
        command = ["ansible-playbook", "-i", str(self.directory / "inventory.yml"), str(self.directory / "play.yml"), *options]
        return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)


def changed(done):
    """How much was changed on each host."""
    assert done.returncode == 0, done.stdout + done.stderr
    recap = [line.split() for line in done.stdout.splitlines() if " changed=" in line]
    return [int(word.partition("=")[2]) for words in recap for word in words if word.startswith("changed=")]


@pytest.fixture
def clusters(tmp_path):
    return Clusters(tmp_path)


def test_pools_are_joined_in_both_directions_and_check_mode_tells_before(clusters):
    clusters.set("b", name="token-of-b")
    before = [clusters.state(name) for name in ("a", "b")]
    assert min(changed(clusters.play("--check"))) > 0
    assert [clusters.state(name) for name in ("a", "b")] == before
    joined = clusters.play("-vvv", "--diff")
    assert min(changed(joined)) > 0
    assert "secret" not in joined.stdout + joined.stderr
    assert "token-of-b" not in joined.stdout + joined.stderr
    for name in ("a", "b"):
        state = clusters.state(name)
        assert (state["mode"], state["peers"]) == ("image", [{"direction": "rx-tx"}])
        assert state["users"] == {
            f"client.rbd-mirror.{name}": {"mon": "profile rbd-mirror", "osd": "profile rbd"},
            "client.osdr": {"mon": "profile rbd", "osd": "profile rbd pool=volumes, profile rbd-read-only pool=images"},
        }
        for user in (f"rbd-mirror.{name}", "osdr"):
            keyring = clusters.directory / name / f"ceph.client.{user}.keyring"
            assert keyring.read_text() == f"[client.{user}]\n\tkey = secret\n"
            assert stat.S_IMODE(keyring.stat().st_mode) == 0o600
    assert changed(clusters.play()) == [0, 0]
    # A user that may do more is confined.
    clusters.set("a", users={**clusters.state("a")["users"], "client.osdr": {"mon": "allow *", "osd": "allow *"}})
    assert changed(clusters.play()) == [1, 0]
    assert clusters.state("a")["users"]["client.osdr"]["mon"] == "profile rbd"


def test_a_pool_that_is_mirrored_as_a_whole_is_refused(clusters):
    clusters.set("b", mode="pool")
    done = clusters.play()
    assert done.returncode != 0
    assert "is mirrored as a whole (mode: pool)" in " ".join(done.stdout.split())
    assert clusters.state("b")["users"] == {}


def test_a_peer_in_one_direction_is_refused(clusters):
    for name, direction in (("a", "rx-only"), ("b", "tx-only")):
        clusters.set(name, mode="image", peers=[{"direction": direction}])
    said = " ".join(clusters.play().stdout.split())
    assert "Pool volumes on a must have one peer with the direction rx-tx; it has rx-only. Remove the peers at both sites" in said


def test_the_other_site_must_be_in_the_play(clusters):
    done = clusters.play(rbd_mirror_peer="elsewhere")
    assert "Set rbd_mirror_peer to the host of the other site" in " ".join(done.stdout.split())
    assert done.returncode != 0


def test_what_is_mirrored_in_time_passes_the_check(clusters):
    for name in ("a", "b"):
        clusters.set(name, images=[SOUND, SENDING])
    assert changed(clusters.play(entry="check", rbd_mirror_max_clock_difference=600)) == [0, 0]


@pytest.mark.parametrize(
    ("image", "says"),
    [
        ({**SOUND, "state": "down+replaying"}, "Image volume-1 in pool volumes on a is down+replaying"),
        (
            {**SOUND, "description": 'replaying, {"local_snapshot_timestamp":100,"remote_snapshot_timestamp":500}'},
            "Image volume-1 in pool volumes on a is 400 s behind what was sent; the limit is 300 s",
        ),
    ],
)
def test_what_is_not_mirrored_in_time_is_told_by_its_image(clusters, image, says):
    clusters.set("a", images=[SENDING, image])
    done = clusters.play(entry="check", rbd_mirror_max_clock_difference=600)
    assert done.returncode != 0
    assert says in " ".join(done.stdout.split())


def test_clocks_that_differ_are_told(clusters):
    done = clusters.play(entry="check", rbd_mirror_max_clock_difference=-1)
    assert done.returncode != 0
    assert "The clocks of a and b differ by" in " ".join(done.stdout.split())
