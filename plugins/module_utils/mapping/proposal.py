# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Propose a mapping for an application at a site. Pure.

A name that the site has too stands for itself, what a restore makes keeps its name, and where the site offers only one
candidate, that one is taken. Everything else is left for a person to decide.
"""

from __future__ import annotations

import dataclasses
import functools
import typing as t

from ..core.records import Flavor, Network, Subnet
from ..manifest.manifest import Manifest
from ..manifest.specs import KeyPairSpec, SubnetSpec
from ..restore.server_plan import choose_flavor, why_no_flavor
from ..restore.stock import Stock
from ..restore.topology import same_key
from .mapping import KINDS, AddressRule, NamedKind, SiteMapping, Target, used_names
from .schema import KEEP, REMAP

#: Cinder makes it for those who name none; where it is not the site's default, it is a leftover.
_UNNAMED_TYPE = "__DEFAULT__"


@dataclasses.dataclass(frozen=True)
class Finding:
    """Something that a person must decide.

    :param kind: key of a section of the mapping.
    :param name: at the source.
    :param candidates: names at the site that may be meant, the likeliest first.
    """

    kind: str
    name: str
    reason: str
    candidates: tuple[str, ...] = ()

    def as_dict(self) -> dict[str, t.Any]:
        return {**dataclasses.asdict(self), "candidates": list(self.candidates)}


@dataclasses.dataclass(frozen=True)
class Proposed:
    """A proposed target.

    :param doubt: why nothing was chosen; None where something was.
    """

    target: Target
    doubt: Finding | None = None


@dataclasses.dataclass(frozen=True)
class Inventory:
    """A site's resources to which an application's names can be mapped.

    :param default_volume_type: of new volumes; None when the site has none.
    """

    stock: Stock
    default_volume_type: str | None = None

    @property
    def site(self) -> str:
        return self.stock.site.name

    def names(self, kind: str) -> list[str]:
        """Names that may be meant, sorted; of volume types, the default comes first."""
        if kind == "volume_types":
            return self.volume_types
        site = self.stock.site
        found: dict[str, t.Iterable[str]] = {
            "networks": (one.name for one in site.networks if one.is_shared or not one.is_external),
            "subnets": (one.name for one in site.subnets),
            "routers": (one.name for one in site.routers),
            "external_networks": (one.name for one in site.networks if one.is_external),
            "flavors": (one.name for one in site.flavors),
            "key_pairs": site.key_pairs,
            "security_groups": (one.name for one in site.security_groups),
            "address_groups": (one.name for one in site.address_groups),
            "server_groups": (one.name for one in site.server_groups),
            "availability_zones": (name for names in self.stock.zones.values() for name in names),
            "qos_policies": (one.name for one in site.qos_policies),
            "subnet_pools": (one.name for one in site.subnet_pools),
        }
        return sorted({name for name in found[kind] if name})

    def has(self, kind: str, name: str) -> bool:
        """Whether something is meant by a name, or by an id where others may have given the name twice."""
        site = self.stock.site
        by_id: dict[str, t.Sequence[Network | Subnet]] = {"networks": site.networks, "external_networks": site.networks, "subnets": site.subnets}
        return name in self.names(kind) or any(one.id == name for one in by_id.get(kind, ()))

    @property
    def volume_types(self) -> list[str]:
        """The volume types that the project may use, the default first."""
        quotas = self.stock.quotas.get("volume", {})
        barred = {name for name in self.stock.volume_types if (quota := quotas.get(f"volumes_{name}")) and quota.limit == 0}
        return sorted({*self.stock.volume_types} - barred, key=lambda name: (name != self.default_volume_type, name))


def propose(manifest: Manifest, inventory: Inventory) -> tuple[SiteMapping, tuple[Finding, ...]]:
    """A mapping with an entry for everything that the application has, and what is undecided in it.

    What may be left out has no entry while it is undecided: null would say that it is.
    """
    proposer = _Proposer(manifest, inventory)
    choices = {kind.key: {name: proposer.choice(kind, name) for name in names} for kind, names in proposer.used()}
    doubts = [choice.doubt for section in choices.values() for choice in section.values() if choice.doubt]
    optional = {kind.key for kind in KINDS if kind.optional}
    sections = {
        key: {name: choice.target for name, choice in section.items() if not (choice.doubt and key in optional)} for key, section in choices.items()
    }
    names = {key: section for key, section in sections.items() if section}
    moved = any(target.cidr for target in names.get("subnets", {}).values())
    return SiteMapping(names, AddressRule(REMAP if moved else KEEP, True)), tuple(doubts)


class _Proposer:
    def __init__(self, manifest: Manifest, inventory: Inventory) -> None:
        self.manifest = manifest
        self.topology = manifest.description.topology
        self.inventory = inventory
        self.site = inventory.stock.site.in_terms_of(self.topology)

    def used(self) -> list[tuple[NamedKind, list[str]]]:
        names = used_names(self.manifest)
        return [(kind, names[kind.key]) for kind in KINDS]

    def choice(self, kind: NamedKind, name: str) -> Proposed:
        special: dict[str, t.Callable[[str], Proposed]] = {
            "networks": self._network,
            "subnets": self._subnet,
            "external_networks": self._external_network,
            "flavors": self._flavor,
            "volume_types": self._volume_type,
            "key_pairs": self._key_pair,
            "availability_zones": self._zone,
            "qos_policies": functools.partial(self._named_at_site, "qos_policies", "QoS policy"),
            "subnet_pools": functools.partial(self._named_at_site, "subnet_pools", "subnet pool"),
        }
        return special.get(kind.key, lambda one: Proposed(Target(one)))(name)

    def _undecided(self, kind: str, name: str, reason: str, candidates: t.Iterable[str]) -> Proposed:
        others = dict.fromkeys(one for one in candidates if one)
        return Proposed(Target(None), Finding(kind, name, reason, tuple(others)))

    def _network(self, name: str) -> Proposed:
        there = self.site.network(name)
        if there is None and name in self.topology.networks_of_others:
            reason = f"Network '{name}' belongs to another project at the source, and site '{self.site.name}' has none of that name for the project."
            return self._undecided("networks", name, reason, self.inventory.names("networks"))
        shared = [one for one in self.site.of_others(self.site.networks) if one.name == name and one.is_shared]
        if there is None and shared and name in self.site.names.own_networks:
            reason = (
                f"Network '{name}' is the project's own at the source, and at site '{self.site.name}' another project shares one of that name; write its id to "
                "use that, or the name to have the restore make one of the project's own."
            )
            return self._undecided("networks", name, reason, [one.id for one in shared] + [name])
        if there and there.is_external and not there.is_shared:
            reason = f"At site '{self.site.name}', '{name}' is an external network; servers are not connected to these directly."
            return self._undecided("networks", name, reason, self.inventory.names("networks"))
        return Proposed(Target(name))

    # Subnets

    def _subnet(self, name: str) -> Proposed:
        spec = next((one for one in self.topology.subnets if one.name == name), None)
        network = self.site.network(spec.network) if spec else None
        named = [one for one in self.site.subnets if one.name == name]
        if spec and network is None and self.topology.is_of_others(name):
            reason = f"Subnet '{name}' is on network '{spec.network}', which belongs to another project; name the one of the network that stands for it."
            return self._undecided("subnets", name, reason, [one.name for one in self.site.subnets if self._may_be(one, spec)])
        if spec is None or (network is None and not named):
            return Proposed(Target(name))
        beside = [one for one in self.site.subnets if network and one.network_id == network.id and self._may_be(one, spec)]
        mine = next((one for one in named if one in beside), None) or _same_range(spec, beside)
        if mine:
            return Proposed(Target(mine.name, cidr=None if mine.cidr == spec.cidr else mine.cidr))
        return self._doubtful_subnet(spec, named, beside)

    def _may_be(self, subnet: Subnet, spec: SubnetSpec) -> bool:
        others = {one.name for one in self.topology.subnets} - {spec.name}
        return subnet.name not in others and (":" in subnet.cidr) == (spec.ip_version == 6)

    def _doubtful_subnet(self, spec: SubnetSpec, named: t.Sequence[Subnet], beside: t.Sequence[Subnet]) -> Proposed:
        names = [one.name for one in beside]
        if named:
            reason = f"Site '{self.site.name}' has a subnet '{spec.name}', but not on network '{spec.network}' or not of the same IP version."
            return self._undecided("subnets", spec.name, reason, names)
        if beside:
            reason = f"Network '{spec.network}' exists with other subnets; name the one to use, with its cidr if that differs."
            return self._undecided("subnets", spec.name, reason, names)
        return Proposed(Target(spec.name))

    # What a restore does not make

    def _external_network(self, name: str) -> Proposed:
        names = self.inventory.names("external_networks")
        if name in names:
            return Proposed(Target(name))
        if len(names) == 1:
            return Proposed(Target(names[0]))
        amount = f"{len(names)} others" if names else "no other either"
        reason = f"Site '{self.site.name}' has no external network '{name}', but {amount}."
        return self._undecided("external_networks", name, reason, names)

    def _flavor(self, name: str) -> Proposed:
        """Propose a flavor that is large enough for all servers of this flavor, and says the same."""
        wanted = [server.flavor for server in self.manifest.description.servers if server.flavor.name == name]
        largest = Flavor("", name, *(max(getattr(one, size) for one in wanted) for size in ("vcpus", "ram", "disk", "ephemeral", "swap")))
        largest = dataclasses.replace(largest, extra_specs=_same_specs(wanted))
        has_root_disk = any(server.root_image for server in self.manifest.description.servers if server.flavor.name == name)
        chosen = choose_flavor(largest, self.site.flavors, has_root_disk)
        if chosen:
            return Proposed(Target(chosen.name))
        by_size = sorted(self.site.flavors, key=lambda one: (one.name != name, -one.ram, -one.vcpus, one.name))
        return self._undecided("flavors", name, self._why_no_flavor(largest, has_root_disk), [one.name for one in by_size])

    def _why_no_flavor(self, wanted: Flavor, has_root_disk: bool) -> str:
        specs, why = dict(wanted.extra_specs or {}), why_no_flavor(wanted, self.site.flavors, has_root_disk)
        size = f"{wanted.vcpus} VCPUs{',' if specs else ' and'} {wanted.ram} MiB of memory{f', {wanted.disk} GiB of disk' if has_root_disk else ''} or more"
        return f"Site '{self.site.name}' has no flavor with {size}{f' and the extra specs {specs}' if specs else ''}{f': {why}' if why else ''}."

    def _volume_type(self, name: str) -> Proposed:
        types, default = self.inventory.volume_types, self.inventory.default_volume_type
        if name in types:
            return Proposed(Target(name))
        usable = [one for one in types if one != _UNNAMED_TYPE or one == default]
        if len(usable) == 1:
            return Proposed(Target(usable[0]))
        told = f"its default is '{default}', but that may be other storage" if default in usable else "it has no default"
        reason = f"Site '{self.site.name}' has no volume type '{name}' for the project; {told}."
        return self._undecided("volume_types", name, reason, usable)

    def _zone(self, name: str) -> Proposed:
        """Propose a zone; with only one, the site chooses, because asking for it would bind a server to it."""
        names = self.inventory.names("availability_zones")
        if name in names or len(names) < 2:
            return Proposed(Target(name if name in names else None))
        reason = f"Site '{self.site.name}' has no availability zone '{name}'; name one, or write null to have the site choose."
        return self._undecided("availability_zones", name, reason, names)

    def _named_at_site(self, kind: str, label: str, name: str) -> Proposed:
        """What has the same name there."""
        names = self.inventory.names(kind)
        if name in names:
            return Proposed(Target(name))
        reason = f"Site '{self.site.name}' has no {label} '{name}' for the project; name one, or write null to do without."
        return self._undecided(kind, name, reason, names)

    def _key_pair(self, name: str) -> Proposed:
        spec = next((one for one in self.topology.key_pairs if one.name == name), None)
        there = self.site.key_pairs.get(name)
        if spec is None and there is None:
            reason = (
                f"The manifest has no public key of '{name}', and site '{self.site.name}' no key pair of that name; name one that is "
                "there, or take the entry out: the server then has the keys on its disk only."
            )
            return self._undecided("key_pairs", name, reason, sorted(self.site.key_pairs))
        if spec and there and not same_key(there, spec.public_key):
            reason = f"Site '{self.site.name}' has a key pair '{name}' with another public key."
            return self._undecided("key_pairs", name, reason, self._key_pairs_like(spec))
        return Proposed(Target(name))

    def _key_pairs_like(self, spec: KeyPairSpec) -> list[str]:
        """The site's key pairs, those with the same key first."""
        pairs = self.site.key_pairs
        return sorted(pairs, key=lambda name: (not same_key(pairs[name], spec.public_key), name))


def _same_specs(flavors: t.Sequence[Flavor]) -> t.Mapping[str, str] | None:
    """The extra specs of flavors; None where they are not known, or were changed between one server and the next."""
    first = flavors[0].extra_specs
    return first if all(one.extra_specs == first for one in flavors) else None


def _same_range(spec: SubnetSpec, subnets: t.Iterable[Subnet]) -> Subnet | None:
    return next((one for one in subnets if one.cidr == spec.cidr and one.name), None)
