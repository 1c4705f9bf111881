# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The inventory of a site's applications, as Ansible's own programs read it, and the roles, as they are played on its hosts."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from ansible_collections.osdr.openstack.tests.docs import documents
from ansible_collections.osdr.openstack.tests.plays.test_failover_role import Collection
from ansible_collections.osdr.openstack.tests.unit.support.memory.provider import plan

PROGRAM = Path(__file__).with_name("with_provider.py")
INVENTORY = {"plugin": "osdr.openstack.applications", "plan": "site.yml"}
IDENTITY = {
    "name": "identity",
    "project": "core",
    "wave": "foundation",
    "priority": 10,
    "tiers": [{"name": "database", "servers": ["keycloak-db"]}, {"name": "front", "query": "[?metadata.role == 'identity']"}],
}
SHOP = {"name": "shop", "project": "shop", "wave": "business", "policy": "gold", "depends_on": ["identity"]}
MORE = {"waves": ["foundation", "business"], "policies": {"gold": {"consistency": "paused", "keep": {"last": 2}, "interval": "1h"}}}
PLAN = plan(SHOP, IDENTITY, **MORE)
SERVERS = (
    ["boot", {"project": "core", "name": "keycloak-db"}],
    ["boot", {"project": "core", "name": "keycloak-1", "metadata": {"role": "identity"}}],
    ["mark", {"project": "shop", "name": "orders-db", "application": "shop", "tier": "database", "order": 1}],
    ["boot", {"project": "shop", "name": "shop-front", "tags": ["dr:application=shop", "dr:tier=front", "dr:order=2"]}],
    ["boot", {"project": "shop", "name": "forgotten", "gigabytes": 7}],
)
PLAY = """
- name: Checkpoints of all
  hosts: "{{ aimed | default('applications') }}"
  gather_facts: false
  tasks:
    - name: Take one
      ansible.builtin.import_role:
        name: osdr.openstack.dr_checkpoint
"""


class Provided:
    """A directory with an inventory, for which there are two sites in memory."""

    def __init__(self, directory, collections=documents.COLLECTIONS):
        self.directory = directory
        self._collections = collections
        self.write()

    def write(self, document=PLAN, servers=SERVERS, **options):
        (self.directory / "site.yml").write_text(yaml.safe_dump(document))
        (self.directory / "north.applications.yml").write_text(yaml.safe_dump({**INVENTORY, **options}))
        (self.directory / "description.json").write_text(json.dumps(servers))
        return self

    def run(self, program, *arguments, **environment):
        command = [sys.executable, PROGRAM, self.directory / "description.json", program, "-i", self.directory / "north.applications.yml", *arguments]
        inherited = {name: value for name, value in os.environ.items() if not name.startswith(("ANSIBLE_", "OSDR_"))}
        settings = {"ANSIBLE_COLLECTIONS_PATH": str(self._collections), "ANSIBLE_NOCOLOR": "1", "COLUMNS": "10000", **environment}
        return subprocess.run(command, capture_output=True, text=True, timeout=1800, check=False, env={**inherited, **settings}, cwd=self.directory)

    def listed(self, **environment):
        done = self.run("ansible-inventory", "--list", **environment)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout), " ".join(done.stderr.split())


@pytest.fixture
def provided(tmp_path):
    return Provided(tmp_path)


def hosts(listed, group):
    return listed.get(group, {}).get("hosts", [])


def test_each_application_is_a_host_with_the_variables_of_the_roles(provided):
    listed, said = provided.listed()
    assert hosts(listed, "applications") == ["identity", "shop"]
    groups = {group: hosts(listed, group) for group in listed if group.startswith(("wave", "project", "policy", "site"))}
    assert groups == {
        "project_core": ["identity"],
        "project_shop": ["shop"],
        "wave_foundation": ["identity"],
        "wave_business": ["shop"],
        "policy_gold": ["shop"],
        "site_north": ["identity", "shop"],
    }
    identity, mine = (listed["_meta"]["hostvars"][name] for name in ("identity", "shop"))
    assert identity["dr_checkpoint_application"] == {
        "name": "identity",
        "tiers": [{"name": "database", "servers": ["keycloak-db"], "checks": []}, {"name": "front", "servers": ["keycloak-1"], "checks": []}],
    }
    assert [(tier["name"], tier["servers"]) for tier in mine["dr_checkpoint_application"]["tiers"]] == [("database", ["orders-db"]), ("front", ["shop-front"])]
    assert (mine["dr_checkpoint_cloud"], mine["dr_checkpoint_consistency"], mine["dr_site_interval"]) == ("north-shop", "paused", 3600)
    assert mine["dr_site_unprotected"] == {"count": 1, "gigabytes": 7, "since": "2026-01-01T00:00:00Z"}
    assert "dr_site_unprotected" not in identity
    assert (mine["ansible_connection"], mine["ansible_python_interpreter"]) == ("local", "{{ ansible_playbook_python }}")
    assert "WARNING" not in said


def test_what_is_wrong_is_a_warning_and_a_group_and_hides_no_other(provided):
    provided.write(servers=SERVERS[:2])
    listed, said = provided.listed()
    assert hosts(listed, "applications_in_doubt") == ["shop"]
    assert "WARNING]: Application 'shop': No server is marked for application 'shop', and the site plan gives it no tiers." in said
    assert "dr_checkpoint_application" not in listed["_meta"]["hostvars"]["shop"]
    assert "dr_checkpoint_application" in listed["_meta"]["hostvars"]["identity"]


def test_a_plan_that_cannot_be_used_is_no_inventory(provided):
    provided.write(plan(SHOP, **MORE))
    done = provided.run("ansible-inventory", "--list", ANSIBLE_INVENTORY_UNPARSED_FAILED="1")
    assert done.returncode != 0
    assert "(1) application 'shop' depends on 'identity', which the plan does not have; it has shop." in " ".join(done.stderr.split())


def test_what_is_there_twice_in_a_plan_hides_nothing(provided, tmp_path):
    (tmp_path / "site.yml").write_text(yaml.safe_dump(PLAN) + "\nwaves: [business]\n")
    done = provided.run("ansible-inventory", "--list", ANSIBLE_INVENTORY_UNPARSED_FAILED="1")
    assert done.returncode != 0
    assert "'waves' is there twice." in " ".join(done.stderr.split())


def test_a_plan_may_be_encrypted(provided, tmp_path):
    (tmp_path / "password").write_text("secret")
    command = ["ansible-vault", "encrypt", "--vault-password-file", "password", "site.yml"]
    subprocess.run(command, cwd=tmp_path, check=True, capture_output=True)
    listed, _said = provided.listed(ANSIBLE_VAULT_PASSWORD_FILE=str(tmp_path / "password"))
    assert hosts(listed, "applications") == ["identity", "shop"]


def test_a_schedule_fails_with_a_plan_that_cannot_be_used(provided, tmp_path):
    """With the setting that the guide shows; without it Ansible has no hosts, and nothing to fail for."""
    provided.write(plan(SHOP, **MORE))
    (tmp_path / "play.yml").write_text(PLAY)
    (of_guide,) = [block.text for block in documents.blocks() if (block.document.name, block.language) == ("site.md", "ini")]
    (tmp_path / "ansible.cfg").write_text(of_guide)
    done = provided.run("ansible-playbook", tmp_path / "play.yml", ANSIBLE_CONFIG=str(tmp_path / "ansible.cfg"))
    assert done.returncode != 0
    (tmp_path / "ansible.cfg").write_text("")
    assert provided.run("ansible-playbook", tmp_path / "play.yml", ANSIBLE_CONFIG=str(tmp_path / "ansible.cfg")).returncode == 0


def test_a_check_before_a_merge_sees_what_is_there_twice(tmp_path):
    """As the guide has it: its settings, and its play."""
    of_guide = [block for block in documents.blocks() if block.document.name == "site.md"]
    (tmp_path / "check.yml").write_text(next(block.text for block in of_guide if block.language == "yaml" and "os_site_plan_check" in block.text))
    (tmp_path / "ansible.cfg").write_text(next(block.text for block in of_guide if block.language == "ini"))
    settings = {"ANSIBLE_COLLECTIONS_PATH": str(documents.COLLECTIONS), "ANSIBLE_CONFIG": str(tmp_path / "ansible.cfg"), "ANSIBLE_NOCOLOR": "1"}

    def check(plan_file):
        (tmp_path / "site.yml").write_text(plan_file)
        done = subprocess.run(["ansible-playbook", "check.yml"], cwd=tmp_path, env={**os.environ, **settings}, capture_output=True, text=True, check=False)
        return done.returncode, " ".join((done.stdout + done.stderr).split())

    assert check(yaml.safe_dump(PLAN))[0] == 0
    code, said = check(yaml.safe_dump(PLAN) + "\nwaves: [business]\n")
    assert (code != 0, "duplicate mapping key 'waves'" in said) == (True, True), said


def test_names_of_others_are_never_templates(provided, tmp_path):
    evil = f"{{{{ lookup('ansible.builtin.pipe', 'touch {tmp_path}/hacked') }}}}"
    servers = [
        *SERVERS,
        ["mark", {"project": "core", "name": evil, "application": "wiki"}],
        ["mark", {"project": "core", "name": "x", "application": evil[:50]}],
    ]
    compose = {"told": "dr_site_problems | join(' ')", "whole": "dr_checkpoint_application | default({})"}
    provided.write(servers=[*servers, ["mark", {"project": "shop", "name": evil, "application": "shop", "tier": evil}]], compose=compose)
    show = {"ansible.builtin.debug": {"msg": "{{ hostvars[inventory_hostname] | to_json }}"}}
    (tmp_path / "show.yml").write_text(json.dumps([{"hosts": "applications", "gather_facts": False, "tasks": [show]}]))
    done = provided.run("ansible-playbook", tmp_path / "show.yml")
    assert done.returncode == 0, done.stdout
    assert "wiki@core" in done.stdout
    assert not (tmp_path / "hacked").exists()


def test_further_groups_and_variables_are_constructed(provided):
    provided.write(
        compose={"first": "dr_site_priority < 100"}, groups={"urgent": "dr_site_priority < 100"}, keyed_groups=[{"prefix": "by", "key": "dr_site_origin"}]
    )
    listed, _said = provided.listed()
    assert (hosts(listed, "urgent"), hosts(listed, "by_plan")) == (["identity"], ["identity", "shop"])
    assert listed["_meta"]["hostvars"]["identity"]["first"] is True


def test_without_the_primary_site_the_catalogue_says_what_there_is(provided):
    there = [["publish", {"project": project, "application": name}] for project, name in (("shop", "shop"), ("core", "blog"))]
    provided.write(servers=[["silence", {"cloud": "north"}], *there])
    listed, said = provided.listed(OSDR_APPLICATIONS_SOURCE="catalogue")
    assert hosts(listed, "site_south") == ["identity", "blog@core", "shop"]
    assert hosts(listed, "applications_in_doubt") == ["identity"]
    variables = listed["_meta"]["hostvars"]["blog@core"]
    assert (variables["dr_restore_application"], variables["dr_restore_cloud"], variables["dr_restore_site"]) == ("blog", "south-core", "south")
    done = provided.run("ansible-inventory", "--list", ANSIBLE_INVENTORY_UNPARSED_FAILED="1")
    assert "None of the 2 projects of the site plan can be asked." in " ".join(done.stderr.split())


def test_other_files_are_none_of_its_own(provided, tmp_path):
    (tmp_path / "north.applications.yml").rename(tmp_path / "else.yml")
    command = ["ansible-inventory", "--list", "-i", str(tmp_path / "else.yml")]
    environment = {**os.environ, "ANSIBLE_COLLECTIONS_PATH": str(documents.COLLECTIONS), "ANSIBLE_INVENTORY_ENABLED": "osdr.openstack.applications"}
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    assert "applications" not in done.stdout


# Plays


@pytest.fixture
def played(tmp_path):
    """Plays a role on the hosts, with modules that take notes up to the report, for which they find nothing published."""
    answers = {
        "os_checkpoint_info": {"checkpoint": None},
        "os_checkpoint_check": {"checkpoint_check": {"freezes": [], "parts": []}},
        "os_application_info": {"application_description": {"servers": []}, "differences": []},
        "os_cg_snapshot": {"cg_snapshot": {"name": "whole"}, "parts": []},
        "os_backup_replicate": {"replication": {"unproved": ""}},
    }
    collection = Collection(tmp_path, answers)
    place = tmp_path / "ansible_collections" / "osdr" / "openstack"
    for part in ("plugins/inventory", "plugins/module_utils", "tests"):
        (place / part).symlink_to(documents.ROOT / part)
    (tmp_path / "play.yml").write_text(PLAY)

    def run(*arguments, servers=SERVERS):
        done = Provided(tmp_path, collection.paths).write(servers=servers).run("ansible-playbook", tmp_path / "play.yml", *arguments)
        return done.returncode, " ".join(done.stdout.split()), collection.calls()

    return run


def windows(calls):
    return [(given["cloud"], given["application"]["name"]) for name, given in calls if name == "os_cg_snapshot"]


def test_the_role_takes_a_host_as_it_is(played):
    _code, output, calls = played("--limit", "shop")
    assert windows(calls)[:1] == [("north-shop", "shop")], output
    (window,) = [given for name, given in calls if name == "os_cg_snapshot"][:1]
    assert window["application"]["tiers"] == [
        {"name": "database", "servers": ["orders-db"], "checks": []},
        {"name": "front", "servers": ["shop-front"], "checks": []},
    ]
    assert window["consistency"] == "paused"
    (copied,) = [given for name, given in calls if name == "os_backup_replicate"]
    assert (copied["cloud"], copied["remote_cloud"]) == ("north-shop", "south-shop")


def test_batches_are_in_the_order_of_recovery(played):
    _code, output, calls = played("--forks", "1")
    assert list(dict.fromkeys(name for _cloud, name in windows(calls))) == ["identity", "shop"], output


def test_groups_aim_a_play(played):
    _code, output, calls = played("-e", "aimed=wave_foundation")
    assert {name for _cloud, name in windows(calls)} == {"identity"}, output


def test_an_application_in_doubt_fails_and_no_other(played):
    code, output, calls = played(servers=SERVERS[:2])
    assert code != 0
    assert {name for _cloud, name in windows(calls)} == {"identity"}
    assert "missing required arguments: dr_checkpoint_application" in output
