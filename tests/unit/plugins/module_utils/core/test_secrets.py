# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import json

import pytest
from ansible_collections.osdr.openstack.plugins.module_utils.core.secrets import secret_texts

SPEC = {
    "cloud": {"type": "raw"},
    "auth": {"type": "dict"},
    "manifest": {"type": "dict"},
    "quiesce": {"type": "dict", "options": {"admin_cloud": {"type": "raw"}, "driver": {"type": "str"}}},
    "other_clouds": {"type": "list", "elements": "raw"},
    "sites": {"type": "list", "elements": "dict", "options": {"remote_cloud": {"type": "raw"}}},
}
AUTH = {"auth_url": "https://keystone", "username": "demo", "project_name": "shop", "password": "hush"}


def test_a_name_of_a_cloud_is_no_secret():
    assert secret_texts({"cloud": "remote", "quiesce": {"admin_cloud": "admin"}}, SPEC) == set()


@pytest.mark.parametrize(
    "options",
    [
        {"auth": AUTH},
        {"cloud": {"auth": AUTH}},
        {"cloud": {"region_name": "x", "verify": False, "auth": AUTH}},
        {"quiesce": {"admin_cloud": {"auth": AUTH}}},
        {"sites": [{}, {"remote_cloud": {"auth": AUTH}}]},
        {"other_clouds": ["remote", {"auth": AUTH}]},
        {"cloud": {"password": "hush", "username": "demo"}},
    ],
)
def test_secrets_are_found_and_names_are_left(options):
    assert secret_texts(options, SPEC) == {"hush"}


@pytest.mark.parametrize("name", ["password", "token", "application_credential_secret", "client_secret", "passcode", "access_token", "what_comes_next_year"])
def test_whatever_authentication_plugins_take_is_a_secret_unless_it_is_known_not_to_be_one(name):
    assert secret_texts({"cloud": {"auth": {"project_name": "shop", name: "hush"}}}, SPEC) == {"hush"}


@pytest.mark.parametrize("value", [{"x": ["hush", None, True]}, ["hush"], "hush"])
def test_secrets_of_any_shape_are_found(value):
    assert secret_texts({"cloud": {"auth": {"password": value}}}, SPEC) == {"hush"}


def test_numbers_are_secrets_and_nothing_is_none():
    assert secret_texts({"auth": {"password": 12345, "passcode": "", "token": None}}, SPEC) == {"12345"}


@pytest.mark.parametrize("secret", ["it's", 'say "x"', "back\\slash", "new\nline", "é", "\u2028"])
def test_a_secret_is_known_however_it_is_written(secret):
    found = secret_texts({"cloud": {"auth": {"password": secret}}}, SPEC)
    for written in (str({"password": secret}), json.dumps({"password": secret}), json.dumps({"password": secret}, ensure_ascii=False), secret):
        for text in sorted(found, key=len, reverse=True):
            written = written.replace(text, "")
        assert secret not in written
        assert repr(secret)[1:-1] not in written


@pytest.mark.parametrize("text", [json.dumps({"auth": AUTH}), json.dumps({"auth": {"password": "hush"}, "x": 1}), "{not json, password=hush}"])
def test_a_cloud_that_was_written_as_a_text_is_a_secret(text):
    assert {text, "hush"} - secret_texts({"cloud": text}, SPEC) == ({"hush"} if "not json" in text else set())


@pytest.mark.parametrize("text", ["username=demo password=hush", "password=hush, project_name=shop", json.dumps(AUTH)])
def test_authentication_that_was_written_as_a_text_is_a_secret(text):
    found = secret_texts({"auth": text}, SPEC)
    assert ({text, "hush"} <= found, found & {"demo", "shop"}) == (True, set())


def test_a_secret_in_a_text_may_have_an_equals_sign():
    assert "hu=sh=" in secret_texts({"auth": "username=demo password=hu=sh="}, SPEC)


def test_whoever_writes_a_manifest_has_nothing_censored():
    assert secret_texts({"manifest": {"auth": {"password": "a"}, "cloud": {"auth": "b"}}}, SPEC) == set()


@pytest.mark.parametrize("options", [None, [], "x", {"quiesce": None}, {"quiesce": "x"}, {"sites": "x"}, {"cloud": 1}])
def test_nonsense_is_for_others_to_refuse(options):
    assert secret_texts(options, SPEC) == set()
