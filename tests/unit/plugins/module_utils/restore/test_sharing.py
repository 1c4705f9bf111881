# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Volumes that several servers have."""

from __future__ import annotations

import dataclasses

import pytest
from ansible_collections.osdr.openstack.plugins.module_utils.core.records import Attachment
from ansible_collections.osdr.openstack.plugins.module_utils.manifest.manifest import Manifest
from ansible_collections.osdr.openstack.plugins.module_utils.restore.needs import amounts_of
from ansible_collections.osdr.openstack.plugins.module_utils.restore.plan import RestorePlan
from ansible_collections.osdr.openstack.plugins.module_utils.restore.problems import server_problems
from ansible_collections.osdr.openstack.plugins.module_utils.restore.refusals import doubts_of_refusals, refusals
from ansible_collections.osdr.openstack.plugins.module_utils.restore.sharing import in_turn
from ansible_collections.osdr.openstack.plugins.module_utils.restore.stock import Stock
from ansible_collections.osdr.openstack.plugins.module_utils.restore.volume_plan import Action
from ansible_collections.osdr.openstack.tests.unit.support import shop

#: The second volume of the database.
SHARED = shop.uuid(2)
LABEL = "'shop-front-vdz' of servers 'shop-front' and 'orders-db'"


def sharing_document():
    """The front end has the database's second volume, too."""
    document = shop.document()
    front, database = document["servers"]
    front["volumes"].append({**database["volumes"][1], "device": "/dev/vdz", "delete_on_termination": True})
    return document


def manifest(**volume):
    document = sharing_document()
    for server in document["servers"]:
        for one in server["volumes"]:
            one.update(volume if one["source_id"] == SHARED else {})
    return Manifest.parse(document)


def shared_site(**changes):
    """The volumes are restored, and no server is built yet."""
    volumes = tuple(dataclasses.replace(one, **changes) if one.metadata["osdr_source"] == SHARED else one for one in shop.restored_volumes())
    return shop.prepared_site(volumes=volumes)


def stock_of(site, **types):
    no_quotas = {"volume": {}, "compute": {}, "network": {}}
    return Stock(site, {}, ("ceph", "other"), no_quotas, shop.ZONES, multiattach_types=types)


def plan_of(site=None, **volume):
    return RestorePlan.of(manifest(**volume), site or shop.empty_site())


def refused(plan, **types):
    return [one for one in refusals(plan, stock_of(plan.site, **types)) if "several servers" in one or "one server" in one]


def doubted(plan, **types):
    return [one for one in doubts_of_refusals(plan, stock_of(plan.site, **types), amounts_of(plan)) if "several servers" in one or "without a type" in one]


def test_it_is_restored_once_from_one_copy():
    plan = plan_of()
    assert [step.spec.source_id for step in plan.volumes].count(SHARED) == 1
    (step,) = [step for step in plan.volumes if step.is_shared]
    assert (step.label, step.servers) == (LABEL, ("shop-front", "orders-db"))
    assert amounts_of(plan)["volume"]["volumes"] == 3


@pytest.mark.parametrize("server", ["shop-front", "orders-db"])
def test_whichever_of_its_servers_is_restored_alone_gets_it(server):
    part = plan_of().narrowed([server])
    assert SHARED in {step.spec.source_id for step in part.volumes}


def test_a_type_whose_volumes_have_one_server_is_refused_before():
    (told,) = refused(plan_of(), ceph=False)
    assert told.startswith(f"Volume {LABEL} cannot be attached to all of them at site 'remote', because volumes of type 'ceph' can have one server only")
    assert "multiattach='<is> True'" in told
    assert refused(plan_of(), ceph=True) == refused(RestorePlan.of(shop.manifest(), shop.empty_site()), ceph=False) == []


@pytest.mark.parametrize(
    ("volume", "types", "is_told"),
    [
        pytest.param({}, {}, True, id="not shown"),
        pytest.param({}, {"ceph": True}, False, id="shown"),
        pytest.param({}, {"ceph": False}, False, id="refused"),
        pytest.param({"volume_type": "gone"}, {}, False, id="not there"),
        pytest.param({"volume_type": ""}, {"ceph": True}, True, id="no type"),
    ],
)
def test_a_site_that_does_not_show_what_its_types_are_for_leaves_a_doubt(volume, types, is_told):
    told = doubted(plan_of(**volume), **types)
    assert [one.startswith(f"Volume {LABEL} is to be attached to all of them at site 'remote'") for one in told] == [True] * is_told


@pytest.mark.parametrize("multiattach", [True, False])
def test_what_was_restored_with_another_type_before_cannot_be_attached_to_all(multiattach):
    plan = plan_of(shared_site(multiattach=multiattach))
    told = refused(plan, ceph=True)
    assert [one.startswith(f"Volume {LABEL} was restored at site 'remote' before (") for one in told] == [True] * (not multiattach)
    assert doubted(plan) == []


@pytest.mark.parametrize(("version", "is_refused"), [((2, 59), True), ((2, 60), False)])
def test_a_nova_that_is_too_old_is_refused(version, is_refused):
    told = refused(plan_of(shop.empty_site(nova=version)), ceph=True)
    assert ["does not take volumes of several servers (2.60): " + LABEL in one for one in told] == [True] * is_refused
    assert refused(RestorePlan.of(shop.manifest(), shop.empty_site(nova=(2, 1)))) == []


@pytest.mark.parametrize("multiattach", [True, False])
def test_the_second_server_may_get_what_the_first_one_has(multiattach):
    plan = plan_of(shared_site(multiattach=multiattach, status="in-use", attachments=(Attachment("first", "/dev/vdb"),)))
    told = [one for one in server_problems(plan.site, plan.servers) if "restore the volumes first" in one]
    assert len(told) == (0 if multiattach else 2)


# Whose turn it is


def steps(**actions):
    """Two servers that share a volume, and what is to be done about them."""
    found = {step.spec.name: step for step in plan_of().servers}
    return [dataclasses.replace(found[name.replace("_", "-")], action=action) for name, action in actions.items()]


def names(found):
    return [step.spec.name for step in found]


def test_of_servers_that_share_a_volume_one_is_built_after_the_other():
    database, front = steps(orders_db=Action.CREATE, shop_front=Action.REPLACE)
    assert names(in_turn([database, front], [])) == ["orders-db"]
    assert in_turn([front], [database]) == []
    assert names(in_turn([front], [])) == ["shop-front"]


def test_servers_that_share_nothing_are_built_at_once():
    alone = RestorePlan.of(shop.manifest(), shop.empty_site()).servers
    assert in_turn(alone, []) == list(alone)
    assert in_turn(alone[:1], alone[1:]) == list(alone[:1])


@pytest.mark.parametrize("action", [Action.WAIT, Action.KEEP])
def test_what_an_earlier_run_began_is_awaited_at_once(action):
    first, begun = steps(orders_db=Action.CREATE, shop_front=action)
    assert names(in_turn([first, begun], [])) == (["shop-front"] if action is Action.WAIT else ["orders-db", "shop-front"])
