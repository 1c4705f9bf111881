# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import socket

import pytest
from ansible_collections.osdr.openstack.plugins.module_utils.application import Check
from ansible_collections.osdr.openstack.plugins.module_utils.errors import WaitTimeout
from ansible_collections.osdr.openstack.plugins.module_utils.readiness import accepts, wait_until_ready
from ansible_collections.osdr.openstack.plugins.module_utils.waiting import Clock, Waiter


def listener():
    server = socket.create_server(("127.0.0.1", 0))
    return server, server.getsockname()[1]


def test_a_listening_port_accepts_and_a_closed_one_does_not():
    server, port = listener()
    with server:
        assert accepts("127.0.0.1", port)
    assert not accepts("127.0.0.1", port)


class Guest:
    """Opens its ports some seconds after the start."""

    def __init__(self, **opens):
        self.now = 0.0
        self._opens = {int(port[1:]): seconds for port, seconds in opens.items()}

    @property
    def waiter(self):
        return Waiter(timeout=0, interval=1, clock=Clock(now=lambda: self.now, sleep=self._sleep))

    def _sleep(self, seconds):
        self.now += seconds

    def connect(self, _address, port):
        return self.now >= self._opens[port]


def test_all_checks_must_pass():
    guest = Guest(p22=2, p5432=7)
    wait_until_ready("orders-db", "10.0.0.1", [Check(22), Check(5432)], guest.waiter, guest.connect)
    assert guest.now == 7


def test_a_check_has_its_time_from_the_start_and_names_what_does_not_answer():
    guest = Guest(p22=8, p5432=99)
    with pytest.raises(WaitTimeout) as raised:
        wait_until_ready("orders-db", "10.0.0.1", [Check(22), Check(5432, timeout=20)], guest.waiter, guest.connect)
    assert guest.now == 20
    assert "Server 'orders-db' is active but does not accept connections at 10.0.0.1 port 5432 after 20 s" in str(raised.value)
