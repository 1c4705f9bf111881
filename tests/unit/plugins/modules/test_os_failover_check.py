# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from ansible_collections.osdr.openstack.plugins.module_utils.application.definition import Application
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
