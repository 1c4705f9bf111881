# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A site with a real restore and a drill of the same checkpoint, for tests of removing one of them."""

from __future__ import annotations

import dataclasses

from ansible_collections.osdr.openstack.plugins.module_utils.core.marking import Mark
from ansible_collections.osdr.openstack.plugins.module_utils.core.records import Attachment, FixedIp, Network, Router, SecurityGroup, ServerGroup, Subnet
from ansible_collections.osdr.openstack.tests.unit.support import shop
from ansible_collections.osdr.openstack.tests.unit.support.fakes import server, volume

DRILL = Mark("shop", "noon", drill="7")
TEXT = DRILL.text()


def port(name, **changes):
    return shop.port(name, **{"network_id": "dnet", "fixed_ips": (FixedIp("dsub", "10.10.0.5"),), "security_group_ids": (), **changes})


OWN = port("own", description=dataclasses.replace(DRILL, source="s1").text(), device_id="id-db", security_group_ids=("dsg",))
INTERFACE = port("interface", device_id="dr", device_owner="network:router_interface")
DHCP = port("dhcp", device_owner="network:distributed")
ROUTER = Router("dr", "drill-7-shop-router", description=TEXT)
NETWORK = Network("dnet", "drill-7-shop-net", description=TEXT)
SUBNET = Subnet("dsub", "drill-7-shop-subnet", "dnet", "10.10.0.0/24", description=TEXT)
GROUP = SecurityGroup("dsg", "drill-7-shop", description=f"for the shop {TEXT}")
APART = ServerGroup("apart", "drill-7-shop-apart", "anti-affinity", member_ids=frozenset({"id-db"}))
SERVER = server("db", metadata=dataclasses.replace(DRILL, source="s1").metadata())
VOLUME = volume("disk", description=dataclasses.replace(DRILL, source="v1").text(), attachments=(Attachment("id-db", "/dev/vda"),))


def site(**more):
    """One with a real restore and a drill of the same checkpoint.

    :param more: per kind, what others have there besides.
    """
    real = shop.restored_site()
    mine = {
        "servers": (SERVER,),
        "volumes": (VOLUME,),
        "ports": (OWN, INTERFACE, DHCP),
        "networks": (NETWORK,),
        "routers": (ROUTER,),
        "subnets": (SUBNET,),
        "security_groups": (GROUP,),
        "server_groups": (APART,),
    }
    changes = {kind: (*getattr(real, kind), *things, *more.get(kind, ())) for kind, things in mine.items()}
    keys = {"drill-7-shop": f"ssh-ed25519 AAAA shop {TEXT}", "drill-7-theirs": "ssh-ed25519 AAAA"}
    return dataclasses.replace(real, **changes, key_pairs={**real.key_pairs, **keys})


#: What is to be removed of the drill, as it is shown.
ALL = {
    "servers": ["db (id-db)"],
    "ports": ["port-own"],
    "volumes": ["disk (volume-disk)"],
    "routers": ["drill-7-shop-router (dr)"],
    "subnets": ["drill-7-shop-subnet (dsub)"],
    "networks": ["drill-7-shop-net (dnet)"],
    "security_groups": ["drill-7-shop (dsg)"],
    "key_pairs": ["drill-7-shop"],
    "server_groups": ["drill-7-shop-apart (apart)"],
}
