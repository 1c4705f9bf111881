# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Hosts of a compute API as packages, OpenStack-Ansible and Kolla-Ansible lay them out, in a directory; and what these do to
them later. Names, links, modes and mounts are those that the tools' own templates and tasks make (2024.1 to 2026.1); the Nova in
them has nothing but the modules that the filter imports."""

from __future__ import annotations

import dataclasses
import json
import os
import re
import subprocess
import sys
import venv
from pathlib import Path

from ansible_collections.osdr.openstack.tests.unit.support import nova_internals

ROOT = Path(__file__).resolve().parents[3]
ROLE = ROOT / "roles" / "nova_quiesce_api"
ENGINE = Path(__file__).with_name("engine.py")
MODULE = """\
from unittest.mock import MagicMock


def __getattr__(name):
    if name.startswith("__"):
        raise AttributeError(name)
    return MagicMock()
"""
#: Of each release: a comment, and a pipeline for tests of Nova's own that later ones have no more.
PASTE = """\
############
# Metadata #
############
[composite:metadata]
use = egg:Paste#urlmap
/: meta

[composite:osapi_compute]
use = call:nova.api.openstack.urlmap:urlmap_factory
/: oscomputeversions
# The same for all.
/v2/+: openstack_compute_api_v21_legacy_v2_compatible
/v2.1/+: openstack_compute_api_v21

[composite:openstack_compute_api_v21]
use = call:nova.api.auth:pipeline_factory_v21
keystone = cors compute_req_id faultwrap request_log sizelimit osprofiler authtoken keystonecontext osapi_compute_app_v21
{noauth2}
[composite:openstack_compute_api_v21_legacy_v2_compatible]
use = call:nova.api.auth:pipeline_factory_v21
keystone = cors compute_req_id faultwrap authtoken keystonecontext legacy_v2_compatible osapi_compute_app_v21

##########
# Shared #
##########

[filter:keystonecontext]
paste.filter_factory = nova.api.auth:NovaKeystoneContext.factory

[filter:authtoken]
paste.filter_factory = keystonemiddleware.auth_token:filter_factory
"""
OLD = PASTE.format(noauth2="noauth2 = cors compute_req_id faultwrap noauth2 osapi_compute_app_v21\n")
NEW = PASTE.format(noauth2="")
KOLLA = "/var/lib/kolla/venv"


def make_nova(place: Path, steady: bool = False) -> Path:
    """A virtual environment with a Nova.

    :param steady: whether there is a name that does not change with Python's version.
    :returns: where its modules are.
    """
    venv.EnvBuilder(symlinks=True, with_pip=False).create(place)
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    modules = place / "lib" / version / "site-packages"
    for name in nova_internals.MODULES:
        package = modules / name.replace(".", "/")
        package.mkdir(parents=True, exist_ok=True)
        (package / "__init__.py").write_text(MODULE)
    if steady:
        (place / "lib" / "python3").symlink_to(version)
    return modules


def put(path: Path, content: str, mode: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content)
    path.chmod(mode)


@dataclasses.dataclass
class Played:
    """What a run of the role came to."""

    passed: bool
    #: Tasks and handlers that changed something, or would.
    changes: list[str]
    said: str


class Host:
    """What all of them have: systemd, and the role that is played against them."""

    def __init__(self, root: Path):
        self.root = root
        self._state = root / "state.json"
        self._due = root / "run" / "restart-is-due"
        self._due.parent.mkdir(parents=True)
        self.variables: dict = {}
        self.save({"images": {}, "containers": {}, "units": {}, "broken": False, "restarts": []})
        for name in ("docker", "podman", "systemctl"):
            put(root / "bin" / name, f"#!{sys.executable}\n{ENGINE.read_text()}", 0o755)

    def at(self, path: str) -> Path:
        return self.root / path.lstrip("/")

    @property
    def state(self) -> dict:
        return json.loads(self._state.read_text())

    def save(self, state: dict) -> None:
        self._state.write_text(json.dumps(state))

    def change(self, **state) -> None:
        self.save({**self.state, **state})

    @property
    def restarts(self) -> list[list[str]]:
        return self.state["restarts"]

    def play(self, *arguments: str, state: str = "present", role: Path = ROLE, **variables) -> Played:
        """Plays the role on that host."""
        return self.play_on({"api1": variables}, *arguments, state=state, role=role)

    def play_on(self, hosts: dict[str, dict], *arguments: str, state: str = "present", role: Path = ROLE) -> Played:
        """Plays the role on hosts that are like this one but for some variables."""
        common = {"nova_quiesce_api_state": state, "__nova_quiesce_api_due_file": str(self._due), **self.variables}
        inventory = {"all": {"hosts": {name: {**common, **variables} for name, variables in hosts.items()}}}
        self.at("hosts.json").write_text(json.dumps(inventory))
        tasks = [{"ansible.builtin.include_role": {"name": str(role)}}]
        self.at("play.json").write_text(json.dumps([{"hosts": "all", "gather_facts": False, "tasks": tasks}]))
        environment = {name: value for name, value in os.environ.items() if not name.startswith("ANSIBLE_")}
        environment |= {
            "PATH": f"{self.root / 'bin'}{os.pathsep}{os.environ['PATH']}",
            "NOVA_HOST_STATE": str(self._state),
            "ANSIBLE_NOCOLOR": "1",
            "ANSIBLE_PIPELINING": "1",
            "ANSIBLE_PYTHON_INTERPRETER": sys.executable,
        }
        command = ["ansible-playbook", "-i", "hosts.json", "-c", "local", *arguments, "play.json"]
        done = subprocess.run(command, capture_output=True, text=True, timeout=1800, check=False, env=environment, cwd=self.root)
        tasks_run = re.findall(r"^(?:TASK|RUNNING HANDLER) \[(?:[^\]]* : )?([^\]]*)\] \*+\n(.*?)^$", done.stdout, re.MULTILINE | re.DOTALL)
        changes = [name for name, answers in tasks_run if re.search(r"^changed:", answers, re.MULTILINE)]
        return Played(done.returncode == 0, changes, " ".join((done.stdout + done.stderr).replace('\\"', '"').split()))


class Packages(Host):
    """Nova in the Python of the machine, with a unit of systemd."""

    def __init__(self, root: Path):
        super().__init__(root)
        self.modules = make_nova(root / "usr")
        self.paste = self.at("/etc/nova/api-paste.ini")
        put(self.paste, OLD, 0o640)
        self.change(units={"nova-api": ""})
        self.variables = {"nova_quiesce_api_python": str(root / "usr/bin/python3"), "nova_quiesce_api_paste_file": str(self.paste)}


class OpenStackAnsible(Host):
    """Nova in a virtual environment of its version that has its configuration, to which ``/etc/nova`` links; uWSGI in a unit."""

    def __init__(self, root: Path):
        super().__init__(root)
        self.change(units={"nova-api-os-compute": ""})
        self.install("31.0.0", OLD)

    def install(self, version: str, paste: str) -> None:
        """``os-nova-install.yml`` for a version that is not there yet."""
        place = self.at(f"/openstack/venvs/nova-{version}")
        self.modules = make_nova(place)
        put(place / "etc/nova/api-paste.ini", paste, 0o640)
        put(self.at("/etc/uwsgi/nova-api-os-compute.ini"), f"[uwsgi]\nvirtualenv = {place}\nwsgi = nova.wsgi.osapi_compute:application\n", 0o644)
        link = self.at("/etc/nova")
        link.unlink(missing_ok=True)
        link.symlink_to(f"../openstack/venvs/nova-{version}/etc/nova")
        self.paste = link / "api-paste.ini"
        self.variables = {
            "nova_quiesce_api_python": str(place / "bin/python"),
            "nova_quiesce_api_paste_file": str(self.paste),
            "nova_quiesce_api_service": "nova-api-os-compute",
        }

    def install_again(self) -> None:
        """The same for one that is there: its ``api-paste.ini`` goes through config_template, which writes it in its own way."""
        lines = self.paste.read_text().splitlines()
        while lines[0].startswith("#"):
            lines.pop(0)
        self.paste.write_text("\n".join(re.sub(r"^(/\S*):", r"\1 =", line) for line in lines) + "\n\n")


class KollaAnsible(Host):
    """Nova in an image; a container with a unit of systemd, and mounts; a directory of configuration that the container copies."""

    def __init__(self, root: Path, engine: str = "docker"):
        super().__init__(root)
        self.paste = self.at("/etc/kolla/nova-quiesce-api/api-paste.ini")
        self.filter = self.at("/etc/kolla/nova-quiesce-api/nova_quiesce_api.py")
        self.variables = {
            "nova_quiesce_api_container": "nova_api",
            "nova_quiesce_api_container_engine": engine,
            "nova_quiesce_api_host_dir": str(self.paste.parent),
        }
        #: What ``globals.yml`` says.
        self.extra_volumes: list[str] = []
        self.build("2025.2", OLD)
        self.change(units={"kolla-nova_api-container": "nova_api"})
        self.reconfigure()

    def build(self, tag: str, paste: str, steady: bool = True) -> None:
        """An image, which is from now on the one to deploy."""
        image = self.root / "images" / tag
        make_nova(image / KOLLA.lstrip("/"), steady=steady)
        put(image / "etc/nova/api-paste.ini", paste, 0o644)
        self.tag = tag
        self.change(images={**self.state["images"], tag: str(image)})

    def reconfigure(self) -> None:
        """``kolla-ansible reconfigure`` (or ``upgrade``): writes its own files, and makes the container anew if its image or mounts differ."""
        own = self.at("/etc/kolla/nova-api")
        copied = [{"source": f"/var/lib/kolla/config_files/{name}", "dest": f"/etc/nova/{name}"} for name in ("nova.conf", "nova-api-uwsgi.ini")]
        put(own / "config.json", json.dumps({"command": "uwsgi /etc/nova/nova-api-uwsgi.ini", "config_files": copied}), 0o660)
        put(own / "nova.conf", "[DEFAULT]\n", 0o660)
        put(own / "nova-api-uwsgi.ini", "[uwsgi]\nlazy-apps = true\nmodule = nova.wsgi.osapi_compute:application\n", 0o660)
        volumes = [f"{own}/:/var/lib/kolla/config_files/:ro", *self.extra_volumes]
        mounts = [dict(zip(("Source", "Destination"), volume.split(":"), strict=False)) for volume in volumes]
        existing = self.state["containers"].get("nova_api", {})
        if (existing.get("Image"), existing.get("Mounts")) != (self.tag, mounts):
            self.change(containers={"nova_api": {"Image": self.tag, "Mounts": mounts, "starts": 0, "seen": {}}})
            self.start()

    def start(self) -> None:
        """As systemd does it, but not for the role."""
        environment = {**os.environ, "NOVA_HOST_STATE": str(self._state)}
        before = self.restarts
        subprocess.run([self.root / "bin/systemctl", "restart", "kolla-nova_api-container"], env=environment, check=True)
        self.change(restarts=before)

    def seen(self, path: str) -> str:
        """What the container reads there since its last start."""
        container = self.state["containers"]["nova_api"]
        if path in container["seen"]:
            return container["seen"][path]
        return (Path(self.state["images"][container["Image"]]) / path.lstrip("/")).read_text()
