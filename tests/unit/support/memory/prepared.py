# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What somebody has prepared at a remote site under the application's names: as at the source, but for what is drawn.

A restore uses it, changes none of it, and tells all in which it differs.
"""

from __future__ import annotations

import contextlib
import ipaddress
import json
import typing as t

from ansible_collections.osdr.openstack.tests.unit.support.memory.asking import Caller, Refused, Resource
from ansible_collections.osdr.openstack.tests.unit.support.memory.site import OURS, MemorySite
from hypothesis import strategies as st

Drawn = dict[str, t.Any]

_ADMIN = Caller(OURS, sees_all=True)
#: Among the texts are those that a restore of another checkpoint and a drill have left.
_LEFT = ("osdr_application=shop osdr_checkpoint=eve osdr_source=1", "osdr_application=shop osdr_checkpoint=noon osdr_drill=7")
_TEXTS = {"description": ("", "prepared", *_LEFT), "tags": ([], ["prepared"], ["osdr_application=shop", "osdr_checkpoint=eve"])}
_QOS = {"qos_policy_id": (None, "gold", "silver")}
_DNS = {"dns_domain": ("", "other.example.")}
#: Per kind, what may be otherwise than at the source.
OTHERWISE: dict[str, dict[str, t.Sequence[t.Any]]] = {
    "networks": {
        **{"mtu": (1400, 1280, 576), "port_security_enabled": (True, False), "admin_state_up": (True, False), "availability_zone_hints": (["az9"],)},
        **_TEXTS,
        **_QOS,
        **_DNS,
    },
    "subnets": {
        **{"gateway_ip": (1, 10, None), "enable_dhcp": (True, False), "dns_nameservers": ([], ["10.0.0.99"], ["10.0.0.54", "10.0.0.53"])},
        **{"allocation_pools": ((3, 7),), "host_routes": ([], [{"destination": "10.98.0.0/24", "nexthop": "10.10.0.8"}]), "mode": ("slaac", None)},
        **{"service_types": ([], ["compute:nova"], ["compute:az9", "network:router_interface"], ["network:dhcp"], ["network:dhcp"])},
        **{"dns_publish_fixed_ip": (True, False), "subnetpool_id": (None,), "cidr": ("10.77.0.0/24",)},
        "how": ("absent", "further", "taken"),
        **_TEXTS,
    },
    "routers": {
        **{"outside": (None, "public", "provider"), "enable_snat": (True, False), "admin_state_up": (True, False), "ha": (True, False)},
        **{"joined": ("none", "elsewhere"), "routes": ("none", "more"), **_TEXTS},
    },
    "security-groups": {"stateful": (True, False), "rules": ("open",), **_TEXTS},
    "address-groups": {"addresses": (["192.0.2.7/32"],), "description": _TEXTS["description"]},
    "server groups": {"policy": ("affinity", "soft-anti-affinity")},
    "keys": {"public_key": ("ssh-ed25519 BBBB", "comment")},
    "ports": {
        **{"name": ("prepared",), "admin_state_up": (True, False), "binding:vnic_type": ("normal", "direct"), "port_security_enabled": (True, False)},
        **{"allowed_address_pairs": ([], [{"ip_address": "10.10.0.201"}]), "binding:profile": ({}, {"trusted": "true"}), "dns_name": ("", "other")},
        **{"extra_dhcp_opts": ([],), "numa_affinity_policy": ("preferred",), "security_groups": ([],), "floating": (True, "silver"), **_TEXTS, **_QOS, **_DNS},
    },
}


def odd_value(odd: t.Mapping[str, t.Sequence[t.Any]]) -> st.SearchStrategy[tuple[str, t.Any]]:
    """An attribute with one of its values: those with many values are no more frequent than others."""
    return st.builds(lambda name, number: (name, odd[name][number % len(odd[name])]), st.sampled_from([*odd]), st.integers(0, 119))


def _some(kind: str) -> st.SearchStrategy[list[tuple[str, t.Any]]]:
    return st.lists(odd_value(OTHERWISE[kind]), max_size=3)


def _prepared(kind: str) -> st.SearchStrategy[Drawn]:
    subnets = {"subnets": st.lists(_some("subnets"), max_size=3), "further": st.sampled_from((False, False, True))} if kind == "networks" else {}
    return st.fixed_dictionaries({"kind": st.just(kind), "number": st.integers(0, 5), "otherwise": _some(kind), **subnets})


#: In the order in which one may need another.
_ORDER = ("networks", "address-groups", "security-groups", "server groups", "keys", "routers", "ports")
PREPARED = st.lists(st.one_of([_prepared(kind) for kind in (*_ORDER, "networks", "networks")]), min_size=1, max_size=5)


class Prepared:
    """Prepares things at a remote site.

    :ivar network_names: of the networks that are there.
    """

    def __init__(self, source: MemorySite, remote: MemorySite) -> None:
        self._source, self._remote = source, remote
        self._here, self._there = source.neutron.by_id, remote.neutron.by_id
        self._had: list[tuple[t.Mapping[str, Resource], str, str]] = []

    def prepare(self, drawn: t.Iterable[Drawn]) -> None:
        done = set()
        for one in sorted(drawn, key=lambda one: _ORDER.index(one["kind"])):
            make, wanted = getattr(self, f"_{one['kind'].replace('-', '_').replace(' ', '_')}"), self._wanted(one["kind"])
            number = one["number"] % max(1, len(wanted))
            if not wanted or (one["kind"], number) in done:
                continue
            done.add((one["kind"], number))
            # What a site refuses is not there.
            with contextlib.suppress(Refused):
                make(wanted[number], dict(one["otherwise"]), *([_subnets(one)] if "subnets" in one else []))
        self._had = [(things, key, _fixed(things[key])) for things, key, _old in self._had if key in things]

    def changes(self) -> list[str]:
        """What is not as it was any more."""
        now = [(key, had, _fixed(things[key]) if key in things else "gone") for things, key, had in self._had]
        return [f"{key} was prepared as {had} and became {is_now}" for key, had, is_now in now if had != is_now]

    def _wanted(self, kind: str) -> list[Resource]:
        """What the application has of a kind."""
        if kind == "server groups":
            return list(self._source.nova.by_id["server_groups"].values())
        if kind == "keys":
            return list(self._source.nova.by_id["key_pairs"].values())
        own = [one for one in self._here[kind].values() if one["project_id"] == OURS]
        if kind == "ports":
            return [one for one in own if not one["device_owner"] and not one["device_id"]]
        return [one for one in own if one["name"] not in ("", "default")]

    def _keep(self, things: t.Mapping[str, Resource], one: Resource) -> Resource:
        self._had.append((things, one["id"], ""))
        return one

    def _make(self, kind: str, body: Resource, otherwise: Resource) -> Resource:
        """Make something with what the site knows; tags come later."""
        neutron = self._remote.neutron
        whole = {name: value for name, value in {**body, **otherwise}.items() if neutron.knows(kind, name) and name != "tags"}
        made = self._keep(neutron.by_id[kind], neutron.create(kind, whole, _ADMIN))
        tags = otherwise.get("tags", body.get("tags"))
        if tags and neutron.knows(kind, "tags"):
            self._remote.ask("neutron", "PUT", f"{kind}/{made['id']}/tags", {"tags": list(tags)}, _ADMIN)
        return made

    def _id_of(self, kind: str, name: str | None) -> str | None:
        return next((one["id"] for one in self._there[kind].values() if name and one["name"] == name), None)

    def _same(self, kind: str, one_id: str | None) -> str | None:
        """The id at the remote site of what the source has by an id."""
        one = self._here[kind].get(one_id or "")
        return self._id_of(kind, one["name"]) if one else None

    def _policy(self, one: Resource, otherwise: Resource) -> Resource:
        chosen = "qos_policy_id" in otherwise
        policy = self._id_of("policies", otherwise["qos_policy_id"]) if chosen else self._same("policies", one.get("qos_policy_id"))
        return {**otherwise, "qos_policy_id": policy}

    # Networks

    def _networks(self, network: Resource, otherwise: Resource, subnets: t.Sequence[t.Sequence[tuple[str, t.Any]]]) -> None:
        names = ("name", "mtu", "port_security_enabled", "admin_state_up", "dns_domain", "availability_zone_hints", "description", "tags")
        body, policy = {name: network[name] for name in names if name in network}, self._policy(network, otherwise)
        changes = {**policy, "mtu": min(otherwise.get("mtu", body["mtu"]), self._remote.neutron.mtu)}
        made = self._make("networks", body, changes)
        described = [one for one in self._here["subnets"].values() if one["network_id"] == network["id"]]
        for number, subnet in enumerate(described):
            with contextlib.suppress(Refused):
                self._subnet(made, subnet, dict(subnets[number]) if number < len(subnets) else {})

    def _subnet(self, network: Resource, subnet: Resource, otherwise: Resource) -> None:
        if otherwise.get("how") == "absent":
            return
        names = ("name", "cidr", "ip_version", "gateway_ip", "enable_dhcp", "dns_nameservers", "allocation_pools", "host_routes")
        more = ("ipv6_ra_mode", "ipv6_address_mode", "dns_publish_fixed_ip", "description", "tags")
        body = {name: subnet[name] for name in (*names, *more) if name in subnet}
        pool = {} if "subnetpool_id" in otherwise else {"subnetpool_id": self._same("subnetpools", subnet.get("subnetpool_id"))}
        changes = {**otherwise, **pool}
        if "cidr" in otherwise:
            changes |= {"ip_version": 4, "ipv6_ra_mode": None, "ipv6_address_mode": None, "gateway_ip": 1, "host_routes": [], **changes, "subnetpool_id": None}
        if "mode" in otherwise or not changes.get("enable_dhcp", True):
            mode = otherwise.get("mode") if changes.get("enable_dhcp", True) else None
            changes |= {"ipv6_ra_mode": mode, "ipv6_address_mode": mode}
        cidr = otherwise.get("cidr", subnet["cidr"])
        if changes.get("gateway_ip"):
            changes["gateway_ip"] = _address(cidr, changes["gateway_ip"])
        if "gateway_ip" in changes or "cidr" in changes:
            changes.setdefault("allocation_pools", None)
        if changes.get("allocation_pools"):
            first, last = changes["allocation_pools"]
            changes["allocation_pools"] = [{"start": _address(cidr, first), "end": _address(cidr, last)}]
        types = changes.pop("service_types", subnet["service_types"])
        made = self._make("subnets", {**body, "network_id": network["id"]}, changes)
        if types and self._remote.neutron.knows("subnets", "service_types"):
            self._remote.ask("neutron", "PUT", f"subnets/{made['id']}", {"subnet": {"service_types": types}}, _ADMIN)
        if otherwise.get("how") != "taken":
            self._make_room(made, subnet["network_id"])
        if otherwise.get("how") == "further":
            # All subnets of one version are of one pool, or of none.
            pools = {made["ip_version"]: {"subnetpool_id": made["subnetpool_id"]}}
            wanted = {"network_id": network["id"], "name": "further", "cidr": "10.66.0.0/24"}
            self._make("subnets", {**wanted, **pools.get(4, {})}, {})
            wanted |= {"name": "further six", "cidr": "fd00:66::/64", "ip_version": 6, "ipv6_ra_mode": "slaac", "ipv6_address_mode": "slaac"}
            self._make("subnets", {**wanted, **pools.get(6, {})}, {})

    def _make_room(self, subnet: Resource, network_id: str) -> None:
        """Have what the network itself has on a subnet somewhere else than the application's ports."""
        wanted = {ip["ip_address"] for port in self._here["ports"].values() if port["network_id"] == network_id for ip in port["fixed_ips"]}
        network = ipaddress.ip_network(subnet["cidr"])
        free = (address for offset in range(2, min(60, network.num_addresses)) if (address := str(network[-offset])) not in {*wanted, subnet["gateway_ip"]})
        place = next(free)
        for port in self._there["ports"].values():
            for ip in port["fixed_ips"] if port["device_owner"] == "network:distributed" else ():
                ip["ip_address"] = place if ip["subnet_id"] == subnet["id"] else ip["ip_address"]

    def _subnet_there(self, subnet_id: str) -> Resource | None:
        """The subnet of the project that stands for one of the source."""
        subnet = self._here["subnets"][subnet_id]
        network = self._id_of("networks", self._here["networks"][subnet["network_id"]]["name"])
        found = (one for one in self._there["subnets"].values() if one["network_id"] == network and one["name"] == subnet["name"])
        return next((one for one in found if one["project_id"] == OURS), None)

    # Routers

    def _routers(self, router: Resource, otherwise: Resource) -> None:
        info = router["external_gateway_info"] or {}
        outside = self._id_of("networks", otherwise["outside"]) if "outside" in otherwise else self._same("networks", info.get("network_id"))
        snat = otherwise.get("enable_snat", info.get("enable_snat", True))
        gateway = {"network_id": outside, **({} if snat else {"enable_snat": False})} if outside else None
        body = {name: router[name] for name in ("name", "admin_state_up", "ha", "description", "tags") if name in router}
        made = self._make("routers", {**body, "external_gateway_info": gateway}, {name: value for name, value in otherwise.items() if name != "routes"})
        if otherwise.get("joined") != "none":
            self._join(router, made, otherwise.get("joined") == "elsewhere")
        if otherwise.get("routes") != "none":
            more = [{"destination": "10.51.0.0/16", "nexthop": "10.10.0.7"}] if otherwise.get("routes") == "more" else []
            with contextlib.suppress(Refused):
                self._remote.ask("neutron", "PUT", f"routers/{made['id']}", {"router": {"routes": [*router.get("routes", ()), *more]}}, _ADMIN)

    def _join(self, router: Resource, made: Resource, is_elsewhere: bool) -> None:
        interfaces = [one for one in self._here["ports"].values() if one["device_id"] == router["id"] and one["device_owner"] == "network:router_interface"]
        for ip in [ip for port in interfaces for ip in port["fixed_ips"]]:
            subnet = self._subnet_there(ip["subnet_id"])
            if subnet is None:
                continue
            wanted = {"subnet_id": subnet["id"], "ip_address": _address(subnet["cidr"], 6) if is_elsewhere else ip["ip_address"]}
            with contextlib.suppress(Refused):
                body = {"network_id": subnet["network_id"], "device_owner": "network:router_interface", "fixed_ips": [wanted]}
                port = self._remote.neutron.create("ports", body, _ADMIN)
                self._remote.ask("neutron", "PUT", f"routers/{made['id']}/add_router_interface", {"port_id": port["id"]}, _ADMIN)

    # Groups and keys

    def _security_groups(self, group: Resource, otherwise: Resource) -> None:
        made = self._make("security-groups", {name: group[name] for name in ("name", "description", "stateful", "tags") if name in group}, otherwise)
        if "rules" in otherwise:
            rule = {"security_group_id": made["id"], "direction": "ingress", "ethertype": "IPv4", "protocol": "tcp"}
            self._remote.neutron.create("security-group-rules", rule, _ADMIN)

    def _address_groups(self, group: Resource, otherwise: Resource) -> None:
        self._make("address-groups", {name: group[name] for name in ("name", "description", "addresses")}, otherwise)

    def _server_groups(self, group: Resource, otherwise: Resource) -> None:
        body = {"name": f"shop-{group['name']}", "policy": otherwise.get("policy", group["policy"]), **({} if otherwise else {"rules": group["rules"]})}
        made = self._remote.ask("nova", "POST", "os-server-groups", {"server_group": body}, Caller(OURS))["server_group"]
        groups = self._remote.nova.by_id["server_groups"]
        self._keep(groups, groups[made["id"]])

    def _keys(self, key: Resource, otherwise: Resource) -> None:
        public = otherwise.get("public_key", key["public_key"])
        public = f"{key['public_key']} prepared" if public == "comment" else public
        body = {"name": key["name"], "type": key.get("type", "ssh"), "public_key": public}
        self._remote.ask("nova", "POST", "os-keypairs", {"keypair": body}, Caller(OURS))

    # Ports

    def _ports(self, port: Resource, otherwise: Resource) -> None:
        subnets = {ip["subnet_id"]: self._subnet_there(ip["subnet_id"]) for ip in port["fixed_ips"]}
        network = self._same("networks", port["network_id"])
        if network is None or not all(subnets.values()):
            return
        automatic = ("slaac", "dhcpv6-stateless")
        chosen = [(t.cast(Resource, subnets[ip["subnet_id"]]), ip["ip_address"]) for ip in port["fixed_ips"]]
        fixed = [{"subnet_id": subnet["id"], **({} if subnet["ipv6_address_mode"] in automatic else {"ip_address": address})} for subnet, address in chosen]
        body = {name: value for name, value in port.items() if name not in ("id", "project_id", "status", "device_id", "device_owner", "ip_allocation")}
        groups = [found for one in port["security_groups"] if (found := self._same("security-groups", one))]
        body |= {"network_id": network, "fixed_ips": fixed, "security_groups": groups}
        changes = self._policy(port, {name: value for name, value in otherwise.items() if name != "floating"})
        if {**body, **changes}.get("port_security_enabled") is False:
            changes |= {"security_groups": [], "allowed_address_pairs": []}
        made = self._make("ports", body, changes)
        outside = self._id_of("networks", "public")
        if otherwise.get("floating") and outside:
            policy = self._id_of("policies", otherwise["floating"]) if isinstance(otherwise["floating"], str) else None
            address = next((ip["ip_address"] for ip in made["fixed_ips"] if "." in ip["ip_address"]), None)
            wanted = {"floating_network_id": outside, "port_id": made["id"], "fixed_ip_address": address, "qos_policy_id": policy, "description": "prepared"}
            self._make("floatingips", wanted, {})


def _subnets(drawn: Drawn) -> list[list[tuple[str, t.Any]]]:
    """What is otherwise of each subnet: the first one may have others beside it."""
    first, *others = drawn["subnets"] or [[]]
    return [[*first, ("how", "further")] if drawn.get("further") else first, *others]


def _address(cidr: str, offset: int) -> str:
    return str(ipaddress.ip_network(cidr)[offset])


def _fixed(one: Resource) -> str:
    """All that only somebody who changes it changes: who is in a group follows from the servers."""
    return json.dumps({name: value for name, value in one.items() if name not in ("members", "status", "router_id")}, sort_keys=True, ensure_ascii=False)
