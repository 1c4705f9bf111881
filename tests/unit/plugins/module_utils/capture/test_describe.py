# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import dataclasses

import pytest
from ansible_collections.osdr.openstack.plugins.module_utils.application.definition import Application
from ansible_collections.osdr.openstack.plugins.module_utils.capture import look as capture_look
from ansible_collections.osdr.openstack.plugins.module_utils.capture.describe import describe
from ansible_collections.osdr.openstack.plugins.module_utils.capture.look import CaptureSite, user_data_of, with_key_pairs, with_root_devices
from ansible_collections.osdr.openstack.plugins.module_utils.capture.problems import left_out, warnings
from ansible_collections.osdr.openstack.plugins.module_utils.core.errors import CheckFailed
from ansible_collections.osdr.openstack.plugins.module_utils.core.marking import Mark
from ansible_collections.osdr.openstack.plugins.module_utils.core.records import (
    AddressGroup,
    Attachment,
    FixedIp,
    Flavor,
    FloatingIp,
    Network,
    Router,
    SecurityGroup,
    SecurityGroupRule,
    ServerGroup,
    Subnet,
)
from ansible_collections.osdr.openstack.plugins.module_utils.manifest.agreement import of_shared
from ansible_collections.osdr.openstack.plugins.module_utils.manifest.manifest import ApplicationDescription
from ansible_collections.osdr.openstack.plugins.module_utils.manifest.specs import AddressGroupSpec, FloatingSpec, ServerGroupSpec
from ansible_collections.osdr.openstack.tests.unit.support.fakes import server, volume
from ansible_collections.osdr.openstack.tests.unit.support.shop import port

APPLICATION = Application.parse({"name": "shop", "tiers": [{"name": "database", "servers": ["id-orders-db"]}]})
OLD_MARK = Mark("shop", "last year", "other")


def orders_db(**changes):
    values = {
        "volumes": (("volume-data2", False), ("volume-data", True), ("volume-boot", False)),
        "mac_addresses": ("fa:16:3e:00:00:02", "fa:16:3e:00:00:01"),
        "key_name": "shop",
        "metadata": {"role": "db", **OLD_MARK.metadata()},
        "tags": ("gold", "osdr_source=other"),
    }
    return server("orders-db", **{**values, **changes})


def attached(name, device, **changes):
    return volume(name, attachments=(Attachment("id-orders-db", device),), **changes)


VOLUMES = {
    "volume-boot": attached("boot", "/dev/vda", metadata=OLD_MARK.metadata()),
    "volume-data": attached("data", "/dev/vdz", bootable=False),
    "volume-data2": attached("data2", "/dev/vdaa", bootable=False),
}
PORTS = (
    port("front", mac_address="fa:16:3e:00:00:01", device_id="id-orders-db", fixed_ips=(FixedIp("sub", "10.0.0.11"),)),
    port("back", mac_address="fa:16:3e:00:00:02", device_id="id-orders-db", network_id="net2", security_group_ids=()),
    port("router", device_id="r", fixed_ips=(FixedIp("sub", "10.0.0.1"), FixedIp("elsewhere", "10.9.0.1"))),
    port("stranger", device_id="id-other"),
)


def network(network_id, name, **changes):
    return Network(network_id, name, **{"project_id": "project", "mtu": 1442, **changes})


def subnet(subnet_id, name, network_id):
    pools = ({"start": "10.0.0.2", "end": "10.0.0.254"},)
    return Subnet(subnet_id, name, network_id, "10.0.0.0/24", "project", gateway_ip="10.0.0.1", dns_nameservers=("10.0.0.53",), allocation_pools=pools)


def group(group_id, name, *remotes, **changes):
    rules = tuple(SecurityGroupRule(f"rule-{remote}", "ingress", "IPv4", "tcp", 22, 22, None, remote) for remote in remotes)
    return SecurityGroup(group_id, name, **{"project_id": "project", "rules": rules, **changes})


ROUTER = Router("r", "shop-router", "project", external_network_id="ext")


def seen(**changes):
    values = {
        "site": "primary",
        "project_id": "project",
        "servers": {"id-orders-db": orders_db()},
        "volumes": VOLUMES,
        "devices": {"id-orders-db": {key: one.attachments[0].device for key, one in VOLUMES.items()}},
        "ports": PORTS,
        "networks": {
            "net": network("net", "shop-net"),
            "net2": network("net2", "back-net", port_security=False),
            "net3": network("net3", "not ours to restore"),
            "ext": network("ext", "public", project_id="admin"),
        },
        "subnets": {
            "sub": subnet("sub", "shop-subnet", "net"),
            "elsewhere": subnet("elsewhere", "elsewhere", "net3"),
        },
        "routers": {"r": ROUTER, "r2": dataclasses.replace(ROUTER, id="r2", name="unused")},
        "security_groups": {
            "sg": group("sg", "shop", "admins", "sg"),
            "admins": group("admins", "admins", "bastion"),
            "bastion": group("bastion", "bastion", None),
            "unused": group("unused", "unused", None),
        },
        "floating_ips": (FloatingIp("fip", "10.88.0.9", "port-front", "ext", "10.0.0.11"),),
        "key_pairs": {"shop": "ssh-ed25519 AAAA shop", "unused": "ssh-ed25519 BBBB unused"},
    }
    return CaptureSite(**{**values, **changes})


def described(**changes):
    return describe(APPLICATION, seen(**changes))


def test_ids_of_the_definition_become_names():
    assert described().application.servers == ["orders-db"]


def test_volumes_are_in_the_order_of_the_devices():
    assert [one.name for one in described().servers[0].volumes] == ["boot", "data", "data2"]


def test_the_bootable_volume_comes_first_whatever_its_device():
    devices = {"volume-boot": "/dev/vdc", "volume-data": "/dev/sda", "volume-data2": "/dev/vdb"}
    found = described(devices={"id-orders-db": devices}).servers[0].volumes
    assert [one.name for one in found] == ["boot", "data", "data2"]


SEVERAL_BOOT = {**VOLUMES, "volume-data": dataclasses.replace(VOLUMES["volume-data"], bootable=True)}
TWO_BUSES = {"id-orders-db": {"volume-boot": "/dev/vda", "volume-data": "/dev/sda", "volume-data2": "/dev/vdb"}}


@pytest.mark.parametrize(
    ("changes", "first"),
    [
        ({"root_device": "/dev/vda"}, "boot"),
        ({"root_device": "/dev/sda"}, "data"),
        ({"root_device": "/dev/vdb"}, "data2"),
        ({"volumes": (("volume-boot", False), ("volume-data", False), ("volume-data2", False))}, "boot"),
        ({"volumes": (("volume-data", False), ("volume-boot", False), ("volume-data2", False))}, "data"),
    ],
    ids=["shown", "shown on another bus", "shown and not bootable", "listed first by Nova", "another listed first"],
)
def test_a_server_boots_from_what_nova_says(changes, first):
    found = described(servers={"id-orders-db": orders_db(**changes)}, volumes=SEVERAL_BOOT, devices=TWO_BUSES).servers[0].volumes
    assert (found[0].name, found[0].bootable) == (first, True)


def test_which_of_several_bootable_volumes_is_taken_is_told_where_nova_does_not_say():
    (told,) = [one for one in warnings(seen(volumes=SEVERAL_BOOT)) if "bootable" in one]
    assert told.startswith("Server orders-db (id-orders-db) has 2 bootable volumes")
    shown = seen(volumes=SEVERAL_BOOT, servers={"id-orders-db": orders_db(root_device="/dev/vda")})
    assert not [one for one in [*warnings(shown), *warnings(seen())] if "bootable" in one]


def test_a_flavor_without_cpus_is_no_flavor():
    bare = dataclasses.replace(orders_db().flavor, vcpus=0, ram=0)
    with pytest.raises(CheckFailed, match="compute API in version 2.47") as raised:
        described(servers={"id-orders-db": orders_db(flavor=bare)})
    assert "orders-db (id-orders-db)" in str(raised.value)


def test_what_a_server_its_ports_and_its_groups_are_is_kept():
    port = dataclasses.replace(PORTS[0], is_up=False, vnic_type="direct")
    stateless = {one: dataclasses.replace(group, is_stateful=False) for one, group in seen().security_groups.items()}
    found = described(servers={"id-orders-db": orders_db(hostname="db1")}, ports=(port, *PORTS[1:]), security_groups=stateless)
    (server,) = found.servers
    assert (server.hostname, server.ports[1].is_up, server.ports[1].vnic_type) == ("db1", False, "direct")
    assert {group.is_stateful for group in found.topology.security_groups} == {False}


def test_disks_and_interfaces_have_the_tags_by_which_the_guest_knows_them():
    server = described(device_tags={"id-orders-db": {"volume-data": "orders", "port-front": "public"}}).servers[0]
    assert [one.device_tag for one in server.volumes] == [None, "orders", None]
    assert [one.device_tag for one in server.ports] == [None, "public"]


@pytest.mark.parametrize(
    ("version", "names"),
    [
        ((2, 100), []),
        ((2, 96), ["scheduler hints (2.100)"]),
        ((2, 95), ["zones that were asked for (2.96)", "scheduler hints (2.100)"]),
        ((2, 72), ["reasons of locks (2.73)", "host names (2.90)", "zones that were asked for (2.96)", "scheduler hints (2.100)"]),
    ],
    ids=str,
)
def test_what_an_old_nova_does_not_show_is_missing(version, names):
    found = left_out(seen(nova=version))
    assert [one.value for one in found] == names
    assert {str(one).partition(" (")[0] for one in found} <= {f"Nova at site 'primary': what version 2.{version[1]} of its API does not show"}


def two_servers(**changes):
    """The database as changed, beside a front end that runs."""
    application = Application.parse({"name": "shop", "tiers": [{"name": "all", "servers": ["id-orders-db", "id-front"]}]})
    front = server("front", volumes=(("volume-front", False),))
    more = {"volumes": {**VOLUMES, "volume-front": volume("front")}, "devices": {**seen().devices, "id-front": {"volume-front": "/dev/vda"}}}
    return application, seen(servers={"id-orders-db": orders_db(**changes), "id-front": front}, **more)


def sharing():
    """Both servers, which share a volume."""
    application, site = two_servers(volumes=(("volume-boot", False), ("volume-shared", True)))
    front = dataclasses.replace(site.servers["id-front"], volumes=(("volume-front", False), ("volume-shared", False)))
    both = (Attachment("id-orders-db", "/dev/vdb"), Attachment("id-front", "/dev/vdc"), Attachment("id-blog", "/dev/vdd"))
    shared = volume("shared", bootable=False, multiattach=True, attachments=both)
    devices = {
        "id-orders-db": {"volume-boot": "/dev/vda", "volume-shared": "/dev/vdb"},
        "id-front": {"volume-front": "/dev/vda", "volume-shared": "/dev/vdc"},
    }
    tags = {"id-orders-db": {"volume-shared": "journal"}}
    changes = {"servers": {**site.servers, "id-front": front}, "volumes": {**site.volumes, "volume-shared": shared}}
    return application, dataclasses.replace(site, devices=devices, device_tags=tags, **changes)


def test_a_volume_of_several_servers_is_each_servers_own_way():
    found = describe(*sharing())
    database, front = (server.volumes[-1] for server in found.servers)
    assert (database.source_id, database.device, database.delete_on_termination, database.device_tag) == ("volume-shared", "/dev/vdb", True, "journal")
    assert (front.source_id, front.device, front.delete_on_termination, front.device_tag) == ("volume-shared", "/dev/vdc", False, None)
    assert [volume.source_id for volume in found.volumes] == ["volume-boot", "volume-shared", "volume-front"]
    assert found.holders["volume-shared"] == ["orders-db", "front"]
    assert of_shared(found.servers) == []


def test_a_server_outside_that_has_a_volume_of_the_application_is_named():
    _application, site = sharing()
    (told,) = [str(one) for one in left_out(site) if "attachments" in str(one)]
    assert told.startswith("volume shared (volume-shared): attachments (server id-blog); it is in no tier of the application")
    own = dataclasses.replace(site.volumes["volume-shared"], attachments=site.volumes["volume-shared"].attachments[:2])
    assert not [one for one in left_out(dataclasses.replace(site, volumes={**site.volumes, "volume-shared": own})) if "attachments" in str(one)]


def intent(**changes):
    database, _front = describe(*two_servers(**changes)).servers
    return database.is_off, database.lock


FENCED = {"status": "SHUTOFF", "locked": True, "locked_reason": "Fenced by its project"}


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, (False, None)),
        ({"status": "SHUTOFF"}, (True, None)),
        ({"locked": True, "locked_reason": "ask the DBA"}, (False, "ask the DBA")),
        ({"locked": True}, (False, "")),
        ({**FENCED, "metadata": {"osdr_fence": "{}"}}, (False, None)),
        ({**FENCED, "metadata": {"osdr_fence": "{}", "osdr_off": "yes", "osdr_lock": "ask the DBA"}}, (True, "ask the DBA")),
        ({"metadata": {"osdr_off": "yes", "osdr_lock": "ask the DBA"}}, (False, None)),
    ],
    ids=["runs", "standby", "locked", "locked without a reason", "fenced", "fenced standby", "restored as a standby, started and unlocked since"],
)
def test_how_its_owner_wants_a_server_is_kept_whatever_a_fence_does(changes, expected):
    assert intent(**changes) == expected


def test_an_application_that_was_shut_down_as_a_whole_has_no_standby():
    assert not described(servers={"id-orders-db": orders_db(status="SHUTOFF")}).servers[0].is_off
    assert warnings(seen(servers={"id-orders-db": orders_db(status="SHUTOFF")})) == []


@pytest.mark.parametrize(
    ("changes", "is_told"),
    [({"status": "SHUTOFF"}, True), ({**FENCED, "metadata": {"osdr_fence": "{}"}}, False), ({}, False)],
    ids=["shut down", "fenced", "running"],
)
def test_that_an_application_that_was_shut_down_is_started_is_told(changes, is_told):
    told = [str(one) for one in left_out(seen(servers={"id-orders-db": orders_db(**changes)}))]
    whole = "server 'orders-db': status (SHUTOFF); no server of the application runs, so the restored ones are started"
    assert told == [whole] * is_told
    assert left_out(two_servers(**changes)[1]) == []


def test_standbys_are_named():
    (told,) = [one for one in warnings(two_servers(status="SHUTOFF")[1]) if "do not run" in one]
    assert "orders-db (id-orders-db)" in told
    assert "front" not in told


def test_ports_are_in_the_order_of_the_interfaces():
    back, front = described().servers[0].ports
    assert (back.network, back.fixed_ips, back.floating_ips) == ("back-net", (), ())
    assert (front.network, front.floating_ips, front.security_groups) == ("shop-net", (FloatingSpec("public", 0),), ("shop",))
    assert [(one.subnet, one.ip_address) for one in front.fixed_ips] == [("shop-subnet", "10.0.0.11")]


@pytest.mark.parametrize("first", ["10.0.0.11", "10.0.0.12", "2001:db8::11", None])
def test_a_floating_address_leads_to_one_of_several(first):
    addresses = ["10.0.0.11", "10.0.0.12", "2001:db8::11"]
    front = dataclasses.replace(PORTS[0], fixed_ips=tuple(FixedIp("sub", one) for one in addresses))
    floating = (FloatingIp("fip", "10.88.0.9", "port-front", "ext", first),) if first else ()
    found = described(ports=(front, *PORTS[1:]), floating_ips=floating).servers[0].ports[1]
    assert [one.ip_address for one in found.fixed_ips] == addresses
    assert [addresses[one.place] for one in found.floating_ips] == ([first] if first else [])


def test_what_a_volume_is_described_as_and_made_of_is_kept():
    described_as = Mark("shop", "dawn").beside("the orders")
    rich = dataclasses.replace(VOLUMES["volume-data"], description=described_as, image_metadata={"hw_disk_bus": "scsi"}, is_read_only=True)
    _boot, data, _data2 = described(volumes={**VOLUMES, "volume-data": rich}).servers[0].volumes
    assert (data.description, data.image_metadata, data.is_read_only) == ("the orders", {"hw_disk_bus": "scsi"}, True)


def test_deletion_with_the_server_is_kept_per_volume():
    assert [one.delete_on_termination for one in described().servers[0].volumes] == [False, True, False]


def test_marks_of_an_earlier_restore_are_not_captured():
    found = described().servers[0]
    assert (found.metadata, found.tags, found.volumes[0].metadata) == ({"role": "db"}, ("gold",), {})


def test_the_topology_is_what_the_servers_need_and_no_more():
    topology = described().topology
    assert [(one.name, one.port_security_enabled) for one in topology.networks] == [("back-net", False), ("shop-net", True)]
    assert [one.name for one in topology.subnets] == ["shop-subnet"]
    assert [(one.name, one.external_network, one.subnets) for one in topology.routers] == [
        ("shop-router", "public", ("shop-subnet",))
    ]
    assert [one.name for one in topology.security_groups] == ["admins", "bastion", "shop"]
    assert {rule.remote_group for rule in topology.security_groups[2].rules} == {"admins", "shop"}
    assert [one.name for one in topology.key_pairs] == ["shop"]


def test_marks_of_a_restore_are_not_captured_with_what_it_made():
    mark = Mark("shop", "noon", drill="7").text()
    found = seen(key_pairs={"shop": f"ssh-ed25519 AAAA shop {mark}"})
    marked = {one: dataclasses.replace(group, description=f"What it serves {mark}") for one, group in found.security_groups.items()}
    topology = describe(APPLICATION, dataclasses.replace(found, security_groups=marked)).topology
    assert topology.key_pairs[0].public_key == "ssh-ed25519 AAAA shop"
    assert {one.description for one in topology.security_groups} == {"What it serves"}


def test_a_description_survives_being_written_and_read():
    found = described()
    assert ApplicationDescription.parse(found.as_dict()) == found


@pytest.mark.parametrize(
    ("keys", "why"),
    [
        ({}, "is not among those of the credentials' user, and only administrators (admin_cloud) see those of others"),
        ({"shop": "-----BEGIN CERTIFICATE-----\nMIIC\n-----END CERTIFICATE-----\n"}, "is a certificate (x509)"),
    ],
    ids=["of another user", "a certificate"],
)
def test_a_key_pair_that_no_restore_can_make_is_missing(keys, why):
    found = seen(key_pairs=keys)
    (told,) = left_out(found)
    assert str(told).startswith(f"server 'orders-db': key_name (shop); the key pair {why}, so its public key is not captured")
    assert describe(APPLICATION, found).topology.key_pairs == ()
    assert left_out(seen()) == warnings(seen()) == []


def with_server(**changes):
    return {"servers": {"id-orders-db": orders_db(**changes)}}


def with_boot_volume(**changes):
    return {"volumes": {**VOLUMES, "volume-boot": dataclasses.replace(VOLUMES["volume-boot"], **changes)}}


def with_network(**changes):
    return {"networks": {**seen().networks, "net": dataclasses.replace(network("net", "shop-net"), **changes)}}


def with_group(**changes):
    return {"security_groups": {**seen().security_groups, "sg": dataclasses.replace(group("sg", "shop", None), **changes)}}


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        (
            with_server(boots_from_image=True, flavor=Flavor("", "small", 1, 128, 0, 0, 0)),
            "boots from an image, and its flavor does not say how large its root disk is",
        ),
        (with_server(volumes=()), "Server orders-db (id-orders-db) has no volumes"),
        ({"volumes": {}}, "Volume volume-boot of server orders-db (id-orders-db) is not visible in the project"),
        (with_boot_volume(encrypted=True), "Volume boot (volume-boot) of server orders-db (id-orders-db) is encrypted"),
        (
            {"networks": {key: one for key, one in seen().networks.items() if key != "net"}},
            "Port port-front of server orders-db (id-orders-db) is on network net, which belongs to another project and is not shared with this one;",
        ),
        (
            with_network(project_id="admin") | {"subnets": {}},
            "has an address in subnet sub of network 'shop-net', which belongs to another project: the project does not see that subnet;",
        ),
        (with_network(name="", project_id="admin"), "The network net has no name; give it one. It belongs to another project: have its owner do that."),
        (with_network(name=""), "The network net has no name"),
        (
            {"networks": {**seen().networks, "twin": network("twin", "shop-net")}},
            "The network net is one of 2 called 'shop-net'",
        ),
        ({"security_groups": {}}, "Port port-front of server orders-db (id-orders-db) uses security group sg"),
        (
            with_group(rules=(SecurityGroupRule("rule", "ingress", "IPv4", remote_address_group_id="a"),)),
            "A rule of security group 'shop' names address group a, which the project does not see",
        ),
        (
            with_group(rules=group("x", "x", "foreign").rules),
            "A rule of security group 'shop' names group foreign",
        ),
    ],
)
def test_what_cannot_be_restored_is_refused(changes, expected):
    with pytest.raises(CheckFailed) as raised:
        described(**changes)
    assert any(expected in problem for problem in raised.value.facts["problems"]), raised.value.facts
    assert "Application 'shop' on site 'primary' cannot be captured: this step has changed nothing" in str(raised.value)


def test_address_groups_of_rules_are_described_and_named_by_them():
    rule = SecurityGroupRule("rule", "ingress", "IPv4", remote_address_group_id="a")
    there = {"a": AddressGroup("a", "offices", "project", "ours", ("198.51.100.0/24",)), "b": AddressGroup("b", "unused", "project")}
    found = described(**with_group(rules=(rule,)), address_groups=there).topology
    assert found.address_groups == (AddressGroupSpec("offices", "ours", ("198.51.100.0/24",)),)
    assert [rule.remote_address_group for one in found.security_groups for rule in one.rules] == ["offices"]
    with pytest.raises(CheckFailed, match="The address group a has no name"):
        described(**with_group(rules=(rule,)), address_groups={"a": AddressGroup("a", "", "project")})


def test_the_root_disk_of_a_server_that_boots_from_an_image_comes_first_and_is_no_volume():
    server = described(**with_server(boots_from_image=True, flavor=Flavor("", "small", 1, 128, 4, 0, 0))).servers[0]
    root, *volumes = server.volumes
    assert (root.source_id, root.name, root.size, root.device, root.bootable, root.is_image) == (
        "id-orders-db",
        "root disk of orders-db",
        4,
        "/dev/vda",
        True,
        True,
    )
    assert server.root_image == root
    assert server.attached == tuple(volumes)
    assert [(one.is_image, one.source_id) for one in volumes] == [(False, f"volume-{name}") for name in ("boot", "data", "data2")]


def test_marks_on_the_image_that_a_volume_was_made_of_are_none_of_its_properties():
    changed = with_boot_volume(image_metadata={"hw_disk_bus": "virtio", "osdr_copy": "{}"})
    (boot, *_others) = described(**changed).servers[0].volumes
    assert boot.image_metadata == {"hw_disk_bus": "virtio"}


def test_a_server_that_boots_from_an_image_needs_no_volumes():
    server = described(**with_server(boots_from_image=True, volumes=(), root_device="/dev/sda")).servers[0]
    assert [(one.source_id, one.device) for one in server.volumes] == [("id-orders-db", "/dev/sda")]


def test_all_problems_are_told_at_once():
    with pytest.raises(CheckFailed) as raised:
        described(
            **with_server(boots_from_image=True, flavor=Flavor("", "small", 1, 128, 0, 0, 0)),
            **with_network(name=""),
            **with_boot_volume(encrypted=True),
        )
    assert len(raised.value.facts["problems"]) == 3


def test_a_network_of_others_is_described_as_such_with_the_subnets_that_the_application_is_in():
    unused = subnet("unused", "theirs too", "net")
    found = described(**with_network(project_id="admin", is_shared=True), subnets={**seen().subnets, "unused": unused}).topology
    assert {one.name: one.is_of_others for one in found.networks} == {"shop-net": True, "back-net": False}
    assert [one.name for one in found.subnets] == ["shop-subnet"]
    assert (found.networks_of_others, found.is_of_others("shop-subnet"), found.is_of_others("elsewhere")) == ({"shop-net"}, True, False)


def test_of_a_network_of_others_a_subnet_that_one_of_the_projects_routers_joins_is_described():
    joined = subnet("joined", "joined", "net")
    interface = port("router", device_id="r", fixed_ips=(FixedIp("joined", "10.0.0.1"),))
    found = described(**with_network(project_id="admin"), subnets={**seen().subnets, "joined": joined}, ports=(*PORTS, interface)).topology
    assert [one.name for one in found.subnets] == ["joined", "shop-subnet"]
    assert found.routers[0].subnets == ("joined", "shop-subnet")


class FakeCompute:
    def __init__(self):
        self.asked = []

    def devices(self, server):
        self.asked.append(server.id)
        return {"volume-boot": "/dev/vda"}


@pytest.mark.parametrize(("device", "asked"), [("/dev/vda", []), ("", ["id-s"])], ids=["known", "unknown"])
def test_nova_is_only_asked_for_devices_that_cinder_does_not_know(device, asked):
    compute = FakeCompute()
    found = {"volume-boot": volume("boot", attachments=(Attachment("id-s", device),))}
    one = server("s", volumes=(("volume-boot", False),))
    assert capture_look._devices(compute, one, found) == {"volume-boot": "/dev/vda"}
    assert compute.asked == asked


class Administrator:
    """The site as somebody sees it who may see more than its owner."""

    project_id = "admins"

    def __init__(self, *servers):
        self._servers = servers

    def __call__(self, _cloud):
        return self

    def servers(self, project_id):
        return [one for one in self._servers if one.project_id == project_id]

    def captured(self, monkeypatch, form=str):
        monkeypatch.setattr(capture_look, "Compute", self)
        return user_data_of(self, seen(), form)


def test_user_data_is_taken_of_the_applications_servers_that_have_any(monkeypatch):
    administrator = Administrator(orders_db(user_data="IyE="), server("other", user_data="Pz8="))
    assert administrator.captured(monkeypatch, str.lower) == {"id-orders-db": "iye="}
    assert describe(APPLICATION, seen(user_data={"id-orders-db": "plain:IyE="})).servers[0].user_data == "plain:IyE="


def test_a_server_without_user_data_has_none(monkeypatch):
    assert Administrator(orders_db()).captured(monkeypatch) == {}
    assert described().servers[0].user_data is None


def test_who_does_not_see_user_data_is_told(monkeypatch):
    with pytest.raises(CheckFailed, match="give admin_cloud"):
        Administrator(orders_db(hypervisor=None)).captured(monkeypatch)


@pytest.mark.parametrize(("others", "first"), [((), "data2"), ((server("other"),), "data2")], ids=["alone", "beside others"])
def test_an_administrator_tells_what_a_server_boots_from(monkeypatch, others, first):
    monkeypatch.setattr(capture_look, "Compute", Administrator(orders_db(root_device="/dev/vdaa"), *others))
    found = describe(APPLICATION, with_root_devices(Administrator(), seen()))
    assert found.servers[0].volumes[0].name == first


def test_what_an_administrator_does_not_see_is_as_it_was(monkeypatch):
    monkeypatch.setattr(capture_look, "Compute", Administrator())
    assert with_root_devices(Administrator(), seen()) == seen()


class KeyHolders:
    """Nova, as an administrator sees it."""

    def __init__(self, **keys):
        self._keys = keys

    def __call__(self, _cloud):
        return self

    def key_pairs_of(self, user_id):
        return self._keys.get(user_id, {})


def keys(monkeypatch, *servers, **holders):
    monkeypatch.setattr(capture_look, "Compute", KeyHolders(**holders))
    found = with_key_pairs(None, seen(servers={one.id: one for one in servers}))
    return found, found.key_pairs


def test_the_public_key_is_that_of_who_made_the_server(monkeypatch):
    theirs, unseen = server("a", user_id="u1", key_name="ops"), server("b", user_id="u2", key_name="hidden")
    same_name = server("c", user_id="u1", key_name="shop")
    _found, known = keys(monkeypatch, theirs, unseen, same_name, u1={"ops": "ssh-ed25519 OPS", "shop": "ssh-ed25519 THEIRS", "more": "x"})
    assert known == {"ops": "ssh-ed25519 OPS", "shop": "ssh-ed25519 THEIRS", "unused": "ssh-ed25519 BBBB unused"}


def test_the_credentials_own_key_of_the_name_stands_for_one_that_nobody_shows(monkeypatch):
    _found, known = keys(monkeypatch, orders_db(user_id="u1"), server("old"))
    assert known["shop"] == "ssh-ed25519 AAAA shop"


def test_different_keys_of_one_name_are_none(monkeypatch):
    one, other = orders_db(user_id="u1"), server("b", user_id="u2", key_name="shop")
    found, known = keys(monkeypatch, one, other, u1={"shop": "ssh-ed25519 ONE"}, u2={"shop": "ssh-ed25519 OTHER"})
    assert "shop" not in known
    assert "is that of several users, with different keys" in str(next(iter(left_out(dataclasses.replace(found, servers={one.id: one})))))


APART = ServerGroup("g1", "apart", "anti-affinity", 2, frozenset({"id-orders-db", "id-other"}))


def test_a_server_group_carries_the_application_in_its_name():
    found = described(server_groups=(APART, ServerGroup("g2", "others", "affinity")))
    assert found.servers[0].server_group == "shop-apart"
    assert found.topology.server_groups == (ServerGroupSpec("shop-apart", "anti-affinity", 2),)


def test_one_that_does_already_keeps_its_name():
    found = described(server_groups=(dataclasses.replace(APART, name="shop-apart"),))
    assert found.servers[0].server_group == "shop-apart"


def test_server_groups_that_cannot_be_told_apart_are_refused():
    with pytest.raises(CheckFailed, match="The server group g1 is one of 2 that would be called 'shop-apart' at another site"):
        described(server_groups=(APART, ServerGroup("g2", "shop-apart", "affinity")))
    with pytest.raises(CheckFailed, match="The server group g1 has no name"):
        described(server_groups=(dataclasses.replace(APART, name=""),))


def test_a_server_group_whose_name_would_be_too_long_is_refused():
    """With the five characters that the application's name takes."""
    fitting = described(server_groups=(dataclasses.replace(APART, name="x" * 250),))
    assert len(fitting.servers[0].server_group) == 255
    with pytest.raises(CheckFailed, match="The server group g1 would be called 'shop-x*…' at another site.*longer than the 255 characters"):
        described(server_groups=(dataclasses.replace(APART, name="x" * 251),))


def test_zones_are_those_that_were_asked_for():
    assert described().servers[0].availability_zone is None
    bound = described(servers={"id-orders-db": orders_db(pinned_zone="az1")}).servers[0]
    assert bound.availability_zone == "az1"
    assert [one.availability_zone for one in bound.volumes] == ["nova", "nova", "nova"]
