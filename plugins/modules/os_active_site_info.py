#!/usr/bin/python
# SPDX-FileCopyrightText: The osdr.openstack authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: os_active_site_info
short_description: Find out at which site an application runs
version_added: 0.1.0
author:
  - The osdr.openstack authors (!UNKNOWN)
description:
  - Returns where an application runs according to the catalogues of one or both sites, which of its servers run at each site, and the newest
    checkpoint that could be restored there.
extends_documentation_fragment:
  - osdr.openstack.auth
  - osdr.openstack.application
  - osdr.openstack.catalogue
  - osdr.openstack.attributes
  - osdr.openstack.attributes.info_module
options:
  site:
    description:
      - How records and manifests call the site.
    type: str
    required: true
  remote_cloud:
    description:
      - The other site, by name or as a dictionary. When omitted, only one site is read.
    type: raw
  remote_site:
    description:
      - How records and manifests call the other site. Needed with O(remote_cloud).
    type: str
seealso:
  - module: osdr.openstack.os_active_site
"""

EXAMPLES = r"""
- name: Where does the shop run?
  osdr.openstack.os_active_site_info:
    cloud: primary
    site: primary
    remote_cloud: remote
    remote_site: remote
    application: "{{ shop }}"
  register: found

- name: Say it
  ansible.builtin.debug:
    msg: "{{ found.active_site.record.site }}"
"""

RETURN = r"""
active_site:
  description: What was found.
  returned: success
  type: dict
  contains:
    record:
      description: The newest record, as M(osdr.openstack.os_active_site) returns it; null when there is none.
      type: dict
    sites:
      description: Both sites, or the one.
      type: list
      elements: dict
      contains:
        site:
          description: Name of the site.
          type: str
        record:
          description: The record in its catalogue; null when there is none, or it is damaged.
          type: dict
        damaged:
          description: What is wrong with the record; null when nothing is.
          type: str
        newest_checkpoint:
          description: Id of the newest checkpoint in its catalogue; null when there is none.
          type: str
        running:
          description: Names of the application's servers that run there.
          type: list
          elements: str
        servers:
          description: Names of all the application's servers there.
          type: list
          elements: str
  sample:
    record:
      application: shop
      site: remote
      since: "2026-11-22T14:31:19.400Z"
      checkpoint: 2026-11-22-move
    sites:
      - site: primary
        record: null
        damaged: null
        newest_checkpoint: null
        running: []
        servers: [orders-db, payments-db, shop-front]
"""

from ansible_collections.osdr.openstack.plugins.module_utils import args
from ansible_collections.osdr.openstack.plugins.module_utils.application.definition import Application
from ansible_collections.osdr.openstack.plugins.module_utils.catalogue.catalogue import Catalogue
from ansible_collections.osdr.openstack.plugins.module_utils.cloud.session import connect, connect_other
from ansible_collections.osdr.openstack.plugins.module_utils.core.errors import reported
from ansible_collections.osdr.openstack.plugins.module_utils.failover import active_site
from ansible_collections.osdr.openstack.plugins.module_utils.failover.check import MoveSite


def run(module):
    params = module.params
    application = Application.parse(params["application"])
    clouds = {params["site"]: connect(params)}
    if params["remote_cloud"]:
        clouds[params["remote_site"]] = connect_other(params["remote_cloud"])
    views = [MoveSite(name, cloud, Catalogue.of(cloud, params)).view(application) for name, cloud in clouds.items()]
    for warning in active_site.outdated(views):
        module.warn(warning)
    record = active_site.newest(view.record for view in views)
    return {"record": record.as_dict() if record else None, "sites": [view.as_dict() for view in views]}


def main():
    module = args.Module(
        argument_spec=args.spec(
            args.AUTH,
            args.APPLICATION,
            args.CATALOGUE,
            {
                "site": {"type": "str", "required": True},
                "remote_cloud": {"type": "raw"},
                "remote_site": {"type": "str"},
            },
        ),
        required_by={"remote_cloud": ["remote_site"]},
        supports_check_mode=True,
    )
    with reported(module):
        result = run(module)
    module.exit_json(changed=False, active_site=result)


if __name__ == "__main__":
    main()
