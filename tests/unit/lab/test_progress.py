# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is said of a task that takes long."""

from __future__ import annotations

from pathlib import Path

import pytest
from lab_progress import PERIOD, Course
from lab_site import Site


class Clock:
    now = 0.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def course(tmp_path, clock):
    course = Course(str(tmp_path), clock)
    course.play(["Make the site", "Start the APIs", "Start the workers"])
    return course


def test_nothing_is_said_of_what_has_only_begun(course, clock):
    course.task("Start the APIs")
    course.host_begins("primary")
    clock.now += PERIOD - 1
    assert course.line() == ""
    clock.now += 1
    assert course.line() == f"... {PERIOD} s: Start the APIs (primary). Next: Start the workers"


def test_what_is_waited_for_is_said(course, clock, tmp_path):
    site = Site("remote", str(tmp_path))
    Path(site.state_dir).mkdir(parents=True)
    course.task("Start the APIs")
    for host in ("primary", "remote"):
        course.host_begins(host)
    course.host_ends("primary")
    site.note_waiting(["nova-api", "cinder-api"])
    clock.now += 65
    assert course.line() == "... 65 s: Start the APIs (remote waits for nova-api, cinder-api). Next: Start the workers"
    site.note_waiting([])
    assert "(remote)" in course.line()


def test_of_many_a_few_are_named(course, clock, tmp_path):
    site = Site("remote", str(tmp_path))
    Path(site.state_dir).mkdir(parents=True)
    course.task("Start the workers")
    course.host_begins("remote")
    site.note_waiting(["one", "two", "three", "four", "five"])
    clock.now += PERIOD
    assert course.line().endswith("(remote waits for one, two, three and 2 more)")


def test_what_is_over_is_not_said(course, clock):
    course.task("Start the workers")
    course.host_begins("localhost")
    clock.now += 100
    assert course.line() == "... 100 s: Start the workers"
    course.host_ends("localhost")
    assert course.line() == ""


def test_what_is_included_leads_back_to_the_plan(course, clock):
    course.task("Make the site")
    course.task("Mount what it has for itself")
    course.host_begins("localhost")
    clock.now += PERIOD
    assert course.line() == f"... {PERIOD} s: Mount what it has for itself. Next: Start the APIs"
