# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import pytest
from ansible_collections.osdr.openstack.plugins.module_utils.core.errors import CheckFailed, CloudError, DrError, NotFound, reported, warned


class Failed(Exception):
    pass


class Module:
    """As an AnsibleModule ends."""

    def __init__(self):
        self.warnings = []

    def warn(self, warning):
        self.warnings.append(warning)

    def fail_json(self, **result):
        self.result = result
        raise Failed


@pytest.mark.parametrize(
    ("status", "may_pass"),
    [(None, True), (400, False), (401, False), (404, False), (408, True), (409, False), (413, False), (429, True), (499, False), (500, True), (503, True)],
)
def test_what_may_pass_is_what_the_service_itself_failed_at(status, may_pass):
    facts = {} if status is None else {"http_status": status}
    assert CloudError("No.", **facts).may_pass is may_pass


@pytest.mark.parametrize(("hint", "text"), [(None, "It failed."), ("Mend it.", "It failed. Mend it.")])
def test_a_message_ends_with_the_way_out(hint, text):
    assert str(DrError("It failed.", hint)) == text


def test_no_message_has_what_a_terminal_would_obey():
    """Names, statuses and reasons in it are what others wrote."""
    error = DrError("Server 'a\x1b[2Jb\u202e' is\nforged.", "Say\tso\0.")
    assert str(error) == "Server 'a?[2Jb?' is forged. Say so?."
    assert error.args == (error.message,)


def test_all_problems_of_a_check_are_numbered_and_told_apart():
    error = CheckFailed("It cannot be done", ["No quota.", "No network."])
    assert str(error) == "It cannot be done: this step has changed nothing. (1) No quota. (2) No network."
    assert error.as_result() == {"code": "check_failed", "problems": ["No quota.", "No network."]}


def test_what_several_checks_find_is_told_once():
    error = CheckFailed("It cannot be done", ["No quota.", "No network.", "No quota."])
    assert error.as_result()["problems"] == ["No quota.", "No network."]
    assert str(error).count("No quota.") == 1


def test_a_failure_is_the_modules_result():
    module = Module()
    with pytest.raises(Failed), reported(module):
        raise NotFound("There is none.", "Make one.", http_status=404)
    assert module.result == {"msg": "There is none. Make one.", "error": {"code": "not_found", "http_status": 404}}


def test_a_mistake_of_the_program_is_not_reported_as_a_failure():
    with pytest.raises(KeyError), reported(Module()):
        raise KeyError("name")


def test_a_failure_takes_along_what_was_found_out_before():
    """Such as what a site refuses: no later run may come across it."""
    module, networks, volumes = Module(), [], ["a volume"]
    with pytest.raises(Failed), reported(module), warned(["in the end"]), warned(networks, volumes):
        networks.append("a network")
        raise NotFound("There is none.")
    assert module.warnings == ["in the end", "a network", "a volume"]
