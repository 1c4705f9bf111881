# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The manifests of a checkpoint: one, or one for each project of an application over several."""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.osdr.openstack.plugins.module_utils.core.errors import InvalidInput

from .given import Given


@dataclasses.dataclass(frozen=True)
class ManifestPart:
    """What one project has of a checkpoint.

    :param project: its id at the source; empty where one project has all of it.
    """

    project: str
    manifest: Given

    @property
    def evidence(self) -> Given:
        return self.manifest.inside("checkpoint").inside("evidence")


@dataclasses.dataclass(frozen=True)
class Manifests:
    """All parts of a checkpoint, that of the leading project first."""

    parts: tuple[ManifestPart, ...]

    @classmethod
    def of(cls, *manifests: t.Any) -> Manifests:
        """Read manifests.

        :param manifests: of all projects, that of the leading one first.
        :raises InvalidInput: when they are not of one checkpoint.
        """
        parts = tuple(ManifestPart(_project(one), one) for one in map(Given, manifests))
        names = [_names(part.manifest) for part in parts]
        if not all(names[0]):
            raise InvalidInput("The given manifest names no application or no checkpoint.", "Give what os_checkpoint_info returned.")
        strange = next((one for one in names if one != names[0]), None)
        if strange:
            raise InvalidInput(
                f"One of the given parts is of checkpoint '{strange[1]}' of application '{strange[0]}', not of '{names[0][1]}' of '{names[0][0]}'.",
                "Give the parts of one checkpoint.",
            )
        return cls(parts)

    @property
    def leading(self) -> Given:
        """What all parts have in common is read from this one."""
        return self.parts[0].manifest

    @property
    def projects(self) -> tuple[str, ...]:
        """None where only one is told of."""
        return tuple(part.project for part in self.parts) if len(self.parts) > 1 else ()

    def in_boot_order(self) -> list[tuple[ManifestPart, Given]]:
        """All servers, each with the part that has it, in the order of the whole application's tiers."""
        whole = self.leading.inside("checkpoint").inside("together").texts("tiers")
        tiers = whole or [tier.text("name") for tier in self.leading.inside("application").each("tiers")]
        place = {name: number for number, name in enumerate(tiers)}
        servers = [(part, server) for part in self.parts for server in part.manifest.each("servers")]
        return sorted(servers, key=lambda one: place.get(one[1].text("tier"), len(place)))

    @property
    def homes(self) -> dict[str, str]:
        """The project of each server and volume, per id at the source."""
        servers = self.in_boot_order()
        volumes = {volume.text("source_id"): part.project for part, server in servers for volume in server.each("volumes")}
        return {**volumes, **{server.text("source_id"): part.project for part, server in servers}}


def _project(manifest: Given) -> str:
    return manifest.inside("checkpoint").inside("together").text("project")


def _names(manifest: Given) -> tuple[str, str]:
    return manifest.inside("application").text("name"), manifest.inside("checkpoint").text("id")
