# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The keys of encrypted volumes travel sealed in their copies; without a key to seal them nothing is begun."""

from __future__ import annotations

import dataclasses
from types import SimpleNamespace

import pytest
from ansible_collections.osdr.openstack.plugins.module_utils.copies import replication
from ansible_collections.osdr.openstack.plugins.module_utils.copies.delivery import Delivery
from ansible_collections.osdr.openstack.plugins.module_utils.copies.objects import changed_record
from ansible_collections.osdr.openstack.plugins.module_utils.copies.options import ReplicationOptions
from ansible_collections.osdr.openstack.plugins.module_utils.copies.plan import WantedBackups
from ansible_collections.osdr.openstack.plugins.module_utils.copies.replication import Replication
from ansible_collections.osdr.openstack.plugins.module_utils.core.errors import CheckFailed, ResourceFailed
from ansible_collections.osdr.openstack.plugins.module_utils.manifest.volume_keys import Opener, Sealer
from ansible_collections.osdr.openstack.tests.unit.support import sealing
from ansible_collections.osdr.openstack.tests.unit.support.fake_stores import TwoSites

PRIVATE, PUBLIC = sealing.pair()


class Encrypted(TwoSites):
    """Of two volumes, ``orders`` is encrypted."""

    def __init__(self, monkeypatch, depth="objects"):
        super().__init__("orders", "payments")
        self.depth, self.read = depth, []
        volume = self.primary._volumes["volume-orders"]
        self.primary._volumes["volume-orders"] = dataclasses.replace(volume, encrypted=True)
        plain = self.primary.export_record
        monkeypatch.setattr(self.primary, "export_record", lambda one: self._with_key(plain(one)))
        monkeypatch.setattr(replication, "KeyManager", lambda cloud: SimpleNamespace(key=lambda key_id: self._key(cloud, key_id)))

    @staticmethod
    def _with_key(record):
        fields = replication.read_link(record)
        is_encrypted = fields.location.prefix.startswith("volume_volume-orders/")
        return changed_record(record, encryption_key_id="key-of-the-backup" if is_encrypted else None)

    def _key(self, cloud, key_id):
        self.read.append((cloud, key_id))
        return sealing.VOLUME_KEY

    def job(self, sealer=True, manifests=(), public=PUBLIC):
        options = ReplicationOptions(WantedBackups("shop", "noon", 3), Delivery("copy", self.depth), self.effort, Sealer(public) if sealer else None)
        options = options.keeping(manifests)
        return Replication(self.sites, options, self.waiter, self.progress)

    def run(self, **given):
        job = self.job(**given)
        return {one.volume_id: one for one in job.deliver(job.chains(job.back_up(job.plan())))}


def test_the_backups_own_key_is_read_as_the_owner_and_sealed_for_its_volume(monkeypatch):
    shop = Encrypted(monkeypatch)
    copies = shop.run()
    assert Opener(PRIVATE).open("volume-orders", copies["volume-orders"].key) == sealing.VOLUME_KEY
    assert copies["volume-payments"].key is None
    assert shop.read == [(shop.primary.cloud, "key-of-the-backup")]


def test_without_a_key_to_seal_it_no_encrypted_volume_is_copied(monkeypatch):
    shop = Encrypted(monkeypatch)
    with pytest.raises(CheckFailed, match="Volume volume-orders is encrypted: .* Give volume_public_key"):
        shop.job(sealer=False).plan()
    assert shop.primary.called("create_backup") == []


def test_a_backup_that_turns_out_to_be_encrypted_is_no_copy_without_the_key(monkeypatch):
    """The volume may be gone, with only its backup left."""
    shop = Encrypted(monkeypatch)
    shop.run()
    shop.primary._volumes["volume-orders"] = dataclasses.replace(shop.primary._volumes["volume-orders"], encrypted=False)
    job = shop.job(sealer=False)
    with pytest.raises(ResourceFailed, match="Give volume_public_key"):
        job.verified(job.chains(job.plan().finished))


def test_the_content_of_what_cinder_cannot_restore_without_the_key_is_not_proved_and_not_said_to_be(monkeypatch):
    shop = Encrypted(monkeypatch, depth="restore")
    copies = shop.run()
    assert {one: copy.verified for one, copy in copies.items()} == {"volume-orders": "objects", "volume-payments": "restore"}
    assert copies["volume-orders"].content.proved_at == ""


def of(checkpoint, copies):
    """A manifest, as far as it matters here."""
    return SimpleNamespace(checkpoint=SimpleNamespace(id=checkpoint), copies=tuple(copies.values()))


def test_what_is_sealed_in_the_manifest_stays_as_it_is_and_no_key_is_read_again(monkeypatch):
    shop = Encrypted(monkeypatch)
    before = shop.run()
    assert shop.run()["volume-orders"].key != before["volume-orders"].key
    shop.read.clear()
    assert shop.run(manifests=[of("ten", {}), of("noon", before)]) == before
    assert shop.read == []


@pytest.mark.parametrize("other", ["public key", "checkpoint", "backup"])
def test_what_was_sealed_with_another_public_key_or_for_another_copy_is_sealed_anew(monkeypatch, other):
    shop = Encrypted(monkeypatch)
    before = shop.run()
    kept = {one: dataclasses.replace(copy, copy_id="another") for one, copy in before.items()} if other == "backup" else before
    private, public = sealing.pair(2) if other == "public key" else (PRIVATE, PUBLIC)
    shop.read.clear()
    after = shop.run(manifests=[of("ten" if other == "checkpoint" else "noon", kept)], public=public)
    assert Opener(private).open("volume-orders", after["volume-orders"].key) == sealing.VOLUME_KEY
    assert (len(shop.read), after["volume-orders"].key == before["volume-orders"].key) == (1, False)
