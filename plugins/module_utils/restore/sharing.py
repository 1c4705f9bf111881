# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Volumes that several servers have: whether a site can attach them so, and which server gets one next. Pure."""

from __future__ import annotations

import typing as t

from . import nova_features
from .plan import RestorePlan
from .server_plan import ServerStep
from .stock import Stock
from .volume_plan import Action, VolumeStep


def shared_volume_refusals(plan: RestorePlan, stock: Stock) -> t.Iterator[str]:
    """Volumes of several servers that the site would attach to the first of them only."""
    shared = [step for step in plan.volumes if step.is_shared]
    for step in shared:
        if step.action.makes and stock.multiattach_types.get(step.spec.volume_type) is False:
            yield (
                f"Volume {step.label} cannot be attached to all of them at site '{plan.site.name}', because volumes of type '{step.spec.volume_type}' "
                "can have one server only there; have the site's operator offer a type with the extra spec multiattach='<is> True', and name it in a mapping."
            )
        elif step.action is Action.KEEP and step.current and not step.current.multiattach:
            yield (
                f"Volume {step.label} was restored at site '{plan.site.name}' before ({step.current.id}) with a type whose volumes can have one server "
                "only; remove what was restored (state: absent), name a type for several in a mapping, and restore again."
            )
    if shared and not nova_features.SHARED_VOLUMES.is_taken(plan.site.nova):
        yield (
            f"Nova at site '{plan.site.name}' offers its API in version {plan.site.nova[0]}.{plan.site.nova[1]} at most, which does not take "
            f"{nova_features.SHARED_VOLUMES}: {', '.join(step.label for step in shared)}. Restore at a newer site."
        )


def shared_volume_doubts(plan: RestorePlan, stock: Stock) -> t.Iterator[str]:
    """Volumes of several servers of whose type the site does not show whether it is one for several."""
    for step in plan.volumes:
        if step.is_shared and step.action.makes and not _is_known(step, stock):
            name = step.spec.volume_type
            what = f"volumes of type '{name}' can have several servers there" if name else "that is so for volumes without a type there"
            yield (
                f"Volume {step.label} is to be attached to all of them at site '{plan.site.name}', which does not show these credentials whether {what}; "
                "ask its operator."
            )


def _is_known(step: VolumeStep, stock: Stock) -> bool:
    name = step.spec.volume_type
    # One that is not there at all is another problem.
    return name in stock.multiattach_types or bool(name and name not in stock.volume_types)


def in_turn(waiting: t.Sequence[ServerStep], under_way: t.Iterable[ServerStep]) -> list[ServerStep]:
    """Those of the waiting servers that can be built now: Cinder gives a volume to no server while it is giving it to another.

    :param waiting: in the order in which they are to be built.
    :param under_way: servers that are being built.
    """
    asked = [*under_way, *(step for step in waiting if step.action is Action.WAIT)]
    taken = {volume for step in asked for volume in _volumes(step)}
    free = []
    for step in waiting:
        if not step.builds:
            free.append(step)
        elif not _volumes(step) & taken:
            free.append(step)
            taken |= _volumes(step)
    return free


def _volumes(step: ServerStep) -> set[str]:
    return {spec.source_id for spec in step.spec.volumes}
