# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import dataclasses

import pytest
from ansible_collections.osdr.openstack.plugins.module_utils.restore.marks import MadeServers, is_restored_elsewhere, owner_of
from ansible_collections.osdr.openstack.tests.unit.support import shop
from ansible_collections.osdr.openstack.tests.unit.support.fakes import volume

OWNER = owner_of(shop.manifest())
KINDS = ("servers", "floating_ips", "ports")


@pytest.mark.parametrize("kind", [*KINDS, None])
def test_anything_that_was_made_is_something(kind):
    site = shop.restored_site()
    unused = tuple(dataclasses.replace(one, port_id=None) for one in site.floating_ips)
    only = dataclasses.replace(site, floating_ips=unused)
    only = dataclasses.replace(only, **{other: () for other in KINDS if other != kind})
    assert MadeServers.of(OWNER, only).anything is (kind is not None)


@pytest.mark.parametrize(("device", "goes"), [("server-of-ours", True), ("server-of-others", False), ("", False)])
def test_an_address_goes_unless_it_leads_to_a_port_of_others(device, goes):
    """Nova makes ports that nobody marks: they are those of their server."""
    site = shop.restored_site()
    ours = dataclasses.replace(site.servers[0], id="server-of-ours")
    theirs = dataclasses.replace(site.servers[0], id="server-of-others", metadata={})
    port = dataclasses.replace(site.ports[0], id="made-by-nova", description="", device_id=device)
    floating = dataclasses.replace(site.floating_ips[0], port_id="made-by-nova")
    made = MadeServers.of(OWNER, dataclasses.replace(site, servers=(ours, theirs), ports=(port,), floating_ips=(floating,)))
    assert made.floating_ips == ((floating,) if goes else ())
    assert made.left == (() if goes else (f"Floating address {floating.ip_address} stays: it leads to port made-by-nova of others.",))


@pytest.mark.parametrize(
    ("text", "is_elsewhere"),
    [
        pytest.param("", False, id="somebody's own volume"),
        pytest.param(shop.mark(2).text(), False, id="itself"),
        pytest.param(dataclasses.replace(shop.mark(2), drill="7").text(), True, id="in a drill"),
        pytest.param(dataclasses.replace(shop.mark(1), drill="7").text(), False, id="another volume in a drill"),
        pytest.param(dataclasses.replace(shop.mark(2), checkpoint="dawn").text(), False, id="from another checkpoint"),
    ],
)
def test_the_same_copy_may_be_restored_elsewhere_too(text, is_elsewhere):
    assert is_restored_elsewhere(shop.mark(2), [volume("one", description=text)]) is is_elsewhere
