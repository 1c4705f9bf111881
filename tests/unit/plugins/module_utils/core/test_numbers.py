# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import pytest
from ansible_collections.osdr.openstack.plugins.module_utils.core.numbers import is_whole


@pytest.mark.parametrize(("value", "expected"), [(1, True), (0, True), (-1, True), (True, False), (False, False), (1.0, False), ("1", False), (None, False)])
def test_what_is_a_whole_number(value, expected):
    assert is_whole(value) is expected
