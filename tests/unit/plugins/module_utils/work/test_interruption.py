# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import signal

import pytest
from ansible_collections.osdr.openstack.plugins.module_utils.core.errors import FreezeFailed, Interrupted
from ansible_collections.osdr.openstack.plugins.module_utils.work.interruption import Interruption

SIGNALS = [signal.SIGINT, signal.SIGTERM, signal.SIGHUP]


@pytest.fixture
def interruption():
    with Interruption().installed() as installed:
        yield installed


@pytest.mark.parametrize("number", SIGNALS)
def test_a_signal_stops_what_is_going_on_and_is_named(interruption, number):
    with pytest.raises(Interrupted, match=f"Stopped by {number.name}"):
        signal.raise_signal(number)


@pytest.mark.parametrize("number", SIGNALS)
def test_what_is_shielded_is_finished_before_the_signal_counts(interruption, number):
    done = []
    with pytest.raises(Interrupted, match=number.name):
        with interruption.shielded():
            signal.raise_signal(number)
            done.append("inside")
        done.append("behind")
    assert done == ["inside"]


def test_only_the_outermost_shield_lets_a_signal_through(interruption):
    done = []
    with pytest.raises(Interrupted):
        with interruption.shielded():
            with interruption.shielded():
                signal.raise_signal(signal.SIGTERM)
            done.append("still shielded")
    assert done == ["still shielded"]


def test_a_signal_counts_once(interruption):
    with pytest.raises(Interrupted), interruption.shielded():
        signal.raise_signal(signal.SIGTERM)
    interruption.raise_pending()
    with interruption.shielded():
        pass


def _dealt_with_before_the_signal_counts(interruption):
    with interruption.shielded():
        signal.raise_signal(signal.SIGTERM)


@pytest.mark.parametrize("arrives", [lambda interruption: signal.raise_signal(signal.SIGTERM), _dealt_with_before_the_signal_counts])
def test_an_error_that_is_being_dealt_with_is_told_with_the_signal(interruption, arrives):
    """It may say who is still frozen."""
    with pytest.raises(Interrupted, match=r"^Stopped by SIGTERM\. The thaw of s1 is not confirmed\. Thaw it\.$") as raised:
        try:
            raise FreezeFailed("The thaw of s1 is not confirmed.", "Thaw it.", unconfirmed=["s1"])
        except FreezeFailed:
            arrives(interruption)
            raise
    assert raised.value.as_result() == {"code": "interrupted", "unconfirmed": ["s1"]}


def test_all_signals_that_came_until_it_counts_are_named_each_once(interruption):
    with pytest.raises(Interrupted, match=r"Stopped by SIGINT, SIGHUP\."), interruption.shielded():
        for number in (signal.SIGINT, signal.SIGHUP, signal.SIGINT):
            signal.raise_signal(number)


def test_after_the_first_signal_others_stop_nothing_any_more(interruption):
    done = []
    with pytest.raises(Interrupted, match="SIGTERM"):
        try:
            signal.raise_signal(signal.SIGTERM)
        finally:
            for number in SIGNALS:
                signal.raise_signal(number)
            with interruption.shielded():
                signal.raise_signal(signal.SIGTERM)
            done.append("cleaned up")
    assert done == ["cleaned up"]


def test_a_signal_that_comes_while_another_one_is_received_does_not_count_twice(interruption):
    received = interruption._received

    class Nested(list):
        def append(self, number):
            received.append(number)
            if len(received) == 1:
                signal.raise_signal(signal.SIGHUP)

        def __iter__(self):
            return iter(received)

        def __len__(self):
            return len(received)

    interruption._received = Nested()
    with pytest.raises(Interrupted, match="Stopped by SIGTERM, SIGHUP"):
        signal.raise_signal(signal.SIGTERM)
    signal.raise_signal(signal.SIGTERM)


def test_within_a_shield_a_signal_may_stop_what_is_exposed(interruption):
    done = []
    with pytest.raises(Interrupted), interruption.shielded():
        try:
            with interruption.exposed():
                signal.raise_signal(signal.SIGTERM)
                done.append("exposed")
        finally:
            signal.raise_signal(signal.SIGTERM)
            done.append("shielded again")
    assert done == ["shielded again"]


def test_a_signal_that_came_before_something_was_exposed_stops_it(interruption):
    done = []
    with pytest.raises(Interrupted), interruption.shielded():
        signal.raise_signal(signal.SIGTERM)
        done.append("shielded")
        with interruption.exposed():
            done.append("exposed")
    assert done == ["shielded"]


def test_what_was_exposed_without_a_signal_is_shielded_again(interruption):
    done = []
    with pytest.raises(Interrupted), interruption.shielded():
        with interruption.shielded(), interruption.exposed():
            pass
        signal.raise_signal(signal.SIGTERM)
        done.append("shielded")
    assert done == ["shielded"]


def test_an_error_inside_a_shield_is_not_hidden_by_a_signal(interruption):
    with pytest.raises(KeyError), interruption.shielded():
        signal.raise_signal(signal.SIGTERM)
        raise KeyError("inside")
    # Nor is the signal lost.
    with pytest.raises(Interrupted, match="SIGTERM"):
        interruption.raise_pending()


def test_after_a_failed_shield_signals_count_at_once_again(interruption):
    with pytest.raises(KeyError), interruption.shielded():
        raise KeyError("inside")
    with pytest.raises(Interrupted):
        signal.raise_signal(signal.SIGINT)


def test_the_former_handlers_are_put_back_also_after_an_error():
    heard, before = [], {number: signal.getsignal(number) for number in SIGNALS}

    def hear(number, _frame):
        heard.append(number)

    for number in SIGNALS:
        signal.signal(number, hear)
    try:
        with pytest.raises(KeyError), Interruption().installed():
            raise KeyError("inside")
        signal.raise_signal(signal.SIGTERM)
        assert heard == [signal.SIGTERM]
        assert {signal.getsignal(number) for number in SIGNALS} == {hear}
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
