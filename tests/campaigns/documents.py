# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Catalogues into which somebody else wrote: damaged, forged, copied and monstrous documents among good ones.

Whatever is there, the good checkpoints are found, every failure is an error for people, all readers of a catalogue cope with what was accepted,
with a key only what was signed for this place is accepted, and the time is bounded.
"""

from __future__ import annotations

import contextlib
import dataclasses
import datetime
import functools
import json
import pickle
import time
import typing as t
from types import SimpleNamespace
from unittest import mock

import counting
from ansible_collections.osdr.openstack.plugins.module_utils.catalogue import catalogue as catalogue_module
from ansible_collections.osdr.openstack.plugins.module_utils.catalogue import doubts, rebuild
from ansible_collections.osdr.openstack.plugins.module_utils.catalogue.active_record import ActiveRecord, DamagedRecord
from ansible_collections.osdr.openstack.plugins.module_utils.catalogue.catalogue import Catalogue, summary
from ansible_collections.osdr.openstack.plugins.module_utils.catalogue.known import KnownParts
from ansible_collections.osdr.openstack.plugins.module_utils.catalogue.metrics import metrics
from ansible_collections.osdr.openstack.plugins.module_utils.catalogue.recovery_point import AgeLimits, RecoveryPoint
from ansible_collections.osdr.openstack.plugins.module_utils.catalogue.retention import Policy, decide, surplus
from ansible_collections.osdr.openstack.plugins.module_utils.core.errors import CloudError, DrError
from ansible_collections.osdr.openstack.plugins.module_utils.core.records import marks
from ansible_collections.osdr.openstack.plugins.module_utils.manifest import pieces, signed
from ansible_collections.osdr.openstack.plugins.module_utils.manifest.manifest import Manifest
from ansible_collections.osdr.openstack.plugins.module_utils.manifest.signed import Seal
from ansible_collections.osdr.openstack.tests.unit.support import shop
from ansible_collections.osdr.openstack.tests.unit.support.fakes import FakeStore, backup

KEY = "correct horse battery staple"
SEAL = Seal(KEY, "project/catalogue")
GOOD = (shop.taken("ten", "2026-01-01T10:00:00Z"), shop.taken("one", "2026-01-01T13:00:00Z"))
DOCUMENT = shop.document()
RECORD = ActiveRecord("shop", "remote", "2026-01-01T12:00:00.000Z", "noon")
DRILL = shop.drilled()
NOW = datetime.datetime(2026, 1, 2, tzinfo=datetime.UTC)
#: Many times what the slowest takes on a loaded machine.
MOST_SECONDS = 60.0
STRANGE = (None, True, -1, 0, 1.5, 10**39, 2**63, "", "x" * 300, "\n", "\x1b[2J", "\u202e", "{{ 7*7 }}", "0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z")
STRANGE_SHAPES = ([], {}, [[]], [None], {"a": None}, [0] * 1000, {"osdr_manifest": "1:" + "0" * 64})
#: With what somebody without the key may seal what he wrote.
FORGED = (Seal(), Seal(None, SEAL.place), Seal("another", SEAL.place))
#: Names of objects that are read as manifests, those of good ones among them, and others.
NAMES = ("noon", "latest", "a.b", "a", "noon.json", "x" * 63, "ten", *(f"hour-{number}" for number in range(12)))
ODD_NAMES = ("_active", "-", "..", "x" * 64, "é", "noon\n", "a/b", "%2e%2e")
#: How many hostile manifests a catalogue has. A record of the active site, one of a drill and a manifest in backups come to them.
MANIFESTS = 17
DOCUMENTS = MANIFESTS + 3


def again(value):
    """A copy of plain data."""
    return pickle.loads(pickle.dumps(value))


@functools.cache
def dumped(number, seal):
    return GOOD[number].dump(seal)


def places(value, path=()):
    if path:
        yield path
    for key, inner in value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ():
        yield from places(inner, (*path, key))


def mutated(dice, document):
    """A document with some of its members changed, removed or doubled."""
    changed = again(document)
    for _change in range(dice.choice((1, 1, 2, 5))):
        found = list(places(changed))
        if not found:
            break
        *parents, last = dice.choice(found)
        target = changed
        for key in parents:
            target = target[key]
        action = dice.random()
        if action < 0.2:
            del target[last]
        elif action < 0.4 and isinstance(target, list):
            target.extend([again(target[last])] * dice.choice((1, 3, 200)))
        else:
            target[last] = again(dice.choice(STRANGE + STRANGE_SHAPES))
    return changed


def bent(dice, content):
    """The bytes of a document, damaged."""
    for _change in range(dice.choice((1, 2, 8))):
        place = dice.randrange(len(content) + 1)
        content = dice.choice(
            (
                lambda data, at: data[:at] + bytes([dice.randrange(256)]) + data[at + 1 :],
                lambda data, at: data[:at],
                lambda data, at: data[:at] + data[max(0, at - 40) : at] + data[at:],
                lambda data, at: data[:at] + dice.choice((b"\x00", b"\xff", b"[" * 2000, b'{"a":' * 2000, b"9" * 5000, b"NaN", b'"a":1,"a":2,')) + data[at:],
            )
        )(content, place)
    return content


def monstrous(dice):
    """What costs much more to read than to write."""
    many = dice.choice((10_000, 100_000, 400_000, 600_000))
    name, grown = dice.choice(
        (
            ("servers", lambda: [0] * many),
            ("servers", lambda: [{}] * (many // 4)),
            ("copies", lambda: [[]] * (many // 4)),
            ("checkpoint", lambda: {"evidence": [[[]]] * (many // 8)}),
            ("topology", lambda: dict.fromkeys(map(str, range(many // 8)), "")),
            ("application", lambda: "x" * many * 10),
        )
    )
    return {**DOCUMENT, name: grown()}


def hostile_manifest(dice, checkpoint):
    """What somebody without the key may write, under the name of a checkpoint."""
    kind = dice.random()
    if kind < 0.35:
        document = mutated(dice, {**DOCUMENT, "checkpoint": {**DOCUMENT["checkpoint"], "id": checkpoint}})
        return signed.dump(document, dice.choice(FORGED))
    if kind < 0.4:
        return signed.dump(monstrous(dice))
    if kind < 0.6:
        return bent(dice, dumped(dice.randrange(len(GOOD)), SEAL))
    if kind < 0.8:
        seal = dice.choice((Seal(KEY, "of-the-other-site/catalogue"), Seal("another", SEAL.place), SEAL, Seal()))
        return dumped(dice.randrange(len(GOOD)), seal)
    if kind < 0.9:
        return bent(dice, shop.signed_by_first_form(dice.choice(GOOD), KEY))
    return dice.randbytes(dice.choice((0, 1, 100, 10_000)))


class Store(FakeStore):
    """An object store that cannot hand out some of its objects."""

    def __init__(self, broken, **objects):
        super().__init__(**objects)
        self._broken = broken

    def read(self, name, at_most):
        if name in self._broken:
            raise CloudError("Site 'remote' broke off the object.", http_status=409)
        return super().read(name, at_most)


def catalogue_of(dice, key):
    objects = {f"shop/{one.checkpoint.id}.json": dumped(number, Seal(key, SEAL.place)) for number, one in enumerate(GOOD)}
    for name in (*dice.sample(NAMES, MANIFESTS), dice.choice(ODD_NAMES)):
        objects[f"shop/{name}.json"] = hostile_manifest(dice, name)
    active = mutated(dice, {"schema_version": 1, **RECORD.as_dict()})
    elsewhere = RECORD.dump(Seal(KEY, "of-the-other-site/catalogue"))
    objects["shop/_active.json"] = dice.choice((signed.dump(active, dice.choice(FORGED)), bent(dice, RECORD.dump(SEAL)), elsewhere))
    drill = mutated(dice, {"schema_version": 1, **json.loads(json.dumps(DRILL.as_dict()))})
    objects[DRILL.object_name] = dice.choice((signed.dump(drill, dice.choice(FORGED)), bent(dice, DRILL.dump(SEAL)), DRILL.dump(SEAL)))
    broken = {dice.choice(sorted(objects))} - {f"shop/{one.checkpoint.id}.json" for one in GOOD} if dice.random() < 0.3 else set()
    return Catalogue(Store(broken, **objects), key)


def hostile_backups(dice):
    """Backups that keep pieces of manifests, some of them changed."""
    kept = pieces.split(hostile_manifest(dice, "noon"), ["a", "b"])
    metadata = {one: {"osdr_application": "shop", "osdr_checkpoint": dice.choice(("noon", "ten", "", "..")), **share} for one, share in kept.items()}
    one = dice.choice(sorted(metadata))
    for key in dice.sample(sorted(metadata[one]), min(2, len(metadata[one]))):
        metadata[one][key] = dice.choice(("", "x", "999999:" + "0" * 64, metadata[one][key], metadata[one][key][::-1]))
    times = ("2026-01-01T14:00:00", "", "9999-12-31T23:59:59")
    return [backup(name, id=name, data_timestamp=dice.choice(times), metadata=found) for name, found in metadata.items()]


def judged(dice, key) -> t.Iterator[str]:
    catalogue, backups = catalogue_of(dice, key), hostile_backups(dice)
    listing = catalogue.checkpoints("shop", lambda manifest: manifest)
    # Under its name an attacker may have written something else.
    names = catalogue._store.content
    untouched = [one for number, one in enumerate(GOOD) if names[f"shop/{one.checkpoint.id}.json"] == dumped(number, Seal(key, SEAL.place))]
    yield from (f"checkpoint {one.checkpoint.id} is not listed" for one in untouched if one not in listing.kept)
    if key:
        yield from (f"checkpoint {one.checkpoint.id} was never signed for this place" for one in listing.kept if one not in GOOD)
        yield from _unbelieved(catalogue)
    yield from (f"a message of {len(one.problem)} characters" for one in listing.damaged if len(one.problem) > 3000 or not one.problem.isprintable())
    for one in listing.kept:
        if Manifest.parse(json.loads(json.dumps(one.as_dict()))) != one:
            yield f"checkpoint {one.checkpoint.id} is not what it was after it went through a module"
    used(listing, catalogue, backups)


def _unbelieved(catalogue) -> t.Iterator[str]:
    drill = catalogue.last_successful_drill("shop")
    try:
        active = catalogue.active("shop")
    except CloudError:
        active = None
    # Damage may have changed nothing.
    if not isinstance(active, DamagedRecord) and active not in (None, RECORD):
        yield "a record of the active site was never signed for this place"
    if drill not in (None, DRILL):
        yield "a record of a drill was never signed for this place"


def used(listing, catalogue, backups):
    """All that reads a catalogue, on what was accepted."""
    known = KnownParts.of(backups)
    point = RecoveryPoint.of("shop", catalogue, known.states, "remote")
    json.dumps([point.as_dict(NOW, AgeLimits(1, 1)), *map(summary, listing.kept)])
    metrics([point], NOW)
    decision = decide(Policy(last=1), listing.kept, backups)
    surplus("shop", decision, backups)
    doubts.unlisted("shop", point.listed, known, catalogue.place)
    for one in listing.kept:
        doubts.replaced(one, KnownParts.of(backups, marks("shop", one.checkpoint.id)).marked, catalogue.seal)
    kept = rebuild.kept_manifests(backups, catalogue.seal)
    looked = catalogue.look_at(one.names for one in kept if isinstance(one, rebuild.KeptManifest))
    rebuild.plan(kept, looked, backups, "remote")
    with contextlib.suppress(DrError):
        catalogue.active("shop")


def attempt(dice) -> t.Iterator[str]:
    began = time.process_time()
    key = dice.choice((KEY, None))
    try:
        yield from judged(dice, key)
    except DrError as error:
        yield f"one document hid all: {str(error)[:300]}"
    except Exception as error:  # whatever it is, nobody should see it
        yield f"{type(error).__name__}: {str(error)[:300]}"
    seconds = time.process_time() - began
    if seconds > MOST_SECONDS:
        yield f"it took {seconds:.0f} s"


def _hides() -> t.ContextManager[t.Any]:
    def raise_any(outcomes):
        for outcome in outcomes:
            if outcome.error:
                raise outcome.error

    return mock.patch.object(catalogue_module, "_raise_common", raise_any)


@contextlib.contextmanager
def _believes_any_place() -> t.Iterator[None]:
    real = signed._load

    def anywhere(content, head, seal, invalid):
        body = b"{" + content[head.end() :]
        with contextlib.suppress(ValueError):
            seal = dataclasses.replace(seal, place=json.loads(body).get("place"))
        return real(content, head, seal, invalid)

    with mock.patch.object(signed, "_load", anywhere):
        yield


FAULTS = {
    "one that cannot be read hides all": _hides,
    "signatures are not compared": lambda: mock.patch.object(signed, "_is_signature", lambda *_arguments: True),
    "what was signed for another place is accepted": _believes_any_place,
    "messages are as long as what is wrong": lambda: mock.patch.object(signed, "shown", str),
    "times are taken for granted": lambda: mock.patch.object(Manifest, "load", lambda *_arguments: SimpleNamespace()),
}

if __name__ == "__main__":
    counting.Campaign("hostile documents", attempt, FAULTS, goal=100_000, in_each=DOCUMENTS).main()
