# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A small cloud of two projects behind HTTP, which shows and allows what Neutron, Nova and Cinder show and allow members and administrators."""

from __future__ import annotations

import copy
import functools
import ipaddress
import itertools
import json
import re
from urllib.parse import parse_qs, urlsplit

import openstack
import requests_mock as http
from ansible_collections.osdr.openstack.plugins.module_utils.cloud.session import Cloud

NEUTRON, NOVA, CINDER = "http://neutron.example/v2.0", "http://nova.example/v2.1", "http://cinder.example/v3"
GLANCE = "http://glance.example/v2"
OURS, THEIRS = "ours", "theirs"
_SINGULAR = {
    "networks": "network",
    "subnets": "subnet",
    "routers": "router",
    "ports": "port",
    "floatingips": "floatingip",
    "security-groups": "security_group",
    "security-group-rules": "security_group_rule",
    "trunks": "trunk",
    "subnetpools": "subnetpool",
    "policies": "policy",
}
#: Extensions without which Neutron does not know some attributes, per kind and attribute.
_BY_EXTENSION = {
    ("networks", "port_security_enabled"): "port-security",
    ("networks", "dns_domain"): "dns-integration",
    ("networks", "qos_policy_id"): "qos",
    ("subnets", "service_types"): "subnet-service-types",
    ("routers", "ha"): "l3-ha",
    ("routers", "distributed"): "dvr",
    ("routers", "routes"): "extraroute",
    ("ports", "port_security_enabled"): "port-security",
    ("ports", "dns_name"): "dns-integration",
    ("ports", "dns_domain"): "dns-domain-ports",
    ("ports", "qos_policy_id"): "qos",
    ("ports", "extra_dhcp_opts"): "extra_dhcp_opt",
    ("floatingips", "dns_name"): "dns-integration",
    ("floatingips", "dns_domain"): "dns-integration",
    ("floatingips", "qos_policy_id"): "qos-fip",
    ("networks", "mtu"): "net-mtu-writable",
}
#: What only administrators set, by the policies that come with Neutron.
_OF_ADMINISTRATORS = {("subnets", "service_types"), ("routers", "ha"), ("routers", "distributed"), ("ports", "binding:profile")}
#: What only they see.
_HIDDEN = ("ha", "distributed", "binding:profile")
_INTERFACE = "network:router_interface"
_MOST_TAGS = 50
#: Of quotas nothing is told, and nothing is limited then.
_LIMITS = {
    "os-quota-sets": {"quota_set": {}},
    "os-availability-zone": {"availabilityZoneInfo": [{"zoneName": "nova", "zoneState": {"available": True}}]},
}
_EGRESS = {"direction": "egress", "ethertype": "IPv4"}


class Refused(Exception):
    def __init__(self, status, why="Not for you."):
        super().__init__(status)
        self.status, self.why = status, why


@functools.cache
def _connection():
    """To make one takes as long as a test, and it knows nothing but where the services are."""
    endpoints = {"network_endpoint_override": NEUTRON, "compute_endpoint_override": NOVA, "block_storage_endpoint_override": CINDER}
    endpoints["image_endpoint_override"] = GLANCE
    connection = openstack.connect(auth_type="none", endpoint=NEUTRON, **endpoints)
    has_service = connection.has_service
    connection.has_service = lambda service: service != "key-manager" and has_service(service)
    return connection


class Tenants:
    """Two projects, and a user of one of them.

    :ivar is_admin: whether that user is an administrator, who sees all of Neutron and may change it.
    :ivar is_shared: whether the other project shares its networks and security groups with that one.
    :ivar by_id: everything, per kind and id.
    :ivar extensions: of Neutron.
    :ivar after_change: is called after each change, before it is answered.
    :ivar refuses: whether a request is refused, by its method and path, for a reason of the site's own.
    """

    def __init__(self, mocker, is_admin=False):
        self.is_admin, self.is_shared = is_admin, False
        self.by_id = {kind: {} for kind in (*_SINGULAR, "servers", "volumes", "server_groups")}
        self.key_pairs, self.writes = {}, []
        self.after_change = lambda: None
        self.refuses = lambda *_request: False
        self.extensions = {*_BY_EXTENSION.values(), "standard-attr-tag", "trunk", "floating-ip-port-forwarding", "qos-gateway-ip", "subnet_allocation"}
        self._numbers = itertools.count(1)
        discovery = {
            NEUTRON: {"versions": [{"id": "v2.0", "status": "CURRENT", "links": [{"rel": "self", "href": NEUTRON}]}]},
            NOVA: {"version": self._version("v2.1", "2.100", "2.1", NOVA)},
            CINDER: {"version": self._version("v3.0", "3.71", "3.0", CINDER)},
            GLANCE: {"versions": [{"id": "v2.17", "status": "CURRENT", "links": [{"rel": "self", "href": GLANCE}]}]},
        }
        for endpoint, answer in self._services().items():
            mocker.register_uri(http.ANY, re.compile(re.escape(endpoint) + "/.+"), json=answer)
            mocker.get(endpoint, json=discovery[endpoint])
            mocker.get(f"{endpoint}/", json=discovery[endpoint])
        mocker.get("http://neutron.example/", json=discovery[NEUTRON])
        mocker.get("http://glance.example/", json=discovery[GLANCE])

    @staticmethod
    def _version(name, newest, oldest, endpoint):
        links = [{"rel": "self", "href": endpoint}]
        return {"id": name, "status": "CURRENT", "version": newest, "min_version": oldest, "links": links}

    def _services(self):
        services = {NEUTRON: self._neutron, NOVA: self._nova, CINDER: self._cinder, GLANCE: lambda *_request: (200, {"images": []})}
        return {endpoint: self._answer(endpoint, serve) for endpoint, serve in services.items()}

    def cloud(self):
        """The cloud as the user of our project sees it."""
        cloud = Cloud(_connection(), "remote")
        cloud.__dict__["project_id"] = OURS
        return cloud

    def add(self, kind, project=THEIRS, **values):
        """Have something there."""
        one = {"id": f"{project}-{kind}-{next(self._numbers)}", "project_id": project, "name": "", "description": "", **values}
        self.by_id[kind][one["id"]] = one
        return one

    def of(self, project):
        """All that is a project's, with what others have put into its networks, routers and groups, for comparisons."""
        mine = {one["id"] for things in self.by_id.values() for one in things.values() if one["project_id"] == project}
        inside = ("network_id", "device_id", "security_group_id")
        found = {
            kind: [one for one in things.values() if one["id"] in mine or (kind != "ports" and any(one.get(key) in mine for key in inside))]
            for kind, things in self.by_id.items()
        }
        found["ports"] += [one for one in self.by_id["ports"].values() if one["id"] not in mine and one.get("device_id") in mine]
        return copy.deepcopy({**found, "key_pairs": sorted(name for name, owner in self.key_pairs if owner == project)})

    # HTTP

    def _answer(self, endpoint, serve):
        def answer(request, context):
            parts = urlsplit(request.url)
            path = [part for part in parts.path.removeprefix(urlsplit(endpoint).path).split("/") if part]
            body = request.json() if request.text else None
            if request.method != "GET":
                self.writes.append((request.method, *path))
            try:
                if self.refuses(request.method, *path):
                    raise Refused(403, "The site has its own rules.")
                status, found = serve(request.method, path, parse_qs(parts.query), body)
            except Refused as refused:
                status, found = refused.status, {"NeutronError": {"message": refused.why, "type": "Refused", "detail": ""}}
            context.status_code = status
            if request.method != "GET":
                self.after_change()
            return copy.deepcopy(found)

        return answer

    # Neutron

    def _neutron(self, method, path, query, body):
        kind, rest = (path[1], path[2:]) if path[0] == "qos" else (path[0], path[1:])
        if kind == "quotas":
            return 200, {"quota": {}}
        if kind == "network-ip-availabilities":
            raise Refused(403)
        if kind == "extensions":
            return 200, {"extensions": [{"alias": one} for one in sorted(self.extensions)]}
        if rest[1:2] == ["port_forwardings"]:
            return self._forwardings(method, self._changeable(kind, rest[0]), body, rest[2:])
        if method == "GET":
            return 200, {kind.replace("-", "_"): [self._shown(one) for one in self._listed(kind, query)]}
        if method == "POST":
            return 201, self._made(kind, body)
        one = self._changeable(kind, rest[0])
        if method == "DELETE":
            self._remove(kind, one["id"])
            return 204, None
        if rest[1:] == ["add_router_interface"]:
            return 200, {"port_id": self._join(one, body)["id"]}
        self._change(kind, one, rest[1:], body)
        return 200, {**body, _SINGULAR.get(kind, kind): self._shown(one)}

    def _change(self, kind, one, path, body):
        if path == ["tags"]:
            self._require("standard-attr-tag", 404)
            if len(body["tags"]) > _MOST_TAGS:
                raise Refused(400)
            one["tags"] = body["tags"]
        elif path == ["remove_router_interface"]:
            self._leave(one, body["port_id"])
        elif path == ["add_subports"]:
            self._add_subports(one, body["sub_ports"])
        else:
            self._refuse_attributes(kind, body[_SINGULAR[kind]])
            self._refuse_routes(one, body[_SINGULAR[kind]].get("routes", ()))
            one.update(body[_SINGULAR[kind]])

    # What Neutron refuses

    def _require(self, extension, status=400):
        if extension not in self.extensions:
            raise Refused(status)

    def _refuse_attributes(self, kind, wanted):
        for name in wanted:
            if (kind, name) in _BY_EXTENSION:
                self._require(_BY_EXTENSION[kind, name])
            if (kind, name) in _OF_ADMINISTRATORS and not self.is_admin:
                raise Refused(403, name)
        gateway = wanted.get("external_gateway_info") or {}
        if {"external_fixed_ips", "enable_snat"} & gateway.keys() and not self.is_admin:
            raise Refused(403)

    def _refuse_routes(self, router, routes):
        there = [one for one in self.by_id["ports"].values() if one.get("device_id") == router["id"]]
        ranges = [ipaddress.ip_network(self.by_id["subnets"][ip["subnet_id"]]["cidr"]) for port in there for ip in port["fixed_ips"]]
        for route in routes:
            if not any(ipaddress.ip_address(route["nexthop"]) in one for one in ranges):
                raise Refused(400)

    def _refuse_taken(self, wanted):
        addresses = {ip.get("ip_address") for ip in wanted.get("fixed_ips") or ()} - {None}
        for other in self.by_id["ports"].values():
            if other["network_id"] == wanted["network_id"]:
                if other["mac_address"] == wanted.get("mac_address") or addresses & {ip["ip_address"] for ip in other["fixed_ips"]}:
                    raise Refused(409)

    def _refuse_used_port(self, port_id):
        trunks = self.by_id["trunks"].values()
        is_interface = self.by_id["ports"][port_id].get("device_owner") == _INTERFACE
        if is_interface or any(port_id in (trunk["port_id"], *(one["port_id"] for one in trunk["sub_ports"])) for trunk in trunks):
            raise Refused(409)

    def _forwardings(self, method, floating, body, ids):
        self._require("floating-ip-port-forwarding", 404)
        there = floating.setdefault("port_forwardings", [])
        if method == "DELETE":
            there[:] = [one for one in there if one["id"] not in ids]
            return 204, None
        if method == "GET":
            return 200, {"port_forwardings": there}
        wanted = body["port_forwarding"]
        same = any((one["external_port"], one["protocol"]) == (wanted["external_port"], wanted["protocol"]) for one in there)
        bound = any(one.get("port_id") == wanted["internal_port_id"] for one in self.by_id["floatingips"].values())
        if floating.get("port_id") or same or bound:
            raise Refused(400)
        there.append({"id": f"forwarding-{next(self._numbers)}", **wanted})
        return 201, {"port_forwarding": wanted}

    def _add_subports(self, trunk, wanted):
        for one in wanted:
            port = self._changeable("ports", one["port_id"])
            if port["device_id"]:
                raise Refused(409)
            port["device_owner"] = "trunk:subport"
        trunk["sub_ports"] += wanted

    def _listed(self, kind, query):
        for one in self.by_id[kind].values():
            wanted = all(one.get(key) in values for key, values in query.items() if key in ("project_id", "tenant_id", "network_id", "device_id"))
            if wanted and (self.is_admin or self._is_visible(kind, one)):
                yield one

    def _is_visible(self, kind, one):
        if one["project_id"] == OURS or self._is_shared(kind, one) or one.get("router:external"):
            return True
        network = self.by_id["networks"].get(one.get("network_id"), {"project_id": None})
        if kind == "subnets":
            return self._is_visible("networks", network)
        return kind == "ports" and network["project_id"] == OURS

    def _is_shared(self, kind, one):
        return self.is_shared and kind in ("networks", "security-groups") and one["project_id"] == THEIRS and not one.get("router:external")

    def _shown(self, one):
        shown = {key: value for key, value in one.items() if self.is_admin or key not in _HIDDEN}
        for trunk in self.by_id["trunks"].values():
            if trunk["port_id"] == one["id"]:
                shown["trunk_details"] = {"trunk_id": trunk["id"], "sub_ports": trunk["sub_ports"]}
        for kind in ("networks", "security-groups"):
            if one["id"] in self.by_id[kind]:
                shown["shared"] = self._is_shared(kind, one)
        if one["id"] in self.by_id["security-groups"]:
            shown["security_group_rules"] = [rule for rule in self.by_id["security-group-rules"].values() if rule["security_group_id"] == one["id"]]
        return shown

    def _changeable(self, kind, one_id):
        one = self.by_id[kind].get(one_id)
        if one is None:
            raise Refused(404)
        if not (self.is_admin or one["project_id"] == OURS):
            raise Refused(403)
        return one

    def _made(self, kind, body):
        several = body.get("security_group_rules")
        if several is not None:
            return {"security_group_rules": [self._make(kind, one) for one in several]}
        return {_SINGULAR[kind]: self._shown(self._make(kind, body[_SINGULAR[kind]]))}

    def _make(self, kind, wanted):
        self._refuse_attributes(kind, wanted)
        if kind == "trunks":
            return self._make_trunk(wanted)
        if kind == "ports":
            self._refuse_taken(wanted)
            wanted = {**wanted, "fixed_ips": [self._with_address(ip) for ip in wanted.get("fixed_ips") or ()]}
        if kind == "floatingips":
            wanted = self._with_fixed(wanted)
        if kind == "subnets":
            self._changeable("networks", wanted["network_id"])
        if kind == "security-group-rules":
            self._changeable("security-groups", wanted["security_group_id"])
        number = next(self._numbers)
        defaults = {
            "networks": {"mtu": 1500},
            "routers": {"ha": False, "distributed": False},
            "ports": {"mac_address": f"fa:16:3e:aa:00:{number:02x}", "fixed_ips": [], "device_id": "", "device_owner": "", "status": "DOWN"},
            "floatingips": {"floating_ip_address": f"10.88.2.{number}"},
        }.get(kind, {})
        one = self.add(kind, OURS, **{**defaults, **wanted})
        if kind == "security-groups":
            self.add("security-group-rules", OURS, security_group_id=one["id"], **_EGRESS)
        return one

    def _make_trunk(self, wanted):
        self._require("trunk", 404)
        parent = self._changeable("ports", wanted["port_id"])
        if parent["device_id"]:
            raise Refused(409)
        one = self.add("trunks", OURS, **{**wanted, "sub_ports": []})
        self._add_subports(one, wanted.get("sub_ports", []))
        return one

    def _with_address(self, ip):
        prefix = self.by_id["subnets"][ip["subnet_id"]]["cidr"].rpartition(".")[0]
        return {"ip_address": f"{prefix}.{200 + next(self._numbers) % 50}", **ip}

    def _with_fixed(self, wanted):
        """A port has one floating address for each of its fixed ones and each external network."""
        port = self.by_id["ports"].get(wanted.get("port_id"))
        if port is None:
            return wanted
        addresses = [ip["ip_address"] for ip in port["fixed_ips"]]
        if len(addresses) > 1 and "fixed_ip_address" not in wanted:
            raise Refused(400)
        wanted = {"fixed_ip_address": addresses[0] if addresses else None, **wanted}
        keys = ("port_id", "fixed_ip_address", "floating_network_id")
        if any(all(one.get(key) == wanted[key] for key in keys) for one in self.by_id["floatingips"].values()):
            raise Refused(409)
        return wanted

    def _remove(self, kind, one_id):
        if kind == "ports":
            self._refuse_used_port(one_id)
        if self.by_id[kind][one_id].get("port_forwardings"):
            raise Refused(409)
        if kind == "trunks":
            for one in self.by_id[kind][one_id]["sub_ports"]:
                self.by_id["ports"][one["port_id"]]["device_owner"] = ""
        del self.by_id[kind][one_id]
        rules = self.by_id["security-group-rules"]
        for rule_id in [rule_id for rule_id, rule in rules.items() if rule["security_group_id"] == one_id]:
            del rules[rule_id]

    def _join(self, router, wanted):
        if "port_id" in wanted:
            port = self._changeable("ports", wanted["port_id"])
            port.update(device_id=router["id"], device_owner=_INTERFACE)
            return port
        subnet = self.by_id["subnets"][wanted["subnet_id"]]
        self._changeable("networks", subnet["network_id"])
        return self.interface(router, subnet)

    def _leave(self, router, port_id):
        port = self.by_id["ports"][port_id]
        ranges = [ipaddress.ip_network(self.by_id["subnets"][ip["subnet_id"]]["cidr"]) for ip in port["fixed_ips"]]
        if any(ipaddress.ip_address(one["nexthop"]) in cidr for one in router.get("routes") or () for cidr in ranges):
            raise Refused(409)
        del self.by_id["ports"][port_id]

    def interface(self, router, subnet):
        return self.add(
            "ports",
            router["project_id"],
            network_id=subnet["network_id"],
            device_id=router["id"],
            device_owner=_INTERFACE,
            mac_address=f"fa:16:3e:bb:00:{next(self._numbers):02}",
            fixed_ips=[{"subnet_id": subnet["id"], "ip_address": subnet["gateway_ip"]}],
        )

    # Nova: lists are of the caller's project unless another one is asked for, which nobody here does

    def _nova(self, method, path, query, body):
        if path[0] in _LIMITS:
            return 200, _LIMITS[path[0]]
        if path[0] == "os-server-groups" and query.get("offset", ["0"]) != ["0"]:
            return 200, {"server_groups": []}
        special = {"flavors": self._flavors, "os-keypairs": self._key_pairs, "os-server-groups": self._server_groups}
        if path[0] in special:
            return special[path[0]](method, path[1:], body)
        if method == "GET" and path[1:] == ["detail"]:
            return 200, {"servers": [one for one in self.by_id["servers"].values() if one["project_id"] == OURS]}
        if method == "POST" and not path[1:]:
            return 202, {"server": self._build(body["server"])}
        one = self._owned("servers", path[1])
        if method == "GET":
            attached = {"os-volume_attachments": {"volumeAttachments": self._attached(one)}, "os-interface": {"interfaceAttachments": self._interfaces(one)}}
            attached["shares"] = {"shares": []}
            return 200, attached[path[2]] if path[2:] else {"server": one}
        if method == "DELETE" and not path[2:]:
            del self.by_id["servers"][one["id"]]
            return 204, None
        self._act(one, method, path[2:], body)
        return 202, body

    @staticmethod
    def _attached(server):
        volumes = server["os-extended-volumes:volumes_attached"]
        return [{"id": one["id"], "volumeId": one["id"], "device": f"/dev/vd{letter}"} for one, letter in zip(volumes, "abc", strict=False)]

    def _interfaces(self, server):
        ports = [one for one in self.by_id["ports"].values() if one.get("device_id") == server["id"]]
        return [{"port_id": one["id"], "mac_addr": one.get("mac_address", "")} for one in ports]

    def _act(self, server, method, path, body):
        if path == ["action"]:
            (action,) = body
            changes = {
                "lock": {"locked": True, "locked_reason": (body.get("lock") or {}).get("locked_reason", "")},
                "unlock": {"locked": False, "locked_reason": None},
                "os-stop": {"status": "SHUTOFF"},
                "os-start": {"status": "ACTIVE"},
            }
            server.update(changes[action])
        elif path[0] == "metadata" and method == "DELETE":
            server["metadata"].pop(path[1], None)
        elif path[0] == "metadata":
            server["metadata"].update(body["metadata"])

    def _build(self, wanted):
        attached = [{"id": one["uuid"], "delete_on_termination": one["delete_on_termination"]} for one in wanted["block_device_mapping_v2"]]
        one = self.server(OURS, wanted["name"], wanted.get("metadata", {}), attached)
        for network in wanted["networks"]:
            self.by_id["ports"][network["port"]]["device_id"] = one["id"]
        return one

    def server(self, project, name, metadata, attached=(), **changes):
        values = {
            "name": name,
            "tenant_id": project,
            "status": "ACTIVE",
            "metadata": dict(metadata),
            "flavor": {"vcpus": 1, "ram": 320, "disk": 1, "ephemeral": 0, "swap": 0, "original_name": "lab.db", "extra_specs": {}},
            "addresses": {},
            "locked": False,
            "os-extended-volumes:volumes_attached": list(attached),
            "OS-EXT-STS:task_state": None,
        }
        return self.add("servers", project, **{**values, **changes})

    def _owned(self, kind, one_id):
        one = self.by_id[kind].get(one_id)
        if one is None or not (self.is_admin or one["project_id"] == OURS):
            raise Refused(404)
        return one

    @staticmethod
    def _flavors(_method, _path, _body):
        size = {"vcpus": 2, "ram": 1024, "disk": 1, "OS-FLV-EXT-DATA:ephemeral": 0, "swap": 0}
        return 200, {"flavors": [{"id": name, "name": name, **size} for name in ("lab.small", "lab.db")]}

    def _key_pairs(self, method, path, body):
        """Those of the user, whatever the project."""
        if method == "GET":
            return 200, {"keypairs": [{"keypair": {"name": name, "public_key": key}} for (name, owner), key in self.key_pairs.items() if owner == OURS]}
        if method == "POST":
            self.key_pairs[body["keypair"]["name"], OURS] = body["keypair"]["public_key"]
            return 201, body
        del self.key_pairs[path[0], OURS]
        return 202, None

    def _server_groups(self, method, path, body):
        if method == "GET":
            return 200, {"server_groups": [one for one in self.by_id["server_groups"].values() if one["project_id"] == OURS]}
        if method == "POST":
            return 200, {"server_group": self.add("server_groups", OURS, members=[], rules={}, **body["server_group"])}
        del self.by_id["server_groups"][self._owned("server_groups", path[0])["id"]]
        return 204, None

    # Cinder, whose lists are of the caller's project too

    def _cinder(self, method, path, _query, body):
        if path[0] in _LIMITS:
            return 200, _LIMITS[path[0]]
        if path[0] == "types":
            kind = {"id": "type", "name": "ceph"}
            return 200, {"volume_types": [kind]} if not path[1:] else {"volume_type": kind}
        if path[0] == "backups":
            return 200, {"backups": []} if path[1:] == ["detail"] else {"backup": {"id": path[1], "status": "available", "volume_id": "v"}}
        if method == "GET" and path[1:] == ["detail"]:
            return 200, {"volumes": [one for one in self.by_id["volumes"].values() if one["project_id"] == OURS]}
        if method == "POST" and not path[1:]:
            return 202, {"volume": self.volume(OURS, **{key: value for key, value in body["volume"].items() if key != "backup_id"})}
        one = self._owned("volumes", path[1])
        if method == "GET":
            return 200, {"volume": one}
        if method == "DELETE":
            del self.by_id["volumes"][one["id"]]
            return 202, None
        if path[2:] == ["metadata"]:
            one["metadata"].update(body["metadata"])
        elif method == "PUT":
            one.update(body["volume"])
        return 200, body

    def volume(self, project, name, description, metadata=None, **changes):
        values = {"name": name, "description": description, "metadata": metadata or {}, "size": 1, "status": "available", "bootable": "true"}
        return self.add("volumes", project, **{**values, "attachments": [], **changes})


def differences(before, after):
    """What of a project is not as it was, to be read."""
    return {
        kind: json.dumps({"before": before[kind], "after": after[kind]}, indent=1, default=str) for kind in before if before[kind] != after[kind]
    }
