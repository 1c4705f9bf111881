# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which project an entry of clouds.yaml is for, by what it says: also where nobody can log in, because the project does not exist yet."""

from __future__ import annotations

import dataclasses
import typing as t

from ..core.libraries import library


@dataclasses.dataclass(frozen=True)
class ConfiguredProject:
    """The project of an entry, by its id or by its name; None for what the entry does not say, as with application credentials.

    :param domain: name of its domain.
    """

    id: str | None = None
    name: str | None = None
    domain: str | None = None
    domain_id: str | None = None


def configured_project(cloud: str) -> ConfiguredProject:
    """What an entry of clouds.yaml says about its project, without asking the cloud. Nothing for an entry that cannot be used."""
    config = library("openstack.config", "openstacksdk")
    exceptions = library("openstack.exceptions", "openstacksdk")
    keystone = library("keystoneauth1.exceptions", "keystoneauth1")
    try:
        auth: t.Mapping[str, t.Any] = config.OpenStackConfig().get_one(cloud=cloud).config.get("auth") or {}
    except (exceptions.ConfigException, keystone.ClientException):
        return ConfiguredProject()
    return ConfiguredProject(auth.get("project_id"), auth.get("project_name"), auth.get("project_domain_name"), auth.get("project_domain_id"))
