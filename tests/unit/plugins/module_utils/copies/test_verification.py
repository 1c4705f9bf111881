# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import dataclasses

import pytest
from ansible_collections.osdr.openstack.plugins.module_utils.copies.sites import Chain
from ansible_collections.osdr.openstack.plugins.module_utils.copies.verification import (
    OBJECTS,
    RECORDS,
    RESTORE,
    BlockSums,
    Comparison,
    Proof,
    Verification,
    foreseeable,
)
from ansible_collections.osdr.openstack.plugins.module_utils.core.errors import CloudError, DrError, ResourceFailed, WaitTimeout
from ansible_collections.osdr.openstack.tests.unit.support.fake_stores import (
    BLOCKS,
    CONTAINER,
    TwoSites,
    block_sums,
    link,
    location,
)
from ansible_collections.osdr.openstack.tests.unit.support.fakes import backup, volume

HERE = location("db")
DATA = f"{HERE.prefix}-00001"


class Proving(TwoSites):
    """A remote site with a chain of two backups, all of it whole."""

    def __init__(self, depth=OBJECTS, **trouble):
        super().__init__(**trouble)
        self.store = self.stores.remote
        for name in ("older", "db"):
            self.remote.hold(name)
            self.store.put(location(name))
        self.chain = Chain(backup("db"), (link("older"), link("db", parent="older")))
        self.verification = Verification(self.sites, depth, self.effort, self.waiter, self.progress)

    def prove(self):
        ((chain, proof),) = self.verification.prove([self.chain])
        assert chain == self.chain
        return proof

    def later(self, seconds, change):
        """Something happens at the site in so many seconds."""
        sleep = self.time.sleep

        def passing(slept):
            sleep(slept)
            if self.time.seconds >= seconds:
                change()

        self.waiter = dataclasses.replace(self.waiter, clock=dataclasses.replace(self.waiter.clock, sleep=passing))
        self.verification = Verification(self.sites, OBJECTS, self.effort, self.waiter, self.progress)

    @property
    def scratch(self):
        """What is at the site beside the chain."""
        return [one.id for one in (*self.remote.volumes(), *self.remote.backups()) if one.id not in self.chain.ids]


@pytest.mark.parametrize(("depth", "expected"), [(RECORDS, RECORDS), (OBJECTS, OBJECTS), (RESTORE, OBJECTS)])
def test_a_look_that_changes_nothing_restores_nothing(depth, expected):
    assert foreseeable(depth) == expected


# Records


def test_records_are_proved_without_a_look_at_the_store():
    site = Proving(RECORDS)
    site.store.down = 10**6
    assert site.prove() == Proof()


@pytest.mark.parametrize("depth", [RECORDS, OBJECTS, RESTORE])
@pytest.mark.parametrize(
    ("name", "changes", "says"),
    [
        pytest.param("db", None, "Backup backup-db of volume volume-db is not available there", id="it is unknown"),
        pytest.param("older", None, "Backup backup-older of volume volume-db is not available there", id="its parent is unknown"),
        pytest.param("older", {"status": "error"}, "Backup backup-older of volume volume-db is not available", id="its parent failed"),
        pytest.param("db", {"status": "creating"}, "Backup backup-db of volume volume-db is not available", id="it is under way"),
        pytest.param("db", {"size": 2}, "It has another backup under id backup-db of volume volume-db", id="it has another size"),
        pytest.param("db", {"object_count": 5}, "It has another backup under id backup-db", id="it has other objects"),
    ],
)
def test_what_the_site_does_not_know_as_it_is_does_not_count(depth, name, changes, says):
    site = Proving(depth)
    del site.remote.by_id[f"backup-{name}"]
    if changes:
        site.remote.hold(name, **changes)
    with pytest.raises(CloudError, match=f"The copies at site 'remote' are not whole. {says}"):
        site.prove()
    assert site.remote.calls == []


def test_a_backup_that_is_being_restored_is_there():
    site = Proving(RECORDS)
    site.remote.hold("db", status="restoring")
    assert site.prove() == Proof()


def test_all_that_is_wrong_is_told_at_once():
    site = Proving(RECORDS)
    site.remote.by_id.clear()
    with pytest.raises(CloudError, match="backup-older .*backup-db "):
        site.prove()


# Objects


def test_the_proof_is_of_the_backup_itself():
    site = Proving()
    proof = site.prove()
    assert proof.stored_bytes == sum(len(one) for name, one in site.store.containers[CONTAINER].items() if name.startswith(HERE.prefix))
    assert proof.inventory.startswith("sha256:")
    site.store.put(location("older"), (b"other", b"blocks"))
    assert site.prove() == proof
    site.store.put(HERE, (b"other", b"second block"))
    assert site.prove() != proof


@pytest.mark.parametrize("name", ["older", "db"])
def test_every_backup_of_the_chain_must_be_whole(name):
    site = Proving()
    lost = f"{location(name).prefix}-00002"
    del site.store.containers[CONTAINER][lost]
    with pytest.raises(CloudError, match=f"Backup backup-{name} in container 'backups', which volume volume-db needs: object {lost} is missing"):
        site.prove()


def test_many_problems_are_told_in_few_words():
    site = Proving()
    site.store.put(HERE, [bytes([number]) for number in range(20)])
    for name in [one for one in site.store.containers[CONTAINER] if one.startswith(f"{HERE.prefix}-")]:
        del site.store.containers[CONTAINER][name]
    with pytest.raises(CloudError) as raised:
        site.prove()
    assert str(raised.value).count("is missing") == 5


def test_an_object_that_is_listed_late_is_waited_for():
    site = Proving()
    content = site.store.containers[CONTAINER].pop(DATA)
    site.later(10, lambda: site.store.containers[CONTAINER].update({DATA: content}))
    site.prove()
    assert site.time.seconds == 10


def test_an_object_that_never_comes_is_not_waited_for_long():
    site = Proving()
    del site.store.containers[CONTAINER][DATA]
    with pytest.raises(CloudError, match="is missing"):
        site.prove()
    assert site.time.seconds == 30


# Sums of blocks


def streamed(content, size):
    return BlockSums(content[at : at + size] for at in range(0, len(content), size))


@pytest.mark.parametrize("size", [1, 7, 64, 65, 66, 67, 1000, 10**6])
def test_sums_are_read_however_the_stream_is_cut(size):
    blocks = [bytes([number]) for number in range(50)]
    sums = streamed(block_sums(blocks, size=32768), size)
    assert sums.block_size() == 32768
    assert list(sums.sums()) == list(whole_sums(blocks))


def whole_sums(blocks):
    sums = streamed(block_sums(blocks), 10**6)
    sums.block_size()
    return sums.sums()


def test_little_of_a_stream_is_held_at_once():
    sums = streamed(block_sums([b"."] * 1000), 100)
    sums.block_size()
    assert max(len(sums._rest) for _number in sums.sums()) < 400


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b'{"sha256s": []}', id="no size"),
        pytest.param(b'{"chunk_size": 32', id="cut off within the size"),
        pytest.param(b" " * 2 * 1024**2 + b'"chunk_size": 32,', id="too far away"),
        pytest.param(b'{"backup_name": "\\"chunk_size\\": 5", "chunk_size": ', id="a name that looks like it"),
    ],
)
def test_a_size_that_is_not_told_is_none(content):
    assert streamed(content, 1024).block_size() is None


# Restoring


@pytest.mark.parametrize("metadata", [{}, {"purpose": "shop"}], ids=["bare volume", "volume with metadata"])
def test_a_restored_volume_that_is_the_snapshot_proves_it_and_leaves_nothing(metadata):
    site = Proving(RESTORE)
    site.remote.restored_metadata = metadata
    proof = site.prove()
    assert proof.stored_bytes > 0
    assert len(site.remote.called("create_volume_from_backup")) == len(site.remote.called("create_backup")) == 1
    assert site.scratch == []
    assert site.progress.line.startswith("verifying: 1 of 1 backups")


@pytest.mark.parametrize(
    ("blocks", "says"),
    [
        pytest.param((BLOCKS[0], b"other"), "differs from the snapshot of volume volume-db in 1 of 2 blocks of 11 bytes", id="another block"),
        pytest.param(BLOCKS[:1], "in 1 of 2 blocks", id="one less"),
        pytest.param((*BLOCKS, b"third"), "in 1 of 3 blocks", id="one more"),
        pytest.param(BLOCKS[::-1], "in 2 of 2 blocks", id="another order"),
        pytest.param((), "in 2 of 2 blocks", id="nothing"),
    ],
)
def test_a_restored_volume_that_differs_is_told_and_removed(blocks, says):
    site = Proving(RESTORE)
    site.remote.restored_blocks = blocks
    with pytest.raises(CloudError, match=says):
        site.prove()
    assert site.scratch == []


def sums_of_the_copy(site, content):
    site.store.containers[CONTAINER][HERE.block_sums_name] = content


@pytest.mark.parametrize(
    ("content", "says"),
    [
        pytest.param(block_sums(BLOCKS, size=5), "sum up blocks of 5 and 11 bytes. Give both the same backup_swift_block_size", id="other blocks"),
        pytest.param(b"{}", "sum up blocks of None and 11 bytes", id="damaged"),
    ],
)
def test_sums_that_cannot_be_compared_are_told(content, says):
    site = Proving(RESTORE)
    sums_of_the_copy(site, content)
    with pytest.raises(CloudError, match=says):
        site.prove()
    assert site.scratch == []


def test_no_sums_at_all_prove_nothing():
    site = Proving(RESTORE)
    site.remote.restored_blocks = ()
    sums_of_the_copy(site, block_sums(()))
    with pytest.raises(CloudError, match="in 0 of 0 blocks"):
        site.prove()


def test_a_restore_that_fails_is_told_and_removed():
    site = Proving(RESTORE, failing=["restore"])
    with pytest.raises(ResourceFailed, match=r"backup-db of volume volume-db could not be verified on site 'remote': .*\(error_restoring\)"):
        site.prove()
    assert site.remote.called("create_backup") == []
    assert site.scratch == []


@pytest.mark.parametrize("end", ["it fails", "it vanishes"])
def test_a_restored_volume_that_cannot_be_backed_up_is_told_and_removed(end):
    site = Proving(RESTORE)
    if end == "it fails":
        site.remote.failing.add("volume-made-1")
    else:
        site.remote._end_backup = lambda where, volume_id: site.remote.by_id.pop(where.backup_id)
    with pytest.raises(ResourceFailed, match="the volume restored from it could not be backed up"):
        site.prove()
    assert site.scratch == []


def test_a_backup_service_that_writes_no_sums_is_told():
    site = Proving(RESTORE)
    site.store.put = lambda where, blocks: None
    with pytest.raises(CloudError, match="Site 'remote' has no block checksums of backup backup-remote-2 in container 'backups'"):
        site.prove()
    assert site.scratch == []


def test_a_restore_that_does_not_end_is_told_and_removed_by_the_next_run():
    site = Proving(RESTORE)
    site.remote._later = lambda resources, key, **changes: None
    with pytest.raises(WaitTimeout, match="volume osdr-verify-backup-db to be restored"):
        site.prove()
    # Cinder deletes no volume into which it restores: that is left to the next run.
    assert site.scratch == ["volume-made-1"]
    site.remote._change(site.remote._volumes, "volume-made-1", status="available")
    del site.remote._later
    site.remote.calls.clear()
    site.prove()
    assert [call[0] for call in site.remote.calls[:2]] == ["delete_volume", "create_volume_from_backup"]
    assert site.scratch == []


def test_what_is_not_whole_is_not_restored():
    site = Proving(RESTORE)
    del site.store.containers[CONTAINER][DATA]
    with pytest.raises(DrError, match="is missing"):
        site.prove()
    assert site.remote.calls == []


def test_what_an_earlier_run_left_is_removed_and_nothing_else():
    site = Proving(RESTORE)
    comparison = Comparison(site.remote, site.waiter, site.chain.backup)
    left = {"description": "osdr_verify=backup-db", "status": "error_restoring"}
    for one in (volume("left", **left), volume("other", description="osdr_verify=backup-other"), volume("bare")):
        site.remote._volumes[one.id] = one
    site.remote.hold("again", metadata={"osdr_verify": "backup-db"})
    site.remote.hold("another", metadata={"osdr_verify": "backup-other"})
    comparison.remove()
    assert site.scratch == ["volume-other", "volume-bare", "backup-another"]
