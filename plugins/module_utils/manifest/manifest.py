# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The manifest: the document that describes a checkpoint completely.

Whoever holds it, and the copies it names, can rebuild the application on a site that
has never seen it. It holds no credentials. Whatever is read from it is untrusted, so
it is validated against :mod:`schema` before anything looks at it.
"""

from __future__ import annotations

import collections
import dataclasses
import datetime
import typing as t

from ..application.definition import Application
from ..core.errors import InvalidInput, ManifestInvalid
from ..core.marking import LONGEST_NAME, drill_name
from ..core.numbers import is_whole
from . import agreement, signed
from .missing import Missing
from .plain import build, plain, with_defaults
from .schema import FORM, OUTLINE, SCHEMA_VERSION
from .specs import FloatingSpec, PortSpec, ServerSpec, Topology, VolumeSpec
from .together import Together
from .volume_keys import SealedKey

#: The defaults of what a version added are what is known of documents from before it.
_READABLE_VERSIONS = (1, 2, SCHEMA_VERSION)
#: How many characters of an unknown version are shown.
_SHOWN = 40


@dataclasses.dataclass(frozen=True)
class ApplicationDescription:
    """An application as captured: its definition, and everything to rebuild it but the data."""

    application: Application
    servers: tuple[ServerSpec, ...]
    topology: Topology
    #: What no restore brings back.
    missing: tuple[Missing, ...] = ()

    @property
    def volumes(self) -> list[VolumeSpec]:
        """Each once: of one that several servers have, as the first of them has it."""
        found: dict[str, VolumeSpec] = {}
        for server in self.servers:
            for volume in server.volumes:
                found.setdefault(volume.source_id, volume)
        return list(found.values())

    @property
    def holders(self) -> dict[str, list[str]]:
        """The names of the servers that have a volume, per its id at the source."""
        found: dict[str, list[str]] = collections.defaultdict(list)
        for server in self.servers:
            for volume in server.volumes:
                found[volume.source_id].append(server.name)
        return dict(found)

    @property
    def ports(self) -> list[PortSpec]:
        """Those of servers, and those on none."""
        return [*(port for server in self.servers for port in server.ports), *self.topology.ports]

    @classmethod
    def parse(cls, data: t.Mapping[str, t.Any]) -> ApplicationDescription:
        """Read what :meth:`as_dict` made, or the same part of a manifest."""
        return cls(
            application=Application.parse(data["application"]),
            servers=tuple(build(ServerSpec, server) for server in data["servers"]),
            topology=build(Topology, data["topology"]),
            missing=tuple(build(Missing, one) for one in data.get("missing", ())),
        )

    def as_dict(self) -> dict[str, t.Any]:
        return {
            "application": self.application.as_dict(),
            "servers": [plain(server) for server in self.servers],
            "topology": plain(self.topology),
            "missing": [plain(one) for one in self.missing],
        }


@dataclasses.dataclass(frozen=True)
class Content:
    """When the content of a volume's copies was last proved.

    :param proved_at: ISO 8601 in UTC; empty when it never was.
    :param proved_by: the checkpoint whose copy proved it; empty when none ever did.
    :param how: ``restore`` when a volume restored from the copy equalled its snapshot, ``readable`` when it was restored only; empty when never.
    :param passed_over: how many checkpoints in a row, up to and including this one, proved the content of other volumes but not of this one.
    """

    proved_at: str = ""
    proved_by: str = ""
    how: str = ""
    passed_over: int = 0

    @property
    def moment(self) -> datetime.datetime | None:
        """``proved_at`` for comparisons; None when the content was never proved."""
        return datetime.datetime.fromisoformat(self.proved_at) if self.proved_at else None


@dataclasses.dataclass(frozen=True)
class Copy:
    """The copy of one volume's data at the remote site.

    :param method: ``cinder_backup``: restored from backup ``copy_id``, which needs all of ``chain``
        (ids, oldest first, itself last) at the remote site.
    :param container: where the objects of the backup are; empty when unknown.
    :param stored_bytes: what they take there.
    :param inventory: ``sha256:...`` over names, sizes and checksums of these objects; empty when unknown.
    :param verified: how far the copy was proved at the remote site: its ``records``, its ``objects``, that it is ``readable``, or by a ``restore``.
    :param content: the last proof of the volume's content, by this copy or an earlier one.
    :param key: by which the data of an encrypted volume can be read; None where the volume is not encrypted.
    """

    volume_id: str
    method: str
    copy_id: str
    chain: tuple[str, ...]
    size: int
    incremental: bool
    object_count: int
    container: str = ""
    stored_bytes: int = 0
    inventory: str = ""
    verified: str = "records"
    content: Content = Content()
    key: SealedKey | None = None


@dataclasses.dataclass(frozen=True)
class Checkpoint:
    """The recovery point itself.

    :param created_at: ISO 8601 in UTC, the moment for which the data stands.
    :param site: name of the site where it was taken.
    :param consistency: of the whole; ``server_consistency`` has it per server name.
    :param evidence: what the consistency was computed from, for the report.
    :param together: of what it is one part, where the application is in several projects; None where one has all of it.
    """

    id: str
    created_at: str
    site: str
    consistency: str
    server_consistency: t.Mapping[str, str]
    evidence: t.Mapping[str, t.Any]
    together: Together | None = None

    @property
    def moment(self) -> datetime.datetime:
        """``created_at`` for comparisons."""
        return datetime.datetime.fromisoformat(self.created_at)

    @property
    def bare(self) -> Checkpoint:
        """The same without its evidence, of which there is much."""
        return dataclasses.replace(self, evidence={})


@dataclasses.dataclass(frozen=True)
class Manifest:
    """The document that describes a checkpoint completely.

    :param drill: id of the drill for which it was changed, only in memory; None for a real restore.
    :param beside: id for which it is restored beside the running application, only in memory; None for a restore of the application.
    :param is_bound: whether what was read named the place to which it belongs, as all that is written does.
    :param digest: of the document that was read; empty for one that was not.
    """

    checkpoint: Checkpoint
    description: ApplicationDescription
    copies: tuple[Copy, ...]
    drill: str | None = None
    beside: str | None = None
    is_bound: bool = dataclasses.field(default=True, compare=False)
    digest: str = dataclasses.field(default="", compare=False)

    @property
    def application(self) -> Application:
        return self.description.application

    def called(self, name: str) -> str:
        """The name at the site for a name at the source, or one that was made of such a name and may have become too long."""
        return name[:LONGEST_NAME] if self.drill is None else drill_name(self.drill, name)

    def copy_of(self, volume: VolumeSpec) -> Copy:
        """The copy of a volume; every volume of a valid manifest has one."""
        return next(copy for copy in self.copies if copy.volume_id == volume.source_id)

    @classmethod
    def parse(cls, document: t.Any) -> Manifest:
        """Read an untrusted document.

        :raises ManifestInvalid: naming what is wrong with it.
        """
        _refuse_unknown_version(document)
        signed.refuse_deep(document, ManifestInvalid)
        return cls._parse(document)

    @classmethod
    def _parse(cls, document: t.Mapping[str, t.Any]) -> Manifest:
        """Read a document of a known version that is not deep."""
        document = _upgraded(document)
        signed.validate(document, FORM, ManifestInvalid)
        manifest = cls(
            checkpoint=build(Checkpoint, document["checkpoint"]),
            description=_description(document),
            copies=tuple(build(Copy, copy) for copy in document["copies"]),
        )
        _refuse_contradictions(manifest)
        return manifest

    @classmethod
    def load(cls, content: bytes, seal: signed.Seal = signed.UNSEALED) -> Manifest:
        """Read a stored manifest and check its digest, and its signature and place where there is a key.

        :raises ManifestInvalid: when it is damaged, not signed with the key, of another place, or no manifest at all.
        """
        stored = signed.load(content, seal, ManifestInvalid)
        _refuse_unknown_version(stored.document)
        return dataclasses.replace(cls._parse(stored.document), is_bound=stored.is_bound, digest=stored.digest)

    def as_dict(self) -> dict[str, t.Any]:
        return {
            "schema_version": SCHEMA_VERSION,
            "checkpoint": plain(self.checkpoint),
            **self.description.as_dict(),
            "copies": [plain(copy) for copy in self.copies],
        }

    def dump(self, seal: signed.Seal = signed.UNSEALED) -> bytes:
        """Canonical JSON with its SHA-256 digest, and signed where there is a key."""
        return signed.dump(self.as_dict(), seal)


@dataclasses.dataclass(frozen=True)
class Outline:
    """What stands in a stored manifest before its servers: enough to tell which checkpoint it is, and what its copies need.

    Its digest, and its signature and place where there is a key, are right, and it follows the schema as far as it was read. Whether the rest does
    is only known of a whole manifest.
    """

    application: Application
    checkpoint: Checkpoint
    copies: tuple[Copy, ...]

    @classmethod
    def of(cls, found: Manifest | Outline) -> Outline:
        """What many checkpoints may be in memory of: no evidence, and no description."""
        return cls(found.application, found.checkpoint.bare, found.copies)

    @classmethod
    def load(cls, content: bytes, seal: signed.Seal = signed.UNSEALED) -> Outline | None:
        """Read the beginning of a stored manifest.

        :returns: None for one of which only :meth:`Manifest.load` can tell what it is.
        :raises ManifestInvalid: when it is damaged, not signed with the key, or of another place.
        """
        stored = signed.load_until(content, "servers", seal, ManifestInvalid)
        if stored is None or not OUTLINE.conforms(stored.document):
            return None
        checkpoint = build(Checkpoint, stored.document["checkpoint"])
        copies = tuple(build(Copy, copy) for copy in stored.document["copies"])
        if not _is_time(checkpoint.created_at):
            return None
        try:
            return cls(Application.parse(stored.document["application"]), checkpoint, copies)
        except InvalidInput:
            return None


def _description(document: t.Mapping[str, t.Any]) -> ApplicationDescription:
    try:
        return ApplicationDescription.parse(document)
    except InvalidInput as error:
        raise ManifestInvalid(f"The manifest contradicts itself: {signed.shown(error.message)}") from error


def _refuse_unknown_version(document: t.Any) -> None:
    version = document.get("schema_version") if isinstance(document, dict) else None
    # True and 1.0 are equal to 1, and are no versions.
    if not is_whole(version) or version not in _READABLE_VERSIONS:
        raise ManifestInvalid(
            f"The manifest has schema version {signed.shown(version)[:_SHOWN]}; this release reads versions 1 to {SCHEMA_VERSION}.",
            "Use a release of osdr.openstack that knows it.",
        )


def _upgraded(document: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
    """A document of an older version as this version has it; what is no such document is for the schema to refuse."""
    if document["schema_version"] == SCHEMA_VERSION:
        return dict(document)
    parts = (("checkpoint", Checkpoint), ("copies", tuple[Copy, ...]), ("servers", tuple[ServerSpec, ...]), ("topology", Topology))
    upgraded = {key: with_defaults(hint, document[key]) for key, hint in parts if key in document}
    upgraded = {"missing": [], **document, **upgraded, "schema_version": SCHEMA_VERSION}
    _upgrade_floating(upgraded["servers"] if "servers" in upgraded else ())
    return upgraded


def _upgrade_floating(servers: t.Any) -> None:
    """Until version 2, a port had one floating address at most, of which only the external network was known."""
    ports = [port for server in _dicts(servers) for port in _dicts(server.get("ports"))]
    for port in ports:
        network = port.pop("floating_network", None)
        if network is not None:
            port["floating_ips"] = [plain(FloatingSpec(network))]


def _dicts(values: t.Any) -> list[dict[str, t.Any]]:
    """What of a list the schema may accept."""
    return [one for one in values if isinstance(one, dict)] if isinstance(values, list) else []


def _refuse_contradictions(manifest: Manifest) -> None:
    """Refuse contradictions between the parts of the document, which a schema cannot express."""
    description = manifest.description
    listed = {server.name for server in description.servers}
    tiers = {tier.name for tier in manifest.application.tiers}
    problems = agreement.of_volumes(description.servers, {copy.volume_id: copy.size for copy in manifest.copies}, "copy")
    problems += agreement.of_snapshots(description.servers, manifest.checkpoint.evidence)
    problems += [f"server {name} is not described" for name in manifest.application.servers if name not in listed]
    problems += [f"server {s.name} is in unknown tier {s.tier}" for s in description.servers if s.tier not in tiers]
    groups = {group.name for group in description.topology.server_groups}
    problems += [f"server {s.name} is in unknown server group {s.server_group}" for s in description.servers if {s.server_group} - {None, *groups}]
    problems += [f"server {name} is described twice" for name in _twice(s.name for s in description.servers)]
    problems += agreement.of_shared(description.servers)
    problems += [f"volume {one} has several copies" for one in _twice(copy.volume_id for copy in manifest.copies)]
    problems += [f"the chain of copy {copy.copy_id} does not end with it" for copy in manifest.copies if copy.chain[-1] != copy.copy_id]
    problems += _reference_problems(description)
    problems += _time_problems(manifest)
    together = manifest.checkpoint.together
    problems += together.contradictions([tier.name for tier in manifest.application.tiers]) if together else []
    if problems:
        raise ManifestInvalid(f"The manifest contradicts itself: {signed.listed([signed.shown(one) for one in problems])}.")


def _reference_problems(description: ApplicationDescription) -> list[str]:
    """Ports, and addresses of ports, that are named and not described."""
    topology, everything = description.topology, description.ports
    ports = {port.source_id: port for port in everything if port.source_id}
    named = [(f"trunk {trunk.source_id}", one) for trunk in topology.trunks for one in (trunk.port, *(subport.port for subport in trunk.subports))]
    named += [(f"floating address {one.source_id}", forwarding.port) for one in topology.forwarders for forwarding in one.forwardings]
    problems = [f"{what} names the unknown port {port}" for what, port in named if port not in ports]
    problems += [f"port {one} is described twice" for one in _twice(port.source_id for port in everything if port.source_id)]
    places = [(port, floating.place) for port in everything for floating in port.floating_ips if floating.place is not None]
    places += [(ports[one.port], one.place) for forwarder in topology.forwarders for one in forwarder.forwardings if one.port in ports]
    return problems + [f"port {port.source_id} has no address {place}" for port, place in places if place >= len(port.fixed_ips)]


def _time_problems(manifest: Manifest) -> list[str]:
    times = {manifest.checkpoint.created_at, *(copy.content.proved_at for copy in manifest.copies)} - {""}
    return [f"there is no time {one}" for one in sorted(times) if not _is_time(one)]


def _is_time(text: str) -> bool:
    try:
        datetime.datetime.fromisoformat(text)
    except ValueError:
        return False
    return True


def _twice(names: t.Iterable[str]) -> list[str]:
    return [name for name, count in collections.Counter(names).items() if count > 1]
