# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The collection where there is only what it asks for: everything is found, and playbooks run up to the cloud that is not there."""

from __future__ import annotations

import json
import re

import pytest
import yaml
from working_tree import ROOT

COLLECTION = "osdr.openstack"
MODULES = {f"{COLLECTION}.{path.stem}" for path in (ROOT / "plugins" / "modules").glob("*.py")}
ROLES = {f"{COLLECTION}.{path.name}" for path in (ROOT / "roles").iterdir()}
PLAYBOOKS = {path.stem for path in (ROOT / "playbooks").glob("*.yml")}

SHOP = {"name": "shop", "tiers": [{"name": "database", "servers": ["orders-db"]}]}
#: The least that each playbook wants to know.
LEAST = {
    "active_site": {"dr_active_site_application": "shop", "dr_active_site_runs_at": "primary", "dr_active_site_cloud": "primary"},
    "catalogue_rebuild": {"dr_catalogue_cloud": "remote"},
    "changes": {"dr_changes_cloud": "remote", "dr_changes_source_cloud": "primary", "dr_changes_application": "shop"},
    "checkpoint": {"dr_checkpoint_application": SHOP},
    "cleanup": {"dr_cleanup_cloud": "remote", "dr_cleanup_application": "shop", "dr_cleanup_checkpoint": "noon", "dr_cleanup_drill": "7"},
    "drill": {"dr_restore_application": "shop", "dr_restore_drill_probe": {"console": "login:"}},
    "failback": {"dr_failover_application": SHOP},
    "failover": {"dr_failover_application": SHOP},
    "fence": {"dr_failover_application": SHOP},
    "mapping": {"dr_mapping_cloud": "remote", "dr_mapping_application": "shop", "dr_mapping_file": "mapping.yml"},
    "prune": {"dr_prune_application": "shop", "dr_prune_keep": {"last": 1}},
    "reprotect": {"dr_site_run_cloud": "remote"},
    "restore": {"dr_restore_application": "shop"},
    "restore_volume": {"dr_volume_cloud": "primary", "dr_volume_application": "shop", "dr_volume_server": "orders-db", "dr_volume_id": "beside"},
    "roll_back": {"dr_roll_back_application": SHOP, "dr_roll_back_checkpoint": "noon"},
    "roll_back_accept": {"dr_roll_back_application": SHOP},
    "roll_back_undo": {"dr_roll_back_application": SHOP},
    "rpo": {"dr_rpo_cloud": "remote"},
    "site_check": {"dr_site_check_cloud": "remote"},
    "site_checkpoint": {"dr_site_run_cloud": "remote"},
    "site_drill": {"dr_site_run_cloud": "remote"},
    "site_failover": {"dr_site_run_cloud": "remote"},
    "site_restore": {"dr_site_run_cloud": "remote"},
    "site_status": {"dr_site_status_cloud": "remote"},
    "thaw": {"dr_thaw_cloud": "primary"},
}


def distribution(line):
    """Name and version of a line that pip has written; one name can be written in several ways."""
    name, _separator, version = line.partition("==")
    return re.sub(r"[-_.]+", "-", name).lower(), version


def test_environment_holds_exactly_what_its_lock_says(bare):
    lock = (ROOT / "tests" / "requirements" / "bare.txt").read_text().splitlines()
    wanted = {distribution(line) for line in lock if line and not line.startswith("#")}
    assert {distribution(line) for line in bare.output("pip", "freeze", "--disable-pip-version-check").splitlines()} == wanted


def test_collections_are_exactly_those_that_are_required(bare):
    found = json.loads(bare.output("ansible-galaxy", "collection", "list", "--format", "json"))
    required = {one["name"] for one in yaml.safe_load((ROOT / "requirements.yml").read_text())["collections"]}
    # ansible-core brings one of its own.
    assert {name for place in found.values() for name in place} - {"ansible._protomatter"} == required | {COLLECTION}


def test_all_libraries_that_are_imported_late_are_there(bare):
    sources = [path.read_text() for path in (ROOT / "plugins").rglob("*.py")]
    named = {name for source in sources for name in re.findall(r'library\("([\w.]+)"', source)}
    assert {"openstack.utils", "cryptography.fernet", "jsonschema", "libvirt"} <= named
    # Left out on purpose, see requirements.txt.
    bare.output("python", "-c", "\n".join(f"import {name}" for name in sorted(named) if not name.startswith(("libvirt", "boto"))))


def test_everything_is_documented(bare):
    modules = json.loads(bare.output("ansible-doc", "--json", *sorted(MODULES)))
    assert set(modules) == MODULES
    roles = json.loads(bare.output("ansible-doc", "--json", "--type", "role", *sorted(ROLES)))
    assert set(roles) == ROLES
    listed = json.loads(bare.output("ansible-doc", "--json", "--list", COLLECTION))
    assert set(listed) == MODULES


def test_everything_can_be_imported(bare):
    """Documentation is read without importing anything."""
    files = [path for path in (ROOT / "plugins").rglob("*.py") if path.stem != "__init__"]
    names = [".".join(path.relative_to(ROOT).with_suffix("").parts) for path in files]
    # Ansible's own loader puts its collections before everything else.
    loader = "from ansible.plugins.loader import init_plugin_loader; init_plugin_loader()"
    imports = [f"import ansible_collections.{COLLECTION}.{name}" for name in sorted(names)]
    bare.output("python", "-c", "\n".join([loader, *imports]))


def test_playbooks_are_understood(bare):
    said = bare.output("ansible-playbook", "--syntax-check", *sorted(f"{COLLECTION}.{name}" for name in PLAYBOOKS))
    assert said.count("playbook: ") == len(PLAYBOOKS)


def test_each_playbook_is_run():
    assert set(LEAST) == PLAYBOOKS


@pytest.mark.parametrize("playbook", sorted(LEAST))
def test_playbook_runs_up_to_the_cloud_that_is_not_there(bare, playbook):
    # The name of a host is a pattern as the name of a group is.
    hosts = ["-i", "applications,", "-c", "local"] if "dr_site_run_cloud" in LEAST[playbook] else []
    done = bare.run("ansible-playbook", f"{COLLECTION}.{playbook}", *hosts, "--extra-vars", json.dumps(LEAST[playbook]))
    said = done.stdout + done.stderr
    assert done.returncode == 2, said
    assert re.search(r"Cloud (primary|remote) was not found\. Name an entry of clouds\.yaml", said), said
    assert "Traceback" not in said
    assert "MODULE FAILURE" not in said
