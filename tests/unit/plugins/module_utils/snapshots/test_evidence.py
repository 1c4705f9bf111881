# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import dataclasses
import datetime
import json
from types import SimpleNamespace

import pytest
from ansible_collections.osdr.openstack.plugins.module_utils.cloud.site_clock import Difference, SiteClock
from ansible_collections.osdr.openstack.plugins.module_utils.core.consistency import LEVELS, weakest
from ansible_collections.osdr.openstack.plugins.module_utils.core.errors import CheckFailed
from ansible_collections.osdr.openstack.plugins.module_utils.core.states import state_of
from ansible_collections.osdr.openstack.plugins.module_utils.quiesce.mark import FreezeMark
from ansible_collections.osdr.openstack.plugins.module_utils.quiesce.window import Member
from ansible_collections.osdr.openstack.plugins.module_utils.snapshots.evidence import (
    Evidence,
    Seen,
    ServerEvidence,
    SetEvidence,
    SnapshotEvidence,
    confirmed,
    strangers_of,
)
from ansible_collections.osdr.openstack.plugins.module_utils.snapshots.grouping import CONSISTENT_GROUP, INDIVIDUAL, Unit
from ansible_collections.osdr.openstack.plugins.module_utils.snapshots.proof import Taken
from ansible_collections.osdr.openstack.plugins.module_utils.work.clock import Moment
from ansible_collections.osdr.openstack.tests.unit.support.fakes import (
    FakeDriver,
    attached,
    server,
    snapshot,
    volume,
)

ORDERS, PAYMENTS = server("orders"), server("payments")
OFF, PAUSED, SUSPENDED = (state_of(server("x", status=status)) for status in ("SHUTOFF", "PAUSED", "SUSPENDED"))
CLOCK = SiteClock("primary")
REASONS = [
    pytest.param("", id="none"),
    pytest.param("short", id="short"),
    pytest.param("long " * 100, id="long"),
    pytest.param("ü" * 300, id="not ASCII"),
    pytest.param("\N{SNOWMAN}" * 60, id="long only in JSON"),
    pytest.param("\N{CHEESE WEDGE}" * 300, id="pairs of escapes"),
    pytest.param('"quoted" \\ and\nbroken\x00 ' * 20, id="escapes"),
    pytest.param("a" * 400 + "ü" * 400, id="escapes at the end"),
    pytest.param("ü" * 400 + "a" * 400, id="escapes at the beginning"),
]


def at(seconds):
    start = datetime.datetime(2026, 11, 22, 12, tzinfo=datetime.UTC)
    return Moment(seconds, start + datetime.timedelta(seconds=seconds))


def taken(requested=3, complete=4):
    return Taken(at(requested), at(complete))


def member(which, **changes):
    values = {
        "guard": "nova",
        "freeze_requested": at(1),
        "frozen": at(2),
        "filesystems_frozen": 2,
        "thaw_requested": at(5),
        "thawed": at(6),
        "filesystems_thawed": 2,
        "guard_fired": False,
        "guard_until": at(60),
    }
    return Member(which, "database", FakeDriver(), **{**values, **changes})


def window(*members):
    return SimpleNamespace(members=members, started=at(1), all_frozen=at(2), ended=at(6))


def mark(**changes):
    one = FreezeMark("libvirt", str(at(120)), "0123456789abcdef", str(at(1)), str(at(2)), filesystems=2, guard="guest")
    return dataclasses.replace(one, **changes)


def seen(volumes, frozen_by=None, standing=None, still=None):
    unit = Unit(INDIVIDUAL, "host@ceph#pool", tuple(volumes), "asked for")
    return Seen({one.id: taken() for one in volumes}, [unit], frozen_by, standing or {}, still or {}, CLOCK)


def evidence_of(servers, **looked):
    """Evidence of servers with their volumes."""
    volumes = {one.id: one for one in (volume for _server, volumes in servers for volume in volumes)}
    return seen(volumes.values(), **looked).evidence({one.id: (one, volumes) for one, volumes in servers})


def whole_set(evidence, homes):
    """The snapshots of a set with what is written to them, per server whose evidence each carries."""
    return [
        snapshot(name, volume_id=f"volume-{name}", metadata=evidence.metadata(f"volume-{name}", f"id-{home}"))
        for name, home in homes.items()
    ]


# What is kept


@pytest.mark.parametrize("reason", REASONS)
@pytest.mark.parametrize("pending", [None, "quiesced"])
def test_a_servers_evidence_fits_whatever_the_reason(reason, pending):
    one = ServerEvidence("00000000-0000-4000-8000-000000000000", "crash", reason, pending, {})
    metadata = one.metadata()
    assert all(len(value) <= 255 for value in metadata.values())
    read = ServerEvidence.read(snapshot("s", metadata=metadata))
    assert reason.startswith(read.reason)
    assert dataclasses.replace(read, reason=reason) == one


@pytest.mark.parametrize("reason", REASONS)
@pytest.mark.parametrize("backend", [None, "host@ceph#pool", "h" * 90])
def test_a_snapshots_evidence_fits_whatever_the_reason(reason, backend):
    one = SnapshotEvidence(str(at(1)), str(at(2)), CONSISTENT_GROUP, backend, reason)
    metadata = one.metadata()
    assert all(len(value) <= 255 for value in metadata.values())
    read = SnapshotEvidence.read(snapshot("s", metadata=metadata))
    assert reason.startswith(read.reason)
    assert dataclasses.replace(read, reason=reason) == one


@pytest.mark.parametrize("backend", [pytest.param("h" * 255, id="as long as Cinder allows"), pytest.param("hö" * 100, id="not ASCII")])
def test_a_snapshots_evidence_fits_however_long_its_backend_is_called(backend):
    one = SnapshotEvidence(str(at(1)), str(at(2)), CONSISTENT_GROUP, backend, "it can")
    metadata = one.metadata()
    assert all(len(value) <= 255 for value in metadata.values())
    read = SnapshotEvidence.read(snapshot("s", metadata=metadata))
    assert (read.requested, read.complete, read.strategy) == (one.requested, one.complete, one.strategy)
    # All that is not invented is whole.
    assert read.backend == backend[:100]


def test_a_reason_that_just_fits_is_kept_whole():
    overhead = len(ServerEvidence("id", "crash", "", None, {}).metadata()["osdr_server"])
    fitting = ServerEvidence("id", "crash", "x" * (255 - overhead), None, {})
    assert ServerEvidence.read(snapshot("s", metadata=fitting.metadata())) == fitting


def test_what_does_not_fit_even_without_a_reason_is_not_shortened_for_ever():
    one = ServerEvidence("i" * 300, "crash", "because", None, {})
    assert json.loads(one.metadata()["osdr_server"])["reason"] == ""


@pytest.mark.parametrize("letter", ["x", "ü"])
def test_a_reason_is_kept_as_far_as_it_fits(letter):
    """Cinder counts characters, whatever their alphabet."""
    written = ServerEvidence("id", "crash", letter * 300, None, {})
    assert len(ServerEvidence.read(snapshot("s", metadata=written.metadata())).reason) >= 150


def test_of_a_reason_that_is_one_character_too_long_only_that_is_lost():
    overhead = len(ServerEvidence("id", "crash", "", None, {}).metadata()["osdr_server"])
    written = ServerEvidence("id", "crash", "x" * (256 - overhead), None, {})
    assert ServerEvidence.read(snapshot("s", metadata=written.metadata())).reason == "x" * (255 - overhead)


def test_the_evidence_of_a_freeze_fits_at_its_longest():
    volumes = (volume("orders"),)
    long = mark(driver="libvirt", guard="controller", filesystems=999)
    pending = evidence_of([(ORDERS, volumes)], standing={ORDERS.id: long})
    complete = confirmed(pending, [thaw(ORDERS)])
    frozen = member(ORDERS, guard="controller", filesystems_frozen=999, filesystems_thawed=999)
    own = evidence_of([(ORDERS, volumes)], frozen_by=window(frozen))
    for one in (pending, complete, own):
        assert all(len(value) <= 255 for value in one.metadata("volume-orders", ORDERS.id).values())


def test_evidence_that_was_written_is_read_the_same():
    orders, payments = (volume("orders"), volume("logs")), (volume("payments"),)
    written = evidence_of([(ORDERS, orders), (PAYMENTS, payments)], frozen_by=window(member(ORDERS)), still={PAYMENTS.id: OFF})
    assert {key: one.consistency for key, one in written.servers.items()} == {ORDERS.id: "quiesced", PAYMENTS.id: "offline"}
    assert Evidence.read(whole_set(written, {"orders": "orders", "logs": "orders", "payments": "payments"})) == written


def test_pending_evidence_that_was_written_is_read_the_same():
    written = evidence_of([(ORDERS, (volume("orders"),))], standing={ORDERS.id: mark()})
    assert Evidence.read(whole_set(written, {"orders": "orders"})) == written


@pytest.mark.parametrize("key", ["osdr_server", "osdr_frozen", "osdr_taken", "osdr_set"])
@pytest.mark.parametrize("value", [None, "", "{", "5", "null", "[5]", '"text"'])
def test_damaged_evidence_is_none(key, value):
    """Anybody in the project can write metadata."""
    one = whole_set(evidence_of([(ORDERS, (volume("orders"),))]), {"orders": "orders"})[0]
    metadata = {name: text for name, text in {**one.metadata, key: value}.items() if text is not None}
    assert Evidence.read([dataclasses.replace(one, metadata=metadata)]) is None


@pytest.mark.parametrize("level", ["divine", 5, None, ["quiesced"]])
@pytest.mark.parametrize("where", ["osdr_server", "osdr_set"])
def test_evidence_of_a_consistency_that_nobody_knows_is_none(where, level):
    one = whole_set(evidence_of([(ORDERS, (volume("orders"),))]), {"orders": "orders"})[0]
    text = json.dumps({**json.loads(one.metadata[where]), "consistency": level})
    assert Evidence.read([dataclasses.replace(one, metadata={**one.metadata, where: text})]) is None


def differing(*levels, pending=(None, None)):
    """Two snapshots whose sets and servers are said to be of these levels, in both orders."""
    evidence = evidence_of([(ORDERS, (volume("orders"), volume("logs")))])
    found = []
    for name, level, one in zip(("orders", "logs"), levels, pending, strict=True):
        said = dataclasses.replace(
            evidence,
            whole=dataclasses.replace(evidence.whole, consistency=level),
            servers={ORDERS.id: ServerEvidence(ORDERS.id, level, "", one, {})},
        )
        found.append(snapshot(name, metadata=said.metadata(f"volume-{name}", ORDERS.id)))
    return [Evidence.read(found), Evidence.read(found[::-1])]


@pytest.mark.parametrize(("levels", "weakest"), [(("quiesced", "crash"), "crash"), (("offline", "quiesced"), "quiesced"), (("paused", "quiesced"), "paused")])
def test_of_snapshots_that_differ_about_the_set_the_weakest_counts(levels, weakest):
    assert {one.whole.consistency for one in differing(*levels)} == {weakest}


def test_of_snapshots_that_differ_about_a_server_the_one_that_awaits_a_thaw_counts():
    for found in differing("quiesced", "crash", pending=(None, "quiesced")):
        assert found.servers[ORDERS.id] == ServerEvidence(ORDERS.id, "crash", "", "quiesced", {})


def test_a_set_may_have_servers_of_every_consistency_that_there_is():
    levels = {f"id-{number}": level for number, level in enumerate(LEVELS)}
    servers = {key: ServerEvidence(key, level, "because", None, {}) for key, level in levels.items()}
    taken_alike = SnapshotEvidence(str(at(1)), str(at(2)), INDIVIDUAL, None, "asked for")
    volumes = {f"volume-{key}": taken_alike for key in levels}
    written = Evidence(SetEvidence("crash", str(at(1)), None, 0), servers, volumes)
    snapshots = [snapshot(key, volume_id=f"volume-{key}", metadata=written.metadata(f"volume-{key}", key)) for key in levels]
    assert Evidence.read(snapshots) == written


@pytest.mark.parametrize("pending", ["divine", 5, ["quiesced"]])
def test_evidence_that_awaits_a_consistency_that_nobody_knows_is_none(pending):
    assert differing("crash", "crash", pending=(pending, None)) == [None, None]


def test_the_evidence_of_each_snapshot_is_its_own():
    volumes = (volume("orders"), volume("logs"))
    unit = Unit(INDIVIDUAL, None, volumes, "asked for")
    times = {"volume-orders": taken(3, 4), "volume-logs": taken(3.5, 9)}
    written = Seen(times, [unit], None, {}, {}, CLOCK).evidence({ORDERS.id: (ORDERS, volumes)})
    read = Evidence.read(whole_set(written, {"orders": "orders", "logs": "orders"}))
    assert read.snapshots == written.snapshots
    assert read.snapshots["volume-orders"] != read.snapshots["volume-logs"]


def test_a_server_that_was_frozen_here_counts_by_all_of_its_own_snapshots():
    volumes, others = (volume("orders"), volume("logs")), (volume("payments"),)
    unit = Unit(INDIVIDUAL, None, volumes + others, "asked for")
    times = {"volume-orders": taken(3, 4), "volume-logs": taken(3, 5.5), "volume-payments": taken(3, 4)}
    frozen_by = window(member(ORDERS), member(PAYMENTS))
    found = Seen(times, [unit], frozen_by, {}, set(), CLOCK).evidence({ORDERS.id: (ORDERS, volumes), PAYMENTS.id: (PAYMENTS, others)})
    assert {key: one.consistency for key, one in found.servers.items()} == {ORDERS.id: "crash", PAYMENTS.id: "quiesced"}
    assert found.whole.consistency == "crash"


def test_a_stranger_says_more_than_the_freeze_and_the_freeze_stays_on_record():
    foreign = volume("shared", attachments=attached("orders", "foreign"))
    one = evidence_of([(ORDERS, (foreign,))], frozen_by=window(member(ORDERS))).servers[ORDERS.id]
    assert one.consistency == "crash"
    assert "is also attached to server id-foreign" in one.reason
    assert one.freeze == {
        "driver": "fake",
        "requested": str(at(1)),
        "frozen": str(at(2)),
        "thawed": str(at(6)),
        "filesystems": 2,
        "guard": "nova",
        "guard_until": str(at(60)),
    }


def test_a_window_that_never_ended_is_no_window_of_the_set():
    for lacking in ({"started": None}, {"ended": None}):
        unended = SimpleNamespace(**{"members": [], "started": at(1), "all_frozen": at(2), "ended": at(6), **lacking})
        assert evidence_of([(ORDERS, (volume("orders"),))], frozen_by=unended).whole.window is None


def test_without_snapshots_there_is_no_evidence():
    assert Evidence.read([]) is None


# What was seen


def test_a_set_that_was_frozen_stands_for_the_moment_when_the_last_server_was():
    found = evidence_of([(ORDERS, (volume("orders"),))], frozen_by=window(member(ORDERS)))
    assert found.whole == SetEvidence(
        "quiesced", str(at(2)), {"started": str(at(1)), "ended": str(at(6)), "seconds": 5}, skew=1
    )
    assert found.servers[ORDERS.id].freeze["thawed"] == str(at(6))


def test_a_set_is_of_one_moment_only_if_nothing_was_asked_for_and_nobody_thawed_before_all_were_frozen():
    """Each server was frozen around its own snapshots, and yet not all of them at once."""
    for all_frozen, reason in ((at(3.5), "a snapshot was asked for before all"), (at(5.5), "it was thawed before all")):
        late = SimpleNamespace(members=[member(ORDERS)], started=at(1), all_frozen=all_frozen, ended=at(9))
        found = evidence_of([(ORDERS, (volume("orders"),))], frozen_by=late)
        assert found.whole.consistency == "crash"
        assert reason in found.servers[ORDERS.id].reason


def test_a_server_must_have_stood_still_also_for_a_volume_that_only_the_volume_says_it_has():
    shared = volume("shared", attachments=attached("payments", "orders"))
    held = window(member(ORDERS), member(PAYMENTS, thaw_requested=at(9), thawed=at(9)))
    seen_late = Seen({"volume-orders": taken(), "volume-shared": taken(3, 8)}, [], held, {}, {}, CLOCK)
    found = seen_late.evidence({ORDERS.id: (ORDERS, (volume("orders"),)), PAYMENTS.id: (PAYMENTS, (shared,))})
    assert {key: one.consistency for key, one in found.servers.items()} == {ORDERS.id: "crash", PAYMENTS.id: "quiesced"}


def test_a_set_that_was_not_frozen_stands_for_its_first_snapshot():
    volumes = (volume("orders"), volume("logs"))
    unit = Unit(INDIVIDUAL, None, volumes, "asked for")
    times = {"volume-orders": taken(3, 4), "volume-logs": taken(3.5, 9.25)}
    found = Seen(times, [unit], None, {}, {}, CLOCK).evidence({ORDERS.id: (ORDERS, volumes)})
    assert found.whole == SetEvidence("crash", str(at(3)), None, skew=6.25)
    assert found.servers[ORDERS.id] == ServerEvidence(ORDERS.id, "crash", "not frozen", None, {})
    assert found.snapshots["volume-logs"] == SnapshotEvidence(str(at(3.5)), str(at(9.25)), INDIVIDUAL, None, "asked for")


def test_times_are_kept_to_the_millisecond():
    precise = SimpleNamespace(members=[member(ORDERS)], started=at(1), all_frozen=at(2), ended=at(6.12345))
    unit = Unit(INDIVIDUAL, None, (volume("orders"),), "asked for")
    found = Seen({"volume-orders": taken(3, 4.23456)}, [unit], precise, {}, {}, CLOCK).evidence({ORDERS.id: (ORDERS, (volume("orders"),))})
    assert (found.whole.skew, found.whole.window["seconds"]) == (1.235, 5.123)


def test_a_window_in_which_nobody_was_frozen_is_none():
    nobody = SimpleNamespace(members=[], started=None, all_frozen=None, ended=None)
    found = evidence_of([(ORDERS, (volume("orders"),))], frozen_by=nobody, still={ORDERS.id: OFF})
    assert (found.whole.consistency, found.whole.window) == ("offline", None)


@pytest.mark.parametrize(
    ("state", "level", "reason"),
    [
        (OFF, "offline", "shut down before and after"),
        (PAUSED, "paused", "paused by its owner before and after"),
        (SUSPENDED, "paused", "suspended before and after"),
    ],
    ids=lambda one: getattr(one, "name", None),
)
def test_what_stood_still_by_itself_has_the_level_of_its_state(state, level, reason):
    found = evidence_of([(ORDERS, (volume("orders"),)), (PAYMENTS, (volume("payments"),))], frozen_by=window(member(PAYMENTS)), still={ORDERS.id: state})
    assert found.servers[ORDERS.id] == ServerEvidence(ORDERS.id, level, reason, None, {})
    assert found.whole.consistency == weakest([level, "quiesced"])


def test_somebody_elses_freeze_counts_only_after_its_thaw():
    found = evidence_of([(ORDERS, (volume("orders"),))], standing={ORDERS.id: mark()})
    one = found.servers[ORDERS.id]
    assert (one.consistency, one.pending, one.at_best) == ("crash", "quiesced", "quiesced")
    assert one.freeze == {
        "driver": "libvirt",
        "requested": str(at(1)),
        "frozen": str(at(2)),
        "thawed": None,
        "filesystems": 2,
        "guard": "guest",
        "guard_until": str(at(120)),
        "token": "0123456789abcdef",
    }
    assert (found.whole.consistency, found.at_best) == ("crash", "quiesced")


@pytest.mark.parametrize(
    ("until", "reason"),
    [
        pytest.param(str(at(4.001)), None, id="in time"),
        pytest.param(str(at(4)), "only after the guard's time was over", id="at that moment"),
        pytest.param("noon", "does not say when its guard fires", id="no time"),
        pytest.param("2026-11-22T12:30:00", "does not say when its guard fires", id="a time of no zone"),
        pytest.param(str(at(86400 + 29)), None, id="the longest freeze"),
        pytest.param(str(at(86400 + 60)), "does not say when its guard fires", id="later than any guard"),
        pytest.param("9999-12-31T23:59:59-23:59", "does not say when its guard fires", id="the end of time"),
    ],
)
def test_somebody_elses_freeze_promises_nothing_once_its_guards_time_is_over(until, reason):
    volumes = (volume("logs"), volume("orders"))
    times = {"volume-logs": taken(3, 3.5), "volume-orders": taken(3, 4)}
    found = Seen(times, [Unit(INDIVIDUAL, None, volumes, "")], None, {ORDERS.id: mark(until=until)}, set(), CLOCK)
    one = found.evidence({ORDERS.id: (ORDERS, volumes)}).servers[ORDERS.id]
    assert (one.consistency, one.pending) == ("crash", None if reason else "quiesced")
    assert (reason or "its thaw is not confirmed yet") in one.reason


@pytest.mark.parametrize(("driver", "level"), [("nova", "quiesced"), ("pause", "paused"), ("magic", "crash")])
def test_what_a_mark_promises_depends_on_its_driver(driver, level):
    found = evidence_of([(ORDERS, (volume("orders"),))], standing={ORDERS.id: mark(driver=driver)})
    assert found.at_best == level


def test_the_set_is_at_best_what_its_weakest_server_may_become():
    servers = [(ORDERS, (volume("orders"),)), (PAYMENTS, (volume("payments"),))]
    assert evidence_of(servers, standing={ORDERS.id: mark()}).at_best == "crash"
    assert evidence_of(servers, standing={ORDERS.id: mark(), PAYMENTS.id: mark(driver="pause")}).at_best == "paused"


# Shared volumes

SHARED = volume("shared", attachments=attached("orders", "payments"))


def test_a_shared_volume_is_as_good_as_all_its_servers():
    servers = [(ORDERS, (volume("orders"), SHARED)), (PAYMENTS, (volume("payments"), SHARED))]
    found = evidence_of(servers, frozen_by=window(member(ORDERS), member(PAYMENTS)))
    assert found.whole.consistency == "quiesced"
    assert len(found.snapshots) == 3


@pytest.mark.parametrize(
    ("looked", "level"),
    [
        pytest.param({}, "crash", id="the other one runs"),
        pytest.param({"still": {PAYMENTS.id: OFF}}, "quiesced", id="the other one is off"),
        pytest.param({"standing": {PAYMENTS.id: mark()}}, "quiesced", id="somebody else holds the other one"),
    ],
)
def test_who_shares_a_volume_must_stand_still_too(looked, level):
    servers = [(ORDERS, (volume("orders"), SHARED)), (PAYMENTS, (volume("payments"),))]
    one = evidence_of(servers, frozen_by=window(member(ORDERS)), **looked).servers[ORDERS.id]
    assert one.consistency == level
    if level == "crash":
        assert one.reason == "volume shared (volume-shared) is also attached to server id-payments, which is not frozen with the others"


@pytest.mark.parametrize(
    "looked", [pytest.param({"standing": {ORDERS.id: mark()}}, id="frozen"), pytest.param({"still": {ORDERS.id: OFF}}, id="off")]
)
def test_a_stranger_spoils_also_what_this_process_did_not_freeze(looked):
    foreign = volume("shared", attachments=attached("orders", "foreign"))
    one = evidence_of([(ORDERS, (foreign,))], **looked).servers[ORDERS.id]
    assert one.at_best == "crash"


def test_strangers_are_all_named():
    volumes = [SHARED, volume("own", attachments=attached("orders"))]
    assert strangers_of(volumes, {"id-orders", "id-payments"}) is None
    assert strangers_of(volumes, {"id-orders"}).count("is also attached") == 1
    assert strangers_of(volumes, set()).count("is also attached") == 3


# Confirming


def pending_set(*others):
    servers = [(ORDERS, (volume("orders"),)), *((one, (volume(one.name),)) for one in others)]
    return evidence_of(servers, standing={ORDERS.id: mark()}, still={one.id: OFF for one in others})


def thaw(which, **changes):
    values = {"freeze": "0123456789abcdef", "intact": True, "interrupted": None, "thawed_at": str(at(6.5))}
    return {"id": which.id, **values, **changes}


def test_an_intact_thaw_confirms_the_freeze():
    found = confirmed(pending_set(), [thaw(ORDERS)])
    one = found.servers[ORDERS.id]
    assert (one.consistency, one.pending, one.freeze["thawed"]) == ("quiesced", None, str(at(6.5)))
    assert found.whole == SetEvidence("quiesced", str(at(2)), {"started": str(at(1)), "ended": str(at(6.5)), "seconds": 5.5}, 1)


@pytest.mark.parametrize(
    ("thawed", "reason"),
    [
        pytest.param([], "ended by somebody else", id="not thawed by it"),
        pytest.param([thaw(PAYMENTS)], "ended by somebody else", id="only another one was"),
        pytest.param([thaw(ORDERS, freeze="another")], "ended by somebody else", id="another freeze"),
        pytest.param([thaw(ORDERS, freeze=None, intact=None, thawed_at=None)], "ended by somebody else", id="nothing was to thaw"),
        pytest.param([thaw(ORDERS, intact=False, interrupted="it was rebooted")], "it was rebooted", id="interrupted"),
        pytest.param([thaw(ORDERS, intact=False)], "did not hold", id="not intact"),
        pytest.param([thaw(ORDERS, intact=None)], "did not hold", id="nobody knows"),
        pytest.param([thaw(ORDERS, intact="False")], "did not hold", id="a text"),
    ],
)
def test_any_doubt_about_the_thaw_leaves_it_crash(thawed, reason):
    one = confirmed(pending_set(), thawed).servers[ORDERS.id]
    assert (one.consistency, one.pending) == ("crash", None)
    assert reason in one.reason


def test_a_thaw_that_confirms_nothing_stays_on_record_too():
    before = pending_set()
    one = confirmed(before, [thaw(ORDERS, intact=False)]).servers[ORDERS.id]
    assert one.freeze == {**before.servers[ORDERS.id].freeze, "thawed": str(at(6.5))}


def test_servers_that_were_not_frozen_by_others_stay_as_they_are():
    before = pending_set(PAYMENTS)
    found = confirmed(before, [thaw(ORDERS), thaw(PAYMENTS, intact=False)])
    assert found.servers[PAYMENTS.id] == before.servers[PAYMENTS.id]
    assert found.whole.consistency == "quiesced"
    assert found.snapshots == before.snapshots


def test_what_awaited_no_thaw_keeps_its_own_window():
    before = evidence_of([(ORDERS, (volume("orders"),))], frozen_by=window(member(ORDERS)))
    unthawed = dataclasses.replace(before, servers={ORDERS.id: dataclasses.replace(before.servers[ORDERS.id], freeze={})})
    assert confirmed(unthawed, []).whole == before.whole


def test_the_window_is_over_all_freezes():
    both = {ORDERS.id: mark(), PAYMENTS.id: mark(requested=str(at(0.5)), frozen=str(at(2.5)))}
    pending = evidence_of([(one, (volume(one.name),)) for one in (ORDERS, PAYMENTS)], standing=both)
    whole = confirmed(pending, [thaw(ORDERS, thawed_at=str(at(8))), thaw(PAYMENTS)]).whole
    assert whole.window == {"started": str(at(0.5)), "ended": str(at(8)), "seconds": 7.5}
    assert whole.taken == str(at(2.5))


def test_times_of_marks_are_compared_as_moments_whoever_wrote_them():
    """As texts, they would come in another order."""
    both = {ORDERS.id: mark(), PAYMENTS.id: mark(requested="2026-11-22T12:59:00+01:00", frozen="2026-11-22T11:00:02.500-01:00")}
    pending = evidence_of([(one, (volume(one.name),)) for one in (ORDERS, PAYMENTS)], standing=both)
    whole = confirmed(pending, [thaw(ORDERS), thaw(PAYMENTS)]).whole
    assert (whole.window["started"], whole.taken) == ("2026-11-22T12:59:00+01:00", "2026-11-22T12:00:02.500Z")


@pytest.mark.parametrize("changes", [{"requested": None}, {"requested": "noon"}, {"frozen": "2026-11-22T12:00:02"}])
def test_a_mark_that_does_not_say_when_it_was_frozen_proves_nothing(changes):
    one = evidence_of([(ORDERS, (volume("orders"),))], standing={ORDERS.id: mark(**changes)}).servers[ORDERS.id]
    assert (one.consistency, one.pending, one.reason) == ("crash", None, "its mark does not say when it was frozen")


def lacking(key):
    return {name: value for name, value in thaw(ORDERS).items() if name != key}


@pytest.mark.parametrize(
    "thawed",
    [
        pytest.param("servers", id="a text"),
        pytest.param([5], id="numbers"),
        pytest.param([lacking("id")], id="without id"),
        pytest.param([lacking("freeze")], id="without freeze"),
        pytest.param([lacking("intact")], id="without intact"),
        pytest.param([lacking("thawed_at")], id="without time"),
        pytest.param([thaw(ORDERS, thawed_at="noon")], id="no time"),
        pytest.param([thaw(ORDERS, thawed_at=12)], id="a number as time"),
        pytest.param([thaw(ORDERS, thawed_at="2026-11-22T12:00:07")], id="a time of no zone"),
    ],
)
def test_what_is_no_thaw_is_refused(thawed):
    with pytest.raises(CheckFailed, match="not what os_server_quiesce with state=unquiesced returned"):
        confirmed(pending_set(), thawed)


def test_evidence_is_json_that_others_can_read():
    metadata = evidence_of([(ORDERS, (volume("orders"),))], frozen_by=window(member(ORDERS))).metadata("volume-orders", ORDERS.id)
    assert set(metadata) == {"osdr_server", "osdr_frozen", "osdr_taken", "osdr_set"}
    assert json.loads(metadata["osdr_set"])["consistency"] == "quiesced"


def ahead(seconds):
    """A clock that one record has shown."""
    clock = SiteClock("primary")
    shown = at(4).wall + datetime.timedelta(seconds=seconds)
    clock.note_record(shown.replace(tzinfo=None).isoformat(), 4.0, 4.0)
    return clock


def test_a_confirmed_freeze_stands_for_its_moment_by_the_clock_of_the_site():
    volumes = (volume("orders"),)
    seen = Seen({"volume-orders": taken()}, [Unit(INDIVIDUAL, None, volumes, "")], None, {ORDERS.id: mark()}, {}, ahead(90))
    pending = seen.evidence({ORDERS.id: (ORDERS, volumes)})
    assert pending.whole.clock == Difference(90.25, 0.75)
    done = confirmed(pending, [thaw(ORDERS)])
    frozen = datetime.datetime.fromisoformat(mark().frozen)
    assert datetime.datetime.fromisoformat(done.whole.taken) == frozen + datetime.timedelta(seconds=90.25)
    assert done.whole.clock == pending.whole.clock


@pytest.mark.parametrize(
    "clock", ["90", 90, {"seconds": 90}, {"seconds": "much", "within": 1}, {"seconds": 1e300, "within": 1}, {"seconds": [], "within": 1}], ids=str
)
def test_a_clock_that_nobody_has_written_is_no_evidence(clock):
    volumes = (volume("orders"),)
    found = Seen({"volume-orders": taken()}, [Unit(INDIVIDUAL, None, volumes, "")], None, {}, {}, ahead(90)).evidence({ORDERS.id: (ORDERS, volumes)})
    metadata = found.metadata("volume-orders", ORDERS.id)
    assert Evidence.read([snapshot("orders", metadata=metadata)]) == found
    facts = json.loads(metadata["osdr_set"])
    assert Evidence.read([snapshot("orders", metadata={**metadata, "osdr_set": json.dumps({**facts, "clock": clock})})]) is None


def test_the_longest_evidence_of_a_set_fits_into_a_value():
    window = {"started": str(at(0)), "ended": str(at(1)), "seconds": 12345.678}
    written = SetEvidence("quiesced", str(at(0)), window, 12345.678, Difference(-31536000.123, 86400.123)).metadata()
    assert len(written["osdr_set"]) <= 255
