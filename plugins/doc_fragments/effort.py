# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""How long modules wait, and how much they do in parallel."""

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  timeout:
    description:
      - Seconds after which waiting for any one resource is given up.
      - A volume that is backed up or restored may take 100 seconds more for each GiB of its size, which is 10 MiB/s.
    type: int
    default: 1800
  concurrency:
    description:
      - How many resources of a site are worked on in parallel.
    type: int
    default: 8
"""
