# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What must not be done twice, on bad days: it is looked for before it is asked for again."""

from __future__ import annotations

import base64
import dataclasses
import json
import typing as t
import urllib.parse

import pytest
from ansible_collections.osdr.openstack.plugins.module_utils.cloud.block_storage import BlockStorage
from ansible_collections.osdr.openstack.plugins.module_utils.cloud.compute import Compute
from ansible_collections.osdr.openstack.plugins.module_utils.cloud.images import Images
from ansible_collections.osdr.openstack.plugins.module_utils.cloud.network import Networking
from ansible_collections.osdr.openstack.plugins.module_utils.core.errors import NoAnswer
from ansible_collections.osdr.openstack.plugins.module_utils.core.records import BackupRecord
from ansible_collections.osdr.openstack.tests.unit.support import bad_days
from ansible_collections.osdr.openstack.tests.unit.support.bad_days import BUSY, CUT

Call = t.Callable[[t.Any], t.Any]
MARKS = {"osdr_application": "shop", "osdr_checkpoint": "c1"}
MINE = {"name": "shop-db", "metadata": MARKS, "status": "available", "volume_id": "v1", "size": 1, "created_at": "2026-01-01T00:00:00"}
#: Of the same name, or with the same marks, and yet another's.
NAMESAKE = {**MINE, "id": "namesake", "metadata": {}}
STRANGER = {**MINE, "id": "stranger", "name": "other"}
GOING = {**MINE, "id": "going", "status": "deleting"}
GROUP = {"id": "g1", "name": "shop", "description": "marks", "status": "available", "group_type": "t1", "volume_types": []}
RULE = {"direction": "ingress", "ethertype": "IPv4", "security_group_id": "s1"}
FLAVOR = {"original_name": "small", "vcpus": 1, "ram": 1, "disk": 1, "ephemeral": 0, "swap": 0}
SERVER = {"id": "id", "name": "db", "status": "ACTIVE", "metadata": MARKS, "flavor": FLAVOR}
RECORD = BackupRecord("swift", base64.b64encode(json.dumps({"id": "b1"}).encode()).decode())
PORT = {
    **{"id": "id", "name": "", "mac_address": "fa:16:3e:00:00:01", "description": "marks", "network_id": "n1"},
    "fixed_ips": [{"subnet_id": "sub1", "ip_address": "10.0.0.5"}],
}
NETWORK = {"id": "id", "name": "front", "description": "marks"}


@dataclasses.dataclass(frozen=True)
class Case:
    """
    :param act: does it.
    :param asked: method and path of the request that does it.
    :param answer: to that request.
    :param shown: what else is shown once it is done, per path; before that, ``before``.
    """

    act: Call
    asked: tuple[str, str]
    answer: dict[str, t.Any]
    shown: dict[str, dict[str, t.Any]]
    before: dict[str, dict[str, t.Any]]


def made(act, kind, one, others, where):
    """Something that is made, and then shown in a list.

    :param kind: service and collection.
    :param where: of the list, if it is another path.
    """
    service, collection = kind
    key = collection.rpartition("/")[2].removeprefix("os-").replace("-", "_")
    singular, lists = key.removesuffix("s"), where or f"/{service}/{collection}/detail"
    shown = {lists: {key: [*others, one]}, f"/{service}/{collection}/{one['id']}": {singular: one}}
    return Case(act, ("POST", f"/{service}/{collection}"), {singular: one}, shown, {lists: {key: list(others)}})


def gone(act, path, one, where=None):
    """Something that is deleted, which Cinder shows for a while."""
    service, collection, _id = path.strip("/").split("/")
    key = collection.replace("-", "_")
    after, before = ({**one, "id": "id", "status": status} for status in ("deleting", "available"))
    lists = where or f"/{service}/{collection}/detail"
    shown, hidden = ({lists: {key: [state]}, path: {key.removesuffix("s"): state}} for state in (after, before))
    return Case(act, ("DELETE", path), {}, shown, hidden)


def storage(name, *arguments, **options):
    return lambda cloud: getattr(BlockStorage(cloud), name)(*arguments, **options)


def compute(name, *arguments):
    return lambda cloud: getattr(Compute(cloud), name)(*arguments)


def network(name, *arguments):
    return lambda cloud: getattr(Networking(cloud), name)(*arguments)


def server_in(status, task=None, power=1):
    return {"/compute/servers/id": {"server": {**SERVER, "status": status, "OS-EXT-STS:task_state": task, "OS-EXT-STS:power_state": power}}}


IDENTIFIED = {**MINE, "id": "id"}
CASES = {
    "a volume of a backup": made(
        storage("create_volume_from_backup", "b1", {"name": "shop-db", "size": 1, "metadata": MARKS}),
        ("block-storage", "volumes"), IDENTIFIED, [NAMESAKE, STRANGER, GOING], None,
    ),
    "a volume without content": made(
        storage("create_empty_volume", {"name": "shop-db", "size": 1, "metadata": MARKS}),
        ("block-storage", "volumes"), IDENTIFIED, [NAMESAKE, STRANGER, GOING], None,
    ),
    "a backup that is restored to a volume": Case(
        storage("restore_backup", "b1", "id"),
        ("POST", "/block-storage/backups/b1/restore"), {"restore": {"backup_id": "b1", "volume_id": "id", "volume_name": "shop-db"}},
        {"/block-storage/volumes/id": {"volume": {**MINE, "id": "id", "status": "restoring-backup"}}},
        {"/block-storage/volumes/id": {"volume": {**MINE, "id": "id", "status": "available"}}},
    ),
    "a volume of an image": made(
        storage("create_volume_from_image", "i1", {"name": "shop-db", "size": 1, "metadata": MARKS}),
        ("block-storage", "volumes"), IDENTIFIED, [NAMESAKE, STRANGER, GOING], None,
    ),
    "a snapshot": made(
        storage("create_snapshot", "v1", "shop-db", MARKS),
        ("block-storage", "snapshots"), IDENTIFIED, [NAMESAKE, STRANGER, GOING, {**IDENTIFIED, "id": "of another volume", "volume_id": "v2"}], None,
    ),
    "a backup": made(
        storage("create_backup", "v1", {"name": "shop-db", "snapshot_id": "s1", "metadata": MARKS}),
        ("block-storage", "backups"), {**IDENTIFIED, "snapshot_id": "s1"}, [{**IDENTIFIED, "id": "of another snapshot", "snapshot_id": "s2"}], None,
    ),
    "a record of a backup": dataclasses.replace(
        made(storage("import_record", RECORD), ("block-storage", "backups"), {**IDENTIFIED, "id": "b1"}, [], None),
        asked=("POST", "/block-storage/backups/import_record"),
    ),
    "a volume group": made(
        storage("create_group", {"name": "shop", "description": "marks", "group_type": "t1", "volume_types": []}),
        ("block-storage", "groups"), GROUP, [{**GROUP, "id": "another", "description": ""}], None,
    ),
    "a snapshot of a group": made(
        storage("create_group_snapshot", "g1", "shop", "marks"),
        ("block-storage", "group_snapshots"), {**GROUP, "group_id": "g1"}, [{**GROUP, "id": "another", "group_id": "g2"}], None,
    ),
    "the volumes of a group": Case(
        storage("update_group", "g1", ["v1"], ["v2"]),
        ("PUT", "/block-storage/groups/g1"), {},
        {"/block-storage/groups/detail": {"groups": [GROUP]}, "/block-storage/volumes/detail": {"volumes": [{**MINE, "id": "v1", "group_id": "g1"}]}},
        {"/block-storage/groups/detail": {"groups": [GROUP]}, "/block-storage/volumes/detail": {"volumes": [{**MINE, "id": "v2", "group_id": "g1"}]}},
    ),
    "the end of a group": dataclasses.replace(
        gone(storage("delete_group", "id"), "/block-storage/groups/id", GROUP), asked=("POST", "/block-storage/groups/id/action")
    ),
    "the end of a volume": gone(storage("delete_volume", "id"), "/block-storage/volumes/id", MINE),
    "the end of a snapshot": gone(storage("delete_snapshot", "id"), "/block-storage/snapshots/id", MINE),
    "the end of a backup": gone(storage("delete_backup", "id"), "/block-storage/backups/id", MINE),
    "the end of a group's snapshot": gone(storage("delete_group_snapshot", "id"), "/block-storage/group_snapshots/id", {**GROUP, "group_id": "g1"}),
    "a server": made(
        compute("create_server", {"name": "db", "metadata": MARKS, "flavorRef": "f", "networks": "none"}),
        ("compute", "servers"), SERVER,
        [{**SERVER, "id": "of another", "metadata": {}}, {**SERVER, "id": "on its way out", "OS-EXT-STS:task_state": "deleting"}], None,
    ),
    "a server group": made(
        compute("create_server_group", "apart", "anti-affinity", None),
        ("compute", "os-server-groups"), {"id": "id", "name": "apart", "policy": "anti-affinity"}, [], "/compute/os-server-groups",
    ),
    "a key pair": Case(
        compute("create_key_pair", "key", "ssh-rsa AAAA"),
        ("POST", "/compute/os-keypairs"), {"keypair": {}},
        {"/compute/os-keypairs": {"keypairs": [{"keypair": {"name": "key", "public_key": "ssh-rsa AAAA"}}]}},
        {"/compute/os-keypairs": {"keypairs": []}},
    ),
    "an image of a server": Case(
        compute("create_image", "id", "root", MARKS),
        ("POST", "/compute/servers/id/action"), {"image_id": "i1"},
        {"/image/images": {"images": [{"id": "another", "name": "root"}, {"id": "i1", "name": "root", **MARKS}]}},
        {"/image/images": {"images": [{"id": "another", "name": "root"}]}},
    ),
    "the end of a pause": Case(compute("unpause", "id"), ("POST", "/compute/servers/id/action"), {}, server_in("ACTIVE"), server_in("PAUSED")),
    "a stop": Case(compute("stop", "id"), ("POST", "/compute/servers/id/action"), {}, server_in("ACTIVE", "powering-off"), server_in("ACTIVE")),
    "a start": Case(compute("start", "id"), ("POST", "/compute/servers/id/action"), {}, server_in("ACTIVE"), server_in("SHUTOFF")),
    "an image without data": Case(
        lambda cloud: Images(cloud).create({"id": "id", "name": "root"}),
        ("POST", "/image/images"), {"id": "id", "name": "root", "status": "queued"},
        {"/image/images/id": {"id": "id", "name": "root", "status": "queued"}}, {},
    ),
    "a network": made(
        network("create_network", {"name": "front", "description": "marks"}),
        ("network", "networks"), NETWORK, [{**NETWORK, "id": "another", "description": ""}], "/network/networks",
    ),
    "a port": made(
        network("create_port", {"name": "", "description": "marks", "network_id": "n1", "fixed_ips": [{"subnet_id": "sub1"}]}),
        ("network", "ports"), PORT, [{**PORT, "id": "another", "fixed_ips": [{"subnet_id": "sub2", "ip_address": "10.0.1.5"}]}], "/network/ports",
    ),
    "a floating address": made(
        network("create_floating_ip", {"floating_network_id": "e1", "description": "marks", "port_id": "p1"}),
        ("network", "floatingips"),
        {"id": "id", "floating_network_id": "e1", "floating_ip_address": "203.0.113.9", "description": "marks", "port_id": "p1"},
        [{"id": "another", "floating_network_id": "e1", "floating_ip_address": "203.0.113.8", "description": "marks", "port_id": "p2"}],
        "/network/floatingips",
    ),
    "what forwards a port": made(
        network("create_forwarding", "f1", {"external_port": 80, "protocol": "tcp"}),
        ("network", "floatingips/f1/port_forwardings"), {"id": "id", "external_port": 80, "protocol": "tcp"},
        [{"id": "another", "external_port": 81, "protocol": "tcp"}], "/network/floatingips/f1/port_forwardings",
    ),
    "rules of security groups": Case(
        network("create_rules", [RULE]),
        ("POST", "/network/security-group-rules"), {},
        {"/network/security-group-rules": {"security_group_rules": [{**RULE, "id": "r1"}]}},
        {"/network/security-group-rules": {"security_group_rules": [{**RULE, "id": "r0", "security_group_id": "s2"}]}},
    ),
    "a shared network": Case(
        network("share_network", "n1", "p2"),
        ("POST", "/network/rbac-policies"), {},
        {"/network/rbac-policies": {"rbac_policies": [{"action": "access_as_shared", "target_tenant": "p2"}]}},
        {"/network/rbac-policies": {"rbac_policies": [{"action": "access_as_external", "target_tenant": "p2"}]}},
    ),
    "addresses of a group": Case(
        network("add_addresses", "a1", ["10.0.0.1/32"]),
        ("PUT", "/network/address-groups/a1/add_addresses"), {},
        {"/network/address-groups": {"address_groups": [{"id": "a1", "addresses": ["10.0.0.2/32", "10.0.0.1/32"]}]}},
        {"/network/address-groups": {"address_groups": [{"id": "a1", "addresses": []}]}},
    ),
    "ports of a trunk": Case(
        network("add_subports", "t1", [{"port_id": "p1", "segmentation_id": 5}]),
        ("PUT", "/network/trunks/t1/add_subports"), {},
        {"/network/trunks": {"trunks": [{"id": "t1", "sub_ports": [{"port_id": "p1", "segmentation_id": 5, "segmentation_type": "vlan"}]}]}},
        {"/network/trunks": {"trunks": [{"id": "t1", "sub_ports": [{"port_id": "p2", "segmentation_id": 5, "segmentation_type": "vlan"}]}]}},
    ),
    "a subnet of a router": Case(
        network("add_router_interface", "r1", "sub1"),
        ("PUT", "/network/routers/r1/add_router_interface"), {"port_id": "id"},
        {"/network/ports": {"ports": [PORT]}}, {"/network/ports": {"ports": [{**PORT, "fixed_ips": [{"subnet_id": "sub2"}]}]}},
    ),
    "a port of a router": Case(
        network("add_router_port", "r1", "id"),
        ("PUT", "/network/routers/r1/add_router_interface"), {"port_id": "id"},
        {"/network/ports": {"ports": [PORT]}}, {"/network/ports": {"ports": [{**PORT, "id": "another"}]}},
    ),
}


class Done:
    """A service that does one thing, and shows it then."""

    def __init__(self, case):
        self._case, self.times = case, 0

    def __call__(self, request):
        # The SDK adds a version to Neutron's endpoint.
        path, _mark, query = request.path.replace("/network/v2.0/", "/network/").partition("?")
        if (request.method, path) == self._case.asked:
            self.times += 1
            return 200, self._case.answer
        found = (self._case.shown if self.times else self._case.before).get(path)
        if urllib.parse.parse_qs(query).get("offset", ["0"]) != ["0"]:
            # All is on the first page.
            found = {key: [] for key in found}
        return (404, {"error": {"message": "Not found."}}) if found is None else (200, found)


@pytest.fixture
def site():
    with bad_days.site() as found:
        yield found


@pytest.fixture(params=CASES, ids=str)
def case(request):
    return CASES[request.param]


def outcomes(site, case, *answers):
    """What comes of a call on a good day, and of the same with these answers; and how often it was done then."""
    cloud = site.cloud()
    site.serve = Done(case)
    good = case.act(cloud)
    site.serve = done = Done(case)
    site.will(*answers)
    return good, case.act(cloud), done.times


def test_what_is_done_although_the_answer_is_lost_is_not_done_again(site, case):
    good, found, times = outcomes(site, case, CUT)
    assert (found, times) == (good, 1)


def test_what_is_not_done_is_asked_for_again(site, case):
    good, found, times = outcomes(site, case, BUSY)
    assert (found, times) == (good, 1)


@pytest.mark.parametrize("act", [storage("delete_volume_metadata", "id", "key"), compute("delete_metadata", "id", "key")])
def test_a_mark_that_is_taken_away_although_the_answer_is_lost_is_gone(site, act):
    cloud = site.cloud()
    kept = {"key": "value"}
    site.serve = lambda request: (204, {}) if kept.pop("key", None) else (404, {"error": {"message": "Not found."}})
    site.will(CUT)
    act(cloud)
    assert [one.method for one in site.requests] == ["DELETE"] * 2


# What may be done twice, or must not be asked for again


@pytest.mark.parametrize(
    ("act", "answer"),
    [
        (storage("set_volume_metadata", "v1", MARKS), {"metadata": MARKS}),
        (storage("set_snapshot_metadata", "s1", MARKS), {"metadata": MARKS}),
        (storage("set_volume_image_metadata", "v1", MARKS), {}),
        (storage("set_volume_bootable", "v1", True), {}),
        (storage("make_volume_read_only", "v1"), {}),
        (compute("set_metadata", "id", MARKS), {"metadata": MARKS}),
        (compute("lock", "id", "fenced"), {}),
        (compute("lock", "id", ""), {}),
        (compute("unlock", "id"), {}),
        (compute("console_tail", "id"), {"output": "login:"}),
        (compute("quiesce_action", "id", "unquiesce", None, 20), {"quiesce": {}}),
        (compute("quiesce_action", "id", "quiesce", {"probe": True}, 20), {"quiesce": {}}),
        (lambda cloud: Images(cloud).set_properties("id", MARKS), {}),
    ],
)
def test_what_comes_to_the_same_is_asked_for_until_it_is_answered(site, act, answer):
    cloud = site.cloud()
    site.serve = lambda request: (200, answer)
    site.will(CUT, BUSY)
    act(cloud)
    assert len({(one.method, one.path, one.body) for one in site.requests}) == 1
    assert len(site.requests) == 3


@pytest.mark.parametrize("bad", [CUT, BUSY])
@pytest.mark.parametrize("act", [compute("pause", "id"), compute("quiesce_action", "id", "quiesce", {"token": "t"}, 20)])
def test_a_freeze_is_not_asked_for_again_when_the_first_request_may_still_arrive(site, act, bad):
    cloud = site.cloud()
    site.will(bad)
    with pytest.raises(NoAnswer):
        act(cloud)
    assert len(site.requests) == 1


def test_the_quiesce_api_is_asked_for_no_longer_than_its_caller_waits(site, passing):
    cloud = site.cloud()
    site.will(*[BUSY] * 20)
    with pytest.raises(NoAnswer):
        compute("quiesce_action", "id", "unquiesce", None, 20)(cloud)
    assert 10 < sum(passing.pauses) < 20
