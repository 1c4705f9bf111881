# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The definition of an application."""

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  application:
    description:
      - The unit of protection.
    type: dict
    required: true
    suboptions:
      name:
        description:
          - Name of the application; everything that is made for it carries this name.
        type: str
        required: true
      tiers:
        description:
          - Groups of servers in boot order. Servers of a tier may be handled in parallel.
          - Tiers are frozen from the last to the first (front before database) and thawed in the reverse of that order.
        type: list
        elements: dict
        required: true
        suboptions:
          name:
            description:
              - Name of the tier.
            type: str
            required: true
          servers:
            description:
              - Names or ids of the tier's servers.
            type: list
            elements: str
            required: true
          checks:
            description:
              - Checks that each server of the tier must pass after a restore before the next tier is started. Each check is of
                exactly one kind, O(application.tiers[].checks[].port), O(application.tiers[].checks[].http),
                O(application.tiers[].checks[].agent) or O(application.tiers[].checks[].command), and is repeated until it passes.
              - Checks are made from where the module runs that restores the servers, at a server's floating address where it has one
                and at its first fixed address otherwise.
            type: list
            elements: dict
            default: []
            suboptions:
              port:
                description:
                  - A TCP port that must accept connections.
                type: int
              http:
                description:
                  - A GET that must be answered. The server itself is asked; redirects are not followed, and proxies not used.
                type: dict
                suboptions:
                  path:
                    description:
                      - What is asked for, with the query if there is one.
                    type: str
                    default: /
                  port:
                    description:
                      - The port; that of the scheme when omitted.
                    type: int
                  scheme:
                    description:
                      - Whether TLS is used.
                    type: str
                    choices: [http, https]
                    default: http
                  host:
                    description:
                      - The name of the site that is asked for, which the certificate must have. The server's address when omitted.
                    type: str
                  status:
                    description:
                      - The answer must have one of these statuses.
                    type: list
                    elements: int
                    default: [200]
                  text:
                    description:
                      - What must be in the first MiB of the answer's body.
                    type: str
                  validate_certs:
                    description:
                      - Whether the server's certificate must be valid.
                    type: bool
                    default: true
              agent:
                description:
                  - With V(true), the guest agent must answer, so that the server could be frozen.
                  - It is asked in the ways of O(osdr.openstack.os_restore_servers#module:quiesce).
                type: bool
              command:
                description:
                  - A program with its arguments, which must end with status 0 where the module runs. No shell is involved.
                  - In its environment are E(OSDR_SERVER_ADDRESS), E(OSDR_SERVER_NAME) and E(OSDR_SERVER_ID).
                  - It is run only where a restore says O(osdr.openstack.os_restore_servers#module:command_checks=run).
                type: list
                elements: str
              timeout:
                description:
                  - Seconds until the server counts as not ready.
                type: int
                default: 300
"""
