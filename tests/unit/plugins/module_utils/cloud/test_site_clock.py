# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import datetime
import email.utils
from types import SimpleNamespace

import pytest
import requests
from ansible_collections.osdr.openstack.plugins.module_utils.cloud.site_clock import Difference, SiteClock
from ansible_collections.osdr.openstack.tests.unit.support import bad_days
from ansible_collections.osdr.openstack.tests.unit.support.fakes import FakeTime

NOON = FakeTime.START


class Site:
    """A site whose clock is ahead of ours, and whose answers take so many seconds."""

    def __init__(self, ahead=0.0, takes=0.0):
        self.time, self.ahead, self.takes = FakeTime(), ahead, takes
        self.clock = SiteClock("primary", lambda: self.time.seconds, self.time.wall)
        self.hooks = requests.Session().hooks
        self.clock.listen(self.hooks)

    def answer(self, ahead=None, **headers):
        self.time.sleep(self.takes / 2)
        shown = self.time.wall() + datetime.timedelta(seconds=self.ahead if ahead is None else ahead)
        self.time.sleep(self.takes / 2)
        headers = {"Date": email.utils.format_datetime(shown.replace(microsecond=0), usegmt=True), **headers}
        elapsed = datetime.timedelta(seconds=self.takes)
        response = SimpleNamespace(headers={key: value for key, value in headers.items() if value is not None}, elapsed=elapsed)
        for hook in self.hooks["response"]:
            hook(response, timeout=60)
        return self

    def difference(self):
        return self.clock.difference(self.time.seconds, self.time.wall())


@pytest.mark.parametrize(("ahead", "told"), [(90.0, Difference(90.5, 0.5)), (-90.0, Difference(-89.5, 0.5)), (0.0, Difference(0.0, 1.0))])
def test_one_answer_tells_the_clock_to_the_second(ahead, told):
    assert Site(ahead).answer().difference() == told


def test_several_answers_narrow_it_down():
    site = Site(90.3)
    for _number in range(10):
        site.answer().time.sleep(0.37)
    found = site.difference()
    assert found.within < 0.2
    assert abs(found.seconds - 90.3) <= found.within


def test_an_answer_may_have_been_made_at_any_time_since_it_was_asked_for():
    found = Site(90.0, takes=4.0).answer().difference()
    assert (found.seconds, found.within) == (90.5, 2.5)


def test_a_clock_that_may_be_right_is_not_corrected():
    site = Site(0.4).answer()
    assert (site.difference().seconds, site.clock.now(), site.clock.by_site(NOON)) == (0.0, NOON, NOON)


def test_the_time_of_the_site_is_told():
    clock = Site(90.0).answer().clock
    assert clock.now() == clock.by_site(NOON) == NOON + datetime.timedelta(seconds=90.5)


def test_a_change_of_this_machines_time_changes_nothing_about_the_sites():
    site = Site().answer()
    later = NOON + datetime.timedelta(seconds=90)
    assert site.clock.difference(0.0, later).seconds == -89.5


def test_one_host_whose_clock_is_wrong_does_not_count():
    site = Site().answer()
    site.answer(3600).answer()
    assert site.difference() == Difference(0.0, 1.0)


def test_what_was_seen_long_ago_is_forgotten():
    site = Site()
    for _number in range(256):
        site.answer(60)
    assert site.difference().seconds == 60.5
    for _number in range(256):
        site.answer(0)
    assert site.difference() == Difference(0.0, 1.0)


@pytest.mark.parametrize("headers", [{"Date": None}, {"Date": "yesterday"}, {"Date": "Mon, 99 Nov 2026 12:00:00 GMT"}, {"Age": "60"}], ids=str)
def test_an_answer_without_the_time_tells_nothing(headers):
    site = Site(90.0).answer(**headers)
    assert site.difference() is None
    assert (site.clock.now(), site.clock.warnings, site.clock.problems) == (NOON, [], [])


def test_the_time_without_a_zone_is_in_utc():
    site = Site().answer(Date="Sun, 22 Nov 2026 12:01:30 -0000")
    assert site.difference().seconds == 90.5


def test_a_record_was_made_between_the_moments_at_which_it_was_asked_for_and_seen():
    site = Site()
    site.clock.note_record("2026-11-22T12:01:31.000000", 0.5, 1.5)
    # A database may have rounded the time: it was 12:01:30.5 at the earliest, and less than 12:01:32.
    assert site.difference() == Difference(90.25, 1.25)
    site.clock.note_record("no time", 0.0, 0.0)
    assert site.difference() == Difference(90.25, 1.25)


@pytest.mark.parametrize(
    ("ahead", "warnings", "problems"),
    [
        (2.4, 0, 0),
        (3.1, 1, 0),
        (-3.1, 1, 0),
        (31.4, 1, 1),
        (-31.9, 1, 1),
        (30.0, 1, 0),
    ],
)
def test_only_a_certain_difference_is_told_and_refused(ahead, warnings, problems):
    clock = Site(ahead).answer().clock
    assert (len(clock.warnings), len(clock.problems)) == (warnings, problems)


def test_people_are_told_whose_clock_and_which_way():
    assert "The clock of site 'primary' is 90.5 s ahead of the controller's (± 0.5 s)" in Site(90.0).answer().clock.warnings[0]
    [problem] = Site(-90.0).answer().clock.problems
    assert problem.startswith("The clock of site 'primary' is 89.5 s behind the controller's (± 0.5 s); more than 30 s are too much for freezes")


def test_all_answers_are_listened_to_from_the_first_on(monkeypatch):
    years = datetime.timedelta(days=4000)
    later = email.utils.format_datetime(datetime.datetime.now(datetime.UTC) + 2 * years, usegmt=True)
    monkeypatch.setattr(bad_days.Handler, "date_time_string", lambda *_given: later)
    with bad_days.site() as site:
        ours = site.cloud()
        theirs = ours.in_project("theirs")
    assert min(ours.clock.ahead, theirs.clock.ahead) > years.total_seconds()
    assert site.requests == [], "they have only logged in"
