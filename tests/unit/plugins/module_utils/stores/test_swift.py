# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A catalogue in Swift, beyond what every store does."""

from __future__ import annotations

import pytest
from ansible_collections.osdr.openstack.plugins.module_utils.core.errors import CloudError
from ansible_collections.osdr.openstack.tests.unit.support.stores import InSwift


@pytest.fixture
def kind(requests_mock):
    return InSwift(None, requests_mock)


def test_it_is_called_by_its_container_and_site(kind):
    assert kind.store().place == "container 'osdr-catalogue' of site 'remote'"


def test_everything_in_it_is_stored_as_json(kind):
    kind.store().write("shop/ten.json", b"{}")
    kind.store().write_new("shop/noon.json", b"{}")
    assert kind.swift.kinds == {"shop/ten.json": "application/json", "shop/noon.json": "application/json"}


def test_another_refusal_is_not_taken_for_a_document_that_is_there(kind, requests_mock):
    requests_mock.put(f"{kind.URL}/AUTH_project/osdr-catalogue")
    requests_mock.put(f"{kind.URL}/AUTH_project/osdr-catalogue/shop/ten.json", status_code=507)
    with pytest.raises(CloudError, match="Site 'remote' could not write object osdr-catalogue/shop/ten.json"):
        kind.store().write_new("shop/ten.json", b"{}")
