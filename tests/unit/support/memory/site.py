# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A site in memory, and the SDK's way to it: everything but the wire is real."""

from __future__ import annotations

import functools
import itertools
import json
import typing as t
from types import SimpleNamespace
from urllib.parse import parse_qs, urlsplit

import openstack
import requests
from ansible_collections.osdr.openstack.tests.unit.support.memory.asking import Caller, Refused, Request, Resource
from ansible_collections.osdr.openstack.tests.unit.support.memory.cinder import Cinder
from ansible_collections.osdr.openstack.tests.unit.support.memory.glance import Glance
from ansible_collections.osdr.openstack.tests.unit.support.memory.keystone import Keystone
from ansible_collections.osdr.openstack.tests.unit.support.memory.neutron import Neutron
from ansible_collections.osdr.openstack.tests.unit.support.memory.nova import Nova
from ansible_collections.osdr.openstack.tests.unit.support.memory.placement import Placement
from ansible_collections.osdr.openstack.tests.unit.support.memory.swift import Swift

#: The newest versions that a site knows, of Nova and Cinder, from the oldest release that is supported.
NOVA_VERSIONS = ((2, 100), (2, 96), (2, 89))
CINDER_VERSION = (3, 71)
PLACEMENT_VERSION = (1, 39)
_ENDPOINTS = {
    "neutron": "http://neutron.example/v2.0",
    "nova": "http://nova.example/v2.1",
    "cinder": "http://cinder.example/v3",
    "glance": "http://glance.example/v2",
    "swift": "http://swift.example/v1/account",
    "keystone": "http://keystone.example/v3",
    "placement": "http://placement.example",
}
_SERVICES = {
    **{"neutron": "network", "nova": "compute", "cinder": "block_storage", "glance": "image"},
    **{"swift": "object_store", "keystone": "identity", "placement": "placement"},
}
_WORDS = {"neutron": lambda text: {"NeutronError": {"message": text, "type": "Refused", "detail": ""}}}
#: The projects of a site.
OURS, THEIRS, OPERATOR = "ours", "theirs", "operator"


class MemorySite:
    """Nova, Neutron, Cinder, Glance, Swift, Keystone and Placement of one site.

    :param extensions: of Neutron.
    :ivar writes: every request that may change something.
    :ivar after_write: is called after each of them, before it is answered.
    :ivar prefix: of its ids and MAC addresses.
    """

    def __init__(self, name: str, nova_version: tuple[int, int] = NOVA_VERSIONS[0], extensions: t.Collection[str] | None = None) -> None:
        self.name = name
        self.caller = Caller(OURS)
        self.writes: list[tuple[str, ...]] = []
        #: Types of services that it does not have.
        self.absent: set[str] = set()
        self.after_write: t.Callable[[], None] = lambda: None
        #: Is called before each of them.
        self.on_write: t.Callable[[], None] = lambda: None
        self._numbers = itertools.count(1)
        self.prefix = sum(map(ord, name)) % 90 + 10
        self.neutron = Neutron(self, extensions)
        self.cinder = Cinder(self)
        self.glance = Glance(OURS)
        self.swift = Swift()
        self.keystone = Keystone()
        self.placement = Placement()
        self.nova = Nova(self, nova_version)

    def new_id(self) -> str:
        return f"{self.prefix:08d}-0000-4000-8000-{next(self._numbers):012d}"

    def number(self) -> int:
        return next(self._numbers)

    def ask(
        self, service: str, method: str, path: str, body: Resource | None = None, caller: Caller | None = None, version: tuple[int, int] = (99, 0)
    ) -> t.Any:
        """Call a service without the SDK, as somebody.

        :param path: with a query, perhaps.
        """
        parts = urlsplit(path)
        pieces = tuple(piece for piece in parts.path.split("/") if piece)
        return self.serve(service, Request(caller or self.caller, method, pieces, parse_qs(parts.query), body or {}, version))

    def boot(self, name: str, port: Resource, caller: Caller) -> None:
        """Have a server with one port and a root volume of its own."""
        volume = self.cinder.create({"size": 1, "name": f"{name}-root"}, caller.project)
        volume["bootable"] = "true"
        disks = [{"uuid": volume["id"], "boot_index": 0, "delete_on_termination": False, "tag": None}]
        flavor = next(iter(self.nova.by_id["flavors"]))
        wanted = {"name": name, "flavorRef": flavor, "networks": [{"port": port["id"]}], "block_device_mapping_v2": disks}
        self.ask("nova", "POST", "servers", {"server": wanted}, caller)

    def serve(self, service: str, request: Request) -> t.Any:
        return t.cast(t.Any, getattr(self, service)).serve(request)

    def of(self, project: str) -> Resource:
        """Everything of a project, in a form for comparisons."""
        kinds = {**self.neutron.by_id, **self.nova.by_id, **self.cinder.by_id, **self.glance.by_id}
        found = {kind: {key: one for key, one in things.items() if one.get("project_id") == project} for kind, things in kinds.items()}
        return t.cast(Resource, json.loads(json.dumps(found)))


class _Transport:
    """What keystoneauth takes for a session of requests."""

    def __init__(self, nova_version: tuple[int, int], caller: Caller | None) -> None:
        self.site: MemorySite | None = None
        self._caller = caller
        #: Nothing is told of answers here.
        self.hooks: dict[str, t.Any] = {}
        self._documents = {url: json.dumps(found) for url, found in _discovery(nova_version).items()}

    def request(self, method: str, url: str, params: t.Any = None, data: t.Any = None, headers: t.Any = None, **_options: t.Any) -> requests.Response:
        if url.rstrip("/") in self._documents and method == "GET":
            return _response(method, url, 200, self._documents[url.rstrip("/")])
        service = next(name for name, endpoint in _ENDPOINTS.items() if url.startswith(endpoint))
        parts = urlsplit(url.removeprefix(_ENDPOINTS[service]))
        query = {**parse_qs(parts.query), **{key: value if isinstance(value, list) else [str(value)] for key, value in (params or {}).items()}}
        path = tuple(piece for piece in parts.path.split("/") if piece)
        site = t.cast(MemorySite, self.site)
        if method != "GET":
            site.on_write()
            site.writes.append((service, method, *path))
        body = {"content": data or b""} if service == "swift" else json.loads(data) if data else {}
        request = Request(self._caller or site.caller, method, path, query, body, _version(headers))
        try:
            status, found = 200, site.serve(service, request)
        except Refused as refused:
            status, found = refused.status, _WORDS.get(service, lambda text: {"badRequest": {"message": text, "code": 400}})(refused.message)
        if method != "GET":
            site.after_write()
        return _response(method, url, status, found if isinstance(found, bytes) else json.dumps(found) if found is not None else "")


def _response(method: str, url: str, status: int, content: str | bytes) -> requests.Response:
    response = requests.Response()
    response.status_code = status
    response.url = url
    response.headers["Content-Type"] = "application/json"
    response._content = content.encode() if isinstance(content, str) else content
    response._content_consumed = True
    response.request = t.cast(t.Any, SimpleNamespace(method=method, url=url, headers={}, body=None))
    return response


def _version(headers: t.Mapping[str, t.Any]) -> tuple[int, int]:
    asked = str(headers.get("OpenStack-API-Version") or "").split()
    if len(asked) != 2:
        return (2, 1)
    major, minor = asked[1].split(".")
    return int(major), int(minor)


def _discovery(nova_version: tuple[int, int]) -> Resource:
    def version(name: str, newest: tuple[int, int], oldest: str, endpoint: str) -> Resource:
        links = [{"rel": "self", "href": endpoint}]
        return {"version": {"id": name, "status": "CURRENT", "version": ".".join(map(str, newest)), "min_version": oldest, "links": links}}

    keystone = {"version": {"id": "v3.14", "status": "stable", "links": [{"rel": "self", "href": _ENDPOINTS["keystone"]}]}}
    glance = {"versions": [{"id": "v2.17", "status": "CURRENT", "links": [{"rel": "self", "href": _ENDPOINTS["glance"]}]}]}
    neutron = {"versions": [{"id": "v2.0", "status": "CURRENT", "links": [{"rel": "self", "href": _ENDPOINTS["neutron"]}]}]}
    return {
        "http://neutron.example": neutron,
        _ENDPOINTS["neutron"]: neutron,
        _ENDPOINTS["keystone"]: keystone,
        "http://glance.example": glance,
        _ENDPOINTS["glance"]: glance,
        _ENDPOINTS["nova"]: version("v2.1", nova_version, "2.1", _ENDPOINTS["nova"]),
        _ENDPOINTS["cinder"]: version("v3.0", CINDER_VERSION, "3.0", _ENDPOINTS["cinder"]),
        _ENDPOINTS["placement"]: {"versions": [version("v1.0", PLACEMENT_VERSION, "1.0", _ENDPOINTS["placement"])["version"]]},
    }


@functools.cache
def _connection(name: str, nova_version: tuple[int, int], caller: Caller | None) -> tuple[t.Any, _Transport]:
    """To make one takes as long as everything that is done with it."""
    endpoints = {f"{_SERVICES[service]}_endpoint_override": endpoint for service, endpoint in _ENDPOINTS.items()}
    connection = openstack.connect(auth_type="none", endpoint=_ENDPOINTS["neutron"], **endpoints)
    transport = _Transport(nova_version, caller)
    connection.session.session = transport
    connection.has_service = lambda service: service.replace("-", "_") in _SERVICES.values() and service not in transport.site.absent
    return connection, transport


def connection_to(site: MemorySite, caller: Caller | None = None) -> t.Any:
    """The SDK's connection to a site; there is one per name and caller, so that sites of one name are used one after the other.

    :param caller: whose; of the site's own one where there is none.
    """
    connection, transport = _connection(site.name, site.nova.version, caller)
    transport.site = site
    return connection
