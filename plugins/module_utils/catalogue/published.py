# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The checkpoint that somebody has chosen, read from the catalogue by each module that needs it, so that none hands the manifest to another."""

from __future__ import annotations

import typing as t

from ..cloud.session import Cloud, connect_other
from ..manifest.manifest import Manifest
from .catalogue import Catalogue


def published(cloud: Cloud, params: t.Mapping[str, t.Any]) -> Manifest:
    """The manifest that the options of the fragments ``catalogue`` and ``checkpoint`` name.

    :param cloud: has the catalogue unless the options name another site for it.
    :raises DrError: as :meth:`Catalogue.chosen` does.
    """
    elsewhere = connect_other(params["catalogue_cloud"]) if params["catalogue_cloud"] else cloud
    return Catalogue.of(elsewhere, params).chosen(params["application"], params["checkpoint"], params["digest"])
