# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where checkpoints are listed."""

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  container:
    description:
      - Container in the remote site's object store that holds the manifests.
    type: str
    default: osdr-catalogue
"""
