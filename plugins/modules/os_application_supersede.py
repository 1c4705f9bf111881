#!/usr/bin/python
# SPDX-FileCopyrightText: The osdr.openstack authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: os_application_supersede
short_description: Remove an application's old servers at a site before a newer state is restored there
version_added: 0.1.0
author:
  - The osdr.openstack authors (!UNKNOWN)
description:
  - The servers that an application left at a site when it was moved away hold the addresses that it needs when it comes back. This removes
    them, but only when each of them is fenced (M(osdr.openstack.os_application_fence)), says that the application runs where the checkpoint was taken,
    and was fenced before the checkpoint was taken. It refuses otherwise, and removes nothing.
  - A port exactly like the one that the restore of the checkpoint would make is kept for it, with its floating address. Other ports are
    removed, with floating addresses that an earlier restore allocated for them. Other floating addresses of theirs stay in the project.
    Ports that Nova itself made are deleted with their server in any case.
  - Resources of a restore of the same checkpoint are not touched, nor are ports and floating addresses of other projects.
  - With O(servers), servers with the names of the checkpoint's other servers are not touched either.
extends_documentation_fragment:
  - osdr.openstack.auth
  - osdr.openstack.effort
  - osdr.openstack.catalogue
  - osdr.openstack.checkpoint
  - osdr.openstack.mapping
  - osdr.openstack.servers
  - osdr.openstack.attributes
options:
  keep_volumes:
    description:
      - Whether to keep the volumes of the servers.
    type: bool
    default: false
  admin_cloud:
    description:
      - The same site as an administrator. Needed where the servers were locked by one.
    type: raw
seealso:
  - module: osdr.openstack.os_application_fence
  - module: osdr.openstack.os_restore_servers
"""

EXAMPLES = r"""
- name: Make room for what comes back
  osdr.openstack.os_application_supersede:
    cloud: primary
    admin_cloud: primary-admin
    application: shop
    checkpoint: "{{ found.checkpoint.id }}"
    digest: "{{ found.checkpoint.digest }}"
"""

RETURN = r"""
superseded:
  description: The servers that were, or in check mode would be, removed.
  returned: success
  type: list
  elements: dict
  contains:
    server:
      description: Name of the server.
      type: str
    server_id:
      description: Its id.
      type: str
    addresses:
      description: Its fixed addresses.
      type: list
      elements: str
    ports_handed_over:
      description: Ids of the ports that the restore will use.
      type: list
      elements: str
    ports_removed:
      description: Ids of the other ports.
      type: list
      elements: str
    volumes:
      description: Ids of its volumes.
      type: list
      elements: str
  sample:
    - server: orders-db
      server_id: 9d1c2a44-5a0e-4b7c-9c39-1c8f5f2f7b11
      addresses: [10.10.0.11]
      ports_handed_over: [c9f0f895-fb98-4b91-99f5-1fd0297e236d]
      ports_removed: []
      volumes: [45c48cce-2e2d-4fbd-9f1c-2c3e7a0f5a3b]
"""

from ansible_collections.osdr.openstack.plugins.module_utils import args
from ansible_collections.osdr.openstack.plugins.module_utils.catalogue.published import published
from ansible_collections.osdr.openstack.plugins.module_utils.cloud.compute import Compute
from ansible_collections.osdr.openstack.plugins.module_utils.cloud.network import Networking
from ansible_collections.osdr.openstack.plugins.module_utils.cloud.session import connect, connect_other
from ansible_collections.osdr.openstack.plugins.module_utils.core.errors import CheckFailed, reported
from ansible_collections.osdr.openstack.plugins.module_utils.failover import superseded
from ansible_collections.osdr.openstack.plugins.module_utils.mapping.isolation import Wish
from ansible_collections.osdr.openstack.plugins.module_utils.restore import site as restore_site
from ansible_collections.osdr.openstack.plugins.module_utils.restore.plan import RestorePlan
from ansible_collections.osdr.openstack.plugins.module_utils.work.waiting import Waiter


def plan(params, manifest, site):
    wish = Wish.parse(manifest, params["mapping"], servers=params["servers"])
    olds = superseded.plan_superseded(RestorePlan.of(wish.manifest_there(), site), wish.manifest)
    problems = superseded.removal_problems(wish.manifest, site.name, olds)
    problems += superseded.root_disk_problems(site.name, olds, params["keep_volumes"])
    if problems:
        raise CheckFailed(f"What application '{wish.manifest.application.name}' left at site '{site.name}' cannot be removed", problems)
    return olds


def run(module, cloud):
    params = module.params
    acting = connect_other(params["admin_cloud"]) if params["admin_cloud"] else cloud
    manifest = published(cloud, params)
    olds = plan(params, manifest, restore_site.look(cloud, params["concurrency"]))
    if not module.check_mode:
        waiter = Waiter(timeout=params["timeout"], interval=1.0)
        by_admin = acting.project_id != cloud.project_id
        superseded.OldServerRemover(
            Compute(acting), Networking(cloud), waiter, params["concurrency"], by_admin, params["keep_volumes"]
        ).remove(olds)
    described = [old.as_dict() for old in olds]
    return {
        "changed": bool(olds),
        "superseded": described,
        "diff": {"before": {"servers": described}, "after": {"servers": []}},
    }


def main():
    module = args.Module(
        argument_spec=args.spec(
            args.AUTH,
            args.EFFORT,
            args.CATALOGUE,
            args.CHECKPOINT,
            args.MAPPING,
            args.SERVERS,
            {
                "keep_volumes": {"type": "bool", "default": False},
                "admin_cloud": {"type": "raw"},
            },
        ),
        supports_check_mode=True,
    )
    with reported(module):
        result = run(module, connect(module.params))
    module.exit_json(**result)


if __name__ == "__main__":
    main()
