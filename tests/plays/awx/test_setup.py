# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What awx/setup.yml makes: played with the modules of awx.awx, against what stands for AWX, and compared with what the modules themselves document."""

from __future__ import annotations

import functools
import json
import os
import re
import subprocess

import dateutil.rrule
import jinja2
import jinja2.sandbox
import jsonschema
import openstack.config
import pytest
import yaml
from ansible_collections.osdr.openstack.plugins.module_utils.stores.configured import SETTING
from ansible_collections.osdr.openstack.plugins.module_utils.stores.s3 import S3Settings
from ansible_collections.osdr.openstack.tests.plays.awx.configuration import ROOT, data, injected, job_template, rendered
from ansible_collections.osdr.openstack.tests.plays.awx.controller import Controller, Refused

GUIDE = [yaml.safe_load(block) for block in re.findall(r"```yaml\n(.*?)```", (ROOT / "docs" / "awx.md").read_text(), re.DOTALL)]
#: The operator's file of the guide.
GIVEN = GUIDE[0]
#: With encrypted volumes, and with schedules of their own.
ENCRYPTED, OF_THE_GUIDE = (next(one for one in GUIDE if name in one) for name in ("dr_awx_volume_key_credential", "dr_awx_schedules"))
APPLICATION = GIVEN["dr_awx_application"]
ONE_TEMPLATE = {"dr_awx_job_templates": [job_template("checkpoint")], "dr_awx_schedules": data()["dr_awx_schedules"][:1]}
#: As the operator makes it.
CREDENTIAL = {"name": "DR shop", "credential_type": data()["dr_awx_credential_type"]}
SETUPS = [yaml.safe_load((ROOT / "awx" / f"{name}.yml").read_text())[0] for name in ("setup", "setup_site")]
#: What AWX lets a question of a survey say.
QUESTION = {"question_name", "question_description", "variable", "type", "required", "default", "choices", "min", "max"}
#: What AWX lets an input of a credential type say.
FIELD = {
    "type": "object",
    "required": ["id", "label", "type"],
    "additionalProperties": False,
    "properties": {
        "id": {"type": "string", "pattern": "^[a-zA-Z_]+[a-zA-Z0-9_]*$"},
        "label": {"type": "string"},
        "type": {"enum": ["string", "boolean"]},
        "format": {"enum": ["ssh_private_key", "url"]},
        "help_text": {"type": "string"},
        "default": {"type": ["string", "boolean"]},
        "secret": {"type": "boolean"},
        "multiline": {"type": "boolean"},
    },
}
SECRET = 'a: "b" #c {{ d }} \\ \u00e9'
INPUTS = {
    **{f"{site}_{what}": f"{what} at {site}" for site in ("primary", "remote") for what in ("user", "project", "admin_user", "admin_project")},
    **{f"{site}_{what}": SECRET for site in ("primary", "remote") for what in ("password", "admin_password")},
    **{f"{site}_url": f"https://{site}.example.com:5000/v3" for site in ("primary", "remote")},
}


def play(controller, *arguments, **variables):
    return start(controller, "setup.yml", *arguments, **{**GIVEN, **variables})


def start(controller, playbook, *arguments, **variables):
    """Play a playbook of awx/ as an operator does."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("ANSIBLE_")}
    environment = {**inherited, **controller.environment, "ANSIBLE_NOCOLOR": "1", "ANSIBLE_LOCALHOST_WARNING": "0", "ANSIBLE_PIPELINING": "1"}
    command = ["ansible-playbook", playbook, "-e", json.dumps(variables), *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=1800, check=False, env=environment, cwd=ROOT / "awx")


@pytest.fixture(scope="module")
def awx():
    """AWX after the playbook."""
    with Controller() as controller:
        controller.create("credentials", CREDENTIAL)
        done = play(controller)
        assert done.returncode == 0, done.stdout + done.stderr
        yield controller


def test_all_job_templates_are_there_with_all_they_need(awx):
    made = awx.all("job_template")
    assert list(made) == [f"DR shop: {one['name']}" for one in data()["dr_awx_job_templates"]]
    credential = awx.one("credential")["id"]
    for one in made.values():
        assert awx.associated(one, "credentials") == [credential], one["name"]
        assert (one["inventory"], one["project"]) == (awx.one("inventory")["id"], awx.one("project")["id"])
        assert (one["become_enabled"], one["ask_variables_on_launch"], one["allow_simultaneous"]) == (False, False, False)
    asked = {one["name"]: one["survey_enabled"] for one in made.values()}
    assert asked == {f"DR shop: {one['name']}": "survey" in one for one in data()["dr_awx_job_templates"]}
    assert set(awx.surveys) == {one["id"] for one in made.values() if one["survey_enabled"]} | {awx.one("workflow_job_template")["id"]}


def test_templates_for_awx_come_there_as_they_are(awx):
    """Not rendered by the Ansible that sets up."""
    assert awx.one("credential_type")["injectors"] == data()["dr_awx_credential_injectors"]
    assert json.loads(awx.one("host")["variables"])["ansible_python_interpreter"] == "{{ ansible_playbook_python }}"
    cut_over = awx.all("job_template")["DR shop: cut over"]
    assert json.loads(cut_over["extra_vars"]) == job_template("cut over")["extra_vars"]


def test_the_inventory_has_the_application_and_what_the_operator_adds(awx):
    variables = json.loads(awx.one("inventory")["variables"])
    assert variables == {**rendered("dr_awx_inventory_variables", **GIVEN), **GIVEN["dr_awx_variables"]}
    assert (variables["dr_checkpoint_application"], variables["dr_restore_application"]) == (APPLICATION, "shop")


def test_the_workflow_waits_between_restore_and_cut_over(awx):
    nodes = awx.all("workflow_job_template_node")
    named = {one["id"]: name for name, one in awx.all("job_template").items()}
    assert {name: [awx.associated(node, "success_nodes")] for name, node in nodes.items()} == {
        "restore": [[nodes["approval"]["id"]]], "approval": [[nodes["cut-over"]["id"]]], "cut-over": [[]]
    }
    assert nodes["approval"]["unified_job_template"] == awx.one("workflow_approval")["id"]
    assert [named[nodes[one]["unified_job_template"]] for one in ("restore", "cut-over")] == ["DR shop: restore to be approved", "DR shop: cut over"]


def test_a_second_time_nothing_changes_but_for_a_credential_more(awx):
    """Without which libvirt on the compute hosts could not be reached."""
    key = awx.create("credentials", {"name": "libvirt", "credential_type": "Machine"})
    done = play(awx, **ONE_TEMPLATE, dr_awx_more_credentials=["libvirt"])
    assert re.search(r"changed=1 .*failed=0", done.stdout), done.stdout + done.stderr
    made = awx.all("job_template")["DR shop: checkpoint"]
    assert awx.associated(made, "credentials") == [awx.all("credential")["DR shop"]["id"], key["id"]]


def test_a_template_of_the_operator_comes_there_as_the_guide_says(awx, tmp_path):
    (hook,) = re.findall(r'`(!unsafe "[^`]+")` reaches the jobs unchanged', " ".join((ROOT / "docs" / "awx.md").read_text().split()))
    added = tmp_path / "shop-awx.yml"
    added.write_text(f"dr_awx_variables:\n  dr_cutover_hooks:\n    after:\n      - {hook}\n")
    done = play(awx, "-e", f"@{added}", **ONE_TEMPLATE)
    assert done.returncode == 0, done.stdout + done.stderr
    assert json.loads(awx.one("inventory")["variables"])["dr_cutover_hooks"] == {"after": ["{{ playbook_dir }}/hooks/dns.yml"]}


def test_without_a_credential_it_says_what_to_make():
    with Controller() as controller:
        done = play(controller)
        assert done.returncode != 0
        assert "Create the credential 'DR shop' of type 'OpenStack, two sites' in organization 'Disaster recovery'" in " ".join(done.stdout.split())
        assert list(controller.all("credential_type")) == ["OpenStack, two sites"]
        assert not controller.all("job_template")


def test_the_private_key_is_a_credential_of_those_who_restore():
    """Nobody else, so that who takes checkpoints every night cannot open what they seal."""
    key = {"name": ENCRYPTED["dr_awx_volume_key_credential"], "credential_type": data()["dr_awx_volume_key_type"]}
    few = [job_template(name) for name in ("checkpoint", "drill", "prune")]
    workflow = {**data()["dr_awx_workflow"], "description": "None of these.", "nodes": []}
    given = {**ONE_TEMPLATE, "dr_awx_job_templates": few, "dr_awx_workflow": workflow, **ENCRYPTED}
    with Controller() as controller:
        account = controller.create("credentials", CREDENTIAL)
        done = play(controller, **given)
        assert "Create the credential 'DR shop volumes' of type 'Private key of encrypted volumes'" in " ".join(done.stdout.split())
        assert not controller.all("job_template")
        made = controller.create("credentials", key)
        done = play(controller, **given)
        assert done.returncode == 0, done.stdout + done.stderr
        assert controller.all("credential_type")[key["credential_type"]]["injectors"] == data()["dr_awx_volume_key_injectors"]
        attached = {name: controller.associated(one, "credentials") for name, one in controller.all("job_template").items()}
    both = [account["id"], made["id"]]
    assert attached == {"DR shop: checkpoint": both[:1], "DR shop: drill": both, "DR shop: prune": both[:1]}


def test_all_templates_that_restore_open_volumes_and_no_other_does():
    restoring = {"restore", "drill", "failover", "failback", "restore_volume", "roll_back"}
    assert {one["playbook"] for one in data()["dr_awx_job_templates"] if one.get("opens_volumes")} == restoring
    assert not [one["name"] for one in data()["dr_awx_job_templates"] if one["playbook"] in restoring and not one.get("opens_volumes")]


def test_what_surveys_ask_for_cannot_be_given_otherwise():
    with Controller() as controller:
        done = play(controller, dr_awx_variables={"dr_checkpoint_consistency": "paused"})
        assert done.returncode != 0
        assert "their answers override it: dr_checkpoint_id, dr_checkpoint_consistency," in " ".join(done.stdout.split())
        assert not controller.all("organization")


# What stands for AWX refuses what AWX refuses.


@pytest.fixture
def strict():
    """AWX with two credentials of a type and templates with surveys; returns it and the ids by name."""
    with Controller() as controller:
        for name in ("first", "second"):
            controller.create("credentials", {**CREDENTIAL, "name": name})
        for name in ("checkpoint", "cleanup", "recovery point"):
            made = controller.create("job_templates", {"name": name, "playbook": f"playbooks/{job_template(name)['playbook']}.yml"})
            controller.post(f"job_templates/{made['id']}/survey_spec", {"name": "", "description": "", "spec": job_template(name)["survey"]})
        ids = {name: one["id"] for kind in ("credential", "job_template") for name, one in controller.all(kind).items()}
        yield controller, ids


@pytest.mark.parametrize(
    ("template", "extra_data", "refusal"),
    [
        ("checkpoint", {}, "'dr_checkpoint_consistency' value missing"),
        ("checkpoint", {"dr_checkpoint_consistency": "some"}, "expected to be one of"),
        ("checkpoint", {"dr_checkpoint_consistency": "crash", "dr_checkpoint_cloud": "remote"}, "dr_checkpoint_cloud are not allowed on launch"),
        ("recovery point", {"dr_rpo_max_age": "60"}, "expected to be of type int"),
        ("recovery point", {"dr_rpo_max_age": -1}, "too small"),
        ("cleanup", {"dr_cleanup_checkpoint": "noon", "dr_cleanup_drill": ""}, "too small"),
    ],
)
def test_a_schedule_without_a_right_answer_is_refused(strict, template, extra_data, refusal):
    controller, ids = strict
    with pytest.raises(Refused, match=refusal):
        controller.create("schedules", {"name": "any", "unified_job_template": ids[template], "extra_data": extra_data})


def test_a_schedule_is_refused_what_it_may_not_become(strict):
    controller, ids = strict
    made = controller.create(
        "schedules", {"name": "any", "unified_job_template": ids["checkpoint"], "extra_data": {"dr_checkpoint_consistency": "crash"}}
    )
    with pytest.raises(Refused, match="value missing"):
        controller.patch(f"schedules/{made['id']}", {"extra_data": {}})


def test_a_node_may_get_its_answers_from_elsewhere_but_no_others(strict):
    controller, ids = strict
    assert controller.create("workflow_job_template_nodes", {"identifier": "any", "unified_job_template": ids["checkpoint"]})
    with pytest.raises(Refused, match="are not allowed on launch"):
        controller.create(
            "workflow_job_template_nodes", {"identifier": "other", "unified_job_template": ids["checkpoint"], "extra_data": {"dr_other": "any"}}
        )


@pytest.mark.parametrize(
    ("change", "refusal"),
    [
        ({"question_name": None}, "missing from survey question"),
        ({"type": "boolean"}, "its type is none of"),
        ({"choices": None}, "must specify choices"),
        ({"default": "some"}, "expected to be one of"),
        ({"default": True}, "expected to be of type str"),
    ],
)
def test_a_survey_that_is_none_is_refused(strict, change, refusal):
    controller, ids = strict
    question = {**job_template("checkpoint")["survey"][1], **change}
    given = {part: value for part, value in question.items() if value is not None}
    with pytest.raises(Refused, match=refusal):
        controller.post(f"job_templates/{ids['checkpoint']}/survey_spec", {"name": "", "description": "", "spec": [given]})


def test_a_second_credential_of_a_type_is_refused(strict):
    controller, ids = strict
    where = f"job_templates/{ids['checkpoint']}/credentials"
    controller.post(where, {"id": ids["first"]})
    with pytest.raises(Refused, match="Cannot assign multiple credentials"):
        controller.post(where, {"id": ids["second"]})
    controller.post(where, {"id": ids["first"], "disassociate": True})
    assert controller.post(where, {"id": ids["second"]}) == (204, None)


# Everything that is passed to awx.awx is documented there. Nothing but this comparison finds what is misspelt within workflow_nodes.


@functools.cache
def documented():
    """Options of the modules that the playbooks use, by name of the module."""
    modules = sorted({key for setup in SETUPS for task in setup["tasks"] for key in task if key.startswith("awx.awx.")})
    done = subprocess.run(["ansible-doc", "--json", "--type", "module", *modules], capture_output=True, text=True, check=True)
    return {name: entry["doc"]["options"] for name, entry in json.loads(done.stdout).items()}


def problems(given, options):
    """What is given and not documented, at any depth, and what is documented otherwise."""
    unknown = [name for name in given if name not in options]
    for name, value in given.items():
        option = options.get(name, {})
        items = value if isinstance(value, list) else [value]
        if "choices" in option and "{{" not in str(value) and value not in option["choices"]:
            unknown.append(f"{name}={value}")
        if "suboptions" in option:
            unknown += [f"{name}.{one}" for item in items for one in problems(item, option["suboptions"])]
    return unknown


def calls():
    """Each task of the playbooks with a module of awx.awx: the module and its arguments, data in place of its variable."""
    whole = {"{{ " + name + ".nodes }}": data()[name]["nodes"] for name in ("dr_awx_workflow", "dr_awx_site_workflow")}
    for task in (task for setup in SETUPS for task in setup["tasks"]):
        for module in set(task) & set(documented()):
            yield module, {name: whole.get(str(value), value) for name, value in task[module].items()}


def test_every_option_is_one_of_the_module():
    assert [(module, problems(given, documented()[module])) for module, given in calls() if problems(given, documented()[module])] == []
    assert {module for module, _given in calls()} == set(documented())


@pytest.mark.parametrize(
    ("module", "given", "found"),
    [
        ("awx.awx.job_template", {"ask_variable_on_launch": False}, ["ask_variable_on_launch"]),
        ("awx.awx.job_template", {"job_type": "plan"}, ["job_type=plan"]),
        ("awx.awx.workflow_job_template", {"workflow_nodes": [{"related": {"sucess_nodes": []}}]}, ["workflow_nodes.related.sucess_nodes"]),
        ("awx.awx.workflow_job_template", {"workflow_nodes": [{"unified_job_template": {"kind": "x"}}]}, ["workflow_nodes.unified_job_template.kind"]),
    ],
)
def test_a_misspelt_option_is_found(module, given, found):
    assert problems(given, documented()[module]) == found


@pytest.mark.parametrize("name", ["dr_awx_job_templates", "dr_awx_schedules"])
def test_no_key_of_the_data_is_left_unused(name):
    used = set(re.findall(r"\bitem\.(\w+)|'(\w+)' in item", (ROOT / "awx" / "setup.yml").read_text()))
    assert {key for one in data()[name] for key in one} <= {first or second for first, second in used}


def test_every_variable_of_the_data_is_used():
    text = "".join(path.read_text() for path in (ROOT / "awx").rglob("*.yml"))
    assert [name for name in data() if len(re.findall(rf"\b{name}\b", text)) < 2] == []


def test_playbooks_and_what_runs_them_are_of_this_release():
    assert data()["dr_awx_scm_branch"] == yaml.safe_load((ROOT / "galaxy.yml").read_text())["version"]


# Credentials


@pytest.mark.parametrize("name", ["dr_awx_credential_inputs", "dr_awx_volume_key_inputs"])
def test_the_inputs_are_what_awx_takes(name):
    inputs = data()[name]
    for field in inputs["fields"]:
        jsonschema.validate(field, FIELD)
    names = [field["id"] for field in inputs["fields"]]
    assert len(set(names)) == len(names)
    assert set(inputs["required"]) <= set(names)
    secret = {field["id"] for field in inputs["fields"] if field.get("secret")}
    assert secret == {name for name in names if name.endswith(("password", "key"))}


@pytest.mark.parametrize("name", ["credential", "volume_key"])
def test_the_injectors_use_nothing_but_the_inputs(name):
    """AWX itself renders them so before it accepts them."""
    environment = jinja2.sandbox.ImmutableSandboxedEnvironment(undefined=jinja2.StrictUndefined)
    known = {field["id"]: "EXAMPLE" for field in data()[f"dr_awx_{name}_inputs"]["fields"]}
    injectors = data()[f"dr_awx_{name}_injectors"]
    files = {label.removeprefix("template."): "EXAMPLE" for label in injectors["file"]}
    for part in injectors.values():
        for template in part.values():
            environment.from_string(template).render(**known, tower={"filename": files})


def clouds_of(inputs, directory):
    return openstack.config.OpenStackConfig(config_files=[injected(inputs, directory)["OS_CLIENT_CONFIG_FILE"]], load_envvars=False)


def test_a_job_finds_the_clouds_of_both_sites(tmp_path):
    more = {"primary_region": "one", "remote_store_user": "cinder", "remote_store_password": "x", "remote_store_project": "service"}
    config = clouds_of({**INPUTS, **more}, tmp_path)
    accounts = {name: config.get_one(cloud=name) for name in config.get_cloud_names()}
    assert {name: (one.auth["username"], one.auth["project_name"]) for name, one in accounts.items()} == {
        "primary": ("user at primary", "project at primary"),
        "primary-admin": ("admin_user at primary", "admin_project at primary"),
        "primary-store": ("user at primary", "project at primary"),
        "remote": ("user at remote", "project at remote"),
        "remote-admin": ("admin_user at remote", "admin_project at remote"),
        "remote-store": ("cinder", "service"),
    }
    assert {one.auth["password"] for name, one in accounts.items() if name != "remote-store"} == {SECRET}
    assert [accounts[name].auth["auth_url"] for name in ("primary-store", "remote-store")] == [INPUTS["primary_url"], INPUTS["remote_url"]]
    assert (accounts["primary"].region_name, accounts["remote"].region_name) == ("one", "")


def test_application_credentials_do_as_well(tmp_path):
    without_projects = {name: value for name, value in INPUTS.items() if not name.endswith("project")}
    account = clouds_of(without_projects, tmp_path).get_one(cloud="remote-admin")
    assert account.config["auth_type"] == "v3applicationcredential"
    assert account.auth == {
        "auth_url": INPUTS["remote_url"], "application_credential_id": "admin_user at remote", "application_credential_secret": SECRET
    }


def test_a_job_finds_the_buckets_of_catalogues(tmp_path):
    given = {"bucket": "dr-catalogues", "endpoint": "https://s3.example.com", "access_key": "me", "secret_key": SECRET}
    config = clouds_of({**INPUTS, **{f"remote_s3_{name}": value for name, value in given.items()}}, tmp_path)
    found = {name: config.get_one(cloud=name).config.get(SETTING) for name in config.get_cloud_names()}
    assert {name: one for name, one in found.items() if one} == {"remote": {"s3": given}}
    assert S3Settings.parse(found["remote"]["s3"]).region is None


def test_secrets_of_the_collection_come_from_the_credential():
    playbooks = "".join(path.read_text() for path in (ROOT / "playbooks").glob("*.yml"))
    secret = set(re.findall(r"dr_\w+_(?:hmac|user_data|private)_key", playbooks)) | {
        name for spec in specs_of_roles().values() for name, option in spec.items() if option.get("no_log")
    }
    read = {name: re.findall(r"OSDR_\w+", str(value)) for name, value in data()["dr_awx_inventory_variables"].items()}
    # No template plays them; what mapping writes is a file, which a job would lose.
    elsewhere = {"dr_mapping_hmac_key", "dr_changes_hmac_key", "dr_active_site_hmac_key", "dr_site_check_hmac_key", "dr_site_status_hmac_key"}
    assert {name for name, variables in read.items() if variables} == secret - elsewhere
    assert {name for variables in read.values() for name in variables} == {
        *data()["dr_awx_credential_injectors"]["env"], *data()["dr_awx_volume_key_injectors"]["env"]
    } - {"OS_CLIENT_CONFIG_FILE"}


# Surveys ask for what the roles and modules take, and offer what they would do by themselves.


def role_spec(name, entry="main"):
    return yaml.safe_load((ROOT / "roles" / name / "meta" / "argument_specs.yml").read_text())["argument_specs"][entry]["options"]


def specs_of_roles():
    return {name: role_spec(name) for name in ("dr_checkpoint", "dr_restore", "dr_failover", "dr_roll_back")}


@functools.cache
def module_options(name):
    done = subprocess.run(["ansible-doc", "--json", "--type", "module", name], capture_output=True, text=True, check=True)
    return json.loads(done.stdout)[name]["doc"]["options"]


def _behind(arguments, options):
    """Variables of a playbook, each with the option that it is passed to."""
    for name, value in arguments.items():
        for variable in re.findall(r"\bdr_\w+", str(value)):
            literals = re.findall(r"'(\w+)'", str(value))
            # A choice that becomes a boolean.
            yield variable, {"choices": sorted(set(literals)), "default": literals[0]} if "==" in str(value) else options[name]


def taken(playbook):
    """The variables that a playbook takes, each with what is documented of it."""
    found = {}
    for task in yaml.safe_load((ROOT / "playbooks" / f"{playbook}.yml").read_text())[0]["tasks"]:
        role = task.get("ansible.builtin.import_role")
        if role:
            options = role_spec(role["name"].rpartition(".")[2], role.get("tasks_from", "main"))
            found |= {**options, **dict(_behind(task.get("vars", {}), options))}
        for module in task:
            if module.startswith("osdr.openstack."):
                found |= dict(_behind(task[module], module_options(module)))
    return found


def surveys():
    """Each question, with the playbook's option behind it."""
    for template in rendered("dr_awx_job_templates"):
        for question in template.get("survey", []):
            yield pytest.param(question, taken(template["playbook"])[question["variable"]], id=f"{template['name']}-{question['variable']}")
    # Those of the workflow have names of their own.
    restore = job_template("restore to be approved")
    behind = {name: variable for variable, value in restore["extra_vars"].items() for name in re.findall(r"dr_cutover_\w+", str(value))}
    for question in data()["dr_awx_workflow"]["survey"]:
        yield pytest.param(question, taken("restore")[behind[question["variable"]]], id=f"workflow-{question['variable']}")


def choices_of(option):
    """As a survey can offer them."""
    return ["true", "false"] if option.get("type") == "bool" else option.get("choices")


@pytest.mark.parametrize(("question", "option"), list(surveys()))
def test_a_question_is_what_the_option_is(question, option):
    assert set(question) <= QUESTION
    # A playbook takes one name where a module takes a list of them.
    types = {"text": {"str", "raw", "list"}, "integer": {"int"}, "multiplechoice": {"bool", "str", "raw", None}}
    assert option.get("type") in types[question["type"]]
    assert question["required"] or not option.get("required")
    default = option.get("default")
    if default not in (None, ""):
        assert question["default"] == (str(default).lower() if isinstance(default, bool) else default)
    elif question["type"] == "text":
        assert "default" not in question
    if choices_of(option):
        assert question["type"] == "multiplechoice"
        assert sorted(question["choices"]) == sorted(choices_of(option))
    if question["type"] == "multiplechoice":
        # AWX refuses to be left without an answer to one of these.
        assert question["required"]
        assert question["default"] in question["choices"]


def test_clouds_to_choose_from_are_in_the_credential(tmp_path):
    question = next(one for one in job_template("thaw")["survey"] if one["variable"] == "dr_thaw_cloud")
    config = clouds_of(INPUTS, tmp_path)
    assert set(question["choices"]) <= set(config.get_cloud_names())


def test_clouds_of_the_inventory_are_in_the_credential(tmp_path):
    config = clouds_of(INPUTS, tmp_path)
    variables = rendered("dr_awx_inventory_variables", dr_awx_application=APPLICATION)
    named = [value for name, value in variables.items() if name.endswith("_cloud")]
    named += [variables[f"dr_failover_{site}"][kind] for site in ("primary", "remote") for kind in ("cloud", "admin_cloud", "store_cloud")]
    assert set(named) <= set(config.get_cloud_names())


def test_the_inventory_has_nothing_that_nobody_takes():
    known = {name for template in data()["dr_awx_job_templates"] for name in taken(template["playbook"])}
    hooks = set(re.findall(r"dr_cutover_hooks", str(job_template("cut over")["extra_vars"])))
    assert set(data()["dr_awx_inventory_variables"]) <= known | hooks


# Schedules


@pytest.mark.parametrize("schedule", data()["dr_awx_schedules"] + OF_THE_GUIDE["dr_awx_schedules"], ids=lambda schedule: schedule["job_template"])
def test_a_schedule_goes_on_for_ever(schedule):
    rule = dateutil.rrule.rrulestr(schedule["rrule"])
    first = rule[0]
    assert rule.after(first.replace(year=first.year + 3)) is not None
    # AWX wants both, and only one of each.
    assert re.fullmatch(r"DTSTART:\d{8}T\d{6}Z RRULE:FREQ=\w+;INTERVAL=\d+\S*", schedule["rrule"])


def sent_by(awx):
    """The answers that each schedule brings along, by its name."""
    return {name.removeprefix("DR shop: "): one["extra_data"] for name, one in awx.all("schedule").items()}


def test_schedules_answer_whatever_must_be_answered(awx):
    assert sent_by(awx) == {
        "checkpoint, every hour": {"dr_checkpoint_consistency": "quiesced"},
        "recovery point, every quarter of an hour": {"dr_rpo_max_age": 86400},
        "prune, every night": {},
        "drill, every week": {"dr_restore_checkpoint": "latest"},
    }


def test_an_answer_of_a_schedule_wins_over_the_default(awx):
    (schedule,) = OF_THE_GUIDE["dr_awx_schedules"]
    done = play(awx, **{**ONE_TEMPLATE, "dr_awx_schedules": [{**schedule, "name": data()["dr_awx_schedules"][0]["name"]}]})
    assert done.returncode == 0, done.stdout + done.stderr
    assert sent_by(awx)["checkpoint, every hour"] == schedule["extra_data"]


def test_a_rule_that_is_none_is_found():
    with pytest.raises(ValueError):
        dateutil.rrule.rrulestr("DTSTART:20260101T000000Z RRULE:FREQ=OFTEN;INTERVAL=1")


# The other direction


#: They know both sites by name, and so does what they take.
BOTH_WAYS = {"failover", "failback", "fence"}
BACK = {"dr_awx_from": "remote", "dr_awx_to": "primary"}


def exchanged(value):
    """The same with the sites exchanged, wherever they are named."""
    other = {"primary": "remote", "remote": "primary"}
    return json.loads(re.sub("primary|remote", lambda found: other[found[0]], json.dumps(value)))


def test_an_inventory_of_the_other_direction_names_each_site_where_the_other_was():
    there, back = (rendered("dr_awx_inventory_variables", dr_awx_application=APPLICATION, **given) for given in ({}, BACK))
    assert list(there) == list(back)
    both_ways = {name for name in there if name.startswith("dr_failover_")}
    assert {name: back[name] for name in both_ways} == {name: there[name] for name in both_ways}
    assert [back[name] for name in there if name not in both_ways] == exchanged([there[name] for name in there if name not in both_ways])


def test_templates_of_the_other_direction_say_so():
    there, back = (rendered("dr_awx_job_templates", **given) for given in ({}, BACK))
    for one, other in zip(there, back, strict=True):
        assert other == (one if one["name"] in BOTH_WAYS else exchanged(one)), one["name"]
    there, back = (rendered("dr_awx_workflow", **given)["description"] for given in ({}, BACK))
    assert back == exchanged(there) != there


def test_both_directions_are_there_beside_each_other(awx):
    there = awx.all("inventory")["DR shop"]["variables"]
    # Templates within them are for AWX, and would not be left alone on a command line.
    halves = [{**one, "extra_vars": {}} for one in data()["dr_awx_job_templates"] if "extra_vars" in one]
    done = play(awx, **{**ONE_TEMPLATE, "dr_awx_job_templates": [*ONE_TEMPLATE["dr_awx_job_templates"], *halves]}, **BACK)
    assert done.returncode == 0, done.stdout + done.stderr
    inventory = awx.all("inventory")["DR shop from remote"]
    assert awx.all("inventory")["DR shop"]["variables"] == there
    assert json.loads(inventory["variables"])["dr_checkpoint_cloud"] == "remote"
    template = awx.all("job_template")["DR shop from remote: checkpoint"]
    assert (template["inventory"], awx.associated(template, "credentials")) == (inventory["id"], [awx.all("credential")["DR shop"]["id"]])
    assert awx.all("schedule")["DR shop from remote: checkpoint, every hour"]["unified_job_template"] == template["id"]


@pytest.mark.parametrize("given", [{"dr_awx_to": "elsewhere"}, {"dr_awx_to": "primary"}], ids=str)
def test_a_direction_that_is_none_is_refused(given):
    with Controller() as controller:
        done = play(controller, **given)
        assert done.returncode != 0
        assert "One of dr_awx_from and dr_awx_to must be primary, the other remote." in " ".join(done.stdout.split())
        assert not controller.all("organization")


# The guide


def test_the_guide_names_what_is_made():
    guide = (ROOT / "docs" / "awx.md").read_text()
    names = [one["name"] for one in data()["dr_awx_job_templates"]]
    assert f"DR shop: {', '.join(name for name in names if 'extra_vars' not in job_template(name))} |" in guide
    assert [name for name in (*names, data()["dr_awx_workflow"]["name"], data()["dr_awx_credential_type"]) if name not in guide] == []


# Playbooks


def everything(node):
    """All keys of a document, at any depth."""
    if isinstance(node, dict):
        for key, value in node.items():
            yield key
            yield from everything(value)
    elif isinstance(node, list):
        for item in node:
            yield from everything(item)


def documents(playbook):
    """The playbook and the files of the roles that it plays, with those that these play."""
    todo, done = [ROOT / "playbooks" / f"{playbook}.yml"], {}
    while todo:
        path = todo.pop()
        done[path] = yaml.safe_load(path.read_text())
        for role in set(re.findall(r"name: osdr\.openstack\.(dr_\w+)", path.read_text())):
            todo += [one for one in (ROOT / "roles" / role / "tasks").glob("*.yml") if one not in done]
    return done


@pytest.mark.parametrize("template", data()["dr_awx_job_templates"], ids=lambda template: template["name"])
def test_a_job_asks_nobody_needs_no_privileges_and_hands_on_what_came_of_it(template):
    found = documents(template["playbook"])
    keys = [key for document in found.values() for key in everything(document)]
    assert {"become", "vars_prompt", "ansible.builtin.pause"} & set(keys) == set()
    assert "ansible.builtin.set_stats" in keys
    for path, document in found.items():
        assert list(everything(document)).count("ansible.builtin.set_stats") == path.read_text().count("aggregate: false"), path
