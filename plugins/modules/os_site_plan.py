#!/usr/bin/python
# SPDX-FileCopyrightText: The osdr.openstack authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: os_site_plan
short_description: Keep the plan of a whole site in a catalogue at the remote site
version_added: 0.1.0
author:
  - The osdr.openstack authors (!UNKNOWN)
description:
  - Checks a site plan as M(osdr.openstack.os_site_plan_check) does, and keeps it, signed if wanted, at the site that is left when the primary one and
    the controller with the file are gone. M(osdr.openstack.os_site_plan_info) reads it there.
  - The plan is kept as it is given, one in each catalogue. Nothing is written when the same plan is there already.
  - Run it in the project whose catalogue the provider watches, at the remote site.
extends_documentation_fragment:
  - osdr.openstack.auth
  - osdr.openstack.catalogue
  - osdr.openstack.site_plan
  - osdr.openstack.attributes
seealso:
  - module: osdr.openstack.os_site_plan_info
"""

EXAMPLES = r"""
- name: Keep the site plan where it is needed
  osdr.openstack.os_site_plan:
    cloud: south-operations
    plan: "{{ lookup('ansible.builtin.file', 'site.yml') | from_yaml }}"
"""

RETURN = r"""
kept:
  description: The plan that is kept.
  returned: success
  type: dict
  contains:
    since:
      description: Since when it is the plan, in ISO 8601.
      type: str
    applications:
      description: Names of its applications in the order of recovery.
      type: list
      elements: str
  sample:
    since: "2026-11-22T12:00:00.000Z"
    applications: [identity, shop]
"""

from ansible_collections.osdr.openstack.plugins.module_utils import args
from ansible_collections.osdr.openstack.plugins.module_utils.cloud.session import connect
from ansible_collections.osdr.openstack.plugins.module_utils.core.errors import KeptPlanInvalid, reported
from ansible_collections.osdr.openstack.plugins.module_utils.site.kept import KeptPlan, PlanKeeper
from ansible_collections.osdr.openstack.plugins.module_utils.site.plan import SitePlan
from ansible_collections.osdr.openstack.plugins.module_utils.work.clock import Moment


def look(keeper):
    """What is there, and how a diff shows it: a damaged plan is replaced."""
    try:
        current = keeper.read()
    except KeptPlanInvalid as error:
        return None, {"damaged": str(error)}
    return current, current.plan if current else {}


def run(module, keeper):
    given = module.params["plan"]
    plan = SitePlan.parse(given)
    current, shown = look(keeper)
    changed = current is None or current.plan != given
    kept = KeptPlan(given, str(Moment.now())) if changed else current
    if changed:
        (keeper.content_of if module.check_mode else keeper.write)(kept)
    told = {"since": kept.since, "applications": [one.name for one in plan.applications]}
    return {"changed": changed, "kept": told, "diff": {"before": shown, "after": given}}


def main():
    module = args.Module(argument_spec=args.spec(args.AUTH, args.CATALOGUE, args.SITE_PLAN), supports_check_mode=True)
    with reported(module):
        result = run(module, PlanKeeper.of(connect(module.params), module.params))
    module.exit_json(**result)


if __name__ == "__main__":
    main()
