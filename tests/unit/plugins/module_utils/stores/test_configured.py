# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where clouds.yaml says that a site's catalogues are."""

from __future__ import annotations

import json

import openstack
import pytest
from ansible_collections.osdr.openstack.plugins.module_utils.catalogue.catalogue import Catalogue
from ansible_collections.osdr.openstack.plugins.module_utils.cloud.session import Cloud
from ansible_collections.osdr.openstack.plugins.module_utils.core.errors import InvalidInput
from ansible_collections.osdr.openstack.plugins.module_utils.core.secrets import secret_texts
from ansible_collections.osdr.openstack.plugins.module_utils.stores.configured import configured_store
from ansible_collections.osdr.openstack.plugins.module_utils.stores.directory import DirectoryStore
from ansible_collections.osdr.openstack.plugins.module_utils.stores.s3 import S3Settings, S3Store
from ansible_collections.osdr.openstack.plugins.module_utils.stores.swift import SwiftStore

URL = "http://swift.example/v1/AUTH_p1"


def cloud(**entry):
    made = Cloud(openstack.connect(auth_type="none", endpoint=URL, **entry), "remote")
    made.__dict__["project_id"] = "p1"
    return made


def test_without_a_word_they_are_in_the_sites_own_object_store():
    store = configured_store(cloud(), "catalogue")
    assert isinstance(store, SwiftStore)
    assert (store.place, store.identity) == ("container 'catalogue' of site 'remote'", "p1/catalogue")


def test_they_can_be_in_a_directory(tmp_path):
    store = configured_store(cloud(osdr_catalogue={"directory": str(tmp_path)}), "catalogue")
    assert isinstance(store, DirectoryStore)
    assert (store.place, store.identity) == (f"directory '{tmp_path}/p1/catalogue' for site 'remote'", "p1/catalogue")


def test_a_directory_may_be_the_users_own(monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path))
    assert configured_store(cloud(osdr_catalogue={"directory": "~/dr"}), "catalogue").place.startswith(f"directory '{tmp_path}/dr/p1")


def test_they_can_be_in_s3():
    store = configured_store(cloud(osdr_catalogue={"s3": {"bucket": "dr", "endpoint": "https://s3.example.com"}}), "catalogue")
    assert isinstance(store, S3Store)
    assert store.place == "folder 'p1/catalogue' of bucket 'dr' at https://s3.example.com for site 'remote'"


def test_a_catalogue_is_opened_where_its_site_has_it(tmp_path):
    catalogue = Catalogue.of(cloud(osdr_catalogue={"directory": str(tmp_path)}), {"container": "catalogue", "hmac_key": None})
    assert catalogue.place == f"directory '{tmp_path}/p1/catalogue' for site 'remote'"


@pytest.mark.parametrize(
    ("given", "problem"),
    [
        ("s3", "it must have exactly one member"),
        ({}, "it must have exactly one member"),
        ({"s3": {"bucket": "dr"}, "directory": "/dr"}, "it must have exactly one member"),
        ({"swift": {}}, "there is no kind of store 'swift'"),
        ({"s3": {}}, "'s3' has no bucket"),
        ({"directory": "dr"}, "'directory' must be an absolute path"),
        ({"directory": None}, "'directory' must be an absolute path"),
        ({"directory": "/dr/\x00"}, "'directory' must be an absolute path"),
        ({"directory": "/dr\n"}, "'directory' must be an absolute path"),
    ],
)
def test_what_cannot_be_used_is_told(given, problem):
    with pytest.raises(InvalidInput) as raised:
        configured_store(cloud(osdr_catalogue=given), "catalogue")
    assert raised.value.message == f"'osdr_catalogue' of cloud 'remote' cannot be used: {problem}."
    assert "Give it either 's3'" in raised.value.hint


def test_its_secrets_may_be_in_a_file_of_their_own(monkeypatch, tmp_path):
    """As the SDK reads any entry: clouds.yaml for everybody, secure.yaml for who may know."""
    catalogue = {"s3": {"bucket": "dr", "access_key": "me"}}
    (tmp_path / "clouds.yaml").write_text(json.dumps({"clouds": {"there": {"auth_type": "none", "endpoint": URL, "osdr_catalogue": catalogue}}}))
    (tmp_path / "secure.yaml").write_text(json.dumps({"clouds": {"there": {"osdr_catalogue": {"s3": {"secret_key": "my secret"}}}}}))
    monkeypatch.setenv("OS_CLIENT_CONFIG_FILE", str(tmp_path / "clouds.yaml"))
    monkeypatch.setenv("OS_CLIENT_SECURE_FILE", str(tmp_path / "secure.yaml"))
    connected = Cloud(openstack.connect(cloud="there"), "there")
    assert S3Settings.parse(connected.setting("osdr_catalogue")["s3"]).secret_key == "my secret"


def test_in_a_cloud_that_a_task_gives_as_a_dictionary_they_are_no_secret_of_the_log():
    given = {"auth": {"auth_url": "https://keystone.example.com"}, "osdr_catalogue": {"s3": {"bucket": "dr", "secret_key": "my secret"}}}
    for option in ("cloud", "remote_cloud"):
        assert secret_texts({option: given}, {option: {"type": "raw"}}) == {"my secret"}
