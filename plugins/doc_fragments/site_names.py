# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What things of the primary site are called at the remote one."""

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  mapping:
    description:
      - What flavors, volume types, availability zones and external networks are called at the remote site, as the mapping of restores has it
        (see O(osdr.openstack.os_restore_check#module:mapping)).
    type: dict
  mappings:
    description:
      - Other mappings, in place of O(mapping), per name of an application in the inventory.
    type: dict
    default: {}
  concurrency:
    description:
      - How many requests are made in parallel.
    type: int
    default: 8
"""
