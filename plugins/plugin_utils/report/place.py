# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the report of a run goes."""

from __future__ import annotations

import dataclasses
import os

from ansible_collections.osdr.openstack.plugins.module_utils.application.definition import require_checkpoint_id, require_name
from ansible_collections.osdr.openstack.plugins.module_utils.core.errors import InvalidInput

from .facts import Run

_PAGE, _DOCUMENT = ".html", ".json"


@dataclasses.dataclass(frozen=True)
class Place:
    """The two files of a report.

    :param directory: of both; empty for the working directory.
    :param stem: of both names.
    :param is_named: whether the user named the file; its directory then has to exist.
    """

    directory: str
    stem: str
    is_named: bool

    @classmethod
    def of(cls, path: str, run: Run) -> Place:
        """Choose the files.

        :param path: a file if it ends in .html, otherwise a directory.
        """
        named = cls._named(path)
        if named:
            return named
        # Names from the facts must not lead out of the directory.
        application = require_name("the name of an application", run.point.application)
        return cls(path, f"{application}.{require_checkpoint_id(run.point.checkpoint)}.{run.kind}", False)

    @classmethod
    def of_site(cls, path: str, site: str) -> Place:
        """Choose the files of a page about a whole site.

        :param path: as :meth:`of` has it.
        """
        return cls._named(path) or cls(path, f"{require_name('the name of a site', site)}.site_status", False)

    @classmethod
    def _named(cls, path: str) -> Place | None:
        """The files that the user named; None where it is the directory."""
        if not path:
            raise InvalidInput("path is empty.", "Name a directory, or a file that ends in .html.")
        directory, name = os.path.split(path)
        return cls(directory, name.removesuffix(_PAGE), True) if name.endswith(_PAGE) and name != _PAGE else None

    @property
    def page(self) -> str:
        return self.stem + _PAGE

    @property
    def document(self) -> str:
        return self.stem + _DOCUMENT

    def path(self, name: str) -> str:
        return os.path.join(self.directory, name)

    def destination(self, name: str) -> str:
        """The destination for the module copy, which creates a directory when its name ends in a slash."""
        return self.path(name) if self.is_named else os.path.join(self.directory, "")
