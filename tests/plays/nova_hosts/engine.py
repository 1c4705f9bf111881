# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Stand-in for ``docker``, ``podman`` and ``systemctl``, by the name under which it is called: it has containers, images and
units in a file, answers and fails as the real ones do, and notes what changed something. What a container mounts is looked up
when it starts, as file by file mounts are: what replaces such a file later is seen after the next start only."""

import json
import os
import pathlib
import subprocess
import sys

CALLED = pathlib.Path(sys.argv[0]).name
STATE = pathlib.Path(os.environ["NOVA_HOST_STATE"])


def give_up(code, message):
    print(message, file=sys.stderr)
    sys.exit(code)


def refuse(name):
    """Each engine in its own words."""
    if CALLED == "podman":
        give_up(125, f"Error: no such container {name}")
    give_up(1, f"Error response from daemon: No such container: {name}")


def start(container):
    """Freezes what the container sees of each of its mounts."""
    seen = {}
    for mount in container["Mounts"]:
        source = pathlib.Path(mount["Source"])
        if not source.exists():
            source.mkdir(parents=True)
        # Of a directory in the place of a file, Docker makes a container that does not start.
        seen[mount["Destination"]] = source.read_text() if source.is_file() else None
    container["seen"] = seen
    container["starts"] += 1


def inspect(state, words):
    name = words[-1]
    container = state["containers"].get(name)
    if container is None:
        print("[]")
        refuse(name)
    print(json.dumps([container]))


def restart(state, words):
    container = state["containers"].get(words[-1])
    if container is None:
        refuse(words[-1])
    start(container)


def run(state, words):
    """A command in a new container of an image: of files, only those of the image are there."""
    given = iter(words[1:])
    entrypoint = image = None
    for word in given:
        if word == "--entrypoint":
            entrypoint = next(given)
        elif word in ("--network", "--user"):
            next(given)
        elif not word.startswith("--"):
            image = word
            break
    if image not in state["images"]:
        give_up(125, f"Unable to find image '{image}' locally")
    root = state["images"][image]
    if not pathlib.Path(root + entrypoint).exists():
        give_up(127, f'exec: "{entrypoint}": stat {entrypoint}: no such file or directory')
    inside = [root + word if word.startswith("/") else word for word in given]
    done = subprocess.run([root + entrypoint, *inside], stdin=sys.stdin, capture_output=True, text=True, check=False)
    sys.stdout.write(done.stdout.replace(root, ""))
    sys.stderr.write(done.stderr.replace(root, ""))
    sys.exit(done.returncode)


def systemctl(state, words):
    unit = words[-1].removesuffix(".service")
    container = state["units"].get(unit, "")
    known = unit in state["units"]
    if words[0] == "show":
        load = "loaded" if known else "not-found"
        print(load if "--value" in words else f"Id={unit}.service\nLoadState={load}\nActiveState=active\nSubState=running")
    elif words[0] == "restart":
        if not known:
            give_up(5, f"Failed to restart {unit}.service: Unit {unit}.service not found.")
        if state["broken"]:
            give_up(1, f"Job for {unit}.service failed because the control process exited with error code.")
        if container:
            start(state["containers"][container])
    else:
        give_up(1, f"Unknown command verb {words[0]}.")


def main():
    words = sys.argv[1:]
    state = json.loads(STATE.read_text())
    if CALLED == "systemctl":
        systemctl(state, words)
    else:
        {"inspect": inspect, "restart": restart, "run": run}[words[0]](state, words)
    if words[0] == "restart":
        state["restarts"].append([CALLED, *words])
        STATE.write_text(json.dumps(state))


main()
