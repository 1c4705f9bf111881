#!/usr/bin/python
# SPDX-FileCopyrightText: The osdr.openstack authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: os_application_fence
short_description: Keep the servers of an application at a site from being started by mistake
version_added: 0.1.0
author:
  - The osdr.openstack authors (!UNKNOWN)
description:
  - Stops the servers of an application tier by tier, front end before database, and locks them with a reason, so that nobody starts them by mistake
    while the application runs at another site. Each server is marked (metadata C(osdr_fence)) with application, when, why, and where the application
    runs. Which of them were off while others ran, and which were locked before, is kept in their metadata too (C(osdr_off), C(osdr_lock)).
  - With O(state=released) it removes locks and marks, and with O(start) it starts the servers in boot order, except those that were off before.
    Servers that were locked before are locked again.
  - The state of the servers decides what is done. A run resumes where an earlier one ended, and a second run changes nothing.
  - Fails before the first change if a server may not belong to the application, because several servers have its name, it was
    restored for another application, or the checkpoint in the catalogue was taken of another server of that name (O(catalogue_cloud)).
extends_documentation_fragment:
  - osdr.openstack.auth
  - osdr.openstack.application
  - osdr.openstack.agents
  - osdr.openstack.catalogue
  - osdr.openstack.attributes
options:
  state:
    description:
      - Whether the servers shall be fenced.
    type: str
    choices: [fenced, released]
    default: fenced
  site:
    description:
      - How records and manifests call the site at which the servers are.
    type: str
    required: true
  runs_at:
    description:
      - Name of the site at which the application runs now, or to which it is moved. Required when O(state=fenced).
    type: str
  checkpoint:
    description:
      - Id of the checkpoint from which it is restored there. Empty when unknown. The marks of the servers name it.
    type: str
    default: ""
  reason:
    description:
      - Why, for those who find the mark.
    type: str
    default: ""
  catalogue_cloud:
    description:
      - The site whose catalogue has O(checkpoint), as the option O(cloud) takes it. If the checkpoint is there and was taken at O(site), the ids in it
        identify the servers, and one that only has the same name is refused.
    type: raw
  start:
    description:
      - Start the servers when O(state=released), tier by tier in boot order; a tier begins when all checks of the one before have passed.
        Checks that are commands are run too, because O(application) comes from you, not from a manifest.
    type: bool
    default: false
  keep_going:
    description:
      - Whether to fence the other servers when some do not stop, or cannot be stopped in their state. With V(false), nothing is touched
        if a server is in such a state, and a tier that does not stop in time ends the run, so that nothing is stopped below what may still write
        to it. That is right for a planned move.
      - With V(true), everything that can be marked, stopped and locked is, tier after tier. Problematic states are warned of, and at the end the
        module fails, naming the servers that are not fenced. That is right if the application runs elsewhere, or is about to.
    type: bool
    default: false
  admin_cloud:
    description:
      - The same site as an administrator, in another project than the servers'. The lock is then an administrator's, and the
        project cannot remove it. Without it, the lock is the project's own, which only prevents mistakes.
      - Needed to release what an administrator has locked.
    type: raw
  timeout:
    description:
      - Seconds that a tier may take to stop, or a server to start.
    type: int
    default: 300
  concurrency:
    description:
      - How many servers are worked on in parallel.
    type: int
    default: 8
notes:
  - A server whose compute host is dead stays C(ACTIVE (powering-off)). It is stopped, and not started, when its host and C(nova-compute) there start again.
  - Servers are asked to shut down. Nova switches off those that take longer than the site allows (C(shutdown_timeout) of its Nova, a minute by default).
  - A fence does not keep an administrator from starting a server. It does not keep a compute host that starts again
    from starting the servers that ran when it died, where C(resume_guests_state_on_host_boot) is set in its Nova; these must be fenced before.
seealso:
  - module: osdr.openstack.os_active_site_info
"""

EXAMPLES = r"""
- name: Nobody shall start the shop at the primary site while it runs at the remote one
  osdr.openstack.os_application_fence:
    cloud: primary
    admin_cloud: primary-admin
    site: primary
    runs_at: remote
    reason: The primary site burnt down
    keep_going: true
    application: "{{ shop }}"

- name: It is to run there again
  osdr.openstack.os_application_fence:
    cloud: primary
    admin_cloud: primary-admin
    site: primary
    state: released
    start: true
    application: "{{ shop }}"
"""

RETURN = r"""
fence:
  description: The current state; in check mode, the state before.
  returned: success
  type: dict
  contains:
    servers:
      description: The servers in boot order.
      type: list
      elements: dict
      contains:
        id:
          description: Id of the server.
          type: str
        name:
          description: Its name.
          type: str
        status:
          description: Its status.
          type: str
        locked:
          description: Whether it is locked.
          type: bool
        locked_reason:
          description: Why; empty when it is not locked.
          type: str
        fenced:
          description: Whether it is stopped, locked and marked.
          type: bool
    absent:
      description: Servers of the application's definition that do not exist at the site.
      type: list
      elements: str
  sample:
    servers:
      - id: 9d1c2a44-5a0e-4b7c-9c39-1c8f5f2f7b11
        name: orders-db
        status: SHUTOFF
        locked: true
        locked_reason: "Fenced by an administrator: application shop runs at site remote, from checkpoint 2026-11-22-move."
        fenced: true
    absent: []
"""

from ansible_collections.osdr.openstack.plugins.module_utils import args
from ansible_collections.osdr.openstack.plugins.module_utils.application.definition import Application, require_checkpoint_id
from ansible_collections.osdr.openstack.plugins.module_utils.catalogue.catalogue import Catalogue
from ansible_collections.osdr.openstack.plugins.module_utils.cloud.compute import Compute
from ansible_collections.osdr.openstack.plugins.module_utils.cloud.network import Networking
from ansible_collections.osdr.openstack.plugins.module_utils.cloud.session import connect, connect_other
from ansible_collections.osdr.openstack.plugins.module_utils.core.errors import reported
from ansible_collections.osdr.openstack.plugins.module_utils.core.text import timestamp
from ansible_collections.osdr.openstack.plugins.module_utils.failover.fence_job import FenceJob
from ansible_collections.osdr.openstack.plugins.module_utils.failover.fence_mark import FenceMark
from ansible_collections.osdr.openstack.plugins.module_utils.failover.fencing import Fencing, Members
from ansible_collections.osdr.openstack.plugins.module_utils.readiness import gates as readiness
from ansible_collections.osdr.openstack.plugins.module_utils.readiness.probes import Agents, Probes
from ansible_collections.osdr.openstack.plugins.module_utils.work.waiting import Waiter


def origin_of(params, application):
    """The checkpoint that was taken of these servers, if somebody says where it is, and it is there."""
    if params["catalogue_cloud"] is None or not params["checkpoint"]:
        return None
    checkpoint = require_checkpoint_id(params["checkpoint"])
    origin = Catalogue.of(connect_other(params["catalogue_cloud"]), params).find(application.name, checkpoint)
    return origin if origin and origin.checkpoint.site == params["site"] else None


def job_of(module, compute, acting, network):
    """Set up the fencing.

    :param acting: with whose credentials servers are stopped and locked.
    """
    params, application = module.params, Application.parse(module.params["application"])
    members = Members.of(params["site"], application, compute.servers(), origin_of(params, application))
    agents = Agents.of(compute.cloud, **params["quiesce"]) if readiness.asks_agents(application) else None
    gates = readiness.Gates(Probes(agents).ask, runs_commands=True)
    fencing = Fencing(acting, members, Waiter(timeout=params["timeout"], interval=1.0), params["concurrency"], gates)
    by_admin = acting.cloud.project_id != compute.cloud.project_id
    return FenceJob(members, fencing, compute, network, by_admin, module.check_mode)


def run(module, compute, acting, network):
    params = module.params
    job = job_of(module, compute, acting, network)
    if params["admin_cloud"] and not job.by_admin:
        module.warn("admin_cloud is in the project of the servers, so Nova takes its lock for the project's own: members of the project can undo it.")
    for name in job.members.absent:
        module.warn(f"Server '{name}' of application '{job.members.application.name}' is not there at site '{params['site']}'.")
    if params["state"] == "released":
        return job.release(params["start"])
    mark = FenceMark(job.members.application.name, params["runs_at"], params["checkpoint"], timestamp(compute.cloud.clock.now()), params["reason"])
    return job.fence(mark, params["keep_going"], module.warn)


def main():
    module = args.Module(
        argument_spec=args.spec(
            args.AUTH,
            args.APPLICATION,
            args.AGENTS,
            args.CATALOGUE,
            {
                "state": {"type": "str", "choices": ["fenced", "released"], "default": "fenced"},
                "site": {"type": "str", "required": True},
                "runs_at": {"type": "str"},
                "checkpoint": {"type": "str", "default": ""},
                "reason": {"type": "str", "default": ""},
                "catalogue_cloud": {"type": "raw"},
                "start": {"type": "bool", "default": False},
                "keep_going": {"type": "bool", "default": False},
                "admin_cloud": {"type": "raw"},
                "timeout": {"type": "int", "default": 300},
                "concurrency": {"type": "int", "default": 8},
            },
        ),
        required_if=[("state", "fenced", ["runs_at"])],
        supports_check_mode=True,
    )
    with reported(module):
        cloud = connect(module.params)
        admin = connect_other(module.params["admin_cloud"]) if module.params["admin_cloud"] else cloud
        result = run(module, Compute(cloud), Compute(admin), Networking(cloud))
    module.exit_json(**result)


if __name__ == "__main__":
    main()
