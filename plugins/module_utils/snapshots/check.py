# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Check, before any server is frozen, whether a set of snapshots can be taken."""

from __future__ import annotations

import collections
import typing as t

from ..core import states
from ..core.consistency import satisfies
from ..core.records import BACKING_UP, FREEZE_KEY, ImageSnapshot, RootDisk, Server
from ..quiesce.mark import FreezeMark, is_leftover
from ..work.pool import each
from .evidence import strangers_of
from .grouping import Unit
from .plan import SnapshotPlan
from .wanted import Storages, Wanted


def state_problems(wanted: Wanted, thaws_leftovers: bool = False) -> list[str]:
    """Servers and volumes whose state prevents snapshots.

    :param thaws_leftovers: whether servers that an earlier run left paused are thawed first.
    """
    of_servers = {server.id: _state_problem(server, wanted.least, thaws_leftovers) for server, _volumes in wanted.servers.values()}
    # What is wrong with a server's volumes follows from what is wrong with the server.
    judged = {volume.id: volume for one, (_server, volumes) in wanted.servers.items() if not of_servers[one] for volume in volumes}
    of_disks = [
        f"Server {disk.id} boots from an image and is paused: Nova would not resume it until it has uploaded the image that it makes of it. "
        "Freeze it with the driver nova or libvirt."
        for disk in wanted.root_disks
        if (server := wanted.servers[disk.id][0]).status == "PAUSED" and not states.stands_still(server)
    ]
    of_volumes = [
        f"Volume {volume.label} is {volume.status}; it must be in-use or available."
        for volume in judged.values()
        if volume.status not in ("in-use", "available")
    ]
    return [*(problem for problem in of_servers.values() if problem), *of_disks, *of_volumes]


def _state_problem(server: Server, least: str, thaws_leftovers: bool) -> str | None:
    if states.stands_still(server):
        return states.shortfall(server, least)
    if FREEZE_KEY in server.metadata and states.state_of(server).treatment is states.Treatment.LEFT:
        return None if _is_held_paused(server, thaws_leftovers) else _marked_problem(server)
    return states.refusal(server)


def _is_held_paused(server: Server, thaws_leftovers: bool) -> bool:
    """Whether os_server_quiesce holds a server paused, or it will be thawed first."""
    # Whoever left it paused beyond its guard's time does not hold it any more.
    may_be_paused = thaws_leftovers if is_leftover(server) else FreezeMark.stands_on(server)
    return server.status == "PAUSED" and may_be_paused and not server.task_state


def _marked_problem(server: Server) -> str:
    return (
        f"Server {server.label} is {server.state}: a freeze of another run has not been ended on it. Wait for that run; if there is none, bring the "
        "server to ACTIVE, and run the playbook osdr.openstack.thaw."
    )


def busy_problems(plan: SnapshotPlan, site: str) -> list[str]:
    """Snapshots that must be replaced but cannot be deleted, because they are being backed up meanwhile."""
    return [
        f"Snapshot {snapshot.id} of volume {snapshot.volume_id} on site '{site}' belongs to an incomplete set and is being backed up. "
        "Re-run when the backup finishes, or choose another name."
        for snapshot in plan.delete
        if snapshot.status == BACKING_UP
    ]


def sharing_problems(wanted: Wanted) -> list[str]:
    """Volumes that servers outside the application write to during the freeze."""
    if satisfies("crash", wanted.least):
        return []
    strangers = strangers_of(wanted.volumes.values(), set(wanted.servers))
    return [f"Servers outside the application write to its volumes: {strangers}."] if strangers else []


def quota_problems(plan: SnapshotPlan, storages: Storages, units: t.Sequence[Unit] = ()) -> list[str]:
    """Quotas that are too small for the plan, after what it deletes.

    :param units: those that need a group of ours count as groups.
    """
    needs: dict[str, collections.Counter[str]] = collections.defaultdict(collections.Counter)
    types = {volume.id: volume.volume_type for volume in plan.create}
    for volume in (one for one in plan.create if not isinstance(one, RootDisk)):
        needs[volume.project_id].update(_needs(volume.size, volume.volume_type))
    for snapshot in (one for one in plan.delete if not isinstance(one, ImageSnapshot)):
        needs[snapshot.project_id].subtract(_needs(snapshot.size, types.get(snapshot.volume_id, "")))
    for unit in units:
        if unit.is_ours and not unit.group:
            needs[unit.project_id]["groups"] += 1
    return [problem for project_id, needed in needs.items() for problem in _shortfalls(storages, project_id, needed)]


def _needs(size: int, volume_type: str) -> dict[str, int]:
    return {"snapshots": 1, "gigabytes": size, f"snapshots_{volume_type}": 1, f"gigabytes_{volume_type}": size}


def _shortfalls(storages: Storages, project_id: str, needs: t.Mapping[str, int]) -> list[str]:
    quotas = storages.of(project_id).quotas()
    return [
        f"The quota '{name}' of the project on site '{storages.site}' is {missing} too small: "
        f"{needed} more are needed, {quotas[name].in_use} of {quotas[name].limit} are in use. Raise it."
        for name, needed in needs.items()
        if name in quotas and (missing := quotas[name].shortfall(needed))
    ]


def permission_problems(plan: SnapshotPlan, storages: Storages, concurrency: int) -> list[str]:
    """Projects in which the credentials may not snapshot."""
    sample = {volume.project_id: volume for volume in plan.create if volume.status == "in-use" and not isinstance(volume, RootDisk)}
    allowed = each(sample.values(), lambda volume: storages.of(volume.project_id).may_snapshot(volume), concurrency)
    return [
        f"The credentials may not take snapshots in project {project_id} on site '{storages.site}'; they need the role member there."
        for project_id, may in zip(sample, allowed, strict=True)
        if not may
    ]
