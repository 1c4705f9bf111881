# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Random applications, and the sites that they run at and are restored at.

An application is drawn as plain data and then built through the APIs of a site in memory, which refuses what cannot be: nothing else is left out.
Numbers choose among what is there, whatever its count.
"""

from __future__ import annotations

import contextlib
import typing as t

from ansible_collections.osdr.openstack.tests.unit.support.memory.asking import Caller, Refused, Resource
from ansible_collections.osdr.openstack.tests.unit.support.memory.neutron import EXTENSIONS
from ansible_collections.osdr.openstack.tests.unit.support.memory.prepared import PREPARED, Prepared, odd_value
from ansible_collections.osdr.openstack.tests.unit.support.memory.site import NOVA_VERSIONS, OPERATOR, OURS, THEIRS, MemorySite
from hypothesis import strategies as st

Blueprint = dict[str, t.Any]

APPLICATION = "shop"
_US, _ADMIN, _OTHERS, _OPERATOR = Caller(OURS), Caller(OURS, sees_all=True), Caller(THEIRS), Caller(OPERATOR, sees_all=True)
_KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI"
#: Legal, if odd.
_NAMES = (
    *("web", "Web", "db-1", "db_1", "db.1", "a b", "wéb", "数据库", "naïve", "Ünïcödé ☃", "x" * 63, "y" * 200, "z" * 255, "0", "-a-", "default", "shop"),
    *("quote'\"", "{{ a }}", "a=b", "osdr", "a,b", "a/b", "null", "100%", "shop-web", "public", "\\n", "#", "a: (b)"),
)
_TEXTS = ("", "for the shop", "naïve ☃", "x" * 120, "y" * 250, "a=b c", "osdr_application", "keep this; please", "'", "two\nlines")
_TAGS = ("a", "blue", "keep=1", "osdr", "ü", "x" * 60)
#: Ranges of IPv4 that overlap in part, and of IPv6.
_RANGES = {4: ("10.10.0.0/24", "10.20.0.0/24", "192.168.5.0/28", "10.10.0.128/25", "172.16.0.0/16"), 6: ("fd00:1::/64", "fd00:2::/64", "fd00:1:0:0:8000::/80")}
_SPECS = ({}, {"hw:cpu_policy": "dedicated"}, {"hw:mem_page_size": "large", "trait:HW": "required"})
_MACS = tuple(f"fa:16:3e:0a:00:{number:02x}" for number in range(8))


def some(strategy: st.SearchStrategy[t.Any], most: int, least: int = 0) -> st.SearchStrategy[list[t.Any]]:
    return st.lists(strategy, min_size=least, max_size=most)


def kind(usual: Blueprint, odd: t.Mapping[str, t.Sequence[t.Any]], **structure: st.SearchStrategy[t.Any]) -> st.SearchStrategy[Blueprint]:
    """A thing that is as usual, but for a few attributes: what is drawn in so few steps, is drawn and made smaller fast.

    :param odd: unusual values per attribute.
    :param structure: what is drawn for every thing.
    """
    return st.builds(lambda drawn, changes: {**usual, **drawn, **dict(changes)}, st.fixed_dictionaries(structure), some(odd_value(odd), 4))


_index = st.integers(0, 5)
_names = st.sampled_from(_NAMES)
_DESCRIBED = {"description": "", "tags": []}
_DESCRIPTIONS: dict[str, t.Sequence[t.Any]] = {"description": _TEXTS[1:], "tags": [[one] for one in _TAGS]}
_DOMAINS = ("example.org.", "shop.example.")
_METADATA = ({"role": "1"}, {"k" * 255: "v" * 255}, {"a.b": "", "owner": "ü"}, {f"key{number}": "x" for number in range(126)})
_PAIRS = [{"ip_address": "10.10.0.200"}, {"ip_address": "10.0.0.0/8", "mac_address": "fa:16:3e:99:00:01"}]

SUBNETS = kind(
    {
        "gateway": "first",
        "dhcp": True,
        "pool": None,
        "dns": [],
        "routes": [],
        "service_types": [],
        "later_types": [],
        "dns_publish": False,
        "from_pool": False,
        **_DESCRIBED,
    },
    {
        "gateway": ("last", "none", "tenth"),
        "dhcp": (False,),
        "pool": ((2, 9), (5, 12), (8, 14)),
        "dns": (["10.0.0.53", "10.0.0.54"],),
        "routes": ([{"destination": "10.99.0.0/24", "nexthop": "10.10.0.9"}],),
        "service_types": (["compute:nova"], ["compute:nova", "network:router_interface"]),
        # When it has been used by all.
        "later_types": (["compute:nova"], ["compute:az2"], ["network:dhcp"]),
        "dns_publish": (True,),
        "from_pool": (True,),
        **_DESCRIPTIONS,
    },
    name=_names,
    version=st.sampled_from((4, 4, 6)),
    mode=st.sampled_from((None, None, "slaac", "dhcpv6-stateful", "dhcpv6-stateless")),
    range=_index,
)
NETWORKS = kind(
    {"mtu": None, "secure": True, "up": True, "dns_domain": "", "qos": None, "shared": False, **_DESCRIBED},
    {
        **{"mtu": (1400, 576), "secure": (False,), "up": (False,), "dns_domain": _DOMAINS, "qos": (0, 1), "shared": (True,)},
        **_DESCRIPTIONS,
    },
    name=_names,
    # By the operator of each site; at the remote one perhaps not, not alike, or twice.
    provided=st.sampled_from((*[""] * 20, *["alike"] * 5, "absent", "secure", "bare", "twice", "typed", "barred", "barred")),
    subnets=some(SUBNETS, 3, 1),
)
ROUTERS = kind(
    {"outside": 0, "snat": True, "routes": [], "up": True, "ha": None, **_DESCRIBED},
    {
        "outside": (None, 1),
        "snat": (False,),
        "routes": ([{"destination": "10.50.0.0/16", "offset": 7}],),
        "up": (False,),
        "ha": (True,),
        **_DESCRIPTIONS,
    },
    name=_names,
    joined=some(st.tuples(_index, st.sampled_from((False, False, True))), 3, 1),
)
RULES = st.fixed_dictionaries(
    {
        "direction": st.sampled_from(("ingress", "egress")),
        "ethertype": st.sampled_from(("IPv4", "IPv4", "IPv6")),
        "protocol": st.sampled_from(("tcp", "udp", "icmp", None, "vrrp", "47", "ICMP", "sctp")),
        "range": st.sampled_from(((22, 22), None, (1, 65535), (8, None), (8, 0), (80, 443))),
        "remote": st.sampled_from((None, "prefix", "any", 0, 1, 2, "default", "addresses", "addresses of others")),
        "description": st.sampled_from(("", "", "", "from the front")),
    }
)
GROUPS = kind({"stateful": True, "opens": True, **_DESCRIBED}, {"stateful": (False,), "opens": (False,), **_DESCRIPTIONS}, name=_names, rules=some(RULES, 4))
FLOATING = kind({"outside": 0, "qos": None, "dns": None, **_DESCRIBED}, {"outside": (1,), "qos": (0,), "dns": ("front",), **_DESCRIPTIONS})
PORTS = kind(
    {
        **{"name": "", "mac": None, "secure": None, "pairs": [], "up": True, "vnic": "normal", "profile": {}, "qos": None},
        **{"dns_name": None, "dns_domain": "", "dhcp_options": [], "numa": None, "by_nova": None, **_DESCRIBED},
    },
    {
        "name": _NAMES,
        "mac": _MACS,
        "secure": (True, False),
        "pairs": (_PAIRS,),
        "up": (False,),
        "vnic": ("direct", "macvtap"),
        "profile": ({"trusted": "true"},),
        "qos": (0, 1),
        "dns_name": ("other-name",),
        "dns_domain": _DOMAINS,
        "dhcp_options": ([{"opt_name": "mtu", "opt_value": "1400", "ip_version": 4}],),
        "numa": ("preferred",),
        # A port of a server may have been made before it, and one on no server may have been of one.
        "by_nova": (True, False),
        **_DESCRIPTIONS,
    },
    network=_index,
    addresses=st.one_of(st.none(), some(st.tuples(_index, st.sampled_from((None, 2, 3, 4, 5, 11, 20, 1))), 3)),
    groups=st.one_of(st.none(), some(_index, 2)),
    floating=some(FLOATING, 2),
)
VOLUMES = kind(
    {"name": "", "bootable": False, "image": {}, "goes": False, "device": None, "tag": None, "description": "", "metadata": {}},
    {
        "name": _NAMES,
        "bootable": (True,),
        "image": ({"os_distro": "debian", "hw_disk_bus": "virtio"},),
        "goes": (True,),
        "device": ("/dev/sda", "/dev/vdz", "/dev/vdaa"),
        "tag": ("data",),
        "description": _TEXTS[1:],
        "metadata": _METADATA,
    },
    size=st.integers(1, 9),
)
SERVERS = kind(
    {
        **{"flavor": 0, "metadata": {}, "hostname": None, "renamed": None, "state": None, "locked": None, "config_drive": False, "zone": None},
        **{"hints": {}, "imaged": False, **_DESCRIBED},
    },
    {
        "flavor": (1, 2, 3),
        "metadata": _METADATA,
        "hostname": ("db7", "db7.example.org", "Upper"),
        "renamed": _NAMES,
        "state": ("os-stop", "pause", "suspend"),
        "locked": ("", "do not touch"),
        "config_drive": (True,),
        "zone": ("nova",),
        "hints": ({"different_cell": "x"},),
        "imaged": (True, "alone"),
        **_DESCRIPTIONS,
    },
    name=_names,
    ports=some(PORTS, 3),
    volumes=some(VOLUMES, 3, 1),
    key=st.one_of(st.none(), _index),
    group=st.one_of(st.none(), _index),
    late_ports=some(PORTS, 1),
)
_LIMITED = (
    "port",
    "network",
    "subnet",
    "router",
    "security_group",
    "security_group_rule",
    "instances",
    "cores",
    "gigabytes",
    "volumes",
    "floatingip",
    "server_groups",
)
#: What a site may keep for administrators, though Neutron's own policies do not.
_FORBIDDEN = (
    *("create_network:admin_state_up", "create_network:dns_domain", "create_network:port_security_enabled", "create_network:qos_policy_id"),
    *("create_subnet:dns_nameservers", "create_subnet:host_routes", "create_router:admin_state_up", "create_security_group:stateful"),
    *("create_port:admin_state_up", "create_port:allowed_address_pairs", "create_port:binding:vnic_type", "create_port:extra_dhcp_opts"),
    *("create_port:qos_policy_id", "create_port:dns_domain", "create_port:port_security_enabled"),
    *("create_floatingip:qos_policy_id", "create_floatingip:dns_name"),
)
REMOTES = kind(
    {
        **{"nova": 0, "lacking": [], "mtu": None, "flavors": "same", "outside": 2, "policies": True},
        **{"default_group": "as new", "addresses": []},
    },
    {
        "nova": (1, 2),
        "lacking": [[one] for one in sorted(EXTENSIONS - {"external-net"})],
        "mtu": (1500, 1300),
        "flavors": ("larger", "other specs", "none"),
        "outside": (1,),
        "policies": (False,),
        "default_group": ("more", "fewer"),
        "addresses": (["10.0.0.0/8", "fd00::1/128"], ["192.0.2.7/32"]),
    },
    quota=st.one_of(st.none(), st.none(), st.sampled_from([(name, limit) for name in _LIMITED for limit in (0, 1, 2, 4)])),
    prepared=st.one_of(st.just([]), PREPARED, PREPARED),
    # Networks that are called like others of the application, and are not these, with or without subnets like theirs.
    namesakes=st.sampled_from((None, None, *(f"{how}{whose}" for how in ("", "whole ") for whose in ("shared", "external", "both", "own")))),
    takes_first=st.booleans(),
    has_admin=st.booleans(),
    # Others have addresses of the application on the networks that the operator provides.
    neighbours=st.booleans(),
    most=st.sampled_from(({}, {}, {"dns_nameservers": 1}, {"host_routes": 0}, {"dns_nameservers": 0, "host_routes": 0})),
    forbids=st.one_of(st.just([]), some(st.sampled_from(_FORBIDDEN), 3)),
)
_POLICIES = ("anti-affinity", "affinity", "soft-anti-affinity", "soft-affinity")
_ANYTHING = kind(
    {"default_rules": [], "forwardings": [], "trunk": None, "unique": True, "nova": 0},
    {
        "default_rules": (
            [{"direction": "ingress", "ethertype": "IPv4", "protocol": "tcp", "range": (22, 22), "remote": "any", "description": ""}],
            [{"direction": "ingress", "ethertype": "IPv4", "protocol": "tcp", "range": (22, 22), "remote": "any", "description": "for the operators"}],
        ),
        "forwardings": ([(0, 80)], [(1, 80), (1, 443)]),
        "trunk": ((0, 100), (1, 4094)),
        "unique": (False,),
        "nova": (1, 2),
    },
    networks=some(NETWORKS, 3, 1),
    routers=some(ROUTERS, 2),
    groups=some(GROUPS, 3),
    server_groups=some(st.fixed_dictionaries({"name": _names, "policy": st.sampled_from(_POLICIES), "most": st.sampled_from((None, None, 2))}), 2),
    keys=some(st.tuples(_names, st.sampled_from(("ssh", "ssh", "ssh", "x509")), st.sampled_from(("", " me@home", " a b"))), 2),
    servers=some(SERVERS, 3, 1),
    vips=some(PORTS, 2),
    takes_first=st.booleans(),
    seen_by_administrator=st.booleans(),
    killed_after=st.one_of(st.none(), st.integers(1, 40)),
    look_alikes=st.booleans(),
    remote=REMOTES,
)


def _calm(drawn: Blueprint, prepared: list[Blueprint]) -> Blueprint:
    """An application at whose remote site nothing is in the way but what somebody has prepared."""
    remote = {"lacking": [], "mtu": None, "quota": None, "flavors": "same", "outside": 2, "policies": True, "addresses": []}
    networks = [{**one, "provided": "", "shared": False} for one in drawn["networks"]]
    return {**drawn, "unique": True, "networks": networks, "remote": {**drawn["remote"], **remote, "most": {}, "prepared": prepared}}


BLUEPRINTS = st.one_of(_ANYTHING, st.builds(_calm, _ANYTHING, PREPARED))


def _pick(things: t.Sequence[t.Any], number: int | None) -> t.Any:
    """One of what is there; None of nothing."""
    return things[number % len(things)] if things and number is not None else None


class _Builder:
    """Builds through the APIs, as somebody; what a site refuses is not there."""

    def __init__(self, site: MemorySite) -> None:
        self.site = site
        self._taken: dict[tuple[str, str], int] = {}
        self.outsides: list[Resource] = []
        self.policies: list[Resource] = []
        self.pools: list[Resource] = []

    def make(self, kind: str, body: Resource, caller: Caller = _US, tags: t.Sequence[str] = ()) -> Resource | None:
        try:
            extensions = self.site.neutron.extensions
            if kind == "policies" and "qos" not in extensions:
                return None
            made = self.site.neutron.create(kind, {key: value for key, value in body.items() if value is not None}, caller)
        except Refused:
            return None
        if tags and "standard-attr-tag" in extensions:
            self.ask("neutron", "PUT", f"{kind}/{made['id']}/tags", {"tags": list(tags)})
        return made

    def ask(self, service: str, method: str, path: str, body: Resource, caller: Caller = _ADMIN) -> t.Any:
        try:
            return self.site.ask(service, method, path, body, caller)
        except Refused:
            return None

    def limit(self, subnet: Resource, types: t.Sequence[str]) -> None:
        """Have a subnet that is there give addresses to ports of some services only: what has some keeps them."""
        if types:
            self.ask("neutron", "PUT", f"subnets/{subnet['id']}", {"subnet": {"service_types": types}})

    def called(self, kind: str, name: str, unique: bool) -> str:
        number = self._taken[kind, name] = self._taken.get((kind, name), 0) + 1
        return name if number == 1 or not unique else f"{name[:240]}{number}"

    def operate(self, outsides: int, policies: bool) -> None:
        """What the operator of every site provides."""
        for number, name in enumerate(("public", "provider")[:outsides]):
            network = t.cast(Resource, self.make("networks", {"name": name, "router:external": True, "project_id": OPERATOR}, _OPERATOR))
            self.make(
                "subnets", {"network_id": network["id"], "cidr": f"203.0.{number}.0/24", "enable_dhcp": False, "name": name, "project_id": OPERATOR}, _OPERATOR
            )
            self.outsides.append(network)
        for name in ("gold", "silver") if policies else ():
            made = self.make("policies", {"name": name, "shared": True}, _OPERATOR)
            self.policies += [made] if made else []
        for name, prefix in (("ten", "10.0.0.0/8"), ("six", "fd00::/8")) if policies else ():
            made = self.make("subnetpools", {"name": name, "prefixes": [prefix], "shared": True, "project_id": OPERATOR}, _OPERATOR)
            self.pools += [made] if made else []


class Source(_Builder):
    """The site where an application runs.

    :ivar servers: of the application.
    """

    def __init__(self, blueprint: Blueprint) -> None:
        super().__init__(MemorySite("primary", NOVA_VERSIONS[blueprint["nova"]]))
        self._blueprint = blueprint
        self._unique = blueprint["unique"]
        self.site.neutron.takes_first = blueprint["takes_first"]
        self.site.caller = _ADMIN if blueprint["seen_by_administrator"] else _US
        self.networks: list[Resource] = []
        #: What the operator provides, and how it is at the remote site.
        self.provided: list[tuple[Resource, str]] = []
        self.subnets: list[Resource] = []
        self._later_types: list[tuple[Resource, list[str]]] = []
        self.groups: list[Resource] = []
        self.server_groups: list[Resource] = []
        self.keys: list[str] = []
        self.ports: list[Resource] = []
        self.servers: list[Resource] = []
        self.flavors = flavors(self.site)
        self._build()

    def _build(self) -> None:
        drawn = self._blueprint
        self.operate(2, True)
        for one in drawn["networks"]:
            self._network(one)
        for one in drawn["groups"]:
            self._group(one)
        default = self.site.neutron.default_group(OURS)
        self._rules(default, drawn["default_rules"])
        for one in drawn["server_groups"]:
            rules = {"rules": {"max_server_per_host": one["most"]}} if one["most"] and one["policy"] == "anti-affinity" else {}
            body = {"name": self.called("server group", one["name"], self._unique), "policy": one["policy"], **rules}
            made = self.ask("nova", "POST", "os-server-groups", {"server_group": body}, _US)
            self.server_groups += [made["server_group"]] if made else []
        for one in drawn["keys"]:
            self._key(*one)
        for one in drawn["routers"]:
            self._router(one)
        for one in drawn["servers"]:
            self._server(one)
        for one in drawn["vips"]:
            self._port(one, is_of_server=False)
        self._surround()
        for subnet, types in self._later_types:
            self.limit(subnet, types)

    def _surround(self) -> None:
        """What leads to ports that are there."""
        drawn = self._blueprint
        self._route()
        for number, external in drawn["forwardings"]:
            port = _pick([port for port in self.ports if any("." in ip["ip_address"] for ip in port["fixed_ips"])], number)
            floating = port and self.make("floatingips", {"floating_network_id": self.outsides[0]["id"]})
            if floating:
                address = next(ip["ip_address"] for ip in port["fixed_ips"] if "." in ip["ip_address"])
                inside = {"internal_port_id": port["id"], "internal_ip_address": address, "internal_port": 8080}
                body = {"port_forwarding": {**inside, "external_port": external, "protocol": "tcp"}}
                self.ask("neutron", "POST", f"floatingips/{floating['id']}/port_forwardings", body, _US)
        if drawn["trunk"]:
            number, tag = drawn["trunk"]
            parent = _pick(self.ports, number)
            child = parent and self.make("ports", {"network_id": parent["network_id"], "name": "subport"})
            if parent and child:
                sub = {"port_id": child["id"], "segmentation_type": "vlan", "segmentation_id": tag}
                self.make("trunks", {"port_id": parent["id"], "name": "trunk", "sub_ports": [sub]})

    def _network(self, one: Blueprint) -> None:
        body = {
            "name": self.called("network", one["name"], self._unique),
            "mtu": one["mtu"],
            "port_security_enabled": one["secure"],
            "admin_state_up": one["up"],
            "dns_domain": one["dns_domain"],
            "qos_policy_id": (_pick(self.policies, one["qos"]) or {}).get("id"),
            "description": one["description"],
            "shared": one["shared"] or bool(one["provided"]) or None,
        }
        network = self.make("networks", body, _OPERATOR if one["provided"] else _ADMIN, one["tags"])
        if network:
            self.networks.append(network)
            self.provided += [(network, one["provided"])] if one["provided"] else []
            for subnet in one["subnets"]:
                self._subnet(network, subnet, _OPERATOR if one["provided"] else _US)

    def _subnet(self, network: Resource, one: Blueprint, owner: Caller) -> None:
        cidr = _pick(_RANGES[one["version"]], one["range"])
        gateway = {"first": None, "none": "none", "last": address(cidr, 14), "tenth": address(cidr, 10)}[one["gateway"]]
        body = {
            "name": self.called("subnet", one["name"], self._unique),
            "network_id": network["id"],
            "cidr": cidr,
            "ip_version": one["version"],
            "enable_dhcp": one["dhcp"],
            "dns_nameservers": one["dns"],
            "host_routes": one["routes"] if one["version"] == 4 else [],
            "description": one["description"],
            "dns_publish_fixed_ip": one["dns_publish"],
            "subnetpool_id": next((pool["id"] for pool in self.pools if one["from_pool"] and pool["ip_version"] == one["version"]), None),
            "allocation_pools": [{"start": address(cidr, one["pool"][0]), "end": address(cidr, one["pool"][1])}] if one["pool"] else None,
            **({"ipv6_ra_mode": one["mode"], "ipv6_address_mode": one["mode"]} if one["version"] == 6 else {}),
        }
        body = {key: value for key, value in body.items() if value is not None}
        if gateway:
            body["gateway_ip"] = None if gateway == "none" else gateway
        try:
            subnet = self.site.neutron.create("subnets", body, owner)
        except Refused:
            return
        self.subnets.append(subnet)
        self.limit(subnet, one["service_types"])
        self._later_types += [(subnet, one["later_types"])] if one["later_types"] else []
        if one["tags"]:
            self.ask("neutron", "PUT", f"subnets/{subnet['id']}/tags", {"tags": one["tags"]})

    def _group(self, one: Blueprint) -> None:
        body = {"name": self.called("group", one["name"], self._unique), "description": one["description"], "stateful": one["stateful"]}
        group = self.make("security-groups", body, _US, one["tags"])
        if group:
            self.groups.append(group)
            if not one["opens"]:
                rules = self.site.neutron.by_id["security-group-rules"]
                for rule in [rule for rule in rules.values() if rule["security_group_id"] == group["id"]]:
                    del rules[rule["id"]]
            self._rules(group, one["rules"])

    def _rules(self, group: Resource, drawn: t.Sequence[Blueprint]) -> None:
        for one in drawn:
            remote, is_v4 = one["remote"], one["ethertype"] == "IPv4"
            prefixes = {"prefix": "10.0.0.0/8" if is_v4 else "fd00::/8", "any": "0.0.0.0/0" if is_v4 else "::/0"}
            others = {"default": self.site.neutron.default_group(OURS)}
            meant = others.get(str(remote)) or (_pick(self.groups, remote) if isinstance(remote, int) else None)
            addresses = self._addresses(str(remote)) if str(remote).startswith("addresses") else None
            least, most = one["range"] or (None, None)
            body = {
                "security_group_id": group["id"],
                **{key: one[key] for key in ("direction", "ethertype", "protocol", "description")},
                "port_range_min": least,
                "port_range_max": most,
                "remote_ip_prefix": prefixes.get(str(remote)),
                "remote_group_id": meant and meant["id"],
                "remote_address_group_id": addresses and addresses["id"],
            }
            self.make("security-group-rules", body)

    def _addresses(self, name: str) -> Resource | None:
        """An address group, perhaps one that the operator shares."""
        groups = self.site.neutron.by_id["address-groups"].values()
        found = next((one for one in groups if one["name"] == name), None)
        if found is None:
            found = self.make("address-groups", {"name": name, "addresses": ["10.0.0.0/8", "fd00::1/128"]}, _OPERATOR if "others" in name else _US)
            if found and "others" in name:
                found["shared"] = True
        return found

    def _key(self, wanted: str, form: str, comment: str) -> None:
        name = self.called("key", wanted, self._unique)
        public = f"{_KEY}{len(self.keys)}{comment}" if form == "ssh" else "-----BEGIN CERTIFICATE-----\nMII\n-----END CERTIFICATE-----"
        if self.ask("nova", "POST", "os-keypairs", {"keypair": {"name": name, "type": form, "public_key": public}}, _US):
            self.keys.append(name)

    def _router(self, one: Blueprint) -> None:
        outside = _pick(self.outsides, one["outside"])
        info = outside and {"network_id": outside["id"], **({} if one["snat"] else {"enable_snat": False})}
        body = {
            "name": self.called("router", one["name"], self._unique),
            "admin_state_up": one["up"],
            "description": one["description"],
            "external_gateway_info": info,
        }
        router = self.make("routers", {**body, "ha": one["ha"]}, _ADMIN, one["tags"])
        for number, by_port in one["joined"]:
            subnet = _pick(self.subnets, number)
            if router and subnet:
                self._join(router, subnet, by_port)

    def _join(self, router: Resource, subnet: Resource, by_port: bool) -> None:
        body = {"subnet_id": subnet["id"]}
        if by_port:
            # Any other port would get addresses of automatic subnets, too. OVN, which is asked otherwise, has one that was there before these.
            wanted = {"network_id": subnet["network_id"], "device_owner": "network:router_interface"}
            port = self.make("ports", {**wanted, "fixed_ips": [{"subnet_id": subnet["id"], "ip_address": address(subnet["cidr"], 6)}]})
            body = {"port_id": port["id"]} if port else body
        self.ask("neutron", "PUT", f"routers/{router['id']}/add_router_interface", body, _US)

    def _route(self) -> None:
        """Extra routes lead through the application's subnets, so that those must be joined before."""
        routers = [one for one in self.site.neutron.by_id["routers"].values() if one["project_id"] == OURS]
        for router, drawn in zip(routers, self._blueprint["routers"], strict=False):
            joined = [
                port for port in self.site.neutron.by_id["ports"].values() if port["device_id"] == router["id"] and port["device_owner"].endswith("interface")
            ]
            if drawn["routes"] and joined:
                subnet = self.site.neutron.by_id["subnets"][joined[0]["fixed_ips"][0]["subnet_id"]]
                routes = [{"destination": one["destination"], "nexthop": address(subnet["cidr"], one["offset"])} for one in drawn["routes"]]
                self.ask("neutron", "PUT", f"routers/{router['id']}", {"router": {"routes": routes}})

    def _port(self, one: Blueprint, is_of_server: bool = True) -> Resource | None:
        network = _pick(self.networks, one["network"])
        if network is None:
            return None
        groups = [*self.groups, self.site.neutron.default_group(OURS)]
        subnets = [subnet for subnet in self.subnets if subnet["network_id"] == network["id"]]
        body = {
            "network_id": network["id"],
            "device_owner": "compute:nova" if one["by_nova"] or (is_of_server and one["by_nova"] is None) else None,
            "name": one["name"] and self.called("port", one["name"], self._unique),
            "mac_address": one["mac"],
            "fixed_ips": self._fixed_ips(subnets, one["addresses"]),
            "security_groups": None if one["groups"] is None else list({_pick(groups, number)["id"]: None for number in one["groups"]}),
            "port_security_enabled": one["secure"],
            "allowed_address_pairs": one["pairs"],
            "admin_state_up": one["up"],
            "binding:vnic_type": one["vnic"],
            "binding:profile": one["profile"],
            "qos_policy_id": (_pick(self.policies, one["qos"]) or {}).get("id"),
            "dns_domain": one["dns_domain"],
            "extra_dhcp_opts": one["dhcp_options"],
            "numa_affinity_policy": one["numa"],
            "description": one["description"],
        }
        is_open = one["secure"] is False or (one["secure"] is None and not network["port_security_enabled"])
        body |= {"security_groups": [], "allowed_address_pairs": []} if is_open else {}
        port = self.make("ports", body, _ADMIN, one["tags"])
        if port:
            port["device_owner"] = port["device_owner"] if is_of_server else ""
            self.ports.append(port)
            for floating in one["floating"]:
                self._floating(port, floating)
        return port

    @staticmethod
    def _fixed_ips(subnets: t.Sequence[Resource], drawn: t.Sequence[tuple[int, int | None]] | None) -> list[Resource] | None:
        if drawn is None:
            return None
        wanted = []
        for number, offset in drawn:
            subnet = _pick(subnets, number)
            if subnet:
                is_automatic = subnet["ipv6_address_mode"] in ("slaac", "dhcpv6-stateless")
                chosen = {} if offset is None or is_automatic else {"ip_address": address(subnet["cidr"], offset)}
                wanted.append({"subnet_id": subnet["id"], **chosen})
        return wanted

    def _floating(self, port: Resource, one: Blueprint) -> None:
        had = {floating["fixed_ip_address"] for floating in self.site.neutron.by_id["floatingips"].values() if floating["port_id"] == port["id"]}
        free = [ip["ip_address"] for ip in port["fixed_ips"] if "." in ip["ip_address"] and ip["ip_address"] not in had]
        dns = {"dns_name": one["dns"], "dns_domain": "example.org."} if one["dns"] else {}
        body = {
            "floating_network_id": self.outsides[one["outside"]]["id"],
            "port_id": port["id"],
            "fixed_ip_address": free[0] if free else None,
            "description": one["description"],
            "qos_policy_id": (_pick(self.policies, one["qos"]) or {}).get("id"),
            **dns,
        }
        self.make("floatingips", body, _US, one["tags"])

    def _server(self, one: Blueprint) -> None:
        ports = [port for port in (self._port(drawn) for drawn in one["ports"]) if port]
        image = self.site.glance.fake.add(self.site.new_id(), b"a root disk") if one["imaged"] else None
        disks = [] if one["imaged"] == "alone" else one["volumes"]
        volumes = [self._volume(drawn, place == 0 and not image) for place, drawn in enumerate(disks)]
        mapping = [
            {"uuid": volume["id"], "boot_index": -1 if place or image else 0, "delete_on_termination": drawn["goes"], "tag": drawn["tag"]}
            for place, (volume, drawn) in enumerate(zip(volumes, disks, strict=True))
        ]
        # Those with a device name of their own are attached later.
        late = [place for place, drawn in enumerate(disks) if place and drawn["device"]]
        body = {
            "name": self.called("server", one["name"], self._unique),
            "flavorRef": self.flavors[one["flavor"]]["id"],
            "networks": [{"port": port["id"]} for port in ports] or "none",
            "imageRef": image and image["id"],
            "block_device_mapping_v2": [*_root(image), *(entry for place, entry in enumerate(mapping) if place not in late)],
            "key_name": _pick(self.keys, one["key"]),
            "config_drive": one["config_drive"],
            "availability_zone": one["zone"],
            "metadata": one["metadata"],
            "tags": [tag for tag in one["tags"] if "," not in tag],
            "description": one["description"],
            "hostname": one["hostname"],
        }
        group = _pick(self.server_groups, one["group"])
        hints = {**({"group": group["id"]} if group else {}), **one["hints"]}
        wanted = {"server": {key: value for key, value in body.items() if value not in (None, "")}, "os:scheduler_hints": hints}
        made = self.ask("nova", "POST", "servers", wanted, _US)
        if made is None:
            for port in ports:
                port["device_owner"] = ""
            return
        server = self.site.nova.by_id["servers"][made["server"]["id"]]
        self.servers.append(server)
        for place in late:
            drawn = disks[place]
            if drawn["device"] not in {there["device"] for there in server["_volumes"]}:
                self.site.nova.attach(server, volumes[place], drawn["goes"], drawn["tag"], drawn["device"])
        self._change(server, one)

    def _change(self, server: Resource, one: Blueprint) -> None:
        """What happens to a server after it was made."""
        for port in filter(None, map(self._port, one["late_ports"])):
            self.site.nova.plug(server, port)
        path = f"servers/{server['id']}"
        if one["renamed"]:
            self.ask("nova", "PUT", path, {"server": {"name": self.called("server", one["renamed"], self._unique)}}, _US)
        for drawn, port_id in zip(one["ports"], server["_ports"], strict=False):
            if drawn["dns_name"]:
                self.ask("neutron", "PUT", f"ports/{port_id}", {"port": {"dns_name": drawn["dns_name"]}}, _US)
        if one["state"]:
            self.ask("nova", "POST", f"{path}/action", {one["state"]: None}, _US)
        if one["locked"] is not None:
            self.ask("nova", "POST", f"{path}/action", {"lock": {"locked_reason": one["locked"]} if one["locked"] else None}, _US)

    def _volume(self, one: Blueprint, boots: bool) -> Resource:
        body = {
            "size": one["size"],
            "name": one["name"] and self.called("volume", one["name"], self._unique),
            "description": one["description"],
            "metadata": one["metadata"],
        }
        volume = self.site.cinder.create(body, OURS)
        volume["bootable"] = str(boots or one["bootable"]).lower()
        if one["image"]:
            volume["volume_image_metadata"] = one["image"]
        return volume


def _root(image: Resource | None) -> list[Resource]:
    """The mapping of a root disk that is made of an image."""
    return [{"uuid": image["id"], "boot_index": 0, "source_type": "image", "destination_type": "local"}] if image else []


def address(cidr: str, offset: int) -> str:
    base = cidr.split("/")[0]
    if ":" in base:
        return f"{base.removesuffix('::')}::{offset:x}" if base.endswith("::") else f"{base}"
    first, last = base.rsplit(".", 1)
    return f"{first}.{int(last) + offset}"


def flavors(site: MemorySite, like: str = "same") -> list[Resource]:
    """Four flavors; at a remote site perhaps other ones."""
    if like == "none":
        return []
    more = 1024 if like == "larger" else 0
    other = {"hw:numa_nodes": "2"} if like == "other specs" else {}
    return [
        site.nova.flavor("small", 1, 512 + more, extra_specs=dict(other)),
        site.nova.flavor("pinned", 2, 1024 + more, extra_specs={**_SPECS[1], **other}),
        site.nova.flavor("huge", 4, 4096 + more, extra_specs={**_SPECS[2], **other}),
        site.nova.flavor("scratch", 1, 512 + more, ephemeral=10, swap=512, extra_specs=dict(other)),
    ]


class Remote(_Builder):
    """The site where an application is to be restored.

    :ivar prepared: what is there before.
    """

    def __init__(self, blueprint: Blueprint, source: Source) -> None:
        drawn = blueprint["remote"]
        super().__init__(MemorySite("remote", NOVA_VERSIONS[drawn["nova"]], EXTENSIONS - {*drawn["lacking"]}))
        self.site.caller = _ADMIN if blueprint["seen_by_administrator"] else _US
        self.site.neutron.takes_first = drawn["takes_first"]
        self.site.neutron.mtu = drawn["mtu"] or self.site.neutron.mtu
        self.site.neutron.most |= drawn["most"]
        self.site.neutron.forbids |= {*drawn["forbids"]}
        self.operate(drawn["outside"], drawn["policies"])
        flavors(self.site, drawn["flavors"])
        for network, how in source.provided:
            for _number in range({"absent": 0, "twice": 2}.get(how, 1)):
                self._provide(network, [] if how == "bare" else source.subnets, how)
        if drawn["neighbours"]:
            self._neighbours(source)
        self.prepared = Prepared(source.site, self.site)
        self.prepared.prepare(drawn["prepared"])
        self._namesakes(drawn["namesakes"], source)
        self._change_default_group(drawn["default_group"])
        if blueprint["look_alikes"]:
            self._look_alikes(source)
        if blueprint["remote"]["addresses"]:
            self.make("address-groups", {"name": "addresses", "addresses": blueprint["remote"]["addresses"]})
        # What cannot be asked, cannot be checked.
        if drawn["quota"] and "quotas" not in drawn["lacking"]:
            name, limit = drawn["quota"]
            service = {"instances": self.site.nova, "server_groups": self.site.nova, "gigabytes": self.site.cinder}.get(name, self.site.neutron)
            service.limits.limit[name] = limit

    def _change_default_group(self, how: str) -> None:
        group = self.site.neutron.default_group(OURS)
        if how == "more":
            self.make("security-group-rules", {"security_group_id": group["id"], "direction": "ingress", "ethertype": "IPv4", "protocol": "tcp"})
        rules = self.site.neutron.by_id["security-group-rules"]
        for rule in [one for one in rules.values() if how == "fewer" and one["security_group_id"] == group["id"] and one["direction"] == "egress"]:
            del rules[rule["id"]]

    def _provide(self, network: Resource, subnets: t.Sequence[Resource], how: str) -> None:
        """What stands for a network that the operator of the source provides."""
        secure = how != "secure" and network["port_security_enabled"]
        made = self.make("networks", {"name": network["name"], "shared": True, "port_security_enabled": None if secure else False}, _OPERATOR)
        for subnet, there in self._subnets_like(network, made, subnets, _OPERATOR):
            self.limit(there, {"typed": ["compute:az9"], "barred": ["network:dhcp"]}.get(how, subnet["service_types"]))

    def _subnets_like(
        self, network: Resource, made: Resource | None, subnets: t.Sequence[Resource], owner: Caller
    ) -> list[tuple[Resource, Resource]]:
        """Subnets of a network at the source, each with one like it on another network."""
        found = []
        for subnet in subnets:
            if made and subnet["network_id"] == network["id"]:
                names = ("name", "cidr", "ip_version", "enable_dhcp", "gateway_ip", "allocation_pools", "ipv6_ra_mode", "ipv6_address_mode")
                # What is null here is asked for all the same.
                with contextlib.suppress(Refused):
                    found.append((subnet, self.site.neutron.create("subnets", {"network_id": made["id"], **{name: subnet[name] for name in names}}, owner)))
        return found

    def _neighbours(self, source: Source) -> None:
        """Ports of the operator, with addresses that the application has."""
        provided = {network["id"]: network["name"] for network, _how in source.provided}
        for port in source.ports:
            for ip in port["fixed_ips"] if port["network_id"] in provided else ():
                for network in [one for one in self.site.neutron.by_id["networks"].values() if one["name"] == provided[port["network_id"]]]:
                    self.make("ports", {"network_id": network["id"], "fixed_ips": [{"ip_address": ip["ip_address"]}]}, _OPERATOR)

    def _namesakes(self, whose: str | None, source: Source) -> None:
        """Networks of the operator that are called like the application's own, or of the project that are called like what the operator provides."""
        how, _space, whom = (whose or "").rpartition(" ")
        flags = {"shared": whom in ("shared", "both"), "router:external": whom in ("external", "both")}
        owner, flags = (_US, {}) if whom == "own" else (_OPERATOR, flags)
        for network in source.networks if whose else ():
            if (network["project_id"] == OURS) != (whom == "own"):
                made = self.make("networks", {"name": network["name"], **flags}, owner)
                self._subnets_like(network, made, source.subnets if how else [], owner)

    def _look_alikes(self, source: Source) -> None:
        """Another project has all of the same names, marked like a restore of the same checkpoint."""
        mark = "osdr_application=shop osdr_checkpoint=noon"
        for kind in ("networks", "security-groups", "routers"):
            for one in [one for one in source.site.neutron.by_id[kind].values() if one["project_id"] == OURS and one["name"] != "default"]:
                made = self.make(kind, {"name": one["name"], "description": mark}, _OTHERS)
                for subnet in source.subnets:
                    if made and subnet["network_id"] == one["id"]:
                        body = {
                            "network_id": made["id"],
                            "name": subnet["name"],
                            "cidr": subnet["cidr"],
                            "ip_version": subnet["ip_version"],
                            "description": mark,
                        }
                        self.make("subnets", body, _OTHERS)
        for server in source.servers:
            self.site.cinder.create({"name": server["name"], "size": 1, "description": mark}, THEIRS)
