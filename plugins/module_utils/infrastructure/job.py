# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Capture the infrastructure of the primary site, and judge the remote one by it."""

from __future__ import annotations

import dataclasses
import typing as t

from ..cloud.identity import Identity
from ..cloud.session import Cloud
from ..core.errors import CheckFailed, InvalidInput
from ..mapping.mapping import SiteMapping
from ..site.plan import SitePlan
from . import captured
from .captured import Infrastructure, KeptInfrastructure, Unseen
from .comparison import MISSING, SAME, Compared, compare
from .directory import Directory, directory
from .expected import Key, SiteNames, expected
from .look import InfrastructureAccess, SiteFacts, SiteSide, look
from .making import SiteMaker
from .remedies import Remedy, counts, is_complete, remedies
from .telling import as_dict, by_needer, shown_key, text, title
from .use import in_use

_NEW = "The site plan did not have it when the infrastructure was captured. Capture it again."


def capture(plan: SitePlan, access: InfrastructureAccess) -> Infrastructure:
    """What the applications of the primary site stand on.

    :raises DrError: when the site, or a project of it, cannot be asked, or may answer later.
    """
    facts = look(SiteSide.primary(plan), plan.users, access)
    used, unseen = in_use(plan, access)
    unknown = [name for name in plan.projects if name not in facts.ids[captured.PROJECTS]]
    if unknown:
        raise InvalidInput(
            f"The administrator of site '{plan.primary.name}' does not find {', '.join(f'project {name!r}' for name in unknown)} there.",
            "Correct the entries of clouds.yaml that the site plan names for it, or take it out of the plan.",
        )
    return dataclasses.replace(facts.infrastructure, in_use=used, unseen=(*facts.infrastructure.unseen, *unseen))


def kept_for(plan: SitePlan, kept: KeptInfrastructure | None) -> KeptInfrastructure:
    """What was captured of the primary site of a plan, as far as it concerns the projects that the plan has by now.

    :raises InvalidInput: when there is nothing, or it is of another site.
    """
    if kept is None:
        raise InvalidInput("No infrastructure is kept in the catalogue.", "Capture it with os_site_infrastructure while the primary site can be reached.")
    if kept.infrastructure.site != plan.primary.name:
        raise InvalidInput(
            f"The infrastructure in the catalogue is of site '{kept.infrastructure.site}', and the primary site of the plan is '{plan.primary.name}'.",
            "Name the catalogue of this plan, or capture the infrastructure again.",
        )
    found = kept.infrastructure.of_projects(plan.projects)
    known = {one.planned for one in found.projects}
    new = [Unseen(captured.IN_USE, _NEW, name) for name in plan.projects if name not in known]
    return dataclasses.replace(kept, infrastructure=dataclasses.replace(found, unseen=(*found.unseen, *new)))


def site_names(plan: SitePlan, mapping: t.Mapping[str, t.Any] | None, mappings: t.Mapping[str, t.Any]) -> SiteNames:
    """What things are called at the remote site.

    :param mapping: of all restores.
    :param mappings: others, per name of an application in the inventory.
    :raises MappingInvalid: naming everything that is wrong with one.
    """
    return SiteNames(plan.users, SiteMapping.parse(mapping), {name: SiteMapping.parse(one) for name, one in mappings.items()})


@dataclasses.dataclass(frozen=True)
class SiteJudgement:
    """The remote site, compared with what was captured.

    :param cloud: the remote site as its administrator.
    :param known: whom it knows.
    """

    kept: KeptInfrastructure
    cloud: Cloud
    remote: SiteFacts
    compared: tuple[Compared, ...]
    known: Directory

    def remedies(self, asked: t.Collection[str] = captured.KINDS) -> list[Remedy]:
        return remedies(self.compared, asked, self.remote, self.known)

    def report(self) -> dict[str, t.Any]:
        """The whole comparison, of what is as it should be only how much."""
        todo = self.remedies()
        by_hand = {id(one.compared): one.by_hand for one in todo}
        return {
            "primary": self.kept.infrastructure.site,
            "remote": self.remote.infrastructure.site,
            "captured_at": self.kept.captured_at,
            "complete": is_complete(self.compared, self.kept.infrastructure.unseen),
            "counts": counts(self.compared),
            "findings": [as_dict(one, by_hand.get(id(one))) for one in self.compared if one.state != SAME],
            "needers": by_needer(self.compared),
            "unseen": [str(one) for one in self.kept.infrastructure.unseen],
            "text": text(self.compared, todo, self.kept.infrastructure.unseen),
        }


def judge(plan: SitePlan, kept: KeptInfrastructure, names: SiteNames, access: InfrastructureAccess) -> SiteJudgement:
    """Compare the remote site with what was captured; the primary site is not asked.

    :raises DrError: when the remote site cannot be asked.
    """
    side = SiteSide.remote(plan)
    cloud = side.administrator(access)
    remote = look(side, set(plan.users.values()), access)
    compared = tuple(compare(expected(kept.infrastructure, names), remote))
    lacking = [one.expected.facts for one in compared if one.state == MISSING and one.expected.kind == captured.ROLES]
    return SiteJudgement(kept, cloud, remote, compared, directory(Identity(cloud), lacking, access.concurrency))


@dataclasses.dataclass(frozen=True)
class MakingPlan:
    """What is made of the kinds that were asked for, and what a person has to do."""

    judgement: SiteJudgement
    remedies: tuple[Remedy, ...]

    @classmethod
    def of(cls, judgement: SiteJudgement, asked: t.Collection[str]) -> MakingPlan:
        return cls(judgement, tuple(judgement.remedies(asked)))

    @property
    def wanted(self) -> list[Compared]:
        """Each thing once, also one that stands for several of the primary site: as its namesake there is, if it has one."""
        makeable = [one.compared for one in self.remedies if one.by_hand is None]
        chosen: dict[tuple[str, Key], Compared] = {}
        for one in sorted(makeable, key=lambda one: one.expected.is_mapped):
            chosen.setdefault((one.expected.kind, one.expected.key), one)
        return [one for one in makeable if chosen[one.expected.kind, one.expected.key] is one]

    @property
    def made(self) -> list[dict[str, str]]:
        return [{"kind": one.expected.kind, "name": shown_key(one.expected.key)} for one in self.wanted]

    @property
    def by_hand(self) -> list[dict[str, t.Any]]:
        return [as_dict(one.compared, one.by_hand) for one in self.remedies if one.by_hand is not None]

    @property
    def notes(self) -> list[str]:
        """What does not come with what is made."""
        encrypted = [one for one in self.wanted if one.expected.kind == captured.VOLUME_TYPES and one.expected.facts.encryption]
        return [
            f"{title(one.expected.kind, one.expected.key)} encrypts, and the keys of volumes are not part of it: they come with checkpoints that seal them."
            for one in encrypted
        ]

    @property
    def diff(self) -> dict[str, t.Any]:
        after: dict[str, t.Any] = {}
        for one in self.wanted:
            attributes = {change.attribute: change.primary for change in one.differences} or dict(one.expected.attributes)
            after.setdefault(one.expected.kind, {})[shown_key(one.expected.key)] = attributes
        return {"before": {}, "after": after}

    def carry_out(self, concurrency: int) -> None:
        """Make all of it.

        :raises CheckFailed: naming what could not be made; everything else is made by then.
        """
        judgement = self.judgement
        done = SiteMaker(judgement.cloud, judgement.remote, judgement.known).make(self.wanted, concurrency)
        if done.failed:
            problems = [f"{title(one.expected.kind, one.expected.key)}: {error}" for one, error in done.failed]
            made = f"{len(done.made)} of {len(self.wanted)} things were made" if done.made else "nothing was made"
            raise CheckFailed(f"Not everything could be made at site '{judgement.remote.infrastructure.site}'", problems, done=made)
