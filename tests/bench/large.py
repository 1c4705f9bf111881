# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Made-up checkpoints of as many servers as wanted, and a site where all of them have been restored."""

from __future__ import annotations

import copy
import dataclasses
import typing as t

from ansible_collections.osdr.openstack.plugins.module_utils.core.records import FixedIp, Flavor, Port, Server, Subnet, Volume
from ansible_collections.osdr.openstack.plugins.module_utils.manifest.manifest import Manifest
from ansible_collections.osdr.openstack.plugins.module_utils.manifest.specs import PortSpec, ServerSpec
from ansible_collections.osdr.openstack.plugins.module_utils.restore.marks import mark_of
from ansible_collections.osdr.openstack.plugins.module_utils.restore.site import RestoreSite
from ansible_collections.osdr.openstack.plugins.module_utils.restore.volume_plan import VolumeStep, plan_volumes
from ansible_collections.osdr.openstack.tests.unit.support import shop

TIERS = 5
_CIDR = "10.10.0.0/16"
#: Ids of volumes begin here, those of servers at nought.
_FIRST_VOLUME = 100_000


def document_of(servers: int, volumes: int) -> dict[str, t.Any]:
    """A checkpoint of so many servers in some tiers, each with so many volumes."""
    document = shop.document()
    template, copied = document["servers"][0], document["copies"][0]
    document["servers"] = [_server(template, number, volumes) for number in range(servers)]
    document["topology"]["subnets"][0].update(cidr=_CIDR, allocation_pools=[])
    ids = [volume["source_id"] for server in document["servers"] for volume in server["volumes"]]
    document["copies"] = [{**copied, "volume_id": one, "copy_id": one, "chain": [one]} for one in ids]
    names = [server["name"] for server in document["servers"]]
    tiers = [{"name": f"tier-{number}", "servers": names[number::TIERS], "checks": []} for number in range(TIERS)]
    document["application"]["tiers"] = [tier for tier in tiers if tier["servers"]]
    document["checkpoint"]["server_consistency"] = dict.fromkeys(names, "quiesced")
    return document


def _server(template: t.Mapping[str, t.Any], number: int, volumes: int) -> dict[str, t.Any]:
    server = copy.deepcopy(dict(template))
    server.update(source_id=shop.uuid(number), name=f"server-{number}", tier=f"tier-{number % TIERS}")
    server["ports"][0].update(
        source_id=shop.uuid(50_000 + number),
        mac_address=f"fa:16:3e:00:{number // 256:02x}:{number % 256:02x}",
        fixed_ips=[{"subnet": "shop-subnet", "ip_address": f"10.10.{number // 200}.{number % 200 + 10}"}],
    )
    first = _FIRST_VOLUME + number * volumes
    server["volumes"] = [
        {**server["volumes"][0], "source_id": shop.uuid(first + disk), "name": f"server-{number}-{disk}", "device": f"/dev/vd{'abc'[disk]}"}
        for disk in range(volumes)
    ]
    return server


def full(site: RestoreSite, manifest: Manifest) -> RestoreSite:
    """The same site with all of the application restored."""
    servers = manifest.description.servers
    subnet: Subnet = dataclasses.replace(shop.SUBNET, cidr=_CIDR)
    return dataclasses.replace(
        site,
        project_id="",
        networks=(*site.networks, shop.NETWORK),
        subnets=(subnet,),
        servers=tuple(_restored(manifest, server) for server in servers),
        ports=tuple(_port(manifest, server, port) for server in servers for port in server.ports),
        volumes=tuple(_volume(step) for step in plan_volumes(manifest, ())),
    )


def _restored(manifest: Manifest, spec: ServerSpec) -> Server:
    flavor = Flavor("", spec.flavor.name, 1, 1, 1, 0, 0)
    mark = mark_of(manifest, spec.source_id).metadata()
    return Server(spec.source_id, spec.name, "ACTIVE", None, "p", None, None, flavor, False, None, "", True, "", "", mark, (), ())


def _port(manifest: Manifest, server: ServerSpec, spec: PortSpec) -> Port:
    fixed = tuple(FixedIp("sub", ip.ip_address) for ip in spec.fixed_ips)
    mark = mark_of(manifest, server.source_id)
    tags = tuple(mark.tags())
    return Port(server.source_id, "", "net", spec.mac_address, "ACTIVE", server.source_id, fixed, (), True, (), tags, mark.text())


def _volume(step: VolumeStep) -> Volume:
    mark = step.mark
    return Volume(mark.source, step.name, 1, "in-use", "ceph", True, "nova", False, False, mark.metadata(), (), mark.text())
