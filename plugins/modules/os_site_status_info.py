#!/usr/bin/python
# SPDX-FileCopyrightText: The osdr.openstack authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: os_site_status_info
short_description: See how all applications of a site are protected, and what a person must do
version_added: 0.1.0
author:
  - The osdr.openstack authors (!UNKNOWN)
description:
  - Judges each application of a site by its policy in the site plan. How old is what could be restored at the remote site, how consistent is it, when was
    it last drilled, and what has changed since then?
  - Checks the restore of each application as M(osdr.openstack.os_restore_check) does, and whether quotas and hosts of the remote site suffice for all of
    them together. Also compares it with what was captured of the primary site, as M(osdr.openstack.os_site_infrastructure_check) does.
  - Predicts how long the recovery of each application and of the whole plan takes by what drills have measured of volumes, boots and checks. What was never
    measured is not guessed. Each prediction of an earlier drill is compared with what the drill took.
  - Lists servers that nobody protects.
  - Each thing that a person must do is an alert. What cannot be read is an alert, too, and hides nothing else.
  - If the primary site cannot be asked at all, the applications are those of the catalogues.
extends_documentation_fragment:
  - osdr.openstack.auth
  - osdr.openstack.catalogue
  - osdr.openstack.site_plan
  - osdr.openstack.site_names
  - osdr.openstack.attributes
  - osdr.openstack.attributes.info_module
options:
  hmac_keys:
    description:
      - Keys of signatures in place of O(hmac_key), per name of an application in the inventory.
    type: dict
    default: {}
notes:
  - The cloud of this module is the one with the catalogue that keeps what M(osdr.openstack.os_site_infrastructure) has captured, at the remote site.
  - Membership in the projects suffices, at both sites. What an administrator must tell (hosts, the infrastructure, servers of other projects) is only known
    if the plan names an C(admin_cloud).
  - Ages are by the clock of the remote site.
seealso:
  - module: osdr.openstack.os_recovery_point_info
  - module: osdr.openstack.os_site_applications_info
  - module: osdr.openstack.os_site_report
"""

EXAMPLES = r"""
- name: How is the site protected?
  osdr.openstack.os_site_status_info:
    cloud: south-operations
    plan: "{{ lookup('ansible.builtin.file', 'site.yml') | from_yaml }}"
  register: site

- name: Tell what there is to do
  ansible.builtin.debug:
    msg: "{{ site.status.alerts | map(attribute='text') }}"
"""

RETURN = r"""
status:
  description: Everything that was found.
  returned: success
  type: dict
  contains:
    schema_version:
      description: Raised when a member changes its meaning or is removed.
      type: int
    primary:
      description: The primary site's name in the plan.
      type: str
    remote:
      description: The remote site's name in the plan.
      type: str
    written_at:
      description: When it was found, in ISO 8601.
      type: str
    level:
      description: The highest level of all alerts, V(critical) or V(warning); null where there is none.
      type: str
    alerts:
      description: What a person must do, the critical things first.
      type: list
      elements: dict
      contains:
        level:
          description: V(critical) for what keeps an application from being recovered as its policy promises, V(warning) for everything else.
          type: str
        kind:
          description: One word, the same for alerts of one sort.
          type: str
        where:
          description: An application, a project or a site.
          type: str
        what:
          description: What is wrong.
          type: str
        todo:
          description: What to do about it; empty where RV(status.alerts[].what) says it.
          type: str
        text:
          description: All of it as one text.
          type: str
    applications:
      description: The applications in the order of their recovery.
      type: list
      elements: dict
      contains:
        host:
          description: Its name in the inventory.
          type: str
        name:
          description: Its name in its projects and catalogues.
          type: str
        projects:
          description: The projects in which it is, the leading one first.
          type: list
          elements: str
        wave:
          description: Its wave; null where the plan has none.
          type: str
        priority:
          description: Its priority.
          type: int
        depends_on:
          description: Applications that are recovered before.
          type: list
          elements: str
        policy:
          description: Its policy; null where it has none.
          type: str
        problems:
          description: Why it cannot be protected, or why nothing is known of it.
          type: list
          elements: str
        checkpoint:
          description: The newest checkpoint that can be restored; null when none can.
          type: str
        created_at:
          description: The moment for which its data stands.
          type: str
        age:
          description: Seconds since then.
          type: float
        interval:
          description: Seconds between checkpoints that the policy wants.
          type: int
        late:
          description: Whether the checkpoint is older than that.
          type: bool
        consistency:
          description: Of the checkpoint.
          type: str
        least_consistency:
          description: What the policy wants.
          type: str
        consistent_enough:
          description: Whether the checkpoint has it; null where there is none, or the policy does not say.
          type: bool
        restorable:
          description: Number of checkpoints that can be restored; null where that is unknown.
          type: int
        unusable:
          description: Why newer ones cannot be.
          type: list
          elements: str
        drill:
          description: The last drill that passed; null when there was none.
          type: dict
          contains:
            drill:
              description: Its id.
              type: str
            checkpoint:
              description: Id of the checkpoint that was drilled.
              type: str
            finished_at:
              description: When it passed.
              type: str
            age:
              description: Seconds since then.
              type: float
            recovery_seconds:
              description: The recovery time that it measured.
              type: float
            predicted_seconds:
              description: How long it would take by all that was measured before it; null where something had never been measured.
              type: float
            deviation:
              description: By how much that was off, as a share of RV(status.applications[].drill.recovery_seconds).
              type: float
        drill_interval:
          description: Seconds between drills that the policy wants.
          type: int
        drill_due:
          description: Whether the last one is longer ago, or there was none.
          type: bool
        predicted_seconds:
          description: Predicted recovery time; null where something was never measured, or nothing can be restored.
          type: float
        predicted_by_own_drills:
          description: Whether drills of the application itself have measured all of it.
          type: bool
        unmeasured:
          description: What was never measured.
          type: list
          elements: str
        changes:
          description: What is different in the checkpoint from the one that was drilled last.
          type: list
          elements: str
        missing:
          description: What would make its restore fail now; null where that is unknown.
          type: list
          elements: str
        active_site:
          description: The site at which it runs according to the catalogue; null where nothing is recorded.
          type: str
    recovery:
      description: The predicted recovery of the whole plan.
      type: dict
      contains:
        seconds:
          description: Predicted time of all applications whose own is known, wave by wave, with dependencies and limits heeded.
          type: float
        whole:
          description: Whether those are all.
          type: bool
        unknown:
          description: Those whose time is unknown.
          type: list
          elements: str
        critical_path:
          description: Applications each of which waits for the one before it, up to the last one of all. They decide how long it takes.
          type: list
          elements: str
        at_once:
          description: How many are recovered in parallel; null for no limit.
          type: int
        deviation:
          description: By how much predictions of the last drills were off, in the middle of all applications; null where nothing was predicted.
          type: float
    unprotected:
      description: As M(osdr.openstack.os_site_applications_info) returns them.
      type: list
      elements: dict
    capacity:
      description: Whether the hosts of the remote site have room for all servers that would be restored; null where that is unknown.
      type: dict
      contains:
        servers:
          description: How many there are.
          type: int
        without_room:
          description: For how many of them no host has room.
          type: int
        vcpus:
          description: Processors that are needed and left.
          type: dict
        memory:
          description: MiB that are needed and left.
          type: dict
    infrastructure:
      description: Of the comparison of what applications stand on, when it was captured, whether everything is there, and the counts; null where there is none.
      type: dict
  sample:
    schema_version: 1
    primary: north
    remote: south
    written_at: "2026-11-22T12:00:00Z"
    level: warning
    alerts:
      - level: warning
        kind: drill
        where: Application 'shop'
        what: No drill has ever passed, and policy 'gold' wants one every 7 d.
        todo: Drill it.
        text: "Application 'shop': No drill has ever passed, and policy 'gold' wants one every 7 d. Drill it."
    applications: []
    recovery: {seconds: 0.0, whole: true, unknown: [], critical_path: [], at_once: 6, deviation: null}
    unprotected: []
    capacity: null
    infrastructure: null
metrics:
  description: The figures in the text format of Prometheus.
  returned: success
  type: str
"""

import functools

from ansible_collections.osdr.openstack.plugins.module_utils import args
from ansible_collections.osdr.openstack.plugins.module_utils.cloud.configured import configured_project
from ansible_collections.osdr.openstack.plugins.module_utils.cloud.session import connect, connect_other
from ansible_collections.osdr.openstack.plugins.module_utils.core.errors import reported
from ansible_collections.osdr.openstack.plugins.module_utils.infrastructure.job import site_names
from ansible_collections.osdr.openstack.plugins.module_utils.infrastructure.look import InfrastructureAccess
from ansible_collections.osdr.openstack.plugins.module_utils.site.plan import SitePlan
from ansible_collections.osdr.openstack.plugins.module_utils.status.alerts import alerts, level_of
from ansible_collections.osdr.openstack.plugins.module_utils.status.job import StatusSources, status_of
from ansible_collections.osdr.openstack.plugins.module_utils.status.metrics import metrics
from ansible_collections.osdr.openstack.plugins.module_utils.status.remote import Catalogues


def run(module, cloud, access):
    params = module.params
    plan = SitePlan.parse(params["plan"])
    names = site_names(plan, params["mapping"], params["mappings"])
    catalogues = Catalogues(params["container"], params["hmac_key"], params["hmac_keys"])
    status = status_of(plan, StatusSources(cloud, catalogues, names, access))
    found = alerts(status)
    shown = {**status.as_dict(), "level": level_of(found), "alerts": [one.as_dict() for one in found]}
    return {"status": shown, "metrics": metrics(status, found)}


def main():
    own = {"hmac_keys": {"type": "dict", "default": {}, "no_log": True}}
    spec = args.spec(args.AUTH, args.CATALOGUE, args.SITE_PLAN, args.SITE_NAMES, args.CONCURRENCY, own)
    module = args.Module(argument_spec=spec, supports_check_mode=True)
    with reported(module):
        # A project, or an administrator, is needed again and again.
        access = InfrastructureAccess(functools.cache(connect_other), configured_project, module.params["concurrency"])
        result = run(module, connect(module.params), access)
    module.exit_json(changed=False, **result)


if __name__ == "__main__":
    main()
