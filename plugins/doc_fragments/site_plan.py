# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The plan of a whole site."""

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  plan:
    description:
      - The site plan. Names are of letters, digits, C(.), C(_) and C(-), at most 63, and begin with a letter or digit.
      - C(schema_version) is 1.
      - C(sites) has C(primary) and C(remote), each with its C(name), perhaps the C(admin_cloud) of an administrator for all projects that have none of
        their own, and C(limits) of what may be under way there at once over all applications, which are C(freezes), C(backups), C(restores) and C(boots).
      - C(projects) has, by their names, C(primary) and C(remote), each the name of an entry of C(clouds.yaml), or a dictionary with C(cloud),
        C(admin_cloud) and C(store_cloud). Each project has a remote project of its own.
      - C(policies) has, by their names, C(consistency), C(keep), C(interval) and C(drill_interval), each of them optional. The latter two are a number
        with V(s), V(m), V(h), V(d) or V(w) behind it. C(default_policy) names the one of applications without another one.
      - C(waves) lists the names of waves in the order of recovery. What is in none is in the last one.
      - C(approvers) has lists of names for C(checkpoint), C(drill), C(restore) and C(failover). C(users) has a name at the remote site for a name at the
        primary one.
      - C(applications) lists applications, each with its C(name) and C(project). Optional are C(other_projects), C(wave), C(priority) (1 to 1000, the
        smaller first, usually 500), C(policy), C(depends_on), C(approvers), and C(tiers) in boot order.
      - A tier has its C(name), perhaps C(checks) as in the option O(osdr.openstack.os_application_info#module:application), and either C(servers) or a
        C(query) in JMESPath that yields servers. The servers of a tier with neither, and the tiers of an application without any, are what owners
        have marked.
    type: dict
    required: true
requirements:
  - jsonschema
  - jmespath
"""
