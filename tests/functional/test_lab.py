# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The lab itself: what a site has of its own, and what it keeps going."""

from __future__ import annotations

import json
import os

import pytest
from laboratory import in_site, supervisor, wait


def links(site, *arguments):
    return json.loads(in_site("ip", "-json", *arguments, site=site))


def tap_of(guest):
    """The interface of a guest's only port."""
    (name,) = (words[0] for line in in_site("virsh", "domiflist", guest.id).splitlines() if (words := line.split())[:1] and words[0].startswith("tap"))
    return name


@pytest.mark.parametrize("site", ["primary", "remote"])
def test_a_site_sees_nothing_of_its_host(site):
    """Whatever the host has mounted there: a site's directory of sockets and the kernel's tree of devices are its own."""
    assert {link["ifname"] for link in links(site, "link", "show")} == set(in_site("ls", "/sys/class/net", site=site).split())
    assert in_site("stat", "--format=%d", "/run", site=site).strip() != str(os.stat("/run").st_dev)
    assert "mysqld" in in_site("ls", "/run", site=site).split()


def test_a_guests_interface_that_was_lost_comes_up_again(front):
    """Open vSwitch may have taken it down while it was being made, see the program guest-links."""
    tap = tap_of(front)

    def is_up():
        (link,) = links("primary", "link", "show", "dev", tap)
        return "UP" in link["flags"]

    assert is_up()
    in_site("ip", "link", "set", tap, "down")
    wait(f"{tap} is up again", is_up, 30)
    assert front.run("echo reached") == "reached"


def test_what_was_lost_while_nobody_looked_comes_up_too(front):
    supervisor("stop", "guest-links")
    tap = tap_of(front)
    try:
        in_site("ip", "link", "set", tap, "down")
        assert "UP" not in links("primary", "link", "show", "dev", tap)[0]["flags"]
    finally:
        supervisor("start", "guest-links")
    wait(f"{tap} is up again", lambda: "UP" in links("primary", "link", "show", "dev", tap)[0]["flags"], 30)
