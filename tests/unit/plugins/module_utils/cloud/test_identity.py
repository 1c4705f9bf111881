# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import pytest
from ansible_collections.osdr.openstack.plugins.module_utils.cloud.identity import Identity
from ansible_collections.osdr.openstack.plugins.module_utils.core.errors import CloudError
from ansible_collections.osdr.openstack.tests.unit.support.memory.provider import Provider


@pytest.fixture
def provider():
    made = Provider()
    made.sites["north"].keystone.projects |= {"p-1": "sales", "p-2": "shop"}
    return made


def test_an_administrator_is_told_the_names_of_projects(provider):
    assert Identity(provider.connect("north-admin")).project_names() == {"p-1": "sales", "p-2": "shop"}


def test_nobody_else_is(provider):
    with pytest.raises(CloudError, match="Site 'north-shop' could not list projects: ") as caught:
        Identity(provider.connect("north-shop")).project_names()
    assert caught.value.http_status == 403


def test_a_page_that_comes_again_is_no_list(provider, monkeypatch):
    keystone = provider.sites["north"].keystone
    page = {"projects": [{"id": "p-1", "name": "sales"}], "links": {"next": "http://keystone.example/v3/next"}}
    monkeypatch.setattr(keystone, "serve", lambda _request: page)
    with pytest.raises(CloudError, match="the same page comes again"):
        Identity(provider.connect("north-admin")).projects()
