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
              - What must be true of each server of the tier after a restore before the next tier is started.
            type: list
            elements: dict
            default: []
            suboptions:
              port:
                description:
                  - A TCP port that must accept connections from where the module runs, at the server's floating
                    address where it has one and at its first fixed address otherwise.
                type: int
                required: true
              timeout:
                description:
                  - Seconds until the server counts as not ready.
                type: int
                default: 300
"""
