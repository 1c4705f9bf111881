# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What was left empty may come as null, in an answer of a survey or a file of variables. It must not become a key, an id or a limit called "None"."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml
from ansible_collections.osdr.openstack.tests.plays.test_failover_role import Collection
from ansible_collections.osdr.openstack.tests.unit.support import shop

ROOT = Path(__file__).resolve().parents[2]
EXPRESSION = re.compile(r"{{.*?}}", re.DOTALL)
APPLICATION = {"dr_checkpoint_application": shop.DOCUMENT["application"]}


@pytest.fixture
def play(tmp_path):
    nothing_published = {"os_checkpoint_info": {"checkpoint": None}, "os_recovery_point_info": {"recovery_points": [], "metrics": ""}}
    return Collection(tmp_path, {**nothing_published, "os_checkpoint_check": {"checkpoint_check": {"freezes": []}}}).play


def test_nothing_becomes_a_text_before_it_was_asked_whether_it_is_there():
    files = [path for part in ("roles", "playbooks", "awx") for path in (ROOT / part).rglob("*.yml")]
    found = [(path.name, one) for path in files for one in EXPRESSION.findall(path.read_text()) if re.search(r"\| string\b", one)]
    assert len(found) > 10
    assert [one for one in found if "omit if" not in one[1] and "default('', true) | string" not in one[1]] == []


@pytest.mark.parametrize(
    ("given", "signs", "encrypts"),
    [
        # Modules refuse a key that is empty: a secret that was not found must not switch verification off.
        pytest.param(None, [""], [], id="null"),
        pytest.param("", [""], [], id="empty"),
        pytest.param("unsigned", [], ["unsigned"], id="unsigned"),
        pytest.param("secret", ["secret"], ["secret"], id="a key"),
        pytest.param(0, ["0"], ["0"], id="0"),
    ],
)
def test_only_what_is_a_key_is_used_as_one(given, signs, encrypts, play):
    code, output, calls = play("checkpoint", "--check", **APPLICATION, dr_checkpoint_hmac_key=given, dr_checkpoint_user_data_key=given)
    assert code == 0, output
    used = [(option, arguments[option]) for _name, arguments in calls for option in ("hmac_key", "user_data_key") if option in arguments]
    assert used == [("hmac_key", one) for one in signs * 2] + [("user_data_key", one) for one in encrypts]


def test_without_a_word_of_signatures_there_are_none(play):
    code, output, calls = play("checkpoint", "--check", **APPLICATION)
    assert (code, [name for name, arguments in calls if "hmac_key" in arguments]) == (0, []), output


def keys_in(node):
    """What is given as a key anywhere in a document."""
    parts = node.values() if isinstance(node, dict) else node if isinstance(node, list) else ()
    if isinstance(node, dict) and isinstance(node.get("hmac_key"), str):
        yield " ".join(node["hmac_key"].split())
    for part in parts:
        yield from keys_in(part)


def test_every_call_that_takes_a_key_says_what_an_empty_one_means():
    documents = [yaml.safe_load(path.read_text()) for part in ("roles", "playbooks") for path in (ROOT / part).rglob("*.yml")]
    calls = [one for document in documents for one in keys_in(document)]
    assert len(calls) > 15
    for call in calls:
        variable = re.search(r"dr_\w+_hmac_key", call)[0]
        asked = f"{variable} | default('unsigned')" if "default" in call else variable
        assert call == f"{{{{ omit if {asked} == 'unsigned' else '' if {variable} is none else {variable} | string }}}}"


@pytest.mark.parametrize(("playbook", "variable"), [("rpo", "dr_rpo_hmac_key"), ("catalogue_rebuild", "dr_catalogue_hmac_key")])
@pytest.mark.parametrize(("given", "key"), [([], None), ([None], ""), ([""], ""), (["unsigned"], None), (["secret"], "secret")])
def test_a_playbook_takes_a_key_as_a_role_does(playbook, variable, given, key, play):
    _code, output, calls = play(playbook, dr_rpo_cloud="remote", dr_catalogue_cloud="remote", **dict.fromkeys([variable] * len(given), *given))
    assert calls[0][1].get("hmac_key") == key, output


def test_0_is_a_limit_and_null_is_none(play):
    _code, _output, calls = play("rpo", dr_rpo_cloud="remote", dr_rpo_max_age=None, dr_rpo_max_drill_age=0, dr_rpo_max_proof_age=None)
    ((name, arguments),) = calls
    assert "max_proof_age" not in arguments
    assert (name, "max_age" in arguments, str(arguments["max_drill_age"])) == ("os_recovery_point_info", False, "0")


def test_a_drill_that_is_null_is_neither_one_called_none_nor_the_application_itself(play):
    code, output, calls = play("cleanup", dr_cleanup_cloud="remote", dr_cleanup_application="shop", dr_cleanup_checkpoint="noon", dr_cleanup_drill=None)
    assert (code != 0, calls) == (True, []), output
    assert "Give dr_cleanup_drill, the id of the drill." in output
