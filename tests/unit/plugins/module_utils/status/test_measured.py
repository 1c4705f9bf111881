# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import dataclasses

import pytest
from ansible_collections.osdr.openstack.plugins.module_utils.status.course import CourseServer, RecoveryCourse
from ansible_collections.osdr.openstack.plugins.module_utils.status.measured import (
    BOOTS,
    CHECKS,
    REST,
    VOLUMES,
    Drilled,
    Experience,
    Measurement,
)
from ansible_collections.osdr.openstack.tests.unit.support import shop


def server(name, tier, created, active, ready):
    return {"name": name, "tier": tier, "status": "ACTIVE", "checks": [], "seconds": {"created": created, "active": active, "ready": ready}}


def volume(server_name, size, seconds):
    return {"name": "", "servers": [server_name], "size": size, "seconds": seconds}


#: A database whose volume takes 20 s, then boots for 10 s and is checked for 5 s; a front whose volume takes 30 s meanwhile, and then 8 s and 2 s.
#: That is 20 + 15 + 10 s on the critical path, and 10 s more.
RECORD = shop.drilled(
    recovery_seconds=55.0,
    servers=(server("db", "database", 21, 31, 36), server("web", "front", 1, 9, 11)),
    volumes=(volume("db", 10, 20.0), volume("web", 15, 30.0)),
)
COURSE = RecoveryCourse(((CourseServer("db", (10,)),), (CourseServer("web", (15,)),)))


def experience(*records, host="shop"):
    return Experience(Measurement.of(host, record) for record in records)


def test_the_course_of_a_drill_is_read_from_its_record():
    assert RecoveryCourse.of_record(RECORD) == COURSE


def test_the_course_of_a_checkpoint_has_its_tiers_in_boot_order():
    assert RecoveryCourse.of_manifests([shop.manifest()]) == RecoveryCourse(((CourseServer("orders-db", (1, 1)),), (CourseServer("shop-front", (1,)),)))


def test_the_parts_of_a_drill_and_the_rest():
    found = Measurement.of("shop", RECORD)
    assert (found.boots, found.checks, found.rates) == ({"db": 10, "web": 8}, {"db": 5, "web": 2}, (0.5, 0.5))
    assert found.rest == 10.0


def test_the_same_once_more_takes_as_long():
    found = experience(RECORD).predict("shop", COURSE)
    assert (found.seconds, found.is_own, found.unmeasured) == (55.0, True, ())


def test_a_volume_takes_as_its_size_does():
    larger = RecoveryCourse(((CourseServer("db", (10,)),), (CourseServer("web", (50,)),)))
    # 50 GiB take 100 s, and only then web can be built.
    assert experience(RECORD).predict("shop", larger).seconds == 120.0


def test_a_new_server_takes_what_others_take_and_the_prediction_says_so():
    course = RecoveryCourse((*COURSE.tiers, (CourseServer("new", ()),)))
    found = experience(RECORD).predict("shop", course)
    # In the middle, 9 s to boot and 3.5 s for its checks.
    assert (found.seconds, found.is_own) == (67.5, False)


def test_an_application_that_was_never_drilled_is_predicted_by_others():
    found = experience(RECORD, host="other").predict("shop", COURSE)
    assert found.is_own is False
    assert found.seconds == pytest.approx(20 + 2 * 12.5 + 10)


def test_the_newest_drill_counts_for_a_server():
    newer = dataclasses.replace(RECORD, finished_at="2026-02-01T12:00:00Z", servers=(server("db", "database", 21, 51, 56), RECORD.servers[1]))
    assert experience(newer, RECORD).predict("shop", COURSE).seconds == experience(RECORD, newer).predict("shop", COURSE).seconds
    assert experience(newer, RECORD).predict("shop", COURSE).seconds > 55.0


@pytest.mark.parametrize(
    ("changes", "unmeasured"),
    [
        ({"volumes": ()}, (VOLUMES, REST)),
        ({"servers": (server("db", "database", 21, None, None), server("web", "front", None, None, None))}, (BOOTS, CHECKS, REST)),
        ({"volumes": (volume("db", 10, None), volume("web", 15, 0.0))}, (VOLUMES, REST)),
    ],
    ids=["an earlier version", "killed while it booted", "an earlier run restored the volumes"],
)
def test_what_was_never_measured_is_named(changes, unmeasured):
    found = experience(dataclasses.replace(RECORD, **changes)).predict("shop", COURSE)
    assert (found.seconds, found.unmeasured) == (None, unmeasured)


def test_without_any_drill_nothing_is_known():
    assert experience().predict("shop", COURSE).unmeasured == (VOLUMES, BOOTS, CHECKS, REST)


def test_servers_without_volumes_need_no_measured_volumes():
    # Drilled together with one that has some, as otherwise the rest would not be known.
    assert experience(RECORD).predict("shop", RecoveryCourse(((CourseServer("db", ()),),))).seconds == 25.0


def test_a_drill_is_compared_with_what_was_known_before_it_began():
    later = dataclasses.replace(RECORD, started_at="2026-02-01T12:00:00Z", finished_at="2026-02-01T12:02:00Z", recovery_seconds=110.0)
    known = experience(RECORD, later)
    assert (Drilled.of("shop", later, known).predicted.seconds, Drilled.of("shop", later, known).deviation) == (55.0, 0.5)
    assert (Drilled.of("shop", RECORD, known).predicted.seconds, Drilled.of("shop", RECORD, known).deviation) == (None, None)
