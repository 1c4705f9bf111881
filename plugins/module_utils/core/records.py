# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The clouds' answers as plain immutable records.

The adapters fill these from whatever the SDK returns, so that nothing above them
depends on the SDK's classes. Sizes are GiB, memory is MiB, times are the clouds'
ISO 8601 strings unless a field says otherwise.
"""

from __future__ import annotations

import dataclasses
import typing as t

from .text import told

#: Keys under which everything that this collection makes is marked.
APPLICATION_KEY = "osdr_application"
CHECKPOINT_KEY = "osdr_checkpoint"
SOURCE_KEY = "osdr_source"
#: On what a drill makes, which is no part of any real restore.
DRILL_KEY = "osdr_drill"
#: On what is restored beside the application while it runs: the id that was given for that.
BESIDE_KEY = "osdr_beside"
#: On a volume that a roll-back took out of use, and that stays until the roll-back is accepted: its id.
KEPT_KEY = "osdr_kept"
#: On a volume that was restored: its own id, which what is copied from it has not.
VOLUME_KEY = "osdr_volume"
#: On a server, for as long as it is or may be frozen.
FREEZE_KEY = "osdr_freeze"
#: On a server, for as long as it is fenced.
FENCE_KEY = "osdr_fence"
#: On a backup whose content could not be proved, with the time of the attempt.
UNPROVED_KEY = "osdr_unproved"
#: On a backup whose content differs from its snapshot, with the time when that was found out.
DIFFERS_KEY = "osdr_differs"
#: On a server that its owner wants to be off, once it is.
OFF_KEY = "osdr_off"
#: On a server that its owner wants to be locked: the reason.
LOCK_KEY = "osdr_lock"
_LONGEST_NAME = 255
#: Status of a snapshot while it is being backed up; a restarted backup service resets it.
BACKING_UP = "backing-up"


#: What a service itself says of something, which may be more than its record has. It makes no difference whether two records are the same.
Answer = t.Mapping[str, t.Any]


def marks(application: str, checkpoint: str) -> dict[str, str]:
    """Metadata that says to which application and checkpoint a resource belongs."""
    return {APPLICATION_KEY: application, CHECKPOINT_KEY: checkpoint}


def _label(name: str, id_: str) -> str:
    """How messages call something: clouds let people give names that a terminal would obey."""
    return f"{told(name, _LONGEST_NAME)} ({id_})" if name else id_


@dataclasses.dataclass(frozen=True)
class Attachment:
    server_id: str
    device: str


@dataclasses.dataclass(frozen=True)
class Volume:
    id: str
    name: str
    size: int
    status: str
    volume_type: str
    bootable: bool
    availability_zone: str
    encrypted: bool
    multiattach: bool
    metadata: t.Mapping[str, str]
    attachments: tuple[Attachment, ...]
    description: str = ""
    project_id: str = ""
    #: ``host@backend#pool``; None for those who are not administrators.
    backend: str | None = None
    #: The generic volume group it is in.
    group_id: str | None = None
    #: Properties of the image that it was made from, by which Nova boots a server from it.
    image_metadata: t.Mapping[str, str] = dataclasses.field(default_factory=dict)
    is_read_only: bool = False

    @property
    def label(self) -> str:
        return _label(self.name, self.id)


@dataclasses.dataclass(frozen=True)
class RootDisk(Volume):
    """The root disk of a server that boots from an image, where it stands among volumes; it has the id of its server."""

    @classmethod
    def of(cls, server: Server) -> RootDisk:
        return cls(
            id=server.id,
            name=f"root disk of {server.name}",
            size=server.flavor.disk,
            status="in-use",
            volume_type="",
            bootable=True,
            availability_zone="",
            encrypted=False,
            multiattach=False,
            metadata={},
            attachments=(Attachment(server.id, ""),),
            project_id=server.project_id,
        )


@dataclasses.dataclass(frozen=True)
class Snapshot:
    id: str
    name: str
    volume_id: str
    size: int
    status: str
    created_at: str
    metadata: t.Mapping[str, str]
    project_id: str = ""
    group_snapshot_id: str | None = None


@dataclasses.dataclass(frozen=True)
class ImageSnapshot(Snapshot):
    """An image that Nova makes of a root disk, where it stands among snapshots of volumes.

    :param is_cut: whether Glance is given its data, so that they cannot become those of a later moment any more.
    """

    is_cut: bool = False


@dataclasses.dataclass(frozen=True)
class Image:
    """An image.

    :param size: bytes; 0 while that is not known.
    :param min_disk: GiB that a root disk must have at least.
    :param properties: all that is not Glance's own.
    :param hash_algo: by which ``hash_value`` is computed of its data; both are empty where Glance never had these itself.
    """

    id: str
    name: str
    status: str
    created_at: str
    properties: t.Mapping[str, str]
    size: int = 0
    min_disk: int = 0
    min_ram: int = 0
    disk_format: str = ""
    container_format: str = ""
    hash_algo: str = ""
    hash_value: str = ""
    project_id: str = ""


@dataclasses.dataclass(frozen=True)
class ImageCopy:
    """An image that is a copy of a root disk, or that one is made of, among the parts of copies.

    :param volume_id: id of the server at its own site.
    :param metadata: the marks, and perhaps a piece of a manifest.
    :param of: id of the image that it is a copy of; empty for one that Nova made.
    """

    id: str
    name: str
    volume_id: str
    status: str
    created_at: str
    metadata: t.Mapping[str, str]
    of: str = ""

    @property
    def data_timestamp(self) -> str:
        return self.created_at

    @property
    def is_usable(self) -> bool:
        return self.status == "active"

    @property
    def is_under_way(self) -> bool:
        return self.status in ("saving", "uploading", "importing")

    @property
    def is_being_restored(self) -> bool:
        """Always false: making servers from an image does not keep others from using it."""
        return False


@dataclasses.dataclass(frozen=True)
class VolumeCopy:
    """A volume that is the copy of another site's, made of what its storage mirrored.

    :param volume_id: id of the volume at its own site.
    :param snapshot_id: id of the snapshot there that it is the content of.
    :param volume_type: of the copy; the same holds for its zone.
    :param is_complete: whether it has all that belongs to it.
    :param metadata: the marks, and perhaps a piece of a manifest.
    """

    id: str
    volume_id: str
    snapshot_id: str
    size: int
    status: str
    volume_type: str
    availability_zone: str
    is_complete: bool
    data_timestamp: str
    metadata: t.Mapping[str, str]

    @property
    def is_usable(self) -> bool:
        """Whether volumes can be made from it. Attached to a server, it may no longer have the content that it was made with."""
        return self.status == "available" and self.is_complete

    @property
    def is_under_way(self) -> bool:
        return self.status in ("creating", "managing") or (self.status == "available" and not self.is_complete)

    @property
    def is_being_restored(self) -> bool:
        """Always false: making a volume from it does not keep others from using it."""
        return False


@dataclasses.dataclass(frozen=True)
class Pool:
    """A pool of a storage backend as the scheduler knows it.

    :param name: ``host@backend#pool``.
    :param has_consistent_groups: what the driver reports, which a group type's specs can only wish for.
    """

    name: str
    has_consistent_groups: bool


@dataclasses.dataclass(frozen=True)
class GroupType:
    """A type of volume groups.

    :param is_consistent: whether its specs ask for consistent group snapshots.
    """

    id: str
    name: str
    is_consistent: bool


@dataclasses.dataclass(frozen=True)
class VolumeGroup:
    """A volume group.

    :param volume_type_ids: of the types of volumes that it takes.
    """

    id: str
    name: str
    status: str
    description: str
    group_type_id: str
    volume_type_ids: frozenset[str]
    project_id: str = ""

    @property
    def label(self) -> str:
        return _label(self.name, self.id)


@dataclasses.dataclass(frozen=True)
class GroupSnapshot:
    id: str
    name: str
    status: str
    description: str
    group_id: str
    project_id: str = ""


@dataclasses.dataclass(frozen=True)
class Backup:
    id: str
    name: str
    volume_id: str
    snapshot_id: str | None
    size: int
    status: str
    fail_reason: str
    is_incremental: bool
    has_dependents: bool
    object_count: int
    container: str
    created_at: str
    data_timestamp: str
    metadata: t.Mapping[str, str]
    #: Of the backup service that holds it.
    availability_zone: str = ""
    description: str = ""
    #: Of the key of an encrypted volume; empty where it was not encrypted.
    key_id: str = ""

    @property
    def is_usable(self) -> bool:
        """Whether it can be restored from, at once or when what reads it has ended."""
        return self.status == "available" or self.is_being_restored

    @property
    def is_under_way(self) -> bool:
        """Whether it is being made."""
        return self.status == "creating"

    @property
    def is_being_restored(self) -> bool:
        """Whether it is being restored, for example for a drill: meanwhile Cinder neither exports, deletes nor restores it."""
        return self.status == "restoring"


@dataclasses.dataclass(frozen=True)
class BackupRecord:
    """An exported backup record: what a site must import to know the backup."""

    backup_service: str
    backup_url: str


@dataclasses.dataclass(frozen=True)
class Flavor:
    id: str
    name: str
    vcpus: int
    ram: int
    disk: int
    ephemeral: int
    swap: int
    #: None when the site does not show them.
    extra_specs: t.Mapping[str, str] | None = None


@dataclasses.dataclass(frozen=True)
class NamedFlavor(Flavor):
    """The flavor of exactly this name, whatever its size; the sizes here are those of the flavor that it replaces."""


@dataclasses.dataclass(frozen=True)
class Server:
    id: str
    name: str
    status: str
    task_state: str | None
    project_id: str
    hypervisor: str | None
    instance_name: str | None
    flavor: Flavor
    boots_from_image: bool
    key_name: str | None
    availability_zone: str
    config_drive: bool
    description: str
    fault: str
    metadata: t.Mapping[str, str]
    tags: tuple[str, ...]
    #: (volume id, deleted with the server)
    volumes: tuple[tuple[str, bool], ...]
    #: Of the interfaces that have an address, in their order.
    mac_addresses: tuple[str, ...] = ()
    #: In base64; None when there is none, or the credentials may not see it.
    user_data: str | None = None
    #: The availability zone that it must be in; None when none was asked for, or Nova is too old to know.
    pinned_zone: str | None = None
    locked: bool = False
    #: Empty when it is not locked, or nobody said why.
    locked_reason: str = ""
    #: The guest's host name; empty when Nova is too old to tell.
    hostname: str = ""
    #: The device that it boots from; empty for those who are not administrators.
    root_device: str = ""
    #: What the hypervisor last said of the guest, in Nova's numbers: 1 runs, 3 is paused, 4 is off.
    power_state: int | None = None
    #: When Nova last changed what it knows of it, for example because it was started or stopped.
    updated_at: str = ""
    #: When it was made.
    created_at: str = ""
    #: Who made it, and whose key pair it has.
    user_id: str = ""
    #: Of the image that it boots from; empty when it boots from a volume.
    image_id: str = ""

    @property
    def label(self) -> str:
        return _label(self.name, self.id)

    @property
    def state(self) -> str:
        """Status and task, for messages."""
        return f"{self.status} ({self.task_state})" if self.task_state else self.status

    @property
    def is_known(self) -> bool:
        """Whether Nova currently shows state and metadata; it does not for a server whose cell does not answer."""
        return self.status not in ("", "UNKNOWN")


@dataclasses.dataclass(frozen=True)
class ServerGroup:
    """A server group.

    :param max_per_host: of its members where its policy is anti-affinity; None where nothing else than the policy's own is said.
    """

    id: str
    name: str
    policy: str
    max_per_host: int | None = None
    member_ids: frozenset[str] = frozenset()


@dataclasses.dataclass(frozen=True)
class Network:
    """A network.

    :param mtu: 0 where the site does not say.
    :param is_shared: whether its owner lets other projects use it, ours among them.
    """

    id: str
    name: str
    project_id: str = ""
    description: str = ""
    mtu: int = 0
    port_security: bool = True
    is_external: bool = False
    is_shared: bool = False
    is_up: bool = True
    tags: tuple[str, ...] = ()
    dns_domain: str = ""
    qos_policy_id: str | None = None
    answer: Answer = dataclasses.field(default_factory=dict, compare=False, repr=False)


@dataclasses.dataclass(frozen=True)
class Subnet:
    """A subnet.

    :param ip_version: 4 or 6, as the address modes with it are.
    :param gateway_ip: None where it has no gateway.
    """

    id: str
    name: str
    network_id: str
    cidr: str
    project_id: str = ""
    description: str = ""
    ip_version: int = 4
    gateway_ip: str | None = None
    enable_dhcp: bool = True
    dns_nameservers: tuple[str, ...] = ()
    allocation_pools: tuple[t.Mapping[str, str], ...] = ()
    host_routes: tuple[t.Mapping[str, str], ...] = ()
    ipv6_ra_mode: str | None = None
    ipv6_address_mode: str | None = None
    tags: tuple[str, ...] = ()
    subnet_pool_id: str | None = None
    service_types: tuple[str, ...] = ()
    answer: Answer = dataclasses.field(default_factory=dict, compare=False, repr=False)


@dataclasses.dataclass(frozen=True)
class SubnetPool:
    """A subnet pool.

    :param prefixes: from which it gives ranges.
    """

    id: str
    name: str
    project_id: str = ""
    prefixes: tuple[str, ...] = ()


@dataclasses.dataclass(frozen=True)
class QosPolicy:
    id: str
    name: str
    project_id: str = ""


@dataclasses.dataclass(frozen=True)
class Router:
    """A router.

    :param external_network_id: to which it leads; None where it leads nowhere.
    :param gateway_addresses: its own on that network.
    :param routes: each with ``destination`` and ``nexthop``.
    :param is_ha: whether it runs on several hosts; None for those who are not administrators, and so for ``is_distributed``.
    """

    id: str
    name: str
    project_id: str = ""
    description: str = ""
    external_network_id: str | None = None
    enable_snat: bool = True
    is_up: bool = True
    tags: tuple[str, ...] = ()
    gateway_addresses: tuple[str, ...] = ()
    gateway_qos_policy_id: str | None = None
    routes: tuple[t.Mapping[str, str], ...] = ()
    is_ha: bool | None = None
    is_distributed: bool | None = None
    answer: Answer = dataclasses.field(default_factory=dict, compare=False, repr=False)


@dataclasses.dataclass(frozen=True)
class AddressGroup:
    """Addresses and ranges that rules of security groups name together."""

    id: str
    name: str
    project_id: str = ""
    description: str = ""
    addresses: tuple[str, ...] = ()
    answer: Answer = dataclasses.field(default_factory=dict, compare=False, repr=False)


@dataclasses.dataclass(frozen=True)
class SecurityGroupRule:
    id: str
    direction: str
    ether_type: str
    protocol: str | None = None
    port_range_min: int | None = None
    port_range_max: int | None = None
    remote_ip_prefix: str | None = None
    remote_group_id: str | None = None
    remote_address_group_id: str | None = None
    description: str = ""


@dataclasses.dataclass(frozen=True)
class SecurityGroup:
    """A security group.

    :param is_shared: whether its owner lets other projects use it, ours among them.
    """

    id: str
    name: str
    project_id: str = ""
    description: str = ""
    rules: tuple[SecurityGroupRule, ...] = ()
    is_shared: bool = False
    is_stateful: bool = True
    tags: tuple[str, ...] = ()
    answer: Answer = dataclasses.field(default_factory=dict, compare=False, repr=False)


@dataclasses.dataclass(frozen=True)
class Forwarding:
    """One protocol port of a floating address that leads to one of a port."""

    port_id: str
    internal_address: str
    internal_port: int
    external_port: int
    protocol: str
    description: str = ""


@dataclasses.dataclass(frozen=True)
class FloatingIp:
    """A floating address.

    :param port_id: of the port to which it leads; None where it leads to none.
    :param network_id: of the external network that it is of.
    :param fixed_ip_address: of the port's addresses, the one to which it leads.
    :param forwardings: where it leads to several ports, each by some of its protocol ports.
    :param forwarded: ids of all ports to which it forwards, also by ranges of protocol ports, which are not among the forwardings.
    """

    id: str
    ip_address: str
    port_id: str | None = None
    network_id: str = ""
    fixed_ip_address: str | None = None
    project_id: str = ""
    description: str = ""
    tags: tuple[str, ...] = ()
    dns_name: str = ""
    dns_domain: str = ""
    qos_policy_id: str | None = None
    forwardings: tuple[Forwarding, ...] = ()
    forwarded: frozenset[str] = frozenset()
    answer: Answer = dataclasses.field(default_factory=dict, compare=False, repr=False)

    @property
    def ports(self) -> frozenset[str]:
        """Ids of the ports to which it leads in any way."""
        return self.forwarded | ({self.port_id} if self.port_id else frozenset())


@dataclasses.dataclass(frozen=True)
class FixedIp:
    subnet_id: str
    ip_address: str


@dataclasses.dataclass(frozen=True)
class Port:
    id: str
    name: str
    network_id: str
    mac_address: str
    status: str
    device_id: str
    fixed_ips: tuple[FixedIp, ...]
    security_group_ids: tuple[str, ...]
    port_security: bool
    allowed_address_pairs: tuple[t.Mapping[str, str], ...]
    tags: tuple[str, ...]
    description: str = ""
    #: What has it: ``compute:...`` for servers, ``network:...`` for what belongs to the network itself.
    device_owner: str = ""
    is_up: bool = True
    #: What kind of interface it is on its host.
    vnic_type: str = "normal"
    project_id: str = ""
    qos_policy_id: str | None = None
    dns_name: str = ""
    dns_domain: str = ""
    #: What its host needs to know; empty for those who are not administrators.
    profile: t.Mapping[str, t.Any] = dataclasses.field(default_factory=dict)
    dhcp_options: tuple[t.Mapping[str, t.Any], ...] = ()
    answer: Answer = dataclasses.field(default_factory=dict, compare=False, repr=False)

    @property
    def addresses(self) -> tuple[str, ...]:
        return tuple(ip.ip_address for ip in self.fixed_ips)


@dataclasses.dataclass(frozen=True)
class Subport:
    """A port of a trunk that is not its parent."""

    port_id: str
    segmentation_type: str
    segmentation_id: int


@dataclasses.dataclass(frozen=True)
class Trunk:
    """A trunk.

    :param port_id: of its parent, by which a server has it.
    """

    id: str
    name: str
    port_id: str
    project_id: str = ""
    description: str = ""
    is_up: bool = True
    tags: tuple[str, ...] = ()
    subports: tuple[Subport, ...] = ()
    answer: Answer = dataclasses.field(default_factory=dict, compare=False, repr=False)


@dataclasses.dataclass(frozen=True)
class Quota:
    """One limited resource of a project; a negative limit means unlimited."""

    name: str
    limit: int
    in_use: int

    def shortfall(self, wanted: int) -> int:
        """How much is missing for ``wanted`` more; 0 when they fit."""
        if self.limit < 0:
            return 0
        return max(0, self.in_use + wanted - self.limit)
