# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""All volume types of a site, and who may use them, for administrators."""

from __future__ import annotations

import dataclasses
import typing as t

from ..core.infrastructure import QosSpecs, TypeEncryption, VolumeTypeFacts
from .repeating import once
from .session import Cloud
from .shape import shaped

#: The newest whose answers are known here.
_KNOWN_VERSION = "3.71"
_IS_PUBLIC = "os-volume-type-access:is_public"


class VolumeTypes:
    """The volume types of one cloud.

    :param cloud: of an administrator.
    """

    def __init__(self, cloud: Cloud) -> None:
        self.cloud = cloud

    @property
    def _api(self) -> t.Any:
        return self.cloud.service("block_storage")

    def all(self) -> dict[str, VolumeTypeFacts]:
        """Every volume type per id, public or not, without its encryption and who may use it."""
        qos = self._qos()
        with self.cloud.calling("list volume types"):
            found = self.cloud.all_of(self._api, "/types", "volume_types", _KNOWN_VERSION, is_public="None")
            return {str(one["id"]): _type(one, qos) for one in found}

    def _qos(self) -> dict[str, QosSpecs]:
        with self.cloud.calling("list QoS specs"):
            return {str(one["id"]): _qos(one) for one in self.cloud.all_of(self._api, "/qos-specs", "qos_specs", _KNOWN_VERSION)}

    def encryption(self, type_id: str) -> TypeEncryption | None:
        with self.cloud.calling(f"show the encryption of volume type {type_id}"):
            found = self.cloud.json(self._api.get(f"/types/{type_id}/encryption"))
            return _encryption(found) if found.get("provider") else None

    def access(self, type_id: str) -> frozenset[str]:
        """Ids of the projects that may use a volume type that is not public."""
        with self.cloud.calling(f"list who may use volume type {type_id}"):
            found = self.cloud.json(self._api.get(f"/types/{type_id}/os-volume-type-access"))["volume_type_access"]
            return frozenset(str(one["project_id"]) for one in found)

    def backends(self) -> frozenset[str]:
        """Names of the backends, as extra specs of types have them."""
        with self.cloud.calling("list the storage pools"):
            pools = self.cloud.json(self._api.get("/scheduler-stats/get_pools", params={"detail": "True"}))["pools"]
            return frozenset(str(one["capabilities"].get("volume_backend_name")) for one in pools)

    def create_hidden(self, wanted: VolumeTypeFacts, description: str) -> str:
        """Create a volume type that no project can use yet; returns its id."""
        body = {"name": wanted.name, "description": description, _IS_PUBLIC: False, "extra_specs": dict(wanted.extra_specs)}

        def create() -> str:
            with self.cloud.calling(f"create volume type {wanted.name}"):
                return str(self.cloud.json(self._api.post("/types", json={"volume_type": body}))["volume_type"]["id"])

        return once(create, lambda: next((key for key, one in self.all().items() if (one.name, one.description) == (wanted.name, description)), None))

    def encrypt(self, type_id: str, wanted: TypeEncryption) -> None:
        """Have the volumes of a new type encrypted."""

        def encrypt() -> bool:
            with self.cloud.calling(f"set the encryption of volume type {type_id}"):
                self.cloud.check(self._api.post(f"/types/{type_id}/encryption", json={"encryption": dataclasses.asdict(wanted)}))
                return True

        once(encrypt, lambda: True if self.encryption(type_id) else None)

    def publish(self, type_id: str, wanted: VolumeTypeFacts) -> None:
        """Give a new type its description, and to all projects if they are to have it."""
        with self.cloud.calling(f"publish volume type {type_id}"):
            body = {"name": wanted.name, "description": wanted.description, "is_public": wanted.is_public}
            self.cloud.check(self._api.put(f"/types/{type_id}", json={"volume_type": body}))

    def allow(self, type_id: str, project_id: str) -> None:
        """Let a project use a volume type that is not public."""

        def allow() -> bool:
            with self.cloud.calling(f"let project {project_id} use volume type {type_id}"):
                self.cloud.check(self._api.post(f"/types/{type_id}/action", json={"addProjectAccess": {"project": project_id}}))
                return True

        once(allow, lambda: True if project_id in self.access(type_id) else None)


@shaped
def _type(found: t.Mapping[str, t.Any], qos: t.Mapping[str, QosSpecs]) -> VolumeTypeFacts:
    return VolumeTypeFacts(
        name=found["name"],
        description=found.get("description") or "",
        is_public=bool(found.get("is_public", found.get(_IS_PUBLIC))),
        extra_specs=dict(found.get("extra_specs") or {}),
        qos=qos.get(found.get("qos_specs_id") or ""),
    )


@shaped
def _qos(found: t.Mapping[str, t.Any]) -> QosSpecs:
    return QosSpecs(found["consumer"], dict(found.get("specs") or {}))


@shaped
def _encryption(found: t.Mapping[str, t.Any]) -> TypeEncryption:
    return TypeEncryption(found["provider"], found.get("cipher"), found.get("key_size"), found.get("control_location") or "front-end")
