# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Look whether the lab can be built on this machine, before anything is changed."""

from __future__ import annotations

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.lab_host import Needs, gather, problems
from ansible.module_utils.lab_site import Site

DOCUMENTATION = """
module: host_check
short_description: Look whether the lab can be built on this machine
description:
  - Changes nothing. Fails with everything that stands in the way, and what to do about each.
options:
  lab_dir:
    description: Directory of the lab's state.
    type: path
    required: true
  bridge:
    description: Name of the bridge between the sites.
    type: str
    required: true
  networks:
    description: Networks that the lab uses.
    type: list
    elements: str
    required: true
  names:
    description: The sites' addresses by their names.
    type: dict
    required: true
  memory_gib:
    description: What has to be free while no site runs.
    type: int
    required: true
  disk_gib:
    description: What has to be free while no site runs.
    type: int
    required: true
author: The osdr.openstack authors
"""


def main():
    named = {"type": "str", "required": True}
    module = AnsibleModule(
        argument_spec={
            "lab_dir": {"type": "path", "required": True},
            "bridge": named,
            "networks": {"type": "list", "elements": "str", "required": True},
            "names": {"type": "dict", "required": True},
            "memory_gib": {"type": "int", "required": True},
            "disk_gib": {"type": "int", "required": True},
        },
        supports_check_mode=True,
    )
    params = module.params
    running = any(Site(name, params["lab_dir"]).anchor() for name in params["names"])
    needs = Needs(**params, is_running=running)
    found = problems(gather(needs), needs)
    if found:
        module.fail_json(msg="\n".join(["The lab cannot be built here. Nothing has been changed.", *(f"* {one}" for one in found)]))
    module.exit_json(changed=False)


if __name__ == "__main__":
    main()
