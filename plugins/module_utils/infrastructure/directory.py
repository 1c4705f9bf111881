# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whom the remote site knows, of those who lack roles there. Each is asked for by name: a directory of people may list thousands, or none without a name."""

from __future__ import annotations

import dataclasses
import typing as t

from ..cloud.identity import Identity
from ..core.infrastructure import RoleGrant
from ..work.pool import each


@dataclasses.dataclass(frozen=True)
class Directory:
    """Ids at the remote site.

    :param domains: per name.
    :param actors: per kind, name of the domain, and name of a group or user.
    :param roles: per name of the domain that alone has the role, or nothing, and name of the role.
    """

    domains: t.Mapping[str, str] = dataclasses.field(default_factory=dict)
    actors: t.Mapping[tuple[str, str, str], str] = dataclasses.field(default_factory=dict)
    roles: t.Mapping[tuple[str, str], str] = dataclasses.field(default_factory=dict)


def directory(identity: Identity, lacking: t.Iterable[RoleGrant], concurrency: int) -> Directory:
    """Look for everybody and everything that roles which are lacking need."""
    lacking = list(lacking)
    names = identity.domains()
    domains = {name: key for key, name in names.items()}
    wanted = sorted({(one.actor, one.domain, one.name) for one in lacking if one.domain in domains})

    def ask(one: tuple[str, str, str]) -> str | None:
        actor, domain, name = one
        found = identity.named(f"{actor}s", name=name, domain_id=domains[domain])
        return next((there.id for there in found if there.name == name), None)

    actors = dict(zip(wanted, each(wanted, ask, concurrency), strict=True))
    scopes = sorted({one.role_domain or "" for one in lacking if not one.role_domain or one.role_domain in domains})
    roles = each(scopes, lambda scope: identity.named("roles", **({"domain_id": domains[scope]} if scope else {})), concurrency)
    return Directory(
        domains,
        {key: found for key, found in actors.items() if found},
        {(scope, role.name): role.id for scope, there in zip(scopes, roles, strict=True) for role in there},
    )
