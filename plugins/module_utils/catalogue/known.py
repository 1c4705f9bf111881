# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What counts of the parts of copies at a site for its catalogue. A site may have hundreds of thousands, which need not be in memory."""

from __future__ import annotations

import dataclasses
import typing as t

from ..copies.method import Part
from ..core.records import APPLICATION_KEY, CHECKPOINT_KEY
from ..manifest.pieces import LABEL_KEY


@dataclasses.dataclass(frozen=True)
class Standing:
    """The state of a part, which many have in common."""

    status: str
    is_usable: bool


@dataclasses.dataclass(frozen=True)
class KnownParts:
    """The parts that a site has.

    :param states: per id.
    :param published: per name of an application, and of a checkpoint whose manifest parts keep, the newest moment of their data.
    :param marked: with the marks of one checkpoint, in full.
    """

    states: t.Mapping[str, Standing]
    published: t.Mapping[str, t.Mapping[str, str]]
    marked: tuple[Part, ...] = ()

    @classmethod
    def of(cls, parts: t.Iterable[Part], marks: t.Mapping[str, str] | None = None) -> KnownParts:
        """Read them one after the other.

        :param marks: of the checkpoint whose parts are wanted too; None for none.
        """
        marked: list[Part] = []
        states: dict[str, Standing] = {}
        standings: dict[tuple[str, bool], Standing] = {}
        published: dict[str, dict[str, str]] = {}
        for part in parts:
            state = (part.status, part.is_usable)
            states[part.id] = standings.setdefault(state, Standing(*state))
            if marks is not None and marks.items() <= part.metadata.items():
                marked.append(part)
            if LABEL_KEY in part.metadata and APPLICATION_KEY in part.metadata:
                times = published.setdefault(part.metadata[APPLICATION_KEY], {})
                checkpoint = part.metadata.get(CHECKPOINT_KEY, "")
                times[checkpoint] = max(times.get(checkpoint, ""), part.data_timestamp)
        return cls(states, published, tuple(marked))
