# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Health checks against real guests, as a restore makes them."""

from __future__ import annotations

import pytest
from ansible_collections.osdr.openstack.plugins.module_utils.application.checks import Check
from ansible_collections.osdr.openstack.plugins.module_utils.cloud.session import connect
from ansible_collections.osdr.openstack.plugins.module_utils.readiness.probes import Agents, Probes, Subject
from laboratory import LIBVIRT_URI

pytestmark = pytest.mark.campaign

BY_HAND = "import os, urllib.request as web; print(web.urlopen('http://' + os.environ['OSDR_SERVER_ADDRESS'], timeout=5).read())"


def ask(guest, check, driver="auto", admin="primary-admin"):
    options = {"driver": driver, "admin_cloud": admin, "libvirt_uri": LIBVIRT_URI}
    agents = Agents.of(connect({"cloud": "primary"}), options)
    return Probes(agents).ask(Check.parse(check), Subject(guest.id, guest.name, guest.address), 20)


def test_what_a_guest_serves_passes(front):
    assert ask(front, {"port": 80}) is None
    assert ask(front, {"http": {"text": "shop-front"}}) is None
    assert ask(front, {"command": ["python3", "-c", BY_HAND]}) is None


def test_what_it_does_not_serve_is_told(front):
    assert ask(front, {"port": 81}) is not None
    assert ask(front, {"http": {"path": "/health"}}) == "status 404 instead of 200"
    assert "SSL" in ask(front, {"http": {"scheme": "https", "port": 80}})
    assert ask(front, {"command": ["python3", "-c", BY_HAND.replace("http://", "http://127.0.0.1:9/")]}).startswith("exit status 1")


@pytest.mark.parametrize("driver", ["nova", "libvirt"])
def test_a_guest_agent_passes_while_it_answers(front, driver):
    assert ask(front, {"agent": True}, driver) is None
    with front.hung_agent():
        assert ask(front, {"agent": True}, driver).startswith(f"{driver}: ")


def test_who_may_not_ask_agents_is_told(front):
    assert "nova: " in ask(front, {"agent": True}, "nova", None)
