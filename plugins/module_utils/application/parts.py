# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""An application over several projects, divided into one part for each: what a project's own credentials look after. Pure."""

from __future__ import annotations

import dataclasses
import typing as t

from .definition import Application


@dataclasses.dataclass(frozen=True)
class ProjectPart:
    """What one project has of an application.

    :param application: the definition with the servers of this project, and the tiers that have any. It keeps the application's name: marks and
        catalogues are told apart by their project.
    """

    project_id: str
    application: Application


def divided(application: Application, homes: t.Mapping[str, str], projects: t.Sequence[str]) -> list[ProjectPart]:
    """The parts of an application, in the order of the projects.

    :param homes: id of the project per server in the definition.
    :returns: no part for projects that have none of its servers.
    """
    parts = [ProjectPart(project, _of_project(application, homes, project)) for project in projects]
    return [part for part in parts if part.application.tiers]


def _of_project(application: Application, homes: t.Mapping[str, str], project: str) -> Application:
    tiers = (dataclasses.replace(tier, servers=tuple(one for one in tier.servers if homes[one] == project)) for tier in application.tiers)
    return dataclasses.replace(application, tiers=tuple(tier for tier in tiers if tier.servers))
