# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The programs of a site, as its release of OpenStack launches them."""

from __future__ import annotations


def of_release(stages, differences):
    """The programs of each stage, each with what the release has differently; those for which it has None are left out."""
    kept = {name: [one for one in programs if differences.get(one["name"], {}) is not None] for name, programs in stages.items()}
    return {name: [{**one, **differences.get(one["name"], {})} for one in programs] for name, programs in kept.items()}


class FilterModule:
    """What Ansible loads."""

    def filters(self):
        return {"of_release": of_release}
