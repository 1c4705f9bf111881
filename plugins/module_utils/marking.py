# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""How a restore knows again what it made: by marks on the resources themselves.

A resource gets its marks where its service keeps such things (metadata or tags) and, in one request
with its creation, as its description: Neutron takes tags only afterwards, and Cinder
replaces a volume's metadata with the backup's at the end of a restore. A run that was killed in
between finds what it made by the description.
"""

from __future__ import annotations

import dataclasses
import typing as t

from .records import APPLICATION_KEY, CHECKPOINT_KEY, FREEZE_KEY, SOURCE_KEY

_KEYS = (APPLICATION_KEY, CHECKPOINT_KEY, SOURCE_KEY)


@dataclasses.dataclass(frozen=True)
class Mark:
    """Whose a resource is.

    :param source: id of the volume or server at the source for which it stands.
    """

    application: str
    checkpoint: str
    source: str

    def metadata(self) -> dict[str, str]:
        return dict(zip(_KEYS, (self.application, self.checkpoint, self.source), strict=True))

    def tags(self) -> list[str]:
        return [f"{key}={value}" for key, value in self.metadata().items()]

    def text(self) -> str:
        """For a description; names and ids have no blanks."""
        return " ".join(self.tags())

    @classmethod
    def of_metadata(cls, metadata: t.Mapping[str, str]) -> Mark | None:
        values = [metadata.get(key) for key in _KEYS]
        return cls(*t.cast("list[str]", values)) if all(values) else None

    @classmethod
    def of_tags(cls, tags: t.Iterable[str]) -> Mark | None:
        return cls.of_metadata(dict(tag.split("=", 1) for tag in tags if "=" in tag))

    @classmethod
    def of_text(cls, text: str | None) -> Mark | None:
        return cls.of_tags((text or "").split())


def unmarked(metadata: t.Mapping[str, str]) -> dict[str, str]:
    """Metadata without marks: what the application's own resources have."""
    return {key: value for key, value in metadata.items() if key not in (*_KEYS, FREEZE_KEY)}


def unmarked_tags(tags: t.Iterable[str]) -> tuple[str, ...]:
    return tuple(tag for tag in tags if tag.split("=", 1)[0] not in _KEYS)
