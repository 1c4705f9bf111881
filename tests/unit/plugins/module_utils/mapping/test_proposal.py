# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import dataclasses

import pytest
from ansible_collections.osdr.openstack.plugins.module_utils.core.records import Flavor, Quota
from ansible_collections.osdr.openstack.plugins.module_utils.manifest.manifest import Manifest
from ansible_collections.osdr.openstack.plugins.module_utils.mapping.mapping import AddressRule, SiteMapping, Target
from ansible_collections.osdr.openstack.plugins.module_utils.mapping.proposal import propose
from ansible_collections.osdr.openstack.tests.unit.support import shop

MANIFEST = shop.manifest()
INTERNET = dataclasses.replace(shop.PROVIDER, id="ext3", name="internet")


def proposed(kind, name, found, manifest=MANIFEST):
    mapping, doubts = propose(manifest, found)
    (doubt,) = [one for one in doubts if (one.kind, one.name) == (kind, name)] or [None]
    return mapping.target(kind, name), doubt


@pytest.mark.parametrize("site", [shop.empty_site(), shop.prepared_site(), shop.restored_site()], ids=["new", "prepared", "restored"])
def test_where_names_match_everything_stands_for_itself(site):
    mapping, doubts = propose(MANIFEST, shop.inventory(site))
    assert (mapping.as_dict(), doubts) == (shop.SAME_NAMES, ())
    assert SiteMapping.parse(mapping.as_dict()) == mapping


def test_the_only_external_network_is_meant():
    assert proposed("external_networks", "public", shop.inventory(shop.empty_site(networks=(shop.PROVIDER,)))) == (Target("provider"), None)


def test_of_several_external_networks_or_none_nobody_knows():
    target, doubt = proposed("external_networks", "public", shop.inventory(shop.empty_site(networks=(shop.PROVIDER, INTERNET))))
    assert (target.name, doubt.candidates) == (None, ("internet", "provider"))
    assert doubt.reason == "Site 'remote' has no external network 'public', but 2 others."
    target, doubt = proposed("external_networks", "public", shop.inventory(shop.empty_site(networks=())))
    assert (target.name, doubt.candidates) == (None, ())


def test_a_flavor_of_another_name_is_the_smallest_that_fits():
    flavors = tuple(Flavor(name, name, 2, ram, 0, 0, 0) for name, ram in (("big", 4096), ("middle", 512), ("tiny", 64)))
    assert proposed("flavors", "lab.db", shop.inventory(shop.empty_site(flavors=flavors))) == (Target("middle"), None)
    target, doubt = proposed("flavors", "lab.db", shop.inventory(shop.empty_site(flavors=flavors[2:])))
    assert (target.name, doubt.candidates) == (None, ("tiny",))
    assert doubt.reason == "Site 'remote' has no flavor with 1 VCPUs and 320 MiB of memory or more."


PINNED = {"hw:cpu_policy": "dedicated"}


def with_specs(specs):
    servers = tuple(dataclasses.replace(one, flavor=dataclasses.replace(one.flavor, extra_specs=specs)) for one in MANIFEST.description.servers)
    return dataclasses.replace(MANIFEST, description=dataclasses.replace(MANIFEST.description, servers=servers))


def test_a_flavor_with_other_extra_specs_is_not_proposed():
    small, pinned = Flavor("s", "small", 1, 512, 0, 0, 0, {}), Flavor("p", "pinned", 2, 4096, 0, 0, 0, PINNED)
    assert proposed("flavors", "lab.db", shop.inventory(shop.empty_site(flavors=(small, pinned))), with_specs(PINNED)) == (Target("pinned"), None)
    target, doubt = proposed("flavors", "lab.db", shop.inventory(shop.empty_site(flavors=(small,))), with_specs(PINNED))
    assert (target.name, doubt.candidates) == (None, ("small",))
    assert doubt.reason == (
        "Site 'remote' has no flavor with 1 VCPUs, 320 MiB of memory or more and the extra specs {'hw:cpu_policy': 'dedicated'}: "
        "of flavor 'small', hw:cpu_policy is not set instead of 'dedicated'."
    )


def test_a_flavor_of_the_same_name_with_other_extra_specs_is_for_a_person_to_decide():
    same = Flavor("d", "lab.db", 1, 320, 0, 0, 0, {})
    target, doubt = proposed("flavors", "lab.db", shop.inventory(shop.empty_site(flavors=(same,))), with_specs(PINNED))
    assert (target.name, doubt.candidates) == (None, ("lab.db",))
    assert doubt.reason == (
        "Site 'remote' has no flavor with 1 VCPUs, 320 MiB of memory or more and the extra specs {'hw:cpu_policy': 'dedicated'}: "
        "of flavor 'lab.db', hw:cpu_policy is not set instead of 'dedicated'."
    )


@pytest.mark.parametrize(
    ("types", "default", "chosen", "candidates"),
    [
        (("lvm",), None, "lvm", None),
        (("lvm", "__DEFAULT__"), "lvm", "lvm", None),
        (("fast", "lvm"), "lvm", None, ("lvm", "fast")),
        (("fast", "lvm", "__DEFAULT__"), "__DEFAULT__", None, ("__DEFAULT__", "fast", "lvm")),
        (("fast", "lvm"), None, None, ("fast", "lvm")),
        ((), None, None, ()),
    ],
)
def test_a_volume_type_is_chosen_where_there_is_no_choice(types, default, chosen, candidates):
    target, doubt = proposed("volume_types", "ceph", shop.inventory(default=default, volume_types=types))
    assert (target.name, doubt and doubt.candidates) == (chosen, candidates)


def test_a_volume_type_that_the_project_may_not_use_is_none():
    quotas = {"volume": {"volumes_ceph": Quota("volumes_ceph", 0, 0), "volumes_lvm": Quota("volumes_lvm", -1, 0)}}
    assert proposed("volume_types", "ceph", shop.inventory(volume_types=("ceph", "lvm"), quotas=quotas))[0] == Target("lvm")


def test_a_subnet_of_the_name_with_another_range_is_used_and_addresses_move():
    site = shop.prepared_site(subnets=(dataclasses.replace(shop.SUBNET, cidr="10.20.0.0/24"),))
    mapping, doubts = propose(MANIFEST, shop.inventory(site))
    assert mapping.target("subnets", "shop-subnet") == Target("shop-subnet", cidr="10.20.0.0/24")
    assert (mapping.rule, doubts) == (AddressRule("remap", True), ())


def test_a_subnet_of_the_range_with_another_name_is_used():
    site = shop.prepared_site(subnets=(dataclasses.replace(shop.SUBNET, name="theirs"),))
    assert proposed("subnets", "shop-subnet", shop.inventory(site)) == (Target("theirs"), None)


def test_other_subnets_of_a_network_are_for_a_person_to_choose_from():
    there = (dataclasses.replace(shop.SUBNET, name="theirs", cidr="10.20.0.0/24"), dataclasses.replace(shop.SUBNET, id="s6", name="six", cidr="fd00::/64"))
    target, doubt = proposed("subnets", "shop-subnet", shop.inventory(shop.prepared_site(subnets=there)))
    assert (target.name, doubt.candidates) == (None, ("theirs",))
    assert doubt.reason.startswith("Network 'shop-net' exists with other subnets")


def test_a_subnet_of_the_name_on_another_network_is_not_meant():
    target, doubt = proposed("subnets", "shop-subnet", shop.inventory(shop.prepared_site(subnets=(dataclasses.replace(shop.SUBNET, network_id="other"),))))
    assert target.name is None
    assert "has a subnet 'shop-subnet', but not on network 'shop-net'" in doubt.reason


def test_a_second_subnet_that_is_yet_to_be_made_is_no_question():
    document = shop.document()
    (subnet,) = document["topology"]["subnets"]
    document["topology"]["subnets"] = [subnet, {**subnet, "name": "second", "cidr": "10.11.0.0/24"}]
    found = proposed("subnets", "second", shop.inventory(shop.prepared_site()), Manifest.parse(document))
    assert found == (Target("second"), None)


def test_an_external_network_of_the_name_is_not_meant():
    found = shop.inventory(shop.empty_site(networks=(dataclasses.replace(shop.NETWORK, is_external=True),)))
    assert proposed("networks", "shop-net", found) == (Target("shop-net"), None)
    document = shop.document()
    document["topology"]["networks"][0].update(is_of_others=True, is_external=True)
    target, doubt = proposed("networks", "shop-net", found, Manifest.parse(document))
    assert target.name is None
    assert "'shop-net' is an external network" in doubt.reason


def test_a_key_pair_with_another_key_is_for_a_person():
    pairs = {"shop": "ssh-ed25519 BBBB x", "a": "ssh-ed25519 CCCC y", "mine": "ssh-ed25519 AAAA z"}
    target, doubt = proposed("key_pairs", "shop", shop.inventory(shop.empty_site(key_pairs=pairs)))
    assert (target.name, doubt.candidates) == (None, ("mine", "a", "shop"))


def test_a_key_pair_of_another_user_is_used_where_it_is_known():
    topology = dataclasses.replace(MANIFEST.description.topology, key_pairs=())
    manifest = dataclasses.replace(MANIFEST, description=dataclasses.replace(MANIFEST.description, topology=topology))
    there = shop.inventory(shop.empty_site(key_pairs={"shop": "ssh-ed25519 BBBB x"}))
    assert proposed("key_pairs", "shop", there, manifest) == (Target("shop"), None)
    target, doubt = proposed("key_pairs", "shop", shop.inventory(), manifest)
    assert target.name is None
    assert "has no public key of 'shop'" in doubt.reason
