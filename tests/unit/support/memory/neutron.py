# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Neutron with ML2 and OVN, in memory: what it shows, and what it refuses."""

from __future__ import annotations

import copy
import ipaddress
import itertools
import typing as t

from ansible_collections.osdr.openstack.tests.unit.support.memory.asking import Caller, Field, Limits, Refused, Request, Resource, expect, expect_text

_SINGULAR = {
    "networks": "network",
    "subnets": "subnet",
    "routers": "router",
    "ports": "port",
    "floatingips": "floatingip",
    "security-groups": "security_group",
    "security-group-rules": "security_group_rule",
    "trunks": "trunk",
    "policies": "policy",
    "subnetpools": "subnetpool",
    "address-groups": "address_group",
    "rbac-policies": "rbac_policy",
}
_NAMED = {"name": Field(""), "description": Field("")}
_TAGGED = Field([], "standard-attr-tag", may_create=False, may_change=False)
_QOS = Field(None, "qos")
_DNS = Field("", "dns-integration")
_FIELDS: dict[str, dict[str, Field]] = {
    "networks": {
        **_NAMED,
        "admin_state_up": Field(True),
        "mtu": Field(None, "net-mtu-writable"),
        "port_security_enabled": Field(True, "port-security"),
        "shared": Field(False, is_for_administrators=True),
        "router:external": Field(False, "external-net", is_for_administrators=True),
        **{f"provider:{name}": Field(None, is_for_administrators=True) for name in ("network_type", "physical_network", "segmentation_id")},
        "dns_domain": _DNS,
        "qos_policy_id": _QOS,
        "availability_zone_hints": Field([], may_change=False),
        "tags": _TAGGED,
    },
    "subnets": {
        **_NAMED,
        "network_id": Field(may_change=False),
        "cidr": Field(may_change=False),
        "ip_version": Field(4, may_change=False),
        "gateway_ip": Field(),
        "enable_dhcp": Field(True),
        "dns_nameservers": Field([]),
        "allocation_pools": Field(),
        "host_routes": Field([]),
        "ipv6_ra_mode": Field(may_change=False),
        "ipv6_address_mode": Field(may_change=False),
        "service_types": Field([], "subnet-service-types", is_for_administrators=True),
        "dns_publish_fixed_ip": Field(False, "subnet-dns-publish-fixed-ip"),
        "subnetpool_id": Field(None, may_change=False),
        "tags": _TAGGED,
    },
    "routers": {
        **_NAMED,
        "admin_state_up": Field(True),
        "external_gateway_info": Field(),
        "routes": Field([], "extraroute", may_create=False),
        "distributed": Field(False, "dvr", is_for_administrators=True),
        "ha": Field(False, "l3-ha", is_for_administrators=True),
        "availability_zone_hints": Field([], may_change=False),
        "tags": _TAGGED,
    },
    "ports": {
        **_NAMED,
        "network_id": Field(may_change=False),
        "admin_state_up": Field(True),
        "mac_address": Field(),
        "fixed_ips": Field(),
        "device_id": Field(""),
        "device_owner": Field(""),
        "security_groups": Field(),
        "port_security_enabled": Field(None, "port-security"),
        "allowed_address_pairs": Field([]),
        "binding:vnic_type": Field("normal"),
        "binding:profile": Field({}, is_for_administrators=True),
        "qos_policy_id": _QOS,
        "dns_name": _DNS,
        "dns_domain": Field("", "dns-domain-ports"),
        "extra_dhcp_opts": Field([], "extra_dhcp_opt"),
        "propagate_uplink_status": Field(True, "uplink-status-propagation"),
        "numa_affinity_policy": Field(None, "port-numa-affinity-policy"),
        "tags": _TAGGED,
    },
    "floatingips": {
        "description": Field(""),
        "floating_network_id": Field(may_change=False),
        "port_id": Field(),
        "fixed_ip_address": Field(),
        "floating_ip_address": Field(is_for_administrators=True, may_change=False),
        "dns_name": Field("", "dns-integration", may_change=False),
        "dns_domain": Field("", "dns-integration", may_change=False),
        "qos_policy_id": Field(None, "qos-fip"),
        "tags": _TAGGED,
    },
    "security-groups": {**_NAMED, "stateful": Field(True, "stateful-security-group"), "tags": _TAGGED},
    "security-group-rules": {
        "description": Field(""),
        "security_group_id": Field(),
        "direction": Field(),
        "ethertype": Field("IPv4"),
        "protocol": Field(),
        "port_range_min": Field(),
        "port_range_max": Field(),
        "remote_ip_prefix": Field(),
        "remote_group_id": Field(),
        "remote_address_group_id": Field(None, "security-groups-remote-address-group"),
    },
    "trunks": {**_NAMED, "admin_state_up": Field(True), "port_id": Field(may_change=False), "sub_ports": Field([], may_change=False), "tags": _TAGGED},
    "policies": {**_NAMED, "shared": Field(False, is_for_administrators=True)},
    "address-groups": {**_NAMED, "addresses": Field([], may_change=False), "shared": Field(False, may_create=False, may_change=False)},
    "subnetpools": {**_NAMED, "shared": Field(False, is_for_administrators=True), "prefixes": Field([])},
    "rbac-policies": {"object_type": Field(), "object_id": Field(), "action": Field(), "target_tenant": Field()},
}
#: Extensions that bring whole kinds.
_KINDS = {"trunks": "trunk", "policies": "qos", "address-groups": "address-group", "rbac-policies": "rbac-policies"}
#: Extensions that have no field of their own above.
_FURTHER = ("address-group", "trunk", "trunk-details", "floating-ip-port-forwarding", "quotas")
EXTENSIONS = frozenset({field.extension for fields in _FIELDS.values() for field in fields.values() if field.extension} | {*_FURTHER})
_ROUTER_PORT, _GATEWAY_PORT, _OF_THE_NETWORK, _SUBPORT = "network:router_interface", "network:router_gateway", "network:distributed", "trunk:subport"
_WITH_PORTS = ("tcp", "udp", "sctp", "dccp", "udplite", "6", "17", "132", "33", "136")
_ICMP = ("icmp", "icmpv6", "ipv6-icmp", "1", "58")
#: What Neutron shows to administrators only.
_OF_ADMINISTRATORS = (
    *("ha", "distributed", "binding:profile", "binding:host_id"),
    *("provider:network_type", "provider:physical_network", "provider:segmentation_id"),
)
#: By what others may use a network, and who everybody is.
_AS_SHARED, _AS_EXTERNAL, _EVERYBODY = "access_as_shared", "access_as_external", "*"
_AUTOMATIC = ("slaac", "dhcpv6-stateless")
#: What Neutron shows under other names.
_LISTED = {"qos/policies": "policies"}
_MOST_PAIRS, _MOST_ROUTES = 10, 30
_MTU, _LEAST_MTU_OF_SIX = 1442, 1280
_REMOTES = ("remote_ip_prefix", "remote_group_id", "remote_address_group_id")


class Neutron:
    """:ivar takes_first: whether the port that OVN gives each network takes the first free address of a subnet, or else the last one."""

    def __init__(self, site: t.Any, extensions: t.Collection[str] | None) -> None:
        self._site = site
        self.extensions = EXTENSIONS if extensions is None else frozenset(extensions)
        self.takes_first = True
        self.mtu = _MTU
        #: Of a subnet, as its operator says.
        self.most = {"dns_nameservers": 5, "host_routes": 20}
        #: What only administrators may set by a policy of the site, e.g. create_port:mac_address.
        self.forbids: set[str] = set()
        self.by_id: dict[str, dict[str, Resource]] = {kind: {} for kind in _SINGULAR}
        counted = {"network": "networks", "subnet": "subnets", "router": "routers", "port": "ports", "floatingip": "floatingips"}
        counted |= {"security_group": "security-groups", "security_group_rule": "security-group-rules"}
        self.limits = Limits({name: lambda project, kind=kind: len(self._of(kind, project)) for name, kind in counted.items()}, 409)

    # Requests

    def serve(self, request: Request) -> t.Any:
        path = request.path[1:] if request.path[0] == "qos" else request.path
        kind, rest = path[0], path[1:]
        if kind == "quotas":
            expect("quotas" in self.extensions, "The resource could not be found.", 404)
            if rest[1:] == ("details",):
                return {"quota": self.limits.shown(request.caller.project, "used")}
            return {"quota": self.limits.serve(request, rest, "default")}
        if kind == "extensions":
            return {"extensions": [{"alias": alias, "name": alias} for alias in sorted(self.extensions)]}
        expect(kind in _SINGULAR and _KINDS.get(kind) in {None, *self.extensions}, "The resource could not be found.", 404)
        if rest[1:2] == ("port_forwardings",):
            return self._forwardings(request, self._known("floatingips", rest[0], request.caller))
        if request.method == "GET":
            return self._read(request, kind, rest)
        if request.method == "POST":
            return self._created(request, kind)
        one = self._changeable(kind, rest[0], request.caller)
        if request.method == "DELETE":
            return self._delete(kind, one)
        if rest[1:]:
            return self._act(request, kind, one, rest[1])
        self._change(kind, one, request.body[_SINGULAR[kind]], request.caller)
        return {_SINGULAR[kind]: self.shown(kind, one, request.caller)}

    def _read(self, request: Request, kind: str, rest: tuple[str, ...]) -> Resource:
        if rest:
            return {_SINGULAR[kind]: self.shown(kind, self._known(kind, rest[0], request.caller), request.caller)}
        if kind == "security-groups":
            self.default_group(request.caller.project)
        key = kind.replace("-", "_")
        found = [self.shown(kind, one, request.caller) for one in self.by_id[kind].values() if self._is_visible(kind, one, request.caller)]
        wanted = {name: {*values} for name, values in request.query.items() if name in _FIELDS[kind] or name in ("id", "project_id", "tenant_id")}
        return {key: [one for one in found if all(str(one.get(name)) in values for name, values in wanted.items())]}

    def _is_visible(self, kind: str, one: Resource, caller: Caller) -> bool:
        if caller.sees_all or one["project_id"] == caller.project or self._is_shared(one, caller) or self._is_outside_for(one, caller):
            return True
        network = self.by_id["networks"].get(one.get("network_id") or "")
        if network is None:
            return False
        return self._is_visible("networks", network, caller) if kind == "subnets" else network["project_id"] == caller.project

    def _is_shared(self, one: Resource, caller: Caller) -> bool:
        """Whether something is shared with everybody, or with the project that asks."""
        return bool(one.get("shared")) or caller.project in self._targets(one, _AS_SHARED)

    def _is_outside_for(self, one: Resource, caller: Caller) -> bool:
        """Whether something is an external network that the project that asks may use."""
        return bool(one.get("router:external")) and bool({caller.project, _EVERYBODY} & self._targets(one, _AS_EXTERNAL))

    def _targets(self, one: Resource, action: str) -> set[str]:
        policies = self.by_id["rbac-policies"].values()
        return {policy["target_tenant"] for policy in policies if (policy["object_id"], policy["action"]) == (one["id"], action)}

    def shown(self, kind: str, one: Resource, caller: Caller) -> Resource:
        """A resource as the API shows it."""
        shown = {key: value for key, value in one.items() if self._has(_FIELDS[kind].get(key))}
        if not caller.sees_all:
            shown = {key: value for key, value in shown.items() if key not in _OF_ADMINISTRATORS}
        shown["tenant_id"] = one["project_id"]
        if kind == "security-groups":
            shown["security_group_rules"] = [self.shown("security-group-rules", rule, caller) for rule in self._rules(one)]
            shown["shared"] = False
        if kind == "address-groups":
            del shown["shared"]
        if kind == "networks":
            shown = {key: value for key, value in shown.items() if not key.startswith("provider:") or value is not None}
            shown["shared"] = self._is_shared(one, caller)
            shown["subnets"] = [subnet["id"] for subnet in self._subnets(one["id"])]
        trunk = next((trunk for trunk in self.by_id["trunks"].values() if kind == "ports" and trunk["port_id"] == one["id"]), None)
        if trunk and "trunk-details" in self.extensions:
            shown["trunk_details"] = {"trunk_id": trunk["id"], "sub_ports": trunk["sub_ports"]}
        return shown

    def knows(self, kind: str, name: str) -> bool:
        """Whether something of a kind can be given an attribute."""
        return name in _FIELDS[kind] and self._has(_FIELDS[kind][name])

    def _has(self, field: Field | None) -> bool:
        return field is None or field.extension is None or field.extension in self.extensions

    def _known(self, kind: str, one_id: str, caller: Caller) -> Resource:
        one = self.by_id[kind].get(one_id)
        if one is None or not self._is_visible(kind, one, caller):
            raise Refused(404, f"{kind} {one_id} could not be found.")
        return one

    def _changeable(self, kind: str, one_id: str, caller: Caller) -> Resource:
        one = self._known(kind, one_id, caller)
        expect(caller.sees_all or one["project_id"] == caller.project, "rule:owner is disallowed by policy", 403)
        return one

    def _of(self, kind: str, project: str) -> list[Resource]:
        return [one for one in self.by_id[kind].values() if one["project_id"] == project]

    # Creation

    def _created(self, request: Request, kind: str) -> Resource:
        key = _SINGULAR[kind]
        several = request.body.get(f"{key}s")
        if kind == "ports":
            _expect_no_interface(request.body[key])
        if several is None:
            return {key: self.shown(kind, self.create(kind, request.body[key], request.caller), request.caller)}
        made: list[Resource] = []
        try:
            for wanted in several:
                made.append(self.create(kind, wanted, request.caller))
        except Refused:
            for one in made:
                del self.by_id[kind][one["id"]]
            raise
        return {f"{key}s": [self.shown(kind, one, request.caller) for one in made]}

    def create(self, kind: str, wanted: Resource, caller: Caller) -> Resource:
        fields = {name: field for name, field in _FIELDS[kind].items() if self._has(field)}
        self._expect_fields(fields, wanted, caller, "may_create")
        self._expect_allowed(kind, wanted, caller)
        project = wanted.get("project_id") or caller.project
        expect(caller.sees_all or project == caller.project, "Specifying 'project_id' other than authenticated project requires admin privileges")
        values = {name: wanted.get(name, field.new()) for name, field in fields.items()}
        one = {"id": self._site.new_id(), "project_id": project, **values}
        make = getattr(self, f"_make_{_SINGULAR[kind]}")
        if kind not in ("trunks", "policies", "subnetpools", "address-groups", "rbac-policies"):
            self.limits.take(project, **{_SINGULAR[kind]: 1})
        make(one, {name for name in wanted if wanted[name] is not None or name in ("gateway_ip", "fixed_ips")}, caller)
        self.by_id[kind][one["id"]] = one
        try:
            self._made(kind, one)
        except Refused:
            del self.by_id[kind][one["id"]]
            raise
        return one

    @staticmethod
    def _expect_fields(fields: t.Mapping[str, Field], wanted: Resource, caller: Caller, may: str) -> None:
        expect_text(wanted, "name", "description")
        for name in wanted:
            if name not in ("project_id", "tenant_id"):
                expect(name in fields, f"Unrecognized attribute(s) '{name}'")
                expect(getattr(fields[name], may), f"Attribute '{name}' not allowed")
                expect(caller.sees_all or not fields[name].is_for_administrators, f"rule:{name} is disallowed by policy", 403)

    def _expect_allowed(self, kind: str, wanted: Resource, caller: Caller) -> None:
        """A policy that forbids something is told with those of all else that is set."""
        given = [name for name, field in _FIELDS[kind].items() if wanted.get(name) not in (None, field.new())]
        given += ["fixed_ips:ip_address"] if any("ip_address" in ip for ip in wanted.get("fixed_ips") or ()) else []
        rules = [f"create_{_SINGULAR[kind]}:{name}" for name in given]
        told = " and ".join(f"rule:{rule}" for rule in (f"create_{_SINGULAR[kind]}", *rules))
        expect(caller.sees_all or not self.forbids & {*rules}, f"({told}) is disallowed by policy", 403)

    def _made(self, kind: str, one: Resource) -> None:
        """What follows from a new resource."""
        if kind == "networks" and one.get("router:external"):
            policy = {"object_type": "network", "object_id": one["id"], "action": _AS_EXTERNAL, "target_tenant": _EVERYBODY}
            self.by_id["rbac-policies"][f"external-{one['id']}"] = {"id": f"external-{one['id']}", "project_id": one["project_id"], **policy}
        if kind == "subnets":
            for port in self._ports(one["network_id"]):
                is_served = _serves(one, port["device_owner"]) and port["device_owner"] not in (_ROUTER_PORT, _OF_THE_NETWORK)
                if one["ipv6_address_mode"] in _AUTOMATIC and is_served:
                    port["fixed_ips"].append(_automatic(one, port["mac_address"]))
            self._serve_dhcp(one)
        if kind == "security-groups":
            for version in ("IPv4", "IPv6"):
                self._add_rule(one, "egress", version)
        if kind == "routers" and one["external_gateway_info"]:
            self._connect_outside(one)

    def _make_network(self, one: Resource, _given: set[str], caller: Caller) -> None:
        one["mtu"] = self.mtu if one.get("mtu") is None else one["mtu"]
        expect(68 <= one["mtu"] <= self.mtu, f"Invalid MTU {one['mtu']}")
        one["status"] = "ACTIVE"
        self._expect_policy(one, caller)

    def _expect_policy(self, one: Resource, caller: Caller) -> None:
        if one.get("qos_policy_id"):
            self._known("policies", one["qos_policy_id"], caller)

    def _make_policy(self, one: Resource, _given: set[str], _caller: Caller) -> None:
        pass

    def _make_subnetpool(self, one: Resource, _given: set[str], _caller: Caller) -> None:
        one["ip_version"] = _network(one["prefixes"][0]).version

    # Subnets

    def _make_subnet(self, one: Resource, given: set[str], caller: Caller) -> None:
        mtu = self._changeable("networks", one["network_id"], caller)["mtu"]
        network = _network(one["cidr"])
        expect(network.version == 4 or mtu >= _LEAST_MTU_OF_SIX, f"MTU {mtu} of the network is too small for IPv6", 409)
        expect(network.version == one["ip_version"], "cidr does not match ip_version")
        for other in self._subnets(one["network_id"]):
            expect(not _overlap(other["cidr"], one["cidr"]), f"Requested subnet with cidr {one['cidr']} overlaps with another subnet")
            same = other["ip_version"] != one["ip_version"] or other["subnetpool_id"] == one["subnetpool_id"]
            expect(same, "Subnets hosted on the same network must be allocated from the same subnet pool.")
        if one["subnetpool_id"]:
            pool = self._known("subnetpools", one["subnetpool_id"], caller)
            inside = any(other.version == network.version and network.subnet_of(other) for other in map(_network, pool["prefixes"]))
            expect(inside, "Failed to allocate subnet: the requested range is not in the pool")
        self._expect_modes(one)
        if "gateway_ip" not in given:
            one["gateway_ip"] = str(network[1])
        if one["allocation_pools"] is None:
            one["allocation_pools"] = _default_pools(network, one["gateway_ip"])
        one["allocation_pools"] = _plain_pools(one["allocation_pools"])
        self._expect_subnet(one)
        if self._has_metadata_address(one):
            self._served(one["network_id"], [*self._subnets(one["network_id"]), one], _OF_THE_NETWORK, one["id"])

    @staticmethod
    def _expect_modes(one: Resource) -> None:
        modes = [mode for mode in (one["ipv6_ra_mode"], one["ipv6_address_mode"]) if mode]
        expect(not modes or one["ip_version"] == 6, "ipv6 modes are not valid for IPv4")
        expect(not modes or one["enable_dhcp"], "ipv6 modes cannot be set when enable_dhcp is set to False")
        expect(len(set(modes)) < 2, "ipv6_ra_mode and ipv6_address_mode do not match")
        expect(not set(modes) & {*_AUTOMATIC} or _network(one["cidr"]).prefixlen == 64, "cidr of an automatic subnet must be /64")

    def _expect_subnet(self, one: Resource) -> None:
        network = _network(one["cidr"])
        pools = [(ipaddress.ip_address(pool["start"]), ipaddress.ip_address(pool["end"])) for pool in one["allocation_pools"]]
        for start, end in pools:
            expect(start in network and end in network and start <= end, f"The allocation pool {start}-{end} is not valid")
        expect(not any(_cross(*pair) for pair in itertools.combinations(pools, 2)), "Found overlapping allocation pools")
        if one["gateway_ip"]:
            gateway = ipaddress.ip_address(one["gateway_ip"])
            expect(not any(start <= gateway <= end for start, end in pools), f"Gateway ip {gateway} conflicts with allocation pool", 409)
        for attribute, what in (("dns_nameservers", "DNS nameservers"), ("host_routes", "host routes")):
            limit = self.most[attribute]
            expect(len(one[attribute]) <= limit, f"Unable to complete operation for {one['id']}. The number of {what} exceeds the limit {limit}.")
        expect(len(set(one["dns_nameservers"])) == len(one["dns_nameservers"]), "Duplicate nameserver")
        for route in one["host_routes"]:
            versions = {_network(route["destination"]).version, ipaddress.ip_address(route["nexthop"]).version}
            expect(versions == {one["ip_version"]}, "A host route is of another version")

    def _serve_dhcp(self, subnet: Resource) -> None:
        """OVN has one port on each network, with an address in each IPv4 subnet that has DHCP."""
        network = self.by_id["networks"][subnet["network_id"]]
        if not self._has_metadata_address(subnet):
            return
        port = next((one for one in self._ports(network["id"]) if one["device_owner"] == _OF_THE_NETWORK), None)
        if port is None:
            values = {name: field.new() for name, field in _FIELDS["ports"].items() if self._has(field)}
            port = {"id": self._site.new_id(), "project_id": network["project_id"], **values, "network_id": network["id"], "status": "DOWN"}
            port |= {"device_owner": _OF_THE_NETWORK, "device_id": f"ovnmeta-{network['id']}", "fixed_ips": [], "security_groups": []}
            port["mac_address"] = self._new_mac()
            self.by_id["ports"][port["id"]] = port
        address = self._free_address(subnet)
        if address and not any(ip["subnet_id"] == subnet["id"] for ip in port["fixed_ips"]):
            port["fixed_ips"].append({"subnet_id": subnet["id"], "ip_address": address})

    def _has_metadata_address(self, subnet: Resource) -> bool:
        return subnet["enable_dhcp"] and subnet["ip_version"] == 4 and not self.by_id["networks"][subnet["network_id"]]["router:external"]

    @staticmethod
    def _served(network_id: str, subnets: list[Resource], owner: str, *wanted: str | None) -> list[Resource]:
        """Subnets that give addresses to ports of a device owner, those that are only for some services first.

        :param wanted: ids of subnets that must be among them.
        """
        served = sorted((one for one in subnets if _serves(one, owner)), key=lambda one: not one.get("service_types"))
        expect(served or not subnets, f"No valid service subnet for the given device owner, network {network_id}, service type {owner}.", 409)
        for one_id in {*wanted} - {None, *(one["id"] for one in served)}:
            raise Refused(400, f"Failed to create port on network {network_id}, because fixed_ips included invalid subnet {one_id}")
        return served

    def _subnets(self, network_id: str) -> list[Resource]:
        return [one for one in self.by_id["subnets"].values() if one["network_id"] == network_id]

    def _ports(self, network_id: str) -> list[Resource]:
        return [one for one in self.by_id["ports"].values() if one["network_id"] == network_id]

    def _held(self, network_id: str) -> set[str]:
        return {ip["ip_address"] for port in self._ports(network_id) for ip in port["fixed_ips"]}

    def _free_address(self, subnet: Resource) -> str | None:
        held = self._held(subnet["network_id"])
        for pool in subnet["allocation_pools"] if self.takes_first else reversed(subnet["allocation_pools"]):
            start, end = int(ipaddress.ip_address(pool["start"])), int(ipaddress.ip_address(pool["end"]))
            numbers = range(start, end + 1) if self.takes_first else range(end, start - 1, -1)
            build = ipaddress.IPv4Address if subnet["ip_version"] == 4 else ipaddress.IPv6Address
            free = next((address for number in numbers if (address := str(build(number))) not in held), None)
            if free:
                return free
        return None

    # Ports

    def _make_port(self, one: Resource, given: set[str], caller: Caller) -> None:
        network = self._known("networks", one["network_id"], caller)
        self._expect_rights(one, given, network, caller)
        one["mac_address"] = (one["mac_address"] or self._new_mac()).lower()
        expect(one["mac_address"] not in {port["mac_address"] for port in self._ports(network["id"])}, f"MAC {one['mac_address']} is in use", 409)
        one["status"] = "DOWN"
        one["fixed_ips"] = self._addresses(one, network)
        if not one["fixed_ips"]:
            one["ip_allocation"] = "none"
        self._secure(one, given, caller, network)
        self._expect_policy(one, caller)

    def expect_compatible(self, port: Resource) -> None:
        """A port can be bound to a host with addresses that it might have been given as whose it is so far."""
        subnets = [self.by_id["subnets"][ip["subnet_id"]] for ip in port["fixed_ips"]]
        expect(all(_serves(one, port["device_owner"]) for one in subnets), f"Host is not connected to a segment where the IPs of {port['id']} exist", 409)

    def _make_rbac_policy(self, one: Resource, _given: set[str], caller: Caller) -> None:
        network = self._known("networks", one["object_id"], caller)
        expect(caller.sees_all or network["project_id"] == caller.project, "rule:create_rbac_policy is disallowed by policy", 403)
        same = [there for there in self.by_id["rbac-policies"].values() if all(there[name] == one[name] for name in _FIELDS["rbac-policies"])]
        expect(not same, "An RBAC policy already exists with those values.", 409)

    def _expect_rights(self, one: Resource, given: set[str], network: Resource, caller: Caller) -> None:
        """On a network of others, which must be shared, a member chooses its subnet."""
        if caller.sees_all or network["project_id"] == caller.project:
            return
        expect(self._is_shared(network, caller), "rule:create_port is disallowed by policy", 403)
        of_owner = {
            "device_owner": one["device_owner"].startswith("network:"),
            "mac_address": "mac_address" in given,
            "fixed_ips:ip_address": any("ip_address" in ip for ip in one["fixed_ips"] or ()),
            "port_security_enabled": "port_security_enabled" in given,
            "allowed_address_pairs": bool(one["allowed_address_pairs"]),
        }
        for name, is_chosen in of_owner.items():
            expect(not is_chosen, f"(rule:create_port and rule:create_port:{name}) is disallowed by policy", 403)

    def _new_mac(self) -> str:
        number = self._site.number()
        return f"fa:16:3e:{self._site.prefix:02x}:{number >> 8 & 255:02x}:{number & 255:02x}"

    def _addresses(self, one: Resource, network: Resource) -> list[Resource]:
        is_router = one["device_owner"] == _ROUTER_PORT
        wished = [ip.get("subnet_id") for ip in one["fixed_ips"] or ()]
        subnets = self._served(network["id"], self._subnets(network["id"]), one["device_owner"], *wished)
        automatic = [subnet for subnet in subnets if subnet["ipv6_address_mode"] in _AUTOMATIC and not is_router]
        others = [subnet for subnet in subnets if subnet not in automatic]
        if one["fixed_ips"] is None:
            firsts = [next((subnet for subnet in others if subnet["ip_version"] == version), None) for version in (4, 6)]
            wanted: list[Resource] = [{"subnet_id": subnet["id"]} for subnet in firsts if subnet]
        else:
            wanted = one["fixed_ips"]
        found: list[Resource] = []
        for ip in wanted:
            address = self._address(ip, subnets, automatic, self._held(network["id"]) | {had["ip_address"] for had in found})
            found += [address] if address else []
        return found + [_automatic(subnet, one["mac_address"]) for subnet in automatic]

    def _address(self, ip: Resource, subnets: list[Resource], automatic: list[Resource], held: set[str]) -> Resource | None:
        subnet = next((one for one in subnets if one["id"] == ip.get("subnet_id")), None)
        if "subnet_id" not in ip:
            subnet = next((one for one in subnets if ipaddress.ip_address(ip["ip_address"]) in _network(one["cidr"])), None)
        expect(subnet, "IP address is not a valid IP for any of the subnets on the network")
        subnet = t.cast(Resource, subnet)
        if "ip_address" not in ip:
            free = None if subnet in automatic else self._free_address(subnet)
            expect(free or subnet in automatic, "No more IP addresses available on network", 409)
            return {"subnet_id": subnet["id"], "ip_address": free} if free else None
        expect(
            subnet not in automatic,
            f"IPv6 address {ip['ip_address']} can not be directly assigned to a port on a subnet that is configured for automatic addresses",
        )
        expect(ipaddress.ip_address(ip["ip_address"]) in _network(subnet["cidr"]), f"IP address {ip['ip_address']} is not a valid IP for the specified subnet.")
        network = _network(subnet["cidr"])
        edges = {str(network.network_address), str(network.broadcast_address)} if network.version == 4 else set()
        expect(ip["ip_address"] not in edges, f"IP address {ip['ip_address']} is not a valid IP for the specified subnet.")
        expect(ip["ip_address"] not in held, f"IP address {ip['ip_address']} already allocated in subnet {subnet['id']}", 409)
        return {"subnet_id": subnet["id"], "ip_address": ip["ip_address"]}

    def _secure(self, one: Resource, given: set[str], caller: Caller, network: Resource) -> None:
        secure = one.get("port_security_enabled")
        secure = network.get("port_security_enabled", True) if secure is None else secure
        if "port_security_enabled" in one:
            one["port_security_enabled"] = secure
        is_of_network = one["device_owner"].startswith("network:")
        if "security_groups" not in given:
            one["security_groups"] = [self.default_group(one["project_id"])["id"]] if secure and not is_of_network else []
        expect(secure or not one["security_groups"], "Port Security must be enabled in order to have security groups")
        expect(secure or not one["allowed_address_pairs"], "Port Security must be enabled in order to have allowed address pairs", 409)
        for group_id in one["security_groups"]:
            self._known("security-groups", group_id, caller)
        expect(len(one["allowed_address_pairs"]) <= _MOST_PAIRS, "Exceeded maximum amount of address pairs")
        one["allowed_address_pairs"] = [{"mac_address": one["mac_address"], **pair} for pair in one["allowed_address_pairs"]]
        pairs = [(pair["mac_address"], pair["ip_address"]) for pair in one["allowed_address_pairs"]]
        expect(len(set(pairs)) == len(pairs), "Request contains duplicate address pairs")

    # Routers

    def _make_router(self, one: Resource, _given: set[str], caller: Caller) -> None:
        one["status"] = "ACTIVE"
        self._expect_gateway(one["external_gateway_info"], caller)

    def _expect_gateway(self, info: Resource | None, caller: Caller) -> None:
        if not info:
            return
        network = self._known("networks", info["network_id"], caller)
        expect(network["router:external"], f"Network {network['id']} is not an external network")
        for name in ("enable_snat", "external_fixed_ips"):
            expect(caller.sees_all or name not in info, f"rule:create_router:external_gateway_info:{name} is disallowed by policy", 403)

    def _connect_outside(self, one: Resource) -> None:
        info = one["external_gateway_info"]
        wanted = {"network_id": info["network_id"], "device_id": one["id"], "device_owner": _GATEWAY_PORT}
        for port in [port for port in self.by_id["ports"].values() if port["device_id"] == one["id"] and port["device_owner"] == _GATEWAY_PORT]:
            del self.by_id["ports"][port["id"]]
        if info.get("external_fixed_ips"):
            wanted["fixed_ips"] = info["external_fixed_ips"]
        port = self.create("ports", {**wanted, "project_id": "", "security_groups": []}, Caller("", sees_all=True))
        one["external_gateway_info"] = {"enable_snat": True, **info, "external_fixed_ips": port["fixed_ips"]}

    def _interfaces(self, router: Resource) -> list[Resource]:
        return [port for port in self.by_id["ports"].values() if port["device_id"] == router["id"] and port["device_owner"] == _ROUTER_PORT]

    def _joined(self, router: Resource) -> list[Resource]:
        return [self.by_id["subnets"][ip["subnet_id"]] for port in self._interfaces(router) for ip in port["fixed_ips"]]

    def _act(self, request: Request, kind: str, one: Resource, action: str) -> Resource | None:
        if action == "tags":
            expect("standard-attr-tag" in self.extensions, "The resource could not be found.", 404)
            expect(all(0 < len(tag) <= 255 for tag in request.body["tags"]) and len(request.body["tags"]) <= 50, "Invalid tags")
            one["tags"] = list(dict.fromkeys(request.body["tags"]))
            return {"tags": one["tags"]}
        if action == "add_subports":
            return self._add_subports(one, request)
        if action == "add_addresses":
            return self._add_addresses(one, request.body["addresses"])
        return self._join(one, request) if action == "add_router_interface" else self._part(one, request)

    def _join(self, router: Resource, request: Request) -> Resource:
        if "port_id" in request.body:
            port = self._changeable("ports", request.body["port_id"], request.caller)
            expect(not port["device_id"], "Port already has an attached device", 409)
            expect(port["fixed_ips"], "Router port must have at least one fixed IP")
            for ip in port["fixed_ips"]:
                self._expect_joinable(router, self.by_id["subnets"][ip["subnet_id"]])
            port |= {"device_id": router["id"], "device_owner": _ROUTER_PORT, "security_groups": [], "status": "ACTIVE"}
            return {"port_id": port["id"]}
        subnet = self._known("subnets", request.body["subnet_id"], request.caller)
        network = self._known("networks", subnet["network_id"], request.caller)
        is_owner = request.caller.sees_all or network["project_id"] == request.caller.project
        expect(is_owner, "rule:create_port:fixed_ips is disallowed by policy", 403)
        expect(subnet["gateway_ip"], "Subnet for router interface must have a gateway IP")
        self._expect_joinable(router, subnet)
        ip = {"subnet_id": subnet["id"], "ip_address": subnet["gateway_ip"]}
        same = [port for port in self._interfaces(router) if port["network_id"] == network["id"] and self._version_of(port) == 6]
        if subnet["ip_version"] == 6 and same:
            self._served(network["id"], self._subnets(network["id"]), _ROUTER_PORT, subnet["id"])
            expect(ip["ip_address"] not in self._held(network["id"]), "IP address already allocated", 409)
            same[0]["fixed_ips"].append(ip)
            return {"port_id": same[0]["id"]}
        wanted = {"network_id": network["id"], "fixed_ips": [ip], "device_id": router["id"], "device_owner": _ROUTER_PORT, "security_groups": []}
        port = self.create("ports", {**wanted, "project_id": router["project_id"]}, Caller(router["project_id"], sees_all=True))
        return {"port_id": port["id"]}

    def _version_of(self, port: Resource) -> int:
        return int(self.by_id["subnets"][port["fixed_ips"][0]["subnet_id"]]["ip_version"])

    def _expect_joinable(self, router: Resource, subnet: Resource) -> None:
        for other in self._joined(router):
            expect(other["id"] != subnet["id"], "Router already has a port on subnet")
            expect(not _overlap(other["cidr"], subnet["cidr"]), f"Cidr {subnet['cidr']} of subnet overlaps with cidr {other['cidr']}")

    def _part(self, router: Resource, request: Request) -> Resource:
        port = next((port for port in self._interfaces(router) if port["id"] == request.body.get("port_id")), None)
        expect(port, "Router has no such interface", 404)
        port = t.cast(Resource, port)
        subnets = {ip["subnet_id"] for ip in port["fixed_ips"]}
        inside = [
            one
            for floating in self.by_id["floatingips"].values()
            if floating["router_id"] == router["id"]
            for one in self.by_id["ports"].values()
            if one["id"] == floating["port_id"]
        ]
        expect(not any(ip["subnet_id"] in subnets for one in inside for ip in one["fixed_ips"]), "Router interface is required by floating IPs", 409)
        del self.by_id["ports"][port["id"]]
        return {"port_id": port["id"]}

    # Floating addresses

    def _make_floatingip(self, one: Resource, _given: set[str], caller: Caller) -> None:
        network = self._known("networks", one["floating_network_id"], caller)
        expect(network["router:external"], f"Network {network['id']} is not a valid external network")
        one |= {"router_id": None, "status": "DOWN"}
        self._lead(one, caller)
        self._expect_policy(one, caller)
        holder = self.create(
            "ports",
            {"network_id": network["id"], "device_owner": "network:floatingip", "device_id": one["id"], "project_id": "", "security_groups": []},
            Caller("", True),
        )
        one["floating_ip_address"] = holder["fixed_ips"][0]["ip_address"]

    def _lead(self, one: Resource, caller: Caller) -> None:
        if not one["port_id"]:
            one["fixed_ip_address"] = None
            return
        port = self._known("ports", one["port_id"], caller)
        addresses = [ip for ip in port["fixed_ips"] if ipaddress.ip_address(ip["ip_address"]).version == 4]
        if one["fixed_ip_address"]:
            addresses = [ip for ip in addresses if ip["ip_address"] == one["fixed_ip_address"]]
        expect(len(addresses) == 1, "Port has no or several fixed IPv4 addresses. Must provide a specific IPv4 address")
        one["fixed_ip_address"] = addresses[0]["ip_address"]
        taken = {
            (other["port_id"], other["fixed_ip_address"], other["floating_network_id"]) for other in self.by_id["floatingips"].values() if other is not one
        }
        wanted = (one["port_id"], one["fixed_ip_address"], one["floating_network_id"])
        expect(wanted not in taken, "Cannot associate floating IP: the fixed IP already has one", 409)
        one["router_id"] = self._router_between(addresses[0]["subnet_id"], one["floating_network_id"])
        one["status"] = "ACTIVE"

    def _router_between(self, subnet_id: str, network_id: str) -> str:
        for router in self.by_id["routers"].values():
            leads = (router["external_gateway_info"] or {}).get("network_id") == network_id
            if leads and subnet_id in {subnet["id"] for subnet in self._joined(router)}:
                return str(router["id"])
        raise Refused(404, f"External network {network_id} is not reachable from subnet {subnet_id}")

    def _forwardings(self, request: Request, floating: Resource) -> Resource:
        expect("floating-ip-port-forwarding" in self.extensions, "The resource could not be found.", 404)
        if request.method == "DELETE":
            floating["port_forwardings"] = [one for one in floating["port_forwardings"] if one["id"] != request.path[-1]]
            return None
        if request.method == "POST":
            expect(not floating["port_id"], "Floating IP is already associated", 409)
            wanted = request.body["port_forwarding"]
            port = self._known("ports", wanted["internal_port_id"], request.caller)
            bound = {(one["port_id"], one["fixed_ip_address"]) for one in self.by_id["floatingips"].values()}
            expect((port["id"], wanted["internal_ip_address"]) not in bound, "That port already has a binding floating IP.")
            subnet = next((ip["subnet_id"] for ip in port["fixed_ips"] if ip["ip_address"] == wanted["internal_ip_address"]), None)
            expect(subnet, "internal_ip_address does not correspond to an address on the internal port")
            floating["router_id"] = self._router_between(t.cast(str, subnet), floating["floating_network_id"])
            there = {(one["external_port"], one["protocol"]) for one in floating.get("port_forwardings", ())}
            expect((wanted["external_port"], wanted["protocol"]) not in there, "A duplicate port forwarding", 409)
            floating.setdefault("port_forwardings", []).append({"id": self._site.new_id(), "description": "", **wanted})
            return {"port_forwarding": floating["port_forwardings"][-1]}
        return {"port_forwardings": floating.get("port_forwardings", [])}

    # Security groups

    def default_group(self, project: str) -> Resource:
        found = next((one for one in self._of("security-groups", project) if one["name"] == "default"), None)
        if found is None:
            values = {name: field.new() for name, field in _FIELDS["security-groups"].items() if self._has(field)}
            found = {"id": self._site.new_id(), "project_id": project, **values, "name": "default", "description": "Default security group"}
            self.by_id["security-groups"][found["id"]] = found
            for version in ("IPv4", "IPv6"):
                self._add_rule(found, "egress", version)
                self._add_rule(found, "ingress", version, remote_group_id=found["id"])
        return found

    def _add_rule(self, group: Resource, direction: str, ethertype: str, **values: t.Any) -> None:
        rule = {name: field.new() for name, field in _FIELDS["security-group-rules"].items() if self._has(field)}
        rule |= {"id": self._site.new_id(), "project_id": group["project_id"], "security_group_id": group["id"]}
        self.by_id["security-group-rules"][rule["id"]] = {**rule, "direction": direction, "ethertype": ethertype, **values}

    def _rules(self, group: Resource) -> list[Resource]:
        return [one for one in self.by_id["security-group-rules"].values() if one["security_group_id"] == group["id"]]

    def _make_security_group(self, one: Resource, _given: set[str], _caller: Caller) -> None:
        self.default_group(one["project_id"])
        expect(one["name"] != "default", "Default security group already exists.", 409)

    def _make_security_group_rule(self, one: Resource, _given: set[str], caller: Caller) -> None:
        group = self._changeable("security-groups", one["security_group_id"], caller)
        one["project_id"] = group["project_id"]
        expect(one["direction"] in ("ingress", "egress") and one["ethertype"] in ("IPv4", "IPv6"), "Invalid direction or ethertype")
        remotes = [name for name in _REMOTES if one.get(name)]
        expect(len(remotes) < 2, "Only remote_ip_prefix, remote_group_id or remote_address_group_id may be provided.")
        if one.get("remote_address_group_id"):
            self._known("address-groups", one["remote_address_group_id"], caller)
        if one["remote_group_id"]:
            self._known("security-groups", one["remote_group_id"], caller)
        if one["remote_ip_prefix"]:
            expect(_network(one["remote_ip_prefix"], strict=False).version == int(one["ethertype"][-1]), "Conflicting value ethertype for CIDR")
        one["protocol"] = None if one["protocol"] is None else str(one["protocol"]).lower()
        self._expect_range(one)
        keys = ("direction", "ethertype", "protocol", "port_range_min", "port_range_max", *_REMOTES)
        expect(not any(all(rule.get(key) == one.get(key) for key in keys) for rule in self._rules(group)), "Security group rule already exists.", 409)

    @staticmethod
    def _expect_range(one: Resource) -> None:
        least, most, protocol = one["port_range_min"], one["port_range_max"], one["protocol"]
        if least is None and most is None:
            return
        expect(protocol, "Must also specify protocol if port range is given.")
        if protocol in _ICMP:
            expect(least is not None and all(value is None or 0 <= value <= 255 for value in (least, most)), "Invalid ICMP type or code")
            return
        expect(protocol in _WITH_PORTS, "Port range cannot be specified for the protocol")
        expect(least is not None and most is not None and 1 <= least <= most <= 65535, "Invalid port range")

    def _make_address_group(self, one: Resource, _given: set[str], _caller: Caller) -> None:
        wanted, one["addresses"] = one["addresses"], []
        self._add_addresses(one, wanted)

    @staticmethod
    def _add_addresses(group: Resource, wanted: t.Sequence[str]) -> Resource:
        added = list(dict.fromkeys(str(_network(one, strict=False)) for one in wanted))
        expect(not {*added} & {*group["addresses"]}, "Addresses already exist in the address group")
        group["addresses"] = [*group["addresses"], *added]
        return {"address_group": group}

    # Trunks

    def _make_trunk(self, one: Resource, _given: set[str], caller: Caller) -> None:
        parent = self._changeable("ports", one["port_id"], caller)
        expect(not any(trunk["port_id"] == parent["id"] for trunk in self.by_id["trunks"].values()), "Port is in use by another trunk", 409)
        expect(parent["device_owner"] != _SUBPORT, "Port is a subport", 409)
        wanted, one["sub_ports"] = one["sub_ports"], []
        self._add(one, wanted, caller)

    def _add_subports(self, trunk: Resource, request: Request) -> Resource:
        self._add(trunk, request.body["sub_ports"], request.caller)
        return self.shown("trunks", trunk, request.caller)

    def _add(self, trunk: Resource, wanted: t.Sequence[Resource], caller: Caller) -> None:
        used = {(one["segmentation_type"], one["segmentation_id"]) for one in trunk["sub_ports"]}
        for sub in wanted:
            port = self._changeable("ports", sub["port_id"], caller)
            expect(not port["device_id"] and port["id"] != trunk["port_id"], "Port is in use", 409)
            expect((sub["segmentation_type"], sub["segmentation_id"]) not in used, "Segmentation is in use by another subport", 409)
            used.add((sub["segmentation_type"], sub["segmentation_id"]))
        for sub in wanted:
            port = self.by_id["ports"][sub["port_id"]]
            port |= {"device_id": trunk["id"], "device_owner": _SUBPORT}
            trunk["sub_ports"].append({key: sub[key] for key in ("port_id", "segmentation_type", "segmentation_id")})

    # Changes and removal

    def _change(self, kind: str, one: Resource, wanted: Resource, caller: Caller) -> None:
        fields = {name: field for name, field in _FIELDS[kind].items() if self._has(field)}
        self._expect_fields(fields, wanted, caller, "may_change")
        changed = {**copy.deepcopy(one), **copy.deepcopy(wanted)}
        check = getattr(self, f"_check_{_SINGULAR[kind]}", None)
        if check:
            check(one, changed, wanted, caller)
        one.clear()
        one.update(changed)
        if kind == "subnets" and "enable_dhcp" in wanted:
            self._serve_dhcp(one)
        if kind == "routers" and wanted.get("external_gateway_info"):
            self._connect_outside(one)

    def _check_network(self, _one: Resource, changed: Resource, _wanted: Resource, caller: Caller) -> None:
        expect(68 <= changed["mtu"] <= self.mtu, f"Invalid MTU {changed['mtu']}")
        self._expect_policy(changed, caller)

    def _check_subnet(self, _one: Resource, changed: Resource, _wanted: Resource, _caller: Caller) -> None:
        self._expect_modes(changed)
        changed["allocation_pools"] = _plain_pools(changed["allocation_pools"])
        self._expect_subnet(changed)

    def _check_port(self, one: Resource, changed: Resource, wanted: Resource, caller: Caller) -> None:
        network = self.by_id["networks"][one["network_id"]]
        if "fixed_ips" in wanted or "mac_address" in wanted:
            del self.by_id["ports"][one["id"]]
            try:
                changed["mac_address"] = changed["mac_address"].lower()
                expect(changed["mac_address"] not in {port["mac_address"] for port in self._ports(network["id"])}, "MAC is in use", 409)
                automatic = {subnet["id"] for subnet in self._subnets(network["id"]) if subnet["ipv6_address_mode"] in _AUTOMATIC}
                changed["fixed_ips"] = [ip for ip in changed["fixed_ips"] if ip not in one["fixed_ips"] or ip.get("subnet_id") not in automatic]
                changed["fixed_ips"] = self._addresses(changed, network)
            finally:
                self.by_id["ports"][one["id"]] = one
        self._secure(changed, {"security_groups"}, caller, network)
        self._expect_policy(changed, caller)

    def _check_router(self, one: Resource, changed: Resource, wanted: Resource, caller: Caller) -> None:
        if "external_gateway_info" in wanted:
            self._expect_gateway(wanted["external_gateway_info"], caller)
        expect(len(changed.get("routes") or ()) <= _MOST_ROUTES, "Too many routes", 409)
        subnets = [_network(subnet["cidr"]) for subnet in self._joined(one)]
        own = {ip["ip_address"] for port in self._interfaces(one) for ip in port["fixed_ips"]}
        for route in wanted.get("routes") or ():
            hop = ipaddress.ip_address(route["nexthop"])
            expect(any(hop in subnet for subnet in subnets), "Invalid format for routes: the nexthop is not connected with router")
            expect(str(hop) not in own, "Invalid format for routes: the nexthop is used by router")

    def _check_floatingip(self, one: Resource, changed: Resource, wanted: Resource, caller: Caller) -> None:
        if "port_id" in wanted:
            del self.by_id["floatingips"][one["id"]]
            try:
                changed["fixed_ip_address"] = wanted.get("fixed_ip_address")
                self._lead(changed, caller)
            finally:
                self.by_id["floatingips"][one["id"]] = one

    def _check_security_group(self, one: Resource, changed: Resource, wanted: Resource, _caller: Caller) -> None:
        expect(one["name"] != "default" or wanted.get("name", "default") == "default", "Updating default security group not allowed.", 409)
        expect(changed["name"] != "default" or one["name"] == "default", "Default security group already exists.", 409)
        in_use = any(one["id"] in port["security_groups"] for port in self.by_id["ports"].values())
        expect(changed.get("stateful") == one.get("stateful") or not in_use, "Security group is in use", 409)

    def delete(self, kind: str, one: Resource) -> None:
        """Remove a resource, as other services have it done."""
        self._delete(kind, one)

    def _delete(self, kind: str, one: Resource) -> None:
        ports = self.by_id["ports"].values()
        in_use = {
            "networks": any(not port["device_owner"] == _OF_THE_NETWORK for port in self._ports(one["id"])),
            "subnets": any(ip["subnet_id"] == one["id"] for port in ports if port["device_owner"] != _OF_THE_NETWORK for ip in port["fixed_ips"]),
            "routers": kind == "routers" and bool(self._interfaces(one)),
            "security-groups": any(one["id"] in port["security_groups"] for port in ports) or one.get("name") == "default",
            "ports": bool(one.get("device_id")) and one.get("device_owner") in (_ROUTER_PORT, _SUBPORT),
            "floatingips": bool(one.get("port_forwardings")),
            "address-groups": any(rule.get("remote_address_group_id") == one["id"] for rule in self.by_id["security-group-rules"].values()),
        }
        expect(not in_use.get(kind), f"{kind} {one['id']} is in use", 409)
        del self.by_id[kind][one["id"]]
        for other in [rule for rule in self.by_id["security-group-rules"].values() if one["id"] in (rule["security_group_id"], rule["remote_group_id"])]:
            del self.by_id["security-group-rules"][other["id"]]
        for share in [share for share in self.by_id["rbac-policies"].values() if share["object_id"] == one["id"]]:
            del self.by_id["rbac-policies"][share["id"]]
        for port in [port for port in ports if kind == "networks" and port["network_id"] == one["id"]]:
            del self.by_id["ports"][port["id"]]
        for port in [port for port in ports if port["device_id"] == one["id"] and kind in ("routers", "floatingips")]:
            del self.by_id["ports"][port["id"]]
        for floating in self.by_id["floatingips"].values():
            if floating.get("port_forwardings"):
                floating["port_forwardings"] = [there for there in floating["port_forwardings"] if there["internal_port_id"] != one["id"]]
            if floating["port_id"] == one["id"]:
                floating |= {"port_id": None, "fixed_ip_address": None, "status": "DOWN", "router_id": None}


def _expect_no_interface(port: Resource) -> None:
    """OVN looks for the router of such a port, which has none yet."""
    expect(port.get("device_owner") != _ROUTER_PORT, "Request Failed: internal server error while processing your request.", 500)


def _serves(subnet: Resource, owner: str) -> bool:
    """Whether ports of a device owner may have addresses of a subnet."""
    return not subnet.get("service_types") or owner in subnet["service_types"]


def _network(cidr: str, strict: bool = True) -> t.Any:
    try:
        return ipaddress.ip_network(cidr, strict=strict)
    except ValueError:
        raise Refused(400, f"'{cidr}' is not a valid IP subnet") from None


def _overlap(one: str, other: str) -> bool:
    first, second = _network(one), _network(other)
    return first.version == second.version and first.overlaps(second)


def _cross(one: tuple[t.Any, t.Any], other: tuple[t.Any, t.Any]) -> bool:
    return bool(one[0] <= other[1] and other[0] <= one[1])


def _plain_pools(pools: t.Iterable[Resource]) -> list[Resource]:
    """Addresses as Neutron writes them: IPv6 has several forms of one."""
    return [{end: str(ipaddress.ip_address(pool[end])) for end in ("start", "end")} for pool in pools]


def _default_pools(network: t.Any, gateway: str | None) -> list[Resource]:
    first, last = int(network[1]), int(network[-2] if network.version == 4 else network[-1])
    build = type(network.network_address)
    inside = gateway is not None and ipaddress.ip_address(gateway) in network
    cut = int(ipaddress.ip_address(gateway)) if inside and gateway else 0
    pieces = [(first, last)] if not first <= cut <= last else [(first, cut - 1), (cut + 1, last)]
    return [{"start": str(build(start)), "end": str(build(end))} for start, end in pieces if start <= end]


def _automatic(subnet: Resource, mac: str) -> Resource:
    parts = [int(part, 16) for part in mac.split(":")]
    identity = [parts[0] ^ 2, *parts[1:3], 0xFF, 0xFE, *parts[3:]]
    base = int(_network(subnet["cidr"]).network_address)
    return {"subnet_id": subnet["id"], "ip_address": str(ipaddress.IPv6Address(base | int.from_bytes(bytes(identity), "big")))}
