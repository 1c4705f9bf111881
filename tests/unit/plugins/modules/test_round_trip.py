# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Random applications travel from site to site: what is lost is named, what is checked can be restored, and nothing of others is touched."""

from __future__ import annotations

from unittest import mock

import pytest
from ansible_collections.osdr.openstack.plugins.module_utils.capture import inspection
from ansible_collections.osdr.openstack.plugins.module_utils.restore.port_plan import PortStep
from ansible_collections.osdr.openstack.tests.unit.support.memory.roundtrip import travel
from ansible_collections.osdr.openstack.tests.unit.support.memory.topologies import BLUEPRINTS
from hypothesis import HealthCheck, Phase, given, settings

#: The same ones each time. "make attack" makes others, and shows the smallest for which a promise does not hold.
EXAMPLES = settings(
    max_examples=100,
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


def _without_addresses(real):
    return lambda self, *given: {key: value for key, value in real(self, *given).items() if key != "mac_address"}


@pytest.mark.parametrize(
    "fault",
    [mock.patch.object(inspection, "inspect", _nothing), mock.patch.object(PortStep, "body", _without_addresses(PortStep.body))],
    ids=["nothing is named", "ports get other MAC addresses"],
)
def test_a_fault_in_the_library_is_found(fault):
    with fault, pytest.raises(AssertionError):
        _travels()
