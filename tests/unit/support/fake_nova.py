# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A Nova whose servers take their time to stop and to start, for tests of fencing."""

from __future__ import annotations

import dataclasses
import threading
from types import SimpleNamespace

from ansible_collections.osdr.openstack.plugins.module_utils.cloud.site_clock import SiteClock
from ansible_collections.osdr.openstack.plugins.module_utils.core.errors import CloudError, NotFound
from ansible_collections.osdr.openstack.plugins.module_utils.work.clock import Clock
from ansible_collections.osdr.openstack.plugins.module_utils.work.waiting import Waiter


class FakeNova:
    """Refuses what a lock or a state keeps off, as Nova does.

    :param stubborn: names of servers that never stop.
    :param is_admin: whether it is asked by an administrator of another project.
    """

    def __init__(self, *servers, stubborn=(), is_admin=False, admin_locked=()):
        self.cloud = SimpleNamespace(site="primary", project_id="admin" if is_admin else "project", clock=SiteClock("primary"))
        self.by_id = {one.id: one for one in servers}
        self.calls = []
        self.now = 0.0
        self.stubborn = set(stubborn)
        self.is_admin = is_admin
        self.admin_locked = {f"id-{name}" for name in admin_locked}
        self._until = {}
        self._lock = threading.Lock()

    @property
    def waiter(self):
        return Waiter(timeout=60, interval=1, clock=Clock(now=lambda: self.now, sleep=self._sleep))

    def _sleep(self, seconds):
        self.now += seconds

    def names(self, *actions):
        return [name for action, name in self.calls if action in actions]

    def _known(self, server_id):
        if server_id not in self.by_id:
            raise NotFound(f"There is no {server_id}.")
        return self.by_id[server_id]

    def _act(self, action, server_id, **changes):
        one = self._known(server_id)
        if one.locked and not self.is_admin and action != "unlock":
            raise CloudError(f"Site 'primary' could not {action} server {server_id}: it is locked.", http_status=409)
        with self._lock:
            self.calls.append((action, one.name))
            self.by_id[server_id] = dataclasses.replace(one, **changes)

    def _change_later(self, action, server_id, status, task):
        self._act(action, server_id, task_state=task)
        self._until[server_id] = (self.now + 5, status)

    def servers(self):
        return [self.server(one) for one in self.by_id]

    def server(self, server_id):
        one = self._known(server_id)
        due, status = self._until.get(server_id, (self.now + 1, one.status))
        if self.now >= due and not (one.name in self.stubborn and status == "SHUTOFF"):
            one = self.by_id[server_id] = dataclasses.replace(one, status=status, task_state=None)
        return one

    def _expect(self, action, server_id, statuses, is_free):
        one = self._known(server_id)
        if one.status not in statuses or (is_free and one.task_state):
            raise CloudError(f"Site 'primary' could not {action} server {server_id}: it is in {one.status}.", http_status=409)

    def stop(self, server_id):
        self._expect("stop", server_id, ("ACTIVE", "ERROR"), is_free=True)
        self._change_later("stop", server_id, "SHUTOFF", "powering-off")

    def start(self, server_id):
        self._change_later("start", server_id, "ACTIVE", "powering-on")

    def lock(self, server_id, reason):
        self._act("lock", server_id, locked=True, locked_reason=reason)
        if self.is_admin:
            self.admin_locked.add(server_id)

    def unlock(self, server_id):
        if server_id in self.admin_locked and not self.is_admin:
            raise CloudError(f"Site 'primary' could not unlock server {server_id}: an administrator locked it.", http_status=403)
        self._act("unlock", server_id, locked=False, locked_reason="")

    def set_metadata(self, server_id, metadata):
        self._expect("mark", server_id, ("ACTIVE", "PAUSED", "SUSPENDED", "SHUTOFF"), is_free=False)
        self._act("mark", server_id, metadata={**self.by_id[server_id].metadata, **metadata})

    def delete_metadata(self, server_id, key):
        self._act("unmark", server_id, metadata={name: value for name, value in self.by_id[server_id].metadata.items() if name != key})

    def set_delete_on_termination(self, server_id, volume_id, delete):
        volumes = tuple((one, delete if one == volume_id else flag) for one, flag in self.by_id[server_id].volumes)
        self._act("flag", server_id, volumes=volumes)

    def delete_server(self, server_id):
        self._act("delete", server_id)
        del self.by_id[server_id]
