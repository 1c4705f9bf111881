# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Judge whether a whole restore can succeed at a site once the application's old servers there are removed. Pure."""

from __future__ import annotations

import dataclasses

from ..mapping.drift import restore_problems
from ..mapping.isolation import Wish
from ..mapping.proposal import Inventory
from ..readiness import gates as readiness
from ..restore.needs import Need
from ..restore.plan import RestorePlan
from ..restore.preflight import judge
from ..restore.stock import Stock
from . import superseded


@dataclasses.dataclass(frozen=True)
class Conditions:
    """The conditions of the restore.

    :param remove_old: whether old servers of the application at the site will be removed.
    :param keep_volumes: whether their volumes will stay.
    :param command_checks: what becomes of health checks that are commands.
    """

    remove_old: bool = False
    keep_volumes: bool = False
    command_checks: str = readiness.REFUSE


@dataclasses.dataclass(frozen=True)
class Assessment:
    """The restore, judged beforehand.

    :param plan: of the restore, at the site as it will be.
    :param old: servers that are removed first, or would have to be.
    """

    plan: RestorePlan
    old: tuple[superseded.Old, ...]
    needs: tuple[Need, ...]
    problems: tuple[str, ...]
    doubts: tuple[str, ...]


def assess(wish: Wish, conditions: Conditions, stock: Stock) -> Assessment:
    """Plan the restore, and find everything that blocks it."""
    manifest, refused = restore_problems(wish.source, wish.mapping, Inventory(stock), wish.drill)
    plan = RestorePlan.of(manifest, stock.site, wish.whole_there())
    # A drill replaces nothing.
    old = [] if wish.drill is not None else superseded.plan_superseded(plan, wish.manifest)
    if old and conditions.remove_old:
        stock = superseded.without(stock, old, conditions.keep_volumes)
        plan = RestorePlan.of(manifest, stock.site, plan.whole)
    judged = judge(plan, stock)
    commands = (manifest.application, conditions.command_checks)
    return Assessment(
        plan,
        tuple(old),
        judged.needs,
        (*refused, *judged.problems, *readiness.command_problems(*commands)),
        (*judged.doubts, *readiness.command_warnings(*commands)),
    )
