# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the guide to permissions says is enough, and without it nothing works: users, roles, policies and application credentials as it has them."""

from __future__ import annotations

import contextlib
import re

import laboratory
import openstack
import pytest
import yaml
from laboratory import APPLICATION, ROOT, SERVERS, cloud, in_site, playbook, wait

pytestmark = pytest.mark.campaign

NAME = APPLICATION["name"]
PROJECT = "shop"
ROLE = "disaster_recovery"
SITES = ("primary", "remote")
POLICY = "/etc/{service}/policy.yaml"
PORTS = {"nova": 8774, "cinder": 8776}


def policies():
    """Service and policy file, as the guide has them."""
    found = re.findall(r"^`policy.yaml` of (\w+)'s API:\n\n```yaml\n(.*?)^```$", (ROOT / "docs/permissions.md").read_text(), re.DOTALL | re.MULTILINE)
    assert [service for service, _content in found] == ["Nova", "Cinder"]
    assert all(ROLE in rule for _service, content in found for rule in yaml.safe_load(content).values())
    return [(service.lower(), content) for service, content in found]


@contextlib.contextmanager
def policies_of(site):
    """The guide's policies in force. A service that saw such a file goes on looking for it, and now and then refuses what is allowed: so it is restarted."""
    files = {POLICY.format(service=service): content for service, content in policies()}
    for path, content in files.items():
        in_site("sh", "-c", f"cat > {path} <<'END'\n{content}END", site=site)
    try:
        yield
    finally:
        in_site("rm", "-f", *files, site=site)
        laboratory.supervisor("restart", *(f"{service}-api" for service, _content in policies()), site=site)
        for service, _content in policies():
            wait(f"{service}-api of {site}", lambda url=f"http://{site}:{PORTS[service]}/": laboratory.answers(url), 120)


@contextlib.contextmanager
def user_of(site):
    """A user with the roles of the guide in the application's project; yields a connection of that user."""
    admin = cloud(f"{site}-admin").identity
    project = admin.find_project(PROJECT, ignore_missing=False)
    # Policies name it, so what a killed run has left must do.
    role = admin.find_role(ROLE) or admin.create_role(name=ROLE)
    name = laboratory.unique("shop-dr")
    user = admin.create_user(name=name, password=name, domain_id="default", default_project_id=project.id)
    try:
        for one in (admin.find_role("member", ignore_missing=False), role):
            admin.assign_project_role_to_user(project, user, one)
        auth = {**cloud(site).config.config["auth"], "username": name, "password": name}
        yield openstack.connect(auth=auth, region_name=site)
    finally:
        admin.delete_user(user)
        admin.delete_role(role)


def application_credential(connection, name, *roles):
    """An entry of clouds.yaml."""
    made = connection.identity.create_application_credential(connection.current_user_id, name, roles=[{"name": role} for role in roles])
    return {
        "auth_type": "v3applicationcredential",
        "auth": {
            "auth_url": connection.config.config["auth"]["auth_url"],
            "application_credential_id": made.id,
            "application_credential_secret": made.secret,
        },
        "region_name": connection.config.get_region_name(),
    }


@contextlib.contextmanager
def store_credential():
    """For the account of the backup service."""
    owner = cloud("remote-backup")
    entry = application_credential(owner, laboratory.unique("dr-store"), "member")
    try:
        yield entry
    finally:
        owner.identity.delete_application_credential(owner.current_user_id, entry["auth"]["application_credential_id"])


@pytest.fixture(scope="module")
def credentials(application, tmp_path_factory):
    """Entries of clouds.yaml that may do just what the guide gives them, and nothing else in the file."""
    with contextlib.ExitStack() as stack:
        users = {site: stack.enter_context(user_of(site)) for site in SITES}
        for site in SITES:
            stack.enter_context(policies_of(site))
        entries = {site: application_credential(user, "osdr", "member", ROLE) for site, user in users.items()}
        entries["primary-member"] = application_credential(users["primary"], "osdr-member", "member")
        entries["remote-member"] = application_credential(users["remote"], "osdr-restore", "member")
        entries["remote-store"] = stack.enter_context(store_credential())
        file = tmp_path_factory.mktemp("clouds") / "clouds.yaml"
        file.write_text(yaml.safe_dump({"clouds": entries}))
        environment = stack.enter_context(pytest.MonkeyPatch.context())
        environment.setenv("OS_CLIENT_CONFIG_FILE", str(file))
        yield entries


@pytest.fixture(scope="module")
def container(application):
    """A catalogue of its own."""
    name = laboratory.unique("permissions")
    yield name
    store = cloud("remote").object_store
    for one in list(store.objects(name)):
        store.delete_object(one.name, container=name)
    store.delete_container(name, ignore_missing=True)


def checkpoint(container, name, *options, **changes):
    given = {
        "dr_checkpoint_cloud": "primary",
        "dr_checkpoint_remote_cloud": "remote",
        "dr_checkpoint_remote_store_cloud": "remote-store",
        "dr_checkpoint_application": APPLICATION,
        "dr_checkpoint_id": name,
        "dr_checkpoint_container": container,
    }
    return playbook("checkpoint", *options, **{**given, **changes})


@pytest.fixture(scope="module")
def points(credentials, container):
    """Two checkpoints, the second of increments; their backups are removed at the end, the newest first."""
    names = [laboratory.unique("point"), laboratory.unique("point")]
    for name in names:
        done = checkpoint(container, name)
        assert done.returncode == 0, done.stdout + done.stderr
    yield names
    # Both sites' records stand for the same objects: deleting the remote ones deletes the data of both.
    for name in reversed(names):
        for site in ("remote", "primary"):
            remove_backups(site, name)


def remove_backups(site, name):
    storage = cloud(site).block_storage

    def left():
        return [one for one in storage.backups() if one.metadata.get("osdr_checkpoint") == name]

    for one in left():
        storage.delete_backup(one.id)
    wait(f"the backups of {name} to go", lambda: not left(), 120)


def one_line(done):
    return " ".join((done.stdout + done.stderr).split())


def test_a_member_alone_is_refused_before_anybody_is_frozen(credentials, container):
    done = checkpoint(container, "refused", dr_checkpoint_cloud="primary-member", dr_checkpoint_remote_cloud="remote-member")
    assert done.returncode != 0
    said = one_line(done)
    assert "The credentials may not import records of backups on site 'remote-member'" in said
    assert "os_compute_api:os-quiesce:show" in said
    assert not [one for one in cloud().block_storage.snapshots() if one.metadata.get("osdr_checkpoint") == "refused"]


def test_checkpoints_are_taken_and_copied(points, container):
    stored = {one.name for one in cloud("remote").object_store.objects(container)}
    assert {f"{NAME}/{name}.json" for name in points} <= stored
    found = [one for one in cloud("remote").block_storage.backups() if one.metadata.get("osdr_checkpoint") == points[1]]
    assert len(found) == 5 and all(one.is_incremental for one in found)


def test_their_age_is_known(points, container):
    done = playbook("rpo", dr_rpo_cloud="remote-member", dr_rpo_container=container, dr_rpo_applications=[NAME], dr_rpo_max_age=3600)
    assert done.returncode == 0, done.stdout
    assert f"{NAME}: {points[1]} of " in one_line(done)


def test_a_member_makes_everything_that_a_restore_makes_and_leaves_nothing(points, container):
    drill = laboratory.unique("rights")
    given = {
        "dr_restore_cloud": "remote-member",
        "dr_restore_application": NAME,
        "dr_restore_container": container,
        "dr_restore_checkpoint": points[1],
        "dr_restore_drill_id": drill,
        "dr_restore_drill_probe": {"console": f"({'|'.join(SERVERS)}): ready after"},
    }
    done = playbook("drill", **given)
    assert done.returncode == 0, done.stdout
    assert f"Drill {drill} of {NAME}, checkpoint {points[1]}: passed" in one_line(done)
    assert not [one.name for one in cloud("remote").compute.servers() if drill in one.name]


def test_old_checkpoints_go(points, container):
    given = {"dr_prune_cloud": "remote", "dr_prune_primary_cloud": "primary", "dr_prune_container": container, "dr_prune_application": NAME}
    done = playbook("prune", **given, dr_prune_keep={"last": 1})
    assert done.returncode == 0, done.stdout
    assert f"kept {points[1]}; removed {points[0]}." in one_line(done)
