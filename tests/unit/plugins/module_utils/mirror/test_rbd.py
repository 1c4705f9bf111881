# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import itertools
import json

import pytest
from ansible_collections.osdr.openstack.plugins.module_utils.core.errors import CloudError
from ansible_collections.osdr.openstack.plugins.module_utils.mirror.access import RbdAccess
from ansible_collections.osdr.openstack.plugins.module_utils.mirror.commands import Rbd
from ansible_collections.osdr.openstack.plugins.module_utils.mirror.driver import Cut
from ansible_collections.osdr.openstack.plugins.module_utils.mirror.rbd import RbdMirror, image_of, snapshot_of
from ansible_collections.osdr.openstack.plugins.module_utils.work.processes import Answer
from ansible_collections.osdr.openstack.tests.unit.support.fake_ceph import FakeCeph, FakeImage
from ansible_collections.osdr.openstack.tests.unit.support.mirror_contract import LONG, MirrorBench, MirrorContract


class FakeBench(MirrorBench):
    def __init__(self):
        self.ceph = FakeCeph()
        self.driver = RbdMirror(*(Rbd(RbdAccess("volumes", "dr"), pool.name, pool.run) for pool in (self.ceph.primary, self.ceph.remote)))
        self._numbers = itertools.count(1)
        self._is_stopped = False

    def volume(self, content, is_clone=False):
        volume_id = f"v{next(self._numbers)}"
        self.ceph.primary.images[image_of(volume_id)] = FakeImage(content, parent=("image", "snap") if is_clone else None)
        return volume_id

    def image(self, volume_id):
        return self.ceph.primary.images[image_of(volume_id)]

    def write(self, volume_id, content):
        self.image(volume_id).content = content

    def snapshot(self, volume_id):
        cut = Cut(volume_id, f"s{next(self._numbers)}")
        self.ceph.primary.snapshot(image_of(volume_id), snapshot_of(cut.snapshot_id))
        return cut

    def delete_snapshot(self, cut):
        self.ceph.primary.delete_snapshot(image_of(cut.volume_id), snapshot_of(cut.snapshot_id))

    def read(self, name, size):
        image = self.ceph.remote.images.get(name)
        return image.content[:size] if image else None

    def receipt(self, cut, token):
        if not self._is_stopped:
            self.ceph.transfer()
        return self.driver.arrived(cut, token)

    def stop(self):
        self._is_stopped = True

    def resume(self):
        self._is_stopped = False


@pytest.fixture
def bench():
    return FakeBench()


class TestContract(MirrorContract):
    """The driver with an rbd in memory; tests/functional/test_mirror_driver.py has it with the real one."""


def test_data_that_are_only_partly_there_have_not_arrived_even_if_the_snapshot_is_listed(bench):
    cut = bench.snapshot(bench.volume(b"one"))
    bench.driver.mirror(cut.volume_id, LONG)
    token = bench.driver.send(cut)
    bench.ceph.transfer(completely=False)
    assert snapshot_of(cut.snapshot_id) in [one.name for one in bench.ceph.remote.images[image_of(cut.volume_id)].snapshots]
    assert bench.driver.arrived(cut, token) is None


def test_an_older_mirror_snapshot_proves_nothing(bench):
    cut = bench.snapshot(bench.volume(b"one"))
    bench.driver.mirror(cut.volume_id, LONG)
    bench.ceph.transfer()
    token = bench.driver.send(cut)
    assert bench.driver.arrived(cut, token) is None
    assert bench.receipt(cut, token) == f"snapshot 1100, whole since mirror snapshot {int(token) + 1000} of {token}"


def test_a_snapshot_that_was_deleted_before_it_was_sent_never_arrives(bench):
    cut = bench.snapshot(bench.volume(b"one"))
    bench.driver.mirror(cut.volume_id, LONG)
    token = bench.driver.send(cut)
    bench.delete_snapshot(cut)
    bench.ceph.transfer()
    with pytest.raises(CloudError, match=f"without {snapshot_of(cut.snapshot_id)}"):
        bench.driver.arrived(cut, token)


def test_the_snapshot_is_not_protected_when_it_is_sent(bench):
    cut = bench.snapshot(bench.volume(b"one"))
    bench.driver.mirror(cut.volume_id, LONG)
    for _turn in range(2):
        bench.driver.send(cut)
    assert [one.is_protected for one in bench.image(cut.volume_id).snapshots if one.namespace["type"] == "user"] == [False]


def test_what_is_sent_to_nobody_is_refused(bench):
    cut = bench.snapshot(bench.volume(b"one"))
    bench.driver.mirror(cut.volume_id, LONG)
    bench.ceph.primary.info["peers"] = []
    with pytest.raises(CloudError, match="has no peer to be sent to"):
        bench.driver.send(cut)


def test_a_clone_is_made_independent_before_it_is_mirrored(bench):
    volume = bench.volume(b"one", is_clone=True)
    bench.driver.mirror(volume, LONG)
    verbs = [one.split()[0] for one in bench.ceph.primary.commands]
    assert verbs == ["info", "flatten", "mirror"]


def problem_of(bench, **image):
    volume = bench.volume(b"one")
    for name, value in image.items():
        setattr(bench.image(volume), name, value)
    problems = bench.driver.problems([volume])
    assert len(problems) == 1
    return problems[0]


@pytest.mark.parametrize(
    ("image", "says"),
    [
        pytest.param({"mirroring": {"mode": "journal", "primary": True}}, "is mirrored in journal mode", id="journal"),
        pytest.param({"mirroring": {"mode": "snapshot", "primary": False}}, "is the mirror of another site's", id="not primary"),
        pytest.param({"parent": ("a", "b"), "features": ("layering",)}, "is a clone without the feature deep-flatten", id="clone"),
    ],
)
def test_an_image_that_cannot_be_mirrored_is_a_problem(bench, image, says):
    assert says in problem_of(bench, **image)


def test_a_clone_that_can_be_made_independent_is_no_problem(bench):
    assert bench.driver.problems([bench.volume(b"one", is_clone=True)]) == []


@pytest.mark.parametrize(
    ("site", "info", "says"),
    [
        ("primary", {"mode": "disabled"}, "single images cannot be mirrored (mirroring mode: disabled)"),
        ("remote", {"mode": "pool"}, "pool volumes of site 'remote' single images cannot be mirrored"),
        ("primary", {"peers": []}, "In pool volumes of site 'primary' nothing is sent (it has no peer)"),
        ("remote", {"peers": []}, "In pool volumes of site 'remote' nothing is received (it has no peer)"),
        ("primary", {"peers": [{"direction": "rx-only"}]}, "nothing is sent (directions of its peers: rx-only)"),
        ("remote", {"peers": [{"direction": "tx-only"}]}, "nothing is received (directions of its peers: tx-only)"),
    ],
)
def test_pools_that_are_not_mirrored_are_a_problem(bench, site, info, says):
    getattr(bench.ceph, site).info.update(info)
    (problem,) = bench.driver.problems([bench.volume(b"one")])
    assert says in problem


@pytest.mark.parametrize(("state", "is_problem"), [("up+replaying", False), ("up+error", False), ("down+unknown", False), ("down+replaying", True)])
def test_a_daemon_that_does_not_run_is_a_problem_where_it_is_known(bench, state, is_problem):
    volume = bench.volume(b"one")
    bench.driver.mirror(volume, LONG)
    bench.ceph.transfer()
    bench.ceph.remote.states[image_of(volume)] = {"state": state, "description": "as it is"}
    assert [f"rbd-mirror does not run there ({state}, as it is)" in one for one in bench.driver.problems([volume])] == [True] * is_problem


def test_a_site_that_does_not_answer_is_a_problem(bench):
    bench.ceph.remote.says["mirror pool info"] = Answer(None, b"", b"")
    assert bench.driver.problems([bench.volume(b"one")]) == [
        "'rbd mirror pool info volumes --format json' at site 'remote' did not end within 120 s. "
        "Check that the site's Ceph monitors can be reached from there."
    ]


@pytest.mark.parametrize("output", [b"", b"{", b"[" * 100000, b"[]"])
def test_an_answer_that_is_none_is_told(bench, output):
    bench.ceph.primary.says["mirror pool info"] = Answer(0, output, b"")
    (problem,) = bench.driver.problems(["v"])
    assert "at site 'primary'" in problem


@pytest.mark.parametrize("output", [{}, [{}], [{"id": "x", "name": "", "protected": "", "namespace": {}}], [3]])
def test_a_list_of_snapshots_that_is_none_is_told(bench, output):
    cut = bench.snapshot(bench.volume(b"one"))
    bench.ceph.primary.says["snap ls"] = Answer(0, json.dumps(output).encode(), b"")
    with pytest.raises(CloudError, match=r"does not list the snapshots|has no snapshot"):
        bench.driver.send(cut)


def test_a_mirror_snapshot_without_a_number_is_told(bench):
    cut = bench.snapshot(bench.volume(b"one"))
    bench.driver.mirror(cut.volume_id, LONG)
    bench.ceph.primary.says["mirror image snapshot"] = Answer(0, b"done", b"")
    with pytest.raises(CloudError, match="does not say which: done"):
        bench.driver.send(cut)
