#!/usr/bin/python
# SPDX-FileCopyrightText: The osdr.openstack authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: os_checkpoint
short_description: Publish a checkpoint in the catalogue of the remote site
version_added: 0.1.0
author:
  - The osdr.openstack authors (!UNKNOWN)
description:
  - Writes the manifest of a checkpoint into the catalogue, or removes it from there. A checkpoint exists for a restore
    only once its manifest is published, so this comes last.
  - The manifest describes the application, the consistency of the checkpoint with the evidence for it, and the copies
    of its volumes. It holds no credentials.
  - Before it is published, every copy must be available to the site that holds the catalogue.
  - The manifest is also kept in pieces in the metadata of the checkpoint's own backups, from which M(osdr.openstack.os_catalogue_rebuild)
    rebuilds a catalogue. The other metadata of the backups are kept.
  - A damaged manifest of the same id is replaced or removed.
extends_documentation_fragment:
  - osdr.openstack.auth
  - osdr.openstack.catalogue
  - osdr.openstack.attributes
options:
  application:
    description:
      - Name of the application.
    type: str
    required: true
  checkpoint:
    description:
      - Id of the checkpoint.
    type: str
    required: true
  state:
    description:
      - Whether the checkpoint shall be in the catalogue. V(absent) removes only its manifest and the pieces of it in its backups.
    type: str
    choices: [present, absent]
    default: present
  site:
    description:
      - Name of the site where the checkpoint was taken. Required when O(state=present).
    type: str
  draft:
    description:
      - The directory in which M(osdr.openstack.os_application_info), M(osdr.openstack.os_cg_snapshot) and M(osdr.openstack.os_backup_replicate) have kept
        what they know of the checkpoint. Required when O(state=present).
    type: path
  together:
    description:
      - What M(osdr.openstack.os_checkpoint_check) returned as C(together) for a part of an application over several projects, each of which is published in
        the catalogue of its own project. Publish the leading one last, and withdraw it first.
    type: dict
seealso:
  - module: osdr.openstack.os_checkpoint_info
  - module: osdr.openstack.os_catalogue_rebuild
"""

EXAMPLES = r"""
- name: Publish a checkpoint
  osdr.openstack.os_checkpoint:
    cloud: remote
    application: shop
    checkpoint: "2026-11-22-noon"
    site: primary
    draft: /run/dr/shop-noon
"""

RETURN = r"""
checkpoint:
  description: The checkpoint as the catalogue lists it. Null when O(state=absent).
  returned: success
  type: dict
  sample:
    id: 2026-11-22-noon
    application: shop
    created_at: "2026-11-22T12:00:01.250Z"
    site: primary
    consistency: quiesced
    servers: 3
    volumes: 5
    gigabytes: 5
"""

from ansible_collections.osdr.openstack.plugins.module_utils import args
from ansible_collections.osdr.openstack.plugins.module_utils.application.definition import require_checkpoint_id, require_name
from ansible_collections.osdr.openstack.plugins.module_utils.catalogue.catalogue import Catalogue, shown, summary
from ansible_collections.osdr.openstack.plugins.module_utils.catalogue.publication import Publication, composed
from ansible_collections.osdr.openstack.plugins.module_utils.cloud.block_storage import BlockStorage
from ansible_collections.osdr.openstack.plugins.module_utils.cloud.session import connect
from ansible_collections.osdr.openstack.plugins.module_utils.core.errors import reported
from ansible_collections.osdr.openstack.plugins.module_utils.manifest.draft import Draft


def present(module, publication):
    params = module.params
    checkpoint = require_checkpoint_id(params["checkpoint"])
    manifest = composed((params["application"], checkpoint), params["site"], Draft(params["draft"]), params["together"])
    change = publication.to_publish(manifest)
    if change.changed and not module.check_mode:
        publication.publish(manifest, change.pieces, is_new=change.before is None)
    return {
        "changed": change.changed,
        "checkpoint": summary(manifest),
        "diff": {
            "before": {**shown(change.before), "backups_without_manifest": len(change.pieces)},
            "after": {**summary(manifest), "backups_without_manifest": 0},
        },
    }


def absent(module, publication):
    application = require_name("the name of an application", module.params["application"])
    checkpoint = require_name("the id of a checkpoint", module.params["checkpoint"])
    change = publication.to_withdraw(application, checkpoint)
    if change.changed and not module.check_mode:
        publication.withdraw(application, checkpoint, change.pieces)
    return {
        "changed": change.changed,
        "checkpoint": None,
        "diff": {"before": {**shown(change.before), "backups_with_manifest": len(change.pieces)}, "after": {"backups_with_manifest": 0}},
    }


def main():
    module = args.Module(
        argument_spec=args.spec(
            args.AUTH,
            args.CATALOGUE,
            {
                "application": {"type": "str", "required": True},
                "checkpoint": {"type": "str", "required": True},
                "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
                "site": {"type": "str"},
                "draft": {"type": "path"},
                "together": {"type": "dict"},
            },
        ),
        required_if=[("state", "present", ["site", "draft"])],
        supports_check_mode=True,
    )
    with reported(module):
        cloud = connect(module.params)
        publication = Publication(Catalogue.of(cloud, module.params), BlockStorage(cloud))
        result = present(module, publication) if module.params["state"] == "present" else absent(module, publication)
    module.exit_json(**result)


if __name__ == "__main__":
    main()
