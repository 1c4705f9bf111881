# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What extensions of Neutron hang on an application's networks, ports and routers, and no restore makes: VPNs, firewalls and the like."""

from __future__ import annotations

import dataclasses
import typing as t

from ..cloud.network import Networking
from ..cloud.session import Cloud
from ..manifest.missing import Missing, Resource
from ..work.pool import attempt_each


@dataclasses.dataclass(frozen=True)
class ExtraKind:
    """A kind of such resources.

    :param name: as messages call it.
    :param extension: by its alias.
    :param path: where they are listed.
    :param references: attributes with the id, or the ids, of what they belong to.
    """

    name: str
    extension: str
    path: str
    references: tuple[str, ...]


KINDS = (
    ExtraKind("VPN service", "vpnaas", "/vpn/vpnservices", ("router_id", "subnet_id")),
    ExtraKind("BGP VPN", "bgpvpn", "/bgpvpn/bgpvpns", ("networks", "routers")),
    ExtraKind("firewall group", "fwaas_v2", "/fwaas/firewall_groups", ("ports",)),
    ExtraKind("NDP proxy", "l3-ndp-proxy", "/ndp_proxies", ("port_id", "router_id")),
    ExtraKind("local IP address", "local_ip", "/local_ips", ("local_port_id", "network_id")),
    ExtraKind("port pair of a service chain", "sfc", "/sfc/port_pairs", ("ingress", "egress")),
    ExtraKind("tap service", "taas", "/taas/tap_services", ("port_id",)),
    ExtraKind("log of packets", "logging", "/log/logs", ("resource_id", "target_id")),
)


@dataclasses.dataclass(frozen=True)
class Extras:
    """What a site has of them.

    :param failures: why some could not be looked at.
    """

    found: t.Sequence[tuple[ExtraKind, Resource]] = ()
    failures: tuple[str, ...] = ()


def ask(cloud: Cloud, concurrency: int) -> Extras:
    """List what the site has; a list that fails keeps no application from being protected.

    :param concurrency: how many calls at once.
    """
    network = Networking(cloud)
    known = [kind for kind in KINDS if kind.extension in network.extensions()]
    outcomes = attempt_each(known, lambda kind: network.listed(kind.path), concurrency)
    found = [(kind, one) for kind, outcome in zip(known, outcomes, strict=True) for one in outcome.value or ()]
    return Extras(found, tuple(str(outcome.error) for outcome in outcomes if outcome.error))


def hanging_on(own: t.Mapping[str, str], extras: Extras) -> list[Missing]:
    """What of it belongs to an application.

    :param own: what the application's networks, subnets, ports, routers and security groups are called, by their ids.
    """
    found = []
    for kind, one in extras.found:
        holders = [own[reference] for name in kind.references for reference in _ids(one.get(name)) if reference in own]
        if holders:
            called = f"{one['name']} ({one['id']})" if one.get("name") else str(one["id"])
            found.append(Missing(f"{kind.name} {called}", "the resource itself", f"of {holders[0]}", "no restore makes it"))
    return found


def _ids(value: t.Any) -> list[str]:
    return value if isinstance(value, list) else [value] if value else []
