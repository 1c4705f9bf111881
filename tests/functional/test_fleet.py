# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A group of many servers of which one cannot be frozen."""

from __future__ import annotations

import fleet
import laboratory
import pytest
from fleet import agent_says
from laboratory import DRIVERS, cloud, module


@pytest.fixture(scope="module")
def servers(request):
    """Servers per name; the last one has no guest agent."""
    size = request.config.getoption("--fleet")
    with fleet.running(cloud(), size - 1) as made:
        without = fleet.boot(cloud(), "without-agent", has_agent=False)
        laboratory.wait("the last server", lambda: cloud().compute.get_server(without).status == "ACTIVE", 120)
        yield {**made, "fleet-without-agent": without}


@pytest.mark.parametrize("driver", ["nova", "libvirt", "auto"])
def test_one_of_many_without_an_agent_is_named_and_nobody_is_frozen(servers, driver):
    options = {"admin_cloud": "primary-admin", "libvirt_uri": laboratory.LIBVIRT_URI, **DRIVERS.get(driver, {"driver": "auto"})}
    application = {"name": "fleet", "tiers": [{"name": "all", "servers": list(servers)}]}
    result = module("os_server_quiesce", cloud="primary", application=application, **options)
    assert "this step has changed nothing" in result.get("msg", ""), result
    assert "fleet-without-agent" in result["msg"]
    assert "fleet-00" not in result["msg"]
    with_agent = [server_id for name, server_id in servers.items() if name != "fleet-without-agent"]
    assert all("thawed" in agent_says(server_id) for server_id in with_agent)


def test_auto_pauses_only_the_one_that_cannot_be_frozen(servers):
    application = {"name": "fleet", "tiers": [{"name": "all", "servers": list(servers)}]}
    options = {"cloud": "primary", "application": application, "admin_cloud": "primary-admin"}
    result = module("os_server_quiesce", consistency="paused", **options)
    drivers = {one["name"]: one["driver"] for one in result["quiesce"]["servers"]}
    assert {name for name, driver in drivers.items() if driver == "pause"} == {"fleet-without-agent"}
    assert set(drivers.values()) == {"nova", "pause"}
    assert module("os_server_quiesce", state="unquiesced", **options)["changed"]
    assert cloud().compute.get_server(servers["fleet-without-agent"]).status == "ACTIVE"
