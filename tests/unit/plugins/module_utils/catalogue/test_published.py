# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from types import SimpleNamespace

import pytest
from ansible_collections.osdr.openstack.plugins.module_utils.catalogue import catalogue, published
from ansible_collections.osdr.openstack.tests.unit.support import shop
from ansible_collections.osdr.openstack.tests.unit.support.fakes import FakeStore

GIVEN = {"application": "shop", "checkpoint": "noon", "digest": None, "container": "osdr-catalogue", "hmac_key": None}


@pytest.mark.parametrize(("elsewhere", "asked"), [(None, "drill"), ("remote", "remote")])
def test_the_catalogue_is_at_the_site_itself_unless_another_one_is_named(monkeypatch, elsewhere, asked):
    stores = {"drill": FakeStore(), "remote": FakeStore()}
    stores[asked].content["shop/noon.json"] = shop.manifest().dump()
    monkeypatch.setattr(published, "connect_other", lambda name: SimpleNamespace(site=name))
    monkeypatch.setattr(catalogue, "configured_store", lambda cloud, _container: stores[cloud.site])
    assert published.published(SimpleNamespace(site="drill"), {**GIVEN, "catalogue_cloud": elsewhere}) == shop.manifest()
