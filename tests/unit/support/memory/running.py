# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A small application that runs at a site in memory, with a checkpoint of it: a database with a data volume, and a front end with a floating address."""

from __future__ import annotations

import contextlib
import json
import typing as t
from types import SimpleNamespace
from unittest import mock

from ansible_collections.osdr.openstack.plugins.module_utils.cloud.session import Cloud
from ansible_collections.osdr.openstack.plugins.module_utils.manifest.manifest import Copy
from ansible_collections.osdr.openstack.plugins.module_utils.manifest.plain import plain
from ansible_collections.osdr.openstack.plugins.module_utils.work.waiting import Waiter
from ansible_collections.osdr.openstack.plugins.modules import os_application_info
from ansible_collections.osdr.openstack.tests.unit.support import given
from ansible_collections.osdr.openstack.tests.unit.support.at_once import at_once
from ansible_collections.osdr.openstack.tests.unit.support.fakes import FakeStore, FakeTime
from ansible_collections.osdr.openstack.tests.unit.support.memory.asking import Caller, Resource
from ansible_collections.osdr.openstack.tests.unit.support.memory.roundtrip import Params
from ansible_collections.osdr.openstack.tests.unit.support.memory.site import OPERATOR, OURS, MemorySite, connection_to

DEFINITION = {"name": "shop", "tiers": [{"name": "database", "servers": ["orders-db"]}, {"name": "front", "servers": ["shop-front"]}]}
CHECKPOINT = "noon"


class Documents(FakeStore):
    """The store of the other site's catalogue.

    :param on_write: is called before anything in it changes.
    """

    def __init__(self, on_write: t.Callable[[], None]) -> None:
        super().__init__()
        self._on_write = on_write

    @property
    def there(self) -> dict[str, bytes]:
        return t.cast("dict[str, bytes]", self.content)

    def write(self, name: str, content: bytes) -> None:
        self._on_write()
        super().write(name, content)

    def delete(self, name: str) -> None:
        self._on_write()
        super().delete(name)


class Running:
    """:ivar documents: what is in the object store of the other site.
    :ivar servers: per name, as Nova has them when the application was set up."""

    def __init__(self) -> None:
        self.site = MemorySite("primary")
        self.documents = Documents(self._written)
        self.servers: dict[str, Resource] = {}
        self._outside = self.site.neutron.create("networks", {"name": "public", "router:external": True, "project_id": OPERATOR}, Caller(OPERATOR, True))
        outside = {"network_id": self._outside["id"], "cidr": "203.0.113.0/24", "enable_dhcp": False, "name": "public", "project_id": OPERATOR}
        self.site.neutron.create("subnets", outside, Caller(OPERATOR, True))
        self._network = self._make("networks", name="shop-net")
        self._subnet = self._make("subnets", name="shop-subnet", network_id=self._network["id"], cidr="10.10.0.0/24", ip_version=4)
        router = self._make("routers", name="shop-router", external_gateway_info={"network_id": self._outside["id"]})
        self.site.ask("neutron", "PUT", f"routers/{router['id']}/add_router_interface", {"subnet_id": self._subnet["id"]})
        self._flavor = self.site.nova.flavor("small", 1, 512)
        self._server("orders-db", "10.10.0.11", ("orders-db-root", "orders-db-data"), metadata={"role": "database"}, tags=["gold"])
        self._server("shop-front", "10.10.0.21", ("shop-front-root",))
        front = self.ports("shop-front")[0]
        self._make("floatingips", floating_network_id=self._outside["id"], port_id=front["id"])

    def _written(self) -> None:
        self.site.on_write()

    def _make(self, kind: str, **body: t.Any) -> Resource:
        return t.cast(Resource, self.site.neutron.create(kind, body, self.site.caller))

    def _server(self, name: str, address: str, volumes: t.Sequence[str], **more: t.Any) -> None:
        port = self._make("ports", name=f"{name}-port", network_id=self._network["id"], fixed_ips=[{"subnet_id": self._subnet["id"], "ip_address": address}])
        made = [self.volume(one, bootable=not number) for number, one in enumerate(volumes)]
        disks = [{"boot_index": -1 if number else 0, "uuid": one["id"]} for number, one in enumerate(made)]
        body = {"name": name, "flavorRef": self._flavor["id"], "networks": [{"port": port["id"]}], "block_device_mapping_v2": disks, **more}
        self.servers[name] = self.site.ask("nova", "POST", "servers", {"server": body})["server"]

    def volume(self, name: str, bootable: bool = False) -> Resource:
        made = self.site.cinder.create({"name": name, "size": 1}, OURS)
        made["bootable"] = str(bootable).lower()
        return made

    # What is there

    def server(self, name: str) -> Resource | None:
        return next((one for one in self.site.nova.by_id["servers"].values() if one["name"] == name), None)

    def ports(self, server: str) -> list[Resource]:
        """The ports that lead to a server, by Neutron's word."""
        there = t.cast(Resource, self.server(server))
        return [one for one in self.site.neutron.by_id["ports"].values() if one["device_id"] == there["id"]]

    def volumes(self) -> dict[str, Resource]:
        return self.site.cinder.by_id["volumes"]

    def disks(self, server: str) -> list[str]:
        """Names of a server's volumes with what is on them, in their order."""
        attached = [self.volumes()[one["volume_id"]] for one in t.cast(Resource, self.server(server))["_volumes"]]
        return [f"{one['name']}: {one.get('content')}" for one in attached]

    # What is done

    def write(self, content: str) -> None:
        """Have something else on all volumes in use."""
        for volume in self.volumes().values():
            if volume["attachments"]:
                volume["content"] = content

    @contextlib.contextmanager
    def there(self, *modules: t.Any) -> t.Iterator[None]:
        """Within it, modules reach the site, and time passes at once."""
        cloud = Cloud(connection_to(self.site), self.site.name)
        cloud.__dict__["project_id"] = OURS
        with contextlib.ExitStack() as stack:
            for module in modules:
                stack.enter_context(mock.patch.object(module, "connect", lambda _params: cloud))
                if hasattr(module, "published"):
                    stack.enter_context(mock.patch.object(module, "published", given.manifest))
                if hasattr(module, "Waiter"):
                    stack.enter_context(mock.patch.object(module, "Waiter", lambda **_times: Waiter(60, 1, FakeTime().clock)))
            stack.enter_context(at_once())
            yield

    def module(self, check_mode: bool = False, **params: t.Any) -> SimpleNamespace:
        """What a module's code takes for its AnsibleModule; ``told`` has its warnings."""
        told: list[str] = []
        return SimpleNamespace(params=Params(concurrency=1, timeout=60, **params), warn=told.append, told=told, check_mode=check_mode)

    def checkpoint(self) -> Resource:
        """Take a checkpoint, whose copies the site has, as the site does where it was taken."""
        with self.there(os_application_info):
            description = os_application_info.run(self.module(application=DEFINITION, user_data="omit"))["application_description"]
        copies = []
        for volume in (one for server in description["servers"] for one in server["volumes"]):
            held = self.site.cinder.hold(self.volumes()[volume["source_id"]], {"osdr_application": "shop", "osdr_checkpoint": CHECKPOINT})
            copies.append(plain(Copy(volume["source_id"], "cinder_backup", held["id"], (held["id"],), volume["size"], False, 1, "backups", 1)))
        proof = {"consistency": "crash", "server_consistency": dict.fromkeys(self.servers, "crash"), "evidence": {}}
        point = {"id": CHECKPOINT, "created_at": "2026-01-01T12:00:00Z", "site": "primary", **proof}
        return t.cast(Resource, json.loads(json.dumps({"schema_version": 3, "checkpoint": point, **description, "copies": copies})))
