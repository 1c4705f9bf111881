#!/usr/bin/python
# SPDX-FileCopyrightText: The osdr.openstack authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: os_site_applications_info
short_description: List the applications of a whole site, and the servers that nobody protects
version_added: 0.1.0
author:
  - The osdr.openstack authors (!UNKNOWN)
description:
  - Lists what P(osdr.openstack.applications#inventory) makes hosts of, for reports and checks, and by project the servers that belong to no
    application.
  - Looks at the primary site, in each project of the plan with the credentials that the plan names for it. Membership in the projects suffices.
  - Where the plan has an C(admin_cloud) for the primary site, projects that it does not name are looked at as well.
  - A project that cannot be asked hides no other. It is told as a problem of its applications, and its servers are missing in RV(unprotected).
  - What is wrong is a warning, too.
extends_documentation_fragment:
  - osdr.openstack.site_plan
  - osdr.openstack.attributes.apart
options:
  concurrency:
    description:
      - How many projects are asked in parallel.
    type: int
    default: 8
seealso:
  - module: osdr.openstack.os_site_plan_check
  - plugin: osdr.openstack.applications
    plugin_type: inventory
"""

EXAMPLES = r"""
- name: What is there, and what is forgotten?
  osdr.openstack.os_site_applications_info:
    plan: "{{ lookup('ansible.builtin.file', 'site.yml') | from_yaml }}"
  register: found

- name: Tell the owners
  ansible.builtin.debug:
    msg: "{{ item.project }}: {{ item.count }} servers with {{ item.gigabytes }} GiB, the oldest of {{ item.since }}"
  loop: "{{ found.unprotected }}"
"""

RETURN = r"""
applications:
  description: The applications in the order of their recovery.
  returned: success
  type: list
  elements: dict
  contains:
    host:
      description: Its name in the inventory.
      type: str
    name:
      description: Its name in its projects and catalogues.
      type: str
    origin:
      description: V(plan) for those of the plan, V(marks) for those that only owners' marks name.
      type: str
    projects:
      description: The projects in which it is, the leading one first.
      type: list
      elements: str
    groups:
      description: Its groups in the inventory.
      type: list
      elements: str
    servers:
      description: Ids of its servers.
      type: list
      elements: str
    problems:
      description: Why it cannot be protected.
      type: list
      elements: str
  sample:
    - host: wiki@core
      name: wiki
      origin: marks
      projects: [core]
      groups: [applications, site_north, wave_rest, policy_bronze, project_core]
      servers: [5f1c8c3e-2d7a-4f57-8d0c-6b3f6a4b7a10]
      problems: []
unprotected:
  description: One entry for each project with servers of no application.
  returned: success
  type: list
  elements: dict
  contains:
    project:
      description: Its name in the plan, else its name or id at the site.
      type: str
    planned:
      description: Whether the plan has it.
      type: bool
    count:
      description: How many servers there are.
      type: int
    gigabytes:
      description: GiB of all their disks.
      type: int
    since:
      description: When the oldest was made.
      type: str
    servers:
      description: The servers, the oldest first.
      type: list
      elements: dict
      contains:
        id:
          description: Its id.
          type: str
        name:
          description: Its name.
          type: str
        gigabytes:
          description: GiB of its disks.
          type: int
        since:
          description: When it was made.
          type: str
  sample:
    - project: shop
      planned: true
      count: 1
      gigabytes: 7
      since: "2026-01-01T00:00:00Z"
      servers:
        - {id: 0b0cfb6c-9e0e-4f5e-a4e6-2c3b2d8f7a55, name: build-3, gigabytes: 7, since: "2026-01-01T00:00:00Z"}
"""

from ansible_collections.osdr.openstack.plugins.module_utils import args
from ansible_collections.osdr.openstack.plugins.module_utils.cloud.session import connect_other
from ansible_collections.osdr.openstack.plugins.module_utils.core.errors import reported
from ansible_collections.osdr.openstack.plugins.module_utils.site.listing import protected_at, unprotected_elsewhere
from ansible_collections.osdr.openstack.plugins.module_utils.site.look import SiteAccess
from ansible_collections.osdr.openstack.plugins.module_utils.site.plan import SitePlan


def run(module, connect):
    plan, access = SitePlan.parse(module.params["plan"]), SiteAccess(connect, module.params["concurrency"])
    listed = protected_at(plan, access)
    elsewhere = unprotected_elsewhere(plan, listed, access)
    for doubt in listed.doubts:
        module.warn(doubt)
    if elsewhere and listed.silent:
        module.warn(f"Servers of projects that cannot be asked ({', '.join(listed.silent)}) are among those of projects that the plan does not have.")
    applications = [{**one.as_dict(), "groups": listed.groups_of(one)} for one in listed.applications]
    return {"applications": applications, "unprotected": [one.as_dict() for one in (*listed.unprotected, *elsewhere)]}


def main():
    module = args.Module(
        argument_spec=args.spec(args.SITE_PLAN, {"concurrency": {"type": "int", "default": 8}}),
        supports_check_mode=True,
    )
    with reported(module):
        result = run(module, connect_other)
    module.exit_json(changed=False, **result)


if __name__ == "__main__":
    main()
