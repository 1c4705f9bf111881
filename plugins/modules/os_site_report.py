# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: os_site_report
short_description: Write the page about a whole site
version_added: 0.1.0
author:
  - The osdr.openstack authors (!UNKNOWN)
description:
  - Writes how a site is protected as one HTML page that needs nothing else, neither scripts nor the network, and the same facts as JSON next to it.
  - The page is made where Ansible runs, and copied to the host. No cloud is asked for anything.
  - The same facts make the same files.
extends_documentation_fragment:
  - action_common_attributes
  - action_common_attributes.flow
  - action_common_attributes.files
options:
  path:
    description:
      - A file when it ends in C(.html), in a directory that is there. The JSON is next to it under the same name with C(.json).
      - Else a directory, made when missing. The files in it are called by the primary site, for example C(north.site_status.html).
    type: path
    required: true
  status:
    description:
      - What M(osdr.openstack.os_site_status_info) returned as RV(osdr.openstack.os_site_status_info#module:status).
    type: dict
    required: true
  mode:
    description:
      - The permissions of the files, as M(ansible.builtin.copy) takes them.
    type: raw
    default: "0644"
attributes:
  action:
    support: full
  async:
    support: none
  bypass_host_loop:
    support: none
  check_mode:
    support: full
  diff_mode:
    support: full
  platform:
    platforms: posix
  safe_file_operations:
    support: full
  vault:
    support: none
notes:
  - It talks to no cloud, and therefore is not in the action group C(group/osdr.openstack.dr), whose defaults are for modules that do.
seealso:
  - module: osdr.openstack.os_site_status_info
"""

EXAMPLES = r"""
- name: See how the site is protected
  osdr.openstack.os_site_status_info:
    cloud: south-operations
    plan: "{{ lookup('ansible.builtin.file', 'site.yml') | from_yaml }}"
  register: site

- name: Write the page
  osdr.openstack.os_site_report:
    path: /var/www/dr
    status: "{{ site.status }}"
"""

RETURN = r"""
report:
  description: Where the page is.
  returned: success
  type: dict
  contains:
    path:
      description: The HTML page.
      type: str
    json:
      description: The same facts as JSON.
      type: str
  sample:
    path: /var/www/dr/north.site_status.html
    json: /var/www/dr/north.site_status.json
"""
