# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import dataclasses
import re

import pytest
from ansible_collections.osdr.openstack.plugins.module_utils.application.definition import Application
from ansible_collections.osdr.openstack.plugins.module_utils.catalogue.active_record import ActiveRecord, DamagedRecord
from ansible_collections.osdr.openstack.plugins.module_utils.catalogue.catalogue import Catalogue
from ansible_collections.osdr.openstack.plugins.module_utils.core.errors import CloudError
from ansible_collections.osdr.openstack.plugins.module_utils.failover import active_site
from ansible_collections.osdr.openstack.plugins.module_utils.failover.active_site import Move, View
from ansible_collections.osdr.openstack.plugins.module_utils.failover.fence_mark import FenceMark
from ansible_collections.osdr.openstack.tests.unit.support import shop
from ansible_collections.osdr.openstack.tests.unit.support.fakes import FakeStore, server

APPLICATION = Application.parse({"name": "shop", "tiers": [{"name": "all", "servers": ["orders-db", "shop-front"]}]})
EARLY, NOON, LATE = "2026-01-01T10:00:00Z", "2026-01-01T12:00:00Z", "2026-01-01T14:00:00Z"
DAMAGED = DamagedRecord("Object 'shop/_active.json' is not a JSON document.")


def record(site, since=NOON, checkpoint="noon"):
    return ActiveRecord("shop", site, since, checkpoint)


def fenced(name, site="remote", checkpoint="noon", **changes):
    mark = FenceMark("shop", site, checkpoint, NOON, "")
    return server(name, **{"status": "SHUTOFF", "locked": True, "metadata": mark.metadata(), **changes})


def view(name, found=None, servers=(), checkpoints=()):
    return View(name, found, tuple(one.checkpoint for one in checkpoints), tuple(servers))


def taken_at(site, moment):
    made = shop.taken("of-" + site, moment)
    return dataclasses.replace(made, checkpoint=dataclasses.replace(made.checkpoint, site=site))


RUNNING = (server("orders-db"), server("shop-front"))
OLD = (fenced("orders-db"), fenced("shop-front"))


def back(source=None, target=None):
    """From the remote site, where the application runs, to the primary one, where it is fenced."""
    return Move(
        APPLICATION,
        view("remote", **{"found": record("remote"), "servers": RUNNING, **(source or {})}),
        view("primary", **{"found": record("remote"), "servers": OLD, **(target or {})}),
    )


def forth(source=None, target=None):
    """For the first time."""
    return Move(APPLICATION, view("primary", **{"servers": RUNNING, **(source or {})}), view("remote", **(target or {})))


@pytest.mark.parametrize("move", [forth(), back(), forth({"servers": ()}), forth({"found": record("primary")}, {"found": record("primary")})])
def test_where_nothing_speaks_against_it_there_is_no_doubt(move):
    assert move.problems(None) == []


DOUBTS = [
    pytest.param(back({"found": None}), "catalogue of site 'remote' has no record .* the other says at site 'remote' since", id="no record at the source"),
    pytest.param(back(target={"found": None}), "catalogue of site 'primary' has no record", id="no record at the target"),
    pytest.param(back({"found": None}, {"found": None}), r"No catalogue says .* \(orders-db, shop-front at 'primary'\)", id="no record at all"),
    pytest.param(back({"found": DAMAGED}), "not a JSON document. So it is unknown which site has the right data", id="damaged"),
    pytest.param(back(target={"found": record("primary", LATE)}), "runs at site 'primary' since .*, not at site 'remote'", id="the other is newer"),
    pytest.param(back({"checkpoints": [taken_at("primary", LATE)]}), "'of-primary', taken at site 'primary' at .*, is newer than its record", id="checkpoint"),
    pytest.param(
        forth({"checkpoints": [taken_at("remote", EARLY)]}), "'of-remote', taken at site 'remote' at .*, is there, and no record", id="checkpoint, no record"
    ),
]


@pytest.mark.parametrize(("move", "expected"), DOUBTS)
def test_every_doubt_is_told_in_words_with_the_way_out(move, expected):
    (found,) = [one for one in move.problems(None) if re.search(expected, one)]
    assert f"active_site: {move.source.name}." in found


@pytest.mark.parametrize(("move", "expected"), DOUBTS)
def test_who_knows_better_can_say_so(move, expected):
    assert expected and move.problems(move.source.name) == []


def test_older_checkpoints_of_the_other_site_and_its_older_record_raise_no_doubt():
    move = back({"checkpoints": [taken_at("primary", EARLY)]}, {"found": record("primary", EARLY)})
    assert move.problems(None) == []


@pytest.mark.parametrize("active", [None, "remote"])
def test_servers_that_run_at_both_sites_are_a_problem_whatever_somebody_says(active):
    move = back(target={"servers": (fenced("orders-db"), server("shop-front"))})
    assert any("run at both sites (orders-db, shop-front at 'remote', shop-front at 'primary')" in one for one in move.problems(active))


@pytest.mark.parametrize(("active", "expected"), [("primary", "nothing to move there"), ("atlantis", "but the move is from 'remote' to 'primary'")])
def test_a_site_that_is_said_to_be_right_must_be_the_one_it_is_moved_from(active, expected):
    assert expected in back().problems(active)[0]


def test_what_is_fenced_for_a_third_site_cannot_be_moved():
    move = forth({"servers": (fenced("orders-db", "elsewhere"),)})
    assert "fenced because the application runs at 'elsewhere'" in move.problems("primary")[0]


def test_a_move_that_was_begun_is_known_by_its_marks_and_goes_on_without_doubts():
    stopped = (fenced("orders-db", checkpoint="x"), fenced("shop-front", checkpoint="x"))
    move = forth({"servers": stopped}, {"servers": (server("orders-db", id="restored"),), "found": None})
    assert (move.begun, move.is_held, move.is_done) == ({"x"}, True, False)
    assert move.problems(None) == []


@pytest.mark.parametrize(
    "front",
    [server("shop-front"), fenced("shop-front", checkpoint="x", status="ACTIVE"), fenced("shop-front", checkpoint="x", locked=False)],
    ids=["runs unmarked", "runs", "unlocked"],
)
def test_a_move_whose_servers_were_let_go_is_no_answer_to_doubts(front):
    move = forth({"servers": (fenced("orders-db", checkpoint="x"), front)}, {"servers": (fenced("orders-db"),), "found": None})
    assert (move.begun, move.is_held, move.let_go) == ({"x"}, False, ["shop-front"])
    assert "No catalogue says where the application runs" in move.problems(None)[0]


def test_a_fence_that_knows_no_checkpoint_is_no_move_that_was_begun():
    assert forth({"servers": (fenced("orders-db", checkpoint=""),)}).begun == set()


@pytest.mark.parametrize(
    ("source", "target", "done"),
    [
        ({"servers": OLD}, {"found": record("remote")}, True),
        ({"servers": OLD, "found": record("primary", EARLY)}, {"found": record("remote")}, True),
        ({"servers": OLD, "found": record("primary", LATE)}, {"found": record("remote")}, False),
        ({"servers": (*OLD, server("late"))}, {"found": record("remote")}, False),
        ({"servers": RUNNING}, {"found": record("remote")}, False),
        ({"servers": OLD}, {}, False),
    ],
)
def test_a_move_is_done_when_the_record_says_so_and_nothing_runs_behind_it(source, target, done):
    assert forth(source, target).is_done is done


def test_servers_of_the_application_bear_its_marks_or_its_names():
    mine = [server("orders-db"), fenced("old-name"), server("restored", metadata=shop.mark(1).metadata())]
    drilled = server("drill-7-orders-db", metadata={**shop.mark(1).metadata(), "osdr_drill": "7"})
    others = [server("blog"), server("shop-front", metadata={"osdr_application": "blog"}), drilled]
    assert active_site.of_application(APPLICATION, [*mine, *others]) == mine


@pytest.mark.parametrize(
    ("own", "others", "expected"),
    [
        (None, None, None),
        (None, record("primary"), None),
        (record("primary", LATE), record("remote"), None),
        (None, record("remote"), "runs at site 'remote' since .*, not at site 'primary'"),
        (record("primary", EARLY), record("remote"), "not at site 'primary'"),
        (DAMAGED, record("primary"), "unknown where the application runs; record it with the playbook active_site"),
        (None, DAMAGED, "unknown where"),
    ],
)
def test_no_checkpoint_is_taken_where_the_application_does_not_run(own, others, expected):
    found = active_site.refusals("primary", own, others)
    assert bool(found) is bool(expected)
    assert not expected or re.search(expected, found[0])


def test_a_site_without_an_object_store_has_no_record():
    class Broken(FakeStore):
        def read(self, *_arguments):
            raise CloudError("There is no object store.")

    assert active_site.own_record(Catalogue(Broken()), "shop") is None


def test_a_view_is_told():
    catalogue = Catalogue(FakeStore())
    catalogue.publish(shop.manifest())
    catalogue.set_active(record("remote"))
    seen = active_site.look("remote", catalogue, APPLICATION, [*RUNNING, server("blog")])
    assert seen.as_dict() == {
        "site": "remote",
        "record": record("remote").as_dict(),
        "damaged": None,
        "newest_checkpoint": "noon",
        "running": ["orders-db", "shop-front"],
        "servers": ["orders-db", "shop-front"],
    }
    assert view("remote", DAMAGED).as_dict()["damaged"] == DAMAGED.problem


def test_an_older_record_of_one_site_is_told():
    older = ActiveRecord("shop", "primary", "2026-01-01T10:00:00.000Z", "")
    newer = ActiveRecord("shop", "remote", "2026-01-01T12:00:00.000Z", "noon")
    views = [active_site.View("primary", older, (), ()), active_site.View("remote", newer, (), ())]
    (warning,) = active_site.outdated(views)
    assert "site 'primary' says that application 'shop' runs at site 'primary' since 2026-01-01T10:00:00.000Z" in warning
    assert "record at another site says at site 'remote'" in warning
    assert active_site.outdated(views[:1]) == active_site.outdated([views[1]] * 2) == active_site.outdated([active_site.View("x", None, (), ())]) == []
