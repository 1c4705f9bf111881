# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Starting programs."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import signal
import subprocess
import tempfile
import typing as t

Stream: t.TypeAlias = "int | t.IO[bytes] | None"

#: What a Python runs with ``-c`` that is to run a module of this library: it is told by a line of JSON which one, and where the library is.
LIBRARY_PROCESS = """
import importlib, json, sys
setup = json.loads(sys.stdin.readline())
sys.path[:0] = setup["path"]
importlib.import_module(setup["module"]).main(setup)
"""


def start(
    command: t.Sequence[str], *, stdin: Stream = None, stdout: Stream = None, stderr: Stream = None, env: t.Mapping[str, str] | None = None
) -> subprocess.Popen[bytes]:
    """Start a program without a shell, in a session of its own: what ends the module's does not reach it, and it can be ended with all that it starts.

    Modules usually start programs by ``AnsibleModule.run_command``. That waits for their end, however long it takes, and keeps all that they say in
    memory: it is for neither a program whose time is limited nor one that is to outlive the module.

    :raises OSError: when there is no such program, or the machine has no room for it.
    :raises ValueError: when an argument cannot be one.
    """
    return subprocess.Popen(  # pylint: disable=ansible-bad-function
        list(command), stdin=stdin, stdout=stdout, stderr=stderr, env=env, start_new_session=True
    )


def ended(process: subprocess.Popen[bytes], seconds: float) -> int | None:
    """The exit status of a program; None when it had to be killed, with all that it had started."""
    try:
        return process.wait(timeout=seconds)
    except subprocess.TimeoutExpired:
        # Processes that changed their user cannot be killed.
        with contextlib.suppress(PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
    return None


@dataclasses.dataclass(frozen=True)
class Answer:
    """What became of a program.

    :param status: None when its time was over, and it was killed.
    """

    status: int | None
    output: bytes
    complaint: bytes


def answer_of(command: t.Sequence[str], seconds: float) -> Answer:
    """Run a program to its end.

    :raises OSError: when it cannot be started.
    """
    with tempfile.TemporaryFile() as output, tempfile.TemporaryFile() as complaint:
        process = start(command, stdin=subprocess.DEVNULL, stdout=output, stderr=complaint)
        try:
            status = ended(process, seconds)
        except BaseException:
            # An interruption: nobody is there to wait for it.
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            raise
        return Answer(status, _all_of(output), _all_of(complaint))


def _all_of(file: t.IO[bytes]) -> bytes:
    file.seek(0)
    return file.read()
