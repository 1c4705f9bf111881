# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The record of a drill: a document beside the manifest of the checkpoint that was drilled.

Its name has the time and the outcome, so that the newest successful drill is found without reading all records.
"""

from __future__ import annotations

import collections
import dataclasses
import datetime
import re
import typing as t

from ..application.definition import DRILL_PATTERN, NAME_PATTERN, require_checkpoint_id, require_drill_id, require_name
from ..cloud.site_clock import SiteClock
from ..core.errors import DrillRecordInvalid, InvalidInput
from ..manifest import signed
from ..manifest.conforming import Form
from .active_record import moment_of

SCHEMA_VERSION = 1
#: All servers were restored and all their checks made and passed; the checks could not be made; anything else.
PASSED, UNCHECKED, FAILED = OUTCOMES = ("passed", "unchecked", "failed")

_END = r"(?![\s\S])"
_MOMENT = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ"
_OBJECT_NAME = re.compile(rf"({NAME_PATTERN})/({NAME_PATTERN})/(\d{{8}}T\d{{6}}Z)-({'|'.join(OUTCOMES)})-({DRILL_PATTERN})\.drill\.json")
_MOST_SERVERS = 10000
#: What is kept of a server, and how much of a problem.
_SERVER_FACTS = ("name", "tier", "status", "checks", "seconds")
_LONGEST_PROBLEM = 10000
#: Bytes; a record of a thousand servers has about half a million.
LARGEST_RECORD = 8 * 2**20

_NAME = {"type": "string", "pattern": f"^{NAME_PATTERN}{_END}"}
_TEXT = {"type": "string", "maxLength": 65535}
_SECONDS = {"type": ["number", "null"], "minimum": 0, "maximum": 2**31}
_WHEN = {"type": "string", "pattern": f"^{_MOMENT}{_END}"}


def _object(**properties: t.Any) -> dict[str, t.Any]:
    """An object with exactly these members."""
    return {"type": "object", "properties": properties, "required": sorted(properties), "additionalProperties": False}


def _with_optional(optional: t.Mapping[str, t.Any], **properties: t.Any) -> dict[str, t.Any]:
    """An object that may lack some members, as records of earlier versions do."""
    return {**_object(**properties), "properties": {**properties, **optional}}


def _list(items: t.Any) -> dict[str, t.Any]:
    return {"type": "array", "items": items, "maxItems": _MOST_SERVERS}


_CHECK = _object(check=_TEXT, made_by=_list(_TEXT))
_VOLUME = _object(name=_TEXT, servers=_list(_TEXT), size={"type": "integer", "minimum": 0, "maximum": 2**31}, seconds=_SECONDS)

_FORM = Form(
    {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **_with_optional(
            {"volumes": _list(_VOLUME)},
            schema_version={"const": SCHEMA_VERSION},
            application=_NAME,
            checkpoint=_NAME,
            drill={"type": "string", "pattern": f"^{DRILL_PATTERN}{_END}"},
            started_at=_WHEN,
            finished_at=_WHEN,
            outcome={"enum": list(OUTCOMES)},
            recovery_seconds=_SECONDS,
            servers=_list(
                _object(
                    name=_TEXT,
                    tier=_TEXT,
                    status=_TEXT,
                    checks=_list(_CHECK),
                    seconds=_object(created=_SECONDS, active=_SECONDS, ready=_SECONDS),
                )
            ),
            problem=_TEXT,
            left=_list(_TEXT),
        ),
    }
)


@dataclasses.dataclass(frozen=True)
class DrillRecord:
    """One drill.

    :param started_at: ISO 8601 in UTC, to the second; so is ``finished_at``, when the outcome was known.
    :param recovery_seconds: from the start until the last check passed; None when it did not.
    :param servers: as the restore describes them: name, tier, status, checks, seconds.
    :param problem: why it failed; empty when it did not.
    :param left: what could not be removed afterwards.
    :param volumes: name, servers, size in GiB, and seconds from the request for each until it was there; none in records of earlier versions.
    """

    application: str
    checkpoint: str
    drill: str
    started_at: str
    finished_at: str
    outcome: str
    recovery_seconds: float | None
    servers: tuple[t.Mapping[str, t.Any], ...]
    problem: str = ""
    left: tuple[str, ...] = ()
    volumes: tuple[t.Mapping[str, t.Any], ...] = ()

    @property
    def began(self) -> datetime.datetime:
        """``started_at`` for comparisons."""
        return datetime.datetime.fromisoformat(self.started_at)

    @property
    def moment(self) -> datetime.datetime:
        """``finished_at`` for comparisons."""
        return datetime.datetime.fromisoformat(self.finished_at)

    @property
    def object_name(self) -> str:
        when = self.finished_at.replace("-", "").replace(":", "")
        return f"{self.application}/{self.checkpoint}/{when}-{self.outcome}-{self.drill}.drill.json"

    def as_dict(self) -> dict[str, t.Any]:
        return {**dataclasses.asdict(self), "servers": list(self.servers), "left": list(self.left), "volumes": list(self.volumes)}

    def dump(self, seal: signed.Seal = signed.UNSEALED) -> bytes:
        return signed.dump({"schema_version": SCHEMA_VERSION, **self.as_dict()}, seal)

    @classmethod
    def load(cls, content: bytes, seal: signed.Seal = signed.UNSEALED) -> DrillRecord:
        """Read a stored record; it is as untrusted as a manifest.

        :raises DrillRecordInvalid: when it is damaged, not signed with the key, or no record at all.
        """
        if len(content) > LARGEST_RECORD:
            raise DrillRecordInvalid(f"The {DrillRecordInvalid.what} has more than {LARGEST_RECORD >> 20} MiB, so it is not a record.")
        return cls.parse(signed.load(content, seal, DrillRecordInvalid).document)

    @classmethod
    def of_run(cls, options: t.Mapping[str, t.Any], clock: SiteClock) -> DrillRecord:
        """The record of a drill that has just ended.

        :param options: those of os_drill_record.
        :param clock: of the site that keeps it; the record has its times by this clock.
        :raises InvalidInput: for names that would lead elsewhere in the catalogue, and for a start that is no time.
        :raises DrillRecordInvalid: for what is no result of a restore.
        """
        document = {
            "schema_version": SCHEMA_VERSION,
            "application": require_name("the name of an application", options["application"]),
            "checkpoint": require_checkpoint_id(options["checkpoint"]),
            "drill": require_drill_id(options["drill"]),
            "started_at": _written(clock.by_site(_started(options["started"]))),
            "finished_at": _written(clock.now()),
            "recovery_seconds": options["recovery_seconds"],
            "servers": [{key: value for key, value in server.items() if key in _SERVER_FACTS} for server in options["servers"]],
            "problem": options["problem"][:_LONGEST_PROBLEM],
            "left": options["left"],
            "volumes": _measured(options["volumes"]),
        }
        # Nothing can be said of servers before it is known that they are described as they should be.
        cls.parse({**document, "outcome": FAILED})
        return cls.parse({**document, "outcome": outcome_of(document["problem"], document["servers"])})

    @classmethod
    def parse(cls, document: t.Mapping[str, t.Any]) -> DrillRecord:
        """Read an untrusted document.

        :raises DrillRecordInvalid: when it is invalid, naming the reason.
        """
        signed.validate(document, _FORM, DrillRecordInvalid)
        fields = {key: value for key, value in document.items() if key != "schema_version"}
        listed = {name: tuple(document.get(name, ())) for name in ("servers", "left", "volumes")}
        record = cls(**{**fields, **listed})
        _refuse_impossible(record)
        return record


def _measured(calls: t.Iterable[t.Mapping[str, t.Any]]) -> list[dict[str, t.Any]]:
    """How long each volume took, of what all calls that restore volumes have returned: one may have requested it, and another one waited for it."""
    seen: dict[str, list[tuple[str, t.Mapping[str, t.Any]]]] = collections.defaultdict(list)
    for call in calls:
        for volume in call.get("volumes") or ():
            described = volume if isinstance(volume, dict) else {}
            seen[str(described.get("source_id"))].append((str(call.get("started_at")), described))
    return [{**{name: found[-1][1].get(name) for name in ("name", "servers", "size")}, "seconds": _seconds(found)} for found in seen.values()]


def _seconds(found: t.Iterable[tuple[str, t.Mapping[str, t.Any]]]) -> float | None:
    """From the request for a volume until it was ready; None where an earlier run did either."""
    moments: dict[str, float] = {}
    for started, volume in found:
        begun = moment_of(started)
        for step, seconds in (volume.get("seconds") or {}).items():
            if begun is not None and seconds is not None:
                moments.setdefault(step, begun.timestamp() + seconds)
    if not {"requested", "ready"} <= moments.keys():
        return None
    return max(0.0, round(moments["ready"] - moments["requested"], 1))


def _started(seconds: float) -> datetime.datetime:
    try:
        return datetime.datetime.fromtimestamp(seconds, datetime.UTC)
    except (ValueError, OverflowError, OSError) as error:
        raise InvalidInput(f"started is {seconds}, which is no time.", "Give seconds since 1970.") from error


def _written(moment: datetime.datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def outcome_of(problem: str, servers: t.Iterable[t.Mapping[str, t.Any]]) -> str:
    """How a drill ended.

    :param problem: why it failed; empty when it did not.
    :param servers: as the restore describes them.
    """
    if problem:
        return FAILED
    made = all(check["made_by"] for server in servers for check in server["checks"])
    return PASSED if made else UNCHECKED


def successful(names: t.Iterable[str]) -> list[str]:
    """Names of the records of drills that passed, the newest first."""
    found = [match for match in map(_OBJECT_NAME.fullmatch, names) if match and match[4] == PASSED]
    return [match[0] for match in sorted(found, key=lambda match: match[3], reverse=True)]


def _refuse_impossible(record: DrillRecord) -> None:
    """Refuse what a schema cannot express."""
    try:
        _times = [datetime.datetime.fromisoformat(one) for one in (record.started_at, record.finished_at)]
    except ValueError as error:
        raise DrillRecordInvalid(f"The record of the drill has an invalid time ({error}).") from error
    if record.outcome == PASSED and record.recovery_seconds is None:
        raise DrillRecordInvalid("The record of the drill says that it passed, but has no recovery time.")
