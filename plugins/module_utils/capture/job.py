# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Capture an application: look, describe, and find what will be missing."""

from __future__ import annotations

import dataclasses
import typing as t

from ..application.definition import Application
from ..cloud.session import Cloud
from ..core.errors import CheckFailed, InvalidInput
from ..core.records import Port
from ..manifest.changes import changes
from ..manifest.manifest import ApplicationDescription
from ..manifest.missing import Missing, warning
from ..manifest.user_data import Form
from . import extras, inspection, surroundings
from .describe import describe
from .encrypted import encryption_of
from .look import CaptureSite, look, user_data_of, with_key_pairs, with_root_devices
from .problems import left_out, warnings
from .projects import refuse_several
from .scope import Scope


@dataclasses.dataclass(frozen=True)
class Captured:
    """An application as it is.

    :param warnings: what an operator should know of it.
    """

    description: ApplicationDescription
    warnings: tuple[str, ...]

    def since(self, earlier: ApplicationDescription) -> Captured:
        """The same, with a warning of what has changed since snapshots were about to be taken."""
        changed = [str(one) for one in changes(earlier, self.description)]
        if not changed:
            return self
        told = (
            f"Application '{self.description.application.name}' was changed while it was snapshotted: {'; '.join(changed)}. "
            "The manifest describes it as it was after the snapshots."
        )
        return dataclasses.replace(self, warnings=(told, *self.warnings))


def described_earlier(data: t.Mapping[str, t.Any] | None) -> ApplicationDescription | None:
    """Read what an earlier capture kept.

    :raises InvalidInput: when it is nothing of the kind.
    """
    try:
        return ApplicationDescription.parse(data) if data else None
    except (AttributeError, LookupError, TypeError, ValueError) as error:
        raise InvalidInput(
            f"The description in the draft is not what os_application_info keeps there: {error!r} is missing or has the wrong type.",
            "Remove the draft, and take the checkpoint again.",
        ) from error


def capture(
    cloud: Cloud, application: Application, concurrency: int, form: Form | None = None, admin: Cloud | None = None, seals_keys: bool = False
) -> Captured:
    """Capture an application.

    :param concurrency: how many calls at once.
    :param form: in which user data is written; None to leave it out.
    :param admin: the same site with credentials that see user data, from which device a server boots, and key pairs of other users; ``cloud`` when there
        is none.
    :param seals_keys: whether the keys of encrypted volumes will be sealed; without it, such volumes are refused.
    :raises CheckFailed: naming everything that could not be restored.
    """
    try:
        seen = look(cloud, application, concurrency)
    except CheckFailed:
        if admin:
            refuse_several(admin, application, cloud.project_id)
        raise
    if seals_keys:
        seen = dataclasses.replace(seen, encryption=encryption_of(cloud, seen, concurrency))
    if admin:
        seen = with_key_pairs(admin, with_root_devices(admin, seen))
    if form:
        seen = dataclasses.replace(seen, user_data=user_data_of(admin or cloud, seen, form))
    description = describe(application, seen)
    missing, failures = missing_of(cloud, seen, concurrency)
    told = [*warnings(seen), warning(missing), *failures]
    return Captured(dataclasses.replace(description, missing=tuple(missing)), tuple(one for one in told if one))


def missing_of(cloud: Cloud, seen: CaptureSite, concurrency: int) -> tuple[list[Missing], tuple[str, ...]]:
    """What a restore cannot bring back, and what could not be inspected."""
    around, beside = surroundings.ask(cloud, concurrency), extras.ask(cloud, concurrency)
    servers = [server.id for server in seen.servers.values()]
    answers = inspection.ask(cloud, concurrency, servers)
    with cloud.calling("tell all that a restore cannot bring back"):
        inside = inspection.inspect(servers, answers)
        touching = surroundings.touching(_addresses(seen), _networks(seen), around)
        return [*inside, *left_out(seen), *touching, *extras.hanging_on(_labels(seen), beside)], (*around.failures, *beside.failures)


def _addresses(seen: CaptureSite) -> set[str]:
    """Fixed and floating ones of the application."""
    ports = {port.id: port for port in (*_ports(seen), *seen.ports_on_no_server())}
    floating = {one.ip_address for one in seen.floating_ips if one.port_id in ports or one.forwarded & ports.keys()}
    return floating | {ip.ip_address for port in ports.values() for ip in port.fixed_ips}


def _labels(seen: CaptureSite) -> dict[str, str]:
    """What is the application's of the networks, by id."""
    scope = Scope.of(seen)
    kinds: tuple[tuple[str, t.Mapping[str, t.Any], tuple[str, ...]], ...] = (
        ("network", seen.networks, scope.networks),
        ("subnet", seen.subnets, scope.subnets),
        ("router", seen.routers, scope.routers),
        ("security group", seen.security_groups, scope.security_groups),
    )
    named = {one: f"{kind} '{there[one].name}'" for kind, there, ids in kinds for one in ids}
    return named | {port.id: f"port {port.id}" for port in (*_ports(seen), *seen.ports_on_no_server())}


def _networks(seen: CaptureSite) -> set[str]:
    """Ids of the networks that the application is on."""
    return {port.network_id for port in _ports(seen)}


def _ports(seen: CaptureSite) -> list[Port]:
    return [port for server in seen.servers.values() for port in seen.ports_of(server)]
