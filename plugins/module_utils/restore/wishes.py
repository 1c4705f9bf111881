# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What of a network's parts a site may not have, or may refuse: with it where possible, without it otherwise. Pure.

Neutron knows many attributes by extensions only, of some a policy says who may set them (administrators, by default), and what goes
by name may not exist at the site. None of it is worth a failed restore, and none of it disappears without a word.
"""

from __future__ import annotations

import dataclasses
import typing as t

from ..core.marking import Mark
from ..core.records import Network
from ..manifest.addresses import contains, holds
from ..manifest.specs import FloatingSpec, NetworkSpec, PortSpec, RouterSpec, SubnetSpec
from .site import RestoreSite

#: Aliases of Neutron's extensions.
TAGS, TRUNK, FORWARDING, ROUTES = "standard-attr-tag", "trunk", "floating-ip-port-forwarding", "extraroute"
PORT_SECURITY, STATEFUL, MTU = "port-security", "stateful-security-group", "net-mtu-writable"
_DNS, _DNS_OF_PORTS = "dns-integration", "dns-domain-ports"
_QOS, _QOS_OF_FLOATING, _QOS_OF_GATEWAY = "qos", "qos-fip", "qos-gateway-ip"
#: Tags and routes after what they belong to, and the description with its mark.
_SENT_OTHERWISE = ("tags", "routes", "description")
_SERVICE_TYPES, _HA, _DISTRIBUTED, _DHCP = "subnet-service-types", "l3-ha", "dvr", "extra_dhcp_opt"
#: Of a resource, as Neutron takes them.
_MOST_TAGS = 50


@dataclasses.dataclass(frozen=True)
class Wishes:
    """What a resource is to have besides what every site can give it.

    :param body: for the request that creates it.
    :param names: what that is, per key of the body, as the API has it.
    :param lost: what the site cannot give, each with the reason.
    """

    body: t.Mapping[str, t.Any]
    names: t.Mapping[str, str] = dataclasses.field(default_factory=dict)
    lost: tuple[str, ...] = ()


@dataclasses.dataclass(frozen=True)
class _Wished:
    """One attribute.

    :param value: for a person; nothing is wished for where it is empty.
    :param extension: that the site's Neutron must have.
    :param sent: what is sent; ``value`` where None.
    :param why: what stands in the way at the site; None where nothing does.
    :param key: what the request calls it where that is another name.
    """

    attribute: str
    value: t.Any
    extension: str = ""
    sent: t.Any = None
    why: str | None = None
    key: str = ""


def _wishes(site: RestoreSite, wishes: t.Iterable[_Wished]) -> Wishes:
    body, names, lost = {}, {}, []
    for one in wishes:
        if one.value in (None, "", (), [], {}):
            continue
        lacks = bool(one.extension) and one.extension not in site.extensions
        why = f"its Neutron has no extension {one.extension}" if lacks else one.why
        if why:
            lost.append(f"{one.attribute} ({_shown(one.value)}): {why}")
        elif one.attribute not in _SENT_OTHERWISE:
            body[one.key or one.attribute] = one.value if one.sent is None else one.sent
            names[one.key or one.attribute] = one.attribute
    return Wishes(body, names, tuple(lost))


def _shown(value: t.Any) -> str:
    return ", ".join(map(str, value)) if isinstance(value, (tuple, list)) else str(value)


def _policy(site: RestoreSite, name: str | None, extension: str = _QOS) -> _Wished:
    policy = site.qos_policy(name)
    why = None if policy else f"it has no QoS policy '{name}' for the project"
    return _Wished("qos_policy_id", name, extension, policy.id if policy else None, why)


def _texts(spec: t.Any, mark: Mark) -> list[_Wished]:
    """Tags and description, which are sent by others."""
    beyond = tuple(spec.tags[_most_tags(mark) :])
    many = _Wished("tags", beyond, why=f"Neutron takes {_MOST_TAGS}, with those of the restore")
    return [_Wished("tags", spec.tags, TAGS), many, _description(spec, mark)]


def _description(spec: t.Any, mark: Mark) -> _Wished:
    cut = None if mark.fits_beside(spec.description) else "it is cut, to make room for the mark of the restore"
    return _Wished("description", spec.description, why=cut)


def network_wishes(site: RestoreSite, spec: NetworkSpec, mark: Mark) -> Wishes:
    secured = _security(site, True, spec.port_security_enabled, "port_security_enabled")
    return _wishes(site, [*secured, _Wished("dns_domain", spec.dns_domain, _DNS), _policy(site, spec.qos_policy), *_texts(spec, mark)])


def _security(site: RestoreSite, usual: bool, wanted: bool, key: str) -> list[_Wished]:
    """Port security where it is not as usual; of sites that have no switch for it, others tell."""
    is_switched = wanted != usual and PORT_SECURITY in site.extensions
    return [_Wished("port_security_enabled", on_or_off(wanted), sent=wanted, key=key)] if is_switched else []


def on_or_off(value: bool) -> str:
    return "on" if value else "off"


def subnet_wishes(site: RestoreSite, spec: SubnetSpec, mark: Mark) -> Wishes:
    types = _Wished("service_types", spec.service_types, _SERVICE_TYPES, list(spec.service_types))
    # Sites bound the numbers of both, and show nobody how.
    servers = _Wished("dns_nameservers", spec.dns_nameservers, sent=list(spec.dns_nameservers))
    routes = _Wished("host_routes", in_words(spec.host_routes), sent=[dict(one) for one in spec.host_routes])
    return _wishes(site, [types, servers, routes, _pool(site, spec), *_texts(spec, mark)])


def _pool(site: RestoreSite, spec: SubnetSpec) -> _Wished:
    pool = site.subnet_pool(spec.subnet_pool)
    if pool is None:
        return _Wished("subnetpool_id", spec.subnet_pool, why=f"it has no subnet pool '{spec.subnet_pool}' for the project")
    why = None if any(holds(one, spec.cidr) for one in pool.prefixes) else f"that pool does not hold {spec.cidr}"
    return _Wished("subnetpool_id", spec.subnet_pool, sent=pool.id, why=why)


def router_wishes(site: RestoreSite, spec: RouterSpec, mark: Mark) -> Wishes:
    """Without the gateway; see :func:`gateway_wishes`."""
    modes = (("ha", spec.is_ha, _HA), ("distributed", spec.is_distributed, _DISTRIBUTED))
    # What is switched off is lost nowhere.
    said = [(name, value, extension) for name, value, extension in modes if value or (value is False and extension in site.extensions)]
    known = [_Wished(name, str(value).lower(), extension, value) for name, value, extension in said]
    routes = _Wished("routes", in_words(spec.routes), ROUTES)
    return _wishes(site, [*known, routes, *_texts(spec, mark)])


def in_words(routes: t.Iterable[t.Mapping[str, str]]) -> str:
    return ", ".join(f"{one['destination']} by {one['nexthop']}" for one in routes)


def gateway_wishes(site: RestoreSite, spec: RouterSpec, network: Network) -> Wishes:
    """What a router's gateway is to have; addresses where the site has them."""
    ranges = [one.cidr for one in site.subnets if one.network_id == network.id]
    there = [one for one in spec.gateway_addresses if any(contains(cidr, one) for cidr in ranges)]
    addresses = _Wished("external_fixed_ips", tuple(there), sent=[{"ip_address": one} for one in there])
    snat = _Wished("enable_snat", None if spec.enable_snat else "false", sent=False)
    return _wishes(site, [_policy(site, spec.gateway_qos_policy, _QOS_OF_GATEWAY), addresses, snat])


def port_wishes(site: RestoreSite, spec: PortSpec, mark: Mark) -> Wishes:
    """Wishes for a port, by the SDK's names of attributes."""
    wishes = [
        _policy(site, spec.qos_policy),
        _Wished("dns_name", spec.dns_name, _DNS),
        _Wished("dns_domain", spec.dns_domain, _DNS_OF_PORTS),
        _Wished("binding:profile", spec.profile, key="binding_profile"),
        _Wished("extra_dhcp_opts", tuple(one.get("opt_name") for one in spec.dhcp_options), _DHCP, [dict(one) for one in spec.dhcp_options]),
    ]
    return _wishes(site, [*wishes, *_as_its_network_lets(site, spec), *_texts(spec, mark)])


def _as_its_network_lets(site: RestoreSite, spec: PortSpec) -> list[_Wished]:
    """What by Neutron's own policies only the owner of a network and administrators set of a port on it; a site may have stricter ones."""
    network = site.network(spec.network)
    is_barred = network is not None and site.restricts(network) and site.may_choose is not None
    why = "only the owner of the network and administrators may set it" if is_barred else None
    pairs = [dict(one) for one in spec.allowed_address_pairs]
    wishes = [_Wished("allowed_address_pairs", tuple(one.get("ip_address") for one in pairs), sent=pairs, why=why)]
    if network is None:
        return wishes
    if not must_protect(site, spec, network):
        secured = _security(site, network.port_security, spec.port_security, "is_port_security_enabled")
        wishes += [dataclasses.replace(one, why=why) for one in secured]
    if not has_groups(site, spec, network):
        ids = [site.security_group_id(name) for name in spec.security_groups]
        wishes.append(_Wished("security_groups", spec.security_groups, "", ids, why, "security_group_ids"))
    return wishes


def has_groups(site: RestoreSite, spec: PortSpec, network: Network) -> bool:
    """Whether a port can have security groups in any case: they need port security, which others may have switched off on their network."""
    return network.port_security or not spec.port_security or not site.restricts(network)


def must_protect(site: RestoreSite, spec: PortSpec, network: Network) -> bool:
    """Whether port security has to be switched on for a port: where a site refuses that, the port is not made, rather than left open."""
    return spec.port_security and not network.port_security and PORT_SECURITY in site.extensions and not site.restricts(network)


def floating_wishes(site: RestoreSite, spec: FloatingSpec, mark: Mark) -> Wishes:
    names = [_Wished("dns_name", spec.dns_name, _DNS), _Wished("dns_domain", spec.dns_domain, _DNS)]
    return _wishes(site, [_policy(site, spec.qos_policy, _QOS_OF_FLOATING), *names, *_texts(spec, mark)])


def text_wishes(site: RestoreSite, spec: t.Any, mark: Mark) -> Wishes:
    """Wishes for something that has tags and a description, and nothing else to wish for."""
    return _wishes(site, _texts(spec, mark))


def description_wishes(site: RestoreSite, spec: t.Any, mark: Mark) -> Wishes:
    """Wishes for something that has a description but no tags."""
    return _wishes(site, [_description(spec, mark)])


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
