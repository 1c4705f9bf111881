# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a drill is."""

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  drill:
    description:
      - The id of a drill, of letters, digits, C(_) and C(-), at most 20. With it, not the application itself is meant but a copy of it that
        nothing leads to and that leads to nothing. Networks, subnets, routers, security groups and key pairs are the drill's own,
        routers have no gateway, and there are no floating addresses. Addresses inside are those of a real restore.
      - What is made has names that begin with C(drill-), the id and another C(-), and the id is in its marks. So drills and real restores
        never take each other's things for their own, also where both are of the same checkpoint.
      - Of a mapping, flavors, volume types and what becomes of addresses count for a drill, the other names do not.
    type: str
"""
