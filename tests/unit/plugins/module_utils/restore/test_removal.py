# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import dataclasses

import pytest
from ansible_collections.osdr.openstack.plugins.module_utils.core.marking import Mark
from ansible_collections.osdr.openstack.plugins.module_utils.core.records import Attachment, FixedIp, SecurityGroup, Subnet, Trunk
from ansible_collections.osdr.openstack.plugins.module_utils.restore.removal import others, plan
from ansible_collections.osdr.openstack.tests.unit.support import shop
from ansible_collections.osdr.openstack.tests.unit.support.drilled import ALL, APART, DRILL, NETWORK, TEXT, VOLUME, port, site


def removal(owner=DRILL, **more):
    return plan(owner, site(**more))


def test_what_a_drill_made_goes_and_nothing_else():
    found = removal()
    assert (found.shown(), found.left) == (ALL, ())
    assert [one.id for one in found.interfaces] == ["port-interface"]


def test_of_another_drill_there_is_nothing():
    assert removal(Mark("shop", "noon", drill="8")).shown() == {}
    assert removal(Mark("blog", "noon", drill="7")).shown() == {}
    assert removal(Mark("shop", "dawn", drill="7")).shown() == {}


def test_what_the_real_restore_made_goes_without_the_drill():
    found = removal(Mark("shop", "noon")).shown()
    assert found.keys() == {"servers", "floating_ips", "ports", "volumes"}
    assert found["servers"] == ["orders-db (id-orders-db)", "shop-front (id-shop-front)"]


def left(**more):
    """What goes no more, and the reasons."""
    found = removal(**more)
    return sorted(ALL.keys() - found.shown().keys()), list(found.left)


def test_an_interface_that_a_killed_run_has_not_given_to_its_router_goes_like_any_port():
    left_behind = port("left", description=TEXT, device_owner="network:router_interface")
    found = removal(ports=(left_behind,))
    assert found.shown()["ports"] == ["port-left", "port-own"]
    assert ([one.id for one in found.interfaces], found.left) == (["port-interface"], ())


def test_a_network_with_ports_of_others_stays_with_all_that_it_needs():
    kinds, reasons = left(ports=(port("theirs"), port("theirs-2")))
    assert kinds == ["networks", "routers", "subnets"]
    assert reasons == [
        "Subnet drill-7-shop-subnet (dsub) stays: port port-theirs and 1 more of others uses it.",
        "Network drill-7-shop-net (dnet) stays: port port-theirs and 1 more of others uses it.",
        "Router drill-7-shop-router (dr) stays: subnet dsub, which is joined to it, stays.",
    ]
    assert removal(ports=(port("theirs"),)).interfaces == ()


def test_a_network_with_a_subnet_of_others_stays_with_its_own():
    kinds, reasons = left(subnets=(Subnet("x", "theirs", "dnet", "10.10.0.0/24"),))
    assert kinds == ["networks", "routers", "subnets"]
    assert "Network drill-7-shop-net (dnet) stays: subnet theirs is on it." in reasons
    assert "Subnet drill-7-shop-subnet (dsub) stays: its network dnet does." in reasons


def test_a_router_with_a_subnet_of_others_stays_and_keeps_what_it_joins():
    joined = port("joined", device_id="dr", device_owner="network:router_interface", network_id="other", fixed_ips=(FixedIp("x", "10.9.0.1"),))
    kinds, reasons = left(ports=(joined,))
    assert kinds == ["networks", "routers", "subnets"]
    assert reasons[0] == "Router drill-7-shop-router (dr) stays: subnet x, which is joined to it, stays."


def on_a_subnet_that_stays(*more):
    """What goes when the restore has joined its router to a subnet of somebody else, which has other ports, too."""
    joined = {"device_id": "dr", "device_owner": "network:router_interface", "network_id": "other", "fixed_ips": (FixedIp("x", "10.9.0.1"),)}
    return removal(ports=(port("joined", description=TEXT, **joined), *more))


def test_a_router_leaves_a_subnet_that_the_restore_has_joined_and_goes():
    dhcp = port("dhcp", device_id="d", device_owner="network:dhcp", network_id="other", fixed_ips=(FixedIp("x", "10.9.0.2"),))
    found = on_a_subnet_that_stays(dhcp)
    assert (found.shown(), found.left) == (ALL, ())
    assert [one.id for one in found.interfaces] == ["port-interface", "port-joined"]


def test_a_router_by_which_others_may_go_stays_with_its_interface():
    server = port("server", device_id="theirs", device_owner="compute:nova", network_id="other", fixed_ips=(FixedIp("x", "10.9.0.7"),))
    found = on_a_subnet_that_stays(server)
    assert found.left[0] == "Router drill-7-shop-router (dr) stays: subnet x, which is joined to it, stays."
    assert ("routers" in found.shown(), found.interfaces) == (False, ())


def test_a_subnet_that_anothers_router_joins_stays():
    joined = port("joined", device_id="theirs", device_owner="network:router_interface")
    assert left(ports=(joined,))[0] == ["networks", "routers", "subnets"]


@pytest.mark.parametrize(
    ("more", "reason"),
    [
        ({"ports": (shop.port("theirs", security_group_ids=("dsg",)),)}, "port port-theirs of others uses it"),
        (
            {"security_groups": (SecurityGroup("x", "theirs", rules=(dataclasses.replace(shop.GROUP_RULE, remote_group_id="dsg"),)),)},
            "a rule of security group theirs names it",
        ),
    ],
    ids=["port", "rule"],
)
def test_a_group_that_others_use_stays(more, reason):
    assert left(**more) == (["security_groups"], [f"Security group drill-7-shop (dsg) stays: {reason}."])


def test_a_server_group_with_a_server_of_others_stays():
    theirs = dataclasses.replace(APART, id="shared", member_ids=APART.member_ids | {"theirs"})
    found = removal(server_groups=(theirs, dataclasses.replace(APART, id="x", name="drill-7-blog-apart")))
    assert found.shown() == ALL
    assert found.left == ("Server group drill-7-shop-apart stays: server theirs is in it.",)


def test_a_volume_of_anothers_server_stays():
    taken = dataclasses.replace(VOLUME, id="taken", attachments=(Attachment("theirs", "/dev/vdb"),))
    found = removal(volumes=(taken,))
    assert found.shown() == ALL
    assert found.left == ("Volume disk (taken) stays: it is attached to server theirs.",)


def test_ports_that_were_given_to_a_server_later_are_its_own():
    assert left(ports=(port("later", device_id="id-db", device_owner="compute:nova"),)) == ([], [])


@pytest.mark.parametrize("owner", ["network:dhcp", "network:distributed"])
def test_ports_that_a_network_has_of_itself_keep_it_from_nothing(owner):
    assert left(ports=(port("own", device_id="agent", device_owner=owner),)) == ([], [])


@pytest.mark.parametrize("owner", ["network:router_interface", "network:router_interface_distributed", "network:ha_router_replicated_interface"])
def test_every_kind_of_interface_goes_before_its_router(owner):
    found = removal(ports=(port("another", device_id="dr", device_owner=owner),))
    assert (found.left, [one.id for one in found.interfaces]) == ((), ["port-interface", "port-another"])


def test_the_gateway_of_a_router_is_no_interface():
    gateway = port("gateway", device_id="dr", device_owner="network:router_gateway", network_id="ext", fixed_ips=())
    found = removal(ports=(gateway,))
    assert (found.shown(), [one.id for one in found.interfaces]) == (ALL, ["port-interface"])


def test_other_restores_and_drills_of_the_application_are_listed():
    assert others("shop", DRILL, site()) == [{"checkpoint": "noon", "drill": None, "beside": None, "resources": 9}]
    assert others("shop", Mark("shop", "noon"), site()) == [{"checkpoint": "noon", "drill": "7", "beside": None, "resources": 8}]
    assert others("blog", Mark("blog", "noon"), site()) == []


def test_a_real_restore_is_listed_before_the_drills_of_its_checkpoint():
    listed = others("shop", Mark("shop", "dawn"), site())
    assert [(one["checkpoint"], one["drill"]) for one in listed] == [("noon", None), ("noon", "7")]


@pytest.mark.parametrize(("name", "shown"), [("uplink", "uplink (trunk)"), ("", "trunk")])
def test_trunks_are_known_by_their_marks_too(name, shown):
    made = Trunk("trunk", name, "port-own", description=dataclasses.replace(DRILL, source="t1").text())
    there = dataclasses.replace(site(), trunks=(made, Trunk("theirs", "theirs", "port")))
    assert plan(DRILL, there).shown() == {**ALL, "trunks": [shown]}
    assert plan(Mark("shop", "noon"), there).servers.trunks == ()
    assert others("shop", Mark("shop", "noon"), there)[0]["resources"] == others("shop", Mark("shop", "noon"), site())[0]["resources"] + 1
    alone = dataclasses.replace(shop.empty_site(), trunks=(made,))
    assert plan(DRILL, alone).servers.anything


def test_what_has_no_name_is_shown_by_its_id():
    nameless = dataclasses.replace(NETWORK, id="nameless", name="")
    assert removal(networks=(nameless,)).shown()["networks"] == ["drill-7-shop-net (dnet)", "nameless"]
