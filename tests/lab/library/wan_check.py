# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Look whether the WAN of the lab carries."""

from __future__ import annotations

import subprocess

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.lab_wan import Stranger, problems

DOCUMENTATION = """
module: wan_check
short_description: Look whether the WAN of the lab carries
description:
  - Has two strangers join the WAN for a moment. Fails when this machine, or one of them, does not reach the other.
options:
  bridge:
    description: The bridge.
    type: str
    required: true
  prefix:
    description: Length of the WAN's prefix.
    type: int
    required: true
  addresses:
    description: Two addresses of the WAN that nobody has.
    type: list
    elements: str
    required: true
author: The osdr.openstack authors
"""


def main():
    module = AnsibleModule(
        argument_spec={
            "bridge": {"type": "str", "required": True},
            "prefix": {"type": "int", "required": True},
            "addresses": {"type": "list", "elements": "str", "required": True},
        },
    )
    strangers = [Stranger(f"osdr-try{number}", address) for number, address in enumerate(module.params["addresses"])]
    try:
        found = problems(module.params["bridge"], module.params["prefix"], strangers)
    except subprocess.CalledProcessError as problem:
        module.fail_json(msg=f"The WAN cannot be tried: {' '.join(problem.cmd)}: {problem.stderr.strip()}")
    if found:
        module.fail_json(msg="\n".join(["The sites would not reach each other.", *(f"* {one}" for one in found)]))
    module.exit_json(changed=False)


if __name__ == "__main__":
    main()
