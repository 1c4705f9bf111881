# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a drill is."""

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  drill:
    description:
      - The id of a drill, of letters, digits, C(_) and C(-), at most 20. With it, the module works on an isolated copy of the application
        instead of the application itself. Networks, subnets, routers, security groups and key pairs are the drill's own,
        routers have no gateway, and there are no floating addresses. Addresses inside are those of a real restore.
      - Everything made has a name that begins with C(drill-), the id and another C(-), and the id is in its marks. So drills and real restores
        never touch each other's resources, even those of the same checkpoint.
      - Of a mapping, a drill uses flavors, volume types and addresses, but not the other names.
    type: str
"""
