# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Keystone, as far as disaster recovery needs it."""

from __future__ import annotations

import dataclasses
import typing as t

from ..core.errors import CloudError
from ..core.infrastructure import ProjectFacts
from .repeating import once
from .session import Cloud
from .shape import shaped


@dataclasses.dataclass(frozen=True)
class KeystoneProject:
    id: str
    name: str
    domain_id: str
    parent_id: str
    description: str
    enabled: bool
    tags: tuple[str, ...]


@dataclasses.dataclass(frozen=True)
class RoleAssignment:
    """A role of a group or user.

    :param actor: ``group`` or ``user``.
    :param scope_id: of the project or domain in which it is; empty for the whole system.
    :param is_inherited: whether it is for what is below that, and not for that itself.
    """

    actor: str
    name: str
    domain: str
    role: str
    role_domain: str | None
    scope_id: str
    is_inherited: bool


@dataclasses.dataclass(frozen=True)
class KeystoneName:
    """A group, user or role of a domain; most roles have none."""

    id: str
    name: str
    domain_id: str | None


class Identity:
    """Whom one cloud knows.

    :param cloud: of an administrator.
    """

    def __init__(self, cloud: Cloud) -> None:
        self.cloud = cloud

    @property
    def _api(self) -> t.Any:
        return self.cloud.service("identity")

    def project_names(self) -> dict[str, str]:
        """Name per id of each project."""
        return {one.id: one.name for one in self.projects()}

    def projects(self) -> list[KeystoneProject]:
        with self.cloud.calling("list projects"):
            return [_project(one) for one in self._all("projects")]

    def domains(self) -> dict[str, str]:
        """Name per id of each domain."""
        with self.cloud.calling("list domains"):
            return {str(one["id"]): str(one["name"]) for one in self._all("domains")}

    def named(self, kind: str, **query: str) -> list[KeystoneName]:
        """All groups, users or roles, by what Keystone calls the list.

        :param query: ``name`` and ``domain_id``, for some of them only.
        """
        with self.cloud.calling(f"list {kind}"):
            return [_named(one) for one in self._all(kind, **query)]

    def assignments_in(self, project_id: str) -> list[RoleAssignment]:
        """Roles that groups and users have been given in a project itself."""
        return self._assignments(f"list the roles in project {project_id}", **{"scope.project.id": project_id})

    def inherited_assignments(self) -> list[RoleAssignment]:
        """Roles that were given in a domain or project for the projects below it."""
        return self._assignments("list the roles that projects inherit", **{"scope.OS-INHERIT:inherited_to": "projects"})

    def _assignments(self, what: str, **query: str) -> list[RoleAssignment]:
        with self.cloud.calling(what):
            return [_assignment(one) for one in self._all("role_assignments", include_names="True", **query)]

    def _all(self, kind: str, **query: str) -> list[dict[str, t.Any]]:
        """A whole list: an operator may bound how much Keystone lists, and only newer ones have pages."""
        found: list[dict[str, t.Any]] = []
        while True:
            answer = self.cloud.json(self._api.get(f"/{kind}", params=query))
            found += answer[kind]
            if not (answer.get("links") or {}).get("next") or not answer[kind]:
                break
            marker = str(answer[kind][-1]["id"])
            if marker == query.get("marker"):
                raise ValueError("the same page comes again")
            query = {**query, "marker": marker}
        if answer.get("truncated"):
            raise CloudError(f"Site '{self.cloud.site}' lists only {len(found)} of its {kind}.", "Have its operator raise list_limit of Keystone.")
        return found

    # Making

    def create_project(self, wanted: ProjectFacts, domain_id: str) -> str:
        """Create a project; returns its id."""
        name, tags = wanted.name, list(wanted.tags)
        body = {"name": name, "domain_id": domain_id, "description": wanted.description, "enabled": wanted.enabled, "tags": tags}

        def create() -> str:
            with self.cloud.calling(f"create project {name}"):
                return str(self.cloud.json(self._api.post("/projects", json={"project": body}))["project"]["id"])

        return once(create, lambda: next((one.id for one in self.projects() if (one.name, one.domain_id) == (name, domain_id)), None))

    def grant(self, project_id: str, actor: str, actor_id: str, role_id: str) -> None:
        """Give a role in a project.

        :param actor: ``group`` or ``user``.
        """
        with self.cloud.calling(f"give {actor} {actor_id} role {role_id} in project {project_id}"):
            self.cloud.check(self._api.put(f"/projects/{project_id}/{actor}s/{actor_id}/roles/{role_id}"))


@shaped
def _project(found: t.Mapping[str, t.Any]) -> KeystoneProject:
    return KeystoneProject(
        id=found["id"],
        name=found["name"],
        domain_id=found.get("domain_id") or "",
        parent_id=found.get("parent_id") or "",
        description=found.get("description") or "",
        enabled=found.get("enabled") is not False,
        tags=tuple(found.get("tags") or ()),
    )


@shaped
def _named(found: t.Mapping[str, t.Any]) -> KeystoneName:
    return KeystoneName(found["id"], found["name"], found.get("domain_id"))


@shaped
def _assignment(found: t.Mapping[str, t.Any]) -> RoleAssignment:
    actor = "group" if "group" in found else "user"
    who, role, scope = found[actor], found["role"], found.get("scope") or {}
    place = scope.get("project") or scope.get("domain") or {}
    return RoleAssignment(
        actor=actor,
        name=who.get("name") or "",
        domain=(who.get("domain") or {}).get("name") or "",
        role=role.get("name") or "",
        role_domain=(role.get("domain") or {}).get("name"),
        scope_id=place.get("id") or "",
        is_inherited="OS-INHERIT:inherited_to" in scope,
    )
