# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Keeps writing in causal order, through freezes and lost connections."""

from __future__ import annotations

import dataclasses
import pathlib
import threading
import time

import pg8000.native

from . import database
from .database import Address
from .journal import Journal
from .rows import Key, checksum, payload

RECONNECT_INTERVAL = 0.5
# How long a worker may take to finish its step when the load is stopped.
GRACE = 5


@dataclasses.dataclass(frozen=True)
class Plan:
    """What is written where, and how fast (steps per second, of all workers together)."""

    orders: Address
    payments: Address
    journal: pathlib.Path
    workers: int
    rate: float
    seed: int


class Counters:
    """What all workers did together."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.orders = 0
        self.payments = 0
        self.lost_connections = 0
        self.longest_wait = 0.0

    def acknowledged(self, table: str, waited: float) -> None:
        with self._lock:
            setattr(self, table, getattr(self, table) + 1)
            self.longest_wait = max(self.longest_wait, waited)

    def lost(self) -> None:
        with self._lock:
            self.lost_connections += 1

    def as_dict(self) -> dict:
        return {
            "orders": self.orders,
            "payments": self.payments,
            "lost_connections": self.lost_connections,
            "longest_wait": round(self.longest_wait, 3),
        }


class Stopped(Exception):
    """The load is to end."""


class Worker(threading.Thread):
    """One chain of orders and payments. A worker that is still blocked when the load ends dies with it."""

    def __init__(self, number: int, plan: Plan, journal: Journal, counters: Counters, stop: threading.Event) -> None:
        super().__init__(name=f"worker-{number}", daemon=True)
        self._number = number
        self._plan = plan
        self._journal = journal
        self._counters = counters
        self._stop_asked = stop
        self._connections: dict[Address, pg8000.native.Connection] = {}

    def run(self) -> None:
        try:
            sequence = self._first_sequence()
            due = time.monotonic()
            while True:
                key = Key(self._number, sequence)
                self._commit(self._plan.orders, key)
                self._commit(self._plan.payments, key)
                sequence += 1
                due = max(due + self._plan.workers / self._plan.rate, time.monotonic())
                self._pause(due - time.monotonic())
        except Stopped:
            pass

    def _first_sequence(self) -> int:
        """The last order of an earlier load is taken up again: it may still lack its payment."""
        while True:
            try:
                connection = self._connection(self._plan.orders)
                return max(1, database.last_sequence(connection, self._plan.orders.table, self._number))
            except database.LOST as error:
                self._lost(self._plan.orders, error)

    def _commit(self, address: Address, key: Key) -> None:
        """Insert until it is acknowledged."""
        content = payload(self._plan.seed, address.table, key)
        started = time.monotonic()
        while True:
            try:
                database.insert(self._connection(address), address.table, key, content)
                break
            except database.LOST as error:
                self._lost(address, error)
        waited = time.monotonic() - started
        self._journal.acknowledge(address.table, key, checksum(key, content), waited)
        self._counters.acknowledged(address.table, waited)

    def _connection(self, address: Address) -> pg8000.native.Connection:
        if address not in self._connections:
            self._connections[address] = database.connect(address)
        return self._connections[address]

    def _lost(self, address: Address, error: Exception) -> None:
        if self._connections.pop(address, None):
            self._counters.lost()
            self._journal.write("lost", table=address.table, worker=self._number, reason=str(error))
        self._pause(RECONNECT_INTERVAL)

    def _pause(self, seconds: float) -> None:
        if self._stop_asked.wait(max(0.0, seconds)):
            raise Stopped


def load(plan: Plan, stop: threading.Event, patience: float) -> dict:
    """Write until told to stop; returns the counters."""
    for address in (plan.orders, plan.payments):
        connection = database.connect_patiently(address, patience)
        database.create_table(connection, address.table)
        connection.close()
    journal = Journal(plan.journal)
    counters = Counters()
    journal.write("start", workers=plan.workers, rate=plan.rate, seed=plan.seed)
    workers = [Worker(number, plan, journal, counters, stop) for number in range(1, plan.workers + 1)]
    for worker in workers:
        worker.start()
    stop.wait()
    deadline = time.monotonic() + GRACE
    for worker in workers:
        worker.join(max(0.0, deadline - time.monotonic()))
    journal.write("stop", **counters.as_dict())
    return counters.as_dict()


def reset(addresses: tuple[Address, Address], journal: pathlib.Path, patience: float) -> None:
    """Forget the rows of earlier loads and the journal that promised them."""
    for address in addresses:
        connection = database.connect_patiently(address, patience)
        database.drop_table(connection, address.table)
        connection.close()
    journal.unlink(missing_ok=True)
