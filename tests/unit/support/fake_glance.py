# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Glance in memory, behind what the SDK makes requests with: it refuses what the real one refuses."""

from __future__ import annotations

import hashlib
import io
import itertools
import json
import typing as t
from types import SimpleNamespace

import requests
from ansible_collections.osdr.openstack.plugins.module_utils.cloud.session import Cloud
from keystoneauth1.exceptions import ConnectFailure

_PATCH_TYPE = "application/openstack-images-v2.1-json-patch"
_FIXED = ("id", "owner", "status", "created_at", "size", "os_hash_algo", "os_hash_value", "checksum", "file", "schema", "self")
#: Bytes of the longest value of a property that its database takes.
_LONGEST_PROPERTY = 65535


class _Answer(Exception):
    def __init__(self, status: int, text: str) -> None:
        super().__init__(text)
        self.status = status


class FakeGlance:
    """The adapter of an image service.

    :param in_use: ids of images that cannot be deleted.
    :ivar limit: bytes after which an upload breaks; None for none.
    :ivar usage: limit and use of each of Keystone's limits; None for a Glance that tells none.
    :ivar calls: method and path of all that may change something.
    """

    default_microversion = None

    def __init__(self, project_id: str = "project", in_use: t.Collection[str] = (), page: int = 25) -> None:
        self.project_id = project_id
        self.in_use = in_use
        self.page = page
        self.limit: int | None = None
        self.usage: dict[str, tuple[int, int]] | None = None
        self.calls: list[tuple[str, str]] = []
        self.by_id: dict[str, dict[str, t.Any]] = {}
        self.data: dict[str, bytes] = {}
        self.gone: set[str] = set()
        self._numbers = itertools.count(1)

    # For tests

    def add(self, image_id: str, data: bytes | None = None, **facts: t.Any) -> dict[str, t.Any]:
        """An image that is there."""
        self.by_id[image_id] = {
            "id": image_id,
            "name": image_id,
            "owner": self.project_id,
            "status": "queued",
            "created_at": f"2026-01-01T00:00:{next(self._numbers) % 60:02d}Z",
            "visibility": "shared",
            "size": None,
            "min_disk": 0,
            "min_ram": 0,
            "disk_format": None,
            "container_format": None,
            "os_hash_algo": None,
            "os_hash_value": None,
        }
        if data is not None:
            self._store(image_id, data)
        self.by_id[image_id].update(facts)
        return self.by_id[image_id]

    def complete(self, image_id: str, data: bytes, **facts: t.Any) -> None:
        """Somebody else gives an image its data."""
        self._store(image_id, data)
        self.by_id[image_id].update(facts)

    def refused(self, status: int) -> requests.Response:
        """An answer that is a refusal."""
        return _response(status, b"Refused.", "text/plain")

    def _store(self, image_id: str, data: bytes) -> None:
        self.data[image_id] = data
        self.by_id[image_id].update(status="active", size=len(data), os_hash_algo="sha512", os_hash_value=hashlib.sha512(data).hexdigest())

    # As the SDK's adapter

    def get(self, path: str, params: t.Mapping[str, str] | None = None, **_options: t.Any) -> requests.Response:
        return self._answered(lambda: self._get(path, params or {}))

    def post(self, path: str, json: t.Any = None, **_options: t.Any) -> requests.Response:
        self.calls.append(("POST", path))
        return self._answered(lambda: self._create(json))

    def patch(self, path: str, json: t.Any = None, headers: t.Any = None, **_options: t.Any) -> requests.Response:
        self.calls.append(("PATCH", path))
        return self._answered(lambda: self._patch(path.split("/")[2], json, headers or {}))

    def put(self, path: str, data: t.Any = None, headers: t.Any = None, **_options: t.Any) -> requests.Response:
        self.calls.append(("PUT", path))
        return self._answered(lambda: self._upload(path.split("/")[2], data, headers or {}))

    def delete(self, path: str, **_options: t.Any) -> requests.Response:
        self.calls.append(("DELETE", path))
        return self._answered(lambda: self._delete(path.split("/")[2]))

    # As Glance

    @staticmethod
    def _answered(act: t.Callable[[], t.Any]) -> requests.Response:
        try:
            found = act()
        except _Answer as answer:
            return _response(answer.status, str(answer).encode(), "text/plain")
        if isinstance(found, bytes):
            return _response(200, found, "application/octet-stream")
        return _response(200 if found is not None else 204, json.dumps(found).encode() if found is not None else b"", "application/json")

    def _get(self, path: str, params: t.Mapping[str, str]) -> t.Any:
        parts = path.strip("/").split("/")
        if parts == ["info", "usage"] and self.usage is not None:
            return {"usage": {name: {"limit": limit, "usage": used} for name, (limit, used) in self.usage.items()}}
        if len(parts) == 1:
            return self._listed(params)
        found = self._found(parts[1])
        if len(parts) == 2:
            return found
        if found["id"] not in self.data:
            raise _Answer(409, "The image has no data.")
        return self.data[found["id"]]

    def _listed(self, params: t.Mapping[str, str]) -> t.Any:
        owned = [one for one in self.by_id.values() if params.get("owner") in (None, one["owner"])]
        start = next((number for number, one in enumerate(owned, 1) if one["id"] == params.get("marker")), 0)
        shown = owned[start : start + self.page]
        more = {"next": f"/v2/images?marker={shown[-1]['id']}"} if start + self.page < len(owned) else {}
        return {"images": shown, **more}

    def _found(self, image_id: str) -> dict[str, t.Any]:
        if image_id not in self.by_id:
            raise _Answer(404, f"No image found with ID {image_id}")
        return self.by_id[image_id]

    def _create(self, wanted: dict[str, t.Any]) -> t.Any:
        image_id = wanted.get("id") or f"00000000-0000-4000-8000-{next(self._numbers):012d}"
        # The ids of deleted images are never free again.
        if image_id in self.by_id or image_id in self.gone:
            raise _Answer(409, f"Image ID {image_id} already exists!")
        if any(key.startswith("os_glance") for key in wanted):
            raise _Answer(403, "Attribute is reserved.")
        self._check(wanted)
        return self.add(image_id, **{key: value for key, value in wanted.items() if key != "id"})

    @staticmethod
    def _check(properties: t.Mapping[str, t.Any]) -> None:
        if any(isinstance(value, str) and len(value.encode()) > _LONGEST_PROPERTY for value in properties.values()):
            raise _Answer(400, "The value is too long.")

    def _patch(self, image_id: str, changes: t.Sequence[t.Mapping[str, t.Any]], headers: t.Mapping[str, str]) -> t.Any:
        found = self._found(image_id)
        if headers.get("Content-Type") != _PATCH_TYPE:
            raise _Answer(415, "Unsupported media type.")
        for change in changes:
            name = change["path"].removeprefix("/").replace("~1", "/").replace("~0", "~")
            if name in _FIXED or not isinstance(change["value"], str):
                raise _Answer(403, f"Attribute '{name}' is read-only or no string.")
            self._check({name: change["value"]})
            found[name] = change["value"]
        return found

    def _upload(self, image_id: str, data: t.Any, headers: t.Mapping[str, str]) -> None:
        found = self._found(image_id)
        if headers.get("Content-Type") != "application/octet-stream":
            raise _Answer(415, "Unsupported media type.")
        if found["status"] != "queued":
            raise _Answer(409, f"Image status transition from {found['status']} to saving is not allowed")
        if not (found["disk_format"] and found["container_format"]):
            raise _Answer(400, "Properties disk_format, container_format must be set prior to saving data.")
        found["status"] = "saving"
        got = io.BytesIO()
        try:
            for block in data:
                got.write(block)
                if self.limit is not None and got.tell() > self.limit:
                    raise ConnectFailure("The connection was reset.")
        except BaseException:
            found["status"] = "queued"
            raise
        self._store(image_id, got.getvalue())

    def _delete(self, image_id: str) -> None:
        self._found(image_id)
        if image_id in self.in_use:
            raise _Answer(409, f"Image {image_id} could not be deleted because it is in use")
        del self.by_id[image_id]
        self.data.pop(image_id, None)
        self.gone.add(image_id)


def _response(status: int, content: bytes, kind: str) -> requests.Response:
    response = requests.Response()
    response.status_code = status
    response.url = "http://glance.example/v2"
    response.headers["Content-Type"] = kind
    response.raw = io.BytesIO(content)
    response.request = t.cast(t.Any, SimpleNamespace(method="GET", url=response.url, headers={}, body=None))
    return response


def cloud_with_images(site: str, project_id: str = "project", glance: FakeGlance | None = None) -> Cloud:
    """A cloud that has images and nothing else."""
    return Cloud(SimpleNamespace(image=glance or FakeGlance(project_id), current_project_id=project_id), site)
