# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a project stands on, of each kind that can be made: captured at the primary site, missing at the remote one, and made there."""

from __future__ import annotations

import contextlib
import json
import os
import pathlib

import laboratory
import pytest
import yaml
from laboratory import cloud, playbook

SITES = ("primary", "remote")
SPECS = {"hw:cpu_policy": "shared"}
ENCRYPTION = {"provider": "luks", "cipher": "aes-xts-plain64", "key_size": 256, "control_location": "front-end"}
KEY = "correct horse battery staple"
KINDS = ["projects", "roles", "quotas", "flavors", "flavor_access", "volume_types", "volume_type_access"]


def admin(site):
    return cloud(f"{site}-admin")


def checked(api, method, path, **options):
    """The answer to a plain request of an administrator."""
    response = getattr(api, method)(path, **options)
    response.raise_for_status()
    return response.json() if response.content else {}


def flavor_at(site, name):
    """Also one that is not public; None when there is none."""
    found = checked(admin(site).compute, "get", "/flavors/detail", params={"is_public": "None"}, microversion="2.61")["flavors"]
    return next((one for one in found if one["name"] == name), None)


def type_at(site, name):
    """Also one that is not public; None when there is none."""
    found = checked(admin(site).block_storage, "get", "/types", params={"is_public": "None"})["volume_types"]
    return next((one for one in found if one["name"] == name), None)


def cores(site, path):
    return checked(admin(site).compute, "get", f"/os-quota-sets/{path}")["quota_set"]["cores"]


class Standing:
    """A project at the primary site, with a flavor and an encrypted volume type for it alone, a quota of its own, and a group with a role.

    Its name is theirs, too. The remote site has but the group."""

    def __init__(self):
        self.name = laboratory.unique("standing")
        self.cores = max(cores(site, f"{admin(site).current_project_id}/defaults") for site in SITES) + 13

    def set_up(self):
        primary = admin("primary")
        identity = primary.identity
        project = identity.create_project(name=self.name, domain_id="default", description="stands on much")
        user = identity.create_user(name=self.name, password=self.name, domain_id="default", default_project_id=project.id)
        member = identity.find_role("member", ignore_missing=False)
        identity.assign_project_role_to_user(project, user, member)
        identity.assign_project_role_to_group(project, identity.create_group(name=self.name, domain_id="default"), member)
        admin("remote").identity.create_group(name=self.name, domain_id="default")
        checked(primary.compute, "put", f"/os-quota-sets/{project.id}", json={"quota_set": {"cores": self.cores}})
        flavor = primary.compute.create_flavor(name=self.name, vcpus=1, ram=128, disk=1, is_public=False)
        checked(primary.compute, "post", f"/flavors/{flavor.id}/os-extra_specs", json={"extra_specs": SPECS})
        primary.compute.flavor_add_tenant_access(flavor, project.id)
        wanted = {"name": self.name, "os-volume-type-access:is_public": False, "extra_specs": {}}
        made = checked(primary.block_storage, "post", "/types", json={"volume_type": wanted})["volume_type"]["id"]
        checked(primary.block_storage, "post", f"/types/{made}/encryption", json={"encryption": ENCRYPTION})
        checked(primary.block_storage, "post", f"/types/{made}/action", json={"addProjectAccess": {"project": project.id}})

    def remove(self):
        """Remove it at both sites, as far as it is there."""
        for site in SITES:
            connection = admin(site)
            for api, path, found in ((connection.compute, "flavors", flavor_at), (connection.block_storage, "types", type_at)):
                there = found(site, self.name)
                if there:
                    api.delete(f"/{path}/{there['id']}").raise_for_status()
            for kind in ("user", "group", "project"):
                there = getattr(connection.identity, f"find_{kind}")(self.name, ignore_missing=True)
                if there:
                    getattr(connection.identity, f"delete_{kind}")(there)

    def plan(self):
        sites = {side: {"name": side, "admin_cloud": f"{side}-admin"} for side in SITES}
        projects = {self.name: {side: f"{side}-{self.name}" for side in SITES}}
        return {"schema_version": 1, "sites": sites, "projects": projects, "applications": []}

    def there(self):
        """What the remote site has of it."""
        remote = admin("remote")
        project = remote.identity.find_project(self.name, ignore_missing=True)
        flavor, volume_type = flavor_at("remote", self.name), type_at("remote", self.name)
        if not (project and flavor and volume_type):
            return {"project": bool(project), "flavor": bool(flavor), "volume_type": bool(volume_type)}
        group = remote.identity.find_group(self.name, ignore_missing=False)
        access = checked(remote.compute, "get", f"/flavors/{flavor['id']}/os-flavor-access")["flavor_access"]
        of_type = checked(remote.block_storage, "get", f"/types/{volume_type['id']}/os-volume-type-access")["volume_type_access"]
        encryption = checked(remote.block_storage, "get", f"/types/{volume_type['id']}/encryption")
        return {
            "description": project.description,
            "roles": [one.name for one in remote.identity.role_assignments_filter(project=project, group=group)],
            "cores": cores("remote", project.id),
            "flavor": [flavor[name] for name in ("vcpus", "ram", "disk", "os-flavor-access:is_public", "extra_specs")],
            "flavor_access": [one["tenant_id"] == project.id for one in access],
            "encryption": {name: encryption[name] for name in ENCRYPTION},
            "volume_type": volume_type["is_public"],
            "type_access": [one["project_id"] == project.id for one in of_type],
        }


def entries(directory, sites, name):
    """A clouds.yaml with the administrators and the project's user at some sites only."""
    given = yaml.safe_load(pathlib.Path(os.environ["OS_CLIENT_CONFIG_FILE"]).read_text())["clouds"]
    kept = {entry: one for entry, one in given.items() if entry.partition("-")[0] in sites}
    for site in sites:
        auth = {**given[site]["auth"], "username": name, "password": name, "project_name": name}
        kept[f"{site}-{name}"] = {**given[site], "auth": auth}
    file = directory / f"{'-'.join(sites)}.yaml"
    file.write_text(yaml.safe_dump({"clouds": kept}))
    return str(file)


@pytest.fixture(scope="module")
def standing():
    made = Standing()
    try:
        made.set_up()
        yield made
    finally:
        made.remove()


@pytest.fixture(scope="module")
def container(standing):
    """A catalogue of its own."""
    yield standing.name
    store = cloud("remote").object_store
    for one in list(store.objects(standing.name)):
        store.delete_object(one.name, container=standing.name)
    store.delete_container(standing.name, ignore_missing=True)


@pytest.fixture
def check(standing, container, tmp_path):
    plan = tmp_path / "site.yml"
    plan.write_text(yaml.safe_dump(standing.plan()))

    def start(*options, sites=SITES, **variables):
        given = {"dr_site_check_cloud": "remote", "dr_site_check_container": container, "dr_site_check_hmac_key": KEY, "dr_site_check_plan": str(plan)}
        with contextlib.ExitStack() as stack:
            environment = stack.enter_context(pytest.MonkeyPatch.context())
            environment.setenv("OS_CLIENT_CONFIG_FILE", entries(tmp_path, sites, standing.name))
            return playbook("site_check", *options, **{**given, **variables})

    return start


def test_what_is_missing_is_told_and_made_once(check, standing, tmp_path):
    reports = tmp_path / "reports"
    done = check(dr_site_check_report=str(reports))
    assert done.returncode != 0
    report = json.loads((reports / "remote.site_check.json").read_text())
    needed = {one["kind"]: one for one in report["findings"] if one["needed_by"]}
    assert {kind: one["state"] for kind, one in needed.items()} == dict.fromkeys(KINDS, "missing")
    assert [one["by_hand"] for one in needed.values()] == [None] * len(KINDS)
    assert f"Flavor '{standing.name}' is missing." in (reports / "remote.site_check.txt").read_text()

    # To predict it makes nothing.
    predicted = check("--check", dr_site_check_make=KINDS, dr_site_check_fail=False)
    assert predicted.returncode == 0, predicted.stdout + predicted.stderr
    assert standing.there() == {"project": False, "flavor": False, "volume_type": False}

    done = check(dr_site_check_make=KINDS)
    assert done.returncode == 0, done.stdout + done.stderr
    assert standing.there() == {
        "description": "stands on much",
        "roles": ["member"],
        "cores": standing.cores,
        "flavor": [1, 128, 1, False, SPECS],
        "flavor_access": [True],
        "encryption": ENCRYPTION,
        "volume_type": False,
        "type_access": [True],
    }

    again = check(dr_site_check_make=KINDS)
    assert again.returncode == 0, again.stdout + again.stderr
    assert "changed=0" in again.stdout


def test_without_the_primary_site_what_was_kept_is_compared(check, standing):
    assert check(dr_site_check_make=KINDS).returncode == 0
    admin("remote").compute.delete(f"/flavors/{flavor_at('remote', standing.name)['id']}").raise_for_status()
    done = check(sites=("remote",), dr_site_check_capture=False)
    assert done.returncode != 0
    assert f"Flavor '{standing.name}' is missing." in " ".join(done.stdout.split())
    done = check(sites=("remote",), dr_site_check_capture=False, dr_site_check_make=["flavors", "flavor_access"])
    assert done.returncode == 0, done.stdout + done.stderr


def test_what_differs_is_told_and_stays(check, standing):
    assert check(dr_site_check_make=KINDS).returncode == 0
    compute, path = admin("remote").compute, f"/flavors/{flavor_at('remote', standing.name)['id']}/os-extra_specs"
    checked(compute, "post", path, json={"extra_specs": {"hw:cpu_policy": "dedicated"}})
    done = check(dr_site_check_make=KINDS)
    assert done.returncode != 0
    assert "extra spec hw:cpu_policy is 'shared' at the primary site and 'dedicated' here" in " ".join(done.stdout.split())
    assert standing.there()["flavor"][4] == {"hw:cpu_policy": "dedicated"}
    checked(compute, "post", path, json={"extra_specs": SPECS})
