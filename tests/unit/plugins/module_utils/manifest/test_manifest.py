# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import json
import random

import pytest
from ansible_collections.osdr.openstack.plugins.module_utils.core.errors import ManifestInvalid
from ansible_collections.osdr.openstack.plugins.module_utils.manifest.manifest import Manifest
from ansible_collections.osdr.openstack.plugins.module_utils.manifest.signed import Seal
from ansible_collections.osdr.openstack.tests.unit.support import shop


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
    with pytest.raises(ManifestInvalid, match="digest does not match"):
        Manifest.load(shop.manifest().dump()[:-10])


@pytest.mark.parametrize("version", [0, 4, "1", None, [1], True, 3.0, "x" * 1000])
def test_an_unknown_version_is_refused_by_name(version):
    with pytest.raises(ManifestInvalid, match="schema version .{1,40}; this release reads versions 1 to 3"):
        Manifest.parse(shop.document(schema_version=version))


NEVER_PROVED = {"proved_at": "", "proved_by": "", "how": "", "passed_over": 0}
NEW_IN_COPIES = {"container": "", "stored_bytes": 0, "inventory": "", "verified": "records", "content": NEVER_PROVED}


def version_1():
    copies = [{key: value for key, value in copy.items() if key not in NEW_IN_COPIES} for copy in shop.DOCUMENT["copies"]]
    servers = [
        {**without(server, "user_data", "server_group", "availability_zone"), "volumes": [without(one, "availability_zone") for one in server["volumes"]]}
        for server in shop.DOCUMENT["servers"]
    ]
    return shop.document(schema_version=1, copies=copies, servers=servers, topology=without(shop.DOCUMENT["topology"], "server_groups"))


def without(record, *keys):
    return {key: value for key, value in record.items() if key not in keys}


def upgraded():
    """What becomes of a document of version 1."""
    servers = [
        {**server, "server_group": None, "volumes": [{**one, "availability_zone": None} for one in server["volumes"]]} for server in shop.DOCUMENT["servers"]
    ]
    copies = [{**copy, **NEW_IN_COPIES} for copy in shop.DOCUMENT["copies"]]
    return shop.document(servers=servers, copies=copies, topology={**shop.DOCUMENT["topology"], "server_groups": []})


def stored(document, **added):
    """A document as an object in the catalogue, with its digest."""
    canonical = json.dumps(document, sort_keys=True, separators=(",", ":")).encode()
    return json.dumps({**document, "digest": "sha256:" + hashlib.sha256(canonical).hexdigest(), **added}).encode()


def test_a_manifest_of_version_1_is_upgraded():
    manifest = Manifest.load(stored(version_1()))
    assert manifest.as_dict() == upgraded()
    assert Manifest.load(manifest.dump()) == manifest


def test_the_digest_of_version_1_is_that_of_what_is_stored():
    with pytest.raises(ManifestInvalid, match="digest does not match"):
        Manifest.load(stored(version_1()).replace(b"10.10.0.11", b"10.10.0.99"))


@pytest.mark.parametrize("copies", [None, {}, "copies", [1], [[]], [{}]])
def test_a_damaged_manifest_of_version_1_is_refused(copies):
    with pytest.raises(ManifestInvalid, match="does not follow its schema"):
        Manifest.parse({**version_1(), "copies": copies})


@pytest.mark.parametrize("servers", [None, "servers", [1], [{"volumes": 1}], [{"volumes": [1], "flavor": 1}]])
def test_a_damaged_server_of_version_1_is_refused(servers):
    with pytest.raises(ManifestInvalid, match="does not follow its schema"):
        Manifest.parse({**version_1(), "servers": servers})


def test_a_server_is_in_a_group_that_is_described():
    with pytest.raises(ManifestInvalid, match="server orders-db is in unknown server group shop-apart"):
        Manifest.parse(shop.document(topology={**shop.DOCUMENT["topology"], "server_groups": []}))


def test_version_2_demands_all_its_fields():
    with pytest.raises(ManifestInvalid, match="'availability_zone' is a required property"):
        Manifest.parse({**version_1(), "schema_version": 3})


HTTP = {"path": "/", "port": None, "scheme": "http", "host": None, "status": [200], "text": None, "validate_certs": True}


def with_checks(*checks):
    application = shop.document()["application"]
    application["tiers"][0]["checks"] = list(checks)
    return shop.document(application=application)


def test_checks_of_all_kinds_survive():
    kinds = [{"port": 22}, {"http": HTTP}, {"agent": True}, {"command": ["/bin/order", "--dry-run"]}]
    document = with_checks(*({**one, "timeout": 60} for one in kinds))
    assert Manifest.parse(document).as_dict() == document
    assert Manifest.load(Manifest.parse(document).dump()) == Manifest.parse(document)


@pytest.mark.parametrize(
    "check",
    [
        {"timeout": 60},
        {"port": 22},
        {"port": 22, "agent": True, "timeout": 60},
        {"agent": False, "timeout": 60},
        {"command": "rm -rf /", "timeout": 60},
        {"command": [], "timeout": 60},
        {"command": ["a\0"], "timeout": 60},
        {"http": {**HTTP, "path": "/\r\nEvil: 1"}, "timeout": 60},
        {"http": {**HTTP, "file": "/etc/passwd"}, "timeout": 60},
        {"http": {"path": "/"}, "timeout": 60},
        {"shell": "true", "timeout": 60},
    ],
)
def test_checks_that_could_mean_something_else_are_refused(check):
    with pytest.raises(ManifestInvalid):
        Manifest.parse(with_checks(check))


KEY = "correct horse battery staple"
SEAL = Seal(KEY, "project/catalogue")


def test_a_signed_manifest_is_read_with_its_key_and_without_any():
    content = shop.manifest().dump(SEAL)
    assert json.loads(content)["signature"].startswith("hmac-sha256:")
    assert Manifest.load(content, SEAL) == Manifest.load(content) == shop.manifest()


def test_with_a_key_an_unsigned_manifest_is_refused():
    with pytest.raises(ManifestInvalid, match="is not signed") as raised:
        Manifest.load(shop.manifest().dump(), SEAL)
    assert "hmac_key" in raised.value.hint


@pytest.mark.parametrize("signature", ["hmac-sha256:" + "0" * 64, "", 1, [], {}, "\u00e9"])
def test_with_a_key_a_foreign_signature_is_refused(signature):
    with pytest.raises(ManifestInvalid, match="signature does not match hmac_key"):
        Manifest.load(stored(shop.document(), signature=signature), SEAL)


def test_a_signature_with_another_key_is_refused():
    with pytest.raises(ManifestInvalid, match="another key"):
        Manifest.load(shop.manifest().dump(Seal("another", "project/catalogue")), SEAL)


def test_whoever_changes_a_signed_manifest_cannot_mend_its_signature():
    signature = json.loads(shop.manifest().dump(SEAL))["signature"]
    forged = stored(put("servers/0/name", "evil"), signature=signature)
    with pytest.raises(ManifestInvalid, match="signature does not match"):
        Manifest.load(forged, SEAL)


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"[" * 100_000, "nested deeper"),
        (b"[" * 60 + b"]" * 60, "not a JSON object"),
        (b'{"a":' * 60 + b"1" + b"}" * 60, "nested deeper"),
        (b'{"a": NaN}', "NaN is no number"),
        (b'{"a": -Infinity}', "-Infinity is no number"),
        (b'{"a": 1e999}', "1e999 is no number"),
        (b'{"a": ' + b"9" * 41 + b"}", "a number has 41 digits"),
        (b'{"a": ' + b"9" * 5000 + b"}", "a number has 5000 digits"),
        (b'{"a": 1, "a": 2}', "member 'a' twice"),
        (b'{"a": "\xff"}', "not UTF-8 text"),
        (b'{"a": "\\ud800"}', "not UTF-8 text"),
        ('{"a": 1}'.encode("utf-16"), "not UTF-8 text"),
        (b"\xef\xbb\xbf{}", "not a JSON document"),
    ],
)
def test_what_two_readers_may_understand_differently_is_refused(content, problem):
    with pytest.raises(ManifestInvalid, match=problem):
        Manifest.load(content)


def test_evidence_is_free_but_not_endless():
    evidence = {}
    for _level in range(60):
        evidence = {"deeper": evidence}
    with pytest.raises(ManifestInvalid, match="nested deeper"):
        Manifest.parse(put("checkpoint/evidence", evidence))


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
        ("servers/0/user_data", "plain:#!/bin/sh"),
        ("servers/0/user_data", "sealed:short:token"),
        ("servers/0/user_data", "plain:" + "A" * 2**17),
        ("servers/0/unknown", "x"),
        ("topology/security_groups/0/rules/0/direction", "sideways"),
        ("topology/key_pairs/0/public_key", "x" * 20000),
        ("copies/0/method", "a shell"),
        ("copies/0/chain", []),
        ("copies/0/size", 2**63),
        ("copies/0/stored_bytes", -1),
        ("copies/0/inventory", "sha256:0"),
        ("copies/0/inventory", "md5:" + "0" * 32),
        ("copies/0/verified", "perhaps"),
        ("copies/0/content/proved_at", "yesterday"),
        ("copies/0/content/proved_by", "a/b"),
        ("copies/0/content/how", "a guess"),
        ("copies/0/content/passed_over", -1),
        ("copies/0/content", None),
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
        (shop.document(copies=shop.DOCUMENT["copies"][:2]), f"volume {shop.uuid(3)} of server shop-front has no copy"),
        (put("servers/0/volumes/0/source_id", shop.uuid(4)), f"there is a copy of volume {shop.uuid(3)}, which no server has"),
        (put("servers/0/volumes/0/size", 2), f"volume {shop.uuid(3)} of server shop-front has 2 GiB, its copy 1 GiB"),
        (put("copies/2/size", 2), f"volume {shop.uuid(3)} of server shop-front has 1 GiB, its copy 2 GiB"),
        (put("checkpoint/evidence", {"snapshots": [{"volume_id": shop.uuid(1), "size": 1}]}), f"volume {shop.uuid(3)} of server shop-front has no snapshot"),
        (
            put("checkpoint/evidence", {"servers": [{"name": "orders-db", "id": shop.uuid(12)}]}),
            f"server orders-db is {shop.uuid(11)}, the snapshots are of {shop.uuid(12)}",
        ),
        (shop.document(servers=shop.DOCUMENT["servers"][:1]), "server orders-db is not described"),
        (put("servers/0/name", "orders-db"), "server orders-db is described twice"),
        (put("servers/1/volumes/1/source_id", shop.uuid(1)), f"volume {shop.uuid(1)} of server orders-db is described twice"),
        (put("servers/0/volumes/0/source_id", shop.uuid(1)), f"volume {shop.uuid(1)} is another one on server shop-front than on server orders-db"),
        (put("servers/0/tier", "attic"), "server shop-front is in unknown tier attic"),
        (put("application/tiers/1/name", "database"), "tier 'database' is listed 2 times"),
        (put("copies/0/volume_id", shop.uuid(2)), f"volume {shop.uuid(2)} has several copies"),
        (put("copies/0/copy_id", shop.uuid(91)), f"the chain of copy {shop.uuid(91)} does not end with it"),
        (put("checkpoint/created_at", "2026-02-30T12:00:00Z"), "there is no time 2026-02-30T12:00:00Z"),
        (put("copies/0/content/proved_at", "2026-02-30T12:00:00Z"), "there is no time 2026-02-30T12:00:00Z"),
    ],
)
def test_contradictions_are_refused(document, expected):
    with pytest.raises(ManifestInvalid, match=expected):
        Manifest.parse(document)


STRANGE = (None, True, -1, 1.5, 10**39, "", "x" * 300, "\n", "0000-01-01T00:00:00Z", [], {}, [[]], [None], {"a": None})


def places(value, path=()):
    """All paths in a document but that of the whole."""
    if path:
        yield path
    for key, inner in value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ():
        yield from places(inner, (*path, key))


@pytest.mark.parametrize("seed", range(300))
def test_whatever_is_wrong_ends_in_one_kind_of_error(seed):
    dice = random.Random(seed)
    document = shop.document(schema_version=dice.choice([1, 2, 3]))
    *parents, last = dice.choice(list(places(document)))
    target = document
    for key in parents:
        target = target[key]
    if dice.random() < 0.2:
        del target[last]
    elif isinstance(target, list) and dice.random() < 0.5:
        target.append(target[0])
    else:
        target[last] = dice.choice(STRANGE)
    with contextlib.suppress(ManifestInvalid):
        Manifest.load(Manifest.load(stored(document)).dump())


def test_what_is_missing_is_kept_and_was_not_written_down_from_the_beginning():
    lost = {"resource": "server 'orders-db'", "attribute": "locked", "value": "true", "note": ""}
    manifest = Manifest.parse(shop.document(missing=[lost]))
    assert [str(one) for one in manifest.description.missing] == ["server 'orders-db': locked (true)"]
    assert manifest.as_dict()["missing"] == [lost]
    early = shop.document(schema_version=2)
    del early["missing"]
    assert Manifest.parse(early).description.missing == ()


@pytest.mark.parametrize("drill", [None, "7"])
def test_no_name_is_longer_than_a_service_takes(drill):
    """The name of a volume or a port without one is made of its server's."""
    manifest = dataclasses.replace(shop.manifest(), drill=drill)
    assert len(manifest.called("x" * 255 + "-vda")) == 255
    assert manifest.called("orders-db") == ("orders-db" if drill is None else "drill-7-orders-db")


def test_a_floating_address_of_an_old_version_leads_to_the_first_address_of_its_port():
    document = shop.document(schema_version=2)
    for server in document["servers"]:
        for port in server["ports"]:
            port.update(floating_network="public")
            del port["floating_ips"]
    ports = [port for server in Manifest.parse(document).description.servers for port in server.ports]
    assert [(port.floating_ips[0].network, port.floating_ips[0].place) for port in ports] == [("public", None)] * 2


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (lambda document: document["servers"][0]["ports"][0]["floating_ips"][0].update(place=1), "has no address 1"),
        (lambda document: document["topology"]["ports"].append(document["servers"][0]["ports"][0]), "is described twice"),
        (lambda document: document["topology"]["trunks"].append(trunk_of(shop.uuid(999))), f"names the unknown port {shop.uuid(999)}"),
    ],
    ids=["place", "twice", "unknown"],
)
def test_what_names_a_port_names_one_that_is_described(change, problem):
    document = shop.document()
    change(document)
    with pytest.raises(ManifestInvalid, match=problem):
        Manifest.parse(document)


def trunk_of(port):
    return {"source_id": shop.uuid(902), "name": "", "port": port, "subports": [], "is_up": True, "description": "", "tags": []}
