# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the check before a restore costs: requests to the site, and the time to think about the answers.

The manifests are made up; the site that is asked is the lab's remote one, and what is thought about besides is a site where all
of the application has been restored before, the longest to think about.
"""

from __future__ import annotations

import argparse
import dataclasses
import sys
import time

from ansible_collections.osdr.openstack.plugins.module_utils.cloud.session import connect
from ansible_collections.osdr.openstack.plugins.module_utils.failover.preflight import Conditions, assess
from ansible_collections.osdr.openstack.plugins.module_utils.manifest.manifest import Manifest
from ansible_collections.osdr.openstack.plugins.module_utils.mapping.isolation import Wish
from ansible_collections.osdr.openstack.plugins.module_utils.restore.stock import Stock, look
from large import document_of, full
from window import Requests

#: For 50 servers.
GOAL_SECONDS = 10.0
SIZES = (1, 10, 50, 200)
VOLUMES = 3


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
        manifest, counter, start = Manifest.parse(document_of(size, VOLUMES)), Requests(), time.monotonic()
        with counter.counted():
            stock = look(cloud, 8)
        asking = time.monotonic() - start
        nothing = thinking(manifest, stock)
        everything = thinking(manifest, dataclasses.replace(stock, site=full(stock.site, manifest)))
        totals[size] = asking + max(nothing, everything)
        print(
            f"| {size} | {size * VOLUMES} | {counter.count} | {asking:.2f} | {nothing:.2f} | {everything:.2f} | {totals[size]:.2f} |",
            flush=True,
        )
    print(f"50 servers take {totals[50]:.2f} s, goal {GOAL_SECONDS:g} s. Logging in comes once before.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
