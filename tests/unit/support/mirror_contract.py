# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What every driver for mirrored storage has to do: the tests of the contract, whatever the storage is.

A driver's tests inherit :class:`MirrorContract` and give it a fixture ``bench``.
"""

from __future__ import annotations

import abc

import pytest
from ansible_collections.osdr.openstack.plugins.module_utils.core.errors import CloudError
from ansible_collections.osdr.openstack.plugins.module_utils.mirror.driver import Cut, MirrorDriver

#: Nothing takes as long, on any machine.
LONG = 600.0


class MirrorBench(abc.ABC):
    """The storage of both sites, and what others do with it."""

    driver: MirrorDriver

    @abc.abstractmethod
    def volume(self, content: bytes, is_clone: bool = False) -> str:
        """Make a volume at the primary site that begins with some content; returns its id.

        :param is_clone: of an image.
        """

    @abc.abstractmethod
    def write(self, volume_id: str, content: bytes) -> None: ...

    @abc.abstractmethod
    def snapshot(self, volume_id: str) -> Cut:
        """Snapshot a volume as Cinder does."""

    @abc.abstractmethod
    def delete_snapshot(self, cut: Cut) -> None:
        """Delete a snapshot as Cinder does."""

    @abc.abstractmethod
    def read(self, name: str, size: int) -> bytes | None:
        """How something kept begins; None where there is no such thing."""

    @abc.abstractmethod
    def receipt(self, cut: Cut, token: str) -> str:
        """Wait until a snapshot has arrived."""

    @abc.abstractmethod
    def stop(self) -> None:
        """Keep everything from arriving from now on."""

    @abc.abstractmethod
    def resume(self) -> None:
        """Let everything arrive again."""


class MirrorContract:
    @staticmethod
    def kept(bench, cut, name):
        """Bring a snapshot to the other site and keep it."""
        bench.driver.mirror(cut.volume_id, LONG)
        receipt = bench.receipt(cut, bench.driver.send(cut))
        bench.driver.keep(cut, name)
        return receipt

    def test_what_can_be_mirrored_is_no_problem_before_and_after_it_is(self, bench):
        volume = bench.volume(b"one")
        assert bench.driver.problems([volume]) == []
        assert bench.driver.mirror(volume, LONG)
        assert bench.driver.problems([volume]) == []

    def test_a_volume_that_the_storage_does_not_have_is_a_problem_by_its_id(self, bench):
        (problem,) = bench.driver.problems(["6a3a4d43-0000-4000-8000-000000000000"])
        assert "6a3a4d43-0000-4000-8000-000000000000" in problem

    def test_to_mirror_what_is_mirrored_changes_nothing(self, bench):
        volume = bench.volume(b"one")
        assert [bench.driver.mirror(volume, LONG) for _turn in range(2)] == [True, False]

    def test_a_clone_of_an_image_is_mirrored_like_any_volume(self, bench):
        cut = bench.snapshot(bench.volume(b"one", is_clone=True))
        self.kept(bench, cut, "osdr-clone")
        assert bench.read("osdr-clone", 3) == b"one"

    def test_what_is_kept_is_the_snapshot_and_not_what_was_written_since(self, bench):
        volume = bench.volume(b"one")
        cut = bench.snapshot(volume)
        bench.write(volume, b"two")
        assert self.kept(bench, cut, "osdr-first")
        assert bench.read("osdr-first", 3) == b"one"

    def test_a_receipt_names_something(self, bench):
        cut = bench.snapshot(bench.volume(b"one"))
        bench.driver.mirror(cut.volume_id, LONG)
        assert isinstance(bench.receipt(cut, bench.driver.send(cut)), str)

    def test_what_has_not_arrived_has_no_receipt(self, bench):
        volume = bench.volume(b"one")
        self.kept(bench, bench.snapshot(volume), "osdr-before")
        bench.stop()
        cut = bench.snapshot(volume)
        token = bench.driver.send(cut)
        assert bench.driver.arrived(cut, token) is None
        bench.resume()
        assert bench.receipt(cut, token)

    def test_what_was_kept_stays_whatever_becomes_of_the_snapshot_and_the_volume(self, bench):
        volume = bench.volume(b"one")
        first = bench.snapshot(volume)
        self.kept(bench, first, "osdr-first")
        bench.delete_snapshot(first)
        bench.write(volume, b"two")
        second = bench.snapshot(volume)
        self.kept(bench, second, "osdr-second")
        bench.delete_snapshot(second)
        self.kept(bench, bench.snapshot(volume), "osdr-third")
        assert [bench.read(name, 3) for name in ("osdr-first", "osdr-second", "osdr-third")] == [b"one", b"two", b"two"]

    def test_to_keep_what_is_kept_changes_nothing(self, bench):
        cut = bench.snapshot(bench.volume(b"one"))
        self.kept(bench, cut, "osdr-first")
        bench.driver.keep(cut, "osdr-first")
        assert bench.read("osdr-first", 3) == b"one"

    def test_a_name_that_something_else_has_is_refused(self, bench):
        cuts = [bench.snapshot(bench.volume(content)) for content in (b"one", b"two")]
        self.kept(bench, cuts[0], "osdr-first")
        with pytest.raises(CloudError, match="osdr-first"):
            self.kept(bench, cuts[1], "osdr-first")
        assert bench.read("osdr-first", 3) == b"one"

    def test_what_is_discarded_is_gone_and_may_be_gone_already(self, bench):
        cut = bench.snapshot(bench.volume(b"one"))
        self.kept(bench, cut, "osdr-first")
        for _turn in range(2):
            bench.driver.discard("osdr-first")
        assert bench.read("osdr-first", 3) is None

    def test_a_snapshot_that_is_gone_cannot_be_sent(self, bench):
        cut = bench.snapshot(bench.volume(b"one"))
        bench.driver.mirror(cut.volume_id, LONG)
        bench.delete_snapshot(cut)
        with pytest.raises(CloudError, match=cut.snapshot_id):
            bench.driver.send(cut)

    def test_the_state_of_a_mirrored_volume_is_told(self, bench):
        cut = bench.snapshot(bench.volume(b"one"))
        bench.driver.mirror(cut.volume_id, LONG)
        bench.receipt(cut, bench.driver.send(cut))
        assert bench.driver.state(cut.volume_id)
