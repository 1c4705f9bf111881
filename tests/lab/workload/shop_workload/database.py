# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The two databases, reached with a pure Python client."""

from __future__ import annotations

import dataclasses
import socket
import time
from collections.abc import Iterator

import pg8000.exceptions
import pg8000.native

from .rows import Key, checksum

DEFAULT_PORT = 5432
PAGE = 1000
# A frozen guest keeps its connections and its commits just take longer; a paused one answers again
# after some seconds. Only a peer that has been silent for this long counts as gone.
PEER_GONE_AFTER = 30
CONNECT_TIMEOUT = 5
STARTING_UP = "57P03"

LOST = (OSError, pg8000.exceptions.InterfaceError, pg8000.exceptions.DatabaseError)


class Unreachable(Exception):
    """Nothing answers at the address."""


@dataclasses.dataclass(frozen=True)
class Address:
    """Where one table's database listens."""

    table: str
    host: str
    port: int

    @classmethod
    def parse(cls, table: str, text: str) -> Address:
        host, separator, port = text.rpartition(":")
        return cls(table, host, int(port)) if separator else cls(table, text, DEFAULT_PORT)

    def __str__(self) -> str:
        return f"{self.host}:{self.port}"


def connect(address: Address) -> pg8000.native.Connection:
    stream = socket.create_connection((address.host, address.port), timeout=CONNECT_TIMEOUT)
    connection = pg8000.native.Connection("postgres", database="shop", sock=stream)
    stream.settimeout(None)
    stream.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    stream.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, 5)
    stream.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, 5)
    stream.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, PEER_GONE_AFTER * 1000)
    return connection


def connect_patiently(address: Address, patience: float) -> pg8000.native.Connection:
    """Connect; a database that does not answer or is still starting is asked again."""
    deadline = time.monotonic() + patience
    while True:
        try:
            return connect(address)
        except (OSError, pg8000.exceptions.InterfaceError) as error:
            reason: Exception = error
        except pg8000.exceptions.DatabaseError as error:
            if error.args[0].get("C") != STARTING_UP:
                raise
            reason = error
        if time.monotonic() > deadline:
            raise Unreachable(
                f"the database of {address.table} at {address} did not answer within {patience:g} s: {reason}"
            ) from reason
        time.sleep(0.5)


def create_table(connection: pg8000.native.Connection, table: str) -> None:
    connection.run(
        f"CREATE TABLE IF NOT EXISTS {table} (worker integer, sequence bigint, payload bytea NOT NULL,"
        " crc bigint NOT NULL, made timestamptz NOT NULL DEFAULT now(), PRIMARY KEY (worker, sequence))"
    )


def drop_table(connection: pg8000.native.Connection, table: str) -> None:
    connection.run(f"DROP TABLE IF EXISTS {table}")


def insert(connection: pg8000.native.Connection, table: str, key: Key, content: bytes) -> None:
    """Insert and commit; a row that is there already, from an attempt whose outcome was unknown, is kept."""
    connection.run(
        f"INSERT INTO {table} (worker, sequence, payload, crc) VALUES (:worker, :sequence, :payload, :crc)"
        " ON CONFLICT DO NOTHING",
        worker=key.worker, sequence=key.sequence, payload=content, crc=checksum(key, content),
    )


def last_sequence(connection: pg8000.native.Connection, table: str, worker: int) -> int:
    found = connection.run(f"SELECT coalesce(max(sequence), 0) FROM {table} WHERE worker = :worker", worker=worker)
    return found[0][0]


def read_rows(connection: pg8000.native.Connection, table: str) -> Iterator[tuple[Key, bytes, int]]:
    """Every row, a page at a time."""
    position = [-1, 0]
    while True:
        page = connection.run(
            f"SELECT worker, sequence, payload, crc FROM {table} WHERE (worker, sequence) > (:worker, :sequence)"
            " ORDER BY worker, sequence LIMIT :page",
            worker=position[0], sequence=position[1], page=PAGE,
        )
        for worker, sequence, content, crc in page:
            yield Key(worker, sequence), content, crc
        if len(page) < PAGE:
            return
        position = page[-1][:2]


def damaged_heaps(connection: pg8000.native.Connection) -> list[str]:
    """What amcheck says against the database's tables."""
    found = connection.run(
        "SELECT c.oid::regclass::text, v.blkno, v.msg FROM pg_class c, LATERAL verify_heapam(c.oid) v"
        " WHERE c.relkind IN ('r', 'm', 't') AND c.relpersistence = 'p'"
    )
    return [f"{name} block {block}: {message}" for name, block, message in found]


def damaged_indexes(connection: pg8000.native.Connection) -> list[str]:
    """What amcheck says against the B-tree indexes, one by one: it stops at the first error in each."""
    names = connection.run(
        "SELECT c.oid::regclass::text FROM pg_class c JOIN pg_index i ON i.indexrelid = c.oid"
        " JOIN pg_am a ON a.oid = c.relam WHERE a.amname = 'btree' AND i.indisvalid AND c.relpersistence = 'p'"
    )
    damaged = []
    for (name,) in names:
        try:
            connection.run("SELECT bt_index_check(CAST(:name AS regclass), true)", name=name)
        except pg8000.exceptions.DatabaseError as error:
            damaged.append(f"{name}: {error.args[0].get('M')}")
    return damaged


def checksum_failures(connection: pg8000.native.Connection) -> list[str]:
    if connection.run("SHOW data_checksums")[0][0] != "on":
        return ["the database was made without data checksums"]
    found = connection.run(
        "SELECT coalesce(datname, 'shared tables'), checksum_failures FROM pg_stat_database WHERE checksum_failures > 0"
    )
    return [f"{count} data checksum failures in {name}" for name, count in found]
