# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The record of a roll-back at the site where an application runs, kept in the catalogue until it is accepted.

It has the whole application as it was before: servers are exchanged for others, and the way back is to recreate them from this record on
their old volumes. So it is there before the first server is removed. Like everything read from a catalogue, it is untrusted.
"""

from __future__ import annotations

import dataclasses
import typing as t

from ..application.definition import DRILL_PATTERN, NAME_PATTERN
from ..core.errors import InvalidInput, RollBackRecordInvalid
from ..manifest import signed
from ..manifest.conforming import Form
from ..manifest.manifest import ApplicationDescription
from ..manifest.schema import SCHEMA

_VERSION = 1
#: Volumes are being made; servers are being exchanged; done; the way back is under way; back again.
BEGUN, EXCHANGING, ROLLED_BACK, UNDOING, UNDONE = STATES = ("begun", "exchanging", "rolled_back", "undoing", "undone")
#: Bytes; as a manifest of a thousand servers.
LARGEST_ROLL_BACK = 32 * 2**20
# Not "$", which Python lets match before a newline at the end.
_END = r"(?![\s\S])"
_NAME = {"type": "string", "pattern": f"^{NAME_PATTERN}{_END}"}
_DESCRIPTION = ("application", "servers", "topology", "missing")
_PROPERTIES = {
    "schema_version": {"const": _VERSION},
    "id": {"type": "string", "pattern": f"^{DRILL_PATTERN}{_END}"},
    "site": {"type": "string", "minLength": 1, "maxLength": 255},
    "checkpoint": _NAME,
    "since": {"type": "string", "maxLength": 40},
    "state": {"enum": list(STATES)},
    **{part: t.cast("dict[str, t.Any]", SCHEMA["properties"])[part] for part in _DESCRIPTION},
}
_FORM = Form(
    {
        "$schema": SCHEMA["$schema"],
        "type": "object",
        "properties": _PROPERTIES,
        "required": sorted(_PROPERTIES),
        "additionalProperties": False,
    }
)


@dataclasses.dataclass(frozen=True)
class RollBackRecord:
    """A roll-back that has begun and is not accepted yet.

    :param id: with which everything that it makes is marked.
    :param site: where the application runs.
    :param checkpoint: id of the one that the data is of.
    :param since: when it began, ISO 8601 in UTC.
    :param before: the application as it was.
    """

    id: str
    site: str
    checkpoint: str
    since: str
    state: str
    before: ApplicationDescription

    @property
    def application(self) -> str:
        return self.before.application.name

    def at(self, state: str) -> RollBackRecord:
        return dataclasses.replace(self, state=state)

    def as_dict(self) -> dict[str, str]:
        """The record as results show it."""
        return {"application": self.application, **{name: getattr(self, name) for name in ("id", "site", "checkpoint", "since", "state")}}

    def dump(self, seal: signed.Seal = signed.UNSEALED) -> bytes:
        shown = {key: value for key, value in self.as_dict().items() if key != "application"}
        return signed.dump({"schema_version": _VERSION, **shown, **self.before.as_dict()}, seal)

    @classmethod
    def load(cls, content: bytes, application: str, seal: signed.Seal = signed.UNSEALED) -> RollBackRecord:
        """Read a stored record.

        :param application: name of the application that it should be of.
        :raises RollBackRecordInvalid: when it is damaged, not signed with the key, or of another application.
        """
        if len(content) > LARGEST_ROLL_BACK:
            raise RollBackRecordInvalid(f"The {RollBackRecordInvalid.what} has more than {LARGEST_ROLL_BACK >> 20} MiB, so it is not a record.")
        document = signed.load(content, seal, RollBackRecordInvalid).document
        signed.refuse_deep(document, RollBackRecordInvalid)
        signed.validate(document, _FORM, RollBackRecordInvalid)
        try:
            before = ApplicationDescription.parse(document)
        except InvalidInput as error:
            raise RollBackRecordInvalid(f"The {RollBackRecordInvalid.what} contradicts itself: {signed.shown(error.message)}") from error
        record = cls(**{name: document[name] for name in ("id", "site", "checkpoint", "since", "state")}, before=before)
        if record.application != application:
            raise RollBackRecordInvalid(
                f"The {RollBackRecordInvalid.what} is of another application, '{record.application}'; somebody put it in the wrong place."
            )
        return record
