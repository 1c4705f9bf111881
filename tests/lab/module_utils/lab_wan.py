# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether the WAN carries: tried with two strangers on it, before the sites depend on it.

The host's own firewall sees what goes to the host, and on a machine where bridges call it (as with containers' bridges), what goes
from one site to the other, too. Only the standard library is used here.
"""

from __future__ import annotations

import contextlib
import dataclasses
import socket
import subprocess
import sys

PORT = 7
SECONDS = 10
LISTEN = f"import socket; s = socket.create_server(('', {PORT})); print('ready', flush=True)\nwhile True: s.accept()[0].close()"
CONNECT = f"import socket, sys; socket.create_connection((sys.argv[1], {PORT}), {SECONDS})"


class WanError(Exception):
    """The WAN cannot be used as it is."""


@dataclasses.dataclass(frozen=True)
class Stranger:
    """Somebody on the WAN for a moment: a network namespace with an address there."""

    name: str
    address: str

    @property
    def link(self):
        return f"{self.name}-wan"

    def join(self, bridge, prefix):
        for words in (
            # For many seconds this machine would go on calling by the link address of whoever had this one before.
            f"neighbour flush dev {bridge} to {self.address}",
            f"netns add {self.name}",
            f"link add {self.link} type veth peer name wan0 netns {self.name}",
            f"link set {self.link} master {bridge} up",
            f"-netns {self.name} address add {self.address}/{prefix} dev wan0",
            f"-netns {self.name} link set wan0 up",
        ):
            subprocess.run(["ip", *words.split()], check=True, capture_output=True, text=True)

    def leave(self):
        for words in (f"link delete {self.link}", f"netns delete {self.name}"):
            subprocess.run(["ip", *words.split()], check=False, capture_output=True)

    def run(self, code, *arguments):
        """The command that runs Python there."""
        return ["ip", "netns", "exec", self.name, sys.executable, "-c", code, *arguments]


@contextlib.contextmanager
def joined(strangers, bridge, prefix):
    """Have them on the WAN as long as this lasts; what an earlier try left is removed first."""
    try:
        for stranger in strangers:
            stranger.leave()
            stranger.join(bridge, prefix)
        yield
    finally:
        for stranger in strangers:
            stranger.leave()


@contextlib.contextmanager
def listening(stranger):
    process = subprocess.Popen(stranger.run(LISTEN), stdout=subprocess.PIPE, text=True)
    try:
        process.stdout.readline()
        yield
    finally:
        process.kill()
        process.communicate()


def problems(bridge, prefix, strangers):
    """Which ways over the WAN are closed, a sentence each."""
    found = []
    one, other = strangers
    with joined(strangers, bridge, prefix), listening(one):
        try:
            socket.create_connection((one.address, PORT), SECONDS).close()
        except OSError as problem:
            found.append(f"This machine does not reach {one.address} on {bridge}: {problem}. "
                         f"Its firewall has to let through what goes out by {bridge}, and the answers.")
        done = subprocess.run(other.run(CONNECT, one.address), capture_output=True, text=True, check=False)
        if done.returncode:
            why = done.stderr.strip().splitlines()[-1]
            found.append(f"{other.address} does not reach {one.address} over {bridge}: {why}. This machine's firewall sees what its bridges "
                         f"carry (sysctl net.bridge.bridge-nf-call-iptables is 1) and drops it as forwarded. Let it through: "
                         f"what comes in by {bridge} and goes out by {bridge}, for example by iptables -I FORWARD -i {bridge} -o {bridge} -j ACCEPT, "
                         "or by a rule like it in each chain of nft list ruleset with hook forward and policy drop.")
    return found
