# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from types import SimpleNamespace

import pytest
from ansible_collections.osdr.openstack.plugins.module_utils.core import leeway
from ansible_collections.osdr.openstack.plugins.module_utils.work.interruption import Interruption
from ansible_collections.osdr.openstack.plugins.modules import os_server_thaw

PARAMS = {"cloud": "primary-admin", "libvirt_uri": "test:///", "all_projects": True, "timeout": 7, "concurrency": 3}


@pytest.mark.parametrize("check_mode", [False, True])
def test_what_was_asked_for_is_done_and_no_signal_stops_it(mocker, check_mode):
    interruption = Interruption()
    shields = []
    asked = mocker.patch.object(os_server_thaw, "thaw_leftovers", side_effect=lambda *_a, **_k: shields.append(interruption._shields) or "told")
    mocker.patch.object(os_server_thaw, "connect", side_effect=lambda params: f"cloud of {params['cloud']}")
    found = os_server_thaw.run(SimpleNamespace(params=PARAMS, check_mode=check_mode), interruption)
    (reach, everywhere, concurrency), is_real = asked.call_args
    assert (found, shields) == ("told", [1])
    assert (reach.compute.cloud, reach.libvirt_uri, reach.thaw_timeout) == ("cloud of primary-admin", "test:///", 7)
    assert (everywhere, concurrency, is_real) == (True, 3, {"is_real": not check_mode})


def test_no_service_that_asks_to_be_left_alone_keeps_servers_frozen(mocker, passing):
    mocker.patch.object(os_server_thaw, "thaw_leftovers")
    mocker.patch.object(os_server_thaw, "connect", side_effect=lambda _params: leeway.Tries().wait(60))
    os_server_thaw.run(SimpleNamespace(params=PARAMS, check_mode=False), Interruption())
    assert passing.pauses == [1.0]
