#!/usr/bin/python
# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: os_restore_networks
short_description: Make the networks that a restore needs at a site
version_added: 0.1.0
author:
  - The osdr.openstack authors (!UNKNOWN)
description:
  - Makes networks, subnets, routers, security groups, server groups and key pairs that a checkpoint's manifest describes and the site lacks.
  - What is there under the same name is used as it is, with two exceptions. A router that lacks one of the application's subnets gets it, and
    a security group gets the rules that it had at the source; the project's group C(default) only gets more rules.
  - What is made is marked with application and checkpoint, in the request that makes it, so that M(osdr.openstack.os_restore_cleanup) can
    find it. A key pair is marked in the comment of its public key. What was there before is not marked,
    nor are server groups, on which Nova keeps nothing but their name.
extends_documentation_fragment:
  - osdr.openstack.auth
  - osdr.openstack.manifest
  - osdr.openstack.mapping
  - osdr.openstack.drill
  - osdr.openstack.attributes
options:
  concurrency:
    description:
      - How many resources of a site are worked on at once.
    type: int
    default: 8
seealso:
  - module: osdr.openstack.os_restore_check
  - module: osdr.openstack.os_restore_servers
  - module: osdr.openstack.os_restore_cleanup
"""

EXAMPLES = r"""
- name: Make what the newest checkpoint needs around its servers
  osdr.openstack.os_restore_networks:
    cloud: remote
    manifest: "{{ found.manifest }}"
"""

RETURN = r"""
made:
  description: Names of what was made or completed, per kind.
  returned: success
  type: dict
  contains:
    networks:
      description: Networks.
      type: list
      elements: str
    subnets:
      description: Subnets.
      type: list
      elements: str
    routers:
      description: Routers.
      type: list
      elements: str
    security_groups:
      description: Security groups.
      type: list
      elements: str
    key_pairs:
      description: Key pairs.
      type: list
      elements: str
    server_groups:
      description: Server groups.
      type: list
      elements: str
  sample:
    networks: [shop-net]
    subnets: [shop-subnet]
    routers: [shop-router]
    security_groups: [shop]
    key_pairs: []
    server_groups: [shop-apart]
"""

from ansible_collections.osdr.openstack.plugins.module_utils import args
from ansible_collections.osdr.openstack.plugins.module_utils.cloud.session import connect
from ansible_collections.osdr.openstack.plugins.module_utils.core.errors import reported
from ansible_collections.osdr.openstack.plugins.module_utils.mapping.isolation import manifest_of
from ansible_collections.osdr.openstack.plugins.module_utils.restore.networks import NetworkRestore, shown


def run(module):
    manifest = manifest_of({**module.params, "state": "present"})
    restore = NetworkRestore(connect(module.params), manifest, module.params["concurrency"])
    plan = restore.plan()
    if not module.check_mode:
        restore.apply(plan)
    made = shown(plan)
    diff = {"before": {kind: [] for kind in made}, "after": made}
    return {"changed": any(made.values()), "made": made, "diff": diff}


def main():
    module = args.Module(
        argument_spec=args.spec(
            args.AUTH,
            args.MANIFEST,
            args.MAPPING,
            args.DRILL,
            {"concurrency": {"type": "int", "default": 8}},
        ),
        supports_check_mode=True,
    )
    with reported(module):
        result = run(module)
    module.exit_json(**result)


if __name__ == "__main__":
    main()
