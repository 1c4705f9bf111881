# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What may be under way at once over all applications."""

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  limits:
    description:
      - How many C(freezes), C(backups), C(restores) and C(boots) may be under way at once over all applications, by the names of the sites. What is not
        named is not limited.
    type: dict
    default: {}
"""
