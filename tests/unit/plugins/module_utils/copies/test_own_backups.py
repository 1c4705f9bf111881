# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A site restores an encrypted backup by itself only where it has its key and its type; otherwise the reason is told."""

from __future__ import annotations

import json

import pytest
from ansible_collections.osdr.openstack.plugins.module_utils.copies import methods, twins
from ansible_collections.osdr.openstack.plugins.module_utils.copies.own_backups import OwnBackups
from ansible_collections.osdr.openstack.plugins.module_utils.core.errors import CloudError
from ansible_collections.osdr.openstack.tests.unit.support.encrypted_site import INCREMENT, VOLUME, EncryptedSite, prefix, sealed_copy

TYPE = "ceph-encrypted"
LISTING = f"{prefix(INCREMENT)}_metadata"


@pytest.fixture
def site(monkeypatch):
    found = EncryptedSite()
    found.made_here()
    monkeypatch.setattr(twins, "KeyManager", lambda cloud: cloud.keys)
    return found


def lack(site, volume_type=TYPE):
    return OwnBackups(site.site).lack(sealed_copy(), volume_type)


def refused(status):
    def refuse(*_arguments):
        raise CloudError("No.", http_status=status)

    return refuse


def test_what_it_made_itself_is_restored_as_it_is(site):
    assert lack(site) == ""
    assert site.calls == []


def _imported(site):
    site.keys.by_id.clear()


def _no_key_manager(site):
    site.keys.exists = False


def _unreadable_key(site):
    site.keys.key = refused(403)


def _gone(site):
    site.fields.clear()


def _not_encrypted(site):
    site.fields[INCREMENT]["encryption_key_id"] = None


def _another_account(site):
    site.store.content.clear()


def _no_account(site):
    site.store.names = refused(None)


def _damaged(site):
    site.store.content[LISTING] = b"{}"


def _no_type_told(site):
    site.store.content[LISTING] = json.dumps({"volume_meta": json.dumps({"volume-base-metadata": {"volume_type_id": None}})}).encode()


def _made_again(site):
    site.types[TYPE] = "another type of this name"


def _gone_type(site):
    del site.types[TYPE]


KEY, SEEN, OTHER = "does not have the key of its backup", "cannot be seen with the account of store_cloud", "is not of the volume type 'ceph-encrypted'"


@pytest.mark.parametrize(
    ("spoil", "told"),
    [
        (_imported, KEY),
        (_no_key_manager, KEY),
        (_unreadable_key, KEY),
        (_gone, KEY),
        (_not_encrypted, KEY),
        (_another_account, SEEN),
        (_no_account, SEEN),
        (_damaged, OTHER),
        (_no_type_told, OTHER),
        (_made_again, OTHER),
        (_gone_type, OTHER),
    ],
)
def test_otherwise_the_reason_is_told(site, spoil, told):
    spoil(site)
    assert told in lack(site)


def test_a_type_that_a_mapping_names_is_another_one(site):
    assert "is not of the volume type 'ceph'" in lack(site, "ceph")


def test_a_copy_that_is_yet_to_be_made_is_nobodys_own(site):
    assert KEY in OwnBackups(site.site).lack(methods.pending(VOLUME, 1), TYPE)


def test_a_key_manager_that_does_not_answer_is_no_answer(site):
    site.keys.key = refused(503)
    with pytest.raises(CloudError, match="No."):
        lack(site)


def test_it_is_asked_once(site):
    own = OwnBackups(site.site)
    own.lack(sealed_copy(), TYPE)
    site.keys.key = site.store.names = refused(503)
    assert own.lack(sealed_copy(), TYPE) == ""
