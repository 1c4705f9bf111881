# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import collections

import pytest
from ansible_collections.osdr.openstack.plugins.module_utils.manifest import attributes
from ansible_collections.osdr.openstack.plugins.module_utils.manifest.attributes import Fate
from ansible_collections.osdr.openstack.plugins.module_utils.manifest.missing import missing_of, warning

MARK = "osdr_application=shop osdr_checkpoint=noon osdr_source=1"


def attributes_of(kind, resource):
    return [one.attribute for one in missing_of(kind, "it", resource)]


@pytest.mark.parametrize("kind", attributes.KINDS, ids=lambda kind: kind.name)
def test_an_attribute_has_one_fate(kind):
    names = collections.Counter(name for attribute in kind.attributes for name in attribute.names)
    assert [name for name, count in names.items() if count > 1] == []


@pytest.mark.parametrize("kind", attributes.KINDS, ids=lambda kind: kind.name)
def test_every_attribute_that_is_missing_is_named_when_it_has_a_value(kind):
    partly = {name for attribute in kind.attributes if attribute.fate is Fate.RESTORED and attribute.usual for name in attribute.names}
    lost = partly | {name for attribute in kind.attributes if attribute.fate is Fate.MISSING for name in attribute.names}
    everything = {name: "something" for attribute in kind.attributes for name in attribute.names}
    assert set(attributes_of(kind, everything)) == lost


@pytest.mark.parametrize("kind", attributes.KINDS, ids=lambda kind: kind.name)
def test_what_a_newer_release_returns_is_named(kind):
    (found,) = missing_of(kind, "it", {"flux_capacitor": 88})
    assert str(found) == f"{kind.name} it: flux_capacitor (88); this release does not know the attribute"


@pytest.mark.parametrize("nothing", [None, "", [], {}], ids=repr)
def test_nothing_is_no_loss(nothing):
    assert attributes_of(attributes.PORT, {"qos_policy_id": nothing, "flux_capacitor": nothing}) == []


@pytest.mark.parametrize(
    ("kind", "name", "usual", "other"),
    [
        (attributes.PORT, "mac_learning_enabled", False, True),
        (attributes.SERVER, "status", "ACTIVE", "PAUSED"),
        (attributes.SERVER, "status", "SHUTOFF", "RESCUE"),
        (attributes.FLAVOR, "ephemeral", 0, 20),
        (attributes.NETWORK, "qinq", False, True),
        (attributes.ROUTER, "enable_ndp_proxy", False, True),
    ],
    ids=lambda value: getattr(value, "name", repr(value)),
)
def test_a_usual_value_is_no_loss(kind, name, usual, other):
    assert attributes_of(kind, {name: usual}) == []
    assert attributes_of(kind, {name: other}) == [name]


def test_marks_of_an_earlier_restore_are_no_loss():
    rule = {"remark": MARK, "tags": ["osdr_application=shop", "osdr_checkpoint=noon"]}
    assert attributes_of(attributes.RULE, rule) == []
    assert [one.value for one in missing_of(attributes.RULE, "it", {"remark": f"the front {MARK}", "tags": ["gold", "osdr_checkpoint=noon"]})] == [
        "the front",
        '["gold"]',
    ]


def test_long_values_are_cut():
    (found,) = missing_of(attributes.PORT, "it", {"device_profile": {"x": "y" * 1000}})
    assert len(found.value) == 60
    assert found.value.endswith("…")


def test_a_warning_names_everything():
    router = {"flavor_id": "fast", "flux": 1}
    assert warning(missing_of(attributes.ROUTER, "r1", router)) == (
        "Will be missing at the remote site: router r1: flavor_id (fast). router r1: flux (1); this release does not know the attribute."
    )
    assert warning([]) is None


@pytest.mark.parametrize(
    ("kind", "answer"),
    [
        (attributes.NETWORK, {"project_default": False, "pvlan": False, "l2_adjacency": True, "vlan_transparent": None}),
        (attributes.SUBNET, {"leak_routes": False, "service_types": [], "router:external": False}),
        (attributes.ROUTER, {"ha": True, "distributed": True, "enable_snat": True, "evpn_vni": None, "external_gateways": [{"network_id": "x"}]}),
        (attributes.FLOATING_IP, {"qos_network_policy_id": "q1", "port_details": {"name": "x"}}),
        (attributes.PORT, {"pvlan_type": None, "pvlan_community": None, "propagate_uplink_status": True, "ip_allocation": "immediate"}),
    ],
    ids=lambda value: getattr(value, "name", ""),
)
def test_what_a_site_says_of_every_resource_is_no_loss(kind, answer):
    assert attributes_of(kind, answer) == []
