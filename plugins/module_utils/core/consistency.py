# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Levels of consistency of a set of snapshots, and their comparison."""

from __future__ import annotations

import typing as t

#: From the best to the least.
LEVELS = ("offline", "quiesced", "paused", "crash")


def weakest(levels: t.Iterable[str]) -> str:
    """The consistency of a whole is that of its weakest part."""
    return max(levels, key=LEVELS.index)


def satisfies(level: str, least: str) -> bool:
    return LEVELS.index(level) <= LEVELS.index(least)
