#!/usr/bin/python
# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: os_drill_record
short_description: Record the result of a drill
version_added: 0.1.0
author:
  - The osdr.openstack authors (!UNKNOWN)
description:
  - Writes the result of a drill into the catalogue, beside the manifest of its checkpoint, and signed like it.
  - A drill has passed if there was no O(problem) and all health checks of all servers were made in some way. If some could not be made,
    it is C(unchecked), which proves less and does not count as the last successful drill.
extends_documentation_fragment:
  - osdr.openstack.auth
  - osdr.openstack.catalogue
  - osdr.openstack.attributes
attributes:
  idempotent:
    support: none
    details:
      - Each run is another record.
options:
  application:
    description:
      - Name of the application.
    type: str
    required: true
  checkpoint:
    description:
      - Id of the checkpoint that was drilled.
    type: str
    required: true
  drill:
    description:
      - Id of the drill.
    type: str
    required: true
  started:
    description:
      - When it began, in seconds since 1970 by the controller's clock. The record has it by the clock of the site.
    type: float
    required: true
  recovery_seconds:
    description:
      - Seconds until the last check passed; omitted when it did not.
    type: float
  servers:
    description:
      - What M(osdr.openstack.os_restore_servers) returned as C(servers).
    type: list
    elements: dict
    default: []
  volumes:
    description:
      - What M(osdr.openstack.os_restore_volumes), and M(osdr.openstack.os_restore_servers) with volumes, returned, one entry for each call, in their
        order. Later restores are predicted by how long the volumes took.
    type: list
    elements: dict
    default: []
  problem:
    description:
      - Why it failed. Empty when it did not.
    type: str
    default: ""
  left:
    description:
      - What M(osdr.openstack.os_restore_cleanup) returned as C(left) afterwards.
    type: list
    elements: str
    default: []
seealso:
  - module: osdr.openstack.os_recovery_point_info
"""

EXAMPLES = r"""
- name: Write it down
  osdr.openstack.os_drill_record:
    cloud: remote
    application: shop
    checkpoint: 2026-11-22-noon
    drill: 20261122130000-3f2a
    started: 1795352400
    recovery_seconds: 71.4
    servers: "{{ restored.servers }}"
"""

RETURN = r"""
drill:
  description: The record.
  returned: success
  type: dict
  contains:
    application:
      description: Name of the application.
      type: str
    checkpoint:
      description: Id of the checkpoint.
      type: str
    drill:
      description: Id of the drill.
      type: str
    started_at:
      description: When it began.
      type: str
    finished_at:
      description: When it was written down.
      type: str
    outcome:
      description: C(passed), C(unchecked) or C(failed).
      type: str
    recovery_seconds:
      description: The recovery time; null when the application did not recover.
      type: float
    servers:
      description: Name, tier, status, checks and seconds of each server.
      type: list
      elements: dict
    volumes:
      description: Name, servers, size in GiB and seconds of each volume; the seconds are null where this run did not restore it.
      type: list
      elements: dict
    problem:
      description: Why it failed; empty when it did not.
      type: str
    left:
      description: What could not be removed afterwards.
      type: list
      elements: str
object:
  description: Name of the object in the catalogue's container.
  returned: success
  type: str
"""

from ansible_collections.osdr.openstack.plugins.module_utils import args
from ansible_collections.osdr.openstack.plugins.module_utils.catalogue.catalogue import Catalogue
from ansible_collections.osdr.openstack.plugins.module_utils.catalogue.drill_record import DrillRecord
from ansible_collections.osdr.openstack.plugins.module_utils.cloud.session import connect
from ansible_collections.osdr.openstack.plugins.module_utils.core.errors import reported


def main():
    module = args.Module(
        argument_spec=args.spec(
            args.AUTH,
            args.CATALOGUE,
            {
                "application": {"type": "str", "required": True},
                "checkpoint": {"type": "str", "required": True},
                "drill": {"type": "str", "required": True},
                "started": {"type": "float", "required": True},
                "recovery_seconds": {"type": "float"},
                "servers": {"type": "list", "elements": "dict", "default": []},
                "volumes": {"type": "list", "elements": "dict", "default": []},
                "problem": {"type": "str", "default": ""},
                "left": {"type": "list", "elements": "str", "default": []},
            },
        ),
        supports_check_mode=True,
    )
    with reported(module):
        cloud = connect(module.params)
        record = DrillRecord.of_run(module.params, cloud.clock)
        if not module.check_mode:
            Catalogue.of(cloud, module.params).record_drill(record)
    shown = record.as_dict()
    module.exit_json(changed=True, drill=shown, object=record.object_name, diff={"before": {}, "after": shown})


if __name__ == "__main__":
    main()
