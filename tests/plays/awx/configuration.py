# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The data of awx/, and jobs made from it as AWX makes them: a private data directory, played by ansible-runner."""

from __future__ import annotations

import contextlib
import functools
import json
import os
import shutil
from pathlib import Path

import ansible_runner
import jinja2.nativetypes
import jinja2.sandbox
import psutil
import yaml

ROOT = Path(__file__).resolve().parents[3]
VARIABLES = sorted((ROOT / "awx" / "vars").glob("*.yml"))
#: Seconds without any output after which a job counts as waiting for somebody.
IDLE = 600


class Literal(str):
    """What Ansible must not take for a template."""


class _Loader(yaml.SafeLoader):
    """Knows the tag that says so."""


_Loader.add_constructor("!unsafe", lambda loader, node: Literal(loader.construct_scalar(node)))


class _Dumper(yaml.SafeDumper):
    """Says so of each string, as AWX does of whatever somebody may have answered."""

    def represent_data(self, data):
        return self.represent_scalar("!unsafe", data) if isinstance(data, str) else super().represent_data(data)


@functools.cache
def data():
    """All variables, templates as they are."""
    return {name: value for path in VARIABLES for name, value in yaml.load(path.read_text(), Loader=_Loader).items()}


def rendered(name, **given):
    """A variable as the playbook sees it."""
    return _render(data()[name], {**data(), **given})


def _render(value, variables):
    if isinstance(value, dict):
        return {key: _render(item, variables) for key, item in value.items()}
    if isinstance(value, list):
        return [_render(item, variables) for item in value]
    if isinstance(value, str) and not isinstance(value, Literal) and "{{" in value:
        return jinja2.nativetypes.NativeEnvironment(undefined=jinja2.StrictUndefined).from_string(value).render(variables)
    return value


def job_template(name):
    return next(one for one in rendered("dr_awx_job_templates") if one["name"] == name)


def answers(template, **given):
    """What a survey gives when somebody answers it so, and leaves everything else as it is."""
    survey = template.get("survey", [])
    asked = {question["variable"] for question in survey}
    assert set(given) <= asked, f"Nobody is asked for {sorted(set(given) - asked)}."
    return {**{question["variable"]: question["default"] for question in survey if "default" in question}, **given}


class _Namespace:
    """``tower``, and within it ``filename``."""


def injected(inputs, directory, injectors="dr_awx_credential_injectors"):
    """The environment that a credential gives to a job, which has its files in a directory."""
    injectors = data()[injectors]
    environment = jinja2.sandbox.ImmutableSandboxedEnvironment()
    tower = _Namespace()
    tower.filename = _Namespace()

    def rendered_with(template):
        return environment.from_string(template).render(**inputs, tower=tower)

    for label, template in injectors["file"].items():
        path = directory / label
        path.write_text(rendered_with(template))
        path.chmod(0o600)
        setattr(tower.filename, label.removeprefix("template."), str(path))
    return {name: rendered_with(template) for name, template in injectors["env"].items()}


class Job:
    """A job of a template: its private data directory, and how it is run.

    :param directory: that does not exist yet.
    :param inputs: of the credential, and of that with the private key if the template has it.
    :param inventory: its variables.
    :param given: extra variables of the start: answers of a survey, and within a workflow what earlier nodes pass on.
    :param collections: where Ansible looks for collections, as in the execution environment.
    :param injectors: of the credential.
    :param applications: the variables of those that the source of the inventory has found, by their names.
    """

    def __init__(self, directory, template, inputs, inventory, given, collections, check=False, injectors="dr_awx_credential_injectors", applications=()):
        self.directory = directory
        self.template = template
        self.events, self.output = [], ""
        for part in ("env", "inventory"):
            (directory / part).mkdir(parents=True)
        shutil.copytree(ROOT / "playbooks", directory / "project" / "playbooks")
        environment = injected(inputs, directory / "env", injectors)
        if "volume_private_key" in inputs:
            environment |= injected(inputs, directory / "env", "dr_awx_volume_key_injectors")
        self._write_inventory(inventory, dict(applications))
        extra = template.get("extra_vars", {})
        self._write("extravars", _marked({"awx_job_id": 1, **extra, **given}, extra))
        self._write("cmdline", "--check" if check else "")
        self._write("envvars", yaml.safe_dump({**environment, "ANSIBLE_COLLECTIONS_PATH": collections, "JOB_ID": "1"}))
        self._write("settings", yaml.safe_dump({"idle_timeout": IDLE, "job_timeout": 0, "pexpect_timeout": 0.2}))

    def _write(self, name, content):
        path = self.directory / "env" / name
        path.write_text(content)
        path.chmod(0o600)

    def _write_inventory(self, variables, applications):
        hosts = {"localhost": data()["dr_awx_host_variables"], **applications}
        groups = {"all": {"hosts": list(hosts), "vars": variables}, "applications": {"hosts": list(applications)}}
        content = json.dumps({**groups, "_meta": {"hostvars": hosts}})
        path = self.directory / "inventory" / "hosts"
        path.write_text(f"#! /usr/bin/env python3\n# -*- coding: utf-8 -*-\nprint({content!r})\n")
        path.chmod(0o700)

    def run(self, cancel=None):
        """Run it to its end.

        :param cancel: asked again and again; once it is true, all that belongs to the job is killed, as when its container is.
        """
        cancelled = False

        def ask():
            # What is cancelled stays so: the runner asks again until what was killed is gone.
            nonlocal cancelled
            cancelled = cancelled or bool(cancel and cancel())
            if cancelled:
                kill_descendants()
            return cancelled

        self.result = ansible_runner.run(
            private_data_dir=str(self.directory), playbook=f"playbooks/{self.template['playbook']}.yml", ident="job", quiet=True, cancel_callback=ask
        )
        self.events = list(self.result.events)
        self.output = self.result.stdout.read()
        return self

    @property
    def status(self):
        return self.result.status

    @property
    def artifacts(self):
        """What it passes on, as AWX finds it."""
        found = [event["event_data"].get("artifact_data", {}) for event in self.events if event["event"] == "playbook_on_stats"]
        return found[0] if found else {}

    @property
    def changed(self):
        return sum(self.result.stats["changed"].values())

    def told(self):
        """All that AWX keeps of it and shows."""
        return json.dumps(self.events) + self.output


def _marked(variables, trusted):
    """As AWX writes them down: what a template itself does not say is no template for Ansible."""
    dumpers = {name: yaml.SafeDumper if name in trusted and trusted[name] == value else _Dumper for name, value in variables.items()}
    return "".join(yaml.dump({name: _plain(value)}, Dumper=dumpers[name]) for name, value in variables.items())


def _plain(value):
    return str(value) if isinstance(value, Literal) else value


def kill_descendants():
    """Kill all that this process has started: the end of a job's container, which spares nothing."""
    for process in psutil.Process(os.getpid()).children(recursive=True):
        with contextlib.suppress(psutil.NoSuchProcess):
            process.kill()
