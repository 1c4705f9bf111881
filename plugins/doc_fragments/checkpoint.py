# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which checkpoint is meant, and where it is."""

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  application:
    description:
      - Name of the application.
    type: str
    required: true
  checkpoint:
    description:
      - Id of the checkpoint. Its manifest is read from the catalogue.
    type: str
    required: true
  digest:
    description:
      - Digest of the checkpoint, as M(osdr.openstack.os_checkpoint_info) returned it. Fails when the catalogue has another one under this id by now.
        When omitted, what is there is taken.
    type: str
  catalogue_cloud:
    description:
      - The site with the catalogue, as the option O(cloud) takes it. Defaults to the site itself.
    type: raw
"""
