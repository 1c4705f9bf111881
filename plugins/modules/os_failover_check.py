#!/usr/bin/python
# SPDX-FileCopyrightText: The osdr.openstack authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: os_failover_check
short_description: Find out whether an application can be moved to another site
version_added: 0.1.0
author:
  - The osdr.openstack authors (!UNKNOWN)
description:
  - Checks, before the first server is stopped, everything that a move of an application from one site to another needs. That is whether the source
    certainly has the newest data, whether the application's old servers at the other site may be removed, and everything that the whole restore
    needs there, as in M(osdr.openstack.os_restore_check). The application is read as it is now.
  - It is in doubt which site has the right data if the records in both catalogues do not name the source, if one of them is missing, and if
    there is a checkpoint of the other site that is newer than the record. O(active_site) settles that. An interrupted move is known by the
    marks of its fence and raises no doubt as long as the servers that it stopped are still stopped and locked.
  - A checkpoint that was taken earlier, or whose snapshots were, is a problem unless an interrupted move took it and all servers have been stopped
    and locked since. Otherwise, what was written after it would be lost.
  - Servers of the application that run at both sites are always a problem.
  - Warns of what will be missing at the other site, as M(osdr.openstack.os_application_info) and M(osdr.openstack.os_restore_check) do.
  - Fails with a list of all problems, or succeeds. Changes nothing.
extends_documentation_fragment:
  - osdr.openstack.auth
  - osdr.openstack.application
  - osdr.openstack.catalogue
  - osdr.openstack.mapping
  - osdr.openstack.command_checks
  - osdr.openstack.attributes
  - osdr.openstack.attributes.info_module
options:
  site:
    description:
      - How records and manifests call the site from which the application is moved.
    type: str
    required: true
  remote_cloud:
    description:
      - The site to which it is moved, in the project that is to own it, by name or as a dictionary.
    type: raw
    required: true
  remote_admin_cloud:
    description:
      - That site as an administrator, as O(osdr.openstack.os_restore_check#module:admin_cloud) and
        O(osdr.openstack.os_restore_check#module:import_cloud).
    type: raw
  remote_site:
    description:
      - How records and manifests call that site.
    type: str
    required: true
  checkpoint:
    description:
      - Id for the last checkpoint; it must be new. When empty, the id of the interrupted move, or one made from the time.
    type: str
    default: ""
  active_site:
    description:
      - The site whose data is right, when that is in doubt.
    type: str
  remove_old:
    description:
      - Whether old servers of the application at the site to which it is moved will be removed.
    type: bool
    default: false
  keep_volumes:
    description:
      - Whether the volumes of these old servers will stay.
    type: bool
    default: false
  volume_public_key:
    description:
      - An RSA key in PEM form with which the keys of encrypted volumes will be sealed, see M(osdr.openstack.os_backup_replicate). Without it,
        applications with encrypted volumes are refused.
    type: str
  volume_private_key:
    description:
      - The RSA key in PEM form, without a passphrase, that belongs to it. Needed for applications with encrypted volumes.
    type: str
  remote_store_cloud:
    description:
      - The other site with the credentials of the object store account from which its backup service reads; by name or as a dictionary.
        O(remote_cloud) when omitted. Needed only for encrypted volumes.
    type: raw
  concurrency:
    description:
      - How many calls of the sites' APIs are made in parallel.
    type: int
    default: 8
seealso:
  - module: osdr.openstack.os_checkpoint_check
  - module: osdr.openstack.os_restore_check
"""

EXAMPLES = r"""
- name: Could the shop be moved to the remote site now?
  osdr.openstack.os_failover_check:
    cloud: primary
    site: primary
    remote_cloud: remote
    remote_site: remote
    application: "{{ shop }}"
"""

RETURN = r"""
failover_check:
  description: What was found.
  returned: always, but for failures of the sites themselves
  type: dict
  contains:
    application:
      description: Name of the application.
      type: str
    checkpoint:
      description: Id of the last checkpoint.
      type: str
    taken:
      description: Whether it is in the catalogue of the site to which the application is moved.
      type: bool
    done:
      description: Whether the application was moved already, and its old servers have not run since.
      type: bool
    resumed:
      description: Whether an earlier run began the move.
      type: bool
    problems:
      description: The problems, each with what to do. Empty when there are none.
      type: list
      elements: str
    old:
      description: Old servers of the application that block the restore, as M(osdr.openstack.os_application_supersede) returns them.
      type: list
      elements: dict
    needs:
      description: What the restore takes of the quotas, as M(osdr.openstack.os_restore_check) returns it.
      type: list
      elements: dict
  sample:
    application: shop
    checkpoint: 20261122T143000Z
    taken: false
    done: false
    resumed: false
    problems: []
    old: []
    needs:
      - resource: volumes
        needed: 5
        left: 100
"""

from ansible_collections.osdr.openstack.plugins.module_utils import args
from ansible_collections.osdr.openstack.plugins.module_utils.application.definition import Application, require_checkpoint_id
from ansible_collections.osdr.openstack.plugins.module_utils.catalogue.catalogue import Catalogue
from ansible_collections.osdr.openstack.plugins.module_utils.cloud.session import connect, connect_other
from ansible_collections.osdr.openstack.plugins.module_utils.core.errors import CheckFailed, InvalidInput, reported
from ansible_collections.osdr.openstack.plugins.module_utils.core.text import timestamp
from ansible_collections.osdr.openstack.plugins.module_utils.failover import check as failover_check
from ansible_collections.osdr.openstack.plugins.module_utils.failover.preflight import Conditions
from ansible_collections.osdr.openstack.plugins.module_utils.manifest.volume_keys import opener_of, sealer_of
from ansible_collections.osdr.openstack.plugins.module_utils.mapping.mapping import SiteMapping
from ansible_collections.osdr.openstack.plugins.module_utils.restore.sealed import Means


def wanted_move(params, now):
    return failover_check.MoveRequest(
        application=Application.parse(params["application"]),
        given=params["checkpoint"] and require_checkpoint_id(params["checkpoint"]),
        fresh=_id_of(now),
        active_site=params["active_site"],
        mapping=SiteMapping.parse(params["mapping"]),
        conditions=Conditions(params["remove_old"], params["keep_volumes"], params["command_checks"]),
        sealer=sealer_of(params["volume_public_key"]),
        means=Means(opener_of(params["volume_private_key"]), params["remote_admin_cloud"], params["remote_store_cloud"]),
    )


def _id_of(now):
    """2026-11-22T14:30:00.000Z becomes 20261122T143000Z."""
    return now.split(".")[0].replace("-", "").replace(":", "") + "Z"


def run(params):
    if params["site"] == params["remote_site"]:
        raise InvalidInput(f"Both sites are called '{params['site']}'.", "Give each its own name: site and remote_site.")
    source, target = connect(params), connect_other(params["remote_cloud"])
    admin = connect_other(params["remote_admin_cloud"]) if params["remote_admin_cloud"] else None
    now = timestamp(source.clock.now())
    return failover_check.check(
        failover_check.MoveSite(params["site"], source, Catalogue.of(source, params)),
        failover_check.MoveSite(params["remote_site"], target, Catalogue.of(target, params), admin),
        wanted_move(params, now),
        now,
        params["concurrency"],
    )


def main():
    module = args.Module(
        argument_spec=args.spec(
            args.AUTH,
            args.APPLICATION,
            args.CATALOGUE,
            args.MAPPING,
            args.COMMAND_CHECKS,
            args.VOLUME_PUBLIC_KEY,
            {
                "site": {"type": "str", "required": True},
                "remote_cloud": {"type": "raw", "required": True},
                "remote_admin_cloud": {"type": "raw"},
                "remote_site": {"type": "str", "required": True},
                "volume_private_key": {"type": "str", "no_log": True},
                "remote_store_cloud": {"type": "raw"},
                "checkpoint": {"type": "str", "default": ""},
                "active_site": {"type": "str"},
                "remove_old": {"type": "bool", "default": False},
                "keep_volumes": {"type": "bool", "default": False},
                "concurrency": {"type": "int", "default": 8},
            },
        ),
        supports_check_mode=True,
    )
    with reported(module):
        verdict = run(module.params)
    for warning in verdict.warnings:
        module.warn(warning)
    result = verdict.as_dict()
    if verdict.problems:
        what = f"Application '{result['application']}' cannot be moved from site '{module.params['site']}' to site '{module.params['remote_site']}'"
        error = CheckFailed(what, verdict.problems)
        module.fail_json(msg=str(error), error=error.as_result(), failover_check=result)
    module.exit_json(changed=False, failover_check=result)


if __name__ == "__main__":
    main()
