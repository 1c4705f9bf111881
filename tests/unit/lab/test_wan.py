# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The WAN is tried before the sites depend on it: on a bridge of a network namespace, where nobody else is."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

LAB = Path(__file__).parents[2] / "lab"
HOST = ["unshare", *([] if os.geteuid() == 0 else ["--map-root-user"]), "--mount", "--net"]
BRIDGE = "mount -t tmpfs tmpfs /run && ip link set lo up && ip link add lab-try type bridge && ip link set lab-try {state}"
#: As a site does. A bridge forgets who was on it when it loses its last port, and when it takes the link address of another one.
STAY = (
    "ip link set lab-try address 02:00:00:00:00:01 && ip link add stays type veth peer name stays-wan"
    " && ip link set stays up && ip link set stays-wan master lab-try up"
)
TRY = """
import sys; sys.path.insert(0, sys.argv[1])
import lab_wan; seconds = sys.argv[2]; lab_wan.SECONDS = float(seconds); lab_wan.CONNECT = lab_wan.CONNECT.replace(', 10)', f', {seconds})')
from lab_wan import *
for again in range(2):
    print(*problems("lab-try", 24, [Stranger("one", "10.99.0.253"), Stranger("two", "10.99.0.254")]), sep="\\n")
print("left:", subprocess.run("ip netns; ip -oneline link show type veth | grep -v stays", shell=True, capture_output=True, text=True).stdout)
"""
REACHED = "10.99.0.253 on lab-try"
PASSED = "10.99.0.254 does not reach 10.99.0.253 over lab-try"


@pytest.mark.parametrize(
    "state, address, seconds, said, unsaid",
    [
        ("up", "10.99.0.1/24", 10, [], [REACHED, PASSED]),
        # It carries nothing, as with a firewall that drops all of it.
        ("down", "10.99.0.1/24", 0.2, [REACHED, PASSED], []),
        ("up", "10.98.0.1/24", 10, [REACHED], [PASSED]),
    ],
    ids=["open", "closed", "closed for the host"],
)
def test_what_is_closed_is_told_each_time(state, address, seconds, said, unsaid):
    script = f"{BRIDGE.format(state=state)} && {STAY} && ip address add {address} dev lab-try && exec \"$@\""
    done = subprocess.run(
        [*HOST, "sh", "-ec", script, "sh", sys.executable, "-c", TRY, str(LAB / "module_utils"), str(seconds)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert [words for words in (REACHED, PASSED) if words in done.stdout] == said
    assert not [words for words in unsaid if words in done.stdout]
    assert done.stdout.strip().endswith("left:")
