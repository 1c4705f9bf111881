# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import json

import pytest
from ansible_collections.osdr.openstack.plugins.module_utils.core.errors import ManifestInvalid
from ansible_collections.osdr.openstack.plugins.module_utils.manifest import signed
from ansible_collections.osdr.openstack.plugins.module_utils.manifest.manifest import Manifest
from ansible_collections.osdr.openstack.plugins.module_utils.manifest.signed import UNSEALED, Seal, Stored
from ansible_collections.osdr.openstack.tests.unit.support import shop

DOCUMENT = {"b": [1, 2.5, None, True], "a": {"signature": "hmac-sha256:" + "0" * 64, "z": 1}}
SEAL = Seal("secret", "project/catalogue")
SEALS = [UNSEALED, SEAL, Seal(None, "project/catalogue"), Seal("secret")]


def load(content, seal=UNSEALED):
    return signed.load(content, seal, ManifestInvalid)


@pytest.mark.parametrize("seal", SEALS)
def test_what_is_written_is_read(seal):
    content = signed.dump(DOCUMENT, seal)
    digest = json.loads(content)["digest"]
    assert load(content, seal) == load(content) == Stored(DOCUMENT, is_bound=seal.place is not None, digest=digest)
    assert list(json.loads(content))[: 1 + bool(seal.key)] == ["digest", "signature"][: 1 + bool(seal.key)]


@pytest.mark.parametrize("seal", SEALS)
def test_no_byte_can_be_changed(seal):
    content = signed.dump(DOCUMENT, seal)
    for place in range(len(content)):
        changed = content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :]
        with pytest.raises(ManifestInvalid):
            load(changed, seal)


@pytest.mark.parametrize("harm", [b"[" * 100_000, b"{" * 10, b'"a":NaN}', b'"servers":[' + b"0," * 10])
def test_with_a_key_nothing_is_parsed_that_was_not_signed(harm, monkeypatch):
    monkeypatch.setattr(signed, "_decode", lambda *_arguments: pytest.fail("It was parsed."))
    head = signed.dump({"x": 1}, SEAL).partition(b'"x"')[0]
    for content in (head + harm, b"{" + harm, b'{"signature":' + harm, harm, shop.signed_by_first_form(shop.manifest(), "another")):
        with pytest.raises(ManifestInvalid, match="is not signed|does not match hmac_key"):
            load(content, SEAL)


def test_a_signature_of_this_form_is_none_of_the_first_form():
    """Else the place could be taken off."""
    whole = json.loads(signed.dump(DOCUMENT, SEAL))
    for members in (whole, {key: value for key, value in whole.items() if key != "place"}):
        with pytest.raises(ManifestInvalid, match="does not match"):
            load(json.dumps(members, sort_keys=True, separators=(",", ":")).encode(), SEAL)


def test_the_first_form_is_read_with_its_key_and_without_any():
    content = shop.signed_by_first_form(shop.manifest(), "secret")
    for seal in (UNSEALED, SEAL):
        found = Manifest.load(content, seal)
        assert (found, found.is_bound, found.digest) == (shop.manifest(), False, json.loads(content)["digest"])


def test_what_looks_like_digest_and_signature_inside_of_the_first_form_is_not_taken_for_them():
    document = shop.document()
    document["servers"][0]["metadata"] = {"digest": "sha256:" + "0" * 64, "signature": "hmac-sha256:" + "1" * 64, "x": ""}
    odd = Manifest.parse(document)
    assert Manifest.load(shop.signed_by_first_form(odd, "secret"), SEAL) == odd


def test_a_changed_document_of_the_first_form_is_refused():
    content = shop.signed_by_first_form(shop.manifest(), "secret")
    changed = content.replace(b"10.10.0.11", b"10.10.0.99")
    with pytest.raises(ManifestInvalid, match="does not match hmac_key"):
        load(changed, SEAL)
    with pytest.raises(ManifestInvalid, match="digest does not match"):
        load(changed)


# What it may cost


def hostile(**members):
    """A manifest with members of an attacker's."""
    return signed.dump({**shop.document(), **members})


def test_so_many_problems_are_told():
    with pytest.raises(ManifestInvalid) as raised:
        Manifest.load(hostile(servers=[0] * 400_000))
    assert str(raised.value).count("is not of type") == 5
    assert str(raised.value).endswith("; and more.")
    assert len(str(raised.value)) < 1000


def test_no_more_is_looked_for_than_is_told(monkeypatch):
    looked = []
    jsonschema = signed.library("jsonschema", "jsonschema")
    real = jsonschema.Draft202012Validator

    class Watched:
        def __init__(self, schema):
            self._real = real(schema)

        def iter_errors(self, document):
            for error in self._real.iter_errors(document):
                looked.append(error)
                yield error

    monkeypatch.setattr(jsonschema, "Draft202012Validator", Watched)
    with pytest.raises(ManifestInvalid):
        Manifest.load(hostile(servers=[0] * 10_000))
    assert len(looked) == 6


def test_contradictions_are_told_so_many():
    document = shop.document()
    document["application"]["tiers"][0]["servers"] = [f"server-{number}" for number in range(1000)]
    with pytest.raises(ManifestInvalid, match="contradicts itself.*; and more") as raised:
        Manifest.load(signed.dump(document))
    assert len(str(raised.value)) < 2000


@pytest.mark.parametrize("values", [b"0,", b"[],", b"{},", b'"",'])
def test_what_has_too_many_values_is_not_parsed(values, monkeypatch):
    monkeypatch.setattr(signed.json, "loads", lambda *_arguments, **_options: pytest.fail("It was parsed."))
    with pytest.raises(ManifestInvalid, match="has more than 500000 values"):
        load(b'{"a":[' + values * 500_001 + b"0]}")


def test_a_message_has_nothing_that_a_terminal_would_obey():
    with pytest.raises(ManifestInvalid) as raised:
        Manifest.load(hostile(**{"\x1b]0;evil\x07" + "x" * 10_000: 1}))
    assert str(raised.value).isprintable()
    assert len(str(raised.value)) < 1000
