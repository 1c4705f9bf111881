# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""From an application and a module's options to a freeze window over its servers."""

from __future__ import annotations

import dataclasses
import typing as t

from .application import Application
from .cloud import Cloud, connect_other
from .compute import Compute
from .errors import CheckFailed, InvalidInput
from .freeze_window import FreezeWindow, Limits, Member
from .interruption import Interruption
from .quiesce_driver import FROZEN, QuiesceDriver, Support
from .quiesce_libvirt import AgentTimeouts, LibvirtDriver
from .records import Server
from .waiting import attempt_all


@dataclasses.dataclass(frozen=True)
class QuiesceOptions:
    """How servers are to be frozen; the fields are the options of the fragment ``quiesce``."""

    driver: str
    admin_cloud: str | dict[str, t.Any] | None
    libvirt_uri: str
    freeze_timeout: int
    budget: int
    guard_timeout: int

    @classmethod
    def parse(cls, params: t.Mapping[str, t.Any]) -> QuiesceOptions:
        """:raises InvalidInput: when the guards would fire within the budget."""
        options = cls(**{field.name: params[field.name] for field in dataclasses.fields(cls)})
        if options.guard_timeout <= options.budget:
            raise InvalidInput(
                f"guard_timeout ({options.guard_timeout} s) must be more than budget ({options.budget} s): "
                "the guard is for when the budget was not kept."
            )
        return options


class Quiescer:
    """The servers of an application, and the way to freeze them.

    :param cloud: where they are; its project is theirs.
    """

    def __init__(self, application: Application, cloud: Cloud, options: QuiesceOptions, concurrency: int) -> None:
        self._application = application
        self._options = options
        self._concurrency = concurrency
        admin = connect_other(options.admin_cloud) if options.admin_cloud else cloud
        self._compute = Compute(admin)
        self._project_id = cloud.project_id
        self._driver: QuiesceDriver = LibvirtDriver(
            options.libvirt_uri, AgentTimeouts(freeze=options.freeze_timeout)
        )

    def servers(self) -> dict[str, Server]:
        """Server per name in the definition, with what the driver must know of it."""
        return self._compute.resolve(self._application.servers, self._project_id)

    def members(self, servers: t.Mapping[str, Server]) -> list[list[Member]]:
        """Members per tier in freeze order, without servers that are shut down."""
        return [
            [
                Member(servers[name], tier.name, self._driver)
                for name in tier.servers
                if servers[name].status != "SHUTOFF"
            ]
            for tier in self._application.freeze_order
        ]

    def probe(self, tiers: t.Sequence[t.Sequence[Member]]) -> dict[str, Support]:
        """What the driver finds at each server, per server id; changes nothing."""
        members = [member for tier in tiers for member in tier]
        outcomes = attempt_all({m.server.id: _prober(m) for m in members}, self._concurrency)
        return {key: outcome.value or Support(str(outcome.error)) for key, outcome in outcomes.items()}

    def states(self, tiers: t.Sequence[t.Sequence[Member]]) -> dict[str, str]:
        """State (frozen or thawed) per server id.

        :raises CheckFailed: naming every server that cannot be frozen, and why.
        """
        found = self.probe(tiers)
        problems = [support.problem for support in found.values() if support.problem]
        if problems:
            raise CheckFailed("Not all servers can be frozen", problems)
        return {server_id: t.cast(str, support.state) for server_id, support in found.items()}

    def problems(self, servers: t.Mapping[str, Server]) -> list[str]:
        """Why a window over these servers could not be opened now."""
        tiers = self.members(servers)
        found = self.probe(tiers)
        problems = [support.problem for support in found.values() if support.problem]
        return problems + [
            # Somebody else's freeze is not ours to time.
            f"Server {m.server.label} is frozen already; thaw it first with os_server_quiesce state=unquiesced."
            for tier in tiers
            for m in tier
            if found[m.server.id].state == FROZEN
        ]

    def window(self, tiers: t.Sequence[t.Sequence[Member]], interruption: Interruption) -> FreezeWindow:
        limits = Limits(self._options.budget, self._options.guard_timeout, self._concurrency)
        return FreezeWindow(tiers, limits, interruption)


def _prober(member: Member) -> t.Callable[[], Support]:
    return lambda: member.driver.probe(member.server)
