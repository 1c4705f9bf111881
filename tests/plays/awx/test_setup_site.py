# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What awx/setup_site.yml makes of a site plan: played with the modules of awx.awx against what stands for AWX, and its jobs as AWX runs them."""

from __future__ import annotations

import json
import re

import dateutil.rrule
import jsonschema
import openstack.config
import pytest
import yaml
from ansible_collections.osdr.openstack.tests.docs import interface
from ansible_collections.osdr.openstack.tests.plays.awx.configuration import ROOT, Job, answers, data, injected, rendered
from ansible_collections.osdr.openstack.tests.plays.awx.controller import Controller
from ansible_collections.osdr.openstack.tests.plays.awx.test_setup import FIELD, GUIDE, QUESTION, start
from ansible_collections.osdr.openstack.tests.plays.test_failover_role import Collection, names
from ansible_collections.osdr.openstack.tests.unit.support import shop, sites

#: The operator's file of the guide, without the plan, which it reads from another one.
GIVEN = {name: value for name, value in next(one for one in GUIDE if "dr_awx_site_cloud" in one).items() if name != "dr_awx_site_plan"}
EXAMPLES = [yaml.safe_load(block) for block in re.findall(r"```yaml\n(.*?)```", (ROOT / "docs" / "site.md").read_text(), re.DOTALL)]
PLAN = next(one for one in EXAMPLES if "schema_version" in one)
TEMPLATES = data()["dr_awx_site_job_templates"]
PREFIX = "DR site north"
CREDENTIAL = {"name": PREFIX, "credential_type": data()["dr_awx_site_credential_type"]}
SECRET = "01234567012345670123"
CLOUDS = {"clouds": {name: {"auth": {"auth_url": "http://x", "password": "{{ 7 * 7 }}"}} for name in ("north-core", "south-operations")}}
INPUTS = {"clouds": yaml.safe_dump(CLOUDS), "hmac_key": SECRET}


def play(controller, *arguments, **variables):
    return start(controller, "setup_site.yml", *arguments, **{**GIVEN, "dr_awx_site_plan": PLAN, "dr_awx_site_slices": 3, **variables})


@pytest.fixture(scope="module")
def awx():
    """AWX after the playbook."""
    with Controller() as controller:
        controller.create("credentials", CREDENTIAL)
        done = play(controller)
        assert done.returncode == 0, done.stdout + done.stderr
        yield controller


def test_the_applications_come_from_the_repository_with_the_plan(awx):
    sources = awx.all("inventory_source")
    for source in sources.values():
        assert (source["source"], source["source_path"]) == ("scm", "north.applications.yml")
        assert source["source_project"] == awx.all("project")[PREFIX]["id"]
        assert (source["update_on_launch"], source["overwrite"], source["overwrite_vars"], source["update_cache_timeout"]) == (True, True, True, 0)
        # Without it, no project of the plan could be asked.
        assert source["credential"] == awx.one("credential")["id"]
    # What is played when the primary site is gone does not wait for it.
    named = {one["id"]: name for name, one in awx.all("inventory").items()}
    assert {named[one["inventory"]]: json.loads(one.get("source_vars", "null")) for one in sources.values()} == {
        f"{PREFIX}: running": None, f"{PREFIX}: restorable": {"OSDR_APPLICATIONS_SOURCE": "catalogue"}
    }
    assert {name: one["scm_url"] for name, one in awx.all("project").items()} == {
        "osdr.openstack": data()["dr_awx_scm_url"], PREFIX: GIVEN["dr_awx_site_scm_url"]
    }


def test_the_inventory_has_the_plan_and_where_its_documents_are(awx):
    (variables,) = {one["variables"] for one in awx.all("inventory").values()}
    variables = json.loads(variables)
    assert (variables["dr_site_status_plan"], variables["dr_site_check_plan"]) == (PLAN, PLAN)
    named = {name: value for name, value in variables.items() if name.endswith("_cloud")}
    assert named == dict.fromkeys(("dr_site_check_cloud", "dr_site_run_cloud", "dr_site_status_cloud"), GIVEN["dr_awx_site_cloud"])
    # Not rendered by the Ansible that sets up.
    assert variables["dr_site_status_hmac_key"] == "{{ lookup('ansible.builtin.env', 'OSDR_HMAC_KEY') }}"
    assert {name: variables[name] for name in GIVEN["dr_awx_site_variables"]} == GIVEN["dr_awx_site_variables"]


def test_whatever_a_run_plays_has_the_secrets():
    roles = ("dr_site_run", "dr_checkpoint", "dr_restore", "dr_failover")
    secrets = {name for role in roles for name in interface.options(role) if name.endswith(("_hmac_key", "_user_data_key"))}
    assert secrets <= set(data()["dr_awx_site_inventory_variables"])


def test_every_run_over_all_applications_can_be_started():
    runs = {path.stem for path in (ROOT / "playbooks").glob("*.yml") if "dr_site_run_kind" in path.read_text()}
    assert {one["playbook"] for one in TEMPLATES if one.get("sliced")} == runs


def test_what_needs_the_servers_at_the_primary_site_finds_them_there():
    """All else is played when these are gone, or run at the remote site."""
    assert {one["playbook"] for one in TEMPLATES if one["inventory"] == "running"} == {"site_checkpoint", "site_failover"}


def test_all_job_templates_are_there_with_all_they_need(awx):
    made = awx.all("job_template")
    assert list(made) == [f"{PREFIX}: {one['name']}" for one in TEMPLATES]
    for template, one in zip(TEMPLATES, made.values(), strict=True):
        assert awx.associated(one, "credentials") == [awx.one("credential")["id"]]
        inventory = awx.all("inventory")[f"{PREFIX}: {template['inventory']}"]
        assert (one["inventory"], one["project"]) == (inventory["id"], awx.all("project")["osdr.openstack"]["id"])
        assert (one["become_enabled"], one["ask_variables_on_launch"], one["allow_simultaneous"]) == (False, False, False)
    assert set(awx.surveys) == {made[f"{PREFIX}: {one['name']}"]["id"] for one in TEMPLATES if "survey" in one}


def test_runs_over_all_applications_are_divided_among_as_many_jobs_as_they_know_of(awx):
    made = {name.removeprefix(f"{PREFIX}: "): (one["job_slice_count"], one["forks"]) for name, one in awx.all("job_template").items()}
    runs = dict.fromkeys(("checkpoints", "restore", "drill", "failover", "reprotect"), (3, 100))
    assert made == {**runs, "status": (1, 0), "check": (1, 0)}
    assert {json.loads(one["variables"])["dr_site_run_parts"] for one in awx.all("inventory").values()} == {3}


def test_only_what_is_there_when_the_primary_site_is_gone_is_needed_to_recover():
    recovering = {one["unified_job_template"]["name"].rpartition(": ")[2] for one in data()["dr_awx_site_workflow"]["nodes"]}
    assert {one["inventory"] for one in TEMPLATES if one["name"] in recovering} == {"restorable"}


def test_the_workflow_recovers_after_an_approval_whatever_the_check_says(awx):
    nodes = awx.all("workflow_job_template_node")
    following = {name: {kind: awx.associated(node, kind) for kind in ("success_nodes", "always_nodes")} for name, node in nodes.items()}
    assert following == {
        "check": {"success_nodes": [], "always_nodes": [nodes["approval"]["id"]]},
        "approval": {"success_nodes": [nodes["restore"]["id"]], "always_nodes": []},
        "restore": {"success_nodes": [], "always_nodes": [nodes["status"]["id"]]},
        "status": {"success_nodes": [], "always_nodes": []},
    }
    assert nodes["approval"]["unified_job_template"] == awx.one("workflow_approval")["id"]
    assert {name: node.get("extra_data") for name, node in nodes.items() if node.get("extra_data")} == {
        "check": {"dr_site_check_capture": "false"}, "status": {"dr_site_status_fail_at": "never"}
    }


def test_schedules_answer_whatever_must_be_answered(awx):
    assert {name: one["extra_data"] for name, one in awx.all("schedule").items()} == {
        f"{PREFIX}: checkpoints, every quarter of an hour, what is due": {"dr_site_run_due_only": "true"},
        f"{PREFIX}: drill, every week, what is due": {"dr_site_run_due_only": "true"},
        f"{PREFIX}: status, every half hour": {"dr_site_status_fail_at": "critical"},
        f"{PREFIX}: check, every night": {"dr_site_check_capture": "true"},
    }


def test_a_second_time_nothing_changes(awx):
    predicted, again = play(awx, "--check"), play(awx)
    for done in (predicted, again):
        assert re.search(r"changed=0 .*failed=0", done.stdout), done.stdout + done.stderr


def test_in_check_mode_nothing_is_made():
    with Controller() as controller:
        controller.create("credentials", CREDENTIAL)
        done = play(controller, "--check")
        assert not any(controller.all(kind) for kind in ("organization", "credential_type", "project", "inventory", "job_template")), done.stdout


def test_without_a_credential_it_says_what_to_make():
    with Controller() as controller:
        done = play(controller)
        assert done.returncode != 0
        assert f"Create the credential '{PREFIX}' of type 'OpenStack, all projects of two sites' in organization" in " ".join(done.stdout.split())
        assert not controller.all("job_template")


def test_what_surveys_ask_for_cannot_be_given_otherwise():
    with Controller() as controller:
        done = play(controller, dr_awx_site_variables={"dr_site_status_fail_at": "never"})
        assert done.returncode != 0
        assert "their answers override it: dr_site_run_due_only, dr_site_status_fail_at, dr_site_check_capture" in " ".join(done.stdout.split())
        assert not controller.all("organization")


# The data


@pytest.mark.parametrize("name", ["dr_awx_site_job_templates", "dr_awx_site_inventories", "dr_awx_site_schedules"])
def test_no_key_of_the_data_is_left_unused(name):
    used = set(re.findall(r"\bitem\.(\w+)|'(\w+)' in item", (ROOT / "awx" / "setup_site.yml").read_text()))
    assert {key for one in data()[name] for key in one} <= {first or second for first, second in used}


def test_the_inputs_of_the_credential_are_what_awx_takes():
    inputs = data()["dr_awx_site_credential_inputs"]
    for field in inputs["fields"]:
        jsonschema.validate(field, FIELD)
    assert all(field["secret"] for field in inputs["fields"])
    assert set(inputs["required"]) <= {field["id"] for field in inputs["fields"]}


def test_a_job_finds_its_clouds_as_they_were_entered(tmp_path):
    """What looks like a template is none."""
    environment = injected({**INPUTS, "user_data_key": ""}, tmp_path, "dr_awx_site_credential_injectors")
    config = openstack.config.OpenStackConfig(config_files=[environment["OS_CLIENT_CONFIG_FILE"]], load_envvars=False)
    assert set(config.get_cloud_names()) == set(CLOUDS["clouds"])
    assert yaml.safe_load((tmp_path / "template.clouds").read_text()) == CLOUDS
    assert environment["OSDR_HMAC_KEY"] == SECRET


@pytest.mark.parametrize("schedule", data()["dr_awx_site_schedules"], ids=lambda schedule: schedule["job_template"])
def test_a_schedule_goes_on_for_ever(schedule):
    rule = dateutil.rrule.rrulestr(schedule["rrule"])
    assert rule.after(rule[0].replace(year=rule[0].year + 3)) is not None
    assert re.fullmatch(r"DTSTART:\d{8}T\d{6}Z RRULE:FREQ=\w+;INTERVAL=\d+\S*", schedule["rrule"])
    assert schedule["job_template"] in {one["name"] for one in TEMPLATES}


@pytest.mark.parametrize("question", [question for one in TEMPLATES for question in one.get("survey", [])], ids=lambda question: question["variable"])
def test_a_question_can_be_asked(question):
    assert set(question) <= QUESTION
    assert (question["type"], question["required"]) == ("multiplechoice", True)
    assert question["default"] in question["choices"]
    for playbook in {one["playbook"] for one in TEMPLATES if question in one.get("survey", [])}:
        assert question["variable"] in {*interface.read_by(playbook), *interface.options("dr_site_run")}


# Jobs

#: What the source of the inventory has found.
SHOP = {
    "dr_restore_application": "shop",
    "dr_restore_cloud": "south-shop",
    "dr_restore_site": "south",
    "dr_failover_application": shop.DOCUMENT["application"],
    "dr_failover_primary": {"cloud": "north-shop", "site": "north"},
    "dr_failover_remote": {"cloud": "south-shop", "site": "south"},
    "dr_site_drill_interval": 400,
}
#: A run in which it is the turn of this application at once.
RUN = {
    "os_site_run": {
        "run": {
            "id": "monday", "resumed": False, "order": ["shop"], "directory": "/run", "text": "All is done.",
            "applications": [{"name": "shop", "state": "done", "message": ""}],
        }
    },
    "os_site_turn": {"turn": {"state": "running", "message": "", "granted": {"south": {"backups": 2}}}},
}


@pytest.fixture
def run(tmp_path):
    """Runs a job; returns it and what was called."""

    def begin(name, given, **answered):
        template = next(one for one in TEMPLATES if one["name"] == name)
        collection = Collection(tmp_path / "collections", answered)
        inventory = rendered("dr_awx_site_inventory_variables", dr_awx_site_plan=PLAN, **GIVEN)
        job = Job(
            tmp_path / "job", template, INPUTS, inventory, answers(template, **given), collection.paths,
            injectors="dr_awx_site_credential_injectors", applications={"shop": {**data()["dr_awx_host_variables"], **SHOP}},
        )
        return job.run(), collection.calls()

    return begin


@pytest.mark.parametrize(("given", "status"), [({}, "failed"), ({"dr_site_status_fail_at": "never"}, "successful")])
def test_the_status_of_the_site_is_an_artifact(run, given, status):
    job, calls = run("status", given, os_site_status_info={"status": sites.status(), "metrics": ""})
    assert job.status == status, job.output
    assert job.artifacts["dr_site_status"]["alerts"] == sites.STATUS["alerts"]
    ((name, arguments),) = calls
    assert (name, arguments["cloud"], arguments["plan"], arguments["hmac_key"]) == ("os_site_status_info", GIVEN["dr_awx_site_cloud"], PLAN, SECRET)


def test_a_site_that_is_gone_is_not_captured(run):
    report = {"report": {"primary": "north", "remote": "south", "complete": True, "needers": [], "text": "All is well."}}
    job, calls = run("check", {"dr_site_check_capture": "false"}, os_site_infrastructure_check=report)
    assert job.status == "successful", job.output
    assert [(name, arguments["plan"], arguments["hmac_key"]) for name, arguments in calls] == [("os_site_infrastructure_check", PLAN, SECRET)]


@pytest.mark.parametrize(("answer", "is_drilled"), [("true", False), ("false", True)])
def test_a_drill_that_is_not_due_is_left_out_if_that_was_the_answer(run, answer, is_drilled):
    drilled = {"os_drill_record": {"drill": {"outcome": "passed", "servers": []}}, "os_restore_cleanup": {"removed": [], "left": []}}
    point = {"os_recovery_point_info": {"recovery_points": [{"application": "shop", "drill_within": True}]}}
    job, calls = run("drill", {"dr_site_run_due_only": answer}, **RUN, **drilled, **point)
    assert job.status == "successful", job.output
    assert job.artifacts["dr_site_run"]["id"] == "monday"
    assert ("os_drill_record" in names(calls)) is is_drilled
    assert dict(calls)["os_site_turn"]["hmac_key"] == SECRET


@pytest.mark.parametrize(("name", "does"), [("failover", "os_failover_check"), ("reprotect", "os_way_back_info")])
def test_a_move_and_the_way_back_are_signed_as_all_else_is(run, name, does):
    back = {"application": shop.DOCUMENT["application"], "site": "south", "since": "", "checkpoint": "x"}
    job, calls = run(name, {}, **RUN, os_way_back_info={"way_back": back})
    assert dict(calls)[does]["hmac_key"] == SECRET, job.output
