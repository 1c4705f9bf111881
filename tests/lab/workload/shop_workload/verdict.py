# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What follows from the rows that were found: pure functions."""

from __future__ import annotations

import collections
import dataclasses
from collections.abc import Iterable, Mapping

from .journal import Acknowledgement
from .rows import Key

SHOWN = 10


@dataclasses.dataclass(frozen=True)
class Verdict:
    """Whether a property holds, and if not, which rows speak against it."""

    holds: bool
    messages: tuple[str, ...]
    offenders: Mapping[str, tuple[str, ...]]


def conclude(findings: Mapping[str, Iterable[Key | str]]) -> Verdict:
    """A property holds when nothing was found against it."""
    named = {what: tuple(str(row) for row in rows) for what, rows in findings.items()}
    offenders = {what: rows for what, rows in named.items() if rows}
    messages = tuple(f"{len(rows)} {what}: {abridged(rows)}" for what, rows in offenders.items())
    return Verdict(not messages, messages, offenders)


def abridged(names: tuple[str, ...]) -> str:
    rest = len(names) - SHOWN
    return ", ".join(names[:SHOWN]) + (f" and {rest} more" if rest > 0 else "")


def causal(orders: set[Key], payments: set[Key]) -> Verdict:
    """Judge the order in which every worker made its rows: order 1, payment 1, order 2, payment 2, ...

    So at any one instant every payment has its order, no number is left out, and only
    the last order of a worker can be without its payment.
    """
    return conclude({
        "payments without their order": sorted(payments - orders),
        "orders without their payment although later ones were placed": overtaken(orders, payments),
        "orders left out": left_out(orders),
        "payments left out": left_out(payments),
    })


def overtaken(orders: set[Key], payments: set[Key]) -> list[Key]:
    last = last_of_workers(orders)
    return sorted(key for key in orders - payments if key.sequence < last[key.worker])


def left_out(keys: set[Key]) -> list[Key]:
    return sorted(
        key
        for worker, last in last_of_workers(keys).items()
        for key in (Key(worker, sequence) for sequence in range(1, last))
        if key not in keys
    )


def last_of_workers(keys: Iterable[Key]) -> dict[int, int]:
    last: dict[int, int] = collections.defaultdict(int)
    for key in keys:
        last[key.worker] = max(last[key.worker], key.sequence)
    return last


def acknowledged(
    journal: Iterable[Acknowledgement], not_after: float, found: Mapping[str, Mapping[Key, int]]
) -> Verdict:
    """Judge whether everything that was acknowledged up to a moment is there, with the content it had."""
    promised = [entry for entry in journal if entry.acknowledged <= not_after]
    return conclude({
        "acknowledged rows missing": sorted(
            f"{entry.table} {entry.key}" for entry in promised if entry.key not in found[entry.table]
        ),
        "acknowledged rows with other content": sorted(
            f"{entry.table} {entry.key}"
            for entry in promised
            if found[entry.table].get(entry.key, entry.checksum) != entry.checksum
        ),
    })
