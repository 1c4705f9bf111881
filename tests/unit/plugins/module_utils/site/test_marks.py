# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import pytest
from ansible_collections.osdr.openstack.plugins.module_utils.core.errors import InvalidInput
from ansible_collections.osdr.openstack.plugins.module_utils.core.marking import unmarked
from ansible_collections.osdr.openstack.plugins.module_utils.site.marks import OwnerMark, applications_named, boot_order, is_copy
from ansible_collections.osdr.openstack.tests.unit.support.fakes import server

WHOLE = {"dr:application": "shop", "dr:tier": "front", "dr:order": "2", "dr:policy": "gold"}


def mark(metadata=None, tags=()):
    return OwnerMark.of(server("web", metadata=metadata or {}, tags=tags))


def test_a_mark_is_metadata_or_tags():
    whole = OwnerMark("shop", "front", 2, "gold")
    assert mark(WHOLE) == whole
    assert mark(tags=tuple(f"{key}={value}" for key, value in WHOLE.items())) == whole
    assert mark({"dr:application": "shop"}, ("dr:tier=front", "dr:order=2", "dr:policy=gold", "dr:application=other")) == whole


def test_only_the_application_is_needed():
    assert mark({"dr:application": "shop"}) == OwnerMark("shop", "servers", None, None)


@pytest.mark.parametrize(("metadata", "tags"), [({}, ()), ({"application": "shop", "osdr_application": "shop"}, ("shop", "dr:else=1", "=x"))])
def test_what_is_no_mark(metadata, tags):
    assert mark(metadata, tags) is None


@pytest.mark.parametrize(
    ("metadata", "told"),
    [
        ({"dr:tier": "front"}, "it has dr:tier but not dr:application"),
        ({"dr:application": "the shop"}, "dr:application is 'the shop' and must be a name of letters"),
        ({"dr:application": ""}, "dr:application is '' and must be a name"),
        ({"dr:application": "shop\n"}, "must be a name"),
        ({"dr:application": "{{ 1 }}"}, "must be a name"),
        ({**WHOLE, "dr:order": "-1"}, "dr:order is '-1' and must be a number from 0 to 9999"),
        ({**WHOLE, "dr:order": "first"}, "dr:order is 'first' and must be a number"),
        ({**WHOLE, "dr:tier": "a/b"}, "dr:tier is 'a/b' and must be a name"),
    ],
)
def test_a_mark_that_cannot_be_understood_is_refused(metadata, told):
    with pytest.raises(InvalidInput) as caught:
        mark(metadata)
    assert str(caught.value).startswith("The mark on server web (id-web) cannot be used: ")
    assert told in str(caught.value)


def test_tags_that_contradict_each_other_are_refused_and_the_same_one_is_none_more():
    with pytest.raises(InvalidInput, match="it has several tags for dr:application: 'shop' and 'wiki'"):
        mark(tags=("dr:application=wiki", "dr:application=shop"))
    with pytest.raises(InvalidInput, match="it has several tags for dr:tier: 'a' and 'b'"):
        mark({"dr:application": "shop"}, ("dr:tier=a", "dr:tier=b"))
    assert mark({"dr:application": "shop"}, ("dr:application=wiki", "dr:application=blog", "dr:tier")) == OwnerMark("shop")


@pytest.mark.parametrize(
    ("metadata", "tags", "names"),
    [
        ({**WHOLE, "dr:order": "first"}, (), ["shop"]),
        ({}, ("dr:application=shop", "dr:application=wiki", "dr:application=a b"), ["shop", "wiki"]),
        ({"dr:application": "a b"}, (), []),
        ({"dr:tier": "front"}, (), []),
    ],
)
def test_a_mark_that_cannot_be_used_may_say_for_which_application_it_is(metadata, tags, names):
    assert applications_named(server("web", metadata=metadata, tags=tags)) == names


def test_numbers_of_other_scripts_are_none():
    with pytest.raises(InvalidInput, match="must be a number"):
        mark({**WHOLE, "dr:order": "٣"})


def test_the_order_of_tiers_is_what_their_servers_say():
    marks = [OwnerMark("shop", tier, order) for tier, order in (("front", 20), ("database", 3), ("front", 20))]
    assert boot_order(marks) == ["database", "front"]


def test_a_single_tier_needs_no_order():
    assert boot_order([OwnerMark("shop"), OwnerMark("shop", order=3), OwnerMark("shop", order=4)]) == ["servers"]


@pytest.mark.parametrize(
    ("found", "told"),
    [
        ((("a", 1), ("b", None)), "The servers of tier 'b' have no number as dr:order."),
        ((("a", 1), ("b", 2), ("b", 3)), "The servers of tier 'b' have several numbers (2, 3) as dr:order."),
        ((("a", 1), ("b", 1)), "Tiers 'a' and 'b' both have 1 as dr:order."),
    ],
)
def test_an_order_that_is_not_said_is_not_guessed(found, told):
    with pytest.raises(InvalidInput) as caught:
        boot_order(OwnerMark("shop", tier, order) for tier, order in found)
    assert str(caught.value).startswith(told)


def test_copies_have_the_marks_of_what_they_stand_for_and_are_told_by_their_own():
    assert not is_copy(server("web", metadata={**WHOLE, "osdr_application": "shop"}))
    assert is_copy(server("web", metadata={**WHOLE, "osdr_drill": "7"}))
    assert is_copy(server("web", metadata={**WHOLE, "osdr_beside": "7"}))


def test_owners_marks_come_back_with_a_restore():
    assert unmarked({**WHOLE, "osdr_fence": "x"}) == WHOLE
