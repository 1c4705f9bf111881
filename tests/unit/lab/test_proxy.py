# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A machine behind a proxy reaches the sites, which no proxy knows, by itself."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
ASK = "from requests.utils import get_environ_proxies as ask; print(*(bool(ask(f'http://{name}/')) for name in {names!r}))"
NAMES = ["primary:5000", "remote:8774", "10.88.1.20", "127.0.0.1:6640", "pypi.example", "store.example"]


@pytest.mark.parametrize(
    "given, asked",
    [({}, "False False False False True True"), ({"NO_PROXY": "store.example"}, "False False False False True False")],
    ids=["proxy for all", "some without"],
)
def test_the_sites_are_not_asked_through_a_proxy(given, asked):
    environment = {name: value for name, value in os.environ.items() if name.lower() != "no_proxy"}
    environment |= {"http_proxy": "http://proxy.example:3128", "PYTHON": sys.executable, "CODE": ASK.replace("{names!r}", repr(NAMES)), **given}
    ask = "ask: ; @\"$$PYTHON\" -c \"$$CODE\""
    done = subprocess.run(
        ["make", "--no-print-directory", f"--eval={ask}", "ask"], cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )
    assert done.stdout.strip() == asked, done.stderr
