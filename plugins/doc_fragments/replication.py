# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The further clouds that copying needs."""

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  admin_cloud:
    description:
      - The primary site with the credentials of an administrator, who may export records of backups and sees on which
        host a server runs; by name or as a dictionary. The module's own credentials when omitted.
    type: raw
  remote_cloud:
    description:
      - The remote site, in the project that is to own the copies; by name or as a dictionary.
    type: raw
    required: true
  remote_admin_cloud:
    description:
      - The remote site with the credentials of an administrator, who may import records into that project; by name or
        as a dictionary. Defaults to O(remote_cloud).
    type: raw
"""
