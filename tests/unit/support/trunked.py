# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The example application with a trunk, and a site where it is restored."""

from __future__ import annotations

import dataclasses

from ansible_collections.osdr.openstack.plugins.module_utils.core.records import FixedIp, Subport, Trunk
from ansible_collections.osdr.openstack.plugins.module_utils.manifest.manifest import Manifest
from ansible_collections.osdr.openstack.tests.unit.support import shop

MARK = shop.mark(80)
TAGS = ("uplink", *MARK.tags())
MACS = {81: "fa:16:3e:00:00:81", 82: "fa:16:3e:00:00:82"}
SUBPORTS = (Subport("port-81", "vlan", 20), Subport("port-82", "vlan", 30))
#: How they are asked for.
ASKED = [{"port_id": one.port_id, "segmentation_type": "vlan", "segmentation_id": one.segmentation_id} for one in SUBPORTS]


def document(**changes):
    """The application, whose database has two more ports by way of its own."""
    found = shop.document()
    parent = found["servers"][1]["ports"][0]
    parent["source_id"] = shop.uuid(70)
    plain = {"name": "", "device_tag": None, "floating_ips": []}
    found["topology"]["ports"] = [
        {**parent, **plain, "source_id": shop.uuid(one), "mac_address": mac, "fixed_ips": [{"subnet": "shop-subnet", "ip_address": f"10.10.0.{one}"}]}
        for one, mac in MACS.items()
    ]
    subports = [{"port": shop.uuid(one), "segmentation_type": "vlan", "segmentation_id": vlan} for one, vlan in ((81, 20), (82, 30))]
    values = {"name": "uplink", "port": shop.uuid(70), "is_up": True, "description": "two networks", "tags": ["uplink"]}
    found["topology"]["trunks"] = [{"source_id": shop.uuid(80), "subports": subports, **values, **changes}]
    return found


MANIFEST = Manifest.parse(document())


def ports(*numbers):
    """The ports on no server that are there."""
    made = {one: {"mac_address": MACS[one], "fixed_ips": (FixedIp("sub", f"10.10.0.{one}"),)} for one in numbers}
    return tuple(shop.port(one, description=shop.mark(one).text(), tags=tuple(shop.mark(one).tags()), **values) for one, values in made.items())


def site_with(*trunks, there=(81, 82), **changes):
    site = shop.restored_site()
    return dataclasses.replace(site, ports=(*site.ports, *ports(*there)), trunks=trunks, **changes)


def trunk(*subports, **changes):
    """The trunk as a restore has made it."""
    values = {"description": MARK.beside("two networks"), "tags": TAGS, "subports": subports}
    return Trunk("trunk", "uplink", "port-orders-db", **{**values, **changes})
