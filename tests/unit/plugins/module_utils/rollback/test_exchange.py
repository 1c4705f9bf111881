# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What leaves and what comes: which servers, with which ports, and what keeps one from leaving."""

from __future__ import annotations

import dataclasses
from types import SimpleNamespace

import pytest
from ansible_collections.osdr.openstack.plugins.module_utils.core.errors import ResourceFailed
from ansible_collections.osdr.openstack.plugins.module_utils.core.marking import Mark
from ansible_collections.osdr.openstack.plugins.module_utils.core.records import Flavor
from ansible_collections.osdr.openstack.plugins.module_utils.restore.plan import RestorePlan
from ansible_collections.osdr.openstack.plugins.module_utils.restore.stock import Stock
from ansible_collections.osdr.openstack.plugins.module_utils.rollback import exchange
from ansible_collections.osdr.openstack.plugins.module_utils.rollback.exchange import Clouds, Exchanger
from ansible_collections.osdr.openstack.tests.unit.support import shop
from ansible_collections.osdr.openstack.tests.unit.support.fakes import server, volume

MANIFEST = shop.manifest()
OF_ROLL_BACK = Mark("shop", "noon", "x", apart="back")
DATABASE = MANIFEST.description.servers[0]
#: That of the database as its mark has it, which a site may write in other letters.
PORT = shop.port("own", mac_address=DATABASE.ports[0].mac_address.upper(), device_id="id-orders-db")


def old(one, *volumes, handed=()):
    """A server that leaves."""
    return SimpleNamespace(server=one, volumes=volumes, handed=handed)


def problems(*olds, site=None, **changes):
    found = site or shop.prepared_site(**changes)
    leaving = {one.server.name: one for one in olds}
    plan = SimpleNamespace(manifest=MANIFEST)
    return exchange.problems(SimpleNamespace(leaving=leaving, plan=plan), found)


# Whose a server is


@pytest.mark.parametrize(
    ("metadata", "is_marked"),
    [
        pytest.param(OF_ROLL_BACK.metadata(), True, id="its own"),
        pytest.param(Mark("shop", "noon", "x", apart="other").metadata(), False, id="of another roll-back"),
        pytest.param(Mark("shop", "noon", "x").metadata(), False, id="of a restore"),
        pytest.param({}, False, id="without marks"),
    ],
)
def test_servers_of_a_roll_back_are_known_by_its_marks(metadata, is_marked):
    site = shop.prepared_site(servers=(server("orders-db", metadata=metadata), server("other", metadata=OF_ROLL_BACK.metadata())))
    found = exchange.marked(site, OF_ROLL_BACK.owner, ["orders-db", "shop-front"])
    assert {*found} == ({"orders-db"} if is_marked else set())


@pytest.mark.parametrize(
    ("ports", "has_them"),
    [
        pytest.param((PORT,), True, id="it has it, known by its MAC address"),
        pytest.param((dataclasses.replace(PORT, id=DATABASE.ports[0].source_id, mac_address="fa:16:3e:00:00:01"),), True, id="it has it, known by its id"),
        pytest.param((dataclasses.replace(PORT, device_id="id-other"),), False, id="another server has it"),
        pytest.param((dataclasses.replace(PORT, network_id="elsewhere"),), False, id="one with the same MAC address is on another network"),
        pytest.param((), False, id="it is gone"),
    ],
)
def test_a_server_has_its_ports_as_long_as_all_are_on_it(ports, has_them):
    assert exchange.has_its_ports(shop.prepared_site(ports=ports), server("orders-db"), DATABASE) is has_them


def test_a_server_without_ports_has_all_of_them():
    assert exchange.has_its_ports(shop.prepared_site(), server("orders-db"), dataclasses.replace(DATABASE, ports=()))


@pytest.mark.parametrize(
    ("status", "metadata", "is_stopped"),
    [
        pytest.param("ERROR", OF_ROLL_BACK.metadata(), False, id="it could not be built"),
        pytest.param("BUILD", OF_ROLL_BACK.metadata(), False, id="it is still being built"),
        pytest.param("ACTIVE", OF_ROLL_BACK.metadata(), True, id="it was built"),
        pytest.param("ERROR", {}, True, id="it ran before, and may still"),
        pytest.param("ERROR", Mark("shop", "noon", "x").metadata(), True, id="it was restored before, and may still run"),
    ],
)
def test_what_was_never_built_is_not_stopped_before_it_leaves(status, metadata, is_stopped):
    one = server("orders-db", status=status, metadata=metadata)
    stopping = exchange._members(SimpleNamespace(leaving={"orders-db": old(one)}, plan=SimpleNamespace(manifest=MANIFEST)), "primary")
    assert list(stopping.servers) == (["orders-db"] if is_stopped else [])


def exchanged(leaving=(), **site):
    stock = Stock(shop.prepared_site(**site), parts={}, volume_types=("ceph",), quotas=dict.fromkeys(("volume", "compute", "network"), {}), zones=shop.ZONES)
    return exchange.plan_exchange(lambda there: RestorePlan.of(MANIFEST, there), stock, {one.name: one for one in leaving})


def test_of_the_ports_on_no_server_only_the_applications_wait_for_one():
    waiting = dataclasses.replace(PORT, device_id="")
    taken = shop.port("taken", mac_address=MANIFEST.description.servers[1].ports[0].mac_address, device_id="id-shop-front")
    found = exchanged(ports=(waiting, taken, shop.port("of-others")))
    assert [port.id for port, _description in found.free] == ["port-own"]


def test_a_server_leaves_with_its_own_volumes_and_ports():
    one = server("orders-db", volumes=(("volume-its", False),))
    found = exchanged([one], servers=(one,), volumes=(volume("its"), volume("of-others")), ports=(PORT, shop.port("of-others", device_id="id-other")))
    (old_one,) = found.leaving.values()
    assert ([volume.id for volume in old_one.volumes], [port.id for port, _description in old_one.handed]) == (["volume-its"], ["port-own"])


# What keeps one from leaving


def test_a_server_of_volumes_and_handed_ports_may_leave():
    own = old(server("orders-db"), volume("orders-db", attachments=(SimpleNamespace(server_id="id-orders-db"),)), handed=((PORT, ""),))
    assert problems(own, ports=(PORT, shop.port("others", device_id="id-other"))) == []


def test_volumes_that_only_leaving_servers_share_are_free_afterwards():
    both = (SimpleNamespace(server_id="id-orders-db"), SimpleNamespace(server_id="id-shop-front"))
    shared = volume("shared", attachments=both)
    olds = [old(server(name), shared) for name in ("orders-db", "shop-front")]
    assert problems(*olds) == []
    (found,) = problems(olds[0])
    assert "Volume shared (volume-shared) of server orders-db (id-orders-db) is also attached to server id-shop-front, which stays" in found


@pytest.mark.parametrize(
    ("changes", "lost"),
    [
        ({"boots_from_image": True}, ["The root disk"]),
        ({"flavor": Flavor("", "small", 1, 128, 1, 20, 0)}, ["The ephemeral disk (20 GiB)"]),
        ({"boots_from_image": True, "flavor": Flavor("", "small", 1, 128, 1, 20, 0)}, ["The root disk", "The ephemeral disk (20 GiB)"]),
        ({"flavor": Flavor("", "small", 1, 128, 1, 0, 512)}, []),
    ],
)
def test_data_that_would_be_deleted_with_its_server_is_told(changes, lost):
    found = problems(old(server("orders-db", **changes)))
    assert [one.partition(" of server orders-db")[0] for one in found] == lost


def test_a_port_that_is_not_handed_over_is_told():
    (found,) = problems(old(server("orders-db")), ports=(PORT,))
    assert found.startswith("Port port-own of server orders-db (id-orders-db) was attached after the roll-back began")


# Leaving


class Site:
    """What an exchange asks of a site, and what it did there."""

    def __init__(self, *flags):
        self.flags, self.done = flags, []

    def set_volume_metadata(self, volume_id, metadata):
        self.done.append(("kept", volume_id, metadata))

    def set_delete_on_termination(self, server_id, volume_id, goes_with_it):
        self.done.append(("flag", server_id, volume_id, goes_with_it))

    def server(self, server_id):
        return server("orders-db", volumes=self.flags)


def kept(site, *volumes):
    exchanger = Exchanger(Clouds("primary", site, site, site), None, None, 1, "back")
    exchanger._keep_volumes(old(server("orders-db", volumes=volumes), volume("root"), volume("data")))


def test_volumes_are_marked_as_kept_and_stay_when_their_server_goes():
    site = Site(("volume-root", False), ("volume-data", False))
    kept(site, ("volume-root", False), ("volume-data", True))
    assert site.done == [
        ("kept", "volume-root", {"osdr_kept": "back"}),
        ("kept", "volume-data", {"osdr_kept": "back"}),
        ("flag", "id-orders-db", "volume-data", False),
    ]


def test_a_server_with_which_volumes_would_still_go_is_not_deleted():
    with pytest.raises(ResourceFailed, match="Volume volume-root, volume-data would still be deleted with server orders-db") as raised:
        kept(Site(("volume-root", True), ("volume-data", True)), ("volume-root", True), ("volume-data", True))
    assert raised.value.facts == {"resource_type": "volume", "resource_id": "volume-root"}
    assert "re-run" in raised.value.hint


def test_who_cannot_build_what_comes_says_what_is_gone_by_then(monkeypatch):
    said = []
    restore = SimpleNamespace(refuse_problems=said.append, warnings=[], apply=list)
    monkeypatch.setattr(exchange, "ServerRestore", lambda *_parts: restore)
    site = Site()
    Exchanger(Clouds("primary", site, site, site), None, None, 1, "back").come(None, None)
    assert said == ["the servers that leave are removed already, and all their volumes are kept"]
