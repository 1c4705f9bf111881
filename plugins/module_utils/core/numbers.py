# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Validate numbers in untrusted JSON."""

from __future__ import annotations

import typing as t


def is_whole(value: t.Any) -> t.TypeGuard[int]:
    """Whether a value is a whole number; true and false, which Python takes for 1 and 0, are not."""
    return isinstance(value, int) and not isinstance(value, bool)
