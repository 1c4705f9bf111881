# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import pytest
from ansible_collections.osdr.openstack.plugins.module_utils.core.errors import InvalidInput
from ansible_collections.osdr.openstack.plugins.module_utils.site.query import Queryable, query_problem
from ansible_collections.osdr.openstack.tests.unit.support.fakes import server

SERVERS = [
    server("web-1", metadata={"role": "web"}, tags=("blue",), created_at="2026-01-02T00:00:00Z"),
    server("web-2", metadata={"role": "web"}, status="SHUTOFF", created_at="2026-01-01T00:00:00Z"),
    server("db-1", metadata={"dr:application": "shop"}, description="the database", availability_zone="az2"),
]


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("[?metadata.role == 'web']", ["web-1", "web-2"]),
        ("sort_by([?metadata.role == 'web'], &created_at)", ["web-2", "web-1"]),
        ("[?contains(tags, 'blue')]", ["web-1"]),
        ("[?starts_with(name, 'db-')]", ["db-1"]),
        ("[?metadata.\"dr:application\" == 'shop']", ["db-1"]),
        ("[?status == 'SHUTOFF' || availability_zone == 'az2']", ["web-2", "db-1"]),
        ("[?flavor == 'small' && description == 'the database']", ["db-1"]),
        ("[[0], [0]][]", ["web-1"]),
        ("[?name == 'nothing']", []),
    ],
)
def test_what_a_query_selects(query, found):
    assert query_problem(query) is None
    assert [one.name for one in Queryable(SERVERS).selected(query)] == found


@pytest.mark.parametrize(
    "query",
    ["[].{id: id}", "[].name", "length(@)", "missing", "[].metadata", "[{id: 'of another'}]", "[].{id: tags}", "[].{name: name}", "'web-1'", "`[null]`"],
)
def test_a_query_that_yields_something_else_is_refused(query):
    with pytest.raises(InvalidInput, match="does not yield servers. Let it yield a list"):
        Queryable(SERVERS).selected(query)


def test_no_owner_leads_a_query_to_another_ones_server():
    liar = server("liar", metadata={"id": "id-db-1"})
    with pytest.raises(InvalidInput, match="does not yield servers"):
        Queryable([*SERVERS, liar]).selected("[?name == 'liar'].metadata")


@pytest.mark.parametrize(
    ("query", "told"),
    [
        ("[?nothing && nonsense(name)]", "calls nonsense(), which JMESPath does not have"),
        ("map(&more(@), [?less(name)])", "calls less() and more(), which JMESPath does not have"),
    ],
)
def test_a_function_that_does_not_exist_is_a_problem_wherever_it_is_called(query, told):
    assert query_problem(query) == f"its query '{query}' {told}"


@pytest.mark.parametrize("part", ["[@, @][]", "{a: @, b: @} | values(@)[]", "map(&[@, @], @)[]"])
def test_a_short_query_cannot_take_all_memory(part):
    assert query_problem(" | ".join([part] * 9)) is None
    assert "would make more than 1,000 copies of what it is given" in query_problem(" | ".join([part] * 30))


@pytest.mark.parametrize("query", ["[::2]", "[0:1]", "[-1]", "@", "*", "[?name].name | [0]", "`[1, 2]`", "[*].tags[]", "not_null(a, `1`)", "&a"])
def test_all_kinds_of_parts_are_looked_at(query):
    assert query_problem(query) is None


@pytest.mark.parametrize("query", ["[?starts_with(metadata, 'a')]", "[::0]", "nonsense(@)", "sort_by(@, &metadata)", "[?"])
def test_a_query_that_cannot_be_answered_is_refused(query):
    with pytest.raises(InvalidInput, match="cannot be answered"):
        Queryable(SERVERS).selected(query)


@pytest.mark.parametrize("query", ["[?", "nonsense(", "a b", "(" * 2000])
def test_what_is_no_query_is_a_problem(query):
    assert "is not JMESPath" in query_problem(query)
