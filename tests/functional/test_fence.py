# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A site that comes back after the application was restored elsewhere: what still runs there is fenced, and may be let go again."""

from __future__ import annotations

import contextlib

import copies
import pytest
from laboratory import Guest, cloud, playbook, wait
from openstack.exceptions import SDKException

pytestmark = pytest.mark.campaign

CATALOGUE = "osdr-catalogue"


def sites(application):
    """The variables file of failover, failback and fence."""
    return {
        "dr_failover_application": application.definition,
        "dr_failover_primary": {"cloud": "primary", "admin_cloud": "primary-admin", "store_cloud": "primary-backup"},
        "dr_failover_remote": {"cloud": "remote", "admin_cloud": "remote-admin", "store_cloud": "remote-backup"},
    }


@pytest.fixture
def elsewhere(nobody_stays_frozen, front):
    """An application that was restored at the remote site while its primary could not be asked; at the end it is at home as before."""
    with copies.published() as made:
        given = {**made.restore(), "dr_restore_activate": True}
        done = playbook("restore", **given)
        assert done.returncode == 0, done.stdout
        yield made
        removed = playbook("cleanup", **made.cleanup())
        assert removed.returncode == 0, removed.stdout
        released = playbook("fence", dr_fence_state="released", dr_fence_start=True, dr_fence_runs_at="primary", **sites(made))
        assert released.returncode == 0, released.stdout
        forget_record(made)
        wait("the front to serve", lambda: "shop-front" in front.run("hostname"), 180, 2)


def forget_record(application):
    for site in ("primary", "remote"):
        with contextlib.suppress(SDKException):
            cloud(site).object_store.delete_object(f"{application.name}/_active.json", container=CATALOGUE)


def start_behind_the_fence(front):
    """As an administrator can."""
    cloud("primary-admin").compute.start_server(front.id)
    wait("the front to run", lambda: front.status() == "ACTIVE" and front.task() is None, 120)


def in_error_it_is_stopped_too(application, front):
    start_behind_the_fence(front)
    cloud("primary-admin").compute.reset_server_state(front.id, "error")
    assert front.status() == "ERROR"
    fenced = playbook("fence", **sites(application))
    assert fenced.returncode == 0, fenced.stdout
    assert front.status() == "SHUTOFF"


def on_a_dead_compute_host_it_is_locked_and_stopped_when_that_is_back(application, front):
    start_behind_the_fence(front)
    # As somebody who trusted that it will not be needed any more.
    cloud("primary-admin").compute.unlock_server(front.id)
    with copies.stopped("nova-compute", "primary"):
        refused = playbook("fence", dr_failover_stop_timeout=10, **sites(application))
        assert refused.returncode != 0
        said = " ".join(refused.stdout.split())
        assert f"is only partly fenced. Server shop-front ({front.id}) is ACTIVE (powering-off)." in said, refused.stdout
        assert cloud().compute.get_server(front.id).is_locked
    wait("Nova to do what it was asked for", lambda: front.status() == "SHUTOFF", 180)
    again = playbook("fence", **sites(application))
    assert again.returncode == 0 and "changed=0 " in again.stdout, again.stdout


def test_what_still_runs_is_fenced_and_protects_nothing_any_more(elsewhere, front):
    assert front.status() == "ACTIVE"
    foreseen = playbook("fence", "--check", **sites(elsewhere))
    assert foreseen.returncode == 0 and "changed=0 " not in foreseen.stdout, foreseen.stdout
    assert front.status() == "ACTIVE"

    fenced = playbook("fence", **sites(elsewhere))
    assert fenced.returncode == 0, fenced.stdout
    assert front.status() == "SHUTOFF"
    with pytest.raises(SDKException, match="locked"):
        cloud().compute.start_server(front.id)
    assert Guest.named(copies.SERVER).metadata()["osdr_fence"]

    doubted = playbook("fence", dr_fence_state="released", **sites(elsewhere))
    assert doubted.returncode != 0
    assert "must not be released at site 'primary'" in " ".join(doubted.stdout.split()), doubted.stdout

    again = playbook("fence", **sites(elsewhere))
    assert again.returncode == 0 and "changed=0 " in again.stdout, again.stdout

    refused = playbook(
        "checkpoint",
        dr_checkpoint_cloud="primary",
        dr_checkpoint_admin_cloud="primary-admin",
        dr_checkpoint_remote_cloud="remote",
        dr_checkpoint_remote_admin_cloud="remote-admin",
        dr_checkpoint_remote_store_cloud="remote-backup",
        dr_checkpoint_application=elsewhere.definition,
    )
    assert refused.returncode != 0
    assert "runs at site 'remote'" in " ".join(refused.stdout.split()), refused.stdout

    in_error_it_is_stopped_too(elsewhere, front)
    on_a_dead_compute_host_it_is_locked_and_stopped_when_that_is_back(elsewhere, front)
