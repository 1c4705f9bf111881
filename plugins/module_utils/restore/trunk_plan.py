# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Plan what a restore does about trunks: ports that a server has by way of another one of its ports. Pure.

A trunk is made before its server: not every site makes one of a port that a server has already. One that was refused then is asked for again by each run.
"""

from __future__ import annotations

import dataclasses
import typing as t

from ..core.marking import Mark
from ..core.records import Port, Trunk
from ..manifest.manifest import Manifest
from ..manifest.specs import TrunkSpec
from .marks import mark_of
from .site import RestoreSite
from .wishes import lacks_tags


@dataclasses.dataclass(frozen=True)
class TrunkStep:
    """What is to be done about one trunk.

    :param subports: what it has, or is to have, as the API words it; without ports that are not there yet.
    :param current: the trunk, where it is there.
    """

    spec: TrunkSpec
    name: str
    mark: Mark
    subports: tuple[t.Mapping[str, t.Any], ...]
    current: Trunk | None
    lacks_tags: bool

    @property
    def label(self) -> str:
        """Its name at the source, to put behind a word; empty where it has none."""
        return f" '{self.spec.name}'" if self.spec.name else ""

    @property
    def missing_subports(self) -> list[t.Mapping[str, t.Any]]:
        there = {one.port_id for one in self.current.subports} if self.current else set()
        return [one for one in self.subports if one["port_id"] not in there]

    @property
    def changes(self) -> bool:
        """Whether the trunk is missing, for example because the site refused it when its server was built, or lacks something."""
        return self.current is None or self.lacks_tags or bool(self.missing_subports)

    def body(self, parent_id: str) -> dict[str, t.Any]:
        """Parameters for creating it in Neutron."""
        body = {"name": self.name, "port_id": parent_id, "description": self.mark.beside(self.spec.description), "sub_ports": list(self.subports)}
        return body if self.spec.is_up else {**body, "admin_state_up": False}


def plan_trunk(manifest: Manifest, site: RestoreSite, spec: TrunkSpec, parent: Port | None, there: t.Mapping[str, str]) -> TrunkStep:
    """Plan what is done about one trunk.

    :param there: ids of ports that are on no server, among which the subports are, per id at the source.
    """
    mark, current = mark_of(manifest, spec.source_id), site.trunk_of(parent)
    subports = tuple(
        {"port_id": there[one.port], "segmentation_type": one.segmentation_type, "segmentation_id": one.segmentation_id}
        for one in spec.subports
        if one.port in there
    )
    is_ours = current is not None and Mark.of_text(current.description) == mark
    lacking = is_ours and lacks_tags(site, mark, spec.tags, current.tags if current else ())
    return TrunkStep(spec, manifest.called(spec.name) if spec.name else "", mark, subports, current, lacking)
