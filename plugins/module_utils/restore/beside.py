# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Volumes of a checkpoint beside the running application: chosen, named and planned by themselves. Pure.

They have marks of their own, so no restore of the application takes them for its own, and nothing of the application is touched.
"""

from __future__ import annotations

import dataclasses
import typing as t

from ..core.errors import InvalidInput
from ..core.marking import LONGEST_NAME
from ..core.text import told
from ..manifest.manifest import Manifest
from ..manifest.selection import chosen
from ..manifest.specs import ServerSpec, Topology, VolumeSpec
from .marks import owner_of
from .plan import RestorePlan
from .site import RestoreSite
from .topology import lacking
from .volume_plan import plan_volumes

_NOTHING = Topology((), (), (), (), ())


def volumes_beside(manifest: Manifest, beside: str, server: str, volumes: t.Collection[str] | None) -> Manifest:
    """A checkpoint reduced to volumes of one server, which are made under names of their own.

    :param beside: id for which they are made.
    :param server: its name at the source.
    :param volumes: by name, id or device at the source; all of the server's when None.
    :raises InvalidInput: naming what the checkpoint does not have, or has more than once.
    """
    alone = chosen(manifest, [server])
    (spec,) = alone.description.servers
    wanted = {one.source_id for one in (spec.attached if volumes is None else [_volume(spec, one) for one in volumes])}
    if not wanted and not spec.attached:
        raise InvalidInput(f"Server '{server}' has no volumes at the checkpoint, only a root disk that is an image; restore the server to have that.")
    if not wanted:
        raise InvalidInput(f"No volume of server '{server}' is named; name some of {_listed(spec)}, or leave the option out for all of them.")
    named = tuple(dataclasses.replace(one, name=_name(spec, one, beside)) for one in spec.attached if one.source_id in wanted)
    # Whatever else a server has is neither made nor asked for.
    bare = dataclasses.replace(spec, volumes=named, ports=(), server_group=None, is_off=False)
    description = dataclasses.replace(alone.description, servers=(bare,), topology=_NOTHING, missing=())
    copies = tuple(copy for copy in alone.copies if copy.volume_id in wanted)
    return dataclasses.replace(alone, description=description, copies=copies, beside=beside)


def doubts_beside(manifest: Manifest, server: str, volumes: t.Collection[str] | None) -> list[str]:
    """What an operator may expect beside a server and will not find there.

    :param manifest: the whole checkpoint; otherwise as for :func:`volumes_beside`.
    """
    (spec,) = chosen(manifest, [server]).description.servers
    if volumes is not None or not spec.root_image:
        return []
    return [f"The root disk of server '{server}' is an image, so no volume is made of it; restore the server to have it."]


def plan_beside(manifest: Manifest, site: RestoreSite) -> RestorePlan:
    """The plan of volumes alone, which is judged as that of a whole restore.

    :param manifest: of :func:`volumes_beside`.
    """
    volumes = tuple(plan_volumes(manifest, site.volumes))
    return RestorePlan(manifest, site, volumes, (), lacking(_NOTHING, site, owner_of(manifest)), (), (), manifest)


def _volume(server: ServerSpec, wanted: str) -> VolumeSpec:
    found = [one for one in server.attached if wanted in (one.source_id, one.device, one.name)]
    if len(found) != 1:
        problem = f"has no volume {told(wanted)}" if not found else f"has {len(found)} volumes {told(wanted)}"
        raise InvalidInput(f"Server '{server.name}' {problem} at the checkpoint; name one of {_listed(server)} by its device or id.")
    return found[0]


def _listed(server: ServerSpec) -> str:
    return ", ".join(f"{one.device} ({one.name or one.source_id})" for one in server.attached)


def _name(server: ServerSpec, volume: VolumeSpec, beside: str) -> str:
    name = volume.name or f"{server.name}-{volume.device.rsplit('/', 1)[-1]}"
    return f"{name[: LONGEST_NAME - len(beside) - 1]}-{beside}"
