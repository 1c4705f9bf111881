# SPDX-FileCopyrightText: The osdr.openstack authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""All applications of a site as hosts."""

from __future__ import annotations

DOCUMENTATION = r"""
name: applications
short_description: Applications of a whole site as hosts, from a site plan, marks on servers, queries, or the catalogue
version_added: 0.1.0
author:
  - The osdr.openstack authors (!UNKNOWN)
description:
  - Makes a host of each application of a site. Its variables are those of the roles P(osdr.openstack.dr_checkpoint#role),
    P(osdr.openstack.dr_restore#role), P(osdr.openstack.dr_failover#role) and P(osdr.openstack.dr_roll_back#role), so that a play over these
    hosts protects or recovers all of them, and limits, forks, batches and job slices work on applications as on any hosts.
  - Hosts are in the order of recovery. That is wave by wave, first what others depend on, then by priority.
  - All hosts are in the group C(applications), and in groups by wave, project, policy and site, for example C(wave_foundation), C(project_shop),
    C(policy_gold) and C(site_north). Those for which something is wrong are also in C(applications_in_doubt) and lack the definition of
    their application, so that a role refuses them; C(dr_site_problems) says why, and so does a warning.
  - A project that cannot be asked, and in which the plan has no application, is a host like C(unknown@shop), so that it is missed.
  - The servers of an application are looked up whenever the inventory is read. There is no cache, because it would protect the servers of
    yesterday.
  - A plan that cannot be used, or in which a key is there twice, is no inventory.
  - Uses a YAML file that ends with C(applications.yml) or C(applications.yaml).
extends_documentation_fragment:
  - constructed
options:
  plugin:
    description:
      - Marks the file as one for this plugin.
    type: str
    required: true
    choices: [osdr.openstack.applications]
  plan:
    description:
      - Path of the site plan, relative to the file of the inventory.
    type: str
    required: true
  source:
    description:
      - Where to look for applications.
      - With V(servers), at the primary site. The applications are those of the plan, and those that owners have marked on their servers.
      - With V(catalogue), at the remote site, for when the primary one is gone. The applications are those of the plan, and all others that have
        checkpoints there. They lack the definition, so their variables suffice for a restore only.
    type: str
    choices: [servers, catalogue]
    default: servers
    env:
      - name: OSDR_APPLICATIONS_SOURCE
  container:
    description:
      - Name of the projects' catalogues, for O(source=catalogue). In Swift it is the container in the object store of the remote site. Where
        C(osdr_catalogue) in a cloud's entry of C(clouds.yaml) names a bucket or directory for its catalogues, it is the folder there.
    type: str
    default: osdr-catalogue
  concurrency:
    description:
      - How many projects are asked in parallel.
    type: int
    default: 8
requirements:
  - openstacksdk
  - jsonschema
  - jmespath
notes:
  - The clouds of the plan are entries of C(clouds.yaml). Membership in the projects suffices.
  - The modules run on the controller, with the Python interpreter of Ansible itself.
seealso:
  - module: osdr.openstack.os_site_plan_check
"""

EXAMPLES = r"""
# north.applications.yml, beside site.yml
plugin: osdr.openstack.applications
plan: site.yml

---
# Further groups, as by any constructed inventory
plugin: osdr.openstack.applications
plan: site.yml
groups:
  urgent: dr_site_priority < 100
keyed_groups:
  - prefix: origin
    key: dr_site_origin
"""

import os
import re

from ansible.errors import AnsibleParserError
from ansible.parsing.dataloader import DataLoader
from ansible.plugins.inventory import BaseInventoryPlugin, Constructable
from ansible.template import trust_as_template
from ansible_collections.osdr.openstack.plugins.module_utils.cloud.session import connect_other
from ansible_collections.osdr.openstack.plugins.module_utils.core.errors import DrError
from ansible_collections.osdr.openstack.plugins.module_utils.site.listing import Listed, protected_at, recoverable_at
from ansible_collections.osdr.openstack.plugins.module_utils.site.look import SiteAccess
from ansible_collections.osdr.openstack.plugins.module_utils.site.names import APPLICATIONS, PROJECT, group_of
from ansible_collections.osdr.openstack.plugins.module_utils.site.plan import SitePlan
from ansible_collections.osdr.openstack.plugins.module_utils.site.plan_file import plan_in
from ansible_collections.osdr.openstack.plugins.module_utils.site.variables import variables_of

SUFFIXES = ("applications.yml", "applications.yaml")
#: Where the libraries are, for a host that is the controller itself but is not called so.
LOCAL = {"ansible_connection": trust_as_template("local"), "ansible_python_interpreter": trust_as_template("{{ ansible_playbook_python }}")}
_TEMPLATE = re.compile(r"[{}]|^#jinja2")


class InventoryModule(BaseInventoryPlugin, Constructable):
    NAME = "osdr.openstack.applications"

    def verify_file(self, path):
        return super().verify_file(path) and path.endswith(SUFFIXES)

    def parse(self, inventory, loader, path, cache=True):
        super().parse(inventory, loader, path, cache)
        self._read_config_data(path)
        try:
            plan = SitePlan.parse(read_plan(loader, path, self.get_option("plan")))
            listed = self._look(plan)
        except DrError as error:
            raise AnsibleParserError(str(error)) from error
        for doubt in listed.doubts:
            self.display.warning(doubt)
        self._fill(plan, listed)

    def _look(self, plan: SitePlan) -> Listed:
        access = SiteAccess(connect_other, self.get_option("concurrency"))
        if self.get_option("source") == "catalogue":
            return recoverable_at(plan, access, self.get_option("container"))
        return protected_at(plan, access)

    def _fill(self, plan: SitePlan, listed: Listed) -> None:
        self.inventory.add_group(APPLICATIONS)
        limits = {site.name: dict(site.limits) for site in (plan.primary, plan.remote)}
        self.inventory.set_variable(APPLICATIONS, "dr_site_limits", limits)
        self.inventory.set_variable(APPLICATIONS, "dr_site_waves", harmless(list(plan.waves)))
        for application in listed.applications:
            self._add(application.host, variables_of(application, plan), listed.groups_of(application))
        for one in listed.unprotected:
            group = self.inventory.add_group(group_of(PROJECT, one.project))
            self.inventory.set_variable(group, "dr_site_unprotected", harmless(one.summary()))

    def _add(self, host: str, variables: dict, groups: list[str]) -> None:
        self.inventory.add_host(host)
        for group in groups:
            self.inventory.add_child(self.inventory.add_group(group), host)
        for name, value in {**LOCAL, **harmless(variables)}.items():
            self.inventory.set_variable(host, name, value)
        strict = self.get_option("strict")
        self._set_composite_vars(self.get_option("compose"), variables, host, strict=strict)
        self._add_host_to_composed_groups(self.get_option("groups"), variables, host, strict=strict)
        self._add_host_to_keyed_groups(self.get_option("keyed_groups"), variables, host, strict=strict)


def read_plan(loader: DataLoader, path: str, plan: str):
    """The site plan in a file beside that of the inventory; it may be encrypted by Ansible Vault."""
    return plan_in(str(loader.get_text_file_contents(os.path.join(os.path.dirname(os.path.abspath(path)), plan))))


def harmless(value):
    """A value in which no text is taken for a template: those that could be one are not trusted, the others say so, which keeps the list readable."""
    if isinstance(value, dict):
        return {key: harmless(one) for key, one in value.items()}
    if isinstance(value, list):
        return [harmless(one) for one in value]
    if not isinstance(value, str):
        return value
    return value if _TEMPLATE.search(value) else trust_as_template(value)
