#!/usr/bin/python
# SPDX-FileCopyrightText: The osdr.openstack authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: os_checkpoint_info
short_description: List and select checkpoints in the catalogue of a site
version_added: 0.1.0
author:
  - The osdr.openstack authors (!UNKNOWN)
description:
  - Lists the checkpoints of an application that the catalogue of a site holds, and returns the manifest of one.
  - Only the site that holds the catalogue need be reachable.
  - A manifest that is damaged, or whose signature does not match, hides no other. It is listed in RV(damaged), with a warning, and is never selected.
  - Warns when the site's backups belong to a newer checkpoint than the catalogue has, or keep another manifest of the selected one.
extends_documentation_fragment:
  - osdr.openstack.auth
  - osdr.openstack.catalogue
  - osdr.openstack.attributes
  - osdr.openstack.attributes.info_module
options:
  application:
    description:
      - Name of the application.
    type: str
    required: true
  checkpoint:
    description:
      - Id of the checkpoint whose manifest is wanted; V(latest) for the newest one.
    type: str
    default: latest
  not_after:
    description:
      - The latest acceptable time of the data, in ISO 8601 with an offset or C(Z). With V(latest) this selects, for example, the
        newest checkpoint from before an application's data were corrupted.
    type: str
  consistency:
    description:
      - The least consistency that the checkpoint must have.
    type: str
    choices: [offline, quiesced, paused, crash]
  require:
    description:
      - Fail when there is no such checkpoint.
    type: bool
    default: false
seealso:
  - module: osdr.openstack.os_checkpoint
"""

EXAMPLES = r"""
- name: Find the newest checkpoint of the shop
  osdr.openstack.os_checkpoint_info:
    cloud: remote
    application: shop
    require: true
  register: found

- name: Find the newest one of before the mishap whose servers had been frozen
  osdr.openstack.os_checkpoint_info:
    cloud: remote
    application: shop
    not_after: "2026-11-22T14:30:00+01:00"
    consistency: quiesced
    require: true
  register: found

- name: Say how old it is
  ansible.builtin.debug:
    msg: "Taken at {{ found.manifest.checkpoint.created_at }}"
"""

RETURN = r"""
checkpoints:
  description: All checkpoints of the application that can be read, the newest first.
  returned: success
  type: list
  elements: dict
  sample:
    - id: 2026-11-22-noon
      application: shop
      created_at: "2026-11-22T12:00:01.250Z"
      site: primary
      consistency: quiesced
      servers: [orders-db, payments-db, shop-front]
      volumes: 5
      gigabytes: 5
damaged:
  description: The manifests of the application that cannot be used.
  returned: success
  type: list
  elements: dict
  contains:
    name:
      description: Name of the object in the container.
      type: str
    problem:
      description: What is wrong with it.
      type: str
manifest:
  description: The manifest of the selected checkpoint; null when there is none.
  returned: success
  type: dict
clock_ahead:
  description: Seconds by which the site's clock is ahead of the controller's; 0 when nothing shows that they differ.
  returned: success
  type: float
"""

from ansible_collections.osdr.openstack.plugins.module_utils import args
from ansible_collections.osdr.openstack.plugins.module_utils.application.definition import require_name
from ansible_collections.osdr.openstack.plugins.module_utils.catalogue.catalogue import LATEST, Catalogue, CheckpointChoice, parse_time
from ansible_collections.osdr.openstack.plugins.module_utils.catalogue.doubts import replaced, unbound, unlisted, what_there_is
from ansible_collections.osdr.openstack.plugins.module_utils.catalogue.known import KnownParts
from ansible_collections.osdr.openstack.plugins.module_utils.cloud.block_storage import BlockStorage
from ansible_collections.osdr.openstack.plugins.module_utils.cloud.session import connect
from ansible_collections.osdr.openstack.plugins.module_utils.copies import methods
from ansible_collections.osdr.openstack.plugins.module_utils.core.consistency import LEVELS
from ansible_collections.osdr.openstack.plugins.module_utils.core.errors import CloudError, NotFound, reported
from ansible_collections.osdr.openstack.plugins.module_utils.core.records import marks


def wanted_checkpoint(params):
    name = require_name("the id of a checkpoint", params["checkpoint"])
    not_after = parse_time(params["not_after"]) if params["not_after"] is not None else None
    return CheckpointChoice(name, not_after, params["consistency"])


def run(module, catalogue, storage):
    application = require_name("the name of an application", module.params["application"])
    choice = wanted_checkpoint(module.params)
    listing = catalogue.listing(application)
    for warning in [one.problem for one in listing.damaged] + unbound(listing, catalogue.seal):
        module.warn(warning)
    chosen = listing.select(choice)
    selected = catalogue.find(application, chosen) if chosen else None
    for warning in _doubts(application, listing, selected, catalogue, storage):
        module.warn(warning)
    if selected is None and module.params["require"]:
        raise NotFound(f"Application '{application}' has no {choice} in {catalogue.place}.", what_there_is(listing))
    return {
        "checkpoints": [dict(one.summary) for one in listing.kept],
        "damaged": [one.as_dict() for one in listing.damaged],
        "manifest": selected.as_dict() if selected else None,
        "clock_ahead": storage.cloud.clock.ahead,
    }


def _doubts(application, listing, selected, catalogue, storage):
    try:
        parts = KnownParts.of(methods.each(storage), marks(application, selected.checkpoint.id) if selected else None)
    except CloudError as error:
        return [f"It cannot be told whether the catalogue lacks what the backups know of: {error}"]
    doubts = unlisted(application, listing.ids, parts, catalogue.place)
    return doubts + (replaced(selected, parts.marked, catalogue.seal) if selected else [])


def main():
    module = args.Module(
        argument_spec=args.spec(
            args.AUTH,
            args.CATALOGUE,
            {
                "application": {"type": "str", "required": True},
                "checkpoint": {"type": "str", "default": LATEST},
                "not_after": {"type": "str"},
                "consistency": {"type": "str", "choices": list(LEVELS)},
                "require": {"type": "bool", "default": False},
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
