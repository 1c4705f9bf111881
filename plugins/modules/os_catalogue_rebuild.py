#!/usr/bin/python
# SPDX-FileCopyrightText: The osdr.openstack authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: os_catalogue_rebuild
short_description: Rebuild the catalogue of a site from its backups
version_added: 0.1.0
author:
  - The osdr.openstack authors (!UNKNOWN)
description:
  - Every backup of a checkpoint keeps a part of the checkpoint's manifest in its metadata. This module puts the parts together and
    publishes the manifests that are missing from the catalogue, or damaged there.
  - A manifest is published only if all its parts exist and are unchanged, its signature matches O(hmac_key), and every backup of
    every chain that it needs is available. The others are returned in RV(damaged), with a warning.
  - A manifest that the catalogue already has is not changed, even if it differs from the one in the backups.
  - Only the site that holds the backups need be reachable.
extends_documentation_fragment:
  - osdr.openstack.auth
  - osdr.openstack.catalogue
  - osdr.openstack.attributes
options:
  application:
    description:
      - Name of the application to rebuild. All applications when omitted.
    type: str
seealso:
  - module: osdr.openstack.os_checkpoint
  - module: osdr.openstack.os_checkpoint_info
"""

EXAMPLES = r"""
- name: The container is gone, rebuild it
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
      servers: 3
      volumes: 5
      gigabytes: 5
present:
  description: The checkpoints that the catalogue has as the backups keep them, like RV(rebuilt).
  returned: success
  type: list
  elements: dict
damaged:
  description: The checkpoints that could not be rebuilt from the backups.
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
