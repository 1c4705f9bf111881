#!/usr/bin/python
# SPDX-FileCopyrightText: The osdr.openstack authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: os_site_infrastructure_check
short_description: Compare a remote site with what the applications of the primary site stand on
version_added: 0.1.0
author:
  - The osdr.openstack authors (!UNKNOWN)
description:
  - Compares the remote site of a site plan with the infrastructure that M(osdr.openstack.os_site_infrastructure) has captured, name by name and attribute
    by attribute, and tells which application or project misses what. The primary site is not asked and may be gone.
  - What has another name at the remote site is looked for by that name. Projects and users are mapped by the plan, and flavors, volume types,
    availability zones and external networks by O(mapping) and O(mappings). What is mapped to another name only has to exist there, whatever its attributes.
  - Quotas and pools of addresses may be larger than at the primary site.
  - Names, descriptions, and C(volume_backend_name) are not compared.
extends_documentation_fragment:
  - osdr.openstack.auth
  - osdr.openstack.catalogue
  - osdr.openstack.site_plan
  - osdr.openstack.site_names
  - osdr.openstack.attributes
  - osdr.openstack.attributes.info_module
notes:
  - The cloud of this module is the one with the catalogue, at the remote site. The plan must name an C(admin_cloud) for the remote site.
seealso:
  - module: osdr.openstack.os_site_infrastructure
  - module: osdr.openstack.os_site_infrastructure_make
"""

EXAMPLES = r"""
- name: Is the remote site ready for all applications?
  osdr.openstack.os_site_infrastructure_check:
    cloud: south-operations
    plan: "{{ lookup('ansible.builtin.file', 'site.yml') | from_yaml }}"
  register: checked

- name: Tell what is missing
  ansible.builtin.debug:
    msg: "{{ checked.report.text }}"
"""

RETURN = r"""
report:
  description: The comparison.
  returned: success
  type: dict
  contains:
    primary:
      description: The primary site's name in the plan.
      type: str
    remote:
      description: The remote site's name in the plan.
      type: str
    captured_at:
      description: Since when the primary site is as it was captured, in ISO 8601.
      type: str
    complete:
      description:
        - Whether everybody has what they need for sure. What nobody in the plan uses does not count.
        - It is false, too, if the primary site did not show everything to its administrator, see RV(report.unseen).
      type: bool
    counts:
      description: How many things of each kind are V(same), V(missing), V(different) or V(unknown).
      type: dict
    findings:
      description: What is not as at the primary site.
      type: list
      elements: dict
      contains:
        kind:
          description: What kind of thing it is.
          type: str
        name:
          description: Its name at the remote site. What has a name of several parts has them with slashes between them.
          type: str
        primary_name:
          description: Its name at the primary site.
          type: str
        state:
          description: V(missing), V(different), or V(unknown) where the remote site does not show it.
          type: str
        differences:
          description: Attributes with the value at each site; null where there is none.
          type: list
          elements: dict
          contains:
            attribute:
              description: Its name.
              type: str
            primary:
              description: At the primary site.
              type: raw
            remote:
              description: At the remote site.
              type: raw
        needed_by:
          description: Who uses it, or is allowed to.
          type: list
          elements: dict
          contains:
            project:
              description: Its name in the plan.
              type: str
            application:
              description: Its name in the inventory; null where it is the project itself that needs it.
              type: str
        text:
          description: The finding as a sentence.
          type: str
        by_hand:
          description: What a person has to do, where M(osdr.openstack.os_site_infrastructure_make) cannot make it; null otherwise.
          type: str
    needers:
      description: The same by application and project.
      type: list
      elements: dict
      contains:
        project:
          description: Its name in the plan.
          type: str
        application:
          description: Its name in the inventory; null where it is the project itself.
          type: str
        lacks:
          description: Sentences.
          type: list
          elements: str
    unseen:
      description: What could not be seen at the primary site when it was captured, and is not compared.
      type: list
      elements: str
    text:
      description: All of it for people.
      type: str
  sample:
    primary: north
    remote: south
    captured_at: "2026-11-22T12:00:00.000Z"
    complete: false
    counts:
      flavors: {same: 13, missing: 1, different: 0, unknown: 0}
    findings:
      - kind: flavors
        name: m1.large
        primary_name: m1.large
        state: missing
        differences: []
        needed_by:
          - {project: shop, application: shop}
        text: Flavor 'm1.large' is missing.
        by_hand: null
    needers:
      - project: shop
        application: shop
        lacks: ["Flavor 'm1.large' is missing."]
    unseen: []
    text: "13 of 14 things that applications stand on are as at the primary site. ..."
"""

from ansible_collections.osdr.openstack.plugins.module_utils import args
from ansible_collections.osdr.openstack.plugins.module_utils.cloud.configured import configured_project
from ansible_collections.osdr.openstack.plugins.module_utils.cloud.session import connect, connect_other
from ansible_collections.osdr.openstack.plugins.module_utils.core.errors import reported
from ansible_collections.osdr.openstack.plugins.module_utils.infrastructure.captured import InfrastructureKeeper
from ansible_collections.osdr.openstack.plugins.module_utils.infrastructure.job import judge, kept_for, site_names
from ansible_collections.osdr.openstack.plugins.module_utils.infrastructure.look import InfrastructureAccess
from ansible_collections.osdr.openstack.plugins.module_utils.site.plan import SitePlan


def run(module, keeper, access):
    plan = SitePlan.parse(module.params["plan"])
    names = site_names(plan, module.params["mapping"], module.params["mappings"])
    return {"report": judge(plan, kept_for(plan, keeper.read()), names, access).report()}


def main():
    spec = args.spec(args.AUTH, args.CATALOGUE, args.SITE_PLAN, args.SITE_NAMES, args.CONCURRENCY)
    module = args.Module(argument_spec=spec, supports_check_mode=True)
    with reported(module):
        access = InfrastructureAccess(connect_other, configured_project, module.params["concurrency"])
        result = run(module, InfrastructureKeeper.of(connect(module.params), module.params), access)
    module.exit_json(changed=False, **result)


if __name__ == "__main__":
    main()
