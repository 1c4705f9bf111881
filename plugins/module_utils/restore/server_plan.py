# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a restore has to do about servers: pure, as :mod:`volume_plan` is."""

from __future__ import annotations

import dataclasses
import re
import typing as t

from ..core.intent import Intent
from ..core.marking import Mark
from ..core.records import Flavor, NamedFlavor, Port, Server, ServerGroup, Volume
from ..manifest import user_data
from ..manifest.manifest import Copy, Manifest
from ..manifest.specs import ServerSpec
from . import nova_features
from .marks import by_mark, mark_of
from .nova_features import Feature, Version
from .port_plan import PortStep, plan_port
from .site import RestoreSite
from .volume_plan import Action, VolumeStep

#: So many flavors that do not fit are told.
_FLAVORS_SHOWN = 3
#: Statuses of servers that are well.
RUNS, OFF = "ACTIVE", "SHUTOFF"
_LONGEST_HOSTNAME = 63
#: What Nova takes; of a server's name it also makes others.
_HOSTNAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*[A-Za-z0-9]")


@dataclasses.dataclass(frozen=True)
class ServerStep:
    """What is to be done about one server.

    :param name: at the site.
    :param volumes: the restored volumes in the order of the devices; None for one that is not there.
    :param image: the copy of the root disk of a server that boots from an image; None for one that boots from a volume.
    :param flavor: the site's flavor; None when none fits.
    :param key_name: None when the source has none, or the site has no key pair of that name.
    :param group: the site's server group; None when the source has none, or it is not there.
    :param nova: the newest microversion that the site's Nova knows.
    """

    spec: ServerSpec
    name: str
    mark: Mark
    action: Action
    current: Server | None
    ports: tuple[PortStep, ...]
    volumes: tuple[Volume | None, ...]
    flavor: Flavor | None
    key_name: str | None
    group: ServerGroup | None = None
    nova: Version = (2, 100)
    image: Copy | None = None

    @property
    def source(self) -> str:
        """Id of the server at the source."""
        return self.spec.source_id

    @property
    def builds(self) -> bool:
        return self.action.makes

    @property
    def address(self) -> str | None:
        """The server's address: its floating address, or else its first fixed one."""
        floating = [port.floating_ip.ip_address for port in self.ports if port.floating_ip]
        fixed = [ip.ip_address for port in self.ports if port.current for ip in port.current.fixed_ips]
        return next(iter((*floating, *fixed)), None)

    @property
    def changes(self) -> bool:
        if self.action is not Action.KEEP or self.current is None:
            return True
        server = self.current
        return bool(self.wrong_flags(server)) or self.is_to_stop(server) or self.is_to_lock(server) or any(port.changes for port in self.ports)

    @property
    def good_statuses(self) -> tuple[str, ...]:
        """Those that the server may have once it is restored."""
        return (RUNS, OFF) if self.spec.is_off else (RUNS,)

    def is_to_stop(self, server: Server) -> bool:
        """Whether a server is to be off and has not been yet. From then on it is its owners' to start."""
        return self.spec.is_off and not Intent.kept(server).is_off

    def is_to_lock(self, server: Server) -> bool:
        return self.spec.lock is not None and not server.locked

    def wrong_flags(self, server: Server) -> dict[str, bool]:
        """Volumes whose setting for deletion with the server must be changed, with the new setting, per volume id.

        A server is created with all its volumes kept: one that fails to build must not take restored data with it.
        """
        if not nova_features.DELETION.is_taken(self.nova):
            return {}
        attached = dict(server.volumes)
        wanted = {
            volume.id: spec.delete_on_termination
            for spec, volume in zip(self.spec.attached, self.volumes, strict=True)
            if volume
        }
        return {one: flag for one, flag in wanted.items() if one in attached and attached[one] != flag}

    @property
    def _hostname(self) -> str | None:
        """The host name to set: the guest keeps that of the source whatever the server's name; None where Nova derives the same."""
        own = self.spec.hostname or ""
        wanted = own if _HOSTNAME.fullmatch(own) else _hostname(self.spec.name)
        return wanted if wanted != _hostname(self.name) and _HOSTNAME.fullmatch(wanted) else None

    @property
    def lost_hostname(self) -> str | None:
        """The source's host name, where Nova takes it from nobody, as one of a single character, and derives another one."""
        own = self.spec.hostname or ""
        return own if own and not _HOSTNAME.fullmatch(own) and own != _hostname(self.name) else None

    @property
    def _features(self) -> dict[Feature, t.Any]:
        """What of the server needs a newer Nova than others, with its value."""
        spec, hostname = self.spec, self._hostname
        return {
            nova_features.DESCRIPTION: spec.description,
            nova_features.DEVICE_TAGS: [tag for tag in (*(one.device_tag for one in spec.attached), *(port.spec.device_tag for port in self.ports)) if tag],
            nova_features.TAGS: list(spec.tags),
            nova_features.LOCK_REASON: spec.lock,
            nova_features.DELETION: any(one.delete_on_termination for one in spec.attached),
            nova_features.of_hostname(hostname or ""): hostname,
        }

    @property
    def lost(self) -> list[Feature]:
        """What the server has that the site's Nova is too old for."""
        return [feature for feature, value in self._features.items() if value and not feature.is_taken(self.nova)]

    @property
    def marks(self) -> dict[str, str]:
        """All that the finished server has in its metadata beside its own."""
        return {**self.mark.metadata(), **Intent(self.spec.is_off, self.spec.lock).metadata()}

    @property
    def lock_reason(self) -> str:
        return (self.spec.lock or "") if nova_features.LOCK_REASON.is_taken(self.nova) else ""

    def _tagged(self, device: dict[str, t.Any], tag: str | None) -> dict[str, t.Any]:
        return {**device, "tag": tag} if tag and nova_features.DEVICE_TAGS.is_taken(self.nova) else device

    @property
    def metadata(self) -> dict[str, str]:
        """The metadata with which the server is made: its own, and what a restore adds."""
        return {**self.spec.metadata, **self.mark.metadata(), **Intent(lock=self.spec.lock).metadata()}

    def body(self, port_ids: t.Sequence[str]) -> dict[str, t.Any]:
        """Parameters for creating the server in Nova; flavor and volumes must exist."""
        body = {
            "name": self.name,
            "flavor_id": t.cast(Flavor, self.flavor).id,
            "networks": [self._tagged({"port": port_id}, port.spec.device_tag) for port_id, port in zip(port_ids, self.ports, strict=False)] or "none",
            "block_device_mapping": self._disks,
            "config_drive": self.spec.config_drive,
            "metadata": self.metadata,
        }
        taken = {feature: value for feature, value in self._features.items() if feature.is_taken(self.nova)}
        optional = {
            "image_id": self.image and self.image.copy_id,
            "key_name": self.key_name,
            "description": taken.get(nova_features.DESCRIPTION),
            "tags": taken.get(nova_features.TAGS),
            "user_data": user_data.content(self.spec.user_data or ""),
            "availability_zone": self.spec.availability_zone,
            "scheduler_hints": self.group and {"group": self.group.id},
            "hostname": taken.get(nova_features.of_hostname(self._hostname or "")),
        }
        return {**body, **{key: value for key, value in optional.items() if value}}

    @property
    def _disks(self) -> list[dict[str, t.Any]]:
        """What the server has of disks, the one that it boots from first."""
        root = [_root_disk(self.image)] if self.image else []
        attached = zip(self.spec.attached, self.volumes, strict=True)
        return root + [
            self._tagged(_disk(position, t.cast(Volume, volume)), spec.device_tag) for position, (spec, volume) in enumerate(attached, len(root))
        ]


def _root_disk(image: Copy) -> dict[str, t.Any]:
    """The disk that Nova makes of an image; it goes with its server."""
    return {
        "boot_index": 0,
        "uuid": image.copy_id,
        "source_type": "image",
        "destination_type": "local",
        "delete_on_termination": True,
    }


def _disk(position: int, volume: Volume) -> dict[str, t.Any]:
    """A disk as Nova takes it; it boots from the first one."""
    return {
        "boot_index": 0 if position == 0 else -1,
        "uuid": volume.id,
        "source_type": "volume",
        "destination_type": "volume",
        "delete_on_termination": False,
    }


def _hostname(name: str) -> str:
    """The host name that Nova derives from a server's name."""
    plain = re.sub(r"[^a-z0-9-]", "", re.sub(r"[ _.]", "-", name.lower()))
    return plain.strip("-")[:_LONGEST_HOSTNAME].rstrip("-")


def plan_servers(manifest: Manifest, site: RestoreSite, volumes: t.Iterable[VolumeStep]) -> list[ServerStep]:
    """One step per server of the application, in boot order.

    :param volumes: what is to be done about those of the application.
    """
    restored = {step.spec.source_id: step.current for step in volumes}
    order = {tier.name: position for position, tier in enumerate(manifest.application.tiers)}
    servers = sorted(manifest.description.servers, key=lambda server: order[server.tier])
    made = by_mark(site.servers, lambda server: Mark.of_metadata(server.metadata))
    ports = by_mark(site.ports, lambda port: Mark.of_text(port.description))
    steps = []
    for spec in servers:
        mark = mark_of(manifest, spec.source_id)
        steps.append(_server_step(manifest, site, spec, made[mark], ports[mark], restored))
    return steps


def _server_step(
    manifest: Manifest, site: RestoreSite, spec: ServerSpec, made: t.Sequence[Server], made_ports: t.Sequence[Port], restored: t.Mapping[str, Volume | None]
) -> ServerStep:
    current = next(iter(made), None)
    action = _server_action(current)
    ports = [plan_port(manifest, site, spec, position, made_ports) for position in range(len(spec.ports))]
    if not action.makes:
        # A port that somebody took away from a running server is not made again.
        ports = [port for port in ports if port.current]
    return ServerStep(
        spec=spec,
        name=manifest.called(spec.name),
        mark=mark_of(manifest, spec.source_id),
        action=action,
        current=current,
        ports=tuple(ports),
        volumes=tuple(restored[volume.source_id] for volume in spec.attached),
        flavor=choose_flavor(spec.flavor, site.flavors, spec.root_image is not None),
        key_name=spec.key_name if spec.key_name in site.key_pairs else None,
        group=site.server_group(spec.server_group),
        nova=site.nova,
        image=manifest.copy_of(spec.root_image) if spec.root_image else None,
    )


def _server_action(server: Server | None) -> Action:
    if server is None:
        return Action.CREATE
    return {"ERROR": Action.REPLACE, "BUILD": Action.WAIT}.get(server.status, Action.KEEP)


def choose_flavor(wanted: Flavor, flavors: t.Iterable[Flavor], has_root_disk: bool = False) -> Flavor | None:
    """The flavor of the same name if it is large enough, or else the smallest that is; with the same extra specs if they are known.

    Of what a mapping names, just the one of that name, whatever it is like.

    :param has_root_disk: whether the root disk comes with the flavor; it does not where a server boots from a volume.
    """
    if isinstance(wanted, NamedFlavor):
        return next((flavor for flavor in flavors if flavor.name == wanted.name), None)
    return next((one for one in _large_enough(wanted, flavors, has_root_disk) if not spec_differences(wanted, one)), None)


def _large_enough(wanted: Flavor, flavors: t.Iterable[Flavor], has_root_disk: bool) -> list[Flavor]:
    """The best first."""

    def size(flavor: Flavor) -> tuple[int, ...]:
        return flavor.vcpus, flavor.ram, flavor.ephemeral, flavor.swap, flavor.disk if has_root_disk else 0

    large = [one for one in flavors if all(a >= b for a, b in zip(size(one), size(wanted), strict=True))]
    return sorted(large, key=lambda one: (one.name != wanted.name, size(one), one.disk))


def spec_differences(wanted: Flavor, there: Flavor) -> list[str]:
    """What a flavor says otherwise than the wanted one, spec by spec, as far as the specs of both are known."""
    if wanted.extra_specs is None or there.extra_specs is None:
        return []
    ours, theirs = wanted.extra_specs, there.extra_specs
    return [
        f"{key} is {_shown(theirs.get(key))} instead of {_shown(ours.get(key))}" for key in sorted({*ours, *theirs}) if ours.get(key) != theirs.get(key)
    ]


def _shown(value: str | None) -> str:
    return "not set" if value is None else f"'{value}'"


def why_no_flavor(wanted: Flavor, flavors: t.Iterable[Flavor], has_root_disk: bool = False) -> str:
    """The extra specs in which the closest of the flavors that are large enough differ; empty when none is large enough."""
    differing = [(one.name, spec_differences(wanted, one)) for one in _large_enough(wanted, flavors, has_root_disk)]
    return "; ".join(f"of flavor '{name}', {', '.join(differences)}" for name, differences in differing[:_FLAVORS_SHOWN])
