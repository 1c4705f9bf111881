# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import pytest
from ansible_collections.osdr.openstack.plugins.module_utils.core.written import closed, schema_problems

COLOUR = {"type": "string", "pattern": "^#[0-9a-f]{6}$", "description": "a colour like #00ff00"}
SCHEMA = closed(["name", "size"], name={"type": "string"}, size={"type": "integer", "minimum": 1}, colour=COLOUR, kind={"enum": ["big", "small"]})


def problems(**document):
    return schema_problems(document, SCHEMA, "the hat")


def test_what_fits_has_no_problems():
    assert problems(name="top", size=3, colour="#0000ff", kind="big") == []


@pytest.mark.parametrize(
    ("document", "told"),
    [
        ({"name": "top"}, ["the hat has no 'size'"]),
        ({}, ["the hat has no 'name'", "the hat has no 'size'"]),
        ({"name": 1, "size": 3}, ["name is 1; it must be a text (in quotes)"]),
        ({"name": "top", "size": []}, ["size is a list; it must be a whole number"]),
        ({"name": {"password": "hush"}, "size": 1}, ["name is a dictionary; it must be a text (in quotes)"]),
        ({"name": "top", "size": 0}, ["size: 0 is less than the minimum of 1"]),
        ({"name": "top", "size": 3, "kind": "huge"}, ["kind is 'huge'; use one of big, small"]),
        ({"name": "top", "size": 3, "colour": "red"}, ["colour is 'red'; it must be a colour like #00ff00"]),
        ({"name": "top", "size": 3, "b": 1, "a": 1}, [f"the hat has the unknown key '{key}'; known are name, size, colour, kind" for key in "ab"]),
    ],
)
def test_what_is_wrong_is_told_in_words(document, told):
    assert problems(**document) == told


def test_what_somebody_wrote_is_quoted_at_bounded_length():
    (told,) = problems(name="top", size=3, colour="r" * 9999)
    assert len(told) < 300


def test_what_is_wrong_with_a_key_is_told_of_the_key():
    name = {"type": "string", "pattern": "^[a-z]+$", "description": "small letters"}
    found = schema_problems({"Hat": 1, 7: 1}, {"type": "object", "propertyNames": name}, "the wardrobe")
    assert found == ["a key of the wardrobe is 'Hat'; it must be small letters", "a key of the wardrobe is 7; it must be a text (in quotes)"]
