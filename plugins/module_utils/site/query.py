# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A tier as a query over the servers of a project, in JMESPath. Pure."""

from __future__ import annotations

import math
import typing as t

from ..core.errors import InvalidInput
from ..core.libraries import library
from ..core.records import Server
from ..core.text import told

#: What the library ends with for an expression that is none, too deep, or not meant for what it is given; its own errors are among them.
_FAILURES = (ArithmeticError, LookupError, RecursionError, TypeError, ValueError)
#: Parts of a query that list what they are given, as often as somebody writes: ``[@, @][]`` twenty times over is a million times the servers.
_LISTING = ("multi_select_list", "multi_select_dict")
_MOST_COPIES = 1000


def query_problem(query: str) -> str | None:
    """Why a query cannot be used; None when it can."""
    jmespath = library("jmespath", "jmespath")
    try:
        nodes = list(_nodes_of(jmespath.compile(query).parsed))
    except _FAILURES as error:
        return f"its query '{told(query)}' is not JMESPath ({told(error)})"
    known = library("jmespath.functions", "jmespath").Functions.FUNCTION_TABLE
    # The library looks for a function only when it gets there.
    unknown = sorted({node["value"] for node in nodes if node["type"] == "function_expression"} - known.keys())
    if unknown:
        return f"its query '{told(query)}' calls {' and '.join(f'{one}()' for one in unknown)}, which JMESPath does not have"
    # Nothing else multiplies: what is inside sees no more than the element that it is asked for.
    if math.prod(len(node["children"]) for node in nodes if node["type"] in _LISTING) > _MOST_COPIES:
        return f"its query '{told(query)}' would make more than {_MOST_COPIES:,} copies of what it is given"
    return None


def _nodes_of(parsed: t.Any) -> t.Iterator[dict[str, t.Any]]:
    """All parts of a parsed query."""
    waiting = [parsed]
    while waiting:
        node = waiting.pop()
        # A slice has numbers inside.
        if isinstance(node, dict):
            yield node
            waiting += node["children"]


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
