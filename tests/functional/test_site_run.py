# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A small site: four applications of two projects, checkpointed and restored by one command each. One depends on another; one cannot be restored."""

from __future__ import annotations

import contextlib
import datetime
import os
import pathlib
import random
import subprocess

import inputs
import laboratory
import psutil
import pytest
import small
import yaml
from laboratory import cloud, module, playbook, started, wait
from second_project import SecondProject

pytestmark = pytest.mark.campaign

IDENTITY, SHOP, BILLING, PORTAL = NAMES = ("identity", "shop", "billing", "portal")
#: Billing has a flavor that the remote site lacks, and the portal depends on it.
DEPENDENCIES = {SHOP: [IDENTITY], PORTAL: [BILLING]}
RESTORED = {IDENTITY, SHOP}
LIMITS = {"restores": 2, "boots": 2}
#: Seconds within which most of a restore happens.
BUSY_SECONDS = 90


class SmallSite:
    """A server for each application, without a network: shop and portal are in a project that is made for them."""

    def __init__(self):
        self.name = laboratory.unique("site")
        self.container = self.name
        self._undo = contextlib.ExitStack()
        self._project = SecondProject(self.name, self._undo)

    def called(self, application):
        return f"{self.name}-{application}"

    def owner(self, application, site):
        return self._project.connection(site) if application in DEPENDENCIES else cloud(site)

    def entry(self, application, site):
        return self._project.entry(site) if application in DEPENDENCIES else site

    def build(self):
        self._project.build()
        image, flavors = self._project.shared_image(), dict.fromkeys(NAMES, "lab.small")
        admin, usual = cloud("primary-admin").compute, cloud("primary").compute.find_flavor("lab.small", ignore_missing=False)
        own = admin.create_flavor(name=self.name, vcpus=usual.vcpus, ram=usual.ram, disk=usual.disk)
        self._undo.callback(admin.delete_flavor, own)
        flavors[BILLING] = own.name
        for application in NAMES:
            self._server(application, image, flavors[application])

    def _server(self, application, image, flavor):
        owner, name = self.owner(application, "primary"), self.called(application)
        volume = owner.create_volume(1, name=name, volume_type="ceph", image=image, bootable=True, wait=True, timeout=300)
        self._undo.callback(wait, f"volume {volume.id} to be removed", lambda: _is_removed(owner, volume.id), 300, 3)
        disk = {"uuid": volume.id, "source_type": "volume", "destination_type": "volume", "boot_index": 0}
        flavor_id = owner.compute.find_flavor(flavor, ignore_missing=False).id
        server = owner.compute.create_server(name=name, flavor_id=flavor_id, networks="none", block_device_mapping=[disk], config_drive=True)
        self._undo.callback(_remove_server, owner, server)
        owner.compute.wait_for_server(server, wait=600)
        wait(f"the agent of {name}", lambda: small.answers(server.id), 300, 2)

    # What is played

    def inventory(self, directory, sites):
        """The files of an inventory and of a clouds.yaml with some of the sites; the path of the former."""
        given = yaml.safe_load(pathlib.Path(os.environ["OS_CLIENT_CONFIG_FILE"]).read_text())["clouds"]
        entries = {name: one for name, one in given.items() if name.partition("-")[0] in sites}
        users = [f"{site}{user}" for site in sites for user in ("", "-admin")]
        entries |= {f"{user}-{self.name}": {**given[user], "auth": {**given[user]["auth"], "project_name": self.name}} for user in users}
        (directory / "clouds.yaml").write_text(yaml.safe_dump({"clouds": entries}))
        (directory / "site.yml").write_text(yaml.safe_dump(self.plan()))
        source = "servers" if "primary" in sites else "catalogue"
        plugin = {"plugin": "osdr.openstack.applications", "plan": "site.yml", "source": source, "container": self.container}
        path = directory / "lab.applications.yml"
        path.write_text(yaml.safe_dump(plugin))
        return path

    def definition(self, application):
        name = self.called(application)
        return {"name": name, "tiers": [{"name": "all", "servers": [name], "checks": [{"agent": True}]}]}

    def plan(self):
        sites = {"primary": {"name": "primary", "admin_cloud": "primary-admin", "limits": {"freezes": 2}}}
        sites["remote"] = {"name": "remote", "admin_cloud": "remote-admin", "limits": LIMITS}
        store = {"store_cloud": "remote-backup"}
        projects = {"lab": {"primary": "primary", "remote": {"cloud": "remote", **store}}}
        primary, remote = ({"cloud": f"{one}-{self.name}", "admin_cloud": f"{one}-admin-{self.name}"} for one in ("primary", "remote"))
        projects["other"] = {"primary": primary, "remote": {**remote, **store}}
        applications = [
            {
                "name": self.called(one),
                "project": "other" if one in DEPENDENCIES else "lab",
                "depends_on": [self.called(other) for other in DEPENDENCIES.get(one, ())],
                "tiers": self.definition(one)["tiers"],
            }
            for one in NAMES
        ]
        return {"schema_version": 1, "sites": sites, "projects": projects, "applications": applications}

    # What there is

    def runs(self):
        return module("os_site_run_info", cloud="remote", container=self.container)["runs"]

    def states(self, run):
        return {one["name"].removeprefix(f"{self.name}-"): one["state"] for one in run["applications"]}

    def there(self):
        """The servers at the remote site by their applications; no name is there twice."""
        found = {}
        for application in NAMES:
            named = [one for one in self.owner(application, "remote").compute.servers() if one.name == self.called(application)]
            assert len(named) <= 1, named
            if named:
                found[application] = named[0]
        return found

    def volumes(self):
        """How many volumes the remote site has of each application."""
        found = {}
        for application in NAMES:
            marked = [one for one in self.owner(application, "remote").block_storage.volumes() if _is_of(one, self.called(application))]
            if marked:
                found[application] = len(marked)
        return found

    def clean_up(self, checkpoint):
        """Remove what was restored."""
        for application in NAMES:
            variables = {**inputs.cleanup(self.called(application), checkpoint), "dr_cleanup_cloud": self.entry(application, "remote")}
            removed = playbook("cleanup", **variables, dr_cleanup_container=self.container)
            assert removed.returncode == 0, removed.stdout + removed.stderr

    def remove(self):
        """Leave nothing of it at either site."""
        for application in NAMES:
            for site in ("remote", "primary"):
                storage = self.owner(application, site).block_storage
                backups = [one for one in storage.backups(details=True) if _is_of(one, self.called(application))]
                # An incremental one goes before the one that it builds on.
                for one in sorted(backups, key=lambda one: one.created_at, reverse=True):
                    storage.delete_backup(one)
                    storage.wait_for_delete(one, wait=300)
        for owner in (cloud("remote"), self._project.connection("remote"), cloud("primary")):
            store = owner.object_store
            if any(one.name == self.container for one in store.containers()):
                for one in list(store.objects(self.container)):
                    store.delete_object(one.name, container=self.container)
                store.delete_container(self.container)
        self._undo.close()


def _is_of(made, application):
    return (made.metadata or {}).get("osdr_application") == application


def _is_removed(owner, volume_id):
    """Cinder refuses as long as a snapshot is there."""
    found = owner.block_storage.find_volume(volume_id)
    if found and found.status in ("available", "error"):
        owner.block_storage.delete(f"/volumes/{volume_id}")
    return found is None


def _remove_server(owner, server):
    owner.compute.delete_server(server)
    owner.compute.wait_for_delete(server, wait=300)


@pytest.fixture(scope="module")
def site(application):
    made = SmallSite()
    try:
        made.build()
        yield made
    finally:
        made.remove()


@pytest.fixture
def at(site, tmp_path, monkeypatch):
    """The options and variables of a run, for which only some sites are there."""

    def given(*sites):
        path = site.inventory(tmp_path, sites)
        monkeypatch.setenv("OS_CLIENT_CONFIG_FILE", str(tmp_path / "clouds.yaml"))
        variables = {f"dr_{one}_container": site.container for one in ("site_run", "checkpoint", "restore")}
        return ["-i", str(path), "--forks", "8"], {**variables, "dr_site_run_cloud": "remote", "dr_restore_activate": False}

    return given


@pytest.fixture(scope="module")
def checkpoint(site, tmp_path_factory):
    """The id of the run that has taken a checkpoint of each application."""
    directory = tmp_path_factory.mktemp("checkpoint")
    with pytest.MonkeyPatch.context() as environment:
        path = site.inventory(directory, ("primary", "remote"))
        environment.setenv("OS_CLIENT_CONFIG_FILE", str(directory / "clouds.yaml"))
        containers = {"dr_site_run_container": site.container, "dr_checkpoint_container": site.container}
        done = started("site_checkpoint", "-i", str(path), "--forks", "8", dr_site_run_cloud="remote", **containers).wait(7200)
    assert done.returncode == 0, done.stdout + done.stderr
    (run,) = site.runs()
    assert site.states(run) == dict.fromkeys(NAMES, "done")
    return run["id"]


def restored(site):
    """Asserts that just what can be restored is there once, and runs."""
    there = site.there()
    assert set(there) == RESTORED
    assert site.volumes() == dict.fromkeys(RESTORED, 1)
    for one in there.values():
        wait(f"the agent of {one.name}", lambda server=one.id: small.answers(server, "remote"), 120, 2)


def seconds_between(earlier, later):
    return (datetime.datetime.fromisoformat(later) - datetime.datetime.fromisoformat(earlier)).total_seconds()


def test_with_the_primary_site_gone_all_come_back_that_can_and_nothing_that_depends_on_what_cannot(site, checkpoint, at):
    options, variables = at("remote")
    try:
        done = started("site_restore", *options, **variables).wait(7200)
        said = " ".join(done.stdout.split())
        assert done.returncode != 0, said
        run = site.runs()[0]
        assert site.states(run) == {IDENTITY: "done", SHOP: "done", BILLING: "failed", PORTAL: "skipped"}, said
        assert f"{site.called(PORTAL)}: skipped. It depends on application '{site.called(BILLING)}', which is failed" in said
        restored(site)
        turns = {one["name"].removeprefix(f"{site.name}-"): one for one in run["applications"]}
        # A turn that is over is so since it ended.
        assert seconds_between(turns[IDENTITY]["since"], turns[SHOP]["since"]) >= turns[SHOP]["seconds"] - 1
        critical, took = turns[IDENTITY]["seconds"] + turns[SHOP]["seconds"], seconds_between(run["began"], run["ended"])
        print(f"Critical path {critical} s, wall time {took:.0f} s.")
        assert took <= 1.2 * critical

        again = started("site_restore", *options, **variables).wait(7200)
        assert again.returncode != 0
        assert site.states(site.runs()[0])[SHOP] == "done"
        restored(site)
    finally:
        site.clean_up(checkpoint)


def killed(process, after):
    """Kill a controller some seconds after its beginning, with all that it has started."""
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(after)
    for one in process.tree():
        with contextlib.suppress(psutil.NoSuchProcess):
            one.kill()
    process.wait(laboratory.BLOCKED)


def test_a_controller_that_is_killed_again_and_again_leaves_nothing_twice(site, checkpoint, at, kills, seed):
    options, variables = at("remote")
    numbers = random.Random(seed)
    try:
        for _kill in range(kills):
            killed(started("site_restore", *options, **variables), numbers.uniform(5, BUSY_SECONDS))
        done = started("site_restore", *options, **variables).wait(7200)
        assert site.states(site.runs()[0])[SHOP] == "done", done.stdout + done.stderr
        restored(site)
    finally:
        site.clean_up(checkpoint)


def test_two_controllers_share_a_run_and_either_may_be_killed(site, checkpoint, at, kills, seed):
    options, variables = at("remote")
    numbers = random.Random(seed + 1)
    run = laboratory.unique("slices")
    slices = [":".join(map(site.called, names)) for names in ((IDENTITY, PORTAL), (SHOP, BILLING))]
    given = {**variables, "dr_site_run_id": run, "dr_site_run_parts": 2}

    def both():
        return [started("site_restore", *options, "--limit", names, **given) for names in slices]

    try:
        for _kill in range(kills):
            processes = both()
            for process in numbers.sample(processes, 2):
                killed(process, numbers.uniform(5, BUSY_SECONDS))
        ended = [process.wait(7200) for process in both()]
        (found,) = [one for one in site.runs() if one["id"] == run]
        states = site.states(found)
        assert {one: states[one] for one in RESTORED} == dict.fromkeys(RESTORED, "done"), "".join(one.stdout for one in ended)
        restored(site)
    finally:
        site.clean_up(checkpoint)


def test_a_drill_leaves_its_record_and_nothing_else(site, checkpoint, at):
    options, variables = at("remote")
    done = started("site_drill", *options, "--limit", site.called(IDENTITY), **variables).wait(7200)
    assert done.returncode == 0, done.stdout + done.stderr
    (point,) = module("os_recovery_point_info", cloud="remote", container=site.container, applications=[site.called(IDENTITY)])["recovery_points"]
    assert point["drill"]["checkpoint"] == checkpoint
    assert (site.there(), site.volumes()) == ({}, {})


def test_what_was_made_for_the_tests_is_known(site, checkpoint):
    """Each application has one copy, with the id of the run."""
    for application in NAMES:
        found = module("os_checkpoint_info", cloud=site.entry(application, "remote"), container=site.container, application=site.called(application))
        assert [one["id"] for one in found["checkpoints"]] == [checkpoint]


def test_what_was_moved_is_protected_for_the_way_back_from_what_is_recorded(site, checkpoint, at):
    options, variables = at("primary", "remote")
    name, only = site.called(IDENTITY), ("--limit", site.called(IDENTITY))
    given = {**variables, "dr_failover_container": site.container}
    del given["dr_restore_activate"]
    moves = {"dr_failover_application": site.definition(IDENTITY), "dr_failover_container": site.container}
    moves |= {f"dr_failover_{one}": {"cloud": one, "admin_cloud": f"{one}-admin", "site": one} for one in ("primary", "remote")}
    try:
        moved = started("site_failover", *options, *only, **given).wait(7200)
        assert moved.returncode == 0, moved.stdout + moved.stderr
        assert set(site.there()) == {IDENTITY}
        back = started("reprotect", *options, *only, **given).wait(7200)
        assert back.returncode == 0, back.stdout + back.stderr
        run = site.runs()[0]
        found = module("os_checkpoint_info", cloud="primary", container=site.container, application=name, checkpoint=run["id"], require=True)
        assert found["checkpoint"]["site"] == "remote"
        assert [tier["servers"] for tier in found["checkpoint"]["tiers"]] == [[name]]
        print(f"The first checkpoint for the way back took {seconds_between(run['began'], run['ended']):.0f} s.")
    finally:
        for one in module("os_checkpoint_info", cloud="remote", container=site.container, application=name)["checkpoints"]:
            if one["id"] != checkpoint:
                removed = playbook("cleanup", **inputs.cleanup(name, one["id"]), dr_cleanup_container=site.container)
                assert removed.returncode == 0, removed.stdout + removed.stderr
        released = playbook("fence", **moves, dr_fence_state="released", dr_fence_runs_at="primary", dr_fence_start=True)
        assert released.returncode == 0, released.stdout + released.stderr
