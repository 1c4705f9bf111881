# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The page on what comes back says what the registries of states and attributes say."""

from __future__ import annotations

from ansible_collections.osdr.openstack.plugins.module_utils.core.states import STATES, Treatment
from ansible_collections.osdr.openstack.plugins.module_utils.manifest.attributes import KINDS, Fate
from ansible_collections.osdr.openstack.tests.docs import documents
from ansible_collections.osdr.openstack.tests.tools import fidelity


def test_the_tables_are_those_of_the_registries():
    """Write them anew with: python tests/tools/fidelity.py"""
    text = documents.read(fidelity.PAGE)
    assert text == fidelity.page(text, KINDS, STATES)


def test_every_fate_is_explained():
    introduction = documents.read(fidelity.PAGE).split(fidelity.BEGIN)[0]
    assert [fate.value for fate in Fate if f"| {fate.value} |" not in introduction] == []
    assert [one.value for one in Treatment if one.value not in introduction] == []
