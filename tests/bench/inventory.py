# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the inventory of a whole site costs: seconds and memory of ``ansible-inventory --list``, on two sites in memory.

Everything but the wire is real, so a real site adds its own times: a login and one list of servers for each project, eight projects at
once, and a list of volumes where servers are unprotected. Half of the applications are in the plan, with a tier by names and one by a
query; owners' marks make the other half. In each project one server is unprotected.
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import tempfile
import time
import typing as t
from pathlib import Path

#: For 200 applications.
GOAL_SECONDS, GOAL_MIB = 10.0, 150.0
SIZES = (20, 100, 200)
#: Applications per project, and servers per application.
TOGETHER, SERVERS = 4, 3
PROGRAM = Path(__file__).parents[1] / "plays" / "with_provider.py"


def application(number: int) -> dict[str, t.Any]:
    """An application of the plan: a database by its name, and all that serve by a query."""
    tiers = [{"name": "database", "servers": [f"a{number}-0"]}, {"name": "front", "query": f"[?metadata.role == 'a{number}']"}]
    # Each fourth one is needed by the three after it.
    needs = {"depends_on": [f"a{number - number % 8}"]} if number % 8 else {}
    return {"name": f"a{number}", "project": f"p{number // TOGETHER}", "wave": f"w{number % 8 > 0:d}", "tiers": tiers, **needs}


def servers_of(number: int) -> t.Iterator[list[t.Any]]:
    project = f"p{number // TOGETHER}"
    for one in range(SERVERS):
        name = f"a{number}-{one}"
        if number % 2:
            marks = {"tier": "front" if one else "database", "order": 2 if one else 1}
            yield ["mark", {"project": project, "name": name, "application": f"a{number}", **marks}]
        else:
            yield ["boot", {"project": project, "name": name, "metadata": {"role": f"a{number}"} if one else {}}]


def write_site(directory: Path, count: int) -> None:
    projects = [f"p{number}" for number in range(-(-count // TOGETHER))]
    plan = {
        "schema_version": 1,
        "sites": {"primary": {"name": "north"}, "remote": {"name": "south"}},
        "projects": {name: {"primary": f"north-{name}", "remote": f"south-{name}"} for name in projects},
        "waves": ["w0", "w1"],
        "applications": [application(number) for number in range(0, count, 2)],
    }
    (directory / "site.yml").write_text(json.dumps(plan))
    (directory / "north.applications.yml").write_text("plugin: osdr.openstack.applications\nplan: site.yml\n")
    unprotected = [["boot", {"project": name, "name": "stray"}] for name in projects]
    there = [one for number in range(count) for one in servers_of(number)]
    (directory / "description.json").write_text(json.dumps([*there, *unprotected]))


class Cost(t.NamedTuple):
    """:param processor: seconds, which those do not lengthen who are busy on the same machine."""

    seconds: float
    processor: float
    mebibytes: float


def processor_seconds() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def listed(directory: Path, size: int) -> Cost:
    """The cost of one run, the making of the sites in memory included.

    :raises AssertionError: when the inventory lacks an application.
    """
    command = [sys.executable, PROGRAM, directory / "description.json", "ansible-inventory", "-i", directory / "north.applications.yml", "--list"]
    start, before = time.monotonic(), processor_seconds()
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    seconds, processor = time.monotonic() - start, processor_seconds() - before
    hosts = json.loads(done.stdout)["_meta"]["hostvars"]
    assert len(hosts) == size and all("dr_checkpoint_application" in one for one in hosts.values()), done.stderr
    return Cost(seconds, processor, int(done.stderr.split()[-1]) / 1024)


def main() -> int:
    print("| applications | projects | servers | s | of the processor s | MiB |")
    print("| --- | --- | --- | --- | --- | --- |")
    for size in SIZES:
        with tempfile.TemporaryDirectory() as directory:
            write_site(Path(directory), size)
            cost = listed(Path(directory), size)
        print(f"| {size} | {-(-size // TOGETHER)} | {size * SERVERS} | {cost.seconds:.1f} | {cost.processor:.1f} | {cost.mebibytes:.0f} |", flush=True)
    print(f"200 applications take {cost.seconds:.1f} s and {cost.mebibytes:.0f} MiB, goals {GOAL_SECONDS:g} s and {GOAL_MIB:g} MiB.")
    return int(cost.seconds > GOAL_SECONDS or cost.mebibytes > GOAL_MIB)


if __name__ == "__main__":
    sys.exit(main())
