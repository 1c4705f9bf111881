# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Guests that end a freeze by themselves after ten seconds, as Windows does: what is claimed of snapshots that took longer."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from ansible_collections.osdr.openstack.plugins.module_utils.application.definition import Application, Tier
from ansible_collections.osdr.openstack.plugins.module_utils.core.errors import CloudError, ConsistencyTooLow, FreezeFailed
from ansible_collections.osdr.openstack.plugins.module_utils.quiesce.libvirt import LibvirtDriver
from ansible_collections.osdr.openstack.plugins.module_utils.quiesce.mark import FreezeMarks
from ansible_collections.osdr.openstack.plugins.module_utils.quiesce.nova import NovaDriver
from ansible_collections.osdr.openstack.plugins.module_utils.quiesce.window import FreezeWindow, Limits, Member
from ansible_collections.osdr.openstack.plugins.module_utils.snapshots.grouping import INDIVIDUAL, Unit
from ansible_collections.osdr.openstack.plugins.module_utils.snapshots.seeing import Seeing
from ansible_collections.osdr.openstack.plugins.module_utils.snapshots.taking import SnapshotSet
from ansible_collections.osdr.openstack.plugins.module_utils.snapshots.wanted import Storages, Wanted, survey
from ansible_collections.osdr.openstack.plugins.module_utils.work.interruption import Interruption
from ansible_collections.osdr.openstack.tests.unit.support.fake_cinder import FakeCinder
from ansible_collections.osdr.openstack.tests.unit.support.fakes import FakeTime, server, volume

HOLD = 10
WINDOWS = {"os_type": "windows"}
VSS_ERROR = "internal error: unable to execute QEMU agent command 'guest-fsfreeze-thaw': couldn't hold writes: fsfreeze is limited up to 10 seconds"


class Guest:
    """A guest with two file systems and an agent.

    :param hold: seconds after which its file systems are writable again, though its agent believes that they are frozen; None for never.
    :param is_silent: whether the agent says nothing of it when it is asked to thaw; that of Windows says that it could not hold them.
    """

    def __init__(self, time, hold=None, is_silent=False):
        self._time = time
        self._hold = hold
        self._is_silent = is_silent
        self._since = None

    @property
    def believes(self):
        return "thawed" if self._since is None else "frozen"

    def freeze(self):
        if self._since is not None:
            raise FreezeFailed("the command guest-fsfreeze-freeze has been disabled: the agent is in frozen state")
        self._since = self._time.seconds
        return 2

    def thaw(self):
        if self._since is None:
            return 0
        has_let_go = self._hold is not None and self._time.seconds - self._since >= self._hold
        self._since = None
        if has_let_go and not self._is_silent:
            raise FreezeFailed(VSS_ERROR)
        return 0 if has_let_go else 2


class Agent:
    """The way through libvirt to a guest's agent."""

    def __init__(self, guest):
        commands = ("guest-fsfreeze-freeze", "guest-fsfreeze-thaw", "guest-fsfreeze-status")
        self._answers = {
            "guest-info": lambda: {"supported_commands": [{"name": name, "enabled": True} for name in commands]},
            "guest-fsfreeze-freeze": guest.freeze,
            "guest-fsfreeze-thaw": guest.thaw,
            "guest-fsfreeze-status": lambda: guest.believes,
        }

    def ask(self, _server, _request, command, _timeout):
        return self._answers[command]()


class Guards:
    """A guard beside the controller, which never fires here."""

    def arm(self, server, seconds):
        assert seconds > HOLD

    def disarm(self, server):
        return False


class Api:
    """Nova with the quiesce API: it passes on no numbers, asks by a second freeze whether a guest is still frozen, and thaws later what it could not."""

    cloud = SimpleNamespace(site="primary")

    def __init__(self, time, guest):
        self._time, self._guest = time, guest
        self._state, self._token, self._until, self._last = "none", None, None, None
        self.metadata = {}

    def server(self, _server_id):
        return server("db", metadata=self.metadata)

    def set_metadata(self, _server_id, metadata):
        self.metadata = {**self.metadata, **metadata}

    def delete_metadata(self, _server_id, key):
        self.metadata = {one: value for one, value in self.metadata.items() if one != key}

    def console_tail(self, _server_id, _lines):
        return ""

    def quiesce_state(self, _server_id):
        if self._state == "unquiescing":
            self._guest.thaw()
            self._end("expired", False)
        shown = {"state": self._state, "now": self._time.wall().isoformat(), "max_timeout": 300}
        shown |= {"token": self._token, "until": self._until} if self._state == "quiesced" else {}
        return {**shown, **({"last": self._last} if self._last else {})}

    def quiesce_action(self, server_id, action, wish, _seconds):
        if action == "quiesce" and not wish.get("probe"):
            self._guest.freeze()
            self._state, self._token, self._until = "quiesced", wish["token"], wish["until"]
        elif action == "unquiesce":
            is_intact = self._is_still_frozen()
            try:
                self._guest.thaw()
            except FreezeFailed as error:
                self._state = "unquiescing"
                raise CloudError(f"Server {server_id} was not unquiesced: {error}", http_status=409) from error
            self._end("unquiesced", is_intact)
        return self.quiesce_state(server_id)

    def _is_still_frozen(self):
        try:
            self._guest.freeze()
        except FreezeFailed:
            return True
        return False

    def _end(self, outcome, is_intact):
        self._last = {"token": self._token, "outcome": outcome, "intact": is_intact}
        self._state = "none"


class Nobody:
    """A Nova that shows one running server, and on which marks are kept."""

    def __init__(self):
        self.metadata = {}

    def server(self, _server_id):
        return server("db", metadata=self.metadata)

    set_metadata, delete_metadata = Api.set_metadata, Api.delete_metadata


def through_libvirt(time, guest):
    driver = LibvirtDriver("qemu+ssh://{host}/system", 5, Guards(), time.clock)
    driver._hosts = Agent(guest)
    return driver, Nobody()


def through_nova(time, guest):
    api = Api(time, guest)
    return NovaDriver(api, 120, 5, time.clock), api


WAYS = [pytest.param(through_libvirt, id="libvirt"), pytest.param(through_nova, id="nova")]


def take(way, seconds, image_metadata=None, **guest):
    """A set of one snapshot that takes so many seconds; returns the evidence of its server.

    :raises ConsistencyTooLow: when it is not quiesced.
    """
    time = FakeTime()
    driver, compute = way(time, Guest(time, **guest))
    storage = FakeCinder(volume("db", image_metadata=image_metadata or {}), time=time, seconds={"volume-db": seconds})
    application, db = Application("shop", (Tier("database", ("db",)),)), server("db")
    wanted = Wanted(application, "noon", "quiesced", survey(application, {"db": db}, Storages([storage])))
    assert driver.probe(db).problem is None
    window = FreezeWindow([[Member(db, "database", driver, "nova")]], Limits(5, 60, 120, 1), FreezeMarks(compute), Interruption(), time.clock)
    units = [Unit(INDIVIDUAL, "b", tuple(wanted.volumes.values()), "asked for")]
    job = SnapshotSet(Storages([storage]), wanted, storage.waiter, 1)
    return job.take(units, window, Seeing(compute, wanted, 1), Interruption()).servers[db.id]


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(
    ("seconds", "guest"),
    [
        pytest.param(2, {"hold": HOLD}, id="in time"),
        pytest.param(2, {"hold": HOLD, "is_silent": True}, id="in time, silent"),
        pytest.param(25, {}, id="holds"),
    ],
)
def test_a_freeze_that_holds_longer_than_its_snapshots_take_is_one(way, seconds, guest):
    found = take(way, seconds, **guest)
    assert (found.consistency, found.reason) == ("quiesced", "frozen around every snapshot")


@pytest.mark.parametrize("way", WAYS)
def test_what_windows_could_not_hold_is_not_called_quiesced(way):
    with pytest.raises(ConsistencyTooLow, match=r"db: crash \((2 file systems were frozen and 0 thawed|Nova's guard had thawed it before)\)"):
        take(way, 25, hold=HOLD)


def test_an_agent_that_says_nothing_is_found_out_by_what_it_thawed():
    with pytest.raises(ConsistencyTooLow, match=r"db: crash \(2 file systems were frozen and 0 thawed\)"):
        take(through_libvirt, 25, hold=HOLD, is_silent=True)


def test_through_nova_only_its_image_tells_that_such_a_guest_does_not_hold():
    """Nova passes on no number, so nothing else is known of an agent that says nothing."""
    with pytest.raises(ConsistencyTooLow, match=r"db: crash \(Windows holds a freeze for 10 s, and the last snapshot was complete 2\d\.\d s after it"):
        take(through_nova, 25, WINDOWS, hold=HOLD, is_silent=True)
    assert take(through_nova, 5, WINDOWS, hold=HOLD, is_silent=True).consistency == "quiesced"


@pytest.mark.parametrize("image_metadata", [{"os_type": "Windows"}, {"os_distro": "windows"}])
def test_what_is_counted_is_believed_whatever_the_image_says(image_metadata):
    assert take(through_libvirt, 25, image_metadata).consistency == "quiesced"
    with pytest.raises(ConsistencyTooLow, match="Windows holds a freeze for 10 s"):
        take(through_nova, 25, image_metadata)


def test_the_guest_in_memory_behaves_as_qemus_agent_does():
    time = FakeTime()
    guest = Guest(time, hold=HOLD)
    assert (guest.freeze(), guest.believes) == (2, "frozen")
    time.sleep(HOLD)
    assert guest.believes == "frozen"
    with pytest.raises(FreezeFailed, match="limited up to 10 seconds"):
        guest.thaw()
    assert (guest.believes, guest.thaw()) == ("thawed", 0)
