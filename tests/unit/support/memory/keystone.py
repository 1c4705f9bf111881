# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Keystone in memory, for administrators: domains, projects, groups, users, roles, and who has which."""

from __future__ import annotations

import itertools
import typing as t

from ansible_collections.osdr.openstack.tests.unit.support.memory.asking import Refused, Request, Resource, expect, expect_text

DEFAULT_DOMAIN = "default"
_FIELDS = frozenset({"name", "domain_id", "description", "enabled", "tags", "parent_id"})


class Keystone:
    """
    :ivar projects: name per id; what else there is of one is in :attr:`details`.
    :ivar list_limit: how many of a list it shows, without a next page, as an operator may set it; None for all.
    :ivar page: how many of a list it shows with a link to the next page, as newer ones do; None for all.
    """

    def __init__(self) -> None:
        self.projects: dict[str, str] = {}
        self.details: dict[str, Resource] = {}
        self.domains = {DEFAULT_DOMAIN: "Default"}
        self.by_id: dict[str, dict[str, Resource]] = {"groups": {}, "users": {}, "roles": {}}
        #: Kind and id of the actor, kind and id of the place, id of the role, and whether it is for what is below.
        self.assignments: list[tuple[str, str, str, str, str, bool]] = []
        self.list_limit: int | None = None
        self.page: int | None = None
        self.refuses_grants = False
        self._numbers = itertools.count(1)

    # What tests set up

    def have(self, kind: str, name: str, domain_id: str | None = DEFAULT_DOMAIN) -> str:
        """Have a group, user or role; returns its id."""
        key = f"{kind}-{name}-{next(self._numbers)}"
        self.by_id[kind][key] = {"id": key, "name": name, "domain_id": domain_id}
        return key

    def have_project(self, name: str, **details: t.Any) -> str:
        key = details.pop("id", None) or f"project-{name}-{next(self._numbers)}"
        self.projects[key], self.details[key] = name, details
        return t.cast(str, key)

    def assign(self, actor: tuple[str, str], place: tuple[str, str], role_id: str, inherited: bool = False) -> None:
        self.assignments.append((*actor, *place, role_id, inherited))

    # Requests

    def serve(self, request: Request) -> t.Any:
        expect(request.caller.sees_all, "You are not authorized to perform the requested action.", 403)
        kind, rest = request.path[0], request.path[1:]
        if request.method == "GET" and not rest:
            return self._listed(request, kind)
        if request.method == "POST" and (kind, rest) == ("projects", ()):
            return {"project": self._create_project(request.body["project"])}
        if request.method == "PUT" and kind == "projects" and len(rest) == 5 and (rest[1], rest[3]) in {("groups", "roles"), ("users", "roles")}:
            return self._grant(*rest)
        raise Refused(405, "The method is not allowed.")

    def _listed(self, request: Request, kind: str) -> Resource:
        everything = {
            "projects": self._shown_projects,
            "domains": lambda: [{"id": key, "name": name, "enabled": True} for key, name in self.domains.items()],
            "role_assignments": lambda: self._shown_assignments(request),
            **{kind: lambda kind=kind: [dict(one) for one in self.by_id[kind].values()] for kind in self.by_id},
        }
        expect(kind in everything, f"{kind} could not be found.", 404)
        found = everything[kind]()
        if kind == "roles" and "domain_id" not in request.query:
            # Roles of a domain are shown to those only who ask for them.
            found = [one for one in found if one["domain_id"] is None]
        for name in ("name", "domain_id"):
            found = [one for one in found if name not in request.query or one.get(name) == request.query[name][0]]
        return self._paged(found, kind, request)

    def _paged(self, found: list[Resource], kind: str, request: Request) -> Resource:
        if "marker" in request.query:
            found = found[[one["id"] for one in found].index(request.query["marker"][0]) + 1 :]
        if self.page is not None and len(found) > self.page:
            return {kind: found[: self.page], "links": {"next": "http://keystone.example/v3/next"}}
        is_cut = self.list_limit is not None and len(found) > self.list_limit
        return {kind: found[: self.list_limit] if is_cut else found, "links": {"next": None}, **({"truncated": True} if is_cut else {})}

    def _shown_projects(self) -> list[Resource]:
        usual = {"domain_id": DEFAULT_DOMAIN, "parent_id": DEFAULT_DOMAIN, "description": "", "enabled": True, "tags": []}
        return [{"id": key, "name": name, **usual, **self.details.get(key, {})} for key, name in self.projects.items()]

    def _create_project(self, wanted: Resource) -> Resource:
        for name in wanted:
            expect(name in _FIELDS, f"Additional properties are not allowed ('{name}' was unexpected)")
        expect_text(wanted, "name", "description")
        expect(wanted["domain_id"] in self.domains, f"Could not find domain: {wanted['domain_id']}.", 404)
        taken = [one for one in self._shown_projects() if (one["name"], one["domain_id"]) == (wanted["name"], wanted["domain_id"])]
        expect(not taken, "Conflict occurred attempting to store project - it is not permitted to have two projects with the same name.", 409)
        key = self.have_project(wanted["name"], **{name: value for name, value in wanted.items() if name != "name"})
        return next(one for one in self._shown_projects() if one["id"] == key)

    def _grant(self, project: str, actors: str, actor: str, _roles: str, role: str) -> None:
        expect(not self.refuses_grants, "You are not authorized to perform the requested action: identity:create_grant.", 403)
        expect(project in self.projects, f"Could not find project: {project}.", 404)
        expect(actor in self.by_id[actors], f"Could not find {actors}: {actor}.", 404)
        expect(role in self.by_id["roles"], f"Could not find role: {role}.", 404)
        domain = self.by_id["roles"][role]["domain_id"]
        expect(domain in (None, self.details.get(project, {}).get("domain_id", DEFAULT_DOMAIN)), "The role is of another domain.", 403)
        one = (actors.removesuffix("s"), actor, "project", project, role, False)
        if one not in self.assignments:
            self.assignments.append(one)

    def _shown_assignments(self, request: Request) -> list[Resource]:
        project = request.query.get("scope.project.id", [None])[0]
        only_inherited = "scope.OS-INHERIT:inherited_to" in request.query
        return [
            self._shown_assignment(*one) for one in self.assignments if (project is None or one[2:4] == ("project", project)) and (one[5] or not only_inherited)
        ]

    def _shown_assignment(self, actor: str, actor_id: str, place: str, place_id: str, role: str, inherited: bool) -> Resource:
        who, what = self.by_id[f"{actor}s"][actor_id], self.by_id["roles"][role]
        shown_role = {"id": role, "name": what["name"], **({"domain": self._shown_domain(what["domain_id"])} if what["domain_id"] else {})}
        scope: Resource = {place: {"id": place_id}, **({"OS-INHERIT:inherited_to": "projects"} if inherited else {})}
        return {"scope": scope, "role": shown_role, actor: {"id": actor_id, "name": who["name"], "domain": self._shown_domain(who["domain_id"])}}

    def _shown_domain(self, key: str) -> Resource:
        return {"id": key, "name": self.domains[key]}
