# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""No module shows a secret of a cloud that was given as a dictionary: not in the log of its machine, not in what Ansible shows at -vvv."""

from __future__ import annotations

import importlib
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from ansible.module_utils import basic
from ansible_collections.osdr.openstack.plugins.module_utils import args
from ansible_collections.osdr.openstack.plugins.module_utils.cloud import session

ROOT = Path(__file__).resolve().parents[2]
#: They run in Ansible's own process, which logs nothing of them.
ACTIONS = ("os_site_run", "os_site_turn")
# None of the others takes a cloud: those of a site plan are names.
OTHERS = {*ACTIONS, "os_run_report", "os_site_applications_info", "os_site_plan_check", "os_site_report"}
MODULES = sorted(path.stem for path in (ROOT / "plugins/modules").glob("os_*.py") if path.stem not in OTHERS)
PROJECT = "project-to-be-seen"
SECRET = "hush'%s\"\\x"
VALUES = {"str": "x", "int": 1, "float": 1.0, "bool": False, "path": "/nowhere", "raw": "x", "dict": {"x": "x"}}


class Planted:
    """Options for a module, with a secret of its own wherever there is a place for one."""

    def __init__(self):
        self.secrets = []

    def options(self, spec):
        return {name: self.value(name, rule) for name, rule in spec.items() if name != "state" or rule.get("required")}

    def value(self, name, rule):
        if name == "cloud" or name.endswith("_cloud"):
            auth = {"auth_url": "http://127.0.0.1:9", "username": "demo", "project_name": PROJECT, "password": self.secret()}
            return {"auth": {**auth, "token": self.secret()}, "identity_api_version": "3", "auth_type": "password", "connect_retries": 0}
        if name == "auth":
            return {"auth_url": "http://127.0.0.1:9", "project_name": PROJECT, "password": self.secret(), "passcode": self.secret()}
        if rule.get("no_log"):
            return {"x": self.secret()} if rule["type"] == "dict" else self.secret()
        if rule.get("options") and rule["type"] == "dict":
            return self.options(rule["options"])
        if rule["type"] == "list":
            return [self.value(name, {**rule, "type": rule["elements"]})]
        return rule["choices"][0] if "choices" in rule else VALUES[rule["type"]]

    def secret(self):
        self.secrets.append(SECRET % len(self.secrets))
        return self.secrets[-1]

    def seen_in(self, text):
        """In whatever way it was written."""
        forms = {secret: (secret, repr(secret)[1:-1], json.dumps(secret)[1:-1]) for secret in self.secrets}
        # What is JSON in JSON has its backslashes doubled once more.
        return [secret for secret, ways in forms.items() if any(way in text or json.dumps(way)[1:-1] in text for way in ways)]


class Spec(Exception):
    """Instead of a module's run."""


def spec_of(name, monkeypatch):
    def stop(self, **rules):
        raise Spec(rules)

    module = importlib.import_module(f"ansible_collections.osdr.openstack.plugins.modules.{name}")
    with monkeypatch.context() as patch:
        patch.setattr(basic.AnsibleModule, "__init__", stop)
        with pytest.raises(Spec) as raised:
            module.main()
    return module, raised.value.args[0]


def plant(rules):
    planted = Planted()
    options = planted.options(rules["argument_spec"])
    for group in rules.get("mutually_exclusive", ()):
        for one in group[1:]:
            options.pop(one, None)
    return planted, options


@pytest.fixture
def log(monkeypatch):
    lines = []
    # Nobody will ever answer.
    monkeypatch.setattr(session, "_LOGIN_SECONDS", 0)
    monkeypatch.setattr(basic, "has_journal", False)
    monkeypatch.setattr(basic.syslog, "syslog", lambda *arguments: lines.append(str(arguments[-1])))
    return lines


def run(module, options, monkeypatch):
    # Newer ones show what they were called with only where they are asked to.
    asked = {"_ansible_inject_invocation": True} if "inject_invocation" in basic.PASS_VARS else {}
    monkeypatch.setattr(basic, "_ANSIBLE_ARGS", json.dumps({"ANSIBLE_MODULE_ARGS": {**options, **asked}}).encode())
    monkeypatch.setattr(basic, "_ANSIBLE_PROFILE", "legacy")
    with pytest.raises(SystemExit):
        module.main()


@pytest.mark.parametrize("name", MODULES)
def test_neither_the_log_nor_the_result_has_a_secret(name, log, monkeypatch, capsys):
    module, rules = spec_of(name, monkeypatch)
    planted, options = plant(rules)
    assert len(planted.secrets) >= 2
    run(module, options, monkeypatch)
    output = capsys.readouterr()
    assert json.loads(output.out)["invocation"]
    (line,) = [one for one in log if "Invoked with" in one]
    assert planted.seen_in(output.out + output.err + "\n".join(log)) == []
    # Names are seen, in results as in logs.
    assert PROJECT in line and PROJECT in output.out


@pytest.mark.parametrize("name", MODULES)
def test_a_call_that_is_refused_tells_no_secret(name, log, monkeypatch, capsys):
    module, rules = spec_of(name, monkeypatch)
    planted, options = plant(rules)
    run(module, {**options, "no_such_option": 1}, monkeypatch)
    output = capsys.readouterr()
    assert "no_such_option" in json.loads(output.out)["msg"]
    assert planted.seen_in(output.out + output.err + "\n".join(log)) == []


def test_a_module_that_knows_nothing_of_them_would_be_found(log, monkeypatch, capsys):
    module, rules = spec_of("os_checkpoint_info", monkeypatch)
    planted, options = plant(rules)
    monkeypatch.setattr(args, "secret_texts", lambda *_arguments: set())
    run(module, options, monkeypatch)
    assert planted.seen_in(capsys.readouterr().out)
    assert planted.seen_in("\n".join(log))


def test_ansible_shows_no_secret_however_verbose_it_is_asked_to_be(tmp_path, monkeypatch):
    tasks, secrets = [], Planted()
    for name in MODULES:
        planted, options = plant(spec_of(name, monkeypatch)[1])
        secrets.secrets = sorted({*secrets.secrets, *planted.secrets})
        tasks.append({"name": f"Call {name}", f"osdr.openstack.{name}": options, "ignore_errors": True})
    for name in ACTIONS:
        action = importlib.import_module(f"ansible_collections.osdr.openstack.plugins.action.{name}")
        planted, options = plant({"argument_spec": action._SPEC})
        secrets.secrets = sorted({*secrets.secrets, *planted.secrets})
        tasks.append({"name": f"Call {name}", f"osdr.openstack.{name}": options, "ignore_errors": True})
    playbook = tmp_path / "play.json"
    playbook.write_text(json.dumps([{"hosts": "localhost", "gather_facts": False, "connection": "local", "tasks": tasks}]))
    program = str(Path(sys.executable).with_name("ansible-playbook"))
    command = [program, "-vvv", "-i", "localhost,", "-e", f"ansible_python_interpreter={sys.executable}", str(playbook)]
    # Pipelining takes half the time.
    environment = {**os.environ, "ANSIBLE_PIPELINING": "1", "ANSIBLE_INJECT_INVOCATION": "1"}
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    shown = done.stdout + done.stderr
    assert shown.count("TASK [Call ") == len([*MODULES, *ACTIONS]), shown
    assert PROJECT in shown
    assert secrets.seen_in(shown) == []
