# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The adapter against HTTP answers as Nova gives them."""

from __future__ import annotations

import openstack
import pytest
from ansible_collections.osdr.openstack.plugins.module_utils.cloud import shape
from ansible_collections.osdr.openstack.plugins.module_utils.cloud.compute import Compute
from ansible_collections.osdr.openstack.plugins.module_utils.cloud.session import Cloud
from ansible_collections.osdr.openstack.plugins.module_utils.core.errors import CheckFailed, CloudError, NotFound
from ansible_collections.osdr.openstack.plugins.module_utils.core.records import Flavor, ServerGroup
from ansible_collections.osdr.openstack.tests.unit.support.fakes import server

NOVA = "http://nova.example/v2.1"
VERSION = {"id": "v2.1", "status": "CURRENT", "version": "2.100", "min_version": "2.1", "links": [{"rel": "self", "href": NOVA}]}


def address(mac, ip):
    return {"version": 4, "addr": ip, "OS-EXT-IPS:type": "fixed", "OS-EXT-IPS-MAC:mac_addr": mac}


def nova_server(**changes):
    return {
        "id": "s1",
        "name": "orders-db",
        "status": "ACTIVE",
        "tenant_id": "p1",
        "image": "",
        "flavor": {
            "vcpus": 1,
            "ram": 320,
            "disk": 1,
            "ephemeral": 0,
            "swap": 0,
            "original_name": "lab.db",
            "extra_specs": {},
        },
        "addresses": {
            "back": [address("fa:16:3e:00:00:02", "10.0.1.2"), address("fa:16:3e:00:00:02", "10.88.1.2")],
            "front": [address("fa:16:3e:00:00:01", "10.0.0.2")],
        },
        "key_name": "shop",
        "config_drive": "True",
        "description": None,
        "metadata": {"role": "db"},
        "tags": ["gold"],
        "OS-EXT-STS:task_state": None,
        "OS-EXT-AZ:availability_zone": "nova",
        "os-extended-volumes:volumes_attached": [{"id": "v1", "delete_on_termination": True}],
        **changes,
    }


@pytest.fixture
def compute(requests_mock):
    requests_mock.get(NOVA, json={"version": VERSION})
    requests_mock.get(f"{NOVA}/", json={"version": VERSION})
    connection = openstack.connect(auth_type="none", endpoint=NOVA, compute_endpoint_override=NOVA)
    cloud = Cloud(connection, "primary")
    cloud.__dict__["project_id"] = "p1"
    return Compute(cloud)


def listed(requests_mock, *servers):
    requests_mock.get(f"{NOVA}/servers/detail", json={"servers": list(servers)})


def test_a_server_is_read_completely(compute, requests_mock):
    listed(requests_mock, nova_server())
    server = compute.servers()[0]
    assert server.flavor == Flavor("lab.db", "lab.db", 1, 320, 1, 0, 0, {})
    assert not server.boots_from_image
    assert server.config_drive
    assert server.volumes == (("v1", True),)
    assert server.mac_addresses == ("fa:16:3e:00:00:02", "fa:16:3e:00:00:01")
    assert (server.description, server.fault, server.tags) == ("", "", ("gold",))


def test_one_server_that_makes_no_sense_hides_no_other(compute, requests_mock):
    """It counts as one of which Nova shows nothing: whether it is frozen, for example."""
    listed(requests_mock, nova_server(id="s0", name="odd", metadata=["osdr_freeze"]), nova_server())
    odd, sound = compute.servers()
    assert (odd.id, odd.name, odd.is_known, odd.flavor.vcpus, odd.metadata) == ("s0", "odd", False, 0, {})
    assert (sound.name, sound.is_known) == ("orders-db", True)
    assert shape.shaped(lambda: odd)() == odd
    listed(requests_mock, nova_server(id=5, metadata=["osdr_freeze"]), nova_server())
    with pytest.raises(CloudError, match="its answer makes no sense"):
        compute.servers()


def test_a_server_of_an_image_is_recognised(compute, requests_mock):
    listed(requests_mock, nova_server(image={"id": "i1", "links": []}))
    assert compute.servers()[0].boots_from_image


def test_a_failed_server_tells_its_fault(compute, requests_mock):
    fault = {"code": 500, "message": "No valid host was found.", "created": "2026-01-01T00:00:00Z"}
    listed(requests_mock, nova_server(status="ERROR", fault=fault, addresses={}))
    assert compute.servers()[0].fault == "No valid host was found."


def test_unknown_and_ambiguous_servers_are_all_named(compute, requests_mock):
    listed(requests_mock, nova_server(), nova_server(id="s2"), nova_server(id="s3", name="front"))
    with pytest.raises(CheckFailed) as raised:
        compute.resolve(["orders-db", "front", "nowhere"])
    first, second = raised.value.facts["problems"]
    assert first.startswith("2 servers are called 'orders-db' (s1, s2)")
    assert second.startswith("Server 'nowhere' does not exist")


def test_servers_are_looked_for_in_the_callers_project(compute, requests_mock):
    listed(requests_mock, nova_server())
    assert compute.resolve(["s1", "orders-db"]).keys() == {"s1", "orders-db"}
    assert "all_tenants" not in requests_mock.last_request.qs


def of_project(requests_mock, project_id, *servers):
    url = f"{NOVA}/servers/detail?all_tenants=True&project_id={project_id}"
    requests_mock.get(url, json={"servers": [nova_server(**one, tenant_id=project_id) for one in servers]})


def test_an_administrator_finds_servers_in_several_projects(compute, requests_mock):
    of_project(requests_mock, "p1", {})
    of_project(requests_mock, "p2", {"id": "s2", "name": "front"})
    found = compute.resolve(["orders-db", "front"], ["p1", "p2"])
    assert {name: (one.id, one.project_id) for name, one in found.items()} == {"orders-db": ("s1", "p1"), "front": ("s2", "p2")}


def test_a_name_may_be_ambiguous_only_over_projects(compute, requests_mock):
    of_project(requests_mock, "p1", {})
    of_project(requests_mock, "p2", {"id": "s2"})
    with pytest.raises(CheckFailed, match=r"2 servers are called 'orders-db' \(s1, s2\)"):
        compute.resolve(["orders-db"], ["p1", "p2"])
    assert compute.resolve(["orders-db"], ["p2"])["orders-db"].id == "s2"


def test_a_server_is_created_as_nova_wants_it(compute, requests_mock):
    posted = requests_mock.post(f"{NOVA}/servers", status_code=202, json={"server": {"id": "s9"}})
    disk = {"boot_index": 0, "uuid": "v1", "source_type": "volume", "destination_type": "volume"}
    wanted = {
        "name": "orders-db",
        "flavor_id": "f1",
        "networks": [{"port": "p1"}],
        "block_device_mapping": [disk],
        "config_drive": True,
        "metadata": {"osdr_application": "shop"},
        "tags": ["gold"],
    }
    assert compute.create_server(wanted).id == "s9"
    assert posted.last_request.json()["server"] == {
        "name": "orders-db",
        "flavorRef": "f1",
        "networks": [{"port": "p1"}],
        "block_device_mapping_v2": [disk],
        "config_drive": True,
        "metadata": {"osdr_application": "shop"},
        "tags": ["gold"],
    }


def test_deletion_with_the_server_is_set_per_volume(compute, requests_mock):
    put = requests_mock.put(f"{NOVA}/servers/s1/os-volume_attachments/v1", status_code=202)
    compute.set_delete_on_termination("s1", "v1", True)
    assert put.last_request.json() == {"volumeAttachment": {"volumeId": "v1", "delete_on_termination": True}}
    assert put.last_request.headers["OpenStack-API-Version"] == "compute 2.85"


def test_the_zone_is_that_which_was_asked_for(compute, requests_mock):
    listed(requests_mock, nova_server(), nova_server(id="s2", pinned_availability_zone="az1"))
    assert [one.pinned_zone for one in compute.servers()] == [None, "az1"]


@pytest.mark.parametrize(
    "told",
    [{"policies": ["anti-affinity"], "metadata": {}}, {"policy": "anti-affinity", "rules": {"max_server_per_host": 2}}],
    ids=["before 2.64", "since then"],
)
def test_server_groups_are_read(compute, requests_mock, told):
    pages = [[{"id": "g1", "name": "apart", "members": ["s1"], **told}], []]
    requests_mock.get(f"{NOVA}/os-server-groups", [{"json": {"server_groups": page}} for page in pages])
    per_host = told.get("rules", {}).get("max_server_per_host")
    assert compute.server_groups() == [ServerGroup("g1", "apart", "anti-affinity", per_host, frozenset({"s1"}))]


def test_a_server_group_is_a_hint_to_the_scheduler(compute, requests_mock):
    posted = requests_mock.post(f"{NOVA}/servers", status_code=202, json={"server": {"id": "s9"}})
    compute.create_server({"name": "orders-db", "availability_zone": "az1", "scheduler_hints": {"group": "g1"}})
    asked = posted.last_request.json()
    assert asked["server"]["availability_zone"] == "az1"
    assert asked["OS-SCH-HNT:scheduler_hints"] == {"group": "g1"}


@pytest.mark.parametrize(("version", "known"), [("2.100", (2, 100)), ("2.60", (2, 60)), ("", (2, 0))])
def test_the_newest_version_of_a_nova_is_asked_for(compute, requests_mock, version, known):
    for url in (NOVA, f"{NOVA}/"):
        requests_mock.get(url, json={"version": {**VERSION, "version": version}})
    assert compute.newest_version() == known


def test_tags_of_devices_are_read_by_volume_and_port(compute, requests_mock):
    volumes = [{"volumeId": "v1", "device": "/dev/vda", "tag": "root"}, {"volumeId": "v2", "device": "/dev/vdb", "tag": None}]
    disks = requests_mock.get(f"{NOVA}/servers/s1/os-volume_attachments", json={"volumeAttachments": volumes})
    ports = [{"port_id": "p1", "tag": "front"}, {"port_id": "p2"}]
    interfaces = requests_mock.get(f"{NOVA}/servers/s1/os-interface", json={"interfaceAttachments": ports})
    assert compute.device_tags(server("s1", id="s1", volumes=(("v1", False), ("v2", False)))) == {"v1": "root", "p1": "front"}
    versions = [one.last_request.headers["OpenStack-API-Version"] for one in (disks, interfaces)]
    assert versions == ["compute 2.89", "compute 2.70"]


@pytest.mark.parametrize(("newest", "is_asked"), [("2.97", True), ("2.96", False)])
def test_the_shares_of_a_server_are_asked_for_where_nova_knows_them(compute, requests_mock, newest, is_asked):
    for url in (NOVA, f"{NOVA}/"):
        requests_mock.get(url, json={"version": {**VERSION, "version": newest}})
    asked = requests_mock.get(f"{NOVA}/servers/s1/shares", json={"shares": [{"share_id": "sh1", "tag": "data"}]})
    assert compute.shares_of("s1") == ([{"share_id": "sh1", "tag": "data"}] if is_asked else [])
    assert not is_asked or asked.last_request.headers["OpenStack-API-Version"] == "compute 2.97"


def test_key_pairs_are_made_and_removed(compute, requests_mock):
    posted = requests_mock.post(f"{NOVA}/os-keypairs", status_code=201, json={"keypair": {"name": "shop"}})
    compute.create_key_pair("shop", "ssh-ed25519 AAAA osdr_drill=7")
    assert posted.last_request.json()["keypair"] == {"name": "shop", "public_key": "ssh-ed25519 AAAA osdr_drill=7"}
    # An older one refuses names like me@home.
    assert posted.last_request.headers["OpenStack-API-Version"] == "compute 2.92"
    deleted = requests_mock.delete(f"{NOVA}/os-keypairs/shop", status_code=202)
    compute.delete_key_pair("shop")
    assert deleted.called
    requests_mock.delete(f"{NOVA}/os-keypairs/shop", status_code=404)
    compute.delete_key_pair("shop")


def test_key_pairs_of_another_user_are_seen_by_administrators(compute, requests_mock):
    listed = requests_mock.get(f"{NOVA}/os-keypairs", json={"keypairs": [{"keypair": {"name": "shop", "public_key": "ssh-ed25519 AAAA"}}]})
    assert compute.key_pairs_of("u7") == {"shop": "ssh-ed25519 AAAA"}
    assert listed.request_history[0].qs["user_id"] == ["u7"]
    # An older one passes over whose they are.
    assert listed.request_history[0].headers["OpenStack-API-Version"] == "compute 2.10"
    requests_mock.get(f"{NOVA}/os-keypairs", status_code=403)
    assert compute.key_pairs_of("u7") == {}
    requests_mock.get(f"{NOVA}/os-keypairs", status_code=400)
    with pytest.raises(CloudError):
        compute.key_pairs_of("u7")


@pytest.mark.parametrize(("max_per_host", "rules"), [(None, {}), (2, {"rules": {"max_server_per_host": 2}})])
def test_server_groups_are_made_and_removed(compute, requests_mock, max_per_host, rules):
    posted = requests_mock.post(f"{NOVA}/os-server-groups", json={"server_group": {"id": "g1", "name": "apart"}})
    compute.create_server_group("apart", "anti-affinity", max_per_host)
    assert posted.last_request.json()["server_group"] == {"name": "apart", "policy": "anti-affinity", **rules}
    deleted = requests_mock.delete(f"{NOVA}/os-server-groups/g1", status_code=204)
    compute.delete_server_group("g1")
    assert deleted.called


def test_a_locked_server_tells_why(compute, requests_mock):
    listed(requests_mock, nova_server(locked=True, locked_reason="fenced"), nova_server(id="s2", locked=False, locked_reason=None))
    assert [(one.locked, one.locked_reason) for one in compute.servers()] == [(True, "fenced"), (False, "")]


def test_a_lock_has_a_reason_which_takes_a_late_version(compute, requests_mock):
    requests_mock.post(f"{NOVA}/servers/s1/action", status_code=202)
    compute.lock("s1", "fenced")
    assert requests_mock.last_request.json() == {"lock": {"locked_reason": "fenced"}}
    assert requests_mock.last_request.headers["OpenStack-API-Version"] == "compute 2.73"


def test_a_lock_without_a_reason_gives_none(compute, requests_mock):
    """Nova takes no empty one."""
    requests_mock.post(f"{NOVA}/servers/s1/action", status_code=202)
    compute.lock("s1", "")
    assert requests_mock.last_request.json() == {"lock": None}


@pytest.mark.parametrize(("action", "body"), [("stop", "os-stop"), ("start", "os-start"), ("unlock", "unlock")])
def test_servers_are_stopped_started_and_unlocked(compute, requests_mock, action, body):
    requests_mock.post(f"{NOVA}/servers/s1/action", status_code=202)
    getattr(compute, action)("s1")
    assert requests_mock.last_request.json() == {body: None}


def test_everything_that_nova_says_of_servers_is_asked_for(compute, requests_mock):
    more = {"servers_links": [{"rel": "next", "href": "elsewhere"}]}
    asked = requests_mock.get(f"{NOVA}/servers/detail", [{"json": {"servers": [{"id": "s1", "locked": True}], **more}}, {"json": {"servers": [{"id": "s2"}]}}])
    assert compute.server_answers() == [{"id": "s1", "locked": True}, {"id": "s2"}]
    assert [request.headers["OpenStack-API-Version"] for request in asked.request_history] == ["compute 2.100"] * 2
    assert asked.last_request.qs["marker"] == ["s1"]


def test_server_groups_are_listed_to_the_end_although_nova_links_to_no_next_page(compute, requests_mock):
    pages = [[{"id": "g1"}, {"id": "g2"}], [{"id": "g3"}], []]
    asked = requests_mock.get(f"{NOVA}/os-server-groups", [{"json": {"server_groups": page}} for page in pages])
    assert [one["id"] for one in compute.server_group_answers()] == ["g1", "g2", "g3"]
    assert [request.qs["offset"] for request in asked.request_history] == [["0"], ["2"], ["3"]]


@pytest.mark.parametrize("pin", [{"compute_api_version": "2.1"}, {"compute_default_microversion": "2.1"}], ids=lambda pin: next(iter(pin)))
def test_a_server_is_asked_for_with_what_it_takes_whatever_version_is_pinned(requests_mock, pin):
    for url in (NOVA, f"{NOVA}/", "http://nova.example/"):
        requests_mock.get(url, json={"version": VERSION})
    asked = requests_mock.get(f"{NOVA}/servers/s1", json={"server": nova_server()})
    connection = openstack.connect(auth_type="none", endpoint=NOVA, compute_endpoint_override=NOVA, **pin)
    assert connection.compute.default_microversion == "2.1"
    Compute(Cloud(connection, "primary")).server("s1")
    assert asked.last_request.headers["OpenStack-API-Version"] != "compute 2.1"


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param({"text": "<html>It works!</html>"}, id="a page"),
        pytest.param({"json": {}}, id="nothing"),
        pytest.param({"json": {"server": {}}}, id="an empty server"),
        pytest.param({"json": {"server": {"id": "s1", "status": None}}}, id="one without a status"),
        pytest.param({"json": {"server": [1, 2]}}, id="a list"),
        pytest.param({"json": [1, 2]}, id="nothing but a list"),
    ],
)
def test_what_is_no_server_is_taken_for_none(compute, requests_mock, answer):
    """The SDK makes a server without state and metadata of it, which would be neither paused nor marked."""
    requests_mock.get(f"{NOVA}/servers/s1", **answer)
    with pytest.raises(CloudError, match=r"Site 'primary' could not show server s1: ") as raised:
        compute.server("s1")
    assert raised.value.may_pass


def test_a_list_with_something_else_than_servers_is_none(compute, requests_mock):
    requests_mock.get(f"{NOVA}/servers/detail", json={"servers": [nova_server(), {"id": "s2"}]})
    with pytest.raises(CloudError, match="could not list servers: its answer makes no sense"):
        compute.servers()


def test_what_the_hypervisor_says_of_a_guest_is_known(compute, requests_mock):
    requests_mock.get(f"{NOVA}/servers/s1", json={"server": nova_server(**{"OS-EXT-STS:power_state": 3, "updated": "2026-11-22T12:00:00Z"})})
    shown = compute.server("s1")
    assert (shown.power_state, shown.updated_at) == (3, "2026-11-22T12:00:00Z")


@pytest.mark.parametrize(("status", "is_known"), [("ACTIVE", True), ("UNKNOWN", False)])
def test_of_a_cell_that_is_down_nothing_is_known(compute, requests_mock, status, is_known):
    shown = {"metadata": {}} if is_known else {}
    requests_mock.get(f"{NOVA}/servers/s1", json={"server": {"id": "s1", "status": status, "tenant_id": "p1", **shown}})
    assert compute.server("s1").is_known is is_known


@pytest.mark.parametrize(
    ("act", "body"),
    [
        pytest.param(lambda compute: compute.pause("s1"), {"pause": None}, id="pause"),
        pytest.param(lambda compute: compute.unpause("s1"), {"unpause": None}, id="unpause"),
        pytest.param(lambda compute: compute.quiesce_action("s1", "unquiesce", None, 7), {"unquiesce": None}, id="unquiesce"),
        pytest.param(lambda compute: compute.quiesce_action("s1", "quiesce", {"timeout": 9}, 7), {"quiesce": {"timeout": 9}}, id="quiesce"),
    ],
)
def test_what_freezes_and_thaws_says_so_to_the_right_server(compute, requests_mock, act, body):
    request = requests_mock.post(f"{NOVA}/servers/s1/action", status_code=202, json={"quiesce": {}})
    act(compute)
    assert [one.json() for one in request.request_history] == [body]


@pytest.mark.parametrize(("token", "header"), [("ours", "ours"), (None, None)])
def test_an_image_is_asked_for_once_and_by_the_holder_of_the_freeze(compute, requests_mock, token, header):
    request = requests_mock.post(f"{NOVA}/servers/s1/action", status_code=202, json={"image_id": "i1"})
    assert compute.create_image("s1", "root", {"osdr_root": "s1"}, token) == "i1"
    assert [one.json() for one in request.request_history] == [{"createImage": {"name": "root", "metadata": {"osdr_root": "s1"}}}]
    sent = request.last_request.headers
    assert (sent.get("X-OpenStack-Quiesce-Token"), sent["OpenStack-API-Version"]) == (header, "compute 2.45")


def test_what_was_done_with_a_server_is_listed_with_its_request(compute, requests_mock):
    actions = [{"action": "createImage", "start_time": "2026-11-22T12:00:01.000000", "request_id": "r"}]
    requests_mock.get(f"{NOVA}/servers/s1/os-instance-actions", json={"instanceActions": actions})
    assert compute.actions("s1") == [("createImage", "r")]


def test_the_image_that_a_server_boots_from_is_known(compute, requests_mock):
    requests_mock.get(f"{NOVA}/servers/s1", json={"server": nova_server(image={"id": "i1"})})
    assert compute.server("s1").image_id == "i1"
    requests_mock.get(f"{NOVA}/servers/s1", json={"server": nova_server()})
    assert compute.server("s1").image_id == ""


def test_the_quiesce_api_is_waited_for_as_long_as_it_may_take(compute, requests_mock):
    request = requests_mock.post(f"{NOVA}/servers/s1/action", json={"quiesce": {"intact": True}})
    assert compute.quiesce_action("s1", "unquiesce", None, 7) == {"intact": True}
    assert request.last_request.timeout == 7


def test_a_mark_is_put_and_taken_away_alone(compute, requests_mock):
    put = requests_mock.post(f"{NOVA}/servers/s1/metadata", json={"metadata": {"osdr_freeze": "x"}})
    taken = requests_mock.delete(f"{NOVA}/servers/s1/metadata/osdr_freeze", status_code=204)
    compute.set_metadata("s1", {"osdr_freeze": "x"})
    compute.delete_metadata("s1", "osdr_freeze")
    assert [one.json() for one in put.request_history] == [{"metadata": {"osdr_freeze": "x"}}]
    assert taken.called_once


@pytest.mark.parametrize(("headers", "request_id"), [({"x-openstack-request-id": "req-1"}, "req-1"), ({}, None)], ids=["Nova", "a proxy"])
def test_it_can_be_told_who_says_that_there_is_no_server(compute, requests_mock, headers, request_id):
    requests_mock.get(f"{NOVA}/servers/s1", status_code=404, headers=headers)
    with pytest.raises(NotFound) as raised:
        compute.server("s1")
    assert raised.value.facts.get("request_id") == request_id


def test_the_host_name_and_the_device_that_a_server_boots_from_are_read(compute, requests_mock):
    more = {"OS-EXT-SRV-ATTR:hostname": "db1", "OS-EXT-SRV-ATTR:root_device_name": "/dev/vda"}
    requests_mock.get(f"{NOVA}/servers/s1", json={"server": nova_server(**more)})
    found = compute.server("s1")
    assert (found.hostname, found.root_device) == ("db1", "/dev/vda")


@pytest.mark.parametrize(
    ("shown", "extra_specs"),
    [({}, None), ({"extra_specs": {}}, {}), ({"extra_specs": {"hw:cpu_policy": "dedicated"}}, {"hw:cpu_policy": "dedicated"})],
)
def test_extra_specs_that_nova_does_not_show_are_not_known(compute, requests_mock, shown, extra_specs):
    flavor = {"vcpus": 1, "ram": 320, "disk": 1, "ephemeral": 0, "swap": 0, "original_name": "lab.db", **shown}
    requests_mock.get(f"{NOVA}/servers/s1", json={"server": nova_server(flavor=flavor)})
    requests_mock.get(f"{NOVA}/flavors/detail", json={"flavors": [{"id": "f1", "name": "lab.db", "vcpus": 1, "ram": 320, **shown}]})
    assert compute.server("s1").flavor.extra_specs == extra_specs
    assert [one.extra_specs for one in compute.flavors()] == [extra_specs]


def test_a_disabled_flavor_is_none(compute, requests_mock):
    """Administrators see it, and nobody can make a server with it."""
    shown = [{"id": name, "name": name, "vcpus": 1, "ram": 1, "OS-FLV-DISABLED:disabled": name == "old"} for name in ("old", "new")]
    requests_mock.get(f"{NOVA}/flavors/detail", json={"flavors": shown})
    assert [one.name for one in compute.flavors()] == ["new"]
