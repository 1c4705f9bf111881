# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import json

import pytest
from ansible_collections.osdr.openstack.plugins.module_utils.errors import ManifestInvalid
from ansible_collections.osdr.openstack.plugins.module_utils.manifest import Manifest
from ansible_collections.osdr.openstack.tests.unit.plugins.module_utils import shop


def test_it_survives_being_written_and_read():
    manifest = shop.manifest()
    assert Manifest.load(manifest.dump()) == manifest
    assert manifest.as_dict() == shop.document()


def test_the_same_manifest_is_always_written_alike():
    reordered = dict(reversed(list(shop.document().items())))
    assert Manifest.parse(reordered).dump() == shop.manifest().dump()


def test_a_manifest_that_went_through_a_module_is_the_same():
    """Ansible hands dictionaries from module to module as JSON."""
    assert Manifest.parse(json.loads(json.dumps(shop.manifest().as_dict()))) == shop.manifest()


@pytest.mark.parametrize("content", [b"", b"\xff\xfe", b"not json", b"[]", b'"text"', b"null", b"{}", b'{"digest": 1}'])
def test_what_is_no_manifest_is_refused(content):
    with pytest.raises(ManifestInvalid):
        Manifest.load(content)


def test_a_changed_manifest_is_refused():
    content = shop.manifest().dump().replace(b"10.10.0.11", b"10.10.0.99")
    with pytest.raises(ManifestInvalid, match="digest does not match"):
        Manifest.load(content)


def test_a_manifest_cut_short_is_refused():
    with pytest.raises(ManifestInvalid, match="no JSON document"):
        Manifest.load(shop.manifest().dump()[:-10])


@pytest.mark.parametrize("version", [0, 2, "1", None, [1]])
def test_an_unknown_version_is_refused_by_name(version):
    with pytest.raises(ManifestInvalid, match="schema version .*; this release reads version 1"):
        Manifest.parse(shop.document(schema_version=version))


def put(path, value):
    """The document with one value replaced; a path like servers/0/name."""
    document = shop.document()
    *parents, last = [int(key) if key.isdigit() else key for key in path.split("/")]
    target = document
    for key in parents:
        target = target[key]
    target[last] = value
    return document


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("application/name", "../../etc/passwd"),
        ("application/name", "{{ lookup('pipe', 'id') }}"),
        ("application/name", "shop\n"),
        ("application/tiers", []),
        ("checkpoint/id", "a/b"),
        ("checkpoint/id", "noon\n"),
        ("checkpoint/created_at", "yesterday"),
        ("checkpoint/consistency", "perfect"),
        ("servers", []),
        ("servers/0/volumes", []),
        ("servers/0/volumes/0/size", 0),
        ("servers/0/volumes/0/size", "1"),
        ("servers/0/volumes/0/source_id", "../volumes"),
        ("servers/0/metadata", {"key": ["list"]}),
        ("servers/0/ports/0/mac_address", "not a mac"),
        ("servers/0/flavor/vcpus", -1),
        ("servers/0/name", "x" * 256),
        ("servers/0/user_data", "#!/bin/sh"),
        ("topology/security_groups/0/rules/0/direction", "sideways"),
        ("topology/key_pairs/0/public_key", "x" * 20000),
        ("copies/0/method", "shell"),
        ("copies/0/chain", []),
        ("unknown", {}),
    ],
)
def test_hostile_or_damaged_content_is_refused(path, value):
    with pytest.raises(ManifestInvalid):
        Manifest.parse(put(path, value))


def test_problems_are_told_with_their_place():
    with pytest.raises(ManifestInvalid, match="servers/0/volumes/0/size"):
        Manifest.parse(put("servers/0/volumes/0/size", 0))


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        (shop.document(copies=shop.DOCUMENT["copies"][:2]), f"volume {shop.uuid(3)} has no copy"),
        (shop.document(servers=shop.DOCUMENT["servers"][:1]), "server orders-db is not described"),
        (put("servers/0/name", "orders-db"), "server orders-db is described twice"),
        (put("servers/0/volumes/0/source_id", shop.uuid(1)), f"volume {shop.uuid(1)} is described twice"),
        (put("servers/0/tier", "attic"), "server shop-front is in unknown tier attic"),
    ],
)
def test_contradictions_are_refused(document, expected):
    with pytest.raises(ManifestInvalid, match=expected):
        Manifest.parse(document)
