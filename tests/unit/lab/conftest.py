# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Lets the tests import what the lab is made of, which is no part of the collection's plugins."""

from __future__ import annotations

import sys
from pathlib import Path

LAB = Path(__file__).parents[2] / "lab"

sys.path[:0] = [str(LAB / name) for name in ("workload", "module_utils", "callback_plugins")]
