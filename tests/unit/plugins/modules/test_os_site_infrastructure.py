# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What applications stand on, from the primary site to a document, and from the document to the remote site: everything but the wire is real."""

from __future__ import annotations

import copy
from types import SimpleNamespace

import pytest
import yaml
from ansible_collections.osdr.openstack.plugins.module_utils.catalogue.catalogue import Catalogue
from ansible_collections.osdr.openstack.plugins.module_utils.cloud.configured import ConfiguredProject
from ansible_collections.osdr.openstack.plugins.module_utils.core.errors import (
    CheckFailed,
    CloudError,
    InvalidInput,
    KeptInfrastructureInvalid,
    MappingInvalid,
    NoAnswer,
)
from ansible_collections.osdr.openstack.plugins.module_utils.infrastructure.captured import InfrastructureKeeper, KeptInfrastructure
from ansible_collections.osdr.openstack.plugins.module_utils.infrastructure.comparison import UNFINISHED
from ansible_collections.osdr.openstack.plugins.module_utils.infrastructure.remedies import MAKEABLE
from ansible_collections.osdr.openstack.plugins.modules import os_site_infrastructure, os_site_infrastructure_check, os_site_infrastructure_make
from ansible_collections.osdr.openstack.tests.unit.support.at_once import at_once
from ansible_collections.osdr.openstack.tests.unit.support.fakes import FakeStore
from ansible_collections.osdr.openstack.tests.unit.support.memory.asking import Caller
from ansible_collections.osdr.openstack.tests.unit.support.memory.grounds import OPERATOR, Grounds, site_plan

SHOP = {"name": "shop", "project": "shop", "tiers": [{"name": "front", "servers": ["shop-1"]}]}
LUKS = {"provider": "luks", "cipher": "aes-xts-plain64", "key_size": 256, "control_location": "front-end"}


class Play:
    """A provider, the document at its remote site, and the modules."""

    def __init__(self):
        self.grounds = Grounds("core", "shop")
        self.north, self.south = self.grounds.north, self.grounds.south
        self.store = FakeStore()
        self.plan = site_plan(SHOP)
        self.warnings = []
        self.shop = self.grounds.project("north", "shop")

    def _run(self, module, check_mode=False, **params):
        self.warnings.clear()
        values = {"plan": self.plan, "mapping": None, "mappings": {}, "concurrency": 1, **params}
        given = SimpleNamespace(params=values, check_mode=check_mode, warn=self.warnings.append)
        with at_once():
            return module.run(given, InfrastructureKeeper(self.store, Catalogue(self.store, "secret").seal), self.grounds.access())

    def capture(self, **params):
        return self._run(os_site_infrastructure, **params)

    def check(self, **params):
        return self._run(os_site_infrastructure_check, **params)["report"]

    def make(self, *kinds, **params):
        return self._run(os_site_infrastructure_make, kinds=list(kinds or MAKEABLE), **params)

    def found(self, kind, **params):
        """Name and state of what is not as at the primary site."""
        return {one["name"]: one["state"] for one in self.check(**params)["findings"] if one["kind"] == kind}

    def about(self, kind, name, **params):
        return next(one for one in self.check(**params)["findings"] if (one["kind"], one["name"]) == (kind, name))

    def have_remote_projects(self):
        for name in ("core", "shop"):
            self.south.keystone.have_project(name)

    def have_everything(self):
        """Have one of each kind at the primary site, all of which the application uses."""
        keystone = self.north.keystone
        ops, member = keystone.have("groups", "ops"), keystone.have("roles", "member", None)
        keystone.assign(("group", ops), ("project", self.shop), member)
        for site in (self.south,):
            site.keystone.have("groups", "ops")
            site.keystone.have("roles", "member", None)
        self.north.nova.flavor("big", 4, 4096, extra_specs={"hw:cpu_policy": "dedicated"}, is_public=False, access=[self.shop], description="for shops")
        self.north.cinder.types["fast"] = {"volume_backend_name": "ceph", "multiattach": "<is> True"}
        self.north.cinder.type_of("fast").update(is_public=False, access=[self.shop], encryption=dict(LUKS), description="quick")
        self.north.nova.limits.own[self.shop] = {"cores": 64}
        self.north.nova.limits.limit = {"cores": 20}
        self.south.nova.limits.limit = {"cores": 10}
        self.grounds.server("shop", "shop-1", "big")
        self.grounds.volume("shop", "data", "fast")


@pytest.fixture
def play():
    return Play()


# Capturing


def test_what_is_captured_is_kept_once(play):
    play.have_everything()
    predicted = play.capture(check_mode=True)
    assert (predicted["changed"], play.store.writes) == (True, 0)
    first, again = play.capture(), play.capture()
    assert (first["changed"], again["changed"], play.store.writes) == (True, False, 1)
    assert first["kept"] == again["kept"]
    assert first["kept"]["counts"]["flavors"] == 1 and first["kept"]["site"] == "north"
    assert first["diff"]["before"] == {} and first["diff"]["after"]["flavors"][0]["access"] == ["shop"]


def test_a_change_takes_its_place(play):
    play.have_everything()
    first = play.capture()
    play.north.nova.flavor("small", 1, 512)
    changed = play.capture()
    assert (changed["changed"], changed["diff"]["before"]) == (True, first["diff"]["after"])
    assert [one["name"] for one in changed["diff"]["after"]["flavors"]] == ["big", "small"]


def test_what_nobody_could_read_again_is_not_kept(play, monkeypatch):
    monkeypatch.setattr(KeptInfrastructure, "largest", 100)
    for check_mode in (True, False):
        with pytest.raises(InvalidInput, match="The infrastructure would take .* bytes in container .*; more than 0 MiB cannot be kept."):
            play.capture(check_mode=check_mode)
    assert play.store.writes == 0


def test_what_nobody_could_understand_is_not_kept(play, monkeypatch):
    monkeypatch.setattr(play.north.cinder.limits, "limit", {"volumes": -7})
    for check_mode in (True, False):
        with pytest.raises(InvalidInput, match="The infrastructure cannot be kept in container .*, because nobody could read it again: .* -7 "):
            play.capture(check_mode=check_mode)
    assert play.store.writes == 0


def test_the_longest_description_is_kept(play):
    play.north.keystone.details[play.shop]["description"] = "x" * 65_535
    play.capture()
    assert play.found("projects") == {"core": "missing", "shop": "missing"}


def test_pools_of_no_addresses_are_no_answer(play):
    play.grounds.outside(play.north, "public")
    (subnet,) = play.north.neutron.by_id["subnets"].values()
    subnet["allocation_pools"] = [{"start": "nowhere", "end": "203.0.113.9"}]
    with pytest.raises(CloudError, match="could not list external networks: its answer makes no sense"):
        play.capture()


def test_nobody_who_is_no_administrator_captures(play):
    del play.plan["sites"]["primary"]["admin_cloud"]
    with pytest.raises(InvalidInput, match="names no administrator of site 'north'"):
        play.capture()
    play.plan["sites"]["primary"]["admin_cloud"] = "north-shop"
    with pytest.raises(CloudError, match="could not list projects"):
        play.capture()


def test_a_project_that_the_site_does_not_have_is_no_plan_for_it(play):
    play.grounds.configured["north-core"] = ConfiguredProject(name="kore")
    del play.north.keystone.projects[play.grounds.project("north", "core")]
    with pytest.raises(InvalidInput, match="does not find project 'core' there"):
        play.capture()


def test_what_may_be_seen_later_is_not_kept_as_unseen(play):
    play.capture()
    play.grounds.silence("north-shop")
    with pytest.raises(NoAnswer):
        play.capture()


def test_a_service_that_a_site_does_not_have_is_told_and_not_compared(play):
    play.north.absent = {"block-storage"}
    play.capture()
    assert any("Site 'north-admin' has no service block-storage." in warning for warning in play.warnings)
    play.have_remote_projects()
    report = play.check()
    assert any("has no service block-storage" in one for one in report["unseen"])
    assert report["complete"]


def test_what_the_primary_site_hid_may_be_needed(play):
    play.have_remote_projects()
    play.north.nova.hides = {"os-aggregates"}
    play.capture()
    report = play.check()
    assert report["unseen"] == [
        "The host aggregates cannot be seen. Site 'north-admin' could not list host aggregates: Policy doesn't allow os-aggregates. "
        "The credentials lack the permission for it."
    ]
    assert not report["complete"]
    assert "Not seen when it was captured at the primary site:\n  The host aggregates" in report["text"]


def test_lists_are_whole(play):
    for number in range(5):
        play.north.nova.flavor(f"f{number}", 1, 512)
        play.north.cinder.types[f"t{number}"] = {}
    play.north.nova.page = play.north.cinder.page = 2
    play.north.keystone.page = 1
    counts = play.capture()["kept"]["counts"]
    assert (counts["flavors"], counts["volume_types"], counts["projects"]) == (5, 6, 2)


def test_a_list_that_is_cut_short_is_no_list(play):
    play.north.keystone.list_limit = 1
    with pytest.raises(CloudError, match="lists only 1 of its projects. Have its operator raise list_limit"):
        play.capture()


def test_what_looks_like_a_secret_is_not_captured(play):
    play.north.nova.flavor("odd", 1, 512, extra_specs={"vendor:api_key": "hunter2", "hw:cpu_policy": "shared"})
    play.north.cinder.types["fast"] = {"vendor:password": "hunter2"}
    play.north.cinder.type_of("fast").update(qos={"consumer": "back-end", "specs": {"secret": "hunter2"}})
    play.north.nova.aggregates.append({"name": "a", "availability_zone": None, "metadata": {"token": "hunter2"}})
    play.capture()
    assert all(b"hunter2" not in content for content in play.store.content.values())
    assert "was not captured" in play.about("flavors", "odd")["by_hand"]
    play.south.nova.flavor("odd", 1, 512, extra_specs={"vendor:api_key": "another", "hw:cpu_policy": "shared"})
    assert play.found("flavors") == {}


def test_a_document_of_others_is_refused(play):
    play.capture()
    (name,) = play.store.content
    play.store.content[name] = play.store.content[name].replace(b"core", b"kore")
    with pytest.raises(KeptInfrastructureInvalid, match=f"Object '{name}' in container 'catalogue' of site 'remote': "):
        play.check()
    assert list(play.capture()["diff"]["before"]) == ["damaged"]
    assert play.check()["primary"] == "north"


def test_nothing_is_compared_with_nothing_or_with_another_site(play):
    with pytest.raises(InvalidInput, match="No infrastructure is kept in the catalogue."):
        play.check()
    play.capture()
    play.plan["sites"]["primary"]["name"] = "west"
    with pytest.raises(InvalidInput, match="is of site 'north', and the primary site of the plan is 'west'"):
        play.check()


def test_what_concerns_no_project_of_the_plan_any_more_is_not_compared(play):
    play.have_everything()
    member, ops = next(iter(play.north.keystone.by_id["roles"])), next(iter(play.north.keystone.by_id["groups"]))
    core = play.grounds.project("north", "core")
    play.north.keystone.assign(("group", ops), ("project", core), member)
    play.north.nova.flavor("own", 1, 1, is_public=False, access=[core])
    play.grounds.server("core", "other", "own")
    play.capture()
    play.plan = site_plan(SHOP, projects=("shop",))
    report = play.check()
    assert {one["project"] for one in report["needers"]} == {"shop"}
    assert "core" not in report["text"].replace("cores", "")
    play.have_remote_projects()
    play.make()
    assert play.check()["complete"]


def test_a_project_that_is_new_in_the_plan_is_not_taken_for_one_that_needs_nothing(play):
    new = play.plan
    play.plan = site_plan(SHOP, projects=("shop",))
    play.have_remote_projects()
    play.capture()
    assert play.check()["complete"]
    play.plan = new
    report = play.check()
    assert not report["complete"]
    assert "What project 'core' uses cannot be seen. The site plan did not have it when the infrastructure was captured." in report["text"]


# Comparing


def test_a_project_of_which_only_the_name_is_known_may_be_either_of_several(play):
    play.capture()
    play.have_remote_projects()
    play.south.keystone.domains["west"] = "West"
    play.south.keystone.have_project("store", domain_id="west")
    play.south.keystone.have_project("store")
    del play.south.keystone.projects[play.grounds.project("south", "shop")]
    play.grounds.configured["south-shop"] = ConfiguredProject(name="store")
    told = "Entry 'south-shop' of clouds.yaml names project 'store' without its domain, and there is one in each of these: 'Default', 'West'."
    with pytest.raises(InvalidInput, match=told):
        play.check()
    play.grounds.configured["south-shop"] = ConfiguredProject(name="store", domain="West")
    assert play.found("projects") == {}


def test_a_project_is_known_by_whoever_logs_in_where_clouds_yaml_does_not_name_it(play):
    """As application credentials do not."""
    play.have_remote_projects()
    play.grounds.configured |= {f"{site}-shop": ConfiguredProject() for site in ("north", "south")}
    play.capture()
    assert play.found("projects") == {}


def test_external_networks_of_one_name_cannot_be_told_apart(play):
    play.have_remote_projects()
    network = play.grounds.outside(play.north, "public")
    play.north.neutron.create("routers", {"name": "r", "external_gateway_info": {"network_id": network["id"]}}, Caller(play.shop))
    play.capture()
    play.grounds.outside(play.south, "public", "203.0.113.0/24")
    assert play.found("external_networks") == {}
    second = play.grounds.outside(play.south, "public", "198.51.100.0/24")
    assert "Rename the others" in play.about("external_networks", "public")["text"]
    assert not play.check()["complete"]
    # Whoever cannot use the other one means this one.
    for policy in play.south.neutron.by_id["rbac-policies"].values():
        if policy["object_id"] == second["id"]:
            policy["target_tenant"] = "somebody"
    assert play.found("external_networks") == {}


def test_a_project_that_may_answer_later_is_not_taken_for_missing(play):
    play.capture()
    play.have_remote_projects()
    play.grounds.silence("south-shop")
    with pytest.raises(NoAnswer):
        play.check()


def test_projects_need_the_external_networks_to_which_their_routers_lead(play):
    network = play.grounds.outside(play.north, "public")
    play.grounds.outside(play.north, "unused", "192.0.2.0/24")
    play.north.neutron.create("routers", {"name": "r", "external_gateway_info": {"network_id": network["id"]}}, Caller(play.shop))
    play.capture()
    found = {one["name"]: one["needed_by"] for one in play.check()["findings"] if one["kind"] == "external_networks"}
    assert found == {"public": [{"project": "shop", "application": None}], "unused": []}
    assert "  By hand: Create it for the wires and addresses of this site" in play.check()["text"]


def test_the_primary_site_may_be_gone(play):
    play.have_everything()
    play.capture()
    play.grounds.silence("north")
    play.grounds.asked.clear()
    report = play.check()
    assert not report["complete"]
    assert [cloud for cloud in play.grounds.asked if cloud.startswith("north")] == []


def test_what_is_missing_is_told_for_those_who_use_it(play):
    play.have_everything()
    play.capture()
    report = play.check()
    states = {(one["kind"], one["name"]): one["state"] for one in report["findings"]}
    assert states == {
        ("projects", "core"): "missing",
        ("projects", "shop"): "missing",
        ("roles", "shop / group / ops / Default / member"): "missing",
        ("flavors", "big"): "missing",
        ("flavor_access", "big / shop"): "missing",
        ("volume_types", "fast"): "missing",
        ("volume_type_access", "fast / shop"): "missing",
        ("quotas", "core / compute"): "missing",
        ("quotas", "shop / compute"): "missing",
    }
    assert play.about("flavors", "big")["needed_by"] == [{"project": "shop", "application": "shop"}]
    assert play.about("volume_types", "fast")["needed_by"] == [{"project": "shop", "application": None}]
    lacking = {(one["project"], one["application"]): one["lacks"] for one in report["needers"]}
    assert "Flavor 'big' is missing." in lacking["shop", "shop"]
    assert "Project 'core' is missing." in lacking["core", None]
    assert "Needed by application 'shop' in project 'shop'." in report["text"]


def test_what_nobody_uses_is_told_and_does_not_count(play):
    play.north.nova.flavor("spare", 1, 512)
    play.have_remote_projects()
    play.capture()
    report = play.check()
    assert report["complete"] and play.found("flavors") == {"spare": "missing"}
    assert "Used by nobody in the site plan at present:\n  Flavor 'spare' is missing." in report["text"]


def test_both_values_of_what_differs_are_told(play):
    play.have_everything()
    play.have_remote_projects()
    south = play.grounds.project("south", "shop")
    play.south.nova.flavor("big", 4, 2048, extra_specs={"hw:cpu_policy": "shared", "hw:mem": "x"}, is_public=False, access=[south])
    play.capture()
    found = play.about("flavors", "big")
    assert found["state"] == "different"
    assert found["differences"] == [
        {"attribute": "extra spec hw:cpu_policy", "primary": "dedicated", "remote": "shared"},
        {"attribute": "extra spec hw:mem", "primary": None, "remote": "x"},
        {"attribute": "ram", "primary": 4096, "remote": 2048},
    ]
    assert "ram is 4096 at the primary site and 2048 here" in found["text"]
    assert play.found("flavor_access") == {}


def test_a_disabled_flavor_is_of_no_use_there(play):
    """Servers that run may have one; no server is made of it."""
    play.north.nova.flavor("old", 1, 512, is_disabled=True)
    play.capture()
    play.make("flavors")
    assert play.found("flavors") == {}
    next(iter(play.south.nova.by_id["flavors"].values()))["is_disabled"] = True
    assert [one["attribute"] for one in play.about("flavors", "old")["differences"]] == ["disabled"]


@pytest.mark.parametrize(
    ("remote", "attribute"),
    [
        ({"encryption": {**LUKS, "key_size": 128}}, "encryption key_size"),
        ({"encryption": {}}, "encryption provider"),
        ({"is_public": True}, "public"),
        ({"qos": {"consumer": "front-end", "specs": {}}}, "QoS consumer"),
    ],
)
def test_attributes_of_volume_types_are_compared(play, remote, attribute):
    play.have_everything()
    play.have_remote_projects()
    play.south.cinder.types["fast"] = {"volume_backend_name": "other", "multiattach": "<is> True"}
    south = play.grounds.project("south", "shop")
    play.south.cinder.type_of("fast").update(is_public=False, access=[south], encryption=dict(LUKS))
    play.capture()
    # What Cinder calls a backend is a matter of each site.
    assert play.found("volume_types") == {}
    play.south.cinder.type_of("fast").update(copy.deepcopy(remote))
    assert attribute in [one["attribute"] for one in play.about("volume_types", "fast")["differences"]]


def test_a_quota_may_be_larger_there_and_an_endless_one_is_the_largest(play):
    play.have_remote_projects()
    play.north.nova.limits.limit = {"cores": 20, "ram": -1}
    play.south.nova.limits.limit = {"cores": 30, "ram": 51200}
    play.capture()
    assert play.about("quotas", "shop / compute")["differences"] == [{"attribute": "ram", "primary": -1, "remote": 51200}]


def test_pools_of_external_networks_may_be_larger_there(play):
    play.grounds.outside(play.north, "public", "203.0.113.0/24")
    wide = play.grounds.outside(play.south, "public", "198.51.100.0/23")
    play.capture()
    assert play.found("external_networks") == {}
    play.south.neutron.by_id["networks"].pop(wide["id"])
    play.grounds.outside(play.south, "public", "198.51.100.0/28")
    assert play.about("external_networks", "public")["differences"] == [{"attribute": "IPv4 addresses", "primary": 253, "remote": 13}]


def test_external_networks_must_have_ipv6_if_they_had_it(play):
    for site in (play.south, play.north):
        network = play.grounds.outside(site, "public")
    six = {"network_id": network["id"], "cidr": "2001:db8::/64", "ip_version": 6, "enable_dhcp": False, "name": "six", "project_id": network["project_id"]}
    play.north.neutron.create("subnets", six, OPERATOR)
    play.capture()
    assert play.about("external_networks", "public")["differences"] == [{"attribute": "IPv6", "primary": True, "remote": False}]


def test_zones_and_aggregates_are_compared_for_those_who_use_them(play):
    play.north.nova.zones = ["nova", "ssd-zone"]
    play.north.nova.aggregates.append({"name": "ssds", "availability_zone": "ssd-zone", "metadata": {"ssd": "true"}})
    play.north.nova.flavor("quick", 1, 512, extra_specs={"aggregate_instance_extra_specs:ssd": "true"})
    play.grounds.server("shop", "shop-1", "quick", availability_zone="ssd-zone")
    play.capture()
    zone = play.about("availability_zones", "compute / ssd-zone")
    assert (zone["state"], zone["needed_by"]) == ("missing", [{"project": "shop", "application": "shop"}])
    assert zone["by_hand"].startswith("Put hosts into a host aggregate with this zone")
    aggregate = play.about("host_aggregates", "ssds")
    assert (aggregate["state"], aggregate["needed_by"]) == ("missing", [{"project": "shop", "application": "shop"}])
    play.south.nova.aggregates.append({"name": "ssds", "availability_zone": "zone-b", "metadata": {"ssd": "true"}})
    mapping = {"schema_version": 1, "availability_zones": {"ssd-zone": "zone-b"}}
    play.south.nova.zones.append("zone-b")
    assert play.found("availability_zones", mapping=mapping) == play.found("host_aggregates", mapping=mapping) == {}


def test_roles_are_inherited_from_above(play):
    north, south = play.north.keystone, play.south.keystone
    play.have_remote_projects()
    group, role = north.have("groups", "ops"), north.have("roles", "member", None)
    north.assign(("group", group), ("domain", "default"), role, inherited=True)
    play.capture()
    assert set(play.found("roles")) == {"core / group / ops / Default / member", "shop / group / ops / Default / member"}
    group, role = south.have("groups", "ops"), south.have("roles", "member", None)
    south.assign(("group", group), ("project", play.grounds.project("south", "shop")), role)
    assert set(play.found("roles")) == {"core / group / ops / Default / member"}
    south.assign(("group", group), ("domain", "default"), role, inherited=True)
    assert play.found("roles") == {}


def test_roles_are_inherited_from_projects_above(play):
    keystone = play.north.keystone
    parent = keystone.have_project("division")
    keystone.details[play.shop]["parent_id"] = keystone.have_project("department", parent_id=parent)
    keystone.assign(("group", keystone.have("groups", "ops")), ("project", parent), keystone.have("roles", "member", None), inherited=True)
    keystone.assign(("group", keystone.have("groups", "own")), ("project", play.shop), keystone.have("roles", "reader", None), inherited=True)
    play.capture()
    assert set(play.found("roles")) == {"shop / group / ops / Default / member"}


def test_users_matter_if_the_plan_renames_them(play):
    keystone, role = play.north.keystone, play.north.keystone.have("roles", "member", None)
    for user in ("alice", "bob"):
        keystone.assign(("user", keystone.have("users", user)), ("project", play.shop), role)
    play.plan["users"] = {"alice": "alice-dr"}
    play.capture()
    assert set(play.found("roles")) == {"shop / user / alice-dr / Default / member"}


def test_a_mapped_name_only_has_to_exist(play):
    play.have_everything()
    play.have_remote_projects()
    play.capture()
    mapping = {"schema_version": 1, "flavors": {"big": "huge"}}
    assert play.found("flavors", mapping=mapping) == {"huge": "missing"}
    flavor = play.south.nova.flavor("huge", 1, 1)
    assert play.found("flavors", mapping=mapping) == play.found("flavor_access", mapping=mapping) == {}
    flavor["is_public"] = False
    assert play.found("flavor_access", mapping=mapping) == {"huge / shop": "missing"}


def test_applications_have_mappings_of_their_own(play):
    play.have_everything()
    play.grounds.server("core", "other", "big")
    play.capture()
    mappings = {"shop": {"schema_version": 1, "flavors": {"big": "huge"}}}
    found = {one["name"]: one["needed_by"] for one in play.check(mappings=mappings)["findings"] if one["kind"] == "flavors"}
    assert found == {"huge": [{"project": "shop", "application": "shop"}], "big": [{"project": "core", "application": None}]}


def test_a_mapping_that_cannot_be_used_is_refused(play):
    play.capture()
    with pytest.raises(MappingInvalid):
        play.check(mapping={"schema_version": 1, "flavours": {}})


@pytest.mark.parametrize("what", ["volumes", "gigabytes", "snapshots"])
def test_quotas_of_volume_types_have_their_names_there(play, what):
    play.have_remote_projects()
    for site in (play.north, play.south):
        site.cinder.limits._used |= {f"{what}_fast": lambda _project: 0, f"{what}_quick": lambda _project: 0}
    play.north.cinder.limits.limit = {f"{what}_fast": 9, f"{what}_quick": 0}
    play.south.cinder.limits.limit = {f"{what}_fast": 0, f"{what}_quick": 3}
    play.capture()
    found = play.about("quotas", "shop / volume", mapping={"schema_version": 1, "volume_types": {"fast": "quick"}})
    assert {"attribute": f"{what}_quick", "primary": 9, "remote": 3} in found["differences"]


def test_a_kind_that_the_remote_site_does_not_show_is_unknown(play):
    play.have_everything()
    play.capture()
    play.south.absent = {"compute"}
    found = play.about("flavors", "big")
    assert found["state"] == "unknown"
    assert "has no service compute" in found["text"]
    assert not play.check()["complete"]


def test_a_service_that_does_not_tell_its_quotas_hides_no_other_ones(play):
    play.have_everything()
    play.have_remote_projects()
    play.capture()
    play.south.absent = {"block-storage"}
    states = play.found("quotas")
    assert (states["shop / compute"], states["shop / volume"], states["core / volume"]) == ("missing", "unknown", "unknown")
    assert "has no service block-storage" in play.about("quotas", "shop / volume")["text"]
    # Nor does it tell its volume types, which is no matter here.
    assert "volume types" not in play.about("quotas", "shop / volume")["text"]


# Making


def test_all_that_can_be_made_is_made_and_nothing_is_missing_then(play):
    play.have_everything()
    play.capture()
    predicted = play.make(check_mode=True)
    assert play.south.writes == []
    made = play.make()
    assert made == predicted
    assert made["changed"] and made["by_hand"] == []
    assert [one["name"] for one in made["made"]][:2] == ["core", "shop"]
    assert made["diff"]["before"] == {} and made["diff"]["after"]["quotas"]["shop / compute"] == {"cores": 64}
    assert play.check()["findings"] == []
    assert play.warnings == []
    south = play.grounds.project("south", "shop")
    flavor = next(iter(play.south.nova.by_id["flavors"].values()))
    assert (flavor["description"], flavor["extra_specs"], flavor["access"]) == ("for shops", {"hw:cpu_policy": "dedicated"}, [south])
    assert play.south.cinder.type_of("fast") == {"description": "quick", "is_public": False, "access": [south], "encryption": LUKS, "qos": None}


def test_a_second_run_makes_nothing(play):
    play.have_everything()
    play.capture()
    play.make()
    writes = list(play.south.writes)
    again = play.make()
    assert (again["changed"], again["made"], play.south.writes) == (False, [], writes)


def test_keys_of_encrypted_volumes_are_told_of(play):
    play.have_everything()
    play.capture()
    play.make("flavors", "volume_types")
    assert ["the keys of volumes are not part of it" in warning for warning in play.warnings] == [True]


@pytest.mark.parametrize("kind", MAKEABLE)
def test_only_what_is_asked_for_is_made(play, kind):
    play.have_everything()
    play.capture()
    assert {one["kind"] for one in play.make(kind)["made"]} <= {kind}


def mapped(play, **b):
    """Have flavors and volume types of which two are one at the remote site."""
    play.have_remote_projects()
    for name, more in (("a", {}), ("b", b)):
        play.north.nova.flavor(name, 1, more.get("ram", 512), is_public=False, access=[play.shop], description=f"for {name}")
        play.north.cinder.types[f"type-{name}"] = {"k": more.get("k", "v")}
        play.north.cinder.type_of(f"type-{name}").update(is_public=False, access=[play.shop])
    play.capture()
    return {"schema_version": 1, "flavors": {"a": "one", "b": "one"}, "volume_types": {"type-a": "slow", "type-b": "slow"}}


ONCE = [("flavors", "one"), ("flavor_access", "one / shop"), ("volume_types", "slow"), ("volume_type_access", "slow / shop")]


def test_what_stands_for_several_is_made_once(play):
    mapping = mapped(play)
    assert play.make(mapping=mapping, check_mode=True)["made"] == [{"kind": kind, "name": name} for kind, name in ONCE]
    play.make(mapping=mapping)
    assert play.check(mapping=mapping)["findings"] == []
    assert [one["original_name"] for one in play.south.nova.by_id["flavors"].values()] == ["one"]


@pytest.mark.parametrize(("b", "made"), [({"ram": 1024}, ONCE[2:]), ({"k": "w"}, ONCE[:2])])
def test_nobody_guesses_which_of_several_that_differ_something_is_to_be_like(play, b, made):
    mapping = mapped(play, **b)
    done = play.make(mapping=mapping)
    assert done["made"] == [{"kind": kind, "name": name} for kind, name in made]
    assert "of the primary site, which are not alike. Create it as all of them can use it." in done["by_hand"][0]["by_hand"]


def test_what_has_a_namesake_is_made_like_that(play):
    mapped(play, ram=1024)
    play.make(mapping={"schema_version": 1, "flavors": {"a": "b"}})
    assert {one["original_name"]: one["ram"] for one in play.south.nova.by_id["flavors"].values()} == {"b": 1024}


def test_what_differs_is_never_changed(play):
    play.have_everything()
    keystone = play.south.keystone
    for name in ("core", "shop"):
        keystone.have_project(name, enabled=False)
    play.south.nova.flavor("big", 1, 1, extra_specs={"a": "b"})
    play.south.cinder.types["fast"] = {"a": "b"}
    play.south.cinder.type_of("fast").update(description="ours")
    play.south.nova.limits.own[play.grounds.project("south", "shop")] = {"ram": 5}
    play.capture()
    play.check()
    before = copy.deepcopy((play.south.nova.by_id["flavors"], play.south.cinder.types, play.south.cinder.more_of_types, keystone.details))
    quotas = copy.deepcopy(play.south.nova.limits.own[play.grounds.project("south", "shop")])
    made = play.make()
    assert {one["kind"] for one in made["made"]} == {"roles", "quotas"}
    assert (play.south.nova.by_id["flavors"], play.south.cinder.types, play.south.cinder.more_of_types, keystone.details) == before
    assert play.south.nova.limits.own[play.grounds.project("south", "shop")] == quotas
    assert {one["name"] for one in made["made"] if one["kind"] == "quotas"} == {"core / compute"}
    states = {(one["kind"], one["name"]): one["state"] for one in play.check()["findings"]}
    assert {states[one] for one in states} == {"different"}
    assert ("quotas", "shop / compute") in states


@pytest.mark.parametrize(
    ("prepare", "kind", "name", "told"),
    [
        (lambda play: play.south.keystone.by_id["groups"].clear(), "roles", "shop / group / ops / Default / member", "There is no group 'ops' in domain"),
        (lambda play: play.south.keystone.by_id["roles"].clear(), "roles", "shop / group / ops / Default / member", "There is no role 'member'."),
        (lambda play: play.south.cinder.backends.remove("ceph"), "volume_types", "fast", "There is no backend 'ceph'; there is none."),
        (lambda play: play.south.keystone.domains.update(default="Other"), "projects", "shop", "Create domain 'Default' first."),
        (
            lambda play: play.grounds.configured.update({"south-shop": ConfiguredProject(id="0815")}),
            *("projects", "shop", "names it by id 0815, which nobody can choose"),
        ),
        (
            lambda play: play.grounds.configured.update({"south-shop": ConfiguredProject()}),
            *("projects", "shop", "Create it, and correct the entry of clouds.yaml that the site plan has for it, which names none."),
        ),
        (lambda play: play.north.cinder.type_of("fast").update(qos={"consumer": "back-end", "specs": {}}), "volume_types", "fast", "with its QoS specs"),
    ],
)
def test_what_cannot_be_made_is_told_with_what_to_do(play, prepare, kind, name, told):
    play.have_everything()
    prepare(play)
    play.capture()
    by_hand = {(one["kind"], one["name"]): one["by_hand"] for one in play.make()["by_hand"]}
    assert told in by_hand[kind, name]


def test_what_needs_something_that_is_not_made_is_not_made(play):
    play.have_everything()
    play.capture()
    by_hand = {one["kind"]: one["by_hand"] for one in play.make("roles", "quotas", "flavor_access")["by_hand"]}
    assert by_hand["roles"] == by_hand["quotas"].replace("core", "shop") == "Project 'shop' is not there. Make it first."
    assert by_hand["flavor_access"] == "There is no flavor 'big'. It has to be there first."
    assert play.south.writes == []


def test_an_external_network_is_a_matter_of_people(play):
    play.grounds.outside(play.north, "public")
    play.capture()
    told = play.about("external_networks", "public")["by_hand"]
    assert "At the primary site it has 203.0.113.0/24, and its wiring is: network_type flat." in told


def test_a_project_is_let_use_an_external_network(play):
    play.have_remote_projects()
    for site in (play.north, play.south):
        network = play.grounds.outside(site, "public")
        for policy in site.neutron.by_id["rbac-policies"].values():
            policy["target_tenant"] = "somebody"
    network = play.north.neutron.by_id["networks"][next(iter(play.north.neutron.by_id["networks"]))]
    wanted = {"object_type": "network", "object_id": network["id"], "action": "access_as_external", "target_tenant": play.shop}
    play.north.neutron.create("rbac-policies", wanted, OPERATOR)
    play.capture()
    assert play.found("external_network_access") == {"public / shop": "missing"}
    assert [one["name"] for one in play.make()["made"]] == ["public / shop"]
    assert play.found("external_network_access") == {}


def test_a_site_without_access_policies_lets_everybody_use_its_external_networks(play):
    play.grounds.outside(play.north, "public")
    play.north.neutron.extensions -= {"rbac-policies"}
    assert play.capture()["diff"]["after"]["external_networks"][0]["for_all"]
    assert play.warnings == []


def test_projects_are_called_as_clouds_yaml_has_them(play):
    play.have_everything()
    play.capture()
    play.grounds.configured["south-shop"] = ConfiguredProject(name="shop-dr", domain="Default")
    play.make("projects")
    assert play.grounds.project("south", "shop-dr") and not play.grounds.project("south", "shop")
    assert play.found("projects") == {}


def test_limits_of_keystone_are_not_set_in_nova(play):
    play.have_everything()
    play.have_remote_projects()
    play.south.nova.limits.forgets = True
    play.capture()
    with pytest.raises(CheckFailed, match=r"took the compute quotas, and cores stayed as they were. If its limits are unified ones, create them in Keystone."):
        play.make("quotas")


def test_what_fails_keeps_nothing_else_from_being_made(play):
    play.have_everything()
    play.capture()

    play.south.keystone.refuses_grants = True
    with pytest.raises(CheckFailed, match=r"Not everything could be made at site 'south': 8 of 9 things were made. \(1\) Role 'member' of group 'ops'"):
        play.make()
    play.south.keystone.refuses_grants = False
    assert [one["kind"] for one in play.make()["made"]] == ["roles"]
    assert play.check()["complete"]


class Killed(Exception):
    pass


def begun(after):
    """A run that was killed after so many requests that may change something; None where it is done before."""
    play = Play()
    play.have_everything()
    play.capture()

    def kill():
        if len(play.south.writes) > after:
            raise Killed

    play.south.after_write = kill
    try:
        play.make()
    except Killed:
        play.south.after_write = lambda: None
        return play
    return None


def test_what_a_killed_run_has_begun_is_finished():
    """Whenever it is killed."""
    kills = 0
    while play := begun(kills):
        kills += 1
        play.make()
        assert play.check()["findings"] == []
        assert [one["description"] for one in play.south.nova.by_id["flavors"].values()] == ["for shops"]
        assert play.south.cinder.type_of("fast")["encryption"] == LUKS
        assert len(play.south.keystone.projects) == 3
    assert kills == 13


def test_what_is_not_finished_is_missing(play):
    play.have_everything()
    play.capture()
    play.south.nova.flavor("big", 4, 4096, description=UNFINISHED)
    assert play.found("flavors") == {"big": "missing"}
    play.make("flavors")
    assert len(play.south.nova.by_id["flavors"]) == 1
    assert play.found("flavors")["big"] == "different"


def test_nobody_has_to_be_let_use_what_will_be_for_all(play):
    play.have_everything()
    play.have_remote_projects()
    play.north.cinder.type_of("fast").update(is_public=True)
    play.capture()
    play.south.cinder.types["fast"] = {}
    play.south.cinder.type_of("fast").update(is_public=False, description=UNFINISHED)
    assert (play.found("volume_types"), play.found("volume_type_access")) == ({"fast": "missing"}, {})


def test_a_type_that_is_not_finished_is_nobodys(play):
    """A volume of it would not be encrypted."""
    play.have_everything()
    play.north.cinder.type_of("fast").update(is_public=True)
    play.capture()
    seen = []

    def note():
        one = play.south.cinder.type_of("fast")
        seen.append((one["is_public"], bool(one["encryption"])))

    play.south.after_write = note
    play.make("volume_types")
    assert seen == [(False, False), (False, True), (True, True)]


# What is documented


@pytest.mark.parametrize("module", [os_site_infrastructure, os_site_infrastructure_check, os_site_infrastructure_make])
def test_the_documentation_shows_what_is_returned(play, module):
    play.have_everything()
    play.grounds.outside(play.north, "public")
    results = {os_site_infrastructure: play.capture(), os_site_infrastructure_check: {"report": play.check()}}
    result = results.get(module) or play.make("projects", "roles")
    documented = yaml.safe_load(module.RETURN)
    assert set(result) - {"changed", "diff"} == set(documented)
    for name, shown in documented.items():
        assert shown_like(result[name], shown["sample"]), name


def shown_like(result, sample):
    if isinstance(sample, list):
        return not sample or not result or shown_like(result[0], sample[0])
    if isinstance(sample, dict) and all(key in result for key in sample):
        return all(shown_like(result[key], one) for key, one in sample.items())
    return not isinstance(sample, dict)
