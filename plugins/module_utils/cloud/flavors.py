# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""All flavors of a site, who may use them, and host aggregates, for administrators."""

from __future__ import annotations

import typing as t

from ..core.infrastructure import FlavorFacts, HostAggregate
from ..core.libraries import library
from .repeating import once
from .session import Cloud
from .shape import shaped

#: The newest whose answers are known here.
_KNOWN_VERSION = "2.100"
#: Flavors have descriptions since then.
_DESCRIPTIONS_VERSION = "2.55"
#: The zone that an aggregate makes is among its metadata, too.
_ZONE = "availability_zone"


class Flavors:
    """The flavors of one cloud.

    :param cloud: of an administrator.
    """

    def __init__(self, cloud: Cloud) -> None:
        self.cloud = cloud

    @property
    def _api(self) -> t.Any:
        return self.cloud.service("compute")

    def all(self) -> dict[str, FlavorFacts]:
        """Every flavor per id, public or not, disabled or not, without who may use it."""
        with self.cloud.calling("list flavors"):
            found = self.cloud.all_of(self._api, "/flavors/detail", "flavors", _KNOWN_VERSION, is_public="None")
            return {str(one["id"]): _flavor(one) for one in found}

    def access(self, flavor_id: str) -> frozenset[str]:
        """Ids of the projects that may use a flavor that is not public."""
        with self.cloud.calling(f"list who may use flavor {flavor_id}"):
            found = self.cloud.json(self._api.get(f"/flavors/{flavor_id}/os-flavor-access"))["flavor_access"]
            return frozenset(str(one["tenant_id"]) for one in found)

    def aggregates(self) -> list[HostAggregate]:
        with self.cloud.calling("list host aggregates"):
            return [_aggregate(one) for one in self.cloud.json(self._api.get("/os-aggregates", microversion=self._newest()))["aggregates"]]

    def _newest(self) -> str | None:
        return t.cast("str | None", library("openstack.utils", "openstacksdk").maximum_supported_microversion(self._api, _KNOWN_VERSION))

    def create(self, wanted: FlavorFacts, description: str) -> str:
        """Create a flavor without extra specs, which Nova takes afterwards only; returns its id."""
        body = {
            **{name: getattr(wanted, name) for name in ("name", "vcpus", "ram", "disk", "swap", "rxtx_factor")},
            "OS-FLV-EXT-DATA:ephemeral": wanted.ephemeral,
            "os-flavor-access:is_public": wanted.is_public,
            "description": description,
        }

        def create() -> str:
            with self.cloud.calling(f"create flavor {wanted.name}"):
                made = self._api.post("/flavors", json={"flavor": body}, microversion=_DESCRIPTIONS_VERSION)
                return str(self.cloud.json(made)["flavor"]["id"])

        return once(create, lambda: next((key for key, one in self.all().items() if (one.name, one.description) == (wanted.name, description)), None))

    def set_extra_specs(self, flavor_id: str, specs: t.Mapping[str, str]) -> None:
        with self.cloud.calling(f"set the extra specs of flavor {flavor_id}", repeats=True):
            self.cloud.check(self._api.post(f"/flavors/{flavor_id}/os-extra_specs", json={"extra_specs": dict(specs)}))

    def describe(self, flavor_id: str, description: str) -> None:
        with self.cloud.calling(f"describe flavor {flavor_id}"):
            body = {"flavor": {"description": description or None}}
            self.cloud.check(self._api.put(f"/flavors/{flavor_id}", json=body, microversion=_DESCRIPTIONS_VERSION))

    def allow(self, flavor_id: str, project_id: str) -> None:
        """Let a project use a flavor that is not public."""

        def allow() -> bool:
            with self.cloud.calling(f"let project {project_id} use flavor {flavor_id}"):
                self.cloud.check(self._api.post(f"/flavors/{flavor_id}/action", json={"addTenantAccess": {"tenant": project_id}}))
                return True

        once(allow, lambda: True if project_id in self.access(flavor_id) else None)


@shaped
def _flavor(found: t.Mapping[str, t.Any]) -> FlavorFacts:
    return FlavorFacts(
        name=found["name"],
        vcpus=found["vcpus"],
        ram=found["ram"],
        disk=found["disk"],
        ephemeral=found.get("OS-FLV-EXT-DATA:ephemeral") or 0,
        # Before 2.75 an empty text for none.
        swap=found.get("swap") or 0,
        rxtx_factor=float(found.get("rxtx_factor") or 1),
        is_public=bool(found["os-flavor-access:is_public"]),
        is_disabled=bool(found.get("OS-FLV-DISABLED:disabled")),
        description=found.get("description") or "",
        extra_specs=dict(found.get("extra_specs") or {}),
    )


@shaped
def _aggregate(found: t.Mapping[str, t.Any]) -> HostAggregate:
    properties = {key: value for key, value in (found.get("metadata") or {}).items() if key != _ZONE}
    return HostAggregate(found["name"], found.get(_ZONE), properties)
