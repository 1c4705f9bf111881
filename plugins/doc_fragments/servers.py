# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which servers of a checkpoint are restored."""

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  servers:
    description:
      - Names of the servers to restore, as the checkpoint has them; all of them when omitted.
      - With it, only these servers' volumes are restored, with the networks, subnets, routers, security groups, server groups and key pairs that they
        need, and the health checks of their tiers. What was restored before is kept.
      - A name that the checkpoint does not have is refused.
    type: list
    elements: str
"""
