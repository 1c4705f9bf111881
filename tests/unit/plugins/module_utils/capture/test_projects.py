# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from types import SimpleNamespace

import pytest
from ansible_collections.osdr.openstack.plugins.module_utils.application.definition import Application
from ansible_collections.osdr.openstack.plugins.module_utils.capture import job, projects
from ansible_collections.osdr.openstack.plugins.module_utils.core.errors import CheckFailed, CloudError
from ansible_collections.osdr.openstack.tests.unit.support.fakes import server

APPLICATION = Application.parse({"name": "shop", "tiers": [{"name": "all", "servers": ["db", "front", "id-worker"]}]})
CLOUD = SimpleNamespace(site="primary", project_id="ours")


@pytest.fixture
def captured(monkeypatch):
    """Capture an application whose servers are not all known, where an administrator sees these."""

    def go(*servers, admin=CLOUD, fails=False):
        def listed(everywhere):
            assert everywhere
            if fails:
                raise CloudError("Not for you.", http_status=403)
            return list(servers)

        def unknown(*_given):
            raise CheckFailed("The servers on site 'primary' are not all known", ["Server 'front' does not exist in the project."])

        monkeypatch.setattr(projects, "Compute", lambda _cloud: SimpleNamespace(servers=listed))
        monkeypatch.setattr(job, "look", unknown)
        with pytest.raises(CheckFailed) as raised:
            job.capture(CLOUD, APPLICATION, 1, admin=admin)
        return raised.value.facts["problems"]

    return go


def test_servers_of_other_projects_are_told_with_what_to_do(captured):
    ours, theirs = server("db", project_id="ours"), [server(name, project_id="theirs") for name in ("db", "front", "worker")]
    found = captured(ours, *theirs)
    assert [problem.split(". ")[0] for problem in found] == [
        "Server 'front' is not in the project of the credentials, but project theirs has (id-front)",
        "Server 'id-worker' is not in the project of the credentials, but project theirs has (id-worker)",
    ]
    assert all("Give that project's credentials, too (dr_checkpoint_projects" in problem for problem in found)


@pytest.mark.parametrize(
    "where", [{"fails": True}, {"admin": None}, {}], ids=["nobody may look", "there is no administrator", "there is no such server anywhere"]
)
def test_what_is_nowhere_to_be_seen_does_not_exist(captured, where):
    assert captured(**where) == ["Server 'front' does not exist in the project."]
