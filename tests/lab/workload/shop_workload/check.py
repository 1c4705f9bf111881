# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads both databases and says whether they hold what they must. The load has to be stopped."""

from __future__ import annotations

import dataclasses

import pg8000.exceptions

from . import database, verdict
from .database import Address
from .journal import Acknowledgement
from .rows import Key, checksum
from .verdict import Verdict


@dataclasses.dataclass(frozen=True)
class Contents:
    """The checksums of a table's readable rows, and what is damaged in its database."""

    rows: dict[Key, int]
    damage: tuple[str, ...]


def read(address: Address, patience: float) -> Contents:
    """Everything in one database. An error of the database while reading is damage."""
    rows: dict[Key, int] = {}
    damage: list[str] = []
    try:
        connection = database.connect_patiently(address, patience)
        for key, content, crc in database.read_rows(connection, address.table):
            rows[key] = crc
            if checksum(key, content) != crc:
                damage.append(f"row {key} has a wrong checksum")
        damage += database.damaged_heaps(connection)
        damage += database.damaged_indexes(connection)
        damage += database.checksum_failures(connection)
        connection.close()
    except pg8000.exceptions.DatabaseError as error:
        damage.append(error.args[0].get("M", str(error)))
    return Contents(rows, tuple(f"{address.table}: {text}" for text in damage))


@dataclasses.dataclass(frozen=True)
class Promise:
    """The journal, and the moment up to which it counts."""

    journal: tuple[Acknowledgement, ...]
    not_after: float


def check(orders: Address, payments: Address, promise: Promise | None, patience: float) -> dict:
    found = {address.table: read(address, patience) for address in (orders, payments)}
    intact = verdict.conclude({"signs of damage": [text for contents in found.values() for text in contents.damage]})
    causal = verdict.causal(set(found[orders.table].rows), set(found[payments.table].rows))
    verdicts = {"intact": intact, "causal": causal}
    if promise:
        rows = {table: contents.rows for table, contents in found.items()}
        verdicts["acknowledged"] = verdict.acknowledged(promise.journal, promise.not_after, rows)
    return report(verdicts, {table: len(contents.rows) for table, contents in found.items()})


def report(verdicts: dict[str, Verdict], rows: dict[str, int]) -> dict:
    """The answer as JSON: three plain answers first, then the reasons."""
    return {
        "ok": all(entry.holds for entry in verdicts.values()),
        "torn": not verdicts["intact"].holds,
        "causal": verdicts["causal"].holds,
        "acknowledged": verdicts["acknowledged"].holds if "acknowledged" in verdicts else None,
        "rows": rows,
        "messages": [message for entry in verdicts.values() for message in entry.messages],
        "offenders": {name: dict(entry.offenders) for name, entry in verdicts.items()},
    }
