# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import pytest
from ansible_collections.osdr.openstack.tests.unit.support.at_once import found_out_once
from ansible_collections.osdr.openstack.tests.unit.support.bad_days import Time


@pytest.fixture(autouse=True, scope="session")
def quick_sdk():
    with found_out_once():
        yield


@pytest.fixture(autouse=True)
def passing(monkeypatch):
    """The time that passes while requests are to be repeated: no test waits for it."""
    return Time(monkeypatch)
