#!/usr/bin/python
# SPDX-FileCopyrightText: The osdr.openstack authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: os_checkpoint_check
short_description: Find out whether a checkpoint could be taken and copied now
version_added: 0.1.0
author:
  - The osdr.openstack authors (!UNKNOWN)
description:
  - Checks, before the first change, everything that a checkpoint needs on both sites. That is the servers and volumes and their
    states, whether each server can be frozen and guarded, the quotas for snapshots and backups at the primary site and
    for the imported records and for volumes restored to be compared at the remote site, whether records may be imported there and the objects of backups can be
    read, the credentials, the catalogue, and the clocks of the sites and of the controller.
  - Fails with a list of all problems, or succeeds.
extends_documentation_fragment:
  - osdr.openstack.auth
  - osdr.openstack.application
  - osdr.openstack.quiesce.window
  - osdr.openstack.catalogue
  - osdr.openstack.replication
  - osdr.openstack.attributes
  - osdr.openstack.attributes.info_module
options:
  name:
    description:
      - The id of the checkpoint. What an interrupted run made with this id counts as done. Other backups with this id that cannot
        be replaced are a problem.
    type: str
    required: true
  consistency:
    description:
      - The least consistency that the checkpoint must have; it decides whether O(quiesce.driver=auto) may pause servers.
    type: str
    choices: [offline, quiesced, paused, crash]
    default: quiesced
  site:
    description:
      - Name of the primary site in records and manifests. If given, the newest record of where the application runs
        (M(osdr.openstack.os_active_site)) must name this site, and be readable. The records are read from the catalogues of both sites.
    type: str
  grouping:
    description:
      - Which volumes are to be snapshotted together, as O(osdr.openstack.os_cg_snapshot#module:grouping) takes it.
    type: str
    choices: [auto, individual, generic, consistent]
    default: auto
  concurrency:
    description:
      - How many servers are probed in parallel.
    type: int
    default: 8
  backup_concurrency:
    description:
      - How many volumes will be restored at the same time for O(verification=restore), which needs room in the remote site's quotas, the
        O(osdr.openstack.os_backup_replicate#module:concurrency) of the module that copies.
    type: int
    default: 8
  others:
    description:
      - The other projects in which servers of the application are, each with credentials of its own at both sites. O(admin_cloud) must see the servers
        of all of them.
      - O(cloud) and O(remote_cloud) are those of the leading project, in whose catalogue the checkpoint is looked for.
    type: list
    elements: dict
    default: []
    suboptions:
      cloud:
        description: The primary site in this project, by name or as a dictionary.
        type: raw
        required: true
      admin_cloud:
        description: The primary site as an administrator with a role in this project. O(others[].cloud) when omitted.
        type: raw
      remote_cloud:
        description: The remote site in the project that will own the copies. Each project needs one of its own.
        type: raw
        required: true
      remote_admin_cloud:
        description: The remote site as an administrator with a role in that project. O(others[].remote_cloud) when omitted.
        type: raw
      store_cloud:
        description: The object store account of the primary site's backup service. O(others[].cloud) when omitted.
        type: raw
      remote_store_cloud:
        description: The object store account of the remote site's backup service. O(others[].remote_cloud) when omitted.
        type: raw
seealso:
  - module: osdr.openstack.os_cg_snapshot
  - module: osdr.openstack.os_backup_replicate
"""

EXAMPLES = r"""
- name: Could we take a checkpoint now?
  osdr.openstack.os_checkpoint_check:
    cloud: primary
    admin_cloud: primary-admin
    remote_cloud: remote
    remote_admin_cloud: remote-admin
    name: "2026-11-22-noon"
    application: "{{ shop }}"
    quiesce:
      admin_cloud: primary-admin
"""

RETURN = r"""
checkpoint_check:
  description: What a checkpoint would comprise.
  returned: success
  type: dict
  contains:
    servers:
      description: Names of the servers.
      type: list
      elements: str
    volumes:
      description: Number of volumes.
      type: int
    gigabytes:
      description: Their size together.
      type: int
    freezes:
      description: How each server would be frozen, except those that stand still by themselves. Empty without O(quiesce).
      type: list
      elements: dict
      contains:
        id:
          description: Id of the server.
          type: str
        name:
          description: Name of the server.
          type: str
        driver:
          description: By which driver.
          type: str
        guard:
          description: Where the guard would run that thaws it whatever happens, V(nova), V(guest), both (V(nova, guest)) or V(controller).
          type: str
        passed_over:
          description: Why better drivers do not qualify, per name.
          type: dict
    parts:
      description: What each project has of the application, that of O(cloud) first, then those of O(others). Empty without O(others).
      type: list
      elements: dict
      contains:
        project_id:
          description: Id of the project at the primary site.
          type: str
        application:
          description: The definition with the servers of this project only.
          type: dict
        together:
          description: What O(osdr.openstack.os_checkpoint#module:together) takes.
          type: dict
"""

import dataclasses
import typing as t

from ansible_collections.osdr.openstack.plugins.module_utils import args
from ansible_collections.osdr.openstack.plugins.module_utils.application.definition import Application, require_checkpoint_id
from ansible_collections.osdr.openstack.plugins.module_utils.application.parts import divided
from ansible_collections.osdr.openstack.plugins.module_utils.catalogue.catalogue import Catalogue
from ansible_collections.osdr.openstack.plugins.module_utils.cloud.block_storage import BlockStorage
from ansible_collections.osdr.openstack.plugins.module_utils.cloud.compute import Compute
from ansible_collections.osdr.openstack.plugins.module_utils.cloud.session import connect, connect_other
from ansible_collections.osdr.openstack.plugins.module_utils.copies.delivery import Delivery
from ansible_collections.osdr.openstack.plugins.module_utils.copies.prospect import Prospect
from ansible_collections.osdr.openstack.plugins.module_utils.copies.sampling import Sampling, last_proofs
from ansible_collections.osdr.openstack.plugins.module_utils.copies.sites import Accounts, Sites
from ansible_collections.osdr.openstack.plugins.module_utils.core.consistency import LEVELS
from ansible_collections.osdr.openstack.plugins.module_utils.core.errors import CheckFailed, InvalidInput, reported
from ansible_collections.osdr.openstack.plugins.module_utils.failover import active_site
from ansible_collections.osdr.openstack.plugins.module_utils.manifest.plain import plain
from ansible_collections.osdr.openstack.plugins.module_utils.manifest.together import Together
from ansible_collections.osdr.openstack.plugins.module_utils.quiesce.quiescer import QuiesceOptions, Quiescer, foreseen, freeze_problems, running
from ansible_collections.osdr.openstack.plugins.module_utils.snapshots.grouping import POLICIES
from ansible_collections.osdr.openstack.plugins.module_utils.snapshots.job import GroupingOptions, SnapshotJob
from ansible_collections.osdr.openstack.plugins.module_utils.snapshots.wanted import Storages, Wanted, survey
from ansible_collections.osdr.openstack.plugins.module_utils.work.waiting import Waiter

#: The credentials of another project.
OTHER = {
    "cloud": {"type": "raw", "required": True},
    "admin_cloud": {"type": "raw"},
    "remote_cloud": {"type": "raw", "required": True},
    "remote_admin_cloud": {"type": "raw"},
    "store_cloud": {"type": "raw"},
    "remote_store_cloud": {"type": "raw"},
}


@dataclasses.dataclass(frozen=True)
class Side:
    """One project of the application, at both sites.

    :param params: the module's options, with this project's credentials.
    """

    params: t.Mapping[str, t.Any]
    sites: Sites
    catalogue: Catalogue

    @classmethod
    def of(cls, params):
        sites = Sites.connect(connect(params), Accounts.parse(params))
        return cls(params, sites, Catalogue.of(sites.remote.cloud, params))

    @property
    def project_id(self):
        return self.sites.primary.cloud.project_id


def run(params, warn):
    application = Application.parse(params["application"])
    name = require_checkpoint_id(params["name"])
    if params["others"] and not params["admin_cloud"]:
        raise InvalidInput("Only administrators can list and freeze the servers of several projects.", "Give admin_cloud.")
    lead = Side.of(params)
    sides = [lead, *(Side.of({**params, **other}) for other in params["others"])]
    for side in sides:
        side.catalogue.find(application.name, name)
    projects = [side.project_id for side in sides] if params["others"] else []
    quiescer = _quiescer(params, lead.sites.primary.cloud)
    servers = _servers(params, lead, quiescer, projects)
    wanted = Wanted(application, name, params["consistency"], survey(application, servers, Storages(side.sites.primary for side in sides)))
    problems = _division_problems(sides, servers) if projects else []
    for side in sides:
        part = wanted.of_project(side.project_id) if projects else wanted
        contents = last_proofs(side.catalogue.checkpoints(application.name).manifests, besides=name)
        problems += _site_problems(application.name, side.sites.primary.cloud, side.sites, side.params)
        problems += _problems(part, side.sites, side.params, contents) if part.members else []
    choices = quiescer.choose(running(servers.values())) if quiescer else {}
    problems += freeze_problems(servers.values(), choices)
    clocks = (lead.sites.primary.cloud.clock, lead.sites.remote.cloud.clock)
    problems += [problem for clock in clocks for problem in clock.problems]
    if problems:
        raise CheckFailed(f"Checkpoint '{name}' of '{application.name}' cannot be taken", problems)
    for warning in [warning for clock in clocks for warning in clock.warnings]:
        warn(warning)
    volumes = wanted.volumes.values()
    return {
        "servers": [member.server.name for member in wanted.members],
        "volumes": len(volumes),
        "gigabytes": sum(volume.size for volume in volumes),
        "freezes": foreseen(servers.values(), choices),
        "parts": _parts(application, servers, projects),
    }


def _servers(params, lead, quiescer, projects):
    if quiescer:
        return quiescer.resolve(application=Application.parse(params["application"]), project_ids=projects)
    cloud = connect_other(params["admin_cloud"]) if projects else lead.sites.primary.cloud
    return Compute(cloud).resolve(Application.parse(params["application"]).servers, projects)


def _division_problems(sides, servers):
    """Projects that cannot have a part of their own."""
    homes = {server.project_id for server in servers.values()}
    problems = []
    for kind, projects in (("primary", [side.project_id for side in sides]), ("remote", [side.sites.remote.cloud.project_id for side in sides])):
        problems += [
            f"Several of the application's projects have the {kind} project {one}; each needs credentials for one of its own."
            for one in sorted({one for one in projects if projects.count(one) > 1})
        ]
    return problems + [
        f"Project {side.project_id} on site '{side.sites.primary.cloud.site}' has none of the application's servers; take it out of the list."
        for side in sides
        if side.project_id not in homes
    ]


def _parts(application, servers, projects):
    tiers = tuple(tier.name for tier in application.tiers)
    return [
        {
            "project_id": part.project_id,
            "application": part.application.as_dict(),
            "together": plain(Together(part.project_id, tuple(projects), tiers)),
        }
        for part in divided(application, {name: server.project_id for name, server in servers.items()}, projects)
    ]


def _site_problems(application, cloud, sites, params):
    if not params["site"]:
        return []
    own = active_site.own_record(Catalogue.of(cloud, params), application)
    return active_site.refusals(params["site"], own, Catalogue.of(sites.remote.cloud, params).active(application))


def _quiescer(params, cloud):
    if params["quiesce"] is None:
        return None
    quiesce = dict(params["quiesce"])
    if params["others"]:
        # Nobody else sees the servers of all projects.
        quiesce["admin_cloud"] = quiesce["admin_cloud"] or params["admin_cloud"]
    options = QuiesceOptions.parse(quiesce, params)
    return Quiescer(cloud, options, params["consistency"], params["concurrency"])


def _problems(wanted, sites, params, contents):
    admin = BlockStorage(connect_other(params["admin_cloud"])) if params["admin_cloud"] else None
    options = GroupingOptions(params["grouping"])
    waiter = Waiter(timeout=0, interval=0)
    job = SnapshotJob(Storages([sites.primary]), admin, wanted, options, waiter, params["concurrency"])
    plan = job.plan(is_confirmed=False)
    problems = job.problems(plan, job.units(), thaws_leftovers=params["quiesce"] is not None) if plan.changed else []
    snapshot_ids = dict.fromkeys(wanted.volumes, "") if plan.changed else {s.volume_id: s.id for s in job.snapshots.current()}
    disks = {disk.id for disk in wanted.root_disks}
    sizes = {one.id: one.size for one in wanted.volumes.values() if one.id not in disks}
    taken = {one: snapshot_id for one, snapshot_id in snapshot_ids.items() if one not in disks}
    prospect = Prospect(wanted.metadata, sizes, taken, params["backup_concurrency"], len(disks))
    sampling = Sampling(wanted.name, params["verification_runs"], contents)
    return problems + prospect.problems(sites, Delivery(params["transport"], params["verification"], sampling))


def main():
    module = args.Module(
        argument_spec=args.spec(
            args.AUTH,
            args.APPLICATION,
            args.CATALOGUE,
            args.REPLICATION,
            {
                "name": {"type": "str", "required": True},
                "consistency": {"type": "str", "choices": list(LEVELS), "default": "quiesced"},
                "quiesce": {"type": "dict", "options": args.QUIESCE},
                "site": {"type": "str"},
                "grouping": {"type": "str", "choices": list(POLICIES), "default": "auto"},
                "concurrency": {"type": "int", "default": 8},
                "backup_concurrency": {"type": "int", "default": 8},
                "others": {"type": "list", "elements": "dict", "default": [], "options": OTHER},
            },
        ),
        supports_check_mode=True,
    )
    with reported(module):
        result = run(module.params, module.warn)
    module.exit_json(changed=False, checkpoint_check=result)


if __name__ == "__main__":
    main()
