# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether a project may have more images. Glance tells its limits only where they are Keystone's unified ones."""

from __future__ import annotations

from ..cloud.images import Images
from ..core.records import Quota

_COUNT, _SIZE = "image_count_total", "image_size_total"
_MIB = 1024**2


def limit_problems(images: Images, count: int, size: int = 0) -> list[str]:
    """Limits that are too small.

    :param count: how many images more.
    :param size: in bytes, of all of them; 0 when it is not known.
    """
    quotas, site = images.quotas(), images.cloud.site
    needs = {_COUNT: (count, ""), _SIZE: (-(-size // _MIB), " MiB")}
    return [_problem(quotas[name], site, needed, unit) for name, (needed, unit) in needs.items() if name in quotas and quotas[name].shortfall(needed)]


def _problem(quota: Quota, site: str, needed: int, unit: str) -> str:
    missing, more = f"{quota.shortfall(needed)}{unit}", f"{needed}{unit}"
    return (
        f"The limit '{quota.name}' of the project on site '{site}' is {missing} too small for images of root disks: {more} more are needed, "
        f"{quota.in_use} of {quota.limit} are in use. Raise it, or remove images or old checkpoints."
    )
