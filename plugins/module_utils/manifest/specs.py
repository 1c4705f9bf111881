# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What servers are, and what they need around them: the parts of a manifest that describe an application."""

from __future__ import annotations

import dataclasses
import typing as t

from ..core.encryption import Encryption
from ..core.records import Flavor


@dataclasses.dataclass(frozen=True)
class VolumeSpec:
    """A volume as the application has it. ``device`` is the name at the source, e.g. /dev/vdb.

    :param availability_zone: None for whatever the site chooses.
    :param device_tag: by which the guest knows the disk.
    :param image_metadata: properties of an image, by which Nova boots a server from it; None where they are not known.
    :param encryption: how it is encrypted; None when it is not. Its key is in its copy.
    :param is_image: whether it is no volume but the root disk of a server that boots from an image; its id is the server's.
    """

    source_id: str
    name: str
    size: int
    volume_type: str
    bootable: bool
    device: str
    delete_on_termination: bool
    metadata: t.Mapping[str, str]
    availability_zone: str | None = None
    description: str = ""
    image_metadata: t.Mapping[str, str] | None = None
    is_read_only: bool = False
    device_tag: str | None = None
    encryption: Encryption | None = None
    is_image: bool = False


@dataclasses.dataclass(frozen=True)
class AddressSpec:
    """An address; empty, only in memory, where Neutron shall choose one of the subnet's."""

    subnet: str
    ip_address: str


@dataclasses.dataclass(frozen=True)
class FloatingSpec:
    """A floating address; the external network and the QoS policy by name.

    :param place: of the port's fixed addresses, the one to which it leads, counted from 0; None for the first one of IPv4.
    """

    network: str
    place: int | None = None
    description: str = ""
    tags: tuple[str, ...] = ()
    qos_policy: str | None = None
    dns_name: str = ""
    dns_domain: str = ""


@dataclasses.dataclass(frozen=True)
class PortSpec:
    """A network interface; networks, subnets, security groups and QoS policies by name.

    The MAC address is empty, only in memory, where Neutron shall choose it.

    :param source_id: its id at the source, by which other parts name it; empty in old manifests.
    :param vnic_type: what kind of interface it is on its host.
    :param profile: what its host needs to know of it.
    """

    name: str
    network: str
    mac_address: str
    fixed_ips: tuple[AddressSpec, ...]
    security_groups: tuple[str, ...]
    port_security: bool
    allowed_address_pairs: tuple[t.Mapping[str, str], ...]
    floating_ips: tuple[FloatingSpec, ...] = ()
    is_up: bool = True
    vnic_type: str = "normal"
    source_id: str = ""
    description: str = ""
    tags: tuple[str, ...] = ()
    qos_policy: str | None = None
    dns_name: str = ""
    dns_domain: str = ""
    profile: t.Mapping[str, t.Any] | None = None
    dhcp_options: tuple[t.Mapping[str, t.Any], ...] = ()
    #: By which the guest knows it.
    device_tag: str | None = None


@dataclasses.dataclass(frozen=True)
class SubportSpec:
    """A subport of a trunk.

    :param port: id at the source of one of the topology's ports.
    """

    port: str
    segmentation_type: str
    segmentation_id: int


@dataclasses.dataclass(frozen=True)
class TrunkSpec:
    """Ports that a server has by way of another one of its ports.

    :param port: id at the source of that one.
    """

    source_id: str
    name: str
    port: str
    subports: tuple[SubportSpec, ...]
    is_up: bool = True
    description: str = ""
    tags: tuple[str, ...] = ()


@dataclasses.dataclass(frozen=True)
class ForwardingSpec:
    """One protocol port of a floating address that leads to one of a port.

    :param port: its id at the source.
    :param place: of its fixed addresses, the one that is meant, counted from 0.
    """

    port: str
    place: int
    internal_port: int
    external_port: int
    protocol: str
    description: str = ""


@dataclasses.dataclass(frozen=True)
class ForwarderSpec:
    """A floating address that forwards its protocol ports to several ports."""

    source_id: str
    floating: FloatingSpec
    forwardings: tuple[ForwardingSpec, ...]


@dataclasses.dataclass(frozen=True)
class ServerSpec:
    """A server as the application has it: ports in interface order, volumes in device order.

    :param user_data: in one of the forms of :mod:`user_data`; None when there is none, or it was left out.
    :param server_group: name of the group that it is a member of; None for none.
    :param availability_zone: None for whatever the site chooses.
    :param hostname: the guest's host name; None for what Nova makes of the name.
    :param is_off: whether it does not run, as a standby does not.
    :param lock: why it is locked, empty when nobody said so; None when it is not.
    """

    source_id: str
    name: str
    tier: str
    flavor: Flavor
    key_name: str | None
    config_drive: bool
    description: str
    metadata: t.Mapping[str, str]
    tags: tuple[str, ...]
    ports: tuple[PortSpec, ...]
    volumes: tuple[VolumeSpec, ...]
    user_data: str | None = None
    server_group: str | None = None
    availability_zone: str | None = None
    hostname: str | None = None
    is_off: bool = False
    lock: str | None = None

    @property
    def root_image(self) -> VolumeSpec | None:
        """The root disk of a server that boots from an image; None for one that boots from a volume."""
        return next((one for one in self.volumes if one.is_image), None)

    @property
    def attached(self) -> tuple[VolumeSpec, ...]:
        """What are really volumes."""
        return tuple(one for one in self.volumes if not one.is_image)


@dataclasses.dataclass(frozen=True)
class SubnetSpec:
    name: str
    network: str
    cidr: str
    ip_version: int
    gateway_ip: str | None
    enable_dhcp: bool
    dns_nameservers: tuple[str, ...]
    allocation_pools: tuple[t.Mapping[str, str], ...]
    host_routes: tuple[t.Mapping[str, str], ...]
    ipv6_ra_mode: str | None
    ipv6_address_mode: str | None
    description: str = ""
    tags: tuple[str, ...] = ()
    #: Name of the pool that gave its range.
    subnet_pool: str | None = None
    service_types: tuple[str, ...] = ()


@dataclasses.dataclass(frozen=True)
class NetworkSpec:
    """A network.

    :param is_of_others: whether it belongs to another project, such as one that the operator provides for all: another one stands for it at each site,
        and none is made.
    :param is_external: whether servers are on it directly, though it is one of those that routers lead to.
    :param owner: id at the source of that project; empty for the application's own.
    """

    name: str
    mtu: int
    port_security_enabled: bool
    is_up: bool = True
    description: str = ""
    tags: tuple[str, ...] = ()
    dns_domain: str = ""
    qos_policy: str | None = None
    is_of_others: bool = False
    owner: str = ""
    is_external: bool = False


class MappedNetworkSpec(NetworkSpec):
    """A network for which a mapping names another one that is there, whoever has that."""


@dataclasses.dataclass(frozen=True)
class RouterSpec:
    """A router with the names of the subnets it joins, and of its external network.

    :param interface_addresses: of interfaces that do not have the address of their subnet's gateway.
    :param gateway_addresses: its own on the external network.
    :param is_ha: whether it runs on several hosts; None where that is not known, and so for ``is_distributed``.
    """

    name: str
    external_network: str | None
    enable_snat: bool
    subnets: tuple[str, ...]
    is_up: bool = True
    description: str = ""
    tags: tuple[str, ...] = ()
    interface_addresses: tuple[AddressSpec, ...] = ()
    gateway_addresses: tuple[str, ...] = ()
    gateway_qos_policy: str | None = None
    routes: tuple[t.Mapping[str, str], ...] = ()
    is_ha: bool | None = None
    is_distributed: bool | None = None


@dataclasses.dataclass(frozen=True)
class SecurityGroupRuleSpec:
    """A rule. Two that let the same through are the same, whatever they are described as: Neutron has no two of these in a group."""

    direction: str
    ether_type: str
    protocol: str | None
    port_range_min: int | None
    port_range_max: int | None
    remote_ip_prefix: str | None
    #: Name of the group whose members may connect.
    remote_group: str | None
    #: Name of the addresses that may.
    remote_address_group: str | None = None
    description: str = dataclasses.field(default="", compare=False)


@dataclasses.dataclass(frozen=True)
class AddressGroupSpec:
    """Addresses and ranges that rules name together."""

    name: str
    description: str
    addresses: tuple[str, ...]


@dataclasses.dataclass(frozen=True)
class SecurityGroupSpec:
    name: str
    description: str
    rules: tuple[SecurityGroupRuleSpec, ...]
    is_stateful: bool = True
    tags: tuple[str, ...] = ()


@dataclasses.dataclass(frozen=True)
class KeyPairSpec:
    name: str
    public_key: str


@dataclasses.dataclass(frozen=True)
class ServerGroupSpec:
    """Servers that are to run together or apart.

    :param policy: as Nova calls it, e.g. anti-affinity.
    :param max_per_host: None where the policy says nothing else than its own.
    """

    name: str
    policy: str
    max_per_host: int | None = None


@dataclasses.dataclass(frozen=True)
class Topology:
    """What the servers need around them on a site.

    :param ports: that are on no server, or by way of a trunk.
    """

    networks: tuple[NetworkSpec, ...]
    subnets: tuple[SubnetSpec, ...]
    routers: tuple[RouterSpec, ...]
    security_groups: tuple[SecurityGroupSpec, ...]
    key_pairs: tuple[KeyPairSpec, ...]
    server_groups: tuple[ServerGroupSpec, ...] = ()
    ports: tuple[PortSpec, ...] = ()
    trunks: tuple[TrunkSpec, ...] = ()
    forwarders: tuple[ForwarderSpec, ...] = ()
    address_groups: tuple[AddressGroupSpec, ...] = ()

    @property
    def networks_of_others(self) -> frozenset[str]:
        """Names of the networks that belong to other projects."""
        return frozenset(spec.name for spec in self.networks if spec.is_of_others)

    def is_of_others(self, subnet: str) -> bool:
        """Whether a subnet is on a network of another project."""
        return any(spec.name == subnet and spec.network in self.networks_of_others for spec in self.subnets)
