# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Nobody but the holder of the private key reads the key of a volume, and no volume gets another one's."""

from __future__ import annotations

import dataclasses
import json

import pytest
from ansible_collections.osdr.openstack.plugins.module_utils.core.errors import InvalidInput
from ansible_collections.osdr.openstack.plugins.module_utils.manifest.manifest import Manifest
from ansible_collections.osdr.openstack.plugins.module_utils.manifest.volume_keys import Opener, Sealer, opener_of, sealer_of
from ansible_collections.osdr.openstack.tests.unit.support import sealing, shop
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, Encoding, PrivateFormat, load_pem_private_key

PRIVATE, PUBLIC = sealing.pair()
OTHER_PRIVATE, OTHER_PUBLIC = sealing.pair(2)


def sealed(volume_id="volume", public=PUBLIC):
    return Sealer(public).seal(volume_id, sealing.VOLUME_KEY)


def test_the_private_key_opens_what_the_public_one_sealed():
    assert Opener(PRIVATE).open("volume", sealed()) == sealing.VOLUME_KEY


def test_a_sealed_key_tells_nothing():
    """The negative control: what a manifest holds has neither the key nor anything that repeats."""
    one, other = sealed(), sealed()
    for form in (sealing.CONTENT.hex(), str(sealing.CONTENT), *(str(sealing.CONTENT[i : i + 4]) for i in range(0, 32, 4))):
        assert form not in json.dumps(dataclasses.asdict(one))
    assert one.sealed != other.sealed


def test_neither_the_public_key_nor_another_private_one_opens_it():
    with pytest.raises(InvalidInput, match="is no key in PEM form"):
        Opener(PUBLIC)
    with pytest.raises(InvalidInput, match="was sealed for another private key than volume_private_key") as raised:
        Opener(OTHER_PRIVATE).open("volume", sealed())
    assert sealed().sealed_for in str(raised.value)
    with pytest.raises(InvalidInput, match="cannot be opened"):
        Opener(OTHER_PRIVATE).open("volume", dataclasses.replace(sealed(), sealed_for=sealed(public=OTHER_PUBLIC).sealed_for))


def test_a_key_of_another_volume_is_not_opened():
    with pytest.raises(InvalidInput, match="belongs to another volume"):
        Opener(PRIVATE).open("other", sealed("volume"))


@pytest.mark.parametrize("damaged", ["", "AAAA", "no base64!"])
def test_a_damaged_key_is_told(damaged):
    with pytest.raises(InvalidInput, match="was damaged in the manifest"):
        Opener(PRIVATE).open("volume", dataclasses.replace(sealed(), sealed=damaged))


def test_a_private_key_is_not_taken_where_checkpoints_are_made():
    with pytest.raises(InvalidInput, match="volume_public_key is a private key") as raised:
        Sealer(PRIVATE)
    assert PRIVATE.splitlines()[1] not in str(raised.value)


def test_keys_that_cannot_be_used_are_told_and_not_shown():
    elliptic = ec.generate_private_key(ec.SECP256R1()).private_bytes(Encoding.PEM, PrivateFormat.PKCS8, sealing.NoEncryption()).decode()
    locked = load_pem_private_key(PRIVATE.encode(), None).private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"secret")).decode()
    short = sealing.pair(3, 2048)[0]
    for private, why in ((elliptic, "is no RSA key"), (locked, "or has a passphrase"), ("nonsense", "is no key in PEM form"), (short, "2048 bits")):
        with pytest.raises(InvalidInput, match=why) as raised:
            Opener(private)
        assert "openssl genpkey" in str(raised.value)
        assert private.splitlines()[-2 if "\n" in private else 0] not in str(raised.value)


@pytest.mark.parametrize("nothing", [None, ""])
def test_without_a_key_there_is_nothing_to_seal_or_open_with(nothing):
    assert (sealer_of(nothing), opener_of(nothing)) == (None, None)


def test_a_key_in_clear_is_never_shown():
    assert str(sealing.CONTENT) not in repr(sealing.VOLUME_KEY)


def test_a_manifest_keeps_sealed_keys_and_how_volumes_are_encrypted():
    document = shop.document()
    document["copies"][1]["key"] = dataclasses.asdict(sealed(document["copies"][1]["volume_id"]))
    document["servers"][0]["volumes"][0]["encryption"] = {"provider": "luks", "cipher": "aes-xts-plain64", "key_size": 256}
    manifest = Manifest.parse(document)
    assert manifest.as_dict()["copies"] == document["copies"]
    assert str(manifest.description.servers[0].volumes[0].encryption) == "luks, aes-xts-plain64, 256 bits"
    copy = manifest.copies[1]
    assert Opener(PRIVATE).open(copy.volume_id, copy.key) == sealing.VOLUME_KEY
    assert manifest.copies[0].key is None
