# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import dataclasses
import random

import pytest
from ansible_collections.osdr.openstack.plugins.module_utils.site.order import cycle_among, in_order

WAVES = ("first", "second")


@dataclasses.dataclass
class One:
    name: str
    wave: str | None = "first"
    priority: int = 500
    depends_on: tuple[str, ...] = ()


def names(*applications, waves=WAVES):
    return [one.name for one in in_order(applications, waves)]


def test_waves_come_before_priorities():
    assert names(One("a", "second", 1), One("b", "first", 900)) == ["b", "a"]


def test_what_others_depend_on_comes_before_the_more_urgent():
    assert names(One("a", priority=1, depends_on=("b",)), One("b", priority=900), One("c", priority=500)) == ["c", "b", "a"]


def test_then_the_smaller_priority_and_the_name():
    assert names(One("c", priority=2), One("b", priority=3), One("a", priority=3)) == ["c", "a", "b"]


def test_an_urgent_one_of_a_later_wave_does_not_overtake_one_that_waits():
    assert names(One("a", "first", 900, ("b",)), One("b", "first", 900), One("c", "second", 1)) == ["b", "a", "c"]


def test_without_waves_there_is_one():
    assert names(One("b", None), One("a", None), waves=()) == ["a", "b"]


def test_what_one_depends_on_may_be_no_part_of_it():
    assert names(One("a", depends_on=("gone",))) == ["a"]


@pytest.mark.parametrize("seed", range(20))
def test_nothing_comes_before_what_it_depends_on_or_an_earlier_wave(seed):
    draw = random.Random(seed)
    made = []
    for number in range(30):
        place = draw.randrange(2)
        others = [one.name for one in made if WAVES.index(one.wave) <= place]
        made.append(One(f"a{number}", WAVES[place], draw.randint(1, 9), tuple(draw.sample(others, min(2, len(others))))))
    draw.shuffle(made)
    ordered = in_order(made, WAVES)
    places = {one.name: number for number, one in enumerate(ordered)}
    assert len(places) == len(made)
    assert all(places[other] < places[one.name] for one in made for other in one.depends_on)
    assert [one.wave for one in ordered] == sorted((one.wave for one in made), key=WAVES.index)


def test_a_circle_is_found():
    assert cycle_among({"a": ["b"], "b": ["c"], "c": []}) == []
    assert cycle_among({"a": ["b"], "b": ["a"]}) in (["a", "b", "a"], ["b", "a", "b"])
