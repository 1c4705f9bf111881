# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether what was taken of an application is what its description describes. Pure.

Somebody may attach, detach, extend or swap volumes, or recreate a server under its name, between the moment for which the data stands and
the one for which the description stands. Such a description must never be restored onto such data.
"""

from __future__ import annotations

import dataclasses
import typing as t

from .specs import ServerSpec, VolumeSpec

#: What each server has its own of, of a volume that several have.
_OF_THE_SERVER: dict[str, t.Any] = {"device": "", "delete_on_termination": False, "device_tag": None}


def of_volumes(servers: t.Iterable[ServerSpec], sizes: t.Mapping[str, int], what: str) -> list[str]:
    """Differences between the described volumes and what was taken of volumes.

    :param sizes: GiB of what was taken, per volume id.
    :param what: was taken: a ``copy`` or a ``snapshot``.
    """
    described = {volume.source_id: (f"volume {volume.source_id} of server {server.name}", volume.size) for server in servers for volume in server.volumes}
    lacking = [f"{label} has no {what}" for one, (label, _size) in described.items() if one not in sizes]
    strange = [f"there is a {what} of volume {one}, which no server has" for one in sizes if one not in described]
    resized = [
        f"{label} has {size} GiB, its {what} {sizes[one]} GiB"
        for one, (label, size) in described.items()
        if one in sizes and sizes[one] != size
    ]
    return [*lacking, *strange, *resized]


def of_shared(servers: t.Iterable[ServerSpec]) -> list[str]:
    """Contradictions between what several servers say of one volume, and servers that have a volume twice."""
    first: dict[str, tuple[str, VolumeSpec]] = {}
    problems = []
    for server in servers:
        own: set[str] = set()
        for volume in server.volumes:
            one = volume.source_id
            plain = dataclasses.replace(volume, **_OF_THE_SERVER)
            holder, known = first.setdefault(one, (server.name, plain))
            if one in own:
                problems.append(f"volume {one} of server {server.name} is described twice")
            elif known != plain:
                problems.append(f"volume {one} is another one on server {holder} than on server {server.name}")
            own.add(one)
    return problems


def of_snapshots(servers: t.Sequence[ServerSpec], taken: t.Mapping[str, t.Any]) -> list[str]:
    """Differences between the described servers and a set of snapshots.

    :param taken: what os_cg_snapshot returned, or the evidence in a manifest; nothing differs from what it does not tell.
    """
    ids, sizes = _told(taken)
    replaced = [
        f"server {one.name} is {one.source_id}, the snapshots are of {ids[one.name]}"
        for one in servers
        if ids.get(one.name, one.source_id) != one.source_id
    ]
    unknown = [f"there are snapshots of server {name}, which is not described" for name in ids if name not in {one.name for one in servers}]
    return [*replaced, *unknown, *(of_volumes(servers, sizes, "snapshot") if sizes else ())]


def _told(taken: t.Mapping[str, t.Any]) -> tuple[dict[str, str], dict[str, int]]:
    """Ids of servers per name, and GiB per volume id.

    Only what has the form that os_cg_snapshot gives it: a stored document may hold anything here.
    """
    servers = {one["name"]: one["id"] for one in _entries(taken, "servers", name=str, id=str)}
    return servers, {one["volume_id"]: one["size"] for one in _entries(taken, "snapshots", volume_id=str, size=int)}


def _entries(taken: t.Mapping[str, t.Any], key: str, **members: type) -> list[dict[str, t.Any]]:
    entries = taken.get(key)
    told = entries if isinstance(entries, list) else []
    return [one for one in told if isinstance(one, dict) and all(isinstance(one.get(name), kind) for name, kind in members.items())]
