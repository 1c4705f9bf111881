# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Jobs as AWX runs them, with answers of surveys as the strings that they are, and with modules that only take notes."""

from __future__ import annotations

import datetime
import re

import psutil
import pytest
from ansible_collections.osdr.openstack.tests.plays.awx.configuration import Job, answers, data, job_template, rendered
from ansible_collections.osdr.openstack.tests.plays.test_failover_role import FENCED, Collection, names
from ansible_collections.osdr.openstack.tests.unit.support import shop

APPLICATION = shop.DOCUMENT["application"]
# Whatever it looks like.
SECRET = "01234567012345670123"
PRIVATE_KEY = "-----BEGIN PRIVATE KEY-----\nnot/a+key/at+all/but+as/long+as/a+line/of/one\nnor/is+this/the+second/line+of/it\n-----END PRIVATE KEY-----\n"
INPUTS = {
    **{f"{site}_{what}": what for site in ("primary", "remote") for what in ("url", "user", "project", "admin_user", "admin_project")},
    **{f"{site}_{what}": SECRET for site in ("primary", "remote") for what in ("password", "admin_password")},
    "hmac_key": SECRET,
}
RECOVERY_POINT = {
    "application": "shop", "checkpoint": "noon", "created_at": "2026-01-01T12:00:00Z", "age": 60, "consistency": "quiesced", "within": True,
    "drill_within": True, "not_restorable": [], "damaged": [], "drill": None,
    "content": {"age": 60, "unproved": 0, "compared": 0, "volumes": []}, "proof_within": True,
}
ANSWERS = {
    "os_catalogue_rebuild": {"rebuilt": [], "present": ["noon"], "damaged": []},
    "os_checkpoint_info": shop.found(),
    "os_checkpoint_prune": {"prune": {"kept": [{"id": "noon"}], "removed": ["ten"]}},
    "os_drill_record": {"drill": {"outcome": "passed", "servers": []}},
    "os_recovery_point_info": {"recovery_points": [RECOVERY_POINT]},
    "os_restore_cleanup": {"removed": [], "left": [], "others": []},
    "os_application_roll_back": {"roll_back": {"id": "1", "state": "rolled_back"}, "resumed": False, "removed": []},
    "os_restore_beside": {"volumes": [{"servers": ["orders-db"], "device": "/dev/vdb", "name": "orders-db-data-incident-42", "volume_id": None}]},
    "os_server_thaw": {"thaw": [{"name": "orders-db", "was_frozen": True}]},
}
#: What is asked and has no default.
TOLD = {
    "cleanup": {"dr_cleanup_checkpoint": "noon", "dr_cleanup_drill": "20260101-3f2a"},
    "roll back": {"dr_roll_back_checkpoint": "noon"},
    "restore a volume": {"dr_volume_server": "orders-db", "dr_volume_id": "incident-42"},
}
#: Modules that a job calls only when somebody wants it.
ON_DEMAND = {"os_application_supersede"}


@pytest.fixture
def make(tmp_path):
    """Makes a job; returns it and the collection that it uses."""
    def lay_out(name, given, answered=None, inputs=INPUTS, **added):
        collection = Collection(tmp_path / "collections", {**ANSWERS, **(answered or {})})
        inventory = {**rendered("dr_awx_inventory_variables", dr_awx_application=APPLICATION), **added}
        return Job(tmp_path / "job", job_template(name), inputs, inventory, given, collection.paths), collection

    return lay_out


@pytest.fixture
def run(make):
    """Runs a job to its success; returns it and what was called."""
    def start(*arguments):
        job, collection = make(*arguments)
        job.run()
        assert job.status == "successful", job.output
        return job, collection.calls()

    return start


def handed_on(name):
    special = {"recovery point": "dr_rpo", "rebuild the catalogue": "dr_catalogue", "failback": "dr_failover", "restore a volume": "dr_volume"}
    special |= dict.fromkeys(("roll back", "undo the roll-back", "accept the roll-back"), "dr_roll_back")
    return special.get(name, f"dr_{name}")


@pytest.mark.parametrize("name", [one["name"] for one in data()["dr_awx_job_templates"] if "extra_vars" not in one])
def test_who_answers_nothing_gets_what_the_roles_do_by_themselves(run, name):
    """What is left empty is no answer. AWX's way of writing it down makes it null."""
    template = job_template(name)
    empty = {question["variable"]: "" for question in template.get("survey", []) if question["type"] == "text" and not question["required"]}
    job, calls = run(name, answers(template, **empty, **TOLD.get(name, {})))
    assert job.artifacts[handed_on(name)]
    assert calls
    assert not ON_DEMAND & set(names(calls))
    assert not [given for _name, given in calls if "None" in given.values() or "not_after" in given]
    if name == "checkpoint":
        assert re.fullmatch(r"\d{8}T\d{6}Z", calls[0][1]["checkpoint"])


@pytest.mark.parametrize("name", ["restore", "failback"])
def test_a_yes_is_a_yes(run, name):
    yes = {question["variable"]: "true" for question in job_template(name)["survey"] if question.get("choices") == ["true", "false"]}
    _job, calls = run(name, answers(job_template(name), **yes))
    assert ON_DEMAND <= set(names(calls))
    assert dict(calls)["os_restore_check" if name == "restore" else "os_failover_check"]["keep_volumes"] in (True, "true")


def test_a_restore_that_is_not_to_be_recorded_is_not(run):
    _job, calls = run("restore", answers(job_template("restore"), dr_restore_activate="false"))
    assert "os_active_site" not in names(calls)


def test_a_fence_at_the_other_site_is_released_and_started(run):
    answered = {"os_active_site_info": {"active_site": {"record": None, "sites": [{"running": []}, {"running": []}]}}}
    job, calls = run("fence", answers(job_template("fence"), dr_fence_site="remote", dr_fence_state="released", dr_fence_start="true"), answered)
    fence = dict(calls)["os_application_fence"]
    assert (fence["cloud"], fence["state"]) == ("remote", "released")
    assert fence["start"] in (True, "true")
    assert job.artifacts["dr_fence"]["servers"] == [FENCED]


@pytest.mark.parametrize(
    ("given", "expected", "looked"),
    [
        ({}, ("primary", "False"), "the project of the credentials only"),
        ({"dr_thaw_cloud": "primary-admin", "dr_thaw_all_projects": "true"}, ("primary-admin", "True"), "all projects"),
    ],
    ids=["account of the project", "administrator"],
)
def test_a_thaw_looks_only_where_the_account_may(run, given, expected, looked):
    job, ((_name, thaw),) = run("thaw", answers(job_template("thaw"), **given))
    assert (thaw["cloud"], str(thaw["all_projects"])) == expected
    assert f"Thawed orders-db; looked in {looked}." in " ".join(job.output.split())


def test_an_answer_is_no_template(run):
    _job, calls = run("checkpoint", answers(job_template("checkpoint"), dr_checkpoint_id="{{ 40 + 2 }}"))
    assert {given["checkpoint"] for name, given in calls if name == "os_checkpoint_info"} == {"{{ 40 + 2 }}"}


def test_an_answer_that_looks_like_a_moment_is_one(run):
    _job, calls = run("restore", answers(job_template("restore"), dr_restore_not_after="2026-11-22T12:00:00Z"))
    given = dict(calls)["os_checkpoint_info"]["not_after"]
    assert datetime.datetime.fromisoformat(given) == datetime.datetime(2026, 11, 22, 12, tzinfo=datetime.UTC)


def test_the_secret_of_the_credential_comes_to_the_modules_and_is_told_to_nobody(run):
    job, calls = run("recovery point", answers(job_template("recovery point")))
    assert dict(calls)["os_recovery_point_info"]["hmac_key"] == SECRET
    assert SECRET not in job.told()


@pytest.mark.parametrize(
    ("name", "module"),
    [("restore", "os_restore_volumes"), ("drill", "os_restore_volumes"), ("roll back", "os_application_roll_back"), ("restore a volume", "os_restore_beside")],
)
def test_the_private_key_comes_from_its_own_credential_and_is_told_to_nobody(make, name, module):
    inputs = {**INPUTS, "volume_private_key": PRIVATE_KEY}
    job, collection = make(name, answers(job_template(name), **TOLD.get(name, {})), inputs=inputs)
    assert job.run().status == "successful", job.output
    site = "remote" if module == "os_restore_volumes" else "primary"
    given = dict(collection.calls())[module]
    assert (given["volume_private_key"].strip(), given["import_cloud"], given["store_cloud"]) == (PRIVATE_KEY.strip(), f"{site}-admin", f"{site}-store")
    assert not [line for line in PRIVATE_KEY.split() if line in job.told() and len(line) > 20]


def test_without_that_credential_there_is_no_private_key(run):
    _job, calls = run("restore", answers(job_template("restore")))
    assert "volume_private_key" not in dict(calls)["os_restore_volumes"]


def of_the_workflow():
    return {question["variable"]: question["default"] for question in data()["dr_awx_workflow"]["survey"] if "default" in question}


def test_the_cut_over_is_of_what_was_approved(run):
    """Of the checkpoint that was restored, with hooks of its own, and with the record that the first half leaves out."""
    first, calls = run("restore to be approved", of_the_workflow())
    assert dict(calls)["os_checkpoint_info"]["checkpoint"] == "latest"
    assert "os_active_site" not in names(calls)
    assert first.artifacts["dr_restore"]["checkpoint"] == "noon"


@pytest.fixture
def note(tmp_path):
    """Puts a hook that notes its point into the project of a job; returns where it notes it."""
    def put(job, path):
        hook = job.directory / "project" / path
        hook.parent.mkdir(exist_ok=True)
        hook.write_text(f"- name: Note the point\n  ansible.builtin.copy: {{content: '{{{{ dr_hook.point }}}}', dest: {tmp_path}/noted, mode: '0600'}}\n")
        return tmp_path / "noted"

    return put


@pytest.mark.parametrize(("named", "path"), [("hooks/dns.yml", "hooks/dns.yml"), ("{{ playbook_dir }}/hooks/dns.yml", "playbooks/hooks/dns.yml")])
def test_the_cut_over_takes_what_the_restore_hands_on_and_hooks_of_the_project(make, note, named, path):
    given = {**of_the_workflow(), "dr_restore": {"checkpoint": "ten"}}
    job, collection = make("cut over", given, dr_cutover_hooks={"after": [named]})
    noted = note(job, path)
    assert job.run().status == "successful", job.output
    calls = collection.calls()
    assert dict(calls)["os_checkpoint_info"]["checkpoint"] == "ten"
    assert names(calls)[-1] == "os_active_site"
    assert noted.read_text() == "after"


def test_hooks_of_the_cut_over_wait_for_it(make, note):
    job, _collection = make("restore to be approved", of_the_workflow(), dr_cutover_hooks={"after": ["hooks/dns.yml"]})
    noted = note(job, "hooks/dns.yml")
    assert job.run().status == "successful", job.output
    assert not noted.exists()


@pytest.mark.parametrize(
    ("hooks", "said"),
    [({"after": ["hooks/lost.yml"]}, "name files that do not exist: .*/project/hooks/lost.yml"), ({"afterwards": ["hooks/dns.yml"]}, "afterwards")],
    ids=["file", "point"],
)
def test_a_cut_over_that_could_not_be_carried_out_is_not_asked_for(make, note, hooks, said):
    job, collection = make("restore to be approved", of_the_workflow(), dr_cutover_hooks=hooks)
    note(job, "hooks/dns.yml")
    assert job.run().status == "failed"
    assert re.search(said, " ".join(job.output.split()))
    assert collection.calls() == []


def test_nothing_of_a_cancelled_job_survives(make):
    job, _collection = make("checkpoint", answers(job_template("checkpoint")))
    seen = []

    def cancel():
        seen[:] = psutil.Process().children(recursive=True)
        return bool(seen)

    job.run(cancel)
    assert (job.status, job.artifacts) == ("canceled", {}), job.output
    gone, alive = psutil.wait_procs(seen, timeout=300)
    assert (len(gone), alive) == (len(seen), [])
