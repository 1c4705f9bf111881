# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import copy

import pytest
from ansible_collections.osdr.openstack.plugins.module_utils.core.errors import KeptInfrastructureInvalid
from ansible_collections.osdr.openstack.plugins.module_utils.core.infrastructure import (
    FlavorFacts,
    HostAggregate,
    OutsideNetwork,
    OutsidePool,
    OutsideSubnet,
    ProjectFacts,
    ProjectQuotas,
    QosSpecs,
    RoleGrant,
    TypeEncryption,
    VolumeTypeFacts,
    ZoneFacts,
)
from ansible_collections.osdr.openstack.plugins.module_utils.infrastructure.captured import Infrastructure, InUse, KeptInfrastructure, Unseen
from ansible_collections.osdr.openstack.plugins.module_utils.manifest import signed

EVERYTHING = Infrastructure(
    site="north",
    projects=(ProjectFacts("shop", "shop-1", "Default", "", True, ("a",)),),
    roles=(RoleGrant("shop", "group", "ops", "Default", "member", None),),
    quotas=(ProjectQuotas("shop", "compute", {"cores": -1}),),
    flavors=(FlavorFacts("big", 1, 512, 0, 0, 0, 1.5, False, False, "", {"hw:a": "b", "token": None}, ("shop",)),),
    volume_types=(VolumeTypeFacts("fast", "", True, {}, TypeEncryption("luks", None, 256, "front-end"), QosSpecs("both", {"x": "1"})),),
    external_networks=(
        OutsideNetwork("public", 1500, {"network_type": "flat"}, (OutsideSubnet("s", "192.0.2.0/24", 4, None, (OutsidePool("192.0.2.2", "192.0.2.9"),)),)),
    ),
    availability_zones=(ZoneFacts("volume", "nova"),),
    host_aggregates=(HostAggregate("ssds", None, {"ssd": "true"}),),
    in_use=(InUse("shop", "shop", flavors=("big",)),),
    unseen=(Unseen("flavors", "Nobody knows.", is_absent=True),),
)
KEPT = KeptInfrastructure(EVERYTHING, "2026-01-01T12:00:00.000Z")


def test_all_of_it_comes_back():
    assert KeptInfrastructure.load(KEPT.dump()) == KEPT


def test_an_empty_one_comes_back():
    empty = KeptInfrastructure(Infrastructure("north"), KEPT.captured_at)
    assert KeptInfrastructure.load(empty.dump()) == empty


def changed(path, value):
    document = copy.deepcopy(KEPT.as_document())
    *places, last = path
    inner = document
    for place in places:
        inner = inner[place]
    inner[last] = value
    return signed.dump(document)


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("schema_version",), 2),
        (("captured_at",), "yesterday"),
        (("more",), 1),
        (("infrastructure", "site"), None),
        (("infrastructure", "more"), []),
        (("infrastructure", "projects", 0, "tags"), "a"),
        (("infrastructure", "quotas", 0, "limits", "cores"), -2),
        (("infrastructure", "quotas", 0, "limits", "cores"), True),
        (("infrastructure", "quotas", 0, "service"), "elsewhere"),
        (("infrastructure", "roles", 0, "actor"), "everybody"),
        (("infrastructure", "availability_zones", 0, "service"), "network-of-nowhere"),
        (("infrastructure", "flavors", 0, "extra_specs"), {"a": 1}),
        (("infrastructure", "flavors", 0, "rxtx_factor"), "1"),
        (("infrastructure", "volume_types", 0, "encryption"), {"provider": "luks"}),
        (("infrastructure", "external_networks", 0, "subnets", 0, "pools", 0, "end"), "nowhere"),
        (("infrastructure", "in_use", 0, "flavors"), [1]),
        (("infrastructure", "site"), "x" * (2**16 + 1)),
        (("infrastructure", "quotas", 0, "limits", "cores"), 2**63),
        (("infrastructure", "flavors", 0, "extra_specs"), "a"),
    ],
)
def test_what_no_site_has_is_refused(path, value):
    with pytest.raises(KeptInfrastructureInvalid):
        KeptInfrastructure.load(changed(path, value))


def test_it_has_a_bounded_size():
    with pytest.raises(KeptInfrastructureInvalid, match="has more than 16 MiB, so it is none"):
        KeptInfrastructure.load(b" " * (KeptInfrastructure.largest + 1))


def test_a_gap_tells_whose_it_is():
    assert str(Unseen("quotas", "Nobody knows.", "shop")) == "The quotas of project 'shop' cannot be seen. Nobody knows."
