# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The names that applications, waves, projects, policies and sites get in an inventory. Pure."""

from __future__ import annotations

import collections
import re
import typing as t

#: All applications that can be protected or restored.
APPLICATIONS = "applications"
#: Applications for which something is wrong.
IN_DOUBT = "applications_in_doubt"
WAVE, PROJECT, POLICY, SITE = KINDS = ("wave", "project", "policy", "site")
#: What Ansible takes for something else than a host.
_RESERVED = frozenset({"all", "ungrouped", "localhost", "127.0.0.1", APPLICATIONS, IN_DOUBT})


def group_of(kind: str, name: str) -> str:
    """The group of all applications of a wave, project, policy or site."""
    return re.sub(r"[^A-Za-z0-9_]", "_", f"{kind}_{name}")


def host_of(application: str, project: str) -> str:
    """The host of an application that the plan does not name: owners know nothing of the names that others choose. No name has an '@'."""
    return f"{application}@{project}"


def group_problems(kind: str, names: t.Iterable[str]) -> t.Iterator[str]:
    """Names that would have the same group."""
    found = collections.defaultdict(list)
    for name in names:
        found[group_of(kind, name)].append(name)
    for group, alike in found.items():
        if len(alike) > 1:
            yield f"{kind} names {' and '.join(repr(one) for one in alike)} would both be the group '{group}'; change one of them"


def host_problem(name: str) -> str | None:
    """Why no application can have a name; None when it can."""
    is_group = name in _RESERVED or name.startswith(tuple(f"{kind}_" for kind in KINDS))
    return f"application '{name}' cannot be called so, because the inventory has something else of that name" if is_group else None
