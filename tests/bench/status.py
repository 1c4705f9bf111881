# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the page about a whole site costs: seconds and memory, on two sites in memory.

Everything but the wire is real, so a real site adds its own times: a login and some thirty lists for each project, and the manifest and the
last drills of each application, eight projects or applications at once. Each application has a checkpoint and a drill. The memory is that of the
whole process, with both sites in it.
"""

from __future__ import annotations

import resource
import sys
import time

from ansible_collections.osdr.openstack.plugins.plugin_utils.report import page
from ansible_collections.osdr.openstack.tests.unit.support.memory.watched import DAY, HOUR, Watched

SIZES = (20, 100, 200)
#: Applications per project, and servers per application.
TOGETHER, SERVERS = 4, 3


def site(count: int) -> Watched:
    made = Watched(*(f"p{number}" for number in range(-(-count // TOGETHER))))
    for number in range(count):
        name, project = f"a{number}", f"p{number // TOGETHER}"
        needs = {"depends_on": [f"a{number - number % 8}"]} if number % 8 else {}
        made.application(name, project, *(f"{name}-{server}" for server in range(SERVERS)), **needs)
        made.drill(made.checkpoint(name, project, HOUR / 2), project, DAY)
    made.south.placement.hosts = {f"host-{number}": {"VCPU": (64, 0), "MEMORY_MB": (65536, 0)} for number in range(count)}
    made.keep_infrastructure()
    return made


def main() -> None:
    print("| applications | projects | servers | s | MiB |")
    print("| --- | --- | --- | --- | --- |")
    for size in SIZES:
        made = site(size)
        start = time.process_time()
        found = made.looked(concurrency=8)["status"]
        assert len(page.site_html(found)) > size and found["recovery"]["whole"] and found["level"] is None, found["alerts"]
        seconds, memory = time.process_time() - start, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        print(f"| {size} | {-(-size // TOGETHER)} | {size * SERVERS} | {seconds:.1f} | {memory:.0f} |", flush=True)


if __name__ == "__main__":
    sys.exit(main())
