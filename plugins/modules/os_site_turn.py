# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: os_site_turn
short_description: Wait for the turn of an application in a run over a whole site, and give it back
version_added: 0.1.0
author:
  - The osdr.openstack authors (!UNKNOWN)
description:
  - Waits until an application may begin, which is when what it depends on is done, earlier waves are over, and the limits of the sites have room for it beside
    everything else that is under way, also in other runs and on other controllers.
  - An application that waits for a limit is not overtaken by one that comes later and needs the same limit. One that needs more than a limit allows
    takes all of it.
  - An application that was done in the run before, or that depends on one that failed, is over at once, as the result says.
  - Each turn that begins or ends is told on the standard error, with the progress of the run.
  - It is played where Ansible itself runs. Records of runs do not count as changes.
extends_documentation_fragment:
  - osdr.openstack.auth
  - osdr.openstack.catalogue
  - osdr.openstack.site_limits
  - osdr.openstack.attributes
attributes:
  check_mode:
    details:
      - Turns of a run that is only predicted are written nowhere, and take no account of other runs.
  diff_mode:
    support: none
  idempotent:
    support: full
options:
  state:
    description:
      - V(taken) waits for the turn. Then the application is under way until V(done) or V(failed) give the turn back.
      - V(narrowed) keeps only some of what the application holds of the limits.
    type: str
    choices: [taken, narrowed, done, failed]
    required: true
  directory:
    description:
      - The C(directory) that M(osdr.openstack.os_site_run) returned when the run began.
    type: path
    required: true
  application:
    description:
      - Name of its host.
    type: str
    required: true
  needs:
    description:
      - What it takes of the limits from now on, as numbers of C(freezes), C(backups), C(restores) and C(boots), by the names of the sites.
    type: dict
    default: {}
  message:
    description:
      - Why it failed.
    type: str
    default: ""
  timeout:
    description:
      - Seconds that it may wait for its turn.
    type: int
    default: 86400
seealso:
  - module: osdr.openstack.os_site_run
"""

EXAMPLES = r"""
- name: Restore it when it is its turn
  block:
    - name: Wait for the turn
      osdr.openstack.os_site_turn:
        cloud: south-operations
        directory: "{{ begun.run.directory }}"
        state: taken
        application: shop
        needs:
          south: {restores: 4, boots: 3}
        limits:
          south: {restores: 6, boots: 20}
      register: taken

    - name: Restore it
      ansible.builtin.include_role:
        name: osdr.openstack.dr_restore
      when: taken.turn.state == 'running'

    - name: Give the turn back
      osdr.openstack.os_site_turn:
        cloud: south-operations
        directory: "{{ begun.run.directory }}"
        state: done
        application: shop
"""

RETURN = r"""
turn:
  description: The turn of the application.
  returned: success
  type: dict
  contains:
    state:
      description: V(running) when it may begin, V(done), V(failed) or V(skipped) when it is over.
      type: str
    message:
      description: Why it failed or was skipped; empty otherwise.
      type: str
    granted:
      description: What it may have under way at most of what it needs, by the names of the sites.
      type: dict
  sample:
    state: running
    message: ""
    granted:
      south: {restores: 4, boots: 3}
progress:
  description: How far the run is.
  returned: success
  type: str
  sample: 3 of 12 applications are done, 2 under way (shop, wiki), 7 waiting; about 25 min left
"""
