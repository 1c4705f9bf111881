# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from types import SimpleNamespace

from ansible_collections.osdr.openstack.plugins.modules import os_checkpoint_check


def test_each_project_is_reached_with_its_own_credentials(monkeypatch):
    lead = {"cloud": "ours", "remote_cloud": "remote-ours", "admin_cloud": "admin", "container": "dr"}
    other = {"cloud": "theirs", "remote_cloud": "remote-theirs", "admin_cloud": None}
    monkeypatch.setattr(os_checkpoint_check, "IntendedCheckpoint", SimpleNamespace(parse=lambda params: params["name"]))
    monkeypatch.setattr(os_checkpoint_check, "Side", SimpleNamespace(connect=lambda params: {name: params[name] for name in lead}))
    monkeypatch.setattr(os_checkpoint_check, "CheckpointCheck", lambda *given: SimpleNamespace(run=lambda: given))
    found = os_checkpoint_check.run({**lead, "name": "noon", "others": [other]})
    assert found == ("noon", [lead, {**other, "container": "dr"}])
