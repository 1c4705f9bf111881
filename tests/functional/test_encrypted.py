# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""An encrypted volume comes back while the key manager of its site is down, for the holder of the private key and for nobody else."""

from __future__ import annotations

import laboratory
import pytest
import vault
from laboratory import cloud, in_site, module, playbook, supervisor, wait

pytestmark = pytest.mark.campaign


def said(done):
    return " ".join((done.stdout + done.stderr).split())


@pytest.fixture(scope="module")
def application_with_secrets(application):
    with vault.running() as made:
        yield made


@pytest.fixture(scope="module")
def protected(application_with_secrets):
    """Two checkpoints in the catalogue, the second one incremental; and what the runs said, as loud as can be."""
    made = application_with_secrets
    outputs = ""
    for number, text in enumerate(("first", "second")):
        made.write(text)
        done = playbook("checkpoint", "-vvv", **made.checkpoint(number))
        assert done.returncode == 0, said(done)
        outputs += done.stdout + done.stderr
    return made, outputs


@pytest.fixture(scope="module")
def key_manager_is_down(protected):
    """That of the primary site, as long as the tests that restore last."""
    supervisor("stop", "barbican-api")
    try:
        assert not laboratory.answers("http://primary:9311")
        yield
    finally:
        supervisor("start", "barbican-api")
        wait("the key manager", lambda: laboratory.answers("http://primary:9311"), 120)


def manifest_of(made):
    found = module("os_checkpoint_info", cloud="remote", application=made.name, checkpoint=made.checkpoints[1], require=True, with_manifest=True)
    return found["manifest"]


def test_without_a_key_to_seal_it_nothing_is_frozen(application_with_secrets):
    made = application_with_secrets
    done = playbook("checkpoint", **made.checkpoint(0, dr_checkpoint_volume_public_key=""))
    assert done.returncode != 0 and "is encrypted: its key does not exist at another site; give volume_public_key" in said(done)


def test_no_key_in_clear_is_anywhere(protected):
    """Of volume and backups, in outputs at every verbosity, manifests and the catalogue's objects."""
    made, output = protected
    storage, store = cloud("primary").block_storage, cloud("remote").object_store
    # Cinder leaves it out where there is none.
    ids = {one.get("encryption_key_id") for one in storage.get("/backups/detail", microversion="3.64").json()["backups"]} - {None}
    ids |= {storage.get(f"/volumes/{made.data}/encryption").json()["encryption_key_id"]}
    stored = "".join(
        store.download_object(one.name, container=vault.CONTAINER).decode() for one in store.objects(vault.CONTAINER) if made.name in one.name
    )
    manifest = manifest_of(made)
    (sealed,) = (copy["key"] for copy in manifest["copies"] if copy["key"])
    assert sealed["sealed"] in stored and sealed["sealed_for"].startswith("sha256:")
    assert len(ids) >= 2
    for key_id in ids:
        for form in vault.clear_forms("primary", key_id):
            assert form not in output and form not in stored


def test_the_volume_is_encrypted_on_its_disk(protected):
    made, _output = protected
    head = in_site("sh", "-c", f"rbd --id openstack export volumes/volume-{made.data} - 2> /dev/null | head -c 4")
    assert head == "LUKS"


def test_at_its_own_site_a_volume_is_restored_beside_without_the_private_key(protected):
    """Before the key manager goes down. The server itself reads the new volume: the key is a clone of the backup's."""
    made, _output = protected
    before, storage, compute = vault.secrets("primary"), cloud("primary").block_storage, cloud("primary").compute
    checked = playbook("restore_volume", "--check", **made.beside())
    assert checked.returncode == 0, said(checked)
    done = playbook("restore_volume", **made.beside())
    assert done.returncode == 0, said(done)
    (volume,) = storage.volumes(name=f"{made.name}-data-beside")
    try:
        key_id = storage.get(f"/volumes/{volume.id}/encryption").json()["encryption_key_id"]
        assert key_id not in before and vault.left_of_restores("primary") == ([], [], [])
        server = compute.find_server(made.server, ignore_missing=False)
        attachment = compute.create_volume_attachment(server, volume_id=volume.id)
        wait("it to be attached", lambda: storage.get_volume(volume.id).status == "in-use", 300, 2)
        try:
            guest = made.guest("primary")
            wait("the guest to see it", lambda: guest.run(f"test -b {attachment.device} && echo there"), 120, 3)
            read = guest.run(f"mkdir -p /beside && mount -t ext4 -o ro {attachment.device} /beside && cat /beside/told; umount /beside")
            assert read.split() == ["first", "second"]
        finally:
            compute.delete_volume_attachment(server, volume)
            wait("it to be detached", lambda: storage.get_volume(volume.id).status == "available", 300, 2)
    finally:
        removed = playbook("cleanup", **made.cleanup_beside())
        assert removed.returncode == 0, said(removed)


def test_with_a_wrong_key_or_none_nothing_is_begun(protected, key_manager_is_down):
    made, _output = protected
    for private, why in ((made.other_private, "was sealed for another private key than volume_private_key"), ("", "its key is sealed in the manifest")):
        done = playbook("restore", **made.restore(dr_restore_volume_private_key=private))
        assert done.returncode != 0 and why in said(done), said(done)
    assert not list(cloud("remote").block_storage.volumes(name=f"{made.name}-data"))
    assert vault.left_of_restores("remote") == ([], [], [])


def test_without_the_key_cinder_itself_restores_nothing_that_can_be_read(protected, key_manager_is_down):
    """The negative control: who has the backups and the manifest, and administers the remote site."""
    made, _output = protected
    (copy,) = (copy for copy in manifest_of(made)["copies"] if copy["key"])
    storage = cloud("remote").block_storage
    volume = storage.create_volume(name=f"{made.name}-robbed", size=1, volume_type="ceph-encrypted", backup_id=copy["copy_id"])
    try:
        found = wait("Cinder to give up", lambda: (one := storage.get_volume(volume.id)).status in ("available", "error", "error_restoring") and one, 300, 2)
        assert found.status.startswith("error")
    finally:
        storage.delete_volume(volume.id)
        wait("it to be removed", lambda: storage.find_volume(volume.id) is None, 300, 2)


@pytest.fixture(scope="module")
def restored(protected, key_manager_is_down):
    made, _output = protected
    before = vault.secrets("remote")
    checked = playbook("restore", "--check", **made.restore())
    assert checked.returncode == 0, said(checked)
    done = playbook("restore", "-vvv", **made.restore())
    try:
        assert done.returncode == 0, said(done)
        yield made, done.stdout + done.stderr
    finally:
        removed = playbook("cleanup", **made.cleanup())
        assert removed.returncode == 0, said(removed)
    assert vault.secrets("remote") == before


def test_the_data_is_read_at_the_other_site(restored):
    made, _output = restored
    assert made.guest("remote").run("cat /data/told").split() == ["first", "second"]


def test_nothing_is_left_of_what_it_was_restored_by(restored):
    assert vault.left_of_restores("remote") == ([], [], [])


def test_the_restored_volume_has_a_key_of_this_site_and_nobody_told_it(restored):
    made, output = restored
    storage = cloud("remote").block_storage
    (data,) = storage.volumes(name=f"{made.name}-data")
    assert data.is_encrypted
    key_id = storage.get(f"/volumes/{data.id}/encryption").json()["encryption_key_id"]
    assert key_id in vault.secrets("remote")
    assert not any(form in output for form in vault.clear_forms("remote", key_id))
    assert made.private.splitlines()[1] not in output


def test_a_second_restore_changes_nothing(restored):
    made, _output = restored
    again = playbook("restore", **made.restore())
    assert again.returncode == 0 and "changed=0 " in again.stdout, said(again)
