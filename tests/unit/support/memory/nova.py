# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Nova in memory: what it shows at each microversion, and what it refuses. What it is asked to do, is done at once."""

from __future__ import annotations

import copy
import re
import typing as t

from ansible_collections.osdr.openstack.tests.unit.support.memory.asking import LONGEST, Caller, Limits, Refused, Request, Resource, expect, expect_text

#: Since when Nova shows and takes what; and what only administrators see.
_SHOWN_SINCE = {
    "tags": (2, 26),
    "description": (2, 19),
    "locked": (2, 9),
    "locked_reason": (2, 73),
    "trusted_image_certificates": (2, 63),
    "pinned_availability_zone": (2, 96),
    "scheduler_hints": (2, 100),
    "server_groups": (2, 71),
}
_TAKEN_SINCE = {"description": (2, 19), "tags": (2, 52), "trusted_image_certificates": (2, 63), "hostname": (2, 90)}
_OF_ADMINISTRATORS = ("OS-EXT-SRV-ATTR:root_device_name", "OS-EXT-SRV-ATTR:user_data", "OS-EXT-SRV-ATTR:host", "OS-EXT-SRV-ATTR:hypervisor_hostname")
_HOSTNAME, _HOSTNAME_SINCE, _DOMAINS_SINCE = "OS-EXT-SRV-ATTR:hostname", (2, 90), (2, 94)
#: What Nova shows of a server in each state.
_STATES: dict[str, Resource] = {
    status: {"status": status, "OS-EXT-STS:vm_state": state, "OS-EXT-STS:power_state": power}
    for status, state, power in (
        *(("ACTIVE", "active", 1), ("SHUTOFF", "stopped", 4), ("PAUSED", "paused", 3), ("SUSPENDED", "suspended", 4), ("RESCUE", "rescued", 1)),
        *(("VERIFY_RESIZE", "resized", 1), ("SHELVED_OFFLOADED", "shelved_offloaded", 4), ("ERROR", "error", 1)),
    )
}
#: In which states Nova takes an action, and what comes of it.
_ACTIONS = {
    "os-stop": (("ACTIVE", "ERROR"), "SHUTOFF"),
    "os-start": (("SHUTOFF",), "ACTIVE"),
    "pause": (("ACTIVE",), "PAUSED"),
    "unpause": (("PAUSED",), "ACTIVE"),
    "suspend": (("ACTIVE",), "SUSPENDED"),
    "resume": (("SUSPENDED",), "ACTIVE"),
    "rescue": (("ACTIVE", "SHUTOFF", "ERROR"), "RESCUE"),
    "unrescue": (("RESCUE",), "ACTIVE"),
    "resize": (("ACTIVE", "SHUTOFF"), "VERIFY_RESIZE"),
    "confirmResize": (("VERIFY_RESIZE",), "ACTIVE"),
    "shelve": (("ACTIVE", "SHUTOFF", "PAUSED", "SUSPENDED"), "SHELVED_OFFLOADED"),
}
#: Since when a volume may be one for several servers.
_SHARED_SINCE = (2, 60)
_POLICIES = ("affinity", "anti-affinity", "soft-affinity", "soft-anti-affinity")
_TAG = re.compile(r"[^,/]{1,60}")
_MOST_TAGS, _MOST_METADATA = 50, 128
_HOST = "compute-1"
_BODY = frozenset(
    {
        *("name", "flavorRef", "imageRef", "networks", "block_device_mapping_v2", "config_drive", "metadata", "key_name", "description", "tags"),
        *("user_data", "availability_zone", "hostname", "min_count", "max_count", "security_groups", "trusted_image_certificates", "OS-DCF:diskConfig"),
    }
)


class Nova:
    """
    :ivar version: the newest that it knows.
    :ivar is_slow: whether a server is still being built, and its volumes reserved for it, when servers are listed for the first time after the request.
    """

    def __init__(self, site: t.Any, version: tuple[int, int]) -> None:
        self._site = site
        self.version = version
        self.by_id: dict[str, dict[str, Resource]] = {"servers": {}, "server_groups": {}, "key_pairs": {}, "flavors": {}}
        self.zones = ["nova"]
        #: Kinds of which a policy of the site keeps everybody from seeing anything.
        self.hides: set[str] = set()
        #: How many flavors it lists at once; None for all.
        self.page: int | None = None
        #: With name, availability_zone and metadata.
        self.aggregates: list[Resource] = []
        self.is_slow = False
        self._unfinished: list[tuple[Resource, list[tuple[Resource, bool, str | None]]]] = []
        #: Ids of the ports that it made for servers by itself.
        self._made_ports: set[str] = set()
        self.limits = Limits(
            {
                "instances": lambda project: len(self._of(project)),
                "cores": lambda project: sum(one["flavor"]["vcpus"] for one in self._of(project)),
                "ram": lambda project: sum(one["flavor"]["ram"] for one in self._of(project)),
                "server_groups": lambda project: sum(one["project_id"] == project for one in self.by_id["server_groups"].values()),
                "server_group_members": lambda _project: 0,
                "metadata_items": lambda _project: 0,
            },
            403,
        )
        self.limits.limit["metadata_items"] = _MOST_METADATA

    def _of(self, project: str) -> list[Resource]:
        return [one for one in self.by_id["servers"].values() if one["project_id"] == project]

    def serve(self, request: Request) -> t.Any:
        kind, rest = request.path[0], request.path[1:]
        serve = {
            "servers": self._servers,
            "flavors": self._flavors,
            "os-keypairs": self._key_pairs,
            "os-server-groups": self._server_groups,
            "os-quota-sets": self._quotas,
            "os-aggregates": self._aggregates,
            "os-availability-zone": lambda _asked, _rest: {
                "availabilityZoneInfo": [{"zoneName": name, "zoneState": {"available": True}} for name in self.zones]
            },
        }
        expect(kind in serve, f"{kind} could not be found.", 404)
        expect(kind not in self.hides, f"Policy doesn't allow {kind}.", 403)
        return serve[kind](request, rest)

    def _quotas(self, request: Request, rest: tuple[str, ...]) -> t.Any:
        if rest[1:] == ("detail",):
            return {"quota_set": self.limits.shown(request.caller.project, "in_use")}
        return {"quota_set": {"id": rest[0], **self.limits.serve(request, rest, "defaults")}}

    def _aggregates(self, request: Request, _rest: tuple[str, ...]) -> t.Any:
        expect(request.caller.sees_all, "Policy doesn't allow os_compute_api:os-aggregates:index to be performed.", 403)
        zones = [{**one, "metadata": {**one["metadata"], **({"availability_zone": one["availability_zone"]} if one["availability_zone"] else {})}}
                 for one in self.aggregates]
        return {"aggregates": copy.deepcopy(zones)}

    # Servers

    def _servers(self, request: Request, rest: tuple[str, ...]) -> t.Any:
        if request.method == "GET" and rest in ((), ("detail",)):
            is_everywhere = "all_tenants" in request.query and request.caller.sees_all
            found = list(self.by_id["servers"].values()) if is_everywhere else self._of(request.caller.project)
            shown = [self._shown(one, request) for one in found]
            self._finish()
            return {"servers": shown}
        if request.method == "POST" and not rest:
            return {"server": self._shown(self._build(request), request)}
        server = self.by_id["servers"].get(rest[0])
        if server is None or server["project_id"] != request.caller.project and not request.caller.sees_all:
            raise Refused(404, f"Instance {rest[0]} could not be found.")
        if request.method == "DELETE" and not rest[1:]:
            return self._remove(server)
        if not rest[1:]:
            if request.method == "PUT":
                self._update(server, request.body["server"])
            return {"server": self._shown(server, request)}
        return self._part(request, server, rest[1:])

    def _part(self, request: Request, server: Resource, rest: tuple[str, ...]) -> t.Any:
        if rest[0] == "os-volume_attachments":
            return self._attachments(request, server, rest[1:])
        if rest[0] == "shares":
            return {"shares": []}
        if rest[0] == "os-interface":
            return self._attached_ports(request, server)
        if rest[0] == "metadata":
            return self._metadata(request, server, rest[1:])
        if rest[0] == "tags":
            self._expect_tags(request.body["tags"])
            server["tags"] = list(request.body["tags"])
            return {"tags": server["tags"]}
        if rest[0] == "action":
            return self._act(server, request)
        raise Refused(404, "The resource could not be found.")

    def _shown(self, server: Resource, request: Request) -> Resource:
        shown = {key: value for key, value in server.items() if not key.startswith("_") and request.version >= _SHOWN_SINCE.get(key, (2, 1))}
        if not request.caller.sees_all:
            shown = {key: value for key, value in shown.items() if key not in _OF_ADMINISTRATORS}
            if request.version < _HOSTNAME_SINCE:
                shown.pop(_HOSTNAME)
        shown["flavor"] = {key: value for key, value in server["flavor"].items() if key != "extra_specs" or request.version >= (2, 61)}
        if request.version < (2, 47):
            shown["flavor"] = {"id": server["_flavor_id"]}
        shown["addresses"] = self._addresses(server)
        shown["tenant_id"] = shown.pop("project_id")
        if request.version >= (2, 71):
            shown["server_groups"] = [group["id"] for group in self.by_id["server_groups"].values() if server["id"] in group["members"]]
        shown["os-extended-volumes:volumes_attached"] = [
            {"id": one["volume_id"], "delete_on_termination": one["delete_on_termination"]} for one in server["_volumes"]
        ]
        return copy.deepcopy(shown)

    def _addresses(self, server: Resource) -> Resource:
        ports, networks = self._site.neutron.by_id["ports"], self._site.neutron.by_id["networks"]
        found: Resource = {}
        for port in (ports[one] for one in server["_ports"]):
            there = found.setdefault(networks[port["network_id"]]["name"], [])
            for ip in port["fixed_ips"]:
                version = 6 if ":" in ip["ip_address"] else 4
                there.append({"addr": ip["ip_address"], "version": version, "OS-EXT-IPS:type": "fixed", "OS-EXT-IPS-MAC:mac_addr": port["mac_address"]})
        return {label: there for label, there in found.items() if there}

    @staticmethod
    def _expect_tags(tags: t.Sequence[str]) -> None:
        expect(len(tags) <= _MOST_TAGS and all(_TAG.fullmatch(tag) for tag in tags) and len(set(tags)) == len(tags), "Invalid tags")

    @staticmethod
    def _expect_metadata(metadata: t.Mapping[str, str]) -> None:
        expect(len(metadata) <= _MOST_METADATA, "Maximum number of metadata items exceeds 128", 403)
        valid = all(re.fullmatch(r"[a-zA-Z0-9\-_:. ]{1,255}", key) and isinstance(value, str) and len(value) <= LONGEST for key, value in metadata.items())
        expect(valid, "Invalid input for metadata")

    def _build(self, request: Request) -> Resource:
        wanted, caller = request.body["server"], request.caller
        hints = request.body.get("os:scheduler_hints") or request.body.get("OS-SCH-HNT:scheduler_hints") or wanted.get("os:scheduler_hints") or {}
        self._expect_body(wanted, request.version)
        flavor = self.by_id["flavors"].get(str(wanted["flavorRef"]))
        if flavor is None:
            raise Refused(400, "Flavor could not be found.")
        expect(wanted.get("key_name") is None or f"{caller.project}/{wanted['key_name']}" in self.by_id["key_pairs"], "Invalid key_name provided.")
        zone = wanted.get("availability_zone")
        expect(zone is None or zone in self.zones, "The requested availability zone is not available")
        group = self._group(hints, caller)
        self.limits.take(caller.project, instances=1, cores=flavor["vcpus"], ram=flavor["ram"])
        hostname = wanted.get("hostname") or _hostname(wanted["name"]) or "server"
        ports = self._ports(wanted["networks"], caller, hostname)
        mapping = wanted["block_device_mapping_v2"]
        self._expect_root(mapping)
        image = self._image(mapping, wanted.get("imageRef"), flavor)
        volumes = self._volumes([one for one in mapping if one.get("source_type") != "image"], caller, request.version, image is not None)
        one: Resource = {
            "id": self._site.new_id(),
            "project_id": caller.project,
            "user_id": caller.project,
            "name": wanted["name"],
            "status": "ACTIVE",
            "metadata": dict(wanted.get("metadata") or {}),
            "tags": list(wanted.get("tags") or ()),
            "description": wanted.get("description"),
            "flavor": {key: flavor[key] for key in ("original_name", "vcpus", "ram", "disk", "ephemeral", "swap", "extra_specs")},
            "key_name": wanted.get("key_name"),
            "config_drive": "True" if wanted.get("config_drive") else "",
            "image": {"id": image["id"], "links": []} if image else "",
            "locked": False,
            "locked_reason": None,
            "trusted_image_certificates": wanted.get("trusted_image_certificates"),
            "pinned_availability_zone": zone,
            "scheduler_hints": hints,
            "OS-EXT-AZ:availability_zone": zone or self.zones[0],
            "OS-EXT-STS:task_state": None,
            "OS-EXT-STS:vm_state": "active",
            "OS-EXT-STS:power_state": 1,
            "OS-EXT-SRV-ATTR:host": _HOST,
            "OS-EXT-SRV-ATTR:hypervisor_hostname": _HOST,
            "OS-EXT-SRV-ATTR:root_device_name": "/dev/vda",
            "OS-EXT-SRV-ATTR:user_data": wanted.get("user_data"),
            _HOSTNAME: hostname,
            "accessIPv4": "",
            "accessIPv6": "",
            "_flavor_id": flavor["id"],
            "_ports": [],
            "_volumes": [],
        }
        self.by_id["servers"][one["id"]] = one
        if group:
            group["members"].append(one["id"])
        for port in ports:
            self.plug(one, port)
        if self.is_slow:
            one |= {"status": "BUILD", "OS-EXT-STS:task_state": "spawning"}
        self._unfinished.append((one, volumes))
        if not self.is_slow:
            self._finish()
        return one

    def _finish(self) -> None:
        """Attach the volumes of the servers that are being built, and start them."""
        for server, volumes in self._unfinished:
            for volume in volumes:
                self.attach(server, *volume)
            server |= {"status": "ACTIVE", "OS-EXT-STS:task_state": None}
        self._unfinished = []

    def _expect_body(self, wanted: Resource, version: tuple[int, int]) -> None:
        for name in wanted:
            expect(name in _BODY and version >= _TAKEN_SINCE.get(name, (2, 1)), f"Additional properties are not allowed ('{name}' was unexpected)")
        name = wanted["name"]
        expect(name.strip() == name and 0 < len(name) <= LONGEST and name.isprintable(), "Invalid input for name")
        expect_text(wanted, "description")
        self._expect_tags(wanted.get("tags") or ())
        self._expect_metadata(wanted.get("metadata") or {})
        if "hostname" in wanted:
            pattern = r"[a-zA-Z0-9][a-zA-Z0-9_.-]*[a-zA-Z0-9]" if version >= _DOMAINS_SINCE else r"[a-zA-Z0-9][a-zA-Z0-9-]*[a-zA-Z0-9]"
            most = LONGEST if version >= _DOMAINS_SINCE else 63
            expect(2 <= len(wanted["hostname"]) <= most and re.fullmatch(pattern, wanted["hostname"]), "Invalid input for hostname")

    def _group(self, hints: Resource, caller: Caller) -> Resource | None:
        if not hints.get("group"):
            return None
        group = self.by_id["server_groups"].get(hints["group"])
        if group is None or group["project_id"] != caller.project:
            raise Refused(400, f"Instance group {hints['group']} could not be found.")
        limit = self.limits.limit.get("server_group_members", -1)
        expect(limit < 0 or len(group["members"]) < limit, "Quota exceeded, too many servers in group", 403)
        return group

    def _ports(self, networks: t.Any, caller: Caller, hostname: str) -> list[Resource]:
        if networks == "none":
            return []
        found = []
        for one in networks:
            if "uuid" in one:
                made = self._site.neutron.create("ports", {"network_id": one["uuid"]}, caller)
                self._made_ports.add(made["id"])
                found.append(self._site.neutron.by_id["ports"][made["id"]])
                continue
            port = self._site.neutron.by_id["ports"].get(one["port"])
            if port is None or not (caller.sees_all or port["project_id"] == caller.project):
                raise Refused(400, f"Port id {one['port']} could not be found.")
            expect(not port["device_id"], f"Port {port['id']} is still in use.", 409)
            expect(port["fixed_ips"] or port.get("ip_allocation") == "none", f"Port {port['id']} requires a FixedIP in order to be used.")
            dns_name = port.get("dns_name")
            expect(not dns_name or dns_name == hostname, f"Port {port['id']} not usable: value of dns_name attribute does not match hostname")
            found.append(port)
        return found

    def plug(self, server: Resource, port: Resource) -> None:
        self._site.neutron.expect_compatible(port)
        port |= {"device_id": server["id"], "device_owner": "compute:nova", "status": "ACTIVE" if port["admin_state_up"] else "DOWN", "binding:host_id": _HOST}
        if "dns_name" in port and "dns-integration" in self._site.neutron.extensions:
            port["dns_name"] = server[_HOSTNAME].split(".")[0]
        server["_ports"].append(port["id"])

    @staticmethod
    def _expect_root(mapping: t.Sequence[Resource]) -> None:
        boots = [one for one in mapping if str(one.get("boot_index")) == "0"]
        expect(len(boots) == 1, "Block Device Mapping is Invalid: Boot sequence for the instance and image/block device mapping combination is not valid.")

    def _image(self, mapping: t.Sequence[Resource], image_ref: str | None, flavor: Resource) -> Resource | None:
        """The image that a server boots from; None where it boots from a volume."""
        local = [one for one in mapping if one.get("source_type") == "image"]
        if not (local or image_ref):
            return None
        is_one = [(str(one["boot_index"]), one["destination_type"], one["uuid"]) for one in local] == [("0", "local", image_ref)]
        expect(is_one, "The image and the block device mapping do not agree.")
        image = self._site.glance.fake.by_id.get(image_ref)
        if image is None or image["status"] != "active":
            raise Refused(400, f"Can not find requested image {image_ref}")
        expect(image["min_disk"] <= flavor["disk"], "Flavor's disk is too small for requested image.")
        return t.cast(Resource, image)

    def _volumes(
        self, mapping: t.Sequence[Resource], caller: Caller, version: tuple[int, int], has_image: bool
    ) -> list[tuple[Resource, bool, str | None]]:
        found = []
        for one in sorted(mapping, key=lambda one: str(one.get("boot_index")) != "0"):
            volume = self._site.cinder.by_id["volumes"].get(one["uuid"])
            if volume is None or volume["project_id"] != caller.project:
                raise Refused(400, f"Block Device Mapping is Invalid: failed to get volume {one['uuid']}.")
            expect(not volume["multiattach"] or version >= _SHARED_SINCE, "Multiattach volumes are only supported starting with compute API version 2.60.")
            found.append((volume, bool(one.get("delete_on_termination")), one.get("tag")))
        expect(has_image or found[0][0]["bootable"] == "true", "Block Device is not bootable.")
        for volume, _goes_with_it, _tag in found:
            self._site.cinder.reserve(volume)
        return found

    def attach(self, server: Resource, volume: Resource, goes_with_it: bool, tag: str | None = None, device: str | None = None) -> None:
        taken = {one["device"] for one in server["_volumes"]} | ({"/dev/vda"} if server["image"] else set())
        device = device or next(name for letter in "abcdefghijklmnopqrstuvwxyz" if (name := f"/dev/vd{letter}") not in taken)
        server["_volumes"].append({"volume_id": volume["id"], "device": device, "delete_on_termination": goes_with_it, "tag": tag})
        volume["status"] = "in-use"
        volume["attachments"].append({"server_id": server["id"], "device": device, "volume_id": volume["id"], "id": volume["id"]})

    def _update(self, server: Resource, wanted: Resource) -> None:
        expect_text(wanted, "name", "description")
        names = {"hostname": _HOSTNAME}
        for name, value in wanted.items():
            expect(name in ("name", "description", "accessIPv4", "accessIPv6", "hostname"), f"Additional properties are not allowed ('{name}' was unexpected)")
            server[names.get(name, name)] = value

    def _attachments(self, request: Request, server: Resource, rest: tuple[str, ...]) -> t.Any:
        if request.method == "PUT":
            (one,) = [one for one in server["_volumes"] if one["volume_id"] == rest[0]]
            one["delete_on_termination"] = request.body["volumeAttachment"]["delete_on_termination"]
            return None
        shown = [
            {"id": one["volume_id"], "volumeId": one["volume_id"], "serverId": server["id"], **_of_attachment(one, request.version)}
            for one in server["_volumes"]
        ]
        return {"volumeAttachments": shown}

    def _attached_ports(self, request: Request, server: Resource) -> Resource:
        ports = self._site.neutron.by_id["ports"]
        found = []
        for port_id in sorted(server["_ports"]):
            port = ports[port_id]
            tag = {"tag": None} if request.version >= (2, 70) else {}
            found.append(
                {
                    "port_id": port_id,
                    "net_id": port["network_id"],
                    "mac_addr": port["mac_address"],
                    "fixed_ips": port["fixed_ips"],
                    "port_state": port["status"],
                    **tag,
                }
            )
        return {"interfaceAttachments": found}

    def _metadata(self, request: Request, server: Resource, rest: tuple[str, ...]) -> t.Any:
        expect(request.method == "GET" or not server["locked"] or request.caller.sees_all, "Instance is locked", 409)
        if request.method == "DELETE":
            server["metadata"].pop(rest[0], None)
            return None
        if request.method != "GET":
            kept = {} if request.method == "PUT" else server["metadata"]
            merged = {**kept, **request.body["metadata"]}
            self._expect_metadata(merged)
            server["metadata"] = merged
        return {"metadata": server["metadata"]}

    def _act(self, server: Resource, request: Request) -> t.Any:
        ((action, arguments),) = request.body.items()
        expect(not server["locked"] or action in ("unlock", "os-getConsoleOutput"), "Instance is locked", 409)
        if action == "os-getConsoleOutput":
            return {"output": ""}
        if action in ("lock", "unlock"):
            server |= {"locked": action == "lock", "locked_reason": (arguments or {}).get("locked_reason")}
            return None
        if action == "os-resetState":
            expect(request.caller.sees_all, "Policy doesn't allow os_compute_api:os-admin-actions:reset_state to be performed.", 403)
            server |= _STATES["ERROR" if arguments["state"] == "error" else "ACTIVE"]
            return None
        before, after = _ACTIONS[action]
        expect(server["status"] in before, f"Cannot '{action}' instance while it is {server['status']}", 409)
        server |= _STATES[after]
        if action == "shelve":
            # A server whose disks are volumes is taken off its host at once; they are kept for it, and attached to nothing.
            for volume in (self._site.cinder.by_id["volumes"][one["volume_id"]] for one in server["_volumes"]):
                volume |= {"status": "reserved", "attachments": []}
        return None

    def _remove(self, server: Resource) -> None:
        expect(not server["locked"], "Instance is locked", 409)
        ports = self._site.neutron.by_id["ports"]
        # It takes Neutron's word for which ports the server has, and its own for which were there before.
        for port_id in [one for one in self._made_ports if one in ports and ports[one]["device_id"] == server["id"]]:
            self._site.neutron.delete("ports", ports[port_id])
        for port_id in [one for one in server["_ports"] if one not in self._made_ports]:
            ports[port_id] |= {"device_id": "", "device_owner": "", "status": "DOWN"}
        for one in server["_volumes"]:
            volume = self._site.cinder.by_id["volumes"][one["volume_id"]]
            left = [other for other in volume["attachments"] if other["server_id"] != server["id"]]
            volume |= {"status": "in-use" if left else "available", "attachments": left}
            # Cinder deletes none that another server has.
            if one["delete_on_termination"] and not left:
                del self._site.cinder.by_id["volumes"][one["volume_id"]]
        for group in self.by_id["server_groups"].values():
            group["members"] = [one for one in group["members"] if one != server["id"]]
        del self.by_id["servers"][server["id"]]

    # What servers need

    def flavor(self, name: str, vcpus: int, ram: int, **values: t.Any) -> Resource:
        """Have a flavor."""
        sizes = {"disk": 1, "ephemeral": 0, "swap": 0, "extra_specs": {}}
        more = {"rxtx_factor": 1.0, "is_public": True, "is_disabled": False, "description": None, "access": []}
        one = {"id": self._site.new_id(), "project_id": "", "original_name": name, "vcpus": vcpus, "ram": ram, **sizes, **more, **values}
        self.by_id["flavors"][one["id"]] = one
        return one

    def _flavors(self, request: Request, rest: tuple[str, ...]) -> Resource | None:
        if request.method == "GET" and rest in ((), ("detail",)):
            return self._listed_flavors(request)
        expect(request.caller.sees_all, "Policy doesn't allow os_compute_api:os-flavor-manage to be performed.", 403)
        if request.method == "POST" and not rest:
            return {"flavor": self._shown_flavor(self._create_flavor(request), request)}
        flavor = self.by_id["flavors"].get(rest[0])
        if flavor is None:
            raise Refused(404, f"Flavor {rest[0]} could not be found.")
        if rest[1:] == ("os-extra_specs",) and request.method == "POST":
            self._expect_specs(request.body["extra_specs"])
            flavor["extra_specs"] |= request.body["extra_specs"]
            return {"extra_specs": flavor["extra_specs"]}
        if rest[1:] == ("os-flavor-access",):
            expect(not flavor["is_public"], "Access list not available for public flavors.", 404)
            return {"flavor_access": [{"flavor_id": flavor["id"], "tenant_id": project} for project in flavor["access"]]}
        if rest[1:] == ("action",):
            project = request.body["addTenantAccess"]["tenant"]
            expect(project in self._site.keystone.projects, f"Project ID {project} is not a valid project.")
            expect(request.version < (2, 7) or not flavor["is_public"], "Can not add access to a public flavor.", 409)
            expect(project not in flavor["access"], "Flavor access already exists.", 409)
            flavor["access"].append(project)
            return {"flavor_access": []}
        expect(request.method == "PUT" and request.version >= (2, 55) and set(request.body["flavor"]) == {"description"}, "Only descriptions can be changed.")
        flavor["description"] = request.body["flavor"]["description"]
        return {"flavor": self._shown_flavor(flavor, request)}

    def _listed_flavors(self, request: Request) -> Resource:
        wish = request.query.get("is_public", ["True"])[0] if request.caller.sees_all else "True"
        found = [one for one in self.by_id["flavors"].values() if wish == "None" or one["is_public"] or request.caller.project in one["access"]]
        if not request.caller.sees_all:
            found = [one for one in found if not one["is_disabled"]]
        if "marker" in request.query:
            found = found[[one["id"] for one in found].index(request.query["marker"][0]) + 1 :]
        page = found[: self.page]
        links = {"flavors_links": [{"rel": "next", "href": "http://nova.example/v2.1/next"}]} if len(page) < len(found) else {}
        return {"flavors": [self._shown_flavor(one, request) for one in page], **links}

    @staticmethod
    def _shown_flavor(one: Resource, request: Request) -> Resource:
        specs = {"extra_specs": dict(one["extra_specs"])} if request.version >= (2, 61) else {}
        text = {"description": one["description"]} if request.version >= (2, 55) else {}
        sizes = {key: one[key] for key in ("id", "vcpus", "ram", "disk", "rxtx_factor")}
        flags = {"os-flavor-access:is_public": one["is_public"], "OS-FLV-DISABLED:disabled": one["is_disabled"]}
        swap = one["swap"] if request.version >= (2, 75) else one["swap"] or ""
        return {**sizes, **flags, **text, "name": one["original_name"], "OS-FLV-EXT-DATA:ephemeral": one["ephemeral"], "swap": swap, **specs}

    def _create_flavor(self, request: Request) -> Resource:
        wanted = dict(request.body["flavor"])
        expect("description" not in wanted or request.version >= (2, 55), "Additional properties are not allowed ('description' was unexpected)")
        expect_text(wanted, "name")
        name = wanted.pop("name")
        expect(0 < len(name) <= LONGEST and wanted["vcpus"] > 0 and wanted["ram"] > 0, "Invalid input for flavor")
        taken = any(one["original_name"] == name for one in self.by_id["flavors"].values())
        expect(not taken, f"Flavor with name {name} already exists.", 409)
        more = {"ephemeral": wanted.pop("OS-FLV-EXT-DATA:ephemeral", 0), "is_public": wanted.pop("os-flavor-access:is_public", True)}
        known = {"vcpus", "ram", "disk", "swap", "rxtx_factor", "description"}
        expect(set(wanted) <= known, f"Additional properties are not allowed: {set(wanted) - known}")
        return self.flavor(name, wanted.pop("vcpus"), wanted.pop("ram"), **wanted, **more)

    @staticmethod
    def _expect_specs(specs: t.Mapping[str, t.Any]) -> None:
        valid = all(re.fullmatch(r"[a-zA-Z0-9-_:. ]{1,255}", key) and isinstance(value, str) and len(value) <= LONGEST for key, value in specs.items())
        expect(valid, "Invalid input for extra specs")

    def _key_pairs(self, request: Request, rest: tuple[str, ...]) -> t.Any:
        pairs, owner = self.by_id["key_pairs"], request.caller.project
        if request.method == "POST":
            wanted = request.body["keypair"]
            kind = wanted.get("type", "ssh")
            more = ".@" if request.version >= (2, 92) else ""
            expect(re.fullmatch(rf"[a-zA-Z0-9 _{more}-]{{1,255}}", wanted["name"]), "Invalid input for key pair name")
            expect(
                kind == "x509" or re.match(r"(ssh-(rsa|ed25519)|ecdsa-sha2-nistp256) [A-Za-z0-9+/=]+", wanted["public_key"]),
                "Keypair data is invalid: failed to generate fingerprint",
            )
            expect(f"{owner}/{wanted['name']}" not in pairs, "Key pair already exists.", 409)
            pairs[f"{owner}/{wanted['name']}"] = {"name": wanted["name"], "public_key": wanted["public_key"], "type": kind, "project_id": owner}
            return {"keypair": wanted}
        if request.method == "DELETE":
            del pairs[f"{owner}/{rest[0]}"]
            return None
        shown = [{"keypair": one} for one in pairs.values() if one["project_id"] == owner]
        return {"keypairs": [] if request.query.get("marker") else shown}

    def _server_groups(self, request: Request, rest: tuple[str, ...]) -> t.Any:
        groups, project = self.by_id["server_groups"], request.caller.project
        if request.method == "POST":
            wanted = request.body["server_group"]
            policy = wanted.get("policy") or wanted["policies"][0]
            expect(policy in _POLICIES and 0 < len(wanted["name"]) <= LONGEST and wanted["name"].strip() == wanted["name"], "Invalid input for server group")
            rules = wanted.get("rules") or {}
            expect(not rules or policy == "anti-affinity", "Only anti-affinity policy supports rules")
            self.limits.take(project, server_groups=1)
            one = {"id": self._site.new_id(), "project_id": project, "name": wanted["name"], "policy": policy, "rules": dict(rules), "members": []}
            groups[one["id"]] = one
            return {"server_group": copy.deepcopy(one)}
        if request.method == "DELETE":
            del groups[rest[0]]
            return None
        if int(request.query.get("offset", ["0"])[0]) or request.query.get("marker"):
            return {"server_groups": []}
        return {"server_groups": copy.deepcopy([one for one in groups.values() if one["project_id"] == project])}


def _of_attachment(one: Resource, version: tuple[int, int]) -> Resource:
    since = {"device": (2, 1), "tag": (2, 70), "delete_on_termination": (2, 79)}
    return {name: one[name] for name, least in since.items() if version >= least}


def _hostname(name: str) -> str:
    """What Nova makes of a server's name."""
    plain = name.encode("latin-1", "ignore").decode("latin-1")
    plain = re.sub(r"[^\w.-]+", "", re.sub(r"[ _.]", "-", plain)).lower()
    return re.sub(r"[^a-z0-9-]", "", plain).strip(".-")[:63]
