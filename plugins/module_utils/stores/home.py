# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The folder of a catalogue in a place that others share: catalogues of other projects, and of the other site."""

from __future__ import annotations

import dataclasses

from ..cloud.session import Cloud
from .names import required_part


@dataclasses.dataclass(frozen=True)
class Home:
    """The folder of one catalogue of a site, as the project of its credentials has it.

    :param name: that of the catalogue.
    """

    cloud: Cloud
    name: str

    @property
    def folders(self) -> list[str]:
        """The names of the project's folder and of the catalogue's own in it."""
        return [required_part(self.cloud.project_id), required_part(self.name)]

    @property
    def path(self) -> str:
        return "/".join(self.folders)
