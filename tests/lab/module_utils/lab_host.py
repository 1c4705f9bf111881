# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the lab needs of the machine that it is built on, and what stands in its way there, before anything is changed.

What is so on the machine is gathered first (Host), then judged (problems): each sentence says what is wrong and what to do about it.
Only the standard library is used here.
"""

from __future__ import annotations

import dataclasses
import ipaddress
import json
import os
import platform
import re
import resource
import subprocess

GIB = 1024**3
OPEN_FILES = 16384
#: What the kernel has to be able to do, each tried where it leaves nothing behind.
KERNEL = {
    "namespaces (of mounts, processes, networks, host names)": ["--mount", "--uts", "--ipc", "--pid", "--fork", "--mount-proc", "true"],
    "bridges": ["ip", "link", "add", "lab-check", "type", "bridge"],
    "pairs of virtual interfaces (veth)": ["ip", "link", "add", "lab-check", "type", "veth", "peer", "name", "lab-peer"],
    "interfaces for guests (tun)": ["ip", "tuntap", "add", "lab-check", "mode", "tap"],
}
#: Debian's own profile of libvirtd lets it read and write everything; each guest of the machine's own has one that is for it alone.
LENIENT_PROFILES = ("libvirtd", "libvirt-")
#: Programs of a site that AppArmor may know by name.
CONFINABLE = re.compile(r"mariadb|mysql|rabbitmq|beam|memcached|ceph|ovs|ovn|openvswitch|uwsgi|qemu|libvirt")
OWN_LINES = re.compile(r"^# BEGIN osdr lab$.*?^# END osdr lab$", re.MULTILINE | re.DOTALL)


@dataclasses.dataclass(frozen=True)
class Needs:
    """What the lab is going to use."""

    lab_dir: str
    bridge: str
    networks: list
    names: dict
    memory_gib: int
    disk_gib: int
    # A lab that runs has taken what it needs.
    is_running: bool


@dataclasses.dataclass(frozen=True)
class Host:
    """What is so on the machine."""

    user: int = 0
    release: dict = dataclasses.field(default_factory=dict)
    machine: str = "x86_64"
    open_files: int = OPEN_FILES
    free_memory: int = 1024 * GIB
    free_disk: int = 1024 * GIB
    disk_share: float = 1.0
    disk_flags: int = 0
    routes: list = dataclasses.field(default_factory=list)
    bridge_kind: str = ""
    names: str = ""
    profiles: str = ""
    unable: dict = dataclasses.field(default_factory=dict)


def problems(host, needs):
    """What stands in the way of the lab, a sentence each."""
    found = list(_of_the_system(host))
    if host.user == 0:
        found += [f"The kernel cannot make {what}: {why} Load or build its module, or use another machine." for what, why in host.unable.items()]
        found += _of_room(host, needs)
        found += _of_the_network(host, needs)
        found += _of_confinement(host)
    return found


def _of_the_system(host):
    if host.user != 0:
        yield "The lab makes network namespaces and mounts: only root may do that. Run make as root, or by sudo."
    if (host.release.get("ID"), host.release.get("VERSION_ID")) != ("debian", "12"):
        name = host.release.get("PRETTY_NAME", "something unknown")
        yield f"This machine runs {name}; the lab is made of the packages of Debian 12. Use a machine, a virtual one will do, with Debian 12."
    if host.machine != "x86_64":
        yield f"This machine's processor is {host.machine}; the lab's guests are made for x86_64."
    if host.open_files < OPEN_FILES:
        yield (f"A process may open {host.open_files} files; the lab's need {OPEN_FILES}. "
               f"Raise the hard limit: ulimit -Hn {OPEN_FILES}, or LimitNOFILE of the service that you are in.")


def _of_room(host, needs):
    place = f"the file system of {needs.lab_dir}"
    forbidden = [name for name, flag in (("noexec", os.ST_NOEXEC), ("nosuid", os.ST_NOSUID), ("nodev", os.ST_NODEV)) if host.disk_flags & flag]
    if "noexec" in forbidden:
        yield f"Nothing may be executed on {place} ({', '.join(forbidden)}). Put the lab elsewhere: make demo LAB_DIR=/another/directory"
    if needs.is_running:
        return
    if host.free_memory < needs.memory_gib * GIB:
        yield (f"{host.free_memory / GIB:.1f} GiB of memory are free; both sites with their guests need {needs.memory_gib}. "
               "Stop something, or give the machine more.")
    if host.free_disk < needs.disk_gib * GIB:
        yield (f"{host.free_disk / GIB:.1f} GiB are free on {place}; the lab needs {needs.disk_gib}. "
               "Make room, or put the lab elsewhere: make demo LAB_DIR=/another/directory")
    elif host.disk_share < 0.05:
        yield (f"{host.disk_share:.0%} are free on {place}: Ceph takes the disk for full below 5 %. "
               "Make room, or put the lab elsewhere: make demo LAB_DIR=/another/directory")


def _of_the_network(host, needs):
    if host.bridge_kind not in ("", "bridge"):
        yield f"There is an interface {needs.bridge}, and it is no bridge. Rename it, or give the lab another name: lab_wan_bridge."
    ours = [ipaddress.ip_network(network, strict=False) for network in needs.networks]
    for route in host.routes:
        if route.get("dst", "default") == "default" or route.get("dev") == needs.bridge:
            continue
        taken = ipaddress.ip_network(route["dst"], strict=False)
        for network in (one for one in ours if one.overlaps(taken)):
            yield (f"{taken} is in use on this machine (ip route: dev {route.get('dev', '?')}), and the lab needs {network}. Take that away, "
                   "or give the lab other addresses in tests/lab/inventory.yml and tests/lab/group_vars/all.yml.")
    for line in OWN_LINES.sub("", host.names).splitlines():
        address, *names = line.partition("#")[0].split() or [""]
        for name in set(names) & set(needs.names):
            if address != needs.names[name]:
                yield f"/etc/hosts says that {name} is {address}; for the lab it is {needs.names[name]}. Remove that line."


def _of_confinement(host):
    for line in host.profiles.splitlines():
        profile, _space, mode = line.rpartition(" ")
        if mode == "(enforce)" and CONFINABLE.search(profile) and not profile.startswith(LENIENT_PROFILES):
            yield (f"AppArmor confines {profile}, which would keep a site's from its own directories. "
                   f"While the lab runs, have it only complain: aa-complain {profile}")


def gather(needs):
    """Look at this machine; nothing of it is changed."""
    disk = os.statvfs(_existing(needs.lab_dir))
    return Host(
        user=os.geteuid(),
        release=platform.freedesktop_os_release(),
        machine=platform.machine(),
        open_files=_limit(),
        free_memory=_free_memory(),
        free_disk=disk.f_bavail * disk.f_frsize,
        disk_share=disk.f_bavail / disk.f_blocks,
        disk_flags=disk.f_flag,
        routes=_ip("route", "show"),
        bridge_kind=_kind_of(needs.bridge),
        names=_read("/etc/hosts"),
        profiles=_read("/sys/kernel/security/apparmor/profiles"),
        unable=dict(_unable()) if os.geteuid() == 0 else {},
    )


def _existing(path):
    while not os.path.exists(path):
        path = os.path.dirname(path)
    return path


def _limit():
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    return OPEN_FILES if hard == resource.RLIM_INFINITY else hard


def _free_memory():
    found = re.search(r"^MemAvailable:\s+(\d+) kB", _read("/proc/meminfo"), re.MULTILINE)
    return int(found.group(1)) * 1024


def _read(path):
    try:
        with open(path, encoding="utf-8") as stream:
            return stream.read()
    except OSError:
        return ""


def _ip(*arguments):
    done = subprocess.run(["ip", "-json", *arguments], capture_output=True, text=True, check=False)
    return json.loads(done.stdout or "[]")


def _kind_of(link):
    found = [one for one in _ip("-details", "link", "show") if one["ifname"] == link]
    return found[0].get("linkinfo", {}).get("info_kind", "something else") if found else ""


def _unable():
    for what, command in KERNEL.items():
        done = subprocess.run(["unshare", "--net", *command], capture_output=True, text=True, check=False)
        if done.returncode:
            yield what, done.stderr.strip()
