#!/usr/bin/python
# SPDX-FileCopyrightText: The osdr.openstack authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: os_site_infrastructure
short_description: Capture what the applications of a site stand on, and keep it at the remote site
version_added: 0.1.0
author:
  - The osdr.openstack authors (!UNKNOWN)
description:
  - Captures, as the administrator of the primary site, the projects of a site plan, the roles of groups in them (and of the users that the plan
    renames), their quotas, and of the whole site flavors, volume types, external networks, availability zones and host aggregates, with who may use
    them. Captures also which of these each application and project uses, with the credentials that the plan names for the projects.
  - Keeps it, signed if wanted, in a catalogue at the site that is left when the primary one is gone. M(osdr.openstack.os_site_infrastructure_check)
    compares that site with it, and M(osdr.openstack.os_site_infrastructure_make) makes what is missing.
  - One is kept in each catalogue. Nothing is written when nothing has changed since.
  - Passwords, keys and members of groups are never captured, nor are extra specs and properties whose names look like secrets.
  - What the site does not have, or does not show to this administrator, is told as a warning, and is kept as unseen.
extends_documentation_fragment:
  - osdr.openstack.auth
  - osdr.openstack.catalogue
  - osdr.openstack.site_plan
  - osdr.openstack.attributes
options:
  concurrency:
    description:
      - How many requests are made in parallel.
    type: int
    default: 8
notes:
  - The cloud of this module is the one with the catalogue, at the remote site. The clouds of the primary site are those of the plan, which must name an
    C(admin_cloud) for it.
seealso:
  - module: osdr.openstack.os_site_infrastructure_check
  - module: osdr.openstack.os_site_plan
"""

EXAMPLES = r"""
- name: Keep what applications stand on where it is needed
  osdr.openstack.os_site_infrastructure:
    cloud: south-operations
    plan: "{{ lookup('ansible.builtin.file', 'site.yml') | from_yaml }}"
"""

RETURN = r"""
kept:
  description: What is kept.
  returned: success
  type: dict
  contains:
    site:
      description: The primary site's name in the plan.
      type: str
    captured_at:
      description: Since when it is so, in ISO 8601.
      type: str
    counts:
      description: How many of each kind there are.
      type: dict
    unseen:
      description: What could not be seen, and why.
      type: list
      elements: str
  sample:
    site: north
    captured_at: "2026-11-22T12:00:00.000Z"
    counts: {projects: 12, roles: 30, quotas: 36, flavors: 14, volume_types: 3, external_networks: 1, availability_zones: 2, host_aggregates: 2}
    unseen: []
"""

from ansible_collections.osdr.openstack.plugins.module_utils import args
from ansible_collections.osdr.openstack.plugins.module_utils.cloud.configured import configured_project
from ansible_collections.osdr.openstack.plugins.module_utils.cloud.session import connect, connect_other
from ansible_collections.osdr.openstack.plugins.module_utils.core.errors import KeptInfrastructureInvalid, reported
from ansible_collections.osdr.openstack.plugins.module_utils.infrastructure.captured import InfrastructureKeeper, KeptInfrastructure
from ansible_collections.osdr.openstack.plugins.module_utils.infrastructure.job import capture
from ansible_collections.osdr.openstack.plugins.module_utils.infrastructure.look import InfrastructureAccess
from ansible_collections.osdr.openstack.plugins.module_utils.site.plan import SitePlan
from ansible_collections.osdr.openstack.plugins.module_utils.work.clock import Moment


def look(keeper):
    """What is there, and how a diff shows it: a damaged document is replaced."""
    try:
        current = keeper.read()
    except KeptInfrastructureInvalid as error:
        return None, {"damaged": str(error)}
    return current, current.infrastructure.as_dict() if current else {}


def run(module, keeper, access):
    found = capture(SitePlan.parse(module.params["plan"]), access)
    current, shown = look(keeper)
    changed = current is None or current.infrastructure != found
    kept = KeptInfrastructure(found, str(Moment.now())) if changed else current
    if changed:
        (keeper.content_of if module.check_mode else keeper.write)(kept)
    for one in found.unseen:
        module.warn(str(one))
    told = {"site": found.site, "captured_at": kept.captured_at, "counts": found.counts, "unseen": [str(one) for one in found.unseen]}
    return {"changed": changed, "kept": told, "diff": {"before": shown, "after": found.as_dict()}}


def main():
    spec = args.spec(args.AUTH, args.CATALOGUE, args.SITE_PLAN, args.CONCURRENCY)
    module = args.Module(argument_spec=spec, supports_check_mode=True)
    with reported(module):
        access = InfrastructureAccess(connect_other, configured_project, module.params["concurrency"])
        result = run(module, InfrastructureKeeper.of(connect(module.params), module.params), access)
    module.exit_json(**result)


if __name__ == "__main__":
    main()
