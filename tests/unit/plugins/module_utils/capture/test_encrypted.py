# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""An encrypted volume is captured where its key can be sealed and read, and refused elsewhere."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from ansible_collections.osdr.openstack.plugins.module_utils.capture import encrypted, job
from ansible_collections.osdr.openstack.plugins.module_utils.capture.encrypted import encryption_of
from ansible_collections.osdr.openstack.plugins.module_utils.capture.job import capture
from ansible_collections.osdr.openstack.plugins.module_utils.core.encryption import Encryption
from ansible_collections.osdr.openstack.plugins.module_utils.core.errors import CheckFailed, CloudError
from ansible_collections.osdr.openstack.tests.unit.plugins.module_utils.capture.test_describe import APPLICATION, seen, with_boot_volume

LUKS = Encryption("luks", "aes-xts-plain64", 256)
CLOUD = SimpleNamespace(site="primary")


class Keys:
    def __init__(self, refuses=False):
        self.asked, self._refuses = [], refuses

    def of_volume(self, volume_id):
        return LUKS, f"key-of-{volume_id}"

    def key(self, key_id):
        self.asked.append(key_id)
        if self._refuses:
            raise CloudError("Site 'primary' could not read the key: Forbidden.", "The credentials lack the permission for it.", http_status=403)


def site(monkeypatch, refuses=False):
    keys = Keys(refuses)
    monkeypatch.setattr(encrypted, "VolumeEncryption", lambda _cloud: keys)
    monkeypatch.setattr(encrypted, "KeyManager", lambda _cloud: keys)
    monkeypatch.setattr(job, "look", lambda *_arguments: seen(**with_boot_volume(encrypted=True)))
    monkeypatch.setattr(job, "missing_of", lambda *_arguments: ([], ()))
    return keys


def test_it_is_described_with_how_it_is_encrypted(monkeypatch):
    keys = site(monkeypatch)
    found = capture(CLOUD, APPLICATION, 1, seals_keys=True).description
    assert [volume.encryption for volume in found.volumes if volume.source_id == "volume-boot"] == [LUKS]
    assert [volume.encryption for volume in found.volumes if volume.source_id != "volume-boot"].count(None) == len(found.volumes) - 1
    assert keys.asked == ["key-of-volume-boot"]


def test_without_a_key_to_seal_with_it_is_refused(monkeypatch):
    keys = site(monkeypatch)
    with pytest.raises(CheckFailed, match="is encrypted: its key does not exist at another site; give volume_public_key"):
        capture(CLOUD, APPLICATION, 1)
    assert keys.asked == []


def test_a_key_that_may_not_be_read_is_told_before_anything_is_frozen(monkeypatch):
    site(monkeypatch, refuses=True)
    with pytest.raises(CheckFailed, match="Volume boot .* is encrypted, and its key cannot be read: .*Forbidden. The credentials lack"):
        capture(CLOUD, APPLICATION, 1, seals_keys=True)


def test_of_encrypted_volumes_only_the_applications_are_asked_about(monkeypatch):
    keys = site(monkeypatch)
    others = {**with_boot_volume(encrypted=True)["volumes"]}
    others["other"] = others["volume-boot"].__class__(**{**vars(others["volume-boot"]), "id": "other"})
    assert set(encryption_of(CLOUD, seen(volumes=others), 1)) == {"volume-boot"}
    assert keys.asked == ["key-of-volume-boot"]
