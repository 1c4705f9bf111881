# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run tasks inside a site of the lab: its namespaces, but the host's file system below its own directories."""

from __future__ import annotations

import os
import shlex
import sys

from ansible.errors import AnsibleConnectionFailure
from ansible.plugins.connection.local import Connection as LocalConnection

sys.path.append(os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "module_utils"))

from lab_site import Site, SiteError  # noqa: E402 (the path has to be set first)

DOCUMENTATION = """
name: site
short_description: execute inside a site of the lab
description:
  - Runs every task in the namespaces of the site that has the host's name in the inventory.
author: The osdr.openstack authors
options:
  lab_dir:
    description: Directory of the lab's state.
    type: path
    required: true
    vars:
      - name: lab_dir
  site:
    description: Name of the site.
    type: str
    required: true
    vars:
      - name: inventory_hostname
      # A delegated task has its play's host there, and here the one that it is delegated to.
      - name: ansible_host
extends_documentation_fragment:
  - connection_pipelining
"""


class Connection(LocalConnection):
    """The local connection, behind nsenter."""

    transport = "site"

    def exec_command(self, cmd, in_data=None, sudoable=True):
        site = Site(self.get_option("site"), self.get_option("lab_dir"))
        try:
            words = site.enter(["/bin/sh", "-c", cmd])
        except SiteError as problem:
            raise AnsibleConnectionFailure(str(problem)) from problem
        return super().exec_command(shlex.join(words), in_data=in_data, sudoable=sudoable)
