#!/usr/bin/python
# SPDX-FileCopyrightText: The osdr.openstack authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: os_site_plan_check
short_description: Check the plan of a whole site, and tell what follows from it
version_added: 0.1.0
author:
  - The osdr.openstack authors (!UNKNOWN)
description:
  - Checks a site plan. It fails when the plan cannot be used, and names everything that is wrong with it, for example unknown names, applications
    that are listed twice, and circles of dependencies.
  - Returns the plan with all that follows from what is left out, applications in the order of their recovery.
  - Asks no cloud, so that a plan can be checked before it is merged.
extends_documentation_fragment:
  - osdr.openstack.site_plan
  - osdr.openstack.attributes.apart
seealso:
  - module: osdr.openstack.os_site_applications_info
  - plugin: osdr.openstack.applications
    plugin_type: inventory
"""

EXAMPLES = r"""
- name: Check the site plan
  osdr.openstack.os_site_plan_check:
    plan: "{{ lookup('ansible.builtin.file', 'site.yml') | from_yaml }}"
  register: found

- name: In which order are applications recovered?
  ansible.builtin.debug:
    msg: "{{ found.site_plan.applications | map(attribute='name') | join(', ') }}"
"""

RETURN = r"""
site_plan:
  description: The plan as it was understood.
  returned: success
  type: dict
  contains:
    sites:
      description: Both sites, C(primary) and C(remote).
      type: dict
    projects:
      description: The projects with their clouds at both sites.
      type: list
      elements: dict
    policies:
      description: The policies; C(interval) and C(drill_interval) are seconds.
      type: list
      elements: dict
    waves:
      description: The waves in the order of recovery.
      type: list
      elements: str
    applications:
      description: The applications in the order of recovery.
      type: list
      elements: dict
      contains:
        name:
          description: Its name.
          type: str
        projects:
          description: The projects in which it is, the leading one first.
          type: list
          elements: str
        wave:
          description: Its wave; null when the plan has none.
          type: str
        priority:
          description: The smaller comes first.
          type: int
        policy:
          description: Its policy in the plan; null when there is none.
          type: str
        depends_on:
          description: Names of the applications that must be recovered before it.
          type: list
          elements: str
        tiers:
          description: Its tiers in the plan, in boot order.
          type: list
          elements: dict
        approvers:
          description: Who approves what.
          type: dict
    users:
      description: Name at the remote site per name at the primary one.
      type: dict
  sample:
    sites:
      primary: {name: north, admin_cloud: north-admin, limits: {freezes: 4}}
      remote: {name: south, admin_cloud: south-admin, limits: {restores: 6}}
    projects:
      - name: core
        primary: {cloud: north-core, admin_cloud: null, store_cloud: null}
        remote: {cloud: south-core, admin_cloud: null, store_cloud: null}
    policies:
      - {name: gold, consistency: quiesced, interval: 3600, keep: {last: 24}, drill_interval: 604800}
    waves: [foundation, business]
    applications:
      - name: identity
        projects: [core]
        wave: foundation
        priority: 10
        policy: gold
        depends_on: []
        tiers:
          - {name: database, servers: [keycloak-db], query: null, checks: [{port: 5432, timeout: 300}]}
        approvers: {failover: [management]}
    users: {}
"""

from ansible_collections.osdr.openstack.plugins.module_utils import args
from ansible_collections.osdr.openstack.plugins.module_utils.core.errors import reported
from ansible_collections.osdr.openstack.plugins.module_utils.site.plan import SitePlan


def run(params):
    return {"site_plan": SitePlan.parse(params["plan"]).as_dict()}


def main():
    module = args.Module(argument_spec=args.spec(args.SITE_PLAN), supports_check_mode=True)
    with reported(module):
        result = run(module.params)
    module.exit_json(changed=False, **result)


if __name__ == "__main__":
    main()
