# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Requests on bad days, by the SDK's own connections to a server of this machine."""

from __future__ import annotations

import email.utils
import time

import pytest
from ansible_collections.osdr.openstack.plugins.module_utils.cloud.object_store import ObjectStore
from ansible_collections.osdr.openstack.plugins.module_utils.cloud.repeating import once
from ansible_collections.osdr.openstack.plugins.module_utils.cloud.session import connect_other
from ansible_collections.osdr.openstack.plugins.module_utils.core import leeway
from ansible_collections.osdr.openstack.plugins.module_utils.core.errors import CloudError, NoAnswer
from ansible_collections.osdr.openstack.tests.unit.support import bad_days
from ansible_collections.osdr.openstack.tests.unit.support.bad_days import BAD_GATEWAY, BUSY, CUT, HALF, TOO_MANY, after


@pytest.fixture
def site():
    with bad_days.site() as found:
        yield found


def ask(cloud, method="GET", service="compute", repeats=False, **options):
    """One plain request, as the adapters make them."""
    with cloud.calling("do it", repeats):
        return cloud.json(cloud.service(service).request("/it", method, **options))


def tried(site):
    return [request.method for request in site.requests]


@pytest.mark.parametrize("bad", [BUSY, TOO_MANY, BAD_GATEWAY, bad_days.Answer(529), CUT, HALF])
@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
def test_what_may_be_repeated_is_repeated_whatever_went_wrong(site, passing, bad, method):
    cloud = site.cloud()
    site.will(bad, bad)
    assert ask(cloud, method) == {"ok": True}
    assert tried(site) == [method] * 3
    assert passing.pauses == [0.5, 1.0]


@pytest.mark.parametrize("service", ["compute", "block_storage", "network", "image", "object_store"])
def test_it_is_so_for_every_service(site, passing, service):
    cloud = site.cloud()
    site.will(BUSY, CUT)
    assert ask(cloud, service=service) == {"ok": True}


@pytest.mark.parametrize("bad", [BUSY, BAD_GATEWAY, CUT, HALF])
def test_what_makes_or_does_something_is_not_repeated_blindly(site, passing, bad):
    cloud = site.cloud()
    site.will(bad)
    with pytest.raises(NoAnswer, match="Site 'here' could not do it"):
        ask(cloud, "POST", json={})
    assert tried(site) == ["POST"]


def test_who_was_only_too_quick_asks_again_whatever_it_is(site, passing):
    cloud = site.cloud()
    site.will(TOO_MANY, after("7", 429))
    assert ask(cloud, "POST", json={"server": 1}) == {"ok": True}
    assert [(one.method, one.body) for one in site.requests] == [("POST", b'{"server": 1}')] * 3
    assert passing.pauses == [0.5, 7.0]


def test_what_may_be_done_twice_says_so(site, passing):
    cloud = site.cloud()
    site.will(BUSY, CUT)
    assert ask(cloud, "POST", repeats=True, json={}) == {"ok": True}
    site.will(BUSY)
    with pytest.raises(NoAnswer):
        ask(cloud, "POST", json={})


def test_what_was_never_sent_can_be_sent_whatever_it_is(site, passing, monkeypatch):
    cloud = site.cloud()
    monkeypatch.setattr(cloud.service("compute"), "endpoint_override", "http://127.0.0.1:9")
    with pytest.raises(NoAnswer, match="127.0.0.1"):
        ask(cloud, "POST", json={})
    assert passing.pauses == [0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 32.0]


@pytest.mark.parametrize("status", [400, 401, 403, 404, 409, 413, 500, 501])
def test_a_refusal_is_one_at_once(site, passing, status):
    cloud = site.cloud()
    site.will(*[bad_days.Answer(status)] * 5)
    with pytest.raises(CloudError) as raised:
        ask(cloud)
    assert raised.value.http_status == status
    # With a new token once, as keystoneauth does it.
    assert len(site.requests) == (2 if status == 401 else 1)
    assert not passing.pauses


# How long is waited


def test_a_service_is_left_alone_for_as_long_as_it_asks_for(site, passing, monkeypatch):
    monkeypatch.setattr(time, "time", lambda: 1_800_000_000.0)
    cloud = site.cloud()
    date = email.utils.formatdate(1_800_000_012, usegmt=True)
    site.will(after("3"), after(date), after(email.utils.formatdate(1_700_000_000, usegmt=True)), after("soon"), after("-4"))
    assert ask(cloud) == {"ok": True}
    # A date that is over, and what nobody understands, are no reason to hurry.
    assert passing.pauses == [3.0, 12.0, 0.5, 0.5, 1.0]


@pytest.mark.parametrize("status", [503, 429])
def test_who_asks_to_be_left_alone_for_longer_than_there_is_time_is_not_asked_again(site, passing, status):
    cloud = site.cloud()
    site.will(after("86400", status))
    with pytest.raises(NoAnswer):
        ask(cloud)
    assert not passing.pauses


@pytest.mark.parametrize("status", [429, 498])
def test_a_limit_of_so_many_requests_is_a_pace_and_no_error(site, passing, status):
    cloud = site.cloud()
    site.will(*[after("60", status)] * 5)
    assert ask(cloud, "POST", json={}) == {"ok": True}
    assert passing.pauses == [60.0] * 5


def test_a_pace_that_nobody_can_keep_is_told_with_what_to_do(site, passing):
    cloud = site.cloud()
    site.will(*[after("60", 429)] * 50)
    with pytest.raises(NoAnswer, match="It allows only so many requests at a time. Lower concurrency"):
        ask(cloud)
    assert passing.now - 1000 < 900


def test_a_keystone_that_limits_logins_is_no_site_that_is_gone(site, passing):
    site.will_at_login(after("50", 429), after("50", 429))
    assert ask(site.cloud()) == {"ok": True}


def test_a_failure_counts_from_when_it_begins_and_not_from_what_went_well_before(site, passing):
    cloud = site.cloud()
    with cloud.calling("list all pages"):
        for _page in range(5):
            site.will(BUSY)
            assert cloud.json(cloud.service("compute").get("/it")) == {"ok": True}
            passing.now += 50


def test_pauses_grow_until_the_time_is_over(site, passing):
    cloud = site.cloud()
    site.will(*[BUSY] * 50)
    with pytest.raises(NoAnswer, match="Status 503"):
        ask(cloud)
    assert passing.pauses == [0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 32.0]
    assert passing.now - 1000 < leeway.PATIENCE_SECONDS


def test_a_service_that_is_away_altogether_costs_no_more_than_one_request(site, passing):
    """The SDK asks for its versions first, at more than one address."""
    cloud = site.cloud(compute_endpoint_override="http://127.0.0.1:9/v2.1")
    with pytest.raises(NoAnswer, match="127.0.0.1"):
        ask(cloud)
    assert passing.now - 1000 < leeway.PATIENCE_SECONDS


def test_the_deadline_of_a_step_ends_its_requests_too(site, passing):
    cloud = site.cloud()
    site.will(*[BUSY] * 50)
    with leeway.limited(5), pytest.raises(NoAnswer):
        ask(cloud)
    assert passing.pauses == [0.5, 1.0, 2.0]


def test_who_is_in_a_hurry_neither_waits_for_long_nor_is_told_to(site, passing):
    cloud = site.cloud()
    site.will(after("30"), BUSY, BUSY, BUSY)
    with leeway.limited(10, longest_pause=1), leeway.limited():
        assert ask(cloud) == {"ok": True}
    assert passing.pauses == [1.0, 0.5, 1.0, 1.0]


# Who says nothing at all


def timeouts_of(cloud, monkeypatch, **options):
    """What is told to what sends a request."""
    transport, told = cloud.connection.session.session, []
    send = transport.request
    monkeypatch.setattr(transport, "request", lambda method, url, **given: told.append(given["timeout"]) or send(method, url, **given))
    ask(cloud, **options)
    return set(told)


def test_an_answer_is_not_waited_for_without_end(site, passing, monkeypatch):
    assert timeouts_of(site.cloud(), monkeypatch) == {(10, 300)}


def test_the_time_in_clouds_yaml_or_of_the_caller_counts(site, passing, monkeypatch):
    cloud = site.cloud(api_timeout=60)
    assert timeouts_of(cloud, monkeypatch) == {(10, 60)}
    # The last one: before it, versions are asked for.
    assert (5, 5) in timeouts_of(cloud, monkeypatch, timeout=5)


# What an operator has set


def test_the_numbers_in_clouds_yaml_count(site, passing):
    site.will(*[BUSY] * 9)
    cloud = site.cloud(status_code_retries=2)
    with pytest.raises(NoAnswer):
        ask(cloud)
    assert len(site.requests) == 3


def test_nothing_is_repeated_where_clouds_yaml_says_so(site, passing):
    cloud = site.cloud(compute_status_code_retries=0, connect_retries=0)
    site.will(BUSY)
    with pytest.raises(NoAnswer):
        ask(cloud)
    site.will(CUT)
    with pytest.raises(NoAnswer):
        ask(cloud, service="network")
    assert not passing.pauses


def test_the_pause_between_connections_in_clouds_yaml_counts(site, passing):
    cloud = site.cloud(connect_retries=3, connect_retry_delay=5)
    site.will(CUT, CUT, CUT)
    assert ask(cloud) == {"ok": True}
    assert passing.pauses == [5.0] * 3


# Logging in


def test_keystone_may_be_restarted_while_somebody_logs_in(site, passing):
    site.will_at_login(BUSY, CUT, TOO_MANY)
    assert ask(site.cloud()) == {"ok": True}


def test_a_site_that_is_gone_is_told_soon(passing):
    with bad_days.site() as gone:
        config = gone.config()
    with pytest.raises(CloudError, match="Site 'here' could not log in"):
        connect_other(config)
    assert 20 < passing.now - 1000 < 60


def test_a_token_that_has_expired_is_renewed_though_keystone_is_away_just_then(site, passing):
    cloud = site.cloud()
    site.valid.clear()
    site.will_at_login(BUSY, CUT)
    assert ask(cloud, "POST", json={}) == {"ok": True}
    assert [one.token for one in site.requests] == ["token-1", "token-2"]
    assert site.logins == 2


def test_it_is_the_same_in_another_project(site, passing):
    cloud = site.cloud()
    site.will_at_login(BUSY)
    other = cloud.in_project("p2")
    site.will(BUSY)
    assert ask(other) == {"ok": True}


# Streams


def test_the_start_of_a_stream_is_repeated(site, passing):
    store = ObjectStore(site.cloud())
    site.serve = lambda request: (200, {"content": "x" * 50})
    site.will(BUSY, CUT)
    with store.stream("backups", "object") as blocks:
        assert b"xxx" in b"".join(blocks)
    assert tried(site) == ["GET"] * 3


def test_a_content_that_comes_as_a_stream_is_never_sent_from_its_middle(site, passing):
    cloud = site.cloud()
    site.will(BUSY)
    with pytest.raises(NoAnswer):
        ask(cloud, "PUT", "object_store", data=iter([b"one", b"two"]))
    assert tried(site) == ["PUT"]


# What must not be done twice


def test_what_was_done_though_the_answer_was_lost_is_found_and_not_done_again(site, passing):
    cloud = site.cloud()
    site.will(CUT)
    found = once(lambda: ask(cloud, "POST", json={}), lambda: ask(cloud)["ok"])
    assert found is True
    assert tried(site) == ["POST", "GET"]


def test_what_was_not_done_is_done_then(site, passing):
    cloud = site.cloud()
    site.will(BUSY)
    assert once(lambda: ask(cloud, "POST", json={}), lambda: ask(cloud) and None) == {"ok": True}
    assert tried(site) == ["POST", "GET", "POST"]


def test_it_is_looked_for_also_where_the_method_is_one_that_may_be_repeated(site, passing):
    cloud = site.cloud()
    site.will(CUT)
    assert once(lambda: ask(cloud, "DELETE"), lambda: "gone") == "gone"
    assert tried(site) == ["DELETE"]


def test_a_refusal_is_not_looked_into(site, passing):
    cloud = site.cloud()
    site.will(bad_days.Answer(409))
    with pytest.raises(CloudError) as raised:
        once(lambda: ask(cloud, "POST", json={}), lambda: pytest.fail("looked"))
    assert raised.value.http_status == 409


def test_trying_ends_when_the_time_is_over(site, passing):
    cloud = site.cloud()
    site.serve = lambda request: (503, {}) if request.method == "POST" else (200, {})
    with pytest.raises(NoAnswer):
        once(lambda: ask(cloud, "POST", json={}), lambda: ask(cloud) or None)
    assert 60 < passing.now - 1000 < leeway.PATIENCE_SECONDS
