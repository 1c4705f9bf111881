# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import json

import pytest
from ansible_collections.osdr.openstack.plugins.plugin_utils.report import page
from ansible_collections.osdr.openstack.plugins.plugin_utils.report.site_view import site_page
from ansible_collections.osdr.openstack.tests.unit.support import runs, sites


def figures(**changes):
    return {one.name: (one.value, one.note, one.state) for one in site_page(sites.status(**changes)).figures}


def cells(section, **changes):
    """Texts with their details, of each row of a section's table."""
    found = next(one for one in site_page(sites.status(**changes)).sections if one.id == section)
    return [[(cell.text, cell.detail, cell.state) for cell in row] for row in (found.table.rows if found.table else ())]


def lead(section, **changes):
    return next(one.lead for one in site_page(sites.status(**changes)).sections if one.id == section)


def test_the_figures_that_matter():
    assert figures() == {
        "To do": ("2", "1 of them critical", "bad"),
        "Recovery points on time": ("2 of 4", "the oldest: 5 h 33 min", "bad"),
        "Recovery of the whole plan": ("10 min 10 s", "at least: without 1 application", ""),
        "Servers that nobody protects": ("1", "with 7.0 GiB", "bad"),
    }


def test_the_figures_of_a_site_where_all_is_well():
    recovery = {**sites.STATUS["recovery"], "unknown": [], "whole": True}
    found = figures(alerts=[], applications=sites.STATUS["applications"][:2], unprotected=[], recovery=recovery)
    assert [one[2] for one in found.values()] == ["good", "good", "", "good"]
    assert found["Recovery of the whole plan"] == ("10 min 10 s", "predicted from drills", "")


def test_where_nothing_was_measured_no_time_is_told():
    recovery = {**sites.STATUS["recovery"], "seconds": 0.0, "unknown": ["identity", "shop"], "critical_path": []}
    assert figures(recovery=recovery)["Recovery of the whole plan"][0] == "not known"


def test_what_is_to_do_is_told_with_where_and_how_urgent_it_is():
    assert cells("todo")[0] == [
        ("Application 'crm'", "critical", "bad"),
        (sites.LATE["what"], sites.LATE["todo"], ""),
    ]
    assert (cells("todo", alerts=[]), lead("todo", alerts=[])) == ([], "Nothing.")


@pytest.mark.parametrize(
    ("number", "row"),
    [
        (
            0,
            [
                ("identity", "foundation, core, gold", ""),
                ("50 min 0 s, quiesced", "wanted: every 1 h, quiesced", "good"),
                ("2 d 4 h ago", "wanted: every 7 d", "good"),
                ("5 min 5 s", "the last drill took 5 min 12 s, predicted 4 min 50 s", ""),
                ("0", "", ""),
                ("nothing", "", "good"),
            ],
        ),
        (
            2,
            [
                ("crm", "business, shop, gold", ""),
                ("5 h 33 min, quiesced", "wanted: every 1 h, quiesced", "bad"),
                ("none", "wanted: every 7 d", "bad"),
                ("not known", "never measured: the time that volumes take", ""),
                ("–", "", ""),
                ("nothing", "", "good"),
            ],
        ),
        (
            3,
            [
                ("wiki@shop", "business, shop, gold", ""),
                ("not known", "wanted: every 1 h, quiesced", "bad"),
                ("2 d 4 h ago", "wanted: every 7 d", "good"),
                ("5 min 5 s", "the last drill took 5 min 12 s, predicted 4 min 50 s", ""),
                ("0", "", ""),
                ("not known", "", ""),
            ],
        ),
    ],
    ids=["as it should be", "late and never drilled", "unknown"],
)
def test_an_application_is_one_row(number, row):
    assert cells("applications")[number] == row


def test_what_restores_lack_and_what_has_changed_is_counted():
    assert cells("applications")[1][4:] == [("1", "", ""), ("1 thing", "see above", "bad")]


def test_what_decides_how_long_the_recovery_takes():
    assert cells("recovery") == [[("identity", "", ""), ("5 min 5 s", "", "")], [("shop", "", ""), ("5 min 5 s", "", "")]]
    assert lead("recovery") == (
        "No more than 6 applications are recovered at once, wave by wave. The time is not known of crm; they count as if they took none. "
        "Predictions of the last drills were off by 7%, in the middle."
    )


def test_hosts_and_what_applications_stand_on():
    assert cells("there") == [
        [("Servers", "", ""), ("12", "", ""), ("no room for 1", "", "bad")],
        [("Processors", "", ""), ("24", "", ""), ("400", "", "")],
        [("Memory", "", ""), ("48.0 GiB", "", ""), ("40.0 GiB", "", "")],
        [("flavors", "", ""), ("13", "", ""), ("1 missing", "", "")],
    ]
    assert cells("there", capacity=None, infrastructure=None) == []


def test_servers_that_nobody_protects():
    assert cells("unprotected") == [[("shop", "", ""), ("1", "build-3", ""), ("7.0 GiB", "", ""), ("2026-10-01 00:00:00 UTC", "", "")]]
    assert lead("unprotected", unprotected=[]) == "None is known."


def test_names_are_text_and_never_markup():
    html = page.site_html(sites.hostile(runs.HOSTILE))
    assert "<script" not in html and "<img" not in html and "{{ 7 * 7 }}" in html and "&lt;script&gt;" in html


@pytest.mark.parametrize("status", [{}, {"alerts": "x", "applications": [1], "recovery": [], "capacity": 5, "infrastructure": {"counts": 1}}])
def test_what_is_not_as_it_should_be_counts_as_not_known(status):
    assert "not known" in page.site_html(status)


def test_the_same_facts_make_the_same_files():
    assert page.site_html(sites.status()) == page.site_html(sites.status())
    assert json.loads(page.site_document(sites.status())) == sites.STATUS
