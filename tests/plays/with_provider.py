# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run one of Ansible's programs in a process for which there are two sites in memory: ``with_provider.py DESCRIPTION PROGRAM ARGUMENT...``.

DESCRIPTION is a file with a JSON list of what the sites have: each is a method of the provider, and its arguments. The last line on the
standard error is the most memory that the process had, in KiB.
"""

from __future__ import annotations

import functools
import importlib
import json
import resource
import sys
import typing as t

import openstack

CLI = {"ansible-inventory": ("inventory", "InventoryCLI"), "ansible-playbook": ("playbook", "PlaybookCLI")}
_connect = openstack.connect


@functools.cache
def provider(description: str) -> t.Any:
    """The sites; made late, when Ansible has set up by itself how collections are imported."""
    made = importlib.import_module("ansible_collections.osdr.openstack.tests.unit.support.memory.provider").Provider()
    with open(description) as described:
        for method, given in json.load(described):
            getattr(made, method)(**given)
    return made


def main() -> None:
    description, program, *arguments = sys.argv[1:]
    openstack.connect = lambda cloud=None, **options: provider(description).connection(cloud) if cloud else _connect(**options)
    module, name = CLI[program]
    try:
        getattr(importlib.import_module(f"ansible.cli.{module}"), name).cli_executor([program, *arguments])
    finally:
        sys.stderr.write(f"{resource.getrusage(resource.RUSAGE_SELF).ru_maxrss}\n")


if __name__ == "__main__":
    main()
