# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import threading

import pytest
from ansible_collections.osdr.openstack.plugins.module_utils.work.progress import Progress
from ansible_collections.osdr.openstack.tests.unit.support.fakes import FakeTime

MIB = 1024**2
GIB = 1024**3


class Work:
    """Work of which one can see how far it is."""

    def __init__(self, path=None):
        self.time = FakeTime()
        self.path = path
        self.progress = Progress(str(path) if path else None, self.time.clock)

    @property
    def written(self):
        return self.path.read_text()


@pytest.fixture
def work(tmp_path):
    return Work(tmp_path / "progress")


@pytest.mark.parametrize(
    ("phase", "done", "seconds", "line"),
    [
        pytest.param((4,), (0, 0), 9, "moving: 0 of 4 things", id="nothing yet"),
        pytest.param((4,), (1, 0), 20, "moving: 1 of 4 things, about 60 s left", id="steps only"),
        pytest.param((4,), (1, 0), 30, "moving: 1 of 4 things, about 2 min left", id="minutes"),
        pytest.param((4,), (4, 0), 30, "moving: 4 of 4 things, about 0 s left", id="all done"),
        pytest.param((0,), (0, 0), 30, "moving: 0 of 0 things", id="nothing to do"),
        pytest.param((4,), (5, 0), 30, "moving: 5 of 4 things", id="more than thought"),
        pytest.param((4,), (1, 3 * MIB), 2, "moving: 1 of 4 things, 3.0 MiB, 1.5 MiB/s, about 6 s left", id="bytes of unknown size"),
        pytest.param((4, 8 * MIB), (0, 0), 2, "moving: 0 of 4 things, 0.0 MiB of 8.0 MiB, 0.0 MiB/s", id="no bytes yet"),
        pytest.param((4, 8 * MIB), (0, 2 * MIB), 0, "moving: 0 of 4 things, 2.0 MiB of 8.0 MiB, about 0 s left", id="in no time"),
        pytest.param((4, 8 * MIB), (3, 2 * MIB), 2, "moving: 3 of 4 things, 2.0 MiB of 8.0 MiB, 1.0 MiB/s, about 6 s left", id="by bytes"),
        pytest.param((1, 2 * GIB), (0, GIB), 1024, "moving: 0 of 1 things, 1.0 GiB of 2.0 GiB, 1.0 MiB/s, about 17 min left", id="GiB"),
    ],
)
def test_a_line_tells_what_is_done_and_how_much_longer(phase, done, seconds, line):
    work = Work()
    work.progress.begin("moving", "things", *phase)
    work.time.sleep(seconds)
    work.progress.add(*done)
    assert work.progress.line == line


def test_before_the_first_phase_it_prepares(work):
    assert work.written == "preparing: 0 of 0 steps"
    assert work.progress.failure == ""


def test_what_is_done_adds_up_and_what_failed_is_taken_back():
    work = Work()
    work.progress.begin("moving", "things", 2, 8 * MIB)
    for size in (3 * MIB, MIB, -MIB):
        work.progress.add(size=size)
    assert "3.0 MiB of 8.0 MiB" in work.progress.line


def test_where_a_phase_is_replaces_what_was_before():
    work = Work()
    work.progress.begin("waiting", "things", 9)
    work.progress.at(5, 3 * MIB)
    work.progress.at(4, 2 * MIB)
    assert work.progress.line.startswith("waiting: 4 of 9 things, 2.0 MiB")


def test_a_phase_begins_with_nothing_done(work):
    work.time.sleep(50)
    work.progress.add(steps=3, size=MIB)
    work.progress.begin("proving", "backups", 2)
    assert work.written == "proving: 0 of 2 backups"
    work.time.sleep(10)
    work.progress.add(steps=1)
    assert work.written == "proving: 1 of 2 backups, about 10 s left"


def test_bytes_are_written_once_a_second_and_steps_at_once(work):
    work.progress.begin("moving", "things", 2)
    work.progress.add(size=MIB)
    assert work.written == "moving: 0 of 2 things"
    work.time.sleep(1)
    work.progress.add(size=MIB)
    assert work.written == "moving: 0 of 2 things, 2.0 MiB, 2.0 MiB/s"
    work.progress.add(size=MIB)
    work.progress.at(0, 9 * MIB)
    assert "2.0 MiB," in work.written
    work.progress.add(steps=1)
    assert work.written.startswith("moving: 1 of 2 things, 9.0 MiB")


def test_a_reader_finds_one_whole_line_and_nothing_beside_it(work):
    work.progress.begin("moving", "many many things", 1000)
    work.progress.begin("moving", "few", 1)
    assert work.written == "moving: 0 of 1 few"
    assert list(work.path.parent.iterdir()) == [work.path]


def test_a_file_that_cannot_be_written_ends_no_work(tmp_path):
    work = Work(tmp_path / "missing" / "progress")
    work.progress.begin("moving", "things", 2)
    work.progress.add(steps=1)
    assert work.progress.line.startswith("moving: 1 of 2 things")
    assert "No such file or directory" in work.progress.failure


def test_several_threads_lose_nothing():
    work = Work()
    work.progress.begin("moving", "things", 4000)
    threads = [threading.Thread(target=lambda: [work.progress.add(steps=1) for _number in range(1000)]) for _number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert work.progress.line.startswith("moving: 4000 of 4000 things")
