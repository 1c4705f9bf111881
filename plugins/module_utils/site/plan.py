# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The site plan, as a provider writes it in a file. Pure.

In the file, clouds that are only the name of an entry of clouds.yaml are written as the name; here and in :mod:`.schema` they are a
dictionary. :mod:`.rules` has what a schema cannot say.
"""

from __future__ import annotations

import dataclasses
import typing as t

from ..application.checks import Check
from ..core.errors import SitePlanInvalid
from ..core.numbers import is_whole
from ..core.written import schema_problems
from . import rules
from .order import in_order
from .schema import PRIMARY, PRIORITIES, REMOTE, SCHEMA, SCHEMA_VERSION, SIDES

#: Of applications to which nobody has given one: in the middle.
USUAL_PRIORITY = (PRIORITIES[0] + PRIORITIES[1]) // 2
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}


@dataclasses.dataclass(frozen=True)
class SiteClouds:
    """The entries of clouds.yaml by which a project is reached at one site."""

    cloud: str
    admin_cloud: str | None = None
    store_cloud: str | None = None


@dataclasses.dataclass(frozen=True)
class PlannedSite:
    """One of the two sites.

    :param limits: what may be under way there at once, over all applications.
    """

    name: str
    admin_cloud: str | None = None
    limits: t.Mapping[str, int] = dataclasses.field(default_factory=dict)


@dataclasses.dataclass(frozen=True)
class PlannedProject:
    """A project at the primary site, and the one that has its copies at the remote site."""

    name: str
    primary: SiteClouds
    remote: SiteClouds


@dataclasses.dataclass(frozen=True)
class ProtectionPolicy:
    """How applications are protected; what is None is left to the role.

    :param interval: seconds between two checkpoints.
    :param drill_interval: seconds between two drills.
    """

    name: str
    consistency: str | None = None
    interval: int | None = None
    keep: t.Mapping[str, int] | None = None
    drill_interval: int | None = None


@dataclasses.dataclass(frozen=True)
class PlannedTier:
    """A tier in boot order: its servers by name, or by a query; by their owners' marks where there is neither."""

    name: str
    servers: tuple[str, ...] = ()
    query: str | None = None
    checks: tuple[Check, ...] = ()

    @property
    def is_marked(self) -> bool:
        return not self.servers and self.query is None


@dataclasses.dataclass(frozen=True)
class PlannedApplication:
    """An application of the plan.

    :param projects: those in which it is; the first one leads.
    :param wave: None where the plan has no waves.
    :param policy: None where the plan names none for it.
    :param tiers: in boot order; none where owners' marks make them.
    """

    name: str
    projects: tuple[str, ...]
    wave: str | None
    priority: int
    policy: str | None
    depends_on: tuple[str, ...]
    tiers: tuple[PlannedTier, ...]
    approvers: t.Mapping[str, t.Sequence[str]]


@dataclasses.dataclass(frozen=True)
class SitePlan:
    """What a provider wants to be protected, and how all of it is recovered.

    :param applications: in the order of recovery.
    :param users: name at the remote site per name at the primary one.
    :param approvers: who approves what, where an application does not say otherwise.
    """

    primary: PlannedSite
    remote: PlannedSite
    projects: t.Mapping[str, PlannedProject]
    policies: t.Mapping[str, ProtectionPolicy]
    default_policy: str | None
    waves: tuple[str, ...]
    applications: tuple[PlannedApplication, ...]
    users: t.Mapping[str, str]
    approvers: t.Mapping[str, t.Sequence[str]]

    @classmethod
    def parse(cls, document: t.Any) -> SitePlan:
        """Read a site plan as a person wrote it.

        :raises SitePlanInvalid: naming everything that is wrong with it.
        """
        _refuse_unknown_version(document)
        written = _long_form(document)
        problems = schema_problems(written, SCHEMA, "the site plan") or list(rules.problems(written))
        if problems:
            raise SitePlanInvalid([f"{problem}." for problem in problems])
        waves = tuple(written.get("waves", ()))
        last, approvers = waves[-1] if waves else None, written.get("approvers", {})
        return cls(
            primary=PlannedSite(**written["sites"][PRIMARY]),
            remote=PlannedSite(**written["sites"][REMOTE]),
            projects={name: _project(name, one) for name, one in written["projects"].items()},
            policies={name: _policy(name, one) for name, one in written.get("policies", {}).items()},
            default_policy=written.get("default_policy"),
            waves=waves,
            applications=in_order([_application(one, last, approvers) for one in written.get("applications", ())], waves),
            users=written.get("users", {}),
            approvers=approvers,
        )

    @property
    def last_wave(self) -> str | None:
        """The wave of what nobody has put into one."""
        return self.waves[-1] if self.waves else None

    def policy(self, name: str | None) -> ProtectionPolicy | None:
        """A policy by its name, else the default one."""
        return self.policies.get(name or "") or self.policies.get(self.default_policy or "")

    def as_dict(self) -> dict[str, t.Any]:
        """The plan with all that follows from what is left out."""
        applications = []
        for one in self.applications:
            policy = self.policy(one.policy)
            told = dataclasses.asdict(one) | {"policy": policy and policy.name, "tiers": [_shown_tier(tier) for tier in one.tiers]}
            applications.append(told | {name: list(told[name]) for name in ("projects", "depends_on")})
        return {
            "sites": {PRIMARY: dataclasses.asdict(self.primary), REMOTE: dataclasses.asdict(self.remote)},
            "projects": [dataclasses.asdict(one) for one in self.projects.values()],
            "policies": [dataclasses.asdict(one) for one in self.policies.values()],
            "waves": list(self.waves),
            "applications": applications,
            "users": dict(self.users),
        }


def seconds_of(duration: str) -> int:
    """A duration of the plan, like 90m."""
    return int(duration[:-1]) * _SECONDS[duration[-1]]


# Reading


def _refuse_unknown_version(document: t.Any) -> None:
    if not isinstance(document, dict):
        raise SitePlanInvalid(["It is not a dictionary; it begins with 'schema_version: 1'."])
    version = document.get("schema_version")
    # True and 1.0 are equal to 1, and are no versions.
    if not is_whole(version) or version != SCHEMA_VERSION:
        said = f"has schema_version {version!r}" if "schema_version" in document else "has no schema_version"
        raise SitePlanInvalid([f"It {said}; this release reads 'schema_version: {SCHEMA_VERSION}'."])


def _long_form(document: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
    """The document with all short forms written out; the schema refuses what is none."""
    long = dict(document)
    if isinstance(long.get("projects"), dict):
        long["projects"] = {name: _with_clouds(one) for name, one in long["projects"].items()}
    return long


def _with_clouds(project: t.Any) -> t.Any:
    if not isinstance(project, dict):
        return project
    return {side: {"cloud": one} if side in SIDES and isinstance(one, str) else one for side, one in project.items()}


def _project(name: str, data: t.Mapping[str, t.Any]) -> PlannedProject:
    return PlannedProject(name, SiteClouds(**data[PRIMARY]), SiteClouds(**data[REMOTE]))


def _policy(name: str, data: t.Mapping[str, t.Any]) -> ProtectionPolicy:
    times = {key: seconds_of(data[key]) for key in ("interval", "drill_interval") if key in data}
    return ProtectionPolicy(name, **{**data, **times})


def _application(data: t.Mapping[str, t.Any], last_wave: str | None, approvers: t.Mapping[str, t.Sequence[str]]) -> PlannedApplication:
    return PlannedApplication(
        name=data["name"],
        projects=(data["project"], *data.get("other_projects", ())),
        wave=data.get("wave", last_wave),
        priority=data.get("priority", USUAL_PRIORITY),
        policy=data.get("policy"),
        depends_on=tuple(data.get("depends_on", ())),
        tiers=tuple(_tier(one) for one in data.get("tiers", ())),
        approvers={**approvers, **data.get("approvers", {})},
    )


def _tier(data: t.Mapping[str, t.Any]) -> PlannedTier:
    return PlannedTier(data["name"], tuple(data.get("servers", ())), data.get("query"), tuple(map(Check.parse, data.get("checks", ()))))


def _shown_tier(tier: PlannedTier) -> dict[str, t.Any]:
    return {"name": tier.name, "servers": list(tier.servers), "query": tier.query, "checks": [check.as_dict() for check in tier.checks]}
