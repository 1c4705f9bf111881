# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Restores that are killed or that fail: the next run finishes them, and all that they made can be removed again."""

from __future__ import annotations

import random
import time

import copies
import pytest
from laboratory import cloud, killed_playbook, playbook, unique, wait

MOMENTS = ("the volume is restored", "the network is made", "the port is made", "the server is built", "the server starts")


@pytest.fixture(scope="module")
def protected(application):
    with copies.published() as made:
        yield made


def everything():
    """All that a restore could make or remove at the remote site: kind and id."""
    remote = cloud("remote")
    kinds = {
        "server": remote.compute.servers(),
        "volume": remote.block_storage.volumes(),
        # Neutron makes and removes those by itself.
        "port": (one for one in remote.network.ports() if not one.device_owner.startswith("network:")),
        "floating address": remote.network.ips(),
        "network": remote.network.networks(),
        "subnet": remote.network.subnets(),
        "router": remote.network.routers(),
        "security group": remote.network.security_groups(),
        "key pair": remote.compute.keypairs(),
    }
    return {(kind, one.id) for kind, things in kinds.items() for one in things}


def restored(protected, kind):
    """What has the mark of the application."""
    remote = cloud("remote")
    found = {
        "server": lambda: [one for one in remote.compute.servers() if one.metadata.get("osdr_application") == protected.name],
        "volume": lambda: [one for one in remote.block_storage.volumes() if one.metadata.get("osdr_application") == protected.name],
        "port": lambda: [one for one in remote.network.ports() if protected.name in (one.description or "")],
        "network": lambda: list(remote.network.networks(name="moved-net")),
    }
    return found[kind]()


def has_come(moment, protected):
    return {
        "the volume is restored": lambda: restored(protected, "volume"),
        "the network is made": lambda: restored(protected, "network"),
        "the port is made": lambda: restored(protected, "port"),
        "the server is built": lambda: restored(protected, "server"),
        "the server starts": lambda: [one for one in restored(protected, "server") if one.status == "ACTIVE"],
    }[moment]()


@pytest.fixture
def untouched(protected, remote_site_alone):
    """What is at the remote site of others is there afterwards, and nothing else."""
    before = everything()
    yield
    done = playbook("cleanup", **protected.cleanup())
    assert done.returncode == 0, done.stdout
    assert everything() == before


def kill_at(moment, protected, seconds):
    """Kill a restore so long after a moment; says whether it came while the restore ran, and was not passed before."""
    had_come = has_come(moment, protected)
    with killed_playbook("restore", **protected.restore()):
        wait(moment, lambda: has_come(moment, protected), 300, 0.1)
        time.sleep(seconds)
    print(f"killed {seconds:.1f} s after: {moment}{', which an earlier run had reached' if had_come else ''}", flush=True)
    print(f"counted: 1 kills of a restore, {0 if had_come else 1} right after {moment}", flush=True)


def test_killed_at_any_moment_it_can_be_finished_and_removed(protected, untouched, kills, seed):
    """Killed in each moment in turn, the next kill in the run that resumes; one moment of them where there are few kills."""
    dice = random.Random(seed)
    before = everything()
    for number in range(max(1, kills // len(MOMENTS))):
        chosen = MOMENTS if kills >= len(MOMENTS) else (MOMENTS[(seed + number) % len(MOMENTS)],)
        for moment in chosen:
            kill_at(moment, protected, dice.uniform(0, 2 / len(chosen)))
        finished = playbook("restore", **protected.restore())
        assert finished.returncode == 0, finished.stdout
        again = playbook("restore", **protected.restore())
        assert again.returncode == 0 and "changed=0 " in again.stdout, again.stdout
        made = sorted(kind for kind, _id in everything() - before if kind != "key pair")
        assert made == ["floating address", "network", "port", "router", "security group", "server", "subnet", "volume"]
        removed = playbook("cleanup", **protected.cleanup())
        assert removed.returncode == 0, removed.stdout
        assert everything() == before


@pytest.fixture
def too_large():
    """A flavor for which no host has room, and every project has quota."""
    name = unique("huge")
    admin = cloud("remote-admin")
    flavor = admin.compute.create_flavor(name=name, ram=45000, vcpus=1, disk=0)
    yield name
    admin.compute.delete_flavor(flavor)


@pytest.mark.campaign
def test_a_server_that_cannot_be_built_is_told_and_the_rest_is_kept(protected, untouched, too_large):
    failed = playbook("restore", **protected.restore(flavors={"lab.small": too_large}))
    assert failed.returncode != 0
    said = " ".join(failed.stdout.split())
    assert f"Server '{copies.SERVER}'" in said and "No valid host" in said, said
    kept = {kind: [one.id for one in restored(protected, kind)] for kind in ("volume", "port")}
    assert all(len(ids) == 1 for ids in kept.values()), kept
    finished = playbook("restore", **protected.restore())
    assert finished.returncode == 0, finished.stdout
    assert {kind: [one.id for one in restored(protected, kind)] for kind in kept} == kept
    assert [one.status for one in restored(protected, "server")] == ["ACTIVE"]
