# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""How long something is waited for that does not come: no machine is too slow, and no wait is endless.

Only the standard library is used here.
"""

from __future__ import annotations

import os
import time


def crowd():
    """How many processes share a core that this one may use; 1 on a machine with nothing else to do."""
    return max(1.0, os.getloadavg()[0] / len(os.sched_getaffinity(0)))


class Patience:
    """Seconds without progress after which something is given up, by the clock of a machine with nothing else to do.

    Where three processes share a core, each gets on a third as fast, and a second counts as a third.
    """

    def __init__(self, seconds, clock=time.monotonic, crowd=crowd):
        self.seconds = seconds
        self._clock = clock
        self._crowd = crowd
        self._started = clock()
        self.renew()

    def renew(self):
        """There was progress."""
        self._spent = 0.0
        self._looked = self._clock()

    def is_spent(self):
        """Whether there was no progress for too long. It has to be asked again and again."""
        now = self._clock()
        self._spent += (now - self._looked) / self._crowd()
        self._looked = now
        return self._spent > self.seconds

    @property
    def waited(self):
        """Seconds since the beginning, by the clock on the wall."""
        return round(self._clock() - self._started)
