#!/usr/bin/python
# SPDX-FileCopyrightText: The osdr.openstack authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: os_server_thaw
short_description: Thaw every server that was left frozen
version_added: 0.1.0
author:
  - The osdr.openstack authors (!UNKNOWN)
description:
  - Finds the servers with this collection's freeze mark (metadata C(osdr_freeze)), thaws each by the driver that froze it, and
    removes the mark once the thaw is confirmed. It needs neither the application nor anything stored by a run.
  - Servers that are frozen for a checkpoint right now are thawed too; that checkpoint then fails with the reason.
  - Tries all servers, then fails if the thaw of one cannot be confirmed. This includes a server whose requested freeze may still
    arrive (the message says until when), and one whose marks Nova does not show because its cell does not answer.
extends_documentation_fragment:
  - osdr.openstack.auth
  - osdr.openstack.attributes
options:
  libvirt_uri:
    description:
      - libvirt's URI on a compute host; C({host}) stands for the hypervisor's host name. Needed for servers that were frozen
        through libvirt.
    type: str
  all_projects:
    description:
      - Look in all projects of the cloud; for administrators.
    type: bool
    default: false
  timeout:
    description:
      - Seconds that the thaw of one server may take.
    type: int
    default: 30
  concurrency:
    description:
      - How many servers are thawed in parallel.
    type: int
    default: 16
seealso:
  - module: osdr.openstack.os_server_quiesce
"""

EXAMPLES = r"""
- name: Leave nobody frozen
  osdr.openstack.os_server_thaw:
    cloud: primary-admin
    all_projects: true
    libvirt_uri: qemu+ssh://root@{host}/system?no_tty=1
"""

RETURN = r"""
thaw:
  description: The servers that were, or in check mode would be, thawed.
  returned: success
  type: list
  elements: dict
  contains:
    id:
      description: Id of the server.
      type: str
    name:
      description: Name of the server.
      type: str
    project_id:
      description: Its project.
      type: str
    driver:
      description: The driver that froze it.
      type: str
    guard_until:
      description: When its guard was to thaw it.
      type: str
    was_frozen:
      description: Whether it was still frozen. False when its guard, or a restart, had thawed it. Null in check mode.
      type: bool
  sample:
    - id: 9d1c2a44-5a0e-4b7c-9c39-1c8f5f2f7b11
      name: orders-db
      project_id: 6b895beb4333423ca8607b805ea76af3
      driver: nova
      guard_until: "2026-11-22T12:01:59.870Z"
      was_frozen: true
"""

from ansible_collections.osdr.openstack.plugins.module_utils import args
from ansible_collections.osdr.openstack.plugins.module_utils.cloud.compute import Compute
from ansible_collections.osdr.openstack.plugins.module_utils.cloud.session import connect
from ansible_collections.osdr.openstack.plugins.module_utils.core import leeway
from ansible_collections.osdr.openstack.plugins.module_utils.core.errors import reported
from ansible_collections.osdr.openstack.plugins.module_utils.quiesce.drivers import Reach
from ansible_collections.osdr.openstack.plugins.module_utils.quiesce.thawing import thaw_leftovers
from ansible_collections.osdr.openstack.plugins.module_utils.work.interruption import Interruption


def run(module, interruption):
    params = module.params
    # While anything is waited for, servers stand still.
    with leeway.hurried():
        reach = Reach(Compute(connect(params)), params["libvirt_uri"], params["timeout"])
        with interruption.shielded():
            return thaw_leftovers(reach, params["all_projects"], params["concurrency"], is_real=not module.check_mode)


def main():
    module = args.Module(
        argument_spec=args.spec(
            args.AUTH,
            {
                "libvirt_uri": {"type": "str"},
                "all_projects": {"type": "bool", "default": False},
                "timeout": {"type": "int", "default": 30},
                "concurrency": {"type": "int", "default": 16},
            },
        ),
        supports_check_mode=True,
    )
    with reported(module), Interruption().installed() as interruption:
        result = run(module, interruption)
    module.exit_json(**result)


if __name__ == "__main__":
    main()
