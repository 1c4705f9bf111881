# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A checkpoint, its age, a restore, a drill and the removal of an older checkpoint, on bad days of every service of both sites.

On some of them every third request to each service goes wrong, on others tokens are over at once, or Keystone is restarted as soon as somebody has logged in.
"""

from __future__ import annotations

import contextlib
import threading

import copies
import inputs
import laboratory
import openstack
import pytest
from lab_bad_days import FAULTS, BadDays
from laboratory import APPLICATION, LAB_DIR, cloud, playbook, wait

pytestmark = pytest.mark.campaign

NAME = APPLICATION["name"]
SITES = ("primary", "remote")
#: What all of that needs, by its port in the lab: Keystone, Nova, Cinder, Neutron and Swift.
PORTS = ("5000", "8774", "8776", "9696", "8080")
#: Each answer may take seconds, so the window may, too.
WINDOW = {"driver": "nova", "freeze_timeout": 60, "budget": 200, "guard_timeout": 250}
TOKEN_SECONDS = 20


def restart_keystone(site):
    laboratory.supervisor("restart", "keystone-api", site=site)
    wait(f"Keystone of {site}", lambda: laboratory.answers(f"http://{site}:5000/v3"), 120)


@contextlib.contextmanager
def every_third_request_goes_wrong(monkeypatch, delay=0):
    with proxied(monkeypatch, BadDays(delay)) as proxy:
        yield
    made = {(service.rpartition(":")[2], fault) for service, fault in proxy.counts}
    assert made >= {(port, fault) for port in PORTS for fault in FAULTS}


@contextlib.contextmanager
def proxied(monkeypatch, proxy):
    with proxy, monkeypatch.context() as patched:
        for name, value in proxy.environment.items():
            patched.setenv(name, value)
        yield proxy


@contextlib.contextmanager
def all_is_slow_too(monkeypatch):
    with every_third_request_goes_wrong(monkeypatch, delay=3):
        yield


@contextlib.contextmanager
def tokens_are_over_at_once(_monkeypatch):
    with contextlib.ExitStack() as undo:
        for site in SITES:
            undo.enter_context(short_tokens(site))
        yield


@contextlib.contextmanager
def short_tokens(site):
    settings = LAB_DIR / "sites" / site / "root/etc/keystone/keystone.conf"
    before = settings.read_text()
    lines = [f"expiration = {TOKEN_SECONDS}" if line.startswith("expiration") else line for line in before.splitlines(keepends=False)]
    try:
        settings.write_text("\n".join([*lines, ""]))
        restart_keystone(site)
        session = openstack.connect(cloud=site).session
        assert session.auth.get_access(session).will_expire_soon(TOKEN_SECONDS)
        yield
    finally:
        settings.write_text(before)
        restart_keystone(site)


@contextlib.contextmanager
def keystone_is_restarted_in_every_step(monkeypatch):
    """Each module logs in at the sites that it needs; from then on their Keystone is away for some seconds."""
    restarts = {site: [] for site in SITES}

    def restart(site):
        # One that comes while another is under way finds Keystone away as well.
        if not any(one.is_alive() for one in restarts[site]):
            restarts[site].append(threading.Thread(target=restart_keystone, args=(site,)))
            restarts[site][-1].start()

    with proxied(monkeypatch, BadDays(faults=(), logged_in=restart)):
        yield
    for one in [*restarts["primary"], *restarts["remote"]]:
        one.join()
    told = {site: len(found) for site, found in restarts.items()}
    print(f"counted: restarts of Keystone: {told}", flush=True)
    assert all(told.values())


@pytest.fixture(scope="module")
def catalogue():
    """A container of its own, and the ids of the checkpoints in it, which leave nothing at either site."""
    container, points = laboratory.unique("bad-days"), []
    yield container, points
    laboratory.forget_checkpoints(container, points)


def take(catalogue):
    container, points = catalogue
    points.append(laboratory.unique("bad"))
    given = {"dr_checkpoint_container": container, "dr_checkpoint_full_every": 1, "dr_checkpoint_quiesce": WINDOW}
    succeeded(playbook("checkpoint", **inputs.checkpoint(APPLICATION, points[-1], **given)))
    return points[-1]


@pytest.fixture
def older(catalogue):
    """A checkpoint that was taken on a better day, or one that the test before this has left."""
    _container, points = catalogue
    return points[-1] if points else take(catalogue)


def succeeded(done):
    assert done.returncode == 0, done.stdout + done.stderr
    return " ".join(done.stdout.split())


@pytest.mark.parametrize(
    "day", [every_third_request_goes_wrong, all_is_slow_too, tokens_are_over_at_once, keystone_is_restarted_in_every_step], ids=lambda day: day.__name__
)
def test_a_bad_day_ends_no_run(monkeypatch, catalogue, older, day):
    container, _points = catalogue
    with day(monkeypatch):
        point = take(catalogue)
        succeeded(playbook("rpo", dr_rpo_cloud="remote", dr_rpo_container=container, dr_rpo_applications=[NAME], dr_rpo_max_age=7200))
        where = {"dr_restore_application": NAME, "dr_restore_cloud": "remote", "dr_restore_container": container, "dr_restore_checkpoint": point}
        elsewhere = {"dr_restore_mapping": {**copies.ELSEWHERE, "addresses": {"policy": "remap"}}, "dr_restore_servers": [copies.SERVER]}
        succeeded(playbook("restore", **where, **elsewhere))
        succeeded(playbook("cleanup", **inputs.cleanup(NAME, point)))
        drill = laboratory.unique("bad")
        succeeded(playbook("drill", **where, dr_restore_drill_id=drill))
        succeeded(playbook("cleanup", **inputs.cleanup(NAME, point, drill)))
        sites = {"dr_prune_cloud": "remote", "dr_prune_primary_cloud": "primary", "dr_prune_container": container}
        assert f"kept {point}; removed {older}." in succeeded(playbook("prune", **sites, dr_prune_application=NAME, dr_prune_keep={"last": 1}))
    snapshots = [one for one in cloud("primary").block_storage.snapshots() if one.metadata.get("osdr_checkpoint") == point]
    assert len(snapshots) in (0, len({one.volume_id for one in snapshots}))
