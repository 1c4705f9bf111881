# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Requests that may be repeated are repeated, whichever service they are for.

keystoneauth can repeat requests by itself, but whatever they do: a server is built twice when the answer to the first request is
lost, which the SDK risks for every request, once. It waits for as long as a service says, knows no dates there, and no deadline. So
its repeating is switched off, and this session's takes its place: for logging in, the discovery of versions and all services.
"""

from __future__ import annotations

import contextlib
import contextvars
import dataclasses
import functools
import typing as t

from ..core import leeway
from ..core.errors import TOO_MANY, NoAnswer
from ..core.libraries import library

Value = t.TypeVar("Value")

#: With these a service, or what stands before it, says that the same request may succeed later. 529 is Swift's for storage that is too busy.
PASSING = TOO_MANY | {408, 502, 503, 504, 529}
#: Seconds within which somebody takes a connection, also over slow links: behind an address that nobody has, the operating system tries for minutes.
_CONNECT_SECONDS = 10
#: Seconds without a byte of an answer after which there will be none: the other end was lost, and nobody says so.
_SILENCE_SECONDS = 300
#: Methods that change nothing.
_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
#: Methods that change nothing more when they are repeated, in most of the calls of OpenStack's APIs.
_IDEMPOTENT = _SAFE | {"PUT", "DELETE"}

#: What callers say of their requests; None when they leave it to the method.
_REPEATS: contextvars.ContextVar[bool | None] = contextvars.ContextVar("repeats", default=None)


@contextlib.contextmanager
def repeats(may_repeat: bool) -> t.Iterator[None]:
    """Say whether the requests inside may be repeated although it is unknown whether they were carried out."""
    token = _REPEATS.set(may_repeat)
    try:
        yield
    finally:
        _REPEATS.reset(token)


def once(act: t.Callable[[], Value], find: t.Callable[[], Value | None]) -> Value:
    """Do what must not be done twice: whenever it is unknown whether it was done, look before doing it again.

    :param act: raises :class:`~..core.errors.NoAnswer` when that is unknown.
    :param find: what was done, as the site shows it; None when it was not.
    :raises NoAnswer: when the site has given no answer in time.
    """
    with leeway.patient():
        tries = leeway.Tries()
        while True:
            try:
                with repeats(False):
                    return act()
            except NoAnswer:
                if not tries.wait():
                    raise
            found = find()
            if found is not None:
                return found


@dataclasses.dataclass(frozen=True)
class _Allowance:
    """What may be repeated of one request.

    :param can: whether it can be sent again at all; not when its content comes from a stream.
    :param is_harmless: whether it can be sent again although the first one may have been carried out.
    """

    can: bool
    is_harmless: bool

    @classmethod
    def of(cls, method: str, options: t.Mapping[str, t.Any]) -> _Allowance:
        # Without a token only tokens are asked for.
        is_safe = method in _SAFE or options.get("authenticated") is False
        wish = _REPEATS.get()
        is_harmless = is_safe or (method in _IDEMPOTENT if wish is None else wish)
        return cls(isinstance(options.get("data"), (bytes, str, type(None))), is_harmless)

    def allows_after_answer(self, status: int) -> bool:
        # Whoever was too quick was not served.
        return self.can and status in PASSING and (self.is_harmless or status in TOO_MANY)

    def allows_after_failure(self, error: Exception) -> bool:
        return self.can and ((self.is_harmless and _may_pass(error)) or _was_not_sent(error))


def _may_pass(error: Exception) -> bool:
    """Whether a link was not there, or broke, at whatever moment."""
    exceptions = library("keystoneauth1.exceptions", "keystoneauth1")
    broken = library("requests.exceptions", "requests").ChunkedEncodingError
    is_broken = isinstance(error, exceptions.UnknownConnectionError) and isinstance(error.original, broken)
    return isinstance(error, exceptions.RetriableConnectionFailure) or is_broken


def _was_not_sent(error: Exception) -> bool:
    """Whether there was no connection by which a request could have been sent."""
    requests, urllib3 = library("requests.exceptions", "requests"), library("urllib3.exceptions", "urllib3")
    cause = error.__context__
    reason = getattr(cause.args[0], "reason", None) if cause and cause.args else None
    return isinstance(cause, requests.ConnectTimeout) or isinstance(reason, urllib3.NewConnectionError)


@dataclasses.dataclass(frozen=True)
class Knobs:
    """What an operator has set in clouds.yaml, for one service or for all; None for what is not set.

    :param connects: how often a request is repeated whose connection failed.
    :param connect_pause: seconds between two of these.
    """

    connects: int | None
    connect_pause: float | None

    @classmethod
    def of(cls, region: t.Any, service_type: str | None) -> Knobs:
        """Read them from the SDK's configuration: it keeps these from the requests, to which it gives a value of its own."""
        return cls(region.get_connect_retries(service_type), region.get_connect_retry_delay(service_type))


@functools.cache
def session_class() -> t.Any:
    """keystoneauth's session, with another way to repeat requests."""
    session = library("keystoneauth1.session", "keystoneauth1")
    exceptions = library("keystoneauth1.exceptions", "keystoneauth1")

    class RepeatingSession(session.Session):  # type: ignore[name-defined]
        """A session of one cloud.

        :param region: the SDK's configuration of the cloud.
        """

        def __init__(self, *, region: t.Any, **options: t.Any) -> None:
            super().__init__(**options)
            self._region = region

        def request(self, url: str, method: str, **options: t.Any) -> t.Any:
            """Send a request, again and again while that is allowed and there is time for it."""
            raises = options.pop("raise_exc", True)
            allowance = _Allowance.of(method, options)
            answers = leeway.Tries(options.pop("status_code_retries", None), options.pop("status_code_retry_delay", None))
            connects = self._tries_to_connect(options)
            options["timeout"] = _timeout(options.get("timeout") or self.timeout)
            send = functools.partial(super().request, url, method, raise_exc=False, connect_retries=0, status_code_retries=0)
            while True:
                try:
                    response = send(**options)
                except exceptions.ConnectionError as error:
                    if not (allowance.allows_after_failure(error) and connects.wait()):
                        raise
                    continue
                status = response.status_code
                if allowance.allows_after_answer(status) and answers.wait(_told(response), status in TOO_MANY):
                    response.close()
                    continue
                _note(status)
                if raises and status >= 400:
                    raise exceptions.from_response(response, method, url)
                return response

        def _tries_to_connect(self, options: dict[str, t.Any]) -> leeway.Tries:
            """Take the SDK's and keystoneauth's own ways to repeat out of a request's options."""
            for name in ("connect_retries", "connect_retry_delay", "retriable_status_codes"):
                options.pop(name, None)
            knobs = Knobs.of(self._region, (options.get("endpoint_filter") or {}).get("service_type"))
            return leeway.Tries(knobs.connects, knobs.connect_pause)

    return RepeatingSession


def _note(status: int) -> None:
    """Note what a service has answered, for the patience with it."""
    if status not in PASSING:
        leeway.succeed()


def _timeout(seconds: float | None) -> tuple[float, float]:
    """How long a connection and then an answer may take.

    :param seconds: what the caller allows for either, or the operator (api_timeout in clouds.yaml); None when nobody says.
    """
    return (_CONNECT_SECONDS, _SILENCE_SECONDS) if seconds is None else (min(_CONNECT_SECONDS, seconds), seconds)


def _told(response: t.Any) -> float | None:
    """For how many seconds a service asks to be left alone, given as a number or as a date; None when it does not, or nobody understands it."""
    retry, exceptions = library("urllib3.util.retry", "urllib3"), library("urllib3.exceptions", "urllib3")
    try:
        return retry.Retry().parse_retry_after(response.headers["Retry-After"])
    except (LookupError, ValueError, ArithmeticError, exceptions.InvalidHeader):
        return None


def install(connection: t.Any) -> None:
    """Give a connection of the SDK, which was not used yet, a session that repeats requests."""
    connection.config.set_session_constructor(functools.partial(session_class(), region=connection.config))
