# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is known of a checkpoint before it is published: files in a directory of the run, so that no task hands them to another.

Each file is written by one module and read by those after it. They are no catalogue: nobody finds a checkpoint here, and a run that is repeated
finds all of it out again. Others read nothing of it: it describes servers, perhaps with their user data.
"""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import typing as t

from ..core.errors import InvalidInput

#: Bytes; as much as a manifest may have.
_LARGEST = 32 * 2**20
_ONLY_MINE, _FOLDER_ONLY_MINE = 0o600, 0o700
_NEW_FILE = os.O_WRONLY | os.O_CREAT | os.O_EXCL


class Draft:
    """What is known of one project's part of a checkpoint.

    :param directory: absolute; made when something is kept.
    """

    def __init__(self, directory: str) -> None:
        self._directory = directory

    def keep(self, name: str, content: t.Any) -> None:
        """Keep something in place of what was kept under the same name.

        :raises InvalidInput: when it cannot be written.
        """
        path = self._path(name)
        temporary = f"{path}.{secrets.token_hex(8)}"
        try:
            os.makedirs(self._directory, _FOLDER_ONLY_MINE, exist_ok=True)
            with open(os.open(temporary, _NEW_FILE, _ONLY_MINE), "w", encoding="utf-8") as file:
                json.dump(content, file)
            os.replace(temporary, path)
        except OSError as error:
            raise InvalidInput(f"The draft '{path}' cannot be written: {error.strerror}.", "Name another directory, or make room.") from error
        finally:
            with contextlib.suppress(OSError):
                os.unlink(temporary)

    def find(self, name: str) -> t.Any:
        """What is kept; None when nothing is.

        :raises InvalidInput: when it cannot be read.
        """
        path = self._path(name)
        try:
            with open(path, "rb") as file:
                content = file.read(_LARGEST + 1)
        except FileNotFoundError:
            return None
        except OSError as error:
            raise InvalidInput(f"The draft '{path}' cannot be read: {error.strerror}.", "Run as the user who wrote it.") from error
        if len(content) > _LARGEST:
            raise InvalidInput(f"The draft '{path}' has more than {_LARGEST >> 20} MiB, so it is no draft.", "Name another directory.")
        try:
            return json.loads(content)
        except ValueError as error:
            raise InvalidInput(f"The draft '{path}' is not JSON ({error}).", "Remove it, and run the modules again that write it.") from error

    def needed(self, name: str, writer: str) -> t.Any:
        """What is kept.

        :param writer: the module that keeps it.
        :raises InvalidInput: when nothing is, or it cannot be read.
        """
        found = self.find(name)
        if found is None:
            raise InvalidInput(f"There is no draft '{self._path(name)}'.", f"Give the same directory to {writer}, and run it first.")
        return found

    def _path(self, name: str) -> str:
        return os.path.join(self._directory, f"{name}.json")


#: What is kept: the application as captured, its set of snapshots, and the copies of these.
DESCRIPTION, SNAPSHOTS, COPIES = "description", "snapshots", "copies"
