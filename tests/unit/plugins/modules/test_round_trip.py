# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Random applications travel from site to site: what is lost is named, what is checked can be restored, and nothing of others is touched."""

from __future__ import annotations

import dataclasses
from unittest import mock

import pytest
from ansible_collections.osdr.openstack.plugins.module_utils.capture import inspection
from ansible_collections.osdr.openstack.plugins.module_utils.restore import port_plan
from ansible_collections.osdr.openstack.plugins.module_utils.restore.wishes import port_wishes
from ansible_collections.osdr.openstack.tests.unit.support.memory.roundtrip import travel
from ansible_collections.osdr.openstack.tests.unit.support.memory.topologies import BLUEPRINTS
from hypothesis import HealthCheck, Phase, given, settings

#: A sample, the same each time. "make attack" makes thousands of others, and shows the smallest for which a promise does not hold.
EXAMPLES = settings(
    max_examples=40,
    derandomize=True,
    database=None,
    deadline=None,
    phases=(Phase.generate,),
    suppress_health_check=list(HealthCheck),
    report_multiple_bugs=False,
)


@EXAMPLES
@given(BLUEPRINTS)
def _travels(blueprint):
    assert travel(blueprint).violations == []


def test_applications_come_back_as_they_were_or_it_was_said_what_will_be_missing():
    _travels()


@settings(EXAMPLES, max_examples=20)
@given(BLUEPRINTS)
def _travels_in_parts(blueprint):
    assert travel(blueprint, in_parts=True).violations == []


def test_a_part_makes_nothing_of_the_rest_which_a_later_restore_completes():
    _travels_in_parts()


def _nothing(*_given):
    return []


def _without_addresses(*given):
    wishes = port_wishes(*given)
    return dataclasses.replace(wishes, body={key: value for key, value in wishes.body.items() if key != "mac_address"})


@pytest.mark.parametrize(
    "fault",
    [mock.patch.object(inspection, "inspect", _nothing), mock.patch.object(port_plan, "port_wishes", _without_addresses)],
    ids=["nothing is named", "ports get other MAC addresses"],
)
def test_a_fault_in_the_library_is_found(fault):
    with fault, pytest.raises(AssertionError):
        _travels()
