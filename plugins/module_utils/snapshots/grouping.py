# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Decide which volumes of an application are snapshotted together.

Pure: turns the state of a project's storage into units, each of which is one request to Cinder or one request for each of its
volumes. What a backend reports decides; Cinder accepts the specs of a group type even where the driver cannot honour them.
"""

from __future__ import annotations

import dataclasses
import hashlib
import itertools
import json
import typing as t

from ..core.records import APPLICATION_KEY, GroupType, Pool, RootDisk, Volume, VolumeGroup

#: One snapshot of a group, taken by the backend at one instant.
CONSISTENT_GROUP = "consistent_group"
#: One request for a group, whose volumes Cinder may snapshot one after the other.
GENERIC_GROUP = "generic_group"
#: A request for each volume, all at once.
INDIVIDUAL = "individual"
#: An image of a root disk that is no volume, made by Nova.
IMAGE = "image"

#: What may be asked for.
POLICIES = ("auto", "individual", "generic", "consistent")

_BACKEND_KEY = "osdr_backend"
#: For what was a consistency group once; Cinder lists it, and refuses it for anything else.
_MIGRATED_GROUP_TYPE = "default_cgsnapshot_type"
_DESCRIPTION_LENGTH = 255


@dataclasses.dataclass(frozen=True)
class Landscape:
    """The storage of a project, as far as groups are concerned.

    :param pools: None when the credentials may not see them.
    :param backends: backend per volume id, as far as they are known.
    :param members: ids of the volumes in it per group id.
    :param group_types: those that the project may use.
    :param volume_types: id per name.
    """

    pools: tuple[Pool, ...] | None
    backends: t.Mapping[str, str]
    groups: tuple[VolumeGroup, ...]
    members: t.Mapping[str, frozenset[str]]
    group_types: tuple[GroupType, ...]
    volume_types: t.Mapping[str, str]

    def is_consistent(self, backend: str) -> bool:
        """Whether a backend reports consistent groups; in a cluster volumes and pools name different hosts."""
        pools = [pool for pool in self.pools or () if pool.name == backend]
        pools = pools or [pool for pool in self.pools or () if _without_host(pool.name) == _without_host(backend)]
        return bool(pools) and all(pool.has_consistent_groups for pool in pools)


def _without_host(backend: str) -> str:
    return backend.partition("@")[2]


@dataclasses.dataclass(frozen=True)
class Unit:
    """Volumes of one project and backend that are snapshotted alike.

    :param backend: None when it is not known.
    :param reason: why this strategy and no better one.
    :param group: the group to snapshot; None when it is still to be made, or none is used.
    :param group_type: of a group that is still to be made.
    :param is_ours: whether the group is this collection's to change and to delete.
    """

    strategy: str
    backend: str | None
    volumes: tuple[Volume, ...]
    reason: str
    group: VolumeGroup | None = None
    group_type: GroupType | None = None
    is_ours: bool = False

    @property
    def project_id(self) -> str:
        return self.volumes[0].project_id

    @property
    def is_image(self) -> bool:
        return self.strategy == IMAGE

    @property
    def is_of_one_instant(self) -> bool:
        return self.strategy == CONSISTENT_GROUP or len(self.volumes) == 1

    def individually(self, reason: str) -> Unit:
        return Unit(INDIVIDUAL, self.backend, self.volumes, reason)


def image_units(disks: t.Iterable[RootDisk]) -> list[Unit]:
    """One for each root disk."""
    return [Unit(IMAGE, None, (disk,), "it is the root disk of a server that boots from an image") for disk in disks]


def mark_of_group(application: str, backend: str) -> str:
    """The description by which a group of this collection is known; groups have no metadata."""
    text = json.dumps({APPLICATION_KEY: application, _BACKEND_KEY: backend}, sort_keys=True)
    if len(text) <= _DESCRIPTION_LENGTH:
        return text
    digest = hashlib.sha256(backend.encode()).hexdigest()
    return json.dumps({APPLICATION_KEY: application, _BACKEND_KEY: digest}, sort_keys=True)


def is_ours(group: VolumeGroup, application: str) -> bool:
    try:
        return json.loads(group.description)[APPLICATION_KEY] == application
    except (KeyError, TypeError, ValueError):
        return False


class Grouping:
    """Finds the units for an application's volumes in one project.

    :param policy: one of :data:`POLICIES`.
    :param group_type: name of the group type to be used; None for any that fits.
    """

    def __init__(self, landscape: Landscape, application: str, policy: str, group_type: str | None = None) -> None:
        self._landscape = landscape
        self._application = application
        self._policy = policy
        self._group_type = group_type

    def units(self, volumes: t.Iterable[Volume]) -> list[Unit]:
        by_backend = sorted(volumes, key=self._backend)
        return [
            unit
            for backend, found in itertools.groupby(by_backend, key=self._backend)
            for unit in self._units_of_backend(backend or None, tuple(found))
        ]

    def _backend(self, volume: Volume) -> str:
        return self._landscape.backends.get(volume.id, "")

    def _units_of_backend(self, backend: str | None, volumes: tuple[Volume, ...]) -> list[Unit]:
        obstacle = self._obstacle(backend)
        if obstacle or backend is None:
            return [Unit(INDIVIDUAL, backend, volumes, obstacle or "its backend is unknown")]
        adopted = self._others_groups(backend, volumes)
        taken = {volume.id for unit in adopted for volume in unit.volumes}
        stuck = tuple(v for v in volumes if v.id not in taken and self._is_in_others_group(v))
        free = tuple(v for v in volumes if v.id not in taken and v not in stuck)
        units = adopted
        if free:
            units = [*units, self._own_unit(backend, free)]
        if stuck:
            reason = "they are in somebody else's group that has other volumes too, is not consistent or is not available"
            units = [*units, Unit(INDIVIDUAL, backend, stuck, reason)]
        return units

    def _obstacle(self, backend: str | None) -> str | None:
        """Why groups cannot be used on a backend; None when they can."""
        if self._policy == "individual":
            return "asked for"
        if self._landscape.pools is None or backend is None:
            return "the credentials may not see what the backends can do; give admin_cloud"
        if self._policy != "generic" and not self._landscape.is_consistent(backend):
            return "the backend reports no consistent group snapshots"
        if self._chosen_type() is None:
            return f"the project has no {self._wanted_type()}"
        return None

    def _wanted_type(self) -> str:
        if self._group_type:
            return f"group type '{self._group_type}'" + ("" if self._policy == "generic" else " with consistent_group_snapshot_enabled='<is> True'")
        return "group type" if self._policy == "generic" else "group type with consistent_group_snapshot_enabled='<is> True'"

    def _chosen_type(self) -> GroupType | None:
        """The first by name that fits; a generic group is not to look like a consistent one."""
        fitting = [
            one
            for one in self._landscape.group_types
            if one.name != _MIGRATED_GROUP_TYPE and self._group_type in (None, one.name) and (one.is_consistent or self._policy == "generic")
        ]
        return min(fitting, key=lambda one: (one.is_consistent and self._policy == "generic", one.name), default=None)

    def _strategy(self, group_type: GroupType | None, backend: str) -> str:
        is_consistent = group_type is not None and group_type.is_consistent and self._landscape.is_consistent(backend)
        return CONSISTENT_GROUP if is_consistent else GENERIC_GROUP

    def _others_groups(self, backend: str, volumes: tuple[Volume, ...]) -> list[Unit]:
        """Groups that somebody else made of only these volumes."""
        mine = {volume.id for volume in volumes}
        types = {one.id: one for one in self._landscape.group_types}
        units = []
        for group in self._landscape.groups:
            members = self._landscape.members.get(group.id, frozenset())
            strategy = self._strategy(types.get(group.group_type_id), backend)
            is_good = strategy == CONSISTENT_GROUP or self._policy == "generic"
            fits = members and members <= mine and group.status == "available" and is_good
            if fits and not is_ours(group, self._application):
                part = tuple(volume for volume in volumes if volume.id in members)
                units.append(Unit(strategy, backend, part, f"the existing group {group.label} has these volumes and no others", group))
        return units

    def _is_in_others_group(self, volume: Volume) -> bool:
        group = next((one for one in self._landscape.groups if one.id == volume.group_id), None)
        return group is not None and not is_ours(group, self._application)

    def _own_unit(self, backend: str, volumes: tuple[Volume, ...]) -> Unit:
        if len(volumes) == 1:
            return Unit(INDIVIDUAL, backend, volumes, "it is the only volume of the application there")
        group_type = self._chosen_type()
        strategy = self._strategy(group_type, backend)
        reason = "the backend reports consistent group snapshots" if strategy == CONSISTENT_GROUP else "asked for"
        group = self._own_group(backend, volumes, group_type)
        return Unit(strategy, backend, volumes, reason, group, group_type, is_ours=True)

    def _own_group(self, backend: str, volumes: tuple[Volume, ...], group_type: GroupType | None) -> VolumeGroup | None:
        """A group made by an earlier run that can hold these volumes."""
        types = {self._landscape.volume_types.get(volume.volume_type, "") for volume in volumes}
        mark = mark_of_group(self._application, backend)
        fitting = (
            group
            for group in self._landscape.groups
            if group.description == mark
            and group_type is not None
            and group.group_type_id == group_type.id
            and group.status == "available"
            and types <= group.volume_type_ids
        )
        return next(fitting, None)


def policy_problems(units: t.Iterable[Unit], policy: str) -> list[str]:
    """Volumes for which a policy that requires consistent groups cannot be met."""
    if policy != "consistent":
        return []
    return [
        f"Volumes {', '.join(v.label for v in unit.volumes)} cannot be snapshotted as one consistent group: {unit.reason}."
        for unit in units
        if not unit.is_of_one_instant
    ]


def describe(units: t.Iterable[Unit]) -> list[dict[str, t.Any]]:
    """Units as modules show them."""
    return [
        {
            "strategy": unit.strategy,
            "backend": unit.backend,
            "reason": unit.reason,
            "volumes": sorted(volume.id for volume in unit.volumes),
        }
        for unit in units
    ]
