# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: os_restore_check
short_description: Find out whether a checkpoint can be restored at a site
version_added: 0.1.0
author:
  - The osdr.openstack authors (!UNKNOWN)
description:
  - Checks, before the first change, everything that a whole restore needs at a site, and reports all problems together.
    That is quotas, flavors, volume types, availability zones, server groups, the backups with all that they build on, external networks, ambiguous
    names, key pairs, health checks that are commands, and whether fixed addresses and MAC addresses are free.
  - Requests that the site's own rules would refuse are problems too, such as more metadata than Nova takes, a router that needs an address
    which another port has, ranges that overlap, and floating addresses to which no router leads.
  - With O(mapping), the names and addresses are those of the application at the site. Names that the mapping expects there but do not
    exist, addresses outside their subnets, and addresses needed by two ports are problems too.
  - On networks of other projects, which a restore uses and never changes, members may usually choose neither addresses nor MAC addresses. Ports that
    need some are a problem without an administrator (O(admin_cloud)), and warnings name what else they will lack, such as allowed address pairs.
  - Warns of what only the site's policies decide, and of quotas that the credentials may not read; and of what an earlier run of the same restore made
    without something that the checkpoint has.
  - Of what is there already under the application's names, and is used as it is, warnings name every attribute that differs from what the checkpoint
    describes, with both values. Where the restore would fail with it, that is a problem.
  - For encrypted volumes, O(volume_private_key) must open their keys, the site must have a key manager and volume types that encrypt in the same
    way, and O(import_cloud) and O(store_cloud) must be right.
  - What an earlier run of the same restore already made is not needed again.
  - Changes nothing; membership in the project at the site suffices.
extends_documentation_fragment:
  - osdr.openstack.auth
  - osdr.openstack.catalogue
  - osdr.openstack.checkpoint
  - osdr.openstack.mapping
  - osdr.openstack.command_checks
  - osdr.openstack.drill
  - osdr.openstack.encrypted
  - osdr.openstack.servers
  - osdr.openstack.other_parts
  - osdr.openstack.attributes
  - osdr.openstack.attributes.info_module
options:
  user_data_key:
    description:
      - The passphrase with which user data in the manifest was encrypted, to verify it.
    type: str
  admin_cloud:
    description:
      - The same site as an administrator, if M(osdr.openstack.os_restore_servers) gets it too. It sees which addresses on networks of other projects
        are in use.
    type: raw
  remove_old:
    description:
      - Whether M(osdr.openstack.os_application_supersede) will remove the application's old servers at the site. The check assumes that they are
        gone, and reports those that must not be removed. A drill replaces nothing.
    type: bool
    default: false
  keep_volumes:
    description:
      - Whether the volumes of the removed servers will be kept.
    type: bool
    default: false
  fail_on_problems:
    description:
      - Whether problems make the module fail. They are returned in any case.
    type: bool
    default: true
  concurrency:
    description:
      - How many calls of the site's APIs are made in parallel.
    type: int
    default: 8
seealso:
  - module: osdr.openstack.os_restore_mapping_info
  - module: osdr.openstack.os_restore_volumes
  - module: osdr.openstack.os_restore_servers
"""

EXAMPLES = r"""
- name: Choose the newest checkpoint
  osdr.openstack.os_checkpoint_info:
    cloud: remote
    application: shop
    require: true
  register: found

- name: Could it be restored now?
  osdr.openstack.os_restore_check:
    cloud: remote
    application: shop
    checkpoint: "{{ found.checkpoint.id }}"
    digest: "{{ found.checkpoint.digest }}"

- name: And where a flavor has another name, and the subnet another range?
  osdr.openstack.os_restore_check:
    cloud: remote
    application: shop
    checkpoint: "{{ found.checkpoint.id }}"
    digest: "{{ found.checkpoint.digest }}"
    mapping:
      schema_version: 1
      flavors:
        lab.db: dr.large
      subnets:
        shop-subnet:
          name: shop-subnet
          cidr: 10.20.0.0/24
      addresses:
        policy: remap
"""

RETURN = r"""
restore_check:
  description: What was found.
  returned: always, but for failures of the site itself
  type: dict
  contains:
    application:
      description: Name of the application.
      type: str
    checkpoint:
      description: Id of the checkpoint.
      type: str
    problems:
      description: What would make the restore fail, each with what to do. Empty when nothing would.
      type: list
      elements: str
    needs:
      description: What the restore takes of the project's quotas.
      type: list
      elements: dict
      contains:
        resource:
          description: Name of the quota.
          type: str
        needed:
          description: How much the restore takes; C(gigabytes) are GiB, C(ram) is MiB.
          type: int
        left:
          description: How much is left; null when there is no limit.
          type: int
    missing:
      description:
        - The parts of the application's topology that must be made before its servers, as the manifest describes them, with the names
          and addresses of O(mapping).
        - An existing router that lacks a subnet is listed with the ids of the subnets that it has and the names of those that it
          lacks; a security group whose rules differ from those at the source, with all the rules that it will get.
      type: dict
      contains:
        networks:
          description: Networks.
          type: list
          elements: dict
        subnets:
          description: Subnets.
          type: list
          elements: dict
        routers:
          description: Routers.
          type: list
          elements: dict
        security_groups:
          description: Security groups.
          type: list
          elements: dict
        address_groups:
          description: Address groups.
          type: list
          elements: dict
        server_groups:
          description: Server groups.
          type: list
          elements: dict
        key_pairs:
          description: Key pairs.
          type: list
          elements: dict
  sample:
    application: shop
    checkpoint: 2026-11-22-noon
    problems: []
    needs:
      - resource: volumes
        needed: 5
        left: 100
    missing:
      networks: []
      subnets: []
      routers: []
      security_groups: []
      address_groups: []
      server_groups: []
      key_pairs:
        - name: shop
          public_key: ssh-ed25519 AAAA shop
"""

import dataclasses

from ansible_collections.osdr.openstack.plugins.module_utils import args
from ansible_collections.osdr.openstack.plugins.module_utils.catalogue.published import published
from ansible_collections.osdr.openstack.plugins.module_utils.cloud.session import connect, connect_other
from ansible_collections.osdr.openstack.plugins.module_utils.core.errors import CheckFailed, reported
from ansible_collections.osdr.openstack.plugins.module_utils.failover.preflight import Conditions, assess
from ansible_collections.osdr.openstack.plugins.module_utils.failover.superseded import removal_problems, root_disk_problems
from ansible_collections.osdr.openstack.plugins.module_utils.manifest import user_data
from ansible_collections.osdr.openstack.plugins.module_utils.mapping import parts
from ansible_collections.osdr.openstack.plugins.module_utils.mapping.isolation import Wish
from ansible_collections.osdr.openstack.plugins.module_utils.restore import sealed
from ansible_collections.osdr.openstack.plugins.module_utils.restore import stock as restore_stock
from ansible_collections.osdr.openstack.plugins.module_utils.restore.site import look
from ansible_collections.osdr.openstack.plugins.module_utils.restore.topology import as_dicts


def check(module):
    params = module.params
    cloud, means = connect(params), sealed.Means.parse(params)
    wish = Wish.parse(published(cloud, params), params["mapping"], params["drill"], params["servers"])
    wish = dataclasses.replace(wish, manifest=user_data.opened(wish.manifest, params["user_data_key"]))
    admin = connect_other(params["admin_cloud"]) if params["admin_cloud"] else None
    stock = restore_stock.look(cloud, params["concurrency"], wish.source.copies, admin)
    others = [other_part(params, one) for one in params["others"] or ()]
    parted = [*parts.part_problems(wish, others), *parts.share_problems(wish, others, stock.site)]
    stock = dataclasses.replace(stock, site=parts.as_promised(stock.site, wish, others))
    conditions = Conditions(params["remove_old"], params["keep_volumes"], params["command_checks"])
    found = assess(wish, conditions, stock)
    old_problems = removal_problems(wish.manifest, stock.site.name, found.old) if conditions.remove_old else []
    old_problems += root_disk_problems(stock.site.name, found.old, conditions.keep_volumes) if conditions.remove_old else []
    sealed_problems, sealed_doubts = sealed.check(found.plan.volumes, means, cloud)
    for doubt in (*found.doubts, *sealed_doubts):
        module.warn(doubt)
    return {
        "application": wish.manifest.application.name,
        "checkpoint": wish.manifest.checkpoint.id,
        "problems": [*parted, *old_problems, *found.problems, *sealed_problems],
        "needs": [dataclasses.asdict(need) for need in found.needs],
        "missing": as_dicts(found.plan.lacking),
    }


def other_part(params, given):
    cloud = connect_other(given["cloud"])
    manifest = published(cloud, {**params, **given})
    return parts.OtherPart(Wish.parse(manifest, given["mapping"]), look(cloud, params["concurrency"]))


def main():
    module = args.Module(
        argument_spec=args.spec(
            args.AUTH,
            args.CATALOGUE,
            args.CHECKPOINT,
            args.USER_DATA_KEY,
            args.MAPPING,
            args.COMMAND_CHECKS,
            args.DRILL,
            args.ENCRYPTED,
            args.SERVERS,
            args.ADMIN_CLOUD,
            args.OTHER_PARTS,
            {
                "remove_old": {"type": "bool", "default": False},
                "keep_volumes": {"type": "bool", "default": False},
                "fail_on_problems": {"type": "bool", "default": True},
                "concurrency": {"type": "int", "default": 8},
            },
        ),
        supports_check_mode=True,
    )
    with reported(module):
        result = check(module)
    if result["problems"] and module.params["fail_on_problems"]:
        what = f"Checkpoint '{result['checkpoint']}' of application '{result['application']}' cannot be restored"
        error = CheckFailed(what, result["problems"])
        module.fail_json(msg=str(error), error=error.as_result(), restore_check=result)
    module.exit_json(changed=False, restore_check=result)


if __name__ == "__main__":
    main()
