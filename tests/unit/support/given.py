# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of modules that read a checkpoint from a catalogue give them its manifest instead, as a parameter of that name."""

from __future__ import annotations

import typing as t

from ansible_collections.osdr.openstack.plugins.module_utils.manifest.manifest import Manifest


def manifest(_cloud: t.Any, params: t.Mapping[str, t.Any]) -> Manifest:
    """Stands for ``published``."""
    return Manifest.parse(params["manifest"])
