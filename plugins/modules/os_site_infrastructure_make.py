#!/usr/bin/python
# SPDX-FileCopyrightText: The osdr.openstack authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: os_site_infrastructure_make
short_description: Make at a remote site what the applications of the primary site stand on
version_added: 0.1.0
author:
  - The osdr.openstack authors (!UNKNOWN)
description:
  - Makes, as the administrator of the remote site, what M(osdr.openstack.os_site_infrastructure_check) finds missing there, of the kinds in O(kinds) only.
  - Nothing that exists is changed. What differs stays as it is, and quotas are set only where all limits of the project in the service are the site's
    defaults.
  - What cannot be made is returned in RV(by_hand), with what a person has to do.
  - A run that was interrupted is finished by the next one. What could not be made does not keep other things from being made; the module fails in the end.
extends_documentation_fragment:
  - osdr.openstack.auth
  - osdr.openstack.catalogue
  - osdr.openstack.site_plan
  - osdr.openstack.site_names
  - osdr.openstack.attributes
options:
  kinds:
    description:
      - What may be made, if it is missing.
      - V(projects) get the names that the plan's entries of C(clouds.yaml) give them, and have no members. The user of such an entry still needs a role.
      - V(roles) are those of groups, and of users that the plan renames. Groups, users, roles and domains have to exist.
      - V(quotas) sets the limits that are lower than at the primary site.
      - V(flavor_access), V(volume_type_access) and V(external_network_access) let projects use what exists and is not public.
      - V(volume_types) are made with their encryption, but without keys of volumes, and only for backends that the remote site has.
    type: list
    elements: str
    required: true
    choices: [projects, roles, flavors, flavor_access, volume_types, volume_type_access, quotas, external_network_access]
notes:
  - The cloud of this module is the one with the catalogue, at the remote site. The plan must name an C(admin_cloud) for the remote site.
seealso:
  - module: osdr.openstack.os_site_infrastructure_check
"""

EXAMPLES = r"""
- name: Have the flavors and volume types of the primary site
  osdr.openstack.os_site_infrastructure_make:
    cloud: south-operations
    plan: "{{ lookup('ansible.builtin.file', 'site.yml') | from_yaml }}"
    kinds: [flavors, flavor_access, volume_types, volume_type_access]
"""

RETURN = r"""
made:
  description: What was made; in check mode, what would be made.
  returned: success
  type: list
  elements: dict
  contains:
    kind:
      description: What kind of thing it is.
      type: str
    name:
      description: Its name at the remote site.
      type: str
  sample:
    - {kind: flavors, name: m1.large}
by_hand:
  description: What is missing and cannot be made, as RV(osdr.openstack.os_site_infrastructure_check#module:report.findings) has it.
  returned: success
  type: list
  elements: dict
  sample:
    - kind: volume_types
      name: fast
      primary_name: fast
      state: missing
      differences: []
      needed_by:
        - {project: shop, application: shop}
      text: Volume type 'fast' is missing.
      by_hand: There is no backend 'nvme'; there is ceph. Create the type for one of these, or map it to a type of the site.
"""

from ansible_collections.osdr.openstack.plugins.module_utils import args
from ansible_collections.osdr.openstack.plugins.module_utils.cloud.configured import configured_project
from ansible_collections.osdr.openstack.plugins.module_utils.cloud.session import connect, connect_other
from ansible_collections.osdr.openstack.plugins.module_utils.core.errors import reported
from ansible_collections.osdr.openstack.plugins.module_utils.infrastructure.captured import InfrastructureKeeper
from ansible_collections.osdr.openstack.plugins.module_utils.infrastructure.job import MakingPlan, judge, kept_for, site_names
from ansible_collections.osdr.openstack.plugins.module_utils.infrastructure.look import InfrastructureAccess
from ansible_collections.osdr.openstack.plugins.module_utils.infrastructure.remedies import MAKEABLE
from ansible_collections.osdr.openstack.plugins.module_utils.site.plan import SitePlan


def run(module, keeper, access):
    plan = SitePlan.parse(module.params["plan"])
    names = site_names(plan, module.params["mapping"], module.params["mappings"])
    making = MakingPlan.of(judge(plan, kept_for(plan, keeper.read()), names, access), module.params["kinds"])
    for note in making.notes:
        module.warn(note)
    if not module.check_mode:
        making.carry_out(module.params["concurrency"])
    return {"changed": bool(making.wanted), "made": making.made, "by_hand": making.by_hand, "diff": making.diff}


def main():
    kinds = {"kinds": {"type": "list", "elements": "str", "required": True, "choices": list(MAKEABLE)}}
    spec = args.spec(args.AUTH, args.CATALOGUE, args.SITE_PLAN, args.SITE_NAMES, args.CONCURRENCY, kinds)
    module = args.Module(argument_spec=spec, supports_check_mode=True)
    with reported(module):
        access = InfrastructureAccess(connect_other, configured_project, module.params["concurrency"])
        result = run(module, InfrastructureKeeper.of(connect(module.params), module.params), access)
    module.exit_json(**result)


if __name__ == "__main__":
    main()
