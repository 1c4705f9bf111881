# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Stands for the programs ceph and rbd of a cluster: what it knows is in a file beside its configuration, and the other cluster's in PEER's."""

from __future__ import annotations

import fcntl
import json
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
        token = sys.stdin.read()
        if token != peer["name"]:
            fail(22, "cannot import token for local cluster")
        for one in (state, peer):
            one["peers"] = [{"direction": words[words.index("--direction") + 1]}]


def main():
    words = sys.argv[1:]
    assert words[0] == "--conf"
    home = Path(words[1]).parent
    # Both hosts ask at once, and each question may change what both know. The lock lasts as long as the process.
    lock = (home.parent / "lock").open("w")
    fcntl.flock(lock, fcntl.LOCK_EX)
    paths = home / "state.json", Path((home / "peer").read_text()) / "state.json"
    state, peer = (json.loads(path.read_text()) for path in paths)
    if words[2] == "auth":
        auth(state, words[3:])
    else:
        pool(state, peer, words[4:])
    for path, one in zip(paths, (state, peer), strict=True):
        path.write_text(json.dumps(one))


main()
