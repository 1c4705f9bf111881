# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an administrator sees of a site's infrastructure.

What a site does not have, or does not show, is told as unseen, so that nobody takes it for missing. Whatever may pass ends the look: an
incomplete one must not take the place of a complete one.
"""

from __future__ import annotations

import dataclasses
import functools
import re
import typing as t

from ..cloud.block_storage import BlockStorage
from ..cloud.compute import Compute
from ..cloud.configured import ConfiguredProject
from ..cloud.flavors import Flavors
from ..cloud.identity import Identity, KeystoneProject, RoleAssignment
from ..cloud.limits import ProjectLimits
from ..cloud.outside import ALL_PROJECTS, ExternalNetworks
from ..cloud.session import Cloud
from ..cloud.volume_types import VolumeTypes
from ..core.errors import CloudError, InvalidInput, NoAnswer
from ..core.infrastructure import (
    COMPUTE,
    GROUP,
    LIMITED_SERVICES,
    NETWORK,
    VOLUME,
    FlavorFacts,
    HostAggregate,
    OutsideNetwork,
    ProjectFacts,
    ProjectQuotas,
    RoleGrant,
    Specs,
    VolumeTypeFacts,
    ZoneFacts,
)
from ..site.plan import PlannedSite, SiteClouds, SitePlan
from ..work.pool import attempt_each, each
from . import captured
from .captured import Infrastructure, Unseen

Told = t.TypeVar("Told")
Facts = t.TypeVar("Facts", FlavorFacts, VolumeTypeFacts)

#: How a service answers that does not show something, or does not have it.
_NOT_TOLD = (403, 404)
_SERVICE_TYPES = {COMPUTE: "compute", VOLUME: "block-storage", NETWORK: "network"}
#: No spec needs one, but whoever wrote it could.
_SECRET_NAME = re.compile(r"passw|secret|token|credential|private.?key|api.?key", re.IGNORECASE)


@dataclasses.dataclass(frozen=True)
class InfrastructureAccess:
    """How a site is asked.

    :param connect: to the cloud of a name.
    :param configured: the project that the entry of a name is for, as clouds.yaml says it.
    :param concurrency: how many requests at once.
    """

    connect: t.Callable[[str], Cloud]
    configured: t.Callable[[str], ConfiguredProject]
    concurrency: int


@dataclasses.dataclass(frozen=True)
class SiteSide:
    """One of the two sites of a plan.

    :param clouds: per name of a project in the plan.
    """

    site: PlannedSite
    clouds: t.Mapping[str, SiteClouds]

    @classmethod
    def primary(cls, plan: SitePlan) -> SiteSide:
        return cls(plan.primary, {name: one.primary for name, one in plan.projects.items()})

    @classmethod
    def remote(cls, plan: SitePlan) -> SiteSide:
        return cls(plan.remote, {name: one.remote for name, one in plan.projects.items()})

    def administrator(self, access: InfrastructureAccess) -> Cloud:
        """The site as its administrator.

        :raises InvalidInput: when the plan names none.
        """
        if self.site.admin_cloud is None:
            raise InvalidInput(
                f"The site plan names no administrator of site '{self.site.name}', and only they see its infrastructure.",
                "Give the site an admin_cloud, an entry of clouds.yaml.",
            )
        return access.connect(self.site.admin_cloud)


@dataclasses.dataclass(frozen=True)
class SiteFacts:
    """A site's infrastructure, and what belongs to this site alone.

    :param ids: per kind and name, of projects by their names in the plan.
    :param wished_projects: what projects of the plan that the site does not have are to be called there, by clouds.yaml.
    :param default_quotas: per service that tells, of projects to which nobody has given any of their own.
    :param backends: names of the backends for volumes; None where nobody tells.
    """

    infrastructure: Infrastructure
    ids: t.Mapping[str, t.Mapping[str, str]]
    wished_projects: t.Mapping[str, ConfiguredProject]
    default_quotas: t.Mapping[str, t.Mapping[str, int]]
    backends: frozenset[str] | None

    def unseen(self, kind: str) -> Unseen | None:
        """Why a whole kind cannot be seen; None where it can be."""
        return next((one for one in self.infrastructure.unseen if one.kind == kind and one.project is None), None)


def look(side: SiteSide, users: t.Collection[str], access: InfrastructureAccess) -> SiteFacts:
    """See all of a site.

    :param users: names of those whose roles matter beside those of groups.
    :raises DrError: when the site cannot be asked, or may answer later.
    """
    return _Look(side.administrator(access), side, access).all(users)


class _Look:
    """One look at a site.

    :param cloud: of the administrator.
    """

    def __init__(self, cloud: Cloud, side: SiteSide, access: InfrastructureAccess) -> None:
        self._cloud = cloud
        self._side = side
        self._access = access
        self._unseen: list[Unseen] = []
        #: Per id.
        self._planned: dict[str, str] = {}

    def all(self, users: t.Collection[str]) -> SiteFacts:
        identity = Identity(self._cloud)
        known, domains = identity.projects(), identity.domains()
        projects = self._projects({one.id: one for one in known}, domains)
        self._planned = {one.id: name for name, one in projects.items()}
        by_id = self._of_whole_site()
        infrastructure = Infrastructure(
            site=self._side.site.name,
            projects=tuple(_project_facts(name, one, domains) for name, one in projects.items()),
            roles=tuple(sorted(self._roles(identity, {one.id: one for one in known}, projects, users), key=str)),
            quotas=tuple(self._quotas(projects)),
            **{kind: tuple(sorted(one.values(), key=lambda facts: facts.name)) for kind, one in by_id.items()},
            availability_zones=tuple(self._zones()),
            host_aggregates=tuple(self._aggregates()),
        )
        default_quotas, backends = self._default_quotas(), self._backends()
        ids = {kind: {facts.name: key for key, facts in one.items()} for kind, one in by_id.items()}
        return SiteFacts(
            infrastructure=dataclasses.replace(infrastructure, unseen=tuple(sorted(set(self._unseen), key=str))),
            ids={**ids, captured.PROJECTS: {name: one.id for name, one in projects.items()}},
            wished_projects={name: self._access.configured(one.cloud) for name, one in self._side.clouds.items() if name not in projects},
            default_quotas=default_quotas,
            backends=backends,
        )

    def _of_whole_site(self) -> dict[str, dict[str, t.Any]]:
        """What is of no project, per kind and id. One kind after the other: each asks for many things in parallel."""
        flavors, networks = Flavors(self._cloud), ExternalNetworks(self._cloud)
        return {
            captured.FLAVORS: self._seen(captured.FLAVORS, COMPUTE, lambda: self._flavors(flavors)) or {},
            captured.VOLUME_TYPES: self._seen(captured.VOLUME_TYPES, VOLUME, self._volume_types) or {},
            captured.EXTERNAL_NETWORKS: self._seen(captured.EXTERNAL_NETWORKS, NETWORK, lambda: self._external(networks)) or {},
        }

    def _aggregates(self) -> list[HostAggregate]:
        found = self._seen(captured.AGGREGATES, COMPUTE, Flavors(self._cloud).aggregates) or []
        return sorted((_without_secrets(one) for one in found), key=lambda one: one.name)

    def _seen(self, kind: str, service: str, ask: t.Callable[[], Told], project: str | None = None) -> Told | None:
        """What is asked for; None, and a word about it, where the site has no such service or does not show it."""
        if not self._cloud.has(_SERVICE_TYPES[service]):
            self._unseen.append(Unseen(kind, f"Site '{self._cloud.site}' has no service {_SERVICE_TYPES[service]}.", is_absent=True))
            return None
        try:
            return ask()
        except CloudError as error:
            if error.http_status not in _NOT_TOLD:
                raise
            self._unseen.append(Unseen(kind, str(error), project))
            return None

    # Projects

    def _projects(self, known: t.Mapping[str, KeystoneProject], domains: t.Mapping[str, str]) -> dict[str, KeystoneProject]:
        """The projects of the plan that the site has, by their names in the plan."""
        names = list(self._side.clouds)
        outcomes = attempt_each(names, lambda name: self._access.connect(self._side.clouds[name].cloud).project_id, self._access.concurrency)
        found = {}
        for name, outcome in zip(names, outcomes, strict=True):
            if isinstance(outcome.error, NoAnswer):
                raise outcome.error
            project = known.get(outcome.value or "") or self._configured(self._side.clouds[name].cloud, known.values(), domains)
            if project:
                found[name] = project
        return found

    def _configured(self, entry: str, known: t.Iterable[KeystoneProject], domains: t.Mapping[str, str]) -> KeystoneProject | None:
        """The project that an entry of clouds.yaml names; None when there is none.

        :raises InvalidInput: when it may be either of several.
        """
        wanted = self._access.configured(entry)
        found = [one for one in known if (one.id == wanted.id if wanted.id else one.name == wanted.name and _is_domain(wanted, one.domain_id, domains))]
        if len(found) > 1:
            where = ", ".join(sorted(f"'{domains.get(one.domain_id, one.domain_id)}'" for one in found))
            raise InvalidInput(
                f"Entry '{entry}' of clouds.yaml names project '{wanted.name}' without its domain, and there is one in each of these: {where}.",
                "Give the entry its project_domain_name.",
            )
        return next(iter(found), None)

    def _roles(
        self, identity: Identity, known: t.Mapping[str, KeystoneProject], projects: t.Mapping[str, KeystoneProject], users: t.Collection[str]
    ) -> list[RoleGrant]:
        inherited = identity.inherited_assignments()
        own = each(projects.values(), lambda one: identity.assignments_in(one.id), self._access.concurrency)
        found = set()
        for (name, project), assignments in zip(projects.items(), own, strict=True):
            above = set(_above(project, known))
            reaching = [one for one in inherited if one.is_inherited and one.scope_id in above]
            direct = [one for one in assignments if not one.is_inherited]
            found |= {_grant(name, one) for one in [*direct, *reaching] if one.actor == GROUP or one.name in users}
        return list(found)

    # Limits

    def _quotas(self, projects: t.Mapping[str, KeystoneProject]) -> list[ProjectQuotas]:
        limits = ProjectLimits(self._cloud)
        wanted = [(name, service) for name in projects for service in LIMITED_SERVICES]

        def ask(one: tuple[str, str]) -> ProjectQuotas | None:
            name, service = one
            return self._seen(captured.QUOTAS, service, lambda: ProjectQuotas(name, service, limits.of(service, projects[name].id)), name)

        return [one for one in each(wanted, ask, self._access.concurrency) if one]

    def _default_quotas(self) -> dict[str, dict[str, int]]:
        limits = ProjectLimits(self._cloud)
        found = {service: self._seen(captured.QUOTAS, service, functools.partial(limits.defaults, service)) for service in LIMITED_SERVICES}
        return {service: defaults for service, defaults in found.items() if defaults is not None}

    # What is shared

    def _flavors(self, flavors: Flavors) -> dict[str, FlavorFacts]:
        return self._with_access(flavors.all(), flavors.access)

    def _volume_types(self) -> dict[str, VolumeTypeFacts]:
        types = VolumeTypes(self._cloud)
        found = self._with_access(types.all(), types.access)
        encryption = dict(zip(found, each(found, types.encryption, self._access.concurrency), strict=True))
        return {key: dataclasses.replace(one, encryption=encryption[key]) for key, one in found.items()}

    def _with_access(self, found: t.Mapping[str, Facts], ask: t.Callable[[str], t.Collection[str]]) -> dict[str, Facts]:
        private = [key for key, one in found.items() if not one.is_public]
        access = dict(zip(private, each(private, ask, self._access.concurrency), strict=True))
        return {key: _without_secrets(dataclasses.replace(one, access=self._names(access.get(key, ())))) for key, one in found.items()}

    def _names(self, project_ids: t.Iterable[str]) -> tuple[str, ...]:
        return tuple(sorted(self._planned[one] for one in project_ids if one in self._planned))

    def _external(self, networks: ExternalNetworks) -> dict[str, OutsideNetwork]:
        found, access = networks.all(), networks.access()
        allowed = {key: access[key] for key in found}
        return {key: dataclasses.replace(one, for_all=ALL_PROJECTS in allowed[key], access=self._names(allowed[key])) for key, one in found.items()}

    def _zones(self) -> list[ZoneFacts]:
        asked = ((COMPUTE, Compute(self._cloud).availability_zones), (VOLUME, BlockStorage(self._cloud).availability_zones))
        return [ZoneFacts(service, name) for service, ask in asked for name in sorted(self._seen(captured.ZONES, service, ask) or ())]

    def _backends(self) -> frozenset[str] | None:
        try:
            return VolumeTypes(self._cloud).backends() if self._cloud.has(_SERVICE_TYPES[VOLUME]) else None
        except CloudError as error:
            if error.http_status not in _NOT_TOLD:
                raise
            return None


def _is_domain(wanted: ConfiguredProject, domain_id: str, domains: t.Mapping[str, str]) -> bool:
    if wanted.domain_id:
        return wanted.domain_id == domain_id
    return wanted.domain is None or domains.get(domain_id) == wanted.domain


def _project_facts(planned: str, one: KeystoneProject, domains: t.Mapping[str, str]) -> ProjectFacts:
    return ProjectFacts(planned, one.name, domains.get(one.domain_id, one.domain_id), one.description, one.enabled, one.tags)


def _above(project: KeystoneProject, known: t.Mapping[str, KeystoneProject]) -> t.Iterator[str]:
    """Ids of the projects above a project, and of the domain: what is above the highest one, Keystone says, is that."""
    seen = {project.id}
    while project.parent_id and project.parent_id not in seen:
        yield project.parent_id
        seen.add(project.parent_id)
        if project.parent_id not in known:
            return
        project = known[project.parent_id]


def _grant(project: str, one: RoleAssignment) -> RoleGrant:
    return RoleGrant(project, one.actor, one.name, one.domain, one.role, one.role_domain)


def _without_secrets(one: t.Any) -> t.Any:
    """A flavor, volume type or host aggregate without values that look like secrets."""
    if isinstance(one, HostAggregate):
        return dataclasses.replace(one, properties=_hidden(one.properties))
    if isinstance(one, VolumeTypeFacts) and one.qos:
        one = dataclasses.replace(one, qos=dataclasses.replace(one.qos, specs=_hidden(one.qos.specs)))
    return dataclasses.replace(one, extra_specs=_hidden(one.extra_specs))


def _hidden(specs: Specs) -> dict[str, str | None]:
    return {key: None if _SECRET_NAME.search(key) else value for key, value in specs.items()}
