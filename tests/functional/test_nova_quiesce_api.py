# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The quiesce API of a stock Nova: every answer of it, and what happens when its parts die."""

from __future__ import annotations

import concurrent.futures
import contextlib
import datetime
import time

import laboratory
import openstack
from laboratory import Patience, QuiesceApi, cloud, wait

#: Seconds between two sweeps, and some for the thaw itself.
SWEEP = 12


def message(response):
    return next(iter(response.json().values()))["message"]


@contextlib.contextmanager
def other_project():
    """Credentials of a member of another project."""
    admin = cloud("primary-admin")
    name = laboratory.unique("other")
    project = admin.identity.create_project(name=name, domain_id="default")
    user = admin.identity.create_user(name=name, password=name, domain_id="default", default_project_id=project.id)
    role = admin.identity.find_role("member")
    admin.identity.assign_project_role_to_user(project, user, role)
    auth = {**cloud().config.config["auth"], "username": name, "password": name, "project_name": name}
    try:
        yield auth
    finally:
        admin.identity.delete_user(user)
        admin.identity.delete_project(project)


def ended(response):
    """How a freeze ended, by an answer: with which status, whether the server runs, how, and whether it had been frozen until then."""
    content = response.json().get("quiesce", {})
    last = content.get("last", {})
    return response.status_code, content.get("state"), last.get("outcome"), last.get("intact")


def test_a_server_is_frozen_when_the_answer_comes(api, orders):
    response = api.quiesce(orders.id)
    assert response.status_code == 202, response.text
    assert orders.is_frozen()
    shown = api.show(orders.id).json()["quiesce"]
    assert shown["state"] == "quiesced"
    assert shown["user_id"] == cloud("primary-admin").current_user_id
    assert shown["since"] < shown["until"]
    assert ended(api.unquiesce(orders.id)) == (202, "none", "unquiesced", True)
    assert not orders.is_frozen()


def test_what_cannot_be_done_is_refused(api, orders):
    assert api.unquiesce(orders.id).status_code == 409
    assert "is not quiesced" in message(api.unquiesce(orders.id))
    assert api.quiesce("00000000-0000-0000-0000-000000000000").status_code == 404
    assert api.show("00000000-0000-0000-0000-000000000000").status_code == 404
    for wrong in ({"timeout": 0}, {"timeout": "soon"}, {"timeout": True}, {"until": 5}, {"token": "a b"}, {"probe": 1}):
        assert api.quiesce(orders.id, **wrong).status_code == 400, wrong
    assert api.unquiesce(orders.id, force="yes").status_code == 400
    assert api.quiesce(orders.id).status_code == 202
    again = api.quiesce(orders.id)
    assert again.status_code == 409
    assert "quiesced since" in message(again)
    assert api.unquiesce(orders.id).status_code == 202


def test_a_probe_says_whether_the_agent_answers_and_freezes_nothing(api, orders):
    assert api.quiesce(orders.id, probe=True).status_code == 202
    assert not orders.is_frozen()
    assert api.state(orders.id) == "none"


def test_conflicting_actions_wait_until_it_is_thawed(api, front):
    assert api.quiesce(front.id).status_code == 202
    for action in ("reboot", "os-stop", "pause", "suspend", "resize", "migrate", "shelve", "createImage", "rebuild", "rescue"):
        response = api.act(front.id, action, {})
        assert response.status_code == 409, action
        assert "unquiesce it first" in message(response), action
    assert api.unquiesce(front.id).status_code == 202
    # Not ours to refuse any more: Nova misses the arguments.
    assert api.act(front.id, "reboot", {}).status_code == 400


def test_policies_decide_who_may(api, orders):
    member = QuiesceApi("primary")
    assert [member.show(orders.id).status_code, member.quiesce(orders.id).status_code] == [403, 403]
    policy = "/etc/nova/policy.yaml"
    rule = '"os_compute_api:os-quiesce:%s": "rule:project_member_or_admin"\n'
    laboratory.in_site("sh", "-c", f"printf '{''.join(rule % name for name in ('quiesce', 'unquiesce', 'show'))}' > {policy}")
    try:
        wait("the policy to be read", lambda: member.show(orders.id).status_code == 200, 30)
        assert member.quiesce(orders.id).status_code == 202
        with other_project() as auth:
            other = openstack.connect(auth=auth, region_name=laboratory.SITE)
            response = other.compute.post(f"/servers/{orders.id}/action", json={"unquiesce": None})
            assert response.status_code == 404
        assert member.unquiesce(orders.id).status_code == 202
    finally:
        laboratory.in_site("rm", "-f", policy)

    def is_forgotten():
        """By each of Nova's processes: one that reads its policies again denies what others ask of it meanwhile."""
        return all(member.show(orders.id).status_code == 403 for _time in range(16))

    wait("the policy to be forgotten", is_forgotten, 30)


def test_of_many_clients_one_gets_the_server(api, orders):
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        codes = [answer.status_code for answer in pool.map(lambda _n: api.quiesce(orders.id), range(8))]
    assert sorted(codes) == [202, *[409] * 7]
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        codes = [answer.status_code for answer in pool.map(lambda _n: api.unquiesce(orders.id), range(8))]
    assert sorted(codes) == [202, *[409] * 7]


def test_actions_are_in_the_log_of_the_server(api, front):
    api.quiesce(front.id)
    api.unquiesce(front.id)
    log = [action.action for action in cloud("primary-admin").compute.server_actions(front.id)]
    assert log[:2] == ["unquiesce", "quiesce"]


def test_time_over_means_thawed(api, orders):
    assert api.quiesce(orders.id, timeout=4).status_code == 202
    assert orders.is_frozen()
    wait("Nova to thaw it", lambda: not orders.is_frozen(), 4 + SWEEP)
    wait("Nova to forget it", lambda: api.state(orders.id) == "none", SWEEP)
    assert api.unquiesce(orders.id).status_code == 409


def test_a_time_without_end_is_cut(api, front):
    shown = api.quiesce(front.id, timeout=10_000_000).json()["quiesce"]
    assert api.unquiesce(front.id).status_code == 202
    assert shown["max_timeout"] == 300
    assert shown["until"][:10] <= time.strftime("%Y-%m-%d", time.gmtime(time.time() + 400))


def test_a_server_that_was_reset_is_not_intact(api, front):
    assert api.quiesce(front.id).status_code == 202
    front.reset()
    wait("its agent", lambda: "return" in laboratory.in_site("virsh", "qemu-agent-command", front.id, '{"execute":"guest-ping"}', check=False), 60)
    assert ended(api.unquiesce(front.id)) == (202, "none", "unquiesced", False)


def test_a_freeze_is_ended_by_its_token_and_by_force_only(api, orders):
    assert api.quiesce(orders.id, token="first").status_code == 202
    assert [api.quiesce(orders.id, token="second").status_code, api.unquiesce(orders.id, token="second").status_code] == [409, 409]
    assert "is held by another freeze" in message(api.unquiesce(orders.id))
    assert orders.is_frozen()
    for _time in range(2):
        assert ended(api.unquiesce(orders.id, token="first")) == (202, "none", "unquiesced", True)
    assert api.quiesce(orders.id, token="third").status_code == 202
    assert ended(api.unquiesce(orders.id, force=True)) == (202, "none", "unquiesced", True)
    assert not orders.is_frozen()


def test_a_thaw_that_overtakes_its_freeze_keeps_it_from_beginning(api, orders):
    assert ended(api.unquiesce(orders.id, token="late")) == (202, "none", "unknown", False)
    assert "freeze late" in message(api.quiesce(orders.id, token="late"))
    assert not orders.is_frozen()


def test_a_freeze_ends_at_its_deadline_by_novas_clock(api, orders):
    now = datetime.datetime.fromisoformat(api.show(orders.id).json()["quiesce"]["now"])
    assert "was to be thawed at" in message(api.quiesce(orders.id, until=now.isoformat()))
    until = (now + datetime.timedelta(seconds=8)).isoformat()
    answer = api.quiesce(orders.id, until=until, token="ours").json()["quiesce"]
    assert datetime.datetime.fromisoformat(answer["until"]) == datetime.datetime.fromisoformat(until)
    wait("Nova to thaw it", lambda: not orders.is_frozen(), 8 + SWEEP)
    wait("Nova to say so", lambda: ended(api.unquiesce(orders.id, token="ours")) == (202, "none", "expired", False), SWEEP)


def test_a_server_in_error_is_thawed_like_any_other(api, front):
    try:
        assert api.quiesce(front.id, timeout=5).status_code == 202
        assert api.act(front.id, "os-resetState", {"state": "error"}).status_code == 202
        assert front.is_frozen()
        wait("Nova to thaw it", lambda: not front.is_frozen(), 5 + SWEEP)
    finally:
        api.act(front.id, "os-resetState", {"state": "active"})


def test_a_hung_agent_neither_hangs_the_api_nor_freezes_the_server_later(api, orders):
    with orders.hung_agent():
        patience = Patience(10)
        response = api.quiesce(orders.id, timeout=6)
        assert response.status_code == 504
        assert not patience.is_spent()
        assert "did not answer within" in message(response)
        assert api.state(orders.id) == "unquiescing"
        assert api.quiesce(orders.id).status_code == 409
    # The freeze is carried out now, and must not last.
    wait("Nova to have settled", lambda: api.state(orders.id) == "none", 90)
    assert not orders.is_frozen()


def test_a_hung_agent_during_the_freeze_is_thawed_when_it_wakes(api, front):
    assert api.quiesce(front.id, timeout=5).status_code == 202
    with front.hung_agent():
        time.sleep(8)
        assert front.is_frozen()
    wait("Nova to thaw it", lambda: not front.is_frozen(), 60)


def test_a_server_that_stands_still_when_its_time_is_over_is_thawed_when_it_goes_on(api, front):
    assert api.quiesce(front.id, timeout=5).status_code == 202
    laboratory.in_site("virsh", "suspend", front.id)
    try:
        time.sleep(5 + SWEEP)
        assert api.state(front.id) == "unquiescing"
    finally:
        laboratory.in_site("virsh", "resume", front.id)
    # It was tried at growing intervals.
    wait("Nova to thaw it", lambda: not front.is_frozen(), 60)
    wait("Nova to forget it", lambda: api.state(front.id) == "none", SWEEP)


def test_api_workers_that_die_leave_nobody_frozen(api, orders):
    assert api.quiesce(orders.id, timeout=6).status_code == 202
    master, *workers = sorted(laboratory.processes(laboratory.NOVA_API))
    assert len(workers) == 2
    laboratory.kill(workers)
    assert orders.is_frozen()
    wait("another process to thaw it", lambda: not orders.is_frozen(), 6 + 2 * SWEEP)


def test_an_api_that_dies_as_a_whole_thaws_when_it_is_back(api, front):
    assert api.quiesce(front.id, timeout=6).status_code == 202
    laboratory.kill(laboratory.processes(laboratory.NOVA_API))
    laboratory.supervisor("start", "nova-api")
    wait("the API to thaw it", lambda: not front.is_frozen(), 6 + 3 * SWEEP)


def test_messages_that_are_lost_are_sent_again(api, orders):
    assert api.quiesce(orders.id, timeout=10).status_code == 202
    with laboratory.restarted_queue():
        response = api.unquiesce(orders.id)
        assert response.status_code in (202, 504), response.text
        wait("it to be thawed", lambda: not orders.is_frozen(), 10 + 60)


def test_a_compute_service_that_dies_thaws_when_it_is_back(api, front):
    assert api.quiesce(front.id, timeout=5).status_code == 202
    laboratory.kill(laboratory.processes("bin/nova-compute"))
    assert front.is_frozen()
    laboratory.supervisor("start", "nova-compute")
    wait("it to be thawed", lambda: not front.is_frozen(), 90)


def test_a_claim_whose_process_died_before_it_did_anything_is_given_back(api, front):
    sql = f"UPDATE instances SET task_state='quiescing', updated_at=UTC_TIMESTAMP() - INTERVAL 1 HOUR WHERE uuid='{front.id}'"
    laboratory.in_site("mariadb", "--socket=/run/mysqld/mysqld.sock", "nova", "-e", sql)
    assert api.quiesce(front.id).status_code == 409
    wait("the task state to be taken away", lambda: not cloud("primary-admin").compute.get_server(front.id).task_state, SWEEP)
