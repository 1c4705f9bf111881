# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What one controller does of a run, as a document that only this controller writes. Like everything read from a catalogue, it is untrusted."""

from __future__ import annotations

import dataclasses
import datetime
import typing as t

from ..application.definition import NAME_PATTERN
from ..core.errors import InvalidInput, RunPartInvalid
from ..core.text import timestamp
from ..core.written import closed, schema_problems
from ..manifest.conforming import Form
from ..site.keeping import KeptDocument
from ..site.schema import LIMITED

_VERSION = 1
CHECKPOINT, RESTORE, DRILL, FAILOVER, REPROTECT = KINDS = ("checkpoint", "restore", "drill", "failover", "reprotect")
#: Kinds in which applications are made to run, so that dependencies and waves count.
RECOVERING = frozenset({RESTORE, FAILOVER})

#: Nobody has asked for it; it waits for its turn; its controller is about to begin it; it is under way; over.
PLANNED, WAITING, CLAIMING, RUNNING, DONE, FAILED, SKIPPED = STATES = ("planned", "waiting", "claiming", "running", "done", "failed", "skipped")
OVER = frozenset({DONE, FAILED, SKIPPED})
#: States in which it holds a share of the limits.
HOLDING = frozenset({CLAIMING, RUNNING})

#: Bytes; of ten thousand applications, each with a long message, it has about twelve million.
LARGEST_PART = 16 * 2**20
LONGEST_MESSAGE = 1000

Shares: t.TypeAlias = "t.Mapping[str, t.Mapping[str, int]]"

_END = r"(?![\s\S])"
RUN_PATTERN = NAME_PATTERN
_TEXT = {"type": "string", "maxLength": 255}
# To the millisecond and in UTC, so that times can be compared as they are written.
_MOMENT = rf"^\d{{4}}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{{3}}Z{_END}"
_TIME = {"type": "string", "pattern": _MOMENT}
_COUNT = {"type": "integer", "minimum": 0, "maximum": 2**31}
_SECONDS = {"type": ["integer", "null"], "minimum": 0, "maximum": 2**31}
_SHARES = {"type": "object", "additionalProperties": closed(**dict.fromkeys(LIMITED, _COUNT))}
_APPLICATION = closed(
    ["name", "wave", "priority", "depends_on", "expected", "turn"],
    name=_TEXT,
    wave=_COUNT,
    priority=_COUNT,
    depends_on={"type": "array", "items": _TEXT, "maxItems": 10_000},
    expected=_SECONDS,
    turn=closed(
        ["state", "needs", "since", "seconds", "message"],
        state={"enum": list(STATES)},
        needs=_SHARES,
        since={"type": ["string", "null"], "pattern": _MOMENT},
        seconds=_SECONDS,
        message={"type": "string", "maxLength": LONGEST_MESSAGE},
    ),
)


@dataclasses.dataclass(frozen=True)
class Turn:
    """Where an application is in a run.

    :param needs: what it needs, and holds when it is under way, of the limits: numbers by their kinds, by the names of sites.
    :param since: ISO 8601, since when it is in this state; None where nothing has happened yet.
    :param seconds: how long it took, when it is over and was under way.
    :param message: why it failed or was skipped; empty otherwise.
    """

    state: str = PLANNED
    needs: Shares = dataclasses.field(default_factory=dict)
    since: str | None = None
    seconds: int | None = None
    message: str = ""

    @property
    def is_over(self) -> bool:
        return self.state in OVER


@dataclasses.dataclass(frozen=True)
class Entrant:
    """An application that takes part in a run.

    :param name: of its host.
    :param wave: number of its wave.
    :param depends_on: names of applications that must be done before.
    :param expected: seconds that it took in an earlier run; None when there was none.
    """

    name: str
    wave: int = 0
    priority: int = 0
    depends_on: tuple[str, ...] = ()
    expected: int | None = None


@dataclasses.dataclass(frozen=True)
class RunPart(KeptDocument):
    """One controller's part of a run.

    :param run: id of the run.
    :param id: of the part in its run.
    :param controller: name of the machine, for messages.
    :param began: ISO 8601 by the site's clock; so is ``until``, to which it counts although nobody ends it.
    :param parts: how many parts the run has.
    :param has_ended: whether its controller has ended it.
    """

    name = "_site-runs"
    largest = LARGEST_PART
    invalid = RunPartInvalid
    time = "began"
    form = Form(
        closed(
            ["schema_version", "run", "id", "kind", "controller", "began", "until", "parts", "has_ended", "applications"],
            schema_version={"const": _VERSION},
            run={"type": "string", "pattern": f"^{RUN_PATTERN}{_END}"},
            id={"type": "string", "pattern": f"^{NAME_PATTERN}{_END}"},
            kind={"enum": list(KINDS)},
            controller=_TEXT,
            began=_TIME,
            until=_TIME,
            parts=_COUNT,
            has_ended={"type": "boolean"},
            applications={"type": "array", "items": _APPLICATION, "maxItems": 10_000},
        )
    )

    run: str
    id: str
    kind: str
    controller: str
    began: str
    until: str
    parts: int
    entrants: t.Mapping[str, Entrant]
    turns: t.Mapping[str, Turn]
    has_ended: bool = False

    @property
    def object_name(self) -> str:
        return f"{self.name}/{self.run}/{self.id}.json"

    def is_alive(self, now: datetime.datetime) -> bool:
        """Whether its controller works on it.

        :param now: by the site's clock.
        """
        return not self.has_ended and self.until > timestamp(now)

    @property
    def is_over(self) -> bool:
        """Whether nothing is left to do of it."""
        return all(turn.is_over for turn in self.turns.values())

    def alive_until(self, moment: datetime.datetime) -> RunPart:
        return dataclasses.replace(self, until=timestamp(moment))

    def with_turn(self, name: str, turn: Turn) -> RunPart:
        return dataclasses.replace(self, turns={**self.turns, name: turn})

    def as_document(self) -> dict[str, t.Any]:
        facts = {name: getattr(self, name) for name in ("run", "id", "kind", "controller", "began", "until", "parts", "has_ended")}
        applications = [
            {**dataclasses.asdict(one), "depends_on": list(one.depends_on), "turn": dataclasses.asdict(self.turns[one.name])} for one in self.entrants.values()
        ]
        return {"schema_version": _VERSION, **facts, "applications": applications}

    @classmethod
    def of_document(cls, document: t.Mapping[str, t.Any]) -> RunPart:
        listed = document["applications"]
        facts = {name: value for name, value in document.items() if name not in ("schema_version", "applications")}
        return cls(
            **facts,
            entrants={one["name"]: _entrant(one) for one in listed},
            turns={one["name"]: Turn(**one["turn"]) for one in listed},
        )


def _entrant(data: t.Mapping[str, t.Any]) -> Entrant:
    return Entrant(**{**{name: value for name, value in data.items() if name != "turn"}, "depends_on": tuple(data["depends_on"])})


def shares_of(given: t.Any, what: str) -> Shares:
    """Numbers by their kinds, by the names of sites, as somebody gave them.

    :param what: how messages call them.
    :raises InvalidInput: when they are something else.
    """
    problems = schema_problems(given, _SHARES, what)
    if problems:
        raise InvalidInput(f"{'; '.join(problems)}.", f"It is like {{south: {{{', '.join(f'{kind}: 4' for kind in LIMITED)}}}}}.")
    return t.cast(Shares, given)
