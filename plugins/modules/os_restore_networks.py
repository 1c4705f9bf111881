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
  - Makes networks, subnets, routers, security groups, address groups, server groups and key pairs that a checkpoint's manifest describes and the
    site lacks.
  - What exists with the same name in the project is used as it is, with three exceptions. What an interrupted run of the same restore made is completed.
    A router that lacks one of the application's subnets gets it, and a security group gets the rules that it had at the source; the project's group
    C(default) only gets more rules. Warnings name all in which it differs from the manifest, with both values.
  - What other projects share with this one is used if it has the name, and never changed, whatever the credentials allow. No subnet is made on such a
    network, and no router is connected to one. Security groups and address groups of the application are made in the project even if another project
    shares some of their names. Networks that belonged to another project at the source are not made either, unless O(mapping) says so.
  - A subnet is made with allocation pools that lack the application's addresses, so that the site's own DHCP, metadata and router ports take
    none of them. M(osdr.openstack.os_restore_servers) sets the pools of the source once all ports have their addresses.
  - What is made is marked with application and checkpoint, in the request that makes it, so that M(osdr.openstack.os_restore_cleanup) can
    find it. A key pair is marked in the comment of its public key. What existed before is not marked, nor are server groups, which
    only have a name. The mark stands in the description, behind the words of the source, and in the tags where the site has them.
  - What the site's Neutron has no extension for, or its policies do not allow, is left out with a warning, which M(osdr.openstack.os_restore_check)
    gives beforehand as far as it can know. What an earlier run made without something is named by each later one. A run that fails gives its
    warnings, too.
extends_documentation_fragment:
  - osdr.openstack.auth
  - osdr.openstack.catalogue
  - osdr.openstack.checkpoint
  - osdr.openstack.mapping
  - osdr.openstack.drill
  - osdr.openstack.servers
  - osdr.openstack.other_parts
  - osdr.openstack.attributes
options:
  concurrency:
    description:
      - How many resources of a site are worked on in parallel.
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
    application: shop
    checkpoint: "{{ found.checkpoint.id }}"
    digest: "{{ found.checkpoint.digest }}"
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
    address_groups:
      description: Address groups, which rules of security groups name.
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
    address_groups: []
    key_pairs: []
    server_groups: [shop-apart]
shared:
  description: The networks that were shared with other projects of the application, or in check mode would be.
  returned: with O(others)
  type: list
  elements: dict
  contains:
    network:
      description: Name of the network.
      type: str
    project_id:
      description: Id of the project that may use it now.
      type: str
"""

from ansible_collections.osdr.openstack.plugins.module_utils import args
from ansible_collections.osdr.openstack.plugins.module_utils.catalogue.published import published
from ansible_collections.osdr.openstack.plugins.module_utils.cloud.compute import Compute
from ansible_collections.osdr.openstack.plugins.module_utils.cloud.network import Networking
from ansible_collections.osdr.openstack.plugins.module_utils.cloud.session import connect, connect_other
from ansible_collections.osdr.openstack.plugins.module_utils.core.errors import reported
from ansible_collections.osdr.openstack.plugins.module_utils.mapping import parts
from ansible_collections.osdr.openstack.plugins.module_utils.mapping.isolation import Wish
from ansible_collections.osdr.openstack.plugins.module_utils.restore import job
from ansible_collections.osdr.openstack.plugins.module_utils.restore.network_sharing import NetworkSharing
from ansible_collections.osdr.openstack.plugins.module_utils.restore.networks import NetworkRestore
from ansible_collections.osdr.openstack.plugins.module_utils.restore.plan import RestorePlan
from ansible_collections.osdr.openstack.plugins.module_utils.restore.site import look


def other_part(params, given):
    """The project that has another part, and what of it is restored there."""
    cloud = connect_other(given["cloud"])
    return cloud.project_id, Wish.parse(published(cloud, {**params, **given}), given["mapping"])


def run(params, check_mode):
    cloud = connect(params)
    wish = Wish.parse(published(cloud, params), params["mapping"], params["drill"], params["servers"])
    plan = RestorePlan.of(wish.manifest_there(), look(cloud, params["concurrency"]), wish.whole_there())
    restore = NetworkRestore(Networking(cloud), Compute(cloud), plan, params["concurrency"])
    made = job.restore_networks(restore, plan, check_mode)
    others = dict(other_part(params, one) for one in params["others"] or ())
    return job.with_shares(made, NetworkSharing(Networking(cloud), parts.shares(wish, others)), check_mode) if others else made


def main():
    module = args.Module(
        argument_spec=args.spec(
            args.AUTH,
            args.CATALOGUE,
            args.CHECKPOINT,
            args.MAPPING,
            args.DRILL,
            args.SERVERS,
            args.OTHER_PARTS,
            {"concurrency": {"type": "int", "default": 8}},
        ),
        supports_check_mode=True,
    )
    with reported(module):
        result = run(module.params, module.check_mode)
        for warning in result.pop("warnings"):
            module.warn(warning)
    module.exit_json(**result)


if __name__ == "__main__":
    main()
