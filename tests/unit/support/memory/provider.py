# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Two sites in memory with as many projects as a test likes, each reached by a cloud of its own: ``north-shop`` is project ``shop`` at site ``north``."""

from __future__ import annotations

import typing as t

from ansible_collections.osdr.openstack.plugins.module_utils.cloud.session import Cloud
from ansible_collections.osdr.openstack.plugins.module_utils.core.errors import CloudError
from ansible_collections.osdr.openstack.tests.unit.support.memory.asking import Caller, Resource
from ansible_collections.osdr.openstack.tests.unit.support.memory.site import MemorySite, connection_to

NORTH, SOUTH = "north", "south"
#: The project of administrators.
ADMIN = "admin"
CONTAINER = "osdr-catalogue"


class Provider:
    """A provider's two sites.

    :ivar down: sites or clouds that do not answer.
    :ivar asked: the clouds that were connected to.
    """

    def __init__(self) -> None:
        self.sites = {name: MemorySite(name) for name in (NORTH, SOUTH)}
        self.down: set[str] = set()
        self.asked: list[str] = []
        self._flavor = self.sites[NORTH].nova.flavor("small", 1, 512)["id"]

    def boot(self, project: str, name: str, created: str = "2026-01-01T00:00:00Z", gigabytes: int = 1, **values: t.Any) -> str:
        """Have a server with a root volume at the primary site; returns its id.

        :param values: of the request for it, such as metadata and tags.
        """
        site, caller = self.sites[NORTH], Caller(project)
        root = site.cinder.create({"name": f"{name}-root", "size": gigabytes}, project)
        root["bootable"] = "true"
        disks = [{"uuid": root["id"], "boot_index": 0, "delete_on_termination": False}]
        wanted = {"name": name, "flavorRef": self._flavor, "networks": "none", "block_device_mapping_v2": disks, **values}
        made = site.ask("nova", "POST", "servers", {"server": wanted}, caller)["server"]["id"]
        self.sites[NORTH].nova.by_id["servers"][made]["created"] = created
        return t.cast(str, made)

    def mark(self, project: str, name: str, application: str, **marks: t.Any) -> str:
        """Have a server that its owner has marked."""
        metadata = {f"dr:{key}": str(value) for key, value in {"application": application, **marks}.items()}
        return self.boot(project, name, metadata=metadata)

    def publish(self, project: str, application: str, checkpoint: str = "c1") -> None:
        """Have something called like a checkpoint in a project's catalogue at the remote site."""
        self.sites[SOUTH].swift.objects[project, CONTAINER][f"{application}/{checkpoint}.json"] = b"{}"

    def silence(self, cloud: str) -> None:
        """Have a site or a cloud that does not answer."""
        self.down.add(cloud)

    def connection(self, cloud: str) -> t.Any:
        """The SDK's connection to a cloud."""
        site, project = cloud.split("-", 1)
        self.asked.append(cloud)
        if {site, cloud} & self.down:
            raise CloudError(f"Site '{cloud}' could not log in: it does not answer.")
        connection = connection_to(self.sites[site], Caller(project, sees_all=project == ADMIN))
        connection.session.get_project_id = lambda *_auth: project
        return connection

    def connect(self, cloud: str) -> Cloud:
        return Cloud(self.connection(cloud), cloud)


def plan(*applications: Resource, projects: t.Sequence[str] = ("core", "shop"), **more: t.Any) -> Resource:
    """A site plan for the projects of a provider."""
    sites = {"primary": {"name": NORTH}, "remote": {"name": SOUTH}}
    clouds = {name: {"primary": f"{NORTH}-{name}", "remote": f"{SOUTH}-{name}"} for name in projects}
    return {"schema_version": 1, "sites": sites, "projects": clouds, "applications": list(applications), **more}
