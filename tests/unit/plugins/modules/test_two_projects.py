# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""No module touches what is another project's, even if it has the same names and marks, and the credentials could change it."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from ansible_collections.osdr.openstack.plugins.module_utils.core.marking import Mark
from ansible_collections.osdr.openstack.plugins.module_utils.failover.fence_mark import FenceMark
from ansible_collections.osdr.openstack.plugins.module_utils.manifest.manifest import Manifest
from ansible_collections.osdr.openstack.plugins.module_utils.restore.cleanup import Cleanup
from ansible_collections.osdr.openstack.plugins.module_utils.work.waiting import Waiter
from ansible_collections.osdr.openstack.plugins.modules import (
    os_application_fence,
    os_application_info,
    os_application_supersede,
    os_restore_check,
    os_restore_cleanup,
    os_restore_mapping_info,
    os_restore_networks,
    os_restore_servers,
    os_restore_volumes,
)
from ansible_collections.osdr.openstack.tests.unit.support import given, shop
from ansible_collections.osdr.openstack.tests.unit.support.fakes import FakeTime
from ansible_collections.osdr.openstack.tests.unit.support.tenants import OURS, THEIRS, Tenants, differences

OWNER = Mark("shop", "noon")
TEXT = OWNER.text()
SUBNET = {"cidr": "10.10.0.0/24", "ip_version": 4, "enable_dhcp": True, "gateway_ip": "10.10.0.1"}
CHECK = {"user_data_key": None, "admin_cloud": None, "remove_old": False, "keep_volumes": False, "command_checks": "refuse"}
QUIESCE = {"driver": "auto", "admin_cloud": None, "libvirt_uri": None}
DOCUMENT = shop.document()
DOCUMENT["application"]["tiers"][0]["checks"] = []
#: Every project has this group; here the application uses it.
_DEFAULT = {"name": "default", "description": "", "rules": [{**shop.RULE, "remote_group": "default"}], "is_stateful": True, "tags": []}
DOCUMENT["topology"]["security_groups"].append(_DEFAULT)
DOCUMENT["servers"][0]["ports"][0]["security_groups"] = ["shop", "default"]


@pytest.fixture(params=["member", "administrator"])
def tenants(request, requests_mock):
    """A cloud where another project has restored the same checkpoint of the same application, and changed it since."""
    found = Tenants(requests_mock, is_admin=request.param == "administrator")
    found.add("networks", "operator", name="public", **{"router:external": True})
    restored(found)
    found.add("security-groups", OURS, name="default")
    return found


def restored(found):
    network = found.add("networks", name="shop-net", description=TEXT)
    subnet = found.add("subnets", name="shop-subnet", description=TEXT, network_id=network["id"], **SUBNET)
    router = found.add("routers", name="shop-router", description=TEXT, external_gateway_info=None)
    found.interface(router, subnet)
    groups = [found.add("security-groups", name=name, description=TEXT) for name in ("shop", "default")]
    for group in groups:
        rule = {"direction": "ingress", "ethertype": "IPv4", "protocol": "tcp", "port_range_min": 22, "port_range_max": 22}
        found.add("security-group-rules", security_group_id=group["id"], **rule)
    for number, name in ((11, "orders-db"), (21, "shop-front")):
        mark = Mark("shop", "noon", shop.uuid(number))
        server = found.server(THEIRS, name, mark.metadata())
        port = found.add(
            "ports",
            name=f"{name}-0",
            description=mark.text(),
            network_id=network["id"],
            device_id=server["id"],
            mac_address=shop.MAC[name],
            fixed_ips=[{"subnet_id": subnet["id"], "ip_address": shop.ADDRESS[name]}],
            security_groups=[groups[0]["id"]],
        )
        found.add("floatingips", port_id=port["id"], description=mark.text(), floating_ip_address=f"10.88.2.{number}", floating_network_id="x")
    for number, name in ((1, "orders-db-boot"), (2, "orders-db-vdb"), (3, "shop-front-boot")):
        found.volume(THEIRS, name, Mark("shop", "noon", shop.uuid(number)).text())
    found.add("server_groups", name="shop-apart", policy="anti-affinity", members=[], rules={})
    found.key_pairs["shop", THEIRS] = f"ssh-ed25519 AAAA shop {TEXT}"


class Site:
    """The modules on such a cloud."""

    def __init__(self, tenants, monkeypatch):
        self.tenants, self.cloud = tenants, tenants.cloud()
        looking = (os_application_info, os_restore_check, os_restore_mapping_info)
        for module in (*looking, os_application_supersede, os_restore_networks, os_restore_servers, os_restore_volumes):
            monkeypatch.setattr(module, "connect", lambda _params: self.cloud)
        for module in (os_restore_check, os_restore_mapping_info, os_application_supersede, os_restore_networks, os_restore_servers, os_restore_volumes):
            monkeypatch.setattr(module, "published", given.manifest)
        for module in (os_application_supersede, os_restore_servers, os_restore_volumes, os_application_fence):
            monkeypatch.setattr(module, "Waiter", lambda timeout, interval: self.waiter)

    @property
    def waiter(self):
        return Waiter(60, 1, FakeTime().clock)

    @staticmethod
    def _params(**changes):
        values = {"manifest": DOCUMENT, "mapping": None, "drill": None, "servers": None, "others": [], "state": "present", "timeout": 60, "concurrency": 1}
        return {**shop.NOT_ENCRYPTED, "application": "shop", "checkpoint": "noon", **values, **changes}

    def networks(self, **changes):
        return os_restore_networks.run(self._params(**changes), False)

    def volumes(self, **changes):
        return os_restore_volumes.run(self._params(wait=True, **changes), False)

    def servers(self, **changes):
        own = {"user_data_key": None, "admin_cloud": None, "tiers": None, "volumes": "there", "command_checks": "refuse", "quiesce": QUIESCE}
        probe = {"agent": False, "console": None, "timeout": None}
        params = self._params(**{**own, "drill_probe": probe, **changes})
        return os_restore_servers.run(SimpleNamespace(params=params, warn=print, check_mode=False))

    def restore(self):
        self.networks()
        self.volumes()
        return self.servers()

    def cleanup(self, owner=OWNER):
        module = SimpleNamespace(check_mode=False, warn=print)
        return os_restore_cleanup.run(module, Cleanup(self.cloud, owner, self.waiter, 1))

    def fence(self, state="fenced"):
        compute, network = os_application_fence.Compute(self.cloud), os_application_fence.Networking(self.cloud)
        own = {"application": DOCUMENT["application"], "site": "remote", "runs_at": "primary", "checkpoint": "noon", "reason": ""}
        own |= {"catalogue_cloud": None, "start": True, "keep_going": False, "admin_cloud": None, "quiesce": QUIESCE}
        module = SimpleNamespace(params=self._params(**{**own, "state": state}), warn=print, check_mode=False)
        return os_application_fence.run(module, compute, compute, network)

    def supersede(self, document):
        module = SimpleNamespace(params=self._params(manifest=document, keep_volumes=False, admin_cloud=None), check_mode=False)
        return os_application_supersede.run(module, self.cloud)


@pytest.fixture
def site(tenants, monkeypatch):
    return Site(tenants, monkeypatch)


@pytest.fixture
def untouched(tenants):
    """What the other project has stays to the letter, whatever a test does."""
    before = tenants.of(THEIRS)
    yield
    assert differences(before, tenants.of(THEIRS)) == {}


def of_ours(tenants, kind):
    return sorted(one["name"] for one in tenants.of(OURS)[kind])


@pytest.mark.usefixtures("untouched")
def test_a_restore_makes_all_that_it_needs_in_its_own_project(site, tenants):
    result = site.restore()
    assert [one["status"] for one in result["servers"]] == ["ACTIVE", "ACTIVE"]
    assert {kind: of_ours(tenants, kind) for kind in ("networks", "subnets", "routers", "security-groups", "server_groups")} == {
        "networks": ["shop-net"],
        "subnets": ["shop-subnet"],
        "routers": ["shop-router"],
        "security-groups": ["default", "shop"],
        "server_groups": ["shop-apart"],
    }
    assert (len(tenants.of(OURS)["volumes"]), len(tenants.of(OURS)["floatingips"])) == (3, 2)
    assert tenants.of(OURS)["key_pairs"] == ["shop"]
    ports = [sorted(one["security_groups"]) for one in tenants.of(OURS)["ports"] if one["name"]]
    own = {one["id"] for one in tenants.of(OURS)["security-groups"]}
    assert {group for groups in ports for group in groups} == own


@pytest.mark.usefixtures("untouched")
def test_a_second_run_finds_its_own_and_changes_nothing(site, tenants):
    site.restore()
    tenants.writes.clear()
    assert [site.networks()["changed"], site.volumes()["changed"], site.servers()["changed"]] == [False] * 3
    assert tenants.writes == []


@pytest.mark.usefixtures("untouched")
def test_nothing_of_others_goes_with_what_was_restored(site, tenants):
    site.restore()
    site.cleanup()
    left = {kind: of_ours(tenants, kind) for kind in tenants.by_id if of_ours(tenants, kind)}
    # Server groups have no marks; the project's own default group has the rules of the application.
    assert left == {"security-groups": ["default"], "security-group-rules": [""], "server_groups": ["shop-apart"]}


@pytest.mark.usefixtures("untouched")
@pytest.mark.parametrize("owner", [OWNER, Mark("shop", "noon", drill="7")], ids=["restore", "drill"])
def test_where_nothing_was_restored_there_is_nothing_to_remove(site, tenants, owner):
    tenants.writes.clear()
    done = site.cleanup(owner)
    assert (done["removed"], done["left"], done["others"], tenants.writes) == ({}, [], [], [])


@pytest.mark.usefixtures("untouched")
def test_removing_servers_and_volumes_removes_only_its_own(site, tenants):
    site.restore()
    site.servers(state="absent")
    site.volumes(state="absent")
    assert (of_ours(tenants, "servers"), of_ours(tenants, "volumes"), of_ours(tenants, "floatingips")) == ([], [], [])


@pytest.mark.usefixtures("untouched")
def test_servers_of_others_are_neither_fenced_nor_released(site, tenants):
    site.restore()
    fenced = site.fence()["fence"]["servers"]
    assert [one["fenced"] for one in fenced] == [True, True]
    assert [one["status"] for one in site.fence("released")["fence"]["servers"]] == ["ACTIVE", "ACTIVE"]


@pytest.mark.usefixtures("untouched")
def test_what_others_left_behind_does_not_give_way(site, tenants):
    site.restore()
    mark = FenceMark("shop", "primary", "noon", "2026-01-01T12:30:00Z", "")
    for one in tenants.of(OURS)["servers"]:
        tenants.by_id["servers"][one["id"]].update(status="SHUTOFF", locked=True, metadata={**one["metadata"], **mark.metadata()})
    later = {**DOCUMENT, "checkpoint": {**DOCUMENT["checkpoint"], "id": "dusk", "created_at": "2026-01-01T18:00:00Z"}}
    gone = site.supersede(Manifest.parse(later).as_dict())["superseded"]
    assert sorted(one["server"] for one in gone) == ["orders-db", "shop-front"]
    assert of_ours(tenants, "servers") == []


@pytest.mark.usefixtures("untouched")
def test_a_port_of_others_at_an_old_server_is_not_removed(site, tenants):
    """An administrator can have given it to the server; it goes back to its owner when that goes."""
    mark = FenceMark("shop", "primary", "ten", "2026-01-01T11:00:00Z", "")
    old = tenants.server(OURS, "orders-db", mark.metadata(), status="SHUTOFF", locked=True)
    (network,) = tenants.of(THEIRS)["networks"]
    port = tenants.add("ports", network_id=network["id"], device_id=old["id"], mac_address="fa:16:3e:dd:00:01", fixed_ips=[])
    site.supersede(DOCUMENT)
    assert of_ours(tenants, "servers") == []
    # The fixture looks at what was there before.
    assert tenants.by_id["ports"].pop(port["id"])


def test_a_mapping_names_only_what_the_project_may_use(site, tenants):
    tenants.add("networks", name="their-net")
    tenants.add("routers", name="their-router", external_gateway_info=None)
    params = site._params()
    found = os_restore_mapping_info.look(site.cloud, params)
    names = {kind: found.names(kind) for kind in ("networks", "subnets", "routers", "external_networks", "security_groups", "server_groups", "key_pairs")}
    assert names == {
        "networks": [],
        "subnets": [],
        "routers": [],
        "external_networks": ["public"],
        "security_groups": ["default"],
        "server_groups": [],
        "key_pairs": [],
    }
    assert os_restore_mapping_info.run(params, lambda _cloud, _params: found)["undecided"] == []


def test_the_check_looks_at_nothing_of_others(site, tenants):
    module = SimpleNamespace(params=site._params(**CHECK), warn=print)
    found = os_restore_check.check(module)
    assert found["problems"] == []
    assert {kind: len(specs) for kind, specs in found["missing"].items()} == {
        "networks": 1, "subnets": 1, "routers": 1, "security_groups": 2, "address_groups": 0, "key_pairs": 1, "server_groups": 1
    }
    assert tenants.writes == []


def test_an_application_is_captured_without_anything_of_others(site):
    """Their network, router and groups have the same names, and an administrator sees them."""
    site.restore()
    params = {"application": DOCUMENT["application"], "user_data": "omit", "user_data_key": None, "admin_cloud": None, "concurrency": 1}
    params["volume_public_key"] = None
    params["draft"] = None
    described = os_application_info.run(SimpleNamespace(params=params, warn=lambda _warning: None, check_mode=False))["application_description"]
    assert described["topology"]["security_groups"] == sorted(DOCUMENT["topology"]["security_groups"], key=lambda group: group["name"])
    (router,) = described["topology"]["routers"]
    assert [{**router, "is_ha": None, "is_distributed": None}] == DOCUMENT["topology"]["routers"]
    assert [[port["fixed_ips"] for port in server["ports"]] for server in described["servers"]] == [
        [[{"subnet": "shop-subnet", "ip_address": shop.ADDRESS[name]}]] for name in ("orders-db", "shop-front")
    ]


# What others share


@pytest.mark.usefixtures("untouched")
def test_ones_own_is_meant_where_others_share_things_of_the_same_names(site, tenants):
    site.networks()
    tenants.is_shared = True
    site.volumes()
    site.servers()
    (network,) = tenants.of(OURS)["networks"]
    assert {one["network_id"] for one in tenants.of(OURS)["ports"]} == {network["id"]}
    assert site.networks()["changed"] is False
    site.cleanup()
    assert of_ours(tenants, "networks") == []


def test_what_others_share_is_not_removed_by_its_marks(site, tenants):
    """Nothing uses it, so that nothing but its project keeps it."""
    empty = tenants.add("networks", name="empty-net", description=TEXT)
    tenants.add("subnets", name="empty-subnet", description=TEXT, network_id=empty["id"], **SUBNET)
    tenants.add("networks", name="bare-net", description=TEXT)
    tenants.add("security-groups", name="unused", description=TEXT)
    before = tenants.of(THEIRS)
    tenants.is_shared = True
    done = site.cleanup()
    assert (done["removed"], done["left"], done["others"]) == ({}, [], [])
    assert differences(before, tenants.of(THEIRS)) == {}


@pytest.mark.usefixtures("untouched")
def test_what_is_shared_is_not_taken_for_the_applications_own(site, tenants):
    tenants.is_shared = True
    made = site.networks()["made"]
    assert (made["networks"], made["subnets"], made["routers"]) == (["shop-net"], ["shop-subnet"], ["shop-router"])
    assert [one["name"] for one in tenants.of(OURS)["networks"]] == ["shop-net"]
    assert site.networks()["changed"] is False


@pytest.mark.usefixtures("untouched")
def test_what_is_shared_is_used_where_a_mapping_says_so_and_not_changed(site, tenants):
    tenants.is_shared = True
    (theirs,) = tenants.of(THEIRS)["networks"]
    made = site.networks(mapping={"schema_version": 1, "networks": {"shop-net": theirs["id"]}})["made"]
    assert (made["networks"], made["subnets"], made["routers"], sorted(made["security_groups"])) == ([], [], [], ["default", "shop"])
    own = {one["id"]: one["name"] for one in tenants.of(OURS)["security-groups"]}
    assert sorted(own.values()) == ["default", "shop"]
    rules = [one for one in tenants.of(OURS)["security-group-rules"] if one["direction"] == "ingress"]
    assert {(own[one["security_group_id"]], own[one["remote_group_id"]]) for one in rules} == {("shop", "shop"), ("default", "default")}
