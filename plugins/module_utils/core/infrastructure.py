# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the applications of a site stand on, as an administrator sees it, without the ids that it has there.

Projects are called by their names in the site plan wherever something belongs to one, so that both sites can be compared.
"""

from __future__ import annotations

import dataclasses
import typing as t

GROUP, USER = ACTORS = ("group", "user")
COMPUTE, VOLUME, NETWORK = LIMITED_SERVICES = ("compute", "volume", "network")

#: None stands for a value that looks like a secret, and is not captured.
Specs: t.TypeAlias = "t.Mapping[str, str | None]"


@dataclasses.dataclass(frozen=True)
class ProjectFacts:
    """A project.

    :param planned: its name in the site plan.
    """

    planned: str
    name: str
    domain: str
    description: str
    enabled: bool
    tags: tuple[str, ...]


@dataclasses.dataclass(frozen=True)
class RoleGrant:
    """A role that a group or user has in a project, by an assignment of its own or inherited from above.

    :param actor: ``group`` or ``user``.
    :param domain: of the group or user.
    :param role_domain: of a role that only one domain has.
    """

    project: str
    actor: str
    name: str
    domain: str
    role: str
    role_domain: str | None


@dataclasses.dataclass(frozen=True)
class ProjectQuotas:
    """The limits of a project in one service; a negative one is none."""

    project: str
    service: str
    limits: t.Mapping[str, int]


@dataclasses.dataclass(frozen=True)
class FlavorFacts:
    """A flavor.

    :param access: the projects of the plan that may use it although it is not public.
    """

    name: str
    vcpus: int
    ram: int
    disk: int
    ephemeral: int
    swap: int
    rxtx_factor: float
    is_public: bool
    is_disabled: bool
    description: str
    extra_specs: Specs
    access: tuple[str, ...] = ()


@dataclasses.dataclass(frozen=True)
class TypeEncryption:
    """How the volumes of a type are encrypted, and where. Their keys are no part of it."""

    provider: str
    cipher: str | None
    key_size: int | None
    control_location: str


@dataclasses.dataclass(frozen=True)
class QosSpecs:
    """The limits to the throughput of the volumes of a type."""

    consumer: str
    specs: Specs


@dataclasses.dataclass(frozen=True)
class VolumeTypeFacts:
    """A volume type.

    :param access: the projects of the plan that may use it although it is not public.
    """

    name: str
    description: str
    is_public: bool
    extra_specs: Specs
    encryption: TypeEncryption | None = None
    qos: QosSpecs | None = None
    access: tuple[str, ...] = ()


@dataclasses.dataclass(frozen=True)
class OutsidePool:
    """Addresses from the first to the last one."""

    start: str
    end: str


@dataclasses.dataclass(frozen=True)
class OutsideSubnet:
    """A subnet of an external network."""

    name: str
    cidr: str
    ip_version: int
    gateway_ip: str | None
    pools: tuple[OutsidePool, ...]


@dataclasses.dataclass(frozen=True)
class OutsideNetwork:
    """An external network.

    :param provider: what its operator has wired it to; shown to administrators only.
    :param for_all: whether every project may use it.
    :param access: the projects of the plan that may use it otherwise.
    """

    name: str
    mtu: int
    provider: t.Mapping[str, str]
    subnets: tuple[OutsideSubnet, ...] = ()
    for_all: bool = True
    access: tuple[str, ...] = ()


@dataclasses.dataclass(frozen=True)
class ZoneFacts:
    """An availability zone of servers (``compute``) or volumes (``volume``)."""

    service: str
    name: str


@dataclasses.dataclass(frozen=True)
class HostAggregate:
    """A host aggregate, without its hosts.

    :param zone: the availability zone that it makes of them, if any.
    :param properties: what schedulers match flavors with.
    """

    name: str
    zone: str | None
    properties: Specs
