# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import dataclasses
from types import SimpleNamespace

import pytest
from ansible_collections.osdr.openstack.plugins.module_utils.catalogue.catalogue import Overview
from ansible_collections.osdr.openstack.plugins.module_utils.copies import options
from ansible_collections.osdr.openstack.plugins.module_utils.core.errors import CheckFailed, CloudError, InvalidInput
from ansible_collections.osdr.openstack.plugins.module_utils.manifest.draft import COPIES, Draft
from ansible_collections.osdr.openstack.plugins.module_utils.manifest.manifest import Copy, Outline
from ansible_collections.osdr.openstack.plugins.module_utils.manifest.plain import build
from ansible_collections.osdr.openstack.plugins.modules import os_backup_replicate
from ansible_collections.osdr.openstack.tests.unit.support import shop
from ansible_collections.osdr.openstack.tests.unit.support.fake_stores import CONTAINER, TwoSites, location

VOLUMES = ["volume-orders", "volume-payments"]


class Run(TwoSites):
    """Two sites as the module sees them."""

    def __init__(self, monkeypatch, **trouble):
        super().__init__("payments", "orders", **trouble)
        self.given = {}
        self.warnings = []
        monkeypatch.setattr(os_backup_replicate, "connect", lambda params: "cloud")
        monkeypatch.setattr(os_backup_replicate, "Sites", SimpleNamespace(connect=self._connect))
        monkeypatch.setattr(os_backup_replicate, "Waiter", lambda timeout, interval: self.waiter)
        monkeypatch.setattr(options, "Effort", self._effort)
        monkeypatch.setattr(os_backup_replicate, "Catalogue", SimpleNamespace(of=self._catalogue))
        self.manifests = ()

    def _connect(self, _cloud, accounts):
        assert (accounts.remote, accounts.admin) == ("remote", None)
        return self.sites

    def _catalogue(self, cloud, _params):
        assert cloud.site == "remote"
        return SimpleNamespace(overview=lambda application, keep: Overview(tuple(map(keep, self.manifests)), ()))

    def _effort(self, concurrency, stall_timeout, bandwidth):
        self.given = {"stall_timeout": stall_timeout, "bandwidth": bandwidth}
        return dataclasses.replace(self.effort, concurrency=concurrency, **self.given)

    def __call__(self, check_mode=False, **changes):
        params = {
            "application": "shop",
            "checkpoint": "noon",
            "full_every": 7,
            "availability_zone": "",
            "backup_container": "",
            "transport": "copy",
            "verification": "objects",
            "bandwidth": 0,
            "volume_public_key": None,
            "verification_runs": 1,
            "stall_timeout": 600,
            "progress_file": None,
            "draft": None,
            "timeout": 60,
            "concurrency": 1,
            "remote_cloud": "remote",
            **dict.fromkeys(("admin_cloud", "remote_admin_cloud", "store_cloud", "remote_store_cloud")),
            **changes,
        }
        return os_backup_replicate.run(SimpleNamespace(params=params, check_mode=check_mode, warn=self.warnings.append))

    @property
    def calls(self):
        return len(self.primary.calls) + len(self.remote.calls) + len(self.stores.remote.written)


@pytest.fixture
def run(monkeypatch):
    return Run(monkeypatch)


def copied(result):
    return [one["volume_id"] for one in result["replication"]["copies"]]


def test_a_checkpoint_is_copied_once(run):
    first = run()
    assert first["changed"]
    assert copied(first) == VOLUMES
    assert [one["chain"] for one in first["replication"]["copies"]] == [[one["copy_id"]] for one in first["replication"]["copies"]]
    assert (first["replication"]["application"], first["replication"]["checkpoint"]) == ("shop", "noon")
    calls, again = run.calls, run()
    assert not again["changed"]
    assert again["replication"] == first["replication"]
    assert again["diff"]["before"] == again["diff"]["after"] == {"backed_up": VOLUMES}
    assert run.calls == calls


def test_check_mode_changes_nothing_and_foresees_the_run(run):
    foreseen = run(check_mode=True)
    assert run.calls == 0
    assert (foreseen["changed"], copied(foreseen)) == (True, [])
    assert foreseen["diff"] == {"before": {"backed_up": []}, "after": {"backed_up": VOLUMES}}
    done = run()
    assert done["diff"] == foreseen["diff"]
    after = run(check_mode=True)
    assert (after["changed"], after["replication"]) == (False, done["replication"])


def lose_object(run):
    del run.stores.remote.containers[CONTAINER][location("primary-2", "orders").list_name]


def lose_record(run):
    del run.remote.by_id["backup-primary-2"]


@pytest.mark.parametrize("loss", [lose_object, lose_record])
def test_check_mode_shows_only_copies_that_are_whole_and_a_change_for_the_others(run, loss):
    run()
    loss(run)
    calls, foreseen = run.calls, run(check_mode=True)
    assert (foreseen["changed"], copied(foreseen)) == (True, ["volume-payments"])
    assert run.calls == calls
    assert copied(run()) == VOLUMES


def test_check_mode_counts_what_is_under_way_as_a_change(run):
    run()
    run.primary._change(run.primary.by_id, "backup-primary-2", status="creating")
    foreseen = run(check_mode=True)
    assert (foreseen["changed"], copied(foreseen)) == (True, ["volume-payments"])


def test_a_progress_file_that_cannot_be_written_is_a_warning(run, tmp_path):
    assert run(progress_file=str(tmp_path))["changed"]
    (warning,) = run.warnings
    assert "How far the work was could not be told" in warning
    run(progress_file=str(tmp_path / "progress"))
    assert len(run.warnings) == 1


def test_check_mode_restores_nothing(run):
    run(verification="restore")
    calls = run.calls
    foreseen = run(check_mode=True, verification="restore")
    assert not foreseen["changed"]
    assert {one["verified"] for one in foreseen["replication"]["copies"]} == {"objects"}
    assert run.calls == calls


def published(checkpoint, created_at, result):
    """The manifest of a checkpoint with the copies that a run returned."""
    manifest = shop.taken(checkpoint, created_at=created_at)
    copies = [build(Copy, one) for one in result["replication"]["copies"]]
    return dataclasses.replace(manifest, copies=tuple(copies))


def proved(result):
    return [one["volume_id"] for one in result["replication"]["copies"] if one["verified"] == "restore"]


def test_what_the_catalogue_says_selects_the_volumes_whose_content_is_proved(run):
    first = run(verification="restore", verification_runs=2)
    assert proved(first) == VOLUMES[:1]
    assert first["replication"]["unproved"].startswith("1 of 2 copies: the store has their objects, but it is not proved that a volume restored")
    run.manifests = [published("noon", "2026-01-01T12:00:00Z", first)]
    # The same checkpoint again is no turn of its own.
    assert proved(run(verification="restore", verification_runs=2)) == VOLUMES[:1]
    run.primary.snapshot("evening", "orders", "payments")
    second = run(checkpoint="evening", verification="restore", verification_runs=2)
    assert proved(second) == VOLUMES[1:]
    assert [one["content"]["proved_by"] for one in second["replication"]["copies"]] == ["noon", "evening"]


def test_what_records_do_not_prove_is_told(run):
    told = run(verification="records")["replication"]["unproved"]
    assert told == (
        "2 of 2 copies: only what both sites say of them was compared, so it is not proved that their data are in the store, "
        "that these are whole, or that a volume restored from them equals its snapshot."
    )
    assert run(verification="restore")["replication"]["unproved"] == ""


def test_check_mode_tells_what_is_in_the_way(run):
    run.remote.allowed_to_import = False
    with pytest.raises(CheckFailed, match="Give remote_admin_cloud"):
        run(check_mode=True)


def test_what_is_damaged_is_no_copy_in_check_mode_either(run):
    run()
    objects = run.stores.remote.containers[CONTAINER]
    # The primary has the same damage, so that nothing seems to be missing.
    name = f"{location('primary-2', 'orders').prefix}-00001"
    objects[name] = run.stores.primary.containers[CONTAINER][name] = b"rotten"
    with pytest.raises(CloudError, match=f"object {name} is damaged"):
        run(check_mode=True)


def test_backups_are_made_as_asked_for(run):
    run(availability_zone="local", backup_container="box")
    bodies = [body for _volume, body in run.primary.called("create_backup")]
    assert {(one["availability_zone"], one["container"], one["incremental"]) for one in bodies} == {("local", "box", False)}
    assert {one["container"] for one in run()["replication"]["copies"]} == {"box"}


@pytest.mark.parametrize(("full_every", "incremental"), [(1, False), (2, True)])
def test_how_long_chains_get_is_told(run, full_every, incremental):
    run()
    run.primary.snapshot("evening", "orders")
    (copy,) = run(checkpoint="evening", full_every=full_every)["replication"]["copies"]
    assert copy["incremental"] is incremental


@pytest.mark.parametrize(("bandwidth", "bytes_a_second"), [(0, None), (50, 50 * 1024**2)])
def test_the_bandwidth_is_in_mib_and_none_is_unlimited(run, bandwidth, bytes_a_second):
    run(bandwidth=bandwidth, stall_timeout=9)
    assert run.given == {"stall_timeout": 9, "bandwidth": bytes_a_second}


def test_how_far_it_is_can_be_read_from_a_file(run, tmp_path):
    run(progress_file=str(tmp_path / "progress"))
    assert (tmp_path / "progress").read_text().startswith("verifying: 2 of 2 backups")


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        pytest.param({"full_every": 0}, "full_every is 0; it must be at least 1", id="no full backup"),
        pytest.param({"concurrency": 0}, "concurrency is 0; it must be at least 1", id="nothing at once"),
        pytest.param({"stall_timeout": 0}, "stall_timeout is 0; it must be at least 1", id="no patience"),
        pytest.param({"verification_runs": 0}, "verification_runs is 0; it must be at least 1", id="never proved"),
        pytest.param({"bandwidth": -1}, "bandwidth is -1; it must be at least 0", id="negative bandwidth"),
        pytest.param({"application": "a/b"}, "'a/b' cannot be used as the name of an application", id="application"),
        pytest.param({"checkpoint": "a b"}, "'a b' cannot be used as the id of a checkpoint", id="checkpoint"),
        pytest.param({"checkpoint": "latest"}, "cannot have the id 'latest'", id="reserved checkpoint"),
    ],
)
def test_what_cannot_be_meant_is_refused_before_anything_is_asked(monkeypatch, changes, says):
    run = Run(monkeypatch)
    monkeypatch.setattr(os_backup_replicate, "connect", pytest.fail)
    with pytest.raises(InvalidInput, match=says):
        run(**changes)


def test_what_the_catalogue_has_of_the_checkpoint_is_known_when_keys_are_sealed(run, monkeypatch):
    real, seen = os_backup_replicate.ReplicationOptions.keeping, []
    monkeypatch.setattr(os_backup_replicate.ReplicationOptions, "keeping", lambda self, manifests: seen.append(manifests) or real(self, manifests))
    run.manifests = [shop.manifest()]
    run()
    assert seen == [tuple(map(Outline.of, run.manifests))]


@pytest.mark.parametrize("check_mode", [True, False])
def test_the_copies_are_kept_for_the_module_that_publishes_them_and_not_returned(run, tmp_path, check_mode):
    told = run(check_mode=check_mode, draft=str(tmp_path))["replication"]
    copies = run(check_mode=check_mode)["replication"].pop("copies")
    assert ("copies" in told, len(copies)) == (False, 0 if check_mode else 2)
    assert Draft(str(tmp_path)).find(COPIES) == (None if check_mode else {"checkpoint": "noon", "copies": copies})
