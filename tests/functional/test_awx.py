# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Jobs on the lab as AWX runs them.

ansible-runner plays a private data directory, with what awx/ gives to AWX, with answers of surveys, and with files injected by the credential.
"""

from __future__ import annotations

import concurrent.futures

import copies
import laboratory
import pytest
import yaml
from ansible_collections.osdr.openstack.tests.plays.awx.configuration import Job, answers, job_template, rendered
from laboratory import APPLICATION, LAB_DIR, ROOT, SERVERS, cloud, frozen_of, module, wait

KEY = laboratory.unique("correct-horse")
CONTAINER = laboratory.unique("awx")
#: An application of one server, known to nobody else: its checkpoint takes little time.
ONE = {"name": laboratory.unique("awx"), "tiers": [{"name": "only", "servers": [copies.SERVER]}]}
#: The whole application, known to nobody else by this name.
ALL = {**APPLICATION, "name": laboratory.unique("awx")}
CHECKPOINT = laboratory.unique("point")
WINDOW = {"driver": "nova", "budget": 30, "guard_timeout": 60}
GUARD = 12
#: What a guard may be late: Nova's sweep, a retry, and a look at three guests.
LATE = 15
SHORT_WINDOW = {"driver": "nova", "budget": GUARD - 1, "guard_timeout": GUARD}


def accounts():
    """The accounts of both sites: entries of the lab's clouds.yaml."""
    return yaml.safe_load((LAB_DIR / "clouds.yaml").read_text())["clouds"]


def credential():
    """The lab's accounts, as one enters them in AWX."""
    inputs = {"hmac_key": KEY}
    for site in ("primary", "remote"):
        inputs |= {f"{site}_url": accounts()[site]["auth"]["auth_url"], f"{site}_region": accounts()[site]["region_name"]}
        for part, name in (("", site), ("admin_", f"{site}-admin"), ("store_", f"{site}-backup")):
            auth = accounts()[name]["auth"]
            inputs |= {f"{site}_{part}user": auth["username"], f"{site}_{part}password": auth["password"], f"{site}_{part}project": auth["project_name"]}
    return inputs


def inventory(application, window):
    """What awx/setup.yml would put into the inventory, and what an operator of the lab would add."""
    added = {f"dr_{part}_container": CONTAINER for part in ("checkpoint", "restore", "prune", "rpo")}
    return {
        **rendered("dr_awx_inventory_variables", dr_awx_application=application),
        **added,
        "dr_checkpoint_quiesce": window,
        "dr_prune_keep": {"last": 1},
    }


@pytest.fixture
def job(tmp_path):
    """Makes a job of a template; nothing that it tells may be a secret."""
    made = []

    def make(template, variables=None, check=False, **given):
        directory = tmp_path / f"job{len(made)}"
        found = job_template(template)
        variables = variables or inventory(ONE, WINDOW)
        made.append(Job(directory, found, credential(), variables, answers(found, **given), str(ROOT / ".build/collections"), check))
        return made[-1]

    yield make
    assert [secrets_of(one) for one in made] == [[] for _one in made]


def secrets_of(job):
    """Those that somebody who sees the job can read."""
    told = job.told()
    # The lab's password is a word of what is no secret, too.
    for public in (str(LAB_DIR), (LAB_DIR / "ssh/id_ed25519.pub").read_text().strip()):
        told = told.replace(public, "")
    passwords = {account["auth"]["password"] for account in accounts().values()}
    # The last one is how Keystone's tokens begin.
    return [secret for secret in (KEY, *passwords, "gAAAAA") if secret in told]


def known():
    """Ids of the checkpoints of the whole application and of the one of one server."""
    found = [module("os_checkpoint_info", cloud="remote", container=CONTAINER, hmac_key=KEY, application=one["name"]) for one in (ALL, ONE)]
    return [[checkpoint["id"] for checkpoint in one["checkpoints"]] for one in found]


@pytest.fixture(scope="module", autouse=True)
def nothing_is_left(application):
    yield
    for site in ("remote", "primary"):
        for backup in copies.backups(site, ONE["name"]):
            copies.remove_backup(site, backup.id)
    store = cloud("remote").object_store
    if CONTAINER in {one.name for one in store.containers()}:
        for one in list(store.objects(CONTAINER)):
            store.delete_object(one.name, container=CONTAINER)
        store.delete_container(CONTAINER)


def succeeded(job):
    job.run()
    return ended_well(job)


def ended_well(job):
    assert job.status == "successful", job.output
    return job.artifacts


def run_at_once(*jobs):
    """Jobs that change nothing, side by side."""
    with concurrent.futures.ThreadPoolExecutor(len(jobs)) as pool:
        list(pool.map(Job.run, jobs))
    return jobs


def test_a_checkpoint_is_taken_watched_and_kept(job):
    taken = succeeded(job("checkpoint", dr_checkpoint_id=CHECKPOINT))["dr_checkpoint"]
    assert (taken["application"], taken["id"], taken["consistency"]) == (ONE["name"], CHECKPOINT, "quiesced")
    assert taken["window"]["seconds"] > 0

    watched, too_old, pruned = run_at_once(job("recovery point"), job("recovery point", dr_rpo_max_age=0), job("prune", check=True))
    (point,) = ended_well(watched)["dr_rpo"]
    assert (point["checkpoint"], point["consistency"], point["within"]) == (CHECKPOINT, "quiesced", True)

    assert too_old.status == "failed"
    # Somebody wants to know how old.
    assert too_old.artifacts["dr_rpo"][0]["checkpoint"] == CHECKPOINT

    ended_well(pruned)
    assert pruned.changed == 0
    assert f"kept {CHECKPOINT}; would remove nothing" in " ".join(pruned.output.split())
    assert known() == [[], [CHECKPOINT]]


def test_a_checkpoint_that_is_cancelled_in_the_window_leaves_nobody_frozen(guests, front, api, job):
    """The end of the job's container: no process of it is asked, and none survives."""
    checkpoint = laboratory.unique("cancelled")
    seen = []

    def cancel():
        seen.append(api.state(front.id))
        return seen[-1] == "quiesced"

    try:
        cancelled = job("checkpoint", inventory(ALL, SHORT_WINDOW), dr_checkpoint_id=checkpoint).run(cancel)
        assert (cancelled.status, seen[-1]) == ("canceled", "quiesced"), cancelled.output
        # Nobody but the guard is there to thaw it.
        assert api.state(front.id) == "quiesced"
        wait("the guards", lambda: not frozen_of(guests), GUARD + LATE)

        thawed = {one["name"] for one in succeeded(job("thaw", dr_thaw_cloud="primary-admin", dr_thaw_all_projects="true"))["dr_thaw"]}
        assert front.name in thawed
        assert thawed <= set(SERVERS)
        assert not any("osdr_freeze" in guest.metadata() for guest in guests)
        assert known()[0] == []
    finally:
        module("os_cg_snapshot", cloud="primary", name=checkpoint, application=ALL, state="absent")


@pytest.mark.campaign
def test_a_drill_hands_on_how_long_a_restore_takes(job):
    point = laboratory.unique("point")
    succeeded(job("checkpoint", dr_checkpoint_id=point))
    drilled = succeeded(job("drill", dr_restore_checkpoint=point))["dr_drill"]
    assert (drilled["checkpoint"], drilled["outcome"]) == (point, "passed")
    assert drilled["recovery_seconds"] > 0
    assert not [one for one in cloud("remote").compute.servers() if drilled["drill"] in one.name]
