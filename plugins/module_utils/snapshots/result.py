# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A set of snapshots as modules return it."""

from __future__ import annotations

import typing as t

from ..core.records import Snapshot
from .evidence import Evidence, ServerEvidence, SetEvidence
from .wanted import ServerVolumes, Wanted


def describe(wanted: Wanted, snapshots: t.Sequence[Snapshot], evidence: Evidence) -> dict[str, t.Any]:
    """A whole set as the module returns it."""
    return {
        "name": wanted.name,
        "application": wanted.application.name,
        "consistency": evidence.whole.consistency,
        "taken_at": evidence.whole.taken,
        "clock": _describe_clock(evidence.whole),
        "skew": evidence.whole.skew,
        "window": evidence.whole.window,
        "servers": [_describe_server(member, evidence.servers[member.server.id]) for member in wanted.members],
        "snapshots": [
            {
                "id": snapshot.id,
                "name": snapshot.name,
                "volume_id": snapshot.volume_id,
                "size": snapshot.size,
                "created_at": snapshot.created_at,
                "requested_at": evidence.snapshots[snapshot.volume_id].requested,
                "complete_at": evidence.snapshots[snapshot.volume_id].complete,
                "strategy": evidence.snapshots[snapshot.volume_id].strategy,
                "backend": evidence.snapshots[snapshot.volume_id].backend,
                "reason": evidence.snapshots[snapshot.volume_id].reason,
            }
            for snapshot in sorted(snapshots, key=lambda one: (one.name, one.id))
        ],
    }


def parts_of(wanted: Wanted, snapshots: t.Sequence[Snapshot], evidence: Evidence, projects: t.Iterable[str]) -> list[dict[str, t.Any]]:
    """What each project has of a set over several: consistency and window are the whole set's, servers and snapshots the project's.

    :param projects: their ids; none for a set in one project.
    """
    return [
        {
            "project_id": project,
            "cg_snapshot": describe(wanted.of_project(project), [one for one in snapshots if one.project_id == project], evidence),
        }
        for project in projects
    ]


def _describe_clock(whole: SetEvidence) -> dict[str, t.Any] | None:
    if whole.clock is None:
        return None
    return {"ahead": whole.clock.seconds, "within": whole.clock.within, "taken_at": whole.taken_by_controller}


def _describe_server(member: ServerVolumes, evidence: ServerEvidence) -> dict[str, t.Any]:
    freeze = evidence.freeze
    return {
        "id": member.server.id,
        "name": member.server.name,
        "tier": member.tier,
        "consistency": evidence.consistency,
        "pending": evidence.pending,
        "reason": evidence.reason,
        "driver": freeze.get("driver"),
        "requested_at": freeze.get("requested"),
        "frozen_at": freeze.get("frozen"),
        "thawed_at": freeze.get("thawed"),
        "filesystems": freeze.get("filesystems"),
        "guard": freeze.get("guard"),
        "guard_until": freeze.get("guard_until"),
    }
