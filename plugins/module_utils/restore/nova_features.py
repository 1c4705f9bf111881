# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What servers are restored with only where the site's Nova is new enough. Pure."""

from __future__ import annotations

import dataclasses

#: A microversion.
Version = tuple[int, int]


@dataclasses.dataclass(frozen=True)
class Feature:
    """Something that Nova accepts only from some version on.

    :param what: in words.
    :param since: from which version on Nova takes it.
    """

    what: str
    since: Version

    def is_taken(self, version: Version) -> bool:
        """Whether a Nova accepts it.

        :param version: the newest that the site's Nova knows.
        """
        return version >= self.since

    def __str__(self) -> str:
        major, minor = self.since
        return f"{self.what} ({major}.{minor})"


DESCRIPTION = Feature("descriptions", (2, 19))
#: Versions from 2.32 on took some of them, but not all.
DEVICE_TAGS = Feature("tags of disks and interfaces", (2, 42))
TAGS = Feature("tags of servers", (2, 52))
SHARED_VOLUMES = Feature("volumes of several servers", (2, 60))
LOCK_REASON = Feature("reasons of locks", (2, 73))
DELETION = Feature("the deletion of volumes with their servers", (2, 85))
HOSTNAME = Feature("host names", (2, 90))
#: Or with an underscore.
DOMAIN = Feature("host names with a domain", (2, 94))


def of_hostname(hostname: str) -> Feature:
    """What a Nova must take to give a guest this host name."""
    return DOMAIN if {".", "_"} & {*hostname} else HOSTNAME
