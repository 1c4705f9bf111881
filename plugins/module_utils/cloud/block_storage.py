# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Cinder, as far as disaster recovery needs it."""

from __future__ import annotations

import base64
import contextlib
import json
import typing as t

from ..core.errors import NotFound
from ..core.records import CHECKPOINT_KEY, Attachment, Backup, BackupRecord, GroupSnapshot, GroupType, Pool, Quota, Snapshot, Volume, VolumeGroup
from .repeating import once
from .session import Cloud
from .shape import shaped

#: What Cinder shows among a volume's metadata and keeps elsewhere.
_READ_ONLY, _ATTACHED_MODE = "readonly", "attached_mode"
_CONSISTENT_GROUPS = "consistent_group_snapshot_enabled"
#: A type's own key for availability zones.
_ZONES_OF_TYPE = "RESKEY:availability_zones"
#: Its key for volumes that can be attached to several servers, and what it must say.
_MULTIATTACH, _IS_TRUE = "multiattach", "<is> True"
#: The newest whose answers are known here.
_KNOWN_VERSION = "3.71"
#: Groups came with 3.13, their snapshots with 3.14.
_GROUPS_VERSION = "3.14"
#: Backups have metadata since 3.43, and may be made in a zone since 3.51.
_BACKUP_ZONES_VERSION = "3.51"
#: Volumes are adopted by a path of its own since then.
_MANAGE_VERSION = "3.8"
#: An id that nothing has.
_NO_ID = "00000000-0000-0000-0000-000000000000"
#: Messages are filtered by what they are about since then.
_MESSAGES_VERSION = "3.5"
#: An empty JSON object in base64.
_EMPTY_RECORD = "e30="
#: From 3.66 on, volumes in use are snapshotted without being forced.
_FORCED_SNAPSHOTS_VERSION = "3.65"
#: How many of a list are asked for at once, where the first of them may be enough.
_PAGE = 100


class BlockStorage:
    """The volumes, snapshots and backups of one cloud.

    :param cloud: whose; every call acts in its project.
    """

    def __init__(self, cloud: Cloud) -> None:
        self.cloud = cloud

    @property
    def _api(self) -> t.Any:
        return self.cloud.service("block_storage")

    # Volumes

    def volume(self, volume_id: str) -> Volume:
        """A volume by its id.

        :raises NotFound: when it does not exist.
        """
        with self.cloud.calling(f"show volume {volume_id}"):
            return self._volume(self._api.get_volume(volume_id))

    def volumes(self) -> list[Volume]:
        """All volumes of the project, in one call."""
        with self.cloud.calling("list volumes"):
            return [self._volume(found) for found in self._api.volumes(details=True)]

    def volume_answers(self) -> list[dict[str, t.Any]]:
        """All volumes of the project, with everything that Cinder says of them."""
        with self.cloud.calling("list volumes"):
            return self.cloud.all_of(self._api, "/volumes/detail", "volumes", _KNOWN_VERSION)

    def volumes_of_project(self, project_id: str) -> list[Volume]:
        """All volumes of another project, with what only administrators see of them."""
        with self.cloud.calling(f"list the volumes of project {project_id}"):
            found = self._api.volumes(details=True, all_projects=True, project_id=project_id)
            return [_volume(one, project_id) for one in found]

    def create_volume_from_backup(self, backup_id: str, wanted: t.Mapping[str, t.Any]) -> Volume:
        """Start restoring a backup to a new volume.

        :param wanted: name, description, size, volume_type, metadata as Cinder takes them.
        """
        return self._create_volume({**wanted, "backup_id": backup_id}, f"backup {backup_id}")

    def create_empty_volume(self, wanted: t.Mapping[str, t.Any]) -> Volume:
        """Start making a volume without content.

        :param wanted: name, description, size, volume_type, metadata as Cinder takes them.
        """
        return self._create_volume(wanted, "nothing")

    def restore_backup(self, backup_id: str, volume_id: str) -> None:
        """Start restoring a backup to an available volume, all of whose content is replaced."""

        def restore() -> bool:
            with self.cloud.calling(f"restore backup {backup_id} to volume {volume_id}"):
                self._api.restore_backup(backup_id, volume=volume_id)
                return True

        once(restore, lambda: self.volume(volume_id).status != "available" or None)

    def create_volume_from_snapshot(self, snapshot_id: str, wanted: t.Mapping[str, t.Any]) -> Volume:
        """Start making a volume of a snapshot, of the same type.

        :param wanted: name, description, size as Cinder takes them.
        """
        return self._create_volume({**wanted, "snapshot_id": snapshot_id}, f"snapshot {snapshot_id}")

    def create_volume_from_volume(self, volume_id: str, wanted: t.Mapping[str, t.Any]) -> Volume:
        """Start cloning a volume that is not attached, with its image's properties.

        :param wanted: name, description, size, volume_type, metadata as Cinder takes them.
        """
        return self._create_volume({**wanted, "source_volume_id": volume_id}, f"volume {volume_id}")

    def create_volume_from_image(self, image_id: str, wanted: t.Mapping[str, t.Any]) -> Volume:
        """Start making a bootable volume of an image.

        :param wanted: name, description, size, volume_type, metadata as Cinder takes them.
        """
        return self._create_volume({**wanted, "image_id": image_id}, f"image {image_id}")

    def _create_volume(self, body: t.Mapping[str, t.Any], source: str) -> Volume:
        def create() -> Volume:
            with self.cloud.calling(f"create volume {body.get('name')} from {source}"):
                return self._volume(self._api.create_volume(**body))

        return once(create, lambda: _marked(self.volumes(), body))

    def manage_volume(self, backend: str, source: str, wanted: t.Mapping[str, t.Any]) -> str:
        """Start adopting what a backend has already; for administrators of the project. The SDK knows no project's own path, hence the plain call.

        :param backend: ``host@backend#pool``.
        :param source: its name there.
        :param wanted: name, description, volume_type, bootable, metadata as Cinder takes them.
        :returns: the volume's id.
        """
        body = {"volume": {**wanted, "host": backend, "ref": {"source-name": source}}}

        def manage() -> str:
            with self.cloud.calling(f"manage {source} of backend {backend}"):
                answer = self._api.post("/manageable_volumes", json=body, microversion=_MANAGE_VERSION)
                return str(self.cloud.json(answer)["volume"]["id"])

        def managed() -> str | None:
            found = _marked(self.volumes(), wanted)
            return found.id if found else None

        return once(manage, managed)

    def may_manage(self, backend: str) -> bool:
        """Whether the credentials may adopt volumes, found out without doing so: Cinder looks at its policies before it misses this volume type."""
        body = {"volume": {"host": backend, "ref": {"source-name": "none"}, "volume_type": _NO_ID}}
        with self.cloud.calling("ask whether volumes may be managed", repeats=True):
            response = self._api.post("/manageable_volumes", json=body, microversion=_MANAGE_VERSION)
            if response.status_code not in (400, 403, 404):
                self.cloud.check(response)
        return response.status_code != 403

    def delete_volume(self, volume_id: str) -> None:
        def delete() -> bool:
            with self.cloud.calling(f"delete volume {volume_id}"):
                self._api.delete_volume(volume_id, ignore_missing=True)
                return True

        once(delete, lambda: _is_going(lambda: self.volume(volume_id)))

    def set_volume_metadata(self, volume_id: str, metadata: t.Mapping[str, str]) -> None:
        with self.cloud.calling(f"mark volume {volume_id}", repeats=True):
            self._api.set_volume_metadata(volume_id, **metadata)

    def replace_volume_metadata(self, volume_id: str, metadata: t.Mapping[str, str]) -> None:
        """Set all metadata of a volume; the SDK only adds some, hence the plain call."""
        with self.cloud.calling(f"mark volume {volume_id}"):
            self.cloud.check(self._api.put(f"/volumes/{volume_id}/metadata", json={"metadata": dict(metadata)}))

    def delete_volume_metadata(self, volume_id: str, key: str) -> None:
        """Take a mark off a volume, unless it is gone."""
        with contextlib.suppress(NotFound), self.cloud.calling(f"unmark volume {volume_id}"):
            self._api.delete_volume_metadata(volume_id, [key])

    def set_volume_image_metadata(self, volume_id: str, metadata: t.Mapping[str, str]) -> None:
        """Set some of the image's properties; the others stay."""
        with self.cloud.calling(f"set image metadata of volume {volume_id}", repeats=True):
            self._api.set_volume_image_metadata(volume_id, **metadata)

    def upload_volume(self, volume_id: str, name: str) -> str:
        """Start making an image of a volume, with the volume's image properties, bit for bit.

        :returns: the id of the image.
        """
        wanted = {"image_name": name, "disk_format": "raw", "container_format": "bare"}
        with self.cloud.calling(f"make image {name} of volume {volume_id}"):
            answer = self.cloud.json(self._api.post(f"/volumes/{volume_id}/action", json={"os-volume_upload_image": wanted}))
            return str(answer["os-volume_upload_image"]["image_id"])

    def set_volume_bootable(self, volume_id: str, is_bootable: bool) -> None:
        with self.cloud.calling(f"set whether volume {volume_id} is bootable", repeats=True):
            self._api.set_volume_bootable_status(volume_id, is_bootable)

    def make_volume_read_only(self, volume_id: str) -> None:
        """Keep servers from writing to a volume; it must not be attached."""
        with self.cloud.calling(f"make volume {volume_id} read-only", repeats=True):
            self._api.set_volume_readonly(volume_id, True)

    def describe_volume(self, volume_id: str, name: str, description: str) -> None:
        """Set name and description, which may both be empty."""
        with self.cloud.calling(f"describe volume {volume_id}"):
            self._api.update_volume(volume_id, name=name, description=description)

    def _volume(self, found: t.Any) -> Volume:
        return _volume(found, self.cloud.project_id)

    def volume_types(self) -> dict[str, str]:
        """Id per name."""
        with self.cloud.calling("list volume types"):
            return {found["name"]: found["id"] for found in self._types()}

    def zones_of_types(self) -> dict[str, frozenset[str]]:
        """Availability zones in which volumes of a type can be, per name of the types that have any of their own."""
        with self.cloud.calling("list volume types"):
            wanted = {found["name"]: str((found.get("extra_specs") or {}).get(_ZONES_OF_TYPE) or "") for found in self._types()}
        return {name: frozenset(zone.strip() for zone in zones.split(",")) for name, zones in wanted.items() if zones}

    def multiattach_types(self) -> dict[str, bool]:
        """Whether volumes of a type can be attached to several servers, per name of the types whose extra specs the site shows."""
        with self.cloud.calling("list volume types"):
            shown = {found["name"]: found.get("extra_specs") for found in self._types()}
            return {name: specs.get(_MULTIATTACH) == _IS_TRUE for name, specs in shown.items() if specs is not None}

    def _types(self) -> list[dict[str, t.Any]]:
        return self._all("/types", "volume_types")

    def _all(self, path: str, key: str) -> list[dict[str, t.Any]]:
        return self.cloud.all_of(self._api, path, key, _KNOWN_VERSION)

    def default_volume_type(self) -> str | None:
        """The type of new volumes that name none; None when there is no default."""
        with self.cloud.calling("show the default volume type"):
            response = self._api.get("/types/default")
            return None if response.status_code == 404 else self.cloud.json(response)["volume_type"]["name"]

    def availability_zones(self) -> list[str]:
        with self.cloud.calling("list the availability zones of volumes"):
            return [str(zone.name) for zone in self._api.availability_zones() if zone.state.get("available")]

    def pools(self) -> list[Pool]:
        """The scheduler's state of all backends; for administrators."""
        with self.cloud.calling("list the storage pools"):
            return [_pool(found) for found in self._api.backend_pools()]

    def failure_reason(self, resource_id: str) -> str:
        """What Cinder tells users about a failure of a resource; empty when it says nothing."""
        with self.cloud.calling(f"list the messages about {resource_id}"):
            messages = self.cloud.all_of(self._api, "/messages", "messages", _MESSAGES_VERSION, resource_uuid=resource_id)
            return " ".join(message["user_message"] for message in messages)

    # Snapshots

    def create_snapshot(self, volume_id: str, name: str, metadata: t.Mapping[str, str]) -> Snapshot:
        """Start a snapshot, even of a volume in use."""
        wanted = {"volume_id": volume_id, "name": name, "metadata": dict(metadata)}

        def create() -> Snapshot:
            with self.cloud.calling(f"snapshot volume {volume_id}"):
                return self._snapshot(self._api.create_snapshot(**wanted, is_forced=True))

        return once(create, lambda: _marked((one for one in self.snapshots() if one.volume_id == volume_id), wanted))

    def may_snapshot(self, volume: Volume) -> bool:
        """Whether the credentials may snapshot a volume that is in use, found out without doing so.

        Without force Cinder refuses such a request for the volume's status, but looks at its policies first.
        """
        body = {"snapshot": {"volume_id": volume.id, "force": False}}
        with self.cloud.calling(f"ask whether volume {volume.id} may be snapshotted", repeats=True):
            response = self._api.post("/snapshots", json=body, microversion=_FORCED_SNAPSHOTS_VERSION)
            if response.ok:  # It was detached meanwhile.
                self._api.delete_snapshot(response.json()["snapshot"]["id"])
            elif response.status_code not in (400, 403):
                self.cloud.check(response)
        return response.status_code != 403

    def snapshots(self, checkpoint: str | None = None) -> list[Snapshot]:
        """All snapshots of the project, or those of a checkpoint, in one call."""
        with self.cloud.calling("list snapshots"):
            found = [self._snapshot(one) for one in self._api.snapshots(details=True)]
        return [one for one in found if checkpoint in (None, one.metadata.get(CHECKPOINT_KEY))]

    def newest_snapshots(self) -> t.Iterator[Snapshot]:
        """The project's snapshots, the newest first, page by page as they are read."""
        pages = None
        while True:
            # Not around what the caller does between two of them.
            with self.cloud.calling("list the newest snapshots"):
                pages = pages or iter(self._api.snapshots(details=True, limit=_PAGE))
                one = next(pages, None)
                found = one and self._snapshot(one)
            if found is None:
                return
            yield found

    def creating_snapshots(self) -> set[str]:
        """Ids of the project's snapshots that are being taken, by the shortest answer that Cinder gives."""
        with self.cloud.calling("list the snapshots that are being taken"):
            return {one.id for one in self._api.snapshots(details=False, status="creating")}

    def _snapshot(self, found: t.Any) -> Snapshot:
        return _snapshot(found, self.cloud.project_id)

    def set_snapshot_metadata(self, snapshot_id: str, metadata: t.Mapping[str, str]) -> None:
        with self.cloud.calling(f"mark snapshot {snapshot_id}", repeats=True):
            self._api.set_snapshot_metadata(snapshot_id, **metadata)

    def rename_snapshot(self, snapshot_id: str, name: str) -> None:
        with self.cloud.calling(f"rename snapshot {snapshot_id}"):
            self._api.update_snapshot(snapshot_id, name=name)

    def delete_snapshot(self, snapshot_id: str) -> None:
        def delete() -> bool:
            with self.cloud.calling(f"delete snapshot {snapshot_id}"):
                self._api.delete_snapshot(snapshot_id, ignore_missing=True)
                return True

        once(delete, lambda: _is_going(lambda: next((one for one in self.snapshots() if one.id == snapshot_id), None)))

    # Groups

    def group_types(self) -> list[GroupType]:
        """The group types that the project may use; only administrators see their specs."""
        with self.cloud.calling("list volume group types"):
            return [_group_type(found) for found in self._all("/group_types", "group_types")]

    def groups(self) -> list[VolumeGroup]:
        """All volume groups of the project, in one call."""
        with self.cloud.calling("list volume groups"):
            return [_group(found, self.cloud.project_id) for found in self._all("/groups/detail", "groups")]

    def create_group(self, wanted: t.Mapping[str, t.Any]) -> str:
        """Start making an empty group.

        :param wanted: name, description, group_type, volume_types, availability_zone as Cinder takes them.
        :returns: its id.
        """

        def create() -> str:
            with self.cloud.calling(f"create volume group {wanted['name']}"):
                return str(self._api.create_group(**wanted).id)

        return once(create, lambda: _described(self.groups(), wanted["name"], wanted["description"]))

    def update_group(self, group_id: str, add: t.Sequence[str], remove: t.Sequence[str]) -> None:
        """Start putting volumes into a group and taking others out of it.

        The SDK knows neither of these fields, hence the plain call.
        """
        changes = {"add_volumes": ",".join(add), "remove_volumes": ",".join(remove)}
        body = {"group": {key: value for key, value in changes.items() if value}}

        def change() -> bool:
            with self.cloud.calling(f"change the volumes of volume group {group_id}"):
                self.cloud.check(self._api.put(f"/groups/{group_id}", json=body, microversion=_GROUPS_VERSION))
                return True

        def is_changed() -> bool | None:
            inside = {one.id for one in self.volumes() if one.group_id == group_id}
            is_changing = any(one.id == group_id and one.status == "updating" for one in self.groups())
            return True if is_changing or (inside >= {*add} and not inside & {*remove}) else None

        once(change, is_changed)

    def delete_group(self, group_id: str) -> None:
        """Start deleting an empty group."""

        def delete() -> bool:
            with self.cloud.calling(f"delete volume group {group_id}"):
                self._api.delete_group(group_id, delete_volumes=False)
                return True

        once(delete, lambda: _is_going(lambda: next((one for one in self.groups() if one.id == group_id), None)))

    def group_snapshots(self) -> list[GroupSnapshot]:
        """All group snapshots of the project, in one call."""
        with self.cloud.calling("list group snapshots"):
            return [_group_snapshot(found, self.cloud.project_id) for found in self._all("/group_snapshots/detail", "group_snapshots")]

    def create_group_snapshot(self, group_id: str, name: str, description: str) -> str:
        """Start a snapshot of all volumes of a group; returns its id."""

        def create() -> str:
            with self.cloud.calling(f"snapshot volume group {group_id}"):
                return str(self._api.create_group_snapshot(group_id=group_id, name=name, description=description).id)

        return once(create, lambda: _described((one for one in self.group_snapshots() if one.group_id == group_id), name, description))

    def delete_group_snapshot(self, group_snapshot_id: str) -> None:
        """Start deleting a group snapshot with the snapshots that are its members."""

        def delete() -> bool:
            with self.cloud.calling(f"delete group snapshot {group_snapshot_id}"):
                self._api.delete_group_snapshot(group_snapshot_id, ignore_missing=True)
                return True

        once(delete, lambda: _is_going(lambda: next((one for one in self.group_snapshots() if one.id == group_snapshot_id), None)))

    # Backups

    def backups(self) -> list[Backup]:
        """All backups of the project."""
        return list(self.each_backup())

    def each_backup(self, everywhere: bool = False) -> t.Iterator[Backup]:
        """All backups of the project, or (for administrators) of all projects, page by page as they are read."""
        query = {"all_projects": True} if everywhere else {}
        with self.cloud.calling("list backups"):
            for found in self._api.backups(details=True, **query):
                yield _backup(found)

    def backup(self, backup_id: str) -> Backup | None:
        try:
            with self.cloud.calling(f"show backup {backup_id}"):
                return _backup(self._api.get_backup(backup_id))
        except NotFound:
            return None

    def create_backup(self, volume_id: str, wanted: t.Mapping[str, t.Any]) -> str:
        """Start a backup; returns its id.

        The SDK knows no availability zone to create one in, hence the plain call.

        :param wanted: name, snapshot_id, incremental, metadata, container, availability_zone as Cinder takes them.
        """
        body = {"backup": {"volume_id": volume_id, **wanted}}

        def create() -> str:
            with self.cloud.calling(f"back up volume {volume_id}"):
                return str(self.cloud.json(self._api.post("/backups", json=body, microversion=_BACKUP_ZONES_VERSION))["backup"]["id"])

        def made() -> str | None:
            same = (one for one in self.backups() if one.volume_id == volume_id and one.snapshot_id == wanted.get("snapshot_id"))
            found = _marked(same, wanted)
            return found.id if found else None

        return once(create, made)

    def delete_backup(self, backup_id: str, force: bool = False) -> None:
        """Start deleting a backup.

        :param force: whatever its status is; for administrators.
        """

        def delete() -> bool:
            with self.cloud.calling(f"delete backup {backup_id}"):
                self._api.delete_backup(backup_id, ignore_missing=True, force=force)
                return True

        once(delete, lambda: _is_going(lambda: self.backup(backup_id)))

    def may_import(self) -> bool:
        """Whether the credentials may import records of backups, found out without doing so.

        Cinder looks at its policies before it finds out that this record has no id.
        """
        body = {"backup-record": {"backup_service": "none", "backup_url": _EMPTY_RECORD}}
        with self.cloud.calling("ask whether records of backups may be imported", repeats=True):
            response = self._api.post("/backups/import_record", json=body)
            if response.status_code not in (400, 403):
                self.cloud.check(response)
        return response.status_code != 403

    def mark_backup(self, backup_id: str, metadata: t.Mapping[str, str]) -> None:
        with self.cloud.calling(f"mark backup {backup_id}"):
            self._api.update_backup(backup_id, metadata=dict(metadata))

    def export_record(self, backup_id: str) -> BackupRecord:
        """Export the record that another site needs to use the backup; for administrators."""
        with self.cloud.calling(f"export the record of backup {backup_id}"):
            record = self.cloud.json(self._api.get(f"/backups/{backup_id}/export_record"))["backup-record"]
            return BackupRecord(record["backup_service"], record["backup_url"])

    def import_record(self, record: BackupRecord) -> str:
        """Import the record of another site's backup; for administrators of the project.

        The SDK's own ``import_backup`` sends the wrong URL and body, hence the plain call.

        :returns: the backup's id, the same as where it was exported.
        """
        body = {"backup_service": record.backup_service, "backup_url": record.backup_url}

        def send() -> str:
            with self.cloud.calling("import a backup record"):
                return str(self.cloud.json(self._api.post("/backups/import_record", json={"backup-record": body}))["backup"]["id"])

        def imported() -> str | None:
            found = self.backup(_backup_id_in(record))
            return found.id if found else None

        return once(send, imported)

    # Quotas

    def quotas(self) -> dict[str, Quota]:
        """Limits and use of the project: volumes, gigabytes, snapshots, backups, ..."""
        with self.cloud.calling("show the block storage quotas"):
            path = f"/os-quota-sets/{self.cloud.project_id}"
            return self.cloud.quotas(self.cloud.json(self._api.get(path, params={"usage": "true"}))["quota_set"])


class _Marked(t.Protocol):
    @property
    def name(self) -> str: ...

    @property
    def metadata(self) -> t.Mapping[str, str]: ...

    @property
    def status(self) -> str: ...


class _Described(t.Protocol):
    @property
    def id(self) -> str: ...

    @property
    def name(self) -> str: ...

    @property
    def description(self) -> str: ...


class _HasStatus(t.Protocol):
    @property
    def status(self) -> str: ...


_One = t.TypeVar("_One", bound=_Marked)


def _marked(found: t.Iterable[_One], wanted: t.Mapping[str, t.Any]) -> _One | None:
    """What has the name and all the marks that were asked for, unless it is on its way out."""
    marks = dict(wanted.get("metadata") or {}).items()
    same = (one for one in found if one.name == (wanted.get("name") or "") and marks <= one.metadata.items())
    return next((one for one in same if one.status != "deleting"), None)


def _described(found: t.Iterable[_Described], name: str, description: str) -> str | None:
    return next((one.id for one in found if (one.name, one.description) == (name, description)), None)


def _is_going(look: t.Callable[[], _HasStatus | None]) -> bool | None:
    """Whether something is being deleted, which Cinder would refuse to do again, or is gone."""
    try:
        found = look()
    except NotFound:
        return True
    return True if found is None or found.status == "deleting" else None


def _backup_id_in(record: BackupRecord) -> str:
    return str(json.loads(base64.b64decode(record.backup_url))["id"])


@shaped
def _volume(found: t.Any, project_id: str) -> Volume:
    shown = found.metadata or {}
    return Volume(
        id=found.id,
        name=found.name or "",
        size=found.size,
        status=found.status,
        volume_type=found.volume_type or "",
        bootable=bool(found.is_bootable),
        availability_zone=found.availability_zone or "",
        encrypted=bool(found.is_encrypted),
        multiattach=bool(found.is_multiattach),
        metadata={key: value for key, value in shown.items() if key not in (_READ_ONLY, _ATTACHED_MODE)},
        attachments=tuple(
            Attachment(one["server_id"], one.get("device") or "") for one in found.attachments or ()
        ),
        description=found.description or "",
        project_id=project_id,
        backend=found.host,
        group_id=found.group_id,
        image_metadata={str(key): str(value) for key, value in (found.volume_image_metadata or {}).items()},
        is_read_only=str(shown.get(_READ_ONLY)).lower() == "true",
    )


@shaped
def _pool(found: t.Any) -> Pool:
    return Pool(found.name, str((found.capabilities or {}).get(_CONSISTENT_GROUPS)).lower() == "true")


@shaped
def _group_type(found: t.Mapping[str, t.Any]) -> GroupType:
    wish = (found.get("group_specs") or {}).get(_CONSISTENT_GROUPS, "")
    return GroupType(found["id"], found["name"], wish == "<is> True")


@shaped
def _group(found: t.Mapping[str, t.Any], project_id: str) -> VolumeGroup:
    return VolumeGroup(
        id=found["id"],
        name=found.get("name") or "",
        status=found.get("status") or "",
        description=found.get("description") or "",
        group_type_id=found["group_type"],
        volume_type_ids=frozenset(found.get("volume_types") or ()),
        project_id=project_id,
    )


@shaped
def _group_snapshot(found: t.Mapping[str, t.Any], project_id: str) -> GroupSnapshot:
    return GroupSnapshot(
        id=found["id"],
        name=found.get("name") or "",
        status=found.get("status") or "",
        description=found.get("description") or "",
        group_id=found["group_id"],
        project_id=project_id,
    )


@shaped
def _snapshot(found: t.Any, project_id: str) -> Snapshot:
    return Snapshot(
        id=found.id,
        name=found.name or "",
        volume_id=found.volume_id,
        size=found.size,
        status=found.status,
        created_at=found.created_at,
        metadata=dict(found.metadata or {}),
        project_id=project_id,
        group_snapshot_id=found.group_snapshot_id,
    )


@shaped
def _backup(found: t.Any) -> Backup:
    return Backup(
        id=found.id,
        name=found.name or "",
        volume_id=found.volume_id,
        snapshot_id=found.snapshot_id,
        size=found.size or 0,
        status=found.status,
        fail_reason=found.fail_reason or "",
        is_incremental=bool(found.is_incremental),
        has_dependents=bool(found.has_dependent_backups),
        object_count=found.object_count or 0,
        container=found.container or "",
        created_at=found.created_at or "",
        data_timestamp=found.data_timestamp or "",
        metadata=dict(found.metadata or {}),
        availability_zone=found.availability_zone or "",
        description=found.description or "",
        key_id=found.encryption_key_id or "",
    )
