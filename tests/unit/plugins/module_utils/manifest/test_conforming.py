# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is proved quickly must be what the judge, jsonschema, says."""

from __future__ import annotations

import copy
import itertools
import random

import jsonschema
import pytest
from ansible_collections.osdr.openstack.plugins.module_utils.manifest.conforming import conforming
from ansible_collections.osdr.openstack.plugins.module_utils.manifest.schema import FORM, OUTLINE, SCHEMA
from ansible_collections.osdr.openstack.tests.unit.support import shop

JUDGE = jsonschema.Draft202012Validator(SCHEMA)
#: What may be where anything else should be; what Python takes for equal, and what it counts in another way, among it.
STRANGE = (None, True, False, 0, 1, -1, 1.0, 0.5, 2**63 - 1, 2**63, "", "x", "x" * 256, "noon\n", "\ud83d\ude00" * 200, [], {}, [[]], {"a": "b"}, {"port": 1})
VOLUME = {"size": 1, "encryption": {"provider": "luks", "cipher": None, "key_size": 256}}
KEY = {"sealed_for": "sha256:" + "0" * 64, "algorithm": "aes", "bit_length": 256, "sealed": "AAAA"}
CHECKS = (
    {"agent": True, "timeout": 1},
    {"command": ["true"], "timeout": 1},
    {"http": {"path": "/", "port": None, "scheme": "http", "host": None, "status": [200], "text": None, "validate_certs": True}, "timeout": 1},
)


def whole():
    """A document with as much of what there can be as possible."""
    document = shop.document()
    document["application"]["tiers"][0]["checks"] += CHECKS
    document["servers"][0]["volumes"][0] |= VOLUME
    document["copies"][0]["key"] = KEY
    document["checkpoint"]["together"] = {"project": "a", "projects": ["a", "b"], "tiers": ["front"]}
    document["missing"] = [{"resource": "r", "attribute": "a", "value": "v", "note": "n"}]
    return document


def places(value, path=()):
    """Of everything in a document."""
    yield path
    inside = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, one in inside:
        yield from places(one, (*path, key))


def changed(document, path, dice):
    """The same with something strange in a place, without it, or with it twice."""
    *way, last = path
    inner = document
    for key in way:
        inner = inner[key]
    action = dice.randrange(4)
    if action == 0:
        inner.pop(last)
    elif action == 1:
        other = copy.deepcopy(inner[last])
        inner.append(other) if isinstance(inner, list) else inner.update({"another": other})
    else:
        inner[last] = dice.choice(STRANGE)
    return document


def test_a_whole_document_is_proved_to_conform():
    assert JUDGE.is_valid(whole())
    assert FORM.conforms(whole())
    assert OUTLINE.conforms({key: value for key, value in whole().items() if key not in ("servers", "topology")})
    assert not OUTLINE.conforms(whole())


def test_nothing_conforms_that_the_judge_refuses():
    dice, base = random.Random(22), whole()
    paths = [path for path in places(base) if path]
    accepted = 0
    for path in itertools.chain(paths, dice.choices(paths, k=300)):
        document = changed(copy.deepcopy(base), path, dice)
        if FORM.conforms(document):
            accepted += 1
            assert JUDGE.is_valid(document), path
    # Some changes are none, and evidence may be anything.
    assert accepted > 20


@pytest.mark.parametrize(
    ("schema", "value"),
    [
        ({"type": "integer"}, True),
        ({"type": "integer"}, 1.0),
        ({"type": "string"}, type("Text", (str,), {})("x")),
        ({"type": "number"}, 1),
        ({"const": 1}, True),
        ({"enum": [0, 1]}, False),
        ({"const": [1]}, [1]),
        ({"type": "array", "uniqueItems": True}, [1]),
        ({"type": "string", "minLength": 1}, "x"),
        ({"enum": ["x"], "maxLength": 1}, "x"),
        ({"maxLength": 1}, "x"),
        ({"type": ["string", "null"], "minimum": 1}, "x"),
    ],
)
def test_what_is_not_certain_is_left_to_the_judge(schema, value):
    assert conforming(schema)(value) is False


@pytest.mark.parametrize(
    ("schema", "good", "bad"),
    [
        ({"type": "string", "maxLength": 2, "pattern": "^a"}, "ab", "b"),
        ({"type": ["integer", "null"], "minimum": 1, "maximum": 2}, None, 3),
        ({"type": "integer", "minimum": 1}, 1, 0),
        ({"type": "array", "items": {"type": "null"}, "minItems": 1, "maxItems": 2}, [None], []),
        ({"type": "array", "items": {"type": "null"}}, [], [1]),
        ({"type": "object", "properties": {"a": {"type": "null"}}, "required": ["a"], "additionalProperties": False}, {"a": None}, {"a": None, "b": 1}),
        ({"type": "object", "required": ["a"]}, {"a": 1, "b": 2}, {"b": 2}),
        ({"type": "object", "additionalProperties": {"type": "null"}}, {"a": None}, {"a": 1}),
        ({"type": "object", "minProperties": 1, "maxProperties": 1}, {"a": 1}, {}),
        ({"type": "object", "maxProperties": 1}, {"a": 1}, {"a": 1, "b": 1}),
        ({"$schema": "x", "const": "a"}, "a", "b"),
        ({"enum": [4, 6]}, 4, 5),
    ],
)
def test_each_keyword_counts(schema, good, bad):
    conforms = conforming(schema)
    assert (conforms(good), conforms(bad)) == (True, False)
    assert (jsonschema.Draft202012Validator(schema).is_valid(good), jsonschema.Draft202012Validator(schema).is_valid(bad)) == (True, False)
