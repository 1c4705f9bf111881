# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Fence an application's servers, or release them, and describe the result."""

from __future__ import annotations

import dataclasses
import typing as t

from ..cloud.compute import Compute
from ..cloud.network import Networking
from ..core.errors import CheckFailed, InvalidInput
from ..core.records import Server
from . import fencing
from .fence_mark import FenceMark
from .fencing import FenceStep, Fencing, Members, ReleaseStep

Result = dict[str, t.Any]


@dataclasses.dataclass(frozen=True)
class FenceJob:
    """One run that fences or releases the servers of an application.

    :param compute: sees the servers, in their project.
    :param by_admin: whether the lock is an administrator's.
    :param check_mode: whether to change nothing.
    """

    members: Members
    fencing: Fencing
    compute: Compute
    network: Networking
    by_admin: bool
    check_mode: bool

    @property
    def _where(self) -> str:
        return f"Application '{self.members.application.name}' at site '{self.members.site}'"

    def fence(self, mark: FenceMark, keep_going: bool, warn: t.Callable[[str], None]) -> Result:
        """Fence the servers, and describe them.

        :param keep_going: fence every server that can be fenced, even when others cannot.
        :param warn: called with each server that cannot be fenced then.
        """
        if mark.site == self.members.site:
            raise InvalidInput(f"Application '{mark.application}' runs at site '{mark.site}' according to runs_at, so it must not be fenced there.")
        steps = fencing.plan_fence(self.members, mark, self.by_admin)
        problems = fencing.fence_problems(steps)
        if keep_going:
            for problem in problems:
                warn(problem)
        else:
            self._refuse("fenced", problems)
        if not self.check_mode:
            (self.fencing.fence_all if keep_going else self.fencing.fence)(steps, self.by_admin)
        after = {step.server.name: step.mark.lock_reason(self.by_admin) if step.changes else _shown(step.server) for step in steps}
        return self._result(steps, after)

    def release(self, start: bool) -> Result:
        """Release the servers, and describe them.

        :param start: whether to start them.
        """
        steps = fencing.plan_release(self.members, start)
        self._refuse("released", fencing.release_problems(steps, self.by_admin))
        if not self.check_mode:
            starting = [step.server for step in steps if step.starts]
            self.fencing.release(steps, fencing.addresses(self.network, starting) if starting else {}, self.compute)
        return self._result(steps, {step.server.name: _released(step) for step in steps})

    def _refuse(self, what: str, problems: t.Sequence[str]) -> None:
        if problems:
            raise CheckFailed(f"{self._where} cannot be {what}", problems)

    def _result(self, steps: t.Sequence[FenceStep] | t.Sequence[ReleaseStep], after: t.Mapping[str, str]) -> Result:
        before = {step.server.name: _shown(step.server) for step in steps}
        now = {one.id: one for one in self.compute.servers()}
        described = [_described(now.get(step.server.id, step.server)) for step in steps]
        return {
            "changed": any(step.changes for step in steps),
            "fence": {"servers": described, "absent": self.members.absent},
            "diff": {"before": before, "after": dict(after)},
        }


def _released(step: ReleaseStep) -> str:
    if step.starts:
        return "released, ACTIVE"
    return "released" if step.changes else _shown(step.server)


def _shown(server: Server) -> str:
    return server.locked_reason if fencing.is_fenced(server) else server.status


def _described(server: Server) -> dict[str, t.Any]:
    return {
        "id": server.id,
        "name": server.name,
        "status": server.status,
        "locked": server.locked,
        "locked_reason": server.locked_reason,
        "fenced": fencing.is_fenced(server),
    }
