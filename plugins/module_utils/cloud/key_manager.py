# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Barbican, as far as the keys of encrypted volumes need it."""

from __future__ import annotations

import base64
import typing as t

from ..core.encryption import VolumeKey
from ..core.errors import NotFound
from .repeating import once
from .session import Cloud

_SERVICE = "key-manager"
_BYTES = "application/octet-stream"
#: How many are asked for at once: Barbican lists 10 otherwise. A site may list fewer.
_PAGE = 100


class KeyManager:
    """The secrets of one cloud's project.

    The SDK writes requests and answers to its log where somebody asks for it; those with a key in them are kept out.
    """

    def __init__(self, cloud: Cloud) -> None:
        self.cloud = cloud

    @property
    def _api(self) -> t.Any:
        return self.cloud.service("key_manager")

    @property
    def exists(self) -> bool:
        return self.cloud.has(_SERVICE)

    def check_access(self) -> None:
        """Require that secrets may be listed.

        :raises CloudError: when they may not, or the key manager does not answer.
        """
        with self.cloud.calling("list secrets"):
            self.cloud.check(self._api.get("/secrets", params={"limit": 1}))

    def key(self, key_id: str) -> VolumeKey:
        """A key in clear.

        :raises CloudError: when it does not exist, or the credentials may not read it.
        """
        with self.cloud.calling(f"read the key {key_id}"):
            told = self.cloud.json(self._api.get(f"/secrets/{key_id}"))
            response = self._api.get(f"/secrets/{key_id}/payload", headers={"Accept": _BYTES}, log=False)
            self.cloud.check(response)
            return VolumeKey(told["algorithm"], told["bit_length"], response.content)

    def store(self, name: str, key: VolumeKey) -> str:
        """Store a key in the form in which Cinder and Nova look for it.

        :returns: its id.
        """
        body = {
            "name": name,
            "secret_type": "symmetric",
            "algorithm": key.algorithm,
            "bit_length": key.bit_length,
            "payload": base64.b64encode(key.content).decode(),
            "payload_content_type": _BYTES,
            "payload_content_encoding": "base64",
        }

        def send() -> str:
            with self.cloud.calling(f"store the key '{name}'"):
                return _id_of(self.cloud.json(self._api.post("/secrets", json=body, log=False)))

        def stored() -> str | None:
            return next((one for one, called in self.names().items() if called == name and self.key(one) == key), None)

        return once(send, stored)

    def names(self) -> dict[str, str]:
        """Names of all the project's secrets, per id."""
        with self.cloud.calling("list secrets"):
            answers = self.cloud.all_by_offset(self._api, "/secrets", "secrets", limit=_PAGE)
            return {_id_of(one): one["name"] or "" for one in answers}

    def delete(self, key_id: str) -> None:
        """Delete a key unless it is gone."""
        try:
            with self.cloud.calling(f"delete the key {key_id}"):
                self.cloud.check(self._api.delete(f"/secrets/{key_id}"))
        except NotFound:
            pass


def _id_of(told: t.Mapping[str, t.Any]) -> str:
    return str(told["secret_ref"]).rstrip("/").rpartition("/")[2]
