# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A proxy behind which every service of every site has a bad day.

Clients reach it by ``http_proxy`` (see :attr:`BadDays.environment`). Of the requests to each service, every third goes wrong: in turn
it is answered with 503, answered with 429, not passed on and its connection cut, or passed on and its answer lost. What goes well can
be made slow. Whoever has logged in can be noticed, to restart Keystone just then.
"""

from __future__ import annotations

import collections
import contextlib
import http.client
import http.server
import itertools
import socket
import threading
import time
import typing as t
from urllib.parse import urlsplit

_EVERY = 3
_CREATED = 201
_BLOCK = 64 * 1024
_UNAVAILABLE, _TOO_MANY, _CUT, _LOST = "503", "429", "cut", "lost"
#: The faults, in the order in which each service has them.
FAULTS = (_UNAVAILABLE, _TOO_MANY, _CUT, _LOST)
#: Headers of one hop, and the length, which is set anew.
_OF_ONE_HOP = frozenset({"connection", "keep-alive", "proxy-connection", "te", "trailer", "transfer-encoding", "upgrade", "content-length"})

_LOGIN = "/auth/tokens"

#: Whoever ends it waits until it looks whether it is to end, which takes half a second by default.
_POLL_SECONDS = 0.01

Body = t.Iterator[bytes]


def _ignore(_host: str) -> None:
    """Nobody is told of logins."""


class BadDays:
    """The proxy; use as a context manager.

    :param delay: seconds by which each request is passed on later.
    :param faults: none for days on which nothing goes wrong here.
    :param logged_in: called with a host when somebody has got a token from its Keystone, before the answer is given.
    :ivar counts: how often which fault was made, per host and port.
    """

    def __init__(self, delay: float = 0, faults: t.Sequence[str] = FAULTS, logged_in: t.Callable[[str], None] = _ignore) -> None:
        self.delay = delay
        self.logged_in = logged_in
        self._faults = faults
        self.counts: collections.Counter[tuple[str, str]] = collections.Counter()
        self._courses: dict[str, t.Iterator[str | None]] = {}
        self._lock = threading.Lock()
        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
        self._server.daemon_threads = True
        self._server.bad_days = self  # type: ignore[attr-defined]

    @property
    def environment(self) -> dict[str, str]:
        """What a client needs in its environment. Nothing is reached past the proxy."""
        url = f"http://127.0.0.1:{self._server.server_address[1]}"
        return {"http_proxy": url, "HTTP_PROXY": url, "no_proxy": "", "NO_PROXY": ""}

    def __enter__(self) -> BadDays:
        threading.Thread(target=self._server.serve_forever, args=(_POLL_SECONDS,), daemon=True).start()
        return self

    def __exit__(self, *exc_info: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def fault(self, service: str) -> str | None:
        """What goes wrong with the next request to a service."""
        with self._lock:
            found = next(self._courses.setdefault(service, _course(self._faults)))
            if found:
                self.counts[service, found] += 1
            return found


def _course(faults: t.Sequence[str]) -> t.Iterator[str | None]:
    for fault in itertools.cycle(faults or (None,)):
        yield from (None,) * (_EVERY - 1)
        yield fault


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_any(self) -> None:
        bad_days: BadDays = self.server.bad_days  # type: ignore[attr-defined]
        url = urlsplit(self.path)
        fault = bad_days.fault(url.netloc)
        if fault in (_UNAVAILABLE, _TOO_MANY):
            self._refuse(int(fault))
        elif fault == _CUT:
            self._cut()
        else:
            time.sleep(bad_days.delay)
            try:
                self._pass_on(url.netloc, url._replace(scheme="", netloc="").geturl() or "/", is_lost=fault == _LOST)
            except (OSError, http.client.HTTPException):
                # A service that is not there, or ends in the middle of its answer.
                self._cut()

    do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = do_OPTIONS = do_any

    def _refuse(self, status: int) -> None:
        # What is left of the request is not read, so nothing can follow it.
        self.close_connection = True
        self.send_response(status)
        for header in (("Retry-After", "1"), ("Content-Length", "0"), ("Connection", "close")):
            self.send_header(*header)
        self.end_headers()

    def _cut(self) -> None:
        self.close_connection = True
        with contextlib.suppress(OSError):
            self.connection.shutdown(socket.SHUT_RDWR)

    def _pass_on(self, service: str, path: str, is_lost: bool) -> None:
        headers = {key: value for key, value in self.headers.items() if key.lower() not in _OF_ONE_HOP}
        length, is_chunked = self.headers.get("Content-Length"), "chunked" in self.headers.get("Transfer-Encoding", "")
        body: Body | None = self._chunks() if is_chunked else self._pieces(int(length)) if length else None
        if length and not is_chunked:
            headers["Content-Length"] = length
        with contextlib.closing(http.client.HTTPConnection(service)) as connection:
            connection.request(self.command, path, body, headers, encode_chunked=is_chunked)
            answer = connection.getresponse()
            if self.command == "POST" and path.endswith(_LOGIN) and answer.status == _CREATED:
                self.server.bad_days.logged_in(service.partition(":")[0])  # type: ignore[attr-defined]
            if is_lost:
                answer.read()
                self._cut()
            else:
                self._give(answer)

    def _pieces(self, left: int) -> Body:
        while left and (piece := self.rfile.read(min(left, _BLOCK))):
            left -= len(piece)
            yield piece

    def _chunks(self) -> Body:
        while size := int(self.rfile.readline().partition(b";")[0], 16):
            yield self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()

    def _give(self, answer: http.client.HTTPResponse) -> None:
        """Pass an answer on; one of unknown length ends with the connection."""
        self.send_response(answer.status)
        for key, value in answer.getheaders():
            if key.lower() not in _OF_ONE_HOP:
                self.send_header(key, value)
        length = answer.getheader("Content-Length")
        self.close_connection = True
        if length is not None:
            self.send_header("Content-Length", length)
        self.send_header("Connection", "close")
        self.end_headers()
        while piece := answer.read(_BLOCK):
            self.wfile.write(piece)

    def log_message(self, *_words: object) -> None:
        """Say nothing: what counts is counted."""
