# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import dataclasses

import pytest
from ansible_collections.osdr.openstack.plugins.module_utils.manifest.manifest import Manifest
from ansible_collections.osdr.openstack.plugins.module_utils.mapping.isolation import as_restored
from ansible_collections.osdr.openstack.plugins.module_utils.mapping.mapping import SiteMapping
from ansible_collections.osdr.openstack.plugins.module_utils.restore.losses import losses
from ansible_collections.osdr.openstack.plugins.module_utils.restore.networks_of_others import doubts_of_others, problems_of_others
from ansible_collections.osdr.openstack.plugins.module_utils.restore.plan import RestorePlan
from ansible_collections.osdr.openstack.tests.unit.support import shop

THEIRS = dataclasses.replace(shop.NETWORK, project_id="theirs", is_shared=True)
SUBNET = dataclasses.replace(shop.SUBNET, project_id="theirs")
VIP = {**shop.DOCUMENT["servers"][0]["ports"][0], "source_id": shop.uuid(300), "name": "vip", "mac_address": "fa:16:3e:00:00:99", "floating_ips": []}


def source(**of_front):
    """The manifest of an application on a network of others.

    :param of_front: what is unusual about the port of the front.
    """
    document = shop.document()
    document["topology"]["networks"][0]["is_of_others"] = True
    document["servers"][0]["ports"][0].update(of_front)
    return document


def there(**changes):
    """A site where another project has shared the network."""
    return shop.prepared_site(**{"networks": (shop.PUBLIC, THEIRS), "subnets": (SUBNET,), "ports": (), "may_choose": False, **changes})


def planned(site, document=None, drill=None, **mapping):
    mapped = as_restored(Manifest.parse(document or source()), SiteMapping.parse({"schema_version": 1, **mapping}), drill)
    return RestorePlan.of(mapped.manifest, site)


def problems(*given, **more):
    return list(problems_of_others(planned(*given, **more)))


def test_nothing_is_made_on_a_network_of_others_and_no_router_joins_it():
    for site in (there(), there(networks=(shop.PUBLIC,), subnets=(), routers=()), there(subnets=())):
        lacking = planned(site).lacking
        assert not lacking["networks"] and not lacking["subnets"] and not lacking["routers"]


def told(site, document=None, **mapping):
    return [one for one in doubts_of_others(planned(site, document, **mapping)) if "Sites usually" not in one]


def test_a_network_of_others_that_is_called_like_the_applications_own_is_left_alone_and_told():
    for theirs in (THEIRS, dataclasses.replace(THEIRS, is_external=True)):
        site = there(networks=(shop.PUBLIC, theirs), subnets=(), routers=())
        plan = planned(site, shop.document())
        assert [spec.name for spec in plan.lacking["networks"]] == ["shop-net"]
        assert [spec.name for spec in plan.lacking["subnets"]] == ["shop-subnet"]
        (doubt,) = told(site, shop.document())
        assert doubt.startswith("Network 'shop-net' is the project's own at the source, and at site 'remote' another project has one of that name")
        assert doubt.endswith("If the other one is meant, write its id in a mapping (net).")
        assert told(site, shop.document(), networks={"shop-net": "shop-net"}) == [doubt]
        for meant in ({"shop-net": "net"}, {"shop-net": {"name": "other", "make": True}}):
            assert told(site, shop.document(), networks=meant) == []


def test_a_network_of_the_projects_own_that_stands_for_one_of_others_is_told():
    own = dataclasses.replace(THEIRS, id="own", project_id="", is_shared=False)
    (doubt,) = told(there(networks=(shop.PUBLIC, own)))
    assert doubt.startswith("Network 'shop-net' belongs to another project at the source, and what is called so at site 'remote' is the project's own (own)")
    assert told(there(networks=(shop.PUBLIC, own)), networks={"shop-net": "own"}) == told(there(networks=(shop.PUBLIC, own, THEIRS))) == []


def test_a_network_that_nobody_provides_is_a_problem_with_the_ways_out():
    (problem,) = problems(there(networks=(shop.PUBLIC,), subnets=()))
    assert problem.startswith("Network 'shop-net' belongs to another project at the source, so no restore makes it, and site 'remote' has none of that name")
    assert all(way in problem for way in ("Say in a mapping which network stands for it", "have its owner share one", "(make: true)"))


def test_a_subnet_that_is_not_there_is_a_problem_with_those_that_are():
    other = dataclasses.replace(SUBNET, name="rack-7", cidr="10.77.0.0/24")
    (problem,) = problems(there(subnets=(other,)), addresses={"policy": "new"})
    assert problem.startswith("Network 'shop-net' at site 'remote', which stands for one of another project, has no subnet 'shop-subnet'")
    assert problem.endswith("which of its subnets stands for it: 'rack-7' (10.77.0.0/24).")


def test_in_its_place_the_project_can_have_a_network_of_its_own():
    plan = planned(there(networks=(shop.PUBLIC,), subnets=()), networks={"shop-net": {"name": "own-net", "make": True}})
    assert [spec.name for spec in plan.lacking["networks"]] == ["own-net"]
    assert [spec.name for spec in plan.lacking["subnets"]] == ["shop-subnet"]
    assert list(problems_of_others(plan)) == []


def test_a_drill_has_a_network_of_its_own_whatever_others_provide():
    plan = planned(there(), drill="7")
    assert [spec.name for spec in plan.lacking["networks"]] == ["drill-7-shop-net"]
    assert {port.spec.network for port in plan.all_ports} == {"drill-7-shop-net"}
    assert list(problems_of_others(plan)) == list(doubts_of_others(plan)) == []


def test_a_member_may_not_choose_addresses_and_is_told_who_may():
    found = problems(there())
    assert [one.split(" needs ")[0] for one in found] == [
        "Port fa:16:3e:00:00:11 of server 'orders-db' on network 'shop-net'", "Port fa:16:3e:00:00:21 of server 'shop-front' on network 'shop-net'"
    ]
    assert "needs fa:16:3e:00:00:11 and 10.10.0.11, but network 'shop-net' at site 'remote' belongs to another project" in found[0]
    assert "(admin_cloud; in roles, dr_restore_admin_cloud or the site's admin_cloud), or have Neutron choose (policy: new in a mapping)." in found[0]


def test_where_neutron_chooses_or_an_administrator_does_nothing_is_wrong():
    assert problems(there(), addresses={"policy": "new"}) == problems(there(may_choose=True)) == []


def test_what_is_there_already_needs_nobody_to_choose():
    """After a failback, for example, of which the application has left its ports."""
    mark = shop.mark_of(shop.manifest(), shop.uuid(11))
    (problem,) = problems(there(ports=(shop.restored_port("orders-db", mark),)))
    assert "'shop-front'" in problem


def test_a_port_on_no_server_keeps_its_address_so_somebody_must_choose_it():
    document = source()
    document["topology"]["ports"] = [VIP]
    (problem,) = problems(there(), document, addresses={"policy": "new"})
    assert problem.startswith("Port 'vip' (on no server) needs 10.10.0.21")
    assert problem.endswith("or remove it at the source, and take another checkpoint.")


def test_where_roles_are_not_known_it_is_a_doubt():
    plan = planned(there(may_choose=None))
    assert list(problems_of_others(plan)) == []
    assert [one.split(", as the ports of ")[1].split(" need;")[0] for one in doubts_of_others(plan)] == ["server 'orders-db'", "server 'shop-front'"]
    assert list(doubts_of_others(planned(there()))) == []


# What else a member may not set


PAIRS = {"allowed_address_pairs": [{"ip_address": "10.10.0.100"}]}
OPEN = {"port_security": False, "security_groups": []}


def front(site, **of_front):
    plan = planned(site, source(**of_front), addresses={"policy": "new"})
    step = next(one for one in plan.all_ports if one.label == "server 'shop-front'")
    return step.body(site), step.wishes(site).body, [one for one in losses(plan) if "'shop-front'" in one]


@pytest.mark.parametrize(
    ("of_front", "attribute", "value"),
    [(PAIRS, "allowed_address_pairs", "10.10.0.100"), (OPEN, "port_security_enabled", "off")],
)
def test_what_only_the_owner_sets_is_left_out_and_named(of_front, attribute, value):
    body, wishes, (told,) = front(there(), **of_front)
    assert not {"allowed_address_pairs", "is_port_security_enabled"} & {*body, *wishes}
    assert f"on network 'shop-net' will lack its {attribute} ({value}): only the owner of the network and administrators may set it." in told


@pytest.mark.parametrize("may_choose", [True, None], ids=["an administrator", "somebody whose roles are not known"])
@pytest.mark.parametrize("of_front", [PAIRS, OPEN])
def test_others_try_to_set_it(of_front, may_choose):
    _body, wishes, told = front(there(may_choose=may_choose), **of_front)
    assert wishes in ({"allowed_address_pairs": PAIRS["allowed_address_pairs"]}, {"is_port_security_enabled": False})
    assert told == []


def test_without_port_security_on_the_network_a_port_has_no_groups():
    site = there(networks=(shop.PUBLIC, dataclasses.replace(THEIRS, port_security=False)))
    body, wishes, told = front(site)
    assert (body["security_group_ids"], wishes) == ([], {})
    assert [one.split("will lack its ")[1].split(" (")[0] for one in told] == ["port_security_enabled", "security_groups"]
    tried = front(dataclasses.replace(site, may_choose=None))[1]
    assert tried == {"is_port_security_enabled": True, "security_group_ids": ["sg"]}
    wished = front(dataclasses.replace(site, may_choose=True))[1]
    assert wished == {"is_port_security_enabled": True, "security_group_ids": ["sg"]}
