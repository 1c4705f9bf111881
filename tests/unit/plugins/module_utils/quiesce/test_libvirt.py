# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The driver against a libvirt whose guest agents answer as they are told to."""

from __future__ import annotations

import base64
import contextlib
import json
import queue
import threading
from unittest.mock import Mock

import pytest
from ansible_collections.osdr.openstack.plugins.module_utils.core.errors import DrError, FreezeFailed, InvalidInput, WaitTimeout
from ansible_collections.osdr.openstack.plugins.module_utils.quiesce import libvirt as quiesce_libvirt
from ansible_collections.osdr.openstack.plugins.module_utils.quiesce.driver import FROZEN, THAWED, Support
from ansible_collections.osdr.openstack.plugins.module_utils.quiesce.libvirt import LibvirtDriver
from ansible_collections.osdr.openstack.tests.unit.support.fakes import FakeTime, server

DB = server("db", hypervisor="compute1")
#: Its Python modules, and the package that both are in.
PARTS = (("libvirt", "libvirt-python"), ("libvirt_qemu", "libvirt-python"))
FREEZING = ("guest-fsfreeze-freeze", "guest-fsfreeze-thaw", "guest-fsfreeze-status")


class LibvirtError(Exception):
    """:param domain: who says so: 10 is libvirtd's driver for guests, 7 the connection to it."""

    def __init__(self, message, code, domain=10):
        super().__init__(message)
        self._message, self._code, self._domain = message, code, domain

    def get_error_domain(self):
        return self._domain

    def get_error_message(self):
        return self._message

    def get_error_code(self):
        return self._code


class Connection:
    def __init__(self):
        self.is_alive, self.keepalive = True, None

    def isAlive(self):
        return self.is_alive

    def setKeepAlive(self, *seconds_and_tries):
        self.keepalive = seconds_and_tries

    def lookupByUUIDString(self, server_id):
        return server_id


class Libvirt:
    """Both of its Python modules.

    :param answers: of the guest agent, per command; those in a list one after the other.
    """

    libvirtError = LibvirtError

    def __init__(self):
        self.answers = {"guest-fsfreeze-status": "thawed", "guest-info": info(*FREEZING, "guest-exec")}
        self.asked, self.connections, self.uris, self.set_up = [], [], [], []
        self.time, self.takes = FakeTime(), 0

    def registerErrorHandler(self, handler, context):
        self.set_up.append("errors")
        self.tell_of_error = handler

    def virEventRegisterDefaultImpl(self):
        self.set_up.append("events")

    def open(self, uri):
        self.set_up.append("open")
        self.uris.append(uri)
        self.connections.append(Connection())
        return self.connections[-1]

    def qemuAgentCommand(self, domain, request, timeout, flags):
        # libvirt knows none.
        assert flags == 0
        request = json.loads(request)
        self.time.sleep(self.takes)
        self.asked.append((domain, request["execute"], request.get("arguments"), timeout))
        answer = self.answers[request["execute"]]
        answer = answer.pop(0) if isinstance(answer, list) else answer
        if isinstance(answer, Exception):
            raise answer
        return json.dumps({"return": answer})

    def asked_for(self, command):
        return [(arguments, timeout) for _domain, asked, arguments, timeout in self.asked if asked == command]


def info(*enabled, disabled=()):
    return {"supported_commands": [{"name": name, "enabled": name not in disabled} for name in (*enabled, *disabled)]}


def ended(output="", exitcode=0, stream="out-data"):
    return {"exited": True, "exitcode": exitcode, stream: base64.b64encode(output.encode()).decode()}


class Guards:
    def __init__(self):
        self.calls = []

    def arm(self, which, seconds):
        self.calls.append(("arm", which.name, seconds))

    def disarm(self, which):
        self.calls.append(("disarm", which.name))
        return True


@pytest.fixture
def libvirt(monkeypatch):
    libvirt = Libvirt()
    monkeypatch.setattr(quiesce_libvirt, "library", lambda *names: dict.fromkeys(PARTS, libvirt)[names])
    # There are no events, and the thread would wait for them for ever.
    monkeypatch.setattr(quiesce_libvirt, "_run_events", lambda libvirt: None)
    return libvirt


def driver(guards=None, uri="qemu+ssh://root@{host}/system", libvirt=None):
    return LibvirtDriver(uri, 30, guards, *([libvirt.time.clock] if libvirt else []))


# Probing


@pytest.mark.parametrize(
    ("answers", "state", "guard"),
    [
        pytest.param({}, THAWED, "guest", id="it may run commands"),
        pytest.param({"guest-info": info(*FREEZING)}, THAWED, "controller", id="it may not"),
        pytest.param({"guest-info": info(*FREEZING, disabled=["guest-exec"])}, THAWED, "controller", id="it must not"),
        pytest.param(
            {"guest-fsfreeze-status": "frozen", "guest-info": info("guest-fsfreeze-thaw", "guest-fsfreeze-status", disabled=["guest-fsfreeze-freeze"])},
            FROZEN,
            "controller",
            id="it is frozen, when an agent disables most of its commands",
        ),
    ],
)
def test_what_an_agent_can_do_decides_where_the_guard_is(libvirt, answers, state, guard):
    libvirt.answers.update(answers)
    found = driver().probe(DB)
    assert (found.problem, found.state, found.guard) == (None, state, guard)


@pytest.mark.parametrize(
    ("info", "missing"),
    [(info("guest-ping"), ", ".join(FREEZING)), (info(*FREEZING[:2], disabled=FREEZING[2:]), FREEZING[2])],
    ids=["an old agent", "one that was forbidden to"],
)
def test_what_an_agent_lacks_is_named(libvirt, info, missing):
    libvirt.answers["guest-info"] = info
    assert driver().probe(DB).problem == f"The guest agent of server db (id-db) does not allow {missing}."


@pytest.mark.parametrize(
    ("uri", "hypervisor", "problem"),
    [(None, "compute1", "libvirt_uri is not given"), ("test:///", None, "do not see the hypervisor of server db (id-db)")],
)
def test_without_a_way_to_the_host_nobody_is_asked(libvirt, uri, hypervisor, problem):
    assert problem in driver(uri=uri).probe(server("db", hypervisor=hypervisor)).problem
    assert libvirt.uris == []


@pytest.mark.parametrize(
    ("uri", "hypervisor", "lacking"),
    [
        (None, "compute1", "libvirt_uri"),
        ("test:///", None, "credentials that see on which host it runs"),
        (None, None, "libvirt_uri"),
    ],
)
def test_who_is_to_be_thawed_without_a_way_to_the_host_is_told_with_what_is_lacking(libvirt, uri, hypervisor, lacking):
    """Whoever thaws by the mark alone has not probed."""
    with pytest.raises(FreezeFailed, match=rf"db \(id-db\) cannot be reached through libvirt without {lacking}\. Give {lacking}\.") as raised:
        driver(uri=uri).thaw(server("db", hypervisor=hypervisor))
    assert raised.value.facts == {"server_id": "id-db"}
    assert libvirt.uris == []


@pytest.mark.parametrize(
    ("code", "hint"),
    [(38, "the URI is right"), (42, "just been moved or stopped"), (74, "hw_qemu_guest_agent=yes"), (86, "qemu-guest-agent"), (1, None)],
    ids=["no way there", "no such domain", "no agent configured", "no answer", "anything else"],
)
def test_a_failure_names_server_host_and_way_out(libvirt, code, hint):
    libvirt.answers["guest-fsfreeze-status"] = LibvirtError("it says why", code)
    problem = driver().probe(DB).problem
    assert "Server db (id-db) on host compute1: guest-fsfreeze-status failed: it says why." in problem
    assert hint is None or hint in problem


def test_a_library_that_is_missing_is_a_problem_of_the_driver(monkeypatch):
    def missing(name, package):
        raise InvalidInput(f"The Python library {package} cannot be imported.")

    monkeypatch.setattr(quiesce_libvirt, "library", missing)
    assert "libvirt-python cannot be imported" in driver().probe(DB).problem


NONSENSE = [None, 5, "text", {}, {"supported_commands": 5}, {"supported_commands": [5]}, {"supported_commands": [{"name": ["x"], "enabled": True}]}]


@pytest.mark.parametrize("answer", NONSENSE)
def test_nonsense_from_an_agent_is_a_problem_of_its_own_server(libvirt, answer):
    libvirt.answers["guest-info"] = answer
    assert "The guest agent of server db (id-db) gave an invalid answer" in driver().probe(DB).problem


# Freezing and thawing


@pytest.mark.parametrize(("seconds", "timeout"), [(30, 30), (7.9, 7), (0.2, 1), (0, 1)])
def test_a_freeze_is_bounded_in_time(libvirt, seconds, timeout):
    libvirt.answers["guest-fsfreeze-freeze"] = 3
    assert driver().freeze(DB, seconds) == 3
    assert libvirt.asked == [("id-db", "guest-fsfreeze-freeze", None, timeout)]


def test_a_freeze_that_fails_is_a_failure(libvirt):
    libvirt.answers["guest-fsfreeze-freeze"] = LibvirtError("a hook failed", 86)
    with pytest.raises(FreezeFailed, match="guest-fsfreeze-freeze failed: a hook failed") as raised:
        driver().freeze(DB, 30)
    assert raised.value.facts == {"server_id": "id-db"}


@pytest.mark.parametrize("thawed", [0, 2])
def test_a_thaw_has_the_time_of_its_hooks_and_is_confirmed(libvirt, thawed):
    libvirt.answers["guest-fsfreeze-thaw"] = thawed
    found = driver().thaw(DB)
    assert (found.filesystems, found.interrupted) == (thawed, None)
    asked = [(command, timeout) for _domain, command, _arguments, timeout in libvirt.asked]
    assert asked == [("guest-fsfreeze-status", 5), ("guest-fsfreeze-thaw", 30), ("guest-fsfreeze-status", 5)]


def test_a_thaw_that_left_it_frozen_is_a_failure(libvirt):
    libvirt.answers.update({"guest-fsfreeze-thaw": 2, "guest-fsfreeze-status": "frozen"})
    with pytest.raises(FreezeFailed, match=r"db \(id-db\) is still frozen after a thaw"):
        driver().thaw(DB)


@pytest.mark.parametrize("state", ["", None, "thaw", "Thawed", "error", 0, {}], ids=repr)
def test_what_is_not_seen_thawed_is_not_thawed(libvirt, state):
    libvirt.answers.update({"guest-fsfreeze-thaw": 2, "guest-fsfreeze-status": state})
    with pytest.raises(FreezeFailed, match=r"agent of server db \(id-db\) gave an invalid answer.*is not a state of file systems"):
        driver().thaw(DB)
    found = driver().probe(DB)
    assert (found.state, "invalid answer" in found.problem) == (None, True)


@pytest.mark.parametrize("text", ["", "{", '{"error": {}}', "[]", "5", "[" * 100_000, '{"return": 1e999}'], ids=lambda text: text[:9])
def test_an_answer_that_is_no_answer_is_a_failure_of_its_own_server(libvirt, monkeypatch, text):
    monkeypatch.setattr(libvirt, "qemuAgentCommand", lambda *_arguments: text)
    for act in (lambda: driver().freeze(DB, 30), lambda: driver().thaw(DB)):
        with pytest.raises(FreezeFailed, match=r"agent of server db \(id-db\) gave an invalid answer"):
            act()


@pytest.mark.parametrize("count", [0, 10**6])
def test_as_many_file_systems_as_there_can_be_are_counted(libvirt, count):
    libvirt.answers.update({"guest-fsfreeze-freeze": count, "guest-fsfreeze-thaw": count})
    assert (driver().freeze(DB, 30), driver().thaw(DB).filesystems) == (count, count)


# A freeze that has come, and one that may still come


@pytest.mark.parametrize(
    ("before", "thawed", "has_arrived"),
    [
        pytest.param("frozen", 2, True, id="frozen"),
        pytest.param("frozen", 0, True, id="the guard in the guest has thawed it"),
        pytest.param("thawed", 0, False, id="never frozen"),
        pytest.param("thawed", 2, True, id="it came in the last moment"),
        pytest.param(LibvirtError("the agent is not responding", 86), 0, False, id="it does not say"),
        pytest.param("nonsense", 2, True, id="it says nothing that makes sense"),
    ],
)
def test_whether_a_freeze_has_come_is_what_the_agent_says_before_it_thaws(libvirt, before, thawed, has_arrived):
    libvirt.answers.update({"guest-fsfreeze-status": [before, "thawed"], "guest-fsfreeze-thaw": thawed})
    assert driver().thaw(DB).has_arrived is has_arrived


def test_who_froze_does_not_ask_whether_it_did(libvirt):
    libvirt.answers.update({"guest-fsfreeze-freeze": 2, "guest-fsfreeze-thaw": 0})
    made = driver()
    made.freeze(DB, 30)
    assert made.thaw(DB).has_arrived
    assert len(libvirt.asked_for("guest-fsfreeze-status")) == 1


LOST = LibvirtError("client socket is closed", 1, domain=7)


def lost(libvirt, seconds=30):
    """A driver whose connection broke while the freeze waited for its turn."""
    libvirt.answers.update({"guest-fsfreeze-freeze": LOST, "guest-fsfreeze-thaw": 0})
    made = driver(libvirt=libvirt)
    with pytest.raises(FreezeFailed, match="client socket is closed"):
        made.freeze(DB, seconds)
    return made


def test_while_a_freeze_may_still_come_no_thaw_is_confirmed(libvirt):
    made = lost(libvirt)
    for _time in range(3):
        with pytest.raises(FreezeFailed, match=r"db \(id-db\) is thawed, but libvirt did not report the result of its freeze, .* Its guard stays armed"):
            made.thaw(DB)
        libvirt.time.sleep(20)
    # libvirt gives a request 30 s for its turn, and the agent got 30 s.
    libvirt.time.sleep(10)
    assert made.thaw(DB).filesystems == 0
    assert len(libvirt.asked_for("guest-fsfreeze-thaw")) == 4


@pytest.mark.parametrize("seconds", [1, 60])
def test_what_the_agent_was_given_counts(libvirt, seconds):
    made = lost(libvirt, seconds)
    libvirt.time.sleep(39 + seconds)
    with pytest.raises(FreezeFailed, match="carried out for 1 s"):
        made.thaw(DB)
    libvirt.time.sleep(1)
    made.thaw(DB)


def test_a_freeze_that_has_come_comes_no_more(libvirt):
    made = lost(libvirt)
    libvirt.answers["guest-fsfreeze-thaw"] = [2, 0]
    assert made.thaw(DB).filesystems == 2
    assert made.thaw(DB).filesystems == 0


def test_a_freeze_that_may_come_is_that_of_its_own_server(libvirt):
    made = lost(libvirt)
    assert made.thaw(server("front", hypervisor="compute1")).filesystems == 0


def test_a_freeze_that_libvirt_says_failed_does_not_come(libvirt):
    """The agent does one thing after the other: a thaw that it answers is after the freeze that it did not."""
    libvirt.answers.update({"guest-fsfreeze-freeze": LibvirtError("the agent is not responding", 86), "guest-fsfreeze-thaw": 0})
    made = driver(libvirt=libvirt)
    with pytest.raises(FreezeFailed, match="not responding"):
        made.freeze(DB, 30)
    assert made.thaw(DB).filesystems == 0


@pytest.mark.parametrize("answer", [2, "nonsense"])
def test_a_freeze_that_was_answered_does_not_come_again(libvirt, answer):
    libvirt.answers.update({"guest-fsfreeze-freeze": answer, "guest-fsfreeze-thaw": 0})
    made = driver(libvirt=libvirt)
    with contextlib.suppress(FreezeFailed):
        made.freeze(DB, 30)
    assert made.thaw(DB).filesystems == 0


@pytest.mark.parametrize("answer", [None, {}, [], "some", "2", True, -1, 2.0, 10**6 + 1, 10**9, float("inf"), float("nan")], ids=repr)
@pytest.mark.parametrize("action", ["freeze", "thaw"])
def test_nonsense_instead_of_a_number_is_a_failure_of_its_own_server(libvirt, action, answer):
    libvirt.answers[f"guest-fsfreeze-{action}"] = [answer]
    act = {"freeze": lambda: driver().freeze(DB, 30), "thaw": lambda: driver().thaw(DB)}[action]
    with pytest.raises(FreezeFailed, match=r"agent of server db \(id-db\) gave an invalid answer"):
        act()


# Guards


def run_in_guest(libvirt, *statuses):
    libvirt.answers.update({"guest-exec": {"pid": 77}, "guest-exec-status": list(statuses)})


def test_the_guard_is_in_the_guest(libvirt):
    run_in_guest(libvirt, {"exited": False}, {"exited": False}, ended())
    guards = Guards()
    driver(guards, libvirt=libvirt).arm_guard(DB, 120)
    ((arguments, _timeout),) = libvirt.asked_for("guest-exec")
    assert (arguments["path"], arguments["arg"][-1], arguments["capture-output"]) == ("/bin/sh", "120", True)
    assert libvirt.asked_for("guest-exec-status") == [({"pid": 77}, 5)] * 3
    # Servers of earlier tiers may stand still meanwhile, so it is asked often.
    assert libvirt.time.seconds == 0.1
    assert guards.calls == []


def test_every_guard_has_a_token_of_its_own(libvirt):
    run_in_guest(libvirt, ended(), ended())
    for _number in range(2):
        driver().arm_guard(DB, 120)
    first, second = (arguments["arg"][-2] for arguments, _timeout in libvirt.asked_for("guest-exec"))
    assert first != second


@pytest.mark.parametrize(("output", "fired"), [("fired\n", True), ("quiet\n", False)])
def test_a_guard_in_the_guest_tells_whether_it_fired(libvirt, output, fired):
    run_in_guest(libvirt, ended(output))
    assert driver().disarm_guard(DB) is fired


@pytest.mark.parametrize("output", ["", "fired fired", "quietly", "FIRED"])
def test_a_guard_that_says_neither_is_not_taken_for_a_quiet_one(libvirt, output):
    run_in_guest(libvirt, ended(output))
    with pytest.raises(FreezeFailed, match="invalid answer"):
        driver().disarm_guard(DB)


def test_a_guest_that_runs_no_commands_is_guarded_from_outside(libvirt):
    libvirt.answers["guest-info"] = info(*FREEZING)
    guards = Guards()
    made = driver(guards)
    made.probe(DB)
    made.arm_guard(DB, 120)
    assert made.disarm_guard(DB) is True
    assert guards.calls == [("arm", "db", 120), ("disarm", "db")]
    assert libvirt.asked_for("guest-exec") == []


@pytest.mark.parametrize(("guard", "calls"), [("controller", [("arm", "db", 120)]), ("guest", [])])
def test_a_guest_that_another_process_has_probed_is_guarded_as_that_found(libvirt, guard, calls):
    guards = Guards()
    made = driver(guards)
    made.recall(DB, Support(state=THAWED, guard=guard))
    if not calls:
        run_in_guest(libvirt, ended())
    made.arm_guard(DB, 120)
    assert guards.calls == calls
    assert libvirt.asked_for("guest-info") == []


def test_a_probe_tells_how_quickly_the_agent_answers(libvirt):
    libvirt.takes = 2
    made = driver(libvirt=libvirt)
    assert made.probe(DB).answer == 2


@pytest.mark.parametrize(
    ("status", "told"),
    [
        pytest.param(ended("neither is a tmpfs\n", 1, "err-data"), "could not arm the guard: neither is a tmpfs.", id="it says why"),
        pytest.param({"exited": True, "exitcode": 1}, "could not arm the guard: {'exited': True, 'exitcode': 1}.", id="it does not say why"),
        pytest.param({"exited": True, "signal": 9}, "could not arm the guard: {'exited': True, 'signal': 9}.", id="it was killed"),
    ],
)
def test_a_guard_that_cannot_be_armed_is_a_failure(libvirt, status, told):
    run_in_guest(libvirt, status)
    with pytest.raises(FreezeFailed) as raised:
        driver().arm_guard(DB, 120)
    assert told in str(raised.value)


def test_what_a_guest_says_in_its_own_alphabet_is_told_as_far_as_it_can_be_read(libvirt):
    run_in_guest(libvirt, {"exited": True, "exitcode": 1, "err-data": base64.b64encode("k\xf6nnte".encode("latin-1")).decode()})
    with pytest.raises(FreezeFailed, match="could not arm the guard: k\N{REPLACEMENT CHARACTER}nnte"):
        driver(libvirt=libvirt).arm_guard(DB, 120)


def test_a_command_that_does_not_end_is_a_failure_in_time(libvirt):
    libvirt.answers.update({"guest-exec": {"pid": 77}, "guest-exec-status": {"exited": False}})
    with pytest.raises(WaitTimeout, match=r"after 5 s waiting for server db \(id-db\) to arm the guard"):
        driver(libvirt=libvirt).arm_guard(DB, 120)


@pytest.mark.parametrize(
    ("command", "answer"),
    [
        ("guest-exec", None),
        ("guest-exec", {}),
        ("guest-exec-status", 5),
        ("guest-exec-status", {}),
        ("guest-exec-status", {"exited": True, "exitcode": 0, "out-data": 5}),
        ("guest-exec-status", {"exited": True, "exitcode": 0, "out-data": "x"}),
    ],
)
def test_nonsense_about_a_guard_is_a_failure_of_its_own_server(libvirt, command, answer):
    """Anything else would end the thaw of all the others."""
    libvirt.answers.update({"guest-exec": {"pid": 77}, "guest-exec-status": ended(), command: answer})
    with pytest.raises(DrError, match=r"agent of server db \(id-db\) gave an invalid answer"):
        driver().disarm_guard(DB)
    with pytest.raises(DrError, match="invalid answer"):
        driver().arm_guard(DB, 120)


# Connections


@pytest.mark.parametrize(("hypervisor", "host"), [("compute1.example.org", "compute1.example.org"), ("2001:db8::7", "[2001:db8::7]")])
def test_a_host_is_connected_to_by_its_name_or_address(libvirt, hypervisor, host):
    driver().probe(server("db", hypervisor=hypervisor))
    assert libvirt.uris == [f"qemu+ssh://root@{host}/system"]


@pytest.mark.parametrize(
    "hypervisor", ["compute1/system?command=/tmp/evil&x=", "-oProxyCommand=sh", "root@elsewhere", "{host.__class__}", "a\nb", "\x1b[2J"], ids=repr
)
def test_what_is_no_host_chooses_neither_program_nor_host(libvirt, hypervisor):
    strange = server("db", hypervisor=hypervisor)
    found = driver().probe(strange)
    assert (found.state, found.guard) == (None, None)
    assert "The hypervisor of server db (id-db) is called '" in found.problem
    assert "which is not a host name" in found.problem
    assert found.problem.isprintable()
    made = driver()
    for act, arguments in ((made.freeze, [5]), (made.thaw, []), (made.arm_guard, [9]), (made.disarm_guard, [])):
        with pytest.raises(FreezeFailed, match="which is not a host name"):
            act(strange, *arguments)
    assert (libvirt.uris, libvirt.asked) == ([], [])


def test_only_the_host_is_filled_into_the_uri(libvirt):
    driver(uri="qemu+ssh://{host}/system?keyfile=/etc/{x}").probe(DB)
    assert libvirt.uris == ["qemu+ssh://compute1/system?keyfile=/etc/{x}"]


def test_a_host_is_connected_to_once(libvirt):
    made = driver()
    for one in (DB, server("front", hypervisor="compute1"), server("other", hypervisor="compute2")):
        made.probe(one)
    assert libvirt.uris == ["qemu+ssh://root@compute1/system", "qemu+ssh://root@compute2/system"]
    assert [one.keepalive for one in libvirt.connections] == [(5, 3), (5, 3)]


def test_libvirt_is_set_up_once_and_before_its_first_connection(libvirt, capfd):
    """Only a connection that is made with the event loop asks whether its host is still there."""
    made = driver()
    for host in ("compute1", "compute2"):
        made.probe(server("db", hypervisor=host))
    assert libvirt.set_up == ["errors", "events", "open", "open"]
    # Its own handler would print what is told as the problem of a server.
    assert libvirt.tell_of_error(None, LibvirtError("The agent is not connected.", 86)) is None
    assert capfd.readouterr() == ("", "")


def test_libvirts_events_are_run_in_a_thread_that_keeps_nobody_from_ending(libvirt, monkeypatch):
    runs = queue.SimpleQueue()
    monkeypatch.setattr(quiesce_libvirt, "_run_events", lambda of: runs.put((of, threading.current_thread().daemon)))
    made = driver()
    made.probe(DB)
    made.probe(server("other", hypervisor="compute2"))
    assert runs.get(timeout=60) == (libvirt, True)
    assert runs.empty()


def test_libvirts_events_are_run_one_after_the_other():
    class Ended(Exception):
        pass

    library = Mock()
    library.virEventRunDefaultImpl.side_effect = [0, 0, Ended]
    with pytest.raises(Ended):
        quiesce_libvirt._run_events(library)
    assert library.virEventRunDefaultImpl.call_count == 3


def test_a_connection_that_broke_is_made_anew(libvirt):
    made = driver()
    made.probe(DB)
    libvirt.connections[0].is_alive = False
    assert made.probe(DB).state == THAWED
    assert libvirt.uris == ["qemu+ssh://root@compute1/system"] * 2


def test_a_host_that_refuses_is_told(libvirt, monkeypatch):
    def refuse(uri):
        raise LibvirtError(f"Cannot connect to {uri}", 38)

    monkeypatch.setattr(libvirt, "open", refuse)
    assert "Cannot connect to qemu+ssh://root@compute1/system. Check that" in driver().probe(DB).problem


def test_a_host_that_does_not_answer_is_not_waited_for_for_ever(libvirt, monkeypatch):
    monkeypatch.setattr(quiesce_libvirt, "_CONNECT_SECONDS", 0.01)
    answered = threading.Event()
    monkeypatch.setattr(libvirt, "open", lambda uri: answered.wait())
    assert "waiting for libvirt at qemu+ssh://root@compute1/system" in driver().probe(DB).problem
    answered.set()


def test_a_host_that_does_not_answer_keeps_no_other_waiting(libvirt, monkeypatch):
    tried, answered = threading.Event(), threading.Event()
    connect = libvirt.open

    def open_(uri):
        if "compute1" in uri:
            tried.set()
            answered.wait()
        return connect(uri)

    monkeypatch.setattr(libvirt, "open", open_)
    libvirt.answers["guest-fsfreeze-thaw"] = 2
    made = driver()
    stuck = threading.Thread(target=made.probe, args=(DB,))
    stuck.start()
    try:
        assert tried.wait(60)
        healthy = threading.Thread(target=made.thaw, args=(server("front", hypervisor="compute2"),))
        healthy.start()
        healthy.join(60)
        assert libvirt.asked_for("guest-fsfreeze-thaw") == [(None, 30)]
    finally:
        answered.set()
        stuck.join()


HOOK_FAILED = LibvirtError("unable to execute QEMU agent command 'guest-fsfreeze-thaw': fsfreeze hook has failed with status 1", 1)


def test_hooks_that_fail_behind_a_thaw_get_a_second_chance(libvirt):
    libvirt.answers["guest-fsfreeze-thaw"] = [HOOK_FAILED, 0]
    assert driver().thaw(DB).filesystems == 0
    assert libvirt.asked_for("guest-fsfreeze-thaw") == [(None, 30)] * 2
    libvirt.answers["guest-fsfreeze-thaw"] = HOOK_FAILED
    with pytest.raises(FreezeFailed, match="hook has failed"):
        driver().thaw(DB)


def test_a_thaw_that_failed_is_not_asked_for_again_behind_the_back_of_who_asked(libvirt):
    libvirt.answers.update({"guest-fsfreeze-thaw": [HOOK_FAILED, 2], "guest-fsfreeze-status": "frozen"})
    with pytest.raises(FreezeFailed, match="hook has failed"):
        driver().thaw(DB)
    assert len(libvirt.asked_for("guest-fsfreeze-thaw")) == 1


def test_without_a_way_to_the_host_a_thaw_is_not_possible_either(libvirt):
    assert driver(uri=None).thaw_problem(server("db")).startswith("libvirt_uri is not given")
