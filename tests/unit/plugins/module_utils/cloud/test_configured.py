# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import pytest
import yaml
from ansible_collections.osdr.openstack.plugins.module_utils.cloud.configured import ConfiguredProject, configured_project

AUTH = {"auth_url": "http://nowhere.example:5000/v3", "username": "shop", "password": "secret"}


@pytest.fixture
def entry(tmp_path, monkeypatch):
    def write(**config):
        file = tmp_path / "clouds.yaml"
        file.write_text(yaml.safe_dump({"clouds": {"south-shop": {"region_name": "south", **config}}}))
        monkeypatch.setenv("OS_CLIENT_CONFIG_FILE", str(file))

    return write


@pytest.mark.parametrize(
    ("auth", "told"),
    [
        ({"project_name": "shop", "project_domain_name": "Default"}, ConfiguredProject(name="shop", domain="Default")),
        ({"project_name": "shop", "project_domain_id": "default"}, ConfiguredProject(name="shop", domain_id="default")),
        ({"project_id": "0815"}, ConfiguredProject(id="0815")),
    ],
)
def test_an_entry_tells_its_project_without_a_login(entry, auth, told):
    entry(auth={**AUTH, **auth})
    assert configured_project("south-shop") == told


def test_an_application_credential_names_no_project(entry):
    secret = {"application_credential_id": "a", "application_credential_secret": "b"}
    entry(auth_type="v3applicationcredential", auth={"auth_url": AUTH["auth_url"], **secret})
    assert configured_project("south-shop") == ConfiguredProject()


def test_an_entry_that_is_not_there_tells_nothing(entry):
    entry(auth=AUTH)
    assert configured_project("elsewhere") == ConfiguredProject()
