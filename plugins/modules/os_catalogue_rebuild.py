#!/usr/bin/python
# SPDX-FileCopyrightText: The osdr.openstack authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: os_catalogue_rebuild
short_description: Write the catalogue of a site anew from what its backups keep
version_added: 0.1.0
author:
  - The osdr.openstack authors (!UNKNOWN)
description:
  - Every backup of a checkpoint keeps a part of the checkpoint's manifest in its metadata. This module puts the parts together and
    publishes those manifests that the catalogue lacks, or has only damaged.
  - A manifest is published only when all its parts are there and unchanged, it bears the signature that O(hmac_key) demands, and
    every backup of every chain that it needs is available. What cannot be published is returned in RV(damaged), with a warning, and keeps
    nothing else from being published.
  - A manifest that the catalogue has already is left alone, also when it differs from what the backups keep.
  - Only the site that holds the backups need be reachable.
extends_documentation_fragment:
  - osdr.openstack.auth
  - osdr.openstack.catalogue
  - osdr.openstack.attributes
options:
  application:
    description:
      - Name of the only application whose checkpoints are to be written anew. All applications when omitted.
    type: str
seealso:
  - module: osdr.openstack.os_checkpoint
  - module: osdr.openstack.os_checkpoint_info
"""

EXAMPLES = r"""
- name: The container is gone, write its manifests anew
  osdr.openstack.os_catalogue_rebuild:
    cloud: remote
"""

RETURN = r"""
rebuilt:
  description: The checkpoints whose manifests were published; in check mode, those whose manifests would be.
  returned: success
  type: list
  elements: dict
  sample:
    - id: 2026-11-22-noon
      application: shop
      created_at: "2026-11-22T12:00:01.250Z"
      site: primary
      consistency: quiesced
      servers: [orders-db, payments-db, shop-front]
      volumes: 5
      gigabytes: 5
present:
  description: The checkpoints that the catalogue has as the backups keep them, like RV(rebuilt).
  returned: success
  type: list
  elements: dict
damaged:
  description: The checkpoints that could not be had from the backups.
  returned: success
  type: list
  elements: dict
  contains:
    application:
      description: Name of the application, as the backups are marked.
      type: str
    checkpoint:
      description: Id of the checkpoint, as the backups are marked.
      type: str
    problem:
      description: Why not.
      type: str
"""

from ansible_collections.osdr.openstack.plugins.module_utils import args
from ansible_collections.osdr.openstack.plugins.module_utils.application.definition import require_name
from ansible_collections.osdr.openstack.plugins.module_utils.catalogue.catalogue import Catalogue, shown, summary
from ansible_collections.osdr.openstack.plugins.module_utils.catalogue.rebuild import Rebuild
from ansible_collections.osdr.openstack.plugins.module_utils.cloud.block_storage import BlockStorage
from ansible_collections.osdr.openstack.plugins.module_utils.cloud.session import connect
from ansible_collections.osdr.openstack.plugins.module_utils.copies import methods
from ansible_collections.osdr.openstack.plugins.module_utils.core.errors import reported


def run(module, catalogue, storage):
    application = module.params["application"]
    if application is not None:
        require_name("the name of an application", application)
    rebuild = Rebuild.of(catalogue, methods.look(storage), storage.cloud.site, application)
    for lost in rebuild.todo.lost:
        module.warn(f"Checkpoint '{lost.names[1]}' of application '{lost.names[0]}': {lost.problem}")
    if not module.check_mode:
        rebuild.carry_out(catalogue)
    return result_of(rebuild)


def result_of(rebuild):
    todo = rebuild.todo
    return {
        "changed": bool(todo.publish),
        "rebuilt": [summary(one.manifest) for one in todo.publish],
        "present": [summary(one.manifest) for one in todo.present],
        "damaged": [one.as_dict() for one in todo.lost],
        "diff": {
            "before": {"/".join(one.names): shown(rebuild.published[one.names]) for one in todo.publish},
            "after": {"/".join(one.names): shown(one.manifest) for one in todo.publish},
        },
    }


def main():
    module = args.Module(
        argument_spec=args.spec(args.AUTH, args.CATALOGUE, {"application": {"type": "str"}}),
        supports_check_mode=True,
    )
    with reported(module):
        cloud = connect(module.params)
        result = run(module, Catalogue.of(cloud, module.params), BlockStorage(cloud))
    module.exit_json(**result)


if __name__ == "__main__":
    main()
