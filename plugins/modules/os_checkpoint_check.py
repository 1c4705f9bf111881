#!/usr/bin/python
# SPDX-FileCopyrightText: The osdr.openstack authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: os_checkpoint_check
short_description: Find out whether a checkpoint could be taken and copied now
version_added: 0.1.0
author:
  - The osdr.openstack authors (!UNKNOWN)
description:
  - Checks, before the first change, everything that a checkpoint needs on both sites. That is the servers and volumes and their
    states, whether each server can be frozen and guarded, the quotas for snapshots and backups at the primary site and
    for the imported records and for volumes restored to be compared at the remote site, whether records may be imported there and the objects of backups can be
    read, the credentials, the catalogue, and the clocks of the sites and of the controller.
  - Fails with a list of all problems, or succeeds.
extends_documentation_fragment:
  - osdr.openstack.auth
  - osdr.openstack.application
  - osdr.openstack.quiesce.window
  - osdr.openstack.catalogue
  - osdr.openstack.replication
  - osdr.openstack.attributes
  - osdr.openstack.attributes.info_module
options:
  name:
    description:
      - The id of the checkpoint. What an interrupted run made with this id counts as done. Other backups with this id that cannot
        be replaced are a problem.
    type: str
    required: true
  consistency:
    description:
      - The least consistency that the checkpoint must have; it decides whether O(quiesce.driver=auto) may pause servers.
    type: str
    choices: [offline, quiesced, paused, crash]
    default: quiesced
  site:
    description:
      - Name of the primary site in records and manifests. If given, the newest record of where the application runs
        (M(osdr.openstack.os_active_site)) must name this site, and be readable. The records are read from the catalogues of both sites.
    type: str
  grouping:
    description:
      - Which volumes are to be snapshotted together, as O(osdr.openstack.os_cg_snapshot#module:grouping) takes it.
    type: str
    choices: [auto, individual, generic, consistent]
    default: auto
  concurrency:
    description:
      - How many servers are probed in parallel.
    type: int
    default: 8
  backup_concurrency:
    description:
      - How many volumes will be restored at the same time for O(verification=restore), which needs room in the remote site's quotas, the
        O(osdr.openstack.os_backup_replicate#module:concurrency) of the module that copies.
    type: int
    default: 8
  availability_zone:
    description:
      - Availability zone of the backup service that will make the backups. That of each volume when omitted.
    type: str
    default: ""
  others:
    description:
      - The other projects in which servers of the application are, each with credentials of its own at both sites. O(admin_cloud) must see the servers
        of all of them.
      - O(cloud) and O(remote_cloud) are those of the leading project, in whose catalogue the checkpoint is looked for.
    type: list
    elements: dict
    default: []
    suboptions:
      cloud:
        description: The primary site in this project, by name or as a dictionary.
        type: raw
        required: true
      admin_cloud:
        description: The primary site as an administrator with a role in this project. O(others[].cloud) when omitted.
        type: raw
      remote_cloud:
        description: The remote site in the project that will own the copies. Each project needs one of its own.
        type: raw
        required: true
      remote_admin_cloud:
        description: The remote site as an administrator with a role in that project. O(others[].remote_cloud) when omitted.
        type: raw
      store_cloud:
        description: The object store account of the primary site's backup service. O(others[].cloud) when omitted.
        type: raw
      remote_store_cloud:
        description: The object store account of the remote site's backup service. O(others[].remote_cloud) when omitted.
        type: raw
seealso:
  - module: osdr.openstack.os_cg_snapshot
  - module: osdr.openstack.os_backup_replicate
"""

EXAMPLES = r"""
- name: Could we take a checkpoint now?
  osdr.openstack.os_checkpoint_check:
    cloud: primary
    admin_cloud: primary-admin
    remote_cloud: remote
    remote_admin_cloud: remote-admin
    name: "2026-11-22-noon"
    application: "{{ shop }}"
    quiesce:
      admin_cloud: primary-admin
"""

RETURN = r"""
checkpoint_check:
  description: What a checkpoint would comprise.
  returned: success
  type: dict
  contains:
    servers:
      description: Names of the servers.
      type: list
      elements: str
    volumes:
      description: Number of volumes.
      type: int
    gigabytes:
      description: Their size together.
      type: int
    freezes:
      description: How each server would be frozen, except those that stand still by themselves. Empty without O(quiesce).
      type: list
      elements: dict
      contains:
        id:
          description: Id of the server.
          type: str
        name:
          description: Name of the server.
          type: str
        driver:
          description: By which driver.
          type: str
        guard:
          description: Where the guard would run that thaws it whatever happens, V(nova), V(guest), both (V(nova, guest)) or V(controller).
          type: str
        passed_over:
          description: Why better drivers do not qualify, per name.
          type: dict
        probed_at:
          description: When it was probed, by the controller's clock.
          type: str
        answer:
          description: Seconds until its guest agent answered. Null when none was asked.
          type: float
        longest:
          description: Seconds for which the site lets it be frozen at most. Null when it does not say.
          type: int
    forecast:
      description: How long the servers will stand still. Null when none is frozen.
      type: dict
      contains:
        freeze:
          description: Seconds from the first freeze request until the last server is frozen.
          type: float
        snapshots:
          description: Seconds from then until the last snapshot is complete.
          type: float
        thaw:
          description: Seconds from then until the last server is thawed. Others are thawed before, as soon as their own snapshots are complete.
          type: float
        window:
          description: All of it.
          type: float
        by:
          description: Id of the checkpoint whose window was measured. Null when it is known only how quickly the site answers now; then it is the least.
          type: str
        decides:
          description: What makes it as long as it is.
          type: str
    parts:
      description: What each project has of the application, that of O(cloud) first, then those of O(others). Empty without O(others).
      type: list
      elements: dict
      contains:
        project_id:
          description: Id of the project at the primary site.
          type: str
        application:
          description: The definition with the servers of this project only.
          type: dict
        together:
          description: What O(osdr.openstack.os_checkpoint#module:together) takes.
          type: dict
"""

from ansible_collections.osdr.openstack.plugins.module_utils import args
from ansible_collections.osdr.openstack.plugins.module_utils.checkpoint.check import CheckpointCheck
from ansible_collections.osdr.openstack.plugins.module_utils.checkpoint.intended import IntendedCheckpoint
from ansible_collections.osdr.openstack.plugins.module_utils.checkpoint.sides import Side
from ansible_collections.osdr.openstack.plugins.module_utils.core.consistency import LEVELS
from ansible_collections.osdr.openstack.plugins.module_utils.core.errors import reported
from ansible_collections.osdr.openstack.plugins.module_utils.snapshots.grouping import POLICIES

#: The credentials of another project.
OTHER = {
    "cloud": {"type": "raw", "required": True},
    "admin_cloud": {"type": "raw"},
    "remote_cloud": {"type": "raw", "required": True},
    "remote_admin_cloud": {"type": "raw"},
    "store_cloud": {"type": "raw"},
    "remote_store_cloud": {"type": "raw"},
}


def run(params):
    intended = IntendedCheckpoint.parse(params)
    projects = [params, *({**params, **other} for other in params["others"])]
    return CheckpointCheck(intended, [Side.connect(one) for one in projects]).run()


def main():
    module = args.Module(
        argument_spec=args.spec(
            args.AUTH,
            args.APPLICATION,
            args.CATALOGUE,
            args.REPLICATION,
            {
                "name": {"type": "str", "required": True},
                "consistency": {"type": "str", "choices": list(LEVELS), "default": "quiesced"},
                "quiesce": {"type": "dict", "options": args.QUIESCE},
                "site": {"type": "str"},
                "grouping": {"type": "str", "choices": list(POLICIES), "default": "auto"},
                "concurrency": {"type": "int", "default": 8},
                "backup_concurrency": {"type": "int", "default": 8},
                "availability_zone": {"type": "str", "default": ""},
                "others": {"type": "list", "elements": "dict", "default": [], "options": OTHER},
            },
        ),
        supports_check_mode=True,
    )
    with reported(module):
        result = run(module.params)
    module.exit_json(changed=False, **result)


if __name__ == "__main__":
    main()
