# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which applications there are and which servers each has, of the plan and of what the projects show. Pure.

What is wrong with one application is told of that one: its definition is missing then, so that it cannot be protected by mistake with a
part of its servers, and all others are protected.
"""

from __future__ import annotations

import collections
import dataclasses
import functools
import typing as t

from ..application.definition import Application, Tier
from ..core.errors import InvalidInput
from ..core.records import Server
from ..core.text import told
from .marks import OwnerMark, applications_named, boot_order, is_copy
from .names import host_of
from .order import in_order
from .plan import USUAL_PRIORITY, PlannedApplication, PlannedTier, ProtectionPolicy, SitePlan
from .query import Queryable

#: Where an application comes from.
PLAN, MARKS, CATALOGUE = "plan", "marks", "catalogue"
#: Stands for all applications of a project that cannot be asked.
UNKNOWN = "unknown"


@dataclasses.dataclass(frozen=True)
class _Marks:
    """What owners have marked for one application.

    :param unusable: servers with marks that name it and cannot be used, and why.
    """

    usable: list[tuple[Server, OwnerMark]] = dataclasses.field(default_factory=list)
    unusable: list[tuple[Server, str]] = dataclasses.field(default_factory=list)

    def beside(self, other: _Marks) -> _Marks:
        return _Marks(self.usable + other.usable, self.unusable + other.unusable)


@dataclasses.dataclass(frozen=True)
class ProjectServers:
    """The servers of a project of the plan.

    :param problem: why they are unknown; None when they are known.
    """

    project: str
    servers: tuple[Server, ...] = ()
    problem: str | None = None


@dataclasses.dataclass(frozen=True)
class SiteApplication:
    """One application of a site, as it is now.

    :param host: its name among all applications of the site.
    :param name: its name in its projects, and in their catalogues.
    :param projects: those in which it is; the first one leads.
    :param definition: None where it is unknown: because of the problems, or because only its checkpoints are known.
    :param members: ids of its servers.
    """

    host: str
    planned: PlannedApplication
    origin: str
    policy: ProtectionPolicy | None
    definition: Application | None = None
    problems: tuple[str, ...] = ()
    members: frozenset[str] = frozenset()

    @property
    def name(self) -> str:
        return self.planned.name

    @property
    def projects(self) -> tuple[str, ...]:
        return self.planned.projects

    @property
    def wave(self) -> str | None:
        return self.planned.wave

    @property
    def priority(self) -> int:
        return self.planned.priority

    @property
    def depends_on(self) -> tuple[str, ...]:
        return self.planned.depends_on

    def as_dict(self) -> dict[str, t.Any]:
        told = {"host": self.host, "name": self.name, "origin": self.origin, "projects": list(self.projects)}
        return {**told, "servers": sorted(self.members), "problems": list(self.problems)}


@dataclasses.dataclass(frozen=True)
class Membership:
    """All applications of a site in the order of their recovery.

    :param strays: per project, servers of no application.
    :param warnings: what is wrong, and keeps no application from being protected.
    """

    applications: tuple[SiteApplication, ...]
    strays: t.Mapping[str, tuple[Server, ...]]
    warnings: tuple[str, ...]


def membership(plan: SitePlan, seen: t.Mapping[str, ProjectServers]) -> Membership:
    """Divide the servers of all projects among applications.

    :param seen: per project of the plan.
    """
    return _Division(plan, seen).divided()


def unplanned(plan: SitePlan, name: str, project: str) -> PlannedApplication:
    """What holds for an application that the plan does not name."""
    return PlannedApplication(name, (project,), plan.last_wave, USUAL_PRIORITY, None, (), (), plan.approvers)


class Asked(t.Protocol):
    """A project that was asked for its applications."""

    @property
    def project(self) -> str: ...

    @property
    def problem(self) -> str | None: ...


def unheard(plan: SitePlan, seen: t.Iterable[Asked], origin: str) -> list[SiteApplication]:
    """One application in doubt for each project that cannot be asked and in which the plan has none: without it, nobody would miss those that are there."""
    planned = {project for one in plan.applications for project in one.projects}
    return [
        SiteApplication(
            host=host_of(UNKNOWN, one.project),
            planned=unplanned(plan, UNKNOWN, one.project),
            origin=origin,
            policy=plan.policy(None),
            problems=(f"{one.problem} So it is unknown which applications it has.",),
        )
        for one in seen
        if one.problem and one.project not in planned
    ]


def sorted_hosts(plan: SitePlan, planned: t.Iterable[SiteApplication], others: t.Iterable[SiteApplication]) -> tuple[SiteApplication, ...]:
    """All applications in the order of their recovery: in the plan's, then those that it does not name, among those of the last wave."""
    by_host = {one.host: one for one in [*planned, *others]}
    placed = in_order([dataclasses.replace(one.planned, name=one.host) for one in by_host.values()], plan.waves)
    return tuple(by_host[one.name] for one in placed)


class _Projects:
    """The servers of some projects together."""

    def __init__(self, seen: t.Iterable[ProjectServers]) -> None:
        servers = [server for one in seen for server in one.servers]
        #: What somebody could mean by each text: a server's id comes before another one's name, whose owner may have chosen it to be that.
        counts = collections.Counter([server.name for server in servers] + [server.id for server in servers if server.id != server.name])
        #: How a definition names each: by its name, which it keeps at every site, if that says which one is meant, else by its id.
        self.names = {server.id: server.name if counts[server.name] == 1 and _is_plain(server.name) else server.id for server in servers}
        #: Without copies, which are gone again soon.
        self.own = [server for server in servers if not is_copy(server)]

    @functools.cached_property
    def queryable(self) -> Queryable:
        return Queryable(self.own)


class _Division:
    """One look at what the projects show."""

    def __init__(self, plan: SitePlan, seen: t.Mapping[str, ProjectServers]) -> None:
        self._plan = plan
        self._seen = seen
        self._warnings: list[str] = []
        self._together: dict[tuple[str, ...], _Projects] = {}
        #: Per project, then per name of an application.
        self._marked: dict[str, dict[str, _Marks]] = {project: self._marks_in(project) for project in seen}

    def divided(self) -> Membership:
        planned = [self._of_plan(one) for one in self._plan.applications]
        claimed = {(project, one.name) for one in self._plan.applications for project in one.projects}
        left = ((project, name) for project, found in self._marked.items() for name in found if (project, name) not in claimed)
        marked = [self._of_marks(name, project) for project, name in sorted(left)]
        applications = sorted_hosts(self._plan, planned, [*marked, *unheard(self._plan, self._seen.values(), MARKS)])
        protected = self._holders(applications)
        strays = {project: tuple(one for one in self._projects(project).own if one.id not in protected) for project in self._seen}
        return Membership(applications, {project: found for project, found in strays.items() if found}, tuple(self._warnings))

    def _holders(self, applications: t.Iterable[SiteApplication]) -> dict[str, list[str]]:
        """The applications of each protected server, by its id. More than one would each restore it."""
        holders: dict[str, list[str]] = collections.defaultdict(list)
        for application in applications:
            for server in application.members:
                holders[server].append(application.host)
        labels = {server.id: server.label for project in self._seen.values() for server in project.servers}
        for server, hosts in sorted(holders.items()):
            if len(hosts) > 1:
                names = " and ".join(f"'{host}'" for host in hosts)
                self._warnings.append(f"Server {labels[server]} belongs to applications {names}. Each of them would restore it: leave it in one.")
        return dict(holders)

    def _projects(self, *projects: str) -> _Projects:
        if projects not in self._together:
            self._together[projects] = _Projects(self._seen[project] for project in projects)
        return self._together[projects]

    def _marks_in(self, project: str) -> dict[str, _Marks]:
        found: dict[str, _Marks] = collections.defaultdict(_Marks)
        for server in self._projects(project).own:
            try:
                mark = OwnerMark.of(server)
            except InvalidInput as error:
                meant = applications_named(server)
                for name in meant:
                    found[name].unusable.append((server, str(error)))
                if not meant:
                    self._warnings.append(f"Project '{project}': {error}")
                continue
            if mark:
                found[mark.application].usable.append((server, mark))
        return dict(found)

    def _of_plan(self, planned: PlannedApplication) -> SiteApplication:
        marks = functools.reduce(_Marks.beside, (self._marked[project].get(planned.name, _Marks()) for project in planned.projects))
        bare = SiteApplication(planned.name, planned, PLAN, self._policy(planned.name, marks, planned.policy))
        unknown = tuple(problem for project in planned.projects if (problem := self._seen[project].problem))
        return dataclasses.replace(bare, problems=unknown) if unknown else self._defined(bare, marks)

    def _of_marks(self, name: str, project: str) -> SiteApplication:
        marks, host = self._marked[project][name], host_of(name, project)
        bare = SiteApplication(host, unplanned(self._plan, name, project), MARKS, self._policy(host, marks, None))
        return self._defined(bare, marks)

    def _defined(self, bare: SiteApplication, marks: _Marks) -> SiteApplication:
        """An application with its servers, or with what is wrong about them."""
        planned = bare.planned
        try:
            tiers = planned.tiers or _tiers_of(planned.name, marks)
            members = {tier.name: self._members(planned, tier, marks) for tier in tiers}
            _refuse_forgotten(planned.name, members, marks)
            names = self._projects(*planned.projects).names
            defined = tuple(Tier(tier.name, tier.servers or tuple(names[one.id] for one in members[tier.name]), tier.checks) for tier in tiers)
            definition = Application.parse(Application(planned.name, defined).as_dict())
        except InvalidInput as error:
            return dataclasses.replace(bare, problems=(str(error),))
        return dataclasses.replace(bare, definition=definition, members=frozenset(one.id for found in members.values() for one in found))

    def _members(self, planned: PlannedApplication, tier: PlannedTier, marks: _Marks) -> list[Server]:
        """The servers of a tier that are there; of servers by name, the checkpoint tells which are not."""
        projects = self._projects(*planned.projects)
        if tier.is_marked:
            return [server for server, mark in marks.usable if mark.tier == tier.name]
        if tier.query is None:
            by_name = set(tier.servers) - projects.names.keys()
            return [server for server in projects.own if server.id in tier.servers or server.name in by_name]
        try:
            return projects.queryable.selected(tier.query)
        except InvalidInput as error:
            raise InvalidInput(f"Tier '{tier.name}' of application '{planned.name}': {error.message}", error.hint) from error

    def _policy(self, host: str, marks: _Marks, of_plan: str | None) -> ProtectionPolicy | None:
        """The policy: the plan's, or else the owner's, or else the usual one, rather than none."""
        wanted = sorted({mark.policy for _server, mark in marks.usable if mark.policy})
        if of_plan is None and len(wanted) == 1 and wanted[0] in self._plan.policies:
            return self._plan.policies[wanted[0]]
        if of_plan is None and wanted:
            usual = f"policy '{self._plan.default_policy}'" if self._plan.default_policy else "the roles' defaults"
            named, known = " and ".join(repr(told(one)) for one in wanted), ", ".join(self._plan.policies) or "none"
            self._warnings.append(f"Application '{host}' is marked with policy {named}; it is protected by {usual}. The site plan's policies are {known}.")
        return self._plan.policy(of_plan)


def _tiers_of(name: str, marks: _Marks) -> tuple[PlannedTier, ...]:
    if marks.unusable:
        raise _unusable(marks.unusable)
    if not marks.usable:
        raise InvalidInput(
            f"No server is marked for application '{name}', and the site plan gives it no tiers.", "Mark its servers, or give it tiers in the plan."
        )
    return tuple(map(PlannedTier, boot_order(mark for _server, mark in marks.usable)))


def _refuse_forgotten(name: str, members: t.Mapping[str, list[Server]], marks: _Marks) -> None:
    """Refuse an application whose tiers would leave out servers that their owner has marked for it."""
    there = {server.id for found in members.values() for server in found}
    if unusable := [(server, problem) for server, problem in marks.unusable if server.id not in there]:
        raise _unusable(unusable)
    forgotten = [f"{server.label} (tier '{mark.tier}')" for server, mark in marks.usable if server.id not in there]
    if forgotten:
        raise InvalidInput(
            f"No tier of application '{name}' in the site plan has these servers, which are marked for it: {', '.join(forgotten)}.",
            f"Its tiers are {', '.join(members)}: correct the marks or the plan.",
        )


def _unusable(found: t.Iterable[tuple[Server, str]]) -> InvalidInput:
    return InvalidInput(" ".join(problem for _server, problem in found), "Correct it: without this server the application would not be whole.")


def _is_plain(name: str) -> bool:
    """Whether a name is one to Ansible too, and no template."""
    return bool(name) and name.isprintable() and not set("{}") & set(name)
