# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from types import SimpleNamespace

import pytest
from ansible_collections.osdr.openstack.plugins.module_utils.core import leeway
from ansible_collections.osdr.openstack.plugins.module_utils.work.interruption import Interruption
from ansible_collections.osdr.openstack.plugins.modules import os_server_quiesce

PARAMS = {
    "cloud": "primary",
    "application": {"name": "shop", "tiers": [{"name": "database", "servers": ["orders"]}]},
    "driver": "libvirt",
    "admin_cloud": None,
    "libvirt_uri": "test:///",
    "consistency": "paused",
    "freeze_timeout": 5,
    "budget": 10,
    "guard_timeout": 20,
    "concurrency": 4,
}


@pytest.mark.parametrize("check_mode", [False, True])
@pytest.mark.parametrize(("state", "target"), [("quiesced", "frozen"), ("unquiesced", "thawed")])
def test_what_was_asked_for_is_done(mocker, state, target, check_mode):
    quiescer, group = (mocker.patch.object(os_server_quiesce, name) for name in ("Quiescer", "Group"))
    mocker.patch.object(os_server_quiesce, "connect", side_effect=lambda params: f"cloud of {params['cloud']}")
    interruption = Interruption()
    found = os_server_quiesce.run(SimpleNamespace(params={**PARAMS, "state": state}, check_mode=check_mode), interruption)
    cloud, options, *others = quiescer.call_args.args
    assert (cloud, options.driver, options.guard_timeout, options.reach["cloud"], others) == ("cloud of primary", "libvirt", 20, "primary", ["paused", 4])
    assert group.call_args.args[0] is quiescer.return_value
    assert (group.call_args.args[1].name, group.call_args.args[2]) == ("shop", interruption)
    group.return_value.bring.assert_called_once_with(target, is_real=not check_mode)
    assert found is group.return_value.bring.return_value


def test_no_service_that_asks_to_be_left_alone_keeps_servers_frozen(mocker, passing):
    for one in ("Quiescer", "Group"):
        mocker.patch.object(os_server_quiesce, one)
    mocker.patch.object(os_server_quiesce, "connect", side_effect=lambda _params: leeway.Tries().wait(60))
    os_server_quiesce.run(SimpleNamespace(params={**PARAMS, "state": "unquiesced"}, check_mode=False), Interruption())
    assert passing.pauses == [1.0]
