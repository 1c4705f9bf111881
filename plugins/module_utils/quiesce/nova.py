# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Freezing through the quiesce API of a Nova that the role nova_quiesce_api has given it."""

from __future__ import annotations

import contextlib
import dataclasses
import datetime
import re
import threading
import typing as t

from ..cloud.compute import Compute
from ..cloud.repeating import once
from ..core import leeway
from ..core.errors import CloudError, DrError, FreezeFailed, NotFound
from ..core.numbers import is_whole
from ..core.records import Server
from ..work.clock import SYSTEM_CLOCK, Clock
from ..work.waiting import Waiter
from .driver import FROZEN, THAWED, QuiesceDriver, Support, Thaw
from .mark import FreezeMark

#: Seconds that an answer may take beyond what the API itself waits for a guest agent.
_TRANSPORT_SECONDS = 5
_POLL_SECONDS = 0.5
#: States of a server in the API.
_NONE, _QUIESCING, _QUIESCED, _UNQUIESCING = "none", "quiescing", "quiesced", "unquiescing"
_STATES = (_NONE, _QUIESCING, _QUIESCED, _UNQUIESCING)
#: What the freeze hook writes to the console when the agent calls it: the seconds of its guard, and when that was.
_GUARD_LINE = re.compile(r"osdr-guard: (\d+) s at (\d+)")
_CONSOLE_LINES = 50
#: Seconds for which a line on the console counts as an answer to the probe, by whatever clock the guest has.
_FRESH_SECONDS = 120
#: How a freeze ended that did not hold until it was to be ended, by the API's word for it.
_INTERRUPTIONS = {
    "unquiesced": "its guest agent was not frozen any more when it was to be thawed",
    "expired": "Nova's guard had thawed it before, or its guest could not hold the freeze",
    "restarted": "it was restarted while it was frozen",
    "stopped": "it was switched off while it was frozen",
    "unknown": "Nova never froze it",
}


@dataclasses.dataclass(frozen=True)
class _Shown:
    """What the API says of a server.

    :param now: the API's clock, in which it counts all its times.
    :param token: of the freeze that there is.
    :param ended: the token of the latest one that has ended, how it did, and whether it had held until then.
    :param lets_image: whether it lets the holder of a freeze have an image made.
    """

    state: str
    now: datetime.datetime
    max_timeout: int
    token: str | None = None
    until: datetime.datetime | None = None
    ended: str | None = None
    outcome: str | None = None
    intact: bool = False
    lets_image: bool = False

    @classmethod
    def read(cls, content: t.Any) -> _Shown:
        """Read an answer of the API.

        :raises LookupError, TypeError, ValueError: when it is no answer of the API.
        """
        last = content.get("last") or {}
        seen = cls(
            state=content["state"],
            now=_moment(content["now"]),
            max_timeout=content["max_timeout"],
            token=content.get("token"),
            until=_moment(content["until"]) if "until" in content else None,
            ended=last.get("token"),
            outcome=last.get("outcome"),
            intact=last.get("intact") is True,
            lets_image=content.get("create_image") is True,
        )
        texts = (seen.token, seen.ended, seen.outcome)
        if seen.state not in _STATES or not is_whole(seen.max_timeout) or not all(isinstance(one, (str, type(None))) for one in texts):
            raise ValueError(f"{content!r}")
        return seen

    def thaw_of(self, token: str | None) -> Thaw | None:
        """The thaw of a freeze, where this says for certain that it has ended.

        :param token: of the freeze; None for whatever freeze there was.
        """
        if self.state != _NONE:
            is_another = token is not None and self.token not in (token, None)
            return Thaw(interrupted="it was thawed, and is frozen by somebody else now") if is_another else None
        if token is not None and self.ended != token:
            return None
        if self.ended is None:
            return Thaw(interrupted=_INTERRUPTIONS["unknown"])
        if self.outcome not in _INTERRUPTIONS:
            return None
        return Thaw(interrupted=None if self.outcome == "unquiesced" and self.intact else _INTERRUPTIONS[self.outcome])


@dataclasses.dataclass(frozen=True)
class _Armed:
    """What a freeze is asked for with.

    :param until: when Nova will thaw, by its own clock.
    :param deadline: the same by this process's clock, or earlier.
    """

    token: str
    until: datetime.datetime
    deadline: float


class NovaDriver(QuiesceDriver):
    """Asks Nova, which is the guard too: it thaws by itself at the moment that it was given with the freeze.

    Nova knows each freeze by the token of the server's mark, so that one is never taken for another.

    :param compute: whose credentials the policies os_compute_api:os-quiesce allow to do so.
    :param guard_timeout: seconds for which a server will be frozen at most.
    :param thaw_timeout: seconds that a thaw may take.
    """

    name = "nova"

    def __init__(self, compute: Compute, guard_timeout: int, thaw_timeout: int, clock: Clock = SYSTEM_CLOCK) -> None:
        self._compute = compute
        self._guard_timeout = guard_timeout
        self._thaw_timeout = thaw_timeout
        self._clock = clock
        self._armed: dict[str, _Armed] = {}
        self._fired: dict[str, bool] = {}
        self._lock = threading.Lock()

    def probe(self, server: Server) -> Support:
        try:
            found = self._look(server)
        except NotFound:
            return Support(
                f"Site '{self._compute.cloud.site}' has no quiesce API; its operator can install it with the role "
                "osdr.openstack.nova_quiesce_api."
            )
        except DrError as error:
            return Support(f"Server {server.label} cannot be frozen: {error}")
        return self._judge(server, found)

    def _judge(self, server: Server, found: _Shown) -> Support:
        if found.state in (_QUIESCING, _QUIESCED):
            return Support(state=FROZEN, guard="nova")
        if found.state != _NONE:
            return Support(
                f"Server {server.label} is still being thawed by Nova, since its guest agent did not answer in time. "
                "Find out why it does not, or wait.",
                state=FROZEN,
            )
        if found.max_timeout < self._guard_timeout:
            return Support(
                f"Site '{self._compute.cloud.site}' limits a freeze to {found.max_timeout} s ([quiesce] max_timeout); "
                f"lower guard_timeout ({self._guard_timeout} s) and budget."
            )
        probe, asked = {"probe": True, "timeout": self._thaw_timeout}, self._clock.now()
        try:
            self._act(server, "quiesce", probe, self._thaw_timeout + _TRANSPORT_SECONDS)
        except DrError as error:
            return Support(f"Server {server.label} cannot be frozen: {error}")
        answer = self._clock.now() - asked
        return Support(
            state=THAWED,
            longest=found.max_timeout,
            answer=answer,
            guard="nova, guest" if self._has_guest_guard(server) else "nova",
            image_problem=None if found.lets_image else self._too_old(server),
        )

    def _too_old(self, server: Server) -> str:
        return (
            f"Server {server.label} boots from an image, and the quiesce API of site '{self._compute.cloud.site}' is too old to let Nova make an image of "
            "a frozen server; install it again with the role osdr.openstack.nova_quiesce_api."
        )

    def _has_guest_guard(self, server: Server) -> bool:
        """Whether a freeze hook with its own guard answered the probe; False when the console does not show one."""
        try:
            lines = _GUARD_LINE.findall(str(self._compute.console_tail(server.id, _CONSOLE_LINES)))
        except DrError:
            return False
        now = self._clock.wall().timestamp()
        return any(int(seconds) > 0 and abs(now - int(at)) < _FRESH_SECONDS for seconds, at in lines[-1:])

    def arm_guard(self, server: Server, seconds: int) -> None:
        """Agree with Nova on the moment at which it thaws.

        It is counted from what Nova's clock shows now, so it does not matter what this machine's clock shows, nor how
        long the request for the freeze is under way.
        """
        mark = t.cast(FreezeMark, FreezeMark.of(server))
        asked = self._clock.now()
        found = self._look(server)
        with _understanding(server):
            until = found.now + datetime.timedelta(seconds=seconds)
        with self._lock:
            self._armed[server.id] = _Armed(mark.token, until, asked + seconds)

    def freeze(self, server: Server, seconds: float) -> int | None:
        armed = self._armed[server.id]
        if armed.deadline - self._clock.now() < 1:
            raise FreezeFailed(f"Server {server.label} was not frozen: its guard's time was over before.")
        wish, deadline = {"until": armed.until.isoformat(), "token": armed.token}, self._clock.now() + seconds
        with leeway.limited(seconds):
            found = once(lambda: self._act(server, "quiesce", wish, deadline - self._clock.now()), lambda: self._frozen(server, armed.token))
        if (found.state, found.token, found.until) != (_QUIESCED, armed.token, armed.until):
            raise FreezeFailed(
                f"Nova did not freeze server {server.label} as it was asked to: it is {found.state} until {found.until}, "
                f"not {_QUIESCED} until {armed.until}.",
                "If it will be thawed too soon, the clocks of the site's API hosts differ, or [quiesce] max_timeout leaves no room above guard_timeout.",
            )
        return None

    def _frozen(self, server: Server, token: str) -> _Shown | None:
        """What became of a freeze that Nova did not answer for; None when it knows nothing of it. It carries none out that has ended."""
        found = self._look(server)
        return found if token in (found.token, found.ended) else None

    def thaw(self, server: Server) -> Thaw:
        token = self._token(server)
        thaw = self._ask_to_thaw(server, token)
        if thaw is None:
            waiter = Waiter(self._thaw_timeout, _POLL_SECONDS, self._clock)
            thaw = waiter.until(f"the thaw of server {server.label}", lambda: self._await_thaw(server, token))
        with self._lock:
            self._fired[server.id] = thaw.interrupted == _INTERRUPTIONS["expired"]
        return thaw

    def thaw_problem(self, server: Server) -> str | None:
        try:
            self._look(server)
        except DrError as error:
            return str(error)
        return None

    def _token(self, server: Server) -> str | None:
        """The token of the freeze to end: this process armed it, or the server is marked with it."""
        armed, mark = self._armed.get(server.id), FreezeMark.of(server)
        return armed.token if armed else (mark.token or None) if mark else None

    def _ask_to_thaw(self, server: Server, token: str | None) -> Thaw | None:
        """Ask Nova to thaw.

        :returns: None when it is refused, or not over yet.
        """
        which = {"token": token} if token else None
        try:
            return self._act(server, "unquiesce", which, self._thaw_timeout + _TRANSPORT_SECONDS).thaw_of(token)
        except CloudError as error:
            # It is not frozen, by somebody else, or Nova is at work on it: what is true of it is asked for.
            if error.http_status != 409:
                raise
            return None

    def _await_thaw(self, server: Server, token: str | None) -> Thaw | None:
        found = self._look(server)
        thaw = found.thaw_of(token)
        # What Nova is at work on need not be asked for again.
        return self._ask_to_thaw(server, token) if thaw is None and found.state in (_NONE, _QUIESCED) else thaw

    def disarm_guard(self, server: Server) -> bool:
        with self._lock:
            self._armed.pop(server.id, None)
            return self._fired.pop(server.id, False)

    def _look(self, server: Server) -> _Shown:
        with _understanding(server):
            return _Shown.read(self._compute.quiesce_state(server.id))

    def _act(self, server: Server, action: str, arguments: t.Any, seconds: float) -> _Shown:
        with _understanding(server):
            return _Shown.read(self._compute.quiesce_action(server.id, action, arguments, seconds))


@contextlib.contextmanager
def _understanding(server: Server) -> t.Iterator[None]:
    """No answer is trusted to have a shape: a proxy may have given it, or an API of another version."""
    try:
        yield
    except (AttributeError, LookupError, TypeError, ValueError, OverflowError) as error:
        raise FreezeFailed(
            f"The quiesce API's answer about server {server.label} makes no sense ({error!r}).",
            "Check what answers at the compute endpoint, and reinstall the API with the role osdr.openstack.nova_quiesce_api.",
        ) from error


def _moment(text: t.Any) -> datetime.datetime:
    """Read a time.

    :raises TypeError, ValueError: when it is no time with its zone.
    """
    moment = datetime.datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError(f"{text!r} has no time zone")
    return moment
