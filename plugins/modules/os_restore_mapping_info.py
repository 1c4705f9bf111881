#!/usr/bin/python
# SPDX-FileCopyrightText: The osdr.openstack authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: os_restore_mapping_info
short_description: Propose a mapping of an application's names and addresses to a site, or check whether one still fits
version_added: 0.1.0
author:
  - The osdr.openstack authors (!UNKNOWN)
description:
  - Without O(mapping), proposes one for the application of a checkpoint, with an entry for everything that has a name. What has the
    same name at the site is mapped to that, and what a restore can make keeps its name. A flavor becomes the one of the same
    name or else the smallest that is large enough, an external network or volume type the only one that exists. Everything else
    must be decided by a person. It is null in the mapping and listed in RV(undecided).
  - With O(mapping), lists what in it is undecided, and where it no longer fits the application or the site (RV(drift)).
  - Changes nothing; membership in the project at the site suffices.
extends_documentation_fragment:
  - osdr.openstack.auth
  - osdr.openstack.catalogue
  - osdr.openstack.checkpoint
  - osdr.openstack.mapping
  - osdr.openstack.attributes
  - osdr.openstack.attributes.info_module
options:
  concurrency:
    description:
      - How many calls of the site's APIs are made in parallel.
    type: int
    default: 8
notes:
  - M(osdr.openstack.os_restore_check) checks whether a restore with the mapping would succeed, including quotas and free addresses.
seealso:
  - module: osdr.openstack.os_restore_check
"""

EXAMPLES = r"""
- name: Choose the newest checkpoint
  osdr.openstack.os_checkpoint_info:
    cloud: remote
    application: shop
    require: true
  register: found

- name: Propose a mapping
  osdr.openstack.os_restore_mapping_info:
    cloud: remote
    application: shop
    checkpoint: "{{ found.checkpoint.id }}"
    digest: "{{ found.checkpoint.digest }}"
  register: proposed

- name: Does the one that we keep still fit?
  osdr.openstack.os_restore_mapping_info:
    cloud: remote
    application: shop
    checkpoint: "{{ found.checkpoint.id }}"
    digest: "{{ found.checkpoint.digest }}"
    mapping: "{{ lookup('ansible.builtin.file', 'shop-mapping.yml') | from_yaml }}"
  register: checked
  failed_when: checked.drift or checked.undecided
"""

RETURN = r"""
mapping:
  description: The proposed mapping, or O(mapping) as it was understood.
  returned: success
  type: dict
  sample:
    schema_version: 1
    networks:
      shop-net: shop-net
    subnets:
      shop-subnet:
        name: shop-subnet
        cidr: 10.20.0.0/24
    external_networks:
      public: provider
    flavors:
      lab.db: dr.large
    volume_types:
      ceph: null
    addresses:
      policy: remap
      floating: true
undecided:
  description:
    - Entries of RV(mapping) that are null, so that nothing can be restored, and availability zones that it has no entry for, because null
      is an answer there.
  returned: success
  type: list
  elements: dict
  contains:
    kind:
      description: Section of the mapping.
      type: str
    name:
      description: Name at the source.
      type: str
    reason:
      description: Why a person must decide it.
      type: str
    candidates:
      description: Names at the site that may be meant, the likeliest first.
      type: list
      elements: str
  sample:
    - kind: volume_types
      name: ceph
      reason: Site 'remote' has no volume type 'ceph' for the project; its default is 'standard', but that may be other storage.
      candidates: [standard, fast]
drift:
  description:
    - What must be corrected in O(mapping). That is targets that the site does not have, entries for what the application no longer has,
      parts of the application without an entry and without a namesake at the site, subnets with another range there, and addresses
      outside their subnets. Empty without O(mapping).
  returned: success
  type: list
  elements: dict
  contains:
    kind:
      description: Section of the mapping.
      type: str
    name:
      description: Name at the source, empty where the reason has it.
      type: str
    reason:
      description: What does not fit, and what to do.
      type: str
    candidates:
      description: Names at the site that may be meant.
      type: list
      elements: str
  sample: []
made:
  description: What a restore makes at the site because it does not exist there.
  returned: success
  type: list
  elements: dict
  contains:
    kind:
      description: Section of the mapping.
      type: str
    name:
      description: Name at the site.
      type: str
  sample:
    - kind: networks
      name: shop-net
"""

from ansible_collections.osdr.openstack.plugins.module_utils import args
from ansible_collections.osdr.openstack.plugins.module_utils.catalogue.published import published
from ansible_collections.osdr.openstack.plugins.module_utils.cloud.block_storage import BlockStorage
from ansible_collections.osdr.openstack.plugins.module_utils.cloud.session import connect
from ansible_collections.osdr.openstack.plugins.module_utils.core.errors import reported
from ansible_collections.osdr.openstack.plugins.module_utils.mapping import drift as mapping_drift
from ansible_collections.osdr.openstack.plugins.module_utils.mapping.mapping import SiteMapping
from ansible_collections.osdr.openstack.plugins.module_utils.mapping.parts import with_networks_of_parts
from ansible_collections.osdr.openstack.plugins.module_utils.mapping.proposal import Inventory, propose
from ansible_collections.osdr.openstack.plugins.module_utils.restore import stock as restore_stock


def look(cloud, params):
    return Inventory(restore_stock.look(cloud, params["concurrency"]), BlockStorage(cloud).default_volume_type())


def run(params, look):
    cloud, given = connect(params), params["mapping"]
    manifest, mapping = with_networks_of_parts(published(cloud, params)), SiteMapping.parse(given)
    inventory = look(cloud, params)
    if given is None:
        mapping, undecided = propose(manifest, inventory)
    else:
        undecided = mapping_drift.undecided(manifest, mapping, inventory)
    drift = () if given is None else mapping_drift.drift(manifest, mapping, inventory)
    return {
        "mapping": mapping.as_dict(),
        "undecided": [one.as_dict() for one in undecided],
        "drift": [one.as_dict() for one in drift],
        "made": mapping_drift.made(manifest, mapping, inventory),
    }


def main():
    module = args.Module(
        argument_spec=args.spec(
            args.AUTH,
            args.CATALOGUE,
            args.CHECKPOINT,
            args.MAPPING,
            {"concurrency": {"type": "int", "default": 8}},
        ),
        supports_check_mode=True,
    )
    with reported(module):
        result = run(module.params, look)
    module.exit_json(changed=False, **result)


if __name__ == "__main__":
    main()
