# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What refers to an application but is not protected with it: load balancers and their secrets, DNS records and shares."""

from __future__ import annotations

import dataclasses
import ipaddress
import typing as t

from ..cloud.neighbours import Neighbours, reference_id
from ..cloud.session import Cloud
from ..manifest.addresses import plain_address
from ..manifest.missing import Missing, Resource
from ..work.pool import attempt_all

_NOT_PROTECTED = "it touches the application and is not protected"
_ITSELF = "the resource itself"
#: In which attributes a listener or a pool names certificates and the like.
_SECRETS_OF_LISTENERS = ("default_tls_container_ref", "sni_container_refs", "client_ca_tls_container_ref", "client_crl_container_ref")
_SECRETS_OF_POOLS = ("tls_container_ref", "ca_tls_container_ref", "crl_container_ref")


@dataclasses.dataclass(frozen=True)
class Surroundings:
    """What stands around applications at a site.

    :param pool_members: pools of load balancers with each of their members.
    :param listeners: of load balancers.
    :param secret_names: of secrets and containers of secrets, by id.
    :param share_rules: shares with each rule that gives access to them.
    :param failures: why some of it could not be looked at.
    """

    pool_members: t.Sequence[tuple[Resource, Resource]] = ()
    listeners: t.Sequence[Resource] = ()
    secret_names: t.Mapping[str, str] = dataclasses.field(default_factory=dict)
    record_sets: t.Sequence[Resource] = ()
    share_rules: t.Sequence[tuple[Resource, Resource]] = ()
    failures: tuple[str, ...] = ()


def ask(cloud: Cloud, concurrency: int) -> Surroundings:
    """See what the services around a site's servers hold, as far as the site has such services.

    A service that fails keeps no application from being protected; a warning names it.
    """
    neighbours = Neighbours(cloud)
    lists: dict[str, t.Callable[[], t.Any]] = {
        "pool_members": neighbours.pool_members,
        "listeners": neighbours.listeners,
        "secret_names": neighbours.secret_names,
        "record_sets": neighbours.record_sets,
        "share_rules": neighbours.share_rules,
    }
    outcomes = attempt_all(lists, concurrency)
    seen: dict[str, t.Any] = {kind: outcome.value for kind, outcome in outcomes.items() if not outcome.error}
    failures = tuple(str(outcome.error) for outcome in outcomes.values() if outcome.error)
    return Surroundings(**seen, failures=failures)


def touching(addresses: t.Collection[str], networks: t.Collection[str], surroundings: Surroundings) -> list[Missing]:
    """What of it leads to the application, or lets it in.

    :param addresses: fixed and floating ones of the application.
    :param networks: ids of the networks that it is on.
    """
    plain = {plain_address(one) for one in addresses}
    balanced = [(pool, member) for pool, member in surroundings.pool_members if plain_address(member.get("address") or "") in plain]
    found = [Missing(f"load balancer pool {_called(pool)}", _ITSELF, f"member {member['address']}", _NOT_PROTECTED) for pool, member in balanced]
    found += _secrets({pool["id"]: pool for pool, _member in balanced}, surroundings)
    found += [
        Missing(f"DNS record {record['name']} ({record['id']})", _ITSELF, f"{record['type']} {address}", _NOT_PROTECTED)
        for record in surroundings.record_sets
        for address in record.get("records") or ()
        if plain_address(address) in plain
    ]
    found += [
        Missing(f"share {_called(share)}", _ITSELF, f"access of {rule['access_to']}", _NOT_PROTECTED)
        for share, rule in surroundings.share_rules
        if rule.get("access_type") == "ip" and _lets_in(rule["access_to"], addresses, share.get("neutron_net_id") in networks)
    ]
    return found


def _secrets(pools: t.Mapping[str, Resource], surroundings: Surroundings) -> list[Missing]:
    """Secrets of pools with members of the application, and of the listeners that send to them.

    :param pools: by id.
    """
    senders = {one["id"] for pool in pools.values() for one in pool.get("listeners") or ()}
    sending = [one for one in surroundings.listeners if one.get("default_pool_id") in pools or one["id"] in senders]
    users: list[tuple[str, Resource, tuple[str, ...]]] = [(f"load balancer pool {_called(one)}", one, _SECRETS_OF_POOLS) for one in pools.values()]
    users += [(f"load balancer listener {_called(one)}", one, _SECRETS_OF_LISTENERS) for one in sending]
    return [
        Missing(f"secret {_called({'id': secret, 'name': surroundings.secret_names.get(secret)})} of {user}", _ITSELF, attribute, _NOT_PROTECTED)
        for user, resource, attributes in users
        for secret, attribute in _references(resource, attributes).items()
    ]


def _references(resource: Resource, attributes: t.Iterable[str]) -> dict[str, str]:
    """The ids of secrets or containers that a resource refers to, with the first attribute that does."""
    found: dict[str, str] = {}
    for attribute in attributes:
        value = resource.get(attribute) or ()
        for reference in [value] if isinstance(value, str) else value:
            found.setdefault(reference_id(reference), attribute)
    return found


def _lets_in(access_to: str, addresses: t.Iterable[str], is_beside: bool) -> bool:
    """Whether a rule's address or range holds one of the addresses.

    A rule for everybody says nothing about who uses a share; where the share is does.

    :param is_beside: whether the share is on a network of the application.
    """
    try:
        allowed = ipaddress.ip_network(access_to, strict=False)
        if allowed.prefixlen == 0:
            return is_beside
        return any(ipaddress.ip_address(address) in allowed for address in addresses)
    except ValueError:
        return False


def _called(resource: Resource) -> str:
    name = resource.get("name")
    return f"{name} ({resource['id']})" if name else str(resource["id"])
