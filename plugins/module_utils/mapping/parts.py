# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Restoring one part of an application over several projects beside the others: what they need of one another. Pure.

A network of one of its projects on which another one has ports is made by the project to which it belongs, which then shares it with the other one.
"""

from __future__ import annotations

import dataclasses
import typing as t

from ..core.records import Network, Port, Subnet
from ..manifest.manifest import Manifest
from ..manifest.specs import NetworkSpec, SubnetSpec
from ..manifest.together import Together
from ..restore.site import RestoreSite
from .isolation import Wish

#: The extension by which a project shares a network with another one.
SHARING = "rbac-policies"
_OTHERS = "dr_restore_projects; in modules, others"


@dataclasses.dataclass(frozen=True)
class OtherPart:
    """Another part of the application.

    :param site: the site as its project has it.
    """

    wish: Wish
    site: RestoreSite

    @property
    def project(self) -> str:
        """The id of its project at the source; empty for what is no part of several."""
        together = self.wish.manifest.checkpoint.together
        return together.project if together else ""


def part_problems(wish: Wish, others: t.Sequence[OtherPart]) -> list[str]:
    """Why a checkpoint cannot be restored with these other parts, or without any."""
    manifest, together = wish.manifest, wish.manifest.checkpoint.together
    name = f"Checkpoint '{manifest.checkpoint.id}' of application '{manifest.application.name}'"
    if together is None:
        return [f"{name} is all in one project, so nothing belongs to it that other projects have; leave them out ({_OTHERS})."] if others else []
    if wish.drill is not None:
        return [
            f"{name} is one part of several, in as many projects. Drills of such applications are not supported: each part would be on networks of its own, "
            "without the others. Restore all parts for real, in projects where they disturb nobody."
        ]
    if wish.servers is not None:
        return [f"{name} is one part of several; some of its servers can only be restored on their own, without the others ({_OTHERS})."] if others else []
    if not others:
        return [
            f"{name} is only the part of project {together.project}, of {len(together.projects)}. Restore it together with the others ({_OTHERS}), or name "
            "the servers that are to be restored without them (dr_restore_servers; in modules, servers)."
        ]
    return _match_problems(manifest, together, others)


def refusals_of_parts(manifest: Manifest | None, what: str) -> list[str]:
    """Why something that is not supported over several projects cannot be done with a checkpoint.

    :param what: at the start of a sentence.
    """
    together = manifest.checkpoint.together if manifest else None
    if manifest is None or together is None:
        return []
    return [
        f"{what} is not supported for an application over several projects: checkpoint '{manifest.checkpoint.id}' has only the part of project "
        f"{together.project}, of {len(together.projects)}. Restore the parts together (playbook restore, {_OTHERS})."
    ]


def _match_problems(manifest: Manifest, together: Together, others: t.Sequence[OtherPart]) -> list[str]:
    """Parts that are missing, there twice, or of another checkpoint."""
    mine = manifest.checkpoint
    given = [together.project, *(other.project for other in others)]
    problems = [
        f"The part of project {other.project or 'none'} ({other.site.name}) is of checkpoint '{theirs.id}' ({theirs.created_at}), which is not one with "
        f"checkpoint '{mine.id}' ({mine.created_at}). Take all parts from one checkpoint."
        for other in others
        for theirs in [other.wish.manifest.checkpoint]
        if _identity(other.wish.manifest) != _identity(manifest)
    ]
    missing = [one for one in together.projects if one not in given]
    problems += [f"The part of project {one} is missing: give the project that has it at the site ({_OTHERS})." for one in missing]
    return problems + [f"The part of project {one} is given twice." for one in sorted({one for one in given if given.count(one) > 1})]


def _identity(manifest: Manifest) -> tuple[t.Any, ...]:
    """What all parts of one checkpoint have in common."""
    checkpoint = manifest.checkpoint
    return (manifest.application.name, checkpoint.id, checkpoint.created_at, checkpoint.together and (checkpoint.together.projects, checkpoint.together.tiers))


def with_networks_of_parts(manifest: Manifest) -> Manifest:
    """A part for which the networks of the other parts count as made, as they will be: a mapping need not say what stands for them."""
    together, topology = manifest.checkpoint.together, manifest.description.topology
    partners = together.projects if together else ()
    networks = tuple(dataclasses.replace(one, is_of_others=one.is_of_others and one.owner not in partners) for one in topology.networks)
    description = dataclasses.replace(manifest.description, topology=dataclasses.replace(topology, networks=networks))
    return dataclasses.replace(manifest, description=description)


def _used(wish: Wish, owner: str) -> list[NetworkSpec]:
    """The networks of another part's project on which a part has ports, as they are called at the site."""
    return [spec for spec in wish.whole_there().description.topology.networks if spec.is_of_others and owner and spec.owner == owner]


def _made(wish: Wish) -> dict[str, NetworkSpec]:
    """The project's own networks of a part, per name at the site."""
    return {spec.name: spec for spec in wish.whole_there().description.topology.networks if not spec.is_of_others}


def shares(wish: Wish, others: t.Mapping[str, Wish]) -> list[tuple[str, str]]:
    """The networks of a part that other parts have ports on: the name at the site of each, and the project there that needs it.

    :param others: per id of their projects at the site.
    """
    together, made = wish.manifest.checkpoint.together, _made(wish)
    owner = together.project if together else ""
    return sorted((spec.name, project) for project, other in others.items() for spec in _used(other, owner) if spec.name in made)


def share_problems(wish: Wish, others: t.Sequence[OtherPart], site: RestoreSite) -> list[str]:
    """Networks that cannot be shared, because the site has no way to."""
    names = [name for name, _project in shares(wish, {other.site.project_id: other.wish for other in others})]
    if not names or SHARING in site.extensions:
        return []
    return [
        f"Network '{names[0]}' is used by several of the application's projects, but Neutron at site '{site.name}' does not let projects share networks "
        f"(extension {SHARING}). Have the operator provide one for all of them, and name it in the mappings."
    ]


def as_promised(site: RestoreSite, wish: Wish, others: t.Iterable[OtherPart]) -> RestoreSite:
    """The site as a part will find it, once the networks of the other parts are made and shared with its project."""
    known = site.in_terms_of(wish.whole_there().description.topology)
    for other in others:
        made = _made(other.wish)
        for spec in _used(wish, other.project):
            if spec.name in made and known.network(spec.name) is None:
                site = _with(site, other, made[spec.name])
    return site


def _with(site: RestoreSite, other: OtherPart, spec: NetworkSpec) -> RestoreSite:
    """The site with one more network: that which the other project has there already, or one as it will be made."""
    there = other.site.in_terms_of(other.wish.whole_there().description.topology).network(spec.name)
    network = dataclasses.replace(there, is_shared=True) if there else _as_made(other, spec)
    subnets, ports = _on(other, network.id, spec)
    return dataclasses.replace(
        site,
        networks=(*site.networks, network),
        subnets=(*site.subnets, *subnets),
        ports_of_others=tuple({one.id: one for one in (*site.ports_of_others, *ports)}.values()),
    )


def _on(other: OtherPart, network_id: str, spec: NetworkSpec) -> tuple[list[Subnet], list[Port]]:
    there = [one for one in other.site.subnets if one.network_id == network_id]
    described = [one for one in other.wish.whole_there().description.topology.subnets if one.network == spec.name]
    coming = [_subnet_as_made(other, network_id, one) for one in described if one.name not in {known.name for known in there}]
    return [*there, *coming], [one for one in other.site.all_ports if one.network_id == network_id]


def _as_made(other: OtherPart, spec: NetworkSpec) -> Network:
    return Network(
        id=f"{spec.name} of {other.project}",
        name=spec.name,
        project_id=other.site.project_id,
        mtu=spec.mtu,
        port_security=spec.port_security_enabled,
        is_shared=True,
    )


def _subnet_as_made(other: OtherPart, network_id: str, spec: SubnetSpec) -> Subnet:
    return Subnet(
        id=f"{spec.name} of {other.project}",
        name=spec.name,
        network_id=network_id,
        cidr=spec.cidr,
        project_id=other.site.project_id,
        ip_version=spec.ip_version,
        gateway_ip=spec.gateway_ip,
        enable_dhcp=spec.enable_dhcp,
        allocation_pools=spec.allocation_pools,
    )
