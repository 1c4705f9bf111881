# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Print what runs in the lab: service, site, state and memory. Exit status 0 when every program of every site runs."""

from __future__ import annotations

import argparse
import os
import re
import sys

here = os.path.dirname(os.path.abspath(__file__))
sys.path.append(os.path.join(here, "module_utils"))

from lab_site import Site, command_line, memory_kib, namespace_pids, parent  # noqa: E402 (the path has to be set first)


def guest_name(pid):
    """The domain that a QEMU process runs, None for other processes."""
    words = command_line(pid)
    if not words or not os.path.basename(words[0]).startswith("qemu-system"):
        return None
    found = re.search(r"guest=([^,]+)", " ".join(words))
    return found.group(1) if found else "guest"


def owners(members, programs):
    """Which program or guest each process of a site belongs to; helpers that have left their parent have none."""
    roots = {info["pid"]: name for name, info in programs.items() if info["pid"]}
    inner = {pid: namespace_pids(pid)[-1:] for pid in members}
    named = {pid: roots.get(number[0]) if number else None for pid, number in inner.items()}

    def owner(pid):
        while pid in inner:
            if guest_name(pid):
                return f"guest {guest_name(pid)}"
            if named[pid]:
                return named[pid]
            pid = parent(pid)
        return "supervisor, helpers"

    return {pid: owner(pid) for pid in members}


def rows_of(site):
    """The site's rows: (service, state, MiB)."""
    members = site.members()
    if not members:
        return [("all", "DOWN", 0)]
    programs = {info["name"]: info for info in site.supervisor().getAllProcessInfo()}
    memory = {}
    for pid, owner in owners(members, programs).items():
        memory[owner] = memory.get(owner, 0) + memory_kib(pid)
    rows = [(name, info["statename"], memory.pop(name, 0) // 1024) for name, info in programs.items()]
    return rows + [(name, "RUNNING", kib // 1024) for name, kib in sorted(memory.items())]


def sites_on_disk(lab_dir):
    directory = os.path.join(lab_dir, "sites")
    names = sorted(os.listdir(directory)) if os.path.isdir(directory) else []
    return [Site(name, lab_dir) for name in names]


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--lab-dir", default=os.environ.get("OSDR_LAB_DIR", "/var/lib/osdr-lab"))
    sites = sites_on_disk(parser.parse_args().lab_dir)
    if not sites:
        return "There is no site yet."
    healthy = True
    total = 0
    print(f"{'SERVICE':<28}{'SITE':<12}{'STATE':<12}{'MIB':>6}")
    for site in sites:
        rows = rows_of(site)
        for service, state, mib in rows:
            print(f"{service:<28}{site.name:<12}{state:<12}{mib:>6}")
        print(f"{'= together':<28}{site.name:<12}{'':<12}{sum(row[2] for row in rows):>6}")
        total += sum(row[2] for row in rows)
        for service, state, _mib in rows:
            if state != "RUNNING":
                healthy = False
                print(f"\n{service} of {site.name} is {state}.", file=sys.stderr)
                if state != "DOWN":
                    print(site.log_tail(service), file=sys.stderr)
    print(f"{'= the lab':<52}{total:>6}")
    return 0 if healthy else 1


if __name__ == "__main__":
    sys.exit(main())
