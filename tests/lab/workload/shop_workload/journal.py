# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The journal: what the databases acknowledged, and when, written outside of them as JSON lines."""

from __future__ import annotations

import dataclasses
import datetime
import json
import pathlib
import threading
import time
from collections.abc import Iterable, Iterator

from .rows import Key

TABLES = ("orders", "payments")


@dataclasses.dataclass(frozen=True)
class Acknowledgement:
    """A committed row, as its worker was told."""

    table: str
    key: Key
    checksum: int
    acknowledged: float


class Journal:
    """Appends events of many threads; every line is complete and flushed when the call returns."""

    def __init__(self, path: pathlib.Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._stream = path.open("a", encoding="utf-8")
        self._lock = threading.Lock()

    def write(self, event: str, **details: object) -> None:
        with self._lock:
            line = {"event": event, "wall": time.time(), "monotonic": time.monotonic()} | details
            self._stream.write(json.dumps(line) + "\n")
            self._stream.flush()

    def acknowledge(self, table: str, key: Key, crc: int, waited: float) -> None:
        self.write("acknowledged", table=table, worker=key.worker, sequence=key.sequence, crc=crc, waited=round(waited, 4))

    def close(self) -> None:
        self._stream.close()


def read_events(lines: Iterable[str]) -> Iterator[dict]:
    """The events; a last line that was cut off by a crash is left out."""
    for line in lines:
        if line.endswith("\n"):
            yield json.loads(line)


def acknowledgements(events: Iterable[dict]) -> Iterator[Acknowledgement]:
    for event in events:
        if event["event"] == "acknowledged":
            yield Acknowledgement(
                event["table"], Key(event["worker"], event["sequence"]), event["crc"], event["wall"],
            )


def parse_time(text: str) -> float:
    """Seconds since the epoch, from such a number or from ISO 8601 (UTC where it names no zone)."""
    try:
        return float(text)
    except ValueError:
        moment = datetime.datetime.fromisoformat(text)
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=datetime.UTC)
    return moment.timestamp()
