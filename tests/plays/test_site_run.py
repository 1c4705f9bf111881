# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs over the applications of a site as Ansible plays them: the turns are real, in a catalogue in a directory; the modules of the roles only take notes."""

from __future__ import annotations

import contextlib
import http.server
import json
import os
import shutil
import signal
import subprocess
import threading
import time

import pytest
import yaml
from ansible_collections.osdr.openstack.tests.plays.test_failover_role import ROOT, Collection
from ansible_collections.osdr.openstack.tests.unit.support import shop

CLOUD = "south-operations"
REAL = ("os_site_run", "os_site_turn")
#: Answers as the others do, but fails for some, and takes its time until it is allowed to go on.
MODULE = """#!/usr/bin/python
# WANT_JSON
import json, os, sys, time
given = json.load(open(sys.argv[1]))
given = {key: value for key, value in given.items() if not key.startswith("_ansible")}
with open(%(calls)r, "a") as calls:
    calls.write(json.dumps([%(name)r, given]) + "\\n")
told = json.loads(%(answer)r)
application = given.get("application")
name = application["name"] if isinstance(application, dict) else application
gate = os.path.join(os.path.dirname(%(calls)r), "gates", "%%s.%%s" %% (%(name)r, name))
while os.path.exists(gate):
    time.sleep(0.1)
if "of" in told and name in told["of"]:
    told = {**told, **told["of"][name]}
told.pop("of", None)
print(json.dumps(told))
"""


class Keystone(http.server.BaseHTTPRequestHandler):
    """As much of an identity service as a login needs."""

    def log_message(self, *_given):
        pass

    def do_GET(self):
        self._answer(200, {"version": {"id": "v3.14", "status": "stable", "links": [{"rel": "self", "href": self._url}]}})

    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        token = {
            "methods": ["password"],
            "expires_at": "2099-01-01T00:00:00.000000Z",
            "issued_at": "2026-01-01T00:00:00.000000Z",
            "user": {"id": "u", "name": "u", "domain": {"id": "default", "name": "Default"}},
            "project": {"id": "p", "name": "p", "domain": {"id": "default", "name": "Default"}},
            "roles": [{"id": "r", "name": "member"}],
            "catalog": [],
        }
        self._answer(201, {"token": token}, {"X-Subject-Token": "t"})

    @property
    def _url(self):
        return f"http://127.0.0.1:{self.server.server_port}/v3/"

    def _answer(self, status, body, headers=()):
        content = json.dumps(body).encode()
        self.send_response(status)
        for name, value in {"Content-Type": "application/json", "Content-Length": str(len(content)), **dict(headers)}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)


@pytest.fixture(scope="module")
def identity():
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Keystone) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/v3"
        server.shutdown()


class Controller(Collection):
    """A machine with the collection, whose actions are those of the working tree."""

    def __init__(self, directory, answers, clouds, hosts):
        super().__init__(directory, {})
        place = directory / "ansible_collections" / "osdr" / "openstack"
        (directory / "gates").mkdir()
        for part in ("action", "module_utils", "plugin_utils", "doc_fragments"):
            os.symlink(ROOT / "plugins" / part, place / "plugins" / part)
        for name in REAL:
            shutil.copy(ROOT / "plugins" / "modules" / f"{name}.py", place / "plugins" / "modules")
        for name, answer in answers.items():
            content = {"calls": str(self._calls), "name": name, "answer": json.dumps({"changed": False, **answer})}
            (place / "plugins" / "modules" / f"{name}.py").write_text(MODULE % content)
        (directory / "clouds.yaml").write_text(yaml.safe_dump({"clouds": {CLOUD: clouds}}))
        (directory / "hosts.yml").write_text(yaml.safe_dump({"applications": {"hosts": hosts}}))
        self.directory = directory

    def start(self, playbook, *arguments, forks=20, **variables):
        given = {"dr_site_run_cloud": CLOUD, **variables}
        command = ["ansible-playbook", f"osdr.openstack.{playbook}", "-i", "hosts.yml", "--forks", str(forks), *arguments, "-e", json.dumps(given)]
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("ANSIBLE_")}
        settings = {"ANSIBLE_COLLECTIONS_PATH": self.paths, "ANSIBLE_NOCOLOR": "1", "OS_CLIENT_CONFIG_FILE": str(self.directory / "clouds.yaml")}
        output = (self.directory / "output").open("ab")
        return subprocess.Popen(command, stdout=output, stderr=output, env={**inherited, **settings}, cwd=self.directory, start_new_session=True)

    def play(self, playbook, *arguments, **variables):
        process = self.start(playbook, *arguments, **variables)
        code = process.wait(timeout=1800)
        return code, self.output, self.calls()

    @property
    def output(self):
        return " ".join((self.directory / "output").read_text().split())

    @contextlib.contextmanager
    def gate(self, module, application):
        """As long as this lasts, a module does not come back for an application."""
        gate = self.directory / "gates" / f"{module}.{application}"
        gate.touch()
        try:
            yield
        finally:
            gate.unlink()


def of_application(name, **variables):
    document = shop.document()
    definition = {**document["application"], "name": name}
    return {
        "ansible_connection": "local",
        "ansible_python_interpreter": "{{ ansible_playbook_python }}",
        "dr_checkpoint_application": definition,
        "dr_checkpoint_site": "north",
        "dr_restore_application": name,
        "dr_restore_site": "south",
        **variables,
    }


def found_of(name):
    return shop.found({**shop.document(), "application": {**shop.document()["application"], "name": name}})


NAMES = ("identity", "shop", "wiki")
HOSTS = {
    "identity": of_application("identity", dr_site_priority=10),
    "shop": of_application("shop", dr_site_priority=20, dr_site_depends_on=["identity"]),
    "wiki": of_application("wiki", dr_site_priority=500),
}
FOUND = {**shop.found(), "of": {name: found_of(name) for name in NAMES}}
RESTORE = {
    "os_checkpoint_info": FOUND,
    "os_restore_check": {"restore_check": {"problems": []}},
    "os_restore_volumes": {"volumes": []},
    "os_restore_servers": {"servers": [], "timing": {"tiers": []}},
}
BROKEN = {"failed": True, "msg": "No flavor fits."}


@pytest.fixture
def machines(tmp_path, identity):
    """Makes controllers that share a catalogue."""
    (tmp_path / "catalogues").mkdir()
    auth = {"auth_url": identity, "username": "u", "password": "p", "project_name": "p", "user_domain_id": "default", "project_domain_id": "default"}
    clouds = {"auth": auth, "osdr_catalogue": {"directory": str(tmp_path / "catalogues")}}

    def make(name="one", hosts=None, **answers):
        (tmp_path / name).mkdir()
        return Controller(tmp_path / name, {**RESTORE, **answers}, clouds, hosts or HOSTS)

    return make


def restored(calls):
    """The applications whose servers were made, in order."""
    return [given["application"] for name, given in calls if name == "os_restore_servers"]


def records(tmp_path):
    return [path for path in (tmp_path / "catalogues").rglob("*.json") if path.is_file() and "_site-runs" in str(path)]


def until(what, process):
    """Wait for what a controller does, however long that takes; it must not end before."""
    while not what():
        assert process.poll() is None
        time.sleep(0.1)


def test_applications_are_restored_in_the_order_of_their_dependencies(machines, tmp_path):
    one = machines()
    code, output, calls = one.play("site_restore")
    assert code == 0, output
    done = restored(calls)
    assert sorted(done) == sorted(NAMES) and done.index("identity") < done.index("shop")
    assert "3 of 3 applications are done" in output
    assert len(records(tmp_path)) == 1


def test_what_fails_stops_only_what_depends_on_it_and_is_told_by_name(machines):
    one = machines(os_restore_check={"restore_check": {"problems": []}, "of": {"identity": BROKEN}})
    code, output, calls = one.play("site_restore")
    assert code != 0
    assert restored(calls) == ["wiki"], output
    assert "identity: failed. Check the whole restore before the first change: No flavor fits." in output
    assert "shop: skipped. It depends on application 'identity', which is failed" in output
    assert "wiki: " not in output.rpartition("PLAY RECAP")[0].rpartition("Is it done?")[2].replace("ok: [wiki]", "")


@pytest.mark.parametrize("forks", [1, 2])
def test_with_few_forks_nobody_waits_for_ever(machines, forks):
    code, output, calls = machines().play("site_restore", forks=forks)
    assert code == 0, output
    assert len(restored(calls)) == 3
    assert f"With {forks} forks for 3 applications" in output


def test_limits_of_the_plan_are_held(machines):
    hosts = {name: {**one, "dr_site_limits": {"south": {"boots": 3}}, "dr_site_depends_on": []} for name, one in HOSTS.items()}
    one = machines(hosts=hosts)
    with one.gate("os_restore_servers", "identity"):
        process = one.start("site_restore")
        until(lambda: "identity" in restored(one.calls()), process)
    assert process.wait(timeout=1800) == 0, one.output
    assert sorted(restored(one.calls())) == sorted(NAMES)
    # Each has two servers. Which one asks first is up to Ansible.
    assert "1 under way" in one.output
    assert "2 under way" not in one.output and "3 under way" not in one.output


def test_some_applications_are_a_run_too(machines):
    code, output, calls = machines().play("site_restore", "--limit", "shop")
    assert code == 0, output
    assert restored(calls) == ["shop"]


def test_a_check_writes_nothing_and_tells_what_would_fail(machines, tmp_path):
    one = machines(os_restore_check={"restore_check": {"problems": []}, "of": {"identity": BROKEN}})
    code, output, _calls = one.play("site_restore", "--check")
    assert code != 0
    assert records(tmp_path) == []
    assert "identity: failed." in output and "shop: skipped." in output


def test_what_is_wrong_with_an_application_is_told_of_it(machines):
    hosts = {**HOSTS, "wiki": {**HOSTS["wiki"], "dr_site_problems": ["Nobody knows its servers."]}}
    code, output, calls = machines(hosts=hosts).play("site_restore")
    assert code != 0
    assert restored(calls) == ["identity", "shop"]
    assert "wiki: failed. Nothing may be wrong with it: Nobody knows its servers." in output


def test_a_killed_controller_is_followed_by_another_one_that_does_the_rest(machines, tmp_path):
    one = machines()
    with one.gate("os_restore_servers", "identity"):
        process = one.start("site_restore")
        until(lambda: "1 of 3 applications are done" in one.output, process)
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    two = machines("two")
    code, output, calls = two.play("site_restore")
    assert code == 0, output
    assert restored(calls) == ["identity", "shop"]
    assert "is resumed" in output
    parts = [json.loads(path.read_text()) for path in records(tmp_path)]
    assert len({part["run"] for part in parts}) == 1


def test_two_slices_work_on_one_run(machines):
    limits = {"dr_site_limits": {"south": {"boots": 3}}}
    mine, theirs = ({name: {**HOSTS[name], **limits} for name in names} for names in (("shop", "wiki"), ("identity",)))
    one, two = machines("one", mine), machines("two", theirs)
    given = {"dr_site_run_id": "flood", "dr_site_run_parts": 2}
    with two.gate("os_restore_servers", "identity"), one.gate("os_restore_servers", "wiki"):
        first = one.start("site_restore", **given)
        until(lambda: "wiki" in restored(one.calls()), first)
        second = two.start("site_restore", **given)
        until(lambda: "2 waiting" in two.output and "under way (wiki)" in two.output, second)
        assert restored(two.calls()) == []
    assert (first.wait(timeout=1800), second.wait(timeout=1800)) == (0, 0), one.output + two.output
    assert restored(one.calls()) == ["wiki", "shop"]


# Checkpoints

PUBLISHED = {**FOUND, "checkpoints": []}


def test_checkpoints_have_the_id_of_the_run_and_wait_for_nobody(machines):
    one = machines(os_checkpoint_info=PUBLISHED)
    code, output, calls = one.play("site_checkpoint", dr_site_run_id="noon")
    assert code == 0, output
    assert {given["name"] for name, given in calls if name == "os_cg_snapshot"} == {"noon"}


TAKING = {
    "os_checkpoint_info": {"checkpoint": None},
    "os_checkpoint_check": {"checkpoint_check": {"freezes": [], "parts": []}},
    "os_application_info": {"application_description": {"servers": []}, "differences": []},
    "os_cg_snapshot": {"cg_snapshot": {"name": "noon"}},
    "os_backup_replicate": {"replication": {"unproved": ""}},
}


def test_others_freeze_while_one_is_copied_with_as_many_backups_as_it_was_granted(machines):
    given = {"dr_site_limits": {"north": {"freezes": 3, "backups": 6}}, "dr_checkpoint_backup_concurrency": 3}
    hosts = {name: {**HOSTS[name], **given} for name in ("shop", "wiki")}
    one = machines(hosts=hosts, **TAKING)
    with one.gate("os_backup_replicate", "shop"):
        process = one.start("site_checkpoint")
        until(lambda: sum(name == "os_cg_snapshot" for name, _given in one.calls()) == 2, process)
    process.wait(timeout=1800)
    copied = [given["concurrency"] for name, given in one.calls() if name == "os_backup_replicate"]
    assert copied == [3, 3], one.output


def test_only_what_is_due_is_taken_where_that_is_asked_for(machines):
    point = {"application": "wiki", "within": True}
    hosts = {"wiki": {**HOSTS["wiki"], "dr_site_interval": 3600}, "shop": HOSTS["shop"]}
    one = machines(hosts=hosts, os_checkpoint_info=PUBLISHED, os_recovery_point_info={"recovery_points": [point]})
    code, output, calls = one.play("site_checkpoint", dr_site_run_due_only=True)
    assert code == 0, output
    assert [given["max_age"] for name, given in calls if name == "os_recovery_point_info"] == [2700]
    assert len([name for name, _given in calls if name == "os_cg_snapshot"]) == 1


# Drills, moves and the way back


def test_each_application_is_drilled_with_an_id_that_the_same_run_finds_again(machines):
    drilled = {"drill": {"outcome": "passed", "servers": []}}
    answers = {"os_drill_record": drilled, "os_restore_cleanup": {"removed": [], "left": []}, "os_restore_networks": {}}
    one = machines(hosts={"wiki": HOSTS["wiki"]}, **answers)
    code, output, calls = one.play("site_drill", dr_site_run_id="monday")
    assert code == 0, output
    (first,) = [given["drill"] for name, given in calls if name == "os_restore_cleanup"]
    assert len(first) == 16


def test_only_drills_that_are_due_are_made_where_that_is_asked_for(machines):
    point = {"application": "wiki", "drill_within": True}
    hosts = {"wiki": {**HOSTS["wiki"], "dr_site_drill_interval": 100}}
    one = machines(hosts=hosts, os_recovery_point_info={"recovery_points": [point]})
    code, output, calls = one.play("site_drill", dr_site_run_due_only=True)
    assert code == 0, output
    assert [given["max_drill_age"] for name, given in calls if name == "os_recovery_point_info"] == [75]
    assert restored(calls) == []


def test_what_cannot_be_moved_says_why(machines):
    code, output, calls = machines(hosts={"wiki": HOSTS["wiki"]}).play("site_failover")
    assert code != 0
    assert "applications over several projects cannot be moved in one run" in output
    assert calls == []


def test_the_way_back_is_the_way_there_with_the_sites_exchanged_and_what_was_restored(machines):
    there = {"dr_checkpoint_cloud": "north-wiki", "dr_checkpoint_admin_cloud": "north-admin", "dr_restore_cloud": "south-wiki"}
    back = {"application": {"name": "wiki", "tiers": [{"name": "all", "servers": ["restored"], "checks": []}]}, "site": "south", "since": "", "checkpoint": "x"}
    one = machines(hosts={"wiki": {**HOSTS["wiki"], **there}}, **TAKING, os_way_back_info={"way_back": back})
    _code, output, calls = one.play("reprotect", dr_site_run_id="back")
    asked = next(given for name, given in calls if name == "os_way_back_info")
    assert (asked["cloud"], asked["application"], asked["site"]) == ("south-wiki", "wiki", "south")
    copied = next(given for name, given in calls if name == "os_backup_replicate")
    clouds = ("cloud", "admin_cloud", "store_cloud", "remote_cloud", "remote_admin_cloud", "remote_store_cloud", "checkpoint")
    assert [copied[one] for one in clouds] == ["south-wiki", "south-wiki", "south-wiki", "north-wiki", "north-admin", "north-wiki", "back"], output
    published = next(given for name, given in calls if name == "os_checkpoint")
    assert (published["site"], published["cloud"]) == ("south", "north-wiki")
    taken = next(given for name, given in calls if name == "os_cg_snapshot")
    assert taken["application"]["tiers"][0]["servers"] == ["restored"]
