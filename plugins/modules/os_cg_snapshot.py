#!/usr/bin/python
# SPDX-FileCopyrightText: The osdr.openstack authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: os_cg_snapshot
short_description: Snapshot all volumes of an application at one moment
version_added: 0.1.0
author:
  - The osdr.openstack authors (!UNKNOWN)
description:
  - Snapshots all volumes of all servers of an application, at once, and tells truly how consistent the set is.
  - With O(quiesce), the module holds the freeze window itself. Guards are armed, tiers frozen from the last to the
    first, all snapshots started at once, and everything thawed in the reverse order, in one process that handles signals.
  - Servers that are shut down are not frozen; their snapshots are C(offline)-consistent.
  - A set is whole or worthless. What an earlier run left incomplete is deleted and taken again; a failure leaves
    nothing behind. A whole set is adopted as it is.
extends_documentation_fragment:
  - osdr.openstack.auth
  - osdr.openstack.effort
  - osdr.openstack.application
  - osdr.openstack.quiesce.window
  - osdr.openstack.attributes
options:
  name:
    description:
      - Name of the set; within a checkpoint, the checkpoint's id.
    type: str
    required: true
  state:
    description:
      - Whether the set is to be there. V(absent) removes the snapshots that are marked with the application and O(name).
    type: str
    choices: [present, absent]
    default: present
  consistency:
    description:
      - The least acceptable consistency. Below it, the module deletes the snapshots and fails.
      - Defaults to V(quiesced) with O(quiesce), V(paused) with O(quiesce.driver=pause), and V(crash) without.
      - With V(paused) or V(crash), O(quiesce.driver=auto) may pause the servers that cannot be frozen.
    type: str
    choices: [offline, quiesced, paused, crash]
seealso:
  - module: osdr.openstack.os_server_quiesce
  - module: osdr.openstack.os_backup_replicate
"""

EXAMPLES = r"""
- name: Take a consistent set of snapshots
  osdr.openstack.os_cg_snapshot:
    cloud: primary
    name: "2026-11-22-noon"
    application:
      name: shop
      tiers:
        - name: database
          servers: [orders-db, payments-db]
        - name: front
          servers: [shop-front]
    quiesce:
      admin_cloud: primary-admin

- name: Remove it again
  osdr.openstack.os_cg_snapshot:
    cloud: primary
    name: "2026-11-22-noon"
    application: "{{ shop }}"
    state: absent
"""

RETURN = r"""
cg_snapshot:
  description: The set of snapshots. Null when O(state=absent), and in check mode when it is yet to be taken.
  returned: success
  type: dict
  contains:
    name:
      description: Name of the set.
      type: str
    application:
      description: Name of the application.
      type: str
    consistency:
      description: Consistency of the whole set, that of its weakest server.
      type: str
      sample: quiesced
    taken_at:
      description: The moment for which the set stands, by the controller's clock.
      type: str
      sample: "2026-11-22T12:00:01.250Z"
    window:
      description: The freeze window over all servers. Null when nothing was frozen.
      type: dict
      contains:
        started:
          description: When the first freeze was requested.
          type: str
        ended:
          description: When the last thaw was confirmed.
          type: str
        seconds:
          description: Its length.
          type: float
    servers:
      description: Consistency and evidence for each server.
      type: list
      elements: dict
      contains:
        id:
          description: Id of the server.
          type: str
        name:
          description: Name of the server.
          type: str
        tier:
          description: Its tier.
          type: str
        consistency:
          description: Its consistency.
          type: str
        reason:
          description: What the consistency follows from.
          type: str
        driver:
          description: How it was frozen; null when it was not.
          type: str
        requested_at:
          description: When its freeze was requested; null when it was not frozen.
          type: str
        frozen_at:
          description: When its freeze was confirmed; null when it was not frozen.
          type: str
        thawed_at:
          description: When its thaw was confirmed; null when it was not frozen.
          type: str
        filesystems:
          description: Number of file systems frozen; null when it was not frozen, or when the driver cannot know.
          type: int
        guard:
          description: Where its guard ran, V(nova), V(guest) or V(controller); null when it was not frozen.
          type: str
        guard_until:
          description: When its guard would have thawed it; null when it was not frozen.
          type: str
    snapshots:
      description: The snapshots, one of each volume.
      type: list
      elements: dict
      contains:
        id:
          description: Id of the snapshot.
          type: str
        name:
          description: Name of the snapshot.
          type: str
        volume_id:
          description: Id of the volume.
          type: str
        size:
          description: Size in GiB.
          type: int
        created_at:
          description: When the cloud says it was created.
          type: str
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.osdr.openstack.plugins.module_utils import args, consistency, group_snapshot
from ansible_collections.osdr.openstack.plugins.module_utils.application import Application, require_name
from ansible_collections.osdr.openstack.plugins.module_utils.block_storage import BlockStorage
from ansible_collections.osdr.openstack.plugins.module_utils.cloud import connect
from ansible_collections.osdr.openstack.plugins.module_utils.compute import Compute
from ansible_collections.osdr.openstack.plugins.module_utils.errors import CheckFailed, reported
from ansible_collections.osdr.openstack.plugins.module_utils.interruption import Interruption
from ansible_collections.osdr.openstack.plugins.module_utils.quiesce import (
    QuiesceOptions,
    Quiescer,
    freeze_problems,
    running,
)
from ansible_collections.osdr.openstack.plugins.module_utils.waiting import Waiter


def absent(module, cloud, application):
    """Remove the set by its marks alone: the servers may be long gone."""
    wanted = group_snapshot.Wanted(application, module.params["name"], "crash", ())
    snapshots = _snapshot_set(module, cloud, wanted)
    current = snapshots.current()
    if current and not module.check_mode:
        snapshots.delete(current)
    return {"changed": bool(current), "cg_snapshot": None, "diff": _diff(current, [])}


def present(module, cloud, application, interruption):
    params = module.params
    least = params["consistency"] or _default_consistency(params["quiesce"])
    quiescer = _quiescer(module, cloud, least)
    compute = Compute(cloud)
    servers = quiescer.resolve(application) if quiescer else compute.resolve(application.servers)
    storage = BlockStorage(cloud)
    survey = group_snapshot.survey(application, servers, storage)
    wanted = group_snapshot.Wanted(application, params["name"], least, survey)
    snapshots = _snapshot_set(module, cloud, wanted)
    current = snapshots.current()
    plan = group_snapshot.plan_present(wanted, current)
    result = {"changed": plan.changed, "diff": _diff(current, [v.id for v in wanted.volumes.values()])}
    if not plan.changed:
        return {**result, "cg_snapshot": group_snapshot.describe(wanted, current)}
    if quiescer and not module.check_mode:
        servers = quiescer.thaw_leftovers(servers)
    choices = quiescer.choose(running(servers.values())) if quiescer else {}
    _refuse_problems(wanted, plan, storage, freeze_problems(servers.values(), choices))
    if module.check_mode:
        return {**result, "cg_snapshot": None}
    snapshots.delete(plan.delete)
    window = quiescer.window(quiescer.members(application, servers, choices), interruption) if quiescer else None
    return {**result, "cg_snapshot": snapshots.take(window, compute, interruption)}


def _refuse_problems(wanted, plan, storage, freeze_problems):
    problems = group_snapshot.state_problems(wanted) + group_snapshot.quota_problems(plan, storage) + freeze_problems
    if problems:
        raise CheckFailed(f"The snapshots of '{wanted.application.name}' cannot be taken", problems)


def _default_consistency(quiesce):
    if quiesce is None:
        return "crash"
    return "paused" if quiesce["driver"] == "pause" else "quiesced"


def _quiescer(module, cloud, least):
    options = module.params["quiesce"]
    if options is None:
        return None
    return Quiescer(module.params, cloud, QuiesceOptions.parse(options), least, module.params["concurrency"])


def _snapshot_set(module, cloud, wanted):
    waiter = Waiter(timeout=module.params["timeout"], interval=1.0)
    return group_snapshot.SnapshotSet(BlockStorage(cloud), wanted, waiter, module.params["concurrency"])


def _diff(before, after):
    return {
        "before": {"snapshots_of_volumes": sorted(snapshot.volume_id for snapshot in before)},
        "after": {"snapshots_of_volumes": sorted(after)},
    }


def main():
    module = AnsibleModule(
        argument_spec=args.spec(
            args.AUTH,
            args.EFFORT,
            args.APPLICATION,
            {
                "name": {"type": "str", "required": True},
                "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
                "consistency": {"type": "str", "choices": list(consistency.LEVELS)},
                "quiesce": {"type": "dict", "options": args.QUIESCE},
            },
        ),
        supports_check_mode=True,
    )
    with reported(module), Interruption().installed() as interruption:
        application = Application.parse(module.params["application"])
        require_name("the name of a set of snapshots", module.params["name"])
        cloud = connect(module.params)
        if module.params["state"] == "absent":
            result = absent(module, cloud, application)
        else:
            result = present(module, cloud, application, interruption)
    module.exit_json(**result)


if __name__ == "__main__":
    main()
