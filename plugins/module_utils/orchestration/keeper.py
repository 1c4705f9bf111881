# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The keeper of a controller's part: a process beside the controller that renews its time and learns what other controllers do.

A part counts as long as it is renewed. So the keeper ends with the controller's process, whatever ends that, and then says that nobody works on the
part any more.
"""

from __future__ import annotations

import contextlib
import json
import os
import pathlib
import subprocess
import sys
import typing as t

from ..cloud.session import connect, own_options
from ..core.errors import CloudError, DrError, WaitTimeout
from ..core.text import told
from ..work.clock import SYSTEM_CLOCK, Clock
from ..work.processes import LIBRARY_PROCESS, start
from ..work.waiting import Patience, Waiter
from .controller import LEASE, Controller
from .local import LocalState
from .shelf import PartShelf

#: Seconds between two looks, and between two renewals: several may fail before a part no longer counts.
LOOK_SECONDS, RENEW_SECONDS = 3.0, LEASE / 4
_ANSWER_SECONDS = 60.0
#: Seconds for which the store may fail when the last word is to be written.
_PATIENCE_SECONDS = 600.0
_LOG = "keeper.log"
_COLLECTIONS = next(str(parent.parent) for parent in pathlib.Path(__file__).parents if parent.name == "ansible_collections")


def start_keeper(params: t.Mapping[str, t.Any], directory: str, controller: int) -> None:
    """Start the process.

    :param params: a module's, to reach the cloud and its catalogue; sent through a pipe, so that secrets are on neither the command line nor a disk.
    :param directory: of the controller's local state.
    :param controller: id of the process that it must not outlive.
    :raises DrError: when the process does not begin its work.
    """
    local = LocalState(directory)
    before = local.read().own.until
    log = pathlib.Path(directory, _LOG)
    catalogue = {name: params[name] for name in ("container", "hmac_key")}
    setup = {
        "path": [_COLLECTIONS, *sys.path],
        "module": __name__,
        "cloud": {**own_options(params), **catalogue},
        "directory": directory,
        "controller": controller,
        "started": _started(controller),
    }
    try:
        with log.open("wb") as errors:
            process = start([sys.executable, "-c", LIBRARY_PROCESS], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=errors)
        with t.cast("t.IO[bytes]", process.stdin) as pipe:
            pipe.write(json.dumps(setup).encode() + b"\n")
    except OSError as error:
        raise _not_started(str(error)) from error
    try:
        Waiter(_ANSWER_SECONDS, 0.1).until("the keeper", lambda: True if local.read().own.until != before else _gone(process, log))
    except WaitTimeout as error:
        process.kill()
        raise _not_started("it does not answer") from error


def _gone(process: subprocess.Popen[bytes], log: pathlib.Path) -> None:
    if process.poll() is not None:
        raise _not_started((log.read_text(encoding="utf-8", errors="replace").splitlines() or ["it has ended"])[-1])


def _not_started(reason: str) -> DrError:
    return DrError(f"The keeper of this controller's part of the run could not be started: {told(reason)}.")


def main(setup: t.Mapping[str, t.Any]) -> None:
    """What the process does."""
    local = LocalState(setup["directory"])
    cloud = connect(setup["cloud"])
    controller = Controller(lambda: PartShelf.of(cloud, setup["cloud"]), local, cloud.clock.now, {})
    try:
        keep(controller, lambda: _started(setup["controller"]) == setup["started"])
    finally:
        local.remove()


def keep(controller: Controller, lives: t.Callable[[], bool], clock: Clock = SYSTEM_CLOCK) -> None:
    """Renew the part until it is ended, or its controller is gone.

    :param lives: whether the controller's process is there.
    """
    due = clock.now()
    goes_on = True
    while goes_on and lives():
        # A store that fails for a while is asked again.
        with contextlib.suppress(CloudError):
            is_due = clock.now() >= due
            goes_on = controller.renew() if is_due else controller.refresh()
            due = clock.now() + RENEW_SECONDS if is_due else due
        clock.sleep(LOOK_SECONDS)
    if goes_on:
        Patience(_PATIENCE_SECONDS, clock).insist(controller.abandon)


def _started(process: int) -> str | None:
    """What tells a process from a later one of the same id: when it was started, where the machine tells; None when it is gone."""
    try:
        # After the name, which may contain anything.
        return pathlib.Path(f"/proc/{process}/stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()[19]
    except (OSError, IndexError):
        return _is_there(process)


def _is_there(process: int) -> str | None:
    try:
        os.kill(process, 0)
    except PermissionError:
        return "there"
    except OSError:
        return None
    return "there"
