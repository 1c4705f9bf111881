#!/usr/bin/python
# SPDX-FileCopyrightText: The osdr.openstack authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: os_site_run_info
short_description: See how far runs over the applications of a whole site are, or how they ended
version_added: 0.1.0
author:
  - The osdr.openstack authors (!UNKNOWN)
description:
  - Reads the records of runs that M(osdr.openstack.os_site_run) has begun, those under way and those that are over, from the catalogue. It can be run from
    anywhere, at any time.
  - Applications that a controller left which is gone have failed, until another run takes them up.
extends_documentation_fragment:
  - osdr.openstack.auth
  - osdr.openstack.catalogue
  - osdr.openstack.site_limits
  - osdr.openstack.attributes
  - osdr.openstack.attributes.info_module
options:
  id:
    description:
      - Id of the run to read. All that are there when omitted.
    type: str
seealso:
  - module: osdr.openstack.os_site_run
"""

EXAMPLES = r"""
- name: Look at all runs
  osdr.openstack.os_site_run_info:
    cloud: south-operations
  register: found

- name: Say how far the newest one is
  ansible.builtin.debug:
    msg: "{{ (found.runs | first).progress }}"
"""

RETURN = r"""
runs:
  description: The runs, the newest first.
  returned: success
  type: list
  elements: dict
  contains:
    id:
      description: Its id.
      type: str
    kind:
      description: V(checkpoint), V(restore), V(drill), V(failover) or V(reprotect).
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
"""

from ansible_collections.osdr.openstack.plugins.module_utils import args
from ansible_collections.osdr.openstack.plugins.module_utils.cloud.session import connect
from ansible_collections.osdr.openstack.plugins.module_utils.core.errors import reported
from ansible_collections.osdr.openstack.plugins.module_utils.orchestration.shelf import PartShelf
from ansible_collections.osdr.openstack.plugins.module_utils.orchestration.telling import summaries


def run(module, shelf, now):
    shelved = shelf.parts()
    for warning in shelved.unreadable:
        module.warn(warning)
    wanted = module.params["id"]
    return {"runs": [one for one in summaries(shelved.parts, now, module.params["limits"]) if wanted in (None, one["id"])]}


def main():
    spec = args.spec(args.AUTH, args.CATALOGUE, args.SITE_LIMITS, {"id": {"type": "str"}})
    module = args.Module(argument_spec=spec, supports_check_mode=True)
    with reported(module):
        cloud = connect(module.params)
        result = run(module, PartShelf.of(cloud, module.params), cloud.clock.now())
    module.exit_json(changed=False, **result)


if __name__ == "__main__":
    main()
