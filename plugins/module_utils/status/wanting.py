# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What would be missing at the remote site now: for one application as the check before its restore finds it, and for all of them together. Pure."""

from __future__ import annotations

import collections
import dataclasses
import typing as t

from ..core.records import Flavor
from ..manifest.manifest import Manifest
from ..mapping import parts
from ..mapping.drift import restore_problems
from ..mapping.isolation import Wish
from ..mapping.mapping import SiteMapping
from ..mapping.proposal import Inventory
from ..restore.needs import Need
from ..restore.plan import RestorePlan
from ..restore.preflight import judge
from ..restore.stock import Stock

#: Limits of what each application has for itself, so that the needs of several add up; networks and keys may be shared.
_ADDING_UP = ("instances", "cores", "ram", "volumes", "gigabytes", "floatingip")


@dataclasses.dataclass(frozen=True)
class Wanting:
    """What the restore of an application takes, and what it lacks.

    :param problems: what would make it fail now, each with what to do.
    :param needs: of the quotas, per name of a project.
    :param flavors: of the servers that would be made.
    """

    problems: tuple[str, ...]
    needs: t.Mapping[str, tuple[Need, ...]]
    flavors: tuple[Flavor, ...]


def wanting(manifests: t.Mapping[str, Manifest], mapping: SiteMapping, stocks: t.Mapping[str, Stock]) -> Wanting:
    """Check the restore of an application.

    :param manifests: of its parts, per name of their projects.
    :param stocks: of these projects at the site.
    """
    wishes = {name: Wish(manifest, mapping) for name, manifest in manifests.items()}
    problems: list[str] = []
    needs, flavors = {}, []
    for name, wish in wishes.items():
        others = [parts.OtherPart(other, stocks[project].site) for project, other in wishes.items() if project != name]
        stock = dataclasses.replace(stocks[name], site=parts.as_promised(stocks[name].site, wish, others))
        mapped, refused = restore_problems(wish.source, mapping, Inventory(stock))
        judged = judge(RestorePlan.of(mapped, stock.site, wish.whole_there()), stock)
        problems += [*parts.part_problems(wish, others), *parts.share_problems(wish, others, stock.site), *refused, *judged.problems]
        needs[name] = judged.needs
        flavors += [step.flavor or step.spec.flavor for step in judged.plan.servers if step.builds]
    return Wanting(tuple(dict.fromkeys(problems)), needs, tuple(flavors))


@dataclasses.dataclass(frozen=True)
class JointNeed:
    """What several applications of a project need of one quota together."""

    project: str
    resource: str
    needed: int
    left: int
    applications: tuple[str, ...]


def not_together(found: t.Mapping[str, Wanting]) -> list[JointNeed]:
    """Quotas that suffice for each application of a project, but not for all of them.

    :param found: per application.
    """
    joint: dict[tuple[str, str], dict[str, Need]] = collections.defaultdict(dict)
    for host, one in found.items():
        for project, needs in one.needs.items():
            for need in needs:
                if need.resource.partition("_")[0] in _ADDING_UP and need.left is not None:
                    joint[project, need.resource][host] = need
    told = []
    for (project, resource), of_hosts in joint.items():
        needed, left = sum(need.needed for need in of_hosts.values()), min(t.cast(int, need.left) for need in of_hosts.values())
        if needed > left and all(need.fits for need in of_hosts.values()):
            told.append(JointNeed(project, resource, needed, left, tuple(of_hosts)))
    return told
