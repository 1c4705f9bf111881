# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A small site: six applications of three projects, checkpointed and restored by one command each. Two depend on another one; one cannot be restored."""

from __future__ import annotations

import collections
import concurrent.futures
import contextlib
import dataclasses
import datetime
import math
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
from ansible_collections.osdr.openstack.plugins.module_utils.status.schedule import scheduled
from laboratory import cloud, module, playbook, started, wait
from second_project import SITES, SecondProject

pytestmark = pytest.mark.campaign

IDENTITY, SHOP, BILLING, PORTAL, WIKI, MAIL = NAMES = ("identity", "shop", "billing", "portal", "wiki", "mail")
#: Those of the lab's own project, and of two that are made for them.
PROJECTS = {"own": (IDENTITY, BILLING), "second": (SHOP, PORTAL), "third": (WIKI, MAIL)}
#: Billing has a flavor that the remote site lacks, and the portal depends on it.
DEPENDENCIES = {SHOP: [IDENTITY], PORTAL: [BILLING]}
#: What cannot be restored is tried when nobody waits for it.
PRIORITIES = {BILLING: 900}
RESTORED = {IDENTITY, SHOP, WIKI, MAIL}
PARTS = ("a", "b")
#: Two applications at once.
AT_ONCE = 2
LIMITS = {"restores": AT_ONCE * len(PARTS), "boots": AT_ONCE * len(PARTS)}
#: How many guests boot at once while the site is built.
BUILDERS = 4
#: Seconds within which most of a restore happens.
BUSY_SECONDS = 90


@dataclasses.dataclass(frozen=True)
class Place:
    """Where an application is in the order of recovery."""

    name: str
    depends_on: tuple[str, ...]
    priority: int
    wave: str | None = None


PLACES = {one: Place(one, tuple(DEPENDENCIES.get(one, ())), PRIORITIES.get(one, 500)) for one in NAMES}


class SmallSite:
    """Two servers for each application, without a network."""

    def __init__(self):
        self.name = laboratory.unique("site")
        self.container = self.name
        self._undo = contextlib.ExitStack()
        self._projects = {one: SecondProject(f"{self.name}-{one}", self._undo) for one in PROJECTS if one != "own"}

    def called(self, application):
        return f"{self.name}-{application}"

    def servers(self, application):
        return [f"{self.called(application)}-{part}" for part in PARTS]

    def owner(self, application, site):
        project = self._projects.get(_project_of(application))
        return project.connection(site) if project else cloud(site)

    def entry(self, application, site):
        project = self._projects.get(_project_of(application))
        return project.entry(site) if project else site

    def build(self):
        images = [project.build() or project.shared_image() for project in self._projects.values()]
        admin, usual = cloud("primary-admin").compute, cloud("primary").compute.find_flavor("lab.small", ignore_missing=False)
        own = admin.create_flavor(name=self.name, vcpus=usual.vcpus, ram=usual.ram, disk=usual.disk)
        self._undo.callback(admin.delete_flavor, own)
        flavors = {**dict.fromkeys(NAMES, usual.id), BILLING: own.id}
        with concurrent.futures.ThreadPoolExecutor(BUILDERS) as pool:
            built = [pool.submit(self._server, one, name, images[0], flavors[one]) for one in NAMES for name in self.servers(one)]
        for one in built:
            one.result()

    def _server(self, application, name, image, flavor):
        owner = self.owner(application, "primary")
        volume = owner.create_volume(1, name=name, volume_type="ceph", image=image, bootable=True, wait=True, timeout=600)
        self._undo.callback(wait, f"volume {volume.id} to be removed", lambda: _is_removed(owner, volume.id), 300, 3)
        disk = {"uuid": volume.id, "source_type": "volume", "destination_type": "volume", "boot_index": 0}
        server = owner.compute.create_server(name=name, flavor_id=flavor, networks="none", block_device_mapping=[disk], config_drive=True)
        self._undo.callback(_remove_server, owner, server)
        owner.compute.wait_for_server(server, wait=600)
        wait(f"the agent of {name}", lambda: small.answers(server.id), 300, 2)
        # What tells the guest from all others.
        small.run(server.id, f"echo {name} > /root/called; sync")

    # What is played

    def inventory(self, directory, sites):
        """The files of an inventory and of a clouds.yaml with some of the sites; the path of the former."""
        given = yaml.safe_load(pathlib.Path(os.environ["OS_CLIENT_CONFIG_FILE"]).read_text())["clouds"]
        entries = {name: one for name, one in given.items() if name.partition("-")[0] in sites}
        users = [f"{site}{user}" for site in sites for user in ("", "-admin")]
        for project in self._projects.values():
            entries |= {f"{user}-{project.name}": {**given[user], "auth": {**given[user]["auth"], "project_name": project.name}} for user in users}
        (directory / "clouds.yaml").write_text(yaml.safe_dump({"clouds": entries}))
        (directory / "site.yml").write_text(yaml.safe_dump(self.plan()))
        source = "servers" if "primary" in sites else "catalogue"
        plugin = {"plugin": "osdr.openstack.applications", "plan": "site.yml", "source": source, "container": self.container}
        path = directory / "lab.applications.yml"
        path.write_text(yaml.safe_dump(plugin))
        return path

    def definition(self, application):
        return {"name": self.called(application), "tiers": [{"name": "all", "servers": self.servers(application), "checks": [{"agent": True}]}]}

    def plan(self):
        sites = {"primary": {"name": "primary", "admin_cloud": "primary-admin", "limits": {"freezes": 4}}}
        sites["remote"] = {"name": "remote", "admin_cloud": "remote-admin", "limits": LIMITS}
        projects = {"own": {site: {"cloud": site, "store_cloud": f"{site}-backup"} for site in SITES}}
        for name, project in self._projects.items():
            projects[name] = {
                site: {**own, "cloud": f"{site}-{project.name}", "admin_cloud": f"{site}-admin-{project.name}"} for site, own in projects["own"].items()
            }
        applications = [
            {
                "name": self.called(one),
                "project": _project_of(one),
                "priority": PLACES[one].priority,
                "depends_on": [self.called(other) for other in PLACES[one].depends_on],
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
        """The servers at the remote site: names and ids."""
        named = {name for one in NAMES for name in self.servers(one)}
        return [(one.name, one.id) for project in PROJECTS.values() for one in self.owner(project[0], "remote").compute.servers() if one.name in named]

    def volumes(self):
        """How many volumes the remote site has of each application."""
        marked = [one.metadata for project in PROJECTS.values() for one in self.owner(project[0], "remote").block_storage.volumes()]
        found = collections.Counter(one.get("osdr_application") for one in marked)
        return {one: found[self.called(one)] for one in NAMES if found[self.called(one)]}

    def clean_up(self, checkpoint):
        """Remove what was restored; nothing else is left either."""
        removing = []
        for application in NAMES:
            variables = {**inputs.cleanup(self.called(application), checkpoint), "dr_cleanup_cloud": self.entry(application, "remote")}
            removing.append(started("cleanup", **variables))
        for removed in [process.wait(7200) for process in removing]:
            assert removed.returncode == 0, removed.stdout + removed.stderr
        assert (self.there(), self.volumes()) == ([], {})

    def remove(self):
        """Leave nothing of it at either site."""
        with concurrent.futures.ThreadPoolExecutor(BUILDERS) as pool:
            removed = [pool.submit(self._remove_copies, one) for one in NAMES]
        for one in removed:
            one.result()
        for site in SITES:
            for project in PROJECTS.values():
                _remove_container(self.owner(project[0], site).object_store, self.container)
        self._undo.close()

    def _remove_copies(self, application):
        for site in reversed(SITES):
            storage = self.owner(application, site).block_storage
            backups = [one for one in storage.backups(details=True) if _is_of(one, self.called(application))]
            # An incremental one goes before the one that it builds on.
            for one in sorted(backups, key=lambda one: one.created_at, reverse=True):
                storage.delete_backup(one)
                storage.wait_for_delete(one, wait=300)
            # What a checkpoint has left that was not finished.
            for one in [found for found in storage.snapshots() if _is_of(found, self.called(application))]:
                storage.delete_snapshot(one)


def _project_of(application):
    return next(name for name, applications in PROJECTS.items() if application in applications)


def _remove_container(store, name):
    if any(one.name == name for one in store.containers()):
        for one in list(store.objects(name)):
            store.delete_object(one.name, container=name)
        store.delete_container(name)


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
    """Asserts that just what can be restored is there once, and runs what ran before."""
    there = site.there()
    assert sorted(name for name, _id in there) == sorted(name for one in RESTORED for name in site.servers(one))
    assert site.volumes() == dict.fromkeys(RESTORED, len(PARTS))
    for name, server in there:
        wait(f"the agent of {name}", lambda server=server: small.answers(server, "remote"), 120, 2)
        assert small.run(server, "cat /root/called", "remote") == name


def seconds_between(earlier, later):
    return (datetime.datetime.fromisoformat(later) - datetime.datetime.fromisoformat(earlier)).total_seconds()


def lab(playbook, **variables):
    given = [part for name, value in {"lab_dir": laboratory.LAB_DIR, **variables}.items() for part in ("-e", f"{name}={value}")]
    subprocess.run(["ansible-playbook", *given, laboratory.ROOT / "tests/lab" / f"{playbook}.yml"], check=True, cwd=laboratory.ROOT)


@pytest.fixture
def primary_killed(site, checkpoint):
    """The primary site is dead as long as this lasts."""
    lab("kill", site="primary")
    yield
    lab("restart", site="primary")


def test_with_the_primary_site_gone_all_come_back_that_can_and_nothing_that_depends_on_what_cannot(site, checkpoint, primary_killed, at):
    options, variables = at("remote")
    try:
        done = started("site_restore", *options, **variables).wait(7200)
        said = " ".join(done.stdout.split())
        assert done.returncode != 0, said
        run = site.runs()[0]
        assert site.states(run) == {**dict.fromkeys(RESTORED, "done"), BILLING: "failed", PORTAL: "skipped"}, said
        assert f"{site.called(PORTAL)}: skipped. It depends on application '{site.called(BILLING)}', which is failed" in said
        restored(site)
        turns = {one["name"].removeprefix(f"{site.name}-"): one for one in run["applications"]}
        # A turn that is over is so since it ended.
        assert seconds_between(turns[IDENTITY]["since"], turns[SHOP]["since"]) >= turns[SHOP]["seconds"] - 1
        seconds = {one: turns[one]["seconds"] for one in RESTORED}
        planned = scheduled([PLACES[one] for one in NAMES if one in RESTORED], seconds, AT_ONCE)
        took = seconds_between(run["began"], run["ended"])
        print(f"Each took {seconds} s. Critical path {' - '.join(planned.critical_path)}: {planned.seconds} s; wall time {took:.0f} s.")
        assert took <= 1.2 * planned.seconds

        again = started("site_restore", *options, **variables).wait(7200)
        assert again.returncode != 0
        assert {one for one, state in site.states(site.runs()[0]).items() if state == "done"} == RESTORED
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
        assert {one for one, state in site.states(site.runs()[0]).items() if state == "done"} == RESTORED, done.stdout + done.stderr
        restored(site)
    finally:
        site.clean_up(checkpoint)


def test_two_controllers_share_a_run_and_either_may_be_killed(site, checkpoint, at, kills, seed):
    options, variables = at("remote")
    numbers = random.Random(seed + 1)
    run = laboratory.unique("slices")
    slices = [":".join(map(site.called, names)) for names in ((IDENTITY, PORTAL, WIKI), (SHOP, BILLING, MAIL))]
    given = {**variables, "dr_site_run_id": run, "dr_site_run_parts": 2}

    def both():
        return [started("site_restore", *options, "--limit", names, **given) for names in slices]

    try:
        # Each of them is killed every time.
        for _kill in range(math.ceil(kills / len(slices))):
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
    assert (site.there(), site.volumes()) == ([], {})


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
        assert sorted(name for name, _id in site.there()) == site.servers(IDENTITY)
        back = started("reprotect", *options, *only, **given).wait(7200)
        assert back.returncode == 0, back.stdout + back.stderr
        run = site.runs()[0]
        found = module("os_checkpoint_info", cloud="primary", container=site.container, application=name, checkpoint=run["id"], require=True)
        assert found["checkpoint"]["site"] == "remote"
        assert [tier["servers"] for tier in found["checkpoint"]["tiers"]] == [site.servers(IDENTITY)]
        print(f"The first checkpoint for the way back took {seconds_between(run['began'], run['ended']):.0f} s.")
    finally:
        for one in module("os_checkpoint_info", cloud="remote", container=site.container, application=name)["checkpoints"]:
            if one["id"] != checkpoint:
                removed = playbook("cleanup", **inputs.cleanup(name, one["id"]), dr_cleanup_container=site.container)
                assert removed.returncode == 0, removed.stdout + removed.stderr
        released = playbook("fence", **moves, dr_fence_state="released", dr_fence_runs_at="primary", dr_fence_start=True)
        assert released.returncode == 0, released.stdout + released.stderr
