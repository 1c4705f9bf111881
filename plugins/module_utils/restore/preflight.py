# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Judge, before the first change, whether a whole restore can succeed at a site. Pure."""

from __future__ import annotations

import dataclasses

from .needs import Need, amounts_of, needs
from .plan import RestorePlan
from .problems import doubts, problems
from .refusals import doubts_of_refusals, refusals
from .stock import Stock


@dataclasses.dataclass(frozen=True)
class Judgement:
    """The result of checking a restore beforehand.

    :param problems: what would make the restore fail, each with a way out.
    :param doubts: what may make it fail, or be missing then, and only others know.
    """

    plan: RestorePlan
    needs: tuple[Need, ...]
    problems: tuple[str, ...]
    doubts: tuple[str, ...]


def judge(plan: RestorePlan, stock: Stock) -> Judgement:
    """Check a planned restore.

    :param stock: of the site that was planned for.
    """
    needed = tuple(needs(plan, stock.quotas))
    found = (*problems(plan, stock, needed), *refusals(plan, stock))
    return Judgement(plan, needed, found, (*doubts(plan), *doubts_of_refusals(plan, stock, amounts_of(plan))))
