#!/usr/bin/python
# SPDX-FileCopyrightText: The osdr.openstack authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: os_backup_replicate
short_description: Copy the snapshots of a checkpoint to the remote site by backups
version_added: 0.1.0
author:
  - The osdr.openstack authors (!UNKNOWN)
description:
  - Backs up all snapshots of a checkpoint at once, incrementally where there is a chain to continue, then exports the
    records of the backups and of all they build on and imports them at the remote site, the oldest first.
  - Both sites' backup services must reach the same store.
  - The snapshots are found by their marks, see M(osdr.openstack.os_cg_snapshot). What an earlier run has done is
    adopted; backups that failed are made again.
  - Ends only when the remote site knows every backup as available and the same as at the primary site.
extends_documentation_fragment:
  - osdr.openstack.auth
  - osdr.openstack.effort
  - osdr.openstack.attributes
  - osdr.openstack.replication
options:
  application:
    description:
      - Name of the application.
    type: str
    required: true
  checkpoint:
    description:
      - Id of the checkpoint; the O(osdr.openstack.os_cg_snapshot#module:name) of the set of snapshots.
    type: str
    required: true
  full_every:
    description:
      - How many backups a chain has at most, the full one included. V(1) makes every backup a full one.
    type: int
    default: 7
seealso:
  - module: osdr.openstack.os_cg_snapshot
  - module: osdr.openstack.os_checkpoint
"""

EXAMPLES = r"""
- name: Copy a checkpoint to the remote site
  osdr.openstack.os_backup_replicate:
    cloud: primary
    admin_cloud: primary-admin
    remote_cloud: remote
    remote_admin_cloud: remote-admin
    application: shop
    checkpoint: "2026-11-22-noon"
"""

RETURN = r"""
replication:
  description: The copies. In check mode, those that are there already.
  returned: success
  type: dict
  contains:
    application:
      description: Name of the application.
      type: str
    checkpoint:
      description: Id of the checkpoint.
      type: str
    copies:
      description: One entry for each volume, as M(osdr.openstack.os_checkpoint) takes them.
      type: list
      elements: dict
      contains:
        volume_id:
          description: Id of the volume at the primary site.
          type: str
        method:
          description: How the data travelled, V(cinder_backup).
          type: str
        copy_id:
          description: Id of the backup, the same at both sites.
          type: str
        chain:
          description: Ids of the backups that a restore needs, the oldest first.
          type: list
          elements: str
        size:
          description: Size of the volume in GiB.
          type: int
        incremental:
          description: Whether the backup holds only what changed since the one before.
          type: bool
        object_count:
          description: Number of objects in the store.
          type: int
"""

import dataclasses

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.osdr.openstack.plugins.module_utils import args
from ansible_collections.osdr.openstack.plugins.module_utils.application import require_name
from ansible_collections.osdr.openstack.plugins.module_utils.cloud import connect
from ansible_collections.osdr.openstack.plugins.module_utils.errors import InvalidInput, reported
from ansible_collections.osdr.openstack.plugins.module_utils.interruption import Interruption
from ansible_collections.osdr.openstack.plugins.module_utils.replication import Replication, Sites, Wanted
from ansible_collections.osdr.openstack.plugins.module_utils.waiting import Waiter


def wanted_copies(params):
    if params["full_every"] < 1:
        raise InvalidInput(f"full_every is {params['full_every']}; a chain has at least 1 backup.")
    application = require_name("the name of an application", params["application"])
    return Wanted(application, require_name("the id of a checkpoint", params["checkpoint"]), params["full_every"])


def run(module):
    params = module.params
    wanted = wanted_copies(params)
    waiter = Waiter(timeout=params["timeout"], interval=1.0)
    sites = Sites.connect(connect(params), params)
    replication = Replication(sites, wanted, waiter, params["concurrency"])
    plan = replication.plan()
    missing = replication.missing_records(plan.finished)
    changed = bool(plan.create or plan.delete or any(missing.values()))
    diff = {
        "before": {"backed_up": sorted(b.volume_id for b in plan.adopt)},
        "after": {"backed_up": sorted([b.volume_id for b in plan.adopt] + [n.snapshot.volume_id for n in plan.create])},
    }
    if module.check_mode:
        whole = [b for b in plan.finished if not missing[b.id]]
        copies = replication.known_copies(whole)
    else:
        copies = replication.import_records(replication.back_up(plan))
    return {"changed": changed, "diff": diff, "replication": _result(wanted, copies)}


def _result(wanted, copies):
    return {
        "application": wanted.application,
        "checkpoint": wanted.checkpoint,
        "copies": sorted(({**dataclasses.asdict(c), "chain": list(c.chain)} for c in copies), key=lambda c: c["volume_id"]),
    }


def main():
    module = AnsibleModule(
        argument_spec=args.spec(
            args.AUTH,
            args.EFFORT,
            args.REPLICATION,
            {
                "application": {"type": "str", "required": True},
                "checkpoint": {"type": "str", "required": True},
                "full_every": {"type": "int", "default": 7},
            },
        ),
        supports_check_mode=True,
    )
    with reported(module), Interruption().installed():
        result = run(module)
    module.exit_json(**result)


if __name__ == "__main__":
    main()
