# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the filter freezes, thaws, remembers and forgets. The lab has a real Nova; here its inside is played."""

from __future__ import annotations

import datetime
import json
import re
from types import SimpleNamespace
from unittest.mock import MagicMock

import pytest
from ansible_collections.osdr.openstack.tests.unit.support.nova_internals import (
    AWAY,
    BASE_RULE,
    BROKEN,
    FILTER,
    FROZEN,
    IMAGE_TASKS,
    POWER,
    STOOD,
    Context,
    Deployment,
    Refused,
    UnexpectedTaskStateError,
    loaded,
)

UUID = "id-db"


@pytest.fixture
def nova():
    return Deployment()


@pytest.fixture
def api(nova):
    with loaded(nova) as module:
        yield module


@pytest.fixture
def db(nova):
    return nova.server()


@pytest.fixture
def guest(nova, db):
    return nova.guests[UUID]


class Client:
    """Sends requests through the filter, as one user."""

    def __init__(self, api, context=None):
        api.Sweeper = MagicMock()
        self.passed = object()
        self.filter = api.filter_factory({})(self.passed)
        self.sweeper, self.context = api.Sweeper, context or Context()

    def send(self, method, path, body=None, headers=None):
        text = body if isinstance(body, str) else json.dumps(body)
        environ = {"nova.context": self.context}
        return self.filter(SimpleNamespace(path_info=path, method=method, body=text, environ=environ, headers=headers or {}))

    def act(self, action, arguments=None, uuid=UUID, headers=None):
        return seen(self.send("POST", f"/v2.1/servers/{uuid}/action", {action: arguments}, headers))

    def show(self, uuid=UUID):
        return seen(self.send("GET", f"/v2.1/servers/{uuid}/os-quiesce"))

    def quiesce(self, **arguments):
        return self.act("quiesce", arguments or None)

    def unquiesce(self, **arguments):
        return self.act("unquiesce", arguments or None)


def seen(answer):
    """Status and content, or status and message."""
    if hasattr(answer, "explanation"):
        return answer.code, answer.explanation
    return (answer.status, json.loads(answer.text)["quiesce"]) if hasattr(answer, "status") else answer


@pytest.fixture
def client(api, db):
    return Client(api)


def later(nova, seconds):
    return (nova.clock.now() + datetime.timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def expire(api, nova, patience=30):
    """Whether the sweep is done with the server: True, False, or that its thaw failed; and what is known of it then."""
    instance, failed = nova.instance(), False
    try:
        api.Quiescer(api.Computes()).expire(Context(), instance, api.Record.of(instance), patience)
    except api.AgentFailed:
        failed = True
    record, ended = api.Record.of(nova.instance()), api.Ended.of(nova.instance())
    return "failed" if failed else record is None, record, ended


def freeze(client, nova, minutes=2, **arguments):
    """A server that was frozen so long ago, and that nobody has thawed."""
    assert client.quiesce(**arguments)[0] == 202
    nova.clock.turn(60 * minutes)


# Freezing ----------------------------------------------------------------------------------


def test_a_freeze_is_answered_with_all_that_identifies_it(client, nova, guest, db):
    status, content = client.quiesce(timeout=100, token="ours")
    assert (status, guest.is_frozen) == (202, True)
    assert content == {
        "state": "quiesced",
        "since": later(nova, 0),
        "until": later(nova, 100),
        "settled": later(nova, 0),
        "user_id": "admin",
        "project_id": "operators",
        "request_id": client.context.request_id,
        "token": "ours",
        "now": later(nova, 0),
        "default_timeout": 60,
        "max_timeout": 300,
        "create_image": True,
    }
    assert client.show() == (200, content)
    assert db.task_state is None
    assert db.system_metadata["image_os"] == "linux"
    assert nova.log == [(UUID, "quiesce", "operators")]


def test_an_answer_is_json_that_clients_can_decode(client, nova, guest):
    answer = client.send("POST", f"/v2.1/servers/{UUID}/action", {"quiesce": None})
    assert (answer.status, answer.content_type, answer.charset) == (202, "application/json", "UTF-8")
    assert answer.text.isascii()


def test_the_filter_tells_the_time_in_utc(api, nova):
    before = datetime.datetime.now(datetime.UTC)
    now = nova.own_now()
    assert now.utcoffset() == datetime.timedelta(0)
    assert before <= now <= datetime.datetime.now(datetime.UTC)


def test_nova_s_log_of_a_server_has_what_was_done_with_it_and_how_that_ended(client, nova, api, guest):
    api.CONF.host = "controller1"
    client.quiesce()
    guest.fails_with = BROKEN
    client.unquiesce()
    assert [action for _uuid, action, _project in nova.log] == ["quiesce", "unquiesce"]
    assert nova.reported == [
        ("api_quiesce_instance", "controller1", UUID, None),
        ("api_unquiesce_instance", "controller1", UUID, "AgentFailed"),
    ]
    # One that failed is not finished, by which Nova shows that it did.
    assert nova.finished == [(UUID, "operators")]


def test_a_freeze_without_a_token_has_that_of_its_request(client):
    assert client.quiesce()[1]["token"] == client.context.request_id


@pytest.mark.parametrize(
    ("arguments", "seconds"),
    [
        ({}, 60),
        ({"timeout": 100}, 100),
        ({"timeout": 100_000}, 300),
        ({"until": 50}, 50),
        ({"until": 100_000}, 300),
        ({"until": 50, "timeout": 20}, 20),
        ({"until": 20, "timeout": 50}, 20),
        ({"until": 200}, 200),
        ({"until": 20, "timeout": 50, "token": "ours", "probe": False}, 20),
    ],
)
def test_the_earlier_of_all_limits_holds(client, nova, arguments, seconds):
    if "until" in arguments:
        arguments = {**arguments, "until": later(nova, arguments["until"])}
    assert client.quiesce(**arguments)[1]["until"] == later(nova, seconds)


def test_a_request_that_arrives_after_its_deadline_freezes_nobody(client, nova, guest):
    until = later(nova, 10)
    nova.clock.turn(10)
    status, message = client.quiesce(until=until)
    assert (status, guest.calls) == (409, [])
    assert f"was to be thawed at {until}, which has passed" in message


@pytest.mark.parametrize(
    "wrong",
    [
        [], "x", 5, True, {"timeout": 0}, {"timeout": -1}, {"timeout": "soon"}, {"timeout": True}, {"timeout": 1.5}, {"probe": 1}, {"probe": "no"}, {"more": 1},
        {"until": 5}, {"until": "soon"}, {"until": "2026-11-29T12:00:00"}, {"until": "0001-01-01T00:00:00+14:00"},
        {"token": ""}, {"token": 5}, {"token": "a b"}, {"token": "x" * 65}, {"token": "a\n"},
    ],
)
def test_arguments_that_cannot_be_meant_are_refused(client, guest, wrong):
    status, message = client.act("quiesce", wrong)
    assert (status, guest.calls) == (400, [])
    assert "'quiesce' takes null" in message


@pytest.mark.parametrize("wrong", [[], "x", 5, {"force": False}, {"force": 1}, {"token": ""}, {"token": None}, {"token": "a", "force": True}, {"other": 1}])
def test_a_thaw_with_arguments_that_cannot_be_meant_is_refused(client, wrong):
    assert client.act("unquiesce", wrong)[0] == 400


@pytest.mark.parametrize(
    ("columns", "problem"),
    [
        ({"vm_state": "error"}, "is error, not active"),
        ({"vm_state": "stopped"}, "is stopped, not active"),
        ({"task_state": "rebooting"}, "busy with the task rebooting"),
        ({"host": "gone"}, "compute service of host gone is down"),
        ({"host": "dead"}, "compute service of host dead is down"),
    ],
)
def test_servers_that_cannot_be_frozen_are_refused_with_the_reason(api, nova, columns, problem):
    nova.server(**columns)
    nova.down.add("dead")
    status, message = Client(api).quiesce()
    assert (status, nova.guests[UUID].calls) == (409, [])
    assert message.startswith(f"Server {UUID} cannot be quiesced: it ")
    assert problem in message


def test_a_locked_server_is_frozen_for_administrators_only(api, nova, guest):
    nova.rows[UUID].locked = True
    status, message = Client(api, Context(is_admin=False, rules=("quiesce",))).quiesce()
    assert (status, "is locked" in message) == (409, True)
    assert Client(api).quiesce()[0] == 202


def test_who_holds_a_freeze_is_refused_to_others(client, nova, guest):
    client.quiesce(token="first")
    since = later(nova, 0)
    status, message = client.quiesce(token="second")
    assert status == 409
    assert f"has been quiesced since {since} by request {client.context.request_id}" in message
    assert guest.freezes == 1


def test_of_two_that_read_the_server_at_once_one_gets_it(api, nova, guest):
    quiescer = api.Quiescer(api.Computes())
    first, second = nova.instance(), nova.instance()
    wish = api.Wish(nova.clock.now() + datetime.timedelta(seconds=60), "token", False)
    quiescer.quiesce(Context(), first, wish)
    with pytest.raises(UnexpectedTaskStateError, match=r"Expected: {'task_state': None}. Actual: {'task_state': 'another one'}"):
        quiescer.quiesce(Context(), second, wish)
    assert (guest.freezes, nova.rows[UUID].task_state) == (1, None)
    assert api.Record.of(nova.instance()).state == "quiesced"


def test_while_the_filter_is_at_work_the_server_has_a_task_and_a_record(client, nova, api, guest):
    found = []
    guest.ask = lambda method, seconds: found.append((nova.rows[UUID].task_state, api.Record.of(nova.instance()).state, seconds))
    client.quiesce(timeout=10)
    assert found == [("quiescing", "quiescing", 10)]
    client.unquiesce()
    # It counts as frozen until its thaw is confirmed.
    assert found[1:] == [("unquiescing", "quiesced", 30)] * 2


def test_a_freeze_counts_from_when_it_is_confirmed(client, nova, guest):
    real = guest.ask
    guest.ask = lambda method, seconds: (nova.clock.turn(3), real(method, seconds))
    start = later(nova, 0)
    content = client.quiesce(timeout=60)[1]
    assert (content["since"], content["settled"], content["until"]) == (later(nova, 0), later(nova, 0), later(nova, 57))
    assert start < content["since"]


@pytest.mark.parametrize(("timeout", "seconds"), [(10, 50), (100, 70)])
def test_a_freeze_whose_process_dies_is_not_over_before_it_can_no_longer_come(client, nova, api, guest, timeout, seconds):
    start, found = nova.clock.now(), []
    guest.ask = lambda method, timeout: found.append(api.Record.of(nova.instance()))
    client.quiesce(timeout=timeout)
    assert found[0].settled == start + datetime.timedelta(seconds=seconds)


@pytest.mark.parametrize(("timeout", "patience"), [(10, 10), (100, 30), (1, 1)])
def test_an_agent_gets_no_more_time_than_the_freeze_has(client, guest, timeout, patience):
    client.quiesce(timeout=timeout)
    assert guest.calls == [("quiesce_instance", patience)]


def test_a_freeze_that_is_late_is_thawed_until_it_cannot_come_any_more(client, nova, api, guest):
    guest.hangs = True
    status, message = client.quiesce(timeout=60)
    assert status == 504
    assert "did not answer within 30 s" in message
    record = api.Record.of(nova.instance())
    assert (record.state, record.is_due, nova.rows[UUID].task_state) == ("unquiescing", True, None)
    assert record.settled == nova.clock.now() + datetime.timedelta(seconds=40)
    guest.hangs = False
    assert expire(api, nova)[0] is False
    assert expire(api, nova)[1].until == nova.clock.now() + datetime.timedelta(seconds=5)
    nova.clock.turn(40)
    done, record, ended = expire(api, nova)
    assert (done, record, ended.outcome, ended.intact) == (True, None, "expired", False)


@pytest.mark.parametrize("message", [AWAY, "QEMU guest agent is not configured", FROZEN])
def test_a_freeze_that_was_refused_leaves_nothing(client, guest, nova, api, message):
    guest.fails_with = message
    status, said = client.quiesce()
    assert (status, message in said) == (409, True)
    assert said.startswith(f"Server {UUID} was not quiesced: ")
    assert (guest.asked, api.Record.of(nova.instance()), nova.rows[UUID].task_state) == (["quiesce"], None, None)


@pytest.mark.parametrize(("thaws", "state"), [(True, None), (False, "unquiescing")])
def test_a_freeze_that_failed_in_between_is_undone(client, guest, nova, api, thaws, state):
    real, guest.fails_with = guest.ask, BROKEN

    def ask(method, seconds):
        if method == "unquiesce_instance" and thaws:
            guest.fails_with = None
        real(method, seconds)

    guest.ask = ask
    assert client.quiesce()[0] == 409
    record = api.Record.of(nova.instance())
    assert (record and record.state, guest.asked) == (state, ["quiesce", "unquiesce"])
    if record:
        assert record.settled == nova.clock.now() + datetime.timedelta(seconds=40)


def test_a_freeze_whose_server_somebody_reset_meanwhile_is_thawed(client, guest, nova):
    real = guest.ask

    def ask(method, seconds):
        real(method, seconds)
        nova.rows[UUID].task_state = None

    guest.ask = ask
    status, message = client.quiesce()
    assert (status, guest.is_frozen) == (409, False)
    assert "Another task took server" in message


def test_nothing_that_goes_wrong_after_a_freeze_keeps_it(client, guest, nova):
    real = guest.ask

    def ask(method, seconds):
        real(method, seconds)
        nova.on_save = MagicMock(side_effect=RuntimeError("database"))

    guest.ask = ask
    with pytest.raises(RuntimeError, match="database"):
        client.quiesce()
    assert not guest.is_frozen


# Probing -----------------------------------------------------------------------------------


def test_a_probe_asks_the_agent_and_freezes_nothing(client, guest, nova, api):
    status, content = client.quiesce(probe=True, timeout=10)
    assert (status, content["state"]) == (202, "none")
    assert guest.calls == [("unquiesce_instance", 10)]
    assert (api.Record.of(nova.instance()), nova.rows[UUID].task_state) == (None, None)


def test_a_probe_holds_the_server_no_longer_than_its_agent_may_take(client, guest, nova, api):
    found = []
    guest.ask = lambda method, seconds: found.append(api.Record.of(nova.instance()))
    client.quiesce(probe=True, timeout=10)
    assert (found[0].state, found[0].until) == ("unquiescing", nova.clock.now() + datetime.timedelta(seconds=15))


def test_a_probe_of_an_agent_that_is_away_leaves_nothing(client, guest, nova, api):
    guest.fails_with = AWAY
    assert client.quiesce(probe=True)[0] == 409
    assert (api.Record.of(nova.instance()), nova.rows[UUID].task_state) == (None, None)


def test_a_probe_of_an_agent_that_hangs_may_thaw_later_so_nobody_freezes_before(client, guest, nova, api):
    guest.hangs = True
    assert client.quiesce(probe=True)[0] == 504
    assert api.Record.of(nova.instance()).settled == nova.clock.now() + datetime.timedelta(seconds=40)
    assert client.quiesce()[0] == 409


# Thawing -----------------------------------------------------------------------------------


def test_a_thaw_says_that_the_freeze_had_held(client, guest, nova, db):
    client.quiesce(token="ours")
    status, content = client.unquiesce(token="ours")
    assert (status, guest.is_frozen, db.task_state) == (202, False, None)
    assert content["state"] == "none"
    assert content["last"] == {"token": "ours", "outcome": "unquiesced", "intact": True, "at": later(nova, 0)}
    assert [action for _uuid, action, _project in nova.log] == ["quiesce", "unquiesce"]
    assert nova.finished == [(uuid, project) for uuid, _action, project in nova.log]
    limits = {"default_timeout": 60, "max_timeout": 300, "create_image": True}
    assert client.show()[1] == {"state": "none", "last": content["last"], "now": later(nova, 0), **limits}


def test_a_thaw_that_was_carried_out_is_confirmed_as_often_as_it_is_asked_for(client, guest):
    client.quiesce(token="ours")
    first = client.unquiesce(token="ours")
    assert client.unquiesce(token="ours") == first
    assert guest.asked == ["quiesce", "quiesce", "unquiesce"]


def test_a_guest_that_was_thawed_in_between_is_not_intact(client, guest):
    client.quiesce(token="ours")
    guest.is_frozen = False
    assert client.unquiesce(token="ours")[1]["last"]["intact"] is False
    assert not guest.is_frozen


def test_others_do_not_thaw_what_they_do_not_hold(api, client, guest, nova):
    client.quiesce(token="ours")
    for status, message in (client.unquiesce(token="theirs"), client.unquiesce()):
        assert status == 409
        assert f"is held by another freeze, since {later(nova, 0)} by request {client.context.request_id}" in message
    assert guest.is_frozen


def test_by_its_token_anybody_thaws_whom_policy_allows(api, client, guest):
    client.quiesce(token="ours")
    assert Client(api, Context("other", False, ("unquiesce",))).unquiesce(token="ours")[0] == 202
    assert not guest.is_frozen


def test_a_freeze_without_a_token_is_thawed_by_its_user_or_by_the_token_it_got(api, client, guest):
    token = client.quiesce()[1]["token"]
    assert Client(api, Context("other")).unquiesce()[0] == 409
    assert guest.is_frozen
    assert client.unquiesce()[0] == 202
    client.quiesce()
    assert Client(api, Context("other")).unquiesce(token=token)[0] == 202
    assert not guest.is_frozen


def test_what_others_hold_is_thawed_by_force_where_policy_allows(api, client, guest):
    client.quiesce(token="ours")
    for rules in (("unquiesce",), ("force",)):
        status, message = Client(api, Context("other", False, rules)).unquiesce(force=True)
        assert (status, "Policy doesn't allow os_compute_api:os-quiesce:" in message) == (403, True)
    assert guest.is_frozen
    status, content = Client(api, Context("other", False, ("unquiesce", "force"))).unquiesce(force=True)
    assert (status, content["last"]["token"], guest.is_frozen) == (202, "ours", False)


def test_a_thaw_without_a_token_of_a_server_that_nobody_froze_is_refused(client, guest):
    for answer in (client.unquiesce(), client.unquiesce(force=True)):
        assert answer == (409, f"Server {UUID} is not quiesced.")
    assert guest.calls == []


def test_a_freeze_that_was_given_up_before_it_arrived_is_refused_when_it_does(client, guest, db):
    status, content = client.unquiesce(token="ours")
    assert (status, content["state"], content["last"]["outcome"], content["last"]["intact"]) == (202, "none", "unknown", False)
    assert db.system_metadata["image_os"] == "linux"
    status, message = client.quiesce(token="ours")
    assert (status, guest.calls) == (409, [])
    assert "already had freeze ours, which ended" in message
    assert client.quiesce(token="another")[0] == 202


def test_a_freeze_that_arrives_while_it_is_given_up_is_refused(api, nova, guest):
    quiescer = api.Quiescer(api.Computes())
    before = nova.instance()
    quiescer.rule_out(nova.instance(), "ours")
    with pytest.raises(UnexpectedTaskStateError):
        quiescer.quiesce(Context(), before, api.Wish(nova.clock.now(), "ours", False))
    assert (guest.calls, nova.rows[UUID].task_state) == ([], None)


def test_a_freeze_that_is_under_way_is_not_given_up_but_waited_for(client, nova, guest):
    nova.rows[UUID].task_state = "quiescing"
    status, message = client.unquiesce(token="ours")
    assert (status, "busy with the task quiescing; try again" in message) == (409, True)
    assert "quiesce_ended" not in nova.rows[UUID].system_metadata


def test_giving_up_a_freeze_loses_against_one_that_has_just_begun(api, nova, guest):
    before = nova.instance()
    nova.rows[UUID].task_state = "quiescing"
    with pytest.raises(UnexpectedTaskStateError):
        api.Quiescer(api.Computes()).rule_out(before, "ours")


def test_a_busy_server_is_not_thawed_beside_its_task(client, nova, guest):
    client.quiesce(token="ours")
    nova.rows[UUID].task_state = "unquiescing"
    assert client.unquiesce(token="ours")[0] == 409
    assert guest.asked == ["quiesce"]


def test_a_thaw_that_may_be_followed_by_a_late_freeze_is_not_the_end(client, nova, guest):
    guest.hangs = True
    client.quiesce(token="ours")
    guest.hangs = False
    status, content = client.unquiesce(token="ours")
    assert (status, content["state"]) == (202, "unquiescing")
    assert "last" not in content
    assert guest.asked == ["quiesce", "unquiesce"]
    nova.clock.turn(40)
    status, content = client.unquiesce(token="ours")
    assert (content["state"], content["last"]["intact"]) == ("none", False)


def test_a_thaw_without_an_answer_is_left_to_the_sweep(client, nova, api, guest):
    client.quiesce(token="ours")
    guest.hangs = True
    status, message = client.unquiesce(token="ours")
    assert (status, message.startswith(f"Server {UUID} was not unquiesced; Nova keeps trying")) == (504, True)
    record = api.Record.of(nova.instance())
    assert (record.state, record.is_due, record.token) == ("unquiescing", True, "ours")
    assert record.settled == nova.clock.now() + datetime.timedelta(seconds=40)


def test_a_question_without_an_answer_may_freeze_late_whatever_the_thaw_does(client, nova, api, guest):
    """Whether it is still frozen is asked by a freeze."""
    client.quiesce(token="ours")
    real, guest.hangs = guest.ask, True

    def ask(method, seconds):
        try:
            real(method, seconds)
        finally:
            guest.hangs = False

    guest.ask = ask
    assert client.unquiesce(token="ours")[0] == 504
    record = api.Record.of(nova.instance())
    assert (record.state, record.is_due) == ("unquiescing", True)
    assert record.settled == nova.clock.now() + datetime.timedelta(seconds=40)


def test_a_thaw_that_failed_is_left_to_the_sweep_at_once(client, nova, api, guest):
    client.quiesce(token="ours")
    nova.clock.turn(1)
    guest.fails_with = BROKEN
    assert client.unquiesce(token="ours")[0] == 409
    record = api.Record.of(nova.instance())
    assert (record.state, record.until, nova.rows[UUID].task_state) == ("unquiescing", nova.clock.now(), None)


def test_a_freeze_whose_guest_thawed_itself_is_not_intact(client, nova, api, guest):
    """The guard in the guest leaves the agent in its frozen state; its hook fails the next thaw."""
    client.quiesce(token="ours")
    real, failures = guest.ask, [BROKEN]

    def ask(method, seconds):
        guest.fails_with = failures.pop() if method == "unquiesce_instance" and failures else None
        real(method, seconds)

    guest.ask = ask
    status, message = client.unquiesce(token="ours")
    assert (status, "hook has failed" in message) == (409, True)
    assert expire(api, nova)[0] is True
    last = client.unquiesce(token="ours")[1]["last"]
    assert (last["outcome"], last["intact"]) == ("expired", False)


def test_a_thaw_holds_the_server_for_two_answers_of_its_agent(client, nova, api, guest):
    client.quiesce(token="ours")
    found = []
    guest.ask = lambda method, seconds: found.append(api.Record.of(nova.instance()).until)
    client.unquiesce(token="ours")
    assert found[0] == nova.clock.now() + datetime.timedelta(seconds=65)


def test_a_server_that_is_gone_is_not_found(client, nova, guest):
    client.quiesce(token="ours")
    nova.on_save = lambda instance: nova.rows.pop(UUID, None)
    assert client.unquiesce(token="ours")[0] in (404, 409)
    nova.rows.clear()
    assert client.unquiesce(token="ours") == (404, f"Instance {UUID} could not be found.")


# What the sweep forgets, and what not ----------------------------------------------------------


def test_a_server_that_nobody_thawed_is_thawed_and_forgotten(client, nova, api, guest):
    freeze(client, nova, token="ours")
    done, record, ended = expire(api, nova)
    assert (done, record, guest.is_frozen, nova.rows[UUID].task_state) == (True, None, False, None)
    assert (ended.token, ended.outcome, ended.intact) == ("ours", "expired", False)
    assert nova.log[-1][1] == "unquiesce"
    assert guest.calls[-1] == ("unquiesce_instance", 30)


@pytest.mark.parametrize("power", ["RUNNING", "NOSTATE", "PAUSED"])
def test_a_server_in_error_may_run_frozen_and_is_thawed(client, nova, api, guest, power):
    freeze(client, nova, token="ours")
    nova.rows[UUID].vm_state, nova.rows[UUID].power_state = "error", POWER[power]
    done, record, ended = expire(api, nova)
    assert (done, record, ended.outcome, guest.is_frozen) == (True, None, "expired", False)


def test_a_client_thaws_a_server_in_error(client, nova, guest):
    client.quiesce(token="ours")
    nova.rows[UUID].vm_state = "error"
    assert client.unquiesce(token="ours")[1]["last"]["intact"] is True
    assert not guest.is_frozen


@pytest.mark.parametrize("vm_state", ["active", "error", "building", "deleted"])
@pytest.mark.parametrize("power", ["RUNNING", "NOSTATE", "PAUSED", "SHUTDOWN", "CRASHED", "SUSPENDED"])
@pytest.mark.parametrize("message", [AWAY, STOOD, BROKEN])
def test_a_server_whose_guest_may_be_frozen_is_never_forgotten(client, nova, api, guest, vm_state, power, message):
    """But by two witnesses: Nova knows that it has no power, and the hypervisor that it does not run."""
    freeze(client, nova, minutes=600)
    nova.rows[UUID].vm_state, nova.rows[UUID].power_state = vm_state, POWER[power]
    guest.fails_with = message
    done, record, ended = expire(api, nova)
    if vm_state == "error" and power in ("SHUTDOWN", "CRASHED") and message == STOOD:
        assert (done, record, ended.outcome) == (True, None, "stopped")
    else:
        assert (done, record.state, ended) == ("failed", "unquiescing", None)
        assert record.until == nova.clock.now() + datetime.timedelta(seconds=5)
    assert nova.rows[UUID].task_state is None


@pytest.mark.parametrize("vm_state", ["paused", "suspended"])
@pytest.mark.parametrize("power", ["PAUSED", "SHUTDOWN", "RUNNING", "NOSTATE"])
def test_a_server_that_stands_still_is_thawed_when_it_resumes_however_late(client, nova, api, guest, vm_state, power):
    freeze(client, nova, minutes=600)
    nova.rows[UUID].vm_state, nova.rows[UUID].power_state = vm_state, POWER[power]
    done, record, _ended = expire(api, nova)
    assert (done, record.state, guest.asked) == (False, "unquiescing", ["quiesce"])
    # Whoever is to resume it finds no task.
    assert nova.rows[UUID].task_state is None
    assert record.until == nova.clock.now() + datetime.timedelta(seconds=5)
    assert record.settled == nova.clock.now() + datetime.timedelta(seconds=40)
    nova.rows[UUID].vm_state = "active"
    assert expire(api, nova)[0] is False
    assert not guest.is_frozen
    nova.clock.turn(41)
    assert expire(api, nova)[0] is True


@pytest.mark.parametrize(
    ("vm_state", "power"),
    [
        ("stopped", "SHUTDOWN"), ("stopped", "CRASHED"), ("stopped", "NOSTATE"), ("soft_deleted", "SHUTDOWN"),
        ("rescued", "RUNNING"), ("resized", "RUNNING"), ("shelved", "SHUTDOWN"), ("shelved_offloaded", "NOSTATE"),
    ],
)
def test_a_server_that_was_switched_off_is_forgotten(client, nova, api, guest, vm_state, power):
    freeze(client, nova, token="ours")
    nova.rows[UUID].vm_state, nova.rows[UUID].power_state = vm_state, POWER[power]
    done, record, ended = expire(api, nova)
    assert (done, record, ended.token, ended.outcome, ended.intact) == (True, None, "ours", "stopped", False)
    assert (guest.asked, nova.rows[UUID].system_metadata["image_os"]) == (["quiesce"], "linux")
    assert client.unquiesce(token="ours")[1]["last"]["outcome"] == "stopped"


@pytest.mark.parametrize("vm_state", ["stopped", "soft_deleted"])
def test_a_server_that_has_power_though_nova_thinks_it_is_off_is_thawed(client, nova, api, guest, vm_state):
    freeze(client, nova)
    nova.rows[UUID].vm_state = vm_state
    assert (expire(api, nova)[0], guest.is_frozen) == (True, False)


def test_a_server_without_a_host_has_no_guest(client, nova, api, guest):
    freeze(client, nova)
    nova.rows[UUID].vm_state, nova.rows[UUID].host = "error", None
    done, record, ended = expire(api, nova)
    assert (done, record, ended.outcome, guest.asked) == (True, None, "stopped", ["quiesce"])


def test_a_task_left_by_a_process_that_died_ends_with_the_record(client, nova, api, guest):
    freeze(client, nova)
    nova.rows[UUID].vm_state, nova.rows[UUID].power_state, nova.rows[UUID].task_state = "stopped", POWER["SHUTDOWN"], "unquiescing"
    assert (expire(api, nova)[0], nova.rows[UUID].task_state) == (True, None)


@pytest.mark.parametrize("task", ["migrating", "image_snapshot", "powering-off", "rebooting", "deleting", "pausing"])
@pytest.mark.parametrize("vm_state", ["active", "error", "stopped", "paused"])
def test_a_server_with_a_task_is_thawed_meanwhile_and_not_forgotten(client, nova, api, guest, task, vm_state):
    freeze(client, nova)
    nova.rows[UUID].vm_state, nova.rows[UUID].task_state, nova.rows[UUID].power_state = vm_state, task, POWER["SHUTDOWN"]
    done, record, _ended = expire(api, nova)
    assert (done, record.state, guest.is_frozen, nova.rows[UUID].task_state) == (False, "quiesced", False, task)


def test_a_server_that_changes_while_it_is_forgotten_is_looked_at_again(client, nova, api, guest):
    freeze(client, nova)
    nova.rows[UUID].vm_state, nova.rows[UUID].power_state = "stopped", POWER["SHUTDOWN"]
    for column, value in (("vm_state", "active"), ("task_state", "powering-on")):
        stale = nova.instance()
        before = getattr(nova.rows[UUID], column)
        setattr(nova.rows[UUID], column, value)
        with pytest.raises(UnexpectedTaskStateError):
            api.Quiescer(api.Computes()).expire(Context(), stale, api.Record.of(stale), 30)
        setattr(nova.rows[UUID], column, before)
    assert api.Record.of(nova.instance()) is not None


@pytest.mark.parametrize("event", ["compute_reboot_instance", "compute_stop_instance", "compute_rebuild_instance", "compute_start_instance"])
@pytest.mark.parametrize("message", [AWAY, STOOD])
def test_a_guest_that_was_restarted_and_has_no_agent_is_forgotten(client, nova, api, guest, event, message):
    freeze(client, nova, token="ours")
    nova.restarts(event)
    guest.fails_with = message
    done, record, ended = expire(api, nova)
    assert (done, record, ended.outcome, ended.intact) == (True, None, "restarted", False)


@pytest.mark.parametrize(
    "note",
    [
        {"result": "Error"}, {"result": None}, {"event": "compute_attach_volume"}, {"event": "compute_resume_instance"},
        {"event": "compute_unpause_instance"}, {"uuid": "another"},
    ],
)
def test_what_does_not_restart_a_guest_does_not_end_its_freeze(client, nova, api, guest, note):
    freeze(client, nova)
    nova.restarts(**note)
    guest.fails_with = AWAY
    assert expire(api, nova)[0] == "failed"


def test_a_restart_before_the_freeze_does_not_end_it(client, nova, api, guest):
    nova.restarts()
    freeze(client, nova)
    # An earlier action that is finished only now.
    nova.actions[0].updated_at = nova.clock.now()
    guest.fails_with = AWAY
    assert expire(api, nova)[0] == "failed"
    nova.events[1][0].start_time = nova.clock.now().replace(tzinfo=None)
    assert expire(api, nova)[0] is True


def test_an_agent_that_answers_badly_after_a_restart_is_asked_again(client, nova, api, guest):
    freeze(client, nova)
    nova.restarts()
    guest.fails_with = BROKEN
    assert expire(api, nova)[0] == "failed"
    guest.fails_with, guest.hangs = None, True
    assert expire(api, nova)[0] == "failed"


def test_an_agent_that_is_restarted_finds_its_guest_frozen_and_thaws_it(client, nova, api, guest):
    freeze(client, nova)
    guest.fails_with = AWAY
    for _time in range(2):
        assert expire(api, nova)[0] == "failed"
    guest.fails_with = None
    assert (expire(api, nova)[0], guest.is_frozen) == (True, False)


def test_the_sweep_holds_a_server_for_one_answer_of_its_agent(client, nova, api, guest):
    freeze(client, nova)
    found = []
    guest.ask = lambda method, seconds: found.append((api.Record.of(nova.instance()).until, nova.rows[UUID].task_state, seconds))
    expire(api, nova, patience=7)
    assert found == [(nova.clock.now() + datetime.timedelta(seconds=12), "unquiescing", 7)]


def test_only_a_freeze_that_nobody_ended_is_warned_of(client, nova, api, guest):
    freeze(client, nova)
    guest.fails_with = AWAY
    api.LOG.reset_mock()
    expire(api, nova)
    assert "was not unquiesced in time" in api.LOG.warning.call_args.args[0]
    api.LOG.reset_mock()
    expire(api, nova)
    api.LOG.warning.assert_not_called()


def test_a_record_that_is_damaged_is_one_that_is_over(client, nova, api, guest):
    freeze(client, nova, minutes=0)
    for key in ("quiesce_until", "quiesce_settled", "quiesce_since", "quiesce_token"):
        nova.rows[UUID].system_metadata[key] = "2026-11-29T12:00:00" if key == "quiesce_until" else "soon"
    record = api.Record.of(nova.instance())
    assert (record.is_due, record.state) == (True, "quiesced")
    del nova.rows[UUID].system_metadata["quiesce_since"]
    assert (expire(api, nova)[0], guest.is_frozen) == (True, False)


@pytest.mark.parametrize("text", ["", "{}", "[]", "null", "5", '{"token": "a"}', "{"])
def test_an_end_that_cannot_be_read_is_none(api, text):
    assert api.Ended.of(SimpleNamespace(system_metadata={"quiesce_ended": text})) is None


def test_what_is_kept_fits_into_nova(client, nova, db):
    client.quiesce(token="x" * 64)
    client.unquiesce(token="x" * 64)
    client.quiesce(token="y" * 64)
    assert all(len(value) <= 255 and isinstance(value, str) for value in db.system_metadata.values())
    client.unquiesce(token="y" * 64)
    assert set(db.system_metadata) == {"image_os", "quiesce_ended"}


# Images ----------------------------------------------------------------------------------------


def imaging(client, nova, task="image_uploading", token="ours"):
    """A frozen server of which Nova is making an image."""
    client.quiesce(token="ours")
    answer = client.act("createImage", {"name": "root"}, headers={"X-OpenStack-Quiesce-Token": token})
    nova.rows[UUID].task_state = task
    return answer


def test_who_holds_a_freeze_may_have_an_image_made(client, nova, guest):
    assert imaging(client, nova) is client.passed
    assert guest.is_frozen


@pytest.mark.parametrize("token", ["theirs", "", None])
def test_others_may_not(client, nova, guest, token):
    client.quiesce(token="ours")
    status, message = client.act("createImage", {"name": "root"}, headers={"X-OpenStack-Quiesce-Token": token} if token is not None else {})
    assert (status, "Cannot 'createImage'" in message) == (409, True)


def test_who_holds_a_freeze_may_do_nothing_else_that_would_break_it(client, guest):
    client.quiesce(token="ours")
    assert client.act("createBackup", {}, headers={"X-OpenStack-Quiesce-Token": "ours"})[0] == 409


def test_no_image_is_made_while_the_freeze_is_under_way(client, nova, api, guest):
    guest.ask = MagicMock(side_effect=lambda *_args: answers.append(client.act("createImage", {}, headers={"X-OpenStack-Quiesce-Token": "ours"})))
    answers = []
    client.quiesce(token="ours")
    assert answers[0][0] == 409


@pytest.mark.parametrize("task", IMAGE_TASKS)
def test_a_thaw_does_not_wait_for_an_image_nor_touch_nova_s_task(client, nova, db, guest, task):
    imaging(client, nova, task)
    states = []
    nova.on_save = lambda instance: states.append(instance.task_state)
    status, content = client.unquiesce(token="ours")
    assert (status, content["state"], content["last"]["intact"], guest.is_frozen) == (202, "none", True, False)
    assert (db.task_state, set(states)) == (task, {task})
    assert set(db.system_metadata) == {"image_os", "quiesce_ended"}


def test_a_guest_that_was_thawed_while_an_image_was_made_is_not_intact(client, nova, guest):
    imaging(client, nova)
    guest.is_frozen = False
    assert client.unquiesce(token="ours")[1]["last"]["intact"] is False
    assert not guest.is_frozen


def test_beside_an_image_only_one_request_thaws(client, nova, api, guest):
    """A second one would freeze the guest again for a moment, to find out whether it still is."""
    imaging(client, nova)
    asked, answers = guest.ask, []

    def ask(method, seconds):
        answers.append(client.unquiesce(token="ours"))
        asked(method, seconds)

    guest.ask = ask
    assert client.unquiesce(token="ours")[0] == 202
    assert {status for status, _message in answers} == {409}
    assert all("is being unquiesced by another request; try again" in message for _status, message in answers)


def test_of_two_that_read_the_record_at_once_one_thaws(client, nova, api, guest):
    imaging(client, nova)
    first, second = nova.instance(), nova.instance()
    record = api.Record.of(first)
    api.Aside(first, record)
    with pytest.raises(UnexpectedTaskStateError, match=r"Expected: {'task_state': 'image_uploading'}. Actual: {'task_state': 'another one'}"):
        api.Aside(second, record)


def test_who_is_overtaken_while_it_writes_gives_up(client, nova, api, guest):
    imaging(client, nova)
    mine, others = nova.instance(), nova.instance()
    record = api.Record.of(mine)

    def overtake(instance):
        nova.on_save = lambda _instance: None
        instance.refresh = lambda: (api.dataclasses.replace(record, until=nova.clock.now()).put_on(others), others.save(), type(instance).refresh(instance))

    nova.on_save = overtake
    with pytest.raises(UnexpectedTaskStateError):
        api.Aside(mine, record)
    assert api.Record.of(nova.instance()).until == nova.clock.now()


def test_the_record_of_another_process_is_left_for_the_sweep(client, nova, api, guest):
    imaging(client, nova)
    instance = nova.instance()
    aside = api.Aside(instance, api.Record.of(instance))
    others = nova.instance()
    api.dataclasses.replace(api.Record.of(others), until=nova.clock.now()).put_on(others)
    others.save()
    aside.clear()
    assert api.Record.of(nova.instance()).is_due


def test_a_thaw_beside_an_image_that_failed_is_left_to_the_sweep(client, nova, api, guest):
    imaging(client, nova)
    guest.fails_with = AWAY
    assert client.unquiesce(token="ours")[0] == 409
    assert api.Record.of(nova.instance()).is_due
    guest.fails_with = None
    assert client.unquiesce(token="ours")[0] == 202
    assert not guest.is_frozen


def test_a_thaw_beside_an_image_whose_process_dies_is_left_to_the_sweep(client, nova, api, guest):
    imaging(client, nova)
    asked, guest.ask = guest.ask, MagicMock(side_effect=KeyboardInterrupt)
    with pytest.raises(KeyboardInterrupt):
        client.unquiesce(token="ours")
    guest.ask = asked
    record = api.Record.of(nova.instance())
    assert (record.state, record.is_due) == ("unquiescing", False)
    nova.clock.turn(120)
    assert (expire(api, nova)[0], guest.is_frozen) == (False, False)
    nova.rows[UUID].task_state = None
    assert expire(api, nova)[0] is True


def test_a_server_whose_image_is_made_and_that_nobody_froze_is_not_given_up(client, nova, guest):
    nova.rows[UUID].task_state = "image_uploading"
    assert client.unquiesce(token="ours")[0] == 409


# Requests --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "action",
    "changePassword createBackup createImage evacuate migrate os-migrateLive os-stop pause reboot rebuild rescue resize shelve suspend".split(),
)
def test_actions_that_would_break_a_frozen_server_are_refused(client, nova, guest, api, action):
    assert client.act(action, {}) is client.passed
    client.quiesce(timeout=60)
    status, message = client.act(action, {})
    assert status == 409
    assert f"Cannot '{action}' server {UUID} while it is quiesced; unquiesce it first." in message
    assert later(nova, 60) in message
    assert client.act(action, {}, uuid="another") is client.passed
    client.unquiesce()
    assert client.act(action, {}) is client.passed


def test_a_server_that_is_being_thawed_may_be_stopped(client, guest):
    guest.hangs = True
    client.quiesce()
    assert client.act("os-stop") is client.passed


@pytest.mark.parametrize("action", ["os-start", "os-resetState", "forceDelete", "unpause", "resume", "lock", "os-getConsoleOutput"])
def test_other_actions_are_nova_s(client, guest, action):
    client.quiesce()
    assert client.act(action, {}) is client.passed


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "/v2.1/servers", {"quiesce": None}),
        ("POST", f"/v2.1/servers/{UUID}/action", "no JSON"),
        ("POST", f"/v2.1/servers/{UUID}/action", []),
        ("POST", f"/v2.1/servers/{UUID}/action", {}),
        ("POST", f"/v2.1/servers/{UUID}/action", {"quiesce": None, "reboot": {}}),
        ("PUT", f"/v2.1/servers/{UUID}/action", {"quiesce": None}),
        ("POST", f"/v2.1/x/servers/{UUID}/action", {"quiesce": None}),
        ("GET", f"/v2.1/servers/{UUID}/os-quiesce/more", None),
    ],
)
def test_what_is_not_ours_is_left_to_nova(client, guest, method, path, body):
    assert client.send(method, path, body) is client.passed
    assert guest.calls == []


@pytest.mark.parametrize("path", [f"/servers/{UUID}/action", f"/project/servers/{UUID}/action", f"/v2.1/servers/{UUID}/action/"])
def test_ours_is_found_under_every_prefix(client, guest, path):
    assert seen(client.send("POST", path, {"quiesce": None}))[0] == 202


def test_the_state_is_only_read(client):
    answer = client.send("POST", f"/servers/{UUID}/os-quiesce")
    assert (answer.code, answer.headers) == (405, {"Allow": "GET"})


def test_a_server_that_is_not_there_is_not_found(client):
    for answer in (client.show("another"), client.act("quiesce", None, "another"), client.act("unquiesce", None, "another")):
        assert answer == (404, "Instance another could not be found.")


@pytest.mark.parametrize("user", ["member", "of another scope"])
def test_policies_decide_who_may(api, client, guest, user):
    other = Client(api, Context(user, is_admin=False))
    for answer, rule in ((other.show(), "show"), (other.quiesce(), "quiesce"), (other.unquiesce(), "unquiesce")):
        assert answer == (403, f"Policy doesn't allow os_compute_api:os-quiesce:{rule} to be performed.")
    assert guest.calls == []


def test_the_policies_are_known_to_nova_beside_the_rules_that_they_refer_to(api, client):
    names = {rule.name: rule.check_str for rule in client.filter._enforcer.defaults}
    ours = {f"os_compute_api:os-quiesce:{name}": "admin" for name in ("quiesce", "unquiesce", "force", "show")}
    assert names == {BASE_RULE.name: BASE_RULE.check_str, **ours}


def test_the_context_of_nova_s_own_request_is_left_alone(client):
    client.show()
    assert client.context.cell_uuid is None


def test_a_process_that_was_forked_sweeps_for_itself(client, api, monkeypatch):
    assert client.sweeper.call_count == 1
    client.show()
    assert client.sweeper.call_count == 1
    monkeypatch.setattr(api.os, "getpid", lambda: -1)
    client.show()
    assert client.sweeper.call_count == 2
    assert client.sweeper.return_value.start.call_count == 2


# Compute hosts -----------------------------------------------------------------------------------


def test_compute_hosts_are_asked_by_a_call_that_expires(client, nova, guest):
    client.quiesce(timeout=20)
    client.unquiesce()
    assert nova.sent == [
        ("quiesce_instance", "compute1", "6.0", 20, {}),
        ("quiesce_instance", "compute1", "6.0", 30, {}),
        ("unquiesce_instance", "compute1", "6.0", 30, {"mapping": None}),
    ]


@pytest.mark.parametrize(("versions", "sent"), [(("6.0", "5.0"), "6.0"), (("5.0",), "5.0"), ((), "5.0")])
def test_the_newest_version_that_the_computes_know_is_spoken(client, nova, guest, versions, sent):
    nova.versions = versions
    client.quiesce()
    assert nova.sent[0][2] == sent


def test_a_compute_host_gets_a_second_at_least(api, nova, db, guest):
    api.Computes().thaw(Context(), nova.instance(), 0.2)
    assert nova.sent[0][3] == 1


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (NotImplementedError(), "The hypervisor's driver cannot do it."),
        ("InstanceQuiesceNotSupported", "not supported"),
        ("QemuGuestAgentNotEnabled", "not enabled"),
    ],
)
def test_a_hypervisor_that_cannot_freeze_has_nothing_pending(client, api, nova, guest, error, message):
    guest.fails_with = getattr(api.exception, error)(message) if isinstance(error, str) else error
    status, said = client.quiesce()
    assert (status, message in said) == (409, True)
    assert (guest.asked, api.Record.of(nova.instance())) == (["quiesce"], None)


@pytest.mark.parametrize(("message", "asked"), [(FROZEN, ["quiesce"]), (BROKEN, ["quiesce", "unquiesce"])])
def test_an_error_that_this_process_does_not_know_is_read_too(client, guest, message, asked):
    guest.fails_with = Refused(message)
    assert message in client.quiesce()[1]
    assert guest.asked == asked


@pytest.mark.parametrize(
    ("message", "nothing_pending", "is_frozen", "not_running"),
    [
        pytest.param(AWAY, True, False, False, id="no agent"),
        pytest.param("QEMU guest agent is not configured", True, False, False, id="no channel"),
        pytest.param(STOOD, False, False, True, id="paused, or off"),
        pytest.param("The command guest-fsfreeze-freeze has been disabled", True, True, False, id="frozen"),
        pytest.param("The command guest-sync has been disabled", False, False, False, id="another command"),
        pytest.param("cannot freeze", False, False, False, id="cannot freeze"),
        pytest.param("Guest agent is not responding: timed out", False, False, False, id="no answer"),
    ],
)
def test_what_libvirts_words_mean(api, message, nothing_pending, is_frozen, not_running):
    found = api._failure(message)
    assert (found.nothing_pending, found.is_frozen, found.not_running) == (nothing_pending, is_frozen, not_running)


def test_a_host_that_nova_does_not_know_is_down(api, nova, db):
    nova.rows[UUID].host = "gone"
    assert api.Computes().is_up(Context(), nova.instance()) is False


# What administrators set


def test_options_are_as_documented_and_none_can_be_set_to_nothing(api):
    readme = (FILTER.parents[1] / "README.md").read_text()
    documented = dict(re.findall(r"^\| `(\w+)` \| (\d+) \|", readme, re.MULTILINE))
    assert {one.name: str(one.default) for one in api.OPTIONS} == documented
    assert {one.min for one in api.OPTIONS} == {1}
    assert all(one.help for one in api.OPTIONS)


def test_all_policies_are_for_administrators_of_the_project(api):
    action = "/servers/{server_id}/action"
    assert [(one.name, one.check_str, one.scope_types, one.operations) for one in api.POLICIES] == [
        (f"os_compute_api:os-quiesce:{name}", "admin", ["project"], [{"method": method, "path": path}])
        for name, method, path in (
            ("quiesce", "POST", f"{action} (quiesce)"),
            ("unquiesce", "POST", f"{action} (unquiesce)"),
            ("force", "POST", f"{action} (unquiesce)"),
            ("show", "GET", "/servers/{server_id}/os-quiesce"),
        )
    ]


def test_a_record_has_names_by_which_the_filter_of_another_release_finds_it(client, nova, db):
    before = set(db.system_metadata)
    freeze(client, nova)
    names = ("state", "since", "until", "settled", "user_id", "project_id", "request_id", "token")
    kept = nova.rows[UUID].system_metadata
    assert set(kept) - before == {"quiesce", *(f"quiesce_{name}" for name in names)}
    assert (kept["quiesce"], kept["quiesce_state"]) == ("recorded", "quiesced")


@pytest.mark.parametrize("action", ["quiesce", "unquiesce"])
def test_what_another_task_overtakes_is_called_by_its_name(client, guest, nova, action):
    if action == "unquiesce":
        freeze(client, nova)
    real = guest.ask

    def ask(method, seconds):
        real(method, seconds)
        nova.rows[UUID].task_state = None

    guest.ask = ask
    status, message = getattr(client, action)()
    assert (status, f"so '{action}' was abandoned" in message) == (409, True)
