# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Make a part of a network with what its site may refuse, or else without it."""

from __future__ import annotations

import typing as t

from ..cloud.network import Networking
from ..core.errors import CloudError
from .site import RestoreSite
from .wishes import TAGS, Wishes

Made = t.TypeVar("Made")

#: Statuses with which Neutron refuses what it does not know, does not allow, does not find, or has given to others. Nothing is made then.
_REFUSALS = (400, 403, 404, 409)


class Maker:
    """:ivar warnings: what was made without something."""

    def __init__(self, network: Networking, site: RestoreSite) -> None:
        self._network = network
        self._site = site
        self.warnings: list[str] = []

    def make(self, what: str, create: t.Callable[[dict[str, t.Any]], Made], body: t.Mapping[str, t.Any], wishes: Wishes) -> Made:
        """Make something.

        :param what: as messages call it.
        :param create: makes it from the body of a request.
        """
        try:
            return create({**body, **wishes.body})
        except CloudError as error:
            if not wishes.body or error.http_status not in _REFUSALS:
                raise
            made = create(dict(body))
            self.warnings.append(f"{what} at site '{self._site.name}' is without {', '.join(wishes.names)}, which the site refuses: {error.message}")
            return made

    def tag(self, collection: str, resource_id: str, tags: t.Sequence[str]) -> None:
        """Set the tags of a resource, where the site has such things."""
        if TAGS in self._site.extensions:
            self._network.set_tags(collection, resource_id, tags)
