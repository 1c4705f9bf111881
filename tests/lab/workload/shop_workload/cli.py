# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The command line."""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import pathlib
import signal
import sys
import threading
from collections.abc import Iterator

from . import background
from .check import Promise, check
from .database import Address, Unreachable
from .journal import acknowledgements, parse_time, read_events
from .load import Plan, load, reset

INCONSISTENT = 1
FAILED = 2


def main(arguments: list[str] | None = None) -> int:
    options = parser().parse_args(arguments)
    try:
        return options.run(options)
    except (Unreachable, background.Failed) as error:
        print(error, file=sys.stderr)
        return FAILED


def parser() -> argparse.ArgumentParser:
    top = argparse.ArgumentParser(prog="workload", description="Load and checker of the application shop.")
    commands = top.add_subparsers(required=True, metavar="COMMAND")
    add_load(commands)
    add_stop(commands)
    add_reset(commands)
    add_check(commands)
    return top


def add_load(commands) -> None:
    command = commands.add_parser("load", help="keep writing in causal order until SIGTERM; prints counters")
    add_addresses(command)
    command.add_argument("--journal", type=pathlib.Path, required=True, help="JSON lines: what was acknowledged when")
    command.add_argument("--workers", type=int, default=4, help="chains of orders and payments (%(default)s)")
    command.add_argument("--rate", type=float, default=20, help="orders per second of all workers (%(default)s)")
    command.add_argument("--seed", type=int, default=1, help="decides the content of the rows (%(default)s)")
    command.add_argument("--pid-file", type=pathlib.Path, help="where the process writes its id")
    command.add_argument(
        "--detach", action="store_true", help="return when the load is writing; needs --pid-file, logs beside it"
    )
    command.set_defaults(run=run_load)


def add_stop(commands) -> None:
    command = commands.add_parser("stop", help="stop a load that was started with --pid-file")
    command.add_argument("--pid-file", type=pathlib.Path, required=True)
    command.set_defaults(run=run_stop)


def add_reset(commands) -> None:
    command = commands.add_parser("reset", help="remove the rows of earlier loads and their journal; the load has to be stopped")
    add_addresses(command)
    command.add_argument("--journal", type=pathlib.Path, required=True)
    command.set_defaults(run=run_reset)


def add_check(commands) -> None:
    command = commands.add_parser("check", help="say what the databases hold; 0: all is well, 1: inconsistent, 2: not checked")
    add_addresses(command)
    command.add_argument("--journal", type=pathlib.Path, help="the load's journal")
    command.add_argument(
        "--not-after", type=parse_time, help="start of the freeze (ISO 8601 or seconds): what was acknowledged before it must be there"
    )
    command.set_defaults(run=run_check)


def add_addresses(command: argparse.ArgumentParser) -> None:
    command.add_argument("--orders", required=True, metavar="HOST[:PORT]", help="database of the orders")
    command.add_argument("--payments", required=True, metavar="HOST[:PORT]", help="database of the payments")
    command.add_argument("--patience", type=float, default=600, help="seconds to wait for a database that does not answer (%(default)s)")


def addresses(options: argparse.Namespace) -> tuple[Address, Address]:
    return Address.parse("orders", options.orders), Address.parse("payments", options.payments)


def run_load(options: argparse.Namespace) -> int:
    if options.detach:
        return start_detached(options)
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda _number, _frame: stop.set())
    plan = Plan(*addresses(options), options.journal, options.workers, options.rate, options.seed)
    with pid_written(options.pid_file):
        answer(load(plan, stop, options.patience))
    return 0


def start_detached(options: argparse.Namespace) -> int:
    if not options.pid_file:
        raise background.Failed("--detach needs --pid-file")
    command = [argument for argument in sys.argv if argument != "--detach"]
    answer({"started": background.start(command, options.pid_file, options.journal, options.patience)})
    return 0


@contextlib.contextmanager
def pid_written(path: pathlib.Path | None) -> Iterator[None]:
    if path:
        path.write_text(f"{os.getpid()}\n", encoding="utf-8")
    try:
        yield
    finally:
        if path:
            path.unlink(missing_ok=True)


def run_stop(options: argparse.Namespace) -> int:
    answer({"stopped": background.stop(options.pid_file)})
    return 0


def run_reset(options: argparse.Namespace) -> int:
    reset(addresses(options), options.journal, options.patience)
    return 0


def run_check(options: argparse.Namespace) -> int:
    if (options.journal is None) != (options.not_after is None):
        raise background.Failed("--journal and --not-after go together")
    promise = None
    if options.journal:
        with options.journal.open(encoding="utf-8") as stream:
            promise = Promise(tuple(acknowledgements(read_events(stream))), options.not_after)
    found = check(*addresses(options), promise, options.patience)
    answer(found)
    for message in found["messages"]:
        print(message, file=sys.stderr)
    return 0 if found["ok"] else INCONSISTENT


def answer(content: dict) -> None:
    print(json.dumps(content, indent=2))
