# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import dataclasses

import pytest
from ansible_collections.osdr.openstack.plugins.module_utils.core.marking import Mark
from ansible_collections.osdr.openstack.plugins.module_utils.core.records import Attachment, FixedIp, Flavor, NamedFlavor
from ansible_collections.osdr.openstack.plugins.module_utils.manifest.manifest import Manifest
from ansible_collections.osdr.openstack.plugins.module_utils.manifest.specs import AddressSpec, FloatingSpec
from ansible_collections.osdr.openstack.plugins.module_utils.mapping.apply import apply
from ansible_collections.osdr.openstack.plugins.module_utils.mapping.mapping import SiteMapping
from ansible_collections.osdr.openstack.plugins.module_utils.restore.marks import MadeServers, made_volumes, owner_of
from ansible_collections.osdr.openstack.plugins.module_utils.restore.plan import RestorePlan
from ansible_collections.osdr.openstack.plugins.module_utils.restore.problems import server_problems
from ansible_collections.osdr.openstack.plugins.module_utils.restore.server_plan import choose_flavor
from ansible_collections.osdr.openstack.plugins.module_utils.restore.volume_plan import Action, plan_volumes
from ansible_collections.osdr.openstack.tests.unit.support import shop
from ansible_collections.osdr.openstack.tests.unit.support.fakes import server, volume

MANIFEST = shop.manifest()


def plan_servers(manifest, site):
    return list(RestorePlan.of(manifest, site).servers)


def volume_actions(volumes):
    return {step.name: step.action for step in plan_volumes(MANIFEST, volumes)}


def one_volume(status, **changes):
    """The volume of orders-db's boot disk as an earlier run left it."""
    values = {"description": shop.mark(1).text(), "metadata": shop.mark(1).metadata(), **changes}
    return volume("orders-db-boot", status=status, **values)


def test_volumes_that_are_not_there_are_created():
    assert volume_actions([]) == {
        "shop-front-boot": Action.CREATE,
        "orders-db-boot": Action.CREATE,
        "orders-db-vdb": Action.CREATE,
    }


@pytest.mark.parametrize(
    ("status", "action"),
    [
        ("available", Action.KEEP),
        ("reserved", Action.KEEP),
        ("attaching", Action.KEEP),
        ("in-use", Action.KEEP),
        ("detaching", Action.KEEP),
        ("creating", Action.WAIT),
        ("restoring-backup", Action.WAIT),
        ("error", Action.REPLACE),
        ("error_restoring", Action.REPLACE),
        ("error_deleting", Action.REPLACE),
        ("deleting", Action.CREATE),
    ],
)
def test_what_an_earlier_run_left_is_used_according_to_its_status(status, action):
    assert volume_actions([one_volume(status)])["orders-db-boot"] is action


@pytest.mark.parametrize(
    "description",
    [
        "",
        "osdr_application=other osdr_checkpoint=noon osdr_source=" + shop.uuid(1),
        "osdr_application=shop osdr_checkpoint=dawn osdr_source=" + shop.uuid(1),
    ],
)
def test_volumes_of_others_are_not_adopted(description):
    """A restored volume has the metadata of its source, so the metadata alone proves nothing."""
    assert volume_actions([one_volume("available", description=description)])["orders-db-boot"] is Action.CREATE


@pytest.mark.parametrize(("worse", "better"), [("error", "available"), ("error", "creating"), ("creating", "available")])
@pytest.mark.parametrize("swapped", [False, True])
def test_of_two_volumes_with_the_same_marks_the_useful_one_is_taken(worse, better, swapped):
    volumes = [one_volume(worse), dataclasses.replace(one_volume(better), id="good")]
    step = next(step for step in plan_volumes(MANIFEST, volumes[::-1] if swapped else volumes) if step.name == "orders-db-boot")
    assert step.current.id == "good"


def test_a_volume_carries_its_marks_twice_and_always_a_name():
    step = next(step for step in plan_volumes(MANIFEST, []) if step.spec.source_id == shop.uuid(2))
    assert step.body() == {
        "name": "orders-db-vdb",
        "description": f"{shop.mark(2).text()} osdr_content=none",
        "size": 1,
        "volume_type": "ceph",
        "availability_zone": "nova",
        "metadata": {"purpose": "shop", **shop.mark(2).metadata()},
    }


def complete(status, **changes):
    return dataclasses.replace(one_volume(status), **{"description": "", "metadata": {**shop.mark(1).metadata(), "osdr_volume": "v"}, "id": "v", **changes})


@pytest.mark.parametrize(("status", "changes"), [("available", False), ("in-use", False), ("creating", True), ("error", True)])
def test_what_is_not_ready_yet_is_still_to_be_changed(status, changes):
    """Whatever else about it is as it shall be."""
    step = next(s for s in plan_volumes(MANIFEST, [complete(status)]) if s.current)
    assert step.changes is changes


def test_a_volume_that_has_its_mark_as_its_description_is_still_to_be_completed():
    step = next(s for s in plan_volumes(MANIFEST, [one_volume("available")]) if s.current)
    assert step.changes


@pytest.mark.parametrize("changes", [{"description": "the orders"}, {"bootable": False}, {"image_metadata": {"hw_disk_bus": "ide"}}], ids=str)
def test_a_complete_volume_is_its_owners_to_change(changes):
    step = next(s for s in plan_volumes(MANIFEST, [complete("in-use", **changes)]) if s.current)
    assert not step.changes


@pytest.mark.parametrize("metadata", [{"osdr_volume": "v"}, {}], ids=["copied with the metadata", "without an id"])
def test_a_copy_that_somebody_made_of_a_restored_volume_is_not_taken_for_it(metadata):
    copied = complete("available", id="copied", metadata={**shop.mark(1).metadata(), **metadata})
    assert volume_actions([copied])["orders-db-boot"] is Action.CREATE
    assert made_volumes(owner_of(MANIFEST), [copied]) == []


def test_a_volume_in_the_making_is_known_by_its_description_whatever_metadata_came_with_its_copy():
    """The source may have been restored once, from another checkpoint."""
    older = Mark("shop", "dawn", shop.uuid(1))
    made = one_volume("available", metadata={**older.metadata(), "osdr_volume": "elsewhere"})
    assert volume_actions([made])["orders-db-boot"] is Action.KEEP


def test_no_description_of_a_manifest_is_taken_for_a_mark():
    (step, *_others) = plan_volumes(MANIFEST, [])
    told = dataclasses.replace(step.spec, description=f"the disk {Mark('other', 'noon').text()}")
    assert dataclasses.replace(step, spec=told).description == "the disk"


def test_what_the_manifest_leaves_open_is_not_asked_of_cinder():
    step = plan_volumes(MANIFEST, [])[0]
    open_step = dataclasses.replace(step, spec=dataclasses.replace(step.spec, volume_type="", availability_zone=None))
    assert not {"volume_type", "availability_zone"} & open_step.body().keys()


def test_only_what_was_restored_from_this_checkpoint_is_removed():
    other = volume("other", description=shop.mark(1).text().replace("noon", "dawn"))
    assert made_volumes(owner_of(MANIFEST), [one_volume("in-use"), other, volume("theirs")]) == [one_volume("in-use")]


def test_everything_is_made_on_a_prepared_site():
    steps = plan_servers(MANIFEST, shop.prepared_site())
    assert [(step.spec.name, step.action) for step in steps] == [
        ("orders-db", Action.CREATE),
        ("shop-front", Action.CREATE),
    ]
    assert not list(server_problems(shop.prepared_site(), steps))


def test_a_server_is_described_as_nova_wants_it():
    step = plan_servers(MANIFEST, shop.prepared_site())[0]
    assert step.body(["port-1"]) == {
        "name": "orders-db",
        "flavor_id": "f-db",
        "networks": [{"port": "port-1"}],
        "block_device_mapping": [
            {
                "boot_index": index,
                "uuid": f"volume-orders-db-{name}",
                "source_type": "volume",
                "destination_type": "volume",
                "delete_on_termination": False,
            }
            for index, name in ((0, "boot"), (-1, "vdb"))
        ],
        "config_drive": True,
        "metadata": {"role": "database", **shop.mark(11).metadata()},
        "key_name": "shop",
        "scheduler_hints": {"group": "group"},
    }


def test_a_server_has_what_the_source_has_beside_its_disks():
    document = shop.document()
    document["servers"][1].update(description="Takes orders", tags=["gold"], user_data="plain:IyE=", config_drive=False)
    body = plan_servers(Manifest.parse(document), shop.prepared_site())[0].body([])
    assert (body["description"], body["tags"], body["user_data"], body["config_drive"]) == ("Takes orders", ["gold"], "IyE=", False)


#: A server with all that needs a newer Nova than others.
NEW_THINGS = {"description": "Takes orders", "tags": ["gold"], "hostname": "db.example.org", "lock": "ask the DBA"}


def new_things(version, **changes):
    document = shop.document()
    database = document["servers"][1]
    database.update({**NEW_THINGS, **changes})
    database["ports"][0]["device_tag"] = "front"
    database["volumes"][1].update(device_tag="orders", delete_on_termination=True)
    return plan_servers(Manifest.parse(document), shop.prepared_site(nova=version))[0]


@pytest.mark.parametrize(
    ("version", "taken"),
    [
        ((2, 100), ["description", "device tags", "hostname", "tags"]),
        ((2, 94), ["description", "device tags", "hostname", "tags"]),
        ((2, 93), ["description", "device tags", "tags"]),
        ((2, 52), ["description", "device tags", "tags"]),
        ((2, 51), ["description", "device tags"]),
        ((2, 42), ["description", "device tags"]),
        ((2, 41), ["description"]),
        ((2, 19), ["description"]),
        ((2, 18), []),
    ],
    ids=str,
)
def test_a_nova_is_asked_for_nothing_that_it_is_too_old_for(version, taken):
    body = new_things(version).body(["port-1"])
    tags = [one.get("tag") for one in (*body["networks"], *body["block_device_mapping"])]
    assert tags == (["front", None, "orders"] if "device tags" in taken else [None] * 3)
    assert {"hostname", "tags", "description"} & body.keys() == {*taken} - {"device tags"}


@pytest.mark.parametrize(("version", "is_asked_for"), [((2, 90), True), ((2, 89), False)])
def test_a_host_name_without_a_domain_needs_a_less_new_nova(version, is_asked_for):
    assert ("hostname" in new_things(version, hostname="db1").body([])) is is_asked_for


@pytest.mark.parametrize(("version", "reason"), [((2, 73), "ask the DBA"), ((2, 72), "")])
def test_a_lock_has_its_reason_where_nova_takes_one(version, reason):
    assert new_things(version).lock_reason == reason


@pytest.mark.parametrize(("version", "wrong"), [((2, 85), {"volume-orders-db-vdb": True}), ((2, 84), {})])
def test_volumes_go_with_their_servers_where_nova_takes_it(version, wrong):
    step = new_things(version)
    built = server("orders-db", volumes=(("volume-orders-db-boot", False), ("volume-orders-db-vdb", False)))
    assert step.wrong_flags(built) == wrong


@pytest.mark.parametrize(
    ("version", "lost"),
    [
        ((2, 94), []),
        ((2, 93), ["host names with a domain (2.94)"]),
        ((2, 84), ["the deletion of volumes with their servers (2.85)", "host names with a domain (2.94)"]),
        ((2, 72), ["reasons of locks (2.73)", "the deletion of volumes with their servers (2.85)", "host names with a domain (2.94)"]),
    ],
    ids=str,
)
def test_what_a_nova_is_too_old_for_is_known(version, lost):
    assert [str(one) for one in new_things(version).lost] == lost
    assert [str(one) for one in new_things((2, 1)).lost][:3] == ["descriptions (2.19)", "tags of disks and interfaces (2.42)", "tags of servers (2.52)"]


def test_what_a_server_does_not_have_is_not_lost():
    site = shop.prepared_site(nova=(2, 1))
    assert [step.lost for step in plan_servers(MANIFEST, site)] == [[], []]


def restored_step(**changes):
    """What is to be done about orders-db once it has been restored."""
    return plan_servers(MANIFEST, shop.restored_site(**changes))[0]


def test_a_restored_server_changes_by_what_it_or_a_port_of_it_lacks():
    assert not restored_step().changes
    assert restored_step(floating_ips=()).changes
    assert restored_step(servers=tuple(dataclasses.replace(one, status="BUILD") for one in shop.restored_site().servers)).changes
    flagged = tuple(dataclasses.replace(one, volumes=tuple((volume_id, True) for volume_id, _flag in one.volumes)) for one in shop.restored_site().servers)
    assert restored_step(servers=flagged).changes


@pytest.mark.parametrize("wanted", [{"is_off": True}, {"lock": ""}], ids=["off", "locked"])
def test_a_restored_server_changes_when_only_its_state_is_not_as_its_owner_wants_it(wanted):
    step = restored_step()
    assert dataclasses.replace(step, spec=dataclasses.replace(step.spec, **wanted)).changes


def test_a_port_that_was_taken_from_a_restored_server_is_not_made_again():
    assert restored_step(ports=(shop.ROUTER_PORT,)).ports == ()


def test_a_server_that_failed_gets_the_ports_that_it_lacks():
    failed = tuple(dataclasses.replace(one, status="ERROR") for one in shop.restored_site().servers)
    (port,) = restored_step(servers=failed, ports=(shop.ROUTER_PORT,)).ports
    assert (port.current, port.changes) == (None, True)


def test_a_server_that_was_bound_to_a_zone_is_built_there():
    document = shop.document()
    document["servers"][1].update(availability_zone="az1", server_group=None)
    body = plan_servers(Manifest.parse(document), shop.prepared_site())[0].body([])
    assert body["availability_zone"] == "az1"
    assert "scheduler_hints" not in body


def test_a_server_group_that_is_not_there_is_named():
    site = shop.prepared_site(server_groups=())
    problems = list(server_problems(site, plan_servers(MANIFEST, site)))
    assert problems[0].startswith("Server 'orders-db' needs server group 'shop-apart', which is not there; create it first")


def test_a_key_pair_that_the_site_does_not_have_is_left_out():
    step = plan_servers(MANIFEST, shop.prepared_site(key_pairs={}))[0]
    assert "key_name" not in step.body([])


def test_a_server_without_ports_gets_no_network():
    assert plan_servers(MANIFEST, shop.prepared_site())[0].body([])["networks"] == "none"


def asked(step, site):
    """All that is asked of Neutron for a port."""
    return {**step.body(site), **step.wishes(site).body}


def test_a_port_has_the_addresses_of_the_source():
    site = shop.prepared_site()
    assert asked(plan_servers(MANIFEST, site)[0].ports[0], site) == {
        "name": "orders-db-0",
        "description": f"{shop.mark(11).text()} osdr_port=0",
        "network_id": "net",
        "mac_address": "fa:16:3e:00:00:11",
        "fixed_ips": [{"subnet_id": "sub", "ip_address": "10.10.0.11"}],
        "security_group_ids": ["sg"],
    }


NEW = apply(MANIFEST, SiteMapping.parse({"schema_version": 1, "addresses": {"policy": "new"}})).manifest


def test_neutron_chooses_what_a_mapping_leaves_to_it():
    site = shop.prepared_site()
    assert asked(plan_servers(NEW, site)[0].ports[0], site) == {
        "name": "orders-db-0",
        "description": f"{shop.mark(11).text()} osdr_port=0",
        "network_id": "net",
        "fixed_ips": [{"subnet_id": "sub"}],
        "security_group_ids": ["sg"],
    }


def test_a_port_whose_mac_address_was_chosen_is_known_again_by_its_position():
    text = shop.mark(11).text()
    ports = [shop.port(f"at-{position}", description=f"{text} osdr_port={position}", tags=tuple(shop.mark(11).tags())) for position in (1, 0)]
    site = shop.prepared_site(ports=tuple(ports))
    step = plan_servers(NEW, site)[0].ports[0]
    assert (step.current.id, step.lacks_tags) == ("port-at-0", False)
    for manifest in (NEW, MANIFEST):
        assert [one.id for one in MadeServers.of(owner_of(manifest), site).ports] == ["port-at-1", "port-at-0"]


def test_a_port_that_was_refused_its_mac_address_is_known_again_by_its_position():
    there = shop.port("other", description=f"{shop.mark(11).text()} osdr_port=0")
    same = shop.restored_port("orders-db", shop.mark(11))
    assert [plan_servers(MANIFEST, shop.prepared_site(ports=ports))[0].ports[0].current for ports in ((there,), (there, same))] == [there, same]


def test_a_port_of_another_server_at_the_same_position_is_not_taken():
    other = shop.port("front", description=f"{shop.mark(21).text()} osdr_port=0")
    assert plan_servers(NEW, shop.prepared_site(ports=(other,)))[0].ports[0].current is None


def test_a_port_with_a_moved_address_is_known_again_by_its_mac_address():
    sections = {"subnets": {"shop-subnet": {"name": "shop-subnet", "cidr": "10.20.0.0/24"}}, "addresses": {"policy": "remap"}}
    moved = apply(MANIFEST, SiteMapping.parse({"schema_version": 1, **sections})).manifest
    there = shop.restored_port("orders-db", shop.mark(11), fixed_ips=(FixedIp("sub", "10.20.0.11"),))
    site = shop.prepared_site(ports=(there,))
    assert plan_servers(moved, site)[0].ports[0].current == there
    assert asked(plan_servers(moved, shop.prepared_site())[0].ports[0], site)["fixed_ips"] == [{"subnet_id": "sub", "ip_address": "10.20.0.11"}]


def test_port_security_and_address_pairs_are_only_said_where_they_differ():
    site = shop.prepared_site()
    step = plan_servers(MANIFEST, site)[0].ports[0]
    spec = dataclasses.replace(step.spec, port_security=False, allowed_address_pairs=({"ip_address": "10.10.0.99"},))
    other = dataclasses.replace(step, spec=spec)
    body = {**other.body(site), **other.wishes(site).body}
    assert body["is_port_security_enabled"] is False
    assert body["allowed_address_pairs"] == [{"ip_address": "10.10.0.99"}]


@pytest.mark.parametrize(("held", "given"), [("plain:IyE=", {"user_data": "IyE="}), (None, {})])
def test_a_server_gets_the_user_data_that_the_checkpoint_has(held, given):
    step = plan_servers(MANIFEST, shop.prepared_site())[0]
    step = dataclasses.replace(step, spec=dataclasses.replace(step.spec, user_data=held))
    assert {key: value for key, value in step.body([]).items() if key == "user_data"} == given


def test_nothing_is_left_to_do_on_a_restored_site():
    site = shop.restored_site()
    steps = plan_servers(MANIFEST, site)
    assert not any(step.changes for step in steps)
    assert not list(server_problems(site, steps))


@pytest.mark.parametrize(
    ("wanted", "there", "behind"),
    [
        pytest.param(["10.10.0.11"], ["10.10.0.11"], "10.10.0.11", id="the only one"),
        pytest.param(["10.10.0.9", "10.10.0.11"], ["10.10.0.11", "10.10.0.9"], "10.10.0.9", id="the first one, however the site lists them"),
        pytest.param(["fd00::9", "10.10.0.9", "10.10.0.11"], ["10.10.0.11", "10.10.0.9", "fd00::9"], "10.10.0.9", id="the first of IPv4"),
        pytest.param(["", "10.10.0.11"], ["10.10.0.11", "10.10.0.7"], "10.10.0.7", id="where the site chooses, the one that it chose"),
        pytest.param(["", ""], ["10.10.0.8", "10.10.0.7"], "10.10.0.8", id="where the site chose all"),
        pytest.param(["fd00::9"], ["fd00::9"], None, id="no IPv4 at all: Neutron says so"),
        pytest.param(["10.10.0.9"], ["10.10.0.11"], "10.10.0.11", id="a port that got another address"),
        pytest.param(["10.10.0.9", "10.10.0.10"], ["10.10.0.10", "10.10.0.11"], "10.10.0.11", id="another one than that of a second"),
        pytest.param([], [], None, id="no address at all"),
    ],
)
def test_a_floating_address_leads_to_one_address_of_its_port(wanted, there, behind):
    step = plan_servers(MANIFEST, shop.prepared_site())[0].ports[0]
    spec = dataclasses.replace(step.spec, fixed_ips=tuple(AddressSpec("shop-subnet", one) for one in wanted))
    port = shop.port("a", fixed_ips=tuple(FixedIp("sub", one) for one in there))
    spec = dataclasses.replace(spec, floating_ips=(FloatingSpec("public"),))
    (floating,) = dataclasses.replace(step, spec=spec).at(shop.prepared_site(), port).floating
    body = floating.body(shop.prepared_site(), port)
    assert body == {
        "floating_network_id": "ext",
        "port_id": "port-a",
        "description": step.mark.text(),
        **({"fixed_ip_address": behind} if behind else {}),
    }


@pytest.mark.parametrize(("status", "action"), [("BUILD", Action.WAIT), ("ERROR", Action.REPLACE)])
def test_a_server_that_an_earlier_run_left_half_way_is_finished(status, action):
    unfinished = server("orders-db", status=status, metadata=shop.mark(11).metadata())
    step = plan_servers(MANIFEST, shop.restored_site(servers=(unfinished,)))[0]
    assert (step.action, step.changes) == (action, True)


def test_what_a_killed_run_had_not_tagged_or_connected_is_completed():
    port = shop.restored_port("orders-db", shop.mark(11), tags=())
    step = plan_servers(MANIFEST, shop.prepared_site(ports=(port,)))[0].ports[0]
    assert step.current == port
    assert (step.lacks_tags, step.lacks_floating_ip) == (True, True)


def test_a_stopped_server_is_reported_and_not_touched():
    stopped = server("orders-db", status="SHUTOFF", metadata=shop.mark(11).metadata())
    site = shop.restored_site(servers=(stopped,))
    problems = list(server_problems(site, plan_servers(MANIFEST, site)[:1]))
    assert problems == [
        "Server 'orders-db' was restored at site 'remote' before (id-orders-db) but is SHUTOFF now; start it, or remove "
        "what was restored (state: absent) and restore again."
    ]


def test_a_volume_goes_with_its_server_only_once_the_server_runs():
    step = plan_servers(MANIFEST, shop.restored_site())[0]
    spec = dataclasses.replace(step.spec.volumes[0], delete_on_termination=True)
    step = dataclasses.replace(step, spec=dataclasses.replace(step.spec, volumes=(spec, step.spec.volumes[1])))
    assert step.wrong_flags(step.current) == {"volume-orders-db-boot": True}
    assert all(not disk["delete_on_termination"] for disk in step.body([])["block_device_mapping"])


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"networks": (shop.PUBLIC,)}, "needs network 'shop-net', which is not there"),
        ({"subnets": ()}, "needs subnet 'shop-subnet' on network 'shop-net'"),
        ({"security_groups": ()}, "needs security group 'shop'"),
        ({"networks": (shop.NETWORK,)}, "needs the external network 'public'"),
        ({"flavors": (shop.SMALL,)}, "needs flavor 'lab.db' (1 VCPUs, 320 MiB of memory)"),
        ({"volumes": ()}, "Volume 'orders-db-boot' of server 'orders-db' is not there"),
        ({"volumes": shop.restored_volumes("creating")}, "of server 'orders-db' is creating; restore the volumes first"),
        (
            {"volumes": shop.restored_volumes("in-use", attachments=(Attachment("stranger", "/dev/vda"),))},
            "Volume 'orders-db-boot' of server 'orders-db' is in-use",
        ),
    ],
)
def test_what_is_missing_is_named(changes, expected):
    site = shop.prepared_site(**changes)
    assert any(expected in problem for problem in server_problems(site, plan_servers(MANIFEST, site)))


SAME_NAME = Flavor("1", "lab.db", 2, 640, 0, 0, 0)
TOO_SMALL = Flavor("2", "lab.db", 1, 128, 99, 0, 0)
LARGE = Flavor("3", "large", 8, 8192, 0, 0, 0)
FITTING = Flavor("4", "fitting", 1, 320, 0, 0, 0)


@pytest.mark.parametrize(
    ("flavors", "chosen"),
    [
        ([LARGE, SAME_NAME, FITTING], SAME_NAME),
        ([LARGE, TOO_SMALL, FITTING], FITTING),
        ([TOO_SMALL, LARGE], LARGE),
        ([TOO_SMALL], None),
    ],
    ids=["the same name", "the smallest that is large enough", "any that is", "none"],
)
def test_flavor(flavors, chosen):
    assert choose_flavor(shop.DB, flavors) == chosen


PINNED = {"hw:cpu_policy": "dedicated"}


@pytest.mark.parametrize(
    ("wanted", "there", "chosen"),
    [
        (PINNED, {"FITTING": PINNED}, "FITTING"),
        (PINNED, {"FITTING": {}, "LARGE": PINNED}, "LARGE"),
        (PINNED, {"FITTING": {}, "LARGE": {}}, None),
        ({}, {"FITTING": PINNED, "LARGE": {}}, "LARGE"),
        (PINNED, {"FITTING": None}, "FITTING"),
        (None, {"FITTING": PINNED}, "FITTING"),
        (PINNED, {"SAME_NAME": {}, "FITTING": PINNED}, "FITTING"),
        (PINNED, {"SAME_NAME": PINNED, "FITTING": PINNED}, "SAME_NAME"),
        (PINNED, {"SAME_NAME": {}}, None),
    ],
    ids=["the same", "a larger one with the same", "none", "none wanted", "not shown there", "not known", "whatever the name", "the same name", "no other"],
)
def test_another_flavor_must_say_the_same(wanted, there, chosen):
    known = {"FITTING": FITTING, "LARGE": LARGE, "SAME_NAME": SAME_NAME}
    flavors = {name: dataclasses.replace(known[name], extra_specs=specs) for name, specs in there.items()}
    found = choose_flavor(dataclasses.replace(shop.DB, extra_specs=wanted), flavors.values())
    assert found == flavors.get(chosen)


@pytest.mark.parametrize(
    ("flavors", "chosen"),
    [([LARGE, TOO_SMALL, FITTING], TOO_SMALL), ([LARGE, FITTING], None)],
    ids=["whatever its size", "no other"],
)
def test_a_flavor_that_a_mapping_names_is_just_that_one(flavors, chosen):
    assert choose_flavor(NamedFlavor(**dataclasses.asdict(shop.DB)), flavors) == chosen


def test_a_flavor_that_a_mapping_names_and_is_not_there_is_told():
    mapped = apply(MANIFEST, SiteMapping.parse({"schema_version": 1, "flavors": {"lab.db": "huge"}})).manifest
    site = shop.prepared_site()
    assert list(server_problems(site, plan_servers(mapped, site))) == [
        "The mapping names flavor 'huge' for server 'orders-db', but site 'remote' has none of that name; correct the mapping, "
        "or give the project access to it."
    ]


def test_everything_that_was_made_is_found_for_removal_and_nothing_else():
    site = shop.restored_site()
    mine = MadeServers.of(owner_of(MANIFEST), dataclasses.replace(site, servers=(*site.servers, server("theirs"))))
    assert [one.name for one in mine.servers] == ["shop-front", "orders-db"]
    assert [one.id for one in mine.floating_ips] == ["fip-shop-front", "fip-orders-db"]
    assert [one.id for one in mine.ports] == ["port-shop-front", "port-orders-db"]
    assert not MadeServers.of(owner_of(MANIFEST), shop.prepared_site()).anything


def test_every_mark_is_read_once_however_much_there_is(monkeypatch):
    """A site may have as many ports and volumes as the application, and each would be compared with all."""
    read = []
    of_tags = Mark.of_tags
    monkeypatch.setattr(Mark, "of_tags", lambda tags: (read.append(1), of_tags(tags))[1])
    site = shop.restored_site()
    plan_servers(MANIFEST, site)
    assert len(read) <= sum(map(len, (site.ports, site.volumes, site.floating_ips, site.networks, site.subnets, site.routers, site.security_groups)))


# Drills


DRILL = dataclasses.replace(MANIFEST, drill="7")


def test_a_drill_and_a_real_restore_take_nothing_of_each_other():
    real = shop.restored_site()
    drilled = dataclasses.replace(
        real,
        servers=tuple(dataclasses.replace(one, metadata={**one.metadata, "osdr_drill": "7"}) for one in real.servers),
        volumes=tuple(map(shop.of_drill, real.volumes)),
        ports=tuple(dataclasses.replace(one, description=f"{one.description} osdr_drill=7") for one in real.ports),
        floating_ips=tuple(dataclasses.replace(one, description=f"{one.description} osdr_drill=7") for one in real.floating_ips),
    )
    other = dataclasses.replace(DRILL, drill="8")
    for mine, site in ((DRILL, drilled), (MANIFEST, real)):
        assert {step.action for step in plan_servers(mine, site)} == {Action.KEEP}
        assert {step.action for step in plan_volumes(mine, site.volumes)} == {Action.KEEP}
        assert MadeServers.of(owner_of(mine), site).anything
    for stranger, site in ((DRILL, real), (MANIFEST, drilled), (other, drilled)):
        assert {step.action for step in plan_servers(stranger, site)} == {Action.CREATE}
        assert {step.action for step in plan_volumes(stranger, site.volumes)} == {Action.CREATE}
        assert not any(port.current for step in plan_servers(stranger, site) for port in step.ports)
        assert not MadeServers.of(owner_of(stranger), site).anything
        assert made_volumes(owner_of(stranger), site.volumes) == []


def test_what_a_drill_makes_is_called_after_it():
    steps = plan_servers(DRILL, shop.prepared_site())
    assert [step.name for step in steps] == ["drill-7-orders-db", "drill-7-shop-front"]
    assert [port.name for step in steps for port in step.ports] == ["drill-7-orders-db-0", "drill-7-shop-front-0"]
    volumes = plan_volumes(DRILL, ())
    assert [step.name for step in volumes] == ["drill-7-shop-front-boot", "drill-7-orders-db-boot", "drill-7-orders-db-vdb"]
    assert " osdr_drill=7" in volumes[0].body()["description"]


@pytest.mark.parametrize(
    ("name", "hostname"),
    [("orders-db", "orders-db"), ("Orders_DB.example org", "orders-db-example-org"), ("-\u00fc-db", "db"), ("x" * 70, "x" * 63)],
)
def test_inside_a_server_of_a_drill_is_called_as_at_the_source(name, hostname):
    site = shop.prepared_site(volumes=tuple(map(shop.of_drill, shop.restored_volumes())))
    step = plan_servers(DRILL, site)[0]
    step = dataclasses.replace(step, spec=dataclasses.replace(step.spec, name=name))
    assert step.body([])["hostname"] == hostname


@pytest.mark.parametrize(("hostname", "asked_for"), [("db1", "db1"), ("orders-db", None), (None, None)])
def test_a_host_name_of_its_own_is_asked_for(hostname, asked_for):
    step = plan_servers(MANIFEST, shop.prepared_site())[0]
    step = dataclasses.replace(step, spec=dataclasses.replace(step.spec, hostname=hostname))
    assert step.body([]).get("hostname") == asked_for


@pytest.mark.parametrize(("name", "in_a_drill"), [("b\u00fcro", "bro"), ("x", None)])
def test_a_host_name_that_nova_would_refuse_is_not_asked_for(name, in_a_drill):
    """Nova makes such names itself, of names of servers, and takes none of them."""
    step = plan_servers(MANIFEST, shop.prepared_site())[0]
    step = dataclasses.replace(step, name=name, spec=dataclasses.replace(step.spec, name=name, hostname=name))
    assert "hostname" not in step.body([])
    assert dataclasses.replace(step, name=f"drill-7-{name}").body([]).get("hostname") == in_a_drill


def test_a_long_host_name_does_not_end_with_a_hyphen():
    step = plan_servers(MANIFEST, shop.prepared_site())[0]
    step = dataclasses.replace(step, name="drill-7-x", spec=dataclasses.replace(step.spec, name="x" * 62 + "-y"))
    assert step.body([])["hostname"] == "x" * 62


def test_for_a_real_server_nova_makes_the_host_name():
    assert "hostname" not in plan_servers(MANIFEST, shop.prepared_site())[0].body([])


def test_marks_and_positions_fit_into_a_description_however_long_the_names_are():
    longest = dataclasses.replace(
        NEW,
        drill="d" * 20,
        checkpoint=dataclasses.replace(NEW.checkpoint, id="c" * 63),
        description=dataclasses.replace(
            NEW.description, application=dataclasses.replace(NEW.application, name="a" * 63)
        ),
    )
    ports = [port for step in plan_servers(longest, shop.prepared_site()) for port in step.ports]
    assert max(len(port.description) for port in ports) <= 255
