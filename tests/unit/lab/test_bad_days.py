# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The proxy with which the lab's services have bad days."""

from __future__ import annotations

import contextlib
import http.server

import lab_bad_days
import pytest
import requests
from ansible_collections.osdr.openstack.tests.unit.support.serving import Handler, serving
from lab_bad_days import FAULTS, BadDays


class Service(Handler):
    """Says what it was told, and remembers it."""

    def do_any(self):
        if "chunked" in self.headers.get("Transfer-Encoding", ""):
            body = b"".join(iter(self.chunk, b""))
        else:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.server.requests.append((self.command, self.path, body, self.headers.get("X-Auth-Token")))
        self.send_response(201)
        self.send_header("X-Request", "7")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_GET = do_POST = do_PUT = do_any

    def chunk(self):
        content = self.rfile.read(int(self.rfile.readline(), 16))
        self.rfile.readline()
        return content


@pytest.fixture
def services():
    with contextlib.ExitStack() as stack:
        found = [stack.enter_context(serving(http.server.ThreadingHTTPServer(("127.0.0.1", 0), Service))) for _one in range(2)]
        for one in found:
            one.requests = []
        yield found


def ask(proxy, service, method="GET", **options):
    """The status of an answer; None when there is none."""
    url = f"http://127.0.0.1:{service.server_address[1]}/v3/it?all=1"
    try:
        return requests.request(method, url, proxies={"http": proxy.environment["http_proxy"]}, **options)
    except requests.ConnectionError:
        return None


def told(answer):
    return answer.status_code if answer is not None else None


def test_every_third_request_to_a_service_goes_wrong_each_time_in_another_way(services, monkeypatch):
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.delenv("NO_PROXY", raising=False)
    one, other = services
    with BadDays() as proxy:
        statuses = [told(ask(proxy, one)) for _number in range(12)]
        assert statuses == [201, 201, 503, 201, 201, 429, 201, 201, None, 201, 201, None]
        # Another service has its own bad days.
        assert [told(ask(proxy, other)) for _number in range(3)] == [201, 201, 503]
    # The last one was carried out, though nobody heard of it.
    assert len(one.requests) == 9
    name = f"127.0.0.1:{one.server_address[1]}"
    assert {fault: proxy.counts[name, fault] for fault in FAULTS} == dict.fromkeys(FAULTS, 1)


def test_what_is_refused_says_when_to_come_back(services, monkeypatch):
    monkeypatch.delenv("no_proxy", raising=False)
    with BadDays() as proxy:
        answers = [ask(proxy, services[0], "POST", data=b"it") for _number in range(3)]
    assert answers[2].headers["Retry-After"] == "1"


@pytest.mark.parametrize("data", [b"x" * 200_000, [b"x" * 100_000, b"y" * 50_000]], ids=["of known length", "in chunks"])
def test_contents_and_headers_pass_unchanged(services, monkeypatch, data):
    monkeypatch.delenv("no_proxy", raising=False)
    whole = b"".join(data) if isinstance(data, list) else data
    with BadDays() as proxy:
        answer = ask(proxy, services[0], "PUT", data=iter(data) if isinstance(data, list) else data, headers={"X-Auth-Token": "t"})
    assert (answer.content, answer.headers["X-Request"]) == (whole, "7")
    assert services[0].requests == [("PUT", "/v3/it?all=1", whole, "t")]


def test_what_goes_well_can_be_slow(services, monkeypatch):
    monkeypatch.delenv("no_proxy", raising=False)
    slept = []
    monkeypatch.setattr(lab_bad_days.time, "sleep", slept.append)
    with BadDays(delay=3) as proxy:
        for _number in range(3):
            ask(proxy, services[0])
    assert slept == [3, 3]


def test_nothing_need_go_wrong(services, monkeypatch):
    monkeypatch.delenv("no_proxy", raising=False)
    with BadDays(faults=()) as proxy:
        assert {told(ask(proxy, services[0])) for _number in range(6)} == {201}
    assert not proxy.counts


def test_a_service_that_is_not_there_is_an_answer_that_does_not_come(services, monkeypatch):
    monkeypatch.delenv("no_proxy", raising=False)
    services[0].shutdown()
    services[0].server_close()
    with BadDays() as proxy:
        assert ask(proxy, services[0]) is None
        assert told(ask(proxy, services[1])) == 201


def test_whoever_logs_in_is_noticed_before_the_answer_is_given(services, monkeypatch):
    monkeypatch.delenv("no_proxy", raising=False)
    seen = []
    with BadDays(faults=(), logged_in=lambda host: seen.append((host, len(services[0].requests)))) as proxy:
        url = f"http://127.0.0.1:{services[0].server_address[1]}/v3/auth/tokens"
        for method in ("POST", "GET"):
            requests.request(method, url, proxies={"http": proxy.environment["http_proxy"]}, timeout=60)
        ask(proxy, services[0], "POST", data=b"it")
    assert seen == [("127.0.0.1", 1)]


def test_clients_reach_nothing_past_it():
    found = BadDays()
    assert found.environment["no_proxy"] == found.environment["NO_PROXY"] == ""
    assert found.environment["http_proxy"] == found.environment["HTTP_PROXY"]
