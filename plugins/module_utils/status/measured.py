# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""How long the parts of recoveries took, as drills have measured them, and how long the next one will take by that. Pure.

What nothing has measured is not guessed: then there is no prediction, but the name of what is missing.
"""

from __future__ import annotations

import dataclasses
import datetime
import statistics
import typing as t

from ..catalogue.drill_record import DrillRecord
from .course import CourseServer, RecoveryCourse

VOLUMES, BOOTS, CHECKS, REST = "the time that volumes take", "the time that servers take to boot", "the time that checks take", "the time for everything else"


@dataclasses.dataclass(frozen=True)
class Measurement:
    """What one drill has measured, in seconds.

    :param host: the application.
    :param boots: per name of a server; so ``checks``.
    :param rates: GiB per second of each volume.
    :param rest: what the recovery took beside the critical path of its parts, such as networks and the plays themselves; None where these are not known.
    """

    host: str
    ended: datetime.datetime
    boots: t.Mapping[str, float]
    checks: t.Mapping[str, float]
    rates: tuple[float, ...]
    rest: float | None

    @classmethod
    def of(cls, host: str, record: DrillRecord) -> Measurement:
        boots, checks = _between(record, "created", "active"), _between(record, "active", "ready")
        took = [(volume["size"], volume["seconds"]) for volume in record.volumes]
        rates = tuple(size / seconds for size, seconds in took if size and seconds)
        is_whole = bool(record.servers) and len(rates) == len(took) > 0 and boots.keys() == checks.keys() == {one["name"] for one in record.servers}
        return cls(host, record.moment, boots, checks, rates, _rest(record, boots, checks) if is_whole else None)


def _between(record: DrillRecord, start: str, end: str) -> dict[str, float]:
    found = {server["name"]: (server["seconds"][start], server["seconds"][end]) for server in record.servers}
    return {name: max(0.0, later - earlier) for name, (earlier, later) in found.items() if earlier is not None and later is not None}


def _rest(record: DrillRecord, boots: t.Mapping[str, float], checks: t.Mapping[str, float]) -> float:
    seconds = {(server, volume["size"]): volume["seconds"] for volume in record.volumes for server in volume["servers"]}
    slowest = {size: max(found for (_server, other), found in seconds.items() if other == size) for _server, size in seconds}
    path = RecoveryCourse.of_record(record).seconds(lambda server: boots[server.name] + checks[server.name], slowest.__getitem__)
    return max(0.0, t.cast(float, record.recovery_seconds) - path)


@dataclasses.dataclass(frozen=True)
class Prediction:
    """How long a recovery will take.

    :param seconds: None where something has never been measured.
    :param unmeasured: what that is.
    :param is_own: whether only drills of the application itself were needed for it.
    """

    seconds: float | None
    unmeasured: tuple[str, ...] = ()
    is_own: bool = True


class Experience:
    """What all drills of a site have measured."""

    def __init__(self, measurements: t.Iterable[Measurement]) -> None:
        self._measurements = sorted(measurements, key=lambda one: one.ended)

    def until(self, moment: datetime.datetime) -> Experience:
        """What was known at a moment."""
        return Experience(one for one in self._measurements if one.ended <= moment)

    def predict(self, host: str, course: RecoveryCourse) -> Prediction:
        own = [one for one in self._measurements if one.host == host]
        mine, all_of_them = _Averages.of(own), _Averages.of(self._measurements)
        known = mine.or_else(all_of_them)
        unmeasured = known.lacking(course)
        if unmeasured:
            return Prediction(None, unmeasured, is_own=False)
        rate, rest = known.rate or 0.0, known.rest or 0.0
        path = course.seconds(known.server_seconds, lambda size: size / rate if size else 0.0)
        return Prediction(round(path + rest, 1), is_own=not mine.lacking(course) and {server.name for server in course.servers} <= mine.boots.keys())


@dataclasses.dataclass(frozen=True)
class _Averages:
    """What some drills have measured together.

    :param boots: the newest per name of a server; so ``checks``.
    :param boot: of any server; so ``check``.
    """

    boots: t.Mapping[str, float]
    checks: t.Mapping[str, float]
    boot: float | None
    check: float | None
    rate: float | None
    rest: float | None

    @classmethod
    def of(cls, measurements: t.Sequence[Measurement]) -> _Averages:
        return cls(
            boots={name: seconds for one in measurements for name, seconds in one.boots.items()},
            checks={name: seconds for one in measurements for name, seconds in one.checks.items()},
            boot=_middle(seconds for one in measurements for seconds in one.boots.values()),
            check=_middle(seconds for one in measurements for seconds in one.checks.values()),
            rate=_middle(rate for one in measurements for rate in one.rates),
            rest=_middle(one.rest for one in measurements if one.rest is not None),
        )

    def or_else(self, others: _Averages) -> _Averages:
        """What is not known of these, as it is of others."""
        single = {name: getattr(others if getattr(self, name) is None else self, name) for name in ("boot", "check", "rate", "rest")}
        return dataclasses.replace(self, **single)

    def lacking(self, course: RecoveryCourse) -> tuple[str, ...]:
        has_volumes = any(server.volumes for server in course.servers)
        wanted = {VOLUMES: self.rate if has_volumes else 0.0, BOOTS: self.boot, CHECKS: self.check, REST: self.rest}
        return tuple(what for what, found in wanted.items() if found is None)

    def server_seconds(self, server: CourseServer) -> float:
        return self.boots.get(server.name, self.boot or 0.0) + self.checks.get(server.name, self.check or 0.0)


def _middle(values: t.Iterable[float]) -> float | None:
    found = list(values)
    return statistics.median(found) if found else None


@dataclasses.dataclass(frozen=True)
class Drilled:
    """A drill, and how long it was predicted to take by everything that was measured before it began."""

    record: DrillRecord
    predicted: Prediction

    @classmethod
    def of(cls, host: str, record: DrillRecord, experience: Experience) -> Drilled:
        return cls(record, experience.until(record.began).predict(host, RecoveryCourse.of_record(record)))

    @property
    def deviation(self) -> float | None:
        """By how much the prediction was off, as a share of what the drill took."""
        took = self.record.recovery_seconds
        return round(abs(self.predicted.seconds - took) / took, 3) if took and self.predicted.seconds is not None else None
