#!/usr/bin/python
# SPDX-FileCopyrightText: The osdr.openstack authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: os_checkpoint_prune
short_description: Remove old checkpoints of an application with everything that only they need
version_added: 0.1.0
author:
  - The osdr.openstack authors (!UNKNOWN)
description:
  - Keeps the checkpoints of an application that a policy selects and removes the others, the manifest first, then their
    backups at the remote and at the primary site, each before what it builds on. In check mode, lists what would be removed.
  - A backup is kept as long as a kept checkpoint, or somebody else's backup at the primary site, builds on it, so
    chains are never cut. Only what is marked as belonging to the application is removed.
  - Backups and snapshots left by failed attempts are removed too, if they are older than the newest checkpoint. What is needed by
    checkpoints copied the other way, while the application ran at the remote site, is kept. Those are in the catalogue of the primary
    site, in a container of the same name. Where that cannot be read, or O(primary_cloud) is omitted, only what belonged to the removed
    checkpoints is removed, with a warning about how much was kept.
  - Checkpoints that cannot be restored do not count as kept, and neither they nor those that are being restored are
    removed. If a manifest is unreadable, nothing is removed, because the backups that it needs are unknown.
  - Volumes and backups that O(osdr.openstack.os_backup_replicate#module:verification=restore) made at the remote site for comparison, and
    an interrupted run left there, are removed too. They are marked with the id of a backup; those are removed whose backup belongs to the
    application or no longer exists.
  - Do not run it while a checkpoint of the same application is being taken.
extends_documentation_fragment:
  - osdr.openstack.auth
  - osdr.openstack.catalogue
  - osdr.openstack.effort
  - osdr.openstack.attributes
options:
  cloud:
    description:
      - The remote site, in the project that owns the copies; the cloud with the catalogue.
    type: raw
  primary_cloud:
    description:
      - The primary site in the application's project, by name or as a dictionary. When omitted, nothing is removed there;
        a later run with it does so. Its catalogue is only read.
    type: raw
  application:
    description:
      - Name of the application.
    type: str
    required: true
  keep:
    description:
      - Which checkpoints are kept. A checkpoint is kept when any rule keeps it. Required without O(leading_cloud).
    type: dict
    suboptions:
      last:
        description:
          - How many of the newest checkpoints.
        type: int
        default: 0
      hourly:
        description:
          - The newest checkpoint of each of the last so many hours that have one. Hours, days, ... are in UTC.
        type: int
        default: 0
      daily:
        description:
          - The same for days.
        type: int
        default: 0
      weekly:
        description:
          - The same for weeks.
        type: int
        default: 0
      monthly:
        description:
          - The same for months.
        type: int
        default: 0
  leading_cloud:
    description:
      - For the other projects of an application over several, the remote site in the leading project, by name or as a dictionary. Kept are the
        checkpoints that its catalogue has, and newer ones, which may be about to be published there.
    type: raw
seealso:
  - module: osdr.openstack.os_checkpoint_info
  - module: osdr.openstack.os_backup_replicate
"""

EXAMPLES = r"""
- name: Keep the last three checkpoints, one a day for a week, and one a month for a year
  osdr.openstack.os_checkpoint_prune:
    cloud: remote
    primary_cloud: primary
    application: shop
    keep:
      last: 3
      daily: 7
      monthly: 12
"""

RETURN = r"""
prune:
  description: What was kept and removed; in check mode, what would be.
  returned: success
  type: dict
  contains:
    kept:
      description: The checkpoints that were kept, each with the rules that keep it.
      type: list
      elements: dict
      sample:
        - id: 2026-11-22-noon
          reasons: [last, daily]
    removed:
      description: Ids of the checkpoints that were removed.
      type: list
      elements: str
    backups:
      description: Ids of the backups that were removed, per site.
      type: dict
    snapshots:
      description: Ids of the snapshots that were removed, per site.
      type: dict
    scratch:
      description: Ids of the removed volumes, backups and images that had been made only for comparison, per site and kind.
      type: dict
"""

import dataclasses

from ansible_collections.osdr.openstack.plugins.module_utils import args
from ansible_collections.osdr.openstack.plugins.module_utils.application.definition import require_name
from ansible_collections.osdr.openstack.plugins.module_utils.catalogue.catalogue import Catalogue
from ansible_collections.osdr.openstack.plugins.module_utils.catalogue.pruning import Pruning
from ansible_collections.osdr.openstack.plugins.module_utils.catalogue.publication import Publication
from ansible_collections.osdr.openstack.plugins.module_utils.catalogue.retention import RULES, Following, Policy
from ansible_collections.osdr.openstack.plugins.module_utils.cloud.block_storage import BlockStorage
from ansible_collections.osdr.openstack.plugins.module_utils.cloud.session import connect, connect_other
from ansible_collections.osdr.openstack.plugins.module_utils.copies.scratch import Scratch
from ansible_collections.osdr.openstack.plugins.module_utils.core.errors import reported
from ansible_collections.osdr.openstack.plugins.module_utils.work.interruption import Interruption
from ansible_collections.osdr.openstack.plugins.module_utils.work.waiting import Waiter


def run(module):
    params = module.params
    application = require_name("the name of an application", params["application"])
    policy = _policy(params, application)
    remote = _publication(connect(params), params)
    primary = _publication(connect_other(params["primary_cloud"]), params) if params["primary_cloud"] else None
    waiter = Waiter(timeout=params["timeout"], interval=1.0)
    pruning = Pruning(remote, primary, waiter, params["concurrency"])
    plan = pruning.plan(application, policy)
    scratch = [(storage, Scratch.left_of(storage, application)) for storage, _parts in plan.sites]
    if not module.check_mode:
        plan = pruning.carry_out(plan)
        for storage, left in scratch:
            left.idle.remove(storage, waiter)
    busy = [f"{one.name} ({one.id}) on site '{storage.cloud.site}' is {one.status}. It was kept." for storage, left in scratch for one in left.busy]
    for warning in pruning.warnings + busy:
        module.warn(warning)
    result = {**_result(plan), "scratch": {storage.cloud.site: left.idle.ids for storage, left in scratch}}
    kept = [one["id"] for one in result["kept"]]
    diff = {"before": {"checkpoints": sorted(kept + result["removed"])}, "after": {"checkpoints": sorted(kept)}}
    return {"changed": plan.changes or any(left.idle for _storage, left in scratch), "prune": result, "diff": diff}


def _policy(params, application):
    if params["leading_cloud"]:
        return Following.of(Catalogue.of(connect_other(params["leading_cloud"]), params).listing(application))
    return Policy.parse(params["keep"])


def _publication(cloud, params):
    return Publication(Catalogue.of(cloud, params), BlockStorage(cloud))


def _result(plan):
    return {
        "kept": [{**dataclasses.asdict(one), "reasons": list(one.reasons)} for one in plan.retention.keep],
        "removed": [one.checkpoint.id for one in plan.retention.remove],
        "backups": {storage.cloud.site: _ids(gone.parts) for storage, gone in plan.sites},
        "snapshots": {storage.cloud.site: _ids(gone.snapshots) for storage, gone in plan.sites},
    }


def _ids(resources):
    return [one.id for one in resources]


def main():
    module = args.Module(
        argument_spec=args.spec(
            args.AUTH,
            args.CATALOGUE,
            args.EFFORT,
            {
                "primary_cloud": {"type": "raw"},
                "application": {"type": "str", "required": True},
                "leading_cloud": {"type": "raw"},
                "keep": {"type": "dict", "options": {rule: {"type": "int", "default": 0} for rule in RULES}},
            },
        ),
        required_one_of=[("keep", "leading_cloud")],
        mutually_exclusive=[("keep", "leading_cloud")],
        supports_check_mode=True,
    )
    with reported(module), Interruption().installed():
        result = run(module)
    module.exit_json(**result)


if __name__ == "__main__":
    main()
