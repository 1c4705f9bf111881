# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The plan of a whole restore. Pure.

The plan is passed to the checks that judge whether it can succeed, and to each step of the restore.
"""

from __future__ import annotations

import dataclasses
import typing as t

from ..manifest.manifest import Manifest
from ..manifest.selection import chosen
from .forwarding_plan import ForwarderStep, plan_forwarders
from .marks import owner_of
from .port_plan import PortStep, plan_ports
from .server_plan import ServerStep, plan_servers
from .site import RestoreSite
from .topology import Lacking, lacking
from .volume_plan import VolumeStep, plan_volumes


@dataclasses.dataclass(frozen=True)
class RestorePlan:
    """What is to be done at a site, and about what.

    :param manifest: as it is to be restored there: with the names and addresses of the site, and of a drill.
    :param servers: in boot order.
    :param lacking: what of the topology is to be made or completed.
    :param ports: that are on no server.
    :param forwarders: floating addresses that forward protocol ports.
    :param whole: the manifest with all servers, where the plan is for some.
    """

    manifest: Manifest
    site: RestoreSite
    volumes: tuple[VolumeStep, ...]
    servers: tuple[ServerStep, ...]
    lacking: Lacking
    ports: tuple[PortStep, ...]
    forwarders: tuple[ForwarderStep, ...]
    whole: Manifest

    @classmethod
    def of(cls, manifest: Manifest, site: RestoreSite, whole: Manifest | None = None) -> RestorePlan:
        """Plan a restore.

        :param whole: the manifest with all servers, where this one has some of them.
        """
        return cls.on(manifest, site, plan_volumes(manifest, site.volumes), whole)

    @classmethod
    def on(cls, manifest: Manifest, site: RestoreSite, volumes: t.Iterable[VolumeStep], whole: Manifest | None = None) -> RestorePlan:
        """Plan a restore on volumes that are not, or not all, to be made."""
        volumes, site = tuple(volumes), site.in_terms_of((whole or manifest).description.topology)
        servers, ports = tuple(plan_servers(manifest, site, volumes)), tuple(plan_ports(manifest, site))
        forwarders = tuple(plan_forwarders(manifest, site, _all_ports(servers, ports)))
        return cls(manifest, site, volumes, servers, lacking(manifest.description.topology, site, owner_of(manifest)), ports, forwarders, whole or manifest)

    @property
    def all_ports(self) -> list[PortStep]:
        """The ports of servers, and those on no server."""
        return _all_ports(self.servers, self.ports)

    def narrowed(self, servers: t.Collection[str]) -> RestorePlan:
        """The plan for some servers, and what they need.

        :param servers: by name at the source.
        :raises InvalidInput: naming those that the checkpoint does not have.
        """
        manifest = chosen(self.manifest, servers)
        narrowed = dataclasses.replace(
            self,
            manifest=manifest,
            volumes=tuple(step for step in self.volumes if {*servers} & {*step.servers}),
            servers=tuple(step for step in self.servers if step.spec.name in servers),
            lacking=lacking(manifest.description.topology, self.site, owner_of(manifest)),
            ports=tuple(plan_ports(manifest, self.site)),
        )
        return dataclasses.replace(narrowed, forwarders=tuple(plan_forwarders(manifest, self.site, narrowed.all_ports)))

    def servers_at(self, site: RestoreSite) -> list[ServerStep]:
        """What is to be done about the servers once the site has changed."""
        return plan_servers(self.manifest, site, self.volumes)

    def ports_at(self, site: RestoreSite) -> list[PortStep]:
        """What is to be done about ports on no server then."""
        return plan_ports(self.manifest, site)

    def forwarders_at(self, site: RestoreSite) -> list[ForwarderStep]:
        """What is to be done about floating addresses that forward ports then."""
        return plan_forwarders(self.manifest, site, _all_ports(self.servers_at(site), self.ports_at(site)))


def _all_ports(servers: t.Iterable[ServerStep], ports: t.Iterable[PortStep]) -> list[PortStep]:
    return [*(port for server in servers for port in server.ports), *ports]
