# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import dataclasses

import pytest
from ansible_collections.osdr.openstack.plugins.module_utils.core.errors import ResourceFailed
from ansible_collections.osdr.openstack.plugins.module_utils.core.records import FixedIp, FloatingIp, Quota
from ansible_collections.osdr.openstack.plugins.module_utils.failover.fence_mark import FenceMark
from ansible_collections.osdr.openstack.plugins.module_utils.failover.superseded import (
    OldServerRemover,
    in_the_way,
    plan_superseded,
    removal_problems,
    root_disk_problems,
    without,
)
from ansible_collections.osdr.openstack.plugins.module_utils.manifest.manifest import Manifest
from ansible_collections.osdr.openstack.plugins.module_utils.manifest.specs import AddressSpec
from ansible_collections.osdr.openstack.plugins.module_utils.restore.networks_of_others import problems_of_others
from ansible_collections.osdr.openstack.plugins.module_utils.restore.plan import RestorePlan
from ansible_collections.osdr.openstack.plugins.module_utils.restore.preflight import judge
from ansible_collections.osdr.openstack.plugins.module_utils.restore.stock import Stock
from ansible_collections.osdr.openstack.tests.unit.support import shop
from ansible_collections.osdr.openstack.tests.unit.support.fake_nova import FakeNova
from ansible_collections.osdr.openstack.tests.unit.support.fakes import attached, backup, server, volume

#: Taken at the site where the application runs; what is old was fenced two hours before.
MANIFEST = dataclasses.replace(shop.manifest(), checkpoint=dataclasses.replace(shop.manifest().checkpoint, site="remote"))
MARK = FenceMark("shop", "remote", "ten", "2026-01-01T10:00:00Z", "")
FLOATING = FloatingIp("fip", "10.88.1.5", "port-orders-db")


def old_server(name, **changes):
    values = {
        "status": "SHUTOFF",
        "locked": True,
        "locked_reason": MARK.lock_reason(True),
        "metadata": MARK.metadata(),
        "volumes": ((f"volume-{name}", False),),
        "flavor": shop.SMALL,
    }
    return server(name, **{**values, **changes})


def old_port(name, **changes):
    values = {"mac_address": shop.MAC[name], "fixed_ips": (FixedIp("sub", shop.ADDRESS[name]),), "device_id": f"id-{name}"}
    return shop.port(name, **{**values, **changes})


def home(port=None, floating=None, **changes):
    """The original site: both servers are there, with their ports and volumes."""
    values = {
        "name": "primary",
        "servers": (old_server("orders-db"), old_server("shop-front"), server("blog")),
        "ports": (shop.ROUTER_PORT, old_port("orders-db", **(port or {})), old_port("shop-front")),
        "floating_ips": (dataclasses.replace(FLOATING, **(floating or {})),),
        "volumes": (volume("orders-db"), volume("shop-front"), volume("blog")),
    }
    return shop.prepared_site(**{**values, **changes})


def superseded(site, manifest=MANIFEST):
    return plan_superseded(RestorePlan.of(manifest, site), manifest)


def judged(stock):
    return judge(RestorePlan.of(MANIFEST, stock.site), stock)


def problems(stock):
    return list(judged(stock).problems)


def planned(site):
    return {old.server.name: old for old in superseded(site)}


def stock(site, **quotas):
    values = {"volume": {}, "compute": {}, "network": {}, **quotas}
    known = {one: backup(one, id=one) for copy in MANIFEST.copies for one in copy.chain}
    return Stock(site, known, ("ceph",), values, shop.ZONES)


def test_ports_that_are_as_the_restore_would_make_them_are_handed_over_with_their_floating_addresses():
    old = planned(home())["orders-db"]
    ((port, description),) = old.handed
    assert (port.id, description) == ("port-orders-db", shop.mark(11).text())
    assert (old.removed, old.floating_ips) == ((), ())
    assert [one.id for one in old.volumes] == ["volume-orders-db"]


def test_the_order_in_which_neutron_lists_addresses_makes_no_port_another_one():
    (orders_db,) = [one for one in MANIFEST.description.servers if one.name == "orders-db"]
    addresses = (AddressSpec("shop-subnet", "10.10.0.9"), *orders_db.ports[0].fixed_ips)
    several = dataclasses.replace(orders_db, ports=(dataclasses.replace(orders_db.ports[0], fixed_ips=addresses),))
    description = dataclasses.replace(MANIFEST.description, servers=(several,))
    site = home({"fixed_ips": (FixedIp("sub", shop.ADDRESS["orders-db"]), FixedIp("sub", "10.10.0.9"))})
    (old,) = [one for one in superseded(site, dataclasses.replace(MANIFEST, description=description)) if one.server.name == "orders-db"]
    assert [port.id for port, _description in old.handed] == ["port-orders-db"]


@pytest.mark.parametrize(
    "change",
    [
        {"mac_address": "fa:16:3e:00:00:99"},
        {"fixed_ips": (FixedIp("sub", "10.10.0.99"),)},
        {"security_group_ids": ("sg0",)},
        {"port_security": False},
        {"allowed_address_pairs": ({"ip_address": "10.10.0.9"},)},
        {"network_id": "another"},
        {"is_up": False},
        {"vnic_type": "direct"},
    ],
)
@pytest.mark.parametrize(("description", "released"), [("", 0), (shop.mark(11).text(), 1)])
def test_other_ports_are_removed_and_what_a_restore_allocated_is_released(change, description, released):
    old = planned(home(change, {"description": description}))["orders-db"]
    assert ([port.id for port in old.removed], old.handed, len(old.floating_ips)) == (["port-orders-db"], (), released)


def test_only_what_is_the_applications_and_not_of_this_restore_is_old():
    servers = (
        old_server("orders-db"),
        server("earlier", metadata={"osdr_application": "shop", "osdr_checkpoint": "ten"}),
        server("restored", metadata=shop.mark(21).metadata()),
        old_server("blog", metadata={**MARK.metadata(), "osdr_application": "blog"}),
        server("drilled", metadata={**shop.mark(21).metadata(), "osdr_checkpoint": "ten", "osdr_drill": "7"}),
        server("shop-front"),
    )
    assert set(planned(home(servers=servers))) == {"orders-db", "earlier"}


def test_for_a_part_only_what_stands_in_its_way_is_old():
    earlier = server("earlier", metadata={"osdr_application": "shop", "osdr_checkpoint": "ten"})
    site = home(servers=(old_server("orders-db"), old_server("shop-front"), earlier))
    plan = RestorePlan.of(MANIFEST, site).narrowed(["orders-db"])
    assert [old.server.name for old in plan_superseded(plan, MANIFEST)] == ["orders-db", "earlier"]


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, None),
        ({"status": "ACTIVE"}, "is ACTIVE; stop and fence it"),
        ({"locked": False}, "is not fenced"),
        ({"metadata": {"osdr_application": "shop", "osdr_checkpoint": "ten"}}, "is not fenced"),
        ({"metadata": dataclasses.replace(MARK, site="third").metadata()}, "runs at 'third', but the checkpoint is of site 'remote'"),
        ({"metadata": dataclasses.replace(MARK, since="2026-01-01T12:00:00Z").metadata()}, "not before the checkpoint"),
        ({"metadata": dataclasses.replace(MARK, since="once").metadata()}, "fenced at once, not before"),
    ],
)
def test_only_what_is_fenced_and_superseded_may_go(changes, expected):
    olds = superseded(home(servers=(old_server("orders-db", **changes),)))
    found = removal_problems(MANIFEST, "primary", olds)
    assert [expected in one for one in found] == ([True] if expected else [])


def test_before_the_checkpoint_is_taken_its_time_is_not_looked_at():
    late = dataclasses.replace(MARK, since="2026-01-01T13:00:00Z").metadata()
    olds = superseded(home(servers=(old_server("orders-db", metadata=late),)))
    assert removal_problems(MANIFEST, "primary", olds, is_taken=False) == []


def test_what_is_in_the_way_is_told_exactly():
    first = in_the_way("primary", planned(home()).values())[0]
    assert "orders-db (id-orders-db) at site 'primary'" in first
    assert "1 port (10.10.0.11) and 1 volume; have it removed before the restore (remove_old: true)" in first


def test_a_root_disk_that_is_no_volume_cannot_stay_when_its_server_goes():
    olds = superseded(home(servers=(old_server("orders-db", boots_from_image=True), old_server("shop-front"))))
    (problem,) = root_disk_problems("primary", olds, True)
    assert problem.startswith("Server orders-db (id-orders-db) at site 'primary' boots from an image, so its root disk goes with it and cannot be kept")
    assert root_disk_problems("primary", olds, False) == []


def test_once_the_old_is_gone_nothing_is_in_the_way_and_the_quotas_are_free():
    compute = {"instances": Quota("instances", 3, 3), "cores": Quota("cores", 3, 3)}
    full = stock(home(), compute=compute, volume={"volumes": Quota("volumes", 4, 3)})
    assert any("in use by port port-orders-db" in one for one in problems(full))
    left = without(full, list(planned(home()).values()), keep_volumes=False)
    assert problems(left) == []
    assert [one.name for one in left.site.servers] == ["blog"]
    assert {need.resource: need.left for need in judged(left).needs} == {"volumes": 3, "instances": 2, "cores": 2}


def sharing(*others):
    """Both old servers have one more volume, and so have others."""
    volumes = {name: ((f"volume-{name}", False), ("volume-shared", False)) for name in ("orders-db", "shop-front")}
    shared = volume("shared", multiattach=True, attachments=attached("orders-db", "shop-front", *others))
    site = home()
    servers = tuple(dataclasses.replace(one, volumes=volumes.get(one.name, one.volumes)) for one in site.servers)
    return dataclasses.replace(site, servers=servers, volumes=(*site.volumes, shared))


@pytest.mark.parametrize(("others", "stays"), [((), False), (("blog",), True)], ids=["theirs alone", "somebody else's too"])
def test_a_volume_of_several_old_servers_frees_its_quota_once_and_only_if_it_goes(others, stays):
    site = sharing(*others)
    left = without(stock(site, volume={"volumes": Quota("volumes", 10, 4)}), list(planned(site).values()), keep_volumes=False)
    assert ("volume-shared" in {one.id for one in left.site.volumes}) is stays
    assert left.quotas["volume"]["volumes"].in_use == (2 if stays else 1)


def test_volumes_that_stay_are_counted_still():
    left = without(stock(home(), volume={"volumes": Quota("volumes", 4, 3)}), list(planned(home()).values()), keep_volumes=True)
    assert len(left.site.volumes) == 3
    assert "The quota 'volumes' at site 'primary' is too small" in problems(left)[0]


class Neutron:
    def __init__(self, calls):
        self.calls = calls

    def describe_port(self, port_id, description):
        self.calls.append(("describe", port_id))

    def delete_port(self, port_id):
        self.calls.append(("delete", port_id))

    def delete_floating_ip(self, floating_ip_id):
        self.calls.append(("delete", floating_ip_id))


def remove(site, keep_volumes=False, is_admin=True):
    nova = FakeNova(*site.servers, is_admin=is_admin)
    OldServerRemover(nova, Neutron(nova.calls), nova.waiter, 1, by_admin=is_admin, keep_volumes=keep_volumes).remove(superseded(site))
    return nova


def test_addresses_are_freed_before_the_servers_by_which_they_are_known_go():
    nova = remove(home({"mac_address": "fa:16:3e:00:00:99"}, {"description": shop.mark(11).text()}))
    assert nova.calls[:3] == [("delete", "fip"), ("delete", "port-orders-db"), ("describe", "port-shop-front")]
    assert nova.calls[3:] == [("flag", "orders-db"), ("delete", "orders-db"), ("flag", "shop-front"), ("delete", "shop-front")]
    assert [one.name for one in nova.servers()] == ["blog"]


def test_volumes_can_stay():
    assert not remove(home(), keep_volumes=True).names("flag")


def test_without_an_administrator_the_projects_own_lock_is_taken_away_first():
    free = home(servers=(old_server("orders-db", volumes=()),))
    assert [action for action, name in remove(free, is_admin=False).calls if name == "orders-db"] == ["unlock", "delete"]


def test_a_port_that_was_handed_over_by_an_earlier_run_is_handed_over_still():
    site = home({"description": shop.mark(11).text()})
    assert [port.id for port, _text in planned(site)["orders-db"].handed] == ["port-orders-db"]
    assert ("describe", "port-orders-db") not in remove(site).calls


def test_a_server_that_cannot_be_deleted_is_named():
    site = home(servers=(old_server("orders-db"),))
    nova = FakeNova(*site.servers, is_admin=True)
    nova.delete_server = lambda server_id: nova._act("delete", server_id, status="ERROR", fault="the host is gone")
    with pytest.raises(ResourceFailed, match="orders-db .* could not be deleted: the host is gone"):
        OldServerRemover(nova, Neutron([]), nova.waiter, 1, by_admin=True, keep_volumes=False).remove(superseded(site))


def test_on_a_network_of_others_a_member_gets_back_the_ports_that_the_application_left():
    """Nobody has to choose their addresses again."""
    theirs = dataclasses.replace(shop.NETWORK, project_id="theirs", is_shared=True)
    pairs = ({"ip_address": "10.10.0.100"},)
    left = home(port={"allowed_address_pairs": pairs}, networks=(shop.PUBLIC, theirs), may_choose=False)
    document = {**MANIFEST.as_dict()}
    next(one for one in document["servers"] if one["name"] == "orders-db")["ports"][0]["allowed_address_pairs"] = [dict(one) for one in pairs]
    manifest = shop.mapped(Manifest.parse(document))
    olds = superseded(left, manifest)
    assert {old.server.name: len(old.handed) for old in olds} == {"orders-db": 1, "shop-front": 1}
    plan = RestorePlan.of(manifest, without(stock(left), olds, False).site)
    assert list(problems_of_others(plan)) == []
    assert len(list(problems_of_others(RestorePlan.of(manifest, dataclasses.replace(left, ports=()))))) == 2
