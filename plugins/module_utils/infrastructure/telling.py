# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A comparison in words, for people and for machines. Pure."""

from __future__ import annotations

import collections
import typing as t

from . import captured
from .captured import Unseen
from .comparison import DIFFERENT, MISSING, SAME, UNKNOWN, Compared
from .expected import Key
from .remedies import Remedy

Told = dict[str, t.Any]


def title(kind: str, key: Key) -> str:
    """What something is called in sentences."""
    words: dict[str, t.Callable[..., str]] = {
        captured.PROJECTS: lambda name: f"Project '{name}'",
        captured.ROLES: lambda project, actor, name, domain, role, _of: f"Role '{role}' of {actor} '{name}' (domain '{domain}') in project '{project}'",
        captured.QUOTAS: lambda project, service: f"The {service} quotas of project '{project}'",
        captured.FLAVORS: lambda name: f"Flavor '{name}'",
        captured.FLAVOR_ACCESS: lambda name, project: f"Access of project '{project}' to flavor '{name}'",
        captured.VOLUME_TYPES: lambda name: f"Volume type '{name}'",
        captured.TYPE_ACCESS: lambda name, project: f"Access of project '{project}' to volume type '{name}'",
        captured.EXTERNAL_NETWORKS: lambda name: f"External network '{name}'",
        captured.EXTERNAL_ACCESS: lambda name, project: f"Access of project '{project}' to external network '{name}'",
        captured.ZONES: lambda service, name: f"Availability zone '{name}' of {'servers' if service == 'compute' else 'volumes'}",
        captured.AGGREGATES: lambda name: f"Host aggregate '{name}'",
    }
    return words[kind](*key)


def shown_key(key: Key) -> str:
    """What something is called in lists."""
    return " / ".join(filter(None, key))


def sentence(one: Compared) -> str:
    """One thing with everything that is wrong with it, on one line."""
    what = title(one.expected.kind, one.expected.key)
    if one.expected.source != one.expected.key:
        what += f" (at the primary site: {shown_key(one.expected.source)})"
    told = {
        SAME: "is as at the primary site.",
        MISSING: f"{_verb(one)} missing{_which(one)}.",
        DIFFERENT: f"{'differ' if _verb(one) == 'are' else 'differs'}{_which(one)}.",
        UNKNOWN: f"cannot be compared. {one.reason}",
    }[one.state]
    return f"{what} {told}"


def _verb(one: Compared) -> str:
    return "are" if one.expected.kind == captured.QUOTAS else "is"


def _which(one: Compared) -> str:
    return f": {'; '.join(str(change) for change in one.differences)}" if one.differences else ""


def as_dict(one: Compared, by_hand: str | None = None) -> Told:
    return {
        "kind": one.expected.kind,
        "name": shown_key(one.expected.key),
        "primary_name": shown_key(one.expected.source),
        "state": one.state,
        "differences": [{"attribute": change.attribute, "primary": change.primary, "remote": change.remote} for change in one.differences],
        "needed_by": [{"project": needer.project, "application": needer.application} for needer in one.needers],
        "text": sentence(one),
        "by_hand": by_hand,
    }


def by_needer(compared: t.Iterable[Compared]) -> list[Told]:
    """What each application and project lacks, or has otherwise."""
    found = collections.defaultdict(list)
    for one in compared:
        if one.state != SAME:
            for needer in one.needers:
                found[needer].append(sentence(one))
    return [{"project": one.project, "application": one.application, "lacks": found[one]} for one in sorted(found, key=str)]


def text(compared: t.Sequence[Compared], remedies: t.Iterable[Remedy], unseen: t.Sequence[Unseen]) -> str:
    """Everything for a terminal or a mail."""
    advice = {id(one.compared): one.by_hand for one in remedies}
    troubles = [one for one in compared if one.is_trouble]
    others = [one for one in compared if one.state != SAME and not one.is_trouble]
    lines = [f"{sum(one.state == SAME for one in compared)} of {len(compared)} things that applications stand on are as at the primary site."]
    for one in troubles:
        lines += ["", sentence(one), f"  Needed by {', '.join(map(str, one.needers))}."]
        if advice.get(id(one)):
            lines.append(f"  By hand: {advice[id(one)]}")
    if others:
        lines += ["", "Used by nobody in the site plan at present:"]
        lines += [f"  {sentence(one)}" for one in others]
    if unseen:
        lines += ["", "Not seen when it was captured at the primary site:"]
        lines += [f"  {one}" for one in unseen]
    return "\n".join(lines) + "\n"
