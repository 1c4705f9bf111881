# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import pytest
from ansible_collections.osdr.openstack.plugins.module_utils.application.checks import Check

HTTP = {"path": "/health", "port": 8080, "scheme": "https", "host": "shop.example.com", "status": [200, 204], "text": "ok", "validate_certs": False}
CHECKS = [
    {"port": 5432, "timeout": 60},
    {"http": HTTP, "timeout": 60},
    {"agent": True, "timeout": 60},
    {"command": ["/bin/order", "--dry-run"], "timeout": 60},
]


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: next(iter(check)))
def test_it_survives_being_written_and_read(check):
    assert Check.parse(check).as_dict() == check
    assert Check.parse(check).problems == []


def test_what_a_module_did_not_get_is_not_there():
    given = {"port": 22, "http": None, "agent": None, "command": None, "timeout": 300}
    assert Check.parse(given).as_dict() == {"port": 22, "timeout": 300}


def test_without_a_word_it_asks_for_the_page_at_the_root():
    found = Check.parse({"http": {}})
    assert (found.http.path, found.http.status, found.http.validate_certs, found.timeout) == ("/", (200,), True, 300)
    assert found.problems == []


@pytest.mark.parametrize(
    ("check", "label"),
    list(zip(CHECKS, ["port 5432", "https /health on port 8080", "its guest agent", "command /bin/order"], strict=True)),
)
def test_it_is_called_by_what_it_checks(check, label):
    assert Check.parse(check).label == label


@pytest.mark.parametrize(
    ("check", "problem"),
    [
        ({}, "it checks nothing; give one of port, http, agent, command"),
        ({"agent": False}, "it checks nothing"),
        ({"command": []}, "it checks nothing"),
        ({"port": 1, "http": {}}, "port and http are several kinds; give each a check of its own"),
        ({"port": 0}, "port 0 is not between 1 and 65535"),
        ({"port": 22, "timeout": -1}, "its timeout is -1 s"),
        ({"http": {"port": 65536}}, "port 65536 is not between 1 and 65535"),
        ({"http": {"path": "health"}}, "'health' is no path"),
        ({"http": {"path": "/a b"}}, "'/a b' is no path"),
        ({"http": {"path": "/\r\nEvil: 1"}}, "is no path"),
        ({"http": {"host": "a\r\nb"}}, "is no host name"),
        ({"http": {"status": []}}, "it accepts no status"),
        ({"http": {"status": [20]}}, "status 20 is not between 100 and 599"),
        ({"http": {"scheme": "ftp"}}, "'ftp' is no scheme; use http or https"),
        ({"http": {"text": "x" * 2049}}, "its text is longer than 2048 characters"),
        ({"command": [" "]}, "its command has no program"),
        ({"command": ["a", "b\0"]}, "has a NUL in it"),
        ({"command": ["a"] * 101}, "more than 100 arguments"),
    ],
)
def test_what_cannot_be_meant_is_named(check, problem):
    assert any(problem in one for one in Check.parse(check).problems)
