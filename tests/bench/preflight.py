# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the check before a restore costs: requests to the site, and the time to think about the answers.

The manifests are made up; the site that is asked is the lab's remote one, and what is thought about besides is a site where all
of the application has been restored before, the longest to think about.
"""

from __future__ import annotations

import argparse
import copy
import dataclasses
import sys
import time
import typing as t

from ansible_collections.osdr.openstack.plugins.module_utils.cloud.session import connect
from ansible_collections.osdr.openstack.plugins.module_utils.core.records import FixedIp, Flavor, Port, Server, Volume
from ansible_collections.osdr.openstack.plugins.module_utils.failover.preflight import Conditions, assess
from ansible_collections.osdr.openstack.plugins.module_utils.manifest.manifest import Manifest
from ansible_collections.osdr.openstack.plugins.module_utils.manifest.specs import PortSpec, ServerSpec
from ansible_collections.osdr.openstack.plugins.module_utils.mapping.isolation import Wish
from ansible_collections.osdr.openstack.plugins.module_utils.restore.marks import mark_of
from ansible_collections.osdr.openstack.plugins.module_utils.restore.stock import Stock, look
from ansible_collections.osdr.openstack.plugins.module_utils.restore.volume_plan import VolumeStep, plan_volumes
from ansible_collections.osdr.openstack.tests.unit.support import shop
from window import Requests

#: For 50 servers.
GOAL_SECONDS = 10.0
SIZES = (1, 10, 50, 200)
VOLUMES = 3
TIERS = 5


def manifest_of(count: int) -> Manifest:
    """A checkpoint of so many servers in some tiers, each with some volumes."""
    document = shop.document()
    template, copied = document["servers"][0], document["copies"][0]
    document["servers"] = [_server(template, number) for number in range(count)]
    volumes = [volume["source_id"] for server in document["servers"] for volume in server["volumes"]]
    document["copies"] = [{**copied, "volume_id": one, "copy_id": one, "chain": [one]} for one in volumes]
    names = [f"server-{number}" for number in range(count)]
    tiers = [{"name": f"tier-{number}", "servers": names[number::TIERS], "checks": []} for number in range(TIERS)]
    document["application"]["tiers"] = [tier for tier in tiers if tier["servers"]]
    return Manifest.parse(document)


def _server(template: t.Mapping[str, t.Any], number: int) -> dict[str, t.Any]:
    server = copy.deepcopy(dict(template))
    server.update(source_id=shop.uuid(number), name=f"server-{number}", tier=f"tier-{number % TIERS}")
    server["ports"][0].update(
        mac_address=f"fa:16:3e:00:{number // 256:02x}:{number % 256:02x}",
        fixed_ips=[{"subnet": "shop-subnet", "ip_address": f"10.10.0.{number + 10}"}],
    )
    first = 100_000 + number * VOLUMES
    server["volumes"] = [
        {**server["volumes"][0], "source_id": shop.uuid(first + disk), "name": f"server-{number}-{disk}", "device": f"/dev/vd{'abc'[disk]}"}
        for disk in range(VOLUMES)
    ]
    return server


def full(stock: Stock, manifest: Manifest) -> Stock:
    """The same site with all of the application restored."""
    servers = manifest.description.servers
    site = dataclasses.replace(
        stock.site,
        project_id="",
        networks=(*stock.site.networks, shop.NETWORK),
        subnets=(shop.SUBNET,),
        servers=tuple(_restored(manifest, server) for server in servers),
        ports=tuple(_port(manifest, server, port) for server in servers for port in server.ports),
        volumes=tuple(_volume(step) for step in plan_volumes(manifest, ())),
    )
    return dataclasses.replace(stock, site=site)


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


def thinking(manifest: Manifest, stock: Stock) -> float:
    """Seconds for all that the module makes of the answers."""
    start = time.monotonic()
    assess(Wish(manifest), Conditions(), stock)
    return time.monotonic() - start


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cloud", default="remote")
    cloud = connect({"cloud": parser.parse_args().cloud})
    print("| servers | volumes | requests | asking s | thinking, nothing there s | thinking, all restored s | together s |")
    print("| --- | --- | --- | --- | --- | --- | --- |")
    totals = {}
    for size in SIZES:
        manifest, counter, start = manifest_of(size), Requests(), time.monotonic()
        with counter.counted():
            stock = look(cloud, 8)
        asking = time.monotonic() - start
        nothing, everything = thinking(manifest, stock), thinking(manifest, full(stock, manifest))
        totals[size] = asking + max(nothing, everything)
        print(
            f"| {size} | {size * VOLUMES} | {counter.count} | {asking:.2f} | {nothing:.2f} | {everything:.2f} | {totals[size]:.2f} |",
            flush=True,
        )
    print(f"50 servers take {totals[50]:.2f} s, goal {GOAL_SECONDS:g} s. Logging in comes once before.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
