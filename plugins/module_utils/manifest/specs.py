# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What servers are, and what they need around them: the parts of a manifest that describe an application."""

from __future__ import annotations

import dataclasses
import typing as t

from ..core.records import Flavor


@dataclasses.dataclass(frozen=True)
class VolumeSpec:
    """A volume as the application has it. ``device`` is the name at the source, e.g. /dev/vdb.

    :param availability_zone: None for whatever the site chooses.
    :param device_tag: by which the guest knows the disk.
    :param image_metadata: properties of an image, by which Nova boots a server from it; None where they are not known.
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


@dataclasses.dataclass(frozen=True)
class AddressSpec:
    """An address; empty, only in memory, where Neutron shall choose one of the subnet's."""

    subnet: str
    ip_address: str


@dataclasses.dataclass(frozen=True)
class PortSpec:
    """A network interface; networks, subnets and security groups by name.

    The MAC address is empty, only in memory, where Neutron shall choose it.
    """

    name: str
    network: str
    mac_address: str
    fixed_ips: tuple[AddressSpec, ...]
    security_groups: tuple[str, ...]
    port_security: bool
    allowed_address_pairs: tuple[t.Mapping[str, str], ...]
    #: Name of the external network of its floating address; None without one.
    floating_network: str | None
    is_up: bool = True
    #: What kind of interface it is on its host.
    vnic_type: str = "normal"
    #: By which the guest knows it.
    device_tag: str | None = None


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


@dataclasses.dataclass(frozen=True)
class NetworkSpec:
    name: str
    mtu: int
    port_security_enabled: bool


@dataclasses.dataclass(frozen=True)
class RouterSpec:
    """A router with the names of the subnets it joins, and of its external network."""

    name: str
    external_network: str | None
    enable_snat: bool
    subnets: tuple[str, ...]


@dataclasses.dataclass(frozen=True)
class SecurityGroupRuleSpec:
    direction: str
    ether_type: str
    protocol: str | None
    port_range_min: int | None
    port_range_max: int | None
    remote_ip_prefix: str | None
    #: Name of the group whose members may connect.
    remote_group: str | None


@dataclasses.dataclass(frozen=True)
class SecurityGroupSpec:
    name: str
    description: str
    rules: tuple[SecurityGroupRuleSpec, ...]
    is_stateful: bool = True


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
    """What the servers need around them on a site."""

    networks: tuple[NetworkSpec, ...]
    subnets: tuple[SubnetSpec, ...]
    routers: tuple[RouterSpec, ...]
    security_groups: tuple[SecurityGroupSpec, ...]
    key_pairs: tuple[KeyPairSpec, ...]
    server_groups: tuple[ServerGroupSpec, ...] = ()
