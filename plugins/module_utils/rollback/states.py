# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The two states of an application between which a roll-back exchanges its servers. Pure.

What goes back is data. Networks, ports, addresses, groups, flavors, metadata and the order of tiers stay as they are now: only the volumes of the
servers are those of the checkpoint. The state before is the same servers on the volumes that they have now.
"""

from __future__ import annotations

import dataclasses
import typing as t

from ..application.definition import Application
from ..catalogue.roll_back_record import RollBackRecord
from ..copies import methods
from ..core.errors import InvalidInput
from ..core.marking import Mark
from ..core.records import ServerGroup, Volume
from ..manifest.manifest import ApplicationDescription, Checkpoint, Manifest
from ..manifest.specs import ServerSpec
from ..restore.marks import mark_of, owner_of
from ..restore.plan import RestorePlan
from ..restore.site import RestoreSite
from ..restore.volume_plan import Action, VolumeStep


def in_place(description: ApplicationDescription, groups: t.Iterable[ServerGroup]) -> ApplicationDescription:
    """A captured application as it is rebuilt at its own site, where server groups have the names that they have.

    :param groups: of the site.
    """
    of_member = {member: group.name for group in groups for member in group.member_ids}
    names = {server.server_group: of_member[server.source_id] for server in description.servers if server.source_id in of_member}
    servers = tuple(dataclasses.replace(one, server_group=names.get(one.server_group, one.server_group)) for one in description.servers)
    described = tuple(dataclasses.replace(one, name=names.get(one.name, one.name)) for one in description.topology.server_groups)
    return dataclasses.replace(description, servers=servers, topology=dataclasses.replace(description.topology, server_groups=described))


def checked_as(description: ApplicationDescription, application: Application) -> ApplicationDescription:
    """A recorded application with the health checks that the operator gives, since what a record says may be anybody's.

    :raises InvalidInput: when the tiers are others.
    """
    checks = {tier.name: tier.checks for tier in application.tiers}
    recorded = description.application
    if [*checks] != [tier.name for tier in recorded.tiers]:
        raise InvalidInput(
            f"The roll-back of application '{recorded.name}' began with the tiers {', '.join(tier.name for tier in recorded.tiers)}, and the definition has "
            f"{', '.join(checks)}; give the definition that it began with."
        )
    tiers = tuple(dataclasses.replace(tier, checks=checks[tier.name]) for tier in recorded.tiers)
    return dataclasses.replace(description, application=dataclasses.replace(recorded, tiers=tiers))


def named_by_ids(application: Application, description: ApplicationDescription) -> list[str]:
    """A warning where a definition will no longer be true, because servers get other ids."""
    ids = {server.source_id for server in description.servers} & {*application.servers}
    if not ids:
        return []
    return [f"The definition of application '{application.name}' names servers by their ids, which are others after the roll-back: {', '.join(sorted(ids))}."]


def gaps(before: ApplicationDescription, manifest: Manifest) -> list[str]:
    """Why a checkpoint is not one of the application as it is."""
    there = {server.name for server in manifest.description.servers}
    return [
        f"Server '{server.name}' is not in checkpoint '{manifest.checkpoint.id}': it was added later, or had another name. Choose a newer checkpoint, or "
        "take it out of the application's definition, so that it stays as it is."
        for server in before.servers
        if server.name not in there
    ]


def differences(before: ApplicationDescription, manifest: Manifest) -> list[str]:
    """What an operator should know of an application that has changed since the checkpoint."""
    now = {server.name: server for server in before.servers}
    found = [
        f"Server '{server.name}' of checkpoint '{manifest.checkpoint.id}' is not part of the application now, so it does not come back."
        for server in manifest.description.servers
        if server.name not in now
    ]
    for server in manifest.description.servers:
        if server.name in now:
            found += _disk_differences(now[server.name], server)
    return found


def _disk_differences(now: ServerSpec, then: ServerSpec) -> t.Iterator[str]:
    for devices, told in (
        (_devices(now) - _devices(then), "was attached after the checkpoint: the server is without it after the roll-back, and the volume is kept"),
        (_devices(then) - _devices(now), "was detached after the checkpoint: the server has it again after the roll-back, as it was then"),
    ):
        yield from (f"Volume {device} of server '{now.name}' {told}." for device in sorted(devices))


def _devices(server: ServerSpec) -> set[str]:
    return {volume.device for volume in server.volumes}


def rolled_back(record: RollBackRecord, manifest: Manifest) -> Manifest:
    """The application as it is, on the volumes of a checkpoint.

    :param manifest: of the checkpoint, with the names of the site; it has all servers of the application.
    """
    then = {server.name: server.volumes for server in manifest.description.servers}
    servers = tuple(dataclasses.replace(server, volumes=then[server.name]) for server in record.before.servers)
    wanted = {volume.source_id for server in servers for volume in server.volumes}
    return dataclasses.replace(
        manifest,
        description=dataclasses.replace(record.before, servers=servers),
        copies=tuple(copy for copy in manifest.copies if copy.volume_id in wanted),
        beside=record.id,
    )


def as_before(record: RollBackRecord) -> Manifest:
    """The application as it was, on its own volumes."""
    before = record.before
    copies = tuple(methods.pending(volume.source_id, volume.size) for volume in before.volumes)
    levels = {server.name: "offline" for server in before.servers}
    # No checkpoint, but named as one: the marks of what is built again tell what it is of.
    point = Checkpoint(f"before-{record.id}", record.since, record.site, "offline", levels, {})
    return Manifest(point, before, copies, beside=record.id)


def owner_after(record: RollBackRecord) -> Mark:
    """The owner by whose marks the servers and volumes of the checkpoint are known after the roll-back."""
    return Mark(record.application, record.checkpoint, apart=record.id)


def owner_before(record: RollBackRecord) -> Mark:
    return owner_of(as_before(record))


def plan_before(record: RollBackRecord, site: RestoreSite) -> RestorePlan:
    """The plan of the way back: servers are built, and their volumes are there."""
    manifest = as_before(record)
    there = {volume.id: volume for volume in site.volumes}
    return RestorePlan.on(manifest, site, _own_volumes(manifest, there))


def _own_volumes(manifest: Manifest, there: t.Mapping[str, Volume]) -> t.Iterator[VolumeStep]:
    holders = manifest.description.holders
    for spec in manifest.description.volumes:
        name = spec.name or spec.source_id
        mark = mark_of(manifest, spec.source_id)
        yield VolumeStep(tuple(holders[spec.source_id]), spec, name, spec.name, manifest.copy_of(spec), mark, Action.KEEP, there.get(spec.source_id))
