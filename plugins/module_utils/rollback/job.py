# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Roll an application back where it runs, undo that, or accept it; each is judged before its first change, and resumes where it ended."""

from __future__ import annotations

import dataclasses
import typing as t

from ..application.definition import Application
from ..capture.job import capture
from ..catalogue.active_record import DamagedRecord
from ..catalogue.catalogue import Catalogue
from ..catalogue.roll_back_record import BEGUN, EXCHANGING, ROLLED_BACK, UNDOING, UNDONE, RollBackRecord
from ..cloud.block_storage import BlockStorage
from ..cloud.compute import Compute
from ..cloud.network import Networking
from ..cloud.session import Cloud
from ..copies.twins import Scaffolding
from ..core.errors import CheckFailed, warned
from ..core.records import KEPT_KEY, Server, Volume
from ..failover import fencing
from ..failover.fence_mark import FenceMark
from ..manifest import user_data
from ..manifest.manifest import Manifest
from ..manifest.user_data import Form
from ..mapping.parts import refusals_of_parts
from ..readiness.gates import Gates
from ..restore import sealed
from ..restore import stock as restore_stock
from ..restore.cleanup import VolumeRemover
from ..restore.marks import made_volumes
from ..restore.needs import Need
from ..restore.plan import RestorePlan
from ..restore.preflight import judge
from ..restore.site import RestoreSite
from ..restore.stock import Stock
from ..restore.volumes import VolumeRestore
from ..work.clock import Moment
from ..work.pool import each
from ..work.waiting import Waiter
from . import states
from .exchange import Clouds, Exchange, Exchanger, has_its_ports, marked, plan_exchange, problems

Result = dict[str, t.Any]


@dataclasses.dataclass(frozen=True)
class RollBackSettings:
    """How a roll-back is done.

    :param site: what records and marks call the site.
    :param fresh: the id that it gets unless an earlier run gave it one.
    :param now: ISO 8601 in UTC.
    :param admin: the same site with credentials that see user data and root devices; None for the application's own.
    :param form: in which user data is written into the record; None to leave it out.
    :param user_data_key: opens it.
    :param means: to restore encrypted volumes.
    :param stopping: how long a tier may take to stop.
    """

    site: str
    fresh: str
    now: str
    admin: Cloud | None
    form: Form | None
    user_data_key: str | None
    means: sealed.Means
    gates: Gates
    stopping: Waiter
    waiter: Waiter
    concurrency: int


@dataclasses.dataclass(frozen=True)
class _Outlook:
    """A roll-back that was judged and found possible."""

    record: RollBackRecord
    wanted: Manifest
    exchange: Exchange
    needs: tuple[Need, ...]


class RollBackJob:
    """The roll-back of one application, at the site where it runs.

    :param warn: called with what an operator should know.
    """

    def __init__(
        self, cloud: Cloud, catalogue: Catalogue, application: Application, settings: RollBackSettings, check_mode: bool, warn: t.Callable[[str], None]
    ) -> None:
        self._cloud = cloud
        self._catalogue = catalogue
        self._application = application
        self._settings = settings
        self._check_mode = check_mode
        self._warn = warn
        self._clouds = Clouds(cloud.site, Compute(cloud), Networking(cloud), BlockStorage(cloud))
        #: What earlier runs have recorded, and what is recorded by now.
        self._found = self._recorded = catalogue.roll_back(application.name)

    # Forward

    def prepare(self, manifest: Manifest) -> Result:
        """Make the volumes of the checkpoint; the application runs meanwhile.

        :param manifest: of the checkpoint, with the names of the site.
        """
        if self._is_done(manifest):
            return self._result(t.cast(RollBackRecord, self._recorded), changed=False)
        self._refuse(refusals_of_parts(manifest, "A roll-back"), "rolled back")
        outlook = self._judged(manifest)
        volumes = self._volumes(outlook)
        if self._check_mode:
            foreseen = volumes.predicted(volumes.plan())
            changed = any(step.changes for step in volumes.plan()) or self._recorded is None
            return self._result(outlook.record, changed, needs=outlook.needs, volumes=foreseen)
        if self._recorded is None:
            self._catalogue.begin_roll_back(outlook.record)
        elif outlook.record != self._recorded:
            self._catalogue.set_roll_back(outlook.record)
        steps = volumes.plan()
        with warned(volumes.warnings):
            made = volumes.finish(steps)
        for warning in volumes.warnings:
            self._warn(warning)
        changed = self._recorded is None or any(step.changes for step in steps)
        return {**self._result(outlook.record, changed, needs=outlook.needs, volumes=made), "started_at": str(volumes.started)}

    def roll_back(self, manifest: Manifest) -> Result:
        """Exchange the servers for ones on the volumes of the checkpoint.

        :param manifest: as in :meth:`prepare`, which comes first.
        """
        if self._is_done(manifest):
            return self._result(t.cast(RollBackRecord, self._recorded), changed=False)
        prepared = self.prepare(manifest)
        if self._check_mode:
            return {**prepared, "changed": True}
        # The application ran while the volumes were made, and may have been changed.
        self._recorded = self._catalogue.roll_back(self._application.name)
        outlook = self._judged(manifest)
        record = outlook.record.at(EXCHANGING)
        self._catalogue.set_roll_back(record)
        exchanger, stopped = self._exchanger(record), Moment.now()
        exchanger.leave(outlook.exchange, self._mark(record, record.checkpoint), self._settings.gates)
        plan = RestorePlan.of(self._opened(outlook.wanted), self._look().site)
        started = Moment.now()
        servers = exchanger.come(plan, self._settings.gates)
        ended = self._end(record.at(ROLLED_BACK), exchanger, servers)
        return {**ended, "volumes": prepared["volumes"], "stopped_at": str(stopped), "started_at": str(started)}

    def _is_done(self, manifest: Manifest) -> bool:
        record = self._recorded
        return record is not None and record.state == ROLLED_BACK and record.checkpoint == manifest.checkpoint.id

    def _judged(self, manifest: Manifest) -> _Outlook:
        """Find everything that would keep the roll-back from succeeding.

        :raises CheckFailed: naming it.
        """
        self._refuse(self._state_problems(manifest.checkpoint.id), "rolled back")
        stock = restore_stock.look(self._cloud, self._settings.concurrency, manifest.copies)
        record = self._record(manifest, stock.site)
        self._refuse(states.gaps(record.before, manifest), "rolled back")
        wanted = self._opened(states.rolled_back(record, manifest))
        exchange = plan_exchange(lambda site: RestorePlan.of(wanted, site), stock, _originals(record, stock.site))
        judged = judge(exchange.plan, exchange.stock)
        sealed_problems, sealed_doubts = sealed.check(exchange.plan.volumes, self._settings.means, self._cloud)
        self._refuse([*problems(exchange, stock.site), *judged.problems, *sealed_problems], "rolled back")
        for told in (*states.differences(record.before, manifest), *judged.doubts, *sealed_doubts, *user_data.warnings(wanted, self._settings.user_data_key)):
            self._warn(told)
        return _Outlook(record, wanted, exchange, judged.needs)

    def _state_problems(self, checkpoint: str) -> t.Iterator[str]:
        active, record = self._catalogue.active(self._application.name), self._recorded
        if isinstance(active, DamagedRecord):
            yield f"{active.problem} So it is unknown where the application runs; record it with the playbook active_site."
        elif active and active.site != self._settings.site:
            yield f"According to the catalogue, the application has run at site '{active.site}' since {active.since}; roll it back there."
        if record is None:
            return
        began = f"A roll-back to checkpoint '{record.checkpoint}' ({record.id}) began {record.since} at site '{record.site}'"
        if record.state in (UNDOING, UNDONE):
            yield f"{began}, and undoing it has begun; finish that (roll_back_undo), and accept it (roll_back_accept) before the next one."
        elif record.site != self._settings.site:
            yield f"{began}; resume it there, undo it, or accept it first."
        elif record.checkpoint != checkpoint:
            yield f"{began}; resume it with this checkpoint, or undo it (roll_back_undo) or accept it (roll_back_accept) first."

    def _record(self, manifest: Manifest, site: RestoreSite) -> RollBackRecord:
        """The record, with the application as it is now until the first of its servers may be gone."""
        recorded, settings = self._recorded, self._settings
        if recorded and recorded.state != BEGUN:
            return dataclasses.replace(recorded, before=states.checked_as(recorded.before, self._application))
        # The keys of the volumes in use stay where they are.
        captured = capture(self._cloud, self._application, settings.concurrency, settings.form, settings.admin, seals_keys=True)
        for warning in (*captured.warnings, *states.named_by_ids(self._application, captured.description)):
            self._warn(warning)
        before = states.in_place(captured.description, site.server_groups)
        if recorded:
            return dataclasses.replace(recorded, before=before)
        return RollBackRecord(settings.fresh, settings.site, manifest.checkpoint.id, settings.now, BEGUN, before)

    def _volumes(self, outlook: _Outlook) -> VolumeRestore:
        waiter, concurrency = self._settings.waiter, self._settings.concurrency
        unlocking = self._settings.means.unlocking(self._cloud, outlook.wanted, waiter, concurrency)
        return VolumeRestore(self._clouds.storage, outlook.wanted, waiter, concurrency, unlocking)

    # The way back

    def undo(self) -> Result:
        """Bring back the application as it was, on the volumes that it had.

        :raises CheckFailed: when nothing is recorded, or something of it is lost.
        """
        recorded = self._recorded
        if recorded is None:
            raise CheckFailed(f"{self._what} cannot be brought back", ["No roll-back of it is recorded, or it was accepted already."])
        record = dataclasses.replace(recorded, before=states.checked_as(recorded.before, self._application))
        if record.state == UNDONE:
            return self._result(record, changed=False)
        self._refuse([] if record.site == self._settings.site else [f"It was rolled back at site '{record.site}'; undo it there."], "brought back")
        stock = self._look()
        originals = _originals(record, stock.site)
        if self._is_untouched(record, stock.site, originals):
            return self._released(record, originals)
        return self._returned(record, stock, originals)

    def _is_untouched(self, record: RollBackRecord, site: RestoreSite, originals: t.Mapping[str, Server]) -> bool:
        """Whether all servers are there as they were, though perhaps stopped."""
        return all(server.name in originals and has_its_ports(site, originals[server.name], server) for server in record.before.servers)

    def _released(self, record: RollBackRecord, originals: t.Mapping[str, Server]) -> Result:
        """Start what was only stopped."""
        stopped = {name: server for name, server in originals.items() if FenceMark.of(server)}
        members = fencing.Members(self._settings.site, record.before.application, stopped)
        steps = fencing.plan_release(members, start=True)
        self._refuse(fencing.release_problems(steps, by_admin=False), "brought back")
        if self._check_mode:
            return self._result(record.at(UNDONE), changed=True)
        self._catalogue.set_roll_back(record.at(UNDOING))
        settings = self._settings
        work = fencing.Fencing(self._clouds.compute, members, settings.waiter, settings.concurrency, settings.gates)
        starting = [step.server for step in steps if step.starts]
        work.release(steps, fencing.addresses(self._clouds.network, starting) if starting else {}, self._clouds.compute)
        return self._end(record.at(UNDONE), self._exchanger(record), [])

    def _returned(self, record: RollBackRecord, stock: Stock, originals: t.Mapping[str, Server]) -> Result:
        """Exchange the servers once more; those that the first exchange did not reach are recreated too."""
        after = marked(stock.site, states.owner_after(record), (one.name for one in record.before.servers))
        self._refuse(_twice(originals, after), "brought back")

        def replan(site: RestoreSite) -> RestorePlan:
            plan = states.plan_before(record, site)
            return RestorePlan.on(self._opened(plan.manifest), site, plan.volumes)

        exchange = plan_exchange(replan, stock, {**originals, **after})
        lost = [f"Volume {step.label} ({step.spec.source_id}) does not exist any more." for step in exchange.plan.volumes if step.current is None]
        self._refuse([*lost, *problems(exchange, stock.site), *judge(exchange.plan, exchange.stock).problems], "brought back")
        if self._check_mode:
            return self._result(record.at(UNDONE), changed=True)
        self._catalogue.set_roll_back(record.at(UNDOING))
        exchanger = self._exchanger(record)
        exchanger.leave(exchange, self._mark(record, ""), self._settings.gates)
        servers = exchanger.come(replan(self._look().site), self._settings.gates)
        return self._end(record.at(UNDONE), exchanger, servers)

    # The end

    def accept(self) -> Result:
        """Remove the volumes that the application does not use any more, and the record."""
        record = self._recorded
        if record is None:
            return {"changed": False, "roll_back": None, "removed": [], "left": []}
        self._refuse(self._open_problems(record), "accepted")
        unused = self._unused(record, self._clouds.storage.volumes())
        left = [f"Volume {one.label} stays: it is attached to server {one.attachments[0].server_id}." for one in unused if one.attachments]
        removed = [one for one in unused if not one.attachments]
        for told in left:
            self._warn(told)
        if not self._check_mode:
            VolumeRemover(self._clouds.storage, self._settings.waiter, self._settings.concurrency).remove(removed)
            # What an encrypted volume was to be restored by, where the roll-back was given up before it was.
            Scaffolding.of(self._clouds.storage, states.owner_after(record)).remove(self._clouds.storage, self._settings.waiter)
            self._catalogue.remove_roll_back(record.application)
        return {"changed": True, "roll_back": record.as_dict(), "removed": [one.label for one in removed], "left": left}

    def _open_problems(self, record: RollBackRecord) -> t.Iterator[str]:
        if record.site != self._settings.site:
            yield f"It was rolled back at site '{record.site}'; accept it there."
        if record.state not in (ROLLED_BACK, UNDONE):
            yield f"The roll-back to checkpoint '{record.checkpoint}' ({record.id}) is not complete: {record.state}. Resume it, or undo it (roll_back_undo)."

    @staticmethod
    def _unused(record: RollBackRecord, volumes: t.Collection[Volume]) -> list[Volume]:
        """Those that went out of use, by the record and by their marks: what only one of them says is not removed."""
        if record.state == UNDONE:
            return made_volumes(states.owner_after(record), volumes)
        before = {volume.source_id for volume in record.before.volumes}
        return [one for one in volumes if one.id in before and one.metadata.get(KEPT_KEY) == record.id]

    def _kept(self, record: RollBackRecord) -> list[dict[str, t.Any]]:
        """The volumes that are out of use until it is accepted, where servers were exchanged and may be again."""
        if self._check_mode or record.state not in (ROLLED_BACK, UNDONE):
            return []
        return [_shown(one) for one in self._unused(record, self._clouds.storage.volumes())]

    # All of them

    @property
    def _what(self) -> str:
        return f"Application '{self._application.name}' at site '{self._settings.site}'"

    def _refuse(self, found: t.Iterable[str], done: str) -> None:
        listed = list(found)
        if listed:
            raise CheckFailed(f"{self._what} cannot be {done}", listed)

    def _look(self) -> Stock:
        return restore_stock.look(self._cloud, self._settings.concurrency)

    def _opened(self, manifest: Manifest) -> Manifest:
        return user_data.opened(manifest, self._settings.user_data_key)

    def _mark(self, record: RollBackRecord, checkpoint: str) -> FenceMark:
        return FenceMark(record.application, record.site, checkpoint, self._settings.now, f"roll-back {record.id}")

    def _exchanger(self, record: RollBackRecord) -> Exchanger:
        settings = self._settings
        return Exchanger(self._clouds, settings.stopping, settings.waiter, settings.concurrency, record.id)

    def _end(self, record: RollBackRecord, exchanger: Exchanger, servers: list[dict[str, t.Any]]) -> Result:
        for warning in exchanger.warnings:
            self._warn(warning)
        if record.state == UNDONE:
            self._use_again(record)
        self._catalogue.set_roll_back(record)
        return self._result(record, changed=True, servers=servers)

    def _use_again(self, record: RollBackRecord) -> None:
        """Take the marks of volumes out of use off those that are used again."""
        before = {volume.source_id for volume in record.before.volumes}
        kept = [one.id for one in self._clouds.storage.volumes() if one.id in before and KEPT_KEY in one.metadata]
        each(kept, lambda volume_id: self._clouds.storage.delete_volume_metadata(volume_id, KEPT_KEY), self._settings.concurrency)

    def _result(
        self,
        record: RollBackRecord,
        changed: bool,
        needs: t.Iterable[Need] = (),
        volumes: t.Sequence[dict[str, t.Any]] = (),
        servers: t.Sequence[dict[str, t.Any]] = (),
    ) -> Result:
        before = self._found.state if self._found else "absent"
        return {
            "changed": changed,
            "roll_back": record.as_dict(),
            "resumed": self._found is not None,
            "needs": [dataclasses.asdict(need) for need in needs],
            "volumes": list(volumes),
            "servers": list(servers),
            "kept": self._kept(record),
            "diff": {"before": {"state": before}, "after": {"state": record.state}},
        }


def _shown(volume: Volume) -> dict[str, t.Any]:
    return {"name": volume.name, "volume_id": volume.id, "size": volume.size}


def _originals(record: RollBackRecord, site: RestoreSite) -> dict[str, Server]:
    """The servers that were there before, as far as they are there, per name."""
    there = {server.id: server for server in site.servers}
    return {spec.name: there[spec.source_id] for spec in record.before.servers if spec.source_id in there}


def _twice(originals: t.Mapping[str, Server], after: t.Mapping[str, Server]) -> list[str]:
    """Servers that are there in both states, which no run leaves."""
    return [
        f"Server '{name}' is there twice, as {originals[name].id} and {after[name].id}; remove the one that is not to stay, keeping its ports and volumes."
        for name in sorted({*originals} & {*after})
    ]
