# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Cinder, as far as disaster recovery needs it."""

from __future__ import annotations

import typing as t

from .cloud import Cloud
from .errors import NotFound
from .records import CHECKPOINT_KEY, Attachment, Backup, BackupRecord, Quota, Snapshot, Volume


class BlockStorage:
    """The volumes, snapshots and backups of one cloud.

    :param cloud: whose; every call acts in its project.
    """

    def __init__(self, cloud: Cloud) -> None:
        self.cloud = cloud

    @property
    def _api(self) -> t.Any:
        return self.cloud.connection.block_storage

    # Volumes

    def volume(self, volume_id: str) -> Volume:
        """:raises NotFound: when there is none with this id."""
        with self.cloud.calling(f"show volume {volume_id}"):
            return _volume(self._api.get_volume(volume_id))

    def volumes(self) -> list[Volume]:
        """All volumes of the project, in one call."""
        with self.cloud.calling("list volumes"):
            return [_volume(found) for found in self._api.volumes(details=True)]

    def create_volume_from_backup(self, backup_id: str, wanted: t.Mapping[str, t.Any]) -> Volume:
        """Start making a volume of a backup's content.

        :param wanted: name, description, size, volume_type, metadata as Cinder takes them.
        """
        body = {**wanted, "backup_id": backup_id}
        with self.cloud.calling(f"create volume {wanted.get('name')} from backup {backup_id}"):
            return _volume(self._api.create_volume(**body))

    def delete_volume(self, volume_id: str) -> None:
        with self.cloud.calling(f"delete volume {volume_id}"):
            self._api.delete_volume(volume_id, ignore_missing=True)

    def set_volume_metadata(self, volume_id: str, metadata: t.Mapping[str, str]) -> None:
        with self.cloud.calling(f"mark volume {volume_id}"):
            self._api.set_volume_metadata(volume_id, **metadata)

    def set_volume_bootable(self, volume_id: str) -> None:
        with self.cloud.calling(f"make volume {volume_id} bootable"):
            self._api.set_volume_bootable_status(volume_id, True)

    def volume_types(self) -> list[str]:
        with self.cloud.calling("list volume types"):
            return [found.name for found in self._api.types()]

    def failure_reason(self, resource_id: str) -> str:
        """What Cinder tells users about a failure of a resource; empty when it says nothing."""
        query = {"resource_uuid": resource_id}
        with self.cloud.calling(f"list the messages about {resource_id}"):
            answer = self.cloud.json(self._api.get("/messages", params=query, microversion="3.5"))
        return " ".join(message["user_message"] for message in answer["messages"])

    # Snapshots

    def create_snapshot(self, volume_id: str, name: str, metadata: t.Mapping[str, str]) -> Snapshot:
        """Start a snapshot, also of a volume that is in use."""
        with self.cloud.calling(f"snapshot volume {volume_id}"):
            return _snapshot(
                self._api.create_snapshot(
                    volume_id=volume_id, name=name, metadata=dict(metadata), is_forced=True
                )
            )

    def snapshots(self, checkpoint: str | None = None) -> list[Snapshot]:
        """All snapshots of the project, or those of a checkpoint, in one call."""
        with self.cloud.calling("list snapshots"):
            found = [_snapshot(one) for one in self._api.snapshots(details=True)]
        return [one for one in found if checkpoint in (None, one.metadata.get(CHECKPOINT_KEY))]

    def set_snapshot_metadata(self, snapshot_id: str, metadata: t.Mapping[str, str]) -> None:
        with self.cloud.calling(f"mark snapshot {snapshot_id}"):
            self._api.set_snapshot_metadata(snapshot_id, **metadata)

    def delete_snapshot(self, snapshot_id: str) -> None:
        with self.cloud.calling(f"delete snapshot {snapshot_id}"):
            self._api.delete_snapshot(snapshot_id, ignore_missing=True)

    # Backups

    def backups(self) -> list[Backup]:
        """All backups of the project, in one call."""
        with self.cloud.calling("list backups"):
            return [_backup(found) for found in self._api.backups(details=True)]

    def backup(self, backup_id: str) -> Backup | None:
        try:
            with self.cloud.calling(f"show backup {backup_id}"):
                return _backup(self._api.get_backup(backup_id))
        except NotFound:
            return None

    def create_backup(
        self, snapshot: Snapshot, name: str, incremental: bool, metadata: t.Mapping[str, str]
    ) -> Backup:
        """Start a backup of a snapshot."""
        with self.cloud.calling(f"back up snapshot {snapshot.id} of volume {snapshot.volume_id}"):
            created = self._api.create_backup(
                volume_id=snapshot.volume_id,
                snapshot_id=snapshot.id,
                name=name,
                is_incremental=incremental,
                metadata=dict(metadata),
            )
            # The answer to a creation has little more than the id.
            return _backup(self._api.get_backup(created.id))

    def delete_backup(self, backup_id: str) -> None:
        with self.cloud.calling(f"delete backup {backup_id}"):
            self._api.delete_backup(backup_id, ignore_missing=True)

    def mark_backup(self, backup_id: str, metadata: t.Mapping[str, str]) -> None:
        with self.cloud.calling(f"mark backup {backup_id}"):
            self._api.update_backup(backup_id, metadata=dict(metadata))

    def export_record(self, backup_id: str) -> BackupRecord:
        """What another site needs to know to use the backup; for administrators."""
        with self.cloud.calling(f"export the record of backup {backup_id}"):
            record = self.cloud.json(self._api.get(f"/backups/{backup_id}/export_record"))["backup-record"]
        return BackupRecord(record["backup_service"], record["backup_url"])

    def import_record(self, record: BackupRecord) -> str:
        """Make a backup of another site known here; for administrators of the project.

        The SDK's own ``import_backup`` sends the wrong URL and body, hence the plain call.

        :returns: the backup's id, the same as where it was exported.
        """
        body = {"backup_service": record.backup_service, "backup_url": record.backup_url}
        with self.cloud.calling("import a backup record"):
            answer = self.cloud.json(self._api.post("/backups/import_record", json={"backup-record": body}))
        return answer["backup"]["id"]

    # Quotas

    def quotas(self) -> dict[str, Quota]:
        """Limits and use of the project: volumes, gigabytes, snapshots, backups, ..."""
        with self.cloud.calling("show the block storage quotas"):
            path = f"/os-quota-sets/{self.cloud.project_id}"
            quota_set = self.cloud.json(self._api.get(path, params={"usage": "true"}))["quota_set"]
        return self.cloud.quotas(quota_set)


def _volume(found: t.Any) -> Volume:
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
        metadata=dict(found.metadata or {}),
        attachments=tuple(
            Attachment(one["server_id"], one.get("device") or "") for one in found.attachments or ()
        ),
        description=found.description or "",
    )


def _snapshot(found: t.Any) -> Snapshot:
    return Snapshot(
        id=found.id,
        name=found.name or "",
        volume_id=found.volume_id,
        size=found.size,
        status=found.status,
        created_at=found.created_at,
        metadata=dict(found.metadata or {}),
    )


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
    )
