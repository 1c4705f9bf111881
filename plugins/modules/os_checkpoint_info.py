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

- name: Say how old it is
  ansible.builtin.debug:
    msg: "Taken at {{ found.manifest.checkpoint.created_at }}"
"""

RETURN = r"""
checkpoints:
  description: All checkpoints of the application, the newest first.
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
manifest:
  description: The manifest of the selected checkpoint; null when there is none.
  returned: success
  type: dict
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.osdr.openstack.plugins.module_utils import args
from ansible_collections.osdr.openstack.plugins.module_utils.application import require_name
from ansible_collections.osdr.openstack.plugins.module_utils.catalogue import LATEST, Catalogue, summary
from ansible_collections.osdr.openstack.plugins.module_utils.cloud import connect
from ansible_collections.osdr.openstack.plugins.module_utils.errors import NotFound, reported
from ansible_collections.osdr.openstack.plugins.module_utils.object_store import ObjectStore


def run(params, catalogue):
    application = require_name("the name of an application", params["application"])
    wanted = require_name("the id of a checkpoint", params["checkpoint"])
    checkpoints = catalogue.checkpoints(application)
    selected = next((one for one in checkpoints if wanted in (LATEST, one.checkpoint.id)), None)
    if selected is None and params["require"]:
        raise NotFound(
            f"There is no checkpoint '{wanted}' of application '{application}' in {catalogue.place}.",
            _way_out(checkpoints),
        )
    return {
        "checkpoints": [summary(one) for one in checkpoints],
        "manifest": selected.as_dict() if selected else None,
    }


def _way_out(checkpoints):
    if not checkpoints:
        return "There is none at all: check the name, the project of the credentials and the container, or take a checkpoint first."
    return "There are: " + ", ".join(one.checkpoint.id for one in checkpoints) + "."


def main():
    module = AnsibleModule(
        argument_spec=args.spec(
            args.AUTH,
            args.CATALOGUE,
            {
                "application": {"type": "str", "required": True},
                "checkpoint": {"type": "str", "default": LATEST},
                "require": {"type": "bool", "default": False},
            },
        ),
        supports_check_mode=True,
    )
    with reported(module):
        catalogue = Catalogue(ObjectStore(connect(module.params)), module.params["container"])
        result = run(module.params, catalogue)
    module.exit_json(changed=False, **result)


if __name__ == "__main__":
    main()
