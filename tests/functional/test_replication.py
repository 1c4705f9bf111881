# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Copies at the remote site: by every transport, proved, resumed after every kind of death, and pruned."""

from __future__ import annotations

import concurrent.futures
import contextlib
import json
import random
import re
import signal
import time

import copies
import laboratory
import pytest
from copies import TRANSPORTS, backups, protected, remove_backup, stopped, stored, synchronized
from laboratory import cloud, killed_playbook, module, playbook, wait

CONTAINER = "osdr-functional"
BACKUP_SERVICE = "cinder-backup --config-file /etc/cinder/cinder.conf$"
#: How the lines begin that tell of the progress of the transport "copy".
STEPS = ("backing up", "copying backups", "importing", "verifying")


@pytest.fixture(autouse=True)
def no_object_is_orphaned():
    """The end of every test: the stores hold no object of a backup that nobody knows."""
    before = copies.orphans()
    yield
    assert not copies.orphans() - before


@pytest.fixture(params=TRANSPORTS)
def subject(request):
    """One for each transport; the store that replicates itself is set up."""
    options = {"backup_container": CONTAINER} if request.param == "external" else {}
    with contextlib.ExitStack() as stack:
        if request.param == "external":
            stack.enter_context(synchronized(CONTAINER))
        yield stack.enter_context(protected(request.param, **options))


def test_full_then_incremental_then_nothing(guests, subject):
    application = subject
    first = application.protect()
    assert not first["incremental"]
    assert first["verified"] == "objects"
    second_id = application.snapshot()
    foreseen = application.start(second_id, check=True).result()
    assert foreseen["changed"]
    assert not foreseen["replication"]["copies"]
    copied = application.copy(second_id)
    (second,) = copied["replication"]["copies"]
    assert second["incremental"]
    assert second["chain"] == [first["copy_id"], second["copy_id"]]
    assert 0 < second["stored_bytes"] < first["stored_bytes"]
    assert len(stored("remote", second["copy_id"], second["container"])) == second["object_count"] + 2
    for check in (False, True):
        again = application.start(second_id, check=check).result()
        assert not again["changed"], again
        assert again["replication"] == copied["replication"]
    known = {one.id: one.status for one in backups("remote", application.name)}
    assert known == {first["copy_id"]: "available", second["copy_id"]: "available"}


def test_a_volume_restored_from_a_copy_is_the_snapshot(guests):
    storage = cloud().block_storage
    # A restored volume gets that of its source in place of its own.
    storage.set_volume_metadata(storage.find_volume(f"{copies.SERVER}-boot"), purpose="serving")
    with protected("copy", verification="restore") as application:
        copy = application.protect()
        assert copy["verified"] == "restore"
        left = [one.name for one in cloud("remote").block_storage.volumes() if one.name == f"osdr-verify-{copy['copy_id']}"]
        assert not left
        # Another volume's blocks under the name of this one's: only a restore can tell.
        name = next(one for one in stored("remote", copy["copy_id"]) if one.endswith("_sha256file"))
        store = cloud("remote-backup").object_store
        sums = store.get(f"/volumebackups/{name}").json()
        sums["sha256s"][7] = "0" * 64
        store.put(f"/volumebackups/{name}", json=sums).raise_for_status()
        again = application.start(f"{application.name}-1", transport="shared").result(900)
        assert "differs from the snapshot" in again["msg"], again
        assert "in 1 of" in again["msg"]
        # The next run replaces it, and proves the new one.
        (replaced,) = application.start(f"{application.name}-1").result(900)["replication"]["copies"]
        assert replaced["copy_id"] != copy["copy_id"]
        assert (replaced["incremental"], replaced["verified"]) == (False, "restore")


def test_a_copy_is_proved_readable_without_a_look_at_its_objects(guests):
    with protected("shared", verification="readable") as application:
        copy = application.protect()
        assert (copy["verified"], copy["content"]["how"], copy["stored_bytes"]) == ("readable", "readable", 0)
        left = [one.name for one in cloud("remote").block_storage.volumes() if one.name == f"osdr-verify-{copy['copy_id']}"]
        assert not left


def test_what_is_damaged_at_the_remote_site_is_named_and_not_built_on(guests):
    with protected() as application:
        first = application.protect()
        store = cloud("remote-backup").object_store
        names = sorted(stored("remote", first["copy_id"]))
        data = next(one for one in names if one.endswith("-00001"))
        whole = store.get(f"/volumebackups/{data}").content
        store.delete_object(data, container="volumebackups")
        result = application.copy(f"{application.name}-1", stall_timeout=5)
        assert "incomplete" in result["msg"], result
        assert data in result["msg"]
        store.put(f"/volumebackups/{data}", data=whole).raise_for_status()
        assert not application.copy(f"{application.name}-1")["changed"]
        store.delete_object(next(one for one in names if one.endswith("_metadata")), container="volumebackups")
        assert not application.protect()["incremental"]


@pytest.mark.campaign
def test_somebody_elses_backup_is_not_built_on(guests):
    with protected() as application:
        application.protect()
        volume = backups("primary", application.name)[0].volume_id
        foreign = cloud().block_storage.create_backup(volume_id=volume, name="foreign", force=True)
        wait("the foreign backup", lambda: cloud().block_storage.get_backup(foreign.id).status == "available", 300)
        try:
            assert not application.protect()["incremental"]
        finally:
            remove_backup("primary", foreign.id)


def test_a_store_that_does_not_replicate_is_told(guests):
    with protected("external", backup_container=laboratory.unique("unsynchronized")) as application:
        result = application.copy(application.snapshot(), stall_timeout=10)
        assert "has stalled" in result["msg"], result
        assert application.options["backup_container"] in result["msg"]


# Dying and failing


def kill_while(application, checkpoint, what, is_there, **options):
    run = application.start(checkpoint, **options)
    wait(what, is_there, 300, 0.2)
    run.signal(signal.SIGKILL)


def finish(application, checkpoint):
    """Run it again: it ends well, and there is exactly one backup and record."""
    copied = application.copy(checkpoint)
    assert "replication" in copied, copied
    (copy,) = copied["replication"]["copies"]
    for site in ("primary", "remote"):
        assert [one.id for one in backups(site, application.name)] == [copy["copy_id"]]
    return copy


def test_killed_while_copying_it_copies_nothing_twice(guests):
    with protected("copy") as application:
        checkpoint = application.snapshot()
        kill_while(application, checkpoint, "the first objects", lambda: copying(application), bandwidth=1)
        backup = backups("primary", application.name)[0].id
        before = stored("remote", backup)
        copy = finish(application, checkpoint)
        after = stored("remote", backup)
        assert 0 < len(before) < len(after)
        assert {name: after[name] for name in before} == before
        assert len(after) == copy["object_count"] + 2


@pytest.mark.campaign
def test_killed_at_any_moment_it_can_be_finished(guests, kills, seed):
    dice = random.Random(seed)
    for number in range(max(1, kills // 3)):
        transport = ("shared", "copy")[number % 2]
        with protected(transport) as application:
            checkpoint = application.snapshot()
            run = application.start(checkpoint)
            moment = dice.uniform(3, 25)
            time.sleep(moment)
            run.signal(signal.SIGKILL)
            print(f"kill {number + 1}: {transport}, after {moment:.1f} s, {[one.status for one in backups('primary', application.name)]}")
            finish(application, checkpoint)
            print("counted: 1 kills of copying", flush=True)


@pytest.mark.campaign
def test_killed_in_any_step_it_can_be_finished(guests, kills, seed, tmp_path):
    """Killed in each step in turn, the next kill in the run that resumes; in one step of them where there are few kills."""
    for number in range(max(1, kills // len(STEPS))):
        steps = STEPS if kills >= len(STEPS) else (STEPS[(seed + number) % len(STEPS)],)
        kill_in(steps, tmp_path / f"progress-{number}")


def step_of(progress):
    """The step that the progress file tells of, one of STEPS; None before the first."""
    told = progress.read_text() if progress.exists() else ""
    return next((step for step in STEPS if told.startswith(step)), None)


def kill_in(steps, progress):
    with protected("copy", verification="restore", progress_file=str(progress)) as application:
        checkpoint = application.snapshot()
        for step in steps:
            progress.unlink(missing_ok=True)
            run = application.start(checkpoint)
            # A step that the run before had finished but not told of is passed over.
            reached = {*STEPS[STEPS.index(step) :]}
            wait(f"the step {step}", lambda reached=reached: step_of(progress) in reached, 300, 0.02)
            run.signal(signal.SIGKILL)
            print(f"killed while {step_of(progress)}: {[one.status for one in backups('primary', application.name)]}")
            print(f"counted: 1 kills of copying, 1 while {step_of(progress)}", flush=True)
        finish(application, checkpoint)
        storage = cloud("remote").block_storage
        assert not [one.name for one in (*storage.volumes(), *storage.backups()) if one.name.startswith("osdr-verify-")]


def test_a_run_killed_while_backing_up_is_finished_with_the_same_snapshots(guests, tmp_path):
    looked, hook = tmp_path / "looked", tmp_path / "hook.yml"
    hook.write_text(json.dumps([{"name": "Tell", "ansible.builtin.file": {"path": str(looked), "state": "touch"}}]))
    with published_by_playbook() as (application, variables), concurrent.futures.ThreadPoolExecutor() as pool:
        with contextlib.ExitStack() as stack:
            with killed_playbook("checkpoint", **variables):
                wait("the backup to begin", lambda: begun(application), 300, 0.1)
                # So that the next run finds the snapshot being backed up, however quick the backup would be.
                stack.enter_context(laboratory.halted(BACKUP_SERVICE))
            taken = snapshots(application)
            assert set(taken.values()) == {"backing-up"}
            again = pool.submit(playbook, "checkpoint", **variables, dr_checkpoint_hooks={"after_snapshot": [str(hook)]})
            wait("the next run to have looked at the snapshots", lambda: looked.exists() or again.done(), 180)
        done = again.result()
        assert done.returncode == 0, done.stdout
        assert snapshots(application) == dict.fromkeys(taken, "available")
        for site in ("primary", "remote"):
            assert [one.snapshot_id for one in backups(site, application.name)] == list(taken)


@contextlib.contextmanager
def published_by_playbook():
    """An application, and what the playbook checkpoint needs to publish its first checkpoint and to keep its snapshots."""
    with protected() as application:
        try:
            yield application, application.checkpoint()
        finally:
            # Its backups go with the rest.
            module("os_checkpoint", cloud="remote", application=application.name, checkpoint=f"{application.name}-1", state="absent")


def snapshots(application):
    """Status per id of the snapshots of an application."""
    found = cloud().block_storage.snapshots()
    return {one.id: one.status for one in found if one.metadata.get("osdr_application") == application.name}


def begun(application):
    """Whether the backup service writes the first backup."""
    return [one for one in backups("primary", application.name) if one.container]


def copying(application):
    """Whether objects of the backup have come to the remote site."""
    mine = backups("primary", application.name)
    return mine and mine[0].status == "available" and stored("remote", mine[0].id)


@contextlib.contextmanager
def tokens_good_for(seconds, site):
    """Keystone of a site gives out tokens that are soon of no use."""
    config = laboratory.LAB_DIR / "sites" / site / "root/etc/keystone/keystone.conf"
    before = config.read_text()
    shorter, count = re.subn(r"(?m)^expiration = \d+$", f"expiration = {seconds}", before)
    assert count == 1

    def configure(content):
        config.write_text(content)
        laboratory.supervisor("restart", "keystone-api", site=site)
        wait(f"keystone of {site}", lambda: laboratory.answers(f"http://{site}:5000/v3"), 60)

    configure(shorter)
    try:
        yield
    finally:
        configure(before)


def test_services_may_be_gone_for_a_while_and_tokens_expire(guests, remote_site_alone):
    """One after the other in a single run, which tells meanwhile how far it is."""
    seconds = 35
    with contextlib.ExitStack() as stack:
        for site in ("primary", "remote"):
            stack.enter_context(tokens_good_for(seconds, site))
        application = stack.enter_context(protected("copy", bandwidth=1))
        checkpoint = application.snapshot()
        run = application.start(checkpoint)
        wait("copying to begin", lambda: copying(application), 300, 0.2)
        with stopped("swift-proxy", "remote"):
            time.sleep(5)
        with laboratory.restarted_queue("remote"), stopped("cinder-api", "remote"):
            listed = len(stored("primary", backups("primary", application.name)[0].id))
            wait("copying to end", lambda: len(stored("remote", backups("primary", application.name)[0].id)) == listed, 300, 1)
            time.sleep(5)
        assert "replication" in run.result(900), run.output
        assert time.monotonic() - run.started > seconds, "no token has expired"
    for part in ("copying backups: ", " MiB/s", " left"):
        assert part in run.output, run.output


@pytest.mark.campaign
def test_a_backup_whose_messages_are_lost_is_told_and_the_next_run_finishes(guests):
    with protected() as application:
        checkpoint = application.snapshot()
        run = application.start(checkpoint)
        wait("the backup to begin", lambda: begun(application), 120, 0.2)
        with laboratory.restarted_queue():
            result = run.result(900)
        # What the backup service asked for and never got an answer to, it gives up.
        assert "replication" in result or "re-run" in result["msg"], result
        finish(application, checkpoint)


def test_a_backup_service_that_dies_is_told_and_the_next_run_finishes(guests):
    with protected() as application:
        checkpoint = application.snapshot()
        run = application.start(checkpoint)
        wait("the backup to begin", lambda: begun(application), 120, 0.2)
        laboratory.kill(laboratory.processes(BACKUP_SERVICE))
        result = run.result(900)
        assert "failed: error" in result.get("msg", ""), result
        assert "re-run" in result["msg"]
        wait("the backup service", lambda: laboratory.backup_service_is_up("primary"), 120, 1)
        finish(application, checkpoint)


def test_a_store_that_is_full_half_way_can_be_emptied_and_used_again(guests):
    with protected("copy") as application:
        checkpoint = application.snapshot()
        store = cloud("remote-backup").object_store
        container = "volumebackups"
        used = sum(one.content_length for one in store.objects(container))
        admin = cloud("remote-backup").object_store
        admin.post(f"/{container}", headers={"X-Container-Meta-Quota-Bytes": str(used + 2 * 1024**2)}).raise_for_status()
        try:
            result = application.copy(checkpoint)
        finally:
            admin.post(f"/{container}", headers={"X-Container-Meta-Quota-Bytes": ""}).raise_for_status()
        assert "quota" in result["msg"], result
        finish(application, checkpoint)


# Retention


def prune(application, check=False, **keep):
    options = {"cloud": "remote", "primary_cloud": "primary", "application": application.name, "keep": keep}
    return laboratory.ModuleRun("os_checkpoint_prune", check=check, **options).result()


@pytest.mark.parametrize("transport", ["shared", pytest.param("copy", marks=pytest.mark.campaign)])
def test_pruning_cuts_no_chain_and_touches_nothing_foreign(guests, transport):
    with protected(transport, full_every=2) as application:
        made = [application.publish(application.snapshot()) for _number in range(3)]
        assert [one["incremental"] for one in made] == [False, True, False]
        abandoned = application.snapshot()
        kept = f"{application.name}-2"
        foreseen = prune(application, check=True, last=2)
        assert foreseen["prune"]["removed"] == [f"{application.name}-1"]
        assert foreseen["prune"]["backups"] == {"remote": [], "primary": []}
        pruned = prune(application, last=2)
        assert pruned["changed"]
        assert [one["id"] for one in pruned["prune"]["kept"]] == [f"{application.name}-3", kept]
        # The full backup of the first one stays: the second one is an increment of it.
        for site in ("primary", "remote"):
            assert {one.id for one in backups(site, application.name)} == {one["copy_id"] for one in made}
        assert not prune(application, last=2)["changed"]
        again = prune(application, last=1)["prune"]
        assert again["removed"] == [kept]
        for site in ("primary", "remote"):
            assert again["backups"][site] == [made[1]["copy_id"], made[0]["copy_id"]]
            assert [one.id for one in backups(site, application.name)] == [made[2]["copy_id"]]
        assert not stored("remote", made[0]["copy_id"]) and not stored("remote", made[1]["copy_id"])
        assert len(stored("remote", made[2]["copy_id"])) == made[2]["object_count"] + 2
        assert not application.copy(f"{application.name}-3")["changed"]
        # What is newer than the newest checkpoint may be a checkpoint that is just being made.
        assert [one for one in cloud().block_storage.snapshots() if abandoned in one.name]


def test_a_policy_that_keeps_nothing_is_refused(guests):
    assert "would remove every checkpoint" in prune(copies.Protected())["msg"]
