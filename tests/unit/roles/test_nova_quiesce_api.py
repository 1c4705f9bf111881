# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the filter forgets of a server, and what not. Nova itself is played by next to nothing; the lab has a real one."""

from __future__ import annotations

import datetime
import importlib.util
import pathlib
import sys
from types import SimpleNamespace
from unittest.mock import MagicMock

import pytest

FILTER = pathlib.Path(__file__).parents[3] / "roles/nova_quiesce_api/files/nova_quiesce_api.py"
MODULES = """
fasteners oslo_messaging webob webob.dec webob.exc nova nova.api nova.api.openstack nova.compute nova.policies
oslo_config oslo_log oslo_policy oslo_utils
""".split()
OPTIONS = {"default_timeout": 60, "max_timeout": 300, "agent_timeout": 30, "sweep_interval": 5}


class NovaException(Exception):
    def format_message(self):
        return str(self)


class Unanswered(Exception):
    pass


class Refused(Exception):
    def __init__(self, value):
        super().__init__(value)
        self.value = value


@pytest.fixture(scope="module")
def api():
    """The filter, loaded without Nova."""
    stubs = {name: MagicMock() for name in MODULES}
    nova, messaging = stubs["nova"], stubs["oslo_messaging"]
    nova.conf.CONF.quiesce = SimpleNamespace(**OPTIONS)
    names = ("InstanceQuiesceNotSupported", "QemuGuestAgentNotEnabled", "UnexpectedTaskStateError")
    nova.exception = SimpleNamespace(NovaException=NovaException, **{name: type(name, (NovaException,), {}) for name in names})
    messaging.MessagingTimeout, messaging.RemoteError = Unanswered, Refused
    states = {name: name.lower() for name in ("ACTIVE", "PAUSED", "SUSPENDED", "STOPPED", "ERROR")}
    stubs["nova.compute"].vm_states = SimpleNamespace(**states)
    patch = pytest.MonkeyPatch()
    with patch.context() as patched:
        for name, stub in stubs.items():
            patched.setitem(sys.modules, name, stub)
        spec = importlib.util.spec_from_file_location("nova_quiesce_api_under_test", FILTER)
        module = importlib.util.module_from_spec(spec)
        # Its dataclasses are looked up there.
        patched.setitem(sys.modules, spec.name, module)
        spec.loader.exec_module(module)
        yield module


class Instance:
    """A server in Nova's database."""

    uuid, host, task_state = "id-db", "compute1", None

    def __init__(self, vm_state):
        self.vm_state, self.system_metadata, self.tasks = vm_state, {}, []

    def save(self, expected_task_state=None):
        self.tasks.append(self.task_state)

    def refresh(self):
        pass


class Computes:
    """The compute hosts.

    :param messages: what the thaws fail with, one after the other; the last one stays. None is a thaw.
    """

    def __init__(self, api, *messages):
        self._api, self._messages, self.thaws = api, list(messages), 0

    def thaw(self, context, instance, seconds):
        self.thaws += 1
        message = self._messages.pop(0) if len(self._messages) > 1 else self._messages[0]
        if message:
            raise self._api._failure(message)


AWAY = "Error from libvirt while quiescing instance-1: [Error Code 86] Guest agent is not responding: QEMU guest agent is not connected"
STOOD = "Error from libvirt while quiescing instance-1: [Error Code 55] Requested operation is not valid: domain is not running"


def frozen(api, vm_state="active", minutes=2):
    """A server that was frozen so long ago, and that nobody has thawed."""
    then = datetime.datetime.now(datetime.UTC) - datetime.timedelta(minutes=minutes)
    instance = Instance(vm_state)
    api.Record(api.QUIESCED, then, then, then, "user", "project", "request").put_on(instance)
    return instance


def sweep(api, computes, instance):
    """What is known of the server after a sweep, and whether its thaw failed."""
    try:
        api.Quiescer(computes).expire(MagicMock(), instance, api.Record.of(instance))
    except api.AgentFailed:
        return api.Record.of(instance), True
    return api.Record.of(instance), False


def test_a_server_that_nobody_thawed_is_thawed_and_forgotten(api):
    computes, instance = Computes(api, None), frozen(api)
    assert sweep(api, computes, instance) == (None, False)
    assert (computes.thaws, instance.task_state) == (1, None)


def test_an_agent_that_is_restarted_finds_its_guest_frozen_and_thaws_it(api):
    computes, instance = Computes(api, AWAY, AWAY, None), frozen(api)
    for _time in range(2):
        record, failed = sweep(api, computes, instance)
        assert (record.state, failed, instance.task_state) == (api.UNQUIESCING, True, None)
    assert sweep(api, computes, instance) == (None, False)
    assert computes.thaws == 3


@pytest.mark.parametrize(("minutes", "is_known"), [(59, True), (61, False)])
def test_an_agent_that_stays_away_is_waited_for_for_an_hour(api, minutes, is_known):
    record, _failed = sweep(api, Computes(api, AWAY), frozen(api, minutes=minutes))
    assert (record is not None) is is_known


@pytest.mark.parametrize("minutes", [2, 600])
def test_a_domain_that_stood_still_is_thawed_when_it_goes_on(api, minutes):
    """Nova does not know of it: whoever did so went to libvirt."""
    computes, instance = Computes(api, STOOD, None), frozen(api, minutes=minutes)
    record, failed = sweep(api, computes, instance)
    assert (record.state, failed) == (api.UNQUIESCING, True)
    assert sweep(api, computes, instance) == (None, False)


@pytest.mark.parametrize("vm_state", ["paused", "suspended"])
def test_a_server_that_stands_still_is_thawed_when_it_goes_on_however_late_its_agent_is(api, vm_state):
    computes, instance = Computes(api, AWAY, None), frozen(api, vm_state, minutes=600)
    record, failed = sweep(api, computes, instance)
    assert (record.state, failed, computes.thaws) == (api.UNQUIESCING, False, 0)
    # Whoever is to have it go on finds no task.
    assert instance.task_state is None
    assert record.until <= datetime.datetime.now(datetime.UTC) + datetime.timedelta(seconds=OPTIONS["sweep_interval"])
    instance.vm_state = "active"
    record, failed = sweep(api, computes, instance)
    assert (record.state, failed) == (api.UNQUIESCING, True)
    record, failed = sweep(api, computes, instance)
    assert (computes.thaws, failed) == (2, False)


@pytest.mark.parametrize("vm_state", ["stopped", "error"])
def test_a_server_that_does_not_run_any_more_is_forgotten(api, vm_state):
    computes = Computes(api, None)
    assert sweep(api, computes, frozen(api, vm_state)) == (None, False)
    assert computes.thaws == 0


@pytest.mark.parametrize(
    ("message", "nothing_pending", "is_frozen"),
    [
        pytest.param(AWAY, True, False, id="no agent"),
        pytest.param("QEMU guest agent is not configured", True, False, id="no channel"),
        pytest.param(STOOD, False, False, id="paused, or off"),
        pytest.param("The command guest-fsfreeze-freeze has been disabled", True, True, id="frozen"),
        pytest.param("Guest agent is not responding: timed out", False, False, id="no answer"),
    ],
)
def test_what_libvirts_words_mean(api, message, nothing_pending, is_frozen):
    found = api._failure(message)
    assert (found.nothing_pending, found.is_frozen) == (nothing_pending, is_frozen)
