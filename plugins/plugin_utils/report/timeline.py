# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Bars on a common time scale. Positions are shares of its width, so that bars fit any screen and text keeps its size."""

from __future__ import annotations

import dataclasses
import datetime
import typing as t

from . import wording
from .given import between

_MOST_TICKS = 5
_STEPS = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 28800, 86400)
#: The narrowest bar that is still visible, in percent.
_NARROWEST = 0.5


@dataclasses.dataclass(frozen=True)
class Span:
    """A stretch of time.

    :param line: the line of its lane on which it is a bar; None for a band behind all lines.
    """

    kind: str
    line: int | None
    text: str
    start: datetime.datetime
    end: datetime.datetime


@dataclasses.dataclass(frozen=True)
class Lane:
    """What happened to one thing."""

    name: str
    note: str
    description: str
    spans: tuple[Span, ...]


@dataclasses.dataclass(frozen=True)
class LaneGroup:
    """Lanes that belong together.

    :param name: empty when there is only one group.
    """

    name: str
    lanes: tuple[Lane, ...]


@dataclasses.dataclass(frozen=True)
class Drawn:
    """A span as a rectangle: ``x`` and ``width`` in percent, ``y`` and ``height`` in pixels."""

    kind: str
    text: str
    x: str
    width: str
    y: int
    height: int


@dataclasses.dataclass(frozen=True)
class Tick:
    """A mark on the scale.

    :param anchor: which part of its text is at the mark, so that the text stays inside.
    """

    x: str
    text: str
    anchor: str


#: In pixels.
_BAR_HEIGHT, _BAR_GAP, _MARGIN = 8, 4, 7


@dataclasses.dataclass(frozen=True)
class Timeline:
    """Lanes below a scale.

    :param legend: kinds with their meaning.
    :param start: where the scale begins; ``seconds`` is how long it is.
    """

    legend: tuple[tuple[str, str], ...]
    start: datetime.datetime
    seconds: float
    groups: tuple[LaneGroup, ...]

    @property
    def ticks(self) -> tuple[Tick, ...]:
        step = next((one for one in _STEPS if self.seconds / one <= _MOST_TICKS), self.seconds / _MOST_TICKS)
        count = int(self.seconds / step + 1e-9) + 1
        return tuple(self._tick(number * step, step) for number in range(count))

    def _tick(self, seconds: float, step: float) -> Tick:
        share = 100 * seconds / self.seconds
        anchor = "start" if share < 4 else "end" if share > 92 else "middle"
        return Tick(_percent(share), _tick_text(seconds, step), anchor)

    def height(self, lane: Lane) -> int:
        last = max((span.line for span in lane.spans if span.line is not None), default=0)
        return self._top(last) + _BAR_HEIGHT + _MARGIN

    def drawn(self, lane: Lane) -> list[Drawn]:
        """Bands first: bars are drawn over them."""
        bands = [self._draw(span, 1, self.height(lane) - 2) for span in lane.spans if span.line is None]
        return bands + [self._draw(span, self._top(span.line), _BAR_HEIGHT) for span in lane.spans if span.line is not None]

    @staticmethod
    def _top(line: int) -> int:
        return _MARGIN + line * (_BAR_HEIGHT + _BAR_GAP)

    def _draw(self, span: Span, y: int, height: int) -> Drawn:
        left, right = self._share(span.start), self._share(span.end)
        width = max(right - left, _NARROWEST)
        return Drawn(span.kind, span.text, _percent(min(left, 100 - width)), _percent(width), y, height)

    def _share(self, moment: datetime.datetime) -> float:
        seconds = t.cast(float, between(self.start, moment))
        return min(max(100 * seconds / self.seconds, 0.0), 100.0)


def spans(*wanted: tuple[str, int | None, str, datetime.datetime | None, datetime.datetime | None]) -> tuple[Span, ...]:
    """Make spans, leaving out those whose ends are not known or not in order."""
    return tuple(Span(kind, line, text, start, end) for kind, line, text, start, end in wanted if start and end and start <= end)


def _percent(share: float) -> str:
    return f"{share:.2f}%"


def _tick_text(seconds: float, step: float) -> str:
    if seconds == 0:
        return "0"
    if step >= 60:
        return wording.duration(seconds).removesuffix(" 0 s").removesuffix(" 0 min")
    if seconds >= 60:
        return f"{int(seconds // 60)}:{int(round(seconds % 60)):02d} min"
    return f"{seconds:g} s" if step >= 0.1 else f"{seconds:.2f} s"
