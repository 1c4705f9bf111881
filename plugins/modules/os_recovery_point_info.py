#!/usr/bin/python
# SPDX-FileCopyrightText: The osdr.openstack authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: os_recovery_point_info
short_description: Find the newest restorable checkpoint of each application, and its age
version_added: 0.1.0
author:
  - The osdr.openstack authors (!UNKNOWN)
description:
  - For each application, finds the newest checkpoint that can be restored at the site, and its age (the RPO age).
  - A checkpoint can be restored when its manifest can be read and every backup of all its chains is available at the site.
  - Also finds the last drill that passed, of any checkpoint of the application. Records that cannot be read, or whose signature
    does not match, are ignored.
  - And it finds the last proof of the content of each volume, which the manifests keep. A copy that was never restored and compared
    may have the wrong content.
  - Of the checkpoints besides that one, digest or signature are verified and the copies read, and not what the manifests say of servers and topology.
  - Only the site that holds the catalogue need be reachable.
extends_documentation_fragment:
  - osdr.openstack.auth
  - osdr.openstack.catalogue
  - osdr.openstack.attributes
  - osdr.openstack.attributes.info_module
options:
  applications:
    description:
      - Names of the applications. One without checkpoints is returned too, as not within the limit.
      - When omitted, all applications with checkpoints in the catalogue; one that has lost all its checkpoints is then not noticed.
    type: list
    elements: str
  max_age:
    description:
      - Highest acceptable age in seconds of the newest checkpoint that can be restored. No limit when omitted.
    type: int
  max_drill_age:
    description:
      - Highest acceptable age in seconds of the last drill that passed. When omitted, no limit; no drill required.
    type: int
  max_proof_age:
    description:
      - Highest acceptable age in seconds of the last proof of the content of any volume, see
        O(osdr.openstack.os_backup_replicate#module:verification_runs). When omitted, no limit; no proof required.
    type: int
notes:
  - Ages are by the clock of the site, as the moments of checkpoints are by that of the site where they were taken; the clock of the machine that runs the
    module does not matter. It warns when the two differ by more than 2 s.
seealso:
  - module: osdr.openstack.os_checkpoint_info
"""

EXAMPLES = r"""
- name: How much would we lose now?
  osdr.openstack.os_recovery_point_info:
    cloud: remote
    applications: [shop]
    max_age: 3600
  register: found

- name: Too much
  ansible.builtin.fail:
    msg: "{{ found.recovery_points | rejectattr('within') | map(attribute='application') | join(', ') }}"
  when: found.recovery_points | rejectattr('within') | list | length > 0
"""

RETURN = r"""
recovery_points:
  description: One entry for each application, sorted by name.
  returned: success
  type: list
  elements: dict
  contains:
    application:
      description: Its name.
      type: str
    checkpoint:
      description: Id of the newest checkpoint that can be restored; null when none can.
      type: str
    created_at:
      description: The moment for which its data stands.
      type: str
    age:
      description: Seconds since then.
      type: float
    consistency:
      description: Its consistency.
      type: str
    restorable:
      description: Number of checkpoints that can be restored.
      type: int
    not_restorable:
      description: Checkpoints that are newer but cannot be restored, the newest first.
      type: list
      elements: dict
      contains:
        checkpoint:
          description: Its id.
          type: str
        created_at:
          description: The time that its data is of.
          type: str
        problem:
          description: Why it cannot be restored; of many reasons, the first.
          type: str
    damaged:
      description: Manifests that cannot be used, as far as they were read, so their checkpoints are unknown.
      type: list
      elements: dict
      contains:
        name:
          description: Name of the object in the container.
          type: str
        problem:
          description: What is wrong with it.
          type: str
    within:
      description: Whether a checkpoint can be restored that is not older than O(max_age).
      type: bool
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
    drill_within:
      description: Whether it is not older than O(max_drill_age).
      type: bool
    content:
      description:
        - When the content of each volume of the newest checkpoint that can be restored was last proved by a restore; null when none can be
          restored.
      type: dict
      contains:
        age:
          description: Seconds since the oldest of these proofs; null while there is a volume without one.
          type: float
        unproved:
          description: Number of volumes without a proof.
          type: int
        compared:
          description: Number of volumes whose last proof was a comparison, and not only a restore.
          type: int
        volumes:
          description: One entry for each volume.
          type: list
          elements: dict
          contains:
            server:
              description: Name of its server.
              type: str
            device:
              description: Its device name there.
              type: str
            volume_id:
              description: Its id at the site of the checkpoint.
              type: str
            verified:
              description: How far the copy of this checkpoint was verified, V(records), V(objects), V(readable) or V(restore).
              type: str
            proved_at:
              description: When its content was last proved; null when it never was.
              type: str
            proved_by:
              description: Id of the checkpoint that proved it; null when none did.
              type: str
            how:
              description:
                - V(restore) when a volume restored from the copy equalled the snapshot, V(readable) when it was restored but not compared;
                  null when none did.
              type: str
            age:
              description: Seconds since then; null when it never was.
              type: float
    proof_within:
      description: Whether all these proofs exist and are not older than O(max_proof_age).
      type: bool
metrics:
  description: The same in the text format of Prometheus.
  returned: success
  type: str
"""

from ansible_collections.osdr.openstack.plugins.module_utils import args
from ansible_collections.osdr.openstack.plugins.module_utils.application.definition import require_name
from ansible_collections.osdr.openstack.plugins.module_utils.catalogue.catalogue import Catalogue
from ansible_collections.osdr.openstack.plugins.module_utils.catalogue.doubts import unlisted
from ansible_collections.osdr.openstack.plugins.module_utils.catalogue.known import KnownParts
from ansible_collections.osdr.openstack.plugins.module_utils.catalogue.metrics import metrics
from ansible_collections.osdr.openstack.plugins.module_utils.catalogue.recovery_point import AgeLimits, RecoveryPoint
from ansible_collections.osdr.openstack.plugins.module_utils.cloud.block_storage import BlockStorage
from ansible_collections.osdr.openstack.plugins.module_utils.cloud.session import connect
from ansible_collections.osdr.openstack.plugins.module_utils.copies import methods
from ansible_collections.osdr.openstack.plugins.module_utils.core.errors import reported


def run(module, catalogue, storage):
    params = module.params
    limits = AgeLimits.parse(params)
    named = params["applications"]
    applications = catalogue.applications() if named is None else [require_name("the name of an application", one) for one in named]
    parts = KnownParts.of(methods.each(storage))
    points = [RecoveryPoint.of(one, catalogue, parts.states, storage.cloud.site) for one in sorted(set(applications))]
    for warning in [problem for one in points for problem in unlisted(one.application, one.listed, parts, catalogue.place)]:
        module.warn(warning)
    for warning in storage.cloud.clock.warnings:
        module.warn(warning)
    now = storage.cloud.clock.now()
    return {"recovery_points": [one.as_dict(now, limits) for one in points], "metrics": metrics(points, now)}


def main():
    module = args.Module(
        argument_spec=args.spec(
            args.AUTH,
            args.CATALOGUE,
            {
                "applications": {"type": "list", "elements": "str"},
                "max_age": {"type": "int"},
                "max_drill_age": {"type": "int"},
                "max_proof_age": {"type": "int"},
            },
        ),
        supports_check_mode=True,
    )
    with reported(module):
        cloud = connect(module.params)
        result = run(module, Catalogue.of(cloud, module.params), BlockStorage(cloud))
    module.exit_json(changed=False, **result)


if __name__ == "__main__":
    main()
