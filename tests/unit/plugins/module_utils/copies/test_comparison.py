# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import dataclasses

import pytest
from ansible_collections.osdr.openstack.plugins.module_utils.copies.comparison import BlockSums, Comparison, ContentDiffers
from ansible_collections.osdr.openstack.plugins.module_utils.copies.verification import RESTORE
from ansible_collections.osdr.openstack.plugins.module_utils.core.errors import CloudError, DrError, ResourceFailed, WaitTimeout
from ansible_collections.osdr.openstack.tests.unit.support.fake_stores import BLOCKS, CONTAINER, block_sums
from ansible_collections.osdr.openstack.tests.unit.support.fakes import volume
from ansible_collections.osdr.openstack.tests.unit.support.proving import DATA, HERE, Proving

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
    assert site.progress.line.startswith("verifying: 1 of 1 backups,")


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
        pytest.param(block_sums(BLOCKS, size=5), "use blocks of 5 and 11 bytes for their checksums. Set the same backup_swift_block_size", id="other blocks"),
        pytest.param(b"{}", "use blocks of None and 11 bytes", id="damaged"),
        pytest.param(b'{"chunk_size": %s, ' % (b"9" * 5000), "use blocks of None and 11 bytes", id="a size that no block has"),
        pytest.param(b'{"chunk_size": "32768", ', "use blocks of None and 11 bytes", id="a size that is no number"),
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
    with pytest.raises(ResourceFailed, match=r"backup-db of volume volume-db could not be verified on site 'remote': .*\(error_restoring\)") as raised:
        site.prove()
    assert raised.value.as_result() == {"code": "resource_failed", "resource_type": "backup", "resource_id": "backup-db"}
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
    comparison = Comparison(site.remote, site.primary, site.waiter, site.chain.backup)
    left = volume("osdr-verify-backup-db", id="volume-left", description="osdr_verify=backup-db", status="error_restoring")
    other = volume("osdr-verify-backup-other", id="volume-other", description="osdr_verify=backup-other")
    for one in (left, other, volume("bare")):
        site.remote._volumes[one.id] = one
    site.remote.hold("osdr-verify-backup-db", id="backup-again", metadata={"osdr_verify": "backup-db"})
    site.remote.hold("osdr-verify-backup-other", id="backup-another", metadata={"osdr_verify": "backup-other"})
    site.primary._volumes["volume-clone"] = volume("osdr-verify-backup-db", id="volume-clone", description="osdr_verify=backup-db", status="available")
    comparison.remove()
    assert site.scratch == ["volume-other", "volume-bare", "backup-another"]


# Without the objects of backups


def elsewhere(**trouble):
    """Copies that another driver than Swift's made, at a site without an object store."""
    site = Proving(RESTORE, service="cinder.backup.drivers.posix.PosixBackupDriver", **trouble)
    site.store.down = 10**6
    return site


def test_the_whole_content_is_compared_where_no_object_can_be_found():
    site = elsewhere()
    proof = site.prove()
    assert (proof.depth, proof.stored_bytes, bool(proof.proved_at)) == (RESTORE, 0, True)
    made_of = [what for ((what, _wanted),) in (site.primary.called("create_volume_from_snapshot"), site.remote.called("create_volume_from_backup"))]
    assert made_of == ["snapshot-db-noon", "backup-db"]
    assert site.remote.called("create_backup") == []
    assert site.scratch == []


def test_a_restored_volume_with_another_digest_is_told_and_removed():
    site = elsewhere()
    site.remote.restored_blocks = (BLOCKS[0], BLOCKS[1].swapcase())
    with pytest.raises(ContentDiffers, match="differs from the snapshot of volume volume-db: the sha512 of their whole contents are not the same"):
        site.prove()
    assert site.scratch == []


@pytest.mark.parametrize(
    ("facts", "says"),
    [
        pytest.param({"os_hash_algo": "md5"}, "computes sha512 and md5. Set the same hashing_algorithm", id="another algorithm"),
        pytest.param({"os_hash_algo": "", "os_hash_value": ""}, "Site 'remote' keeps no digest of image", id="none"),
        pytest.param({"size": 2**30 + 4096}, "makes volumes of 23 and 1073745920 bytes of its 1 GiB. Choose verification: readable", id="another size"),
        pytest.param({"status": "killed"}, r"Site 'remote' could not make an image of volume volume-made-1 to compare it \(killed\)", id="no image"),
    ],
)
def test_digests_that_cannot_be_compared_are_told(facts, says):
    site = elsewhere()
    site.remote.image_facts = facts
    with pytest.raises(CloudError, match=says) as raised:
        site.prove()
    assert not isinstance(raised.value, ContentDiffers)
    assert site.scratch == []


@pytest.mark.parametrize(
    ("failing", "says"),
    [
        ("clone", r"Site 'primary' could not make a volume of snapshot snapshot-db-noon to compare it \(error\)"),
        ("upload", r"could not make an image of volume volume-made-\d to compare it \(it is gone\)"),
        ("restore", "a volume could not be restored from it"),
    ],
)
def test_what_cannot_be_made_to_be_compared_is_told_and_removed(failing, says):
    site = elsewhere(failing=[failing])
    with pytest.raises(DrError, match=says):
        site.prove()
    assert site.scratch == []


def test_a_snapshot_that_is_gone_cannot_be_compared():
    site = elsewhere()
    site.primary._snapshots.clear()
    with pytest.raises(ResourceFailed, match="the snapshot that it was made of is no longer on site 'primary'"):
        site.prove()
    assert site.scratch == []


@pytest.mark.parametrize("lag", ["before", "after"])
def test_what_shows_an_upload_late_makes_no_copy_unproved(lag):
    """Volume and image may be shown by servers of databases that lag behind."""
    site = elsewhere()
    image, shown = site.remote.cloud.service("image"), site.remote.volume
    complete = image.complete

    def show_volume_late(volume_id):
        found = shown(volume_id)
        return dataclasses.replace(found, status="available") if found.status == "uploading" else found

    def show_image_late(image_id, data, **facts):
        complete(image_id, data, status="saving", os_hash_algo=None, os_hash_value=None)
        site.remote._due.append((site.remote.time.seconds + 20, lambda: complete(image_id, data, **facts)))

    if lag == "before":
        site.remote.volume = show_volume_late
    else:
        image.complete = show_image_late
    assert site.prove().depth == RESTORE
    assert site.scratch == []


def test_an_upload_that_does_not_end_is_removed_by_the_next_run():
    site = elsewhere()
    site.remote._end_upload = lambda image_id, volume_id: None
    with pytest.raises(WaitTimeout, match="image osdr-verify-backup-db"):
        site.prove()
    # Cinder deletes no volume of which it makes an image.
    assert "volume-made-1" in site.scratch
    del site.remote._end_upload
    site.remote._change(site.remote._volumes, "volume-made-1", status="available")
    site.prove()
    assert site.scratch == []
