# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Installing the quiesce API into a Nova, removing it again, and what the role refuses."""

from __future__ import annotations

import contextlib
import functools
import json
import pathlib
import socket
import subprocess

import pytest
from ansible_collections.osdr.openstack.tests.plays.nova_hosts import layouts
from laboratory import LAB_DIR, ROOT, in_site, wait

PASTE = "/etc/nova/api-paste.ini"

#: An application that answers with the paste configuration with which it was started.
APPLICATION = """
with open({paste!r}) as file:
    PASTE = file.read()


def application(environ, start_response):
    start_response("200 OK", [])
    return [PASTE.encode()]
"""


@functools.cache
def environment():
    """The Python environment of the primary site's release of OpenStack."""
    return pathlib.Path(in_site("sh", "-c", "command -v nova-manage").strip()).parents[1]


def run_role(*options, **variables):
    """:returns: whether it succeeded, how many tasks changed something, and what it said."""
    restart = [str(environment() / "bin/supervisorctl"), "-c", str(LAB_DIR / "sites/primary/supervisord.conf"), "restart", "nova-api"]
    given = {
        "nova_quiesce_api_python": str(environment() / "bin/python"),
        "nova_quiesce_api_restart_command": restart,
        "lab_dir": str(LAB_DIR),
        **variables,
    }
    command = ["ansible-playbook", *options, "-e", json.dumps(given), ROOT / "tests/lab/nova_quiesce_api.yml"]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, timeout=300, check=False)
    changed = [int(word.split("=")[1]) for word in done.stdout.split() if word.startswith("changed=")]
    return done.returncode == 0, sum(changed), done.stdout + done.stderr


@pytest.fixture
def installed(api, front):
    yield
    run_role()
    wait("the API to be back", lambda: api.show(front.id).status_code == 200, 60)


def test_it_is_removed_without_a_trace_and_installed_again(api, front, installed):
    ours = in_site("cat", PASTE)
    assert run_role()[:2] == (True, 0)
    assert run_role("--check", nova_quiesce_api_state="absent")[1] > 0
    assert in_site("cat", PASTE) == ours
    passed, changed, said = run_role(nova_quiesce_api_state="absent")
    assert (passed, changed > 0) == (True, True), said
    # The lab's copy ends without a newline.
    assert in_site("cat", PASTE) == (environment() / "etc/nova/api-paste.ini").read_text().rstrip("\n")
    wait("Nova to be back without the API", lambda: api.show(front.id).status_code == 404, 60)
    assert run_role(nova_quiesce_api_state="absent")[:2] == (True, 0)
    passed, changed, said = run_role()
    assert (passed, changed > 0) == (True, True), said
    assert in_site("cat", PASTE) == ours


@pytest.mark.parametrize(
    "strange",
    [
        pytest.param(lambda text: text.replace("keystonecontext osapi", "mycontext osapi"), id="another pipeline"),
        pytest.param(lambda text: "[pipeline:nova]\npipeline = app\n", id="another file", marks=pytest.mark.campaign),
    ],
)
def test_a_paste_file_that_it_does_not_understand_is_left_alone(strange):
    text = strange((environment() / "etc/nova/api-paste.ini").read_text())
    path = "/etc/nova/strange-paste.ini"
    in_site("sh", "-c", f"cat > {path} <<'END'\n{text}\nEND")
    before = in_site("cat", path)
    try:
        passed, changed, said = run_role(nova_quiesce_api_paste_file=path)
        assert (passed, changed) == (False, 0)
        assert "is not understood and was left alone" in " ".join(said.split())
        assert in_site("cat", path) == before
    finally:
        in_site("rm", path)


def test_a_python_without_nova_is_refused():
    passed, changed, said = run_role(nova_quiesce_api_python="/usr/bin/python3")
    assert (passed, changed) == (False, 0)
    assert "Nova" in said


@contextlib.contextmanager
def uwsgi(directory, application, *options):
    """A uWSGI of the machine that serves an application; yields what asks it."""
    place, log = str(directory / "socket"), directory / "log"
    plain = ["--plugin", "python3", "--master", "--lazy-apps", "--need-app", "--die-on-term", "--http-socket", place]

    def ask():
        with contextlib.suppress(ConnectionError, FileNotFoundError), socket.socket(socket.AF_UNIX) as asked:
            asked.connect(place)
            asked.sendall(b"GET / HTTP/1.0\r\n\r\n")
            return asked.makefile("rb").read().decode()
        return ""

    with log.open("w") as file, subprocess.Popen(["uwsgi-core", *plain, "--wsgi-file", application, *options], stdout=file, stderr=file) as server:
        try:
            yield ask
        finally:
            server.terminate()


def test_a_uwsgi_that_watches_a_file_serves_what_the_role_wrote(tmp_path):
    host = layouts.Packages(tmp_path / "host")
    application, watched = tmp_path / "application.py", tmp_path / "nova-api.ini"
    application.write_text(APPLICATION.format(paste=str(host.paste)))
    watched.touch()
    with uwsgi(tmp_path, application, "--touch-reload", watched) as ask:
        wait("uWSGI to serve", ask, 60)
        for state, used in (("present", True), ("absent", False)):
            played = host.play(state=state, nova_quiesce_api_touch_reload=str(watched))
            assert played.passed, played.said
            wait(f"it to be {state}", lambda used=used: (answer := ask()) and ("[filter:nova_quiesce_api]" in answer) == used, 60)
