# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the parts of an application over several projects know of one another. Pure.

Each part has a manifest of its own, in the catalogue of its own project. All of them are of one set of snapshots, under one name and id.
"""

from __future__ import annotations

import dataclasses
import typing as t


@dataclasses.dataclass(frozen=True)
class Together:
    """The parts of one checkpoint.

    :param project: id at the source of the project that this part is in.
    :param projects: ids of those of all parts, the leading one first. Its manifest is published last and removed first, so the checkpoint exists where
        it does.
    :param tiers: those of the whole application, in boot order.
    """

    project: str
    projects: tuple[str, ...]
    tiers: tuple[str, ...]

    @property
    def is_leading(self) -> bool:
        return self.project == self.projects[0]

    def contradictions(self, tiers: t.Sequence[str]) -> list[str]:
        """Contradictions in it, and with its part.

        :param tiers: of the part, in boot order.
        """
        problems = [] if self.project in self.projects else [f"its project {self.project} is none of its parts' projects"]
        if len(set(self.projects)) < max(2, len(self.projects)):
            problems.append("the projects of its parts are not several different ones")
        if [one for one in self.tiers if one in tiers] != list(tiers):
            problems.append("its tiers are not in the order of the whole application")
        return problems
