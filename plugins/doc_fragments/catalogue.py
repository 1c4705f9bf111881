# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where checkpoints are listed."""

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  container:
    description:
      - Name of the catalogue. In Swift it is the container in the site's object store that holds the manifests. Where C(osdr_catalogue) in the
        site's entry of C(clouds.yaml) names a bucket or directory for its catalogues, it is the folder there.
    type: str
    default: osdr-catalogue
  hmac_key:
    description:
      - Secret with which manifests are signed (HMAC with SHA-256) when they are published. With it, only manifests with
        this signature are accepted. Without the key, nobody who can write to the catalogue can forge a manifest, or reuse one
        of another catalogue, which is a container of a project.
      - When omitted, signatures are neither made nor verified.
    type: str
requirements:
  - jsonschema
  - boto3 1.36 or later, for a catalogue in an S3-compatible store
"""
