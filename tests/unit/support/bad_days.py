# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A small cloud on a port of this machine that answers as it is told to, and a time that passes only while somebody pauses."""

from __future__ import annotations

import contextlib
import dataclasses
import http.server
import json
import socket

from ansible_collections.osdr.openstack.plugins.module_utils.cloud.session import connect_other
from ansible_collections.osdr.openstack.plugins.module_utils.core import leeway
from ansible_collections.osdr.openstack.tests.unit.support import serving


@dataclasses.dataclass(frozen=True)
class Answer:
    """
    :param is_whole: whether the connection is not broken in the middle of the body.
    :param acts: whether what was asked for is carried out all the same.
    """

    status: int
    headers: tuple[tuple[str, str], ...] = ()
    is_whole: bool = True
    acts: bool = False


_HALF = ("X-Half", "1")
BUSY, TOO_MANY, BAD_GATEWAY = Answer(503), Answer(429), Answer(502)
#: The connection is broken: before an answer, though the work is done; and in the middle of one.
CUT, HALF = Answer(0, acts=True), Answer(200, is_whole=False)


def after(told, status=503):
    return Answer(status, (("Retry-After", told),))


@dataclasses.dataclass(frozen=True)
class Request:
    method: str
    path: str
    body: bytes = b""
    token: str = ""


class Handler(serving.Handler):
    def handle_any(self):
        site = self.server.site
        length = int(self.headers.get("Content-Length") or 0)
        request = Request(self.command, self.path, self.rfile.read(length), self.headers.get("X-Auth-Token", ""))
        status, headers, content = site.answer(request)
        if not status:
            self.connection.shutdown(socket.SHUT_RDWR)
            self.close_connection = True
            return
        self.send_response(status)
        for header in headers:
            self.send_header(*header)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if self.command == "HEAD":
            return
        if _HALF in headers:
            content = content[: len(content) // 2]
            self.close_connection = True
        self.wfile.write(content)

    do_GET = do_HEAD = do_POST = do_PUT = do_DELETE = do_PATCH = handle_any


class Site:
    """Keystone and a service of each kind.

    :ivar requests: all that came, discovery and logins aside.
    :ivar logins: how many tokens were given.
    :ivar serve: what a service does with a request that it carries out: status and answer.
    """

    def __init__(self, port):
        self.url = f"http://127.0.0.1:{port}"
        self.requests, self.logins = [], 0
        self.serve = lambda request: (200, {"ok": True})
        self._script, self._login_script = [], []
        self.valid = set()

    def will(self, *answers):
        """Give these answers first, one per request to a service; then all is well."""
        self._script = list(answers)

    def will_at_login(self, *answers):
        self._login_script = list(answers)

    def answer(self, request):
        path = request.path.partition("?")[0]
        if path.startswith("/identity"):
            return self._identity(request, path)
        if path.rstrip("/").count("/") == 1:
            return self._json(200, self._versions(path.strip("/")))
        self.requests.append(request)
        if request.token not in self.valid:
            return self._json(401, {"error": {"message": "The token has expired."}})
        if self._script:
            return self._carried_out(self._script.pop(0), request)
        return self._json(*self.serve(request))

    def _carried_out(self, answer, request):
        content = self.serve(request)[1] if answer.acts or not answer.is_whole else {"error": {"message": f"Status {answer.status}."}}
        return answer.status, (*answer.headers, *(() if answer.is_whole else (_HALF,))), json.dumps(content).encode()

    def _identity(self, request, path):
        if request.method != "POST":
            return self._json(200, {"version": {"id": "v3.14", "status": "stable", "links": [{"rel": "self", "href": f"{self.url}/identity/v3/"}]}})
        if self._login_script:
            return self._carried_out(self._login_script.pop(0), request)
        self.logins += 1
        token = f"token-{self.logins}"
        self.valid.add(token)
        kinds = ("compute", "block-storage", "network", "object-store", "image")
        catalog = [
            {"type": kind, "endpoints": [{"interface": "public", "region": "here", "region_id": "here", "url": f"{self.url}/{kind}", "id": kind}]}
            for kind in kinds
        ]
        body = {"methods": ["password"], "expires_at": "2099-01-01T00:00:00.000000Z", "catalog": catalog, "project": {"id": "p1", "name": "shop"}}
        body |= {"user": {"id": "u1", "name": "demo", "domain": {"id": "default"}}, "issued_at": "2026-01-01T00:00:00.000000Z", "roles": []}
        status, headers, content = self._json(201, {"token": body})
        return status, (("X-Subject-Token", token),), content

    def _versions(self, kind):
        names = {"network": "v2.0", "image": "v2.17", "compute": "v2.1", "block-storage": "v3.0"}
        newest = {"compute": "2.100", "block-storage": "3.71"}.get(kind, "")
        links = [{"rel": "self", "href": f"{self.url}/{kind}"}]
        return {"versions": [{"id": names.get(kind, "v1.0"), "status": "CURRENT", "version": newest, "min_version": "", "links": links}]}

    @staticmethod
    def _json(status, content):
        return status, (), json.dumps(content).encode()

    def config(self, **knobs):
        auth = {"auth_url": f"{self.url}/identity/v3", "username": "demo", "password": "secret", "project_name": "shop"}
        auth |= {"user_domain_id": "default", "project_domain_id": "default"}
        return {"auth": auth, "region_name": "here", "identity_api_version": "3", **knobs}

    def cloud(self, **knobs):
        """The site, logged in to."""
        return connect_other(self.config(**knobs))


@contextlib.contextmanager
def site():
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.site = Site(server.server_address[1])
    with serving.serving(server):
        yield server.site


class Time:
    """Stands in for Python's module in :mod:`core.leeway`.

    :ivar pauses: all that were made.
    """

    def __init__(self, monkeypatch):
        self.now, self.pauses = 1000.0, []
        monkeypatch.setattr(leeway, "time", self)
        monkeypatch.setattr(leeway.random, "uniform", lambda least, most: 1.0)

    def monotonic(self):
        return self.now

    def sleep(self, seconds):
        self.pauses.append(seconds)
        self.now += seconds
