# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""How often something is done."""

from __future__ import annotations

import collections

from ansible_collections.osdr.openstack.plugins.module_utils.restore import plan as restore_plan
from ansible_collections.osdr.openstack.plugins.module_utils.restore import preflight


def planning(monkeypatch):
    """How often each part of a restore is planned from now on, by name."""
    counts = collections.Counter()

    def counted(name, function):
        def call(*arguments):
            counts[name] += 1
            return function(*arguments)

        return call

    places = {restore_plan: ("plan_volumes", "plan_servers", "lacking"), preflight: ("needs", "problems", "doubts")}
    for module, names in places.items():
        for name in names:
            monkeypatch.setattr(module, name, counted(name, getattr(module, name)))
    return counts


ONCE = dict.fromkeys(("plan_volumes", "plan_servers", "lacking", "needs", "problems", "doubts"), 1)
