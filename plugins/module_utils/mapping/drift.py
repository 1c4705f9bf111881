# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Find where a mapping no longer fits the application or the site. Pure."""

from __future__ import annotations

import typing as t

from ..manifest.manifest import Manifest
from ..manifest.specs import Topology
from ..restore.topology import subnet_differences
from .apply import apply
from .isolation import as_restored
from .mapping import KINDS, NamedKind, SiteMapping, Target, used_names
from .proposal import Finding, Inventory, propose

#: Kinds whose entries may be null on purpose.
_OPTIONAL = {kind.key for kind in KINDS if kind.optional}


def restore_problems(
    manifest: Manifest, mapping: SiteMapping, inventory: Inventory, drill: str | None = None
) -> tuple[Manifest, list[str]]:
    """Why a mapping, or a drill with it, prevents any restore, each with what to do.

    :param manifest: as the catalogue has it.
    :returns: the manifest as it would be restored, and the problems.
    """
    mapped = as_restored(manifest, mapping, drill)
    # A drill uses nothing of the site's own but flavors and volume types.
    targets = [] if drill else [one.reason for one in missing_targets(manifest, mapping, inventory, only_made=True)]
    return mapped.manifest, [*mapped.problems, *targets]


def undecided(manifest: Manifest, mapping: SiteMapping, inventory: Inventory) -> tuple[Finding, ...]:
    """Entries without a name, with what may be meant."""
    doubts = {(one.kind, one.name): one for one in propose(manifest, inventory)[1]}
    return tuple(
        doubts.get((kind.key, name)) or _open(kind, name, inventory)
        for kind, name, target in _entries(manifest, mapping)
        if target and target.name is None and not kind.optional
    )


def _open(kind: NamedKind, name: str, inventory: Inventory) -> Finding:
    reason = f"The mapping does not say what replaces {kind.label} '{name}'."
    return Finding(kind.key, name, reason, tuple(inventory.names(kind.key)))


def drift(manifest: Manifest, mapping: SiteMapping, inventory: Inventory) -> tuple[Finding, ...]:
    """What must be corrected in a mapping because the application or the site has changed."""
    return (
        *missing_targets(manifest, mapping, inventory),
        *_without_entry(manifest, mapping, inventory),
        *_leftovers(manifest, mapping),
        *_other_ranges(manifest, mapping, inventory),
        *(Finding("addresses", "", problem) for problem in _impossible(manifest, mapping)),
    )


def made(manifest: Manifest, mapping: SiteMapping, inventory: Inventory) -> list[dict[str, str]]:
    """What a restore makes at the site, with the names there."""
    provided = _provided(manifest, mapping)
    found = [
        {"kind": kind.key, "name": target.name if target and target.name else name}
        for kind, name, target in _entries(manifest, mapping)
        if (kind.key, name) not in provided and _is_made(kind, name, target, manifest)
    ]
    topology = apply(manifest, mapping).manifest.description.topology
    return [one for one in found if not _is_there(topology, inventory, one["kind"], one["name"])]


def _is_there(topology: Topology, inventory: Inventory, kind: str, name: str) -> bool:
    """Whether there is something that a restore would make otherwise: what others have under the name may be nothing of the application.

    :param topology: after mapping.
    """
    site = inventory.stock.site.in_terms_of(topology)
    shareable: dict[str, t.Callable[[], t.Any]] = {
        "networks": lambda: site.network(name),
        "subnets": lambda: [one for spec in topology.subnets if spec.name == name for one in site.subnets_called(name, site.network(spec.network))],
        "security_groups": lambda: site.own_security_group(name),
        "address_groups": lambda: site.own_address_group(name),
    }
    return bool(shareable[kind]()) if kind in shareable else inventory.has(kind, name)


def _provided(manifest: Manifest, mapping: SiteMapping) -> set[tuple[str, str]]:
    """What other projects provide, so that no restore makes it, by the key of its kind and its name."""
    topology = manifest.description.topology
    networks = {name for name in topology.networks_of_others if not ((target := mapping.target("networks", name)) and target.make)}
    subnets = {spec.name for spec in topology.subnets if spec.network in networks}
    return {*(("networks", name) for name in networks), *(("subnets", name) for name in subnets)}


def missing_targets(
    manifest: Manifest, mapping: SiteMapping, inventory: Inventory, only_made: bool = False
) -> t.Iterator[Finding]:
    """Entries whose target is not at the site and is not made.

    :param only_made: those of kinds that a restore can make; others it finds missing by itself.
    """
    provided = _provided(manifest, mapping)
    for kind, name, target in _entries(manifest, mapping):
        is_provided = (kind.key, name) in provided
        if not target or not target.name or inventory.has(kind.key, target.name) or (only_made and (is_provided or not kind.made)):
            continue
        if is_provided or not _is_made(kind, name, target, manifest):
            reason = (
                f"The mapping says '{target.name}' for {kind.label} '{name}', which does not exist at site '{inventory.site}'; "
                f"{_way_out(kind, name, manifest, is_provided)}."
            )
            yield Finding(kind.key, name, reason, tuple(inventory.names(kind.key)))


def _way_out(kind: NamedKind, name: str, manifest: Manifest, is_provided: bool) -> str:
    if is_provided:
        return "correct the mapping, or have its owner provide it: at the source it belongs to another project"
    if kind.made and not _is_unknown_key(kind, name, manifest):
        return "create it, correct the mapping, or have the restore make it under that name (make: true)"
    return "create it, or correct the mapping"


def _is_made(kind: NamedKind, name: str, target: Target | None, manifest: Manifest) -> bool:
    """A name of the source is made where it is missing; another one only where the mapping says so."""
    own = target is None or target.make or target.name == name
    return kind.made and own and not _is_unknown_key(kind, name, manifest)


def _is_unknown_key(kind: NamedKind, name: str, manifest: Manifest) -> bool:
    """A key pair of another user, of which the manifest has only the name."""
    return kind.key == "key_pairs" and name not in {one.name for one in manifest.description.topology.key_pairs}


def _entries(manifest: Manifest, mapping: SiteMapping) -> t.Iterator[tuple[NamedKind, str, Target | None]]:
    """Everything that the application needs at a site, with its target where the mapping has an entry."""
    used = used_names(manifest, mapping)
    for kind in KINDS:
        for name in used[kind.key]:
            yield kind, name, mapping.target(kind.key, name)


def _without_entry(manifest: Manifest, mapping: SiteMapping, inventory: Inventory) -> t.Iterator[Finding]:
    proposed, doubtful = propose(manifest, inventory)
    doubts = {(one.kind, one.name): one.candidates for one in doubtful}
    for kind, name, target in _entries(manifest, mapping):
        # Without an entry, a key pair that nobody knows is just left out.
        if target or inventory.has(kind.key, name) or _is_unknown_key(kind, name, manifest):
            continue
        target = proposed.target(kind.key, name)
        choice = target.name if target else None
        made_so = f"; '{name}: {name}' has the restore make it" if kind.made and choice == name else ""
        made_so += f"; '{name}: null' leaves it out" if kind.optional else ""
        reason = (
            f"The mapping has no entry for {kind.label} '{name}', and site '{inventory.site}' has none of that name; add an entry{made_so}."
        )
        yield Finding(kind.key, name, reason, (choice,) if choice else doubts.get((kind.key, name), tuple(inventory.names(kind.key))))


def _leftovers(manifest: Manifest, mapping: SiteMapping) -> t.Iterator[Finding]:
    used = used_names(manifest)
    for kind in KINDS:
        for name in sorted({*mapping.targets(kind.key)} - {*used[kind.key]}):
            yield Finding(kind.key, name, f"The application no longer has {kind.label} '{name}'; remove the entry.")
    servers = {server.name: server for server in manifest.description.servers}
    for name, rule in mapping.servers.items():
        if name not in servers:
            yield Finding("addresses", name, f"The application no longer has server '{name}'; remove its rule.")
            continue
        ports = servers[name].ports
        keys = {port.network for port in ports} | {port.mac_address.lower() for port in ports}
        for key in rule.ports:
            if key not in keys and key.lower() not in keys:
                reason = f"Server '{name}' has no port on a network '{key}' and none with that MAC address; remove the rule."
                yield Finding("addresses", name, reason)
    yield from _root_disks(manifest, mapping)


def _root_disks(manifest: Manifest, mapping: SiteMapping) -> t.Iterator[Finding]:
    from_images = {server.name for server in manifest.description.servers if server.root_image}
    for name in sorted({*mapping.root_disks} - from_images):
        yield Finding("root_disks", name, f"The application has no server '{name}' that boots from an image; remove the entry.")


def _other_ranges(manifest: Manifest, mapping: SiteMapping, inventory: Inventory) -> t.Iterator[Finding]:
    topology = apply(manifest, mapping).manifest.description.topology
    mapped, site = {spec.name: spec for spec in topology.subnets}, inventory.stock.site.in_terms_of(topology)
    for name in used_names(manifest)["subnets"]:
        target = mapping.target("subnets", name)
        spec = mapped.get((target.name if target else None) or name)
        if spec:
            yield from (Finding("subnets", name, one) for one in subnet_differences(site, spec))


def _impossible(manifest: Manifest, mapping: SiteMapping) -> list[str]:
    """What cannot be done as the mapping says, apart from undecided entries, which have findings of their own."""
    decided = {
        key: {name: target for name, target in section.items() if target.name is not None or key in _OPTIONAL}
        for key, section in mapping.names.items()
    }
    return list(apply(manifest, SiteMapping(decided, mapping.rule, mapping.servers, mapping.root_disks)).problems)
