# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import dataclasses

import pytest
from ansible_collections.osdr.openstack.plugins.module_utils.core.records import AddressGroup, FixedIp
from ansible_collections.osdr.openstack.plugins.module_utils.manifest.manifest import Manifest
from ansible_collections.osdr.openstack.plugins.module_utils.mapping.drift import drift, made, undecided
from ansible_collections.osdr.openstack.plugins.module_utils.mapping.mapping import SiteMapping
from ansible_collections.osdr.openstack.plugins.module_utils.mapping.proposal import propose
from ansible_collections.osdr.openstack.tests.unit.support import shop
from ansible_collections.osdr.openstack.tests.unit.support.fakes import backup

MANIFEST = shop.manifest()
BACKUPS = {one: backup(one, id=one) for copy in MANIFEST.copies for one in copy.chain}
DR_NET = dataclasses.replace(shop.NETWORK, name="dr-net")
DR_SUBNET = dataclasses.replace(shop.SUBNET, name="dr-subnet", cidr="10.20.0.0/24")
DR_ROUTER = dataclasses.replace(shop.ROUTER, external_network_id=shop.PROVIDER.id)
#: A site where networks and so on have names of their own.
OTHER = shop.inventory(
    shop.prepared_site(networks=(shop.PROVIDER, DR_NET), subnets=(DR_SUBNET,), routers=(DR_ROUTER,), volumes=()),
    parts=BACKUPS,
)
FITTING = {
    **shop.SAME_NAMES,
    "networks": {"shop-net": "dr-net"},
    "subnets": {"shop-subnet": {"name": "dr-subnet", "cidr": "10.20.0.0/24"}},
    "external_networks": {"public": "provider"},
    "addresses": {"policy": "remap", "floating": True},
}


def mapping(**changes):
    return SiteMapping.parse({**FITTING, **changes})


def drifted(found=OTHER, **changes):
    return [(one.kind, one.name, one.reason) for one in drift(MANIFEST, mapping(**changes), found)]


def problems(found=OTHER, **changes):
    return shop.restorable(MANIFEST, mapping(**changes), found)[1]


def test_a_mapping_that_fits_has_no_drift_and_no_problems():
    assert drifted() == problems() == []
    assert undecided(MANIFEST, mapping(), OTHER) == ()
    assert made(MANIFEST, mapping(), OTHER) == []


@pytest.mark.parametrize("site", [shop.empty_site(), shop.prepared_site(), shop.restored_site()], ids=["new", "prepared", "restored"])
def test_what_was_proposed_fits(site):
    found = shop.inventory(site, parts=BACKUPS)
    own = propose(MANIFEST, found)[0]
    assert drift(MANIFEST, own, found) == ()
    assert shop.restorable(MANIFEST, own, found)[1] == []


def test_what_a_restore_makes_is_told_by_its_names_there():
    renamed = mapping(
        networks={"shop-net": {"name": "new-net", "make": True}}, subnets={"shop-subnet": {"name": "new-sub", "make": True}}, external_networks={}
    )
    assert made(MANIFEST, renamed, shop.inventory()) == [
        {"kind": "networks", "name": "new-net"},
        {"kind": "subnets", "name": "new-sub"},
        {"kind": "routers", "name": "shop-router"},
        {"kind": "key_pairs", "name": "shop"},
        {"kind": "security_groups", "name": "shop"},
        {"kind": "server_groups", "name": "shop-apart"},
    ]
    assert drift(MANIFEST, renamed, shop.inventory()) == ()


@pytest.mark.parametrize(
    ("kind", "entries", "expected"),
    [
        ("networks", {"shop-net": "dr-nte"}, "The mapping says 'dr-nte' for network 'shop-net', which does not exist at site 'remote'; create it, correct"),
        ("routers", {"shop-router": "dr-router"}, "or have the restore make it under that name (make: true)."),
        ("security_groups", {"shop": "dr-group"}, "The mapping says 'dr-group' for security group 'shop', which"),
        ("key_pairs", {"shop": "dr-key"}, "The mapping says 'dr-key' for key pair 'shop', which"),
        ("flavors", {"lab.db": "huge", "lab.small": "lab.small"}, "The mapping says 'huge' for flavor 'lab.db', which does not exist at site"),
        ("volume_types", {"ceph": "gone"}, "The mapping says 'gone' for volume type 'ceph', which"),
        ("external_networks", {"public": "public"}, "The mapping says 'public' for external network 'public', which"),
    ],
)
def test_a_target_that_is_not_there_is_drift(kind, entries, expected):
    assert any(one[0] == kind and expected in one[2] for one in drifted(**{kind: entries}))


@pytest.mark.parametrize(
    ("kind", "entries", "expected"),
    [
        ("networks", {"shop-net": "dr-nte"}, "The mapping says 'dr-nte' for network 'shop-net'"),
        ("subnets", {"shop-subnet": "dr-sbn"}, "The mapping says 'dr-sbn' for subnet 'shop-subnet'"),
        ("flavors", {"lab.db": "huge"}, "The mapping names flavor 'huge' for server 'orders-db'"),
        ("volume_types", {"ceph": "gone"}, "Volume type 'gone' does not exist at site 'remote'"),
        ("external_networks", {"public": "gone"}, "Site 'remote' has no external network called 'gone'"),
        ("external_networks", {"public": None}, "does not say what replaces external network 'public'"),
        ("addresses", {"policy": "keep"}, "Address 10.10.0.11 of server 'orders-db' is outside subnet 'dr-subnet' (10.20.0.0/24)"),
        ("subnets", {"shop-subnet": "dr-subnet"}, "Subnet 'dr-subnet' exists with 10.20.0.0/24 instead of 10.10.0.0/24"),
        ("subnets", {"shop-subnet": {"name": "dr-subnet", "cidr": "10.20.0.0/28"}}, "Address 10.10.0.21 has no place in 10.20.0.0/28"),
    ],
)
def test_a_restore_is_refused_beforehand(kind, entries, expected):
    found = problems(**{kind: entries})
    assert any(expected in one for one in found), found
    assert len(set(found)) == len(found)


def test_all_problems_of_a_mapping_are_told_at_once():
    found = problems(networks={"shop-net": "a"}, routers={"shop-router": "b"}, flavors={"lab.db": "c"}, volume_types={"ceph": None}, key_pairs={"shop": "d"})
    told = ("'a' for network", "'b' for router", "flavor 'c'", "what replaces volume type 'ceph'", "'d' for key pair")
    assert all(any(one in problem for problem in found) for one in told), found


def test_a_moved_address_that_is_taken_is_told():
    occupied = shop.port("other", fixed_ips=(FixedIp("sub", "10.20.0.11"),))
    site = dataclasses.replace(OTHER.stock.site, ports=(occupied,))
    (problem,) = problems(dataclasses.replace(OTHER, stock=dataclasses.replace(OTHER.stock, site=site)))
    assert problem.startswith("10.20.0.11 of server 'orders-db' on network 'dr-net' at site 'remote' is in use by port port-other")


def test_two_ports_with_one_address_are_told():
    document = shop.document()
    (port,) = document["servers"][0]["ports"]
    port["fixed_ips"] = [{"subnet": "other-subnet", "ip_address": "10.10.0.11"}]
    port["network"] = "other-net"
    manifest = type(MANIFEST).parse(document)
    merged = mapping(
        networks={"shop-net": "dr-net", "other-net": "dr-net"},
        subnets={"shop-subnet": {"name": "dr-subnet", "cidr": "10.20.0.0/24"}, "other-subnet": "dr-subnet"},
        addresses={"policy": "keep"},
    )
    found = shop.restorable(manifest, merged, OTHER)[1]
    assert any("10.10.0.11 on network 'dr-net' is needed by 2 ports (of server 'orders-db' and server 'shop-front')" in one for one in found), found


def test_what_the_application_does_not_have_any_more_is_drift():
    rules = {"policy": "remap", "servers": {"gone": "new", "orders-db": {"ports": {"old-net": "new", "shop-net": "new", shop.MAC["orders-db"].upper(): "new"}}}}
    assert drifted(flavors={**FITTING["flavors"], "old": "huge"}, addresses=rules) == [
        ("flavors", "old", "The application no longer has flavor 'old'; remove the entry."),
        ("addresses", "gone", "The application no longer has server 'gone'; remove its rule."),
        ("addresses", "orders-db", "Server 'orders-db' has no port on a network 'old-net' and none with that MAC address; remove the rule."),
    ]


def test_a_root_disk_that_is_a_volume_already_is_drift():
    assert drifted(root_disks={"orders-db": "volume", "gone": "image"}) == [
        ("root_disks", name, f"The application has no server '{name}' that boots from an image; remove the entry.") for name in ("gone", "orders-db")
    ]


def test_what_has_no_entry_and_no_namesake_is_drift():
    (found,) = drift(MANIFEST, mapping(external_networks={}), OTHER)
    assert (found.kind, found.name, found.candidates) == ("external_networks", "public", ("provider",))
    assert found.reason == "The mapping has no entry for external network 'public', and site 'remote' has none of that name; add an entry."
    (found,) = drifted(shop.inventory(shop.prepared_site(networks=(shop.PROVIDER, DR_NET), subnets=(DR_SUBNET,), routers=())), routers={})
    assert found[2].endswith("add an entry; 'shop-router: shop-router' has the restore make it.")


def test_what_has_no_entry_but_a_namesake_is_fine():
    assert drifted(flavors={}, volume_types={}, key_pairs={}, security_groups={}, routers={}) == []


def test_a_key_pair_that_nobody_knows_may_have_no_entry():
    topology = dataclasses.replace(MANIFEST.description.topology, key_pairs=())
    manifest = dataclasses.replace(MANIFEST, description=dataclasses.replace(MANIFEST.description, topology=topology))
    found = dataclasses.replace(OTHER, stock=dataclasses.replace(OTHER.stock, site=dataclasses.replace(OTHER.stock.site, key_pairs={})))
    assert drift(manifest, mapping(key_pairs={}), found) == ()
    (one,) = drift(manifest, mapping(), found)
    assert one.reason == "The mapping says 'shop' for key pair 'shop', which does not exist at site 'remote'; create it, or correct the mapping."


def test_other_ranges_and_addresses_without_a_place_are_drift():
    (found,) = drifted(subnets={"shop-subnet": {"name": "dr-subnet", "cidr": "10.30.0.0/24"}})
    assert found[:2] == ("subnets", "shop-subnet")
    assert "Subnet 'dr-subnet' exists with 10.20.0.0/24 instead of 10.30.0.0/24" in found[2]
    assert any(one[0] == "addresses" for one in drifted(subnets={"shop-subnet": {"name": "dr-subnet", "cidr": "10.20.0.0/28"}}))


def test_undecided_entries_come_with_what_may_be_meant():
    open_ones = mapping(external_networks={"public": None}, networks={"shop-net": None}, volume_types={"gone": None})
    found = {one.kind: one for one in undecided(MANIFEST, open_ones, OTHER)}
    assert set(found) == {"external_networks", "networks"}
    assert found["external_networks"].candidates == ("provider",)
    assert found["networks"].candidates == ("dr-net",)
    assert [one[0] for one in drifted(external_networks={"public": None})] == []


def test_what_is_left_out_needs_no_decision():
    document = shop.document()
    document["topology"]["routers"][0]["external_network"] = None
    manifest = type(MANIFEST).parse(document)
    without = mapping(external_networks={"public": None}, addresses={"policy": "remap", "floating": False})
    assert undecided(manifest, without, OTHER) == ()
    assert drift(manifest, without, OTHER) == ()


# Networks of other projects


def provided_document():
    document = shop.document()
    document["topology"]["networks"][0]["is_of_others"] = True
    return document


def provided():
    return Manifest.parse(provided_document())


CORPORATE = dataclasses.replace(shop.NETWORK, name="corporate", project_id="operator", is_shared=True)
RACK = dataclasses.replace(shop.SUBNET, name="rack", cidr="10.77.0.0/24", project_id="operator")
WITH_CORPORATE = shop.inventory(shop.prepared_site(networks=(shop.PUBLIC, CORPORATE), subnets=(RACK,), volumes=()), parts=BACKUPS)
STANDS = {"networks": {"shop-net": "corporate"}, "subnets": {"shop-subnet": {"name": "rack", "cidr": "10.77.0.0/24"}}}


def told(found=WITH_CORPORATE, **changes):
    given = SiteMapping.parse({**shop.SAME_NAMES, **changes})
    return [(one.kind, one.reason) for one in drift(provided(), given, found)], made(provided(), given, found)


def test_what_stands_for_a_network_of_others_is_made_by_no_restore():
    assert told(**STANDS) == ([], [])
    by_id = {"networks": {"shop-net": "net"}, "subnets": {"shop-subnet": {"name": "sub", "cidr": "10.77.0.0/24"}}}
    assert told(**by_id) == ([], [])


def test_what_does_not_is_drift_and_its_owner_must_provide_it():
    found, makes = told()
    assert [kind for kind, _reason in found] == ["networks", "subnets"]
    assert all(reason.endswith("or have its owner provide it: at the source it belongs to another project.") for _kind, reason in found)
    assert makes == []


def test_one_of_the_projects_own_in_its_place_is_made_with_its_subnets():
    found, makes = told(networks={"shop-net": {"name": "own-net", "make": True}})
    assert found == []
    assert makes == [{"kind": "networks", "name": "own-net"}, {"kind": "subnets", "name": "shop-subnet"}]


def test_what_stands_for_it_is_for_a_person_to_decide():
    mapped, doubts = propose(provided(), WITH_CORPORATE)
    assert (mapped.target("networks", "shop-net").name, mapped.target("subnets", "shop-subnet").name) == (None, None)
    assert [(one.kind, one.candidates) for one in doubts] == [("networks", ("corporate",)), ("subnets", ("rack",))]
    alike = shop.inventory(shop.prepared_site(networks=(shop.PUBLIC, dataclasses.replace(CORPORATE, name="shop-net")), volumes=()), parts=BACKUPS)
    assert propose(provided(), alike)[1] == ()


def test_an_external_network_that_is_shared_may_be_meant():
    shared = dataclasses.replace(CORPORATE, name="shop-net", is_external=True)
    found = shop.inventory(shop.prepared_site(networks=(shop.PUBLIC, shared), volumes=()), parts=BACKUPS)
    assert found.names("networks") == ["shop-net"]
    document = provided_document()
    document["topology"]["networks"][0]["is_external"] = True
    assert propose(Manifest.parse(document), found)[0].target("networks", "shop-net").name == "shop-net"
    assert propose(provided(), found)[0].target("networks", "shop-net").name is None


def test_whether_a_network_that_others_share_under_the_name_of_the_applications_own_is_meant_is_for_a_person_to_decide():
    shared = dataclasses.replace(CORPORATE, name="shop-net")
    mapped, doubts = propose(MANIFEST, shop.inventory(shop.prepared_site(networks=(shop.PUBLIC, shared), volumes=()), parts=BACKUPS))
    assert mapped.target("networks", "shop-net").name is None
    (doubt,) = [one for one in doubts if one.kind == "networks"]
    assert (doubt.candidates, "another project shares one of that name" in doubt.reason) == (("net", "shop-net"), True)


def test_an_external_network_may_be_named_by_its_id():
    document = shop.SAME_NAMES | {"external_networks": {"public": "ext"}}
    found = drift(MANIFEST, SiteMapping.parse(document), shop.inventory(shop.prepared_site(), parts=BACKUPS))
    assert [one for one in found if one.kind == "external_networks"] == []


@pytest.mark.parametrize("kind", ["networks", "subnets", "security_groups", "address_groups"])
def test_what_others_have_under_the_name_of_the_applications_own_is_made_all_the_same(kind):
    """There is none of the project's own."""
    theirs = {"id": "theirs", "project_id": "operator"}
    named = {"networks": (shop.NETWORK, "shop-net"), "subnets": (shop.SUBNET, "shop-subnet"), "security_groups": (shop.GROUP, "shop")}
    one, name = named.get(kind, (AddressGroup("a", "shop-addresses"), "shop-addresses"))
    document = shop.document()
    document["topology"]["address_groups"] = [{"name": "shop-addresses", "description": "", "addresses": []}]
    document["topology"]["security_groups"][0]["rules"][0].update(remote_group=None, remote_address_group="shop-addresses")
    manifest = Manifest.parse(document)

    def makes(**there):
        found = made(manifest, SiteMapping(), shop.inventory(shop.empty_site(**there)))
        return {"kind": kind, "name": name} in found

    assert makes(**{kind: (dataclasses.replace(one, **theirs),)})
    assert not makes(**{kind: (dataclasses.replace(one, project_id=""),)})
