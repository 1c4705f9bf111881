# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the names of an application mean at a site, where several projects may have something of one name. Pure."""

from __future__ import annotations

import dataclasses

from ..manifest.specs import MappedNetworkSpec, Topology


@dataclasses.dataclass(frozen=True)
class Names:
    """Names for each of which one meaning is known. Any other means what is there, the project's own first.

    :param own_networks: of the application's own networks: those of others that are called so are other ones.
    :param networks_of_others: of networks that belong to others at the source too.
    :param external_networks: those of either that are external at the source.
    :param own_groups: of the application's security groups; so for address groups.
    """

    own_networks: frozenset[str] = frozenset()
    networks_of_others: frozenset[str] = frozenset()
    external_networks: frozenset[str] = frozenset()
    own_groups: frozenset[str] = frozenset()
    own_address_groups: frozenset[str] = frozenset()

    @classmethod
    def of(cls, topology: Topology) -> Names:
        """The names of a topology after mapping. What the mapping names itself is used, whatever it is and whoever has it."""
        described = [spec for spec in topology.networks if not isinstance(spec, MappedNetworkSpec)]
        return cls(
            own_networks=frozenset(spec.name for spec in described if not spec.is_of_others),
            networks_of_others=frozenset(spec.name for spec in described if spec.is_of_others),
            external_networks=frozenset(spec.name for spec in described if spec.is_external),
            own_groups=frozenset(spec.name for spec in topology.security_groups),
            own_address_groups=frozenset(spec.name for spec in topology.address_groups),
        )
