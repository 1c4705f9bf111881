# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The process that is a site: started, asked for, or killed with everything that runs in it."""

from __future__ import annotations

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.lab_site import Site, SiteError

DOCUMENTATION = """
module: site_anchor
short_description: Start or kill a site of the lab
description:
  - The anchor is supervisord as process 1 of the site's namespaces.
  - Killing it kills every process of the site at once, guests included.
options:
  site:
    description: Name of the site.
    type: str
    required: true
  lab_dir:
    description: Directory of the lab's state.
    type: path
    required: true
  state:
    description: What the site shall be. V(reported) changes nothing.
    type: str
    choices: [running, killed, reported]
    required: true
  supervisord:
    description: Path of supervisord, for O(state=running).
    type: path
  network_namespace:
    description: Name of the network namespace that the site lives in, for O(state=running).
    type: str
author: The osdr.openstack authors
"""

RETURN = """
running:
  description: Whether the site runs now.
  type: bool
  returned: always
killed:
  description: Number of processes that were killed.
  type: int
  returned: when O(state=killed)
"""


def apply(site, params, check_mode):
    running = site.anchor() is not None
    state = params["state"]
    if check_mode or state == "reported":
        return {"changed": state != "reported" and running != (state == "running"), "running": running}
    if state == "killed":
        killed = site.kill()
        return {"changed": bool(killed), "running": False, "killed": killed}
    if not running:
        site.start_anchor(params["supervisord"], params["network_namespace"])
    return {"changed": not running, "running": True}


def main():
    module = AnsibleModule(
        argument_spec={
            "site": {"type": "str", "required": True},
            "lab_dir": {"type": "path", "required": True},
            "state": {"type": "str", "choices": ["running", "killed", "reported"], "required": True},
            "supervisord": {"type": "path"},
            "network_namespace": {"type": "str"},
        },
        required_if=[("state", "running", ("supervisord", "network_namespace"))],
        supports_check_mode=True,
    )
    try:
        module.exit_json(**apply(Site(module.params["site"], module.params["lab_dir"]), module.params, module.check_mode))
    except SiteError as problem:
        module.fail_json(msg=str(problem))


if __name__ == "__main__":
    main()
