# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Make the mounts of a site, and look whether each of them is there."""

from __future__ import annotations

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.lab_mounts import Mount, MountError, make

DOCUMENTATION = """
module: site_mounts
short_description: Make the mounts of a site
description:
  - Makes each mount that is missing, whatever the host has mounted at its place, and fails unless all of them are to be seen afterwards.
  - Runs inside the site.
options:
  mounts:
    description: The mounts, in their order.
    type: list
    elements: dict
    required: true
    suboptions:
      source:
        description: The directory, or the name that tells the file system from the host's.
        type: str
        required: true
      target:
        description: Where it is mounted.
        type: path
        required: true
      kind:
        description: The kind of file system, C(bind) for a directory.
        type: str
        default: bind
      options:
        description: Options of the file system.
        type: str
        default: ""
author: The osdr.openstack authors
"""

RETURN = """
made:
  description: Where something was mounted.
  type: list
  elements: str
  returned: always
"""


def main():
    module = AnsibleModule(
        argument_spec={
            "mounts": {
                "type": "list", "elements": "dict", "required": True,
                "options": {
                    "source": {"type": "str", "required": True},
                    "target": {"type": "path", "required": True},
                    "kind": {"type": "str", "default": "bind"},
                    "options": {"type": "str", "default": ""},
                },
            },
        },
    )
    try:
        made = make([Mount(**wanted) for wanted in module.params["mounts"]])
    except (MountError, OSError) as problem:
        module.fail_json(msg=str(problem))
    module.exit_json(changed=bool(made), made=made)


if __name__ == "__main__":
    main()
