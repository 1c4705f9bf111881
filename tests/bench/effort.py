# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a process takes."""

from __future__ import annotations

import pathlib
import re


def most_mebibytes() -> float:
    """The most memory that this process has had. What ``getrusage`` tells begins with the memory of the process that started it."""
    (kibibytes,) = re.findall(r"VmHWM:\s+(\d+) kB", pathlib.Path("/proc/self/status").read_text())
    return int(kibibytes) / 2**10
