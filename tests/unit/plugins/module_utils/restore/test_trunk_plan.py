# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import dataclasses

import pytest
from ansible_collections.osdr.openstack.plugins.module_utils.core.marking import Mark
from ansible_collections.osdr.openstack.plugins.module_utils.core.records import Trunk
from ansible_collections.osdr.openstack.plugins.module_utils.manifest.manifest import Manifest
from ansible_collections.osdr.openstack.plugins.module_utils.restore.plan import RestorePlan
from ansible_collections.osdr.openstack.tests.unit.support import shop
from ansible_collections.osdr.openstack.tests.unit.support.trunked import ASKED, MANIFEST, MARK, SUBPORTS, TAGS, document, site_with, trunk


def port_step(site, manifest=MANIFEST):
    server = next(one for one in RestorePlan.of(manifest, site).servers if one.spec.name == "orders-db")
    return server.ports[0]


def step(*trunks, there=(81, 82), manifest=MANIFEST):
    return port_step(site_with(*trunks, there=there), manifest).trunk


def test_a_trunk_is_asked_for_with_its_name_its_mark_and_its_ports():
    body = step().body("port-orders-db")
    assert body == {"name": "uplink", "port_id": "port-orders-db", "description": f"two networks {MARK.text()}", "sub_ports": ASKED}


def test_a_trunk_that_is_down_is_made_so():
    assert step(manifest=Manifest.parse(document(is_up=False))).body("parent")["admin_state_up"] is False


@pytest.mark.parametrize(("name", "drill", "called"), [("uplink", "7", "drill-7-uplink"), ("", None, ""), ("", "7", "")])
def test_a_trunk_is_called_as_other_things_are(name, drill, called):
    manifest = dataclasses.replace(Manifest.parse(document(name=name)), drill=drill)
    assert step(manifest=manifest).body("parent")["name"] == called


def test_ports_that_are_not_there_yet_are_left_out():
    assert step(there=(82,)).body("parent")["sub_ports"] == ASKED[1:]


@pytest.mark.parametrize(
    ("there", "missing", "lacks_tags"),
    [
        pytest.param(trunk(*SUBPORTS), [], False, id="complete"),
        pytest.param(trunk(SUBPORTS[1]), ASKED[:1], False, id="a port is missing"),
        pytest.param(trunk(), ASKED, False, id="all are"),
        pytest.param(trunk(*SUBPORTS, tags=TAGS[1:]), [], True, id="a tag is"),
        pytest.param(trunk(*SUBPORTS, tags=(), description=""), [], False, id="made by somebody else"),
        pytest.param(trunk(*SUBPORTS, tags=(), description=Mark("shop", "noon", shop.uuid(80), drill="7").text()), [], False, id="made by a drill"),
    ],
)
def test_what_a_trunk_lacks(there, missing, lacks_tags):
    found = step(Trunk("another", "", "another-port"), there)
    assert (found.current, list(found.missing_subports), found.lacks_tags) == (there, missing, lacks_tags)
    assert found.changes is bool(missing or lacks_tags)
    assert port_step(site_with(there)).changes is found.changes


def test_a_trunk_that_a_running_server_lacks_is_asked_for_again():
    """The site may have refused it when the server was built."""
    found = step()
    assert (found.current, found.changes, list(found.missing_subports)) == (None, True, ASKED)


def test_only_the_parent_has_the_trunk_and_only_where_a_site_knows_trunks():
    plan = RestorePlan.of(MANIFEST, site_with())
    assert [port.spec.source_id for port in plan.all_ports if port.trunk] == [shop.uuid(70)]
    assert port_step(site_with(extensions=shop.EXTENSIONS - {"trunk"})).trunk is None
