#!/usr/bin/python
# SPDX-FileCopyrightText: The osdr.openstack authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: os_server_quiesce
short_description: Freeze and thaw groups of servers, in order
version_added: 0.1.0
author:
  - The osdr.openstack authors (!UNKNOWN)
description:
  - Freezes the file systems of all servers of an application through their guest agents, the agents' hooks included,
    tier by tier from the last to the first, or thaws them in the reverse order.
  - Before anything is frozen, all servers are probed and a guard is armed for each. A guard is a timer that thaws the server if
    nobody else does, even if the controller is killed or cut off. From then until its thaw is confirmed, each server has a mark in
    its metadata (C(osdr_freeze)).
  - When a freeze fails, everything is thawed and the module fails. Servers that are shut down, or that their owner has
    paused or suspended, are not touched.
  - A server is thawed by the driver that froze it, whatever O(driver) says, and counts as thawed only when it was seen thawed.
  - A server that another run freezes and will thaw by itself (M(osdr.openstack.os_cg_snapshot)) can be neither frozen nor thawed
    until the time of that run's guard is over.
  - To snapshot an application, prefer the O(osdr.openstack.os_cg_snapshot#module:quiesce) option of
    M(osdr.openstack.os_cg_snapshot), which holds the freeze no longer than the storage needs. This module is for
    running own tasks inside the freeze, and for thawing what was left frozen.
extends_documentation_fragment:
  - osdr.openstack.auth
  - osdr.openstack.application
  - osdr.openstack.quiesce
  - osdr.openstack.attributes
options:
  state:
    description:
      - Whether the servers are to be frozen or thawed.
    type: str
    choices: [quiesced, unquiesced]
    default: quiesced
  consistency:
    description:
      - The least acceptable consistency. With V(paused), O(driver=auto) may pause servers that cannot be frozen.
    type: str
    choices: [quiesced, paused]
    default: quiesced
  concurrency:
    description:
      - How many servers of a tier are worked on in parallel.
    type: int
    default: 16
seealso:
  - module: osdr.openstack.os_cg_snapshot
  - module: osdr.openstack.os_server_thaw
"""

EXAMPLES = r"""
- name: Freeze the shop, do something, and thaw it whatever happens
  block:
    - name: Freeze
      osdr.openstack.os_server_quiesce:
        cloud: primary
        admin_cloud: primary-admin
        application:
          name: shop
          tiers:
            - name: database
              servers: [orders-db, payments-db]
            - name: front
              servers: [shop-front]

    - name: Do what must be done while nothing is written
      ansible.builtin.command: /usr/local/bin/take-array-snapshot
      changed_when: true
  always:
    - name: Thaw
      osdr.openstack.os_server_quiesce:
        cloud: primary
        admin_cloud: primary-admin
        application: "{{ shop }}"
        state: unquiesced
"""

RETURN = r"""
quiesce:
  description: The servers in the order in which they were, or would be, handled.
  returned: success
  type: dict
  contains:
    application:
      description: Name of the application.
      type: str
      sample: shop
    servers:
      description: The servers that do not stand still by themselves.
      type: list
      elements: dict
      contains:
        id:
          description: Id of the server.
          type: str
        name:
          description: Name of the server.
          type: str
        tier:
          description: Its tier.
          type: str
        state:
          description: V(frozen) or V(thawed).
          type: str
        driver:
          description: How it was frozen or thawed.
          type: str
        passed_over:
          description: Why better drivers do not qualify, per driver.
          type: dict
        filesystems:
          description:
            - Number of file systems that this run froze or thawed. Null when there was nothing to do, or when the driver
              cannot know.
          type: int
        requested_at:
          description: When this run asked for the freeze. Null when it did not.
          type: str
        frozen_at:
          description: When the freeze was confirmed. Null when this run did not freeze.
          type: str
        thawed_at:
          description: When the thaw was confirmed. Null when this run did not thaw.
          type: str
        guard:
          description: Where the guards run, V(nova), V(guest), both (V(nova, guest)) or V(controller).
          type: str
        guard_until:
          description: When the guard thaws the server at the latest, or would have. Null when there was nothing to do.
          type: str
        guard_fired:
          description: When thawing, whether the guard had thawed the server before. Null otherwise.
          type: bool
        interrupted:
          description: When thawing, the evidence that the server was not frozen all the time. Null when there is none.
          type: str
        freeze:
          description: Tells this freeze from earlier and later ones. Null when there was nothing to do.
          type: str
        intact:
          description:
            - When thawing, whether it is certain that the server had been frozen all the time. M(osdr.openstack.os_cg_snapshot) takes
              it as evidence, in its option O(osdr.openstack.os_cg_snapshot#module:thaw). Null otherwise.
          type: bool
      sample:
        - id: 9d1c2a44-5a0e-4b7c-9c39-1c8f5f2f7b11
          name: orders-db
          tier: database
          state: frozen
          driver: libvirt
          passed_over:
            nova: Site 'primary' has no quiesce API; its operator can install it with the role osdr.openstack.nova_quiesce_api.
          filesystems: 2
          requested_at: "2026-11-22T12:00:00.310Z"
          frozen_at: "2026-11-22T12:00:01.125Z"
          thawed_at: null
          guard: guest
          guard_until: "2026-11-22T12:01:59.870Z"
          guard_fired: null
          interrupted: null
          freeze: 4f1d0c7e9a2b3c5d
          intact: null
"""

from ansible_collections.osdr.openstack.plugins.module_utils import args
from ansible_collections.osdr.openstack.plugins.module_utils.application.definition import Application
from ansible_collections.osdr.openstack.plugins.module_utils.cloud.session import connect
from ansible_collections.osdr.openstack.plugins.module_utils.core import leeway
from ansible_collections.osdr.openstack.plugins.module_utils.core.errors import reported
from ansible_collections.osdr.openstack.plugins.module_utils.quiesce.group import TARGETS, Group
from ansible_collections.osdr.openstack.plugins.module_utils.quiesce.quiescer import QuiesceOptions, Quiescer
from ansible_collections.osdr.openstack.plugins.module_utils.work.interruption import Interruption


def run(module, interruption):
    params = module.params
    options = QuiesceOptions.parse(params, params)
    application = Application.parse(params["application"])
    # While anything is waited for, servers may stand still.
    with leeway.hurried():
        quiescer = Quiescer(connect(params), options, params["consistency"], params["concurrency"])
        return Group(quiescer, application, interruption).bring(TARGETS[params["state"]], is_real=not module.check_mode)


def main():
    module = args.Module(
        argument_spec=args.spec(
            args.AUTH,
            args.APPLICATION,
            args.QUIESCE,
            {
                "state": {"type": "str", "choices": list(TARGETS), "default": "quiesced"},
                "consistency": {"type": "str", "choices": ["quiesced", "paused"], "default": "quiesced"},
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
