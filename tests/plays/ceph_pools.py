# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Stands for the programs ceph and rbd of a cluster: what it knows is in a file beside its configuration, and the other cluster's in PEER's."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path


def fail(status, said):
    print(said, file=sys.stderr)
    sys.exit(status)


def auth(state, words):
    users = state["users"]
    verb, name = words[0], words[1]
    if verb == "get":
        if name not in users:
            fail(2, f"Error ENOENT: failed to find {name} in keyring")
        if "--format" in words:
            print(json.dumps([{"entity": name, "key": "secret", "caps": users[name]}]))
        else:
            print(f"[{name}]\n\tkey = secret")
        return
    if (verb == "add") == (name in users):
        fail(17, f"Error: {name} is there already, or not at all")
    users[name] = dict(zip(words[2::2], words[3::2], strict=True))


def pool(state, peer, words):
    verb = words[0]
    if verb == "info":
        print(json.dumps({"mode": "disabled"} if state["mode"] == "disabled" else {"mode": state["mode"], "peers": state["peers"]}))
    elif verb == "enable":
        state["mode"] = words[2]
    elif verb == "status":
        print(json.dumps({"images": state["images"]}))
    elif words[:3] == ["peer", "bootstrap", "create"]:
        print(state["name"])
    else:
        other = json.loads(peer.read_text())
        if sys.stdin.read().strip() != other["name"]:
            fail(22, "cannot import token for local cluster")
        for one in (state, other):
            one["peers"] = [{"direction": words[words.index("--direction") + 1]}]
        write(peer, other)


def write(path, state):
    """Replace a file in one step: the other host may be reading it."""
    beside = path.with_suffix(f".{os.getpid()}")
    beside.write_text(json.dumps(state))
    beside.replace(path)


def main():
    words = sys.argv[1:]
    assert words[0] == "--conf"
    home = Path(words[1]).parent
    path, peer = home / "state.json", Path((home / "peer").read_text()) / "state.json"
    before = json.loads(path.read_text())
    state = json.loads(json.dumps(before))
    if words[2] == "auth":
        auth(state, words[3:])
    else:
        pool(state, peer, words[4:])
    if state != before:
        write(path, state)


main()
