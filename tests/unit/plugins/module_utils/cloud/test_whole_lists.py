# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every list of every adapter against a site that lists 50 at once, each service in the way in which it goes on after that."""

from __future__ import annotations

import dataclasses
import re
import typing as t
from urllib.parse import parse_qs, urlsplit

import openstack
import pytest
from ansible_collections.osdr.openstack.plugins.module_utils.cloud.block_storage import BlockStorage
from ansible_collections.osdr.openstack.plugins.module_utils.cloud.compute import Compute
from ansible_collections.osdr.openstack.plugins.module_utils.cloud.images import Images
from ansible_collections.osdr.openstack.plugins.module_utils.cloud.key_manager import KeyManager
from ansible_collections.osdr.openstack.plugins.module_utils.cloud.neighbours import Neighbours
from ansible_collections.osdr.openstack.plugins.module_utils.cloud.network import Networking
from ansible_collections.osdr.openstack.plugins.module_utils.cloud.object_store import ObjectStore
from ansible_collections.osdr.openstack.plugins.module_utils.cloud.session import Cloud
from ansible_collections.osdr.openstack.plugins.module_utils.core.errors import CloudError
from ansible_collections.osdr.openstack.tests.unit.support.fakes import server

PAGE, COUNT = 50, 120
#: Per type in the catalogue: its endpoint, and the newest version that it knows.
SERVICES = {
    "compute": ("http://nova.example/v2.1", "2.100"),
    "block-storage": ("http://cinder.example/v3", "3.71"),
    "network": ("http://neutron.example/v2.0", ""),
    "image": ("http://glance.example/v2", ""),
    "object-store": ("http://swift.example/v1/AUTH_p1", ""),
    "key-manager": ("http://barbican.example/v1", ""),
    "load-balancer": ("http://octavia.example/v2", ""),
    "dns": ("http://designate.example/v2", ""),
    "shared-file-system": ("http://manila.example/v2", "2.80"),
}
Resource = dict[str, t.Any]


@pytest.fixture
def cloud(requests_mock, mocker):
    for url, newest in SERVICES.values():
        version = {"id": "v" + urlsplit(url).path.split("/")[1][1:], "status": "CURRENT", "version": newest, "min_version": "", "links": []}
        version["links"] = [{"rel": "self", "href": url}]
        for where in (url, f"{url}/", url.rpartition("/")[0] + "/", url.rpartition("/")[0]):
            requests_mock.get(where, json={"versions": [version], "version": version})
    overrides = {f"{name.replace('-', '_')}_endpoint_override": url for name, (url, _newest) in SERVICES.items()}
    connection = openstack.connect(auth_type="none", endpoint=SERVICES["compute"][0], **overrides)
    mocker.patch.object(connection, "has_service", return_value=True)
    found = Cloud(connection, "primary")
    found.__dict__["project_id"] = "p1"
    return found


# How services go on after a page


class Pages:
    """Answers with a page of a list.

    :param items: all of it.
    :param key: of the list in the answer.
    """

    def __init__(self, items: list[Resource], key: str) -> None:
        self.items, self.key = items, key

    def __call__(self, request, context):
        asked = {name: values[0] for name, values in parse_qs(urlsplit(request.url).query).items()}
        page, more = self.page(asked)
        return {self.key: page, **(self.onward(request, page) if more else {})}

    def page(self, asked: t.Mapping[str, str]) -> tuple[list[Resource], bool]:
        first, most = self.first(asked), min(int(asked.get("limit", PAGE)), PAGE)
        return self.items[first : first + most], first + most < len(self.items)

    def first(self, asked: t.Mapping[str, str]) -> int:
        return next((place + 1 for place, one in enumerate(self.items) if one["id"] == asked.get("marker")), 0)

    def onward(self, request, page) -> Resource:
        return {}


class Linked(Pages):
    """By a marker, which a link to the next page has.

    :param links: what the service calls its links.
    """

    def __init__(self, items: list[Resource], key: str, links: str = "") -> None:
        super().__init__(items, key)
        self.links = links or f"{key}_links"

    def onward(self, request, page):
        href = f"{request.url.partition('?')[0]}?marker={page[-1]['id']}"
        return {self.links: [{"rel": "next", "href": href}]}


class Next(Pages):
    """By a marker, which a member of the answer, or of its links, has."""

    def onward(self, request, page):
        href = f"{request.url.partition('?')[0]}?marker={page[-1]['id']}"
        return {"next": urlsplit(href).path + "?" + urlsplit(href).query} if "glance" in href else {"links": {"next": href}}


class Counted(Pages):
    """By an offset, and nothing tells that there is more, but perhaps a total."""

    def __init__(self, items: list[Resource], key: str, is_total_told: bool = False) -> None:
        super().__init__(items, key)
        self.is_total_told = is_total_told

    def __call__(self, request, context):
        answer = super().__call__(request, context)
        return {**answer, "total": len(self.items)} if self.is_total_told else answer

    def first(self, asked):
        return int(asked.get("offset", 0))


class Objects(Pages):
    """Names in a container, as Swift lists them: by the last name, with the number of all in a header."""

    def __call__(self, request, context):
        context.headers["X-Container-Object-Count"] = str(len(self.items))
        return super().__call__(request, context)[self.key]

    def first(self, asked):
        return next((place + 1 for place, one in enumerate(self.items) if one["name"] == asked.get("marker")), 0)


class Whole(Pages):
    """All at once: the service does not bound this list."""

    def page(self, asked):
        return self.items, False


# What they list


def several(**members: t.Any) -> list[Resource]:
    return [{"id": f"i{number:03}", "name": f"n{number:03}", **members} for number in range(COUNT)]


VOLUME = {"size": 1, "status": "available", "metadata": {}, "attachments": []}
SNAPSHOT = {"volume_id": "v", "size": 1, "status": "available", "created_at": "", "metadata": {}}
BACKUP = {"volume_id": "v", "size": 1, "status": "available"}
SERVER = {"status": "ACTIVE", "metadata": {}, "addresses": {}, "flavor": {"original_name": "small"}}
FLAVOR = {"vcpus": 1, "ram": 1, "disk": 1}
OF_PROJECT = {"project_id": "p1"}
PORT = {**OF_PROJECT, "network_id": "n", "mac_address": "fa:16:3e:00:00:01"}
FLOATING = {**OF_PROJECT, "floating_ip_address": "10.0.0.1", "floating_network_id": "n"}
FORWARDING = {"internal_port_id": "p", "internal_ip_address": "10.0.0.1", "internal_port": 1, "external_port": 1, "protocol": "tcp"}
EXTENSIONS = [{"id": name, "alias": name} for name in ("address-group", "trunk", "qos", "subnet_allocation", *(f"e{number}" for number in range(COUNT - 4)))]
SECRETS = [{"id": f"i{number:03}", "secret_ref": f"http://barbican.example/v1/secrets/i{number:03}", "name": "n"} for number in range(COUNT)]
SHARES_OF_A_NETWORK = [{**one, "action": "access_as_shared", "target_project": one["id"]} for one in several()]
AVAILABILITIES = [{**one, "network_id": one["id"], "subnet_ip_availability": []} for one in several()]
SHOWN_FLAVORS = [{**one, "extra_specs": {}, "OS-FLV-DISABLED:disabled": False} for one in several(**FLAVOR)]
ATTACHED = server("s", id="s", volumes=tuple((f"i{number:03}", False) for number in range(COUNT)))


@dataclasses.dataclass(frozen=True)
class List:
    """One that an adapter reads.

    :param answers: per service and path.
    """

    read: t.Callable[[Cloud], t.Collection[t.Any]]
    answers: t.Mapping[tuple[str, str], Pages]


def cinder(name: str, path: str, pages: Pages, *arguments: t.Any) -> tuple[str, List]:
    return f"BlockStorage.{name}", List(lambda cloud: list(getattr(BlockStorage(cloud), name)(*arguments)), {("block-storage", path): pages})


def nova(name: str, path: str, pages: Pages, *arguments: t.Any) -> tuple[str, List]:
    others = {("compute", "/servers/s/os-interface"): Whole([], "interfaceAttachments")}
    return f"Compute.{name}", List(lambda cloud: getattr(Compute(cloud), name)(*arguments), {("compute", path): pages, **others})


def neutron(name: str, path: str, pages: Pages, *arguments: t.Any) -> tuple[str, List]:
    networks = {("network", "/networks"): Linked([{"id": "n", "name": "n", **OF_PROJECT}], "networks")}
    answers = {("network", "/extensions"): Whole(EXTENSIONS, "extensions"), **networks, ("network", path): pages}
    return f"Networking.{name}", List(lambda cloud: getattr(Networking(cloud), name)(*arguments), answers)


POOLS = {("load-balancer", "/lbaas/pools"): Linked([{"id": "pool"}], "pools"), ("load-balancer", "/lbaas/pools/pool/members"): Linked(several(), "members")}
SHARES = {
    ("shared-file-system", "/shares/detail"): Counted(several(share_network_id="i119"), "shares"),
    ("shared-file-system", "/share-networks/detail"): Counted(several(neutron_net_id="n"), "share_networks"),
    ("shared-file-system", "/share-access-rules"): Whole([{"id": "r"}], "access_list"),
}
STORED = {("key-manager", "/secrets"): Counted(SECRETS, "secrets", True), ("key-manager", "/containers"): Counted([], "containers", True)}
OBJECTS = {("object-store", "/c"): Objects([{"name": one["name"], "bytes": 1, "hash": ""} for one in several()], "objects")}
ZONES = several(zoneName="z", zoneState={"available": True})

LISTS: dict[str, List] = dict(
    [
        cinder("volumes", "/volumes/detail", Linked(several(**VOLUME), "volumes")),
        cinder("volume_answers", "/volumes/detail", Linked(several(**VOLUME), "volumes")),
        cinder("volumes_of_project", "/volumes/detail", Linked(several(**VOLUME), "volumes"), "p1"),
        cinder("volume_types", "/types", Linked(several(), "volume_types", "volume_type_links")),
        cinder("zones_of_types", "/types", Linked(several(extra_specs={"RESKEY:availability_zones": "a"}), "volume_types", "volume_type_links")),
        cinder("multiattach_types", "/types", Linked(several(extra_specs={}), "volume_types", "volume_type_links")),
        cinder("snapshots", "/snapshots/detail", Linked(several(**SNAPSHOT), "snapshots")),
        cinder("newest_snapshots", "/snapshots/detail", Linked(several(**SNAPSHOT), "snapshots")),
        cinder("creating_snapshots", "/snapshots", Linked(several(), "snapshots")),
        cinder("group_types", "/group_types", Linked(several(), "group_types", "group_type_links")),
        cinder("groups", "/groups/detail", Linked(several(group_type="t"), "groups", "group_links")),
        cinder("group_snapshots", "/group_snapshots/detail", Linked(several(group_id="g"), "group_snapshots", "group_snapshot_links")),
        cinder("backups", "/backups/detail", Linked(several(**BACKUP), "backups")),
        cinder("each_backup", "/backups/detail", Linked(several(**BACKUP), "backups")),
        cinder("availability_zones", "/os-availability-zone", Whole(ZONES, "availabilityZoneInfo")),
        cinder("pools", "/scheduler-stats/get_pools", Whole(several(), "pools")),
        nova("servers", "/servers/detail", Linked(several(**SERVER), "servers")),
        nova("server_answers", "/servers/detail", Linked(several(**SERVER), "servers")),
        nova("server_group_answers", "/os-server-groups", Counted(several(policy="affinity"), "server_groups")),
        nova("server_groups", "/os-server-groups", Counted(several(policy="affinity"), "server_groups")),
        nova("flavors", "/flavors/detail", Linked(SHOWN_FLAVORS, "flavors")),
        nova("devices", "/servers/s/os-volume_attachments", Counted(several(device="/dev/vda"), "volumeAttachments"), ATTACHED),
        nova("device_tags", "/servers/s/os-volume_attachments", Counted(several(tag="t"), "volumeAttachments"), ATTACHED),
        nova("actions", "/servers/s/os-instance-actions", Linked(several(action="stop", request_id="r"), "instanceActions", "links"), "s"),
        nova("shares_of", "/servers/s/shares", Whole(several(), "shares"), "s"),
        nova("availability_zones", "/os-availability-zone", Whole(ZONES, "availabilityZoneInfo")),
        # Asked for with a version from before Nova bounded them.
        nova("key_pairs", "/os-keypairs", Whole([{"keypair": one} for one in several(public_key="k")], "keypairs")),
        nova("key_pairs_of", "/os-keypairs", Whole([{"keypair": one} for one in several(public_key="k")], "keypairs"), "u1"),
        neutron("extensions", "/extensions", Whole(EXTENSIONS, "extensions")),
        neutron("networks", "/networks", Linked(several(**OF_PROJECT), "networks")),
        neutron("subnets", "/subnets", Linked(several(network_id="n", cidr="10.0.0.0/8", ip_version=4, enable_dhcp=True), "subnets")),
        neutron("routers", "/routers", Linked(several(**OF_PROJECT), "routers")),
        neutron("security_groups", "/security-groups", Linked(several(**OF_PROJECT), "security_groups")),
        neutron("address_groups", "/address-groups", Linked(several(**OF_PROJECT), "address_groups")),
        neutron("floating_ips", "/floatingips", Linked(several(**FLOATING), "floatingips")),
        neutron("trunks", "/trunks", Linked(several(**OF_PROJECT, port_id="p"), "trunks")),
        neutron("qos_policies", "/qos/policies", Linked(several(**OF_PROJECT), "policies")),
        neutron("subnet_pools", "/subnetpools", Linked(several(**OF_PROJECT), "subnetpools")),
        neutron("ports", "/ports", Linked(several(**PORT), "ports")),
        neutron("ports_of_others", "/ports", Linked(several(**{**PORT, "project_id": "p2"}), "ports")),
        neutron("ports_on", "/ports", Linked(several(**PORT), "ports"), ["n"]),
        neutron("answers", "/routers", Linked(several(), "routers"), "routers"),
        neutron("listed", "/vpn/ipsecpolicies", Linked(several(), "ipsecpolicies"), "/vpn/ipsecpolicies"),
        neutron("sharers", "/rbac-policies", Linked(SHARES_OF_A_NETWORK, "rbac_policies"), "n"),
        neutron("free_addresses", "/network-ip-availabilities", Whole(AVAILABILITIES, "network_ip_availabilities")),
        ("Images.images", List(lambda cloud: Images(cloud).images(), {("image", "/images"): Next(several(status="active"), "images")})),
        ("ObjectStore.objects", List(lambda cloud: ObjectStore(cloud).objects("c"), OBJECTS)),
        ("ObjectStore.names", List(lambda cloud: ObjectStore(cloud).names("c", "n"), OBJECTS)),
        ("KeyManager.names", List(lambda cloud: KeyManager(cloud).names(), STORED)),
        ("Neighbours.secret_names", List(lambda cloud: Neighbours(cloud).secret_names(), STORED)),
        ("Neighbours.pool_members", List(lambda cloud: Neighbours(cloud).pool_members(), POOLS)),
        ("Neighbours.listeners", List(lambda cloud: Neighbours(cloud).listeners(), {("load-balancer", "/lbaas/listeners"): Linked(several(), "listeners")})),
        ("Neighbours.record_sets", List(lambda cloud: Neighbours(cloud).record_sets(), {("dns", "/recordsets"): Next(several(), "recordsets")})),
        ("Neighbours.share_rules", List(lambda cloud: Neighbours(cloud).share_rules(), SHARES)),
    ]
)
#: What returns several values, and is no list of a site's resources.
NO_LISTS = {
    *("BlockStorage.quotas", "Compute.quotas", "Networking.quotas", "Images.quotas"),
    *("Compute.newest_version", "Compute.quiesce_state", "Compute.quiesce_action"),
    #: Of :meth:`Compute.servers`.
    "Compute.resolve",
    *("Images.stream", "ObjectStore.stream"),
}
ADAPTERS = (BlockStorage, Compute, Networking, Images, ObjectStore, KeyManager, Neighbours)
_SEVERAL = re.compile(r"(list|dict|set|frozenset|tuple|t\.Iterator)\[")


def answer(requests_mock, listed: List) -> None:
    for (service, path), pages in listed.answers.items():
        if isinstance(pages, Counted) and path.endswith("os-volume_attachments"):
            pages.items = [{**one, "volumeId": one["id"]} for one in pages.items]
        requests_mock.get(SERVICES[service][0] + path, json=pages)


@pytest.mark.parametrize("name", LISTS)
def test_a_list_is_whole_whatever_the_site_lists_at_once(cloud, requests_mock, name):
    answer(requests_mock, LISTS[name])
    assert len(LISTS[name].read(cloud)) == COUNT


def test_every_list_of_every_adapter_is_proved():
    returning = {
        f"{adapter.__name__}.{name}"
        for adapter in ADAPTERS
        for name, method in vars(adapter).items()
        if not name.startswith("_") and callable(method) and _SEVERAL.match(str(method.__annotations__.get("return")))
    }
    assert returning == {*LISTS, *NO_LISTS}


def test_forwardings_of_an_address_are_whole(cloud, requests_mock):
    forwarding = {**FLOATING, "id": "f", "port_forwardings": [{}]}
    _name, listed = neutron("floating_ips", "/floatingips", Linked([forwarding], "floatingips"))
    answer(requests_mock, listed)
    requests_mock.get("http://neutron.example/v2.0/floatingips/f/port_forwardings", json=Linked(several(**FORWARDING), "port_forwardings"))
    assert [len(one.forwardings) for one in Networking(cloud).floating_ips()] == [COUNT]


def test_what_cinder_tells_of_a_failure_is_whole(cloud, requests_mock):
    requests_mock.get("http://cinder.example/v3/messages", json=Linked(several(user_message="Full."), "messages"))
    assert BlockStorage(cloud).failure_reason("s1").count("Full.") == COUNT


class Same(Pages):
    """A site that always answers with its first page, and says that there is more."""

    def first(self, asked):
        return 0

    def onward(self, request, page):
        return {f"{self.key}_links": [{"rel": "next", "href": "elsewhere"}]}


@pytest.mark.parametrize(
    ("path", "key", "read"),
    [
        ("http://nova.example/v2.1/os-server-groups", "server_groups", lambda cloud: Compute(cloud).server_groups()),
        ("http://neutron.example/v2.0/routers", "routers", lambda cloud: Networking(cloud).routers()),
    ],
    ids=["by offset", "by marker"],
)
def test_a_site_that_never_goes_on_is_an_error_and_no_endless_list(cloud, requests_mock, path, key, read):
    requests_mock.get(path, json=Same(several(policy="affinity", **OF_PROJECT), key))
    with pytest.raises(CloudError, match="its answer makes no sense .*the page after .* is the one before it"):
        read(cloud)
