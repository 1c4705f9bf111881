# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Plan what a restore does about floating addresses that forward their protocol ports. Pure."""

from __future__ import annotations

import dataclasses
import typing as t

from ..core.marking import Mark
from ..core.records import FloatingIp, Network
from ..manifest.manifest import Manifest
from ..manifest.specs import ForwarderSpec, ForwardingSpec
from .marks import made_with, mark_of
from .port_plan import PortStep, address_at
from .site import RestoreSite
from .wishes import FORWARDING, Wishes, floating_wishes, lacks_tags


@dataclasses.dataclass(frozen=True)
class ForwarderStep:
    """What is to be done about one such address.

    :param missing: forwardings that it is to get, as the API words them; without those to ports that are not there yet.
    :param current: the floating address, where it is there.
    """

    spec: ForwarderSpec
    mark: Mark
    missing: tuple[t.Mapping[str, t.Any], ...]
    current: FloatingIp | None
    lacks_tags: bool

    @property
    def changes(self) -> bool:
        return self.current is None or self.lacks_tags or bool(self.missing)

    def body(self, site: RestoreSite) -> dict[str, t.Any]:
        """Parameters for allocating it in Neutron; the external network must exist."""
        network = t.cast(Network, site.external_network(self.spec.floating.network))
        return {"floating_network_id": network.id, "description": self.mark.beside(self.spec.floating.description)}

    @property
    def made(self) -> FloatingIp | None:
        """The floating address, where the restore made it."""
        return made_with(self.mark, self.current)

    def wishes(self, site: RestoreSite) -> Wishes:
        return floating_wishes(site, self.spec.floating, self.mark, self.made)


def plan_forwarders(manifest: Manifest, site: RestoreSite, ports: t.Iterable[PortStep]) -> list[ForwarderStep]:
    """Plan them all; none at a site that forwards no ports.

    :param ports: of servers, and those on none.
    """
    steps = {step.spec.source_id: step for step in ports}
    return [_step(manifest, site, spec, steps) for spec in manifest.description.topology.forwarders if FORWARDING in site.extensions]


def _step(manifest: Manifest, site: RestoreSite, spec: ForwarderSpec, ports: t.Mapping[str, PortStep]) -> ForwarderStep:
    mark = mark_of(manifest, spec.source_id)
    bodies = [body for one in spec.forwardings if (body := _body(site, one, ports.get(one.port)))]
    wanted = {_key(body): body for body in bodies}
    of_mark = (one for one in site.floating_ips if Mark.of_text(one.description) == mark)
    # Such as that of the application itself, where it once ran: it is used as it is, and so not before it is known to lack nothing.
    is_known = len(bodies) == len(spec.forwardings)
    alike = (one for one in site.floating_ips if is_known and wanted.keys() <= _there(one))
    current = next(of_mark, None) or next(alike, None)
    is_ours = current is None or made_with(mark, current) is not None
    there = _there(current) if current else set()
    lacking = is_ours and lacks_tags(site, mark, spec.floating.tags, current.tags if current else ())
    return ForwarderStep(spec, mark, tuple(body for key, body in wanted.items() if key not in there), current, lacking)


def _body(site: RestoreSite, spec: ForwardingSpec, port: PortStep | None) -> dict[str, t.Any] | None:
    """Parameters for one forwarding; None while its port is not there."""
    address = address_at(site, port.spec, spec.place, port.current) if port else None
    if port is None or port.current is None or address is None:
        return None
    body = {
        "internal_port_id": port.current.id,
        "internal_ip_address": address,
        "internal_port": spec.internal_port,
        "external_port": spec.external_port,
        "protocol": spec.protocol,
    }
    return {**body, "description": spec.description} if spec.description else body


def _key(body: t.Mapping[str, t.Any]) -> tuple[t.Any, ...]:
    names = ("internal_port_id", "internal_ip_address", "internal_port", "external_port", "protocol")
    return tuple(body[name] for name in names)


def _there(floating: FloatingIp) -> set[tuple[t.Any, ...]]:
    return {(one.port_id, one.internal_address, one.internal_port, one.external_port, one.protocol) for one in floating.forwardings}
