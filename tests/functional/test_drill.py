# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Drills that are killed, and what others do with their networks meanwhile."""

from __future__ import annotations

import inputs
import laboratory
import pytest
from laboratory import APPLICATION, cloud, killed_playbook, module, playbook, wait

pytestmark = pytest.mark.campaign

NAME = APPLICATION["name"]


@pytest.fixture(scope="module")
def checkpoint(application):
    """A checkpoint of the application in a catalogue of its own: container and id."""
    container, name = laboratory.unique("drills"), laboratory.unique("point")
    options = {
        "dr_checkpoint_container": container,
        "dr_checkpoint_full_every": 1,
    }
    done = playbook("checkpoint", **inputs.checkpoint(APPLICATION, name, **options))
    assert done.returncode == 0, done.stdout + done.stderr
    yield container, name
    laboratory.forget_checkpoints(container, [name])


def called_after(drill):
    """Names of everything at the remote site that the drill gave a name, by kind."""
    remote = cloud("remote")
    kinds = {
        "servers": remote.compute.servers(),
        "key pairs": remote.compute.keypairs(),
        "volumes": remote.block_storage.volumes(),
        "ports": remote.network.ports(),
        "networks": remote.network.networks(),
        "subnets": remote.network.subnets(),
        "routers": remote.network.routers(),
        "security groups": remote.network.security_groups(),
    }
    found = {kind: sorted(one.name for one in things if (one.name or "").startswith(f"drill-{drill}-")) for kind, things in kinds.items()}
    return {kind: names for kind, names in found.items() if names}


@pytest.fixture
def killed(checkpoint):
    """The id of a drill that was killed when its first server was active."""
    container, name = checkpoint
    drill = laboratory.unique("killed")
    given = {
        "dr_restore_application": NAME,
        "dr_restore_cloud": "remote",
        "dr_restore_container": container,
        "dr_restore_checkpoint": name,
        "dr_restore_drill_id": drill,
    }
    with killed_playbook("drill", **given):
        wait("a server of the drill", lambda: any(one.status == "ACTIVE" for one in cloud("remote").compute.servers() if drill in one.name), 300)
    return drill


def cleanup(checkpoint, drill, *options):
    return playbook("cleanup", *options, **inputs.cleanup(NAME, checkpoint, drill))


def test_a_killed_drill_is_removed_by_its_marks_but_for_what_others_use(checkpoint, killed):
    _container, name = checkpoint
    there = called_after(killed)
    assert there.keys() == {"servers", "key pairs", "volumes", "ports", "networks", "subnets", "routers", "security groups"}
    network = cloud("remote").network.find_network(f"drill-{killed}-shop-net")
    theirs = cloud("remote").network.create_port(network_id=network.id, name="theirs")

    told = cleanup(name, killed, "--check")
    assert told.returncode == 0, told.stdout
    assert called_after(killed) == there

    done = cleanup(name, killed)
    assert done.returncode == 0, done.stdout
    assert f"port {theirs.id} of others uses it" in " ".join(done.stdout.split())
    assert called_after(killed).keys() == {"networks", "subnets", "routers"}

    cloud("remote").network.delete_port(theirs.id)
    result = module("os_restore_cleanup", cloud="remote", application=NAME, checkpoint=name, drill=killed)
    assert (sorted(result["removed"]), result["left"]) == (["networks", "routers", "subnets"], [])
    assert called_after(killed) == {}
    again = module("os_restore_cleanup", cloud="remote", application=NAME, checkpoint=name, drill=killed)
    assert (again["changed"], again["removed"]) == (False, {})


def test_what_is_to_be_removed_has_to_be_said():
    done = playbook("cleanup", dr_cleanup_cloud="remote", dr_cleanup_application=NAME, dr_cleanup_checkpoint="any")
    assert done.returncode != 0
    assert "Give dr_cleanup_drill" in done.stdout
