#!/usr/bin/python
# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: os_application_roll_back
short_description: Roll an application back to a checkpoint at the site where it runs
version_added: 0.1.0
author:
  - The osdr.openstack authors (!UNKNOWN)
description:
  - Rolls the data of an application back to a checkpoint, for example after a bad upgrade, undoes that, or accepts it. Works at either site, whichever
    the application runs at.
  - New volumes are made from the checkpoint beside those in use. Then the servers are stopped tier by tier, deleted without their volumes and ports,
    and recreated on the new volumes, tier by tier with the health checks. Nova detaches no root volume, so they cannot be kept; the new ones have
    the same names, ports, addresses, flavors, metadata and all else that a restore brings back, and other ids.
  - The old volumes are kept, marked and unattached. V(undone) builds the servers on them again as they were. V(accepted) removes the volumes that
    are out of use.
  - Each is checked as a whole before the first change, as M(osdr.openstack.os_restore_check) does. The room that the servers take in quotas becomes
    free for the new ones; the volumes are needed twice.
  - Encrypted volumes are restored from backups that the site made itself as they are, with the keys in its key manager, which needs O(store_cloud) at
    most. Those from backups of the other site, made before the application moved here, need O(volume_private_key) and O(import_cloud) as well.
  - The application is described in a record in the catalogue before the first server is deleted. By that and by marks, each run resumes where another
    one ended, from any controller.
extends_documentation_fragment:
  - osdr.openstack.auth
  - osdr.openstack.effort
  - osdr.openstack.application
  - osdr.openstack.catalogue
  - osdr.openstack.mapping
  - osdr.openstack.agents
  - osdr.openstack.encrypted
  - osdr.openstack.attributes
options:
  state:
    description:
      - With V(prepared), everything is checked and the new volumes are made; the application keeps running.
      - With V(rolled_back), this is done too, and then the servers are exchanged.
      - With V(undone), the application is brought back as it was before, whatever the roll-back had come to. If its servers were only stopped, they are
        started again.
      - With V(accepted), the volumes that are out of use are deleted, the old ones after a roll-back, those of the checkpoint after V(undone). Another
        roll-back can begin then.
    type: str
    choices: [prepared, rolled_back, undone, accepted]
    required: true
  site:
    description:
      - Name of the site in manifests and records.
    type: str
    required: true
  catalogue_cloud:
    description:
      - The site with the catalogue, as the option O(cloud) takes it. The record of the roll-back is kept there. Defaults to the site itself.
    type: raw
  checkpoint:
    description:
      - Id of the checkpoint, which is read from the catalogue. Required for V(prepared) and V(rolled_back).
    type: str
  digest:
    description:
      - Digest of the checkpoint, as M(osdr.openstack.os_checkpoint_info) returned it. Fails when the catalogue has another one under this id by now.
    type: str
  user_data:
    description:
      - What to do with the servers' user data, as the option O(osdr.openstack.os_application_info#module:user_data) takes it. With V(omit), the new
        servers have none.
    type: str
    choices: [omit, encrypt, keep]
    default: omit
  user_data_key:
    description:
      - Passphrase with which user data is encrypted in the record.
    type: str
  admin_cloud:
    description:
      - The site as an administrator, who sees user data and which device a server boots from.
    type: raw
  stop_timeout:
    description:
      - Seconds that a tier may take to stop.
    type: int
    default: 300
notes:
  - Health checks, including those that are commands, are the ones in O(application), and are made from where the module runs.
  - Snapshots and backups that were taken of the old volumes do not belong to the new ones. The next checkpoint is a full one.
seealso:
  - module: osdr.openstack.os_restore_beside
  - module: osdr.openstack.os_application_fence
"""

EXAMPLES = r"""
- name: Choose the newest checkpoint from before the upgrade
  osdr.openstack.os_checkpoint_info:
    cloud: remote
    application: shop
    not_after: "2026-11-22T12:00:00Z"
    require: true
  register: found

- name: Roll the shop back
  osdr.openstack.os_application_roll_back:
    cloud: primary
    catalogue_cloud: remote
    site: primary
    application: "{{ shop }}"
    checkpoint: "{{ found.checkpoint.id }}"
    digest: "{{ found.checkpoint.digest }}"
    state: rolled_back

- name: That was worse; bring back what ran before
  osdr.openstack.os_application_roll_back:
    cloud: primary
    catalogue_cloud: remote
    site: primary
    application: "{{ shop }}"
    state: undone

- name: Remove the volumes that are out of use
  osdr.openstack.os_application_roll_back:
    cloud: primary
    catalogue_cloud: remote
    site: primary
    application: "{{ shop }}"
    state: accepted
"""

RETURN = r"""
roll_back:
  description: The roll-back; null when O(state=accepted) and there is none.
  returned: success
  type: dict
  contains:
    application:
      description: Name of the application.
      type: str
    id:
      description: Id of the roll-back, with which everything that it makes is marked.
      type: str
    site:
      description: The site where the application runs.
      type: str
    checkpoint:
      description: Id of the checkpoint.
      type: str
    since:
      description: When it began.
      type: str
    state:
      description: What it has come to, C(begun), C(exchanging), C(rolled_back), C(undoing) or C(undone).
      type: str
  sample:
    application: shop
    id: 20261122143000-3f2a
    site: primary
    checkpoint: 2026-11-22-noon
    since: "2026-11-22T14:30:00Z"
    state: rolled_back
resumed:
  description: Whether an earlier run has begun it.
  returned: success and O(state) is not V(accepted)
  type: bool
needs:
  description: What it takes of the project's quotas, as M(osdr.openstack.os_restore_check) returns it. Empty for what was done before.
  returned: success and O(state) is not V(accepted)
  type: list
  elements: dict
volumes:
  description: The volumes of the checkpoint, as M(osdr.openstack.os_restore_volumes) returns them. Empty for V(undone), and for what was done before.
  returned: success and O(state) is not V(accepted)
  type: list
  elements: dict
servers:
  description: The servers that were built, as M(osdr.openstack.os_restore_servers) returns them.
  returned: success and O(state) is not V(accepted)
  type: list
  elements: dict
kept:
  description: The volumes that are out of use and kept. Empty until the roll-back, or its undoing, is complete.
  returned: success and O(state) is not V(accepted)
  type: list
  elements: dict
  contains:
    name:
      description: Its name.
      type: str
    volume_id:
      description: Its id.
      type: str
    size:
      description: Its size in GiB.
      type: int
stopped_at:
  description: When the first server was asked to stop, by the clock of the controller.
  returned: when servers were exchanged with O(state=rolled_back)
  type: str
started_at:
  description: When the volumes (V(prepared)) or the servers (V(rolled_back)) began to be made, from which their C(seconds) count.
  returned: when they were made with V(prepared) or V(rolled_back)
  type: str
removed:
  description: Names and ids of the volumes that were removed.
  returned: when O(state=accepted)
  type: list
  elements: str
left:
  description: Volumes out of use that were kept, each with the reason.
  returned: when O(state=accepted)
  type: list
  elements: str
"""

import re
import secrets

from ansible_collections.osdr.openstack.plugins.module_utils import args
from ansible_collections.osdr.openstack.plugins.module_utils.application.definition import Application
from ansible_collections.osdr.openstack.plugins.module_utils.catalogue.catalogue import Catalogue
from ansible_collections.osdr.openstack.plugins.module_utils.cloud.session import connect, connect_other
from ansible_collections.osdr.openstack.plugins.module_utils.core.errors import reported
from ansible_collections.osdr.openstack.plugins.module_utils.core.text import timestamp
from ansible_collections.osdr.openstack.plugins.module_utils.manifest import user_data
from ansible_collections.osdr.openstack.plugins.module_utils.mapping.isolation import Wish
from ansible_collections.osdr.openstack.plugins.module_utils.readiness import gates as readiness
from ansible_collections.osdr.openstack.plugins.module_utils.readiness.probes import Agents, Probes
from ansible_collections.osdr.openstack.plugins.module_utils.restore.sealed import Means
from ansible_collections.osdr.openstack.plugins.module_utils.rollback.job import RollBackJob, RollBackSettings
from ansible_collections.osdr.openstack.plugins.module_utils.work.waiting import Waiter


def settings_of(params, cloud, application):
    now = timestamp(cloud.clock.now())
    agents = Agents.of(cloud, **params["quiesce"]) if readiness.asks_agents(application) else None
    return RollBackSettings(
        site=params["site"],
        # As the ids of drills are.
        fresh=f"{re.sub(r'[^0-9]', '', now[:19])}-{secrets.token_hex(2)}",
        now=now,
        admin=connect_other(params["admin_cloud"]) if params["admin_cloud"] else None,
        form=user_data.form_of(params["user_data"], params["user_data_key"]),
        user_data_key=params["user_data_key"],
        means=Means.parse(params),
        # The definition is the operator's own.
        gates=readiness.Gates(Probes(agents).ask, runs_commands=True),
        stopping=Waiter(timeout=params["stop_timeout"], interval=1.0),
        waiter=Waiter(timeout=params["timeout"], interval=1.0),
        concurrency=params["concurrency"],
    )


def run(module, cloud, catalogue):
    params = module.params
    application = Application.parse(params["application"])
    job = RollBackJob(cloud, catalogue, application, settings_of(params, cloud, application), module.check_mode, module.warn)
    if params["state"] == "undone":
        return job.undo()
    if params["state"] == "accepted":
        return job.accept()
    manifest = Wish.parse(catalogue.chosen(application.name, params["checkpoint"], params["digest"]), params["mapping"]).manifest_there()
    return job.prepare(manifest) if params["state"] == "prepared" else job.roll_back(manifest)


def main():
    module = args.Module(
        argument_spec=args.spec(
            args.AUTH,
            args.EFFORT,
            args.APPLICATION,
            args.CATALOGUE,
            args.MAPPING,
            args.AGENTS,
            args.USER_DATA_KEY,
            args.ENCRYPTED,
            {
                "state": {"type": "str", "choices": ["prepared", "rolled_back", "undone", "accepted"], "required": True},
                "site": {"type": "str", "required": True},
                "catalogue_cloud": {"type": "raw"},
                "checkpoint": {"type": "str"},
                "digest": {"type": "str"},
                "user_data": {"type": "str", "choices": list(user_data.POLICIES), "default": user_data.OMIT},
                "admin_cloud": {"type": "raw"},
                "stop_timeout": {"type": "int", "default": 300},
            },
        ),
        required_if=[("state", "prepared", ["checkpoint"]), ("state", "rolled_back", ["checkpoint"])],
        supports_check_mode=True,
    )
    with reported(module):
        cloud = connect(module.params)
        elsewhere = connect_other(module.params["catalogue_cloud"]) if module.params["catalogue_cloud"] else cloud
        result = run(module, cloud, Catalogue.of(elsewhere, module.params))
    module.exit_json(**result)


if __name__ == "__main__":
    main()
