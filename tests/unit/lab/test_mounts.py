# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The mounts of a site, made in namespaces like a site's, on a host that has mounted something at the same places."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from jinja2 import Environment, FileSystemLoader

LAB = Path(__file__).parents[2] / "lab"
# New namespaces, as the host's and as the site's; who is not root may have them as the root of a user namespace.
HOST = ["unshare", *([] if os.geteuid() == 0 else ["--map-root-user"]), "--mount"]
SITE = ["unshare", "--mount", "--propagation=private", "--net"]
#: What a host has, and this machine perhaps not.
HOSTS = {
    "plain": "true",
    "systemd": "mount -t tmpfs tmpfs /run -o nosuid,nodev,noexec,mode=755",
    # Whatever is mounted there is passed on to everybody.
    "shared": "mount --make-rshared / && mount -t tmpfs tmpfs /run",
    "mounted twice": "mount -t tmpfs tmpfs /run && mount -t tmpfs tmpfs /run && mount -t tmpfs tmpfs /dev/shm",
}


@pytest.fixture
def wanted(tmp_path):
    """The lab's own list, with the one directory instead of the many that a site has."""
    directory, source = tmp_path / "etc ceph", tmp_path / "site" / "root"
    directory.mkdir()
    (directory / "whose").write_text("host")
    Path(f"{source}{directory}").mkdir(parents=True)
    Path(f"{source}{directory}", "whose").write_text("site")
    template = Environment(loader=FileSystemLoader(LAB / "roles/site/templates")).get_template("mounts.yml.j2")
    return yaml.safe_load(template.render(site_dir=str(tmp_path / "site"), site_private_directories=[str(directory)])), directory


def in_site(host, code):
    """Run Python on a host, in the namespaces of a site."""
    script = f"import json, os, socket, sys; sys.path.insert(0, {str(LAB / 'module_utils')!r}); from lab_mounts import *\n{code}"
    inside = " ".join([*SITE, sys.executable, "-c", '"$1"'])
    return subprocess.run(
        [*HOST, "sh", "-ec", f"{HOSTS[host]}; echo host > /run/whose.$$; {inside}; rm -f /run/whose.$$", "sh", script],
        capture_output=True, text=True, check=False,
    )


@pytest.mark.parametrize("host", HOSTS)
def test_every_mount_is_made_whatever_the_host_has(host, wanted):
    mounts, directory = wanted
    done = in_site(host, f"""
mounts = [Mount(**one) for one in {mounts!r}]
made = make(mounts)
print(json.dumps(dict(
    made=made, again=make(mounts), run=[name for name in os.listdir("/run") if "whose" in name],
    shm=os.listdir("/dev/shm"), net=sorted(os.listdir("/sys/class/net")),
    links=sorted(name for _number, name in socket.if_nameindex()), whose=open({str(directory / "whose")!r}).read())))
""")
    assert done.returncode == 0, done.stderr
    seen = json.loads(done.stdout)
    assert seen == {
        "made": [mount["target"] for mount in mounts],
        "again": [],
        "run": [],
        "shm": [],
        "net": seen["links"],
        "links": seen["links"],
        "whose": "site",
    }
    assert "eth0" not in seen["links"]
    assert (directory / "whose").read_text() == "host"


def test_what_would_still_be_the_hosts_is_told():
    """A mount that is hidden by a later one is as bad as none."""
    done = in_site("plain", "make([Mount('site-net', '/sys/class', 'tmpfs'), Mount('site-sys', '/sys', 'sysfs')])")
    assert done.returncode == 1
    assert "Inside the site, /sys/class would still be the host's." in done.stderr


def test_a_mount_that_fails_is_told():
    done = in_site("plain", "make([Mount('site-run', '/nowhere', 'tmpfs')])")
    assert "Cannot mount site-run at /nowhere: " in done.stderr
