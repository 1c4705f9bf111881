# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether a project may have more images. Glance tells its limits only where they are Keystone's unified ones."""

from __future__ import annotations

from ..cloud.images import Images

_COUNT, _SIZE = "image_count_total", "image_size_total"
_MIB = 1024**2


def limit_problems(images: Images, count: int, size: int = 0) -> list[str]:
    """Limits that are too small.

    :param count: how many images more.
    :param size: in bytes, of all of them; 0 when it is not known.
    """
    quotas = images.quotas()
    needs = {_COUNT: (count, ""), _SIZE: (-(-size // _MIB), " MiB")}
    return [
        f"The limit '{name}' of the project on site '{images.cloud.site}' is {missing}{unit} too small for images of root disks: {needed}{unit} more are "
        f"needed, {quotas[name].in_use} of {quotas[name].limit} are in use. Raise it, or remove images or old checkpoints."
        for name, (needed, unit) in needs.items()
        if name in quotas and (missing := quotas[name].shortfall(needed))
    ]
