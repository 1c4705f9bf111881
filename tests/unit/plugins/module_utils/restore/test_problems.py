# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import dataclasses
from types import SimpleNamespace

import pytest
from ansible_collections.osdr.openstack.plugins.module_utils.core.records import FixedIp, Flavor, Quota, ServerGroup, Subnet
from ansible_collections.osdr.openstack.plugins.module_utils.manifest.manifest import Manifest
from ansible_collections.osdr.openstack.plugins.module_utils.manifest.missing import Missing
from ansible_collections.osdr.openstack.plugins.module_utils.mapping.apply import apply
from ansible_collections.osdr.openstack.plugins.module_utils.mapping.isolation import as_restored
from ansible_collections.osdr.openstack.plugins.module_utils.mapping.mapping import SiteMapping
from ansible_collections.osdr.openstack.plugins.module_utils.restore import stock as restore_stock
from ansible_collections.osdr.openstack.plugins.module_utils.restore.plan import RestorePlan
from ansible_collections.osdr.openstack.plugins.module_utils.restore.preflight import judge
from ansible_collections.osdr.openstack.plugins.module_utils.restore.server_plan import why_no_flavor
from ansible_collections.osdr.openstack.plugins.module_utils.restore.stock import Stock
from ansible_collections.osdr.openstack.plugins.module_utils.restore.topology import as_dicts
from ansible_collections.osdr.openstack.tests.unit.support import shop
from ansible_collections.osdr.openstack.tests.unit.support.fake_glance import cloud_with_images
from ansible_collections.osdr.openstack.tests.unit.support.fakes import backup, server

MANIFEST = shop.manifest()
BACKUPS = {one: backup(one, id=one) for copy in MANIFEST.copies for one in copy.chain}


def quota(name, limit, in_use=0):
    return {name: Quota(name, limit, in_use)}


def stock(site=None, **changes):
    values = {
        "site": site or shop.empty_site(),
        "parts": BACKUPS,
        "volume_types": ("ceph",),
        "quotas": {"volume": {}, "compute": {}, "network": {}},
        "zones": shop.ZONES,
    }
    return Stock(**{**values, **changes})


def judged(found, manifest=MANIFEST):
    return judge(RestorePlan.of(manifest, found.site), found)


def problems(manifest, found):
    return list(judged(found, manifest).problems)


def doubts(manifest, site):
    return list(judged(stock(site), manifest).doubts)


def missing(found):
    return as_dicts(RestorePlan.of(MANIFEST, found.site).lacking)


def needed(found):
    return {need.resource: need.needed for need in judged(found).needs}


UNLIMITED = {
    "volume": {
        name: Quota(name, -1, 0)
        for name in ("volumes", "gigabytes", "volumes_ceph", "gigabytes_ceph", "per_volume_gigabytes")
    },
    "compute": {name: Quota(name, -1, 0) for name in ("instances", "cores", "ram", "server_groups", "server_group_members")},
    "network": {
        name: Quota(name, -1, 0)
        for name in ("network", "subnet", "router", "security_group", "security_group_rule", "port", "floatingip")
    },
}


def test_a_new_site_needs_everything():
    assert needed(stock(quotas=UNLIMITED)) == {
        "volumes": 3,
        "gigabytes": 3,
        "volumes_ceph": 3,
        "gigabytes_ceph": 3,
        "per_volume_gigabytes": 1,
        "instances": 2,
        "cores": 2,
        "ram": 512,
        "server_groups": 1,
        "server_group_members": 2,
        "network": 1,
        "subnet": 1,
        "router": 1,
        "security_group": 1,
        "security_group_rule": 3,
        # Two of servers, one of the router, one for DHCP.
        "port": 4,
        "floatingip": 2,
    }


def test_what_an_earlier_run_made_is_not_needed_again():
    assert needed(stock(shop.restored_site(), quotas=UNLIMITED)) == {}
    assert needed(stock(shop.prepared_site(), quotas=UNLIMITED)) == {
        "instances": 2,
        "cores": 2,
        "ram": 512,
        "server_group_members": 2,
        "port": 2,
        "floatingip": 2,
    }


def test_a_site_that_can_take_it_has_no_problems():
    assert problems(MANIFEST, stock(quotas=UNLIMITED)) == []
    assert problems(MANIFEST, stock(shop.restored_site(), quotas=UNLIMITED)) == []


def test_copies_are_not_needed_any_more_once_the_volumes_are_restored():
    assert problems(MANIFEST, stock(shop.prepared_site(), parts={})) == []


OCCUPIED = shop.port("other", fixed_ips=(FixedIp("sub", "10.10.0.11"),), device_id="id-other")


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        (
            stock(zones={"volume": ("az2", "az1"), "compute": ()}),
            "Availability zone 'nova' does not exist for volumes at site 'remote' (az1, az2); say in a mapping which one to use, or null",
        ),
        (stock(zones={"volume": (), "compute": ()}), "Availability zone 'nova' does not exist for volumes at site 'remote' (none); say in a mapping"),
        (
            stock(shop.empty_site(server_groups=(ServerGroup("g", "shop-apart", "affinity"),))),
            "Server group 'shop-apart' exists at site 'remote' with the policy affinity instead of anti-affinity; remove it",
        ),
        (
            stock(shop.empty_site(server_groups=(ServerGroup("g", "shop-apart", "anti-affinity", 3),))),
            "with the policy anti-affinity (3 on a host) instead of anti-affinity;",
        ),
        (
            stock(shop.empty_site(server_groups=(shop.APART, shop.APART))),
            "2 server groups at site 'remote' are called 'shop-apart', so it is not clear which one to use",
        ),
        (
            stock(quotas={**UNLIMITED, "volume": quota("gigabytes_ceph", 10, 8)}),
            "The quota 'gigabytes_ceph' at site 'remote' is too small: 3 more needed, 2 left",
        ),
        (
            stock(quotas={**UNLIMITED, "compute": quota("ram", 256)}),
            "The quota 'ram' at site 'remote' is too small: 512 more needed, 256 left",
        ),
        (
            stock(quotas={**UNLIMITED, "network": quota("floatingip", 1)}),
            "The quota 'floatingip' at site 'remote' is too small: 2 more needed, 1 left",
        ),
        (stock(shop.empty_site(flavors=(shop.SMALL,))), "Server 'orders-db' needs flavor 'lab.db'"),
        (stock(volume_types=("lvm",)), "Volume type 'ceph' does not exist at site 'remote'"),
        (
            stock(parts={**BACKUPS, shop.uuid(91): backup("x", status="error")}),
            f"Backup {shop.uuid(91)}, needed for volume 'orders-db-boot' of server 'orders-db', is error",
        ),
        (stock(parts={}), f"Backup {shop.uuid(101)}, needed for volume 'orders-db-boot' of server 'orders-db', is missing"),
        (stock(shop.empty_site(networks=())), "Site 'remote' has no external network called 'public'"),
        (
            stock(shop.prepared_site(networks=(shop.PUBLIC, shop.NETWORK, dataclasses.replace(shop.NETWORK, id="net2")))),
            "2 networks at site 'remote' are called 'shop-net'",
        ),
        (
            stock(shop.prepared_site(security_groups=(shop.GROUP, dataclasses.replace(shop.GROUP, id="sg2")))),
            "2 security groups at site 'remote' are called 'shop'",
        ),
        (
            stock(shop.prepared_site(subnets=(dataclasses.replace(shop.SUBNET, cidr="10.20.0.0/24"),))),
            "Subnet 'shop-subnet' exists with 10.20.0.0/24 instead of 10.10.0.0/24",
        ),
        (
            stock(shop.prepared_site(subnets=(dataclasses.replace(shop.SUBNET, network_id="other"),))),
            "Subnet 'shop-subnet' exists on another network than 'shop-net'",
        ),
        (
            stock(shop.empty_site(key_pairs={"shop": "ssh-ed25519 BBBB shop"})),
            "Key pair 'shop' exists at site 'remote' with another public key",
        ),
        (
            stock(shop.prepared_site(ports=(OCCUPIED,), servers=(server("first"), server("other")))),
            "10.10.0.11 of server 'orders-db' on network 'shop-net' at site 'remote' is in use by port port-other of "
            "server other (id-other); remove that first.",
        ),
        (
            stock(shop.prepared_site(ports=(shop.port("x", mac_address="FA:16:3E:00:00:21"),), servers=(server("first"),))),
            "fa:16:3e:00:00:21 of server 'shop-front' on network 'shop-net' at site 'remote' is in use by port port-x; remove that first.",
        ),
        (
            stock(shop.prepared_site(ports=(shop.restored_port("orders-db", shop.Mark("shop", "dawn", "s")),))),
            "10.10.0.11 and fa:16:3e:00:00:11 of server 'orders-db' on network 'shop-net' at site 'remote' are in use by "
            "port port-orders-db, from a restore of checkpoint 'dawn'",
        ),
    ],
)
def test_problem(found, expected):
    assert any(expected in problem for problem in problems(MANIFEST, found)), problems(MANIFEST, found)


@pytest.mark.parametrize(
    ("kind", "one"),
    [
        ("networks", shop.NETWORK),
        ("subnets", shop.SUBNET),
        ("routers", shop.ROUTER),
        ("security_groups", shop.GROUP),
        ("server_groups", shop.APART),
    ],
)
def test_of_several_of_a_name_nobody_knows_which_is_meant(kind, one):
    site = shop.prepared_site()
    twice = dataclasses.replace(site, **{kind: (*getattr(site, kind), dataclasses.replace(one, id="another"))})
    told = f"2 {kind.replace('_', ' ')} at site 'remote' are called '{one.name}', so it is not clear"
    assert [problem.startswith(told) for problem in problems(MANIFEST, stock(twice))] == [True]


def test_of_several_external_networks_of_a_name_the_one_that_is_meant_is_named_by_its_id():
    twice = stock(shop.prepared_site(networks=(shop.NETWORK, shop.PUBLIC, dataclasses.replace(shop.PUBLIC, id="another"))))
    (problem,) = problems(MANIFEST, twice)
    assert problem.startswith("2 external networks at site 'remote' are called 'public'") and problem.endswith("in a mapping.")
    by_id = as_restored(MANIFEST, SiteMapping.parse({"schema_version": 1, "external_networks": {"public": "ext"}}), None).manifest
    assert problems(by_id, twice) == []


def test_a_drill_uses_nothing_of_its_names_that_it_did_not_make():
    manifest = as_restored(MANIFEST, SiteMapping(), "7").manifest
    plain = shop.prepared_site()
    kinds = ("networks", "subnets", "routers", "security_groups")
    theirs = {kind: (*getattr(plain, kind), *drilled_names(getattr(plain, kind))) for kind in kinds}
    keys = {f"drill-7-{name}": key for name, key in plain.key_pairs.items()}
    told = problems(manifest, stock(dataclasses.replace(plain, **theirs, key_pairs=keys)))
    assert [one.split(" at site")[0] for one in told if "was not made by drill '7'; give the drill another id." in one] == [
        "Network 'drill-7-shop-net'",
        "Subnet 'drill-7-shop-subnet'",
        "Router 'drill-7-shop-router'",
        "Security group 'drill-7-shop'",
        "Key pair 'drill-7-shop'",
    ]


def drilled_names(resources):
    return [dataclasses.replace(one, id=f"theirs-{one.id}", name=f"drill-7-{one.name}", description="of somebody else") for one in resources]


def test_all_problems_are_found_at_once():
    found = stock(shop.empty_site(flavors=(), networks=()), volume_types=(), parts={})
    # Two flavors, one type, three chains of two, one external network.
    assert len(problems(MANIFEST, found)) == 10


def kinds(found):
    return {kind: [one["name"] for one in specs] for kind, specs in missing(found).items()}


def test_the_whole_topology_is_missing_at_a_new_site():
    assert kinds(stock()) == {
        "networks": ["shop-net"],
        "subnets": ["shop-subnet"],
        "routers": ["shop-router"],
        "security_groups": ["shop"],
        "key_pairs": ["shop"],
        "address_groups": [],
        "server_groups": ["shop-apart"],
    }


def test_nothing_is_missing_where_all_is_there():
    assert not any(missing(stock(shop.prepared_site())).values())


def test_a_router_without_the_subnet_gets_it_and_keeps_its_others():
    other = Subnet("sub2", "other-subnet", "net2", "10.11.0.0/24")
    joined = shop.port("router", network_id="net2", device_id="r", fixed_ips=(FixedIp("sub2", "10.11.0.1"),))
    gateway = shop.port("gateway", network_id="ext", device_id="r", fixed_ips=(FixedIp("sub-ext", "10.88.2.5"),))
    site = shop.prepared_site(ports=(joined, gateway), subnets=(shop.SUBNET, other))
    assert missing(stock(site))["routers"][0]["subnets"] == ("sub2", "shop-subnet")


def test_a_security_group_with_other_rules_gets_those_of_the_source():
    """A run that was killed leaves a group with the rules that every new group has."""
    group = dataclasses.replace(shop.GROUP, rules=())
    found = missing(stock(shop.prepared_site(security_groups=(group,))))
    assert found["security_groups"] == [{"name": "shop", "description": "", "rules": (shop.RULE,), "is_stateful": True, "tags": ()}]


def test_addresses_on_a_network_of_another_project_are_doubtful():
    site = shop.prepared_site(networks=(shop.PUBLIC, dataclasses.replace(shop.NETWORK, project_id="theirs", is_shared=True)))
    found = doubts(shop.mapped(), site)
    assert [one.split("server ")[1].split(" ")[0] for one in found] == ["'orders-db'", "'shop-front'"]
    assert found[0].startswith("Network 'shop-net' at site 'remote' belongs to another project.")


def test_nothing_is_doubtful_on_ones_own_networks_or_where_neutron_chooses():
    theirs = shop.prepared_site(networks=(shop.PUBLIC, dataclasses.replace(shop.NETWORK, project_id="theirs", is_shared=True)))
    new = apply(MANIFEST, SiteMapping.parse({"schema_version": 1, "addresses": {"policy": "new"}})).manifest
    assert doubts(MANIFEST, dataclasses.replace(theirs, project_id="theirs")) == doubts(shop.mapped(new), theirs) == doubts(MANIFEST, shop.empty_site()) == []


def test_what_has_been_built_needs_no_zone_and_no_flavor_any_more():
    document = shop.document()
    document["servers"][1]["availability_zone"] = "az9"
    manifest = Manifest.parse(document)
    (problem,) = problems(manifest, stock(shop.prepared_site(), quotas=UNLIMITED))
    assert "Availability zone 'az9' does not exist for servers" in problem
    nowhere = {"volume": (), "compute": ()}
    assert problems(manifest, stock(shop.restored_site(flavors=()), quotas=UNLIMITED, volume_types=(), zones=nowhere)) == []


def by_pigeon():
    """The checkpoint as a release may have made it that knows more methods of copying."""
    first, *others = MANIFEST.copies
    return dataclasses.replace(MANIFEST, copies=(dataclasses.replace(first, method="pigeon"), *others))


def test_a_copy_of_a_method_that_is_not_known_is_a_problem():
    (problem,) = problems(by_pigeon(), stock(quotas=UNLIMITED))
    assert problem.startswith(f"The copy of volume {shop.uuid(1)} was made by the method 'pigeon', which this release does not know")


def test_backups_of_another_project_are_asked_for_one_by_one(monkeypatch):
    mine, theirs = backup("mine", id="mine"), backup("theirs", id="theirs")
    backups = {"backups": lambda: [mine], "backup": {"theirs": theirs}.get, "volumes": list}
    types = dict.fromkeys(("volume_types", "zones_of_types", "multiattach_types"), dict)
    storage = SimpleNamespace(cloud=cloud_with_images("remote"), **backups, **types, quotas=dict, availability_zones=list)
    others = SimpleNamespace(quotas=dict, availability_zones=list, free_addresses=dict)
    monkeypatch.setattr(restore_stock, "BlockStorage", lambda _cloud: storage)
    monkeypatch.setattr(restore_stock, "Compute", lambda _cloud: others)
    monkeypatch.setattr(restore_stock, "Networking", lambda _cloud: others)
    monkeypatch.setattr(restore_stock.restore_site, "look", lambda *_given: shop.empty_site())
    copy = dataclasses.replace(MANIFEST.copies[0], chain=("mine", "theirs", "nowhere"))
    found = restore_stock.look(SimpleNamespace(site="remote", roles=frozenset()), 4, [copy])
    assert found.parts == {"mine": mine, "theirs": theirs}
    assert restore_stock.look(SimpleNamespace(site="remote", roles=frozenset()), 4).parts == {"mine": mine}


@pytest.mark.parametrize(
    ("there", "why"),
    [
        ({}, " (of flavor 'lab.db', hw:cpu_policy is not set instead of 'dedicated')"),
        (
            {"hw:cpu_policy": "shared", "hw:numa_nodes": "2"},
            " (of flavor 'lab.db', hw:cpu_policy is 'shared' instead of 'dedicated', hw:numa_nodes is '2' instead of not set)",
        ),
    ],
    ids=["without it", "with another one"],
)
def test_a_flavor_that_says_something_else_is_not_taken_and_it_is_told_what(there, why):
    specs = {"hw:cpu_policy": "dedicated"}
    pinned = tuple(dataclasses.replace(one, flavor=dataclasses.replace(one.flavor, extra_specs=specs)) for one in MANIFEST.description.servers)
    manifest = dataclasses.replace(MANIFEST, description=dataclasses.replace(MANIFEST.description, servers=pinned))
    site = shop.prepared_site(flavors=(dataclasses.replace(shop.DB, extra_specs=there),))
    assert judged(stock(site), manifest).problems[0] == (
        "Server 'orders-db' needs flavor 'lab.db' (1 VCPUs, 320 MiB of memory), but site 'remote' has none of at least that size with the same extra "
        f"specs{why}; create one, give the project access to one, or name one in a mapping."
    )


def test_of_many_flavors_that_do_not_fit_some_are_told():
    wanted = dataclasses.replace(shop.DB, extra_specs={"hw:cpu_policy": "dedicated"})
    flavors = [Flavor(name, name, 1, ram, 0, 0, 0, {}) for ram, name in enumerate(["a", "b", "c", "d", "e"], 320)]
    assert [f"'{one}'" in why_no_flavor(wanted, reversed(flavors)) for one in "abcde"] == [True, True, True, False, False]


def test_what_a_nova_is_too_old_for_is_told_once_with_what_is_lost():
    document = shop.document()
    for one in document["servers"]:
        one["tags"] = ["gold"]
    document["servers"][1]["description"] = "Takes orders"
    manifest = Manifest.parse(document)
    told = [
        "Nova at site 'remote' offers its API in version 2.10 at most, so restored servers lack these: descriptions (2.19) of orders-db; "
        "tags of servers (2.52) of orders-db, shop-front."
    ]
    assert doubts(manifest, shop.prepared_site(nova=(2, 10))) == told
    assert doubts(manifest, shop.restored_site(nova=(2, 10))) == told, "by every later run, too"
    assert doubts(manifest, shop.prepared_site(nova=(2, 52))) == []


@pytest.mark.parametrize(("hostname", "is_told"), [("a", True), ("db.", True), ("db7", False), ("shop-front", False), (None, False)])
def test_a_host_name_that_nova_takes_from_nobody_is_told(hostname, is_told):
    document = shop.document()
    document["servers"][0]["hostname"] = hostname
    told = f"Nova does not take the host name '{hostname}' of server 'shop-front', so the restored server has one from its name."
    manifest = Manifest.parse(document)
    assert doubts(manifest, shop.prepared_site(nova=(2, 100))) == [told] * is_told
    assert doubts(manifest, shop.restored_site(nova=(2, 100))) == [told] * is_told


def standby_manifest():
    servers = tuple(dataclasses.replace(one, is_off=one.name == "orders-db") for one in MANIFEST.description.servers)
    return dataclasses.replace(MANIFEST, description=dataclasses.replace(MANIFEST.description, servers=servers))


def test_that_standbys_stay_off_is_told_before_a_restore():
    told = "These servers did not run at the checkpoint and are off after the restore, without their checks: orders-db."
    assert doubts(standby_manifest(), shop.prepared_site()) == [told]


@pytest.mark.parametrize(("status", "count"), [("SHUTOFF", 0), ("ACTIVE", 0), ("PAUSED", 1)])
def test_a_standby_that_is_off_is_as_it_shall_be(status, count):
    servers = tuple(dataclasses.replace(one, status=status) if one.name == "orders-db" else one for one in shop.restored_site().servers)
    found = judged(stock(shop.restored_site(servers=servers)), standby_manifest()).problems
    assert [f"is {status} now" in one for one in found] == [True] * count


@pytest.mark.parametrize(("mtu", "count"), [(1400, 1), (1442, 0), (0, 0)])
def test_a_network_that_takes_smaller_packets_is_doubtful(mtu, count):
    site = shop.prepared_site(networks=(shop.PUBLIC, dataclasses.replace(shop.NETWORK, mtu=mtu)))
    assert ["has an MTU of 1400 at site 'remote' and 1442 at the source" in one for one in doubts(MANIFEST, site)] == [True] * count


def test_what_will_be_missing_is_told_before_a_restore():
    lost = Missing("port front of server 'shop-front'", "qos_policy_id", "q1", "")
    manifest = dataclasses.replace(MANIFEST, description=dataclasses.replace(MANIFEST.description, missing=(lost,)))
    assert doubts(manifest, shop.prepared_site()) == ["Will be missing at the remote site: port front of server 'shop-front': qos_policy_id (q1)."]


@pytest.mark.parametrize("who", ["router", "port", "forwarder"])
def test_the_external_network_of_each_that_needs_one_is_looked_for(who):
    document = shop.document()
    topology, (port,) = document["topology"], document["servers"][0]["ports"]
    forwarding = {"port": port["source_id"], "place": 0, "internal_port": 80, "external_port": 8080, "protocol": "tcp", "description": ""}
    topology["forwarders"] = [{"source_id": shop.uuid(72), "floating": {**shop.FLOATING, "network": "public"}, "forwardings": [forwarding]}]
    needing = {"router": (topology["routers"][0], "external_network"), "port": (port["floating_ips"][0], "network")}
    needing["forwarder"] = topology["forwarders"][0]["floating"], "network"
    thing, key = needing[who]
    thing[key] = "elsewhere"
    told = [one.split(" for routers")[0] for one in problems(Manifest.parse(document), stock()) if "external network called" in one]
    assert told == ["Site 'remote' has no external network called 'elsewhere'"]


def test_a_router_that_leads_nowhere_needs_no_external_network():
    document = shop.document()
    document["topology"]["routers"][0]["external_network"] = None
    assert not [one for one in problems(Manifest.parse(document), stock()) if "external network" in one and "has no" in one]
