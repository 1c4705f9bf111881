# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import datetime
from types import SimpleNamespace

import pytest
from ansible_collections.osdr.openstack.plugins.module_utils.cloud.session import Cloud, connect_other
from ansible_collections.osdr.openstack.plugins.module_utils.core.errors import CloudError, InvalidInput
from keystoneauth1.access.access import AccessInfoV3
from keystoneauth1.exceptions import Unauthorized


class Session:
    """A session whose token is good for so many more seconds."""

    def __init__(self, seconds):
        until = datetime.datetime.now(datetime.UTC) + datetime.timedelta(seconds=seconds)
        access = AccessInfoV3({"token": {"expires_at": until.strftime("%Y-%m-%dT%H:%M:%S.%fZ")}})
        self.auth = SimpleNamespace(get_access=lambda session: access)
        self.calls = []

    def invalidate(self):
        self.calls.append("invalidate")

    def get_token(self):
        self.calls.append("get_token")


def warm_up(session, seconds):
    Cloud(SimpleNamespace(session=session), "primary").warm_up(seconds)
    return session.calls


@pytest.mark.parametrize(("left", "calls"), [(3600, []), (360, []), (240, ["invalidate", "get_token"]), (60, ["invalidate", "get_token"])])
def test_a_token_is_renewed_when_it_might_end_within_the_freeze(left, calls):
    assert warm_up(Session(left), 120) == calls


def test_who_cannot_log_in_anew_is_told_before_the_freeze():
    def refuse():
        raise Unauthorized("The password was changed.")

    session = Session(60)
    session.get_token = refuse
    with pytest.raises(CloudError, match="Site 'primary' could not log in again: The password was changed"):
        warm_up(session, 120)


def test_a_password_in_a_url_is_in_no_message():
    auth = {"auth_url": "http://demo:hu@sh@127.0.0.1:9/v3", "username": "demo", "password": "other", "project_name": "demo"}
    with pytest.raises(CloudError, match="Site 'http://127.0.0.1:9/v3' could not log in: .*http://127.0.0.1:9/v3") as raised:
        connect_other({"auth": {**auth, "user_domain_id": "default", "project_domain_id": "default"}, "identity_api_version": "3"})
    assert "sh@" not in str(raised.value)


def test_a_dictionary_with_what_no_plugin_takes_is_refused():
    auth = {"auth_url": "http://127.0.0.1:9", "username": "demo", "password": "hush", "colour": "blue"}
    with pytest.raises(InvalidInput, match="cannot be used: .*colour") as raised:
        connect_other({"auth": auth, "region_name": "here"})
    assert "hush" not in str(raised.value)


def test_the_roles_in_the_project_are_those_of_the_token():
    session = Session(3600)
    session.auth = SimpleNamespace(get_access=lambda session: AccessInfoV3({"token": {"roles": [{"id": "r", "name": "reader"}]}}))
    assert Cloud(SimpleNamespace(session=session), "primary").roles == {"reader"}
    session.auth = SimpleNamespace()
    assert Cloud(SimpleNamespace(session=session), "primary").roles == frozenset()
