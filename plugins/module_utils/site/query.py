# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A tier as a query over the servers of a project, in JMESPath. Pure."""

from __future__ import annotations

import typing as t

from ..core.errors import InvalidInput
from ..core.libraries import library
from ..core.records import Server
from ..core.text import told

#: What the library ends with for an expression that is none, too deep, or not meant for what it is given; its own errors are among them.
_FAILURES = (ArithmeticError, LookupError, RecursionError, TypeError, ValueError)


def query_problem(query: str) -> str | None:
    """Why a query cannot be used; None when it can."""
    jmespath = library("jmespath", "jmespath")
    try:
        jmespath.compile(query)
    except _FAILURES as error:
        return f"its query '{told(query)}' is not JMESPath ({told(error)})"
    return None


class Queryable:
    """Servers, as queries see them."""

    def __init__(self, servers: t.Iterable[Server]) -> None:
        self._by_id = {one.id: one for one in servers}
        self._documents = [_document(one) for one in self._by_id.values()]

    def selected(self, query: str) -> list[Server]:
        """The servers that a query yields, in the order in which it yields them.

        :raises InvalidInput: when it cannot be answered, or yields something else.
        """
        jmespath = library("jmespath", "jmespath")
        try:
            found = jmespath.search(query, self._documents)
        except _FAILURES as error:
            raise InvalidInput(f"Query '{told(query)}' cannot be answered: {told(error)}.") from error
        ids = [one.get("id") if isinstance(one, dict) else None for one in (found if isinstance(found, list) else [None])]
        if not all(isinstance(one, str) and one in self._by_id for one in ids):
            raise InvalidInput(f"Query '{told(query)}' does not yield servers.", "Let it yield a list of what it is given, like [?metadata.role == 'web'].")
        return [self._by_id[one] for one in t.cast("dict[str, None]", dict.fromkeys(ids))]


def _document(server: Server) -> dict[str, t.Any]:
    return {
        "id": server.id,
        "name": server.name,
        "status": server.status,
        "description": server.description,
        "metadata": dict(server.metadata),
        "tags": list(server.tags),
        "flavor": server.flavor.name,
        "availability_zone": server.availability_zone,
        "created_at": server.created_at,
    }
