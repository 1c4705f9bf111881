# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Checks the syntax of many calls of ansible-playbook in the time of a few: Ansible is loaded once, and each call is a fork of it.

Reads ``[[directory, [argument, ...]], ...]`` as JSON, and writes what each of them said that failed, else null.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile

from ansible.cli.playbook import PlaybookCLI
from ansible.errors import AnsibleError


def call(directory: str, arguments: list[str], said: int) -> int:
    """Be ansible-playbook; returns its status."""
    os.chdir(directory)
    os.dup2(said, 1)
    os.dup2(said, 2)
    try:
        return PlaybookCLI(["ansible-playbook", *arguments, "--syntax-check"]).run()
    except SystemExit as end:
        return int(bool(end.code))
    except AnsibleError as error:
        os.write(said, str(error).encode())
        return 1


def check(directory: str, arguments: list[str]) -> str | None:
    """What a call says when it fails."""
    with tempfile.TemporaryFile() as said:
        child = os.fork()
        if not child:
            os._exit(call(directory, arguments, said.fileno()))
        status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        said.seek(0)
        return said.read().decode() or f"status {status}" if status else None


if __name__ == "__main__":
    print(json.dumps([check(*one) for one in json.load(sys.stdin)]))
