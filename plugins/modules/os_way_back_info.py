#!/usr/bin/python
# SPDX-FileCopyrightText: The osdr.openstack authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: os_way_back_info
short_description: Find out what has to be protected where an application was restored
version_added: 0.1.0
author:
  - The osdr.openstack authors (!UNKNOWN)
description:
  - Returns the definition of an application at the site to which it was moved, or at which it was restored, from the record of where it runs and the
    manifest of the checkpoint that it was restored from. With it, checkpoints can be taken there for the way back.
  - Fails unless the record says that the application runs there.
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
  site:
    description:
      - How records call the site.
    type: str
    required: true
  other_clouds:
    description:
      - Of an application over several projects, those at the site besides that of O(cloud), which leads.
    type: list
    elements: raw
    default: []
seealso:
  - module: osdr.openstack.os_active_site
"""

EXAMPLES = r"""
- name: What is the shop at the site where it runs now?
  osdr.openstack.os_way_back_info:
    cloud: remote
    site: remote
    application: shop
  register: found

- name: Take a checkpoint of it there
  ansible.builtin.include_role:
    name: osdr.openstack.dr_checkpoint
  vars:
    dr_checkpoint_application: "{{ found.way_back.application }}"
    dr_checkpoint_cloud: remote
    dr_checkpoint_remote_cloud: primary
"""

RETURN = r"""
way_back:
  description: The application where it runs now.
  returned: success
  type: dict
  contains:
    application:
      description: Its name and tiers, as the role P(osdr.openstack.dr_checkpoint#role) takes them.
      type: dict
    site:
      description: Where it runs.
      type: str
    since:
      description: Since when, in ISO 8601.
      type: str
    checkpoint:
      description: Id of the checkpoint that it was restored from.
      type: str
  sample:
    application:
      name: shop
      tiers:
        - name: database
          servers: [orders-db]
          checks: []
    site: remote
    since: "2026-11-22T12:00:00.000Z"
    checkpoint: noon
"""

from ansible_collections.osdr.openstack.plugins.module_utils import args
from ansible_collections.osdr.openstack.plugins.module_utils.application.definition import require_name
from ansible_collections.osdr.openstack.plugins.module_utils.catalogue.catalogue import Catalogue
from ansible_collections.osdr.openstack.plugins.module_utils.cloud.session import connect, connect_other
from ansible_collections.osdr.openstack.plugins.module_utils.core.errors import reported
from ansible_collections.osdr.openstack.plugins.module_utils.orchestration.way_back import way_back


def main():
    spec = args.spec(
        args.AUTH,
        args.CATALOGUE,
        {
            "application": {"type": "str", "required": True},
            "site": {"type": "str", "required": True},
            "other_clouds": {"type": "list", "elements": "raw", "default": []},
        },
    )
    module = args.Module(argument_spec=spec, supports_check_mode=True)
    params = module.params
    with reported(module):
        application = require_name("the name of an application", params["application"])
        clouds = [connect(params), *map(connect_other, params["other_clouds"])]
        found = way_back([Catalogue.of(cloud, params) for cloud in clouds], application, params["site"])
    module.exit_json(changed=False, way_back=found.as_dict())


if __name__ == "__main__":
    main()
