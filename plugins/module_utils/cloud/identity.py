# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Keystone, as far as disaster recovery needs it."""

from __future__ import annotations

import typing as t

from .session import Cloud


class Identity:
    """Whom one cloud knows.

    :param cloud: of an administrator.
    """

    def __init__(self, cloud: Cloud) -> None:
        self.cloud = cloud

    @property
    def _api(self) -> t.Any:
        return self.cloud.service("identity")

    def project_names(self) -> dict[str, str]:
        """Name per id of each project."""
        with self.cloud.calling("list projects"):
            return {str(found.id): str(found.name) for found in self._api.projects()}
