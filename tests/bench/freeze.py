# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the collection adds to freezing and thawing a group: its window against bare concurrent calls of the same API.

Both are measured in turn in one run; the ratio counts, not the seconds.
"""

from __future__ import annotations

import argparse
import concurrent.futures
import json
import statistics
import sys
import time
import typing as t

import libvirt
import libvirt_qemu
import openstack
import requests
from ansible_collections.osdr.openstack.plugins.module_utils.application.definition import Application, Tier
from ansible_collections.osdr.openstack.plugins.module_utils.cloud.session import connect
from ansible_collections.osdr.openstack.plugins.module_utils.quiesce.quiescer import QuiesceOptions, Quiescer, refuse_problems
from ansible_collections.osdr.openstack.plugins.module_utils.work.interruption import Interruption
from fleet import running

GOAL = 1.15
URI = "qemu+tcp://{host}/system"


class BareNova:
    """The quiesce API called by one thread per server.

    :param seconds: after which Nova thaws by itself.
    """

    def __init__(self, cloud: openstack.connection.Connection, seconds: int = 60) -> None:
        self._seconds = seconds
        self._endpoint = cloud.compute.get_endpoint()
        self._headers = {"X-Auth-Token": cloud.session.get_token()}

    def freeze(self, server_id: str) -> None:
        self._act(server_id, {"quiesce": {"timeout": self._seconds}})

    def thaw(self, server_id: str) -> None:
        self._act(server_id, {"unquiesce": None})

    def _act(self, server_id: str, action: t.Mapping[str, t.Any]) -> None:
        url = f"{self._endpoint}/servers/{server_id}/action"
        requests.post(url, json=action, headers=self._headers, timeout=60).raise_for_status()


class BareLibvirt:
    """The guest agents asked by one thread per server over one connection."""

    def __init__(self, host: str) -> None:
        self._connection = libvirt.open(URI.format(host=host))

    def freeze(self, server_id: str) -> None:
        self._ask(server_id, "guest-fsfreeze-freeze")

    def thaw(self, server_id: str) -> None:
        self._ask(server_id, "guest-fsfreeze-thaw")

    def _ask(self, server_id: str, command: str) -> None:
        domain = self._connection.lookupByUUIDString(server_id)
        libvirt_qemu.qemuAgentCommand(domain, json.dumps({"execute": command}), 10, 0)


def bare_seconds(bare: BareNova | BareLibvirt, ids: t.Sequence[str]) -> float:
    """Seconds for which the group stands still, from the first request to the last answer."""
    with concurrent.futures.ThreadPoolExecutor(len(ids)) as pool:
        start = time.monotonic()
        list(pool.map(bare.freeze, ids))
        list(pool.map(bare.thaw, ids))
        return time.monotonic() - start


def window_seconds(quiescer: Quiescer, names: t.Sequence[str], interruption: Interruption) -> tuple[float, list[float]]:
    """The same by the collection, and how long each server took to freeze."""
    application = Application("fleet", (Tier("all", tuple(names)),))
    servers = quiescer.resolve(application)
    choices = quiescer.choose(list(servers.values()))
    refuse_problems(choices)
    with quiescer.window(quiescer.members(application, servers, choices), interruption) as window:
        pass
    latencies = [member.frozen.monotonic - member.freeze_requested.monotonic for member in window.members]
    return window.ended.monotonic - window.started.monotonic, latencies


def compare(driver: str, fleet: t.Mapping[str, str], bare: BareNova | BareLibvirt, rounds: int) -> list[float]:
    """Print a row per size of the group; returns the ratios."""
    options = {"driver": driver, "admin_cloud": "primary-admin", "libvirt_uri": URI, "freeze_timeout": 30, "budget": 50, "guard_timeout": 60}
    params = {"cloud": "primary"}
    quiescer = Quiescer(connect(params), QuiesceOptions.parse(options, params), "quiesced", 16)
    ratios = []
    for size in (1, 2, 4, 8):
        part = dict(list(fleet.items())[:size])
        ours, theirs, latencies = [], [], []
        for _round in range(rounds):
            theirs.append(bare_seconds(bare, list(part.values())))
            seconds, each = window_seconds(quiescer, list(part), Interruption())
            ours.append(seconds)
            latencies += each
        ratios.append(statistics.median(ours) / statistics.median(theirs))
        print(
            f"| {driver} | {size} | {statistics.median(ours):.2f} | {statistics.median(theirs):.2f} | {ratios[-1]:.2f} "
            f"| {statistics.median(latencies):.2f} | {max(latencies):.2f} |",
            flush=True,
        )
    return ratios


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=7)
    rounds = parser.parse_args().rounds
    cloud, admin = openstack.connect(cloud="primary"), openstack.connect(cloud="primary-admin")
    by_libvirt = BareLibvirt("primary")
    with running(cloud, 8) as fleet:
        print("| driver | servers | window s | bare calls s | ratio | freeze of one, median s | longest s |")
        print("| --- | --- | --- | --- | --- | --- | --- |")
        ratios = compare("nova", fleet, BareNova(admin), rounds) + compare("libvirt", fleet, by_libvirt, rounds)
    print(f"{rounds} rounds each, in turn; medians. Largest ratio {max(ratios):.2f}, goal {GOAL}.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
