# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import time
from types import SimpleNamespace

from ansible_collections.osdr.openstack.plugins.module_utils.application.definition import Application
from ansible_collections.osdr.openstack.plugins.module_utils.cloud.site_clock import SiteClock
from ansible_collections.osdr.openstack.plugins.module_utils.failover.active_site import Move, View
from ansible_collections.osdr.openstack.plugins.module_utils.failover.check import Verdict
from ansible_collections.osdr.openstack.plugins.modules import os_failover_check
from ansible_collections.osdr.openstack.tests.unit.support import shop


def test_what_will_be_missing_is_a_warning(mocker):
    move = Move(Application.parse(shop.DOCUMENT["application"]), View("primary", None, (), ()), View("remote", None, (), ()))
    mocker.patch.object(os_failover_check, "run", return_value=Verdict(move, "x", False, (), warnings=("Will be missing: a tag.",)))
    module = mocker.patch.object(os_failover_check.args, "Module").return_value
    os_failover_check.main()
    module.warn.assert_called_once_with("Will be missing: a tag.")
    assert module.exit_json.call_args.kwargs["failover_check"]["problems"] == []


def test_a_move_is_judged_by_the_clock_of_the_site_that_is_left(mocker):
    clock, answered = SiteClock("primary"), time.monotonic()
    clock.note_record("2036-01-01T12:00:00", answered, answered)
    mocker.patch.object(os_failover_check, "connect", return_value=SimpleNamespace(clock=clock))
    for name in ("connect_other", "Catalogue"):
        mocker.patch.object(os_failover_check, name)
    check = mocker.patch.object(os_failover_check.failover_check, "check")
    given = {"site": "primary", "remote_site": "remote", "remote_cloud": "remote", "remote_admin_cloud": None, "checkpoint": "", "active_site": None}
    more = {"remove_old": False, "keep_volumes": False, "command_checks": "refuse", "volume_public_key": None, "volume_private_key": None}
    os_failover_check.run({**given, **more, "application": shop.DOCUMENT["application"], "remote_store_cloud": None, "mapping": {}, "concurrency": 4})
    _source, _target, wanted, now, _concurrency = check.call_args.args
    assert (wanted.fresh[:11], now[:13]) == ("20360101T12", "2036-01-01T12")
