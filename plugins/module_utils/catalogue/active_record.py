# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The record of the site at which an application runs, kept in the catalogues of both sites.

It is the last thing that a move or restore writes. Like everything read from a catalogue, it is untrusted.
"""

from __future__ import annotations

import dataclasses
import datetime

from ..application.definition import NAME_PATTERN
from ..core.errors import ActiveRecordInvalid
from ..manifest import signed
from ..manifest.conforming import Form

_VERSION = 1
_WHAT = ActiveRecordInvalid.what
# Not "$", which Python lets match before a newline at the end.
_END = r"(?![\s\S])"
_FORM = Form(
    {
        "type": "object",
        "properties": {
            "schema_version": {"const": _VERSION},
            "application": {"type": "string", "pattern": f"^{NAME_PATTERN}{_END}"},
            "site": {"type": "string", "minLength": 1, "maxLength": 255},
            "since": {"type": "string", "maxLength": 40},
            "checkpoint": {"type": "string", "pattern": f"^({NAME_PATTERN})?{_END}"},
        },
        "required": ["schema_version", "application", "site", "since", "checkpoint"],
        "additionalProperties": False,
    }
)
#: Bytes; no record is larger.
LARGEST_RECORD = 4096


@dataclasses.dataclass(frozen=True)
class ActiveRecord:
    """Where an application runs.

    :param since: ISO 8601 with an offset, since when it runs there.
    :param checkpoint: id of the checkpoint that it was restored from; empty when it was not restored.
    """

    application: str
    site: str
    since: str
    checkpoint: str

    @property
    def moment(self) -> datetime.datetime:
        """``since`` for comparisons."""
        return datetime.datetime.fromisoformat(self.since)

    def dump(self, seal: signed.Seal = signed.UNSEALED) -> bytes:
        return signed.dump({"schema_version": _VERSION, **self.as_dict()}, seal)

    def as_dict(self) -> dict[str, str]:
        return dataclasses.asdict(self)

    @classmethod
    def load(cls, content: bytes, application: str, seal: signed.Seal = signed.UNSEALED) -> ActiveRecord:
        """Read a stored record.

        :param application: name of the application that it should be of.
        :raises ActiveRecordInvalid: when it is damaged, not signed with the key, or of another place or application.
        """
        if len(content) > LARGEST_RECORD:
            raise ActiveRecordInvalid(f"The {_WHAT} has more than {LARGEST_RECORD} bytes, so it is not a record.")
        document = signed.load(content, seal, ActiveRecordInvalid).document
        signed.validate(document, _FORM, ActiveRecordInvalid)
        record = cls(**{field.name: document[field.name] for field in dataclasses.fields(cls)})
        if record.application != application:
            raise ActiveRecordInvalid(f"The {_WHAT} is of another application, '{record.application}'; somebody put it in the wrong place.")
        if moment_of(record.since) is None:
            raise ActiveRecordInvalid(f"The {_WHAT} has an invalid time: {record.since}.")
        return record


def moment_of(text: str) -> datetime.datetime | None:
    """Parse a time; None when it is not one, has no offset, or is out of range."""
    try:
        moment = datetime.datetime.fromisoformat(text)
        # Near the years 1 and 9999 there is no such time in UTC.
        moment.astimezone(datetime.UTC)
    except (ValueError, OverflowError):
        return None
    return moment if moment.tzinfo is not None else None


@dataclasses.dataclass(frozen=True)
class DamagedRecord:
    """A record that cannot be used, with the reason."""

    problem: str
