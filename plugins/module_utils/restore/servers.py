# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Restore the servers of a checkpoint on their restored volumes, tier by tier."""

from __future__ import annotations

import concurrent.futures
import dataclasses
import functools
import threading
import typing as t

from ..application.checks import Check
from ..application.definition import Tier
from ..cloud.compute import Compute
from ..cloud.network import Networking
from ..core.errors import NOTHING_DONE, CheckFailed, CloudError, DrError, ResourceFailed
from ..core.intent import Intent
from ..core.records import Port, Server, Subnet, Volume
from ..readiness.gates import Gates
from ..readiness.probes import Subject
from ..work.clock import Moment
from ..work.pipeline import Pipeline
from ..work.pool import Outcome, attempt_each, each, run_all, values_of
from ..work.waiting import Waiter
from .cleanup import ServerRemover
from .forwarding_plan import ForwarderStep
from .losses import losses_of_servers
from .making import Maker
from .plan import RestorePlan
from .port_plan import FloatingStep, PortStep
from .problems import server_problems
from .reservation import Pools, complete_pools
from .server_plan import OFF, RUNS, ServerStep
from .sharing import in_turn
from .volume_plan import Action
from .volumes import VolumesUnderWay
from .wishes import tags_of


@dataclasses.dataclass
class _ServerTimes:
    """Seconds from the start of the run; None for what this run did not do."""

    created: float | None = None
    active: float | None = None
    ready: float | None = None


@dataclasses.dataclass(frozen=True)
class _TierTimes:
    """Seconds from the start of the run, and of the server that the tier waited for, from its own start."""

    name: str
    started: float
    ready: float
    slowest: str
    slowest_seconds: float


def _goal(step: ServerStep) -> str:
    return "be built and stopped" if step.spec.is_off else "become active"


@dataclasses.dataclass(frozen=True)
class Services:
    """The services of a site that build servers.

    :param admin: makes ports on networks of others, for the project, as an administrator.
    """

    compute: Compute
    network: Networking
    admin: Networking | None = None


class ServerRestore:
    """The servers of one checkpoint at one site.

    :param concurrency: how many servers are built at once.
    :param gates: between one tier and the next.
    :param volumes: where they are still being restored: a server is built as soon as its own are there. Otherwise all must be there.
    """

    def __init__(
        self,
        services: Services,
        plan: RestorePlan,
        waiter: Waiter,
        concurrency: int,
        gates: Gates,
        volumes: VolumesUnderWay | None = None,
    ) -> None:
        self.started = Moment.now()
        self._began = waiter.clock.now()
        self.manifest = plan.manifest
        self.waiter = waiter
        self.concurrency = concurrency
        self.gates = gates
        self.volumes = volumes
        self.compute = services.compute
        self.network = services.network
        self._admin = services.admin
        self.site = plan.site
        self._plan = plan
        self._times: dict[str, _ServerTimes] = {server.source_id: _ServerTimes() for server in plan.manifest.description.servers}
        #: Whatever this run had to do for a server, it begins and ends with these.
        self._begun: dict[str, float] = {}
        self._ended: dict[str, float] = {}
        self._volumes_there: dict[str, float] = {}
        self._tiers: list[_TierTimes] = []
        #: Sources whose checks this run has made.
        self._checked: set[str] = set()
        self._remover = ServerRemover(self.site.name, self.compute, self.network, waiter, concurrency)
        self._maker = Maker(self.network, self.site)
        #: What an operator should know of what was made.
        self.warnings: list[str] = self._maker.warnings
        self.warnings += losses_of_servers(plan)

    @property
    def steps(self) -> tuple[ServerStep, ...]:
        """The planned steps."""
        return self._plan.servers

    @property
    def lone_ports(self) -> tuple[PortStep, ...]:
        """What is planned about ports on no server."""
        return self._plan.ports

    @property
    def forwarders(self) -> tuple[ForwarderStep, ...]:
        """What is planned about floating addresses that forward ports."""
        return self._plan.forwarders

    def _steps_now(self) -> list[ServerStep]:
        return self._plan.servers_at(self.site)

    def refuse_problems(self, done: str = NOTHING_DONE) -> None:
        """Require that the servers can be restored.

        :param done: what was changed so far.
        """
        problems = list(server_problems(self.site, self.steps, self.volumes is not None, self.lone_ports))
        if problems:
            raise CheckFailed(f"The servers cannot be restored at site '{self.site.name}'", problems, done)

    def apply(self) -> list[dict[str, t.Any]]:
        """Restore all servers; a tier starts when every check of the previous one has passed.

        :returns: a description of every server, in boot order.
        :raises DrError: naming each server that failed; what has been made is kept for the next run.
        """
        self._make_lone_ports()
        steps: t.Sequence[ServerStep] = self._steps_now() if self._plan.ports else self.steps
        if self.volumes is not None and not self.volumes.ended:
            steps = self._with_ports(steps)
        for tier in self.manifest.application.tiers:
            self._restore_tier(tier, [step for step in steps if step.spec.tier == tier.name])
        self._forward_ports()
        described = self.described()
        each(self._incomplete_subnets(), self._complete_pools, self.concurrency)
        return described

    @property
    def changes(self) -> bool:
        """Whether anything is to be done."""
        steps: tuple[ServerStep | PortStep | ForwarderStep, ...] = (*self.steps, *self.lone_ports, *self.forwarders)
        return any(step.changes for step in steps) or bool(self._incomplete_subnets())

    def _incomplete_subnets(self) -> list[tuple[Subnet, Pools]]:
        """Subnets in which addresses are still kept free that all ports have by now, with their pools."""
        return complete_pools(self._plan.whole, self.site)

    def _complete_pools(self, incomplete: tuple[Subnet, Pools]) -> None:
        subnet, pools = incomplete
        self._maker.give(f"Subnet '{subnet.name}'", "all of its allocation_pools", lambda: self.network.set_pools(subnet.id, pools))

    def _make_lone_ports(self) -> None:
        """Make the ports that are on no server, before a server can take their addresses."""
        if self._plan.ports:
            each(self._plan.ports, self._complete_port, self.concurrency)
            self._look_again()

    def _forward_ports(self) -> None:
        """Make the floating addresses that forward ports, once the ports are there."""
        if self._plan.forwarders:
            self._look_again()
            each(self._plan.forwarders_at(self.site), self._complete_forwarder, self.concurrency)

    def _with_ports(self, steps: t.Sequence[ServerStep]) -> list[ServerStep]:
        """The steps with all ports made, of later tiers too: there is time for that while the volumes are restored."""
        each([port for step in steps if step.builds for port in step.ports], self._complete_port, self.concurrency)
        self._look_again()
        return self._steps_now()

    def described(self) -> list[dict[str, t.Any]]:
        """Every server as it is now; a missing one has no id."""
        self._look_again()
        return [self._describe(step) for step in self._steps_now()]

    def _look_again(self) -> None:
        """Read the current servers, ports and floating addresses."""
        work: dict[str, t.Callable[[], t.Any]] = {
            "servers": self.compute.servers,
            "ports": self.network.ports,
            "floating_ips": self.network.floating_ips,
            "trunks": self.network.trunks,
        }
        found: dict[str, t.Any] = {kind: tuple(there) for kind, there in run_all(work, self.concurrency).items()}
        self.site = dataclasses.replace(self.site, **found)

    def described_ports(self) -> list[dict[str, t.Any]]:
        """The ports that are on no server, as they are now, or were when the site was last looked at."""
        return [{"name": step.name, **self._describe_port(step)} for step in self._plan.ports_at(self.site)]

    def described_forwarders(self) -> list[dict[str, t.Any]]:
        """The floating addresses that forward ports."""
        steps = self._plan.forwarders_at(self.site)
        return [{"source_id": one.spec.source_id, "floating_ip": one.current.ip_address if one.current else None} for one in steps]

    def predicted(self) -> list[dict[str, t.Any]]:
        return [self._describe(step) for step in self.steps]

    def timing(self) -> dict[str, t.Any]:
        """How long the tiers took, and how long they had to take: as long as the slowest server of each, one tier after the other."""
        return {
            "wall_seconds": self._tiers[-1].ready if self._tiers else 0.0,
            "critical_path_seconds": round(sum(tier.slowest_seconds for tier in self._tiers), 1),
            "tiers": [dataclasses.asdict(tier) for tier in self._tiers],
        }

    # A tier

    def _restore_tier(self, tier: Tier, steps: t.Sequence[ServerStep]) -> None:
        by_source = {step.source: step for step in steps}
        started = self._elapsed()
        pipeline: Pipeline[str, Server] = Pipeline(
            start={source: functools.partial(self._start, source, by_source) for source in by_source},
            look=lambda sources: self._look(sources, by_source),
            what=lambda source: f"server '{by_source[source].spec.name}' on site '{self.site.name}' to {_goal(by_source[source])}",
            startable=lambda sources: self._with_volumes(sources, by_source, lambda source: pipeline.outcome(source) is not None),
        )
        servers = values_of(pipeline.run(self.concurrency, self.waiter))
        each([(step, servers[source]) for source, step in by_source.items()], self._finish, self.concurrency)
        self._wait_until_ready(tier, servers)
        taken = {source: self._taken(source, started) for source in by_source}
        slowest = max(taken, key=lambda source: taken[source])
        self._tiers.append(_TierTimes(tier.name, started, self._elapsed(), by_source[slowest].spec.name, taken[slowest]))

    def _taken(self, source: str, started: float) -> float:
        """Seconds for which the tier had to wait for a server: until its own volumes were there, and then for itself."""
        return round(self._volumes_there[source] - started + self._ended[source] - self._begun[source], 1)

    def _with_volumes(self, sources: t.Sequence[str], steps: t.Mapping[str, ServerStep], has_ended: t.Callable[[str], bool]) -> list[str]:
        """Servers that no longer wait for a volume, nor for another server to get one that they share."""
        if self.volumes is not None:
            self.volumes.advance()
        under_way = [step for source, step in steps.items() if source in self._begun and not has_ended(source)]
        ready = [steps[source] for source in sources if self._has_volumes(steps[source])]
        there = [step.source for step in in_turn(ready, under_way)]
        for source in there:
            self._volumes_there.setdefault(source, self._elapsed())
        return there

    def _has_volumes(self, step: ServerStep) -> bool:
        return self.volumes is None or not step.builds or all(self._outcomes_of_volumes(step).values())

    def _outcomes_of_volumes(self, step: ServerStep) -> dict[str, Outcome[Volume] | None]:
        volumes = t.cast(VolumesUnderWay, self.volumes)
        return {spec.source_id: volumes.outcome(spec.source_id) for spec in step.spec.attached}

    def _on_volumes(self, step: ServerStep) -> ServerStep:
        """The step with the volumes that have been restored since it was planned.

        :raises DrError: naming the volumes that could not be restored.
        """
        if self.volumes is None or not step.builds:
            return step
        restored = values_of(t.cast("dict[str, Outcome[Volume]]", self._outcomes_of_volumes(step)))
        return dataclasses.replace(step, volumes=tuple(restored.values()))

    def _start(self, source: str, steps: dict[str, ServerStep]) -> None:
        step = steps[source] = self._on_volumes(steps[source])
        self._begun[source] = self._elapsed()
        if step.action is Action.REPLACE:
            self._delete_but_keep_volumes(t.cast(Server, step.current))
        port_ids = [self._complete_port(port) for port in step.ports]
        for port, port_id in zip(step.ports, port_ids, strict=True):
            self._complete_trunk(port, port_id)
        if step.builds:
            self.compute.create_server(step.body(port_ids))
            self._times[source].created = self._elapsed()

    def _delete_but_keep_volumes(self, server: Server) -> None:
        """Delete a failed server but keep its volumes, even those that would be deleted with it."""
        for volume_id, goes_with_it in server.volumes:
            if goes_with_it:
                self.compute.set_delete_on_termination(server.id, volume_id, False)
        self._remover.delete(server)

    def _complete_port(self, step: PortStep) -> str:
        """Make what the port still lacks.

        :returns: the port's id.
        """
        port = step.current
        if port is None:
            port = self._make_port(step)
            step = step.at(self.site, port)
        if step.is_to_release:
            self.network.release_port(port.id)
        if step.lacks_tags:
            self._maker.tag(_capitalized(step.title), "ports", port.id, tags_of(step.mark, step.spec.tags, port.tags))
        for floating in step.floating:
            self._complete_floating(floating, port, step.title)
        return port.id

    def _make_port(self, step: PortStep) -> Port:
        """Make a port, on a network of others with the credentials of an administrator if there are some."""
        network, create, body = self.site.network(step.spec.network), self.network.create_port, step.body(self.site)
        if self._admin and network and not self.site.is_own(network):
            create, body = self._admin.create_port, {**body, "project_id": self.site.project_id}
        return self._maker.make(_capitalized(step.title), create, body, step.wishes(self.site))

    def _complete_floating(self, step: FloatingStep, port: Port, of: str) -> None:
        made, what = step.current, f"The floating address of {of}"
        if made is None:
            made = self._maker.make(what, self.network.create_floating_ip, step.body(self.site, port), step.wishes(self.site))
        if step.lacks_tags:
            self._maker.tag(what, "floatingips", made.id, tags_of(step.mark, step.spec.tags, made.tags))

    def _complete_trunk(self, port: PortStep, port_id: str) -> None:
        """Make the trunk of a port, or what it still lacks. Where the site refuses it, the server is built without."""
        step = port.trunk
        if step is None:
            return
        made, what = step.current, _capitalized(port.title)
        if made is None:
            made = self._maker.give(what, f"its trunk{step.label} (trunk_details)", lambda: self.network.create_trunk(step.body(port_id)))
        elif step.missing_subports:
            trunk_id, subports = made.id, step.missing_subports
            self._maker.give(what, f"{len(subports)} ports of its trunk{step.label}", lambda: self.network.add_subports(trunk_id, subports))
        if made and (step.current is None or step.lacks_tags):
            self._maker.tag(f"The trunk{step.label} of {port.title}", "trunks", made.id, tags_of(step.mark, step.spec.tags, made.tags))

    def _complete_forwarder(self, step: ForwarderStep) -> None:
        made, what = step.current, f"The floating address that stands for {step.spec.source_id}"
        if made is None:
            made = self._maker.make(what, self.network.create_floating_ip, step.body(self.site), step.wishes(self.site))
        if step.lacks_tags:
            self._maker.tag(what, "floatingips", made.id, tags_of(step.mark, step.spec.floating.tags, made.tags))
        for forwarding in step.missing:
            told = f"its forwarding of {forwarding['protocol']} {forwarding['external_port']} to {forwarding['internal_ip_address']}"
            self._maker.give(what, told, functools.partial(self.network.create_forwarding, made.id, forwarding))

    def _look(
        self, sources: t.Collection[str], steps: t.Mapping[str, ServerStep]
    ) -> dict[str, Outcome[Server]]:
        site = dataclasses.replace(self.site, servers=tuple(self.compute.servers()))
        outcomes: dict[str, Outcome[Server]] = {}
        for step in self._plan.servers_at(site):
            source, server = step.source, step.current
            if source not in sources or server is None:
                continue
            outcome = self._outcome(step, server)
            if outcome and outcome.value and steps[source].action is not Action.KEEP:
                self._times[source].active = self._elapsed()
            outcomes.update({source: outcome} if outcome else {})
        return outcomes

    def _outcome(self, step: ServerStep, server: Server) -> Outcome[Server] | None:
        """A server that is as it shall be, or why it cannot become so; None while it may."""
        if step.is_to_stop(server) and server.status in (RUNS, OFF):
            return self._stopped(server)
        if server.status in step.good_statuses:
            return Outcome(value=server)
        return None if step.action is Action.WAIT else Outcome(error=self._failure(step, server))

    def _stopped(self, server: Server) -> Outcome[Server] | None:
        """Have a server stopped that is to be off: Nova builds none without starting it.

        :returns: it, or why it cannot be stopped; None while it is stopping.
        """
        if server.status == OFF and not server.task_state:
            return Outcome(value=server)
        try:
            if not server.task_state:
                self.compute.stop(server.id)
        except DrError as error:
            return Outcome(error=error)
        return None

    def _failure(self, step: ServerStep, server: Server) -> DrError:
        return ResourceFailed(
            f"Server '{step.spec.name}' ({server.id}) on site '{self.site.name}' did not become active: its status is "
            f"{server.status}. {server.fault}{self._console(server)}",
            "Remove the cause and re-run the restore, which replaces this server and keeps all others.",
            resource_type="server",
            resource_id=server.id,
        )

    def _console(self, server: Server) -> str:
        try:
            tail = self.compute.console_tail(server.id).strip()
        except CloudError:
            # A server that never ran has no console; the failure itself must be told.
            return ""
        return f" Its console ends with: {tail}" if tail else ""

    def _finish(self, built: tuple[ServerStep, Server]) -> None:
        """Give a server what it cannot be built with; its lock, which keeps all else from being changed, comes last."""
        step, server = built
        what = f"Server '{step.spec.name}'"
        for volume_id, flag in step.wrong_flags(server).items():
            told = f"the deletion of volume {volume_id} with it (delete_on_termination: {str(flag).lower()})"
            self._maker.give(what, told, functools.partial(self.compute.set_delete_on_termination, server.id, volume_id, flag))
        if step.is_to_stop(server):
            self.compute.set_metadata(server.id, Intent(is_off=True).metadata())
        if step.is_to_lock(server):
            self._maker.give(what, "its lock (locked)", lambda: self.compute.lock(server.id, step.lock_reason))

    # Readiness

    def _wait_until_ready(self, tier: Tier, servers: t.Mapping[str, Server]) -> None:
        checks = self.gates.checks_of(tier)
        if checks:
            self._look_again()
        steps = [step for step in self._steps_now() if step.source in servers]
        attempts = self._while_volumes_go_on(functools.partial(self._check, checks), steps)
        outcomes = {step.source: outcome for step, outcome in zip(steps, attempts, strict=True)}
        for source, outcome in outcomes.items():
            if outcome.error:
                outcome.error.message += self._console(servers[source])
        values_of(outcomes)
        self._checked.update(servers)

    def _while_volumes_go_on(self, check: t.Callable[[ServerStep], None], steps: t.Sequence[ServerStep]) -> list[Outcome[None]]:
        """Run the checks while the volumes of later tiers are restored."""
        if self.volumes is None or self.volumes.ended:
            return attempt_each(steps, check, len(steps))
        done = threading.Event()
        with concurrent.futures.ThreadPoolExecutor(max_workers=1) as pool:
            going_on = pool.submit(self.volumes.advance_until, done)
            try:
                outcomes = attempt_each(steps, check, len(steps))
            finally:
                done.set()
            going_on.result()
        return outcomes

    def _check(self, checks: t.Sequence[Check], step: ServerStep) -> None:
        source, times = step.source, self._times[step.source]
        waited = checks and not step.spec.is_off and self.gates.wait(self._subject(step), checks, self.waiter)
        now = self._elapsed()
        # What passes at once may have been ready since it is active, or was there before: others were waited for.
        since = self._begun[source] if times.active is None else times.active
        self._ended[source] = now if waited else since
        if times.active is not None:
            times.ready = now

    @staticmethod
    def _subject(step: ServerStep) -> Subject:
        if step.address is None:
            raise ResourceFailed(f"The health checks of server '{step.spec.name}' cannot be made: it has no address.", resource_type="server")
        return Subject(t.cast(Server, step.current).id, step.spec.name, step.address)

    def _elapsed(self) -> float:
        return round(self.waiter.clock.now() - self._began, 1)

    # Results

    def _describe(self, step: ServerStep) -> dict[str, t.Any]:
        server = step.current
        return {
            "source_id": step.spec.source_id,
            "name": step.spec.name,
            "tier": step.spec.tier,
            "server_id": server.id if server else None,
            "status": server.status if server else "absent",
            "is_off": step.spec.is_off,
            "address": step.address,
            "ports": [self._describe_port(port) for port in step.ports],
            "checks": self._describe_checks(step),
            "seconds": dataclasses.asdict(self._times[step.spec.source_id]),
        }

    def _describe_checks(self, step: ServerStep) -> list[dict[str, t.Any]]:
        tier = next(one for one in self.manifest.application.tiers if one.name == step.spec.tier)
        checked = step.source in self._checked and not step.spec.is_off
        return [{"check": check.label, "made_by": self.gates.made_by(check) if checked else []} for check in tier.checks]

    @staticmethod
    def _describe_port(step: PortStep) -> dict[str, t.Any]:
        return {
            "network": step.spec.network,
            "mac_address": (step.current or step.spec).mac_address or None,
            "fixed_ips": [ip.ip_address for ip in (step.current or step.spec).fixed_ips if ip.ip_address],
            "floating_ip": step.floating_ip.ip_address if step.floating_ip else None,
            "floating_ips": [one.current.ip_address for one in step.floating if one.current],
            "port_id": step.current.id if step.current else None,
        }


def _capitalized(text: str) -> str:
    return f"{text[0].upper()}{text[1:]}"
