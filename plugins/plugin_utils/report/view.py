# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a report shows, and in which words; the template decides how it looks."""

from __future__ import annotations

import dataclasses

from . import wording
from .facts import Point
from .timeline import Timeline


@dataclasses.dataclass(frozen=True)
class Figure:
    """One of the numbers that matter.

    :param state: ``good``, ``bad``, or empty where it is neither.
    """

    name: str
    value: str
    note: str = ""
    state: str = ""


@dataclasses.dataclass(frozen=True)
class Cell:
    """A cell of a table.

    :param detail: less important text, shown below.
    """

    text: str
    detail: str = ""
    state: str = ""


@dataclasses.dataclass(frozen=True)
class Table:
    """A table; the first cell of each row is the row's heading."""

    heads: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]


@dataclasses.dataclass(frozen=True)
class Section:
    """A part of the page: a timeline, a table, or only its lead."""

    id: str
    title: str
    lead: str
    timeline: Timeline | None = None
    table: Table | None = None


@dataclasses.dataclass(frozen=True)
class Page:
    """A whole report.

    :param problems: what needs attention.
    """

    heading: str
    point: Point
    about: str
    figures: tuple[Figure, ...]
    problems: tuple[str, ...]
    sections: tuple[Section, ...]

    @property
    def moment_text(self) -> str:
        return wording.day_and_time(self.point.moment)

    @property
    def moment_stamp(self) -> str | None:
        return wording.stamp(self.point.moment)
