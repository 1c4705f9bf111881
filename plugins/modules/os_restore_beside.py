#!/usr/bin/python
# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: os_restore_beside
short_description: Restore single volumes of a checkpoint beside the running server
version_added: 0.1.0
author:
  - The osdr.openstack authors (!UNKNOWN)
description:
  - Restores volumes of one server of a checkpoint as new volumes, to take single files from them or to look at what was there. The application
    and its volumes are not touched, and the new volumes are attached to nothing.
  - The site may be that where the application runs, or the remote one; the copies of the checkpoint must be there.
  - Before the first volume, everything that the restore needs is checked as M(osdr.openstack.os_restore_check) does, that is quotas, volume types,
    availability zones and copies, and all problems are reported together.
  - Encrypted volumes are restored from backups that the site made itself as they are, with the keys in its key manager, which needs O(store_cloud) at
    most. Those from backups of the other site need O(volume_private_key) and O(import_cloud) as well.
  - The volumes are marked with application, checkpoint and O(beside). A later run with the same O(beside) finds them and resumes; a restore of
    the application never takes them for its own.
  - M(osdr.openstack.os_restore_cleanup) with O(beside) removes them.
extends_documentation_fragment:
  - osdr.openstack.auth
  - osdr.openstack.effort
  - osdr.openstack.catalogue
  - osdr.openstack.checkpoint
  - osdr.openstack.mapping
  - osdr.openstack.encrypted
  - osdr.openstack.attributes
options:
  beside:
    description:
      - An id for these volumes, of letters, digits, C(_) and C(-), at most 20. It ends their names. With another id, other volumes are made.
    type: str
    required: true
  server:
    description:
      - Name of the server at the checkpoint.
    type: str
    required: true
  volumes:
    description:
      - Which of the server's volumes, each by its device (V(/dev/vdb)), name or id at the checkpoint. All of them when omitted.
    type: list
    elements: str
notes:
  - The file systems on the new volume have the same UUIDs and labels as those on the old one, and so have LVM and RAID members. Attach it to
    another server; where it must be the same one, do not restart that server meanwhile, and mount by device name.
seealso:
  - module: osdr.openstack.os_restore_cleanup
  - module: osdr.openstack.os_checkpoint_info
"""

EXAMPLES = r"""
- name: Choose the newest checkpoint from before the mishap
  osdr.openstack.os_checkpoint_info:
    cloud: remote
    application: shop
    not_after: "2026-11-22T12:00:00Z"
    require: true
  register: found

- name: Restore the data volume of the database beside the running one
  osdr.openstack.os_restore_beside:
    cloud: primary
    application: shop
    checkpoint: "{{ found.checkpoint.id }}"
    digest: "{{ found.checkpoint.digest }}"
    beside: incident-42
    server: orders-db
    volumes: [/dev/vdb]

- name: Remove it again
  osdr.openstack.os_restore_cleanup:
    cloud: primary
    application: shop
    checkpoint: "{{ found.checkpoint.id }}"
    beside: incident-42
"""

RETURN = r"""
volumes:
  description: The new volumes, as M(osdr.openstack.os_restore_volumes) returns them.
  returned: success
  type: list
  elements: dict
  sample:
    - source_id: 0c5c2f0e-71cf-4f53-8f4c-4f2c1a4fb6f6
      servers: [orders-db]
      name: orders-db-data-incident-42
      device: /dev/vdb
      size: 1
      copy_id: 6a3a4d43-5d3c-4a86-9b6a-0f6f5de0c0e4
      volume_id: 4b6f5a53-2a5a-4d5f-9b8e-8ac1f2e7d0a1
      status: available
      seconds:
        requested: 0.4
        ready: 6.1
started_at:
  description: When the module started, by the clock of the controller.
  returned: success
  type: str
  sample: "2026-11-22T14:30:02.150Z"
"""

from ansible_collections.osdr.openstack.plugins.module_utils import args
from ansible_collections.osdr.openstack.plugins.module_utils.application.definition import require_beside_id
from ansible_collections.osdr.openstack.plugins.module_utils.catalogue.published import published
from ansible_collections.osdr.openstack.plugins.module_utils.cloud.block_storage import BlockStorage
from ansible_collections.osdr.openstack.plugins.module_utils.cloud.session import connect
from ansible_collections.osdr.openstack.plugins.module_utils.core.errors import CheckFailed, reported
from ansible_collections.osdr.openstack.plugins.module_utils.mapping.isolation import Wish
from ansible_collections.osdr.openstack.plugins.module_utils.restore import job, sealed
from ansible_collections.osdr.openstack.plugins.module_utils.restore import stock as restore_stock
from ansible_collections.osdr.openstack.plugins.module_utils.restore.beside import doubts_beside, plan_beside, volumes_beside
from ansible_collections.osdr.openstack.plugins.module_utils.restore.preflight import judge
from ansible_collections.osdr.openstack.plugins.module_utils.restore.volumes import VolumeRestore
from ansible_collections.osdr.openstack.plugins.module_utils.work.waiting import Waiter


def run(module):
    params = module.params
    cloud, means = connect(params), sealed.Means.parse(params)
    wish = Wish.parse(published(cloud, params), params["mapping"], servers=[params["server"]])
    whole = wish.manifest_there()
    manifest = volumes_beside(whole, require_beside_id(params["beside"]), params["server"], params["volumes"])
    stock = restore_stock.look(cloud, params["concurrency"], manifest.copies)
    judged = judge(plan_beside(manifest, stock.site), stock)
    sealed_problems, sealed_doubts = sealed.check(judged.plan.volumes, means, cloud)
    if problems := [*judged.problems, *sealed_problems]:
        what = f"The volumes of checkpoint '{manifest.checkpoint.id}' of application '{manifest.application.name}' cannot be restored"
        raise CheckFailed(f"{what} at site '{cloud.site}'", problems)
    for doubt in [*doubts_beside(whole, params["server"], params["volumes"]), *judged.doubts, *sealed_doubts]:
        module.warn(doubt)
    waiter = Waiter(timeout=params["timeout"], interval=1.0)
    unlocking = means.unlocking(cloud, manifest, waiter, params["concurrency"])
    restore = VolumeRestore(BlockStorage(cloud), manifest, waiter, params["concurrency"], unlocking)
    result = job.restore_volumes(restore, restore.plan(), True, module.check_mode)
    for warning in result.pop("warnings"):
        module.warn(warning)
    return result


def main():
    module = args.Module(
        argument_spec=args.spec(
            args.AUTH,
            args.EFFORT,
            args.CATALOGUE,
            args.CHECKPOINT,
            args.MAPPING,
            args.ENCRYPTED,
            {
                "beside": {"type": "str", "required": True},
                "server": {"type": "str", "required": True},
                "volumes": {"type": "list", "elements": "str"},
            },
        ),
        supports_check_mode=True,
    )
    with reported(module):
        result = run(module)
    module.exit_json(**result)


if __name__ == "__main__":
    main()
