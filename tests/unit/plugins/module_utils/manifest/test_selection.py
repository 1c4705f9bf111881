# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import pytest
from ansible_collections.osdr.openstack.plugins.module_utils.core.errors import InvalidInput
from ansible_collections.osdr.openstack.plugins.module_utils.manifest.manifest import Manifest
from ansible_collections.osdr.openstack.plugins.module_utils.manifest.selection import chosen, servers_of_tiers
from ansible_collections.osdr.openstack.tests.unit.support import shop

MANIFEST = shop.manifest()


def rich():
    """The shop, whose front is on a network of its own too, with a key, a group and a router of its own."""
    document = shop.document()
    front, topology = document["servers"][0], document["topology"]
    (port,), (net,), (sub,), (router,) = front["ports"], topology["networks"], topology["subnets"], topology["routers"]
    address = {"subnet": "web-subnet", "ip_address": "10.30.0.21"}
    front["ports"] = [{**port, "network": "web-net", "mac_address": "fa:16:3e:00:00:22", "fixed_ips": [address], "security_groups": ["web"]}]
    front.update(key_name="web", server_group="web-apart")
    topology["networks"] = [net, {**net, "name": "web-net"}]
    topology["subnets"] = [
        sub,
        {**sub, "name": "shop-six", "cidr": "fd00::/64", "ip_version": 6, "gateway_ip": None, "allocation_pools": []},
        {**sub, "name": "web-subnet", "network": "web-net", "cidr": "10.30.0.0/24", "gateway_ip": None, "allocation_pools": []},
    ]
    topology["routers"] = [{**router, "subnets": ["shop-subnet", "web-subnet"]}, {**router, "name": "web-router", "subnets": ["web-subnet"]}]
    rule = {**shop.RULE, "remote_group": "admins"}
    topology["security_groups"] += [
        {"name": "web", "description": "", "rules": [rule], "is_stateful": True, "tags": []},
        {"name": "admins", "description": "", "rules": [{**rule, "remote_group": "bastion"}], "is_stateful": True, "tags": []},
        {"name": "bastion", "description": "", "rules": [{**rule, "remote_group": "admins"}], "is_stateful": True, "tags": []},
    ]
    topology["key_pairs"].append({"name": "web", "public_key": "ssh-ed25519 BBBB web"})
    topology["server_groups"].append({"name": "web-apart", "policy": "anti-affinity", "max_per_host": None})
    return Manifest.parse(document)


def names(specs):
    return [spec.name for spec in specs]


def shown(manifest):
    topology = manifest.description.topology
    return {
        "tiers": {tier.name: tier.servers for tier in manifest.application.tiers},
        "servers": names(manifest.description.servers),
        "copies": sorted(copy.volume_id for copy in manifest.copies),
        "networks": names(topology.networks),
        "subnets": names(topology.subnets),
        "routers": {router.name: router.subnets for router in topology.routers},
        "security_groups": names(topology.security_groups),
        "key_pairs": names(topology.key_pairs),
        "server_groups": names(topology.server_groups),
    }


def test_all_is_all():
    assert chosen(MANIFEST, None) is MANIFEST
    assert chosen(MANIFEST, ["shop-front", "orders-db"]) == MANIFEST


def test_a_part_has_what_it_needs_and_nothing_else():
    assert shown(chosen(rich(), ["orders-db"])) == {
        "tiers": {"database": ("orders-db",)},
        "servers": ["orders-db"],
        "copies": [shop.uuid(1), shop.uuid(2)],
        "networks": ["shop-net"],
        "subnets": ["shop-subnet", "shop-six"],
        "routers": {"shop-router": ("shop-subnet",)},
        "security_groups": ["shop"],
        "key_pairs": ["shop"],
        "server_groups": ["shop-apart"],
    }
    assert shown(chosen(rich(), ["shop-front"])) == {
        "tiers": {"front": ("shop-front",)},
        "servers": ["shop-front"],
        "copies": [shop.uuid(3)],
        "networks": ["web-net"],
        "subnets": ["web-subnet"],
        "routers": {"shop-router": ("web-subnet",), "web-router": ("web-subnet",)},
        "security_groups": ["web", "admins", "bastion"],
        "key_pairs": ["web"],
        "server_groups": ["web-apart"],
    }


def test_a_part_is_of_the_same_checkpoint():
    part = chosen(MANIFEST, ["orders-db"])
    assert (part.checkpoint, part.drill, part.application.name) == (MANIFEST.checkpoint, None, "shop")


@pytest.mark.parametrize("choose", [chosen, servers_of_tiers])
def test_what_the_checkpoint_does_not_have_is_named(choose):
    kind = "server" if choose is chosen else "tier"
    with pytest.raises(InvalidInput, match=f"Checkpoint 'noon' of application 'shop' has no {kind} cache, web; it has"):
        choose(MANIFEST, ["web", "cache"])


@pytest.mark.parametrize("choose", [chosen, servers_of_tiers])
def test_nothing_is_not_everything(choose):
    with pytest.raises(InvalidInput, match="leave the option out for all of them"):
        choose(MANIFEST, [])


def test_the_servers_of_tiers_are_in_boot_order():
    assert servers_of_tiers(MANIFEST, ["front", "database"]) == ["orders-db", "shop-front"]
    assert servers_of_tiers(MANIFEST, ["front"]) == ["shop-front"]


def test_what_is_missing_is_told_of_a_part_too():
    lost = {"resource": "network 'shop-net'", "attribute": "dns_domain", "value": "shop.", "note": ""}
    manifest = Manifest.parse({**shop.document(), "missing": [lost]})
    assert chosen(manifest, ["orders-db"]).description.missing == manifest.description.missing


def test_ports_on_no_server_go_with_the_networks_and_the_trunks_of_the_servers():
    document = shop.document()
    topology, (front,), (db,) = document["topology"], *(server["ports"] for server in document["servers"])
    topology["networks"].append({**topology["networks"][0], "name": "back-net"})

    def port(number, network):
        return {**db, "source_id": shop.uuid(number), "network": network, "fixed_ips": [], "floating_ips": [], "security_groups": []}

    topology["ports"] = [port(901, "shop-net"), port(902, "back-net"), port(903, "elsewhere")]
    trunk = {"source_id": shop.uuid(904), "name": "", "port": db["source_id"], "is_up": True, "description": "", "tags": []}
    topology["trunks"] = [{**trunk, "subports": [{"port": shop.uuid(902), "segmentation_type": "vlan", "segmentation_id": 5}]}]
    forwarding = {"place": 0, "internal_port": 22, "external_port": 2222, "protocol": "tcp", "description": ""}
    forwardings = [{**forwarding, "port": one["source_id"]} for one in (db, front)]
    topology["forwarders"] = [{"source_id": shop.uuid(905), "floating": {**shop.FLOATING, "network": "public"}, "forwardings": forwardings}]
    kept = {name: chosen(Manifest.parse(document), [name]).description.topology for name in ("orders-db", "shop-front")}
    assert {name: [one.source_id for one in found.ports] for name, found in kept.items()} == {
        "orders-db": [shop.uuid(901), shop.uuid(902)], "shop-front": [shop.uuid(901)]
    }
    assert {name: names(found.networks) for name, found in kept.items()} == {"orders-db": ["shop-net", "back-net"], "shop-front": ["shop-net"]}
    assert {name: len(found.trunks) for name, found in kept.items()} == {"orders-db": 1, "shop-front": 0}
    forwarded = {name: [one.port for one in found.forwarders[0].forwardings] for name, found in kept.items()}
    assert forwarded == {"orders-db": [db["source_id"]], "shop-front": [front["source_id"]]}
