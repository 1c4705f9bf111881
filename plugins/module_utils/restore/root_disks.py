# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a restore needs for servers that boot from images. Pure."""

from __future__ import annotations

import typing as t

from ..copies import methods
from ..core.records import NamedFlavor
from .server_plan import ServerStep
from .stock import Stock


def root_disk_problems(stock: Stock, steps: t.Iterable[ServerStep]) -> t.Iterator[str]:
    """Images that are not there, and flavors of a mapping whose root disk is too small for one."""
    for step in steps:
        if step.image and step.builds:
            for lack in methods.lacks(step.image, stock.parts):
                yield (
                    f"{lack.what}, needed for the root disk of server '{step.spec.name}', {lack.state} at site '{stock.site.name}'; {lack.remedy}, "
                    "or choose another checkpoint."
                )
            yield from _small_flavor(step, stock.site.name)


def _small_flavor(step: ServerStep, site: str) -> t.Iterator[str]:
    needed, flavor = step.spec.root_image, step.flavor
    if needed and flavor and isinstance(step.spec.flavor, NamedFlavor) and flavor.disk < needed.size:
        yield (
            f"The mapping names flavor '{flavor.name}' for server '{step.spec.name}', whose root disk at site '{site}' has {flavor.disk} GiB, and the "
            f"server's has {needed.size} GiB; name a flavor with a larger one."
        )
