# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: os_site_run
short_description: Begin or end a run over the applications of a whole site
version_added: 0.1.0
author:
  - The osdr.openstack authors (!UNKNOWN)
description:
  - Begins a run in which many applications are checkpointed, restored, drilled or moved, each by a host of a play, and ends it.
    M(osdr.openstack.os_site_turn) has each of them wait for its turn.
  - The state of a run is kept in a catalogue at the remote site, so that several controllers, such as the job slices of AWX, work on one run. Each
    has a part of it. While the playbook runs, a process beside it renews that part; the part of a controller that is gone counts for 90 seconds at most.
  - A run without an O(id) is the one of its kind that was interrupted, and resumes it, or else a new one. What was done in the run stays done. What
    failed or was skipped is only tried again by a run with the same O(id), or by a new run.
  - A controller that works on some of the O(applications) in a run of the same kind is never overtaken; the module fails then.
  - The records of the ten newest runs of each kind are kept.
  - It is played where Ansible itself runs. Records of runs do not count as changes.
extends_documentation_fragment:
  - osdr.openstack.auth
  - osdr.openstack.catalogue
  - osdr.openstack.site_limits
  - osdr.openstack.attributes
attributes:
  check_mode:
    details:
      - A run that is only predicted is written nowhere, and takes no account of others.
  diff_mode:
    support: none
  idempotent:
    support: none
    details:
      - Each run is another record.
options:
  state:
    description:
      - V(begun) at the beginning of a playbook, V(ended) at its end. What nobody has begun by then is skipped.
    type: str
    choices: [begun, ended]
    default: begun
  kind:
    description:
      - What is done with the applications. In V(restore) and V(failover), dependencies and waves are heeded; in the others they only order the applications.
      - Needed to begin.
    type: str
    choices: [checkpoint, restore, drill, failover, reprotect]
  id:
    description:
      - Id of the run, the same for all controllers that work on it. By it, a run that is over can be taken up again.
    type: str
    default: ""
  applications:
    description:
      - Those of this controller. Needed to begin.
    type: list
    elements: dict
    suboptions:
      name:
        description:
          - Name of its host.
        type: str
        required: true
      wave:
        description:
          - Number of its wave. In a restore, a wave begins when all earlier ones are over.
        type: int
        default: 0
      priority:
        description:
          - The smaller one comes first. Of equal ones, that comes first on which the longest way to the end of the run depends, by the times of earlier runs.
        type: int
        default: 500
      depends_on:
        description:
          - Names of applications that must be done before. Those that do not take part in the run are up to you.
        type: list
        elements: str
        default: []
  parts:
    description:
      - On how many controllers the run is played. What depends on an application that no controller has waits until all of them have begun.
    type: int
    default: 1
  resume_within:
    description:
      - Seconds after the beginning of a run within which it is resumed without its O(id).
    type: int
    default: 86400
  directory:
    description:
      - The C(directory) that was returned when the run began. Needed to end it.
    type: path
seealso:
  - module: osdr.openstack.os_site_turn
  - module: osdr.openstack.os_site_run_info
"""

EXAMPLES = r"""
- name: Begin
  osdr.openstack.os_site_run:
    cloud: south-operations
    kind: restore
    applications:
      - name: identity
        priority: 10
      - name: shop
        depends_on: [identity]
  register: begun

- name: End
  osdr.openstack.os_site_run:
    cloud: south-operations
    state: ended
    directory: "{{ begun.run.directory }}"
"""

RETURN = r"""
run:
  description: The run.
  returned: success
  type: dict
  contains:
    id:
      description: Its id.
      type: str
    part:
      description: Id of this controller's part; only when it begins.
      type: str
    resumed:
      description: Whether an earlier part of the run has had some of the applications; only when it begins.
      type: bool
    directory:
      description: Where the processes of this controller know each other; only when it begins.
      type: str
    order:
      description: Names of this controller's applications in the order in which they begin when nothing keeps them; only when it begins.
      type: list
      elements: str
    kind:
      description: What is done with the applications; like all that follows, only when it ends.
      type: str
    began:
      description: When its first part began, in ISO 8601.
      type: str
    ended:
      description: When the last application was over; null while some controller works on it.
      type: str
    controllers:
      description: Names of the machines that work on it.
      type: list
      elements: str
    complete:
      description: Whether all applications are done.
      type: bool
    counts:
      description: How many applications are in each state.
      type: dict
    progress:
      description: The same as a sentence.
      type: str
    text:
      description: The same for people, and why applications failed or were skipped, line by line.
      type: str
    applications:
      description: All applications of the run, in order.
      type: list
      elements: dict
      contains:
        name:
          description: Name of its host.
          type: str
        state:
          description: V(planned), V(waiting), V(claiming), V(running), V(done), V(failed) or V(skipped).
          type: str
        since:
          description: Since when, in ISO 8601; null when nothing has happened yet.
          type: str
        seconds:
          description: How long it took; null when it has not been done.
          type: int
        expected_seconds:
          description: How long it took in the run before; null when there was none.
          type: int
        message:
          description: Why it failed or was skipped.
          type: str
  sample:
    id: 20261122T120000Z-restore
    part: 20261122T120000-3f2a1b
    resumed: false
    directory: /tmp/osdr-run-x1y2
    order: [identity, shop]
"""
