# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import pytest
from ansible_collections.osdr.openstack.plugins.module_utils.core.hosts import host_in_uri


@pytest.mark.parametrize(
    ("host", "text"),
    [
        ("compute1", "compute1"),
        ("compute-1.site_a.example.org", "compute-1.site_a.example.org"),
        ("compute1.example.org.", "compute1.example.org."),
        ("10.0.0.7", "10.0.0.7"),
        ("2001:db8::7", "[2001:db8::7]"),
        ("x" * 63, "x" * 63),
    ],
)
def test_a_host_stands_in_a_uri(host, text):
    assert host_in_uri(host) == text


@pytest.mark.parametrize(
    "host",
    [
        "",
        "compute1/system?command=/tmp/evil&x=",
        "compute1?command=/bin/sh",
        "-oProxyCommand=sh",
        "compute1.-o",
        "root@compute1",
        "compute1:22",
        "compute1#x",
        "compute 1",
        "compute1\n",
        "{host}",
        "[::1]",
        "fe80::1%eth0",
        "cömpute",
        "a..b",
        "x" * 64,
        ".".join(["x" * 60] * 5),
        "::1/system?command=x",
    ],
)
def test_what_is_no_host_never_gets_into_a_uri(host):
    assert host_in_uri(host) is None
