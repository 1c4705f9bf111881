# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What folders and documents of a catalogue may be called, wherever it is kept."""

from __future__ import annotations

import re

from ..core.errors import InvalidInput
from ..core.text import told

#: Nothing that leads out of a folder, and nothing behind which programs that copy files hide theirs.
_PART = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,199}")


def is_part(name: str) -> bool:
    """Whether a name may be that of a folder or document."""
    return _PART.fullmatch(name) is not None


def required_part(name: str) -> str:
    """The name, if a folder or document may have it.

    :raises InvalidInput: when it could lead elsewhere.
    """
    if not is_part(name):
        raise InvalidInput(f"'{told(name)}' cannot be the name of a folder or document in a catalogue.", "Use letters, digits, '.', '_' and '-'.")
    return name


def parts_of(name: str) -> list[str]:
    """The folders of a document and its own name.

    :raises InvalidInput: when one of them could lead elsewhere.
    """
    return [required_part(part) for part in name.split("/")]


def folders_of(folder: str) -> list[str]:
    """The folder and those that it is in; none for the catalogue itself, whose name is empty."""
    return parts_of(folder) if folder else []


def folder_prefix(folder: str) -> str:
    """What the names of all documents in a folder begin with."""
    return "".join(f"{part}/" for part in folders_of(folder))
