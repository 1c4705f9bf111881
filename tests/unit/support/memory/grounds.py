# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A provider whose projects are in Keystone, with what applications stand on at the primary site, and an empty remote site."""

from __future__ import annotations

import typing as t

from ansible_collections.osdr.openstack.plugins.module_utils.cloud.configured import ConfiguredProject
from ansible_collections.osdr.openstack.plugins.module_utils.core.errors import CloudError, NoAnswer
from ansible_collections.osdr.openstack.plugins.module_utils.infrastructure.look import InfrastructureAccess
from ansible_collections.osdr.openstack.tests.unit.support.memory.asking import Caller, Resource
from ansible_collections.osdr.openstack.tests.unit.support.memory.provider import ADMIN, NORTH, SOUTH, Provider, plan
from ansible_collections.osdr.openstack.tests.unit.support.memory.site import MemorySite, connection_to

OPERATOR = Caller(ADMIN, sees_all=True)


class Grounds(Provider):
    """Projects have ids that are not their names, and whoever has none cannot log in.

    :ivar configured: what clouds.yaml says of the projects of entries; of the others it says the name.
    """

    def __init__(self, *projects: str) -> None:
        super().__init__()
        self.configured: dict[str, ConfiguredProject] = {}
        for site in self.sites.values():
            site.keystone.have_project(ADMIN, id=ADMIN)
            site.neutron.extensions |= {"rbac-policies"}
            site.nova.by_id["flavors"].clear()
            site.cinder.types.clear()
            site.cinder.types["__DEFAULT__"] = {}
        for name in projects:
            self.north.keystone.have_project(name)

    @property
    def north(self) -> MemorySite:
        return self.sites[NORTH]

    @property
    def south(self) -> MemorySite:
        return self.sites[SOUTH]

    def project(self, site: str, name: str) -> str | None:
        """The id of a project."""
        return next((key for key, found in self.sites[site].keystone.projects.items() if found == name), None)

    def connection(self, cloud: str) -> t.Any:
        site, name = cloud.split("-", 1)
        self.asked.append(cloud)
        if {site, cloud} & self.down:
            raise NoAnswer(f"Site '{cloud}' could not log in: it does not answer.")
        project = self.project(site, name)
        if project is None:
            raise CloudError(f"Site '{cloud}' could not log in: the request requires authentication.", http_status=401)
        connection = connection_to(self.sites[site], Caller(project, sees_all=name == ADMIN))
        connection.session.get_project_id = lambda *_auth: project
        return connection

    def access(self) -> InfrastructureAccess:
        return InfrastructureAccess(self.connect, self._configured, 1)

    def _configured(self, cloud: str) -> ConfiguredProject:
        return self.configured.get(cloud, ConfiguredProject(name=cloud.split("-", 1)[1], domain="Default"))

    # What there is at a site

    def server(self, project: str, name: str, flavor: str, **values: t.Any) -> str:
        """Have a server at the primary site, with a root volume."""
        flavors = self.north.nova.by_id["flavors"]
        self._flavor = next(key for key, one in flavors.items() if one["original_name"] == flavor)
        return self.boot(t.cast(str, self.project(NORTH, project)), name, **values)

    def volume(self, project: str, name: str, volume_type: str) -> Resource:
        return self.north.cinder.create({"name": name, "size": 1, "volume_type": volume_type}, t.cast(str, self.project(NORTH, project)))

    @staticmethod
    def outside(site: MemorySite, name: str, cidr: str = "203.0.113.0/24", **more: t.Any) -> Resource:
        """Have an external network with a subnet."""
        wanted = {"name": name, "router:external": True, "project_id": ADMIN, "provider:network_type": "flat", **more}
        network = site.neutron.create("networks", wanted, OPERATOR)
        subnet = {"network_id": network["id"], "cidr": cidr, "enable_dhcp": False, "name": f"{name}-subnet", "project_id": ADMIN}
        site.neutron.create("subnets", subnet, OPERATOR)
        return network


def site_plan(*applications: Resource, projects: t.Sequence[str] = ("core", "shop"), **more: t.Any) -> Resource:
    """A plan with administrators at both sites."""
    made = plan(*applications, projects=projects, **more)
    for side, name in (("primary", NORTH), ("remote", SOUTH)):
        made["sites"][side]["admin_cloud"] = f"{name}-{ADMIN}"
    return made
