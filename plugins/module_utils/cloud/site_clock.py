# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A site's clock, compared with this machine's.

What others rely on (the moment of a checkpoint, its age, the order of moves) is told by the clock of a site, which all of them share; this machine's may be
wrong. The site's is known from its answers: each has the time to the second, shown between the request and the answer. Several of them narrow it down.
"""

from __future__ import annotations

import collections
import dataclasses
import datetime
import email.utils
import itertools
import threading
import time
import typing as t

#: Seconds of difference from which people are warned.
WARNED = 2
#: Seconds of difference from which no checkpoint is taken: freezes are marked with the time of the machine that asks for them, and others who see such a mark
#: allow for 40 s; whether a token lasts for a freeze is judged with a margin of 180 s.
REFUSED = 30
#: How many of the last answers count.
_ANSWERS = 256
#: Answers and records show whole seconds. A database may have rounded them instead of cutting them off.
_SECOND, _ROUNDED = 1.0, 0.5


def _wall() -> datetime.datetime:
    return datetime.datetime.now(datetime.UTC)


@dataclasses.dataclass(frozen=True)
class Difference:
    """By how many seconds a site's clock is ahead of this machine's, 0 when nothing shows that they differ, and how far off that may be."""

    seconds: float
    within: float

    def exceeds(self, seconds: float) -> bool:
        """Whether the clocks differ for certain by more than so many seconds."""
        return abs(self.seconds) - self.within > seconds

    def __str__(self) -> str:
        return f"{abs(self.seconds):.1f} s {'ahead of' if self.seconds > 0 else 'behind'} the controller's (± {self.within:.1f} s)"


class SiteClock:
    """The clock of a site, as far as its answers have shown it.

    :param site: its name, for messages.
    :param monotonic: seconds of this process; a change of this machine's time does not change what was found.
    """

    def __init__(self, site: str, monotonic: t.Callable[[], float] = time.monotonic, wall: t.Callable[[], datetime.datetime] = _wall) -> None:
        self._site = site
        self._monotonic = monotonic
        self._wall = wall
        #: Least and most that has to be added to this process's seconds.
        self._bounds: collections.deque[tuple[float, float]] = collections.deque(maxlen=_ANSWERS)
        self._lock = threading.Lock()

    def listen(self, hooks: t.MutableMapping[str, t.Any]) -> None:
        """Read the time from every answer.

        :param hooks: of a session of requests.
        """
        hooks.setdefault("response", []).append(self._hear)

    def _hear(self, response: t.Any, **_options: t.Any) -> None:
        answered = self._monotonic()
        # One with an age comes out of a cache.
        text = "" if "Age" in response.headers else response.headers.get("Date", "")
        try:
            shown = email.utils.parsedate_to_datetime(text)
        except (TypeError, ValueError):
            return
        self._note(_in_utc(shown), answered - response.elapsed.total_seconds(), answered)

    def note_record(self, created: str, asked: float, answered: float) -> None:
        """Read the time from a record that the site made.

        :param created: as the site shows it, in UTC.
        :param asked: this process's seconds when it was asked for; ``answered`` when it was there.
        """
        try:
            shown = _in_utc(datetime.datetime.fromisoformat(created))
        except ValueError:
            return
        self._note(shown, asked, answered, _ROUNDED)

    def _note(self, shown: datetime.datetime, asked: float, answered: float, rounded: float = 0.0) -> None:
        begun = shown.timestamp()
        with self._lock:
            self._bounds.append((begun - rounded - answered, begun + _SECOND - asked))

    def difference(self, monotonic: float, wall: datetime.datetime) -> Difference | None:
        """The difference between the clocks at a moment; None while the site has not shown its time.

        :param monotonic: the moment in this process's seconds; ``wall`` as this machine's clock showed it.
        """
        with self._lock:
            bounds = list(self._bounds)
        if not bounds:
            return None
        least, most = (bound + monotonic - wall.timestamp() for bound in _agreed(bounds))
        # A clock that may be right is not corrected: it is more precise than whole seconds.
        seconds = 0.0 if least <= 0 <= most else (least + most) / 2
        return Difference(round(seconds, 3), round(max(most - seconds, seconds - least), 3))

    def by_site(self, wall: datetime.datetime) -> datetime.datetime:
        """What the site's clock shows when this machine's shows a time; the same while the site has not shown its own."""
        return wall + datetime.timedelta(seconds=self.ahead)

    def now(self) -> datetime.datetime:
        """The site's time; this machine's while the site has not shown its own."""
        return self.by_site(self._wall())

    @property
    def ahead(self) -> float:
        """Seconds by which the site's clock is ahead of this machine's; 0 while nothing shows that they differ."""
        found = self._difference_now()
        return found.seconds if found else 0.0

    def _difference_now(self) -> Difference | None:
        return self.difference(self._monotonic(), self._wall())

    @property
    def warnings(self) -> list[str]:
        """What people should know of a difference."""
        found = self._difference_now()
        if found is None or not found.exceeds(WARNED):
            return []
        return [
            f"The clock of site '{self._site}' is {found}. Checkpoints, their age and records of moves are by the site's clock, everything else by the "
            "controller's. Synchronise them (chrony or another NTP client)."
        ]

    @property
    def problems(self) -> list[str]:
        """Why no checkpoint is taken with such a difference."""
        found = self._difference_now()
        if found is None or not found.exceeds(REFUSED):
            return []
        return [
            f"The clock of site '{self._site}' is {found}; more than {REFUSED} s are too much for freezes, which other machines judge by their clocks. "
            "Synchronise the controller's clock, or have the site's synchronised (chrony or another NTP client)."
        ]


def _in_utc(moment: datetime.datetime) -> datetime.datetime:
    """A time without a zone is in UTC."""
    return moment if moment.tzinfo else moment.replace(tzinfo=datetime.UTC)


def _agreed(bounds: t.Iterable[tuple[float, float]]) -> tuple[float, float]:
    """The bounds on which most answers agree, so that one host of the site whose clock is wrong does not count (Marzullo's algorithm)."""
    edges = sorted(edge for least, most in bounds for edge in ((least, -1), (most, 1)))
    count = best = 0
    agreed = (edges[0][0], edges[-1][0])
    for (edge, kind), (following, _kind) in itertools.pairwise(edges):
        count -= kind
        if count > best:
            best, agreed = count, (edge, following)
    return agreed
