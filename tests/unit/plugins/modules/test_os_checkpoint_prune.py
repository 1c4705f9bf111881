# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import dataclasses
from types import SimpleNamespace

import pytest
from ansible_collections.osdr.openstack.plugins.module_utils.catalogue.catalogue import Catalogue
from ansible_collections.osdr.openstack.plugins.module_utils.catalogue.publication import Publication
from ansible_collections.osdr.openstack.plugins.module_utils.core.errors import InvalidInput, ManifestInvalid
from ansible_collections.osdr.openstack.plugins.module_utils.manifest.together import Together
from ansible_collections.osdr.openstack.plugins.module_utils.work.waiting import Waiter
from ansible_collections.osdr.openstack.plugins.modules import os_checkpoint_prune
from ansible_collections.osdr.openstack.tests.unit.support import shop
from ansible_collections.osdr.openstack.tests.unit.support.fakes import FakeCopies, FakeStore, FakeTime, backup, volume

NOTHING = {"last": 0, "hourly": 0, "daily": 0, "weekly": 0, "monthly": 0}


class Clouds:
    """Two sites with three checkpoints as the module reaches them; the second one is built on the first."""

    def __init__(self, monkeypatch):
        self.history, self.journal, self.store, self.own_store = shop.History(), [], FakeStore(), FakeStore()
        self.history.take("ten", "2026-01-01T10:00:00")
        self.history.take("noon", "2026-01-01T12:00:00", on="ten")
        self.history.take("two", "2026-01-01T14:00:00")
        self.remote = FakeCopies("remote", self.history.backups, journal=self.journal)
        self.primary = FakeCopies("primary", self.history.backups, self.history.snapshots, self.journal)
        self.publish(None)
        self.connected = []
        sites = {"remote": self.remote, "primary": self.primary}
        monkeypatch.setattr(os_checkpoint_prune, "connect", lambda params: self._connect(params["cloud"]))
        monkeypatch.setattr(os_checkpoint_prune, "connect_other", self._connect)
        monkeypatch.setattr(os_checkpoint_prune, "BlockStorage", sites.get)
        self.leading = FakeStore()
        stores = {"remote": self.store, "primary": self.own_store, "leading": self.leading}
        monkeypatch.setattr(Catalogue, "of", lambda cloud, params: Catalogue(stores[cloud], params["hmac_key"]))
        monkeypatch.setattr(os_checkpoint_prune, "Waiter", lambda timeout, interval: Waiter(timeout, interval, FakeTime().clock))

    def _connect(self, cloud):
        self.connected.append(cloud)
        return cloud

    def publish(self, key):
        publication = Publication(Catalogue(self.store, key), self.remote)
        for manifest in self.history.manifests:
            publication.publish(manifest, {})

    def prune(self, check_mode=False, **changes):
        params = {
            "cloud": "remote",
            "primary_cloud": "primary",
            "application": "shop",
            "container": "catalogue",
            "hmac_key": None,
            "leading_cloud": None,
            "timeout": 10,
            "concurrency": 1,
            **changes,
            "keep": {**NOTHING, **changes.get("keep", {"last": 1})},
        }
        self.warnings = []
        return os_checkpoint_prune.run(SimpleNamespace(params=params, check_mode=check_mode, warn=self.warnings.append))


@pytest.fixture
def clouds(monkeypatch):
    return Clouds(monkeypatch)


def test_the_result_says_what_stays_and_what_went(clouds):
    result = clouds.prune(keep={"last": 1, "hourly": 1, "monthly": 1})
    chains = [shop.uuid(1000 * checkpoint + volume) for checkpoint in (2, 1) for volume in (1, 2, 3)]
    snapshots = [f"snapshot-{checkpoint}-{volume}" for checkpoint in ("ten", "noon") for volume in (1, 2, 3)]
    assert result == {
        "changed": True,
        "prune": {
            "kept": [{"id": "two", "reasons": ["last", "hourly", "monthly"]}],
            "removed": ["noon", "ten"],
            "backups": {"remote": chains, "primary": chains},
            "snapshots": {"remote": [], "primary": snapshots},
            "scratch": {site: {"backups": [], "volumes": [], "images": []} for site in ("remote", "primary")},
        },
        "diff": {"before": {"checkpoints": ["noon", "ten", "two"]}, "after": {"checkpoints": ["two"]}},
    }
    assert clouds.warnings == []
    assert len(clouds.remote.by_id) == len(clouds.primary.by_id) == 3


def test_check_mode_tells_the_same_and_removes_nothing(clouds):
    foreseen = clouds.prune(check_mode=True)
    assert (clouds.journal, len(clouds.store.content), clouds.remote.writes) == ([], 3, 0)
    assert foreseen == clouds.prune()


def test_a_second_run_changes_nothing(clouds):
    clouds.prune()
    for check_mode in (True, False):
        again = clouds.prune(check_mode=check_mode)
        assert (again["changed"], again["prune"]["removed"], again["prune"]["backups"]) == (False, [], {"remote": [], "primary": []})
        assert again["diff"]["before"] == again["diff"]["after"] == {"checkpoints": ["two"]}


@pytest.mark.parametrize("primary", [None, ""])
def test_a_primary_that_is_not_named_is_not_reached(clouds, primary):
    result = clouds.prune(primary_cloud=primary)
    assert clouds.connected == ["remote"]
    assert (result["prune"]["backups"].keys(), result["prune"]["snapshots"]) == ({"remote"}, {"remote": []})
    assert {where for where, _what in clouds.journal} == {"remote"}


def test_what_had_to_be_left_alone_is_a_warning_and_did_not_go(clouds):
    clouds.remote.refused = {shop.uuid(2001): 400}
    result = clouds.prune()
    assert clouds.warnings == [f"Site 'remote' could not delete backup {shop.uuid(2001)}. It was kept."]
    for site in ("remote", "primary"):
        assert result["prune"]["backups"][site] == [shop.uuid(one) for one in (2002, 2003, 1002, 1003)]


def leave_scratch(clouds, **status):
    """A run that died has left a volume and its backup, and what it was compared with, of the newest checkpoint."""
    meant = shop.uuid(3001)
    name = f"osdr-verify-{meant}"
    made = volume(name, id="volume-scratch", description=f"osdr_verify={meant}", **status)
    again = backup(name, id="backup-scratch", metadata={"osdr_verify": meant}, **status)
    clone = volume(name, id="volume-clone", description=f"osdr_verify={meant}", **status)
    clouds.primary.volumes_by_id[clone.id] = clone
    clouds.remote.volumes_by_id[made.id] = made
    clouds.remote.by_id[again.id] = again


def test_what_was_left_of_a_comparison_goes_too(clouds):
    clouds.prune()
    clouds.journal.clear()
    leave_scratch(clouds, status="available")
    foreseen = clouds.prune(check_mode=True)
    assert (foreseen["changed"], clouds.journal) == (True, [])
    assert foreseen["prune"]["scratch"] == {
        "remote": {"backups": ["backup-scratch"], "volumes": ["volume-scratch"], "images": []},
        "primary": {"backups": [], "volumes": ["volume-clone"], "images": []},
    }
    assert clouds.prune() == foreseen
    assert clouds.journal == [("remote", "backup-scratch"), ("remote", "volume-scratch"), ("primary", "volume-clone")]
    assert not clouds.prune()["changed"]


def test_a_comparison_that_still_goes_on_is_a_warning(clouds):
    clouds.prune()
    clouds.journal.clear()
    leave_scratch(clouds, status="creating")
    result = clouds.prune()
    nothing = {"backups": [], "volumes": [], "images": []}
    assert (result["changed"], result["prune"]["scratch"], clouds.journal) == (False, {"remote": nothing, "primary": nothing}, [])
    assert [one.split(" (")[0] for one in clouds.warnings] == [f"osdr-verify-{shop.uuid(3001)}"] * 3
    assert clouds.warnings[0] == f"osdr-verify-{shop.uuid(3001)} (backup-scratch) on site 'remote' is creating. It was kept."


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        pytest.param({"keep": {}}, "would remove every checkpoint", id="a policy that keeps nothing"),
        pytest.param({"keep": {"last": 1, "daily": -1}}, "negative number for daily", id="a negative number"),
        pytest.param({"application": "../shop"}, "cannot be used as the name of an application", id="no valid name"),
    ],
)
def test_nonsense_is_refused_before_anything_is_reached(clouds, changes, message):
    with pytest.raises(InvalidInput, match=message):
        clouds.prune(**changes)
    assert clouds.connected == []


@pytest.mark.parametrize("check_mode", [True, False])
def test_a_damaged_manifest_is_a_failure_and_nothing_is_removed(clouds, check_mode):
    clouds.store.content["shop/ten.json"] = b"{"
    with pytest.raises(ManifestInvalid, match="so the backups they need are unknown: Object 'shop/ten.json'"):
        clouds.prune(check_mode=check_mode)
    assert clouds.journal == []


def test_a_manifest_that_was_not_signed_with_the_key_is_a_damaged_one(clouds):
    with pytest.raises(ManifestInvalid, match="is not signed"):
        clouds.prune(hmac_key="secret")
    clouds.publish("secret")
    assert clouds.prune(hmac_key="secret")["prune"]["removed"] == ["noon", "ten"]


def test_the_catalogue_of_the_primary_is_read_with_the_same_key(clouds):
    clouds.history.leave("lost", "2026-01-01T11:00:00", [shop.uuid(9001)], status="error")
    clouds.primary.by_id[shop.uuid(9001)] = clouds.history.backups[-1]
    clouds.own_store.content.update(clouds.store.content)
    clouds.publish("secret")
    result = clouds.prune(hmac_key="secret")
    assert (result["prune"]["removed"], shop.uuid(9001) in clouds.primary.by_id) == (["noon", "ten"], True)
    assert len(clouds.warnings) == 1
    assert "1 backups and 0 snapshots at site 'primary'" in clouds.warnings[0]
    assert clouds.warnings[0].count("is not signed") == 3


def test_an_application_without_checkpoints_has_nothing_to_remove(clouds):
    result = clouds.prune(application="bank")
    assert (result["changed"], result["prune"]["kept"], clouds.journal) == (False, [], [])


# Several projects


def together(clouds, project="theirs"):
    """The checkpoints become parts of ones over two projects, which the other one leads."""
    parts = Together(project, ("ours", "theirs"), ("database", "front"))
    manifests = [dataclasses.replace(one, checkpoint=dataclasses.replace(one.checkpoint, together=parts)) for one in clouds.history.manifests]
    clouds.history.manifests[:] = manifests
    clouds.publish(None)
    return {one.checkpoint.id: one for one in manifests}


def kept(result):
    return [one["id"] for one in result["prune"]["kept"]]


def test_the_other_projects_keep_what_the_leading_one_has_and_what_may_be_about_to_come(clouds):
    parts = together(clouds)
    Catalogue(clouds.leading).publish(parts["noon"])
    result = clouds.prune(leading_cloud="leading", keep={})
    assert (kept(result), result["prune"]["removed"]) == (["two", "noon"], ["ten"])
    assert {reason for one in result["prune"]["kept"] for reason in one["reasons"]} == {"leading project"}


def test_where_the_leading_project_has_nothing_nothing_goes(clouds):
    together(clouds)
    assert kept(clouds.prune(leading_cloud="leading", keep={})) == ["two", "noon", "ten"]


def test_what_is_damaged_in_the_leading_project_has_a_part_all_the_same(clouds):
    parts = together(clouds)
    catalogue = Catalogue(clouds.leading)
    catalogue.publish(parts["two"])
    catalogue.publish(parts["ten"], b"nonsense")
    result = clouds.prune(leading_cloud="leading", keep={})
    assert (kept(result), result["prune"]["removed"]) == (["two", "ten"], ["noon"])


def test_parts_are_not_kept_by_rules_of_their_own(clouds):
    together(clouds)
    with pytest.raises(InvalidInput, match="Give leading_cloud"):
        clouds.prune()


def test_the_leading_project_goes_by_the_rules(clouds):
    together(clouds, project="ours")
    assert kept(clouds.prune()) == ["two"]
