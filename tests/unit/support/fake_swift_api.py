# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Swift in memory, which answers the requests of the SDK's real client."""

from __future__ import annotations

import json
import re
import threading
from urllib.parse import parse_qs, unquote, urlsplit

from requests_mock import ANY

PAGE = 2


class FakeSwiftApi:
    """The containers of all accounts.

    :ivar containers: content by object's name, by account and container.
    """

    def __init__(self, requests_mock, url):
        self.containers = {}
        self.kinds = {}
        self._lock = threading.Lock()
        requests_mock.register_uri(ANY, re.compile(re.escape(url)), content=self._answer)

    def _answer(self, request, context):
        _nothing, _version, account, container, *name = urlsplit(request.url).path.split("/", 4)
        with self._lock:
            method = "_" + request.method.lower() + ("_object" if name else "_container")
            place = (account, unquote(container))
            context.status_code, body = getattr(self, method)(place, unquote(name[0]) if name else "", request)
            # By which the SDK knows that a list goes on.
            context.headers["X-Container-Object-Count"] = str(len(self.containers.get(place, ())))
            return body

    def _put_container(self, place, _name, _request):
        self.containers.setdefault(place, {})
        return 201, b""

    def _get_container(self, place, _name, request):
        if place not in self.containers:
            return 404, b""
        query = parse_qs(urlsplit(request.url).query)
        prefix, marker = query.get("prefix", [""])[0], query.get("marker", [""])[0]
        there = self.containers[place]
        names = [name for name in sorted(there) if name.startswith(prefix) and name > marker][:PAGE]
        return 200, json.dumps([{"name": name, "bytes": len(there[name]), "hash": ""} for name in names]).encode()

    def _put_object(self, place, name, request):
        if place not in self.containers:
            return 404, b""
        if request.headers.get("If-None-Match") == "*" and name in self.containers[place]:
            return 412, b""
        self.containers[place][name], self.kinds[name] = request.body or b"", request.headers["Content-Type"]
        return 201, b""

    def _get_object(self, place, name, _request):
        there = self.containers.get(place, {})
        return (200, there[name]) if name in there else (404, b"")

    def _head_object(self, place, name, request):
        return self._get_object(place, name, request)[0], b""

    def _delete_object(self, place, name, _request):
        return 204 if self.containers.get(place, {}).pop(name, None) is not None else 404, b""
