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
        unknown = sorted(_functions_in(jmespath.compile(query).parsed) - library("jmespath.functions", "jmespath").Functions.FUNCTION_TABLE.keys())
    except _FAILURES as error:
        return f"its query '{told(query)}' is not JMESPath ({told(error)})"
    return f"its query '{told(query)}' calls {' and '.join(f'{one}()' for one in unknown)}, which JMESPath does not have" if unknown else None


def _functions_in(parsed: t.Any) -> set[str]:
    """Names of the functions that a parsed query calls; the library looks for them only when it gets there."""
    found, waiting = set(), [parsed]
    while waiting:
        node = waiting.pop()
        if isinstance(node, dict):
            waiting += node.get("children", ())
            if node.get("type") == "function_expression":
                found.add(node["value"])
    return found


class Queryable:
    """Servers, as queries see them."""

    def __init__(self, servers: t.Iterable[Server]) -> None:
        self._by_id = {one.id: one for one in servers}
        self._documents = {one.id: _document(one) for one in self._by_id.values()}

    def selected(self, query: str) -> list[Server]:
        """The servers that a query yields, in the order in which it yields them.

        :raises InvalidInput: when it cannot be answered, or yields something else.
        """
        jmespath = library("jmespath", "jmespath")
        try:
            found = jmespath.search(query, list(self._documents.values()))
        except _FAILURES as error:
            raise InvalidInput(f"Query '{told(query)}' cannot be answered: {told(error)}.") from error
        ids = [self._id_of(one) for one in (found if isinstance(found, list) else [None])]
        if None in ids:
            raise InvalidInput(f"Query '{told(query)}' does not yield servers.", "Let it yield a list of what it is given, like [?metadata.role == 'web'].")
        return [self._by_id[one] for one in t.cast("dict[str, None]", dict.fromkeys(ids))]

    def _id_of(self, found: t.Any) -> str | None:
        """The id of a server as it was given to the query; None for what is none, also for metadata in which its owner has written another one's id."""
        name = found.get("id") if isinstance(found, dict) else None
        return name if isinstance(name, str) and self._documents.get(name) == found else None


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
