# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: os_application_info
short_description: Capture everything needed to rebuild an application, except its data
version_added: 0.1.0
description:
  - Looks up the servers of an application with their flavors, ports and volumes, and the networks, subnets, routers,
    security groups, server groups and key pairs around them, and describes them without the ids of the site.
  - Checks that the application can be restored from such a description, and fails with all the reasons if it
    cannot, for example when a volume is encrypted and its key cannot be read or sealed.
  - Warns of everything that a restore cannot bring back, attribute by attribute, and of load balancers and
    their secrets, DNS records and shares that refer to the application.
  - With O(draft), finds out what was changed between snapshots and the description, which must
    both be of the same servers and volumes.
  - Membership in the application's project suffices, except to read user data.
author:
  - The osdr.openstack authors (!UNKNOWN)
extends_documentation_fragment:
  - osdr.openstack.auth
  - osdr.openstack.application
  - osdr.openstack.draft
  - osdr.openstack.attributes
  - osdr.openstack.attributes.info_module
options:
  user_data:
    description:
      - What to do with the servers' user data, which often holds secrets. With V(keep) and V(encrypt), a restored server gets
        it again. Because the server has a new id, cloud-init may run it again.
      - V(omit) leaves it out. Its effects on the disks are in their copies.
      - V(encrypt) encrypts it with O(user_data_key).
      - V(keep) keeps it as it is, readable for everybody who can read the manifest.
    type: str
    choices: [omit, encrypt, keep]
    default: omit
  user_data_key:
    description:
      - A passphrase. Whoever restores the servers with their user data needs it.
    type: str
  volume_public_key:
    description:
      - An RSA key in PEM form with which the keys of encrypted volumes will be sealed, see M(osdr.openstack.os_backup_replicate). Without it,
        applications with encrypted volumes are refused.
    type: str
  admin_cloud:
    description:
      - The same site with credentials that see user data, from which device a server boots, and key pairs of the users who made the servers, by name
        or as a dictionary; by default only administrators do.
        O(cloud) when omitted.
    type: raw
  concurrency:
    description:
      - How many calls of the site's APIs are made in parallel.
    type: int
    default: 8
seealso:
  - module: osdr.openstack.os_cg_snapshot
  - module: osdr.openstack.os_restore_check
"""

EXAMPLES = r"""
- name: Capture the shop
  osdr.openstack.os_application_info:
    cloud: primary
    application:
      name: shop
      tiers:
        - name: database
          servers: [orders-db, payments-db]
          checks:
            - port: 5432
        - name: front
          servers: [shop-front]
          checks:
            - http:
                path: /health
                status: [200, 204]
              timeout: 120
  register: shop

- name: Show which volumes a checkpoint will copy
  ansible.builtin.debug:
    var: shop.volume_ids
"""

RETURN = r"""
application_description:
  description: The application as it is, without its data. The same as in a checkpoint's manifest. With O(draft) it is kept there instead.
  returned: without O(draft)
  type: dict
  contains:
    application:
      description: The definition, with all servers by name.
      type: dict
      returned: success
    servers:
      description:
        - The servers with C(source_id), C(name), C(tier), C(flavor), C(key_name), C(config_drive), C(description),
          C(metadata), C(tags), C(user_data), C(server_group) and C(hostname), which is null where Nova does not tell it.
        - C(availability_zone) is the one that was asked for when a server was created, null where none was. Nova tells it since
          2024.1. A volume has the one that it is in.
        - C(ports) are in the order of the interfaces, each with C(source_id), C(mac_address), C(fixed_ips), C(security_groups),
          C(is_up), C(vnic_type), C(qos_policy), C(dns_name), C(dns_domain), C(profile), C(dhcp_options), C(description) and C(tags).
        - C(floating_ips) of a port have the name of their external C(network) and the C(place) of the fixed address to which they lead, counted from 0.
        - C(volumes) are in the order of the devices, the one that boots first, sizes in GiB. C(encryption) is null for those that are not encrypted.
      type: list
      elements: dict
      returned: success
    topology:
      description:
        - The C(networks), C(subnets), C(routers), C(security_groups), C(address_groups), C(server_groups) and C(key_pairs) that the servers need.
        - A network with C(is_of_others) belongs to another project; its subnets are those in which the application is.
        - C(ports) on no server, such as those of virtual addresses; C(trunks), and C(forwarders), floating addresses that forward ports, which name
          ports by their ids.
        - The name of a server group begins with that of the application, because nothing else tells whose it is.
      type: dict
      returned: success
    missing:
      description:
        - What a restore cannot bring back, each with the C(resource), the C(attribute), its C(value) and a C(note).
          Also given as a warning.
      type: list
      elements: dict
      returned: success
differences:
  description:
    - How the servers, volumes and sizes differ from those of the set of snapshots in O(draft). Empty when they do not, and without a set there.
    - They differ when volumes were attached, detached, swapped or extended, or a server was recreated, around the snapshots.
      M(osdr.openstack.os_cg_snapshot) with the same name then takes the set again.
  returned: success
  type: list
  elements: str
  sample: ["volume 4b6f5a53-2a5a-4d5f-9b8e-8ac1f2e7d0a1 of server orders-db has no snapshot"]
volume_ids:
  description: Ids of each server's volumes in the order of the devices, the one that boots first, by the server's name.
  returned: success
  type: dict
  sample:
    orders-db:
      - 4b6f5a53-2a5a-4d5f-9b8e-8ac1f2e7d0a1
      - 0c5c2f0e-71cf-4f53-8f4c-4f2c1a4fb6f6
"""

from ansible_collections.osdr.openstack.plugins.module_utils import args
from ansible_collections.osdr.openstack.plugins.module_utils.application.definition import Application
from ansible_collections.osdr.openstack.plugins.module_utils.capture.job import capture, described_earlier
from ansible_collections.osdr.openstack.plugins.module_utils.cloud.session import connect, connect_other
from ansible_collections.osdr.openstack.plugins.module_utils.core.errors import reported
from ansible_collections.osdr.openstack.plugins.module_utils.manifest import agreement, user_data
from ansible_collections.osdr.openstack.plugins.module_utils.manifest.draft import DESCRIPTION, SNAPSHOTS, Draft
from ansible_collections.osdr.openstack.plugins.module_utils.manifest.volume_keys import sealer_of


def run(module):
    params = module.params
    draft = Draft(params["draft"]) if params["draft"] else None
    earlier = described_earlier(draft.find(DESCRIPTION)) if draft else None
    application = Application.parse(params["application"])
    form = user_data.form_of(params["user_data"], params["user_data_key"])
    admin = connect_other(params["admin_cloud"]) if params["admin_cloud"] else None
    seals_keys = sealer_of(params["volume_public_key"]) is not None
    captured = capture(connect(params), application, params["concurrency"], form, admin, seals_keys)
    if earlier:
        captured = captured.since(earlier)
    for warning in captured.warnings:
        module.warn(warning)
    servers, taken = captured.description.servers, draft.find(SNAPSHOTS) if draft else None
    return {
        "differences": agreement.of_snapshots(servers, taken or {}),
        "volume_ids": {server.name: [volume.source_id for volume in server.volumes] for server in servers},
        **kept(captured.description.as_dict(), draft, module.check_mode),
    }


def kept(described, draft, check_mode):
    """What is returned of the description: nothing where there is another place for it."""
    if draft is None:
        return {"application_description": described}
    if not check_mode:
        draft.keep(DESCRIPTION, described)
    return {}


def main():
    module = args.Module(
        argument_spec=args.spec(
            args.AUTH,
            args.APPLICATION,
            args.USER_DATA_KEY,
            args.VOLUME_PUBLIC_KEY,
            args.DRAFT,
            {
                "user_data": {"type": "str", "choices": list(user_data.POLICIES), "default": user_data.OMIT},
                "admin_cloud": {"type": "raw"},
                "concurrency": {"type": "int", "default": 8},
            },
        ),
        supports_check_mode=True,
    )
    with reported(module):
        result = run(module)
    module.exit_json(changed=False, **result)


if __name__ == "__main__":
    main()
