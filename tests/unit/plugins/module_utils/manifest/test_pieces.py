# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import base64
import hashlib
import random
import zlib

import pytest
from ansible_collections.osdr.openstack.plugins.module_utils.core.errors import ManifestInvalid
from ansible_collections.osdr.openstack.plugins.module_utils.manifest import pieces
from ansible_collections.osdr.openstack.plugins.module_utils.manifest.pieces import join, split, to_remove, to_store
from ansible_collections.osdr.openstack.tests.unit.support.fakes import backup

LIMIT = 2**20
NOISE = random.Random(1).randbytes(5000)


def pieces_of(metadata):
    return {key: value for key, value in metadata.items() if key.startswith("osdr_manifest_")}


@pytest.mark.parametrize("content", [b"", b"x", b"x" * 100_000, NOISE])
@pytest.mark.parametrize("count", [1, 2, 7, 50])
def test_what_is_split_is_joined(content, count):
    shares = split(content, [f"b{number}" for number in range(count)])
    assert len(shares) == count
    assert join(list(shares.values()), LIMIT) == content
    assert join(list(reversed(shares.values())), LIMIT) == content


def test_pieces_fit_into_cinders_metadata_and_are_spread_evenly():
    shares = split(NOISE, ["b3", "b1", "b2"])
    assert list(shares) == ["b1", "b2", "b3"]
    counts = [len(pieces_of(share)) for share in shares.values()]
    assert max(counts) - min(counts) <= 1
    assert all(len(value) <= 255 for share in shares.values() for value in share.values())
    assert "osdr_manifest_0000" in shares["b1"]
    assert shares == split(NOISE, ["b1", "b2", "b3", "b1"])


def test_a_missing_piece_is_told():
    first, second = split(NOISE, ["b1", "b2"]).values()
    with pytest.raises(ManifestInvalid, match=r"13 of 27 pieces of its manifest are missing, beginning with osdr_manifest_0001"):
        join([first], LIMIT)
    del second["osdr_manifest_0003"]
    with pytest.raises(ManifestInvalid, match=r"1 of 27 pieces .*osdr_manifest_0003"):
        join([first, second], LIMIT)


def test_a_label_that_promises_a_million_pieces_costs_no_more_than_those_that_are_there(monkeypatch):
    asked = []
    monkeypatch.setattr(pieces, "_key", lambda number: asked.append(number) or f"osdr_manifest_{number:04d}")
    with pytest.raises(ManifestInvalid, match="999998 of 999999 pieces"):
        join([{"osdr_manifest": "999999:" + "0" * 64, "osdr_manifest_0000": "x"}], LIMIT)
    assert len(asked) < 10


def test_a_changed_piece_is_told():
    (share,) = split(NOISE, ["b1"]).values()
    share["osdr_manifest_0001"] = share["osdr_manifest_0002"]
    with pytest.raises(ManifestInvalid, match="changed or damaged"):
        join([share], LIMIT)


def test_pieces_of_two_manifests_are_not_mixed():
    with pytest.raises(ManifestInvalid, match="parts of 2 manifests: publishing was interrupted"):
        join([split(b"one", ["b1"])["b1"], split(b"two", ["b2"])["b2"]], LIMIT)


@pytest.mark.parametrize("label", ["", "1", "0:" + "0" * 64, "x:" + "0" * 64, "9999999:" + "0" * 64, "1:" + "g" * 64, "1:" + "0" * 64 + "\n"])
def test_a_damaged_label_is_told(label):
    with pytest.raises(ManifestInvalid, match="label 'osdr_manifest' of its backups is damaged"):
        join([{"osdr_manifest": label}], LIMIT)


def labelled(text):
    return {"osdr_manifest": f"1:{hashlib.sha256(text.encode()).hexdigest()}", "osdr_manifest_0000": text}


@pytest.mark.parametrize("text", ["no base64!", base64.b64encode(b"not compressed").decode()])
def test_what_cannot_be_unpacked_is_told(text):
    with pytest.raises(ManifestInvalid, match="cannot be unpacked"):
        join([labelled(text)], LIMIT)


def test_no_more_is_unpacked_than_asked_for():
    bomb = base64.b64encode(zlib.compress(b"x" * 10 * LIMIT)).decode()
    assert len(join([labelled(bomb)], 1000)) == 1000


def test_what_a_backup_holds_already_stays():
    own = {"purpose": "shop", "osdr_application": "shop"}
    one, two = backup("one", metadata=own), backup("two", metadata=own)
    stored = to_store(b"manifest", [one, two])
    assert all(own.items() <= metadata.items() for metadata in stored.values())
    held = [backup("one", metadata=stored["backup-one"]), backup("two", metadata=stored["backup-two"])]
    assert to_store(b"manifest", held) == {}
    assert to_remove(held) == {"backup-one": own, "backup-two": own}
    assert to_remove([one, two]) == {}


def test_pieces_of_an_earlier_manifest_are_replaced():
    earlier = to_store(NOISE, [backup("one")])["backup-one"]
    stored = to_store(b"manifest", [backup("one", metadata=earlier)])["backup-one"]
    assert join([stored], LIMIT) == b"manifest"
    assert len(pieces_of(stored)) == 1
