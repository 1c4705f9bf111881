# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Let other projects of the same application use networks that one of them has.

What is shared needs no mark: it goes with its network.
"""

from __future__ import annotations

import typing as t

from ..cloud.network import Networking


class NetworkSharing:
    """The networks that other projects need.

    :param wanted: name of each network of the project's own, and the id of a project that needs it.
    """

    def __init__(self, network: Networking, wanted: t.Sequence[tuple[str, str]]) -> None:
        self._network = network
        self._wanted = wanted

    def lacking(self) -> list[tuple[str, str]]:
        """What is not shared yet, by the names of the networks; those that are yet to be made are among them."""
        own = {one.name: one.id for one in self._network.networks() if one.project_id == self._network.cloud.project_id}
        sharers = {name: self._network.sharers(own[name]) for name in {name for name, _project in self._wanted} & {*own}}
        return [(name, project) for name, project in self._wanted if project not in sharers.get(name, ())]

    def apply(self) -> list[tuple[str, str]]:
        """Share what is lacking; all networks must be there.

        :returns: what was shared.
        """
        own = {one.name: one.id for one in self._network.networks() if one.project_id == self._network.cloud.project_id}
        missing = self.lacking()
        for name, project in missing:
            self._network.share_network(own[name], project)
        return missing
