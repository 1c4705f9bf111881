# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import concurrent.futures
import pathlib
import subprocess
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).parent))
import laboratory

# The collection, as Ansible finds it.
sys.path.insert(0, str(laboratory.ROOT / ".build/collections"))


@pytest.fixture(scope="session", autouse=True)
def application(pytestconfig):
    """The application runs at the primary site, under load: a heavy writer in each database."""
    if pytestconfig.getoption("--prepared"):
        return
    playbook = laboratory.ROOT / "tests/lab/shop.yml"
    subprocess.run(["ansible-playbook", "-e", f"lab_dir={laboratory.LAB_DIR}", playbook], check=True, cwd=laboratory.ROOT)


@pytest.fixture(scope="session")
def guests(application):
    return [laboratory.Guest.named(name) for name in laboratory.SERVERS]


@pytest.fixture
def remote_site_alone():
    """For tests that disturb the services of the remote site, or compare all that is there."""
    with laboratory.remote_site_alone():
        yield


@pytest.fixture
def orders(guests):
    return guests[0]


@pytest.fixture
def front(guests):
    return guests[-1]


@pytest.fixture(scope="session")
def api():
    return laboratory.QuiesceApi()


@pytest.fixture(autouse=True)
def nobody_stays_frozen(guests, api):
    """The end of every test: the claim of the whole project."""
    yield
    ids = [guest.id for guest in guests]

    def is_settled():
        return {api.state(one) for one in ids} == {"none"}

    with concurrent.futures.ThreadPoolExecutor() as pool:
        settled = pool.submit(laboratory.wait, "the quiesce API has settled", is_settled, 180)
        laboratory.wait("nobody is frozen", lambda: not laboratory.frozen_of(guests, laboratory.WAKE_AGENT), 90)
        settled.result()
    # What an API process that was killed was at work on is given back by another one after a while.
    found = laboratory.wait("nobody is worked on", lambda: laboratory.statuses(guests), 90)
    assert found == ["ACTIVE"] * len(guests)


def pytest_addoption(parser):
    parser.addoption("--kills", type=int, default=3, help="how often the controller is killed")
    parser.addoption("--fleet", type=int, default=3, help="how many servers there are when one of them has no agent")
    parser.addoption("--rounds", type=int, default=2, help="how many checkpoints are read by the checker")
    parser.addoption("--prepared", action="store_true", help="the application runs already, and other tests may be freezing it")
    parser.addoption("--seed", type=int, default=1, help="the same seed makes the same campaign")


@pytest.fixture
def kills(request):
    return request.config.getoption("--kills")


@pytest.fixture
def rounds(request):
    return request.config.getoption("--rounds")


@pytest.fixture
def seed(request):
    return request.config.getoption("--seed")
