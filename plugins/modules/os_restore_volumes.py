# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: os_restore_volumes
short_description: Restore the volumes of a checkpoint at a site
version_added: 0.1.0
author:
  - The osdr.openstack authors (!UNKNOWN)
description:
  - Restores a volume from each copy that a checkpoint's manifest names, in parallel within O(concurrency), and waits for them.
  - The volumes are marked with application, checkpoint and source in their metadata and in their description. By the
    description a later run finds what an earlier one made, even if that one was killed. It waits for volumes that are
    being restored, replaces those whose restore failed, and restores those that are missing.
  - The key of an encrypted volume is opened and stored in the site's key manager, and the volume is restored from backups that are imported once
    more for it. They are removed with that key when the volume is restored; Cinder keeps the volume's own.
  - What of the properties of its image, of the read-only flag or of the bootable flag the site refuses a volume is left out, with a warning, and not
    asked for again. Only a volume that a server boots from must be bootable.
extends_documentation_fragment:
  - osdr.openstack.auth
  - osdr.openstack.effort
  - osdr.openstack.catalogue
  - osdr.openstack.checkpoint
  - osdr.openstack.mapping
  - osdr.openstack.drill
  - osdr.openstack.encrypted
  - osdr.openstack.servers
  - osdr.openstack.attributes
options:
  state:
    description:
      - Whether the volumes shall exist.
      - V(absent) deletes exactly the volumes that were restored from this checkpoint. First remove the servers restored from it.
    type: str
    choices: [present, absent]
    default: present
  wait:
    description:
      - With V(false), start as many restores as O(concurrency) allows and return immediately, so that other work can be done
        meanwhile. A later run with V(true) does the rest.
    type: bool
    default: true
seealso:
  - module: osdr.openstack.os_restore_check
  - module: osdr.openstack.os_restore_servers
"""

EXAMPLES = r"""
- name: Restore all volumes of the newest checkpoint
  osdr.openstack.os_restore_volumes:
    cloud: remote
    application: shop
    checkpoint: "{{ found.checkpoint.id }}"
    digest: "{{ found.checkpoint.digest }}"
    concurrency: 16

- name: Remove them again
  osdr.openstack.os_restore_volumes:
    cloud: remote
    application: shop
    checkpoint: 2026-11-22-noon
    state: absent
"""

RETURN = r"""
volumes:
  description: The restored volumes, in the order of servers and devices; one that several servers have is listed once. Empty when O(state=absent).
  returned: success
  type: list
  elements: dict
  contains:
    source_id:
      description: Id of the volume at the source.
      type: str
    servers:
      description: Names of the servers that have it.
      type: list
      elements: str
    name:
      description: Its name.
      type: str
    device:
      description: Its device at the source.
      type: str
    size:
      description: Its size in GiB.
      type: int
    copy_id:
      description: Id of the copy from which it was restored; that of the backup, if it is one.
      type: str
    volume_id:
      description: Id of the restored volume; null when it is not there yet.
      type: str
    status:
      description: Its status; C(absent) when it is not there yet.
      type: str
    seconds:
      description: Seconds from the module's start; null for what this run did not do or see.
      type: dict
      contains:
        requested:
          description: Until its restore was asked for.
          type: float
        ready:
          description: Until it was found ready.
          type: float
  sample:
    - source_id: 0c5c2f0e-71cf-4f53-8f4c-4f2c1a4fb6f6
      servers: [orders-db]
      name: orders-db-data
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
  returned: when O(state=present)
  type: str
  sample: "2026-11-22T14:30:02.150Z"
"""

from ansible_collections.osdr.openstack.plugins.module_utils import args
from ansible_collections.osdr.openstack.plugins.module_utils.catalogue.published import published
from ansible_collections.osdr.openstack.plugins.module_utils.cloud.block_storage import BlockStorage
from ansible_collections.osdr.openstack.plugins.module_utils.cloud.session import connect
from ansible_collections.osdr.openstack.plugins.module_utils.core.errors import InvalidInput, reported
from ansible_collections.osdr.openstack.plugins.module_utils.mapping.isolation import Wish
from ansible_collections.osdr.openstack.plugins.module_utils.restore import job
from ansible_collections.osdr.openstack.plugins.module_utils.restore.cleanup import MadeVolumes
from ansible_collections.osdr.openstack.plugins.module_utils.restore.marks import named_owner
from ansible_collections.osdr.openstack.plugins.module_utils.restore.sealed import Means
from ansible_collections.osdr.openstack.plugins.module_utils.restore.volumes import VolumeRestore
from ansible_collections.osdr.openstack.plugins.module_utils.work.waiting import Waiter


def run(params, check_mode):
    cloud = connect(params)
    storage, waiter = BlockStorage(cloud), Waiter(timeout=params["timeout"], interval=1.0)
    if params["state"] == "absent":
        if params["servers"] is not None:
            raise InvalidInput("With state: absent everything is removed that was restored; take servers out.")
        owner = named_owner(params["application"], params["checkpoint"], params["drill"])
        return job.remove_volumes(MadeVolumes(storage, owner, waiter, params["concurrency"]), check_mode)
    wish = Wish.parse(published(cloud, params), params["mapping"], params["drill"], params["servers"])
    manifest = wish.manifest_there()
    unlocking = Means.parse(params).unlocking(cloud, manifest, waiter, params["concurrency"])
    restore = VolumeRestore(storage, manifest, waiter, params["concurrency"], unlocking)
    return job.restore_volumes(restore, restore.plan(), params["wait"], check_mode)


def main():
    module = args.Module(
        argument_spec=args.spec(
            args.AUTH,
            args.EFFORT,
            args.CATALOGUE,
            args.CHECKPOINT,
            args.MAPPING,
            args.DRILL,
            args.ENCRYPTED,
            args.SERVERS,
            {
                "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
                "wait": {"type": "bool", "default": True},
            },
        ),
        supports_check_mode=True,
    )
    with reported(module):
        result = run(module.params, module.check_mode)
        for warning in result.pop("warnings", ()):
            module.warn(warning)
    module.exit_json(**result)


if __name__ == "__main__":
    main()
