# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the actions of runs over a whole site have in common.

They run in Ansible's own process: there are as many hosts that wait as a site has applications, and waiting in a process that Ansible has forked takes next to
no memory.
"""

from __future__ import annotations

import datetime
import typing as t

from ansible_collections.osdr.openstack.plugins.module_utils import args
from ansible_collections.osdr.openstack.plugins.module_utils.cloud.session import connect
from ansible_collections.osdr.openstack.plugins.module_utils.orchestration.controller import Controller
from ansible_collections.osdr.openstack.plugins.module_utils.orchestration.local import LocalState
from ansible_collections.osdr.openstack.plugins.module_utils.orchestration.part import shares_of
from ansible_collections.osdr.openstack.plugins.module_utils.orchestration.shelf import ClosedShelf, PartShelf

#: How to reach the catalogue, and what may be under way at each site.
COMMON = args.spec(args.AUTH, args.CATALOGUE, args.SITE_LIMITS)


def controller_of(params: t.Mapping[str, t.Any], local: LocalState) -> Controller:
    """This controller's side of a run that has begun."""
    known = local.read()
    ahead = datetime.timedelta(seconds=known.ahead)
    return Controller(
        ClosedShelf if known.is_predicted else lambda: PartShelf.of(connect(params), params),
        local,
        lambda: datetime.datetime.now(datetime.UTC) + ahead,
        shares_of(params["limits"], "limits"),
    )
