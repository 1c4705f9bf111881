# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import dataclasses
import typing as t

import pytest
from ansible_collections.osdr.openstack.plugins.module_utils.cloud.shape import shaped


@dataclasses.dataclass(frozen=True)
class Disk:
    name: str


@dataclasses.dataclass(frozen=True)
class Thing:
    name: str = "a"
    size: int = 1
    is_on: bool = False
    group: str | None = None
    tags: tuple[str, ...] = ()
    pairs: tuple[tuple[str, bool], ...] = ()
    ids: frozenset[str] = frozenset()
    metadata: t.Mapping[str, str] = dataclasses.field(default_factory=dict)
    disk: Disk | None = None


@shaped
def read(answer):
    return Thing(**answer)


@pytest.mark.parametrize(
    "answer",
    [
        {},
        {"group": "g"},
        {"tags": ("x", "y"), "pairs": (("v", True),), "ids": frozenset({"i"}), "metadata": {"k": "v"}, "disk": Disk("d")},
    ],
)
def test_what_is_as_it_should_be_is_read(answer):
    assert read(answer) == Thing(**answer)


@pytest.mark.parametrize(
    "answer",
    [
        {"name": 5},
        {"name": None},
        {"size": "1"},
        {"size": True},
        {"is_on": 1},
        {"group": ["g"]},
        {"tags": (5,)},
        {"tags": ["x"]},
        {"pairs": (("v",),)},
        {"pairs": (("v", "yes"),)},
        {"ids": frozenset({5})},
        {"metadata": {"k": 5}},
        {"metadata": {5: "v"}},
        {"metadata": []},
        {"disk": "d"},
    ],
)
def test_anything_else_makes_no_sense_and_the_field_is_named(answer):
    with pytest.raises(ValueError, match=f"for {next(iter(answer))}$"):
        read(answer)
