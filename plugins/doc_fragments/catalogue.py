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
  hmac_key:
    description:
      - Secret with which manifests are signed (HMAC with SHA-256) when they are published. With it, only manifests that bear
        this signature are accepted; whoever may write to the container, but does not have the key, cannot forge one, nor use one
        of another catalogue, which is a container of a project.
      - Without it, signatures are neither made nor looked at.
    type: str
requirements:
  - jsonschema
"""
