# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""One controller's side of a run: it asks for turns, takes them and gives them back.

Several controllers hold the limits together although no store can compare and exchange: each announces in its own part that it is about to begin an
application, then reads the parts of all others, and steps back if there is no room for both. Of several that do so at the same time, the last
one to read sees all others.
"""

from __future__ import annotations

import contextlib
import dataclasses
import datetime
import functools
import typing as t

from ..catalogue.active_record import moment_of
from ..core.errors import Busy, CloudError, InvalidInput
from ..core.text import timestamp
from .local import Known, LocalState
from .part import CLAIMING, FAILED, LONGEST_MESSAGE, PLANNED, RUNNING, SKIPPED, WAITING, Shares, Turn
from .schedule import Admission, RunState, within
from .shelf import PartShelf

#: Seconds for which a part counts after its keeper has renewed it.
LEASE = 90


class Controller:
    """What the processes of one controller do with its part of a run.

    :param shelf: reaches the store, which whoever waits does not need.
    :param now: the site's clock.
    :param limits: how much of each kind may be under way, by the names of sites.
    """

    def __init__(self, shelf: t.Callable[[], PartShelf], local: LocalState, now: t.Callable[[], datetime.datetime], limits: Shares) -> None:
        self._open_shelf = shelf
        self._local = local
        self.now = now
        self._limits = limits

    @functools.cached_property
    def _shelf(self) -> PartShelf:
        return self._open_shelf()

    def state(self, known: Known | None = None) -> RunState:
        """The run as this controller knows it."""
        known = known or self._local.read()
        # To itself it is there, even while the store does not say so.
        own = known.own.alive_until(self.now() + datetime.timedelta(seconds=LEASE))
        return RunState.of(own.run, (*known.others, own), self.now(), self._limits)

    def ask(self, name: str, needs: Shares) -> Turn:
        """Have an application wait for its turn, unless it is over or was done by an earlier part. The keeper tells the other controllers.

        :raises InvalidInput: when it does not take part.
        """
        with self._changing() as known:
            turn = self._turn(known, name)
            if turn.is_over:
                return turn
            waiting = Turn(WAITING, within(needs, self._limits), timestamp(self.now()))
            self._local.write(dataclasses.replace(known, own=known.own.with_turn(name, waiting), is_published=False))
            return waiting

    def look(self, name: str) -> Admission:
        """Whether an application that waits might begin, by what is known here."""
        return self.state().verdict(name)

    def take(self, name: str) -> Admission:
        """Begin an application, if it still may.

        :raises Busy: when another controller has taken it over.
        :raises CloudError: when the others do not know that this controller is there.
        """
        with self._changing() as known:
            if not known.own.is_alive(self.now()):
                raise CloudError(f"The catalogue has not been told since {known.own.until} that this controller works on run '{known.own.run}'.")
            try:
                return self._claim(known, name)
            except BaseException:
                # It waits as before; what it has announced is taken back by the keeper.
                self._local.write(dataclasses.replace(known, is_published=False))
                raise

    def keep_only(self, name: str, needs: Shares) -> Turn:
        """Give back a part of what an application holds."""
        with self._changing() as known:
            turn = dataclasses.replace(self._turn(known, name), needs=within(needs, self._limits))
            self._give_back(dataclasses.replace(known, own=known.own.with_turn(name, turn)))
            return turn

    def finish(self, name: str, state: str, message: str = "") -> Turn:
        """Give a turn back; what is over stays so."""
        with self._changing() as known:
            turn = self._turn(known, name)
            if turn.is_over:
                return turn
            now = self.now()
            seconds = _seconds(turn, now) if turn.state == RUNNING else None
            over = Turn(state, {}, timestamp(now), seconds, message[:LONGEST_MESSAGE])
            self._give_back(dataclasses.replace(known, own=known.own.with_turn(name, over)))
            return over

    def predicted(self, name: str, state: str, needs: Shares) -> Turn:
        """What a turn would be, as far as that can be told without waiting for it."""
        turn = self._turn(self._local.read(), name)
        return turn if turn.is_over else dataclasses.replace(turn, state=state, needs=within(needs, self._limits))

    def end(self) -> Known:
        """End the part: what nobody has begun is skipped."""
        with self._changing() as known:
            now = timestamp(self.now())
            never = Turn(SKIPPED, {}, now, message="It was never begun.")
            broken = Turn(FAILED, {}, now, message="Its play ended without a result.")
            turns = {name: turn if turn.is_over else never if turn.state in (PLANNED, WAITING) else broken for name, turn in known.own.turns.items()}
            return self._give_back(dataclasses.replace(known, own=dataclasses.replace(known.own, turns=turns, has_ended=True)))

    # The keeper's

    def renew(self) -> bool:
        """Have the part count for another while, and learn what the others do; whether it goes on."""
        with self._changing() as known:
            if self._has_ended(known):
                return False
            self._publish(self._refreshed(known), lasting=True)
            return True

    def refresh(self) -> bool:
        """Learn what the others do, and tell them what is new here; whether it goes on."""
        with self._changing() as known:
            if self._has_ended(known):
                return False
            fresh = self._refreshed(known)
            if not fresh.is_published:
                self._publish(fresh)
            elif fresh != known:
                self._local.write(fresh)
            return True

    def abandon(self) -> None:
        """Say that nobody works on the part any more."""
        with self._changing() as known:
            if not self._has_ended(known):
                self._publish(dataclasses.replace(known, own=known.own.alive_until(self.now())))

    # Reading and writing

    @contextlib.contextmanager
    def _changing(self) -> t.Iterator[Known]:
        with self._local.locked():
            yield self._local.read()

    def _claim(self, known: Known, name: str) -> Admission:
        turn = known.own.turns[name]
        fresh = self._refreshed(self._put(known, name, dataclasses.replace(turn, state=CLAIMING)))
        self._refuse_lost(fresh, name)
        # By itself it would be in nobody's way.
        waiting = dataclasses.replace(fresh, own=fresh.own.with_turn(name, turn))
        admission = self.state(waiting).verdict(name)
        if admission.is_go and not self.state(fresh).has_room(name):
            admission = Admission(waits_for="another controller that begins at the same time")
        self._put(fresh, name, dataclasses.replace(turn, state=RUNNING, since=timestamp(self.now())) if admission.is_go else turn)
        return admission

    def _turn(self, known: Known, name: str) -> Turn:
        if name not in known.own.turns:
            raise InvalidInput(f"Application '{name}' does not take part in run '{known.own.run}'.", f"These do: {', '.join(known.own.turns) or 'none'}.")
        return known.own.turns[name]

    def _refreshed(self, known: Known) -> Known:
        return known.with_others(self._shelf.parts(known.closed | {known.own.object_name}).parts)

    def _put(self, known: Known, name: str, turn: Turn) -> Known:
        return self._publish(dataclasses.replace(known, own=known.own.with_turn(name, turn)))

    def _publish(self, known: Known, lasting: bool = False) -> Known:
        """Write the part here, then at the store: what is not written there is not forgotten here.

        :param lasting: whether it counts for another while.
        """
        own = known.own.alive_until(self.now() + datetime.timedelta(seconds=LEASE)) if lasting else known.own
        changed = dataclasses.replace(known, own=own)
        self._local.write(dataclasses.replace(changed, is_published=False))
        self._shelf.write(own)
        published = dataclasses.replace(changed, is_published=True)
        self._local.write(published)
        return published

    def _give_back(self, known: Known) -> Known:
        """Publish what makes room for others; while the store does not answer, it is left to the keeper."""
        try:
            return self._publish(known)
        except CloudError:
            return known

    def _has_ended(self, known: Known) -> bool:
        """Whether the part is ended, and the store knows it."""
        if known.own.has_ended and not known.is_published:
            self._publish(known)
        return known.own.has_ended

    def _refuse_lost(self, known: Known, name: str) -> None:
        """Refuse to begin what a later part of the run has: this one was taken for abandoned."""
        later = [one for one in known.others if one.run == known.own.run and one.began > known.own.began and name in one.entrants]
        if later:
            raise Busy(
                f"Application '{name}' of run '{known.own.run}' was taken over by {later[-1].controller}: this controller did not answer for {LEASE} s.",
                "Let that one finish.",
            )


def _seconds(turn: Turn, now: datetime.datetime) -> int | None:
    begun = moment_of(turn.since or "")
    return max(0, round((now - begun).total_seconds())) if begun else None
