# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What of a network's parts a site may not have, or may refuse: with it where possible, without it otherwise. Pure.

Neutron knows many attributes by extensions only, of some a policy says who may set them (administrators, by default), and what goes
by name may not exist at the site. None of it is worth a failed restore, and none of it disappears without a word: of what a restore made
before, what it lacks is found out by what the site shows of it, because a run that was killed has told nobody.
"""

from __future__ import annotations

import dataclasses
import typing as t

from ..core.marking import Mark
from ..core.records import AddressGroup, FloatingIp, Network, Port, Router, SecurityGroup, Subnet
from ..manifest.addresses import contains, derives_addresses, holds
from ..manifest.specs import AddressSpec, FloatingSpec, NetworkSpec, PortSpec, RouterSpec, SecurityGroupSpec, SubnetSpec
from .site import RestoreSite

#: Aliases of Neutron's extensions.
TAGS, TRUNK, FORWARDING, ROUTES = "standard-attr-tag", "trunk", "floating-ip-port-forwarding", "extraroute"
PORT_SECURITY, STATEFUL, MTU = "port-security", "stateful-security-group", "net-mtu-writable"
_DNS, _DNS_OF_PORTS = "dns-integration", "dns-domain-ports"
_QOS, _QOS_OF_FLOATING, _QOS_OF_GATEWAY = "qos", "qos-fip", "qos-gateway-ip"
#: Of a subnet: what is set once it is there, and what it is allocated from.
SERVICE_TYPES, POOL = "service_types", "subnetpool_id"
#: Tags and routes after what they belong to, by each run that finds them missing, and the description with its mark.
_SENT_OTHERWISE = ("tags", "routes", "description")
#: What records call an attribute, where that is not its name in the API.
_RECORDED = {
    "admin_state_up": "is_up",
    "binding:profile": "profile",
    "binding:vnic_type": "vnic_type",
    "distributed": "is_distributed",
    "extra_dhcp_opts": "dhcp_options",
    "fixed_ips": "addresses",
    "ha": "is_ha",
    "port_security_enabled": "port_security",
    "security_groups": "security_group_ids",
    "stateful": "is_stateful",
    POOL: "subnet_pool_id",
}
#: What a site shows to administrators only.
OF_ADMINISTRATORS = ("binding:profile", "distributed", "ha")
REFUSED = "the site refused it, or somebody has changed it since; set it there if it is needed"
_UNSEEN = "the site refused it, or does not show it to these credentials"
_SERVICE_TYPES, _HA, _DISTRIBUTED, _DHCP = "subnet-service-types", "l3-ha", "dvr", "extra_dhcp_opt"
#: Of a resource, as Neutron takes them.
_MOST_TAGS = 50
#: The kind of interface that a port has when nothing is said.
_NORMAL = "normal"


@dataclasses.dataclass(frozen=True)
class Fallback:
    """What is done where something is refused on which other things depend.

    :param bound: keys of the body that go with it.
    :param body: what is sent instead.
    :param told: what that means, to put behind the name of what is made.
    """

    bound: frozenset[str]
    body: t.Mapping[str, t.Any]
    told: str


#: An open port is switched off: a server that nobody reaches is better than one that everybody does.
_CLOSED = Fallback(
    bound=frozenset({"security_group_ids", "allowed_address_pairs"}),
    body={"is_admin_state_up": False},
    told="is switched off (admin_state_up: false), because nothing would filter what reaches it without port security (port_security_enabled). Have "
    "that switched on by somebody who may, with its security groups, and then the port; or switch on the port as it is, if it may be open to everybody",
)


@dataclasses.dataclass(frozen=True)
class Wishes:
    """What a resource is to have besides what every site can give it.

    :param body: for the request that creates it.
    :param names: what that is, per key of the body, as the API has it.
    :param values: what it is to be, for people.
    :param lost: what the site cannot give, each with the reason; of what is there, all that it lacks.
    :param firm: keys of the body without which nothing is made unless a policy of the site forbids them.
    :param fallbacks: what is done where one of the keys is refused.
    :param due: what is sent in place of what was refused.
    """

    body: t.Mapping[str, t.Any]
    names: t.Mapping[str, str] = dataclasses.field(default_factory=dict)
    values: t.Mapping[str, str] = dataclasses.field(default_factory=dict)
    lost: tuple[str, ...] = ()
    firm: frozenset[str] = frozenset()
    fallbacks: t.Mapping[str, Fallback] = dataclasses.field(default_factory=dict)
    due: t.Mapping[str, t.Any] = dataclasses.field(default_factory=dict)

    def bound(self, keys: t.Iterable[str]) -> list[str]:
        """Keys, and those that go with them."""
        gone = {*keys}.union(*(self.fallbacks[key].bound for key in keys if key in self.fallbacks))
        return [key for key in self.body if key in gone]

    def without(self, keys: t.Collection[str]) -> Wishes:
        instead = {key: value for gone in keys if gone in self.fallbacks for key, value in self.fallbacks[gone].body.items()}
        return dataclasses.replace(self, body={key: value for key, value in self.body.items() if key not in keys}, due={**self.due, **instead})

    def told(self, key: str) -> str:
        return f"{self.names[key]} ({self.values[key]})" if key in self.values else self.names[key]


@dataclasses.dataclass(frozen=True)
class _Wished:
    """One attribute.

    :param value: for a person; nothing is wished for where it is empty.
    :param extension: that the site's Neutron must have.
    :param sent: what is sent; ``value`` where None.
    :param why: what stands in the way at the site; None where nothing does.
    :param key: what the request calls it where that is another name.
    :param shown: what the site shows of it; ``sent`` where None.
    :param recorded: what its record calls it where :data:`_RECORDED` does not say so.
    :param is_firm: whether nothing is made without it unless a policy forbids it.
    :param fallback: what is done where it is refused, if that is more than to do without.
    """

    attribute: str
    value: t.Any
    extension: str = ""
    sent: t.Any = None
    why: str | None = None
    key: str = ""
    shown: t.Any = None
    recorded: str = ""
    is_firm: bool = False
    fallback: Fallback | None = None

    @property
    def content(self) -> t.Any:
        """What is sent."""
        return self.value if self.sent is None else self.sent

    def is_on(self, there: t.Any) -> bool:
        """Whether something that is there has it."""
        return _holds(self._on(there), self.content if self.shown is None else self.shown)

    def _on(self, there: t.Any) -> t.Any:
        return getattr(there, self.recorded or _RECORDED.get(self.attribute, self.attribute))

    def why_not_on(self, there: t.Any) -> str | None:
        """Why something that is there is without it, if it is not asked for in another way by every run."""
        if self.attribute in _SENT_OTHERWISE:
            return None
        return _UNSEEN if self.attribute in OF_ADMINISTRATORS and not self._on(there) else REFUSED


def _holds(found: t.Any, wanted: t.Any) -> bool:
    """Whether all that is wanted is there; more may be."""
    if isinstance(wanted, t.Mapping):
        return all(key in found and found[key] == value for key, value in wanted.items())
    if isinstance(wanted, (tuple, list)):
        return all(any(_holds(one, part) for one in found) for part in wanted)
    return bool(found == wanted)


def _wishes(site: RestoreSite, wishes: t.Iterable[_Wished], there: t.Any = None) -> Wishes:
    """What is asked for, and what cannot be had.

    :param there: what the restore made before; None for what is to be made.
    """
    body, names, values, lost, firm = {}, {}, {}, [], []
    fallbacks: dict[str, Fallback] = {}
    for one in wishes:
        if one.value in (None, "", (), [], {}) or (there is not None and one.is_on(there)):
            continue
        lacks = bool(one.extension) and one.extension not in site.extensions
        why = f"its Neutron has no extension {one.extension}" if lacks else one.why or (one.why_not_on(there) if there is not None else None)
        if why:
            lost.append(f"{one.attribute} ({_shown(one.value)}): {why}")
        elif one.attribute not in _SENT_OTHERWISE:
            key = one.key or one.attribute
            body[key], names[key], values[key] = one.content, one.attribute, _shown(one.value)
            firm += [key] if one.is_firm else []
            fallbacks |= {key: one.fallback} if one.fallback else {}
    return Wishes(body, names, values, tuple(lost), frozenset(firm), fallbacks)


def _shown(value: t.Any) -> str:
    return ", ".join(map(str, value)) if isinstance(value, (tuple, list)) else str(value)


def _policy(site: RestoreSite, name: str | None, extension: str = _QOS) -> _Wished:
    policy = site.qos_policy(name)
    why = None if policy else f"it has no QoS policy '{name}' for the project"
    return _Wished("qos_policy_id", name, extension, policy.id if policy else None, why)


def _texts(spec: t.Any, mark: Mark, *more: str) -> list[_Wished]:
    """Tags and description, which are sent by others.

    :param more: words that the description has beside the mark.
    """
    beyond = tuple(spec.tags[_most_tags(mark) :])
    many = _Wished("tags", beyond, why=f"Neutron takes {_MOST_TAGS}, with those of the restore")
    return [_Wished("tags", spec.tags, TAGS), many, _description(spec, mark, *more)]


def _description(spec: t.Any, mark: Mark, *more: str) -> _Wished:
    cut = None if mark.fits_beside(spec.description, *more) else "it is cut, to make room for the mark of the restore"
    return _Wished("description", spec.description, why=cut)


def _state(is_up: bool, key: str = "") -> _Wished:
    """What is switched off at the source."""
    return _Wished("admin_state_up", "" if is_up else "false", sent=False, key=key)


# In all of them, ``there`` is what the restore made before.


def network_wishes(site: RestoreSite, spec: NetworkSpec, mark: Mark, there: Network | None = None) -> Wishes:
    secured = _security(site, True, spec.port_security_enabled, "port_security_enabled")
    named = [_Wished("dns_domain", spec.dns_domain, _DNS), _policy(site, spec.qos_policy)]
    return _wishes(site, [_state(spec.is_up), *secured, *named, *_texts(spec, mark)], there)


def _security(site: RestoreSite, usual: bool, wanted: bool, key: str) -> list[_Wished]:
    """Port security where it is not as usual; of sites that have no switch for it, others tell."""
    is_switched = wanted != usual and PORT_SECURITY in site.extensions
    return [_Wished("port_security_enabled", on_or_off(wanted), sent=wanted, key=key)] if is_switched else []


def on_or_off(value: bool) -> str:
    return "on" if value else "off"


def subnet_wishes(site: RestoreSite, spec: SubnetSpec, mark: Mark, there: Subnet | None = None, is_kept_open: bool = False) -> Wishes:
    """Wishes for a subnet.

    :param is_kept_open: whether its service types would keep its addresses from the application's own ports.
    """
    why = "with them, Neutron would give the application's own ports no addresses of it" if is_kept_open else None
    types = _Wished(SERVICE_TYPES, spec.service_types, _SERVICE_TYPES, list(spec.service_types), why)
    # Sites bound the numbers of both, and show nobody how.
    servers = _Wished("dns_nameservers", spec.dns_nameservers, sent=list(spec.dns_nameservers))
    routes = _Wished("host_routes", in_words(spec.host_routes), sent=[dict(one) for one in spec.host_routes])
    return _wishes(site, [types, servers, routes, _pool(site, spec), *_texts(spec, mark)], there)


def _pool(site: RestoreSite, spec: SubnetSpec) -> _Wished:
    pool = site.subnet_pool(spec.subnet_pool)
    if pool is None:
        return _Wished(POOL, spec.subnet_pool, why=f"it has no subnet pool '{spec.subnet_pool}' for the project")
    why = None if any(holds(one, spec.cidr) for one in pool.prefixes) else f"that pool does not hold {spec.cidr}"
    return _Wished(POOL, spec.subnet_pool, sent=pool.id, why=why)


def router_wishes(site: RestoreSite, spec: RouterSpec, mark: Mark, there: Router | None = None) -> Wishes:
    """Without the gateway; see :func:`gateway_wishes`."""
    modes = (("ha", spec.is_ha, _HA), ("distributed", spec.is_distributed, _DISTRIBUTED))
    # What is switched off is lost nowhere.
    said = [(name, value, extension) for name, value, extension in modes if value or (value is False and extension in site.extensions)]
    known = [_Wished(name, str(value).lower(), extension, value) for name, value, extension in said]
    routes = _Wished("routes", in_words(spec.routes), ROUTES, shown=spec.routes)
    return _wishes(site, [_state(spec.is_up), *known, routes, *_texts(spec, mark)], there)


def in_words(routes: t.Iterable[t.Mapping[str, str]]) -> str:
    return ", ".join(f"{one['destination']} by {one['nexthop']}" for one in routes)


def gateway_wishes(site: RestoreSite, spec: RouterSpec, network: Network, there: Router | None = None) -> Wishes:
    """What a router's gateway is to have; addresses where the site has them."""
    ranges = [one.cidr for one in site.subnets if one.network_id == network.id]
    had = tuple(one for one in spec.gateway_addresses if any(contains(cidr, one) for cidr in ranges))
    addresses = _Wished("external_fixed_ips", had, sent=[{"ip_address": one} for one in had], shown=had, recorded="gateway_addresses")
    snat = _Wished("enable_snat", None if spec.enable_snat else "false", sent=False)
    policy = dataclasses.replace(_policy(site, spec.gateway_qos_policy, _QOS_OF_GATEWAY), recorded="gateway_qos_policy_id")
    return _wishes(site, [policy, addresses, snat], there)


def port_wishes(site: RestoreSite, spec: PortSpec, mark: Mark, there: Port | None = None, place: str | None = None) -> Wishes:
    """Wishes for a port, by the SDK's names of attributes.

    :param place: what its description has beside the mark.
    """
    wishes = [
        *_identity(site, spec),
        _state(spec.is_up, "is_admin_state_up"),
        _Wished("binding:vnic_type", "" if spec.vnic_type == _NORMAL else spec.vnic_type, key="binding_vnic_type"),
        _policy(site, spec.qos_policy),
        _Wished("dns_name", spec.dns_name, _DNS),
        _Wished("dns_domain", spec.dns_domain, _DNS_OF_PORTS),
        _Wished("binding:profile", spec.profile, key="binding_profile"),
        _Wished("extra_dhcp_opts", tuple(one.get("opt_name") for one in spec.dhcp_options), _DHCP, [dict(one) for one in spec.dhcp_options]),
    ]
    return _wishes(site, [*wishes, *_as_its_network_lets(site, spec, there), *_texts(spec, mark, *filter(None, (place,)))], there)


def _identity(site: RestoreSite, spec: PortSpec) -> list[_Wished]:
    """The addresses of a port. It gets others only where a policy keeps it from getting these: what has them now can be removed."""
    addresses = tuple(one.ip_address for one in spec.fixed_ips if one.ip_address)
    network = site.network(spec.network)
    wanted = [fixed_ip(site, network.id, one) for one in spec.fixed_ips] if network else []
    return [
        _Wished("mac_address", spec.mac_address, shown=spec.mac_address.lower(), is_firm=True),
        _Wished("fixed_ips", addresses, sent=wanted, shown=addresses, is_firm=True),
    ]


def fixed_ip(site: RestoreSite, network_id: str, address: AddressSpec) -> dict[str, t.Any]:
    """What to ask Neutron for; it refuses to be told an address that follows from the port's MAC address."""
    subnet_id = site.subnet_id(network_id, address.subnet)
    is_derived = any(one.id == subnet_id and derives_addresses(one.ipv6_ra_mode, one.ipv6_address_mode) for one in site.subnets)
    subnet = {"subnet_id": subnet_id}
    return {**subnet, "ip_address": address.ip_address} if address.ip_address and not is_derived else subnet


def _as_its_network_lets(site: RestoreSite, spec: PortSpec, there: Port | None) -> list[_Wished]:
    """What by Neutron's own policies only the owner of a network and administrators set of a port on it; a site may have stricter ones."""
    network = site.network(spec.network)
    is_barred = network is not None and site.restricts(network) and site.may_choose is not None
    why = "only the owner of the network and administrators may set it" if is_barred else None
    pairs = [dict(one) for one in spec.allowed_address_pairs]
    wishes = [_Wished("allowed_address_pairs", tuple(one.get("ip_address") for one in pairs), sent=pairs, why=why)]
    if network is None:
        return wishes
    if _must_protect(site, spec, network):
        wishes.append(_protection(there))
    else:
        secured = _security(site, network.port_security, spec.port_security, "is_port_security_enabled")
        wishes += [dataclasses.replace(one, why=why) for one in secured]
    if not has_groups(spec, network):
        ids = [site.security_group_id(name) for name in spec.security_groups]
        wishes.append(_Wished("security_groups", spec.security_groups, "", ids, why, "security_group_ids"))
    return wishes


def has_groups(spec: PortSpec, network: Network) -> bool:
    """Whether a port can have security groups in any case: they need port security, which may be switched off on its network."""
    return network.port_security or not spec.port_security


def _must_protect(site: RestoreSite, spec: PortSpec, network: Network) -> bool:
    """Whether port security has to be switched on for a port: where a policy forbids that, the port is switched off, rather than left open."""
    return spec.port_security and not network.port_security and PORT_SECURITY in site.extensions and not site.restricts(network)


def _protection(there: Port | None) -> _Wished:
    """Port security on a network that has none, and what it means that a port is without."""
    state = "so it is switched off (admin_state_up: false)" if there and not there.is_up else "and nothing filters what reaches the port, which is open to all"
    why = f"the site refused it, {state}; have it switched on by somebody who may, with the port's security groups" if there else None
    return _Wished("port_security_enabled", on_or_off(True), sent=True, why=why, key="is_port_security_enabled", is_firm=True, fallback=_CLOSED)


def floating_wishes(site: RestoreSite, spec: FloatingSpec, mark: Mark, there: FloatingIp | None = None) -> Wishes:
    names = [_Wished("dns_name", spec.dns_name, _DNS), _Wished("dns_domain", spec.dns_domain, _DNS)]
    return _wishes(site, [_policy(site, spec.qos_policy, _QOS_OF_FLOATING), *names, *_texts(spec, mark)], there)


def group_wishes(site: RestoreSite, spec: SecurityGroupSpec, mark: Mark, there: SecurityGroup | None = None) -> Wishes:
    return _wishes(site, [_Wished("stateful", "" if spec.is_stateful else "false", STATEFUL, sent=False), *_texts(spec, mark)], there)


def description_wishes(site: RestoreSite, spec: t.Any, mark: Mark, there: AddressGroup | None = None) -> Wishes:
    """Wishes for something that has a description but no tags."""
    return _wishes(site, [_description(spec, mark)], there)


# Tags


def tags_of(mark: Mark, wanted: t.Iterable[str], there: t.Iterable[str] = ()) -> list[str]:
    """All tags of something with a mark: those of the source, what others have added, and the mark."""
    own = mark.tags()
    beside = mark.tags_beside(dict.fromkeys((*wanted, *there)))[: -len(own)]
    return [*beside[: _most_tags(mark)], *own]


def lacks_tags(site: RestoreSite, mark: Mark, wanted: t.Iterable[str], there: t.Collection[str]) -> bool:
    """Whether tags are missing on something that a restore made; where a site has no tags, none are."""
    return TAGS in site.extensions and not {*tuple(wanted)[: _most_tags(mark)], *mark.tags()} <= {*there}


def _most_tags(mark: Mark) -> int:
    """How many tags a resource can have besides those of a mark."""
    return _MOST_TAGS - len(mark.tags())
