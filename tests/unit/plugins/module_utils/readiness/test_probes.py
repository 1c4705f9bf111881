# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import contextlib
import datetime
import http.server
import os
import select
import socket
import ssl
import subprocess
import sys
import threading

import pytest
from ansible_collections.osdr.openstack.plugins.module_utils.application.checks import Check
from ansible_collections.osdr.openstack.plugins.module_utils.core.errors import CloudError, InvalidInput, NotFound
from ansible_collections.osdr.openstack.plugins.module_utils.quiesce.driver import Support
from ansible_collections.osdr.openstack.plugins.module_utils.quiesce.mark import FreezeMark
from ansible_collections.osdr.openstack.plugins.module_utils.readiness import probes
from ansible_collections.osdr.openstack.plugins.module_utils.readiness.probes import Agents, Probes, Subject
from ansible_collections.osdr.openstack.tests.unit.support.fakes import FakeDriver, server
from ansible_collections.osdr.openstack.tests.unit.support.serving import serving
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

HERE = Subject("id-1", "orders-db", "127.0.0.1")


def ask(check, seconds=60.0, agents=None):
    return Probes(agents).ask(Check.parse(check), HERE, seconds)


@pytest.fixture
def closed_port():
    """Bound, so that nobody else gets it, but nobody listens."""
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        yield holder.getsockname()[1]


def test_a_listening_port_accepts_and_a_closed_one_does_not(closed_port):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        assert ask({"port": listener.getsockname()[1]}) is None
    assert ask({"port": closed_port}) == "Connection refused"


@pytest.mark.parametrize("check", [{"port": 22}, {"http": {"path": "/"}}])
@pytest.mark.parametrize("address", ["", "10.0.0.1/x", "-h", "a b"])
def test_what_is_no_address_is_not_connected_to(check, address):
    assert "is neither an address nor a host name" in Probes().ask(Check.parse(check), Subject("id-1", "orders-db", address), 1)


# HTTP


class Site(http.server.BaseHTTPRequestHandler):
    """Answers with the status that the path names."""

    requests: list = []

    def do_GET(self):
        self.requests.append((self.path, self.headers["Host"]))
        self.send_response(int(self.path[1:4]))
        self.send_header("Location", "/200")
        self.end_headers()
        self.wfile.write(b"<h1>database: ok</h1>")

    def log_message(self, *_arguments):
        pass


@contextlib.contextmanager
def listening(tls=None):
    httpd = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Site)
    if tls:
        httpd.socket = tls.wrap_socket(httpd.socket, server_side=True)
    Site.requests.clear()
    with serving(httpd):
        yield httpd.server_address[1]


@pytest.fixture
def site():
    with listening() as port:
        yield port


@pytest.fixture
def certificate(tmp_path):
    """One that shop.example.com has signed for itself, with its key, in a file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "shop.example.com")])
    now = datetime.datetime.now(datetime.UTC)
    made = x509.CertificateBuilder(name, name, key.public_key(), 1, now, now + datetime.timedelta(days=1))
    signed = made.add_extension(x509.SubjectAlternativeName([x509.DNSName("shop.example.com")]), critical=False).sign(key, hashes.SHA256())
    path = tmp_path / "certificate.pem"
    private = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    path.write_bytes(private + signed.public_bytes(serialization.Encoding.PEM))
    return path


@pytest.fixture
def secure_site(certificate):
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(certificate)
    with listening(tls) as port:
        yield port


def get(port, path="/200", **changes):
    return ask({"http": {"path": path, "port": port, **changes}})


def test_a_good_answer_passes(site):
    assert get(site) is None
    assert get(site, "/204", status=[200, 204]) is None
    assert get(site, text="database: ok") is None


def test_another_answer_is_told(site):
    assert get(site, "/503") == "status 503 instead of 200"
    assert get(site, "/503", status=[200, 204]) == "status 503 instead of 200 or 204"
    assert get(site, text="database: up") == "status 200, but no 'database: up' in the body, which begins with '<h1>database: ok</h1>'"


def test_redirects_are_not_followed(site):
    assert get(site, "/302") == "status 302 instead of 200"
    assert get(site, "/302", status=[302]) is None
    assert [path for path, _host in Site.requests] == ["/302", "/302"]


def test_the_server_itself_is_asked_whatever_name_and_proxy_there_are(site, closed_port, monkeypatch):
    monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{closed_port}")
    assert get(site, host="shop.example.com") is None
    assert Site.requests == [("/200", f"shop.example.com:{site}")]


def test_who_does_not_speak_tls_is_told(site):
    assert "SSL" in get(site, scheme="https")


def test_nobody_there_is_told(closed_port):
    assert get(closed_port) == "Connection refused"


def test_a_certificate_of_nobody_knows_whom_is_refused_unless_told_otherwise(secure_site):
    assert "certificate verify failed: self-signed certificate" in get(secure_site, scheme="https", host="shop.example.com")
    assert get(secure_site, scheme="https", validate_certs=False) is None


def test_a_certificate_is_for_the_name_that_is_asked_for(secure_site, certificate, monkeypatch):
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    assert get(secure_site, scheme="https", host="shop.example.com") is None
    assert "Hostname mismatch" in get(secure_site, scheme="https", host="other.example.com")
    assert "IP address mismatch" in get(secure_site, scheme="https")


def test_a_server_that_talks_without_end_is_left(monkeypatch):
    monkeypatch.setattr(probes, "_REQUEST_SECONDS", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        assert get(listener.getsockname()[1]).lower().startswith("timed out")


def test_what_is_no_http_is_told():
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def answer():
            guest, _address = listener.accept()
            with guest:
                guest.recv(1024)
                guest.sendall(b"SSH-2.0-OpenSSH\r\n")

        thread = threading.Thread(target=answer)
        thread.start()
        assert get(listener.getsockname()[1]) == "SSH-2.0-OpenSSH"
        thread.join()


# Agents


class Nova:
    """Nova, which knows one server."""

    def server(self, server_id):
        if server_id != "id-1":
            raise NotFound(f"There is no server {server_id}.")
        return server("orders-db", id=server_id)


class Driver(FakeDriver):
    def __init__(self, name, problem=None):
        super().__init__()
        self.name, self.problem = name, problem

    def probe(self, server):
        self.calls.append(server.id)
        return Support(self.problem)


def test_one_way_to_the_agent_will_do():
    nova, libvirt = Driver("nova", "There is no quiesce API."), Driver("libvirt")
    assert ask({"agent": True}, agents=Agents(Nova(), [nova, libvirt])) is None
    assert ask({"agent": True}, agents=Agents(Nova(), [libvirt, nova])) is None
    assert len(nova.calls) == 1


def test_an_agent_that_nobody_reaches_is_told():
    ways = [Driver("nova", "There is no quiesce API."), Driver("libvirt", "It does not answer.")]
    assert ask({"agent": True}, agents=Agents(Nova(), ways)) == "nova: There is no quiesce API. libvirt: It does not answer."
    gone = Subject("id-2", "gone", "127.0.0.1")
    assert Probes(Agents(Nova(), ways)).ask(Check(agent=True), gone, 1) == "There is no server id-2."


@pytest.mark.parametrize(("until", "asked"), [("2999-01-01T00:00:00Z", True), (None, False), ("2020-01-01T00:00:00Z", True)])
def test_an_agent_whose_server_somebody_has_frozen_is_not_asked(until, asked, monkeypatch):
    """The probe of Nova's API is a thaw."""
    until = until or (datetime.datetime.now(datetime.UTC) + datetime.timedelta(hours=1)).isoformat()
    mark = FreezeMark("libvirt", until, "token", frozen="2026-01-01T00:00:00Z")
    monkeypatch.setattr(Nova, "server", lambda self, server_id: server("orders-db", id=server_id, metadata=mark.metadata))
    nova = Driver("nova")
    found = ask({"agent": True}, agents=Agents(Nova(), [nova]))
    assert (nova.calls == ["id-1"]) is asked
    assert found is None if asked else "is being frozen by another run until" in found


@pytest.mark.parametrize(("driver", "names"), [("auto", ["nova", "libvirt"]), ("nova", ["nova"]), ("libvirt", ["libvirt"])])
def test_the_ways_are_those_of_a_freeze(driver, names):
    agents = Agents.of("cloud", driver, None, "qemu+tls://{host}/system")
    assert [one.name for one in agents._drivers] == names


def test_libvirt_without_its_uri_is_refused():
    with pytest.raises(InvalidInput, match="needs libvirt_uri"):
        Agents.of("cloud", "libvirt", None, None)


# Console logs


class Console:
    def __init__(self, said):
        self._said = said

    def console_tail(self, _server_id, _lines):
        if isinstance(self._said, Exception):
            raise self._said
        return self._said


@pytest.mark.parametrize(
    ("said", "found"),
    [
        ("booting\norders-db login: ", None),
        ("booting", "nothing matches 'log.n:'"),
        (CloudError("It has no console yet."), "It has no console yet"),
    ],
)
def test_the_console_is_searched(said, found):
    assert Probes(compute=Console(said)).ask(Check(console="log.n:"), HERE, 1) == found


# Commands


def run(code, seconds=60.0, *arguments):
    return ask({"command": [sys.executable, "-c", code, *arguments]}, seconds)


def test_a_command_that_ends_well_passes():
    assert run("") is None


def test_it_knows_the_server_and_gets_its_arguments_as_they_are():
    code = "import os, sys; assert [os.environ[f'OSDR_SERVER_{one}'] for one in ('ID', 'NAME', 'ADDRESS')] == sys.argv[1:4], sys.argv"
    assert run(code, 60, "id-1", "orders-db", "127.0.0.1", "; false", "$HOME") is None


def test_what_another_said_last_is_told():
    assert run("import sys; print('out'); sys.stdout.flush(); sys.exit('no\\n orders')") == "exit status 1, it said 'out no orders'"
    assert run("import sys; sys.exit(3)") == "exit status 3"
    assert run("print('x' * 9999); raise SystemExit(1)") == f"exit status 1, it said '{'x' * 200}'"


def test_a_program_that_is_not_there_is_told():
    assert ask({"command": ["/no/such/program"]}) == "it cannot run: No such file or directory"


def test_one_that_does_not_end_is_killed_with_what_it_started(tmp_path, monkeypatch):
    code = (
        "import os, signal, subprocess, sys\n"
        "print('begun', flush=True)\n"
        "pipe = os.open(sys.argv[1], os.O_WRONLY)\n"
        "subprocess.Popen([sys.executable, '-c', 'import signal; signal.pause()'], pass_fds=[pipe])\n"
        "os.write(pipe, b'both run')\n"
        "signal.pause()"
    )
    os.mkfifo(tmp_path / "pipe")
    pipe = os.open(tmp_path / "pipe", os.O_RDONLY | os.O_NONBLOCK)

    def heard():
        assert select.select([pipe], [], [], 60)[0]
        return os.read(pipe, 99)

    class Timed(subprocess.Popen):
        """Its time is over as soon as all that is to be killed runs."""

        def wait(self, timeout=None):
            if timeout is None:
                return super().wait()
            assert (heard(), timeout) == (b"both run", 7)
            raise subprocess.TimeoutExpired("it", timeout)

    monkeypatch.setattr(subprocess, "Popen", Timed)
    assert run(code, 7, str(tmp_path / "pipe")) == "it did not end, it said 'begun'"
    # Nobody is left who could write to it.
    assert heard() == b""
    os.close(pipe)
