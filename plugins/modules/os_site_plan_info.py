#!/usr/bin/python
# SPDX-FileCopyrightText: The osdr.openstack authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: os_site_plan_info
short_description: Read the plan of a whole site from a catalogue at the remote site
version_added: 0.1.0
author:
  - The osdr.openstack authors (!UNKNOWN)
description:
  - Reads the site plan that M(osdr.openstack.os_site_plan) has kept, for when the primary site and the controller with the file are gone.
  - A plan that is damaged, or whose signature does not match, is refused.
extends_documentation_fragment:
  - osdr.openstack.auth
  - osdr.openstack.catalogue
  - osdr.openstack.attributes
  - osdr.openstack.attributes.info_module
seealso:
  - module: osdr.openstack.os_site_plan
"""

EXAMPLES = r"""
- name: Read the plan
  osdr.openstack.os_site_plan_info:
    cloud: south-operations
  register: found

- name: Write it where the inventory looks for it
  ansible.builtin.copy:
    dest: site.yml
    content: "{{ found.plan | to_nice_yaml }}"
    mode: "0644"
  when: found.plan is not none
"""

RETURN = r"""
plan:
  description: The plan as it was written; null when there is none.
  returned: success
  type: dict
  sample:
    schema_version: 1
    sites:
      primary: {name: north}
      remote: {name: south}
    projects:
      core: {primary: north-core, remote: south-core}
since:
  description: Since when it is the plan, in ISO 8601; null when there is none.
  returned: success
  type: str
  sample: "2026-11-22T12:00:00.000Z"
"""

from ansible_collections.osdr.openstack.plugins.module_utils import args
from ansible_collections.osdr.openstack.plugins.module_utils.cloud.session import connect
from ansible_collections.osdr.openstack.plugins.module_utils.core.errors import reported
from ansible_collections.osdr.openstack.plugins.module_utils.site.kept import PlanKeeper


def run(keeper):
    kept = keeper.read()
    return {"plan": kept and kept.plan, "since": kept and kept.since}


def main():
    module = args.Module(argument_spec=args.spec(args.AUTH, args.CATALOGUE), supports_check_mode=True)
    with reported(module):
        result = run(PlanKeeper.of(connect(module.params), module.params))
    module.exit_json(changed=False, **result)


if __name__ == "__main__":
    main()
