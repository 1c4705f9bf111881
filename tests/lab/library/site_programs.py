# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Start programs of a site and wait until they serve, or say which one does not and what it logged."""

from __future__ import annotations

import http.client
import os
import socket
import subprocess
import time
import xmlrpc.client

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.lab_patience import Patience
from ansible.module_utils.lab_site import Site, SiteError

DOCUMENTATION = """
module: site_programs
short_description: Start or stop programs of a site and wait for them
description:
  - A program that is older than a file of its configuration is restarted.
  - Runs inside the site.
options:
  site:
    description: Name of the site.
    type: str
    required: true
  lab_dir:
    description: Directory of the lab's state.
    type: path
    required: true
  state:
    description: Whether the programs shall run.
    type: str
    choices: [started, stopped]
    default: started
  programs:
    description:
      - The programs. Of each, C(name) is its name for the supervisor and C(config) lists files that it reads when it starts.
      - It serves when C(http) is a port that answers HTTP, C(port) one that accepts connections (on C(address), 127.0.0.1 by default),
        or C(command) a command that succeeds.
      - Other keys, which describe the program to the supervisor, are ignored.
    type: list
    elements: dict
    required: true
  timeout:
    description:
      - Seconds without progress after which the rest of them is given up, on a machine with nothing else to do; on a busy one it is longer.
    type: int
    default: 240
author: The osdr.openstack authors
"""

RETURN = """
started:
  description: The programs that were started or restarted.
  type: list
  elements: str
  returned: when O(state=started)
"""

ALIVE = ("RUNNING", "STARTING", "BACKOFF")
#: The supervisor's fault for a program that is alive.
ALREADY_STARTED = 60


def newest(paths):
    return max((int(os.path.getmtime(path)) for path in paths if os.path.exists(path)), default=0)


def http_answers(port):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    try:
        connection.request("GET", "/")
        connection.getresponse()
        return True
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def port_accepts(address, port):
    try:
        with socket.create_connection((address, port), timeout=30):
            return True
    except OSError:
        return False


def command_succeeds(command):
    try:
        return subprocess.run(command, capture_output=True, timeout=60, check=False).returncode == 0
    except subprocess.TimeoutExpired:
        return False


def serves(program):
    """Whether a program does its work, by the one probe that it has."""
    if program.get("http"):
        return http_answers(program["http"])
    if program.get("port"):
        return port_accepts(program.get("address", "127.0.0.1"), program["port"])
    if program.get("command"):
        return command_succeeds(program["command"])
    return True


class Programs:
    """The programs of one site, through its supervisor."""

    def __init__(self, site, programs, timeout):
        self.site = site
        self.supervisor = site.supervisor()
        self.programs = {program["name"]: program for program in programs}
        self.timeout = timeout

    def states(self):
        return {info["name"]: info for info in self.supervisor.getAllProcessInfo() if info["name"] in self.programs}

    def apply_supervisor_config(self):
        """Take over new and changed program definitions; a changed program is left stopped."""
        added, changed, removed = self.supervisor.reloadConfig()[0]
        for group in changed + removed:
            self.supervisor.stopProcessGroup(group)
            self.supervisor.removeProcessGroup(group)
        for group in added + changed:
            self.supervisor.addProcessGroup(group)

    def start(self, check_mode):
        if not check_mode:
            self.apply_supervisor_config()
        started = []
        states = self.states()
        for name, program in self.programs.items():
            alive = name in states and states[name]["statename"] in ALIVE
            if alive and states[name]["start"] >= newest(program.get("config", [])):
                continue
            started.append(name)
            if check_mode:
                continue
            if alive:
                self.supervisor.stopProcess(name)
            self.begin(name)
        if not check_mode:
            try:
                self.wait()
            finally:
                self.site.note_waiting([])
        return started

    def begin(self, name):
        """Start a program, unless the supervisor has just done so by itself, as with every one that ended."""
        try:
            self.supervisor.startProcess(name, False)
        except xmlrpc.client.Fault as fault:
            if fault.faultCode != ALREADY_STARTED:
                raise

    def wait(self):
        waiting = dict(self.programs)
        patience = Patience(self.timeout)
        while waiting:
            self.site.note_waiting(waiting)
            states = self.states()
            for name, program in list(waiting.items()):
                state = states[name]["statename"]
                if state in ("FATAL", "EXITED"):
                    raise SiteError(self.complaint(name, f"ended ({states[name]['spawnerr'] or state})"))
                if state == "RUNNING" and serves(program):
                    del waiting[name]
                    patience.renew()
            if waiting and patience.is_spent():
                raise SiteError("\n".join(
                    self.complaint(name, f"does not serve after {patience.waited} s ({states[name]['statename']})")
                    for name in waiting))
            if waiting:
                time.sleep(0.3)

    def complaint(self, name, what):
        return f"Program {name} of site {self.site.name} {what}.\n{self.site.log_tail(name)}"

    def stop(self, check_mode):
        stopped = [name for name, info in self.states().items() if info["statename"] in ALIVE]
        if not check_mode:
            for name in stopped:
                self.supervisor.stopProcess(name, False)
            self.wait_for_the_end()
        return stopped

    def wait_for_the_end(self):
        patience = Patience(self.timeout)
        remaining = set(self.programs)
        while remaining:
            now = {name for name, info in self.states().items() if info["statename"] in (*ALIVE, "STOPPING")}
            if now != remaining:
                patience.renew()
            if patience.is_spent():
                raise SiteError(f"Programs of site {self.site.name} do not stop: {', '.join(sorted(now))}")
            remaining = now
            time.sleep(0.2)


def argument_spec():
    return {
        "site": {"type": "str", "required": True},
        "lab_dir": {"type": "path", "required": True},
        "state": {"type": "str", "choices": ["started", "stopped"], "default": "started"},
        "programs": {"type": "list", "elements": "dict", "required": True},
        "timeout": {"type": "int", "default": 240},
    }


def main():
    module = AnsibleModule(argument_spec=argument_spec(), supports_check_mode=True)
    params = module.params
    try:
        programs = Programs(Site(params["site"], params["lab_dir"]), params["programs"], params["timeout"])
        if params["state"] == "stopped":
            stopped = programs.stop(module.check_mode)
            module.exit_json(changed=bool(stopped), stopped=stopped)
        started = programs.start(module.check_mode)
        module.exit_json(changed=bool(started), started=started)
    except (SiteError, OSError, xmlrpc.client.Fault) as problem:
        module.fail_json(msg=str(problem))


if __name__ == "__main__":
    main()
