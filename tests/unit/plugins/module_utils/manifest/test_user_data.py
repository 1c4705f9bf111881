# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import base64
import dataclasses

import pytest
from ansible_collections.osdr.openstack.plugins.module_utils.core.errors import InvalidInput
from ansible_collections.osdr.openstack.plugins.module_utils.manifest import user_data
from ansible_collections.osdr.openstack.plugins.module_utils.manifest.manifest import Manifest
from ansible_collections.osdr.openstack.tests.unit.support import shop

SECRET = base64.b64encode(b"#cloud-config\npassword: hunter2\n").decode()
LARGEST = base64.b64encode(bytes(range(256)) * 191).decode()


def manifest(policy, content=SECRET, passphrase="open sesame"):
    """A manifest with user data for its first server, as it comes out of the catalogue."""
    form = user_data.form_of(policy, passphrase)
    made = shop.manifest()
    first, *others = made.description.servers
    first = dataclasses.replace(first, user_data=form(content) if form else None)
    description = dataclasses.replace(made.description, servers=(first, *others))
    return Manifest.load(dataclasses.replace(made, description=description).dump())


def given_to_nova(found, passphrase):
    return [user_data.content(one.user_data or "") for one in user_data.opened(found, passphrase).description.servers]


@pytest.mark.parametrize("content", [SECRET, LARGEST], ids=["a secret", "as large as Nova takes it"])
@pytest.mark.parametrize("policy", [user_data.KEEP, user_data.ENCRYPT])
def test_it_comes_back_as_it_was(policy, content):
    assert given_to_nova(manifest(policy, content), "open sesame") == [content, ""]


def test_what_is_left_out_is_nowhere():
    assert given_to_nova(manifest(user_data.OMIT), "open sesame") == ["", ""]


def test_what_is_encrypted_cannot_be_read():
    written = manifest(user_data.ENCRYPT).dump()
    assert SECRET.encode() not in written
    assert base64.b64encode(SECRET.encode()) not in written


def test_the_same_is_never_encrypted_alike():
    assert manifest(user_data.ENCRYPT).dump() != manifest(user_data.ENCRYPT).dump()


def test_without_the_passphrase_it_is_restored_without_and_that_is_said():
    found = manifest(user_data.ENCRYPT)
    assert given_to_nova(found, None) == ["", ""]
    (warning,) = user_data.warnings(found, None)
    assert "shop-front" in warning and "orders-db" not in warning
    assert not user_data.warnings(found, "open sesame")
    assert not user_data.warnings(manifest(user_data.KEEP), None)


def test_another_passphrase_is_refused():
    with pytest.raises(InvalidInput, match="cannot be decrypted with user_data_key"):
        user_data.opened(manifest(user_data.ENCRYPT), "open barley")


def test_a_forged_token_is_refused():
    found = manifest(user_data.ENCRYPT)
    servers = [dataclasses.replace(one, user_data=(one.user_data or "")[:-8] + "AAAAAAA=") for one in found.description.servers]
    forged = dataclasses.replace(found, description=dataclasses.replace(found.description, servers=tuple(servers[:1])))
    with pytest.raises(InvalidInput, match="encrypted with another key, or damaged"):
        user_data.opened(forged, "open sesame")


@pytest.mark.parametrize("salt", ["A" + "=" * 23, "AAAAA" + "=" * 19])
def test_a_salt_that_is_none_is_refused(salt):
    document = shop.document()
    document["servers"][0]["user_data"] = f"sealed:{salt}:abc"
    with pytest.raises(InvalidInput, match="or damaged"):
        user_data.opened(Manifest.parse(document), "open sesame")


@pytest.mark.parametrize("passphrase", [None, ""])
def test_encrypting_takes_a_passphrase(passphrase):
    with pytest.raises(InvalidInput, match="there is no user_data_key"):
        user_data.form_of(user_data.ENCRYPT, passphrase)
