# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A provider with applications that are protected: with checkpoints and drills in the catalogues of the remote site, which has room for all of them."""

from __future__ import annotations

import dataclasses
import datetime
import typing as t
from types import SimpleNamespace

from ansible_collections.osdr.openstack.plugins.module_utils.application.definition import Application
from ansible_collections.osdr.openstack.plugins.module_utils.capture.comparison import running
from ansible_collections.osdr.openstack.plugins.module_utils.catalogue.active_record import ActiveRecord
from ansible_collections.osdr.openstack.plugins.module_utils.catalogue.catalogue import Catalogue
from ansible_collections.osdr.openstack.plugins.module_utils.catalogue.drill_record import DrillRecord
from ansible_collections.osdr.openstack.plugins.module_utils.cloud.session import Cloud
from ansible_collections.osdr.openstack.plugins.module_utils.cloud.site_clock import SiteClock
from ansible_collections.osdr.openstack.plugins.module_utils.infrastructure.captured import InfrastructureKeeper, KeptInfrastructure
from ansible_collections.osdr.openstack.plugins.module_utils.infrastructure.job import capture
from ansible_collections.osdr.openstack.plugins.module_utils.manifest.manifest import Copy, Manifest
from ansible_collections.osdr.openstack.plugins.module_utils.manifest.plain import plain
from ansible_collections.osdr.openstack.plugins.module_utils.site.plan import SitePlan
from ansible_collections.osdr.openstack.plugins.modules import os_site_status_info
from ansible_collections.osdr.openstack.tests.unit.support.at_once import at_once
from ansible_collections.osdr.openstack.tests.unit.support.memory.asking import Resource
from ansible_collections.osdr.openstack.tests.unit.support.memory.grounds import Grounds, site_plan
from ansible_collections.osdr.openstack.tests.unit.support.memory.provider import ADMIN, CONTAINER, NORTH, SOUTH

NOW = datetime.datetime(2026, 1, 10, 12, 0, tzinfo=datetime.UTC)
HOUR, DAY = 3600, 86400
GOLD = {"consistency": "quiesced", "interval": "1h", "drill_interval": "1w"}
OPERATIONS = f"{SOUTH}-{ADMIN}"


def ago(seconds: float) -> str:
    return (NOW - datetime.timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%SZ")


class Watched(Grounds):
    """:ivar key: by which documents are signed."""

    def __init__(self, *projects: str, policies: t.Mapping[str, Resource] | None = None) -> None:
        super().__init__(*(projects or ("core", "shop")))
        self.key: str | None = None
        self.projects = projects or ("core", "shop")
        self.policies = {"gold": GOLD} if policies is None else policies
        self.applications: list[Resource] = []
        for name in self.projects:
            self.south.keystone.have_project(name)
        for site in (self.north, self.south):
            site.nova.flavor("small", 1, 512)
        self.south.placement.hosts = {"host-1": {"VCPU": (64, 0), "MEMORY_MB": (65536, 0)}}

    def connect(self, cloud: str) -> Cloud:
        found = super().connect(cloud)
        found.clock = SiteClock(found.site, wall=lambda: NOW)
        return found

    def catalogue(self, project: str) -> Catalogue:
        return Catalogue.of(self.connect(f"{SOUTH}-{project}"), {"container": CONTAINER, "hmac_key": self.key})

    # What is set up

    def application(self, name: str, project: str, *servers: str, **planned: t.Any) -> None:
        """Have an application with a tier of these servers."""
        for server in servers:
            self.server(project, server, "small")
        tiers = [{"name": "all", "servers": list(servers)}]
        self.applications.append({"name": name, "project": project, "policy": "gold", "tiers": tiers, **planned})

    def checkpoint(self, name: str, project: str, seconds: float, checkpoint: str = "noon", **changes: t.Any) -> Manifest:
        """Have a checkpoint of what an application is now, of so many seconds ago.

        :param changes: of what the manifest says of the checkpoint.
        """
        planned = next(one for one in self.applications if one["name"] == name)
        application = Application.parse({"name": name, "tiers": planned["tiers"]})
        with at_once():
            description = running(self.connect(f"{NORTH}-{project}"), application, 1).description
        copies = [plain(self._copy(volume.source_id, volume.size, name, checkpoint, project)) for volume in description.volumes]
        consistency = changes.get("consistency", "quiesced")
        proof = {"server_consistency": {one.name: consistency for one in description.servers}, "evidence": {}}
        about = {"id": checkpoint, "created_at": ago(seconds), "site": NORTH, "consistency": consistency, **proof, "together": None, **changes}
        manifest = Manifest.parse({"schema_version": 3, "checkpoint": about, **description.as_dict(), "copies": copies})
        self.catalogue(project).publish(manifest)
        return manifest

    def _copy(self, volume_id: str, size: int, application: str, checkpoint: str, project: str) -> Copy:
        marks = {"osdr_application": application, "osdr_checkpoint": checkpoint}
        held = self.south.cinder.hold(self.north.cinder.by_id["volumes"][volume_id], marks)
        held["project_id"] = self.project(SOUTH, project)
        return Copy(volume_id, "cinder_backup", held["id"], (held["id"],), size, False, 1, "backups", 1)

    def drill(self, manifest: Manifest, project: str, seconds: float, took: float = 60.0, **changes: t.Any) -> DrillRecord:
        """Have a drill that passed so many seconds ago: half of its time for volumes, a quarter for boots, and an eighth for checks."""
        half, three, most = took / 2, took * 3 / 4, took * 7 / 8
        servers = [
            {"name": one.name, "tier": one.tier, "status": "ACTIVE", "checks": [], "seconds": {"created": half, "active": three, "ready": most}}
            for one in manifest.description.servers
        ]
        volumes = [
            {"name": volume.name, "servers": [one.name], "size": volume.size, "seconds": half}
            for one in manifest.description.servers
            for volume in one.volumes
        ]
        record = DrillRecord(
            application=manifest.application.name,
            checkpoint=manifest.checkpoint.id,
            drill=f"d{seconds:.0f}",
            started_at=ago(seconds + took),
            finished_at=ago(seconds),
            outcome="passed",
            recovery_seconds=took,
            servers=tuple(servers),
            volumes=tuple(volumes),
        )
        record = dataclasses.replace(record, **changes)
        self.catalogue(project).record_drill(record)
        return record

    def runs_at(self, application: str, project: str, site: str) -> None:
        self.catalogue(project).set_active(ActiveRecord(application, site, ago(DAY), ""))

    def keep_infrastructure(self) -> None:
        """Capture the primary site, and keep that."""
        with at_once():
            found = capture(SitePlan.parse(self.plan()), self.access())
            keeper = InfrastructureKeeper.of(self.connect(OPERATIONS), {"container": CONTAINER, "hmac_key": self.key})
            keeper.write(KeptInfrastructure(found, ago(DAY)))

    # What is seen

    def plan(self, **more: t.Any) -> Resource:
        return site_plan(*self.applications, projects=self.projects, policies=self.policies, **more)

    def look(self, plan: Resource | None = None, **params: t.Any) -> Resource:
        """What the module returns."""
        with at_once():
            return self.looked(plan, **params)

    def looked(self, plan: Resource | None = None, concurrency: int = 1, **params: t.Any) -> Resource:
        """The same with all that the library and the SDK do."""
        given = {"container": CONTAINER, "hmac_key": self.key, "hmac_keys": {}, "mapping": None, "mappings": {}, "plan": plan or self.plan(), **params}
        access = dataclasses.replace(self.access(), concurrency=concurrency)
        return os_site_status_info.run(SimpleNamespace(params=given), self.connect(OPERATIONS), access)
