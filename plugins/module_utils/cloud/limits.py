# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The quotas of any project, for administrators."""

from __future__ import annotations

import dataclasses
import typing as t

from ..core.infrastructure import COMPUTE, NETWORK, VOLUME
from ..core.libraries import library
from ..core.numbers import is_whole
from .session import Cloud


@dataclasses.dataclass(frozen=True)
class _Calls:
    """How a service is asked for quotas.

    :param service: as the SDK calls it.
    :param default: the last part of the path to what a project has to which nobody has given anything.
    :param newest: the newest microversion whose answers are known here; None for a service that has none.
    """

    service: str
    path: str
    key: str
    default: str
    newest: str | None


_CALLS = {
    COMPUTE: _Calls("compute", "/os-quota-sets", "quota_set", "defaults", "2.100"),
    VOLUME: _Calls("block_storage", "/os-quota-sets", "quota_set", "defaults", "3.71"),
    NETWORK: _Calls("network", "/quotas", "quota", "default", None),
}


class ProjectLimits:
    """The limits of the projects of one cloud, by ``compute``, ``volume`` and ``network``.

    :param cloud: of an administrator.
    """

    def __init__(self, cloud: Cloud) -> None:
        self.cloud = cloud

    def of(self, service: str, project_id: str) -> dict[str, int]:
        """What a project may have; a negative limit is none."""
        return self._read(service, project_id)

    def defaults(self, service: str) -> dict[str, int]:
        """What a project may have to which nobody has given a limit of its own."""
        return self._read(service, f"{self.cloud.project_id}/{_CALLS[service].default}")

    def _read(self, service: str, path: str) -> dict[str, int]:
        calls = _CALLS[service]
        with self.cloud.calling(f"show the {service} quotas"):
            found = self.cloud.json(self._api(calls).get(f"{calls.path}/{path}", microversion=self._version(calls)))[calls.key]
            return {str(name): limit for name, limit in found.items() if is_whole(limit)}

    def set(self, service: str, project_id: str, limits: t.Mapping[str, int]) -> None:
        calls = _CALLS[service]
        with self.cloud.calling(f"set the {service} quotas of project {project_id}"):
            body = {calls.key: dict(limits)}
            self.cloud.check(self._api(calls).put(f"{calls.path}/{project_id}", json=body, microversion=self._version(calls)))

    def _api(self, calls: _Calls) -> t.Any:
        return self.cloud.service(calls.service)

    def _version(self, calls: _Calls) -> str | None:
        if calls.newest is None:
            return None
        return t.cast("str | None", library("openstack.utils", "openstacksdk").maximum_supported_microversion(self._api(calls), calls.newest))
