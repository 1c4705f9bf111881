# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The services, projects and users of a new site in one call: as single tasks they would take minutes."""

from __future__ import annotations

import openstack
from ansible.module_utils.basic import AnsibleModule
from openstack.exceptions import SDKException

DOCUMENTATION = """
module: site_identity
short_description: Fill the catalogue and the users of a site
description:
  - Makes what is missing; changes and removes nothing.
options:
  cloud:
    description: Entry of clouds.yaml, of an administrator.
    type: str
    required: true
  services:
    description: Services with their endpoints.
    type: list
    elements: dict
    required: true
    suboptions:
      name:
        description: Its name.
        type: str
        required: true
      type:
        description: Its type in the catalogue.
        type: str
        required: true
      url:
        description: Its endpoint.
        type: str
        required: true
  projects:
    description: Names of projects.
    type: list
    elements: str
    required: true
  users:
    description: Users, all with the same password.
    type: list
    elements: dict
    required: true
    suboptions:
      name:
        description: Its name.
        type: str
        required: true
      project:
        description: The project in which it has the roles.
        type: str
        required: true
      roles:
        description: Names of the roles.
        type: list
        elements: str
        required: true
  password:
    description: The users' password.
    type: str
    required: true
author: The osdr.openstack authors
"""

RETURN = """
made:
  description: What was made.
  type: list
  elements: str
  returned: always
"""


class Identity:
    """Makes what is missing, and notes it."""

    def __init__(self, cloud):
        self.connection = openstack.connect(cloud=cloud)
        self.api = self.connection.identity
        self.made = []

    def service(self, name, type, url):
        service = self._by_name(self.api.services(), name)
        if service is None:
            service = self.api.create_service(name=name, type=type)
            self.made.append(f"service {name}")
        region = self.connection.config.get_region_name()
        # Services ask for internal endpoints, users for public ones: they are the same here.
        for interface in ("public", "internal"):
            if not list(self.api.endpoints(service_id=service.id, interface=interface)):
                self.api.create_endpoint(service_id=service.id, interface=interface, url=url, region_id=region)
                self.made.append(f"{interface} endpoint of {name}")

    def project(self, name):
        if self._by_name(self.api.projects(), name) is None:
            self.api.create_project(name=name, domain_id="default")
            self.made.append(f"project {name}")

    def user(self, name, project, roles, password):
        user = self._by_name(self.api.users(), name)
        if user is None:
            user = self.api.create_user(name=name, password=password, domain_id="default")
            self.made.append(f"user {name}")
        project_id = self._by_name(self.api.projects(), project).id
        held = {grant.role["id"] for grant in self.api.role_assignments(user_id=user.id, scope_project_id=project_id)}
        for role in (self._by_name(self.api.roles(), wanted) for wanted in roles):
            if role.id not in held:
                self.api.assign_project_role_to_user(project_id, user, role)
                self.made.append(f"role {role.name} of {name} in {project}")

    @staticmethod
    def _by_name(resources, name):
        return next((resource for resource in resources if resource.name == name), None)


def main():
    named = {"type": "str", "required": True}
    module = AnsibleModule(
        argument_spec={
            "cloud": named,
            "services": {
                "type": "list", "elements": "dict", "required": True,
                "options": {"name": named, "type": named, "url": named},
            },
            "projects": {"type": "list", "elements": "str", "required": True},
            "users": {
                "type": "list", "elements": "dict", "required": True,
                "options": {"name": named, "project": named, "roles": {"type": "list", "elements": "str", "required": True}},
            },
            "password": {"type": "str", "required": True, "no_log": True},
        },
    )
    try:
        identity = Identity(module.params["cloud"])
        for service in module.params["services"]:
            identity.service(**service)
        for project in module.params["projects"]:
            identity.project(project)
        for user in module.params["users"]:
            identity.user(**user, password=module.params["password"])
    except SDKException as problem:
        module.fail_json(msg=f"Cannot fill the catalogue of {module.params['cloud']}: {problem}")
    module.exit_json(changed=bool(identity.made), made=identity.made)


if __name__ == "__main__":
    main()
