#!/usr/bin/python
# SPDX-FileCopyrightText: The osdr.openstack authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: os_active_site
short_description: Record at which site an application runs
version_added: 0.1.0
author:
  - The osdr.openstack authors (!UNKNOWN)
description:
  - Records in the catalogue of a site where an application runs, since when, and from which checkpoint it was restored there. Because of this record,
    checkpoints are refused at a site where the application does not run, and so are moves while it is in doubt which site has the right data.
  - The roles P(osdr.openstack.dr_restore#role) and P(osdr.openstack.dr_failover#role) write it last. Call it to correct a record that is wrong.
  - A damaged record is replaced.
extends_documentation_fragment:
  - osdr.openstack.auth
  - osdr.openstack.catalogue
  - osdr.openstack.attributes
options:
  application:
    description:
      - Name of the application.
    type: str
    required: true
  site:
    description:
      - Name of the site at which it runs, as manifests and other records call it.
    type: str
    required: true
  checkpoint:
    description:
      - Id of the checkpoint from which it was restored there. Empty when it was not.
    type: str
    default: ""
  since:
    description:
      - Since when, in ISO 8601 with an offset or C(Z), as in the record of the other site. Refused if the site has a newer record.
      - When omitted, the time of the call, unless the record already says the same.
    type: str
seealso:
  - module: osdr.openstack.os_active_site_info
"""

EXAMPLES = r"""
- name: The shop runs at the remote site, whatever the record says
  osdr.openstack.os_active_site:
    cloud: remote
    application: shop
    site: remote
"""

RETURN = r"""
active_site:
  description: The record.
  returned: success
  type: dict
  contains:
    application:
      description: Name of the application.
      type: str
    site:
      description: Name of the site at which it runs.
      type: str
    since:
      description: Since when.
      type: str
    checkpoint:
      description: Id of the checkpoint from which it was restored there; empty when it was not.
      type: str
  sample:
    application: shop
    site: remote
    since: "2026-11-22T14:31:19.400Z"
    checkpoint: 2026-11-22-move
"""

import datetime

from ansible_collections.osdr.openstack.plugins.module_utils import args
from ansible_collections.osdr.openstack.plugins.module_utils.application.definition import require_checkpoint_id, require_name
from ansible_collections.osdr.openstack.plugins.module_utils.catalogue.active_record import ActiveRecord, DamagedRecord
from ansible_collections.osdr.openstack.plugins.module_utils.catalogue.catalogue import Catalogue, parse_time
from ansible_collections.osdr.openstack.plugins.module_utils.cloud.session import connect
from ansible_collections.osdr.openstack.plugins.module_utils.core.errors import CheckFailed, reported
from ansible_collections.osdr.openstack.plugins.module_utils.core.text import timestamp


def wanted_record(params, current, clock):
    """What is to be there; the record that is there where it says the same.

    :param clock: of the site, by which it is dated.
    """
    application = require_name("the name of an application", params["application"])
    checkpoint = params["checkpoint"] and require_checkpoint_id(params["checkpoint"])
    if params["since"] is not None:
        since = parse_time(params["since"]).astimezone(datetime.UTC)
        # As a record without it is written: the records of both sites are to be the same, letter by letter.
        return ActiveRecord(application, params["site"], since.isoformat(timespec="milliseconds").replace("+00:00", "Z"), checkpoint)
    if isinstance(current, ActiveRecord) and (current.site, current.checkpoint) == (params["site"], checkpoint):
        return current
    return ActiveRecord(application, params["site"], timestamp(clock.now()), checkpoint)


def run(module, catalogue, clock):
    current = catalogue.active(module.params["application"])
    record = wanted_record(module.params, current, clock)
    if isinstance(current, ActiveRecord) and current.moment > record.moment:
        raise CheckFailed(
            f"The record of application '{record.application}' cannot be written",
            [f"The one in {catalogue.place} is newer: it says '{current.site}' since {current.since}. Leave out since to replace it all the same."],
        )
    changed = not _is_same(current, record)
    if changed and not module.check_mode:
        catalogue.set_active(record)
    return {"changed": changed, "active_site": record.as_dict(), "diff": {"before": _shown(current), "after": record.as_dict()}}


def _is_same(current, record):
    """One moment can be written in several ways."""
    return isinstance(current, ActiveRecord) and {**current.as_dict(), "since": current.moment} == {**record.as_dict(), "since": record.moment}


def _shown(current):
    if isinstance(current, DamagedRecord):
        return {"damaged": current.problem}
    return current.as_dict() if current else {}


def main():
    module = args.Module(
        argument_spec=args.spec(
            args.AUTH,
            args.CATALOGUE,
            {
                "application": {"type": "str", "required": True},
                "site": {"type": "str", "required": True},
                "checkpoint": {"type": "str", "default": ""},
                "since": {"type": "str"},
            },
        ),
        supports_check_mode=True,
    )
    with reported(module):
        cloud = connect(module.params)
        result = run(module, Catalogue.of(cloud, module.params), cloud.clock)
    module.exit_json(**result)


if __name__ == "__main__":
    main()
