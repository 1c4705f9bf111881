#!/usr/bin/python
# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: os_restore_cleanup
short_description: Remove what a restore or a drill made at a site
version_added: 0.1.0
author:
  - The osdr.openstack authors (!UNKNOWN)
description:
  - Removes exactly the servers, ports, floating addresses, volumes, routers, subnets, networks, security groups, address groups and key
    pairs that have the marks of one restore or one drill. The marks suffice; neither the manifest nor a record of the run is needed.
  - What others use by now is kept, with a warning. That is a network or subnet with others' ports, the routers connected to it, a
    security group used by others' ports or rules, an address group named by others' rules, a volume attached to another server, and a
    floating address that leads or forwards to others' ports.
  - Server groups cannot be marked. Those of a drill are found by their names and removed too, unless other servers are in them; those of
    a real restore are kept.
  - What existed before the restore is not marked, and is kept.
extends_documentation_fragment:
  - osdr.openstack.auth
  - osdr.openstack.effort
  - osdr.openstack.attributes
options:
  application:
    description:
      - Name of the application.
    type: str
    required: true
  checkpoint:
    description:
      - Id of the checkpoint that was restored.
    type: str
    required: true
  drill:
    description:
      - The id of the drill. When both this and O(beside) are omitted, the real restore of the checkpoint is removed, which is the application
        itself where it runs now.
    type: str
  beside:
    description:
      - The id that was given to M(osdr.openstack.os_restore_beside), to remove the volumes that it made. Not together with O(drill).
    type: str
notes:
  - Waits for volumes that Cinder is still working on, because they cannot be deleted before.
seealso:
  - module: osdr.openstack.os_restore_beside
  - module: osdr.openstack.os_restore_networks
  - module: osdr.openstack.os_restore_volumes
  - module: osdr.openstack.os_restore_servers
"""

EXAMPLES = r"""
- name: Remove what an interrupted drill left
  osdr.openstack.os_restore_cleanup:
    cloud: remote
    application: shop
    checkpoint: 2026-11-22-noon
    drill: 20261122130000-3f2a

- name: Remove a volume that was restored beside the running server
  osdr.openstack.os_restore_cleanup:
    cloud: primary
    application: shop
    checkpoint: 2026-11-22-noon
    beside: incident-42
"""

RETURN = r"""
removed:
  description: Names and ids of what was removed, per kind; kinds of which there was nothing are left out.
  returned: success
  type: dict
  sample:
    servers: ["drill-20261122130000-3f2a-orders-db (45c48cce-2e2d-4fbd-9f1c-2c3e7a0f5a3b)"]
    key_pairs: [drill-20261122130000-3f2a-shop]
left:
  description: What has the marks but was kept, each with the reason.
  returned: success
  type: list
  elements: str
others:
  description: Other restores and drills of the application that have resources at the site.
  returned: success
  type: list
  elements: dict
  contains:
    checkpoint:
      description: Id of the checkpoint.
      type: str
    drill:
      description: Id of the drill; null for a real restore.
      type: str
    beside:
      description: Id of what was restored beside the application; null for all else.
      type: str
    resources:
      description: How many resources have its marks.
      type: int
"""

from ansible_collections.osdr.openstack.plugins.module_utils import args
from ansible_collections.osdr.openstack.plugins.module_utils.cloud.session import connect
from ansible_collections.osdr.openstack.plugins.module_utils.core.errors import CheckFailed, reported
from ansible_collections.osdr.openstack.plugins.module_utils.restore.cleanup import Cleanup
from ansible_collections.osdr.openstack.plugins.module_utils.restore.marks import named_owner
from ansible_collections.osdr.openstack.plugins.module_utils.work.waiting import Waiter


def owner_of(params):
    return named_owner(params["application"], params["checkpoint"], params["drill"], params["beside"])


def refuse_roll_back(owner, removal):
    """Refuse to remove an application that was rolled back: its servers have the marks of the roll-back."""
    if owner.apart is not None and (removal.servers.servers or removal.servers.ports):
        what = f"What has the id '{owner.apart}' of application '{owner.application}' cannot be removed"
        raise CheckFailed(what, ["It is a roll-back: these are the application's servers or ports. Undo it or accept it (os_application_roll_back)."])


def run(module, cleanup):
    removal = cleanup.plan()
    refuse_roll_back(cleanup.owner, removal)
    left = list(removal.left)
    if not module.check_mode:
        left += cleanup.apply(removal)
    for one in left:
        module.warn(one)
    removed = {**removal.shown(), **cleanup.scaffolding.shown()}
    diff = {"before": removed, "after": {}}
    return {"changed": bool(removed), "removed": removed, "left": left, "others": cleanup.others(), "diff": diff}


def main():
    module = args.Module(
        argument_spec=args.spec(
            args.AUTH,
            args.EFFORT,
            {
                "application": {"type": "str", "required": True},
                "checkpoint": {"type": "str", "required": True},
                "drill": {"type": "str"},
                "beside": {"type": "str"},
            },
        ),
        mutually_exclusive=[("drill", "beside")],
        supports_check_mode=True,
    )
    with reported(module):
        owner = owner_of(module.params)
        waiter = Waiter(timeout=module.params["timeout"], interval=1.0)
        result = run(module, Cleanup(connect(module.params), owner, waiter, module.params["concurrency"]))
    module.exit_json(**result)


if __name__ == "__main__":
    main()
