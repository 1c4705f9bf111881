# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Marks on resources, by which a restore or a drill finds what it made.

A resource gets its marks where its service keeps such things (metadata or tags) and, in one request
with its creation, as its description: Neutron takes tags only afterwards, and Cinder
replaces a volume's metadata with the backup's at the end of a restore. A run that was killed in
between finds what it made by the description. A volume gets its own description back once its metadata have the mark, together with its id:
a copy that somebody makes of it has its metadata, but not its id. A key pair has neither: its mark is in the comment of its public key.

The mark of a drill never equals that of a real restore, also where both are of the same checkpoint; nor does that of what is made beside the
running application.
"""

from __future__ import annotations

import dataclasses
import typing as t

from .records import APPLICATION_KEY, BESIDE_KEY, CHECKPOINT_KEY, DRILL_KEY, FENCE_KEY, FREEZE_KEY, KEPT_KEY, LOCK_KEY, OFF_KEY, SOURCE_KEY, VOLUME_KEY, Volume

_KEYS = {"application": APPLICATION_KEY, "checkpoint": CHECKPOINT_KEY, "source": SOURCE_KEY, "drill": DRILL_KEY, "apart": BESIDE_KEY}
#: In the description of a port whose MAC address is not known in advance: which of its server's it is, counted from 0.
PLACE_KEY = "osdr_port"
#: What else of a resource's metadata is ours.
_OTHER_KEYS = (VOLUME_KEY, KEPT_KEY, FENCE_KEY, FREEZE_KEY, OFF_KEY, LOCK_KEY)
#: What Neutron takes as a description.
_LONGEST_DESCRIPTION = 255
#: What every service takes as a name.
LONGEST_NAME = 255


@dataclasses.dataclass(frozen=True)
class Mark:
    """Whose a resource is.

    :param source: id of the volume or server at the source for which it stands; None for what stands for none.
    :param drill: id of the drill that made it; None when a real restore did.
    :param apart: id for which it was made beside the running application; None for the application itself.
    """

    application: str
    checkpoint: str
    source: str | None = None
    drill: str | None = None
    apart: str | None = None

    @property
    def owner(self) -> Mark:
        """The restore, drill, or whatever was made beside the application, that it tells of."""
        return dataclasses.replace(self, source=None)

    def metadata(self) -> dict[str, str]:
        values = dataclasses.asdict(self)
        return {key: values[field] for field, key in _KEYS.items() if values[field]}

    def tags(self) -> list[str]:
        return [f"{key}={value}" for key, value in self.metadata().items()]

    def tags_beside(self, there: t.Iterable[str]) -> list[str]:
        """All tags of a resource with this mark: other people's tags are kept, those of an earlier mark are removed."""
        marks = tuple(f"{key}=" for key in _KEYS.values())
        return [*(tag for tag in there if not tag.startswith(marks)), *self.tags()]

    def text(self) -> str:
        """The mark as text for a description; names and ids have no blanks."""
        return " ".join(self.tags())

    def beside(self, text: str, *more: str) -> str:
        """A description with the mark behind it, without words of its own that look like one; cut where both are too long.

        :param more: words that belong to the mark.
        """
        mark = " ".join((self.text(), *more))
        return f"{_without_marks(text)[: _LONGEST_DESCRIPTION - len(mark) - 1]} {mark}".strip()

    def fits_beside(self, text: str, *more: str) -> bool:
        """Whether :meth:`beside` has room for all of a description."""
        return len(_without_marks(text)) + len(" ".join((self.text(), *more))) < _LONGEST_DESCRIPTION

    def after(self, text: str) -> str:
        """A public key with the mark behind its comment, without words of its own that look like one."""
        return f"{_without_marks(text.strip())} {self.text()}"

    def is_of(self, owner: Mark) -> bool:
        return self.owner == owner

    @classmethod
    def of_metadata(cls, metadata: t.Mapping[str, str]) -> Mark | None:
        values = {field: metadata.get(key) or None for field, key in _KEYS.items()}
        return cls(**t.cast("dict[str, str]", values)) if values["application"] and values["checkpoint"] else None

    @classmethod
    def of_volume(cls, volume: Volume) -> Mark | None:
        """The mark of a volume: in its description until it is complete, then in its metadata, unless that was copied from another volume."""
        is_own = volume.metadata.get(VOLUME_KEY) == volume.id
        return cls.of_text(volume.description) or (cls.of_metadata(volume.metadata) if is_own else None)

    @classmethod
    def of_tags(cls, tags: t.Iterable[str]) -> Mark | None:
        return cls.of_metadata(dict(tag.split("=", 1) for tag in tags if "=" in tag))

    @classmethod
    def of_text(cls, text: str | None) -> Mark | None:
        return cls.of_tags((text or "").split())


def drill_name(drill: str, name: str) -> str:
    """The drill's name for what has a name at the source; no real restore looks for it."""
    return f"drill-{drill}-{name}"[:LONGEST_NAME]


def unmarked(metadata: t.Mapping[str, str]) -> dict[str, str]:
    """Metadata without marks: what the application's own resources have."""
    return {key: value for key, value in metadata.items() if key not in (*_KEYS.values(), *_OTHER_KEYS)}


def unmarked_tags(tags: t.Iterable[str]) -> tuple[str, ...]:
    return tuple(tag for tag in tags if tag.split("=", 1)[0] not in (*_KEYS.values(), PLACE_KEY))


def unmarked_text(text: str) -> str:
    """A description or a public key without a mark; others stay to the letter."""
    return _without_marks(text) if Mark.of_text(text) else text


def _without_marks(text: str) -> str:
    """A text without words that look like parts of a mark; any other text is left as it is."""
    words = text.split()
    others = unmarked_tags(words)
    return text if len(others) == len(words) else " ".join(others)
