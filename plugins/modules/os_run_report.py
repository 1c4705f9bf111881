# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: os_run_report
short_description: Write the report of a checkpoint, a restore or a roll-back
version_added: 0.1.0
author:
  - The osdr.openstack authors (!UNKNOWN)
description:
  - Writes what happened in a run as one HTML page that needs nothing else, neither scripts nor the network, and the same facts as
    JSON next to it.
  - The report of a checkpoint shows when each server was frozen and each snapshot taken, the evidence for the consistency, and
    the copies. That of a restore shows when each volume and server was ready, and what decided how long it took. That of a roll-back shows what went
    back to which data, how long the application was out of service, and what is kept for the way back.
  - The page is made where Ansible runs, and copied to the host. The catalogue is asked for the manifest, and no cloud for anything else.
  - The same facts make the same files.
extends_documentation_fragment:
  - action_common_attributes
  - action_common_attributes.flow
  - action_common_attributes.files
options:
  path:
    description:
      - A file when it ends in C(.html), in a directory that is there. The JSON is next to it under the same name with C(.json).
      - Else a directory, made when missing. The files in it are called by application, checkpoint and what the run was, for example
        C(shop.2026-11-22-noon.checkpoint.html).
    type: path
    required: true
  application:
    description:
      - Name of the application.
    type: str
    required: true
  id:
    description:
      - Id of the checkpoint.
    type: str
    required: true
  parts:
    description:
      - The catalogue that has the checkpoint. Of an application over several projects, the catalogues of all of them, that of the leading one first; the
        report is of the servers and volumes of all.
    type: list
    elements: dict
    required: true
    suboptions:
      cloud:
        description: The site with the catalogue, by name or as a dictionary.
        type: raw
        required: true
      digest:
        description:
          - Digest of what it has of the checkpoint, as M(osdr.openstack.os_checkpoint_info) returned it. Fails when it has something else under this id by
            now.
        type: str
  container:
    description:
      - Name of the catalogue, as the option O(osdr.openstack.os_checkpoint_info#module:container) takes it.
    type: str
    default: osdr-catalogue
  hmac_key:
    description:
      - Secret with which manifests are signed, as the option O(osdr.openstack.os_checkpoint_info#module:hmac_key) takes it.
    type: str
  checkpoint:
    description:
      - The run took the checkpoint. Exactly one of O(checkpoint), O(restore) and O(roll_back) is given.
    type: dict
    suboptions:
      consistency:
        description:
          - The least consistency that was asked for.
        type: str
      restorable_at:
        description:
          - When it could be restored at the remote site, in ISO 8601 with an offset or V(Z). The RPO is the age of its data then.
        type: str
      since:
        description:
          - The checkpoint with which the last drill passed, as M(osdr.openstack.os_application_changes_info) returned it. The report has no
            list of changes without it.
        type: str
      changes:
        description:
          - What has changed since then, as M(osdr.openstack.os_application_changes_info) returned it.
        type: list
        elements: dict
        default: []
  restore:
    description:
      - The run restored the checkpoint.
    type: dict
    suboptions:
      site:
        description:
          - Name of the site where it was restored.
        type: str
      began_at:
        description:
          - When the restore began, in ISO 8601 with an offset or V(Z).
        type: str
        required: true
      clock_ahead:
        description:
          - Seconds by which the clock of the sites is ahead of that of O(restore.began_at), as M(osdr.openstack.os_checkpoint_info) returned them. The
            moment of the data is by the sites' clock.
        type: float
        default: 0
      seconds:
        description:
          - The recovery time, from then until every health check had passed.
        type: float
        required: true
      volumes:
        description:
          - What M(osdr.openstack.os_restore_volumes) returned, one entry for each call, in their order.
        type: list
        elements: dict
        default: []
      servers:
        description:
          - What M(osdr.openstack.os_restore_servers) returned, one entry for each call, in their order.
        type: list
        elements: dict
        required: true
  roll_back:
    description:
      - The run rolled the application back to the checkpoint.
    type: dict
    suboptions:
      site:
        description:
          - Name of the site where the application runs.
        type: str
      id:
        description:
          - Id of the roll-back.
        type: str
      stopped_at:
        description:
          - When the first server was asked to stop, as M(osdr.openstack.os_application_roll_back) returned it.
        type: str
      clock_ahead:
        description:
          - As O(restore.clock_ahead).
        type: float
        default: 0
      volumes:
        description:
          - What M(osdr.openstack.os_application_roll_back) returned with V(prepared).
        type: list
        elements: dict
        default: []
      servers:
        description:
          - What M(osdr.openstack.os_application_roll_back) returned with V(rolled_back).
        type: list
        elements: dict
        required: true
      kept:
        description:
          - The old volumes, as M(osdr.openstack.os_application_roll_back) returned them.
        type: list
        elements: dict
        default: []
  warnings:
    description:
      - Further warnings for the report.
    type: list
    elements: str
    default: []
  force:
    description:
      - With V(false), existing files are kept. So a run that had nothing to do keeps the report of the one that did the work.
    type: bool
    default: true
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
  - It reads nothing but catalogues, whose sites it is told in O(parts). Therefore it is not in the action group C(group/osdr.openstack.dr), whose
    defaults are for modules with a cloud of their own.
seealso:
  - module: osdr.openstack.os_application_changes_info
  - module: osdr.openstack.os_application_roll_back
  - module: osdr.openstack.os_checkpoint_info
  - module: osdr.openstack.os_restore_volumes
  - module: osdr.openstack.os_restore_servers
"""

EXAMPLES = r"""
- name: Report on a checkpoint
  osdr.openstack.os_run_report:
    path: /var/lib/dr-reports
    application: shop
    id: "{{ found.checkpoint.id }}"
    parts:
      - cloud: remote
        digest: "{{ found.checkpoint.digest }}"
    checkpoint:
      consistency: quiesced

- name: Report on a restore
  osdr.openstack.os_run_report:
    path: /var/lib/dr-reports/shop.html
    application: shop
    id: "{{ found.checkpoint.id }}"
    parts:
      - cloud: remote
        digest: "{{ found.checkpoint.digest }}"
    restore:
      site: remote
      began_at: "2026-11-22T14:30:00Z"
      seconds: 48.3
      volumes: ["{{ restored_volumes }}"]
      servers: ["{{ restored_servers }}"]
"""

RETURN = r"""
report:
  description: Where the report is.
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
    path: /var/lib/dr-reports/shop.2026-11-22-noon.checkpoint.html
    json: /var/lib/dr-reports/shop.2026-11-22-noon.checkpoint.json
"""
