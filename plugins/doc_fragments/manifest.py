# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is restored."""

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  manifest:
    description:
      - The manifest of a checkpoint, as M(osdr.openstack.os_checkpoint_info) returns it.
    type: dict
    required: true
requirements:
  - jsonschema
"""
