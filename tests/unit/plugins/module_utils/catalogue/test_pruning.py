# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import dataclasses

import pytest
from ansible_collections.osdr.openstack.plugins.module_utils.catalogue.catalogue import Catalogue
from ansible_collections.osdr.openstack.plugins.module_utils.catalogue.pruning import Pruning
from ansible_collections.osdr.openstack.plugins.module_utils.catalogue.publication import Publication
from ansible_collections.osdr.openstack.plugins.module_utils.catalogue.retention import Policy
from ansible_collections.osdr.openstack.plugins.module_utils.core.errors import CloudError, DrError, Interrupted, ManifestInvalid, ResourceFailed, WaitTimeout
from ansible_collections.osdr.openstack.plugins.module_utils.manifest.manifest import Manifest
from ansible_collections.osdr.openstack.plugins.module_utils.manifest.pieces import LABEL_KEY
from ansible_collections.osdr.openstack.plugins.module_utils.work.waiting import Waiter
from ansible_collections.osdr.openstack.tests.unit.support import shop
from ansible_collections.osdr.openstack.tests.unit.support.fakes import FakeCopies, FakeStore, FakeTime

LAST = Policy(last=1)


class JournalStore(FakeStore):
    """Notes what is deleted with what the sites note."""

    def __init__(self, journal):
        super().__init__()
        self._journal = journal

    def delete(self, name):
        self._journal.append(("catalogue", name))
        super().delete(name)


class Sites:
    """Both sites with three checkpoints: the first two are a chain, the third begins anew.

    :param remote: what goes wrong there; ``primary`` likewise.
    :param before: whether the application ran at the remote site before: the backups of two checkpoints that were copied the other
        way are at both sites, and the second one is in the catalogue of the primary site.
    """

    def __init__(self, remote=None, primary=None, before=False):
        self.journal, self.time, self.history = [], FakeTime(), shop.History()
        self.history.take("ten", "2026-01-01T10:00:00")
        self.history.take("noon", "2026-01-01T12:00:00", on="ten")
        self.history.take("two", "2026-01-01T14:00:00")
        manifests = list(self.history.manifests)
        if before:
            self.history.take("away", "2026-01-01T08:00:00")
            self.history.take("away-again", "2026-01-01T09:00:00", on="away")
        self.store = JournalStore(self.journal)
        self.remote = FakeCopies("remote", self.history.backups, journal=self.journal, **remote or {})
        self.primary = FakeCopies("primary", self.history.backups, self.history.snapshots, journal=self.journal, **primary or {})
        self.publication = Publication(Catalogue(self.store), self.remote)
        self.own_store = JournalStore(self.journal)
        self.opposite = Publication(Catalogue(self.own_store), self.primary)
        for manifest in manifests:
            self.publication.publish(manifest, self.publication.pieces_to_store(manifest, self.remote.backups()))
        if before:
            again = self.history.manifests[0]
            self.opposite.publish(again, self.opposite.pieces_to_store(again, self.primary.backups()))

    def pruning(self, primary=True):
        waiter = Waiter(timeout=10, interval=1, clock=self.time.clock)
        # One at a time, so that the journal is the same every time.
        return Pruning(self.publication, self.opposite if primary else None, waiter, 1)

    def prune(self, policy=LAST, **arguments):
        pruning = self.pruning(**arguments)
        return pruning, pruning.carry_out(pruning.plan("shop", policy))

    def deleted(self, site):
        """Backups that were asked to be deleted, in this order."""
        return [self.history.names[what] for where, what in self.journal if where == site and what in self.history.names]

    def left(self, storage):
        return sorted(self.history.named(storage.by_id))


def number(checkpoint, volume):
    return shop.uuid(1000 * checkpoint + volume)


CHAINS = ["noon-1", "ten-1", "noon-2", "ten-2", "noon-3", "ten-3"]


def test_the_manifests_go_first_then_the_remote_site_then_the_primary():
    sites = Sites()
    sites.prune()
    assert [where for where, _what in sites.journal] == ["catalogue"] * 2 + ["remote"] * 6 + ["primary"] * 12
    assert {what for where, what in sites.journal if where == "catalogue"} == {"shop/ten.json", "shop/noon.json"}
    assert list(sites.store.content) == ["shop/two.json"]


def test_each_goes_before_what_it_builds_on_at_both_sites():
    sites = Sites()
    sites.prune()
    assert sites.deleted("remote") == sites.deleted("primary") == CHAINS
    assert sites.left(sites.remote) == sites.left(sites.primary) == ["two-1", "two-2", "two-3"]
    assert {one.metadata["osdr_checkpoint"] for one in sites.primary.snapshots()} == {"two"}


def test_a_second_run_finds_nothing_to_do():
    sites = Sites()
    assert sites.prune()[1].changes
    sites.journal.clear()
    assert not sites.prune()[1].changes
    assert sites.journal == []


def test_parents_of_what_stays_stay_though_their_checkpoint_goes():
    sites = Sites()
    plan = sites.prune(Policy(last=2))[1]
    assert [one.checkpoint.id for one in plan.retention.remove] == ["ten"]
    assert (sites.deleted("remote"), sites.deleted("primary"), plan.changes) == ([], [], True)
    # They keep no pieces of a manifest that is gone, lest it is written anew.
    holders = {one.metadata["osdr_checkpoint"] for one in sites.remote.backups() if LABEL_KEY in one.metadata}
    assert holders == {"noon", "two"}


def test_a_checkpoint_that_goes_is_a_change_though_nothing_else_goes():
    plan = Sites().prune(Policy(last=2), primary=False)[1]
    assert ([gone.parts for _storage, gone in plan.sites], plan.changes) == ([()], True)


def test_without_the_primary_only_the_remote_site_is_touched():
    sites = Sites()
    plan = sites.prune(primary=False)[1]
    assert [storage.cloud.site for storage, _gone in plan.sites] == ["remote"]
    assert (sites.deleted("remote"), sites.deleted("primary")) == (CHAINS, [])
    assert len(sites.primary.snapshots()) == 9


def test_what_the_primary_kept_goes_once_it_is_there_again():
    sites = Sites()
    sites.prune(primary=False)
    plan = sites.prune()[1]
    assert (plan.retention.remove, plan.changes) == ((), True)
    assert sites.deleted("primary") == CHAINS


def test_what_is_left_over_at_the_primary_goes():
    sites = Sites()
    sites.history.leave("lost", "2026-01-01T11:00:00", [shop.uuid(9001)], status="error")
    sites.history.leave("made", "2026-01-01T15:00:00", [shop.uuid(9002)], status="error")
    sites.primary = sites.opposite.storage = FakeCopies("primary", sites.history.backups, sites.history.snapshots)
    plan = sites.prune(Policy(last=3))[1]
    assert [sites.history.named(one.id for one in gone.parts) for _storage, gone in plan.sites] == [[], ["lost-1"]]
    assert [[one.name for one in gone.snapshots] for _storage, gone in plan.sites] == [[], ["lost-1"]]


def test_with_a_damaged_manifest_nothing_is_removed():
    sites = Sites()
    sites.store.content["shop/noon.json"] = b"{"
    sites.store.content["shop/ten.json"] = b""
    with pytest.raises(ManifestInvalid) as raised:
        sites.prune()
    for told in ("Nothing of application 'shop' was pruned", "shop/noon.json", "shop/ten.json", "os_catalogue_rebuild"):
        assert told in str(raised.value)
    assert sites.journal == []


def test_the_damaged_manifest_of_another_application_does_not_matter():
    sites = Sites()
    sites.store.content["bank/noon.json"] = b"{"
    sites.prune()
    assert list(sites.store.content) == ["shop/two.json", "bank/noon.json"]


# What was copied the other way, before the application was moved

AWAY = [f"away-{number}" for number in (1, 2, 3)] + [f"away-again-{number}" for number in (1, 2, 3)]
NEWEST = [f"two-{number}" for number in (1, 2, 3)]


def test_the_checkpoints_of_the_other_direction_stay_whole_though_they_are_older():
    sites = Sites(before=True)
    pruning = sites.prune()[0]
    assert sites.deleted("remote") == sites.deleted("primary") == CHAINS
    assert sites.left(sites.remote) == sites.left(sites.primary) == sorted(AWAY + NEWEST)
    assert (list(sites.own_store.content), pruning.warnings) == (["shop/away-again.json"], [])


def test_once_they_are_gone_from_their_catalogue_what_is_left_of_them_goes():
    sites = Sites(before=True)
    sites.opposite.withdraw("shop", "away-again", sites.opposite.pieces_to_remove("shop", "away-again"))
    sites.prune()
    assert sites.left(sites.remote) == sites.left(sites.primary) == NEWEST


class Unreadable(FakeStore):
    def __init__(self, error):
        super().__init__()
        self._error = error

    def documents(self, folder=""):
        raise self._error


def by_another_method(store):
    """A checkpoint of the catalogue has a copy that this release does not know how to read."""
    name = min(store.content)
    manifest = Manifest.load(store.content[name])
    first, *others = manifest.copies
    store.content[name] = dataclasses.replace(manifest, copies=(dataclasses.replace(first, method="pigeon"), *others)).dump()


def test_nothing_goes_where_nobody_knows_what_a_checkpoint_needs():
    sites = Sites()
    by_another_method(sites.store)
    sites.journal.clear()
    with pytest.raises(ManifestInvalid, match="Nothing of application 'shop' was pruned.*method 'pigeon', which this release does not know"):
        sites.prune()
    assert sites.journal == []


def unreadable(error):
    return lambda sites: setattr(sites.opposite, "catalogue", Catalogue(Unreadable(error)))


UNKNOWN = [
    pytest.param(unreadable(CloudError("It does not answer.")), "the catalogue of site 'primary' cannot be read. It does not answer.", id="out of reach"),
    pytest.param(unreadable(DrError("3 of 3 operations failed.")), "cannot be read. 3 of 3 operations failed.", id="no manifest can be read"),
    pytest.param(
        lambda sites: sites.own_store.content.update({"shop/away-again.json": b"{"}),
        "is incomplete. Object 'shop/away-again.json' in container 'catalogue' of site 'remote': ",
        id="damaged",
    ),
    pytest.param(lambda sites: sites.own_store.content.clear(), "It lacks checkpoint 'away-again', of which the site has backups", id="lost"),
    pytest.param(lambda sites: by_another_method(sites.own_store), "is incomplete. The copy of volume", id="of a method that is not known"),
]


@pytest.mark.parametrize(("harm", "told"), UNKNOWN)
def test_where_the_other_catalogue_is_not_known_only_what_is_named_goes(harm, told):
    sites = Sites(before=True)
    sites.history.leave("lost", "2026-01-01T11:00:00", [shop.uuid(9001)], status="error")
    sites.primary.by_id[shop.uuid(9001)] = sites.history.backups[-1]
    harm(sites)
    pruning, plan = sites.prune()
    assert sites.deleted("remote") == sites.deleted("primary") == CHAINS
    assert sites.left(sites.primary) == sorted([*AWAY, *NEWEST, "lost-1"])
    assert {one.name for one in plan.sites[1][1].snapshots} == set(CHAINS)
    assert [one.split(" belong")[0] for one in pruning.warnings] == [
        "6 backups and 0 snapshots at site 'remote'",
        "7 backups and 6 snapshots at site 'primary'",
    ]
    assert all(told in one for one in pruning.warnings)


@pytest.mark.parametrize(("harm", "told"), UNKNOWN[:2])
def test_what_goes_anyway_needs_no_warning(harm, told):
    sites = Sites()
    harm(sites)
    pruning = sites.prune()[0]
    assert (sites.left(sites.primary), pruning.warnings) == (NEWEST, [])


def test_without_the_primary_nobody_knows_the_other_catalogue():
    sites = Sites(before=True)
    pruning = sites.prune(primary=False)[0]
    assert (sites.deleted("remote"), sites.left(sites.remote)) == (CHAINS, sorted(AWAY + NEWEST))
    assert len(pruning.warnings) == 1
    assert "the primary site, which has their catalogue, was not read" in pruning.warnings[0]


def test_being_told_to_stop_is_no_catalogue_that_cannot_be_read():
    sites = Sites()
    unreadable(Interrupted("Stopped by SIGTERM."))(sites)
    with pytest.raises(Interrupted):
        sites.prune()
    assert sites.journal == []


def test_one_store_of_both_sites_has_one_catalogue():
    sites = Sites()
    sites.opposite.catalogue = sites.publication.catalogue
    sites.prune()
    assert sites.left(sites.remote) == sites.left(sites.primary) == NEWEST


# What cannot be removed


def test_what_is_refused_is_a_warning_and_ends_its_own_chain_only():
    sites = Sites(remote={"refused": {number(2, 1): 400}})
    pruning, plan = sites.prune()
    assert pruning.warnings == [f"Site 'remote' could not delete backup {number(2, 1)}. It was kept."]
    assert sites.deleted("remote") == ["noon-1", "noon-2", "ten-2", "noon-3", "ten-3"]
    assert sites.history.named(one.id for one in plan.sites[0][1].parts) == ["noon-2", "noon-3", "ten-2", "ten-3"]


def test_what_one_site_must_leave_alone_the_next_one_does_not_touch():
    """In a shared store, it would remove the objects of both."""
    sites = Sites(remote={"refused": {number(1, 2): 400}})
    plan = sites.prune()[1]
    assert sites.left(sites.remote) == sites.left(sites.primary) == ["ten-2", "two-1", "two-2", "two-3"]
    assert [len(gone.parts) for _storage, gone in plan.sites] == [5, 5]


def test_what_only_the_primary_refuses_is_a_warning_too():
    sites = Sites(primary={"refused": {number(1, 3): 400}})
    pruning, plan = sites.prune()
    assert len(pruning.warnings) == 1
    assert sites.left(sites.primary) == ["ten-3", "two-1", "two-2", "two-3"]
    assert [len(gone.parts) for _storage, gone in plan.sites] == [6, 5]


def test_what_somebody_else_builds_on_at_the_primary_stays_at_both_sites():
    sites = Sites()
    changes = {"is_incremental": True, "metadata": {}, "id": "theirs", "data_timestamp": "2026-01-01T12:30:00", "volume_id": shop.uuid(2)}
    theirs = dataclasses.replace(sites.history.backups[0], **changes)
    sites.history.names["theirs"] = "theirs"
    for one in (number(1, 2), number(2, 2)):
        sites.primary.by_id[one] = dataclasses.replace(sites.primary.by_id[one], has_dependents=True)
    sites.primary.by_id["theirs"] = theirs
    pruning = sites.prune()[0]
    assert pruning.warnings == []
    assert sites.deleted("remote") == sites.deleted("primary") == ["noon-1", "ten-1", "noon-3", "ten-3"]
    assert not sites.prune()[1].changes


@pytest.mark.parametrize("status", [403, 500, None])
def test_any_other_refusal_is_a_failure_after_trying_the_other_chains(status):
    sites = Sites(remote={"refused": {number(2, 1): status}})
    with pytest.raises(CloudError, match=f"could not delete backup {number(2, 1)}"):
        sites.prune()
    assert sites.deleted("remote") == ["noon-1", "noon-2", "ten-2", "noon-3", "ten-3"]
    assert sites.deleted("primary") == []


@pytest.mark.parametrize(("reason", "told"), [("The store is full.", "The store is full."), ("", "error")])
def test_a_backup_that_goes_to_an_error_is_told(reason, told):
    sites = Sites(remote={"broken": {number(2, 2): reason}})
    with pytest.raises(ResourceFailed) as raised:
        sites.prune()
    assert f"Backup {number(2, 2)} of volume {shop.uuid(2)} on site 'remote' could not be deleted: {told}" in str(raised.value)
    assert (raised.value.facts["resource_id"], sites.deleted("primary")) == (number(2, 2), [])
    assert "ten-2" not in sites.deleted("remote")


def test_what_was_interrupted_is_finished_by_the_next_run():
    sites = Sites(remote={"broken": {number(2, 2): "The store is full."}})
    with pytest.raises(ResourceFailed):
        sites.prune()
    sites.remote.broken.clear()
    sites.prune()
    assert sites.left(sites.remote) == sites.left(sites.primary) == ["two-1", "two-2", "two-3"]


def test_a_backup_that_does_not_go_is_waited_for_within_limits():
    sites = Sites()
    sites.remote.backup = sites.remote.by_id.get
    with pytest.raises(DrError, match=f"3 of 3 operations failed: Timed out after 10 s waiting for backup {number(2, 1)} on site 'remote'"):
        sites.prune()
    assert sites.deleted("remote") == ["noon-1", "noon-2", "noon-3"]


# Snapshots


def test_members_of_a_group_snapshot_go_with_it_at_once():
    sites = Sites()
    grouped = [dataclasses.replace(one, group_snapshot_id="gs") if one.name.startswith("ten") else one for one in sites.history.snapshots]
    sites.primary = sites.opposite.storage = FakeCopies("primary", sites.history.backups, grouped, sites.journal)
    sites.prune()
    asked = [what for where, what in sites.journal if where == "primary" and what not in sites.history.names]
    assert asked == ["gs", "snapshot-noon-1", "snapshot-noon-2", "snapshot-noon-3"]
    assert len(sites.primary.snapshots()) == 3


def test_snapshots_that_do_not_go_are_waited_for_within_limits():
    sites = Sites()
    sites.primary.delete_snapshot = lambda snapshot_id: None
    with pytest.raises(WaitTimeout, match="the snapshots of removed checkpoints on site 'primary' to be deleted"):
        sites.prune()
    assert sites.time.seconds >= 10
