# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What refers to an application but is not protected with it: load balancers, DNS records and shares."""

from __future__ import annotations

import dataclasses
import ipaddress
import typing as t

from ..cloud.neighbours import Neighbours
from ..cloud.session import Cloud
from ..manifest.missing import Missing
from ..work.pool import attempt_all
from .missing import Resource

_NOT_PROTECTED = "it touches the application and is not protected"
_ITSELF = "the resource itself"


@dataclasses.dataclass(frozen=True)
class Surroundings:
    """What stands around applications at a site.

    :param pool_members: pools of load balancers with each of their members.
    :param share_rules: shares with each rule that gives access to them.
    :param failures: why some of it could not be looked at.
    """

    pool_members: t.Sequence[tuple[Resource, Resource]] = ()
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
        "record_sets": neighbours.record_sets,
        "share_rules": neighbours.share_rules,
    }
    outcomes = attempt_all(lists, concurrency)
    seen: dict[str, t.Any] = {kind: outcome.value for kind, outcome in outcomes.items() if not outcome.error}
    failures = tuple(str(outcome.error) for outcome in outcomes.values() if outcome.error)
    return Surroundings(**seen, failures=failures)


def touching(addresses: t.Collection[str], surroundings: Surroundings) -> list[Missing]:
    """What of it leads to the application, or lets it in.

    :param addresses: fixed and floating ones of the application.
    """
    found = [
        Missing(f"load balancer pool {_called(pool)}", _ITSELF, f"member {member['address']}", _NOT_PROTECTED)
        for pool, member in surroundings.pool_members
        if member.get("address") in addresses
    ]
    found += [
        Missing(f"DNS record {record['name']} ({record['id']})", _ITSELF, f"{record['type']} {address}", _NOT_PROTECTED)
        for record in surroundings.record_sets
        for address in record.get("records") or ()
        if address in addresses
    ]
    found += [
        Missing(f"share {_called(share)}", _ITSELF, f"access of {rule['access_to']}", _NOT_PROTECTED)
        for share, rule in surroundings.share_rules
        if rule.get("access_type") == "ip" and _lets_in(rule["access_to"], addresses)
    ]
    return found


def _lets_in(access_to: str, addresses: t.Iterable[str]) -> bool:
    """Whether a rule's address or range holds one of the addresses."""
    try:
        allowed = ipaddress.ip_network(access_to, strict=False)
        return any(ipaddress.ip_address(address) in allowed for address in addresses)
    except ValueError:
        return False


def _called(resource: Resource) -> str:
    name = resource.get("name")
    return f"{name} ({resource['id']})" if name else str(resource["id"])
