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
  - Lists the checkpoints of an application that the catalogue of a site holds, and selects one. Other modules read its manifest from there by its id.
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
      - Id of the checkpoint that is wanted; V(latest) for the newest one.
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
  with_manifest:
    description:
      - Whether to return the manifest too, in which all of the checkpoint can be looked up. It has some 5 kB for each server. No module takes it.
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
    msg: "Taken at {{ found.checkpoint.created_at }}"
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
      servers: 3
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
checkpoint:
  description: The selected checkpoint; null when there is none.
  returned: success
  type: dict
  contains:
    id:
      description: Its id, by which other modules find it.
      type: str
    digest:
      description: Digest of its manifest as it is stored. With it, other modules take no other manifest for this one.
      type: str
    application:
      description: Name of the application.
      type: str
    created_at:
      description: The moment of the data.
      type: str
    site:
      description: Name of the site where it was taken.
      type: str
    consistency:
      description: How consistent the data is.
      type: str
    servers:
      description: How many servers it has.
      type: int
    volumes:
      description: How many volumes it has.
      type: int
    gigabytes:
      description: The sum of their sizes.
      type: int
    incremental:
      description: How many of their copies build on earlier ones.
      type: int
    window:
      description: When servers were frozen, from the first to the last; null when none was.
      type: dict
    tiers:
      description: The tiers in boot order, each with its servers.
      type: list
      elements: dict
      contains:
        name:
          description: Name of the tier.
          type: str
        servers:
          description: Names of its servers.
          type: list
          elements: str
    together:
      description: Of a part of an application over several projects, the projects of all parts and the tiers of the whole; null of any other.
      type: dict
  sample:
    id: 2026-11-22-noon
    digest: sha256:8f434346648f6b96df89dda901c5176b10a6d83961dd3c1ac88b59b2dc327aa4
    application: shop
    created_at: "2026-11-22T12:00:01.250Z"
    site: primary
    consistency: quiesced
    servers: 3
    volumes: 5
    gigabytes: 5
    incremental: 5
    window:
      started: "2026-11-22T12:00:00.900Z"
      ended: "2026-11-22T12:00:03.100Z"
      seconds: 2.2
    tiers:
      - name: database
        servers: [orders-db, payments-db]
      - name: front
        servers: [shop-front]
    together: null
manifest:
  description: The manifest of the selected checkpoint; null when there is none.
  returned: with O(with_manifest=true)
  type: dict
clock_ahead:
  description: Seconds by which the site's clock is ahead of the controller's; 0 when nothing shows that they differ.
  returned: success
  type: float
"""

from ansible_collections.osdr.openstack.plugins.module_utils import args
from ansible_collections.osdr.openstack.plugins.module_utils.application.definition import require_name
from ansible_collections.osdr.openstack.plugins.module_utils.catalogue.catalogue import LATEST, Catalogue, CheckpointChoice, details, parse_time
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
        "checkpoint": details(selected) if selected else None,
        "clock_ahead": storage.cloud.clock.ahead,
        **({"manifest": selected.as_dict() if selected else None} if module.params["with_manifest"] else {}),
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
                "with_manifest": {"type": "bool", "default": False},
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
